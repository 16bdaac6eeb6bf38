package imaptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mailboxName writes a UTF-8 name as an atom or quoted string.
func (s *session) mailboxName(name string) string {
	name = s.srv.WireName(name)
	if !s.enabled["UTF8=ACCEPT"] {
		name = encodeUTF7(name)
	}
	if isAtom(name) && upper(name) != "NIL" && !s.srv.opts.Style.QuotedNames {
		return name
	}
	return quote(name)
}

func cmdSelect(s *session, p *parser) error  { return s.open(p, false) }
func cmdExamine(s *session, p *parser) error { return s.open(p, true) }

// existing returns a mailbox that can be opened.
func (s *session) existing(name, code string) (*Mailbox, error) {
	m := s.user.find(name)
	if m == nil {
		return nil, no(code + "No such mailbox")
	}
	if m.noSelect {
		return nil, no("[CANNOT] Mailbox cannot be selected")
	}
	return m, nil
}

func (s *session) open(p *parser, examine bool) error {
	p.sp()
	name := p.mailbox()
	params, err := s.selectParams(p)
	if err != nil {
		return err
	}
	// A failing SELECT leaves no mailbox selected.
	if s.box != nil && !s.srv.disabled["QRESYNC"] {
		s.untagged("OK [CLOSED] Previous mailbox closed")
	}
	s.unselect()
	m, err := s.existing(name, "[NONEXISTENT] ")
	if err != nil {
		return err
	}
	if params.condstore || params.qresync {
		s.enabled["CONDSTORE"] = true
	}
	s.selectBox(m, examine || m.readOnly)
	s.describe(m)
	if params.objectID {
		s.untagged("OK [OBJECTID %s] Ok", s.objectID(m))
	}
	if params.qresync && params.uidValidity == m.uidValidity {
		s.resync(params)
	}
	if s.readOnly {
		return ok("[READ-ONLY] Mailbox opened")
	}
	return ok("[READ-WRITE] Mailbox opened")
}

// describe writes the untagged responses of SELECT.
func (s *session) describe(m *Mailbox) {
	flags := strings.Join(slices.Concat(systemFlags, m.keywords), " ")
	permanent := flags + ` \*`
	if s.readOnly {
		permanent = ""
	}
	s.untagged("FLAGS (%s)", flags)
	s.untagged("%d EXISTS", len(s.view))
	if s.rev2() {
		s.untagged(`LIST () "/" %s`, s.mailboxName(m.name))
	} else {
		s.untagged("%d RECENT", s.recentCount())
	}
	if i := slices.IndexFunc(s.view, func(v viewMsg) bool { return !hasFlag(v.flags, `\Seen`) }); i >= 0 && !s.rev2() {
		s.untagged("OK [UNSEEN %d] First unseen message", i+1)
	}
	s.untagged("OK [PERMANENTFLAGS (%s)] Flags permitted", permanent)
	s.untagged("OK [UIDVALIDITY %d] UIDs valid", m.uidValidity)
	if !s.srv.opts.Style.NoUIDNext {
		s.untagged("OK [UIDNEXT %d] Predicted next UID", m.uidNext)
	}
	if !s.srv.disabled["CONDSTORE"] {
		s.untagged("OK [HIGHESTMODSEQ %d] Highest", m.modSeq)
	}
	if !s.srv.disabled["OBJECTID"] {
		s.untagged("OK [MAILBOXID (%s)] Ok", m.id)
	}
	if !s.srv.disabled["ANNOTATE-EXPERIMENT-1"] {
		s.untagged("OK [ANNOTATIONS %d] Annotations", maxAnnotation)
	}
}

func cmdClose(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	if !s.readOnly {
		s.box.remove(func(m *message) bool { return hasFlag(m.flags, `\Deleted`) })
	}
	s.unselect()
	return nil
}

func cmdUnselect(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.unselect()
	return nil
}

func cmdCreate(s *session, p *parser) error {
	p.sp()
	name := strings.TrimSuffix(p.mailbox(), "/")
	use := ""
	if !s.srv.disabled["CREATE-SPECIAL-USE"] && p.accept(' ') {
		p.list(func() {
			if p.word() != "USE" {
				p.fail("Unknown CREATE parameter")
			}
			p.sp()
			p.list(func() { use = p.flag() })
		})
	}
	if err := p.end(); err != nil {
		return err
	}
	if name == "" || strings.HasPrefix(name, "/") || strings.Contains(name, "//") || s.srv.isMisplaced(name) {
		return no("[CANNOT] Invalid mailbox name")
	}
	if use != "" && !slices.ContainsFunc(specialUses, func(u string) bool { return strings.EqualFold(u, use) }) {
		return no("[USEATTR] Special use is not supported")
	}
	m := s.user.find(name)
	if m != nil && !m.noSelect {
		return no("[ALREADYEXISTS] Mailbox exists")
	}
	if m == nil {
		m = s.user.create(name)
	}
	m.noSelect, m.specialUse = false, use
	s.user.named(m, "", "")
	if !s.srv.disabled["OBJECTID+"] {
		return ok(fmt.Sprintf("[OBJECTID %s] CREATE completed", s.objectID(m)))
	}
	if s.srv.disabled["OBJECTID"] {
		return nil
	}
	return ok(fmt.Sprintf("[MAILBOXID (%s)] CREATE completed", m.id))
}

var specialUses = []string{
	`\All`, `\Archive`, `\Drafts`, `\Flagged`, `\Junk`, `\Sent`, `\Trash`, `\Important`,
}

