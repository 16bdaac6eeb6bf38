package imap

import (
	"context"
	"errors"
)

// QResync is what a client remembers of a mailbox.
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
	KnownUIDs   UIDSet // empty: all

	// MatchSeqs and MatchUIDs are a sample of sequence numbers and the UIDs that they had, both rising and as many of one as
	// of the other: where a pair still holds, the server need not name what had gone before it (RFC 7162 section 3.2.5.2).
	// UIDONLY allows no sequence numbers.
	MatchSeqs SeqSet
	MatchUIDs UIDSet
}

func (q *QResync) encode(e *encoder) {
	if !e.enabled["QRESYNC"] {
		e.fail(errQResyncOff)
	}
	e.raw("QRESYNC (").number(uint64(q.UIDValidity)).sp().number(q.ModSeq)
	if len(q.KnownUIDs) > 0 {
		e.sp().set(q.KnownUIDs)
	}
	if len(q.MatchSeqs) > 0 || len(q.MatchUIDs) > 0 {
		if isOpen(q.MatchSeqs) || isOpen(q.MatchUIDs) || q.MatchSeqs.Len() != q.MatchUIDs.Len() {
			e.fail(argError("QResync: MatchSeqs and MatchUIDs are no pairs of numbers"))
		}
		e.raw(" (").set(q.MatchSeqs).sp().set(q.MatchUIDs).raw(")")
	}
	e.raw(")")
}

// Changes is what FetchChanges found.
type Changes struct {
	Messages []*Message // changed since, with what was asked for
	Vanished UIDSet     // of the UIDs that were named: gone since
}

// FetchChanges fetches those of the messages that changed after a mod-sequence, and says which of them are gone since
// then (UID FETCH with CHANGEDSINCE and VANISHED, RFC 7162 section 3.2.6; capability QRESYNC, which has to be enabled;
// selected). An error beside a result concerns a value that could not be parsed.
func (c *Client) FetchChanges(ctx context.Context, uids UIDSet, modSeq uint64, items ...FetchItem) (*Changes, error) {
	res := &Changes{}
	if !c.Enabled("QRESYNC") {
		caps, err := c.knownCaps(ctx)
		if err != nil {
			return res, err
		}
		return res, unsent("UID FETCH", &CapabilityError{Name: "QRESYNC", Off: caps.offers("QRESYNC")})
	}
	if emptySet(uids) {
		return res, nil
	}
	items = append(append([]FetchItem{}, items...), ChangedSince(modSeq), fetchModifier{needs: "QRESYNC", text: "VANISHED"})
	var rowErrs error
	err := c.fetchParts(ctx, uids, items, func(c *Client, t target, p *progress) (bool, error) {
		rowErr, err := c.fetchChanges(ctx, t, p, items, res)
		rowErrs = errors.Join(rowErrs, rowErr)
		return true, err
	})
	err = errors.Join(rowErrs, err)
	if res.Vanished = res.Vanished.normalize(); !isOpen(uids) {
		res.Vanished = intersect(uids, res.Vanished)
	}
	return res, err
}

// fetchChanges runs one command. rowErr concerns values that could not be parsed.
func (c *Client) fetchChanges(ctx context.Context, t target, p *progress, items []FetchItem, res *Changes) (rowErr, err error) {
	op := c.newFetch(t, items)
	a := &changesAnswer{fetch: op}
	op.command.answer = a
	op.run(ctx, func(m *Message, failure error) bool {
		if m == nil {
			err = failure
			return true
		}
		res.Messages = append(res.Messages, m)
		p.note(m.UID)
		rowErr = errors.Join(rowErr, failure)
		return true
	})
	p.ended(&op.status, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.command.kept > c.conn.Limits.MaxBuffered {
		p.partial = false
		return rowErr, errors.Join(err, failed(op.name, &LimitError{"MaxBuffered", c.conn.Limits.MaxBuffered}))
	}
	res.Vanished = append(res.Vanished, a.gone...)
	return rowErr, err
}

// changesAnswer is the answer of a FETCH that asks for what is gone as well.
type changesAnswer struct {
	*fetch
	gone UIDSet
}

func (a *changesAnswer) data(r *response) claim {
	if r.name != "VANISHED" {
		return a.fetch.data(r)
	}
	uids, earlier, err := r.vanished()
	if err != nil || !earlier {
		return notMine
	}
	if a.c.holds(a.command, int64(8*len(uids))) {
		a.gone = append(a.gone, uids...)
	}
	return mine
}

func (a *changesAnswer) dropped() answer { return droppedChanges{a.fetch.dropped()} }

// droppedChanges claims what changesAnswer does, and keeps nothing.
type droppedChanges struct{ answer }

func (a droppedChanges) data(r *response) claim {
	if r.name != "VANISHED" {
		return a.answer.data(r)
	}
	if _, earlier, err := r.vanished(); err != nil || !earlier {
		return notMine
	}
	return mine
}

func (a droppedChanges) dropped() answer { return a }

// ModSeqEntry is ModSeq of one piece of the data of a message: an entry such as /flags/\\Seen, with whose value is meant
// ("priv", "shared" or "all"), RFC 7162 section 3.1.5; capability CONDSTORE. Servers that keep one mod-sequence for a
// message take no notice of the entry.
func (q Query) ModSeqEntry(entry, kind string, n uint64) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		if kind != "priv" && kind != "shared" && kind != "all" {
			e.fail(argError("the kind of an entry is priv, shared or all"))
		}
		e.need("CONDSTORE").raw("MODSEQ ").quotedName(entry).raw(" " + kind + " ").number(n)
	}})
}
