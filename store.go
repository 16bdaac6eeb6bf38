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

// AddFlags adds flags to those that a message has. \Recent is left out here and in the two below: it is the server's.
func AddFlags(flags ...Flag) StoreOp { return flagOp("+", flags) }

// RemoveFlags takes flags away and leaves the others.
func RemoveFlags(flags ...Flag) StoreOp { return flagOp("-", flags) }

// SetFlags replaces all flags but \Recent; without arguments it takes all away, which Cyrus refuses: there RemoveFlags
// with the flags that a message has does it.
func SetFlags(flags ...Flag) StoreOp { return flagOp("", flags) }

func flagOp(sign string, flags []Flag) StoreOp {
	flags = settable(flags)
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
	// The one code of an OK says MODIFIED, or that it is about a part.
	j := &job{c: c, name: "STORE", bounded: o.UnchangedSince > 0}
	if j.bounded {
		if _, err := c.knownCaps(ctx); err != nil {
			return res, err
		}
	}
	err := j.run(ctx, set, func(c *Client, t target) (progress, error) { return c.storePart(ctx, t, op, o, res) })
	return res, err
}

func (c *Client) storePart(ctx context.Context, t target, op StoreOp, o StoreOptions, res *StoreResult) (p progress, err error) {
	f := c.newFetch(t, nil)
	f.command.batch = false
	f.name = strings.Replace(f.name, "FETCH", "STORE", 1)
	f.writes = true
	f.noUID = !f.uid
	stored := c.table.fetch.all[string(op.item)]
	f.asked = stored.bit
	if o.Silent {
		f.asked = itemModSeq
	}
	f.encode = func(e *encoder) {
		f.set = f.write(e.need(stored.needs...).sp())
		f.command.seqs, _ = f.set.(SeqSet)
		f.sending()
		if o.UnchangedSince > 0 {
			e.need("CONDSTORE").raw(" (UNCHANGEDSINCE ").number(o.UnchangedSince).raw(")")
		}
		e.word(op.sign + string(op.item))
		if o.Silent {
			e.raw(".SILENT")
		}
		op.values(e.sp())
	}
	err = c.run(ctx, f.command)
	c.mu.Lock()
	defer c.mu.Unlock()
	p.ended(&f.status, err)
	for _, row := range f.ready {
		if p.partial && row.m.UID != 0 && row.m.UID < p.limit.uid {
			continue // news of it: it is named again
		}
		res.Messages = append(res.Messages, row.m)
		p.note(row.m.UID)
		if err == nil {
			err = row.err
		}
	}
	if f.status.code == CodeModified {
		if bad := res.modified(f.uid, f.status.args); bad != nil && err == nil {
			err = failed(f.name, bad)
		}
	}
	return p, err
}

// modified reads the set of a MODIFIED code. One that cannot be read is an error: some of the messages were left alone.
func (res *StoreResult) modified(uid bool, args string) error {
	data, err := readCode(CodeModified, args, uid)
	if numbers, ok := data.(NumbersData); ok {
		res.ModifiedUID = append(res.ModifiedUID, numbers.UIDs...)
		res.ModifiedSeq = append(res.ModifiedSeq, numbers.Seqs...)
	}
	return err
}

// CopyResult maps source to destination UIDs where the server says them (UIDPLUS, RFC 4315): the n-th number of Source
// became the n-th of Dest. Without, it is empty.
type CopyResult struct {
	UIDValidity  uint32
	Source, Dest UIDSet

	// Err says that the messages were copied and that a COPYUID could not be read or does not say which message became
	// which: what it is about is in neither Source nor Dest. It is nil in most cases, and a *ProtocolError else.
	Err error
}

// Copy copies messages to another mailbox (COPY or UID COPY, RFC 9051 section 6.4.7; selected). A mailbox that does not
// exist is an error with CodeTryCreate.
func (c *Client) Copy(ctx context.Context, set NumSet, mailbox string) (*CopyResult, error) {
	return c.copyOrMove(ctx, "COPY", set, mailbox)
}

// Move moves messages to another mailbox (MOVE or UID MOVE, RFC 6851; selected for writing). Without the capability it
// uses COPY, STORE \Deleted and UID EXPUNGE, each only after the one before succeeded, for the messages that are there when
// it begins, and deletes exactly those that were copied; where that stops halfway the error is a MoveError. Without UIDPLUS
// it fails with errors.ErrUnsupported, because EXPUNGE would remove messages that others marked.
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

func (c *Client) copyOrMove(ctx context.Context, name string, set NumSet, mailbox string) (*CopyResult, error) {
	res := &CopyResult{}
	if err := validSet(set); err != nil {
		return res, unsent(name, err)
	}
	if emptySet(set) {
		return res, nil
	}
	err := c.eachPart(ctx, name, set, func(c *Client, t target) (progress, error) {
		one, p, err := c.copyPart(ctx, name, t, mailbox)
		res.add(one)
		return p, err
	})
	return res, err
}

