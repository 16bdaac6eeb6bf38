package imap

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
)

// MoveError reports that Move stopped halfway on a server without MOVE: messages were copied to the target and are still in
// the source mailbox, where some of them may be marked \Deleted. No message was deleted that was not copied. To complete the
// move, store \Deleted for Copied and call UIDExpunge with it; moving the whole set again would copy them twice.
type MoveError struct {
	Copied UIDSet // messages in both mailboxes, as far as is known
	Left   UIDSet // not copied, though the server reported success; nil in most cases
	Err    error  // what stopped the move
}

// Error reports that the messages are in both mailboxes, and why.
func (e *MoveError) Error() string {
	what := "messages were copied and not deleted: "
	if len(e.Copied) == 0 {
		what = "messages were not moved: "
	}
	return "imap: MOVE: " + what + trimPrefix(e.Err.Error())
}

// Unwrap returns what stopped the move.
func (e *MoveError) Unwrap() error { return e.Err }

var (
	errUnknownCopies = errors.New("the server did not report which messages it copied")
	errNotCopied     = errors.New("the server reported success and did not copy all")
	errNotDeleted    = errors.New("the server reported success and did not delete all")
)

// moveByCopy moves messages without MOVE. Each part of the set is removed as soon as its copy is acknowledged.
func (j *job) moveByCopy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	c, seqs, res := j.c, j.seqs, &CopyResult{}
	if !c.Caps().offers("UIDPLUS") {
		return res, unsent("MOVE", &CapabilityError{Name: "MOVE"})
	}
	// A mailbox that an earlier call of the pipeline opens is known only after the first command.
	unknown := c.mayOpen()
	if err := c.checkMove(); err != nil && !unknown {
		return res, err
	}
	m := &moving{c: c, target: mailbox, res: res, closed: seqs != nil || !unknown && !c.mayGrow(set)}
	uids, err := c.closedUIDs(ctx, set, seqs, !m.closed)
	if err != nil || len(uids) == 0 {
		return res, err
	}
	if err := c.checkMove(); err != nil {
		return res, err
	}
	// Without a UIDNEXT the set may still grow: then only COPYUID reports what was copied.
	m.certain = seqs != nil || !m.closed || c.assigned(uids)
	err = c.eachPart(ctx, "COPY", uids, func(_ *Client, t target) (progress, error) { return m.part(ctx, t) })
	if err == nil {
		err = m.checkLeft(ctx)
	}
	return res, err
}

// checkMove fails if messages cannot be moved out of the selected mailbox.
func (c *Client) checkMove() error {
	if err := c.e.check(&command{name: "MOVE", states: inSelected, traits: traits{writes: true}}); err != nil {
		return unsent("MOVE", err)
	}
	return nil
}

// mayGrow reports whether a set of UIDs, or "$", may come to include messages that arrive later, as far as UIDNEXT is
// known.
func (c *Client) mayGrow(set NumSet) bool {
	uids, ok := set.(UIDSet)
	if !ok || isOpen(uids) {
		return true
	}
	box, selected := c.e.boxState()
	return selected && box.uidNext != 0 && highest(uids) >= box.uidNext
}

// assigned reports whether all UIDs of a set are known to be below UIDNEXT, so that no later message gets one of them.
func (c *Client) assigned(uids UIDSet) bool {
	box, selected := c.e.boxState()
	return selected && highest(uids) < box.uidNext
}

// moving is a Move by COPY in progress.
type moving struct {
	c       *Client
	target  string
	res     *CopyResult
	closed  bool   // the caller's set cannot grow
	certain bool   // the set includes no message that arrived after the move began
	left    UIDSet // requested, but not copied according to COPYUID
}

