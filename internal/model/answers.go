package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A handler is a command that the server knows.
type handler struct {
	selected bool // needs a selected mailbox
	loggedIn bool
	select_  bool   // selects another mailbox: events of the old one could not be distinguished
	expunges bool   // EXPUNGE may come in its answer
	needs    string // the required capability, "" for the base protocol
	run      func(*server, *record)
}

// handlers are all commands. The map is filled in init because the handlers refer to each other.
var handlers map[string]*handler

func init() {
	byNumber := func(run func(*server, *record)) *handler { return &handler{selected: true, run: run} }
	byUID := func(run func(*server, *record)) *handler { return &handler{selected: true, expunges: true, run: run} }
	handlers = map[string]*handler{
		"FETCH": byNumber((*server).fetch), "UID FETCH": byUID((*server).fetch),
		"STORE": byNumber((*server).doStore), "UID STORE": byUID((*server).doStore),
		"SEARCH": byNumber((*server).search), "UID SEARCH": byUID((*server).search),
		"COPY": byNumber((*server).copy), "UID COPY": byUID((*server).copy),
		"MOVE": byNumber((*server).copy), "UID MOVE": byUID((*server).copy),
		"EXPUNGE": byUID((*server).expunge), "UID EXPUNGE": byUID((*server).expunge),
		"CHECK":      byUID((*server).ok),
		"CLOSE":      {selected: true, select_: true, run: (*server).closeBox},
		"UNSELECT":   {selected: true, select_: true, run: (*server).closeBox},
		"SELECT":     {loggedIn: true, select_: true, run: (*server).selectBox},
		"EXAMINE":    {loggedIn: true, select_: true, run: (*server).selectBox},
		"STATUS":     {loggedIn: true, expunges: true, run: (*server).status},
		"LIST":       {loggedIn: true, expunges: true, run: (*server).list},
		"APPEND":     {loggedIn: true, expunges: true, run: (*server).append},
		"ENABLE":     {loggedIn: true, run: (*server).enable},
		"NOOP":       {expunges: true, run: (*server).ok},
		"CAPABILITY": {run: (*server).capability},
		"IDLE":       {loggedIn: true, expunges: true, run: (*server).startIdle},
		"LOGOUT":     {select_: true, run: (*server).logout},

		"AUTHENTICATE":   {run: (*server).startAuth},
		"UNAUTHENTICATE": {loggedIn: true, select_: true, needs: "UNAUTHENTICATE", run: (*server).unauthenticate},
		"LOGIN":          {run: (*server).login},
		"STARTTLS":       {needs: "STARTTLS", run: (*server).startTLS},
		"COMPRESS":       {loggedIn: true, needs: "COMPRESS=DEFLATE", run: (*server).compress},
		"NOTIFY":         {loggedIn: true, expunges: true, needs: "NOTIFY", run: (*server).doNotify},

		"SORT": {selected: true, needs: "SORT", run: (*server).sort}, "UID SORT": {selected: true, expunges: true, needs: "SORT", run: (*server).sort},
		"THREAD":       {selected: true, needs: "THREAD=REFERENCES", run: (*server).doThread},
		"UID THREAD":   {selected: true, expunges: true, needs: "THREAD=REFERENCES", run: (*server).doThread},
		"REPLACE":      {selected: true, needs: "REPLACE", run: (*server).replace},
		"UID REPLACE":  {selected: true, expunges: true, needs: "REPLACE", run: (*server).replace},
		"GETACL":       {loggedIn: true, expunges: true, needs: "ACL", run: (*server).getACL},
		"MYRIGHTS":     {loggedIn: true, expunges: true, needs: "ACL", run: (*server).myRights},
		"SETACL":       {loggedIn: true, expunges: true, needs: "ACL", run: (*server).setACL},
		"GETQUOTAROOT": {loggedIn: true, expunges: true, needs: "QUOTA", run: (*server).quotaRoot},
		"GETMETADATA":  {loggedIn: true, expunges: true, needs: "METADATA", run: (*server).getMetadata},
		"SETMETADATA":  {loggedIn: true, expunges: true, needs: "METADATA", run: (*server).setMetadata},
	}
}

