package imaptest

import (
	"maps"
	"slices"
	"strings"
)

// allRights are the rights of RFC 4314, which the owner of a mailbox has.
// Rights are kept but not enforced: no user sees the mailboxes of another.
const allRights = "lrswipkxtea"

// aclMailbox parses the mailbox of a command.
func (s *session) aclMailbox(p *parser) func() (*Mailbox, error) {
	p.sp()
	name := p.mailbox()
	return func() (*Mailbox, error) {
		if err := p.end(); err != nil {
			return nil, err
		}
		m := s.user.find(name)
		if m == nil {
			return nil, no("[NONEXISTENT] No such mailbox")
		}
		return m, nil
	}
}

// identifier parses the identifier that gets rights.
func (p *parser) identifier() string {
	p.sp()
	id := p.astring()
	if strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		p.fail("Invalid identifier")
	}
	return id
}

func cmdGetACL(s *session, p *parser) error {
	m, err := s.aclMailbox(p)()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(m.acl)) {
		b.WriteString(" " + quote(id) + " " + m.acl[id])
	}
	s.untagged("ACL %s%s", s.mailboxName(m.name), b.String())
	return nil
}

func cmdSetACL(s *session, p *parser) error {
	mailbox := s.aclMailbox(p)
	id := p.identifier()
	p.sp()
	rights := p.astring()
	m, err := mailbox()
	if err != nil {
		return err
	}
	op := byte(0)
	if rights != "" && (rights[0] == '+' || rights[0] == '-') {
		op, rights = rights[0], rights[1:]
	}
	if i := strings.IndexFunc(rights, func(r rune) bool { return !strings.ContainsRune(allRights, r) }); i >= 0 {
		return bad("Unknown right")
	}
	m.acl[id] = combineRights(m.acl[id], op, rights)
	if m.acl[id] == "" {
		delete(m.acl, id)
	}
	return nil
}

// combineRights returns the rights in the order of allRights.
func combineRights(old string, op byte, rights string) string {
	var b strings.Builder
	for _, r := range allRights {
		had, given := strings.ContainsRune(old, r), strings.ContainsRune(rights, r)
		if op == 0 && given || op == '+' && (had || given) || op == '-' && had && !given {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func cmdDeleteACL(s *session, p *parser) error {
	mailbox := s.aclMailbox(p)
	id := p.identifier()
	m, err := mailbox()
	if err != nil {
		return err
	}
	delete(m.acl, id)
	return nil
}

func cmdListRights(s *session, p *parser) error {
	mailbox := s.aclMailbox(p)
	id := p.identifier()
	m, err := mailbox()
	if err != nil {
		return err
	}
	required, optional := `""`, strings.Split(allRights, "")
	if id == m.user.name {
		required, optional = "la", strings.Split(strings.Trim(allRights, "la"), "")
	}
	s.untagged("LISTRIGHTS %s %s %s %s", s.mailboxName(m.name), quote(id), required, strings.Join(optional, " "))
	return nil
}

func cmdMyRights(s *session, p *parser) error {
	m, err := s.aclMailbox(p)()
	if err != nil {
		return err
	}
	s.sendMyRights(m)
	return nil
}

func (s *session) sendMyRights(m *Mailbox) {
	rights := m.acl[s.user.name]
	if rights == "" {
		rights = `""`
	}
	s.untagged("MYRIGHTS %s %s", s.mailboxName(m.name), rights)
}
