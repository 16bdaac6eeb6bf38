package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-imaplib/imap/internal/mimetext"
	"github.com/go-imaplib/imap/internal/wire"
)

// engine runs commands on a connection. It has no goroutine of its own: a goroutine that waits for a reply does the
// reading, on behalf of all waiters, and routes each response to the command that requested it.
//
// There are two tokens.
//
//   - The send token (engine.send) is held while a command is encoded and written and, outside of pipelines, until it is
//     answered. It guards the writer.
//   - The read token (wire.Conn.LockRead) is held while responses are read. It guards the reader, and the buffer and the
//     frame of conn. Its holder never waits for the send token.
//
// Everything else is guarded by mu, which is held no longer than it takes to handle one response, or batchRows plain rows.
//
// A command goes through these states:
//
//	enlisted    it has a tag and a place in inflight, but none of its bytes was sent (the last commands of inflight, held)
//	sent        its bytes are sent, in the order of inflight
//	answered    the tagged response was read: it is removed from inflight, its answer and finish are called, done is set
//	ended       the connection was lost: done is set, with err
//
// A caller that returns while its command is enlisted or sent abandons it. The command stays in inflight with the dropped
// form of its answer, which still claims its responses but keeps nothing. Its finish is called with the tagged response as
// usual, so the session reflects what the server did. The next command waits for the tagged response of an abandoned one
// before it is sent (makeWay), and thus reads and drops the rest of the answer. A caller that returns early closes the
// connection only if a part of its command was sent.
//
// A response is framed (wire.Conn.ReadFrame), parsed once (response.load; for a FETCH, parseRow), and offered to the answers
// of the commands in flight, the oldest first. A response that none of them claims is unsolicited: it updates the selected
// mailbox and becomes an event. Three things can happen before a response is complete: literalUse decides about a large
// literal, which may be dropped or stay on the wire for a FetchStream; a partialAnswer consumes a part of a long line
// (consumePartial); and with peek set, ReadFrame returns only a response that is already in the buffer (more).
type engine struct {
	// Set when the client is created.
	conn          *wire.Conn
	decoder       *mimetext.Decoder // for header text; nil: the zero Decoder
	opts          Options
	table         *table
	literalPolicy func(head []byte, size int64) wire.LiteralUse
	host          string // the dialed host
	greetingText  string

	send   chan struct{} // the send token
	writer               // guarded by the send token
	reader               // guarded by the read token of conn

	mu          sync.Mutex
	outstanding // guarded by mu
	session     // guarded by mu
	ending      // guarded by mu
	closing     atomic.Bool
	notes       []string // for the log; guarded by mu
}

// writer holds data to be sent. It is guarded by the send token, except for the atomic values.
type writer struct {
	enc        encoder      // for one command
	out        []byte       // encoded but not yet sent
	tags       uint64       // number of tags made so far
	spareTags  string       // tags that are not yet used
	unsent     bool         // some commands in flight are held back
	flushTimer *time.Timer  // flushes out if nothing else does
	pending    atomic.Bool  // out holds commands
	waits      atomic.Int32 // pipelines in Wait: no further command will join those in out
}

// reader holds the response that is being read. It is guarded by the read token.
type reader struct {
	resp       response
	names      interner
	deviations []string // deviations tolerated in the current response
}

// outstanding holds the unanswered commands. It is guarded by engine.mu, except for the atomic value.
type outstanding struct {
	inflight  []*command    // sent but not answered, in the order of the wire
	held      int32         // how many of them, at the end, are not yet sent
	size      int32         // their size in bytes, without literals
	barriers  int32         // how many of them hold back all later commands
	window    int32         // how many there may be in pipelines
	growth    int32         // how much window may grow
	probed    *command      // the command that is timed
	probedAt  time.Duration // when it was sent, since epoch
	queued    int64         // bytes in the queues of their loops
	streaming *stream       // a FetchStream, while its loop runs
	streams   atomic.Bool   // the loop of streaming is reading
	fixed     bool          // window does not grow
	asking    *command      // the command that waits for a continuation
	undecided *command      // a command that has ended, but whose data may be that of later ones
	partOwner *command      // the command that has taken parts of the response whose end has not arrived
	idleSince time.Time     // when the current IDLE was entered
	followers []*follower
	toCancel  searchesToCancel
}

