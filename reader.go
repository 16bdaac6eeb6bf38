package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// ---- reading

// await waits until ready returns true, and reads unless another goroutine does. An error of ctx has no other effect.
func (e *engine) await(ctx context.Context, cmd *command, ready func(*command) bool) error {
	for {
		if e.pending.Load() && (!cmd.pipelined || e.waits.Load() > 0) {
			if err := e.flushPending(ctx); err != nil {
				return e.endOf(cmd, err)
			}
		}
		e.mu.Lock()
		if ready(cmd) {
			e.mu.Unlock()
			return nil
		}
		var changed <-chan struct{}
		looked := !e.memoryFull(cmd)
		if !e.conn.TryLockRead() {
			changed, looked = cmd.watchChange(), false
		}
		e.mu.Unlock()
		if changed != nil {
			if err := e.conn.LockRead(ctx, changed); err == wire.ErrInterrupted {
				continue
			} else if err != nil {
				return e.endOf(cmd, err)
			}
		}
		return e.read(ctx, cmd, ready, looked)
	}
}

// memoryFull reports whether the results of commands other than cmd fill the memory, because a loop in a pipeline does not take
// them. The caller must hold engine.mu.
func (e *engine) memoryFull(cmd *command) bool {
	return e.queued-cmd.memory.queue > e.conn.Limits.MaxBuffered
}

// endOf returns err, or nil if the end of the connection has already ended the command: then the command has the reason, and
// what it got before.
func (e *engine) endOf(cmd *command, err error) error {
	if errors.Is(err, ErrClosed) && cmd.finished(e) {
		return nil
	}
	return err
}

// read reads responses until ready returns true; looked reports that the caller has already checked it. The caller must hold
// the read token, which read releases.
func (e *engine) read(ctx context.Context, cmd *command, ready func(*command) bool, looked bool) error {
	stop := e.conn.Watch(ctx)
	defer e.unlockRead()
	defer stop()
	for ; ; looked = false {
		var ok, over bool
		if !looked {
			e.mu.Lock()
			ok, over = ready(cmd), e.memoryFull(cmd)
			e.mu.Unlock()
		}
		// An error of more is returned by the commands that it ends, after the rows that came before.
		if ok && cmd.batch {
			e.more(batchRows, func() bool { return cmd.finished(e) })
		} else if ok && cmd.pipelined {
			e.more(batchRows, e.quiet)
		}
		if ok {
			return nil
		}
		if over {
			return ErrBusy // a loop in a pipeline does not take its results
		}
		if err := e.step(ctx, time.Time{}); err != nil {
			return err
		}
		if cmd.lines {
			if err := e.more(batchRows, func() bool { return cmd.finished(e) }); err != nil {
				return err
			}
		}
	}
}

// unlockRead drops the last response, then releases the token.
func (e *engine) unlockRead() {
	e.dropResponse()
	e.names.release()
	e.conn.UnlockRead()
}

// dropResponse drops the last response, whose text is in a buffer that is released.
func (e *engine) dropResponse() { e.resp = response{table: e.table} }

// step reads and handles one response.
func (e *engine) step(ctx context.Context, until time.Time) error {
	text, err := e.conn.ReadFrame(until, false, e.literalPolicy)
	switch {
	case err == wire.ErrInterrupted:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	case err == wire.ErrStreaming:
		return err
	case err != nil:
		return e.readFailed(err)
	}
	e.handle(text)
	return nil
}

// consumePartial offers a long response, whose end has not arrived, to the commands that can consume a part of it.
func (e *engine) consumePartial(text []byte) (from, to int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.partOwner != nil {
		if a, ok := e.partOwner.answer.(partialAnswer); ok {
			return a.part(text)
		}
		return 0, 0
	}
	if u := e.undecided; u != nil && u.isNamedIn(text) {
		e.decide(true)
	}
	elder := -1
	for i, cmd := range e.inflight {
		a, ok := cmd.answer.(partialAnswer)
		if !ok || elder >= 0 && cmd.once == e.inflight[elder].once && !e.awaitsData(i) {
			continue
		}
		if cmd.arrived && !cmd.ownsAll {
			if e.anotherWaits(i) {
				elder = i
				continue
			}
			if cmd.divided && cmd.isNamedIn(text) {
				e.collect(i)
			}
		}
		if from, to = a.part(text); from < to {
			if e.partOwner = cmd; cmd.isNamedIn(text) {
				e.arrivedFor(cmd, elder)
			}
			return from, to
		}
	}
	return 0, 0
}

