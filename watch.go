package imap

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"hash/maphash"
	"iter"
	"math/rand/v2"
	"net"
	"slices"
	"time"
)

// ChangeKind is the kind of a Change.
type ChangeKind int

// Kinds of changes.
const (
	ChangeNew   ChangeKind = iota + 1 // a new message: Change.Message
	ChangeFlags                       // the flags of a message delivered before: Change.Message
	ChangeGone                        // messages delivered before were removed: Change.UIDs
	ChangeReset                       // UIDVALIDITY changed: discard all data of the mailbox; everything is delivered again
	ChangeBegin                       // with WatchOptions.SkipExisting: the state at the start of the watch
)

// Change is a change of a watched mailbox.
type Change struct {
	Kind    ChangeKind
	Message *Message // ChangeNew: with the items of WatchOptions.Fetch; ChangeFlags: with UID and, unless there is an error, Flags
	UIDs    UIDSet   // ChangeGone: the removed messages

	// State should be stored when the program has handled the change. A Watch from this state continues after the change.
	// Its UIDs must not be changed in place, since the states of later changes share their memory.
	State SyncState

	// Client is the connection, with the mailbox selected. It may be used until the loop continues, and must not be closed.
	// If events are taken from it (Events, Idle), Watch runs another Sync.
	Client *Client
}

// WatchOptions configures Watch. nil and the zero value have the defaults given here.
//
// Poll also bounds a pause, on servers with IDLE too. Some servers repeat responses that change nothing. After such responses
// Watch handles further ones that do not show what has changed, such as flags without a UID, only after a pause that grows up
// to Poll; a change that is certain ends the pause.
type WatchOptions struct {
	Fetch        []FetchItem   // items to fetch of each new message; nil: FetchFlags and FetchEnvelope
	ReadOnly     bool          // EXAMINE
	SkipExisting bool          // from the zero state: do not deliver messages that already exist; the first change is ChangeBegin
	Refresh      time.Duration // interval for renewing IDLE, so that a dead peer is detected; 0: five minutes
	Poll         time.Duration // interval of NOOP on servers without IDLE; 0: one minute
	MaxWait      time.Duration // longest pause before connecting again, unless the server asks for more; 0: two minutes

	// OnError, if not nil, is called with the error that ended or prevented a connection, and the pause before the next
	// attempt.
	OnError func(err error, wait time.Duration)
}

const (
	watchRefresh = 5 * time.Minute
	watchMaxWait = 2 * time.Minute
	firstWait    = 200 * time.Millisecond
	// maxBackoff bounds the pause requested by a server.
	maxBackoff = time.Hour
	// stableSession is how long a connection without changes must last to reset the pauses.
	stableSession = 30 * time.Second
	dialTimeout   = 2 * time.Minute
	// refusalPatience is how long logins may be refused without a reason, after one that succeeded.
	refusalPatience = 5 * time.Minute
	// throttlePatience is how long a server may say that it limits the client, instead of returning messages. Servers have the
	// same codes for a message that they can never return.
	throttlePatience = 48 * time.Hour
	// resyncAfter is the age of the last Sync after which events lead to another one.
	resyncAfter = 30 * time.Minute
	// watchBatch is how many messages are fetched at a time; with whole messages, or parts of them, it is one.
	watchBatch = 64
	// maxTries is how often the connection may be lost while fetching one message.
	maxTries = 5
)

