package imaptest

import "slices"

// selectParams are the parameters of SELECT and EXAMINE.
type selectParams struct {
	condstore   bool
	objectID    bool
	qresync     bool
	uidValidity uint32
	modSeq      uint64
	known       *numSet // UIDs that the client knows
}

// selectParams reads them together with the end of the command.
func (s *session) selectParams(p *parser) (selectParams, error) {
	var a selectParams
	if p.accept(' ') {
		p.list(func() {
			switch word := p.word(); {
			case word == "CONDSTORE" && !s.srv.disabled["CONDSTORE"]:
				a.condstore = true
			case word == "ANNOTATE" && !s.srv.disabled["ANNOTATE-EXPERIMENT-1"]:
			case word == "OBJECTID" && !s.srv.disabled["OBJECTID+"]:
				a.objectID = true
			case word == "QRESYNC" && !s.srv.disabled["QRESYNC"]:
				a.parseQresync(p)
			default:
				p.fail("Unknown SELECT parameter")
			}
		})
	}
	if err := p.end(); err != nil {
		return a, err
	}
	if a.qresync && !s.enabled["QRESYNC"] {
		return a, bad("QRESYNC has not been enabled")
	}
	return a, nil
}

// parseQresync reads "(" uidvalidity modseq [known-uids] [seq-match] ")".
// Nothing expunged is ever forgotten, so that the sequence match data, which
// helps servers with a short memory, has no use.
func (a *selectParams) parseQresync(p *parser) {
	a.qresync = true
	p.sp()
	p.expect('(')
	a.uidValidity = p.number32()
	p.sp()
	a.modSeq = p.number()
	for p.accept(' ') {
		if p.accept('(') {
			p.numSet()
			p.sp()
			p.numSet()
			p.expect(')')
			break
		}
		set := p.numSet()
		a.known = &set
	}
	p.expect(')')
}

// resync reports what has changed since the client last saw the mailbox.
func (s *session) resync(a selectParams) {
	known := a.known
	if known == nil {
		known = &numSet{ranges: []numRange{{1, 0}}}
	}
	if uids := s.vanished(*known, a.modSeq); len(uids) > 0 {
		s.untagged("VANISHED (EARLIER) %s", formatSet(uids))
	}
	for i, v := range s.view {
		if v.modSeq > a.modSeq && known.contains(v.uid, s.box.uidNext) {
			s.sendFlags(i, true)
		}
	}
}

// vanished returns the UIDs in set that were expunged after modSeq.
func (s *session) vanished(set numSet, modSeq uint64) []uint32 {
	var uids []uint32
	for _, g := range s.box.gone {
		if g.modSeq > modSeq && set.contains(g.uid, s.box.uidNext) {
			uids = append(uids, g.uid)
		}
	}
	slices.Sort(uids)
	return uids
}
