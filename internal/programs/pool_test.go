package programs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	pipe "github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// pooled runs a test in a synctest bubble, with a server of two mailboxes and a pool that is closed at the end.
func pooled(t *testing.T, opts *imaptest.Options, f func(t *testing.T, srv *imaptest.Server, p *imap.Pool)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, opts)
		srv.Create("Other", "")
		for i := range 5 {
			srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint("message ", i+1)})
			srv.Deliver("Other", imaptest.Message{Subject: fmt.Sprint("other ", i+1)})
		}
		p := &imap.Pool{Dial: dialer(srv)}
		f(t, srv, p)
		require.Zero(t, p.Stats().InUse)
		require.NoError(t, p.Close())
		require.Zero(t, p.Stats().Open)
	})
}

// count returns how many commands with that prefix were sent.
func count(srv *imaptest.Server, command string) int {
	n := 0
	for _, c := range srv.Commands() {
		if strings.HasPrefix(c, command) {
			n++
		}
	}
	return n
}

func get(t *testing.T, p *imap.Pool, mailbox string) *imap.Client {
	t.Helper()
	c, err := p.Get(t.Context(), mailbox)
	require.NoError(t, err)
	return c
}

func TestPoolReuse(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		a, b := get(t, p, "INBOX"), get(t, p, "Other")
		require.Equal(t, imap.PoolStats{Open: 2, InUse: 2}, p.Stats())
		p.Put(b)
		p.Put(a)
		for range 10 {
			c := get(t, p, "Other")
			require.Equal(t, "Other", c.Mailbox().Name)
			p.Put(c)
			c = get(t, p, "INBOX")
			require.Equal(t, "INBOX", c.Mailbox().Name)
			p.Put(c)
			p.Put(get(t, p, ""))
		}
		require.Equal(t, 2, srv.Connections())
		require.Equal(t, 2, count(srv, "SELECT"))
		require.Equal(t, 2, count(srv, "LOGIN"))
		require.Zero(t, count(srv, "NOOP"))
	})
}

func TestPoolReadOnly(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.ReadOnly = true
		c := get(t, p, "INBOX")
		require.True(t, c.Mailbox().ReadOnly)
		p.Put(c)
		require.Zero(t, count(srv, "SELECT"))
	})
}

// TestPoolBound waits for a connection, in order, until ctx ends.
func TestPoolBound(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Max = 2
		a, b := get(t, p, "INBOX"), get(t, p, "INBOX")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := p.Get(ctx, "INBOX")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, p.Stats().Waiting)
		var wg sync.WaitGroup
		var order []int
		var mu sync.Mutex
		for i := range 5 {
			wg.Go(func() {
				c := get(t, p, "INBOX")
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				time.Sleep(time.Second)
				p.Put(c)
			})
			synctest.Wait()
		}
		require.Equal(t, 5, p.Stats().Waiting)
		p.Put(a)
		wg.Wait()
		require.True(t, slices.IsSorted(order), "%v", order)
		p.Put(b)
		require.Equal(t, 2, srv.Connections())
	})
}

// TestPoolIdleConnection checks a connection that was idle for long, and replaces it if it is dead.
func TestPoolIdleConnection(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Put(get(t, p, "INBOX"))
		time.Sleep(10 * time.Second)
		p.Put(get(t, p, "INBOX"))
		require.Zero(t, count(srv, "NOOP"))
		time.Sleep(20 * time.Second)
		p.Put(get(t, p, "INBOX"))
		require.Equal(t, 1, count(srv, "NOOP"))

		srv.DropConnections()
		time.Sleep(20 * time.Second)
		c := get(t, p, "INBOX")
		require.NoError(t, c.Noop(t.Context()))
		p.Put(c)
		require.Equal(t, 2, count(srv, "LOGIN"))

		remove := srv.Inject(imaptest.Fault{Command: "NOOP", Stall: true}) // a dead peer
		defer remove()
		time.Sleep(20 * time.Second)
		begin := time.Now()
		p.Put(get(t, p, "INBOX"))
		require.Equal(t, 10*time.Second, time.Since(begin))
		require.Equal(t, 3, count(srv, "LOGIN"))

		time.Sleep(6 * time.Minute)
		require.Zero(t, p.Stats().Open, "IdleTimeout")
		require.Zero(t, srv.Connections())
		srv.Stop()
		_, err := p.Get(t.Context(), "INBOX")
		require.Error(t, err)
		srv.Restart()
		p.Put(get(t, p, "INBOX"))
	})
}

