package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// selectBox selects a mailbox.
func (s *server) selectBox(rec *record) {
	if s.sel != nil {
		s.closed(rec)
	}
	b := s.store.boxes[rec.args[0].text]
	s.leaveSections()
	s.unselect()
	if b == nil || s.refuses() {
		s.finish(rec, "NO", "", "not selected")
		return
	}
	s.sel = &session{box: b, opener: rec.call, readOnly: rec.name == "EXAMINE", view: slices.Clone(b.msgs), flags: make(map[*message]uint64)}
	for _, m := range b.msgs {
		s.sel.flags[m] = m.modSeq
	}
	for _, line := range s.selectLines(rec) {
		s.alert()
		s.put("%s", line)
	}
	if len(rec.args) > 1 {
		s.resync(rec)
	}
	s.viewed()
	code := "READ-WRITE"
	if s.sel.readOnly {
		code = "READ-ONLY"
	}
	s.finish(rec, "OK", code, "selected")
}

// closed sends the last events of the previous mailbox. If they can be distinguished, they are of any kind.
func (s *server) closed(rec *record) {
	if !s.enabled["QRESYNC"] {
		return
	}
	if s.step.chance(News, 2) {
		s.changes()
		s.sayExists()
		if s.step.also(News, 3) {
			s.sayAlert()
			s.sayExists()
		}
		s.put("* OK [HIGHESTMODSEQ %d] of the old mailbox", 9_000+s.sel.box.modSeq)
		s.put("* 77 RECENT")
	}
	s.put("* OK [CLOSED] the old mailbox")
}

func (s *server) selectLines(rec *record) []string {
	b := s.sel.box
	rec.numbers["EXISTS"] = uint64(len(b.msgs))
	rec.numbers["UIDVALIDITY"] = uint64(b.validity)
	lines := []string{
		`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft work)`,
		fmt.Sprintf("* %d EXISTS", len(b.msgs)),
		fmt.Sprintf("* OK [UIDVALIDITY %d] valid", b.validity),
		`* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] kept`,
	}
	if !s.step.also(Codes, 3) { // without it nothing is known of future UIDs
		rec.numbers["UIDNEXT"] = uint64(b.uidNext)
		lines = append(lines, fmt.Sprintf("* OK [UIDNEXT %d] next", b.uidNext))
	}
	if !s.step.chance(Codes, 3) {
		n := s.step.of(Codes).n(3)
		rec.numbers["RECENT"] = uint64(n)
		lines = append(lines, fmt.Sprintf("* %d RECENT", n))
	}
	if s.has("CONDSTORE") || s.has("QRESYNC") {
		rec.numbers["HIGHESTMODSEQ"] = b.modSeq
		lines = append(lines, fmt.Sprintf("* OK [HIGHESTMODSEQ %d] newest", b.modSeq))
	}
	if s.step.chance(Order, 2) {
		shuffle(s.step.of(Order), lines)
	}
	return lines
}

// resync answers the parameters CONDSTORE and QRESYNC.
func (s *server) resync(rec *record) {
	list := rec.args[1].list
	s.condstore = true
	if len(list) < 2 || list[0].text != "QRESYNC" {
		return
	}
	if !s.enabled["QRESYNC"] {
		s.fail("qresync", "%s with QRESYNC, which ENABLE did not switch on", rec.name)
		return
	}
	p := list[1].list
	b := s.sel.box
	if len(p) < 2 || p[0].text != strconv.Itoa(int(b.validity)) {
		return
	}
	since, _ := strconv.ParseUint(p[1].text, 10, 64)
	known := []span{{1, b.uidNext}}
	if len(p) > 2 {
		known, _ = parseSet(p[2].text)
	}
	var gone []string
	for _, m := range b.gone {
		if m.modSeq > since && contains(known, m.uid, b.uidNext) {
			gone = append(gone, strconv.Itoa(int(m.uid)))
		}
	}
	if len(gone) > 0 {
		s.put("* VANISHED (EARLIER) %s", strings.Join(gone, ","))
	}
	for _, m := range b.msgs {
		if m.modSeq > since {
			s.row(rec, m, []token{{text: "FLAGS"}}, false)
		}
	}
}
