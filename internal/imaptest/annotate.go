package imaptest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxAnnotation is the size in bytes of the largest annotation that is accepted.
const maxAnnotation = 20480

// ---- ANNOTATE-EXPERIMENT-1 (RFC 5257)

// annotations reads (entry (attribute value ...) ...): values by entry and attribute, nil for NIL.
func (p *parser) annotations() map[string]map[string]*string {
	all := map[string]map[string]*string{}
	p.list(func() {
		entry := strings.ToLower(p.astring())
		p.sp()
		values := map[string]*string{}
		p.list(func() {
			name := strings.ToLower(p.astring())
			p.sp()
			if name != "value.priv" && name != "value.shared" {
				p.fail("This attribute cannot be set")
			}
			if v, present := p.nvalue(); present {
				values[name] = &v
			} else {
				values[name] = nil
			}
		})
		all[entry] = values
	})
	return all
}

// nvalue reads NIL, a string or a literal8.
func (p *parser) nvalue() (string, bool) {
	if p.acceptWord("NIL") {
		return "", false
	}
	return p.str(), true
}

// fitting refuses annotations that are too large.
func fitting(all map[string]map[string]*string) error {
	for _, values := range all {
		for _, v := range values {
			if v != nil && len(*v) > maxAnnotation {
				return no("[ANNOTATE TOOBIG] The annotation is too large")
			}
		}
	}
	return nil
}

// annotate changes annotations of a message.
func (m *Mailbox) annotate(msg *message, all map[string]map[string]*string) {
	if len(all) == 0 {
		return
	}
	for entry, values := range all {
		for name, v := range values {
			if v == nil {
				delete(msg.annotations, entry+" "+name)
				continue
			}
			if msg.annotations == nil {
				msg.annotations = map[string]string{}
			}
			msg.annotations[entry+" "+name] = *v
		}
	}
	m.modSeq++
	msg.modSeq = m.modSeq
	m.notify("ANNOTATIONCHANGE")
}

// annotationQuery is the request of a FETCH.
type annotationQuery struct{ entries, attributes []string }

func (p *parser) patterns() []string {
	if p.peek() != '(' {
		return []string{strings.ToLower(p.patternWord())}
	}
	var list []string
	p.list(func() { list = append(list, strings.ToLower(p.patternWord())) })
	return list
}

// annotationItem reads (entries attributes).
func (p *parser) annotationItem() *annotationQuery {
	q := &annotationQuery{}
	p.sp()
	p.expect('(')
	q.entries = p.patterns()
	p.sp()
	q.attributes = p.patterns()
	p.expect(')')
	return q
}

// annotation writes the annotations of a message. A pattern matches existing ones; a name is written even without a value.
func (w *writer) annotation(msg *message, q *annotationQuery) {
	names := map[string]bool{}
	for key := range msg.annotations {
		entry, _, _ := strings.Cut(key, " ")
		if slices.ContainsFunc(q.entries, func(pat string) bool { return matchTail(pat, entry) }) {
			names[entry] = true
		}
	}
	for _, pat := range q.entries {
		if !strings.ContainsAny(pat, "*%") {
			names[pat] = true
		}
	}
	w.WriteString("(")
	for i, entry := range slices.Sorted(maps.Keys(names)) {
		if i > 0 {
			w.sp()
		}
		w.WriteString(entry + " (")
		for i, attr := range annotationAttributes(q.attributes) {
			if i > 0 {
				w.sp()
			}
			w.WriteString(attr + " ")
			kind, scope, _ := strings.Cut(attr, ".")
			value, set := msg.annotations[entry+" value."+scope]
			switch {
			case kind == "size":
				w.WriteString(quote(fmt.Sprint(len(value))))
			case set:
				w.str(value)
			default:
				w.WriteString("NIL")
			}
		}
		w.WriteString(")")
	}
	w.WriteString(")")
}

// annotationAttributes expands "value" and "size", each of which means the private and the shared attribute.
func annotationAttributes(names []string) []string {
	var out []string
	for _, attr := range []string{"size.priv", "size.shared", "value.priv", "value.shared"} {
		kind, _, _ := strings.Cut(attr, ".")
		if slices.ContainsFunc(names, func(n string) bool { return n == kind || matchTail(n, attr) }) {
			out = append(out, attr)
		}
	}
	return out
}

// annotationKey compiles ANNOTATION entry attribute value.
func (k *keyParser) annotationKey() matcher {
	k.sp()
	entry := strings.ToLower(k.patternWord())
	k.sp()
	attr := strings.ToLower(k.astring())
	k.sp()
	text := strings.ToLower(k.searchString())
	return func(c *candidate) bool {
		for key, value := range c.annotations {
			name, a, _ := strings.Cut(key, " ")
			if matchTail(entry, name) && (a == attr || attr == "value") && strings.Contains(strings.ToLower(value), text) {
				return true
			}
		}
		return false
	}
}

// annotationOf returns the value that SORT compares.
func (m *message) annotationOf(key sortKey) string { return m.annotations[key.entry+" "+key.attr] }

func (s *session) annotationSortKey(p *parser, k *sortKey) {
	p.sp()
	k.entry = strings.ToLower(p.astring())
	p.sp()
	if k.attr = strings.ToLower(p.astring()); k.attr != "value.priv" && k.attr != "value.shared" {
		p.fail("This attribute cannot be sorted by")
	}
}

// ---- ANNOTATEMORE, which became METADATA

func cmdGetAnnotation(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	p.sp()
	entries := p.patterns()
	p.sp()
	attributes := p.patterns()
	if err := p.end(); err != nil {
		return err
	}
	kept, err := s.annotations(name)
	if err != nil {
		return err
	}
	found := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		scope, entry, _ := strings.Cut(strings.TrimPrefix(key, "/"), "/")
		attr := map[string]string{"private": "value.priv", "shared": "value.shared"}[scope]
		if entry = "/" + entry; !slices.ContainsFunc(entries, func(pat string) bool { return matchTail(pat, entry) }) ||
			!slices.ContainsFunc(attributes, func(n string) bool { return n == "value" || matchTail(n, attr) }) {
			continue
		}
		found[entry] = append(found[entry], quote(attr)+" "+quote(strings.Map(dropControl, kept[key])))
	}
	for _, entry := range slices.Sorted(maps.Keys(found)) {
		s.untagged("ANNOTATION %s %s (%s)", s.mailboxName(name), quote(entry), strings.Join(found[entry], " "))
	}
	return nil
}

func cmdSetAnnotation(s *session, p *parser) error {
	p.sp()
	name := p.mailbox()
	p.sp()
	entry := strings.ToLower(p.astring())
	p.sp()
	values := map[string]*string{}
	p.list(func() {
		attr := strings.ToLower(p.astring())
		p.sp()
		scope := map[string]string{"value.priv": "/private", "value.shared": "/shared"}[attr]
		if scope == "" {
			p.fail("This attribute cannot be set")
		}
		v, present := p.nstring()
		if values[scope+entry] = &v; !present {
			values[scope+entry] = nil
		}
	})
	if err := p.end(); err != nil {
		return err
	}
	kept, err := s.annotations(name)
	if err != nil {
		return err
	}
	for key, v := range values {
		if v == nil {
			delete(kept, key)
		} else {
			kept[key] = *v
		}
	}
	return nil
}

func compareAnnotations(a, b *message, k sortKey) int {
	return cmp.Compare(strings.ToLower(a.annotationOf(k)), strings.ToLower(b.annotationOf(k)))
}
