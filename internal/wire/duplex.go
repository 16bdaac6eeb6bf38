package wire

import (
	"context"
	"time"
)

// Writing beside reading.
//
// A server that sends a long response may stop reading commands until the response was read, so that a Write and the
// server would wait for each other. Therefore a Write that lasts longer than WriteBlocked is joined by a goroutine that
// reads into the buffer, up to Limits.MaxBuffered, unless another goroutine holds the read token and reads anyway.
//
//	state of the write          writing  beside  ends by
//	none                        false    0
//	under way                   true     0       the stream's Write returning
//	blocked, being read beside  true     1       the same, or Timeout: cutWrite
//
// The timer costs more than a small write, since the scheduler wakes a thread for it. Where commands follow each other it is
// left running when a write ends: it fires once in WriteBlocked, and looks for a write that began after it was set for as
// long again. Where they do not, it is stopped, so that it never fires for nothing.
//
// Each write has a number, Conn.writes. What was begun for one write (the timer, the goroutine that reads, the end of a
// ctx) names it and does nothing once another is under way, because timers fire late. When a write ends, it interrupts the
// goroutine beside it, which would otherwise hold the read token and wait for bytes that no one has asked for.
//
// A write whose ctx ends is left alone for cutGrace, since most commands leave at once. Then the connection is closed: how
// much of the command the server has got is not known. The cause is kept in Conn.cut and is the error of the write.

// Write sends b whole, and starts the clock of Limits.Timeout for the answer. When ctx ends and b does not leave soon, the connection is closed: what was cut cannot be taken
// back.
func (c *Conn) Write(ctx context.Context, b []byte) error {
	c.mu.Lock()
	c.writing = true
	c.expect() // the server had nothing to answer before
	c.writes++
	number := c.writes
	if !c.looking {
		c.look()
	}
	c.mu.Unlock()
	stop := noWatch
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { c.cutSoon(number, context.Cause(ctx)) })
	}
	_, err := c.stream.Write(b)
	stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	if !c.brisk {
		c.stopLooking()
	}
	if c.beside > 0 {
		// It holds the read token and waits for bytes that the server has no reason to send.
		c.interrupted, c.armed = true, past
		c.deadline.SetReadDeadline(past)
	}
	if c.cut != nil {
		return c.cut
	}
	if err != nil {
		return c.lost(err)
	}
	c.expect()
	return nil
}

// look sets the timer that looks for a write that blocks. It needs mu.
func (c *Conn) look() {
	c.looking, c.lookedFor = true, c.writes
	if c.blocked == nil {
		c.blocked = time.AfterFunc(WriteBlocked, c.readBeside)
	} else {
		c.blocked.Reset(WriteBlocked)
	}
}

// stopLooking stops the timer. It needs mu.
func (c *Conn) stopLooking() {
	if c.looking {
		c.blocked.Stop()
		c.looking = false
	}
}

// cutSoon closes the connection under a write that still blocks after cutGrace.
func (c *Conn) cutSoon(number uint64, cause error) {
	t := time.NewTimer(cutGrace)
	defer t.Stop()
	select {
	case <-t.C:
		c.cutWrite(number, cause)
	case <-c.done:
	}
}

// cutWrite closes the connection under a write, if that one is under way.
func (c *Conn) cutWrite(number uint64, cause error) {
	c.mu.Lock()
	writing := c.writing && c.writes == number
	if writing && c.cut == nil {
		c.cut = cause
	}
	c.mu.Unlock()
	if writing {
		c.close()
	}
}

// readBeside reads into the buffer while a write blocks, within MaxBuffered. While another goroutine reads, it waits.
func (c *Conn) readBeside() {
	number, ok := c.beginBeside()
	if !ok {
		return
	}
	defer c.endBeside()
	for c.isWriting(number) {
		if !c.TryLockRead() {
			if !c.waitWriting(number) {
				return
			}
			continue
		}
		var err error
		for c.isWriting(number) && err == nil && int64(c.buffered()) < c.Limits.MaxBuffered {
			if err = c.fill(time.Time{}); err == ErrInterrupted {
				err = nil
			}
		}
		c.UnlockRead()
		if err != nil {
			c.cutWrite(number, err) // a server that has closed does not read either
			return
		}
		if !c.waitWriting(number) {
			return
		}
	}
}

// beginBeside returns the number of the write under way, which began WriteBlocked ago. It reports false if none exists any
// more, or one that began later, which is looked for anew.
func (c *Conn) beginBeside() (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looking = false
	if !c.writing {
		return 0, false
	}
	if c.writes != c.lookedFor {
		c.look()
		return 0, false
	}
	c.beside++
	c.writeStart = time.Now().Add(-WriteBlocked)
	return c.writes, true
}

func (c *Conn) endBeside() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beside--
}

// waitWriting waits for WriteBlocked, or cuts a write that takes longer than Timeout. It reports whether the connection is
// still open.
func (c *Conn) waitWriting(number uint64) bool {
	c.mu.Lock()
	start := c.writeStart
	c.mu.Unlock()
	if t := c.Limits.Timeout; t > 0 && time.Since(start) >= t {
		c.cutWrite(number, &LostError{TimeoutError{}})
		return false
	}
	select {
	case <-time.After(WriteBlocked):
		return true
	case <-c.done:
		return false
	}
}

// isWriting reports whether the write of that number is under way.
func (c *Conn) isWriting(number uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writing && c.writes == number
}
