package imap

import (
	"errors"
)

// follower keeps a set of sequence numbers true from the moment when a call began: it follows the messages that go, so
// that the numbers mean the messages that they meant then. Its fields are guarded by engine.mu.
type follower struct {
	e       *engine
	set     SeqSet       // as it is now; not to be changed in place before the first message went
	exists  uint32       // messages in the mailbox when the call began, which "*" stands for
	changes int          // messages that went since
	work    int          // steps that following them has taken
	lost    error        // why the numbers are not known any more
	note    func(SeqNum) // is told of each message that goes, in place of a set
}

// maxFollowing bounds the steps of one follower: a server must not make the client compute for hours.
const maxFollowing = 1 << 28

var (
	errRenumbered = errors.New("messages went from the mailbox in a way that does not tell what the sequence numbers mean now")
	errAllGone    = errors.New("none of the messages is there any more")
)

// followNumbers begins to follow a set. The caller must end it.
func (c *Client) followNumbers(set SeqSet) *follower {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.followLocked(set)
}

func (e *engine) followLocked(set SeqSet) *follower {
	f := &follower{e: e, set: set}
	if e.mailbox != nil {
		f.exists = e.mailbox.Exists
	}
	e.followers = append(e.followers, f)
	return f
}

func (f *follower) end() {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.endLocked()
}

func (f *follower) endLocked() {
	for i, other := range f.e.followers {
		if other == f {
			last := len(f.e.followers) - 1
			f.e.followers[i], f.e.followers[last] = f.e.followers[last], nil
			f.e.followers = f.e.followers[:last]
			return
		}
	}
}

// now returns the set as it is to be named in a command that is sent next, and how many messages have gone until then.
func (f *follower) now() (SeqSet, int, error) {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	return f.nowLocked()
}

func (f *follower) nowLocked() (SeqSet, int, error) {
	switch {
	case f.lost != nil:
		return nil, 0, f.lost
	case len(f.set) == 0:
		return nil, 0, errAllGone
	}
	return f.set, f.changes, nil
}

// keepBelow drops the numbers from n on, unless messages have gone since there were so many changes.
func (f *follower) keepBelow(n SeqNum, changes int) bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if f.lost != nil || f.changes != changes {
		return false
	}
	f.set = below(f.set, n)
	return true
}

// renumber tells the followers what a response about the selected mailbox says of numbers. It needs engine.mu.
func (e *engine) renumber(r *response) {
	if r.name != "EXPUNGE" && r.name != "VANISHED" {
		return
	}
	r.rewind()
	uids, earlier, _ := r.vanished()
	if r.name == "EXPUNGE" {
		e.gone++
	} else if !earlier {
		e.gone += uids.Len()
	}
	for _, f := range e.followers {
		switch {
		case r.name == "EXPUNGE":
			f.expunged(SeqNum(r.num))
		case !earlier:
			f.changes++
			f.lost = errRenumbered
		}
	}
}

// expunged follows one message that went.
func (f *follower) expunged(n SeqNum) {
	if f.note != nil {
		f.note(n)
		return
	}
	if f.changes++; f.changes == 1 {
		f.set = f.closed()
	}
	if f.work += len(f.set); f.work > maxFollowing {
		f.lost = errRenumbered
	}
	if f.lost != nil {
		f.set = nil
		return
	}
	out := f.set[:0]
	for _, r := range f.set {
		if r.Start > n {
			r.Start--
		}
		if r.Stop >= n {
			r.Stop--
		}
		if r.Start > r.Stop || r.Stop == 0 {
			continue
		}
		if l := len(out); l > 0 && out[l-1].Stop+1 == r.Start {
			out[l-1].Stop = r.Stop
			continue
		}
		out = append(out, r)
	}
	f.set = out
}

// moves are the messages that have gone since a call began which holds sequence numbers in any of its arguments.
type moves struct {
	follower
	gone []SeqNum // in the order in which they went
}

// maxMoves bounds what a call remembers of the messages that go before its command is sent.
const maxMoves = 1 << 16

// followMoves begins to note the messages that go. The caller must end it.
func (c *Client) followMoves() *moves {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &moves{}
	m.follower = follower{e: c.engine, note: m.went}
	if c.mailbox != nil {
		m.exists = c.mailbox.Exists
	}
	c.followers = append(c.followers, &m.follower)
	return m
}

func (m *moves) went(n SeqNum) {
	if m.gone = append(m.gone, n); len(m.gone) > maxMoves {
		m.gone, m.lost = nil, errRenumbered
	}
}

// now returns a set that was named when the call began as it has to be named now. It fails where that is not known, and where
// none of the messages is left.
func (m *moves) now(set SeqSet) (SeqSet, error) {
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	f := &follower{set: set, exists: m.exists, lost: m.lost}
	for _, n := range m.gone {
		f.expunged(n)
	}
	now, _, err := f.nowLocked()
	return now, err
}

// closed is a copy of the set in which "*" is the number that it stood for when the call began.
func (f *follower) closed() SeqSet {
	if !isOpen(f.set) {
		return append(SeqSet(nil), f.set...).normalize()
	}
	if f.exists == 0 {
		f.lost = errRenumbered
		return nil
	}
	return closeSet(f.set, SeqNum(f.exists))
}

// closeSet is a copy of a set in which "*" is last. A range that starts behind it is the last message alone.
func closeSet[N UID | SeqNum](s Set[N], last N) Set[N] {
	out := make(Set[N], 0, len(s))
	for _, r := range s {
		if r.Stop == 0 {
			r.Stop = last
			if r.Start == 0 || r.Start > last {
				r.Start = last
			}
		}
		out = append(out, r)
	}
	return out.normalize()
}

// below returns the numbers of a set under n. Of "*" alone nothing is known to be there.
func below[N UID | SeqNum](s Set[N], n N) Set[N] {
	var out Set[N]
	for _, r := range s {
		if r.Start == 0 || r.Start >= n {
			continue
		}
		if r.Stop == 0 || r.Stop >= n {
			r.Stop = n - 1
		}
		out = append(out, r)
	}
	return out
}

// from returns the numbers of a set that is not open from n on.
func from[N UID | SeqNum](s Set[N], n N) Set[N] {
	var out Set[N]
	for _, r := range s {
		if r.Stop < n {
			continue
		}
		r.Start = max(r.Start, n)
		out = append(out, r)
	}
	return out
}

// noteAbsent notes whether none of the messages is there that a command names by number, as it was written.
func (e *engine) noteAbsent(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.absent = e.mailbox != nil && beyond(cmd.seqs, e.mailbox.Exists)
}
