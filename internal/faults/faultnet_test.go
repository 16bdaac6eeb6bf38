package faults_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// The fault matrix over TCP and TLS. The transport differs, the client is the same: so only the answer to the command is
// disturbed, not what precedes it, and each dialogue takes every netStride-th offset of an answer, beginning with another
// one. IMAP_FAULTS=all takes all.

func netStride(kind string) int {
	if os.Getenv("IMAP_FAULTS") == "all" {
		return 1
	}
	return map[string]int{"TCP": 5, "TLS": 13}[kind]
}

// fault is what happens to the bytes of a server. Offsets that are -1 are not used.
type fault struct {
	split int  // two writes, with a pause
	cut   int  // the connection ends
	stall int  // nothing comes until release
	bytes bool // one write an byte
}

var noFault = fault{split: -1, cut: -1, stall: -1}

// replayServer repeats a recorded conversation on a connection.
type replayServer struct {
	conn    net.Conn
	steps   []step
	fault   fault
	stalled chan struct{} // closed at the stall
	release chan struct{} // ends it
	at      int
}

func (s *replayServer) run() {
	defer s.conn.Close()
	var loose looseServer
	for _, step := range s.steps {
		sent := make([]byte, len(step.sent))
		if _, err := io.ReadFull(s.conn, sent); err != nil {
			return
		}
		loose.answer(sent)
		if !s.say(step.said) {
			return
		}
		select {
		case <-s.stalled:
			s.goOn(&loose)
			return
		default:
		}
	}
	io.Copy(io.Discard, s.conn)
}

// goOn answers the commands after a stall according to what they are.
func (s *replayServer) goOn(loose *looseServer) {
	buf := make([]byte, 4096)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := s.conn.Write(loose.answer(buf[:n])); err != nil {
			return
		}
	}
}

// say sends the server's part, disturbed; it returns false at the end of the conversation.
func (s *replayServer) say(b []byte) bool {
	for len(b) > 0 {
		n := len(b)
		if s.fault.bytes {
			n = 1
		}
		for _, end := range []int{s.fault.split, s.fault.cut, s.fault.stall} {
			if end > s.at {
				n = min(n, end-s.at)
			}
		}
		switch s.at {
		case s.fault.cut:
			return false
		case s.fault.split:
			time.Sleep(100 * time.Microsecond)
		case s.fault.stall:
			close(s.stalled)
			<-s.release
			s.fault.stall = -1
		}
		if _, err := s.conn.Write(b[:n]); err != nil {
			return false
		}
		b, s.at = b[n:], s.at+n
	}
	return true
}

// replayOver runs a dialogue over a kind of connection. With a stall, ctx is ended at it.
func replayOver(t *testing.T, kind string, x dialogue, steps []step, f fault) (result any, err error) {
	t.Helper()
	near, far := socketPair(t, kind)
	s := &replayServer{conn: far, steps: steps, fault: f, stalled: make(chan struct{}), release: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(s.run)
	defer wg.Wait()
	defer far.Close()
	defer near.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	gone := make(chan struct{})
	go func() {
		select {
		case <-s.stalled:
			cancel(testkit.ErrGone)
		case <-gone:
		}
	}()
	c, err := imap.NewClient(ctx, near, faultOptions)
	if err != nil {
		close(gone)
		close(s.release)
		return nil, err
	}
	defer c.Close()
	result, err = x.run(ctx, c)
	close(gone)
	close(s.release)
	if f.stall >= 0 && ctx.Err() != nil {
		requireUsable(t, x, c)
	}
	return result, err
}

// listener is shared by all connections of the tests of this file.
var listener = sync.OnceValue(func() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
})

func socketPair(t *testing.T, kind string) (near, far net.Conn) {
	t.Helper()
	near, err := net.Dial("tcp", listener().Addr().String())
	require.NoError(t, err)
	far, err = listener().Accept()
	require.NoError(t, err)
	if kind == "TLS" {
		client, server := testkit.TLSConfigs()
		return tls.Client(near, client), tls.Server(far, server)
	}
	return near, far
}

func TestFaultOverSockets(t *testing.T) {
	for _, kind := range []string{"TCP", "TLS"} {
		t.Run(kind, func(t *testing.T) {
			number := 0
			eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
				got, err := replayOver(t, kind, x, steps, fault{split: -1, cut: -1, stall: -1, bytes: true})
				require.NoError(t, err)
				require.Equal(t, want, got)
				all := len(said(steps))
				from := len(steps[0].said) // behind the greeting
				number++
				for at := from + number%netStride(kind); at < all; at += netStride(kind) {
					disturb(t, kind, x, steps, want, at)
				}
			})
		})
	}
}

// disturb splits, cuts and stalls one conversation at one offset.
func disturb(t *testing.T, kind string, x dialogue, steps []step, want any, at int) {
	t.Helper()
	f := noFault
	f.split = at
	got, err := replayOver(t, kind, x, steps, f)
	require.NoError(t, err, "split at %d", at)
	require.Equal(t, want, got, "split at %d", at)
	f = noFault
	f.cut = at
	_, err = replayOver(t, kind, x, steps, f)
	requireCut(t, x, len(said(steps)), at, err)
	if x.raw {
		return
	}
	f = noFault
	f.stall = at
	_, err = replayOver(t, kind, x, steps, f)
	if !forgiven(x, steps, at) {
		require.ErrorIs(t, err, testkit.ErrGone, "stalled at %d", at)
	}
}
