package concurrency_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
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

// cancellingConn cancels a context during the first write after it was set.
type cancellingConn struct {
	net.Conn
	cancel context.CancelFunc
}

func (c *cancellingConn) Write(b []byte) (int, error) {
	if c.cancel != nil {
		c.cancel()
		time.Sleep(2 * time.Millisecond)
		c.cancel = nil
	}
	return c.Conn.Write(b)
}

// TestCancelWhileWriting cancels while a command is being written: the connection stays open.
func TestCancelWhileWriting(t *testing.T) {
	near, far := testkit.TCPPair(t)
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
		io.ReadFull(far, make([]byte, len("A1 NOOP\r\nA2 NOOP\r\n")))
	}()
	ctx := testkit.Context(t)
	conn := &cancellingConn{Conn: near}
	c, err := imap.NewClient(ctx, conn, nil)
	require.NoError(t, err)
	defer c.Close()
	short, cancel := context.WithCancel(ctx)
	conn.cancel = cancel
	require.ErrorIs(t, c.Noop(short), context.Canceled)
	go io.WriteString(far, "A1 OK done\r\nA2 OK done\r\n")
	require.NoError(t, c.Noop(ctx))
}

// TestSlowUpload sends a message to a server that reads it slowly and sends nothing for longer than the timeout.
func TestSlowUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 << 20
		near, far := imaptest.Pipe()
		defer far.Close()
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n")
			buf := make([]byte, 256<<10)
			for left := size; left > 0; {
				n, err := far.Read(buf)
				if err != nil {
					return
				}
				left -= n
				time.Sleep(20 * time.Millisecond)
			}
			io.WriteString(far, "A1 OK done\r\n")
		}()
		c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{Timeout: 500 * time.Millisecond})
		require.NoError(t, err)
		defer c.Close()
		msg := imap.Literal{R: bytes.NewReader(make([]byte, size)), Size: size}
		began := time.Now()
		_, err = c.Append(testkit.Context(t), "INBOX", msg, nil)
		require.NoError(t, err)
		require.Greater(t, time.Since(began), time.Second)
	})
}

// TestSlowWriteAfterSilence: the time before a write does not count as silence of the server while the write blocks: here that
// of an IDLE without news.
func TestSlowWriteAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		defer far.Close()
		far.SetLimit(1)
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
			r := bufio.NewReader(far)
			r.ReadString('\n')
			io.WriteString(far, "+ idling\r\n")
			time.Sleep(10*time.Minute + 300*time.Millisecond)
			r.ReadString('\n')
			io.WriteString(far, "A1 OK done\r\n")
			r.ReadString('\n')
			io.WriteString(far, "A2 OK done\r\n")
		}()
		c, err := imap.NewClient(t.Context(), near, &imap.Options{Timeout: 500 * time.Millisecond})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, testkit.Drain(c.Idle(t.Context(), &imap.IdleOptions{For: 10 * time.Minute})))
		require.NoError(t, c.Noop(t.Context()))
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestReaderEndsOtherwise: a reader that panics, or ends its goroutine as FailNow of a test does, closes the connection. The
// panic reaches the caller of Append, and no call waits for the rest.
func TestReaderEndsOtherwise(t *testing.T) {
	for name, test := range map[string]struct {
		reader io.Reader
		panics bool
	}{
		"panic":        {readerFunc(func([]byte) (int, error) { panic("in the reader") }), true},
		"nil reader":   {(*bytes.Reader)(nil), true}, // read without a goroutine
		"Goexit":       {readerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }), false},
		"Goexit later": {io.MultiReader(bytes.NewReader(make([]byte, 100_000)), readerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 LITERAL+", nil, func(h *testkit.Peer) { io.Copy(io.Discard, h.In) })
				call := func() error {
					_, err := c.Append(testkit.Context(t), "INBOX", imap.Literal{R: test.reader, Size: 200_000}, nil)
					return err
				}
				if test.panics {
					require.Panics(t, func() { call() })
				} else {
					require.ErrorContains(t, call(), "Goexit")
				}
				require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
			})
		})
	}
}

// panicLog is a handler that panics once it is armed: when it is asked for the n-th time whether it is enabled, or at the first
// record about what one side sends.
type panicLog struct {
	slog.Handler
	side  string
	asked int
	armed *bool
}