// TestPoolPutInAnyState puts back connections in all kinds of states.
func TestPoolPutInAnyState(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Max = 1
		for name, leave := range map[string]func(c *imap.Client){
			"another mailbox": func(c *imap.Client) { c.Select(t.Context(), "Other", nil) },
			"read-only":       func(c *imap.Client) { c.Examine(t.Context(), "INBOX", nil) },
			"none":            func(c *imap.Client) { c.Unselect(t.Context()) },
			"a refused mailbox": func(c *imap.Client) {
				_, err := c.Select(t.Context(), "missing", nil)
				require.Error(t, err)
			},
			"a FETCH": func(c *imap.Client) {
				for range c.Fetch(t.Context(), imap.SeqRange(1, 0), imap.Section{}) {
					break
				}
			},
			"an IDLE": func(c *imap.Client) {
				srv.SetFlags("INBOX", 1, fmt.Sprint("k", rand.Int()))
				for range c.Idle(t.Context(), nil) {
					break
				}
			},
			"a cancelled call": func(c *imap.Client) {
				srv.Inject(imaptest.Fault{Command: "NOOP", Delay: time.Second})
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				require.Error(t, c.Noop(ctx))
			},
			"a call that hangs": func(c *imap.Client) {
				srv.Inject(imaptest.Fault{Command: "NOOP", Stall: true})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.Error(t, c.Noop(ctx))
			},
			"logged out":      func(c *imap.Client) { c.Logout(t.Context()) },
			"closed":          func(c *imap.Client) { c.Close() },
			"unauthenticated": func(c *imap.Client) { c.Unauthenticate(t.Context()) },
			"lost":            func(c *imap.Client) { srv.DropConnections(); c.Noop(t.Context()) },
			"events": func(c *imap.Client) {
				srv.Deliver("INBOX", imaptest.Message{})
				require.NoError(t, c.Noop(t.Context()))
			},
		} {
			c := get(t, p, "INBOX")
			leave(c)
			p.Put(c)
			c = get(t, p, "INBOX")
			mb := c.Mailbox()
			require.NotNil(t, mb, name)
			require.Equal(t, "INBOX", mb.Name, name)
			require.False(t, mb.ReadOnly, name)
			require.Empty(t, c.Events(), name)
			m, err := c.FetchOne(t.Context(), 2, imap.FetchEnvelope)
			require.NoError(t, err, name)
			require.Equal(t, "message 2", m.Envelope.Subject, name)
			p.Put(c)
			require.Equal(t, 1, srv.Connections(), name)
		}
	})
}

// TestPoolPut puts back a connection that is not in use, and one twice, while another caller has the connection.
func TestPoolPut(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Max = 1
		p.Put(nil)
		foreign, err := dialer(srv)(t.Context())
		require.NoError(t, err)
		p.Put(foreign)
		require.NoError(t, foreign.Noop(t.Context()))
		foreign.Close()
		a := get(t, p, "INBOX")
		p.Put(a)
		b := get(t, p, "INBOX")
		p.Put(a)
		require.Equal(t, 1, p.Stats().InUse)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Get(ctx, "INBOX")
		require.ErrorIs(t, err, context.DeadlineExceeded, "b has it")
		p.Put(b)
	})
}

// TestPoolNoMailbox returns the error of SELECT, and keeps the connection.
func TestPoolNoMailbox(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		_, err := p.Get(t.Context(), "missing")
		require.Equal(t, imap.CodeNonExistent, imap.CodeOf(err))
		require.Equal(t, imap.PoolStats{Open: 1}, p.Stats())
		p.Put(get(t, p, "INBOX"))
		require.Equal(t, 1, count(srv, "LOGIN"))
	})
}

func TestPoolDialErrors(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		srv.SetPassword("other")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := p.Get(t.Context(), "INBOX")
				require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
			})
		}
		wg.Wait()
		p2 := &imap.Pool{Dial: func(context.Context) (*imap.Client, error) { return nil, nil }}
		_, err := p2.Get(t.Context(), "")
		var state *imap.StateError
		require.ErrorAs(t, err, &state)
	})
}

