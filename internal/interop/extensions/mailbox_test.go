package extensions_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func useACL(t *testing.T, c *imap.Client, at testkit.Place) {
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
}

// sortedRights returns the rights of an identifier, "" if it has no entry.
func sortedRights(entries []imap.ACLEntry, identifier string) string {
	for _, e := range entries {
		if e.Identifier == identifier {
			return strings.Join(slices.Sorted(strings.SplitSeq(e.Rights, "")), "")
		}
	}
	return ""
}

func useQuota(t *testing.T, c *imap.Client, at testkit.Place) {
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
	if err == nil { // Cyrus reports it to administrators only
		assert.Equal(t, &roots[0], q)
	}
	require.NoError(t, c.Noop(ctx))
}

// TestSetQuotaLive changes a quota on the one server that lets its administrator do it over IMAP.
func TestSetQuotaLive(t *testing.T) {
	s := realserver.Get(t, "cyrus")
	user, password, err := s.NewUser()
	require.NoError(t, err)
	c, ctx := testkit.LoginAs(t, s, user, password), testkit.Context(t)
	name, secret := s.MasterUser()
	admin := testkit.LoginAs(t, s, name, secret)
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

func useAnnotate(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small)
	note := imap.Annotation{Entry: "/comment", Values: map[string][]byte{"value.priv": []byte(`a "note"`)}}
	_, err := c.Store(ctx, imap.UIDs(1), imap.StoreAnnotations(note), nil)
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 1, imap.FetchAnnotations([]string{"/comment"}, "value.priv"))
	require.NoError(t, err)
	assert.Equal(t, []imap.Annotation{note}, m.Annotations())
}

func TestListExtendedLive(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		prefix := ""
		if ns, err := c.Namespace(ctx); err == nil && len(ns.Personal) > 0 {
			prefix = ns.Personal[0].Prefix
		}
		a, b := prefix+"Äpfel", prefix+"Birnen"
		require.NoError(t, c.Create(ctx, a, nil))
		require.NoError(t, c.Create(ctx, b, nil))
		require.NoError(t, c.Subscribe(ctx, a))
		_, err := c.Append(ctx, a, imap.LiteralString("Subject: x\r\n\r\nx\r\n"), nil)
		require.NoError(t, err)
		opts := &imap.ListOptions{
			Patterns: []string{prefix + "Birn%"}, ReturnSubscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages}, ReturnMyRights: true,
		}
		if c.Caps().Has("METADATA") {
			opts.ReturnMetadata = []string{"/private/comment"}
			require.NoError(t, c.SetMetadata(ctx, b, map[string][]byte{"/private/comment": []byte("sour")}))
		}
		got, err := c.List(ctx, "", a, opts)
		require.NoError(t, err)
		slices.SortFunc(got, func(x, y imap.ListEntry) int { return -strings.Compare(x.Name, y.Name) })
		require.Equal(t, []string{a, b}, testkit.NamesOf(got))
		assert.True(t, got[0].Has(imap.AttrSubscribed))
		assert.False(t, got[1].Has(imap.AttrSubscribed))
		assert.EqualValues(t, 1, *got[0].Status.Messages)
		assert.EqualValues(t, 0, *got[1].Status.Messages)
		assert.Contains(t, got[1].MyRights, "r")
		if opts.ReturnMetadata != nil {
			assert.Nil(t, got[0].Metadata["/private/comment"])
			assert.Equal(t, "sour", string(got[1].Metadata["/private/comment"]))
		}
		got, err = c.List(ctx, "", prefix+"*", &imap.ListOptions{Subscribed: true})
		require.NoError(t, err)
		assert.Contains(t, testkit.NamesOf(got), a)
		assert.NotContains(t, testkit.NamesOf(got), b)
	})
}

// TestRecursiveMatchLive has a subscribed mailbox below one that is not subscribed, and lists only the upper level.
func TestRecursiveMatchLive(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx, opts := testkit.Context(t), &imap.ListOptions{Subscribed: true, RecursiveMatch: true}
		if !c.Caps().Has("LIST-EXTENDED") {
			_, err := c.List(ctx, "", "%", opts)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			return
		}
		require.NoError(t, c.Create(ctx, "Upper", nil))
		require.NoError(t, c.Create(ctx, "Upper/Lower", nil))
		require.NoError(t, c.Subscribe(ctx, "Upper/Lower"))
		got, err := c.List(ctx, "", "%", opts)
		require.NoError(t, err)
		i := slices.Index(testkit.NamesOf(got), "Upper")
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, []string{"SUBSCRIBED"}, got[i].ChildInfo)
		assert.False(t, got[i].Has(imap.AttrSubscribed))
	})
}

