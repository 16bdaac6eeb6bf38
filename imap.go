package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/wire"
)

// Options configure a Client. nil and the zero value are safe; options are copied, never modified. A limit of 0, or
// of less except for Timeout, is the default given here.
type Options struct {
	TLSConfig         *tls.Config   // nil: the system's certificates; ServerName is the host that was dialled
	Dialer            ContextDialer // nil: a net.Dialer
	Logger            *slog.Logger  // one record a line at Debug; secrets and literal bodies are never included
	DisabledCaps      []string      // capabilities that are not used though a server offers them, by name: where its extension is faulty (MOVE of Exchange 2013)
	FallbackCharset   string        // of header text that declares no character set and is not UTF-8, by name ("gb18030", "shift_jis"): "" is windows-1252, a guess that keeps every byte
	StopAtLimit       bool          // a call of which the server handles a part at once ends with a PartialError in place of going on (RFC 9738)
	Enable            []string      // extensions to switch on after the login, of those that the server offers: "IMAP4rev2" (RFC 9051), "UTF8=ACCEPT"; see Client.Enable
	AllowInsecureAuth bool          // allow passwords on a connection without TLS (always allowed to loopback and child processes)
	Timeout           time.Duration // longest silence of the server while an answer is due: 0 is two minutes, negative none; a body that makes progress never times out
	MaxLine           int           // longest response without its literals, in bytes: 16 MiB; search results and sets are read on without it
	MaxLiteral        int64         // most bytes of literals of one response held in memory: 64 MiB; streamed bodies are not limited by it
	MaxBuffered       int64         // most bytes of results that wait in memory, for a suspended loop or the end of a command, and of events beside them: 64 MiB
	MaxDepth          int           // deepest nesting of a response: 100

	// ID is sent by itself after each login, where the server has the capability (RFC 2971), and a refusal of it is no error:
	// 163.com and 126.com refuse SELECT without. Its fields are "name", "version", "vendor", "support-url" and others; empty
	// and not nil sends an ID that says nothing.
	ID map[string]string

	// Without is added to DisabledCaps.
	//
	// Deprecated: use DisabledCaps.
	Without []string

	// LocalSort lets Sort and Thread, and their forms by number, fetch what they need of each message that matches and sort
	// here where the server cannot. It costs a few hundred bytes a message.
	LocalSort bool
}

// ContextDialer is what net.Dialer, tls.Dialer and the proxy packages have.
type ContextDialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultTimeout     = 2 * time.Minute
	defaultMaxLine     = 16 << 20
	defaultMaxLiteral  = 64 << 20
	defaultMaxBuffered = 64 << 20
)

// limits are the limits of o with the defaults filled in.
func (o *Options) limits() wire.Limits {
	l := wire.Limits{Timeout: o.Timeout, MaxLine: o.MaxLine, MaxLiteral: o.MaxLiteral, MaxBuffered: o.MaxBuffered, MaxDepth: o.MaxDepth}
	if l.Timeout >= 0 {
		l.Timeout = orDefault(l.Timeout, defaultTimeout)
	}
	l.MaxLine = orDefault(l.MaxLine, defaultMaxLine)
	l.MaxLiteral = orDefault(l.MaxLiteral, defaultMaxLiteral)
	l.MaxBuffered = orDefault(l.MaxBuffered, defaultMaxBuffered)
	l.MaxDepth = orDefault(l.MaxDepth, defaultDepth)
	return l
}

// orDefault returns the default for a limit that is not set, or cannot be one.
func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Client is one connection. All methods are safe for concurrent use; calls run in the order in which they arrive. It
// holds no goroutine; an idle Client costs little more than its connection.
type Client struct {
	*engine
	call   *pipelineCall  // of a pipeline, else nil
	pinned *pinnedMailbox // of a call of several commands, else nil
}

// pinnedMailbox is what tells the mailbox that is open from others, for calls of several commands: their UIDs mean nothing in
// another. It is set when the first of them is sent.
type pinnedMailbox struct {
	set         bool
	name        string
	uidValidity uint32
}

