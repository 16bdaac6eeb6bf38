package imap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLongSets cuts sets that are too long for a line, and joins the results. Courier takes lines of 8,000 octets.
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
			res, err := c.Search(testkit.Context(t), imap.Where().Unseen().Within(set).Flagged(), nil)
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
	res, err := c.Search(testkit.Context(t), imap.Where().Not(imap.Where().Within(set)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(7), res.UIDs)
}