// part copies messages of the set, then deletes those that were copied.
func (m *moving) part(ctx context.Context, t target) (progress, error) {
	asked := t.set.(UIDSet)
	code, p, err := m.c.copyPart(ctx, "COPY", t, m.target)
	m.res.add(code)
	if err != nil && len(code.source) == 0 {
		return p, err // COPY does all or nothing
	} else if err != nil {
		return progress{}, &MoveError{Copied: asked.Intersect(code.named()), Err: err} // it is uncertain what was copied, so delete nothing
	}
	copied, known := m.copied(asked, code, p)
	if !known {
		return progress{}, &MoveError{Err: begun("MOVE", errUnknownCopies)}
	}
	if len(copied) > 0 {
		if left, err := m.remove(ctx, copied); err != nil {
			return progress{}, &MoveError{Copied: left, Err: begun("MOVE", err)}
		}
	}
	return p, nil
}

// copied returns the requested messages that are known to have been copied.
func (m *moving) copied(asked UIDSet, code *copyCode, p progress) (UIDSet, bool) {
	if p.partial {
		if p.limit.uid == 0 && len(code.source) == 0 {
			return nil, false
		}
		asked = from(asked, p.limit.uid)
	}
	switch {
	case code.short:
		return nil, false
	case len(code.source) > 0 || code.none:
		m.left = append(m.left, asked.Minus(code.named())...)
		return asked.Intersect(code.named()), true
	case code.sent:
		return nil, false // it may name fewer messages, and cannot be parsed
	}
	return asked, m.certain
}

// remove deletes messages that were copied. If another client has removed some of them meanwhile, the server may refuse to
// mark those although it has marked the others. An OK does not prove the removal: without the rights for it, servers ignore
// the flag or the command. So the messages are looked for if the mailbox does not store \Deleted, or if some removals are
// reported but not all; some servers report none. With an error it returns those that may still be there.
func (m *moving) remove(ctx context.Context, copied UIDSet) (UIDSet, error) {
	_, err := m.c.Store(ctx, copied, AddFlags(FlagDeleted), &StoreOptions{Silent: true})
	gone := CodeOf(err) == CodeExpungeIssued
	if err != nil && !gone {
		return copied, err
	}
	res, err := m.c.UIDExpunge(ctx, copied)
	if err != nil {
		return copied, err
	}
	box := m.c.Mailbox()
	doubtful := gone || box != nil && !box.storable(FlagDeleted)
	if n := uint64(len(res.SeqNums)) + res.UIDs.Intersect(copied).Len(); !doubtful && (n == 0 || n >= copied.Len()) {
		return nil, nil
	}
	still, err := m.c.existingUIDs(ctx, copied)
	if err != nil {
		return copied, err
	}
	if len(still) > 0 {
		return still, errNotDeleted
	}
	return nil, nil
}

// checkLeft fails if messages that COPY left out still exist. Usually they were removed after the move began.
func (m *moving) checkLeft(ctx context.Context) error {
	if len(m.left) == 0 {
		return nil
	}
	left, err := m.c.existingUIDs(ctx, m.left.normalize())
	if err != nil {
		return begun("MOVE", err)
	}
	if len(left) > 0 {
		return &MoveError{Left: left, Err: errNotCopied}
	}
	return nil
}

// StoreOp is a change of flags, made by AddFlags, RemoveFlags or SetFlags, or of Gmail's labels, made by AddLabels,
// RemoveLabels or SetLabels.
type StoreOp struct {
	sign   string    // "+", "-" or "" to replace all
	item   FetchAttr // what is stored
	count  int       // number of values
	values func(*encoder)
}

// AddFlags adds flags to those of a message. AddFlags, RemoveFlags and SetFlags ignore \Recent, which only the server sets.
func AddFlags(flags ...Flag) StoreOp { return flagOp("+", flags) }

// RemoveFlags removes flags and leaves the others.
func RemoveFlags(flags ...Flag) StoreOp { return flagOp("-", flags) }

// SetFlags replaces all flags but \Recent; without arguments it removes all of them. Cyrus refuses that: use RemoveFlags
// with the flags of the message there.
func SetFlags(flags ...Flag) StoreOp { return flagOp("", flags) }

