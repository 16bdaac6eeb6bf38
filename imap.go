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

// Options configures a Client. A nil *Options and the zero value are usable; options are copied, never modified. A
// limit that is 0, or negative except for Timeout, means the default given here.
type Options struct {
	// TLSConfig configures TLS. If it is nil, the system's certificates are used; an empty ServerName becomes the
	// dialed host.
	TLSConfig *tls.Config
	// Dialer makes the connections. If it is nil, a net.Dialer is used.
	Dialer ContextDialer
	// Logger gets one record per line of the protocol, at level Debug, without secrets and literal bodies.
	Logger *slog.Logger
	// DisabledCaps are names of capabilities that are not used even if the server offers them, such as a faulty
	// extension (MOVE of Exchange 2013).
	DisabledCaps []string
	// FallbackCharset is the name of the character set ("gb18030", "shift_jis") of text that declares none and is not
	// UTF-8, in headers and in Client.FetchText. "" is windows-1252, in which every byte is a character.
	FallbackCharset string
	// StopAtLimit makes a call return a PartialError if the server processes only a part of it at once (RFC 9738),
	// instead of sending further commands for the rest.
	StopAtLimit bool
	// Enable lists extensions to enable after the login, if the server offers them: "IMAP4rev2" (RFC 9051),
	// "UTF8=ACCEPT". See Client.Enable.
	Enable []string
	// AllowInsecureAuth allows passwords on a connection without TLS. They are always allowed to loopback addresses and
	// child processes.
	AllowInsecureAuth bool

	// Timeout is how long the client waits for an answer without receiving a byte: by default two minutes; negative
	// means no limit. Waits that end early, with their ctx, are added up until a byte arrives or a command is sent; time
	// in which no call reads does not count. A body that makes progress never times out.
	Timeout time.Duration
	// MaxLine is the length of the longest response without its literals, in bytes, by default 16 MiB. Search results
	// and sets are not limited by it.
	MaxLine int
	// MaxLiteral is the largest number of bytes in literals of one response that are held in memory, by default 64 MiB.
	// Streamed bodies are not limited by it.
	MaxLiteral int64
	// MaxBuffered is the largest number of bytes in queued results, for a suspended loop or the end of a command, and
	// in queued events, by default 64 MiB. A suspended loop holds up to 128 KiB more, or one message if that is larger.
	MaxBuffered int64
	// MaxDepth is the deepest nesting of a response, by default 100.
	MaxDepth int
	// MaxPipelined is the largest number of pipelined commands in flight, at most 1,000. By default it is 40, and grows
	// while a server with the capability ENABLE answers within half a second.
	MaxPipelined int
	// ID is sent automatically after each login, if the server has the capability (RFC 2971); a refusal is ignored.
	// 163.com and 126.com refuse SELECT without it. Its fields are "name", "version", "vendor", "support-url" and
	// others; an empty map that is not nil sends an ID without fields.
	ID map[string]string

	// Without is added to DisabledCaps.
	//
	// Deprecated: use DisabledCaps.
	Without []string

	// LocalSort makes Sort and Thread, and their forms by number, sort in the client if the server cannot: they then
	// fetch what they need of each matching message, at a cost of a few hundred bytes per message.
	LocalSort bool
}

// ContextDialer is the interface of dialers with a context, such as net.Dialer, tls.Dialer and proxy dialers.
type ContextDialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultTimeout     = 2 * time.Minute
	defaultMaxLine     = 16 << 20
	defaultMaxLiteral  = 64 << 20
	defaultMaxBuffered = 64 << 20
)

// limits returns the limits of o with the defaults filled in.
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

