package imap_test

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

var _ = transcript("sort/sort.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
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
})

var _ = transcript("sort/badcharset.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
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
	assert.Equal(t, "(1)", threadText(threads))

	_, err = c.Sort(ctx, byDate, imap.Where().From("Anna"))
	assert.Equal(t, imap.Code("BADCHARSET"), imap.CodeOf(err))
})

// TestSortNotSent holds what is refused before anything is sent.
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

var _ = transcript("thread/thread.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
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
	assert.Equal(t, "(0 (3)(5))(7 (8)(9))", threadText(byNumber))

	threads, err = c.Thread(ctx, "references", imap.Where())
	require.NoError(t, err)
	assert.Empty(t, threads)
})

// threadText writes threads as they are on the wire, with 0 for a parent that is missing.
func threadText[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString("(")
		for ; ; n = n.Children[0] {
			fmt.Fprint(&b, n.Num)
			if len(n.Children) != 1 {
				break
			}
			b.WriteString(" ")
		}
		if len(n.Children) > 1 {
			b.WriteString(" " + threadText(n.Children))
		}
		b.WriteString(")")
	}
	return b.String()
}

// threadOf returns what a client makes of one THREAD response.
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

// TestThreadLongChain has a conversation of 100,000 messages, each answering the one before.
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

// TestThreadWithoutMessages has lists that hold nothing: they are no threads.
func TestThreadWithoutMessages(t *testing.T) {
	for line, want := range map[string]string{
		"* THREAD (())": "", "* THREAD ((()))(5)": "(5)", "* THREAD (1 (()))": "(1)", "* THREAD ((2)(()))": "(0 (2))", "* THREAD (3)()": "(3)",
	} {
		threads, err := threadOf(t, nil, line)
		require.NoError(t, err, line)
		assert.Equal(t, want, strings.ReplaceAll(threadText(threads), "(0 2)", "(0 (2))"), line)
	}
}

// TestSortAnswerBounded has a server that sends more than one response may hold, in many.
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

// conversation is a thread of three and a message alone; the order of arrival is none of the others.
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

var _ = live("SORT, SORT=DISPLAY", func(t *testing.T, c *imap.Client, at place) {
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
})

var _ = live("THREAD=", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	openConversation(t, c)
	threads, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where())
	require.NoError(t, err)
	assert.Equal(t, "(3 1 4)(2)", threadText(threads))
	byUID, err := c.Thread(ctx, "ORDEREDSUBJECT", imap.Where())
	require.NoError(t, err)
	assert.Contains(t, []string{"(3 (1)(4))(2)", "(3 1 4)(2)"}, threadText(byUID)) // Courier makes chains of them
	byUID, err = c.Thread(ctx, "REFERENCES", imap.Where().Subject("nothing"))
	require.NoError(t, err)
	assert.Empty(t, byUID)
})

// TestSortZeroAndAgain: 0 is no message, and what came before a refusal is not kept when the command is sent again.
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

// someMail makes conversations: threads that answer each other, lose messages, change subjects and repeat them.
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

// TestSortLikeServers sorts and threads here what servers sort and thread, and compares.
func TestSortLikeServers(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		deliver(t, c, someMail(rand.New(rand.NewPCG(3, 4)), 60)...)
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
			assert.Equal(t, localThreadText(want), localThreadText(got), algorithm)
		}
	})
}

// localThreadText writes threads as a server does.
func localThreadText[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "(%d %s)", n.Num, localThreadText(n.Children))
	}
	return b.String()
}

// TestLocalSort sorts here where the server cannot, if that is allowed.
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
	require.ErrorIs(t, errOf(c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())), errors.ErrUnsupported)
	require.Error(t, errOf(c.Sort(ctx, nil, imap.Where())))
	require.ErrorIs(t, errOf(c.Thread(ctx, "REFS", imap.Where())), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)

	c = testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	_, err = c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	const step = ": with Options.LocalSort it is done here"
	err = errOf(c.Sort(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where()))
	require.ErrorIs(t, err, errors.ErrUnsupported, "unless it is allowed")
	require.ErrorContains(t, err, "the server does not offer SORT"+step)
	for _, algorithm := range []string{"REFERENCES", "ORDEREDSUBJECT"} {
		require.ErrorContains(t, errOf(c.Thread(ctx, algorithm, imap.Where())), "the server does not offer THREAD="+algorithm+step)
	}
	testkit.RequireNothingSent(t, c)
}

// TestThreadOddMail threads what refers to itself, to nothing, in a circle, and what has no header.
func TestThreadOddMail(t *testing.T) {
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
