package imap

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// sortKeys writes the criteria.
func (e *encoder) sortKeys(keys []SortKey) {
	if len(keys) == 0 {
		e.fail(argError("SORT without a key"))
	}
	e.raw("(")
	for i, k := range keys {
		if i > 0 {
			e.sp()
		}
		name := strings.ToUpper(k.Name)
		needs, ok := sortKeys[name]
		if !ok {
			e.fail(argError("not the name of a sort key"))
			return
		}
		e.need(needs)
		if k.Reverse {
			e.raw("REVERSE ")
		}
		e.raw(name)
		k.encodeAnnotation(e, name == "ANNOTATION")
	}
	e.raw(")")
}

// SortResult is the result of SortExtended. If no message matches it is empty, without an error.
type SortResult[N UID | SeqNum] struct {
	Nums      []N // in order: all, or the requested part
	Min, Max  N   // the first and the last in this order
	Count     uint32
	ModSeq    uint64 // the highest of the result, if the search used mod-sequences
	Relevancy []int  // from 1 to 100, for each of Nums
}

// SortExtended is like Sort, with a choice of what to return: the number of matches, the first and the last, or a part of a
// long list (UID SORT with RETURN, RFC 5267; capability SORT; selected). First and Last are the first and last matches in this
// order. It uses ESORT if offered, and CONTEXT=SORT for a part; otherwise it gets the whole result and computes the rest from
// it. Save needs ESORT and SEARCHRES, Relevancy ESORT and SEARCH=FUZZY.
func (c *Client) SortExtended(ctx context.Context, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[UID], error) {
	return sortExtended[UID](ctx, c, "UID SORT", keys, q, opts)
}

// SortSeqExtended is like SortExtended, but returns sequence numbers (SORT with RETURN, RFC 5267; capability SORT;
// selected).
func (c *Client) SortSeqExtended(ctx context.Context, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[SeqNum], error) {
	return sortExtended[SeqNum](ctx, c, "SORT", keys, q, opts)
}

func sortExtended[N UID | SeqNum](ctx context.Context, c *Client, name string, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[N], error) {
	o := SearchOptions{}
	if opts != nil {
		o = *opts
	}
	if err := o.checkSome(); err != nil {
		return nil, unsent(name, err)
	}
	if o.First > 0 || o.Last > 0 {
		o.All, o.Count = false, true
		o.PartialFrom, o.PartialTo = somePositions(o.First, o.Last)
	}
	if !o.Min && !o.Max && !o.Count && !o.Save && o.PartialFrom == 0 {
		o.All = true
	}
	c = c.pin()
	extended, err := c.checkSort(ctx, name, o)
	if err != nil {
		return nil, err
	}
	s := &sorting[N]{c: c, name: name, keys: keys, q: q}
	if extended {
		s.o = &o
	}
	run := func(cs *charset) error { return s.run(ctx, cs) }
	if err = q.inCharset(run); err == nil && s.lacksResults() {
		s.o = nil
		err = q.inCharset(run)
	}
	if c.sortsAll(q, err) && !o.Save && !o.Relevancy {
		s.o, s.sorted = nil, sorted[N]{}
		s.nums, err = sortHere[N](ctx, c, keys, q)
	}
	if err != nil && !isPartial(err) {
		return nil, err
	}
	return s.result(o), err
}

// checkSort reports whether the server supports return options, and fails if they are required but not supported.
func (c *Client) checkSort(ctx context.Context, name string, o SearchOptions) (extended bool, err error) {
	if _, err := c.knownCaps(ctx); err != nil {
		return false, err
	}
	e := c.e.looseEncoder()
	o.encodeReturn(&e)
	if o.Save {
		e.need("ESORT").need("SEARCHRES")
	}
	if o.Relevancy {
		e.need("ESORT").need("SEARCH=FUZZY")
	}
	if e.err != nil {
		return false, unsent(name, e.err)
	}
	part := o.PartialFrom == 0 || o.PartialFrom > 0 && e.caps.offers("CONTEXT=SORT")
	if !part && (o.Save || o.Relevancy) {
		return false, unsent(name, &CapabilityError{Name: "CONTEXT=SORT"}) // the client can compute the part, but not these
	}
	return e.caps.offers("ESORT") && part, nil
}

