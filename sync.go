package imap

import (
	"cmp"
	"context"
	"errors"
	"strconv"
)

// QResync is the state of a mailbox that a client stored earlier.
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
	KnownUIDs   UIDSet // empty: all

	// MatchSeqs and MatchUIDs are a sample of sequence numbers and their UIDs, both ascending and of the same length: if a
	// pair still matches, the server need not report removed messages before it (RFC 7162 section 3.2.5.2). They cannot be
	// used with UIDONLY.
	MatchSeqs SeqSet
	MatchUIDs UIDSet
}

func (q *QResync) encode(e *encoder) {
	if !e.enabled["QRESYNC"] {
		e.fail(errQResyncOff)
	}
	e.raw("QRESYNC (").number(uint64(q.UIDValidity)).sp().number(q.ModSeq)
	if len(q.KnownUIDs) > 0 {
		e.sp().set(q.KnownUIDs)
	}
	if len(q.MatchSeqs) > 0 || len(q.MatchUIDs) > 0 {
		if isOpen(q.MatchSeqs) || isOpen(q.MatchUIDs) || q.MatchSeqs.Len() != q.MatchUIDs.Len() {
			e.fail(argError("QResync: MatchSeqs and MatchUIDs do not form pairs of numbers"))
		}
		e.raw(" (").set(q.MatchSeqs).sp().set(q.MatchUIDs).raw(")")
	}
	e.raw(")")
}

// Changes is the result of FetchChanges.
type Changes struct {
	Messages []*Message // changed since, with the requested items
	Vanished UIDSet     // those of the given UIDs that were removed since
}

// FetchChanges fetches those of the given messages that changed after a mod-sequence, and reports which of them were removed
// since then (UID FETCH with CHANGEDSINCE and VANISHED, RFC 7162 section 3.2.6; capability QRESYNC, which must be enabled;
// selected). An error with a result that is not nil concerns a value that could not be parsed.
func (c *Client) FetchChanges(ctx context.Context, uids UIDSet, modSeq uint64, items ...FetchItem) (*Changes, error) {
	res := &Changes{}
	if !c.Enabled("QRESYNC") {
		caps, err := c.knownCaps(ctx)
		if err != nil {
			return res, err
		}
		return res, unsent("UID FETCH", &CapabilityError{Name: "QRESYNC", Off: caps.offers("QRESYNC")})
	}
	if emptySet(uids) {
		return res, nil
	}
	items = append(append([]FetchItem{}, items...), FetchChangedSince(modSeq), fetchModifier{needs: "QRESYNC", text: "VANISHED"})
	var rowErrs error
	err := c.fetchParts(ctx, uids, items, func(c *Client, t target, p *progress) (bool, error) {
		rowErr, err := c.fetchChanges(ctx, t, p, items, res)
		rowErrs = errors.Join(rowErrs, rowErr)
		return true, err
	})
	err = errors.Join(rowErrs, err)
	if res.Vanished = res.Vanished.normalize(); !isOpen(uids) {
		res.Vanished = uids.Intersect(res.Vanished)
	}
	return res, err
}

// fetchChanges runs one command. rowErr concerns values that could not be parsed.
func (c *Client) fetchChanges(ctx context.Context, t target, p *progress, items []FetchItem, res *Changes) (rowErr, err error) {
	op := c.newFetch(t, items)
	a := &changesAnswer{fetch: op}
	op.command.answer = a
	op.run(ctx, func(m *Message, failure error) bool {
		if m == nil {
			err = failure
			return true
		}
		res.Messages = append(res.Messages, m)
		p.note(m.UID)
		rowErr = errors.Join(rowErr, failure)
		return true
	})
	p.ended(&op.status, err)
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if a.bad != nil {
		rowErr = errors.Join(rowErr, failed(op.name, a.bad))
	}
	if op.command.memory.selection > c.e.conn.Limits.MaxBuffered {
		p.partial = false
		return rowErr, errors.Join(err, failed(op.name, &LimitError{"MaxBuffered", c.e.conn.Limits.MaxBuffered}))
	}
	res.Vanished = append(res.Vanished, a.gone...)
	return rowErr, err
}

// changesAnswer is the answer to a FETCH that also requests the removed messages.
type changesAnswer struct {
	*fetch
	gone UIDSet
	bad  error // of the first VANISHED that cannot be parsed
}

func (a *changesAnswer) data(r *response) claim {
	if r.name != "VANISHED" {
		return a.fetch.data(r)
	}
	uids, earlier, err := r.vanished()
	if err != nil {
		a.bad = cmp.Or(a.bad, err)
		return notMine
	}
	if !earlier {
		return a.fetch.data(r) // numbers have changed
	}
	if a.c.e.holds(a.command, int64(8*len(uids))) {
		a.gone = append(a.gone, uids...)
	}
	return mine
}

