package imap

import (
	"bytes"
	"strconv"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// isPartOf reports whether two rows are about one message. Its number may have changed between them.
func (row *fetched) isPartOf(other *fetched) bool {
	if a, b := row.m.UID, other.m.UID; a != 0 && b != 0 {
		return a == b
	}
	return row.m.SeqNum == other.m.SeqNum && row.m.SeqNum != 0 && !row.loose && !other.loose
}

// itemMask tells which items a row holds.
type itemMask uint32

// fetched is what a FETCH response holds.
type fetched struct {
	m    *Message // nil: it is about no message
	got  itemMask // the items that it holds
	bad  itemMask // the items that came and could not be read
	err  error    // of the first of them
	size int64

	loose   bool  // its number is not one of now: messages vanished since, or it was expunged itself
	guessed bool  // the UID was found behind what could not be read
	retries uint8 // of items that were read in two ways
}

// fail keeps the error of an item.
func (row *fetched) fail(bit itemMask, err error) {
	row.bad |= bit
	if row.err == nil {
		row.err = err
	}
}

// came returns the items of which the row has something.
func (row *fetched) came() itemMask { return row.got | row.bad }

// rowReader is how far a FETCH response has been read. It is read once, by whatever asks first for the row: before its end
// where a body in it may stay on the wire, or as a whole.
type rowReader struct {
	fetched
	begun    bool // the head was read, and items up to pos
	ended    bool // all was read
	yielded  bool // a loop has the message already; what is still to come is added to it
	pos      int
	depth    int
	attempts uint8 // to read on before the end that came to nothing
}

// merge adds what came for the same message. What is there already stays, except flags, of which the last are true.
func (row *fetched) merge(more fetched) {
	row.size += more.size
	if row.loose && more.m.SeqNum != 0 {
		row.m.SeqNum, row.loose = more.m.SeqNum, false
	}
	if row.err == nil {
		row.err = more.err
	}
	mergeMessage(row.m, more.m, row.got)
	row.got |= more.got
	row.bad |= more.bad
}

// codeNumber reads the number of a code, 0 where none exists that fits: servers send what the grammar forbids.
func codeNumber(s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0
	}
	return n
}

// response is one response of the server: its parser stands behind what the head said. There is one in an engine, used
// again for each response; what is kept of it is copied.
type response struct {
	parser
	kind   responseKind
	tag    []byte // of a tagged response
	num    uint32 // the number before the name, where there is one
	hasNum bool
	name   string // upper case
	rest   int    // where the text goes on behind the name
	status status
	info   int // where the text of status begins, with its code
	table  *table
	row    rowReader // of a FETCH
	early  bool      // the head was read before the response had come to its end
}

type responseKind uint8

const (
	kindUntagged     responseKind = iota
	kindStatus                    // untagged OK, NO, BAD, BYE, PREAUTH
	kindTagged                    // the end of a command
	kindContinuation              // +
	kindGarbage                   // neither; no command can have asked for it
	kindBlank
)

// status is OK, NO, BAD, BYE or PREAUTH with its code and text.
type status struct {
	word  string
	code  Code
	args  string
	shown string // args as errors have them
	text  string
}

func (s *status) ok() bool { return s.word == "OK" }

// failure is the error that a status stands for.
func (s *status) failure(command string) *Error {
	e := &Error{Command: command, Status: s.word, Code: s.code, Args: s.shown, Text: s.text}
	if e.Code == "" && e.Text == "User is authenticated but not connected." {
		e.Code = CodeAuthenticationFailed // Exchange takes a login back at the next command
	}
	return e
}

// load reads the head of a response: what kind it is, its number and name, and the status line whole.
func (r *response) load(text []byte, lits []wire.LiteralData) {
	r.text, r.lits, r.lit, r.pos, r.depth, r.str = text, lits, 0, 0, 0, ""
	r.num, r.hasNum, r.name, r.tag, r.status = 0, false, "", nil, status{}
	r.row, r.early = rowReader{}, false
	for r.accept(0) {
		r.tolerate("NUL before a response") // a proxy has been seen to send them before the greeting
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
		// Exchange 2013 leaves out "* OK" before a code.
		r.tolerate("code without OK before it")
		r.kind = kindStatus
		r.status = status{word: "OK"}
		r.loadText()
	default:
		r.loadTagged()
	}
	r.rest = r.pos
}

// goOn makes the response whole whose head was read early.
func (r *response) goOn(text []byte, lits []wire.LiteralData) {
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
		// home.pl leaves out "OK" before a code.
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

// loadTagged reads a tagged response. Other lines that start with neither * nor + are kept as they are.
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

// knownNames are the names of untagged responses, so that none of them is made again.
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

// statusWord returns OK, NO, BAD, BYE or PREAUTH; "" for anything else.
func statusWord(b []byte) string {
	n, _ := knownNames.find(b)
	return n.word
}

// loadText reads [CODE args] and the text of a status.
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
		return // few callers look at it: see okText
	}
	r.status.text = trimmedText(rest)
}

// trimmedText makes the text of a status of its bytes.
func trimmedText(b []byte) string {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\t') {
		n--
	}
	return string(b[:n])
}

// okText makes the text of a tagged OK without a code, which load leaves out.
func (r *response) okText() {
	if r.kind == kindTagged && r.status.ok() && r.status.code == "" {
		r.status.text = trimmedText(r.text[r.info:])
	}
}

// codeEnd finds the bracket that closes a response code. Brackets inside a list are a matter of its own, because flags
// hold them ([PERMANENTFLAGS (a] [css3-page])]); others are matched; where they do not match, the first one ends the code.
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

// splitCode parts the name of a code from its arguments. What is no name is text (Office 365: [Error="..."]).
func splitCode(b []byte) (string, []byte, bool) {
	name, args, _ := bytes.Cut(bytes.TrimSpace(b), space)
	for _, c := range name {
		if !ascii.IsDigit(c) && c != '-' && c != '.' && c != '_' && c != '/' && c != '!' && c != '+' && (ascii.Upper(c) < 'A' || ascii.Upper(c) > 'Z') {
			return "", nil, false
		}
	}
	return string(bytes.ToUpper(name)), bytes.TrimSpace(args), len(name) > 0
}

// rewind goes back to behind the name, for the next reader of the response.
func (r *response) rewind() {
	r.depth = 0
	r.reset(r.rest)
}

// raw is the whole response as it came, for callers that keep what is not understood. Literals kept beside the text are put
// back to their places.
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