func (s *server) ok(rec *record) { s.end(rec, "", rec.name) }

// end finishes a command with OK, or with NO if the step requires it.
func (s *server) end(rec *record, code, text string) {
	if s.refuses() {
		s.finish(rec, "NO", "", "refused")
		return
	}
	if code == "" && s.step.also(Codes, 3) {
		s.count++
		code = fmt.Sprintf("%s%d", ownCode, s.count)
	}
	s.finish(rec, "OK", code, text)
}

func (s *server) refuses() bool { return s.step.chance(Refuse, 5) }

// named returns the messages of the view in a set.
func (s *server) named(set string, uid bool) []*message {
	if set == "$" {
		return slices.DeleteFunc(slices.Clone(s.saved), func(m *message) bool { return !slices.Contains(s.sel.view, m) })
	}
	spans, _ := parseSet(set)
	var list []*message
	last := uint32(len(s.sel.view))
	if uid && last > 0 {
		last = s.sel.view[last-1].uid
	}
	for i, m := range s.sel.view {
		n := uint32(i + 1)
		if uid {
			n = m.uid
		}
		if contains(spans, n, last) {
			list = append(list, m)
		}
	}
	return list
}

func isUID(rec *record) bool { return strings.HasPrefix(rec.name, "UID ") }

// ---- FETCH

func (s *server) fetch(rec *record) {
	msgs := s.named(rec.args[0].text, isUID(rec))
	if len(rec.args) > 2 && rec.args[2].isList && len(rec.args[2].list) == 2 && rec.args[2].list[0].text == "CHANGEDSINCE" {
		since, _ := strconv.ParseUint(rec.args[2].list[1].text, 10, 64)
		s.condstore = true
		msgs = slices.DeleteFunc(msgs, func(m *message) bool { return m.modSeq <= since })
	}
	items := rec.args[1].list
	msgs = s.limit(rec, msgs)
	if s.step.chance(Order, 3) {
		shuffle(s.step.of(Order), msgs)
	}
	expunges := isUID(rec)
	for i, m := range msgs {
		if i == 0 || len(msgs) < 50 || i%200 == 0 {
			if i > 0 {
				s.changes()
			}
			s.news(expunges)
		}
		if s.stops(rec) {
			return
		}
		s.row(rec, m, items, expunges)
	}
	s.news(expunges)
	s.finish(rec, "OK", rec.limited(msgs), "fetched")
}

// limit returns the messages with the highest UIDs, as many as a server with MESSAGELIMIT processes at once (RFC 9738).
func (s *server) limit(rec *record, msgs []*message) []*message {
	const most = 3
	if !s.has("MESSAGELIMIT=3") || len(msgs) <= most || !s.step.chance(Partial, 1) {
		return msgs
	}
	rec.partial = true
	return msgs[len(msgs)-most:]
}

// limited returns the code that reports where limit stopped.
func (rec *record) limited(msgs []*message) string {
	if !rec.partial {
		return ""
	}
	low := msgs[0].uid
	for _, m := range msgs {
		low = min(low, m.uid)
	}
	return fmt.Sprintf("MESSAGELIMIT 3 %d", low)
}

// stops ends a FETCH early with NO, if the step requires it, and reports whether it did.
func (s *server) stops(rec *record) bool {
	if s.step.chance(Refuse, 12) {
		s.finish(rec, "NO", "", "some refused")
		return true
	}
	return false
}

