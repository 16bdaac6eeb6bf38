package imap

import (
	"context"
	"strconv"
	"strings"
)

// StoreOp says what to do with flags. Make it with AddFlags, RemoveFlags or SetFlags, or for Gmail's labels with
// AddLabels, RemoveLabels or SetLabels.
type StoreOp struct {
	sign   string    // "+", "-" or "" to replace all
	item   FetchAttr // what is stored
	count  int       // of the values
	values func(*encoder)
}

// AddFlags adds flags to those that a message has.
func AddFlags(flags ...Flag) StoreOp { return flagOp("+", flags) }

// RemoveFlags takes flags away and leaves the others.
func RemoveFlags(flags ...Flag) StoreOp { return flagOp("-", flags) }

// SetFlags replaces all flags but \Recent; without arguments it takes all away, which Cyrus refuses: there RemoveFlags
// with the flags that a message has does it.
func SetFlags(flags ...Flag) StoreOp { return flagOp("", flags) }

func flagOp(sign string, flags []Flag) StoreOp {
	return StoreOp{sign, FetchFlags, len(flags), func(e *encoder) { e.flags(flags) }}
}

// changes reports whether the operation names anything to change.
func (op StoreOp) changes() bool { return op.sign == "" || op.count > 0 }

// StoreOptions say more of a Store.
type StoreOptions struct {
	Silent         bool   // the new flags need not be sent back; for very many messages, of which a Store keeps each row
	UnchangedSince uint64 // only messages not changed since this mod-sequence (RFC 7162; capability CONDSTORE)
}

// StoreResult holds the new flags and, for a conditional store, the messages that were not changed.
type StoreResult struct {
	Messages    []*Message // with a SeqSet their UID is 0 where the server does not say it unasked
	ModifiedUID UIDSet     // by UID
	ModifiedSeq SeqSet     // by number
}

// Store changes flags (STORE or UID STORE, RFC 9051 section 6.4.6; selected for writing). The result is filled also
// beside an error from the server: with NO [MODIFIED] it says which messages were left alone. An empty set, or no flags
// to add or remove, sends nothing.
func (c *Client) Store(ctx context.Context, set NumSet, op StoreOp, opts *StoreOptions) (*StoreResult, error) {
	o := StoreOptions{}
	if opts != nil {
		o = *opts
	}
	res := &StoreResult{}
	if err := validSet(set); err != nil {
		return res, unsent("STORE", err)
	}
	if op.values == nil {
		return res, unsent("STORE", argError("an empty StoreOp"))
	}
	if emptySet(set) || !op.changes() {
		return res, nil
	}
	c, parts, err := c.pieces(ctx, set)
	if err != nil {
		return res, err
	}
	return res, inTurn("STORE", parts, func(part NumSet) error { return c.storePart(ctx, part, op, o, res) })
}

func (c *Client) storePart(ctx context.Context, set NumSet, op StoreOp, o StoreOptions, res *StoreResult) error {
	f := c.newFetch(set, nil)
	f.command.batch = false
	f.name = strings.Replace(f.name, "FETCH", "STORE", 1)
	f.writes = true
	_, f.noUID = set.(SeqSet)
	stored := c.table.fetch.all[string(op.item)]
	f.asked = stored.bit
	if o.Silent {
		f.asked = itemModSeq
	}
	f.encode = func(e *encoder) {
		e.need(stored.needs...).sp().set(set)
		if o.UnchangedSince > 0 {
			e.need("CONDSTORE").raw(" (UNCHANGEDSINCE ").number(o.UnchangedSince).raw(")")
		}
		e.word(op.sign + string(op.item))
		if o.Silent {
			e.raw(".SILENT")
		}
		op.values(e.sp())
	}
	err := c.run(ctx, f.command)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range f.ready {
		res.Messages = append(res.Messages, row.m)
		if err == nil {
			err = row.err
		}
	}
	if f.status.code == "MODIFIED" {
		res.modified(f.uid, f.status.args)
	}
	return err
}

// modified reads the set of a MODIFIED code.
func (res *StoreResult) modified(uid bool, args string) {
	if uid {
		if set, err := parseSet[UID](args); err == nil {
			res.ModifiedUID = append(res.ModifiedUID, set...)
		}
		return
	}
	if set, err := parseSet[SeqNum](args); err == nil {
		res.ModifiedSeq = append(res.ModifiedSeq, set...)
	}
}

// CopyResult maps source to destination UIDs where the server says them (UIDPLUS, RFC 4315): the n-th number of Source
// became the n-th of Dest. Without, it is empty.
type CopyResult struct {
	UIDValidity  uint32
	Source, Dest UIDSet
}

