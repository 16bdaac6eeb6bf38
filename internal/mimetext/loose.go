package mimetext

import (
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
// IsLoose), valid UTF-8 is kept, and any other byte is taken for Windows-1252.
func Transformer(charset string) transform.Transformer {
	if enc := Lookup(charset); enc != nil && !IsLoose(charset) {
		return enc.NewDecoder()
	}
	return looseUTF8{}
}

// looseUTF8 keeps valid UTF-8, and converts any other byte from Windows-1252.
type looseUTF8 struct{ transform.NopResetter }

func (looseUTF8) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
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
	return nDst, nSrc, nil
}
