package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-imaplib/imap"
)

// ---- SORT and THREAD

// sort answers with the messages in the order of their arrival, or in reverse.
func (s *server) sort(rec *record) {
	keys := rec.args[0].list
	msgs := s.matching(rec.args[2:])
	if len(keys) > 0 && strings.EqualFold(keys[0].text, "REVERSE") {
		slices.Reverse(msgs)
	}
	text := ""
	for _, m := range msgs {
		n := s.number(rec, m)
		rec.nums = append(rec.nums, n)
		text += " " + strconv.Itoa(int(n))
	}
	s.put("* SORT%s", text)
	s.news(isUID(rec))
	s.end(rec, "", "sorted")
}

// number returns the UID or sequence number of a message, as the command uses.
func (s *server) number(rec *record, m *message) uint32 {
	if isUID(rec) {
		return m.uid
	}
	return uint32(slices.Index(s.sel.view, m) + 1)
}

func (x *run) sort(r *rng) {
	keys := []imap.SortKey{{Name: "ARRIVAL", Reverse: r.one(2)}}
	q := pick(r, []imap.Query{imap.Where(), imap.Where().Unseen(), imap.Where().Deleted()})
	var got []uint32
	var err error
	if r.one(2) {
		var list []imap.SeqNum
		list, err = x.client.SortSeq(x.ctx, keys, q)
		got = uint32s(list)
	} else {
		var list []imap.UID
		list, err = x.client.Sort(x.ctx, keys, q)
		got = uint32s(list)
	}
	rec := x.only("SORT", "UID SORT")
	x.judge(err, rec)
	if err == nil && rec != nil && !slices.Equal(got, rec.nums) {
		x.srv.fail("result", "%s said %v, and the result is %v", rec.name, rec.nums, got)
	}
}

// A thread is a message with its replies; the number 0 is a missing parent.
type thread struct {
	n        uint32
	children []*thread
}

// String returns the thread in wire syntax, without the outer parentheses.
func (t *thread) String() string {
	text := ""
	if t.n != 0 {
		text = strconv.Itoa(int(t.n))
	}
	if len(t.children) == 1 && t.n != 0 {
		return text + " " + t.children[0].String()
	}
	for i, c := range t.children {
		if i == 0 && t.n != 0 {
			text += " "
		}
		text += "(" + c.String() + ")"
	}
	return text
}

func threadsString(list []*thread) string {
	text := ""
	for _, t := range list {
		text += "(" + t.String() + ")"
	}
	return text
}

// doThread answers with threads of any form.
func (s *server) doThread(rec *record) {
	r := s.step.of(Order)
	var roots, all []*thread
	for _, m := range s.matching(rec.args[2:]) {
		t := &thread{n: s.number(rec, m)}
		switch {
		case len(all) > 0 && r.one(2):
			parent := pick(r, all)
			parent.children = append(parent.children, t)
		default:
			roots = append(roots, t)
		}
		all = append(all, t)
	}
	if len(roots) > 2 && r.one(2) {
		roots = append([]*thread{{children: roots[:2]}}, roots[2:]...)
	}
	rec.code = ""
	rec.value = threadsString(roots)
	s.put("* THREAD %s", rec.value)
	s.news(isUID(rec))
	s.end(rec, "", "threaded")
}

func (x *run) thread(r *rng) {
	q := pick(r, []imap.Query{imap.Where(), imap.Where().Unseen()})
	got := ""
	var err error
	if r.one(2) {
		var list []*imap.ThreadNode[imap.SeqNum]
		list, err = x.client.ThreadSeq(x.ctx, "REFERENCES", q)
		got = threadsString(threadsOf(list))
	} else {
		var list []*imap.ThreadNode[imap.UID]
		list, err = x.client.Thread(x.ctx, "REFERENCES", q)
		got = threadsString(threadsOf(list))
	}
	rec := x.only("THREAD", "UID THREAD")
	x.judge(err, rec)
	if err == nil && rec != nil && got != rec.value {
		x.srv.fail("result", "%s said %s, and the result is %s", rec.name, rec.value, got)
	}
}

