package extensions_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func useAppendLimit(t *testing.T, c *imap.Client, at testkit.Place) {
	n, ok, err := c.AppendLimit(testkit.Context(t), "INBOX")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Greater(t, n, uint64(1<<20))
}

func useMultiAppend(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	flagged := testkit.Message(testkit.Small + "2\r\n")
	flagged.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}, InternalDate: time.Unix(1e9, 0)}
	big := testkit.Small + strings.Repeat("0123456789abcdef\r\n", 20000)
	res, err := c.MultiAppend(ctx, "INBOX", []imap.AppendMessage{testkit.Message(testkit.Small), flagged, {Message: imap.Literal{R: strings.NewReader(big), Size: int64(len(big))}}})
	require.NoError(t, err)
	require.Len(t, res, 3)
	assert.Equal(t, []imap.UID{1, 2, 3}, []imap.UID{res[0].UID, res[1].UID, res[2].UID})
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchInternalDate, imap.Section{})
	require.Len(t, got, 3)
	assert.Contains(t, got[1].Flags, imap.FlagFlagged)
	assert.True(t, got[1].InternalDate.Equal(time.Unix(1e9, 0)))
	assert.Equal(t, big, string(got[2].Section(imap.Section{})))
	_, err = c.MultiAppend(ctx, at.Prefix+"none", []imap.AppendMessage{testkit.Message(testkit.Small), testkit.Message(testkit.Small)})
	assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
	require.NoError(t, c.Noop(ctx))
}

func useCatenate(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small)
	url := func(s imap.Section) imap.CatenatePart {
		u, err := imap.MessageURL("INBOX", c.Mailbox().UIDValidity, 1, s)
		require.NoError(t, err)
		return imap.CatenateURL(u)
	}
	_, err := c.Catenate(ctx, "INBOX", []imap.CatenatePart{
		imap.CatenateText(imap.LiteralString("X-New: 1\r\n")), url(imap.Section{Specifier: "HEADER"}),
		imap.CatenateText(imap.LiteralString("before\r\n")), url(imap.Section{Specifier: "TEXT"}),
	}, &imap.AppendOptions{Flags: []imap.Flag{imap.FlagDraft}})
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 2, imap.FetchFlags, imap.Section{})
	require.NoError(t, err)
	require.NotNil(t, m)
	assert.Contains(t, m.Flags, imap.FlagDraft)
	assert.Equal(t, "X-New: 1\r\nFrom: a@example.org\r\nSubject: small\r\n\r\nbefore\r\nhello\r\n", string(m.Section(imap.Section{})))
	_, err = c.Catenate(ctx, "INBOX", []imap.CatenatePart{imap.CatenateURL("/INBOX/;UID=4711")}, nil)
	assert.Equal(t, imap.CodeBadURL, imap.CodeOf(err))
	require.NoError(t, c.Noop(ctx))
}

func useReplace(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	res, err := c.Replace(ctx, 1, "INBOX", imap.LiteralString(testkit.Small+"new\r\n"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagDraft}})
	require.NoError(t, err)
	assert.EqualValues(t, 3, res.UID)
	res, err = c.ReplaceSeq(ctx, 1, "INBOX", imap.LiteralString(testkit.Small+"newer\r\n"), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 4, res.UID)
	got := testkit.Fetch(t, c, 1, 0, imap.Section{})
	require.Len(t, got, 2)
	assert.Equal(t, testkit.Small+"newer\r\n", string(got[1].Section(imap.Section{})))
	assert.EqualValues(t, 2, c.Mailbox().Exists)
}

