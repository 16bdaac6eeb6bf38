package imap_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/stretchr/testify/require"
)

// TestPoolRefusedTogether: where a server allows no connection at all, each of several calls of Get is told so, as a lone
// one is.
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

// TestPoolRaisesWithinAnHour: a server may ask for a pause of weeks; the limit that was learned from it is tried again
// after an hour, as every pause is bounded.
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

// TestPoolCloseWhileRefused: a dial that the server refuses after Close starts no timer, which would hold the pool.
func TestPoolCloseWhileRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &imap.Pool{Dial: func(ctx context.Context) (*imap.Client, error) {
			<-ctx.Done()
			return nil, &imap.Error{Status: "NO", Code: "LIMIT"}
		}}
		errs := make(chan error)
		go func() {
			_, err := p.Get(t.Context(), "")
			errs <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-errs, imap.ErrPoolClosed)
		synctest.Wait()
		require.Zero(t, p.StopTimers())
	})
}

// TestPoolSilentConnection: calls of Get that have less time than the look whether a connection lives do not get the same
// dead one again and again.
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