// isNamedIn reports whether text begins a response that answers the command.
func (cmd *command) isNamedIn(text []byte) bool {
	head := len("* ") + len(cmd.once)
	return cmd.once != "" && len(text) > head && ascii.EqualFold(text[len("* "):head], cmd.once) && text[head] == ' '
}

// readFailed ends the connection with an error that includes what the server sent last.
func (e *engine) readFailed(err error) error {
	defer e.conn.AwaitShut()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recordCutLine()
	return e.failLocked(e.withLastStatus(err))
}

// more handles the responses that are already in the buffer, at most limit, so that a loop gets results in batches.
func (e *engine) more(limit int, enough func() bool) error {
	for limit > 0 && !enough() {
		n, text := e.takePlain(limit)
		if text == nil && e.conn.IsClosed() { // the rows exceed a limit
			e.conn.AwaitShut()
			return nil
		}
		if limit -= n + 1; limit < 0 {
			return nil // takePlain has read no other response
		}
		if text == nil {
			var err error
			if text, err = e.conn.ReadFrame(time.Time{}, true, e.literalPolicy); err != nil {
				return e.readFailed(err)
			}
			if text == nil {
				return nil
			}
		}
		e.handle(text)
	}
	return nil
}

// quiet reports whether no command waits for an answer.
func (e *engine) quiet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.inflight) == 0
}

