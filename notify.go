package imap

import (
	"context"
	"slices"
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
