package imap

import (
	"bytes"

	"github.com/go-imaplib/imap/internal/datetime"
	"github.com/go-imaplib/imap/internal/mimetext"
)

// There are two parsers for the rows of a FETCH. The one in this file parses, in one pass, the simple forms that nearly all
// servers send in nearly every row. Everything else is left to the parsers of items.go, which accept the whole grammar and
// all tolerated deviations. Both give the same results (FuzzPlainRows). If deviations are logged, only the second is used.

// plainRow is the parser for simple rows. It is kept on the stack, where writing a pointer needs no write barrier.
type plainRow struct {
	text  []byte
	pos   int
	names *interner
	slabs *slabs
	row   fetched

	decoder *mimetext.Decoder // for header text; nil: the zero Decoder

	hasParts bool      // a BODYSTRUCTURE was parsed
	parts    partsMark // before it
}

// plainDepth is the depth of the parameters of a disposition in a BODYSTRUCTURE, the deepest of simple rows. If the limit is
// lower, the other parsers find what exceeds it.
const plainDepth = 1 + (1 + plainNesting) + 2

// plainHead parses the head of a FETCH response in its usual form, up to the parenthesis. It returns 0 for anything else.
func plainHead(text []byte) (n uint32, pos int) {
	const name = " FETCH ("
	if len(text) < len("* 1 FETCH (") || text[0] != '*' || text[1] != ' ' {
		return 0, 0
	}
	n, pos = plainNumber(text, 2)
	if n == 0 || len(text)-pos < len(name) || string(text[pos:pos+len(name)]) != name {
		return 0, 0
	}
	return n, pos + len(name)
}

// plainNumber parses a number of at most nine digits at index i of a text, and returns its end, which is i if there is no
// number or a longer one.
func plainNumber(text []byte, i int) (n uint32, end int) {
	for end, c := range text[i:] {
		d := c - '0'
		if d > 9 {
			if end > 9 {
				return 0, i
			}
			return n, i + end
		}
		n = n*10 + uint32(d)
	}
	return 0, i // the number is incomplete
}

// items parses items from the position on, as long as they are simple, and reports whether that was the whole row. It leaves
// the position at the first item that was not parsed, or at the end of the row.
func (p *plainRow) items() bool {
	for p.item() {
		switch {
		case p.pos >= len(p.text):
			return false
		case p.text[p.pos] == ' ':
			p.pos++
		case p.text[p.pos] == ')':
			p.pos++
			return true
		default:
			return false
		}
	}
	return false
}

// item parses an item and its value. If it is not simple, item returns false without parsing it.
func (p *plainRow) item() bool {
	rest := p.text[p.pos:]
	if len(rest) < len("UID 1)") {
		return false
	}
	switch rest[0] {
	case 'U':
		return string(rest[:4]) == "UID " && p.uid(p.pos+4)
	case 'F':
		return string(rest[:6]) == "FLAGS " && p.flags(p.pos+6)
	case 'R':
		const name = "RFC822.SIZE "
		return len(rest) > len(name) && string(rest[:len(name)]) == name && p.size(p.pos+len(name))
	case 'E':
		const name = "ENVELOPE ("
		return len(rest) > len(name) && string(rest[:len(name)]) == name && p.envelope(p.pos+len(name)-1)
	case 'B':
		const name = "BODYSTRUCTURE ("
		return len(rest) > len(name) && string(rest[:len(name)]) == name && p.structure(p.pos+len(name)-1)
	case 'M':
		const name = "MODSEQ ("
		return len(rest) > len(name) && string(rest[:len(name)]) == name && p.modSeq(p.pos+len(name))
	case 'I':
		const name = "INTERNALDATE "
		return len(rest) > len(name) && string(rest[:len(name)]) == name && p.date(p.pos+len(name))
	}
	return false
}

// endsPlainly reports whether a value certainly ends before index i.
func endsPlainly(text []byte, i int) bool {
	return i < len(text) && (text[i] == ' ' || text[i] == ')')
}

func (p *plainRow) uid(start int) bool {
	n, end := plainNumber(p.text, start)
	if n == 0 || !endsPlainly(p.text, end) {
		return false
	}
	p.row.m.UID = UID(n)
	p.row.got |= itemUID
	p.pos = end
	return true
}

func (p *plainRow) size(start int) bool {
	n, end := plainNumber(p.text, start)
	if end == start || !endsPlainly(p.text, end) {
		return false
	}
	p.row.m.Size = int64(n)
	p.row.got |= itemSize
	p.pos = end
	return true
}

