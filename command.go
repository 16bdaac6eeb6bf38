package imap

import (
	"cmp"
	"context"
	"strings"
)

// answer collects the responses to a command in flight. The reader offers it each response, and it reports whether it claims
// it; a response that no answer claims is unsolicited. Its methods run in the goroutine that reads, with engine.mu held.
//
// An answer belongs to its caller. When the command is abandoned, the engine replaces it by the result of dropped and no
// longer refers to it: it does not change any more, and its memory can be freed.
type answer interface {
	// data is called with untagged data.
	data(r *response) claim
	// condition is called with an untagged OK, NO or BAD.
	condition(r *response) claim
	// end is called when the tagged response has arrived.
	end()
	// dropped returns the answer for the command after it was abandoned: one that claims the same responses and uses a
	// constant amount of memory. Nil claims nothing.
	dropped() answer
}

// partialAnswer is an answer that can consume a part of a response before its end has arrived.
type partialAnswer interface {
	// part consumes a part of a long untagged response whose end has not arrived, and returns the position of that part in
	// the text.
	part(text []byte) (from, to int)
}

// heir is an answer to a command with once. It can give its data to that of another such command, and take such data.
type heir interface {
	legacy() answer
	inherit(legacy answer) bool // false if it has data of its own
}

// divided is an answer to a command with once and divided.
type divided interface {
	heir
	join(later answer) // adds the data of an answer, which was received later
	reset()            // drops all data
}

// claim is an answer's decision about a response.
type claim int

const (
	notMine claim = iota
	mine
	shared // claimed, and also applied to the mailbox
)

// noData is an answer without data. Others embed it for the methods that they do not need.
type noData struct{}

func (noData) data(*response) claim      { return notMine }
func (noData) condition(*response) claim { return notMine }
func (noData) end()                      {}
func (noData) dropped() answer           { return nil }

// giveUp abandons a command whose caller has returned. Its answer is read and dropped before the next command. Its finish is
// called nevertheless, so that the session reflects the effect of the command. The caller must hold engine.mu.
func (e *engine) giveUp(cmd *command) {
	if cmd.abandoned {
		return
	}
	cmd.abandoned, cmd.encode = true, nil
	e.bar(cmd)
	if cmd.answer != nil && !e.mayHoldOthers(cmd) {
		cmd.answer = cmd.answer.dropped()
	}
	cmd.legacy = nil
}

// rows is a value that collects untagged data.
type rows interface {
	take(r *response) (claim, error)
}

// gather runs a command, collects its data in a value returned by fresh, and returns that value. If the command succeeds but
// data cannot be parsed, gather returns the error of parsing.
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

// gathered is the answer to a command run by gather.
type gathered[R rows] struct {
	noData
	fresh func() R
	rows  R
	bad   error // the error of the first data that could not be parsed
}

func (a *gathered[R]) data(r *response) claim {
	got, err := a.rows.take(r)
	if err != nil && a.bad == nil {
		a.bad = err
	}
	return got
}

func (a *gathered[R]) legacy() answer { return a }

func (a *gathered[R]) inherit(legacy answer) bool {
	of, ok := legacy.(*gathered[R])
	if ok {
		a.rows, a.bad = of.rows, of.bad
	}
	return ok
}

// joined is a value that collects several responses.
type joined[R any] interface{ join(later R) error }

func (a *gathered[R]) join(later answer) {
	of, ok := later.(*gathered[R])
	rows, divided := any(a.rows).(joined[R])
	if !ok || !divided {
		return
	}
	a.bad = cmp.Or(a.bad, of.bad, rows.join(of.rows))
}

func (a *gathered[R]) reset() { a.rows, a.bad = a.fresh(), nil }

func (a *gathered[R]) dropped() answer { return droppedRows[R]{fresh: a.fresh} }

// droppedRows parses each response into a new value, only to decide whether to claim it.
type droppedRows[R rows] struct {
	noData
	fresh func() R
}

func (a droppedRows[R]) data(r *response) claim {
	got, _ := a.fresh().take(r)
	return got
}

func (a droppedRows[R]) dropped() answer { return a }

// sharedData is an answer whose data the session stores too.
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

