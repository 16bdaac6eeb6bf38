package imap

import (
	"bytes"
	"slices"

	"github.com/go-imaplib/imap/internal/wire"
)

// Nothing is repaired in silence: whatever a parser put up with is one record of the log at Debug, "tolerated", behind
// the response that had it. Where nobody reads the log nothing is collected.

// tolerate keeps what was put up with. what is a constant: it never holds text of the server.
func (p *parser) tolerate(what string) {
	if p.odd != nil && !slices.Contains(*p.odd, what) {
		*p.odd = append(*p.odd, what)
	}
}

// lexical looks for what the grammar forbids between the values of a response: parsers step over it without a look. It
// runs for the log alone.
func (r *response) lexical(utf8 bool) {
	if r.odd == nil {
		return
	}
	pos, lit, depth := r.pos, r.lit, r.depth
	r.pos, r.lit = 0, 0
	switch r.kind {
	case kindBlank:
		r.tolerate("empty line")
	case kindContinuation:
		if len(r.text) < 2 || r.text[1] != ' ' {
			r.tolerate("continuation without text")
		}
	case kindUntagged:
		if r.name == "" {
			r.tolerate("response without a name")
		}
		r.lexicalData(utf8)
	case kindStatus, kindTagged:
		r.lexicalStatus()
	}
	r.pos, r.lit, r.depth = pos, lit, depth
}

// lexicalStatus looks at a status: the text is free, the way to it is not.
func (r *response) lexicalStatus() {
	head := r.text
	if i := bytes.IndexByte(head, '['); i >= 0 {
		head = head[:i]
	}
	fields := bytes.Fields(head)
	if len(fields) >= 2 && !bytes.HasPrefix(head, bytes.Join(fields[:2], space)) {
		r.tolerate("more than one space")
	}
	if r.status.text == "" {
		r.tolerate("status without text")
	}
	if bits := codeNumbers[r.status.code]; bits > 0 && codeNumber(r.status.args, bits) == 0 {
		r.tolerate("code whose number is none")
	}
	if codesAlone[r.status.code] && r.status.args != "" {
		r.tolerate("code with arguments that it does not have")
	}
}

// tolerateFlag looks at a flag: servers give strings, octets that atoms cannot hold (Gmail), and \* where it says nothing
// (GreenMail).
func (p *parser) tolerateFlag(b []byte, kind valueKind) {
	switch keyword := bytes.TrimPrefix(b, []byte{'\\'}); {
	case kind != kindAtom:
		p.tolerate("flag as a string")
	case string(b) == `\*`:
		p.tolerate(`\* among the flags`)
	case bytes.ContainsAny(keyword, `]%*\\`):
		p.tolerate("flag that is no atom")
	}
}

// codeNumbers are the codes that hold a number above 0, with its bits.
var codeNumbers = map[Code]int{"UIDVALIDITY": 32, "UIDNEXT": 32, "UNSEEN": 32, "HIGHESTMODSEQ": 63}

// codesAlone are codes without arguments.
var codesAlone = map[Code]bool{"ALERT": true, "CLOSED": true, "PARSE": true, "READ-ONLY": true, "READ-WRITE": true, "TRYCREATE": true,
	"NOMODSEQ": true, "UIDNOTSTICKY": true}

// lexicalData looks at data: spaces where there is none, octets that have no place outside of strings.
func (r *response) lexicalData(utf8 bool) {
	for r.pos < len(r.text) {
		c, before := r.text[r.pos], byte(' ')
		if r.pos > 0 {
			before = r.text[r.pos-1]
		}
		switch {
		case (before == '"' || before == ')') && c > ' ' && !bytes.ContainsRune(behindValue[before], rune(c)):
			r.tolerate("no space between values")
		}
		switch {
		case c == ' ' && r.pos+1 == len(r.text):
			r.tolerate("space at the end of the line")
		case c == ' ' && before == ' ':
			r.tolerate("more than one space")
		case c == ' ' && before == '(', c == ')' && before == ' ':
			r.tolerate("space inside parentheses")
		case c == '\t':
			r.tolerate("tab")
		case c < ' ' || c == 0x7f:
			r.tolerate("control character")
		case c >= 0x80 && !utf8:
			r.tolerate("octets above 127 outside of a literal")
		case c == '"':
			if r.lexicalQuoted(utf8) {
				continue
			}
		case c == '{':
			if r.lexicalLiteral() {
				continue
			}
		}
		r.pos++
	}
}

// behindValue is what may stand behind a quote and a parenthesis that end a value, but blanks.
var behindValue = map[byte][]byte{'"': []byte(")"), ')': []byte(")(]")}

// lexicalQuoted steps over a quoted string; false where it has no end.
func (r *response) lexicalQuoted(utf8 bool) bool {
	b, _, err := r.quoted()
	if err == nil && !utf8 && !isSevenBit(b) {
		r.tolerate("octets above 127 outside of a literal")
	}
	if err == nil && bytes.ContainsAny(b, "\x00\r\n") {
		r.tolerate("control character")
	}
	return err == nil
}

// lexicalLiteral steps over a literal; false where there is none.
func (r *response) lexicalLiteral() bool {
	_, size := wire.LiteralHeader(r.text[r.pos:])
	if size == 0 {
		return false
	}
	if header := r.text[r.pos : r.pos+size]; !isStrictLiteral(header) {
		r.tolerate("odd literal header")
	}
	_, _, err := r.literal()
	return err == nil
}

// isStrictLiteral reports whether a literal header is as the grammar has it.
func isStrictLiteral(header []byte) bool {
	digits, ok := bytes.CutSuffix(header[1:], []byte("}\r\n"))
	return ok && len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0 && (digits[0] != '0' || len(digits) == 1)
}

func isSevenBit(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}
