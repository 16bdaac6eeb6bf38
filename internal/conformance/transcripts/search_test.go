package transcripts_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func playSearchUIDBatches(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	ctx := testkit.Context(t)
	list, err := c.UIDBatches(ctx, 10, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, []imap.UIDSet{imap.UIDRange(38, 50), imap.UIDRange(28, 37), imap.UIDRange(18, 27), imap.UIDRange(4, 13), imap.UIDRange(1, 3)}, list)
	list, err = c.UIDBatches(ctx, 10, 2, 3)
	require.NoError(t, err)
	assert.Len(t, list, 2)
	_, err = c.UIDBatches(ctx, 1, 0, 0)
	assert.Equal(t, imap.CodeTooFew, imap.CodeOf(err))
	list, err = c.UIDBatches(ctx, 10, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, list)
	for _, wrong := range [][3]int{{0, 0, 0}, {10, 0, 1}, {10, 2, 1}, {-1, 1, 2}} {
		_, err = c.UIDBatches(ctx, wrong[0], wrong[1], wrong[2])
		assert.True(t, imap.SafeToRetry(err), "%v", wrong)
	}
}

func playSortExtended(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	testkit.Open(t, c, "INBOX")
	res, err := c.SortExtended(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, all.Not(all.Deleted()), nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{
		Nums: []imap.UID{23765, 23764, 10, 11, 12, 7, 8, 9}, Min: 23765, Max: 9, Count: 8, ModSeq: 917162500,
	}, res)
	assert.Len(t, c.Events(), 1)

	seqs, err := c.SortSeqExtended(ctx, testkit.SortBy("SUBJECT"), all, &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.SeqNum]{Min: 17, Max: 4, Count: 23}, seqs)

	res, err = c.SortExtended(ctx, testkit.SortBy("SUBJECT"), all, &imap.SearchOptions{PartialFrom: 23500, PartialTo: 24000})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{6, 5, 8}}, res)
	res, err = c.SortExtended(ctx, testkit.SortBy("SUBJECT"), all, &imap.SearchOptions{PartialFrom: 24000, PartialTo: 24500, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Count: 23764}, res)

	res, err = c.SortExtended(ctx, testkit.SortBy("RELEVANCY"), all.Fuzzy(all.Text("Helo")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{5, 10, 1}, res.Nums)
	assert.Equal(t, []int{99, 42, 4}, res.Relevancy)

	res, err = c.SortExtended(ctx, testkit.SortBy("DATE"), all, &imap.SearchOptions{Save: true})
	require.NoError(t, err)
	assert.Empty(t, res.Nums)
	res, err = c.SortExtended(ctx, testkit.SortBy("DATE"), all.Seen(), nil)
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8, 3}, res.Nums)
}

func playSortExtendedWithout(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	testkit.Open(t, c, "INBOX")
	res, err := c.SortExtended(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, all, nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{5, 9, 2, 7}, Min: 5, Max: 7, Count: 4}, res)
	seqs, err := c.SortSeqExtended(ctx, testkit.SortBy("DATE"), all, &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.SeqNum]{Min: 5, Max: 7, Count: 4}, seqs)
	res, err = c.SortExtended(ctx, testkit.SortBy("DATE"), all, &imap.SearchOptions{PartialFrom: -1, PartialTo: -2})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 7}, res.Nums)
	res, err = c.SortExtended(ctx, testkit.SortBy("DATE"), all, &imap.SearchOptions{PartialFrom: 1, PartialTo: 10})
	require.NoError(t, err)
	assert.Equal(t, &imap.SortResult[imap.UID]{}, res)

	for _, opts := range []*imap.SearchOptions{{Save: true}, {Relevancy: true}} {
		_, err := c.SortExtended(ctx, testkit.SortBy("DATE"), all, opts)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "ESORT", missing.Name)
	}
	for _, opts := range []*imap.SearchOptions{{PartialFrom: 1}, {PartialFrom: 1, PartialTo: -1}, {PartialFrom: 1, PartialTo: 2, All: true}} {
		_, err := c.SortExtended(ctx, testkit.SortBy("DATE"), all, opts)
		assert.True(t, imap.SafeToRetry(err), "%+v", opts)
	}
}

func playSearchContext(t *testing.T, c *imap.Client) {
	ctx, undeleted := testkit.Context(t), imap.Where().Not(imap.Where().Deleted())
	testkit.Open(t, c, "INBOX")
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
}

