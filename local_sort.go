package imap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// SortItems returns the items to fetch for SortMessages and ThreadMessages.
func SortItems() []FetchItem {
	return []FetchItem{FetchEnvelope, FetchInternalDate, FetchSize, referencesSection}
}

// referencesSection is the header field that links the messages of a conversation.
var referencesSection = Section{Specifier: "HEADER", Fields: []string{"References"}}

// SortMessages sorts messages as SORT does (RFC 5256 section 3), without a server: by the keys ARRIVAL, CC, DATE, FROM,
// SIZE, SUBJECT, TO, DISPLAYFROM and DISPLAYTO, and by their sequence number if all keys are equal. The messages should
// have the data that SortItems requests; missing data sorts as empty. The case of text is ignored. For another key it
// returns an error for which errors.Is(err, errors.ErrUnsupported) holds, and does not sort.
func SortMessages(msgs []*Message, keys []SortKey) error {
	if len(keys) == 0 {
		return argError("SORT without a key")
	}
	compare := make([]func(a, b *sortValues) int, len(keys))
	for i, k := range keys {
		f := localSortKeys[strings.ToUpper(k.Name)]
		if f == nil {
			return errors.Join(argError("imap: a sort key that the client does not support"), errors.ErrUnsupported)
		}
		if compare[i] = f; k.Reverse {
			compare[i] = func(a, b *sortValues) int { return f(b, a) }
		}
	}
	all := make([]*sortValues, len(msgs))
	for i, m := range msgs {
		all[i] = newSortValues(m)
	}
	slices.SortStableFunc(all, func(a, b *sortValues) int {
		for _, f := range compare {
			if c := f(a, b); c != 0 {
				return c
			}
		}
		return a.byNumber(b)
	})
	for i, v := range all {
		msgs[i] = v.m
	}
	return nil
}

// sortValues are the values of a message by which it is sorted.
type sortValues struct {
	m                                        *Message
	sent                                     time.Time
	subject                                  string // the base subject, folded
	from, to, cc, displayedFrom, displayedTo string
}

var localSortKeys = map[string]func(a, b *sortValues) int{
	"ARRIVAL":     func(a, b *sortValues) int { return a.m.InternalDate.Compare(b.m.InternalDate) },
	"CC":          func(a, b *sortValues) int { return strings.Compare(a.cc, b.cc) },
	"DATE":        func(a, b *sortValues) int { return a.sent.Compare(b.sent) },
	"FROM":        func(a, b *sortValues) int { return strings.Compare(a.from, b.from) },
	"SIZE":        func(a, b *sortValues) int { return cmp.Compare(a.m.Size, b.m.Size) },
	"SUBJECT":     func(a, b *sortValues) int { return strings.Compare(a.subject, b.subject) },
	"TO":          func(a, b *sortValues) int { return strings.Compare(a.to, b.to) },
	"DISPLAYFROM": func(a, b *sortValues) int { return strings.Compare(a.displayedFrom, b.displayedFrom) },
	"DISPLAYTO":   func(a, b *sortValues) int { return strings.Compare(a.displayedTo, b.displayedTo) },
}

func newSortValues(m *Message) *sortValues {
	v := &sortValues{m: m, sent: sentDate(m)}
	if e := m.Envelope; e != nil {
		v.subject = fold(BaseSubject(e.Subject))
		v.from, v.to, v.cc = firstMailbox(e.From), firstMailbox(e.To), firstMailbox(e.CC)
		v.displayedFrom, v.displayedTo = firstDisplayed(e.From), firstDisplayed(e.To)
	}
	return v
}

func (v *sortValues) byNumber(other *sortValues) int {
	return cmp.Or(cmp.Compare(v.m.SeqNum, other.m.SeqNum), cmp.Compare(v.m.UID, other.m.UID))
}

// sentDate returns the Date field, or else the internal date (RFC 5256 section 2.2).
func sentDate(m *Message) time.Time {
	if m.Envelope == nil || m.Envelope.Date.IsZero() {
		return m.InternalDate
	}
	return m.Envelope.Date
}

