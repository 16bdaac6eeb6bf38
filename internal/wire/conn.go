package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a connection to a server. It reads responses through one reused buffer, writes commands, and handles all
// deadlines. Only the goroutine that holds the read token reads; the caller must ensure that only one goroutine writes. A
// Conn has no goroutine of its own, except while a write blocks: see duplex.go.
type Conn struct {
	Config

	stream io.ReadWriter // raw, with TLS and compression on top
	raw    io.ReadWriteCloser
	token  chan struct{} // the read token

	// Guarded by the read token.
	buf     []byte // buf[r:w] was read but not consumed
	r, w    int
	frame   frame
	readErr error // error of the Read that returned the last bytes
	small   bool  // wait with the small buffer, because no response is expected soon
	wide    bool  // read into the wide buffer, because literals come that are kept

	mu              sync.Mutex // guards the fields below
	tls             *tls.Conn
	deadline        readDeadliner
	armed           time.Time     // the current deadline, zero for none
	heard           time.Time     // when bytes arrived or were sent last, without the time between Reads
	fresh           bool          // set heard when the next Read begins: the time between Reads is no silence, and is asked for once
	silent          time.Duration // how long the server was silent in the Reads before, if fresh is not set
	reading         bool          // a Read is in progress
	interrupted     bool
	writing         bool
	writeStart      time.Time   // start of the current write, once it is known to block
	writes          uint64      // writes begun so far: the number of the current write
	cut             error       // why a write was cut, or nil
	blocked         *time.Timer // checks whether a write blocks
	checking        bool        // blocked is set
	checkedWrite    uint64      // the write that was in progress when it was set
	frequent        bool        // the last commands followed each other within WriteBlocked
	backgroundReads int         // goroutines that read during a write

	closed    atomic.Bool
	done      chan struct{}
	closeOnce sync.Once
	shutAt    time.Time     // when Shut was called
	shutDone  chan struct{} // created by Shut, closed when the stream is closed
	closeErr  error         // valid after shutDone is closed
}

// Config configures a Conn.
type Config struct {
	Limits Limits
	Log    *slog.Logger // nil for none

	// Exceeded returns the error for a limit that the server exceeds.
	Exceeded func(name string, limit int64) error
	// TakePart consumes a part of a long line before its end has arrived, and returns the position of that part in text; the
	// rest is kept.
	TakePart func(text []byte) (from, to int)
	// QuoteOpen reports whether a quoted string is open at the end of a line; inside reports whether one is open at its
	// beginning. If QuoteOpen is nil, every line break outside a literal ends a response.
	QuoteOpen func(line []byte, inside bool) bool
}

// Limits are the limits of imap.Options, with defaults filled in.
type Limits struct {
	Timeout     time.Duration
	MaxLine     int
	MaxLiteral  int64
	MaxBuffered int64
	MaxDepth    int
}

type readDeadliner interface{ SetReadDeadline(time.Time) error }

const (
	bufferSize = 32 << 10
	// wideSize is the size of the buffer while literals are read that are kept: several messages fit.
	wideSize = 128 << 10
	// maxEmptyReads is how many consecutive Reads of a stream may return neither bytes nor an error. The standard
	// library has the same bound.
	maxEmptyReads = 100
	// smallBuffer is the size of the buffer while waiting in IDLE: enough for an event or two. A longer response gets a
	// large buffer while it is read.
	smallBuffer = 64
	// WriteBlocked is how long a write may take before a goroutine starts reading at the same time.
	WriteBlocked = 15 * time.Millisecond
	// cutGrace is how long a write may continue after its ctx ended, so that the connection is not closed merely because the
	// machine is busy.
	cutGrace = 100 * time.Millisecond
	// lastLook is how long the first Read waits for which silence is over Timeout at its beginning: for bytes that arrived while
	// nothing was read.
	lastLook = 100 * time.Millisecond
	// closeWait bounds the wait for the Close of a stream, which may block if it is not a socket.
	closeWait = 500 * time.Millisecond
)

var (
	buffers     = sync.Pool{New: func() any { return new([bufferSize]byte) }}
	wideBuffers = sync.Pool{New: func() any { return new([wideSize]byte) }}
)

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// ErrInterrupted is the error of a read that was ended by Interrupt or the caller's deadline. No data is lost.
var ErrInterrupted = errors.New("interrupted")

