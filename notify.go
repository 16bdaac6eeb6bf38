package imap

import (
	"bytes"
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
)

// ApplePushOptions name the device that is notified of new mail.
type ApplePushOptions struct {
	AccountID   string // of the account on the device
	DeviceToken string
	Subtopic    string // "com.apple.mobilemail"
	Mailboxes   []string
}

// ApplePush has the server tell Apple's push service of new mail (XAPPLEPUSHSERVICE, an extension of Apple's in the form
// that Cyrus has; capability of that name; logged in). It returns what the server answers, by name: "aps-topic" is what
// the device listens to.
func (c *Client) ApplePush(ctx context.Context, opts *ApplePushOptions) (map[string]string, error) {
	if opts == nil {
		opts = &ApplePushOptions{}
	}
	cmd := &command{name: "XAPPLEPUSHSERVICE", states: inAuth}
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

// applePairs is what an XAPPLEPUSHSERVICE response holds.
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

// NotifyScope reports which mailboxes a NotifyRule is about (RFC 5465 section 6).
type NotifyScope string

// The scopes of NOTIFY. The last two take the names of NotifyRule.Mailboxes.
const (
	NotifySelected        NotifyScope = "SELECTED"         // the mailbox that is selected; expunged messages are told at once
	NotifySelectedDelayed NotifyScope = "SELECTED-DELAYED" // the same, but expunged messages wait as without NOTIFY
	NotifyInboxes         NotifyScope = "INBOXES"          // where new mail is delivered
	NotifyPersonal        NotifyScope = "PERSONAL"         // all of the user's own
	NotifySubscribed      NotifyScope = "SUBSCRIBED"       // those that are subscribed
	NotifySubtree         NotifyScope = "SUBTREE"          // the named ones and all below them
	NotifyMailboxes       NotifyScope = "MAILBOXES"        // the named ones
)

// The events of NOTIFY. Servers want MessageNew and MessageExpunge together, and both with FlagChange.
const (
	NotifyMessageNew            NotifyEvent = "MessageNew"            // ExistsEvent and FetchEvent, StatusEvent for other mailboxes
	NotifyMessageExpunge        NotifyEvent = "MessageExpunge"        // ExpungeEvent or VanishedEvent, StatusEvent
	NotifyFlagChange            NotifyEvent = "FlagChange"            // FetchEvent, StatusEvent
	NotifyAnnotationChange      NotifyEvent = "AnnotationChange"      // FetchEvent, StatusEvent
	NotifyMailboxName           NotifyEvent = "MailboxName"           // ListEvent: made, renamed, removed
	NotifySubscriptionChange    NotifyEvent = "SubscriptionChange"    // ListEvent
	NotifyMailboxMetadataChange NotifyEvent = "MailboxMetadataChange" // MetadataEvent
	NotifyServerMetadataChange  NotifyEvent = "ServerMetadataChange"  // MetadataEvent
)

// NotifyRule reports what to tell of some mailboxes.
type NotifyRule struct {
	Scope     NotifyScope
	Mailboxes []string      // of NotifySubtree and NotifyMailboxes
	Events    []NotifyEvent // none: nothing is told
	Fetch     []FetchItem   // with NotifyMessageNew and a selected scope: what comes of each new message, beside its UID
}

// NotifyOptions say more of a Notify.
type NotifyOptions struct {
	Status bool // the server says at once how the mailboxes are that messages are told of: StatusEvent
}

// Notify reports which changes the server is to tell by itself, of any mailboxes; it replaces what was sent before, and
// without rules it ends all (NOTIFY, RFC 5465; capability NOTIFY; logged in). What is told are events: Idle yields them,
// and Events returns those that came meanwhile. Events that a server does not know are an error with the code BADEVENT. A
// server with too much to tell says so by NotifyOverflowEvent and tells no more.
func (c *Client) Notify(ctx context.Context, rules []NotifyRule, opts *NotifyOptions) error {
	cmd := &command{name: "NOTIFY", states: inAuth, exclusive: true}
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
	c.notification(cmd, len(rules) > 0)
	return c.run(ctx, cmd)
}

// notification makes cmd one that switches NOTIFY on or off.
func (c *Client) notification(cmd *command, on bool) {
	cmd.finish = func(s *status) {
		if s.ok() {
			c.notified = on
		}
	}
}

func (r *NotifyRule) encode(e *encoder) {
	e.raw("(").atom("a NotifyScope", string(r.Scope))
	if r.Scope == NotifySubtree || r.Scope == NotifyMailboxes {
		r.encodeMailboxes(e)
	} else if len(r.Mailboxes) > 0 {
		e.fail(argError("NotifyRule: Mailboxes of a scope that takes none"))
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

// NotifyOverflowEvent reports that the server had more to tell than it keeps: NOTIFY has ended (RFC 5465 section 5.8).
type NotifyOverflowEvent struct{ Text string }

func (ev *NotifyOverflowEvent) size() int   { return eventSize + len(ev.Text) }
func (*NotifyOverflowEvent) persists() bool { return true }

// overflowCode is the table entry of NOTIFICATIONOVERFLOW.
func overflowCode(e *engine, s *status) Event {
	e.notified = false
	return &NotifyOverflowEvent{s.text}
}

// SearchUpdate is one step of a search that the server keeps current.
type SearchUpdate struct {
	UIDs           []UID // the result as it is now: for SearchUpdates in rising order, for SortUpdates in that of the keys
	Added, Removed []UID // by this step
	Event          Event // another event that came meanwhile; then the result is as before
}

// SearchUpdates searches and stays with the result: it yields it at once, and again whenever messages begin or cease to
// match (UID SEARCH with UPDATE, RFC 5267 section 4.3; capability CONTEXT=SEARCH; selected). It waits as Idle does, and
// yields the events that Idle would. The loop ends with an error when the server refuses to go on (CodeNoUpdate) and when
// another mailbox is opened; break ends it quietly, and then the server is told to stop (CANCELUPDATE). Behind a
// DroppedEvent the search is made again, and the next step has what changed meanwhile. UIDs is the caller's.
func (c *Client) SearchUpdates(ctx context.Context, q Query, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return c.updates(ctx, &liveSearch{name: "UID SEARCH", needs: "CONTEXT=SEARCH", q: q}, opts)
}

// SortUpdates is SearchUpdates of a sorted result (UID SORT with UPDATE, RFC 5267 section 4.3; capability CONTEXT=SORT;
// selected).
func (c *Client) SortUpdates(ctx context.Context, keys []SortKey, q Query, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return c.updates(ctx, &liveSearch{name: "UID SORT", needs: "CONTEXT=SORT", keys: keys, q: q, sorted: true}, opts)
}

func (c *Client) updates(ctx context.Context, l *liveSearch, opts *IdleOptions) iter.Seq2[*SearchUpdate, error] {
	return func(yield func(*SearchUpdate, error) bool) {
		l, view := *l, c.pin()
		var end time.Time
		if opts != nil && opts.For > 0 {
			o := *opts
			opts, end = &o, time.Now().Add(o.For)
		}
		if err := l.start(ctx, view); err != nil {
			yield(nil, err)
			return
		}
		defer l.cancel(ctx, c)
		if !yield(l.step(nil, slices.Clone(l.uids)), nil) {
			return
		}
		for _, ev := range l.early {
			if more := l.yieldEvent(ev, yield); !more {
				return
			}
		}
		for l.follow(ctx, c, view, opts, yield) {
			if !l.again(ctx, view, yield) {
				return
			}
			if !end.IsZero() {
				opts.For = max(time.Until(end), 1)
			}
		}
	}
}

// follow waits for events, and returns true behind a DroppedEvent: changes of the result may be among what was dropped.
func (l *liveSearch) follow(ctx context.Context, c, view *Client, opts *IdleOptions, yield func(*SearchUpdate, error) bool) bool {
	for ev, err := range c.Idle(ctx, opts) {
		if err == nil {
			err = view.checkPinned()
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		if more := l.yieldEvent(ev, yield); !more {
			return false
		}
		if _, dropped := ev.(*DroppedEvent); dropped {
			return true
		}
	}
	return false
}

// again searches once more, and yields what has changed.
func (l *liveSearch) again(ctx context.Context, view *Client, yield func(*SearchUpdate, error) bool) bool {
	l.cancel(ctx, view)
	before := l.uids
	if err := l.start(ctx, view); err != nil {
		l.ended = true // nothing is left to cancel
		yield(nil, err)
		return false
	}
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

// without returns the UIDs that are in list and not in other.
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
	uids  []UID
	early []Event // that came with the answer
	ended bool    // the server tells no more
}

func (l *liveSearch) start(ctx context.Context, c *Client) error {
	run := func(cs *charset) error {
		numbers := l.q.hasNumbers()
		cmd := &command{name: l.name, states: inSelected, byNumber: numbers, numbers: numbers}
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
			if cmd.abandoned && s.ok() {
				c.overdue(cmd.tag, cancelUpdate)
			}
		}
		rows, err := gather(ctx, c, cmd, func() *liveRows { return &liveRows{cmd: cmd} })
		if err != nil {
			c.unanswered(cmd)
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

// cancel tells the server to stop. Where ctx has ended its answer is not waited for; what cannot be sent now goes before the
// next command.
func (l *liveSearch) cancel(ctx context.Context, c *Client) {
	if l.ended || c.State() != Selected {
		return
	}
	cmd := cancelUpdate(l.cmd.tag)
	if ctx.Err() == nil {
		c.run(ctx, cmd) // its refusal changes nothing: the updates that still come are events
	} else {
		short, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
		defer stop()
		if c.start(short, cmd) == nil {
			c.leave(cmd)
			c.unlock()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.tag == "" {
		c.overdue(l.cmd.tag, cancelUpdate)
	}
}

// cancelUpdate makes the command that ends searches with UPDATE.
func cancelUpdate(tags ...string) *command {
	return &command{name: "CANCELUPDATE", states: inSelected, encode: func(e *encoder) {
		for _, tag := range tags {
			e.raw(` "` + tag + `"`)
		}
	}}
}

// unanswered makes the next command end a search with UPDATE that the server keeps current, and of which the result is not
// known.
func (e *engine) unanswered(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cmd.done && cmd.err == nil && cmd.status.ok() && !cmd.abandoned {
		e.overdue(cmd.tag, cancelUpdate)
	}
}

// cancelPatience is how long a call whose ctx has ended may take to send its last command.
const cancelPatience = 100 * time.Millisecond

func (l *liveSearch) step(ev Event, added []UID) *SearchUpdate {
	return &SearchUpdate{UIDs: slices.Clone(l.uids), Added: added, Event: ev}
}

// yieldEvent applies an event of this search, and passes on others.
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

// apply changes the result as the server asks.
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

// insert puts UIDs at a position from 1, or, where that is 0 or the order is that of the mailbox, at their places.
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

// remove takes UIDs away wherever they are: each comes once.
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

// ---- what comes

// ContextEvent reports how the result of a search with UPDATE changed (RFC 5267 section 4.3). SearchUpdates and SortUpdates
// take those of their own; others come from a search by Do.
type ContextEvent struct {
	Tag     string // of the search
	Changes []ContextChange
	Refusal *Error // the server keeps the result current no more (NOUPDATE); then there are no Changes
}

// ContextChange is ADDTO, or REMOVEFROM with Remove. Position counts from 1 in the result before the change; 0 leaves the
// place to the order of the mailbox. UIDs are in the order in which they are put there, and message numbers where the
// search was by number.
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

// expand is the numbers in their order, bounded.
func (ch *ContextChange) expand() []UID {
	if ch.UIDs.Len() > maxSorted {
		return make([]UID, maxSorted+1)
	}
	return slices.Collect(ch.UIDs.All())
}

// contextEvent is the table entry of ESEARCH: of a search that has ended.
func contextEvent(e *engine, r *response) (Event, error) {
	tag, _, err := r.esearchHead()
	if err != nil {
		return nil, err
	}
	return r.contextChanges(tag)
}

// contextChanges reads ADDTO and REMOVEFROM. Without either the response is no update.
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

// contextItem reads one item of ESEARCH.
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
			return r.errorf("more changes than can be kept")
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
		return mine, r.errorf("more numbers than can be")
	}
	l.nums = append(l.nums, s.nums...)
	r.reset(at)
	if ev, err := r.contextChanges(tag); err == nil {
		l.early = append(l.early, ev)
	}
	return mine, nil
}

// MailboxScope reports which mailboxes a SearchMailboxes looks through: one of the scopes of NOTIFY but
// NotifySelectedDelayed, or SearchSubtreeOne.
type MailboxScope struct {
	Scope     NotifyScope
	Mailboxes []string // of NotifySubtree, SearchSubtreeOne and NotifyMailboxes
}

// SearchSubtreeOne is the scope of named mailboxes and those one level below them (RFC 7377 section 2.2).
const SearchSubtreeOne NotifyScope = "SUBTREE-ONE"

// MailboxResult is what was found in one mailbox. Its numbers are UIDs.
type MailboxResult struct {
	Mailbox     string
	UIDValidity uint32
	SearchResult
}

// SearchMailboxes searches several mailboxes at once, without selecting them (ESEARCH, RFC 7377; capability MULTISEARCH;
// logged in, for the selected mailbox selected). It returns what was found by mailbox, in the order in which the server
// says it; a mailbox without a hit is not in the list. Without scopes the selected mailbox is searched. Save is refused,
// and Relevancy and a part need the capabilities that they need in Search. Where the server looked only at a part of the
// messages the error is a PartialError, and what was found is beside it.
func (c *Client) SearchMailboxes(ctx context.Context, scopes []MailboxScope, q Query, opts *SearchOptions) ([]MailboxResult, error) {
	o := SearchOptions{}
	if opts != nil {
		o = *opts
	}
	if !o.Min && !o.Max && !o.Count && o.PartialFrom == 0 {
		o.All = true
	}
	var found []MailboxResult
	err := q.withCharset(func(cs *charset) error {
		cmd := &command{name: "ESEARCH", states: inAuth}
		cmd.numbers = q.hasNumbers()
		cmd.byNumber = cmd.numbers
		cmd.encode = func(e *encoder) {
			if o.Save {
				e.fail(argError("the result of a search of several mailboxes cannot be saved"))
			}
			e.need("MULTISEARCH")
			o.need(e)
			encodeScopes(e, scopes)
			o.encodeReturn(e)
			e.sp()
			q.encodeIn(e, cs)
		}
		res, err := gather(ctx, c, cmd, func() *mailboxResults { return &mailboxResults{cmd: cmd, limit: c.conn.Limits.MaxLine} })
		if res != nil {
			found = res.list
		}
		return err
	})
	return found, err
}

// encodeScopes writes IN (…).
func encodeScopes(e *encoder, scopes []MailboxScope) {
	for i, s := range scopes {
		e.raw([]string{" IN (", " "}[min(i, 1)])
		e.atom("a scope", string(s.Scope))
		named := s.Scope == NotifySubtree || s.Scope == SearchSubtreeOne || s.Scope == NotifyMailboxes
		if named != (len(s.Mailboxes) > 0) || s.Scope == NotifySelectedDelayed {
			e.fail(argError("MailboxScope: Mailboxes that are missing or have no place, or a scope that cannot be searched"))
		}
		if named {
			e.sp()
			for i, m := range s.Mailboxes {
				e.raw([]string{"(", " "}[min(i, 1)]).mailbox(m)
			}
			e.raw(")")
		}
	}
	if len(scopes) > 0 {
		e.raw(")")
	}
}

// mailboxResults collects the ESEARCH responses of a command.
type mailboxResults struct {
	cmd   *command
	limit int
	size  int
	list  []MailboxResult
}

// take claims the ESEARCH responses with the tag of the command.
func (m *mailboxResults) take(r *response) (claim, error) {
	if r.name != "ESEARCH" {
		return notMine, nil
	}
	var res MailboxResult
	tag, err := r.mailboxCorrelator(&res)
	if tag != "" && tag != m.cmd.tag {
		return notMine, nil
	}
	if err != nil {
		return mine, err
	}
	if m.size += len(r.text); m.size > m.limit {
		return mine, &LimitError{"MaxLine", int64(m.limit)}
	}
	for !r.atEnd() {
		err := r.esearchItem(&res.SearchResult, func() (err error) {
			res.UIDs, err = codeSet[UID](&r.parser)
			return err
		})
		if err != nil {
			return mine, err
		}
	}
	res.fill()
	m.list = append(m.list, res)
	return mine, nil
}

// fill adds to a result what follows from its numbers.
func (res *MailboxResult) fill() {
	if res.UIDs = res.UIDs.normalize(); len(res.UIDs) == 0 {
		return
	}
	if res.Count == 0 {
		res.Count = uint32(res.UIDs.Len())
	}
	if res.Min == 0 {
		res.Min = uint32(res.UIDs[0].Start)
	}
	if res.Max == 0 {
		res.Max = uint32(res.UIDs[len(res.UIDs)-1].Stop)
	}
}

// mailboxCorrelator reads (TAG "x" MAILBOX m UIDVALIDITY n) and UID.
func (r *response) mailboxCorrelator(res *MailboxResult) (tag string, err error) {
	r.skipSpaces()
	if err := r.enter(); err != nil {
		return "", err
	}
	for ; r.peek() != ')'; r.skipSpaces() {
		key := bytes.ToUpper(r.word())
		r.skipSpaces()
		switch string(key) {
		case "TAG":
			tag, err = r.astring()
		case "MAILBOX":
			res.Mailbox, err = r.mailboxName()
		case "UIDVALIDITY":
			err = r.numberInto(&res.UIDValidity)
		case "":
			err = r.errorf("expected the name of a correlator")
		default:
			err = r.skipValue()
		}
		if err != nil {
			return tag, err
		}
	}
	if err := r.leave(); err != nil {
		return tag, err
	}
	r.skipSpaces()
	at := r.pos
	if !ascii.EqualFold(r.word(), "UID") {
		r.pos = at
	}
	return tag, nil
}
