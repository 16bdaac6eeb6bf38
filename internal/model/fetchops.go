package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-imaplib/imap"
)

// items draws the items of a FETCH.
func (x *run) items(r *rng) []imap.FetchItem {
	all := []imap.FetchItem{imap.FetchFlags, imap.FetchSize, imap.FetchInternalDate, imap.Section{}, imap.Section{Specifier: "TEXT"},
		imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT", Offset: 1, Count: int64(1 + r.n(9))}, imap.Section{Part: []int{1}}}
	shuffle(r, all)
	list := all[:r.n(4)]
	if x.box != "" && x.step.of(lastFault).one(2) && !slices.Contains(list, imap.FetchItem(imap.FetchFlags)) {
		list = append(list, imap.FetchFlags)
	}
	return list
}

// sectionName returns a section in wire syntax.
func sectionName(s imap.Section) string {
	name := s.Specifier
	for range s.Part {
		name = "1"
	}
	if s.Offset > 0 {
		return fmt.Sprintf("%s<%d>", name, s.Offset)
	}
	return name
}

// A yielded is a message that a loop yielded, with its error.
type yielded struct {
	m        *imap.Message
	sections map[string]string
	err      error
}

// section adds a section to a yielded message.
func (x *run) section(y *yielded, s imap.Section, data string) {
	name := sectionName(s)
	if _, twice := y.sections[name]; twice {
		x.srv.fail("result", "UID %d has BODY[%s] twice", y.m.UID, name)
	}
	if y.sections[name] = data; x.srv.call.bare {
		x.srv.fail("result", "UID %d has BODY[%s], which was not requested", y.m.UID, name)
	}
}

// bare reports whether no section is requested.
func bare(items []imap.FetchItem) bool {
	return !slices.ContainsFunc(items, func(item imap.FetchItem) bool {
		_, ok := item.(imap.Section)
		return ok
	})
}

func (x *run) fetch(r *rng) {
	set, items := x.set(r), x.items(r)
	x.tell(func(c *call) { c.bare = bare(items) })
	inner := x.step.chance(Leave, 2)
	leave := x.step.of(Leave).n(4)
	var got []yielded
	var failure error
	for m, err := range x.client.Fetch(x.ctx, set, items...) {
		if m == nil {
			failure = err
			break
		}
		y := yielded{m: m, err: err, sections: make(map[string]string)}
		for _, s := range m.Sections {
			x.section(&y, s.Section, string(s.Bytes))
		}
		got = append(got, y)
		if !inner {
			continue
		}
		if leave--; leave == 0 {
			x.tell(func(c *call) { c.left = true })
			break
		}
		if x.step.of(Leave).one(2) {
			x.note(x.client.Noop(context.Background()))
		}
	}
	x.rows(got, failure)
}

func (x *run) stream(r *rng) {
	set, items := x.set(r), x.items(r)
	x.tell(func(c *call) { c.bare = bare(items) })
	inner := x.step.chance(Leave, 2)
	leave := x.step.of(Leave).n(4)
	var got []yielded
	var failure error
	for m, err := range x.client.FetchStream(x.ctx, set, items...) {
		if m == nil {
			failure = err
			break
		}
		y := yielded{m: new(imap.Message), err: err, sections: make(map[string]string)}
		if inner && x.step.of(Leave).one(4) {
			x.tell(func(c *call) { c.left = true }) // unread data is not compared
			continue
		}
		for b, err := range m.Bodies() {
			if err != nil {
				y.err = err
				break
			}
			if y.err == nil && (m.UID == 0 || m.SeqNum == 0) {
				x.srv.fail("result", "inside Bodies UID is %d and SeqNum %d", m.UID, m.SeqNum)
			}
			data, err := readAll(r, b)
			if err != nil {
				y.err = err
				break
			}
			x.section(&y, b.Section, string(data))
		}
		*y.m = m.Message
		y.m.Flags = slices.Clone(m.Flags) // the flags are borrowed
		got = append(got, y)
		if leave--; leave == 0 && inner {
			x.tell(func(c *call) { c.left = true })
			break
		}
	}
	x.rows(got, failure)
}

// fetchMany fetches more numbers than fit in one command.
func (x *run) fetchMany(r *rng) {
	if x.plan.Messages < 3000 {
		return
	}
	mb := x.client.Mailbox()
	if mb == nil || mb.Exists < 3000 {
		return
	}
	var set imap.SeqSet
	for n := imap.SeqNum(1); n <= imap.SeqNum(mb.Exists); n += 2 {
		set = append(set, imap.Range[imap.SeqNum]{Start: n, Stop: n})
	}
	x.tell(func(c *call) { c.nameSet(set.String(), false, nil) })
	var got []yielded
	var failure error
	for m, err := range x.client.Fetch(x.ctx, set) {
		if m == nil {
			failure = err
			break
		}
		got = append(got, yielded{m: m, err: err})
	}
	x.rows(got, failure)
}

// mostOpen is the number of incomplete messages that the client keeps at a time.
const mostOpen = 16

// parted reports whether a message may be yielded in parts: unsolicited responses about too many others came between its
// rows, or between an unsolicited response about it and its row.
func (x *run) parted(r *row) bool {
	return len(x.srv.newsOf) > mostOpen && (x.srv.newsOf[r.m] || len(r.seqs) > 1)
}

// renumbered reports whether the number of a message has changed, or may have, since one of its rows was sent.
func (x *run) renumbered(r *row) bool {
	return len(r.moved) > 0 || x.srv.enabled["QRESYNC"] // VANISHED does not report which numbers change
}

// rows compares what a loop yielded with what the server sent for it.
func (x *run) rows(got []yielded, failure error) {
	x.rest()
	s := x.srv
	x.note(failure)
	var records []*record
	for _, rec := range s.records[s.call.first:] {
		if rec.name == "FETCH" || rec.name == "UID FETCH" {
			records = append(records, rec)
		}
	}
	if len(records) == 0 {
		if len(got) > 0 {
			s.fail("result", "%d messages out of nothing", len(got))
		}
		return
	}
	last := records[len(records)-1]
	if last.done && !s.call.left && x.ctx.Err() == nil {
		x.judgeRows(failure, last)
	}
	said := make(map[*message]*row)
	for _, rec := range records {
		for _, row := range rec.rows {
			said[row.m] = row.and(said[row.m])
		}
	}
	seen, unread := make(map[*message]bool), make(map[*message]bool)
	lost := unknownRows{may: make(map[*message]bool)}
	for _, y := range got {
		if y.err != nil && y.m.UID == 0 {
			if m := lost.note(y, said); m != nil {
				seen[m], unread[m] = true, x.renumbered(said[m])
			}
			continue
		}
		row := x.rowOf(said, y.m)
		if row == nil && s.onlyNews(y) {
			continue
		}
		if row == nil {
			s.fail("result", "%s yields UID %d (number %d), which was not said for it", s.call, y.m.UID, y.m.SeqNum)
			return
		}
		if seen[row.m] && !x.parted(row) && !unread[row.m] {
			s.fail("result", "%s yields UID %d twice", s.call, y.m.UID)
		}
		seen[row.m] = true
		// Its UID may have been read behind a value that cannot be: where its number has changed since, a later row with that UID
		// may be that of another message.
		unread[row.m] = y.err != nil && row.bad && x.renumbered(row)
		if s.call.named != nil && !s.call.named(row.m) && !s.call.grows {
			s.fail("mixed up", "%s yields %s, which the call did not name", s.call, row.m)
		}
		x.sameRow(y, row)
	}
	again := func(m *message) bool { return x.parted(said[m]) || x.srv.newsOf[m] && x.renumbered(said[m]) }
	if lost.rows > lost.left(seen, again) {
		s.fail("result", "%s yields messages without a UID that it yields with one too", s.call)
	}
	if failure != nil || s.call.left || x.ctx.Err() != nil {
		return
	}
	for m, row := range said {
		if s.call.named != nil && !s.call.named(m) {
			continue // a message between the numbers of the set
		}
		if len(records) > 1 && !last.says(m) && (m.gone || !s.call.knew(m)) {
			continue // it arrived or was removed between a command for UIDs and the next one
		}
		if lost.may[m] {
			continue
		}
		if s.call.surely != nil && !s.call.surely(m, s.isLast(m)) {
			continue // it was the last message when the command ran, or the call named it by a number that has changed
		}
		if !seen[m] && !row.bad {
			s.fail("result", "%s does not yield %s, which was said", s.call, m)
			return
		}
		if !seen[m] {
			s.fail("result", "%s is silent about %s, of which a value cannot be read", s.call, m)
		}
	}
}

// isLast reports whether a message is the last of the selected mailbox, as reported to the client.
func (s *server) isLast(m *message) bool {
	return s.sel != nil && len(s.sel.view) > 0 && s.sel.view[len(s.sel.view)-1] == m
}

// says reports whether a message is in the answer to a command.
func (rec *record) says(m *message) bool {
	return slices.ContainsFunc(rec.rows, func(r *row) bool { return r.m == m })
}

// unknownRows are rows whose UID could not be parsed and whose number is not that of exactly one message: it was changed by an EXPUNGE
// in the answer, and is 0 if the message was removed.
type unknownRows struct {
	rows int
	may  map[*message]bool // the messages to which they may belong
}

// note records a yielded message whose UID could not be parsed, and returns it if it is certain which one that is. Before and
// after an EXPUNGE in the answer its number may be that of different messages.
func (u *unknownRows) note(y yielded, said map[*message]*row) *message {
	var same, later []*message
	for m, row := range said {
		switch {
		case !row.bad || len(row.seqs) == 0:
		case slices.Contains(row.seqs, uint32(y.m.SeqNum)), slices.Contains(row.moved, uint32(y.m.SeqNum)):
			same = append(same, m)
		case slices.Max(row.seqs) > uint32(y.m.SeqNum):
			later = append(later, m)
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	if len(same) == 0 {
		same = later
	}
	for _, m := range same {
		u.may[m] = true
	}
	if len(same) > 0 {
		u.rows++
	}
	return nil
}

// left returns to how many messages the rows can belong: those that were not yielded by their UIDs, or may have been yielded
// again.
func (u *unknownRows) left(seen map[*message]bool, again func(*message) bool) int {
	n := 0
	for m := range u.may {
		if !seen[m] || again(m) {
			n++
		}
	}
	return n
}

// and returns the combined data of two answers about one message.
func (r *row) and(other *row) *row {
	if other == nil {
		return r
	}
	both := &row{m: r.m, seqs: append(slices.Clone(r.seqs), other.seqs...), moved: append(slices.Clone(r.moved), other.moved...), sections: maps.Clone(r.sections), size: r.size || other.size, bad: r.bad || other.bad}
	maps.Copy(both.sections, other.sections)
	return both
}

// judgeRows checks the error of a loop against the status of the command.
func (x *run) judgeRows(failure error, rec *record) {
	if rec.status == "NO" && failure == nil {
		x.srv.fail("words", "%s was answered NO (%s), and the loop ends well", rec.name, rec.text)
	}
	if rec.status == "OK" && failure != nil && !rec.partial && x.srv.last == "" {
		x.srv.fail("result", "%s was answered OK, and the loop fails: %v", rec.name, failure)
	}
}

func (x *run) rowOf(said map[*message]*row, m *imap.Message) *row {
	for _, row := range said {
		if row.m.uid == uint32(m.UID) {
			return row
		}
	}
	return nil
}

// sameRow compares a yielded message with the data that was sent.
func (x *run) sameRow(y yielded, row *row) {
	s, m := x.srv, row.m
	if y.err != nil {
		var bad *imap.ProtocolError
		if !row.bad && x.ctx.Err() == nil && errors.As(y.err, &bad) {
			s.fail("result", "%s is legal and comes with %v", m, y.err)
		}
		return
	}
	if row.bad || x.parted(row) {
		return
	}
	if n := uint32(y.m.SeqNum); !slices.Contains(row.seqs, n) && !slices.Contains(row.moved, n) && !slices.Contains(s.newsUIDs[m.uid], n) {
		s.fail("result", "%s has the number %d, and %v was said", m, y.m.SeqNum, row.seqs)
	}
	if y.m.Flags != nil {
		flags := "("
		for i, f := range y.m.Flags {
			if i > 0 {
				flags += " "
			}
			flags += string(f)
		}
		if flags += ")"; !slices.Contains(s.told[m], flags) {
			s.fail("result", "%s has the flags %s, and %v was said", m, flags, s.told[m])
		}
	}
	if row.size && y.m.Size != int64(len(m.body)) {
		s.fail("result", "%s has the size %d, and it is %d", m, y.m.Size, len(m.body))
	}
	if s.call.left {
		return
	}
	for name, want := range row.sections {
		got, ok := y.sections[name]
		if ok && s.inNews(m, name, got) {
			continue
		}
		if !ok || got != want {
			s.fail("result", "%s has %q in BODY[%s] (there: %v), and %q was said", m, got, name, ok, want)
		}
	}
	for name, got := range y.sections {
		if _, ok := row.sections[name]; !ok && !s.inNews(m, name, got) {
			s.fail("result", "%s has BODY[%s], which was not said", m, name)
		}
	}
}
