package imap

import (
	"bytes"
	"strconv"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// isPartOf reports whether two rows are about the same message, whose number may have changed between them.
func (row *fetched) isPartOf(other *fetched) bool {
	if a, b := row.m.UID, other.m.UID; a != 0 && b != 0 {
		return a == b
	}
	return row.m.SeqNum == other.m.SeqNum && row.m.SeqNum != 0 && !row.loose && !other.loose
}

// itemMask is a set of items.
type itemMask uint32

// fetched holds the data of a FETCH response.
type fetched struct {
	m    *Message // nil: the row has no message
	got  itemMask // the items that it has
	bad  itemMask // the items that could not be parsed
	err  error    // the error of the first of these
	size int64

	loose    bool  // its number is not current: messages vanished since, or it was expunged itself
	guessed  bool  // the UID was found after an item that could not be parsed
	retries  uint8 // number of items that were parsed in two ways
	reported bool  // it is an event already
	news     bool  // its sections may be only that: they are among those that NOTIFY requested
	joined   bool  // a row that is no event was merged with the news
}

// fail stores the error of an item.
func (row *fetched) fail(bit itemMask, err error) {
	row.bad |= bit
	if row.err == nil {
		row.err = err
	}
}

// came returns the items that were sent, including those that could not be parsed.
func (row *fetched) present() itemMask { return row.got | row.bad }

// rowReader is the progress of parsing a FETCH response. It is parsed once, when the row is first needed: before its
// end if a body in it may stay on the wire, or as a whole.
type rowReader struct {
	fetched
	begun    bool // the head was parsed, and items up to pos
	ended    bool // the row was parsed completely
	yielded  bool // a loop already has the message, to which further items are added
	pos      int
	depth    int
	attempts uint8 // futile attempts to continue before the end
}

// merge adds another row for the same message. Existing items are kept, except flags, of which the last ones are valid.
func (row *fetched) merge(more fetched) {
	row.size += more.size
	if row.loose && more.m.SeqNum != 0 {
		row.m.SeqNum, row.loose = more.m.SeqNum, false
	}
	if row.err == nil {
		row.err = more.err
	}
	mergeMessage(row.m, more.m, row.got)
	row.joined = row.joined || row.news && !more.news
	row.got |= more.got
	row.bad |= more.bad
}

// codeNumber returns the number of a code, or 0 if it is invalid, since servers send numbers that the grammar forbids.
func codeNumber(s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0
	}
	return n
}

// response is one response of the server; its parser is positioned after the head. An engine reuses one value for all
// responses; data that is kept must be copied.
type response struct {
	parser
	kind           responseKind
	tag            []byte // the tag of a tagged response
	num            uint32 // the number before the name, if any
	hasNum         bool
	name           string // upper case
	rest           int    // position after the name
	status         status
	info           int // position of the code and text of a status
	table          *table
	row            rowReader     // of a FETCH
	parsedVanished *vanishedData // of a VANISHED, once it was parsed
	early          bool          // the head was parsed before the end of the response had arrived
	plain          bool          // it begins as a row does in nearly all cases: see plain.go
}

type responseKind uint8

const (
	kindUntagged     responseKind = iota
	kindStatus                    // untagged OK, NO, BAD, BYE, PREAUTH
	kindTagged                    // end of a command
	kindContinuation              // +
	kindGarbage                   // anything else; no command can claim it
	kindBlank
)

// status is OK, NO, BAD, BYE or PREAUTH with its code and text.
type status struct {
	word  string
	code  Code
	args  string
	shown string // args in the form for errors
	text  string
}

func (s *status) ok() bool { return s.word == "OK" }

// failure returns the error for a status.
func (s *status) failure(command string) *Error {
	e := &Error{Command: command, Status: s.word, Code: s.code, Args: s.shown, Text: s.text}
	if e.Code == "" && e.isDisconnected() {
		e.Code = CodeAuthenticationFailed // Exchange revokes a login at the next command
	}
	return e
}

