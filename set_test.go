package imap_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func uidSet(t *testing.T, s string) imap.UIDSet {
	t.Helper()
	if s == "" {
		return nil
	}
	set, err := imap.ParseUIDSet(s)
	require.NoError(t, err)
	return set
}

func TestSetAlgebra(t *testing.T) {
	for _, tt := range []struct{ a, b, union, intersect, minus string }{
		{"", "", "", "", ""},
		{"1:3", "", "1:3", "", "1:3"},
		{"", "1:3", "1:3", "", ""},
		{"1:3", "2", "1:3", "2", "1,3"},
		{"1:3", "4", "1:4", "", "1:3"},
		{"1:10", "3,5:6,9:20", "1:20", "3,5:6,9:10", "1:2,4,7:8"},
		{"3,5:6,9:20", "1:10", "1:20", "3,5:6,9:10", "11:20"},
		{"5:*", "7", "5:*", "7", "5:6,8:4294967295"},
		{"5:*", "5", "5:*", "5", "6:4294967295"},
		{"5:*", "9:*", "5:*", "9:*", "5:8"},
		{"9:*", "5:*", "5:*", "9:*", ""},
		{"*", "5:*", "5:*", "*", ""},
		{"5:*", "*", "5:*", "*", "5:*"},
		{"*", "*", "*", "*", ""},
		{"1:3,*", "2", "1:3,*", "2", "1,3,*"},
		{"*", "1:9", "1:9,*", "", "*"},
		{"4294967295", "4294967295", "4294967295", "4294967295", ""},
		{"1:4294967295", "2:4294967294", "1:4294967295", "2:4294967294", "1,4294967295"},
	} {
		a, b := uidSet(t, tt.a), uidSet(t, tt.b)
		assert.Equal(t, tt.union, a.Union(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.intersect, a.Intersect(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.minus, a.Minus(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.a, a.String(), "it has not changed")
		assert.Equal(t, tt.b, b.String(), "it has not changed")
	}
}

func TestSetFirstLast(t *testing.T) {
	for _, tt := range []struct {
		set         string
		n           int
		first, last string
	}{
		{"", 3, "", ""},
		{"1:3", 0, "", ""},
		{"1:3", -1, "", ""},
		{"1:3", 2, "1:2", "2:3"},
		{"1:3", 9, "1:3", "1:3"},
		{"1:3,7,9:20", 4, "1:3,7", "17:20"},
		{"1:3,7,9:20", 14, "1:3,7,9:18", "3,7,9:20"},
		{"5:*", 3, "5:7", ""},
		{"*", 3, "", ""},
		{"1:2,*", 3, "1:2", ""},
		{"4294967290:*", 9, "4294967290:4294967295", ""},
	} {
		assert.Equal(t, tt.first, uidSet(t, tt.set).First(tt.n).String(), "the first %d of %s", tt.n, tt.set)
		assert.Equal(t, tt.last, uidSet(t, tt.set).Last(tt.n).String(), "the last %d of %s", tt.n, tt.set)
	}
}

// TestSetAlgebraAtRandom compares with sets of numbers one by one. Ranges are in any order.
func TestSetAlgebraAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func() (imap.UIDSet, map[imap.UID]bool) {
		var set imap.UIDSet
		has := make(map[imap.UID]bool)
		for range random.IntN(6) {
			start := imap.UID(1 + random.IntN(30))
			r := imap.Range[imap.UID]{Start: start, Stop: start + imap.UID(random.IntN(8))}
			set = append(set, r)
			for n := r.Start; n <= r.Stop; n++ {
				has[n] = true
			}
		}
		return set, has
	}
	for range 3000 {
		a, inA := some()
		b, inB := some()
		before := fmt.Sprint(a, b)
		union, intersect, minus := a.Union(b), a.Intersect(b), a.Minus(b)
		n := random.IntN(12)
		first, last := a.First(n), a.Last(n)
		var lower, all int
		for uid := range inA {
			_ = uid
			all++
		}
		for uid := imap.UID(1); uid < 50; uid++ {
			require.Equal(t, inA[uid] || inB[uid], union.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && inB[uid], intersect.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && !inB[uid], minus.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && lower < n, first.Contains(uid), "%v %d %d", a, n, uid)
			require.Equal(t, inA[uid] && all-lower <= n, last.Contains(uid), "%v %d %d", a, n, uid)
			if inA[uid] {
				lower++
			}
		}
		require.Equal(t, before, fmt.Sprint(a, b))
	}
}

// TestLongSets cuts sets that are too long for a line, and joins the results. Courier takes lines of 8,000 bytes.
func TestLongSets(t *testing.T) {
	var odd []imap.UID
	for uid := imap.UID(1000001); len(odd) < 2500; uid += 2 {
		odd = append(odd, uid)
	}
	set := imap.UIDs(odd...)
	const pieces = 3 // of at most 875 numbers of 7 digits and a comma
	piece := func(i int) string {
		part := set[i*875 : min((i+1)*875, len(set))]
		return part.String()
	}
	first := func(i int) imap.UID { return odd[i*875] }
	last := func(i int) imap.UID { return odd[min((i+1)*875, len(odd))-1] }
	// play answers each of the commands that name one piece.
	play := func(command func(set string) string, answers func(i int) string, end func(i int) string) string {
		var b strings.Builder
		for i := range pieces {
			fmt.Fprintf(&b, "C: $ %s\n%sS: $ OK %s\n", command(piece(i)), answers(i), end(i))
		}
		return b.String()
	}
	plain := func(int) string { return "done" }
	none := func(int) string { return "" }
	row := func(i int) string { return fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i+1, first(i)) }
	copied := func(i int) string { return fmt.Sprintf("[COPYUID 7 %d %d] done", last(i), 100+i) }
	search := func(i int) string { return fmt.Sprintf("S: * SEARCH %d %d\n", first(i), last(i)) }

	for name, test := range map[string]struct {
		script string
		call   func(t *testing.T, c *imap.Client)
	}{
		"Fetch": {play(func(s string) string { return "UID FETCH " + s + " (UID FLAGS)" }, row, plain), func(t *testing.T, c *imap.Client) {
			got, err := imap.Collect(c.Fetch(testkit.Context(t), set, imap.FetchFlags))
			require.NoError(t, err)
			require.Len(t, got, pieces)
			assert.Equal(t, first(2), got[2].UID)
		}},
		"FetchStream": {play(func(s string) string { return "UID FETCH " + s + " (UID FLAGS)" }, row, plain), func(t *testing.T, c *imap.Client) {
			n := 0
			for _, err := range c.FetchStream(testkit.Context(t), set, imap.FetchFlags) {
				require.NoError(t, err)
				n++
			}
			assert.Equal(t, pieces, n)
		}},
		"Store": {play(func(s string) string { return "UID STORE " + s + " +FLAGS (\\Seen)" }, row, func(i int) string {
			return fmt.Sprintf("[MODIFIED %d] done", last(i))
		}), func(t *testing.T, c *imap.Client) {
			res, err := c.Store(testkit.Context(t), set, imap.AddFlags(imap.FlagSeen), nil)
			require.NoError(t, err)
			assert.Len(t, res.Messages, pieces)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.ModifiedUID)
		}},
		"Copy": {play(func(s string) string { return "UID COPY " + s + " b" }, none, copied), func(t *testing.T, c *imap.Client) {
			res, err := c.Copy(testkit.Context(t), set, "b")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.Source)
			assert.EqualValues(t, 3, res.Dest.Len())
		}},
		"Move": {play(func(s string) string { return "UID MOVE " + s + " b" }, none, copied), func(t *testing.T, c *imap.Client) {
			res, err := c.Move(testkit.Context(t), set, "b")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.Source)
		}},
		"UIDExpunge": {play(func(s string) string { return "UID EXPUNGE " + s }, func(int) string { return "S: * 1 EXPUNGE\n" }, plain), func(t *testing.T, c *imap.Client) {
			res, err := c.UIDExpunge(testkit.Context(t), set)
			require.NoError(t, err)
			assert.Equal(t, []imap.SeqNum{1, 1, 1}, res.SeqNums)
		}},
		"Search": {play(func(s string) string { return "UID SEARCH UNSEEN UID " + s + " FLAGGED" }, search, plain), func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where().Unseen().In(set).Flagged(), nil)
			require.NoError(t, err)
			want := imap.UIDs(first(0), last(0), first(1), last(1), first(2), last(2))
			assert.Equal(t, &imap.SearchResult{UIDs: want, Min: uint32(first(0)), Max: uint32(last(2)), Count: 6}, res)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "MOVE UIDPLUS", "C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\n"+test.script+testkit.OnlyNoop)
			open(t, c, "INBOX")
			test.call(t, c)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestLongSearch: a set that cannot be cut without another result is sent whole.
func TestLongSearch(t *testing.T) {
	var odd []imap.UID
	for uid := imap.UID(1000001); len(odd) < 2500; uid += 2 {
		odd = append(odd, uid)
	}
	set := imap.UIDs(odd...)
	c := testkit.Offering(t, "", "C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ UID SEARCH NOT UID "+set.String()+"\nS: * SEARCH 7\nS: $ OK done\n")
	open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Not(imap.Where().In(set)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(7), res.UIDs)
}
