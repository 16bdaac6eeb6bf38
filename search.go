package imap

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
)

// partialRange writes a range of positions, which are both counted from the same end.
func (e *encoder) partialRange(from, to int) *encoder {
	if from == 0 || to == 0 || (from < 0) != (to < 0) {
		e.fail(argError("PARTIAL: positions count from 1 or from -1"))
		return e
	}
	if from < 0 {
		return e.raw("-").number(uint64(-from)).raw(":-").number(uint64(-to))
	}
	return e.number(uint64(from)).raw(":").number(uint64(to))
}

// SearchOptions selects what Search returns; without any selection it is All. ESEARCH is used if offered (RFC 4731);
// otherwise Min, Max and Count are computed from the numbers.
type SearchOptions struct {
	Min, Max, Count, All, Save bool
	PartialFrom, PartialTo     int  // PARTIAL (RFC 9394, RFC 5267): its numbers come in UIDs or Seqs; negative counts from the end
	Relevancy                  bool // with Query.Fuzzy: how well each matches (RFC 6203; capability SEARCH=FUZZY)

	// First and Last limit the result to that many matches with the lowest or the highest numbers: the oldest or the
	// newest messages. A server with the capability PARTIAL sends only these; otherwise it sends all, and the client
	// drops the rest. Count is the total number of matches. Only one of the two may be set, without PartialFrom, and
	// Save needs PARTIAL.
	First, Last int
}

// SearchResult is the result of a search. If no message matches it is empty, without an error.
type SearchResult struct {
	UIDs     UIDSet // set by Search
	Seqs     SeqSet // set by SearchSeq
	Min, Max uint32
	Count    uint32
	ModSeq   uint64 // the highest of the result, if the search used mod-sequences

	Relevancy []int // from 1 to 100, for each number in order
}

// Search returns the UIDs of the matching messages (UID SEARCH, RFC 9051 section 6.4.4; selected). Text beyond ASCII is
// sent as UTF-8, or in a character set from a BADCHARSET code of the server. If a part of the answer cannot be parsed,
// the result has the rest, and the error is not nil.
func (c *Client) Search(ctx context.Context, q Query, opts *SearchOptions) (*SearchResult, error) {
	return c.search(ctx, "UID SEARCH", q, opts)
}

// SearchSeq returns the sequence numbers of the matching messages (SEARCH, RFC 9051 section 6.4.4; selected).
func (c *Client) SearchSeq(ctx context.Context, q Query, opts *SearchOptions) (*SearchResult, error) {
	return c.search(ctx, "SEARCH", q, opts)
}

func (c *Client) search(ctx context.Context, name string, q Query, opts *SearchOptions) (*SearchResult, error) {
	o := SearchOptions{}
	if opts != nil {
		o = *opts
	}
	c = c.pin()
	if o.First != 0 || o.Last != 0 {
		return c.searchSome(ctx, name, q, o)
	}
	if !o.Min && !o.Max && !o.Count && !o.Save && o.PartialFrom == 0 {
		o.All = true
	}
	if i, parts := q.pieces(); parts != nil && !o.Save && o.PartialFrom == 0 && !o.Relevancy && !q.sentOnce() {
		if name != "SEARCH" {
			return c.searchPieces(ctx, name, q, o, i, parts)
		}
		var res *SearchResult
		err := c.untilUnchanged(name, func() (err error) {
			res, err = c.searchPieces(ctx, name, q, o, i, parts)
			return err
		})
		return res, err
	}
	return c.searchOn(ctx, name, q, o)
}