func flagOp(sign string, flags []Flag) StoreOp {
	flags = settable(flags)
	return StoreOp{sign, FetchFlags, len(flags), func(e *encoder) { e.flags(flags) }}
}

// changes reports whether the operation names anything to change.
func (op StoreOp) changes() bool { return op.sign == "" || op.count > 0 }

// StoreOptions configures a Store.
type StoreOptions struct {
	Silent         bool   // do not ask for the new flags; saves memory with very many messages, since the result holds each of them
	UnchangedSince uint64 // only messages not changed since this mod-sequence (RFC 7162; capability CONDSTORE)
}

// StoreResult holds the new flags and, for a conditional store, the messages that were not changed.
type StoreResult struct {
	Messages    []*Message // with a SeqSet their UID is 0 unless the server sends it unsolicited
	ModifiedUID UIDSet     // by UID
	ModifiedSeq SeqSet     // by number
}

// Store changes flags (STORE or UID STORE, RFC 9051 section 6.4.6; selected for writing). The result is also valid with an
// error from the server: after NO [MODIFIED] it reports which messages were not changed. With an empty set, or no flags to
// add or remove, nothing is sent.
func (c *Client) Store(ctx context.Context, set NumSet, op StoreOp, opts *StoreOptions) (*StoreResult, error) {
	o := StoreOptions{}
	if opts != nil {
		o = *opts
	}
	res := &StoreResult{}
	if err := validSet(set); err != nil {
		return res, unsent("STORE", err)
	}
	if op.values == nil {
		return res, unsent("STORE", argError("an empty StoreOp"))
	}
	if emptySet(set) || !op.changes() {
		return res, nil
	}
	// An OK has one code: MODIFIED, or MESSAGELIMIT for a partial result.
	j := &job{c: c, name: "STORE", bounded: o.UnchangedSince > 0}
	if j.bounded {
		j.begin(set)
		defer j.end()
		if _, err := c.knownCaps(ctx); err != nil {
			return res, err
		}
	}
	var modified error // of a part that was executed nevertheless
	err := j.run(ctx, set, func(c *Client, t target) (progress, error) {
		p, err := c.storePart(ctx, t, op, o, res)
		if CodeOf(err) == CodeModified {
			modified, err = cmp.Or(modified, err), nil
		}
		return p, err
	})
	return res, cmp.Or(err, modified)
}

func (c *Client) storePart(ctx context.Context, t target, op StoreOp, o StoreOptions, res *StoreResult) (p progress, err error) {
	f := c.newFetch(t, nil)
	f.command.batch = false
	f.name = strings.Replace(f.name, "FETCH", "STORE", 1)
	f.writes = true
	f.noUID = !f.uid
	stored := c.e.table.fetch.all[string(op.item)]
	f.asked = stored.bit
	if o.Silent {
		f.asked = itemModSeq
	}
	f.encode = func(e *encoder) {
		f.set = f.write(e.need(stored.needs...).sp())
		f.command.seqs, _ = f.set.(SeqSet)
		f.sending()
		if o.UnchangedSince > 0 {
			e.need("CONDSTORE").raw(" (UNCHANGEDSINCE ").number(o.UnchangedSince).raw(")")
		}
		e.word(op.sign + string(op.item))
		if o.Silent {
			e.raw(".SILENT")
		}
		op.values(e.sp())
	}
	err = c.run(ctx, f.command)
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	p.ended(&f.status, err)
	for _, row := range f.ready {
		if p.partial && row.m.UID != 0 && row.m.UID < p.limit.uid {
			continue // an unrelated change of the message: the next command stores to it
		}
		res.Messages = append(res.Messages, row.m)
		p.note(row.m.UID)
		if err == nil {
			err = row.err
		}
	}
	if f.status.code == CodeModified {
		if bad := res.modified(f.uid, f.status.args); bad != nil && err == nil {
			err = failed(f.name, bad)
		}
	}
	return p, err
}

