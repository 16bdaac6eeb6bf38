package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// watchDeliveries is how many messages the soak test of Watch delivers to each server: IMAP_WATCH, else few.
func watchDeliveries(t *testing.T) int {
	s := os.Getenv("IMAP_WATCH")
	if s == "" {
		return 120
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// watchSoak is the state of the soak test, and what the Watch delivered.
type watchSoak struct {
	*env
	proxy   *proxy
	box     string
	store   string         // the file with the state
	seen    map[string]int // how often each message was delivered, by its subject
	changes int
	lost    atomic.Int64 // connections, or attempts at one
	cuts    atomic.Int64
	kills   atomic.Int64
	runs    int
	pending sync.WaitGroup
}

// TestWatchSoak delivers messages while a program watches the mailbox through a proxy that cuts its connections once a
// second, at random; the server is killed and restarted, and so is the program, which stores its state after each change.
// No message is missed, and none is delivered twice.
func TestWatchSoak(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t, name)
			w := &watchSoak{env: newEnv(t, targetOf(s), plain), store: filepath.Join(t.TempDir(), "state.json"), seen: map[string]int{}}
			w.proxy = newProxy(t, w.target.addr, fault{})
			w.box = w.env.box()
			total, begin := watchDeliveries(t), time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.pending.Go(func() { w.cut(ctx) })
			delivered := make(chan struct{})
			w.pending.Go(func() {
				defer close(delivered)
				w.appendAll(total)
			})
			w.pending.Go(func() { w.kill(ctx, delivered) })
			for w.program(ctx, delivered, total) {
			}
			cancel()
			w.pending.Wait()
			w.check(total)
			t.Logf("%d messages in %v: %d changes, %d runs of the program, %d connections cut, %d lost or refused, the server killed %d times",
				total, time.Since(begin).Round(time.Second), w.changes, w.runs, w.cuts.Load(), w.lost.Load(), w.kills.Load())
		})
	}
}

// cut ends all connections through the proxy at random, about once a second.
func (w *watchSoak) cut(ctx context.Context) {
	for {
		select {
		case <-time.After(500*time.Millisecond + rand.N(time.Second)):
			w.cuts.Add(int64(w.proxy.cutAll()))
		case <-ctx.Done():
			return
		}
	}
}

// kill kills the server several times and restarts it.
func (w *watchSoak) kill(ctx context.Context, delivered chan struct{}) {
	for w.kills.Load() < 1 || watchLong() {
		select {
		case <-time.After(2*time.Second + rand.N(2*time.Second)):
		case <-delivered:
			return
		}
		if err := errors.Join(w.target.real.Kill(), w.target.real.Restart()); err != nil {
			w.Error(err)
			return
		}
		w.kills.Add(1)
		if watchLong() {
			select {
			case <-time.After(20 * time.Second):
			case <-delivered:
				return
			}
		}
	}
}

func watchLong() bool { return os.Getenv("IMAP_WATCH") != "" }

// appendAll delivers the messages, each until the server has confirmed it. A message whose confirmation was lost may be
// stored twice, under one subject: as two messages.
func (w *watchSoak) appendAll(total int) {
	var c *imap.Client
	for i := range total {
		for {
			if c == nil {
				var err error
				if c, err = w.connect(); err == nil {
					err = c.Login(w.ctx(), w.user, w.password)
				}
				if err != nil {
					c = nil
					time.Sleep(50 * time.Millisecond)
					continue
				}
			}
			text := fmt.Sprintf("From: a@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\nThe body of number %d.\r\n", i, i, i)
			if _, err := c.Append(w.Context(), w.box, imap.LiteralString(text), nil); err == nil {
				break
			}
			c.Close()
			c = nil
		}
		if !watchLong() {
			time.Sleep(rand.N(60 * time.Millisecond))
		} else if i%50 == 49 {
			time.Sleep(rand.N(time.Second))
		}
	}
	c.Close()
}

// program is a run of a program that watches. It ends after some changes, wherever it is, and reports whether there is more
// to do.
func (w *watchSoak) program(ctx context.Context, delivered chan struct{}, total int) bool {
	w.runs++
	var state imap.SyncState
	if b, err := os.ReadFile(w.store); err == nil {
		require.NoError(w, json.Unmarshal(b, &state))
	}
	// A run without changes for a while checks whether all is done.
	run, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	opts := &imap.WatchOptions{MaxWait: time.Second, Poll: time.Second, OnError: func(error, time.Duration) { w.lost.Add(1) }}
	left := 1 + rand.IntN(max(total/10, 40))
	for ch, err := range imap.Watch(run, w.dialProxy, w.box, state, opts) {
		if errors.Is(err, context.DeadlineExceeded) && run.Err() != nil {
			break
		}
		require.NoError(w, err)
		require.NotEqual(w, imap.ChangeReset, ch.Kind)
		w.changes++
		if ch.Kind == imap.ChangeNew {
			w.seen[fmt.Sprint(ch.Message.UID, " ", ch.Message.Envelope.Subject)]++
		}
		b, err := json.Marshal(ch.State)
		require.NoError(w, err)
		require.NoError(w, os.WriteFile(w.store, b, 0o600))
		if left--; left == 0 {
			break
		}
	}
	select {
	case <-delivered:
		return len(w.subjects()) < total
	default:
		return true
	}
}

func (w *watchSoak) dialProxy(ctx context.Context) (*imap.Client, error) {
	c, err := imap.DialInsecure(ctx, w.proxy.addr, &imap.Options{Timeout: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	if err := c.Login(ctx, w.user, w.password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// subjects are those of the messages that were delivered.
func (w *watchSoak) subjects() map[string]bool {
	all := map[string]bool{}
	for key := range w.seen {
		_, subject, _ := strings.Cut(key, " ")
		all[subject] = true
	}
	return all
}

// check compares what was delivered with what is in the mailbox.
func (w *watchSoak) check(total int) {
	for key, n := range w.seen {
		require.Equal(w, 1, n, "%s was delivered %d times", key, n)
	}
	subjects := w.subjects()
	for i := range total {
		require.True(w, subjects[fmt.Sprint("number ", i)], "number %d was missed", i)
	}
	w.client0().Close() // which may not know that its server was killed
	w.selectBox(w.box)
	for _, m := range w.fetch(imap.SeqRange(1, 0), imap.FetchEnvelope) {
		require.Equal(w, 1, w.seen[fmt.Sprint(m.UID, " ", m.Envelope.Subject)], "message %d", m.UID)
	}
}
