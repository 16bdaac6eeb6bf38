package imap

import (
	"context"
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
	cmd.answer = &rawAnswer{resp: resp, follow: cmd.answer}
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
