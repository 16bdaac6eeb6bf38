package model

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing/synctest"
	"time"
)

// A link is the connection of the client. The server runs inside its Read and Write, so that a run with one caller uses one
// goroutine and is deterministic. It must be used in a synctest bubble.
type link struct {
	mu       sync.Mutex
	srv      *server
	wake     chan struct{} // closed and replaced when a Read may continue
	deadline time.Time
	timer    *time.Timer
	closed   bool
	serial   bool // only one goroutine makes calls

	in, out   int64 // bytes read and written by the client
	cancel    context.CancelFunc
	cancelIn  int64 // call cancel when this many bytes were read; -1: never
	cancelOut int64 // the same for written bytes
	pieces    *rng  // sizes of pieces (Pieces); nil: all at once
}

func newLink(s *server) *link {
	return &link{srv: s, wake: make(chan struct{}), cancelIn: -1, cancelOut: -1, serial: true}
}

// broadcast wakes readers. The caller must hold mu.
func (l *link) broadcast() {
	close(l.wake)
	l.wake = make(chan struct{})
}

// cut arms cancel for the call that begins.
func (l *link) cut(cancel context.CancelFunc, in, out int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel, l.cancelIn, l.cancelOut = cancel, -1, -1
	if in >= 0 {
		l.cancelIn = l.in + in
	}
	if out >= 0 {
		l.cancelOut = l.out + out
	}
}

// fire calls cancel and waits until the client has noticed. It releases mu meanwhile.
func (l *link) fire() {
	cancel := l.cancel
	l.cancel, l.cancelIn, l.cancelOut = nil, -1, -1
	l.srv.log("-- ctx ends")
	l.mu.Unlock()
	cancel()
	if l.serial {
		synctest.Wait()
	}
	l.mu.Lock()
}

func (l *link) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return 0, net.ErrClosed
		case l.expired():
			return 0, os.ErrDeadlineExceeded
		case l.cancelIn >= 0 && l.in >= l.cancelIn:
			l.fire()
			continue
		}
		l.srv.produce()
		if n := l.available(len(p)); n > 0 {
			copy(p, l.srv.outBuf[:n])
			l.srv.outBuf = l.srv.outBuf[n:]
			l.in += int64(n)
			return n, nil
		}
		if l.srv.ended {
			if l.srv.reset {
				return 0, &net.OpError{Op: "read", Net: "model", Err: syscall.ECONNRESET}
			}
			return 0, io.EOF
		}
		if l.cancel != nil && (l.cancelIn >= 0 || l.cancelOut >= 0) {
			l.fire() // the byte will never arrive
			continue
		}
		l.wait()
	}
}

// available returns how many bytes a Read may take.
func (l *link) available(room int) int {
	n := min(room, len(l.srv.outBuf))
	if l.cancelIn >= 0 {
		n = int(min(int64(n), l.cancelIn-l.in))
	}
	if l.pieces != nil && n > 1 {
		n = 1 + l.pieces.n(min(n, 1+l.pieces.n(60)))
	}
	return n
}

// wait waits for bytes, the end of a delay, or the deadline. The caller must hold mu, which is released meanwhile.
func (l *link) wait() {
	wake := l.wake
	var after <-chan time.Time
	if d := l.srv.delay(); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	l.mu.Unlock()
	select {
	case <-wake:
	case <-after:
	}
	l.mu.Lock()
}

func (l *link) expired() bool { return !l.deadline.IsZero() && !time.Now().Before(l.deadline) }

func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.broadcast()
	done := 0
	for done < len(p) {
		if l.closed {
			return done, net.ErrClosed
		}
		n := len(p) - done
		if l.cancelOut >= 0 {
			if l.out >= l.cancelOut {
				l.fire()
				continue
			}
			n = int(min(int64(n), l.cancelOut-l.out))
		}
		if l.srv.ended {
			return done, &net.OpError{Op: "write", Net: "model", Err: syscall.EPIPE}
		}
		l.srv.receive(p[done : done+n])
		l.out += int64(n)
		done += n
	}
	return done, nil
}

func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	if !l.closed {
		l.closed = true
		l.srv.log("-- the client closes")
		l.broadcast()
	}
	return nil
}

func (l *link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if d := time.Until(t); !t.IsZero() && d > 0 {
		l.timer = time.AfterFunc(d, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.broadcast()
		})
	}
	l.broadcast()
	return nil
}

func (l *link) SetDeadline(t time.Time) error    { return l.SetReadDeadline(t) }
func (l *link) SetWriteDeadline(time.Time) error { return nil }
func (l *link) LocalAddr() net.Addr              { return addr{} }
func (l *link) RemoteAddr() net.Addr             { return addr{} }

type addr struct{}

func (addr) Network() string { return "tcp" }
func (addr) String() string  { return "127.0.0.1:143" }
