package imap_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The clients of the transcripts of what is in more than one concept.

// open selects a mailbox.
func open(t *testing.T, c *imap.Client, mailbox string) {
	t.Helper()
	_, err := c.Select(testkit.Context(t), mailbox, nil)
	require.NoError(t, err)
}

// fetch collects what a FETCH of a range of UIDs gives.
func fetch(t *testing.T, c *imap.Client, from, to imap.UID, items ...imap.FetchItem) []*imap.Message {
	t.Helper()
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(from, to), items...))
	require.NoError(t, err)
	return got
}

var _ = transcript("base/session.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "mrc", "secret"))
	mb, err := c.Select(ctx, "inbox", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 18, mb.Exists)
	assert.EqualValues(t, 17, mb.Unseen)
	header := imap.Section{Specifier: "HEADER"}
	got, err := imap.Collect(c.Fetch(ctx, imap.Seqs(12), imap.FetchFlags, imap.FetchSize, header))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, 112, got[0].UID)
	assert.EqualValues(t, 4286, got[0].Size)
	assert.Equal(t, "Subject: IMAP4rev1 WG mtg\r\n\r\n", string(got[0].Section(header)))
	res, err := c.Store(ctx, imap.Seqs(12), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 1)
	assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagDeleted}, res.Messages[0].Flags)
	require.NoError(t, c.Logout(ctx))
})

var _ = transcript("base/rev2.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	on, err := c.Enable(ctx, "IMAP4rev2")
	require.NoError(t, err)
	assert.Equal(t, []string{"IMAP4REV2"}, on)
	mb, err := c.Select(ctx, "Entwürfe", nil)
	require.NoError(t, err)
	assert.Equal(t, "Entwürfe", mb.Name)
	res, err := c.Search(ctx, imap.Where().Subject("Grüße"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(4, 5), res.UIDs)
	st, err := c.Status(ctx, "Entwürfe", imap.StatusMessages, imap.StatusDeleted, imap.StatusSize)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "Entwürfe", Messages: testkit.Ptr(uint32(2)), Deleted: testkit.Ptr(uint32(1)), Size: testkit.Ptr(uint64(5000000000))}, st)
	require.NoError(t, c.Unselect(ctx))
	assert.Empty(t, c.Events())
	mb, err = c.Select(ctx, "sent", nil)
	require.NoError(t, err)
	assert.Equal(t, "Sent", mb.Name)
	events := c.Events()
	require.Len(t, events, 1)
	assert.Equal(t, "other", events[0].(*imap.ListEvent).Entry.Name)
})

var _ = transcript("enable/enable.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	on, err := c.Enable(ctx, "CONDSTORE", "X-GOOD-IDEA")
	require.NoError(t, err)
	assert.Equal(t, []string{"CONDSTORE"}, on)
	assert.True(t, c.Enabled("CONDSTORE"))
	assert.False(t, c.Enabled("X-GOOD-IDEA"))
	on, err = c.Enable(ctx, "X-GOOD-IDEA")
	require.NoError(t, err)
	assert.Empty(t, on)
})

var _ = transcript("auth/sasl-ir.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(c.Authenticate(ctx, imap.External(""))))
	require.NoError(t, c.LoginPlain(ctx, "tim", "tanstaaftanstaaf"))
})

var (
	_ = transcript("auth/unauthenticate.txt", unauthenticate)
	_ = transcript("auth/x-unauthenticate.txt", unauthenticate)
)

func unauthenticate(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "a", "p"))
	_, err := c.Enable(ctx, "CONDSTORE")
	require.NoError(t, err)
	open(t, c, "INBOX")
	require.NoError(t, c.Unauthenticate(ctx))
	assert.Equal(t, imap.NotAuthenticated, c.State())
	assert.False(t, c.Enabled("CONDSTORE"))
	assert.Nil(t, c.Mailbox())
	require.NoError(t, c.Login(ctx, "b", "q"))
}