// proxyAuth changes the user as the deprecated method does.
func proxyAuth(ctx context.Context, c *imap.Client, user string) error {
	_, err := c.Do(ctx, "PROXYAUTH", user)
	return err
}

// TestPoolOtherUser: a connection whose user has changed since Dial is not given to others.
func TestPoolOtherUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		p := &imap.Pool{Dial: func(ctx context.Context) (*imap.Client, error) {
			dials++
			c := testkit.DialPeerGreeting(t, "* PREAUTH [CAPABILITY IMAP4rev1] hello", func(h *testkit.Peer) { h.Drain() })
			return c, proxyAuth(ctx, c, "pool")
		}}
		defer p.Close()
		p.Put(get(t, p, ""))
		c := get(t, p, "")
		require.Equal(t, 1, dials)
		require.NoError(t, proxyAuth(t.Context(), c, "bob"))
		p.Put(c)
		require.Equal(t, imap.LoggedOut, c.State())
		p.Put(get(t, p, ""))
		require.Equal(t, 2, dials)
	})
}

// TestPoolDialEnds: a Dial that ends its goroutine, as t.FailNow does, is an error of the waiting Get, and adds no connection.
func TestPoolDialEnds(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		dial := p.Dial
		p.Dial = func(context.Context) (*imap.Client, error) {
			runtime.Goexit()
			return nil, nil
		}
		_, err := p.Get(t.Context(), "INBOX")
		require.ErrorContains(t, err, "Goexit")
		require.Zero(t, p.Stats())
		p.Dial = dial
		p.Put(get(t, p, "INBOX"))
	})
}

// TestPoolCancelledGet gives a connection that was dialled for a cancelled call to another.
func TestPoolCancelledGet(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		srv.Inject(imaptest.Fault{Command: "LOGIN", Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Get(ctx, "INBOX")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		p.Put(get(t, p, "INBOX"))
		time.Sleep(2 * time.Minute)
		require.LessOrEqual(t, p.Stats().Open, 2)

		// In the middle of SELECT: the connection stays.
		before := count(srv, "LOGIN")
		srv.Inject(imaptest.Fault{Command: "SELECT", Delay: 5 * time.Second})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Get(ctx, "Other")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		c := get(t, p, "INBOX")
		require.Equal(t, "INBOX", c.Mailbox().Name)
		p.Put(c)
		require.Equal(t, before, count(srv, "LOGIN"))
	})
}

// TestPoolClose closes the pool while calls wait, dial and use connections.
func TestPoolClose(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Max = 2
		a := get(t, p, "INBOX")
		srv.Inject(imaptest.Fault{Command: "LOGIN", Stall: true})
		errs := make(chan error, 3)
		for range 3 { // one of them dials
			go func() {
				_, err := p.Get(t.Context(), "INBOX")
				errs <- err
			}()
		}
		synctest.Wait()
		require.NoError(t, p.Close())
		for range 3 {
			require.ErrorIs(t, <-errs, imap.ErrPoolClosed)
		}
		require.NoError(t, a.Noop(t.Context()), "what is in use goes on")
		p.Put(a)
		synctest.Wait()
		require.Zero(t, srv.Connections())
		_, err := p.Get(t.Context(), "INBOX")
		require.ErrorIs(t, err, imap.ErrPoolClosed)
		require.ErrorIs(t, p.Do(t.Context(), "INBOX", nil), imap.ErrPoolClosed)
	})
}

// TestPoolTooMany never has more connections than the server allows, however it reports the limit.
func TestPoolTooMany(t *testing.T) {
	for _, profile := range []imaptest.Profile{"", imaptest.Gmail, imaptest.Dovecot, imaptest.Yahoo, imaptest.ICloud} {
		pooled(t, &imaptest.Options{Profile: profile, MaxConnections: 3}, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
			p.Max = 10
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					c := get(t, p, "INBOX")
					time.Sleep(time.Second)
					require.NoError(t, c.Noop(t.Context()))
					p.Put(c)
				})
			}
			begin := time.Now()
			wg.Wait()
			require.LessOrEqual(t, time.Since(begin), 30*time.Second, profile)
			require.LessOrEqual(t, p.Stats().Open, 3)
			require.Less(t, count(srv, "LOGIN"), 15, "attempts")

			// Others have all connections: the error is returned, and the next call waits.
			var others []*imap.Client
			for {
				c, err := dialer(srv)(t.Context())
				if err != nil {
					break
				}
				others = append(others, c)
			}
			p2 := &imap.Pool{Dial: dialer(srv)}
			_, err := p2.Get(t.Context(), "INBOX")
			require.Error(t, err)
			go func() {
				time.Sleep(10 * time.Second)
				p.Close()
				for _, c := range others {
					c.Close()
				}
			}()
			for begin = time.Now(); ; {
				c, err := p2.Get(t.Context(), "INBOX")
				if err == nil {
					p2.Put(c)
					break
				}
				require.Less(t, time.Since(begin), time.Minute)
			}
			p2.Close()
		})
	}
}