// session is the state of the IMAP session. It is guarded by engine.mu.
type session struct {
	state     State
	caps      Caps
	capsKnown bool
	enabled   map[string]bool
	utf8      bool // UTF8=ACCEPT or IMAP4rev2 is enabled
	notified  bool // NOTIFY is on: data about any mailbox may arrive at any time
	sections  bool // and so may sections of new messages
	expunges  bool // and so may EXPUNGE of the selected mailbox: sequence numbers cannot be used
	mailbox   *Mailbox
	left      pinnedMailbox // during a SELECT: the mailbox that it has closed
	unclaimed bool          // a mailbox is selected that no caller knows of
	removed   uint64        // number of messages removed from selected mailboxes
	opened    uint64        // how often a mailbox was opened or closed
	opener    *pipelineCall // the pipeline call that has opened it, or nil
	saveLeft  bool          // "$" is the result of a search that was given up
	users     int           // number of changes of the user
	events    eventQueue
	lastData  []namedData // for LastData
	secrets   []string    // of the logins: servers may repeat them later
}

// ending holds why the connection ended. It is guarded by engine.mu.
type ending struct {
	lost        error  // why the connection ended
	unreported  error  // the reason, to be returned by the next call
	lastBye     *Error // what Bye returns
	lastStatus  *Error // the last status that the server sent after its last answer to a command
	cutExchange bool   // a login whose lines must not be logged was in progress
}

// newEngine returns an engine for a connection. It fails if an option is invalid.
func newEngine(raw io.ReadWriteCloser, o Options, t *table, host string) (*engine, error) {
	e := &engine{
		opts:  o,
		table: t,
		host:  host,
		send:  make(chan struct{}, 1),
	}
	if o.FallbackCharset != "" {
		e.decoder = &mimetext.Decoder{Fallback: mimetext.Lookup(o.FallbackCharset)}
		if e.decoder.Fallback == nil {
			return nil, argError("FallbackCharset is not known")
		}
	}
	e.conn = wire.New(raw, wire.Config{
		Limits: o.limits(), Log: o.Logger, TakePart: e.consumePartial, QuoteOpen: quoteOpen,
		Exceeded: func(name string, limit int64) error { return &LimitError{name, limit} },
	})
	e.events.room = func() int64 { return e.conn.Limits.MaxBuffered - e.queued }
	e.literalPolicy = e.literalUse
	e.setWindow()
	e.resp.table = t
	return e, nil
}

// lock waits for the send token.
func (e *engine) lock(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := e.closedError(); err != nil {
		return err
	}
	select {
	case e.send <- struct{}{}:
		return nil
	default:
	}
	select {
	case e.send <- struct{}{}:
		if err := e.closedError(); err != nil {
			e.unlock()
			return err
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.conn.Done():
		return e.closedError()
	}
}

func (e *engine) unlock() { <-e.send }

// closedError returns the error for a call on a closed connection: once the server's BYE, then ErrClosed.
func (e *engine) closedError() error {
	if !e.conn.IsClosed() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closedLocked()
}

func (e *engine) closedLocked() error {
	if err := e.unreported; err != nil {
		e.unreported = nil
		return err
	}
	return ErrClosed
}

// fail ends the connection: every command in flight fails with err, and later ones with ErrClosed. An error that concerns
// only one caller, such as the end of its ctx, is not returned to the others.
func (e *engine) fail(err error) error {
	defer e.conn.AwaitShut()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !errors.Is(err, ErrClosed) {
		e.failLocked(errCutByOther)
		return err
	}
	return e.failLocked(err)
}

// errCutByOther is returned by other calls if one call cannot complete a command that it began to send.
var errCutByOther = &wire.LostError{Cause: errors.New("another call ended in the middle of its command")}

func (e *engine) failLocked(err error) error {
	if e.lost == nil {
		e.lost = err
	}
	e.endUndecided()
	e.cutExchange = e.isHidden()
	for _, cmd := range e.inflight {
		e.secrets = append(e.secrets, cmd.secrets...) // text that has arrived, but was not handled, may repeat them
		e.end(cmd, e.lost)
	}
	e.secrets = longestFirst(e.secrets)
	e.inflight, e.held, e.size, e.barriers = nil, 0, 0, 0
	e.conn.Shut()
	return err
}

// end marks a command as finished with an error of the connection.
func (e *engine) end(cmd *command, err error) {
	if bye, ok := err.(*Error); ok {
		named := *bye
		named.Command = cmd.name
		err = &named
	}
	cmd.err = err
	e.conclude(cmd)
}

// conclude marks a command as done. Its queue does not grow any more.
func (e *engine) conclude(cmd *command) {
	e.queued -= cmd.memory.queue
	cmd.done = true
	cmd.notify()
}

// enlist adds a command to those in flight.
func (e *engine) enlist(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.tag = e.nextTag()
	e.inflight = append(e.inflight, cmd)
	e.size += int32(cmd.size)
	e.held++
	e.unsent = true
	if cmd.exclusive {
		e.bar(cmd)
	}
	if cmd.asks {
		e.asking = cmd
	}
}

// bar makes a command hold back all later ones. The caller must hold engine.mu.
func (e *engine) bar(cmd *command) {
	if !cmd.bars && !cmd.done && cmd.tag != "" {
		cmd.bars = true
		e.barriers++
	}
}

func (cmd *command) finished(e *engine) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmd.done
}

