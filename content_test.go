package imap_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mimePart writes a part: its header fields, an empty line and its body.
func mimePart(header, body string) string {
	return strings.ReplaceAll(header, "\n", "\r\n") + "\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
}

// mimeMulti writes a multipart of parts.
func mimeMulti(subtype, params string, parts ...string) string {
	boundary := fmt.Sprintf("b%d%s", len(strings.Join(parts, "")), subtype)
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: multipart/%s; boundary=%s%s\r\n\r\n", subtype, boundary, params)
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\n%s\r\n", boundary, p)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.String()
}

var (
	plainPart  = mimePart("Content-Type: text/plain", "plain")
	htmlPart   = mimePart("Content-Type: text/html", "<p>html")
	footerPart = mimePart("Content-Type: text/plain", "footer")
	pdfPart    = mimePart("Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64", "aGVsbG8=")
	imagePart  = mimePart("Content-Type: image/png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64", "aGVsbG8=")
	notesPart  = mimePart("Content-Type: text/plain; name=notes.txt", "notes")
	patchPart  = mimePart("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.patch", "patch")
	mailPart   = mimePart("Content-Type: message/rfc822", "Subject: inner\nContent-Type: text/plain\n\ninner\n")
)

// contentCases are messages with the paths of what they hold.
var contentCases = []struct {
	name, message                   string
	text, html, attachments, inline string
}{
	{"a single part", plainPart, "1", "1", "", ""},
	{"HTML alone", htmlPart, "1", "1", "", ""},
	{"no header at all", "\r\nhello\r\n", "1", "1", "", ""},
	{"text of another kind", mimePart("Content-Type: text/enriched", "x"), "1", "1", "", ""},
	{"a single file", pdfPart, "", "", "1", ""},
	{"a text that is a file", patchPart, "", "", "1", ""},
	{"a single image", imagePart, "", "", "1", ""},
	{"both forms", mimeMulti("alternative", "", plainPart, htmlPart), "1", "2", "", ""},
	{"both forms, in the other order", mimeMulti("alternative", "", htmlPart, plainPart), "2", "1", "", ""},
	{"one form alone", mimeMulti("alternative", "", htmlPart), "1", "1", "", ""},
	{"a file", mimeMulti("mixed", "", plainPart, pdfPart), "1", "1", "2", ""},
	{"a file in front", mimeMulti("mixed", "", pdfPart, plainPart), "2", "2", "1", ""},
	{"text around a file", mimeMulti("mixed", "", plainPart, pdfPart, footerPart), "1 3", "1 3", "2", ""},
	{"both forms, a file and a footer", mimeMulti("mixed", "", mimeMulti("alternative", "", plainPart, htmlPart), pdfPart, footerPart), "1.1 3", "1.2 3", "2", ""},
	{"a text with a name", mimeMulti("mixed", "", plainPart, notesPart), "1", "1", "2", ""},
	{"a text with a name comes first", mimeMulti("mixed", "", notesPart, pdfPart), "1", "1", "2", ""},
	{"an attached patch", mimeMulti("mixed", "", plainPart, patchPart), "1", "1", "2", ""},
	{"an image in HTML", mimeMulti("related", "", htmlPart, imagePart), "1", "1", "", "2"},
	{"both forms and an image", mimeMulti("alternative", "", plainPart, mimeMulti("related", "", htmlPart, imagePart)), "1", "2.1", "", "2.2"},
	{"images of both forms", mimeMulti("related", "", mimeMulti("alternative", "", plainPart, htmlPart), imagePart), "1.1", "1.2", "", "2"},
	{"a root that is not the first", mimeMulti("related", "; start=\"<root>\"", imagePart, mimePart("Content-Type: text/html\nContent-ID: <root>", "x")), "2", "2", "", "1"},
	{"a start that does not exist", mimeMulti("related", "; start=\"<none>\"", htmlPart, imagePart), "1", "1", "", "2"},
	{"files in the HTML form, by Apple Mail", mimeMulti("alternative", "", plainPart, mimeMulti("mixed", "", htmlPart, pdfPart, htmlPart)), "1", "2.1 2.3", "2.2", ""},
	{"an invitation", mimeMulti("alternative", "", plainPart, htmlPart, mimePart("Content-Type: text/calendar; method=REQUEST", "BEGIN:VCALENDAR")), "1", "2", "3", ""},
	{"signed", mimeMulti("signed", "; protocol=\"application/pgp-signature\"", plainPart, mimePart("Content-Type: application/pgp-signature", "x")), "1", "1", "2", ""},
	{"signed, with a file", mimeMulti("signed", "", mimeMulti("mixed", "", plainPart, pdfPart), mimePart("Content-Type: application/pkcs7-signature; name=smime.p7s", "x")), "1.1", "1.1", "1.2 2", ""},
	{"encrypted", mimeMulti("encrypted", "", mimePart("Content-Type: application/pgp-encrypted", "Version: 1"), mimePart("Content-Type: application/octet-stream", "x")), "", "", "1 2", ""},
	{"a report", mimeMulti("report", "; report-type=delivery-status", plainPart, mimePart("Content-Type: message/delivery-status", "Status: 5.1.1\n"), mimePart("Content-Type: text/rfc822-headers", "Subject: x\n")), "1", "1", "2 3", ""},
	{"forwarded", mimeMulti("mixed", "", plainPart, mailPart), "1", "1", "2", ""},
	{"a digest", mimeMulti("mixed", "", plainPart, mimeMulti("digest", "", mimePart("Content-Type: message/rfc822", "Subject: a\n\na\n"), mimePart("Content-Type: message/rfc822", "Subject: b\n\nb\n"))), "1", "1", "2.1 2.2", ""},
	{"an image shown in between", mimeMulti("mixed", "", plainPart, mimePart("Content-Type: image/png; name=a.png\nContent-Disposition: inline; filename=a.png", "x"), plainPart), "1 3", "1 3", "2", ""},
	{"an image shown in between, with an identifier", mimeMulti("mixed", "", htmlPart, mimePart("Content-Type: image/png\nContent-ID: <a>\nContent-Disposition: inline", "x")), "1", "1", "", "2"},
	{"an image marked as a file", mimeMulti("related", "", htmlPart, mimePart("Content-Type: image/png\nContent-ID: <a>\nContent-Disposition: attachment", "x")), "1", "1", "2", ""},
	{"alternatives in alternatives", mimeMulti("alternative", "", mimeMulti("alternative", "", plainPart, htmlPart), htmlPart), "1.1", "1.2 2", "", ""},
}

