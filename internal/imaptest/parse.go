package imaptest

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// parser reads one command: a line together with its literals. After the
// first error every method returns a zero value, so that callers may check
// once, at the end.
type parser struct {
	b    []byte
	pos  int
	utf8 bool // quoted strings may hold UTF-8

	delimiter  byte    // of mailbox names on the wire; 0: "/", as in the store
	grammar    grammar // of the command, for arg
	maxNonSync int64   // size of the largest non-synchronizing literal; 0: any
	err        *reply
}

func (p *parser) fail(text string) {
	if p.err == nil {
		p.err = bad(text)
		p.pos = len(p.b)
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.b) {
		return p.b[p.pos]
	}
	return 0
}

func (p *parser) accept(c byte) bool {
	if p.pos < len(p.b) && p.b[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// acceptWord skips a word, ignoring case, if it is next and complete.
func (p *parser) acceptWord(word string) bool {
	end := p.pos + len(word)
	if end > len(p.b) || !strings.EqualFold(string(p.b[p.pos:end]), word) {
		return false
	}
	if end < len(p.b) && isAtomChar(p.b[end]) {
		return false
	}
	p.pos = end
	return true
}

func (p *parser) expect(c byte) {
	if !p.accept(c) {
		p.fail("Syntax error: expected " + strconv.QuoteRune(rune(c)))
	}
}

func (p *parser) sp() { p.expect(' ') }

// end fails unless everything has been read, and returns the first error.
func (p *parser) end() error {
	if p.err == nil && p.pos < len(p.b) {
		p.fail("Syntax error: unexpected text after the command")
	}
	if p.err != nil {
		return p.err
	}
	return nil
}

func isAtomChar(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune(`(){%*"\]`, rune(c))
}

// isAstringChar reports whether c may occur in an astring without quotation marks.
func isAstringChar(c byte) bool { return isAtomChar(c) || c == ']' }

// isAtom reports whether text can be written without quotation marks.
func isAtom(text string) bool {
	for i := 0; i < len(text); i++ {
		if !isAtomChar(text[i]) {
			return false
		}
	}
	return text != ""
}

// run reads bytes as long as ok holds; there must be at least one.
func (p *parser) run(what string, ok func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.b) && ok(p.b[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		p.fail("Syntax error: expected " + what)
		return ""
	}
	return string(p.b[start:p.pos])
}

func (p *parser) atom() string { return p.run("an atom", isAtomChar) }

// word parses an atom and returns it in upper case.
func (p *parser) word() string { return upper(p.atom()) }

// upper changes ASCII letters only, unlike strings.ToUpper.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func (p *parser) atStringStart() bool {
	return p.peek() == '"' || p.peek() == '{' || bytes.HasPrefix(p.b[p.pos:], []byte("~{"))
}

func (p *parser) astring() string {
	if p.atStringStart() {
		return p.str()
	}
	return p.run("a string", isAstringChar)
}

// str reads a quoted string or a literal.
func (p *parser) str() string {
	switch p.peek() {
	case '"':
		return p.quoted()
	case '{', '~':
		return string(p.literal())
	}
	p.fail("Syntax error: expected a string")
	return ""
}

func (p *parser) nstring() (string, bool) {
	if p.acceptWord("NIL") {
		return "", false
	}
	return p.str(), true
}

func (p *parser) quoted() string {
	p.expect('"')
	var b []byte
	for p.pos < len(p.b) {
		c := p.b[p.pos]
		p.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				p.fail("Syntax error: a quoted string is not valid UTF-8")
			}
			return string(b)
		case c == '\\':
			if c = p.peek(); c != '"' && c != '\\' {
				p.fail("Syntax error: bad escape in a quoted string")
				return ""
			}
			p.pos++
		case c == '\r' || c == '\n' || c == 0 || c >= 0x80 && !p.utf8:
			p.fail("Syntax error: bad octet in a quoted string")
			return ""
		}
		b = append(b, c)
	}
	p.fail("Syntax error: quoted string does not end")
	return ""
}

