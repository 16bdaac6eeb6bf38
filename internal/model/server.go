package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A server is one session, and also simulates other users of the same mailboxes. It does at random what the RFC allows,
// as far as the faults of the current step allow it, and records what it sends for every command. All of it runs under
// the link's mutex.
type server struct {
	*journal
	store *store
	caps  []string
	step  *stepState
	call  *call

	inBuf   []byte
	pending []*record // received, not yet executed
	outBuf  []byte
	outAll  int64 // bytes sent so far
	readyAt time.Time
	ended   bool // no more bytes will be sent; with reset, not even an orderly end
	reset   bool

	loggedIn   bool
	knows      bool // the client has logged in with the password
	sel        *session
	enabled    map[string]bool
	idle       *record // an IDLE in progress
	idleBudget int
	auth       *record // an AUTHENTICATE in progress
	scram      scramServer
	saved      []*message
	holding    bool      // tagged responses are held back
	held       []*record // their commands
	deflate    *deflater
	tls        *tunnel
	link       *link // for tls
	injected   bool  // a line in the clear follows the OK of STARTTLS
	shaken     bool  // bytes arrived after that OK
	rules      notifyRules
	unsaid     []*message // new messages of which NOTIFY has not sent the items
	notices               // since the call began

	records   []*record
	views     []viewAt        // since the client was last known to have read everything
	expected  []expectedEvent // untagged data that is not an answer
	last      string          // the last text, which some call must return
	lastAt    int64           // position of its end
	count     int
	condstore bool // the client enabled it in some way
}

// A journal is what was said and done on one connection, or on several, and the first finding.
type journal struct {
	logMu      sync.Mutex // the caller writes too
	found      *Finding
	transcript []string
}

// A session is a selected mailbox as the client knows it.
type session struct {
	box      *box
	opener   *call
	readOnly bool
	view     []*message          // messages by sequence number
	flags    map[*message]uint64 // mod-sequence of the flags last sent
}

// viewAt is the meaning of the sequence numbers after a byte of the output.
type viewAt struct {
	at   int64
	box  *box
	view []*message
}

// expectedEvent is untagged data that becomes an event.
type expectedEvent struct {
	key  string
	must bool     // it must become one
	in   *session // its mailbox, or nil
	of   *call    // the call that it is for, unless that was given up; nil: none
}

// A record is one command and the data sent for it.
type record struct {
	call   *call
	tag    string
	name   string
	args   []token
	size   int
	cont   bool // not a command, but the "+" before the rest of one
	box    *box // selected when it was executed
	status string
	code   string
	text   string
	done   bool
	doneAt int64 // position of its end in the output

	rows     []*row
	nums     []uint32 // SEARCH: as sent
	expunged []uint32 // EXPUNGE: as sent
	vanished []uint32
	numbers  map[string]uint64 // STATUS and SELECT: as sent
	source   []uint32          // COPYUID
	dest     []uint32
	hit      []*message // changed, copied or removed messages
	copied   map[int]bool
	partial  bool
	value    string // other data, as text
}

// A row is the data of one message in the answer to FETCH.
type row struct {
	m        *message
	seqs     []uint32 // the numbers that its responses had
	moved    []uint32 // and those that it had later
	sections map[string]string
	size     bool
	bad      bool
}

func newServer(p Plan, st *store) *server {
	return &server{journal: &journal{}, store: st, caps: p.Caps, notices: newNotices(), enabled: make(map[string]bool)}
}

func (s *server) has(name string) bool { return slices.Contains(s.caps, name) }

// log adds a line to the transcript.
func (s *journal) log(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if len(line) > 300 {
		line = fmt.Sprintf("%s... (%d octets)", line[:300], len(line))
	}
	if len(s.transcript) < 4000 {
		s.transcript = append(s.transcript, strings.ReplaceAll(line, "\r\n", "\\r\\n"))
	}
}

