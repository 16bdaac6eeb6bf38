package faults_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// stressTime is how long each kind of connection is tested. IMAP_STRESS sets it, "1m" for example.
func stressTime(t *testing.T) time.Duration {
	text := os.Getenv("IMAP_STRESS")
	if text == "" {
		return 700 * time.Millisecond
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

const stressMessages = 120

// stressPatience is how long a call may take. On a busy machine a call waits a minute for its turn behind 15 others, each
// of several commands.
const stressPatience = 5 * time.Minute

// stressBody is message uid of the mailbox that all goroutines read: its content shows which message it is.
func stressBody(uid int) string {
	return fmt.Sprintf("Subject: s-%d-\r\nFrom: <u%d@example.com>\r\n\r\nbody of %d %s\r\n", uid, uid, uid, strings.Repeat(fmt.Sprint(uid, " "), uid*uid%700))
}

// TestStress lets 16 goroutines use one client, and others of their own, with every method, in loops and pipelines, some of
// which are cancelled or left. Each answer is compared with the request.
func TestStress(t *testing.T) {
	for _, kind := range []string{"pipe", "TCP", "TLS", "COMPRESS"} {
		t.Run(kind, func(t *testing.T) { testkit.LeftBehind(t, func() { stress(t, kind) }) })
	}
}

func stress(t *testing.T, kind string) {
	srv := stressServer(t)
	defer srv.Close()
	dial := stressDialer(t, srv, kind)
	shared, other, changing := &stressClient{dial: dial}, &stressClient{dial: dial}, &stressClient{tls: srv.ClientTLS()}
	stop := time.Now().Add(stressTime(t))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() { (&stresser{t: t, s: shared, id: i}).run(stop) })
	}
	for i := range 4 {
		wg.Go(func() { (&stresser{t: t, s: other, id: 16 + i}).run(stop) })
		wg.Go(func() { stressAlone(t, dial, i, stop) })
	}
	connect := stressConnector(t, srv, kind)
	for range 2 {
		wg.Go(func() { stressState(t, changing, connect, stop) })
	}
	wg.Wait()
	t.Logf("%d changes of state", changing.calls.Load())
	for _, s := range []*stressClient{shared, other} {
		if s.c != nil {
			s.c.Close()
		}
		t.Logf("%d calls, %d of them cancelled, %d busy, %d connections", s.calls.Load(), s.cancelled.Load(), s.busy.Load(), s.dials)
		// A call that is cancelled in the middle of its command closes the connection. That must be the exception.
		require.LessOrEqual(t, s.dials, 2+int(s.cancelled.Load())/4)
	}
}

// stressConnector returns a function that opens a connection of a kind and reads the greeting.
func stressConnector(t *testing.T, srv *imaptest.Server, kind string) func() (*imap.Client, error) {
	addr, err := srv.Listen()
	require.NoError(t, err)
	tlsAddr, err := srv.ListenTLS()
	require.NoError(t, err)
	return func() (*imap.Client, error) {
		var conn net.Conn
		var err error
		switch kind {
		case "pipe":
			conn = srv.Dial()
		case "TLS":
			conn, err = tls.Dial("tcp", tlsAddr, srv.ClientTLS())
		default:
			conn, err = net.Dial("tcp", addr)
		}
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), stressPatience)
		defer cancel()
		return imap.NewClient(ctx, conn, faultOptions)
	}
}

func stressDialer(t *testing.T, srv *imaptest.Server, kind string) func() (*imap.Client, error) {
	connect := stressConnector(t, srv, kind)
	return func() (*imap.Client, error) {
		ctx, cancel := context.WithTimeout(context.Background(), stressPatience)
		defer cancel()
		c, err := connect()
		if err == nil {
			err = c.Login(ctx, "user", "password")
		}
		if err == nil && kind == "COMPRESS" {
			err = c.Compress(ctx)
		}
		return c, err
	}
}

// stressClient is a client that many goroutines use. One that was closed is replaced.
type stressClient struct {
	dial                   func() (*imap.Client, error)
	tls                    *tls.Config // for StartTLS
	calls, cancelled, busy atomic.Int64

	mu    sync.Mutex
	c     *imap.Client
	dials int
}

