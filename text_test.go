package imap_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetchedWith is what a client with options makes of the data of a message.
func fetchedWith(t *testing.T, opts *imap.Options, data string) *imap.Message {
	t.Helper()
	c := testkit.FollowWith(t, opts, "S: * PREAUTH [CAPABILITY IMAP4rev1] hello\nC: $ SELECT INBOX\nS: * 1 EXISTS\nS: $ OK done\n"+
		testkit.Answering("UID FETCH 1 (UID)", "* 1 FETCH (UID 1 "+data+")"))
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	m, err := c.FetchOne(testkit.Context(t), 1)
	require.NoError(t, err)
	return m
}

func literalOf(s string) string { return "{" + strconv.Itoa(len(s)) + "}\r\n" + s }

func TestEnvelopeRaw(t *testing.T) {
	env := fetchedWith(t, nil, `ENVELOPE ("Thur, 5 Feb 26 9:00" "=?utf-8?Q?=C3=BC?=" (("=?utf-8?Q?=C3=A4?=" NIL "a" "b")("plain" NIL "c" "d")) NIL ((NIL NIL "e" "f")) `+
		`((NIL NIL "group" NIL)("=?utf-8?Q?=C3=B6?=" NIL "g" "h")(NIL NIL NIL NIL)) NIL NIL NIL "<i@h>")`).Envelope
	assert.Equal(t, "ü", env.Subject)
	assert.Equal(t, []imap.Address{{Name: "ä", Mailbox: "a", Host: "b"}, {Name: "plain", Mailbox: "c", Host: "d"}}, env.From)
	assert.True(t, time.Date(2026, 2, 5, 9, 0, 0, 0, time.UTC).Equal(env.Date), "%v", env.Date)
	assert.Equal(t, "Thur, 5 Feb 26 9:00", env.DateText)
	assert.Equal(t, imap.RawEnvelope{Date: "Thur, 5 Feb 26 9:00", Subject: "=?utf-8?Q?=C3=BC?=", From: []string{"=?utf-8?Q?=C3=A4?=", "plain"}, ReplyTo: []string{""},
		To: []string{"", "=?utf-8?Q?=C3=B6?=", ""}}, env.Raw())

	env = fetchedWith(t, nil, `ENVELOPE ("soon" "plain" (("n" NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL)`).Envelope
	assert.True(t, env.Date.IsZero())
	assert.Equal(t, imap.RawEnvelope{Date: "soon", Subject: "plain", From: []string{"n"}}, env.Raw(), "where nothing was decoded")
	assert.Equal(t, imap.RawEnvelope{Subject: "s"}, (&imap.Envelope{Subject: "s"}).Raw(), "of an envelope that a program made")
}

// The bytes of a guess can be had again: from Raw, from Param.Value and Description, and from the guess.
func TestBytesSurvive(t *testing.T) {
	raw := "\x8f\x88\xcf\xc8\x81\x8d\x90\x9d.xlsx"
	env := fetchedWith(t, nil, `ENVELOPE (NIL `+literalOf(raw)+` ((`+literalOf(raw)+` NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL)`).Envelope
	assert.Equal(t, raw, env.Raw().Subject)
	assert.Equal(t, []string{raw}, env.Raw().From)
	assert.NotContains(t, env.Subject+env.From[0].Name, "\uFFFD")
	b := fetchedWith(t, nil, `BODYSTRUCTURE ("application" "x" ("name" `+literalOf(raw)+`) NIL `+literalOf(raw)+` "base64" 9 NIL ("attachment" ("filename" `+literalOf(raw)+`)))`).BodyStructure
	assert.Equal(t, []imap.Param{{Name: "name", Value: raw}}, b.Params)
	assert.Equal(t, []imap.Param{{Name: "filename", Value: raw}}, b.DispositionParams)
	assert.Equal(t, raw, b.Description)
	for _, text := range []string{b.Filename(), b.Param("name"), b.Param("NAME"), b.DispositionParam("FileName"), imap.DecodeText(b.Description)} {
		assert.Equal(t, "\u008fˆÏÈ\u0081\u008d\u0090\u009d.xlsx", text)
	}
}

