package imap

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// FetchItem is something to ask for: one of the Fetch values, a Section, or a modifier such as ChangedSince.
type FetchItem interface{ fetchItem() }

// FetchAttr is a message attribute by its name on the wire. Names that have no constant here can be asked for; what
// comes for them has no field in Message.
type FetchAttr string

func (FetchAttr) fetchItem() {}

// The attributes of messages. What needs a capability says so.
const (
	FetchFlags         FetchAttr = "FLAGS"
	FetchEnvelope      FetchAttr = "ENVELOPE"
	FetchInternalDate  FetchAttr = "INTERNALDATE"
	FetchSize          FetchAttr = "RFC822.SIZE"
	FetchBodyStructure FetchAttr = "BODYSTRUCTURE"
	FetchModSeq        FetchAttr = "MODSEQ"     // CONDSTORE (RFC 7162)
	FetchPreview       FetchAttr = "PREVIEW"    // PREVIEW (RFC 8970)
	FetchEmailID       FetchAttr = "EMAILID"    // OBJECTID (RFC 8474)
	FetchThreadID      FetchAttr = "THREADID"   // OBJECTID (RFC 8474)
	FetchObjectID      FetchAttr = "OBJECTID"   // OBJECTID+: Message.EmailID and Message.ThreadID
	FetchSaveDate      FetchAttr = "SAVEDATE"   // SAVEDATE (RFC 8514)
	FetchGmailMsgID    FetchAttr = "X-GM-MSGID" // X-GM-EXT-1
	FetchGmailThreadID FetchAttr = "X-GM-THRID" // X-GM-EXT-1
	FetchGmailLabels   FetchAttr = "X-GM-LABELS"
)

// fetchMacros are the attributes that the macros of the RFC stand for; some servers do not know the macros.
var fetchMacros = map[FetchAttr][]FetchAttr{
	"ALL":  {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope},
	"FAST": {FetchFlags, FetchInternalDate, FetchSize},
	"FULL": {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope, "BODY"},
}

// fetchModifier is a restriction behind the items of FETCH.
type fetchModifier struct {
	needs string
	text  string
	whole bool // it is about one UID FETCH: the set must not be split
	bad   error
}

func (fetchModifier) fetchItem() {}

// fetchArg is an item that is more than its name. encode writes all of it.
type fetchArg struct {
	name   string // in registry.go
	encode func(*encoder)
}

func (fetchArg) fetchItem() {}

// ChangedSince restricts a FETCH to messages changed after modSeq (RFC 7162; capability CONDSTORE). The mod-sequence of
// each comes with it.
func ChangedSince(modSeq uint64) FetchItem {
	return fetchModifier{needs: "CONDSTORE", text: "CHANGEDSINCE " + strconv.FormatUint(modSeq, 10)}
}

// PartialRange restricts a FETCH by UID to a part of the messages that the set names, by their position from 1, or from -1
// at the end (RFC 9394; capability PARTIAL): PartialRange(-1, -10) are the last ten.
func PartialRange(from, to int) FetchItem {
	e := &encoder{}
	e.raw("PARTIAL ").partialRange(from, to)
	return fetchModifier{needs: "PARTIAL", text: string(e.buf), whole: true, bad: e.err}
}

// ---- the command