func (s *stressClient) get() (*imap.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil && s.c.State() == imap.Selected {
		return s.c, nil
	}
	if s.c != nil {
		s.c.Close()
	}
	s.dials++
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	s.c = c
	_, err = c.Select(context.Background(), "INBOX", nil)
	return c, err
}

// stresser is one goroutine.
type stresser struct {
	t  *testing.T
	s  *stressClient
	id int
}

func (w *stresser) run(stop time.Time) {
	for time.Now().Before(stop) && !w.t.Failed() {
		c, err := w.s.get()
		if err != nil {
			if !errors.Is(err, imap.ErrClosed) && !errors.Is(err, imap.ErrBusy) {
				w.t.Errorf("connecting: %v", err)
			}
			continue
		}
		w.one(c)
	}
}

// one makes a call, some of which end early, and judges its error. The call itself judges the data.
func (w *stresser) one(c *imap.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), stressPatience)
	defer cancel()
	n := rand.IntN(len(stressCalls))
	call := stressCalls[n]
	if rand.IntN(3) == 0 {
		short, stop := context.WithTimeoutCause(ctx, time.Duration(rand.IntN(2000))*time.Microsecond, testkit.ErrGone)
		defer stop()
		ctx = short
	}
	before := w.s.calls.Load()
	err := call(ctx, w, c)
	ended := w.s.calls.Add(1) - before
	switch {
	case err == nil:
	case errors.Is(err, imap.ErrBusy):
		w.s.busy.Add(1)
		time.Sleep(time.Millisecond) // another caller reads a stream
	case errors.Is(err, testkit.ErrGone) && ctx.Err() != nil:
		w.s.cancelled.Add(1)
	case errors.Is(err, imap.ErrClosed) && c.State() == imap.LoggedOut && !isTimeout(err) && !isLimit(err):
	case isState(err) && strings.Contains(err.Error(), "was opened by a call that was given up"):
		w.s.cancelled.Add(1) // another goroutine gave up its SELECT
	case strings.Contains(err.Error(), "another mailbox was selected"): // by another goroutine, while the call waited
		w.s.busy.Add(1)
	default:
		w.t.Errorf("call %d, while %d others ended: %v", n, ended-1, err)
	}
}

func isLimit(err error) bool {
	_, ok := errors.AsType[*imap.LimitError](err)
	return ok
}

func isState(err error) bool {
	_, ok := errors.AsType[*imap.StateError](err)
	return ok
}

func anyUID() int { return 1 + rand.IntN(stressMessages) }

// wrong is an answer that does not match the request.
func wrong(format string, args ...any) error { return fmt.Errorf("WRONG: "+format, args...) }

// checkRow compares a message with the request.
func checkRow(m *imap.Message, first, last int) error {
	uid := int(m.UID)
	switch {
	case uid < first || uid > last || int(m.SeqNum) != uid:
		return wrong("message %d is not in %d:%d", uid, first, last)
	case string(m.Section(imap.Section{})) != stressBody(uid):
		return wrong("body of %d: %.40q", uid, m.Section(imap.Section{}))
	case m.Size != int64(len(stressBody(uid))):
		return wrong("size of %d", uid)
	}
	return nil
}

func fetchChecked(ctx context.Context, c *imap.Client) error {
	uid := anyUID()
	m, err := c.FetchOne(ctx, imap.UID(uid), imap.Section{}, imap.FetchSize)
	if err != nil {
		return err
	}
	if m == nil {
		return wrong("no message %d", uid)
	}
	return checkRow(m, uid, uid)
}

