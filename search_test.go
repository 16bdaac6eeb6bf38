package imap_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPartialRangeNotSent: a partial range needs a command by UID.
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
		_, err := c.SortExtended(testkit.Context(t), testkit.SortBy("DATE"), imap.Where(), nil)
		if answer != "(" {
			_, ok := errors.AsType[*imap.ProtocolError](err)
			assert.True(t, ok, "%s: %v", answer, err)
		}
		testkit.RequireNothingSent(t, c)
	}
}

// TestFirstAndLastOfSort: First and Last limit a sorted result in its order, whether the server can do that or not.
func TestFirstAndLastOfSort(t *testing.T) {
	const all = "C: $ UID SORT (DATE) UTF-8 ALL\nS: * SORT 5 9 2\nS: $ OK done\n"
	const extended = "C: $ UID SORT RETURN (COUNT PARTIAL 1:2) (DATE) UTF-8 ALL\nS: * ESEARCH (TAG \"$\") UID COUNT 3 PARTIAL (1:2 5,9)\nS: $ OK done\n"
	for _, test := range []struct {
		caps, script string
		opts         imap.SearchOptions
		want         []imap.UID
	}{
		{"SORT", all, imap.SearchOptions{First: 2}, []imap.UID{5, 9}},
		{"SORT", all, imap.SearchOptions{First: 9, All: true}, []imap.UID{5, 9, 2}},
		{"SORT", all, imap.SearchOptions{Last: 2}, []imap.UID{9, 2}},
		{"SORT ESORT CONTEXT=SORT", extended, imap.SearchOptions{First: 2}, []imap.UID{5, 9}},
		{"SORT ESORT CONTEXT=SORT", all, imap.SearchOptions{Last: 1}, []imap.UID{2}},
	} {
		c := testkit.OfferingSelected(t, test.caps, test.script)
		got, err := c.SortExtended(testkit.Context(t), testkit.SortBy("DATE"), imap.Where(), &test.opts)
		require.NoError(t, err)
		assert.Equal(t, test.want, got.Nums)
		assert.EqualValues(t, 3, got.Count)
	}
}

// TestFirstAndLastOfMailboxes: First and Last limit the result of each mailbox, but not the number of its matches.
func TestFirstAndLastOfMailboxes(t *testing.T) {
	for _, test := range []struct {
		opts imap.SearchOptions
		want string
	}{{imap.SearchOptions{First: 2}, "1:2 7"}, {imap.SearchOptions{Last: 2, Count: true}, "2:3 7"}} {
		c := testkit.Offering(t, "MULTISEARCH ESEARCH", strings.ReplaceAll(`
			C: $ ESEARCH IN (PERSONAL) RETURN (WHAT) SEEN
			S: * ESEARCH (TAG "$" MAILBOX "A" UIDVALIDITY 1) UID ALL 1:3
			S: * ESEARCH (TAG "$" MAILBOX "B" UIDVALIDITY 1) UID ALL 7
			S: $ OK done
		`, "WHAT", map[bool]string{false: "ALL", true: "COUNT ALL"}[test.opts.Count]))
		got, err := c.SearchMailboxes(testkit.Context(t), inPersonal, imap.Where().Seen(), &test.opts)
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, test.want, got[0].UIDs.String()+" "+got[1].UIDs.String())
		assert.EqualValues(t, 3, got[0].Count)
	}
}

var inPersonal = []imap.MailboxScope{{Scope: imap.NotifyPersonal}}

// TestFirstAndLastNotSent: only one of First, Last and PartialFrom can be set. A part of a sorted result that the client has to
// compute cannot be saved.
func TestFirstAndLastNotSent(t *testing.T) {
	c, ctx := testkit.OfferingSelected(t, "SORT ESORT SEARCHRES MULTISEARCH ESEARCH PARTIAL", testkit.OnlyNoop), testkit.Context(t)
	for _, opts := range []imap.SearchOptions{{First: 1, Last: 1}, {First: -1}, {Last: -1}, {First: 1, PartialFrom: 1, PartialTo: 2}} {
		_, err := c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where(), &opts)
		assert.ErrorAs(t, err, new(*imap.ArgumentError))
		_, err = c.SearchMailboxes(ctx, inPersonal, imap.Where(), &opts)
		assert.ErrorAs(t, err, new(*imap.ArgumentError))
		_, err = c.Search(ctx, imap.Where(), &opts)
		assert.ErrorAs(t, err, new(*imap.ArgumentError))
	}
	_, err := c.SortExtended(ctx, testkit.SortBy("DATE"), imap.Where(), &imap.SearchOptions{First: 1, Save: true})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