func TestPoolDo(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		calls := 0
		lost := func(sent, times int) error {
			calls = 0
			return p.Do(t.Context(), "INBOX", func(c *imap.Client) error {
				calls++
				for range sent {
					require.NoError(t, c.Noop(t.Context()))
				}
				if calls <= times {
					c.Close()
				}
				return c.Noop(t.Context())
			})
		}
		require.NoError(t, lost(0, 0))
		require.Equal(t, 1, calls)
		require.NoError(t, lost(0, 1))
		require.Equal(t, 2, calls)
		require.ErrorIs(t, lost(0, 9), imap.ErrClosed)
		require.Equal(t, 2, calls)
		require.ErrorIs(t, lost(1, 1), imap.ErrClosed, "a part of it was done")
		require.Equal(t, 1, calls)

		require.Error(t, p.Do(t.Context(), "INBOX", func(c *imap.Client) error { calls++; return errors.New("of its own") }))
		require.Equal(t, 2, calls)
		srv.Inject(imaptest.Fault{Command: "NOOP", Drop: true})
		calls = 0
		require.ErrorIs(t, p.Do(t.Context(), "INBOX", func(c *imap.Client) error { calls++; return c.Noop(t.Context()) }), imap.ErrClosed)
		require.Equal(t, 1, calls, "it may have been carried out")
		require.Panics(t, func() { p.Do(t.Context(), "INBOX", func(*imap.Client) error { panic("of its own") }) })
		require.Zero(t, p.Stats().Open)
	})
}

// TestPoolFaults has 200 goroutines use 5 connections of which one is killed every 100 ms: every call returns its result or
// an error of its own, and nothing is left at the end.
func TestPoolFaults(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Max = 5
		srv.Inject(imaptest.Fault{Command: "FETCH", Delay: 5 * time.Millisecond, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var done, failed atomic.Int64
		most := 0
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
				srv.Inject(imaptest.Fault{Drop: true, After: rand.Int64N(100)})
			}
		})
		for i := range 200 {
			wg.Go(func() {
				mailbox := []string{"INBOX", "Other"}[i%2]
				for ctx.Err() == nil {
					call, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(2000))*time.Millisecond)
					uid := imap.UID(1 + rand.IntN(5))
					err := p.Do(call, mailbox, func(c *imap.Client) error {
						if got := c.Mailbox(); got != nil && got.Name != mailbox {
							return fmt.Errorf("it is %s", got.Name)
						}
						m, err := c.FetchOne(call, uid, imap.FetchEnvelope)
						word := map[string]string{"INBOX": "message ", "Other": "other "}[mailbox]
						if err == nil && (m.UID != uid || m.Envelope.Subject != fmt.Sprint(word, uid)) {
							return errors.New("the answer to another")
						}
						return err
					})
					cancel()
					switch {
					case err == nil:
						done.Add(1)
					case errors.Is(err, imap.ErrClosed), errors.Is(err, context.DeadlineExceeded):
						failed.Add(1)
					default:
						require.NoError(t, err)
					}
				}
			})
		}
		for ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
			most = max(most, srv.Connections())
		}
		wg.Wait()
		require.LessOrEqual(t, most, 5)
		require.Greater(t, done.Load(), int64(1000))
		require.Greater(t, failed.Load(), int64(20))
		t.Logf("%d calls ended well, %d with an error of their own, %d connections were made", done.Load(), failed.Load(), count(srv, "LOGIN"))
	})
}

