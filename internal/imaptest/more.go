package imaptest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MoreCaps are the capabilities that are implemented and offered only where
// Options.More names them.
var MoreCaps = []string{
	"IMAP4REV2", "MULTISEARCH", "LANGUAGE", "I18NLEVEL=1", "I18NLEVEL=2",
	"JMAPACCESS", "URLAUTH", "URLAUTH=BINARY", "LOGIN-REFERRALS",
	"MAILBOX-REFERRALS", "CONVERT", "FILTERS", "METADATA-SERVER",
	"IMAPSIEVE=sieve://localhost", "XAPPLEPUSHSERVICE",
	"SORT=UID", "SORT=MODSEQ", "CONTEXT=SEARCH", "CONTEXT=SORT", "CATENATE",
	"URL-PARTIAL", "REPLACE", "ANNOTATE-EXPERIMENT-1", "ANNOTATEMORE",
	"NOTIFY", "XLIST", "OBJECTID+", "X-GM-EXT-1", "THREAD=REFS", "PREVIEW=FUZZY", "SNIPPET=FUZZY",
	"XMOVE", "X-UNAUTHENTICATE", "XYMHIGHESTMODSEQ",
}

// AloneCaps are like MoreCaps, but also affect clients that do not use them, or
// exclude others.
var AloneCaps = []string{"INPROGRESS", "LITERAL-", "UTF8=ONLY"}

// disableMore disables the capabilities that Options.More does not list.
func (s *Server) disableMore() {
	for _, c := range slices.Concat(MoreCaps, AloneCaps) {
		named := slices.Concat(s.opts.More, s.opts.Style.Before, s.opts.Style.After)
		if !slices.ContainsFunc(named, func(o string) bool { return strings.EqualFold(o, c) }) {
			s.disabled[c] = true
		}
	}
}

func (s *session) rev2() bool { return s.enabled["IMAP4REV2"] }

// removedInRev2 are the commands, items and keys of IMAP4rev1 that IMAP4rev2 removed (RFC 9051 appendix E).
var removedInRev2 = []string{"CHECK", "LSUB", "RECENT", "NEW", "OLD", "RFC822", "RFC822.HEADER", "RFC822.TEXT"}

// more reports whether one of MoreCaps or AloneCaps is offered.
func (s *Server) more(name string) bool { return !s.disabled[name] }

// unwatch ends NOTIFY.
func (s *session) unwatch() {
	if s.user != nil {
		delete(s.user.watchers, s)
	}
	s.notify = nil
}

// needsUTF8 reports whether a command requires ENABLE UTF8=ACCEPT, without which a server with UTF8=ONLY refuses to use
// mailboxes.
func (s *session) needsUTF8(name string) bool {
	return s.srv.more("UTF8=ONLY") && !s.enabled["UTF8=ACCEPT"] && commands[strings.TrimPrefix(name, "UID ")].state >= stateAuth && name != "ENABLE"
}

// inProgress reports that a command is in progress, as servers do for long commands (RFC 9585).
func (s *session) inProgress(name string) {
	if s.srv.more("INPROGRESS") && slices.Contains([]string{"SEARCH", "COPY", "MOVE", "SORT", "THREAD"}, strings.TrimPrefix(name, "UID ")) {
		s.untagged("OK [INPROGRESS (%s %d %d)] Still here", quote(s.tag), len(s.view)/2, max(len(s.view), 1))
	}
}

// ---- MULTISEARCH (RFC 7377)

// cmdESearch searches several mailboxes.
func cmdESearch(s *session, p *parser) error {
	boxes := []*Mailbox{s.box}
	if rest := string(p.b[p.pos:]); len(rest) > 4 && strings.EqualFold(rest[:4], " IN ") {
		p.sp()
		p.acceptWord("IN")
		p.sp()
		boxes = s.scopes(p)
	}
	if p.err != nil {
		return p.err
	}
	if slices.Contains(boxes, nil) {
		return bad("No mailbox is selected")
	}
	for _, m := range boxes {
		if err := s.searchBox(m, *p); err != nil {
			return err
		}
	}
	return nil
}

