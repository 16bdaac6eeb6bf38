package imap

import (
	"context"
	"fmt"
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
	FetchSaveDate      FetchAttr = "SAVEDATE"   // SAVEDATE (RFC 8514)
	FetchGmailMsgID    FetchAttr = "X-GM-MSGID" // X-GM-EXT-1
	FetchGmailThreadID FetchAttr = "X-GM-THRID" // X-GM-EXT-1
	FetchGmailLabels   FetchAttr = "X-GM-LABELS"
)

// fetchNeeds are the capabilities of attributes, one of which has to be there.
var fetchNeeds = map[FetchAttr][]string{
	FetchModSeq:        {"CONDSTORE", "QRESYNC"},
	FetchPreview:       {"PREVIEW"},
	FetchEmailID:       {"OBJECTID"},
	FetchThreadID:      {"OBJECTID"},
	FetchSaveDate:      {"SAVEDATE"},
	FetchGmailMsgID:    {"X-GM-EXT-1"},
	FetchGmailThreadID: {"X-GM-EXT-1"},
	FetchGmailLabels:   {"X-GM-EXT-1"},
}

// fetchMacros are the attributes that the macros of the RFC stand for; some servers do not know the macros.
var fetchMacros = map[FetchAttr][]FetchAttr{
	"ALL":  {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope},
	"FAST": {FetchFlags, FetchInternalDate, FetchSize},
	"FULL": {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope, "BODY"},
}

// fetchModifier is a restriction behind the items of FETCH.
type fetchModifier struct {
	needs []string
	text  string
}

func (fetchModifier) fetchItem() {}

// ChangedSince restricts a FETCH to messages changed after modSeq (RFC 7162; capability CONDSTORE). The mod-sequence of
// each comes with it.
func ChangedSince(modSeq uint64) FetchItem {
	return fetchModifier{[]string{"CONDSTORE", "QRESYNC"}, "CHANGEDSINCE " + strconv.FormatUint(modSeq, 10)}
}

// Section names a part of a message. The zero Section is the whole message. Fetching never sets \Seen unless MarkSeen.
// (RFC 9051 section 6.4.5.1)
type Section struct {
	Part      []int    // body part path, nil for the message itself
	Specifier string   // "", "HEADER", "TEXT", "MIME"
	Fields    []string // with HEADER: only these fields
	NotFields []string // with HEADER: all but these
	Offset    int64    // of the first octet
	Count     int64    // 0: to the end
	MarkSeen  bool
	Binary    bool // content-transfer-encoding decoded by the server (capability BINARY, RFC 3516)
}

func (Section) fetchItem() {}

// encode writes the section as an item of FETCH.
func (s Section) encode(e *encoder) {
	if err := s.check(); err != nil {
		e.fail(err)
		return
	}
	switch {
	case s.Binary:
		e.need("BINARY").raw("BINARY")
	default:
		e.raw("BODY")
	}
	if !s.MarkSeen {
		e.raw(".PEEK")
	}
	e.raw("[")
	s.encodeName(e)
	e.raw("]")
	if s.Offset > 0 || s.Count > 0 {
		count := s.Count
		if count == 0 {
			count = restOfSection
		}
		e.raw("<").number(uint64(s.Offset)).raw(".").number(uint64(count)).raw(">")
	}
}

// restOfSection is the count that stands for all that is left: the largest that IMAP4rev1 has.
const restOfSection = 1<<32 - 1

func (s Section) encodeName(e *encoder) {
	for i, n := range s.Part {
		if i > 0 {
			e.raw(".")
		}
		e.number(uint64(n))
	}
	if s.Specifier == "" {
		return
	}
	if len(s.Part) > 0 {
		e.raw(".")
	}
	e.raw(strings.ToUpper(s.Specifier))
	fields := s.Fields
	switch {
	case len(s.Fields) > 0:
		e.raw(".FIELDS (")
	case len(s.NotFields) > 0:
		fields = s.NotFields
		e.raw(".FIELDS.NOT (")
	default:
		return
	}
	for i, f := range fields {
		if i > 0 {
			e.sp()
		}
		e.astring(f)
	}
	e.raw(")")
}

