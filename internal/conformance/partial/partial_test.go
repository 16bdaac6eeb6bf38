package partial_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPartialAnswers: a server that processes three messages at once is asked for the rest, below the UID that it names.
func TestPartialAnswers(t *testing.T) {
	const rows = `
		S: * 9 FETCH (UID 19 FLAGS ())
		S: * 8 FETCH (UID 18 FLAGS ())
		S: $ OK [MESSAGELIMIT 2 18] a part
	`
	for name, test := range map[string]struct {
		script string
		call   func(t *testing.T, c *imap.Client)
	}{
		"Fetch": {"C: $ UID FETCH 5:* (UID FLAGS)" + rows + `
			C: $ UID FETCH 5:17 (UID FLAGS)
			S: * 1 FETCH (UID 11 FLAGS ())
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			all, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 0), imap.FetchFlags))
			require.NoError(t, err)
			assert.Equal(t, []imap.UID{19, 18, 11}, testkit.UIDsOf(all))
		}},
		"Fetch, NO": {`
			C: $ UID FETCH 5:19 (UID FLAGS)
			S: * 9 FETCH (UID 19 FLAGS ())
			S: * 8 FETCH (UID 18 FLAGS ())
			S: $ NO [MESSAGELIMIT 2 18] a part
			C: $ UID FETCH 5:17 (UID FLAGS)
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			all, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19), imap.FetchFlags))
			require.NoError(t, err)
			assert.Equal(t, []imap.UID{19, 18}, testkit.UIDsOf(all))
		}},
		"Fetch, upwards": {`
			C: $ UID FETCH 5:19 (UID FLAGS)
			S: * 1 FETCH (UID 5 FLAGS ())
			S: * 2 FETCH (UID 6 FLAGS ())
			S: $ OK [MESSAGELIMIT 2 6] a part
		`, func(t *testing.T, c *imap.Client) {
			all, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19), imap.FetchFlags))
			assert.Equal(t, "2 6 ", partialOf(t, err))
			assert.Len(t, all, 2)
		}},
		"Fetch, no progress": {`
			C: $ UID FETCH 5:19 (UID FLAGS)
			S: $ OK [MESSAGELIMIT 2 30] a part
		`, func(t *testing.T, c *imap.Client) {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19), imap.FetchFlags))
			assert.Equal(t, "2 30 ", partialOf(t, err))
		}},
		"Fetch, without a UID": {`
			C: $ UID FETCH 5:19 (UID FLAGS)
			S: * 1 FETCH (UID 5 FLAGS ())
			S: $ OK [MESSAGELIMIT 1] a part
		`, func(t *testing.T, c *imap.Client) {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19), imap.FetchFlags))
			assert.Equal(t, "1 0 ", partialOf(t, err))
		}},
		"Fetch of a part of its own": {`
			C: $ UID FETCH 5:19 (UID FLAGS) (PARTIAL 1:9)
			S: * 9 FETCH (UID 19 FLAGS ())
			S: $ OK [MESSAGELIMIT 1 19] a part
		`, func(t *testing.T, c *imap.Client) {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19), imap.FetchFlags, imap.FetchPartial(1, 9)))
			assert.Equal(t, "1 19 ", partialOf(t, err))
		}},
		"FetchStream": {"C: $ UID FETCH 5:* (UID FLAGS)" + rows + `
			C: $ UID FETCH 5:17 (UID FLAGS)
			S: * 1 FETCH (UID 11 FLAGS ())
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			n := 0
			for _, err := range c.FetchStream(testkit.Context(t), imap.UIDRange(5, 0), imap.FetchFlags) {
				require.NoError(t, err)
				n++
			}
			assert.Equal(t, 3, n)
		}},
		"Fetch by number, and one goes": {`
			C: $ FETCH 6:9 (UID FLAGS)
			S: * 9 FETCH (UID 19 FLAGS ())
			S: * 8 FETCH (UID 18 FLAGS ())
			S: $ OK [MESSAGELIMIT 2 18] a part
			C: $ NOOP
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ FETCH 5:8 (UID)
			S: * 5 FETCH (UID 16)
			S: * 6 FETCH (UID 17)
			S: * 7 FETCH (UID 18)
			S: * 8 FETCH (UID 19)
			S: $ OK done
			C: $ UID FETCH 16:17 (UID FLAGS)
			S: * 5 FETCH (UID 16 FLAGS ())
			S: * 6 FETCH (UID 17 FLAGS ())
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			var all []*imap.Message
			for m, err := range c.Fetch(testkit.Context(t), imap.SeqRange(6, 9), imap.FetchFlags) {
				require.NoError(t, err)
				if all = append(all, m); len(all) == 2 {
					require.NoError(t, c.Noop(testkit.Context(t)))
				}
			}
			assert.Equal(t, []imap.UID{19, 18, 16, 17}, testkit.UIDsOf(all))
		}},
		"Store": {"C: $ UID STORE 5:19 +FLAGS (\\Seen)" + rows + `
			C: $ UID STORE 5:17 +FLAGS (\Seen)
			S: * 1 FETCH (UID 11 FLAGS ())
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Store(testkit.Context(t), imap.UIDRange(5, 19), imap.AddFlags(imap.FlagSeen), nil)
			require.NoError(t, err)
			assert.Equal(t, []imap.UID{19, 18, 11}, testkit.UIDsOf(res.Messages))
		}},
		"Copy": {`
			C: $ UID COPY 5:19 b
			S: $ NO [MESSAGELIMIT 2 18] too many
			C: $ UID SEARCH UID 5:19
			S: * SEARCH 6 7 8 19 20
			S: $ OK done
			C: $ UID COPY 8,19 b
			S: $ OK [COPYUID 7 8,19 1:2] done
			C: $ UID COPY 6:7 b
			S: $ OK [COPYUID 7 6:7 3:4] done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Copy(testkit.Context(t), imap.UIDRange(5, 19), "b")
			require.NoError(t, err)
			assert.EqualValues(t, 4, res.Dest.Len())
		}},
		"Copy, still too many": {`
			C: $ UID COPY 5:7 b
			S: $ NO [MESSAGELIMIT 2] too many
			C: $ UID SEARCH UID 5:7
			S: * SEARCH 5 6 7
			S: $ OK done
			C: $ UID COPY 6:7 b
			S: $ NO [MESSAGELIMIT 2] too many
			C: $ UID SEARCH UID 6:7
			S: * SEARCH 6 7
			S: $ OK done
			C: $ UID COPY 7 b
			S: $ NO [MESSAGELIMIT 2] too many
			C: $ UID SEARCH UID 7
			S: * SEARCH 7
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			_, err := c.Copy(testkit.Context(t), imap.UIDRange(5, 7), "b")
			assert.Equal(t, "2 0 ", partialOf(t, err))
			assert.Equal(t, imap.CodeMessageLimit, imap.CodeOf(err))
		}},
		"Move": {`
			C: $ UID MOVE 5:19 b
			S: * OK [COPYUID 7 18:19 1:2] a part
			S: * 9 EXPUNGE
			S: * 8 EXPUNGE
			S: $ OK [MESSAGELIMIT 2 18] a part
			C: $ UID MOVE 5:17 b
			S: $ OK [COPYUID 7 6 3] done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Move(testkit.Context(t), imap.UIDRange(5, 19), "b")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDRange(1, 3), imap.UIDs(slices.Collect(res.Dest.All())...))
		}},
		"Move of what was saved": {`
			C: $ UID MOVE $ b
			S: * OK [COPYUID 7 18:19 1:2] a part
			S: $ OK [MESSAGELIMIT 2 18] a part
		`, func(t *testing.T, c *imap.Client) {
			_, err := c.Move(testkit.Context(t), imap.SavedResult, "b")
			assert.Equal(t, "2 18 ", partialOf(t, err))
		}},
		"UIDExpunge": {`
			C: $ UID EXPUNGE 5:19
			S: * 9 EXPUNGE
			S: $ OK [MESSAGELIMIT 1 19] a part
			C: $ UID EXPUNGE 5:18
			S: * 8 EXPUNGE
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.UIDExpunge(testkit.Context(t), imap.UIDRange(5, 19))
			require.NoError(t, err)
			assert.Equal(t, []imap.SeqNum{9, 8}, res.SeqNums)
		}},
		"Expunge": {`
			C: $ EXPUNGE
			S: * 9 EXPUNGE
			S: $ OK [MESSAGELIMIT 1 19] a part
			C: $ EXPUNGE
			S: $ OK [MESSAGELIMIT 1 19] a part
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Expunge(testkit.Context(t))
			assert.Equal(t, "1 19 ", partialOf(t, err))
			assert.Len(t, res.SeqNums, 1)
		}},
		"Search": {`
			C: $ UID SEARCH UNSEEN
			S: * SEARCH 18 19
			S: $ OK [MESSAGELIMIT 2 18] a part
			C: $ UID SEARCH UNSEEN UID 1:17
			S: * SEARCH 7 9
			S: $ OK [MESSAGELIMIT 2 7] a part
			C: $ UID SEARCH UNSEEN UID 1:6
			S: * SEARCH 3
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where().Unseen(), nil)
			require.NoError(t, err)
			assert.Equal(t, &imap.SearchResult{UIDs: imap.UIDs(3, 7, 9, 18, 19), Min: 3, Max: 19, Count: 5}, res)
		}},
		"Search, the same UID again": {`
			C: $ UID SEARCH UNSEEN
			S: * SEARCH 18 19
			S: $ OK [MESSAGELIMIT 2 18] a part
			C: $ UID SEARCH UNSEEN UID 1:17
			S: * SEARCH
			S: $ OK [MESSAGELIMIT 2 18] a part
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where().Unseen(), nil)
			assert.Equal(t, "2 18 ", partialOf(t, err))
			assert.Equal(t, imap.UIDs(18, 19), res.UIDs)
		}},
		"SearchSeq, and one goes": {`
			C: $ SEARCH UNSEEN
			S: * SEARCH 8 9
			S: $ OK [MESSAGELIMIT 2 18] a part
			C: $ SEARCH UNSEEN UID 1:17
			S: * 8 EXPUNGE
			S: * SEARCH 2 3
			S: $ OK done
		`, func(t *testing.T, c *imap.Client) {
			res, err := c.SearchSeq(testkit.Context(t), imap.Where().Unseen(), nil)
			require.NoError(t, err)
			assert.Equal(t, &imap.SearchResult{Seqs: imap.Seqs(2, 3, 8), Min: 2, Max: 8, Count: 3}, res)
		}},
		"Sort": {`
			C: $ UID SORT (DATE) UTF-8 ALL
			S: * SORT 18 19
			S: $ OK [MESSAGELIMIT 2 18] a part
		`, func(t *testing.T, c *imap.Client) {
			_, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where())
			assert.Equal(t, "2 18 ", partialOf(t, err))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "MOVE UIDPLUS PARTIAL SEARCHRES SORT", "C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\n"+test.script+testkit.OnlyNoop)
			testkit.Open(t, c, "INBOX")
			test.call(t, c)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestStopAtLimit: with Options.StopAtLimit the error names where to continue.