// codeAnswer is the answer to a command with a code in an untagged OK.
type codeAnswer struct {
	noData
	name Code
	take func(s *status) // nil: ignore it
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

// command is one command: its requirements, the encoder of its arguments, its answer and its result. The fields below the
// line are guarded by engine.mu.
type command struct {
	name   string
	states stateMask
	traits
	weight int // memory for a response in addition to its bytes, if that is much
	encode func(*encoder)
	answer answer // collects responses; nil claims none
	// finish applies the tagged response to the session. It runs in the order of the wire, before the caller gets the
	// result, and also if the command was abandoned, with engine.mu held.
	finish func(s *status)

	moves      *moves        // for sequence numbers, until it is sent
	call       *pipelineCall // the pipeline call of a command that changes the mailbox, or nil
	secrets    []string      // masked wherever the server repeats them
	mailbox    string        // the mailbox of STATUS
	seqs       SeqSet        // the sequence numbers of FETCH, STORE, COPY and MOVE
	once       string        // name of the untagged response, if exactly one answers the command, or one or several if divided
	rows       string        // name of the untagged responses, if any number answers the command: two such commands must not overlap
	terminator string        // the line that ends it after a continuation

	commandState
}

// traits are what the engine has to know of a command. They do not change after it was sent.
type traits struct {
	exclusive       bool   // waits for all earlier commands and holds back all later ones
	byNumber        bool   // contains sequence numbers: waits for commands that may expunge
	numbers         bool   // those are the caller's: they keep the meaning that they had when the call began
	noExpunge       bool   // the server must not send EXPUNGE while it runs (FETCH, STORE, SEARCH by number)
	writes          bool   // fails in a read-only mailbox
	inMailbox       bool   // may act on the selected mailbox, whatever states allows
	ignoresLiterals bool   // long literals received while it runs are unsolicited, and dropped (IDLE)
	changes         effect // what it changes in the session
	keepsCode       bool   // the result contains the code of the OK
	keepsText       bool   // the result contains the text of the OK
	exchange        bool   // lines sent while it runs are not logged
	asks            bool   // the server must answer with a continuation first
	batch           bool   // responses in the buffer are read at once: results go to a queue
	lines           bool   // so they are, because its answer takes plain lines
	follows         bool   // waits for the commands of loops, since it needs a continuation
	pipelined       bool   // sent by a pipeline, not necessarily at once
	partial         bool   // its caller handles MESSAGELIMIT
	divided         bool   // its answer may be several of the responses named by once
	tagged          bool   // SORT with RETURN: they name it
	waits           bool   // its caller waits for events: a code of its answer is one, also if the time was over before
}

// commandState is what has happened to a command. It is guarded by engine.mu, except for tag, size and readOnce, which are
// set under the send token.
type commandState struct {
	tag          string
	size         int  // bytes sent, without literals
	readOnce     bool // a reader that cannot be read again was read
	status       status
	err          error
	done         bool
	abandoned    bool
	bars         bool   // counted in outstanding.barriers
	goAhead      bool   // a continuation for it has arrived
	partlySent   bool   // a literal of it was not sent yet
	absent       bool   // none of seqs exists: a refusal is no error
	arrived      bool   // the response named by once has arrived
	provisional  bool   // that one may be data of an older command
	contested    bool   // a later command has received one that may be data of this command
	ownsAll      bool   // it has received more of them than there are commands: all that arrive before its end are data of this command
	legacy       answer // such a response that an earlier command took, which was then refused
	bye          bool   // LOGOUT: the server has sent BYE
	proved       bool   // abandoned exchange: nothing is left to check after the server's OK
	endRequested bool   // another call waits for the end of this IDLE
	endSent      bool   // the terminator was sent
	challenge    []byte // the text of the continuation
	memory       memory
	changed      chan struct{}
}

// memory counts the bytes that the results of a command hold, by what happens at the bound, which is Limits.MaxBuffered for
// each. It is guarded by engine.mu.
type memory struct {
	queue     int64 // rows queued for a loop: nothing more is read until the loop has taken some
	answer    int64 // an answer that is kept until the command ends: the connection is closed with a LimitError
	selection int64 // what the answer to SELECT reports of messages: it is dropped, and the command fails with a LimitError
}

// notify wakes goroutines waiting for cmd to change.
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

// RawMailbox returns a mailbox argument for a name exactly as the server sent it (ListEntry.Raw), for names that are not
// valid modified UTF-7: every method that takes a mailbox name sends it unchanged.
func RawMailbox(wire string) string { return rawPrefix + wire }

// ---- sending

// newEncoder returns an encoder for the known capabilities of the server. The caller must hold the send token.
func (e *engine) newEncoder() *encoder {
	e.enc = e.looseEncoder()
	return &e.enc
}

// looseEncoder is like newEncoder, for a caller that only checks arguments and does not hold the send token.
func (e *engine) looseEncoder() encoder {
	e.mu.Lock()
	defer e.mu.Unlock()
	enc := encoder{table: e.table, caps: e.caps, capsKnown: e.capsKnown, saveLeft: e.saveLeft, noNumbers: e.noNumbers()}
	if len(e.enabled) > 0 {
		enc.enabled, enc.utf8Append = e.enabled, e.enabled["UTF8=ACCEPT"]
		enc.utf8 = e.utf8
	}
	return enc
}

// incomplete returns the error for a command that succeeded but processed only a part of its messages, unless the caller
// handles that.
func (cmd *command) incomplete() error {
	limit, partial := cmd.status.limit()
	if !partial || cmd.partial || !cmd.aboutMessages() {
		return nil
	}
	return &PartialError{Command: cmd.name, Limit: limit.most, UID: limit.uid}
}

// aboutMessages reports whether a command processes each of several messages.
func (cmd *command) aboutMessages() bool {
	switch cmd.name {
	case closeName, "ESEARCH", "APPEND":
		return true
	}
	return cmd.states == inSelected && !cmd.exclusive
}

const closeName = "CLOSE"

// messageLimit is the data of the code MESSAGELIMIT: how many messages one command processes, and the lowest UID that was
// processed. Both are 0 if not sent.
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