func useBinary(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	const head = "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: "
	testkit.Deliver(t, c, head+"base64\r\n\r\nAAEC/w==\r\n")
	part := imap.Section{Part: []int{1}, Binary: true}
	m, err := c.FetchOne(ctx, 1, part, imap.FetchBinarySize(1))
	require.NoError(t, err)
	assert.Equal(t, "\x00\x01\x02\xff", string(m.Section(part)))
	size, ok := m.BinarySize(1)
	assert.True(t, ok)
	assert.EqualValues(t, 4, size)

	_, err = c.Append(ctx, "INBOX", imap.LiteralString(head+"binary\r\n\r\na\x00b\r\n"), &imap.AppendOptions{Binary: true})
	if imap.CodeOf(err) == imap.CodeUnknownCTE {
		return
	}
	require.NoError(t, err)
	m, err = c.FetchOne(ctx, 2, part)
	require.NoError(t, err)
	assert.Equal(t, "a\x00b\r\n", string(m.Section(part)))
}

func useUIDPlus(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	res, err := c.Append(ctx, "INBOX", imap.LiteralString(testkit.Small), nil)
	require.NoError(t, err)
	testkit.Deliver(t, c, testkit.Small)
	assert.Equal(t, &imap.AppendResult{UIDValidity: c.Mailbox().UIDValidity, UID: 1}, res)
	require.NoError(t, c.Create(ctx, at.Prefix+"other", nil))
	copied, err := c.Copy(ctx, imap.UIDs(1, 2), at.Prefix+"other")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(1, 2), copied.Source)
	assert.EqualValues(t, 2, copied.Dest.Len())
	_, err = c.Store(ctx, imap.UIDs(1, 2), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	gone, err := c.UIDExpunge(ctx, imap.UIDs(2))
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{2}, gone.SeqNums)
}

func useMove(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	require.NoError(t, c.Create(ctx, at.Prefix+"other", nil))
	res, err := c.Move(ctx, imap.UIDs(1), at.Prefix+"other")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.Source)
	assert.EqualValues(t, 1, c.Mailbox().Exists)
}

func useCondStore(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	require.NotZero(t, mb.HighestModSeq)
	_, err = c.Store(ctx, imap.UIDs(2), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	got := testkit.Fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchChangedSince(mb.HighestModSeq))
	require.Len(t, got, 1)
	assert.EqualValues(t, 2, got[0].UID)
	assert.Greater(t, got[0].ModSeq, mb.HighestModSeq)
	res, err := c.Store(ctx, imap.UIDRange(1, 2), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{UnchangedSince: mb.HighestModSeq})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(2), res.ModifiedUID)
	found, err := c.Search(ctx, imap.Where().ModSeq(got[0].ModSeq), nil)
	require.NoError(t, err)
	assert.Contains(t, found.UIDs.String(), "2")
	st, err := at.Again(t).Status(ctx, "INBOX", imap.StatusHighestModSeq)
	require.NoError(t, err)
	require.NotNil(t, st.HighestModSeq)
	assert.GreaterOrEqual(t, *st.HighestModSeq, got[0].ModSeq)
}

func useQResync(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small, testkit.Small)
	before, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	require.NoError(t, c.Unselect(ctx))
	other := at.Again(t)
	testkit.Open(t, other, "INBOX")
	_, err = other.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	_, err = other.Store(ctx, imap.UIDs(3), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	_, err = other.Expunge(ctx)
	require.NoError(t, err)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: before.UIDValidity, ModSeq: before.HighestModSeq}})
	require.NoError(t, err)
	assert.Contains(t, mb.Vanished.String(), "1")
	require.NotEmpty(t, mb.Changed)
	assert.EqualValues(t, 3, mb.Changed[len(mb.Changed)-1].UID)
}

func usePreview(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	got := testkit.Fetch(t, c, 1, 0, imap.FetchPreview)
	require.Len(t, got, 1)
	assert.Contains(t, []string{"hello", ""}, strings.TrimSpace(got[0].Preview)) // Cyrus makes none by itself
}

func useSaveDate(t *testing.T, c *imap.Client, at testkit.Place) {
	_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString(testkit.Small), &imap.AppendOptions{InternalDate: time.Unix(1e9, 0)})
	require.NoError(t, err)
	testkit.Deliver(t, c)
	got := testkit.Fetch(t, c, 1, 0, imap.FetchSaveDate)
	require.Len(t, got, 1)
	assert.Greater(t, got[0].SaveDate.Year(), 2001)
}

