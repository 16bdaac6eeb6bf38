package mimetext

import (
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/datetime"
)

// ParseDate parses the Date field of a message (RFC 5322 section 3.3), including the forms of section 4.3 and others
// that programs write: day names of any language before a comma, the order of asctime, commas anywhere, years of two
// digits, zones by name, ISO 8601. A missing or unknown zone means UTC; a missing time of day is midnight. An ambiguous
// name of a zone is that of North America. Text after a complete date is ignored.
//
// ok is false if s is not a date, or if the day or second does not exist.
func ParseDate(s string) (t time.Time, ok bool) {
	if t, ok := parseExact(s); ok {
		return t, true
	}
	return parseLoose(s)
}

// parseExact parses "[Mon, ]2 Jan 2006 15:04:05 +hhmm[ (comment)]" without allocating.
func parseExact(s string) (time.Time, bool) {
	if len(s) > 5 && s[3] == ',' && s[4] == ' ' {
		s = s[5:]
	}
	if len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	day := 0
	for len(s) > 0 && isDigit(s[0]) && day < 10 {
		day = day*10 + int(s[0]-'0')
		s = s[1:]
	}
	const form = " Jan 2006 15:04:05 +hhmm"
	if len(s) < len(form) || len(s) > len(form) && s[len(form)] != ' ' || s[0] != ' ' || s[4] != ' ' || s[9] != ' ' ||
		s[12] != ':' || s[15] != ':' || s[18] != ' ' {
		return time.Time{}, false
	}
	var b [len(form)]byte
	copy(b[:], s)
	month, year := datetime.Month(b[1:4]), datetime.Digits(b[5:9])
	hour, minute, second := datetime.Digits(b[10:12]), datetime.Digits(b[13:15]), datetime.Digits(b[16:18])
	zone, ok := datetime.ParseZone(b[19:24])
	if !ok || min(month, year, hour, minute, second) < 0 || day == 0 || len(s) > len(form)+1 && s[len(form)+1] != '(' {
		return time.Time{}, false
	}
	return datetime.Date(year, month, day, hour, minute, second, zone)
}

// maxDate is the number of bytes of a field that are considered.
const maxDate = 512

// looseDate holds the parts found so far. Until they are found, day and month are 0, and year is -1.
type looseDate struct {
	day, month, year     int
	hour, minute, second int
	clock                bool
	zone                 *time.Location
	comment              string // the first
	bad                  bool   // an invalid part was found
}

// parseLoose parses a date word by word; the form of a word determines its meaning.
func parseLoose(s string) (time.Time, bool) {
	s = s[:min(len(s), maxDate)]
	if strings.Contains(s, "=?") {
		s = Decoder{}.Text(s)
	}
	d := looseDate{year: -1}
	s = d.afterNumbers(joinClock(afterDayName(s)))
	for s != "" {
		word, comment, rest := nextWord(s)
		s = rest
		if (word == "+" || word == "-") && d.clock { // a zone apart from its sign
			var digits string
			digits, _, s = nextWord(s)
			word += digits
		}
		if d.comment == "" {
			d.comment = comment
		}
		if word != "" {
			d.take(word)
		}
	}
	if d.zone == nil {
		d.zone = namedZone(strings.TrimSpace(d.comment))
	}
	if d.zone == nil {
		d.zone = time.UTC
	}
	if d.bad || d.day == 0 || d.month == 0 || d.year < 0 {
		return time.Time{}, false
	}
	return datetime.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, d.zone)
}

// afterDayName drops the text before the first comma if it has no digit: the day of the week, in any language.
func afterDayName(s string) string {
	name, rest, ok := strings.Cut(s, ",")
	if ok && !strings.ContainsAny(name, "0123456789(") {
		return rest
	}
	return s
}

// joinClock removes blanks and comments around the colons between numbers (RFC 5322 section 4.3: "09 : 55 : 06").
func joinClock(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		before, after := strings.TrimRight(s[:i], dateBlanks), strings.TrimLeft(s[i+1:], dateBlanks)
		if open := strings.LastIndexByte(before, '('); open > 0 && strings.HasSuffix(before, ")") {
			before = strings.TrimRight(before[:open], dateBlanks)
		}
		if before != "" && after != "" && isDigit(before[len(before)-1]) && isDigit(after[0]) {
			s, i = before+":"+after, len(before)
		}
	}
	return s
}