// Fetch asks when it is ranged over and yields owned messages as they arrive (FETCH or UID FETCH, RFC 9051 section
// 6.4.5; selected). An error with a nil message ends the loop; an error with a message concerns that message alone (a
// value that could not be parsed) and the loop goes on. SeqNum and UID are always set. An empty set sends nothing and
// yields nothing; numbers that do not exist yield nothing, also where the server refuses them.
//
// Other commands may be issued inside the loop: the rest of the answer is then read into memory, up to
// Options.MaxBuffered, beyond which they fail with ErrBusy. Break leaves the client usable. Each range over the
// iterator sends the command again.
func (c *Client) Fetch(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if set != nil && emptySet(set) {
			return
		}
		err := c.fetchParts(ctx, set, items, func(c *Client, t target, p *progress) (bool, error) {
			op := c.newFetch(t, items)
			var failure error
			more := op.run(ctx, func(m *Message, err error) bool {
				if m == nil {
					failure = err
					return false
				}
				p.note(m.UID)
				return yield(m, err)
			})
			p.ended(&op.status, failure)
			return more || failure != nil, failure
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// fetchParts runs a FETCH in as many commands as it takes. one runs one of them, and reports whether the loop of the
// caller goes on.
func (c *Client) fetchParts(ctx context.Context, set NumSet, items []FetchItem, one func(*Client, target, *progress) (bool, error)) error {
	j := job{c: c, name: "FETCH"}
	if err := validSet(set); err != nil {
		return unsent(j.name, err)
	}
	for _, item := range items {
		m, ok := item.(fetchModifier)
		if ok && m.bad != nil {
			return unsent(j.name, m.bad)
		}
		if ok && m.whole {
			j.whole = true
		}
	}
	if j.whole && (len(splitSet(set, maxSetOctets)) > 1 || !isUID(set)) {
		return unsent(j.name, argError("a part of messages by number, or of more than one command can name"))
	}
	defer j.end()
	if err := j.start(ctx, set); err != nil {
		return err
	}
	for {
		t, ok := j.next()
		if !ok {
			return nil
		}
		var p progress
		more, err := one(j.c, t, &p)
		if !more {
			return nil
		}
		if err := j.settle(ctx, t, p, err); err != nil {
			return err
		}
	}
}

// maxSetOctets is the longest set sent in one command: servers limit the length of a line (RFC 2683 section 3.2.1.5).
const maxSetOctets = 7000

// FetchOne fetches one message by its UID; nil and no error if it does not exist. An error beside a message concerns a
// value of it that could not be parsed. (selected)
func (c *Client) FetchOne(ctx context.Context, uid UID, items ...FetchItem) (*Message, error) {
	if uid == 0 {
		return nil, unsent("UID FETCH", argError("UID 0"))
	}
	var found *Message
	var bad error
	for m, err := range c.Fetch(ctx, UIDs(uid), items...) {
		if m == nil && err != nil {
			return nil, err
		}
		if m.UID == uid {
			found, bad = m, err
		}
	}
	return found, bad
}

// Collect drains an iterator into a slice and returns the first error. Values that came with an error are in the slice;
// an error without a value ends it.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	var first error
	for v, err := range seq {
		if err != nil {
			if first == nil {
				first = err
			}
			if isNilValue(v) {
				continue
			}
		}
		all = append(all, v)
	}
	return all, first
}

// isNilValue reports whether v is what an iterator yields with an error alone.
func isNilValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case *Message:
		return v == nil
	case *MessageStream:
		return v == nil
	case *MessageText:
		return v == nil
	}
	return false
}

// fetch is a FETCH under way, and the answer to it.
type fetch struct {
	*command // which does not keep the rest alive once it was abandoned
	noData
	messageSet
	uid      bool
	asked    itemMask
	wants    []Section
	ready    []fetched // complete, not yet yielded; guarded by engine.mu, as are head and open
	head     int
	open     []fetched // not complete: more may come for them
	openSize int64     // of all of them
	rows     []fetched // being yielded
	slabs    *slabs
}

// fetched is one row of the answer.
type fetched struct {
	m    *Message
	got  itemMask
	err  error
	size int64

	retries uint8 // of items that were read in two ways
}

// openRows is how many messages may wait for the rest of their data. A server that leaves out an item for good delays
// what it sends by as many.
const openRows = 16

// largeRow is a row that is no usual one: of a command that keeps them all it counts whole.
const largeRow = 4 << 10

// batchRows is how many rows that are in the buffer already are parsed at once.
const batchRows = 64