// modified parses the set of a MODIFIED code. It must not be ignored if it cannot be parsed, since it names messages that
// were not changed.
func (res *StoreResult) modified(uid bool, args string) error {
	data, err := readCode(CodeModified, args, uid)
	if numbers, ok := data.(NumbersData); ok {
		res.ModifiedUID = append(res.ModifiedUID, numbers.UIDs...)
		res.ModifiedSeq = append(res.ModifiedSeq, numbers.Seqs...)
	}
	return err
}

// CopyResult maps source to destination UIDs, if the server reports them (UIDPLUS, RFC 4315): the n-th UID of Source became
// the n-th of Dest. Otherwise it is empty.
type CopyResult struct {
	UIDValidity  uint32
	Source, Dest UIDSet

	// Err is a *ProtocolError if the messages were copied, but a COPYUID could not be parsed or does not map them one
	// to one: those messages are in neither Source nor Dest. Usually it is nil.
	Err error
}

// Copy copies messages to another mailbox (COPY or UID COPY, RFC 9051 section 6.4.7; selected). If that mailbox does not
// exist, the error has CodeTryCreate.
func (c *Client) Copy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	if err := validSet(set); err != nil {
		return &CopyResult{}, unsent("COPY", err)
	}
	if emptySet(set) {
		return &CopyResult{}, nil
	}
	j := &job{c: c, name: "COPY", bounded: true}
	return j.copyOrMove(ctx, set, mailbox)
}

// Move moves messages to another mailbox (MOVE or UID MOVE, RFC 6851; selected for writing). Without the capability it
// uses XMOVE, which Cyrus had before the RFC, or COPY, STORE \Deleted and UID EXPUNGE, each only after the previous one
// succeeded, for the messages that exist when it begins, and deletes exactly those that were copied; if that stops halfway,
// the error is a *MoveError. Without UIDPLUS it fails with errors.ErrUnsupported, because EXPUNGE would remove messages that
// others marked.
func (c *Client) Move(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	if err := validSet(set); err != nil {
		return &CopyResult{}, unsent("MOVE", err)
	}
	if emptySet(set) {
		return &CopyResult{}, nil
	}
	j := &job{c: c, name: "MOVE"}
	j.begin(set)
	defer j.end()
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return &CopyResult{}, err
	}
	switch {
	case caps.offers("MOVE"):
		return j.copyOrMove(ctx, set, mailbox)
	case caps.offers(oldMove):
		j.name = oldMove
		return j.copyOrMove(ctx, set, mailbox)
	}
	return j.moveByCopy(ctx, set, mailbox)
}

// oldMove is the name of the command and capability MOVE in Cyrus before the RFC.
const oldMove = "XMOVE"

// isMove reports whether a command removes what it copies.
func isMove(name string) bool { return name == "MOVE" || name == oldMove }

// copyOrMove copies or moves messages with the command of that name.
func (j *job) copyOrMove(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	res := &CopyResult{}
	err := j.run(ctx, set, func(c *Client, t target) (progress, error) {
		one, p, err := c.copyPart(ctx, j.name, t, mailbox)
		res.add(one)
		return p, err
	})
	return res, err
}

// copyPart runs one COPY or MOVE.
func (c *Client) copyPart(ctx context.Context, name string, t target, mailbox string) (*copyCode, progress, error) {
	uid := isUID(t.set)
	cmd := &command{name: name, states: inSelected, traits: traits{byNumber: !uid, writes: isMove(name), partial: true}}
	if uid {
		cmd.name = "UID " + name
	}
	cmd.encode = func(e *encoder) {
		if isMove(name) {
			e.need(name)
		}
		cmd.seqs, _ = t.write(e.sp()).(SeqSet)
		e.sp().mailbox(mailbox)
	}
	res := &copyCode{}
	// For MOVE the code is untagged and precedes the removals; some servers send it untagged for COPY too.
	cmd.answer = codeAnswer{name: "COPYUID", take: func(s *status) {
		before := len(res.source) + len(res.dest)
		res.take(s.args)
		cmd.weight = (len(res.source) + len(res.dest) - before) * 2 * rangeCost
	}}
	err := c.run(ctx, cmd)
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if cmd.status.code == "COPYUID" {
		res.take(cmd.status.args)
	}
	var p progress
	p.ended(&cmd.status, err)
	if done := res.source; len(done) > 0 {
		p.note(lowest(done))
		p.note(highest(done))
		if err != nil && !isMove(name) {
			p.limit.uid = 0 // COPY must do all or nothing; the server contradicts that, so what was done is not known
		}
	}
	return res, p, err
}