// Copy copies messages to another mailbox (COPY or UID COPY, RFC 9051 section 6.4.7; selected). A mailbox that does not
// exist is an error with CodeTryCreate.
func (c *Client) Copy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	return c.copyOrMove(ctx, "COPY", set, mailbox)
}

// Move moves messages to another mailbox (MOVE or UID MOVE, RFC 6851; selected for writing). Without the capability it
// uses COPY, STORE \Deleted and UID EXPUNGE, each only after the one before succeeded; without UIDPLUS it fails with
// errors.ErrUnsupported, because EXPUNGE would remove messages that others marked.
func (c *Client) Move(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	if err := validSet(set); err != nil {
		return &CopyResult{}, unsent("MOVE", err)
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return &CopyResult{}, err
	}
	if caps.offers("MOVE") || emptySet(set) {
		return c.copyOrMove(ctx, "MOVE", set, mailbox)
	}
	return c.moveByCopy(ctx, set, mailbox)
}

// moveByCopy moves without MOVE. Nothing is removed before all copies are acknowledged.
func (c *Client) moveByCopy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	none := &CopyResult{}
	if !c.Caps().offers("UIDPLUS") {
		return none, unsent("MOVE", &CapabilityError{Name: "MOVE"})
	}
	if err := c.check(&command{name: "MOVE", states: inSelected, writes: true}); err != nil {
		return none, unsent("MOVE", err)
	}
	c = c.staying()
	uids, err := c.resolve(ctx, set)
	if err != nil || len(uids) == 0 {
		return none, err
	}
	res, err := c.copyOrMove(ctx, "COPY", uids, mailbox)
	if err != nil {
		return res, err
	}
	if _, err := c.Store(ctx, uids, AddFlags(FlagDeleted), &StoreOptions{Silent: true}); err != nil {
		return res, begun("MOVE", err)
	}
	_, err = c.UIDExpunge(ctx, uids)
	return res, begun("MOVE", err)
}

// resolve asks for the UIDs of a set, so that it means the same messages from one command to the next.
func (c *Client) resolve(ctx context.Context, set NumSet) (UIDSet, error) {
	if uids, ok := set.(UIDSet); ok && !isOpen(uids) {
		return uids, nil
	}
	asked, seqs := set, SeqSet(nil)
	if s, ok := set.(SeqSet); ok && !isOpen(s) {
		// One command for all of them: between two the numbers could change.
		seqs = append(seqs, s...).normalize()
		asked = SeqRange(seqs[0].Start, seqs[len(seqs)-1].Stop)
	}
	var uids UIDSet
	for m, err := range c.Fetch(ctx, asked) {
		if err != nil {
			return nil, err
		}
		if seqs == nil || seqs.Contains(m.SeqNum) {
			uids.add(m.UID)
		}
	}
	return uids.normalize(), nil
}

