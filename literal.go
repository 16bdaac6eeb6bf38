package imap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Literal is message data of a known size (RFC 9051 section 4.3). Exactly Size bytes are sent. A reader that fails or
// ends early closes the connection: nothing shorter than announced can be sent, and padding would store a corrupt
// message. A reader that holds more than Size is read no further. LiteralBytes and LiteralString with another Size than that
// of their data are an error, and nothing is sent. A reader that blocks does not keep a call from ending with its ctx; its Read may then still
// run when the call has returned.
type Literal struct {
	R    io.Reader
	Size int64 // octets
}

// LiteralBytes makes a Literal of b, which must not change while the call runs. It can be sent again.
func LiteralBytes(b []byte) Literal { return Literal{bytesReader(b), int64(len(b))} }

// LiteralString makes a Literal of s. It can be sent again.
func LiteralString(s string) Literal { return Literal{bytesReader(s), int64(len(s))} }

// bytesReader is a reader of fixed data. It is read through open, so that one value can be sent more than once.
type bytesReader []byte

func (b bytesReader) Read(p []byte) (int, error) {
	return 0, errors.New("imap: the reader of LiteralBytes and LiteralString is for the library only")
}

// open returns the reader of the literal, from its start where that is known.
func (l Literal) open() io.Reader {
	if b, ok := l.R.(bytesReader); ok {
		return bytes.NewReader(b)
	}
	return l.R
}

// check refuses a literal that cannot be sent as it is announced.
func (l Literal) check() error {
	if l.R == nil && l.Size > 0 || l.Size < 0 {
		return argError("a literal without a reader or with a negative size")
	}
	if data, ok := l.R.(bytesReader); ok && l.Size != int64(len(data)) {
		return argError("a literal whose Size is not that of its data")
	}
	return nil
}

// readOnce reports whether sending the literal uses up its reader, so that it cannot be sent again.
func (l Literal) readOnce() bool {
	_, inMemory := l.R.(bytesReader)
	return !inMemory && l.Size > 0
}

// LiteralFrom makes a Literal of what is left in r. The size comes from r's Len, from Stat for regular files, or from
// Seek; a reader with none of them is an error, because IMAP needs the size first.
func LiteralFrom(r io.Reader) (Literal, error) {
	switch v := r.(type) {
	case nil:
		return Literal{}, errors.New("imap: LiteralFrom: nil reader")
	case *bytes.Reader:
		return Literal{r, int64(v.Len())}, nil
	case *strings.Reader:
		return Literal{r, int64(v.Len())}, nil
	case interface{ Len() int }:
		return Literal{r, int64(v.Len())}, nil
	case io.Seeker:
		return literalFromSeeker(r, v)
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := v.Stat(); err == nil && info.Mode().IsRegular() {
			return Literal{r, info.Size()}, nil
		}
	}
	return Literal{}, fmt.Errorf("imap: LiteralFrom: the size of a %T is not known before it is read", r)
}

// literalFromSeeker measures what is left behind the current position.
func literalFromSeeker(r io.Reader, s io.Seeker) (Literal, error) {
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
			return Literal{}, errors.New("imap: LiteralFrom: not a regular file, its size is not known before it is read")
		}
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return Literal{}, fmt.Errorf("imap: LiteralFrom: %w", err)
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return Literal{}, fmt.Errorf("imap: LiteralFrom: %w", err)
	}
	if _, err := s.Seek(at, io.SeekStart); err != nil {
		return Literal{}, fmt.Errorf("imap: LiteralFrom: %w", err)
	}
	return Literal{r, max(end-at, 0)}, nil
}

// source reads the literal of a caller in pieces. A reader that may block is read in a goroutine, so that the call ends
// with its ctx or with the connection; it ends with end, or with the Read under way then.
type source struct {
	r      io.Reader
	direct bool   // does not block
	buf    []byte // of chunkSize or largeChunk
	quick  bool   // the last piece was there at once, so the next may be large
	asked  chan []byte
	result chan error
	done   <-chan struct{}
}

const (
	// largeChunk is the piece in which a reader is read that does not keep the server waiting.
	largeChunk = 4 * chunkSize
	// quickPiece is how long such a reader takes for a piece at most.
	quickPiece = 20 * time.Millisecond
)

var largeChunks = sync.Pool{New: func() any { return new([largeChunk]byte) }}

func newSource(l Literal, done <-chan struct{}) *source {
	s := &source{r: l.open(), buf: chunks.Get().(*[chunkSize]byte)[:], done: done}
	switch s.r.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		s.direct = true
	}
	return s
}

// next reads the next piece of what is left. It is valid until the following call.
func (s *source) next(ctx context.Context, left int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	size := int64(chunkSize)
	if s.quick {
		size = largeChunk
	}
	size = min(size, left)
	if size > int64(len(s.buf)) {
		s.release()
		s.buf = largeChunks.Get().(*[largeChunk]byte)[:]
	}
	b, start := s.buf[:size], time.Now()
	err := s.fill(ctx, b)
	s.quick = time.Since(start) < quickPiece
	return b, err
}

