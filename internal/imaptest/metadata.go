package imaptest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// annotations returns the entries of a mailbox, or of the server for "".
func (s *session) annotations(name string) (map[string]string, error) {
	if name == "" {
		return s.user.metadata, nil
	}
	m := s.user.find(name)
	if m == nil {
		return nil, no("[NONEXISTENT] No such mailbox")
	}
	return m.metadata, nil
}

// entryName parses the name of an entry, ignoring case.
func (p *parser) entryName() string {
	name := strings.ToLower(p.astring())
	if p.err == nil && (!isAtom(name) || strings.Contains(name, "//") || strings.HasSuffix(name, "/") ||
		!strings.HasPrefix(name+"/", "/private/") && !strings.HasPrefix(name+"/", "/shared/")) {
		p.fail("Invalid entry name")
	}
	return name
}

func cmdSetMetadata(s *session, p *parser) error {
	p.sp()
	mailbox := p.mailbox()
	p.sp()
	values := map[string]*string{}
	p.list(func() {
		name := p.entryName()
		p.sp()
		if v, present := p.nstring(); present {
			values[name] = &v
		} else {
			values[name] = nil
		}
	})
	if err := p.end(); err != nil {
		return err
	}
	entries, err := s.annotations(mailbox)
	if err != nil {
		return err
	}
	for name, v := range values {
		if v == nil {
			delete(entries, name)
		} else {
			entries[name] = *v
		}
		s.metadataChanged(mailbox, name)
	}
	return nil
}

// metadataChanged notifies the sessions that requested it by NOTIFY.
func (s *session) metadataChanged(mailbox, entry string) {
	line := fmt.Sprintf("METADATA %s %s", quote(encodeUTF7(s.srv.WireName(mailbox))), entry)
	if m := s.user.find(mailbox); m != nil && mailbox != "" {
		s.user.happened(m, "MAILBOXMETADATACHANGE", line)
		return
	}
	if m := s.user.find("INBOX"); m != nil {
		s.user.happened(m, "SERVERMETADATACHANGE", line)
	}
}

// metadataQuery is a parsed GETMETADATA.
type metadataQuery struct {
	mailbox string
	names   []string
	maxSize uint64
	depth   int
}

func parseMetadataQuery(p *parser) metadataQuery {
	q := metadataQuery{maxSize: math.MaxUint64}
	p.sp()
	if p.peek() == '(' {
		p.list(func() { q.option(p) })
		p.sp()
	}
	q.mailbox = p.mailbox()
	p.sp()
	if p.peek() == '(' {
		p.list(func() { q.names = append(q.names, p.entryName()) })
	} else {
		q.names = append(q.names, p.entryName())
	}
	return q
}

func (q *metadataQuery) option(p *parser) {
	switch p.word() {
	case "MAXSIZE":
		p.sp()
		q.maxSize = p.number()
	case "DEPTH":
		p.sp()
		switch p.word() {
		case "0":
			q.depth = 0
		case "1":
			q.depth = 1
		case "INFINITY":
			q.depth = math.MaxInt
		default:
			p.fail("Unknown DEPTH")
		}
	default:
		p.fail("Unknown GETMETADATA option")
	}
}

// selects reports whether an entry is one of the requested ones, or not too far
// below one.
func (q *metadataQuery) selects(entry string) bool {
	for _, name := range q.names {
		if entry == name {
			return true
		}
		if below, found := strings.CutPrefix(entry, name+"/"); found && strings.Count(below, "/") < q.depth {
			return true
		}
	}
	return false
}

func cmdGetMetadata(s *session, p *parser) error {
	q := parseMetadataQuery(p)
	if err := p.end(); err != nil {
		return err
	}
	entries, err := s.annotations(q.mailbox)
	if err != nil {
		return err
	}
	w := &writer{utf8: s.enabled["UTF8=ACCEPT"]}
	longest := 0
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if !q.selects(name) {
			continue
		}
		if uint64(len(entries[name])) > q.maxSize {
			longest = max(longest, len(entries[name]))
			continue
		}
		w.WriteByte("( "[b2i(w.Len() > 0)])
		w.WriteString(name + " ")
		w.str(entries[name])
	}
	if w.Len() > 0 {
		s.untagged("METADATA %s %s)", s.mailboxName(q.mailbox), w.String())
	}
	if longest > 0 {
		return ok(fmt.Sprintf("[METADATA LONGENTRIES %d] GETMETADATA completed", longest))
	}
	return nil
}

// listMetadata sends entries of a mailbox together with its row (RFC 9590);
// those that are not set are NIL.
func (s *session) listMetadata(m *Mailbox, names []string) {
	w := &writer{utf8: s.enabled["UTF8=ACCEPT"]}
	for i, name := range names {
		w.WriteByte("( "[b2i(i > 0)])
		w.WriteString(name + " ")
		if value, set := m.metadata[name]; set {
			w.str(value)
		} else {
			w.WriteString("NIL")
		}
	}
	s.untagged("METADATA %s %s)", s.mailboxName(m.name), w.String())
}
