package model

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
)

// A plan for Watch has one step for each connection, and ends with a connection without faults. What happens on a
// connection, by the name of the step:
var watchOps = []string{
	"watch",      // the server ends it some time after the program knew everything
	"watchreset", // the same, and UIDVALIDITY changed before it
	"watchleave", // the loop is left
	"watchdrop",  // it is lost at some octet
	"watchfail",  // Dial fails, which may pass
	"watchdeny",  // Dial fails for good
}

// GenerateWatch returns a plan for Watch for a seed.
func GenerateWatch(seed uint64) Plan {
	r := &rng{seed}
	p := Plan{Seed: r.next() >> 32, Messages: r.n(9), Caps: []string{"IMAP4rev1"}}
	if r.one(60) {
		p.Messages = 300 // more than are fetched at a time, and states with many ranges
	}
	for _, name := range []string{"IDLE", "CONDSTORE", "QRESYNC", "ENABLE", "ESEARCH", "MESSAGELIMIT=3", "LITERAL+", "UIDPLUS"} {
		if !r.one(3) && (p.Messages < 100 || name != "MESSAGELIMIT=3") {
			p.Caps = append(p.Caps, name)
		}
	}
	ops := slices.Clone(watchOps)
	if r.one(2) {
		ops = []string{"watch", pick(r, ops)}
	}
	faults := Fault(r.next()) & (lastFault - 1)
	for range 1 + r.n(8) {
		step := Step{Op: pick(r, ops), Seed: r.next() >> 32, Faults: faults & Fault(r.next())}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// A watchRun is a program that follows a mailbox with Watch.
type watchRun struct {
	*journal
	plan   Plan
	store  *store
	box    *box
	opts   imap.WatchOptions
	steps  []Step // to come
	done   bool
	faults Fault // of all connections so far
	lost   int   // connections so far, as OnError was told

	conn    *watchConn
	cancel  context.CancelCauseFunc
	caller  *rng       // what the program does
	held    *held      // what it holds
	stored  []*held    // what it stored
	news    []imap.UID // delivered by this Watch
	changes int        // since this Watch began
	leave   int        // leave the loop after so many changes
	began   uint32     // UIDVALIDITY when this Watch began
	denied  bool       // Dial failed for good
	refused time.Time  // the mailbox cannot be opened since
}

// held is what a program holds of the mailbox.
type held struct {
	state imap.SyncState
	uids  string              // of the state, when it was delivered
	flags map[imap.UID]string // in wire syntax, or unknown
}

const unknown = "?"

var (
	errCut  = errors.New("the program ends the watch")
	errDone = errors.New("the plan is done")
)

func runWatch(p Plan) *journal {
	r := &rng{p.Seed}
	w := &watchRun{journal: &journal{}, plan: p, store: newStore(r, p.Messages), steps: p.Steps, caller: r, held: &held{flags: map[imap.UID]string{}}}
	w.box = w.store.boxes["INBOX"]
	w.stored = []*held{w.held}
	items := []imap.FetchItem{imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{}, imap.FetchInternalDate}
	shuffle(r, items)
	w.opts = imap.WatchOptions{ReadOnly: r.one(4), SkipExisting: r.one(4), Fetch: items[:1+r.n(4)], Poll: 4 * time.Minute, OnError: w.onError}
	watchdog := time.AfterFunc(100*24*time.Hour, func() {
		w.fail("hang", "Watch does not become quiet")
		w.stop()
	})
	defer watchdog.Stop()
	defer func() {
		if e := recover(); e != nil {
			w.fail("panic", "%v", e)
		}
		w.stop()
	}()
	for !w.done && w.found == nil {
		w.watch()
	}
	return w.journal
}

func (w *watchRun) stop() {
	w.done = true
	w.cancel(errDone)
	if w.conn != nil {
		w.conn.Close()
	}
}

// watch runs one Watch, from a state that was stored.
func (w *watchRun) watch() {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	w.cancel, w.conn = cancel, nil
	w.news, w.changes, w.denied, w.leave, w.refused = nil, 0, false, 0, time.Time{}
	w.began = w.box.validity
	w.restore()
	ended := false
	for ch, err := range imap.Watch(ctx, w.dial, w.box.name, w.held.state, &w.opts) {
		if w.changes++; ended {
			w.fail("watch", "Watch yields something after its end")
		}
		if ended = ch == nil; ended {
			w.log("-> the end: %v", err)
			w.checkEnd(ctx, err)
			continue
		}
		w.refused = time.Time{}
		w.locked(func() { w.apply(ch, err) })
		if w.found != nil {
			return
		}
		w.body(ch.Client)
		if w.leave--; w.leave == 0 {
			w.log("-- the program leaves the loop")
			return
		}
	}
	if !ended {
		w.fail("watch", "Watch ends without an error")
	}
}

// restore lets the program continue with what it stored, usually the last.
func (w *watchRun) restore() {
	stored := w.stored[len(w.stored)-1]
	if w.caller.one(3) {
		stored = pick(w.caller, w.stored)
	}
	if got := stored.state.UIDs.String(); got != stored.uids {
		w.fail("watch", "the UIDs of a delivered state were %s, and are %s", stored.uids, got)
	}
	w.held = stored.clone()
	w.log("== Watch from the UIDs %s and mod-sequence %d", stored.uids, stored.state.HighestModSeq)
}

func (h *held) clone() *held {
	return &held{state: h.state, uids: h.uids, flags: maps.Clone(h.flags)}
}

// locked runs f while no server runs.
func (w *watchRun) locked(f func()) {
	if w.conn != nil {
		w.conn.mu.Lock()
		defer w.conn.mu.Unlock()
	}
	f()
}

// ---- what Watch yields

// apply applies a change to what the program holds, and checks it.
func (w *watchRun) apply(ch *imap.Change, err error) {
	h := w.held
	w.log("-> %s, err %v", w.changeText(ch), err)
	switch ch.Kind {
	case imap.ChangeNew:
		w.arrived(ch.Message, err)
	case imap.ChangeFlags:
		w.flagged(ch.Message, err)
	case imap.ChangeGone:
		for uid := range ch.UIDs.All() {
			if h.flags[uid] == "" {
				w.fail("watch", "UID %d is gone, which was not there", uid)
			}
			if w.message(uid) != nil {
				w.fail("watch", "UID %d is gone, and exists", uid)
			}
			delete(h.flags, uid)
		}
	case imap.ChangeReset:
		if h.state.UIDValidity == w.box.validity || w.began == w.box.validity && h.state.UIDValidity == 0 {
			w.fail("watch", "a reset, and UIDVALIDITY is still %d", w.box.validity)
		}
		clear(h.flags)
		w.news = nil
	case imap.ChangeBegin:
		if !w.opts.SkipExisting || w.changes != 1 || h.state.UIDValidity != 0 {
			w.fail("watch", "ChangeBegin is not the first change")
		}
		for uid := range ch.State.UIDs.All() {
			h.flags[uid] = unknown
		}
	}
	if err != nil && ch.Kind != imap.ChangeNew && ch.Kind != imap.ChangeFlags {
		w.fail("watch", "change %d has the error %v", ch.Kind, err)
	}
	h.state, h.uids = ch.State, ch.State.UIDs.String()
	w.checkState()
	if c := ch.Client; c.State() != imap.LoggedOut && (c.Mailbox() == nil || c.Mailbox().Name != w.box.name) {
		w.fail("watch", "the connection of a change does not have the mailbox selected")
	}
	if w.caller.one(2) {
		w.stored = append(w.stored, h.clone())
	}
}

func (w *watchRun) changeText(ch *imap.Change) string {
	text := []string{"", "new", "flags", "gone", "reset", "begin"}[ch.Kind]
	if ch.Message != nil {
		text += " " + imap.UIDs(ch.Message.UID).String() + " " + flagText(ch.Message)
	}
	return text + " " + ch.UIDs.String()
}

// arrived checks a new message.
func (w *watchRun) arrived(m *imap.Message, err error) {
	if slices.Contains(w.news, m.UID) || w.held.flags[m.UID] != "" {
		w.fail("watch", "UID %d is delivered twice", m.UID)
	}
	w.news = append(w.news, m.UID)
	w.held.flags[m.UID] = flagText(m)
	truth := w.message(m.UID)
	if i := slices.IndexFunc(w.box.gone, func(o *message) bool { return o.uid == uint32(m.UID) }); truth == nil && i >= 0 {
		truth = w.box.gone[i]
	}
	switch {
	case truth == nil:
		w.fail("watch", "UID %d is new, and never existed", m.UID)
	case err != nil && w.faults&(Unread|Refuse) == 0 && w.lost < 4: // the fifth loss may be the reason
		w.fail("watch", "UID %d has the error %v, and nothing went wrong", m.UID, err)
	case err == nil:
		w.checkItems(m, truth)
	}
}

// checkItems checks that a new message has all its items.
func (w *watchRun) checkItems(m *imap.Message, truth *message) {
	for _, item := range w.opts.Fetch {
		ok := true
		switch item := item.(type) {
		case imap.Section:
			ok = slices.ContainsFunc(m.Sections, func(s imap.SectionData) bool {
				return s.Section.Specifier == item.Specifier && string(s.Bytes) == truth.section(item.Specifier)
			})
		default:
			switch item {
			case imap.FetchFlags:
				ok = w.said(truth, flagText(m))
			case imap.FetchSize:
				ok = m.Size == int64(len(truth.body))
			case imap.FetchInternalDate:
				ok = !m.InternalDate.IsZero()
			}
		}
		if !ok {
			w.fail("watch", "UID %d is delivered without an error, and lacks %v", m.UID, item)
		}
	}
}

// flagged checks the flags of a message that the program holds.
func (w *watchRun) flagged(m *imap.Message, err error) {
	if w.held.flags[m.UID] == "" {
		w.fail("watch", "the flags of UID %d are delivered before the message", m.UID)
	}
	if err != nil {
		if w.faults&Unread == 0 {
			w.fail("watch", "the flags of UID %d have the error %v, and nothing went wrong", m.UID, err)
		}
		return
	}
	truth := w.message(m.UID)
	if truth != nil && !w.said(truth, flagText(m)) {
		w.fail("watch", "the flags of UID %d are %s, which the server did not say", m.UID, flagText(m))
	}
	w.held.flags[m.UID] = flagText(m)
}

func flagText(m *imap.Message) string {
	if m.Flags == nil {
		return unknown
	}
	list := make([]string, len(m.Flags))
	for i, f := range m.Flags {
		list[i] = string(f)
	}
	return inOrder("(" + strings.Join(list, " ") + ")")
}

// inOrder returns a list of flags in alphabetical order.
func inOrder(flags string) string {
	list := strings.Fields(strings.Trim(flags, "()"))
	slices.Sort(list)
	return "(" + strings.Join(list, " ") + ")"
}

// said reports whether the server sent those flags of a message on this connection.
func (w *watchRun) said(m *message, flags string) bool {
	return slices.ContainsFunc(w.conn.srv.told[m], func(said string) bool { return inOrder(said) == flags })
}

// message returns an existing message.
func (w *watchRun) message(uid imap.UID) *message {
	if i := slices.IndexFunc(w.box.msgs, func(m *message) bool { return m.uid == uint32(uid) }); i >= 0 {
		return w.box.msgs[i]
	}
	return nil
}

// checkState checks that the state is that of what the program holds, and not past it.
func (w *watchRun) checkState() {
	h := w.held
	if want := imap.UIDs(slices.Collect(maps.Keys(h.flags))...); h.uids != want.String() && h.state.UIDs.Len() != want.Len() {
		w.fail("watch", "the state has the UIDs %s, and the changes lead to %s", h.uids, want)
	}
	for uid := range h.flags {
		if !h.state.UIDs.Contains(uid) {
			w.fail("watch", "the state lacks UID %d", uid)
		}
	}
	if h.state.UIDValidity != w.box.validity {
		w.fail("watch", "the state has UIDVALIDITY %d instead of %d", h.state.UIDValidity, w.box.validity)
	}
	for _, m := range w.box.msgs {
		got := h.flags[imap.UID(m.uid)]
		if got != "" && got != unknown && got != inOrder(m.flagList()) && m.modSeq <= h.state.HighestModSeq {
			w.fail("watch", "the state is at %d, and UID %d has %s since %d: the program has %s", h.state.HighestModSeq, m.uid, m.flagList(), m.modSeq, got)
		}
	}
}

// compare checks that the program holds the mailbox, when it could have learned everything.
func (w *watchRun) compare(c *watchConn) {
	h := w.held
	unread := make(map[uint32]bool)
	for _, rec := range c.srv.records {
		for _, row := range rec.rows {
			if row.bad {
				unread[row.m.uid] = true
			}
		}
	}
	for _, m := range w.box.msgs {
		switch got := h.flags[imap.UID(m.uid)]; {
		case got == "":
			w.fail("watch", "UID %d is missing", m.uid)
		case got != unknown && got != inOrder(m.flagList()) && !unread[m.uid] && !c.touched.Contains(imap.UID(m.uid)):
			w.fail("watch", "UID %d has the flags %s, and the program has %s", m.uid, m.flagList(), got)
		}
	}
	if len(h.flags) > len(w.box.msgs) && w.found == nil {
		w.fail("watch", "the program has the UIDs %s, and the mailbox %s", h.uids, uidsOf(w.box))
	}
}

// checkEnd checks the error that ended Watch.
func (w *watchRun) checkEnd(ctx context.Context, err error) {
	e, _ := errors.AsType[*imap.Error](err)
	switch {
	case ctx.Err() != nil:
		if !errors.Is(err, context.Cause(ctx)) {
			w.fail("watch", "ctx has ended with %v, and Watch with %v", context.Cause(ctx), err)
		}
	case w.denied:
		if e == nil || e.Code != imap.CodeAuthenticationFailed {
			w.fail("watch", "the login was refused, and Watch ends with %v", err)
		}
	case isNoMailbox(e):
		if w.changes > 1 && (w.refused.IsZero() || time.Since(w.refused) < 4*time.Minute) {
			w.fail("watch", "the first refusal of the mailbox ends Watch: %v", err)
		}
	default:
		w.fail("watch", "Watch ends with %v", err)
	}
}

func isNoMailbox(e *imap.Error) bool {
	return e != nil && (e.Command == "SELECT" || e.Command == "EXAMINE") && e.Status != "BYE"
}

// onError is called when Watch is going to try again.
func (w *watchRun) onError(err error, wait time.Duration) {
	w.log("-> OnError(%v)", err)
	w.lost++
	if w.denied {
		w.fail("watch", "Watch tries again after a refused login")
	}
	if e, _ := errors.AsType[*imap.Error](err); isNoMailbox(e) && w.refused.IsZero() {
		w.refused = time.Now()
	}
	if wait > 2*time.Minute {
		w.fail("watch", "Watch waits for %v", wait)
	}
}

// body is the body of the loop.
func (w *watchRun) body(c *imap.Client) {
	conn := w.conn
	var r *rng
	w.locked(func() {
		if !conn.quiet && conn.srv.step.chance(Leave, 3) {
			r = conn.srv.step.of(Leave)
		}
	})
	if r == nil {
		return
	}
	call := &call{op: "body", names: []string{"NOOP", "SELECT", "EXAMINE", "UID STORE", "UID FETCH", "UID SEARCH", "IDLE"}, copied: map[*message]bool{}}
	conn.tell(call)
	ctx := context.Background()
	switch r.n(7) {
	case 0:
		c.Noop(ctx)
	case 1:
		c.Events()
	case 2:
		c.Select(ctx, pick(r, names), nil)
	case 3:
		c.Select(ctx, pick(r, names), nil)
		c.Noop(ctx)
		c.Events()
	case 4: // Watch does not report what the server says for this call, but may report what it said before
		set := imap.UIDRange(1, imap.UID(1+r.n(9)))
		w.forget(set)
		call.flags, call.named = true, func(*message) bool { return true }
		c.Store(ctx, set, imap.AddFlags(imap.FlagSeen), nil)
	case 5:
		set := imap.UIDRange(imap.UID(1+r.n(5)), 0)
		w.forget(set)
		for range c.Fetch(ctx, set, imap.FetchFlags) {
			if r.one(3) {
				break
			}
		}
	case 6:
		time.Sleep(time.Duration(r.n(300)) * time.Second)
	}
	conn.tell(conn.watching)
}

// forget makes the flags of some messages unknown to the program, until the next connection.
func (w *watchRun) forget(set imap.UIDSet) {
	w.conn.touched = append(w.conn.touched, set...)
	for uid := range w.held.flags {
		if set.Contains(uid) {
			w.held.flags[uid] = unknown
		}
	}
}

// ---- the connections

// A watchConn is a connection of a Watch.
type watchConn struct {
	*link
	w        *watchRun
	step     Step
	watching *call       // for commands of Watch itself
	noise    int         // commands until others leave the mailbox alone
	quiet    bool        // they do, and the server reports everything
	in, out  int         // octets until it is lost, -1: never
	silent   bool        // it is lost without a sign
	touched  imap.UIDSet // messages about whose flags the body made a call
}

func (w *watchRun) dial(ctx context.Context) (*imap.Client, error) {
	step := Step{} // the last one
	if len(w.steps) > 0 {
		step, w.steps = w.steps[0], w.steps[1:]
	}
	r := &rng{step.Seed}
	w.log("== %s (%s)", step.Op, step.Faults)
	switch step.Op {
	case "watchfail":
		return nil, pick(r, []error{io.ErrUnexpectedEOF, context.DeadlineExceeded, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
			&imap.Error{Command: "LOGIN", Status: "NO", Code: imap.CodeUnavailable}, &imap.Error{Status: "BYE", Text: "later"}})
	case "watchdeny":
		w.denied = true
		return nil, &imap.Error{Command: "LOGIN", Status: "NO", Code: imap.CodeAuthenticationFailed}
	case "watchreset":
		w.reset(r)
	case "watchleave":
		w.leave = 1 + r.n(6)
	}
	w.faults |= step.Faults
	c := w.connect(step, r)
	return imap.NewClient(ctx, c, &imap.Options{Timeout: time.Minute})
}

// connect makes a connection to a new server.
func (w *watchRun) connect(step Step, r *rng) *watchConn {
	plan := w.plan
	if r.one(4) { // servers of one service may differ
		without := pick(r, []string{"CONDSTORE", "QRESYNC", "IDLE"})
		plan.Caps = slices.DeleteFunc(slices.Clone(plan.Caps), func(name string) bool { return name == without })
	}
	srv := newServer(plan, w.store)
	srv.journal, srv.step, srv.loggedIn = w.journal, newStep(step), true
	c := &watchConn{link: newLink(srv), w: w, step: step, noise: r.n(30), in: -1, out: -1}
	names := []string{"SELECT", "EXAMINE", "ENABLE", "UID SEARCH", "UID FETCH", "IDLE", "NOOP"}
	c.watching = &call{op: "watch", names: names, believed: w.box.name, copied: map[*message]bool{}}
	srv.call, srv.link = c.watching, c.link
	srv.put("* PREAUTH [CAPABILITY %s] hello", strings.Join(plan.Caps, " "))
	if srv.step.chance(Pieces, 1) {
		c.pieces = srv.step.of(Pieces)
	}
	if srv.step.chance(Cancel, 3) {
		cancel := w.cancel
		c.cut(func() { cancel(errCut) }, int64(srv.step.of(Cancel).n(2000)), -1)
	}
	if step.Op == "watchdrop" {
		c.silent, srv.reset = r.one(3), r.one(2)
		if c.in = r.n(1 + r.n(3000)); r.one(3) {
			c.in, c.out = -1, r.n(300)
		}
	}
	noise := time.Duration(r.n(30)) * time.Minute
	if step.Faults == 0 {
		noise, c.noise = 0, 0
	}
	time.AfterFunc(noise, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			c.calm()
		}
	})
	time.AfterFunc(noise+20*time.Minute, c.end)
	w.conn = c
	return c
}

