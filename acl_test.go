package imap_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("acl/acl.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	entries, err := c.GetACL(ctx, "Entwürfe 1")
	require.NoError(t, err)
	assert.Equal(t, []imap.ACLEntry{{"Fred", "rwipslda"}, {"John Doe", "lrs"}, {"-bob", ""}, {"anyone", ""}}, entries)

	require.NoError(t, c.SetACL(ctx, "inbox", "John Doe", "+lrs"))
	require.NoError(t, c.SetACL(ctx, "INBOX", "Jörg", ""))
	require.NoError(t, c.DeleteACL(ctx, "INBOX", "-Fred"))

	required, optional, err := c.ListRights(ctx, "~/Mail/saved", "smith")
	require.NoError(t, err)
	assert.Equal(t, "la", required)
	assert.Equal(t, []string{"r", "swicdkxte"}, optional)
	required, optional, err = c.ListRights(ctx, "archive", "anyone")
	require.NoError(t, err)
	assert.Empty(t, required)
	assert.Equal(t, strings.Fields("l r s w i p k x t e c d a 0 1 2 3 4 5 6 7 8 9"), optional)

	rights, err := c.MyRights(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "rwiptsldaex", rights)
	rights, err = c.MyRights(ctx, "other")
	require.NoError(t, err)
	assert.Empty(t, rights)

	_, err = c.GetACL(ctx, "other")
	assert.Equal(t, imap.Code("NOPERM"), imap.CodeOf(err))
})

// accessCalls are the commands about access, quota and annotations, each with the capability it needs.
var accessCalls = []struct {
	name, needs string
	call        func(ctx context.Context, c *imap.Client, s string) error
}{
	{"GETACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetACL(ctx, s); return err }},
	{"SETACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, s, s, s) }},
	{"DELETEACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { return c.DeleteACL(ctx, s, s) }},
	{"LISTRIGHTS", "ACL", func(ctx context.Context, c *imap.Client, s string) error {
		_, _, err := c.ListRights(ctx, s, s)
		return err
	}},
	{"MYRIGHTS", "ACL", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.MyRights(ctx, s); return err }},
	{"GETQUOTA", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetQuota(ctx, s); return err }},
	{"GETQUOTAROOT", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetQuotaRoot(ctx, s)
		return err
	}},
	{"SETQUOTA", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, s, map[string]uint64{"STORAGE": 1})
		return err
	}},
	{"GETMETADATA", "METADATA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetMetadata(ctx, s, "/shared/comment")
		return err
	}},
	{"SETMETADATA", "METADATA", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetMetadata(ctx, s, map[string][]byte{"/shared/comment": []byte(s)})
	}},
	{"GETANNOTATION", "", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetAnnotation(ctx, s, s, s)
		return err
	}},
	{"SETANNOTATION", "", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetAnnotation(ctx, s, s, map[string]string{s: s})
	}},
}