// newFetch makes the command.
func (c *Client) newFetch(t target, items []FetchItem) *fetch {
	op := &fetch{messageSet: messageSet{c: c, target: t}, uid: isUID(t.set), slabs: newSlabs(false)}
	op.command = &command{name: "FETCH", states: inSelected, byNumber: !op.uid, noExpunge: !op.uid, batch: true}
	if op.uid {
		op.command.name = "UID FETCH"
	}
	op.command.partial = true
	op.command.seqs, _ = t.set.(SeqSet)
	op.command.encode = func(e *encoder) { op.encodeItems(e, items) }
	op.command.answer = op
	return op
}

// encodeItems writes the set, the items and the modifiers, and notes what was asked for.
func (op *fetch) encodeItems(e *encoder, items []FetchItem) {
	op.asked, op.wants = 0, nil
	op.set = op.write(e.sp())
	e.raw(" (UID")
	seen := map[FetchAttr]bool{"UID": true}
	var modifiers []fetchModifier
	for _, item := range items {
		switch item := item.(type) {
		case FetchAttr:
			op.encodeAttr(e, item, seen)
		case Section:
			e.sp()
			item.encode(e)
			op.wants = append(op.wants, item)
			op.slabs.bodies = true // must not keep each other alive
		case fetchArg:
			entry := op.c.table.fetch.all[item.name]
			op.asked |= entry.bit
			item.encode(e.need(entry.needs...).sp())
		case fetchModifier:
			e.need(item.needs)
			modifiers = append(modifiers, item)
		default:
			e.fail(argError("a FETCH item of type %T", item))
		}
	}
	e.raw(")")
	for i, m := range modifiers {
		e.raw([]string{" (", " "}[min(i, 1)]).raw(m.text)
	}
	if len(modifiers) > 0 {
		e.raw(")")
	}
}

func (op *fetch) encodeAttr(e *encoder, attr FetchAttr, seen map[FetchAttr]bool) {
	attr = FetchAttr(strings.ToUpper(string(attr)))
	if macro, ok := fetchMacros[attr]; ok {
		for _, a := range macro {
			op.encodeAttr(e, a, seen)
		}
		return
	}
	if seen[attr] {
		return
	}
	seen[attr] = true
	entry := op.c.table.fetch.all[string(attr)]
	e.need(entry.needs...)
	op.asked |= entry.bit
	e.sp().atom("a FETCH item", string(attr))
}

// run sends the command and yields its rows. It reports whether the loop goes on.
func (op *fetch) run(ctx context.Context, yield func(*Message, error) bool) bool {
	c := op.c
	if err := c.start(ctx, op.command); err != nil {
		yield(nil, err)
		return false
	}
	c.unlock()
	if c.lane != nil {
		c.lane.queued()
	}
	defer c.leaveLoop(op.command)
	for {
		err := c.await(ctx, op.command, func(cmd *command) bool { return cmd.done || op.head < len(op.ready) })
		if err != nil {
			c.abandon(op.command)
			yield(nil, failed(op.name, err))
			return false
		}
		if !op.nextBatch() {
			if err := c.result(op.command); err != nil {
				yield(nil, err)
				return false
			}
			return true
		}
		for i := range op.rows {
			row := &op.rows[i]
			if ctx.Err() != nil {
				yield(nil, failed(op.name, context.Cause(ctx)))
				return false
			}
			if !yield(row.m, row.err) {
				return false
			}
			row.m = nil
		}
	}
}

// leaveLoop abandons a command whose loop ended before it, by break, return, panic or otherwise.
func (e *engine) leaveLoop(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.abandon()
	if !cmd.done {
		e.queued -= cmd.queued
	}
	cmd.queued = 0
}

// nextBatch takes rows out of the queue; false when there is none and the command is done.
func (op *fetch) nextBatch() bool {
	e := op.c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.head == len(op.ready) {
		return false
	}
	n := min(batchRows, len(op.ready)-op.head)
	op.rows = append(op.rows[:0], op.ready[op.head:op.head+n]...)
	for i := range op.rows {
		op.account(-op.rows[i].size)
		op.ready[op.head+i] = fetched{}
	}
	if op.head += n; op.head == len(op.ready) {
		op.ready, op.head = op.ready[:0], 0
	}
	return true
}

