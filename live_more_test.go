package imap_test

import (
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What to do with the extensions that few servers have, on those that do.

var _ = live("AUTH=", func(t *testing.T, c *imap.Client, at place) { require.NoError(t, at.again(t).Noop(testkit.Context(t))) })

var _ = live("STARTTLS, LOGINDISABLED", func(t *testing.T, c *imap.Client, at place) {
	assert.Error(t, c.StartTLS(testkit.Context(t), nil), "after the login it is too late")
})

var _ = live("I18NLEVEL=1", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, "Subject: =?utf-8?q?GR=C3=9CSSE?=\r\n\r\nx\r\n")
	res, err := c.Search(testkit.Context(t), imap.Where().Subject("grüsse"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
})

var _ = live("LOGIN-REFERRALS", func(t *testing.T, c *imap.Client, at place) {
	assert.Empty(t, c.Events(), "this server has the user itself")
})

var _ = live("MAILBOX-REFERRALS", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	list, err := c.RemoteList(ctx, "", "*")
	require.NoError(t, err)
	assert.NotEmpty(t, list)
	_, err = c.RemoteLsub(ctx, "", "*")
	require.NoError(t, err)
})

var _ = live("URL-PARTIAL", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	url, err := imap.MessageURL("INBOX", c.Mailbox().UIDValidity, 1, imap.Section{Count: 21})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "INBOX", []imap.CatenatePart{imap.CatenateURL(url), imap.CatenateText(imap.LiteralString("\r\nrest\r\n"))}, nil)
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 2, imap.Section{})
	require.NoError(t, err)
	assert.Equal(t, "From: a@example.org\r\n\r\nrest\r\n", string(m.Section(imap.Section{})))
})

var _ = live("THREAD=REFS", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, "Message-ID: <1@x>\r\n\r\nx\r\n", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nx\r\n")
	got, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Len(t, got[0].Children, 1)
})

var _ = live("SORT=MODSEQ", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	got, err := c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
})

var _ = live("SORT=UID", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small, small)
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "UID", Reverse: true}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
})

var _ = live("PREVIEW=FUZZY", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchPreviewFuzzy())
	require.NoError(t, err)
	assert.Equal(t, "hello", m.Preview)
})

var _ = live("SNIPPET=FUZZY", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	res, err := c.Do(testkit.Context(t), "UID FETCH", imap.UIDs(1), []any{imap.Atom("SNIPPET"), []any{imap.Atom("FUZZY")}})
	require.NoError(t, err)
	require.Len(t, res.Untagged, 1)
	assert.Contains(t, string(res.Untagged[0].Rest), "hello")
})

// XMOVE does what MOVE does.
var _ = live("XMOVE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	require.NoError(t, c.Create(ctx, at.prefix+"moved", nil))
	_, err := c.Do(ctx, "UID XMOVE", imap.UIDs(1), at.prefix+"moved")
	require.NoError(t, err)
	st, err := c.Status(ctx, at.prefix+"moved", imap.StatusMessages)
	require.NoError(t, err)
	assert.EqualValues(t, 1, *st.Messages)
})

// ACL2=UNION is offered, and what it says of rights is the server's business.
var _ = live("ACL2=UNION", func(t *testing.T, c *imap.Client, at place) {
	_, err := c.MyRights(testkit.Context(t), "INBOX")
	require.NoError(t, err)
})

var _ = live("MULTISEARCH", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	require.NoError(t, c.Create(ctx, at.prefix+"empty", nil))
	_, err := c.Append(ctx, at.prefix+"empty", imap.LiteralString(small), nil)
	require.NoError(t, err)
	got, err := c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Subject("small"), nil)
	require.NoError(t, err)
	found := map[string]uint32{}
	for _, res := range got {
		found[res.Mailbox] = res.Count
		assert.NotZero(t, res.UIDValidity)
	}
	assert.Equal(t, map[string]uint32{"INBOX": 2, at.prefix + "empty": 1}, found)
	got, err = c.SearchMailboxes(ctx, nil, imap.Where(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, imap.SearchResult{Min: 1, Max: 2, Count: 2}, got[0].SearchResult)
})

// TestUpdatesInMemory: the server in memory keeps results current.
func TestUpdatesInMemory(t *testing.T) {
	c, at := inMemory(t)
	if !c.Caps().Has("CONTEXT=SORT") {
		t.Skip("the server does not offer it yet")
	}
	sortUpdates(t, c, at)
}

// sortUpdates follows a sorted result.
func sortUpdates(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	other := at.again(t)
	n := 0
	for up, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where().Unseen(), nil) {
		require.NoError(t, err)
		if up.Event != nil {
			continue
		}
		switch n++; n {
		case 1:
			assert.Len(t, up.UIDs, 2)
			_, err := other.Append(ctx, "INBOX", imap.LiteralString(small), nil)
			require.NoError(t, err)
		case 2:
			assert.Equal(t, []imap.UID{3}, up.Added)
			assert.Len(t, up.UIDs, 3)
		}
		if n == 2 {
			break
		}
	}
	assert.Equal(t, 2, n)
}

