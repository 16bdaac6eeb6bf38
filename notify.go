package imap

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
)

// ApplePushOptions identifies the device that is notified of new mail.
type ApplePushOptions struct {
	AccountID   string // identifies the account on the device
	DeviceToken string
	Subtopic    string // "com.apple.mobilemail"
	Mailboxes   []string
}

// ApplePush makes the server notify Apple's push service of new mail (XAPPLEPUSHSERVICE, an Apple extension in the form of
// Cyrus; capability of that name; logged in). It returns the server's answer, by name: "aps-topic" is the topic to which the
// device must subscribe.
func (c *Client) ApplePush(ctx context.Context, opts *ApplePushOptions) (map[string]string, error) {
	if opts == nil {
		opts = &ApplePushOptions{}
	}
	cmd := &command{name: "XAPPLEPUSHSERVICE", states: inAuth, rows: "XAPPLEPUSHSERVICE", traits: traits{exclusive: true}} // as with every secret
	c.e.keepSecret(cmd, opts.DeviceToken, escapeQuoted(opts.DeviceToken))
	cmd.encode = func(e *encoder) {
		e.need("XAPPLEPUSHSERVICE").raw(` aps-version 2 aps-account-id `).astring(opts.AccountID).raw(" aps-device-token ")
		e.secret(opts.DeviceToken).raw(" aps-subtopic ").astring(opts.Subtopic)
		for i, m := range opts.Mailboxes {
			e.raw([]string{" mailboxes (", " "}[min(i, 1)]).mailbox(m)
		}
		if len(opts.Mailboxes) > 0 {
			e.raw(")")
		}
	}
	return gather(ctx, c, cmd, func() applePairs { return applePairs{} })
}

// applePairs collects the pairs in XAPPLEPUSHSERVICE responses.
type applePairs map[string]string

func (a applePairs) take(r *response) (claim, error) {
	if r.name != "XAPPLEPUSHSERVICE" {
		return notMine, nil
	}
	for !r.atEnd() {
		name, err := r.astring()
		if err != nil {
			return mine, err
		}
		r.skipSpaces()
		value, _, err := r.nstring()
		if err != nil {
			return mine, err
		}
		a[name] = value
	}
	return mine, nil
}

// NotifyScope selects the mailboxes of a NotifyRule (RFC 5465 section 6).
type NotifyScope string

// The scopes of NOTIFY. The last two apply to the mailboxes in NotifyRule.Mailboxes.
const (
	NotifySelected        NotifyScope = "SELECTED"         // the selected mailbox; with NotifyMessageExpunge sequence numbers cannot be used: see Notify
	NotifySelectedDelayed NotifyScope = "SELECTED-DELAYED" // the same, but expunged messages are reported as without NOTIFY
	NotifyInboxes         NotifyScope = "INBOXES"          // where new mail is delivered
	NotifyPersonal        NotifyScope = "PERSONAL"         // all mailboxes of the user
	NotifySubscribed      NotifyScope = "SUBSCRIBED"       // the subscribed mailboxes
	NotifySubtree         NotifyScope = "SUBTREE"          // the named mailboxes and all below them
	NotifyMailboxes       NotifyScope = "MAILBOXES"        // the named mailboxes
)

// The events of NOTIFY. MessageNew and MessageExpunge must be requested together, and FlagChange only with both.
const (
	NotifyMessageNew            NotifyEvent = "MessageNew"            // ExistsEvent and FetchEvent, StatusEvent for other mailboxes
	NotifyMessageExpunge        NotifyEvent = "MessageExpunge"        // ExpungeEvent or VanishedEvent, StatusEvent
	NotifyFlagChange            NotifyEvent = "FlagChange"            // FetchEvent, StatusEvent
	NotifyAnnotationChange      NotifyEvent = "AnnotationChange"      // FetchEvent, StatusEvent
	NotifyMailboxName           NotifyEvent = "MailboxName"           // ListEvent: created, renamed, removed
	NotifySubscriptionChange    NotifyEvent = "SubscriptionChange"    // ListEvent
	NotifyMailboxMetadataChange NotifyEvent = "MailboxMetadataChange" // MetadataEvent
	NotifyServerMetadataChange  NotifyEvent = "ServerMetadataChange"  // MetadataEvent
)