func cmdDelete(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	if err := p.end(); err != nil {
		return err
	}
	m := s.user.find(name)
	switch {
	case name == "INBOX":
		return no("[CANNOT] INBOX cannot be deleted")
	case m == nil:
		return no("[NONEXISTENT] No such mailbox")
	case m.noSelect && s.user.hasChildren(name):
		return no("[HASCHILDREN] Mailbox has children")
	}
	m.remove(func(*message) bool { return true })
	s.user.named(m, `\NonExistent`, "")
	if s.user.hasChildren(name) {
		m.noSelect = true
		return nil
	}
	delete(s.user.boxes, name)
	return nil
}

func (u *User) hasChildren(name string) bool {
	for other := range u.boxes {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func cmdRename(s *session, p *parser) error {
	p.sp()
	from := p.mailbox()
	p.sp()
	to := strings.TrimSuffix(p.mailbox(), "/")
	if err := p.end(); err != nil {
		return err
	}
	u := s.user
	m := u.find(from)
	switch {
	case m == nil:
		return no("[NONEXISTENT] No such mailbox")
	case u.find(to) != nil:
		return no("[ALREADYEXISTS] Mailbox exists")
	case to == "" || strings.HasPrefix(to, from+"/") || s.srv.isMisplaced(to):
		return no("[CANNOT] Invalid mailbox name")
	}
	if from == "INBOX" {
		// RFC 3501 6.3.5: the messages move, INBOX stays.
		target := u.create(to)
		for _, msg := range m.remove(func(*message) bool { return true }) {
			target.add(msg.raw, msg.flags, msg.date)
		}
		return nil
	}
	u.createParents(to)
	for _, name := range slices.Collect(maps.Keys(u.boxes)) {
		if name == from || strings.HasPrefix(name, from+"/") {
			box := u.boxes[name]
			delete(u.boxes, name)
			box.name = to + name[len(from):]
			u.boxes[box.name] = box
			u.named(box, "", name)
		}
	}
	return nil
}

func cmdSubscribe(s *session, p *parser) error { return s.subscribe(p, true) }

func cmdUnsubscribe(s *session, p *parser) error { return s.subscribe(p, false) }

func (s *session) subscribe(p *parser, on bool) error {
	p.sp()
	name := p.mailbox()
	if err := p.end(); err != nil {
		return err
	}
	m := s.user.find(name)
	if on && m == nil {
		return no("[NONEXISTENT] No such mailbox")
	}
	attrs := ""
	if s.user.subscribed[name] = on; on {
		attrs = `\Subscribed`
	} else {
		delete(s.user.subscribed, name)
	}
	if m != nil {
		s.user.happened(m, "SUBSCRIPTIONCHANGE", fmt.Sprintf(`LIST (%s) "%c" %s`, attrs, s.srv.delimiter(), quote(encodeUTF7(s.srv.WireName(m.name)))))
	}
	return nil
}

func cmdNamespace(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.untagged(`NAMESPACE ((%s "%c")) NIL NIL`, quote(s.srv.opts.Style.Prefix), s.srv.delimiter())
	return nil
}

func cmdStatus(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	p.sp()
	items := p.words()
	if err := p.end(); err != nil {
		return err
	}
	m, err := s.existing(name, "[NONEXISTENT] ")
	if err != nil {
		return err
	}
	text, err := s.statusText(m, items)
	if err != nil {
		return err
	}
	if s.srv.opts.Style.StatusSpace {
		s.untagged("STATUS %s (%s) ", s.mailboxName(name), text)
		return nil
	}
	s.untagged("STATUS %s (%s)", s.mailboxName(name), text)
	return nil
}

// statusText writes the items of a STATUS response.
func (s *session) statusText(m *Mailbox, items []string) (string, error) {
	var out []string
	for _, item := range items {
		if s.lacks(statusNeeds[item]) || s.rev2() && slices.Contains(removedInRev2, item) {
			return "", bad("Unknown STATUS item")
		}
		var value any
		switch item {
		case "MESSAGES":
			value = len(m.msgs)
		case "RECENT":
			value = m.count(func(msg *message) bool { return msg.recent })
		case "UIDNEXT":
			value = m.uidNext
		case "UIDVALIDITY":
			value = m.uidValidity
		case "UNSEEN":
			value = m.count(func(msg *message) bool { return !hasFlag(msg.flags, `\Seen`) })
		case "DELETED":
			value = m.count(func(msg *message) bool { return hasFlag(msg.flags, `\Deleted`) })
		case "SIZE":
			value = m.octets
		case "HIGHESTMODSEQ":
			s.enabled["CONDSTORE"] = true
			value = m.modSeq
		case "MAILBOXID":
			value = "(" + m.id + ")"
		case "OBJECTID":
			value = s.objectID(m)
		case "APPENDLIMIT":
			value = maxLiteral
		default:
			return "", bad("Unknown STATUS item")
		}
		out = append(out, fmt.Sprint(item, " ", value))
	}
	return strings.Join(out, " "), nil
}

// statusNeeds maps STATUS items to the capabilities that define them.
var statusNeeds = map[string]string{
	"SIZE":          "STATUS=SIZE",
	"HIGHESTMODSEQ": "CONDSTORE XYMHIGHESTMODSEQ",
	"MAILBOXID":     "OBJECTID",
	"OBJECTID":      "OBJECTID+",
	"APPENDLIMIT":   "APPENDLIMIT",
}

func (m *Mailbox) count(match func(*message) bool) int {
	n := 0
	for _, msg := range m.msgs {
		if match(msg) {
			n++
		}
	}
	return n
}
