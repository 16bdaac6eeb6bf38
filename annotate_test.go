package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("annotate/legacy.txt", func(t *testing.T, c *imap.Client) {
	ctx := testContext(t)
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
	c, ctx := offering(t, "IDLE", onlyNoop), testContext(t)
	_, err := c.Partial(ctx, 1, "RFC822", 0, 1)
	requireState(t, err, "PARTIAL")
	requireNothingSent(t, c)

	c = offeringSelected(t, "IDLE", onlyNoop)
	for _, part := range []string{"", "RFC822 TEXT", "RFC822\r\nA2 LOGOUT", "\x00", `"x"`} {
		_, err := c.Partial(ctx, 1, part, 0, 1)
		assert.True(t, imap.SafeToRetry(err), "%q", part)
	}
	_, err = c.Partial(ctx, 1, "RFC822", -1, 1)
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Partial(ctx, 1, "RFC822", 1, -1)
	assert.True(t, imap.SafeToRetry(err))
	requireNothingSent(t, c)
}
