package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
)

// ---- data of a mailbox: ACL, QUOTA, METADATA

// extras holds the data of a mailbox other than its messages.
type extras struct {
	acl      map[string]string
	metadata map[string]string
}

func newExtras() extras {
	return extras{acl: map[string]string{user: "lrswipa"}, metadata: make(map[string]string)}
}

// entries are the names of the annotations, and values what they may be set to.
var (
	entries = []string{"/private/comment", "/shared/comment"}
	values  = [][]byte{nil, {}, []byte("a \"comment\""), []byte("two\r\nlines")}
)

// dataKinds are the calls about the data of a mailbox, each with its command.
var dataKinds = []struct {
	add   func(*run, *part, *rng)
	sends string
}{
	{(*run).getMetadata, "GETMETADATA"}, {(*run).getMetadata, "GETMETADATA"}, {(*run).getMetadata, "GETMETADATA"},
	{(*run).setMetadata, "SETMETADATA"},
	{(*run).getACL, "GETACL"}, {(*run).getACL, "GETACL"},
	{(*run).setACL, "SETACL"},
	{(*run).myRights, "MYRIGHTS"}, {(*run).myRights, "MYRIGHTS"},
	{(*run).quotaRoot, "GETQUOTAROOT"},
	{(*run).oneStatus, "STATUS"},
}

// boxData makes several calls about the data of one mailbox, or of several, in one pipeline.
func (x *run) boxData(r *rng) {
	if r.one(3) && x.srv.has("ENABLE") && x.srv.has("METADATA") {
		_, err := x.client.Enable(x.ctx, "METADATA")
		x.judge(err, x.only("ENABLE"))
	}
	name := x.name(r)
	var parts []*part
	for range 2 + r.n(3) {
		kind := pick(r, dataKinds)
		p := &part{call: x.part("", []string{kind.sends})}
		if p.about = name; r.one(3) {
			p.about = pick(r, names)
		}
		kind.add(x, p, r)
		parts = append(parts, p)
	}
	x.pipelined(parts)
}

// alone makes a call about a mailbox outside of a pipeline.
func (x *run) alone(r *rng, name string, add func(*run, *part, *rng)) {
	p := &part{call: x.srv.call}
	x.tell(func(c *call) { c.about = name })
	add(x, p, r)
	p.judge(p.run(x.client))
}

// about returns the mailbox in the arguments of a command, which must be that of the call. It returns nil after sending NO.
func (s *server) about(rec *record) *box {
	name := rec.args[0].text
	if rec.call != nil && rec.call.about != name {
		s.fail("mailbox", "%s is about %s, and %s names %s", rec.call, rec.call.about, rec.name, name)
	}
	if s.refuses() {
		s.finish(rec, "NO", "", "not now")
		return nil
	}
	return s.store.boxes[name]
}

// same compares the text of a result with what was sent.
func (x *run) same(err error, rec *record, got string) {
	x.judge(err, rec)
	if err == nil && rec != nil && got != rec.value {
		x.srv.fail("result", "%s said %q, and the result is %q", rec.name, rec.value, got)
	}
}

// ---- ACL

func (s *server) getACL(rec *record) {
	b := s.about(rec)
	if b == nil {
		return
	}
	text := ""
	for _, id := range slices.Sorted(maps.Keys(b.acl)) {
		text += fmt.Sprintf(" %s %s", s.astring(id), s.astring(b.acl[id]))
		rec.value += id + "=" + b.acl[id] + ";"
	}
	s.news(true)
	s.put("* ACL %s%s", s.astring(b.name), text)
	s.news(true)
	s.end(rec, "", "acl")
}

func (s *server) setACL(rec *record) {
	if b := s.about(rec); b != nil {
		b.acl[rec.args[1].text] = rec.args[2].text
		s.news(true)
		s.finish(rec, "OK", "", "acl set")
	}
}

func (s *server) myRights(rec *record) {
	b := s.about(rec)
	if b == nil {
		return
	}
	rec.value = b.acl[user]
	s.news(true)
	s.put("* MYRIGHTS %s %s", s.astring(b.name), s.astring(rec.value))
	s.news(true)
	s.end(rec, "", "my rights")
}

func (x *run) acl(r *rng) {
	name, add := x.name(r), (*run).getACL
	if r.one(2) {
		add = (*run).setACL
	}
	x.alone(r, name, add)
}

func (x *run) setACL(p *part, r *rng) {
	id, rights := pick(r, []string{"bob", "carol"}), pick(r, []string{"lr", "lrswi"})
	if r.one(3) {
		id = user
	}
	p.run = func(c *imap.Client) error { return c.SetACL(x.ctx, p.about, id, rights) }
	p.judge = func(err error) { x.judge(err, x.sent(p.call, "SETACL")) }
}

func (x *run) getACL(p *part, _ *rng) {
	got := ""
	p.run = func(c *imap.Client) error {
		list, err := c.GetACL(x.ctx, p.about)
		for _, e := range list {
			got += e.Identifier + "=" + e.Rights + ";"
		}
		return err
	}
	p.judge = func(err error) { x.same(err, x.sent(p.call, "GETACL"), got) }
}

