package transcripts_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func playUTF8Accept(t *testing.T, c *imap.Client) {
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
}

func playCompressDeflate(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Compress(ctx))
	err := c.Compress(ctx)
	require.ErrorContains(t, err, "compressed already")
	require.True(t, imap.SafeToRetry(err))
	require.NoError(t, c.Noop(ctx))
	require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 3}}, c.Events())
	require.NoError(t, c.Logout(ctx))
}

func playCompressRefused(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.Equal(t, imap.Code("COMPRESSIONACTIVE"), imap.CodeOf(c.Compress(ctx)))
	require.NoError(t, c.Noop(ctx))
}

func playNotify(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{
		{
			Scope:  imap.NotifySelected,
			Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge},
			Fetch:  []imap.FetchItem{imap.FetchFlags, imap.FetchPreviewLazy(), imap.Section{Specifier: "HEADER", Fields: []string{"From"}}},
		},
		{Scope: imap.NotifySubtree, Mailboxes: []string{"Lists", "Entwürfe"}, Events: []imap.NotifyEvent{imap.NotifyMailboxName}},
		{Scope: imap.NotifyPersonal},
	}, &imap.NotifyOptions{Status: true}))
	events := c.Events()
	require.Len(t, events, 1)
	assert.Equal(t, "Lists", events[0].(*imap.StatusEvent).Status.Mailbox)

	st, err := c.Status(ctx, "misc", imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "misc", Messages: testkit.Ptr(uint32(7))}, st, "not what was told of Lists")
	assert.Len(t, c.Events(), 1)
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		entry := ev.(*imap.ListEvent).Entry
		assert.Equal(t, "Lists.lemonade", entry.Name)
		assert.True(t, entry.Has(imap.AttrNonExistent))
		break
	}
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, []imap.Event{&imap.NotifyOverflowEvent{Text: "too many events"}}, c.Events())
	require.NoError(t, c.Notify(ctx, nil, nil))
	err = c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyInboxes, Events: []imap.NotifyEvent{"X-None"}}}, nil)
	bad, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.Code("BADEVENT"), bad.Code)
	assert.Equal(t, "(MessageNew FlagChange)", bad.Args)
}

func playProgress(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Text("x"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(4), res.UIDs)
	assert.Equal(t, []imap.Event{
		&imap.ProgressEvent{Text: "still here"},
		&imap.ProgressEvent{Progress: testkit.Ptr(uint64(0)), Goal: testkit.Ptr(uint64(1)), Text: "Hang in there"},
		&imap.ProgressEvent{Command: "UID SEARCH", Progress: testkit.Ptr(uint64(454)), Goal: testkit.Ptr(uint64(1000)), Text: "Processed 45% of the mailbox"},
		&imap.ProgressEvent{Progress: testkit.Ptr(uint64(999)), Text: "of something else"},
	}, c.Events())
	resp, err := c.Do(ctx, "XSLOW")
	require.NoError(t, err)
	assert.Len(t, resp.Untagged, 1)
	assert.Equal(t, []imap.Event{&imap.ProgressEvent{Command: "XSLOW", Progress: testkit.Ptr(uint64(1)), Goal: testkit.Ptr(uint64(2)), Text: "half"}}, c.Events())
}

func playI18NLanguage(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.SetLanguage(ctx, "MUL")
	assert.ErrorContains(t, err, "NO Unsupported language MUL")
	list, err := c.Languages(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"EN", "DE", "IT", "i-default"}, list)
	tag, err := c.SetLanguage(ctx, "DE")
	require.NoError(t, err)
	assert.Equal(t, "DE", tag)
	ns, err := c.Namespace(ctx)
	require.NoError(t, err)
	assert.Equal(t, &imap.Namespaces{Personal: []imap.NamespaceEntry{{Delimiter: "/"}},
		Other: []imap.NamespaceEntry{{Prefix: "Other Users/", Delimiter: "/", Translation: "Andere Benützer/"}}}, ns)
	tag, err = c.SetLanguage(ctx, "FR-CA", "EN-CA")
	require.NoError(t, err)
	assert.Equal(t, "EN", tag)
	co, err := c.Comparator(ctx, "cz;*", "i;basic")
	require.NoError(t, err)
	assert.Equal(t, &imap.Comparators{Active: "i;basic"}, co)
	co, err = c.Comparator(ctx)
	require.NoError(t, err)
	assert.Equal(t, &imap.Comparators{Active: "i;basic", Available: []string{"i;basic", "i;unicode-casemap"}}, co)
	_, err = c.Comparator(ctx, "x")
	assert.Equal(t, imap.CodeBadComparator, imap.CodeOf(err))
	for _, bad := range []string{"", "de de", "de\r\n", "ä"} {
		_, err := c.SetLanguage(ctx, bad)
		assert.True(t, imap.SafeToRetry(err), bad)
	}
	_, err = c.SetLanguage(ctx)
	assert.True(t, imap.SafeToRetry(err))
}

func playJMAPAccess(t *testing.T, c *imap.Client) {
	url, err := c.JMAPAccess(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "https://example.com/.s/[jmap]", url)
	_, err = c.JMAPAccess(testkit.Context(t))
	assert.ErrorContains(t, err, "BAD")
}

func playReferralLogin(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	to, ok := imap.CodeDataOf[imap.ReferralData](c.Login(ctx, "MIKE", "JOE"))
	require.True(t, ok)
	assert.Equal(t, &imap.URL{User: "MIKE", Host: "SERVER2"}, to.URLs[0])
	require.NoError(t, c.Login(ctx, "MATTHEW", "PASSWORD"))
	events := c.Events()
	require.Len(t, events, 1)
	assert.Equal(t, []string{"IMAP://MATTHEW@SERVER2/"}, events[0].(*imap.ReferralEvent).Raw)
}