// fail records a broken promise. Only the first one counts.
func (s *journal) fail(kind, format string, args ...any) {
	found := &Finding{Kind: kind, Text: fmt.Sprintf(format, args...)}
	s.logMu.Lock()
	first := s.found == nil
	if first {
		s.found = found
	}
	s.logMu.Unlock()
	if first {
		s.log("!! %s: %s", kind, found.Text)
	}
}

// ---- bytes

// receive handles data from the client.
func (s *server) receive(b []byte) {
	if s.tls != nil {
		s.underTLS(b)
		return
	}
	s.take(b)
}

// take handles data from the client, after decryption.
func (s *server) take(b []byte) {
	if s.ended {
		return // what was on its way
	}
	if s.deflate != nil {
		var err error
		if b, err = s.deflate.receive(b); err != nil {
			s.fail("state", "what the client sends is not compressed: %v", err)
			return
		}
	}
	s.inBuf = append(s.inBuf, b...)
	for len(s.inBuf) > 0 {
		if s.auth != nil || s.idle != nil {
			if !s.continued() {
				return
			}
			continue
		}
		n, ask := frame(s.inBuf)
		if n == 0 {
			if ask && !slices.ContainsFunc(s.pending, func(r *record) bool { return r.cont }) {
				s.pending = append(s.pending, &record{call: s.call, cont: true})
			}
			return
		}
		s.command(s.inBuf[:n])
		s.inBuf = s.inBuf[n:]
	}
}

// continued handles a line that belongs to an exchange in progress. It reports whether there was one.
func (s *server) continued() bool {
	line, rest, ok := strings.Cut(string(s.inBuf), "\r\n")
	if !ok {
		return false
	}
	s.log("C: %s", line)
	s.inBuf = []byte(rest)
	if s.idle != nil {
		rec := s.idle
		s.idle = nil
		if line != "DONE" {
			s.fail("smuggled", "%q inside IDLE", line)
		}
		s.finish(rec, "OK", "", "idled")
		return true
	}
	s.authenticate(line)
	return true
}

// command handles one command.
func (s *server) command(b []byte) {
	s.log("C: %s", strings.TrimRight(string(b), "\r\n"))
	words := scan(b)
	if slices.ContainsFunc(s.pending, func(r *record) bool { return r.name == "STARTTLS" }) {
		s.fail("trust", "%q is sent before STARTTLS is answered", b)
	}
	rec := &record{numbers: make(map[string]uint64), copied: make(map[int]bool), size: len(b)}
	if len(words) < 2 {
		s.fail("smuggled", "no command: %q", b)
		return
	}
	rec.tag, rec.name, rec.args = words[0].text, strings.ToUpper(words[1].text), words[2:]
	if rec.name == "UID" && len(rec.args) > 0 {
		rec.name, rec.args = "UID "+strings.ToUpper(rec.args[0].text), rec.args[1:]
	}
	rec.call = s.call.owner(rec)
	s.records = append(s.records, rec)
	s.pending = append(s.pending, rec)
	s.checkSent(rec)
	if rec.name == "IDLE" || rec.name == "AUTHENTICATE" {
		s.produceAll() // the following data is not a command
	}
	if s.step.chance(Delay, 4) {
		s.readyAt = time.Now().Add(time.Duration(1+s.step.of(Delay).n(20)) * time.Second)
	}
}

// checkSent checks whether a command may be sent by its call.
func (s *server) checkSent(rec *record) {
	h := handlers[rec.name]
	if h == nil {
		s.fail("smuggled", "no call sends %q", rec.name)
		return
	}
	if h.needs != "" && !s.has(h.needs) {
		s.fail("qresync", "%s is sent to a server without %s", rec.name, h.needs)
	}
	if rec.call == nil || !rec.call.sends(rec.name) {
		s.fail("smuggled", "%s sends %s", rec.call, rec.name)
	}
}

// delay returns the delay of the next answer.
func (s *server) delay() time.Duration {
	if len(s.pending) == 0 {
		return 0
	}
	return time.Until(s.readyAt)
}