// lacksResults reports whether a server accepted RETURN but returned less than requested, as iCloud does for SEARCH.
func (s *sorting[N]) lacksResults() bool {
	return s.o != nil && (s.o.All || s.o.PartialFrom == 1) && len(s.nums) == 0 && s.res.Count > 0
}

// takeExtended parses the items of an ESEARCH response.
func (s *sorted[N]) takeExtended(r *response) error {
	for !r.atEnd() {
		if err := r.esearchItem(&s.res, func() error { return s.takeOrdered(r) }); err != nil {
			return err
		}
	}
	return nil
}

// maxSorted bounds the numbers of a result, because a range is a short form of many numbers.
const maxSorted = 16 << 20

// takeOrdered parses a set whose order matters. A range is ascending, whichever end comes first (RFC 5267 section 3.2).
func (s *sorted[N]) takeOrdered(r *response) error {
	for {
		from, err := r.number32()
		if err != nil {
			return err
		}
		to := from
		if r.accept(':') {
			if to, err = r.number32(); err != nil {
				return err
			}
		}
		from, to = min(from, to), max(from, to)
		n := uint64(to-from) + 1
		if from == 0 || uint64(len(s.nums))+n > maxSorted {
			return r.errorf("expected message numbers, or too many of them")
		}
		s.nums = slices.Grow(s.nums, int(n))
		for i := range n {
			s.nums = append(s.nums, N(from+uint32(i)))
		}
		if !r.accept(',') {
			return nil
		}
	}
}

// result computes what the server did not return.
func (s *sorting[N]) result(o SearchOptions) *SortResult[N] {
	res := &SortResult[N]{Min: N(s.res.Min), Max: N(s.res.Max), Count: s.res.Count, ModSeq: s.res.ModSeq, Relevancy: s.res.Relevancy}
	if s.o != nil && o.PartialFrom != 0 {
		res.Nums = s.nums
		return res
	}
	if n := len(s.nums); n > 0 {
		res.Min, res.Max, res.Count = s.nums[0], s.nums[n-1], uint32(n)
	}
	switch {
	case o.PartialFrom != 0:
		res.Nums = part(s.nums, o.PartialFrom, o.PartialTo)
	case o.All:
		res.Nums = s.nums
	}
	return res
}

// part returns the part of a list between two positions, counted from 1, or from -1 at its end.
func part[N any](list []N, from, to int) []N {
	if from < 0 {
		from, to = len(list)+1+from, len(list)+1+to
	}
	from, to = min(from, to), max(from, to)
	from, to = max(from, 1), min(to, len(list))
	if from > to {
		return nil
	}
	return list[from-1 : to]
}

// SortKey is one criterion of SORT (RFC 5256 section 3): ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT or TO; with the
// capability SORT=DISPLAY also DISPLAYFROM and DISPLAYTO, which sort by the name that a mail program shows (RFC 5957);
// with SEARCH=FUZZY also RELEVANCY (RFC 6203); with ANNOTATE-EXPERIMENT-1 also ANNOTATION (RFC 5257 section 4.9); with
// SORT=MODSEQ and SORT=UID, of Cyrus, also MODSEQ and UID.
type SortKey struct {
	Name    string
	Reverse bool // in descending order

	Entry     string // of ANNOTATION: "/altsubject"
	Attribute string // of ANNOTATION: value.priv or value.shared
}

// sortKeys maps the criteria to the capability that each needs.
var sortKeys = map[string]string{
	"ARRIVAL": "SORT", "CC": "SORT", "DATE": "SORT", "FROM": "SORT", "SIZE": "SORT", "SUBJECT": "SORT", "TO": "SORT",
	"DISPLAYFROM": "SORT=DISPLAY", "DISPLAYTO": "SORT=DISPLAY",
	"RELEVANCY": "SEARCH=FUZZY", "ANNOTATION": "ANNOTATE-EXPERIMENT-1",
	"MODSEQ": "SORT=MODSEQ", "UID": "SORT=UID",
}

// Sort returns the UIDs of the matching messages, in order (UID SORT, RFC 5256; capability SORT, or Options.LocalSort;
// selected). Messages that are equal by the first key are sorted by the second, and so on, and finally by their sequence
// number. Text is matched as in Search. If the server sorted only a part of the messages (MESSAGELIMIT), that part is
// returned with a PartialError, or, with Options.LocalSort, all of them are sorted by the client.
func (c *Client) Sort(ctx context.Context, keys []SortKey, q Query) ([]UID, error) {
	return sortMessages[UID](ctx, c, "UID SORT", keys, q)
}

