package imap

import (
	"context"
	"errors"
)

// SyncState is what a program remembers of a mailbox from one session to the next, so that it is told only what changed
// since (RFC 4549, RFC 7162). The zero value remembers nothing. It can be stored in any way, by encoding/json for example.
type SyncState struct {
	UIDValidity   uint32
	HighestModSeq uint64 // 0 where the mailbox has no mod-sequences
	UIDs          UIDSet // of the messages that the program holds
}

// SyncOptions say how Client.Sync opens the mailbox. nil opens it for reading and writing.
type SyncOptions struct {
	ReadOnly bool // EXAMINE
}

// SyncResult is what became of a mailbox since a SyncState was taken.
type SyncResult struct {
	Mailbox *Mailbox // as selected

	// Reset says that the UIDs of before mean nothing any more, because UIDVALIDITY changed: what the program holds is to
	// be thrown away. New is then the whole mailbox.
	Reset bool

	New      UIDSet     // not held yet; their data is to be fetched
	Vanished UIDSet     // held, and gone
	Changed  []*Message // held: their UIDs and flags. Where the mailbox has no mod-sequences all that are held are here, changed or not

	// State is to be stored once all this was done, in place of the state that was given.
	State SyncState
}

// Sync selects a mailbox and returns what changed since the state was taken. (SELECT, RFC 4549 and RFC 7162; logged in)
//
// With QRESYNC the server says it all in its answer to SELECT. With CONDSTORE it says which flags changed, and the UIDs
// are compared. With neither, the flags of all messages are fetched and the UIDs compared. What a server says is checked
// against the number of messages in the mailbox, and where that does not fit, the UIDs are compared too; so the result
// holds whatever of this a server has or gets wrong. A change that happens during the call may be told by the next one
// again.
//
// The mailbox stays selected. Changes that come later are events (Client.Idle, Client.Events); Sync with the newest state
// is a cheap way to learn what they were about.
func (c *Client) Sync(ctx context.Context, mailbox string, state SyncState, opts *SyncOptions) (*SyncResult, error) {
	if !validRanges(state.UIDs) || isOpen(state.UIDs) {
		return nil, unsent("SELECT", argError("SyncState: not a set of UIDs that are known"))
	}
	if opts == nil {
		opts = &SyncOptions{}
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	state.UIDs = append(UIDSet(nil), state.UIDs...).normalize()
	s := &syncing{c: c, old: state}
	res, err := s.selectFrom(ctx, mailbox, opts.ReadOnly, caps)
	if err != nil {
		return nil, err
	}
	s.c = c.stayingIn(res.Mailbox)
	if err := s.compare(ctx, res); err != nil {
		return nil, err
	}
	return res, nil
}

// syncing is a Sync under way.
type syncing struct {
	c        *Client
	old      SyncState
	resynced bool // the answer to SELECT said what changed
}

// selectFrom selects the mailbox, with QRESYNC where there is something to resynchronise from.
func (s *syncing) selectFrom(ctx context.Context, mailbox string, readOnly bool, caps Caps) (*SyncResult, error) {
	opts := &SelectOptions{ReadOnly: readOnly, CondStore: caps.offers("CONDSTORE")}
	if s.old.UIDValidity != 0 && s.old.HighestModSeq != 0 && caps.offers("QRESYNC") && s.c.enableQResync(ctx) == nil {
		opts.QResync = &QResync{UIDValidity: s.old.UIDValidity, ModSeq: s.old.HighestModSeq, KnownUIDs: shortened(s.old.UIDs)}
		s.resynced = true
	}
	mb, err := s.c.Select(ctx, mailbox, opts)
	if mb == nil {
		return nil, err
	}
	if err != nil {
		s.resynced = false // more changed than is held in memory; so it is asked for
	}
	res := &SyncResult{Mailbox: mb}
	if s.old.UIDValidity != mb.UIDValidity || mb.UIDValidity == 0 {
		res.Reset = s.old.UIDValidity != 0 || len(s.old.UIDs) > 0
		s.old, s.resynced = SyncState{}, false
	}
	return res, nil
}

// shortened is a set that holds uids and can be sent in one line.
func shortened(uids UIDSet) UIDSet {
	if len(splitSet(uids, maxSetOctets)) <= 1 {
		return uids
	}
	return UIDRange(uids[0].Start, uids[len(uids)-1].Stop)
}

// compare fills the result.
func (s *syncing) compare(ctx context.Context, res *SyncResult) error {
	mb := res.Mailbox
	res.State = SyncState{UIDValidity: mb.UIDValidity, HighestModSeq: mb.HighestModSeq}
	if s.resynced && s.take(res) {
		return nil
	}
	res.Changed = nil
	if mb.Exists == 0 {
		res.Vanished = s.old.UIDs
		return nil
	}
	return s.ask(ctx, res)
}

// take takes what the answer to SELECT said. It reports whether that fits the number of messages.
func (s *syncing) take(res *SyncResult) bool {
	mb := res.Mailbox
	res.Vanished = intersect(s.old.UIDs, mb.Vanished.normalize())
	for _, m := range mb.Changed {
		switch {
		case m.UID == 0:
			return false
		case s.old.UIDs.Contains(m.UID):
			res.Changed = append(res.Changed, m)
		default:
			res.New.add(m.UID)
		}
	}
	res.New = res.New.normalize()
	res.State.UIDs = union(minus(s.old.UIDs, res.Vanished), res.New)
	return res.State.UIDs.Len() == uint64(mb.Exists)
}

// ask asks for the UIDs, and for the flags that changed.
func (s *syncing) ask(ctx context.Context, res *SyncResult) error {
	mb := res.Mailbox
	since := s.old.HighestModSeq != 0 && mb.HighestModSeq >= s.old.HighestModSeq
	var there UIDSet
	if since || len(s.old.UIDs) == 0 {
		found, err := s.c.Search(ctx, Where(), nil)
		if err != nil {
			return err
		}
		there = found.UIDs
	}
	if len(s.old.UIDs) > 0 && (!since || mb.HighestModSeq > s.old.HighestModSeq) {
		err := s.fetchFlags(ctx, since, func(m *Message) {
			if !since {
				there.add(m.UID)
			}
			if s.old.UIDs.Contains(m.UID) {
				res.Changed = append(res.Changed, m)
			}
		})
		if err != nil {
			return err
		}
	}
	there = there.normalize()
	res.New, res.Vanished = minus(there, s.old.UIDs), minus(s.old.UIDs, there)
	res.State.UIDs = there
	return nil
}

// fetchFlags fetches the flags of all messages, or of those that changed since the state was taken.
func (s *syncing) fetchFlags(ctx context.Context, since bool, take func(*Message)) error {
	items := []FetchItem{FetchFlags}
	if since {
		items = append(items, ChangedSince(s.old.HighestModSeq))
	}
	for m, err := range s.c.Fetch(ctx, UIDRange(1, 0), items...) {
		if m == nil {
			return err
		}
		var bad *ProtocolError
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		take(m)
	}
	return nil
}

// ---- sets

// intersect returns what is in both of two normal sets that are not open.
func intersect[N UID | SeqNum](a, b Set[N]) Set[N] {
	var out Set[N]
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if start, stop := max(a[i].Start, b[j].Start), min(a[i].Stop, b[j].Stop); start <= stop {
			out = append(out, Range[N]{start, stop})
		}
		if a[i].Stop < b[j].Stop {
			i++
		} else {
			j++
		}
	}
	return out
}

// minus returns what is in a and not in b, both normal and not open.
func minus[N UID | SeqNum](a, b Set[N]) Set[N] {
	var out Set[N]
	j := 0
	for _, r := range a {
		start := r.Start
		for j < len(b) && b[j].Stop < start {
			j++
		}
		for k := j; k < len(b) && b[k].Start <= r.Stop; k++ {
			if b[k].Start > start {
				out = append(out, Range[N]{start, b[k].Start - 1})
			}
			start = b[k].Stop + 1
			if start == 0 { // behind the highest number
				break
			}
		}
		if start != 0 && start <= r.Stop {
			out = append(out, Range[N]{start, r.Stop})
		}
	}
	return out
}

// union returns what is in a or in b.
func union[N UID | SeqNum](a, b Set[N]) Set[N] {
	return append(append(make(Set[N], 0, len(a)+len(b)), a...), b...).normalize()
}
