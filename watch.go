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

// ChangeKind reports what a Change is about.
type ChangeKind int

// Kinds of changes.
const (
	ChangeNew   ChangeKind = iota + 1 // a message that was not delivered yet: Change.Message
	ChangeFlags                       // a message that was, with its flags as they are now: Change.Message
	ChangeGone                        // messages that were, and are no more: Change.UIDs
	ChangeReset                       // UIDVALIDITY changed: what is held of the mailbox is to be thrown away; all of it comes anew
	ChangeBegin                       // with WatchOptions.SkipExisting: the state that the watch begins from
)

// Change is something that happened in a mailbox that is watched.
type Change struct {
	Kind    ChangeKind
	Message *Message // of ChangeNew: what WatchOptions.Fetch asks for; of ChangeFlags: UID and Flags
	UIDs    UIDSet   // of ChangeGone

	// State is what to store once the change was dealt with. A Watch that is given it goes on behind this change.
	State SyncState

	// Client is the connection, with the mailbox selected. It may be used until the loop goes on, and is Watch's to close.
	Client *Client
}

// WatchOptions say how a mailbox is watched. nil and the zero value have the defaults given here.
type WatchOptions struct {
	Fetch        []FetchItem   // of each new message; nil: FetchFlags and FetchEnvelope
	ReadOnly     bool          // EXAMINE
	SkipExisting bool          // from the zero state: messages that are there already are not delivered; the first change is ChangeBegin
	Refresh      time.Duration // IDLE is renewed this often, so that a dead peer is noticed; 0: five minutes
	Poll         time.Duration // without IDLE: NOOP this often; 0: one minute
	MaxWait      time.Duration // the longest pause before connecting again, where the server does not ask for more; 0: two minutes

	// OnError is told what ended a connection, or kept it from being made, and how long the pause is before the next.
	OnError func(err error, wait time.Duration)
}

const (
	watchRefresh = 5 * time.Minute
	watchMaxWait = 2 * time.Minute
	firstWait    = 200 * time.Millisecond
	// maxBackoff bounds the pause that a server asks for.
	maxBackoff = time.Hour
	// goodSession is how long a connection has to last for the pauses to begin anew, where it brought nothing.
	goodSession = 30 * time.Second
	dialTimeout = 2 * time.Minute
	// refusedFor is how long logins may be refused for no reason that is said, after one that was not.
	refusedFor = 5 * time.Minute
	// resyncAfter is how long a Sync may be past before news are taken by another.
	resyncAfter = 30 * time.Minute
	// watchBatch is how many messages are fetched at a time; whole ones, and parts of them, one by one.
	watchBatch = 64
	// maxTries is how often the connection may be lost over one message.
	maxTries = 5
)

// Watch yields what changes in a mailbox from a state on, for as long as ctx lasts: it is Sync, IDLE (or polling, where a
// server has none) and connecting again in one. (RFC 4549, RFC 2177)
//
// dial returns a connection that is logged in; it is called for each, so that it can ask for a fresh token. Watch closes
// what it returns. state is the zero value, with which all messages are new, or the State of the last change that was
// dealt with. It need not be stored after each change: from an older one some changes come again.
//
// Each new message is delivered: once for each state, so exactly once by one Watch, and at least once in all, however
// often connections, servers and the program end in between; unless it is removed before it can be. A message that the
// server cannot give, of which a value cannot be read, or over which the connection is lost again and again, comes with an
// error beside it and as much of it as there is; the loop goes on. Flags may be delivered again, and where a mailbox has
// no mod-sequences those of all messages come once at the start.
//
// A connection that is lost is made again, after a pause that grows from 0.2 seconds to WatchOptions.MaxWait, partly by
// chance, and is never shorter than the server asks for (Error.Backoff, up to an hour). An error without a change ends
// the loop: what trying again cannot mend, such as refused credentials (CodeAuthenticationFailed), a mailbox that does not
// exist or, as long as there was no connection, a certificate that is not trusted; or the cause of ctx. Break ends it
// quietly. In all cases the connection is closed.
//
// The loop body may take its time; a server that tires of waiting costs a connection only. Watch holds no goroutine, and
// one connection for one mailbox: for several, range over a Watch for each in goroutines of their own, in mind of the
// connections that the server allows (Gmail 15, Dovecot 10 by default).
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
			yield(nil, unsent(watchName, argError("SyncState: not a set of UIDs that are known")))
			return
		}
		w.state.UIDs = slices.Clone(state.UIDs).normalize()
		w.run(ctx)
	}
}

