package imap

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strconv"

	"github.com/go-imaplib/imap/internal/ascii"
)

// isOpen reports whether a set names the last message by "*".
func isOpen[N UID | SeqNum](s Set[N]) bool {
	return slices.ContainsFunc(s, func(r Range[N]) bool { return r.Stop == 0 })
}

// runs collects the numbers of a search as ranges, directly from the buffer. Usually numbers are in ascending order;
// set sorts them otherwise.
type runs struct {
	full [][]Range[UID] // full blocks
	last []Range[UID]   // the current block
	n    int            // ranges in full
	over bool           // there were more than maxRuns
	odd  bool           // the ranges may be in another order, or touch
}

const (
	runsBlock = 32 << 10
	// maxRuns bounds the ranges of a result: twice 32 MiB of memory, half of which is released at the end.
	maxRuns = 4 << 20
)

func (s *runs) empty() bool { return s.n+len(s.last) == 0 }

// numbers adds the numbers at the start of b, separated by blanks, and returns the position after them. zero reports a
// number 0, which is invalid.
func (s *runs) numbers(b []byte) (end int, zero bool) {
	last := s.last // kept in registers
	i := 0
	for i < len(b) {
		if b[i] == ' ' || b[i] == '\t' {
			i++
			continue
		}
		var n uint32
		var size int
		if rest := b[i:]; len(rest) >= 8 {
			n, size = leadingDigits(binary.LittleEndian.Uint64(rest))
		}
		if size == 0 || size == 8 {
			if n, size = decimal(b[i:]); size == 0 {
				break
			}
		}
		i += size
		k := len(last)
		switch {
		case n == 0:
			zero = true
		case 0 < k && last[k-1].Stop+1 == UID(n) && last[k-1].Stop != 0:
			last[k-1].Stop = UID(n)
		case 0 < k && k < cap(last) && last[k-1].Stop < UID(n)-1 && last[k-1].Stop != 0:
			last = append(last, Range[UID]{UID(n), UID(n)})
		default:
			s.last = last
			s.add(UID(n))
			last = s.last
		}
	}
	s.last = last
	return i, zero
}

// leadingDigits parses the digits at the start of eight bytes, of which the first is the lowest, and returns their number. For
// 0 and 8, n is undefined.
func leadingDigits(text uint64) (n uint32, size int) {
	digits := text ^ 0x3030303030303030
	// The high bit of each byte that is no digit; those behind the first may be wrong.
	others := (digits + 0x7676767676767676 | digits) & 0x8080808080808080
	size = bits.TrailingZeros64(others) / 8
	digits <<= (64 - 8*size) & 63 // with zeros in front
	digits = (digits*10 + digits>>8) & 0x00ff00ff00ff00ff
	digits = (digits*100 + digits>>16) & 0x0000ffff0000ffff
	return uint32(digits*10000 + digits>>32), size
}