// NotifyRule selects the events to report for some mailboxes.
type NotifyRule struct {
	Scope     NotifyScope
	Mailboxes []string      // for NotifySubtree and NotifyMailboxes
	Events    []NotifyEvent // none: nothing is reported
	Fetch     []FetchItem   // with NotifyMessageNew and a selected scope: items of each new message, in addition to its UID
}

// NotifyOptions configures Notify.
type NotifyOptions struct {
	Status bool // report the current status of the mailboxes at once: StatusEvent
}

// Notify makes the server report changes of any mailboxes; it replaces earlier rules, and without rules it stops all reports
// (NOTIFY, RFC 5465; capability NOTIFY; logged in). Reports are events: Idle yields them, and Events returns those that
// arrived meanwhile. If the server does not know an event, the error has the code BADEVENT. If there are too many changes,
// the server sends a NotifyOverflowEvent and stops reporting. With NotifyMessageExpunge for NotifySelected it reports
// expunged messages at any time, so commands with sequence numbers fail with an error that wraps ErrUIDOnly.
func (c *Client) Notify(ctx context.Context, rules []NotifyRule, opts *NotifyOptions) error {
	cmd := &command{name: "NOTIFY", states: inAuth, traits: traits{exclusive: true}}
	cmd.encode = func(e *encoder) {
		e.need("NOTIFY")
		if len(rules) == 0 {
			e.raw(" NONE")
			return
		}
		e.raw(" SET")
		if opts != nil && opts.Status {
			e.raw(" STATUS")
		}
		for i := range rules {
			rules[i].encode(e.sp())
		}
	}
	c.notification(cmd, len(rules) > 0, slices.ContainsFunc(rules, (NotifyRule).hasSections), slices.ContainsFunc(rules, (NotifyRule).expungesAtOnce))
	return c.run(ctx, cmd)
}

// hasSections reports whether a rule requests sections of new messages.
func (r NotifyRule) hasSections() bool {
	return slices.ContainsFunc(r.Fetch, func(item FetchItem) bool {
		_, ok := item.(Section)
		return ok
	})
}

// expungesAtOnce reports whether a rule makes the server report expunged messages of the selected mailbox at any time.
func (r NotifyRule) expungesAtOnce() bool {
	return ascii.EqualFold(string(r.Scope), string(NotifySelected)) &&
		slices.ContainsFunc(r.Events, func(ev NotifyEvent) bool { return ascii.EqualFold(string(ev), string(NotifyMessageExpunge)) })
}

// expungesAtOnce is like the method, for the arguments of a raw NOTIFY.
func expungesAtOnce(args string) bool {
	for _, rule := range strings.Split(strings.ToUpper(args), "(SELECTED ")[1:] {
		depth := 1
		end := strings.IndexFunc(rule, func(r rune) bool {
			depth += map[rune]int{'(': 1, ')': -1}[r]
			return depth == 0
		})
		if end >= 0 && slices.Contains(strings.FieldsFunc(rule[:end], func(r rune) bool { return strings.ContainsRune(" ()", r) }), "MESSAGEEXPUNGE") {
			return true
		}
	}
	return false
}

// notification makes cmd a command that switches NOTIFY on or off. With sections the server may report those of new messages,
// with expunges the removal of messages at any time.
func (c *Client) notification(cmd *command, on, sections, expunges bool) {
	cmd.finish = func(s *status) {
		if s.ok() {
			c.e.setNotify(on)
			c.e.setNotifySections(sections)
			c.e.setNotifyExpunges(expunges)
		}
	}
}

