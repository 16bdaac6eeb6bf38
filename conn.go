package imap

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

// conn is the connection: octets in through one reused buffer, octets out, and the only place that knows deadlines.
// One goroutine at a time reads (it holds the read token) and one writes (the caller sees to that). No goroutine
// belongs to it; one exists for a moment while a write blocks, because a server that is itself blocked on writing
// would never read what we send.
type conn struct {
	stream io.ReadWriter // what is read and written: raw, TLS on it, compression on that
	raw    io.ReadWriteCloser
	tls    *tls.Conn
	log    *slog.Logger
	limits limits

	token chan struct{} // held by who reads

	// Reading. buf[r:w] is what came and was not consumed. Only the holder of the token touches these.
	buf     []byte
	r, w    int
	frame   frame
	part    func(text []byte) (from, to int) // takes some of a long line before its end; the rest stays
	readErr error                            // what a Read said together with its last octets
	small   bool                             // wait with the small buffer: nothing is expected soon

	quoteOpen func(line []byte, inside bool) bool // reports whether a quoted string is open at the end of a line

	mu          sync.Mutex // the rest
	deadline    readDeadliner
	armed       time.Time // the deadline set, zero for none
	heard       time.Time // when the server was last heard, or a command sent
	interrupted bool
	writing     bool
	writeStart  time.Time // of the write under way
	writes      uint64    // how many began, to tell one from the next
	cut         error     // why a write was cut
	blocked     *time.Timer
	beside      int // how many read beside a write

	closed    atomic.Bool
	done      chan struct{}
	closeOnce sync.Once
	shutAt    time.Time     // when shut was called
	shutDone  chan struct{} // closed when the stream is; made by shut
	closeErr  error         // valid then
}

// limits are those of Options, with defaults filled in.
type limits struct {
	timeout     time.Duration
	maxLine     int
	maxLiteral  int64
	maxBuffered int64
	maxDepth    int
	exceeded    func(name string, limit int64) error // makes the error for a limit of Options that a server exceeds
}

type readDeadliner interface{ SetReadDeadline(time.Time) error }

const (
	bufferSize = 32 << 10
	// smallBuffer is what a connection in IDLE holds while nothing comes: room for an event or two. What is longer gets a
	// large one, for as long as it comes.
	smallBuffer = 64
	// writeBlocked is how long a write may take before reading starts beside it.
	writeBlocked = 15 * time.Millisecond
	// cutGrace is how long a write may go on when its ctx has ended: long enough that a busy machine is no reason to
	// close a connection.
	cutGrace = 100 * time.Millisecond
	// closeWait bounds the Close of a stream that is not a socket of the system and may block.
	closeWait = 500 * time.Millisecond
)

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// errInterrupted is what fill says when interrupt ended it. The reader looks why, and reads on or leaves.
var errInterrupted = errors.New("interrupted")

func newConn(raw io.ReadWriteCloser, log *slog.Logger, l limits) *conn {
	c := &conn{raw: raw, log: log, limits: l, token: make(chan struct{}, 1), done: make(chan struct{})}
	c.setStream(raw)
	if t, ok := raw.(*tls.Conn); ok {
		c.tls = t
	}
	return c
}

// setStream makes s what is read and written. A stream without deadlines of its own gets them from a pump.
func (c *conn) setStream(s io.ReadWriter) {
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

// lockRead waits for the read token, for ctx, for the end of the connection, or for done (which may be nil).
func (c *conn) lockRead(ctx context.Context, done <-chan struct{}) error {
	select {
	case c.token <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.token <- struct{}{}:
		return nil
	case <-done:
		return errInterrupted
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return errClosed
	}
}

func (c *conn) tryLockRead() bool {
	select {
	case c.token <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait makes the connection small: nothing is expected soon.
func (c *conn) wait() {
	c.small = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writing {
		c.blocked = nil // it was stopped when the write ended
	}
}

// hurry ends the effect of wait.
func (c *conn) hurry() { c.small = false }

// unlockRead passes the token on. An empty buffer goes back to the pool, so that a client at rest holds none.
func (c *conn) unlockRead() {
	if c.r == c.w && c.frame.idle() {
		c.releaseBuffer()
	}
	<-c.token
}

func (c *conn) releaseBuffer() {
	if len(c.buf) == bufferSize {
		buffers.Put((*[bufferSize]byte)(c.buf))
	}
	c.buf, c.r, c.w = nil, 0, 0
	c.frame.trim()
}

// watch makes the end of ctx interrupt the reader. The returned function ends the watch; an interrupt that comes late
// is harmless, for every reader looks at its own ctx first.
func (c *conn) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return noWatch
	}
	return context.AfterFunc(ctx, c.interrupt)
}

func noWatch() bool { return true }

// interrupt ends the Read under way, or the next one, with errInterrupted.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	c.armed = past
	c.deadline.SetReadDeadline(past)
}

// expectAnswer starts the clock of Options.Timeout: from here on the server is silent.
func (c *conn) expectAnswer() {
	now := time.Now()
	c.mu.Lock()
	c.heard = now
	c.mu.Unlock()
}

