package imap

import (
	"bytes"
	"math"
)

// runs collects the numbers of a search as ranges, straight out of the buffer. Numbers come in ascending order as a rule;
// set puts in order those that do not.
type runs struct {
	full [][]Range[UID] // blocks
	last []Range[UID]   // the block that is being filled
	n    int            // ranges in full
	over bool           // there were more than maxRuns
}

const (
	runsBlock = 32 << 10
	// maxRuns bounds the ranges of a result: twice 32 MiB of memory, of which one half is given back.
	maxRuns = 4 << 20
)

func (s *runs) empty() bool { return s.n+len(s.last) == 0 }

// numbers adds the numbers at the start of b, with blanks between them, and returns how far it came. Zero is no message.
func (s *runs) numbers(b []byte) (end int, zero bool) {
	i := 0
	for i < len(b) {
		if b[i] == ' ' || b[i] == '\t' {
			i++
			continue
		}
		n, size := decimal(b[i:])
		if size == 0 {
			break
		}
		i += size
		if zero = zero || n == 0; n != 0 {
			s.add(UID(n))
		}
	}
	return i, zero
}

// ranges adds the ranges at the start of b, with commas between them, and returns how far it came.
func (s *runs) ranges(b []byte) int {
	end := 0
	for i := 0; i < len(b); i++ {
		start, size := parseSetNumber[UID](b[i:])
		if size == 0 {
			break
		}
		i += size
		stop := start
		if i < len(b) && b[i] == ':' {
			if stop, size = parseSetNumber[UID](b[i+1:]); size == 0 {
				break
			}
			i += 1 + size
		}
		s.push(orderedRange(start, stop))
		if end = i; i == len(b) || b[i] != ',' {
			break
		}
		end = i + 1
	}
	return end
}

// decimal reads a number of 32 bits; its length is 0 if there is none.
func decimal(b []byte) (uint32, int) {
	n := uint64(0)
	for i, c := range b {
		if c -= '0'; c > 9 {
			return uint32(n), i
		}
		if n = n*10 + uint64(c); n > math.MaxUint32 {
			return 0, 0
		}
	}
	return uint32(n), len(b)
}

// add adds a number to the last range, if it comes next.
func (s *runs) add(n UID) {
	if l := len(s.last); l > 0 {
		if r := &s.last[l-1]; r.Stop+1 == n && r.Stop != 0 {
			r.Stop = n
			return
		}
	}
	s.push(Range[UID]{n, n})
}

func (s *runs) push(r Range[UID]) {
	if len(s.last) == cap(s.last) && !s.grow() {
		return
	}
	s.last = append(s.last, r)
}

// grow makes room: a larger block, or another one.
func (s *runs) grow() bool {
	switch {
	case len(s.last) < runsBlock:
		s.last = append(make([]Range[UID], 0, max(2*len(s.last), 64)), s.last...)
	case s.n+len(s.last) >= maxRuns:
		s.over = true
		return false
	default:
		s.n += len(s.last)
		s.full = append(s.full, s.last)
		s.last = make([]Range[UID], 0, runsBlock)
	}
	return true
}

// set returns all as one set.
func (s *runs) set() UIDSet {
	all := s.last
	if len(s.full) > 0 {
		all = make(UIDSet, 0, s.n+len(s.last))
		for _, block := range s.full {
			all = append(all, block...)
		}
		all = append(all, s.last...)
	}
	if len(all) == 0 {
		return UIDSet{}
	}
	return UIDSet(all).normalize()
}

// err is the error of a result that was cut.
func (s *runs) err() error {
	if s.over {
		return &LimitError{"MaxBuffered", maxRuns}
	}
	return nil
}

// lastOf returns the length of b up to and with its last separator: what is behind it may go on.
func lastOf(b []byte, separator byte) int { return bytes.LastIndexByte(b, separator) + 1 }
