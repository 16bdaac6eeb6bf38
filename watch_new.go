package imap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// deliverNew delivers those of the messages that were not delivered before.
func (w *watcher) deliverNew(ctx context.Context, uids UIDSet) error {
	uids = uids.normalize().Minus(w.state.UIDs)
	batch := watchBatch
	if slices.ContainsFunc(w.o.Fetch, isLarge) {
		batch = 1
	}
	for len(uids) > 0 {
		n := batch
		if uids[0].Start == w.lastFailed {
			n = 1
		}
		var part UIDSet
		part, uids = cutSet(uids, uint64(n))
		if err := w.freshPart(ctx, part, false); err != nil {
			return err
		}
	}
	w.busy, w.throttled = time.Time{}, time.Time{} // there may have been messages that the server never returned
	return nil
}

// isLarge reports whether the value of an item may be as large as a message.
func isLarge(item FetchItem) bool {
	s, ok := item.(Section)
	return ok && s.Count == 0 && s.Specifier != "HEADER" && s.Specifier != "MIME"
}

// cutSet returns the first n numbers of a normal set, and the others. It changes s.
func cutSet[N UID | SeqNum](s Set[N], n uint64) (first, rest Set[N]) {
	for i, r := range s {
		size := uint64(r.Stop-r.Start) + 1
		if size > n {
			s[i].Start += N(n)
			return append(slices.Clone(s[:i]), Range[N]{r.Start, s[i].Start - 1}), s[i:]
		}
		if n -= size; n == 0 {
			return s[: i+1 : i+1], s[i+1:]
		}
	}
	return s, nil
}

// freshMessage is a new message with its error.
type freshMessage struct {
	m   *Message
	err error
	got itemMask // the items that came
}

// freshPart fetches some messages completely before it delivers them, so that the loop body cannot disturb the FETCH. again
// reports that it does so a second time, because they were incomplete.
func (w *watcher) freshPart(ctx context.Context, part UIDSet, again bool) error {
	var got []freshMessage
	var failure error
	var hidden *freshMessage // a message whose UID could not be parsed either
	var op *fetch
	w.c.e.dropFlags(part)
	for m, err := range w.box.fetchNoting(ctx, part, w.o.Fetch, func(cmd *fetch) { op = cmd }) {
		switch {
		case m == nil:
			failure = err
		case m.UID == 0:
			hidden = &freshMessage{m, err, op.came}
		case part.Contains(m.UID):
			got = append(got, freshMessage{m, err, op.came})
		}
	}
	got = joinFresh(got)
	isPart := func(f freshMessage) bool { return f.err == nil && op.missing(f.m, f.got)&^w.never != 0 }
	var parts []freshMessage // what there is of messages that are not complete
	for _, f := range got {
		if isPart(f) {
			parts = append(parts, f)
		}
	}
	for _, f := range slices.DeleteFunc(got, isPart) {
		if err := w.deliverOne(ctx, f.m, f.err); err != nil {
			return err
		}
	}
	left := part.Minus(w.state.UIDs)
	switch {
	case failure != nil && len(left) > 0:
		return w.failing(ctx, left, part.Len() == 1, parts, failure)
	case failure != nil:
		return failure
	}
	w.busy, w.throttled = time.Time{}, time.Time{}
	switch {
	case len(left) == 0:
		return nil
	case hidden == nil && len(parts) > 0:
		return w.incomplete(ctx, op, parts, again)
	case hidden == nil:
		return nil
	case part.Len() > 1:
		return w.eachAlone(ctx, left)
	}
	hidden.m.UID = left[0].Start
	return w.deliverOne(ctx, hidden.m, hidden.err)
}

