package imap

import (
	"bytes"
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/mimetext"
)

// rowQueue holds the rows of a FETCH from their arrival until they are yielded. It is guarded by engine.mu.
type rowQueue struct {
	ready     []fetched // complete; not yet yielded from head on
	head      int
	open      []fetched // incomplete: further rows may follow for them
	openSize  int64     // total size of open
	delivered delivered
	remnants  []remnant
	forgotten bool           // there were more of them
	places    map[uint64]int // index in ready, for a command that keeps its rows, once a message came twice
}

// openRows is how many messages may wait for the rest of their data. If a server never sends an item, messages are
// delayed by that many.
const openRows = 16

// largeRow is the size of an unusually large row, which counts entirely for a command that keeps all rows.
const largeRow = 4 << 10

// messageSet is the set of messages of a FETCH or STORE.
type messageSet struct {
	c *Client
	target
	noUID bool   // STORE by number: the server need not send the UID
	last  uint32 // the number of the last message when the command was sent
	top   UID    // the highest UID in the answer so far
}

// named returns the maximum number of messages in the set. The last EXISTS may be slightly outdated.
func (s *messageSet) named() uint64 {
	const more = 1000
	n := uint64(1 << 32)
	if box := s.c.e.currentMailbox(); box != nil {
		n = uint64(box.Exists) + more
	}
	switch set := s.set.(type) {
	case UIDSet:
		if !isOpen(set) {
			return min(n, set.Len())
		}
	case SeqSet:
		if !isOpen(set) {
			return min(n, set.Len())
		}
	}
	return n
}

// covers reports whether the set includes the message. n:* includes the last message even if its number is less than n.
func (s *messageSet) covers(num SeqNum, uid UID) bool {
	switch set := s.set.(type) {
	case UIDSet:
		return uid != 0 && (set.Contains(uid) || isOpen(set) && s.isLast(num) && (num != 0 || uid >= s.top))
	case SeqSet:
		return (uid != 0 || s.noUID) && (set.Contains(num) || isOpen(set) && s.isLast(num))
	}
	return uid != 0
}

// sending records the state of the mailbox on which the meaning of the set depends, when the set is sent.
func (s *messageSet) sending() {
	s.c.e.mu.Lock()
	defer s.c.e.mu.Unlock()
	if box := s.c.e.currentMailbox(); box != nil {
		s.last = box.Exists
	}
}

// isLast reports whether a message is the last of the mailbox, or has been since the command was sent, as far as is known.
func (s *messageSet) isLast(num SeqNum) bool {
	box := s.c.e.currentMailbox()
	return num == 0 || box == nil || uint32(num) >= min(s.last, box.Exists)
}

// mayHold reports whether a message with an unknown UID may be in the set.
func (s *messageSet) mayHold(num SeqNum) bool {
	if set, ok := s.set.(SeqSet); ok {
		return set.Contains(num) || isOpen(set) && s.isLast(num)
	}
	return true
}

// ---- incoming rows

// data claims the rows that answer the command. A row is unsolicited if its message is not in the set, if it has none of the
// requested items, or if the message was delivered before.
func (op *fetch) data(r *response) claim {
	switch r.name {
	case "EXPUNGE":
		if r.num > 0 {
			op.renumber(SeqNum(r.num))
		}
	case "VANISHED":
		op.delivered.forgetNumbers()
		r.rewind()
		if uids, earlier, _ := r.vanished(); !earlier {
			op.last -= uint32(min(uids.Len(), uint64(op.last)))
			op.forgetNumbers()
		}
	}
	if !r.isRow() {
		return notMine
	}
	op.borrow(r)
	row := *r.parseRow()
	r.slabs = nil
	if row.m == nil {
		return mine // a row without a message
	}
	got := op.place(r, &row)
	op.referenced = op.referenced || got == notMine
	size := row.size
	for _, s := range row.m.Sections {
		size -= int64(len(s.Bytes))
	}
	op.slabs = op.slabs.afterRow(size)
	return got
}

