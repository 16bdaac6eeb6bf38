package imap_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The clients of the transcripts of extensions that few servers have.

var _ = transcript("multisearch/multisearch.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	got, err := c.SearchMailboxes(ctx, []imap.MailboxScope{
		{Scope: imap.NotifyMailboxes, Mailboxes: []string{"folder1"}}, {Scope: imap.NotifySubtree, Mailboxes: []string{"folder2"}},
	}, imap.Where().Unseen().Subject("chad"), nil)
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, "folder2/banana", got[1].Mailbox)
	assert.EqualValues(t, 503, got[1].UIDValidity)
	assert.Equal(t, imap.UIDs(3002, 4004), got[1].UIDs)
	assert.Equal(t, imap.SearchResult{UIDs: imap.UIDs(921691), Min: 921691, Max: 921691, Count: 1}, got[2].SearchResult)
	got, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Seen(), &imap.SearchOptions{Min: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.MailboxResult{{Mailbox: "Entwürfe", UIDValidity: 9, SearchResult: imap.SearchResult{Min: 3, Count: 7}}}, got)
	got, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.SearchSubtreeOne, Mailboxes: []string{"a", "b c"}}, {Scope: imap.NotifyInboxes}}, imap.Where(), nil)
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifySelected}}, imap.Where(), nil)
	assert.ErrorContains(t, err, "BAD no mailbox")
	for _, bad := range [][]imap.MailboxScope{{{Scope: imap.NotifySelectedDelayed}}, {{Scope: imap.NotifyMailboxes}}, {{Scope: imap.NotifyInboxes, Mailboxes: []string{"x"}}},
		{{Scope: "X)\r\nA1 LOGOUT"}}, {{}}} {
		_, err := c.SearchMailboxes(ctx, bad, imap.Where(), nil)
		assert.True(t, imap.SafeToRetry(err), "%v", bad)
	}
	_, err = c.SearchMailboxes(ctx, nil, imap.Where(), &imap.SearchOptions{Save: true})
	assert.True(t, imap.SafeToRetry(err))
})

var _ = transcript("context/search.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	n := 0
	for up, err := range c.SearchUpdates(ctx, imap.Where().Deleted().Keyword(imap.FlagJunk), nil) {
		require.NoError(t, err)
		switch n++; n {
		case 1:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2734, 2735}, Added: []imap.UID{2734, 2735}}, up)
		case 2:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2734, 2735, 2740}, Added: []imap.UID{2740}}, up)
		case 3:
			assert.IsType(t, &imap.FetchEvent{}, up.Event)
			assert.Len(t, up.UIDs, 3)
		case 4:
			assert.Equal(t, []imap.UID{2734, 2735, 2740, 32768, 32769}, up.UIDs)
		case 5:
			assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2731, 2732, 2733, 2734, 2735, 2740, 32769}, Added: []imap.UID{2733, 2731, 2732}, Removed: []imap.UID{32768}}, up)
		}
		if n == 5 {
			break
		}
	}
	assert.Equal(t, 5, n)
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, []imap.Event{&imap.ContextEvent{Tag: "A2", Changes: []imap.ContextChange{{UIDs: imap.UIDs(7)}}}}, c.Events())
	n = 0
	for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
		if n++; n == 1 {
			assert.Equal(t, []imap.UID{1}, up.UIDs)
			continue
		}
		assert.Equal(t, imap.CodeNoUpdate, imap.CodeOf(err))
	}
	assert.Equal(t, 2, n)
})

var _ = transcript("context/sort.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	n := 0
	for up, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "SIZE", Reverse: true}}, imap.Where().Unseen(), nil) {
		require.NoError(t, err)
		if n++; n == 1 {
			assert.Equal(t, []imap.UID{9, 3, 5}, up.UIDs)
			continue
		}
		assert.Equal(t, &imap.SearchUpdate{UIDs: []imap.UID{2, 3, 7, 8, 5}, Added: []imap.UID{2, 7, 8}, Removed: []imap.UID{9}}, up)
		break
	}
	assert.Equal(t, 2, n)
})