// TestAccessNotSent has each command where it is not possible, and without its capability: nothing is sent.
func TestAccessNotSent(t *testing.T) {
	for _, test := range accessCalls {
		t.Run(test.name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c := testkit.FollowText(t, "S: * OK [CAPABILITY IMAP4rev1 ACL QUOTA METADATA] hello\n"+testkit.OnlyNoop)
			requireState(t, test.call(ctx, c, "x"), test.name)
			testkit.RequireNothingSent(t, c)
			if test.needs == "" {
				return
			}
			c = testkit.Offering(t, "IDLE", testkit.OnlyNoop)
			missing, ok := errors.AsType[*imap.CapabilityError](test.call(ctx, c, "x"))
			require.True(t, ok)
			assert.Equal(t, test.needs, missing.Name)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestAccessInjection gives each command arguments that would be a second command, or the end of a string.
func TestAccessInjection(t *testing.T) {
	const caps = "LITERAL+ ACL QUOTA METADATA"
	for _, test := range accessCalls {
		t.Run(test.name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c := testkit.Offering(t, caps, testkit.OnlyNoop)
			err := test.call(ctx, c, "a\x00b")
			require.Error(t, err)
			assert.True(t, imap.SafeToRetry(err))
			testkit.RequireNothingSent(t, c)
			for _, s := range []string{"x\r\nA2 LOGOUT", `x" y "`, `\`, "x {3}", "(x)", "NIL"} {
				sent := commandsSent(t, caps, func(c *imap.Client) { assert.NoError(t, test.call(ctx, c, s), "%q", s) })
				require.Len(t, sent, 1, "%q", s)
				assert.Regexp(t, `^A[0-9]+ `+test.name+` `, sent[0], "%q", s)
			}
		})
	}
}

// commandsSent returns the commands that a call sends to a server that says OK to all, with each literal on its own in
// angle brackets.
func commandsSent(t *testing.T, caps string, call func(*imap.Client)) []string {
	t.Helper()
	near, far := imaptest.Pipe()
	done := make(chan []string)
	go func() {
		var sent []string
		defer func() { done <- sent }()
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hello\r\n")
		for in := bufio.NewReader(far); ; {
			command, err := readCommand(in)
			if err != nil {
				return
			}
			sent = append(sent, command)
			tag, _, _ := strings.Cut(command, " ")
			io.WriteString(far, tag+" OK done\r\n")
		}
	}()
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	call(c)
	c.Close()
	return <-done
}

// readCommand reads a command with its literals.
func readCommand(in *bufio.Reader) (string, error) {
	for command := ""; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		command += strings.TrimSuffix(line, "\r\n")
		header := literalAtEnd.FindStringSubmatch(command)
		if header == nil {
			return command, nil
		}
		size, _ := strconv.Atoi(header[1])
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			return "", err
		}
		command += "<" + string(data) + ">"
	}
}

var literalAtEnd = regexp.MustCompile(`\{([0-9]+)\+\}$`)

func TestACLMalformed(t *testing.T) {
	for _, line := range []string{"* ACL", `* ACL INBOX "x`, "* ACL INBOX (x)"} {
		c, ctx := testkit.Offering(t, "ACL", "C: $ GETACL INBOX\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetACL(ctx, "INBOX")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
	many := "* ACL INBOX" + strings.Repeat(" a b", 1<<16+1)
	c, ctx := testkit.Offering(t, "ACL", "C: $ GETACL INBOX\nS: "+many+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
	_, err := c.GetACL(ctx, "INBOX")
	assert.ErrorContains(t, err, "more entries than any mailbox has")
	testkit.RequireNothingSent(t, c)
}

// TestACLUnasked has the data of the commands come when nobody asked: it is no error.
func TestACLUnasked(t *testing.T) {
	c, ctx := testkit.Offering(t, "ACL", "C: $ NOOP\nS: * ACL INBOX a b\nS: * MYRIGHTS INBOX lr\nS: * QUOTA \"\" (STORAGE 1 2)\nS: $ OK done\n"), testkit.Context(t)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 3)
	assert.Equal(t, &imap.UnknownEvent{Raw: []byte("* ACL INBOX a b")}, events[0])
}

var _ = live("ACL, RIGHTS=", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.SetACL(ctx, "INBOX", "nobody", "lr"))
	require.NoError(t, c.SetACL(ctx, "INBOX", "nobody", "+w"))
	entries, err := c.GetACL(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "lrw", sortedRights(entries, "nobody"))
	require.NoError(t, c.SetACL(ctx, "INBOX", "nobody", "-r"))
	entries, err = c.GetACL(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "lw", sortedRights(entries, "nobody"))
	require.NoError(t, c.DeleteACL(ctx, "INBOX", "nobody"))
	entries, err = c.GetACL(ctx, "INBOX")
	require.NoError(t, err)
	assert.Empty(t, sortedRights(entries, "nobody"))

	_, optional, err := c.ListRights(ctx, "INBOX", "nobody")
	require.NoError(t, err)
	assert.Contains(t, strings.Join(optional, ""), "r")
	rights, err := c.MyRights(ctx, "INBOX")
	require.NoError(t, err)
	for _, r := range "lrsa" {
		assert.Contains(t, rights, string(r))
	}
	_, err = c.GetACL(ctx, "INBOX.nosuch")
	refused, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "NO", refused.Status)
})

// sortedRights returns the rights of an identifier, "" if it has no entry.
func sortedRights(entries []imap.ACLEntry, identifier string) string {
	for _, e := range entries {
		if e.Identifier == identifier {
			return strings.Join(slices.Sorted(strings.SplitSeq(e.Rights, "")), "")
		}
	}
	return ""
}

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