// fold returns s in a form for comparing text without case.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func firstMailbox(list []Address) string {
	if len(list) == 0 {
		return ""
	}
	return fold(list[0].Mailbox)
}

// firstDisplayed returns the display form of the first address (RFC 5957 section 3).
func firstDisplayed(list []Address) string {
	if len(list) == 0 {
		return ""
	}
	return fold(cmp.Or(list[0].Name, list[0].Addr()))
}

// BaseSubject returns a subject without the additions of replies and forwards, "Re:", "Fwd:", "(fwd)", "[Fwd: …]", and
// without the name of a mailing list in brackets (RFC 5256 section 2.1). The messages of a conversation usually have
// the same base subject, which may be "". The subject must be decoded, as Envelope.Subject is.
func BaseSubject(subject string) string {
	base, _ := baseSubject(subject)
	return base
}

// baseSubject is like BaseSubject, and also reports whether the subject is that of a reply or forward.
func baseSubject(s string) (base string, reply bool) {
	s = strings.Join(strings.FieldsFunc(s, isSubjectSpace), " ")
	for {
		trimmed, found := trimTrailers(s)
		s, reply = trimmed, reply || found
		for {
			before := s
			if rest, ok := cutReply(s); ok {
				s, reply = rest, true
			} else if rest := strings.TrimLeft(cutBlob(s), " "); rest != "" {
				s = rest
			}
			if s = strings.TrimLeft(s, " "); s == before {
				break
			}
		}
		const forward = "[fwd:"
		if len(s) <= len(forward) || !strings.EqualFold(s[:len(forward)], forward) || s[len(s)-1] != ']' {
			return s, reply
		}
		s, reply = strings.Trim(s[len(forward):len(s)-1], " "), true
	}
}

func isSubjectSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// trimTrailers removes "(fwd)" and blanks from the end.
func trimTrailers(s string) (rest string, found bool) {
	const trailer = "(fwd)"
	for {
		s = strings.TrimRight(s, " ")
		if len(s) < len(trailer) || !strings.EqualFold(s[len(s)-len(trailer):], trailer) {
			return s, found
		}
		s, found = s[:len(s)-len(trailer)], true
	}
}

// cutReply removes blobs, "re", "fw" or "fwd", a blob and a colon from the start.
func cutReply(s string) (rest string, ok bool) {
	for {
		after := strings.TrimLeft(cutBlob(s), " ")
		if after == s {
			break
		}
		s = after
	}
	for _, word := range []string{"fwd", "fw", "re"} {
		if len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) {
			s = cutBlob(strings.TrimLeft(s[len(word):], " "))
			return strings.CutPrefix(strings.TrimLeft(s, " "), ":")
		}
	}
	return s, false
}

// cutBlob removes text in brackets from the start, if there is any.
func cutBlob(s string) string {
	if !strings.HasPrefix(s, "[") {
		return s
	}
	if i := strings.IndexAny(s[1:], "[]"); i >= 0 && s[1+i] == ']' {
		return s[i+2:]
	}
	return s
}

// ---- sorting instead of the server

// sortsHere reports whether the client sorts, because the server cannot and Options.LocalSort allows it.
func (c *Client) sortsHere(ctx context.Context, capability string) bool {
	if !c.e.opts.LocalSort {
		return false
	}
	caps, err := c.knownCaps(ctx)
	return err == nil && !caps.offers(capability)
}

// sortsAll reports whether the client sorts, because the server sorted only a part of the messages according to err.
func (c *Client) sortsAll(q Query, err error) bool {
	_, refused := limitOf(err)
	return (refused || isPartial(err)) && c.e.opts.LocalSort && !c.e.opts.StopAtLimit && !q.sentOnce()
}

// matching fetches the data for sorting the matching messages.
func matching[N UID | SeqNum](ctx context.Context, c *Client, q Query) (msgs []*Message, err error) {
	if _, uid := any(N(0)).(UID); uid {
		return matchingNow[N](ctx, c, q)
	}
	err = c.untilUnchanged("SORT", func() error {
		msgs, err = matchingNow[N](ctx, c, q)
		return err
	})
	return msgs, err
}

