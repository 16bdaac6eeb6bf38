package imaptest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var errUnknownEncoding = errors.New("unknown transfer encoding")

// decoded returns the body without its transfer encoding.
func (p *part) decoded() ([]byte, error) {
	switch strings.ToLower(p.get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
		return p.body, nil
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, p.body)
		out := make([]byte, base64.StdEncoding.DecodedLen(len(clean)))
		n, err := base64.StdEncoding.Decode(out, clean)
		return out[:n], err
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(bytes.NewReader(p.body)))
	}
	return nil, errUnknownEncoding
}

// text returns the body of a text part in UTF-8; text that cannot be
// decoded is returned unchanged.
func (p *part) text() string {
	data, err := p.decoded()
	if err != nil {
		data = p.body
	}
	switch strings.ToLower(p.param("CHARSET")) {
	case "iso-8859-1", "latin1":
		return latin1(data)
	}
	return string(data)
}

func latin1(data []byte) string {
	var b []byte
	for _, c := range data {
		b = utf8.AppendRune(b, rune(c))
	}
	return string(b)
}

// allText returns the texts of all parts, one after the other.
func (p *part) allText() string {
	switch {
	case p.message != nil:
		return decodeHeader(string(p.message.header)) + p.message.allText()
	case p.typ == "MULTIPART":
		var b strings.Builder
		for _, c := range p.children {
			b.WriteString(c.allText())
		}
		return b.String()
	case p.typ == "TEXT":
		return p.text()
	}
	return ""
}

// preview returns the beginning of the first text (RFC 8970). It returns "" for
// HTML and for unknown character sets.
func (p *part) preview() string {
	for p.typ == "MULTIPART" {
		p = p.children[0]
	}
	text := p.text()
	known := slices.Contains([]string{"", "us-ascii", "utf-8", "iso-8859-1", "latin1"}, strings.ToLower(p.param("CHARSET")))
	if p.typ != "TEXT" || p.subtype != "PLAIN" || !known || !utf8.ValidString(text) {
		return ""
	}
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return string(runes[:min(len(runes), 200)])
}

// decodeHeader decodes encoded words; invalid text is not changed.
func decodeHeader(s string) string {
	dec := mime.WordDecoder{}
	out, err := dec.DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}

// sent returns the date of the Date field.
func (p *part) sent() (time.Time, bool) {
	t, err := mail.ParseDate(p.get("Date"))
	return t, err == nil
}
