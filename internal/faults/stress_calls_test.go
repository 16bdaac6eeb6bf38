package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusable returns err, or nil if the server only refuses or lacks something.
func refusable(err error) error {
	e, ok := errors.AsType[*imap.Error](err)
	if errors.Is(err, errors.ErrUnsupported) || ok && e.Status != "BYE" {
		return nil
	}
	return err
}

// within4 is a query for a message and the three after it, and how many of them there are.
func within4(uid int) (q imap.Query, n int) {
	last := min(uid+3, stressMessages)
	return imap.Where().In(imap.UIDRange(imap.UID(uid), imap.UID(last))), last - uid + 1
}

// stressExtensions are the calls of extensions, and others that do not change the state.
var stressExtensions = []func(ctx context.Context, w *stresser, c *imap.Client) error{
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.ID(ctx, map[string]string{"name": fmt.Sprint(w.id)})
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		list, err := c.Lsub(ctx, "", "own-*")
		for _, e := range list {
			if !strings.HasPrefix(e.Name, "own-") {
				return wrong("LSUB of own-*: %s", e.Name)
			}
		}
		if err != nil {
			return err
		}
		return refusable(c.Unsubscribe(ctx, fmt.Sprint("own-", w.id)))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.SpecialUse(ctx)
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.Recent(ctx)
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		for batch, err := range c.IdleBursts(ctx, time.Microsecond, &imap.IdleOptions{For: time.Millisecond}) {
			if err != nil || len(batch) == 0 {
				return err
			}
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, _, err := c.AppendLimit(ctx, "INBOX")
		return refusable(err)
	},
	stressOrders, stressOrders, stressACL, stressMany,
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		if _, err := c.GetQuota(ctx, ""); refusable(err) != nil {
			return err
		}
		_, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 1 << 30})
		return refusable(err)
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		key := fmt.Sprint("/private/comment-", w.id)
		res, err := c.GetMetadataWith(ctx, "INBOX", &imap.MetadataOptions{Depth: 1}, key)
		if err != nil {
			return refusable(err)
		}
		for name := range res.Entries {
			if !strings.HasPrefix(name, key) {
				return wrong("metadata %q of %q", name, key)
			}
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		if err := refusable(c.SetAnnotation(ctx, "INBOX", "/comment", map[string]string{"value.priv": "x"})); err != nil {
			return err
		}
		_, err := c.GetAnnotation(ctx, "INBOX", "/comment", "value.priv")
		return refusable(err)
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.Notify(ctx, nil, nil))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.Partial(ctx, 1, "RFC822", 0, 5)
		return refusable(err)
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.ProxyAuth(ctx, "somebody"))
	},
}

// stressOrders requests messages in an order, in each of the ways.
func stressOrders(ctx context.Context, w *stresser, c *imap.Client) error {
	uid := anyUID()
	q, n := within4(uid)
	keys := []imap.SortKey{{Name: "ARRIVAL"}}
	switch rand.IntN(4) {
	case 0:
		nums, err := c.SortSeq(ctx, keys, q)
		if err == nil && (len(nums) != n || int(nums[0]) != uid) {
			return wrong("sort of %d: %v", uid, nums)
		}
		return err
	case 1:
		res, err := c.SortExtended(ctx, keys, q, &imap.SearchOptions{Count: true, Min: true})
		if err == nil && (int(res.Count) != n || int(res.Min) != uid) {
			return wrong("sort of %d: %+v", uid, res)
		}
		return refusable(err)
	case 2:
		res, err := c.SortSeqExtended(ctx, keys, q, &imap.SearchOptions{Count: true, Max: true})
		if err == nil && (int(res.Count) != n || int(res.Max) != uid+n-1) {
			return wrong("sort of %d: %+v", uid, res)
		}
		return refusable(err)
	}
	threads, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where().Subject(fmt.Sprintf("s-%d-", uid)))
	if err == nil && (len(threads) != 1 || int(threads[0].Num) != uid) {
		return wrong("thread of %d: %v", uid, threads)
	}
	return err
}

