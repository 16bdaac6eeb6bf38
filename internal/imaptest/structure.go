package imaptest

import (
	"bytes"
	"fmt"
	"strings"
)

// writer builds parenthesized data.
type writer struct {
	bytes.Buffer
	utf8      bool // quoted strings may hold UTF-8
	labelText func([]string) string
}

// str writes a string as quoted string or, if that cannot hold it, literal.
func (w *writer) str(s string) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '\r' || c == '\n' || c == 0 || c >= 0x80 && !w.utf8 {
			w.literal([]byte(s))
			return
		}
	}
	w.WriteString(quote(s))
}

func (w *writer) literal(b []byte) {
	fmt.Fprintf(w, "{%d}\r\n", len(b))
	w.Write(b)
}

// nstr writes NIL for an empty string.
func (w *writer) nstr(s string) {
	if s == "" {
		w.WriteString("NIL")
		return
	}
	w.str(s)
}

func (w *writer) sp() { w.WriteByte(' ') }

// params writes a list of attributes and values.
func (w *writer) params(list []param) {
	if len(list) == 0 {
		w.WriteString("NIL")
		return
	}
	for i, a := range list {
		w.WriteByte(" ("[b2i(i == 0)])
		w.str(a.name)
		w.sp()
		w.str(a.value)
	}
	w.WriteByte(')')
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bodyStructure writes BODY or, with the extension data, BODYSTRUCTURE.
func (w *writer) bodyStructure(p *part, extended bool) {
	w.WriteByte('(')
	if p.typ == "MULTIPART" {
		for _, c := range p.children {
			w.bodyStructure(c, extended)
		}
		w.sp()
		w.str(p.subtype)
		if extended {
			w.sp()
			w.params(p.params)
			w.extension(p)
		}
		w.WriteByte(')')
		return
	}
	w.str(p.typ)
	w.sp()
	w.str(p.subtype)
	w.sp()
	w.params(p.params)
	w.sp()
	w.nstr(p.get("Content-ID"))
	w.sp()
	w.nstr(p.get("Content-Description"))
	w.sp()
	encoding := upper(p.get("Content-Transfer-Encoding"))
	if encoding == "" {
		encoding = "7BIT"
	}
	w.str(encoding)
	fmt.Fprintf(w, " %d", len(p.body))
	lines := bytes.Count(p.body, []byte("\n"))
	if p.message != nil {
		w.sp()
		w.envelope(p.message)
		w.sp()
		w.bodyStructure(p.message, extended)
	}
	if p.message != nil || p.typ == "TEXT" {
		fmt.Fprintf(w, " %d", lines)
	}
	if extended {
		w.sp()
		w.nstr(p.get("Content-MD5"))
		w.extension(p)
	}
	w.WriteByte(')')
}

// extension writes disposition, language and location.
func (w *writer) extension(p *part) {
	w.sp()
	if f, found := p.field("Content-Disposition"); found {
		kind, params := parseParams(f.value())
		w.WriteByte('(')
		w.str(upper(kind))
		w.sp()
		w.params(params)
		w.WriteByte(')')
	} else {
		w.WriteString("NIL")
	}
	w.sp()
	if lang := p.get("Content-Language"); lang != "" {
		w.languages(lang)
	} else {
		w.WriteString("NIL")
	}
	w.sp()
	w.nstr(p.get("Content-Location"))
}

func (w *writer) languages(list string) {
	for i, l := range strings.Split(list, ",") {
		w.WriteByte(" ("[b2i(i == 0)])
		w.str(strings.TrimSpace(l))
	}
	w.WriteByte(')')
}

// envelope writes the ENVELOPE of a message.
func (w *writer) envelope(p *part) {
	w.WriteByte('(')
	w.nstr(p.get("Date"))
	w.sp()
	w.nstr(p.get("Subject"))
	from := parseAddresses(p.get("From"))
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		list := parseAddresses(p.get(name))
		if list == nil && (name == "Sender" || name == "Reply-To") {
			list = from
		}
		w.sp()
		w.addresses(list)
	}
	w.sp()
	w.nstr(p.get("In-Reply-To"))
	w.sp()
	w.nstr(p.get("Message-ID"))
	w.WriteByte(')')
}

func (w *writer) addresses(list []address) {
	if list == nil {
		w.WriteString("NIL")
		return
	}
	w.WriteByte('(')
	for _, a := range list {
		w.WriteByte('(')
		w.nstr(a.name)
		w.sp()
		w.nstr(a.route)
		w.sp()
		w.nstr(a.mailbox)
		w.sp()
		w.nstr(a.host)
		w.WriteByte(')')
	}
	w.WriteByte(')')
}

// address is an element of an ENVELOPE address list. The start of a group
// has only a mailbox, its end has no fields.
type address struct{ name, route, mailbox, host string }

// addressParser splits the value of an address field.
type addressParser struct {
	s       string
	words   []string
	comment string
	out     []address
}

func parseAddresses(s string) []address {
	p := &addressParser{s: s}
	for p.s != "" {
		c := p.s[0]
		switch c {
		case ' ', '\t':
			p.s = p.s[1:]
		case ',', ';', ':', '<', '(', '>':
			p.s = p.s[1:]
			p.special(c)
		case '"':
			var w string
			w, p.s = unquote(p.s)
			p.words = append(p.words, w)
		default:
			end := strings.IndexAny(p.s, " \t,;:<>()\"")
			if end < 0 {
				end = len(p.s)
			}
			p.words = append(p.words, p.s[:end])
			p.s = p.s[end:]
		}
	}
	p.finish()
	return p.out
}

func (p *addressParser) special(c byte) {
	switch c {
	case ',':
		p.finish()
	case ';':
		p.finish()
		p.out = append(p.out, address{})
	case ':':
		p.out = append(p.out, address{mailbox: strings.Join(p.words, " ")})
		p.words = nil
	case '<':
		spec, rest, _ := strings.Cut(p.s, ">")
		p.s = rest
		a := splitSpec(spec)
		a.name = strings.Join(p.words, " ")
		p.out = append(p.out, a)
		p.words, p.comment = nil, ""
	case '(':
		p.comment, p.s, _ = strings.Cut(p.s, ")")
	}
}

// finish ends an address without angle brackets.
func (p *addressParser) finish() {
	if len(p.words) > 0 {
		a := splitSpec(strings.Join(p.words, ""))
		a.name = p.comment
		p.out = append(p.out, a)
	}
	p.words, p.comment = nil, ""
}

// splitSpec splits [route ":"] mailbox "@" host.
func splitSpec(spec string) address {
	var a address
	if strings.HasPrefix(spec, "@") {
		if route, rest, found := strings.Cut(spec, ":"); found {
			a.route, spec = route, rest
		}
	}
	a.mailbox = spec
	if i := strings.LastIndexByte(spec, '@'); i >= 0 {
		a.mailbox, a.host = spec[:i], spec[i+1:]
	}
	if strings.HasPrefix(a.mailbox, `"`) {
		a.mailbox, _ = unquote(a.mailbox)
	}
	return a
}
