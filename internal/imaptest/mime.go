package imaptest

import (
	"bytes"
	"strings"
)

// maxDepth bounds the nesting of the parts that are parsed.
const maxDepth = 50

// field is a header field in its original form.
type field struct {
	name string
	raw  []byte // the whole field with its line end
}

// value returns the unfolded value.
func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	v = bytes.ReplaceAll(v, []byte("\r"), nil)
	v = bytes.ReplaceAll(v, []byte("\n"), nil)
	return strings.TrimSpace(string(v))
}

// param is an attribute of a Content-Type or Content-Disposition.
type param struct{ name, value string }

// part is a message or a body part. All slices point into the message.
type part struct {
	raw      []byte
	header   []byte // with the empty line at its end
	body     []byte
	fields   []field
	typ      string // upper case
	subtype  string // upper case
	params   []param
	children []*part // of a multipart
	message  *part   // of a message/rfc822
}

// structure parses the message once.
func (m *message) structure() *part {
	if m.root == nil {
		m.root = parsePart(m.raw, "TEXT/PLAIN", 0)
	}
	return m.root
}

func parsePart(raw []byte, defaultType string, depth int) *part {
	p := &part{raw: raw}
	p.header, p.body = splitHeader(raw)
	p.fields = parseFields(p.header)
	mediaType, params := "", []param(nil)
	if f, found := p.field("Content-Type"); found {
		mediaType, params = parseParams(f.value())
	}
	var valid bool
	p.typ, p.subtype, valid = strings.Cut(upper(mediaType), "/")
	p.params = params
	if !valid || p.typ == "" || p.subtype == "" {
		p.typ, p.subtype, _ = strings.Cut(defaultType, "/")
		p.params = nil
	}
	if depth < maxDepth {
		p.parseChildren(depth)
	}
	if p.typ == "MULTIPART" && len(p.children) == 0 {
		// A multipart must have a part; if it cannot be split, it is text.
		p.typ, p.subtype, p.params = "TEXT", "PLAIN", nil
	}
	if p.typ == "TEXT" && p.params == nil {
		p.params = []param{{"CHARSET", "US-ASCII"}}
	}
	return p
}

func (p *part) parseChildren(depth int) {
	switch {
	case p.typ == "MULTIPART":
		childType := "TEXT/PLAIN"
		if p.subtype == "DIGEST" {
			childType = "MESSAGE/RFC822"
		}
		for _, raw := range splitMultipart(p.body, p.param("BOUNDARY")) {
			p.children = append(p.children, parsePart(raw, childType, depth+1))
		}
	case p.isMessage():
		p.message = parsePart(p.body, "TEXT/PLAIN", depth+1)
	}
}

func (p *part) isMessage() bool {
	return p.typ == "MESSAGE" && (p.subtype == "RFC822" || p.subtype == "GLOBAL")
}

func (p *part) param(name string) string {
	for _, a := range p.params {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

func (p *part) field(name string) (field, bool) {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			return f, true
		}
	}
	return field{}, false
}

// get returns the unfolded value of the first field of that name, or "".
func (p *part) get(name string) string {
	f, found := p.field(name)
	if !found {
		return ""
	}
	return f.value()
}

// cutLine returns the first line with its line end, and the rest.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1], b[i+1:]
	}
	return b, nil
}

// splitHeader splits after the empty line.
func splitHeader(raw []byte) (header, body []byte) {
	rest := raw
	for len(rest) > 0 {
		var line []byte
		line, rest = cutLine(rest)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			n := len(raw) - len(rest)
			return raw[:n], raw[n:]
		}
	}
	return raw, nil
}

// parseFields splits a header; lines that are not fields are skipped.
func parseFields(header []byte) []field {
	var fields []field
	for len(header) > 0 {
		line, rest := cutLine(header)
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			var more []byte
			more, rest = cutLine(rest)
			line = line[:len(line)+len(more)]
		}
		if name, _, found := bytes.Cut(line, []byte(":")); found {
			fields = append(fields, field{strings.TrimSpace(string(name)), line})
		}
		header = rest
	}
	return fields
}

// splitMultipart returns the bytes of each part. The line end before a
// delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
func splitMultipart(body []byte, boundary string) [][]byte {
	if boundary == "" {
		return nil
	}
	var parts [][]byte
	start, pos := -1, 0
	for rest := body; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		at := pos
		pos += len(line)
		tail, found := bytes.CutPrefix(line, []byte("--"+boundary))
		if !found {
			continue
		}
		tail = bytes.TrimRight(tail, " \t\r\n")
		if len(tail) > 0 && string(tail) != "--" {
			continue
		}
		if start >= 0 {
			parts = append(parts, trimLineEnd(body[start:max(at, start)]))
		}
		start = pos
		if len(tail) > 0 {
			return parts
		}
	}
	if start >= 0 {
		parts = append(parts, body[start:])
	}
	return parts
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// parseParams splits "value; name=value; ...". Names become upper case.
func parseParams(s string) (string, []param) {
	value, rest, _ := strings.Cut(s, ";")
	var params []param
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "=")
		name = upper(strings.TrimSpace(name))
		rest = strings.TrimLeft(rest, " \t")
		var val string
		if strings.HasPrefix(rest, `"`) {
			val, rest = unquote(rest)
			_, rest, _ = strings.Cut(rest, ";")
		} else {
			val, rest, _ = strings.Cut(rest, ";")
			val = strings.TrimSpace(val)
		}
		if name != "" {
			params = append(params, param{name, val})
		}
	}
	return strings.TrimSpace(value), params
}

// unquote reads the quoted string at the start of s.
func unquote(s string) (value, rest string) {
	var b []byte
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return string(b), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b = append(b, s[i])
	}
	return string(b), ""
}

// section is the part of a message that BODY[...] names.
type section struct {
	path   []uint32
	spec   string // "", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME
	fields []string
}

// find returns the part at a path.
func (p *part) find(path []uint32) *part {
	for depth, n := range path {
		switch {
		case depth > 0 && p.message != nil:
			p = p.message
		case depth > 0 && p.typ != "MULTIPART":
			return nil
		}
		switch {
		case p.typ == "MULTIPART" && int64(n) <= int64(len(p.children)):
			p = p.children[n-1]
		case p.typ == "MULTIPART" || n != 1:
			return nil
		}
	}
	return p
}

// extract returns the bytes of a section; false means that the part does
// not exist.
func (p *part) extract(sec section) ([]byte, bool) {
	target := p.find(sec.path)
	if target == nil {
		return nil, false
	}
	if len(sec.path) > 0 && sec.spec != "" && sec.spec != "MIME" {
		if target = target.message; target == nil {
			return nil, false
		}
	}
	switch sec.spec {
	case "MIME":
		return target.header, true
	case "HEADER":
		return target.header, true
	case "TEXT":
		return target.body, true
	case "HEADER.FIELDS":
		return target.selectFields(sec.fields, true), true
	case "HEADER.FIELDS.NOT":
		return target.selectFields(sec.fields, false), true
	}
	if len(sec.path) == 0 {
		return target.raw, true
	}
	return target.body, true
}

// selectFields returns the named fields, or the others, and an empty line.
func (p *part) selectFields(names []string, want bool) []byte {
	var out []byte
	for _, f := range p.fields {
		if hasFlag(names, f.name) == want {
			out = append(out, f.raw...)
		}
	}
	return append(out, "\r\n"...)
}