// ---- running a command

// run sends a command and waits for its answer.
func (c *Client) run(ctx context.Context, cmd *command) error {
	if err := c.start(ctx, cmd); err != nil {
		return err
	}
	if c.call == nil || cmd.exclusive {
		defer c.e.unlock()
	} else {
		c.e.unlock()
		if !c.before {
			c.call.commandQueued()
		}
	}
	return c.e.wait(ctx, cmd)
}

// runPlain runs a command without arguments. The command value is reused: while it is in flight no other command can be sent
// on the connection, and so none can refer to it.
func (c *Client) runPlain(ctx context.Context, name string, states stateMask) error {
	if c.call != nil {
		return c.run(ctx, &command{name: name, states: states})
	}
	cmd := plainCommand(name, states)
	err := c.run(ctx, cmd)
	if err == nil {
		useAgain(cmd)
	}
	return err
}

func plainCommand(name string, states stateMask) *command {
	cmd := plainCommands.Get().(*command)
	cmd.name, cmd.states = name, states
	return cmd
}

// useAgain takes back a plain command that has ended well. The caller knows that no goroutine refers to it.
func useAgain(cmd *command) {
	*cmd = command{}
	plainCommands.Put(cmd)
}

var plainCommands = sync.Pool{New: func() any { return new(command) }}

// wait waits until a command is answered. If ctx ends first, the command is abandoned.
func (e *engine) wait(ctx context.Context, cmd *command) error {
	err := e.await(ctx, cmd, isDone)
	if err != nil && e.abandon(cmd) {
		return failed(cmd.name, err)
	}
	return e.result(cmd)
}

func isDone(cmd *command) bool { return cmd.done }

// result returns the error of a finished command.
func (e *engine) result(cmd *command) error {
	switch {
	case cmd.err != nil:
		e.clearUnreported()
		return failed(cmd.name, cmd.err)
	case cmd.status.ok():
		return cmd.incomplete()
	case cmd.absent:
		return nil
	}
	return cmd.status.failure(cmd.name)
}

// abandon gives up a command whose caller returns early. Its answer is read and dropped before the next command. It returns
// false if the server has just answered the command, or ended it with BYE: the caller must return that result.
func (e *engine) abandon(cmd *command) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.undecided == cmd {
		cmd.abandoned = true // its answer has ended: there is nothing to drain
		return true
	}
	if _, bye := cmd.err.(*Error); cmd.done && (cmd.err == nil || bye) {
		return false
	}
	e.giveUp(cmd)
	return true
}

// abandonExchange abandons a login in the middle of its exchange; proved is true if nothing is left to check.
func (e *engine) abandonExchange(cmd *command, proved bool) bool {
	e.mu.Lock()
	cmd.proved = proved
	e.mu.Unlock()
	return e.abandon(cmd)
}

// start takes the send token and sends a command. If it returns nil, the caller holds the token. An error before the first
// byte leaves the client unchanged.
func (c *Client) start(ctx context.Context, cmd *command) error {
	var meant pinnedMailbox
	if c.pinned == nil && (cmd.states == inSelected || cmd.inMailbox) {
		meant = c.begun()
	}
	if cmd.numbers {
		box := c.pinned
		if box == nil {
			begun := meant
			box = &begun
		}
		cmd.moves = c.followMoves(box)
		defer cmd.moves.end()
	}
	for asked := false; ; {
		if err := c.lock(ctx); err != nil {
			return unsent(cmd.name, err)
		}
		err := c.startLocked(ctx, cmd, meant)
		if err == nil {
			return nil
		}
		c.e.unlock()
		if errors.Is(err, errBehindStream) {
			if err := c.e.awaitStream(ctx); err != nil {
				return unsent(cmd.name, err)
			}
			continue
		}
		if asked || !errors.Is(err, errCapsUnknown) {
			return err
		}
		if _, err := c.askCaps(ctx); err != nil {
			return unsent(cmd.name, err)
		}
		asked = true
	}
}