// watchName stands for the command in the errors of Watch.
const watchName = "Watch"

// errStopped ends a Watch whose loop body has ended.
var errStopped = errors.New("the loop has ended")

// watcher is a Watch under way.
type watcher struct {
	dial    func(context.Context) (*Client, error)
	mailbox string
	o       WatchOptions
	yield   func(*Change, error) bool

	state SyncState // what was delivered
	begun bool      // state is one; else the watch begins with what there is

	c      *Client   // the connection
	box    *Client   // the same, for commands about the mailbox alone
	synced time.Time // the last Sync
	noIdle bool      // the server refuses IDLE

	connected bool // some time
	wait      time.Duration
	began     time.Time // of the session
	fruitful  bool      // something was delivered in it
	refused   time.Time // logins are refused since then

	flags map[UID]uint64 // hashes of the flags that were delivered, as known says
	stuck UID            // the message over which connections were lost, and how often
	tries int
}

// run connects again and again.
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

// session is one connection, to its end.
func (w *watcher) session(ctx context.Context) error {
	w.began, w.fruitful, w.noIdle = time.Now(), false, false
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
		if errors.Is(err, errOtherMailbox) { // the loop body opened it
			err = w.sync(ctx)
			continue
		}
		if err != nil {
			return err
		}
		var events []Event
		if events, err = w.news(ctx); err == nil {
			err = w.take(ctx, events)
		}
	}
}

// ---- what happened

// sync takes what changed since the state.
func (w *watcher) sync(ctx context.Context) error {
	res, err := w.c.Sync(ctx, w.mailbox, w.state, &SyncOptions{ReadOnly: w.o.ReadOnly})
	if err != nil {
		return err
	}
	w.connected, w.refused = true, time.Time{}
	w.synced, w.box = time.Now(), w.c.pinTo(res.Mailbox)
	if !w.begun {
		w.begun = true
		if w.o.SkipExisting {
			w.state = res.State
			return w.deliver(&Change{Kind: ChangeBegin}, nil)
		}
	}
	if res.Reset {
		w.state, w.flags = SyncState{}, nil
	}
	w.state.UIDValidity = res.Mailbox.UIDValidity
	if res.Reset {
		if err := w.deliver(&Change{Kind: ChangeReset}, nil); err != nil {
			return err
		}
	}
	if err := w.gone(res.Vanished); err != nil {
		return err
	}
	if res.State.HighestModSeq == 0 {
		// All flags come, again after each start: a program that stops soon would see nothing else.
		if err := w.fresh(ctx, res.New); err != nil {
			return err
		}
		return w.flagged(res.Changed, 0)
	}
	if err := w.flagged(res.Changed, res.State.HighestModSeq); err != nil {
		return err
	}
	w.flags = nil
	return w.fresh(ctx, res.New)
}

// take takes events. What they do not say whole, and what is beside the usual, is asked for by another Sync.
func (w *watcher) take(ctx context.Context, events []Event) error {
	whole := time.Since(w.synced) < resyncAfter && w.stays()
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
	if err := w.gone(gone.normalize()); err != nil {
		return err
	}
	if err := w.flagged(flags, w.state.HighestModSeq); err != nil {
		return err
	}
	if !exists {
		return nil
	}
	next := UID(1)
	if n := len(w.state.UIDs); n > 0 {
		next = w.state.UIDs[n-1].Stop + 1
	}
	found, err := w.box.Search(ctx, Where().In(UIDRange(next, 0)), nil)
	if err != nil {
		return err
	}
	return w.fresh(ctx, found.UIDs)
}

// stays reports whether the mailbox is selected still. The loop body may have opened another.
func (w *watcher) stays() bool { return w.box.checkPinned() == nil }

// news waits for events about messages.
func (w *watcher) news(ctx context.Context) ([]Event, error) {
	for {
		if !w.stays() {
			return nil, nil
		}
		events, err := w.events(ctx)
		if err != nil {
			return nil, err
		}
		events = slices.DeleteFunc(events, func(ev Event) bool { return !aboutMessages(ev) })
		if len(events) > 0 {
			return events, nil
		}
	}
}

func aboutMessages(ev Event) bool {
	switch ev.(type) {
	case *ExistsEvent, *ExpungeEvent, *VanishedEvent, *FetchEvent, *DroppedEvent, *NotifyOverflowEvent:
		return true
	}
	return false
}

