package imap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// FetchStream is Fetch for bodies of any size, in constant memory: it yields borrowed messages, valid for the body of the
// loop, whose sections are read from the connection by Bodies. Unread octets are discarded, nothing has to be closed, and
// Options.MaxLiteral does not bound a body. Other commands fail with ErrBusy until the loop has ended; other calls of a
// Pipeline wait for one inside it. Message.Sections stays empty. (FETCH or UID FETCH, RFC 9051 section 6.4.5; selected)
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
			p.ended(&op.status, failure)
			return more || failure != nil, failure
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// MessageStream is a message under way. The attributes that came before a body are set while it is read, all when
// Bodies ends. It is valid for the body of the loop.
type MessageStream struct {
	Message
	op   *fetchStream
	turn int
}

// Body reads one section; it ends with io.EOF after Size octets. It is valid until the next is taken or the loop goes
// on; reading it later is an error.
type Body struct {
	Section Section
	Size    int64
	op      *fetchStream
	memory  *bytes.Reader // of a body that did not come as a literal
}

var errBodyGone = errors.New("imap: the body was read too late: it is valid until the next one or the end of the loop body")

// Bodies yields the sections in the order in which they come. An error ends it and the loop over messages.
func (m *MessageStream) Bodies() iter.Seq2[*Body, error] {
	op, turn := m.op, m.turn
	return func(yield func(*Body, error) bool) {
		for {
			if op == nil || op.turn != turn {
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

// Read reads octets of the section.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.op == nil || b.op.body != b:
		return 0, errBodyGone
	case b.memory != nil:
		return b.memory.Read(p)
	}
	return b.op.readBody(p)
}

// WriteTo writes what is left of the section to w.
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
// so that what a Body has not read cannot be taken for something else.
type fetchStream struct {
	*fetch
	ctx     context.Context
	m       MessageStream
	turn    int    // of the loop
	body    *Body  // the one that can be read
	waiting []Body // came in the text, in front of the one on the wire
	onWire  *Body  // its octets come next
	partial bool   // the response of the message goes on
	loaded  bool   // its head was read
	row     fetched
	failed  error
}

func (op *fetchStream) run(yield func(*MessageStream, error) bool) bool {
	c, cmd := op.c, op.command
	cmd.answer, cmd.exclusive = nil, true
	if err := c.start(op.ctx, cmd); err != nil {
		yield(nil, err)
		return false
	}
	c.mu.Lock()
	c.streaming = &stream{c.lane}
	c.mu.Unlock()
	c.unlock()
	if c.lane != nil {
		c.lane.queued()
	}
	if err := c.conn.lockRead(op.ctx, nil); err != nil {
		cmd.answer = op.fetch
		c.endStream(cmd)
		yield(nil, failed(op.name, err))
		return false
	}
	stop := c.conn.watch(op.ctx)
	defer op.leave(stop)
	return op.loop(yield)
}

// endStream lets other commands run again.
func (e *engine) endStream(cmd *command) {
	e.leaveLoop(cmd)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streaming = nil
}

// leave ends the loop, also when its body panics: the rest of a body is dropped by whoever reads next.
func (op *fetchStream) leave(stop func() bool) {
	stop()
	op.goOn()
	f := &op.c.conn.frame
	f.discard += f.stream
	f.stream = 0
	op.command.answer = op.fetch
	op.c.endStream(op.command)
	op.c.unlockRead()
}

func (op *fetchStream) loop(yield func(*MessageStream, error) bool) bool {
	for {
		more, err := op.next()
		if err == nil && !more {
			err = op.c.result(op.command)
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
		if !yield(&op.m, op.rowError()) {
			return false
		}
		if err := op.drop(); err != nil {
			yield(nil, failed(op.name, err))
			return false
		}
	}
}

func (op *fetchStream) rowError() error {
	if op.row.err == nil {
		return nil
	}
	return failed(op.name, op.row.err)
}

// goOn makes what was yielded last unreadable.
func (op *fetchStream) goOn() {
	op.turn++
	op.body = nil
}

// next reads up to the next message: to its first body, or to the end of its response.
func (op *fetchStream) next() (bool, error) {
	op.goOn()
	op.waiting, op.onWire, op.loaded = op.waiting[:0], nil, false
	for {
		if op.finished(op.c.engine) {
			return false, nil
		}
		mine, err := op.advance()
		if err != nil || mine {
			return mine, err
		}
	}
}

// advance reads one response, or the part of one up to a body. It reports whether that is a row of the answer.
func (op *fetchStream) advance() (bool, error) {
	e := op.c.engine
	for {
		e.conn.expectAnswer()
		text, err := e.conn.readFrame(time.Time{}, false, op.useLiteral)
		switch {
		case err == errInterrupted && op.ctx.Err() != nil:
			return false, context.Cause(op.ctx)
		case err == errInterrupted:
			continue
		case err == errStreaming:
			op.partial = true
			return true, nil
		case err != nil:
			return false, e.readFailed(err)
		}
		return op.complete(text), nil
	}
}

// complete handles a response that came to its end.
func (op *fetchStream) complete(text []byte) bool {
	e, r := op.c.engine, &op.c.resp
	continued := op.partial
	op.partial = false
	if !op.loaded && !op.load(text) {
		e.handle(text)
		return false
	}
	r.text, r.str, r.lits = text, "", e.conn.takeLiterals()
	op.parse(r)
	if continued || op.answers() {
		r.lexical(e.isUTF8())
		e.logTolerated()
		return true
	}
	e.odd = e.odd[:0] // handle looks again
	op.waiting, op.loaded = op.waiting[:0], false
	e.handle(text)
	return false
}

// load reads the head of a response; false if it is no row.
func (op *fetchStream) load(text []byte) bool {
	e, r := op.c.engine, &op.c.resp
	r.names, r.max = &e.names, e.conn.limits.maxDepth
	e.collectTolerated(r)
	r.load(text, nil)
	return r.kind == kindUntagged && (r.name == "FETCH" || r.name == "UIDFETCH") && op.begin(r)
}

// answers reports whether the row is for us, as far as it came.
func (op *fetchStream) answers() bool {
	return op.covers(op.row.m.SeqNum, op.row.m.UID) && (op.row.got&op.answer() != 0 || op.answer() == 0)
}

// begin reads the head of a row.
func (op *fetchStream) begin(r *response) bool {
	if !r.hasNum || r.num == 0 {
		return false
	}
	op.slabs.rewind()
	r.slabs = op.slabs
	op.m = MessageStream{Message{SeqNum: SeqNum(r.num)}, op, op.turn}
	op.row = fetched{m: &op.m.Message}
	if r.name == "UIDFETCH" {
		op.m.SeqNum, op.m.UID, op.row.got = 0, UID(r.num), itemUID
	}
	r.skipSpaces()
	op.loaded = r.enter() == nil
	return op.loaded
}

// useLiteral says that a literal stays on the wire if it is the value of a section of our row. head is the response up to
// and with the header of the literal.
func (op *fetchStream) useLiteral(head []byte, size int64) literalUse {
	r := &op.c.resp
	if !op.loaded && !op.load(head) {
		return literalKeep
	}
	r.text, r.str, r.lits = head, "", op.c.conn.takeLiterals()
	if !op.parse(r) {
		return literalKeep
	}
	if op.row.got&itemUID != 0 && !op.answers() && !op.partial {
		// A body that nobody asked for; the whole row is news.
		op.onWire, op.loaded = nil, false
		return literalKeep
	}
	op.onWire.Size = size
	return literalStream
}

// parse reads items of the row as far as the text goes. It reports whether it stands behind the header of the literal
// with which the text ends, as the value of a section; else it stands before the first item that is not whole.
func (op *fetchStream) parse(r *response) bool {
	for {
		r.skipSpaces()
		if r.pos >= len(r.text) || r.peek() == ')' {
			return false
		}
		start, depth := r.pos, r.depth
		streaming, err := op.parseItem(r)
		if streaming {
			return true
		}
		if err != nil {
			r.depth = depth
			r.reset(start)
			if !op.stepOver(r, err) {
				r.depth = depth
				r.reset(start)
				return false
			}
		}
	}
}

// stepOver skips an item that could not be read, if it is whole, and keeps the error for the message.
func (op *fetchStream) stepOver(r *response, cause error) bool {
	if len(r.itemName()) == 0 || r.skipItem() != nil {
		return false
	}
	if op.row.err == nil {
		op.row.err = cause
	}
	return true
}

func (op *fetchStream) parseItem(r *response) (streaming bool, err error) {
	name := r.itemName()
	if len(name) == 0 {
		return false, r.errorf("expected a FETCH item")
	}
	before := len(op.m.Sections)
	if s, ok := r.sectionBefore(name); ok {
		if _, n := literalHeader(r.text[r.pos:]); n > 0 && r.pos+n == len(r.text) {
			r.pos += n
			op.row.got |= itemSection
			op.onWire = &Body{Section: s}
			return true, nil
		}
	}
	r.reset(r.pos)
	if err := op.c.parseItem(r, name, &op.row); err != nil {
		return false, err
	}
	for _, s := range op.m.Sections[before:] {
		op.waiting = append(op.waiting, Body{Section: s.Section, Size: int64(len(s.Bytes)), memory: bytes.NewReader(s.Bytes)})
	}
	op.m.Sections = op.m.Sections[:before]
	return false, nil
}

// sectionBefore reads the section of an item up to its value. Without one, nothing is read.
func (r *response) sectionBefore(name []byte) (Section, bool) {
	start, depth := r.pos, r.depth
	s, ok := rfc822Sections.find(name)
	if r.peek() == '[' {
		var binary bool
		if binary, ok = hasSection(name); ok {
			var err error
			s, err = r.section(binary)
			ok = err == nil
		}
	}
	r.skipSpaces()
	if !ok || r.peek() != '{' && r.peek() != '~' {
		r.pos, r.depth = start, depth
		return s, false
	}
	return s, true
}

// nextBody steps to the next section; nil at the end of the message.
func (op *fetchStream) nextBody() (*Body, error) {
	op.body = nil
	if len(op.waiting) > 0 {
		b := op.waiting[0]
		op.waiting = op.waiting[1:]
		op.body = &b
		b.op = op
		return op.body, nil
	}
	if op.onWire == nil && op.partial {
		if err := op.dropBody(); err != nil {
			return nil, failed(op.name, err)
		}
		if _, err := op.advance(); err != nil {
			return nil, failed(op.name, err)
		}
		if len(op.waiting) > 0 || op.onWire != nil {
			return op.nextBody()
		}
	}
	if op.onWire == nil {
		return nil, nil
	}
	op.body, op.onWire = op.onWire, nil
	op.body.op = op
	return op.body, nil
}

// dropBody drops what was not read of the body on the wire.
func (op *fetchStream) dropBody() error {
	f := &op.c.conn.frame
	f.discard += f.stream
	f.stream = 0
	return op.failed
}

// drop reads to the end of the message, whatever of it was not taken.
func (op *fetchStream) drop() error {
	for op.partial {
		if err := op.dropBody(); err != nil {
			return err
		}
		if _, err := op.advance(); err != nil {
			return err
		}
		op.waiting, op.onWire = op.waiting[:0], nil
	}
	return op.failed
}

// readBody reads from the body on the wire.
func (op *fetchStream) readBody(p []byte) (int, error) {
	e := op.c.engine
	if e.conn.frame.stream == 0 {
		return 0, io.EOF
	}
	for {
		n, err := e.conn.readBody(p, time.Time{})
		switch {
		case n > 0 || err == nil:
			return n, nil
		case err == errInterrupted && op.ctx.Err() == nil:
			continue
		case err == errInterrupted:
			op.failed = context.Cause(op.ctx)
		default:
			op.failed = e.readFailed(err)
		}
		return 0, failed(op.name, op.failed)
	}
}
