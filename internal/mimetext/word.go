package mimetext

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Text decodes the text of a header field or of a display name: encoded words (RFC 2047) and bytes above 127 without a
// declared character set. Encoded words of one character set that are separated only by blanks are joined before they
// are decoded, because programs split characters, escapes and base64 at any place. A word with an unknown character set
// or encoding is not changed.
func (d Decoder) Text(s string) string {
	if standsForItself(s) {
		return s
	}
	s = afterFolding(s)
	i := strings.Index(s, "=?")
	if i < 0 {
		return d.Raw(s)
	}
	var room [4]encodedWord
	t := text{Decoder: d, out: make([]byte, 0, len(s)), words: room[:0]}
	plain := 0 // start of the text after the last word
	for i < len(s) {
		word, n := parseWord(s[i:])
		if n > 0 {
			if between := s[plain:i]; len(t.words) == 0 || !allBlank(between) {
				t.plain(between)
			}
			word.whole = s[i : i+n]
			t.word(word)
			i += n
			plain = i
		} else {
			i += 2
		}
		next := strings.Index(s[i:], "=?")
		if next < 0 {
			break
		}
		i += next
	}
	t.plain(s[plain:])
	t.flush()
	return string(t.out)
}

// afterFolding removes folding at the start of a field whose first line is empty.
func afterFolding(s string) string {
	if s == "" || s[0] > ' ' {
		return s
	}
	rest := strings.TrimLeft(s, " \t\r\n")
	if blanks := s[:len(s)-len(rest)]; strings.Contains(blanks, "\n ") || strings.Contains(blanks, "\n\t") {
		return rest
	}
	return s
}

func allBlank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }

// text holds the text decoded so far, and a run of words that follows it and is not decoded yet.
type text struct {
	Decoder
	out     []byte
	charset charset
	words   []encodedWord
}

// encodedWord holds the parts of an encoded word, not decoded.
type encodedWord struct {
	charset charset
	base64  bool
	text    string
	whole   string // with its delimiters
}

func (t *text) plain(s string) {
	if s != "" {
		t.flush()
		t.out = t.appendRaw(t.out, s)
	}
}

func (t *text) word(w encodedWord) {
	if len(t.words) > 0 && t.charset != w.charset {
		t.flush()
	}
	t.charset = w.charset
	t.words = append(t.words, w)
}

// flush decodes the words of the run.
func (t *text) flush() {
	if len(t.words) == 0 {
		return
	}
	if bytes := t.bestBytes(); bytes != "" {
		t.out = t.appendDeclared(t.out, t.charset, bytes)
	} else {
		t.keepUnread()
	}
	t.words = t.words[:0]
}

// keepUnread keeps the words of the run unchanged if they are not empty but nothing in them can be decoded.
func (t *text) keepUnread() {
	for _, w := range t.words {
		if strings.Trim(w.text, "= ") != "" {
			t.out = t.appendRaw(t.out, w.whole)
		}
	}
}

// bestBytes returns the bytes of the run. If base64 ends inside a group of four, either padding is missing or the group
// continues in the next word. Usually the bits show which; otherwise the interpretation with fewer faults is chosen.
func (t *text) bestBytes() string {
	size := 0
	for i := range t.words {
		size += len(t.words[i].text)
	}
	best := string(appendWords(make([]byte, 0, size), t.words, joinByBits))
	if !slices.ContainsFunc(t.words, func(w encodedWord) bool { return w.base64 }) {
		return best
	}
	faults := t.faults(best)
	for _, join := range [...]joining{joinNever, joinAlways} {
		if faults == 0 {
			break
		}
		if other := string(appendWords(nil, t.words, join)); other != best {
			if n := t.faults(other); n < faults {
				best, faults = other, n
			}
		}
	}
	return best
}

// faults counts the invalid characters in bytes of the character set of the run.
func (t *text) faults(bytes string) int {
	if t.charset.utf8 || t.charset.guess {
		bad := 0
		if !utf8.ValidString(bytes) {
			_, bad, _ = countUTF8(bytes)
		}
		return bad + strings.Count(bytes, "\x00")
	}
	return strings.Count(decodeWith(t.charset.encoding, bytes), "\uFFFD")
}

// joining selects how to treat bits that are left at the end of base64.
type joining int

const (
	joinByBits joining = iota // bits that are not zero belong to the next word
	joinNever                 // each word, and the text after padding, starts a new group
	joinAlways
)

// appendWords appends the bytes of words.
func appendWords(dst []byte, words []encodedWord, join joining) []byte {
	var bits base64Bits
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.base64 {
			dst = bits.append(dst, w.text, join)
			bits.end(join)
			continue
		}
		bits = base64Bits{}
		s := w.text
		for i+1 < len(words) && !words[i+1].base64 && escapeCut(s, words[i+1].text) {
			// The rest of the escape is in the next word: complete the escape with it, and continue after it.
			n := missing(s)
			dst = appendQ(dst, s+words[i+1].text[:n])
			i++
			s = words[i].text[n:]
		}
		dst = appendQ(dst, s)
	}
	return dst
}

// missing returns how many digits are missing at the end of s for an escape of the Q encoding.
func missing(s string) int {
	switch n := len(s); {
	case n > 0 && s[n-1] == '=':
		return 2
	case n > 1 && s[n-2] == '=' && isHex(s[n-1]):
		return 1
	}
	return 0
}

// escapeCut reports whether an escape of the Q encoding starts in s and ends in next.
func escapeCut(s, next string) bool {
	n := missing(s)
	if n == 0 || len(next) < n {
		return false
	}
	for i := range n {
		if !isHex(next[i]) {
			return false
		}
	}
	return true
}

// base64Bits holds the bits of an incomplete group of base64.
type base64Bits struct {
	bits  uint32
	count int
}