// row sends the requested items of one message, in one response or more.
func (s *server) row(rec *record, m *message, items []token, expunges bool) {
	if !slices.Contains(s.sel.view, m) {
		return // it was removed meanwhile
	}
	row := &row{m: m, sections: make(map[string]string)}
	s.condOf(items)
	parts := []string{fmt.Sprintf("UID %d", m.uid)}
	for _, item := range items {
		if part := s.item(row, item.text); part != "" {
			parts = append(parts, part)
		}
	}
	if s.condstore {
		parts = append(parts, fmt.Sprintf("MODSEQ (%d)", m.modSeq))
	}
	rec.rows = append(rec.rows, row)
	if slices.ContainsFunc(items, func(item token) bool { return item.text == "FLAGS" }) {
		s.sel.flags[m] = m.modSeq
	}
	if s.step.chance(Order, 2) {
		shuffle(s.step.of(Order), parts)
	}
	if n := len(parts); n > 2 && s.step.chance(Split, 3) {
		k := 1 + s.step.of(Split).n(n-1)
		uid := fmt.Sprintf("UID %d", m.uid)
		s.fetchLine(row, withUID(parts[:k], uid))
		s.news(false)
		s.fetchLine(row, withUID(parts[k:], uid))
	} else {
		s.fetchLine(row, parts)
	}
	if s.step.chance(News, 8) {
		s.put("* %d FETCH (FLAGS %s)", slices.Index(s.sel.view, m)+1, m.flagList())
		s.mailboxEvent("fetch %d", uint32(slices.Index(s.sel.view, m)+1))
		s.tell(m)
	}
}

func withUID(parts []string, uid string) []string {
	if slices.Contains(parts, uid) {
		return parts
	}
	return append([]string{uid}, parts...)
}

func (s *server) fetchLine(row *row, parts []string) {
	n := uint32(slices.Index(s.sel.view, row.m) + 1)
	row.seqs = append(row.seqs, n)
	s.tell(row.m)
	s.put("* %d FETCH (%s)", n, strings.Join(parts, " "))
	s.mailboxEvent("fetch %d", uint32(n))
	if strings.Contains(strings.Join(parts, " "), "BODY[") {
		s.event(sectionsKey(row.m.uid), false) // a part of an answer may be news
	}
}

func (s *server) condOf(items []token) {
	for _, item := range items {
		if item.text == "MODSEQ" {
			s.condstore = true
		}
	}
}

// item returns one attribute with its value.
func (s *server) item(row *row, name string) string {
	m := row.m
	switch name {
	case "UID", "MODSEQ":
		return ""
	case "FLAGS":
		if s.step.chance(Unread, 6) {
			row.bad = true
			return `FLAGS ((\Seen`
		}
		return "FLAGS " + m.flagList()
	case "RFC822.SIZE":
		row.size = true
		return fmt.Sprintf("RFC822.SIZE %d", len(m.body))
	case "INTERNALDATE":
		return `INTERNALDATE "17-Jul-1996 02:44:25 -0700"`
	}
	open, shut := strings.IndexByte(name, '['), strings.IndexByte(name, ']')
	if open < 0 || shut < 0 {
		s.fail("smuggled", "FETCH asks for %q", name)
		return ""
	}
	section, origin := name[open+1:shut], ""
	data := m.section(section)
	if from, count, ok := strings.Cut(strings.Trim(name[shut+1:], "<>"), "."); ok {
		a, _ := strconv.Atoi(from)
		n, _ := strconv.Atoi(count)
		data = data[min(a, len(data)):min(a+n, len(data))]
		origin = "<" + from + ">"
	}
	row.sections[section+origin] = data
	return "BODY[" + section + "]" + origin + " " + s.str(data)
}

// str returns a string in one of its forms.
func (s *server) str(data string) string {
	if strings.ContainsAny(data, "\r\n\"\\") || s.step.chance(Literals, 2) {
		return fmt.Sprintf("{%d}\r\n%s", len(data), data)
	}
	return `"` + data + `"`
}

// ---- STORE, SEARCH

