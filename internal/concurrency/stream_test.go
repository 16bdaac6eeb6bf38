package concurrency_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
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

// besideStream plays a FetchStream of one message in a pipeline, runs the test in the body of its loop, and then expects
// the following commands.
func besideStream(t *testing.T, follow []string, before func(t *testing.T, p *imap.Pipeline), body func(t *testing.T, outer, inner *imap.Client, p *imap.Pipeline)) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (UID 1 BODY[] {4}\r\ntext)")
			time.Sleep(time.Minute)
			h.Send("%s OK done", tag)
			for _, want := range follow {
				h.Send("%s OK done", h.Line(want))
			}
			h.OK()
		})
		p := c.Pipeline()
		entered := make(chan struct{})
		p.Go(func(inner *imap.Client) error {
			for m, err := range inner.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
				if err != nil {
					return err
				}
				close(entered)
				synctest.Wait() // what before has begun waits by now
				body(t, c, inner, p)
				for b, err := range m.Bodies() {
					if err != nil {
						return err
					}
					text, err := io.ReadAll(b)
					assert.NoError(t, err)
					assert.Equal(t, "text", string(text))
				}
			}
			return nil
		})
		<-entered
		before(t, p)
		require.NoError(t, p.Wait())
		require.NoError(t, c.Noop(t.Context()))
	})
}

func requireBusy(t *testing.T, err error) {
	t.Helper()
	assert.ErrorIs(t, err, imap.ErrBusy)
	assert.True(t, imap.SafeToRetry(err))
}

func nothing(*testing.T, *imap.Pipeline) {}

// TestGoInFetchStream: calls that the loop body adds to its own pipeline run after the loop, in order.
func TestGoInFetchStream(t *testing.T) {
	besideStream(t, []string{"CHECK", "EXPUNGE", "UNSELECT", "NOOP"}, nothing, func(t *testing.T, _, _ *imap.Client, p *imap.Pipeline) {
		ctx := t.Context()
		p.Go(func(c *imap.Client) error { time.Sleep(time.Second); return c.Check(ctx) })
		p.Go(func(c *imap.Client) error {
			within := c.Pipeline()
			within.Go(func(c *imap.Client) error { return nil })
			within.Go(func(c *imap.Client) error { _, err := c.Expunge(ctx); return err })
			return within.Wait()
		})
		p.Go(func(c *imap.Client) error { return c.Unselect(ctx) })
		p.Go(func(c *imap.Client) error { return nil })
		p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	})
}

// TestGoInFetchStreamGivenUp: an added call ends with its own ctx.
func TestGoInFetchStreamGivenUp(t *testing.T) {
	besideStream(t, []string{"NOOP"}, nothing, func(t *testing.T, _, _ *imap.Client, p *imap.Pipeline) {
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
		for range 2 { // the first waits for the loop, the second for the first
			p.Go(func(c *imap.Client) error {
				began := time.Now()
				err := c.Check(short)
				assert.ErrorIs(t, err, testkit.ErrGone)
				assert.True(t, imap.SafeToRetry(err))
				assert.Equal(t, time.Second, time.Since(began))
				return nil
			})
		}
		p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
		time.Sleep(2 * time.Second)
		cancel()
	})
}

// TestCommandsInFetchStreamOfPipeline: a command of the body fails at once, through whichever client, even while another
// call of the pipeline waits for the loop.
func TestCommandsInFetchStreamOfPipeline(t *testing.T) {
	one := func(t *testing.T, p *imap.Pipeline) { p.Go(func(c *imap.Client) error { return c.Check(t.Context()) }) }
	for name, before := range map[string]func(*testing.T, *imap.Pipeline){"alone": nothing, "another waits": one} {
		t.Run(name, func(t *testing.T) {
			follow := map[string][]string{"another waits": {"CHECK"}}[name]
			besideStream(t, follow, before, func(t *testing.T, outer, inner *imap.Client, _ *imap.Pipeline) {
				for _, c := range []*imap.Client{outer, inner} {
					requireBusy(t, c.Noop(t.Context()))
					_, err := testkit.EventsOf(c.Idle(t.Context(), nil), 1)
					requireBusy(t, err)
					p := c.Pipeline()
					p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
					requireBusy(t, p.Wait())
				}
			})
		})
	}
}