// add adds the result of one command.
func (res *CopyResult) add(one *copyCode) {
	if one.validity != 0 || res.UIDValidity == 0 {
		res.UIDValidity = one.validity
	}
	if res.Err == nil {
		res.Err = one.bad
	}
	if !one.malformed {
		res.Source, res.Dest = append(res.Source, one.source...), append(res.Dest, one.dest...)
	}
}

// copyCode holds the COPYUID codes of one command.
type copyCode struct {
	validity     uint32
	source, dest UIDSet // in the order of the server, which is the mapping
	sent         bool   // the server has sent a code
	none         bool   // with empty sets: nothing was copied (Outlook.com)
	malformed    bool   // the sets have different lengths
	short        bool   // fewer destinations than sources: some were not copied, and it is not known which
	bad          error  // for a code that cannot be parsed
	last         string // the arguments of the last code, with the sets in one spelling
}

// named returns the set of the messages that are known to have been copied.
func (res *copyCode) named() UIDSet {
	if res.short {
		return nil
	}
	return append(UIDSet(nil), res.source...).normalize()
}

// adjoined returns a copy of a set with joined ranges where one follows the other, in the order of the set.
func adjoined(s UIDSet) UIDSet {
	var out UIDSet
	for _, r := range s {
		if l := len(out); l > 0 && out[l-1].Stop+1 == r.Start {
			out[l-1].Stop = r.Stop
			continue
		}
		out = append(out, r)
	}
	return out
}

// take parses the arguments of a COPYUID code. Sets of different lengths give no mapping. A code that comes twice, untagged
// and in the tagged response, counts once, also if its sets are written in different ways.
func (res *copyCode) take(args string) {
	res.sent = true
	if _, err := readCode(CodeCopyUID, args, true); err != nil {
		res.bad = err
	}
	words := strings.Fields(args)
	if len(words) == 0 {
		return
	}
	res.validity = uint32(codeNumber(words[0], 32))
	if len(words) < 2 {
		res.none = true
		return
	}
	source, err := parseSet[UID](words[1])
	if err != nil || isOpen(source) {
		return
	}
	var dest UIDSet
	if len(words) > 2 {
		if dest, err = parseSet[UID](words[2]); err != nil || isOpen(dest) {
			dest = nil // the sources are known all the same
		}
	}
	code := words[0] + " " + adjoined(source).String() + " " + adjoined(dest).String()
	if code == res.last {
		return
	}
	res.last = code
	res.malformed = res.malformed || source.Len() != dest.Len()
	res.short = res.short || len(dest) > 0 && source.Len() > dest.Len()
	res.source, res.dest = append(res.source, source...), append(res.dest, dest...)
}

// ExpungeResult holds the removed messages: by sequence number, or by UID if QRESYNC is enabled.
type ExpungeResult struct {
	SeqNums []SeqNum // in the order received: each number takes the preceding removals into account
	UIDs    UIDSet   // if the server sends VANISHED
}

// removed returns the number of removed messages.
func (res *ExpungeResult) removed() uint64 { return uint64(len(res.SeqNums)) + res.UIDs.Len() }

