package imap_test

import (
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sortBy(names ...string) (keys []imap.SortKey) {
	for _, n := range names {
		keys = append(keys, imap.SortKey{Name: n})
	}
	return keys
}

var _ = transcript("sort/extended.txt", func(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	open(t, c, "INBOX")
	res, err := c.SortExtended(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, all.Not(all.Deleted()), nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{
		Nums: []imap.UID{23765, 23764, 10, 11, 12, 7, 8, 9}, Min: 23765, Max: 9, Count: 8, ModSeq: 917162500,
	}, res)
	assert.Len(t, c.Events(), 1)

	seqs, err := c.SortSeqExtended(ctx, sortBy("SUBJECT"), all, &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.SeqNum]{Min: 17, Max: 4, Count: 23}, seqs)

	res, err = c.SortExtended(ctx, sortBy("SUBJECT"), all, &imap.SearchOptions{PartialFrom: 23500, PartialTo: 24000})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{6, 5, 8}}, res)
	res, err = c.SortExtended(ctx, sortBy("SUBJECT"), all, &imap.SearchOptions{PartialFrom: 24000, PartialTo: 24500, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Count: 23764}, res)

	res, err = c.SortExtended(ctx, sortBy("RELEVANCY"), all.Fuzzy(all.Text("Helo")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{5, 10, 1}, res.Nums)
	assert.Equal(t, []int{99, 42, 4}, res.Relevancy)

	res, err = c.SortExtended(ctx, sortBy("DATE"), all, &imap.SearchOptions{Save: true})
	require.NoError(t, err)
	assert.Empty(t, res.Nums)
	res, err = c.SortExtended(ctx, sortBy("DATE"), all.Seen(), nil)
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8, 3}, res.Nums)
})

var _ = transcript("sort/extended-without.txt", func(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	open(t, c, "INBOX")
	res, err := c.SortExtended(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, all, nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{5, 9, 2, 7}, Min: 5, Max: 7, Count: 4}, res)
	seqs, err := c.SortSeqExtended(ctx, sortBy("DATE"), all, &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.SeqNum]{Min: 5, Max: 7, Count: 4}, seqs)
	res, err = c.SortExtended(ctx, sortBy("DATE"), all, &imap.SearchOptions{PartialFrom: -1, PartialTo: -2})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 7}, res.Nums)
	res, err = c.SortExtended(ctx, sortBy("DATE"), all, &imap.SearchOptions{PartialFrom: 1, PartialTo: 10})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{}, res)

	for _, opts := range []*imap.SearchOptions{{Save: true}, {Relevancy: true}} {
		_, err := c.SortExtended(ctx, sortBy("DATE"), all, opts)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "ESORT", missing.Name)
	}
	for _, opts := range []*imap.SearchOptions{{PartialFrom: 1}, {PartialFrom: 1, PartialTo: -1}, {PartialFrom: 1, PartialTo: 2, All: true}} {
		_, err := c.SortExtended(ctx, sortBy("DATE"), all, opts)
		assert.True(t, imap.SafeToRetry(err), "%+v", opts)
	}
})

var _ = transcript("search/context.txt", func(t *testing.T, c *imap.Client) {
	ctx, undeleted := testkit.Context(t), imap.Where().Not(imap.Where().Deleted())
	open(t, c, "INBOX")
	res, err := c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: 1, PartialTo: 500, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SearchResult{UIDs: imap.UIDRange(2, 501), Count: 23764}, res)
	_, err = c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: -1, PartialTo: -500})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: 1, PartialTo: 500, All: true})
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Search(ctx, undeleted, &imap.SearchOptions{Relevancy: true})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	require.NoError(t, c.Noop(ctx))
})

