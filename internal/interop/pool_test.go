package interop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// poolTime is how long TestPoolSoak runs on each server: IMAP_POOL, else a moment.
func poolTime(t *testing.T) time.Duration {
	s := os.Getenv("IMAP_POOL")
	if s == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}

// poolSoak is what a Pool is put through, and what became of it.
type poolSoak struct {
	*env
	pool   *imap.Pool
	proxy  *proxy
	boxes  [2]string
	uids   [2][]imap.UID
	length time.Duration

	done, failed, dials, kills atomic.Int64
	longest                    atomic.Int64 // call, in ns
}

// TestPoolSoak has 200 goroutines use 5 connections of which one is killed every 100 ms, on each server: every call ends
// in the result that it asked for or in an error of its own, and nothing is left at the end.
func TestPoolSoak(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &poolSoak{env: newEnv(t, getTarget(t, name), plain), length: poolTime(t)}
			p.proxy = newProxy(t, p.target.addr, fault{})
			for b := range p.boxes {
				p.boxes[b] = p.box()
				for i := range 5 {
					p.add(p.boxes[b], note(fmt.Sprint(b, " ", i)))
				}
				p.uids[b] = p.selectBox(p.boxes[b])
			}
			p.pool = &imap.Pool{Max: 5, Dial: p.dialPool}
			p.run()
			require.NoError(t, p.pool.Close())
			require.Zero(t, p.pool.Stats())
			t.Logf("%v: %d calls ended well, %d with an error of their own, the longest after %v; %d connections made, %d killed",
				p.length, p.done.Load(), p.failed.Load(), time.Duration(p.longest.Load()).Round(time.Millisecond), p.dials.Load(), p.kills.Load())
		})
	}
}

func (p *poolSoak) dialPool(ctx context.Context) (*imap.Client, error) {
	p.dials.Add(1)
	c, err := imap.DialInsecure(ctx, p.proxy.addr, nil)
	if err != nil {
		return nil, err
	}
	if err := c.Login(ctx, p.user, p.password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// run has all goroutines work, and kills connections, until the time is over and enough has happened.
func (p *poolSoak) run() {
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for begin := time.Now(); time.Since(begin) < p.length || p.done.Load() < 100 || p.failed.Load() < 20; {
			time.Sleep(100 * time.Millisecond)
			p.kills.Add(int64(p.proxy.cutOne()))
		}
		cancel()
	})
	for i := range 200 {
		wg.Go(func() {
			for ctx.Err() == nil {
				p.call(ctx, i%2)
			}
		})
	}
	wg.Wait()
}

// call fetches a message and looks whether it is the one.
func (p *poolSoak) call(ctx context.Context, b int) {
	i := rand.IntN(len(p.uids[b]))
	uid := p.uids[b][i]
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Second+rand.N(10*time.Second))
	defer cancel()
	err := p.pool.Do(ctx, p.boxes[b], func(c *imap.Client) error {
		if n := p.pool.Stats().Open; n > p.pool.Max {
			p.Errorf("%d connections", n)
		}
		m, err := c.FetchOne(ctx, uid, imap.FetchEnvelope)
		if err == nil && (m.UID != uid || m.Envelope.Subject != fmt.Sprint(b, " ", i)) {
			p.Errorf("message %d of mailbox %d is %d, %q", uid, b, m.UID, m.Envelope.Subject)
		}
		return err
	})
	took := int64(time.Since(begin))
	for old := p.longest.Load(); took > old && !p.longest.CompareAndSwap(old, took); old = p.longest.Load() {
		runtime.Gosched()
	}
	switch {
	case err == nil:
		p.done.Add(1)
	case errors.Is(err, imap.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), imap.IsTransient(err):
		p.failed.Add(1)
	default:
		p.Errorf("%v", err)
	}
}
