package imaptest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// viewMsg is a message as the client of a session knows it; its index in the
// view is its sequence number less one.
type viewMsg struct {
	*message
	seen   uint64 // mod-sequence of the last flags that were sent
	recent bool   // this session was the first to see it
	quiet  bool   // IMAP4rev2 has no \Recent
}

// selectBox makes m the selected mailbox. The caller must hold srv.mu, as for
// everything in this file.
func (s *session) selectBox(m *Mailbox, readOnly bool) {
	s.box, s.readOnly = m, readOnly
	s.view, s.saved = nil, nil
	m.sessions[s] = struct{}{}
	s.addNew()
	s.synced = m.modSeq
}

func (s *session) unselect() {
	if s.box != nil {
		delete(s.box.sessions, s)
	}
	s.box, s.view, s.saved, s.live = nil, nil, nil, nil
}

// addNew adds the messages that the client does not know yet to the view.
func (s *session) addNew() int {
	last := uint32(0)
	if n := len(s.view); n > 0 {
		last = s.view[n-1].uid
	}
	first, _ := slices.BinarySearchFunc(s.box.msgs, last+1, func(m *message, uid uint32) int {
		return cmp.Compare(m.uid, uid)
	})
	for _, m := range s.box.msgs[first:] {
		s.view = append(s.view, viewMsg{m, m.modSeq, m.recent, s.rev2()})
		if !s.readOnly {
			m.recent = false
		}
	}
	return len(s.box.msgs) - first
}

func (s *session) recentCount() int {
	n := 0
	for _, v := range s.view {
		if v.recent {
			n++
		}
	}
	return n
}

// sync sends the changes of the selected mailbox to the client. Messages are
// removed from its view only if that is allowed now.
func (s *session) sync(expunge bool) {
	if s.box == nil || s.synced == s.box.modSeq {
		return
	}
	complete := true
	if expunge {
		s.reportRemoved()
		s.dropGone()
	} else {
		complete = !slices.ContainsFunc(s.view, func(v viewMsg) bool { return v.gone })
	}
	if first := len(s.view); s.addNew() > 0 {
		s.untagged("%d EXISTS", len(s.view))
		if !s.rev2() {
			s.untagged("%d RECENT", s.recentCount())
		}
		s.fetchNew(first)
	}
	for i := range s.view {
		if v := &s.view[i]; v.modSeq > v.seen && !v.gone {
			s.sendFlags(i, s.uid || s.enabled["QRESYNC"])
		}
	}
	s.reportUpdates()
	if complete {
		s.synced = s.box.modSeq
	}
}

// dropGone reports expunged messages, as VANISHED if that is enabled.
func (s *session) dropGone() {
	var uids []uint32
	keep := s.view[:0]
	for _, v := range s.view {
		if !v.gone {
			keep = append(keep, v)
			continue
		}
		uids = append(uids, v.uid)
		if !s.vanishes() {
			s.untagged("%d EXPUNGE", len(keep)+1)
		}
	}
	clear(s.view[len(keep):])
	s.view = keep
	if len(uids) > 0 {
		s.saved = slices.DeleteFunc(s.saved, func(u uint32) bool { return slices.Contains(uids, u) })
		if s.vanishes() {
			s.untagged("VANISHED %s", formatSet(uids))
		}
	}
}

// sendFlags reports the flags of the message at index i of the view.
func (s *session) sendFlags(i int, withUID bool) {
	v := &s.view[i]
	v.seen = v.modSeq
	if withUID = !s.row(i) && withUID; withUID {
		fmt.Fprintf(&s.out, "UID %d ", v.uid)
	}
	fmt.Fprintf(&s.out, "FLAGS %s", v.flagText())
	if s.enabled["CONDSTORE"] {
		fmt.Fprintf(&s.out, " MODSEQ (%d)", v.modSeq)
	}
	s.out.WriteString(")\r\n")
}

func (v *viewMsg) flagText() string {
	flags := v.flags
	if v.recent && !v.quiet {
		flags = append(slices.Clone(flags), `\Recent`)
	}
	return "(" + strings.Join(flags, " ") + ")"
}

// index returns the place of a UID in the view, or -1.
func (s *session) index(uid uint32) int {
	i, found := slices.BinarySearchFunc(s.view, uid, func(v viewMsg, uid uint32) int {
		return cmp.Compare(v.uid, uid)
	})
	if !found {
		return -1
	}
	return i
}

// resolve returns the indexes in the view that set selects: UIDs after the
// UID prefix, else sequence numbers, all of which must exist.
func (s *session) resolve(set numSet) ([]int, error) {
	if set.saved {
		return s.resolveSaved()
	}
	if s.uid {
		return s.resolveUIDs(set), nil
	}
	n := uint32(len(s.view))
	var out []int
	for _, r := range set.ranges {
		if r.lo > n || r.hi > n || n == 0 {
			return nil, bad("Sequence number out of range")
		}
	}
	for i := range s.view {
		if set.contains(uint32(i+1), n) {
			out = append(out, i)
		}
	}
	return out, nil
}

func (s *session) resolveSaved() ([]int, error) {
	if s.srv.disabled["SEARCHRES"] {
		return nil, bad("Syntax error: $ is not supported")
	}
	var out []int
	for _, uid := range s.saved {
		if i := s.index(uid); i >= 0 {
			out = append(out, i)
		}
	}
	return out, nil
}

func (s *session) resolveUIDs(set numSet) []int { return s.resolveTop(set, s.wanted()) }

// maxUID is what "*" means in a set of UIDs.
func (s *session) maxUID() uint32 {
	if len(s.view) == 0 {
		return 0
	}
	return s.view[len(s.view)-1].uid
}

// formatSet writes ascending or unordered numbers as a set; neighbours in
// the list that follow each other become a range.
func formatSet(nums []uint32) string {
	var b []byte
	for i := 0; i < len(nums); {
		j := i
		for j+1 < len(nums) && nums[j+1] == nums[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(nums[i]), 10)
		if j > i {
			b = append(b, ':')
			b = strconv.AppendUint(b, uint64(nums[j]), 10)
		}
		i = j + 1
	}
	return string(b)
}

// cmdIdle needs a second goroutine, because the connection has to be read
// while changes are waited for. It ends before cmdIdle returns.
func cmdIdle(s *session, p *parser) error {
	if err := p.end(); err != nil {
		return err
	}
	s.out.WriteString("+ idling\r\n")
	type input struct {
		line []byte
		err  error
	}
	done := make(chan input, 1)
	go func() {
		line, err := s.readLine()
		done <- input{line, err}
	}()
	for {
		s.srv.mu.Lock()
		s.sync(true)
		s.reportEvents()
		s.srv.mu.Unlock()
		if err := s.flush(); err != nil {
			_ = s.rwc.Close() // ends the goroutine
			<-done
			return err
		}
		select {
		case <-s.changed:
		case in := <-done:
			if in.err != nil {
				return in.err
			}
			if !strings.EqualFold(string(in.line), "DONE\r\n") {
				return bad("Expected DONE")
			}
			return nil
		}
	}
}