func (s *server) doStore(rec *record) {
	uid := isUID(rec)
	msgs := s.named(rec.args[0].text, uid)
	sign, item := "", strings.ToUpper(rec.args[1].text)
	if strings.HasPrefix(item, "+") || strings.HasPrefix(item, "-") {
		sign, item = item[:1], item[1:]
	}
	var flags []string
	for _, t := range rec.args[2].list {
		flags = append(flags, t.text)
		if strings.EqualFold(t.text, `\Recent`) {
			s.fail("recent", `STORE sends \Recent`)
		}
	}
	if s.sel.readOnly {
		s.finish(rec, "NO", "", "read-only")
		return
	}
	if s.refuses() {
		s.finish(rec, "NO", "", "store refused")
		return
	}
	msgs = s.limit(rec, msgs)
	for _, m := range msgs {
		if rec.call == nil || !rec.call.mayFlag(m, rec) {
			s.fail("changed", "%s: %s %s changes %s, which the call did not name", rec.call, rec.tag, rec.name, m)
		}
		m.setFlags(sign, flags)
		rec.hit = append(rec.hit, m)
		if !strings.HasSuffix(item, ".SILENT") {
			s.row(rec, m, []token{{text: "FLAGS"}}, uid)
		}
		s.news(false)
	}
	s.finish(rec, "OK", rec.limited(msgs), "stored")
}

func (s *server) search(rec *record) {
	args, ret := rec.args, []string(nil)
	if len(args) > 1 && strings.EqualFold(args[0].text, "RETURN") {
		for _, t := range args[1].list {
			ret = append(ret, strings.ToUpper(t.text))
		}
		args = args[2:]
	}
	uid := isUID(rec)
	msgs := s.matching(args)
	if slices.Contains(ret, "SAVE") {
		s.saved = msgs
	}
	nums := []string{}
	msgs = s.limit(rec, msgs)
	for _, m := range msgs {
		n := s.number(rec, m)
		if c := rec.call; c != nil && c.op == "search" && c.named != nil && !c.named(m) && (!uid || c.lowest == 0) {
			s.fail("mixed up", "%s: %s %s finds %s, which the call did not name", c, rec.tag, rec.name, m)
		}
		rec.nums = append(rec.nums, n)
		nums = append(nums, strconv.Itoa(int(n)))
	}
	if ret == nil {
		s.put("* SEARCH%s", strings.Join(append([]string{""}, nums...), " "))
	} else {
		s.esearch(rec, uid, nums)
	}
	s.news(uid)
	s.end(rec, rec.limited(msgs), "searched")
}

func (s *server) esearch(rec *record, uid bool, nums []string) {
	line := fmt.Sprintf(`* ESEARCH (TAG "%s")`, rec.tag)
	if uid {
		line += " UID"
	}
	if len(nums) > 0 {
		line += " ALL " + strings.Join(nums, ",")
	}
	s.put("%s", line)
}

// matching returns the messages that match a list of search keys.
func (s *server) matching(keys []token) []*message {
	list := slices.Clone(s.sel.view)
	keep := func(f func(*message) bool) {
		list = slices.DeleteFunc(list, func(m *message) bool { return !f(m) })
	}
	for i := 0; i < len(keys); i++ {
		switch key := strings.ToUpper(keys[i].text); key {
		case "ALL":
		case "CHARSET":
			i++
		case "UNSEEN":
			keep(func(m *message) bool { return !m.has(`\Seen`) })
		case "DELETED":
			keep(func(m *message) bool { return m.has(`\Deleted`) })
		case "UID":
			i++
			keep(among(s.named(keys[i].text, true)))
		default:
			in := s.named(key, false)
			if _, ok := parseSet(key); !ok && key != "$" {
				s.fail("smuggled", "SEARCH with the key %q", key)
			}
			keep(among(in))
		}
	}
	return list
}

// among returns a function that reports whether a message is in the list.
func among(list []*message) func(*message) bool {
	in := make(map[*message]bool, len(list))
	for _, m := range list {
		in[m] = true
	}
	return func(m *message) bool { return in[m] }
}

// ---- COPY, MOVE, EXPUNGE