func (r *NotifyRule) encode(e *encoder) {
	e.raw("(").atom("a NotifyScope", string(r.Scope))
	if r.Scope == NotifySubtree || r.Scope == NotifyMailboxes {
		r.encodeMailboxes(e)
	} else if len(r.Mailboxes) > 0 {
		e.fail(argError("NotifyRule: Mailboxes with a scope that has none"))
	}
	if len(r.Events) == 0 {
		e.raw(" NONE)")
		return
	}
	if len(r.Fetch) > 0 && !slices.Contains(r.Events, NotifyMessageNew) {
		e.fail(argError("NotifyRule: Fetch without NotifyMessageNew"))
	}
	e.raw(" (")
	for i, event := range r.Events {
		if i > 0 {
			e.sp()
		}
		e.atom("a NotifyEvent", string(event))
		if event == NotifyMessageNew && len(r.Fetch) > 0 {
			r.encodeFetch(e)
		}
	}
	e.raw("))")
}

func (r *NotifyRule) encodeMailboxes(e *encoder) {
	if len(r.Mailboxes) == 0 {
		e.fail(argError("NotifyRule: no Mailboxes"))
	}
	e.raw(" (")
	for i, m := range r.Mailboxes {
		if i > 0 {
			e.sp()
		}
		e.mailbox(m)
	}
	e.raw(")")
}

func (r *NotifyRule) encodeFetch(e *encoder) {
	e.raw(" (UID")
	for _, item := range r.Fetch {
		switch item := item.(type) {
		case FetchAttr:
			e.need(e.table.fetch.all[string(item)].needs...).sp().atom("a FETCH item", string(item))
		case Section:
			item.encode(e.sp())
		case fetchArg:
			item.encode(e.need(e.table.fetch.all[item.name].needs...).sp())
		default:
			e.fail(argError("NotifyRule: a FETCH item of type %T", item))
		}
	}
	e.raw(")")
}

// NotifyOverflowEvent reports that the server had too many changes to report, and has ended NOTIFY (RFC 5465 section 5.8).
type NotifyOverflowEvent struct{ Text string }

func (ev *NotifyOverflowEvent) size() int   { return eventSize + len(ev.Text) }
func (*NotifyOverflowEvent) persists() bool { return true }

// overflowCode is the table entry of NOTIFICATIONOVERFLOW.
func overflowCode(e *engine, s *status) Event {
	e.setNotify(false)
	return &NotifyOverflowEvent{s.text}
}

// SearchUpdate is one step of a search that the server keeps current.
type SearchUpdate struct {
	UIDs           []UID // the current result: for SearchUpdates in ascending order, for SortUpdates in that of the keys
	Added, Removed []UID // changes of this step
	Event          Event // another event that arrived meanwhile; the result is unchanged then
}

// SearchUpdates returns an iterator that searches and keeps the result current: it yields the result at once, and again
// whenever messages begin or cease to match (UID SEARCH with UPDATE, RFC 5267 section 4.3; capability CONTEXT=SEARCH;
// selected). It waits as Idle does, and also yields the events that Idle yields. The loop ends with an error if the server
// refuses to continue (CodeNoUpdate) or another mailbox is selected; break ends it without an error and stops the updates
// (CANCELUPDATE). After a DroppedEvent the search is repeated, and the next step has the changes. The caller owns UIDs.
func (c *Client) SearchUpdates(ctx context.Context, q Query, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return c.updates(ctx, &liveSearch{name: "UID SEARCH", needs: "CONTEXT=SEARCH", q: q}, opts)
}

// SortUpdates is like SearchUpdates, with a sorted result (UID SORT with UPDATE, RFC 5267 section 4.3; capability
// CONTEXT=SORT; selected).
func (c *Client) SortUpdates(ctx context.Context, keys []SortKey, q Query, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return c.updates(ctx, &liveSearch{name: "UID SORT", needs: "CONTEXT=SORT", keys: keys, q: q, sorted: true}, opts)
}

func (c *Client) updates(ctx context.Context, l *liveSearch, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return func(yield func(*SearchUpdate, error) bool) {
		l, view := *l, c.pin()
		var o IdleOptions
		if opts != nil {
			o = *opts
		}
		end := time.Now().Add(o.For)
		if err := l.start(ctx, view); err != nil {
			yield(nil, err)
			return
		}
		defer l.cancel(ctx, view)
		if !yield(l.step(nil, slices.Clone(l.uids)), nil) {
			return
		}
		for _, ev := range l.early {
			if more := l.yieldEvent(ev, yield); !more {
				return
			}
		}
		for l.follow(ctx, c, &o, yield) && l.again(ctx, view, yield) {
			if o.For == 0 {
				continue
			}
			if o.For = time.Until(end); o.For <= 0 {
				return
			}
		}
	}
}

