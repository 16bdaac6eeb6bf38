package imap

import "bytes"

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
	if v, ok := l.all[string(name)]; ok || !hasLower(name) {
		return v, ok
	}
	v, ok := l.all[string(bytes.ToUpper(name))]
	return v, ok
}

func hasLower(b []byte) bool {
	for _, c := range b {
		if 'a' <= c && c <= 'z' {
			return true
		}
	}
	return false
}

// slotOf mixes the length and three octets of a name. The factors were looked for: they keep apart the names of every day.
func slotOf[B []byte | string](name B) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return int((uint(n)*12 + uint(name[0])*13 + uint(name[n/2])*55 + uint(name[n-1])*52) % lookupSlots)
}

// interner keeps one string for each of the names that come again and again: flags, media types, parameter names.
type interner struct {
	m      map[string]string
	recent *[recentNames]string // of m, found without hashing
}

// internLimit bounds the table: a server cannot fill the memory with names.
const (
	internLimit  = 512
	internLength = 64
	recentNames  = 32 // few: a client at rest keeps them
)

// intern returns b as a string. A nil interner makes a new string each time.
func (t *interner) intern(b []byte) string {
	if t == nil || len(b) > internLength {
		return string(b)
	}
	if t.recent == nil {
		t.recent = new([recentNames]string)
		t.m = make(map[string]string, 8)
	}
	slot := &t.recent[slotOf(b)%recentNames]
	if *slot == string(b) {
		return *slot
	}
	s, ok := t.m[string(b)]
	if !ok {
		if s = string(b); len(t.m) >= internLimit {
			return s
		}
		t.m[s] = s
	}
	*slot = s
	return s
}
