package imap

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// limitOf returns the limit in the server's NO.
func limitOf(err error) (messageLimit, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return parseLimit(e.Code, e.Args)
	}
	return messageLimit{}, false
}

// messageLimit returns how many messages one command may name, or 0 for any number.
func (c Caps) messageLimit() uint32 {
	value, _ := c.value("MESSAGELIMIT=")
	return uint32(codeNumber(value, 32))
}

// target is the set of messages of one command.
type target struct {
	set  NumSet
	seqs *follower // for sequence numbers: keeps their meaning at the start of the call
}

// write writes the set with current numbers, and returns it.
func (t target) write(e *encoder) NumSet {
	set := t.set
	if t.seqs != nil {
		now, _, err := t.seqs.now()
		if err != nil {
			e.fail(err)
			return set
		}
		set = now
	}
	e.set(set)
	return set
}

// progress is the outcome of a command about messages.
type progress struct {
	limit     messageLimit
	partial   bool // the server reported a partial result
	removed   bool // messages were removed during the command
	low, high UID  // lowest and highest UID in its responses
	before    yields
}

// note records a message in the responses of the server.
func (p *progress) note(uid UID) {
	if uid == 0 {
		return
	}
	if p.low == 0 || uid < p.low {
		p.low = uid
	}
	p.high = max(p.high, uid)
}

// ended evaluates the tagged response, an OK or the NO that became err.
func (p *progress) ended(s *status, err error) {
	if p.limit, p.partial = limitOf(err); err == nil {
		p.limit, p.partial = s.limit()
	}
}

// job is a call about a set of messages, in as many commands as necessary: the set may be too long for one line, and servers
// may limit the number of messages per command (RFC 9738). All commands after the first use UIDs, and are sent only while
// the mailbox in which the call began is selected.
type job struct {
	c       *Client
	name    string
	whole   bool      // the call cannot be split
	bounded bool      // a command must not name more messages than the server's limit
	parts   []NumSet  // remaining parts
	seqs    *follower // for the only part, if that is a set of sequence numbers
	most    uint64    // messages in the current part, if it was cut because of a limit
	begun   bool
}

// begin notes what the set means now: in which mailbox, and which messages its numbers are. start does so too, unless begin was
// called before, for a call that has to wait first. The caller must end the job.
func (j *job) begin(set NumSet) {
	c := j.c.pin()
	j.c, j.begun = c, true
	if seqs, ok := normalSet(set).(SeqSet); ok {
		j.seqs = c.followNumbers(seqs)
	}
}

// start begins a call with a valid set that is not empty. The caller must end the job, also after an error.
func (j *job) start(ctx context.Context, set NumSet) error {
	if !j.begun {
		j.begin(set)
	}
	return j.plan(ctx, normalSet(set))
}

// normalSet returns a set with its ranges in order.
func normalSet(set NumSet) NumSet {
	switch s := set.(type) {
	case UIDSet:
		if !s.isNormal() {
			return append(UIDSet(nil), s...).normalize()
		}
	case SeqSet:
		if !s.isNormal() {
			return append(SeqSet(nil), s...).normalize()
		}
	}
	return set
}

// plan cuts the set into parts.
func (j *job) plan(ctx context.Context, set NumSet) error {
	limit := j.c.Caps().messageLimit()
	j.parts = splitSet(set, maxSetOctets)
	several := len(j.parts) > 1 || limit > 0 && isMove(j.name) && !isUID(set) && mayName(set, uint64(limit))
	// "$" changes when messages are removed.
	atLimit := limit > 0 && (j.bounded && mayName(set, uint64(limit)) || set == SavedResult)
	if !several && !atLimit {
		return nil
	}
	uids, err := j.c.closedUIDs(ctx, set, j.seqs, atLimit)
	if err != nil {
		return err
	}
	j.dropNumbers()
	j.parts = nil
	if len(uids) > 0 {
		j.parts = portions(uids, uint64(limit), atLimit && j.bounded)
	}
	return nil
}

// portions cuts a set of UIDs into parts for one command each, from the highest UIDs down: each fits in a line and, with
// bounded, has at most most messages.
func portions(uids UIDSet, most uint64, bounded bool) []NumSet {
	if !bounded || most == 0 {
		return splitSet(uids, maxSetOctets)
	}
	var parts []NumSet
	for _, part := range uids.pieces(most) {
		parts = append(parts, splitSet(part, maxSetOctets)...)
	}
	return parts
}