// follow waits for events, and returns true after a DroppedEvent: changes of the result may have been dropped.
func (l *liveSearch) follow(ctx context.Context, c *Client, opts *IdleOptions, yield func(*SearchUpdate, error) bool) (again bool) {
	w := c.newWait(opts)
	w.check = func() error {
		if l.hasLeft(c) {
			return errOtherMailbox
		}
		return nil
	}
	w.run(ctx, func(ev Event, err error) bool {
		if err == nil {
			err = w.check()
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		if more := l.yieldEvent(ev, yield); !more {
			return false
		}
		_, again = ev.(*DroppedEvent)
		return !again
	})
	return again
}

// again repeats the search, and yields the changes.
func (l *liveSearch) again(ctx context.Context, view *Client, yield func(*SearchUpdate, error) bool) bool {
	l.cancel(ctx, view)
	before, tag := l.uids, l.cmd.tag
	if err := l.start(ctx, view); err != nil {
		l.ended = true // nothing is left to cancel
		yield(nil, err)
		return false
	}
	view.e.forgetSearch(tag)
	up := l.step(nil, without(l.uids, before))
	up.Removed = without(before, l.uids)
	if !yield(up, nil) {
		return false
	}
	for _, ev := range l.early {
		if !l.yieldEvent(ev, yield) {
			return false
		}
	}
	return true
}

// forgetSearch drops the queued events of a search that was repeated.
func (e *engine) forgetSearch(tag string) {
	e.removeEvents(func(ev Event) bool {
		change, ok := ev.(*ContextEvent)
		return ok && change.Tag == tag
	})
}

// without returns the UIDs that are in list but not in other.
func without(list, other []UID) []UID {
	set := UIDs(other...).normalize()
	return slices.DeleteFunc(slices.Clone(list), set.Contains)
}

// liveSearch is a search with UPDATE.
type liveSearch struct {
	name   string
	needs  string
	keys   []SortKey
	q      Query
	sorted bool

	cmd   *command
	box   *Mailbox // in which the search runs: its updates end with the selection
	uids  []UID
	early []Event // events that came with the answer
	ended bool    // the server sends no more updates
}

func (l *liveSearch) start(ctx context.Context, c *Client) error {
	run := func(cs *charset) error {
		numbers := l.q.hasNumbers()
		cmd := &command{name: l.name, states: inSelected, traits: traits{byNumber: numbers, numbers: numbers}}
		cmd.encode = func(e *encoder) {
			e.need(l.needs).raw(" RETURN (ALL UPDATE) ")
			if !l.sorted {
				l.q.encodeIn(e, cs)
				return
			}
			e.sortKeys(l.keys)
			l.q.encodeAll(e, cs)
		}
		cmd.finish = func(s *status) {
			switch {
			case !s.ok():
			case cmd.abandoned:
				c.e.cancelLater(cmd.tag, cancelUpdate)
			default:
				l.box = c.e.currentMailbox()
			}
		}
		rows, err := gather(ctx, c, cmd, func() *liveRows { return &liveRows{cmd: cmd} })
		if err != nil {
			c.e.cancelUnanswered(cmd)
			return err
		}
		l.cmd, l.uids, l.early = cmd, rows.nums, rows.early
		return nil
	}
	if l.sorted {
		return l.q.inCharset(run)
	}
	err := l.q.withCharset(run)
	if err == nil && !slices.IsSorted(l.uids) {
		slices.Sort(l.uids)
	}
	return err
}

// hasLeft reports whether another mailbox was selected since the search began, or the same one again.
func (l *liveSearch) hasLeft(c *Client) bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.e.currentMailbox() != l.box
}