// afterNumbers takes a date that begins with three numbers, "15 09 2014", and returns the rest of s.
func (d *looseDate) afterNumbers(s string) string {
	day, _, rest := nextWord(s)
	month, _, rest := nextWord(rest)
	year, _, rest := nextWord(rest)
	if number(day) < 0 || number(month) < 0 || number(year) < 0 || len(day) > 2 || len(month) > 2 || len(year) != 4 || !d.takeParts(day+"."+month+"."+year) {
		return s
	}
	return rest
}

const dateBlanks = " \t\r\n,;\"'[]<>\u00a0"

// nextWord splits s into its first word, or its first comment, and the rest.
func nextWord(s string) (word, comment, rest string) {
	if s = strings.TrimLeft(s, dateBlanks); s == "" {
		return "", "", ""
	}
	if s[0] == '(' {
		depth := 0
		for i := range len(s) {
			switch s[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				return "", s[1:i], s[i+1:]
			}
		}
		return "", s[1:], ""
	}
	if i := strings.IndexAny(s, dateBlanks+"("); i >= 0 {
		return s[:i], "", s[i:]
	}
	return s, "", ""
}

// take determines the meaning of a word.
func (d *looseDate) take(w string) {
	switch {
	case d.isWhole() && d.zone != nil: // whatever follows
	case w[0] == '+' || w[0] == '-':
		d.takeZone(w)
	case isDigit(w[0]):
		d.takeDigits(w)
	default:
		d.takeName(w)
	}
}

func (d *looseDate) isWhole() bool { return d.day > 0 && d.month > 0 && d.year >= 0 && d.clock }

func (d *looseDate) takeZone(w string) {
	if d.zone == nil && d.clock {
		d.zone = numericZone(w)
	}
}

// takeDigits takes a word that starts with a digit.
func (d *looseDate) takeDigits(w string) {
	if date, clock, ok := cutISO(w); ok && d.day == 0 && d.takeParts(date) {
		if clock != "" {
			d.takeClock(clock)
		}
		return
	}
	if strings.Contains(w, ":") {
		d.takeClock(w)
		return
	}
	n, size := leadingNumber(w)
	switch rest := w[size:]; {
	case rest == "月" && d.month == 0 && n <= 12: // in Chinese and Japanese
		d.month = n
		return
	case rest == "" || isDaySuffix(rest):
		d.takeNumber(n, size)
		return
	}
	if d.day > 0 && d.month > 0 && !d.clock && strings.Count(w, ".") > 0 {
		d.takeClock(strings.ReplaceAll(w, ".", ":"))
		return
	}
	if d.day == 0 {
		d.takeParts(w)
	}
}

// isDaySuffix reports whether s is a suffix of the number of a day: 1st, 2nd, 3rd, 4th, or 1. in German.
func isDaySuffix(s string) bool { return isWord(s, "st", "nd", "rd", "th", ".") }

// takeNumber determines the meaning of a number from the count of its digits and the parts that are still missing.
func (d *looseDate) takeNumber(n, size int) {
	switch {
	case size <= 2 && d.day == 0 && n > 0:
		d.day = n
	case size <= 4 && d.year < 0 && size != 1:
		d.year = fullYear(n, size)
	case size == 4 && d.clock && d.zone == nil:
		d.zone = zoneOf(1, n/100, n%100) // a plus sign is missing
	case !d.clock:
		d.bad = true // a number too many: 24 May 20 21
	}
}

// fullYear returns the year according to RFC 5322 section 4.3 for a number with size digits.
func fullYear(n, size int) int {
	switch {
	case size == 2 && n < 50:
		return n + 2000
	case size <= 3:
		return n + 1900
	}
	return n
}

// cutISO separates a date of ISO 8601 from its time.
func cutISO(w string) (date, clock string, ok bool) {
	if len(w) < 8 || w[4] != '-' {
		return "", "", false
	}
	date, clock, found := strings.Cut(w, "T")
	if !found {
		date, clock, _ = strings.Cut(w, "t")
	}
	return date, clock, true
}

// takeParts takes 2-Feb-2026, 2026-02-03, 2.2.2026, and 31/1/2026 if that is unambiguous.
func (d *looseDate) takeParts(w string) bool {
	i := strings.IndexAny(w, "-/.")
	if i < 0 {
		return false
	}
	mark := w[i]
	parts := strings.SplitN(w, string(mark), 4)
	if len(parts) != 3 {
		return false
	}
	if month := monthOf(parts[1]); month > 0 {
		return d.set(parts[2], month, parts[0])
	}
	first, second := number(parts[0]), number(parts[1])
	switch {
	case first < 0 || second < 0:
		return false
	case len(parts[0]) == 4:
		return d.set(parts[0], second, parts[2])
	case mark == '/' && first <= 12 && second <= 12 && first != second:
		return false
	case mark == '/' && second > 12:
		return d.set(parts[2], first, parts[1])
	}
	return d.set(parts[2], second, parts[0])
}