func TestStopAtLimit(t *testing.T) {
	conn := imaptest.DialScript(t, `
		S: * PREAUTH [CAPABILITY IMAP4rev1] hi
		C: $ SELECT INBOX
		S: * 9 EXISTS
		S: $ OK done
		C: $ UID FETCH 5:19 (UID)
		S: * 9 FETCH (UID 19)
		S: $ OK [MESSAGELIMIT 1 19] a part
		C: $ UID SEARCH ALL
		S: * SEARCH 19
		S: $ OK [MESSAGELIMIT 1 19] a part
	`)
	c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{StopAtLimit: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	testkit.Open(t, c, "INBOX")
	all, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(5, 19)))
	assert.Equal(t, "1 19 5:18", partialOf(t, err))
	assert.Len(t, all, 1)
	res, err := c.Search(testkit.Context(t), imap.Where(), nil)
	assert.Equal(t, "1 19 ", partialOf(t, err))
	assert.Equal(t, imap.UIDs(19), res.UIDs)
}

// partialOf returns a PartialError in short form.
func partialOf(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*imap.PartialError](err)
	require.True(t, ok, "%v", err)
	assert.False(t, imap.SafeToRetry(err))
	return fmt.Sprintf("%d %d %v", e.Limit, e.UID, e.Rest)
}

