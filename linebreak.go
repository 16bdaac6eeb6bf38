package imap

import (
	"bytes"

	"github.com/go-imaplib/imap/internal/ascii"
)

// lineEnd is what a line break in a response is.
type lineEnd int

const (
	endsResponse lineEnd = iota
	insideQuotes         // a header field that the server did not unfold (GreenMail)
	unknownEnd           // the beginning of the next line has to come first
)

// endOfLine finds out what the line break before index end of have is. Only a row is looked at whose quoted string is
// open at the end of its line, and it goes on only where the next line can be no response; so no response is lost for
// the sake of a quote that another server did not escape.
func (c *conn) endOfLine(have []byte, end int) lineEnd {
	begins := beginsResponse(have[end:])
	if begins == yes || c.quoteOpen == nil || !isRow(have) || !c.quoteOpen(have[c.frame.line:end], c.frame.quoted) {
		return endsResponse
	}
	if begins == unknown {
		return unknownEnd
	}
	return insideQuotes
}

// truth is what is known of a line of which not all bytes are there yet.
type truth int

const (
	no truth = iota
	yes
	unknown
)

// beginsResponse reports whether a response begins with b: untagged, a continuation, or one with a tag as nextTag makes
// them.
func beginsResponse(b []byte) truth {
	if len(b) >= 2 && b[0] == '*' && b[1] == ' ' {
		return yes
	}
	switch {
	case len(b) == 0 || len(b) == 1 && (b[0] == '*' || b[0] == '+' || b[0] == 'A'):
		return unknown
	case b[0] == '+' && (b[1] == ' ' || b[1] == '\r' || b[1] == '\n'):
		return yes
	case b[0] != 'A' || !ascii.IsDigit(b[1]):
		return no
	}
	for i := 2; i < len(b); i++ {
		if b[i] == ' ' {
			return yes
		}
		if !ascii.IsDigit(b[i]) || i > maxTag {
			return no
		}
	}
	return unknown
}

// maxTag is more than the length of any tag.
const maxTag = 16

// quoteOpen reports whether a quoted string is open at the end of line, as a parser reads it. inside tells whether one is
// at its beginning.
func quoteOpen(line []byte, inside bool) bool {
	p := parser{text: line}
	if inside {
		p.pos = -1 // of the quote
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
