package transcripts_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func playAppendLimit(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	limit, ok, err := c.AppendLimit(ctx, "INBOX")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.EqualValues(t, 5, limit)
	_, err = c.Append(ctx, "INBOX", imap.LiteralString("hello!"), nil)
	require.ErrorIs(t, err, imap.ErrTooBig)
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Append(ctx, "INBOX", imap.LiteralString("hello"), nil)
	require.NoError(t, err)
}

func playAppendLimitEach(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	limit, ok, err := c.AppendLimit(ctx, "INBOX")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.EqualValues(t, 257890, limit)
	_, ok, err = c.AppendLimit(ctx, "big")
	require.NoError(t, err)
	assert.False(t, ok)
	_, err = c.Append(ctx, "INBOX", imap.LiteralString("hello!"), nil)
	require.ErrorIs(t, err, imap.ErrTooBig)
	assert.Equal(t, imap.CodeTooBig, imap.CodeOf(err))
	assert.False(t, imap.SafeToRetry(err))
}

func playAppendMulti(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	second := testkit.Message("second")
	second.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "$a"}, InternalDate: time.Date(1994, 2, 7, 22, 43, 4, 0, time.FixedZone("", -8*3600))}
	first := testkit.Message("first")
	first.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}}
	third := imap.AppendMessage{Message: imap.Literal{R: strings.NewReader("third and what is not read"), Size: 5}}
	res, err := c.MultiAppend(ctx, "saved-messages", []imap.AppendMessage{first, second, third})
	require.NoError(t, err)
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 38505, UID: 3955}, {UIDValidity: 38505, UID: 3956}, {UIDValidity: 38505, UID: 3957}}, res)

	first.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}}
	_, err = c.MultiAppend(ctx, "bogusname", []imap.AppendMessage{first, testkit.Message("second")})
	assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
	_, err = c.MultiAppend(ctx, "test", []imap.AppendMessage{testkit.Message("first"), testkit.Message("second"), testkit.Message("third")})
	require.ErrorContains(t, err, "Disk quota exceeded")
	require.NoError(t, c.Noop(ctx))
	res, err = c.MultiAppend(ctx, "test", nil)
	require.NoError(t, err)
	assert.Nil(t, res)
}

func playAppendCatenate(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	url := func(mailbox string, validity uint32, uid imap.UID, s imap.Section) imap.CatenatePart {
		u, err := imap.MessageURL(mailbox, validity, uid, s)
		require.NoError(t, err)
		return imap.CatenateURL(u)
	}
	drafts := func(s imap.Section) imap.CatenatePart { return url("Drafts", 385759045, 20, s) }
	res, err := c.Catenate(ctx, "Drafts", []imap.CatenatePart{
		drafts(imap.Section{Specifier: "header"}),
		imap.CatenateText(imap.LiteralString("\r\n--------------030308070208000400050907\r\n")),
		drafts(imap.Section{Part: []int{1}, Specifier: "MIME"}),
		drafts(imap.Section{Part: []int{1}}),
	}, &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, imap.FlagDraft, "$MDNSent"}})
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{UIDValidity: 385759045, UID: 45}, res)

	_, err = c.Catenate(ctx, "Sent", []imap.CatenatePart{
		url("Entwürfe 1", 0, 113330, imap.Section{Part: []int{1, 5, 9}, Offset: 10, Count: 20}),
		imap.CatenateText(imap.LiteralString("\r\n")),
	}, nil)
	bad, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.CodeBadURL, bad.Code)
	assert.Equal(t, `"/Entw%C3%BCrfe%201/;UID=113330/;SECTION=1.5.9"`, bad.Args)
	require.NoError(t, c.Noop(ctx))
	_, err = c.Catenate(ctx, "Sent", nil, nil)
	require.ErrorContains(t, err, "no part")
}

func playAppendReplace(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "Drafts")
	res, err := c.ReplaceSeq(ctx, 4, "Drafts", imap.LiteralString("hello"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, imap.FlagDraft}})
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{UIDValidity: 1, UID: 2000}, res)
	assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 5}, &imap.ExpungeEvent{SeqNum: 4}}, c.Events())
	res, err = c.Replace(ctx, 2000, "Sent", imap.Literal{}, &imap.AppendOptions{Parts: []imap.CatenatePart{
		imap.CatenateText(imap.LiteralString("To: a@b\r\n")), imap.CatenateURL("/Drafts/;UID=2000"),
	}})
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{UIDValidity: 7, UID: 3003}, res)
	assert.EqualValues(t, 3, c.Mailbox().Exists)
}