// TestMailboxResultNotUnderstood: a result that cannot be parsed costs that of its mailbox.
func TestMailboxResultNotUnderstood(t *testing.T) {
	for _, bad := range []string{`(TAG "$" MAILBOX "B" UIDVALIDITY 1) UID ALL x`, `(TAG "$" MAILBOX "B" UIDVALIDITY x) UID ALL 1`, `(TAG "$"`} {
		c := testkit.Offering(t, "MULTISEARCH ESEARCH", strings.ReplaceAll(`
			C: $ ESEARCH IN (PERSONAL) RETURN (ALL) SEEN
			S: * ESEARCH (TAG "$" MAILBOX "A" UIDVALIDITY 1) UID ALL 1:3
			S: * ESEARCH BAD
			S: * ESEARCH (TAG "$" MAILBOX "C" UIDVALIDITY 1) UID ALL 4
			S: $ OK done
		`, "BAD", bad))
		got, err := c.SearchMailboxes(testkit.Context(t), inPersonal, imap.Where().Seen(), nil)
		require.ErrorAs(t, err, new(*imap.ProtocolError))
		require.Len(t, got, 2)
		assert.Equal(t, "A C", got[0].Mailbox+" "+got[1].Mailbox)
	}
}

// TestSearchSeqInParts: the numbers of the last part of a search are in the result too.
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
				testkit.Open(t, c, "INBOX")
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

func TestQueryOpposites(t *testing.T) {
	day := time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)
	for want, q := range map[string]imap.Query{
		"UNANSWERED":        imap.Where().Unanswered(),
		"UNFLAGGED":         imap.Where().Unflagged(),
		"UNDELETED":         imap.Where().Undeleted(),
		"UNDRAFT":           imap.Where().Undraft(),
		"UNKEYWORD $Junk":   imap.Where().Unkeyword("$Junk"),
		"UNSEEN":            imap.Where().Unkeyword(`\seen`),
		"OLD":               imap.Where().Unkeyword(imap.FlagRecent),
		"SENTON 4-Mar-2026": imap.Where().SentOn(day),
		"UID 1:3,7 UNSEEN":  imap.Where().UID(imap.UIDs(1, 2, 3, 7)).Unseen(),
		"NOT ALL":           imap.Where().UID(nil),
	} {
		c := testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\nC: $ UID SEARCH "+want+"\nS: * SEARCH\nS: $ OK done\n")
		_, err := c.Examine(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		_, err = c.Search(testkit.Context(t), q, nil)
		require.NoError(t, err, want)
	}
	c := testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	_, err := c.Examine(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	require.Error(t, testkit.ErrOf(c.Search(testkit.Context(t), imap.Where().Unkeyword(`\*`), nil)))
	require.Error(t, testkit.ErrOf(c.Search(testkit.Context(t), imap.Where().Keyword(`\*`), nil)))
	require.Error(t, testkit.ErrOf(c.Search(testkit.Context(t), imap.Where().Unkeyword("a b"), nil)))
	testkit.RequireNothingSent(t, c)
}

// TestSearchSome has the first and the last messages of a result, with PARTIAL and without.
func TestSearchSome(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		testkit.Deliver(t, c, testkit.Small, testkit.Small, "Subject: other\r\n\r\nx\r\n", testkit.Small, testkit.Small)
		q := imap.Where().Subject("small")
		for _, tt := range []struct {
			opts imap.SearchOptions
			want string
		}{
			{imap.SearchOptions{First: 3}, "1:2,4"},
			{imap.SearchOptions{Last: 3}, "2,4:5"},
			{imap.SearchOptions{Last: 1}, "5"},
			{imap.SearchOptions{Last: 99}, "1:2,4:5"},
		} {
			res, err := c.Search(ctx, q, &tt.opts)
			require.NoError(t, err)
			assert.Equal(t, tt.want, res.UIDs.String())
			assert.EqualValues(t, 4, res.Count)
			res, err = c.SearchSeq(ctx, q, &tt.opts)
			require.NoError(t, err)
			assert.Equal(t, tt.want, res.Seqs.String())
		}
		none, err := c.Search(ctx, imap.Where().Subject("nothing"), &imap.SearchOptions{Last: 3})
		require.NoError(t, err)
		assert.Empty(t, none.UIDs)
		for _, bad := range []imap.SearchOptions{{First: 1, Last: 1}, {First: -1}, {Last: 2, PartialFrom: 1, PartialTo: 2}} {
			require.Error(t, testkit.ErrOf(c.Search(ctx, q, &bad)))
		}
	})
}

