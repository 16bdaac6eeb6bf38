package concurrency_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQueued: queued commands run in order with the calls of Go, and have results after Wait.
func TestQueued(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ NOOP
		C: $ STATUS a (MESSAGES)
		C: $ CHECK
		C: $ STATUS b (MESSAGES)
		C: $ STATUS c (MESSAGES)
		S: * STATUS b (MESSAGES 2)
		S: $5 OK
		S: $2 OK
		S: $4 OK
		S: * STATUS a (MESSAGES 1)
		S: $6 NO [NONEXISTENT] no
		S: $3 OK
		C: $ NOOP
		S: $ BAD not now
		C: $ NOOP
		S: $ OK
	`)
	ctx := context.Background()
	p := c.Pipeline()
	p.Noop(ctx)
	a := p.Status(ctx, "a", imap.StatusMessages)
	p.Go(func(c *imap.Client) error { return c.Check(ctx) })
	b := p.Status(ctx, "b", imap.StatusMessages)
	none := p.Status(ctx, "c", imap.StatusMessages)
	_, err := b.Result()
	assert.Error(t, err, "before Wait")
	err = p.Wait()
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(err), "%v", err)
	for want, pending := range map[uint32]*imap.Pending[*imap.Status]{1: a, 2: b} {
		st, err := pending.Result()
		require.NoError(t, err)
		assert.EqualValues(t, want, *st.Messages)
	}
	_, err = none.Result()
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(err), "%v", err)
	p.Noop(ctx)
	assert.Error(t, p.Wait())
	p.Noop(ctx)
	assert.NoError(t, p.Wait())
	assert.NoError(t, p.Wait(), "nothing is left")
}

// TestQueuedAsksForCapabilities: a queued STATUS requests the capabilities if the server has not sent them, as any other call.
func TestQueuedAsksForCapabilities(t *testing.T) {
	near, far := imaptest.Pipe()
	t.Cleanup(func() { far.Close() })
	go imaptest.Script(t, far, `
		S: * PREAUTH hi
		C: $ CAPABILITY
		S: * CAPABILITY IMAP4rev1 CONDSTORE
		S: $ OK done
		C: $ STATUS a (HIGHESTMODSEQ)
		S: * STATUS a (HIGHESTMODSEQ 7)
		S: $ OK done
	`)
	c, err := imap.NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	p := c.Pipeline()
	got := p.Status(context.Background(), "a", imap.StatusHighestModSeq)
	require.NoError(t, p.Wait())
	s, err := got.Result()
	require.NoError(t, err)
	require.EqualValues(t, 7, *s.HighestModSeq)
}

// TestQueuedNotSent: Wait returns the error of a command that cannot be sent, and later commands are not affected.
func TestQueuedNotSent(t *testing.T) {
	c := testkit.Selected(t, testkit.OnlyNoop)
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(testkit.ErrGone)
	p := c.Pipeline()
	bad := p.Status(context.Background(), "a\x00b")
	late := p.Status(gone, "a")
	err := p.Wait()
	assert.ErrorIs(t, err, testkit.ErrGone)
	_, err = bad.Result()
	assert.Error(t, err)
	assert.True(t, imap.SafeToRetry(err))
	_, err = late.Result()
	assert.ErrorIs(t, err, testkit.ErrGone)
	testkit.RequireNothingSent(t, c)
}

// TestQueuedGuessedTag: a line that starts with the tag of an unsent command ends the connection, even if the line is not
// a valid response.
func TestQueuedGuessedTag(t *testing.T) {
	for _, line := range []string{"OK done", "rubbish"} {
		synctest.Test(t, func(t *testing.T) {
			came := make(chan struct{})
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				n, err := strconv.Atoi(tag[1:])
				require.NoError(t, err)
				close(came)
				h.Conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
				h.In.Peek(1)
				h.Conn.SetReadDeadline(time.Time{})
				h.In.Reset(h.Conn)
				h.Send("A%d %s", n+1, line)
				time.Sleep(20 * time.Microsecond)
				h.Send("%s OK done", tag)
				h.Drain()
			})
			ctx := testkit.Context(t)
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
			<-came
			p.Noop(context.Background())
			time.Sleep(10 * time.Microsecond)
			assert.ErrorContains(t, p.Wait(), "not sent yet", "%s", line)
			assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed, "%s", line)
		})
	}
}

// TestQueuedGivenUp: the end of its ctx ends a queued command if the server does not answer.
func TestQueuedGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Line("NOOP")
			h.In.ReadString('\n')
		})
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
		defer cancel()
		began := time.Now()
		p := c.Pipeline()
		p.Noop(short)
		assert.ErrorIs(t, p.Wait(), testkit.ErrGone)
		assert.Equal(t, time.Second, time.Since(began))
		c.Close()
	})
}

// TestQueuedBarriers: queued commands wait for commands that change the state, and the other way round.
func TestQueuedBarriers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Barriers([]bool{false, true, true, false})
			h.OK()
		})
		ctx := context.Background()
		p := c.Pipeline()
		p.Noop(ctx)
		p.Noop(ctx)
		p.Go(func(c *imap.Client) error { _, err := c.Select(ctx, "a", nil); return err })
		p.Noop(ctx)
		p.Noop(ctx)
		require.NoError(t, p.Wait())
	})
}

// TestQueuedInFetchStream: a command queued in the body of a loop runs after the loop.
func TestQueuedInFetchStream(t *testing.T) {
	besideStream(t, []string{"NOOP", "STATUS a (MESSAGES)", "CHECK"}, nothing, func(t *testing.T, _, _ *imap.Client, p *imap.Pipeline) {
		p.Noop(context.Background())
		p.Status(context.Background(), "a", imap.StatusMessages)
		p.Go(func(c *imap.Client) error { return c.Check(t.Context()) })
	})
}

// TestQueuedLeavesByItself: queued commands are sent without a call to Wait, and do not block other calls.
func TestQueuedLeavesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		came := make(chan struct{})
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			close(came)
			h.Send("%s OK done", tag)
			h.Send("%s OK done", h.Line("CHECK"))
			h.OK()
		})
		p := c.Pipeline()
		p.Noop(context.Background())
		<-came
		require.NoError(t, c.Check(t.Context()))
		require.NoError(t, p.Wait())
	})
}

// TestQueuedWithin: the first command of a call may be one that it queues in a pipeline of its own.
func TestQueuedWithin(t *testing.T) {
	ctx := context.Background()
	c := testkit.Selected(t, "C: $ NOOP\nC: $ CHECK\nS: $2 OK\nS: $3 OK\n"+testkit.OnlyNoop)
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		inner := c.Pipeline()
		inner.Noop(ctx)
		return inner.Wait()
	})
	p.Go(func(c *imap.Client) error { return c.Check(ctx) })
	require.NoError(t, p.Wait())
	testkit.RequireNothingSent(t, c)
}

// TestQueuedBusy: a queued command that Wait gives up is not used again while its answer is read.
func TestQueuedBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rows = 10 << 10, 100
		c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 100 << 10}, func(h *testkit.Peer) {
			fetch, noop := h.Line("UID FETCH 1:* (UID BODY.PEEK[])"), h.Line("NOOP")
			for i := range rows {
				h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, size, strings.Repeat("x", size))
			}
			h.Send("%s OK done\r\n%s OK done", noop, fetch)
			h.OK()
		})
		ctx := testkit.Context(t)
		p := c.Pipeline()
		goOn := make(chan struct{})
		p.Go(func(c *imap.Client) error {
			n := 0
			for _, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.Section{}) {
				if err != nil {
					return err
				}
				if n++; n == 1 {
					<-goOn
				}
			}
			return nil
		})
		p.Noop(context.Background())
		time.AfterFunc(time.Second, func() { close(goOn) }) // when Wait has given up the command
		assert.ErrorIs(t, p.Wait(), imap.ErrBusy)
		require.NoError(t, c.Noop(ctx))
	})
}

// TestQueuedTwoWaits: two concurrent calls of Wait both return after the results are available.
func TestQueuedTwoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("STATUS a (MESSAGES)")
			time.Sleep(time.Second)
			h.Send("* STATUS a (MESSAGES 1)\r\n%s OK done", tag)
		})
		p := c.Pipeline()
		a := p.Status(context.Background(), "a", imap.StatusMessages)
		go p.Wait()
		synctest.Wait()
		require.NoError(t, p.Wait())
		_, err := a.Result()
		require.NoError(t, err)
	})
}

// TestQueuedCut: if the connection ends at any byte, every command has a result or an error, and Wait returns.
func TestQueuedCut(t *testing.T) {
	var answer strings.Builder
	const commands = 6
	for i := range commands {
		fmt.Fprintf(&answer, "* STATUS m%d (MESSAGES %d)\r\nA%d OK done\r\n", i, i, i+1)
	}
	for cut := range answer.Len() {
		near, far := imaptest.Pipe()
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE] hi\r\n")
			buf, lines := make([]byte, 1<<10), 0
			for lines < commands {
				n, err := far.Read(buf)
				if lines += strings.Count(string(buf[:n]), "\n"); err != nil {
					break
				}
			}
			io.WriteString(far, answer.String()[:cut])
			far.Close()
		}()
		c, err := imap.NewClient(t.Context(), near, nil)
		require.NoError(t, err)
		p := c.Pipeline()
		var all [commands]*imap.Pending[*imap.Status]
		for i := range all {
			all[i] = p.Status(context.Background(), fmt.Sprint("m", i), imap.StatusMessages)
		}
		require.ErrorIs(t, p.Wait(), imap.ErrClosed, "cut at %d", cut)
		ended := strings.Count(answer.String()[:cut], "done\r\n")
		for i, pending := range all {
			st, err := pending.Result()
			if i >= ended {
				require.ErrorIs(t, err, imap.ErrClosed, "cut at %d", cut)
				continue
			}
			require.NoError(t, err, "cut at %d", cut)
			require.EqualValues(t, i, *st.Messages)
		}
		c.Close()
	}
}

// TestQueuedStorm: many goroutines queue, call, cancel and wait on one connection, with their own pipelines and a shared one,
// until the connection is closed. No command gets the answer of another, and nothing hangs.
func TestQueuedStorm(t *testing.T) {
	c, _ := testkit.Filled(t, 5)
	ctx := testkit.Context(t)
	const boxes = 7
	for i := range boxes {
		require.NoError(t, c.Create(ctx, fmt.Sprint("box", i), nil))
	}
	var closing atomic.Bool
	shared := c.Pipeline()
	storm := func(seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		own := c.Pipeline()
		for range 60 {
			p := own
			if r.IntN(3) == 0 {
				p = shared
			}
			var pending []*imap.Pending[*imap.Status]
			var names []string
			for range r.IntN(70) {
				name := fmt.Sprint("box", r.IntN(boxes))
				switch r.IntN(6) {
				case 0, 1:
					p.Noop(context.Background())
				case 2:
					names, pending = append(names, name), append(pending, own.Status(context.Background(), name))
				case 3:
					short, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(300))*time.Microsecond)
					own.Noop(short)
					defer cancel()
				case 4:
					own.Go(func(c *imap.Client) error {
						inner := c.Pipeline()
						inner.Noop(context.Background())
						st, err := c.Status(ctx, name)
						assert.True(t, err != nil || st.Mailbox == name)
						return errors.Join(err, inner.Wait())
					})
				default:
					if err := c.Noop(ctx); err != nil && !closing.Load() {
						assert.NoError(t, err)
					}
				}
			}
			err := own.Wait()
			assert.True(t, err == nil || closing.Load() || errors.Is(err, context.DeadlineExceeded), "%v", err)
			for i, one := range pending {
				st, err := one.Result()
				assert.True(t, err == nil && st.Mailbox == names[i] || closing.Load(), "%v", err)
			}
			if r.IntN(4) == 0 {
				err := shared.Wait()
				assert.True(t, err == nil || closing.Load(), "%v", err)
			}
		}
	}
	var all sync.WaitGroup
	for seed := range uint64(6) {
		all.Go(func() { storm(seed) })
	}
	all.Go(func() {
		time.Sleep(300 * time.Millisecond)
		closing.Store(true)
		c.Close()
	})
	all.Wait()
	shared.Wait()
}

// TestPendingBefore: Result may be called before Wait, while the answer comes.
func TestPendingBefore(t *testing.T) {
	for name, ctx := range map[string]context.Context{"a ctx with an end": testkit.Context(t), "one without": context.Background()} {
		t.Run(name, func(t *testing.T) {
			c, _ := testkit.Filled(t, 1)
			for range 100 {
				p := c.Pipeline()
				r := p.Status(ctx, "other", imap.StatusMessages)
				for began := time.Now(); time.Since(began) < time.Millisecond; {
					if st, err := r.Result(); err == nil {
						assert.EqualValues(t, 0, *st.Messages)
					}
				}
				require.NoError(t, p.Wait())
				st, err := r.Result()
				require.NoError(t, err)
				assert.Equal(t, "other", st.Mailbox)
			}
		})
	}
	st, err := new(imap.Pending[*imap.Status]).Result()
	assert.Nil(t, st)
	assert.Error(t, err)
}

// TestQueuedEndedBeforeWait: Wait returns the errors also of commands that it has not waited for, and their results are kept.
func TestQueuedEndedBeforeWait(t *testing.T) {
	const many = 100
	c := testkit.FollowWith(t, &imap.Options{MaxPipelined: 1}, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\n"+
		"C: $ STATUS a (MESSAGES)\nS: $ NO [NONEXISTENT] no\nC: $ STATUS b (MESSAGES)\nS: * STATUS b (MESSAGES 2)\nS: $ OK done\n"+
		strings.Repeat("C: $ NOOP\nS: $ OK done\n", many))
	ctx := context.Background()
	p := c.Pipeline()
	none, b := p.Status(ctx, "a", imap.StatusMessages), p.Status(ctx, "b", imap.StatusMessages)
	for range many {
		p.Noop(ctx)
	}
	st, err := b.Result()
	require.NoError(t, err)
	assert.EqualValues(t, 2, *st.Messages)
	err = p.Wait()
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(err), "%v", err)
	_, err = none.Result()
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(err), "%v", err)
	require.NoError(t, p.Wait())
}

// TestCollectedAtTheEnd: a loop of a pipeline gets the rows and the reason that came before the connection ended, also if a
// command was collected then, but not sent.
func TestCollectedAtTheEnd(t *testing.T) {
	for range 20 { // what Wait does with the collected command is not determined
		synctest.Test(t, func(t *testing.T) {
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				h.Line("UID FETCH 1:3 (UID FLAGS)")
				h.Send("* 1 FETCH (UID 1 FLAGS ())")
				h.Line("CHECK")
				time.Sleep(time.Second)
				h.Send("* 2 FETCH (UID 2 FLAGS ())\r\n* BYE gone")
			})
			p := c.Pipeline()
			var got []imap.UID
			p.Go(func(c *imap.Client) error {
				for m, err := range c.Fetch(t.Context(), imap.UIDRange(1, 3), imap.FetchFlags) {
					if err != nil {
						return err
					}
					if got = append(got, m.UID); m.UID == 1 {
						time.Sleep(time.Minute)
					}
				}
				return nil
			})
			p.Go(func(c *imap.Client) error { return c.Check(t.Context()) })
			time.Sleep(time.Second)
			p.Go(func(c *imap.Client) error { return c.Noop(t.Context()) })
			time.Sleep(time.Second)
			require.ErrorContains(t, p.Wait(), "UID FETCH: BYE gone")
			require.Equal(t, []imap.UID{1, 2}, got)
		})
	}
}
