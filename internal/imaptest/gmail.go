package imaptest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ---- X-GM-EXT-1

// gmailID returns a number that is the same in all mailboxes, because it depends only on the content.
func (m *message) gmailID() uint64 {
	sum := sha256.Sum256([]byte(m.id))
	return binary.BigEndian.Uint64(sum[:8])>>1 | 1
}

// gmailThread returns the number shared by all messages with the same subject.
func (m *message) gmailThread() uint64 {
	sum := sha256.Sum256([]byte(m.baseSubject()))
	return binary.BigEndian.Uint64(sum[:8])>>1 | 1
}

// label parses a label: a system label or a mailbox name.
func (p *parser) label() string {
	if p.peek() == '\\' {
		return p.flag()
	}
	return p.mailbox()
}

// labelText writes labels.
func (s *session) labelText(labels []string) string {
	var out []string
	for _, l := range labels {
		if !strings.HasPrefix(l, `\`) {
			l = s.mailboxName(l)
		}
		out = append(out, l)
	}
	return "(" + strings.Join(out, " ") + ")"
}

// setLabels changes the labels of a message.
func (m *Mailbox) setLabels(msg *message, op byte, labels []string) {
	now := labels
	switch op {
	case '+':
		now = append(slices.Clone(msg.labels), labels...)
	case '-':
		now = slices.DeleteFunc(slices.Clone(msg.labels), func(l string) bool { return slices.Contains(labels, l) })
	}
	slices.Sort(now)
	msg.labels = slices.Compact(now)
	m.modSeq++
	msg.modSeq = m.modSeq
	m.notify("FLAGCHANGE")
}

// gmailKey compiles the keys of Gmail.
func (k *keyParser) gmailKey(word string) matcher {
	switch word {
	case "X-GM-MSGID":
		k.sp()
		n := k.number()
		return func(c *candidate) bool { return c.gmailID() == n }
	case "X-GM-THRID":
		k.sp()
		n := k.number()
		return func(c *candidate) bool { return c.gmailThread() == n }
	case "X-GM-LABELS":
		k.sp()
		label := k.label()
		return func(c *candidate) bool { return hasFlag(c.labels, label) }
	case "X-GM-RAW":
		k.sp()
		words := strings.Fields(strings.ToLower(k.searchString()))
		return func(c *candidate) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !c.gmailMatches(w) })
		}
	}
	return nil
}

// gmailMatches evaluates one word of a search in Gmail's syntax.
func (m *message) gmailMatches(word string) bool {
	field, value, found := strings.Cut(word, ":")
	if !found {
		return strings.Contains(strings.ToLower(string(m.raw)), word)
	}
	switch field {
	case "subject", "from", "to":
		return m.structure().headerContains(field, value)
	case "is":
		switch value {
		case "unread":
			return !hasFlag(m.flags, `\Seen`)
		case "starred":
			return hasFlag(m.flags, `\Flagged`)
		}
	case "label":
		return hasFlag(m.labels, value)
	}
	return false
}

// ---- XLIST

// xlistNames are the attributes of XLIST that have other names than those of SPECIAL-USE.
var xlistNames = map[string]string{`\All`: `\AllMail`, `\Flagged`: `\Starred`, `\Junk`: `\Spam`}

func cmdXList(s *session, p *parser) error {
	p.sp()
	ref := p.decodeName(p.astring())
	p.sp()
	pattern := p.pattern()
	if err := p.end(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.user.boxes)) {
		if !matchPattern(ref+pattern, name) {
			continue
		}
		m := s.user.boxes[name]
		attrs := s.attributes(&listQuery{returning: true, retChildren: true}, name, m)
		use := orElse(xlistNames[m.specialUse], m.specialUse)
		if name == "INBOX" {
			use = `\Inbox`
		}
		if use != "" {
			attrs = append(attrs, use)
		}
		s.untagged(`XLIST (%s) "%c" %s`, strings.Join(attrs, " "), s.srv.delimiter(), s.mailboxName(name))
	}
	return nil
}

// ---- OBJECTID+

// objectID returns the code with the identifiers of a mailbox.
func (s *session) objectID(m *Mailbox) string {
	return fmt.Sprintf("(ACCOUNTID %s MAILBOXID %s)", s.accountID(), m.id)
}

func (s *session) accountID() string {
	sum := sha256.Sum256([]byte(s.user.name))
	return fmt.Sprintf("u%x", sum[:4])
}
