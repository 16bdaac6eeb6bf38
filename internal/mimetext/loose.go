package mimetext

import (
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// TextReader returns a reader of the UTF-8 of what r holds in a character set.
func TextReader(charset string, r io.Reader) io.Reader {
	return transform.NewReader(r, Transformer(charset))
}

// Transformer returns what turns a character set into UTF-8. A set that is not known, and one whose name programs write
// without a thought, is UTF-8 where it is sound, and Windows-1252 for any other byte.
func Transformer(charset string) transform.Transformer {
	if enc := Lookup(charset); enc != nil && !IsLoose(charset) {
		return enc.NewDecoder()
	}
	return looseUTF8{}
}

// looseUTF8 takes what is UTF-8 as it is, and any other byte for Windows-1252.
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
