package imap

import (
	"cmp"
	"slices"
)

// selecting is a mailbox that is being selected. The server's data is collected in Mailbox, which only the reader may use
// until the command is answered.
type selecting struct {
	noData
	Mailbox
	c         *Client
	cmd       *command
	wanted    bool       // the caller waits for the result
	readOnly  bool       // EXAMINE
	condStore bool       // the command enables CONDSTORE
	resync    bool       // the answer includes changes
	closed    bool       // the server has reported that the previous mailbox is closed
	counted   bool       // EXISTS was sent
	unread    bool       // the changes are incomplete, or some could not be parsed
	bad       error      // of the first change that could not be parsed
	modSeq    uint64     // the lowest HIGHESTMODSEQ that was sent: the answer includes all changes up to it
	before    heldEvents // possible events of the previous mailbox, while that may still be open
}

// selection makes cmd a command that selects a mailbox. The state changes when the tagged response is read, by whatever
// goroutine reads it.
func (c *Client) selection(cmd *command, sel *selecting) {
	sel.ReadOnly = sel.readOnly
	cmd.exclusive, cmd.changes = true, onMailbox
	sel.c, sel.cmd, sel.wanted = c, cmd, true
	cmd.answer = sel
	cmd.finish = sel.finish
}

// finish changes the state at the end of a SELECT. A SELECT that failed has closed the previous mailbox (RFC 9051 section
// 6.3.2). One that was given up has opened a mailbox that no caller knows of: that counts as none.
func (sel *selecting) finish(s *status) {
	c := sel.c
	sel.release()
	switch {
	case !s.ok():
		if c.e.hasMailbox() {
			c.e.open(nil)
		}
		return
	case sel.condStore:
		c.e.setEnabled("CONDSTORE")
	}
	if sel.cmd.abandoned {
		c.e.openUnclaimed()
		return
	}
	c.e.applyCode(&sel.Mailbox, s)
	_, partial := s.limit()
	sel.unread = sel.unread || partial || sel.bad != nil
	m := sel.clone()
	m.Vanished, m.Changed = nil, nil
	c.e.open(m)
}

// release queues the events of the previous mailbox. If the server does not report when that is closed, a response that can
// be a part of the answer to SELECT is taken for one.
func (sel *selecting) release() {
	held := sel.before.list
	sel.before = heldEvents{}
	if sel.c.e.isUnclaimed() {
		return
	}
	sel.c.e.insertEvents(slices.DeleteFunc(held, func(ev heldEvent) bool { return !sel.closed && sel.answers(ev.Event) }))
}

// answers reports whether the response of an event can also be a part of the answer to SELECT.
func (sel *selecting) answers(ev Event) bool {
	switch ev.(type) {
	case *ExistsEvent, *RecentEvent, *FlagsEvent:
		return true
	case *FetchEvent, *VanishedEvent:
		return sel.resync
	}
	return false
}

// dropped makes sel keep no data any more. It still claims its responses.
func (sel *selecting) dropped() answer {
	sel.wanted = false
	sel.Vanished, sel.Changed = nil, nil
	sel.before = heldEvents{}
	return sel
}

// data takes the responses about a mailbox during SELECT. Changes are a part of the answer only if the command requested
// them. Before CLOSED a response may be about the previous mailbox, and is kept as a possible event too.
func (sel *selecting) data(r *response) claim {
	c := sel.c
	if r.name == "LIST" {
		return sel.list(r)
	}
	if !aboutMailbox(r.name) {
		return notMine
	}
	if !sel.wanted {
		return mine
	}
	c.e.remember(r)
	before := !sel.closed && c.e.hasMailbox()
	got := sel.take(r, before)
	if !before {
		return got
	}
	r.rewind()
	ev, err := c.eventFor(r)
	if err != nil {
		return got
	}
	sel.c.e.holdEvent(&sel.before, ev)
	return mine
}

// list takes the LIST response to SELECT in IMAP4rev2. It has the name of the mailbox, if that differs from the requested
// one (RFC 9051 section 6.3.2).
func (sel *selecting) list(r *response) claim {
	if !sel.c.e.isEnabled("IMAP4REV2") {
		return notMine
	}
	entry, err := r.listEntry()
	if err != nil || entry.Name != sel.Name && entry.OldName != sel.Name {
		r.rewind()
		return notMine
	}
	sel.Name = entry.Name
	return mine
}

// take applies a response to the mailbox that is being selected.
func (sel *selecting) take(r *response, before bool) claim {
	switch r.name {
	case "EXISTS", "RECENT", "FLAGS":
		if _, _, err := sel.apply(r); err == nil {
			sel.counted = sel.counted || r.name == "EXISTS"
			return mine
		}
	case "EXPUNGE":
		if !before && r.checkNumber() == nil {
			sel.shrink(1)
		}
	case "VANISHED":
		uids, earlier, err := r.vanished()
		sel.bad = cmp.Or(sel.bad, err)
		if err == nil && !earlier && !before {
			sel.shrink(uids.Len())
		}
		if !sel.resync || err != nil || before && !earlier {
			return notMine
		}
		switch {
		case !sel.c.e.holds(sel.cmd, int64(8*len(uids))):
		case sel.Vanished == nil: // usually one response has all of them, and may be long
			sel.Vanished = uids
		default:
			sel.Vanished = append(sel.Vanished, uids...)
		}
		return mine
	case "FETCH", "UIDFETCH":
		if !sel.resync {
			return notMine
		}
		m, err := r.parseMessage()
		sel.bad = cmp.Or(sel.bad, err)
		if err != nil || m == nil {
			return notMine
		}
		if sel.c.e.holds(sel.cmd, int64(len(r.text)+m.slots())) {
			sel.Changed = append(sel.Changed, m)
		}
		return mine
	}
	return notMine
}

// eventFor returns the event for a response about the selected mailbox, without changing the mailbox.
func (c *Client) eventFor(r *response) (Event, error) {
	if r.name == "FETCH" || r.name == "UIDFETCH" {
		return fetchEvent(c.e, r)
	}
	ev, _, err := new(Mailbox).apply(r)
	return ev, err
}

// condition takes a code that describes the mailbox. CLOSED means that everything before it was about the previous mailbox.
func (sel *selecting) condition(r *response) claim {
	if r.status.code == "CLOSED" && !sel.closed {
		sel.c.e.remember(r)
		sel.closed = true
		sel.release()
		sel.Mailbox = Mailbox{Name: sel.Name, ReadOnly: sel.readOnly}
		sel.counted, sel.unread, sel.bad, sel.modSeq = false, false, nil, 0
		sel.c.e.leaveMailbox()
		return mine
	}
	if sel.c.e.applyCode(&sel.Mailbox, &r.status) {
		sel.c.e.remember(r)
		if r.status.code == CodeHighestModSeq && (sel.modSeq == 0 || sel.HighestModSeq < sel.modSeq) {
			sel.modSeq = sel.HighestModSeq
		}
		return mine
	}
	return notMine
}

// deselection makes cmd a command that closes the mailbox.
func (c *Client) deselection(cmd *command) {
	cmd.exclusive, cmd.changes = true, onMailbox
	cmd.finish = func(s *status) {
		if s.ok() {
			c.e.open(nil)
		}
	}
}