func TestFallbackCharset(t *testing.T) {
	const data = "ENVELOPE (NIL \"\xc4\xe3\xba\xc3\" ((\"\xc4\xe3\" NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL NIL) " +
		"BODYSTRUCTURE (\"application\" \"x\" (\"name\" \"\xba\xc3\") NIL NIL \"base64\" 9 NIL (\"attachment\" (\"filename*\" \"''%C4%E3.txt\")))"
	m := fetchedWith(t, &imap.Options{FallbackCharset: "GB2312"}, data)
	assert.Equal(t, "你好", m.Envelope.Subject)
	assert.Equal(t, "你", m.Envelope.From[0].Name)
	assert.Equal(t, "你.txt", m.BodyStructure.Filename())
	assert.Equal(t, "好", m.BodyStructure.Param("name"))
	assert.Equal(t, "Äãº\u00c3", fetchedWith(t, nil, data).Envelope.Subject, "without it")

	near, far := imaptest.Pipe()
	defer far.Close()
	_, err := imap.NewClient(testkit.Context(t), near, &imap.Options{FallbackCharset: "secret-8"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "FallbackCharset")
	assert.NotContains(t, err.Error(), "secret")
	assert.True(t, imap.SafeToRetry(err), "nothing was sent")
	_, err = near.Write([]byte("x"))
	assert.Error(t, err, "the connection is closed")
}

// A subject, a name and a file name can be written into a log or a header.
func TestTextHoldsNoLineEnd(t *testing.T) {
	for _, in := range []string{"a\r\nBcc: b", "a\nb", "a\rb", "a\r\n b", "=?utf-8?Q?a=0D=0ABcc:_b?=", "a\x00b", "=?utf-8?B?DQo=?=", "a\u2028b\u0085c"} {
		m := fetchedWith(t, &imap.Options{Logger: slog.New(slog.DiscardHandler)}, "ENVELOPE (NIL "+literalOf(in)+" (("+literalOf(in)+` NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL) `+
			`BODYSTRUCTURE ("application" "x" NIL NIL NIL "base64" 9 NIL ("attachment" ("filename" `+literalOf(in)+`)))`)
		for _, text := range []string{m.Envelope.Subject, m.Envelope.From[0].Name, m.BodyStructure.Filename(), m.BodyStructure.SafeFilename()} {
			assert.False(t, strings.ContainsAny(text, "\r\n\x00\u2028\u0085"), "%q: %q", in, text)
		}
	}
}

func TestFilenameIsNoPath(t *testing.T) {
	for in, want := range map[string][3]string{
		`../../etc/passwd`:       {"passwd", "passwd.pdf", "../../etc/passwd"},
		`C:\Users\me\a.pdf`:      {"a.pdf", "a.pdf", `C:\Users\me\a.pdf`},
		`.profile`:               {".profile", "profile.pdf", ".profile"},
		`..`:                     {"", "attachment.pdf", ".."},
		`=?utf-8?Q?=2E=2E=2Fa?=`: {"a", "a.pdf", "../a"},
		`nul`:                    {"nul", "_nul.pdf", "nul"},
		`nul.txt`:                {"nul.txt", "_nul.txt", "nul.txt"},
	} {
		b := &imap.BodyStructure{Type: "application", Subtype: "pdf", DispositionParams: []imap.Param{{Name: "filename", Value: in}}}
		assert.Equal(t, want, [3]string{b.Filename(), b.SafeFilename(), b.DispositionParam("filename")}, in)
	}
	b := &imap.BodyStructure{Type: "image", Subtype: "png", DispositionParams: []imap.Param{{Name: "filename", Value: "dir/"}}, Params: []imap.Param{{Name: "name", Value: "a/b.png"}}}
	assert.Equal(t, "b.png", b.Filename(), "the name of the media type where the other is none")
}
