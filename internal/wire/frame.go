package wire

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
)

// maxCutLine bounds the length in bytes of the incomplete line that CutLine returns.
const maxCutLine = 512

// CutLine returns the incomplete line at the end of the connection. The caller must hold the read token.
func (c *Conn) CutLine() []byte {
	if c.frame.line > 0 || c.frame.stream > 0 || c.frame.size > 0 || c.buffered() > maxCutLine {
		return nil
	}
	return bytes.TrimRight(c.buf[c.r:c.w], "\r\n ")
}

// ---- incoming

// frame is the response that is being read: its text up to scanned, counted from Conn.r, and the literals that are kept
// separately. It survives an interrupted read, so that the next reader can continue.
type frame struct {
	line     int  // start of the current physical line
	scanned  int  // end of the text that was searched for a line break
	quoted   bool // that line begins inside a quoted string
	kept     int  // bytes that takePart left of the line
	lits     []LiteralData
	total    int64 // bytes of all literals of the response
	inline   int   // bytes of literals in the text
	body     []byte
	size     int64 // size of the current literal, 0 if none
	discard  int64 // bytes left of a literal that is discarded
	stream   int64 // bytes left of a literal that is read by a Body
	consumed int   // bytes of either that were consumed, but are still in the buffer after the text
}

const (
	// InlineLiteral is the size of the largest literal that is kept in the text.
	InlineLiteral = 4 << 10
	// trustedSize is how much memory is allocated for an announced size before the data arrives.
	trustedSize = 1 << 20
	// keptLiterals is the capacity for literals that is kept for the next response.
	keptLiterals = 64
)

// idle reports whether no response is partially read.
func (f *frame) idle() bool {
	return f.scanned == 0 && f.size == 0 && f.discard == 0 && f.stream == 0
}

// trim drops large slices after a long response.
func (f *frame) trim() {
	clear(f.lits)
	f.lits = f.lits[:0]
	if cap(f.lits) > keptLiterals {
		f.lits = nil
	}
}

// LiteralUse is what to do with a literal that is too large to be kept in the text.
type LiteralUse int

const (
	KeepLiteral LiteralUse = iota
	DiscardLiteral
	StreamLiteral
)

// ErrStreaming is returned by ReadFrame if a literal follows that must be read with ReadBody.
var ErrStreaming = errors.New("a literal follows")

// ReadFrame reads a response and returns its text without the final line break. The text is valid until the next call. use
// is called with the text up to the end of a literal's header, to decide what to do with a large literal; if it is nil, all
// are kept. With peek, ReadFrame does not wait, and returns nil if there is no complete response in the buffer.
func (c *Conn) ReadFrame(until time.Time, peek bool, use func(head []byte, size int64) LiteralUse) ([]byte, error) {
	if text := c.PlainLine(); text != nil {
		return text, nil
	}
	f := &c.frame
	for {
		ready, err := c.finishLiteral(until, peek)
		if err != nil || !ready {
			return nil, err
		}
		text, err := c.scanLine(use)
		if err != nil || text != nil {
			return text, err
		}
		if f.size > 0 || f.discard > 0 {
			continue
		}
		if f.stream > 0 {
			return c.buf[c.r : c.r+f.scanned], ErrStreaming
		}
		c.takePart()
		if f.scanned-f.inline > c.Limits.MaxLine {
			return nil, c.lineTooLong()
		}
		if peek {
			return nil, nil
		}
		if err := c.fill(until); err != nil {
			return nil, err
		}
	}
}

// PlainLine is ReadFrame with peek for a response in one line that does not end with a literal and is followed by another
// untagged response, as nearly all lines are; a few bytes suffice to see that. Otherwise it returns nil, and nothing is read.
func (c *Conn) PlainLine() []byte {
	if !c.frame.idle() {
		return nil
	}
	c.frame.trim()
	have := c.buf[c.r:c.w]
	end := bytes.IndexByte(have, '\n') + 1
	if end < 3 || len(have) < end+2 || have[end] != '*' || have[end+1] != ' ' || have[end-2] != '\r' || end > c.Limits.MaxLine {
		return nil
	}
	switch have[end-3] {
	case '}', ' ', '\r':
		return nil
	}
	c.r += end
	return have[: end-2 : end-2]
}

// partSize is the length of a line from which on it is offered to TakePart before its end.
const partSize = 16 << 10

// takePart removes from the middle of a long line the part that TakePart consumes. The rest is offered again when it is
// twice as long. A trace shows the whole line, if MaxLine allows it.
func (c *Conn) takePart() {
	f := &c.frame
	if f.line > 0 || f.scanned < max(partSize, 2*f.kept) || c.TakePart == nil || c.Tracing() && f.scanned < c.Limits.MaxLine/2 {
		return
	}
	text := c.buf[c.r : c.r+f.scanned]
	from, to := c.TakePart(text)
	n := max(to-from, 0)
	copy(text[n:], text[:from])
	c.r += n
	f.scanned -= n
	f.kept = f.scanned
}