// pieces cuts a set without "*" into sets of at most most numbers, from the highest down.
func (s Set[N]) pieces(most uint64) []Set[N] {
	var all []Set[N]
	for len(s) > 0 {
		i, left := len(s), most
		var piece, rest Set[N]
		for ; i > 0 && left > 0; i-- {
			r := s[i-1]
			if n := uint64(r.Stop-r.Start) + 1; n > left {
				middle := r.Stop - N(left) + 1
				rest = Set[N]{{r.Start, middle - 1}}
				piece, left = append(piece, Range[N]{middle, r.Stop}), 0
				continue
			} else {
				left -= n
			}
			piece = append(piece, r)
		}
		all = append(all, piece.normalize())
		s = append(append(Set[N](nil), s[:i]...), rest...)
	}
	return all
}

// mayName reports whether a set may name more than most messages.
func mayName(set NumSet, most uint64) bool {
	switch set := set.(type) {
	case UIDSet:
		return isOpen(set) && !isStar(set) || set.Len() > most
	case SeqSet:
		return isOpen(set) && !isStar(set) || set.Len() > most
	}
	return true
}

// isStar reports whether a set is "*" alone.
func isStar[N UID | SeqNum](s Set[N]) bool { return len(s) == 1 && s[0] == Range[N]{} }

func (j *job) dropNumbers() {
	if j.seqs != nil {
		j.seqs.end()
		j.seqs = nil
	}
}

func (j *job) end() { j.dropNumbers() }

// next returns the next part; false at the end.
func (j *job) next() (target, bool) {
	if len(j.parts) == 0 {
		return target{}, false
	}
	t := target{j.parts[0], j.seqs}
	j.parts = j.parts[1:]
	return t, true
}

// eachPart runs a command about a set, in as many commands as necessary. COPY does all or nothing.
func (c *Client) eachPart(ctx context.Context, name string, set NumSet, run func(*Client, target) (progress, error)) error {
	j := &job{c: c, name: name, bounded: name == "COPY"}
	return j.run(ctx, set, run)
}

func (j *job) run(ctx context.Context, set NumSet, run func(*Client, target) (progress, error)) error {
	defer j.end()
	if err := j.start(ctx, set); err != nil {
		return err
	}
	for first := true; ; first = false {
		t, ok := j.next()
		if !ok {
			return nil
		}
		gone := j.c.count().removed
		p, err := run(j.c, t)
		p.removed = j.c.count().removed != gone
		if err = j.evaluate(ctx, t, p, err); err != nil && !first {
			return begun(j.name, err)
		} else if err != nil {
			return err
		}
	}
}

// evaluate evaluates the outcome of a part, and puts the rest of it in front of the other parts.
func (j *job) evaluate(ctx context.Context, t target, p progress, err error) error {
	if errors.Is(err, errAllGone) {
		return nil
	}
	if !p.partial {
		return err
	}
	stop := &PartialError{Command: j.name, Limit: p.limit.most, UID: p.limit.uid, Err: err}
	if j.whole || t.set == SavedResult {
		return stop
	}
	rest, ok, failure := j.unprocessed(ctx, t, p, err != nil)
	if errors.Is(failure, errRenumbered) {
		stop.Err = errors.Join(stop.Err, failure) // the remaining numbers are not known
		return stop
	} else if failure != nil {
		return failure
	}
	for _, set := range rest {
		if uids, isUIDs := set.(UIDSet); isUIDs {
			stop.Rest = append(stop.Rest, uids...)
		}
	}
	stop.Rest = stop.Rest.normalize()
	if !ok || j.c.e.opts.StopAtLimit && len(rest) > 0 {
		return stop
	}
	j.dropNumbers()
	j.parts = append(rest, j.parts...)
	return nil
}

// rest returns the messages that a command did not process; ok is false if they are not known.
func (j *job) unprocessed(ctx context.Context, t target, p progress, refused bool) (parts []NumSet, ok bool, err error) {
	set, isUIDs := t.set.(UIDSet)
	if !isUIDs {
		if set, err = j.c.uidsOf(ctx, t.seqs); err != nil || len(set) == 0 {
			return nil, true, err
		}
	}
	// If the message "*" was removed, "*" is another message now.
	removed := p.removed && (isMove(j.name) || j.name == "UID EXPUNGE")
	switch done := !refused || p.low != 0 || removed; {
	case !done:
		parts, err = j.smaller(ctx, set, p.limit.most)
		return parts, len(parts) > 0, err
	case p.limit.uid == 0, p.low != 0 && p.low < p.limit.uid && p.high <= p.limit.uid:
		return nil, false, nil // the server did not go from the highest UID down
	case isUIDs && p.limit.uid > highest(set):
		return nil, false, nil // none of it was processed
	}
	if left := below(set, p.limit.uid); len(left) > 0 {
		parts = splitSet(left, maxSetOctets)
	}
	return parts, true, nil
}

