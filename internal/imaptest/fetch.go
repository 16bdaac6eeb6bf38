package imaptest

import (
	"fmt"
	"slices"
	"strings"
)

// fetchItem is one data item of a FETCH.
type fetchItem struct {
	name    string // without .PEEK
	section *section
	peek    bool
	notes   *annotationQuery // for ANNOTATION
	fuzzy   bool             // for PREVIEW
	partial bool
	offset  uint32
	length  uint32
}

// fetchArgs is a parsed FETCH command.
type fetchArgs struct {
	set          numSet
	items        []fetchItem
	changedSince uint64
	filter       bool // changedSince is given
	vanished     bool
	partial      *partialRange
}

var fetchMacros = map[string][]string{
	"ALL":  {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"},
	"FAST": {"FLAGS", "INTERNALDATE", "RFC822.SIZE"},
	"FULL": {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"},
}

// fetchNeeds maps the items without a section to the capabilities that define them.
var fetchNeeds = map[string]string{
	"FLAGS": "", "UID": "", "INTERNALDATE": "", "RFC822.SIZE": "", "ENVELOPE": "",
	"BODY": "", "BODYSTRUCTURE": "", "RFC822": "", "RFC822.HEADER": "", "RFC822.TEXT": "",
	"MODSEQ": "CONDSTORE", "SAVEDATE": "SAVEDATE", "PREVIEW": "PREVIEW",
	"EMAILID": "OBJECTID", "THREADID": "OBJECTID", "OBJECTID": "OBJECTID+",
	"ANNOTATION": "ANNOTATE-EXPERIMENT-1", "SNIPPET": "SNIPPET=FUZZY",
	"X-GM-MSGID": "X-GM-EXT-1", "X-GM-THRID": "X-GM-EXT-1", "X-GM-LABELS": "X-GM-EXT-1",
}

func (s *session) parseFetch(p *parser) fetchArgs {
	var a fetchArgs
	p.sp()
	a.set = p.numSet()
	p.sp()
	if p.peek() == '(' {
		p.list(func() { a.items = append(a.items, s.parseItem(p)) })
	} else if names, isMacro := s.macro(p); isMacro {
		for _, n := range names {
			a.items = append(a.items, fetchItem{name: n})
		}
	} else {
		a.items = append(a.items, s.parseItem(p))
	}
	if len(a.items) == 0 {
		p.fail("Syntax error: no FETCH items")
	}
	if !(s.srv.disabled["CONDSTORE"] && s.srv.disabled["PARTIAL"]) && p.accept(' ') {
		p.list(func() { s.fetchModifier(p, &a) })
	}
	return a
}

func (s *session) macro(p *parser) ([]string, bool) {
	for name, items := range fetchMacros {
		if p.acceptWord(name) {
			return items, true
		}
	}
	return nil, false
}

func (s *session) fetchModifier(p *parser, a *fetchArgs) {
	switch word := p.word(); {
	case word == "PARTIAL" && s.uid && !s.srv.disabled["PARTIAL"]:
		p.sp()
		a.partial = p.partialRange()
	case word == "CHANGEDSINCE" && !s.srv.disabled["CONDSTORE"]:
		p.sp()
		a.filter, a.changedSince = true, p.number()
	case word == "VANISHED" && s.uid && s.enabled["QRESYNC"]:
		a.vanished = true
	default:
		p.fail("Unknown FETCH modifier")
	}
}

func (s *session) parseItem(p *parser) fetchItem {
	name := upper(p.run("a FETCH item", func(c byte) bool { return isAtomChar(c) && c != '[' && c != ']' && c != '<' }))
	if p.peek() == '[' {
		return s.parseSectionItem(p, name)
	}
	needs, known := fetchNeeds[name]
	if !known || s.lacks(needs) || s.rev2() && slices.Contains(removedInRev2, name) {
		p.fail("Unknown FETCH item")
	}
	if (name == "PREVIEW" || name == "SNIPPET") && p.pos+1 < len(p.b) && string(p.b[p.pos:p.pos+2]) == " (" {
		p.sp()
		words := p.words()
		fuzzy := len(words) == 1 && words[0] == "FUZZY" && s.srv.more(name+"=FUZZY")
		if !fuzzy && (len(words) != 1 || words[0] != "LAZY") {
			p.fail("Unknown PREVIEW modifier")
		}
		return fetchItem{name: name, fuzzy: fuzzy}
	}
	it := fetchItem{name: name, peek: name == "RFC822.HEADER"}
	if name == "ANNOTATION" {
		it.notes = p.annotationItem()
	}
	return it
}

func (s *session) parseSectionItem(p *parser, name string) fetchItem {
	it := fetchItem{name: strings.TrimSuffix(name, ".PEEK")}
	it.peek = it.name != name || name == "BINARY.SIZE"
	sec := p.section()
	it.section = &sec
	switch {
	case it.name == "BODY":
	case !strings.HasPrefix(it.name, "BINARY") || s.srv.disabled["BINARY"] ||
		name == "BINARY.SIZE.PEEK" || sec.spec != "":
		p.fail("Unknown FETCH item")
	case it.name != "BINARY" && it.name != "BINARY.SIZE":
		p.fail("Unknown FETCH item")
	}
	if it.name != "BINARY.SIZE" && p.accept('<') {
		it.partial = true
		it.offset = p.number32()
		p.expect('.')
		it.length = p.number32()
		p.expect('>')
		if it.length == 0 {
			p.fail("Syntax error: partial length is 0")
		}
	}
	return it
}

// section reads "[" [path] [spec] "]".
func (p *parser) section() section {
	var sec section
	p.expect('[')
	for p.peek() >= '0' && p.peek() <= '9' {
		n := p.number32()
		if n == 0 {
			p.fail("Syntax error: part numbers start with 1")
		}
		sec.path = append(sec.path, n)
		if !p.accept('.') {
			p.expect(']')
			return sec
		}
	}
	if len(sec.path) == 0 && p.accept(']') {
		return sec
	}
	sec.spec = upper(p.run("a section", func(c byte) bool { return isAtomChar(c) && c != '[' }))
	switch sec.spec {
	case "HEADER", "TEXT":
	case "MIME":
		if sec.path == nil {
			p.fail("Syntax error: MIME needs a part number")
		}
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		p.sp()
		p.list(func() { sec.fields = append(sec.fields, p.astring()) })
		if len(sec.fields) == 0 {
			p.fail("Syntax error: no header fields")
		}
	default:
		p.fail("Unknown section")
	}
	p.expect(']')
	return sec
}

// label writes the section as it is echoed in the response.
func (sec *section) label() string {
	var parts []string
	for _, n := range sec.path {
		parts = append(parts, fmt.Sprint(n))
	}
	if sec.spec != "" {
		parts = append(parts, sec.spec)
	}
	text := strings.Join(parts, ".")
	if sec.fields != nil {
		var names []string
		for _, f := range sec.fields {
			if !isAtom(f) {
				f = quote(strings.Map(dropControl, f))
			}
			names = append(names, f)
		}
		text += " (" + strings.Join(names, " ") + ")"
	}
	return "[" + text + "]"
}

// dropControl removes the characters that a quoted string cannot contain.
func dropControl(r rune) rune {
	if r == '\r' || r == '\n' || r == 0 || r >= 0x80 {
		return -1
	}
	return r
}

// cmdFetch takes the lock message by message, so that the output can be sent
// in between.
func cmdFetch(s *session, p *parser) error {
	a := s.parseFetch(p)
	if err := p.end(); err != nil {
		return err
	}
	if a.vanished && !a.filter {
		return bad("VANISHED needs CHANGEDSINCE")
	}
	s.completeItems(&a)
	s.srv.mu.Lock()
	indexes, err := s.resolve(a.set)
	if a.partial != nil {
		if !a.set.saved {
			indexes = s.resolveTop(a.set, 0) // positions count in the whole set
		}
		indexes = a.partial.cut(indexes)
	}
	limit := ""
	if indexes, limit = s.limitTo(indexes); limit != "" {
		indexes = slices.Clone(indexes)
		slices.Reverse(indexes) // the server works downwards
	}
	if a.vanished && err == nil {
		if uids := s.vanished(a.set, a.changedSince); len(uids) > 0 {
			s.untagged("VANISHED (EARLIER) %s", formatSet(uids))
		}
	}
	s.srv.mu.Unlock()
	if err != nil {
		return err
	}
	for _, i := range indexes {
		s.srv.mu.Lock()
		err := s.fetchOne(i, &a)
		s.srv.mu.Unlock()
		if err != nil {
			return err
		}
		if s.out.Len() >= flushSize {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	if limit != "" {
		return s.inPart(limit, "FETCH completed in part")
	}
	return nil
}

// completeItems adds the items that are sent without being requested.
func (s *session) completeItems(a *fetchArgs) {
	has := func(name string) bool {
		return slices.ContainsFunc(a.items, func(it fetchItem) bool { return it.name == name })
	}
	if s.uid && !has("UID") && !s.enabled["UIDONLY"] {
		a.items = slices.Insert(a.items, 0, fetchItem{name: "UID"})
	}
	if a.filter && !has("MODSEQ") {
		a.items = append(a.items, fetchItem{name: "MODSEQ"})
	}
	if has("MODSEQ") {
		s.enabled["CONDSTORE"] = true
	}
}

// marksSeen reports whether fetching the item sets \Seen.
func (it *fetchItem) marksSeen() bool {
	return !it.peek && (it.section != nil || it.name == "RFC822" || it.name == "RFC822.TEXT")
}

func (s *session) fetchOne(i int, a *fetchArgs) error {
	v := &s.view[i]
	if a.filter && v.modSeq <= a.changedSince {
		return nil
	}
	items := a.items
	has := func(name string) bool {
		return slices.ContainsFunc(items, func(it fetchItem) bool { return it.name == name })
	}
	if !s.readOnly && slices.ContainsFunc(items, func(it fetchItem) bool { return it.marksSeen() }) &&
		s.box.setFlags(v.message, append(slices.Clone(v.flags), `\Seen`)) {
		if !has("FLAGS") {
			items = append(slices.Clone(items), fetchItem{name: "FLAGS"})
		}
		if s.enabled["CONDSTORE"] && !has("MODSEQ") {
			items = append(slices.Clone(items), fetchItem{name: "MODSEQ"})
		}
	}
	if has("FLAGS") {
		v.seen = v.modSeq
	}
	if s.srv.opts.Style.BodyFirst {
		items = bodiesFirst(items)
	}
	w := &writer{utf8: s.enabled["UTF8=ACCEPT"], labelText: s.labelText}
	for n, it := range items {
		if n > 0 {
			w.sp()
		}
		if err := w.item(v, it); err != nil {
			return err
		}
	}
	s.row(i)
	s.out.Write(w.Bytes())
	s.out.WriteString(")\r\n")
	return nil
}

// bodiesFirst returns the items with the sections before the others.
func bodiesFirst(items []fetchItem) []fetchItem {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b fetchItem) int {
		switch {
		case a.section != nil && b.section == nil:
			return -1
		case a.section == nil && b.section != nil:
			return 1
		}
		return 0
	})
	return sorted
}

// item writes one item with its value.
func (w *writer) item(v *viewMsg, it fetchItem) error {
	if it.section != nil {
		return w.sectionItem(v, it)
	}
	w.WriteString(it.name + " ")
	switch it.name {
	case "FLAGS":
		w.WriteString(v.flagText())
	case "UID":
		fmt.Fprint(w, v.uid)
	case "INTERNALDATE":
		w.WriteString(quote(v.date.Format(dateTimeLayout)))
	case "RFC822.SIZE":
		fmt.Fprint(w, len(v.raw))
	case "ENVELOPE":
		w.envelope(v.structure())
	case "BODY", "BODYSTRUCTURE":
		w.bodyStructure(v.structure(), it.name == "BODYSTRUCTURE")
	case "RFC822":
		w.literal(v.raw)
	case "RFC822.HEADER":
		w.literal(v.structure().header)
	case "RFC822.TEXT":
		w.literal(v.structure().body)
	case "MODSEQ":
		fmt.Fprintf(w, "(%d)", v.modSeq)
	case "SAVEDATE":
		w.WriteString(quote(v.saved.Format(dateTimeLayout)))
	case "PREVIEW", "SNIPPET":
		if it.fuzzy {
			w.WriteString("(FUZZY ")
			w.str(v.structure().preview())
			w.WriteString(")")
		} else {
			w.str(v.structure().preview())
		}
	case "ANNOTATION":
		w.annotation(v.message, it.notes)
	case "OBJECTID":
		w.WriteString("(EMAILID " + v.id + ")")
	case "X-GM-MSGID":
		fmt.Fprint(w, v.gmailID())
	case "X-GM-THRID":
		fmt.Fprint(w, v.gmailThread())
	case "X-GM-LABELS":
		w.WriteString(w.labelText(v.labels))
	case "EMAILID":
		w.WriteString("(" + v.id + ")")
	case "THREADID":
		w.WriteString("NIL")
	}
	return nil
}

// sectionItem writes BODY[...], BINARY[...] or BINARY.SIZE[...].
func (w *writer) sectionItem(v *viewMsg, it fetchItem) error {
	data, found := v.structure().extract(*it.section)
	if found && it.name != "BODY" && len(it.section.path) > 0 {
		var err error
		if data, err = v.structure().find(it.section.path).decoded(); err != nil {
			return no("[UNKNOWN-CTE] Unknown transfer encoding")
		}
	}
	w.WriteString(it.name + it.section.label())
	if it.name == "BINARY.SIZE" {
		fmt.Fprintf(w, " %d", len(data))
		return nil
	}
	if it.partial {
		fmt.Fprintf(w, "<%d>", it.offset)
		size := uint64(len(data))
		from := min(uint64(it.offset), size)
		data = data[from:min(from+uint64(it.length), size)]
	}
	w.sp()
	switch {
	case !found:
		w.WriteString("NIL")
	case it.name == "BINARY" && strings.IndexByte(string(data), 0) >= 0:
		w.WriteByte('~')
		w.literal(data)
	default:
		w.literal(data)
	}
	return nil
}