// fill fills b. When it ends early because of ctx or the connection, b is still being read into.
func (s *source) fill(ctx context.Context, b []byte) error {
	if s.direct {
		_, err := io.ReadFull(s.r, b)
		return shortLiteral(err)
	}
	if s.asked == nil {
		s.asked, s.result = make(chan []byte), make(chan error, 1)
		go readPieces(s.r, s.asked, s.result)
	}
	s.asked <- b
	select {
	case err := <-s.result:
		return shortLiteral(err)
	case <-ctx.Done():
		s.buf = nil
		return context.Cause(ctx)
	case <-s.done:
		s.buf = nil
		return ErrClosed
	}
}

// readPieces is the goroutine that reads.
func readPieces(r io.Reader, asked <-chan []byte, result chan<- error) {
	for b := range asked {
		_, err := io.ReadFull(r, b)
		result <- err
	}
}

// end ends the goroutine, if it does not read, and gives back the buffer, if nothing is read into it.
func (s *source) end() {
	if s.asked != nil {
		close(s.asked)
	}
	s.release()
}

func (s *source) release() {
	switch len(s.buf) {
	case chunkSize:
		chunks.Put((*[chunkSize]byte)(s.buf))
	case largeChunk:
		largeChunks.Put((*[largeChunk]byte)(s.buf))
	}
	s.buf = nil
}

// ---- incoming

// frame is a logical response that is being read: its text up to scanned, counted from conn.r, and the literals that
// were read beside it. All of it survives an interrupted read, so that the next reader goes on where it ended.
type frame struct {
	line    int  // start of the physical line under way
	scanned int  // up to here the text was searched for a line end
	quoted  bool // that line begins inside a quoted string
	kept    int  // what takePart left of it
	lits    []literalData
	total   int64 // octets of all literals of the response
	inline  int   // octets of those that stand in the text
	body    []byte
	size    int64 // of the literal under way, 0 if none
	discard int64 // octets of a literal that nobody wants
	stream  int64 // octets left of a literal that is read by a Body
	hole    int   // octets of either that were consumed and still stand behind the text
}

const (
	// inlineLiteral is the largest literal that is kept in the text while it arrives.
	inlineLiteral = 4 << 10
	// trustedSize is how much memory an announced size is given before that much came.
	trustedSize = 1 << 20
	// keptLiterals is the capacity for literals of one response that is kept for the next.
	keptLiterals = 64
)

// idle reports whether no response is under way.
func (f *frame) idle() bool {
	return f.scanned == 0 && f.size == 0 && f.discard == 0 && f.stream == 0
}

// trim lets go of slices that a long response left behind.
func (f *frame) trim() {
	clear(f.lits)
	f.lits = f.lits[:0]
	if cap(f.lits) > keptLiterals {
		f.lits = nil
	}
}

// literalUse is what becomes of a literal that is too large to stand in the text.
type literalUse int

const (
	literalKeep literalUse = iota
	literalDiscard
	literalStream
)

// errStreaming says that the response goes on behind a literal that a Body reads.
var errStreaming = errors.New("a literal follows")