func playPushApple(t *testing.T, c *imap.Client) {
	got, err := c.ApplePush(testkit.Context(t), &imap.ApplePushOptions{AccountID: "0715A26B-CA09-4730-A419-793000CA982E",
		DeviceToken: "2918390218931890821908309283098109381029309829018310983092892829", Subtopic: "com.apple.mobilemail", Mailboxes: []string{"INBOX", "Notes"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"aps-version": "2", "aps-topic": "com.apple.mail.XServer.7e8b2c8b"}, got)
}

func playAuthLoginDisabled(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.ErrorIs(t, c.Login(ctx, "u", "p"), imap.ErrInsecure)
	require.NoError(t, c.LoginPlain(ctx, "u", "p"))
}

func playAuthStartTLSRefused(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.Equal(t, imap.CodeUnavailable, imap.CodeOf(c.StartTLS(ctx, nil)))
	assert.ErrorIs(t, c.Login(ctx, "u", "p"), imap.ErrInsecure)
	require.NoError(t, c.Noop(ctx))
}

func playUTF8Only(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	assert.Equal(t, imap.CodeCannot, imap.CodeOf(err))
	_, err = c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	testkit.Open(t, c, "Entwürfe")
}

// TestExtensionsNotOffered: without its capability nothing of an extension is sent.
func TestExtensionsNotOffered(t *testing.T) {
	c, ctx := testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop), testkit.Context(t)
	url := &imap.URL{User: "joe", Host: "x", Mailbox: "INBOX", UID: 1, Access: "anonymous"}
	first := func(run func(yield func(*imap.SearchUpdate, error) bool)) (err error) {
		for _, e := range run {
			err = e
		}
		return err
	}
	for name, call := range map[string]func(ctx context.Context) error{
		"MULTISEARCH":       func(ctx context.Context) error { _, err := c.SearchMailboxes(ctx, nil, imap.Where(), nil); return err },
		"CONTEXT=SEARCH":    func(ctx context.Context) error { return first(c.SearchUpdates(ctx, imap.Where(), nil)) },
		"CONTEXT=SORT":      func(ctx context.Context) error { return first(c.SortUpdates(ctx, nil, imap.Where(), nil)) },
		"LANGUAGE":          func(ctx context.Context) error { _, err := c.Languages(ctx); return err },
		"I18NLEVEL=2":       func(ctx context.Context) error { _, err := c.Comparator(ctx); return err },
		"JMAPACCESS":        func(ctx context.Context) error { _, err := c.JMAPAccess(ctx); return err },
		"URLAUTH":           func(ctx context.Context) error { _, err := c.AuthorizeURLs(ctx, "INTERNAL", url); return err },
		"MAILBOX-REFERRALS": func(ctx context.Context) error { _, err := c.RemoteList(ctx, "", "*"); return err },
		"CONVERT":           func(ctx context.Context) error { _, err := c.Conversions(ctx, "*", "*"); return err },
		"FILTERS":           func(ctx context.Context) error { _, err := c.Filters(ctx); return err },
		"SPECIAL-USE":       func(ctx context.Context) error { return c.SetSpecialUse(ctx, "INBOX") },
		"IMAPSIEVE=":        func(ctx context.Context) error { return c.SetSieveScript(ctx, "", "") },
		"XAPPLEPUSHSERVICE": func(ctx context.Context) error { _, err := c.ApplePush(ctx, nil); return err },
		"OBJECTID":          func(ctx context.Context) error { _, err := c.Search(ctx, imap.Where().EmailID("x"), nil); return err },
		"SAVEDATE": func(ctx context.Context) error {
			_, err := c.Search(ctx, imap.Where().SaveDateSupported(), nil)
			return err
		},
	} {
		err := call(ctx)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		if assert.True(t, ok, "%s: %v", name, err) {
			assert.Equal(t, name, missing.Name)
		}
	}
	_, err := c.FetchURLs(ctx, imap.URLRequest{URL: "x"})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func playBaseSession(t *testing.T, c *imap.Client) {
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
}

func playBaseRev2(t *testing.T, c *imap.Client) {
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
}

func playEnable(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	on, err := c.Enable(ctx, "CONDSTORE", "X-GOOD-IDEA")
	require.NoError(t, err)
	assert.Equal(t, []string{"CONDSTORE"}, on)
	assert.True(t, c.Enabled("CONDSTORE"))
	assert.False(t, c.Enabled("X-GOOD-IDEA"))
	on, err = c.Enable(ctx, "X-GOOD-IDEA")
	require.NoError(t, err)
	assert.Empty(t, on)
}

func playAuthSASLInitialResponse(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(c.Authenticate(ctx, imap.External(""))))
	require.NoError(t, c.LoginPlain(ctx, "tim", "tanstaaftanstaaf"))
}

func playAuthUnauthenticate(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "a", "p"))
	_, err := c.Enable(ctx, "CONDSTORE")
	require.NoError(t, err)
	testkit.Open(t, c, "INBOX")
	require.NoError(t, c.Unauthenticate(ctx))
	assert.Equal(t, imap.NotAuthenticated, c.State())
	assert.False(t, c.Enabled("CONDSTORE"))
	assert.Nil(t, c.Mailbox())
	require.NoError(t, c.Login(ctx, "b", "q"))
}

func playID(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	id, err := c.ID(ctx, map[string]string{"name": "sodr", "version": "19.34"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"name": "Cyrus", "version": "1.5", "support-url": ""}, id)
	id, err = c.ID(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, id)
}

func playIdle(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 4}, ev)
		break
	}
	require.NoError(t, c.Noop(ctx))
}