// TestSortNotSent has the arguments that are refused before anything is sent.
func TestSortNotSent(t *testing.T) {
	c, ctx := testkit.OfferingSelected(t, "SORT THREAD=REFERENCES", testkit.OnlyNoop), testkit.Context(t)
	all := imap.Where()
	for _, test := range []struct {
		name string
		call func() error
		caps string // the capability that is missing
	}{
		{"no key", func() error { _, err := c.Sort(ctx, nil, all); return err }, ""},
		{"unknown key", func() error {
			_, err := c.Sort(ctx, []imap.SortKey{{Name: "DATE) UTF-8 ALL\r\nA2 LOGOUT"}}, all)
			return err
		}, ""},
		{"empty key", func() error { _, err := c.SortSeq(ctx, []imap.SortKey{{}}, all); return err }, ""},
		{"display", func() error { _, err := c.Sort(ctx, []imap.SortKey{{Name: "DISPLAYTO"}}, all); return err }, "SORT=DISPLAY"},
		{"relevancy", func() error { _, err := c.Sort(ctx, []imap.SortKey{{Name: "RELEVANCY"}}, all); return err }, "SEARCH=FUZZY"},
		{"algorithm", func() error { _, err := c.Thread(ctx, "REFS", all); return err }, "THREAD=REFS"},
		{"algorithm CRLF", func() error { _, err := c.Thread(ctx, "REFERENCES\r\nA2 LOGOUT", all); return err }, ""},
		{"algorithm empty", func() error { _, err := c.ThreadSeq(ctx, "", all); return err }, ""},
		{"algorithm quote", func() error { _, err := c.ThreadSeq(ctx, `"x"`, all); return err }, ""},
		{"NUL", func() error { _, err := c.Thread(ctx, "REFERENCES", all.Subject("a\x00b")); return err }, ""},
	} {
		err := test.call()
		require.Error(t, err, test.name)
		assert.True(t, imap.SafeToRetry(err), test.name)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		assert.Equal(t, test.caps != "", ok, test.name)
		if ok {
			assert.Equal(t, test.caps, missing.Name, test.name)
		}
	}
	testkit.RequireNothingSent(t, c)
}

