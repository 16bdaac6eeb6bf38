package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
)

// ---- NOTIFY

// notifyRules are what NOTIFY has requested.
type notifyRules struct {
	on       bool
	items    []token // of new messages in the selected mailbox
	names    bool    // created and removed mailboxes
	metadata bool    // changed annotations
}

// notices are the unsolicited data of one call that may resemble an answer to it.
type notices struct {
	told     map[*message][]string          // flags sent, also in answers
	newsUIDs map[uint32][]uint32            // UIDs of messages of the call, with their numbers
	newsOf   map[*message]bool              // the messages of all FETCH responses
	sections map[*message]map[string]string // the sections in those that NOTIFY requested
	notified map[string][]map[string]uint64 // numbers of other mailboxes
	created  map[string]bool                // the mailboxes of LIST responses
}

func newNotices() notices {
	return notices{told: make(map[*message][]string), newsUIDs: make(map[uint32][]uint32), newsOf: make(map[*message]bool),
		sections: make(map[*message]map[string]string), notified: make(map[string][]map[string]uint64), created: make(map[string]bool)}
}

func (s *server) doNotify(rec *record) {
	if s.refuses() {
		s.finish(rec, "NO", "", "no notifications")
		return
	}
	s.rules, s.unsaid = notifyRules{on: !strings.EqualFold(rec.args[0].text, "NONE")}, nil
	for _, rule := range rec.args[1:] {
		if rule.isList && len(rule.list) > 1 {
			s.rules.add(rule.list[1].list)
		}
	}
	if len(rec.args) > 1 && strings.EqualFold(rec.args[1].text, "STATUS") {
		for _, name := range names {
			s.sayStatus(s.store.boxes[name])
		}
	}
	s.finish(rec, "OK", "", "notifying")
}

func (n *notifyRules) add(events []token) {
	for i, event := range events {
		switch event.text {
		case "MailboxName":
			n.names = true
		case "MailboxMetadataChange":
			n.metadata = true
		case "MessageNew":
			if i+1 < len(events) && events[i+1].isList {
				n.items = events[i+1].list
			}
		}
	}
}

// otherNews reports changes that have nothing to do with the selected mailbox. It draws nothing unless a call has requested them.
func (s *server) otherNews() {
	if (s.enabled["METADATA"] || s.rules.metadata) && s.step.also(News, 3) {
		s.sayAnnotations()
	}
	if s.rules.names && s.step.also(News, 3) {
		s.sayName()
	}
}

// must records unsolicited data that becomes an event, unless it is in the result of a raw command.
func (s *server) must(key string) {
	s.expected = append(s.expected, expectedEvent{key: key, must: !s.call.raw && s.call.op != "do", of: s.call})
}

// sayName reports that a mailbox was created or removed. It exists for no call.
func (s *server) sayName() {
	s.count++
	name := fmt.Sprintf("News-%d", s.count)
	s.created[name] = true
	s.put(`* LIST (%s) "/" %s`, pick(s.step.of(News|lastFault), []string{"", `\NonExistent`, `\HasNoChildren`}), s.astring(name))
	if slices.ContainsFunc(s.records, func(rec *record) bool { return rec.name == "LIST" && !rec.done }) {
		s.event("list "+name, false) // it cannot be distinguished from a result
	} else {
		s.must("list " + name)
	}
}

// sayNew sends the items that NOTIFY requests of new messages, at once or later.
func (s *server) sayNew() {
	for len(s.unsaid) > 0 && !s.step.also(Order, 3) {
		m := s.unsaid[0]
		s.unsaid = s.unsaid[1:]
		if i := slices.Index(s.sel.view, m); i >= 0 && !m.gone {
			s.sayItems(m, uint32(i+1))
		}
	}
}

func (s *server) sayItems(m *message, n uint32) {
	row := &row{m: m, sections: make(map[string]string)}
	var parts []string
	for _, item := range s.rules.items {
		switch item.text {
		case "UID":
			parts = append(parts, fmt.Sprintf("UID %d", m.uid))
		case "FLAGS":
			parts = append(parts, "FLAGS "+m.flagList())
			s.tell(m)
		default:
			parts = append(parts, s.item(row, item.text))
		}
	}
	if s.step.also(Order, 2) {
		shuffle(s.step.of(Order|lastFault), parts)
	}
	s.put("* %d FETCH (%s)", n, strings.Join(parts, " "))
	s.mailboxEvent("fetch %d", n)
	s.newsOf[m] = true
	if s.call.named != nil && s.call.named(m) {
		s.newsUIDs[m.uid] = append(s.newsUIDs[m.uid], n)
	}
	if s.sections[m] = row.sections; len(row.sections) > 0 {
		key := sectionsKey(m.uid)
		said := slices.ContainsFunc(s.expected, func(e expectedEvent) bool { return e.key == key }) // they cannot be distinguished
		must := !said && !s.fetching() && !s.call.raw && !slices.Contains([]string{"do", "sync", "queue"}, s.call.op)
		s.expected = append(s.expected, expectedEvent{key: key, must: must, in: s.sel, of: s.call})
	}
}