// copyPart runs one COPY or MOVE.
func (c *Client) copyPart(ctx context.Context, name string, t target, mailbox string) (*copyCode, progress, error) {
	uid := isUID(t.set)
	cmd := &command{name: name, states: inSelected, byNumber: !uid, writes: name == "MOVE", partial: true}
	if uid {
		cmd.name = "UID " + name
	}
	cmd.encode = func(e *encoder) {
		if name == "MOVE" {
			e.need("MOVE")
		}
		cmd.seqs, _ = t.write(e.sp()).(SeqSet)
		e.sp().mailbox(mailbox)
	}
	res := &copyCode{}
	// MOVE says it before the messages go; some servers say it so for COPY too.
	cmd.answer = codeAnswer{name: "COPYUID", take: func(s *status) { res.take(s.args) }}
	err := c.run(ctx, cmd)
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.status.code == "COPYUID" {
		res.take(cmd.status.args)
	}
	var p progress
	p.ended(&cmd.status, err)
	if done := res.source; len(done) > 0 {
		p.note(lowest(done))
		p.note(highest(done))
		if err != nil && name == "COPY" {
			p.limit.uid = 0 // it did all or nothing, and says otherwise: what was done is not known
		}
	}
	return res, p, err
}

// add adds what one command did.
func (res *CopyResult) add(one *copyCode) {
	if one.validity != 0 || res.UIDValidity == 0 {
		res.UIDValidity = one.validity
	}
	if res.Err == nil {
		res.Err = one.bad
	}
	if !one.odd {
		res.Source, res.Dest = append(res.Source, one.source...), append(res.Dest, one.dest...)
	}
}

// copyCode is what the COPYUID codes of one command say.
type copyCode struct {
	validity     uint32
	source, dest UIDSet // in the order of the server, which is the mapping
	odd          bool   // the sets do not fit each other
	bad          error  // of a code that cannot be read
	last         string
}

// named is the set of the messages that were copied.
func (res *copyCode) named() UIDSet { return append(UIDSet(nil), res.source...).normalize() }

// take reads the arguments of a COPYUID code. Sets of different lengths do not tell which message became which. A code
// that comes twice counts once: untagged and with the tagged response.
func (res *copyCode) take(args string) {
	if args != "" && args == res.last {
		return
	}
	res.last = args
	if _, err := readCode(CodeCopyUID, args, true); err != nil {
		res.bad = err
	}
	words := strings.Fields(args)
	if len(words) == 0 {
		return
	}
	res.validity = uint32(codeNumber(words[0], 32))
	if len(words) < 3 {
		return
	}
	source, err1 := parseSet[UID](words[1])
	dest, err2 := parseSet[UID](words[2])
	if err1 != nil || err2 != nil || isOpen(source) || isOpen(dest) {
		res.odd = res.odd || err1 == nil && !isOpen(source)
		return
	}
	res.odd = res.odd || source.Len() != dest.Len()
	res.source, res.dest = append(res.source, source...), append(res.dest, dest...)
}

// ExpungeResult says which messages were removed: by sequence number, or by UID where QRESYNC is enabled.
type ExpungeResult struct {
	SeqNums []SeqNum // in the order received: each counts after those before it are gone
	UIDs    UIDSet   // where the server says VANISHED
}

// Expunge removes all messages marked \Deleted, also those that others marked (EXPUNGE, RFC 9051 section 6.4.3; selected
// for writing). UIDExpunge removes only those that are named.
func (c *Client) Expunge(ctx context.Context) (*ExpungeResult, error) {
	all := &ExpungeResult{}
	j := job{c: c, name: "EXPUNGE"}
	for {
		before := len(all.SeqNums) + int(all.UIDs.Len())
		p, err := j.c.expunge(ctx, &command{name: j.name, states: inSelected, writes: true}, all)
		if !p.partial {
			return all, err
		}
		if removed := len(all.SeqNums)+int(all.UIDs.Len()) > before; !removed || c.opts.StopAtLimit {
			return all, &PartialError{Command: j.name, Limit: p.limit.most, UID: p.limit.uid, Err: err}
		}
		j.c = j.c.staying()
	}
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
	err := c.eachPart(ctx, "UID EXPUNGE", uids, func(c *Client, t target) (progress, error) {
		cmd := &command{name: "UID EXPUNGE", states: inSelected, writes: true}
		cmd.encode = func(e *encoder) { t.write(e.need("UIDPLUS").sp()) }
		return c.expunge(ctx, cmd, all)
	})
	all.UIDs = all.UIDs.normalize()
	return all, err
}

// expunge runs a command that removes messages, and adds what it removes.
func (c *Client) expunge(ctx context.Context, cmd *command, all *ExpungeResult) (p progress, err error) {
	a := &expungeAnswer{res: &ExpungeResult{}}
	cmd.answer, cmd.partial = a, true
	err = c.run(ctx, cmd)
	p.ended(&cmd.status, err)
	all.SeqNums, all.UIDs = append(all.SeqNums, a.res.SeqNums...), append(all.UIDs, a.res.UIDs...)
	return p, err
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