// literalUse decides what to do with a literal; head is the response up to its header. The body of a FetchStream stays
// on the wire, and a large literal that no caller waits for is dropped, unless NOTIFY reports new
// messages and the literal is within MaxLiteral.
func (e *engine) literalUse(head []byte, size int64) wire.LiteralUse {
	if size <= wire.InlineLiteral && !e.streams.Load() {
		return wire.KeepLiteral
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.streaming; s != nil && e.streams.Load() {
		return e.streamUse(s.op, head, size)
	}
	if size <= wire.InlineLiteral {
		return wire.KeepLiteral
	}
	for _, cmd := range e.inflight {
		switch {
		case cmd.ignoresLiterals:
		case !cmd.abandoned:
			return wire.KeepLiteral
		case e.belongsTo(cmd, head):
			return wire.DiscardLiteral
		}
	}
	if e.notified && e.conn.Holds(size) {
		return wire.KeepLiteral
	}
	return wire.DiscardLiteral
}

// streamUse lets a FetchStream decide about a literal of a row.
func (e *engine) streamUse(op streamer, head []byte, size int64) wire.LiteralUse {
	if !endsInBody(head) {
		return wire.KeepLiteral
	}
	r := &e.resp
	if !r.early {
		e.prepare(r)
		r.load(head, nil)
		if !r.isRow() {
			return wire.KeepLiteral
		}
		r.early = true
		op.borrow(r)
		if r.beginRow() {
			r.row.pos, r.row.depth = r.pos, r.depth
		}
	}
	return op.literal(r, head, size)
}

// belongsTo reports whether the answer of an abandoned command claims the response that begins with head.
func (e *engine) belongsTo(cmd *command, head []byte) bool {
	if cmd.answer == nil {
		return false
	}
	r := &e.resp
	e.prepare(r)
	r.load(head, e.conn.TakeLiterals())
	return r.kind == kindUntagged && cmd.answer.data(r) != notMine
}

// ask makes cmd the command for the next continuation. It must be called before the server can send it.
func (e *engine) ask(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.goAhead = false
	if !cmd.done {
		e.asking = cmd
	}
}

// isAnswered reports whether a continuation or the end of the command has arrived.
func isAnswered(cmd *command) bool { return cmd.goAhead || cmd.done }

// endAsking ends an exchange whose caller has returned, or an IDLE in the way of another command: it sends "*" or DONE
// as soon as the continuation has arrived.
func (e *engine) endAsking(ctx context.Context, cmd *command) error {
	e.mu.Lock()
	cmd.endRequested = true
	e.mu.Unlock()
	e.conn.Interrupt() // the goroutine that waits in IDLE releases the read token
	if err := e.await(ctx, cmd, isAnswered); err != nil {
		return err
	}
	e.mu.Lock()
	send := !cmd.done && !cmd.endSent
	cmd.endSent = true
	e.mu.Unlock()
	if send {
		if err := e.sendLine(ctx, cmd, cmd.terminator); err != nil {
			return err
		}
	}
	return e.await(ctx, cmd, isDone)
}

// readRemaining handles data that has arrived from a server that no longer reads.
func (e *engine) readRemaining() {
	until := time.Now().Add(wire.WriteBlocked)
	for {
		text, err := e.conn.ReadFrame(until, false, e.literalPolicy)
		switch {
		case err == nil:
			e.handle(text)
		case err != wire.ErrInterrupted || !time.Now().Before(until): // an interrupt may have been meant for another reader
			return
		}
	}
}

// isHidden reports whether an exchange is in progress that must not be logged, or was when the connection ended. The caller
// must hold engine.mu.
func (e *engine) isHidden() bool { return e.cutExchange || e.inExchange() }

func (e *engine) inExchange() bool {
	return slices.ContainsFunc(e.inflight, func(cmd *command) bool { return cmd.exchange })
}

// awaitGoAhead waits for the continuation of cmd, or for its end.
func (e *engine) awaitGoAhead(ctx context.Context, cmd *command) error {
	err := e.await(ctx, cmd, isAnswered)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if cmd.done && e.asking == cmd {
		e.asking = nil
	}
	if cmd.status.ok() {
		return nil // the server does not wait for the literal
	}
	return cmd.err
}

const (
	// batchRows is how many buffered rows are parsed at once, and taken from a queue at once.
	batchRows = 128
	// batchSize is the size of the rows that are taken from a queue at once, unless the first one is larger. A loop that is
	// suspended holds that much beyond MaxBuffered.
	batchSize = 128 << 10
)

// greet reads the greeting.
func (e *engine) greet(ctx context.Context) error {
	if err := e.conn.LockRead(ctx, nil); err != nil {
		return err
	}
	defer e.unlockRead()
	defer e.conn.Watch(ctx)()
	for {
		text, err := e.conn.ReadFrame(time.Time{}, false, nil)
		switch {
		case err == wire.ErrInterrupted && ctx.Err() != nil:
			return context.Cause(ctx)
		case err == wire.ErrInterrupted:
			continue
		case err != nil:
			return e.cutGreeting(err)
		}
		r := &e.resp
		r.max = e.conn.Limits.MaxDepth
		r.load(text, nil)
		if e.conn.Tracing() {
			e.traceResponse(r)
		}
		if r.kind != kindBlank {
			return e.greeted(r)
		}
	}
}

// cutGreeting adds the received part of a greeting to the error that ended the connection.
func (e *engine) cutGreeting(err error) error {
	lost, ok := err.(*wire.LostError)
	if line := e.conn.CutLine(); ok && len(line) > 0 {
		return &wire.LostError{Cause: fmt.Errorf("%w; all that came is %q", lost.Cause, printable(line))}
	}
	return err
}

func (e *engine) greeted(r *response) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &r.status
	switch {
	case r.kind == kindGarbage && statusWord(r.tag) != "":
		// IceWarp refuses a connection with a status that is not marked as untagged.
		return &Error{Status: statusWord(r.tag), Text: string(r.text[r.pos:])}
	case r.kind != kindStatus:
		return noGreeting(r.text)
	case s.word == "PREAUTH":
		e.state = Authenticated
	case s.word != "OK":
		return s.failure("")
	}
	e.greetingText = s.text
	if event := e.code(s); event != nil {
		e.events.add(event)
	}
	return nil
}
