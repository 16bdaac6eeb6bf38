package imap

import "bytes"

// LiteralText makes a Literal of a message whose lines may end with LF or CR alone: each line is sent with CRLF, the last one
// too, as Append wants it. Cyrus refuses messages with other line ends. The text is copied where that changes anything, so
// that the size is known; use LiteralBytes for a message that must be stored byte for byte.
func LiteralText(text []byte) Literal { return LiteralBytes(canonicalLines(text)) }

// canonicalLines ends each line with CRLF.
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

// missingLineEnds counts the bytes that canonicalLines adds.
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
