package mimetext

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// Decoder decodes text. The zero Decoder is ready to use; it may be used by several goroutines at once.
type Decoder struct {
	// Fallback decodes text that declares no character set and is not UTF-8. If it is nil, windows-1252 is used, in which
	// every byte is a character.
	Fallback encoding.Encoding
}

// Raw decodes text without encoded words: bytes that declare no character set.
func (d Decoder) Raw(s string) string {
	if isPlain(s) {
		return s
	}
	return string(d.appendRaw(make([]byte, 0, len(s)+len(s)/2), s))
}

// appendRaw appends text that declares no character set.
func (d Decoder) appendRaw(dst []byte, s string) []byte {
	s = joinSurrogates(s)
	switch {
	case hasJIS(s):
		out, _, _ := transform.String(&looseUTF8{}, s) // it has no errors
		return appendClean(dst, toValid(out), false)
	case utf8.ValidString(s):
		return appendClean(dst, s, false)
	case d.isUTF8(s):
		return d.appendMixed(dst, s)
	}
	if d.Fallback != nil {
		return appendClean(dst, decodeWith(d.Fallback, s), true)
	}
	return appendClean(dst, western(s), true)
}

// isUTF8 reports whether text without a declared character set is UTF-8: entirely, or with so few faults that it is not
// another character set in which some pairs of bytes look like UTF-8 by chance. Text that was cut has its only fault at its
// end.
func (d Decoder) isUTF8(s string) bool {
	good, bad, cut := countUTF8(s)
	switch {
	case bad == 0:
		return true
	case bad == 1 && cut && d.Fallback == nil:
		return good > 0
	}
	return good >= 2*bad
}

// appendMixed appends UTF-8 that is mixed with other bytes, as written by a program that combines texts of two others. Each
// run of other bytes is guessed separately. An incomplete character at the end of s becomes U+FFFD.
func (d Decoder) appendMixed(dst []byte, s string) []byte {
	from := 0 // start of a run of valid characters, or of other bytes
	sound := true
	flush := func(end int) {
		switch run := s[from:end]; {
		case sound:
			dst = appendClean(dst, run, false)
		case end == len(s) && !utf8.FullRuneInString(run):
			dst = utf8.AppendRune(dst, replacement)
		case d.Fallback != nil:
			dst = appendClean(dst, decodeWith(d.Fallback, run), true)
		default:
			dst = appendClean(dst, western(run), true)
		}
		from = end
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if ok := r != utf8.RuneError || size > 1; ok != sound || !ok && !utf8.FullRuneInString(s[i:]) {
			flush(i)
			sound = ok
			if !ok && !utf8.FullRuneInString(s[i:]) {
				break
			}
		}
		i += size
	}
	flush(len(s))
	return dst
}

