package imap

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/datetime"
	"github.com/go-imaplib/imap/internal/utf7"
)

// isAtom reports whether s is an atom of the grammar, so that it can be sent as it is. ] is taken too: it stands in
// flags and section names that servers send.
func isAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f:
			return false
		case c == '(' || c == ')' || c == '{' || c == '%' || c == '*' || c == '"' || c == '\\':
			return false
		}
	}
	return s != ""
}

// ---- dates

// monthNames are in order, for what is sent.
var monthNames = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// ParseInternalDate parses the internal date of a message (RFC 9051 section 9, date-time): imaplib's
// Internaldate2tuple. s is the date, quoted or not, or a FETCH response that holds one. The result keeps the offset
// that the server sent. A day that does not exist, an unknown month or an offset with more than 59 minutes is an error;
// a leap second becomes the next second, and a missing offset means UTC.
func ParseInternalDate(s string) (time.Time, error) {
	text := dateText(s)
	if t, ok := parseInternalDate([]byte(text)); ok && !t.IsZero() {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("imap: ParseInternalDate: %w", &ProtocolError{Reason: "expected a date", Excerpt: excerpt([]byte(text), 0)})
}

// dateText finds the date in a FETCH response, the last where there are several.
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

// parseInternalDate parses a date in its usual form without allocating, and others in a slower way. A date of Domino's
// that is all zeros is the zero time.
func parseInternalDate(b []byte) (time.Time, bool) {
	if t, ok := parseExactDate(b); ok {
		return t, true
	}
	return parseOddDate(b)
}

// parseExactDate parses "dd-Mon-yyyy hh:mm:ss +zzzz", the day padded with a zero or a blank.
func parseExactDate(b []byte) (time.Time, bool) {
	if len(b) != len("17-Jul-1996 02:44:25 -0700") || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return time.Time{}, false
	}
	day, month := datetime.Digits(b[0:2]), datetime.Month(b[3:6])
	if b[0] == ' ' {
		day = datetime.Digits(b[1:2])
	}
	year, hour, minute, second := datetime.Digits(b[7:11]), datetime.Digits(b[12:14]), datetime.Digits(b[15:17]), datetime.Digits(b[18:20])
	zone, ok := datetime.ParseZone(b[21:26])
	if !ok || min(day, month, year, hour, minute, second) < 0 {
		return time.Time{}, false
	}
	return datetime.Date(year, month, day, hour, minute, second, zone)
}

// parseOddDate parses what servers send instead of the usual form: one-digit days, no offset (Bouygues), the form of RFC
// 5322, and the zeros of Domino.
func parseOddDate(b []byte) (time.Time, bool) {
	text := string(bytes.TrimSpace(b))
	if strings.HasPrefix(text, "00-Jan-0000") {
		return time.Time{}, true
	}
	if t, ok := parseDateFields(strings.Fields(text)); ok {
		return t, true
	}
	for _, layout := range []string{"Mon, _2 Jan 2006 15:04:05 -0700", "_2 Jan 2006 15:04:05 -0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseDateFields parses a date with a short day or without an offset.
func parseDateFields(fields []string) (time.Time, bool) {
	if len(fields) != 2 && len(fields) != 3 {
		return time.Time{}, false
	}
	day := strings.Split(fields[0], "-")
	clock := strings.Split(fields[1], ":")
	if len(day) != 3 || len(clock) != 3 || len(day[0]) > 2 || len(day[2]) != 4 {
		return time.Time{}, false
	}
	zone := time.UTC
	if len(fields) == 3 {
		var ok bool
		if zone, ok = datetime.ParseZone([]byte(fields[2])); !ok {
			return time.Time{}, false
		}
	}
	var n [6]int
	for i, s := range []string{day[2], "", day[0], clock[0], clock[1], clock[2]} {
		if n[i] = datetime.Digits([]byte(s)); n[i] < 0 || len(s) > 4 {
			return time.Time{}, false
		}
	}
	n[1] = datetime.Month([]byte(day[1]))
	if n[1] < 0 || n[2] == 0 {
		return time.Time{}, false
	}
	return datetime.Date(n[0], n[1], n[2], n[3], n[4], n[5], zone)
}

// FormatInternalDate formats a time as an internal date, with the quotes: imaplib's Time2Internaldate. The offset is that
// of t, rounded to minutes; fractions of a second are cut. Years from 0 to 9999 can be sent, and offsets below 100 hours.
func FormatInternalDate(t time.Time) string { return string(appendInternalDate(nil, t)) }

func appendInternalDate(dst []byte, t time.Time) []byte {
	t = inMinutes(t)
	_, offset := t.Zone()
	dst = append(dst, '"')
	dst = appendPadded(dst, t.Day(), 2)
	dst = append(append(append(dst, '-'), monthNames[t.Month()-1]...), '-')
	dst = append(appendPadded(dst, t.Year(), 4), ' ')
	dst = append(appendPadded(dst, t.Hour(), 2), ':')
	dst = append(appendPadded(dst, t.Minute(), 2), ':')
	dst = append(appendPadded(dst, t.Second(), 2), ' ')
	if offset < 0 {
		dst, offset = append(dst, '-'), -offset
	} else {
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, offset/3600, 2)
	dst = appendPadded(dst, offset/60%60, 2)
	return append(dst, '"')
}

// inMinutes rounds the offset of t to minutes.
func inMinutes(t time.Time) time.Time {
	_, offset := t.Zone()
	if offset%60 == 0 {
		return t
	}
	return t.In(time.FixedZone("", (offset+30*sign(offset))/60*60))
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func appendPadded(dst []byte, n, width int) []byte {
	var text [20]byte
	s := strconv.AppendInt(text[:0], int64(n), 10)
	for range width - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

// appendDate formats a day as SEARCH wants it.
func appendDate(dst []byte, t time.Time) []byte {
	dst = strconv.AppendInt(dst, int64(t.Day()), 10)
	dst = append(append(append(dst, '-'), monthNames[t.Month()-1]...), '-')
	return appendPadded(dst, t.Year(), 4)
}

// ---- the other functions of imaplib

// Int2AP writes the absolute value of n in base 16 with the digits A to P, as imaplib makes tags: 0 is "", 255 is "PP".
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

// ParseFlags returns the flags in a FLAGS response, a FETCH response, a PERMANENTFLAGS code or a parenthesised list, none
// if there are none: imaplib's ParseFlags. Text in quotes is not looked into, and a list that begins behind the first line
// is not found.
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

// flagsStart finds the last list of flags outside of quotes; -1 if there is none.
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

// splitFlags reads flags up to the closing parenthesis.
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
// Bytes that are not UTF-8 become the replacement character. The methods of Client do this by themselves.
func EncodeMailboxName(name string) string { return utf7.Encode(name) }

// DecodeMailboxName decodes a mailbox name from modified UTF-7 (RFC 3501 section 5.1.3). A name that EncodeMailboxName
// would not have written is an error, so that every name that is decoded can be sent back as the same bytes.
func DecodeMailboxName(wire string) (string, error) { return utf7.Decode(wire) }