// startLocked sends a command once the send token is held. meant is the mailbox in which it must run, if that is set.
func (c *Client) startLocked(ctx context.Context, cmd *command, meant pinnedMailbox) error {
	if cmd.encode != nil {
		defer func() { c.e.enc = encoder{} }()
	}
	if err := c.prepare(ctx, cmd, &meant); err != nil {
		return unsent(cmd.name, err)
	}
	if c.e.enc.asks() && c.mustFollowLoop(cmd) {
		if err := c.prepare(ctx, cmd, &meant); err != nil {
			return unsent(cmd.name, err)
		}
	}
	if cmd.seqs != nil {
		c.e.noteAbsent(cmd)
	}
	if ctx.Err() != nil {
		return unsent(cmd.name, context.Cause(ctx))
	}
	cmd.pipelined = c.call != nil && !cmd.exclusive
	if cmd.changes&onMailbox != 0 {
		cmd.call = c.call
		c.call.selectSent()
	}
	if err := c.e.transmit(ctx, cmd, &c.e.enc); err != nil {
		return c.e.cutShort(cmd, err)
	}
	return nil
}

// prepare waits until a command can be sent, and encodes it.
func (c *Client) prepare(ctx context.Context, cmd *command, meant *pinnedMailbox) error {
	if !c.atOnce(cmd) {
		if err := c.makeReady(ctx, cmd); err != nil {
			return err
		}
	}
	if meant.set || meant.awaited {
		if err := c.e.checkPinned(meant, c.call); err != nil {
			return err
		}
	}
	if (cmd.states == inSelected || cmd.inMailbox) && !c.before && c.call.lacksMailbox() {
		return errNotOpened
	}
	if cmd.encode == nil {
		return nil
	}
	return c.e.encode(cmd)
}

// encode writes the arguments of a command.
func (e *engine) encode(cmd *command) error {
	enc := e.newEncoder()
	if cmd.moves != nil {
		enc.moved = cmd.moves.now
	}
	cmd.encode(enc)
	return enc.err
}

// atOnce reports whether a command is allowed and has nothing to wait for: makeReady would do nothing.
func (c *Client) atOnce(cmd *command) bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.e.streaming != nil || len(c.e.toCancel.tags) > 0 || c.pinned != nil {
		return false
	}
	if n := len(c.e.inflight); n > 0 {
		if c.call == nil || cmd.exclusive || c.e.barriers > 0 || cmd.byNumber || cmd.rows != "" || cmd.divided || cmd.follows || c.e.isFull() {
			return false
		}
	}
	return !c.e.conn.IsClosed() && c.e.checkLocked(cmd) == nil
}

// makeReady waits until a command can be sent, and returns an error if it is not allowed then.
func (c *Client) makeReady(ctx context.Context, cmd *command) error {
	if err := c.makeWay(ctx, cmd); err != nil {
		return err
	}
	if err := c.cancelOverdue(ctx, cmd); err != nil {
		return err
	}
	if err := c.e.check(cmd); err != nil {
		return err
	}
	return c.checkPinned()
}

// cutShort abandons a command that was not sent completely, and returns the reason: the server's BYE, if there was one. It
// returns nil if the server has already answered.
func (e *engine) cutShort(cmd *command, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cmd.done && cmd.err == nil {
		return nil
	}
	e.giveUp(cmd)
	if bye, ok := cmd.err.(*Error); ok {
		e.unreported = nil
		return bye
	}
	return failed(cmd.name, err)
}

// check returns an error if a command is not allowed now.
func (e *engine) check(cmd *command) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn.IsClosed() {
		return e.closedLocked() // the connection ended while the call waited for its turn
	}
	return e.checkLocked(cmd)
}

func (e *engine) checkLocked(cmd *command) error {
	if cmd.states&(1<<e.state) == 0 || cmd.inMailbox && e.unclaimed {
		return e.outOfPlace(cmd)
	}
	if cmd.byNumber && !strings.HasPrefix(cmd.name, "UID ") {
		if err := e.noNumbers(); err != nil {
			return err
		}
	}
	if cmd.writes && e.mailbox != nil && e.mailbox.ReadOnly {
		return ErrReadOnly
	}
	return nil
}

// errNumbersChange is returned for a command with sequence numbers while the server may send EXPUNGE at any time: until it
// reads the command, a number may be that of another message (RFC 5465 section 5.3).
var errNumbersChange = fmt.Errorf("NOTIFY reports expunged messages at once, so sequence numbers cannot be used: %w", ErrUIDOnly)

// noNumbers returns the reason why commands cannot use sequence numbers, or nil. The caller must hold engine.mu.
func (e *engine) noNumbers() error {
	switch {
	case e.enabled["UIDONLY"]:
		return ErrUIDOnly
	case e.notified && e.expunges:
		return errNumbersChange
	}
	return nil
}