// joinSurrogates joins pairs of surrogates that were each encoded as UTF-8 (CESU-8, from Java and Oracle).
func joinSurrogates(s string) string {
	if !strings.Contains(s, "\xed") {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if i+5 < len(s) && s[i] == 0xed && s[i+1]&0xf0 == 0xa0 && s[i+2]&0xc0 == 0x80 && s[i+3] == 0xed && s[i+4]&0xf0 == 0xb0 && s[i+5]&0xc0 == 0x80 {
			high, low := rune(s[i+1]&0x0f)<<6|rune(s[i+2]&0x3f), rune(s[i+4]&0x0f)<<6|rune(s[i+5]&0x3f)
			out = utf8.AppendRune(out, 0x10000+high<<10+low)
			i += 5
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// countUTF8 counts the characters of more than one byte and the bytes that are not UTF-8. An incomplete character at the end
// of s counts once, and cut reports whether there is one.
func countUTF8(s string) (good, bad int, cut bool) {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			good++
		case !utf8.FullRuneInString(s[i:]):
			return good, bad + 1, true
		default:
			bad++
		}
		i += size
	}
	return good, bad, false
}

// appendDeclared appends text of a known character set.
func (d Decoder) appendDeclared(dst []byte, c charset, s string) []byte {
	switch {
	case c.guess:
		return d.appendRaw(dst, s)
	case c.utf8 && utf8.ValidString(s):
		return appendClean(dst, withoutMarks(s), false)
	case c.utf8:
		s = joinSurrogates(s)
		if good, bad, _ := countUTF8(s); bad > 0 && good == 0 {
			return d.appendRaw(dst, s)
		}
		return appendClean(dst, withoutMarks(toValid(s)), false)
	case c == iso2022jp && !isASCII(s) && utf8.ValidString(s):
		return appendClean(dst, s, false) // its only bytes above 127 are half-width letters, which are not UTF-8
	}
	return appendClean(dst, withoutMarks(decodeWith(c.encoding, s)), false)
}

// withoutMarks removes byte order marks; each encoded word may have one.
func withoutMarks(s string) string { return strings.ReplaceAll(s, "\uFEFF", "") }

func toValid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// decodeWith decodes s. The decoders of known character sets do not fail; if one does, its bytes are kept as far as they are
// text.
func decodeWith(e encoding.Encoding, s string) string {
	if e == windows1252 {
		return western(s)
	}
	out, n, err := transform.String(e.NewDecoder(), s)
	if err != nil {
		out += western(s[n:])
	}
	return toValid(out)
}

// western decodes windows-1252.
func western(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/2)
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(westernRune(s[i]))
		}
	}
	return b.String()
}

// Clean returns s as one line of text: folding is undone, any other CR or LF and a tab become a blank; bytes that are not
// UTF-8 and other control characters become U+FFFD.
func Clean(s string) string {
	if isPlain(s) {
		return s
	}
	return string(appendClean(make([]byte, 0, len(s)), toValid(s), false))
}

// appendClean appends s, which must be valid UTF-8, as one line. With guessed it keeps the five controls that represent
// bytes that windows-1252 does not define.
func appendClean(dst []byte, s string, guessed bool) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\r' || c == '\n':
			j := i + 1
			for j < len(s) && (s[j] == '\r' || s[j] == '\n') {
				j++
			}
			if i = j; j == len(s) || s[j] != ' ' && s[j] != '\t' {
				dst = append(dst, ' ')
			}
		case c == '\t':
			dst = append(dst, ' ')
			i++
		case c < ' ' || c == 0x7f:
			dst = append(dst, "\uFFFD"...)
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if clean := cleanRune(r, guessed); clean != r || r == utf8.RuneError {
				dst = utf8.AppendRune(dst, clean)
			} else {
				dst = append(dst, s[i:i+size]...)
			}
			i += size
		}
	}
	return dst
}

// cleanRune replaces line breaks and characters that control a terminal.
func cleanRune(r rune, guessed bool) rune {
	switch {
	case r == 0x85 || r == 0x2028 || r == 0x2029:
		return ' '
	case r > 0x9f || guessed && (r == 0x81 || r == 0x8d || r == 0x8f || r == 0x90 || r == 0x9d):
		return r
	}
	return utf8.RuneError
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// standsForItself reports whether s is printable ASCII without "=", so that no encoded word begins in it. It checks eight
// bytes at a time.
func standsForItself(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// The high bit of a byte is set if it is above 127, below the blank, DEL or "=".
		del, equals := x^0x7f*lowBits, x^'='*lowBits
		if (x|(x-0x20*lowBits)|(del-lowBits)&^del|(equals-lowBits)&^equals)&highBits != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '=' {
			return false
		}
	}
	return true
}

// isPlain reports whether s is printable ASCII. It checks eight bytes at a time.
func isPlain(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// The high bit of a byte is set if it is above 127, below the blank, or DEL.
		if del := x ^ 0x7f*lowBits; (x|(x-0x20*lowBits)|(del-lowBits)&^del)&highBits != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
