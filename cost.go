package imap

import "github.com/go-imaplib/imap/internal/wire"

// What results cost in memory, about: the bounds of queues count it, because a few octets of a response can become many.
const (
	sliceCost   = 16  // a string of a list
	addressCost = 48  // an Address
	nodeCost    = 280 // a BodyStructure
	messageCost = 512 // a Message
	listCost    = 256 // a ListEntry, and what finds it again
	rawCost     = 72  // an Untagged
)

// slots is what the parts of a message cost beside the octets of their texts.
func (m *Message) slots() int {
	n := messageCost + sliceCost*len(m.Flags)
	if m.Envelope != nil {
		n += m.Envelope.slots()
	}
	return n + m.BodyStructure.slots()
}

func (env *Envelope) slots() int {
	n := 256 + sliceCost*len(env.raw)
	for _, list := range env.lists() {
		n += addressCost * len(list)
	}
	return n
}

func (env *Envelope) lists() [6][]Address {
	return [...][]Address{env.From, env.Sender, env.ReplyTo, env.To, env.CC, env.BCC}
}

func (b *BodyStructure) slots() int {
	if b == nil {
		return 0
	}
	n := nodeCost + 2*sliceCost*(len(b.Params)+len(b.DispositionParams)) + sliceCost*len(b.Language)
	if b.Envelope != nil {
		n += b.Envelope.slots()
	}
	for _, child := range b.Children {
		n += child.slots()
	}
	return n
}

// texts are the octets of the texts of a message.
func (m *Message) texts() int {
	n := len(m.Preview)
	for _, f := range m.Flags {
		n += len(f)
	}
	for _, s := range m.Sections {
		n += len(s.Bytes)
	}
	if m.Envelope != nil {
		n += m.Envelope.texts()
	}
	return n + m.BodyStructure.texts()
}

func (env *Envelope) texts() int {
	n := len(env.DateText) + len(env.Subject) + len(env.InReplyTo) + len(env.MessageID)
	for _, s := range env.raw {
		n += len(s)
	}
	for _, list := range env.lists() {
		for _, a := range list {
			n += len(a.Name) + len(a.Mailbox) + len(a.Host)
		}
	}
	return n
}

func (b *BodyStructure) texts() int {
	if b == nil {
		return 0
	}
	n := len(b.Description) + len(b.ID) + len(b.Location) + len(b.Type) + len(b.Subtype)
	for _, params := range [][]Param{b.Params, b.DispositionParams} {
		for _, p := range params {
			n += len(p.Name) + len(p.Value)
		}
	}
	for _, s := range b.Language {
		n += len(s)
	}
	if b.Envelope != nil {
		n += b.Envelope.texts()
	}
	for _, child := range b.Children {
		n += child.texts()
	}
	return n
}

// keep counts what a command keeps of its answer. Results that wait for a loop are counted where they wait; all else is
// in memory until the command ends, and a server that does not come to an end is left.
func (e *engine) keep(cmd *command, r *response) {
	if cmd.batch || cmd.abandoned {
		return
	}
	cmd.taken += int64(len(r.text) + cmd.weight)
	for _, l := range r.lits {
		cmd.taken += int64(len(l.Data))
	}
	if limit := e.conn.Limits.MaxBuffered; cmd.taken > limit {
		e.hangUp(&wire.LostError{Cause: &LimitError{"MaxBuffered", limit}})
	}
}