func (p *plainRow) modSeq(start int) bool {
	const digits = 18 // any number of that many fits
	n, end := uint64(0), start
	for ; end < min(len(p.text), start+digits); end++ {
		d := p.text[end] - '0'
		if d > 9 {
			break
		}
		n = n*10 + uint64(d)
	}
	if n == 0 || end == len(p.text) || p.text[end] != ')' || !endsPlainly(p.text, end+1) {
		return false
	}
	p.row.m.ModSeq = n
	p.row.got |= itemModSeq
	p.pos = end + 1
	return true
}

func (p *plainRow) date(start int) bool {
	const quoted = len(`"17-Jul-1996 02:44:25 -0700"`)
	end := start + quoted
	if !endsPlainly(p.text, end) || p.text[start] != '"' || p.text[end-1] != '"' {
		return false
	}
	t, ok := datetime.ParseExact(p.text[start+1 : end-1])
	if !ok {
		return false
	}
	p.row.m.InternalDate = t
	p.row.got |= itemDate
	p.pos = end
	return true
}

// flags parses a list of flags. Most messages have one of a few lists.
func (p *plainRow) flags(start int) bool {
	if start >= len(p.text) || p.text[start] != '(' {
		return false
	}
	start++
	n := bytes.IndexByte(p.text[start:min(len(p.text), start+maxFlagList)], ')')
	if n < 0 || !endsPlainly(p.text, start+n+1) {
		return false
	}
	switch list := p.text[start : start+n]; {
	case n == 0:
		p.row.m.Flags = []Flag{}
	case p.names == nil:
		return false
	default:
		known := p.names.flagsOf(list)
		if known.text != string(list) && !p.names.learnFlags(known, list) {
			return false
		}
		flags := p.slabs.flags.take(len(known.flags))
		copy(flags, known.flags)
		p.row.m.Flags = flags
	}
	p.row.got |= itemFlags
	p.pos = start + n + 1
	return true
}

// learnFlags parses a list of flags and stores it in known. It returns false if one of them is not a simple atom.
func (t *interner) learnFlags(known *flagList, list []byte) bool {
	var flags []Flag
	for word := range bytes.SplitSeq(list, space) {
		for _, c := range word {
			if !atomChars[c] {
				return false
			}
		}
		if len(word) == 0 || len(word) == 3 && isNilWord(word) {
			return false
		}
		f, ok := systemFlag(word)
		if !ok {
			f = Flag(t.intern(word))
		}
		flags = append(flags, f)
	}
	known.text, known.flags = string(list), flags
	return true
}

// isNilWord reports whether a word of three bytes is NIL, ignoring case.
func isNilWord(b []byte) bool { return b[0]|0x20 == 'n' && b[1]|0x20 == 'i' && b[2]|0x20 == 'l' }

// plainEnvelope is the parser for a complete ENVELOPE whose strings are all quoted or NIL.
type plainEnvelope struct {
	text    []byte // text of the row
	i       int    // current position
	texts   *stringSlab
	list    []byte // the last list of addresses, which the next one often repeats
	from    int    // its first address
	end     int    // behind its last address
	host    string // of the last address
	escapes bool   // the text has a backslash
	short   bool   // the row ended early, or a string is not simple
}

// envelope parses an ENVELOPE.
func (p *plainRow) envelope(start int) bool {
	e := plainEnvelope{text: p.text, i: start, texts: &p.slabs.texts}
	e.escapes = bytes.IndexByte(p.text[start:], '\\') >= 0
	room := p.slabs.envelopes.free
	env := p.slabs.envelopes.one()
	slab := &p.slabs.addresses
	all, ok := e.read(env, slab.tail())
	if !ok || !endsPlainly(p.text, e.i) {
		slab.drop(all)
		if *env = (Envelope{}); len(room) > 0 {
			p.slabs.envelopes.free = room // the next one takes it
		}
		return false
	}
	if len(all) > 0 {
		slab.keep(all)
	}
	if t, ok := mimetext.ParseDate(env.DateText); ok {
		env.Date = t
	}
	var d mimetext.Decoder
	if p.decoder != nil {
		d = *p.decoder
	}
	env.decode(d, all)
	p.row.m.Envelope = env
	p.row.got |= itemEnvelope
	p.pos = e.i
	return true
}

// read parses all fields. All addresses are in one slice.
func (e *plainEnvelope) read(env *Envelope, all []Address) ([]Address, bool) {
	e.skip('(')
	env.DateText = e.nstring()
	e.skip(' ')
	env.Subject = e.nstring()
	e.skip(' ')
	var ends [6]int
	for i := range ends {
		all = e.addresses(all)
		ends[i] = len(all)
		e.skip(' ')
	}
	env.InReplyTo = e.nstring()
	e.skip(' ')
	env.MessageID = e.nstring()
	e.skip(')')
	if e.short || len(all) > maxListed {
		return all, false
	}
	from := 0
	for i, list := range [...]*[]Address{&env.From, &env.Sender, &env.ReplyTo, &env.To, &env.CC, &env.BCC} {
		if ends[i] > from {
			*list = all[from:ends[i]:ends[i]]
		}
		from = ends[i]
	}
	return all, true
}

