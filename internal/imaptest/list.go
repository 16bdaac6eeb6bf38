package imaptest

import (
	"maps"
	"slices"
	"strings"
)

// listQuery is a parsed LIST command.
type listQuery struct {
	patterns  []string
	extended  bool // it has selection or return options
	returning bool // it has return options

	selSubscribed, selSpecial, selRecursive bool
	retSubscribed, retChildren, retSpecial  bool
	status                                  []string
	rights                                  bool
	metadata                                []string
}

func cmdList(s *session, p *parser) error {
	q := s.parseList(p)
	if err := p.end(); err != nil {
		return err
	}
	if q.selRecursive && !q.selSubscribed {
		return bad("RECURSIVEMATCH needs another selection option")
	}
	if len(q.patterns) == 1 && q.patterns[0] == "" {
		s.untagged(`LIST (\Noselect) "%c" ""`, s.srv.delimiter())
		return nil
	}
	for _, name := range s.listNames(q) {
		if err := s.listOne(q, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) parseList(p *parser) *listQuery {
	q := &listQuery{}
	extended := !s.srv.disabled["LIST-EXTENDED"]
	p.sp()
	if extended && p.peek() == '(' {
		q.extended = true
		for _, o := range p.words() {
			q.selectOption(p, o)
		}
		p.sp()
	}
	ref := p.decodeName(p.astring())
	p.sp()
	if extended && p.peek() == '(' {
		q.extended = true
		p.list(func() { q.patterns = append(q.patterns, ref+p.pattern()) })
	} else if pattern := p.pattern(); pattern == "" {
		q.patterns = []string{""}
	} else {
		q.patterns = []string{ref + pattern}
	}
	if p.accept(' ') {
		q.extended, q.returning = true, true
		if !p.acceptWord("RETURN") {
			p.fail("Syntax error: expected RETURN")
		}
		p.sp()
		p.list(func() { s.returnOption(q, p) })
	}
	if q.returning && s.lacks("LIST-EXTENDED LIST-STATUS") {
		p.fail("LIST-EXTENDED is not supported")
	}
	return q
}

func (q *listQuery) selectOption(p *parser, option string) {
	switch option {
	case "SUBSCRIBED":
		q.selSubscribed, q.retSubscribed = true, true
	case "REMOTE":
	case "RECURSIVEMATCH":
		q.selRecursive = true
	case "SPECIAL-USE":
		q.selSpecial, q.retSpecial = true, true
	default:
		p.fail("Unknown LIST selection option")
	}
}

func (s *session) returnOption(q *listQuery, p *parser) {
	switch option := p.word(); {
	case option == "SUBSCRIBED":
		q.retSubscribed = true
	case option == "CHILDREN":
		q.retChildren = true
	case option == "SPECIAL-USE" && !s.srv.disabled["SPECIAL-USE"]:
		q.retSpecial = true
	case option == "STATUS" && !s.srv.disabled["LIST-STATUS"]:
		p.sp()
		q.status = p.words()
	case option == "MYRIGHTS" && !s.srv.disabled["LIST-MYRIGHTS"]:
		q.rights = true
	case option == "METADATA" && !s.srv.disabled["LIST-METADATA"]:
		p.sp()
		p.list(func() { q.metadata = append(q.metadata, p.entryName()) })
	default:
		p.fail("Unknown LIST return option")
	}
}

// listNames returns the candidates in order: the existing mailboxes and, if
// subscriptions are requested, the subscribed names.
func (s *session) listNames(q *listQuery) []string {
	names := map[string]bool{}
	for name := range s.user.boxes {
		names[name] = true
	}
	if q.selSubscribed {
		for name := range s.user.subscribed {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// listOne writes the response for one name if it is selected.
func (s *session) listOne(q *listQuery, name string) error {
	m := s.user.find(name)
	if !slices.ContainsFunc(q.patterns, func(pat string) bool { return matchPattern(pat, name) }) {
		return nil
	}
	childInfo := ""
	if q.selRecursive && s.hasHiddenChild(q, name) {
		childInfo = ` ("CHILDINFO" ("SUBSCRIBED"))`
	}
	if q.selSubscribed && !s.user.subscribed[name] && childInfo == "" ||
		q.selSpecial && (m == nil || m.specialUse == "") {
		return nil
	}
	s.untagged(`LIST (%s) "%c" %s%s`, strings.Join(s.attributes(q, name, m), " "), s.srv.delimiter(), s.mailboxName(name), childInfo)
	if m == nil {
		return nil
	}
	if q.rights {
		s.sendMyRights(m)
	}
	if q.metadata != nil {
		s.listMetadata(m, q.metadata)
	}
	if q.status == nil || m.noSelect {
		return nil
	}
	text, err := s.statusText(m, q.status)
	if err != nil {
		return err
	}
	s.untagged("STATUS %s (%s)", s.mailboxName(name), text)
	return nil
}

// hasHiddenChild reports whether a subscribed descendant of name is not
// matched by the patterns themselves (RFC 5258 section 3.5).
func (s *session) hasHiddenChild(q *listQuery, name string) bool {
	for sub := range s.user.subscribed {
		if strings.HasPrefix(sub, name+"/") &&
			!slices.ContainsFunc(q.patterns, func(pat string) bool { return matchPattern(pat, sub) }) {
			return true
		}
	}
	return false
}

// attributes returns the name attributes. With return options only the
// requested ones are included.
func (s *session) attributes(q *listQuery, name string, m *Mailbox) []string {
	var attrs []string
	switch {
	case m == nil:
		attrs = append(attrs, `\NonExistent`)
	case m.noSelect:
		attrs = append(attrs, `\Noselect`)
	}
	if (q.retChildren || !q.returning) && !s.srv.disabled["CHILDREN"] {
		if s.user.hasChildren(name) {
			attrs = append(attrs, `\HasChildren`)
		} else {
			attrs = append(attrs, `\HasNoChildren`)
		}
	}
	if q.retSubscribed && s.user.subscribed[name] {
		attrs = append(attrs, `\Subscribed`)
	}
	if m != nil && m.specialUse != "" && (q.retSpecial || !q.returning) && !s.srv.disabled["SPECIAL-USE"] {
		attrs = append(attrs, m.specialUse)
	}
	return attrs
}

// matchPattern matches a name against a pattern with "*" and "%".
func matchPattern(pattern, name string) bool { return matchTail(canonical(pattern), name) }

// matchTail is matchPattern within a name, where INBOX has no special meaning.
func matchTail(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	if c := pattern[0]; c != '*' && c != '%' {
		return name != "" && name[0] == c && matchTail(pattern[1:], name[1:])
	}
	for {
		if matchTail(pattern[1:], name) {
			return true
		}
		if name == "" || pattern[0] == '%' && name[0] == '/' {
			return false
		}
		name = name[1:]
	}
}

func cmdLsub(s *session, p *parser) error {
	p.sp()
	ref := p.decodeName(p.astring())
	p.sp()
	pattern := p.pattern()
	if err := p.end(); err != nil {
		return err
	}
	if pattern == "" {
		s.untagged(`LSUB (\Noselect) "%c" ""`, s.srv.delimiter())
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.user.subscribed)) {
		if s.user.subscribed[name] && matchPattern(ref+pattern, name) {
			s.untagged(`LSUB () "%c" %s`, s.srv.delimiter(), s.mailboxName(name))
		}
	}
	return nil
}