// load parses the head of a response: its kind, its number and name, and a complete status line.
func (r *response) load(text []byte, lits []wire.LiteralData) {
	r.text, r.lit, r.pos, r.depth = text, 0, 0, 0
	// Fields with pointers are written only if they change, because each write costs a write barrier.
	if len(lits) > 0 || len(r.lits) > 0 {
		r.lits = lits
	}
	if r.str != "" {
		r.str = ""
	}
	if r.row.begun {
		r.row = rowReader{}
	}
	if r.parsedVanished != nil {
		r.parsedVanished = nil
	}
	r.early = false
	if r.loadRow() {
		return
	}
	r.num, r.hasNum, r.name, r.tag, r.status, r.plain = 0, false, "", nil, status{}, false
	for r.accept(0) {
		r.tolerate("NUL before a response") // sent by a proxy before the greeting
	}
	r.skipSpaces()
	switch c := r.peek(); {
	case r.pos >= len(text):
		r.kind = kindBlank
	case c == '*':
		r.pos++
		r.loadUntagged()
	case c == '+':
		r.pos++
		r.kind = kindContinuation
		r.skipSpaces()
	case c == '[':
		// Exchange 2013 omits "* OK" before a code.
		r.tolerate("code without OK before it")
		r.kind = kindStatus
		r.status = status{word: "OK"}
		r.loadText()
	default:
		r.loadTagged()
	}
	r.rest = r.pos
}

// loadRow reads the head of a FETCH response in the form that nearly all have. It reports false, with nothing read, for
// anything else.
func (r *response) loadRow() bool {
	n, pos := plainHead(r.text)
	if n == 0 {
		return false
	}
	if !r.plain {
		r.name, r.tag, r.status = "FETCH", nil, status{}
	}
	r.kind, r.num, r.hasNum, r.plain = kindUntagged, n, true, true
	r.pos = pos - 1
	r.rest = r.pos
	return true
}

// goOn completes a response whose head was parsed early.
func (r *response) loadRest(text []byte, lits []wire.LiteralData) {
	r.text, r.lits, r.str, r.early = text, lits, "", false
	r.rewind()
}

func (r *response) loadUntagged() {
	r.kind = kindUntagged
	r.skipSpaces()
	if ascii.IsDigit(r.peek()) {
		if n, err := r.number32(); err == nil {
			r.num, r.hasNum = n, true
			r.skipSpaces()
		}
	}
	if r.peek() == '[' && !r.hasNum {
		// home.pl omits "OK" before a code.
		r.tolerate("code without OK before it")
		r.kind = kindStatus
		r.status.word = "OK"
		r.loadText()
		return
	}
	n := nameOf(r.word(), r.names)
	r.name = n.name
	if n.word != "" && !r.hasNum {
		r.kind = kindStatus
		r.status.word = n.word
		r.loadText()
	}
	r.skipSpaces()
}

// loadTagged parses a tagged response. Other lines that start with neither * nor + are kept unchanged.
func (r *response) loadTagged() {
	r.tag = r.word()
	start := r.pos
	r.skipSpaces()
	word := statusWord(r.word())
	if word == "" {
		r.pos = start
		r.kind = kindGarbage
		return
	}
	r.kind = kindTagged
	r.status.word = word
	r.loadText()
}

// responseName is the name of a response in upper case; word is set for a status.
type responseName struct{ name, word string }

// knownNames are the names of untagged responses, so that they need not be allocated.
var knownNames = func() lookup[responseName] {
	m := make(map[string]responseName)
	for _, n := range []string{"FETCH", "EXISTS", "EXPUNGE", "RECENT", "SEARCH", "ESEARCH", "LIST", "LSUB", "XLIST", "STATUS",
		"FLAGS", "CAPABILITY", "VANISHED", "ENABLED", "NAMESPACE", "ID", "SORT", "THREAD", "ACL", "MYRIGHTS", "LISTRIGHTS",
		"QUOTA", "QUOTAROOT", "METADATA", "ANNOTATION", "UIDFETCH"} {
		m[n] = responseName{name: n}
	}
	for _, n := range []string{"OK", "NO", "BAD", "BYE", "PREAUTH"} {
		m[n] = responseName{n, n}
	}
	return makeLookup(m)
}()

// upperName returns a response name in upper case.
func upperName(b []byte, names *interner) string { return nameOf(b, names).name }

func nameOf(b []byte, names *interner) responseName {
	if n, ok := knownNames.find(b); ok {
		return n
	}
	return responseName{name: names.intern(bytes.ToUpper(b))}
}

