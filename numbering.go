package imap

import (
	"context"
	"errors"
)

// follower keeps a set of sequence numbers valid from the start of a call: it adjusts them when messages are removed, so
// that they refer to the same messages. Its fields are guarded by engine.mu.
type follower struct {
	e       *engine
	set     SeqSet         // current numbers; must not be modified in place before the first removal
	exists  uint32         // messages in the mailbox when the call began: the number of "*"
	changes int            // messages removed since
	work    int            // steps spent on following
	lost    error          // why the numbers are not known any more, or nil
	box     *Mailbox       // the mailbox of the numbers
	asked   SeqSet         // the set from the start of the call
	meant   *pinnedMailbox // the mailbox of the call: until it is set, the numbers are those of the next one that is opened
	note    func(SeqNum)   // called for each removed message, instead of adjusting a set
	restart func()         // called when the numbers become those of another mailbox
}

// maxFollowing bounds the steps of one follower: a server must not make the client compute for hours.
const maxFollowing = 1 << 28

var (
	errRenumbered = errors.New("messages were removed in a way that leaves the sequence numbers unknown")
	errAllGone    = errors.New("none of the messages exists any more")
)

// followNumbers starts following a set. The caller must end the follower.
func (c *Client) followNumbers(set SeqSet) *follower {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	f := c.e.followLocked(set)
	f.meant = c.pinned
	return f
}

func (e *engine) followLocked(set SeqSet) *follower {
	f := &follower{e: e, asked: set}
	f.begin()
	e.followers = append(e.followers, f)
	return f
}

// begin makes the numbers those of the selected mailbox. The caller must hold engine.mu.
func (f *follower) begin() {
	f.set, f.box, f.exists = f.asked, f.e.mailbox, 0
	f.changes, f.work, f.lost = 0, 0, nil
	if f.box != nil {
		f.exists = f.box.Exists
	}
}

// capsFor is knownCaps at the beginning of a call about a set of messages. It also returns the set with the numbers that the
// messages have once the capabilities are known.
func (c *Client) capsFor(ctx context.Context, set NumSet) (Caps, NumSet, error) {
	numbers, ok := set.(SeqSet)
	if !ok || validSet(set) != nil {
		caps, err := c.knownCaps(ctx)
		return caps, set, err
	}
	seqs := c.followNumbers(numbers)
	defer seqs.end()
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return caps, set, err
	}
	now, _, err := seqs.now()
	switch {
	case errors.Is(err, errAllGone):
		return caps, SeqSet{}, nil
	case err != nil:
		return caps, set, unsent("FETCH", err)
	}
	return caps, now, nil
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

// now returns the current numbers, for a command that is sent next, and how many messages were removed so far.
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

// keepBelow drops the numbers from n on, unless messages were removed after the given number of changes.
func (f *follower) keepBelow(n SeqNum, changes int) bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if f.lost != nil || f.changes != changes {
		return false
	}
	f.set = below(f.set, n)
	return true
}

// leaveNumbers ends the meaning of the numbers that are followed when another mailbox is opened, or the same one again. The
// caller must hold engine.mu.
func (e *engine) leaveNumbers() {
	for _, f := range e.followers {
		switch {
		case f.meant != nil && !f.meant.set:
			f.begin()
			if f.restart != nil {
				f.restart()
			}
		case f.box != nil && f.box != e.mailbox && f.lost == nil:
			f.changes++
			f.lost = errOtherMailbox
		}
	}
}

// renumber updates the followers with a response about the selected mailbox. The caller must hold engine.mu.
func (e *engine) renumber(r *response) {
	if r.name != "EXPUNGE" && r.name != "VANISHED" {
		return
	}
	earlier := false
	if r.name == "EXPUNGE" {
		e.removed++
	} else {
		var uids UIDSet
		r.rewind()
		if uids, earlier, _ = r.vanished(); !earlier {
			e.removed += uids.Len()
		}
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

// expunged adjusts the numbers for one removed message.
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

// moves records the messages removed since the start of a call, which has sequence numbers in its arguments.
type moves struct {
	follower
	removed []SeqNum // in the order of their removal
}

// maxMoves bounds the removals that a call records before its command is sent.
const maxMoves = 1 << 16

// followMoves starts recording removed messages, for a call that is meant for the given mailbox. The caller must end it.
func (c *Client) followMoves(meant *pinnedMailbox) *moves {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	m := &moves{}
	m.follower = follower{e: c.e, meant: meant, note: m.messageRemoved, restart: m.restarted}
	m.begin()
	c.e.followers = append(c.e.followers, &m.follower)
	return m
}

func (m *moves) restarted() { m.removed = nil }

func (m *moves) messageRemoved(n SeqNum) {
	if m.removed = append(m.removed, n); len(m.removed) > maxMoves {
		m.removed, m.lost = nil, errRenumbered
	}
}

// now converts a set from the start of the call to current numbers. It fails if they are not known, and if none of the
// messages exists any more.
func (m *moves) now(set SeqSet) (SeqSet, error) {
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	f := &follower{set: set, exists: m.exists, lost: m.lost}
	for _, n := range m.removed {
		f.expunged(n)
	}
	now, _, err := f.nowLocked()
	return now, err
}

// closed returns a copy of the set in which "*" is replaced by its number at the start of the call.
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

// closeSet returns a copy of a set in which "*" is replaced by last. A range that starts after it becomes the last message
// alone.
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

// below returns the numbers of a set that are less than n. "*" alone has none.
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

// from returns the numbers of a set without "*" that are n or greater.
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

// noteAbsent records whether none of the sequence numbers in a command exists, as it is sent.
func (e *engine) noteAbsent(cmd *command) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd.absent = e.mailbox != nil && beyond(cmd.seqs, e.mailbox.Exists)
}