// New returns a Conn on a stream.
func New(raw io.ReadWriteCloser, config Config) *Conn {
	c := &Conn{Config: config, raw: raw, token: make(chan struct{}, 1), done: make(chan struct{})}
	c.setStream(raw)
	if t, ok := raw.(*tls.Conn); ok {
		c.tls = t
	}
	return c
}

// setStream makes s the stream to read and write. A stream without deadlines gets them from a pump.
func (c *Conn) setStream(s io.ReadWriter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := s.(readDeadliner); ok && d.SetReadDeadline(time.Time{}) == nil {
		c.stream, c.deadline = s, d
	} else {
		p := newPump(s, c.done)
		c.stream, c.deadline = p, p
	}
	c.armed = time.Time{}
}

// LockRead waits until it has the read token, ctx ends, the connection is closed, or done is closed (which may be nil).
func (c *Conn) LockRead(ctx context.Context, done <-chan struct{}) error {
	select {
	case c.token <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.token <- struct{}{}:
		return nil
	case <-done:
		return ErrInterrupted
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return ErrClosed
	}
}

// TryLockRead takes the read token if it is free, and reports whether it did.
func (c *Conn) TryLockRead() bool {
	select {
	case c.token <- struct{}{}:
		return true
	default:
		return false
	}
}

// Rest makes the connection use little memory while it waits, because no response is expected soon.
func (c *Conn) Rest() {
	c.small = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writing && c.blocked != nil {
		c.stopChecking()
		c.blocked = nil
	}
}

// Hurry ends the effect of Rest.
func (c *Conn) Hurry() { c.small = false }

// UnlockRead releases the read token. An empty buffer is returned to the pool, so that an idle client has none.
func (c *Conn) UnlockRead() {
	if c.r == c.w && c.frame.idle() {
		c.releaseBuffer()
	}
	<-c.token
}

func (c *Conn) releaseBuffer() {
	poolBuffer(c.buf)
	c.buf, c.r, c.w, c.wide = nil, 0, 0, false
	c.frame.trim()
}

// poolBuffer gives back a buffer of one of the usual sizes.
func poolBuffer(b []byte) {
	switch len(b) {
	case bufferSize:
		buffers.Put((*[bufferSize]byte)(b))
	case wideSize:
		wideBuffers.Put((*[wideSize]byte)(b))
	}
}

// Watch interrupts the reader when ctx ends. The returned function stops the watch. A late interrupt is harmless, because
// every reader checks its own ctx first.
func (c *Conn) Watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return noWatch
	}
	return context.AfterFunc(ctx, c.Interrupt)
}

func noWatch() bool { return true }

// Interrupt ends the current Read, or else the next one, with ErrInterrupted.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	c.armed = past
	c.deadline.SetReadDeadline(past)
}

// expect starts the clock of Limits.Timeout. If no Read is in progress, the next one gets the current time. The caller must
// hold mu.
func (c *Conn) expect() {
	if c.fresh = !c.reading; c.reading {
		c.heard = time.Now()
	}
}

// arm sets the deadline of the next Read: until if it is set, else Timeout after the server was last heard, without the time in
// which nothing was read: so a server that is dead is noticed also if every call has a short ctx. A deadline that
// is only a little early is kept and checked when it passes, because setting one costs as much as parsing a response.
func (c *Conn) arm(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		c.interrupted = false
		return ErrInterrupted
	}
	c.reading = true
	if c.fresh {
		now := time.Now()
		c.frequent = now.Sub(c.heard) < WriteBlocked
		c.heard, c.fresh = now, false
	} else {
		c.heard = time.Now().Add(-min(c.silent, max(c.Limits.Timeout-lastLook, 0)))
	}
	t := until
	if t.IsZero() && c.Limits.Timeout > 0 {
		t = c.heard.Add(c.Limits.Timeout)
		if early := t.Sub(c.armed); !c.armed.IsZero() && early >= 0 && early < c.Limits.Timeout/8 {
			return nil
		}
	}
	if t.Equal(c.armed) {
		return nil
	}
	c.armed = t
	return c.deadline.SetReadDeadline(t)
}

// expired returns the error for a deadline that has passed: for an interrupt, the end of a wait, or silence for Timeout. It
// returns nil if the deadline was only early.
func (c *Conn) expired(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = past // whatever was armed has passed
	if c.interrupted {
		c.interrupted = false
		return ErrInterrupted
	}
	if !until.IsZero() {
		return ErrInterrupted
	}
	if t := c.Limits.Timeout; t > 0 && !c.fresh && time.Since(c.heard) >= t {
		return &LostError{TimeoutError{}}
	}
	return nil
}