var _ = transcript("append/literal-plus.txt", func(t *testing.T, c *imap.Client) {
	_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString("hello"), nil)
	require.NoError(t, err)
})

var _ = transcript("append/literal-minus.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Append(ctx, "INBOX", imap.LiteralString("hello"), nil)
	require.NoError(t, err)
	_, err = c.Append(ctx, "INBOX", imap.LiteralBytes(make([]byte, 4097)), nil)
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
})

var _ = transcript("id/id.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	id, err := c.ID(ctx, map[string]string{"name": "sodr", "version": "19.34"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"name": "Cyrus", "version": "1.5", "support-url": ""}, id)
	id, err = c.ID(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, id)
})

var _ = transcript("idle/idle.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 4}, ev)
		break
	}
	require.NoError(t, c.Noop(ctx))
})

var _ = transcript("mailbox/namespace.txt", func(t *testing.T, c *imap.Client) {
	ns, err := c.Namespace(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, &imap.Namespaces{
		Personal: []imap.NamespaceEntry{{Prefix: "", Delimiter: "/"}},
		Other:    []imap.NamespaceEntry{{Prefix: "~", Delimiter: "/"}},
		Shared:   []imap.NamespaceEntry{{Prefix: "#shared/", Delimiter: "/"}, {Prefix: "#public/", Delimiter: "/"}},
	}, ns)
})

// unselect opens and leaves a mailbox.
func unselect(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	require.NoError(t, c.Unselect(testkit.Context(t)))
	assert.Equal(t, imap.Authenticated, c.State())
}

var (
	_ = transcript("mailbox/unselect.txt", unselect)
	_ = transcript("mailbox/unselect-without.txt", unselect)
)

var _ = transcript("mailbox/create-special-use.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Create(ctx, "MySent", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrSent}}))
	err := c.Create(ctx, "Everything", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrAll}})
	assert.Equal(t, imap.Code("USEATTR"), imap.CodeOf(err))
})

var _ = transcript("mailbox/status-size.txt", func(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "blurdybloop", imap.StatusMessages, imap.StatusSize)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "blurdybloop", Messages: testkit.Ptr(uint32(231)), Size: testkit.Ptr(uint64(5000000000))}, st)
})

var _ = transcript("quota/status-deleted.txt", func(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "INBOX", imap.StatusDeleted, imap.StatusDeletedStorage)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(4)), st.Deleted)
	assert.Equal(t, testkit.Ptr(uint64(math.MaxInt64)), st.DeletedStorage)
})

var _ = transcript("list/children.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "%", nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.True(t, got[0].Has(imap.AttrHasNoChildren))
	assert.True(t, got[1].Has(imap.AttrHasChildren))
})

var _ = transcript("list/extended.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{Subscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "INBOX", got[0].Name)
	assert.True(t, got[0].Has(imap.AttrSubscribed))
	assert.True(t, got[1].Has(imap.AttrNoSelect), "what does not exist cannot be selected")
})

// listStatus lists mailboxes with their numbers.
func listStatus(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "%", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, &imap.Status{Mailbox: "INBOX", Messages: testkit.Ptr(uint32(17)), Unseen: testkit.Ptr(uint32(16))}, got[0].Status)
	assert.Nil(t, got[1].Status)
}

var (
	_ = transcript("list/status.txt", listStatus)
	_ = transcript("list/status-without.txt", listStatus)
)

var _ = transcript("list/special-use.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrSent: "SentMail", imap.AttrDrafts: "MyDrafts", imap.AttrArchive: "Spam",
		imap.AttrSnoozed: "Later", imap.AttrTrash: "Trash"}, got)
})

var _ = transcript("list/xlist.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrJunk: "[Gmail]/Spam"}, got)
})