func playAppendBinary(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	data := imap.LiteralString("a\x00b\xff")
	_, err := c.Append(ctx, "INBOX", data, &imap.AppendOptions{Binary: true})
	require.NoError(t, err)
	_, err = c.Append(ctx, "text", data, &imap.AppendOptions{Binary: true})
	assert.Equal(t, imap.CodeUnknownCTE, imap.CodeOf(err))
}

func playFetchBinary(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	part := imap.Section{Part: []int{2}, Binary: true}
	got := testkit.Fetch(t, c, 12, 12, part)
	require.Len(t, got, 1)
	assert.Equal(t, "a\x00b\xff", string(got[0].Section(part)))
	part.Offset, part.Count = 1, 2
	for m, err := range c.FetchStream(ctx, imap.UIDs(12), part) {
		require.NoError(t, err)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			data, err := io.ReadAll(b)
			require.NoError(t, err)
			assert.Equal(t, "\x00b", string(data))
		}
	}
	m, err := c.FetchOne(ctx, 12, imap.FetchBinarySize(1, 2), imap.FetchFlags, imap.FetchBinarySize())
	require.NoError(t, err)
	size, ok := m.BinarySize(1, 2)
	assert.True(t, ok)
	assert.EqualValues(t, 4, size)
	size, ok = m.BinarySize()
	assert.True(t, ok)
	assert.Equal(t, int64(5000000000), size)
	_, ok = m.BinarySize(7)
	assert.False(t, ok)
	_, err = c.FetchOne(ctx, 13, imap.Section{Part: []int{1}, Binary: true})
	assert.Equal(t, imap.CodeUnknownCTE, imap.CodeOf(err))
}

func playFetchMessageLimit(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	assert.Equal(t, []imap.UID{25, 24, 20, 11, 10}, testkit.UIDsOf(testkit.Fetch(t, c, 1, 0, imap.FetchFlags)))
}

func playAppendSaveLimit(t *testing.T, c *imap.Client) {
	res, err := c.MultiAppend(testkit.Context(t), "INBOX", []imap.AppendMessage{testkit.Message("one"), testkit.Message("two"), testkit.Message("three")})
	require.NoError(t, err)
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 7, UID: 1}, {UIDValidity: 7, UID: 2}, {UIDValidity: 7, UID: 3}}, res)
	res, err = c.MultiAppend(testkit.Context(t), "INBOX", []imap.AppendMessage{testkit.Message("one"), testkit.Message("two")})
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 7, UID: 4}}, res)
}

func playFetchPartial(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 25900, 26600, imap.FetchFlags, imap.FetchPartial(-1, -3))
	require.Len(t, got, 3)
	assert.EqualValues(t, 25996, got[0].UID)
	got = testkit.Fetch(t, c, 25900, 26600, imap.FetchFlags, imap.FetchPartial(1, 30), imap.FetchChangedSince(98305))
	require.Len(t, got, 1)
	assert.EqualValues(t, 98306, got[0].ModSeq)
}

func playStoreGmailLabels(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
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
}

func playURLAuth(t *testing.T, c *imap.Client) {
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
}

func playConvert(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	convs, err := c.Conversions(ctx, "image/gif", "*")
	require.NoError(t, err)
	assert.Equal(t, []imap.Conversion{{From: "image/gif", To: "image/jpeg", Params: []string{"pix-y", "pix-x", "image-interleave"}}, {From: "image/gif", To: "image/png"}}, convs)
	testkit.Open(t, c, "INBOX")
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
}

func playAppendURLPartial(t *testing.T, c *imap.Client) {
	url, err := imap.MessageURL("INBOX", 785799047, 113330, imap.Section{Part: []int{1, 5, 9}, Count: 1024})
	require.NoError(t, err)
	_, err = c.Catenate(testkit.Context(t), "Drafts", []imap.CatenatePart{imap.CatenateURL(url)}, nil)
	require.NoError(t, err)
}

func playFetchPreviewFuzzy(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 1, imap.FetchPreviewFuzzy())
	require.Len(t, got, 1)
	assert.Equal(t, "Preview text!", got[0].Preview)
}

func playFetchSnippet(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 1, imap.FetchPreviewFuzzy())
	require.Len(t, got, 1)
	assert.Equal(t, "Preview text!", got[0].Preview)
}

func playAppendLiteralPlus(t *testing.T, c *imap.Client) {
	_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString("hello"), nil)
	require.NoError(t, err)
}

