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
