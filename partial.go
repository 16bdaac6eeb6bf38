package imap

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// limitOf is limit of the server's NO.
func limitOf(err error) (messageLimit, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return parseLimit(e.Code, e.Args)
	}
	return messageLimit{}, false
}

// messageLimit returns how many messages one command may name, 0 for any number.
func (c Caps) messageLimit() uint32 {
	value, _ := c.value("MESSAGELIMIT=")
	return uint32(codeNumber(value, 32))
}

// target is which messages one command is about.
type target struct {
	set  NumSet
	seqs *follower // of a set of numbers: they are those that they were when the call began
}

// write writes the set as it has to be named now, and returns that.
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

// progress is what is known of a command about messages that has ended.
type progress struct {
	limit     messageLimit
	partial   bool // the server sent that it did not do all
	removed   bool // messages went while it ran
	low, high UID  // of the messages that it told of
	before    yields
}

// note counts a message that the server told of.
func (p *progress) note(uid UID) {
	if uid == 0 {
		return
	}
	if p.low == 0 || uid < p.low {
		p.low = uid
	}
	p.high = max(p.high, uid)
}

// ended takes what the tagged response says, be it OK or the NO that became err.
func (p *progress) ended(s *status, err error) {
	if p.limit, p.partial = limitOf(err); err == nil {
		p.limit, p.partial = s.limit()
	}
}

// job is a call about a set of messages, in as many commands as that takes: sets are too long for one line, and servers
// handle no more than so many messages at once (RFC 9738). All that comes behind the first command names messages by
// their UIDs, and is sent only while the mailbox is open in which the call began.
type job struct {
	c       *Client
	name    string
	whole   bool      // it cannot be done in parts
	bounded bool      // one command must name no more messages than the server handles
	parts   []NumSet  // not done yet
	seqs    *follower // of the only part, where that is a set of numbers
	most    uint64    // messages that were named in the part under way, where that was for a limit
}

// start begins a call about a valid set that is not empty. The caller must end it, also after an error.
func (j *job) start(ctx context.Context, set NumSet) error {
	c := j.c.pin()
	j.c, set = c, normalSet(set)
	c.mu.Lock()
	if seqs, ok := set.(SeqSet); ok {
		j.seqs = c.followLocked(seqs)
	}
	c.mu.Unlock()
	return j.plan(ctx, set)
}

// normalSet is a set with its ranges in order.
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
	// "$" is another set once messages have gone.
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

// portions cuts a set of UIDs into what can be named in one command each: in a line, and, with bounded, in a command that
// handles so many messages, from the highest down.
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

// pieces cuts a set that is not open into sets of so many numbers, from the highest down.
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

// mayName reports whether a set can name more messages than that.
func mayName(set NumSet, most uint64) bool {
	switch set := set.(type) {
	case UIDSet:
		return isOpen(set) && !isStar(set) || set.Len() > most
	case SeqSet:
		return isOpen(set) && !isStar(set) || set.Len() > most
	}
	return true
}

// isStar reports whether a set names the last message alone.
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

// eachPart runs a command about a set in as many commands as it takes. COPY does all or nothing.
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
		gone := j.c.count().gone
		p, err := run(j.c, t)
		p.removed = j.c.count().gone != gone
		if err = j.settle(ctx, t, p, err); err != nil && !first {
			return begun(j.name, err)
		} else if err != nil {
			return err
		}
	}
}