// produce sends the next answer, if nothing is left of the last one.
func (s *server) produce() {
	if len(s.outBuf) > 0 || s.ended || s.delay() > 0 {
		return
	}
	if s.sideBySide() {
		s.executeTwo()
		return
	}
	if len(s.pending) > 0 {
		s.execute()
		return
	}
	if s.idle != nil && s.idleBudget > 0 {
		s.idleBudget--
		s.changes()
		s.news(true)
		if s.step.also(Bye, 4) {
			s.sendBye()
		}
	}
}

func (s *server) produceAll() {
	for len(s.pending) > 0 && !s.ended {
		s.execute()
	}
}

// execute runs the oldest command.
func (s *server) execute() {
	rec := s.pending[0]
	s.pending = s.pending[1:]
	if rec.cont {
		s.put("+ go on")
		return
	}
	if rec.name != "LOGOUT" && s.goodbye() {
		return
	}
	if s.sel != nil {
		rec.box = s.sel.box
	}
	h := handlers[rec.name]
	if h == nil {
		s.finish(rec, "BAD", "", "what")
		return
	}
	s.changes()
	if h.selected {
		if s.sel == nil {
			s.finish(rec, "BAD", "", "no mailbox is open")
			return
		}
		s.checkMeant(rec)
	}
	if h.loggedIn || h.selected {
		if !s.loggedIn && !rec.call.raw {
			s.fail("trust", "%s sends %s to a server that proved nothing", rec.call, rec.name)
		}
		if !s.loggedIn {
			s.finish(rec, "BAD", "", "log in first")
			return
		}
	}
	if !h.select_ {
		s.news(h.expunges)
	}
	h.run(s, rec)
}

// checkMeant checks that a command runs in the mailbox for which its call was made.
func (s *server) checkMeant(rec *record) {
	c := rec.call
	if c != nil && c.believed != "" && c.believed != s.sel.box.name {
		s.fail("mailbox", "%s was made for %s, and %s %s runs in %s", c, c.believed, rec.tag, rec.name, s.sel.box.name)
	}
	if c != nil && c.op == "do" && c.blind && s.sel.opener.unheard {
		s.fail("mailbox", "%s was made for no mailbox, and %s %s runs in %s, of which no call was told", c, rec.tag, rec.name, s.sel.box.name)
	}
}

// put sends a line.
func (s *server) put(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.log("S: %s", line)
	b := []byte(line + "\r\n")
	if s.deflate != nil {
		b = s.deflate.send(b)
	}
	if s.tls != nil {
		b = s.tls.encrypt(b)
	}
	s.putBytes(b)
}

// putBytes sends bytes unchanged.
func (s *server) putBytes(b []byte) {
	s.outBuf = append(s.outBuf, b...)
	s.outAll += int64(len(b))
}

// finish sends the tagged response.
func (s *server) finish(rec *record, status, code, text string) {
	s.count++
	rec.status, rec.code, rec.text, rec.done = status, code, fmt.Sprintf("%s-%d", text, s.count), true
	if s.holding {
		s.held = append(s.held, rec)
		return
	}
	s.putStatus(rec)
}

// ownCode begins the codes that become events, since no command knows them.
const ownCode = "X-CODE-"

func (s *server) putStatus(rec *record) {
	code := ""
	if rec.code != "" {
		code = "[" + rec.code + "] "
	}
	if strings.HasPrefix(rec.code, ownCode) {
		s.expected = append(s.expected, expectedEvent{key: rec.code, must: true, of: rec.call})
	}
	echo := ""
	if s.knows && s.step.also(Codes, 4) {
		echo = " for " + password
	}
	s.put("%s %s %s%s%s", rec.tag, rec.status, code, rec.text, echo)
	rec.doneAt = s.outAll
}

// executeTwo runs two commands at once, in any order: the data of both is sent before their tagged responses.
func (s *server) executeTwo() {
	s.holding = true
	if a, b := s.pending[0], s.pending[1]; (a.name != b.name || a.args[0].text != b.args[0].text) && s.step.also(Order, 2) {
		s.pending[0], s.pending[1] = b, a
	}
	s.execute()
	if !s.ended {
		s.execute()
	}
	s.holding = false
	for _, rec := range s.held {
		if rec.done = !s.ended; rec.done {
			s.putStatus(rec)
		}
	}
	s.held = nil
}

