package imap_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
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
	got := fetch(t, c, 25900, 26600, imap.FetchFlags, imap.FetchPartial(-1, -3))
	require.Len(t, got, 3)
	assert.EqualValues(t, 25996, got[0].UID)
	got = fetch(t, c, 25900, 26600, imap.FetchFlags, imap.FetchPartial(1, 30), imap.FetchChangedSince(98305))
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
		{imap.Seqs(1), imap.FetchPartial(1, 2)}, {many, imap.FetchPartial(1, 2)}, {imap.UIDs(1), imap.FetchPartial(0, 2)}, {imap.UIDs(1), imap.FetchPartial(1, -2)},
	} {
		_, err := imap.Collect(c.Fetch(ctx, test.set, test.item))
		assert.True(t, imap.SafeToRetry(err), "%v", err)
		for _, err := range c.FetchStream(ctx, test.set, test.item) {
			assert.True(t, imap.SafeToRetry(err), "%v", err)
		}
	}
	testkit.RequireNothingSent(t, c)

	c = testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop)
	_, err := imap.Collect(c.Fetch(ctx, imap.UIDs(1), imap.FetchPartial(1, 2)))
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
		got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags, imap.FetchPartial(-1, -2)))
		if check(offers("PARTIAL"), err) {
			assert.Len(t, got, 2)
		}
	})
}

