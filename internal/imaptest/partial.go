package imaptest

import (
	"fmt"
	"strings"
)

// partialRange is a range of positions in a result (RFC 9394), which count
// from 1 or, with back, from the end.
type partialRange struct {
	first, last int
	back        bool
}

func (p *parser) partialRange() *partialRange {
	r := &partialRange{}
	r.back = p.accept('-')
	r.first = p.position()
	p.expect(':')
	if r.back {
		p.expect('-')
	}
	r.last = p.position()
	if r.first > r.last {
		r.first, r.last = r.last, r.first
	}
	return r
}

func (p *parser) position() int {
	n := p.number32()
	if n == 0 {
		p.fail("Syntax error: positions count from 1")
	}
	return int(n)
}

func (r *partialRange) String() string {
	sign := "-"[:b2i(r.back)]
	return fmt.Sprintf("%s%d:%s%d", sign, r.first, sign, r.last)
}

// cut returns the part of the list that the range names.
func (r *partialRange) cut(list []int) []int {
	from, to := r.first, r.last
	if r.back {
		from, to = len(list)+1-r.last, len(list)+1-r.first
	}
	from, to = max(from, 1), min(to, len(list))
	if from > to {
		return nil
	}
	return list[from-1 : to]
}

// sendPartial writes the item of ESEARCH.
func (s *session) sendPartial(r *partialRange, part []int) {
	var nums []uint32
	for _, i := range part {
		nums = append(nums, s.number(i))
	}
	set := "NIL"
	if len(nums) > 0 {
		set = formatSet(nums)
	}
	fmt.Fprintf(&s.out, " PARTIAL (%s %s)", r, set)
}

// sendRelevancy writes scores. In this server all matches have the same score.
func (s *session) sendRelevancy(hits []int) {
	fmt.Fprintf(&s.out, " RELEVANCY (%s)", strings.TrimSpace(strings.Repeat("100 ", len(hits))))
}
