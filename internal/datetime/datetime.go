// Package datetime has functions for the dates of the protocol and of message headers: numbers, months, offsets, and a check
// that a day exists. None of them allocates, except for an offset that occurs for the first time.
package datetime

import (
	"sync"
	"sync/atomic"
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
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, zone), true
}

// daysIn returns the number of days of a month.
func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return int(monthDays[month-1])
}

var monthDays = [...]uint8{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

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

// quarters are the zones of whole quarters of an hour, from -14 to +14 hours, which nearly all dates have. They take no lock.
var quarters [2*maxQuarter + 1]atomic.Pointer[time.Location]

const maxQuarter = 14 * 4

const maxZones = 256

// Zone returns the location of an offset in minutes.
func Zone(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	if q := minutes/15 + maxQuarter; minutes%15 == 0 && 0 <= q && q < len(quarters) {
		if quarters[q].Load() == nil {
			quarters[q].CompareAndSwap(nil, time.FixedZone("", minutes*60))
		}
		return quarters[q].Load()
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