// inTurn runs a command for each part of a set, until one fails.
func inTurn(name string, parts []NumSet, run func(part NumSet) error) error {
	for i, part := range parts {
		if err := run(part); err != nil && i > 0 {
			return begun(name, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// pieces cuts a set into what can be sent in one command each, for the client that it returns. Numbers mean other messages
// when messages go, which may happen between two commands: so a long set of them becomes one of UIDs first.
func (c *Client) pieces(ctx context.Context, set NumSet) (*Client, []NumSet, error) {
	parts := splitSet(set, maxSetOctets)
	if len(parts) <= 1 {
		return c, parts, nil
	}
	c = c.staying()
	if _, byNumber := set.(SeqSet); !byNumber {
		return c, parts, nil
	}
	uids, err := c.resolve(ctx, set)
	if err != nil || len(uids) == 0 {
		return c, nil, err
	}
	return c, splitSet(uids, maxSetOctets), nil
}

func (c *Client) copyOrMove(ctx context.Context, name string, set NumSet, mailbox string) (*CopyResult, error) {
	res := &CopyResult{}
	if err := validSet(set); err != nil {
		return res, unsent(name, err)
	}
	if emptySet(set) {
		return res, nil
	}
	c, parts, err := c.pieces(ctx, set)
	if err != nil {
		return res, err
	}
	return res, inTurn(name, parts, func(part NumSet) error { return c.copyPart(ctx, name, part, mailbox, res) })
}

func (c *Client) copyPart(ctx context.Context, name string, set NumSet, mailbox string, res *CopyResult) error {
	uid := isUID(set)
	cmd := &command{name: name, states: inSelected, byNumber: !uid, writes: name == "MOVE"}
	if uid {
		cmd.name = "UID " + name
	}
	cmd.seqs, _ = set.(SeqSet)
	cmd.encode = func(e *encoder) {
		if name == "MOVE" {
			e.need("MOVE")
		}
		e.sp().set(set).sp().mailbox(mailbox)
	}
	// MOVE says it before the messages go; some servers say it so for COPY too.
	cmd.answer = codeAnswer{name: "COPYUID", take: func(s *status) { res.copied(s.args) }}
	err := c.run(ctx, cmd)
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.status.code == "COPYUID" {
		res.copied(cmd.status.args)
	}
	return err
}

// copied reads the arguments of a COPYUID code. Sets of different lengths say nothing about who became whom; the order
// of a server is kept, because it is the mapping.
func (res *CopyResult) copied(args string) {
	words := strings.Fields(args)
	if len(words) == 0 {
		return
	}
	res.UIDValidity = uint32(codeNumber(words[0], 32))
	if len(words) < 3 {
		return
	}
	source, err1 := parseSet[UID](words[1])
	dest, err2 := parseSet[UID](words[2])
	if err1 != nil || err2 != nil || source.Len() != dest.Len() || isOpen(source) || isOpen(dest) {
		return
	}
	res.Source = append(res.Source, source...)
	res.Dest = append(res.Dest, dest...)
}

// ExpungeResult says which messages were removed: by sequence number, or by UID where QRESYNC is enabled.
type ExpungeResult struct {
	SeqNums []SeqNum // in the order received: each counts after those before it are gone
	UIDs    UIDSet   // where the server says VANISHED
}

// Expunge removes all messages marked \Deleted, also those that others marked (EXPUNGE, RFC 9051 section 6.4.3; selected
// for writing). UIDExpunge removes only those that are named.
func (c *Client) Expunge(ctx context.Context) (*ExpungeResult, error) {
	return c.expunge(ctx, &command{name: "EXPUNGE", states: inSelected, writes: true})
}

// UIDExpunge removes those of the messages that are marked \Deleted (UID EXPUNGE, RFC 4315; capability UIDPLUS; selected
// for writing). An empty set sends nothing.
func (c *Client) UIDExpunge(ctx context.Context, uids UIDSet) (*ExpungeResult, error) {
	all := &ExpungeResult{}
	if err := validSet(uids); err != nil {
		return all, unsent("UID EXPUNGE", err)
	}
	if emptySet(uids) {
		return all, nil
	}
	c, parts, err := c.pieces(ctx, uids)
	if err != nil {
		return all, err
	}
	err = inTurn("UID EXPUNGE", parts, func(part NumSet) error {
		cmd := &command{name: "UID EXPUNGE", states: inSelected, writes: true}
		cmd.encode = func(e *encoder) { e.need("UIDPLUS").sp().set(part) }
		res, err := c.expunge(ctx, cmd)
		all.SeqNums = append(all.SeqNums, res.SeqNums...)
		all.UIDs = append(all.UIDs, res.UIDs...)
		return err
	})
	if err != nil {
		return all, err
	}
	all.UIDs = all.UIDs.normalize()
	return all, nil
}

func (c *Client) expunge(ctx context.Context, cmd *command) (*ExpungeResult, error) {
	a := &expungeAnswer{res: &ExpungeResult{}}
	cmd.answer = a
	return a.res, c.run(ctx, cmd)
}

// expungeAnswer is what an EXPUNGE removes.
type expungeAnswer struct {
	noData
	res *ExpungeResult // nil once nothing is kept
}

func (a *expungeAnswer) data(r *response) claim {
	switch r.name {
	case "EXPUNGE":
		if a.res != nil {
			a.res.SeqNums = append(a.res.SeqNums, SeqNum(r.num))
		}
	case "VANISHED":
		uids, earlier, err := r.vanished()
		if err != nil || earlier {
			return notMine
		}
		if a.res != nil {
			a.res.UIDs = append(a.res.UIDs, uids...)
		}
	default:
		return notMine
	}
	return shared
}

func (a *expungeAnswer) dropped() answer { return &expungeAnswer{} }

// appendUID reads the arguments of an APPENDUID code.
func appendUID(args string) (validity uint32, uids UIDSet) {
	words := strings.Fields(args)
	if len(words) < 2 {
		return 0, nil
	}
	n, err := strconv.ParseUint(words[0], 10, 32)
	set, err2 := parseSet[UID](words[1])
	if err != nil || err2 != nil || isOpen(set) {
		return 0, nil
	}
	return uint32(n), set
}