// sideBySide reports whether the next two commands may run at once.
func (s *server) sideBySide() bool {
	return len(s.pending) > 1 && s.pending[0].asks() && s.pending[1].asks() && s.loggedIn && s.step.also(Order, 2)
}

// asks reports whether a command only asks for data.
func (rec *record) asks() bool {
	return slices.Contains([]string{"STATUS", "GETACL", "MYRIGHTS", "GETMETADATA", "GETQUOTAROOT"}, rec.name)
}

// goodbye ends the connection, if the step requires it.
func (s *server) goodbye() bool {
	if !s.step.chance(Bye, 6) {
		return false
	}
	s.sendBye()
	return true
}

func (s *server) sendBye() {
	r := s.step.of(Bye)
	s.count++
	text := fmt.Sprintf("farewell-%d", s.count)
	word := "BYE"
	if r.one(3) {
		word = pick(r, []string{"NO", "BAD"})
	}
	s.put("* %s %s", word, text)
	s.last, s.lastAt = text, s.outAll
	s.ended, s.reset = true, word == "BYE" && r.one(2)
	s.pending, s.idle = nil, nil
}

// ---- changes by others, and unsolicited responses

// changes makes others change the mailboxes.
func (s *server) changes() {
	for s.step.chance(News, 3) {
		r := s.step.of(News)
		b := s.store.boxes[pick(r, names)]
		if s.sel != nil && !r.one(4) {
			b = s.sel.box
		}
		if r.one(2) || len(b.msgs) == 0 {
			m := s.store.deliver(b, s.store.newBody(r))
			if r.one(4) {
				m.flags = []string{`\Deleted`}
			}
			s.log("-- others deliver %s", m)
			continue
		}
		m := pick(r, b.msgs)
		m.setFlags(pick(r, []string{"+", "-"}), []string{pick(r, []string{`\Flagged`, `\Seen`, "work"})})
		s.log("-- others change the flags of %s", m)
	}
	for s.step.chance(Expunges, 3) {
		r := s.step.of(Expunges)
		b := s.store.boxes[pick(r, names)]
		if s.sel != nil && !r.one(4) {
			b = s.sel.box
		}
		if len(b.msgs) > 0 {
			m := pick(r, b.msgs)
			s.log("-- others remove %s", m)
			b.remove(m)
		}
	}
}

// news reports some of the changes.
func (s *server) news(expunges bool) {
	s.otherNews()
	if s.sel == nil {
		s.alert()
		return
	}
	s.sayNew()
	for range 3 {
		if s.step.chance(News, 2) {
			s.sayFlags()
		}
		if s.step.chance(News, 2) {
			s.sayExists()
		}
		if expunges && s.step.chance(Expunges, 2) {
			s.sayExpunge(nil)
		}
		if s.rules.on && s.step.chance(News, 3) {
			s.sayStatus(s.store.boxes[pick(s.step.of(News), names)])
		}
		s.alert()
	}
}

func (s *server) alert() {
	if s.step.chance(News, 6) {
		s.sayAlert()
	}
}

func (s *server) sayAlert() {
	s.count++
	s.put("* OK [ALERT] alert-%d", s.count)
	s.event(fmt.Sprintf("alert-%d", s.count), true)
}

// event records unsolicited data.
func (s *server) event(key string, must bool) {
	s.expected = append(s.expected, expectedEvent{key: key, must: must})
}

// mailboxEvent is event for data about the selected mailbox.
func (s *server) mailboxEvent(format string, n uint32) {
	s.expected = append(s.expected, expectedEvent{key: fmt.Sprintf(format, n), in: s.sel})
}

// unheard reports whether an event is about a mailbox selected by a call that had been given up, so that no caller gets it.
func (e *expectedEvent) unheard() bool { return e.in != nil && e.in.opener.unheard }