// searchBox searches one mailbox in a session of its own.
func (s *session) searchBox(m *Mailbox, p parser) error {
	t := &session{srv: s.srv, user: s.user, box: m, enabled: s.enabled, tag: s.tag, uid: true}
	for _, msg := range m.msgs {
		t.view = append(t.view, viewMsg{message: msg, seen: msg.modSeq})
	}
	a, err := t.parseSearch(&p)
	if err != nil {
		return err
	}
	hits := t.hits(a.match, nil, 0)
	if len(hits) == 0 {
		return nil
	}
	if !a.returning {
		a.options = []string{"ALL"}
	}
	if a.partial != nil {
		a.result = a.partial.cut(hits)
	}
	t.sendExtended(a, hits)
	tag := "(TAG " + quote(s.tag)
	s.out.WriteString(strings.Replace(t.out.String(), tag, fmt.Sprintf("%s MAILBOX %s UIDVALIDITY %d", tag, s.mailboxName(m.name), m.uidValidity), 1))
	return nil
}

// scopes reads (scope [mailboxes] ...).
func (s *session) scopes(p *parser) []*Mailbox {
	var boxes []*Mailbox
	p.expect('(')
	for p.err == nil {
		word := p.word()
		switch word {
		case "SELECTED":
			boxes = append(boxes, s.box)
		case "INBOXES":
			boxes = append(boxes, s.user.find("INBOX"))
		case "PERSONAL":
			boxes = append(boxes, s.boxesIf(func(string) bool { return true })...)
		case "SUBSCRIBED":
			boxes = append(boxes, s.boxesIf(func(name string) bool { return s.user.subscribed[name] })...)
		case "MAILBOXES", "SUBTREE", "SUBTREE-ONE":
			p.sp()
			for _, root := range s.oneOrMore(p) {
				boxes = append(boxes, s.boxesIf(func(name string) bool { return inScope(word, root, name) })...)
			}
		default:
			p.fail("Unknown scope")
		}
		if p.accept(')') {
			break
		}
		p.sp()
	}
	return boxes
}

func inScope(word, root, name string) bool {
	below, isBelow := strings.CutPrefix(name, root+"/")
	return name == root || isBelow && (word == "SUBTREE" || word == "SUBTREE-ONE" && !strings.Contains(below, "/"))
}

func (s *session) oneOrMore(p *parser) []string {
	if p.peek() != '(' {
		return []string{p.mailbox()}
	}
	var names []string
	p.list(func() { names = append(names, p.mailbox()) })
	return names
}

// boxesIf returns the mailboxes of the user that can be selected, by name.
func (s *session) boxesIf(want func(name string) bool) []*Mailbox {
	var boxes []*Mailbox
	for _, m := range s.user.boxes {
		if !m.noSelect && want(m.name) {
			boxes = append(boxes, m)
		}
	}
	slices.SortFunc(boxes, func(a, b *Mailbox) int { return strings.Compare(a.name, b.name) })
	return boxes
}

// ---- LANGUAGE, COMPARATOR (RFC 5255), GETJMAPACCESS (RFC 9698)

// strings reads the rest of a command as strings.
func (p *parser) strings() []string {
	var list []string
	for p.accept(' ') {
		list = append(list, p.patternWord())
	}
	return list
}

// patternWord is an astring in which "*" needs no quotation marks.
func (p *parser) patternWord() string {
	if p.atStringStart() {
		return p.str()
	}
	return p.run("a string", func(c byte) bool { return isAstringChar(c) || c == '*' })
}

func cmdLanguage(s *session, p *parser) error {
	ranges := p.strings()
	if err := p.end(); err != nil {
		return err
	}
	if len(ranges) == 0 {
		s.untagged("LANGUAGE (en de i-default)")
		return nil
	}
	for _, r := range ranges {
		primary, _, _ := strings.Cut(strings.ToLower(r), "-")
		if primary == "en" || primary == "de" || r == "default" {
			s.untagged("LANGUAGE (%s)", strings.Replace(primary, "default", "en", 1))
			return nil
		}
	}
	return no("Unsupported language")
}

func cmdComparator(s *session, p *parser) error {
	order := p.strings()
	if err := p.end(); err != nil {
		return err
	}
	known := func(name string) bool { return matchTail(name, "i;unicode-casemap") }
	if len(order) > 0 && !slices.ContainsFunc(order, known) {
		return no("[BADCOMPARATOR] Unknown comparator")
	}
	s.untagged("COMPARATOR i;unicode-casemap")
	return nil
}

