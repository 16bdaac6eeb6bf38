package mimetext

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// iso2022 is the family of ISO-2022-JP, -JP-1, -JP-2, -JP-3, -KR and -CN, whose escape sequences do not collide, so that one
// decoder suffices. Half-width letters are accepted in all three forms that programs write: after ESC ( I, between SO and
// SI, and with eight bits.
type iso2022 struct{ encoding.Encoding }

// NewDecoder implements encoding.Encoding.
func (iso2022) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: new(iso2022Decoder)}
}

// codeSet is one of the sets that an escape sequence selects.
type codeSet byte

const (
	setASCII codeSet = iota
	setKana
	setJIS0208
	setJIS0212
	setJIS0213 // the first plane, which contains JIS X 0208
	setPlane2  // the second plane of JIS X 0213
	setGB2312
	setKSC5601
	setLatin1
	setGreek
	setUnknown // unknown, with two bytes per character
)

// escapes are the sequences without their ESC.
var escapes = []struct {
	seq  string
	slot byte // 0 for the seven-bit set, 1 for that of SO, 2 for that of ESC N
	set  codeSet
}{
	{"(B", 0, setASCII}, {"(J", 0, setASCII}, {"(H", 0, setASCII}, {"(I", 0, setKana}, {")I", 1, setKana},
	{"$@", 0, setJIS0208}, {"$B", 0, setJIS0208}, {"$(@", 0, setJIS0208}, {"$(B", 0, setJIS0208}, {"$(D", 0, setJIS0212},
	{"$(O", 0, setJIS0213}, {"$(Q", 0, setJIS0213}, {"$(P", 0, setPlane2}, {"$A", 0, setGB2312}, {"$(A", 0, setGB2312}, {"$(C", 0, setKSC5601},
	{"$)C", 1, setKSC5601}, {"$)A", 1, setGB2312}, {"$)G", 1, setUnknown}, {"$)E", 1, setUnknown}, {"$*H", 2, setUnknown},
	{".A", 2, setLatin1}, {".F", 2, setGreek}, {"&@", 3, setASCII},
}

// iso2022Decoder holds the selected sets.
type iso2022Decoder struct {
	sets    [4]codeSet
	shifted bool // SO
	eucs    [setUnknown]transform.Transformer
	tail    rune // second part of a character of JIS X 0213 that is two in Unicode
	mixed   bool // the text does not declare the encoding: valid UTF-8 in it is kept
}

// Reset implements transform.Transformer.
func (d *iso2022Decoder) Reset() { d.sets, d.shifted = [4]codeSet{}, false }

const (
	esc      = 0x1b
	shiftOut = 0x0e
	shiftIn  = 0x0f
)

// Transform implements transform.Transformer.
func (d *iso2022Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	return d.transform(dst, src, atEOF, d.next)
}

// transform decodes characters with next.
func (d *iso2022Decoder) transform(dst, src []byte, atEOF bool, next func([]byte, bool) (rune, int)) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < 2*utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		r, size := next(src[nSrc:], atEOF)
		if size == 0 {
			return nDst, nSrc, transform.ErrShortSrc
		}
		nSrc += size
		if r >= 0 {
			nDst += copyRune(dst[nDst:], r)
		}
		if d.tail != 0 {
			nDst += copyRune(dst[nDst:], d.tail)
			d.tail = 0
		}
	}
	return nDst, nSrc, nil
}

// next decodes a character, or an escape sequence, for which r is -1. size is 0 if more input is needed.
func (d *iso2022Decoder) next(src []byte, atEOF bool) (r rune, size int) {
	switch c := src[0]; {
	case c == esc:
		return d.escape(src, atEOF)
	case c == shiftOut || c == shiftIn:
		d.shifted = c == shiftOut
		return -1, 1
	case c == '\n':
		d.sets[0], d.shifted = setASCII, false // the state at the start of a line
		return '\n', 1
	case c <= ' ' || c == 0x7f:
		return rune(c), 1
	case c >= 0x80:
		return d.eightBits(src, atEOF)
	}
	return d.character(d.current(), src, atEOF)
}