// untilUnchanged runs an operation of several commands that returns sequence numbers, and repeats it if messages were removed
// meanwhile.
func (c *Client) untilUnchanged(name string, run func() error) error {
	const tries = 5
	for range tries {
		before := c.count().removed
		if err := run(); err != nil || c.count().removed == before {
			return err
		}
	}
	return failed(name, errRenumbered)
}

func matchingNow[N UID | SeqNum](ctx context.Context, c *Client, q Query) ([]*Message, error) {
	if _, uid := any(N(0)).(UID); uid {
		found, err := c.Search(ctx, q, nil)
		if err != nil {
			return nil, err
		}
		msgs, err := Collect(c.Fetch(ctx, found.UIDs, SortItems()...))
		if missing := found.UIDs.Minus(uidsOf(msgs)); err == nil && len(missing) > 0 { // removed, or left out by the server
			if missing, err = c.existingUIDs(ctx, missing); err != nil {
				return nil, err
			}
			for uid := range missing.All() {
				msgs = append(msgs, &Message{UID: uid})
			}
		}
		return joinParts(msgs), err
	}
	found, err := c.SearchSeq(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	msgs, err := Collect(c.Fetch(ctx, found.Seqs, SortItems()...))
	var there SeqSet
	for _, m := range msgs {
		there.add(m.SeqNum)
	}
	for num := range found.Seqs.Minus(there.normalize()).All() {
		msgs = append(msgs, &Message{SeqNum: num})
	}
	return joinParts(msgs), err
}

// joinParts merges messages with the same UID into one.
func joinParts(msgs []*Message) []*Message {
	first := make(map[UID]*Message, len(msgs))
	return slices.DeleteFunc(msgs, func(m *Message) bool {
		before := first[m.UID]
		if before == nil || m.UID == 0 {
			first[m.UID] = m
			return false
		}
		before.add(m)
		return true
	})
}

// sortHere implements SORT in the client.
func sortHere[N UID | SeqNum](ctx context.Context, c *Client, keys []SortKey, q Query) ([]N, error) {
	if err := SortMessages(nil, keys); err != nil {
		return nil, unsent("SORT", err)
	}
	msgs, err := matching[N](ctx, c, q)
	if err != nil {
		return nil, err
	}
	if err := SortMessages(msgs, keys); err != nil {
		return nil, err
	}
	nums := make([]N, len(msgs))
	for i, m := range msgs {
		nums[i] = numberOf[N](m)
	}
	return nums, nil
}

// numberOf returns the UID or sequence number of a message, depending on N.
func numberOf[N UID | SeqNum](m *Message) N {
	if _, uid := any(N(0)).(UID); uid {
		return N(m.UID)
	}
	return N(m.SeqNum)
}

// ThreadMessages groups messages into conversations as THREAD does (RFC 5256 section 3), without a server. The
// algorithm is REFERENCES or ORDEREDSUBJECT; for another one it returns an error for which errors.Is(err,
// errors.ErrUnsupported) holds. The messages should have the data that SortItems requests. The type parameter selects
// UIDs or sequence numbers:
//
//	threads, err := imap.ThreadMessages[imap.UID](msgs, "REFERENCES")
func ThreadMessages[N UID | SeqNum](msgs []*Message, algorithm string) ([]*ThreadNode[N], error) {
	t := &threader{}
	switch strings.ToUpper(algorithm) {
	case "REFERENCES":
		t.references(msgs)
	case "ORDEREDSUBJECT":
		t.orderedSubject(msgs)
	default:
		return nil, errors.Join(argError("imap: a THREAD algorithm that the client does not support"), errors.ErrUnsupported)
	}
	return threadNodes[N](t.root.children), nil
}

// threadHere implements THREAD in the client.
func threadHere[N UID | SeqNum](ctx context.Context, c *Client, algorithm string, q Query) ([]*ThreadNode[N], error) {
	if _, err := ThreadMessages[N](nil, algorithm); err != nil {
		return nil, unsent("THREAD", err)
	}
	msgs, err := matching[N](ctx, c, q)
	if err != nil {
		return nil, err
	}
	return ThreadMessages[N](msgs, algorithm)
}

// threadNodes converts the tree to the result.
func threadNodes[N UID | SeqNum](children []*threadItem) []*ThreadNode[N] {
	var nodes []*ThreadNode[N]
	for _, t := range children {
		node := &ThreadNode[N]{Children: threadNodes[N](t.children)}
		if t.m != nil {
			node.Num = numberOf[N](t.m)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// threadItem is a message in the tree, or a dummy for a missing one.
type threadItem struct {
	m        *Message // nil: a dummy
	parent   *threadItem
	children []*threadItem
}

// threader builds the tree.
type threader struct {
	root threadItem
	ids  map[string]*threadItem
}

// references is the algorithm REFERENCES; the numbers are those of its steps in the RFC.
func (t *threader) references(msgs []*Message) {
	t.ids = make(map[string]*threadItem, len(msgs))
	var all []*threadItem
	for _, m := range msgs { // (1)
		all = append(all, t.link(m))
	}
	for _, item := range all { // (2)
		top := item
		for top.parent != nil && top.parent != &t.root {
			top = top.parent
		}
		if top.parent == nil {
			t.root.adopt(top)
		}
	}
	t.root.prune(true)              // (3)
	sortThreads(t.root.children, 1) // (4)
	t.mergeSubjects()               // (5)
	sortThreads(t.root.children, 0) // (6)
}

// link puts a message below those that it refers to.
func (t *threader) link(m *Message) *threadItem {
	var parent *threadItem
	for _, id := range referencesOf(m) {
		item := t.item(id)
		if parent != nil && item.parent == nil && !item.contains(parent) {
			parent.adopt(item)
		}
		parent = item
	}
	item := &threadItem{m: m}
	if m.Envelope != nil {
		if ids := messageIDs(m.Envelope.MessageID); len(ids) > 0 && (t.ids[ids[0]] == nil || t.ids[ids[0]].m == nil) {
			item = t.item(ids[0])
			item.m = m
		}
	}
	if parent != nil && !item.contains(parent) {
		item.leave()
		parent.adopt(item)
	} else if parent == nil {
		item.leave()
	}
	return item
}

// item returns the item of the message with the given identifier.
func (t *threader) item(id string) *threadItem {
	item := t.ids[id]
	if item == nil {
		item = &threadItem{}
		t.ids[id] = item
	}
	return item
}

// referencesOf returns the identifiers of the earlier messages in the conversation, the oldest first.
func referencesOf(m *Message) []string {
	if ids := messageIDs(string(m.Section(referencesSection))); len(ids) > 0 {
		return ids
	}
	if m.Envelope == nil {
		return nil
	}
	ids := messageIDs(m.Envelope.InReplyTo)
	return ids[:min(len(ids), 1)]
}

// messageIDs returns the identifiers in angle brackets.
func messageIDs(s string) (ids []string) {
	for {
		_, rest, ok := strings.Cut(s, "<")
		id, after, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			return ids
		}
		if id = strings.Join(strings.Fields(id), ""); strings.Contains(id, "@") {
			ids = append(ids, id)
		}
		s = after
	}
}

func (t *threadItem) adopt(child *threadItem) {
	child.parent = t
	t.children = append(t.children, child)
}

// leave removes an item from its parent.
func (t *threadItem) leave() {
	if t.parent == nil {
		return
	}
	i := slices.Index(t.parent.children, t)
	t.parent.children = slices.Delete(t.parent.children, i, i+1)
	t.parent = nil
}

// contains reports whether other is t or below it.
func (t *threadItem) contains(other *threadItem) bool {
	if t == other || len(t.children) == 0 {
		return t == other
	}
	for ; other != nil; other = other.parent {
		if other == t {
			return true
		}
	}
	return false
}

// prune removes dummies; their children move up, to the top only if there is just one.
func (t *threadItem) prune(top bool) {
	var kept []*threadItem
	for _, child := range t.children {
		child.prune(false)
		switch {
		case child.m != nil, len(child.children) > 1 && top:
			kept = append(kept, child)
		default:
			kept = append(kept, child.children...)
		}
	}
	for _, child := range kept {
		child.parent = t
	}
	t.children = kept
}

// first returns the message that represents an item; for a dummy its first child.
func (t *threadItem) first() *Message {
	for t.m == nil && len(t.children) > 0 {
		t = t.children[0]
	}
	return t.m
}

// sortThreads sorts siblings by their sent date. It sorts the children of dummies first, because they determine the date of
// the dummy. depth 0 sorts all levels, 1 only the top one.
func sortThreads(siblings []*threadItem, depth int) {
	for _, t := range siblings {
		if depth == 0 || t.m == nil {
			sortThreads(t.children, depth)
		}
	}
	slices.SortStableFunc(siblings, func(a, b *threadItem) int { return compareSent(a.first(), b.first()) })
}

func compareSent(a, b *Message) int {
	if a == nil || b == nil {
		return 0
	}
	return cmp.Or(sentDate(a).Compare(sentDate(b)), cmp.Compare(a.SeqNum, b.SeqNum), cmp.Compare(a.UID, b.UID))
}

// subject returns the base subject of a thread, and whether its message is a reply.
func (t *threadItem) subject() (base string, reply bool) {
	m := t.first()
	if m == nil || m.Envelope == nil {
		return "", false
	}
	base, reply = baseSubject(m.Envelope.Subject)
	return fold(base), reply
}

// mergeSubjects merges threads with the same subject.
func (t *threader) mergeSubjects() {
	table := make(map[string]*threadItem)
	for _, item := range t.root.children {
		subject, reply := item.subject()
		if subject == "" {
			continue
		}
		old := table[subject]
		if old == nil {
			table[subject] = item
			continue
		}
		if _, oldReply := old.subject(); old.m != nil && (item.m == nil || oldReply && !reply) {
			table[subject] = item
		}
	}
	var kept []*threadItem
	for _, item := range t.root.children {
		if item.parent != &t.root {
			continue
		}
		subject, reply := item.subject()
		into := table[subject]
		if subject == "" || into == item {
			kept = append(kept, item)
			continue
		}
		if dummy := into.merge(item, reply); dummy != nil {
			table[subject] = dummy
			kept = append(kept, dummy)
		}
	}
	// An item that was kept, and then put below a dummy, is not at the top any more.
	t.root.children = slices.DeleteFunc(kept, func(k *threadItem) bool { return k.parent != &t.root })
}

// merge adds a thread with the same subject. If neither is a reply to the other, the result is a dummy above both.
func (t *threadItem) merge(item *threadItem, reply bool) (dummy *threadItem) {
	_, isReply := t.subject()
	switch {
	case t.m == nil && item.m == nil:
		for _, child := range item.children {
			t.adopt(child)
		}
	case t.m == nil, reply && !isReply:
		t.adopt(item)
	default:
		dummy = &threadItem{parent: t.parent}
		dummy.adopt(t)
		dummy.adopt(item)
	}
	return dummy
}

// orderedSubject is the algorithm ORDEREDSUBJECT: the first message of a subject is the parent of all others.
func (t *threader) orderedSubject(msgs []*Message) {
	type keyed struct {
		m       *Message
		subject string
		sent    time.Time
	}
	all := make([]keyed, len(msgs))
	for i, m := range msgs {
		all[i] = keyed{m: m, sent: sentDate(m)}
		if m.Envelope != nil {
			all[i].subject = fold(BaseSubject(m.Envelope.Subject))
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), compareSent(a.m, b.m))
	})
	for i, k := range all {
		item := &threadItem{m: k.m}
		if i > 0 && all[i-1].subject == k.subject {
			t.root.children[len(t.root.children)-1].adopt(item)
		} else {
			t.root.adopt(item)
		}
	}
	sortThreads(t.root.children, 1)
}