// searchOn continues a search that the server answered in part (RFC 9738), below the lowest message that was searched.
func (c *Client) searchOn(ctx context.Context, name string, q Query, o SearchOptions) (*SearchResult, error) {
	all, one, err := c.searchWhole(ctx, name, q, o)
	if !one.p.partial {
		return all, err
	}
	if name == "SEARCH" && (o.Min || o.Max) && !o.All && !o.inOne() && !c.e.opts.StopAtLimit && !q.sentOnce() {
		o.All = true // the numbers of the parts are followed
		all, err = c.searchOn(ctx, name, q, o)
		if all != nil {
			all.Seqs = nil
		}
		return all, err
	}
	parts := []*search{one}
	defer func() {
		for _, s := range parts {
			s.unfollow()
		}
	}()
	for one.p.partial {
		limit := one.p.limit
		if c.e.opts.StopAtLimit || !one.mayContinue() || len(parts) > 1 && limit.uid >= parts[len(parts)-2].p.limit.uid {
			return all, &PartialError{Command: name, Limit: limit.most, UID: limit.uid, Err: err}
		}
		if limit.uid == 1 {
			break
		}
		var more *SearchResult
		more, one, err = c.searchWhole(ctx, name, q.In(UIDRange(1, limit.uid-1)), o)
		if err != nil && !one.p.partial {
			return all, begun(name, err)
		}
		parts = append(parts, one)
		all.join(more)
	}
	return all, joinNumbers(all, parts)
}

// mayContinue reports whether a partially answered search can be continued by other commands.
func (s *search) mayContinue() bool {
	if s.o.inOne() || s.q.hasNumbers() || s.q.sentOnce() || s.p.limit.uid == 0 || !s.arrived {
		return false
	}
	upwards := s.p.low != 0 && s.p.low < s.p.limit.uid && s.p.high <= s.p.limit.uid
	return !upwards
}

// joinNumbers joins the results of a search by sequence number, with current numbers.
func joinNumbers(all *SearchResult, parts []*search) error {
	all.UIDs, all.Seqs = all.UIDs.normalize(), all.Seqs.normalize()
	if parts[0].follow == nil {
		return nil
	}
	all.Seqs = nil
	for _, s := range parts {
		if s.follow == nil { // the last part
			all.Seqs = append(all.Seqs, seqSet(s.numbers.set())...)
			continue
		}
		set, _, err := s.follow.now()
		if err != nil && err != errAllGone {
			return failed(s.name, err)
		}
		all.Seqs = append(all.Seqs, set...)
	}
	all.Seqs = all.Seqs.normalize()
	all.Count, all.Min, all.Max = uint32(all.Seqs.Len()), 0, 0
	if len(all.Seqs) > 0 {
		all.Min, all.Max = uint32(lowest(all.Seqs)), uint32(highest(all.Seqs))
	}
	return nil
}

// end starts following the found numbers, if the search continues with another command.
func (s *search) end() {
	if _, partial := s.cmd.status.limit(); partial && s.name == "SEARCH" && s.o.All {
		s.follow = s.c.e.followLocked(seqSet(s.numbers.set()))
	}
}

func (s *search) unfollow() {
	if s.follow != nil {
		s.follow.end()
	}
}

// inOne reports whether the result must come from one command.
func (o *SearchOptions) inOne() bool { return o.Save || o.PartialFrom != 0 }

// pieces finds the first key with a set of UIDs that is too long for one command, and splits the set into parts with different
// numbers.
func (q Query) pieces() (int, []NumSet) {
	for i, k := range q.keys {
		if parts := splitSet(k.uids, maxSetOctets); len(parts) > 1 {
			return i, splitSet(k.uids.normal(), maxSetOctets)
		}
	}
	return 0, nil
}

// searchPieces searches in each piece of the set and joins the results.
func (c *Client) searchPieces(ctx context.Context, name string, q Query, o SearchOptions, i int, parts []NumSet) (*SearchResult, error) {
	all, withAll := &SearchResult{}, o.All
	last := parts[len(parts)-1].(UIDSet)
	o.All = o.All || last[len(last)-1].Stop == 0 // n:* includes the last message, which may be in another part too
	var err error
	for _, part := range parts {
		piece := Query{slices.Clone(q.keys)}
		piece.keys[i] = Where().In(part).keys[0]
		var res *SearchResult
		if res, err = c.search(ctx, name, piece, &o); res != nil {
			all.join(res)
		}
		if err != nil {
			break
		}
	}
	all.UIDs, all.Seqs = all.UIDs.normalize(), all.Seqs.normalize()
	if o.All {
		all.Count = uint32(all.UIDs.Len() + all.Seqs.Len())
	}
	if !withAll {
		all.UIDs, all.Seqs = nil, nil
	}
	return all, err
}

