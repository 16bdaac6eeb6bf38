package faults_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetchBody requests a body from the obedient server. After as many bytes as its UID the server stops sending.
func fetchBody(ctx context.Context, c *imap.Client, uid int) error {
	m, err := c.FetchOne(ctx, imap.UID(uid), imap.Section{})
	if err != nil {
		return err
	}
	if got := string(m.Section(imap.Section{})); got != bodyOf(uid) {
		return fmt.Errorf("body of %d is %.20q", uid, got)
	}
	return nil
}

// requireRouted checks that answers are assigned to their calls.
func requireRouted(t *testing.T, c *imap.Client) {
	t.Helper()
	for i := range 3 {
		ask := fmt.Sprint("q", i)
		resp, err := c.Do(testkit.Context(t), "XCHECK", imap.Atom(ask))
		require.NoError(t, err)
		require.Equal(t, []imap.Untagged{{Name: "XCHECK", Rest: []byte(ask)}}, resp.Untagged)
	}
}

// cancelPoints are where the server of TestCancelWaiting stops sending: before its answer, inside a line, after the header
// of a literal, inside it, after it, before and inside the tagged line.
func cancelPoints() []int {
	head := len("* 1 FETCH (UID 1000 BODY[] {6000}\r\n")
	body := len(bodyOf(6000))
	return []int{1, 4, head - 4, head + 1, head + 100, head + 5000, head + body + 1, head + body + 2, head + body + 4, head + body + 8}
}

// TestCancelWaiting: a call whose ctx ends while the answer is arriving returns the cause; the late answer is discarded and
// the next call gets its own.
func TestCancelWaiting(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		for _, uid := range cancelPoints() {
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			go func() {
				s.waitHeld(t)
				cancel(testkit.ErrGone)
			}()
			require.ErrorIs(t, fetchBody(ctx, c, uid), testkit.ErrGone)
			s.release(t)
			requireRouted(t, c)
		}
		require.Empty(t, c.Events())
	})
}

// TestCancelManyInARow: while the server is silent, several calls are cancelled; none gets the answer of another.
func TestCancelManyInARow(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		for _, uid := range []int{1, 60, 3000} {
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			go func() {
				s.waitHeld(t)
				cancel(testkit.ErrGone)
			}()
			require.ErrorIs(t, fetchBody(ctx, c, uid), testkit.ErrGone)
			for range 20 {
				short, cancel := context.WithTimeout(testkit.Context(t), time.Millisecond)
				err := c.Noop(short)
				cancel()
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.True(t, imap.SafeToRetry(err), "it was not sent: the server owes an answer")
			}
			s.release(t)
			requireRouted(t, c)
		}
	})
}

// TestCancelBeforeSending: if ctx ended before the call, or ends while it waits for another, nothing is sent.
func TestCancelBeforeSending(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		ended, cancel := context.WithCancelCause(testkit.Context(t))
		cancel(testkit.ErrGone)
		err = c.Noop(ended)
		require.ErrorIs(t, err, testkit.ErrGone)
		require.True(t, imap.SafeToRetry(err))
		_, err = imap.Collect(c.Fetch(ended, imap.UIDs(1)))
		require.ErrorIs(t, err, testkit.ErrGone)

		held := make(chan error, 1)
		go func() { held <- fetchBody(testkit.Context(t), c, 50) }()
		s.waitHeld(t)
		waits, cancel := context.WithCancelCause(testkit.Context(t))
		waiting := make(chan error, 1)
		go func() { waiting <- c.Delete(waits, "precious") }()
		time.Sleep(time.Millisecond)
		cancel(testkit.ErrGone)
		err = <-waiting
		require.ErrorIs(t, err, testkit.ErrGone)
		require.True(t, imap.SafeToRetry(err))
		s.release(t)
		require.NoError(t, <-held)
		requireRouted(t, c)
	})
}

// TestCancelUpload: an upload that the server does not read is cut off, with the cause; then the client is closed.
func TestCancelUpload(t *testing.T) {
	message := noise(16 << 20)
	for name, literal := range map[string]func() imap.Literal{
		"bytes":  func() imap.Literal { return imap.LiteralBytes(message) },
		"reader": func() imap.Literal { return imap.Literal{R: bytes.NewReader(message), Size: int64(len(message))} },
		"foreign reader": func() imap.Literal {
			return imap.Literal{R: io.LimitReader(bytes.NewReader(message), 1<<30), Size: int64(len(message))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
				ctx, cancel := context.WithCancelCause(testkit.Context(t))
				go func() {
					s.waitHeld(t)
					cancel(testkit.ErrGone)
				}()
				_, err := c.Append(ctx, "deaf", literal(), nil)
				require.ErrorIs(t, err, testkit.ErrGone)
				require.False(t, imap.SafeToRetry(err))
				require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
			})
		})
	}
}