// Watch returns an iterator that yields the changes of a mailbox since the given state, until ctx ends. It combines Sync,
// IDLE (or polling, if the server has no IDLE) and reconnecting (RFC 4549, RFC 2177).
//
// dial must return a connection that is logged in. It is called for each connection, so that it can get a fresh token. Watch
// closes the connections. state is the zero value, with which all messages are new, or the State of the last change that the
// program has handled. It need not be stored after each change: from an older state, some changes are delivered again.
//
// Each new message is delivered exactly once by one Watch, and at least once in all, whatever happens to connections,
// servers and the program, unless it is removed before it can be delivered. If the server cannot provide a message, a
// value cannot be parsed, or the connection is lost repeatedly while fetching it, the message is yielded with an error
// and with the data that is available; the loop continues. A server that limits the client is given two days instead,
// and one that reports that it is busy five minutes. Flags may be delivered repeatedly; if a mailbox has no mod-sequences, the flags of
// all messages are delivered once at the start.
//
// When a connection is lost, Watch connects again, after a randomized pause that grows from 0.2 seconds to
// WatchOptions.MaxWait and is never shorter than the server requests (Error.Backoff, up to an hour). An error without a
// change ends the loop: one that trying again cannot cure, such as refused credentials (CodeAuthenticationFailed), a
// mailbox that does not exist or, before the first connection, a certificate that is not trusted; or the cause of ctx.
// Break ends the loop without an error. In all cases the connection is closed.
//
// The loop body may take long; if the server closes the idle connection meanwhile, Watch reconnects. Watch has no
// goroutine, and uses one connection for one mailbox. To watch several, range over a Watch for each in separate
// goroutines, and mind the number of connections that the server allows (Gmail 15, Dovecot 10 by default).
func Watch(ctx context.Context, dial func(context.Context) (*Client, error), mailbox string, state SyncState, opts *WatchOptions) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		w := &watcher{dial: dial, mailbox: mailbox, yield: yield, state: state, begun: state.UIDValidity != 0 || len(state.UIDs) > 0}
		if opts != nil {
			w.o = *opts
		}
		if w.o.Fetch == nil {
			w.o.Fetch = []FetchItem{FetchFlags, FetchEnvelope}
		}
		w.o.Refresh = orDefault(w.o.Refresh, watchRefresh)
		w.o.MaxWait = orDefault(w.o.MaxWait, watchMaxWait)
		if !validRanges(state.UIDs) || isOpen(state.UIDs) {
			yield(nil, unsent(watchName, argError("SyncState: UIDs is not a set of known UIDs")))
			return
		}
		w.state.UIDs = slices.Clone(state.UIDs).normalize()
		w.run(ctx)
	}
}

// watchName stands for the command in the errors of Watch.
const watchName = "Watch"

// errStopped ends a Watch whose loop was left.
var errStopped = errors.New("the loop has ended")

// watcher is a Watch in progress.
type watcher struct {
	dial    func(context.Context) (*Client, error)
	mailbox string
	o       WatchOptions
	yield   func(*Change, error) bool

	state  SyncState // the state up to the last delivered change; state.UIDs is sorted, but see addUID
	shared int       // how many ranges of state.UIDs are in delivered states, too
	split  int       // how many of them continue the range before
	begun  bool      // state is valid; otherwise the watch begins with the existing messages

	c      *Client   // the connection
	box    *Client   // the same, for commands that need the mailbox
	synced time.Time // time of the last Sync
	noIdle bool      // the server refuses IDLE
	never  itemMask  // requested items that it does not send
	next   UID       // from here on there may be messages that no answer has listed: they arrived during the last Sync
	missed bool      // changes may be unknown: the loop body took events or opened a mailbox since the last Sync
	lost   bool      // the same for removals: they may be in the answers to commands of the loop body

	arrived uint64        // arrivals when the mailbox was searched last
	polled  time.Time     // time of the last NOOP or IDLE
	idle    time.Time     // earliest time of the next IDLE
	useful  bool          // something was delivered
	rest    time.Time     // until then events that seem to change nothing wait, because others have led to nothing
	resting time.Duration // how long that is

	connected bool // at least once
	wait      time.Duration
	began     time.Time // start of the session
	delivered bool      // the session delivered a change
	refused   time.Time // since when logins are refused
	busy      time.Time // since when the server is too busy to return messages
	throttled time.Time // since when it limits what the client may fetch

	unread     UIDSet         // the messages whose flags could not be parsed by the last Sync
	flags      map[UID]uint64 // hashes of the delivered flags, see known
	lastFailed UID            // the message during whose FETCH connections were lost, and how often
	tries      int
}