var _ = transcript("i18n/language.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = transcript("jmap/jmapaccess.txt", func(t *testing.T, c *imap.Client) {
	url, err := c.JMAPAccess(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "https://example.com/.s/[jmap]", url)
	_, err = c.JMAPAccess(testkit.Context(t))
	assert.ErrorContains(t, err, "BAD")
})

var _ = transcript("urlauth/urlauth.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.ResetURLKeys(ctx, ""))
	require.NoError(t, c.ResetURLKeys(ctx, "INBOX"))
	require.NoError(t, c.ResetURLKeys(ctx, "INBOX", "XSAMPLE"))
	rump := &imap.URL{User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: "1.2", Access: "submit+fred"}
	made, err := c.AuthorizeURLs(ctx, "INTERNAL", rump)
	require.NoError(t, err)
	require.Len(t, made, 1)
	assert.Equal(t, "91354a473744909de610943775f92038", made[0].Token)
	url := "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038"
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: url}, imap.URLRequest{URL: "imap://x@y/z/;UID=1"})
	require.NoError(t, err)
	assert.Equal(t, []imap.URLContent{{URL: url, Found: true, Data: []byte("Si vis pacem, para bellum.\r\n")}, {URL: "imap://x@y/z/;UID=1"}}, got)
	got, err = c.FetchURLs(ctx, imap.URLRequest{URL: "/INBOX/;UID=1", Binary: true, Structure: true}, imap.URLRequest{URL: "/INBOX/;UID=2", Body: true})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "a\x00b", string(got[0].Data))
	assert.EqualValues(t, 3, got[0].Structure.Size)
	assert.False(t, got[1].Found)
	got, err = c.FetchURLs(ctx, imap.URLRequest{URL: "/INBOX/;UID=1", Body: true, Structure: true})
	require.NoError(t, err)
	assert.Equal(t, "abc", string(got[0].Data))
	assert.Equal(t, "text", got[0].Structure.Type)

	for _, bad := range []*imap.URL{nil, {}, {User: "joe", Host: "x", Mailbox: "INBOX", UID: 1}, {Host: "x", Mailbox: "INBOX", UID: 1, Access: "anonymous"}} {
		_, err := c.AuthorizeURLs(ctx, "INTERNAL", bad)
		assert.True(t, imap.SafeToRetry(err))
	}
	_, err = c.AuthorizeURLs(ctx, "A B", rump)
	assert.True(t, imap.SafeToRetry(err))
	for _, bad := range []imap.URLRequest{{}, {URL: "x\r\nA1 LOGOUT"}, {URL: "x", Body: true, Binary: true}} {
		_, err := c.FetchURLs(ctx, bad)
		assert.True(t, imap.SafeToRetry(err))
	}
	assert.True(t, imap.SafeToRetry(c.ResetURLKeys(ctx, "", "INTERNAL")))
})

var _ = transcript("referral/login.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	to, ok := imap.CodeDataOf[imap.ReferralData](c.Login(ctx, "MIKE", "JOE"))
	require.True(t, ok)
	assert.Equal(t, &imap.URL{User: "MIKE", Host: "SERVER2"}, to.URLs[0])
	require.NoError(t, c.Login(ctx, "MATTHEW", "PASSWORD"))
	events := c.Events()
	require.Len(t, events, 1)
	assert.Equal(t, []string{"IMAP://MATTHEW@SERVER2/"}, events[0].(*imap.ReferralEvent).Raw)
})

