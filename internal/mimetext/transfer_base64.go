package mimetext

import "bytes"

// base64Decoder decodes base64 (RFC 2045 section 6.8). It skips characters outside of the alphabet, and padding may be
// missing. After padding the data continues if whole lines of base64 follow, since some programs encode in pieces; other
// text there, such as the footer of a mailing list, is not data.
type base64Decoder struct {
	damage
	bits   uint32 // bits of an incomplete group
	n      int    // number of characters in it
	padded bool   // padding was found
	sure   int64  // text up to this offset is data regardless of padding
	ended  bool   // text after the padding is not data
}

const (
	noSextet = 0xff
	isPad    = 0xfe
	isSpace  = 0xfd
)

// sextets are the values of the characters.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = noSextet
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	for _, c := range " \t\r\n" {
		t[c] = isSpace
	}
	t['='] = isPad
	return t
}()

func (d *base64Decoder) decode(dst, src []byte, at int64, final bool) ([]byte, int) {
	i := 0
	for i < len(src) && !d.ended {
		if d.padded {
			n, more := d.behindPadding(src[i:], at+int64(i), final)
			if i += n; more {
				return dst, i
			}
			continue
		}
		if d.n == 0 {
			var n int
			dst, n = appendGroups(dst, src[i:])
			if i += n; i == len(src) {
				break
			}
		}
		dst = d.one(dst, src[i], at+int64(i))
		i++
	}
	if final && !d.ended {
		dst = d.finish(dst, at+int64(len(src)))
	}
	return dst, len(src)
}

// appendGroups decodes the whole groups at the start of src.
func appendGroups(dst, src []byte) ([]byte, int) {
	i := 0
	for ; i+4 <= len(src); i += 4 {
		a, b, c, e := sextets[src[i]], sextets[src[i+1]], sextets[src[i+2]], sextets[src[i+3]]
		if (a|b|c|e)&0xc0 != 0 {
			break
		}
		dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|e)
	}
	return dst, i
}

// one decodes a single character.
func (d *base64Decoder) one(dst []byte, c byte, at int64) []byte {
	switch v := sextets[c]; v {
	case noSextet, isSpace:
	case isPad:
		if d.n > 0 {
			dst = d.finish(dst, at)
			d.padded = true
		}
	default:
		d.bits = d.bits<<6 | uint32(v)
		if d.n++; d.n == 4 {
			dst = append(dst, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
			d.bits, d.n = 0, 0
		}
	}
	return dst
}

// finish decodes an incomplete group.
func (d *base64Decoder) finish(dst []byte, at int64) []byte {
	switch d.n {
	case 1:
		d.note("base64", at, "the last group has a single character")
	case 2:
		dst = append(dst, byte(d.bits>>4))
	case 3:
		dst = append(dst, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.bits, d.n = 0, 0
	return dst
}

// behindPadding determines whether more data follows padding. It returns how many bytes it has skipped, and whether it needs
// more input.
func (d *base64Decoder) behindPadding(src []byte, at int64, final bool) (used int, more bool) {
	for used < len(src) && (sextets[src[used]] == isSpace || src[used] == '=') {
		used++
	}
	if used == len(src) {
		return used, false
	}
	line := src[used:min(used+maxLookahead, len(src))]
	if at+int64(used) < d.sure {
		line = line[:1]
	} else if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	} else if !final && len(line) < maxLookahead {
		return used, true
	}
	if at+int64(used) < d.sure || isBase64Line(line) {
		d.padded, d.sure = false, max(d.sure, at+int64(used+len(line)))
		return used, false
	}
	d.ended = true
	d.note("base64", at+int64(used), "text behind the end of the data")
	return used, false
}

// isBase64Line reports whether a line consists of complete groups.
func isBase64Line(line []byte) bool {
	n := 0
	for _, c := range bytes.TrimRight(line, " \t\r") {
		if v := sextets[c]; v == noSextet || v == isSpace {
			return false
		}
		n++
	}
	return n > 0 && (n%4 == 0 || len(line) >= maxLookahead)
}
