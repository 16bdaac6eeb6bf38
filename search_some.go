package imap

import "context"

// searchSome searches for the first or last hits.
func (c *Client) searchSome(ctx context.Context, name string, q Query, o SearchOptions) (*SearchResult, error) {
	first, last := o.First, o.Last
	if first < 0 || last < 0 || first > 0 && last > 0 || o.PartialFrom != 0 {
		return nil, unsent(name, argError("one of First, Last and PartialFrom can be asked for, and a positive number"))
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	o.First, o.Last = 0, 0
	if _, pieces := q.pieces(); caps.offers("PARTIAL") && len(pieces) < 2 {
		o.PartialFrom, o.PartialTo, o.All, o.Count = 1, first, false, true
		if last > 0 {
			o.PartialFrom, o.PartialTo = -1, -last
		}
		res, err := c.search(ctx, name, q, &o)
		if !isPartial(err) || c.opts.StopAtLimit || o.Save || q.sentOnce() {
			return res, err
		}
		o.PartialFrom, o.PartialTo = 0, 0 // of a part of the messages the server knows neither the first nor how many
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

// cut drops all but the first or the last hits.
func (res *SearchResult) cut(first, last int) {
	if first > 0 {
		res.UIDs, res.Seqs = res.UIDs.First(first), res.Seqs.First(first)
		res.Relevancy = res.Relevancy[:min(first, len(res.Relevancy))]
		return
	}
	res.UIDs, res.Seqs = res.UIDs.Last(last), res.Seqs.Last(last)
	res.Relevancy = res.Relevancy[max(0, len(res.Relevancy)-last):]
}
