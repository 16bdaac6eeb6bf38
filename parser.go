package imap

import (
	"bytes"
	"math"
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/mimetext"
	"github.com/go-imaplib/imap/internal/wire"
)

// parser parses the values of one response. Its text is one logical response without the final CRLF; it contains small
// literals with their headers, while large ones are kept separately in lits. A parser never panics: malformed input is a
// *ProtocolError with the position.
type parser struct {
	text       []byte
	lits       []wire.LiteralData
	lit        int // index of the next literal in lits
	pos        int
	depth      int
	max        int // the deepest nesting allowed
	str        string
	names      *interner
	slabs      *slabs            // memory for values, or nil
	utf8       bool              // mailbox names are UTF-8
	decoder    *mimetext.Decoder // for header text; nil: the zero Decoder
	deviations *[]string         // tolerated deviations; nil if they are not logged

	commas         bool // commas separate values (Bigfoot's ID)
	plainBackslash bool // a backslash escapes nothing (QQ)
	quotesOnly     bool // in a structure of quoted strings: an atom that runs into a quote is the rest of a string
}

// pieces returns the slabs of the parser.
func (p *parser) pieces() *slabs {
	if p.slabs == nil {
		return &noSlabs
	}
	return p.slabs
}

// textDecoder returns the decoder for header text.
func (p *parser) textDecoder() mimetext.Decoder {
	if p.decoder == nil {
		return mimetext.Decoder{}
	}
	return *p.decoder
}

const (
	defaultDepth = 100
	// wholeString is the length of the longest text that is converted to one string, of which results are substrings. A
	// longer one would keep too much memory alive for a short value.
	wholeString = 8 << 10
)

// parserFor returns a parser of one response or a part of it, with default limits.
func parserFor(b []byte) *parser {
	return &parser{text: b, max: defaultDepth}
}

// errorf returns the error for the current position.
func (p *parser) errorf(reason string) *ProtocolError {
	return &ProtocolError{Offset: p.offset(), Excerpt: excerpt(p.text, p.pos), Reason: reason}
}

// errorAt is like errorf, for the given position.
func (p *parser) errorAt(pos int, reason string) *ProtocolError {
	now := p.pos
	p.pos = pos
	err := p.errorf(reason)
	p.pos = now
	return err
}

// offset returns the current position in the response as received, including literals that are kept separately.
func (p *parser) offset() int64 {
	n := int64(p.pos)
	for _, l := range p.lits {
		if l.At > p.pos {
			break
		}
		open := max(bytes.LastIndexByte(p.text[:l.At], '{'), 0)
		size, _ := wire.LiteralHeader(p.text[open:l.At])
		n += size
	}
	return n
}

// peek returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// atEnd reports whether only spaces are left.
func (p *parser) atEnd() bool {
	p.skipSpaces()
	return p.pos >= len(p.text)
}

// accept skips c if it is next, and reports whether it was.
func (p *parser) accept(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// skipSpaces skips blanks. Servers send several, tabs, or none where the grammar requires one (Domino, M365).
func (p *parser) skipSpaces() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

// reset sets the position to an earlier value of pos.
func (p *parser) reset(pos int) {
	p.pos = pos
	p.lit = 0
	for p.lit < len(p.lits) && p.lits[p.lit].At <= pos {
		p.lit++
	}
}

// enter opens a parenthesis; leave closes it. A nil error of enter means that leave or an error must follow.
func (p *parser) enter() error {
	if !p.accept('(') {
		return p.errorf("expected (")
	}
	if p.depth++; p.depth > p.max {
		return &LimitError{"MaxDepth", int64(p.max)}
	}
	p.skipSpaces()
	return nil
}

func (p *parser) leave() error {
	p.skipSpaces()
	if !p.accept(')') {
		return p.errorf("expected )")
	}
	p.depth--
	return nil
}

// isNil reports whether the next word is NIL, ignoring case, and skips it.
func (p *parser) isNil() bool {
	b := p.text[p.pos:]
	if len(b) < 3 || ascii.Upper(b[0]) != 'N' || !ascii.EqualFold(b[:3], "NIL") || len(b) > 3 && isAtomChar(b[3]) {
		return false
	}
	p.pos += 3
	return true
}

// number parses an unsigned decimal number. More than 64 bits are an error.
func (p *parser) number() (uint64, error) {
	start := p.pos
	var n uint64
	for p.pos < len(p.text) && ascii.IsDigit(p.text[p.pos]) {
		d := uint64(p.text[p.pos] - '0')
		if n > (math.MaxUint64-d)/10 {
			p.pos = start
			return 0, p.errorf("number too large")
		}
		n = n*10 + d
		p.pos++
	}
	if p.pos == start {
		return 0, p.errorf("expected a number")
	}
	return n, nil
}

// number32 parses a number of 32 bits.
func (p *parser) number32() (uint32, error) {
	start := p.pos
	n, err := p.number()
	if err == nil && n > math.MaxUint32 {
		p.pos = start
		return 0, p.errorf("number above 2^32-1")
	}
	return uint32(n), err
}

// isAtomChar reports whether c may occur in an atom. It allows more than the grammar: servers send %, *, ], and bytes above
// 127 in atoms (Gmail labels, Courier flags).
func isAtomChar(c byte) bool { return atomChars[c] }

var atomChars = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c != 0x7f && c != '(' && c != ')' && c != '{' && c != '"'
	}
	return t
}()

