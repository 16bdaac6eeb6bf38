package wire

import (
	"context"
	"time"
)

// Reading during a write.
//
// A server that sends a long response may stop reading commands until the response was read. A Write would then wait for
// the server, and the server for the client. Therefore, when a Write takes longer than WriteBlocked, a goroutine reads into
// the buffer, up to Limits.MaxBuffered, unless another goroutine holds the read token and reads anyway.
//
//	state of the write          writing  reads   ends by
//	none                        false    0
//	in progress                 true     0       the stream's Write returning
//	blocked, while reading      true     1       the same, or Timeout: cutWrite
//
// Setting the timer costs more than a small write, since the scheduler wakes a thread for it. If commands follow each other
// quickly, the timer is therefore left running when a write ends: it fires once per WriteBlocked, and gives a write that
// began after it was set the same time again. Otherwise it is stopped, so that it does not fire without need.
//
// Each write has a number, Conn.writes. The timer, the goroutine that reads and the function called when ctx ends hold the
// number of their write, and do nothing if another write is in progress, because timers may fire late. When a write ends, it
// interrupts the goroutine that reads, which would otherwise hold the read token and wait for data that was not requested.
//
// When the ctx of a write ends, the write may continue for cutGrace, since most commands are sent at once. Then the
// connection is closed, because it is not known how much of the command the server has received. The cause is stored in
// Conn.cut and becomes the error of the write.

// Write sends all of b, and starts the clock of Limits.Timeout for the answer. If ctx ends and b is not sent soon, the
// connection is closed, because a part of a command cannot be withdrawn.
func (c *Conn) Write(ctx context.Context, b []byte) error {
	c.mu.Lock()
	c.writing = true
	c.expect() // before the write there was nothing to answer
	c.writes++
	number := c.writes
	if !c.checking {
		c.startChecking()
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
	if !c.frequent {
		c.stopChecking()
	}
	if c.backgroundReads > 0 {
		// The other goroutine holds the read token and waits for data that the server has no reason to send.
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

// startChecking sets the timer that checks whether a write blocks. The caller must hold mu.
func (c *Conn) startChecking() {
	c.checking, c.checkedWrite = true, c.writes
	if c.blocked == nil {
		c.blocked = time.AfterFunc(WriteBlocked, c.readInBackground)
	} else {
		c.blocked.Reset(WriteBlocked)
	}
}

// stopChecking stops the timer. The caller must hold mu.
func (c *Conn) stopChecking() {
	if c.checking {
		c.blocked.Stop()
		c.checking = false
	}
}

// cutSoon closes the connection if the write still blocks after cutGrace.
func (c *Conn) cutSoon(number uint64, cause error) {
	t := time.NewTimer(cutGrace)
	defer t.Stop()
	select {
	case <-t.C:
		c.cutWrite(number, cause)
	case <-c.done:
	}
}

// cutWrite closes the connection if the write with that number is in progress.
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

// readInBackground reads into the buffer while a write blocks, within MaxBuffered. While another goroutine reads, it waits.
func (c *Conn) readInBackground() {
	number, ok := c.beginBackgroundRead()
	if !ok {
		return
	}
	defer c.endBackgroundRead()
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
			c.cutWrite(number, err) // a server that has closed the connection does not read either
			return
		}
		if !c.waitWriting(number) {
			return
		}
	}
}

// beginBackgroundRead returns the number of the current write, if it began at least WriteBlocked ago. If it began later, the
// timer is set again.
func (c *Conn) beginBackgroundRead() (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checking = false
	if !c.writing {
		return 0, false
	}
	if c.writes != c.checkedWrite {
		c.startChecking()
		return 0, false
	}
	c.backgroundReads++
	c.writeStart = time.Now().Add(-WriteBlocked)
	return c.writes, true
}

func (c *Conn) endBackgroundRead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.backgroundReads--
}

// waitWriting waits for WriteBlocked, or cuts a write that has taken longer than Timeout. It reports whether the connection
// is still open.
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

// isWriting reports whether the write with that number is in progress.
func (c *Conn) isWriting(number uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writing && c.writes == number
}