// ranges adds the ranges at the start of b, separated by commas, and returns the position after them.
func (s *runs) ranges(b []byte) int {
	end := 0
	s.odd = true
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

// decimal parses a number of 32 bits and returns it with its length, which is 0 if none exists.
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

// add adds a number, to the last range if it follows that.
func (s *runs) add(n UID) {
	if l := len(s.last); l > 0 {
		if r := &s.last[l-1]; r.Stop+1 == n && r.Stop != 0 {
			r.Stop = n
			return
		}
	}
	s.odd = s.odd || !s.follows(n)
	s.push(Range[UID]{n, n})
}

// follows reports whether n, which is not 0, is behind all ranges and does not touch them.
func (s *runs) follows(n UID) bool {
	last := s.last
	if len(last) == 0 && len(s.full) > 0 {
		last = s.full[len(s.full)-1]
	}
	return len(last) == 0 || last[len(last)-1].Stop != 0 && last[len(last)-1].Stop < n-1
}

func (s *runs) push(r Range[UID]) {
	if len(s.last) == cap(s.last) && !s.grow() {
		return
	}
	s.last = append(s.last, r)
}

// grow makes room, by a larger block or another one.
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

// join adds the ranges of another list.
func (s *runs) join(more *runs) {
	for _, block := range append(slices.Clip(more.full), more.last) {
		for _, r := range block {
			s.push(r)
		}
	}
	s.odd, s.over = true, s.over || more.over
}

// set returns all ranges as a set.
func (s *runs) set() UIDSet {
	all := s.last
	if len(s.full) > 0 {
		all = make(UIDSet, 0, s.n+len(s.last))
		for _, block := range s.full {
			all = append(all, block...)
			runtime.Gosched() // the collector cannot stop a goroutine that copies, and its thread would spin meanwhile
		}
		all = append(all, s.last...)
	}
	switch {
	case len(all) == 0:
		return UIDSet{}
	case len(all) <= cap(all)/2:
		all = slices.Clone(all) // a result that is kept must not hold the room for many ranges
	}
	if !s.odd {
		return all
	}
	return UIDSet(all).normalize()
}

// err returns the error for a result that was cut.
func (s *runs) err() error {
	if s.over {
		return &LimitError{"MaxBuffered", maxRuns}
	}
	return nil
}

// lastOf returns the length of b up to and including its last separator: the number after it may be incomplete.
func lastOf(b []byte, separator byte) int { return bytes.LastIndexByte(b, separator) + 1 }

type (
	// UID is the unique identifier of a message in its mailbox, 1 to 2^32-1. It does not change unless the UIDVALIDITY
	// of the mailbox changes. In sets 0 stands for "*", the highest UID in the mailbox.
	UID uint32

	// SeqNum is the sequence number of a message, 1 to the number of messages. It changes whenever a message before it
	// is removed. In sets 0 stands for "*", the last message.
	SeqNum uint32
)

// Range is a range of numbers that includes both ends. A Stop of 0 is "*"; otherwise Start <= Stop. If both are 0, it is "*"
// alone.
type Range[N UID | SeqNum] struct{ Start, Stop N }

// Set is a sorted list of disjoint ranges (RFC 9051 section 9, sequence-set). Only if the order of a server matters, as in
// CopyResult, is it not sorted. The zero value is the empty set.
type Set[N UID | SeqNum] []Range[N]

type (
	// UIDSet is a set of UIDs. It selects the UID form of a command.
	UIDSet = Set[UID]
	// SeqSet is a set of sequence numbers. It selects the plain form of a command.
	SeqSet = Set[SeqNum]
)

// NumSet is a UIDSet, a SeqSet or SavedResult.
type NumSet interface{ numSet() }

func (Set[N]) numSet() {}

type savedResult struct{}

func (savedResult) numSet() {}

// SavedResult is "$", the result of the last SEARCH with Save, as UIDs (RFC 5182; capability SEARCHRES).
var SavedResult NumSet = savedResult{}

// UIDs returns a set of UIDs, which may be in any order; 0 stands for "*".
func UIDs(uids ...UID) UIDSet { return setOf(uids) }

// Seqs returns a set of sequence numbers, which may be in any order; 0 stands for "*".
func Seqs(nums ...SeqNum) SeqSet { return setOf(nums) }

// UIDRange returns the set of the UIDs from start to stop, in either order; 0 stands for "*".
func UIDRange(start, stop UID) UIDSet { return UIDSet{orderedRange(start, stop)} }

// SeqRange returns the set of the sequence numbers from start to stop, in either order; 0 stands for "*".
func SeqRange(start, stop SeqNum) SeqSet { return SeqSet{orderedRange(start, stop)} }

func setOf[N UID | SeqNum](nums []N) Set[N] {
	var s Set[N]
	for _, n := range nums {
		s.add(n)
	}
	return s.normalize()
}

// orderedRange returns a range with its ends in order; "*" is always the last.
func orderedRange[N UID | SeqNum](a, b N) Range[N] {
	if a == 0 || b != 0 && b < a {
		a, b = b, a
	}
	return Range[N]{a, b}
}

// last returns the highest number that a range can include.
func (r Range[N]) last() N {
	if r.Stop == 0 {
		return math.MaxUint32
	}
	return r.Stop
}

// first returns the lowest number that a range certainly includes; for "*" alone that is the highest possible number.
func (r Range[N]) first() N {
	if r.Start == 0 {
		return math.MaxUint32
	}
	return r.Start
}

// add adds a number to the set, efficiently if numbers are in ascending order. Otherwise normalize must follow.
func (s *Set[N]) add(n N) {
	if l := len(*s); l > 0 && n != 0 {
		if r := &(*s)[l-1]; r.Stop != 0 && r.Stop+1 == n && n > r.Stop {
			r.Stop = n
			return
		}
	}
	*s = append(*s, Range[N]{n, n})
}

// normalize sorts the ranges and joins adjacent ones, in place.
func (s Set[N]) normalize() Set[N] {
	if s.isNormal() {
		return s
	}
	slices.SortFunc(s, func(a, b Range[N]) int {
		return cmp.Or(cmp.Compare(a.first(), b.first()), cmp.Compare(a.last(), b.last()))
	})
	out := s[:1]
	for _, r := range s[1:] {
		prev := &out[len(out)-1]
		switch {
		case prev.Stop == 0 && prev.Start != 0, r == *prev:
			// It is included already: by the open range before it, or by an equal one.
		case r.Start != 0 && r.Start <= prev.last() || r.Start != 0 && r.Start == prev.last()+1:
			if r.last() > prev.last() || r.Stop == 0 {
				prev.Stop = r.Stop
			}
		default:
			out = append(out, r)
		}
	}
	if len(out) < len(s)/2 && len(s) > firstRanges {
		return slices.Clone(out) // a short set that is kept must not hold the memory of a long one
	}
	return out
}

func (s Set[N]) isNormal() bool {
	for i := 1; i < len(s); i++ {
		if s[i-1].Stop == 0 || s[i].first() <= s[i-1].Stop || s[i].first() == s[i-1].Stop+1 && s[i].Start != 0 {
			return false
		}
	}
	return true
}

// All returns an iterator over the numbers of the set in order, without expanding it in memory. The numbers of an open
// range, 5:*, are not known: it yields only the start, and nothing for "*".
func (s Set[N]) All() iter.Seq[N] {
	return func(yield func(N) bool) {
		for _, r := range s {
			if r.Stop == 0 {
				if r.Start != 0 && !yield(r.Start) {
					return
				}
				continue
			}
			for n := r.Start; ; n++ {
				if !yield(n) {
					return
				}
				if n >= r.Stop {
					break
				}
			}
		}
	}
}

// Len returns the number of values that All yields.
func (s Set[N]) Len() uint64 {
	var n uint64
	for _, r := range s {
		switch {
		case r.Stop != 0:
			n += uint64(r.Stop-r.Start) + 1
		case r.Start != 0:
			n++
		}
	}
	return n
}

// Contains reports whether the set includes n. An open range, 5:*, includes every number from its start on; "*" alone
// includes no known number.
func (s Set[N]) Contains(n N) bool {
	if len(s) == 1 {
		return n != 0 && s[0].Start != 0 && s[0].Start <= n && n <= s[0].last()
	}
	if s.hasSorted(n) {
		return true
	}
	return !s.isNormal() && slices.ContainsFunc(s, func(r Range[N]) bool { return n != 0 && r.Start != 0 && r.Start <= n && n <= r.last() })
}

// hasSorted is Contains for a set whose ranges are in order. It does not look at all of them if n is not in the set.
func (s Set[N]) hasSorted(n N) bool {
	i, _ := slices.BinarySearchFunc(s, n, func(r Range[N], n N) int { return cmp.Compare(r.last(), n) })
	return i < len(s) && s[i].Start != 0 && s[i].Start <= n && n != 0
}

// String returns the set in wire syntax, "1:3,7,9:*".
func (s Set[N]) String() string { return string(appendSet(nil, s)) }

// AppendText appends the set in wire syntax. It implements encoding.TextAppender and allocates only for dst.
func (s Set[N]) AppendText(dst []byte) ([]byte, error) { return appendSet(dst, s), nil }

// MarshalText returns the set in wire syntax. It implements encoding.TextMarshaler, so that a set can be stored by
// encoding/json; the empty set is "".
func (s Set[N]) MarshalText() ([]byte, error) { return appendSet(nil, s), nil }

// UnmarshalText parses the result of MarshalText. It implements encoding.TextUnmarshaler.
func (s *Set[N]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = nil
		return nil
	}
	set, err := parseNormal[N](string(text))
	if err == nil {
		*s = set
	}
	return err
}