// scanLine searches the buffer for the end of the response, and returns nil if more data must be read first.
func (c *Conn) scanLine(use func([]byte, int64) LiteralUse) ([]byte, error) {
	f := &c.frame
	for {
		have := c.buf[c.r:c.w]
		if f.scanned > len(have) {
			return nil, nil // an inline literal is incomplete
		}
		i := bytes.IndexByte(have[f.scanned:], '\n')
		if i < 0 {
			f.scanned = len(have)
			return nil, nil
		}
		end := f.scanned + i + 1
		if f.line > 0 && !f.quoted && isBlankLine(have[f.line:end]) && isRow(have) {
			// A blank line after a literal. The next line shows whether it is followed by the rest of the row.
			if end == len(have) {
				f.scanned = f.line
				return nil, nil
			}
			if next := have[end]; next == ')' || next == ' ' {
				have[end-1], have[f.line] = ' ', ' '
				f.scanned, f.line = end, end
				continue
			}
		}
		size, isLiteral := endsInLiteral(have[f.line:end])
		if !isLiteral || f.line == 0 && isStatusText(have[:end]) {
			switch c.endOfLine(have, end) {
			case insideQuotes:
				f.scanned, f.line, f.quoted = end, end, true
				continue
			case unknownEnd:
				f.scanned = end - 1
				return nil, nil
			}
			if end-f.inline > c.Limits.MaxLine {
				return nil, c.lineTooLong()
			}
			return c.endFrame(end), nil
		}
		f.scanned, f.line, f.quoted = end, end, false
		if err := c.beginLiteral(size, use); err != nil {
			return nil, err
		}
		if f.size > 0 || f.discard > 0 || f.stream > 0 {
			return nil, nil
		}
	}
}

func (c *Conn) lineTooLong() error {
	return &LostError{c.Exceeded("MaxLine", int64(c.Limits.MaxLine))}
}

func isBlankLine(line []byte) bool {
	return len(line) == 1 || len(line) == 2 && line[0] == '\r'
}

// isRow reports whether a response is a FETCH, which never ends with a literal.
func isRow(b []byte) bool {
	b, untagged := bytes.CutPrefix(b, []byte("* "))
	i := 0
	for i < len(b) && ascii.IsDigit(b[i]) {
		i++
	}
	return untagged && len(b) > i+7 && ascii.EqualFold(b[i:i+7], " FETCH ")
}

// endFrame consumes the response that ends at end.
func (c *Conn) endFrame(end int) []byte {
	text := c.buf[c.r : c.r+end]
	c.r += end
	f := &c.frame
	f.line, f.scanned, f.kept, f.total, f.inline, f.quoted = 0, 0, 0, 0, 0, false
	text = text[:len(text)-1]
	for len(text) > 0 && text[len(text)-1] == '\r' {
		text = text[:len(text)-1] // some servers end lines with two CRs
	}
	return text
}

// TakeLiterals returns the separately kept literals of the response that was just read.
func (c *Conn) TakeLiterals() []LiteralData {
	return c.frame.lits
}

// endsInLiteral returns the size of the literal whose header ends the line, and whether there is one.
func endsInLiteral(line []byte) (int64, bool) {
	n := len(line) - 2
	for n >= 0 && (line[n] == '\r' || line[n] == ' ') {
		n--
	}
	if n < 2 || line[n] != '}' {
		return 0, false
	}
	i := bytes.LastIndexByte(line[:n], '{')
	if i < 0 {
		return 0, false
	}
	size, length := LiteralHeader(line[i:])
	return size, length > 0
}

// isStatusText reports whether a line ends in human-readable text, in which a literal header has no meaning.
func isStatusText(line []byte) bool {
	if len(line) == 0 || line[0] == '+' {
		return true
	}
	i := bytes.IndexByte(line, ' ')
	if i < 0 {
		return true
	}
	if line[0] != '*' {
		return true // a tagged response is a status
	}
	word := bytes.TrimLeft(line[i:], " \t")
	if j := bytes.IndexAny(word, " \r\n"); j >= 0 {
		word = word[:j]
	}
	switch len(word) {
	case 2:
		return ascii.EqualFold(word, "OK") || ascii.EqualFold(word, "NO")
	case 3:
		return ascii.EqualFold(word, "BAD") || ascii.EqualFold(word, "BYE")
	case 7:
		return ascii.EqualFold(word, "PREAUTH")
	}
	return false
}

// beginLiteral decides where to put the bytes of the literal whose header ends the text read so far.
func (c *Conn) beginLiteral(size int64, use func([]byte, int64) LiteralUse) error {
	f := &c.frame
	there := int64(c.w - c.r - f.scanned)
	if use != nil && size > 0 {
		switch use(c.buf[c.r:c.r+f.scanned], size) {
		case StreamLiteral:
			f.lits = append(f.lits, LiteralData{At: f.scanned})
			f.stream = size
			return nil
		case DiscardLiteral:
			if size > InlineLiteral {
				f.lits = append(f.lits, LiteralData{At: f.scanned})
				f.discard = size
				return nil
			}
		}
	}
	if f.total += size; f.total > c.Limits.MaxLiteral || f.total < 0 {
		return &LostError{c.Exceeded("MaxLiteral", c.Limits.MaxLiteral)}
	}
	c.wide = c.wide || size > InlineLiteral
	if size <= InlineLiteral || size <= there {
		f.scanned += int(size)
		f.line = f.scanned
		f.inline += int(size)
		return nil
	}
	f.size = size
	f.body = append(make([]byte, 0, max(min(size, trustedSize), there)), c.buf[c.r+f.scanned:c.w]...) // no room behind size
	c.w = c.r + f.scanned
	return nil
}