// readFrame reads one logical response and returns its text without the final line end. The text is valid until the
// next call. use says what becomes of large literals, nil keeps them. With peek it returns nil text when no whole
// response is in the buffer yet.
func (c *conn) readFrame(until time.Time, peek bool, use func(head []byte, size int64) literalUse) ([]byte, error) {
	f := &c.frame
	if f.idle() {
		f.trim()
	}
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
			return c.buf[c.r : c.r+f.scanned], errStreaming
		}
		c.takePart()
		if f.scanned-f.inline > c.limits.maxLine {
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

// partSize is from which length on a line is not kept until its end where somebody can take it in parts.
const partSize = 16 << 10

// takePart drops from the middle of a long line what somebody could take. What he left he sees again when twice as much is
// there. A trace shows the whole line, if MaxLine lets it come.
func (c *conn) takePart() {
	f := &c.frame
	if f.line > 0 || f.scanned < max(partSize, 2*f.kept) || c.part == nil || c.tracing() && f.scanned < c.limits.maxLine/2 {
		return
	}
	text := c.buf[c.r : c.r+f.scanned]
	from, to := c.part(text)
	n := max(to-from, 0)
	copy(text[n:], text[:from])
	c.r += n
	f.scanned -= n
	f.kept = f.scanned
}

// scanLine looks for the end of the response in the buffer; nil when more has to be read first.
func (c *conn) scanLine(use func([]byte, int64) literalUse) ([]byte, error) {
	f := &c.frame
	for {
		have := c.buf[c.r:c.w]
		if f.scanned > len(have) {
			return nil, nil // in the middle of an inline literal
		}
		i := bytes.IndexByte(have[f.scanned:], '\n')
		if i < 0 {
			f.scanned = len(have)
			return nil, nil
		}
		end := f.scanned + i + 1
		if f.line > 0 && !f.quoted && isBlankLine(have[f.line:end]) && isRow(have) {
			// A blank line between a literal and the rest of its row. What follows it tells whether the row goes on.
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
			if end-f.inline > c.limits.maxLine {
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

func (c *conn) lineTooLong() error {
	return &lostError{c.limits.exceeded("MaxLine", int64(c.limits.maxLine))}
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
func (c *conn) endFrame(end int) []byte {
	text := c.buf[c.r : c.r+end]
	c.r += end
	f := &c.frame
	f.line, f.scanned, f.kept, f.total, f.inline, f.quoted = 0, 0, 0, 0, 0, false
	text = text[:len(text)-1]
	for len(text) > 0 && text[len(text)-1] == '\r' {
		text = text[:len(text)-1] // some servers end lines with two
	}
	return text
}

// takeLiterals hands over the literals kept beside the response that was just read.
func (c *conn) takeLiterals() []literalData {
	return c.frame.lits
}

// endsInLiteral reports whether a line ends with a literal header.
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
	size, length := literalHeader(line[i:])
	return size, length > 0
}

// isStatusText reports whether a line ends in text for people, which may look like a literal header and is none.
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

// beginLiteral decides where the octets of a literal go, whose header ends the text read so far.
func (c *conn) beginLiteral(size int64, use func([]byte, int64) literalUse) error {
	f := &c.frame
	there := int64(c.w - c.r - f.scanned)
	if use != nil && size > 0 {
		switch use(c.buf[c.r:c.r+f.scanned], size) {
		case literalStream:
			f.lits = append(f.lits, literalData{at: f.scanned})
			f.stream = size
			return nil
		case literalDiscard:
			if size > inlineLiteral {
				f.lits = append(f.lits, literalData{at: f.scanned})
				f.discard = size
				return nil
			}
		}
	}
	if f.total += size; f.total > c.limits.maxLiteral || f.total < 0 {
		return &lostError{c.limits.exceeded("MaxLiteral", c.limits.maxLiteral)}
	}
	if size <= inlineLiteral || size <= there {
		f.scanned += int(size)
		f.line = f.scanned
		f.inline += int(size)
		return nil
	}
	f.size = size
	f.body = append(make([]byte, 0, min(size, trustedSize)), c.buf[c.r+f.scanned:c.w]...)
	c.w = c.r + f.scanned
	return nil
}

// finishLiteral reads the rest of the literal under way. With peek it does not wait and reports false instead.
func (c *conn) finishLiteral(until time.Time, peek bool) (bool, error) {
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
			f.lits = append(f.lits, literalData{f.scanned, f.body})
			f.size, f.body = 0, nil
			break
		}
		if len(f.body) == cap(f.body) {
			f.body = append(make([]byte, 0, min(f.size, 4*int64(cap(f.body)))), f.body...)
		}
		if rest := c.behind(); len(rest) > 0 {
			c.takeBeside(rest)
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

// takeBeside moves octets of the literal under way out of the buffer. They were read beside a write, after the reader of
// the literal had left it.
func (c *conn) takeBeside(rest []byte) {
	f := &c.frame
	n := copy(f.body[len(f.body):cap(f.body)], rest)
	f.body = f.body[:len(f.body)+n]
	c.w = c.r + f.scanned + copy(rest, rest[n:])
}

// behind is the text that came behind the consumed part of a literal.
func (c *conn) behind() []byte {
	f := &c.frame
	return c.buf[c.r+f.scanned+f.hole : c.w]
}

// consume drops n octets of a literal. The hole is closed once, when the literal ends or the buffer is used up.
func (c *conn) consume(n int, left *int64) {
	f := &c.frame
	f.hole += n
	*left -= int64(n)
	if rest := c.behind(); *left == 0 || len(rest) == 0 {
		c.w = c.r + f.scanned + copy(c.buf[c.r+f.scanned:], rest)
		f.hole = 0
	}
}

// discardSome drops octets of a literal that nobody wants.
func (c *conn) discardSome(until time.Time) error {
	if len(c.behind()) == 0 {
		if err := c.fill(until); err != nil {
			return err
		}
	}
	c.consume(int(min(c.frame.discard, int64(len(c.behind())))), &c.frame.discard)
	return nil
}

// holds reports whether another literal of that size may be kept with those of the response.
func (c *conn) holds(size int64) bool { return c.frame.total+size <= c.limits.maxLiteral }

// streaming reports whether octets of a streamed literal are left.
func (c *conn) streaming() bool { return c.frame.stream > 0 }

// dropStream discards what was not read of the streamed literal.
func (c *conn) dropStream() {
	c.frame.discard += c.frame.stream
	c.frame.stream = 0
}

// expectBody starts the clock of Options.Timeout if the next octets of the streamed literal have not come yet.
func (c *conn) expectBody() {
	if len(c.behind()) == 0 {
		c.expectAnswer()
	}
}

// readBody reads octets of the streamed literal into b.
func (c *conn) readBody(b []byte, until time.Time) (int, error) {
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