func threadsOf[N imap.UID | imap.SeqNum](list []*imap.ThreadNode[N]) []*thread {
	var all []*thread
	for _, n := range list {
		all = append(all, &thread{uint32(n.Num), threadsOf(n.Children)})
	}
	return all
}

// ---- REPLACE and CATENATE

func (s *server) replace(rec *record) {
	msgs := s.named(rec.args[0].text, isUID(rec))
	b := s.store.boxes[rec.args[1].text]
	body := rec.args[len(rec.args)-1].text
	if len(msgs) != 1 || msgs[0].gone || b == nil || s.sel.readOnly || s.refuses() {
		s.finish(rec, "NO", "", "not replaced")
		return
	}
	s.stored(rec, 0, body)
	m := s.store.deliver(b, body)
	s.removes(rec, msgs[0])
	if s.has("UIDPLUS") && !s.step.chance(Codes, 2) {
		rec.dest = []uint32{m.uid}
		s.put("* OK [APPENDUID %d %d] replaced", b.validity, m.uid)
	}
	s.sayExists()
	for s.sayExpunge(rec) {
		s.alert()
	}
	s.finish(rec, "OK", "", "replaced")
}

// stored checks a message that a call stores.
func (s *server) stored(rec *record, i int, body string) {
	if rec.call == nil || i >= len(rec.call.bodies) || rec.call.bodies[i] != body {
		s.fail("append", "%s: message %d is stored as %q", rec.call, i+1, body)
	}
}

func (x *run) replace(r *rng) {
	body := fmt.Sprintf("Subject: replaced\r\n\r\n%s", strings.Repeat("line\r\n", r.n(4)))
	x.tell(func(c *call) { c.deletes, c.bodies = true, []string{body} })
	n := uint32(1 + r.n(x.plan.Messages+2))
	to := x.name(r)
	var res *imap.AppendResult
	var err error
	if r.one(2) {
		x.tell(func(c *call) { c.nameSet(strconv.Itoa(int(n)), false, nil) })
		res, err = x.client.ReplaceSeq(x.ctx, imap.SeqNum(n), to, imap.LiteralBytes([]byte(body)), nil)
	} else {
		x.tell(func(c *call) { c.nameSet(strconv.Itoa(int(n)), true, nil) })
		res, err = x.client.Replace(x.ctx, imap.UID(n), to, imap.LiteralBytes([]byte(body)), nil)
	}
	rec := x.only("REPLACE", "UID REPLACE")
	x.judge(err, rec)
	if err == nil && rec != nil && len(rec.dest) == 1 && uint32(res.UID) != rec.dest[0] {
		x.srv.fail("result", "%s said %v, and the result is %d", rec.name, rec.dest, res.UID)
	}
}

// catenated returns the message that CATENATE makes, or the URL of a part that does not exist.
func (s *server) catenated(parts []token) (body, bad string) {
	for i := 0; i+1 < len(parts); i += 2 {
		text := parts[i+1].text
		if strings.EqualFold(parts[i].text, "TEXT") {
			body += text
			continue
		}
		m := s.atURL(text)
		if m == nil {
			return "", text
		}
		body += m.body
	}
	return body, ""
}

func (s *server) atURL(url string) *message {
	for _, b := range s.store.boxes {
		for _, m := range b.msgs {
			if url == fmt.Sprintf("/%s;UIDVALIDITY=%d/;UID=%d", b.name, b.validity, m.uid) {
				return m
			}
		}
	}
	return nil
}

func (x *run) catenate(r *rng) {
	text := "Subject: put together\r\n\r\n"
	parts := []imap.CatenatePart{imap.CatenateText(imap.LiteralBytes([]byte(text)))}
	if b := x.srv.store.boxes[x.name(r)]; len(b.msgs) > 0 {
		m := pick(r, b.msgs)
		url, err := imap.MessageURL(b.name, b.validity, imap.UID(m.uid), imap.Section{})
		if err != nil {
			x.srv.fail("result", "no URL of %s: %v", m, err)
			return
		}
		text += m.body
		parts = append(parts, imap.CatenateURL(url))
	}
	x.tell(func(c *call) { c.bodies = []string{text} })
	_, err := x.client.Catenate(x.ctx, x.name(r), parts, nil)
	x.judge(err, x.only("APPEND"))
}