// join adds the result for other messages.
func (res *SearchResult) join(more *SearchResult) {
	res.UIDs, res.Seqs = append(res.UIDs, more.UIDs...), append(res.Seqs, more.Seqs...)
	res.Relevancy = append(more.Relevancy, res.Relevancy...)
	if more.Min != 0 && (res.Min == 0 || more.Min < res.Min) {
		res.Min = more.Min
	}
	res.Max, res.ModSeq = max(res.Max, more.Max), max(res.ModSeq, more.ModSeq)
	res.Count += more.Count
}

// searchWhole searches with one command. The server may report that its answer is partial.
func (c *Client) searchWhole(ctx context.Context, name string, q Query, o SearchOptions) (*SearchResult, *search, error) {
	s := &search{c: c, name: name, q: q, o: o}
	err := q.withCharset(func(cs *charset) error { return s.run(ctx, cs, false) })
	if (err == nil && s.bad == nil && s.lacksResults() || s.returnRefused(err)) && !q.sentOnce() {
		s.unfollow()
		err = q.withCharset(func(cs *charset) error { return s.run(ctx, cs, true) })
	}
	if s.p.ended(&s.cmd.status, err); err != nil && !s.p.partial {
		return nil, s, err
	}
	if s.bad != nil {
		s.p.partial = false
		return s.result(), s, failed(name, s.bad)
	}
	res := s.result()
	if len(res.UIDs) > 0 {
		s.p.note(res.UIDs[0].first())
		s.p.note(res.UIDs[len(res.UIDs)-1].last())
	}
	return res, s, err
}

// search is a SEARCH in progress, and its answer.
type search struct {
	noData
	c        *Client
	cmd      *command
	name     string
	q        Query
	o        SearchOptions
	p        progress
	follow   *follower // follows the found numbers after a partial answer
	arrived  bool      // a SEARCH or ESEARCH has arrived
	extended bool      // RETURN was sent
	answered bool      // an ESEARCH has arrived
	numbers  runs
	head     response // head of an incomplete response
	res      SearchResult
	bad      error
}

func (s *search) run(ctx context.Context, cs *charset, plain bool) error {
	s.numbers, s.res, s.bad, s.answered = runs{}, SearchResult{}, nil, false
	cmd := &command{name: s.name, states: inSelected, once: "SEARCH", traits: traits{divided: true, noExpunge: s.name == "SEARCH", partial: true}}
	cmd.numbers = s.q.hasNumbers()
	cmd.byNumber = s.name == "SEARCH" || cmd.numbers
	cmd.encode = func(e *encoder) {
		s.extended = !plain && e.caps.offers("ESEARCH")
		s.o.need(e)
		if s.extended || s.o.Save || s.o.PartialFrom != 0 {
			s.o.encodeReturn(e)
		}
		e.sp()
		s.q.encodeIn(e, cs)
	}
	s.cmd, cmd.answer = cmd, s
	if s.o.Save {
		s.c.e.savesResult(cmd)
	}
	if err := s.c.run(ctx, cmd); err != nil {
		return err
	}
	if s.bad == nil {
		s.bad = s.numbers.err()
	}
	return nil
}

// encodeReturn writes the return options.
func (o *SearchOptions) encodeReturn(e *encoder) {
	if o.All && o.PartialFrom != 0 {
		e.fail(argError("All and PartialFrom exclude each other")) // RFC 9394 section 3.1
	}
	e.raw(" RETURN (")
	first := true
	for _, opt := range []struct {
		on   bool
		name string
	}{{o.Min, "MIN"}, {o.Max, "MAX"}, {o.Count, "COUNT"}, {o.All, "ALL"}, {o.Relevancy, "RELEVANCY"}, {o.Save, "SAVE"}} {
		if !opt.on {
			continue
		}
		if !first {
			e.sp()
		}
		first = false
		e.raw(opt.name)
	}
	if from, to := o.PartialFrom, o.PartialTo; from != 0 {
		if !first {
			e.sp()
		}
		e.raw("PARTIAL ").partialRange(from, to)
	}
	e.raw(")")
}

