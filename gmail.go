package imap

// What only Gmail has (X-GM-EXT-1): numbers that stay the same in all mailboxes, and labels.

func (m *Message) gmail() *GmailData {
	if m.Gmail == nil {
		m.Gmail = new(GmailData)
	}
	return m.Gmail
}

func parseGmailMsgID(p *parser, m *Message) (err error) {
	m.gmail().MessageID, err = p.number()
	return err
}

func parseGmailThreadID(p *parser, m *Message) (err error) {
	m.gmail().ThreadID, err = p.number()
	return err
}

// parseGmailLabels reads labels, which are mailbox names. NIL among them is none.
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
			return p.errorf("more labels than any message has")
		}
		label, ok, err := p.nstring()
		if err != nil {
			return err
		}
		if !ok {
			p.tolerate("NIL for a label")
			continue
		}
		g.Labels = append(g.Labels, decodePrefix(label))
	}
	return p.leave()
}

// merge adds what came in another response for the same message.
func (g *GmailData) merge(more *GmailData) {
	if more.MessageID != 0 {
		g.MessageID = more.MessageID
	}
	if more.ThreadID != 0 {
		g.ThreadID = more.ThreadID
	}
	if more.Labels != nil {
		g.Labels = more.Labels
	}
}
