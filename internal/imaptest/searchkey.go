package imaptest

import (
	"slices"
	"strings"
	"time"
)

// candidate is a message that a search examines.
type candidate struct {
	*viewMsg
	seq uint32
}

// matcher is a compiled search key.
type matcher func(*candidate) bool

// keyParser compiles the keys of SEARCH.
type keyParser struct {
	*parser
	s      *session
	modSeq bool
	top    *numSet // a set of UIDs that includes all results
	depth  int
}

// keys reads keys up to the end or ")"; all of them have to match.
func (k *keyParser) keys() matcher {
	var all []matcher
	for k.err == nil {
		all = append(all, k.key())
		if k.peek() == ')' || !k.accept(' ') {
			break
		}
	}
	return func(c *candidate) bool {
		for _, m := range all {
			if !m(c) {
				return false
			}
		}
		return true
	}
}

func never(*candidate) bool { return false }

// key reads one key. The depth is bounded to protect the stack.
func (k *keyParser) key() matcher {
	if k.depth++; k.depth > 500 {
		k.fail("Search key is nested too deeply")
	}
	defer func() { k.depth-- }()
	if k.err != nil {
		return never
	}
	c := k.peek()
	switch {
	case k.accept('('):
		m := k.keys()
		k.expect(')')
		return m
	case c >= '0' && c <= '9' || c == '*' || c == '$':
		return k.setKey(k.numSet(), false)
	}
	word := k.word()
	if k.s.rev2() && slices.Contains(removedInRev2, word) {
		k.fail("Unknown SEARCH key")
	}
	if m := flagKey(word); m != nil {
		return m
	}
	if k.err == nil {
		for _, f := range []func(string) matcher{k.logicKey, k.textKey, k.dateKey, k.numberKey} {
			if m := f(word); m != nil {
				return m
			}
		}
		k.fail("Unknown SEARCH key")
	}
	return never
}

// setKey matches a set of sequence numbers or UIDs.
func (k *keyParser) setKey(set numSet, uid bool) matcher {
	s := k.s
	if set.saved {
		indexes, err := s.resolveSaved()
		if err != nil {
			k.fail("$ is not supported")
		}
		in := map[uint32]bool{}
		for _, i := range indexes {
			in[s.view[i].uid] = true
		}
		return func(c *candidate) bool { return in[c.uid] }
	}
	if uid {
		star := s.maxUID()
		return func(c *candidate) bool { return set.contains(c.uid, star) }
	}
	if s.enabled["UIDONLY"] && k.err == nil {
		k.err = errUIDRequired
	}
	n := uint32(len(s.view))
	for _, r := range set.ranges {
		if r.lo > n || r.hi > n {
			k.fail("Sequence number out of range")
		}
	}
	return func(c *candidate) bool { return set.contains(c.seq, n) }
}

