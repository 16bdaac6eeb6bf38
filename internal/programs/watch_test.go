package programs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/stretchr/testify/require"
)

// dialer returns a function for Watch and Pool that logs in as the user of a server.
func dialer(srv *imaptest.Server) func(context.Context) (*imap.Client, error) {
	return func(ctx context.Context) (*imap.Client, error) {
		conn, err := srv.Dial(ctx)
		if err != nil {
			return nil, err
		}
		c, err := imap.NewClient(ctx, conn, nil)
		if err != nil {
			return nil, err
		}
		if err := c.Login(ctx, "user", "password"); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// changeLine returns a change in one line.
func changeLine(ch *imap.Change) string {
	switch ch.Kind {
	case imap.ChangeNew:
		return fmt.Sprintf("new %d", ch.Message.UID)
	case imap.ChangeFlags:
		return fmt.Sprintf("flags %d %v", ch.Message.UID, ch.Message.Flags)
	case imap.ChangeGone:
		return fmt.Sprintf("gone %v", ch.UIDs)
	case imap.ChangeReset:
		return "reset"
	}
	return "begin"
}

// delivered is what Watch yields.
type delivered struct {
	*imap.Change
	err error
}

// watching is a Watch in a goroutine, whose changes a test takes one by one.
type watching struct {
	t       *testing.T
	changes chan delivered
	err     error // of the last that was taken
	last    *imap.Change
	stop    func()

	mu    sync.Mutex
	errs  []string // passed to OnError
	waits []time.Duration
}

func watch(t *testing.T, srv *imaptest.Server, state imap.SyncState, opts imap.WatchOptions) *watching {
	return watchWith(t, dialer(srv), state, opts)
}

func watchWith(t *testing.T, dial func(context.Context) (*imap.Client, error), state imap.SyncState, opts imap.WatchOptions) *watching {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{t: t, changes: make(chan delivered, 1), stop: cancel}
	opts.OnError = func(err error, wait time.Duration) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errs = append(w.errs, err.Error())
		w.waits = append(w.waits, wait)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(w.changes)
		for ch, err := range imap.Watch(ctx, dial, "INBOX", state, &opts) {
			if ch != nil {
				select {
				case w.changes <- delivered{ch, err}:
				case <-ctx.Done():
				}
				continue
			}
			select {
			case <-w.changes: // was not taken
			default:
			}
			w.changes <- delivered{nil, err}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// next returns the next change.
func (w *watching) next() string {
	w.t.Helper()
	got := <-w.changes
	w.err = got.err
	if got.Change == nil {
		return fmt.Sprintf("end: %v", w.err)
	}
	w.last = got.Change
	return changeLine(got.Change)
}

// quiet checks that only changes of flags are delivered for a while.
func (w *watching) quiet() {
	w.t.Helper()
	for {
		select {
		case got := <-w.changes:
			require.NotNil(w.t, got.Change, "it ended: %v", got.err)
			require.Equal(w.t, imap.ChangeFlags, got.Kind, changeLine(got.Change))
		case <-time.After(time.Hour):
			return
		}
	}
}

// troubles returns the errors passed to OnError.
func (w *watching) troubles() (errs []string, waits []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.errs), slices.Clone(w.waits)
}

// bubble runs a test with a server that has three messages, on servers with QRESYNC, CONDSTORE and neither.
func bubble(t *testing.T, f func(t *testing.T, srv *imaptest.Server)) {
	for name, without := range map[string][]string{"QRESYNC": nil, "CONDSTORE": {"QRESYNC"}, "neither": {"CONDSTORE"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t, &imaptest.Options{Without: without})
				for i := range 3 {
					srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint("message ", i+1)})
				}
				f(t, srv)
			})
		})
	}
}

func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) { followAll(t, srv, dialer(srv)) })
}

// TestWatchUIDOnly: the same where messages have no numbers.
func TestWatchUIDOnly(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		followAll(t, srv, func(ctx context.Context) (*imap.Client, error) {
			c, err := dialer(srv)(ctx)
			if err != nil {
				return nil, err
			}
			_, err = c.Enable(ctx, "UIDONLY")
			return c, err
		})
	})
}

