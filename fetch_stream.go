package imap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/go-imaplib/imap/internal/wire"
)

// FetchStream is like Fetch, for bodies of any size in constant memory (FETCH or UID FETCH, RFC 9051 section 6.4.5;
// selected). It yields borrowed messages, which are valid for the body of the loop; Bodies reads their sections from
// the connection, and Message.Sections is empty. Unread bytes are discarded, and nothing has to be closed. Other
// commands fail with ErrBusy until the loop has ended; other calls of a Pipeline wait for it.
//
// SeqNum, UID and all other requested items are set when a message is yielded, in whatever order the server sends them.
// Most servers send bodies last; these are not bounded by Options.MaxLiteral. A body that precedes other requested
// items is kept in memory up to that limit; a longer one is yielded with a *LimitError before the other items are
// known, which are set when Bodies has ended. If the sections of a message come in several responses, with another
// message between them, the message is yielded once for each.
//
//	for m, err := range c.FetchStream(ctx, uids, imap.Section{}) {
//		if err != nil {
//			return err
//		}
//		for b, err := range m.Bodies() {
//			if err != nil {
//				return err
//			}
//			if _, err := io.Copy(w, b); err != nil {
//				return err
//			}
//		}
//	}
func (c *Client) FetchStream(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*MessageStream, error] {
	return func(yield func(*MessageStream, error) bool) {
		if set != nil && emptySet(set) {
			return
		}
		err := c.fetchParts(ctx, set, items, func(c *Client, t target, p *progress) (bool, error) {
			op := &fetchStream{fetch: c.newFetch(t, items), ctx: ctx}
			op.after(p.before)
			op.slabs = newSlabs(true)
			var failure error
			more := op.run(func(m *MessageStream, err error) bool {
				if m == nil {
					failure = err
					return false
				}
				more := yield(m, err)
				p.note(m.UID)
				return more
			})
			if !more && failure == nil {
				return false, nil // the loop was left, and the answer may still be coming in
			}
			p.ended(&op.status, failure)
			p.before = op.yields()
			return true, failure
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// MessageStream is a message that is being received. The requested items are set; data that the server sends after the
// bodies is set when Bodies has ended. It is valid for the body of the loop.
type MessageStream struct {
	Message
	op        *fetchStream
	iteration int
}

// Body is a reader of one section, which returns io.EOF after Size bytes. It is valid until the next Body is yielded or the
// loop continues; reading it later is an error.
type Body struct {
	Section Section
	Size    int64
	op      *fetchStream
	memory  *bytes.Reader // for a body that is in memory
}

var errBodyGone = errors.New("imap: the body was read too late: it is valid until the next one or the end of the loop body")

// Bodies returns an iterator over the sections, in the order in which they arrive. An error ends the iteration. After
// the last section it concerns only data of this message that follows the sections; any other error ends the loop over
// messages too.
func (m *MessageStream) Bodies() iter.Seq2[*Body, error] {
	op, turn := m.op, m.iteration
	return func(yield func(*Body, error) bool) {
		for {
			if op == nil || op.iteration != turn {
				yield(nil, errBodyGone)
				return
			}
			b, err := op.nextBody()
			if b == nil && err == nil {
				return
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Read reads bytes of the section.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.op == nil || b.op.body != b:
		return 0, errBodyGone
	case b.memory != nil:
		return b.memory.Read(p)
	}
	return b.op.readBody(p)
}

// WriteTo writes the rest of the section to w.
func (b *Body) WriteTo(w io.Writer) (int64, error) {
	buf := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buf)
	var total int64
	for {
		n, err := b.Read(buf[:])
		if n > 0 {
			m, werr := w.Write(buf[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// fetchStream is a FETCH whose sections stay on the wire. Its loop holds the read token from the first row to the last,
// so that no other goroutine reads the unread bytes of a Body. Rows are parsed, merged and distinguished from
// unsolicited ones as in Fetch; but when all other requested items have arrived, a message is yielded before its body.
type fetchStream struct {
	*fetch
	ctx       context.Context
	m         MessageStream
	iteration int    // number of the iteration of the loop
	body      *Body  // the current body, which can be read
	waiting   []Body // bodies in memory, before the one on the wire
	onWire    *Body  // the body whose bytes come next
	continues bool   // the response of the yielded message continues
	arrived   int    // number of its sections that have arrived
	split     bool   // its response has ended without all of them
	ahead     bool   // onWire and under are about the next message
	rest      error  // error of data after the yielded part
	unread    bool   // the message on the wire was queued with an error: later items are unsolicited
	failed    error
}

func (op *fetchStream) run(yield func(*MessageStream, error) bool) bool {
	c, cmd := op.c, op.command
	cmd.answer, cmd.exclusive = op, true
	if err := c.start(op.ctx, cmd); err != nil {
		yield(nil, err)
		return false
	}
	c.e.beginStream(&stream{c.call, op})
	c.e.unlock()
	if c.call != nil {
		c.call.commandQueued()
	}
	if err := c.e.conn.LockRead(op.ctx, nil); err != nil {
		c.e.endStream(cmd)
		yield(nil, failed(op.name, err))
		return false
	}
	c.e.readStream()
	stop := c.e.conn.Watch(op.ctx)
	defer op.leave(stop)
	return op.loop(yield)
}

// leave ends the loop, also if its body panics. The goroutine that reads next drops the rest of a body.
func (op *fetchStream) leave(stop func() bool) {
	stop()
	op.invalidateBody()
	op.c.e.conn.DropStream()
	op.c.e.endStream(op.command)
	op.c.e.unlockRead()
}

func (op *fetchStream) loop(yield func(*MessageStream, error) bool) bool {
	for {
		more, err := op.next()
		if err == nil && !more {
			err = op.c.e.result(op.command)
			if err == nil {
				return true
			}
		} else if err != nil {
			err = failed(op.name, err)
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		if !yield(&op.m, op.rows[0].err) {
			return false
		}
		if err := op.drop(); err != nil {
			yield(nil, failed(op.name, err))
			return false
		}
	}
}

// invalidateBody invalidates the body that was yielded last.
func (op *fetchStream) invalidateBody() {
	op.iteration++
	op.body = nil
}

// next reads up to the next message: until its first body, or the end of its response.
func (op *fetchStream) next() (bool, error) {
	op.invalidateBody()
	if op.waiting, op.rest, op.split = op.waiting[:0], nil, false; !op.ahead {
		op.onWire = nil
	}
	op.ahead = false
	for {
		if row, ok := op.pop(); ok {
			op.yielding(row)
			return true, nil
		}
		if op.finished(op.c.e) {
			return false, nil
		}
		if err := op.advance(); err != nil {
			return false, err
		}
	}
}

// pop takes a row from the queue.
func (op *fetchStream) pop() (fetched, bool) {
	e := op.c.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.head == len(op.ready) {
		return fetched{}, false
	}
	row := op.ready[op.head]
	op.account(-row.size)
	op.ready[op.head] = fetched{}
	if op.head++; op.head == len(op.ready) {
		op.ready, op.head = op.ready[:0], 0
	}
	op.ahead = op.continues && op.head < len(op.ready)
	return row, true
}

// yielding makes a row the one to yield.
func (op *fetchStream) yielding(row fetched) {
	op.rows = append(op.rows[:0], row)
	op.m.op, op.m.iteration = op, op.iteration
	if op.arrived = 0; op.onWire != nil && !op.ahead {
		op.arrived = 1
	}
	op.show(row.m)
}

// show makes a message the one to yield, and its sections bodies in memory.
func (op *fetchStream) show(m *Message) {
	for _, s := range m.Sections {
		op.waiting = append(op.waiting, Body{Section: s.Section, Size: int64(len(s.Bytes)), memory: bytes.NewReader(s.Bytes)})
	}
	op.arrived += len(m.Sections)
	m.Sections = nil
	op.m.Message = *m
}

// advance reads one response, or the part of one up to a body.
func (op *fetchStream) advance() error {
	if err := op.c.e.step(op.ctx, time.Time{}); err != wire.ErrStreaming {
		return err
	}
	return nil
}

// data takes the rest of a row that was partly yielded, and other rows as Fetch does.
func (op *fetchStream) data(r *response) claim {
	if !r.row.yielded {
		return op.fetch.data(r)
	}
	r.slabs = op.slabs
	row := r.parseRow()
	r.slabs = nil
	op.continues, op.rest = false, row.err
	op.delivered.add(row)
	op.show(row.m)
	if op.split = op.arrived < len(op.wants); op.split {
		op.addRemnant(row.m, row.got, op.arrived)
		op.remnants[len(op.remnants)-1].unread = op.unread || row.err != nil
		op.referenced = true // while the next row is read
	}
	return mine
}

// literal decides what to do with the literal at the end of an incomplete row: it stays on the wire if it is the value of a
// section, and all other requested items have arrived. It is called with engine.mu held.
func (op *fetchStream) literal(r *response, head []byte, size int64) wire.LiteralUse {
	rd := &r.row
	if rd.ended || rd.attempts >= maxRetries {
		return wire.KeepLiteral
	}
	r.text, r.str, r.lits = head, "", op.c.e.conn.TakeLiterals()
	r.slabs = op.slabs
	r.depth = rd.depth
	r.reset(rd.pos)
	section, ok := r.parseItems(false)
	r.slabs = nil
	rd.pos, rd.depth = r.pos, r.depth
	if rd.ended {
		return wire.KeepLiteral
	}
	if !ok {
		rd.attempts++
		return wire.KeepLiteral
	}
	if !rd.yielded && (op.isForeign(rd.m, section) || !op.begin(r, section, size)) {
		return wire.KeepLiteral
	}
	rd.pos, rd.got = len(head), rd.got|itemSection
	op.onWire = &Body{Section: section, Size: size}
	if op.continues {
		op.arrived++
		op.show(rd.m)
	}
	op.continues = true
	return wire.StreamLiteral
}

// begin reports whether the message can be yielded before the literal of that section and size, and then makes it the next one
// to yield. Otherwise the missing items are awaited, with the literal in memory, as long as MaxLiteral allows it; so are the other
// sections if the row may be only news.
func (op *fetchStream) begin(r *response, section Section, size int64) bool {
	rd := &r.row
	came, uid, part, sizes := rd.present(), rd.m.UID, -1, op.sizesOf(rd.m)
	sections := []Section{section}
	op.dropNews(&rd.fetched, section)
	for i := range op.open {
		if o := &op.open[i]; o.isPartOf(&rd.fetched) {
			came, part = came|o.present(), i
			uid, sizes = max(uid, o.m.UID), sizes+op.sizesOf(o.m)
			for i := 0; i < len(o.m.Sections) && !o.news; i++ { // the row may have the sections of news again
				sections = append(sections, o.m.Sections[i].Section)
			}
		}
	}
	if op.lacksSections(rd.m, sections...) && op.c.e.conn.Holds(size) {
		return false
	}
	if uid != 0 && (!op.covers(rd.m.SeqNum, uid) || op.delivered.uids.has(uint32(uid)) || op.wasUnread(rd.m)) {
		return false
	}
	if missing := (op.asked | op.added | itemUID) &^ came; missing != 0 || sizes < op.sizes {
		if op.c.e.conn.Holds(size) || uid == 0 && !op.mayHold(rd.m.SeqNum) {
			return false
		}
		rd.fail(0, fmt.Errorf("a body too long to be held came before other items: %w", &LimitError{"MaxLiteral", op.c.e.conn.Limits.MaxLiteral}))
	}
	if part >= 0 {
		op.referenced = true
		whole := op.takeOpen(part)
		if whole.news { // otherwise it was requested by two names, such as RFC822 and BODY[]
			whole.m.Sections = otherThan([]SectionData{{Section: section}}, whole.m.Sections)
		}
		whole.merge(rd.fetched)
		rd.fetched = whole
	}
	op.giveUpUnread()
	rd.yielded = true
	op.ahead = op.split
	op.unread = rd.err != nil
	op.enqueue(&rd.fetched)
	rd.err = nil
	return true
}

// nextBody advances to the next section. It returns nil at the end of the message.
func (op *fetchStream) nextBody() (*Body, error) {
	op.body = nil
	for {
		switch {
		case len(op.waiting) > 0:
			b := op.waiting[0]
			op.waiting = op.waiting[1:]
			return op.opened(&b), nil
		case op.onWire != nil && !op.ahead:
			b := op.onWire
			op.onWire = nil
			return op.opened(b), nil
		case op.split && op.rest == nil:
			if err := op.awaitRest(); err != nil {
				return nil, failed(op.name, err)
			}
			continue
		case !op.continues || op.ahead:
			err := op.rest
			if op.rest = nil; err != nil {
				err = failed(op.name, err)
			}
			return nil, err
		}
		if err := op.skipBody(); err != nil {
			return nil, failed(op.name, err)
		}
	}
}

// awaitRest continues after a response that lacked some sections of its message: the next row may have them.
func (op *fetchStream) awaitRest() error {
	e := op.c.e
	e.mu.Lock()
	row, over := fetched{}, op.done
	if op.head < len(op.ready) {
		row, over = op.ready[op.head], true
	}
	e.mu.Unlock()
	switch {
	case !over:
		return op.advance()
	case row.m == nil || op.placeOf(row.m) != op.placeOf(&op.m.Message):
		op.split = false
		return nil
	}
	op.pop()
	mergeMessage(&op.m.Message, row.m, ^itemMask(0))
	op.show(&op.m.Message)
	op.rest, op.split = row.err, op.arrived < len(op.wants)
	return nil
}

func (op *fetchStream) opened(b *Body) *Body {
	op.body, b.op = b, op
	return b
}

// skipBody continues after the body on the wire.
func (op *fetchStream) skipBody() error {
	op.c.e.conn.DropStream()
	if op.failed != nil {
		return op.failed
	}
	return op.advance()
}

// drop reads to the end of the message, and discards unread bodies.
func (op *fetchStream) drop() error {
	if op.ahead {
		return op.failed
	}
	op.waiting, op.onWire = op.waiting[:0], nil
	for op.continues {
		if err := op.skipBody(); err != nil {
			return err
		}
		op.waiting, op.onWire = op.waiting[:0], nil
	}
	if i := op.remnantOf(&op.m.Message); i >= 0 && op.split {
		op.remnants[i].dropped = true
	}
	return op.failed
}

// readBody reads from the body on the wire.
func (op *fetchStream) readBody(p []byte) (int, error) {
	e := op.c.e
	if !e.conn.Streaming() {
		return 0, io.EOF
	}
	for {
		n, err := e.conn.ReadBody(p, time.Time{})
		switch {
		case n > 0 || err == nil:
			return n, nil
		case err == wire.ErrInterrupted && op.ctx.Err() == nil:
			continue
		case err == wire.ErrInterrupted:
			op.failed = context.Cause(op.ctx)
		default:
			op.failed = e.readFailed(err)
		}
		return 0, failed(op.name, op.failed)
	}
}
