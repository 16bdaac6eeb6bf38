package imap

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// flushPending sends the collected commands of pipelines, before a caller waits for their answers.
func (e *engine) flushPending(ctx context.Context) error {
	select {
	case e.send <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.conn.Done():
		return ErrClosed
	}
	defer e.unlock()
	return e.flush(ctx)
}

// flushLater sends the collected commands of pipelines, unless more commands or a Wait send them sooner. The caller
// must hold the send token.
func (e *engine) flushLater() {
	if e.pending.Swap(true) {
		return
	}
	if e.flushTimer != nil {
		e.flushTimer.Reset(pipelineDelay)
		return
	}
	e.flushTimer = time.AfterFunc(pipelineDelay, func() {
		if e.pending.Load() {
			e.flushPending(context.Background()) // an error is returned by the commands
		}
	})
}

// write sends bytes. An error ends the connection; received data is handled first, because it may contain the reason.
func (e *engine) write(ctx context.Context, b []byte) error {
	err := e.conn.Write(ctx, b)
	if err == nil {
		return nil
	}
	if err != ErrClosed && errors.Is(err, ErrClosed) && e.conn.TryLockRead() {
		e.readRemaining()
		e.unlockRead()
	}
	e.mu.Lock()
	err = e.withLastStatus(err)
	e.mu.Unlock()
	return e.fail(err)
}

// sendLine sends a line that belongs to a command that was sent. The command itself tells whether the line may be logged, since
// it may have been answered, or ended by Close, before the line is logged. The caller must hold the send token.
func (e *engine) sendLine(ctx context.Context, cmd *command, line string) error {
	if err := e.write(ctx, []byte(line+"\r\n")); err != nil {
		return err
	}
	if e.conn.Tracing() {
		if cmd.exchange {
			line = "[redacted]"
		}
		e.conn.Trace(ctx, "C", line)
	}
	return nil
}

// transmit sends an encoded command. The caller must hold the send token. A pipelined command without synchronizing literals
// may remain in the buffer for a while.
func (e *engine) transmit(ctx context.Context, cmd *command, enc *encoder) error {
	cmd.size += len(enc.buf)
	cmd.partlySent = len(enc.cuts) > 0
	e.enlist(cmd)
	e.out = append(append(append(append(e.out, cmd.tag...), ' '), cmd.name...), enc.buf[:enc.firstCut()]...)
	if e.conn.Tracing() {
		e.traceCommand(ctx, cmd, enc)
	}
	for i := range enc.cuts {
		if refused, err := e.sendLiteral(ctx, cmd, &enc.cuts[i], i == len(enc.cuts)-1); err != nil || refused {
			return err
		}
		e.out = append(e.out, enc.between(i)...)
	}
	e.out = append(e.out, "\r\n"...)
	if cmd.pipelined && len(enc.cuts) == 0 && len(e.out) < flushSize {
		e.flushLater()
		return nil
	}
	return e.flush(ctx)
}

const (
	// flushSize is how many bytes of pipelined commands are collected before they are sent.
	flushSize = 4 << 10
	// outKept is the size of the largest buffer that is kept for later commands.
	outKept = 1 << 10
)

// flush sends the collected commands. The caller must hold the send token.
func (e *engine) flush(ctx context.Context) error {
	if e.pending.Swap(false) {
		e.flushTimer.Stop()
	}
	if len(e.out) == 0 {
		return nil
	}
	if e.unsent {
		e.mu.Lock()
		e.held, e.unsent = 0, false
		e.probe()
		e.mu.Unlock()
	}
	err := e.write(ctx, e.out)
	e.out = e.out[:0]
	if cap(e.out) > outKept {
		e.out = nil
	}
	return err
}