// smaller cuts a set that was refused as too large into parts of most messages, or of half as many if that was tried
// already.
func (j *job) smaller(ctx context.Context, set UIDSet, most uint32) ([]NumSet, error) {
	uids, err := j.c.existingUIDs(ctx, set)
	if err != nil {
		return nil, err
	}
	n, total := uint64(most), uids.Len()
	if n == 0 || j.most > 0 && n >= j.most {
		n = total / 2
	}
	if n = min(n, total/2+total%2); total <= 1 || n == 0 {
		return nil, nil
	}
	j.most = n
	return portions(uids, n, true), nil
}

// highest returns the highest number in a set.
func highest[N UID | SeqNum](s Set[N]) N {
	var last N
	for _, r := range s {
		last = max(last, r.last())
	}
	return last
}

// lowest returns the lowest number in a set.
func lowest[N UID | SeqNum](s Set[N]) N {
	first := s[0].first()
	for _, r := range s {
		first = min(first, r.first())
	}
	return first
}

// ---- resolving sets

// existingUIDs returns the UIDs of the existing messages in a set of UIDs, or in "$".
func (c *Client) existingUIDs(ctx context.Context, set NumSet) (UIDSet, error) {
	found, err := c.Search(ctx, Where().In(set), nil)
	if err != nil {
		return nil, err
	}
	named, ok := set.(UIDSet)
	if !ok || len(found.UIDs) == 0 {
		return found.UIDs, nil
	}
	return found.UIDs.Intersect(closeSet(named, highest(found.UIDs))), nil
}

// closedUIDs converts a set to UIDs that cannot come to include later messages. With exact they are those of existing
// messages.
func (c *Client) closedUIDs(ctx context.Context, set NumSet, seqs *follower, exact bool) (UIDSet, error) {
	uids, isUIDs := set.(UIDSet)
	switch {
	case seqs != nil:
		return c.uidsOf(ctx, seqs)
	case exact || !isUIDs:
		return c.existingUIDs(ctx, set)
	case !isOpen(uids):
		return uids, nil
	}
	last, err := c.existingUIDs(ctx, UIDs(0))
	if err != nil || len(last) == 0 {
		return nil, err
	}
	return closeSet(uids, highest(last)), nil
}

// uidsOf returns the UIDs of the messages whose numbers are followed. The numbers in one command are exact, because the
// server must not remove messages while it runs; the command is repeated if one is removed nevertheless.
func (c *Client) uidsOf(ctx context.Context, seqs *follower) (UIDSet, error) {
	const tries = 5
	var uids UIDSet
	most := uint32(0)
	for failures := 0; failures < tries; {
		one := &numbersToUIDs{seqs: seqs, most: most, asRange: c.Enabled("QRESYNC")}
		switch err := one.run(ctx, c); {
		case errors.Is(err, errAllGone):
			return uids.normalize(), nil
		case err != nil && (!one.p.partial || errors.Is(err, errNotAllUIDs)):
			return nil, err
		case one.p.partial && len(one.uids) == 0:
			if most = one.p.limit.most; failures > 0 {
				most = max(most/2, 1)
			}
			failures++
		case !seqs.keepBelow(one.lowest, one.changes):
			failures++
		default:
			uids, failures = append(uids, one.uids...), 0
		}
	}
	return nil, failed("FETCH", errRenumbered)
}

// numbersToUIDs requests the UIDs of the highest of the followed numbers.
type numbersToUIDs struct {
	seqs    *follower
	most    uint32 // numbers per command, 0 for as many as fit in a line
	asRange bool   // all numbers in one command, whatever is between them
	asked   SeqSet
	changes int
	lowest  SeqNum
	exists  uint32 // messages in the mailbox when the command was sent
	uids    UIDSet
	p       progress
}

var errNotAllUIDs = errors.New("the server did not send the UIDs of all messages")