// followAll checks each kind of change, and changes while the program is stopped.
func followAll(t *testing.T, srv *imaptest.Server, dial func(context.Context) (*imap.Client, error)) {
	w := watchWith(t, dial, imap.SyncState{}, imap.WatchOptions{})
	for _, want := range []string{"new 1", "new 2", "new 3"} {
		require.Equal(t, want, w.next())
	}
	require.Equal(t, "message 3", w.last.Message.Envelope.Subject)
	w.quiet()
	srv.Deliver("INBOX", imaptest.Message{})
	require.Equal(t, "new 4", w.next())
	srv.SetFlags("INBOX", 2, `\Seen`)
	require.Equal(t, `flags 2 [\Seen]`, w.next())
	srv.Expunge("INBOX", 1)
	require.Equal(t, "gone 1", w.next())
	state := w.last.State
	w.quiet()
	w.stop()
	require.Contains(t, w.next(), context.Canceled.Error())

	// What happens while the program is stopped is delivered when it continues.
	srv.Expunge("INBOX", 3)
	srv.Deliver("INBOX", imaptest.Message{})
	b, err := json.Marshal(state)
	require.NoError(t, err)
	var stored imap.SyncState
	require.NoError(t, json.Unmarshal(b, &stored))
	w = watchWith(t, dial, stored, imap.WatchOptions{})
	require.Equal(t, "gone 3", w.next())
	var got string
	for got = w.next(); strings.HasPrefix(got, "flags"); got = w.next() {
	}
	require.Equal(t, "new 5", got)
	w.quiet()
}

// TestWatchAcrossBreaks continues across lost connections, restarts and truncated answers.
func TestWatchAcrossBreaks(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		for i := range 3 {
			require.Equal(t, fmt.Sprint("new ", i+1), w.next())
		}
		uid := 4
		for _, trouble := range []func(){
			srv.DropConnections,
			func() { srv.Stop(); time.Sleep(time.Second); srv.Restart() },
			func() { srv.Inject(imaptest.Fault{Command: "FETCH", Drop: true, After: 40}) },
			func() { srv.Inject(imaptest.Fault{Command: "FETCH", Drop: true}) },
			func() { srv.Inject(imaptest.Fault{Command: "SEARCH", Drop: true, Times: 3}) },
			func() { srv.DropConnections(); srv.Inject(imaptest.Fault{Command: "SELECT", Drop: true, After: 100}) },
			func() {
				srv.DropConnections()
				srv.Inject(imaptest.Fault{Command: "LOGIN", Reply: "NO [UNAVAILABLE] Later"})
				srv.Inject(imaptest.Fault{Command: "CONNECT", Reply: "BYE Too many connections"})
			},
			func() { srv.Inject(imaptest.Fault{Command: "IDLE", Stall: true}); srv.DropConnections() },
			func() { srv.Inject(imaptest.Fault{Command: "SEARCH", Stall: true}) },
		} {
			w.quiet()
			trouble()
			srv.Deliver("INBOX", imaptest.Message{})
			srv.Deliver("INBOX", imaptest.Message{})
			seen := map[string]bool{}
			for len(seen) < 2 {
				got := w.next()
				if strings.HasPrefix(got, "new") {
					require.False(t, seen[got], got)
					seen[got] = true
				}
			}
			require.True(t, seen[fmt.Sprint("new ", uid)] && seen[fmt.Sprint("new ", uid+1)], "%v", seen)
			uid += 2
		}
		errs, _ := w.troubles()
		require.NotEmpty(t, errs)
	})
}