// check refuses what is no section.
func (s Section) check() error {
	switch strings.ToUpper(s.Specifier) {
	case "", "HEADER", "TEXT":
	case "MIME":
		if len(s.Part) == 0 {
			return argError("Section: MIME needs a Part")
		}
	default:
		return argError("Section: Specifier is not HEADER, TEXT or MIME")
	}
	if (len(s.Fields) > 0 || len(s.NotFields) > 0) && !strings.EqualFold(s.Specifier, "HEADER") {
		return argError("Section: Fields without HEADER")
	}
	if len(s.Fields) > 0 && len(s.NotFields) > 0 {
		return argError("Section: both Fields and NotFields")
	}
	if s.Binary && s.Specifier != "" {
		return argError("Section: Binary with a Specifier")
	}
	if s.Offset < 0 || s.Count < 0 {
		return argError("Section: a negative Offset or Count")
	}
	if slices.ContainsFunc(s.Part, func(n int) bool { return n < 1 }) {
		return argError("Section: part numbers count from 1")
	}
	if slices.ContainsFunc(s.Fields, badFieldName) || slices.ContainsFunc(s.NotFields, badFieldName) {
		return argError("Section: not the name of a header field")
	}
	return nil
}

// badFieldName reports whether a header field cannot have this name (RFC 5322 section 2.2).
func badFieldName(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

// matches reports whether the section of a response is the one that was asked for. Servers echo it in another case,
// order or quoting, and leave out the count.
func (s Section) matches(asked Section) bool {
	return s.Offset == asked.Offset && slices.Equal(s.Part, asked.Part) && s.Binary == asked.Binary &&
		strings.EqualFold(s.Specifier, asked.Specifier) && sameFields(s.Fields, asked.Fields) && sameFields(s.NotFields, asked.NotFields)
}

func sameFields(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if !slices.ContainsFunc(b, func(g string) bool { return strings.EqualFold(f, g) }) {
			return false
		}
	}
	return true
}

// Section returns the bytes of the asked section, nil if they did not come. Where a server sent it twice, the last one
// counts.
func (m *Message) Section(s Section) []byte {
	for i := len(m.Sections) - 1; i >= 0; i-- {
		if m.Sections[i].Section.matches(s) {
			return m.Sections[i].Bytes
		}
	}
	return nil
}

// ---- the command

// Fetch asks when it is ranged over and yields owned messages as they arrive (FETCH or UID FETCH, RFC 9051 section
// 6.4.5; selected). An error with a nil message ends the loop; an error with a message concerns that message alone (a
// value that could not be parsed) and the loop goes on. SeqNum and UID are always set. An empty set sends nothing and
// yields nothing; numbers that do not exist yield nothing.
//
// Other commands may be issued inside the loop: the rest of the answer is then read into memory, up to
// Options.MaxBuffered, beyond which they fail with ErrBusy. Break leaves the client usable. Each range over the
// iterator sends the command again.
func (c *Client) Fetch(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if set != nil && emptySet(set) {
			return
		}
		if err := validSet(set); err != nil {
			yield(nil, unsent("FETCH", err))
			return
		}
		for _, part := range splitSet(set, maxSetOctets) {
			op := c.newFetch(part, items)
			if !op.run(ctx, yield) {
				return
			}
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
	}
	return false
}

// fetch is a FETCH under way.
type fetch struct {
	command
	c     *Client
	set   NumSet
	uid   bool
	asked itemMask
	wants []Section
	ready []fetched // complete, not yet yielded; guarded by engine.mu, as are head and open
	head  int
	open  []fetched // not complete: more may come for them
	rows  []fetched // being yielded
}

// fetched is one row of the answer.
type fetched struct {
	m    *Message
	got  itemMask
	err  error
	size int64
}

// openRows is how many messages may wait for the rest of their data. A server that leaves out an item for good delays
// what it sends by as many.
const openRows = 16

// batchRows is how many rows that are in the buffer already are parsed at once.
const batchRows = 64

// newFetch makes the command.
func (c *Client) newFetch(set NumSet, items []FetchItem) *fetch {
	op := &fetch{c: c, set: set, uid: isUID(set)}
	op.command = command{name: "FETCH", states: inSelected, byNumber: !op.uid, noExpunge: !op.uid, batch: true}
	if op.uid {
		op.command.name = "UID FETCH"
	}
	op.command.encode = func(e *encoder) { op.encodeItems(e, items) }
	op.command.take = op.take
	op.command.finish = op.finish
	return op
}

