package mimetext

import "bytes"

// base64Decoder decodes base64 (RFC 2045 section 6.8). Characters outside of the alphabet are skipped, and padding may be
// missing. Behind padding the data goes on where whole lines of base64 follow, as some programs write it that encode in
// pieces; other text there, such as the footer of a mailing list, is no data.
type base64Decoder struct {
	damage
	bits   uint32 // of the characters of a group that is not whole
	n      int    // how many they are
	padded bool   // padding came
	sure   int64  // up to here text is data whatever padding comes
	ended  bool   // text that is no data came behind it
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

// one takes a single character.
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

// finish decodes a group that is not whole.
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

// behindPadding looks at what follows padding: more data, or the end of it. It returns how much it has stepped over, and
// whether it has to see more.
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

// isBase64Line reports whether a line holds whole groups and nothing else.
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