var _ = transcript("search/esearch.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Seen(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SearchResult{Min: 7, Max: 3800, Count: 15}, res)
	res, err = c.Search(ctx, imap.Where().Flagged(), nil)
	require.NoError(t, err)
	assert.Equal(t, "2,10:15", res.UIDs.String())
})

var _ = transcript("search/searchres.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	_, err := c.Search(ctx, imap.Where().Flagged(), &imap.SearchOptions{Save: true})
	require.NoError(t, err)
	got, err := imap.Collect(c.Fetch(ctx, imap.SavedResult, imap.FetchFlags))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, 14, got[0].UID)
})

var _ = transcript("search/partial.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	undeleted := imap.Where().Raw(imap.Atom("UNDELETED"))
	res, err := c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: 23500, PartialTo: 24000})
	require.NoError(t, err)
	assert.Equal(t, "55500:56000", res.UIDs.String())
	res, err = c.Search(ctx, undeleted, &imap.SearchOptions{PartialFrom: -1, PartialTo: -100})
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})

var _ = transcript("search/within.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Unseen().Younger(72*time.Hour).Older(time.Minute), nil)
	require.NoError(t, err)
	assert.Equal(t, "4,8,15:16,23,42", res.UIDs.String())
})

var _ = transcript("search/fuzzy.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Fuzzy(imap.Where().Subject("IMAP break")).Fuzzy(imap.Where().From("john").Seen()), nil)
	require.NoError(t, err)
	assert.Equal(t, "1,5", res.UIDs.String())
})

var _ = transcript("store/uidplus.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	res, err := c.Append(ctx, "saved-messages", imap.LiteralString("hello"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{UIDValidity: 38505, UID: 3955}, res)
	open(t, c, "INBOX")
	copied, err := c.Copy(ctx, imap.UIDRange(2, 4), "meeting")
	require.NoError(t, err)
	assert.Equal(t, "304,319:320", copied.Source.String())
	assert.Equal(t, "3956:3958", copied.Dest.String())
	gone, err := c.UIDExpunge(ctx, imap.UIDRange(3000, 3002))
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{3, 3}, gone.SeqNums)
})

// move moves messages.
func move(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	res, err := c.Move(testkit.Context(t), imap.UIDRange(42, 69), "foo")
	require.NoError(t, err)
	assert.Equal(t, &imap.CopyResult{UIDValidity: 432432, Source: imap.UIDRange(42, 69), Dest: imap.UIDRange(1202, 1229)}, res)
	assert.EqualValues(t, 49, c.Mailbox().Exists)
}

var (
	_ = transcript("store/move.txt", move)
	_ = transcript("store/move-without.txt", move)
	_ = transcript("store/xmove.txt", move)
)

var _ = transcript("sync/yahoo.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	st, err := c.Status(ctx, "INBOX", imap.StatusHighestModSeq)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint64(7)), st.HighestModSeq)
	first, err := c.Sync(ctx, "INBOX", imap.SyncState{}, nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(1, 2), first.New)
	assert.EqualValues(t, 7, first.Mailbox.HighestModSeq)
	assert.Zero(t, first.State.HighestModSeq)
	second, err := c.Sync(ctx, "INBOX", first.State, nil)
	require.NoError(t, err)
	assert.Len(t, second.Changed, 2)
	assert.Empty(t, second.New)
})

var _ = transcript("sync/condstore.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	st, err := c.Status(ctx, "INBOX", imap.StatusUIDValidity, imap.StatusHighestModSeq)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint64(715194045007)), st.HighestModSeq)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	assert.Equal(t, uint64(715194045007), mb.HighestModSeq)
	got := fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchChangedSince(12345))
	require.Len(t, got, 2)
	assert.EqualValues(t, 75403, got[1].ModSeq)
	stored, err := c.Store(ctx, imap.UIDs(6, 4, 8), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true, UnchangedSince: 320162338})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(6), stored.ModifiedUID)
	res, err := c.Search(ctx, imap.Where().ModSeq(620162338), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(2, 5, 6), res.UIDs)
	assert.EqualValues(t, 917162500, res.ModSeq)
	res, err = c.Search(ctx, imap.Where().ModSeqEntry(`/flags/\draft`, "all", 620162338), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})

