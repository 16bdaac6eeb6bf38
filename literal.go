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
)

var errShortLiteral = errors.New("the reader of a literal ended before its announced size; the connection is closed")

func shortLiteral(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShortLiteral
	}
	return fmt.Errorf("reading a literal to send: %w", err)
}

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Literal is message data of a known size (RFC 9051 section 4.3). Exactly Size bytes are sent. If the reader fails or ends
// early, the connection is closed: the announced size must be sent, and padding would store a corrupt message. A reader
// that has more than Size bytes is not read any further. If the Size of a Literal made by LiteralBytes or LiteralString was
// changed, the call fails and nothing is sent. A reader that blocks does not keep a call from returning when its ctx ends;
// its Read may then still be running after the call has returned.
type Literal struct {
	R    io.Reader
	Size int64 // bytes
}

// LiteralBytes returns a Literal with the data b, which must not be modified during the call. It can be sent more than once.
func LiteralBytes(b []byte) Literal { return Literal{bytesReader(b), int64(len(b))} }

// LiteralString returns a Literal with the data s. It can be sent more than once.
func LiteralString(s string) Literal { return Literal{bytesReader(s), int64(len(s))} }

// bytesReader holds fixed data. It is read through open, so that one value can be sent more than once.
type bytesReader []byte

func (b bytesReader) Read(p []byte) (int, error) {
	return 0, errors.New("imap: the reader of LiteralBytes and LiteralString is for the library only")
}

// open returns the reader of the literal; for a bytesReader a new one that reads from the start.
func (l Literal) open() io.Reader {
	if b, ok := l.R.(bytesReader); ok {
		return bytes.NewReader(b)
	}
	return l.R
}

// check fails for a literal whose size cannot be right.
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

// LiteralFrom returns a Literal with the unread data of r. Its size comes from r's Len method, from Stat for regular files,
// or from Seek; LiteralFrom fails if r has none of them, because IMAP needs the size first.
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

// literalFromSeeker measures the data after the current position.
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

// source reads the literal of a caller in pieces. A reader that may block is read by a goroutine, so that the call can
// return when its ctx ends or the connection is closed. The goroutine ends on end, or after the Read in progress then.
type source struct {
	r      io.Reader
	direct bool   // the reader does not block
	buf    []byte // its size is chunkSize or largeChunk
	quick  bool   // the last read took at most quickPiece, so the next piece may be large
	asked  chan []byte
	result chan error
	panics chan any // what a Read panicked with
	done   <-chan struct{}
}

const (
	// largeChunk is the size of a piece from a reader that does not keep the server waiting.
	largeChunk = 4 * chunkSize
	// quickPiece is the longest time that such a reader takes for one piece.
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

// next reads the next piece of the remaining left bytes. It is valid until the next call.
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

// fill fills b. If it returns early because ctx ended or the connection was closed, the goroutine may still write to b.
func (s *source) fill(ctx context.Context, b []byte) error {
	if s.direct {
		_, err := io.ReadFull(s.r, b)
		return shortLiteral(err)
	}
	if s.asked == nil {
		s.asked, s.result, s.panics = make(chan []byte), make(chan error, 1), make(chan any, 1)
		go s.readPieces(s.asked)
	}
	s.asked <- b
	select {
	case err := <-s.result:
		return shortLiteral(err)
	case value := <-s.panics:
		panic(value)
	case <-ctx.Done():
		s.buf = nil
		return context.Cause(ctx)
	case <-s.done:
		s.buf = nil
		return ErrClosed
	}
}

// errReaderExited reports that a Read ended its goroutine, as FailNow of a test does.
var errReaderExited = errors.New("the reader of a literal ended its goroutine (runtime.Goexit); the connection is closed")

// readPieces reads pieces on request, in a goroutine of its own. A panic of the reader is passed to the caller.
func (s *source) readPieces(asked <-chan []byte) {
	reading := false
	defer func() {
		if value := recover(); value != nil {
			s.panics <- value
		} else if reading {
			s.result <- errReaderExited
		}
	}()
	for b := range asked {
		reading = true
		_, err := io.ReadFull(s.r, b)
		reading = false
		s.result <- err
	}
}

// end stops the goroutine unless a Read is in progress, and returns the buffer to the pool unless it is still in use.
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

// LiteralText returns a Literal with a message whose lines may end with a bare LF or CR: every line, also the last one, is
// sent with CRLF, as Append requires. Cyrus refuses messages with other line endings. The text is copied if that changes
// anything; use LiteralBytes for a message that must be stored byte for byte.
func LiteralText(text []byte) Literal { return LiteralBytes(canonicalLines(text)) }

// canonicalLines returns text with CRLF at the end of each line.
func canonicalLines(text []byte) []byte {
	more := missingLineEnds(text)
	if more == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+more)
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\r\n")
		if i < 0 {
			i = len(text)
		}
		out = append(append(out, text[:i]...), "\r\n"...)
		if text = text[i:]; bytes.HasPrefix(text, crlf) {
			text = text[2:]
		} else if len(text) > 0 {
			text = text[1:]
		}
	}
	return out
}

var crlf = []byte("\r\n")

// missingLineEnds returns the number of bytes that canonicalLines adds.
func missingLineEnds(text []byte) int {
	n := 0
	for i, c := range text {
		switch {
		case c == '\n' && (i == 0 || text[i-1] != '\r'), c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			n++
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' && text[len(text)-1] != '\r' {
		n += 2
	}
	return n
}

// chunkSize is the size of the pieces in which literals are sent. Each piece that is sent restarts the timeout.
const chunkSize = 64 << 10