func useObjectID(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	require.NotEmpty(t, c.Mailbox().MailboxID)
	st, err := at.Again(t).Status(testkit.Context(t), "INBOX", imap.StatusMailboxID)
	require.NoError(t, err)
	assert.Equal(t, c.Mailbox().MailboxID, st.MailboxID)
	got := testkit.Fetch(t, c, 1, 0, imap.FetchEmailID, imap.FetchThreadID)
	require.Len(t, got, 2)
	assert.NotEmpty(t, got[0].EmailID)
	assert.NotEmpty(t, got[1].EmailID)
}

func useURLPartial(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small)
	url, err := imap.MessageURL("INBOX", c.Mailbox().UIDValidity, 1, imap.Section{Count: 21})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "INBOX", []imap.CatenatePart{imap.CatenateURL(url), imap.CatenateText(imap.LiteralString("\r\nrest\r\n"))}, nil)
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 2, imap.Section{})
	require.NoError(t, err)
	assert.Equal(t, "From: a@example.org\r\n\r\nrest\r\n", string(m.Section(imap.Section{})))
}

func usePreviewFuzzy(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchPreviewFuzzy())
	require.NoError(t, err)
	assert.Equal(t, "hello", m.Preview)
}

func useSnippetFuzzy(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small)
	res, err := c.Do(testkit.Context(t), "UID FETCH", imap.UIDs(1), []any{imap.Atom("SNIPPET"), []any{imap.Atom("FUZZY")}})
	require.NoError(t, err)
	require.Len(t, res.Untagged, 1)
	assert.Contains(t, string(res.Untagged[0].Rest), "hello")
}

// authorize makes a URL that can be fetched.
func authorize(t *testing.T, c *imap.Client, at testkit.Place, u imap.URL) []*imap.URL {
	t.Helper()
	u.User = at.User
	made, err := c.AuthorizeURLs(testkit.Context(t), "INTERNAL", &u)
	require.NoError(t, err)
	require.Len(t, made, 1)
	return made
}

func useURLAuth(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small)
	u := imap.URL{Host: "localhost", Mailbox: "INBOX", UIDValidity: c.Mailbox().UIDValidity, UID: 1, Section: "1", Access: "authuser"}
	if at.Name == "cyrus" {
		u.UIDValidity = 0 // Cyrus 3.6 closes the connection at the URLFETCH of a URL that has it
	}
	made := authorize(t, c, at, u)
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "hello\r\n", string(got[0].Data))
	require.NoError(t, c.ResetURLKeys(ctx, "INBOX"))
	got, err = c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	assert.False(t, got[0].Found)
}

func useURLAuthBinary(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
	made := authorize(t, c, at, imap.URL{Host: "localhost", Mailbox: "INBOX", UID: 1, Section: "1", Access: "anonymous"})
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String(), Binary: true, Structure: true})
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got[0].Data))
	assert.Equal(t, "text", got[0].Structure.Type)
}

func useConvert(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, "Content-Type: text/html; charset=utf-8\r\n\r\n<p>h&amp;i</p>\r\n")
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
}

func useObjectIDPlus(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ObjectID: true})
	require.NoError(t, err)
	assert.NotEmpty(t, mb.MailboxID)
	assert.NotEmpty(t, mb.AccountID())
	m, err := c.FetchOne(ctx, 1, imap.FetchObjectID)
	require.NoError(t, err)
	assert.NotEmpty(t, m.EmailID)
	created, err := c.CreateMailbox(ctx, at.Prefix+"x", nil)
	require.NoError(t, err)
	assert.NotEmpty(t, created.MailboxID)
	if _, err := c.Status(ctx, "INBOX", imap.StatusObjectID); !errors.Is(err, errors.ErrUnsupported) {
		require.NoError(t, err)
	}
}
