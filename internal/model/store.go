package model

import (
	"fmt"
	"slices"
	"strings"
)

// A store holds the true content of every mailbox.
type store struct {
	boxes  map[string]*box
	lastID int // last id of a message
}

// A box is one mailbox.
type box struct {
	name     string
	validity uint32
	uidNext  uint32
	modSeq   uint64
	msgs     []*message
	gone     []*message // removed messages, with the mod-sequence of the removal
	extras
}

// A message is one message in one mailbox. Copies share the id, which identifies the content.
type message struct {
	box    *box
	id     int
	uid    uint32
	flags  []string
	modSeq uint64
	body   string
	gone   bool
}

// names are the mailboxes of every store.
var names = []string{"INBOX", "Work", "Trash"}

// newStore creates the mailboxes, the first with the given number of messages, the others with a few.
func newStore(r *rng, messages int) *store {
	s := &store{boxes: make(map[string]*box)}
	for i, name := range names {
		b := &box{name: name, validity: uint32(100 + i), uidNext: 1 + uint32(r.n(3)), modSeq: 10, extras: newExtras()}
		s.boxes[name] = b
		if i > 0 {
			messages = r.n(4)
		}
		for range messages {
			b.uidNext += uint32(r.n(2))
			s.deliver(b, s.newBody(r))
		}
	}
	return s
}

// newBody returns a unique text of a message. The body may be empty.
func (s *store) newBody(r *rng) string {
	s.lastID++
	text := ""
	switch r.n(5) {
	case 0:
	case 1:
		text = strings.Repeat(fmt.Sprintf("line of %d\r\n", s.lastID), 1+r.n(40))
	default:
		text = fmt.Sprintf("text %d)\r\n", s.lastID)
	}
	return fmt.Sprintf("Subject: m%d\r\n\r\n%s", s.lastID, text)
}

// deliver adds a message as new content.
func (s *store) deliver(b *box, body string, flags ...string) *message {
	s.lastID++
	return b.add(&message{id: s.lastID, body: body, flags: flags})
}

// add adds a message under the next UID.
func (b *box) add(m *message) *message {
	b.modSeq++
	m.box, m.uid, m.modSeq = b, b.uidNext, b.modSeq
	b.uidNext++
	b.msgs = append(b.msgs, m)
	return m
}

// remove removes a message.
func (b *box) remove(m *message) {
	i := slices.Index(b.msgs, m)
	if i < 0 {
		return
	}
	b.msgs = slices.Delete(b.msgs, i, i+1)
	b.modSeq++
	m.gone, m.modSeq = true, b.modSeq
	b.gone = append(b.gone, m)
}

// setFlags changes the flags by the sign of STORE.
func (m *message) setFlags(sign string, flags []string) {
	old := m.flags
	switch sign {
	case "+":
		m.flags = slices.Clone(m.flags)
		for _, f := range flags {
			if !m.has(f) {
				m.flags = append(m.flags, f)
			}
		}
	case "-":
		m.flags = slices.DeleteFunc(slices.Clone(m.flags), func(f string) bool { return slices.Contains(flags, f) })
	default:
		m.flags = slices.Clone(flags)
	}
	if !slices.Equal(old, m.flags) {
		m.box.modSeq++
		m.modSeq = m.box.modSeq
	}
}

func (m *message) has(flag string) bool { return slices.Contains(m.flags, flag) }

func (m *message) String() string { return fmt.Sprintf("%s/%d (content %d)", m.box.name, m.uid, m.id) }

// flagList returns the flags in wire syntax.
func (m *message) flagList() string { return "(" + strings.Join(m.flags, " ") + ")" }

// section returns the bytes of BODY[name].
func (m *message) section(name string) string {
	header, text, _ := strings.Cut(m.body, "\r\n\r\n")
	switch name {
	case "HEADER":
		return header + "\r\n\r\n"
	case "TEXT", "1":
		return text
	}
	return m.body
}
