package imaptest

import (
	"fmt"
	"time"
)

// newMessage is one message of an APPEND.
type newMessage struct {
	raw         []byte
	flags       []string
	date        time.Time
	annotations map[string]map[string]*string
}

func cmdAppend(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	var list []newMessage
	var refused error
	for {
		p.sp()
		msg, err := s.parseMessage(p)
		if err != nil && refused == nil {
			refused = err
		}
		list = append(list, msg)
		if p.err != nil || s.srv.disabled["MULTIAPPEND"] || p.pos == len(p.b) {
			break
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if refused != nil {
		return refused
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
		made := m.add(msg.raw, msg.flags, msg.date)
		m.annotate(made, msg.annotations)
		uids = append(uids, made.uid)
	}
	if s.srv.disabled["UIDPLUS"] {
		return nil
	}
	return ok(fmt.Sprintf("[APPENDUID %d %s] APPEND completed", m.uidValidity, formatSet(uids)))
}

// parseMessage reads flags, date, annotations and the text of one message. On an error the message is read nevertheless, and then refused.
func (s *session) parseMessage(p *parser) (msg newMessage, err error) {
	if p.peek() == '(' {
		msg.flags = p.flagList()
		p.sp()
	}
	if p.peek() == '"' {
		msg.date = p.dateTime()
		p.sp()
	}
	if !s.srv.disabled["ANNOTATE-EXPERIMENT-1"] && p.acceptWord("ANNOTATION") {
		p.sp()
		msg.annotations = p.annotations()
		err = fitting(msg.annotations)
		p.sp()
	}
	if !s.srv.disabled["CATENATE"] && p.acceptWord("CATENATE") {
		text, refused := s.catenate(p)
		if msg.raw = text; err == nil {
			err = refused
		}
		return msg, err
	}
	if !s.srv.disabled["UTF8=ACCEPT"] && p.acceptWord("UTF8") {
		p.sp()
		p.expect('(')
		msg.raw = p.messageLiteral()
		p.expect(')')
		return msg, err
	}
	msg.raw = p.messageLiteral()
	return msg, err
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
