package model

import (
	"slices"
	"sync"
	"testing/synctest"

	"github.com/go-imaplib/imap"
)

// rivalKinds are the calls that rivals makes.
var rivalKinds = append(slices.Clone(queueKinds[2:]), queueKind{(*queue).closes, []string{"CLOSE"}}) // the first two open a mailbox

// rivals makes a call while another goroutine selects a mailbox: it is meant for the mailbox that was open before.
func (x *run) rivals(r *rng) {
	q := &queue{x: x, box: x.srv.call.believed, free: slices.Clone(names)}
	shuffle(r, q.free)
	late := &part{}
	kind := pick(r, rivalKinds)
	late.call = x.part(q.box, kind.sends)
	kind.add(q, late, r)
	opener := &part{call: x.part("", queueKinds[0].sends)}
	q.selects(opener, r)

	x.link.serial = false
	x.tell(func(c *call) { c.parts = []*call{opener.call, late.call} })
	parts := []*part{opener}
	var wg sync.WaitGroup
	wg.Go(func() { opener.err = opener.run(x.client) })
	synctest.Wait()
	if x.client.Mailbox() == nil { // the SELECT is unanswered, or failed
		parts = append(parts, late)
		wg.Go(func() { late.err = late.run(x.client) })
	}
	wg.Wait()
	x.rest()
	for _, p := range parts {
		p.judge(p.err)
	}
}

func (q *queue) closes(p *part, _ *rng) {
	p.deleted = true
	p.run = func(c *imap.Client) error { return c.CloseMailbox(q.x.ctx) }
	p.judge = func(err error) { q.x.judge(err, q.x.sent(p.call, "CLOSE")) }
}
