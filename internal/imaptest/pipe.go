package imaptest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// defaultPipeLimit is the number of bytes one direction of a Pipe holds
// before its writer blocks.
const defaultPipeLimit = 1 << 20

// Pipe returns the two ends of an in-memory connection. Unlike net.Pipe it
// is buffered, as a socket is: a Write returns once the bytes are stored.
// All waiting is done on channels, so that goroutines blocked in it count as
// durably blocked in a testing/synctest bubble.
func Pipe() (client, server *PipeConn) {
	a, b := newHalf(), newHalf()
	client = &PipeConn{in: a, out: b, name: "client"}
	server = &PipeConn{in: b, out: a, name: "server"}
	return client, server
}

// PipeConn is one end of a Pipe. Its control methods act on the bytes
// delivered to the reader of this end and may be called at any time.
type PipeConn struct {
	in, out *half
	name    string
	rd, wd  deadline
}

// half is one direction of a pipe.
type half struct {
	mu      sync.Mutex
	wake    chan struct{} // closed and replaced when a waiter may continue
	waiters int
	buf     []byte
	limit   int
	split   int
	stall   int64 // bytes that may be delivered before reads stall; -1 is no bound
	cut     int64 // bytes that may be delivered before reads fail; -1 is no bound
	cutErr  error
	wclosed bool // the writer has closed: EOF once the buffer is empty
	rclosed bool // the reader has closed: writes fail
}

func newHalf() *half {
	return &half{wake: make(chan struct{}), limit: defaultPipeLimit, stall: -1, cut: -1}
}

// update runs f with the lock held and wakes all waiters.
func (h *half) update(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.broadcast()
}

// broadcast wakes all waiters. The caller must hold h.mu.
func (h *half) broadcast() {
	if h.waiters > 0 {
		close(h.wake)
		h.wake = make(chan struct{})
		h.waiters = 0
	}
}

// wait releases h.mu until the state changes or the deadline passes.
func (h *half) wait(d *deadline) error {
	h.waiters++
	ch := h.wake
	h.mu.Unlock()
	defer h.mu.Lock()
	select {
	case <-ch:
		return nil
	case <-d.wait():
		return os.ErrDeadlineExceeded
	}
}

// readable returns how many bytes a read of want bytes may take now. The caller
// must hold h.mu.
func (h *half) readable(want int) int {
	n := min(want, len(h.buf))
	if h.split > 0 {
		n = min(n, h.split)
	}
	if h.stall >= 0 {
		n = int(min(int64(n), h.stall))
	}
	if h.cut >= 0 {
		n = int(min(int64(n), h.cut))
	}
	return n
}

func (h *half) read(p []byte, d *deadline) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.rclosed:
			return 0, net.ErrClosed
		case d.expired():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case h.cut == 0:
			return 0, h.cutErr
		}
		if n := h.readable(len(p)); n > 0 {
			copy(p, h.buf[:n])
			h.take(n)
			return n, nil
		}
		if h.wclosed && len(h.buf) == 0 {
			return 0, io.EOF
		}
		if err := h.wait(d); err != nil {
			return 0, err
		}
	}
}

// take removes n delivered bytes. The caller must hold h.mu.
func (h *half) take(n int) {
	h.buf = h.buf[n:]
	if len(h.buf) == 0 {
		h.buf = nil
	}
	if h.stall >= 0 {
		h.stall -= int64(n)
	}
	if h.cut >= 0 {
		h.cut -= int64(n)
	}
	h.broadcast()
}

func (h *half) write(p []byte, d *deadline) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := 0
	for {
		switch {
		case h.wclosed:
			return done, net.ErrClosed
		case h.rclosed:
			return done, io.ErrClosedPipe
		case d.expired():
			return done, os.ErrDeadlineExceeded
		case done == len(p):
			return done, nil
		case h.cut == 0:
			// These bytes will never be read; a writer blocked by a full
			// buffer would wait forever.
			return len(p), nil
		}
		if room := h.limit - len(h.buf); room > 0 {
			n := min(room, len(p)-done)
			h.buf = append(h.buf, p[done:done+n]...)
			done += n
			h.broadcast()
			continue
		}
		if err := h.wait(d); err != nil {
			return done, err
		}
	}
}