// events waits for any events.
func (w *watcher) events(ctx context.Context) ([]Event, error) {
	if w.noIdle {
		return w.poll(ctx)
	}
	var events []Event
	for ev, err := range w.c.Idle(ctx, &IdleOptions{Refresh: w.o.Refresh, Poll: w.o.Poll}) {
		refusal, _ := errors.AsType[*Error](err)
		if errors.Is(err, errIdleDenied) || refusal != nil && refusal.Status != "BYE" {
			w.noIdle = true
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		events = append(events, ev)
		break
	}
	return append(events, w.c.Events()...), nil
}

// poll sends a NOOP after a while.
func (w *watcher) poll(ctx context.Context) ([]Event, error) {
	t := time.NewTimer(orDefault(w.o.Poll, defaultPoll))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-w.c.conn.Done():
	}
	if err := w.c.Noop(ctx); err != nil {
		return nil, err
	}
	return w.c.Events(), nil
}

// ---- delivering

// deliver yields a change with the state behind it.
func (w *watcher) deliver(ch *Change, err error) error {
	ch.State = w.state
	ch.State.UIDs = slices.Clone(w.state.UIDs)
	ch.Client = w.c
	w.fruitful, w.wait = true, 0
	if !w.yield(ch, err) {
		return errStopped
	}
	return nil
}

// gone delivers that messages are gone, of those that are held.
func (w *watcher) gone(uids UIDSet) error {
	uids = w.state.UIDs.Intersect(uids)
	if len(uids) == 0 {
		return nil
	}
	w.state.UIDs = w.state.UIDs.Minus(uids)
	if w.flags != nil {
		for uid := range uids.All() {
			delete(w.flags, uid)
		}
	}
	return w.deliver(&Change{Kind: ChangeGone, UIDs: uids}, nil)
}

// flagged delivers the flags of messages that are held. The state follows the mod-sequences of those that were delivered,
// and goes on to modSeq with the last.
func (w *watcher) flagged(messages []*Message, modSeq uint64) error {
	messages = slices.DeleteFunc(slices.Clone(messages), func(m *Message) bool { return !w.state.UIDs.Contains(m.UID) || w.known(m) })
	slices.SortStableFunc(messages, func(a, b *Message) int { return cmp.Compare(a.ModSeq, b.ModSeq) })
	for i, m := range messages {
		if i == len(messages)-1 {
			w.state.HighestModSeq = modSeq
		} else if next := messages[i+1].ModSeq; m.ModSeq != 0 && next <= modSeq {
			w.state.HighestModSeq = max(w.state.HighestModSeq, next-1)
		}
		if err := w.deliver(&Change{Kind: ChangeFlags, Message: m}, nil); err != nil {
			return err
		}
	}
	w.state.HighestModSeq = modSeq
	return nil
}

var flagSeed = maphash.MakeSeed()

// known reports whether a message has the flags that were delivered, as far as they are remembered: of the messages that
// came since the last Sync, and where a mailbox has no mod-sequences, so that every Sync brings all flags, of all.
func (w *watcher) known(m *Message) bool {
	if w.flags == nil {
		w.flags = map[UID]uint64{}
	}
	var hash uint64 // of a set: the order does not matter
	for _, f := range m.Flags {
		if f == FlagRecent {
			continue // of the session
		}
		hash += maphash.String(flagSeed, string(f))
	}
	old, there := w.flags[m.UID]
	w.flags[m.UID] = hash
	return there && old == hash
}