var _ = transcript("search/relevancy.txt", func(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	open(t, c, "INBOX")
	res, err := c.SearchSeq(ctx, all.Fuzzy(all.Text("Helo")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Equal(t, imap.Seqs(1, 5, 10), res.Seqs)
	assert.Equal(t, []int{4, 99, 100}, res.Relevancy)
	res, err = c.SearchSeq(ctx, all.Fuzzy(all.Text("none")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Empty(t, res.Seqs)
})

var _ = transcript("fetch/partial.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 25900, 26600, imap.FetchFlags, imap.PartialRange(-1, -3))
	require.Len(t, got, 3)
	assert.EqualValues(t, 25996, got[0].UID)
	got = fetch(t, c, 25900, 26600, imap.FetchFlags, imap.PartialRange(1, 30), imap.ChangedSince(98305))
	require.Len(t, got, 1)
	assert.EqualValues(t, 98306, got[0].ModSeq)
})

// TestPartialRangeNotSent: a part is of what one command by UID names.
func TestPartialRangeNotSent(t *testing.T) {
	c, ctx := testkit.OfferingSelected(t, "PARTIAL", testkit.OnlyNoop), testkit.Context(t)
	var many imap.UIDSet
	for uid := range imap.UID(4000) {
		many = append(many, imap.Range[imap.UID]{Start: 2*uid + 1, Stop: 2*uid + 1})
	}
	for _, test := range []struct {
		set  imap.NumSet
		item imap.FetchItem
	}{
		{imap.Seqs(1), imap.PartialRange(1, 2)}, {many, imap.PartialRange(1, 2)}, {imap.UIDs(1), imap.PartialRange(0, 2)}, {imap.UIDs(1), imap.PartialRange(1, -2)},
	} {
		_, err := imap.Collect(c.Fetch(ctx, test.set, test.item))
		assert.True(t, imap.SafeToRetry(err), "%v", err)
		for _, err := range c.FetchStream(ctx, test.set, test.item) {
			assert.True(t, imap.SafeToRetry(err), "%v", err)
		}
	}
	testkit.RequireNothingSent(t, c)

	c = testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop)
	_, err := imap.Collect(c.Fetch(ctx, imap.UIDs(1), imap.PartialRange(1, 2)))
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func TestSortExtendedMalformed(t *testing.T) {
	for _, answer := range []string{
		"ALL", "ALL 0", "ALL 1:", "ALL 1,", "ALL *", "ALL 1:4294967295", "ALL 4294967296", "MIN x", "PARTIAL 1", "PARTIAL (1:2", "RELEVANCY", "RELEVANCY (x)", "(",
	} {
		script := "C: $ UID SORT RETURN (ALL) (DATE) UTF-8 ALL\nS: * ESEARCH (TAG \"$\") UID " + answer + "\nS: $ OK done\n" + testkit.OnlyNoop
		c := testkit.OfferingSelected(t, "SORT ESORT", script)
		_, err := c.SortExtended(testkit.Context(t), sortBy("DATE"), imap.Where(), nil)
		if answer != "(" {
			_, ok := errors.AsType[*imap.ProtocolError](err)
			assert.True(t, ok, "%s: %v", answer, err)
		}
		testkit.RequireNothingSent(t, c)
	}
}

func TestSortExtendedLive(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		openConversation(t, c)
		opts := &imap.SearchOptions{Min: true, Max: true, Count: true, All: true}
		res, err := c.SortExtended(ctx, sortBy("DATE"), imap.Where(), opts)
		require.NoError(t, err)
		assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{3, 1, 4, 2}, Min: 3, Max: 2, Count: 4}, res)
		seqs, err := c.SortSeqExtended(ctx, sortBy("DATE"), imap.Where().Subject("nothing"), opts)
		require.NoError(t, err)
		assert.Equal(t, &imap.SortResult[imap.SeqNum]{}, seqs)
		res, err = c.SortExtended(ctx, sortBy("DATE"), imap.Where(), &imap.SearchOptions{PartialFrom: 2, PartialTo: 3})
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{1, 4}, res.Nums)
	})
}

// TestSearchOptionsLive has what a server offers of PARTIAL, WITHIN, FUZZY and SEARCHRES, and is refused the rest.
func TestSearchOptionsLive(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx, all := testkit.Context(t), imap.Where()
		openConversation(t, c)
		offers := func(names ...string) bool {
			for _, n := range names {
				if c.Caps().Has(n) {
					return true
				}
			}
			return false
		}
		check := func(offered bool, err error) bool {
			if !offered {
				assert.ErrorIs(t, err, errors.ErrUnsupported)
				return false
			}
			return assert.NoError(t, err)
		}
		res, err := c.Search(ctx, all, &imap.SearchOptions{PartialFrom: 2, PartialTo: 3})
		if check(offers("PARTIAL", "CONTEXT=SEARCH"), err) {
			assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
		}
		res, err = c.Search(ctx, all.Younger(3600e9), nil)
		if check(offers("WITHIN"), err) {
			assert.Equal(t, imap.UIDRange(1, 4), res.UIDs)
		}
		_, err = c.Search(ctx, all.Fuzzy(all.Text("second")), &imap.SearchOptions{Relevancy: true})
		check(offers("SEARCH=FUZZY"), err)
		_, err = c.Search(ctx, all.Subject("start"), &imap.SearchOptions{Save: true})
		if check(offers("SEARCHRES"), err) {
			got, err := imap.Collect(c.Fetch(ctx, imap.SavedResult, imap.FetchFlags))
			require.NoError(t, err)
			assert.Len(t, got, 3)
		}
		got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags, imap.PartialRange(-1, -2)))
		if check(offers("PARTIAL"), err) {
			assert.Len(t, got, 2)
		}
	})
}