// flagKey compiles the keys without arguments.
func flagKey(word string) matcher {
	flag := func(f string, want bool) matcher {
		return func(c *candidate) bool { return hasFlag(c.flags, f) == want }
	}
	switch word {
	case "ALL":
		return func(*candidate) bool { return true }
	case "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN":
		return flag(`\`+word, true)
	case "UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNSEEN":
		return flag(`\`+word[2:], false)
	case "RECENT":
		return func(c *candidate) bool { return c.viewMsg.recent }
	case "OLD":
		return func(c *candidate) bool { return !c.viewMsg.recent }
	case "NEW":
		return func(c *candidate) bool { return c.viewMsg.recent && !hasFlag(c.flags, `\Seen`) }
	}
	return nil
}

func (k *keyParser) logicKey(word string) matcher {
	switch word {
	case "NOT":
		k.sp()
		m := k.key()
		return func(c *candidate) bool { return !m(c) }
	case "OR":
		k.sp()
		a := k.key()
		k.sp()
		b := k.key()
		return func(c *candidate) bool { return a(c) || b(c) }
	case "UID":
		k.sp()
		set := k.numSet()
		if k.depth == 1 && !set.saved {
			k.top = &set
		}
		return k.setKey(set, true)
	case "KEYWORD", "UNKEYWORD":
		k.sp()
		f := k.flag()
		return func(c *candidate) bool { return hasFlag(c.flags, f) == (word == "KEYWORD") }
	}
	return nil
}

func (k *keyParser) textKey(word string) matcher {
	name := ""
	switch word {
	case "FROM", "TO", "CC", "BCC", "SUBJECT":
		name = word
	case "HEADER":
		k.sp()
		name = k.astring()
	case "BODY", "TEXT":
	default:
		return nil
	}
	k.sp()
	text := strings.ToLower(k.searchString())
	if name != "" {
		return func(c *candidate) bool { return c.structure().headerContains(name, text) }
	}
	return func(c *candidate) bool {
		root := c.structure()
		return strings.Contains(strings.ToLower(root.allText()), text) ||
			word == "TEXT" && strings.Contains(strings.ToLower(root.headerText()), text)
	}
}

// searchString reads the argument of a text key, whose charset may be UTF-8
// also in a quoted string.
func (k *keyParser) searchString() string {
	old := k.utf8
	k.utf8 = true
	defer func() { k.utf8 = old }()
	return k.astring()
}

func (p *part) headerContains(name, text string) bool {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) && strings.Contains(strings.ToLower(decodeHeader(f.value())), text) {
			return true
		}
	}
	return false
}

// headerText returns the header with its fields unfolded and decoded.
func (p *part) headerText() string {
	var b strings.Builder
	for _, f := range p.fields {
		b.WriteString(f.name + ": " + decodeHeader(f.value()) + "\r\n")
	}
	return b.String()
}

// dateKey compares days without regard to time and zone.
func (k *keyParser) dateKey(word string) matcher {
	kind, when := "", (func(*candidate) (time.Time, bool))(nil)
	switch word {
	case "SENTBEFORE", "SENTON", "SENTSINCE":
		kind = word[4:]
		when = func(c *candidate) (time.Time, bool) { return c.structure().sent() }
	case "BEFORE", "ON", "SINCE":
		kind = word
		when = func(c *candidate) (time.Time, bool) { return c.date, true }
	case "SAVEDBEFORE", "SAVEDON", "SAVEDSINCE":
		if k.s.srv.disabled["SAVEDATE"] {
			return nil
		}
		kind = word[5:]
		when = func(c *candidate) (time.Time, bool) { return c.saved, true }
	default:
		return nil
	}
	k.sp()
	day := k.date()
	return func(c *candidate) bool {
		t, known := when(c)
		y, m, d := t.Date()
		cmp := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Compare(day)
		return known && (kind == "BEFORE" && cmp < 0 || kind == "ON" && cmp == 0 || kind == "SINCE" && cmp >= 0)
	}
}

// numberKey compiles keys with a number or an object id.
func (k *keyParser) numberKey(word string) matcher {
	dis := k.s.srv.disabled
	switch {
	case word == "LARGER":
		k.sp()
		n := k.number()
		return func(c *candidate) bool { return uint64(len(c.raw)) > n }
	case word == "SMALLER":
		k.sp()
		n := k.number()
		return func(c *candidate) bool { return uint64(len(c.raw)) < n }
	case (word == "OLDER" || word == "YOUNGER") && !dis["WITHIN"]:
		k.sp()
		limit := time.Now().Add(-time.Duration(k.number32()) * time.Second)
		return func(c *candidate) bool { return c.date.After(limit) == (word == "YOUNGER") }
	case word == "FUZZY" && !dis["SEARCH=FUZZY"]:
		k.sp()
		return k.key() // this server has no fuzzy matches
	case word == "MODSEQ" && !dis["CONDSTORE"]:
		return k.modSeqKey()
	case word == "EMAILID" && !k.s.lacks("OBJECTID OBJECTID+"):
		k.sp()
		id := k.astring()
		return func(c *candidate) bool { return c.id == id }
	case word == "THREADID" && !k.s.lacks("OBJECTID OBJECTID+"):
		k.sp()
		k.astring()
		return never
	case word == "ANNOTATION" && !dis["ANNOTATE-EXPERIMENT-1"]:
		return k.annotationKey()
	case strings.HasPrefix(word, "X-GM-") && !dis["X-GM-EXT-1"]:
		return k.gmailKey(word)
	case word == "FILTER" && !dis["FILTERS"]:
		return k.filterKey()
	case word == "SAVEDATESUPPORTED" && !dis["SAVEDATE"]:
		return func(*candidate) bool { return true }
	}
	return nil
}

// modSeqKey reads MODSEQ [entry-name entry-type] number.
func (k *keyParser) modSeqKey() matcher {
	k.modSeq = true
	k.sp()
	if k.peek() == '"' {
		k.quoted()
		k.sp()
		k.word()
		k.sp()
	}
	n := k.number()
	return func(c *candidate) bool { return c.modSeq >= n }
}
