package imap_test

import (
	"bytes"
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

// text makes a message.
func text(s string) imap.AppendMessage { return imap.AppendMessage{Message: imap.LiteralString(s)} }

var _ = transcript("append/limit.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = transcript("append/limit-each.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = transcript("append/multi.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	second := text("second")
	second.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "$a"}, InternalDate: time.Date(1994, 2, 7, 22, 43, 4, 0, time.FixedZone("", -8*3600))}
	first := text("first")
	first.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}}
	third := imap.AppendMessage{Message: imap.Literal{R: strings.NewReader("third and what is not read"), Size: 5}}
	res, err := c.MultiAppend(ctx, "saved-messages", []imap.AppendMessage{first, second, third})
	require.NoError(t, err)
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 38505, UID: 3955}, {UIDValidity: 38505, UID: 3956}, {UIDValidity: 38505, UID: 3957}}, res)

	first.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}}
	_, err = c.MultiAppend(ctx, "bogusname", []imap.AppendMessage{first, text("second")})
	assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
	_, err = c.MultiAppend(ctx, "test", []imap.AppendMessage{text("first"), text("second"), text("third")})
	require.ErrorContains(t, err, "Disk quota exceeded")
	require.NoError(t, c.Noop(ctx))
	res, err = c.MultiAppend(ctx, "test", nil)
	require.NoError(t, err)
	assert.Nil(t, res)
})

var _ = transcript("append/catenate.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = transcript("append/replace.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "Drafts")
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
})

var _ = transcript("append/binary.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	data := imap.LiteralString("a\x00b\xff")
	_, err := c.Append(ctx, "INBOX", data, &imap.AppendOptions{Binary: true})
	require.NoError(t, err)
	_, err = c.Append(ctx, "text", data, &imap.AppendOptions{Binary: true})
	assert.Equal(t, imap.CodeUnknownCTE, imap.CodeOf(err))
})

var _ = transcript("fetch/binary.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	part := imap.Section{Part: []int{2}, Binary: true}
	got := fetch(t, c, 12, 12, part)
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
})

// TestAppendNotSent holds what is refused before anything is sent.
func TestAppendNotSent(t *testing.T) {
	c := testkit.Offering(t, "IMAP4rev2 LITERAL+ REPLACE CATENATE MULTIAPPEND UTF8=ACCEPT", "C: $ SELECT INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	message := imap.LiteralString("x")
	binary := &imap.AppendOptions{Binary: true}
	for name, err := range map[string]error{
		"BINARY":      errOf(c.Append(ctx, "a", message, binary)),
		"UTF8":        errOf(c.Append(ctx, "a", message, &imap.AppendOptions{UTF8: true})),
		"both":        errOf(c.Append(ctx, "a", message, &imap.AppendOptions{Parts: []imap.CatenatePart{imap.CatenateURL("/a/;UID=1")}})),
		"no parts":    errOf(c.Append(ctx, "a", imap.Literal{}, &imap.AppendOptions{Parts: []imap.CatenatePart{}})),
		"UID 0":       errOf(c.Replace(ctx, 0, "a", message, nil)),
		"number 0":    errOf(c.ReplaceSeq(ctx, 0, "a", message, nil)),
		"size":        errOf(c.Append(ctx, "a", imap.Literal{R: strings.NewReader(""), Size: -1}, nil)),
		"part size":   errOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(imap.Literal{Size: 5})}, nil)),
		"CRLF in URL": errOf(c.MultiAppend(ctx, "a\r\nb", []imap.AppendMessage{{Message: message, Options: &imap.AppendOptions{Flags: []imap.Flag{"a\r\n"}}}})),
		"NUL in URL":  errOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL("/a\x00")}, nil)),
		"section":     errOf(c.FetchOne(ctx, 1, imap.FetchBinarySize(0))),
	} {
		require.Error(t, err, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
	for _, s := range []imap.Section{{Specifier: "X"}, {Part: []int{0}}} {
		_, err := imap.MessageURL("a", 1, 1, s)
		assert.Error(t, err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestAppendUnsupported(t *testing.T) {
	c := testkit.Offering(t, "", "C: $ SELECT INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	message := imap.LiteralString("x")
	for name, err := range map[string]error{
		"MULTIAPPEND": errOf(c.MultiAppend(ctx, "a", []imap.AppendMessage{text("a"), text("b")})),
		"CATENATE":    errOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL("/a/;UID=1")}, nil)),
		"REPLACE":     errOf(c.Replace(ctx, 1, "a", message, nil)),
		"BINARY":      errOf(c.FetchOne(ctx, 1, imap.FetchBinarySize(1))),
		"UTF8=ACCEPT": errOf(c.Append(ctx, "a", message, &imap.AppendOptions{UTF8: true})),
		"APPENDLIMIT": func() error { _, _, err := c.AppendLimit(ctx, "a"); return err }(),
	} {
		require.ErrorIs(t, err, errors.ErrUnsupported, name)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok)
		assert.Equal(t, name, missing.Name)
	}
	testkit.RequireNothingSent(t, c)
}

// TestAppendStreams sends the parts of each command from readers, piece by piece.
func TestAppendStreams(t *testing.T) {
	const size = 300_000
	data := bytes.Repeat([]byte("0123456789abcd\r\n"), size/16)
	body := strings.ReplaceAll(strings.TrimSuffix(string(data), "\r\n"), "\r\n", "\nC: ")
	c := testkit.Offering(t, "LITERAL+ MULTIAPPEND CATENATE", "C: $ APPEND a {300000+}\nC: "+body+"\nC:  {300000+}\nC: "+body+"\nC: \nS: $ OK done\n"+
		"C: $ APPEND a CATENATE (TEXT {300000+}\nC: "+body+"\nC: )\nS: $ OK done\n")
	ctx := testkit.Context(t)
	literal := func() imap.Literal { return imap.Literal{R: bytes.NewReader(data), Size: size} }
	_, err := c.MultiAppend(ctx, "a", []imap.AppendMessage{{Message: literal()}, {Message: literal()}})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(literal())}, nil)
	require.NoError(t, err)
}

