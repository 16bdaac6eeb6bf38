package mimetext

// quotedDecoder decodes quoted-printable (RFC 2045 section 6.7). It also accepts lines that end with a bare LF, blanks after
// the "=" of a soft line break, hexadecimal digits in lower case, and bytes that should have been encoded. Blanks at the end
// of a line are not data. A "=" that begins neither a byte nor a line break is kept.
type quotedDecoder struct{ damage }

func (d *quotedDecoder) decode(dst, src []byte, at int64, final bool) ([]byte, int) {
	for i := 0; i < len(src); {
		n := plainQuoted(src[i:])
		dst = append(dst, src[i:i+n]...)
		if i += n; i == len(src) {
			break
		}
		var more bool
		if src[i] == '=' {
			dst, n, more = d.escape(dst, src[i:], at+int64(i), final)
		} else {
			dst, n, more = blanks(dst, src[i:], final)
		}
		if more {
			return dst, i
		}
		i += n
	}
	return dst, len(src)
}

// plainQuoted returns the length of the plain text at the start of src: up to a "=", or a blank that may be at the end of a
// line.
func plainQuoted(src []byte) int {
	for i, c := range src {
		if c == '=' || isBlank(c) && (i+1 == len(src) || src[i+1] <= ' ') {
			return i
		}
	}
	return len(src)
}

// blanks decodes a run of blanks, which is dropped at the end of a line. The first maxLookahead blanks of a longer run are
// data.
func blanks(dst, src []byte, final bool) (out []byte, used int, more bool) {
	n := countBlanks(src)
	rest := src[n:]
	switch {
	case n == maxLookahead:
	case len(rest) > 0 && rest[0] == '\n', final && len(rest) == 0:
		return dst, n, false
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n', final && len(rest) == 1 && rest[0] == '\r':
		return dst, n, false
	case !final && (len(rest) == 0 || len(rest) == 1 && rest[0] == '\r'):
		return dst, 0, true
	}
	return append(dst, src[:n]...), n, false
}

// countBlanks returns the length of the run of blanks at the start of src, at most maxLookahead.
func countBlanks(src []byte) int {
	n := 0
	for n < len(src) && n < maxLookahead && isBlank(src[n]) {
		n++
	}
	return n
}

// escape decodes the text after a "=": two hexadecimal digits, or a soft line break.
func (d *quotedDecoder) escape(dst, src []byte, at int64, final bool) (out []byte, used int, more bool) {
	if len(src) >= 3 {
		if hi, lo := unhexTable[src[1]], unhexTable[src[2]]; hi|lo < 16 {
			return append(dst, hi<<4|lo), 3, false
		}
	}
	n := 1 + countBlanks(src[1:])
	switch rest := src[n:]; {
	case n > maxLookahead:
	case len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n':
		return dst, n + 2, false
	case len(rest) > 0 && rest[0] == '\n', len(rest) >= 2 && rest[0] == '\r':
		return dst, n + 1, false
	case final && (len(rest) == 0 || rest[0] == '\r'):
		return dst, len(src), false
	case !final && len(rest) < 2:
		return dst, 0, true
	}
	d.note("quoted-printable", at, "an equals sign that starts neither a byte nor a soft line break")
	return append(dst, '='), 1, false
}

// unhexTable are the values of hexadecimal digits; of other bytes 0xff.
var unhexTable = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()