var _ = transcript("referral/mailbox.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = transcript("convert/convert.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	convs, err := c.Conversions(ctx, "image/gif", "*")
	require.NoError(t, err)
	assert.Equal(t, []imap.Conversion{{From: "image/gif", To: "image/jpeg", Params: []string{"pix-y", "pix-x", "image-interleave"}}, {From: "image/gif", To: "image/png"}}, convs)
	open(t, c, "INBOX")
	got, err := c.Convert(ctx, imap.Seqs(2), imap.ConvertTo{Type: "APPLICATION/PDF"}, imap.ConvertData(3))
	require.NoError(t, err)
	assert.Equal(t, []imap.Converted{{SeqNum: 2, Parts: []imap.ConvertedPart{{Section: imap.Section{Part: []int{3}, Binary: true}, Data: []byte("%P\x00DF")}}}}, got)
	got, err = c.Convert(ctx, imap.Seqs(2), imap.ConvertTo{Type: "text/plain", Params: map[string]string{"charset": "us-ascii"}}, imap.ConvertData(3))
	assert.ErrorContains(t, err, "NO All conversions failed")
	require.Len(t, got, 1)
	assert.Equal(t, &imap.ConvertError{Text: "Source text has non us-ascii", Reason: "BADPARAMETERS", Args: `"text/html" "text/plain" ("charset" "us-ascii")`}, got[0].Parts[0].Err)
	got, err = c.Convert(ctx, imap.UIDRange(20, 21), imap.ConvertTo{Params: map[string]string{"charset": "utf-8", "pix-x": "100"}}, imap.ConvertSize(4),
		imap.ConvertStructure(3), imap.ConvertTypes(3), imap.ConvertHeader(), imap.ConvertMIME(1), imap.ConvertRange(2000, 1000, 4))
	require.NoError(t, err)
	require.Len(t, got, 2)
	parts := got[0].Parts
	require.Len(t, parts, 6)
	assert.EqualValues(t, 20, got[0].UID)
	assert.EqualValues(t, 3135, parts[0].Size)
	assert.Equal(t, "jpeg", parts[1].Structure.Subtype)
	assert.Equal(t, []string{"text/plain", "application/pdf"}, parts[2].Types)
	assert.Equal(t, "Subject: x\r\n", string(parts[3].Data))
	assert.Equal(t, "MIME", parts[4].Section.Specifier)
	assert.EqualValues(t, 2000, parts[5].Section.Offset)
	assert.Equal(t, "30", got[1].Parts[0].Err.Args)
	_, err = c.Convert(ctx, imap.UIDs(20), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
	limit, ok := imap.CodeDataOf[imap.NumberData](err)
	assert.True(t, ok)
	assert.EqualValues(t, 1, limit)

	for _, bad := range []imap.ConvertItem{{}, imap.ConvertData(0), imap.ConvertRange(-1, 1, 1), imap.ConvertRange(1, 0, 1), imap.ConvertMIME()} {
		_, err := c.Convert(ctx, imap.Seqs(2), imap.ConvertTo{}, bad)
		assert.True(t, imap.SafeToRetry(err))
	}
	_, err = c.Convert(ctx, imap.Seqs(2), imap.ConvertTo{Type: "a\r\nb"}, imap.ConvertData())
	assert.True(t, imap.SafeToRetry(err))
	got, err = c.Convert(ctx, imap.SeqSet{}, imap.ConvertTo{}, imap.ConvertData())
	require.NoError(t, err)
	assert.Empty(t, got)
})

var _ = transcript("filter/filters.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	q := imap.Where().Smaller(5000).Or(imap.Where().From("Grüße"), imap.Where().Seen().Flagged())
	require.NoError(t, c.SetFilter(ctx, imap.Filter{Name: "on-the-road", Description: "On the road"}, q))
	list, err := c.Filters(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.Filter{{Name: "on-the-road", Criteria: "SMALLER 5000", Description: "On the road"}, {Name: "basic", Shared: true, Criteria: "UNDELETED"}}, list)
	open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Filter("on-the-road").Subject("x"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
	_, err = c.Search(ctx, imap.Where().Not(imap.Where().Filter("gone")), nil)
	gone, ok := imap.CodeDataOf[imap.FilterData](err)
	assert.True(t, ok)
	assert.Equal(t, "gone", gone.Filter)
	require.NoError(t, c.RemoveFilter(ctx, "basic", true))
	for _, name := range []string{"", "a/b", "a b", "a\r\n"} {
		assert.True(t, imap.SafeToRetry(c.SetFilter(ctx, imap.Filter{Name: name}, q)))
		_, err := c.Search(ctx, imap.Where().Filter(name), nil)
		assert.True(t, imap.SafeToRetry(err))
	}
	assert.True(t, imap.SafeToRetry(c.SetFilter(ctx, imap.Filter{Name: "x"}, imap.Where().Subject("a\r\nb"))))
})

