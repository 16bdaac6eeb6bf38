package transcripts_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func playACL(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	entries, err := c.GetACL(ctx, "Entwürfe 1")
	require.NoError(t, err)
	assert.Equal(t, []imap.ACLEntry{{Identifier: "Fred", Rights: "rwipslda"}, {Identifier: "John Doe", Rights: "lrs"}, {Identifier: "-bob", Rights: ""}, {Identifier: "anyone", Rights: ""}}, entries)

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
}

func playQuota(t *testing.T, c *imap.Client) {
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
}

func playAnnotateLegacy(t *testing.T, c *imap.Client) {
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
}

func playAnnotate(t *testing.T, c *imap.Client) {
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
}

func playListSelection(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	got, err := c.List(ctx, "", "%", &imap.ListOptions{Subscribed: true, Remote: true, RecursiveMatch: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.ListEntry{
		{Name: "Bar", Raw: "Bar", Delimiter: "/", Attrs: []imap.MailboxAttr{imap.AttrSubscribed}},
		{Name: "Foo", Raw: "Foo", Delimiter: "/", Attrs: []imap.MailboxAttr{}, ChildInfo: []string{"SUBSCRIBED", "SPECIAL-USE"}},
		{Name: "Entwürfe", Raw: "Entw&APw-rfe", Delimiter: "/", Attrs: []imap.MailboxAttr{imap.AttrSubscribed}, OldName: "Köln"},
		{Name: "Baz", Raw: "Baz", Delimiter: "/", Attrs: []imap.MailboxAttr{}},
	}, got)

	got, err = c.List(ctx, "A/", "inbox", &imap.ListOptions{Patterns: []string{"Drafts", "Sent/%"}, ReturnSubscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.True(t, got[0].Has(imap.AttrSubscribed))

	got, err = c.List(ctx, "", "%", &imap.ListOptions{SpecialUse: true, RecursiveMatch: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"A", "Sent"}, testkit.NamesOf(got))
}

func playListDetails(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{
		ReturnStatus: []imap.StatusItem{imap.StatusMessages}, ReturnMyRights: true, ReturnMetadata: []string{"/shared/comment", "/private/x"},
	})
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, testkit.Ptr(uint32(3)), got[0].Status.Messages)
	assert.Equal(t, "lrswi", got[0].MyRights)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("hello"), "/private/x": nil}, got[0].Metadata)
	assert.Empty(t, got[1].MyRights)
	assert.Nil(t, got[1].Metadata)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("\x00y")}, got[2].Metadata)
	assert.Equal(t, []imap.Event{&imap.MetadataEvent{Mailbox: "Other", Entries: []string{"/shared/comment"}}}, c.Events())
}

func playListWithout(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{
		Patterns: []string{"A*"}, ReturnSubscribed: true, ReturnMyRights: true, ReturnMetadata: []string{"/shared/comment"},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"INBOX", "A", "A/B"}, testkit.NamesOf(got))
	assert.True(t, got[0].Has(imap.AttrSubscribed))
	assert.False(t, got[1].Has(imap.AttrSubscribed))
	assert.False(t, got[2].Has(imap.AttrSubscribed))
	assert.Equal(t, "lr", got[0].MyRights)
	assert.Empty(t, got[1].MyRights+got[2].MyRights)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("hi")}, got[0].Metadata)
	assert.Equal(t, map[string][]byte{"/shared/comment": nil}, got[2].Metadata)
}

func playMetadata(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	values, err := c.GetMetadata(ctx, "INBOX", "/shared/comment")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("Shared comment")}, values)

	values, err = c.GetMetadata(ctx, "Entwürfe", "/shared/Comment", "/private/comment", "/shared/vendor/x")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"/shared/Comment": []byte(`a"b`), "/private/comment": nil, "/shared/vendor/x": {0, 1, 0xff}}, values)

	res, err := c.GetMetadataWith(ctx, "", &imap.MetadataOptions{MaxSize: 1024, Depth: imap.DepthInfinity}, "/shared/comment", "/private/filters")
	require.NoError(t, err)
	assert.Equal(t, &imap.MetadataResult{
		Entries:     map[string][]byte{"/shared/comment": nil, "/private/filters/values/small": []byte("SMALLER 5000"), "/private/filters/values/boss": {}},
		LongEntries: 2199,
	}, res)
	for _, opts := range []*imap.MetadataOptions{{Depth: 1}, {MaxSize: 10}} {
		res, err = c.GetMetadataWith(ctx, "INBOX", opts, "/shared/comment")
		require.NoError(t, err)
		assert.Empty(t, res.Entries)
	}

	require.NoError(t, c.SetMetadata(ctx, "INBOX", map[string][]byte{
		"/shared/comment": []byte(`my "comment"`), "/private/comment": nil, "/shared/vendor/x": []byte("\x00\r"),
		"/shared/vendor/y": []byte("a\r\nb"), "/shared/vendor/z": {},
	}))
	err = c.SetMetadata(ctx, "", map[string][]byte{"/private/comment": []byte("x")})
	refused, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.CodeMetadata, refused.Code)
	assert.Equal(t, "TOOMANY", refused.Args)
	assert.Equal(t, []imap.Event{&imap.MetadataEvent{Mailbox: "other", Entries: []string{"/shared/comment", "/private/comment"}}}, c.Events())
}