// TestWatchState stops after every change and continues from the state in it, while the mailbox changes.
func TestWatchState(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		var state imap.SyncState
		held, seen := map[imap.UID]bool{}, map[imap.UID]bool{}
		step := func() {
			for ch, err := range imap.Watch(t.Context(), dialer(srv), "INBOX", state, nil) {
				require.NoError(t, err)
				switch ch.Kind {
				case imap.ChangeNew:
					require.False(t, seen[ch.Message.UID], "%d comes twice", ch.Message.UID)
					seen[ch.Message.UID], held[ch.Message.UID] = true, true
				case imap.ChangeGone:
					for uid := range ch.UIDs.All() {
						require.True(t, held[uid])
						delete(held, uid)
					}
				case imap.ChangeFlags:
					require.True(t, held[ch.Message.UID])
				}
				state = ch.State
				require.EqualValues(t, len(held), state.UIDs.Len())
				return
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			list, n := srv.Messages("INBOX"), rng.IntN(6)
			switch {
			case n < 3 || len(list) == 0:
				srv.Deliver("INBOX", imaptest.Message{})
			case n == 3:
				srv.SetFlags("INBOX", list[rng.IntN(len(list))].UID, fmt.Sprint("k", rng.IntN(100)))
			case n == 4:
				srv.Expunge("INBOX", list[rng.IntN(len(list))].UID)
			}
			srv.Deliver("INBOX", imaptest.Message{})
			step()
		}
		for len(seen) < 100 || int(state.UIDs.Len()) < len(srv.Messages("INBOX")) {
			step()
		}
		for _, m := range srv.Messages("INBOX") {
			require.True(t, held[imap.UID(m.UID)], "%d was not delivered", m.UID)
		}
	})
}

// TestWatchFlagsState stops after each of several changes of flags: the state includes those delivered, and no more.
func TestWatchFlagsState(t *testing.T) {
	for _, without := range [][]string{nil, {"QRESYNC"}} {
		synctest.Test(t, func(t *testing.T) {
			srv := imaptest.NewServer(t, &imaptest.Options{Without: without})
			for range 5 {
				srv.Deliver("INBOX", imaptest.Message{})
			}
			var state imap.SyncState
			for ch, err := range imap.Watch(t.Context(), dialer(srv), "INBOX", state, &imap.WatchOptions{SkipExisting: true}) {
				require.NoError(t, err)
				state = ch.State
				break
			}
			for _, uid := range []uint32{4, 2, 5, 1} {
				srv.SetFlags("INBOX", uid, `\Seen`)
			}
			var got []imap.UID
			for range 4 {
				for ch, err := range imap.Watch(t.Context(), dialer(srv), "INBOX", state, nil) {
					require.NoError(t, err)
					require.Equal(t, imap.ChangeFlags, ch.Kind)
					got, state = append(got, ch.Message.UID), ch.State
					break
				}
			}
			require.Equal(t, []imap.UID{4, 2, 5, 1}, got)
		})
	}
}

func TestWatchReset(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		for range 3 {
			w.next()
		}
		srv.Expunge("INBOX", 1)
		require.Equal(t, "gone 1", w.next())
		srv.Stop()
		srv.ResetUIDs("INBOX")
		srv.Restart()
		require.Equal(t, "reset", w.next())
		require.Empty(t, w.last.State.UIDs)
		require.NotZero(t, w.last.State.UIDValidity)
		require.Equal(t, "new 1", w.next())
		require.Equal(t, "new 2", w.next())
		w.quiet()
	})
}

func TestWatchSkipExisting(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		opts := imap.WatchOptions{SkipExisting: true, ReadOnly: true}
		w := watch(t, srv, imap.SyncState{}, opts)
		require.Equal(t, "begin", w.next())
		state := w.last.State
		w.stop()
		srv.Deliver("INBOX", imaptest.Message{})
		w = watch(t, srv, state, opts)
		var got string
		for got = w.next(); strings.HasPrefix(got, "flags"); got = w.next() {
		}
		require.Equal(t, "new 4", got)
		w.quiet()
		require.NotContains(t, srv.Transcript(), "C: A5 SELECT")
	})
}

// TestWatchEmptyMailbox begins with an empty mailbox: the first message that arrives is new, whatever the options are.
func TestWatchEmptyMailbox(t *testing.T) {
	for _, skip := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := imaptest.NewServer(t, nil)
			w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{SkipExisting: skip})
			if skip {
				require.Equal(t, "begin", w.next())
			}
			w.quiet()
			srv.Deliver("INBOX", imaptest.Message{})
			require.Equal(t, "new 1", w.next())
		})
	}
}

