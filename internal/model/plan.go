// Package model runs random calls of the client against a random server, and compares every command, result, change and event
// with a small model of a mailbox store and of what the caller may assume about it.
//
// The calls are those of the table operations: mailboxes, messages, searches, waiting, logins and TLS, Sync, and pipelines. Calls
// of a pipeline act on the mailbox that an earlier one opens, also where the capabilities are not known yet, or ask for rights,
// quotas and annotations of one mailbox or of several. With NOTIFY the server reports items of new messages, and changes of other
// mailboxes, during any of them. It knows the commands of the table handlers, and deviates from the simplest course by the faults
// of the step.
package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Plan describes a run completely: the same plan gives the same run.
type Plan struct {
	Seed     uint64 // seed of the store
	Caps     []string
	Messages int // messages in the first mailbox
	Steps    []Step
}

// A Step is one call of the caller. Its seed determines the arguments and what the server does meanwhile; its faults
// determine which deviations from the simplest course are allowed.
type Step struct {
	Op     string
	Seed   uint64
	Faults Fault
}

// Fault is a set of deviations of a step from the simplest course. All of them are legal.
type Fault uint32

const (
	News     Fault = 1 << iota // others change the mailbox, which the server reports at any point
	Expunges                   // others remove messages
	Split                      // one message in several FETCH responses
	Order                      // items and rows in any order
	Literals                   // strings as literals, also of size 0
	Pieces                     // bytes arrive in pieces of any size
	Cancel                     // ctx ends at some byte
	Leave                      // a loop is left, or has another call inside it
	Refuse                     // NO, also after data
	Partial                    // OK [MESSAGELIMIT]: only a part is processed
	Codes                      // response codes on OK, and a missing COPYUID
	Delay                      // the answer takes seconds
	Bye                        // BYE, NO or nothing, and the end of the connection
	Literal                    // a reader has more or fewer bytes than announced
	Unread                     // a row that cannot be parsed
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

// String returns the plan on one line, in the form for Parse.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x %d %s", p.Seed, p.Messages, strings.Join(p.Caps, ","))
	for _, s := range p.Steps {
		fmt.Fprintf(&b, " %s/%x/%s", s.Op, s.Seed, s.Faults)
	}
	return b.String()
}

// Parse parses a plan.
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
		if len(part) != 3 || operations[part[0]] == nil && !slices.Contains(watchOps, part[0]) && !slices.Contains(poolOps, part[0]) {
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

// optionalCaps are the capabilities that a server may or may not have.
var optionalCaps = []string{"MOVE", "UIDPLUS", "IDLE", "CONDSTORE", "QRESYNC", "ENABLE", "ESEARCH", "SEARCHRES", "LITERAL+", "UNSELECT",
	"MULTIAPPEND", "LIST-STATUS", "MESSAGELIMIT=3", "UNAUTHENTICATE", "SORT", "THREAD=REFERENCES", "REPLACE", "CATENATE", "ACL", "QUOTA",
	"METADATA", "NOTIFY", "COMPRESS=DEFLATE", "STARTTLS"}

// prefer is a prefix of the mailbox that most calls use. It is stored with the capabilities, so that Shrink tries to remove
// it.
const prefer = "X-PREFER="

// silent is the mark of a server that sends its capabilities only where the client asks for them. It is stored in the same way.
const silent = "X-SILENT"

// Generate returns the plan for a seed.
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
	if r.one(3) {
		p.Caps = append(p.Caps, silent)
	}
	if r.one(100) {
		p.Messages = 3300 // too many for one command, and for a server that processes three at a time
		p.Caps = slices.DeleteFunc(p.Caps, func(c string) bool { return c == "MESSAGELIMIT=3" })
	}
	if r.one(30) {
		p.Messages = max(p.Messages, 17+r.n(60)) // more than may wait for the rest of their data
	}
	faults := Fault(r.next()) & (lastFault - 1)
	if r.one(2) {
		faults |= Fault(r.next()) & (lastFault - 1)
	}
	switch {
	case r.one(8): // numbers that change between a call and its command
		ops = []string{"select", "noop", "replace", "search", "sort", "store", "do"}
		faults |= Cancel | Expunges
		p.Messages = max(p.Messages, 4)
		if r.one(2) { // VANISHED does not report which numbers change
			ops = append(ops, "enable")
			for _, name := range []string{"ENABLE", "CONDSTORE", "QRESYNC"} {
				if !slices.Contains(p.Caps, name) {
					p.Caps = append(p.Caps, name)
				}
			}
		}
	case r.one(8): // calls behind each other, for which the capabilities may be unknown
		ops = []string{"queue", "queue", "queue", "select", "noop", "append", "scram", "unauth"}
	case r.one(8): // news of NOTIFY during other calls
		ops = []string{"subscribe", "subscribe", "select", "select", "fetch", "fetch", "stream", "stream", "sync", "idle", "append", "list", "status", "boxdata"}
		faults |= News
		if !slices.Contains(p.Caps, "NOTIFY") {
			p.Caps = append(p.Caps, "NOTIFY")
		}
	case r.one(10): // a Move that takes several commands
		ops = []string{"move", "move", "movesaved", "select", "noop", "status"}
		faults |= News | Codes
		p.Caps = append(slices.DeleteFunc(p.Caps, func(c string) bool { return c == "MOVE" || c == "UIDPLUS" }), "UIDPLUS")
	case r.one(10): // logins that are given up
		ops = []string{"scram", "scram", "login", "unauth", "select", "noop"}
		faults |= Cancel
	case !r.one(3):
		ops = selection(r, ops) // combinations that are rare otherwise
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

// selection draws a few operations, and adds those that they need.
func selection(r *rng, all []string) []string {
	list := []string{"select", pick(r, []string{"sync", "noop", "append"})}
	for range 1 + r.n(3) {
		list = append(list, pick(r, all))
	}
	return list
}

// Shrink returns the smallest plan that it finds for which fails returns true, with at most tries attempts and in about
// limit.
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
