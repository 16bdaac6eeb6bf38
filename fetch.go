package imap

import (
	"cmp"
	"context"
	"html"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// FetchItem is an item to fetch: one of the Fetch constants, a Section, or a modifier such as FetchChangedSince.
type FetchItem interface{ fetchItem() }

// FetchAttr is a message attribute, by its name on the wire. A name without a constant can be fetched too; its value has no
// field in Message.
type FetchAttr string

func (FetchAttr) fetchItem() {}

// The attributes of messages, with the capabilities that they need.
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

// fetchMacros expands the macros of the RFC, which some servers do not know.
var fetchMacros = map[FetchAttr][]FetchAttr{
	"ALL":  {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope},
	"FAST": {FetchFlags, FetchInternalDate, FetchSize},
	"FULL": {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope, "BODY"},
}

// fetchModifier is a restriction after the items of FETCH.
type fetchModifier struct {
	needs string
	text  string
	whole bool     // it applies to one UID FETCH: the set must not be split
	adds  itemMask // items that each row has in addition to the requested ones
	bad   error
}

func (fetchModifier) fetchItem() {}

// fetchArg is an item with arguments. encode writes all of it.
type fetchArg struct {
	name   string // in registry.go
	encode func(*encoder)
}

func (fetchArg) fetchItem() {}

// FetchChangedSince restricts a FETCH to messages changed after modSeq (RFC 7162; capability CONDSTORE). Message.ModSeq is
// set in the results.
func FetchChangedSince(modSeq uint64) FetchItem {
	text := "CHANGEDSINCE " + strconv.FormatUint(modSeq, 10)
	return fetchModifier{needs: "CONDSTORE", text: text, adds: itemModSeq}
}

// FetchPartial restricts a FETCH by UID to a part of the messages in the set, by their positions, counted from 1, or from -1
// at the end (RFC 9394; capability PARTIAL): FetchPartial(-1, -10) selects the last ten.
func FetchPartial(from, to int) FetchItem {
	e := &encoder{}
	e.raw("PARTIAL ").partialRange(from, to)
	return fetchModifier{needs: "PARTIAL", text: string(e.buf), whole: true, bad: e.err}
}

// ChangedSince is the former name of FetchChangedSince.
//
// Deprecated: use FetchChangedSince.
func ChangedSince(modSeq uint64) FetchItem { return FetchChangedSince(modSeq) }

// PartialRange is the former name of FetchPartial.
//
// Deprecated: use FetchPartial.
func PartialRange(from, to int) FetchItem { return FetchPartial(from, to) }

// ---- the command

// Fetch returns an iterator that sends the command when it is ranged over and yields messages, which the caller owns, as
// they arrive (FETCH or UID FETCH, RFC 9051 section 6.4.5; selected). An error with a nil message ends the loop; an error
// with a message concerns only that message (a value that could not be parsed) and the loop continues. SeqNum and UID are
// always set. With an empty set nothing is sent; numbers that do not exist yield nothing, even if the server refuses them.
//
// A message that the server sends in several responses is yielded once. If responses for more than a few other messages come
// in between, the rest is yielded as a message of its own. A message that is removed during the call may lack items.
//
// Other commands may be issued inside the loop: the rest of the answer is then read into memory, up to
// Options.MaxBuffered; beyond that they fail with ErrBusy. Break leaves the client usable. Each range over the iterator
// sends the command again.
func (c *Client) Fetch(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return c.fetchNoting(ctx, set, items, nil)
}

// fetchNoting is Fetch. note, if not nil, is called with the command before each message is yielded.
func (c *Client) fetchNoting(ctx context.Context, set NumSet, items []FetchItem, note func(*fetch)) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if set != nil && emptySet(set) {
			return
		}
		err := c.fetchParts(ctx, set, items, func(c *Client, t target, p *progress) (bool, error) {
			op := c.newFetch(t, items)
			op.after(p.before)
			var failure error
			more := op.run(ctx, func(m *Message, err error) bool {
				if m == nil {
					failure = err
					return false
				}
				p.note(m.UID)
				if note != nil {
					note(op)
				}
				return yield(m, err)
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

// fetchParts runs a FETCH in as many commands as necessary. one runs one of them, and reports whether the caller's loop
// continues.
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
		return unsent(j.name, argError("FetchPartial with sequence numbers, or with a set too long for one command"))
	}
	defer j.end()
	if err := j.start(ctx, set); err != nil {
		return err
	}
	var before yields
	for {
		t, ok := j.next()
		if !ok {
			return nil
		}
		p := progress{before: before}
		more, err := one(j.c, t, &p)
		if !more {
			return nil
		}
		if err := j.evaluate(ctx, t, p, err); err != nil {
			return err
		}
		if before = (yields{}); p.partial {
			before = p.before
		}
	}
}

// maxSetOctets is the longest set sent in one command: servers limit the length of a line (RFC 2683 section 3.2.1.5).
const maxSetOctets = 7000

// FetchOne fetches one message by its UID (UID FETCH, RFC 9051 section 6.4.5; selected). If the message does not exist, the
// error is ErrNoMessage. An error with a message that is not nil concerns a value that could not be parsed.
func (c *Client) FetchOne(ctx context.Context, uid UID, items ...FetchItem) (*Message, error) {
	if uid == 0 {
		return nil, unsent("UID FETCH", argError("UID 0"))
	}
	var found *Message
	var bad, hidden error
	for m, err := range c.Fetch(ctx, UIDs(uid), items...) {
		if m == nil && err != nil {
			return nil, err
		}
		switch {
		case m.UID == 0:
			hidden = err
		case m.UID != uid:
		case found == nil:
			found, bad = m, err
		default: // the rest of the message, after responses for many others
			found.add(m)
			bad = cmp.Or(bad, err)
		}
	}
	if found == nil {
		return nil, cmp.Or(hidden, failed("UID FETCH", ErrNoMessage)) // a row without its UID may be that of the message
	}
	return found, bad
}

// Collect reads all values of an iterator into a slice and returns the first error. A value that came with an error is in
// the slice; an error without a value ends the iteration.
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

// isNilValue reports whether v is a nil pointer, which an iterator yields with an error that ends it.
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

// fetch is a FETCH in progress, and its answer.
type fetch struct {
	*command // an abandoned command does not refer to the fetch any more
	noData
	messageSet
	uid   bool
	asked itemMask
	added itemMask // items that come with the requested ones
	wants []Section
	sizes int  // how many sizes of parts (BINARY.SIZE) are requested
	older bool // RFC822, RFC822.HEADER or RFC822.TEXT is requested, which arrives as a section too
	rowQueue
	rows       []fetched // being yielded
	came       itemMask  // the items of the row that was yielded last
	slabs      *slabs
	spare      *Message // zero, for the next row
	referenced bool     // the last allocation from slabs is still referenced: it must not be reused
}

// newFetch makes the command.
func (c *Client) newFetch(t target, items []FetchItem) *fetch {
	op := &fetch{messageSet: messageSet{c: c, target: t}, uid: isUID(t.set), slabs: newSlabs(false)}
	op.command = &command{name: "FETCH", states: inSelected, traits: traits{byNumber: !op.uid, noExpunge: !op.uid, batch: true}}
	if op.uid {
		op.command.name = "UID FETCH"
	}
	op.command.partial = true
	op.command.encode = func(e *encoder) { op.encodeItems(e, items) }
	op.command.answer = op
	return op
}

// encodeItems writes the set, the items and the modifiers, and records what was requested.
func (op *fetch) encodeItems(e *encoder, items []FetchItem) {
	op.asked, op.added, op.wants, op.sizes, op.older = 0, 0, nil, 0, false // reset what an attempt without known capabilities left
	op.set = op.write(e.sp())
	op.command.seqs, _ = op.set.(SeqSet)
	op.sending()
	e.raw(" (UID")
	seen := map[FetchAttr]bool{"UID": true}
	var modifiers []fetchModifier
	for _, item := range items {
		switch item := item.(type) {
		case FetchAttr:
			op.encodeAttr(e, item, seen)
		case Section:
			op.encodeSection(e, item, seen)
		case fetchArg:
			entry := op.c.e.table.fetch.all[item.name]
			op.asked |= entry.bit
			if item.name == binarySizeName {
				op.sizes++
			}
			item.encode(e.need(entry.needs...).sp())
		case fetchModifier:
			e.need(item.needs)
			op.added |= item.adds
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

func (op *fetch) encodeSection(e *encoder, s Section, seen map[FetchAttr]bool) {
	from := len(e.sp().buf)
	s.encode(e)
	op.slabs.bodies = !op.slabs.again // bodies must not keep each other alive
	if name := FetchAttr(strings.Replace(string(e.buf[from:]), ".PEEK", "", 1)); !seen[name] {
		seen[name] = true
		op.wants = append(op.wants, s)
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
	entry := op.c.e.table.fetch.all[string(attr)]
	e.need(entry.needs...)
	op.asked |= entry.bit
	if section, ok := rfc822Sections.find([]byte(attr)); ok {
		op.wants, op.older = append(op.wants, section), true
	}
	e.sp().atom("a FETCH item", string(attr))
}

// run sends the command and yields its rows. It reports whether the caller's loop continues.
func (op *fetch) run(ctx context.Context, yield func(*Message, error) bool) bool {
	c := op.c
	if err := c.start(ctx, op.command); err != nil {
		yield(nil, err)
		return false
	}
	c.e.unlock()
	if c.call != nil {
		c.call.commandQueued()
	}
	defer c.e.leaveLoop(op.command)
	for {
		err := c.e.await(ctx, op.command, func(cmd *command) bool { return cmd.done || op.head < len(op.ready) })
		if err != nil {
			c.e.abandon(op.command)
			yield(nil, failed(op.name, err))
			return false
		}
		if !op.nextBatch() {
			if err := c.e.result(op.command); err != nil {
				yield(nil, err)
				return false
			}
			return true
		}
		for i := range op.rows {
			row := &op.rows[i]
			op.came = row.got
			if ctx.Err() != nil {
				yield(nil, failed(op.name, context.Cause(ctx)))
				return false
			}
			if !yield(row.m, row.err) {
				return false
			}
			if row.m = nil; row.err != nil {
				row.err = nil
			}
		}
	}
}

// batchEnd returns the end of the next batch in the queue, and its size. It has at least one row.
func (op *fetch) batchEnd() (end int, size int64) {
	last := min(op.head+batchRows, len(op.ready))
	for end = op.head; end < last; end++ {
		next := size + op.ready[end].size
		if next > batchSize && end > op.head {
			break
		}
		size = next
	}
	return end, size
}

// nextBatch takes rows from the queue, which do not count for MaxBuffered any more. It returns false when the queue is empty
// and the command is done.
func (op *fetch) nextBatch() bool {
	e := op.c.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.head == len(op.ready) {
		return false
	}
	n, size := op.batchEnd()
	if op.head == 0 && n == len(op.ready) {
		op.rows, op.ready = op.ready, op.rows[:0] // the rows of that hold nothing any more
	} else {
		op.rows = append(op.rows[:0], op.ready[op.head:n]...)
		clear(op.ready[op.head:n])
		if op.head = n; op.head == len(op.ready) {
			op.ready, op.head = op.ready[:0], 0
		}
	}
	op.account(-size)
	return true
}

// Previews returns an iterator of messages with their Preview: the first line or two of the text, for a list of messages
// (selected). The server provides it if it has the capability PREVIEW (RFC 8970); otherwise, and for messages without a
// preview on the server, it is made from the start of the text, as FetchText finds it. A preview has no quotations, single
// spaces, no HTML tags and at most 256 characters. items are fetched as well. Errors and order are as with FetchText.
func (c *Client) Previews(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		c := c.pin()
		caps, set, err := c.capsFor(ctx, set)
		if err != nil {
			yield(nil, err)
			return
		}
		opts := &TextOptions{MaxBytes: previewText, Items: items}
		if caps.offers("PREVIEW") {
			opts.Items = append([]FetchItem{FetchPreview}, items...)
			opts.skip = func(m *Message) bool { return m.Preview != "" }
		}
		for t, err := range c.FetchText(ctx, set, opts) {
			if t == nil {
				yield(nil, err)
				return
			}
			if t.Message.Preview == "" {
				t.Message.Preview = t.preview()
			}
			if !yield(t.Message, err) {
				return
			}
		}
	}
}

const (
	// previewText is the number of bytes of the text that are fetched. HTML may have much in front of the visible text.
	previewText = 8 << 10
	// maxPreview is the longest preview in characters (RFC 8970 section 3.1).
	maxPreview = 256
)

// preview returns a preview of the text.
func (t *MessageText) preview() string {
	text := t.Text
	if t.MediaType == "text/html" {
		text = textOfHTML(text)
	}
	var words []string
	n := 0
	for line := range strings.Lines(text) {
		if line == "-- \n" {
			break
		}
		if strings.HasPrefix(line, ">") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if words, n = append(words, word), n+len(word)+1; n > 4*maxPreview {
				break
			}
		}
	}
	runes := []rune(strings.Join(words, " "))
	return strings.TrimSpace(string(runes[:min(len(runes), maxPreview)]))
}

// textOfHTML removes tags, comments, and elements that are not displayed. It is not an HTML parser, but suffices for a
// preview.
func textOfHTML(s string) string {
	var b strings.Builder
	for s != "" {
		text, tag, found := strings.Cut(s, "<")
		b.WriteString(text)
		if !found {
			break
		}
		if rest, ok := strings.CutPrefix(tag, "!--"); ok {
			_, s, _ = strings.Cut(rest, "-->")
			continue
		}
		name := strings.ToLower(tag[:nameEnd(tag)])
		_, s, _ = strings.Cut(tag, ">")
		if hiddenElements[name] {
			s = afterElement(s, name)
		}
		if !inlineElements[strings.TrimPrefix(name, "/")] {
			b.WriteByte(' ')
		}
	}
	return html.UnescapeString(b.String())
}

var (
	hiddenElements = map[string]bool{"head": true, "style": true, "script": true, "title": true}
	inlineElements = map[string]bool{"a": true, "b": true, "i": true, "em": true, "strong": true, "span": true, "font": true, "u": true}
)

func nameEnd(tag string) int {
	for i, c := range tag {
		if c != '/' && (c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z') {
			return i
		}
	}
	return len(tag)
}

// afterElement returns what follows the end of an element.
func afterElement(s, name string) string {
	for {
		_, rest, found := strings.Cut(s, "</")
		if !found {
			return ""
		}
		if s = rest; len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			_, s, _ = strings.Cut(s, ">")
			return s
		}
	}
}

const binarySizeName = "BINARY.SIZE"

// sizeBit returns the bit of all sizes of parts.
func (op *fetch) sizeBit() itemMask { return op.c.e.table.fetch.all[binarySizeName].bit }

// FetchBinarySize requests the size of a part after decoding its content-transfer-encoding, which is the size of
// Section{Part: part, Binary: true} (BINARY.SIZE, RFC 3516; capability BINARY). Without numbers it is the size of the
// message. Message.BinarySize returns it. The server may have to decode the part to compute it.
func FetchBinarySize(part ...int) FetchItem {
	s := Section{Part: slices.Clone(part), Binary: true}
	return fetchArg{binarySizeName, func(e *encoder) {
		if err := s.check(); err != nil {
			e.fail(err)
			return
		}
		e.raw("BINARY.SIZE[")
		s.encodeName(e)
		e.raw("]")
	}}
}

// FetchPreviewLazy requests the previews that the server has stored, without making it compute others (PREVIEW (LAZY), RFC
// 8970; capability PREVIEW). Message.PreviewPending reports true for a message whose preview is not stored.
func FetchPreviewLazy() FetchItem {
	return fetchArg{"PREVIEW", func(e *encoder) { e.raw("PREVIEW (LAZY)") }}
}

// FetchPreviewFuzzy requests previews in the form of a draft of the RFC (PREVIEW (FUZZY), or in the first draft SNIPPET
// (FUZZY); capability PREVIEW=FUZZY or SNIPPET=FUZZY, of Dovecot). They are in Message.Preview.
func FetchPreviewFuzzy() FetchItem {
	return fetchArg{"PREVIEW=FUZZY", func(e *encoder) {
		name := "PREVIEW"
		if e.need("PREVIEW=FUZZY", "SNIPPET=FUZZY"); !e.caps.Has("PREVIEW=FUZZY") {
			name = "SNIPPET"
		}
		e.raw(name + " (FUZZY)")
	}}
}