// heard records that an alert is in a result.
func (s *server) heard(text string) {
	for i := range s.expected {
		if strings.Contains(text, s.expected[i].key) {
			s.expected[i].must = false
		}
	}
}

// fresh returns the messages that were not reported to the client.
func (s *session) fresh() []*message {
	last := uint32(0)
	if n := len(s.view); n > 0 {
		last = s.view[n-1].uid
	}
	i := slices.IndexFunc(s.box.msgs, func(m *message) bool { return m.uid > last && !slices.Contains(s.view, m) })
	if i < 0 {
		return nil
	}
	return s.box.msgs[i:]
}

// sayExists reports new messages.
func (s *server) sayExists() {
	list := s.sel.fresh()
	if len(list) == 0 {
		return
	}
	for _, m := range list {
		s.sel.view = append(s.sel.view, m)
		s.sel.flags[m] = m.modSeq
	}
	s.put("* %d EXISTS", len(s.sel.view))
	s.mailboxEvent("exists %d", uint32(len(s.sel.view)))
	s.viewed()
	if len(s.rules.items) > 0 {
		s.unsaid = append(s.unsaid, list...)
		s.sayNew()
	}
}

// sayExpunge reports one removed message, as a part of the answer to rec if that is not nil. It returns false if there is
// none.
func (s *server) sayExpunge(rec *record) bool {
	i := slices.IndexFunc(s.sel.view, func(m *message) bool { return m.gone })
	if i < 0 {
		return false
	}
	m := s.sel.view[i]
	s.sel.view = slices.Delete(slices.Clone(s.sel.view), i, i+1)
	if s.enabled["QRESYNC"] {
		s.put("* VANISHED %d", m.uid)
		s.mailboxEvent("vanished %d", m.uid)
		if rec != nil {
			rec.vanished = append(rec.vanished, m.uid)
		}
	} else {
		s.put("* %d EXPUNGE", i+1)
		s.mailboxEvent("expunge %d", uint32(i+1))
		if rec != nil {
			rec.expunged = append(rec.expunged, uint32(i+1))
		}
		s.renumber()
	}
	s.viewed()
	return true
}

// renumber records the numbers of the call's messages after an EXPUNGE: an incomplete row follows it.
func (s *server) renumber() {
	for _, rec := range s.records[s.call.first:] {
		for _, row := range rec.rows {
			if i := slices.Index(s.sel.view, row.m); i >= 0 {
				row.moved = append(row.moved, uint32(i+1))
			}
		}
	}
}

// sayFlags sends the flags of a message that others changed, or of any message.
func (s *server) sayFlags() {
	if len(s.sel.view) == 0 {
		return
	}
	r := s.step.of(News)
	i := slices.IndexFunc(s.sel.view, func(m *message) bool { return m.modSeq > s.sel.flags[m] && !m.gone })
	if i < 0 {
		i = r.n(len(s.sel.view))
	}
	m := s.sel.view[i]
	s.sel.flags[m] = m.modSeq
	items := []string{"FLAGS " + m.flagList()}
	if r.one(2) || s.enabled["QRESYNC"] {
		items = append(items, "UID "+strconv.Itoa(int(m.uid)))
	}
	if s.condstore {
		items = append(items, fmt.Sprintf("MODSEQ (%d)", m.modSeq))
	}
	if s.step.chance(Order, 2) {
		shuffle(s.step.of(Order), items)
	}
	if s.put("* %d FETCH (%s)", i+1, strings.Join(items, " ")); len(items) > 1 && s.call.named != nil && s.call.named(m) {
		s.newsUIDs[m.uid] = append(s.newsUIDs[m.uid], uint32(i+1))
	}
	s.newsOf[m] = true
	s.mailboxEvent("fetch %d", uint32(i+1))
	s.tell(m)
}

// tell records that the flags of a message were sent.
func (s *server) tell(m *message) { s.told[m] = append(s.told[m], m.flagList()) }

// viewed records the meaning of the numbers from here on.
func (s *server) viewed() {
	s.views = append(s.views, viewAt{s.outAll, s.sel.box, slices.Clone(s.sel.view)})
}