func (h *panicLog) Enabled(context.Context, slog.Level) bool {
	if *h.armed && h.asked > 0 {
		if h.asked--; h.asked == 0 {
			panic("in the logger")
		}
	}
	return true
}

func (h *panicLog) Handle(_ context.Context, r slog.Record) error {
	if *h.armed && r.Message == h.side {
		*h.armed = false
		panic("in the logger")
	}
	return nil
}

// TestLoggerPanics: a logger that panics while a command is sent, or its answer is read, costs the connection, and nothing waits
// for what was interrupted.
func TestLoggerPanics(t *testing.T) {
	for name, log := range map[string]panicLog{"C": {side: "C"}, "S": {side: "S"}, "1": {asked: 1}, "2": {asked: 2}, "3": {asked: 3}, "4": {asked: 4}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				armed := false
				log.Handler, log.armed = slog.DiscardHandler, &armed
				opts := &imap.Options{Timeout: -1, Logger: slog.New(&log)}
				c := testkit.DialPeer(t, opts, func(h *testkit.Peer) { h.OK() })
				armed = true
				require.Panics(t, func() { c.Noop(t.Context()) })
				require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
			})
		})
	}
}

// TestUploadBehindSlowLoop: an APPEND that needs a continuation is not begun before the FETCH of a suspended loop is answered:
// it succeeds if the rows fit in memory, and otherwise fails with nothing sent. The connection remains open in either case.
func TestUploadBehindSlowLoop(t *testing.T) {
	for _, room := range []int64{2000, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			const rows = 2000
			fits := room > 2000
			c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", &imap.Options{MaxBuffered: room}, func(h *testkit.Peer) {
				tag := h.Line("FETCH 1:* (UID FLAGS)")
				for i := 1; i <= rows; i++ {
					h.Put("* %d FETCH (UID %d FLAGS (\\Seen))\r\n", i, i)
				}
				h.Send("%s OK done", tag)
				if fits {
					tag = h.Line("APPEND box {5}")
					h.Send("+ go")
					h.Line("") // the data
					h.Send("%s OK done", tag)
				}
				h.Send("%s OK done", h.Line("NOOP"))
			})
			p := c.Pipeline()
			n, suspended := 0, make(chan struct{})
			p.Go(func(c *imap.Client) error {
				for _, err := range c.Fetch(t.Context(), imap.SeqRange(1, 0), imap.FetchFlags) {
					if err != nil {
						return err
					}
					if n++; n == 1 {
						<-suspended
					}
				}
				return nil
			})
			var uploaded error
			p.Go(func(c *imap.Client) error {
				defer close(suspended)
				_, uploaded = c.Append(t.Context(), "box", imap.Literal{R: strings.NewReader("hello"), Size: 5}, nil)
				return nil
			})
			require.NoError(t, p.Wait())
			require.Equal(t, rows, n)
			if fits {
				require.NoError(t, uploaded)
			} else {
				require.ErrorIs(t, uploaded, imap.ErrBusy)
				require.True(t, imap.SafeToRetry(uploaded))
			}
			require.NoError(t, c.Noop(t.Context()))
		})
	}
}

// TestSlowReaderHoldsBackNoOther: while a call of a pipeline waits for the reader of its literal, the commands of the calls
// before it have been sent. Their answers may be what the reader waits for.
func TestSlowReaderHoldsBackNoOther(t *testing.T) {
	for _, size := range []int{5, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 LITERAL+", nil, func(h *testkit.Peer) {
				tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
				h.Send("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n%s OK done", size, strings.Repeat("x", size), tag)
				tag = h.Line(fmt.Sprintf("APPEND box {%d+}", size))
				data, err := h.In.ReadString('\n')
				assert.NoError(h.T, err)
				assert.Len(h.T, data, size+2)
				h.Send("%s OK done", tag)
			})
			r, w := io.Pipe()
			began := time.Now()
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error {
				m, err := c.FetchOne(t.Context(), 1, imap.Section{})
				if err != nil {
					return err
				}
				defer w.Close()
				_, err = w.Write(m.Sections[0].Bytes)
				return err
			})
			p.Go(func(c *imap.Client) error {
				return testkit.ErrOf(c.Append(t.Context(), "box", imap.Literal{R: r, Size: int64(size)}, nil))
			})
			require.NoError(t, p.Wait())
			require.Less(t, time.Since(began), time.Second)
		})
	}
}