func TestSortStateAndCapability(t *testing.T) {
	c, ctx := testkit.Offering(t, "SORT", testkit.OnlyNoop), testkit.Context(t)
	_, err := c.Sort(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
	requireState(t, err, "UID SORT")
	_, err = c.ThreadSeq(ctx, "REFERENCES", imap.Where())
	requireState(t, err, "THREAD")
	testkit.RequireNothingSent(t, c)

	c = testkit.OfferingSelected(t, "XYZZY", testkit.OnlyNoop)
	_, err = c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func requireState(t *testing.T, err error, command string) {
	t.Helper()
	state, ok := errors.AsType[*imap.StateError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, command, state.Command)
}

func TestSortMalformed(t *testing.T) {
	for _, line := range []string{"* SORT 1 x", "* SORT 4294967296", "* SORT 1 (MODSEQ", "* SORT -1"} {
		c, ctx := testkit.OfferingSelected(t, "SORT", "C: $ SORT (DATE) UTF-8 ALL\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
}

// threadOf returns the result of one THREAD response.
func threadOf(t *testing.T, opts *imap.Options, line string) ([]*imap.ThreadNode[imap.UID], error) {
	t.Helper()
	script := "S: * PREAUTH [CAPABILITY IMAP4rev1 THREAD=REFS] hello\nC: $ SELECT INBOX\nS: $ OK done\n" +
		"C: $ UID THREAD REFS UTF-8 ALL\nS: " + line + "\nS: $ OK done\n" + testkit.OnlyNoop
	c := testkit.FollowWith(t, opts, script)
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	threads, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	testkit.RequireNothingSent(t, c)
	return threads, err
}

// TestThreadLongChain has a conversation of 100,000 messages, each a reply to the one before.
func TestThreadLongChain(t *testing.T) {
	const n = 100_000
	var b strings.Builder
	b.WriteString("* THREAD (1")
	for i := 2; i <= n; i++ {
		fmt.Fprintf(&b, " %d", i)
	}
	b.WriteString(")")
	threads, err := threadOf(t, nil, b.String())
	require.NoError(t, err)
	require.Len(t, threads, 1)
	length := 1
	for node := threads[0]; len(node.Children) > 0; node = node.Children[0] {
		require.EqualValues(t, length, node.Num)
		length++
	}
	assert.Equal(t, n, length)
}

func TestThreadMalformed(t *testing.T) {
	for _, line := range []string{
		"* THREAD 1", "* THREAD (1", "* THREAD (1))", "* THREAD )", "* THREAD (x)", "* THREAD (0)", "* THREAD (01)",
		"* THREAD (4294967296)", "* THREAD (1 2)(3 4)(5 6)(7 8)(9 1)", "* THREAD " + strings.Repeat("(1)", 10),
		"* THREAD " + strings.Repeat("(())", 200),
	} {
		_, err := threadOf(t, nil, line)
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%.40s: %v", line, err)
	}
	deep := "* THREAD " + strings.Repeat("(", 11) + "1" + strings.Repeat(")", 11)
	_, err := threadOf(t, &imap.Options{MaxDepth: 10}, deep)
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "MaxDepth", limit.Name)
	threads, err := threadOf(t, &imap.Options{MaxDepth: 11}, deep)
	require.NoError(t, err)
	assert.Len(t, threads, 1)
}

// TestThreadWithoutMessages: empty lists are not threads.
func TestThreadWithoutMessages(t *testing.T) {
	for line, want := range map[string]string{
		"* THREAD (())": "", "* THREAD ((()))(5)": "(5)", "* THREAD (1 (()))": "(1)", "* THREAD ((2)(()))": "(0 (2))", "* THREAD (3)()": "(3)",
	} {
		threads, err := threadOf(t, nil, line)
		require.NoError(t, err, line)
		assert.Equal(t, want, strings.ReplaceAll(testkit.ThreadText(threads), "(0 2)", "(0 (2))"), line)
	}
}

// TestSortAnswerBounded has a server that sends more than one response may hold, in several responses.
func TestSortAnswerBounded(t *testing.T) {
	rows := strings.Repeat("S: * SORT "+strings.Repeat("1 ", 400)+"\n", 3)
	script := "S: * PREAUTH [CAPABILITY IMAP4rev1 SORT] hello\nC: $ SELECT INBOX\nS: $ OK done\n" +
		"C: $ UID SORT (DATE) UTF-8 ALL\n" + rows + "S: $ OK done\n" + testkit.OnlyNoop
	c := testkit.FollowWith(t, &imap.Options{MaxLine: 2000}, script)
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	_, err = c.Sort(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where())
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.LimitError{Name: "MaxLine", Limit: 2000}, limit)
	testkit.RequireNothingSent(t, c)
}

// TestSortZeroAndAgain: 0 is not a message, and the result before a refusal is discarded when the command is sent again.
func TestSortZeroAndAgain(t *testing.T) {
	c := testkit.OfferingSelected(t, "SORT", `
		C: $ UID SORT (DATE) UTF-8 ALL
		S: * SORT 9 0 8
		S: $ NO [BADCHARSET (US-ASCII)] not this one
		C: $ UID SORT (DATE) US-ASCII ALL
		S: * SORT 3 0 1
		S: $ OK done
	`)
	nums, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{3, 1}, nums)
}

func TestBaseSubject(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"Lunch":                             "Lunch",
		"Re: Lunch":                         "Lunch",
		"re: RE:Re : Fwd: FW: Lunch":        "Lunch",
		"Re[2]: Lunch":                      "Lunch",
		"Re [a] [b]: Lunch":                 "Re [a] [b]: Lunch",
		"[list] Lunch":                      "Lunch",
		"[list] [b] Re: [c] Lunch":          "Lunch",
		"[list]":                            "[list]",
		"Re: [list]":                        "[list]",
		"[a] [b]":                           "[b]",
		"Lunch (fwd)":                       "Lunch",
		"Lunch (FWD) (fwd)  ":               "Lunch",
		"[Fwd: Lunch]":                      "Lunch",
		"[fwd: Re: [Fwd: [x] Lunch (fwd)]]": "Lunch",
		"  two \t\r\n  words ":              "two words",
		"Regarding: x":                      "Regarding: x",
		"Reply":                             "Reply",
		"Re:":                               "",
		"Re":                                "Re",
		"[unclosed Re: x":                   "[unclosed Re: x",
		"[a[b] x":                           "[a[b] x",
		"Fwd":                               "Fwd",
		"(fwd)":                             "",
	} {
		assert.Equal(t, want, imap.BaseSubject(in), "%q", in)
	}
	start := time.Now()
	imap.BaseSubject(strings.Repeat("Re: [x] ", 100_000))
	imap.BaseSubject(strings.Repeat("[Fwd: ", 20_000) + strings.Repeat("]", 20_000))
	assert.Less(t, time.Since(start), 30*time.Second)
}

