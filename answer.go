package imap

import "context"

// answer is what a command makes of the responses that come while it is in flight. The reader offers it one response
// after the other, and it reports whose each of them is; what no answer claims is news. Its methods run in the goroutine
// that reads, with engine.mu held.
//
// An answer belongs to its caller. When the command is abandoned the engine puts what dropped returns in its place and
// refers to it no more: nothing is added to it behind the caller's back, and what it holds can be collected.
type answer interface {
	// data is offered untagged data.
	data(r *response) claim
	// condition is offered an untagged OK, NO or BAD.
	condition(r *response) claim
	// end is told that the tagged response has come.
	end()
	// dropped returns the answer of the command once it was abandoned: one that claims the same responses and holds a fixed
	// amount of memory. Nil claims nothing.
	dropped() answer
}

// partialAnswer is an answer that can take some of a response before that has come to its end.
type partialAnswer interface {
	// part takes what it can of an untagged response that is long and not at its end, and returns where in the text that
	// stands.
	part(text []byte) (from, to int)
}

// claim is what an answer reports of a response.
type claim int

const (
	notMine claim = iota
	mine
	shared // taken, and the mailbox has to know it too
)

// noData is an answer without data. Others embed it for the methods that they need not.
type noData struct{}

func (noData) data(*response) claim      { return notMine }
func (noData) condition(*response) claim { return notMine }
func (noData) end()                      {}
func (noData) dropped() answer           { return nil }

// abandon leaves a command whose caller went away. Its answer is read and dropped before the next command. Its finish is
// told of the tagged response all the same: what the command did to the session it did. It needs engine.mu.
func (cmd *command) abandon() {
	if cmd.abandoned {
		return
	}
	cmd.abandoned, cmd.encode = true, nil
	if cmd.answer != nil {
		cmd.answer = cmd.answer.dropped()
	}
}

// rows is a value that untagged data is read into.
type rows interface {
	take(r *response) (claim, error)
}

// gather runs a command, reads the data that belongs to it into the value that fresh makes, and returns that. Data that
// cannot be read is the error of a command that went well otherwise.
func gather[R rows](ctx context.Context, c *Client, cmd *command, fresh func() R) (R, error) {
	a := &gathered[R]{fresh: fresh, rows: fresh()}
	cmd.answer = a
	var none R
	err := c.run(ctx, cmd)
	switch {
	case err != nil && !isPartial(err):
		return none, err
	case a.bad != nil:
		return none, failed(cmd.name, a.bad)
	}
	return a.rows, err
}

// gathered is the answer of a command run by gather.
type gathered[R rows] struct {
	noData
	fresh func() R
	rows  R
	bad   error // of the first data that could not be read
}

func (a *gathered[R]) data(r *response) claim {
	got, err := a.rows.take(r)
	if err != nil && a.bad == nil {
		a.bad = err
	}
	return got
}

func (a *gathered[R]) dropped() answer { return droppedRows[R]{fresh: a.fresh} }

// droppedRows reads each response into a value of its own, only to learn whose it is.
type droppedRows[R rows] struct {
	noData
	fresh func() R
}

func (a droppedRows[R]) data(r *response) claim {
	got, _ := a.fresh().take(r)
	return got
}

func (a droppedRows[R]) dropped() answer { return a }

// sharedData is an answer that the session itself keeps.
type sharedData struct {
	noData
	name string
}

func (a sharedData) data(r *response) claim {
	if r.name != a.name {
		return notMine
	}
	return shared
}

func (a sharedData) dropped() answer { return a }

// codeAnswer is the answer of a command of which a code in an untagged OK tells something.
type codeAnswer struct {
	noData
	name Code
	take func(s *status) // nil: nothing is kept
}

func (a codeAnswer) condition(r *response) claim {
	if r.status.code != a.name {
		return notMine
	}
	if a.take != nil {
		a.take(&r.status)
	}
	return mine
}

func (a codeAnswer) dropped() answer { return codeAnswer{name: a.name} }