// skip skips c, which must be next.
func (e *plainEnvelope) skip(c byte) {
	if e.i >= len(e.text) || e.text[e.i] != c {
		e.short = true
		return
	}
	e.i++
}

// addresses appends the addresses of one list. Groups are not simple.
func (e *plainEnvelope) addresses(all []Address) []Address {
	if e.isNil() {
		return all
	}
	if n := len(e.list); n > 0 && endsPlainly(e.text, e.i+n) && string(e.text[e.i:e.i+n]) == string(e.list) {
		e.i += n
		return append(all, all[e.from:e.end]...)
	}
	start, from := e.i, len(all)
	e.skip('(')
	for !e.short {
		e.skip('(')
		name := e.nstring()
		e.skip(' ')
		e.nstring() // the route
		e.skip(' ')
		mailbox := e.nstring()
		e.skip(' ')
		host := e.like(e.host)
		e.host = host
		e.skip(')')
		if len(all) >= maxListed || host == "" || host[len(host)-1] == '>' || len(mailbox) > 0 && mailbox[0] == '<' {
			e.short = true
			break
		}
		all = append(all, Address{name, mailbox, host})
		if e.i < len(e.text) && e.text[e.i] == ')' {
			e.i++
			break
		}
	}
	e.list, e.from, e.end = e.text[start:e.i], from, len(all)
	return all
}

// isNil skips NIL, and reports whether it was there.
func (e *plainEnvelope) isNil() bool {
	if rest := e.text[e.i:]; len(rest) < 4 || rest[0] != 'N' || string(rest[:3]) != "NIL" || !endsPlainly(e.text, e.i+3) {
		return false
	}
	e.i += 3
	return true
}

// nstring parses a quoted string or NIL.
func (e *plainEnvelope) nstring() string { return e.like("") }

// like parses a quoted string or NIL that often equals another string, which it returns in that case.
func (e *plainEnvelope) like(other string) string {
	if e.short || e.isNil() {
		return ""
	}
	if e.i >= len(e.text) || e.text[e.i] != '"' {
		e.short = true
		return ""
	}
	start := e.i + 1
	n := bytes.IndexByte(e.text[start:], '"')
	if n < 0 {
		e.short = true
		return ""
	}
	if e.escapes && bytes.IndexByte(e.text[start:start+n], '\\') >= 0 {
		return e.escaped()
	}
	if e.i = start + n + 1; !endsPlainly(e.text, e.i) {
		e.short = true
	}
	if n == 0 {
		return ""
	}
	if s := e.text[start:][:n]; string(s) != other {
		return e.texts.add(s)
	}
	return other
}

// escaped parses a quoted string that has a backslash.
func (e *plainEnvelope) escaped() string {
	p := parser{text: e.text, pos: e.i}
	b, _, err := p.quoted()
	if e.i = p.pos; err != nil || !endsPlainly(e.text, e.i) {
		e.short = true
	}
	return string(b)
}

// plainString returns the start of the quoted string at the position, after its quote, and its end, after the closing quote.
// The end is 0 if there is no quoted string, or if it has a backslash or does not certainly end.
func (p *parser) plainString() (start, end int) {
	start = p.pos + 1
	if start > len(p.text) || p.text[p.pos] != '"' {
		return 0, 0
	}
	n := bytes.IndexByte(p.text[start:], '"')
	if n < 0 || !endsPlainly(p.text, start+n+1) || p.runsIntoQuote(start+n+1) || bytes.IndexByte(p.text[start:start+n], '\\') >= 0 {
		return 0, 0
	}
	return start, start + n + 1
}

// knownLower parses a quoted string that was parsed before, and returns it in lower case.
func (p *parser) knownLower() (string, bool) {
	start := p.pos + 1
	if p.names == nil || p.deviations != nil || start >= len(p.text) || p.text[p.pos] != '"' {
		return "", false
	}
	n := bytes.IndexByte(p.text[start:min(len(p.text), start+internLength+1)], '"')
	if n <= 0 || !endsPlainly(p.text, start+n+1) || p.runsIntoQuote(start+n+1) {
		return "", false
	}
	raw := p.text[start : start+n]
	known := p.names.lowerOf(raw)
	if known.text != string(raw) {
		return "", false
	}
	p.pos = start + n + 1
	return known.lower, true
}

// plainNil skips NIL, and reports whether it was there.
func (p *parser) plainNil() bool {
	rest := p.text[p.pos:]
	if len(rest) < 4 || rest[0] != 'N' || string(rest[:3]) != "NIL" || !endsPlainly(rest, 3) {
		return false
	}
	p.pos += 3
	return true
}
