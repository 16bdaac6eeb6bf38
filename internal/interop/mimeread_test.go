package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"golang.org/x/text/encoding/ianaindex"
)

// facts are what is known of a message: a value by the place in the tree and the name of the field. "0" is the message,
// "0.1" the second part of it or of the message that it holds.
type facts map[string]string

// readMessage reads a message with net/mail, mime and mime/multipart alone, as far as they go. bodies are the bytes of
// the parts, by place.
func readMessage(raw []byte) (f facts, bodies map[string][]byte) {
	r := &messageReader{facts{}, map[string][]byte{}}
	header, body := splitMessage(raw)
	r.envelope("0", header)
	r.part("0", header, body, "text/plain")
	return r.facts, r.bodies
}

type messageReader struct {
	facts  facts
	bodies map[string][]byte
}

// splitMessage parts header and body at the empty line.
func splitMessage(raw []byte) (textproto.MIMEHeader, []byte) {
	head, body := raw, []byte(nil)
	if bytes.HasPrefix(raw, []byte("\r\n")) {
		return textproto.MIMEHeader{}, raw[2:]
	}
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		head, body = raw[:i+4], raw[i+4:]
	}
	if m, err := mail.ReadMessage(bytes.NewReader(head)); err == nil {
		return textproto.MIMEHeader(m.Header), body
	}
	// net/mail refuses the whole header for a line that it cannot read: leave such lines out.
	var kept []string
	for line := range strings.SplitSeq(string(head), "\r\n") {
		name, _, ok := strings.Cut(line, ":")
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(kept) > 0 || ok && name != "" && !strings.ContainsAny(name, " \t\ufeff") {
			kept = append(kept, line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(strings.Join(kept, "\r\n") + "\r\n\r\n"))
	if err != nil {
		return textproto.MIMEHeader{}, body
	}
	return textproto.MIMEHeader(m.Header), body
}

// part notes a part and all below it.
func (r *messageReader) part(at string, h textproto.MIMEHeader, body []byte, byDefault string) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		kind, params = byDefault, nil
	} else if err != nil && kind == "" {
		kind = "?"
	}
	r.set(at, "type", kind)
	boundary := params["boundary"]
	for name, value := range params {
		if kind != "?" {
			r.set(at, "param "+name, headerText(value))
		}
	}
	r.set(at, "id", h.Get("Content-Id"))
	r.set(at, "description", headerText(h.Get("Content-Description")))
	r.set(at, "location", h.Get("Content-Location"))
	r.set(at, "language", strings.ReplaceAll(h.Get("Content-Language"), " ", ""))
	disposition, dparams, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err == nil {
		r.set(at, "disposition", disposition)
	}
	filename := dparams["filename"]
	if filename == "" {
		filename = params["name"]
	}
	r.set(at, "filename", headerText(filename))
	r.bodies[at] = body
	if strings.HasPrefix(kind, "multipart/") {
		r.multipart(at, body, boundary, map[bool]string{true: "message/rfc822", false: "text/plain"}[kind == "multipart/digest"])
		return
	}
	encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	if encoding == "" {
		encoding = "7bit"
	}
	r.set(at, "encoding", encoding)
	r.set(at, "size", fmt.Sprint(len(body)))
	if strings.HasPrefix(kind, "text/") || kind == "message/rfc822" {
		r.set(at, "lines", fmt.Sprint(bytes.Count(body, []byte("\n"))))
	}
	if kind == "message/rfc822" {
		header, inner := splitMessage(body)
		r.envelope(at, header)
		r.part(at+".0", header, inner, "text/plain")
	}
}

func (r *messageReader) multipart(at string, body []byte, boundary, byDefault string) {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		p, err := parts.NextRawPart()
		if err != nil {
			return // the end, or a last part that is torn off
		}
		content, _ := io.ReadAll(p)
		r.part(fmt.Sprintf("%s.%d", at, n), p.Header, content, byDefault)
	}
}

func (r *messageReader) set(at, field, value string) {
	if value != "" {
		r.facts[at+" "+field] = value
	}
}

// namedZones are those of RFC 5322 section 4.3 and Japan's, which net/mail takes for UTC.
var namedZones = strings.NewReplacer(" EST", " -0500", " EDT", " -0400", " CST", " -0600", " CDT", " -0500", " MST", " -0700",
	" MDT", " -0600", " PST", " -0800", " PDT", " -0700", " JST", " +0900")

// envelope notes the fields of an envelope. A list of addresses that net/mail cannot read is not known: "?".
func (r *messageReader) envelope(at string, h textproto.MIMEHeader) {
	r.set(at, "subject", headerText(strings.TrimSpace(h.Get("Subject"))))
	r.set(at, "message-id", strings.TrimSpace(h.Get("Message-Id")))
	r.set(at, "in-reply-to", strings.TrimSpace(h.Get("In-Reply-To")))
	if date, err := mail.ParseDate(namedZones.Replace(h.Get("Date"))); err == nil {
		r.set(at, "date", date.UTC().Format(time.RFC3339))
	}
	for _, field := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		value := h.Get(field)
		if value == "" && (field == "Sender" || field == "Reply-To") {
			value = h.Get("From") // RFC 9051 section 7.5.2
		}
		r.set(at, strings.ToLower(field), addressText(value))
	}
}

func addressText(value string) string {
	if strings.TrimSpace(value) == "" {
		return ""
	}
	parser := mail.AddressParser{WordDecoder: wordDecoder}
	list, err := parser.ParseList(value)
	if err != nil {
		return "?"
	}
	var out []string
	for _, a := range list {
		out = append(out, fmt.Sprintf("%q <%s>", a.Name, a.Address))
	}
	return strings.Join(out, ", ")
}

var wordDecoder = &mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
	enc, err := ianaindex.MIME.Encoding(charset)
	if err != nil || enc == nil {
		return nil, fmt.Errorf("character set %q", charset)
	}
	return enc.NewDecoder().Reader(r), nil
}}

func headerText(s string) string {
	if text, err := wordDecoder.DecodeHeader(s); err == nil {
		return text
	}
	return s
}

// differences lists where two readings differ. What the first does not know is no difference, nor are folded white space,
// the case of a character set, and the character set that text has where its header names none.
func differences(want, got facts) []string {
	var out []string
	all := maps.Clone(want)
	maps.Copy(all, got)
	for key := range all {
		w, g := strings.Join(strings.Fields(want[key]), " "), strings.Join(strings.Fields(got[key]), " ")
		if strings.HasSuffix(key, " param charset") {
			w, g = strings.ToLower(w), strings.ToLower(g)
			if w == "" && g == "us-ascii" {
				continue
			}
		}
		if w != g && w != "?" {
			out = append(out, fmt.Sprintf("%s: %q, not %q", key, g, w))
		}
	}
	return out
}