// arm sets the deadline of the next Read: until if that is set, else Timeout after the server was last heard. A
// deadline that is only a little early is left as it is and judged when it passes, for setting one costs as much as
// parsing a response.
func (c *conn) arm(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		c.interrupted = false
		return errInterrupted
	}
	t := until
	if t.IsZero() && c.limits.timeout > 0 {
		t = c.heard.Add(c.limits.timeout)
		if early := t.Sub(c.armed); !c.armed.IsZero() && early >= 0 && early < c.limits.timeout/8 {
			return nil
		}
	}
	if t.Equal(c.armed) {
		return nil
	}
	c.armed = t
	return c.deadline.SetReadDeadline(t)
}

// expired judges a deadline that passed: an interrupt, the end of a wait, silence for too long, or nothing (nil).
func (c *conn) expired(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = past // whatever was armed has passed
	if c.interrupted {
		c.interrupted = false
		return errInterrupted
	}
	if !until.IsZero() {
		return errInterrupted
	}
	if t := c.limits.timeout; t > 0 && time.Since(c.heard) >= t {
		return &lostError{timeoutError{}}
	}
	return nil
}

// fill reads more into the buffer. With until set it waits no longer than that and ends with errInterrupted.
func (c *conn) fill(until time.Time) error {
	c.makeRoom()
	n, err := c.read(c.buf[c.w:], until)
	c.w += n
	return err
}

