package imaptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// storeArgs is a parsed STORE command.
type storeArgs struct {
	set            numSet
	op             byte // '+', '-' or 0
	silent         bool
	flags          []string
	labels         []string
	item           string // "", "ANNOTATION" or "X-GM-LABELS"
	annotations    map[string]map[string]*string
	conditional    bool
	unchangedSince uint64
}

func (s *session) parseStore(p *parser) storeArgs {
	var a storeArgs
	p.sp()
	a.set = p.numSet()
	p.sp()
	if !s.srv.disabled["CONDSTORE"] && p.accept('(') {
		if !p.acceptWord("UNCHANGEDSINCE") {
			p.fail("Unknown STORE modifier")
		}
		p.sp()
		a.conditional, a.unchangedSince = true, p.number()
		p.expect(')')
		p.sp()
	}
	if c := p.peek(); c == '+' || c == '-' {
		a.op = c
		p.pos++
	}
	word, silent := strings.CutSuffix(p.word(), ".SILENT")
	a.silent = silent
	switch {
	case word == "FLAGS":
	case word == "ANNOTATION" && !silent && a.op == 0 && !s.srv.disabled["ANNOTATE-EXPERIMENT-1"]:
		a.item = word
		p.sp()
		a.annotations = p.annotations()
		return a
	case word == "X-GM-LABELS" && !s.srv.disabled["X-GM-EXT-1"]:
		a.item = word
		p.sp()
		p.list(func() { a.labels = append(a.labels, p.label()) })
		return a
	default:
		p.fail("Unknown STORE item")
	}
	p.sp()
	if p.peek() == '(' {
		a.flags = p.flagList()
		return a
	}
	for p.err == nil {
		a.flags = append(a.flags, p.flag())
		if !p.accept(' ') {
			break
		}
	}
	return a
}

func cmdStore(s *session, p *parser) error {
	a := s.parseStore(p)
	if err := p.end(); err != nil {
		return err
	}
	if a.conditional {
		s.enabled["CONDSTORE"] = true
	}
	indexes, err := s.resolve(a.set)
	if err != nil {
		return err
	}
	if s.readOnly {
		return no("[READ-ONLY] Mailbox is read-only")
	}
	if i := slices.IndexFunc(a.flags, unknownSystemFlag); i >= 0 {
		return bad("Unknown system flag")
	}
	if err := fitting(a.annotations); err != nil {
		return err
	}
	indexes, limit := s.limitTo(indexes)
	var failed []uint32
	expunged := false
	for _, i := range indexes {
		v := &s.view[i]
		if a.conditional && v.modSeq > a.unchangedSince {
			failed = append(failed, s.number(i))
			continue
		}
		expunged = expunged || v.gone
		s.storeOne(i, a)
	}
	switch {
	case len(failed) > 0 && limit != "":
		s.untagged("OK [MODIFIED %s] Conditional STORE failed", formatSet(failed))
		return s.inPart(limit, "STORE completed in part")
	case len(failed) > 0:
		return ok(fmt.Sprintf("[MODIFIED %s] Conditional STORE failed", formatSet(failed)))
	case expunged && limit == "":
		return no("[EXPUNGEISSUED] Some of the messages no longer exist")
	case limit != "":
		return s.inPart(limit, "STORE completed in part")
	}
	return nil
}

// unknownSystemFlag reports flags that only servers may define.
func unknownSystemFlag(f string) bool {
	return f[0] == '\\' && !hasFlag(systemFlags, f)
}

// number returns the UID or sequence number of the message at index i, as the command uses.
func (s *session) number(i int) uint32 {
	if s.uid {
		return s.view[i].uid
	}
	return uint32(i + 1)
}

// storeOne changes one message and reports it.
func (s *session) storeOne(i int, a storeArgs) {
	v := &s.view[i]
	switch a.item {
	case "ANNOTATION":
		s.box.annotate(v.message, a.annotations)
		v.seen = v.modSeq
		return
	case "X-GM-LABELS":
		s.box.setLabels(v.message, a.op, a.labels)
		if v.seen = v.modSeq; !a.silent {
			s.sendLabels(i)
		}
		return
	}
	known := v.seen == v.modSeq
	var flags []string
	switch a.op {
	case '+':
		flags = append(slices.Clone(v.flags), a.flags...)
	case '-':
		flags = slices.DeleteFunc(slices.Clone(v.flags), func(f string) bool { return hasFlag(a.flags, f) })
	default:
		flags = a.flags
	}
	changed := s.box.setFlags(v.message, flags)
	switch {
	case !a.silent:
		s.sendFlags(i, s.uid || s.enabled["QRESYNC"])
	case known:
		// The client knows the outcome unless others have changed it too.
		v.seen = v.modSeq
		if changed && s.enabled["CONDSTORE"] {
			s.sendModSeq(i)
		}
	}
}

