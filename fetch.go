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

// FetchItem is something to ask for: one of the Fetch values, a Section, or a modifier such as FetchChangedSince.
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
	whole bool     // it is about one UID FETCH: the set must not be split
	adds  itemMask // comes with each row though it was not asked for
	bad   error
}

func (fetchModifier) fetchItem() {}

// fetchArg is an item that is more than its name. encode writes all of it.
type fetchArg struct {
	name   string // in registry.go
	encode func(*encoder)
}

func (fetchArg) fetchItem() {}

// FetchChangedSince restricts a FETCH to messages changed after modSeq (RFC 7162; capability CONDSTORE). The mod-sequence of
// each comes with it.
func FetchChangedSince(modSeq uint64) FetchItem {
	text := "CHANGEDSINCE " + strconv.FormatUint(modSeq, 10)
	return fetchModifier{needs: "CONDSTORE", text: text, adds: itemModSeq}
}

// FetchPartial restricts a FETCH by UID to a part of the messages that the set names, by their position from 1, or from -1
// at the end (RFC 9394; capability PARTIAL): FetchPartial(-1, -10) are the last ten.
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

// Fetch asks when it is ranged over and yields owned messages as they arrive (FETCH or UID FETCH, RFC 9051 section
// 6.4.5; selected). An error with a nil message ends the loop; an error with a message concerns that message alone (a
// value that could not be parsed) and the loop goes on. SeqNum and UID are always set. An empty set sends nothing and
// yields nothing; numbers that do not exist yield nothing, also where the server refuses them.
//
// What the server sends of a message in several responses comes as one message. Where it sends something of more than a few
// others between them, the rest comes as a message of its own.
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
			op.after(p.before)
			var failure error
			more := op.run(ctx, func(m *Message, err error) bool {
				if m == nil {
					failure = err
					return false
				}
				p.note(m.UID)
				return yield(m, err)
			})
			if !more && failure == nil {
				return false, nil // the loop was left, and the answer may be under way
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
		if err := j.settle(ctx, t, p, err); err != nil {
			return err
		}
		if before = (yields{}); p.partial {
			before = p.before
		}
	}
}

// maxSetOctets is the longest set sent in one command: servers limit the length of a line (RFC 2683 section 3.2.1.5).
const maxSetOctets = 7000

// FetchOne fetches one message by its UID. A message that does not exist is ErrNoMessage. An error beside a message concerns
// a value of it that could not be parsed. (UID FETCH, RFC 9051 section 6.4.5; selected)
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
		switch {
		case m.UID != uid:
		case found == nil:
			found, bad = m, err
		default: // the rest of it, behind news of many others
			found.add(m)
			bad = cmp.Or(bad, err)
		}
	}
	if found == nil {
		return nil, failed("UID FETCH", ErrNoMessage)
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
	uid   bool
	asked itemMask
	added itemMask // comes with what was asked for
	wants []Section
	rowQueue
	rows  []fetched // being yielded
	slabs *slabs
	lent  bool // what slabs made last is kept somewhere: it is not to be used again
}

// newFetch makes the command.
func (c *Client) newFetch(t target, items []FetchItem) *fetch {
	op := &fetch{messageSet: messageSet{c: c, target: t}, uid: isUID(t.set), slabs: newSlabs(false)}
	op.command = &command{name: "FETCH", states: inSelected, byNumber: !op.uid, noExpunge: !op.uid, batch: true}
	if op.uid {
		op.command.name = "UID FETCH"
	}
	op.command.partial = true
	op.command.encode = func(e *encoder) { op.encodeItems(e, items) }
	op.command.answer = op
	return op
}

// encodeItems writes the set, the items and the modifiers, and notes what was asked for.
func (op *fetch) encodeItems(e *encoder, items []FetchItem) {
	op.asked, op.added, op.wants = 0, 0, nil // of an attempt before the capabilities were known
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
			entry := op.c.table.fetch.all[item.name]
			op.asked |= entry.bit
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
	op.slabs.bodies = !op.slabs.again // must not keep each other alive
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
	if c.call != nil {
		c.call.commandQueued()
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

// nextBatch takes rows out of the queue; false when none exists and the command is done.
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

// Previews yields messages with their Preview: a line or two of the text, for a list of messages. It comes from the server
// where that has the capability PREVIEW (RFC 8970), and otherwise from the first bytes of the text, as FetchText finds it;
// also where the server has none at hand. Quotations are left out, white space is one space, HTML has lost its tags, and it
// has at most 256 characters. items are what else is wanted of the messages. Errors and order are as of FetchText. (selected)
func (c *Client) Previews(ctx context.Context, set NumSet, items ...FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		caps, err := c.knownCaps(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		opts := &TextOptions{MaxBytes: previewText, Items: items}
		if caps.offers("PREVIEW") {
			opts.Items = append([]FetchItem{FetchPreview}, items...)
			opts.unless = func(m *Message) bool { return m.Preview != "" }
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
	// previewText is how much of a text is looked at. HTML may have much in front of what is shown.
	previewText = 8 << 10
	// maxPreview is the longest preview in characters (RFC 8970 section 3.1).
	maxPreview = 256
)

// preview makes a preview of the text.
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

// textOfHTML leaves out tags, comments, and elements that are not shown. It is no parser of HTML: it serves for a preview.
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
			s = behindElement(s, name)
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

// behindElement returns what follows the end of an element.
func behindElement(s, name string) string {
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

// FetchBinarySize asks for the size of a part after its content-transfer-encoding was decoded by the server: what
// Section{Part: part, Binary: true} would bring (BINARY.SIZE, RFC 3516; capability BINARY). Without numbers it is the size
// of the message. Message.BinarySize has the answer. Servers may have to decode the part to know.
func FetchBinarySize(part ...int) FetchItem {
	s := Section{Part: slices.Clone(part), Binary: true}
	return fetchArg{"BINARY.SIZE", func(e *encoder) {
		if err := s.check(); err != nil {
			e.fail(err)
			return
		}
		e.raw("BINARY.SIZE[")
		s.encodeName(e)
		e.raw("]")
	}}
}

// FetchPreviewLazy asks for previews that the server has at hand, and does not make it compute others (PREVIEW (LAZY), RFC
// 8970; capability PREVIEW). Of a message whose preview is not at hand Message.PreviewPending is true.
func FetchPreviewLazy() FetchItem {
	return fetchArg{"PREVIEW", func(e *encoder) { e.raw("PREVIEW (LAZY)") }}
}

// FetchPreviewFuzzy asks for previews of a server that has them in a form before the RFC (PREVIEW (FUZZY), or in the first
// draft SNIPPET (FUZZY); capability PREVIEW=FUZZY or SNIPPET=FUZZY, of Dovecot). Message.Preview has the answer.
func FetchPreviewFuzzy() FetchItem {
	return fetchArg{"PREVIEW=FUZZY", func(e *encoder) {
		name := "PREVIEW"
		if e.need("PREVIEW=FUZZY", "SNIPPET=FUZZY"); !e.caps.Has("PREVIEW=FUZZY") {
			name = "SNIPPET"
		}
		e.raw(name + " (FUZZY)")
	}}
}