// read reads into b what is there, at least one octet.
func (c *conn) read(b []byte, until time.Time) (int, error) {
	if c.readErr != nil {
		return 0, c.readErr
	}
	for {
		if c.closed.Load() {
			return 0, errClosed
		}
		err := c.arm(until)
		if err == errInterrupted {
			return 0, err
		}
		n := 0
		if err == nil {
			n, err = c.stream.Read(b)
		}
		if err != nil && !c.isDeadline(err) {
			c.readErr = c.lost(err)
		}
		switch {
		case n > 0:
			c.expectAnswer()
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

// isDeadline reports whether an error is that of the deadline. A stream of the caller's may say so by net.Error alone; where
// no deadline has passed that is the end of the connection (ETIMEDOUT).
func (c *conn) isDeadline(err error) bool {
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

// lost names the end of a connection.
func (c *conn) lost(err error) error {
	if c.closed.Load() {
		return errClosed
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &lostError{err}
}

// makeRoom makes place behind w: what was consumed is dropped, then the buffer grows. Limits were checked before.
func (c *conn) makeRoom() {
	if c.small && c.r == c.w && len(c.buf) > smallBuffer && c.frame.idle() {
		c.releaseBuffer()
	}
	switch {
	case c.buf == nil && c.small:
		c.buf = make([]byte, smallBuffer)
	case c.buf == nil:
		c.buf = buffers.Get().(*[bufferSize]byte)[:]
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf):
	case c.r > 0 && len(c.buf) >= bufferSize:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		c.grow()
	}
}

func (c *conn) grow() {
	var next []byte
	if n := c.w - c.r; n < bufferSize {
		next = buffers.Get().(*[bufferSize]byte)[:]
	} else {
		next = make([]byte, 2*len(c.buf))
	}
	c.w = copy(next, c.buf[c.r:c.w])
	c.r = 0
	if len(c.buf) == bufferSize {
		buffers.Put((*[bufferSize]byte)(c.buf))
	}
	c.buf = next
}

// buffered is how much came and was not consumed.
func (c *conn) buffered() int { return c.w - c.r }

// ---- writing

// write sends b whole. When ctx ends and b does not leave soon, the connection is closed: what was cut cannot be taken
// back.
func (c *conn) write(ctx context.Context, b []byte) error {
	c.mu.Lock()
	c.writing, c.writeStart = true, time.Now()
	c.heard = c.writeStart // before, the silence was ours
	c.writes++
	number := c.writes
	if c.blocked == nil {
		c.blocked = time.AfterFunc(writeBlocked, c.readBeside)
	} else {
		c.blocked.Reset(writeBlocked)
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
	c.blocked.Stop()
	if c.beside > 0 {
		// It waits for octets that nobody has to send now, with the token in its hand.
		c.interrupted, c.armed = true, past
		c.deadline.SetReadDeadline(past)
	}
	if c.cut != nil {
		return c.cut
	}
	if err != nil {
		return c.lost(err)
	}
	return nil
}

// cutSoon closes the connection under a write that blocks. One that is just about to end is left to do so: most commands
// leave at once, and a connection is too dear for a cancellation that comes at the same moment.
func (c *conn) cutSoon(number uint64, cause error) {
	t := time.NewTimer(cutGrace)
	defer t.Stop()
	select {
	case <-t.C:
		c.cutWrite(number, cause)
	case <-c.done:
	}
}

// cutWrite closes the connection under a write, if that one is under way.
func (c *conn) cutWrite(number uint64, cause error) {
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

// readBeside reads into the buffer while a write blocks, within MaxBuffered. If somebody else reads, that is enough.
func (c *conn) readBeside() {
	number, ok := c.beginBeside()
	if !ok {
		return
	}
	defer c.endBeside()
	for c.isWriting(number) {
		if !c.tryLockRead() {
			if !c.waitWriting(number) {
				return
			}
			continue
		}
		var err error
		for c.isWriting(number) && err == nil && int64(c.buffered()) < c.limits.maxBuffered {
			if err = c.fill(time.Time{}); err == errInterrupted {
				err = nil
			}
		}
		c.unlockRead()
		if err != nil {
			c.cutWrite(number, err) // who has closed does not read either
			return
		}
		if !c.waitWriting(number) {
			return
		}
	}
}

// beginBeside returns the number of the write under way, beside which reading begins. Only that write ends it: a timer may
// fire late, when another write is under way or none.
func (c *conn) beginBeside() (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writing {
		return 0, false
	}
	c.beside++
	return c.writes, true
}

func (c *conn) endBeside() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beside--
}

// waitWriting waits a little while a write blocks. A write that takes longer than Timeout is cut.
func (c *conn) waitWriting(number uint64) bool {
	c.mu.Lock()
	start := c.writeStart
	c.mu.Unlock()
	if t := c.limits.timeout; t > 0 && time.Since(start) >= t {
		c.cutWrite(number, &lostError{timeoutError{}})
		return false
	}
	select {
	case <-time.After(writeBlocked):
		return true
	case <-c.done:
		return false
	}
}

// isWriting reports whether the write of that number is under way.
func (c *conn) isWriting(number uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writing && c.writes == number
}

// ---- TLS and the end

// startTLS puts TLS on the connection. Octets that came in the clear behind the answer to STARTTLS are refused: they
// would be taken for octets that came under TLS (CVE-2011-0411 and its kin).
func (c *conn) startTLS(ctx context.Context, config *tls.Config) error {
	nc, ok := c.raw.(net.Conn)
	if !ok {
		nc = streamConn{c.stream, c.raw, c.deadline}
	}
	if c.buffered() > 0 {
		return errPlaintextBehindTLS
	}
	t := tls.Client(nc, config)
	c.mu.Lock()
	c.deadline.SetReadDeadline(time.Time{})
	c.armed, c.deadline = time.Time{}, noDeadline{} // an interrupt that comes late must not end the handshake
	c.mu.Unlock()
	if err := handshake(ctx, t, c.limits.timeout); err != nil {
		return err
	}
	c.setStream(t)
	c.mu.Lock()
	c.tls = t
	c.mu.Unlock()
	c.releaseBuffer()
	return nil
}

var errPlaintextBehindTLS = errors.New("octets in the clear behind the answer to STARTTLS")

// noDeadline stands for the deadlines of a connection while only its end ends what is being read.
type noDeadline struct{}

func (noDeadline) SetReadDeadline(time.Time) error { return nil }

// tlsConn is the TLS connection, nil without TLS.
func (c *conn) tlsConn() *tls.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tls
}

// handshake shakes hands within the timeout. HandshakeContext closes the connection when its context ends.
func handshake(ctx context.Context, t *tls.Conn, timeout time.Duration) error {
	limited := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, timeout, timeoutError{})
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

// streamConn makes a net.Conn of a stream for the TLS package. The handshake is ended by closing the stream.
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

// close ends the connection at once, below TLS, and wakes the goroutines that read or write. It waits a little for a
// stream whose Close blocks: a caller must hold no lock.
func (c *conn) close() {
	c.shut()
	_ = c.awaitShut()
}

// shut is close without the wait.
func (c *conn) shut() {
	c.closeOnce.Do(func() {
		c.shutAt, c.shutDone = time.Now(), make(chan struct{})
		c.closed.Store(true)
		close(c.done)
		raw := c.raw
		if t, ok := raw.(*tls.Conn); ok {
			raw = t.NetConn() // closing TLS would first wait to write its goodbye
		}
		switch raw.(type) {
		case *net.TCPConn, *net.UnixConn:
			c.closeErr = raw.Close()
			close(c.shutDone)
		default:
			go func() {
				defer close(c.shutDone)
				c.closeErr = raw.Close()
			}()
		}
	})
}

// awaitShut waits for the end of shut, but not for ever, and returns the error of closing the stream.
func (c *conn) awaitShut() error {
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

// isClosed reports whether the connection was closed on this side.
func (c *conn) isClosed() bool { return c.closed.Load() }

// ended is closed together with the connection.
func (c *conn) ended() <-chan struct{} { return c.done }

// opened is the stream that the connection was made of.
func (c *conn) opened() io.ReadWriteCloser { return c.raw }

// trace writes one record at Debug.
func (c *conn) trace(ctx context.Context, who, line string) {
	c.log.LogAttrs(ctx, slog.LevelDebug, who, slog.String("line", line))
}

func (c *conn) tracing() bool {
	return c.log != nil && c.log.Enabled(context.Background(), slog.LevelDebug)
}
