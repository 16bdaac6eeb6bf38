package mimetext

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

const replacement = utf8.RuneError

func copyRune(dst []byte, r rune) int { return utf8.EncodeRune(dst, r) }

// chained is an encoding whose decoder is followed by another transformer.
type chained struct {
	encoding.Encoding
	mend func(rune) rune
}

func (c *chained) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: transform.Chain(c.Encoding.NewDecoder(), runes.Map(c.mend))}
}

// gb18030 contains GBK and GB 2312. The byte 80 is the euro sign of code page 936, not the control U+0080.
var gb18030 encoding.Encoding = &chained{simplifiedchinese.GB18030, func(r rune) rune {
	if r == 0x80 {
		return '€'
	}
	return r
}}

// windows1252 decodes every byte: the five that the code page does not define become controls, as on the web, so that the
// bytes can be restored from the text.
var windows1252 encoding.Encoding = westernEncoding{charmap.Windows1252}

type westernEncoding struct{ encoding.Encoding }

func (westernEncoding) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: westernDecoder{}}
}

// westernDecoder is the decoder of windows1252.
type westernDecoder struct{ transform.NopResetter }

func (westernDecoder) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		r := westernRune(src[nSrc])
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copyRune(dst[nDst:], r)
	}
	return nDst, nSrc, nil
}

// westernRune returns the character of a byte in windows-1252.
func westernRune(b byte) rune {
	if r := charmap.Windows1252.DecodeByte(b); r != replacement {
		return r
	}
	return rune(b)
}

// ending is an encoding whose decoder returns U+FFFD, rather than an error, for an incomplete character at the end of
// the text.
type ending struct{ encoding.Encoding }

func (e ending) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: endingDecoder{e.Encoding.NewDecoder().Transformer}}
}

type endingDecoder struct{ transform.Transformer }

func (d endingDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	nDst, nSrc, err = d.Transformer.Transform(dst, src, atEOF)
	if err != transform.ErrShortSrc || !atEOF {
		return nDst, nSrc, err
	}
	if len(dst)-nDst < utf8.UTFMax {
		return nDst, nSrc, transform.ErrShortDst
	}
	return nDst + copyRune(dst[nDst:], replacement), len(src), nil
}

// tableEncoding is a single-byte encoding, given by its characters from byte 128 on, or by all 256.
type tableEncoding string

func (e tableEncoding) NewDecoder() *encoding.Decoder {
	d := new(tableDecoder)
	i := 0
	for _, r := range string(e) {
		d.runes[i&0xff] = r
		i++
	}
	if i == 128 {
		copy(d.runes[128:], d.runes[:128])
		for i := range 128 {
			d.runes[i] = rune(i)
		}
	}
	return &encoding.Decoder{Transformer: d}
}

func (tableEncoding) NewEncoder() *encoding.Encoder { return encoding.Nop.NewEncoder() }

type tableDecoder struct {
	transform.NopResetter
	runes [256]rune
}

func (d *tableDecoder) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		r := d.runes[src[nSrc]]
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copyRune(dst[nDst:], r)
	}
	return nDst, nSrc, nil
}
