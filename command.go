package imap

import (
	"context"
	"strings"
)

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

// giveUp leaves a command whose caller went away. Its answer is read and dropped before the next command. Its finish is
// told of the tagged response all the same: what the command did to the session it did. It needs engine.mu.
func (e *engine) giveUp(cmd *command) {
	if cmd.abandoned {
		return
	}
	cmd.abandoned, cmd.encode = true, nil
	e.bar(cmd)
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

// command is one command on its way: what it needs, how its arguments are written, what it takes of the untagged
// responses, and how it ended. The fields below the line are guarded by engine.mu.
type command struct {
	name            string
	states          stateMask
	exclusive       bool   // waits for all before it and holds all behind it
	byNumber        bool   // has message sequence numbers in it: waits for what may expunge
	numbers         bool   // those are the caller's: they mean what they meant when the call began
	noExpunge       bool   // the server may not send EXPUNGE while it runs (FETCH, STORE, SEARCH by number)
	writes          bool   // fails in a mailbox that is read-only
	inMailbox       bool   // may act on the selected mailbox, whatever states allows
	ignoresLiterals bool   // long literals that come while it runs are news, and dropped (IDLE)
	changes         effect // what it changes of the session
	keepsCode       bool   // the code of its OK is in its result
	keepsText       bool   // and so is the text
	exchange        bool   // what is sent while it runs stays out of the log
	asks            bool   // the server is to answer with a continuation first
	batch           bool   // what is in the buffer already is read at once: results go to a queue
	pipelined       bool   // sent by a pipeline, and need not leave at once
	partial         bool   // its caller looks for MESSAGELIMIT and goes on
	weight          int    // what a response of its answer costs beside its bytes, where that is much
	encode          func(*encoder)
	answer          answer // takes what comes for the command; nil takes nothing
	// finish applies the tagged response to the session. It runs in the order of the wire, before the caller sees the
	// response and also when the command was abandoned, with engine.mu held.
	finish func(s *status)

	moves        *moves   // of numbers, until it is sent
	secrets      []string // are masked wherever the server repeats them
	mailbox      string   // which STATUS is about
	seqs         SeqSet   // the messages by number, of FETCH, STORE, COPY and MOVE
	once         string   // the name of the untagged response of which one answers it
	rows         string   // the name of the untagged responses of which any number answers it: two such commands cannot overlap
	terminator   string   // what ends it, where it asks
	tag          string
	size         int // bytes sent, literals not counted
	status       status
	err          error
	done         bool
	abandoned    bool
	bars         bool   // it is counted in underWay.barriers
	goAhead      bool   // a continuation came for it
	readOnce     bool   // a reader that cannot be read again was read for it; of the sender
	absent       bool   // none of seqs is there: that a server refuses them is no error
	heard        bool   // the one that once names has come
	bye          bool   // of LOGOUT: the server sent BYE
	proved       bool   // of an exchange that was abandoned: there is nothing left to check in the server's OK
	endRequested bool   // another call waits for the end of this IDLE
	endSent      bool   // its terminator was sent
	challenge    []byte // the text of the continuation
	queued       int64  // bytes of results that wait for a suspended loop
	kept         int64  // bytes that the answer to a SELECT holds
	taken        int64  // bytes of the answer of a command that keeps all of it
	changed      chan struct{}
}

// notify wakes the goroutines that wait for a change of the command.
func (cmd *command) notify() {
	if cmd.changed != nil {
		close(cmd.changed)
		cmd.changed = nil
	}
}

// watchChange returns a channel that is closed at the next change.
func (cmd *command) watchChange() <-chan struct{} {
	if cmd.changed == nil {
		cmd.changed = make(chan struct{})
	}
	return cmd.changed
}

// stateMask is a set of states.
type stateMask uint8

const (
	inNotAuth  stateMask = 1 << NotAuthenticated
	inAuth     stateMask = 1<<Authenticated | 1<<Selected
	inSelected stateMask = 1 << Selected
	inAny                = inNotAuth | inAuth
)

// RawMailbox makes a mailbox argument of a name exactly as a server sent it (ListEntry.Raw), for names that are not
// valid modified UTF-7: every method that takes a mailbox name sends it back byte for byte.
func RawMailbox(wire string) string { return rawPrefix + wire }

// ---- sending

// newEncoder makes an encoder for what the server is known to take. The caller holds the send token.
func (e *engine) newEncoder() *encoder {
	e.enc = e.looseEncoder()
	return &e.enc
}

// looseEncoder is newEncoder for a caller that only checks arguments and does not hold the send token.
func (e *engine) looseEncoder() encoder {
	e.mu.Lock()
	defer e.mu.Unlock()
	enc := encoder{table: e.table, caps: e.caps, capsKnown: e.capsKnown}
	if len(e.enabled) > 0 {
		enc.enabled, enc.utf8Append = e.enabled, e.enabled["UTF8=ACCEPT"]
		enc.utf8 = e.utf8
	}
	return enc
}

// incomplete is the error of a command about messages that ended well and did not do all, unless its caller goes on.
func (cmd *command) incomplete() error {
	limit, partial := cmd.status.limit()
	if !partial || cmd.partial || !cmd.aboutMessages() {
		return nil
	}
	return &PartialError{Command: cmd.name, Limit: limit.most, UID: limit.uid}
}

// aboutMessages reports whether a command does something with each of several messages.
func (cmd *command) aboutMessages() bool {
	switch cmd.name {
	case closeName, "ESEARCH", "APPEND":
		return true
	}
	return cmd.states == inSelected && !cmd.exclusive
}

const closeName = "CLOSE"

// messageLimit is the data of the code MESSAGELIMIT: how many messages one command handles, and the lowest UID that was
// handled. Both are 0 where they are not sent.
type messageLimit struct {
	most uint32
	uid  UID
}

// limit returns the data of MESSAGELIMIT, and reports whether a status has that code.
func (s *status) limit() (messageLimit, bool) { return parseLimit(s.code, s.args) }

func parseLimit(code Code, args string) (messageLimit, bool) {
	if code != CodeMessageLimit {
		return messageLimit{}, false
	}
	var l messageLimit
	words := strings.Fields(args)
	if len(words) > 0 {
		l.most = uint32(codeNumber(words[0], 32))
	}
	if len(words) > 1 {
		l.uid = UID(codeNumber(words[1], 32))
	}
	return l, true
}