func (a *changesAnswer) dropped() answer { return droppedChanges{a.fetch.dropped()} }

// droppedChanges claims the same responses as changesAnswer, but keeps nothing.
type droppedChanges struct{ answer }

func (a droppedChanges) data(r *response) claim {
	if r.name != "VANISHED" {
		return a.answer.data(r)
	}
	if _, earlier, err := r.vanished(); err != nil || !earlier {
		return notMine
	}
	return mine
}

func (a droppedChanges) dropped() answer { return a }

// ModSeqEntry is like ModSeq, for one piece of a message's metadata: an entry such as /flags/\\Seen, and its kind, "priv",
// "shared" or "all" (RFC 7162 section 3.1.5; capability CONDSTORE). Servers that keep one mod-sequence per message ignore
// the entry.
func (q Query) ModSeqEntry(entry, kind string, n uint64) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		if kind != "priv" && kind != "shared" && kind != "all" {
			e.fail(argError("the kind of an entry is priv, shared or all"))
		}
		e.need("CONDSTORE").raw("MODSEQ ").quotedName(entry).raw(" " + kind + " ").number(n)
	}})
}

// SyncState is the state of a mailbox that a program stores from one session to the next, so that Sync returns only what
// changed since (RFC 4549, RFC 7162). The zero value is the state without any messages. It can be stored in any way, for
// example by encoding/json.
type SyncState struct {
	UIDValidity   uint32
	HighestModSeq uint64 // 0 if the mailbox has no mod-sequences
	UIDs          UIDSet // of the messages that the program holds
}

// SyncOptions configures Client.Sync. nil opens the mailbox for reading and writing.
type SyncOptions struct {
	ReadOnly bool // EXAMINE
}

// SyncResult holds the changes of a mailbox since a SyncState.
type SyncResult struct {
	Mailbox *Mailbox // as selected

	// Reset reports that UIDVALIDITY changed, so that the earlier UIDs have no meaning: the program must discard all
	// its data of the mailbox. New is then the whole mailbox.
	Reset bool

	New      UIDSet     // messages that the program does not have yet
	Vanished UIDSet     // messages that the program has, and that were removed
	Changed  []*Message // UIDs and flags of messages that the program has; all of them, changed or not, if the mailbox has no mod-sequences

	// State replaces the given state, and should be stored when the program has applied the changes.
	State SyncState
}

// Sync selects a mailbox and returns what changed since the given state (SELECT, RFC 4549 and RFC 7162; logged in).
//
// With QRESYNC the answer to SELECT includes all changes. With CONDSTORE the server reports the changed flags, and the UIDs
// are compared. With neither, the flags of all messages are fetched and the UIDs compared. Sync checks the server's data
// against the number of messages in the mailbox; if they do not match, or a part cannot be parsed, it gets the data in
// another way. The result is therefore correct whichever of these extensions a server has, or implements wrongly. If the
// server does not send some data when asked twice, the error is a PartialError or UnreadError; such messages are never
// reported as removed. A change that happens during the call may be reported again by the next one.
//
// The mailbox remains selected. Later changes are events (Client.Idle, Client.Events); those of before are dropped. Calling
// Sync with the newest state is a cheap way to get their details.
func (c *Client) Sync(ctx context.Context, mailbox string, state SyncState, opts *SyncOptions) (*SyncResult, error) {
	if !validRanges(state.UIDs) || isOpen(state.UIDs) {
		c.call.selectNotSent()
		return nil, unsent("SELECT", argError("SyncState: UIDs is not a set of known UIDs"))
	}
	if opts == nil {
		opts = &SyncOptions{}
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		c.call.selectNotSent()
		return nil, err
	}
	state.UIDs = append(UIDSet(nil), state.UIDs...).normalize()
	s := &syncing{c: c, old: state}
	res, err := s.selectFrom(ctx, mailbox, opts.ReadOnly, caps)
	if err != nil {
		return nil, err
	}
	s.c = c.pinTo(res.Mailbox)
	err = s.compare(ctx, res)
	if _, unread := err.(*UnreadError); err != nil && !unread {
		return nil, err
	}
	return res, err
}

// UnreadError reports that the data of some messages could not be parsed, although it was requested twice. A SyncResult
// returned with it is valid for all other messages, and its State may be stored: the next Sync requests these messages
// again.
type UnreadError struct {
	UIDs UIDSet // the messages
	Err  error  // the error of parsing the answer, if there was one
}

// Error reports the number of messages.
func (e *UnreadError) Error() string {
	s := "imap: the data of " + strconv.FormatUint(e.UIDs.Len(), 10) + " messages could not be read"
	if e.Err != nil {
		s += ": " + trimPrefix(e.Err.Error())
	}
	return s
}

// Unwrap returns the error of parsing the answer.
func (e *UnreadError) Unwrap() error { return e.Err }