func useMetadata(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	if !c.Caps().Has("METADATA") {
		_, err := c.GetMetadata(ctx, "INBOX", "/private/comment")
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	require.NoError(t, c.Create(ctx, "Entwürfe", nil))
	long := "a\r\n\"b\"" + strings.Repeat("ö", 2000)
	for _, value := range []string{"hello", "", long} {
		require.NoError(t, c.SetMetadata(ctx, "Entwürfe", map[string][]byte{"/private/comment": []byte(value)}))
		values, err := c.GetMetadata(ctx, "Entwürfe", "/private/comment", "/private/vendor/x/none")
		require.NoError(t, err)
		assert.Equal(t, value, string(values["/private/comment"]))
		assert.Nil(t, values["/private/vendor/x/none"])
	}
	res, err := c.GetMetadataWith(ctx, "Entwürfe", &imap.MetadataOptions{MaxSize: 10}, "/private/comment")
	require.NoError(t, err)
	assert.Empty(t, res.Entries["/private/comment"])
	assert.EqualValues(t, len(long), res.LongEntries)
	res, err = c.GetMetadataWith(ctx, "Entwürfe", &imap.MetadataOptions{Depth: imap.DepthInfinity}, "/private")
	require.NoError(t, err)
	assert.Equal(t, long, string(res.Entries["/private/comment"]))

	require.NoError(t, c.SetMetadata(ctx, "Entwürfe", map[string][]byte{"/private/comment": nil}))
	values, err := c.GetMetadata(ctx, "Entwürfe", "/private/comment")
	require.NoError(t, err)
	assert.Nil(t, values["/private/comment"])

	require.NoError(t, c.SetMetadata(ctx, "", map[string][]byte{"/private/comment": []byte("of the server")}))
	values, err = c.GetMetadata(ctx, "", "/private/comment")
	require.NoError(t, err)
	assert.Equal(t, "of the server", string(values["/private/comment"]))

	// Not all accept NUL bytes; those that do not refuse them and continue.
	err = c.SetMetadata(ctx, "INBOX", map[string][]byte{"/private/comment": []byte("a\x00\r\nA9 LOGOUT\r\n")})
	if _, refused := errors.AsType[*imap.Error](err); !refused {
		require.NoError(t, err)
	}
	require.NoError(t, c.Noop(ctx))
	for _, ev := range c.Events() {
		if _, told := ev.(*imap.CodeEvent); !told { // the identifier of the new mailbox
			assert.IsType(t, &imap.ExistsEvent{}, ev)
		}
	}
}

func useNamespace(t *testing.T, c *imap.Client, at testkit.Place) {
	ns, err := c.Namespace(testkit.Context(t))
	require.NoError(t, err)
	require.NotEmpty(t, ns.Personal)
	assert.Equal(t, at.Prefix, ns.Personal[0].Prefix)
}

func useUnselect(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	_, err := c.Store(testkit.Context(t), imap.Seqs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(testkit.Context(t)))
	testkit.Open(t, c, "INBOX")
	assert.EqualValues(t, 1, c.Mailbox().Exists)
}

func useCreateSpecialUse(t *testing.T, c *imap.Client, at testkit.Place) {
	require.NoError(t, c.Create(testkit.Context(t), "Wichtig", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrImportant}}))
	uses, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "Wichtig", uses[imap.AttrImportant])
}

func useStatusSize(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	st, err := at.Again(t).Status(testkit.Context(t), "INBOX", imap.StatusMessages, imap.StatusSize)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint64(len(testkit.Small))), st.Size)
}

func useChildren(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	delimiter := "/"
	if at.Prefix != "" {
		delimiter = "."
	}
	require.NoError(t, c.Create(ctx, at.Prefix+"a", nil))
	require.NoError(t, c.Create(ctx, at.Prefix+"a"+delimiter+"b", nil))
	got, err := c.List(ctx, "", at.Prefix+"a*", nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	for _, e := range got {
		assert.Equal(t, e.Name == at.Prefix+"a", e.Has(imap.AttrHasChildren), e.Name)
	}
}

func useListExtended(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Create(ctx, at.Prefix+"Entwürfe", nil))
	require.NoError(t, c.Subscribe(ctx, at.Prefix+"Entwürfe"))
	got, err := c.List(ctx, "", at.Prefix+"Entw*", &imap.ListOptions{Subscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.True(t, got[0].Has(imap.AttrSubscribed))
}

func useListStatus(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
	require.NoError(t, err)
	for _, e := range got {
		if e.Name == "INBOX" {
			require.NotNil(t, e.Status)
			assert.Equal(t, testkit.Ptr(uint32(1)), e.Status.Messages)
		}
	}
}

func useListMyrights(t *testing.T, c *imap.Client, at testkit.Place) {
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{ReturnMyRights: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Contains(t, got[0].MyRights, "r")
}

func useListMetadata(t *testing.T, c *imap.Client, at testkit.Place) {
	require.NoError(t, c.SetMetadata(testkit.Context(t), "INBOX", map[string][]byte{"/private/comment": []byte("mine")}))
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{ReturnMetadata: []string{"/private/comment"}})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "mine", string(got[0].Metadata["/private/comment"]))
}

func useMailboxReferrals(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	list, err := c.RemoteList(ctx, "", "*")
	require.NoError(t, err)
	assert.NotEmpty(t, list)
	_, err = c.RemoteLsub(ctx, "", "*")
	require.NoError(t, err)
}

// ACL2=UNION is offered; its effect on rights is up to the server.
func useACL2Union(t *testing.T, c *imap.Client, at testkit.Place) {
	_, err := c.MyRights(testkit.Context(t), "INBOX")
	require.NoError(t, err)
}

func useSieve(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	_, ok := c.Caps().SieveURL()
	assert.True(t, ok)
	require.NoError(t, c.SetSieveScript(ctx, "INBOX", "s"))
	name, err := c.GetSieveScript(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "s", name)
}