func (n *numbersToUIDs) run(ctx context.Context, c *Client) error {
	op := c.newFetch(target{set: SeqSet{}}, nil)
	op.command.encode = func(e *encoder) {
		set, changes, err := n.seqs.now()
		if err != nil {
			e.fail(err)
			return
		}
		if box := c.Mailbox(); box != nil {
			n.exists = box.Exists
		}
		n.asked, n.changes = n.choose(set), changes
		op.target.set = n.asked
		if n.asRange && !isOpen(n.asked) {
			op.target.set = SeqRange(n.asked[0].Start, n.asked[len(n.asked)-1].Stop)
		}
		op.encodeItems(e, nil)
	}
	var failure, unread error
	lowest := SeqNum(0)
	op.run(ctx, func(m *Message, err error) bool {
		switch {
		case m == nil:
			failure = err
			return false
		case m.UID == 0: // as a UID it would mean "*"
			unread = err
			return true
		}
		if n.asked.Contains(m.SeqNum) || isOpen(n.asked) {
			n.uids = append(n.uids, Range[UID]{m.UID, m.UID})
			n.p.note(m.UID)
			if lowest == 0 || m.SeqNum < lowest {
				lowest = m.SeqNum
			}
		}
		return true
	})
	n.p.ended(&op.status, failure)
	if n.lowest = lowest; !n.p.partial && len(n.asked) > 0 {
		n.lowest = n.asked[0].first()
		if n.asked[0].Start == 0 {
			n.lowest = 1
		}
	}
	if (failure == nil || n.p.partial) && (unread != nil || n.uids.Len() < n.certain()) {
		if unread != nil {
			return failed(op.name, fmt.Errorf("%w: %w", errNotAllUIDs, unread))
		}
		return failed(op.name, errNotAllUIDs)
	}
	return failure
}

// certain returns how many of the requested messages certainly exist. In a partial answer these are the ones from the lowest
// returned number on, because a server with a limit begins with the highest (RFC 9738 section 3.1).
func (n *numbersToUIDs) certain() uint64 {
	asked := n.asked
	if isOpen(asked) && n.p.partial {
		asked = closeSet(asked, SeqNum(n.exists))
	}
	if n.exists == 0 || n.lowest == 0 || isOpen(asked) {
		return 0
	}
	return from(below(asked, SeqNum(n.exists)+1), n.lowest).Len()
}

// choose returns the highest numbers of a set, as many as go into one command.
func (n *numbersToUIDs) choose(set SeqSet) SeqSet {
	if isOpen(set) && n.exists > 0 && len(splitSet(set, maxSetOctets)) > 1 {
		set = closeSet(set, SeqNum(n.exists))
	}
	if isOpen(set) || n.asRange && n.most == 0 {
		return set
	}
	if n.most > 0 {
		set = set.pieces(uint64(n.most))[0]
	}
	parts := splitSet(set, maxSetOctets)
	return parts[len(parts)-1].(SeqSet)
}

// Batch is a part of a set of messages.
type Batch struct {
	UIDs  UIDSet
	Done  uint64 // messages in the batches before this one
	Total uint64 // messages in all batches
}

// Batches splits a set into parts of at most size messages, from the newest down, for calls about very many messages: each
// part can be passed to Fetch, Store, Copy, Move or UIDExpunge, and the progress can be displayed and stored. The messages
// are those that exist when the loop begins (UID SEARCH, or UIDBATCHES if the set is UIDRange(1, 0) and the server offers
// it; selected). An error ends the loop.
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
// If the parts come from UIDBATCHES, UIDs are ranges with size messages but more numbers; Done and Total still count
// messages.
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
		return nil, 0, unsent("UID SEARCH", argError("Batches: the size is not positive"))
	}
	if emptySet(set) {
		return nil, 0, nil
	}
	c = c.pin()
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
	uids, err := c.closedUIDs(ctx, normalSet(set), seqs, true)
	if err != nil {
		return nil, 0, err
	}
	return uids.pieces(uint64(size)), uids.Len(), nil
}

// UIDBatches returns ranges of UIDs with size messages each, from the newest down (UIDBATCHES, RFC 10022; capability
// UIDBATCHES; selected). from and to are numbers of batches, counted from 1; if both are 0, all are returned. The oldest
// range ends with UID 1 and may have fewer messages. If the size is too small for the server, the error has CodeTooFew.
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
	a.cmd.weight = len(set) * (sliceCost + 2*rangeCost)
	return mine, nil
}

// Storable returns those of the flags that the mailbox can store permanently, in the given order: the flags of
// PermanentFlags, and any keyword if that contains \*. If the server did not send PERMANENTFLAGS, all flags but \Recent can
// be stored. It is for messages that are appended to a mailbox or copied from another server (RFC 9051 section 7.1).
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
