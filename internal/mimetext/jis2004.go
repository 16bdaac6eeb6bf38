package mimetext

import (
	"strings"
	"sync"

	"golang.org/x/text/encoding"
)

// jis2004 is Shift_JIS-2004 or EUC-JIS-2004, the encodings of JIS X 0213, extended by the other characters that
// golang.org/x/text decodes in Shift JIS or EUC-JP. The bytes 5C and 7E are those of ASCII, as in Shift JIS.
type jis2004 struct {
	encoding.Encoding
	shift bool
}

// NewDecoder implements encoding.Encoding.
func (e jis2004) NewDecoder() *encoding.Decoder {
	d := new(jisDecoder)
	d.read = d.euc
	if e.shift {
		d.read = d.shiftJIS
	}
	return &encoding.Decoder{Transformer: d}
}

// jisDecoder uses the tables of the decoder of ISO-2022-JP-3, without escape sequences.
type jisDecoder struct {
	iso2022Decoder
	read func(src []byte, atEOF bool) (rune, int)
}

// Transform implements transform.Transformer.
func (d *jisDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	return d.transform(dst, src, atEOF, d.read)
}

// euc decodes a character of EUC-JIS-2004. Codes that are free in its second plane are those of JIS X 0212.
func (d *jisDecoder) euc(src []byte, atEOF bool) (rune, int) {
	set, size := setJIS0213, 2
	switch c := src[0]; {
	case c < 0x80:
		return rune(c), 1
	case c == 0x8e:
		set = setKana
	case c == 0x8f:
		set, size = setPlane2, 3
	case c < 0xa1 || c == 0xff:
		return replacement, 1
	}
	for _, c := range src[1:min(size, len(src))] {
		if c < 0xa1 || c == 0xff {
			return replacement, 1
		}
	}
	switch {
	case len(src) >= size:
	case atEOF:
		return replacement, len(src)
	default:
		return 0, 0
	}
	if set == setKana {
		r, _ := d.character(setKana, src[1:2], atEOF)
		return r, 2
	}
	r := d.double(set, src[size-2], src[size-1])
	if r == replacement && set == setPlane2 {
		r = d.double(setJIS0212, src[size-2], src[size-1])
	}
	return r, size
}

// shiftRows are the pairs of rows of the second plane, by their first byte from F0 on.
var shiftRows = [...][2]byte{{1, 8}, {3, 4}, {5, 12}, {13, 14}, {15, 78}}

// shiftJIS decodes a character of Shift_JIS-2004.
func (d *jisDecoder) shiftJIS(src []byte, atEOF bool) (rune, int) {
	lead := src[0]
	switch {
	case lead < 0x80:
		return rune(lead), 1
	case 0xa1 <= lead && lead <= 0xdf:
		return kana(lead), 1
	case lead == 0x80 || lead == 0xa0 || lead > 0xfc:
		return replacement, 1
	case len(src) < 2 && !atEOF:
		return 0, 0
	case len(src) < 2 || src[1] < 0x40 || src[1] == 0x7f || src[1] > 0xfc:
		return replacement, 1
	}
	cell := src[1] - 0x40
	if src[1] > 0x7f {
		cell--
	}
	second := cell / 94 // index of the row in the pair
	cell = 0xa1 + cell%94
	switch {
	case lead >= 0xf5:
		return d.double(setPlane2, 0xa0+79+2*(lead-0xf5)+second, cell), 2
	case lead >= 0xf0:
		return d.double(setPlane2, 0xa0+shiftRows[lead-0xf0][second], cell), 2
	case lead >= 0xe0:
		lead -= 0x40
	}
	return d.double(setJIS0213, 0xa1+2*(lead-0x81)+second, cell), 2
}

// jisCell is a character of JIS X 0213; one with a mark is two characters in Unicode.
type jisCell struct{ first, second rune }

// jisTable has the characters of jisRows by plane, row and cell.
var jisTable = sync.OnceValue(func() *[2][94][94]jisCell {
	table := new([2][94][94]jisCell)
	for line := range strings.Lines(jisRows) {
		plane, row := line[0]-'1', 10*(line[1]-'0')+line[2]-'0'-1
		cell, parts := 0, 1
		for _, r := range strings.TrimSuffix(line[3:], "\n") {
			c := &table[plane][row][cell]
			switch {
			case r == '+':
				parts = 2
				continue
			case r == ' ':
			case c.first == 0:
				c.first = r
			default:
				c.second = r
			}
			if parts--; parts == 0 {
				cell, parts = cell+1, 1
			}
		}
	}
	return table
})

// jisX0213 returns the character in a row and cell, from A1 to FE, of a plane.
func jisX0213(set codeSet, a, b byte) jisCell {
	plane := 0
	if set == setPlane2 {
		plane = 1
	}
	return jisTable()[plane][a-0xa1][b-0xa1]
}
