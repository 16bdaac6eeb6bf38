package imap

import (
	"bytes"

	"github.com/go-imaplib/imap/internal/ascii"
)

// This file recognizes the quoted strings of servers that do not escape what is in them.

// runsIntoQuote reports whether the words after the blank at index i end with a quote, so that they are the rest of a quoted
// string in which quotes are not escaped: "a "b" c". No list of values has that, unless it lacks a blank behind NIL or a
// number.
func (p *parser) runsIntoQuote(i int) bool {
	if !p.quotesOnly || i+1 >= len(p.text) || p.text[i] != ' ' || p.text[i+1] == '"' || p.text[i+1] == '(' {
		return false
	}
	for first := true; ; first = false {
		for i < len(p.text) && p.text[i] == ' ' {
			i++
		}
		start := i
		for i < len(p.text) && atomChars[p.text[i]] {
			i++
		}
		switch word := p.text[start:i]; {
		case len(word) == 0, first && (ascii.IsDigit(word[0]) || ascii.EqualFold(word, "NIL")):
			return false
		case i == len(p.text) || p.text[i] != ' ':
			return i < len(p.text) && p.text[i] == '"'
		}
	}
}

// isLoneBackslash reports whether the next value is a backslash in quotes: the delimiter of a server that escapes nothing.
func (p *parser) isLoneBackslash() bool {
	rest := p.text[p.pos:]
	if len(rest) < 4 || string(rest[:3]) != `"\"` || rest[3] != ' ' && rest[3] != ')' {
		return false
	}
	p.tolerate("backslash that escapes nothing")
	return true
}

// hasLoneBackslash reports whether a value of the response is one: see isLoneBackslash.
func (p *parser) hasLoneBackslash() bool {
	return bytes.Contains(p.text, []byte(`"\" `)) || bytes.Contains(p.text, []byte(`"\")`))
}