// plainAnswers are the items that plain rows may have. If others are requested, no row is plain, and takePlain is not tried.
const plainAnswers = itemUID | itemFlags | itemEnvelope | itemDate | itemSize | itemStructure | itemModSeq

// takePlain parses and queues a row if it is entirely plain and the next one expected, and reports whether it did.
func (op *fetch) takePlain(num SeqNum, text []byte, pos int, names *interner, decoder *mimetext.Decoder) bool {
	if !op.expectsPlain() {
		return false
	}
	p := plainRow{text: text, pos: pos, names: names, slabs: op.slabs.forRow(text, nil), decoder: decoder}
	own := p.slabs != op.slabs
	m := op.spare
	if m == nil || own {
		m = p.slabs.message()
	} else {
		op.spare = nil
	}
	m.SeqNum = num
	p.row.m = m
	before := op.slabs.mark()
	if !p.items() || !op.isNext(&p.row) {
		if own {
			return false
		}
		*m = Message{}
		op.spare = m // nothing of it was shown
		op.slabs.undo(before)
		if p.hasParts {
			op.slabs.undoParts(p.parts)
		}
		return false
	}
	p.row.size = int64(len(p.text) + m.slots())
	op.enqueue(&p.row)
	return true
}

// expectsPlain reports whether the next row may be plain and complete, before any of it is parsed.
func (op *fetch) expectsPlain() bool {
	return op.batch && len(op.wants) == 0 && (op.asked|op.added)&^plainAnswers == 0 && !op.slabs.again && !op.noUID &&
		len(op.open) == 0 && len(op.remnants) == 0
}

// isNext reports whether a row is all that is awaited of the next message, so that it goes into the queue without more: what
// place finds out of nearly all rows.
func (op *fetch) isNext(row *fetched) bool {
	m := row.m
	return m.UID != 0 && row.got&op.asked == op.asked && !op.delivered.uids.has(uint32(m.UID)) && op.covers(m.SeqNum, m.UID)
}

// place decides whether a row belongs to the answer, and stores it.
func (op *fetch) place(r *response, row *fetched) claim {
	row.size = int64(len(r.text) + row.m.slots())
	for _, l := range r.lits {
		row.size += int64(len(l.Data))
	}
	if op.isForeign(row.m) {
		return notMine
	}
	if row.err != nil && row.m.UID == 0 && !op.noUID {
		row.m.UID = op.uidBehind(r)
		row.guessed = row.m.UID != 0
	}
	if !op.covers(row.m.SeqNum, row.m.UID) {
		return op.other(row)
	}
	if op.wasDelivered(row.m) || op.wasUnread(row.m) {
		return op.again(row)
	}
	if op.isUnrequested(row) {
		return op.other(row)
	}
	if !op.batch && uint64(len(op.ready)) > 2*op.named()+openRows {
		return notMine // more rows than the command can change messages
	}
	if row.size > largeRow {
		op.command.memory.answer += row.size
	}
	if op.mayBeNews(row) {
		return op.settleNews(row)
	}
	op.dropNews(row)
	op.settle(row)
	return mine
}

// uidBehind returns the UID at the end of a row, after an item that could not be parsed, or 0.
func (op *fetch) uidBehind(r *response) UID {
	text := bytes.TrimRight(r.text, ") ")
	i := bytes.LastIndexByte(text, ' ')
	if i < 3 || !ascii.EqualFold(text[i-3:i], "UID") || i > 3 && text[i-4] != ' ' {
		return 0
	}
	p := parserFor(text[i+1:])
	n, err := p.number32()
	uid := UID(n)
	if err != nil || !p.atEnd() || !op.covers(SeqNum(r.num), uid) {
		return 0
	}
	return uid
}