// TestWatchBetweenSyncAndIdle delivers messages between Sync and IDLE, and removes one before it can be fetched.
func TestWatchBetweenSyncAndIdle(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		srv.Inject(imaptest.Fault{Command: "IDLE", Delay: time.Minute})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		for range 3 {
			w.next()
		}
		synctest.Wait()
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 4", w.next())
		w.quiet()

		srv.Inject(imaptest.Fault{Command: "FETCH", Delay: time.Minute})
		srv.Deliver("INBOX", imaptest.Message{})
		time.Sleep(time.Second)
		srv.Expunge("INBOX", 5)
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 6", w.next())
		w.quiet()
		require.Equal(t, "1:4,6", w.last.State.UIDs.String())
	})
}

// TestWatchRefused has messages that the server refuses to return.
func TestWatchRefused(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		remove := srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Reply: "NO [SERVERBUG] Cannot"})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		for i := range 3 {
			require.Equal(t, fmt.Sprint("new ", i+1), w.next())
		}
		require.EqualValues(t, "SERVERBUG", imap.CodeOf(w.err))
		remove()
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 4", w.next())
		require.NoError(t, w.err)
		w.quiet()
		errs, _ := w.troubles()
		require.Empty(t, errs)
	})
}

// TestWatchPoison has a message that crashes the server.
func TestWatchPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		remove := srv.Inject(imaptest.Fault{Command: "FETCH", Times: -1, Drop: true})
		srv.Deliver("INBOX", imaptest.Message{})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		require.Equal(t, "new 1", w.next())
		require.ErrorIs(t, w.err, imap.ErrClosed)
		errs, _ := w.troubles()
		require.GreaterOrEqual(t, len(errs), 4)
		remove()
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 2", w.next())
		require.NoError(t, w.err)
		w.quiet()
	})
}

// TestWatchLimit has a message that is larger than the client accepts.
func TestWatchLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		srv.Deliver("INBOX", imaptest.Message{Text: strings.Repeat("long ", 10000)})
		srv.Deliver("INBOX", imaptest.Message{Text: "short"})
		dial := func(ctx context.Context) (*imap.Client, error) {
			conn, err := srv.Dial(ctx)
			if err != nil {
				return nil, err
			}
			c, err := imap.NewClient(ctx, conn, &imap.Options{MaxLiteral: 1000})
			if err != nil {
				return nil, err
			}
			return c, c.Login(ctx, "user", "password")
		}
		w := watchWith(t, dial, imap.SyncState{}, imap.WatchOptions{Fetch: []imap.FetchItem{imap.Section{}}})
		require.Equal(t, "new 1", w.next())
		var limit *imap.LimitError
		require.ErrorAs(t, w.err, &limit)
		got := w.next()
		for ; strings.HasPrefix(got, "flags"); got = w.next() {
		}
		require.Equal(t, "new 2", got)
		require.NoError(t, w.err)
	})
}

// TestWatchEnds distinguishes errors that a new attempt cannot fix from those that it can.
func TestWatchEnds(t *testing.T) {
	denied := func(command, reply string) func(*imaptest.Server) {
		return func(srv *imaptest.Server) {
			srv.Inject(imaptest.Fault{Command: command, Reply: reply, Times: -1})
		}
	}
	for name, c := range map[string]struct {
		trouble func(*imaptest.Server)
		first   bool // it ends at once if it was never well
		later   bool // it ends if it was
	}{
		"wrong password":          {func(srv *imaptest.Server) { srv.SetPassword("other") }, true, true},
		"without a code":          {denied("LOGIN", "NO Login failed."), true, true},
		"no mailbox":              {denied("SELECT", "NO [NONEXISTENT] No such mailbox"), true, true},
		"too many":                {denied("LOGIN", "NO [ALERT] Too many simultaneous connections. (Failure)"), false, true},
		"disconnected":            {denied("SELECT", "BAD User is authenticated but not connected."), false, true},
		"unavailable":             {denied("LOGIN", "NO [UNAVAILABLE] Temporary failure"), false, false},
		"bye":                     {denied("CONNECT", "BYE Too many connections"), false, false},
		"throttled":               {denied("LOGIN", "BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds"), false, false},
		"the server is not there": {func(srv *imaptest.Server) { srv.Stop() }, false, false},
		"silence":                 {func(srv *imaptest.Server) { srv.Inject(imaptest.Fault{Command: "CONNECT", Stall: true, Times: -1}) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t, nil)
				c.trouble(srv)
				w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
				w.end(t, c.first, 0)
			})
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t, nil)
				w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
				w.quiet()
				c.trouble(srv)
				srv.DropConnections()
				w.end(t, c.later, 10*time.Minute)
			})
		})
	}
}