// orDefault returns v, or def if v is zero or negative.
func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Client is an IMAP client on one connection. All methods are safe for concurrent use; calls run in the order in which
// they arrive. A call that needs a mailbox is meant for the one that is selected when it begins or, in a Pipeline, that an
// earlier call of it selects: it fails if another goroutine selects another mailbox before it is sent. A Client has no
// goroutine of its own; an idle Client costs little more than its connection.
type Client struct {
	e      *engine        // shared by all views
	call   *pipelineCall  // the pipeline call that this view belongs to, or nil
	pinned *pinnedMailbox // set on a view for a call of several commands, or nil
	before bool           // set on a view for commands before the first of a call: they do not hold its place in a pipeline
}

// pinnedMailbox identifies the mailbox in which a call began: its UIDs mean nothing in another one.
type pinnedMailbox struct {
	set         bool
	name        string
	uidValidity uint32

	// If it is not set, but awaited, it is the one that the pipeline of the call selects, or the one that was selected when engine.opened
	// was this.
	awaited bool
	opened  uint64
}

func pinned(m *Mailbox) pinnedMailbox {
	return pinnedMailbox{set: true, name: m.Name, uidValidity: m.UIDValidity}
}

// noMailbox is the mailbox of a call that began while none was selected.
var noMailbox = pinnedMailbox{set: true}

// pin returns a view of the client for the commands of one call. They fail if the selected mailbox is no longer the one
// in which the call began, or, if that is not known, in which the first of them ran.
func (c *Client) pin() *Client {
	if c.pinned != nil {
		return c
	}
	return c.pinnedView(c.begun())
}

// pinnedView returns a view of the client for commands in one mailbox, in one allocation.
func (c *Client) pinnedView(box pinnedMailbox) *Client {
	view := &struct {
		Client
		box pinnedMailbox
	}{Client{e: c.e, call: c.call}, box}
	view.pinned = &view.box
	return &view.Client
}

// begun returns the mailbox for which a call that begins now is meant: the selected one, or the one that was selected before
// a SELECT in progress, which has no name if there was none. It is awaited if an earlier call in the same pipeline may select it.
func (c *Client) begun() pinnedMailbox {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.mayOpenLocked() {
		return pinnedMailbox{awaited: true, opened: c.e.opened}
	}
	if m := c.e.mailbox; m != nil {
		return pinned(m)
	}
	return pinnedMailbox{set: true, name: c.e.left.name, uidValidity: c.e.left.uidValidity}
}

// mayOpen reports whether an earlier call in the same pipeline may still select the mailbox of a call that begins now.
func (c *Client) mayOpen() bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.mayOpenLocked()
}

func (c *Client) mayOpenLocked() bool {
	return c.call != nil && (c.call.isWaiting() || slices.ContainsFunc(c.e.inflight, func(cmd *command) bool {
		return cmd.changes&onMailbox != 0 && c.call.joins(cmd.call)
	}))
}

// pinTo is like pin for a mailbox that is already known.
func (c *Client) pinTo(m *Mailbox) *Client {
	return c.pinnedView(pinned(m))
}

// checkPinned fails if the mailbox changed since the call of the view began.
func (c *Client) checkPinned() error {
	if c.pinned == nil {
		return nil
	}
	return c.e.checkPinned(c.pinned, c.call)
}

// checkPinned fails if the mailbox is not the one for which a command of the call is meant, and sets box if it is still open.
func (e *engine) checkPinned(box *pinnedMailbox, call *pipelineCall) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.mailbox
	switch {
	case m == nil && box.set && *box != noMailbox:
		return errOtherMailbox
	case m == nil:
		return nil // the command does not depend on the selected mailbox
	case !box.set:
		if box.awaited && box.opened != e.opened && !call.joins(e.opener) {
			return errOtherMailbox
		}
		*box = pinned(m)
	case *box != pinned(m):
		return errOtherMailbox
	}
	return nil
}

// ---- state that is known without a command