// cancel asks the server to stop. If ctx has ended, it does not wait for the answer; if CANCELUPDATE cannot be sent now, it
// is sent before the next command. A search whose mailbox is no longer selected has ended with it.
func (l *liveSearch) cancel(ctx context.Context, c *Client) {
	if l.ended || c.State() != Selected || l.hasLeft(c) {
		return
	}
	cmd := cancelUpdate(l.cmd.tag)
	if ctx.Err() == nil {
		c.run(ctx, cmd) // a refusal does not matter: further updates are events
	} else {
		short, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
		defer stop()
		if c.start(short, cmd) == nil {
			c.e.leave(cmd)
			c.e.unlock()
		}
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if cmd.tag == "" {
		c.e.cancelLater(l.cmd.tag, cancelUpdate)
	}
}

// cancelUpdate returns the command that ends searches with UPDATE.
func cancelUpdate(tags ...string) *command {
	return &command{name: "CANCELUPDATE", states: inSelected, encode: func(e *encoder) {
		for _, tag := range tags {
			e.raw(` "` + tag + `"`)
		}
	}}
}

// cancelUnanswered arranges for the next command to cancel the updates of a search whose result was not received.
func (e *engine) cancelUnanswered(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cmd.done && cmd.err == nil && cmd.status.ok() && !cmd.abandoned {
		e.cancelLater(cmd.tag, cancelUpdate)
	}
}

// cancelPatience is how long a call whose ctx has ended may take to send its last command.
const cancelPatience = 100 * time.Millisecond

func (l *liveSearch) step(ev Event, added []UID) *SearchUpdate {
	return &SearchUpdate{UIDs: slices.Clone(l.uids), Added: added, Event: ev}
}

// yieldEvent applies an event of this search, and yields any other event.
func (l *liveSearch) yieldEvent(ev Event, yield func(*SearchUpdate, error) bool) bool {
	switch ev := ev.(type) {
	case *ContextEvent:
		if ev.Tag != l.cmd.tag {
			break
		}
		if ev.Refusal != nil {
			l.ended = true
			yield(nil, ev.Refusal)
			return false
		}
		added, removed, err := l.apply(ev)
		if err != nil {
			yield(nil, err)
			return false
		}
		up := l.step(nil, added)
		up.Removed = removed
		return yield(up, nil)
	}
	return yield(l.step(ev, nil), nil)
}

// apply applies the changes of an event to the result.
func (l *liveSearch) apply(ev *ContextEvent) (added, removed []UID, err error) {
	for _, change := range ev.Changes {
		if change.Remove {
			removed = append(removed, l.remove(change.UIDs)...)
			continue
		}
		uids := change.expand()
		if len(l.uids)+len(uids) > maxSorted {
			return nil, nil, failed(l.name, &LimitError{"MaxLine", maxSorted})
		}
		l.insert(int(min(change.Position, math.MaxInt32)), uids)
		added = append(added, uids...)
	}
	return added, removed, nil
}

// insert inserts UIDs at a position counted from 1, or at the end for 0. A result without sort keys is kept in
// ascending order.
func (l *liveSearch) insert(position int, uids []UID) {
	if position > 0 && l.sorted {
		at := min(position-1, len(l.uids))
		l.uids = slices.Insert(l.uids, at, uids...)
		return
	}
	l.uids = append(l.uids, uids...)
	if !l.sorted {
		slices.Sort(l.uids)
		l.uids = slices.Compact(l.uids)
	}
}

// remove removes UIDs, each of which occurs once, wherever they are.
func (l *liveSearch) remove(uids UIDSet) (removed []UID) {
	gone := uids.normalize()
	l.uids = slices.DeleteFunc(l.uids, func(uid UID) bool {
		if gone.Contains(uid) {
			removed = append(removed, uid)
			return true
		}
		return false
	})
	return removed
}

// ---- events

// ContextEvent reports changes in the result of a search with UPDATE (RFC 5267 section 4.3). SearchUpdates and SortUpdates
// handle their own; others belong to a search by Do.
type ContextEvent struct {
	Tag     string // tag of the search
	Changes []ContextChange
	Refusal *Error // the server stopped updating the result (NOUPDATE); Changes is empty then
}

// ContextChange is an ADDTO, or a REMOVEFROM if Remove is true. Position counts from 1 in the result before the change;
// 0 means the order of the mailbox. UIDs are in the order of insertion; they are sequence numbers if the search was not
// by UID.
type ContextChange struct {
	Remove   bool
	Position uint32
	UIDs     UIDSet
}

func (ev *ContextEvent) size() int {
	n := eventSize + len(ev.Tag)
	for _, ch := range ev.Changes {
		n += eventSize + 8*len(ch.UIDs)
	}
	if r := ev.Refusal; r != nil {
		n += eventSize + len(r.Code) + len(r.Args) + len(r.Text)
	}
	return n
}

// persists reports whether the event ends a search.
func (ev *ContextEvent) persists() bool { return ev.Refusal != nil }

// expand returns the numbers in their order; their count is bounded.
func (ch *ContextChange) expand() []UID {
	if ch.UIDs.Len() > maxSorted {
		return make([]UID, maxSorted+1)
	}
	return slices.Collect(ch.UIDs.All())
}

// contextEvent is the table entry of ESEARCH, for a search that has been answered.
func contextEvent(e *engine, r *response) (Event, error) {
	tag, _, err := r.esearchHead()
	if err != nil {
		return nil, err
	}
	return r.contextChanges(tag)
}

// contextChanges parses ADDTO and REMOVEFROM. Without either the response is not an update.
func (r *response) contextChanges(tag string) (Event, error) {
	ev := &ContextEvent{Tag: tag}
	for !r.atEnd() {
		if err := r.contextItem(ev); err != nil {
			return nil, err
		}
	}
	if len(ev.Changes) == 0 {
		return nil, r.errorf("expected ADDTO or REMOVEFROM")
	}
	return ev, nil
}

// contextItem parses one item of ESEARCH.
func (r *response) contextItem(ev *ContextEvent) error {
	name := r.word()
	if len(name) == 0 {
		return r.errorf("expected an item of ESEARCH")
	}
	r.skipSpaces()
	remove := ascii.EqualFold(name, "REMOVEFROM")
	if !remove && !ascii.EqualFold(name, "ADDTO") {
		return r.skipValue()
	}
	if err := r.enter(); err != nil {
		return err
	}
	for ; r.peek() != ')'; r.skipSpaces() {
		change := ContextChange{Remove: remove}
		if err := r.numberInto(&change.Position); err != nil {
			return err
		}
		var err error
		if change.UIDs, err = codeSet[UID](&r.parser); err != nil {
			return err
		}
		if len(ev.Changes) >= maxContextChanges {
			return r.errorf("too many changes")
		}
		ev.Changes = append(ev.Changes, change)
	}
	return r.leave()
}

// maxContextChanges bounds the changes of one response.
const maxContextChanges = 10_000

// noUpdateCode is the table entry of NOUPDATE.
func noUpdateCode(_ *engine, s *status) Event {
	data, _ := readCode(s.code, s.args, false)
	tag, _ := data.(TagData)
	return &ContextEvent{Tag: tag.Tag, Refusal: s.failure("")}
}

// liveRows is the answer to a search with UPDATE.
type liveRows struct {
	cmd   *command
	nums  []UID
	early []Event
}

func (l *liveRows) take(r *response) (claim, error) {
	if r.name != "ESEARCH" {
		return notMine, nil
	}
	tag, _, err := r.esearchHead()
	if err != nil || tag != l.cmd.tag {
		return notMine, nil
	}
	at := r.pos
	s := sorted[UID]{}
	for !r.atEnd() {
		if err := r.esearchItem(&s.res, func() error { return s.takeOrdered(r) }); err != nil {
			return mine, err
		}
	}
	if len(l.nums)+len(s.nums) > maxSorted {
		return mine, r.errorf("too many numbers")
	}
	l.nums = append(l.nums, s.nums...)
	r.reset(at)
	if ev, err := r.contextChanges(tag); err == nil {
		l.early = append(l.early, ev)
	}
	return mine, nil
}