// noise is text that can hardly be compressed, so that no buffer on the way holds it.
func noise(size int) []byte {
	b := make([]byte, size/2)
	rand.NewChaCha8([32]byte{}).Read(b)
	return hex.AppendEncode(nil, b)
}

// stuckReader delivers some bytes, signals that, and blocks until it is released.
type stuckReader struct {
	octets  int
	stuck   chan struct{}
	proceed chan struct{}
}

func newStuckReader(octets int) *stuckReader {
	return &stuckReader{octets, make(chan struct{}), make(chan struct{})}
}

func (r *stuckReader) Read(b []byte) (int, error) {
	if r.octets == 0 {
		close(r.stuck)
		<-r.proceed
		return 0, io.EOF
	}
	n := min(len(b), r.octets)
	r.octets -= n
	return n, nil
}

// TestCancelStuckReader: a blocked reader of a message does not prevent ctx or Close from ending the call.
func TestCancelStuckReader(t *testing.T) {
	for _, size := range []int64{100, 1 << 20} {
		for name, end := range map[string]func(c *imap.Client, cancel context.CancelCauseFunc){
			"ctx":   func(c *imap.Client, cancel context.CancelCauseFunc) { cancel(testkit.ErrGone) },
			"Close": func(c *imap.Client, cancel context.CancelCauseFunc) { c.Close() },
		} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				c, _ := dialTCP(t, nil)
				r := newStuckReader(int(size) / 2)
				defer close(r.proceed)
				ctx, cancel := context.WithCancelCause(testkit.Context(t))
				defer cancel(nil)
				go func() {
					<-r.stuck
					end(c, cancel)
				}()
				_, err := c.Append(ctx, "a", imap.Literal{R: r, Size: size}, nil)
				if name == "ctx" {
					require.ErrorIs(t, err, testkit.ErrGone)
				}
				require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
				require.Error(t, err)
			})
		}
	}
}

// TestCancelUploadUnderWay: an upload that makes progress ends with ctx too, whatever the kind of reader.
func TestCancelUploadUnderWay(t *testing.T) {
	large := bytes.Repeat([]byte{'a'}, 64<<20)
	for name, literal := range map[string]imap.Literal{
		"reader": {R: testkit.EndlessReader{}, Size: 1 << 50},
		"memory": {R: bytes.NewReader(large), Size: int64(len(large))},
		"bytes":  imap.LiteralBytes(large),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := imaptest.Pipe()
				defer far.Close()
				ctx, cancel := context.WithCancelCause(t.Context())
				taken := make(chan int64, 1)
				go func() {
					io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n")
					io.CopyN(io.Discard, far, 1<<20)
					cancel(testkit.ErrGone)
					n, _ := io.Copy(io.Discard, far)
					taken <- n
				}()
				c, err := imap.NewClient(t.Context(), near, nil)
				require.NoError(t, err)
				_, err = c.Append(ctx, "a", literal, nil)
				require.ErrorIs(t, err, testkit.ErrGone)
				require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
				require.Less(t, <-taken, int64(32<<20))
			})
		})
	}
}

// TestCancelSynchronizingLiteral: ctx ends the call while the server has not answered the literal. The server then waits
// for bytes that are never sent, so the connection is closed.
func TestCancelSynchronizingLiteral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.Offering(t, "", "C: $ APPEND a {3}\nSTALL")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() {
			_, err := c.Append(ctx, "a", imap.LiteralString("abc"), nil)
			done <- err
		}()
		synctest.Wait()
		cancel(testkit.ErrGone)
		start := time.Now()
		require.ErrorIs(t, <-done, testkit.ErrGone)
		require.Zero(t, time.Since(start))
		_, err := c.NetConn().Write([]byte("x"))
		require.Error(t, err, "the connection is closed")
		require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	})
}

// TestCancelAffectsOnlyItsOwnCall: if a cancelled call closes the connection, other calls do not report that they were
// cancelled.
func TestCancelAffectsOnlyItsOwnCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.Offering(t, "LITERAL+", "C: $ NOOP\nC: $ NOOP\nC: $ NOOP\nC: $ NOOP\nSTALL")
		ctx, cancel := context.WithCancelCause(t.Context())
		r := newStuckReader(10)
		defer close(r.proceed)
		p := c.Pipeline()
		var upload error
		noops := make([]error, 4) // one of them reads, the others wait
		for i := range noops {
			p.Go(func(c *imap.Client) error { noops[i] = c.Noop(context.Background()); return nil })
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			p.Go(func(c *imap.Client) error {
				_, upload = c.Append(ctx, "a", imap.Literal{R: r, Size: 1 << 20}, nil)
				return nil
			})
		})
		<-r.stuck
		cancel(testkit.ErrGone)
		wg.Wait()
		require.NoError(t, p.Wait())
		require.ErrorIs(t, upload, testkit.ErrGone)
		for _, err := range noops {
			require.ErrorIs(t, err, imap.ErrClosed)
			require.NotErrorIs(t, err, testkit.ErrGone)
		}
	})
}

