package imap

import (
	"bytes"
	"strings"
	"sync"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/wire"
)

// lookup finds values by name, ignoring case. Most names are found in their slot at once; the map has all of them.
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

// slotOf mixes the length and three bytes of a name. The factors were chosen so that common names have different slots.
func slotOf[B []byte | string](name B) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return int((uint(n) + uint(name[0]) + uint(name[n/2]) + uint(name[n-1])*56) % lookupSlots)
}

// interner keeps one string for each of the names that occur frequently: flags, media types, parameter names.
type interner struct {
	m      map[string]string
	recent *recentNames
}

// recentNames holds the most recent names and lists of flags, which are found without hashing.
type recentNames struct {
	names [lookupSlots]string // strings of the table
	flags [recentLists]flagList
	lower [lookupSlots]lowerForm
	heads [headSets]recentHeads
}

// lowerForm is a quoted name as sent, and in lower case.
type lowerForm struct{ text, lower string }

// flagList is a list of flags as sent, without its parentheses, and the parsed flags.
type flagList struct {
	text  string
	flags []Flag
}

const (
	recentLists = 32
	// maxFlagList is the length of the longest list that is stored.
	maxFlagList = 64
)

// flagsOf returns the slot of a list of flags. The slot holds another list unless its text is the same.
func (t *interner) flagsOf(list []byte) *flagList {
	n := len(list)
	return &t.recentTable().flags[(uint(n)+uint(list[n-1])+uint(list[n/2])*5)%recentLists]
}

// lowerOf returns the slot of the lower case of a name. The slot holds another name unless its text is the same.
func (t *interner) lowerOf(b []byte) *lowerForm { return &t.recentTable().lower[slotOf(b)] }

// recentTable returns the recent names.
func (t *interner) recentTable() *recentNames {
	if t.recent == nil {
		t.recent = lookups.Get().(*recentNames)
	}
	return t.recent
}

// internLimit bounds the table: a server cannot fill the memory with names.
const (
	internLimit  = 512
	internLength = 64
)