const sectionsPrefix = "sections of "

func sectionsKey(uid uint32) string { return fmt.Sprint(sectionsPrefix, uid) }

// leaveSections allows that the sections of new messages do not become events any more: Sync drops what it knows better.
func (s *server) leaveSections() {
	for i := range s.expected {
		s.expected[i].must = s.expected[i].must && !strings.HasPrefix(s.expected[i].key, sectionsPrefix)
	}
}

// fetching reports whether a command is in progress whose result may include messages that are news.
func (s *server) fetching() bool {
	return slices.ContainsFunc(s.records, func(rec *record) bool {
		return !rec.done && slices.Contains([]string{"FETCH", "UID FETCH", "SELECT", "EXAMINE"}, rec.name)
	})
}

// inNews reports whether NOTIFY sent a section of a message since the call began.
func (n *notices) inNews(m *message, name, data string) bool {
	said, ok := n.sections[m][name]
	return ok && said == data
}

// onlyNews reports whether all data of a yielded message may be what NOTIFY sent: that of a message in the set cannot be
// distinguished from a result.
func (s *server) onlyNews(y yielded) bool {
	if s.newsUIDs[uint32(y.m.UID)] == nil {
		return false
	}
	for name, data := range y.sections {
		said := func(m *message) bool { return m.uid == uint32(y.m.UID) && s.inNews(m, name, data) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(s.sections)), said) {
			return false
		}
	}
	return true
}

// sayStatus reports the status of a mailbox that is not selected.
func (s *server) sayStatus(b *box) {
	if s.sel != nil && s.sel.box == b {
		return
	}
	numbers := map[string]uint64{"MESSAGES": uint64(len(b.msgs)), "UIDNEXT": uint64(b.uidNext), "UIDVALIDITY": uint64(b.validity)}
	s.notified[b.name] = append(s.notified[b.name], numbers)
	s.put("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY %d)", s.astring(b.name), len(b.msgs), b.uidNext, b.validity)
	s.event("status "+b.name, false)
}

// wasNotified reports whether NOTIFY sent that number of a mailbox since the call began.
func (s *server) wasNotified(mailbox, item string, n uint64) bool {
	return slices.ContainsFunc(s.notified[mailbox], func(said map[string]uint64) bool { return said[item] == n })
}

func (x *run) notify(r *rng) {
	var rules []imap.NotifyRule
	if !r.one(3) {
		events := []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge, imap.NotifyFlagChange}
		rules = []imap.NotifyRule{{Scope: imap.NotifySelectedDelayed, Events: events}, {Scope: imap.NotifyPersonal, Events: events}}
	}
	x.setRules(rules, r.one(2))
}

// subscribe requests items of new messages, and changes of mailboxes and annotations.
func (x *run) subscribe(r *rng) {
	messages := []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}
	rules := []imap.NotifyRule{
		{Scope: imap.NotifySelectedDelayed, Events: messages, Fetch: x.items(r)},
		{Scope: imap.NotifyPersonal, Events: append(messages, imap.NotifyMailboxName, imap.NotifyMailboxMetadataChange)},
	}
	x.setRules(rules[:1+r.n(2)], r.one(3))
}

func (x *run) setRules(rules []imap.NotifyRule, status bool) {
	err := x.client.Notify(x.ctx, rules, &imap.NotifyOptions{Status: status})
	rec := x.only("NOTIFY")
	x.judge(err, rec)
	if err == nil && rec != nil && x.srv.rules.on != (len(rules) > 0) {
		x.srv.fail("state", "NOTIFY is %v, and %d rules were given", x.srv.rules.on, len(rules))
	}
}

// statusKey returns the key of an event.
func statusKey(ev *imap.StatusEvent) string { return fmt.Sprintf("status %s", ev.Status.Mailbox) }

// reported checks the sections in an event.
func (x *run) reported(ev *imap.FetchEvent) {
	uid := uint32(ev.Message.UID)
	if uid != 0 && len(ev.Message.Sections) > 0 {
		x.events = append(x.events, sectionsKey(uid))
	}
	for _, sec := range ev.Message.Sections {
		if uid != 0 && !x.srv.store.holds(uid, sec.Section, string(sec.Bytes)) {
			x.srv.fail("result", "an event has %q in BODY[%s] of UID %d, which no message has", sec.Bytes, sectionName(sec.Section), uid)
		}
	}
}

// holds reports whether a section of a message with that UID begins with the data.
func (s *store) holds(uid uint32, section imap.Section, data string) bool {
	offset := int(section.Offset)
	section.Offset = 0
	for _, b := range s.boxes {
		for _, m := range slices.Concat(b.msgs, b.gone) {
			all := m.section(sectionName(section))
			if m.uid == uid && strings.HasPrefix(all[min(offset, len(all)):], data) {
				return true
			}
		}
	}
	return false
}