// TestUploadTimeout: a server that does not read is given up after Timeout, even if the connection was idle for longer
// before, and if the server closed its side.
func TestUploadTimeout(t *testing.T) {
	for name, before := range map[string]func(far *imaptest.PipeConn){
		"at rest":     func(*imaptest.PipeConn) { time.Sleep(time.Hour) },
		"half closed": func(far *imaptest.PipeConn) { far.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := imaptest.Pipe()
				defer far.Close()
				io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n")
				c, err := imap.NewClient(t.Context(), near, nil)
				require.NoError(t, err)
				before(far)
				start := time.Now()
				_, err = c.Append(t.Context(), "a", imap.Literal{R: testkit.EndlessReader{}, Size: 1 << 30}, nil)
				require.ErrorIs(t, err, imap.ErrClosed)
				if name == "at rest" {
					require.True(t, isTimeout(err), "%v", err)
				}
				require.LessOrEqual(t, time.Since(start), 3*time.Minute)
			})
		})
	}
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// TestErrorsAreDistinguishable: errors.Is and errors.As distinguish the reasons that ended a call.
func TestErrorsAreDistinguishable(t *testing.T) {
	type kinds struct{ closed, ctx, server, local bool }
	for name, test := range map[string]struct {
		script string
		want   kinds
		text   string
	}{
		"lost":             {"C: $ NOOP\nS+: * OK hal\nCLOSE", kinds{closed: true}, "connection lost"},
		"BYE":              {"C: $ NOOP\nS: * BYE [UNAVAILABLE] for maintenance\nCLOSE", kinds{closed: true, server: true}, "for maintenance"},
		"NO":               {"C: $ NOOP\nS: $ NO [INUSE] later", kinds{server: true}, "[INUSE] later"},
		"BAD":              {"C: $ NOOP\nS: $ BAD what", kinds{server: true}, "BAD what"},
		"ctx":              {"C: $ NOOP\nSTALL", kinds{ctx: true}, testkit.ErrGone.Error()},
		"local":            {"", kinds{local: true}, "not an atom"},
		"text, then close": {"C: $ NOOP\nS: Server Unavailable. 15\nCLOSE", kinds{closed: true, server: true}, "Server Unavailable. 15"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.Offering(t, "", test.script)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(testkit.ErrGone) })
				var err error
				if test.want.local {
					_, err = c.Do(ctx, "X\r\nY")
				} else {
					err = c.Noop(ctx)
				}
				_, server := errors.AsType[*imap.Error](err)
				got := kinds{errors.Is(err, imap.ErrClosed), errors.Is(err, testkit.ErrGone), server, imap.SafeToRetry(err)}
				assert.Equal(t, test.want, got)
				assert.ErrorContains(t, err, test.text)
				cancel(nil)
			})
		})
	}
}

// TestByeDuringUpload: the server's reason is reported even if it arrived while the client was sending.
func TestByeDuringUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := answeredWhileSending(t, "* BYE [OVERQUOTA] the disk is full\r\n")
		e, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, &imap.Error{Command: "APPEND", Status: "BYE", Code: imap.CodeOverQuota, Text: "the disk is full"}, e)
		require.False(t, imap.SafeToRetry(err))
	})
}

// answeredWhileSending appends a message to a server that answers in the middle of it and closes.
func answeredWhileSending(t *testing.T, says string) (*imap.Client, error) {
	t.Helper()
	near, far := imaptest.Pipe()
	far.SetLimit(10_000)
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n")
		io.CopyN(io.Discard, far, 100_000)
		io.WriteString(far, says)
		far.Close()
	}()
	c, err := imap.NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	_, err = c.Append(t.Context(), "a", imap.Literal{R: testkit.EndlessReader{}, Size: 1 << 30}, nil)
	return c, err
}

// TestAnsweredWhileSending: a server that refuses a message during its transfer, and closes, has answered.
func TestAnsweredWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := answeredWhileSending(t, "A1 NO [TOOBIG] not that much\r\n")
		require.Equal(t, imap.Code("TOOBIG"), imap.CodeOf(err), "%v", err)
		require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	})
}
