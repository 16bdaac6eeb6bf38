package imap

import (
	"context"
	"slices"
)

// SortResult is what SortExtended found. Without a hit it is empty, and no error.
type SortResult[N UID | SeqNum] struct {
	Nums      []N // in order: all, or the part that was asked for
	Min, Max  N   // the first and the last in this order
	Count     uint32
	ModSeq    uint64 // the highest of what was found, where the search was about mod-sequences
	Relevancy []int  // from 1 to 100, of each of Nums in its turn
}

// SortExtended is Sort with a choice of what is wanted of the result: the number of hits, the first and the last, or a
// part of a long list (UID SORT with RETURN, RFC 5267; capability SORT; selected). ESORT is used where offered, for a part
// CONTEXT=SORT; without them the whole is sorted and what was asked for computed from it. Save needs ESORT and
// SEARCHRES, Relevancy ESORT and SEARCH=FUZZY.
func (c *Client) SortExtended(ctx context.Context, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[UID], error) {
	return sortExtended[UID](ctx, c, "UID SORT", keys, q, opts)
}

// SortSeqExtended is SortExtended by sequence number (SORT with RETURN, RFC 5267; capability SORT; selected).
func (c *Client) SortSeqExtended(ctx context.Context, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[SeqNum], error) {
	return sortExtended[SeqNum](ctx, c, "SORT", keys, q, opts)
}

func sortExtended[N UID | SeqNum](ctx context.Context, c *Client, name string, keys []SortKey, q Query, opts *SearchOptions) (*SortResult[N], error) {
	o := SearchOptions{}
	if opts != nil {
		o = *opts
	}
	if !o.Min && !o.Max && !o.Count && !o.Save && o.PartialFrom == 0 {
		o.All = true
	}
	extended, err := c.checkSort(ctx, name, o)
	if err != nil {
		return nil, err
	}
	s := &sorting[N]{c: c, name: name, keys: keys, q: q}
	if extended {
		s.o = &o
	}
	run := func(cs *charset) error { return s.run(ctx, cs) }
	if err = q.inCharset(run); err == nil && s.cheated() {
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

// checkSort says whether the server sorts with return options, and fails where nothing else would do.
func (c *Client) checkSort(ctx context.Context, name string, o SearchOptions) (extended bool, err error) {
	if _, err := c.knownCaps(ctx); err != nil {
		return false, err
	}
	e := c.looseEncoder()
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
	return e.caps.offers("ESORT") && part, nil
}

// cheated reports whether a server that took RETURN gave less than was asked for, as iCloud does in a search.
func (s *sorting[N]) cheated() bool {
	return s.o != nil && (s.o.All || s.o.PartialFrom == 1) && len(s.nums) == 0 && s.res.Count > 0
}

// takeExtended reads the items of an ESEARCH response.
func (s *sorted[N]) takeExtended(r *response) error {
	for !r.atEnd() {
		if err := r.esearchItem(&s.res, func() error { return s.takeOrdered(r) }); err != nil {
			return err
		}
	}
	return nil
}

// maxSorted bounds the numbers of a result: a range is short for many.
const maxSorted = 16 << 20

// takeOrdered reads a set in the order in which it stands. A range rises, whichever end comes first (RFC 5267 section
// 3.2).
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
			return r.errorf("expected the numbers of messages, not more than can be")
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

// result fills in what the server left to us.
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

// part is the part of a list between two positions, which count from 1, or from -1 at its end.
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
