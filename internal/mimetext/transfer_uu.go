package mimetext

import "bytes"

// uuDecoder decodes uuencoded text (POSIX, IEEE 1003.1: the historical algorithm). Text before the line "begin" and
// after the
// line "end" is not data. Lines may have lost the spaces at their end, or have one more character.
type uuDecoder struct {
	damage
	begun, ended bool
	long         bool // inside a line that is too long; only its start can be data
}

const uuName = "x-uuencode"

func (d *uuDecoder) decode(dst, src []byte, at int64, final bool) ([]byte, int) {
	i := 0
	for i < len(src) {
		piece := src[i:min(i+maxLookahead, len(src))]
		n := bytes.IndexByte(piece, '\n') + 1
		whole := n > 0
		if !whole {
			if n = len(piece); !final && n < maxLookahead {
				return dst, i
			}
		}
		if !d.long {
			dst = d.line(dst, bytes.TrimRight(piece[:n], "\r\n"), at+int64(i))
		}
		d.long = !whole
		i += n
	}
	if final && !d.ended {
		d.note(uuName, at+int64(len(src)), map[bool]string{false: `no line "begin"`, true: `no line "end"`}[d.begun])
	}
	return dst, len(src)
}

// line decodes one line, without its line break.
func (d *uuDecoder) line(dst, line []byte, at int64) []byte {
	switch {
	case d.ended, len(line) == 0:
		return dst
	case !d.begun:
		d.begun = isUUBegin(line)
		return dst
	case string(bytes.TrimRight(line, " \t")) == "end":
		d.ended = true
		return dst
	}
	if line[0] < ' ' || line[0] > '`' {
		d.note(uuName, at, "a line that does not start with its length")
		return dst
	}
	return d.data(dst, line, at)
}

// isUUBegin reports whether a line is "begin", a mode and a name.
func isUUBegin(line []byte) bool {
	fields := bytes.Fields(line)
	if len(fields) < 2 || string(fields[0]) != "begin" {
		return false
	}
	return len(bytes.Trim(fields[1], "01234567")) == 0
}

// data decodes a line: its length as a character, and four characters for each three bytes.
func (d *uuDecoder) data(dst, line []byte, at int64) []byte {
	length := int(line[0]-' ') & 63
	need := (length + 2) / 3 * 4
	var bits uint32
	start := len(dst)
	for i := range need {
		c := byte(' ') // lost at the end of the line
		if 1+i < len(line) {
			c = line[1+i]
		}
		if c < ' ' || c > '`' {
			d.note(uuName, at+int64(1+i), "a character that is no data")
			c = ' '
		}
		if bits = bits<<6 | uint32(c-' ')&63; i%4 == 3 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
			bits = 0
		}
	}
	return dst[:start+length]
}