// SortSeq returns the sequence numbers of the matching messages, in order (SORT, RFC 5256; capability SORT; selected).
func (c *Client) SortSeq(ctx context.Context, keys []SortKey, q Query) ([]SeqNum, error) {
	return sortMessages[SeqNum](ctx, c, "SORT", keys, q)
}

func sortMessages[N UID | SeqNum](ctx context.Context, c *Client, name string, keys []SortKey, q Query) ([]N, error) {
	c = c.pin()
	if c.sortsHere(ctx, "SORT") {
		return sortHere[N](ctx, c, keys, q)
	}
	s := &sorting[N]{c: c, name: name, keys: keys, q: q}
	err := q.inCharset(func(cs *charset) error { return s.run(ctx, cs) })
	if c.sortsAll(q, err) {
		return sortHere[N](ctx, c, keys, q)
	}
	return s.nums, err
}

// sorting is a SORT in progress.
type sorting[N UID | SeqNum] struct {
	c    *Client
	name string
	keys []SortKey
	q    Query
	o    *SearchOptions // options for ESORT, nil without ESORT
	sorted[N]
}

// sorted collects the data of SORT and ESEARCH responses.
type sorted[N UID | SeqNum] struct {
	cmd      *command
	extended bool // the command requests ESEARCH
	maxLine  int
	nums     []N
	res      SearchResult // the data of ESEARCH other than the numbers
	read     int          // bytes of the answer so far
}

func (s *sorting[N]) run(ctx context.Context, cs *charset) error {
	cmd := sortCommand(s.name, s.q)
	cmd.tagged = s.o != nil
	cmd.encode = func(e *encoder) {
		e.need("SORT")
		if s.o != nil {
			s.o.encodeReturn(e)
		}
		e.sp().sortKeys(s.keys)
		s.q.encodeAll(e, cs)
	}
	if s.o != nil && s.o.Save {
		s.c.e.savesResult(cmd)
	}
	fresh := func() *sorted[N] {
		return &sorted[N]{cmd: cmd, extended: s.o != nil, maxLine: s.c.e.conn.Limits.MaxLine}
	}
	found, err := gather(ctx, s.c, cmd, fresh)
	if found != nil {
		s.sorted = *found
	}
	return err
}

// sortCommand returns a SORT or THREAD command. With sequence numbers its results refer to messages, so the server must not
// expunge any while it runs (RFC 5256 section 3).
func sortCommand(name string, q Query) *command {
	byNumber, numbers := !strings.HasPrefix(name, "UID "), q.hasNumbers()
	return &command{name: name, states: inSelected, once: strings.TrimPrefix(name, "UID "), traits: traits{divided: true, noExpunge: byNumber, byNumber: byNumber || numbers, numbers: numbers}}
}

// encodeAnnotation writes the arguments of the key ANNOTATION.
func (k *SortKey) encodeAnnotation(e *encoder, takes bool) {
	if known := k.Attribute == "value.priv" || k.Attribute == "value.shared"; takes != (k.Entry != "") || takes != known || strings.ContainsAny(k.Entry, "*%") {
		e.fail(argError("SortKey: an Entry and an Attribute belong to ANNOTATION, which sorts by value.priv or value.shared"))
		return
	}
	if takes {
		e.sp().astring(k.Entry).sp().raw(k.Attribute)
	}
}

// encodeAll writes the character set, which SORT and THREAD require, and the query.
func (q Query) encodeAll(e *encoder, cs *charset) {
	e.sp().astring(cs.name).sp()
	e.charset = cs.encode
	q.encode(e)
}

var asciiCharset = charset{"US-ASCII", utf8Charset.encode}

// inCharset runs a SORT or THREAD in UTF-8, and once more in another character set if the server requests one. Courier may
// refuse UTF-8 even if all text is ASCII.
func (q Query) inCharset(run func(*charset) error) error {
	refused := false
	err := q.withCharset(func(cs *charset) error {
		if cs == nil {
			cs = &utf8Charset
		} else {
			refused = true
		}
		return run(cs)
	})
	if refusesCharset(err) && !refused && !q.hasText() && !q.sentOnce() {
		return run(&asciiCharset)
	}
	return err
}

// refusesCharset reports whether a server refused a character set, according to its code or only to its text.
func refusesCharset(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Code == CodeBadCharset || e.Code == "" && strings.Contains(strings.ToLower(e.Text), "charset"))
}