// TestMirrorOfManyMessages follows a mailbox of very many messages with Sync, on a server that processes 1,000 at once.
// There are 20,000, or the number in IMAP_MESSAGES.
func TestMirrorOfManyMessages(t *testing.T) {
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv("IMAP_MESSAGES")); err == nil {
		total = n
	}
	for name, without := range map[string][]string{"QRESYNC": nil, "CONDSTORE": {"QRESYNC"}, "neither": {"CONDSTORE"}} {
		t.Run(name, func(t *testing.T) {
			srv := imaptest.New(t, &imaptest.Options{NoCaps: without, PreAuth: "user", MessageLimit: 1000})
			box := srv.User("user").Mailbox("INBOX")
			raw := []byte("Subject: x\r\n\r\n")
			for range total {
				box.Append(raw, nil, time.Now())
			}
			var gone []uint32
			for uid := uint32(7); int(uid) < total; uid += 11 {
				gone = append(gone, uid)
			}
			box.Expunge(gone...)
			held := map[imap.UID][]imap.Flag{}
			state := imap.SyncState{}
			mirror := func() {
				c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
				require.NoError(t, err)
				defer c.Close()
				start := time.Now()
				res, err := c.Sync(testkit.Context(t), "INBOX", state, nil)
				require.NoError(t, err)
				testkit.ApplySync(t, c, res, held)
				state = res.State
				t.Logf("%d messages: %d new, %d changed, %d gone, in %v", len(held), res.New.Len(), len(res.Changed), res.Vanished.Len(), time.Since(start))
				require.Equal(t, testkit.FlagsByUID(box), held)
				require.EqualValues(t, len(held), state.UIDs.Len())
			}
			mirror()
			for uid := uint32(5); int(uid) < total; uid += 13 {
				box.SetFlags(uid, `\Seen`)
			}
			box.Append(raw, nil, time.Now())
			mirror()
		})
	}
}

