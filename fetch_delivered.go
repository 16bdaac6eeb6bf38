package imap

import (
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
)

// delivered holds the messages that were delivered to the caller.
type delivered struct {
	uids, numbers numberSet
	unread        numberSet // numbers of messages whose UID could not be read; there may be more than remnants
}

// forgetNumbers drops the numbers: messages were removed, so they may be those of other messages now.
func (d *delivered) forgetNumbers() { d.numbers, d.unread = numberSet{}, numberSet{} }

func (d *delivered) add(row *fetched) {
	if row.m.UID != 0 && !row.guessed {
		d.uids.add(uint32(row.m.UID))
	}
	if row.m.SeqNum != 0 && !row.loose {
		d.numbers.add(uint32(row.m.SeqNum))
	}
}

// hasNumber reports whether the message with that number was delivered, as far as is known, since numbers change.
func (d *delivered) hasNumber(num SeqNum) bool { return num != 0 && d.numbers.has(uint32(num)) }

// numberSet is a set of numbers, most of which are added in ascending order.
type numberSet struct {
	ascending []Range[UID]
	first     [2]Range[UID] // room for the first ranges of rising
	unordered map[uint32]struct{}
}

// maxDelivered bounds the ranges of a numberSet, and its unordered numbers.
const maxDelivered = 1 << 20

func (s *numberSet) add(n uint32) {
	last := len(s.ascending) - 1
	switch {
	case last >= 0 && uint32(s.ascending[last].Stop) >= n:
		if s.has(n) || len(s.unordered) >= maxDelivered {
			return
		}
		if s.unordered == nil {
			s.unordered = make(map[uint32]struct{})
		}
		s.unordered[n] = struct{}{}
	case last >= 0 && uint32(s.ascending[last].Stop)+1 == n:
		s.ascending[last].Stop = UID(n)
	case last < 0:
		s.ascending = append(s.first[:0], Range[UID]{UID(n), UID(n)})
	case last < maxDelivered:
		s.ascending = append(s.ascending, Range[UID]{UID(n), UID(n)})
	}
}

func (s *numberSet) has(n uint32) bool {
	last := len(s.ascending) - 1
	if last < 0 || uint32(s.ascending[last].Stop) < n {
		return false
	}
	if _, ok := s.unordered[n]; ok {
		return true
	}
	i, found := slices.BinarySearchFunc(s.ascending, UID(n), func(r Range[UID], n UID) int {
		switch {
		case r.Stop < n:
			return -1
		case r.Start > n:
			return 1
		}
		return 0
	})
	return found && i >= 0
}

// ---- messages that were delivered without all of their items

// yields holds the messages that a call has yielded, and the items that they lacked, since it may fetch them again.
type yields struct {
	uids      numberSet
	remnants  []remnant
	forgotten bool
}

// after gives the command the messages that the earlier parts of the call yielded.
func (op *fetch) after(before yields) {
	op.delivered.uids, op.remnants, op.forgotten = before.uids, before.remnants, before.forgotten
}

// yields returns the messages that the command and the earlier ones have yielded.
func (op *fetch) yields() yields {
	for i := range op.remnants {
		op.remnants[i].num = 0 // the number may refer to another message when the next command is sent
	}
	return yields{op.delivered.uids, op.remnants, op.forgotten}
}

// remnant holds the items that a message lacked when it was delivered. If they arrive later, they are a row of the answer.
type remnant struct {
	uid      UID
	num      SeqNum
	got      itemMask
	sections int
	sizes    int  // of parts: see sizesOf
	dropped  bool // the caller has skipped the message
	unread   bool // the caller has its error: late items are unsolicited
}

// maxRemnants is how many incompletely delivered messages are tracked. See mayBeRest for the older ones.
const maxRemnants = 64

func (op *fetch) addRemnant(m *Message, got itemMask, sections int) {
	if len(op.remnants) >= maxRemnants {
		op.forgotten = op.forgotten || !op.remnants[0].unread && !op.remnants[0].dropped
		op.remnants = slices.Delete(op.remnants, 0, 1)
	}
	op.remnants = append(op.remnants, remnant{uid: m.UID, num: m.SeqNum, got: got, sections: sections, sizes: op.sizesOf(m)})
}

