package mimetext

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// TextReader returns a reader that converts r from a character set to UTF-8.
func TextReader(charset string, r io.Reader) io.Reader {
	return transform.NewReader(r, Transformer(charset))
}

// Transformer returns a transformer from a character set to UTF-8. For an unknown set, and for one whose name is loose (see
// IsLoose), valid UTF-8 is kept, text after an escape sequence of ISO-2022-JP is decoded as such, and any other byte is taken
// for Windows-1252.
func Transformer(charset string) transform.Transformer {
	if enc := Lookup(charset); enc != nil && !IsLoose(charset) {
		return enc.NewDecoder()
	}
	return &looseUTF8{}
}

// Transformer is like the function Transformer, for a text in memory: text that is not UTF-8 is decoded with
// d.Fallback.
func (d Decoder) Transformer(charset string, text []byte) transform.Transformer {
	c := resolve(charset)
	if d.Fallback == nil || c.encoding != nil && !c.utf8 && !c.guess {
		return Transformer(charset)
	}
	s := string(text)
	if good, bad, _ := countUTF8(s); c.utf8 && (good > 0 || bad == 0) || d.isUTF8(s) {
		return Transformer(charset)
	}
	return d.Fallback.NewDecoder()
}

// looseUTF8 keeps valid UTF-8, decodes ISO-2022-JP, and converts any other byte from Windows-1252.
type looseUTF8 struct {
	jis *iso2022Decoder // nil before the first escape sequence
}

// Reset implements transform.Transformer.
func (l *looseUTF8) Reset() { l.jis = nil }

// Transform implements transform.Transformer.
func (l *looseUTF8) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) && l.jis == nil {
		if src[nSrc] == esc {
			found, more := beginsJIS(src[nSrc:])
			if more && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			if found {
				l.jis = &iso2022Decoder{mixed: true}
				break
			}
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, size := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && size == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += size
	}
	if l.jis == nil {
		return nDst, nSrc, nil
	}
	n, m, err := l.jis.Transform(dst[nDst:], src[nSrc:], atEOF)
	return nDst + n, nSrc + m, err
}

// jisEscapes are the sequences by which ISO-2022-JP is recognized in text that does not declare it, as old and some current
// programs in Japan send it. They occur in no other text.
var jisEscapes = [...]string{"\x1b$B", "\x1b$@", "\x1b$(D", "\x1b(J", "\x1b(I"}

// beginsJIS reports whether b begins with an escape sequence of ISO-2022-JP, or may do so with more bytes.
func beginsJIS(b []byte) (found, more bool) {
	for _, seq := range jisEscapes {
		switch {
		case bytes.HasPrefix(b, []byte(seq)):
			return true, false
		case len(b) < len(seq) && string(b) == seq[:len(b)]:
			more = true
		}
	}
	return false, more
}

// hasJIS reports whether s has an escape sequence of ISO-2022-JP.
func hasJIS(s string) bool {
	for i := range len(s) {
		if s[i] == esc {
			if found, _ := beginsJIS([]byte(s[i:min(len(s), i+len("\x1b$(D"))])); found {
				return true
			}
		}
	}
	return false
}

// HTMLHead is the number of bytes in which HTMLCharset looks for a meta element, as browsers do.
const HTMLHead = 1024

// HTMLCharset returns the character set of an HTML text that begins with text: the declared one or, if it is not declared, the
// one of a meta element in the first HTMLHead bytes. Programs fill pages that were made for a set of one byte for each
// character with UTF-8.
func HTMLCharset(declared string, text []byte) string {
	if c := resolve(declared); c.encoding != nil && !c.guess {
		return declared
	}
	head := bytes.ToLower(text[:min(len(text), HTMLHead)])
	for {
		i := bytes.Index(head, []byte("<meta"))
		if i < 0 {
			return declared
		}
		head = head[i+len("<meta"):]
		element, _, _ := bytes.Cut(head, []byte(">"))
		name := metaCharset(element)
		switch Lookup(name).(type) {
		case nil:
		case *charmap.Charmap, westernEncoding:
			if good, bad, cut := countUTF8(string(text)); good > 0 && (bad == 0 || bad == 1 && cut) {
				return declared
			}
			return name
		default:
			return name
		}
	}
}

// metaCharset returns the name after "charset=" in the attributes of a meta element, or in the content of one.
func metaCharset(attributes []byte) string {
	_, value, _ := bytes.Cut(attributes, []byte("charset"))
	value, ok := bytes.CutPrefix(bytes.TrimLeft(value, htmlBlanks), []byte("="))
	if !ok {
		return ""
	}
	value = bytes.TrimLeft(value, htmlBlanks+`"'`)
	if i := bytes.IndexAny(value, htmlBlanks+`"';/`); i >= 0 {
		value = value[:i]
	}
	if bytes.HasPrefix(value, []byte("utf-16")) || bytes.HasPrefix(value, []byte("utf-32")) {
		return "utf-8" // the element could not be read otherwise
	}
	return string(value)
}

const htmlBlanks = " \t\r\n\f"