var _ = transcript("sync/qresync.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	known, err := imap.ParseUIDSet("41:211,214:541")
	require.NoError(t, err)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 67890007, ModSeq: 90060115194045000, KnownUIDs: known}})
	require.NoError(t, err)
	assert.Equal(t, "41,43:116,118,120:211,214:540", mb.Vanished.String())
	require.Len(t, mb.Changed, 1)
	assert.EqualValues(t, 117, mb.Changed[0].UID)
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, []imap.Event{&imap.VanishedEvent{UIDs: imap.UIDs(117)}}, c.Events())
	assert.EqualValues(t, 99, c.Mailbox().Exists)
	changes, err := c.FetchChanges(ctx, imap.UIDRange(300, 500), 12345, imap.FetchFlags)
	require.NoError(t, err)
	assert.Equal(t, "300:310,405,411", changes.Vanished.String())
	require.Len(t, changes.Messages, 3)
	assert.Equal(t, []imap.Flag{"$NoJunk", "$AutoJunk", imap.FlagMDNSent}, changes.Messages[2].Flags)
	_, err = c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 67890007, ModSeq: 90060115194045000, KnownUIDs: imap.UIDRange(1, 29997),
		MatchSeqs: imap.Seqs(5000, 7500, 9000, 9990, 9991), MatchUIDs: imap.UIDs(15000, 22500, 27000, 29970, 29973)}})
	require.NoError(t, err)
})

var _ = transcript("sync/uidonly.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UIDONLY")
	require.NoError(t, err)
	open(t, c, "INBOX")
	got := fetch(t, c, 25900, 26600, imap.FetchFlags)
	require.Len(t, got, 2)
	assert.EqualValues(t, 25997, got[1].UID)
	assert.Zero(t, got[1].SeqNum)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 2)
	assert.Equal(t, &imap.VanishedEvent{UIDs: imap.UIDs(25997)}, events[0])
	assert.Equal(t, &imap.Message{UID: 25996, Flags: []imap.Flag{imap.FlagFlagged}}, events[1].(*imap.FetchEvent).Message)
})

var _ = transcript("fetch/preview.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 2, imap.FetchPreview)
	require.Len(t, got, 2)
	assert.Equal(t, "Preview text!", got[0].Preview)
	assert.Equal(t, "Grüße", got[1].Preview)
	got = fetch(t, c, 1, 3, imap.FetchPreviewLazy())
	require.Len(t, got, 3)
	for i, pending := range []bool{false, true, false} {
		assert.Equal(t, pending, got[i].PreviewPending(), i)
	}
})