// sendLiteral sends one literal; a synchronizing one only after the server sent +. If the server refuses the command
// instead, refused is true and nothing of the literal is sent. After a later refusal the literal is sent to its end
// nevertheless, because the server reads it.
func (e *engine) sendLiteral(ctx context.Context, cmd *command, c *cut, last bool) (refused bool, err error) {
	if c.sync {
		e.ask(cmd)
		if err := e.flush(ctx); err != nil {
			return false, err
		}
		if err := e.awaitGoAhead(ctx, cmd); err != nil {
			return false, e.fail(err) // the server would wait for bytes that are never sent
		}
		if !cmd.allowed(e) {
			return true, nil
		}
	}
	cmd.readOnce = cmd.readOnce || c.data.readOnce()
	end := func() {}
	if last {
		end = func() { e.allSent(cmd) }
	}
	copied := false
	defer func() {
		if !copied {
			e.fail(errCutByOther) // the reader panicked
		}
	}()
	err = e.copyLiteral(ctx, c.data, end)
	copied = true
	if err != nil {
		return false, e.fail(err)
	}
	return false, nil
}

// allSent records that the end of the last literal of a command is about to be sent. Servers may answer before they have read
// the line break behind it.
func (e *engine) allSent(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.partlySent = false
}

// allowed reports whether the continuation has arrived, even if the command has ended.
func (cmd *command) allowed(e *engine) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmd.goAhead
}

// copyLiteral sends exactly the announced bytes. It calls end before it sends the last of them.
func (e *engine) copyLiteral(ctx context.Context, l Literal, end func()) error {
	if data, ok := l.R.(bytesReader); ok {
		return e.writeChunks(ctx, data, end)
	}
	src := newSource(l, e.conn.Done())
	defer src.end()
	if l.Size <= chunkSize/2 {
		// A small literal is written together with the text around it. Commands of other calls do not wait for the reader.
		if !src.direct && e.pending.Load() {
			if err := e.flush(ctx); err != nil {
				return err
			}
		}
		data, err := src.next(ctx, l.Size)
		if err == nil {
			end()
			e.out = append(e.out, data...)
		}
		return err
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	for left := l.Size; left > 0; {
		data, err := src.next(ctx, left)
		if err != nil {
			return err
		}
		if left -= int64(len(data)); left == 0 {
			end()
		}
		if err := e.write(ctx, data); err != nil {
			return err
		}
	}
	return nil
}

// writeChunks sends data from memory. It calls end before it sends the last of them.
func (e *engine) writeChunks(ctx context.Context, data []byte, end func()) error {
	if len(data) <= chunkSize/2 {
		end()
		e.out = append(e.out, data...)
		return nil
	}
	if err := e.flush(ctx); err != nil {
		return err
	}
	for len(data) > 0 {
		n := min(len(data), largeChunk)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if n == len(data) {
			end()
		}
		if err := e.write(ctx, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// traceCommand logs a command with its secrets masked and its literals as their size.
func (e *engine) traceCommand(ctx context.Context, cmd *command, enc *encoder) {
	var b strings.Builder
	b.WriteString(cmd.tag + " " + cmd.name)
	at := 0
	for _, m := range enc.masks {
		b.Write(enc.buf[at:m.from])
		b.WriteString(m.text)
		at = m.to
	}
	b.Write(enc.buf[at:])
	e.conn.Trace(ctx, "C", strings.ReplaceAll(b.String(), "\r\n", ""))
}

// tagsAtOnce is how many tags are made in one allocation.
const tagsAtOnce = 8

// nextTag returns a new tag. It starts with a letter, because some servers refuse others (Coremail).
func (e *engine) nextTag() string {
	if e.tags++; e.tags == math.MaxUint32 {
		e.tags, e.spareTags = 1, ""
	}
	if e.spareTags == "" {
		var room [tagsAtOnce * len("A4294967295")]byte
		tags := room[:0]
		for i := range uint64(tagsAtOnce) {
			tags = strconv.AppendUint(append(tags, 'A'), e.tags+i, 10)
		}
		e.spareTags = string(tags)
	}
	end := 1 + strings.IndexByte(e.spareTags[1:], 'A')
	if end == 0 {
		end = len(e.spareTags)
	}
	tag := e.spareTags[:end]
	e.spareTags = e.spareTags[end:]
	return tag
}

// sentSoFar returns the number of commands sent; ok is false while one is being sent.
func (e *engine) sentSoFar() (n uint64, ok bool) {
	select {
	case e.send <- struct{}{}:
		n = e.tags
		<-e.send
		return n, true
	default:
		return 0, false
	}
}
