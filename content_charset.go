package imap

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/mimetext"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// textReader returns a reader of UTF-8 of what r holds in a character set.
func textReader(charset string, r io.Reader) io.Reader {
	return transform.NewReader(r, textTransformer(charset))
}

// textTransformer turns a character set into UTF-8.
func textTransformer(charset string) transform.Transformer {
	if enc := mimetext.Lookup(charset); enc != nil && !isUnicode(charset) {
		return enc.NewDecoder()
	}
	return looseUTF8{}
}

// isUnicode reports whether a name stands for UTF-8 or for a part of it. Programs write the names of these without a
// thought, so that the bytes count for more.
func isUnicode(charset string) bool {
	switch strings.ToLower(strings.ReplaceAll(strings.TrimSpace(charset), "_", "-")) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
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

// decodeTextBytes turns bytes of a character set into UTF-8 with LF at the end of lines. Of text that was cut, a character
// that is not whole at its end is left out.
func decodeTextBytes(charset string, b []byte, cut bool) string {
	if cut && isUnicode(charset) {
		b = b[:len(b)-partialRune(b)]
	}
	out, _, err := transform.Bytes(textTransformer(charset), b)
	if err != nil {
		out = []byte(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if cut {
		text = strings.TrimRight(text, "\uFFFD")
	}
	return text
}

// partialRune returns the length of a character at the end of b that is not whole.
func partialRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}