// take claims SORT, and ESEARCH with the tag of the command.
func (s *sorted[N]) take(r *response) (claim, error) {
	read := s.takeNumbers
	switch {
	case r.name == "ESEARCH" && s.extended:
		tag, _, err := r.esearchHead()
		if err != nil || tag != "" && tag != s.cmd.tag {
			return notMine, nil
		}
		read = s.takeExtended
	case r.name != "SORT":
		return notMine, nil
	}
	if s.read += len(r.text); s.read > s.maxLine {
		return mine, &LimitError{"MaxLine", int64(s.maxLine)}
	}
	return mine, read(r)
}

func (s *sorted[N]) join(later *sorted[N]) error {
	s.nums = append(s.nums, later.nums...)
	s.res.ModSeq = max(s.res.ModSeq, later.res.ModSeq)
	if s.read += later.read; s.read > s.maxLine {
		return &LimitError{"MaxLine", int64(s.maxLine)}
	}
	return nil
}

// takeNumbers parses the numbers of a SORT response, and (MODSEQ n) after them (RFC 7162 section 3.1.9).
func (s *sorted[N]) takeNumbers(r *response) error {
	s.nums = slices.Grow(s.nums, bytes.Count(r.text[r.pos:], space))
	for !r.atEnd() {
		if r.peek() == '(' {
			start, depth := r.pos, r.depth
			n, err := r.searchModSeq()
			if err != nil {
				r.pos, r.depth = start, depth
				err = r.skipValue()
			}
			if err != nil {
				return err
			}
			s.res.ModSeq = max(s.res.ModSeq, n)
			continue
		}
		n, err := r.number32()
		if err != nil {
			return err
		}
		if n > 0 {
			s.nums = append(s.nums, N(n))
		}
	}
	return nil
}

// ThreadNode is a message with its replies.
type ThreadNode[N UID | SeqNum] struct {
	Num      N // 0: a parent that is not in the mailbox, or does not match the query
	Children []*ThreadNode[N]
}

// Thread returns the matching messages as conversations, by UID (UID THREAD, RFC 5256; capability THREAD= with the
// algorithm, or Options.LocalSort; selected). The algorithm is one that the server offers: ORDEREDSUBJECT, REFERENCES, or
// REFS of Dovecot and Cyrus; with Options.LocalSort the first two are always available. The tree can be as deep as a
// conversation is long: callers should walk it with a loop or an explicit stack.
func (c *Client) Thread(ctx context.Context, algorithm string, q Query) ([]*ThreadNode[UID], error) {
	return threadMessages[UID](ctx, c, "UID THREAD", algorithm, q)
}

// ThreadSeq is like Thread, but returns sequence numbers (THREAD, RFC 5256; capability THREAD= with the algorithm;
// selected).
func (c *Client) ThreadSeq(ctx context.Context, algorithm string, q Query) ([]*ThreadNode[SeqNum], error) {
	return threadMessages[SeqNum](ctx, c, "THREAD", algorithm, q)
}

func threadMessages[N UID | SeqNum](ctx context.Context, c *Client, name, algorithm string, q Query) ([]*ThreadNode[N], error) {
	algorithm, c = strings.ToUpper(algorithm), c.pin()
	if c.sortsHere(ctx, "THREAD="+algorithm) {
		return threadHere[N](ctx, c, algorithm, q)
	}
	var t *threading[N]
	fresh := func() *threading[N] { return &threading[N]{maxLine: c.e.conn.Limits.MaxLine} }
	err := q.inCharset(func(cs *charset) (err error) {
		cmd := sortCommand(name, q)
		cmd.encode = func(e *encoder) {
			e.sp().atom("a THREAD algorithm", algorithm)
			if e.err == nil {
				e.need("THREAD=" + algorithm)
			}
			q.encodeAll(e, cs)
		}
		t, err = gather(ctx, c, cmd, fresh)
		return err
	})
	switch {
	case c.sortsAll(q, err):
		return threadHere[N](ctx, c, algorithm, q)
	case t == nil:
		return nil, err
	}
	return t.roots, err
}