// statusWord returns OK, NO, BAD, BYE or PREAUTH, or "" for anything else.
func statusWord(b []byte) string {
	n, _ := knownNames.find(b)
	return n.word
}

// loadText parses [CODE args] and the text of a status.
func (r *response) loadText() {
	r.skipSpaces()
	r.info = r.pos
	rest := r.text[r.pos:]
	r.pos = len(r.text)
	if len(rest) > 0 && rest[0] == '[' {
		if end := codeEnd(rest); end > 0 {
			if code, args, ok := splitCode(rest[1:end]); ok {
				r.status.code, r.status.args = Code(code), string(args)
				r.status.shown = r.status.args
				rest = bytes.TrimLeft(rest[end+1:], " ")
			} else {
				r.tolerate("brackets without a code")
			}
		}
	}
	if r.kind == kindTagged && r.status.ok() && r.status.code == "" {
		return // few callers need the text: see okText
	}
	r.status.text = trimmedText(rest)
}

// trimmedText returns the text of a status.
func trimmedText(b []byte) string {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\t') {
		n--
	}
	return string(b[:n])
}

// okText sets the text of a tagged OK without a code, which load omits.
func (r *response) okText() {
	if r.kind == kindTagged && r.status.ok() && r.status.code == "" {
		r.status.text = trimmedText(r.text[r.info:])
	}
}

// codeEnd finds the bracket that closes a response code. It ignores brackets inside a list, because flags contain them
// ([PERMANENTFLAGS (a] [css3-page])]), and matches others; if they do not match, the first closing bracket ends the code.
func codeEnd(b []byte) int {
	depth, lists, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			lists++
		case c == ')':
			lists = max(lists-1, 0)
		case lists > 0:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return bytes.IndexByte(b, ']')
}

// splitCode separates the name of a code from its arguments. Without a valid name it is text (Office 365: [Error="..."]).
func splitCode(b []byte) (string, []byte, bool) {
	name, args, _ := bytes.Cut(bytes.TrimSpace(b), space)
	for _, c := range name {
		if !ascii.IsDigit(c) && c != '-' && c != '.' && c != '_' && c != '/' && c != '!' && c != '+' && (ascii.Upper(c) < 'A' || ascii.Upper(c) > 'Z') {
			return "", nil, false
		}
	}
	return string(bytes.ToUpper(name)), bytes.TrimSpace(args), len(name) > 0
}

// rewind sets the position after the name again, for the next use of the response.
func (r *response) rewind() {
	r.depth = 0
	r.reset(r.rest)
}

// rawFrom returns the text of the response from start, as received, with separately kept literals in their places.
func (r *response) rawFrom(start int) []byte {
	out := make([]byte, 0, len(r.text)-start)
	for _, l := range r.lits {
		if l.At < start {
			continue
		}
		out = append(append(out, r.text[start:l.At]...), l.Data...)
		start = l.At
	}
	return append(out, r.text[start:]...)
}

// vanishedData is the content of a VANISHED response.
type vanishedData struct {
	uids    UIDSet
	earlier bool
	err     error
}

// vanished returns the UIDs of a VANISHED response, which is parsed once. earlier reports whether they were removed earlier
// (RFC 7162 section 3.2.10).
func (r *response) vanished() (uids UIDSet, earlier bool, err error) {
	if r.parsedVanished == nil {
		d := &vanishedData{}
		d.uids, d.earlier, d.err = r.parseVanished()
		r.parsedVanished = d
	}
	return r.parsedVanished.uids, r.parsedVanished.earlier, r.parsedVanished.err
}

func (p *parser) parseVanished() (uids UIDSet, earlier bool, err error) {
	p.skipSpaces()
	if p.accept('(') {
		if !ascii.EqualFold(p.word(), "EARLIER") || !p.accept(')') {
			return nil, false, p.errorf("expected (EARLIER)")
		}
		earlier = true
		p.skipSpaces()
	}
	word := p.word()
	uids, n, err := parseSetBytes[UID](word)
	if err != nil || n < len(word) || !p.atEnd() {
		return nil, false, p.errorf("expected a set of UIDs")
	}
	return uids.normalize(), earlier, nil
}