func (s *server) copy(rec *record) {
	uid, moves := isUID(rec), strings.HasSuffix(rec.name, "MOVE")
	msgs := s.named(rec.args[0].text, uid)
	to := s.store.boxes[rec.args[1].text]
	if s.refuses() || to == nil || moves && s.sel.readOnly || slices.ContainsFunc(msgs, func(m *message) bool { return m.gone }) {
		s.finish(rec, "NO", "", "copy refused")
		return
	}
	if len(msgs) == 0 {
		s.finish(rec, "OK", "", "nothing copied")
		return
	}
	for _, m := range msgs {
		if rec.call == nil || !rec.call.mayCopy(m, rec) {
			s.fail("changed", "%s: %s %s copies %s, which the call did not name", rec.call, rec.tag, rec.name, m)
		}
		c := to.add(&message{id: m.id, body: m.body, flags: slices.Clone(m.flags)})
		rec.source, rec.dest = append(rec.source, m.uid), append(rec.dest, c.uid)
		rec.copied[m.id] = true
		if rec.call != nil {
			rec.call.copied[m] = true
		}
	}
	code := ""
	if s.has("UIDPLUS") && !s.step.chance(Codes, 2) {
		code = fmt.Sprintf("COPYUID %d %s %s", to.validity, numbers(rec.source), numbers(rec.dest))
	} else {
		rec.source, rec.dest = nil, nil
	}
	if !moves {
		s.changes()
		s.news(true)
		s.finish(rec, "OK", code, "copied")
		return
	}
	if code != "" {
		s.put("* OK [%s] moving", code)
	}
	for _, m := range msgs {
		s.removes(rec, m)
	}
	for s.sayExpunge(rec) {
		s.alert()
	}
	s.finish(rec, "OK", "", "moved")
}

func numbers(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(int(n))
	}
	return strings.Join(words, ",")
}

// removes removes a message for a command.
func (s *server) removes(rec *record, m *message) {
	if rec.call == nil || !rec.call.mayRemove(m, rec) {
		s.fail("lost", "%s: %s %s removes %s, which the call did not name, or did not copy before", rec.call, rec.tag, rec.name, m)
	}
	m.box.remove(m)
	rec.hit = append(rec.hit, m)
}

func (s *server) expunge(rec *record) {
	if s.sel.readOnly {
		s.finish(rec, "NO", "", "read-only")
		return
	}
	if s.refuses() {
		s.finish(rec, "NO", "", "expunge refused")
		return
	}
	msgs := s.sel.view
	if isUID(rec) {
		msgs = s.named(rec.args[0].text, true)
	}
	for _, m := range slices.Clone(msgs) {
		if m.has(`\Deleted`) && !m.gone {
			s.removes(rec, m)
		}
	}
	for s.sayExpunge(rec) {
		s.alert()
	}
	s.finish(rec, "OK", "", "expunged")
}

func (s *server) closeBox(rec *record) {
	if rec.name == "CLOSE" && !s.sel.readOnly {
		for _, m := range slices.Clone(s.sel.view) {
			if m.has(`\Deleted`) && !m.gone {
				s.removes(rec, m)
			}
		}
	}
	s.unselect()
	s.finish(rec, "OK", "", "closed")
}

func (s *server) unselect() {
	s.sel, s.saved, s.unsaid = nil, nil, nil
	s.views = append(s.views, viewAt{at: s.outAll})
}

// ---- other commands

func (s *server) status(rec *record) {
	b := s.store.boxes[rec.args[0].text]
	if b == nil || s.refuses() {
		s.finish(rec, "NO", "", "no such mailbox")
		return
	}
	var list []string
	for _, t := range rec.args[1].list {
		n := uint64(0)
		switch t.text {
		case "MESSAGES":
			n = uint64(len(b.msgs))
		case "UIDNEXT":
			n = uint64(b.uidNext)
		case "UIDVALIDITY":
			n = uint64(b.validity)
		case "UNSEEN":
			for _, m := range b.msgs {
				if !m.has(`\Seen`) {
					n++
				}
			}
		}
		rec.numbers[t.text] = n
		list = append(list, fmt.Sprintf("%s %d", t.text, n))
	}
	if s.step.chance(Order, 2) {
		shuffle(s.step.of(Order), list)
	}
	s.put("* STATUS %s (%s)", s.astring(b.name), strings.Join(list, " "))
	s.news(true)
	s.finish(rec, "OK", "", "status")
}