// isUnrequested reports whether a row has other items, but none of the requested ones. A row with only the UID is an answer:
// Cyrus sends it for a section that it cannot decode.
func (op *fetch) isUnrequested(row *fetched) bool {
	return row.err == nil && op.answer() != 0 && row.got&op.answer() == 0 && row.got&^itemUID != 0
}

// answer returns the items of which a row of the answer must have some.
func (op *fetch) answer() itemMask {
	if len(op.wants) > 0 {
		return op.asked | itemSection
	}
	return op.asked
}

// other handles a row that is not an answer by itself. If a part of its message has arrived already, it is the rest: some
// servers send the UID in only one response.
func (op *fetch) other(row *fetched) claim {
	for i := range op.open {
		o := &op.open[i]
		news := row.err == nil && !op.lacks(o, row)
		if o.m.UID == 0 && row.m.UID != 0 {
			news = !op.covers(row.m.SeqNum, row.m.UID) // otherwise it has the UID
		}
		if !o.isPartOf(row) {
			continue
		}
		if news {
			op.report(i, row)
			return notMine // another open row would become another message
		}
		op.join(i, row)
		return mine
	}
	if row.m.UID == 0 && op.isRest(row) {
		return mine
	}
	if row.m.UID != 0 || !op.mayHold(row.m.SeqNum) || op.delivered.hasNumber(row.m.SeqNum) {
		return notMine
	}
	answer := op.answer()
	if row.present()&answer == 0 && (row.err == nil || row.present()&^itemUID != 0) {
		return notMine
	}
	op.keepOpen(row)
	op.release(len(op.open) - 1)
	return mine
}

// report queues an open row without a UID as an event, so that newer data of its message, which becomes one, follows it. If
// the message turns out not to be in the set, the row was only that.
func (op *fetch) report(i int, newer *fetched) {
	switch o := &op.open[i]; {
	case o.m.UID != 0 || op.noUID || o.err != nil || o.reported:
	case newer.m.UID != 0:
		op.close(i)
	default:
		m := *o.m
		op.c.e.queueEvent(&FetchEvent{&m})
		o.reported = true
	}
}

// lacks reports whether an open row lacks items of the answer that another row has.
func (op *fetch) lacks(o, row *fetched) bool {
	if row.got&itemSection != 0 && len(o.m.Sections) < len(op.wants) || !op.hasSizes(o.m) && row.got&op.sizeBit() != 0 {
		return true
	}
	return row.got&op.answer()&^o.got != 0
}

// again handles a row of a message that was delivered before. A command that keeps its rows to the end merges it;
// otherwise it is unsolicited.
func (op *fetch) again(row *fetched) claim {
	if op.isRest(row) || op.mayBeRest(row) {
		return mine
	}
	if op.batch || row.got&op.answer() == 0 {
		return notMine
	}
	if op.places == nil {
		op.places = make(map[uint64]int)
		for i := range op.ready {
			op.places[op.placeOf(op.ready[i].m)] = i
		}
	}
	i, ok := op.places[op.placeOf(row.m)]
	if !ok {
		return notMine
	}
	op.ready[i].merge(*row)
	return mine
}

// placeOf returns the key of a message in places.
func (op *fetch) placeOf(m *Message) uint64 {
	if m.UID == 0 || op.noUID {
		return uint64(m.SeqNum) << 32
	}
	return uint64(m.UID)
}

// wasDelivered reports whether the message is in the queue, or was yielded.
func (op *fetch) wasDelivered(m *Message) bool {
	if m.UID == 0 || op.noUID {
		return op.delivered.hasNumber(m.SeqNum)
	}
	return op.delivered.uids.has(uint32(m.UID))
}

// wasUnread reports whether the message was yielded with an error that hid its UID.
func (op *fetch) wasUnread(m *Message) bool {
	if m.SeqNum == 0 || len(op.remnants) == 0 {
		return false
	}
	return op.delivered.unread.has(uint32(m.SeqNum)) || slices.ContainsFunc(op.remnants, func(r remnant) bool {
		return r.unread && r.uid == 0 && r.num == m.SeqNum
	})
}

