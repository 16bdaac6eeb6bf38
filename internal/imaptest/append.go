package imaptest

import (
	"fmt"
	"time"
)

// newMessage is one message of an APPEND.
type newMessage struct {
	raw   []byte
	flags []string
	date  time.Time
}

func cmdAppend(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	var list []newMessage
	for {
		p.sp()
		list = append(list, s.parseMessage(p))
		if p.err != nil || s.srv.disabled["MULTIAPPEND"] || p.pos == len(p.b) {
			break
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	m, err := s.existing(name, "[TRYCREATE] ")
	if err != nil {
		return err
	}
	if m.readOnly {
		return no("[NOPERM] Mailbox is read-only")
	}
	if n := s.srv.opts.SaveLimit; n > 0 && len(list) > n {
		return no(fmt.Sprintf("[MESSAGELIMIT %d] Too many messages", n))
	}
	if s.user.overQuota(list) {
		return no("[OVERQUOTA] Quota exceeded")
	}
	var uids []uint32
	for _, msg := range list {
		uids = append(uids, m.add(msg.raw, msg.flags, msg.date).uid)
	}
	if s.srv.disabled["UIDPLUS"] {
		return nil
	}
	return ok(fmt.Sprintf("[APPENDUID %d %s] APPEND completed", m.uidValidity, formatSet(uids)))
}

// parseMessage reads flags, date and literal of one message.
func (s *session) parseMessage(p *parser) newMessage {
	var msg newMessage
	if p.peek() == '(' {
		msg.flags = p.flagList()
		p.sp()
	}
	if p.peek() == '"' {
		msg.date = p.dateTime()
		p.sp()
	}
	if !s.srv.disabled["UTF8=ACCEPT"] && p.acceptWord("UTF8") {
		p.sp()
		p.expect('(')
		msg.raw = p.messageLiteral()
		p.expect(')')
		return msg
	}
	msg.raw = p.messageLiteral()
	return msg
}

// messageLiteral reads a literal that must not be empty.
func (p *parser) messageLiteral() []byte {
	if c := p.peek(); c != '{' && c != '~' {
		p.fail("Syntax error: expected a literal")
		return nil
	}
	data := p.literal()
	if len(data) == 0 {
		p.fail("Message is empty")
	}
	// The command is not used again, so that no copy is needed; the capacity
	// is cut because the next literal follows in the same memory.
	return data[:len(data):len(data)]
}