func cmdJMAPAccess(s *session, p *parser) error {
	s.untagged(`JMAPACCESS "https://localhost/.well-known/jmap"`)
	return p.end()
}

func cmdApplePush(s *session, p *parser) error {
	p.pos = len(p.b) // the arguments do not matter
	s.untagged(`XAPPLEPUSHSERVICE aps-version "2" aps-topic "com.example.mail"`)
	return nil
}

// ---- URLAUTH (RFC 4467, RFC 5524)

// authURL matches the URLs that this server authorizes, with or without their
// authorization.
var authURL = regexp.MustCompile(`(?i)^imap://([^@/;]+)@[^/]+/([^;?]+?)(?:;UIDVALIDITY=(\d+))?/;UID=(\d+)(?:/;SECTION=([^;/]+))?((?:;EXPIRE=[^;]*)?;URLAUTH=[^:]+)(?::INTERNAL:([0-9a-f]+))?$`)

// token authorizes a URL by a key of the mailbox, which RESETKEY changes.
func (m *Mailbox) token(rump string) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(m.id, m.urlKey, strings.ToLower(rump))))
	return hex.EncodeToString(sum[:16])
}

func cmdGenURLAuth(s *session, p *parser) error {
	var made []string
	for p.accept(' ') {
		rump := p.astring()
		p.sp()
		if p.word() != "INTERNAL" {
			p.fail("Unknown mechanism")
		}
		parts := authURL.FindStringSubmatch(rump)
		if p.err != nil {
			break
		}
		if parts == nil || parts[7] != "" || parts[1] != s.user.name {
			return bad("URL cannot be authorized")
		}
		m := s.user.find(parts[2])
		if m == nil {
			return no("[NONEXISTENT] No such mailbox")
		}
		made = append(made, quote(rump+":INTERNAL:"+m.token(rump)))
	}
	if err := p.end(); err != nil {
		return err
	}
	s.untagged("GENURLAUTH %s", strings.Join(made, " "))
	return nil
}

func cmdResetKey(s *session, p *parser) error {
	boxes := s.boxesIf(func(string) bool { return true })
	if p.accept(' ') {
		boxes = []*Mailbox{s.user.find(p.mailbox())}
		p.strings()
	}
	if err := p.end(); err != nil {
		return err
	}
	for _, m := range boxes {
		if m == nil {
			return no("[NONEXISTENT] No such mailbox")
		}
		m.urlKey++
	}
	return ok("[URLMECH INTERNAL] RESETKEY completed")
}

func cmdURLFetch(s *session, p *parser) error {
	w := &writer{}
	w.WriteString("URLFETCH")
	for p.accept(' ') {
		var items []string
		listed := !s.srv.disabled["URLAUTH=BINARY"] && p.accept('(')
		url := p.astring()
		for listed && p.accept(' ') {
			items = append(items, p.word())
		}
		if listed {
			p.expect(')')
		}
		w.WriteString(" " + quote(url))
		s.writeURL(w, s.resolveURL(url), items)
	}
	if err := p.end(); err != nil {
		return err
	}
	s.untagged("%s", w.String())
	return nil
}

// resolveURL returns the part that a URL names, or nil if it must not be used.
func (s *session) resolveURL(url string) *part {
	parts := authURL.FindStringSubmatch(url)
	if parts == nil || parts[7] == "" {
		return nil
	}
	u := s.srv.users[parts[1]]
	if u == nil {
		return nil
	}
	m := u.find(parts[2])
	rump := url[:len(url)-len(":INTERNAL:")-len(parts[7])]
	if m == nil || m.token(rump) != strings.ToLower(parts[7]) {
		return nil
	}
	uid, _ := strconv.ParseUint(parts[4], 10, 32)
	msg := m.byUID(uint32(uid))
	if msg == nil {
		return nil
	}
	sec := (&parser{b: []byte("[" + parts[5] + "]")}).section()
	data, found := msg.structure().extract(sec)
	if !found {
		return nil
	}
	if target := msg.structure().find(sec.path); sec.spec == "" && len(sec.path) > 0 {
		return target
	}
	return &part{raw: data, body: data}
}