// TestContent finds the text and the files of a message in its structure.
func TestContent(t *testing.T) {
	c, _ := inMemory(t)
	for i, tt := range contentCases {
		t.Run(tt.name, func(t *testing.T) {
			b := structureOf(t, c, tt.message)
			assert.Equal(t, tt.text, paths(b.TextParts()), "text")
			assert.Equal(t, tt.html, paths(b.HTMLParts()), "HTML")
			assert.Equal(t, tt.attachments, paths(b.Attachments()), "attachments")
			assert.Equal(t, tt.inline, paths(b.Inline()), "inline")
			if i == 0 {
				assert.Nil(t, (*imap.BodyStructure)(nil).TextParts())
				assert.Nil(t, (*imap.BodyStructure)(nil).Attachments())
				assert.Empty(t, (*imap.BodyStructure)(nil).MediaType())
			}
		})
	}
}

// structureOf stores a message and fetches its structure.
func structureOf(t *testing.T, c *imap.Client, message string) *imap.BodyStructure {
	t.Helper()
	deliver(t, c, message)
	got := fetch(t, c, 0, 0, imap.FetchBodyStructure)
	require.Len(t, got, 1)
	require.NotNil(t, got[0].BodyStructure)
	return got[0].BodyStructure
}

// paths writes the paths of parts, "1 2.1".
func paths(parts []*imap.BodyStructure) string {
	var all []string
	for _, p := range parts {
		all = append(all, strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Part), " ", "."), "[]"))
	}
	return strings.Join(all, " ")
}

// TestContentOfForwarded has the text of a message that is attached.
func TestContentOfForwarded(t *testing.T) {
	c, _ := inMemory(t)
	inner := "Subject: inner\r\n" + mimeMulti("mixed", "", plainPart, pdfPart)
	b := structureOf(t, c, mimeMulti("mixed", "", plainPart, "Content-Type: message/rfc822\r\n\r\n"+inner))
	forwarded := b.Attachments()
	require.Len(t, forwarded, 1)
	require.NotNil(t, forwarded[0].Envelope)
	assert.Equal(t, "inner", forwarded[0].Envelope.Subject)
	assert.Equal(t, "2.1", paths(forwarded[0].TextParts()))
	assert.Equal(t, "2.2", paths(forwarded[0].Attachments()))
	single := structureOf(t, c, mailPart)
	assert.Equal(t, "1.1", paths(single.TextParts()), "a message that consists of another")
}