// encodeItems writes the set, the items and the modifiers, and notes what was asked for.
func (op *fetch) encodeItems(e *encoder, items []FetchItem) {
	e.sp().set(op.set).raw(" (UID")
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
		case fetchModifier:
			e.need(item.needs...)
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
	if needs := fetchNeeds[attr]; needs != nil {
		e.need(needs...)
	}
	op.asked |= op.c.table.fetch[string(attr)].bit
	e.sp().atom("a FETCH item", string(attr))
}

// run sends the command and yields its rows. It reports whether the loop goes on.
func (op *fetch) run(ctx context.Context, yield func(*Message, error) bool) bool {
	c := op.c
	if err := c.start(ctx, &op.command); err != nil {
		yield(nil, err)
		return false
	}
	c.unlock()
	if c.lane != nil {
		c.lane.queued()
	}
	defer c.leaveLoop(&op.command)
	for {
		err := c.await(ctx, &op.command, func(cmd *command) bool { return cmd.done || op.head < len(op.ready) })
		if err != nil {
			c.abandon(&op.command)
			yield(nil, failed(op.name, err))
			return false
		}
		if !op.nextBatch() {
			if err := op.result(); err != nil {
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
	cmd.abandoned = true
	e.queued -= cmd.queued
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
	op.c.engine.queued += octets
}

// take claims the rows that answer the command. A row that holds nothing that was asked for, or no UID, is news of
// somebody else's change.
func (op *fetch) take(r *response, keep bool) claim {
	if r.kind != kindUntagged || r.name != "FETCH" && r.name != "UIDFETCH" {
		return notMine
	}
	if !keep {
		op.open, op.ready, op.head = nil, nil, 0
		op.account(-op.command.queued)
		if uid := r.uidOfRow(); op.covers(SeqNum(r.num), uid) {
			return mine
		}
		return notMine
	}
	row := op.c.parseRow(r)
	if row.m == nil {
		return mine // a row about no message
	}
	row.size = int64(len(r.text)) + rowOverhead
	for _, l := range r.lits {
		row.size += int64(len(l.data))
	}
	if !op.covers(row.m.SeqNum, row.m.UID) || row.err == nil && row.got&^itemUID&op.answer() == 0 && op.answer() != 0 {
		return op.stranger(row)
	}
	op.settle(row)
	return mine
}

// rowOverhead is about what a row costs beside its text.
const rowOverhead = 512

// answer is what a row of the answer holds some of.
func (op *fetch) answer() itemMask {
	if len(op.wants) > 0 {
		return op.asked | itemSection
	}
	return op.asked
}

// covers reports whether the set holds the message. The open end of a set is taken for any number, because n:* names
// the last message also when that is before n.
func (op *fetch) covers(num SeqNum, uid UID) bool {
	switch set := op.set.(type) {
	case UIDSet:
		return uid != 0 && (set.Contains(uid) || isOpen(set))
	case SeqSet:
		return uid != 0 && (set.Contains(num) || isOpen(set))
	}
	return uid != 0
}

// isOpen reports whether a set names the last message by "*".
func isOpen[N UID | SeqNum](s Set[N]) bool {
	return slices.ContainsFunc(s, func(r Range[N]) bool { return r.Stop == 0 })
}

// stranger handles a row that answers nothing by itself. If it belongs to a message of which a part came already, it is
// the rest of it: there are servers that send the UID in one response only.
func (op *fetch) stranger(row fetched) claim {
	for i := range op.open {
		if o := &op.open[i]; o.m.SeqNum == row.m.SeqNum && (row.m.UID == 0 || o.m.UID == row.m.UID) && row.got&op.answer()&^o.got != 0 {
			o.merge(row)
			op.release(i)
			return mine
		}
	}
	if row.m.UID == 0 && row.got&op.answer() != 0 && op.askedFor(row.m.SeqNum) {
		op.keepOpen(row)
		return mine
	}
	return notMine
}

// askedFor reports whether a sequence number can be one of the set.
func (op *fetch) askedFor(num SeqNum) bool {
	if set, ok := op.set.(SeqSet); ok {
		return set.Contains(num) || isOpen(set)
	}
	return true
}

// settle puts a row to its place: with the rest of its message, among those that wait for theirs, or into the queue.
func (op *fetch) settle(row fetched) {
	for i := range op.open {
		if op.open[i].m.SeqNum == row.m.SeqNum {
			op.open[i].merge(row)
			op.release(i)
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
	return row.err != nil || row.m.UID != 0 && row.got&op.asked == op.asked && len(row.m.Sections) >= len(op.wants)
}

// keepOpen lets a row wait for the rest of its message. The oldest makes room.
func (op *fetch) keepOpen(row fetched) {
	if len(op.open) >= openRows {
		op.let(op.open[0])
		op.open = slices.Delete(op.open, 0, 1)
	}
	op.open = append(op.open, row)
}

// finish gives up waiting for more of what is open.
func (op *fetch) finish(*status) {
	for _, row := range op.open {
		op.let(row)
	}
	op.open = nil
}

// release queues a row that is complete now.
func (op *fetch) release(i int) {
	if op.complete(&op.open[i]) {
		op.push(op.open[i])
		op.open = slices.Delete(op.open, i, i+1)
	}
}

// let gives up waiting for more. A row that never got a UID was news.
func (op *fetch) let(row fetched) {
	if row.m.UID == 0 {
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

// ---- rows

// itemMask tells which items a row holds.
type itemMask uint32

const (
	itemUID itemMask = 1 << iota
	itemFlags
	itemEnvelope
	itemDate
	itemSize
	itemStructure
	itemModSeq
	itemPreview
	itemEmailID
	itemThreadID
	itemSaveDate
	itemGmail
	itemSection
)

// fetchEntry reads the value of one item into a message.
type fetchEntry struct {
	bit   itemMask
	parse func(p *parser, m *Message) error
}

// parseMessage reads a row for who takes it as it is.
func (e *engine) parseMessage(r *response) (*Message, error) {
	row := e.parseRow(r)
	return row.m, row.err
}

// parseRow reads a FETCH response. A value that cannot be read costs itself: the error is kept beside the rest.
func (e *engine) parseRow(r *response) fetched {
	if !r.hasNum || r.num == 0 {
		return fetched{} // Courier and Zoho tell of messages that do not exist
	}
	row := fetched{m: &Message{SeqNum: SeqNum(r.num)}}
	if r.name == "UIDFETCH" {
		row.m.SeqNum, row.m.UID, row.got = 0, UID(r.num), itemUID
	}
	r.skipSpaces()
	if err := r.enter(); err != nil {
		row.err = err
		return row
	}
	for more := true; more; {
		var err error
		if more, err = e.parseItems(r, &row); err != nil && row.err == nil {
			row.err = err
		}
	}
	return row
}

// parseItems reads items until one cannot be read, and steps over that one.
func (e *engine) parseItems(r *response, row *fetched) (more bool, err error) {
	for {
		r.skipSpaces()
		switch r.peek() {
		case ')':
			if err := r.leave(); err != nil || r.depth == 0 {
				return false, err
			}
			continue
		case '(':
			// Domino puts parentheses around single items.
			if err := r.enter(); err != nil {
				return false, err
			}
			continue
		}
		start := r.pos
		name := r.itemName()
		if len(name) == 0 {
			return false, r.errorf("expected a FETCH item")
		}
		depth := r.depth
		if err := e.parseItem(r, name, row); err != nil {
			r.depth = depth
			r.reset(start + len(name))
			return r.skipItem() == nil, err
		}
	}
}

// itemName reads the name of an item, up to the bracket of a section.
func (p *parser) itemName() []byte {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != '[' && atomChars[p.text[p.pos]] {
		p.pos++
	}
	return p.text[start:p.pos]
}

// skipItem steps over the section and the value of an item.
func (p *parser) skipItem() error {
	if p.peek() == '[' {
		if _, err := p.section(false); err != nil {
			return err
		}
	}
	p.skipSpaces()
	if p.peek() == ')' {
		return nil
	}
	return p.skipValue()
}

func (e *engine) parseItem(r *response, name []byte, row *fetched) error {
	if r.peek() == '[' || len(name) >= 6 && equalFold(name[:6], "RFC822") {
		if done, err := r.sectionItem(name, row); done || err != nil {
			return err
		}
	}
	entry, ok := e.table.fetch[string(name)]
	if !ok {
		entry, ok = e.table.fetch[strings.ToUpper(string(name))]
	}
	if !ok {
		return r.skipItem()
	}
	r.skipSpaces()
	if entry.parse != nil {
		if err := entry.parse(&r.parser, row.m); err != nil {
			return err
		}
	}
	row.got |= entry.bit
	return nil
}

// rfc822Sections are the sections that the items of IMAP2 stand for.
var rfc822Sections = map[string]Section{
	"RFC822":        {},
	"RFC822.HEADER": {Specifier: "HEADER"},
	"RFC822.TEXT":   {Specifier: "TEXT"},
}

// sectionItem reads BODY[…], BINARY[…] and RFC822 with their values. done is false for RFC822.SIZE and the like.
func (r *response) sectionItem(name []byte, row *fetched) (done bool, err error) {
	var s Section
	if r.peek() == '[' {
		if s, err = r.section(equalFold(name, "BINARY")); err != nil {
			return true, err
		}
		if equalFold(name, "BINARY.SIZE") {
			return true, r.skipItem()
		}
	} else {
		var ok bool
		if s, ok = rfc822Sections[upperName(name, r.names)]; !ok {
			return false, nil
		}
	}
	r.skipSpaces()
	var data []byte
	if r.peek() != ')' { // Yandex leaves the value out
		if data, _, err = r.nbytes(); err != nil {
			return true, err
		}
	}
	if row.m.Sections == nil {
		row.m.Sections = make([]SectionData, 0, 1)
	}
	row.m.Sections = append(row.m.Sections, SectionData{s, data})
	row.got |= itemSection
	return true, nil
}

// section reads a section in brackets and the origin behind it.
func (p *parser) section(binary bool) (Section, error) {
	s := Section{Binary: binary}
	p.pos++ // [
	for isDigit(p.peek()) {
		n, err := p.number32()
		if err != nil {
			return s, err
		}
		if len(s.Part) > p.max {
			return s, &LimitError{"MaxDepth", int64(p.max)}
		}
		s.Part = append(s.Part, int(n))
		if !p.accept('.') {
			break
		}
	}
	if err := p.sectionSpecifier(&s); err != nil {
		return s, err
	}
	p.skipSpaces()
	if !p.accept(']') {
		return s, p.errorf("expected ]")
	}
	return s, p.origin(&s)
}

// origin reads <n> behind a section. Some servers echo the count as well.
func (p *parser) origin(s *Section) error {
	if !p.accept('<') {
		return nil
	}
	n, err := p.number()
	if err != nil || n > 1<<62 {
		return p.errorf("expected an origin")
	}
	s.Offset = int64(n)
	if p.accept('.') {
		if _, err := p.number(); err != nil {
			return err
		}
	}
	if !p.accept('>') {
		return p.errorf("expected >")
	}
	return nil
}

// sectionSpecifier reads HEADER, TEXT, MIME and the list of fields.
func (p *parser) sectionSpecifier(s *Section) error {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != ']' && p.text[p.pos] != ' ' {
		p.pos++
	}
	word := p.text[start:p.pos]
	switch {
	case len(word) == 0:
		return nil
	case equalFold(word, "HEADER"):
		s.Specifier = "HEADER"
	case equalFold(word, "TEXT"):
		s.Specifier = "TEXT"
	case equalFold(word, "MIME"):
		s.Specifier = "MIME"
	case equalFold(word, "HEADER.FIELDS"):
		s.Specifier = "HEADER"
		return p.fieldNames(&s.Fields)
	case equalFold(word, "HEADER.FIELDS.NOT"):
		s.Specifier = "HEADER"
		return p.fieldNames(&s.NotFields)
	default:
		p.pos = start
		return p.errorf("expected a section")
	}
	return nil
}

func (p *parser) fieldNames(list *[]string) error {
	p.skipSpaces()
	if err := p.enter(); err != nil {
		return err
	}
	for p.peek() != ')' {
		name, err := p.astring()
		if err != nil {
			return err
		}
		*list = append(*list, name)
		p.skipSpaces()
	}
	return p.leave()
}

// uidOfRow finds the UID of a row without keeping anything; 0 if there is none.
func (r *response) uidOfRow() UID {
	if r.name == "UIDFETCH" {
		return UID(r.num)
	}
	r.skipSpaces()
	if r.enter() != nil {
		return 0
	}
	for {
		r.skipSpaces()
		name := r.itemName()
		if len(name) == 0 {
			return 0
		}
		if equalFold(name, "UID") {
			r.skipSpaces()
			n, _ := r.number32()
			return UID(n)
		}
		if r.skipItem() != nil {
			return 0
		}
	}
}

// fetchEvent is the table entry of FETCH: news of a message that no command asked for.
func fetchEvent(e *engine, r *response) (Event, error) {
	row := e.parseRow(r)
	if row.m == nil {
		return nil, nil
	}
	if row.err != nil {
		return nil, row.err
	}
	return &FetchEvent{row.m}, nil
}

// The values of the items of IMAP4rev1 and of those extensions that add no more than an item.

func parseUID(p *parser, m *Message) error {
	n, err := p.number32()
	m.UID = UID(n)
	return err
}

func parseFlags(p *parser, m *Message) (err error) {
	m.Flags, err = p.flagList()
	return err
}

func parseEnvelope(p *parser, m *Message) (err error) {
	m.Envelope, err = p.envelope()
	return err
}

func parseBodyStructure(p *parser, m *Message) (err error) {
	m.BodyStructure, err = p.bodyStructure()
	return err
}

func parseDate(p *parser, m *Message) error {
	b, _, kind, err := p.raw()
	if err != nil || kind == kindNil {
		return err
	}
	t, ok := parseInternalDate(b)
	if !ok {
		return fmt.Errorf("INTERNALDATE: %w", p.errorf("expected a date"))
	}
	m.InternalDate = t
	return nil
}

func parseSize(p *parser, m *Message) error {
	n, err := p.number()
	if err == nil && n > 1<<63-1 {
		return p.errorf("size above 2^63-1")
	}
	m.Size = int64(n)
	return err
}

// parseModSeq reads a mod-sequence in parentheses. Zoho and Gmail send numbers that are none: not known.
func parseModSeq(p *parser, m *Message) error {
	if err := p.enter(); err != nil {
		return err
	}
	m.ModSeq, _ = strconv.ParseUint(string(p.word()), 10, 64)
	return p.leave()
}

func parsePreview(p *parser, m *Message) (err error) {
	m.Preview, _, err = p.nstring()
	return err
}

func parseEmailID(p *parser, m *Message) (err error) {
	m.EmailID, err = p.objectID()
	return err
}

func parseThreadID(p *parser, m *Message) error {
	if p.isNil() {
		return nil
	}
	var err error
	m.ThreadID, err = p.objectID()
	return err
}

func parseSaveDate(p *parser, m *Message) error {
	b, _, kind, err := p.raw()
	if err != nil || kind == kindNil {
		return err
	}
	t, ok := parseInternalDate(b)
	if !ok {
		return fmt.Errorf("SAVEDATE: %w", p.errorf("expected a date"))
	}
	m.SaveDate = t
	return nil
}

// mergeMessage adds to m what more holds and m does not. have tells what m holds.
func mergeMessage(m, more *Message, have itemMask) {
	if m.UID == 0 {
		m.UID = more.UID
	}
	if more.Flags != nil {
		m.Flags = more.Flags
	}
	if m.Envelope == nil {
		m.Envelope = more.Envelope
	}
	if m.InternalDate.IsZero() {
		m.InternalDate = more.InternalDate
	}
	if have&itemSize == 0 {
		m.Size = more.Size
	}
	if m.BodyStructure == nil {
		m.BodyStructure = more.BodyStructure
	}
	m.ModSeq = max(m.ModSeq, more.ModSeq)
	mergeExtras(m, more)
	m.Sections = append(m.Sections, more.Sections...)
}

func mergeExtras(m, more *Message) {
	if m.EmailID == "" {
		m.EmailID = more.EmailID
	}
	if m.ThreadID == "" {
		m.ThreadID = more.ThreadID
	}
	if m.Preview == "" {
		m.Preview = more.Preview
	}
	if m.SaveDate.IsZero() {
		m.SaveDate = more.SaveDate
	}
	if m.Gmail == nil {
		m.Gmail = more.Gmail
	}
}