// renumber adjusts the numbers of open rows after an EXPUNGE, since their further rows have the new numbers.
func (op *fetch) renumber(gone SeqNum) {
	op.delivered.forgetNumbers()
	if uint32(gone) < op.last {
		op.last--
	}
	for i := range op.remnants {
		switch r := &op.remnants[i]; {
		case r.num > gone:
			r.num--
		case r.num == gone:
			r.num = 0
		}
	}
	for i := range op.open {
		switch row := &op.open[i]; {
		case row.loose:
		case row.m.SeqNum > gone:
			row.m.SeqNum--
		case row.m.SeqNum == gone: // the message keeps its last number
			row.loose = true
		}
	}
	op.closeLoose()
}

// closeLoose queues the events of open rows without a UID whose numbers are not current any more: no further row can be
// about their messages, and the numbers are valid only before the removal.
func (op *fetch) closeLoose() {
	for i := 0; i < len(op.open); {
		if row := &op.open[i]; row.loose && row.m.UID == 0 && !op.noUID && row.err == nil {
			op.close(i)
		} else {
			i++
		}
	}
}

// forgetNumbers marks the numbers of open rows as unknown: messages have vanished, and their numbers are not known.
func (op *fetch) forgetNumbers() {
	for i := range op.open {
		op.open[i].loose = true
	}
	op.closeLoose()
	for i := range op.remnants {
		op.remnants[i].num = 0
	}
}

// settle merges a row with an open one of its message, or adds it to the open rows or the queue.
func (op *fetch) settle(row *fetched) {
	op.top = max(op.top, row.m.UID)
	for i := range op.open {
		if op.open[i].isPartOf(row) {
			op.join(i, row)
			return
		}
	}
	op.giveUpUnread()
	if len(op.open) == 0 && op.complete(row) {
		op.push(row)
		return
	}
	op.keepOpen(row)
	op.release(len(op.open) - 1)
}

// giveUpUnread releases open rows with a value that could not be parsed, when another message arrives: the missing
// items were probably after that value.
func (op *fetch) giveUpUnread() {
	for i := 0; i < len(op.open); {
		if op.open[i].err == nil {
			i++
			continue
		}
		op.close(i)
	}
}

// join merges a row with an open one, and reports whether that is queued then.
func (op *fetch) join(i int, row *fetched) (queued bool) {
	op.referenced = true
	op.open[i].merge(*row)
	op.openSize += row.size
	return op.release(i)
}

// complete reports whether no further rows are expected for a message.
func (op *fetch) complete(row *fetched) bool {
	switch {
	case row.guessed:
		return true // a later row with that UID may be another message
	case row.m.UID == 0 && !op.noUID:
		return false
	}
	return row.present()&op.asked == op.asked && (op.hasSections(row.m) || row.bad&itemSection != 0) && (op.hasSizes(row.m) || row.err != nil)
}

// hasSizes reports whether a message has as many sizes of parts as were requested.
func (op *fetch) hasSizes(m *Message) bool { return op.sizesOf(m) >= op.sizes }

// sizesOf returns how many sizes of parts a message has. They have one itemMask together, so that they need to be counted only if
// several were requested; otherwise it returns the number of requested ones.
func (op *fetch) sizesOf(m *Message) int {
	if op.sizes <= 1 {
		return op.sizes
	}
	return m.binarySizes()
}

// missing returns the requested items that a message lacks of whose rows got is known.
func (op *fetch) missing(m *Message, got itemMask) itemMask {
	missing := op.asked &^ got
	if len(m.Sections) < len(op.wants) {
		missing |= itemSection
	}
	if !op.hasSizes(m) {
		missing |= op.sizeBit()
	}
	return missing
}

