package wire

import (
	"github.com/go-imaplib/imap/internal/ascii"
)

// lineEnd is the meaning of a line break in a response.
type lineEnd int

const (
	endsResponse lineEnd = iota
	insideQuotes         // a header field that the server did not unfold (GreenMail)
	unknownEnd           // the beginning of the next line has not arrived yet
)

// endOfLine returns the meaning of the line break before index end of have. It is inside quotes only in a FETCH response
// with an open quoted string at the end of the line, and only if the next line cannot be a response, so that no response is
// lost because of a quote that a server did not escape.
func (c *Conn) endOfLine(have []byte, end int) lineEnd {
	begins := beginsResponse(have[end:])
	if begins == yes || c.QuoteOpen == nil || !isRow(have) || !c.QuoteOpen(have[c.frame.line:end], c.frame.quoted) {
		return endsResponse
	}
	if begins == unknown {
		return unknownEnd
	}
	return insideQuotes
}

// answer is the answer to a question about a line that is incomplete.
type answer int

const (
	no answer = iota
	yes
	unknown
)

// beginsResponse reports whether b begins a response: untagged, a continuation, or one with a tag of the form that nextTag
// makes.
func beginsResponse(b []byte) answer {
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
