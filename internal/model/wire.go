package model

import (
	"bytes"
	"strconv"
	"strings"
)

// A token is a word of a command: an atom, a string, or a list.
type token struct {
	text   string
	quoted bool // a string, not an atom
	list   []token
	isList bool
}

// frame returns the length of the command at the start of b, including literals, or 0 if it is incomplete. ask reports
// whether the server must send "+" to get the rest.
func frame(b []byte) (size int, ask bool) {
	pos := 0
	for {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			return 0, false
		}
		pos += i + 1
		n, plus, ok := literalAt(b[:pos])
		if !ok {
			return pos, false
		}
		if len(b) < pos+n {
			return 0, !plus && len(b) == pos
		}
		pos += n
	}
}

// literalAt parses "{n}" or "{n+}" at the end of a line.
func literalAt(line []byte) (size int, plus, ok bool) {
	s := strings.TrimRight(string(line), "\r\n")
	open := strings.LastIndexByte(s, '{')
	if open < 0 || !strings.HasSuffix(s, "}") {
		return 0, false, false
	}
	digits, plus := strings.CutSuffix(s[open+1:len(s)-1], "+")
	n, err := strconv.Atoi(digits)
	return n, plus, err == nil
}

// scan parses the words of a command.
func scan(b []byte) []token {
	list, _ := scanList(bytes.TrimSuffix(b, []byte("\r\n")))
	return list
}

func scanList(b []byte) (list []token, rest []byte) {
	for len(b) > 0 {
		switch b[0] {
		case ' ':
			b = b[1:]
		case ')':
			return list, b[1:]
		case '(':
			var inner []token
			inner, b = scanList(b[1:])
			list = append(list, token{list: inner, isList: true})
		case '"':
			var t token
			t, b = scanQuoted(b[1:])
			list = append(list, t)
		case '{':
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				return list, nil
			}
			n, _, _ := literalAt(b[:i+1])
			list = append(list, token{text: string(b[i+1 : i+1+n]), quoted: true})
			b = b[i+1+n:]
		default:
			n := atomLength(b)
			list = append(list, token{text: string(b[:n])})
			b = b[n:]
		}
	}
	return list, nil
}

func scanQuoted(b []byte) (token, []byte) {
	var text []byte
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			return token{text: string(text), quoted: true}, b[i+1:]
		case '\\':
			i++
		}
		if i < len(b) {
			text = append(text, b[i])
		}
	}
	return token{text: string(text), quoted: true}, nil
}

// atomLength returns the length of an atom; brackets may contain any bytes.
func atomLength(b []byte) int {
	depth := 0
	for i, c := range b {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth <= 0 && (c == ' ' || c == '(' || c == ')'):
			return max(i, 1)
		}
	}
	return len(b)
}

// A span is one range of a set; 0 stands for "*".
type span struct{ from, to uint32 }

func parseSet(s string) (set []span, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, ":")
		from, ok1 := parseNumber(a)
		to, ok2 := from, true
		if isRange {
			to, ok2 = parseNumber(b)
		}
		if !ok1 || !ok2 {
			return nil, false
		}
		set = append(set, span{from, to})
	}
	return set, true
}

func parseNumber(s string) (uint32, bool) {
	if s == "*" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n > 0
}

// contains reports whether a set contains n; last is the highest existing number.
func contains(set []span, n, last uint32) bool {
	for _, s := range set {
		from, to := s.from, s.to
		if from == 0 {
			from = last
		}
		if to == 0 {
			to = last
		}
		if min(from, to) <= n && n <= max(from, to) {
			return true
		}
	}
	return false
}