func (x *run) myRights(p *part, _ *rng) {
	var got string
	p.run = func(c *imap.Client) (err error) {
		got, err = c.MyRights(x.ctx, p.about)
		return err
	}
	p.judge = func(err error) { x.same(err, x.sent(p.call, "MYRIGHTS"), got) }
}

// ---- QUOTA

func (s *server) quotaRoot(rec *record) {
	b := s.about(rec)
	if b == nil {
		return
	}
	roots := []string{"", "root of " + b.name}
	s.put(`* QUOTAROOT %s "" %s`, s.astring(b.name), s.str(roots[1]))
	for _, root := range roots {
		s.news(true)
		s.sayQuota(rec, root)
	}
	s.end(rec, "", "quota")
}

func (s *server) sayQuota(rec *record, root string) {
	n := len(s.store.boxes["INBOX"].msgs)
	s.put("* QUOTA %s (STORAGE %d 512 MESSAGE %d 9000)", s.str(root), n+1, n)
	rec.value += fmt.Sprintf("%s: STORAGE %d 512 MESSAGE %d 9000;", root, n+1, n)
}

func (x *run) quota(r *rng) { x.alone(r, x.name(r), (*run).quotaRoot) }

func (x *run) quotaRoot(p *part, _ *rng) {
	got := ""
	p.run = func(c *imap.Client) error {
		list, err := c.GetQuotaRoot(x.ctx, p.about)
		for _, q := range list {
			words := []string{}
			for _, res := range q.Resources {
				words = append(words, fmt.Sprintf("%s %d %d", res.Name, res.Usage, res.Limit))
			}
			got += q.Root + ": " + strings.Join(words, " ") + ";"
		}
		return err
	}
	p.judge = func(err error) { x.same(err, x.sent(p.call, "GETQUOTAROOT"), got) }
}

// ---- METADATA

func (s *server) getMetadata(rec *record) {
	b := s.about(rec)
	if b == nil {
		return
	}
	asked := rec.args[1].list
	if !rec.args[1].isList {
		asked = rec.args[1:2]
	}
	var list []string
	for _, name := range asked {
		value, ok := b.metadata[name.text]
		rec.value += annotation(name.text, value, ok)
		if ok {
			list = append(list, name.text+" "+s.str(value))
		} else {
			list = append(list, name.text+" NIL")
		}
	}
	for _, part := range list {
		s.news(true)
		s.put("* METADATA %s (%s)", s.astring(b.name), part)
	}
	s.end(rec, "", "metadata")
}

func annotation(name, value string, ok bool) string { return fmt.Sprintf("%s %v %s;", name, ok, value) }

func (s *server) setMetadata(rec *record) {
	b := s.about(rec)
	if b == nil {
		return
	}
	list := rec.args[1].list
	for i := 0; i+1 < len(list); i += 2 {
		b.annotate(list[i].text, list[i+1].text, list[i+1].quoted)
	}
	s.news(true)
	s.finish(rec, "OK", "", "metadata set")
}

// annotate sets an annotation, or removes it.
func (b *box) annotate(name, value string, ok bool) {
	if ok {
		b.metadata[name] = value
	} else {
		delete(b.metadata, name)
	}
}

// sayAnnotations reports that others have changed annotations, of any mailbox.
func (s *server) sayAnnotations() {
	r := s.step.of(News | lastFault)
	b, value, changed := s.store.boxes[pick(r, names)], pick(r, values), entries[:1+r.n(len(entries))]
	for _, name := range changed {
		b.annotate(name, string(value), value != nil)
	}
	s.count++
	text := fmt.Sprintf("%s %s /shared/news-%d", b.name, strings.Join(changed, " "), s.count)
	s.put("* METADATA %s", text)
	s.must("metadata " + text)
}

func (x *run) metadata(r *rng) {
	name, add := x.name(r), (*run).getAllMetadata
	if r.one(2) {
		add = (*run).setMetadata
	}
	x.alone(r, name, add)
}

func (x *run) setMetadata(p *part, r *rng) {
	value, name := pick(r, values), pick(r, entries)
	p.run = func(c *imap.Client) error { return c.SetMetadata(x.ctx, p.about, map[string][]byte{name: value}) }
	p.judge = func(err error) { x.judge(err, x.sent(p.call, "SETMETADATA")) }
}

func (x *run) getAllMetadata(p *part, _ *rng) { x.getEntries(p, entries) }

func (x *run) getMetadata(p *part, r *rng) {
	i := r.n(len(entries))
	x.getEntries(p, pick(r, [][]string{entries, entries[i : i+1]}))
}

func (x *run) getEntries(p *part, asked []string) {
	var got map[string][]byte
	p.run = func(c *imap.Client) (err error) {
		got, err = c.GetMetadata(x.ctx, p.about, asked...)
		return err
	}
	p.judge = func(err error) {
		text := ""
		for _, name := range asked {
			text += annotation(name, string(got[name]), got[name] != nil)
		}
		rec := x.sent(p.call, "GETMETADATA")
		if x.same(err, rec, text); err == nil && rec != nil && len(got) != len(asked) {
			x.srv.fail("result", "%s for %v returns %v", rec.name, asked, slices.Sorted(maps.Keys(got)))
		}
	}
}