// Read implements net.Conn.
func (c *PipeConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p, &c.rd)
	return n, c.wrap("read", err)
}

// Write implements net.Conn.
func (c *PipeConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p, &c.wd)
	return n, c.wrap("write", err)
}

// wrap returns errors in the form of those of a socket; io.EOF is not wrapped.
func (c *PipeConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "pipe", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Close implements net.Conn: the peer reads what is buffered, then io.EOF,
// and can no longer write. Buffered bytes for this end are dropped.
func (c *PipeConn) Close() error {
	// The outgoing direction comes first, so that a reader of this end cannot write anything after its Read has failed.
	c.out.update(func() { c.out.wclosed = true })
	c.in.update(func() { c.in.rclosed = true; c.in.buf = nil })
	return nil
}

// CloseWrite ends the outgoing direction only.
func (c *PipeConn) CloseWrite() error {
	c.out.update(func() { c.out.wclosed = true })
	return nil
}

// LocalAddr implements net.Conn.
func (c *PipeConn) LocalAddr() net.Addr { return pipeAddr(c.name) }

// RemoteAddr implements net.Conn.
func (c *PipeConn) RemoteAddr() net.Addr {
	if c.name == "client" {
		return pipeAddr("server")
	}
	return pipeAddr("client")
}

// SetDeadline implements net.Conn.
func (c *PipeConn) SetDeadline(t time.Time) error {
	c.rd.set(t)
	c.wd.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *PipeConn) SetReadDeadline(t time.Time) error {
	c.rd.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *PipeConn) SetWriteDeadline(t time.Time) error {
	c.wd.set(t)
	return nil
}

// SetLimit sets how many undelivered bytes may be stored for this end
// before the peer's Write blocks. The default is 1 MiB.
func (c *PipeConn) SetLimit(n int) {
	c.in.update(func() { c.in.limit = max(n, 1) })
}

// SplitReads makes each Read of this end return at most n bytes; 0 lifts
// the bound.
func (c *PipeConn) SplitReads(n int) {
	c.in.update(func() { c.in.split = n })
}

// CutAfter lets this end read n more bytes, counted from the call, and then
// io.EOF. What the peer writes after that is dropped.
func (c *PipeConn) CutAfter(n int64) { c.cutWith(n, io.EOF) }

// ResetAfter is like CutAfter, with a connection reset instead of io.EOF.
func (c *PipeConn) ResetAfter(n int64) { c.cutWith(n, syscall.ECONNRESET) }

func (c *PipeConn) cutWith(n int64, err error) {
	c.in.update(func() { c.in.cut, c.in.cutErr = max(n, 0), err })
}

// StallAfter lets this end read n more bytes, counted from the call, and
// then blocks its reads until Resume, a deadline or Close.
func (c *PipeConn) StallAfter(n int64) {
	c.in.update(func() { c.in.stall = max(n, 0) })
}

// Resume ends what StallAfter began.
func (c *PipeConn) Resume() {
	c.in.update(func() { c.in.stall = -1 })
}

// pipeAddr is the address of an end of a Pipe.
type pipeAddr string

// Network implements net.Addr.
func (pipeAddr) Network() string { return "pipe" }

// String implements net.Addr.
func (a pipeAddr) String() string { return string(a) }

// deadline is a point in time that can be waited for and moved.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	gen    uint64        // counts the calls of set
	passed chan struct{} // closed once the deadline has passed
}

// set moves the deadline; the zero time removes it.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.gen++
	// A waiter may hold the old channel. It is kept as long as it is open,
	// so that a deadline set during a blocked Read reaches that Read.
	if d.passed == nil || isClosed(d.passed) {
		d.passed = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	if wait := time.Until(t); wait > 0 {
		gen := d.gen
		d.timer = time.AfterFunc(wait, func() { d.fire(gen) })
		return
	}
	close(d.passed)
}

// fire ends the wait unless the deadline has been moved since.
func (d *deadline) fire(gen uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gen == gen {
		close(d.passed)
	}
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

func (d *deadline) expired() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed != nil && isClosed(d.passed)
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
