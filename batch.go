package imap

import (
	"context"
	"iter"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Batch is a part of a set of messages.
type Batch struct {
	UIDs  UIDSet
	Done  uint64 // messages in the batches before this one
	Total uint64 // messages in all batches
}

// Batches cuts a set into parts of at most size messages, from the newest down, for calls about very many messages: each
// part goes to Fetch, Store, Copy, Move or UIDExpunge, and what is done so far can be shown and stored. The messages are
// those that are there when the loop begins (UID SEARCH, or UIDBATCHES where the set is UIDRange(1, 0) and the server
// offers it; selected). An error ends the loop.
//
//	for b, err := range c.Batches(ctx, imap.UIDRange(1, 0), 1000) {
//		if err != nil {
//			return err
//		}
//		if _, err := c.Move(ctx, b.UIDs, "Archive"); err != nil {
//			return err
//		}
//		bar.Set(b.Done+b.UIDs.Len(), b.Total)
//	}
//
// Where the parts come from UIDBATCHES, UIDs are ranges that hold size messages and more numbers, and Done and Total count
// messages all the same.
func (c *Client) Batches(ctx context.Context, set NumSet, size int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		parts, total, err := c.batches(ctx, set, size)
		if err != nil {
			yield(Batch{}, err)
			return
		}
		b := Batch{Total: total}
		for i, part := range parts {
			b.UIDs, b.Done = part, min(uint64(i)*uint64(size), total)
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (c *Client) batches(ctx context.Context, set NumSet, size int) ([]UIDSet, uint64, error) {
	if err := validSet(set); err != nil {
		return nil, 0, unsent("UID SEARCH", err)
	}
	if size <= 0 {
		return nil, 0, unsent("UID SEARCH", argError("batches of no messages"))
	}
	if emptySet(set) {
		return nil, 0, nil
	}
	if uids, ok := set.(UIDSet); ok && uids.String() == "1:*" && c.Caps().offers("UIDBATCHES") {
		parts, err := c.UIDBatches(ctx, size, 0, 0)
		if code := CodeOf(err); code != CodeTooFew && code != CodeTooMany {
			return parts, c.count().exists, err
		}
	}
	var seqs *follower
	if numbers, ok := set.(SeqSet); ok {
		seqs = c.followNumbers(numbers)
		defer seqs.end()
	}
	uids, err := c.pin().closedUIDs(ctx, normalSet(set), seqs, true)
	if err != nil {
		return nil, 0, err
	}
	return uids.pieces(uint64(size)), uids.Len(), nil
}

// UIDBatches asks for ranges of UIDs that hold size messages each, from the newest down (UIDBATCHES, RFC 10022; capability
// UIDBATCHES; selected). from and to are numbers of batches, counted from 1; both 0 stand for all. The oldest range ends
// with UID 1 and may hold fewer messages. A size that the server finds too small is an error with the code CodeTooFew.
func (c *Client) UIDBatches(ctx context.Context, size, from, to int) ([]UIDSet, error) {
	cmd := &command{name: "UIDBATCHES", states: inSelected}
	cmd.encode = func(e *encoder) {
		if size <= 0 || (from != 0 || to != 0) && (from <= 0 || to < from) {
			e.fail(argError("not a size, or not a range of batches"))
			return
		}
		e.need("UIDBATCHES").sp().number(uint64(size))
		if from > 0 {
			e.sp().number(uint64(from)).raw(":").number(uint64(to))
		}
	}
	got, err := gather(ctx, c, cmd, func() *uidBatches { return &uidBatches{cmd: cmd} })
	if err != nil {
		return nil, err
	}
	return got.list, nil
}

// uidBatches is the data of a UIDBATCHES response.
type uidBatches struct {
	cmd  *command
	list []UIDSet
}

func (a *uidBatches) take(r *response) (claim, error) {
	if r.name != "UIDBATCHES" {
		return notMine, nil
	}
	tag, _, err := r.esearchHead()
	if err != nil || tag != "" && tag != a.cmd.tag {
		return notMine, nil
	}
	words := strings.TrimSpace(string(r.text[r.pos:]))
	if words == "" {
		return mine, nil
	}
	set, err := parseSet[UID](words)
	if err != nil || isOpen(set) {
		return mine, r.errorf("expected ranges of UIDs")
	}
	for _, one := range set {
		a.list = append(a.list, UIDSet{one})
	}
	return mine, nil
}

// Storable returns those of the flags that the mailbox keeps for good, in their order: the flags of PermanentFlags, and any
// keyword where that holds \*. Where the server did not send PERMANENTFLAGS all can be stored, and \Recent never. It is for
// the flags of messages that are appended to a mailbox or copied from another server (RFC 9051 section 7.1).
func (m *Mailbox) Storable(flags []Flag) []Flag {
	var kept []Flag
	for _, f := range flags {
		if m.storable(f) {
			kept = append(kept, f)
		}
	}
	return kept
}

func (m *Mailbox) storable(f Flag) bool {
	if ascii.EqualFold(string(f), string(FlagRecent)) {
		return false
	}
	if m.PermanentFlags == nil {
		return true
	}
	for _, p := range m.PermanentFlags {
		if ascii.EqualFold(string(p), string(f)) || p == `\*` && !strings.HasPrefix(string(f), `\`) {
			return true
		}
	}
	return false
}
