package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hookedConn calls a function once, after bytes have arrived and before Read returns.
type hookedConn struct {
	net.Conn
	came func()
}

func (c *hookedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if came := c.came; n > 0 && came != nil {
		c.came = nil
		came()
	}
	return n, err
}

// hooked returns a client on a hookedConn, and the server's end, for a synctest bubble.
func hooked(t *testing.T) (*imap.Client, *hookedConn, *imaptest.PipeConn) {
	t.Helper()
	near, far := imaptest.Pipe()
	t.Cleanup(func() { far.Close() })
	io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
	conn := &hookedConn{Conn: near}
	c, err := imap.NewClient(t.Context(), conn, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c, conn, far
}

// TestCancelledAfterWait: ctx ends at the moment when the answer arrives that the call had to wait for. Nothing of the
// call is sent then.
func TestCancelledAfterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn, far := hooked(t)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Noop(short), context.DeadlineExceeded)

		ctx, end := context.WithCancelCause(t.Context())
		conn.came = func() { end(testkit.ErrGone) }
		go func() {
			time.Sleep(time.Second)
			io.WriteString(far, "A1 OK done\r\n")
		}()
		err := c.Noop(ctx)
		require.ErrorIs(t, err, testkit.ErrGone)
		require.True(t, imap.SafeToRetry(err))
		io.WriteString(far, "A2 OK done\r\n")
		require.NoError(t, c.Noop(t.Context()), "A2 was used already")
	})
}

// TestCancelBetweenReads: ctx ends while nothing is being read, in the middle of an answer. The next Read does not begin.
func TestCancelBetweenReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn, far := hooked(t)
		ctx, end := context.WithCancelCause(t.Context())
		conn.came = func() {
			end(testkit.ErrGone)
			synctest.Wait() // ctx has been noticed
		}
		io.WriteString(far, "* OK half a li")
		began := time.Now()
		require.ErrorIs(t, c.Noop(ctx), testkit.ErrGone)
		require.Zero(t, time.Since(began))
		io.WriteString(far, "ne\r\nA1 OK done\r\nA2 OK done\r\n")
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestCancelledCallLeavesIdleAlone: a call whose ctx ended before it began does not end the current IDLE.
func TestCancelledCallLeavesIdleAlone(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		h.Send("* 6 EXISTS")
		h.Conn.SetReadDeadline(time.Now().Add(time.Second))
		_, err := h.In.Peek(1)
		assert.Error(h.T, err, "nothing may come")
		h.Conn.SetReadDeadline(time.Time{})
		h.In.Reset(h.Conn)
		h.Send("* 7 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(testkit.ErrGone)
		n := uint32(5)
		for ev, err := range c.Idle(t.Context(), nil) {
			require.NoError(t, err)
			n++
			require.Equal(t, &imap.ExistsEvent{Count: n}, ev)
			err := c.Noop(ended)
			require.ErrorIs(t, err, testkit.ErrGone)
			require.True(t, imap.SafeToRetry(err))
			if n == 7 {
				break
			}
		}
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestCancelledBodyIsDropped: the answer to a call that was given up is not kept, however large it is.
func TestCancelledBodyIsDropped(t *testing.T) {
	const size = 3 << 20
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"FetchOne": func(ctx context.Context, c *imap.Client) error {
			_, err := c.FetchOne(ctx, 1, imap.Section{})
			return err
		},
		"Do": func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "XGIVE"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeer(t, &imap.Options{MaxLiteral: 1 << 20}, func(h *testkit.Peer) {
					tag := h.Line("")
					time.Sleep(time.Minute)
					h.Put("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n", size, strings.Repeat("x", size))
					h.Send("%s OK done", tag)
					h.OK()
				})
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.ErrorIs(t, call(short, c), context.DeadlineExceeded)
				require.NoError(t, c.Noop(t.Context()))
			})
		})
	}
}

// TestCancelInPipeline: a call that waits while another one reads ends with its own ctx, at once.
func TestCancelInPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			first, second := h.Line("NOOP"), h.Line("NOOP")
			time.Sleep(time.Minute)
			h.Send("%s OK done\r\n%s OK done", first, second)
			h.OK()
		})
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
		p.Go(func(c *imap.Client) error {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
			defer cancel()
			began := time.Now()
			assert.ErrorIs(t, c.Noop(ctx), testkit.ErrGone)
			assert.Equal(t, time.Second, time.Since(began))
			return nil
		})
		require.NoError(t, p.Wait())
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestByeAfterAnswer: if the server refuses a message and disconnects, its last message is the error of the next call,
// once.
func TestByeAfterAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := answeredWhileSending(t, "A1 NO [TOOBIG] not that much\r\n* BYE [UNAVAILABLE] and good night\r\n")
		require.Equal(t, imap.Code("TOOBIG"), imap.CodeOf(err), "%v", err)
		err = c.Noop(t.Context())
		require.Equal(t, imap.Code("UNAVAILABLE"), imap.CodeOf(err), "%v", err)
		require.True(t, imap.SafeToRetry(err))
		err = c.Noop(t.Context())
		require.ErrorIs(t, err, imap.ErrClosed)
		require.Empty(t, imap.CodeOf(err), "told twice")
	})
}

// TestCancelWhileQueued: a call that waits for its turn ends with its own ctx, and nothing of it is sent.
func TestCancelWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			time.Sleep(time.Minute)
			h.Send("%s OK done", tag)
			h.Send("%s OK done", h.Line("NOOP"))
		})
		first := make(chan error, 1)
		go func() { first <- c.Noop(t.Context()) }()
		synctest.Wait()
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
		defer cancel()
		began := time.Now()
		err := c.Delete(short, "precious")
		require.ErrorIs(t, err, testkit.ErrGone)
		require.True(t, imap.SafeToRetry(err))
		require.Equal(t, time.Second, time.Since(began))
		require.NoError(t, <-first)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestReaderOfAnotherLeaves: the goroutine that reads for others is cancelled in the middle of a literal, and the owner of
// the literal continues to read.
func TestReaderOfAnotherLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 20_000
		body := func(i int) string { return strings.Repeat(fmt.Sprint(i), size) }
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			fetch := h.Line("UID FETCH 1:2 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)", size, body(1))
			noop := h.Line("NOOP")
			h.Put("* 2 FETCH (UID 2 BODY[] {%d}\r\n%s", size, body(2)[:size/2])
			h.Out.Flush()
			time.Sleep(time.Minute)
			h.Send("%s)\r\n%s OK done\r\n%s OK done", body(2)[size/2:], fetch, noop)
		})
		p := c.Pipeline()
		first, goOn := make(chan struct{}), make(chan struct{})
		p.Go(func(c *imap.Client) error {
			n := 0
			for m, err := range c.Fetch(t.Context(), imap.UIDRange(1, 2), imap.Section{}) {
				if err != nil {
					return err
				}
				if n++; n == 1 {
					close(first)
					<-goOn
				}
				if string(m.Section(imap.Section{})) != body(n) {
					return fmt.Errorf("body %d is another", n)
				}
			}
			return testkit.Expect(nil, n == 2, "%d rows", n)
		})
		<-first
		p.Go(func(c *imap.Client) error {
			short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
			defer cancel()
			assert.ErrorIs(t, c.Noop(short), testkit.ErrGone)
			close(goOn)
			return nil
		})
		require.NoError(t, p.Wait())
	})
}