// TestNoEventsOfGoingOn: a call that continues by itself leaves no event for each part, of which a large mailbox has more than
// the queue holds.
func TestNoEventsOfGoingOn(t *testing.T) {
	srv := imaptest.New(t, &imaptest.Options{PreAuth: "user", MessageLimit: 1})
	box := srv.User("user").Mailbox("INBOX")
	srv.User("user").Mailbox("Sent")
	for range 5 {
		box.Append([]byte("Subject: x\r\n\r\nx\r\n"), nil, time.Now())
	}
	c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
	require.NoError(t, err)
	defer c.Close()
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	all := imap.UIDRange(1, 0)
	for _, tt := range []struct {
		name string
		call func() error
	}{
		{"Fetch", func() error { return testkit.Drain(c.Fetch(ctx, all, imap.FetchFlags)) }},
		{"Search", func() error { _, err := c.Search(ctx, imap.Where(), nil); return err }},
		{"SearchSeq", func() error { _, err := c.SearchSeq(ctx, imap.Where(), nil); return err }},
		{"Store", func() error { _, err := c.Store(ctx, all, imap.AddFlags(imap.FlagFlagged), nil); return err }},
		{"Copy", func() error { _, err := c.Copy(ctx, all, "Sent"); return err }},
		{"FetchText", func() error { return testkit.Drain(c.FetchText(ctx, all, nil)) }},
		{"Sync", func() error { _, err := c.Sync(ctx, "INBOX", imap.SyncState{}, nil); return err }},
		{"Move", func() error { _, err := c.Move(ctx, all, "Sent"); return err }},
	} {
		require.NoError(t, tt.call(), tt.name)
		for _, ev := range c.Events() {
			if code, ok := ev.(*imap.CodeEvent); ok {
				t.Errorf("%s: %+v", tt.name, code)
			}
		}
	}
	assert.Empty(t, box.Messages())
}

// TestNothingIsLost runs Move, Copy, Store and UIDExpunge on a server that processes a few messages at once while messages
// arrive and are removed, and checks where each message is: none is lost, and none was changed that was not named.
func TestNothingIsLost(t *testing.T) {
	rounds := 60
	if n, err := strconv.Atoi(os.Getenv("IMAP_ROUNDS")); err == nil {
		rounds = n
	}
	for seed := range rounds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 11))
			w := newLossWorld(t, r)
			for range 6 {
				w.step(t)
			}
			w.check(t)
		})
	}
}