func (s *server) astring(text string) string {
	if s.step.chance(Literals, 2) {
		return s.str(text)
	}
	return text
}

func (s *server) list(rec *record) {
	order := slices.Clone(names)
	if s.step.chance(Order, 2) {
		shuffle(s.step.of(Order), order)
	}
	for _, name := range order {
		s.put(`* LIST () "/" %s`, s.astring(name))
		s.news(true)
	}
	s.end(rec, "", "listed")
}

func (s *server) append(rec *record) {
	b := s.store.boxes[rec.args[0].text]
	var bodies []string
	var flags [][]string
	for i, t := range rec.args[1:] {
		if t.isList {
			for _, f := range t.list {
				if strings.EqualFold(f.text, `\Recent`) {
					s.fail("recent", `APPEND sends \Recent`)
				}
			}
		}
		if t.quoted && i+2 == len(rec.args) || t.quoted && len(t.text) > 40 || t.quoted && strings.HasPrefix(t.text, "Subject:") {
			bodies, flags = append(bodies, t.text), append(flags, nil)
		}
	}
	if b == nil || s.refuses() {
		s.finish(rec, "NO", "", "append refused")
		return
	}
	if len(rec.args) == 3 && strings.EqualFold(rec.args[1].text, "CATENATE") {
		body, bad := s.catenated(rec.args[2].list)
		if bad != "" {
			s.finish(rec, "NO", "BADURL "+bad, "nothing there")
			return
		}
		bodies, flags = []string{body}, [][]string{nil}
	}
	for i, body := range bodies {
		s.stored(rec, i, body)
		m := s.store.deliver(b, body, flags[i]...)
		rec.dest = append(rec.dest, m.uid)
	}
	code := ""
	if s.has("UIDPLUS") && !s.step.chance(Codes, 2) && len(rec.dest) > 0 {
		code = fmt.Sprintf("APPENDUID %d %s", b.validity, numbers(rec.dest))
	} else {
		rec.dest = nil
	}
	s.changes()
	s.news(true)
	s.finish(rec, "OK", code, "appended")
}

func (s *server) enable(rec *record) {
	var list []string
	for _, t := range rec.args {
		name := strings.ToUpper(t.text)
		if name == "METADATA" && s.has(name) && !s.step.chance(Refuse, 3) {
			s.enabled[name] = true
			list = append(list, " "+name)
		}
		if s.has(name) && (name == "CONDSTORE" || name == "QRESYNC") && !s.step.chance(Refuse, 3) {
			s.enabled[name], s.condstore = true, true
			list = append(list, " "+name)
		}
	}
	s.put("* ENABLED%s", strings.Join(list, ""))
	s.finish(rec, "OK", "", "enabled")
}

func (s *server) capability(rec *record) {
	s.put("* CAPABILITY %s", strings.Join(s.caps, " "))
	s.finish(rec, "OK", "", "capability")
}

func (s *server) startIdle(rec *record) {
	if s.refuses() {
		s.finish(rec, "NO", "", "no idling")
		return
	}
	s.put("+ idling")
	s.idle, s.idleBudget = rec, s.step.of(News).n(4)
}

func (s *server) logout(rec *record) {
	s.count++
	s.put("* BYE logging out-%d", s.count)
	s.ended = true
	if s.step.chance(Bye, 2) {
		s.reset = true
		rec.done, rec.status = true, "BYE"
		return
	}
	s.finish(rec, "OK", "", "logged out")
}