// reset gives all messages new UIDs.
func (w *watchRun) reset(r *rng) {
	b := w.box
	msgs := b.msgs
	b.validity++
	b.uidNext, b.msgs, b.gone = 1+uint32(r.n(3)), nil, nil
	for _, m := range msgs {
		if !r.one(4) {
			b.add(&message{id: m.id, body: m.body, flags: m.flags})
		}
	}
}

func (c *watchConn) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.srv.ended && c.in != 0 && c.out != 0
}

func (c *watchConn) tell(call *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.srv.call = call
}

// calm lets the mailbox rest. The caller must hold mu.
func (c *watchConn) calm() {
	if c.quiet {
		return
	}
	c.quiet = true
	c.link.cancel, c.cancelIn, c.cancelOut = nil, -1, -1
	c.srv.step = newStep(Step{Seed: c.step.Seed, Faults: c.step.Faults & (Split | Order | Literals | Pieces)})
	c.srv.readyAt = time.Time{}
	c.report()
	c.broadcast()
}

// report sends everything that the client has not been told, where that is allowed now. The caller must hold mu.
func (c *watchConn) report() {
	s := c.srv
	if s.sel == nil || s.ended || len(s.outBuf) > 0 {
		return
	}
	if s.idle == nil && !(len(s.pending) > 0 && s.pending[0].name == "NOOP") {
		return
	}
	for s.sayExpunge(nil) {
	}
	s.sayExists()
	for slices.ContainsFunc(s.sel.view, func(m *message) bool { return m.modSeq > s.sel.flags[m] }) {
		s.sayFlags()
	}
}

