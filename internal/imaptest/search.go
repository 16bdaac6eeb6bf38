package imaptest

import (
	"fmt"
	"slices"
	"strings"
)

// searchArgs is a parsed SEARCH command.
type searchArgs struct {
	returning bool
	options   []string
	match     matcher
	modSeq    bool    // a MODSEQ key was used
	top       *numSet // a set of UIDs that is one of the keys
	partial   *partialRange
	result    []int // the part to send
}

func cmdSearch(s *session, p *parser) error {
	a, err := s.parseSearch(p)
	if err != nil {
		return err
	}
	hits, limit := s.found(a)
	if a.modSeq {
		s.enabled["CONDSTORE"] = true
	}
	if slices.Contains(a.options, "SAVE") {
		s.saveHits(a, hits)
	}
	done := func() error {
		if limit != "" {
			return s.inPart(limit, "SEARCH completed in part")
		}
		return nil
	}
	if s.rev2() && !a.returning {
		a.returning, a.options = true, []string{"ALL"}
	}
	if a.returning {
		s.sendExtended(a, hits)
		s.keepCurrent(a, hits, nil, false)
		return done()
	}
	st := &s.srv.opts.Style
	if st.SilentSearch && len(hits) == 0 {
		return nil
	}
	s.out.WriteString("* SEARCH")
	for _, i := range hits {
		fmt.Fprintf(&s.out, " %d", s.number(i))
	}
	if a.modSeq && len(hits) > 0 {
		fmt.Fprintf(&s.out, " (MODSEQ %d)", s.highest(hits))
	}
	if st.SearchSpace {
		s.out.WriteString(" ")
	}
	s.out.WriteString("\r\n")
	return done()
}

// found returns the matching messages, and the code for a partial result. With positions, which count in all matches, the
// limit applies to the messages that are sent.
func (s *session) found(a *searchArgs) (hits []int, limit string) {
	if a.partial == nil {
		return s.limitTo(s.hits(a.match, a.top, s.wanted()))
	}
	hits = s.hits(a.match, a.top, 0)
	a.result, limit = s.limitTo(a.partial.cut(hits))
	return hits, limit
}

func (s *session) parseSearch(p *parser) (*searchArgs, error) {
	a := &searchArgs{}
	p.sp()
	if !s.srv.disabled["ESEARCH"] && p.acceptWord("RETURN") {
		s.resultOptions(p, a)
	}
	charset := "UTF-8"
	if p.acceptWord("CHARSET") {
		p.sp()
		charset = p.astring()
		p.sp()
	}
	return a, s.searchKeys(p, a, charset)
}

// resultNeeds maps the options of RETURN to the capabilities that define them.
var resultNeeds = map[string]string{
	"MIN": "", "MAX": "", "ALL": "", "COUNT": "", "SAVE": "SEARCHRES",
	"PARTIAL": "PARTIAL CONTEXT=SEARCH CONTEXT=SORT", "RELEVANCY": "SEARCH=FUZZY",
	"CONTEXT": "CONTEXT=SEARCH CONTEXT=SORT", "UPDATE": "CONTEXT=SEARCH CONTEXT=SORT",
}

// resultOptions reads what follows RETURN, with the space after it.
func (s *session) resultOptions(p *parser, a *searchArgs) {
	a.returning = true
	p.sp()
	p.list(func() {
		o := p.word()
		needs, known := resultNeeds[o]
		if !known || s.lacks(needs) {
			p.fail("Unknown SEARCH result option")
		}
		if o == "PARTIAL" {
			p.sp()
			a.partial = p.partialRange()
		}
		a.options = append(a.options, o)
	})
	p.sp()
	if a.partial != nil && slices.Contains(a.options, "ALL") {
		p.fail("PARTIAL and ALL exclude each other")
	}
	told := slices.DeleteFunc(slices.Clone(a.options), func(o string) bool { return o == "CONTEXT" || o == "UPDATE" })
	if len(told) == 0 {
		a.options = append(a.options, "ALL")
	}
}