// threading builds the trees of THREAD responses. A long chain of replies is a flat list on the wire and not limited by
// MaxDepth. Nodes come from slabs, because there may be one for every two or three bytes.
type threading[N UID | SeqNum] struct {
	maxLine int
	read    int // bytes of the answer so far
	roots   []*ThreadNode[N]
	nodes   []ThreadNode[N]
	links   []*ThreadNode[N]
	lengths [11]int64 // count of numbers by their length in digits; at 0 the missing parents
	count   int64
}

// threadSlab is the number of nodes that are allocated at once.
const threadSlab = 128

// take claims THREAD.
func (t *threading[N]) take(r *response) (claim, error) {
	if r.name != "THREAD" {
		return notMine, nil
	}
	if t.read += len(r.text); t.read > t.maxLine {
		return mine, &LimitError{"MaxLine", int64(t.maxLine)}
	}
	return mine, t.takeThreads(r)
}

func (t *threading[N]) join(later *threading[N]) error {
	t.roots = append(t.roots, later.roots...)
	t.count += later.count
	for i, n := range later.lengths {
		t.lengths[i] += n
	}
	if t.read += later.read; t.read > t.maxLine {
		return &LimitError{"MaxLine", int64(t.maxLine)}
	}
	return nil
}

// takeThreads parses "(2)(3 6 (4 23)(44 7 96))": in a list each number is the parent of what follows, and lists after it
// are its children. A list that starts with lists has a missing parent. A discussion is nested as deeply as it is long, so
// MaxDepth bounds only lists without a message between them.
func (t *threading[N]) takeThreads(r *response) error {
	var around []*[]*ThreadNode[N]
	at, first := &t.roots, false
	for !r.atEnd() {
		var err error
		switch c := r.peek(); {
		case c == '(':
			if first {
				at, err = t.add(r, at, 0, 0)
			}
			if err == nil {
				err = r.enter()
			}
			around, first = append(around, at), true
		case c == ')' && len(around) > 0:
			r.accept(')')
			r.depth = max(r.depth-1, 0)
			at, first = around[len(around)-1], false
			around = around[:len(around)-1]
			dropEmpty(at)
		case ascii.IsDigit(c) && len(around) > 0:
			at, err = t.message(r, at)
			first, r.depth = false, 0
		default:
			err = r.errorf("expected a thread")
		}
		if err != nil {
			return err
		}
	}
	if len(around) > 0 {
		return r.errorf("expected )")
	}
	return nil
}

// dropEmpty removes a last thread without messages, such as "(())".
func dropEmpty[N UID | SeqNum](threads *[]*ThreadNode[N]) {
	last := len(*threads) - 1
	if last < 0 || (*threads)[last].Num != 0 || len((*threads)[last].Children) > 0 {
		return
	}
	if *threads = (*threads)[:last]; last == 0 {
		*threads = nil
	}
}

// message parses a number and adds its node to the parent.
func (t *threading[N]) message(r *response, at *[]*ThreadNode[N]) (*[]*ThreadNode[N], error) {
	start := r.pos
	n, err := r.number32()
	if err != nil {
		return at, err
	}
	if r.text[start] == '0' {
		return at, r.errorf("expected the number of a message")
	}
	return t.add(r, at, N(n), r.pos-start)
}

// add adds a node to its parent and returns the list for its own children. It bounds the memory by the bytes received: a
// message must not come twice, so there cannot be more nodes than numbers of the same length.
func (t *threading[N]) add(r *response, at *[]*ThreadNode[N], n N, length int) (*[]*ThreadNode[N], error) {
	t.lengths[length]++
	if length > 0 {
		t.count++
		if t.lengths[length] > numbersOfLength[length] {
			return at, r.errorf("expected each message once")
		}
	} else if t.lengths[0] > t.count+int64(r.max) {
		return at, r.errorf("expected a message in each thread")
	}
	if len(t.nodes) == 0 {
		t.nodes, t.links = make([]ThreadNode[N], threadSlab), make([]*ThreadNode[N], threadSlab)
	}
	node := &t.nodes[0]
	t.nodes = t.nodes[1:]
	node.Num = n
	if *at == nil && at != &t.roots {
		*at = t.links[:0:1] // most messages have one reply
		t.links = t.links[1:]
	}
	*at = append(*at, node)
	return &node.Children, nil
}

// numbersOfLength is the number of 32-bit numbers by their length in digits.
var numbersOfLength = [11]int64{0, 9, 90, 900, 9_000, 90_000, 900_000, 9_000_000, 90_000_000, 900_000_000, 1 << 31}
