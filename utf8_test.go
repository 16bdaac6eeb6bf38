package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("utf8/accept.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	const name = `Entwürfe & "mehr"`
	require.NoError(t, c.Create(ctx, name, nil))
	got, err := c.List(ctx, "", "*", nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, name, got[0].Name)
	assert.Equal(t, "a&-b", got[1].Name, "no modified UTF-7 any more")
	st, err := c.Status(ctx, name, imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(3)), st.Messages)
	st, err = c.Status(ctx, imap.RawMailbox(got[1].Raw), imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "a&-b", Messages: testkit.Ptr(uint32(4))}, st)

	_, err = c.Append(ctx, name, imap.LiteralString("Subject: Grüße\r\n"), &imap.AppendOptions{UTF8: true})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "INBOX", []imap.CatenatePart{imap.CatenateURL("/a/;UID=1"), imap.CatenateText(imap.LiteralString("ü"))}, &imap.AppendOptions{UTF8: true})
	require.NoError(t, err)
	mb, err := c.Select(ctx, imap.RawMailbox("a&-b"), nil)
	require.NoError(t, err)
	assert.Equal(t, "a&-b", mb.Name)
	res, err := c.Search(ctx, imap.Where().Subject("Grüße"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(2), res.UIDs)
})

var _ = live("UTF8=ACCEPT", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	require.True(t, c.Enabled("UTF8=ACCEPT"))
	name := at.prefix + "Entwürfe & mehr"
	require.NoError(t, c.Create(ctx, name, nil))
	_, err = c.Append(ctx, name, imap.LiteralString(small), nil)
	require.NoError(t, err)
	got, err := c.List(ctx, "", at.prefix+"*", nil)
	require.NoError(t, err)
	names := make([]string, 0, len(got))
	for _, e := range got {
		names = append(names, e.Name)
	}
	assert.Contains(t, names, name)
	st, err := c.Status(ctx, name, imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(1)), st.Messages)
	mb, err := c.Select(ctx, name, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, mb.Exists)
	res, err := c.Search(ctx, imap.Where().Subject("smäll"), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})
