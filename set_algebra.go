package imap

import (
	"math"
	"slices"
)

// Union returns the numbers that are in s or in other.
func (s Set[N]) Union(other Set[N]) Set[N] {
	return slices.Concat(s, other).normalize()
}

// Intersect returns the numbers that are in both sets. "*" alone is in another set where that holds "*" too, or is open.
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

// Minus returns the numbers of s that are not in other. What is left of an open range ends at 2^32-1 and not with "*": to
// a server 6:* is the last message also where that is 5, so that 5:* without 5 must not be written so. "*" alone, whose
// number is not known, takes nothing away but itself, and is taken away by an open range.
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

// minus appends to out what is left of a range. gone is sorted.
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

// First returns the n lowest numbers of the set. They are numbers, not messages: of 1:100 the first ten are 1:10, also
// where no such messages exist, and of an open range they go on from its start. "*" alone is none of them.
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

// Last returns the n highest numbers of the set: of what Search found, the newest messages. They are numbers, not messages.
// A set that ends with "*" does not say which its highest numbers are: its Last is empty. Search tells them.
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