// word parses an atom, which may be empty.
func (p *parser) word() []byte {
	start := p.pos
	for p.pos < len(p.text) && atomChars[p.text[p.pos]] {
		p.pos++
	}
	return p.text[start:p.pos]
}

// between returns the text from i to j as a string; if the text is short, as a substring of the whole text.
func (p *parser) between(i, j int) string {
	if i == j {
		return ""
	}
	if len(p.text) > wholeString {
		return string(p.text[i:j])
	}
	if p.str == "" {
		p.str = string(p.text)
	}
	return p.str[i:j]
}

// nstring parses a quoted string, a literal, an atom or NIL. ok is false for NIL.
func (p *parser) nstring() (s string, ok bool, err error) {
	if p.plainNil() {
		return "", false, nil
	}
	if i, end := p.plainString(); end > 0 {
		p.pos = end
		return p.between(i, end-1), true, nil
	}
	b, i, kind, err := p.raw()
	switch {
	case err != nil || kind == kindNil:
		return "", false, err
	case i >= 0:
		return p.between(i, i+len(b)), true, nil
	}
	return string(b), true, nil
}

// strictNString is like nstring, but records an atom as a deviation.
func (p *parser) strictNString() (string, error) {
	if c := p.peek(); c != '"' && c != '{' && ascii.Upper(c) != 'N' {
		p.tolerate("atom for a string")
	}
	s, _, err := p.nstring()
	return s, err
}

// nbytes is like nstring, but returns bytes that the caller owns: a large literal is passed on, anything else is copied.
func (p *parser) nbytes() (data []byte, ok bool, err error) {
	b, i, kind, err := p.raw()
	switch {
	case err != nil || kind == kindNil:
		return nil, false, err
	case i < 0 && kind == kindLiteral:
		return b, true, nil
	case kind == kindAtom:
		p.tolerate("atom for a string")
	}
	return append(make([]byte, 0, len(b)), b...), true, nil
}

// skipCommas skips spaces, and commas between values (Bigfoot).
func (p *parser) skipCommas() {
	for p.skipSpaces(); p.accept(','); p.skipSpaces() {
		p.tolerate("comma between values")
	}
}

// astring parses a string in which NIL is an ordinary word, as in mailbox names.
func (p *parser) astring() (string, error) {
	start := p.pos
	s, ok, err := p.nstring()
	if err == nil && !ok {
		return p.between(start, p.pos), nil
	}
	return s, err
}

type valueKind int

const (
	kindNil valueKind = iota
	kindAtom
	kindQuoted
	kindLiteral
)

// raw parses one string value. Its bytes start at index i of the text; i is -1 if the text does not contain them
// unchanged (a quoted string with escapes, a separate literal).
func (p *parser) raw() (b []byte, i int, kind valueKind, err error) {
	switch c := p.peek(); c {
	case '"':
		b, i, err = p.quoted()
		return b, i, kindQuoted, err
	case '{', '~':
		if b, i, err = p.literal(); err != errNoLiteral {
			return b, i, kindLiteral, err
		}
	}
	if p.isNil() {
		return nil, -1, kindNil, nil
	}
	start := p.pos
	if b = p.word(); len(b) == 0 {
		return nil, -1, kindAtom, p.errorf("expected a string")
	}
	return b, start, kindAtom, nil
}