// outOfPlace returns the error for a command that the state does not allow. The caller must hold engine.mu.
func (e *engine) outOfPlace(cmd *command) error {
	err := &StateError{cmd.name, e.state}
	if e.unclaimed && (cmd.inMailbox || cmd.states&inSelected != 0) {
		return unclaimedError{err}
	}
	return err
}

// searchesToCancel are searches with UPDATE whose updates are no longer wanted, but which are not yet canceled.
type searchesToCancel struct {
	cancel func(tags ...string) *command // returns the command that cancels them
	box    *Mailbox                      // the mailbox in which they run, and with which they end
	tags   []string
}

// cancelLater arranges for a search with UPDATE to be canceled before the next command. The caller must hold engine.mu.
func (e *engine) cancelLater(tag string, cancel func(tags ...string) *command) {
	if e.toCancel.box != e.mailbox {
		e.toCancel = searchesToCancel{cancel: cancel, box: e.mailbox}
	}
	e.toCancel.tags = append(e.toCancel.tags, tag)
}

// cancelOverdue sends CANCELUPDATE before a command, if that is due. It is not needed before a command that leaves the mailbox.
func (c *Client) cancelOverdue(ctx context.Context, cmd *command) error {
	if cmd.changes&onMailbox != 0 || cmd.name == logoutName {
		return nil // if it cannot be sent, or is refused, it is sent before the next command
	}
	c.e.mu.Lock()
	due := c.e.toCancel
	c.e.toCancel = searchesToCancel{}
	inBox := c.e.state == Selected && c.e.mailbox == due.box
	c.e.mu.Unlock()
	if len(due.tags) == 0 || !inBox {
		return nil
	}
	cancel := due.cancel(due.tags...)
	view := Client{e: c.e, call: c.call, before: true} // it is not a command of the call
	if err := view.startLocked(ctx, cancel, pinnedMailbox{}); err != nil {
		c.e.mu.Lock()
		defer c.e.mu.Unlock()
		if cancel.tag == "" {
			if c.e.toCancel.box == due.box {
				due.tags = append(due.tags, c.e.toCancel.tags...) // searches that were left meanwhile
			}
			c.e.toCancel = due
		}
		return err
	}
	c.e.leave(cancel)
	return c.makeWay(ctx, cmd)
}

// leave abandons a command that was sent.
func (e *engine) leave(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.giveUp(cmd)
}

// leaveLoop abandons a command whose loop was left early, by break, return, panic or otherwise.
func (e *engine) leaveLoop(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.giveUp(cmd)
	if !cmd.done {
		e.queued -= cmd.memory.queue
	}
	cmd.memory.queue = 0
}

// account counts bytes that are queued for the loop of a command. The caller must hold engine.mu.
func (e *engine) account(cmd *command, size int64) {
	cmd.memory.queue += size
	if !cmd.done {
		e.queued += size
		if e.events.cost > minEventCost {
			e.events.yield()
		}
	}
}

// beginStream makes the other commands wait for the loop of a FetchStream.
func (e *engine) beginStream(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streaming = s
}

// readStream lets the loop of the FetchStream decide about literals. The caller must hold the read token.
func (e *engine) readStream() { e.streams.Store(true) }

// endStream lets other commands run again.
func (e *engine) endStream(cmd *command) {
	e.leaveLoop(cmd)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streaming = nil
	e.streams.Store(false)
}

// joinIdle returns the IDLE in progress and when it began, and makes it wanted again. It returns nil if none exists, or
// if a call waits for its end.
func (e *engine) joinIdle(name string) (*command, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, cmd := range e.inflight {
		if cmd.name == name && cmd.goAhead && !cmd.endRequested {
			cmd.abandoned = false
			return cmd, e.idleSince
		}
	}
	return nil, time.Time{}
}

// idleBegan records when the current IDLE was entered.
func (e *engine) idleBegan(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idleSince = at
}

// mustEnd reports whether another caller waits for the end of the command.
func (cmd *command) mustEnd(e *engine) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmd.endRequested
}

// hasNews reports whether a loop that waits in an IDLE has something to do: there are events, or the IDLE has ended or must
// end.
func (e *engine) hasNews(cmd *command) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmd.done || cmd.endRequested || len(e.events.list) > 0
}

// holds adds to the bytes that a command keeps of its answer. It reports whether their sum is within the bound.
func (e *engine) holds(cmd *command, octets int64) bool {
	cmd.memory.selection += octets
	return cmd.memory.selection <= e.conn.Limits.MaxBuffered
}