// append decodes base64 of any alphabet, ignoring bytes that are neither a digit nor padding.
func (b *base64Bits) append(dst []byte, s string, join joining) []byte {
	for i := range len(s) {
		c := s[i]
		switch c {
		case '=':
			b.end(join)
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		v := base64Value(c)
		if v >= 64 {
			continue
		}
		b.bits = b.bits<<6 | uint32(v)
		if b.count += 6; b.count >= 8 {
			b.count -= 8
			dst = append(dst, byte(b.bits>>b.count))
			b.bits &= 1<<b.count - 1
		}
	}
	return dst
}

// end drops the bits that are left at the end of a word or its padding, unless they belong to the next word.
func (b *base64Bits) end(join joining) {
	if join == joinNever || join == joinByBits && b.bits == 0 && b.count != 6 {
		*b = base64Bits{}
	}
}

// appendQ decodes the Q encoding. An equals sign that does not begin a byte is kept; at the end of a line it joins the
// line to the next, as in quoted-printable.
func appendQ(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case c == '=' && i+2 < len(s) && s[i+1] == '\r' && s[i+2] == '\n':
			for i += 2; i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '\t'); {
				i++
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool {
	return isDigit(c) || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// parseWord parses an encoded word at the start of s, "=?", and returns its length. The length is 0 if there is no word
// with a known character set and encoding. A word without its end, because the text was cut, ends with the text.
func parseWord(s string) (encodedWord, int) {
	name, encoding, n := wordHead(s)
	if n == 0 {
		return encodedWord{}, 0
	}
	var w encodedWord
	switch {
	case isWord(encoding, "b", "base64", "base-64"):
		w.base64 = true
	case !isWord(encoding, "q", "qp", "quoted-printable", "quoted_printable", "quotedprintable"):
		return encodedWord{}, 0
	}
	w.charset = guessCharset
	if name != "" {
		if w.charset = resolve(name); w.charset.encoding == nil {
			return encodedWord{}, 0
		}
	}
	end, closed := wordEnd(s[n:], w.base64)
	w.text = s[n : n+end]
	n += end
	if closed {
		n += len("?=")
	} else if w.text = strings.TrimRight(w.text, "? \t\r\n"); w.text == "" || strings.ContainsAny(w.text, " \t\r\n") {
		return encodedWord{}, 0
	}
	if w.base64 && isEscaped(w.text) {
		w.base64 = false
	}
	return w, n
}

func isWord(s string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return true
		}
	}
	return false
}

// maxEncoding bounds the length of the name of an encoding, which should be B or Q.
const maxEncoding = len("quoted-printable")

// charsetParam is a prefix that some programs put before the name of a character set.
const charsetParam = "charset="

// wordHead parses "=?charset?encoding?" and returns its length, or 0 if s does not begin with it. It ignores the language of
// RFC 2231 section 5.
func wordHead(s string) (charset, encoding string, n int) {
	charset, _, ok := strings.Cut(s[2:min(len(s), 2+maxName+maxName)], "?")
	name := charset
	if n := len(charsetParam); len(name) > n && strings.EqualFold(name[:n], charsetParam) {
		name = name[n:]
	}
	if !ok || strings.ContainsAny(name, "=\r\n()<>") {
		return "", "", 0
	}
	at := 2 + len(charset) + 1
	rest := s[at:min(len(s), at+maxEncoding+1)]
	encoding, _, ok = strings.Cut(rest, "?")
	n = at + len(encoding) + 1
	if encoding = strings.Trim(encoding, " \t"); !ok || encoding == "" {
		return "", "", 0
	}
	for i := range len(encoding) {
		if c := encoding[i] | 0x20; (c < 'a' || c > 'z') && !isDigit(encoding[i]) && encoding[i] != '-' && encoding[i] != '_' {
			return "", "", 0
		}
	}
	name, _, _ = strings.Cut(name, "*")
	return strings.Trim(name, " \t'\""), encoding, n
}

// wordEnd finds the "?=" that ends the text of an encoded word. Without it the text ends before the next word,
// or with s, and closed is false.
func wordEnd(s string, base64 bool) (end int, closed bool) {
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '?')
		if j < 0 {
			return len(s), false
		}
		i += j
		switch {
		case i+1 < len(s) && s[i+1] == '=':
			if base64 || !escapeFollows(s[i:]) {
				return i, true
			}
		case i > 0 && s[i-1] == '=':
			if _, _, n := wordHead(s[i-1:]); n > 0 {
				return i - 1, false
			}
		}
	}
}

// maxTail is how far the end of a word is searched after a question mark that may be text.
const maxTail = 200

// escapeFollows reports whether the "?=" at the start of s is not the end of a word, but a question mark that was not
// encoded, followed by an escape: the escape is complete, and the end of the word follows without a blank.
func escapeFollows(s string) bool {
	if len(s) < 6 || !isHex(s[2]) || !isHex(s[3]) {
		return false
	}
	tail := s[4:min(len(s), maxTail)]
	i := strings.Index(tail, "?=")
	return i >= 0 && !strings.ContainsAny(tail[:i], " \t\r\n") && !strings.Contains(tail[:i], "=?")
}

// isEscaped reports whether text that is declared as base64 is in the Q encoding: it has escapes, and either characters that
// base64 does not have or an equals sign where padding cannot be.
func isEscaped(s string) bool {
	digits, foreign, escapes, misplaced := 0, false, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case base64Value(c) < 64:
			digits++
		case c == '=':
			if i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
				escapes = true
				misplaced = misplaced || digits%4 < 2
			}
		case c > ' ' && c < utf8.RuneSelf && c != '-' && c != '_':
			foreign = true
		}
	}
	return escapes && (foreign || misplaced)
}