// need fails if the server does not support the options.
func (o *SearchOptions) need(e *encoder) {
	if o.Save {
		e.need("SEARCHRES")
	}
	if o.Relevancy {
		e.need("SEARCH=FUZZY").need("ESEARCH")
	}
	switch {
	case o.PartialFrom < 0:
		e.need("PARTIAL") // RFC 5267 cannot count from the end
	case o.PartialFrom > 0:
		e.need("PARTIAL", "CONTEXT=SEARCH")
	}
}

// data claims SEARCH, and ESEARCH with the tag of the command.
func (s *search) data(r *response) claim {
	var err error
	switch r.name {
	case "SEARCH":
		err = s.takeNumbers(r)
	case "ESEARCH":
		var ours bool
		if ours, err = s.takeExtended(r); !ours {
			return notMine
		}
		s.answered = true
	default:
		return notMine
	}
	s.arrived = true
	if err != nil && s.bad == nil {
		s.bad = err
	}
	return mine
}

func (s *search) legacy() answer { return &search{numbers: s.numbers, res: s.res, bad: s.bad} }

func (s *search) inherit(legacy answer) bool {
	of, ok := legacy.(*search)
	if ok = ok && !s.answered; ok {
		s.numbers, s.res, s.bad, s.arrived = of.numbers, of.res, of.bad, true
	}
	return ok
}

func (s *search) join(later answer) {
	if of, ok := later.(*search); ok {
		s.numbers.join(&of.numbers)
		s.res.ModSeq = max(s.res.ModSeq, of.res.ModSeq)
		s.bad = cmp.Or(s.bad, of.bad)
	}
}

func (s *search) reset() { s.numbers, s.res, s.bad, s.arrived = runs{}, SearchResult{}, nil, false }

// takeNumbers parses the numbers of a SEARCH response, which may be one of several, and a (MODSEQ n) among them. A
// number 0 is invalid.
func (s *search) takeNumbers(r *response) error {
	for {
		n, zero := s.numbers.numbers(r.text[r.pos:])
		if r.pos += n; zero {
			r.tolerate("message number 0")
		}
		switch {
		case r.pos == len(r.text):
			return nil
		case r.peek() == '(':
			n, err := r.searchModSeq()
			if err != nil {
				return err
			}
			s.res.ModSeq = n
		default:
			return r.errorf("expected a number")
		}
	}
}

// dropped returns an answer that claims the same responses, but keeps no numbers.
func (s *search) dropped() answer { return &droppedSearch{cmd: s.cmd} }

// droppedSearch is the answer to a SEARCH that was abandoned.
type droppedSearch struct {
	noData
	cmd *command
}

func (d *droppedSearch) data(r *response) claim          { return d.one().data(r) }
func (d *droppedSearch) part(text []byte) (from, to int) { return d.one().part(text) }
func (d *droppedSearch) dropped() answer                 { return d }
func (d *droppedSearch) one() *search                    { return &search{cmd: d.cmd} }

// part takes the numbers of an incomplete response, and returns their position. The last number may be incomplete.
func (s *search) part(text []byte) (from, to int) {
	r := &s.head
	r.max = defaultDepth
	if r.load(text, nil); r.kind != kindUntagged {
		return 0, 0
	}
	switch from = r.pos; r.name {
	case "SEARCH":
		s.arrived = true
		n, _ := s.numbers.numbers(text[from : from+lastOf(text[from:], ' ')])
		return from, from + n
	case "ESEARCH":
		if from = r.setOf(s.cmd); from > 0 {
			return from, from + s.numbers.ranges(text[from:from+lastOf(text[from:], ',')])
		}
	}
	return 0, 0
}

// setOf returns the position of the set of ALL in an ESEARCH response to cmd, or 0 if none exists.
func (r *response) setOf(cmd *command) int {
	if tag, _, err := r.esearchHead(); err != nil || tag != "" && tag != cmd.tag {
		return 0
	}
	for !r.atEnd() {
		if name := r.word(); len(name) == 0 {
			return 0
		} else if ascii.EqualFold(name, "ALL") {
			r.skipSpaces()
			return r.pos
		}
		if r.skipValue() != nil {
			return 0
		}
	}
	return 0
}