func TestPartValues(t *testing.T) {
	c, _ := inMemory(t)
	b := structureOf(t, c, mimePart("Content-Type: TEXT/Plain; charset=\" UTF-8\"\nContent-ID: <a@b>\nContent-Transfer-Encoding: Base64", "aGVsbG8="))
	assert.Equal(t, "text/plain", b.MediaType())
	assert.Equal(t, "UTF-8", b.Charset())
	assert.Equal(t, "a@b", b.ContentID())
	assert.Equal(t, imap.Section{Part: []int{1}}, b.Section())
}

// TestDecodedSize compares the size with what is decoded.
func TestDecodedSize(t *testing.T) {
	for n := range 400 {
		data := bytes.Repeat([]byte{'x'}, n)
		lines := base64.StdEncoding.EncodeToString(data)
		var b strings.Builder
		for len(lines) > 76 {
			b.WriteString(lines[:76] + "\r\n")
			lines = lines[76:]
		}
		for _, end := range []string{"", "\r\n"} {
			part := &imap.BodyStructure{Encoding: "base64", Size: int64(b.Len() + len(lines) + len(end))}
			got, _ := part.DecodedSize()
			if n == 0 && end != "" {
				continue // an empty line
			}
			assert.GreaterOrEqual(t, got, int64(n), n)
			assert.LessOrEqual(t, got, int64(n)+2, n)
		}
	}
	for _, tt := range []struct {
		encoding string
		want     int64
		exact    bool
	}{{"7bit", 99, true}, {"8BIT", 99, true}, {"", 99, true}, {"quoted-printable", 99, false}, {"x-other", 99, false}} {
		got, exact := (&imap.BodyStructure{Encoding: tt.encoding, Size: 99}).DecodedSize()
		assert.Equal(t, tt.want, got, tt.encoding)
		assert.Equal(t, tt.exact, exact, tt.encoding)
	}
}

// TestDecode decodes parts in memory.
func TestDecode(t *testing.T) {
	for _, tt := range []struct{ encoding, charset, in, want string }{
		{"quoted-printable", "iso-8859-1", "caf=E9", "café"},
		{"quoted-printable", "utf-8", "caf=C3=A9", "café"},
		{"quoted-printable", "utf-8", "caf=E9", "café"},
		{"quoted-printable", "", "caf=C3=A9 caf=E9", "café café"},
		{"8bit", "us-ascii", "caf\xc3\xa9", "café"},
		{"8bit", "x-what", "caf\xc3\xa9", "café"},
		{"8bit", "unknown-8bit", "caf\xc3\xa9", "café"},
		{"8bit", "ANSI_X3.4-1968", "caf\xc3\xa9", "café"},
		{"8bit", "'us-ascii';", "caf\xc3\xa9", "café"},
		{"8bit", "utf-8;", "caf\xe9", "café"},
		{"8bit", "x-utf-8", "caf\xe9", "café"},
		{"7bit", "iso-2022-jp", "\x1b$B$3$s\x1b(B", "こん"},
		{"base64", "gb2312", "xOO6ww==", "你好"},
		{"base64", "utf-16le", "YQDpAA==", "aé"},
		{"base64", "", "", ""},
		{"x-uuencode", "iso-8859-1", "begin 644 a.txt\r\n$8V%FZ0``\r\n`\r\nend\r\n", "café"},
	} {
		part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: tt.encoding, Params: []imap.Param{{Name: "charset", Value: tt.charset}}}
		got, err := io.ReadAll(part.DecodeText(strings.NewReader(tt.in)))
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(got), "%s %s", tt.encoding, tt.charset)
	}
	part := &imap.BodyStructure{Encoding: "base64"}
	got, err := io.ReadAll(part.Decode(strings.NewReader("aGVsb")))
	assert.Equal(t, "hel", string(got))
	damage, ok := errors.AsType[*imap.DecodeError](err)
	require.True(t, ok, "%v", err)
	assert.EqualValues(t, 5, damage.Offset)
	assert.Equal(t, "imap: base64: damaged at byte 5: the last group has a single character", err.Error())
	var out bytes.Buffer
	n, err := part.Decode(strings.NewReader("aGVsb")).(io.WriterTo).WriteTo(&out)
	assert.EqualValues(t, 3, n)
	require.ErrorAs(t, err, &damage)
}

