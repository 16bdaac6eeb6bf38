package imaptest

import (
	"cmp"
	"fmt"
	"slices"
)

// limitTo returns the messages that a command handles, which are the last
// ones, and the response code for a partial result (RFC 9738).
func (s *session) limitTo(indexes []int) (part []int, code string) {
	n := s.srv.opts.MessageLimit
	if n <= 0 || len(indexes) <= n {
		return indexes, ""
	}
	part = indexes[len(indexes)-n:]
	return part, s.limitCode(n, s.view[part[0]].uid)
}

func (s *session) limitCode(n int, uid uint32) string {
	if s.srv.opts.Style.LimitNoUID {
		return fmt.Sprintf("[MESSAGELIMIT %d] ", n)
	}
	return fmt.Sprintf("[MESSAGELIMIT %d %d] ", n, uid)
}

// inPart returns the reply to a command that was executed in part.
func (s *session) inPart(code, text string) *reply {
	if s.srv.opts.Style.LimitByNo {
		return no(code + text)
	}
	return ok(code + text)
}

// tooMany returns the refusal of a command that must handle all messages or none.
func (s *session) tooMany(indexes []int) error {
	n := s.srv.opts.MessageLimit
	if most := s.srv.opts.SaveLimit; most > 0 && (n <= 0 || most < n) {
		n = most
	}
	if n <= 0 || len(indexes) <= n {
		return nil
	}
	return no(s.limitCode(n, s.view[indexes[len(indexes)-n]].uid) + "Too many messages")
}

// wanted returns how many of the last messages of a set a command needs: one
// more than its limit, or 0 for all.
func (s *session) wanted() int {
	if n := s.srv.opts.MessageLimit; n > 0 {
		return n + 1
	}
	return 0
}

// resolveTop returns the indexes of the last messages that a set of UIDs
// names, up to a number if that is not 0.
func (s *session) resolveTop(set numSet, most int) []int {
	star := uint64(s.maxUID())
	spans := make([][2]int, 0, len(set.ranges))
	for _, r := range set.ranges {
		lo, hi := uint64(r.lo), uint64(r.hi)
		if lo == 0 {
			lo = star
		}
		if hi == 0 {
			hi = star
		}
		spans = append(spans, [2]int{s.place(min(lo, hi)), s.place(max(lo, hi) + 1)})
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return cmp.Compare(b[1], a[1]) })
	var out []int
	last := len(s.view)
	for _, span := range spans {
		for i := min(span[1], last) - 1; i >= span[0]; i-- {
			if most > 0 && len(out) == most {
				break
			}
			out = append(out, i)
		}
		last = min(last, span[0])
	}
	slices.Reverse(out)
	return out
}

// place returns the index of the first message with that UID or a higher one.
func (s *session) place(uid uint64) int {
	i, _ := slices.BinarySearchFunc(s.view, uid, func(v viewMsg, uid uint64) int { return cmp.Compare(uint64(v.uid), uid) })
	return i
}

// cmdUIDBatches lists ranges of UIDs with the requested number of messages
// each, from the highest down (RFC 10022).
func cmdUIDBatches(s *session, p *parser) error {
	p.sp()
	size := int(p.number32())
	first, last := 1, len(s.view)+1
	if p.accept(' ') {
		first = int(p.number32())
		p.expect(':')
		last = int(p.number32())
	}
	if err := p.end(); err != nil {
		return err
	}
	if size == 0 || first == 0 || last < first {
		return bad("[CLIENTBUG] Not a size, or not a range of batches")
	}
	if size < s.srv.opts.LeastBatch {
		return no("[TOOFEW] Batches of so few messages are not made")
	}
	fmt.Fprintf(&s.out, "* UIDBATCHES (TAG %s)", quote(s.tag))
	sep := " "
	for i, n := len(s.view), 1; i > 0; i, n = i-size, n+1 {
		low := uint32(1)
		if i > size {
			low = s.view[i-size].uid
		}
		if n < first || n > last {
			continue
		}
		fmt.Fprintf(&s.out, "%s%d", sep, s.view[i-1].uid)
		if low != s.view[i-1].uid {
			fmt.Fprintf(&s.out, ":%d", low)
		}
		sep = ","
	}
	s.out.WriteString("\r\n")
	return nil
}

// row writes the head of a FETCH response about the message at index i, or
// of an UIDFETCH (RFC 9586). It reports whether the head includes the UID.
func (s *session) row(i int) (hasUID bool) {
	if s.enabled["UIDONLY"] {
		fmt.Fprintf(&s.out, "* %d UIDFETCH (", s.view[i].uid)
		return true
	}
	fmt.Fprintf(&s.out, "* %d FETCH (", i+1)
	return false
}

// vanishes reports whether VANISHED stands for EXPUNGE.
func (s *session) vanishes() bool { return s.enabled["QRESYNC"] || s.enabled["UIDONLY"] }

// numbered lists the commands that name messages by number without UID.
var numbered = []string{"FETCH", "STORE", "COPY", "MOVE", "SEARCH", "SORT", "THREAD", "REPLACE"}

var errUIDRequired = bad("[UIDREQUIRED] UIDONLY is enabled")
