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

// Data parses the arguments of the code of the tagged OK, as Error.Data does. uid reports whether the command named its
// messages by UID.
func (r *Response) Data(uid bool) (CodeData, error) { return readCode(r.Code, r.CodeArgs, uid) }

// Response is the tagged status of a command with all untagged responses that preceded it.
type Response struct {
	Code     Code
	CodeArgs string
	Text     string
	Untagged []Untagged
}

// Untagged is one untagged response: "* Num Name Rest", where Rest includes literals as received.
type Untagged struct {
	Name string // upper case
	Num  uint32
	Rest []byte
}

// Do sends any command; its name may have several words ("UID FETCH"), and further words are arguments. An argument may be
// a string, sent as an astring, an Atom, sent as it is after a check, a Flag, an integer, a set, a time.Time, a []byte or
// Literal, sent as a literal, a []any, sent as a parenthesized list, or nil, sent as NIL. Do refuses the commands that
// change the connection itself, which have methods of their own: STARTTLS, COMPRESS, IDLE, LOGIN, AUTHENTICATE, LOGOUT,
// UNAUTHENTICATE.
func (c *Client) Do(ctx context.Context, name string, args ...any) (*Response, error) {
	err := checkRawName(name)
	if name, args = splitRawName(name, args); err != nil {
		return nil, c.refuseRaw(name, err)
	}
	cmd := &command{name: name, states: inAny, traits: traits{exclusive: true, keepsCode: true}}
	cmd.encode = func(e *encoder) {
		for _, a := range args {
			e.sp().arg(a)
		}
	}
	cmd.numbers = takesNumbers(name) && slices.ContainsFunc(args, hasNumbers)
	if err := c.follow(cmd, args); err != nil {
		return nil, c.refuseRaw(name, err)
	}
	return c.doCommand(ctx, cmd, "")
}

// refuseRaw returns the error for a raw command that cannot be sent.
func (c *Client) refuseRaw(name string, err error) error {
	if opensMailbox(name) {
		c.call.selectNotSent()
	}
	return unsent("Do", err)
}

func opensMailbox(name string) bool { return name == "SELECT" || name == "EXAMINE" }

// splitRawName returns the name of a raw command in upper case, and its arguments, the first of which may be words after the
// name. Their case matters.
func splitRawName(name string, args []any) (string, []any) {
	words := strings.Split(name, " ")
	n := 1
	if len(words) > 1 && strings.EqualFold(words[0], "UID") {
		n = 2
	}
	all := make([]any, 0, len(words)-n+len(args))
	for _, w := range words[n:] {
		all = append(all, Atom(w))
	}
	return strings.ToUpper(strings.Join(words[:n], " ")), append(all, args...)
}

// takesNumbers reports whether a SeqSet among the arguments of a raw command is one of sequence numbers. In those of a UID command
// other than a search it can only be one of UIDs, with the wrong type.
func takesNumbers(name string) bool {
	rest, uid := strings.CutPrefix(name, "UID ")
	return !uid || slices.Contains([]string{"SEARCH", "SORT", "THREAD"}, rest)
}

// hasNumbers reports whether an argument of Do is or contains a SeqSet.
func hasNumbers(arg any) bool {
	if list, ok := arg.([]any); ok {
		return slices.ContainsFunc(list, hasNumbers)
	}
	_, ok := arg.(SeqSet)
	return ok
}

// follow makes a raw command change the state as the corresponding method does. It fails if the state would not be known.
func (c *Client) follow(cmd *command, args []any) error {
	name, _, _ := strings.Cut(cmd.name, " ")
	cmd.inMailbox = inMailbox(name)
	switch name {
	case "SELECT", "EXAMINE":
		if len(args) > 0 && isReadOnce(args[0]) {
			return argError("a mailbox name that is read while it is sent; LiteralString has a known one")
		}
		c.selection(cmd, c.rawSelection(name, args))
	case "CLOSE", "UNSELECT":
		c.deselection(cmd)
	case "NOTIFY":
		on := len(args) > 0 && !ascii.EqualFold(rawText(args[0]), "NONE")
		c.notification(cmd, on, on, expungesAtOnce(rawText(args)))
	case "PROXYAUTH":
		c.proxied(cmd)
	case "UID", "SEARCH", "SORT":
		if savesRaw(args) {
			c.e.savesResult(cmd)
		}
	}
	return nil
}