// push puts a row into the queue.
func (op *fetch) push(row fetched) {
	if row.err != nil {
		row.err = failed(op.name, row.err)
	}
	op.ready = append(op.ready, row)
	op.account(row.size)
}

// account counts what waits for the loop.
func (op *fetch) account(octets int64) {
	op.command.queued += octets
	if !op.command.done {
		op.c.engine.queued += octets
	}
}

// droppedFetch is the answer of a FETCH that was abandoned: it knows the rows by their UIDs alone.
type droppedFetch struct {
	noData
	of messageSet
}

func (d *droppedFetch) data(r *response) claim {
	if r.isRow() && d.of.covers(SeqNum(r.num), r.uidOfRow()) {
		return mine
	}
	return notMine
}

func (d *droppedFetch) dropped() answer { return d }

func (op *fetch) dropped() answer { return &droppedFetch{of: op.messageSet} }

// isRow reports whether a response holds data of a message.
func (r *response) isRow() bool { return r.name == "FETCH" || r.name == "UIDFETCH" }

// data claims the rows that answer the command. A row that holds nothing that was asked for, or no UID, is news of a
// change that another client made.
func (op *fetch) data(r *response) claim {
	if len(op.open) > 0 && r.name == "EXPUNGE" {
		op.renumber(SeqNum(r.num))
	}
	if !r.isRow() {
		return notMine
	}
	r.slabs = op.slabs
	row := op.c.parseRow(r)
	r.slabs = nil
	if row.m == nil {
		return mine // a row about no message
	}
	row.size = int64(len(r.text) + row.m.slots())
	for _, l := range r.lits {
		row.size += int64(len(l.data))
	}
	if !op.covers(row.m.SeqNum, row.m.UID) || row.err == nil && op.isNews(&row) {
		return op.stranger(row)
	}
	if !op.batch && uint64(len(op.ready)) > 2*op.named()+openRows {
		return notMine // nobody changed so many messages for us
	}
	if row.size > largeRow {
		op.command.taken += row.size
	}
	op.settle(row)
	return mine
}

// isNews reports whether a row holds none of what was asked for, but other things. One with the UID alone is an answer:
// Cyrus sends it for a section that it cannot decode.
func (op *fetch) isNews(row *fetched) bool {
	return op.answer() != 0 && row.got&op.answer() == 0 && row.got&^itemUID != 0
}

// messageSet is which messages a FETCH or STORE is about.
type messageSet struct {
	c *Client
	target
	noUID bool // STORE by number: nothing makes the server send the UID
}