// TestLocalSort: with Options.LocalSort, messages are sorted by the client if the server cannot.
func TestLocalSort(t *testing.T) {
	const script = `
S: * PREAUTH [CAPABILITY IMAP4rev1] hello
C: $ EXAMINE INBOX
S: * 3 EXISTS
S: $ OK [READ-ONLY] done
`
	const rows = `S: * 1 FETCH (UID 5 INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE 9 ENVELOPE ("Thu, 1 Jan 2026 00:00:00 +0000" "b" NIL NIL NIL NIL NIL NIL NIL "<1@x>") BODY[HEADER.FIELDS ("References")] "")
S: * 3 FETCH (UID 8 INTERNALDATE "02-Jan-2026 00:00:00 +0000" RFC822.SIZE 8 ENVELOPE ("Fri, 2 Jan 2026 00:00:00 +0000" "Re: b" NIL NIL NIL NIL NIL NIL "<1@x>" "<3@x>") BODY[HEADER.FIELDS ("References")] "")
S: $ OK done
`
	const items = `(UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])`
	opts := &imap.Options{LocalSort: true}
	c := testkit.FollowWith(t, opts, script+"C: $ UID SEARCH UNSEEN\nS: * SEARCH 8 5\nS: $ OK done\nC: $ UID FETCH 5,8 "+items+"\n"+rows+
		"C: $ SEARCH UNSEEN\nS: * SEARCH 1 3\nS: $ OK done\nC: $ FETCH 1,3 "+items+"\n"+rows+
		"C: $ UID SEARCH ALL\nS: * SEARCH 5 8\nS: $ OK done\nC: $ UID FETCH 5,8 "+items+"\n"+rows+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	uids, err := c.Sort(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where().Unseen())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8, 5}, uids)
	nums, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}}, imap.Where().Unseen())
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{3, 1}, nums)
	threads, err := c.Thread(ctx, "references", imap.Where())
	require.NoError(t, err)
	assert.Equal(t, "(5 (8 ))", localThreadText(threads))
	require.ErrorIs(t, testkit.ErrOf(c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())), errors.ErrUnsupported)
	require.Error(t, testkit.ErrOf(c.Sort(ctx, nil, imap.Where())))
	require.ErrorIs(t, testkit.ErrOf(c.Thread(ctx, "REFS", imap.Where())), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)

	c = testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	_, err = c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	const step = ": with Options.LocalSort it is done here"
	err = testkit.ErrOf(c.Sort(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where()))
	require.ErrorIs(t, err, errors.ErrUnsupported, "unless it is allowed")
	require.ErrorContains(t, err, "the server does not offer SORT"+step)
	for _, algorithm := range []string{"REFERENCES", "ORDEREDSUBJECT"} {
		require.ErrorContains(t, testkit.ErrOf(c.Thread(ctx, algorithm, imap.Where())), "the server does not offer THREAD="+algorithm+step)
	}
	testkit.RequireNothingSent(t, c)
}