var _ = transcript("metadata/special-use.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.SetSpecialUse(ctx, "SavedDrafts", imap.AttrDrafts, imap.AttrImportant))
	uses, err := c.GetSpecialUse(ctx, "SavedDrafts")
	require.NoError(t, err)
	assert.Equal(t, []imap.MailboxAttr{imap.AttrDrafts, `\X-Own`}, uses)
	require.NoError(t, c.SetSpecialUse(ctx, "SavedDrafts"))
	assert.True(t, imap.SafeToRetry(c.SetSpecialUse(ctx, "x", "Drafts")))
	assert.True(t, imap.SafeToRetry(c.SetSpecialUse(ctx, "x", `\Drafts )`)))
})

var _ = transcript("metadata/sieve.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	url, ok := c.Caps().SieveURL()
	assert.True(t, ok)
	assert.Equal(t, "sieve://Mail.example.org", url)
	require.NoError(t, c.SetSieveScript(ctx, "INBOX", "vacation"))
	name, err := c.GetSieveScript(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "vacation", name)
	require.NoError(t, c.SetSieveScript(ctx, "", ""))
})

var _ = transcript("push/apple.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.ApplePush(testkit.Context(t), &imap.ApplePushOptions{AccountID: "0715A26B-CA09-4730-A419-793000CA982E",
		DeviceToken: "2918390218931890821908309283098109381029309829018310983092892829", Subtopic: "com.apple.mobilemail", Mailboxes: []string{"INBOX", "Notes"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"aps-version": "2", "aps-topic": "com.apple.mail.XServer.7e8b2c8b"}, got)
})

var _ = transcript("quota/resources.txt", func(t *testing.T, c *imap.Client) {
	q, err := c.GetQuota(testkit.Context(t), "#user/alice")
	require.NoError(t, err)
	for _, name := range c.Caps().QuotaResources() {
		_, ok := q.Resource(name)
		assert.True(t, ok, name)
	}
	got, _ := q.Resource(imap.QuotaAnnotationStorage)
	assert.Equal(t, uint64(1<<63-1), got.Limit)
})

var _ = transcript("auth/logindisabled.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.ErrorIs(t, c.Login(ctx, "u", "p"), imap.ErrInsecure)
	require.NoError(t, c.LoginPlain(ctx, "u", "p"))
})

var _ = transcript("auth/starttls-refused.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	assert.Equal(t, imap.CodeUnavailable, imap.CodeOf(c.StartTLS(ctx, nil)))
	assert.ErrorIs(t, c.Login(ctx, "u", "p"), imap.ErrInsecure)
	require.NoError(t, c.Noop(ctx))
})

var _ = transcript("utf8/only.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	assert.Equal(t, imap.CodeCannot, imap.CodeOf(err))
	_, err = c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	open(t, c, "Entwürfe")
})

var _ = transcript("append/url-partial.txt", func(t *testing.T, c *imap.Client) {
	url, err := imap.MessageURL("INBOX", 785799047, 113330, imap.Section{Part: []int{1, 5, 9}, Count: 1024})
	require.NoError(t, err)
	_, err = c.Catenate(testkit.Context(t), "Drafts", []imap.CatenatePart{imap.CatenateURL(url)}, nil)
	require.NoError(t, err)
})

var _ = transcript("thread/refs.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	require.NoError(t, err)
	assert.Len(t, got, 2)
})

var _ = transcript("sort/vendor.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "MODSEQ", Reverse: true}, {Name: "UID"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{3, 1, 2}, got)
})

var _ = transcript("fetch/preview-fuzzy.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 1, imap.FetchPreviewFuzzy())
	require.Len(t, got, 1)
	assert.Equal(t, "Preview text!", got[0].Preview)
})

var _ = transcript("fetch/snippet.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 1, imap.FetchPreviewFuzzy())
	require.Len(t, got, 1)
	assert.Equal(t, "Preview text!", got[0].Preview)
})

// TestRestNotOffered: without its capability nothing of an extension is sent.
func TestRestNotOffered(t *testing.T) {
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