// searchModSeq parses (MODSEQ n), which ends a SEARCH or SORT response if the search used mod-sequences.
func (p *parser) searchModSeq() (uint64, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	if !ascii.EqualFold(p.word(), "MODSEQ") {
		return 0, p.errorf("expected MODSEQ")
	}
	p.skipSpaces()
	n, err := p.number()
	if err != nil {
		return 0, err
	}
	return n, p.leave()
}

// takeExtended parses an ESEARCH response. ours is false if it has the tag of another command.
func (s *search) takeExtended(r *response) (ours bool, err error) {
	tag, _, err := r.esearchHead()
	if err != nil {
		return tag == "" || tag == s.cmd.tag, err
	}
	if tag != "" && tag != s.cmd.tag {
		return false, nil
	}
	for !r.atEnd() {
		if err := r.esearchItem(&s.res, func() error { return s.takeSet(r) }); err != nil {
			return true, err
		}
	}
	return true, nil
}

// esearchHead parses (TAG "x") and UID.
func (p *parser) esearchHead() (tag string, uid bool, err error) {
	p.skipSpaces()
	if p.peek() == '(' {
		if err := p.enter(); err != nil {
			return "", false, err
		}
		for p.peek() != ')' {
			key := p.word()
			p.skipSpaces()
			value, err := p.astring()
			if err != nil {
				return "", false, err
			}
			if ascii.EqualFold(key, "TAG") {
				tag = value
			}
			p.skipSpaces()
		}
		if err := p.leave(); err != nil {
			return "", false, err
		}
	}
	p.skipSpaces()
	at := p.pos
	if uid = ascii.EqualFold(p.word(), "UID"); !uid {
		p.pos = at
	}
	return tag, uid, nil
}

// esearchItem parses one item of ESEARCH with its value; set parses numbers. It also accepts a pair in parentheses.
func (r *response) esearchItem(res *SearchResult, set func() error) error {
	for r.skipSpaces(); r.accept('(') || r.accept(')'); r.skipSpaces() {
		r.tolerate("parentheses around an item")
	}
	if r.atEnd() {
		return nil
	}
	name := r.word()
	if len(name) == 0 {
		return r.errorf("expected an item of ESEARCH")
	}
	r.skipSpaces()
	switch string(bytes.ToUpper(name)) {
	case "MIN":
		return r.numberInto(&res.Min)
	case "MAX":
		return r.numberInto(&res.Max)
	case "COUNT":
		return r.numberInto(&res.Count)
	case "ALL":
		return set()
	case "MODSEQ":
		n, err := r.number()
		res.ModSeq = n
		return err
	case "RELEVANCY":
		return r.relevancy(res)
	case "PARTIAL":
		return r.esearchPartial(set)
	}
	return r.skipValue()
}

func (p *parser) numberInto(n *uint32) (err error) {
	*n, err = p.number32()
	return err
}

func (s *search) takeSet(r *response) error {
	n := s.numbers.ranges(r.text[r.pos:])
	r.pos += n
	if n == 0 || r.text[r.pos-1] == ',' {
		return r.errorf("expected a set")
	}
	return nil
}

// esearchPartial parses (from:to set).
func (r *response) esearchPartial(set func() error) error {
	if err := r.enter(); err != nil {
		return err
	}
	r.word()
	r.skipSpaces()
	if !r.isNil() {
		if err := set(); err != nil {
			return err
		}
	}
	return r.leave()
}

// relevancy parses (score …).
func (r *response) relevancy(res *SearchResult) error {
	if err := r.enter(); err != nil {
		return err
	}
	res.Relevancy = make([]int, 0, bytes.Count(r.text[r.pos:], space)+1)
	for ; r.peek() != ')'; r.skipSpaces() {
		n, err := r.number32()
		if err != nil {
			return err
		}
		res.Relevancy = append(res.Relevancy, int(min(n, maxRelevancy)))
	}
	return r.leave()
}