var _ = live("LANGUAGE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	list, err := c.Languages(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	tag, err := c.SetLanguage(ctx, list[0])
	require.NoError(t, err)
	assert.Equal(t, list[0], tag)
})

var _ = live("I18NLEVEL=2", func(t *testing.T, c *imap.Client, at place) {
	co, err := c.Comparator(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, co.Active)
})

var _ = live("JMAPACCESS", func(t *testing.T, c *imap.Client, at place) {
	url, err := c.JMAPAccess(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, url)
})

// authorize makes a URL that can be fetched. Real servers take only the host that they are configured with, or no key can
// be made where they keep them: then it is nil, beside their refusal.
func authorize(t *testing.T, c *imap.Client, at place, u imap.URL) ([]*imap.URL, error) {
	u.User = at.user
	made, err := c.AuthorizeURLs(testkit.Context(t), "INTERNAL", &u)
	if at.name == "imaptest" {
		require.NoError(t, err)
	}
	if err != nil {
		_, refused := errors.AsType[*imap.Error](err)
		require.True(t, refused, err)
		return nil, err
	}
	require.Len(t, made, 1)
	return made, nil
}

var _ = live("URLAUTH", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	made, err := authorize(t, c, at, imap.URL{Host: "localhost", Mailbox: "INBOX", UIDValidity: c.Mailbox().UIDValidity, UID: 1, Section: "TEXT", Access: "authuser"})
	if made == nil {
		t.Skip(err)
	}
	require.Len(t, made, 1)
	if at.name == "cyrus" {
		return // it closes the connection at a URL of a section that has no number
	}
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "hello\r\n", string(got[0].Data))
	require.NoError(t, c.ResetURLKeys(ctx, "INBOX"))
	got, err = c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	assert.False(t, got[0].Found)
})

var _ = live("URLAUTH=BINARY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
	made, err := authorize(t, c, at, imap.URL{Host: "localhost", Mailbox: "INBOX", UID: 1, Section: "1", Access: "anonymous"})
	if made == nil {
		t.Skip(err)
	}
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String(), Binary: true, Structure: true})
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got[0].Data))
	assert.Equal(t, "text", got[0].Structure.Type)
})

var _ = live("CONVERT", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, "Content-Type: text/html; charset=utf-8\r\n\r\n<p>h&amp;i</p>\r\n")
	convs, err := c.Conversions(ctx, "text/html", "*")
	require.NoError(t, err)
	assert.NotEmpty(t, convs)
	got, err := c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1), imap.ConvertSize(1), imap.ConvertTypes(1))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, len(got[0].Parts[0].Data), got[0].Parts[1].Size)
	assert.Contains(t, string(got[0].Parts[0].Data), "h&i")
	got, err = c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "image/png"}, imap.ConvertData(1))
	require.Error(t, err)
	require.Len(t, got, 1)
	assert.NotNil(t, got[0].Parts[0].Err)
})

var _ = live("FILTERS", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, "Subject: Grüße\r\n\r\nx\r\n")
	require.NoError(t, c.SetFilter(ctx, imap.Filter{Name: "s", Description: "small ones"}, imap.Where().Subject("small")))
	list, err := c.Filters(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.Filter{{Name: "s", Criteria: `SUBJECT "small"`, Description: "small ones"}}, list)
	res, err := c.Search(ctx, imap.Where().Filter("s"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	require.NoError(t, c.RemoveFilter(ctx, "s", false))
	_, err = c.Search(ctx, imap.Where().Filter("s"), nil)
	_, ok := imap.CodeDataOf[imap.FilterData](err)
	assert.True(t, ok, err)
})

var _ = live("IMAPSIEVE=", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, ok := c.Caps().SieveURL()
	assert.True(t, ok)
	require.NoError(t, c.SetSieveScript(ctx, "INBOX", "s"))
	name, err := c.GetSieveScript(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "s", name)
})

var _ = live("XAPPLEPUSHSERVICE", func(t *testing.T, c *imap.Client, at place) {
	got, err := c.ApplePush(testkit.Context(t), &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
	require.NoError(t, err)
	assert.NotEmpty(t, got["aps-topic"])
})

var _ = live("UTF8=ONLY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	assert.Equal(t, imap.CodeCannot, imap.CodeOf(err))
	_, err = c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	open(t, c, "INBOX")
})

var _ = live("OBJECTID+", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ObjectID: true})
	require.NoError(t, err)
	assert.NotEmpty(t, mb.MailboxID)
	assert.NotEmpty(t, mb.AccountID())
	m, err := c.FetchOne(ctx, 1, imap.FetchObjectID)
	require.NoError(t, err)
	assert.NotEmpty(t, m.EmailID)
	created, err := c.CreateMailbox(ctx, at.prefix+"x", nil)
	require.NoError(t, err)
	assert.NotEmpty(t, created.MailboxID)
	if _, err := c.Status(ctx, "INBOX", imap.StatusObjectID); !errors.Is(err, errors.ErrUnsupported) {
		require.NoError(t, err)
	}
})