// syncing is a Sync in progress.
type syncing struct {
	c        *Client
	old      SyncState
	resynced bool // the answer to SELECT included the changes
	counted  bool // and the number of messages
	modSeq   uint64
	problem  error // the error of a row that could not be parsed
}

// selectFrom selects the mailbox, with QRESYNC if there is a state to resynchronize from.
func (s *syncing) selectFrom(ctx context.Context, mailbox string, readOnly bool, caps Caps) (*SyncResult, error) {
	opts := &SelectOptions{ReadOnly: readOnly, CondStore: caps.offers("CONDSTORE")}
	resync := s.old.UIDValidity != 0 && s.old.HighestModSeq != 0 && caps.offers("QRESYNC")
	if resync {
		err := s.c.enableQResync(ctx)
		if err != nil && s.c.State() == LoggedOut {
			return nil, err // it has the text of the server's BYE
		}
		resync = err == nil
	}
	if resync {
		opts.QResync = &QResync{UIDValidity: s.old.UIDValidity, ModSeq: s.old.HighestModSeq, KnownUIDs: shortened(s.old.UIDs)}
		s.resynced = true
	}
	mb, sel, err := s.c.selectMailbox(ctx, mailbox, opts)
	if mb == nil {
		return nil, err
	}
	s.c.e.dropEarlier()
	s.counted = sel.counted
	if caps.offers("CONDSTORE") {
		s.modSeq = mb.HighestModSeq // without CONDSTORE it is of no use, although Yahoo sends it
	}
	if sel.modSeq != 0 {
		s.modSeq = min(s.modSeq, sel.modSeq)
	}
	if err != nil || sel.unread || s.modSeq < s.old.HighestModSeq {
		s.resynced = false // too many changes for the memory, or unknown ones: request them separately
	}
	res := &SyncResult{Mailbox: mb}
	if s.old.UIDValidity != mb.UIDValidity || mb.UIDValidity == 0 {
		res.Reset = s.old.UIDValidity != 0 || len(s.old.UIDs) > 0
		s.old, s.resynced = SyncState{}, false
	}
	return res, nil
}

// shortened returns a set that includes uids and can be sent in one line.
func shortened(uids UIDSet) UIDSet {
	if len(splitSet(uids, maxSetOctets)) <= 1 {
		return uids
	}
	return UIDRange(uids[0].Start, uids[len(uids)-1].Stop)
}

// compare fills the result.
func (s *syncing) compare(ctx context.Context, res *SyncResult) error {
	mb := res.Mailbox
	res.State = SyncState{UIDValidity: mb.UIDValidity, HighestModSeq: s.modSeq}
	if s.resynced && s.take(res) {
		return nil
	}
	res.New, res.Vanished, res.Changed, res.State.UIDs = nil, nil, nil, nil
	if mb.Exists == 0 && s.counted {
		res.Vanished = s.old.UIDs
		return nil
	}
	return s.ask(ctx, res)
}

// take uses the changes in the answer to SELECT. It reports whether they are complete: with the UID and flags of each
// message, and consistent with the number of messages.
func (s *syncing) take(res *SyncResult) bool {
	mb := res.Mailbox
	res.Vanished = s.old.UIDs.Intersect(mb.Vanished.normalize())
	for _, m := range lastOfEach(mb.Changed) {
		switch {
		case m.UID == 0 || m.Flags == nil:
			return false
		case s.old.UIDs.hasSorted(m.UID):
			res.Changed = append(res.Changed, m)
		default:
			res.New.add(m.UID)
		}
	}
	res.New = res.New.normalize()
	res.State.UIDs = s.old.UIDs.Minus(res.Vanished).Union(res.New)
	return s.counted && res.State.UIDs.Len() == uint64(mb.Exists)
}

// ask requests the UIDs, and the flags of the messages that the program has, of all or of those that changed.
func (s *syncing) ask(ctx context.Context, res *SyncResult) error {
	var there UIDSet
	since := s.old.HighestModSeq != 0 && s.modSeq >= s.old.HighestModSeq
	rows := &syncRows{}
	var err error
	if since || len(s.old.UIDs) == 0 {
		if there, err = s.list(ctx); err != nil {
			return err
		}
	}
	switch {
	case len(s.old.UIDs) == 0:
	case since && s.modSeq > s.old.HighestModSeq:
		rows, err = s.fetchFlags(ctx, UIDRange(1, 0), FetchFlags, FetchChangedSince(s.old.HighestModSeq))
	case !since:
		before := s.c.count()
		rows, err = s.fetchFlags(ctx, UIDRange(1, 0), FetchFlags)
		there = rows.uids()
		unread := len(rows.bad) > 0 || rows.unknown
		if err == nil && (unread || !before.admits(s.c.count(), there.Len())) {
			there, err = s.list(ctx)
		}
	}
	if err != nil {
		return err
	}
	if there, err = s.complete(ctx, rows, there, since); err != nil {
		res.State.HighestModSeq = min(s.modSeq, s.old.HighestModSeq) // request the unread data again
	}
	for _, m := range lastOfEach(rows.list) {
		if s.old.UIDs.hasSorted(m.UID) && there.hasSorted(m.UID) {
			res.Changed = append(res.Changed, m)
		}
	}
	res.New, res.Vanished = there.Minus(s.old.UIDs), s.old.UIDs.Minus(there)
	res.State.UIDs = there
	return err
}

