package model

import (
	"slices"

	"github.com/go-imaplib/imap"
)

// ---- several different calls in one pipeline

// A part is one call of a pipeline.
type part struct {
	*call
	run   func(*imap.Client) error // makes the call
	judge func(err error)          // compares its result with what the server sent, after Wait
	err   error
}

// A queue is a pipeline in the making.
type queue struct {
	x     *run
	parts []*part
	box   string   // the mailbox in which the next call runs
	free  []string // the mailboxes that no call opens yet
}

// A queueKind adds a call to a pipeline.
type queueKind struct {
	add   func(*queue, *part, *rng)
	sends []string
}

// queueKinds are the calls that may be in a pipeline, each with the commands that it sends. No two of them send the same one,
// other than those that open a mailbox.
var queueKinds = []queueKind{
	{(*queue).selects, []string{"SELECT", "EXAMINE"}},
	{(*queue).syncs, []string{"SELECT", "EXAMINE", "ENABLE", "UID SEARCH", "UID FETCH"}},
	{(*queue).expunges, []string{"EXPUNGE"}},
	{(*queue).purges, []string{"UID EXPUNGE"}},
	{(*queue).stores, []string{"UID STORE"}},
	{(*queue).status, []string{"STATUS"}},
	{(*queue).noop, []string{"NOOP"}},
}

// queue makes different calls in one pipeline, most of them for a mailbox that an earlier one opens.
func (x *run) queue(r *rng) {
	q := &queue{x: x, box: x.srv.call.believed, free: slices.Clone(names)}
	shuffle(r, q.free)
	kinds := slices.Clone(queueKinds)
	shuffle(r, kinds)
	if r.one(2) {
		kinds = slices.Insert(kinds, 0, queueKinds[0])
	}
	for _, kind := range kinds[:2+r.n(4)] {
		p := &part{call: x.part(q.box, kind.sends)}
		kind.add(q, p, r)
		q.parts = append(q.parts, p)
	}
	x.pipelined(q.parts)
}

// part returns a call of a pipeline that is made for a mailbox.
func (x *run) part(box string, sends []string) *call {
	whole := x.srv.call
	return &call{op: "a call of " + whole.op, at: whole.at, believed: box, names: sends, first: whole.first, views: whole.views,
		copied: make(map[*message]bool)}
}

// pipelined makes the calls, and compares their results and the order of their commands.
func (x *run) pipelined(parts []*part) {
	x.link.serial = false
	x.tell(func(c *call) {
		for _, p := range parts {
			c.parts = append(c.parts, p.call)
		}
	})
	pipe := x.client.Pipeline()
	for _, p := range parts {
		pipe.Go(func(c *imap.Client) error {
			p.err = p.run(c)
			return p.err
		})
	}
	x.note(pipe.Wait())
	x.rest()
	x.inOrder(parts)
	for _, p := range parts {
		p.judge(p.err)
	}
}

// inOrder checks that the first commands of calls are sent in the order of the calls.
func (x *run) inOrder(parts []*part) {
	last := -1
	for _, p := range parts {
		i := slices.IndexFunc(x.srv.records, func(rec *record) bool { return rec.call == p.call })
		if i >= 0 && i < last {
			x.srv.fail("order", "%s is sent before the command of an earlier call", x.srv.records[i].name)
		}
		last = max(last, i)
	}
}

// sent returns the last command of a call with one of the names, or nil.
func (x *run) sent(c *call, names ...string) *record {
	x.rest()
	var found *record
	for _, rec := range x.srv.records[c.first:] {
		if rec.call == c && slices.Contains(names, rec.name) {
			found = rec
		}
	}
	return found
}

// owner returns the call of a pipeline that sends a command: the first one that sends such commands and has not sent one yet,
// or else the last one. A command of no part belongs to the pipeline.
func (c *call) owner(rec *record) *call {
	owner := c
	for _, p := range c.parts {
		if !rec.isFor(p) {
			continue
		}
		if owner = p; !p.began {
			break
		}
	}
	owner.began = true
	return owner
}