// TestLocalSortLeftOut: a matching message of which the server sends no data sorts first, unless it was removed.
func TestLocalSortLeftOut(t *testing.T) {
	const items = `(UID ENVELOPE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)])`
	const row = "S: * 1 FETCH (UID 5 INTERNALDATE \"01-Jan-2026 00:00:00 +0000\" RFC822.SIZE 9 ENVELOPE (NIL \"b\" NIL NIL NIL NIL NIL NIL NIL NIL) " +
		"BODY[HEADER.FIELDS (References)] \"\")\nS: $ OK done\n"
	c := testkit.FollowWith(t, &imap.Options{LocalSort: true}, `
S: * PREAUTH [CAPABILITY IMAP4rev1] hello
C: $ EXAMINE INBOX
S: * 3 EXISTS
S: $ OK [READ-ONLY] done
C: $ UID SEARCH ALL
S: * SEARCH 5 7 8
S: $ OK done
C: $ UID FETCH 5,7:8 `+items+"\n"+row+`
C: $ UID SEARCH UID 7:8
S: * SEARCH 8
S: $ OK done
C: $ SEARCH ALL
S: * SEARCH 1 3
S: $ OK done
C: $ FETCH 1,3 `+items+"\n"+row)
	_, err := c.Examine(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	uids, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "SIZE"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{8, 5}, uids)
	nums, err := c.SortSeq(testkit.Context(t), []imap.SortKey{{Name: "SIZE"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{3, 1}, nums)
}

// TestThreadUnusualMail threads messages that refer to themselves, to nothing or in a circle, and messages without a header.
func TestThreadUnusualMail(t *testing.T) {
	message := func(uid imap.UID, id, reply, subject string) *imap.Message {
		return &imap.Message{UID: uid, SeqNum: imap.SeqNum(uid), InternalDate: time.Unix(int64(uid), 0), Envelope: &imap.Envelope{MessageID: id, InReplyTo: reply, Subject: subject}}
	}
	for name, tt := range map[string]struct {
		msgs []*imap.Message
		want string
	}{
		"nothing":             {nil, ""},
		"no envelope":         {[]*imap.Message{{UID: 1}, {UID: 2}}, "(1 )(2 )"},
		"itself":              {[]*imap.Message{message(1, "<a@x>", "<a@x>", "")}, "(1 )"},
		"a circle":            {[]*imap.Message{message(1, "<a@x>", "<b@x>", ""), message(2, "<b@x>", "<a@x>", "")}, "(2 (1 ))"},
		"the same identifier": {[]*imap.Message{message(1, "<a@x>", "", ""), message(2, "<a@x>", "", ""), message(3, "<c@x>", "<a@x>", "")}, "(1 (3 ))(2 )"},
		"a missing parent":    {[]*imap.Message{message(1, "<b@x>", "<a@x>", ""), message(2, "<c@x>", "<a@x>", "")}, "(0 (1 )(2 ))"},
		"one subject":         {[]*imap.Message{message(1, "<a@x>", "", "s"), message(2, "<b@x>", "", "s")}, "(0 (1 )(2 ))"},
		"one subject, thrice": {[]*imap.Message{message(1, "<a@x>", "", "s"), message(2, "<b@x>", "", "s"), message(3, "<c@x>", "", "s")}, "(0 (1 )(2 )(3 ))"},
		"a reply by subject":  {[]*imap.Message{message(1, "<a@x>", "", "Re: s"), message(2, "<b@x>", "", "s")}, "(2 (1 ))"},
	} {
		got, err := imap.ThreadMessages[imap.UID](tt.msgs, "REFERENCES")
		require.NoError(t, err)
		assert.Equal(t, tt.want, localThreadText(got), name)
	}
	deep := make([]*imap.Message, 20_000)
	for i := range deep {
		deep[i] = message(imap.UID(i+1), fmt.Sprintf("<%d@x>", i), fmt.Sprintf("<%d@x>", i-1), "s")
	}
	got, err := imap.ThreadMessages[imap.UID](deep, "REFERENCES")
	require.NoError(t, err)
	require.Len(t, got, 1)
}

// localThreadText writes threads as a server does.
func localThreadText[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "(%d %s)", n.Num, localThreadText(n.Children))
	}
	return b.String()
}

