package imap

import (
	"context"
	"errors"
)

// MoveError says that Move stopped halfway on a server without MOVE: messages were copied to the target and are still in
// the mailbox that they came from, where some of them may be marked \Deleted. Nothing that was not copied was deleted. To
// end the move, store \Deleted for Copied and call UIDExpunge with it; to move the whole set again would copy them twice.
type MoveError struct {
	Copied UIDSet // in the target, and still in the mailbox; of some that may not be known
	Left   UIDSet // not copied, though the server reported success; nil in most cases
	Err    error  // what stopped the move
}

// Error says that the messages are in both mailboxes, and why.
func (e *MoveError) Error() string {
	what := "messages were copied and not deleted: "
	if len(e.Copied) == 0 {
		what = "messages were not moved: "
	}
	return "imap: MOVE: " + what + trimPrefix(e.Err.Error())
}

// Unwrap returns what stopped the move.
func (e *MoveError) Unwrap() error { return e.Err }

var (
	errUnknownCopies = errors.New("the server did not tell which messages it copied")
	errNotCopied     = errors.New("the server reported success and did not copy all")
	errNotDeleted    = errors.New("the server reported success and did not delete all")
)

// moveByCopy moves without MOVE. Each part is removed as soon as its copy is acknowledged, so that what was done is done.
func (c *Client) moveByCopy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	res := &CopyResult{}
	if !c.Caps().offers("UIDPLUS") {
		return res, unsent("MOVE", &CapabilityError{Name: "MOVE"})
	}
	if err := c.check(&command{name: "MOVE", states: inSelected, writes: true}); err != nil {
		return res, unsent("MOVE", err)
	}
	var seqs *follower
	if numbers, ok := set.(SeqSet); ok {
		seqs = c.followNumbers(numbers)
		defer seqs.end()
	}
	c = c.staying()
	m := &moving{c: c, target: mailbox, res: res, closed: seqs != nil || !c.mayGrow(set)}
	uids, err := c.closedUIDs(ctx, set, seqs, !m.closed)
	if err != nil || len(uids) == 0 {
		return res, err
	}
	// Without a UIDNEXT the set may still grow: then only COPYUID tells.
	m.sure = seqs != nil || !m.closed || c.assigned(uids)
	err = c.eachPart(ctx, "COPY", uids, func(_ *Client, t target) (progress, error) { return m.part(ctx, t) })
	if err == nil {
		err = m.checkLeft(ctx)
	}
	return res, err
}

// mayGrow reports whether messages that arrive can be among those that a set of UIDs, or "$", names, as far as UIDNEXT is
// known.
func (c *Client) mayGrow(set NumSet) bool {
	uids, ok := set.(UIDSet)
	if !ok || isOpen(uids) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mailbox != nil && c.mailbox.UIDNext != 0 && highest(uids) >= c.mailbox.UIDNext
}

// assigned reports whether all numbers of a set are known to be under UIDNEXT, so that no message that arrives gets one
// of them.
func (c *Client) assigned(uids UIDSet) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mailbox != nil && highest(uids) < c.mailbox.UIDNext
}

// moving is a Move by COPY under way.
type moving struct {
	c      *Client
	target string
	res    *CopyResult
	closed bool   // the set that was given cannot grow
	sure   bool   // all that the set names was there when the move began, or never will be
	left   UIDSet // asked for and, by COPYUID, not copied
}

// part copies messages, then deletes those that were copied.
func (m *moving) part(ctx context.Context, t target) (progress, error) {
	asked := t.set.(UIDSet)
	code, p, err := m.c.copyPart(ctx, "COPY", t, m.target)
	m.res.add(code)
	if err != nil && len(code.source) == 0 {
		return p, err // COPY does all or nothing
	} else if err != nil {
		return progress{}, &MoveError{Copied: intersect(asked, code.named()), Err: err} // in doubt nothing is deleted
	}
	copied, known := m.copied(asked, code, p)
	if !known {
		return progress{}, &MoveError{Err: begun("MOVE", errUnknownCopies)}
	}
	if len(copied) > 0 {
		if err := m.remove(ctx, copied); err != nil {
			return progress{}, &MoveError{Copied: copied, Err: begun("MOVE", err)}
		}
	}
	return p, nil
}

// copied returns which of the messages that were asked for COPY is known to have copied.
func (m *moving) copied(asked UIDSet, code *copyCode, p progress) (UIDSet, bool) {
	if p.partial {
		if p.limit.uid == 0 && len(code.source) == 0 {
			return nil, false
		}
		asked = from(asked, p.limit.uid)
	}
	if len(code.source) > 0 {
		m.left = append(m.left, minus(asked, code.named())...)
		return intersect(asked, code.named()), true
	}
	return asked, m.sure
}

// remove deletes messages that were copied. Where another client has removed some of them meanwhile the server may refuse
// to mark those, and has marked the others.
func (m *moving) remove(ctx context.Context, copied UIDSet) error {
	_, err := m.c.Store(ctx, copied, AddFlags(FlagDeleted), &StoreOptions{Silent: true})
	gone := CodeOf(err) == CodeExpungeIssued
	if err != nil && !gone {
		return err
	}
	if _, err := m.c.UIDExpunge(ctx, copied); err != nil || !gone {
		return err
	}
	still, err := m.c.uidsThere(ctx, copied)
	if err == nil && len(still) > 0 {
		err = errNotDeleted
	}
	return err
}

// checkLeft is the error where messages are there that COPY left out. Most often they are gone since the move began.
func (m *moving) checkLeft(ctx context.Context) error {
	if len(m.left) == 0 {
		return nil
	}
	left, err := m.c.uidsThere(ctx, m.left.normalize())
	if err != nil {
		return begun("MOVE", err)
	}
	if len(left) > 0 {
		return &MoveError{Left: left, Err: errNotCopied}
	}
	return nil
}