// isRest takes a row with items that a message lacked when it was delivered, or one that cannot be parsed: it may have had them.
func (op *fetch) isRest(row *fetched) bool {
	i := op.remnantOf(row.m)
	if i < 0 || op.remnants[i].unread {
		return false
	}
	r := &op.remnants[i]
	if !op.completes(r, row) && row.err == nil {
		return row.got == itemUID // a response that only has the UID for the next one
	}
	r.unread = row.err != nil
	if row.m.UID == 0 {
		row.m.UID = r.uid
	}
	if !r.dropped {
		op.enqueue(row)
	}
	if r.got&op.asked == op.asked && r.sections >= len(op.wants) && r.sizes >= op.sizes {
		op.remnants = slices.Delete(op.remnants, i, i+1)
	}
	return true
}

// mayBeRest takes a row of a delivered message, once it is not known any more what some of those lacked, if it has requested items
// that unsolicited responses do not have, or cannot be parsed.
func (op *fetch) mayBeRest(row *fetched) bool {
	items := row.got & op.answer() &^ (itemFlags | itemModSeq)
	if !op.forgotten || row.m.UID == 0 || op.remnantOf(row.m) >= 0 || items == 0 && row.err == nil {
		return false
	}
	op.enqueue(row)
	return true
}

// remnantOf returns the index of the remnant of a message, or -1 if none exists.
func (op *fetch) remnantOf(m *Message) int {
	return slices.IndexFunc(op.remnants, func(r remnant) bool {
		if m.UID != 0 && r.uid != 0 {
			return r.uid == m.UID
		}
		return r.num == m.SeqNum && r.num != 0
	})
}

// completes reports whether a row has some of the items that a message lacked, and removes them from the remnant.
func (op *fetch) completes(r *remnant, row *fetched) bool {
	missing := row.got & op.asked &^ r.got
	sections := row.got&itemSection != 0 && r.sections < len(op.wants)
	sizes := r.sizes < op.sizes && row.got&op.sizeBit() != 0
	r.got |= row.got
	r.sections += len(row.m.Sections)
	r.sizes += op.sizesOf(row.m)
	return missing != 0 || sections || sizes
}

// ---- an abandoned FETCH

// dropped queues the open rows without a UID as events, as rows without a UID that arrive later are.
func (op *fetch) dropped() answer {
	for i := range op.open {
		if row := &op.open[i]; row.m.UID == 0 && !op.noUID && row.err == nil && !row.reported {
			op.c.e.queueEvent(&FetchEvent{row.m})
		}
	}
	op.open = nil
	d := &droppedFetch{of: op.messageSet, answer: op.answer()}
	if ranges := op.delivered.uids.ascending; !op.command.done && len(ranges) <= fewDelivered {
		d.delivered = slices.Clone(ranges)
	}
	return d
}

// fewDelivered bounds the ranges of delivered messages that an abandoned FETCH remembers.
const fewDelivered = 64

// droppedFetch is the answer to a FETCH that was abandoned: it identifies rows only by their UIDs and items.
type droppedFetch struct {
	noData
	of        messageSet
	answer    itemMask // the items of which a row of the answer must have some
	delivered UIDSet   // messages that the caller has: their flags are news
}

func (d *droppedFetch) data(r *response) claim {
	if !r.isRow() {
		return notMine
	}
	uid, items := r.scanRow()
	if !d.of.covers(SeqNum(r.num), uid) || d.answer != 0 && items&d.answer == 0 && items&^itemUID != 0 {
		return notMine
	}
	if items&^(itemUID|itemFlags|itemModSeq) == 0 && d.delivered.hasSorted(uid) {
		return notMine
	}
	return mine
}

func (d *droppedFetch) dropped() answer { return d }

// scanRow returns the UID of a row, or 0 if it has none, and its items, without keeping anything. Items behind a value that
// cannot be skipped count as those that were requested.
func (r *response) scanRow() (uid UID, items itemMask) {
	if r.name == "UIDFETCH" {
		uid = UID(r.num)
	}
	r.skipSpaces()
	if r.enter() != nil {
		return uid, ^itemMask(0)
	}
	for {
		r.skipSpaces()
		if r.peek() == ')' {
			return uid, items
		}
		name := r.itemName()
		if len(name) == 0 {
			return uid, ^itemMask(0)
		}
		items |= r.itemBit(name)
		if ascii.EqualFold(name, "UID") {
			r.skipSpaces()
			n, _ := r.number32()
			uid = UID(n)
		} else if r.skipItem() != nil {
			return uid, ^itemMask(0)
		}
	}
}
