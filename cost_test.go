//go:build !race

package imap

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The race detector makes sync.Pool drop values at random, so allocations are counted without it.

// allocsOf counts the allocations of a call whose answer is data.
func allocsOf(t *testing.T, name, data string, call func(c *Client)) float64 {
	t.Helper()
	c, conn := cannedClient(t)
	conn.answer(name, data)
	call(c)
	return testing.AllocsPerRun(20, func() { call(c) })
}

// TestAllocations pins what the calls of every day allocate. A number that rises is a regression; one that falls is to be
// lowered here.
func TestAllocations(t *testing.T) {
	const rows = 1000
	for _, test := range []struct {
		what, name, data string
		call             func(c *Client)
		items            float64
		most             float64 // an item
	}{
		{"FETCH FLAGS", "UID FETCH", flagRows(rows), func(c *Client) { fetchAll(t, c, rows, FetchFlags) }, rows, 0.1},
		{"FETCH ENVELOPE", "UID FETCH", envelopeRows(rows, 2), func(c *Client) {
			fetchAll(t, c, rows, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
		}, rows, 0.35},
		{"FETCH BODYSTRUCTURE", "UID FETCH", structureRows(rows), func(c *Client) { fetchAll(t, c, rows, FetchBodyStructure) }, rows, 0.55},
		{"FETCH BODY[]", "UID FETCH", bodyRows(100, 20<<10), func(c *Client) { fetchAll(t, c, 100, Section{}) }, 100, 2.28},
		{"SEARCH", "UID SEARCH", searchNumbers(100_000, 10), func(c *Client) { searchAll(t, c, 100_000) }, 1, 35},
		{"ESEARCH", "UID SEARCH", searchRanges(100_000, 10), func(c *Client) { searchAll(t, c, 100_000) }, 1, 35},
		{"LIST", "LIST", listRows(rows), func(c *Client) {
			_, err := c.List(context.Background(), "", "*", nil)
			require.NoError(t, err)
		}, rows, 0.08},
		{"APPEND of 8 MiB", "", "", func(c *Client) { appendZeros(t, c, 8<<20) }, 1, 30},
		{"NOOP, pipelined", "", "", func(c *Client) { noopsPipelined(t, c, 100) }, 100, 5},
		{"NOOP, queued", "", "", func(c *Client) { noopsQueued(t, c, 100) }, 100, 0.35},
		{"NOOP", "", "", func(c *Client) { require.NoError(t, c.Noop(context.Background())) }, 1, 0},
	} {
		got := allocsOf(t, test.name, test.data, test.call) / test.items
		for try := 0; try < 5 && got > test.most; try++ { // a collection meanwhile empties the pools
			got = min(got, allocsOf(t, test.name, test.data, test.call)/test.items)
		}
		t.Logf("%s: %.2f", test.what, got)
		assert.LessOrEqual(t, got, test.most, test.what)
	}
}

// TestStreamAllocatesNothingForAMessage: attributes alone cost the same for any number of messages.
func TestStreamAllocatesNothingForAMessage(t *testing.T) {
	of := func(rows int) float64 {
		return allocsOf(t, "UID FETCH", flagRows(rows), func(c *Client) { fetchStreamAll(t, c, rows, FetchFlags) })
	}
	assert.InDelta(t, of(1000), of(3000), 2)
}

// ---- growth

// scaleBox answers commands about a mailbox of n messages in runs of ten: a UID is missing after each tenth.
type scaleBox struct{ n int }

func (b scaleBox) uid(i int) UID { return UID(i + i/10 + 1) }

// reply returns the data for a command without its tag. Sets are those that the client makes: ascending, "*" at the end.
func (b scaleBox) reply(line string) string {
	var out strings.Builder
	fields := strings.Fields(line)
	switch {
	case fields[0] == "SELECT":
		return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT %d] ok\r\n* OK [HIGHESTMODSEQ 9] ok\r\n", b.n, b.uid(b.n))
	case strings.HasPrefix(line, "UID SEARCH"):
		out.WriteString("* SEARCH")
		for i := range b.n {
			fmt.Fprintf(&out, " %d", b.uid(i))
		}
		out.WriteString("\r\n")
	case strings.HasPrefix(line, "UID FETCH") && strings.Contains(line, "CHANGEDSINCE"):
		for i := b.n - 5; i < b.n; i++ {
			fmt.Fprintf(&out, "* %d FETCH (UID %d FLAGS (\\Seen) MODSEQ (8))\r\n", i+1, b.uid(i))
		}
	case strings.HasPrefix(line, "UID FETCH"):
		set, err := ParseUIDSet(fields[2])
		if err != nil {
			return err.Error()
		}
		for uid := range set.All() {
			fmt.Fprintf(&out, "* %d FETCH (UID %d FLAGS (\\Seen))\r\n", uid-uid/11, uid)
		}
	}
	return out.String()
}

func (b scaleBox) dial(ctx context.Context) (*Client, error) {
	conn := newCannedConn()
	conn.queue = [][]byte{[]byte("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ CONDSTORE IDLE] ready\r\n")}
	conn.reply = b.reply
	return NewClient(ctx, conn, nil)
}