func appendSet[N UID | SeqNum](dst []byte, s Set[N]) []byte {
	for i, r := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRange(dst, r)
	}
	return dst
}

func appendRange[N UID | SeqNum](dst []byte, r Range[N]) []byte {
	dst = appendNum(dst, r.Start)
	if r.Start == r.Stop {
		return dst
	}
	return appendNum(append(dst, ':'), r.Stop)
}

func appendNum[N UID | SeqNum](dst []byte, n N) []byte {
	if n == 0 {
		return append(dst, '*')
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}

// ParseUIDSet parses a set of UIDs in wire syntax. Ranges may be in any order.
func ParseUIDSet(s string) (UIDSet, error) { return parseNormal[UID](s) }

// ParseSeqSet parses a set of sequence numbers in wire syntax. Ranges may be in any order.
func ParseSeqSet(s string) (SeqSet, error) { return parseNormal[SeqNum](s) }

func parseNormal[N UID | SeqNum](s string) (Set[N], error) {
	set, err := parseSet[N](s)
	if err != nil {
		return nil, err
	}
	return set.normalize(), nil
}

// parseSet parses a set and keeps the order of its ranges.
func parseSet[N UID | SeqNum](s string) (Set[N], error) {
	b := []byte(s)
	set, n, err := parseSetBytes[N](b)
	if err == nil && n < len(b) {
		err = setError(b, n)
	}
	if err != nil {
		return nil, err
	}
	return set, nil
}

func setError(b []byte, at int) error {
	return &ProtocolError{Offset: int64(at), Excerpt: excerpt(b, at), Reason: "expected a set of numbers"}
}

// parseSetBytes parses a set at the start of b and returns it, in its original order, with its length.
func parseSetBytes[N UID | SeqNum](b []byte) (Set[N], int, error) {
	set := make(Set[N], 0, min(1+bytes.Count(b, comma), firstRanges))
	for i := 0; ; i++ {
		start, n := parseSetNumber[N](b[i:])
		if n == 0 {
			return nil, 0, setError(b, i)
		}
		i += n
		stop := start
		if i < len(b) && b[i] == ':' {
			if stop, n = parseSetNumber[N](b[i+1:]); n == 0 {
				return nil, 0, setError(b, i)
			}
			i += 1 + n
		}
		if len(set) == firstRanges {
			// It is a long set: append would hold two copies while it grows.
			rest := b[i:setEnd(b, i)]
			set = slices.Grow(set, min(1+bytes.Count(rest, comma), len(rest)/2+1))
		}
		set = append(set, orderedRange(start, stop))
		if i == len(b) || b[i] != ',' {
			return set, i, nil
		}
	}
}

// setEnd returns the position of the first byte from i on that cannot be part of a set.
func setEnd(b []byte, i int) int {
	for i < len(b) && (ascii.IsDigit(b[i]) || b[i] == ',' || b[i] == ':' || b[i] == '*') {
		i++
	}
	return i
}

// firstRanges is the number of ranges for which memory is allocated before they have been parsed.
const firstRanges = 1024

var comma = []byte{','}

// parseSetNumber parses a number from 1 to 2^32-1, or "*" as 0, and returns it with its length, which is 0 if none exists.
func parseSetNumber[N UID | SeqNum](b []byte) (N, int) {
	if len(b) > 0 && b[0] == '*' {
		return 0, 1
	}
	var n uint64
	i := 0
	for ; i < len(b) && ascii.IsDigit(b[i]); i++ {
		if n = n*10 + uint64(b[i]-'0'); n > math.MaxUint32 {
			return 0, 0
		}
	}
	if n == 0 {
		return 0, 0
	}
	return N(n), i
}

// isUID reports whether a set selects the UID form of a command.
func isUID(s NumSet) bool {
	_, bySeq := s.(SeqSet)
	return !bySeq
}

func emptySet(s NumSet) bool {
	switch s := s.(type) {
	case UIDSet:
		return len(s) == 0
	case SeqSet:
		return len(s) == 0
	}
	return false
}

// validSet returns an error for an invalid set.
func validSet(s NumSet) error {
	ok := s == SavedResult
	switch s := s.(type) {
	case UIDSet:
		ok = validRanges(s)
	case SeqSet:
		ok = validRanges(s)
	}
	if !ok {
		return argError("not a set of messages")
	}
	return nil
}

// beyond reports whether a set has no number of a message in a mailbox with exists messages. Servers differ in whether
// that is an error (Dovecot: BAD Invalid messageset); "*" is a message unless the mailbox is empty.
func beyond(s SeqSet, exists uint32) bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(r Range[SeqNum]) bool {
		return exists > 0 && (uint32(r.Start) <= exists || r.Stop == 0)
	})
}