// lossWorld is a server whose messages arrive and are removed before each command. The n-th message has the UID n, and its
// text contains the number.
type lossWorld struct {
	r       *rand.Rand
	c       *imap.Client
	a, b    *imaptest.Mailbox
	arrived int
	expunge bool // other clients remove messages
	gone    map[string]bool
	flagged map[imap.UID]bool // that a Store may have marked
}

func newLossWorld(t *testing.T, r *rand.Rand) *lossWorld {
	w := &lossWorld{r: r, gone: map[string]bool{}, flagged: map[imap.UID]bool{}, expunge: r.IntN(2) == 0}
	var without []string
	for _, name := range []string{"MOVE", "ESEARCH", "CONDSTORE", "UIDONLY", "LITERAL+"} {
		if r.IntN(2) == 0 {
			without = append(without, name)
		}
	}
	opts := &imaptest.Options{NoCaps: without, PreAuth: "user", MessageLimit: []int{0, 1, 2, 3, 5, 100}[r.IntN(6)]}
	opts.Hooks.Command = func(int, []byte) { w.happen() }
	opts.Style.NoUIDNext = r.IntN(4) == 0
	srv := imaptest.New(t, opts)
	w.a, w.b = srv.User("user").Mailbox("INBOX"), srv.User("user").Mailbox("b")
	for range 12 {
		w.deliver()
	}
	c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	w.c = c
	if r.IntN(3) == 0 {
		_, err = c.Enable(testkit.Context(t), []string{"UIDONLY", "QRESYNC"}[r.IntN(2)])
		_ = err // a server without it is as good
	}
	testkit.Open(t, c, "INBOX")
	return w
}

// happen lets messages arrive and removes some.
func (w *lossWorld) happen() {
	for range w.r.IntN(3) {
		if w.expunge && w.r.IntN(3) == 0 {
			if list := w.a.Messages(); len(list) > 0 {
				m := list[w.r.IntN(len(list))]
				w.gone[string(m.Raw)] = true
				w.a.Expunge(m.UID)
			}
			continue
		}
		w.deliver()
	}
}

func (w *lossWorld) deliver() {
	w.arrived++
	w.a.Append(fmt.Appendf(nil, "Subject: %d\r\n\r\n", w.arrived), nil, time.Now())
}

// named returns which UIDs a set names now; nil if the test does not know.
func (w *lossWorld) named(set imap.NumSet) func(imap.UID) bool {
	list := w.a.Messages()
	switch set := set.(type) {
	case imap.UIDSet:
		last := imap.UID(0)
		if len(list) > 0 {
			last = imap.UID(list[len(list)-1].UID)
		}
		star := set[len(set)-1].Stop == 0
		if star && w.expunge {
			return nil
		}
		return func(uid imap.UID) bool { return set.Contains(uid) || star && uid >= last }
	case imap.SeqSet:
		if !w.expunge {
			return func(uid imap.UID) bool {
				i := slices.IndexFunc(list, func(m imaptest.MessageInfo) bool { return imap.UID(m.UID) == uid })
				return i >= 0 && set.Contains(imap.SeqNum(i+1))
			}
		}
	}
	return nil
}

// texts counts the messages of a mailbox by their texts.
func texts(boxes ...*imaptest.Mailbox) map[string]int {
	there := map[string]int{}
	for _, box := range boxes {
		for _, m := range box.Messages() {
			there[string(m.Raw)]++
		}
	}
	return there
}

// landed checks that every message that arrived in b since was named.
func (w *lossWorld) landed(t *testing.T, before map[string]int, named func(imap.UID) bool) {
	for text, n := range texts(w.b) {
		uid := 0
		_, err := fmt.Sscanf(text, "Subject: %d", &uid)
		require.NoError(t, err)
		if n > before[text] && named != nil {
			assert.True(t, named(imap.UID(uid)), "message %d was not named", uid)
		}
	}
}

// set names messages in some way.
func (w *lossWorld) set() imap.NumSet {
	list := w.a.Messages()
	last := imap.UID(1)
	if len(list) > 0 {
		last = imap.UID(list[len(list)-1].UID)
	}
	switch w.r.IntN(5) {
	case 0:
		return imap.UIDRange(1, 0)
	case 1:
		return imap.UIDRange(1, last+50)
	case 2:
		return imap.UIDs(1+imap.UID(w.r.IntN(int(last)+3)), 1+imap.UID(w.r.IntN(int(last)+3)), 0)
	case 3:
		if box := w.c.Mailbox(); box != nil && box.Exists > 0 {
			return imap.SeqRange(1, imap.SeqNum(1+w.r.IntN(int(box.Exists))))
		}
	}
	return imap.UIDRange(1+imap.UID(w.r.IntN(int(last))), last)
}