func playReferralMailbox(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "REMOTE", nil)
	to, ok := imap.CodeDataOf[imap.ReferralData](err)
	require.True(t, ok)
	require.Len(t, to.URLs, 2)
	assert.Equal(t, &imap.URL{User: "user", Auth: "*", Host: "SERVER3", Mailbox: "REMOTE"}, to.URLs[1])
	to, ok = imap.CodeDataOf[imap.ReferralData](c.Create(ctx, "USER/FOO", nil))
	require.True(t, ok)
	assert.Equal(t, "FOO", to.URLs[0].Mailbox)
	list, err := c.RemoteList(ctx, "", "*")
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.True(t, list[1].Has(imap.AttrRemote))
	list, err = c.RemoteLsub(ctx, "", "*")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func playMetadataSpecialUse(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.SetSpecialUse(ctx, "SavedDrafts", imap.AttrDrafts, imap.AttrImportant))
	uses, err := c.GetSpecialUse(ctx, "SavedDrafts")
	require.NoError(t, err)
	assert.Equal(t, []imap.MailboxAttr{imap.AttrDrafts, `\X-Own`}, uses)
	require.NoError(t, c.SetSpecialUse(ctx, "SavedDrafts"))
	assert.True(t, imap.SafeToRetry(c.SetSpecialUse(ctx, "x", "Drafts")))
	assert.True(t, imap.SafeToRetry(c.SetSpecialUse(ctx, "x", `\Drafts )`)))
}

func playMetadataSieve(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	url, ok := c.Caps().SieveURL()
	assert.True(t, ok)
	assert.Equal(t, "sieve://Mail.example.org", url)
	require.NoError(t, c.SetSieveScript(ctx, "INBOX", "vacation"))
	name, err := c.GetSieveScript(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "vacation", name)
	require.NoError(t, c.SetSieveScript(ctx, "", ""))
}

func playQuotaResources(t *testing.T, c *imap.Client) {
	q, err := c.GetQuota(testkit.Context(t), "#user/alice")
	require.NoError(t, err)
	for _, name := range c.Caps().QuotaResources() {
		_, ok := q.Resource(name)
		assert.True(t, ok, name)
	}
	got, _ := q.Resource(imap.QuotaAnnotationStorage)
	assert.Equal(t, uint64(1<<63-1), got.Limit)
}

func playMailboxNamespace(t *testing.T, c *imap.Client) {
	ns, err := c.Namespace(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, &imap.Namespaces{
		Personal: []imap.NamespaceEntry{{Prefix: "", Delimiter: "/"}},
		Other:    []imap.NamespaceEntry{{Prefix: "~", Delimiter: "/"}},
		Shared:   []imap.NamespaceEntry{{Prefix: "#shared/", Delimiter: "/"}, {Prefix: "#public/", Delimiter: "/"}},
	}, ns)
}

// unselect opens and leaves a mailbox.
func unselect(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	require.NoError(t, c.Unselect(testkit.Context(t)))
	assert.Equal(t, imap.Authenticated, c.State())
}

func playMailboxCreateSpecialUse(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Create(ctx, "MySent", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrSent}}))
	err := c.Create(ctx, "Everything", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrAll}})
	assert.Equal(t, imap.Code("USEATTR"), imap.CodeOf(err))
}

func playMailboxStatusSize(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "blurdybloop", imap.StatusMessages, imap.StatusSize)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "blurdybloop", Messages: testkit.Ptr(uint32(231)), Size: testkit.Ptr(uint64(5000000000))}, st)
}

func playQuotaStatusDeleted(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "INBOX", imap.StatusDeleted, imap.StatusDeletedStorage)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(4)), st.Deleted)
	assert.Equal(t, testkit.Ptr(uint64(math.MaxInt64)), st.DeletedStorage)
}

func playListChildren(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "%", nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.True(t, got[0].Has(imap.AttrHasNoChildren))
	assert.True(t, got[1].Has(imap.AttrHasChildren))
}

func playListExtended(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{Subscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "INBOX", got[0].Name)
	assert.True(t, got[0].Has(imap.AttrSubscribed))
	assert.True(t, got[1].Has(imap.AttrNoSelect), "what does not exist cannot be selected")
}

// listStatus lists mailboxes with their numbers.
func listStatus(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "%", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, &imap.Status{Mailbox: "INBOX", Messages: testkit.Ptr(uint32(17)), Unseen: testkit.Ptr(uint32(16))}, got[0].Status)
	assert.Nil(t, got[1].Status)
}

func playListSpecialUse(t *testing.T, c *imap.Client) {
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrSent: "SentMail", imap.AttrDrafts: "MyDrafts", imap.AttrArchive: "Spam",
		imap.AttrSnoozed: "Later", imap.AttrTrash: "Trash"}, got)
}

func playListXList(t *testing.T, c *imap.Client) {
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrJunk: "[Gmail]/Spam"}, got)
}