// stressACL grants rights, reads them and revokes them.
func stressACL(ctx context.Context, w *stresser, c *imap.Client) error {
	who := fmt.Sprint("friend-", w.id)
	if err := c.SetACL(ctx, "fixed-1", who, "lr"); err != nil {
		return err
	}
	list, err := c.GetACL(ctx, "fixed-1")
	if err != nil {
		return err
	}
	if !strings.Contains(fmt.Sprint(list), who) {
		return wrong("ACL without %s: %v", who, list)
	}
	if _, _, err := c.ListRights(ctx, "fixed-1", who); err != nil {
		return err
	}
	return c.DeleteACL(ctx, "fixed-1", who)
}

// stressMany stores several messages at once, or in pieces, or as replacements.
func stressMany(ctx context.Context, w *stresser, c *imap.Client) error {
	box := fmt.Sprint("many-", w.id)
	if err := refusable(c.Create(ctx, box, nil)); err != nil {
		return err
	}
	switch rand.IntN(4) {
	case 0:
		res, err := c.MultiAppend(ctx, box, []imap.AppendMessage{{Message: imap.LiteralString("a")}, {Message: imap.LiteralString(stressBody(30))}})
		if err == nil && (len(res) != 2 || res[1].UID != res[0].UID+1) {
			return wrong("two messages: %v", res)
		}
		return refusable(err)
	case 1:
		_, err := c.Catenate(ctx, box, []imap.CatenatePart{imap.CatenateText(imap.LiteralString("a"))}, nil)
		return refusable(err)
	case 2:
		_, err := c.Replace(ctx, 1<<31, box, imap.LiteralString("a"), nil)
		return refusable(err)
	}
	_, err := c.ReplaceSeq(ctx, 1<<31, box, imap.LiteralString("a"), nil)
	return refusable(err)
}