// pin is a view on the client for the commands of one call. They fail when another mailbox is open than that in
// which the first of them ran.
func (c *Client) pin() *Client {
	if c.pinned != nil {
		return c
	}
	return &Client{c.engine, c.call, &pinnedMailbox{}}
}

// pinTo is pin for a mailbox that is known.
func (c *Client) pinTo(m *Mailbox) *Client {
	return &Client{c.engine, c.call, &pinnedMailbox{true, m.Name, m.UIDValidity}}
}

// checkPinned fails when another mailbox is open than the call began in.
func (c *Client) checkPinned() error {
	if c.pinned == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mailbox
	switch {
	case m == nil && c.pinned.set:
		return errOtherMailbox
	case m == nil:
		return nil // the command is not about a mailbox that is open
	case !c.pinned.set:
		*c.pinned = pinnedMailbox{true, m.Name, m.UIDValidity}
	case *c.pinned != pinnedMailbox{true, m.Name, m.UIDValidity}:
		return errOtherMailbox
	}
	return nil
}

// ---- what is known without asking

// Close closes the connection at once and wakes every call that waits. It never waits for the server. Further calls
// do nothing and return nil.
func (c *Client) Close() error {
	if !c.closing.CompareAndSwap(false, true) {
		return nil
	}
	c.fail(ErrClosed)
	if err := c.conn.AwaitShut(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Greeting returns the text of the greeting, without status and code.
func (c *Client) Greeting() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greetingText
}

// Enabled reports whether the server has sent that an extension is on: by Enable, or for CONDSTORE by Select with
// CondStore or QResync. It is false while an Enable that was given up is unanswered.
func (c *Client) Enabled(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enabled[strings.ToUpper(name)] && c.unsettled()&onUser == 0
}

// Events returns what the server sent unasked since the last call and forgets it. The queue is bounded: a DroppedEvent
// stands for what had to be dropped.
func (c *Client) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events.take()
}

