package wire

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pieces is a stream that delivers a text in pieces. It counts the bytes that the connection moves in its buffers: all that
// it holds, whenever that does not end where the last piece was put.
type pieces struct {
	c       *Conn
	text    string
	size    int   // of a piece, at most
	last    *byte // of the last piece
	moved   int
	longest int // buffer
	reads   int
}

var testConfig = Config{
	Limits:   Limits{Timeout: 2 * time.Minute, MaxLine: 64 << 20, MaxLiteral: 1 << 30, MaxBuffered: 16 << 20, MaxDepth: 100},
	Exceeded: func(name string, limit int64) error { return fmt.Errorf("more than %s of %d", name, limit) },
}

// newPieces makes a connection that reads them.
func newPieces(text string, size int) *pieces {
	p := &pieces{text: text, size: size}
	p.c = New(p, testConfig)
	return p
}

func (p *pieces) Read(b []byte) (int, error) {
	held := p.c.buf[p.c.r:p.c.w]
	if p.c.frame.size > 0 {
		held = p.c.frame.body
	}
	if len(held) > 0 && &held[len(held)-1] != p.last {
		p.moved += len(held)
	}
	p.longest = max(p.longest, len(p.c.buf))
	p.reads++
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.text)
	p.text = p.text[n:]
	p.last = &b[n-1]
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error)     { return len(b), nil }
func (p *pieces) Close() error                    { return nil }
func (p *pieces) SetReadDeadline(time.Time) error { return nil }

// frames reads all responses and returns their number.
func (p *pieces) frames(t *testing.T) int {
	for n := 0; ; n++ {
		if _, err := p.c.ReadFrame(time.Time{}, false, nil); err != nil {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			return n
		}
	}
}

// TestBytesAreMovedSeldom: however small the pieces of a response are, the buffered data is not moved for each of them, and
// consumed data makes room for new data.
func TestBytesAreMovedSeldom(t *testing.T) {
	for name, test := range map[string]struct {
		size  int // of a piece
		text  string
		times int
	}{
		"a long line":    {1000, "* OK " + strings.Repeat("x", 8<<20) + "\r\n", 1},
		"long lines":     {1000, "* OK " + strings.Repeat("x", 90_000) + "\r\n", 100},
		"lines":          {1000, "* OK " + strings.Repeat("x", 20_000) + "\r\n", 400},
		"short lines":    {70, "* 1 EXISTS\r\n", 50_000},
		"bodies":         {1 << 20, "* 1 FETCH (UID 7 BODY[] {20480}\r\n" + strings.Repeat("x", 20480) + ")\r\n", 400},
		"a literal":      {64 << 10, "* 1 FETCH (BODY[] {16777216}\r\n" + strings.Repeat("x", 16<<20) + ")\r\n", 1},
		"literals":       {1000, "* 1 FETCH (BODY[] {100000}\r\n" + strings.Repeat("x", 100_000) + ")\r\n", 80},
		"small literals": {1000, "* 1 FETCH (BODY[] {4000}\r\n" + strings.Repeat("x", 4000) + ")\r\n", 1000},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPieces(strings.Repeat(test.text, test.times), test.size)
			total := len(p.text)
			assert.Equal(t, test.times, p.frames(t))
			t.Logf("%.2f moves of each octet, a buffer of %d", float64(p.moved)/float64(total), p.longest)
			assert.LessOrEqual(t, p.moved, 2*total)
			assert.LessOrEqual(t, p.longest, max(wideSize, 4*len(test.text)))
		})
	}
}

// TestBodiesInLongReads: where the server is ahead, bodies take few Reads. Without the wide buffer, or without moving the
// head of a row to its start, each takes one or two.
func TestBodiesInLongReads(t *testing.T) {
	const size, times = 20_480, 400
	p := newPieces(strings.Repeat(fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", size, strings.Repeat("x", size)), times), 1<<20)
	assert.Equal(t, times, p.frames(t))
	assert.Less(t, p.reads, times/2)
	assert.Equal(t, wideSize, len(p.c.buf))
	p.c.releaseBuffer()
	assert.False(t, p.c.wide)
}

// TestBodyInSmallReads: a Body that is read in small pieces from a full buffer does not move the rest for each.
func TestBodyInSmallReads(t *testing.T) {
	const size = 30_000
	p := newPieces("* 1 FETCH (BODY[] {30000}\r\n"+strings.Repeat("x", size)+")\r\n", 1<<20)
	c := p.c
	_, err := c.ReadFrame(time.Time{}, false, func([]byte, int64) LiteralUse { return StreamLiteral })
	require.Equal(t, ErrStreaming, err)
	moved, b := 0, make([]byte, 10)
	for range size / len(b) {
		after := c.behind()[len(b):]
		n, err := c.ReadBody(b, time.Time{})
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		if rest := c.behind(); len(rest) > 0 && &rest[0] != &after[0] {
			moved += len(rest)
		}
	}
	assert.LessOrEqual(t, moved, size)
	text, err := c.ReadFrame(time.Time{}, false, nil)
	require.NoError(t, err)
	assert.Equal(t, "* 1 FETCH (BODY[] {30000}\r\n)", string(text))
}

// TestScannedOnce: bytes that were searched for the end of a line are not searched again when more of the line arrives. A
// line end written there later is not noticed.
func TestScannedOnce(t *testing.T) {
	for name, head := range map[string]string{"a line": "* OK ", "a line behind a literal": "* 1 FETCH (BODY[] {3}\r\nabc X "} {
		t.Run(name, func(t *testing.T) {
			p := newPieces(head+strings.Repeat("x", 1000), 100)
			_, err := p.c.ReadFrame(time.Time{}, false, nil)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			c := p.c
			c.buf[c.r+len(head)] = '\n'
			c.readErr, p.text = nil, "end\r\n"
			text, err := c.ReadFrame(time.Time{}, false, nil)
			require.NoError(t, err)
			assert.Len(t, text, len(head)+1000+len("end"))
		})
	}
}

// TestPartsAreShownSeldom: the part of a long line that no command can consume yet is not offered again for each piece of
// it.
func TestPartsAreShownSeldom(t *testing.T) {
	for name, take := range map[string]func(text []byte) (from, to int){
		"nothing can be taken":         func([]byte) (from, to int) { return 0, 0 },
		"little can be taken":          func(text []byte) (from, to int) { return len(text) - 1, len(text) },
		"little of what came is left":  func(text []byte) (from, to int) { return 9, len(text) },
		"what comes late can be taken": func(text []byte) (from, to int) { return min(len(text), 1<<20), len(text) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPieces("* SEARCH "+strings.Repeat("1 ", 2<<20)+"\r\n", 1000)
			total, shown := len(p.text), 0
			p.c.TakePart = func(text []byte) (from, to int) {
				shown += len(text)
				return take(text)
			}
			assert.Equal(t, 1, p.frames(t))
			t.Logf("%.2f looks at each octet, %.2f moves", float64(shown)/float64(total), float64(p.moved)/float64(total))
			assert.LessOrEqual(t, shown, 3*total)
			assert.LessOrEqual(t, p.moved, 5*total)
		})
	}
}

// TestSmallBufferIsLeft: data that does not fit into the small buffer of IDLE is read with a large one, not in small
// pieces.
func TestSmallBufferIsLeft(t *testing.T) {
	p := newPieces(strings.Repeat("* 1 EXISTS\r\n", 1000), bufferSize)
	p.c.Rest()
	assert.Equal(t, 1000, p.frames(t))
	assert.Equal(t, 3, p.reads)
}
