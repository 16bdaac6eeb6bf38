package imaptest

import (
	"bytes"
	"net/url"
	"regexp"
	"strconv"
)

// ---- CATENATE (RFC 4469) and URL-PARTIAL (RFC 5550)

// catenate parses the parts of a message, and assembles it.
func (s *session) catenate(p *parser) ([]byte, error) {
	var text []byte
	var refused error
	p.sp()
	p.list(func() {
		switch p.word() {
		case "TEXT":
			p.sp()
			text = append(text, p.literal()...)
		case "URL":
			p.sp()
			name := p.astring()
			part, found := s.part(name)
			if !found && refused == nil && p.err == nil {
				refused = no("[BADURL " + quote(name) + "] CATENATE append has failed")
			}
			text = append(text, part...)
		default:
			p.fail("Unknown part of CATENATE")
		}
	})
	if len(text) == 0 && refused == nil {
		p.fail("Message is empty")
	}
	return text, refused
}

// messageURL matches the URLs that CATENATE accepts, with or without this server.
var messageURL = regexp.MustCompile(`(?i)^(?:imap://[^/]*)?/?([^;?]+?)/?(?:;UIDVALIDITY=(\d+))?/;UID=(\d+)(?:/;SECTION=([^;/]+))?(?:/;PARTIAL=(\d+)(?:\.(\d+))?)?$`)

// part returns the data that a URL names.
func (s *session) part(name string) ([]byte, bool) {
	parts := messageURL.FindStringSubmatch(name)
	if parts == nil || parts[5] != "" && s.srv.disabled["URL-PARTIAL"] {
		return nil, false
	}
	box, err1 := url.PathUnescape(parts[1])
	section, err2 := url.PathUnescape(parts[4])
	m := s.user.find(box)
	if err1 != nil || err2 != nil || m == nil || parts[2] != "" && parts[2] != strconv.FormatUint(uint64(m.uidValidity), 10) {
		return nil, false
	}
	uid, _ := strconv.ParseUint(parts[3], 10, 32)
	msg := m.byUID(uint32(uid))
	if msg == nil {
		return nil, false
	}
	p := &parser{b: []byte("[" + section + "]")}
	data, found := msg.structure().extract(p.section())
	if p.err != nil || !found {
		return nil, false
	}
	return cutPart(data, parts[5], parts[6]), true
}

// cutPart returns count bytes of data from offset on.
func cutPart(data []byte, offset, count string) []byte {
	from, _ := strconv.Atoi(offset)
	to := len(data)
	if n, err := strconv.Atoi(count); err == nil {
		to = min(from+n, to)
	}
	if from >= to {
		return nil
	}
	return bytes.Clone(data[from:to])
}

// ---- REPLACE (RFC 8508)

func cmdReplace(s *session, p *parser) error {
	p.sp()
	n := p.number32()
	p.sp()
	name := p.mailbox()
	p.sp()
	msg, err := s.parseMessage(p)
	if endErr := p.end(); endErr != nil {
		return endErr
	}
	if err != nil {
		return err
	}
	i := int(n) - 1
	if s.uid {
		i = s.index(n)
	}
	if i < 0 || i >= len(s.view) || s.view[i].gone {
		return no("[EXPUNGEISSUED] No such message")
	}
	if s.readOnly {
		return no("[READ-ONLY] Mailbox is read-only")
	}
	target, err := s.existing(name, "[TRYCREATE] ")
	if err != nil {
		return err
	}
	if s.user.overQuota([]newMessage{msg}) {
		return no("[OVERQUOTA] Quota exceeded")
	}
	old := s.view[i].uid
	made := target.add(msg.raw, msg.flags, msg.date)
	target.annotate(made, msg.annotations)
	if !s.srv.disabled["UIDPLUS"] {
		s.untagged("OK [APPENDUID %d %d] Replacement message ready", target.uidValidity, made.uid)
	}
	s.box.remove(func(m *message) bool { return m.uid == old })
	s.sync(true)
	return nil
}

// literalBound returns the size of the largest non-synchronizing literal, 4096 with LITERAL- (RFC 7888), or -1 if none is
// allowed.
func (s *session) literalBound() int64 {
	switch {
	case !s.srv.disabled["LITERAL+"]:
		return maxLiteral
	case s.srv.more("LITERAL-") || s.rev2():
		return 4096
	}
	return -1
}
