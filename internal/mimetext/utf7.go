package mimetext

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// utf7 is the encoding of RFC 2152. It can only decode: its encoder writes UTF-8.
type utf7 struct{}

func (utf7) NewDecoder() *encoding.Decoder { return &encoding.Decoder{Transformer: new(utf7Decoder)} }
func (utf7) NewEncoder() *encoding.Encoder { return encoding.Nop.NewEncoder() }
func (utf7) String() string                { return "UTF-7" }

// utf7Decoder holds incomplete bits of base64 and the first half of a surrogate pair.
type utf7Decoder struct {
	shifted bool
	start   bool // the last byte was the plus sign
	bits    uint32
	count   int
	high    rune // the first half of a surrogate pair, 0 for none
}

// Reset implements transform.Transformer.
func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

// Transform implements transform.Transformer.
func (d *utf7Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		if len(dst)-nDst < 3*utf8.UTFMax { // a surrogate without its other half, a character, the byte that ends it
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += d.step(dst[nDst:], src[nSrc])
	}
	if atEOF && d.shifted {
		if len(dst)-nDst < 2*utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += d.unpaired(dst[nDst:])
		if d.start {
			nDst += copyRune(dst[nDst:], '+')
		}
		d.Reset()
	}
	return nDst, nSrc, nil
}

// step decodes one byte.
func (d *utf7Decoder) step(dst []byte, c byte) int {
	if !d.shifted {
		if c == '+' {
			*d = utf7Decoder{shifted: true, start: true}
			return 0
		}
		return copyRune(dst, asciiRune(c))
	}
	if v := base64Value(c); v < 64 {
		return d.digit(dst, v)
	}
	n, start := d.unpaired(dst), d.start
	*d = utf7Decoder{}
	switch {
	case c == '-' && start:
		return n + copyRune(dst[n:], '+')
	case c == '-':
		return n
	case start: // a plus sign without base64 after it is kept
		n += copyRune(dst[n:], '+')
	}
	if c == '+' {
		d.shifted, d.start = true, true
		return n
	}
	return n + copyRune(dst[n:], asciiRune(c))
}

// digit adds six bits.
func (d *utf7Decoder) digit(dst []byte, v byte) int {
	d.start = false
	d.bits = d.bits<<6 | uint32(v)
	if d.count += 6; d.count < 16 {
		return 0
	}
	d.count -= 16
	unit := rune(d.bits >> d.count & 0xffff)
	d.bits &= 1<<d.count - 1
	if d.high != 0 {
		if r := utf16.DecodeRune(d.high, unit); r != replacement {
			d.high = 0
			return copyRune(dst, r)
		}
	}
	n := d.unpaired(dst)
	if 0xd800 <= unit && unit < 0xdc00 {
		d.high = unit
		return n
	}
	return n + copyRune(dst[n:], unit) // a second half alone becomes U+FFFD
}

// unpaired writes U+FFFD for a first half without a second one.
func (d *utf7Decoder) unpaired(dst []byte) int {
	if d.high == 0 {
		return 0
	}
	d.high = 0
	return copyRune(dst, replacement)
}

func asciiRune(c byte) rune {
	if c < utf8.RuneSelf {
		return rune(c)
	}
	return westernRune(c)
}

// base64Value returns the value of a base64 digit, and 64 or more for any other byte.
func base64Value(c byte) byte { return base64Values[c] }

var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	return t
}()