// incomplete fetches messages once more that are incomplete without an error, and then delivers them with what there is. Of one
// that does not exist any more there were only unsolicited responses; the server may report its removal later (RFC 9051 section
// 7.5.1).
func (w *watcher) incomplete(ctx context.Context, op *fetch, parts []freshMessage, again bool) error {
	var uids UIDSet
	for _, f := range parts {
		uids.add(f.m.UID)
	}
	found, err := w.box.Search(ctx, Where().In(uids), nil)
	if err != nil {
		return err
	}
	if uids = uids.Intersect(found.UIDs); len(uids) > 0 && !again {
		return w.freshPart(ctx, uids, true)
	}
	parts = slices.DeleteFunc(parts, func(f freshMessage) bool { return !uids.Contains(f.m.UID) })
	w.noteMissing(op, parts)
	for _, f := range parts {
		if err := w.deliverOne(ctx, f.m, nil); err != nil {
			return err
		}
	}
	return nil
}

// noteMissing records the items that messages lack although they were fetched twice, so that this is not done for each
// message if the server never sends them. Rows with only flags do not count: they may be unsolicited both times.
func (w *watcher) noteMissing(op *fetch, list []freshMessage) {
	for _, f := range list {
		if f.got&^(itemUID|itemFlags|itemModSeq) != 0 {
			w.never |= op.missing(f.m, f.got)
		}
	}
}

// joinFresh sorts messages by their UIDs, and joins the parts of each.
func joinFresh(got []freshMessage) []freshMessage {
	slices.SortStableFunc(got, func(a, b freshMessage) int { return cmp.Compare(a.m.UID, b.m.UID) })
	var list []freshMessage
	for _, f := range got {
		if last := len(list) - 1; last >= 0 && list[last].m.UID == f.m.UID {
			list[last].m.add(f.m)
			list[last].got |= f.got
			list[last].err = cmp.Or(list[last].err, f.err)
			continue
		}
		list = append(list, f)
	}
	return list
}

// eachAlone fetches messages one by one.
func (w *watcher) eachAlone(ctx context.Context, uids UIDSet) error {
	for uid := range uids.All() {
		if err := w.freshPart(ctx, UIDs(uid), false); err != nil {
			return err
		}
	}
	return nil
}

// deliverOne delivers a message, unless it was delivered before.
func (w *watcher) deliverOne(ctx context.Context, m *Message, err error) error {
	if w.state.UIDs.hasSorted(m.UID) {
		return nil
	}
	if m.UID == w.lastFailed {
		w.lastFailed, w.tries = 0, 0
	}
	w.addUID(m.UID)
	if m.Flags != nil {
		w.known(m)
	}
	return w.deliver(ctx, &Change{Kind: ChangeNew, Message: m}, err)
}

// failing handles a FETCH that did not return all of its messages. A message that causes the failure is found by fetching it
// alone, and delivered with the error and what there is of it.
func (w *watcher) failing(ctx context.Context, left UIDSet, lone bool, parts []freshMessage, failure error) error {
	partOf := func(uid UID) *Message {
		if i := slices.IndexFunc(parts, func(f freshMessage) bool { return f.m.UID == uid }); i >= 0 {
			return parts[i].m
		}
		return &Message{UID: uid}
	}
	refused := refusal(failure)
	switch {
	case ctx.Err() != nil, errors.Is(failure, errOtherMailbox), w.isBusy(failure):
		return failure
	case refused && !lone:
		return w.eachAlone(ctx, left)
	case refused:
		there, err := w.box.Search(ctx, Where().In(left), nil)
		if err != nil {
			return err
		}
		if !there.UIDs.Contains(left[0].Start) {
			return nil // removed in the meantime
		}
		return w.deliverOne(ctx, partOf(left[0].Start), failure)
	}
	if w.lastFailed != left[0].Start {
		w.lastFailed, w.tries = left[0].Start, 0
	}
	most := maxTries
	if _, ok := errors.AsType[*LimitError](failure); ok {
		most = 2
	}
	if w.tries++; w.tries >= most {
		if err := w.deliverOne(ctx, partOf(w.lastFailed), failure); err != nil {
			return err
		}
	}
	return failure
}
