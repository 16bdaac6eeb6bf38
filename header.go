package imap

import (
	"cmp"
	"strings"

	"github.com/go-imaplib/imap/internal/mimetext"
)

// unfold joins the lines of a header field (RFC 5322 section 2.2.3).
func unfold(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// ParseAddressList reads the value of a header field that holds addresses, such as From, Cc or Delivered-To, as it comes in a
// Section: names are decoded, comments left out, and the members of groups are in the list without their group. What is no
// address is left out, so that the list may be empty. Envelope has this done already for the fields that it has.
func ParseAddressList(value string) []Address {
	p := &addressParser{s: unfold(value)}
	for p.at < len(p.s) {
		p.step()
	}
	p.end()
	return p.list
}

// addressParser reads an address list (RFC 5322 section 3.4) as it is in real mail.
type addressParser struct {
	s       string
	at      int
	list    []Address
	words   []string // in front of an angle bracket, or the address itself
	comment string   // the last one
	angle   string   // what stood in angle brackets
}

// step reads one token.
func (p *addressParser) step() {
	switch c := p.s[p.at]; c {
	case ' ', '\t':
		p.at++
	case ',', ';':
		p.at++
		p.end()
	case ':':
		p.at++
		p.words = nil // the name of a group
	case '"':
		p.words = append(p.words, p.until('"'))
	case '(':
		p.comment = p.nested()
	case '<':
		p.angle = p.until('>')
	default:
		n := strings.IndexAny(p.s[p.at:], " \t,;:\"(<")
		if n < 0 {
			n = len(p.s) - p.at
		}
		p.word(p.s[p.at : p.at+n])
		p.at += n
	}
}

// word takes text without quotes. Around "@" and "." it belongs to the word before.
func (p *addressParser) word(w string) {
	const longest = 1000 // more than any address
	if n := len(p.words); n > 0 && len(p.words[n-1]) < longest {
		before := p.words[n-1]
		if w[0] == '@' || w[0] == '.' || strings.HasSuffix(before, "@") || strings.HasSuffix(before, ".") && strings.Contains(before+w, "@") {
			p.words[n-1] = before + w
			return
		}
	}
	p.words = append(p.words, w)
}

// until reads up to the closing character, with backslashes taken off.
func (p *addressParser) until(end byte) string {
	var b strings.Builder
	for p.at++; p.at < len(p.s); p.at++ {
		switch c := p.s[p.at]; {
		case c == end:
			p.at++
			return b.String()
		case c == '\\' && p.at+1 < len(p.s):
			p.at++
			b.WriteByte(p.s[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// nested reads a comment, in which there may be others.
func (p *addressParser) nested() string {
	start, depth := p.at+1, 0
	for ; p.at < len(p.s); p.at++ {
		switch p.s[p.at] {
		case '\\':
			p.at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.at++
				return p.s[start : p.at-1]
			}
		}
	}
	p.at = len(p.s)
	return p.s[min(start, len(p.s)):]
}

// end makes an address of what was read.
func (p *addressParser) end() {
	name, addr := strings.Join(p.words, " "), strings.TrimSpace(p.angle)
	if addr == "" && len(p.words) > 0 {
		name, addr = "", p.words[len(p.words)-1]
		if !strings.Contains(addr, "@") && len(p.words) > 1 {
			addr = strings.Join(p.words, " ")
		}
	}
	if strings.HasPrefix(addr, "@") { // a route
		if _, rest, ok := strings.Cut(addr, ":"); ok {
			addr = rest
		}
	}
	mailbox, host := addr, ""
	if i := strings.LastIndexByte(addr, '@'); i >= 0 {
		mailbox, host = addr[:i], addr[i+1:]
	}
	if mailbox != "" {
		name = cmp.Or(name, p.comment)
		p.list = append(p.list, Address{DecodeText(strings.TrimSpace(name)), mailbox, host})
	}
	p.words, p.comment, p.angle = nil, "", ""
}

// DecodeText decodes the text of a header field as Envelope has it: encoded words (RFC 2047), also broken ones, and bytes
// above 127. The result is valid UTF-8 without a line end. It is for fields that were fetched as they came, and for
// BodyStructure.Description.
func DecodeText(s string) string { return mimetext.Decoder{}.Text(s) }