// TestDecodedBody decodes a part while it streams, where the server decodes it and where it does not.
func TestDecodedBody(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		want := strings.Repeat("0123456789abcdef\n", 20_000)
		lines := base64.StdEncoding.EncodeToString([]byte(want))
		var b strings.Builder
		for len(lines) > 76 {
			b.WriteString(lines[:76] + "\r\n")
			lines = lines[76:]
		}
		b.WriteString(lines)
		file := "Content-Type: application/x-log\r\nContent-Disposition: attachment; filename=\"=?utf-8?q?b=C3=BCcher?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b.String()
		structure := structureOf(t, c, "Subject: a file\r\nMIME-Version: 1.0\r\n"+mimeMulti("mixed", "", plainPart, file))
		part := structure.Attachments()[0]
		assert.Equal(t, "bücher", part.Filename())
		sections := []imap.Section{part.Section()}
		if c.Caps().Has("BINARY") {
			s := part.Section()
			s.Binary = true
			sections = append(sections, s)
		}
		for _, s := range sections {
			var out bytes.Buffer
			for m, err := range c.FetchStream(testkit.Context(t), imap.SeqRange(0, 0), s) {
				require.NoError(t, err)
				for body, err := range m.Bodies() {
					require.NoError(t, err)
					_, err = io.Copy(&out, body.Decoded(part))
					require.NoError(t, err)
				}
			}
			assert.True(t, want == out.String(), "binary: %v", s.Binary)
		}
	})
}

// textOf is the text of a message, with its media type in front.
// Servers differ in whether an
// empty line before a boundary belongs to the part.
func textOf(m *imap.MessageText) string { return m.MediaType + ": " + strings.TrimSpace(m.Text) }

// TestFetchText reads the text of messages of many kinds on every server.
func TestFetchText(t *testing.T) {
	messages := []struct{ name, message, want, html string }{
		{"plain", "Subject: a\r\n" + plainPart + "\r\n", "text/plain: plain", ""},
		{"both forms", mimeMulti("alternative", "", plainPart, htmlPart), "text/plain: plain", "text/html: <p>html"},
		{"HTML", htmlPart, "text/html: <p>html", "text/html: <p>html"},
		{"latin1", mimePart("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable", "caf=E9 =\nol=e9\n"), "text/plain: café olé", ""},
		{"base64", mimePart("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "Y2Fmw6kK\n"), "text/plain: café", ""},
		{"parts", mimeMulti("mixed", "", plainPart, pdfPart, footerPart), "text/plain: plain\nfooter", ""},
		{"a file alone", pdfPart, ": ", ""},
		{"forwarded", mimeMulti("mixed", "", plainPart, mailPart), "text/plain: plain", ""},
		{"empty", "Subject: nothing\r\nContent-Type: text/plain\r\n\r\n", "text/plain: ", ""},
	}
	everywhere(t, func(t *testing.T, c *imap.Client) {
		var all []string
		for _, m := range messages {
			all = append(all, "From: a@example.org\r\nMIME-Version: 1.0\r\n"+m.message)
		}
		deliver(t, c, all...)
		got, err := imap.Collect(c.FetchText(testkit.Context(t), imap.SeqRange(1, 0), &imap.TextOptions{Items: []imap.FetchItem{imap.FetchEnvelope}}))
		require.NoError(t, err)
		require.Len(t, got, len(messages))
		for i, m := range got {
			assert.Equal(t, messages[i].want, textOf(m), messages[i].name)
			assert.EqualValues(t, i+1, m.Message.UID)
			assert.Equal(t, "a", m.Message.Envelope.From[0].Mailbox)
			assert.False(t, m.Truncated)
		}
		for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 20), &imap.TextOptions{HTML: true}) {
			require.NoError(t, err)
			if want := messages[m.Message.UID-1].html; want != "" {
				assert.Equal(t, want, textOf(m))
			}
			_, err := c.Store(testkit.Context(t), imap.UIDs(m.Message.UID), imap.AddFlags(imap.FlagFlagged), nil)
			require.NoError(t, err, "a command inside the loop")
		}
		forwarded, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(8), &imap.TextOptions{Forwarded: true}))
		require.NoError(t, err)
		require.Len(t, forwarded, 1)
		assert.Equal(t, "text/plain: plain\ninner", textOf(forwarded[0]))
		unseen, err := c.Search(testkit.Context(t), imap.Where().Seen(), nil)
		require.NoError(t, err)
		assert.Empty(t, unseen.UIDs, "nothing is marked as seen")
	})
}

