package extensions_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func useExtendedSearch(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small, testkit.Small)
	res, err := c.Search(ctx, imap.Where().Subject("small"), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []uint32{1, 3, 3}, []uint32{res.Min, res.Max, res.Count})
	if offers(c.Caps(), "SEARCHRES") {
		_, err = c.Search(ctx, imap.Where().In(imap.UIDRange(2, 3)), &imap.SearchOptions{Save: true})
		require.NoError(t, err)
		got, err := imap.Collect(c.Fetch(ctx, imap.SavedResult))
		require.NoError(t, err)
		assert.Len(t, got, 2)
	}
	if offers(c.Caps(), "PARTIAL") {
		res, err = c.Search(ctx, imap.Where(), &imap.SearchOptions{PartialFrom: -1, PartialTo: -2})
		require.NoError(t, err)
		assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
	}
}

func useWithin(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	res, err := c.Search(testkit.Context(t), imap.Where().Younger(time.Hour), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	res, err = c.Search(testkit.Context(t), imap.Where().Older(time.Hour), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
}

func useSearchFuzzy(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	res, err := c.Search(testkit.Context(t), imap.Where().Fuzzy(imap.Where().Subject("small")), nil)
	require.NoError(t, err)
	if at.Name != "cyrus" { // it has no index here
		assert.Equal(t, imap.UIDs(1), res.UIDs)
	}
}

func useExtendedSort(t *testing.T, c *imap.Client, at testkit.Place) {
	openConversation(t, c)
	res, err := c.SortExtended(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where(), &imap.SearchOptions{All: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{3, 1, 4, 2}, res.Nums)
	assert.EqualValues(t, 4, res.Count)
}

func useContextSearch(t *testing.T, c *imap.Client, at testkit.Place) {
	openConversation(t, c)
	res, err := c.Search(testkit.Context(t), imap.Where(), &imap.SearchOptions{PartialFrom: 2, PartialTo: 3})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
}

func useI18NLevel1(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, "Subject: =?utf-8?q?GR=C3=9CSSE?=\r\n\r\nx\r\n")
	res, err := c.Search(testkit.Context(t), imap.Where().Subject("grüsse"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
}

func useThreadRefs(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, "Message-ID: <1@x>\r\n\r\nx\r\n", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nx\r\n")
	got, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Len(t, got[0].Children, 1)
}

func useSortModSeq(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	got, err := c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
}

func useSortUID(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "UID", Reverse: true}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
}

func useMultiSearch(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	require.NoError(t, c.Create(ctx, at.Prefix+"empty", nil))
	_, err := c.Append(ctx, at.Prefix+"empty", imap.LiteralString(testkit.Small), nil)
	require.NoError(t, err)
	got, err := c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Subject("small"), nil)
	require.NoError(t, err)
	found := map[string]uint32{}
	for _, res := range got {
		found[res.Mailbox] = res.Count
		assert.NotZero(t, res.UIDValidity)
	}
	assert.Equal(t, map[string]uint32{"INBOX": 2, at.Prefix + "empty": 1}, found)
	got, err = c.SearchMailboxes(ctx, nil, imap.Where(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, imap.SearchResult{Min: 1, Max: 2, Count: 2}, got[0].SearchResult)
}

// TestUpdatesInMemory: the in-memory server keeps results current.
func TestUpdatesInMemory(t *testing.T) {
	c, at := testkit.InMemory(t)
	require.True(t, c.Caps().Has("CONTEXT=SORT"))
	sortUpdates(t, c, at)
}

// sortUpdates follows a sorted result.
func sortUpdates(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	other := at.Again(t)
	n := 0
	for up, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where().Unseen(), nil) {
		require.NoError(t, err)
		if up.Event != nil {
			continue
		}
		switch n++; n {
		case 1:
			assert.Len(t, up.UIDs, 2)
			_, err := other.Append(ctx, "INBOX", imap.LiteralString(testkit.Small), nil)
			require.NoError(t, err)
		case 2:
			assert.Equal(t, []imap.UID{3}, up.Added)
			assert.Len(t, up.UIDs, 3)
		}
		if n == 2 {
			break
		}
	}
	assert.Equal(t, 2, n)
}

func useI18NLevel2(t *testing.T, c *imap.Client, at testkit.Place) {
	co, err := c.Comparator(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, co.Active)
}

func useFilters(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, "Subject: Grüße\r\n\r\nx\r\n")
	require.NoError(t, c.SetFilter(ctx, imap.Filter{Name: "s", Description: "small ones"}, imap.Where().Subject("small")))
	list, err := c.Filters(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.Filter{{Name: "s", Criteria: `SUBJECT "small"`, Description: "small ones"}}, list)
	res, err := c.Search(ctx, imap.Where().Filter("s"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	require.NoError(t, c.RemoveFilter(ctx, "s", false))
	_, err = c.Search(ctx, imap.Where().Filter("s"), nil)
	_, ok := imap.CodeDataOf[imap.FilterData](err)
	assert.True(t, ok, err)
}

func useSort(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	openConversation(t, c)
	for _, test := range []struct {
		key  imap.SortKey
		want []imap.SeqNum
	}{
		{imap.SortKey{Name: "DATE"}, []imap.SeqNum{3, 1, 4, 2}},
		{imap.SortKey{Name: "DATE", Reverse: true}, []imap.SeqNum{2, 4, 1, 3}},
		{imap.SortKey{Name: "SUBJECT"}, []imap.SeqNum{2, 3, 1, 4}},
		{imap.SortKey{Name: "FROM"}, []imap.SeqNum{3, 1, 2, 4}},
		{imap.SortKey{Name: "DISPLAYFROM"}, []imap.SeqNum{4, 2, 3, 1}},
	} {
		if strings.HasPrefix(test.key.Name, "DISPLAY") && !c.Caps().Has("SORT=DISPLAY") {
			_, err := c.SortSeq(ctx, []imap.SortKey{test.key}, imap.Where())
			require.ErrorIs(t, err, errors.ErrUnsupported)
			continue
		}
		nums, err := c.SortSeq(ctx, []imap.SortKey{test.key, {Name: "DATE"}}, imap.Where()) // Courier leaves what is alike in any order
		require.NoError(t, err)
		assert.Equal(t, test.want, nums, "%v", test.key)
	}
	uids, err := c.Sort(ctx, []imap.SortKey{{Name: "SUBJECT"}, {Name: "DATE", Reverse: true}}, imap.Where().Subject("start"))
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{4, 1, 3}, uids)
	uids, err = c.Sort(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where().Subject("köln"))
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2}, uids)
}

