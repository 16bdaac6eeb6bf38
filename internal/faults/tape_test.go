package faults_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// step is a piece of a recorded dialogue: what the client sent, and what the server sent.
type step struct{ sent, said []byte }

// recorder records the data at the server's end of a connection.
type recorder struct {
	net.Conn
	mu    sync.Mutex
	steps []step
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.steps) == 0 || len(r.steps[len(r.steps)-1].said) > 0 {
		r.steps = append(r.steps, step{})
	}
	last := &r.steps[len(r.steps)-1]
	last.sent = append(last.sent, b[:n]...)
	return n, err
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	if len(r.steps) == 0 {
		r.steps = append(r.steps, step{})
	}
	last := &r.steps[len(r.steps)-1]
	last.said = append(last.said, b...)
	r.mu.Unlock()
	return r.Conn.Write(b)
}

// record plays a dialogue without a fault and returns the recording, and the result.
func record(t *testing.T, x dialogue) ([]step, any) {
	t.Helper()
	near, far := imaptest.Pipe()
	rec := &recorder{Conn: far}
	done := make(chan struct{})
	go func() {
		defer close(done)
		imaptest.Script(t, &testkit.SwitchingConn{Conn: rec}, x.fullScript())
	}()
	c, err := imap.NewClient(testkit.Context(t), near, faultOptions)
	require.NoError(t, err)
	result, err := x.run(testkit.Context(t), c)
	require.NoError(t, err, x.name)
	<-done
	c.Close()
	far.Close()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.steps, result
}

var faultOptions = &imap.Options{AllowInsecureAuth: true}

// said returns all that the server sends.
func said(steps []step) []byte {
	var all []byte
	for _, s := range steps {
		all = append(all, s.said...)
	}
	return all
}

// tape is a connection to a server that repeats a recorded dialogue, without a goroutine: a write of the client makes the
// next answer readable.
type tape struct {
	steps []step
	each  int          // most bytes a Read returns, 0 for all
	stops map[int]bool // offsets at which a Read ends
	cut   int          // the connection ends there, -1 for never
	stall int          // nothing comes from there on until resume, -1 for never
	// stalled is called once, by the Read that finds nothing because of a stall.
	stalled func()
	// silent: at the end of the dialogue no more data arrives; otherwise the connection ends.
	silent bool

	mu       sync.Mutex
	at       int    // bytes delivered
	have     []byte // bytes to be delivered
	wrote    []byte // since the last step
	seen     looseServer
	loose    bool // seen answers
	mismatch string
	closed   bool
	deadline time.Time
	changed  chan struct{}
}

func newTape(steps []step) *tape {
	p := &tape{steps: steps, cut: -1, stall: -1, changed: make(chan struct{})}
	p.advance()
	return p
}

// advance makes the answer to what was written readable.
func (p *tape) advance() {
	for len(p.steps) > 0 && len(p.wrote) >= len(p.steps[0].sent) {
		s := p.steps[0]
		if !bytes.Equal(p.wrote[:len(s.sent)], s.sent) && p.mismatch == "" {
			p.mismatch = "sent " + string(p.wrote) + ", before " + string(s.sent)
		}
		p.seen.answer(s.sent)
		p.wrote = p.wrote[len(s.sent):]
		p.have = append(p.have, s.said...)
		p.steps = p.steps[1:]
	}
}

// resume ends a stall. From then on commands are answered according to what they are, not to the recording.
func (p *tape) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall, p.steps, p.loose = -1, nil, true
	p.have = append(p.have, p.seen.answer(p.wrote)...)
	p.wake()
}

func (p *tape) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *tape) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	if p.loose {
		p.have = append(p.have, p.seen.answer(b)...)
	} else {
		p.wrote = append(p.wrote, b...)
		p.advance()
	}
	p.wake()
	return len(b), nil
}

func (p *tape) Read(b []byte) (int, error) {
	for {
		n, wait, err := p.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		wait()
	}
}

// take is a Read that does not block; wait blocks.
func (p *tape) take(b []byte) (n int, wait func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return 0, nil, net.ErrClosed
	case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
		return 0, nil, os.ErrDeadlineExceeded
	case p.cut == p.at:
		return 0, nil, io.EOF
	}
	if n = p.ready(len(b)); n > 0 {
		copy(b, p.have[:n])
		p.have = p.have[n:]
		p.at += n
		return n, nil, nil
	}
	if p.stall == p.at {
		if f := p.stalled; f != nil {
			p.stalled = nil
			return 0, f, nil
		}
	} else if len(p.steps) == 0 && !p.loose && !p.silent {
		return 0, nil, io.EOF
	}
	return 0, p.waiter(), nil
}

// ready is how many bytes may be delivered at once.
func (p *tape) ready(n int) int {
	n = min(n, len(p.have))
	if p.each > 0 {
		n = min(n, p.each)
	}
	for _, end := range []int{p.cut, p.stall} {
		if end >= 0 {
			n = min(n, end-p.at)
		}
	}
	for i := 1; i < n && len(p.stops) > 0; i++ {
		if p.stops[p.at+i] {
			return i
		}
	}
	return n
}

// waiter returns a function that waits for a change or the deadline.
func (p *tape) waiter() func() {
	changed, deadline := p.changed, p.deadline
	return func() {
		if deadline.IsZero() {
			<-changed
			return
		}
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		select {
		case <-changed:
		case <-t.C:
		}
	}
}

func (p *tape) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.wake()
	return nil
}

func (p *tape) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	p.wake()
	return nil
}

func (p *tape) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *tape) SetWriteDeadline(time.Time) error { return nil }
func (p *tape) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "tape"} }
func (p *tape) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "tape"} }

// failure reports that the client sent something other than was recorded.
func (p *tape) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mismatch != "" {
		return errors.New(p.mismatch)
	}
	return nil
}

// looseServer answers any command: NOOP with OK, XCHECK with data, and a command that ends a dialogue with the end of it.
type looseServer struct {
	line string
	tag  string // of the last command
}

func (s *looseServer) answer(b []byte) []byte {
	var out []byte
	s.line += string(b)
	for {
		line, rest, ok := strings.Cut(s.line, "\r\n")
		if !ok {
			return out
		}
		s.line = rest
		out = append(out, s.answerLine(line)...)
	}
}

func (s *looseServer) answerLine(line string) string {
	switch tag, name, _ := strings.Cut(line, " "); {
	case line == "DONE" || line == "*":
		return s.tag + " OK left\r\n"
	case strings.HasPrefix(name, "XCHECK "):
		s.tag = tag
		return "* XCHECK " + name[len("XCHECK "):] + "\r\n" + tag + " OK checked\r\n"
	default:
		s.tag = tag
		return tag + " OK done\r\n"
	}
}