// TestIdleAfterFetchStream: an Idle in another call of the pipeline waits for the loop too, as do the calls in a pipeline
// of that call.
func TestIdleAfterFetchStream(t *testing.T) {
	besideStream(t, []string{"NOOP"}, func(t *testing.T, p *imap.Pipeline) {
		p.Go(func(c *imap.Client) error {
			inner := c.Pipeline()
			inner.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
			for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
				assert.NoError(t, err)
			}
			return inner.Wait()
		})
	}, func(*testing.T, *imap.Client, *imap.Client, *imap.Pipeline) { time.Sleep(5 * time.Minute) })
}

// TestPipelineAroundFetchStream: the loop runs in a pipeline of a call, and another call of the outer pipeline waits for
// it.
func TestPipelineAroundFetchStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (UID 1 BODY[] {4}\r\ntext)\r\n%s OK done", tag)
			h.OK()
		})
		p := c.Pipeline()
		entered := make(chan struct{})
		began := time.Now()
		p.Go(func(outer *imap.Client) error {
			inner := outer.Pipeline()
			inner.Go(func(c *imap.Client) error {
				for _, err := range c.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
					if err != nil {
						return err
					}
					close(entered)
					time.Sleep(time.Minute)
				}
				return nil
			})
			return inner.Wait()
		})
		assert.Zero(t, time.Since(began), "the first command of the call is that of the call within")
		<-entered
		p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
		require.NoError(t, p.Wait())
	})
}

// TestStreamsOfManyCalls: loops of several calls run one after the other, whichever call adds them.
func TestStreamsOfManyCalls(t *testing.T) {
	ctx := testkit.Context(t)
	c, _ := testkit.Filled(t, 10)
	p := c.Pipeline()
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 5 {
				p.Go(func(c *imap.Client) error {
					for range c.FetchStream(ctx, imap.UIDs(1), imap.Section{}) {
						p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
					}
					return testkit.StreamTwo(ctx, c)
				})
			}
		})
	}
	callers.Wait()
	require.NoError(t, p.Wait())
}

// TestCloseDuringFetchStream: Close wakes a call that waits for a loop, before the loop has ended.
func TestCloseDuringFetchStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Line("UID FETCH 1 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (UID 1 BODY[] {4}\r\ntext)")
		})
		p := c.Pipeline()
		woken := make(chan struct{})
		p.Go(func(inner *imap.Client) error {
			for _, err := range inner.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
				if err != nil {
					return err
				}
				p.Go(func(c *imap.Client) error {
					defer close(woken)
					assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
					return nil
				})
				synctest.Wait()
				assert.NoError(t, c.Close())
				<-woken
			}
			return nil
		})
		assert.ErrorIs(t, p.Wait(), imap.ErrClosed)
	})
}

// noops pipelines n NOOPs and returns the error of each.
func noops(t *testing.T, c *imap.Client, n int) []error {
	t.Helper()
	p := c.Pipeline()
	errs := make([]error, n)
	for i := range errs {
		p.Go(func(c *imap.Client) error { errs[i] = c.Noop(testkit.Context(t)); return nil })
	}
	require.NoError(t, p.Wait())
	return errs
}

// TestLostConnectionFailsAllCalls: when the connection is lost all calls of a pipeline return the error, not only the one that
// reads.
func TestLostConnectionFailsAllCalls(t *testing.T) {
	c := testkit.LoggedIn(t, strings.Repeat("C: $ NOOP\n", 5)+"S: * 3 EXISTS\nCLOSE\n")
	for _, err := range noops(t, c, 5) {
		require.ErrorIs(t, err, imap.ErrClosed)
		require.False(t, imap.SafeToRetry(err))
	}
}

