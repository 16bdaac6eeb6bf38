package content_test

import (
	"fmt"
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

// contentCases are messages with the paths of their parts.
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
	c, _ := testkit.InMemory(t)
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
	testkit.Deliver(t, c, message)
	got := testkit.Fetch(t, c, 0, 0, imap.FetchBodyStructure)
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
	c, _ := testkit.InMemory(t)
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
	c, _ := testkit.InMemory(t)
	b := structureOf(t, c, mimePart("Content-Type: TEXT/Plain; charset=\" UTF-8\"\nContent-ID: <a@b>\nContent-Transfer-Encoding: Base64", "aGVsbG8="))
	assert.Equal(t, "text/plain", b.MediaType())
	assert.Equal(t, "UTF-8", b.Charset())
	assert.Equal(t, "a@b", b.ContentID())
	assert.Equal(t, imap.Section{Part: []int{1}}, b.Section())
}
