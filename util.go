package imap

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/datetime"
	"github.com/go-imaplib/imap/internal/utf7"
)

// ParseInternalDate parses the internal date of a message (RFC 9051 section 9, date-time). It is imaplib's
// Internaldate2tuple. s is the date, quoted or not, or a FETCH response that contains one. The result has the offset that
// the server sent. A day that does not exist, an unknown month or an offset with more than 59 minutes is an error; a leap
// second becomes the next second, and a missing offset means UTC.
func ParseInternalDate(s string) (time.Time, error) {
	text := dateText(s)
	if t, ok := datetime.ParseInternal([]byte(text)); ok && !t.IsZero() {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("imap: ParseInternalDate: %w", &ProtocolError{Reason: "expected a date", Excerpt: excerpt([]byte(text), 0)})
}

// dateText returns the date in a FETCH response, the last one if there are several.
func dateText(s string) string {
	if open := strings.IndexByte(s, '('); open >= 0 {
		date := ""
		p := parserFor([]byte(s[open:]))
		if p.enter() != nil {
			return ""
		}
		for !p.atEnd() && p.peek() != ')' {
			isDate := ascii.EqualFold(p.itemName(), "INTERNALDATE")
			at := p.pos
			if isDate {
				p.skipSpaces()
				if v, ok, err := p.nstring(); err == nil && ok {
					date = v
				}
				p.reset(at)
			}
			if p.skipItem() != nil {
				break
			}
		}
		return date
	}
	return strings.Trim(strings.TrimSpace(s), `"`)
}

// FormatInternalDate formats a time as an internal date, with quotes. It is imaplib's Time2Internaldate. The offset is that
// of t, rounded to minutes; fractions of a second are dropped. Years from 0 to 9999 and offsets below 100 hours can be sent.
func FormatInternalDate(t time.Time) string { return string(datetime.AppendInternalDate(nil, t)) }

// ---- the other functions of imaplib

// Int2AP formats the absolute value of n in base 16 with the digits A to P, as in imaplib's tags: 0 is "", 255 is "PP".
func Int2AP(n int) string {
	u := uint64(n)
	if n < 0 {
		u = -u
	}
	var b [16]byte
	i := len(b)
	for ; u > 0; u >>= 4 {
		i--
		b[i] = 'A' + byte(u&15)
	}
	return string(b[i:])
}

// ParseFlags returns the flags in a FLAGS response, a FETCH response, a PERMANENTFLAGS code or a parenthesized list. It is
// imaplib's ParseFlags. It ignores quoted text, and a list that begins after the first line.
func ParseFlags(s string) []Flag {
	b := []byte(s)
	first, _, _ := bytes.Cut(b, []byte{'\n'})
	at := flagsStart(first)
	if at < 0 {
		return nil
	}
	flags, ok := splitFlags(b[at:])
	if !ok {
		return nil
	}
	return flags
}

// flagsStart returns the position of the last list of flags outside of quotes, or -1 if none exists.
func flagsStart(b []byte) int {
	const name = "FLAGS ("
	if len(b) > 0 && b[0] == '(' && bytes.IndexByte(b[1:], '(') < 0 && !bytes.Contains(b, []byte(name)) {
		return 1
	}
	at, quoted := -1, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(b[i:], []byte(name)):
			at = i + len(name)
		}
	}
	return at
}

// splitFlags parses flags up to the closing parenthesis.
func splitFlags(b []byte) ([]Flag, bool) {
	end := bytes.IndexByte(b, ')')
	if end < 0 {
		return nil, false
	}
	var flags []Flag
	for _, word := range bytes.Fields(b[:end]) {
		if f, ok := systemFlag(word); ok {
			flags = append(flags, f)
		} else {
			flags = append(flags, Flag(word))
		}
	}
	return flags, true
}

// EncodeMailboxName encodes a mailbox name in modified UTF-7, the form of names on the wire (RFC 3501 section 5.1.3).
// Bytes that are not UTF-8 become the replacement character. The methods of Client encode names themselves.
func EncodeMailboxName(name string) string { return utf7.Encode(name) }

// DecodeMailboxName decodes a mailbox name from modified UTF-7 (RFC 3501 section 5.1.3). It fails for a name that
// EncodeMailboxName would not produce, so that every decoded name is encoded as the same bytes again.
func DecodeMailboxName(wire string) (string, error) { return utf7.Decode(wire) }
