package mimetext

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Param returns the value of a parameter (RFC 2231), in the first of these forms that is present: name*, the pieces name*0,
// name*1*, …, and name. It also decodes encoded words in any of them, although no standard allows them. name must be lower
// case; case and blanks are ignored in the names of params. The value is "" if there is no such parameter.
func (d Decoder) Param(params iter.Seq2[string, string], name string) string {
	f := formsOf(params, name)
	extended, known := d.extended(f.extended)
	if extended != "" && (known || f.plain == "") {
		return extended
	}
	if joined := d.join(f.pieces); joined != "" && (f.plain == "" || isWhole(f.pieces)) {
		return joined
	}
	if f.plain == "" {
		return ""
	}
	return d.plainValue(f.plain)
}

// forms holds the forms of a parameter that are present, not decoded.
type forms struct {
	plain, extended string
	pieces          []piece // by number, one for each number
}

// piece is one of the parts of a value.
type piece struct {
	number   int
	extended bool
	value    string
}

// formsOf returns the forms of a parameter. If a form is repeated, the first one that is not empty counts.
func formsOf(params iter.Seq2[string, string], name string) forms {
	var f forms
	for key, value := range params {
		suffix, ok := cutName(key, name)
		switch {
		case !ok:
		case suffix == "" && f.plain == "":
			f.plain = value
		case suffix == "*" && f.extended == "":
			f.extended = value
		case len(suffix) > 1:
			if p, ok := parsePiece(suffix[1:]); ok {
				p.value = value
				f.pieces = append(f.pieces, p)
			}
		}
	}
	// An extended piece precedes a plain one with the same number.
	slices.SortStableFunc(f.pieces, func(a, b piece) int {
		switch {
		case a.number != b.number:
			return a.number - b.number
		case a.extended == b.extended:
			return 0
		case a.extended:
			return -1
		}
		return 1
	})
	f.pieces = slices.CompactFunc(f.pieces, func(a, b piece) bool { return a.number == b.number })
	return f
}

// cutName returns the text after name in the name of a parameter: nothing, or an asterisk and more.
func cutName(key, name string) (suffix string, ok bool) {
	if len(key) < len(name) || !strings.EqualFold(key[:len(name)], name) {
		return "", false
	}
	suffix = strings.TrimLeft(key[len(name):], " \t")
	return suffix, suffix == "" || suffix[0] == '*'
}

// maxPieces bounds the numbers of pieces.
const maxPieces = 100_000

// parsePiece parses the number of a piece, and the asterisk after it.
func parsePiece(s string) (p piece, ok bool) {
	s = strings.Trim(s, " \t")
	s, p.extended = strings.CutSuffix(s, "*")
	for i := range len(s) {
		if !isDigit(s[i]) || p.number > maxPieces {
			return piece{}, false
		}
		p.number = p.number*10 + int(s[i]-'0')
	}
	return p, s != ""
}

// isWhole reports whether no piece is missing according to their numbers. Some programs count from one.
func isWhole(pieces []piece) bool {
	for i, p := range pieces {
		if p.number != pieces[0].number+i {
			return false
		}
	}
	return len(pieces) > 0 && pieces[0].number <= 1
}

// plainValue decodes a value that is not marked as extended.
func (d Decoder) plainValue(v string) string {
	if looksExtended(v) {
		value, _ := d.extended(v)
		return value
	}
	return d.Text(v)
}

// looksExtended reports whether a value has the extended form although its name has no asterisk, as some programs write it.
func looksExtended(v string) bool {
	charset, text, ok := splitExtended(v)
	return ok && strings.Contains(text, "%") && (charset == "" || resolve(charset).encoding != nil)
}

// extended decodes charset'language'text with percent-encoding. known is false if the character set is not known: the
// text is a guess then.
func (d Decoder) extended(v string) (text string, known bool) {
	if v == "" {
		return "", false
	}
	v = unquote(v)
	charset, text, ok := splitExtended(v)
	if !ok {
		text = v
	}
	return d.extendedBytes(charset, string(appendUnescaped(nil, unquote(text))))
}

