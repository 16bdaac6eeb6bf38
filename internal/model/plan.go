package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Plan is what a run does. It says everything: the same plan gives the same run.
type Plan struct {
	Seed     uint64 // of the store
	Caps     []string
	Messages int // in the first mailbox
	Steps    []Step
}

// A Step is one call of the caller. Its seed decides the arguments and what the server does meanwhile, its faults which
// of that may go another way than the plainest.
type Step struct {
	Op     string
	Seed   uint64
	Faults Fault
}

// Fault is a set of ways in which a step may depart from the plainest course. All of them are legal.
type Fault uint32

const (
	News     Fault = 1 << iota // others change the mailbox, and the server says so at any place
	Expunges                   // others remove messages
	Split                      // one message in several FETCH responses
	Order                      // items and rows in any order
	Literals                   // strings as literals, also of size 0
	Pieces                     // bytes arrive in pieces of any size
	Cancel                     // ctx ends at some byte
	Leave                      // a loop is left, or has another call inside it
	Refuse                     // NO, also behind data
	Partial                    // OK [MESSAGELIMIT]: only some of it
	Codes                      // response codes on OK, COPYUID left out
	Delay                      // the answer takes seconds
	Bye                        // BYE, NO or nothing, and the end of the connection
	Literal                    // a reader gives more or less than it promised
	Unread                     // a row that cannot be read
	lastFault
)

var faultNames = []string{"news", "expunges", "split", "order", "literals", "pieces", "cancel", "leave", "refuse", "partial", "codes",
	"delay", "bye", "literal", "unread"}

func (f Fault) String() string {
	var list []string
	for i, name := range faultNames {
		if f&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, "+")
}

func parseFaults(s string) (Fault, error) {
	var f Fault
	for name := range strings.SplitSeq(s, "+") {
		i := slices.Index(faultNames, name)
		if i < 0 && name != "" {
			return 0, fmt.Errorf("no fault %q", name)
		}
		if i >= 0 {
			f |= 1 << i
		}
	}
	return f, nil
}

// String is the plan on one line, as Parse reads it.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x %d %s", p.Seed, p.Messages, strings.Join(p.Caps, ","))
	for _, s := range p.Steps {
		fmt.Fprintf(&b, " %s/%x/%s", s.Op, s.Seed, s.Faults)
	}
	return b.String()
}

// Parse reads a plan.
func Parse(s string) (Plan, error) {
	var p Plan
	words := strings.Split(s, " ")
	if len(words) < 3 {
		return p, fmt.Errorf("no plan: %q", s)
	}
	var err error
	if p.Seed, err = strconv.ParseUint(words[0], 16, 64); err != nil {
		return p, err
	}
	if p.Messages, err = strconv.Atoi(words[1]); err != nil {
		return p, err
	}
	p.Caps = strings.Split(words[2], ",")
	for _, word := range words[3:] {
		part := strings.Split(word, "/")
		if len(part) != 3 || operations[part[0]] == nil {
			return p, fmt.Errorf("no step: %q", word)
		}
		step := Step{Op: part[0]}
		if step.Seed, err = strconv.ParseUint(part[1], 16, 64); err != nil {
			return p, err
		}
		if step.Faults, err = parseFaults(part[2]); err != nil {
			return p, err
		}
		p.Steps = append(p.Steps, step)
	}
	return p, nil
}

// optionalCaps are those that a server has or has not.
var optionalCaps = []string{"MOVE", "UIDPLUS", "IDLE", "CONDSTORE", "QRESYNC", "ENABLE", "ESEARCH", "SEARCHRES", "LITERAL+", "UNSELECT",
	"MULTIAPPEND", "LIST-STATUS", "MESSAGELIMIT=3", "UNAUTHENTICATE", "SORT", "THREAD=REFERENCES", "REPLACE", "CATENATE", "ACL", "QUOTA",
	"METADATA", "NOTIFY", "COMPRESS=DEFLATE", "STARTTLS"}

// prefer is in front of the mailbox that most calls are about. It stands among the capabilities, so that Shrink tries to do
// without it.
const prefer = "X-PREFER="

// Generate makes the plan of a seed.
func Generate(seed uint64) Plan {
	r := &rng{seed}
	p := Plan{Seed: r.next() >> 32, Messages: r.n(9), Caps: []string{"IMAP4rev1", "SASL-IR", "AUTH=SCRAM-SHA-256"}}
	ops := operationNames()
	for _, name := range optionalCaps {
		if !r.one(3) {
			p.Caps = append(p.Caps, name)
		}
	}
	if r.one(2) {
		p.Caps = append(p.Caps, prefer+pick(r, names))
	}
	if r.one(100) {
		p.Messages = 3300 // more than one command can name, and more than are to be had three by three
		p.Caps = slices.DeleteFunc(p.Caps, func(c string) bool { return c == "MESSAGELIMIT=3" })
	}
	faults := Fault(r.next()) & (lastFault - 1)
	if r.one(2) {
		faults |= Fault(r.next()) & (lastFault - 1)
	}
	switch {
	case r.one(8): // numbers that move between a call and its command
		ops = []string{"select", "noop", "replace", "search", "sort", "store", "do"}
		faults |= Cancel | Expunges
		p.Messages = max(p.Messages, 4)
		if r.one(2) { // VANISHED does not say which numbers move
			ops = append(ops, "enable")
			for _, name := range []string{"ENABLE", "CONDSTORE", "QRESYNC"} {
				if !slices.Contains(p.Caps, name) {
					p.Caps = append(p.Caps, name)
				}
			}
		}
	case !r.one(3):
		ops = theme(r, ops) // what meets only now and then else
	}
	steady := r.one(2)
	for range 2 + r.n(12) {
		step := Step{Op: pick(r, ops), Seed: r.next() >> 32, Faults: faults}
		for i := range faultNames {
			if !steady && r.one(2) {
				step.Faults &^= 1 << i
			}
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// theme draws a few operations, with what they need.
func theme(r *rng, all []string) []string {
	list := []string{"select", pick(r, []string{"sync", "noop", "append"})}
	for range 1 + r.n(3) {
		list = append(list, pick(r, all))
	}
	return list
}

// Shrink returns the smallest plan found for which fails holds, in at most so many tries, and not in much more time than
// that.
func Shrink(p Plan, tries int, limit time.Duration, fails func(Plan) bool) Plan {
	start := time.Now()
	try := func(q Plan) bool {
		if tries--; time.Since(start) > limit {
			tries = 0
		}
		if tries <= 0 {
			return false
		}
		if !fails(q) {
			return false
		}
		p = q
		return true
	}
	for again := true; again && tries > 0; {
		again = false
		for n := len(p.Steps) / 2; n > 0; n /= 2 {
			for i := 0; i+n <= len(p.Steps); {
				q := p
				q.Steps = slices.Delete(slices.Clone(p.Steps), i, i+n)
				if try(q) {
					again = true
				} else {
					i += n
				}
			}
		}
		for i := range p.Steps {
			for f := Fault(1); f < lastFault; f <<= 1 {
				if p.Steps[i].Faults&f == 0 {
					continue
				}
				q := p
				q.Steps = slices.Clone(p.Steps)
				q.Steps[i].Faults &^= f
				again = try(q) || again
			}
		}
		for i := len(p.Caps) - 1; i > 0; i-- {
			q := p
			q.Caps = slices.Delete(slices.Clone(p.Caps), i, i+1)
			again = try(q) || again
		}
		for _, n := range []int{0, 1, 2, 4} {
			if n < p.Messages {
				q := p
				q.Messages = n
				if try(q) {
					again = true
					break
				}
			}
		}
	}
	return p
}