// TestPoolDisconnected: a connection for which Exchange has no mailbox any more is replaced.
func TestPoolDisconnected(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	p := &imap.Pool{Dial: dialer(srv)}
	defer p.Close()
	c, err := p.Get(t.Context(), "")
	require.NoError(t, err)
	p.Put(c)
	srv.Inject(imaptest.Fault{Command: "SELECT", Reply: "BAD User is authenticated but not connected."})
	require.NoError(t, p.Do(t.Context(), "INBOX", func(c *imap.Client) error { return c.Noop(t.Context()) }))
	require.Equal(t, 2, count(srv, "LOGIN"))

	srv.Inject(imaptest.Fault{Command: "SELECT", Reply: "BAD User is authenticated but not connected.", Times: -1})
	require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(p.Do(t.Context(), "Other", func(c *imap.Client) error { return nil })))
	require.Zero(t, p.Stats().Open)
}

// TestPoolRefusedTogether: if a server allows no connection at all, each of several simultaneous calls of Get returns the
// error, as a single one does.
func TestPoolRefusedTogether(t *testing.T) {
	for _, most := range []int{2, 3, 10} {
		synctest.Test(t, func(t *testing.T) {
			refusal := &imap.Error{Status: "NO", Code: "LIMIT", Text: "Too many connections"}
			var dials atomic.Int32
			p := &imap.Pool{Max: most, Dial: func(context.Context) (*imap.Client, error) {
				dials.Add(1)
				time.Sleep(time.Millisecond)
				return nil, refusal
			}}
			defer p.Close()
			errs := make(chan error, 3)
			for range cap(errs) {
				go func() {
					_, err := p.Get(t.Context(), "")
					errs <- err
				}()
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			require.Len(t, errs, cap(errs), "waiting after %d dials", dials.Load())
			for range cap(errs) {
				require.ErrorIs(t, <-errs, refusal)
			}
		})
	}
}

// TestPoolRaisesWithinAnHour: a server may request a pause of weeks; the limit that was learned from it is tried again
// after an hour, the longest pause.
func TestPoolRaisesWithinAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		refuse := false
		p := &imap.Pool{Max: 2, Dial: func(ctx context.Context) (*imap.Client, error) {
			if refuse {
				return nil, &imap.Error{Status: "NO", Text: "Too many. Suggested Backoff Time: 4000000000 milliseconds"}
			}
			return dialer(srv)(ctx)
		}}
		defer p.Close()
		first := get(t, p, "")
		defer p.Put(first)
		refuse = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Get(ctx, "")
		require.Error(t, err)
		refuse = false
		ctx, cancel = context.WithTimeout(t.Context(), 61*time.Minute)
		defer cancel()
		second, err := p.Get(ctx, "")
		require.NoError(t, err)
		p.Put(second)
	})
}

// TestPoolSilentConnection: calls of Get that have less time than the check of a connection do not get the same dead one
// repeatedly.
func TestPoolSilentConnection(t *testing.T) {
	pooled(t, nil, func(t *testing.T, srv *imaptest.Server, p *imap.Pool) {
		p.Put(get(t, p, "INBOX"))
		time.Sleep(time.Minute)
		srv.Inject(imaptest.Fault{Command: "NOOP", Stall: true})
		begin := time.Now()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			c, err := p.Get(ctx, "INBOX")
			cancel()
			if err == nil {
				p.Put(c)
				break
			}
			require.Less(t, time.Since(begin), 15*time.Second)
			time.Sleep(time.Second)
		}
	})
}