// TLSState returns the state of TLS; false on a connection without it.
func (c *Client) TLSState() (tls.ConnectionState, bool) {
	if t := c.conn.TLSConn(); t != nil {
		return t.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// NetConn returns the connection as it was opened (below TLS), nil for a child process: imaplib's socket(). Reading from
// it or writing to it breaks the client.
func (c *Client) NetConn() net.Conn {
	if t, ok := c.conn.Stream().(*tls.Conn); ok {
		return t.NetConn()
	}
	nc, _ := c.conn.Stream().(net.Conn)
	return nc
}

// LastData returns what the server last sent under a name (EXISTS, UIDVALIDITY, …), and whether it sent anything: imaplib's
// response().
func (c *Client) LastData(name string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.lastData {
		if strings.EqualFold(s.name, name) {
			return s.value, true
		}
	}
	return "", false
}

// Response is the former name of LastData.
//
// Deprecated: use LastData.
func (c *Client) Response(name string) (string, bool) { return c.LastData(name) }

// ---- commands of any state

// Capability asks for the capabilities (RFC 9051 section 6.1.1, any state). Caps has them without asking. An answer that
// names no version of IMAP4 is returned as it is, and does not replace what Caps has.
func (c *Client) Capability(ctx context.Context) (Caps, error) {
	answer := &capabilityAnswer{c: c}
	if err := c.run(ctx, &command{name: "CAPABILITY", states: inAny, answer: answer}); err != nil {
		return Caps{}, err
	}
	if all := answer.all; len(all.names) > 0 && !all.whole() {
		return all, nil
	}
	return c.Caps(), nil
}

// capabilityAnswer is the answer of CAPABILITY, which the session itself keeps.
type capabilityAnswer struct {
	noData
	c   *Client
	all Caps
}

func (a *capabilityAnswer) data(r *response) claim {
	if r.name != "CAPABILITY" {
		return notMine
	}
	a.all = parseCaps(string(r.text[r.rest:]), a.c.table.implied).without(a.c.opts.DisabledCaps)
	return shared
}

func (a *capabilityAnswer) dropped() answer { return sharedData{name: "CAPABILITY"} }

// knownCaps returns the capabilities and asks for them if the server has not sent them.
func (c *Client) knownCaps(ctx context.Context) (Caps, error) {
	if caps, known := c.lastCaps(); known {
		return caps, nil
	}
	return c.Capability(ctx)
}

// Noop does nothing but give the server an occasion to tell news (RFC 9051 section 6.1.2, any state).
func (c *Client) Noop(ctx context.Context) error {
	return c.run(ctx, &command{name: "NOOP", states: inAny})
}

const logoutName = "LOGOUT"

// Logout says good-bye and closes the connection (RFC 9051 section 6.1.3, any state). The connection is closed whatever
// the result; a server that just closes it is no error.
func (c *Client) Logout(ctx context.Context) error {
	cmd := &command{name: logoutName, states: inAny, exclusive: true}
	err := c.run(ctx, cmd)
	if c.loggedOut(cmd, err) {
		err = nil
	}
	c.Close()
	return err
}

// loggedOut reports whether the end of the connection was that of LOGOUT: the server closed it, or said BYE before it was
// lost in another way.
func (e *engine) loggedOut(cmd *command, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status == "BYE" && cmd.tag != "" // cut off before its line ended
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || cmd.bye && errors.Is(err, ErrClosed)
}

// forget drops all that was sent before TLS, or by the user before.
func (e *engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetLocked()
}

func (e *engine) forgetLocked() {
	e.caps, e.capsKnown = Caps{}, false
	e.lastData, e.enabled, e.utf8, e.notified = nil, nil, false, false
	e.events.forget()
}

// Enable switches extensions on and returns those that the server says are on (RFC 5161; capability ENABLE; logged in).
// A server may answer OK without a list; then the result is empty and Enabled stays false.
func (c *Client) Enable(ctx context.Context, capabilities ...string) ([]string, error) {
	if len(capabilities) == 0 {
		return nil, nil
	}
	on, err := c.enable(ctx, capabilities)
	if e, ok := err.(*Error); !ok || e.Status != "BAD" || len(capabilities) == 1 {
		return on, err
	}
	// There are servers that refuse all for one that they do not know.
	err = nil
	for _, name := range capabilities {
		more, refusal := c.enable(ctx, []string{name})
		on = append(on, more...)
		err = errors.Join(err, refusal)
	}
	return on, err
}

func (c *Client) enable(ctx context.Context, capabilities []string) ([]string, error) {
	a := &enableAnswer{}
	cmd := &command{name: "ENABLE", answer: a, states: inAuth, exclusive: true}
	cmd.encode = func(e *encoder) {
		e.need("ENABLE")
		for _, name := range capabilities {
			e.sp().atom("a capability", name)
		}
	}
	err := c.run(ctx, cmd)
	return a.on, err
}

// enableAnswer is what ENABLED responses name.
type enableAnswer struct {
	noData
	on []string
}

func (a *enableAnswer) data(r *response) claim {
	if r.name != "ENABLED" {
		return notMine
	}
	a.on = append(a.on, strings.Fields(strings.ToUpper(string(r.text[r.rest:])))...)
	return shared
}

func (a *enableAnswer) dropped() answer { return sharedData{name: "ENABLED"} }

// ID tells the server who we are and returns who it is (RFC 2971; capability ID; any state). nil tells nothing.
func (c *Client) ID(ctx context.Context, fields map[string]string) (map[string]string, error) {
	cmd := &command{name: "ID", states: inAny, once: "ID"}
	cmd.encode = func(e *encoder) {
		e.need("ID").sp()
		if len(fields) == 0 {
			e.raw("NIL") // there are servers that refuse ()
			return
		}
		e.raw("(")
		for i, k := range slices.Sorted(maps.Keys(fields)) {
			if i > 0 {
				e.sp()
			}
			e.str(k).sp().str(fields[k])
		}
		e.raw(")")
	}
	a, err := gather(ctx, c, cmd, func() *idAnswer { return &idAnswer{} })
	if err != nil {
		return nil, err
	}
	return a.fields, a.bad
}

// idAnswer is what an ID response says. What cannot be read stands beside what can.
type idAnswer struct {
	fields map[string]string
	bad    error
}

func (a *idAnswer) take(r *response) (claim, error) {
	if r.name != "ID" {
		return notMine, nil
	}
	a.fields, a.bad = r.stringPairs()
	return mine, nil
}

// stringPairs reads a parenthesised list of names and values. Commas between them (Bigfoot) and a name without a value
// are taken.
func (p *parser) stringPairs() (map[string]string, error) {
	p.skipSpaces()
	if p.isNil() || p.pos >= len(p.text) {
		return nil, nil
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	p.commas = true
	defer func() { p.commas = false }()
	m := make(map[string]string)
	for p.skipCommas(); p.peek() != ')'; p.skipCommas() {
		key, err := p.strictNString()
		if err != nil {
			return m, err
		}
		p.skipCommas()
		if p.peek() == ')' {
			p.tolerate("name without a value")
			m[key] = ""
			break
		}
		if m[key], err = p.strictNString(); err != nil {
			return m, err
		}
	}
	return m, p.leave()
}

func (p *parser) skipCommas() {
	for p.skipSpaces(); p.accept(','); p.skipSpaces() {
		p.tolerate("comma between values")
	}
}

// Unauthenticate returns to the state before login (RFC 8437; capability UNAUTHENTICATE; logged in). What was enabled is
// off, the events and the data of Response are forgotten, and the capabilities are asked for anew when they are needed.
// After Compress it is refused.
func (c *Client) Unauthenticate(ctx context.Context) error {
	cmd := &command{name: "UNAUTHENTICATE", states: inAuth, exclusive: true, changes: onUser | onMailbox | onCaps}
	cmd.encode = func(e *encoder) {
		if c.conn.Compressed() {
			e.fail(errCompressed) // the next password would be compressed, or not: servers differ in when it ends
		}
		e.need("UNAUTHENTICATE")
	}
	cmd.finish = func(s *status) {
		if s.ok() {
			c.open(nil)
			c.state = NotAuthenticated
			c.forgetLocked()
		}
	}
	return c.run(ctx, cmd)
}

// enableWanted switches on what Options.Enable names and the server offers.
func (c *Client) enableWanted(ctx context.Context) error {
	if len(c.opts.Enable) == 0 {
		return nil
	}
	caps, err := c.knownCaps(ctx)
	if err != nil || !caps.offers("ENABLE") {
		return err
	}
	var names []string
	for _, name := range c.opts.Enable {
		if caps.offers(strings.ToUpper(name)) {
			names = append(names, name)
		}
	}
	_, err = c.Enable(ctx, names...)
	return err
}

// enableAtPreauth is enableWanted on a connection that is logged in from the start.
func (c *Client) enableAtPreauth(ctx context.Context) error {
	if len(c.opts.Enable) == 0 || c.State() != Authenticated {
		return nil
	}
	return c.enableWanted(ctx)
}

// Languages returns the languages in which the server can speak to the user, as tags of BCP 47 (LANGUAGE without
// arguments, RFC 5255 section 3.2; capability LANGUAGE; any state). A server that cannot tell refuses.
func (c *Client) Languages(ctx context.Context) ([]string, error) { return c.language(ctx, nil) }

// SetLanguage makes the server speak one of the languages, the first of them that it knows, and returns which (LANGUAGE,
// RFC 5255 section 3.2; capability LANGUAGE; any state). Ranges are such as "de" and "fr-CA"; "default" is the server's
// choice. The texts of errors and alerts, and NamespaceEntry.Translation, are in that language from then on. A server that
// knows none of them refuses.
func (c *Client) SetLanguage(ctx context.Context, ranges ...string) (string, error) {
	if len(ranges) == 0 {
		return "", unsent("LANGUAGE", argError("no language"))
	}
	tags, err := c.language(ctx, ranges)
	if err != nil || len(tags) == 0 {
		return "", err
	}
	return tags[0], nil
}

func (c *Client) language(ctx context.Context, ranges []string) ([]string, error) {
	cmd := &command{name: "LANGUAGE", states: inAny}
	cmd.encode = func(e *encoder) {
		e.need("LANGUAGE")
		for _, r := range ranges {
			if !isLanguageRange(r) {
				e.fail(argError("not a range of languages"))
			}
			e.sp().astring(r)
		}
	}
	tags, err := gather(ctx, c, cmd, func() *languageTags { return &languageTags{} })
	if err != nil {
		return nil, err
	}
	return tags.list, nil
}

// isLanguageRange reports whether s has the form of a language range of BCP 47.
func isLanguageRange(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '*'
	})
}

// languageTags is what LANGUAGE responses hold. NAMESPACE may come with them, whose translations have changed: Namespace
// asks for it.
type languageTags struct{ list []string }

func (l *languageTags) take(r *response) (claim, error) {
	switch r.name {
	case "LANGUAGE":
		return mine, r.wordsInto(&l.list)
	case "NAMESPACE":
		return mine, nil
	}
	return notMine, nil
}

// wordsInto reads a list of strings in parentheses, or a single one without them.
func (r *response) wordsInto(list *[]string) error {
	r.skipSpaces()
	return readList(&r.parser, func(s string) error {
		if len(*list) >= maxListed {
			return r.errorf("more than can be kept")
		}
		*list = append(*list, s)
		return nil
	})
}

// Comparators is how a server compares text (RFC 5255 section 4, RFC 4790).
type Comparators struct {
	Active    string   // the one in use: "i;unicode-casemap"
	Available []string // others of those that were asked for, where the server lists them
}

// Comparator makes SEARCH, SORT and THREAD compare text by the first of the comparators that the server knows, and returns
// which; without arguments it returns what is in use (COMPARATOR, RFC 5255 section 4.7; capability I18NLEVEL=2; logged
// in). "*" in a name stands for others. A server that knows none of them refuses with CodeBadComparator.
func (c *Client) Comparator(ctx context.Context, order ...string) (*Comparators, error) {
	cmd := &command{name: "COMPARATOR", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.need("I18NLEVEL=2")
		for _, name := range order {
			e.sp().astring(name)
		}
	}
	return gather(ctx, c, cmd, func() *Comparators { return &Comparators{} })
}

func (co *Comparators) take(r *response) (claim, error) {
	if r.name != "COMPARATOR" {
		return notMine, nil
	}
	active, err := r.astring()
	if err != nil {
		return mine, err
	}
	co.Active, co.Available = active, nil
	if r.atEnd() {
		return mine, nil
	}
	return mine, r.wordsInto(&co.Available)
}

// JMAPAccess returns the URL at which the same mail is had by JMAP, with the same credentials and object identifiers
// (GETJMAPACCESS, RFC 9698; capability JMAPACCESS; logged in).
func (c *Client) JMAPAccess(ctx context.Context) (string, error) {
	cmd := &command{name: "GETJMAPACCESS", states: inAuth, encode: func(e *encoder) { e.need("JMAPACCESS") }}
	url, err := gather(ctx, c, cmd, func() *jmapURL { return new(jmapURL) })
	if err != nil {
		return "", err
	}
	return string(*url), nil
}

// jmapURL is what a JMAPACCESS response holds.
type jmapURL string

func (u *jmapURL) take(r *response) (claim, error) {
	if r.name != "JMAPACCESS" {
		return notMine, nil
	}
	s, err := r.astring()
	*u = jmapURL(s)
	return mine, err
}