// set sets the parts of a date.
func (d *looseDate) set(year string, month int, day string) bool {
	y, n := number(year), number(day)
	if y < 0 || n <= 0 || month < 1 || month > 12 || len(year) == 1 {
		return false
	}
	d.year, d.month, d.day = fullYear(y, len(year)), month, n
	return true
}

// takeClock takes a time of day, and a zone that follows it without a blank.
func (d *looseDate) takeClock(w string) {
	if d.clock {
		return
	}
	end := 0
	for end < len(w) && (isDigit(w[end]) || w[end] == ':' || w[end] == '.') {
		end++
	}
	zone := w[end:]
	parts := strings.SplitN(w[:end], ":", 4)
	var n [3]int
	for i := range min(len(parts), len(n)) {
		text := parts[i]
		if i == 2 {
			text, _, _ = strings.Cut(text, ".")
		}
		if n[i] = number(text); n[i] < 0 || len(text) > 2 {
			d.bad = true
		}
	}
	if len(parts) < 2 {
		d.bad = true
	}
	d.hour, d.minute, d.second, d.clock = n[0], n[1], n[2], true
	if zone != "" {
		d.take(zone)
	}
}

// takeName takes a month, a zone, or AM or PM.
func (d *looseDate) takeName(w string) {
	if month := monthOf(w); month > 0 && d.year < 0 && !d.clock || month > 0 && d.month == 0 {
		d.month = month
		return
	}
	if !d.clock {
		return
	}
	switch {
	case isWord(w, "pm", "p.m.") && d.hour < 12:
		d.hour += 12
	case isWord(w, "am", "a.m.") && d.hour == 12:
		d.hour = 0
	case d.zone == nil:
		d.zone = namedZone(w)
	}
}

// number parses a string of digits. It returns -1 for anything else.
func number(s string) int {
	if n, size := leadingNumber(s); size == len(s) && size > 0 && size <= 4 {
		return n
	}
	return -1
}

// cutDigits splits s after the digits at its start.
func cutDigits(s string) (digits, rest string) {
	_, size := leadingNumber(s)
	return s[:size], s[size:]
}

// leadingNumber parses the digits at the start of s, at most six.
func leadingNumber(s string) (n, size int) {
	for size < len(s) && isDigit(s[size]) {
		if size < 6 {
			n = n*10 + int(s[size]-'0')
		}
		size++
	}
	return n, size
}

// numericZone parses +hhmm, +hh:mm, +hmm, +hh, +h and +hhmmss, and ignores text after it. It returns nil for anything else.
func numericZone(w string) *time.Location {
	sign := 1
	for w != "" && (w[0] == '+' || w[0] == '-') {
		if w[0] == '-' {
			sign = -1
		}
		w = w[1:]
	}
	hours, rest := cutDigits(w)
	if minutes, ok := strings.CutPrefix(rest, ":"); ok && minutes != "" {
		minutes, _ = cutDigits(minutes)
		return zoneOf(sign, number(hours), number(minutes))
	}
	w = hours
	if len(w) == len("hhmmss") {
		w = w[:len("hhmm")]
	}
	n := number(w)
	if len(w) <= 2 {
		return zoneOf(sign, n, 0)
	}
	return zoneOf(sign, n/100, n%100)
}

func zoneOf(sign, hours, minutes int) *time.Location {
	if hours < 0 || hours > 99 || minutes < 0 || minutes > 59 {
		return nil
	}
	return datetime.Zone(sign * (hours*60 + minutes))
}

// namedZone returns a zone by its name, also GMT+0100, or nil if it is not known. A single letter is a military zone; since
// mail programs used these with the wrong sign, RFC 5322 section 4.3 takes all for UTC.
func namedZone(name string) *time.Location {
	if len(name) == 1 && isLetter(name[0]) {
		return time.UTC
	}
	if i := strings.IndexAny(name, "+-"); i > 0 && isWord(name[:i], "gmt", "utc", "ut") {
		return numericZone(name[i:])
	}
	if len(name) > maxZoneName {
		return nil
	}
	if i := strings.IndexAny(name, " \t"); i > 0 {
		name = name[:i]
	}
	if name != "" && (name[0] == '+' || name[0] == '-') {
		return numericZone(name)
	}
	return zoneNames[strings.ToUpper(name)]
}

func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }
