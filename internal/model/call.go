package model

import (
	"math"
	"slices"
	"time"
)

// A call is the caller's call in a step, with the changes that it may cause.
type call struct {
	op       string
	at       time.Time
	believed string   // the mailbox that is selected, as far as the caller knows
	names    []string // names of the commands that it may send
	first    int      // index of its first record
	views    []viewAt // what sequence numbers may mean to the caller
	lowest   uint32   // lowest number in the set of the call
	raw      bool     // Do: the caller is responsible for its effect
	blind    bool     // no mailbox is selected, as far as the caller knows
	left     bool     // a loop was left: an answer may be incomplete
	bare     bool     // no section is requested
	bodies   []string // what APPEND stores
	about    string   // the mailbox in its arguments
	opens    string   // the mailbox that it opens, in a pipeline
	parts    []*call  // the calls of a pipeline
	began    bool     // one of its commands was sent

	cut     bool // its ctx has ended
	unheard bool // it was given up before it could return the mailbox that it selects

	named   func(*message) bool              // reports whether a message is in the set of the call
	surely  func(m *message, last bool) bool // the same for any view that the caller may have; m may be the last message
	grows   bool                             // the set may include messages that arrive later, in one command
	flags   bool                             // the call changes flags
	copies  bool
	deletes bool // it removes the messages in its set
	deleted bool // it removes messages that are marked as deleted
	moves   bool // it removes only messages that it copied
	copied  map[*message]bool
}

func (c *call) String() string {
	if c == nil {
		return "no call"
	}
	return c.op
}

// always are commands that any call may send.
var always = []string{"CAPABILITY", "LOGOUT"}

func (c *call) sends(name string) bool {
	return slices.Contains(c.names, name) || slices.Contains(always, name)
}

func (c *call) mayFlag(m *message, _ *record) bool {
	if c.moves {
		return c.copied[m]
	}
	return c.flags && c.named != nil && c.named(m)
}

func (c *call) mayCopy(m *message, _ *record) bool { return c.copies && c.named != nil && c.named(m) }

func (c *call) mayRemove(m *message, rec *record) bool {
	switch {
	case c.deleted:
		return m.has(`\Deleted`)
	case c.moves:
		return c.copied[m]
	}
	return c.deletes && c.named != nil && c.named(m)
}

// nameSet records the messages in a set: by UID in the mailbox that the caller assumes to be selected, or by number in the
// views that the caller may have. If no mailbox is known to be selected, the set refers to whichever is.
func (c *call) nameSet(set string, uid bool, saved []*message) {
	spans, _ := parseSet(set)
	switch {
	case set == "$":
		c.named = func(m *message) bool { return slices.Contains(saved, m) }
	case c.believed == "":
		c.named = func(*message) bool { return true }
	case uid:
		last := maxUID(c.views)
		c.named = func(m *message) bool {
			return m.box.name == c.believed && (contains(spans, m.uid, last) || contains(spans, m.uid, m.uid))
		}
		c.surely = func(m *message, last bool) bool { return last || contains(spans, m.uid, math.MaxUint32) }
	default:
		c.nameNumbers(spans)
	}
}

// nameNumbers is nameSet for sequence numbers. Numbers beyond the mailbox, and "*", may refer to later messages.
func (c *call) nameNumbers(spans []span) {
	named, known, beyond := make(map[*message]int), make(map[*message]bool), false // in so many views
	c.lowest = spans[0].from
	for _, v := range c.views {
		n := uint32(len(v.view))
		for i, m := range v.view {
			known[m] = true
			if contains(spans, uint32(i+1), n) {
				named[m]++
			}
		}
		beyond = beyond || slices.ContainsFunc(spans, func(s span) bool { return min(s.from, s.to) == 0 || max(s.from, s.to) > n })
	}
	c.named = func(m *message) bool { return named[m] > 0 || beyond && !known[m] }
	c.surely = func(m *message, _ bool) bool { return named[m] == 0 || named[m] == len(c.views) }
}

// knew reports whether the caller knew of a message when the call was made.
func (c *call) knew(m *message) bool {
	return slices.ContainsFunc(c.views, func(v viewAt) bool { return slices.Contains(v.view, m) })
}

func maxUID(views []viewAt) uint32 {
	last := uint32(0)
	for _, v := range views {
		for _, m := range v.view {
			last = max(last, m.uid)
		}
	}
	return last
}