// complete requests missing flags again, and returns the messages that exist now.
func (s *syncing) complete(ctx context.Context, rows *syncRows, there UIDSet, since bool) (UIDSet, error) {
	missing := rows.bad
	if held := s.old.UIDs.Intersect(there); !since || rows.unknown {
		missing = held.Minus(rows.uids())
	}
	if missing = missing.normalize().Intersect(s.old.UIDs); len(missing) == 0 {
		return there, nil
	}
	again, err := s.fetchFlags(ctx, missing, FetchFlags)
	if err != nil {
		return there, err
	}
	rows.list = append(rows.list, again.list...)
	if missing = missing.Minus(again.uids()); len(missing) == 0 {
		return there, nil
	}
	still, err := s.c.existingUIDs(ctx, missing)
	if err != nil {
		return there, err
	}
	there = there.Minus(missing.Minus(still))
	if len(still) > 0 {
		return there, &UnreadError{still, s.problem}
	}
	return there, nil
}

// syncRows are the flags of messages.
type syncRows struct {
	list    []*Message // messages whose flags could be parsed
	bad     UIDSet     // messages whose flags could not be parsed
	unknown bool       // the UID of a row could not be parsed either
}

func (rows *syncRows) uids() UIDSet { return uidsOf(rows.list) }

func uidsOf(messages []*Message) UIDSet {
	var uids UIDSet
	for _, m := range messages {
		uids.add(m.UID)
	}
	return uids.normalize()
}

// lastOfEach returns the last row of each message, in their order: a server may send a message twice, with the flags of two
// moments.
func lastOfEach(messages []*Message) []*Message {
	if uidsOf(messages).Len() == uint64(len(messages)) {
		return messages
	}
	last := make(map[UID]int, len(messages))
	for i, m := range messages {
		last[m.UID] = i
	}
	var list []*Message
	for i, m := range messages {
		if last[m.UID] == i {
			list = append(list, m)
		}
	}
	return list
}

// fetchFlags fetches the flags of messages.
func (s *syncing) fetchFlags(ctx context.Context, set UIDSet, items ...FetchItem) (*syncRows, error) {
	rows := &syncRows{}
	s.c.e.dropFlags(set)
	for m, err := range s.c.Fetch(ctx, set, items...) {
		var bad *ProtocolError
		if err != nil {
			if !errors.As(err, &bad) || errors.Is(err, ErrClosed) {
				return rows, err
			}
			s.problem = err
		}
		switch {
		case m == nil || m.UID == 0:
			rows.unknown = true
		case bad != nil || m.Flags == nil:
			rows.bad.add(m.UID)
		default:
			rows.list = append(rows.list, m)
		}
	}
	return rows, nil
}

// list returns the UIDs of all messages. If an answer does not match their number, it asks again, the last time with FETCH.
func (s *syncing) list(ctx context.Context) (UIDSet, error) {
	const searches = 3
	for range searches {
		before := s.c.count()
		found, err := s.c.Search(ctx, Where(), nil)
		if err != nil {
			return nil, err
		}
		if !s.counted || before.admits(s.c.count(), found.UIDs.Len()) {
			return found.UIDs, nil
		}
	}
	var uids UIDSet
	before := s.c.count()
	for m, err := range s.c.Fetch(ctx, UIDRange(1, 0)) {
		if m == nil || m.UID == 0 {
			return nil, err
		}
		uids.add(m.UID)
	}
	uids = uids.normalize()
	if !before.admits(s.c.count(), uids.Len()) {
		return nil, failed("UID SEARCH", errNotAllUIDs)
	}
	return uids, nil
}

// boxCount is the number of messages in the selected mailbox, and of removals since the connection was opened.
type boxCount struct{ exists, removed uint64 }

func (c *Client) count() boxCount {
	box, _ := c.e.boxState()
	return boxCount{uint64(box.exists), box.removed}
}

// admits reports whether a list with the given number of messages, made between the two counts, can be complete: it has all
// messages that existed throughout, and no more than existed at any time.
func (before boxCount) admits(after boxCount, listed uint64) bool {
	gone := after.removed - before.removed
	return listed+gone >= before.exists && listed <= after.exists+gone
}
