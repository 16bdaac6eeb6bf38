package imaptest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7 is the base64 of modified UTF-7 (RFC 3501 section 5.1.3).
var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding)

var errUTF7 = errors.New("invalid modified UTF-7")

// encodeUTF7 turns a UTF-8 mailbox name into the form used on the wire.
func encodeUTF7(s string) string {
	var b strings.Builder
	var wide []rune
	flush := func() {
		if len(wide) == 0 {
			return
		}
		var raw []byte
		for _, u := range utf16.Encode(wide) {
			raw = binary.BigEndian.AppendUint16(raw, u)
		}
		b.WriteString("&" + utf7.EncodeToString(raw) + "-")
		wide = wide[:0]
	}
	for _, r := range s {
		switch {
		case r == '&':
			flush()
			b.WriteString("&-")
		case r >= ' ' && r <= '~':
			flush()
			b.WriteRune(r)
		default:
			wide = append(wide, r)
		}
	}
	flush()
	return b.String()
}

// decodeUTF7 is the inverse of encodeUTF7.
func decodeUTF7(s string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, "&")
		for i := 0; i < len(plain); i++ {
			if plain[i] < ' ' || plain[i] > '~' {
				return "", errUTF7
			}
		}
		b.WriteString(plain)
		if !found {
			return b.String(), nil
		}
		code, rest, found := strings.Cut(rest, "-")
		if !found {
			return "", errUTF7
		}
		if code == "" {
			b.WriteByte('&')
		} else if err := decodeRun(&b, code); err != nil {
			return "", err
		}
		s = rest
	}
}

// decodeRun decodes the base64 between "&" and "-".
func decodeRun(b *strings.Builder, code string) error {
	raw, err := utf7.DecodeString(code)
	if err != nil || len(raw)%2 != 0 {
		return errUTF7
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i < len(raw); i += 2 {
		units = append(units, binary.BigEndian.Uint16(raw[i:]))
	}
	for _, r := range utf16.Decode(units) {
		if r == utf8.RuneError || r >= ' ' && r <= '~' {
			return errUTF7
		}
		b.WriteRune(r)
	}
	return nil
}