// stressStates are calls that change the state of the connection, each with the state that has to follow.
var stressStates = []func(ctx context.Context, w *stresser, c *imap.Client) error{
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Login(ctx, "user", "password") },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return c.LoginPlain(ctx, "user", "password")
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return c.LoginCRAMMD5(ctx, "user", "password")
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return c.AuthenticatePassword(ctx, "user", "password")
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		// The server has no mechanism for tokens, which is known before one is sent.
		return refusable(c.AuthenticateToken(ctx, "user", func(context.Context) (string, error) { return "token", nil }))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return c.Authenticate(ctx, imap.Plain("", "user", "password"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.StartTLS(ctx, w.s.tls) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Compress(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Unauthenticate(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.Enable(ctx, "CONDSTORE")
		return err
	},
	stressOpen, stressOpen, stressOpen, stressOpen,
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.CloseMailbox(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Unselect(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Noop(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchFlags))
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return testkit.Drain(c.Idle(ctx, &imap.IdleOptions{For: time.Millisecond}))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		if rand.IntN(5) > 0 {
			return nil // else little would be done before the connection ends
		}
		return c.Logout(ctx)
	},
}

// stressOpen opens a mailbox whose name is its number of messages, in one of the ways.
func stressOpen(ctx context.Context, w *stresser, c *imap.Client) error {
	n := 1 + rand.IntN(15)
	name := fmt.Sprint("fixed-", n)
	var mb *imap.Mailbox
	var err error
	switch rand.IntN(3) {
	case 0:
		mb, err = c.Select(ctx, name, nil)
	case 1:
		if mb, err = c.Examine(ctx, name, nil); err == nil && !mb.ReadOnly {
			return wrong("EXAMINE for writing: %+v", mb)
		}
	default:
		res, e := c.Sync(ctx, name, imap.SyncState{}, nil)
		if err = e; err == nil {
			if mb = res.Mailbox; res.New.Len() != uint64(n) {
				return wrong("new in %s: %+v", name, res)
			}
		}
	}
	if err == nil && (mb.Name != name || int(mb.Exists) != n) {
		return wrong("%s is %+v", name, mb)
	}
	return err
}

// inOtherState reports whether an error is the end of a connection, or a command that others left without its state.
func inOtherState(c *imap.Client, err error) bool {
	_, state := errors.AsType[*imap.StateError](err)
	return state || refusable(err) == nil || errors.Is(err, imap.ErrBusy) || errors.Is(err, imap.ErrInsecure) ||
		strings.Contains(err.Error(), "compressed already") || strings.Contains(err.Error(), "another mailbox") || strings.Contains(err.Error(), "TLS") ||
		errors.Is(err, imap.ErrClosed) && !isTimeout(err) && !isLimit(err)
}

// stressState changes the state of one connection from several goroutines at once.
func stressState(t *testing.T, s *stressClient, open func() (*imap.Client, error), stop time.Time) {
	w := &stresser{t: t, s: s}
	for time.Now().Before(stop) && !t.Failed() {
		c, err := open()
		if err != nil {
			t.Errorf("connecting: %v", err)
			return
		}
		var users sync.WaitGroup
		for range 3 {
			users.Go(func() {
				for i := 0; i < 40 && c.State() != imap.LoggedOut; i++ {
					w.change(c)
				}
			})
		}
		users.Wait()
		c.Close()
	}
}

// change makes a call that changes the state.
func (w *stresser) change(c *imap.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), stressPatience)
	defer cancel()
	if rand.IntN(5) == 0 {
		short, stop := context.WithTimeoutCause(ctx, time.Duration(rand.IntN(2000))*time.Microsecond, testkit.ErrGone)
		defer stop()
		ctx = short
	}
	n := rand.IntN(len(stressStates))
	err := stressStates[n](ctx, w, c)
	w.s.calls.Add(1)
	if err != nil && !(errors.Is(err, testkit.ErrGone) && ctx.Err() != nil) && (!inOtherState(c, err) || strings.HasPrefix(err.Error(), "WRONG")) {
		w.t.Errorf("change of state %d: %v", n, err)
	}
}

// TestStressCallsWork: without other calls and without cancellation, each call is answered.
func TestStressCallsWork(t *testing.T) {
	srv := stressServer(t)
	c, err := stressDialer(t, srv, "pipe")()
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	w := &stresser{t: t, s: &stressClient{}}
	for i, call := range stressCalls {
		for range 5 {
			require.NoError(t, call(testkit.Context(t), w, c), "call %d", i)
		}
	}
	for i, change := range stressStates[10:] {
		if err := change(testkit.Context(t), w, c); err != nil {
			require.True(t, inOtherState(c, err), "change of state %d: %v", 9+i, err)
		}
	}
}

// TestStressCallsEveryMethod: a new method needs a call here.
func TestStressCallsEveryMethod(t *testing.T) {
	files, err := filepath.Glob("internal/faults/stress*_test.go")
	require.NoError(t, err)
	var text strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		text.Write(b)
	}
	client, ctx := reflect.TypeFor[*imap.Client](), reflect.TypeFor[context.Context]()
	for m := range client.Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == ctx {
			assert.Contains(t, text.String(), "c."+m.Name+"(ctx", "no call of %s", m.Name)
		}
	}
}

// stressServer is a server with the mailboxes of the stress test.
func stressServer(t *testing.T) *imaptest.Server {
	srv := imaptest.New(t, nil)
	user := srv.User("user")
	for uid := 1; uid <= stressMessages; uid++ {
		user.Mailbox("INBOX").Append([]byte(stressBody(uid)), []string{fmt.Sprint("k", uid)}, time.Unix(int64(uid)*100000, 0))
	}
	for i := range 16 {
		user.Mailbox(fmt.Sprint("fixed-", i))
		for range i {
			user.Mailbox(fmt.Sprint("fixed-", i)).Append([]byte(stressBody(i)), nil, time.Now())
		}
	}
	return srv
}