// fill reads more data into the buffer. If until is set, it waits no longer and returns ErrInterrupted.
func (c *Conn) fill(until time.Time) error {
	c.makeRoom()
	n, err := c.read(c.buf[c.w:], until)
	c.w += n
	return err
}

// read reads at least one byte into b.
func (c *Conn) read(b []byte, until time.Time) (int, error) {
	if c.readErr != nil {
		return 0, c.readErr
	}
	for empty := 0; ; {
		if c.closed.Load() {
			return 0, ErrClosed
		}
		err := c.arm(until)
		if err == ErrInterrupted {
			return 0, err
		}
		n := 0
		if err == nil {
			n, err = c.stream.Read(b)
		}
		c.endRead(n)
		if n == 0 && err == nil {
			if empty++; empty == maxEmptyReads {
				err = io.ErrNoProgress
			}
		}
		if err != nil && !c.isDeadline(err) {
			c.readErr = c.lost(err)
		}
		switch {
		case n > 0:
			return n, nil
		case c.readErr != nil:
			return 0, c.readErr
		case err != nil:
			if err := c.expired(until); err != nil {
				return 0, err
			}
		}
	}
}

// endRead records that a Read has returned n bytes, and when.
func (c *Conn) endRead(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading = false; n > 0 {
		c.expect()
	} else {
		c.silent = time.Since(c.heard) // that of an IDLE ends with the Write of DONE
	}
}

// isDeadline reports whether err is the error of an expired deadline. A caller's stream may report it only as a net.Error;
// if no deadline has passed, such an error is the end of the connection (ETIMEDOUT).
func (c *Conn) isDeadline(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	if !ok || !timeout.Timeout() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.armed.IsZero() && !time.Now().Before(c.armed)
}

// lost returns the error for the end of the connection.
func (c *Conn) lost(err error) error {
	if c.closed.Load() {
		return ErrClosed
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &LostError{err}
}

// makeRoom makes room after w: it drops consumed data, or grows the buffer. The caller has checked the limits.
func (c *Conn) makeRoom() {
	if c.small && c.r == c.w && len(c.buf) > smallBuffer && c.frame.idle() {
		c.releaseBuffer()
	}
	if c.wide && len(c.buf) == bufferSize {
		c.moveTo(wideBuffers.Get().(*[wideSize]byte)[:])
	}
	switch {
	case c.buf == nil && c.small:
		c.buf = make([]byte, smallBuffer)
	case c.buf == nil:
		c.buf = buffers.Get().(*[bufferSize]byte)[:]
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf) && !c.isCramped():
	case c.r > 0 && len(c.buf) >= bufferSize:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		c.grow()
	}
}

// isCramped reports whether moving a few bytes to the start of the buffer makes room for a much longer Read. Without that, the
// row of a body that did not fit would leave room for the first bytes of the next one only.
func (c *Conn) isCramped() bool {
	size := len(c.buf)
	return c.r > size/2 && c.w-c.r <= size/16 && size-c.w < size/2
}

func (c *Conn) grow() {
	if n := c.w - c.r; n < bufferSize {
		c.moveTo(buffers.Get().(*[bufferSize]byte)[:])
	} else {
		c.moveTo(make([]byte, 2*len(c.buf)))
	}
}

// moveTo moves the data to a larger buffer.
func (c *Conn) moveTo(next []byte) {
	c.w = copy(next, c.buf[c.r:c.w])
	c.r = 0
	poolBuffer(c.buf)
	c.buf = next
}

// buffered returns the number of bytes that were read but not consumed.
func (c *Conn) buffered() int { return c.w - c.r }

// ---- TLS and the end

// StartTLS starts TLS on the connection. It fails if there is plaintext after the answer to STARTTLS, which would be taken
// for data received under TLS (CVE-2011-0411 and similar).
func (c *Conn) StartTLS(ctx context.Context, config *tls.Config) error {
	nc, ok := c.stream.(net.Conn)
	if !ok { // a pump may have read ahead, so it must not be bypassed
		nc = streamConn{c.stream, c.raw, c.deadline}
	}
	if c.buffered() > 0 {
		return errPlaintextBehindTLS
	}
	t := tls.Client(nc, config)
	c.mu.Lock()
	c.deadline.SetReadDeadline(time.Time{})
	c.armed, c.deadline = time.Time{}, noDeadline{} // a late interrupt must not end the handshake
	c.mu.Unlock()
	if err := Handshake(ctx, t, c.Limits.Timeout); err != nil {
		return err
	}
	c.setStream(t)
	c.mu.Lock()
	c.tls = t
	c.mu.Unlock()
	c.releaseBuffer()
	return nil
}