func useThread(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	openConversation(t, c)
	threads, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where())
	require.NoError(t, err)
	assert.Equal(t, "(3 1 4)(2)", testkit.ThreadText(threads))
	byUID, err := c.Thread(ctx, "ORDEREDSUBJECT", imap.Where())
	require.NoError(t, err)
	assert.Contains(t, []string{"(3 (1)(4))(2)", "(3 1 4)(2)"}, testkit.ThreadText(byUID)) // Courier makes chains of them
	byUID, err = c.Thread(ctx, "REFERENCES", imap.Where().Subject("nothing"))
	require.NoError(t, err)
	assert.Empty(t, byUID)
}

// someMail makes conversations: threads of replies, with lost messages, changed subjects and repeated ones.
func someMail(random *rand.Rand, n int) []string {
	subjects := []string{"Lunch", "dinner", "[list] Release", "Zebra", "apple"}
	var all []string
	for i := range n {
		subject := subjects[random.IntN(len(subjects))]
		header := fmt.Sprintf("Message-ID: <%d@example.org>\r\n", i)
		if i > 0 && random.IntN(4) > 0 {
			parent := random.IntN(i)
			header += fmt.Sprintf("References: <%d@example.org> <%d@example.org>\r\n", max(0, parent-random.IntN(3)-1), parent)
			if random.IntN(3) > 0 {
				subject = "Re: " + subject
			}
		} else if i > 0 && random.IntN(3) == 0 {
			header += fmt.Sprintf("In-Reply-To: <%d@example.org>\r\n", random.IntN(i+5))
		}
		date := time.Date(2026, time.January, 1+random.IntN(28), random.IntN(24), random.IntN(60), i%60, 0, time.FixedZone("", 3600*(random.IntN(9)-4)))
		all = append(all, fmt.Sprintf("%sFrom: %c%d <%c@example.org>\r\nTo: %c@example.net, x@example.org\r\nCc: %c@example.com\r\nSubject: %s\r\nDate: %s\r\n\r\n%s\r\n",
			header, 'z'-rune(random.IntN(20)), i, 'a'+rune(random.IntN(26)), 'a'+rune(random.IntN(26)), 'A'+rune(random.IntN(26)), subject,
			date.Format("Mon, 02 Jan 2006 15:04:05 -0700"), strings.Repeat("x", random.IntN(2000))))
	}
	return all
}

