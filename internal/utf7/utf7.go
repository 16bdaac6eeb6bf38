// Package utf7 encodes and decodes the modified UTF-7 of mailbox names (RFC 3501 section 5.1.3).
package utf7

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7Base64 is the base64 of modified UTF-7: a comma for the slash, no padding, no stray bits.
var utf7Base64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()

// Encode encodes a name. Bytes that are not UTF-8 become the replacement character.
func Encode(name string) string {
	if isDirect(name) {
		return name
	}
	var b strings.Builder
	var run []byte
	for _, r := range name {
		if ' ' <= r && r < 0x7f {
			writeShifted(&b, run)
			run = run[:0]
			b.WriteByte(byte(r))
			if r == '&' {
				b.WriteByte('-')
			}
			continue
		}
		run = appendUTF16(run, r)
	}
	writeShifted(&b, run)
	return b.String()
}

// isDirect reports whether every byte represents itself.
func isDirect(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '&' {
			return false
		}
	}
	return true
}

func appendUTF16(dst []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return append(dst, byte(hi>>8), byte(hi), byte(lo>>8), byte(lo))
	}
	return append(dst, byte(r>>8), byte(r))
}

func writeShifted(b *strings.Builder, run []byte) {
	if len(run) == 0 {
		return
	}
	b.WriteByte('&')
	b.WriteString(utf7Base64.EncodeToString(run))
	b.WriteByte('-')
}

// Err is the error of Decode.
var Err = errors.New("imap: not valid modified UTF-7")

// Decode decodes a name. It fails for a name that Encode would not produce.
func Decode(wire string) (string, error) {
	if isDirect(wire) {
		return wire, nil
	}
	var b strings.Builder
	b.Grow(len(wire)) // the result is shorter, except for names that are mostly CJK
	for i := 0; i < len(wire); {
		c := wire[i]
		if c < ' ' || c >= 0x7f {
			return "", Err
		}
		if c != '&' {
			b.WriteByte(c)
			i++
			continue
		}
		n := strings.IndexByte(wire[i:], '-')
		if n < 0 || !decodeShifted(&b, wire[i+1:i+n]) {
			return "", Err
		}
		i += n + 1
		if n > 1 && strings.HasPrefix(wire[i:], "&") && !strings.HasPrefix(wire[i:], "&-") {
			return "", Err // Encode writes two adjacent shifts as one
		}
	}
	return b.String(), nil
}

// decodeShifted decodes the text between & and -. The empty text is & itself.
func decodeShifted(b *strings.Builder, s string) bool {
	if s == "" {
		b.WriteByte('&')
		return true
	}
	var room [64]byte
	pairs, err := utf7Base64.AppendDecode(room[:0], []byte(s))
	if err != nil || len(pairs)%2 != 0 || strings.ContainsAny(s, "\r\n") {
		return false
	}
	for i := 0; i < len(pairs); i += 2 {
		r := rune(pairs[i])<<8 | rune(pairs[i+1])
		if utf16.IsSurrogate(r) {
			if i += 2; i == len(pairs) {
				return false
			}
			if r = utf16.DecodeRune(r, rune(pairs[i])<<8|rune(pairs[i+1])); r == utf8.RuneError {
				return false
			}
		}
		if ' ' <= r && r < 0x7f {
			return false // Encode does not encode ASCII
		}
		b.WriteRune(r)
	}
	return true
}