func validRanges[N UID | SeqNum](s Set[N]) bool {
	return !slices.ContainsFunc(s, func(r Range[N]) bool { return r.Stop != 0 && (r.Start == 0 || r.Start > r.Stop) })
}

func appendNumSet(dst []byte, s NumSet) []byte {
	switch s := s.(type) {
	case UIDSet:
		return appendSet(dst, s)
	case SeqSet:
		return appendSet(dst, s)
	}
	return append(dst, '$')
}

// splitSet splits a set into pieces whose text is at most octets bytes long.
func splitSet(s NumSet, octets int) []NumSet {
	switch s := s.(type) {
	case UIDSet:
		return splitRanges(s, octets)
	case SeqSet:
		return splitRanges(s, octets)
	}
	return []NumSet{s}
}

// maxRangeText is the length of the longest range with its comma.
const maxRangeText = len("4294967295:4294967295,")

func splitRanges[N UID | SeqNum](s Set[N], octets int) []NumSet {
	if len(s) <= octets/maxRangeText {
		return []NumSet{s}
	}
	var parts []NumSet
	var text [maxRangeText]byte
	size, from := 0, 0
	for i, r := range s {
		n := len(appendRange(text[:0], r)) + 1
		if size += n; size > octets && i > from {
			parts = append(parts, s[from:i])
			size, from = n, i
		}
	}
	return append(parts, s[from:])
}

