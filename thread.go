package imap

import (
	"context"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// ThreadNode is a message with those that answer it.
type ThreadNode[N UID | SeqNum] struct {
	Num      N // 0: a parent that is not in the mailbox, or not among what was found
	Children []*ThreadNode[N]
}

// Thread returns the messages that match as conversations, by UID (UID THREAD, RFC 5256; capability THREAD= with the
// algorithm, or Options.LocalSort; selected). The algorithm is one that the server offers: ORDEREDSUBJECT, REFERENCES, or
// REFS, which Dovecot and Cyrus have; with Options.LocalSort always one of the first two. Children can be as deep as a conversation is long: walk them with a loop or an explicit stack.
func (c *Client) Thread(ctx context.Context, algorithm string, q Query) ([]*ThreadNode[UID], error) {
	return threadMessages[UID](ctx, c, "UID THREAD", algorithm, q)
}

// ThreadSeq is Thread by sequence number (THREAD, RFC 5256; capability THREAD= with the algorithm; selected).
func (c *Client) ThreadSeq(ctx context.Context, algorithm string, q Query) ([]*ThreadNode[SeqNum], error) {
	return threadMessages[SeqNum](ctx, c, "THREAD", algorithm, q)
}

func threadMessages[N UID | SeqNum](ctx context.Context, c *Client, name, algorithm string, q Query) ([]*ThreadNode[N], error) {
	algorithm = strings.ToUpper(algorithm)
	if c.sortsHere(ctx, "THREAD="+algorithm) {
		return threadHere[N](ctx, c, algorithm, q)
	}
	var t *threading[N]
	fresh := func() *threading[N] { return &threading[N]{maxLine: c.conn.Limits.MaxLine} }
	err := q.inCharset(func(cs *charset) (err error) {
		cmd := sortCommand(name, q)
		cmd.encode = func(e *encoder) {
			e.sp().atom("a THREAD algorithm", algorithm)
			if e.err == nil {
				e.need("THREAD=" + algorithm)
			}
			q.encodeAll(e, cs)
		}
		t, err = gather(ctx, c, cmd, fresh)
		return err
	})
	switch {
	case c.sortsAll(q, err):
		return threadHere[N](ctx, c, algorithm, q)
	case t == nil:
		return nil, err
	}
	return t.roots, err
}

// threading builds the trees of THREAD responses. Long chains are links in one list, not nested on the wire: they cost
// no depth. Nodes come from slabs, because there is one for every two or three octets.
type threading[N UID | SeqNum] struct {
	maxLine int
	read    int // octets of the answer so far
	roots   []*ThreadNode[N]
	nodes   []ThreadNode[N]
	links   []*ThreadNode[N]
	lengths [11]int64 // how many numbers came of each length; at 0 those of parents that are missing
	count   int64
}

// threadSlab is how many nodes are made at once.
const threadSlab = 128

// take claims THREAD.
func (t *threading[N]) take(r *response) (claim, error) {
	if r.name != "THREAD" {
		return notMine, nil
	}
	if t.read += len(r.text); t.read > t.maxLine {
		return mine, &LimitError{"MaxLine", int64(t.maxLine)}
	}
	return mine, t.takeThreads(r)
}

// takeThreads reads "(2)(3 6 (4 23)(44 7 96))": in a list each number is the parent of what follows, and lists behind it
// are its children. A list that starts with lists has a parent that is missing.
func (t *threading[N]) takeThreads(r *response) error {
	var around []*[]*ThreadNode[N]
	at, first := &t.roots, false
	for !r.atEnd() {
		var err error
		switch c := r.peek(); {
		case c == '(':
			if first {
				at, err = t.add(r, at, 0, 0)
			}
			if err == nil {
				err = r.enter()
			}
			around, first = append(around, at), true
		case c == ')' && len(around) > 0:
			err = r.leave()
			at, first = around[len(around)-1], false
			around = around[:len(around)-1]
			dropEmpty(at)
		case ascii.IsDigit(c) && len(around) > 0:
			at, err = t.message(r, at)
			first = false
		default:
			err = r.errorf("expected a thread")
		}
		if err != nil {
			return err
		}
	}
	if len(around) > 0 {
		return r.errorf("expected )")
	}
	return nil
}

// dropEmpty takes a thread without messages away again: "(())" is none.
func dropEmpty[N UID | SeqNum](threads *[]*ThreadNode[N]) {
	last := len(*threads) - 1
	if last < 0 || (*threads)[last].Num != 0 || len((*threads)[last].Children) > 0 {
		return
	}
	if *threads = (*threads)[:last]; last == 0 {
		*threads = nil
	}
}

// message reads a number and puts it under its parent.
func (t *threading[N]) message(r *response, at *[]*ThreadNode[N]) (*[]*ThreadNode[N], error) {
	start := r.pos
	n, err := r.number32()
	if err != nil {
		return at, err
	}
	if r.text[start] == '0' {
		return at, r.errorf("expected the number of a message")
	}
	return t.add(r, at, N(n), r.pos-start)
}

// add puts a node under its parent and returns where its own children go. No message can come twice, and there are only
// so many numbers of a length: this bounds the memory by the octets received.
func (t *threading[N]) add(r *response, at *[]*ThreadNode[N], n N, length int) (*[]*ThreadNode[N], error) {
	t.lengths[length]++
	if length > 0 {
		t.count++
		if t.lengths[length] > numbersOfLength[length] {
			return at, r.errorf("expected each message once")
		}
	} else if t.lengths[0] > t.count+int64(r.max) {
		return at, r.errorf("expected a message in each thread")
	}
	if len(t.nodes) == 0 {
		t.nodes, t.links = make([]ThreadNode[N], threadSlab), make([]*ThreadNode[N], threadSlab)
	}
	node := &t.nodes[0]
	t.nodes = t.nodes[1:]
	node.Num = n
	if *at == nil && at != &t.roots {
		*at = t.links[:0:1] // most messages have one answer
		t.links = t.links[1:]
	}
	*at = append(*at, node)
	return &node.Children, nil
}

// numbersOfLength says how many decimal numbers there are of each length.
var numbersOfLength = [11]int64{0, 9, 90, 900, 9_000, 90_000, 900_000, 9_000_000, 90_000_000, 900_000_000, 1 << 31}