// TestMoveFallback: nothing is deleted before the copies are acknowledged, and nothing but what was named.
func TestMoveFallback(t *testing.T) {
	const greeting = "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hi"
	const open = `
		C: $ SELECT a
		S: $ OK
	`
	t.Run("success", func(t *testing.T) {
		c := testkit.DialScript(t, greeting, open+`
			C: $ UID COPY 5:6 b
			S: $ OK [COPYUID 9 5:6 1:2] done
			C: $ UID STORE 5:6 +FLAGS.SILENT (\Deleted)
			S: $ OK
			C: $ UID EXPUNGE 5:6
			S: * 1 EXPUNGE
			S: * 1 EXPUNGE
			S: $ OK
		`)
		_, err := c.Select(t.Context(), "a", nil)
		require.NoError(t, err)
		res, err := c.Move(t.Context(), imap.UIDs(5, 6), "b")
		require.NoError(t, err)
		assert.Equal(t, imap.UIDs(1, 2), res.Dest)
	})
	t.Run("copy refused", func(t *testing.T) {
		c := testkit.DialScript(t, greeting, open+`
			C: $ UID COPY 5 b
			S: $ NO [TRYCREATE] no
			C: $ NOOP
			S: $ OK
		`)
		_, err := c.Select(t.Context(), "a", nil)
		require.NoError(t, err)
		res, err := c.Move(t.Context(), imap.UIDs(5), "b")
		assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
		assert.NotNil(t, res)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestUnselectFallback: without UNSELECT a mailbox that does not exist is examined.
func TestUnselectFallback(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ EXAMINE no-such-mailbox-3b7c1e90
		S: $ NO no such mailbox
	`)
	_, err := c.Select(t.Context(), "a", nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(t.Context()))
	assert.Equal(t, imap.Authenticated, c.State())
}

// TestUpdatesGivenUpBeforeTheAnswer: a search with UPDATE whose ctx ends before the server answers it is ended at the server
// all the same, before the next command; not where another mailbox is opened, and not where the server refused it.
func TestUpdatesGivenUpBeforeTheAnswer(t *testing.T) {
	const accepted = "S: * ESEARCH (TAG \"A2\") UID ALL 3\nS: A2 OK done\n"
	for name, test := range map[string]struct {
		script string
		call   func(ctx context.Context, c *imap.Client) error
	}{
		"another command": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal of CANCELUPDATE": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ BAD what?\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal": {"S: A2 NO [NOUPDATE \"A2\"] no\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"another mailbox": {accepted + "C: $ SELECT other\nS: * 0 EXISTS\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "other", nil); return err }},
		"a mailbox that is not asked for": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error {
				if _, err := c.Select(ctx, "no\x00name", nil); !errors.As(err, new(*imap.ArgumentError)) {
					return fmt.Errorf("SELECT ends with %v", err)
				}
				return nil
			}},
		"a pipeline": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nC: $ NOOP\nS: $ OK done\nS: A4 OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error {
				p := c.Pipeline()
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				return p.Wait()
			}},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			t.Cleanup(func() { far.Close() })
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				imaptest.Script(t, far, "S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH] hi\n"+
					"C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ UID SEARCH RETURN (ALL UPDATE) DELETED\n")
			}()
			c, err := imap.NewClient(testkit.Context(t), near, nil)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			open(t, c, "INBOX")
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			go func() {
				<-asked
				cancel(testkit.ErrGone)
			}()
			for _, err := range c.SearchUpdates(ctx, imap.Where().Deleted(), nil) {
				require.ErrorIs(t, err, testkit.ErrGone)
			}
			played := make(chan struct{})
			go func() {
				defer close(played)
				imaptest.Script(t, far, test.script)
			}()
			require.NoError(t, test.call(testkit.Context(t), c))
			require.NoError(t, c.Noop(testkit.Context(t)))
			<-played
			for _, ev := range c.Events() {
				_, update := ev.(*imap.ContextEvent)
				assert.False(t, update)
			}
		})
	}
}

// TestSearchSeqInParts checks that the numbers of the last part of a search are in the result too.
func TestSearchSeqInParts(t *testing.T) {
	c := testkit.Selected(t, `
C: $ SEARCH ALL
S: * SEARCH 2 3 4
S: $ OK [MESSAGELIMIT 3 4] not all
C: $ SEARCH UID 1:3
S: * SEARCH 1
S: $ OK done
`)
	res, err := c.SearchSeq(testkit.Context(t), imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, "1:4", res.Seqs.String())
	assert.EqualValues(t, 4, res.Count)
	assert.EqualValues(t, 1, res.Min)
	assert.EqualValues(t, 4, res.Max)
}

var _ = transcript("store/gmail-labels.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	res, err := c.Store(ctx, imap.UIDs(4), imap.AddLabels(`\Inbox`, "Entwürfe 1", `\not one`, "foo"), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 1)
	assert.Equal(t, []string{`\Inbox`, "Entwürfe 1", "foo"}, res.Messages[0].Gmail.Labels)
	_, err = c.Store(ctx, imap.Seqs(2), imap.RemoveLabels("foo"), &imap.StoreOptions{Silent: true})
	require.NoError(t, err)
	_, err = c.Store(ctx, imap.UIDs(4), imap.AddLabels(), nil)
	require.NoError(t, err, "nothing to add, nothing sent")
	res, err = c.Store(ctx, imap.UIDs(4), imap.SetLabels(), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 1)
	assert.Empty(t, res.Messages[0].Gmail.Labels)
})

var _ = transcript("search/gmail.txt", func(t *testing.T, c *imap.Client) {
	ctx, q := testkit.Context(t), imap.Where()
	open(t, c, "INBOX")
	res, err := c.Search(ctx, q.GmailRaw("has:attachment in:unread").Not(q.GmailLabel(`\Sent`)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(123, 12344, 5992), res.UIDs)
	res, err = c.Search(ctx, q.GmailRaw("größe").Or(q.GmailMsgID(1278455344230334865), q.GmailThreadID(math.MaxUint64)).GmailLabel("Entwürfe 1"), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})

func TestGmailNotSent(t *testing.T) {
	c, ctx, q := testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop), testkit.Context(t), imap.Where()
	for _, query := range []imap.Query{q.GmailRaw("x"), q.GmailMsgID(1), q.GmailThreadID(1), q.GmailLabel("x")} {
		_, err := c.Search(ctx, query, nil)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	}
	for _, op := range []imap.StoreOp{imap.AddLabels("x"), imap.RemoveLabels("x"), imap.SetLabels("x"), imap.SetLabels()} {
		_, err := c.Store(ctx, imap.UIDs(1), op, nil)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	}
	testkit.RequireNothingSent(t, c)
}

func TestGmailInjection(t *testing.T) {
	ctx, q := testkit.Context(t), imap.Where()
	for _, s := range []string{"x\r\nA2 LOGOUT", `x" y "`, `\`, `\x y`, "\\x\r\n", "x {3}", "(x)", "NIL", ""} {
		for _, call := range []func(c *imap.Client) error{
			func(c *imap.Client) error { _, err := c.Store(ctx, imap.UIDs(1), imap.AddLabels(s), nil); return err },
			func(c *imap.Client) error { _, err := c.Search(ctx, q.GmailLabel(s), nil); return err },
			func(c *imap.Client) error { _, err := c.Search(ctx, q.GmailRaw(s), nil); return err },
		} {
			sent := commandsSent(t, "LITERAL+ X-GM-EXT-1", func(c *imap.Client) {
				open(t, c, "INBOX")
				assert.NoError(t, call(c), "%q", s)
			})
			require.Len(t, sent, 2, "%q", s)
			assert.Regexp(t, `^A[0-9]+ UID S(TORE|EARCH) `, sent[1])
		}
	}
	c := testkit.OfferingSelected(t, "X-GM-EXT-1", testkit.OnlyNoop)
	_, err := c.Store(ctx, imap.UIDs(1), imap.AddLabels("a\x00"), nil)
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Search(ctx, q.GmailLabel("a\xff"), nil)
	assert.True(t, imap.SafeToRetry(err))
	testkit.RequireNothingSent(t, c)
}