// TestSortLikeServers compares local sorting and threading with that of servers.
func TestSortLikeServers(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		testkit.Deliver(t, c, someMail(rand.New(rand.NewPCG(3, 4)), 60)...)
		msgs, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.SortItems()...))
		require.NoError(t, err)
		for _, keys := range [][]imap.SortKey{
			{{Name: "DATE"}}, {{Name: "date", Reverse: true}}, {{Name: "SUBJECT"}}, {{Name: "FROM"}}, {{Name: "TO"}}, {{Name: "CC"}}, {{Name: "SIZE"}},
			{{Name: "SUBJECT"}, {Name: "DATE", Reverse: true}}, {{Name: "FROM", Reverse: true}, {Name: "SIZE"}},
		} {
			if strings.HasSuffix(t.Name(), "/courier") && !strings.EqualFold(keys[0].Name, "DATE") {
				continue // it sorts what is alike from the last to the first
			}
			want, err := c.Sort(ctx, keys, imap.Where())
			require.NoError(t, err)
			require.NoError(t, imap.SortMessages(msgs, keys))
			var got []imap.UID
			for _, m := range msgs {
				got = append(got, m.UID)
			}
			assert.Equal(t, want, got, "%v", keys)
		}
		for _, algorithm := range []string{"REFERENCES", "ORDEREDSUBJECT"} {
			switch {
			case !c.Caps().Has("THREAD=" + algorithm):
				continue
			case strings.HasSuffix(t.Name(), "/imaptest") && algorithm == "REFERENCES":
				continue // it does not look at subjects
			case strings.HasSuffix(t.Name(), "/courier") && algorithm == "ORDEREDSUBJECT":
				continue // it makes a chain where the RFC has children of one message
			}
			want, err := c.Thread(ctx, algorithm, imap.Where())
			require.NoError(t, err)
			got, err := imap.ThreadMessages[imap.UID](msgs, algorithm)
			require.NoError(t, err)
			assert.Equal(t, testkit.ThreadText(want), testkit.ThreadText(got), algorithm)
		}
	})
}

func TestSortExtendedLive(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		openConversation(t, c)
		opts := &imap.SearchOptions{Min: true, Max: true, Count: true, All: true}
		res, err := c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where(), opts)
		require.NoError(t, err)
		assert.Equal(t, &imap.SortResult[imap.UID]{Nums: []imap.UID{3, 1, 4, 2}, Min: 3, Max: 2, Count: 4}, res)
		seqs, err := c.SortSeqExtended(ctx, testkit.SortBy("DATE"), imap.Where().Subject("nothing"), opts)
		require.NoError(t, err)
		assert.Equal(t, &imap.SortResult[imap.SeqNum]{}, seqs)
		res, err = c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where(), &imap.SearchOptions{PartialFrom: 2, PartialTo: 3})
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{1, 4}, res.Nums)
	})
}

// TestSearchOptionsLive uses what a server offers of PARTIAL, WITHIN, FUZZY and SEARCHRES, and checks that the rest is
// refused.
func TestSearchOptionsLive(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
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
		got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags, imap.FetchPartial(-1, -2)))
		if check(offers("PARTIAL"), err) {
			assert.Len(t, got, 2)
		}
	})
}

// conversation is a thread of three and a single message; the order of arrival differs from all others.
var conversation = []string{
	"Message-ID: <b@x>\r\nIn-Reply-To: <a@x>\r\nReferences: <a@x>\r\nDate: 2 Jan 2024 10:00:00 +0000\r\nFrom: Zoe <anna@x>\r\nSubject: Re: start\r\n\r\nsecond\r\n",
	"Message-ID: <z@x>\r\nDate: 4 Jan 2024 10:00:00 +0000\r\nFrom: Bea <bea@x>\r\nSubject: =?utf-8?q?K=C3=B6ln?=\r\n\r\nalone\r\n",
	"Message-ID: <a@x>\r\nDate: 1 Jan 2024 10:00:00 +0000\r\nFrom: Zoe <anna@x>\r\nSubject: start\r\n\r\nfirst\r\n",
	"Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x> <b@x>\r\nDate: 3 Jan 2024 10:00:00 +0000\r\nFrom: Abe <carl@x>\r\nSubject: Re: start\r\n\r\nthird\r\n",
}

// openConversation stores the conversation in INBOX and opens it.
func openConversation(t *testing.T, c *imap.Client) {
	t.Helper()
	for _, text := range conversation {
		_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString(text), nil)
		require.NoError(t, err)
	}
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
}
