package imap_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// besideStream plays a FetchStream of one message in a pipeline, with what the test does in the body of its loop, and then
// the commands that have to follow it on the wire.
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

// TestGoInFetchStream: calls that the loop body adds to its own pipeline run behind the loop, in their order.
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

// TestGoInFetchStreamGivenUp: what was added ends with its own ctx.
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

// TestCommandsInFetchStreamOfPipeline: a command of the body fails at once, through whichever client, also while another
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

// TestIdleBehindFetchStream: an Idle in another call of the pipeline waits for the loop too, as does what is in a pipeline
// of that call.
func TestIdleBehindFetchStream(t *testing.T) {
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

// TestPipelineAroundFetchStream: the loop runs in a pipeline of a call, and another call of the pipeline around that waits
// for it.
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

// TestStreamsOfManyCalls: loops of several calls run one after the other, whoever adds them.
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

// TestCloseBesideFetchStream: Close wakes a call that waits for a loop, before the loop has ended.
func TestCloseBesideFetchStream(t *testing.T) {
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
