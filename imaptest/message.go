package imaptest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Message is a message to deliver, or one that Account.Messages returns. A message to deliver is either Raw, or built from
// the fields after it.
type Message struct {
	// Raw is the whole message as it is stored; its lines should end with CRLF.
	Raw []byte

	From, To, Cc string            // address lists, `Ada <ada@example.org>, bob@example.org`
	Subject      string            // in UTF-8
	Date         time.Time         // the Date field; zero: Received
	Header       map[string]string // further fields, "Message-ID" or "In-Reply-To"
	Text, HTML   string            // in UTF-8; with both the message is a multipart/alternative
	Attachments  []Attachment

	Flags    []string  // `\Seen`, "$Important"
	Received time.Time // the internal date; zero: now
	UID      uint32    // set by Account.Messages only
}

// Attachment is a file attached to a message.
type Attachment struct {
	Name string // file name, in UTF-8
	Type string // media type; "": application/octet-stream
	Data []byte
}

// Files returns the messages in the files that match a pattern of filepath.Glob, such as "testdata/*.eml", in the order of
// their names, with CRLF line endings. If no file matches, the test fails.
func Files(tb testing.TB, pattern string) []Message {
	fail := func(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
	if tb != nil {
		tb.Helper()
		fail = tb.Fatalf
	}
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		fail("imaptest: no files match %q (%v)", pattern, err)
	}
	var list []Message
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			fail("imaptest: %v", err)
		}
		list = append(list, Message{Raw: crlf(raw)})
	}
	return list
}

// crlf returns b with CRLF line endings.
func crlf(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// bytes returns the whole message.
func (m *Message) bytes(received time.Time) []byte {
	if m.Raw != nil {
		return m.Raw
	}
	date := m.Date
	if date.IsZero() {
		date = received
	}
	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("Date", date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	field("From", addresses(m.From))
	field("To", addresses(m.To))
	field("Cc", addresses(m.Cc))
	field("Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		field(oneLine(name), oneLine(m.Header[name]))
	}
	field("MIME-Version", "1.0")
	body := m.content()
	for _, name := range slices.Sorted(maps.Keys(body.header)) {
		field(name, body.header.Get(name))
	}
	b.WriteString("\r\n")
	b.Write(body.data)
	return b.Bytes()
}

// addresses returns an address list with encoded names; an invalid list is returned unchanged.
func addresses(list string) string {
	parsed, err := mail.ParseAddressList(list)
	if err != nil {
		return oneLine(list)
	}
	var out []string
	for _, a := range parsed {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// part is a MIME part.
type part struct {
	header textproto.MIMEHeader
	data   []byte
}

// content is the body of the message.
func (m *Message) content() part {
	body := text("plain", m.Text)
	switch {
	case m.HTML != "" && m.Text != "":
		body = multi("alternative", body, text("html", m.HTML))
	case m.HTML != "":
		body = text("html", m.HTML)
	}
	if len(m.Attachments) == 0 {
		return body
	}
	parts := []part{body}
	for _, a := range m.Attachments {
		parts = append(parts, a.part())
	}
	return multi("mixed", parts...)
}

func text(subtype, s string) part {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write(crlf([]byte(s)))
	w.Close()
	if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
		b.WriteString("\r\n")
	}
	return part{textproto.MIMEHeader{
		"Content-Type":              {"text/" + subtype + "; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	}, b.Bytes()}
}

func (a *Attachment) part() part {
	typ := a.Type
	if typ == "" {
		typ = "application/octet-stream"
	}
	var b bytes.Buffer
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(a.Data)), 76) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	return part{textproto.MIMEHeader{
		"Content-Type":              {oneLine(typ)},
		"Content-Disposition":       {mime.FormatMediaType("attachment", map[string]string{"filename": a.Name})},
		"Content-Transfer-Encoding": {"base64"},
	}, b.Bytes()}
}

// multi joins parts, with a boundary that none of them contains.
func multi(subtype string, parts ...part) part {
	boundary := "part"
	for slices.ContainsFunc(parts, func(p part) bool { return bytes.Contains(p.data, []byte(boundary)) }) {
		boundary += "."
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary + "end"); err != nil {
		panic(err) // the boundary is valid
	}
	for _, p := range parts {
		pw, _ := w.CreatePart(p.header) // writing to a Buffer does not fail
		pw.Write(p.data)
	}
	w.Close()
	return part{textproto.MIMEHeader{
		"Content-Type": {"multipart/" + subtype + `; boundary="` + boundary + `end"`},
	}, b.Bytes()}
}
