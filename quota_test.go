package imap_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("quota/quota.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	q, err := c.GetQuota(ctx, "!partition/sda4")
	require.NoError(t, err)
	assert.Equal(t, &imap.Quota{Root: "!partition/sda4", Resources: []imap.QuotaResource{
		{Name: "STORAGE", Usage: 104, Limit: 10923847}, {Name: "MESSAGE", Usage: 0, Limit: math.MaxUint64},
	}}, q)
	messages, ok := q.Resource("message")
	assert.True(t, ok)
	assert.EqualValues(t, uint64(math.MaxUint64), messages.Limit)
	_, ok = q.Resource("MAILBOX")
	assert.False(t, ok)

	roots, err := c.GetQuotaRoot(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, []imap.Quota{
		{Root: "#user/alice", Resources: []imap.QuotaResource{{Name: "MESSAGE", Usage: 42, Limit: 1000}}}, {Root: ""}, {Root: "none"},
	}, roots)
	roots, err = c.GetQuotaRoot(ctx, "shared box")
	require.NoError(t, err)
	assert.Empty(t, roots)

	q, err = c.SetQuota(ctx, "", map[string]uint64{"STORAGE": math.MaxInt64, "MESSAGE": 100000})
	require.NoError(t, err)
	assert.Equal(t, &imap.Quota{Resources: []imap.QuotaResource{
		{Name: "STORAGE", Usage: 58307, Limit: math.MaxInt64}, {Name: "MESSAGE", Usage: 7, Limit: 100000},
	}}, q)
	q, err = c.SetQuota(ctx, "", nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.Quota{}, q)
	q, err = c.GetQuota(ctx, "other")
	require.NoError(t, err)
	assert.Equal(t, &imap.Quota{Root: "other"}, q)
	_, err = c.GetQuota(ctx, "none")
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(err))
})

func TestSetQuotaNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "QUOTA QUOTA=RES-STORAGE", testkit.OnlyNoop), testkit.Context(t)
	_, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 1})
	missing, ok := errors.AsType[*imap.CapabilityError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "QUOTASET", missing.Name)
	testkit.RequireNothingSent(t, c)

	for _, limits := range []map[string]uint64{{"STORAGE": math.MaxInt64 + 1}, {"": 1}, {"A B": 1}, {"A\r\nB": 1}, {"A)": 1}} {
		c := testkit.Offering(t, "QUOTA", testkit.OnlyNoop)
		_, err := c.SetQuota(ctx, "", limits)
		assert.True(t, imap.SafeToRetry(err), "%v", limits)
		testkit.RequireNothingSent(t, c)
	}
}

func TestQuotaMalformed(t *testing.T) {
	many := strings.Repeat(" A 1 2", 1001)
	for _, line := range []string{
		`* QUOTA`, `* QUOTA "" x`, `* QUOTA "" (STORAGE 1)`, `* QUOTA "" (STORAGE x 2)`, `* QUOTA "" (STORAGE 1 18446744073709551616)`,
		`* QUOTA "" (STORAGE 1 2`, `* QUOTAROOT`, `* QUOTAROOT INBOX (x)`, `* QUOTA "" (` + many + `)`,
		"* QUOTAROOT INBOX" + strings.Repeat(" x", 500) + strings.Repeat(` "`+strings.Repeat("y", 9)+`"`, 2) + numbered(1000),
	} {
		c, ctx := testkit.Offering(t, "QUOTA", "C: $ GETQUOTAROOT INBOX\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetQuotaRoot(ctx, "INBOX")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%.40s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
}

var _ = live("QUOTA", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	if _, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 1 << 40, "MESSAGE": 100}); err != nil {
		refused, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "NO", refused.Status, "only for administrators")
	}
	_, err := c.Append(ctx, "INBOX", imap.LiteralString(strings.Repeat("x", 5000)+"\r\n"), nil)
	require.NoError(t, err)
	roots, err := c.GetQuotaRoot(ctx, "INBOX")
	require.NoError(t, err)
	require.Len(t, roots, 1)
	storage, ok := roots[0].Resource("STORAGE")
	require.True(t, ok)
	assert.GreaterOrEqual(t, storage.Usage, uint64(4))
	assert.Greater(t, storage.Limit, storage.Usage)

	q, err := c.GetQuota(ctx, roots[0].Root)
	if err == nil { // Cyrus tells it to administrators only
		assert.Equal(t, &roots[0], q)
	}
	require.NoError(t, c.Noop(ctx))
})

// TestSetQuotaLive changes a quota on the one server here that lets its administrator do it over IMAP.
func TestSetQuotaLive(t *testing.T) {
	s := realserver.Get(t, "cyrus")
	user, password, err := s.NewUser()
	require.NoError(t, err)
	c, ctx := loginAs(t, s, user, password), testkit.Context(t)
	name, secret := s.MasterUser()
	admin := loginAs(t, s, name, secret)
	_, err = admin.SetQuota(ctx, "user/"+user, map[string]uint64{"STORAGE": 1 << 30, "MESSAGE": 7})
	require.NoError(t, err)
	q, err := admin.GetQuota(ctx, "user/"+user)
	require.NoError(t, err)
	storage, _ := q.Resource("STORAGE")
	assert.EqualValues(t, 1<<30, storage.Limit)
	roots, err := c.GetQuotaRoot(ctx, "INBOX")
	require.NoError(t, err)
	require.Len(t, roots, 1)
	messages, ok := roots[0].Resource("MESSAGE")
	assert.True(t, ok)
	assert.EqualValues(t, 7, messages.Limit)
	_, err = c.SetQuota(ctx, roots[0].Root, map[string]uint64{"STORAGE": 1})
	require.ErrorContains(t, err, "Permission denied")
}
