package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("annotate/legacy.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	resp, err := c.GetAnnotation(ctx, "INBOX", "/comment", "value.shared")
	require.NoError(t, err)
	assert.Equal(t, []imap.Untagged{{Name: "ANNOTATION", Rest: []byte(`INBOX "/comment" ("value.shared" "hi")`)}}, resp.Untagged)
	assert.Equal(t, "done", resp.Text)

	resp, err = c.GetAnnotation(ctx, "a b", "/%", "value")
	require.NoError(t, err)
	assert.Empty(t, resp.Untagged)

	require.NoError(t, c.SetAnnotation(ctx, "INBOX", "/comment", map[string]string{"value.shared": `NIL "x"`, "value.priv": "NIL"}))
	err = c.SetAnnotation(ctx, "INBOX", "/comment", map[string]string{"value.priv": "x"})
	assert.ErrorContains(t, err, "NO not yours")

	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	data, err := c.Partial(ctx, 1, "RFC822.TEXT", 0, 10)
	require.NoError(t, err)
	assert.Equal(t, "0123456789", string(data))
	data, err = c.Partial(ctx, 2, "BODY[1]", 1, 5)
	require.NoError(t, err)
	assert.Equal(t, "abc", string(data))
	_, err = c.Partial(ctx, 3, "RFC822", 1, 5)
	assert.ErrorContains(t, err, "BAD unknown command")
})

func TestPartialNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "IDLE", testkit.OnlyNoop), testkit.Context(t)
	_, err := c.Partial(ctx, 1, "RFC822", 0, 1)
	requireState(t, err, "PARTIAL")
	testkit.RequireNothingSent(t, c)

	c = testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop)
	for _, part := range []string{"", "RFC822 TEXT", "RFC822\r\nA2 LOGOUT", "\x00", `"x"`} {
		_, err := c.Partial(ctx, 1, part, 0, 1)
		assert.True(t, imap.SafeToRetry(err), "%q", part)
	}
	_, err = c.Partial(ctx, 1, "RFC822", -1, 1)
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Partial(ctx, 1, "RFC822", 1, -1)
	assert.True(t, imap.SafeToRetry(err))
	testkit.RequireNothingSent(t, c)
}

var _ = transcript("annotate/annotate.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", &imap.SelectOptions{Annotate: true})
	require.NoError(t, err)
	limits, ok := c.Mailbox().Annotations()
	assert.True(t, ok)
	assert.Equal(t, imap.MailboxAnnotations{MaxSize: 20480, NoPrivate: true}, limits)
	m, err := c.FetchOne(ctx, 1123, imap.FetchAnnotations([]string{"/*", "/comment"}, "value.shared", "size.shared"))
	require.NoError(t, err)
	assert.Equal(t, []imap.Annotation{
		{Entry: "/comment", Values: map[string][]byte{"value.shared": []byte("My comment"), "size.shared": []byte("10")}},
		{Entry: "/altsubject", Values: map[string][]byte{"value.shared": nil}},
	}, m.Annotations())
	_, err = c.Store(ctx, imap.UIDs(1123), imap.StoreAnnotations(imap.Annotation{
		Entry: "/comment", Values: map[string][]byte{"value.shared": []byte("Yours"), "value.priv": nil},
	}), nil)
	require.NoError(t, err)
	res, err := c.Search(ctx, imap.Where().Annotation("/comment", "value", "IMAP4"), nil)
	require.NoError(t, err)
	assert.Equal(t, "2:3,5,7", res.UIDs.String())
	stored, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagSeen), nil)
	require.NoError(t, err)
	assert.Equal(t, []imap.Annotation{{Entry: "/comment"}, {Entry: "/altsubject"}}, stored.Messages[0].Annotations())
	note := func(entry, text string) imap.Annotation {
		return imap.Annotation{Entry: entry, Values: map[string][]byte{"value.priv": []byte(text)}}
	}
	_, err = c.Store(ctx, imap.UIDs(1), imap.StoreAnnotations(note("/comment", "Get tix Tuesday"), note("/altsubject", "Wots On")), nil)
	require.NoError(t, err)
	res, err = c.SearchSeq(ctx, imap.Where().Annotation("*", "value.priv", "IMAP4"), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 8, res.Count)
	key := imap.SortKey{Name: "annotation", Entry: "/altsubject", Attribute: "value.shared"}
	order, err := c.SortSeq(ctx, []imap.SortKey{key}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{2, 3, 4, 5, 1, 11, 10, 6, 7, 9, 8}, order)
	for _, bad := range []imap.SortKey{{Name: "ANNOTATION"}, {Name: "ANNOTATION", Entry: "/%", Attribute: "value.priv"},
		{Name: "ANNOTATION", Entry: "/comment", Attribute: "size.priv"}, {Name: "DATE", Entry: "/comment"}, {Name: "DATE", Attribute: "value.priv"}} {
		_, err := c.SortSeq(ctx, []imap.SortKey{bad}, imap.Where())
		assert.True(t, imap.SafeToRetry(err), "%+v: %v", bad, err)
	}
	_, err = c.Append(ctx, "drafts", imap.LiteralString("hello"), &imap.AppendOptions{Annotations: []imap.Annotation{note("/comment", "Don't send until I say so")}})
	require.NoError(t, err)
	_, err = c.Append(ctx, "drafts", imap.LiteralString("hello"), &imap.AppendOptions{Annotations: []imap.Annotation{note("/comment", "x")}})
	why, ok := imap.CodeDataOf[imap.AnnotateData](err)
	assert.True(t, ok, err)
	assert.Equal(t, "TOOMANY", why.Reason)
})

var _ = live("ANNOTATE-EXPERIMENT-1", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	note := imap.Annotation{Entry: "/comment", Values: map[string][]byte{"value.priv": []byte(`a "note"`)}}
	_, err := c.Store(ctx, imap.UIDs(1), imap.StoreAnnotations(note), nil)
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 1, imap.FetchAnnotations([]string{"/comment"}, "value.priv"))
	require.NoError(t, err)
	assert.Equal(t, []imap.Annotation{note}, m.Annotations())
})