// allocatedBytes returns how many bytes a call allocates.
func allocatedBytes(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// TestCostGrowsWithTheMailbox: what a mailbox of many messages costs is in proportion to their number.
func TestCostGrowsWithTheMailbox(t *testing.T) {
	ctx := context.Background()
	sizes := [...]int{1000, 4000, 16000}
	for name, prepare := range map[string]func(b scaleBox) func(){
		"Sync from nothing": func(b scaleBox) func() {
			c, err := b.dial(ctx)
			require.NoError(t, err)
			return func() {
				res, err := c.Sync(ctx, "INBOX", SyncState{}, nil)
				require.NoError(t, err)
				require.EqualValues(t, b.n, res.New.Len())
			}
		},
		"Sync with few changes": func(b scaleBox) func() {
			c, err := b.dial(ctx)
			require.NoError(t, err)
			res, err := c.Sync(ctx, "INBOX", SyncState{}, nil)
			require.NoError(t, err)
			res.State.HighestModSeq = 7
			return func() {
				res, err := c.Sync(ctx, "INBOX", res.State, nil)
				require.NoError(t, err)
				require.Len(t, res.Changed, 5)
			}
		},
		"Fetch in many commands": func(b scaleBox) func() {
			c, err := b.dial(ctx)
			require.NoError(t, err)
			res, err := c.Sync(ctx, "INBOX", SyncState{}, nil)
			require.NoError(t, err)
			return func() {
				n := 0
				for m, err := range c.Fetch(ctx, res.New, FetchFlags) {
					require.NoError(t, err)
					n += len(m.Flags)
				}
				require.Equal(t, b.n, n)
			}
		},
		"Watch": func(b scaleBox) func() {
			return func() {
				n := 0
				for ch, err := range Watch(ctx, b.dial, "INBOX", SyncState{}, &WatchOptions{Fetch: []FetchItem{FetchFlags}}) {
					require.NoError(t, err)
					if n++; n == b.n {
						require.EqualValues(t, n, ch.State.UIDs.Len())
						break
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var each [len(sizes)]float64
			for i, n := range sizes {
				call := prepare(scaleBox{n})
				call() // fills the pools
				each[i] = allocatedBytes(call) / float64(n)
			}
			t.Logf("%.0f bytes for each message", each)
			require.Less(t, each[2], 1.5*max(each[0], each[1]))
		})
	}
}

// TestWatchStatesStayAsTheyWere: the states of later changes do not alter those that were delivered, whose memory they share.
func TestWatchStatesStayAsTheyWere(t *testing.T) {
	b := scaleBox{3000}
	var states []UIDSet
	for ch, err := range Watch(t.Context(), b.dial, "INBOX", SyncState{}, &WatchOptions{Fetch: []FetchItem{FetchFlags}}) {
		require.NoError(t, err)
		if states = append(states, ch.State.UIDs); len(states) == b.n {
			break
		}
	}
	var want UIDSet
	for i, uids := range states {
		want.add(b.uid(i))
		require.Equal(t, want, uids.normal(), "after %d messages", i+1)
		require.LessOrEqual(t, len(uids)-len(want), len(uids)/8+1)
		require.False(t, uids.Contains(b.uid(i)+1))
	}
}

// TestWatchStatesAreApart: neither what a program appends to a delivered state nor the removal of messages alters other states.
func TestWatchStatesAreApart(t *testing.T) {
	var states []UIDSet
	var want []string
	c := &Client{e: &engine{}}
	w := &watcher{c: c, box: c}
	w.yield = func(ch *Change, _ error) bool {
		states, want = append(states, ch.State.UIDs), append(want, ch.State.UIDs.String())
		_ = append(states[max(0, len(states)-2)], Range[UID]{9999, 9999}) // the next one may have its last range there
		return true
	}
	for uid := UID(1); uid < 400; uid += 2 { // more ranges than are copied each time
		w.addUID(uid)
		require.NoError(t, w.deliver(t.Context(), &Change{}, nil))
		if uid%20 == 19 {
			require.NoError(t, w.gone(t.Context(), UIDs(uid-10)))
		}
	}
	for i, uids := range states {
		require.Equal(t, want[i], uids.String())
	}
	require.False(t, w.state.UIDs.Contains(9999))
	require.EqualValues(t, 180, w.state.UIDs.Len())
}

// TestCutSet: all numbers are in one of the two sets.
func TestCutSet(t *testing.T) {
	for n := range uint64(12) {
		s := UIDSet{{1, 3}, {5, 5}, {7, 12}}
		all := s.String()
		first, rest := cutSet(UIDSet{{1, 3}, {5, 5}, {7, 12}}, n+1)
		require.Equal(t, min(n+1, s.Len()), first.Len())
		require.Equal(t, all, first.Union(rest).String())
	}
}

// TestListAttributesAreBounded: neither many attributes of one mailbox nor many rows for it take more memory than is counted.
func TestListAttributesAreBounded(t *testing.T) {
	const n = 4000
	var inOne, inMany strings.Builder
	inOne.WriteString("* LIST (")
	for i := range n {
		fmt.Fprintf(&inOne, "\\A%d ", i)
		fmt.Fprintf(&inMany, "* LIST (\\A%d) \"/\" x\r\n", i)
	}
	inOne.WriteString(") \"/\" x\r\n")
	for name, answer := range map[string]string{"in one row": inOne.String(), "in many rows": inMany.String()} {
		c, conn := cannedClient(t)
		conn.answer("LIST", answer)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all, err := c.List(context.Background(), "", "*", nil)
		runtime.ReadMemStats(&after)
		require.NoError(t, err, name)
		require.Len(t, all, 1, name)
		assert.Equal(t, maxAttrs, len(all[0].Attrs), name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3<<19), name)
	}

	c, conn := cannedClient(t)
	c.e.conn.Limits.MaxBuffered = 1 << 20
	var rows strings.Builder
	for i := range 1200 { // of 100 attributes each, which are 1.6 KB in memory
		fmt.Fprintf(&rows, "* LIST (%s) \"/\" x%d\r\n", inOne.String()[len("* LIST ("):][:300], i)
	}
	conn.answer("LIST", rows.String())
	_, err := c.List(context.Background(), "", "*", nil)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
}
