package imap_test

import (
	"errors"
	"math"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