// settle takes what became of a part, and puts what is left of it in front of the others.
func (j *job) settle(ctx context.Context, t target, p progress, err error) error {
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
	rest, ok, failure := j.rest(ctx, t, p, err != nil)
	if errors.Is(failure, errRenumbered) {
		stop.Err = errors.Join(stop.Err, failure) // what is left of the numbers is not known
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
	if !ok || j.c.opts.StopAtLimit && len(rest) > 0 {
		return stop
	}
	j.dropNumbers()
	j.parts = append(rest, j.parts...)
	return nil
}

// rest returns what a command left undone; false where that is not known.
func (j *job) rest(ctx context.Context, t target, p progress, refused bool) (parts []NumSet, ok bool, err error) {
	set, isUIDs := t.set.(UIDSet)
	if !isUIDs {
		if set, err = j.c.uidsOf(ctx, t.seqs); err != nil || len(set) == 0 {
			return nil, true, err
		}
	}
	// A "*" that was removed is another message now.
	removed := p.removed && (isMove(j.name) || j.name == "UID EXPUNGE")
	switch done := !refused || p.low != 0 || removed; {
	case !done:
		parts, err = j.smaller(ctx, set, p.limit.most)
		return parts, len(parts) > 0, err
	case p.limit.uid == 0, p.low != 0 && p.low < p.limit.uid && p.high <= p.limit.uid:
		return nil, false, nil // it went upwards, or through no order at all
	case isUIDs && p.limit.uid > highest(set):
		return nil, false, nil // nothing of it was done
	}
	if left := below(set, p.limit.uid); len(left) > 0 {
		parts = splitSet(left, maxSetOctets)
	}
	return parts, true, nil
}

// smaller cuts a set that was refused as too large into parts of so many messages, or of half as many where that was
// tried already.
func (j *job) smaller(ctx context.Context, set UIDSet, most uint32) ([]NumSet, error) {
	uids, err := j.c.uidsThere(ctx, set)
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

// highest returns the highest number that a set names.
func highest[N UID | SeqNum](s Set[N]) N {
	var last N
	for _, r := range s {
		last = max(last, r.last())
	}
	return last
}

// lowest returns the lowest number that a set names.
func lowest[N UID | SeqNum](s Set[N]) N {
	first := s[0].first()
	for _, r := range s {
		first = min(first, r.first())
	}
	return first
}

// ---- what a set means

// uidsThere returns the UIDs of the messages that are there now and that a set of UIDs, or "$", names.
func (c *Client) uidsThere(ctx context.Context, set NumSet) (UIDSet, error) {
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

// closedUIDs returns a set as UIDs to which none can come. With exact they are those of messages that are there.
func (c *Client) closedUIDs(ctx context.Context, set NumSet, seqs *follower, exact bool) (UIDSet, error) {
	uids, isUIDs := set.(UIDSet)
	switch {
	case seqs != nil:
		return c.uidsOf(ctx, seqs)
	case exact || !isUIDs:
		return c.uidsThere(ctx, set)
	case !isOpen(uids):
		return uids, nil
	}
	last, err := c.uidsThere(ctx, UIDs(0))
	if err != nil || len(last) == 0 {
		return nil, err
	}
	return closeSet(uids, highest(last)), nil
}

// uidsOf returns the UIDs of the messages whose numbers are followed. The numbers of one command are exact, because no
// message may go while it runs; it is sent again where one goes nevertheless.
func (c *Client) uidsOf(ctx context.Context, seqs *follower) (UIDSet, error) {
	const tries = 5
	var uids UIDSet
	most := uint32(0)
	for failures := 0; failures < tries; {
		one := &numbersToUIDs{seqs: seqs, most: most, hull: c.Enabled("QRESYNC")}
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

// numbersToUIDs asks for the UIDs of the highest of the numbers that are followed.
type numbersToUIDs struct {
	seqs    *follower
	most    uint32 // numbers at once, 0 for as many as a line holds
	hull    bool   // all numbers in one command, whatever is between them
	asked   SeqSet
	changes int
	lowest  SeqNum
	exists  uint32 // messages in the mailbox when it was sent
	uids    UIDSet
	p       progress
}

var errNotAllUIDs = errors.New("the server did not tell the UIDs of all messages that it has")

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
		if n.hull && !isOpen(n.asked) {
			op.target.set = SeqRange(n.asked[0].Start, n.asked[len(n.asked)-1].Stop)
		}
		op.encodeItems(e, nil)
	}
	var failure error
	lowest := SeqNum(0)
	op.run(ctx, func(m *Message, err error) bool {
		if m == nil {
			failure = err
			return false
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
	if (failure == nil || n.p.partial) && n.uids.Len() < n.there() {
		return failed(op.name, errNotAllUIDs)
	}
	return failure
}

// there is how many of the messages that were asked for are there for certain: of a part, how many from the lowest on that
// came, because a server that does a part begins with the highest (RFC 9738 section 3.1).
func (n *numbersToUIDs) there() uint64 {
	asked := n.asked
	if isOpen(asked) && n.p.partial {
		asked = closeSet(asked, SeqNum(n.exists))
	}
	if n.exists == 0 || n.lowest == 0 || isOpen(asked) {
		return 0
	}
	return from(below(asked, SeqNum(n.exists)+1), n.lowest).Len()
}

// choose returns the highest of the numbers that go into one command.
func (n *numbersToUIDs) choose(set SeqSet) SeqSet {
	if isOpen(set) && n.exists > 0 && len(splitSet(set, maxSetOctets)) > 1 {
		set = closeSet(set, SeqNum(n.exists))
	}
	if isOpen(set) || n.hull && n.most == 0 {
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