func playAppendLiteralMinus(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Append(ctx, "INBOX", imap.LiteralString("hello"), nil)
	require.NoError(t, err)
	_, err = c.Append(ctx, "INBOX", imap.LiteralBytes(make([]byte, 4097)), nil)
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
}

func playStoreUIDPlus(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	res, err := c.Append(ctx, "saved-messages", imap.LiteralString("hello"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{UIDValidity: 38505, UID: 3955}, res)
	testkit.Open(t, c, "INBOX")
	copied, err := c.Copy(ctx, imap.UIDRange(2, 4), "meeting")
	require.NoError(t, err)
	assert.Equal(t, "304,319:320", copied.Source.String())
	assert.Equal(t, "3956:3958", copied.Dest.String())
	gone, err := c.UIDExpunge(ctx, imap.UIDRange(3000, 3002))
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{3, 3}, gone.SeqNums)
}

// move moves messages.
func move(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	res, err := c.Move(testkit.Context(t), imap.UIDRange(42, 69), "foo")
	require.NoError(t, err)
	assert.Equal(t, &imap.CopyResult{UIDValidity: 432432, Source: imap.UIDRange(42, 69), Dest: imap.UIDRange(1202, 1229)}, res)
	assert.EqualValues(t, 49, c.Mailbox().Exists)
}

func playSyncYahoo(t *testing.T, c *imap.Client) {
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
}

func playSyncCondStore(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	st, err := c.Status(ctx, "INBOX", imap.StatusUIDValidity, imap.StatusHighestModSeq)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint64(715194045007)), st.HighestModSeq)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	assert.Equal(t, uint64(715194045007), mb.HighestModSeq)
	got := testkit.Fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchChangedSince(12345))
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
}

func playSyncQResync(t *testing.T, c *imap.Client) {
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
}

func playSyncUIDOnly(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UIDONLY")
	require.NoError(t, err)
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 25900, 26600, imap.FetchFlags)
	require.Len(t, got, 2)
	assert.EqualValues(t, 25997, got[1].UID)
	assert.Zero(t, got[1].SeqNum)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 2)
	assert.Equal(t, &imap.VanishedEvent{UIDs: imap.UIDs(25997)}, events[0])
	assert.Equal(t, &imap.Message{UID: 25996, Flags: []imap.Flag{imap.FlagFlagged}}, events[1].(*imap.FetchEvent).Message)
}

func playFetchPreview(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 2, imap.FetchPreview)
	require.Len(t, got, 2)
	assert.Equal(t, "Preview text!", got[0].Preview)
	assert.Equal(t, "Grüße", got[1].Preview)
	got = testkit.Fetch(t, c, 1, 3, imap.FetchPreviewLazy())
	require.Len(t, got, 3)
	for i, pending := range []bool{false, true, false} {
		assert.Equal(t, pending, got[i].PreviewPending(), i)
	}
}

func playFetchSaveDate(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 2, imap.FetchSaveDate)
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
}

func playFetchObjectID(t *testing.T, c *imap.Client) {
	st, err := c.Status(testkit.Context(t), "foo", imap.StatusMailboxID)
	require.NoError(t, err)
	testkit.Open(t, c, "foo")
	assert.Equal(t, "F2212ea87-6097-4256-9d51-71338625", st.MailboxID)
	assert.Equal(t, st.MailboxID, c.Mailbox().MailboxID)
	got := testkit.Fetch(t, c, 1, 2, imap.FetchEmailID, imap.FetchThreadID)
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
}

func playFetchObjectIDPlus(t *testing.T, c *imap.Client) {
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
	got := testkit.Fetch(t, c, 1, 2, imap.FetchObjectID)
	require.Len(t, got, 2)
	assert.Equal(t, "e1", got[0].EmailID)
	assert.Equal(t, "t1", got[0].ThreadID)
	assert.Empty(t, got[1].EmailID)
	res, err := c.Search(ctx, imap.Where().EmailID("e1"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
}

func playFetchGmail(t *testing.T, c *imap.Client) {
	testkit.Open(t, c, "INBOX")
	got := testkit.Fetch(t, c, 1, 1, imap.FetchGmailMsgID, imap.FetchGmailThreadID, imap.FetchGmailLabels)
	require.Len(t, got, 1)
	assert.Equal(t, &imap.GmailData{MessageID: 18446744073709551615, ThreadID: 1278455344230334865,
		Labels: []string{`\Inbox`, `\Sent`, "Foo", "Entwürfe"}}, got[0].Gmail)
}
