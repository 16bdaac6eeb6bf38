package imap

import (
	"strings"
)

// label writes a label.
func (e *encoder) label(s string) *encoder {
	if strings.HasPrefix(s, `\`) && validFlag(Flag(s)) {
		return e.raw(s)
	}
	return e.anyMailbox(s)
}

// Gmail's extensions (X-GM-EXT-1): identifiers that are the same in all mailboxes, and labels.

// AddLabels adds labels to those of a message (X-GM-EXT-1). A label is a mailbox name, as in ListEntry.Name, or one of the
// system labels \Inbox, \Sent, \Important, \Starred and \Draft.
func AddLabels(labels ...string) StoreOp { return labelOp("+", labels) }

// RemoveLabels removes labels and keeps the others (X-GM-EXT-1).
func RemoveLabels(labels ...string) StoreOp { return labelOp("-", labels) }

// SetLabels replaces all labels; without arguments it removes all (X-GM-EXT-1).
func SetLabels(labels ...string) StoreOp { return labelOp("", labels) }

func labelOp(sign string, labels []string) StoreOp {
	return StoreOp{sign, FetchGmailLabels, len(labels), func(e *encoder) {
		e.raw("(")
		for i, l := range labels {
			if i > 0 {
				e.sp()
			}
			e.label(l)
		}
		e.raw(")")
	}}
}

// GmailRaw matches the results of a search in Gmail's syntax, such as "has:attachment in:unread" (X-GM-EXT-1).
func (q Query) GmailRaw(s string) Query {
	return q.with(searchKey{
		encode: func(e *encoder) { e.need(gmailCap).raw("X-GM-RAW ").searchText(s) },
		text:   !isASCII(s),
	})
}

// GmailMsgID matches the message with the given GmailData.MessageID (X-GM-EXT-1).
func (q Query) GmailMsgID(n uint64) Query { return q.gmailNumber(FetchGmailMsgID, n) }

// GmailThreadID matches the messages with the given GmailData.ThreadID, which form a conversation (X-GM-EXT-1).
func (q Query) GmailThreadID(n uint64) Query { return q.gmailNumber(FetchGmailThreadID, n) }

func (q Query) gmailNumber(key FetchAttr, n uint64) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need(gmailCap).raw(string(key) + " ").number(n) }})
}

// GmailLabel matches messages with a label (X-GM-EXT-1).
func (q Query) GmailLabel(label string) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need(gmailCap).raw("X-GM-LABELS ").label(label) }})
}

const gmailCap = "X-GM-EXT-1"

func parseGmailMsgID(p *parser, m *Message) (err error) {
	m.gmail().MessageID, err = p.itemNumber()
	return err
}

func parseGmailThreadID(p *parser, m *Message) (err error) {
	m.gmail().ThreadID, err = p.itemNumber()
	return err
}

// parseGmailLabels parses labels, which are mailbox names. It ignores a NIL among them.
func parseGmailLabels(p *parser, m *Message) error {
	g := m.gmail()
	if p.isNil() {
		return nil
	}
	if err := p.enter(); err != nil {
		return err
	}
	g.Labels = make([]string, 0, 4)
	for ; p.peek() != ')'; p.skipSpaces() {
		if len(g.Labels) >= maxListed {
			return p.errorf("too many labels")
		}
		label, ok, err := p.nstring()
		if err != nil {
			return err
		}
		if !ok {
			p.tolerate("NIL for a label")
			continue
		}
		g.Labels = append(g.Labels, p.decodePrefix(label))
	}
	return p.leave()
}