// extendedBytes decodes bytes of a named character set, and encoded words, into which some programs put the text first.
func (d Decoder) extendedBytes(name, bytes string) (text string, known bool) {
	c := charset{}
	if name != "" {
		c = resolve(name)
	}
	known = c.encoding != nil || isASCII(bytes)
	if c.encoding == nil {
		c = guessCharset
	}
	if c.guess || c.utf8 {
		if strings.Contains(bytes, "=?") {
			return d.Text(bytes), known
		}
		return string(d.appendDeclared(make([]byte, 0, len(bytes)), c, bytes)), known
	}
	text = string(d.appendDeclared(make([]byte, 0, len(bytes)), c, bytes))
	if strings.Contains(text, "=?") {
		text = d.Text(text)
	}
	return text, known
}

// unquote removes the quotes that some programs put around an extended value or its text.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// splitExtended splits charset'language'text. With only one apostrophe, the language is missing, if the text before it is a
// character set.
func splitExtended(v string) (charset, text string, ok bool) {
	charset, _, found := strings.Cut(v[:min(len(v), maxName+1)], "'")
	if !found || !isToken(charset) {
		return "", "", false
	}
	rest := v[len(charset)+1:]
	language, _, found := strings.Cut(rest[:min(len(rest), maxName)], "'")
	switch {
	case found && isToken(language):
		return charset, rest[len(language)+1:], true
	case charset != "" && resolve(charset).encoding != nil:
		return charset, rest, true
	}
	return "", "", false
}

// isToken reports whether s may be the name of a character set or a language.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && !strings.ContainsRune("-_:.+ ", rune(c)) {
			return false
		}
	}
	return !strings.Contains(strings.Trim(s, " "), " ") && !strings.HasPrefix(s, ".")
}

// appendUnescaped decodes percent-encoding; a percent sign that does not begin a byte is kept.
func appendUnescaped(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}

// join returns the value of the pieces.
func (d Decoder) join(pieces []piece) string {
	if len(pieces) == 0 {
		return ""
	}
	if !slices.ContainsFunc(pieces, func(p piece) bool { return p.extended }) && !looksExtended(pieces[0].value) {
		var b strings.Builder
		for _, p := range pieces {
			b.WriteString(p.value)
		}
		return d.Text(b.String())
	}
	charset, bytes := joinExtended(pieces)
	text, _ := d.extendedBytes(charset, bytes)
	return text
}

// joinExtended joins pieces some of which are extended. Escapes may be split between pieces, and the character set may be in
// a piece other than the first, or in each.
func joinExtended(pieces []piece) (charset, bytes string) {
	var out, escaped []byte
	prefix := ""
	for i, p := range pieces {
		v := p.value
		if p.extended || i == 0 {
			name, text, ok := splitExtended(v)
			head := v[:len(v)-len(text)]
			switch {
			case ok && prefix == "" && strings.Count(head, "'") == 2:
				charset, prefix, v = name, head, text
				p.extended = true
			case prefix != "":
				v = strings.TrimPrefix(v, prefix)
			}
		}
		if p.extended || isEscapedByte(v) {
			escaped = append(escaped, v...)
			continue
		}
		out = appendUnescaped(out, string(escaped))
		escaped = escaped[:0]
		out = append(out, v...)
	}
	return charset, string(appendUnescaped(out, string(escaped)))
}

// isEscapedByte reports whether v has an escaped byte above 127. Such a piece is extended even if it is not marked.
func isEscapedByte(v string) bool {
	for i := 0; i+2 < len(v); i++ {
		if v[i] == '%' && isHex(v[i+1]) && unhex(v[i+1]) >= 8 && isHex(v[i+2]) {
			return true
		}
	}
	return false
}
