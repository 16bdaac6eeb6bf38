package imap

import (
	"strings"
)

// line is one extension in registry.go: what it is called, what it adds to the protocol, and where the library gives it.
// What needs only its method, a SEARCH key or a modifier has nothing but the first fields.
type line struct {
	name        string   // the capability
	prefix      string   // any capability that starts so offers it: "APPENDLIMIT="
	in          []string // capabilities that include it
	rfc         string   // the numbers of the RFCs
	gives       string   // the exported names, as go doc has them
	transcripts string   // below testdata/transcripts
	leftOut     string   // what of it there is not, and why

	untagged map[string]untaggedEntry
	fetch    map[string]fetchEntry
	status   map[StatusItem]statusEntry
	codes    map[string]codeEntry
}

// base is the line of what every server has: its items and codes need no capability.
const base = "IMAP4REV1"

// table is the lines as they are looked up, handed down by the constructor.
type table struct {
	untagged map[string]untaggedEntry
	fetch    lookup[fetchEntry]
	status   map[StatusItem]statusEntry
	codes    map[string]codeEntry
	includes map[string][]string // what a capability offers beside itself
	prefixes map[string]string   // what all capabilities offer that start like this
}

// untaggedEntry says what a response means that no command asked for. It runs with engine.mu held and returns the event
// to be queued, nil for none. A live one changes the selected mailbox and is told also when a command took the response.
type untaggedEntry struct {
	live   bool
	handle func(e *engine, r *response) (Event, error)
}

// fetchEntry reads the value of a FETCH item into a message. A bit of its own is given to an item that names none.
type fetchEntry struct {
	bit   itemMask
	parse func(p *parser, m *Message) error
	needs []string // capabilities, one of which has to be there: that of the line

	section bool // parse reads the brackets behind the name too
}

// statusEntry reads the value of a STATUS item.
type statusEntry struct {
	parse func(p *parser, st *Status) error
	needs []string // as in fetchEntry
}

// codeEntry says what a response code means that no command took.
type codeEntry struct {
	mailbox func(m *Mailbox, args string) // tells of the mailbox that is being selected
	live    bool                          // and of the selected mailbox at any time
	tell    func(e *engine, s *status) Event
}

// newTable orders the lines for looking up.
func newTable(lines []line) *table {
	t := &table{
		untagged: make(map[string]untaggedEntry),
		status:   make(map[StatusItem]statusEntry), codes: make(map[string]codeEntry),
		includes: make(map[string][]string), prefixes: make(map[string]string),
	}
	items := make(map[string]fetchEntry)
	next := itemFirstFree
	for _, l := range lines {
		needs := []string{l.name}
		if l.name == base {
			needs = nil
		}
		for name, entry := range l.fetch {
			if entry.bit == 0 {
				entry.bit, next = next, next<<1
			}
			entry.needs = orNeeds(entry.needs, needs)
			items[name] = entry
		}
		for name, entry := range l.status {
			entry.needs = orNeeds(entry.needs, needs)
			t.status[name] = entry
		}
		t.enter(l)
	}
	t.fetch = makeLookup(items)
	return t
}

func orNeeds(own, line []string) []string {
	if own != nil {
		return own
	}
	return line
}

// enter takes over what is the same in the line and in the table.
func (t *table) enter(l line) {
	for name, entry := range l.untagged {
		t.untagged[name] = entry
	}
	for name, entry := range l.codes {
		t.codes[name] = entry
	}
	for _, outer := range l.in {
		t.includes[outer] = append(t.includes[outer], l.name)
	}
	if l.prefix != "" {
		t.prefixes[l.prefix] = l.name
	}
}

// implied is what a capability offers beside itself.
func (t *table) implied(name string) []string {
	names := t.includes[name]
	if i := strings.IndexAny(name, "=-"); i >= 0 {
		for prefix, offered := range t.prefixes {
			if strings.HasPrefix(name, prefix) {
				names = append(names[:len(names):len(names)], offered)
			}
		}
	}
	return names
}

// code does what a response code says that no command took, and returns the event for it.
func (e *engine) code(s *status) Event {
	entry := e.table.codes[string(s.code)]
	if entry.live && e.mailbox != nil {
		entry.mailbox(e.mailbox, s.args)
	}
	if entry.tell == nil {
		return nil
	}
	return entry.tell(e, s)
}