// current returns the seven-bit set.
func (d *iso2022Decoder) current() codeSet {
	if !d.shifted {
		return d.sets[0]
	}
	if d.sets[1] == setASCII {
		return setKana
	}
	return d.sets[1]
}

// escape parses an escape sequence; the ESC of an unknown one becomes U+FFFD.
func (d *iso2022Decoder) escape(src []byte, atEOF bool) (rune, int) {
	rest := src[1:]
	if len(rest) > 0 && rest[0] == 'N' {
		if len(rest) < 2 && !atEOF {
			return 0, 0
		}
		if len(rest) >= 2 {
			r, size := d.character(d.sets[2], rest[1:], atEOF)
			if size == 0 {
				return 0, 0
			}
			return r, 2 + size
		}
	}
	for _, e := range escapes {
		n := min(len(e.seq), len(rest))
		if string(rest[:n]) != e.seq[:n] {
			continue
		}
		if n == len(e.seq) {
			d.sets[e.slot] = e.set
			return -1, 1 + n
		}
		if !atEOF {
			return 0, 0
		}
	}
	return replacement, 1
}

// eightBits decodes a byte above 127: half of a Korean or Chinese character, else a half-width letter, or a character
// of UTF-8 with three or four bytes, which programs send under this name. The first byte of such a character is not a
// letter; a character with two bytes cannot be distinguished from two letters.
func (d *iso2022Decoder) eightBits(src []byte, atEOF bool) (rune, int) {
	if d.mixed {
		if !atEOF && !utf8.FullRune(src) {
			return 0, 0
		}
		if r, size := utf8.DecodeRune(src); size > 1 {
			return r, size
		}
	}
	switch c := src[0]; {
	case d.sets[1] == setKSC5601 || d.sets[1] == setGB2312:
		return d.character(d.sets[1], src, atEOF)
	case 0xa1 <= c && c <= 0xdf:
		return kana(c), 1
	case c >= 0xe0 && !atEOF && !utf8.FullRune(src):
		return 0, 0
	case c >= 0xe0:
		r, size := utf8.DecodeRune(src) // U+FFFD and 1 if it is invalid
		return r, size
	}
	return replacement, 1
}

// kana returns the half-width letter of a byte, with or without the high bit.
func kana(c byte) rune { return 0xff61 + rune(c|0x80) - 0xa1 }

// character decodes a character of a set.
func (d *iso2022Decoder) character(set codeSet, src []byte, atEOF bool) (rune, int) {
	c := src[0]
	switch set {
	case setASCII:
		return rune(c), 1
	case setKana:
		if c|0x80 <= 0xdf {
			return kana(c), 1
		}
		return replacement, 1
	case setLatin1:
		return rune(c | 0x80), 1
	case setGreek:
		return charmap.ISO8859_7.DecodeByte(c | 0x80), 1
	}
	if len(src) < 2 {
		if atEOF {
			return replacement, 1
		}
		return 0, 0
	}
	if src[1]|0x80 < 0xa1 || src[1]|0x80 == 0xff {
		return replacement, 1
	}
	return d.double(set, c|0x80, src[1]|0x80), 2
}

// double decodes a two-byte character with the encoding that has its set above 127.
func (d *iso2022Decoder) double(set codeSet, a, b byte) rune {
	if set == setJIS0213 || set == setPlane2 {
		if c := jisX0213(set, a, b); c.first != 0 {
			d.tail = c.second
			return c.first
		}
	}
	in := []byte{a, b}
	var e encoding.Encoding
	switch set {
	case setJIS0208, setJIS0213:
		e = japanese.EUCJP
	case setJIS0212:
		e, in = japanese.EUCJP, []byte{0x8f, a, b}
	case setGB2312:
		e = simplifiedchinese.GBK
	case setKSC5601:
		e = korean.EUCKR
	default:
		return replacement
	}
	if d.eucs[set] == nil {
		d.eucs[set] = e.NewDecoder().Transformer
	}
	var out [2 * utf8.UTFMax]byte
	n, _, _ := d.eucs[set].Transform(out[:], in, true)
	r, size := utf8.DecodeRune(out[:n])
	if size != n {
		return replacement
	}
	return r
}