// Union returns the numbers that are in s or in other, or in both.
func (s Set[N]) Union(other Set[N]) Set[N] {
	return slices.Concat(s, other).normalize()
}

// Intersect returns the numbers that are in both sets. "*" alone is in another set if that contains "*" too, or is open.
func (s Set[N]) Intersect(other Set[N]) Set[N] {
	a, b := s.normal(), other.normal()
	var out Set[N]
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if r, ok := a[i].intersect(b[j]); ok {
			out = append(out, r)
		}
		if a[i].last() < b[j].last() || a[i].last() == b[j].last() && a[i].Stop != 0 {
			i++
		} else {
			j++
		}
	}
	return out.normalize()
}

func (r Range[N]) intersect(other Range[N]) (Range[N], bool) {
	if r.Start == 0 || other.Start == 0 { // "*"
		return Range[N]{}, r.Stop == 0 && other.Stop == 0
	}
	both := Range[N]{max(r.Start, other.Start), r.Stop}
	if r.Stop == 0 || other.Stop != 0 && other.Stop < r.Stop {
		both.Stop = other.Stop
	}
	return both, both.Start <= both.last()
}

// Minus returns the numbers of s that are not in other. The rest of an open range ends at 2^32-1 instead of "*": to a server
// 6:* includes the last message even if that is 5, so it would be wrong for 5:* without 5. "*" alone, whose number is not
// known, removes only itself, and is removed by an open range.
func (s Set[N]) Minus(other Set[N]) Set[N] {
	gone := other.normal()
	var out Set[N]
	for _, r := range s.normal() {
		for len(gone) > 0 && gone[0].last() < r.first() {
			gone = gone[1:]
		}
		out = r.minus(out, gone)
	}
	return out
}

// minus appends the rest of a range without the sorted set gone to out.
func (r Range[N]) minus(out, gone Set[N]) Set[N] {
	if r.Start == 0 {
		if len(gone) > 0 && gone[len(gone)-1].Stop == 0 {
			return out
		}
		return append(out, r)
	}
	left := r
	for _, g := range gone {
		if g.Start == 0 || g.Start > r.last() {
			break
		}
		if g.Start > left.Start {
			out = append(out, Range[N]{left.Start, g.Start - 1})
		}
		if g.last() >= r.last() {
			return out
		}
		left = Range[N]{g.Stop + 1, r.last()}
	}
	return append(out, left)
}

// First returns the n lowest numbers of the set. They are numbers, not messages: the first ten of 1:100 are 1:10, even if no
// such messages exist, and those of an open range are counted from its start. "*" alone is not included.
func (s Set[N]) First(n int) Set[N] {
	var out Set[N]
	for _, r := range s.normal() {
		if n <= 0 || r.Start == 0 {
			break
		}
		size := uint64(r.last()-r.Start) + 1
		if size > uint64(n) {
			r.Stop, size = r.Start+N(n)-1, uint64(n)
		} else if r.Stop == 0 {
			r.Stop = math.MaxUint32
		}
		out = append(out, r)
		n -= int(size)
	}
	return out
}

// Last returns the n highest numbers of the set; in a result of Search these are the newest messages. They are numbers, not
// messages. If the set ends with "*", its highest numbers are not known, and Last returns an empty set; Search finds them.
func (s Set[N]) Last(n int) Set[N] {
	all := s.normal()
	if len(all) > 0 && all[len(all)-1].Stop == 0 {
		return nil
	}
	var out Set[N]
	for _, r := range slices.Backward(all) {
		if n <= 0 {
			break
		}
		size := uint64(r.Stop-r.Start) + 1
		if size > uint64(n) {
			r.Start, size = r.Stop-N(n)+1, uint64(n)
		}
		out = append(out, r)
		n -= int(size)
	}
	slices.Reverse(out)
	return out
}

// normal returns the set with its ranges in order, without changing it.
func (s Set[N]) normal() Set[N] {
	if s.isNormal() {
		return s
	}
	return slices.Clone(s).normalize()
}