// sendLabels reports the labels of Gmail.
func (s *session) sendLabels(i int) {
	v := &s.view[i]
	if !s.row(i) && s.uid {
		fmt.Fprintf(&s.out, "UID %d ", v.uid)
	}
	fmt.Fprintf(&s.out, "X-GM-LABELS %s)\r\n", s.labelText(v.labels))
}

// sendModSeq reports the new mod-sequence after a silent STORE, which RFC
// 7162 section 3.1.3 requires.
func (s *session) sendModSeq(i int) {
	v := &s.view[i]
	if !s.row(i) && (s.uid || s.enabled["QRESYNC"]) {
		fmt.Fprintf(&s.out, "UID %d ", v.uid)
	}
	fmt.Fprintf(&s.out, "MODSEQ (%d))\r\n", v.modSeq)
}

func cmdExpunge(s *session, p *parser) error {
	named := numSet{ranges: []numRange{{1, 0}}}
	if s.uid {
		if s.srv.disabled["UIDPLUS"] {
			return bad("UID EXPUNGE is not supported")
		}
		p.sp()
		named = p.numSet()
	}
	if err := p.end(); err != nil {
		return err
	}
	if s.readOnly {
		return no("[READ-ONLY] Mailbox is read-only")
	}
	indexes := s.resolveTop(named, 0)
	if named.saved {
		var err error
		if indexes, err = s.resolveSaved(); err != nil {
			return err
		}
	}
	indexes = slices.DeleteFunc(indexes, func(i int) bool { return !hasFlag(s.view[i].flags, `\Deleted`) })
	indexes, limit := s.limitTo(indexes)
	gone := map[uint32]bool{}
	for _, uid := range s.uids(indexes) {
		gone[uid] = true
	}
	if len(gone) > 0 && s.box.remove(func(m *message) bool { return gone[m.uid] }) != nil {
		s.sync(true)
	}
	switch {
	case limit != "":
		return s.inPart(limit, "EXPUNGE completed in part")
	case s.enabled["CONDSTORE"]:
		return ok(fmt.Sprintf("[HIGHESTMODSEQ %d] EXPUNGE completed", s.box.modSeq))
	}
	return nil
}

func (s *session) uids(indexes []int) []uint32 {
	out := make([]uint32, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, s.view[i].uid)
	}
	return out
}

func cmdCopy(s *session, p *parser) error { return s.copyTo(p, false) }

func cmdMove(s *session, p *parser) error { return s.copyTo(p, true) }

func (s *session) copyTo(p *parser, move bool) error {
	p.sp()
	set := p.numSet()
	p.sp()
	name := p.mailbox()
	if err := p.end(); err != nil {
		return err
	}
	indexes, err := s.resolve(set)
	if err != nil {
		return err
	}
	if move && s.readOnly {
		return no("[READ-ONLY] Mailbox is read-only")
	}
	target, err := s.existing(name, "[TRYCREATE] ")
	if err != nil {
		return err
	}
	if target.readOnly {
		return no("[NOPERM] Mailbox is read-only")
	}
	limit := ""
	if move {
		indexes, limit = s.limitTo(indexes)
	} else if err := s.tooMany(indexes); err != nil {
		return err
	}
	var from, to []uint32
	var more []newMessage
	for _, i := range indexes {
		msg := s.view[i].message
		if msg.gone {
			return no("[EXPUNGEISSUED] Some of the messages no longer exist")
		}
		from = append(from, msg.uid)
		more = append(more, newMessage{raw: msg.raw})
	}
	if !move && s.user.overQuota(more) {
		return no("[OVERQUOTA] Quota exceeded")
	}
	for _, i := range indexes {
		msg := s.view[i].message
		copied := target.add(msg.raw, msg.flags, msg.date)
		copied.id = msg.id // RFC 8474 section 5.1: the content is the same
		copied.annotations, copied.labels = maps.Clone(msg.annotations), msg.labels
		to = append(to, copied.uid)
	}
	code := ""
	if len(from) > 0 && !s.srv.disabled["UIDPLUS"] {
		code = fmt.Sprintf("[COPYUID %d %s %s] ", target.uidValidity, formatSet(from), formatSet(to))
	}
	if !move {
		return ok(code + "COPY completed")
	}
	if code != "" {
		s.untagged("OK %sMoved", code)
	}
	slices.Sort(from)
	if s.box.remove(func(m *message) bool { _, found := slices.BinarySearch(from, m.uid); return found }) != nil {
		s.sync(true)
	}
	if limit != "" {
		return s.inPart(limit, "MOVE completed in part")
	}
	return ok("MOVE completed")
}

// quote writes a quoted string; the text must not hold CR, LF or NUL.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