// stressCalls are the calls from which the goroutines choose.
var stressCalls = slices.Concat([]func(ctx context.Context, w *stresser, c *imap.Client) error{
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Noop(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return c.Check(ctx) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return fetchChecked(ctx, c) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		caps, err := c.Capability(ctx)
		if err == nil && !caps.Has("IDLE") {
			return wrong("capabilities")
		}
		return err
	},
	stressLoop, stressLoop, stressStream, stressIdle, stressPipeline, stressSearch, stressStore, stressAppend, stressCopy,
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		i := rand.IntN(16)
		st, err := c.Status(ctx, fmt.Sprint("fixed-", i), imap.StatusMessages)
		if err == nil && (st.Messages == nil || int(*st.Messages) != i) {
			return wrong("status of fixed-%d: %+v", i, st)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		name := fmt.Sprint("fixed-", 1+rand.IntN(15))
		list, err := c.List(ctx, "", name, nil)
		if err == nil && (len(list) != 1 || list[0].Name != name) {
			return wrong("list of %s: %v", name, list)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		key := fmt.Sprint("/private/comment-", w.id)
		if err := c.SetMetadata(ctx, "INBOX", map[string][]byte{key: []byte(key)}); err != nil {
			return err
		}
		got, err := c.GetMetadata(ctx, "INBOX", key)
		if err == nil && string(got[key]) != key {
			return wrong("metadata %q", got)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		box := fmt.Sprint("own-", w.id, "-", rand.IntN(1e9))
		if err := c.Create(ctx, box, nil); err != nil {
			return err
		}
		if err := c.Subscribe(ctx, box); err != nil {
			return err
		}
		if err := c.Rename(ctx, box, box+"x"); err != nil {
			return err
		}
		return c.Delete(ctx, box+"x")
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		box := fmt.Sprint("missing-", w.id)
		e, ok := errors.AsType[*imap.Error](c.Delete(ctx, box))
		if !ok || e.Status == "BYE" {
			return c.Noop(ctx)
		}
		if e.Command != "DELETE" || e.Status != "NO" {
			return wrong("error %v", e)
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		mb, err := c.Select(ctx, "INBOX", nil)
		if err == nil && (mb.Name != "INBOX" || mb.Exists != stressMessages) {
			return wrong("mailbox %+v", mb)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		c.Events()
		if mb := c.Mailbox(); mb != nil && mb.Exists != 0 && mb.Exists != stressMessages {
			return wrong("mailbox %+v", mb)
		}
		_, err := c.Namespace(ctx)
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		resp, err := c.Do(ctx, "UID SEARCH", imap.Atom("UID 7"))
		if err == nil && (len(resp.Untagged) == 0 || resp.Untagged[0].Name != "SEARCH" && resp.Untagged[0].Name != "FETCH") {
			return wrong("%+v", resp)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		uid := anyUID()
		uids, err := c.Sort(ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where().In(imap.UIDRange(imap.UID(uid), imap.UID(min(uid+3, stressMessages)))))
		if err == nil && (len(uids) != min(4, stressMessages-uid+1) || int(uids[len(uids)-1]) != uid) {
			return wrong("sort of %d: %v", uid, uids)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		uid := anyUID()
		threads, err := c.Thread(ctx, "REFERENCES", imap.Where().Subject(fmt.Sprintf("s-%d-", uid)))
		if err == nil && (len(threads) != 1 || int(threads[0].Num) != uid) {
			return wrong("thread of %d: %v", uid, threads)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		rights, err := c.MyRights(ctx, "INBOX")
		if err == nil && !strings.Contains(rights, "l") {
			return wrong("rights %q", rights)
		}
		return err
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		quotas, err := c.GetQuotaRoot(ctx, "INBOX")
		if err == nil && len(quotas) == 0 {
			return wrong("quota %v", quotas)
		}
		return err
	},
}, stressExtensions, stressRest)

// stressLoop fetches a range, with commands inside, and leaves some loops early.
func stressLoop(ctx context.Context, w *stresser, c *imap.Client) error {
	first := anyUID()
	last := min(first+rand.IntN(40), stressMessages)
	leave := rand.IntN(60)
	nested := rand.IntN(8)
	var set imap.NumSet = imap.UIDRange(imap.UID(first), imap.UID(last))
	if rand.IntN(2) == 0 {
		set = imap.SeqRange(imap.SeqNum(first), imap.SeqNum(last))
	}
	next := first
	for m, err := range c.Fetch(ctx, set, imap.FetchSize, imap.FetchFlags, imap.Section{}) {
		if m == nil {
			return err
		}
		if err := checkRow(m, first, last); err != nil {
			return err
		}
		if int(m.UID) != next {
			return wrong("message %d in the place of %d", m.UID, next)
		}
		next++
		if next-first == nested {
			if err := fetchChecked(ctx, c); err != nil {
				return err
			}
		}
		if next-first == leave {
			return nil
		}
	}
	if next != last+1 {
		return wrong("the loop over %d:%d ended at %d", first, last, next)
	}
	return nil
}

// stressStream reads bodies from the wire, some of them in part.
func stressStream(ctx context.Context, w *stresser, c *imap.Client) error {
	first := anyUID()
	last := min(first+rand.IntN(10), stressMessages)
	part := rand.IntN(3) == 0
	for m, err := range c.FetchStream(ctx, imap.UIDRange(imap.UID(first), imap.UID(last)), imap.FetchSize, imap.Section{}) {
		if m == nil {
			return err
		}
		want := stressBody(int(m.UID))
		for b, err := range m.Bodies() {
			if err != nil {
				return err
			}
			if part {
				want = want[:min(50, len(want))]
			}
			got, err := io.ReadAll(io.LimitReader(b, int64(len(want))))
			if err != nil {
				return err
			}
			if string(got) != want || int(m.UID) < first || int(m.UID) > last {
				return wrong("body of %d in %d:%d: %.40q", m.UID, first, last, got)
			}
		}
		if rand.IntN(10) == 0 {
			return nil
		}
	}
	return nil
}

// stressIdle runs IDLE for a moment, with a command inside. A For of 0 would not end.
func stressIdle(ctx context.Context, w *stresser, c *imap.Client) error {
	for ev, err := range c.Idle(ctx, &imap.IdleOptions{For: time.Duration(1+rand.IntN(3000)) * time.Microsecond}) {
		if err != nil {
			return err
		}
		if e, ok := ev.(*imap.ExistsEvent); ok && e.Count != stressMessages {
			return wrong("event %+v", e)
		}
		if err := fetchChecked(ctx, c); err != nil {
			return err
		}
		if rand.IntN(2) == 0 {
			return nil
		}
	}
	return nil
}

// stressPipeline sends several commands at once.
func stressPipeline(ctx context.Context, w *stresser, c *imap.Client) error {
	p := c.Pipeline()
	for i := range 1 + rand.IntN(8) {
		p.Go(func(c *imap.Client) error {
			switch (i + w.id) % 4 {
			case 0:
				return stressSearch(ctx, w, c)
			case 1:
				return c.Noop(ctx)
			}
			return fetchChecked(ctx, c)
		})
	}
	return p.Wait()
}

func stressSearch(ctx context.Context, w *stresser, c *imap.Client) error {
	uid := anyUID()
	q := imap.Where().Subject(fmt.Sprintf("s-%d-", uid))
	if rand.IntN(2) == 0 {
		res, err := c.SearchSeq(ctx, q, nil)
		if err == nil && res.Seqs.String() != fmt.Sprint(uid) {
			return wrong("search of %d: %v", uid, res)
		}
		return err
	}
	res, err := c.Search(ctx, q, &imap.SearchOptions{All: true, Count: true})
	if err == nil && (res.UIDs.String() != fmt.Sprint(uid) || res.Count != 1) {
		return wrong("search of %d: %v", uid, res)
	}
	return err
}

// stressStore sets a flag of its own on a message; other flags come and go.
func stressStore(ctx context.Context, w *stresser, c *imap.Client) error {
	uid := anyUID()
	flag := imap.Flag(fmt.Sprint("g", w.id))
	res, err := c.Store(ctx, imap.UIDs(imap.UID(uid)), imap.AddFlags(flag), nil)
	if err != nil {
		return err
	}
	for _, m := range res.Messages {
		if int(m.UID) != uid && int(m.SeqNum) != uid {
			return wrong("STORE of %d says %d", uid, m.UID)
		}
	}
	m, err := c.FetchOne(ctx, imap.UID(uid), imap.FetchFlags)
	if err != nil {
		return err
	}
	if flags := fmt.Sprint(m.Flags, " "); !strings.Contains(flags, fmt.Sprint("k", uid)) || !strings.Contains(flags, string(flag)) {
		return wrong("flags of %d: %v", uid, m.Flags)
	}
	// A change is an event for all goroutines that fetch meanwhile.
	_, err = c.Store(ctx, imap.UIDs(imap.UID(uid)), imap.RemoveFlags(flag), &imap.StoreOptions{Silent: rand.IntN(2) == 0})
	return err
}

func stressAppend(ctx context.Context, w *stresser, c *imap.Client) error {
	box := fmt.Sprint("appended-", w.id)
	if err := c.Create(ctx, box, nil); err != nil {
		if e, ok := errors.AsType[*imap.Error](err); !ok || e.Code != imap.CodeAlreadyExists {
			return err
		}
	}
	var last imap.UID
	for range 3 {
		res, err := c.Append(ctx, box, imap.LiteralString(stressBody(rand.IntN(50))), nil)
		if err != nil {
			return err
		}
		if res.UID <= last {
			return wrong("UID %d after %d", res.UID, last)
		}
		last = res.UID
	}
	return nil
}

func stressCopy(ctx context.Context, w *stresser, c *imap.Client) error {
	uid := imap.UID(anyUID())
	res, err := c.Copy(ctx, imap.UIDs(uid), "fixed-0-copies")
	if imap.CodeOf(err) == imap.CodeTryCreate {
		err = c.Create(ctx, "fixed-0-copies", nil)
		if imap.CodeOf(err) == imap.CodeAlreadyExists {
			err = nil
		}
		return err
	}
	if err == nil && res.Source.String() != fmt.Sprint(uid) {
		return wrong("copy of %d: %v", uid, res)
	}
	return err
}

// stressAlone moves and expunges messages of a mailbox that no other goroutine uses, and compares what is left.
func stressAlone(t *testing.T, dial func() (*imap.Client, error), id int, stop time.Time) {
	box, away := fmt.Sprint("alone-", id), fmt.Sprint("away-", id)
	c, err := dial()
	if err != nil {
		t.Errorf("connecting: %v", err)
		return
	}
	defer func() { c.Close() }()
	c.Create(context.Background(), box, nil)
	c.Create(context.Background(), away, nil)
	for time.Now().Before(stop) && !t.Failed() {
		if err := moveAndExpunge(c, box, away); err != nil {
			t.Errorf("alone: %v", err)
			return
		}
	}
}

func moveAndExpunge(c *imap.Client, box, away string) error {
	ctx, cancel := context.WithTimeout(context.Background(), stressPatience)
	defer cancel()
	var uids []imap.UID
	for range 4 {
		res, err := c.Append(ctx, box, imap.LiteralString(stressBody(1)), nil)
		if err != nil {
			return err
		}
		uids = append(uids, res.UID)
	}
	if _, err := c.Select(ctx, box, nil); err != nil {
		return err
	}
	if _, err := c.Move(ctx, imap.UIDs(uids[0]), away); err != nil {
		return err
	}
	if _, err := c.Store(ctx, imap.UIDs(uids[1], uids[2]), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true}); err != nil {
		return err
	}
	gone, err := c.UIDExpunge(ctx, imap.UIDs(uids[1], uids[3]))
	if err != nil {
		return err
	}
	if len(gone.SeqNums) != 1 {
		return wrong("expunged %+v", gone)
	}
	left, err := c.Search(ctx, imap.Where(), nil)
	if err != nil {
		return err
	}
	if left.UIDs.String() != imap.UIDs(uids[2], uids[3]).String() || c.Mailbox().Exists != 2 {
		return wrong("left %v of %v", left.UIDs, uids)
	}
	if _, err := c.Store(ctx, imap.UIDs(uids[3]), imap.AddFlags(imap.FlagDeleted), nil); err != nil {
		return err
	}
	if _, err := c.Expunge(ctx); err != nil {
		return err
	}
	if n := c.Mailbox().Exists; n != 0 {
		return wrong("%d messages left", n)
	}
	return c.CloseMailbox(ctx)
}