func (s *session) writeURL(w *writer, p *part, items []string) {
	if p == nil {
		w.WriteString(" NIL")
		return
	}
	if len(items) == 0 {
		w.sp()
		w.literal(p.body)
	}
	for _, item := range items {
		w.WriteString(" (" + item + " ")
		switch item {
		case "BODYPARTSTRUCTURE":
			w.bodyStructure(p, true)
		case "BINARY":
			data, _ := p.decoded()
			w.WriteByte('~')
			w.literal(data)
		default:
			w.literal(p.body)
		}
		w.WriteByte(')')
	}
}

// ---- CONVERT (RFC 5259): text/html to text/plain

func cmdConversions(s *session, p *parser) error {
	args := p.strings()
	if err := p.end(); err != nil {
		return err
	}
	if len(args) != 2 {
		return bad("Two media types are expected")
	}
	if matchTail(strings.ToLower(args[0]), "text/html") && matchTail(strings.ToLower(args[1]), "text/plain") {
		s.untagged(`CONVERSION "text/html" "text/plain" ("charset")`)
	}
	return nil
}

// convertItem is an item of CONVERT.
type convertItem struct {
	name    string
	section section
}

func cmdConvert(s *session, p *parser) error {
	p.sp()
	set := p.numSet()
	p.sp()
	p.expect('(')
	to := ""
	if !p.acceptWord("NIL") {
		to = strings.ToLower(p.quoted())
	}
	if p.accept(' ') {
		p.list(func() { p.astring() })
	}
	p.expect(')')
	p.sp()
	var items []convertItem
	item := func() {
		name := upper(p.run("an item", func(c byte) bool { return isAtomChar(c) && c != '[' }))
		it := convertItem{name: name}
		if p.peek() == '[' {
			it.section = p.section()
		}
		items = append(items, it)
	}
	if p.peek() == '(' {
		p.list(item)
	} else {
		item()
	}
	if err := p.end(); err != nil {
		return err
	}
	return s.convert(set, to, items)
}

func (s *session) convert(set numSet, to string, items []convertItem) error {
	failed, done := 0, 0
	for i, v := range s.view {
		n, star := uint32(i+1), uint32(len(s.view))
		if s.uid {
			n, star = v.uid, s.maxUID()
		}
		if !set.contains(n, star) {
			continue
		}
		w := &writer{}
		fmt.Fprintf(w, "(TAG %s) (UID %d", quote(s.tag), v.uid)
		for _, it := range items {
			w.WriteString(" " + it.name + it.section.label() + " ")
			if convertOne(w, v.structure(), to, it) {
				done++
			} else {
				failed++
			}
		}
		s.untagged("%d CONVERTED %s)", i+1, w.String())
	}
	if failed > 0 && done == 0 {
		return no("All conversions failed")
	}
	return nil
}

var htmlTag = regexp.MustCompile(`<[^>]*>`)

// convertOne writes one item. It returns false if the conversion is not possible.
func convertOne(w *writer, root *part, to string, it convertItem) bool {
	target := root.find(it.section.path)
	if it.name == "AVAILABLECONVERSIONS" {
		w.WriteString(`(("text/plain"))`)
		return true
	}
	if target == nil || target.typ != "TEXT" || to != "text/plain" && to != "" {
		w.WriteString(`(ERROR "No such conversion" BADPARAMETERS NIL "` + strings.ReplaceAll(to, `"`, "") + `")`)
		return false
	}
	text := html.UnescapeString(htmlTag.ReplaceAllString(target.text(), ""))
	switch it.name {
	case "BINARY.SIZE":
		fmt.Fprint(w, len(text))
	case "BODYPARTSTRUCTURE":
		fmt.Fprintf(w, `("text" "plain" ("charset" "utf-8") NIL NIL "8bit" %d 1)`, len(text))
	default:
		w.literal([]byte(text))
	}
	return true
}

// ---- FILTERS (RFC 5466)

// filterKey compiles the criteria stored under a name.
func (k *keyParser) filterKey() matcher {
	k.sp()
	name := k.atom()
	criteria, known := k.s.user.metadata["/private/filters/values/"+strings.ToLower(name)]
	if !known {
		criteria, known = k.s.user.metadata["/shared/filters/values/"+strings.ToLower(name)]
	}
	if !known {
		if k.err == nil {
			k.err = no("[UNDEFINED-FILTER " + name + "] There is no such filter")
			k.pos = len(k.b)
		}
		return never
	}
	inner := &keyParser{parser: &parser{b: []byte(criteria), utf8: true}, s: k.s, depth: k.depth}
	return inner.keys()
}