var _ = transcript("fetch/savedate.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 2, imap.FetchSaveDate)
	require.Len(t, got, 2)
	assert.True(t, got[0].SaveDate.Equal(time.Date(2015, 1, 1, 8, 0, 0, 0, time.UTC)))
	assert.True(t, got[1].SaveDate.IsZero())
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	res, err := c.Search(testkit.Context(t), imap.Where().SavedBefore(day(2015, 1, 1)).SavedOn(day(2014, 12, 28)).SavedSince(day(2014, 1, 1)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	res, err = c.Search(testkit.Context(t), imap.Where().SaveDateSupported(), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})

var _ = transcript("fetch/objectid.txt", func(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "foo", imap.StatusMailboxID)
	require.NoError(t, err)
	open(t, c, "foo")
	assert.Equal(t, "F2212ea87-6097-4256-9d51-71338625", st.MailboxID)
	assert.Equal(t, st.MailboxID, c.Mailbox().MailboxID)
	got := fetch(t, c, 1, 2, imap.FetchEmailID, imap.FetchThreadID)
	require.Len(t, got, 2)
	assert.Equal(t, "M6d99ac3275bb4e", got[0].EmailID)
	assert.Equal(t, "T64b478a75b7ea9", got[0].ThreadID)
	assert.Equal(t, "", got[1].ThreadID)
	res, err := c.Search(testkit.Context(t), imap.Where().EmailID("M6d99ac3275bb4e").Or(imap.Where().ThreadID("T64b478a75b7ea9"), imap.Where().ThreadID("T-1_x")), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	created, err := c.CreateMailbox(testkit.Context(t), "bar", nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.CreateResult{MailboxID: "F3"}, created)
	_, err = c.CreateMailbox(testkit.Context(t), "foo", nil)
	assert.Equal(t, imap.CodeAlreadyExists, imap.CodeOf(err))
})

var _ = transcript("fetch/objectid-plus.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	created, err := c.CreateMailbox(ctx, "bar", nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.CreateResult{MailboxID: "m9", AccountID: "u7"}, created)
	st, err := c.Status(ctx, "foo", imap.StatusMessages, imap.StatusObjectID)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "foo", Messages: testkit.Ptr(uint32(2)), MailboxID: "m8", AccountID: "u7"}, st)
	mb, err := c.Select(ctx, "foo", &imap.SelectOptions{ObjectID: true})
	require.NoError(t, err)
	assert.Equal(t, "m8", mb.MailboxID)
	assert.Equal(t, "u7", mb.AccountID())
	got := fetch(t, c, 1, 2, imap.FetchObjectID)
	require.Len(t, got, 2)
	assert.Equal(t, "e1", got[0].EmailID)
	assert.Equal(t, "t1", got[0].ThreadID)
	assert.Empty(t, got[1].EmailID)
	res, err := c.Search(ctx, imap.Where().EmailID("e1"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
})

var _ = transcript("fetch/gmail.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 1, imap.FetchGmailMsgID, imap.FetchGmailThreadID, imap.FetchGmailLabels)
	require.Len(t, got, 1)
	assert.Equal(t, &imap.GmailData{MessageID: 18446744073709551615, ThreadID: 1278455344230334865,
		Labels: []string{`\Inbox`, `\Sent`, "Foo", "Entwürfe"}}, got[0].Gmail)
})

const transcriptDir = "testdata/transcripts"

// transcripts is what a client does in each script below transcriptDir, by path.
var transcripts = map[string]func(t *testing.T, c *imap.Client){}

// transcript reports what a client does while the server plays a script: with
//
//	var _ = transcript("store/move.txt", func(t *testing.T, c *imap.Client) { … })
//
// beside the other tests of the concept, TestTranscripts runs it. The script makes sure that the client sends just what it
// says; calls checks what becomes of the answers.
func transcript(path string, calls func(t *testing.T, c *imap.Client)) struct{} {
	if transcripts[path] != nil {
		panic("two clients for the transcript " + path)
	}
	transcripts[path] = calls
	return struct{}{}
}

// TestTranscripts runs each script of testdata/transcripts, at once and byte by byte.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(transcriptDir), "*", "*.txt"))
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, file := range files {
		path := filepath.ToSlash(file)[len(transcriptDir)+1:]
		seen[path] = true
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		calls := transcripts[path]
		if calls == nil {
			t.Errorf("no client for the transcript %s", path)
			continue
		}
		for _, split := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/%d", path, split), func(t *testing.T) {
				calls(t, testkit.FollowSplit(t, &imap.Options{AllowInsecureAuth: true}, string(text), split))
			})
		}
	}
	for path := range transcripts {
		if !seen[path] {
			t.Errorf("the transcript %s does not exist", path)
		}
	}
}

// loginAs connects to a real server and logs in.
func loginAs(t *testing.T, s *realserver.Server, user, password string) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(testkit.Context(t), s.Addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testkit.Context(t), user, password))
	return c
}
