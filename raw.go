package imap

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Data reads what stands behind the code of the tagged OK, as Error.Data does. uid tells whether the command named its
// messages by UID.
func (r *Response) Data(uid bool) (CodeData, error) { return readCode(r.Code, r.CodeArgs, uid) }

// Response is the tagged status with all untagged responses that came before it.
type Response struct {
	Code     Code
	CodeArgs string
	Text     string
	Untagged []Untagged
}

// Untagged is one untagged response: "* Num Name Rest", literals included in Rest as they came.
type Untagged struct {
	Name string // upper case
	Num  uint32
	Rest []byte
}

// Do sends any command, one of several words included ("UID FETCH"). Arguments: string as astring, Atom as is (checked),
// Flag, integers, sets, time.Time, []byte and Literal as literals, []any as a parenthesised list, nil as NIL. The
// commands that change the connection itself have methods of their own and are refused here: STARTTLS, COMPRESS, IDLE,
// LOGIN, AUTHENTICATE, LOGOUT, UNAUTHENTICATE.
func (c *Client) Do(ctx context.Context, name string, args ...any) (*Response, error) {
	name = strings.ToUpper(name)
	if err := checkRawName(name); err != nil {
		return nil, unsent("Do", err)
	}
	cmd := &command{name: name, states: inAny, exclusive: true, weight: rawCost, keepsCode: true}
	cmd.encode = func(e *encoder) {
		for _, a := range args {
			e.sp().arg(a)
		}
	}
	c.follow(cmd, args)
	return c.doCommand(ctx, cmd)
}

// follow lets a raw command change the state as its typed form does. The name may hold arguments.
func (c *Client) follow(cmd *command, args []any) {
	words := strings.Split(cmd.name, " ")
	all := make([]any, 0, len(words)+len(args))
	for _, w := range words[1:] {
		all = append(all, Atom(w))
	}
	args = append(all, args...)
	cmd.inMailbox = inMailbox(words[0])
	switch words[0] {
	case "SELECT", "EXAMINE":
		c.selection(cmd, c.rawSelection(words[0], args))
	case "CLOSE", "UNSELECT":
		c.deselection(cmd)
	case "NOTIFY":
		c.notification(cmd, len(args) > 0 && !ascii.EqualFold(rawText(args[0]), "NONE"))
	case "PROXYAUTH":
		c.proxied(cmd)
	}
}

// inMailbox reports whether a raw command acts on the selected mailbox.
func inMailbox(name string) bool {
	switch name {
	case "CHECK", "CLOSE", "COPY", "EXPUNGE", "FETCH", "MOVE", "PARTIAL", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD", "UID", "XMOVE":
		return true
	}
	return false
}

// rawSelection is what the arguments of a raw SELECT ask for.
func (c *Client) rawSelection(name string, args []any) *selecting {
	sel := &selecting{readOnly: name == "EXAMINE", resync: true}
	if len(args) == 0 {
		return sel
	}
	name = rawText(args[0])
	if wire, ok := rawMailbox(name); ok {
		name = wire
	}
	sel.Name = c.displayName(RawMailbox(name))
	for _, a := range args[1:] {
		text := strings.ToUpper(rawText(a))
		sel.condStore = sel.condStore || strings.Contains(text, "CONDSTORE") || strings.Contains(text, "QRESYNC")
	}
	return sel
}

// rawText is the text of an argument of Do, "" for one that has to be read to know it.
func rawText(arg any) string {
	switch a := arg.(type) {
	case Atom:
		return strings.Trim(string(a), `"`)
	case string:
		return a
	case []byte:
		return string(a)
	case Literal:
		data, _ := a.R.(bytesReader)
		return string(data)
	case []any:
		var b strings.Builder
		for _, one := range a {
			b.WriteString(rawText(one) + " ")
		}
		return b.String()
	}
	return ""
}

