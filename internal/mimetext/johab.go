package mimetext

import (
	"golang.org/x/text/encoding"
)

// johabEncoding is Johab, code page 1361: the parts of a Hangul syllable in five bits each, and the signs and the Hanja of
// KS X 1001.
type johabEncoding struct{ encoding.Encoding }

// NewDecoder implements encoding.Encoding.
func (johabEncoding) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: new(johabDecoder)}
}

// johabDecoder uses the table of KS X 1001 of the decoder of ISO-2022-KR, without escape sequences.
type johabDecoder struct{ iso2022Decoder }

// Transform implements transform.Transformer.
func (d *johabDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	return d.transform(dst, src, atEOF, d.read)
}

// read decodes a character. An invalid first byte does not consume a following byte below 128.
func (d *johabDecoder) read(src []byte, atEOF bool) (rune, int) {
	switch {
	case src[0] < 0x80:
		return rune(src[0]), 1
	case src[0] < 0x84 || src[0] > 0xf9:
		return replacement, 1
	case len(src) < 2 && !atEOF:
		return 0, 0
	case len(src) < 2:
		return replacement, 1
	}
	r := replacement
	if src[0] <= 0xd3 {
		r = hangul(src[0], src[1])
	} else {
		r = d.sign(src[0], src[1])
	}
	if r == replacement && src[1] < 0x80 {
		return r, 1
	}
	return r, 2
}

// The letters of the parts by their five bits: a blank is invalid, a minus is an empty part.
var (
	initials = []rune(" -ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ           ")
	medials  = []rune("  -ㅏㅐㅑㅒㅓ  ㅔㅕㅖㅗㅘㅙ  ㅚㅛㅜㅝㅞㅟ  ㅠㅡㅢㅣ  ")
	finals   = []rune(" -ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁ ㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ  ")
)

// hangul returns the syllable with the given parts, or the letter if there is just one part.
func hangul(a, b byte) rune {
	code := int(a)<<8 | int(b)
	i, m, f := code>>10&31, code>>5&31, code&31
	first, middle, last := initials[i], medials[m], finals[f]
	switch {
	case first == ' ' || middle == ' ' || last == ' ':
		return replacement
	case first != '-' && middle != '-':
		if f > 18 {
			f-- // 18 is not used
		}
		return 0xac00 + rune(i-2)*588 + (middle-'ㅏ')*28 + rune(f-1)
	case first == '-' && middle == '-' && last == '-':
		return '\u3000'
	case middle == '-' && last == '-':
		return first
	case first == '-' && last == '-':
		return middle
	case first == '-' && middle == '-':
		return last
	}
	return replacement
}

// sign returns a sign or one of the Hanja: each first byte covers two rows of KS X 1001.
func (d *johabDecoder) sign(a, b byte) rune {
	var row, cell byte
	switch {
	case 0xd9 <= a && a <= 0xde:
		row = 0xa1 + 2*(a-0xd9)
	case a >= 0xe0:
		row = 0xca + 2*(a-0xe0)
	default:
		return replacement
	}
	switch {
	case 0x31 <= b && b <= 0x7e:
		cell = b - 0x31
	case 0x91 <= b && b <= 0xfe:
		cell = b - 0x43
	default:
		return replacement
	}
	return d.double(setKSC5601, row+cell/94, 0xa1+cell%94)
}
