package imap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// ThreadMessages puts messages into conversations as THREAD does (RFC 5256 section 3), without a server. The algorithm is
// REFERENCES or ORDEREDSUBJECT; another is an error for which errors.Is(err, errors.ErrUnsupported) holds. The messages need
// what SortItems asks for. The nodes hold UIDs or sequence numbers, as the type parameter says:
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
		return nil, errors.Join(argError("imap: not a THREAD algorithm that can be computed here"), errors.ErrUnsupported)
	}
	return threadNodes[N](t.root.children), nil
}

// threadHere is THREAD without a server.
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

// threadNodes makes the result of the tree.
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

// threadItem is a message in the tree, or the place of one that is not there.
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

// link puts a message under those that it refers to.
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

// item is the place of the message with an identifier.
func (t *threader) item(id string) *threadItem {
	item := t.ids[id]
	if item == nil {
		item = &threadItem{}
		t.ids[id] = item
	}
	return item
}

// referencesOf are the identifiers of the messages before this one, the oldest first.
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

// messageIDs finds identifiers in angle brackets.
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

// leave takes an item away from its parent.
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

// prune takes dummies away, whose children move up: to the top only where there is one.
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

// first is the message that stands for an item: of a dummy its first child.
func (t *threadItem) first() *Message {
	for t.m == nil && len(t.children) > 0 {
		t = t.children[0]
	}
	return t.m
}

// sortThreads sorts siblings by the date sent, with what is below dummies first, because it is their date. depth 0 sorts all
// levels, 1 the upper one alone.
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

// subject is the base subject of a thread, and whether it is a reply.
func (t *threadItem) subject() (base string, reply bool) {
	m := t.first()
	if m == nil || m.Envelope == nil {
		return "", false
	}
	base, reply = baseSubject(m.Envelope.Subject)
	return fold(base), reply
}

// mergeSubjects puts threads of the same subject together.
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
	// What a dummy took in after it was kept is not at the top any more.
	t.root.children = slices.DeleteFunc(kept, func(k *threadItem) bool { return k.parent != &t.root })
}

// merge takes in a thread of the same subject. Where neither answers the other the result is a dummy above both.
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