// savesRaw reports whether the arguments of a raw search begin with RETURN and a list that has SAVE.
func savesRaw(args []any) bool {
	if len(args) == 0 {
		return false
	}
	first, options, listed := strings.Cut(rawText(args[0]), "(")
	if !ascii.EqualFold(strings.TrimSpace(first), "RETURN") {
		return false
	}
	if options, _, _ = strings.Cut(options, ")"); !listed && len(args) > 1 {
		options = strings.Trim(rawText(args[1]), "()")
	}
	return slices.Contains(strings.Fields(strings.ToUpper(options)), "SAVE")
}

// isReadOnce reports whether an argument of Do is a literal whose data is known only after it was sent.
func isReadOnce(arg any) bool {
	l, ok := arg.(Literal)
	return ok && l.readOnce()
}

// inMailbox reports whether a raw command acts on the selected mailbox.
func inMailbox(name string) bool {
	switch name {
	case "CHECK", "CLOSE", "COPY", "EXPUNGE", "FETCH", "MOVE", "PARTIAL", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD", "UID", "XMOVE":
		return true
	}
	return false
}

// rawSelection returns the selection for the arguments of a raw SELECT.
func (c *Client) rawSelection(name string, args []any) *selecting {
	sel := &selecting{readOnly: name == "EXAMINE", resync: true}
	if len(args) == 0 {
		return sel
	}
	name, params := rawText(args[0]), args[1:]
	if a, ok := args[0].(Atom); ok {
		name, params = splitRawAtom(a, params)
	} else if wire, ok := rawMailbox(name); ok {
		name = wire
	}
	sel.Name = c.e.displayName(RawMailbox(name))
	for _, a := range params {
		text := strings.ToUpper(rawText(a))
		sel.condStore = sel.condStore || strings.Contains(text, "CONDSTORE") || strings.Contains(text, "QRESYNC")
	}
	return sel
}

// splitRawAtom returns the string at the start of an Atom, and the arguments after it.
func splitRawAtom(a Atom, more []any) (string, []any) {
	p := parserFor([]byte(a))
	s, err := p.astring()
	if err != nil {
		return string(a), more
	}
	return s, append([]any{Atom(p.text[p.pos:])}, more...)
}