// step makes one call. Its error does not matter, only its effect.
func (w *lossWorld) step(t *testing.T) {
	ctx, set := testkit.Context(t), w.set()
	named, before := w.named(set), texts(w.b)
	switch w.r.IntN(5) {
	case 0, 1:
		res, err := w.c.Move(ctx, set, "b")
		t.Logf("Move %v: %+v, %v", set, res, err)
		w.landed(t, before, named)
		for text, n := range texts(w.b) {
			if again := texts(w.a)[text]; err == nil && n > before[text] {
				assert.Zero(t, again, "%q was moved and is there still", text)
			}
		}
	case 2:
		res, err := w.c.Copy(ctx, set, "b")
		t.Logf("Copy %v: %+v, %v", set, res, err)
		w.landed(t, before, named)
	case 3:
		_, err := w.c.Store(ctx, set, imap.AddFlags(imap.FlagFlagged), nil)
		t.Logf("Store %v: %v", set, err)
		for _, m := range slices.Concat(w.a.Messages(), w.b.Messages()) {
			uid := 0
			_, err := fmt.Sscanf(string(m.Raw), "Subject: %d", &uid)
			require.NoError(t, err)
			if slices.Contains(m.Flags, `\Flagged`) && named != nil && !w.flagged[imap.UID(uid)] {
				assert.True(t, named(imap.UID(uid)), "message %d was not named", uid)
			}
			w.flagged[imap.UID(uid)] = w.flagged[imap.UID(uid)] || slices.Contains(m.Flags, `\Flagged`)
		}
	case 4:
		res, err := w.c.Sync(ctx, "INBOX", imap.SyncState{}, nil)
		t.Logf("Sync: %v", err)
		if err == nil {
			assert.EqualValues(t, res.State.UIDs.Len(), res.New.Len())
		}
	}
}

// check looks for each message that ever arrived.
func (w *lossWorld) check(t *testing.T) {
	there := texts(w.a, w.b)
	for i := range w.arrived {
		text := fmt.Sprintf("Subject: %d\r\n\r\n", i+1)
		assert.True(t, there[text] > 0 || w.gone[text], "message %d is lost", i+1)
	}
}

// TestSearchCountsOnce: a message that a long set names twice, by its UID or as the last one, counts once.
func TestSearchCountsOnce(t *testing.T) {
	all := imap.UIDRange(1, 5)
	for name, test := range map[string]struct {
		set  imap.UIDSet
		want string
	}{
		"twice":         {slices.Concat(all, testkit.SparseUIDs(), all), "1:5"},
		"open":          {slices.Concat(imap.UIDs(1, 3, 5), testkit.SparseUIDs(), imap.UIDRange(2000000, 0)), "1,3,5"},
		"many and open": {slices.Concat(testkit.SparseUIDs(), testkit.SparseUIDs(), imap.UIDRange(2, 0)), "2:5"},
	} {
		for _, opts := range []imap.SearchOptions{{Count: true}, {Count: true, All: true}, {Count: true, Max: true}, {Last: 1}} {
			t.Run(fmt.Sprintf("%s %+v", name, opts), func(t *testing.T) {
				c, _ := testkit.Filled(t, 5)
				want, err := imap.ParseUIDSet(test.want)
				require.NoError(t, err)
				for _, numbers := range []bool{false, true} {
					search := c.Search
					if numbers {
						search = c.SearchSeq
					}
					got, err := search(t.Context(), imap.Where().In(test.set), &opts)
					require.NoError(t, err)
					assert.EqualValues(t, want.Len(), got.Count)
					switch {
					case opts.Last == 1:
						assert.EqualValues(t, 1, got.UIDs.Len()+got.Seqs.Len())
					case opts.All && !numbers:
						assert.Equal(t, want, got.UIDs)
					case !opts.All:
						assert.Empty(t, got.UIDs)
						assert.Empty(t, got.Seqs)
					}
				}
			})
		}
	}
}
