package imap

import (
	"context"
	"strings"
)

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
	cmd := &command{name: name, states: inAny, exclusive: true, weight: rawCost}
	cmd.encode = func(e *encoder) {
		for _, a := range args {
			e.sp().arg(a)
		}
	}
	return c.doCommand(ctx, cmd)
}

// doCommand runs a command and keeps all that comes meanwhile.
func (c *Client) doCommand(ctx context.Context, cmd *command) (*Response, error) {
	resp := &Response{}
	cmd.answer = &rawAnswer{resp: resp}
	if name := cmd.name; name == "SELECT" || name == "EXAMINE" || name == "CLOSE" || name == "UNSELECT" {
		c.followSelection(cmd, resp)
	}
	err := c.run(ctx, cmd)
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
	a.keep(Untagged{Name: r.name, Num: r.num}, r)
	if a.follow == nil {
		return shared
	}
	r.rewind()
	a.follow.data(r)
	return mine
}

func (a *rawAnswer) condition(r *response) claim {
	a.keep(Untagged{Name: r.status.word}, r)
	if a.follow == nil {
		return shared
	}
	a.follow.condition(r)
	return mine
}

func (a *rawAnswer) keep(u Untagged, r *response) {
	if a.resp == nil {
		return
	}
	u.Rest = r.rawFrom(r.rest)
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