// Close closes the connection at once and wakes every waiting call. It never waits for the server. Further calls do
// nothing and return nil.
func (c *Client) Close() error {
	if !c.e.closing.CompareAndSwap(false, true) {
		return nil
	}
	c.e.fail(ErrClosed)
	if err := c.e.conn.AwaitShut(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Greeting returns the text of the greeting, without status and code.
func (c *Client) Greeting() string {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.e.greetingText
}

// Enabled reports whether the server has confirmed that an extension is enabled: after Enable, or for CONDSTORE after
// Select with CondStore or QResync. It is false while the answer to a canceled Enable is outstanding.
func (c *Client) Enabled(name string) bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.e.enabled[strings.ToUpper(name)] && c.e.unsettled()&onUser == 0
}

// Events returns what the server sent unsolicited since the last call, and empties the queue. The queue is bounded: a
// DroppedEvent replaces what had to be dropped.
func (c *Client) Events() []Event {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.e.events.take()
}

// TLSState returns the state of the TLS connection, and false if the connection does not use TLS.
func (c *Client) TLSState() (tls.ConnectionState, bool) {
	if t := c.e.conn.TLSConn(); t != nil {
		return t.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// NetConn returns the underlying connection (below TLS), or nil for a child process. It is imaplib's socket(). Reading
// from it or writing to it breaks the client.
func (c *Client) NetConn() net.Conn {
	if t, ok := c.e.conn.Stream().(*tls.Conn); ok {
		return t.NetConn()
	}
	nc, _ := c.e.conn.Stream().(net.Conn)
	return nc
}

// LastData returns the data that the server last sent with a name (EXISTS, UIDVALIDITY, …), and whether it sent any. It
// is imaplib's response().
func (c *Client) LastData(name string) (string, bool) {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	for _, s := range c.e.lastData {
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

// ---- commands for any state

// Capability requests the capabilities (RFC 9051 section 6.1.1, any state). Caps returns the known ones without a
// command. An answer that contains no version of IMAP4 is returned, but does not replace the result of Caps.
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

// capabilityAnswer is the answer to CAPABILITY; the session stores it too.
type capabilityAnswer struct {
	noData
	c   *Client
	all Caps
}

func (a *capabilityAnswer) data(r *response) claim {
	if r.name != "CAPABILITY" {
		return notMine
	}
	a.all = a.c.e.usable(parseCaps(string(r.text[r.rest:]), a.c.e.table.implied))
	return shared
}

func (a *capabilityAnswer) dropped() answer { return sharedData{name: "CAPABILITY"} }

// knownCaps returns the capabilities, and requests them if the server has not sent them.
func (c *Client) knownCaps(ctx context.Context) (Caps, error) {
	if caps, known := c.e.lastCaps(); known {
		return caps, nil
	}
	return c.askCaps(ctx)
}

// askCaps requests the capabilities for a call that has not sent its first command: in a pipeline the next call must still wait for
// that one.
func (c *Client) askCaps(ctx context.Context) (Caps, error) {
	view := Client{e: c.e, call: c.call, before: true}
	return view.Capability(ctx)
}

// Noop does nothing, but lets the server report changes (RFC 9051 section 6.1.2, any state).
func (c *Client) Noop(ctx context.Context) error {
	return c.runPlain(ctx, "NOOP", inAny)
}

// Noop queues a NOOP, as Go does with Client.Noop. Its error is among those of Wait.
func (p *Pipeline) Noop(ctx context.Context) {
	if !p.queue(ctx, plainCommand("NOOP", inAny), nil) {
		p.Go(func(c *Client) error { return c.Noop(ctx) })
	}
}

const logoutName = "LOGOUT"

// Logout ends the session and closes the connection (RFC 9051 section 6.1.3, any state). The connection is closed
// whatever the result; it is no error if the server closes it without an answer.
func (c *Client) Logout(ctx context.Context) error {
	cmd := &command{name: logoutName, states: inAny, traits: traits{exclusive: true}}
	err := c.run(ctx, cmd)
	if c.e.loggedOut(cmd, err) {
		err = nil
	}
	c.Close()
	return err
}

// loggedOut reports whether err is the expected end of a connection after LOGOUT: the server closed it, or sent BYE
// before it was lost in another way.
func (e *engine) loggedOut(cmd *command, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status == "BYE" && cmd.tag != "" // a BYE line that was cut off
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || cmd.bye && errors.Is(err, ErrClosed)
}

// forget drops all that the server sent before TLS, or for the previous user.
func (e *engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetLocked()
}

func (e *engine) forgetLocked() {
	e.caps, e.capsKnown = Caps{}, false
	e.lastData, e.enabled, e.utf8, e.notified, e.sections, e.expunges = nil, nil, false, false, false, false
	e.events.forget()
}

// Enable enables extensions and returns those that the server confirms (RFC 5161; capability ENABLE; logged in). A
// server may answer OK without a list; then the result is empty and Enabled remains false.
func (c *Client) Enable(ctx context.Context, capabilities ...string) ([]string, error) {
	if len(capabilities) == 0 {
		return nil, nil
	}
	on, err := c.enable(ctx, capabilities)
	if e, ok := err.(*Error); !ok || e.Status != "BAD" || len(capabilities) == 1 {
		return on, err
	}
	// Some servers refuse the whole list if they do not know one name.
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
	cmd := &command{name: "ENABLE", answer: a, states: inAuth, traits: traits{exclusive: true}}
	cmd.encode = func(e *encoder) {
		e.need("ENABLE")
		for _, name := range capabilities {
			e.sp().atom("a capability", name)
		}
	}
	err := c.run(ctx, cmd)
	return a.on, err
}

// enableAnswer collects the names in ENABLED responses.
type enableAnswer struct {
	noData
	on []string
}

func (a *enableAnswer) data(r *response) claim {
	if r.name != "ENABLED" {
		return notMine
	}
	for word := range strings.FieldsSeq(strings.ToUpper(string(r.text[r.rest:]))) {
		if len(a.on) == maxListed {
			break
		}
		a.on = append(a.on, word)
	}
	return shared
}

func (a *enableAnswer) dropped() answer { return sharedData{name: "ENABLED"} }

// ID identifies the client to the server and returns how the server identifies itself (RFC 2971; capability ID; any
// state). With nil fields the client does not identify itself.
func (c *Client) ID(ctx context.Context, fields map[string]string) (map[string]string, error) {
	cmd := &command{name: "ID", states: inAny, once: "ID"}
	cmd.encode = func(e *encoder) {
		e.need("ID").sp()
		if len(fields) == 0 {
			e.raw("NIL") // some servers refuse ()
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

// idAnswer holds the fields of an ID response, and the error for those that cannot be parsed.
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

// stringPairs parses a parenthesized list of names and values. It accepts commas between them (Bigfoot) and a name
// without a value.
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

// Unauthenticate returns to the state before login (RFC 8437; capability UNAUTHENTICATE, or X-UNAUTHENTICATE of servers
// that had it before; logged in). Enabled extensions are disabled, events and the results of LastData are dropped, and
// the capabilities are requested again when they are needed. It fails after Compress.
func (c *Client) Unauthenticate(ctx context.Context) error {
	cmd := &command{name: "UNAUTHENTICATE", states: inAuth, traits: traits{exclusive: true, changes: onUser | onMailbox | onCaps}}
	cmd.encode = func(e *encoder) {
		if c.e.conn.Compressed() {
			e.fail(errCompressed) // servers differ in when compression ends, so the next password might be compressed
		}
		e.need("UNAUTHENTICATE")
	}
	cmd.finish = func(s *status) {
		if s.ok() {
			c.e.open(nil)
			c.e.state = NotAuthenticated
			c.e.forgetLocked()
		}
	}
	return c.run(ctx, cmd)
}

// enableWanted enables those extensions of Options.Enable that the server offers.
func (c *Client) enableWanted(ctx context.Context) error {
	if len(c.e.opts.Enable) == 0 {
		return nil
	}
	caps, err := c.knownCaps(ctx)
	if err != nil || !caps.offers("ENABLE") {
		return err
	}
	var names []string
	for _, name := range c.e.opts.Enable {
		if caps.offers(strings.ToUpper(name)) {
			names = append(names, name)
		}
	}
	_, err = c.Enable(ctx, names...)
	return err
}

// enableAtPreauth is like enableWanted, for a connection that starts logged in.
func (c *Client) enableAtPreauth(ctx context.Context) error {
	if len(c.e.opts.Enable) == 0 || c.State() != Authenticated {
		return nil
	}
	return c.enableWanted(ctx)
}

// Languages returns the languages that the server can use in its texts, as BCP 47 tags (LANGUAGE without arguments, RFC
// 5255 section 3.2; capability LANGUAGE; any state). A server that does not know them refuses.
func (c *Client) Languages(ctx context.Context) ([]string, error) { return c.language(ctx, nil) }

// SetLanguage makes the server use the first of the languages that it knows, and returns which one (LANGUAGE, RFC 5255
// section 3.2; capability LANGUAGE; any state). Examples of ranges are "de" and "fr-CA"; "default" is the server's
// choice. From then on the texts of errors and alerts, and NamespaceEntry.Translation, are in that language. A server
// that knows none of the languages refuses.
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
	cmd := &command{name: "LANGUAGE", states: inAny, rows: "LANGUAGE"}
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

// languageTags collects the tags in LANGUAGE responses. A NAMESPACE response with new translations may come with them;
// it is ignored, because Namespace requests it.
type languageTags struct{ list []string }

func (l *languageTags) take(r *response) (claim, error) {
	switch r.name {
	case "LANGUAGE":
		return mine, r.stringsInto(&l.list)
	case "NAMESPACE":
		return mine, nil
	}
	return notMine, nil
}

// stringsInto parses a parenthesized list of strings, or a single string.
func (r *response) stringsInto(list *[]string) error {
	r.skipSpaces()
	return readList(&r.parser, func(s string) error {
		if len(*list) >= maxListed {
			return r.errorf("too many values")
		}
		*list = append(*list, s)
		return nil
	})
}

// Comparators reports how a server compares text (RFC 5255 section 4, RFC 4790).
type Comparators struct {
	Active    string   // the one in use: "i;unicode-casemap"
	Available []string // other comparators that were requested, if the server lists them
}

// Comparator makes SEARCH, SORT and THREAD compare text with the first of the comparators that the server knows, and
// returns which one; without arguments it returns the current one (COMPARATOR, RFC 5255 section 4.7; capability
// I18NLEVEL=2; logged in). "*" in a name is a wildcard. A server that knows none of them refuses with
// CodeBadComparator.
func (c *Client) Comparator(ctx context.Context, order ...string) (*Comparators, error) {
	cmd := &command{name: "COMPARATOR", states: inAuth, rows: "COMPARATOR"}
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
	return mine, r.stringsInto(&co.Available)
}

// JMAPAccess returns the URL at which the same mail is accessible by JMAP, with the same credentials and object
// identifiers (GETJMAPACCESS, RFC 9698; capability JMAPACCESS; logged in).
func (c *Client) JMAPAccess(ctx context.Context) (string, error) {
	cmd := &command{name: "GETJMAPACCESS", states: inAuth, encode: func(e *encoder) { e.need("JMAPACCESS") }}
	url, err := gather(ctx, c, cmd, func() *jmapURL { return new(jmapURL) })
	if err != nil {
		return "", err
	}
	return string(*url), nil
}

// jmapURL is the URL in a JMAPACCESS response.
type jmapURL string

func (u *jmapURL) take(r *response) (claim, error) {
	if r.name != "JMAPACCESS" {
		return notMine, nil
	}
	s, err := r.astring()
	*u = jmapURL(s)
	return mine, err
}