// end reports whether the watch ends by itself within a time.
func (w *watching) end(t *testing.T, want bool, within time.Duration) {
	t.Helper()
	time.Sleep(within)
	synctest.Wait()
	select {
	case got := <-w.changes:
		require.Nil(t, got.Change)
		require.True(t, want, "%v", got.err)
		require.Error(t, got.err)
	default:
		errs, _ := w.troubles()
		require.False(t, want, "%q", errs)
		if within == 0 {
			time.Sleep(20 * time.Second)
		}
	}
}

// TestWatchPauses checks the pauses: they grow, differ, are limited, and are no shorter than the server requests.
func TestWatchPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		srv.Inject(imaptest.Fault{Command: "LOGIN", Skip: 12, Reply: "BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds"})
		srv.Inject(imaptest.Fault{Command: "LOGIN", Times: 12, Reply: "NO [UNAVAILABLE] Later"})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{MaxWait: 10 * time.Second})
		time.Sleep(time.Hour)
		_, waits := w.troubles()
		require.Len(t, waits, 13)
		for i, wait := range waits[:12] {
			most := min(200*time.Millisecond<<i, 10*time.Second)
			require.LessOrEqual(t, wait, most)
			require.GreaterOrEqual(t, wait, most/2)
		}
		require.Equal(t, 92415*time.Millisecond, waits[12])
		srv.DropConnections()
		time.Sleep(time.Second)
		_, waits = w.troubles()
		require.Len(t, waits, 14, "a session that lasted begins anew")
		require.LessOrEqual(t, waits[13], 200*time.Millisecond)
	})
}

// TestWatchDeadPeer has a server that stops answering in IDLE.
func TestWatchDeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		srv.Inject(imaptest.Fault{Command: "IDLE", Stall: true, After: 10})
		w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
		synctest.Wait()
		begin := time.Now()
		srv.Deliver("INBOX", imaptest.Message{})
		require.Equal(t, "new 1", w.next())
		require.Less(t, time.Since(begin), 8*time.Minute)
		errs, _ := w.troubles()
		require.Contains(t, errs[0], "Timeout")
	})
}

// TestWatchDialHangs has a dial that never returns: it is given up, and ends with ctx.
func TestWatchDialHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		srv.Deliver("INBOX", imaptest.Message{})
		dials := 0
		dial := func(ctx context.Context) (*imap.Client, error) {
			if dials++; dials < 3 {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
			return dialer(srv)(ctx)
		}
		w := watchWith(t, dial, imap.SyncState{}, imap.WatchOptions{})
		require.Equal(t, "new 1", w.next())
		hang := func(ctx context.Context) (*imap.Client, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		w = watchWith(t, hang, imap.SyncState{}, imap.WatchOptions{})
		synctest.Wait()
		w.stop()
		require.Contains(t, w.next(), "context canceled")
	})
}