// lastRead is a connection whose last Read returns data and an error, as io.Reader allows.
type lastRead struct {
	net.Conn
	text  string
	reads int // behind the end
}

func (c *lastRead) Read(b []byte) (int, error) {
	if c.text == "" {
		c.reads++
		return 0, io.EOF
	}
	n := copy(b, c.text)
	if c.text = c.text[n:]; c.text == "" {
		return n, io.EOF
	}
	return n, nil
}

// TestDataWithError: data returned with an error counts, and nothing is read afterwards.
func TestDataWithError(t *testing.T) {
	near, far := imaptest.Pipe()
	defer far.Close()
	conn := &lastRead{Conn: near, text: "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 3 EXISTS\r\nA1 OK done\r\nA2 OK done\r\n"}
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	assert.Zero(t, conn.reads)
}

// TestLiteralsTogether: MaxLiteral limits all literals of a response together.
func TestLiteralsTogether(t *testing.T) {
	c := testkit.DialPeer(t, &imap.Options{MaxLiteral: 8192}, func(h *testkit.Peer) {
		h.Line("")
		body := strings.Repeat("x", 5000)
		h.Send("* 1 FETCH (UID 1 BODY[1] {5000}\r\n%s BODY[2] {5000}\r\n%s)", body, body)
		h.In.ReadString('\n')
	})
	_, err := c.FetchOne(testkit.Context(t), 1, imap.Section{Part: []int{1}}, imap.Section{Part: []int{2}})
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "MaxLiteral", limit.Name)
}

// TestReaderIsReleased: nothing is retained of a call that sent a message from a reader, nor of one that was refused.
func TestReaderIsReleased(t *testing.T) {
	testkit.LeftBehind(t, func() {
		c := testkit.Offering(t, "", "C: $ APPEND a {5}\nS: + go\nC: hello\nS: $ OK done\nC: $ APPEND a {5}\nS: $ NO no\n")
		for i := range 2 {
			r := io.LimitReader(strings.NewReader("hello"), 100)
			_, err := c.Append(testkit.Context(t), "a", imap.Literal{R: r, Size: 5}, nil)
			require.Equal(t, i == 1, err != nil, "%v", err)
		}
		c.Close()
	})
}

// TestTooDeep: MaxDepth limits nesting, and affects only the nested value.
func TestTooDeep(t *testing.T) {
	deep := func(n int) string {
		return strings.Repeat("(", n) + `"a" "b" NIL NIL NIL "7bit" 1` + strings.Repeat(` "mixed")`, n)
	}
	c := testkit.Selected(t, "\nC: $ UID FETCH 1:2 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 1 BODYSTRUCTURE "+deep(20)+
		")\nS: * 2 FETCH (UID 2 BODYSTRUCTURE "+deep(200)+")\nS: $ OK\n"+testkit.OnlyNoop)
	rows := map[imap.UID]error{}
	for m, err := range c.Fetch(context.Background(), imap.UIDRange(1, 2), imap.FetchBodyStructure) {
		require.NotNil(t, m, "%v", err)
		rows[m.UID] = err
	}
	require.NoError(t, rows[1])
	require.Error(t, rows[2])
	testkit.RequireNothingSent(t, c)
}

// TestByeReachesAllCalls: the text of a BYE is the error of all waiting calls.
func TestByeReachesAllCalls(t *testing.T) {
	c := testkit.LoggedIn(t, strings.Repeat("C: $ NOOP\n", 5)+"S: * BYE [UNAVAILABLE] for maintenance\nCLOSE\n")
	for _, err := range noops(t, c, 5) {
		require.Equal(t, imap.Code("UNAVAILABLE"), imap.CodeOf(err), "%v", err)
	}
}