// maxRelevancy is the highest score.
const maxRelevancy = 100

// lacksResults reports whether a server accepted RETURN but returned less than requested (iCloud returns only COUNT). The
// numbers are then requested without RETURN.
func (s *search) lacksResults() bool {
	if !s.extended || !s.answered || s.res.Count == 0 && s.res.Min == 0 && s.res.Max == 0 {
		return false
	}
	return s.numbers.empty() && (s.o.All || s.o.Min && s.res.Min == 0 || s.o.Max && s.res.Max == 0 || s.o.Count && s.res.Count == 0)
}

// returnRefused reports whether err may be due to RETURN, which a server may refuse although it lists ESEARCH (mailo.com), and not to
// its load. Numbers in the query may mean other messages by now.
func (s *search) returnRefused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == "BAD" && !IsTransient(err) && s.extended && !s.o.Save && s.o.PartialFrom == 0 && !s.o.Relevancy && !s.q.hasNumbers()
}

// result computes what the server did not return.
func (s *search) result() *SearchResult {
	numbers, res := s.numbers.set(), &s.res
	if n := numbers; len(n) > 0 && s.o.PartialFrom == 0 {
		if res.Count == 0 {
			res.Count = uint32(n.Len())
		}
		if res.Min == 0 {
			res.Min = uint32(n[0].Start)
		}
		if res.Max == 0 {
			res.Max = uint32(n[len(n)-1].Stop)
		}
	}
	if !s.o.All && s.o.PartialFrom == 0 {
		return res
	}
	if s.name == "UID SEARCH" {
		res.UIDs = numbers
		return res
	}
	res.Seqs = seqSet(numbers)
	return res
}

// seqSet converts a set of UIDs to one of sequence numbers.
func seqSet(numbers UIDSet) SeqSet {
	seqs := make(SeqSet, len(numbers))
	for i, r := range numbers {
		seqs[i] = Range[SeqNum]{SeqNum(r.Start), SeqNum(r.Stop)}
	}
	return seqs
}

// searchSome searches for the first or last matches.
func (c *Client) searchSome(ctx context.Context, name string, q Query, o SearchOptions) (*SearchResult, error) {
	first, last := o.First, o.Last
	if err := o.checkSome(); err != nil {
		return nil, unsent(name, err)
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	o.First, o.Last = 0, 0
	if _, pieces := q.pieces(); caps.offers("PARTIAL") && pieces == nil {
		o.All, o.Count = false, true
		o.PartialFrom, o.PartialTo = somePositions(first, last)
		res, err := c.search(ctx, name, q, &o)
		if !isPartial(err) || c.e.opts.StopAtLimit || o.Save || q.sentOnce() {
			return res, err
		}
		o.PartialFrom, o.PartialTo = 0, 0 // a server that searches a part of the messages knows neither the first match nor the count
	}
	if o.Save {
		return nil, unsent(name, &CapabilityError{Name: "PARTIAL"})
	}
	o.All = true
	res, err := c.search(ctx, name, q, &o)
	if res != nil {
		res.cut(first, last)
	}
	return res, err
}

// checkSome fails if First and Last are not valid.
func (o *SearchOptions) checkSome() error {
	if o.First < 0 || o.Last < 0 || (o.First > 0 || o.Last > 0) && o.PartialFrom != 0 || o.First > 0 && o.Last > 0 {
		return argError("only one of First, Last and PartialFrom can be set, to a positive number")
	}
	return nil
}

// somePositions returns the positions of the first or the last matches.
func somePositions(first, last int) (from, to int) {
	if last > 0 {
		return -1, -last
	}
	return 1, first
}

// cut drops all but the first or the last matches.
func (res *SearchResult) cut(first, last int) {
	if first > 0 {
		res.UIDs, res.Seqs = res.UIDs.First(first), res.Seqs.First(first)
		res.Relevancy = res.Relevancy[:min(first, len(res.Relevancy))]
		return
	}
	res.UIDs, res.Seqs = res.UIDs.Last(last), res.Seqs.Last(last)
	res.Relevancy = res.Relevancy[max(0, len(res.Relevancy)-last):]
}
