package imaptest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// threadNode is a message of a thread, or the place of one that is missing.
type threadNode struct {
	index    int // in the view; -1 when missing
	date     time.Time
	parent   *threadNode
	children []*threadNode
}

func cmdThread(s *session, p *parser) error {
	a := &searchArgs{}
	p.sp()
	algorithm := p.word()
	p.sp()
	charset := p.astring()
	p.sp()
	if err := s.searchKeys(p, a, charset); err != nil {
		return err
	}
	if s.srv.disabled["THREAD="+algorithm] {
		return bad("Unknown THREAD algorithm")
	}
	var roots []*threadNode
	switch algorithm {
	case "REFERENCES", "REFS":
		roots = s.threadReferences(s.hits(a.match, nil, 0))
	case "ORDEREDSUBJECT":
		roots = s.threadSubjects(s.hits(a.match, nil, 0))
	default:
		return bad("Unknown THREAD algorithm")
	}
	s.out.WriteString("* THREAD")
	if len(roots) > 0 {
		s.out.WriteString(" ")
	}
	for _, n := range roots {
		s.out.WriteString("(")
		s.writeThread(n)
		s.out.WriteString(")")
	}
	s.out.WriteString("\r\n")
	return nil
}

func (s *session) newNode(i int) *threadNode {
	return &threadNode{index: i, date: s.view[i].sentOrArrived()}
}

// threadSubjects makes the first message of each subject the parent of the
// others.
func (s *session) threadSubjects(hits []int) []*threadNode {
	groups := map[string]*threadNode{}
	var roots []*threadNode
	slices.SortStableFunc(hits, func(i, j int) int {
		return s.view[i].sentOrArrived().Compare(s.view[j].sentOrArrived())
	})
	for _, i := range hits {
		n := s.newNode(i)
		subject := s.view[i].baseSubject()
		if first := groups[subject]; first != nil {
			first.children = append(first.children, n)
			continue
		}
		groups[subject] = n
		roots = append(roots, n)
	}
	return roots
}

// threadReferences links messages by their identifiers. It omits the
// last step of RFC 5256, which joins threads with the same subject.
func (s *session) threadReferences(hits []int) []*threadNode {
	nodes := map[string]*threadNode{}
	var all []*threadNode
	get := func(id string) *threadNode {
		if nodes[id] == nil {
			nodes[id] = &threadNode{index: -1}
			all = append(all, nodes[id])
		}
		return nodes[id]
	}
	for _, i := range hits {
		root := s.view[i].structure()
		id := root.get("Message-ID")
		if n := nodes[id]; id == "" || n != nil && n.index >= 0 {
			id = fmt.Sprintf("missing or used again %d", i)
		}
		n := get(id)
		n.index, n.date = i, s.view[i].sentOrArrived()
		var last *threadNode
		for _, ref := range references(root) {
			next := get(ref)
			if next.parent == nil {
				next.link(last)
			}
			last = next
		}
		n.link(last)
	}
	var roots []*threadNode
	for _, n := range all {
		if n.parent == nil {
			roots = append(roots, n.prune(true)...)
		}
	}
	sortNodes(roots)
	return roots
}

// references returns the identifiers of the ancestors, oldest first.
func references(p *part) []string {
	if refs := strings.Fields(p.get("References")); len(refs) > 0 {
		return refs
	}
	refs := strings.Fields(p.get("In-Reply-To"))
	return refs[:min(1, len(refs))]
}

// link moves n below parent unless that would make a loop.
func (n *threadNode) link(parent *threadNode) {
	for p := parent; p != nil; p = p.parent {
		if p == n {
			return
		}
	}
	if old := n.parent; old != nil && parent != nil {
		old.children = slices.DeleteFunc(old.children, func(c *threadNode) bool { return c == n })
	}
	if parent != nil {
		n.parent = parent
		parent.children = append(parent.children, n)
	}
}

// prune returns n, or its children when n is the place of a missing message
// that is not needed to hold them together.
func (n *threadNode) prune(root bool) []*threadNode {
	var children []*threadNode
	for _, c := range n.children {
		children = append(children, c.prune(false)...)
	}
	sortNodes(children)
	n.children = children
	if n.index >= 0 {
		return []*threadNode{n}
	}
	if !root || len(children) < 2 {
		return children
	}
	n.date = children[0].date
	return []*threadNode{n}
}

func sortNodes(list []*threadNode) {
	slices.SortStableFunc(list, func(a, b *threadNode) int {
		return cmp.Or(a.date.Compare(b.date), cmp.Compare(a.index, b.index))
	})
}

// writeThread writes a node and what is below it, without the outer
// parentheses.
func (s *session) writeThread(n *threadNode) {
	if n.index >= 0 {
		fmt.Fprint(&s.out, s.number(n.index))
		if len(n.children) > 0 {
			s.out.WriteString(" ")
		}
	}
	if len(n.children) == 1 {
		s.writeThread(n.children[0])
		return
	}
	for _, c := range n.children {
		s.out.WriteString("(")
		s.writeThread(c)
		s.out.WriteString(")")
	}
}