// TestPoolUserChanged: a connection on which another user has logged in, or none is logged in any more, is replaced, also if the answer to that command was still outstanding when the connection was put back.
func TestPoolUserChanged(t *testing.T) {
	for name, change := range map[string]func(context.Context, *imap.Client) error{
		"UNAUTHENTICATE and LOGIN": func(ctx context.Context, c *imap.Client) error {
			if err := c.Unauthenticate(ctx); err != nil {
				return err
			}
			return c.Login(ctx, "other", "password")
		},
		"PROXYAUTH": func(ctx context.Context, c *imap.Client) error { return proxyAuth(ctx, c, "other") },
		"PROXYAUTH given up": func(ctx context.Context, c *imap.Client) error {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			proxyAuth(ctx, c, "other")
			return nil
		},
		"UNAUTHENTICATE given up": func(ctx context.Context, c *imap.Client) error {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			c.Unauthenticate(ctx)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				serve := func(conn net.Conn) {
					defer conn.Close()
					fmt.Fprint(conn, "* PREAUTH [CAPABILITY IMAP4rev1 UNAUTHENTICATE] ready\r\n")
					for in := bufio.NewScanner(conn); in.Scan(); {
						tag, command, _ := strings.Cut(in.Text(), " ")
						if command == "CAPABILITY" {
							fmt.Fprint(conn, "* CAPABILITY IMAP4rev1 UNAUTHENTICATE\r\n")
						}
						time.Sleep(time.Second)
						fmt.Fprintf(conn, "%s OK done\r\n", tag)
					}
				}
				dials := 0
				p := &imap.Pool{Max: 1, Dial: func(ctx context.Context) (*imap.Client, error) {
					dials++
					near, far := net.Pipe()
					go serve(far)
					return imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
				}}
				defer p.Close()
				require.NoError(t, p.Do(t.Context(), "", func(c *imap.Client) error { return change(t.Context(), c) }))
				require.NoError(t, p.Do(t.Context(), "", func(c *imap.Client) error { return c.Noop(t.Context()) }))
				require.Equal(t, 2, dials)
			})
		})
	}
}

// TestPoolOtherClient: an error of another client is no reason to call the function again, or to replace the connection.
func TestPoolOtherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		other, err := dialer(srv)(t.Context())
		require.NoError(t, err)
		dials, calls := 0, 0
		p := &imap.Pool{Dial: func(ctx context.Context) (*imap.Client, error) {
			dials++
			return dialer(srv)(ctx)
		}}
		defer p.Close()
		for range 2 {
			err = p.Do(t.Context(), "", func(*imap.Client) error {
				calls++
				other.Append(t.Context(), "INBOX", imap.LiteralString("once"), nil)
				other.Close()
				return other.Noop(t.Context())
			})
			require.ErrorIs(t, err, imap.ErrClosed)
		}
		require.Equal(t, 2, calls)
		require.Equal(t, 1, dials)
	})
}

// TestPoolAlert: an alert that comes with the login, or with the NOOP by which the pool checks a connection, reaches the next user.
func TestPoolAlert(t *testing.T) {
	for _, command := range []string{"LOGIN", "NOOP"} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &imap.Pool{IdleTimeout: -1, Dial: func(ctx context.Context) (*imap.Client, error) {
					near, far := pipe.Pipe()
					h := &testkit.Peer{T: t, Conn: far}
					h.Init()
					go func() {
						h.Send("* OK [CAPABILITY IMAP4rev1] x")
						for tag := h.Line(""); tag != ""; tag = h.Line("") {
							code := ""
							if strings.HasPrefix(h.Last, command) {
								code = "[ALERT] "
							}
							h.Send("%s OK %sdone", tag, code)
						}
					}()
					c, err := imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
					if err != nil {
						return nil, err
					}
					return c, c.Login(ctx, "joe", "sesame")
				}}
				defer p.Close()
				c, err := p.Get(t.Context(), "")
				require.NoError(t, err)
				if command == "NOOP" {
					p.Put(c)
					time.Sleep(time.Minute)
					c, err = p.Get(t.Context(), "")
					require.NoError(t, err)
				}
				require.Equal(t, []imap.Event{&imap.AlertEvent{Text: "done"}}, c.Events())
				p.Put(c)
			})
		})
	}
}

// TestPoolEventsOfBefore: data of the mailbox of the previous user, which comes while another is selected, is not an event for
// the next.
func TestPoolEventsOfBefore(t *testing.T) {
	p := &imap.Pool{Max: 1, Dial: func(ctx context.Context) (*imap.Client, error) {
		return testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC] ready", `
			C: $ SELECT One
			S: * 3 EXISTS
			S: $ OK done
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
			C: $ SELECT Two
			S: * VANISHED 2
			S: * OK [ALERT] for all
			S: * OK [CLOSED] closed
			S: * 5 EXISTS
			S: $ OK done
		`), nil
	}}
	defer p.Close()
	require.NoError(t, p.Do(t.Context(), "One", func(c *imap.Client) error {
		_, err := c.Enable(t.Context(), "QRESYNC")
		return err
	}))
	require.NoError(t, p.Do(t.Context(), "Two", func(c *imap.Client) error {
		require.Equal(t, []string{"AlertEvent"}, testkit.EventKinds(c))
		return nil
	}))
}