func playSearchRelevancy(t *testing.T, c *imap.Client) {
	ctx, all := testkit.Context(t), imap.Where()
	testkit.Open(t, c, "INBOX")
	res, err := c.SearchSeq(ctx, all.Fuzzy(all.Text("Helo")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Equal(t, imap.Seqs(1, 5, 10), res.Seqs)
	assert.Equal(t, []int{4, 99, 100}, res.Relevancy)
	res, err = c.SearchSeq(ctx, all.Fuzzy(all.Text("none")), &imap.SearchOptions{Relevancy: true})
	require.NoError(t, err)
	assert.Empty(t, res.Seqs)
}

func playSearchGmail(t *testing.T, c *imap.Client) {
	ctx, q := testkit.Context(t), imap.Where()
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(ctx, q.GmailRaw("has:attachment in:unread").Not(q.GmailLabel(`\Sent`)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(123, 12344, 5992), res.UIDs)
	res, err = c.Search(ctx, q.GmailRaw("größe").Or(q.GmailMsgID(1278455344230334865), q.GmailThreadID(math.MaxUint64)).GmailLabel("Entwürfe 1"), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
}

func playSort(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	ctx := testkit.Context(t)
	uids, err := c.Sort(ctx, []imap.SortKey{{Name: "subject"}, {Name: "DATE", Reverse: true}},
		imap.Where().Since(time.Date(1994, 2, 1, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2084, 3882, 84}, uids)

	nums, err := c.SortSeq(ctx, []imap.SortKey{{Name: "SIZE", Reverse: true}}, imap.Where().Text("Köln"))
	require.NoError(t, err)
	assert.Empty(t, nums)

	uids, err = c.Sort(ctx, []imap.SortKey{{Name: "DISPLAYFROM"}, {Name: "DISPLAYTO", Reverse: true}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{5, 3, 4, 1, 2}, uids)
}

func playSortBadCharset(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	ctx := testkit.Context(t)
	byDate := []imap.SortKey{{Name: "DATE"}}
	uids, err := c.Sort(ctx, byDate, imap.Where().From("Jürg"))
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{7}, uids)

	uids, err = c.Sort(ctx, byDate, imap.Where().From("Anna"))
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8}, uids)

	threads, err := c.ThreadSeq(ctx, "references", imap.Where())
	require.NoError(t, err)
	assert.Equal(t, "(1)", testkit.ThreadText(threads))

	_, err = c.Sort(ctx, byDate, imap.Where().From("Anna"))
	assert.Equal(t, imap.Code("BADCHARSET"), imap.CodeOf(err))
}

func playThread(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	ctx := testkit.Context(t)
	threads, err := c.Thread(ctx, "REFERENCES", imap.Where().Since(time.Date(2000, 3, 5, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	assert.Equal(t, []*imap.ThreadNode[imap.UID]{
		{Num: 2},
		{Num: 3, Children: []*imap.ThreadNode[imap.UID]{{Num: 6, Children: []*imap.ThreadNode[imap.UID]{
			{Num: 4, Children: []*imap.ThreadNode[imap.UID]{{Num: 23}}},
			{Num: 44, Children: []*imap.ThreadNode[imap.UID]{{Num: 7, Children: []*imap.ThreadNode[imap.UID]{{Num: 96}}}}},
		}}}},
	}, threads)

	byNumber, err := c.ThreadSeq(ctx, "ORDEREDSUBJECT", imap.Where().Subject("x"))
	require.NoError(t, err)
	assert.Equal(t, "(0 (3)(5))(7 (8)(9))", testkit.ThreadText(byNumber))

	threads, err = c.Thread(ctx, "references", imap.Where())
	require.NoError(t, err)
	assert.Empty(t, threads)
}

// Extensions that few servers have.

func playMultiSearch(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	got, err := c.SearchMailboxes(ctx, []imap.MailboxScope{
		{Scope: imap.NotifyMailboxes, Mailboxes: []string{"folder1"}}, {Scope: imap.NotifySubtree, Mailboxes: []string{"folder2"}},
	}, imap.Where().Unseen().Subject("chad"), nil)
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, "folder2/banana", got[1].Mailbox)
	assert.EqualValues(t, 503, got[1].UIDValidity)
	assert.Equal(t, imap.UIDs(3002, 4004), got[1].UIDs)
	assert.Equal(t, imap.SearchResult{UIDs: imap.UIDs(921691), Min: 921691, Max: 921691, Count: 1}, got[2].SearchResult)
	got, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Seen(), &imap.SearchOptions{Min: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.MailboxResult{{Mailbox: "Entwürfe", UIDValidity: 9, SearchResult: imap.SearchResult{Min: 3, Count: 7}}}, got)
	got, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.SearchSubtreeOne, Mailboxes: []string{"a", "b c"}}, {Scope: imap.NotifyInboxes}}, imap.Where(), nil)
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifySelected}}, imap.Where(), nil)
	assert.ErrorContains(t, err, "BAD no mailbox")
	for _, bad := range [][]imap.MailboxScope{{{Scope: imap.NotifySelectedDelayed}}, {{Scope: imap.NotifyMailboxes}}, {{Scope: imap.NotifyInboxes, Mailboxes: []string{"x"}}},
		{{Scope: "X)\r\nA1 LOGOUT"}}, {{}}} {
		_, err := c.SearchMailboxes(ctx, bad, imap.Where(), nil)
		assert.True(t, imap.SafeToRetry(err), "%v", bad)
	}
	_, err = c.SearchMailboxes(ctx, nil, imap.Where(), &imap.SearchOptions{Save: true})
	assert.True(t, imap.SafeToRetry(err))
}