var errPlaintextBehindTLS = errors.New("bytes in the clear behind the answer to STARTTLS")

// noDeadline replaces the deadlines of a connection while only closing it may end a Read.
type noDeadline struct{}

func (noDeadline) SetReadDeadline(time.Time) error { return nil }

// TLSConn returns the TLS connection, or nil without TLS.
func (c *Conn) TLSConn() *tls.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tls
}

// Handshake runs the TLS handshake within timeout. It closes the connection when ctx ends.
func Handshake(ctx context.Context, t *tls.Conn, timeout time.Duration) error {
	limited := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, timeout, TimeoutError{})
		defer cancel()
	}
	err := t.HandshakeContext(limited)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if limited.Err() != nil {
		return context.Cause(limited)
	}
	return err
}

// streamConn adapts a stream to a net.Conn for crypto/tls. Closing the stream ends a handshake.
type streamConn struct {
	io.ReadWriter
	io.Closer
	deadline readDeadliner
}

func (streamConn) LocalAddr() net.Addr                 { return streamAddr{} }
func (streamConn) RemoteAddr() net.Addr                { return streamAddr{} }
func (s streamConn) SetDeadline(t time.Time) error     { return s.SetReadDeadline(t) }
func (s streamConn) SetReadDeadline(t time.Time) error { return s.deadline.SetReadDeadline(t) }
func (streamConn) SetWriteDeadline(time.Time) error    { return nil }

type streamAddr struct{}

func (streamAddr) Network() string { return "stream" }
func (streamAddr) String() string  { return "stream" }

// close closes the connection at once, without a TLS close_notify, and wakes the goroutines that read or write. It waits
// up to closeWait for a stream whose Close blocks; the caller must not hold a lock.
func (c *Conn) close() {
	c.Shut()
	_ = c.AwaitShut()
}

// Shut closes the connection without waiting for the stream's Close.
func (c *Conn) Shut() {
	c.closeOnce.Do(func() {
		c.shutAt, c.shutDone = time.Now(), make(chan struct{})
		c.closed.Store(true)
		close(c.done)
		raw := c.raw
		if t, ok := raw.(*tls.Conn); ok {
			raw = t.NetConn() // Close of TLS would first wait to write close_notify
		}
		switch raw.(type) {
		case *net.TCPConn, *net.UnixConn:
			c.closeErr = raw.Close()
			close(c.shutDone)
		default:
			c.wake(raw)
			go func() {
				defer close(c.shutDone)
				c.closeErr = raw.Close()
			}()
		}
	})
}

// wake ends a Read and a Write in progress by their deadlines, because the Close of the stream may block.
func (c *Conn) wake(raw io.Closer) {
	c.Interrupt()
	if d, ok := raw.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = d.SetWriteDeadline(past)
	}
}

// AwaitShut waits until the stream is closed, but no longer than closeWait, and returns the error of its Close.
func (c *Conn) AwaitShut() error {
	select {
	case <-c.shutDone:
		return c.closeErr
	default:
	}
	t := time.NewTimer(time.Until(c.shutAt.Add(closeWait)))
	defer t.Stop()
	select {
	case <-c.shutDone:
		return c.closeErr
	case <-t.C:
		return nil
	}
}

// IsClosed reports whether the connection was closed by the client.
func (c *Conn) IsClosed() bool { return c.closed.Load() }

// Done returns a channel that is closed when the connection is closed.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Stream returns the stream on which the connection was created.
func (c *Conn) Stream() io.ReadWriteCloser { return c.raw }

// Trace writes one record at level Debug.
func (c *Conn) Trace(ctx context.Context, side, line string) {
	c.guard(func() { c.Log.LogAttrs(ctx, slog.LevelDebug, side, slog.String("line", line)) })
}

// Tracing reports whether records are written.
func (c *Conn) Tracing() bool { return c.Log != nil && c.logs() }

func (c *Conn) logs() (on bool) {
	c.guard(func() { on = c.Log.Enabled(context.Background(), slog.LevelDebug) })
	return on
}

// guard calls the logger, and closes the connection if that panics in the middle of a command or an answer.
func (c *Conn) guard(call func()) {
	returned := false
	defer func() {
		if !returned {
			c.Shut()
		}
	}()
	call()
	returned = true
}