// named is how many messages the set names at most. What EXISTS said may be old, but not by much.
func (op *messageSet) named() uint64 {
	const more = 1000
	n := uint64(1 << 32)
	if box := op.c.mailbox; box != nil {
		n = uint64(box.Exists) + more
	}
	switch set := op.set.(type) {
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

// answer is what a row of the answer holds some of.
func (op *fetch) answer() itemMask {
	if len(op.wants) > 0 {
		return op.asked | itemSection
	}
	return op.asked
}

// covers reports whether the set holds the message. n:* holds the last message also when that is before n.
func (op *messageSet) covers(num SeqNum, uid UID) bool {
	switch set := op.set.(type) {
	case UIDSet:
		return uid != 0 && (set.Contains(uid) || isOpen(set) && op.isLast(num))
	case SeqSet:
		return (uid != 0 || op.noUID) && (set.Contains(num) || isOpen(set) && op.isLast(num))
	}
	return uid != 0
}

// isLast reports whether a message is the last of the mailbox, as far as that is known.
func (op *messageSet) isLast(num SeqNum) bool {
	box := op.c.mailbox
	return num == 0 || box == nil || uint32(num) >= box.Exists
}

// isOpen reports whether a set names the last message by "*".
func isOpen[N UID | SeqNum](s Set[N]) bool {
	return slices.ContainsFunc(s, func(r Range[N]) bool { return r.Stop == 0 })
}

// stranger handles a row that answers nothing by itself. If it belongs to a message of which a part came already, it is
// the rest of it: there are servers that send the UID in one response only.
func (op *fetch) stranger(row fetched) claim {
	for i := range op.open {
		o := &op.open[i]
		news := row.got&op.answer()&^o.got == 0
		if o.m.UID == 0 && row.m.UID != 0 {
			news = !op.covers(row.m.SeqNum, row.m.UID) // else it brings the UID
		}
		if o.isPartOf(&row) && !news {
			op.join(i, row)
			return mine
		}
	}
	if row.m.UID == 0 && row.got&op.answer() != 0 && op.askedFor(row.m.SeqNum) {
		op.keepOpen(row)
		op.release(len(op.open) - 1)
		return mine
	}
	return notMine
}

// askedFor reports whether a sequence number can be one of the set.
func (op *messageSet) askedFor(num SeqNum) bool {
	if set, ok := op.set.(SeqSet); ok {
		return set.Contains(num) || isOpen(set) && op.isLast(num)
	}
	return true
}

// isPartOf reports whether two rows are about one message. Its number may have changed between them.
func (row *fetched) isPartOf(other *fetched) bool {
	if a, b := row.m.UID, other.m.UID; a != 0 && b != 0 {
		return a == b
	}
	return row.m.SeqNum == other.m.SeqNum && row.m.SeqNum != 0
}

// renumber follows an EXPUNGE in what is open: what comes for these messages has the new number.
func (op *fetch) renumber(gone SeqNum) {
	for i := range op.open {
		switch m := op.open[i].m; {
		case m.SeqNum > gone:
			m.SeqNum--
		case m.SeqNum == gone:
			m.SeqNum = 0
		}
	}
}

// join adds a row to one that is open.
func (op *fetch) join(i int, row fetched) {
	op.open[i].merge(row)
	op.openSize += row.size
	op.release(i)
}

// settle puts a row to its place: with the rest of its message, among those that wait for theirs, or into the queue.
func (op *fetch) settle(row fetched) {
	for i := range op.open {
		if op.open[i].isPartOf(&row) {
			op.join(i, row)
			return
		}
	}
	if len(op.open) == 0 && op.complete(&row) {
		op.push(row)
		return
	}
	op.keepOpen(row)
	op.release(len(op.open) - 1)
}

func (op *fetch) complete(row *fetched) bool {
	return row.err != nil || (row.m.UID != 0 || op.noUID) && row.got&op.asked == op.asked && len(row.m.Sections) >= len(op.wants)
}

// keepOpen lets a row wait for the rest of its message. The oldest makes room.
func (op *fetch) keepOpen(row fetched) {
	if len(op.open) >= openRows {
		op.close(0)
	}
	op.open = append(op.open, row)
	op.openSize += row.size
}

// close takes a row out of those that are open, and gives up waiting for more of it.
func (op *fetch) close(i int) {
	row := op.open[i]
	op.openSize -= row.size
	op.open = slices.Delete(op.open, i, i+1)
	op.let(row)
}

// end gives up waiting for more of what is open.
func (op *fetch) end() {
	for len(op.open) > 0 {
		op.close(0)
	}
	op.open = nil
}

// release queues a row that is complete now, or one to which there is no end.
func (op *fetch) release(i int) {
	if op.complete(&op.open[i]) || op.openSize > op.c.conn.limits.maxBuffered {
		op.close(i)
	}
}

// let gives up waiting for more. A row that never got a UID was news.
func (op *fetch) let(row fetched) {
	if row.m.UID == 0 && !op.noUID {
		op.c.events.add(&FetchEvent{row.m})
		return
	}
	op.push(row)
}

// merge adds what came for the same message. What is there already stays, except flags, of which the last are true.
func (row *fetched) merge(more fetched) {
	row.size += more.size
	if row.err == nil {
		row.err = more.err
	}
	mergeMessage(row.m, more.m, row.got)
	row.got |= more.got
}