// TestWatchBody breaks, panics, closes the client, selects another mailbox, leaves a FETCH, and is slow.
func TestWatchBody(t *testing.T) {
	bubble(t, func(t *testing.T, srv *imaptest.Server) {
		for range imap.Watch(t.Context(), dialer(srv), "INBOX", imap.SyncState{}, nil) {
			break
		}
		require.Zero(t, srv.Connections(), "after break")
		require.Panics(t, func() {
			for range imap.Watch(t.Context(), dialer(srv), "INBOX", imap.SyncState{}, nil) {
				panic("in the loop body")
			}
		})
		require.Zero(t, srv.Connections(), "after a panic")

		srv.Create("Other", "")
		srv.User("user").Deliver("Other", imaptest.Message{Subject: "of another mailbox"})
		var got []string
		for ch, err := range imap.Watch(t.Context(), dialer(srv), "INBOX", imap.SyncState{}, nil) {
			require.NoError(t, err)
			if ch.Kind != imap.ChangeNew {
				continue
			}
			got = append(got, ch.Message.Envelope.Subject)
			switch ch.Message.UID {
			case 1:
				_, err := ch.Client.Select(t.Context(), "Other", nil)
				require.NoError(t, err)
			case 2:
				for range ch.Client.Fetch(t.Context(), imap.SeqRange(1, 0), imap.FetchEnvelope) {
					break
				}
			case 3:
				ch.Client.Close()
				srv.Deliver("INBOX", imaptest.Message{Subject: "message 4"})
			case 4:
				time.Sleep(time.Hour)
				srv.Deliver("INBOX", imaptest.Message{Subject: "message 5"})
				srv.DropConnections()
			case 5:
				_, err := ch.Client.Select(t.Context(), "Other", nil)
				require.NoError(t, err)
				srv.Deliver("INBOX", imaptest.Message{Subject: "message 6"})
			}
			if ch.Message.UID == 6 {
				break
			}
		}
		require.Equal(t, []string{"message 1", "message 2", "message 3", "message 4", "message 5", "message 6"}, got)
		require.Zero(t, srv.Connections())
	})
}

// TestWatchWithoutIdle polls if IDLE is missing or refused.
func TestWatchWithoutIdle(t *testing.T) {
	for name, setUp := range map[string]func(t *testing.T) *imaptest.Server{
		"Yahoo": func(t *testing.T) *imaptest.Server {
			return imaptest.NewServer(t, &imaptest.Options{Profile: imaptest.Yahoo})
		},
		"Courier": func(t *testing.T) *imaptest.Server {
			return imaptest.NewServer(t, &imaptest.Options{Profile: imaptest.Courier})
		},
		"refused": func(t *testing.T) *imaptest.Server {
			srv := imaptest.NewServer(t, nil)
			srv.Inject(imaptest.Fault{Command: "IDLE", Times: -1, Reply: "NO Not now"})
			return srv
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := setUp(t)
				w := watch(t, srv, imap.SyncState{}, imap.WatchOptions{})
				w.quiet()
				begin := time.Now()
				srv.Deliver("INBOX", imaptest.Message{})
				require.Equal(t, "new 1", w.next())
				require.LessOrEqual(t, time.Since(begin), time.Minute)
				w.quiet()
				errs, _ := w.troubles()
				require.Empty(t, errs)
			})
		})
	}
}

// TestWatchMisuse: misuse is an error at once.
func TestWatchMisuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		one := func(mailbox string, state imap.SyncState, dial func(context.Context) (*imap.Client, error)) error {
			for ch, err := range imap.Watch(t.Context(), dial, mailbox, state, nil) {
				require.Nil(t, ch)
				return err
			}
			return nil
		}
		require.Error(t, one("INBOX", imap.SyncState{UIDs: imap.UIDRange(1, 0)}, dialer(srv)))
		require.Error(t, one("a\x00b", imap.SyncState{}, dialer(srv)))
		require.Error(t, one("INBOX", imap.SyncState{}, func(context.Context) (*imap.Client, error) { return nil, nil }))
		var state *imap.StateError
		require.ErrorAs(t, one("INBOX", imap.SyncState{}, func(ctx context.Context) (*imap.Client, error) {
			conn, _ := srv.Dial(ctx)
			return imap.NewClient(ctx, conn, nil) // not logged in
		}), &state)
		require.Zero(t, srv.Connections())
	})
}
