package imap

import (
	"bytes"
	"sync"

	"github.com/go-imaplib/imap/internal/ascii"
)

// lookup finds what is known under a name in any case. Most names are found at their place at once; the map holds all.
type lookup[V any] struct {
	all   map[string]V // by names in upper case
	slots [lookupSlots]struct {
		name  string
		value V
	}
}

const lookupSlots = 128

func makeLookup[V any](all map[string]V) lookup[V] {
	l := lookup[V]{all: all}
	for name, v := range all {
		if s := &l.slots[slotOf(name)]; s.name == "" || name < s.name {
			s.name, s.value = name, v
		}
	}
	return l
}

func (l *lookup[V]) find(name []byte) (V, bool) {
	if s := &l.slots[slotOf(name)]; s.name == string(name) && len(name) > 0 {
		return s.value, true
	}
	if v, ok := l.all[string(name)]; ok || !ascii.HasLower(name) {
		return v, ok
	}
	v, ok := l.all[string(bytes.ToUpper(name))]
	return v, ok
}

// slotOf mixes the length and three octets of a name. The factors were looked for: they keep apart the names of every day.
func slotOf[B []byte | string](name B) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return int((uint(n) + uint(name[0]) + uint(name[n/2]) + uint(name[n-1])*56) % lookupSlots)
}

// interner keeps one string for each of the names that come again and again: flags, media types, parameter names.
type interner struct {
	m      map[string]string
	recent *[lookupSlots]string // of m, found without hashing
}

// internLimit bounds the table: a server cannot fill the memory with names.
const (
	internLimit  = 512
	internLength = 64
)

// intern returns b as a string. A nil interner makes a new string each time.
func (t *interner) intern(b []byte) string {
	if t == nil || len(b) > internLength {
		return string(b)
	}
	if t.recent == nil {
		t.recent = lookups.Get().(*[lookupSlots]string)
	}
	slot := &t.recent[slotOf(b)]
	if *slot == string(b) {
		return *slot
	}
	s, ok := t.m[string(b)]
	if !ok {
		if s = string(b); len(t.m) >= internLimit {
			return s
		}
		if t.m == nil {
			t.m = make(map[string]string)
		}
		t.m[s] = s
	}
	*slot = s
	return s
}

// lookups are shared by all clients, so that one at rest holds none. What others left in one are strings like any.
var lookups = sync.Pool{New: func() any { return new([lookupSlots]string) }}

// rest gives back what is only needed while responses are read.
func (t *interner) rest() {
	if t.recent != nil {
		lookups.Put(t.recent)
		t.recent = nil
	}
}