// TestFetchTextNothing has no messages to fetch.
func TestFetchTextNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		open(t, c, "INBOX")
		for _, set := range []imap.NumSet{imap.UIDs(), imap.UIDs(7), imap.UIDRange(1, 0), imap.SeqRange(1, 0), imap.Seqs(3), imap.UIDRange(5, 5000)} {
			got, err := imap.Collect(c.FetchText(testkit.Context(t), set, nil))
			require.NoError(t, err, "%v", set)
			assert.Empty(t, got, "%v", set)
		}
	})
}

// TestFetchTextBounded cuts long texts between two characters, whatever their encoding.
func TestFetchTextBounded(t *testing.T) {
	text := strings.Repeat("Grüße, 世界. ", 400)
	wrapped := func(s string) string {
		var b strings.Builder
		for len(s) > 76 {
			b.WriteString(s[:76] + "\r\n")
			s = s[76:]
		}
		return b.String() + s + "\r\n"
	}
	var qp strings.Builder
	for i, c := range []byte(text) {
		if fmt.Fprintf(&qp, "=%02X", c); i%20 == 19 {
			qp.WriteString("=\r\n")
		}
	}
	const head = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
	everywhere(t, func(t *testing.T, c *imap.Client) {
		deliver(t, c,
			head+"base64\r\n\r\n"+wrapped(base64.StdEncoding.EncodeToString([]byte(text))),
			head+"quoted-printable\r\n\r\n"+qp.String()+"\r\n",
			head+"8bit\r\n\r\n"+text+"\r\n")
		for max := 1; max < 60; max++ {
			for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 3), &imap.TextOptions{MaxBytes: max}) {
				require.NoError(t, err)
				assert.True(t, m.Truncated)
				assert.LessOrEqual(t, len(m.Text), max)
				assert.Greater(t, len(m.Text), max-4)
				require.True(t, utf8.ValidString(m.Text))
				require.True(t, strings.HasPrefix(text, m.Text), "%d: %q", max, m.Text)
			}
		}
		for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 3), nil) {
			require.NoError(t, err)
			assert.False(t, m.Truncated)
			assert.Equal(t, strings.TrimSpace(text), strings.TrimSpace(m.Text))
		}
	})
}

// TestFetchTextBatches costs as few commands as are needed: for messages of one kind, two for each hundred.
func TestFetchTextBatches(t *testing.T) {
	c, _ := inMemory(t)
	messages := make([]string, 250)
	for i := range messages {
		messages[i] = fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", i, i+1)
	}
	deliver(t, c, messages...)
	seen := 0
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 0), nil) {
		require.NoError(t, err)
		seen++
		require.Equal(t, fmt.Sprintf("%d\n", seen), m.Text)
	}
	require.Equal(t, 250, seen)
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 0), nil) {
		require.NoError(t, err)
		require.NotNil(t, m)
		break
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
}

