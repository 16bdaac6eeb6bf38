package imap_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
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
		{"7bit", "iso-2022-jp", "\x1b$B$3$s\x1b(B", "こん"},
		{"base64", "gb2312", "xOO6ww==", "你好"},
		{"base64", "utf-16le", "YQDpAA==", "aé"},
		{"base64", "", "", ""},
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