// literal reads {n}CRLF and n bytes. The reader of commands has checked
// already that they are there.
func (p *parser) literal() []byte {
	p.accept('~')
	rest := p.b[p.pos:]
	head, data, ok := bytes.Cut(rest, []byte("\r\n"))
	size, nonSync, isLit := literalSize(head)
	if !ok || !isLit || head[0] != '{' || size > int64(len(data)) {
		p.fail("Syntax error: bad literal")
		return nil
	}
	if nonSync && p.maxNonSync > 0 && size > p.maxNonSync {
		p.fail("A literal of this size has to be asked for")
		return nil
	}
	p.pos += len(head) + 2 + int(size)
	return data[:size]
}

// number reads an unsigned number of at most 63 bits.
func (p *parser) number() uint64 {
	s := p.run("a number", func(c byte) bool { return c >= '0' && c <= '9' })
	if p.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		p.fail("Syntax error: number too large")
	}
	return n
}

func (p *parser) number32() uint32 {
	n := p.number()
	if n > 1<<32-1 {
		p.fail("Syntax error: number too large")
		return 0
	}
	return uint32(n)
}

// list reads "(" item *(SP item) ")", which may be empty.
func (p *parser) list(item func()) {
	p.expect('(')
	if p.accept(')') {
		return
	}
	for p.err == nil {
		item()
		if p.accept(')') {
			return
		}
		p.sp()
	}
}

// words parses a parenthesized list of atoms and returns them in upper case.
func (p *parser) words() []string {
	var out []string
	p.list(func() { out = append(out, p.word()) })
	return out
}

// flag reads a flag or keyword.
func (p *parser) flag() string {
	if p.accept('\\') {
		return `\` + p.atom()
	}
	return p.atom()
}

func (p *parser) flagList() []string {
	flags := []string{}
	p.list(func() { flags = append(flags, p.flag()) })
	return flags
}

// mailbox reads a mailbox name and returns it in UTF-8.
func (p *parser) mailbox() string { return p.decodeName(p.astring()) }

func (p *parser) decodeName(s string) string {
	s = swap(s, p.delimiter)
	if p.utf8 {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			p.fail("Mailbox name is not valid UTF-8")
		}
		return canonical(s)
	}
	name, err := decodeUTF7(s)
	if err != nil || strings.ContainsFunc(name, unicode.IsControl) {
		p.fail("Mailbox name is not valid modified UTF-7")
	}
	return canonical(name)
}

// pattern reads a LIST pattern.
func (p *parser) pattern() string {
	if p.atStringStart() {
		return p.decodeName(p.str())
	}
	return p.decodeName(p.run("a pattern", func(c byte) bool {
		return isAtomChar(c) || c == ']' || c == '%' || c == '*'
	}))
}

const (
	dateLayout     = "2-Jan-2006"
	dateTimeLayout = "_2-Jan-2006 15:04:05 -0700"
)

// dateTime reads a quoted INTERNALDATE.
func (p *parser) dateTime() time.Time {
	t, err := time.Parse(dateTimeLayout, p.quoted())
	if err != nil {
		p.fail("Syntax error: bad date")
	}
	return t
}

// date reads a date of SEARCH, with or without quotation marks.
func (p *parser) date() time.Time {
	t, err := time.Parse(dateLayout, p.astring())
	if err != nil {
		p.fail("Syntax error: bad date")
	}
	return t
}

// numRange is n or n:m; 0 stands for "*".
type numRange struct{ lo, hi uint32 }

// numSet is a sequence set or, when saved is true, "$".
type numSet struct {
	ranges []numRange
	saved  bool
}

func (p *parser) seqNumber() uint32 {
	if p.accept('*') {
		return 0
	}
	n := p.number32()
	if n == 0 {
		p.fail("Syntax error: 0 is not a message number")
	}
	return n
}

func (p *parser) numSet() numSet {
	if p.accept('$') {
		return numSet{saved: true}
	}
	var set numSet
	for p.err == nil {
		r := numRange{lo: p.seqNumber()}
		r.hi = r.lo
		if p.accept(':') {
			r.hi = p.seqNumber()
		}
		set.ranges = append(set.ranges, r)
		if !p.accept(',') {
			break
		}
	}
	return set
}

// contains reports whether n is in the set when "*" means star.
func (set numSet) contains(n, star uint32) bool {
	for _, r := range set.ranges {
		lo, hi := r.lo, r.hi
		if lo == 0 {
			lo = star
		}
		if hi == 0 {
			hi = star
		}
		if lo > hi {
			lo, hi = hi, lo
		}
		if n >= lo && n <= hi {
			return true
		}
	}
	return false
}