func playContextSearch(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	n := 0
	for up, err := range c.SearchUpdates(ctx, imap.Where().Deleted().Keyword(imap.FlagJunk), nil) {
		require.NoError(t, err)
		switch n++; n {
		case 1:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2734, 2735}, Added: []imap.UID{2734, 2735}}, up)
		case 2:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2734, 2735, 2740}, Added: []imap.UID{2740}}, up)
		case 3:
			assert.IsType(t, &imap.FetchEvent{}, up.Event)
			assert.Len(t, up.UIDs, 3)
		case 4:
			assert.Equal(t, []imap.UID{2734, 2735, 2740, 32768, 32769}, up.UIDs)
		case 5:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2731, 2732, 2733, 2734, 2735, 2740, 32769}, Added: []imap.UID{2733, 2731, 2732}, Removed: []imap.UID{32768}}, up)
		}
		if n == 5 {
			break
		}
	}
	assert.Equal(t, 5, n)
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, []imap.Event{&imap.ContextEvent{Tag: "A2", Changes: []imap.ContextChange{{UIDs: imap.UIDs(7)}}}}, c.Events())
	n = 0
	for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
		if n++; n == 1 {
			assert.Equal(t, []imap.UID{1}, up.UIDs)
			continue
		}
		assert.Equal(t, imap.CodeNoUpdate, imap.CodeOf(err))
	}
	assert.Equal(t, 2, n)
}

func playContextSort(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	n := 0
	for up, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "SIZE", Reverse: true}}, imap.Where().Unseen(), nil) {
		require.NoError(t, err)
		if n++; n == 1 {
			assert.Equal(t, []imap.UID{9, 3, 5}, up.UIDs)
			continue
		}
		assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2, 3, 7, 8, 5}, Added: []imap.UID{2, 7, 8}, Removed: []imap.UID{9}}, up)
		break
	}
	assert.Equal(t, 2, n)
}

func playFilters(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	q := imap.Where().Smaller(5000).Or(imap.Where().From("Grüße"), imap.Where().Seen().Flagged())
	require.NoError(t, c.SetFilter(ctx, imap.Filter{Name: "on-the-road", Description: "On the road"}, q))
	list, err := c.Filters(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.Filter{{Name: "on-the-road", Criteria: "SMALLER 5000", Description: "On the road"}, {Name: "basic", Shared: true, Criteria: "UNDELETED"}}, list)
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Filter("on-the-road").Subject("x"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
	_, err = c.Search(ctx, imap.Where().Not(imap.Where().Filter("gone")), nil)
	gone, ok := imap.CodeDataOf[imap.FilterData](err)
	assert.True(t, ok)
	assert.Equal(t, "gone", gone.Filter)
	require.NoError(t, c.RemoveFilter(ctx, "basic", true))
	for _, name := range []string{"", "a/b", "a b", "a\r\n"} {
		assert.True(t, imap.SafeToRetry(c.SetFilter(ctx, imap.Filter{Name: name}, q)))
		_, err := c.Search(ctx, imap.Where().Filter(name), nil)
		assert.True(t, imap.SafeToRetry(err))
	}
	assert.True(t, imap.SafeToRetry(c.SetFilter(ctx, imap.Filter{Name: "x"}, imap.Where().Subject("a\r\nb"))))
}

func playThreadRefs(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	require.NoError(t, err)
	assert.Len(t, got, 2)
}

func playSortVendor(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "MODSEQ", Reverse: true}, {Name: "UID"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{3, 1, 2}, got)
}

func playSearchESearch(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Seen(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SearchResult{Min: 7, Max: 3800, Count: 15}, res)
	res, err = c.Search(ctx, imap.Where().Flagged(), nil)
	require.NoError(t, err)
	assert.Equal(t, "2,10:15", res.UIDs.String())
}

func playSearchRes(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	_, err := c.Search(ctx, imap.Where().Flagged(), &imap.SearchOptions{Save: true})
	require.NoError(t, err)
	got, err := imap.Collect(c.Fetch(ctx, imap.SavedResult, imap.FetchFlags))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, 14, got[0].UID)
}

func playSearchPartial(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	undeleted := imap.Where().Raw(imap.Atom("UNDELETED"))
	res, err := c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: 23500, PartialTo: 24000})
	require.NoError(t, err)
	assert.Equal(t, "55500:56000", res.UIDs.String())
	res, err = c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: -1, PartialTo: -100})
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
}

func playSearchWithin(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Unseen().Younger(72*time.Hour).Older(time.Minute), nil)
	require.NoError(t, err)
	assert.Equal(t, "4,8,15:16,23,42", res.UIDs.String())
}

func playSearchFuzzy(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Fuzzy(imap.Where().Subject("IMAP break")).Fuzzy(imap.Where().From("john").Seen()), nil)
	require.NoError(t, err)
	assert.Equal(t, "1,5", res.UIDs.String())
}