// TestAppendRefusedOnTheWay: a server that says NO while literals that nobody asked for arrive still reads to the end of
// the command.
func TestAppendRefusedOnTheWay(t *testing.T) {
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	const size = 1 << 20
	done := make(chan error, 1)
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] hello\r\n")
		head := make([]byte, len("A1 NOOP\r\nA2 APPEND INBOX {1048576+}\r\n"))
		io.ReadFull(far, head)
		io.WriteString(far, "A2 NO [OVERQUOTA] full\r\nA1 OK done\r\n")
		rest := make([]byte, size+len(" {5+}\r\nhello\r\nA3 NOOP\r\n"))
		_, err := io.ReadFull(far, rest)
		if err == nil && !bytes.HasSuffix(rest, []byte(" {5+}\r\nhello\r\nA3 NOOP\r\n")) {
			err = errors.New("the end of the command did not come")
		}
		io.WriteString(far, "A3 OK done\r\n")
		done <- err
	}()
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	p := c.Pipeline()
	answered := make(chan struct{})
	p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	slow := &gatedReader{size, answered}
	go func() {
		time.Sleep(50 * time.Millisecond) // who waits for A1 reads the NO while the literal is on its way
		close(answered)
	}()
	p.Go(func(c *imap.Client) error {
		_, err := c.MultiAppend(ctx, "INBOX", []imap.AppendMessage{{Message: imap.Literal{R: slow, Size: size}}, text("hello")})
		return err
	})
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(p.Wait()))
	require.NoError(t, c.Noop(ctx))
	require.NoError(t, <-done)
}

// gatedReader gives its second half when the gate is open.
type gatedReader struct {
	left int
	gate chan struct{}
}

func (r *gatedReader) Read(b []byte) (int, error) {
	if r.left <= 1<<19 {
		<-r.gate
	}
	n := min(len(b), r.left)
	r.left -= n
	return n, nil
}

var _ = live("APPENDLIMIT", func(t *testing.T, c *imap.Client, at place) {
	n, ok, err := c.AppendLimit(testkit.Context(t), "INBOX")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Greater(t, n, uint64(1<<20))
})

var _ = live("MULTIAPPEND", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	flagged := text(small + "2\r\n")
	flagged.Options = &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}, InternalDate: time.Unix(1e9, 0)}
	big := small + strings.Repeat("0123456789abcdef\r\n", 20000)
	res, err := c.MultiAppend(ctx, "INBOX", []imap.AppendMessage{text(small), flagged, {Message: imap.Literal{R: strings.NewReader(big), Size: int64(len(big))}}})
	require.NoError(t, err)
	require.Len(t, res, 3)
	assert.Equal(t, []imap.UID{1, 2, 3}, []imap.UID{res[0].UID, res[1].UID, res[2].UID})
	open(t, c, "INBOX")
	got := fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchInternalDate, imap.Section{})
	require.Len(t, got, 3)
	assert.Contains(t, got[1].Flags, imap.FlagFlagged)
	assert.True(t, got[1].InternalDate.Equal(time.Unix(1e9, 0)))
	assert.Equal(t, big, string(got[2].Section(imap.Section{})))
	_, err = c.MultiAppend(ctx, at.prefix+"none", []imap.AppendMessage{text(small), text(small)})
	assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
	require.NoError(t, c.Noop(ctx))
})

var _ = live("CATENATE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
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
})

var _ = live("REPLACE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	res, err := c.Replace(ctx, 1, "INBOX", imap.LiteralString(small+"new\r\n"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagDraft}})
	require.NoError(t, err)
	assert.EqualValues(t, 3, res.UID)
	res, err = c.ReplaceSeq(ctx, 1, "INBOX", imap.LiteralString(small+"newer\r\n"), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 4, res.UID)
	got := fetch(t, c, 1, 0, imap.Section{})
	require.Len(t, got, 2)
	assert.Equal(t, small+"newer\r\n", string(got[1].Section(imap.Section{})))
	assert.EqualValues(t, 2, c.Mailbox().Exists)
})

var _ = live("BINARY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	const head = "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: "
	deliver(t, c, head+"base64\r\n\r\nAAEC/w==\r\n")
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
})

var _ = transcript("utf8/accept.txt", func(t *testing.T, c *imap.Client) {
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
})

var _ = live("UTF8=ACCEPT", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	require.True(t, c.Enabled("UTF8=ACCEPT"))
	name := at.prefix + "Entwürfe & mehr"
	require.NoError(t, c.Create(ctx, name, nil))
	_, err = c.Append(ctx, name, imap.LiteralString(small), nil)
	require.NoError(t, err)
	got, err := c.List(ctx, "", at.prefix+"*", nil)
	require.NoError(t, err)
	names := make([]string, 0, len(got))
	for _, e := range got {
		names = append(names, e.Name)
	}
	assert.Contains(t, names, name)
	st, err := c.Status(ctx, name, imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(1)), st.Messages)
	mb, err := c.Select(ctx, name, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, mb.Exists)
	res, err := c.Search(ctx, imap.Where().Subject("smäll"), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})