// doCommand runs a command and keeps all that comes meanwhile.
func (c *Client) doCommand(ctx context.Context, cmd *command) (*Response, error) {
	resp := &Response{}
	cmd.answer, cmd.keepsText = &rawAnswer{resp: resp, follow: cmd.answer}, true
	err := c.run(ctx, cmd)
	if err != nil && cmd.tag == "" && cmd.changes&onMailbox != 0 {
		c.call.selectNotSent()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && !cmd.done {
		return nil, err
	}
	resp.Code, resp.CodeArgs, resp.Text = cmd.status.code, cmd.status.args, cmd.status.text
	return resp, err
}

// rawAnswer is all that comes while a command runs.
type rawAnswer struct {
	noData
	resp   *Response // nil once nothing is kept
	follow answer    // of the command that is known by its name
}

func (a *rawAnswer) data(r *response) claim {
	a.keep(Untagged{Name: r.name, Num: r.num}, r, r.rest)
	r.rewind()
	if a.follow != nil && a.follow.data(r) != notMine {
		return mine
	}
	return a.rest()
}

func (a *rawAnswer) condition(r *response) claim {
	a.keep(Untagged{Name: r.status.word}, r, r.info)
	switch {
	case r.status.code == CodeAlert:
		return notMine // it is for a person, whatever becomes of the call
	case a.follow != nil && a.follow.condition(r) != notMine:
		return mine
	}
	return a.rest()
}

// rest is the claim on what the command is not known for: it is in the Response, or news where the call is gone.
func (a *rawAnswer) rest() claim {
	if a.resp == nil {
		return notMine
	}
	return shared
}

// keep notes a response with what it says from a place on.
func (a *rawAnswer) keep(u Untagged, r *response, from int) {
	if a.resp == nil {
		return
	}
	u.Rest = r.rawFrom(from)
	a.resp.Untagged = append(a.resp.Untagged, u)
}

func (a *rawAnswer) dropped() answer {
	d := &rawAnswer{}
	if a.follow != nil {
		d.follow = a.follow.dropped()
	}
	return d
}

// checkRawName refuses what is no command, and commands after which the connection is another.
func checkRawName(name string) error {
	words := strings.Split(name, " ")
	for _, w := range words {
		if !isAtom(w) {
			return argError("the command name is not an atom")
		}
	}
	switch words[0] {
	case "STARTTLS", "COMPRESS", idleName, "LOGIN", "AUTHENTICATE", logoutName, "UNAUTHENTICATE":
		return argError("%s has a method of its own", words[0])
	}
	return nil
}

// The commands below are older than the standards that took their place. They are here because Python's imaplib
// has them, and ask for no capability.

// GetAnnotation is GETANNOTATION of the draft that became METADATA (imaplib's getannotation; logged in). What the server
// says is in Untagged, under ANNOTATION. GetMetadata is what today's servers know.
//
// Deprecated: use GetMetadata, of the standard that came out of it.
func (c *Client) GetAnnotation(ctx context.Context, mailbox, entry, attribute string) (*Response, error) {
	return c.annotation(ctx, "GETANNOTATION", func(e *encoder, str func(string) *encoder) {
		e.sp().anyMailbox(mailbox).sp()
		str(entry).sp()
		str(attribute)
	})
}

// SetAnnotation is SETANNOTATION of the draft that became METADATA (imaplib's setannotation; logged in). Attributes are
// value.priv and value.shared, and "NIL" as a value removes one. SetMetadata is what today's servers know.
//
// Deprecated: use SetMetadata, of the standard that came out of it.
func (c *Client) SetAnnotation(ctx context.Context, mailbox, entry string, attributes map[string]string) error {
	_, err := c.annotation(ctx, "SETANNOTATION", func(e *encoder, str func(string) *encoder) {
		e.sp().anyMailbox(mailbox).sp()
		str(entry).raw(" (")
		for i, name := range slices.Sorted(maps.Keys(attributes)) {
			if i > 0 {
				e.sp()
			}
			str(name).sp().annotationValue(attributes[name])
		}
		e.raw(")")
	})
	return err
}

// annotation runs one of the two. Entries and attributes go as atoms, as imaplib's documentation has them; Cyrus takes
// quoted strings alone, as the draft has them, and says BAD otherwise.
func (c *Client) annotation(ctx context.Context, name string, args func(e *encoder, str func(string) *encoder)) (*Response, error) {
	run := func(str func(*encoder) func(string) *encoder) (*Response, error) {
		cmd := &command{name: name, states: inAuth}
		cmd.encode = func(e *encoder) { args(e, str(e)) }
		return c.doCommand(ctx, cmd)
	}
	resp, err := run(func(e *encoder) func(string) *encoder { return e.astring })
	if bad, ok := errors.AsType[*Error](err); ok && bad.Status == "BAD" && !errors.Is(err, ErrClosed) {
		return run(func(e *encoder) func(string) *encoder { return e.str })
	}
	return resp, err
}

// Partial is PARTIAL of IMAP4 (RFC 1730 section 6.4.6; imaplib's partial; selected): bytes of a part, RFC822.TEXT or
// BODY[1], from start on, of which the first is 1. A Section with an offset in Fetch is what today's servers know. nil
// and no error says that the server sent no data.
//
// Deprecated: use Fetch with a Section that has Offset and Count.
func (c *Client) Partial(ctx context.Context, num SeqNum, part string, start, length int64) ([]byte, error) {
	cmd := &command{name: "PARTIAL", states: inSelected, byNumber: true, numbers: true, noExpunge: true}
	now := num // when it is sent
	cmd.encode = func(e *encoder) {
		now = e.now(Seqs(num))[0].Start
		e.sp().nonEmptySet(Seqs(num)).sp().atom("a part", part).sp().integer(start).sp().integer(length)
	}
	p, err := gather(ctx, c, cmd, func() *partialOf { return &partialOf{num: &now, part: part} })
	if err != nil {
		return nil, err
	}
	return p.data, nil
}

// partialOf is the data of a FETCH response to PARTIAL.
type partialOf struct {
	num  *SeqNum
	part string
	data []byte
}

func (p *partialOf) take(r *response) (claim, error) {
	if r.name != "FETCH" || r.num != uint32(*p.num) {
		return notMine, nil
	}
	got, ok, err := r.partialData(p.part)
	if !ok && err == nil {
		return notMine, nil
	}
	p.data = got
	return mine, err
}

// partialData finds the value of a part in a FETCH response. The name may have the first byte behind it, <0>, as later
// revisions have it.
func (r *response) partialData(part string) (data []byte, ok bool, err error) {
	want := strings.TrimSuffix(strings.ToUpper(part[:len(part)-len(sectionOf(part))]), ".PEEK")
	if err := r.enter(); err != nil {
		return nil, false, err
	}
	for r.skipSpaces(); r.peek() != ')'; r.skipSpaces() {
		name, _, _ := bytes.Cut(r.itemName(), []byte("<"))
		if !ascii.EqualFold(name, want) {
			if err := r.skipItem(); err != nil {
				return nil, false, err
			}
			continue
		}
		if r.peek() == '[' {
			if _, err := r.section(false); err != nil {
				return nil, false, err
			}
		}
		r.skipSpaces()
		data, _, err := r.nbytes()
		return data, true, err
	}
	return nil, false, nil
}

// sectionOf is what stands behind the name of an item in brackets.
func sectionOf(part string) string {
	if i := strings.IndexByte(part, '['); i >= 0 {
		return part[i:]
	}
	return ""
}