// end compares the program with the mailbox, and ends the connection.
func (c *watchConn) end() {
	if !c.isOpen() {
		return
	}
	synctest.Wait()
	if !c.isOpen() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.srv.log("-- everything has been said")
	c.w.compare(c)
	if c.w.found != nil || c.step.Op == "" {
		c.w.done = true
		c.w.cancel(errDone)
		return
	}
	c.srv.ended = true
	c.broadcast()
}

func (c *watchConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if len(c.srv.records) > c.noise {
		c.calm()
	}
	if c.quiet {
		c.report()
	}
	room := c.in
	c.mu.Unlock()
	if room == 0 {
		return 0, c.goneError()
	}
	if room > 0 {
		p = p[:min(len(p), room)]
	}
	n, err := c.link.Read(p)
	if room > 0 {
		c.mu.Lock()
		c.in -= n
		c.mu.Unlock()
	}
	return n, err
}

// goneError returns the error of a connection that is lost.
func (c *watchConn) goneError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.silent && !c.closed && !c.expired() {
		c.wait()
	}
	switch {
	case c.closed:
		return net.ErrClosed
	case c.silent:
		return os.ErrDeadlineExceeded
	}
	c.srv.log("-- the connection is lost")
	if c.srv.ended = true; c.srv.reset {
		return &net.OpError{Op: "read", Net: "model", Err: syscall.ECONNRESET}
	}
	return io.EOF
}

func (c *watchConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	room := c.out
	c.mu.Unlock()
	if room < 0 {
		return c.link.Write(p)
	}
	n, err := c.link.Write(p[:min(len(p), room)])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out -= n
	if err == nil && n < len(p) {
		c.srv.log("-- the connection is lost")
		c.srv.ended, err = true, &net.OpError{Op: "write", Net: "model", Err: syscall.EPIPE}
	}
	return n, err
}