// rawText returns the text of an argument of Do, or "" for one that has to be read first.
func rawText(arg any) string {
	switch a := arg.(type) {
	case Atom:
		return string(a)
	case string:
		return a
	case Flag:
		return string(a)
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

// doCommand runs a command and keeps the data of a name that arrive meanwhile, or all responses if it is "".
func (c *Client) doCommand(ctx context.Context, cmd *command, name string) (*Response, error) {
	resp := &Response{}
	cmd.answer, cmd.keepsText, cmd.weight = &rawAnswer{resp: resp, name: name, follow: cmd.answer}, true, rawCost
	err := c.run(ctx, cmd)
	if err != nil && cmd.tag == "" && cmd.changes&onMailbox != 0 {
		c.call.selectNotSent()
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if err != nil && !cmd.done {
		return nil, err
	}
	resp.Code, resp.CodeArgs, resp.Text = cmd.status.code, cmd.status.args, cmd.status.text
	return resp, err
}

// rawAnswer collects responses that arrive while a command runs.
type rawAnswer struct {
	noData
	resp   *Response // nil once the caller has left
	name   string    // of the data that it collects; "": all responses
	follow answer    // the answer of the method for this command, if there is one
}

func (a *rawAnswer) data(r *response) claim {
	if a.name != "" && r.name != a.name {
		return notMine
	}
	a.keep(Untagged{Name: r.name, Num: r.num}, r, r.rest)
	r.rewind()
	if a.follow != nil && a.follow.data(r) != notMine {
		return mine
	}
	return a.unusual()
}

func (a *rawAnswer) condition(r *response) claim {
	if a.name != "" {
		return notMine
	}
	a.keep(Untagged{Name: r.status.word}, r, r.info)
	switch {
	case r.status.code == CodeAlert:
		return notMine // it must be shown to the user, whatever the result of the call
	case a.follow != nil && a.follow.condition(r) != notMine:
		return mine
	}
	return a.unusual()
}

// unusual returns the claim on a response that the command does not normally have: it goes into the Response, or becomes an
// event if the caller has left.
func (a *rawAnswer) unusual() claim {
	if a.resp == nil {
		return notMine
	}
	return shared
}

// keep adds a response, with its text from the given position on.
func (a *rawAnswer) keep(u Untagged, r *response, from int) {
	if a.resp == nil {
		return
	}
	u.Rest = r.rawFrom(from)
	a.resp.Untagged = append(a.resp.Untagged, u)
}

func (a *rawAnswer) dropped() answer {
	d := &rawAnswer{name: a.name}
	if a.follow != nil {
		d.follow = a.follow.dropped()
	}
	return d
}

// checkRawName refuses invalid names, and commands that change the connection itself.
func checkRawName(name string) error {
	words := strings.Split(name, " ")
	for _, w := range words {
		if !isAtom(w) {
			return argError("the command name is not an atom")
		}
	}
	switch first := strings.ToUpper(words[0]); first {
	case "STARTTLS", "COMPRESS", idleName, "LOGIN", "AUTHENTICATE", logoutName, "UNAUTHENTICATE":
		return argError("%s has a method of its own", first)
	}
	return nil
}

// The commands below are older than the standards that replaced them. They exist because Python's imaplib has them, and
// require no capability.

// GetAnnotation sends GETANNOTATION, of the draft that became METADATA (imaplib's getannotation; logged in). The server's
// data is in Untagged, with the name ANNOTATION. Current servers support GetMetadata.
//
// Deprecated: use GetMetadata, the resulting standard.
func (c *Client) GetAnnotation(ctx context.Context, mailbox, entry, attribute string) (*Response, error) {
	return c.annotation(ctx, "GETANNOTATION", func(e *encoder, str func(string) *encoder) {
		e.sp().anyMailbox(mailbox).sp()
		str(entry).sp()
		str(attribute)
	})
}

// SetAnnotation sends SETANNOTATION, of the draft that became METADATA (imaplib's setannotation; logged in). Attributes are
// value.priv and value.shared; the value "NIL" removes one. Current servers support SetMetadata.
//
// Deprecated: use SetMetadata, the resulting standard.
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

// annotation runs GETANNOTATION or SETANNOTATION. Entries and attributes are sent as atoms, as in imaplib's documentation;
// Cyrus accepts only quoted strings, as in the draft, and answers BAD to atoms.
func (c *Client) annotation(ctx context.Context, name string, args func(e *encoder, str func(string) *encoder)) (*Response, error) {
	run := func(str func(*encoder) func(string) *encoder) (*Response, error) {
		cmd := &command{name: name, states: inAuth}
		cmd.encode = func(e *encoder) { args(e, str(e)) }
		return c.doCommand(ctx, cmd, "ANNOTATION")
	}
	resp, err := run(func(e *encoder) func(string) *encoder { return e.astring })
	if bad, ok := errors.AsType[*Error](err); ok && bad.Status == "BAD" && !errors.Is(err, ErrClosed) {
		return run(func(e *encoder) func(string) *encoder { return e.str })
	}
	return resp, err
}

// Partial sends PARTIAL of IMAP4 (RFC 1730 section 6.4.6; imaplib's partial; selected). It returns length bytes of a part
// such as RFC822.TEXT or BODY[1] from start on, counted from 1, or nil without an error if the server sent no data. Current
// servers support Fetch with a Section that has an Offset.
//
// Deprecated: use Fetch with a Section that has Offset and Count.
func (c *Client) Partial(ctx context.Context, num SeqNum, part string, start, length int64) ([]byte, error) {
	cmd := &command{name: "PARTIAL", states: inSelected, traits: traits{byNumber: true, numbers: true, noExpunge: true}}
	now := num // the number when the command is sent
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

// partialOf collects the data of a FETCH response to PARTIAL.
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

// partialData returns the value of a part in a FETCH response. The name may be followed by the position of the first byte,
// <0>, as in later versions.
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

// sectionOf returns the text in brackets after the name of an item.
func sectionOf(part string) string {
	if i := strings.IndexByte(part, '['); i >= 0 {
		return part[i:]
	}
	return ""
}
