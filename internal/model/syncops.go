package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-imaplib/imap"
)

// A replica is a program's stored copy of a mailbox.
type replica struct {
	state imap.SyncState
	flags map[uint32][]imap.Flag
}

// sync updates a copy as a program does: it calls Sync, fetches the flags of new messages, and stores the state.
func (x *run) sync(r *rng) {
	name := x.name(r)
	x.tell(func(c *call) { c.believed = "" }) // Sync selects the mailbox itself
	x.syncBox(name, r.one(4))
}

func (x *run) syncBox(name string, readOnly bool) bool {
	held := x.heldOf(name)
	res, err := x.client.Sync(x.ctx, name, held.state, &imap.SyncOptions{ReadOnly: readOnly})
	x.rest()
	x.note(err)
	if !usable(res, err) {
		return false
	}
	next := x.follow(name, held, res)
	if len(res.New) > 0 && !x.fetchNew(next, res.New) {
		return false
	}
	x.held[name] = next
	return true
}

// heldOf returns the copy of a mailbox, which is empty at first.
func (x *run) heldOf(name string) *replica {
	if held := x.held[name]; held != nil {
		return held
	}
	return &replica{flags: make(map[uint32][]imap.Flag)}
}

// usable reports whether a program applies the result of a Sync. Messages that could not be read come with the next one.
func usable(res *imap.SyncResult, err error) bool {
	var unread *imap.UnreadError
	return err == nil || errors.As(err, &unread) && res != nil
}

// fetchNew adds new messages to a copy. One that does not come was removed meanwhile, or is new to the next Sync too.
func (x *run) fetchNew(p *replica, uids imap.UIDSet) bool {
	for m, err := range x.client.Fetch(x.ctx, uids, imap.FetchFlags) {
		x.note(err)
		if err != nil {
			x.tell(func(c *call) { c.left = true })
			return false
		}
		p.flags[uint32(m.UID)] = m.Flags
		p.state.UIDs = p.state.UIDs.Union(imap.UIDs(m.UID).Intersect(uids))
	}
	return true
}

// follow returns a copy with the changes of a Sync, but without the new messages, which are new to the next Sync too until they
// are added.
func (x *run) follow(name string, held *replica, res *imap.SyncResult) *replica {
	for uid := range res.Vanished.All() {
		if there := slices.ContainsFunc(x.srv.store.boxes[name].msgs, func(m *message) bool { return m.uid == uint32(uid) }); there {
			x.srv.fail("sync", "Sync of %s calls UID %d vanished, which is there", name, uid)
		}
	}
	next := &replica{state: res.State, flags: make(map[uint32][]imap.Flag)}
	if !res.Reset {
		for uid, flags := range held.flags {
			if !res.Vanished.Contains(imap.UID(uid)) {
				next.flags[uid] = flags
			}
		}
	}
	for _, m := range res.Changed {
		next.flags[uint32(m.UID)] = m.Flags
	}
	next.state.UIDs = next.state.UIDs.Minus(res.New)
	return next
}

// settle updates every copy when nothing changes any more: it must equal the mailbox then.
func (x *run) settle() {
	s := x.srv
	for _, name := range names {
		if x.held[name] == nil || s.found != nil {
			continue
		}
		x.begin(Step{Op: "sync"})
		x.tell(func(c *call) { c.believed = "" })
		if !x.syncBox(name, true) || s.found != nil {
			return
		}
		x.compare(name)
		x.end()
	}
}

func (x *run) compare(name string) {
	x.rest()
	s := x.srv
	b, held := s.store.boxes[name], x.held[name]
	if got, want := held.state.UIDs.Len(), uint64(len(b.msgs)); got != want {
		s.fail("sync", "the state of %s has the UIDs %s, and the mailbox holds %s", name, held.state.UIDs, uidsOf(b))
		return
	}
	for _, m := range b.msgs {
		if !held.state.UIDs.Contains(imap.UID(m.uid)) {
			s.fail("sync", "the state of %s lacks UID %d", name, m.uid)
			return
		}
		flags := held.flags[m.uid]
		if len(flags) != len(m.flags) || slices.ContainsFunc(flags, func(f imap.Flag) bool { return !m.has(string(f)) }) {
			s.fail("sync", "UID %d of %s has the flags %v, and a program that followed Sync has %v", m.uid, name, m.flags, flags)
			return
		}
	}
}

func uidsOf(b *box) string {
	text := ""
	for _, m := range b.msgs {
		text += fmt.Sprintf(" %d", m.uid)
	}
	return text
}