// Expunge removes all messages marked \Deleted, also those that others marked (EXPUNGE, RFC 9051 section 6.4.3; selected
// for writing). UIDExpunge removes only messages of a given set.
func (c *Client) Expunge(ctx context.Context) (*ExpungeResult, error) {
	all := &ExpungeResult{}
	j := job{c: c.pin(), name: "EXPUNGE"}
	var bad error
	for first := true; ; first = false {
		before := all.removed()
		p, unread, err := j.c.expunge(ctx, &command{name: j.name, states: inSelected, traits: traits{writes: true}}, all)
		bad = cmp.Or(bad, unread)
		if err != nil && !first {
			err = begun(j.name, err)
		}
		if !p.partial {
			return all, cmp.Or(err, bad)
		}
		if all.removed() == before || c.e.opts.StopAtLimit {
			return all, &PartialError{Command: j.name, Limit: p.limit.most, UID: p.limit.uid, Err: err}
		}
	}
}

// UIDExpunge removes the messages of a set that are marked \Deleted (UID EXPUNGE, RFC 4315; capability UIDPLUS; selected
// for writing). With an empty set nothing is sent.
func (c *Client) UIDExpunge(ctx context.Context, uids UIDSet) (*ExpungeResult, error) {
	all := &ExpungeResult{}
	if err := validSet(uids); err != nil {
		return all, unsent("UID EXPUNGE", err)
	}
	if emptySet(uids) {
		return all, nil
	}
	var bad error
	err := c.eachPart(ctx, "UID EXPUNGE", uids, func(c *Client, t target) (progress, error) {
		cmd := &command{name: "UID EXPUNGE", states: inSelected, traits: traits{writes: true}}
		cmd.encode = func(e *encoder) { t.write(e.need("UIDPLUS").sp()) }
		p, unread, err := c.expunge(ctx, cmd, all)
		bad = cmp.Or(bad, unread)
		return p, err
	})
	all.UIDs = all.UIDs.normalize()
	return all, cmp.Or(err, bad)
}

// expunge runs a command that removes messages, and adds its result to all. unread reports removals that cannot be parsed.
func (c *Client) expunge(ctx context.Context, cmd *command, all *ExpungeResult) (p progress, unread, err error) {
	a := &expungeAnswer{c: c, res: &ExpungeResult{}}
	cmd.answer, cmd.partial = a, true
	err = c.run(ctx, cmd)
	p.ended(&cmd.status, err)
	if a.bad != nil {
		unread = failed(cmd.name, a.bad)
	}
	all.SeqNums, all.UIDs = append(all.SeqNums, a.res.SeqNums...), append(all.UIDs, a.res.UIDs...)
	return p, unread, err
}

// expungeAnswer collects the messages that an EXPUNGE removes.
type expungeAnswer struct {
	noData
	c   *Client
	res *ExpungeResult // nil once the caller has left
	bad error          // of the first VANISHED that cannot be parsed: the removals are not all known
}

func (a *expungeAnswer) data(r *response) claim {
	switch r.name {
	case "EXPUNGE":
		if r.checkNumber() != nil {
			return notMine
		}
		if a.res != nil {
			a.res.SeqNums = append(a.res.SeqNums, SeqNum(r.num))
		}
	case "VANISHED":
		uids, earlier, err := r.vanished()
		if err != nil {
			a.bad = cmp.Or(a.bad, err)
		}
		if err != nil || earlier {
			return notMine
		}
		if a.res != nil {
			a.res.UIDs = append(a.res.UIDs, uids...)
		}
	default:
		return notMine
	}
	if a.res == nil { // no result has it, and the numbers of other messages change
		ev, _ := a.c.eventFor(r)
		a.c.e.queueEvent(ev)
	}
	return shared
}

func (a *expungeAnswer) dropped() answer { return &expungeAnswer{c: a.c} }

// appendUID parses the arguments of an APPENDUID code.
func appendUID(args string) (validity uint32, uids UIDSet) {
	words := strings.Fields(args)
	if len(words) != 2 {
		return 0, nil
	}
	n, err := strconv.ParseUint(words[0], 10, 32)
	set, err2 := parseSet[UID](words[1])
	if err != nil || err2 != nil || isOpen(set) {
		return 0, nil
	}
	return uint32(n), set
}