// fresh delivers those of the messages that are not held.
func (w *watcher) fresh(ctx context.Context, uids UIDSet) error {
	uids = uids.normalize().Minus(w.state.UIDs)
	batch := watchBatch
	if slices.ContainsFunc(w.o.Fetch, isLarge) {
		batch = 1
	}
	for len(uids) > 0 {
		n := batch
		if uids[0].Start == w.stuck {
			n = 1
		}
		part := first(uids, n)
		uids = uids.Minus(part)
		if err := w.freshPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// isLarge reports whether an item may be as long as a message.
func isLarge(item FetchItem) bool {
	s, ok := item.(Section)
	return ok && s.Count == 0 && s.Specifier != "HEADER" && s.Specifier != "MIME"
}

// first returns the first n of a normal set.
func first[N UID | SeqNum](set Set[N], n int) Set[N] {
	var out Set[N]
	for _, r := range set {
		if n <= 0 {
			break
		}
		r.Stop = min(r.Stop, r.Start+N(n)-1)
		n -= int(r.Stop-r.Start) + 1
		out = append(out, r)
	}
	return out
}

// freshMessage is a message with what was wrong with it.
type freshMessage struct {
	m   *Message
	err error
}

// freshPart fetches some messages, and then delivers them: what the loop body does, and how long, is no matter to the
// FETCH.
func (w *watcher) freshPart(ctx context.Context, part UIDSet) error {
	var got []freshMessage
	var failure error
	for m, err := range w.box.Fetch(ctx, part, w.o.Fetch...) {
		switch {
		case m == nil:
			failure = err
		case part.Contains(m.UID):
			got = append(got, freshMessage{m, err})
		}
	}
	slices.SortStableFunc(got, func(a, b freshMessage) int { return int(int64(a.m.UID) - int64(b.m.UID)) })
	for _, f := range got {
		if err := w.freshOne(f.m, f.err); err != nil {
			return err
		}
	}
	if left := part.Minus(w.state.UIDs); failure != nil && len(left) > 0 {
		return w.failing(ctx, left, failure)
	}
	return failure
}

// freshOne delivers a message, if it was not.
func (w *watcher) freshOne(m *Message, err error) error {
	if w.state.UIDs.Contains(m.UID) {
		return nil
	}
	if m.UID == w.stuck {
		w.stuck, w.tries = 0, 0
	}
	if n := len(w.state.UIDs); n > 0 && w.state.UIDs[n-1].Stop < m.UID {
		w.state.UIDs.add(m.UID)
	} else {
		w.state.UIDs = w.state.UIDs.Union(UIDs(m.UID))
	}
	if m.Flags != nil {
		w.known(m)
	}
	return w.deliver(&Change{Kind: ChangeNew, Message: m}, err)
}

// failing deals with a FETCH that did not bring all of its messages. One that stands in the way is found by asking for it
// alone, and delivered with the error in place of its data.
func (w *watcher) failing(ctx context.Context, left UIDSet, failure error) error {
	refused := refusal(failure)
	lone := left.Len() == 1
	switch {
	case ctx.Err() != nil, errors.Is(failure, errOtherMailbox):
		return failure
	case refused && !lone:
		for uid := range left.All() {
			if err := w.freshPart(ctx, UIDs(uid)); err != nil {
				return err
			}
		}
		return nil
	case refused:
		there, err := w.box.Search(ctx, Where().In(left), nil)
		if err != nil {
			return err
		}
		if !there.UIDs.Contains(left[0].Start) {
			return nil // removed in the meantime
		}
		return w.freshOne(&Message{UID: left[0].Start}, failure)
	}
	if w.stuck != left[0].Start {
		w.stuck, w.tries = left[0].Start, 0
	}
	most := maxTries
	if _, ok := errors.AsType[*LimitError](failure); ok {
		most = 2
	}
	if w.tries++; w.tries >= most {
		if err := w.freshOne(&Message{UID: w.stuck}, failure); err != nil {
			return err
		}
	}
	return failure
}

// refusal reports whether an error is a NO or BAD.
func refusal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status != "BYE"
}

// ---- trying again

// pause is how long to wait after an error.
func (w *watcher) pause(err error) time.Duration {
	if w.fruitful || w.connected && time.Since(w.began) >= goodSession {
		w.wait = 0
	}
	w.wait = min(max(2*w.wait, firstWait), w.o.MaxWait)
	pause := w.wait/2 + rand.N(w.wait/2+1)
	if e, ok := errors.AsType[*Error](err); ok {
		pause = max(pause, min(e.Backoff(), maxBackoff))
	}
	return pause
}

// permanent reports whether trying again is of no use.
func (w *watcher) permanent(err error) bool {
	if state, ok := errors.AsType[*StateError](err); ok {
		return state.State != LoggedOut
	}
	if errors.Is(err, ErrInsecure) || errors.Is(err, errors.ErrUnsupported) {
		return true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return w.refusedForGood(e)
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

// refusedForGood reports whether a NO or BAD to a login, or to opening the mailbox, will stay one. What says no reason is
// believed at once where it never went well, and else when it has gone on for a while: servers that start refuse so.
func (w *watcher) refusedForGood(e *Error) bool {
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
	if w.refused.IsZero() {
		w.refused = time.Now()
	}
	atOnce := !w.connected && e.Code != "ALERT" // by which Gmail refuses one connection too many
	return atOnce || time.Since(w.refused) >= refusedFor
}