// isFor reports whether a command may be one of a call: the first argument of some is the mailbox that the call opens, or is about.
func (rec *record) isFor(c *call) bool {
	switch {
	case !slices.Contains(c.names, rec.name):
		return false
	case rec.name == "SELECT", rec.name == "EXAMINE":
		return rec.args[0].text == c.opens
	}
	return c.about == "" || rec.args[0].text == c.about
}

// opens returns the mailbox that a call opens, for itself and for those behind it. No two calls open the same one.
func (q *queue) opens(p *part) string {
	q.box, q.free = q.free[0], q.free[1:]
	p.opens, p.believed = q.box, q.box
	return q.box
}

func (q *queue) selects(p *part, r *rng) {
	name := q.opens(p)
	opts := &imap.SelectOptions{CondStore: r.one(2), ReadOnly: r.one(6)} // without CONDSTORE it is an error, and nothing is sent
	var mb *imap.Mailbox
	p.run = func(c *imap.Client) (err error) {
		mb, err = c.Select(q.x.ctx, name, opts)
		return err
	}
	p.judge = func(err error) {
		rec := q.x.sent(p.call, "SELECT", "EXAMINE")
		if q.x.judge(err, rec); err == nil && rec != nil {
			q.x.sameMailbox(mb, name, rec)
		}
	}
}

func (q *queue) syncs(p *part, r *rng) {
	name := q.opens(p)
	held := q.x.heldOf(name)
	opts := &imap.SyncOptions{ReadOnly: r.one(6)}
	var res *imap.SyncResult
	p.run = func(c *imap.Client) (err error) {
		res, err = c.Sync(q.x.ctx, name, held.state, opts)
		return err
	}
	p.judge = func(err error) {
		q.x.note(err)
		if usable(res, err) {
			q.x.held[name] = q.x.follow(name, held, res)
		}
	}
}

func (q *queue) expunges(p *part, _ *rng) {
	p.deleted = true
	var res *imap.ExpungeResult
	p.run = func(c *imap.Client) (err error) {
		res, err = c.Expunge(q.x.ctx)
		return err
	}
	p.judge = func(err error) {
		rec := q.x.sent(p.call, "EXPUNGE")
		q.x.judge(err, rec)
		q.x.expunged(res, err, rec)
	}
}

func (q *queue) purges(p *part, _ *rng) {
	p.deletes = true
	p.nameSet("1:1000", true, nil)
	p.run = func(c *imap.Client) error {
		_, err := c.UIDExpunge(q.x.ctx, imap.UIDRange(1, 1000))
		return err
	}
	p.judge = func(err error) { q.x.judge(err, q.x.sent(p.call, "UID EXPUNGE")) }
}

func (q *queue) stores(p *part, r *rng) {
	p.flags = true
	p.nameSet("1:1000", true, nil)
	flag := pick(r, []imap.Flag{imap.FlagSeen, imap.FlagDeleted})
	p.run = func(c *imap.Client) error {
		_, err := c.Store(q.x.ctx, imap.UIDRange(1, 1000), imap.AddFlags(flag), nil)
		return err
	}
	p.judge = func(err error) { q.x.judge(err, q.x.sent(p.call, "UID STORE")) }
}

func (q *queue) status(p *part, r *rng) {
	p.about = q.x.name(r)
	q.x.oneStatus(p, r)
}

func (x *run) oneStatus(p *part, _ *rng) {
	var st *imap.Status
	p.run = func(c *imap.Client) (err error) {
		st, err = c.Status(x.ctx, p.about)
		return err
	}
	p.judge = func(err error) {
		rec := x.sent(p.call, "STATUS")
		if x.judge(err, rec); err == nil && rec != nil {
			x.sameStatus(st, rec)
		}
	}
}

func (q *queue) noop(p *part, _ *rng) {
	p.run = func(c *imap.Client) error { return c.Noop(q.x.ctx) }
	p.judge = func(err error) { q.x.judge(err, q.x.sent(p.call, "NOOP")) }
}