// TestModSeqOfSort: a SORT response ends with the highest mod-sequence if the search used mod-sequences (RFC 7162 section 3.1.9).
func TestModSeqOfSort(t *testing.T) {
	for answer, want := range map[string]uint64{
		"* SORT 2 5 (MODSEQ 77)": 77, "* SORT (MODSEQ 77) 2 5": 77, "* SORT 2 5 (X (7))": 0, "* SORT 2 5": 0,
	} {
		c := testkit.Offering(t, "SORT CONDSTORE", `
			C: $ SELECT INBOX
			S: $ OK
			C: $ UID SORT (DATE) UTF-8 MODSEQ 1
			S: `+answer+`
			S: $ OK
		`)
		testkit.Open(t, c, "INBOX")
		res, err := c.SortExtended(t.Context(), testkit.SortBy("DATE"), imap.Where().ModSeq(1), nil)
		require.NoError(t, err, answer)
		assert.Equal(t, []imap.UID{2, 5}, res.Nums, answer)
		assert.Equal(t, want, res.ModSeq, answer)
	}
}

// TestPartOfMailbox: a part of a result does not show how many messages match, nor the lowest and highest.
func TestPartOfMailbox(t *testing.T) {
	c := testkit.Offering(t, "ESEARCH MULTISEARCH PARTIAL", `
		C: $ ESEARCH RETURN (PARTIAL 1:3) ALL
		S: * ESEARCH (TAG "$" MAILBOX INBOX UIDVALIDITY 7) UID PARTIAL (1:3 4,9,20)
		S: $ OK
	`)
	all, err := c.SearchMailboxes(t.Context(), []imap.MailboxScope{}, imap.Where(), &imap.SearchOptions{PartialFrom: 1, PartialTo: 3})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, imap.SearchResult{UIDs: imap.UIDs(4, 9, 20)}, all[0].SearchResult)
}

// TestDeepBranches: a long discussion in which each message has two replies is nested as deeply as it is long.
func TestDeepBranches(t *testing.T) {
	const levels = 1000
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, "(%d ( %d)", 1000+2*i, 1001+2*i)
	}
	c := testkit.Offering(t, "THREAD=REFERENCES", `
		C: $ SELECT INBOX
		S: $ OK
		C: $ UID THREAD REFERENCES UTF-8 ALL
		S: * THREAD (1)`+b.String()+strings.Repeat(")", levels)+`(9999)
		S: $ OK
	`)
	testkit.Open(t, c, "INBOX")
	roots, err := c.Thread(t.Context(), "REFERENCES", imap.Where())
	require.NoError(t, err)
	require.Len(t, roots, 3)
	deepest := 0
	for n := roots[1]; n != nil; deepest++ {
		require.Len(t, n.Children, min(2, levels-deepest))
		n = n.Children[len(n.Children)-1]
		if len(n.Children) == 0 {
			break
		}
	}
	require.Equal(t, levels-1, deepest)
}