// searchKeys reads the keys and the end of the command. A syntax error takes
// precedence over an unknown charset.
func (s *session) searchKeys(p *parser, a *searchArgs, charset string) error {
	k := &keyParser{parser: p, s: s}
	a.match = k.keys()
	a.modSeq, a.top = k.modSeq, k.top
	if err := p.end(); err != nil {
		return err
	}
	if !knownCharset(charset) {
		return no("[BADCHARSET (US-ASCII UTF-8)] Unknown charset")
	}
	return nil
}

func knownCharset(name string) bool {
	return strings.EqualFold(name, "UTF-8") || strings.EqualFold(name, "US-ASCII")
}

// hits returns the indexes of the messages that match.
// If most is not 0, at most that number of the last ones is returned, up to the
// highest UID in top.
func (s *session) hits(match matcher, top *numSet, most int) []int {
	end := len(s.view)
	if top != nil {
		highest := uint32(0)
		for _, r := range top.ranges {
			if r.lo == 0 || r.hi == 0 {
				highest = s.maxUID()
			}
			highest = max(highest, r.lo, r.hi)
		}
		end = s.place(uint64(highest) + 1)
	}
	var out []int
	for i := end - 1; i >= 0 && (most == 0 || len(out) < most); i-- {
		if match(&candidate{viewMsg: &s.view[i], seq: uint32(i + 1)}) {
			out = append(out, i)
		}
	}
	slices.Reverse(out)
	return out
}

func (s *session) highest(hits []int) uint64 {
	var n uint64
	for _, i := range hits {
		n = max(n, s.view[i].modSeq)
	}
	return n
}

// saveHits sets "$". With MIN, MAX or PARTIAL but neither ALL nor COUNT only
// these messages are saved (RFC 5182 section 2.4, RFC 9394 section 3.2).
func (s *session) saveHits(a *searchArgs, hits []int) {
	has := func(o string) bool { return slices.Contains(a.options, o) }
	if (has("MIN") || has("MAX") || has("PARTIAL")) && !has("ALL") && !has("COUNT") && len(hits) > 0 {
		var ends []int
		if a.partial != nil {
			ends = append(ends, a.result...)
		}
		if has("MIN") && !slices.Contains(ends, hits[0]) {
			ends = append(ends, hits[0])
		}
		if last := hits[len(hits)-1]; has("MAX") && !slices.Contains(ends, last) {
			ends = append(ends, last)
		}
		hits = slices.Sorted(slices.Values(ends))
	}
	s.saved = s.uids(hits)
}

// sendExtended writes an ESEARCH response, unless only SAVE was requested. After
// SORT, MIN and MAX are the ends in the sorted order (RFC 5267 section 3.1).
func (s *session) sendExtended(a *searchArgs, hits []int) {
	if len(a.options) == 1 && a.options[0] == "SAVE" {
		return
	}
	fmt.Fprintf(&s.out, "* ESEARCH (TAG %s)", quote(s.tag))
	if s.uid {
		s.out.WriteString(" UID")
	}
	nums := make([]uint32, 0, len(hits))
	for _, i := range hits {
		nums = append(nums, s.number(i))
	}
	for _, o := range a.options {
		switch {
		case o == "COUNT":
			fmt.Fprintf(&s.out, " COUNT %d", len(nums))
		case o == "PARTIAL":
			s.sendPartial(a.partial, a.result)
		case o == "RELEVANCY":
			s.sendRelevancy(hits)
		case len(nums) == 0:
		case o == "MIN":
			fmt.Fprintf(&s.out, " MIN %d", nums[0])
		case o == "MAX":
			fmt.Fprintf(&s.out, " MAX %d", nums[len(nums)-1])
		case o == "ALL":
			fmt.Fprintf(&s.out, " ALL %s", formatSet(nums))
		}
	}
	if a.modSeq && len(hits) > 0 {
		fmt.Fprintf(&s.out, " MODSEQ %d", s.highest(hits))
	}
	s.out.WriteString("\r\n")
}