// quoted parses a quoted string. It accepts an unescaped byte if that is unambiguous; an unescaped quote ends the
// string only where a value can end (Courier and Exchange 2007 do not escape).
func (p *parser) quoted() ([]byte, int, error) {
	start, inside := p.pos+1, false
	for i := start; ; inside = true {
		j := bytes.IndexByte(p.text[i:], '"')
		if j < 0 {
			return nil, -1, p.errorf("quoted string without an end")
		}
		if k := bytes.IndexByte(p.text[i:i+j], '\\'); k >= 0 && !p.plainBackslash {
			return p.escaped(start, i+k)
		}
		i += j
		if p.endsValue(i + 1) {
			if inside {
				p.tolerate("quote inside a quoted string")
			}
			p.pos = i + 1
			return p.text[start:i], start, nil
		}
		i++
	}
}

// endsValue reports whether a value can end before index i.
func (p *parser) endsValue(i int) bool {
	if i >= len(p.text) {
		return true
	}
	switch p.text[i] {
	case ' ':
		return !p.runsIntoQuote(i)
	case ')', '(', '\t', '\r', '{', ']', ';':
		return true
	case ',':
		return p.commas
	case '"':
		// The last of several quotes ends the string, if a value can end after it (163 and an unnamed server do not escape);
		// otherwise the first one does, and the next string begins without a blank.
		j := i
		for j < len(p.text) && p.text[j] == '"' {
			j++
		}
		return j < len(p.text) && p.text[j] != ' ' && p.text[j] != ')'
	}
	// No later quote can be the end, so this one is.
	return bytes.IndexByte(p.text[i:], '"') < 0
}

// escaped parses the rest of a quoted string that has a backslash at index i.
func (p *parser) escaped(start, i int) ([]byte, int, error) {
	out := append(make([]byte, 0, i-start+32), p.text[start:i]...)
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c == '\\' && i+1 < len(p.text):
			// Only \" and \\ are escapes; any other backslash is taken literally.
			if n := p.text[i+1]; n != '"' && n != '\\' {
				p.tolerate("backslash that escapes nothing")
				out = append(out, c)
			}
			out = append(out, p.text[i+1])
			i += 2
		case c == '"' && p.endsValue(i+1):
			p.pos = i + 1
			return out, -1, nil
		default:
			if c == '"' {
				p.tolerate("quote inside a quoted string")
			}
			out = append(out, c)
			i++
		}
	}
	return nil, -1, p.errorf("quoted string without an end")
}

// errNoLiteral reports that { or ~ does not begin a literal header.
var errNoLiteral = &ProtocolError{Reason: "no literal"}

// literal parses {n}CRLF and n bytes, also ~{n} and {n+}.
func (p *parser) literal() ([]byte, int, error) {
	n, size := wire.LiteralHeader(p.text[p.pos:])
	if size == 0 {
		return nil, -1, errNoLiteral
	}
	at := p.pos + size
	for p.lit < len(p.lits) && p.lits[p.lit].At < at {
		p.lit++
	}
	if p.lit < len(p.lits) && p.lits[p.lit].At == at {
		p.pos = at
		p.lit++
		return p.lits[p.lit-1].Data, -1, nil
	}
	if n > int64(len(p.text)-at) {
		return nil, -1, p.errorf("literal longer than the response")
	}
	p.pos = at + int(n)
	return p.text[at:p.pos], at, nil
}

