// Package datetime has functions for the dates of the protocol and of message headers: numbers, months, offsets, and a check
// that a day exists. None of them allocates, except for an offset that occurs for the first time.
package datetime

import (
	"sync"
	"time"
)

// Months are the English abbreviations of the months, in order.
const Months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// Date returns a time, and false if there is no such day or second. Second 60 is a leap second, which becomes the next
// second.
func Date(year, month, day, hour, minute, second int, zone *time.Location) (time.Time, bool) {
	if hour > 23 || minute > 59 || second > 60 || second == 60 && (hour != 23 && minute != 59) {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	if _, m, d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Date(); int(m) != month || d != day {
		return time.Time{}, false
	}
	return t, true
}

// Digits parses a number of up to nine digits. It returns -1 for anything else.
func Digits(b []byte) int {
	if len(b) > 9 {
		return -1 // it may overflow
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Month returns 1 to 12 for the English abbreviation of a month, ignoring case, and -1 otherwise.
func Month(b []byte) int {
	if len(b) != 3 {
		return -1
	}
	for i := 0; i < len(Months); i += 3 {
		if b[0]|0x20 == Months[i]|0x20 && b[1]|0x20 == Months[i+1] && b[2]|0x20 == Months[i+2] {
			return i/3 + 1
		}
	}
	return -1
}

// ParseZone parses +hhmm.
func ParseZone(b []byte) (*time.Location, bool) {
	if len(b) != 5 || b[0] != '+' && b[0] != '-' {
		return nil, false
	}
	hours, minutes := Digits(b[1:3]), Digits(b[3:5])
	if hours < 0 || minutes < 0 || minutes > 59 {
		return nil, false
	}
	offset := hours*60 + minutes
	if b[0] == '-' {
		offset = -offset
	}
	return Zone(offset), true
}

// zones caches the locations of offsets, so that a date costs no allocation. The real offsets are few, but a server may make
// up others, so the cache is bounded.
var zones struct {
	sync.RWMutex
	m map[int]*time.Location
}

const maxZones = 256

// Zone returns the location of an offset in minutes.
func Zone(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	zones.RLock()
	loc := zones.m[minutes]
	zones.RUnlock()
	if loc != nil {
		return loc
	}
	loc = time.FixedZone("", minutes*60)
	zones.Lock()
	defer zones.Unlock()
	if zones.m == nil {
		zones.m = make(map[int]*time.Location)
	}
	if len(zones.m) < maxZones {
		zones.m[minutes] = loc
	}
	return loc
}