// keepOpen keeps a row until the rest of its message arrives. If there are too many, the oldest one is released.
func (op *fetch) keepOpen(row *fetched) {
	if len(op.open) >= openRows {
		op.close(0)
	}
	op.referenced = true
	op.open = append(op.open, *row)
	op.openSize += row.size
}

// release queues an open row that is complete, or that cannot wait any longer, and reports whether it has done so.
func (op *fetch) release(i int) bool {
	row, limit := &op.open[i], op.c.e.conn.Limits.MaxBuffered
	if op.openSize > limit && row.m.UID == 0 && !op.noUID {
		row.fail(0, &LimitError{"MaxBuffered", limit}) // a requested value must not be dropped silently
	}
	if op.complete(row) || op.openSize > limit {
		op.close(i)
		return true
	}
	return false
}

// close removes an open row, and queues it without waiting for the rest. A row that never got a UID was unsolicited.
func (op *fetch) close(i int) {
	row := op.takeOpen(i)
	if row.news && !row.joined && !op.complete(&row) {
		return
	}
	if row.m.UID == 0 && !op.noUID && row.err == nil {
		if !row.reported {
			op.c.e.queueEvent(&FetchEvent{row.m})
		}
		return
	}
	op.push(&row)
}

func (op *fetch) takeOpen(i int) fetched {
	row := op.open[i]
	op.openSize -= row.size
	op.open = slices.Delete(op.open, i, i+1)
	return row
}

// end closes all open rows. Messages that the server processes in another command are complete in the answer to that.
func (op *fetch) end() {
	limit, partial := op.command.status.limit()
	for len(op.open) > 0 {
		if uid := op.open[0].m.UID; partial && uid != 0 && uid < limit.uid {
			op.takeOpen(0)
			continue
		}
		op.close(0)
	}
	op.open = nil
}

// push queues a row that will not be changed any more.
func (op *fetch) push(row *fetched) {
	hidden := row.err != nil && row.m.UID == 0 && !op.noUID // a later row has the UID
	if op.missing(row.m, row.got) != 0 || hidden {
		op.addRemnant(row.m, row.got, len(row.m.Sections))
		r := &op.remnants[len(op.remnants)-1]
		r.unread = row.err != nil
		if row.guessed {
			r.uid = 0
		}
		if row.loose {
			r.num = 0
		} else if r.unread && r.uid == 0 && r.num != 0 {
			op.delivered.unread.add(uint32(r.num))
		}
	}
	op.enqueue(row)
}

// enqueue adds a row to the queue.
func (op *fetch) enqueue(row *fetched) {
	op.delivered.add(row)
	op.top = max(op.top, row.m.UID)
	if op.places != nil {
		op.places[op.placeOf(row.m)] = len(op.ready)
	}
	if row.err != nil {
		row.err = failed(op.name, row.err)
	}
	if n := len(op.ready); n < cap(op.ready) && row.err == nil {
		// The element is zero. Writing only the fields that are not zero avoids write barriers for the others.
		op.ready = op.ready[:n+1]
		q := &op.ready[n]
		q.m, q.got, q.bad, q.size, q.loose, q.guessed, q.retries = row.m, row.got, row.bad, row.size, row.loose, row.guessed, row.retries
	} else {
		op.ready = append(op.ready, *row)
	}
	op.account(row.size)
}

// account counts bytes that are queued for the loop.
func (op *fetch) account(octets int64) {
	op.c.e.account(op.command, octets)
}

// borrow makes the parser of a row use the slabs of the command. For borrowed values their memory is reused, unless
// something in it is kept.
func (op *fetch) borrow(r *response) {
	r.slabs = op.slabs
	switch {
	case !op.slabs.again:
		r.slabs = op.slabs.forRow(r.text, r.lits)
	case r.row.begun:
	case op.referenced || op.head < len(op.ready):
		op.slabs, op.referenced = newSlabs(true), false
		r.slabs = op.slabs
	default:
		op.slabs.rewind()
	}
}