// TestFetchTextCommands shows what is sent: structures, then the same sections of all messages that have the same.
func TestFetchTextCommands(t *testing.T) {
	const one = `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)`
	c := testkit.Offering(t, "BINARY", `
C: $ EXAMINE INBOX
S: * 4 EXISTS
S: $ OK [READ-ONLY] done
C: $ UID FETCH 1:4 (UID BODYSTRUCTURE)
S: * 1 FETCH (UID 1 BODYSTRUCTURE `+one+`)
S: * 2 FETCH (UID 2 BODYSTRUCTURE (`+one+`("TEXT" "HTML" NIL NIL NIL "7BIT" 5 1) "ALTERNATIVE"))
S: * 3 FETCH (UID 3 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "BASE64" 8 1))
S: * 4 FETCH (UID 4 BODYSTRUCTURE ("APPLICATION" "PDF" NIL NIL NIL "BASE64" 8))
S: $ OK done
C: $ UID FETCH 1:2 (UID BODY.PEEK[1]<0.262148>)
C: $ UID FETCH 3 (UID BINARY.PEEK[1]<0.262148>)
S: * 1 FETCH (UID 1 BODY[1]<0> "hello")
S: * 2 FETCH (UID 2 BODY[1]<0> "world")
S: $3 OK done
S: $4 NO [UNKNOWN-CTE] cannot decode
C: $ UID FETCH 3 (UID BODY.PEEK[1]<0.262152>)
S: * 3 FETCH (UID 3 BODY[1]<0> "Ynl0ZXMhx")
S: $ OK done
C: $ UID FETCH 1 (UID BODYSTRUCTURE)
S: * 1 FETCH (UID 1 BODYSTRUCTURE `+one+`)
S: $ OK done
C: $ UID FETCH 1 (UID BODY.PEEK[1]<0.262148>)
S: $ NO out of order
C: $ UID FETCH 2 (UID BODYSTRUCTURE)
S: * 2 FETCH (UID 2 BODYSTRUCTURE `+one+`)
S: $ OK done
C: $ UID FETCH 2 (UID BODY.PEEK[1]<0.262148>)
S: $ OK it has gone
`)
	_, err := c.Examine(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	var got []string
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 4), nil) {
		require.NotNil(t, m, "%v", err)
		if m.Message.UID == 3 {
			require.ErrorAs(t, err, new(*imap.DecodeError))
		} else {
			require.NoError(t, err)
		}
		got = append(got, textOf(m))
	}
	assert.Equal(t, []string{"text/plain: hello", "text/plain: world", "text/plain: bytes!", ": "}, got)
	_, err = imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(1), nil))
	require.ErrorContains(t, err, "out of order")
	none, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(2), nil))
	require.NoError(t, err)
	assert.Empty(t, none)
}

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

// FuzzHeaderValues reads header values of any kind: nothing panics, and nothing comes out that was not in.
func FuzzHeaderValues(f *testing.F) {
	for _, s := range []string{
		"", "Re: [list] Lunch (fwd)", "[Fwd: [x] y]", `"Lovelace, Ada" <ada@example.org>, b@c (d)`, "Team: a@b, c@d;", "<@a,@b:c@d>", `"\`, "(((", "=?utf-8?q?a?= <a@b>",
		"Re: Re[2]: Fwd : [a] [b]", "İİİ", "re\u0130: x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base := imap.BaseSubject(s)
		if len(base) > len(s) {
			t.Fatalf("%q became %q", s, base)
		}
		if again := imap.BaseSubject(base); len(again) > len(base) {
			t.Fatalf("%q became %q", base, again)
		}
		for _, a := range imap.ParseAddressList(s) {
			if a.Mailbox == "" && a.Host == "" || len(a.Mailbox)+len(a.Host) > len(s) {
				t.Fatalf("%q gave %+v", s, a)
			}
		}
		if l := imap.LiteralText([]byte(s)); l.Size < int64(len(s)) || l.Size > int64(2*len(s)+2) {
			t.Fatalf("%q has %d bytes", s, l.Size)
		}
		m := &imap.Message{UID: 1, Envelope: &imap.Envelope{Subject: s, MessageID: s, InReplyTo: s}}
		if _, err := imap.ThreadMessages[imap.UID]([]*imap.Message{m, m, m}, "REFERENCES"); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecodeText decodes parts of text: what comes out is UTF-8 whatever went in, and long input gives no more than its share.
func FuzzDecodeText(f *testing.F) {
	f.Add("base64", "utf-8", "aGVsbG8=")
	f.Add("quoted-printable", "iso-2022-jp", "=1B$B$3=1B(B")
	f.Add("8bit", "", "caf\xe9")
	f.Add("x-uuencode", "utf-7", "begin 644 a\n#86)C\nend\n")
	f.Fuzz(func(t *testing.T, encoding, charset, in string) {
		part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: encoding, Params: []imap.Param{{Name: "charset", Value: charset}}}
		var out strings.Builder
		buf := make([]byte, 7)
		r := part.DecodeText(strings.NewReader(in))
		for {
			n, err := r.Read(buf)
			out.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if !utf8.ValidString(out.String()) {
			t.Fatalf("%q in %s and %s gave %q", in, encoding, charset, out.String())
		}
		if out.Len() > 8*len(in)+64 {
			t.Fatalf("%d bytes of %d", out.Len(), len(in))
		}
	})
}