// intern returns b as a string. A nil interner allocates a new string each time.
func (t *interner) intern(b []byte) string {
	if t == nil || len(b) > internLength {
		return string(b)
	}
	slot := &t.recentTable().names[slotOf(b)]
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

// lookups is shared by all clients, so that an idle client has none. The strings that another client left in one are valid.
var lookups = sync.Pool{New: func() any { return new(recentNames) }}

// release releases the memory that is only needed while responses are read.
func (t *interner) release() {
	if t.recent != nil {
		lookups.Put(t.recent)
		t.recent = nil
	}
}

// The approximate memory of results in bytes: queues are bounded by it, because a few bytes of a response can become many.
const (
	sliceCost   = 16  // a string of a list
	addressCost = 48  // an Address
	nodeCost    = 280 // a BodyStructure
	messageCost = 512 // a Message
	sectionCost = 160 // a SectionData
	listCost    = 256 // a ListEntry, and its slot in the hash table
	rawCost     = 72  // an Untagged
	partCost    = 256 // a ConvertedPart
	rangeCost   = 16  // a range of a set, and the space in which a set grows
)

// slab allocates slices of exact length as pieces of a larger one, its block, so that small values do not cost one
// allocation each. A piece keeps its whole block alive, so blocks are small, and the first ones have only the requested
// size. The pieces are zero. The zero slab allocates each slice separately.
type slab[T any] struct {
	free  []T // the unused rest of the block
	block []T // with again: all of it
	size  int // length of the last block
	need  int // length of the last tail
	limit int // maximum length of a block
	again bool
}

// take returns n zero elements.
func (s *slab[T]) take(n int) []T {
	if n > s.limit || n == 0 { // must not write to the zero slab: noSlabs is shared
		return make([]T, n)
	}
	if n > len(s.free) {
		s.more(n)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// one returns a zero element.
func (s *slab[T]) one() *T {
	if s.limit == 0 {
		return new(T)
	}
	return &s.take(1)[0]
}

// more allocates a block of at least n elements.
func (s *slab[T]) more(n int) {
	s.size = max(min(2*s.size, s.limit), n)
	s.use(make([]T, s.size), 0)
}

// use makes block the current one, of which the first used elements are taken.
func (s *slab[T]) use(block []T, used int) {
	s.free = block[used:]
	if len(s.free) > s.limit {
		s.free = nil // the rest of a large block
	}
	if s.again {
		s.block = block
	}
}

// tail returns an empty slice to append to, with the free elements as its capacity. keep or drop must follow.
func (s *slab[T]) tail() []T {
	if s.limit == 0 {
		return nil
	}
	if need := max(s.need, 1); len(s.free) < need {
		s.more(need)
	}
	return s.free[:0]
}

// keep takes the elements appended to the tail.
func (s *slab[T]) keep(tail []T) []T {
	n := len(tail)
	switch {
	case s.limit == 0:
	case cap(tail) == len(s.free):
		s.free = s.free[n:]
		s.need = min(n, s.limit)
	default: // it has outgrown the block
		s.use(tail[:cap(tail)], n)
		s.need = min(n, s.limit)
	}
	return tail[:n:n]
}

// drop releases the elements appended to the tail.
func (s *slab[T]) drop(tail []T) {
	clear(tail)
	if cap(tail) != len(s.free) { // it has outgrown the block, which still has the first elements
		clear(s.free)
	}
}

// rewind frees all pieces, if again is set.
func (s *slab[T]) rewind() {
	if used := len(s.block) - len(s.free); used > 0 && (len(s.free) > 0 || used <= s.limit) {
		clear(s.block[:used])
		s.free = s.block
	}
}

// slabs provides the memory for the values of messages.
type slabs struct {
	again     bool          // values are borrowed, until rewind
	bodies    bool          // messages have a section, and are not allocated together
	room      []SectionData // for the section of the last message
	messages  slab[Message]
	envelopes slab[Envelope]
	flags     slab[Flag]
	addresses slab[Address]
	nodes     slab[BodyStructure]
	params    slab[Param]
	children  slab[*BodyStructure]
	paths     slab[int]
	languages slab[string]
	texts     stringSlab
}

// slabMark is the unused memory of slabs for the values of a plain row at some time.
type slabMark struct {
	envelopes []Envelope
	flags     []Flag
	addresses []Address
}

func (s *slabs) mark() slabMark { return slabMark{s.envelopes.free, s.flags.free, s.addresses.free} }

// undo frees everything taken since the mark. No reference to it may remain.
func (s *slabs) undo(m slabMark) {
	clear(m.envelopes)
	clear(m.flags)
	clear(m.addresses)
	s.envelopes.free, s.flags.free, s.addresses.free = m.envelopes, m.flags, m.addresses
}

// partsMark is the unused memory of slabs for a BODYSTRUCTURE at some time.
type partsMark struct {
	nodes     []BodyStructure
	params    []Param
	children  []*BodyStructure
	languages []string
}

func (s *slabs) markParts() partsMark {
	return partsMark{s.nodes.free, s.params.free, s.children.free, s.languages.free}
}

// undoParts frees everything taken since the mark. No reference to it may remain.
func (s *slabs) undoParts(m partsMark) {
	if s.again || s.nodes.limit == 0 {
		return // rewind frees it; the zero slabs have nothing to free, and must not be written to
	}
	clear(m.nodes)
	clear(m.params)
	clear(m.children)
	clear(m.languages)
	s.nodes.free, s.params.free, s.children.free, s.languages.free = m.nodes, m.params, m.children, m.languages
}

// stringSlab allocates strings as pieces of larger ones. As with a slab, blocks are small, and the first ones have only the
// requested size. The zero stringSlab allocates each string separately.
type stringSlab struct {
	block strings.Builder
	size  int // length of the last block
	limit int // maximum length of a block
}

// add returns a copy of b as a string.
func (s *stringSlab) add(b []byte) string {
	if len(b) == 0 { // must not write to the zero slab: noSlabs is shared
		return ""
	}
	from := s.block.Len()
	if s.block.Cap()-from < len(b) {
		if len(b) > s.limit/2 {
			return string(b)
		}
		s.size = max(min(2*s.size, s.limit), len(b))
		s.block.Reset()
		s.block.Grow(s.size)
		from = 0
	}
	s.block.Write(b)
	return s.block.String()[from:]
}

// textSlab allocates strings as pieces of larger ones, its blocks, and refers to them by a place without pointers.
type textSlab struct {
	last   strings.Builder // the last block, which grows
	blocks []string        // all; the last one as it was when it was used last
	size   int             // length of the last block
	limit  int             // bytes of a block; a longer text has one of its own
}

// textPlace is the place of a text in a textSlab.
type textPlace struct {
	block, at, size uint32
}

// add stores a text.
func (s *textSlab) add(b []byte) textPlace {
	from := s.last.Len()
	if len(s.blocks) == 0 || s.last.Cap()-from < len(b) {
		s.more(len(b))
		from = 0
	}
	s.last.Write(b)
	return textPlace{uint32(len(s.blocks) - 1), uint32(from), uint32(len(b))}
}

// more begins a block for a text of length n.
func (s *textSlab) more(n int) {
	s.fix()
	s.size = max(min(2*s.size, s.limit), n)
	s.last.Reset()
	s.last.Grow(s.size)
	s.blocks = append(s.blocks, "")
}

// fix stores what the last block holds.
func (s *textSlab) fix() {
	if n := len(s.blocks); n > 0 {
		s.blocks[n-1] = s.last.String()
	}
}

// at returns the text at a place.
func (s *textSlab) at(p textPlace) string {
	block := s.blocks[p.block]
	if uint64(p.at)+uint64(p.size) > uint64(len(block)) {
		s.fix()
		block = s.blocks[p.block]
	}
	return block[p.at:][:p.size]
}

// withSection is a message of a FETCH of bodies: the room for its section needs no separate allocation, and no message keeps
// the body of another one alive.
type withSection struct {
	m   Message
	one [1]SectionData
}

// largeText is the length of a row whose values are not allocated with those of others, which would keep them alive.
const largeText = 4 << 10

// forRow returns the slabs for the values of a row: slabs of its own if it is large, also by a literal. With bodies that is
// known only afterwards, when afterRow is called.
func (s *slabs) forRow(text []byte, lits []wire.LiteralData) *slabs {
	if len(text) <= largeText && len(lits) == 0 || s.bodies {
		return s
	}
	own := newSlabs(false)
	own.texts.size = own.texts.limit
	own.addresses.need = min(own.addresses.limit, len(text)/128)
	return own
}

// afterRow returns the slabs for the next row, after a row of the given size without its bodies.
func (s *slabs) afterRow(size int64) *slabs {
	if size <= largeText || !s.bodies || s.again {
		return s
	}
	next := newSlabs(false)
	next.bodies = true
	return next
}

// message returns a zero message.
func (s *slabs) message() *Message {
	if s.bodies {
		both := new(withSection)
		s.room = both.one[:0]
		return &both.m
	}
	return s.messages.one()
}

// sections returns room for the section of the last message.
func (s *slabs) sections() []SectionData {
	if s.room == nil {
		return make([]SectionData, 0, 1)
	}
	room := s.room
	s.room = nil
	return room
}

// noSlabs allocates each value separately.
var noSlabs slabs

// newSlabs returns slabs with blocks of at most a few KiB, which with the header of a block fill a size class of the
// allocator; that of the largest ones has several blocks in a span. With again they are for borrowed values.
func newSlabs(again bool) *slabs {
	return &slabs{
		again:     again,
		messages:  slab[Message]{limit: 34, again: again},
		envelopes: slab[Envelope]{limit: 26, again: again},
		flags:     slab[Flag]{limit: 63, again: again},
		addresses: slab[Address]{limit: 63, again: again},
		nodes:     slab[BodyStructure]{limit: 24, again: again},
		params:    slab[Param]{limit: 95, again: again},
		children:  slab[*BodyStructure]{limit: 64, again: again},
		paths:     slab[int]{limit: 128, again: again},
		languages: slab[string]{limit: 31, again: again},
		texts:     stringSlab{limit: 2 << 10},
	}
}

// rewind frees all pieces.
func (s *slabs) rewind() {
	s.messages.rewind()
	s.envelopes.rewind()
	s.flags.rewind()
	s.addresses.rewind()
	s.nodes.rewind()
	s.params.rewind()
	s.children.rewind()
	s.paths.rewind()
	s.languages.rewind()
}