// skipValue skips one value of any kind: a list with its content, a string, a literal or an atom. The nesting of
// skipped data is not limited, because it costs nothing.
func (p *parser) skipValue() error {
	p.skipSpaces()
	for depth := 0; ; p.skipSpaces() {
		switch p.peek() {
		case '(':
			p.pos++
			depth++
		case ')':
			if depth == 0 {
				return p.errorf("expected a value")
			}
			p.pos++
			depth--
		default:
			if err := p.skipString(); err != nil {
				return err
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

// skipString skips an atom, a quoted string or a literal; BODY[…] with strings in its brackets counts as an atom.
func (p *parser) skipString() error {
	if _, _, _, err := p.raw(); err != nil {
		return err
	}
	return nil
}

// flagList parses a parenthesized list of flags. Some servers omit the parentheses of a single flag, or send NIL.
// Invalid flags are left out; the error is that of the first one.
func (p *parser) flagList() ([]Flag, error) {
	p.skipSpaces()
	if p.isNil() {
		p.tolerate("NIL for a list of flags")
		return nil, nil
	}
	if p.peek() != '(' {
		p.tolerate("flag without parentheses")
		f, err := p.flag()
		if err != nil {
			return nil, err
		}
		return []Flag{f}, nil
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	if p.peek() == ')' {
		return []Flag{}, p.leave()
	}
	slab := &p.pieces().flags
	flags := slab.tail()
	var bad error
	open := false // a list among the flags has no end
	for p.peek() != ')' {
		start := p.pos
		f, err := p.flag()
		if err == nil && len(flags) >= maxListed {
			slab.drop(flags)
			return nil, p.errorf("too many flags")
		}
		if err != nil || !p.endsFlag() {
			again := open
			if open = !p.skipFlag(start) || open; p.pos >= len(p.text) || again && p.text[start] == '(' {
				slab.drop(flags)
				return nil, p.errorf("expected ) after flags")
			}
			if bad == nil {
				bad = p.errorAt(start, "expected a flag")
			}
			continue
		}
		if p.skipSpaces(); f == "" {
			if len(flags) > 0 || p.peek() != ')' {
				p.tolerate("NIL for a flag") // sent by an unnamed server among flags
				continue
			}
			f = "NIL" // alone it is a keyword
		}
		flags = append(flags, f)
	}
	if err := p.leave(); err != nil {
		return nil, err
	}
	return slab.keep(flags), bad
}

// endsFlag reports whether the next byte can follow a flag.
func (p *parser) endsFlag() bool {
	switch p.peek() {
	case ' ', ')', '\t', 0:
		return true
	}
	return p.pos > 0 && p.text[p.pos-1] == '"' // adjacent strings without a blank
}

// skipFlag skips an element that is not a flag. It returns false for a list without an end: searching for the end reads the
// rest of the text, so the caller must not do that often.
func (p *parser) skipFlag(start int) bool {
	p.pos = start
	list := p.peek() == '('
	if list && p.skipValue() == nil {
		p.skipSpaces()
		return true
	}
	p.pos = start
	for p.pos < len(p.text) && p.text[p.pos] != ' ' && p.text[p.pos] != ')' {
		p.pos++
	}
	p.skipSpaces()
	return !list
}

// maxListed bounds the elements of lists whose elements are larger in memory than on the wire.
const maxListed = 1 << 16

var space = []byte{' '}

func (p *parser) flag() (Flag, error) {
	b, i, kind, err := p.raw()
	if err != nil {
		return "", err
	}
	if kind == kindNil {
		return "", nil
	}
	if p.deviations != nil {
		p.tolerateFlag(b, kind)
	}
	if f, ok := systemFlag(b); ok {
		return f, nil
	}
	if i < 0 {
		return Flag(b), nil
	}
	return Flag(p.names.intern(b)), nil
}

// quoteOpen reports whether a quoted string is open at the end of line, by the rules of the parser. inside reports
// whether one is open at its beginning.
func quoteOpen(line []byte, inside bool) bool {
	p := parser{text: line}
	if inside {
		p.pos = -1 // the position of the opening quote, before the line
	}
	for {
		if !inside {
			i := bytes.IndexByte(line[p.pos:], '"')
			if i < 0 {
				return false
			}
			p.pos += i
		}
		inside = false
		if _, _, err := p.quoted(); err != nil {
			return true
		}
	}
}

// Deviations from the grammar are never tolerated silently: each is logged as a record "tolerated" at level Debug, after the
// response that has it. Without a log they are not collected.

// tolerate records a deviation. what is a constant, and never contains text of the server.
func (p *parser) tolerate(what string) {
	if p.deviations != nil && !slices.Contains(*p.deviations, what) {
		*p.deviations = append(*p.deviations, what)
	}
}

// lexical records violations of the grammar between the values of a response, which parsers skip. It runs only if there is a
// log.
func (r *response) lexical(utf8 bool) {
	if r.deviations == nil {
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

// lexicalStatus checks a status up to its text, which may be anything.
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

// tolerateFlag checks a flag: servers send strings, bytes that are not allowed in atoms (Gmail), and \* where it has no
// meaning (GreenMail).
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

// codeNumbers are the codes with a number above 0, by its size in bits.
var codeNumbers = map[Code]int{"UIDVALIDITY": 32, "UIDNEXT": 32, "UNSEEN": 32, "HIGHESTMODSEQ": 63}

// codesAlone are codes without arguments.
var codesAlone = map[Code]bool{"ALERT": true, "CLOSED": true, "PARSE": true, "READ-ONLY": true, "READ-WRITE": true, "TRYCREATE": true,
	"NOMODSEQ": true, "UIDNOTSTICKY": true}

// lexicalData checks data for spaces in wrong places, and for bytes that are not allowed outside of strings.
func (r *response) lexicalData(utf8 bool) {
	for r.pos < len(r.text) {
		c, before := r.text[r.pos], byte(' ')
		if r.pos > 0 {
			before = r.text[r.pos-1]
		}
		switch {
		case (before == '"' || before == ')') && c > ' ' && !bytes.ContainsRune(afterValue[before], rune(c)):
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
			r.tolerate("bytes above 127 outside of a literal")
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

// afterValue are the bytes, other than blanks, that may follow a quote or a parenthesis at the end of a value.
var afterValue = map[byte][]byte{'"': []byte(")"), ')': []byte(")(]")}

// lexicalQuoted skips a quoted string. It returns false if the string has no end.
func (r *response) lexicalQuoted(utf8 bool) bool {
	b, _, err := r.quoted()
	if err == nil && !utf8 && !isSevenBit(b) {
		r.tolerate("bytes above 127 outside of a literal")
	}
	if err == nil && bytes.ContainsAny(b, "\x00\r\n") {
		r.tolerate("control character")
	}
	return err == nil
}

// lexicalLiteral skips a literal. It returns false if none exists.
func (r *response) lexicalLiteral() bool {
	_, size := wire.LiteralHeader(r.text[r.pos:])
	if size == 0 {
		return false
	}
	if header := r.text[r.pos : r.pos+size]; !isStrictLiteral(header) {
		r.tolerate("unusual literal header")
	}
	_, _, err := r.literal()
	return err == nil
}

// isStrictLiteral reports whether a literal header conforms to the grammar.
func isStrictLiteral(header []byte) bool {
	digits, ok := bytes.CutSuffix(header[1:], []byte("}\r\n"))
	return ok && len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0 && (digits[0] != '0' || len(digits) == 1)
}

func isSevenBit(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}

// ---- quoted strings of servers that do not escape what is in them

// runsIntoQuote reports whether the words after the blank at index i end with a quote, so that they are the rest of a quoted
// string in which quotes are not escaped: "a "b" c". No list of values has that, unless it lacks a blank behind NIL or a
// number.
func (p *parser) runsIntoQuote(i int) bool {
	if !p.quotesOnly || i+1 >= len(p.text) || p.text[i] != ' ' || p.text[i+1] == '"' || p.text[i+1] == '(' {
		return false
	}
	for first := true; ; first = false {
		for i < len(p.text) && p.text[i] == ' ' {
			i++
		}
		start := i
		for i < len(p.text) && atomChars[p.text[i]] {
			i++
		}
		switch word := p.text[start:i]; {
		case len(word) == 0, first && (ascii.IsDigit(word[0]) || ascii.EqualFold(word, "NIL")):
			return false
		case i == len(p.text) || p.text[i] != ' ':
			return i < len(p.text) && p.text[i] == '"'
		}
	}
}

// isLoneBackslash reports whether the next value is a backslash in quotes: the delimiter of a server that escapes nothing.
func (p *parser) isLoneBackslash() bool {
	rest := p.text[p.pos:]
	if len(rest) < 4 || string(rest[:3]) != `"\"` || rest[3] != ' ' && rest[3] != ')' {
		return false
	}
	p.tolerate("backslash that escapes nothing")
	return true
}

// hasLoneBackslash reports whether a value of the response is one: see isLoneBackslash.
func (p *parser) hasLoneBackslash() bool {
	return bytes.Contains(p.text, []byte(`"\" `)) || bytes.Contains(p.text, []byte(`"\")`))
}
