package imaptest

import (
	"fmt"
	"slices"
)

// liveSearch is a search whose result is updated (RFC 5267).
type liveSearch struct {
	tag    string
	uid    bool
	match  matcher
	keys   []sortKey // of SORT
	sorted bool
	sent   []uint32 // UIDs that the client has, in order
}

// maxLive is the maximum number of searches that a session updates.
const maxLive = 5

// keepCurrent starts reporting changes of a result.
func (s *session) keepCurrent(a *searchArgs, hits []int, keys []sortKey, sorted bool) {
	if !slices.Contains(a.options, "UPDATE") {
		return
	}
	if len(s.live) >= maxLive {
		s.untagged("NO [NOUPDATE %s] Too many contexts", quote(s.tag))
		return
	}
	s.live = append(s.live, &liveSearch{tag: s.tag, uid: s.uid, match: a.match, keys: keys, sorted: sorted, sent: s.uids(hits)})
}

func cmdCancelUpdate(s *session, p *parser) error {
	var tags []string
	for p.accept(' ') {
		tags = append(tags, p.quoted())
	}
	if err := p.end(); err != nil {
		return err
	}
	if len(tags) == 0 {
		return bad("No tag")
	}
	before := len(s.live)
	s.live = slices.DeleteFunc(s.live, func(l *liveSearch) bool { return slices.Contains(tags, l.tag) })
	if len(s.live) == before {
		return no("No such search")
	}
	return nil
}

// reportRemoved reports messages that are about to be expunged, before their numbers change.
func (s *session) reportRemoved() {
	for _, l := range s.live {
		s.update(l, slices.DeleteFunc(slices.Clone(l.sent), func(uid uint32) bool {
			i := s.index(uid)
			return i < 0 || s.view[i].gone
		}))
	}
}

// reportUpdates reports messages that match now but did not before, and vice versa.
func (s *session) reportUpdates() {
	for _, l := range s.live {
		var hits []int
		for i := range s.view {
			if v := &s.view[i]; l.match(&candidate{viewMsg: v, seq: uint32(i + 1)}) && (!v.gone || slices.Contains(l.sent, v.uid)) {
				hits = append(hits, i)
			}
		}
		if l.sorted {
			slices.SortStableFunc(hits, func(i, j int) int { return s.compareBy(l.keys, i, j) })
		}
		s.update(l, s.uids(hits))
	}
}

// update replaces a result, and sends the changes.
func (s *session) update(l *liveSearch, now []uint32) {
	text := ""
	item := func(name string, at int, uid uint32) {
		n := uid
		if !l.uid {
			n = uint32(s.index(uid) + 1)
		}
		position := 0
		if l.sorted {
			position = at + 1
		}
		text += fmt.Sprintf(" %s (%d %d)", name, position, n)
	}
	for i := 0; i < len(l.sent); {
		if slices.Contains(now, l.sent[i]) {
			i++
			continue
		}
		item("REMOVEFROM", i, l.sent[i])
		l.sent = slices.Delete(l.sent, i, i+1)
	}
	for i, uid := range now {
		if i < len(l.sent) && l.sent[i] == uid {
			continue
		}
		item("ADDTO", i, uid)
		l.sent = slices.Insert(l.sent, i, uid)
	}
	if text == "" {
		return
	}
	uid := ""
	if l.uid {
		uid = " UID"
	}
	s.untagged("ESEARCH (TAG %s)%s%s", quote(l.tag), uid, text)
}