// run connects repeatedly.
func (w *watcher) run(ctx context.Context) {
	for {
		err := w.session(ctx)
		switch {
		case err == errStopped:
			return
		case ctx.Err() != nil:
			w.yield(nil, &commandError{watchName, context.Cause(ctx), true})
			return
		case w.permanent(err):
			w.yield(nil, err)
			return
		}
		pause := w.pause(err)
		if w.o.OnError != nil {
			w.o.OnError(err, pause)
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// session watches on one connection until it ends.
func (w *watcher) session(ctx context.Context) error {
	w.began, w.delivered, w.noIdle, w.never = time.Now(), false, false, 0
	w.polled, w.idle, w.rest = time.Time{}, time.Time{}, time.Time{}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	c, err := w.dial(dialCtx)
	cancel()
	if err != nil {
		return err
	}
	if c == nil {
		return &StateError{watchName, NotAuthenticated}
	}
	defer c.Close()
	w.c = c
	err = w.sync(ctx)
	for {
		if errors.Is(err, errOtherMailbox) || err == nil && w.missed { // the loop body selected it, or took events
			err = w.sync(ctx)
			continue
		}
		if err == nil && w.lost {
			err = w.findRemoved(ctx)
			continue
		}
		if err != nil {
			return err
		}
		var events []Event
		if events, err = w.awaitEvents(ctx); err == nil {
			w.useful = false
			err = w.take(ctx, events)
			w.pace()
		}
	}
}

// ---- what happened

// sync delivers the changes since the state.
func (w *watcher) sync(ctx context.Context) error {
	w.missed, w.lost = false, false
	before := uidAfter(w.state.UIDs)
	box, _ := w.c.e.boxState()
	res, err := w.c.Sync(ctx, w.mailbox, w.state, &SyncOptions{ReadOnly: w.o.ReadOnly})
	unread, _ := err.(*UnreadError) // its result has all else
	if err != nil && unread == nil {
		return err
	}
	w.connected, w.refused = true, time.Time{}
	w.synced, w.box = time.Now(), w.c.pinTo(res.Mailbox)
	if res.Reset {
		before = 1
	}
	w.arrived = uint64(res.Mailbox.Exists) + box.removed
	w.next = min(cmp.Or(res.Mailbox.UIDNext, before), uidAfter(res.State.UIDs))
	if !w.begun {
		w.begun = true
		if w.o.SkipExisting {
			w.state, w.split = res.State, 0
			return w.deliver(ctx, &Change{Kind: ChangeBegin}, nil)
		}
	}
	if res.Reset {
		w.state, w.flags, w.unread = SyncState{}, nil, nil
		w.lastFailed, w.tries = 0, 0
	}
	w.state.UIDValidity = res.Mailbox.UIDValidity
	if res.Reset {
		if err := w.deliver(ctx, &Change{Kind: ChangeReset}, nil); err != nil {
			return err
		}
	}
	if err := w.gone(ctx, res.Vanished); err != nil {
		return err
	}
	if res.State.HighestModSeq == 0 {
		// All flags are delivered again after each start: a program that stops early would see nothing else.
		if err := w.deliverNew(ctx, res.New); err != nil {
			return err
		}
		if err := w.flagged(ctx, res.Changed, 0); err != nil {
			return err
		}
		return w.unreadable(ctx, unread)
	}
	if err := w.flagged(ctx, res.Changed, res.State.HighestModSeq); err != nil {
		return err
	}
	w.flags = nil
	if err := w.unreadable(ctx, unread); err != nil {
		return err
	}
	return w.deliverNew(ctx, res.New)
}

// unreadable delivers the messages whose flags could not be parsed, each once as long as that lasts.
func (w *watcher) unreadable(ctx context.Context, err *UnreadError) error {
	var uids, fresh UIDSet
	if err != nil {
		uids = err.UIDs.Intersect(w.state.UIDs)
		fresh = uids.Minus(w.unread)
	}
	w.unread = w.unread.Intersect(uids)
	for uid := range fresh.All() {
		w.unread = w.unread.Union(UIDs(uid))
		if err := w.deliver(ctx, &Change{Kind: ChangeFlags, Message: &Message{UID: uid}}, err); err != nil {
			return err
		}
	}
	return nil
}

// take handles events. It runs another Sync for events that are incomplete or unusual.
func (w *watcher) take(ctx context.Context, events []Event) error {
	whole := time.Since(w.synced) < resyncAfter && w.isSelected()
	exists := false
	var flags []*Message
	var gone UIDSet
	for _, ev := range events {
		switch ev := ev.(type) {
		case *ExistsEvent:
			exists = true
		case *FetchEvent:
			flags = append(flags, ev.Message)
			whole = whole && ev.Message.UID != 0 && ev.Message.Flags != nil
		case *VanishedEvent:
			gone = append(gone, ev.UIDs...)
		case *InfoEvent: // "Still here" changes nothing
		default:
			whole = false
		}
	}
	if !whole {
		return w.sync(ctx)
	}
	if err := w.gone(ctx, gone.normalize()); err != nil {
		return err
	}
	if err := w.flagged(ctx, flags, w.state.HighestModSeq); err != nil {
		return err
	}
	if !exists {
		return nil
	}
	w.arrived = w.arrivals()
	found, err := w.box.Search(ctx, Where().In(UIDRange(w.next, 0)), nil)
	if err != nil {
		return err
	}
	if len(found.UIDs) > 0 {
		w.next = max(w.next, highest(found.UIDs)+1)
	}
	return w.deliverNew(ctx, found.UIDs)
}

// findRemoved delivers the removal of messages that are not in the mailbox any more, without a Sync: loop bodies that move each
// message would cause one for each, and in a large mailbox that may be expensive.
func (w *watcher) findRemoved(ctx context.Context) error {
	w.lost = false
	w.c.e.removeEvents(func(ev Event) bool {
		switch ev.(type) {
		case *ExpungeEvent, *VanishedEvent:
			return true
		}
		return false
	})
	before := w.c.count()
	there, err := w.box.Search(ctx, Where(), nil)
	if err != nil {
		return err
	}
	if !before.admits(w.c.count(), there.UIDs.Len()) {
		return w.sync(ctx)
	}
	return w.gone(ctx, w.state.UIDs.Minus(there.UIDs))
}

// uidAfter returns the UID after the highest of a set.
func uidAfter(uids UIDSet) UID {
	if len(uids) == 0 {
		return 1
	}
	return uids[len(uids)-1].Stop + 1
}

// isSelected reports whether the mailbox is still selected. The loop body may have selected another one. A SELECT or CLOSE that
// it gave up, and that is not answered yet, may do so, too.
func (w *watcher) isSelected() bool {
	box, _ := w.c.e.boxState()
	return !box.leaving && w.box.checkPinned() == nil
}

// awaitEvents waits for events about messages. After events that led to nothing it waits longer before it returns others that
// seem to change nothing: a server may send such events whenever IDLE begins, or with each NOOP.
func (w *watcher) awaitEvents(ctx context.Context) ([]Event, error) {
	next := w.c.newWait(&IdleOptions{Refresh: w.o.Refresh, Poll: w.o.Poll})
	next.noIdle, next.since, next.after = w.noIdle, w.polled, w.idle
	defer func() {
		w.polled, w.idle = next.since, next.after
		next.leave()
	}()
	var events []Event
	for {
		if !w.isSelected() {
			return nil, nil
		}
		if len(events) > 0 {
			next.until = w.rest
		}
		got, _, err := next.next(ctx)
		if !w.noIdle && (errors.Is(err, errIdleDenied) || refusal(err)) {
			w.noIdle, next.noIdle, next.since, err = true, true, time.Now(), nil
		}
		news := false
		for _, ev := range got {
			if aboutMessages(ev) {
				events = append(events, ev)
				news = news || w.isNews(ev)
			}
		}
		switch {
		case err != nil && len(events) == 0:
			return nil, err
		case err != nil:
			next.undelivered = err
			return events, nil
		case len(events) > 0 && (news || len(events) >= maxEvents || !time.Now().Before(w.rest)):
			return events, nil
		}
	}
}

// isNews reports whether an event is certainly about a change that was not delivered yet.
func (w *watcher) isNews(ev Event) bool {
	switch ev := ev.(type) {
	case *ExistsEvent:
		return w.arrivals() != w.arrived
	case *FetchEvent:
		m := ev.Message
		return m.UID != 0 && m.Flags != nil && w.state.UIDs.hasSorted(m.UID) && !w.isKnown(m, flagHash(m))
	case *VanishedEvent:
		return len(w.state.UIDs.Intersect(slices.Clone(ev.UIDs).normalize())) > 0
	}
	return true
}

// arrivals returns a number that grows by one with each message that arrives. A server that leaves out EXPUNGE may hide that.
func (w *watcher) arrivals() uint64 {
	box, _ := w.c.e.boxState()
	return uint64(box.exists) + box.removed
}

// pace decides how long events wait that seem to change nothing, after others were handled.
func (w *watcher) pace() {
	most := orDefault(w.o.Poll, defaultPoll)
	if w.useful || time.Since(w.rest) > most {
		w.rest, w.resting = time.Time{}, 0
	}
	if !w.useful {
		w.resting = min(max(2*w.resting, idlePause), most)
		w.rest = time.Now().Add(w.resting)
	}
}

func aboutMessages(ev Event) bool {
	switch ev.(type) {
	case *ExistsEvent, *ExpungeEvent, *VanishedEvent, *FetchEvent, *DroppedEvent, *NotifyOverflowEvent:
		return true
	}
	return false
}

// ---- delivering

// deliver yields a change with the state after it.
func (w *watcher) deliver(ctx context.Context, ch *Change, err error) error {
	ch.State = w.state
	ch.State.UIDs = w.sharedUIDs()
	ch.Client = w.c
	w.delivered, w.useful, w.wait = true, true, 0
	before, _ := w.c.e.boxState()
	taken := w.c.e.timesTaken()
	if !w.yield(ch, err) {
		return errStopped
	}
	after, _ := w.c.e.boxState()
	w.missed = w.missed || w.c.e.timesTaken() != taken || after.opened != before.opened
	w.lost = w.lost || after.removed != before.removed
	if w.isSelected() || w.c.State() == LoggedOut {
		return nil
	}
	w.missed = true
	return w.selectAgain(ctx)
}

// selectAgain selects the mailbox, because the loop body has selected another one: it finds each change with the watched
// mailbox selected.
func (w *watcher) selectAgain(ctx context.Context) error {
	mb, err := w.c.Select(ctx, w.mailbox, &SelectOptions{ReadOnly: w.o.ReadOnly})
	if err != nil {
		return err
	}
	if mb.UIDValidity != w.state.UIDValidity {
		return errOtherMailbox
	}
	w.box = w.c.pinTo(mb)
	return nil
}

// fewRanges is the number of ranges up to which each delivered state has its own copy of the set of UIDs.
const fewRanges = 64

// sharedUIDs returns the UIDs of the state for a delivered state. A large set is not copied, because as many changes may
// follow as there are messages: its memory is shared with the states that follow, which only append to it.
func (w *watcher) sharedUIDs() UIDSet {
	if len(w.state.UIDs) <= fewRanges {
		return slices.Clone(w.state.UIDs)
	}
	if w.split > len(w.state.UIDs)/8 {
		w.state.UIDs, w.split = slices.Clone(w.state.UIDs).normalize(), 0
	}
	w.shared = len(w.state.UIDs)
	return slices.Clip(w.state.UIDs)
}

// addUID adds a message to the state. If its UID continues a range that delivered states have too, it becomes a range of its
// own, until sharedUIDs copies the set.
func (w *watcher) addUID(uid UID) {
	uids := w.state.UIDs
	switch last := len(uids) - 1; {
	case last >= 0 && uids[last].Stop >= uid:
		w.state.UIDs, w.split = uids.Union(UIDs(uid)), 0
	case last >= 0 && last < w.shared && uids[last].Stop+1 == uid:
		w.state.UIDs = append(uids, Range[UID]{uid, uid})
		w.split++
	default:
		w.state.UIDs.add(uid)
	}
}

// gone delivers the removal of those messages that were delivered before.
func (w *watcher) gone(ctx context.Context, uids UIDSet) error {
	uids = w.state.UIDs.Intersect(uids)
	if len(uids) == 0 {
		return nil
	}
	w.state.UIDs, w.split = w.state.UIDs.Minus(uids), 0
	if w.flags != nil {
		for uid := range uids.All() {
			delete(w.flags, uid)
		}
	}
	return w.deliver(ctx, &Change{Kind: ChangeGone, UIDs: uids}, nil)
}

// flagged delivers the flags of messages that were delivered before. The state follows the mod-sequences of the delivered
// flags, and advances to modSeq with the last.
func (w *watcher) flagged(ctx context.Context, messages []*Message, modSeq uint64) error {
	messages = slices.DeleteFunc(slices.Clone(messages), func(m *Message) bool { return !w.state.UIDs.hasSorted(m.UID) || w.known(m) })
	slices.SortStableFunc(messages, func(a, b *Message) int { return cmp.Compare(a.ModSeq, b.ModSeq) })
	for i, m := range messages {
		if i == len(messages)-1 {
			w.state.HighestModSeq = modSeq
		} else if next := messages[i+1].ModSeq; m.ModSeq != 0 && next <= modSeq {
			w.state.HighestModSeq = max(w.state.HighestModSeq, next-1)
		}
		if err := w.deliver(ctx, &Change{Kind: ChangeFlags, Message: m}, nil); err != nil {
			w.flags = nil // not all that it holds was delivered
			return err
		}
	}
	w.state.HighestModSeq = modSeq
	return nil
}

var flagSeed = maphash.MakeSeed()

// known reports whether the flags of a message were delivered already, and records them. Those of the messages that arrived
// since the last Sync are recorded, and, in a mailbox without mod-sequences, where every Sync returns all flags, of all messages.
func (w *watcher) known(m *Message) bool {
	if w.flags == nil {
		w.flags = map[UID]uint64{}
	}
	hash := flagHash(m)
	known := w.isKnown(m, hash)
	w.flags[m.UID] = hash
	return known
}

func (w *watcher) isKnown(m *Message, hash uint64) bool {
	old, there := w.flags[m.UID]
	return there && old == hash
}

// flagHash returns a hash of the flags of a message, which is a sum, because the order does not matter.
func flagHash(m *Message) (hash uint64) {
	for _, f := range m.Flags {
		if f == FlagRecent {
			continue // \Recent depends on the session
		}
		hash += maphash.String(flagSeed, string(f))
	}
	return hash
}

// isBusy reports whether an error is a temporary condition of the server or the account, so that the message can be fetched
// later. It returns false after refusalPatience, or after throttlePatience if the server limits the client: Gmail limits an
// account for a day.
func (w *watcher) isBusy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.isTransient() || e.Status == "BYE" && e.Code != CodeUnavailable && !e.isThrottling() {
		return false
	}
	since, patience := &w.busy, refusalPatience
	if e.isThrottling() {
		w.busy = time.Time{}
		since, patience = &w.throttled, throttlePatience
	}
	if since.IsZero() {
		*since = time.Now()
	}
	return time.Since(*since) < patience
}

// refusal reports whether an error is a NO or BAD.
func refusal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status != "BYE"
}

// ---- trying again

// pause returns how long to wait after an error.
func (w *watcher) pause(err error) time.Duration {
	if w.delivered || w.connected && time.Since(w.began) >= stableSession {
		w.wait = 0
	}
	w.wait = min(max(2*w.wait, firstWait), w.o.MaxWait)
	pause := w.wait/2 + rand.N(w.wait/2+1)
	if e, ok := errors.AsType[*Error](err); ok {
		pause = max(pause, min(e.Backoff(), maxBackoff))
	}
	return pause
}

// permanent reports whether trying again is pointless.
func (w *watcher) permanent(err error) bool {
	if state, ok := errors.AsType[*StateError](err); ok {
		return state.State == NotAuthenticated // otherwise only the mailbox was closed
	}
	if errors.Is(err, ErrInsecure) || errors.Is(err, errors.ErrUnsupported) {
		return true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return w.isFinalRefusal(e)
	}
	if cmd, ok := errors.AsType[*commandError](err); ok && !cmd.sent && cmd.command != connecting {
		return !errors.Is(err, ErrClosed) && !errors.Is(err, ErrBusy) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errOtherMailbox)
	}
	if w.connected {
		return false
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	dns, ok := errors.AsType[*net.DNSError](err)
	return untrusted || ok && dns.IsNotFound
}

// isFinalRefusal reports whether a NO or BAD to a login, or to opening the mailbox, is permanent. Without a reason it is
// believed at once if there was no success before, and otherwise only after a while, because servers may refuse that way
// during their start.
func (w *watcher) isFinalRefusal(e *Error) bool {
	if e.isDisconnected() {
		return w.refusedForLong()
	}
	switch e.Code {
	case CodeAuthenticationFailed, "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED":
		return true
	case "", CodeNonExistent, "NOPERM", "ALERT", "CANNOT":
	default:
		return false // UNAVAILABLE, INUSE, LIMIT, SERVERBUG, ...
	}
	switch e.Command {
	case "LOGIN", "AUTHENTICATE", "SELECT", "EXAMINE":
	default:
		return false
	}
	if e.Status == "BYE" || e.Backoff() > 0 {
		return false
	}
	atOnce := !w.connected && e.Code != "ALERT" // Gmail refuses too many connections with ALERT
	return w.refusedForLong() || atOnce
}

// refusedForLong reports whether the server has refused the login or the mailbox for a while, from the first call on.
func (w *watcher) refusedForLong() bool {
	if w.refused.IsZero() {
		w.refused = time.Now()
	}
	return time.Since(w.refused) >= refusalPatience
}