// finishLiteral reads the rest of the current literal. With peek it does not wait, and returns false if it is incomplete.
func (c *Conn) finishLiteral(until time.Time, peek bool) (bool, error) {
	f := &c.frame
	if peek && (f.size > 0 || f.discard > 0) {
		return false, nil
	}
	for f.discard > 0 {
		if err := c.discardSome(until); err != nil {
			return false, err
		}
	}
	for f.size > 0 {
		if int64(len(f.body)) == f.size {
			f.lits = append(f.lits, LiteralData{f.scanned, f.body})
			f.size, f.body = 0, nil
			break
		}
		if len(f.body) == cap(f.body) {
			f.body = append(make([]byte, 0, min(f.size, 4*int64(cap(f.body)))), f.body...)
		}
		if rest := c.behind(); len(rest) > 0 {
			c.takeBackground(rest)
			continue
		}
		n, err := c.read(f.body[len(f.body):cap(f.body)], until)
		f.body = f.body[:len(f.body)+n]
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// takeBackground moves bytes of the current literal out of the buffer, into which they were read during a write.
func (c *Conn) takeBackground(rest []byte) {
	f := &c.frame
	n := copy(f.body[len(f.body):cap(f.body)], rest)
	f.body = f.body[:len(f.body)+n]
	c.w = c.r + f.scanned + copy(rest, rest[n:])
}

// behind returns the data read after the consumed part of a literal.
func (c *Conn) behind() []byte {
	f := &c.frame
	return c.buf[c.r+f.scanned+f.consumed : c.w]
}

// consume drops n bytes of a literal. The hole that they leave is closed only when the literal ends or the buffer is full.
func (c *Conn) consume(n int, left *int64) {
	f := &c.frame
	f.consumed += n
	*left -= int64(n)
	if rest := c.behind(); *left == 0 || len(rest) == 0 {
		c.w = c.r + f.scanned + copy(c.buf[c.r+f.scanned:], rest)
		f.consumed = 0
	}
}

// discardSome drops bytes of a literal that is discarded.
func (c *Conn) discardSome(until time.Time) error {
	if len(c.behind()) == 0 {
		if err := c.fill(until); err != nil {
			return err
		}
	}
	c.consume(int(min(c.frame.discard, int64(len(c.behind())))), &c.frame.discard)
	return nil
}

// Holds reports whether a literal of that size may be kept in addition to the other literals of the response.
func (c *Conn) Holds(size int64) bool { return c.frame.total+size <= c.Limits.MaxLiteral }

// Streaming reports whether a streamed literal has unread bytes.
func (c *Conn) Streaming() bool { return c.frame.stream > 0 }

// DropStream discards the rest of the streamed literal.
func (c *Conn) DropStream() {
	c.frame.discard += c.frame.stream
	c.frame.stream = 0
}

// ReadBody reads bytes of the streamed literal into b.
func (c *Conn) ReadBody(b []byte, until time.Time) (int, error) {
	f := &c.frame
	b = b[:min(int64(len(b)), f.stream)]
	if len(b) == 0 {
		return 0, nil
	}
	if there := c.behind(); len(there) > 0 {
		n := copy(b, there)
		c.consume(n, &f.stream)
		return n, nil
	}
	n, err := c.read(b, until)
	f.stream -= int64(n)
	return n, err
}

// LiteralData is a literal that was read into a slice of its own. At is the position in the text after its header.
type LiteralData struct {
	At   int
	Data []byte
}

// LiteralHeader parses a literal header with its line break at the start of b. It returns the announced size and the length
// of the header, 0 if none exists. Blanks before and after the brace are allowed (an unnamed server in MailKit's tests),
// and a negative size, {-1}, is an empty literal (Free.fr).
func LiteralHeader(b []byte) (n int64, size int) {
	i := 0
	if i < len(b) && b[i] == '~' {
		i++
	}
	if i >= len(b) || b[i] != '{' {
		return 0, 0
	}
	i++
	start := i
	if i < len(b) && b[i] == '-' {
		i++
	}
	for i < len(b) && ascii.IsDigit(b[i]) {
		i++
	}
	n, err := strconv.ParseInt(string(b[start:i]), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // an overflow yields the largest integer, which exceeds every limit
		return 0, 0
	}
	n = max(n, 0)
	for i < len(b) && (b[i] == '+' || b[i] == '-' || b[i] == ' ') {
		i++
	}
	if i >= len(b) || b[i] != '}' {
		return 0, 0
	}
	i++
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i < len(b) && b[i] == '\r' {
		i++
	}
	if i >= len(b) || b[i] != '\n' {
		return 0, 0
	}
	return n, i + 1
}
