package datetime

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// ParseExact parses "dd-Mon-yyyy hh:mm:ss +zzzz", the day padded with a zero or a blank.
func ParseExact(b []byte) (time.Time, bool) {
	if len(b) != len("17-Jul-1996 02:44:25 -0700") || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return time.Time{}, false
	}
	day, month := Digits(b[0:2]), Month(b[3:6])
	if b[0] == ' ' {
		day = Digits(b[1:2])
	}
	year, hour, minute, second := Digits(b[7:11]), Digits(b[12:14]), Digits(b[15:17]), Digits(b[18:20])
	zone, ok := ParseZone(b[21:26])
	if !ok || min(day, month, year, hour, minute, second) < 0 {
		return time.Time{}, false
	}
	return Date(year, month, day, hour, minute, second, zone)
}

// ParseLoose parses the forms that some servers send instead of the usual one: one-digit days, no offset (Bouygues), the form
// of RFC 5322, and the zeros of Domino.
func ParseLoose(b []byte) (time.Time, bool) {
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

// AppendInternalDate appends a date-time in the form for APPEND.
func AppendInternalDate(dst []byte, t time.Time) []byte {
	t = InMinutes(t)
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

// InMinutes rounds the offset of t to minutes.
func InMinutes(t time.Time) time.Time {
	_, offset := t.Zone()
	if offset%60 == 0 {
		return t
	}
	return t.In(time.FixedZone("", (offset+30*sign(offset))/60*60))
}

// AppendDate appends a day in the form for SEARCH.
func AppendDate(dst []byte, t time.Time) []byte {
	dst = strconv.AppendInt(dst, int64(t.Day()), 10)
	dst = append(append(append(dst, '-'), monthNames[t.Month()-1]...), '-')
	return appendPadded(dst, t.Year(), 4)
}

// monthNames are the names of the months in dates to be sent.
var monthNames = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// ParseInternal parses a date, in its usual form without allocating, and in others more slowly. A date of Domino that is all
// zeros is the zero time.
func ParseInternal(b []byte) (time.Time, bool) {
	if t, ok := ParseExact(b); ok {
		return t, true
	}
	return ParseLoose(b)
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
		if zone, ok = ParseZone([]byte(fields[2])); !ok {
			return time.Time{}, false
		}
	}
	var n [6]int
	for i, s := range []string{day[2], "", day[0], clock[0], clock[1], clock[2]} {
		if n[i] = Digits([]byte(s)); n[i] < 0 || len(s) > 4 {
			return time.Time{}, false
		}
	}
	n[1] = Month([]byte(day[1]))
	if n[1] < 0 || n[2] == 0 {
		return time.Time{}, false
	}
	return Date(n[0], n[1], n[2], n[3], n[4], n[5], zone)
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
