package imaptest

import (
	"fmt"
	"slices"
	"strings"
)

// notification is what NOTIFY requested (RFC 5465).
type notification struct {
	rules   []notifyRule
	boxes   []*Mailbox // mailboxes with something to report, in order
	flags   map[*Mailbox]bool
	lines   []string // other responses
	overrun bool
}

// notifyRule is one filter with its events.
type notifyRule struct {
	scope  string
	names  []string
	events []string // in upper case
	fetch  []fetchItem
}

// notifyEvents are the known events.
var notifyEvents = []string{"MessageNew", "MessageExpunge", "FlagChange", "AnnotationChange", "MailboxName",
	"SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"}

// maxQueued is the maximum number of queued responses.
const maxQueued = 200

func cmdNotify(s *session, p *parser) error {
	p.sp()
	if p.acceptWord("NONE") {
		if err := p.end(); err != nil {
			return err
		}
		s.setNotify(nil)
		return nil
	}
	if !p.acceptWord("SET") {
		p.fail("Expected SET or NONE")
	}
	p.sp()
	status := p.acceptWord("STATUS")
	if status {
		p.sp()
	}
	n := &notification{flags: map[*Mailbox]bool{}}
	for {
		rule, err := s.notifyRule(p)
		if err != nil {
			return err
		}
		n.rules = append(n.rules, rule)
		if !p.accept(' ') {
			break
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	s.setNotify(n)
	if !status {
		return nil
	}
	for _, m := range s.boxesIf(func(string) bool { return true }) {
		if m != s.box && s.notify.wants(s, m, "MESSAGENEW") {
			s.reportStatus(m)
		}
	}
	return nil
}

func (s *session) setNotify(n *notification) {
	if s.notify = n; n == nil {
		delete(s.user.watchers, s)
		return
	}
	s.user.watchers[s] = struct{}{}
}

// notifyRule reads (scope [mailboxes] events).
func (s *session) notifyRule(p *parser) (notifyRule, error) {
	var r notifyRule
	p.expect('(')
	switch r.scope = p.word(); r.scope {
	case "SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED":
	case "SUBTREE", "MAILBOXES":
		p.sp()
		r.names = s.oneOrMore(p)
	default:
		p.fail("Unknown filter")
	}
	p.sp()
	if p.acceptWord("NONE") {
		p.expect(')')
		return r, p.endOf()
	}
	unknown := false
	p.list(func() {
		event := p.word()
		r.events = append(r.events, event)
		unknown = unknown || !slices.ContainsFunc(notifyEvents, func(e string) bool { return strings.EqualFold(e, event) })
		if event == "MESSAGENEW" && p.pos+1 < len(p.b) && p.b[p.pos] == ' ' && p.b[p.pos+1] == '(' {
			p.sp()
			p.list(func() { r.fetch = append(r.fetch, s.parseItem(p)) })
		}
	})
	p.expect(')')
	switch {
	case p.err != nil:
		return r, p.err
	case unknown:
		return r, no("[BADEVENT (" + strings.Join(notifyEvents, " ") + ")] Unknown event")
	case slices.Contains(r.events, "MESSAGENEW") != slices.Contains(r.events, "MESSAGEEXPUNGE"),
		slices.Contains(r.events, "FLAGCHANGE") && !slices.Contains(r.events, "MESSAGENEW"):
		return r, bad("MessageNew and MessageExpunge belong together, and FlagChange to both")
	}
	return r, nil
}

// endOf returns the first error so far.
func (p *parser) endOf() error {
	if p.err != nil {
		return p.err
	}
	return nil
}

// wants reports whether the first rule about a mailbox has the event.
func (n *notification) wants(s *session, m *Mailbox, event string) bool {
	for _, r := range n.rules {
		in := false
		switch r.scope {
		case "SELECTED", "SELECTED-DELAYED":
			in = m == s.box && strings.HasPrefix(event, "MESSAGE") || m == s.box && (event == "FLAGCHANGE" || event == "ANNOTATIONCHANGE")
		case "INBOXES":
			in = m.name == "INBOX"
		case "PERSONAL":
			in = true
		case "SUBSCRIBED":
			in = s.user.subscribed[m.name]
		default:
			in = slices.ContainsFunc(r.names, func(root string) bool { return inScope(r.scope, root, m.name) })
		}
		if in {
			return slices.Contains(r.events, event)
		}
	}
	return false
}

// happened queues an event of a mailbox for the sessions that want it. The selected mailbox has its own mechanism.
func (u *User) happened(m *Mailbox, event, line string) {
	for s := range u.watchers {
		n := s.notify
		if n == nil || !n.wants(s, m, event) || line == "" && m == s.box {
			continue
		}
		switch {
		case len(n.boxes)+len(n.lines) >= maxQueued:
			n.overrun = true
		case line != "":
			n.lines = append(n.lines, line)
		default:
			if !slices.Contains(n.boxes, m) {
				n.boxes = append(n.boxes, m)
			}
			n.flags[m] = n.flags[m] || event == "FLAGCHANGE"
		}
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

// reportEvents writes the queued responses of NOTIFY.
func (s *session) reportEvents() {
	n := s.notify
	if n == nil {
		return
	}
	if n.overrun {
		s.untagged("OK [NOTIFICATIONOVERFLOW] Too many events")
		s.setNotify(nil)
		return
	}
	for _, line := range n.lines {
		s.untagged("%s", line)
	}
	for _, m := range n.boxes {
		if s.user.boxes[m.name] == m {
			s.reportStatus(m)
		}
	}
	n.boxes, n.lines = nil, nil
	clear(n.flags)
}

func (s *session) reportStatus(m *Mailbox) {
	items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	if s.notify.flags[m] {
		items = append(items, "UNSEEN")
	}
	if s.enabled["CONDSTORE"] {
		items = append(items, "HIGHESTMODSEQ")
	}
	if text, err := s.statusText(m, items); err == nil {
		s.untagged("STATUS %s (%s)", s.mailboxName(m.name), text)
	}
}

// fetchNew writes the items that NOTIFY requested of each new message of the selected mailbox.
func (s *session) fetchNew(first int) {
	if s.notify == nil {
		return
	}
	for _, r := range s.notify.rules {
		if !strings.HasPrefix(r.scope, "SELECTED") || len(r.fetch) == 0 {
			continue
		}
		for i := first; i < len(s.view); i++ {
			// A part that cannot be decoded is left out; there is no command to refuse.
			_ = s.fetchOne(i, &fetchArgs{items: r.fetch})
		}
	}
}

// named queues the event that a mailbox was created, renamed or removed.
func (u *User) named(m *Mailbox, attrs, old string) {
	name := u.srv.WireName(m.name)
	line := fmt.Sprintf(`LIST (%s) "%c" %s`, attrs, u.srv.delimiter(), quote(encodeUTF7(name)))
	if old != "" {
		line += fmt.Sprintf(` ("OLDNAME" (%s))`, quote(encodeUTF7(u.srv.WireName(old))))
	}
	u.happened(m, "MAILBOXNAME", line)
}
