package imap

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/ianaindex"
)

// searchText writes text to search for, in the character set of the command.
func (e *encoder) searchText(s string) *encoder {
	if e.charset != nil && !isASCII(s) {
		encoded, err := e.charset(s)
		if err != nil {
			e.fail(argError("the server's character sets cannot represent the text"))
			return e
		}
		s = encoded
	}
	return e.str(s)
}

// Query is a search condition, a value that can be stored and reused; the conditions in a Query are combined with AND (RFC
// 9051 section 6.4.4). Text is UTF-8, and its case is ignored; days are compared without time and zone.
type Query struct{ keys []searchKey }

// searchKey is one condition.
type searchKey struct {
	encode   func(*encoder)
	uids     UIDSet // the condition is In of these
	text     bool   // has text beyond ASCII, which needs a character set
	byNumber bool   // has sequence numbers
	once     bool   // has a literal whose reader can be read only once
}

// Where returns a Query that matches all messages; its methods add conditions.
func Where() Query { return Query{} }

func (q Query) with(k searchKey) Query {
	return Query{append(slices.Clip(q.keys), k)}
}

func (q Query) word(s string) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.raw(s) }})
}

// recent is like word, for keys that IMAP4rev2 removed.
func (q Query) recent(s string) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.needRev1().raw(s) }})
}

func (q Query) textKey(word, s string) Query {
	return q.with(searchKey{
		encode: func(e *encoder) { e.raw(word).sp().searchText(s) },
		text:   !isASCII(s),
	})
}

func (q Query) dayKey(word string, day time.Time) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.raw(word).sp().day(day) }})
}

func (q Query) numberKey(word string, n int64) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		if n < 0 {
			e.fail(argError("%s: a negative number", word))
			return
		}
		e.raw(word).sp().number(uint64(n))
	}})
}

// Seen matches messages with \Seen.
func (q Query) Seen() Query { return q.word("SEEN") }

// Unseen matches messages without \Seen.
func (q Query) Unseen() Query { return q.word("UNSEEN") }

// Answered matches messages with \Answered.
func (q Query) Answered() Query { return q.word("ANSWERED") }

// Flagged matches messages with \Flagged.
func (q Query) Flagged() Query { return q.word("FLAGGED") }

// Deleted matches messages with \Deleted.
func (q Query) Deleted() Query { return q.word("DELETED") }

// Draft matches messages with \Draft.
func (q Query) Draft() Query { return q.word("DRAFT") }

// Keyword matches messages with the flag f, a keyword or one of the system flags.
func (q Query) Keyword(f Flag) Query {
	if sys, ok := systemFlag([]byte(f)); ok && sys == FlagRecent {
		return q.recent("RECENT")
	} else if ok && sys != FlagAny {
		return q.word(strings.ToUpper(string(sys[1:])))
	}
	return q.with(searchKey{encode: func(e *encoder) { e.raw("KEYWORD ").oneFlag(f) }})
}

// From matches text in the From field.
func (q Query) From(s string) Query { return q.textKey("FROM", s) }

// To matches text in the To field.
func (q Query) To(s string) Query { return q.textKey("TO", s) }

// CC matches text in the Cc field.
func (q Query) CC(s string) Query { return q.textKey("CC", s) }

// BCC matches text in the Bcc field.
func (q Query) BCC(s string) Query { return q.textKey("BCC", s) }

// Subject matches text in the Subject field.
func (q Query) Subject(s string) Query { return q.textKey("SUBJECT", s) }

// Body matches text in the body.
func (q Query) Body(s string) Query { return q.textKey("BODY", s) }

// Text matches text in the header or the body.
func (q Query) Text(s string) Query { return q.textKey("TEXT", s) }

// Header matches text in the header field with that name; the text "" matches every message that has the field.
func (q Query) Header(name, s string) Query {
	return q.with(searchKey{
		encode: func(e *encoder) {
			if badFieldName(name) {
				e.fail(argError("not the name of a header field"))
				return
			}
			e.raw("HEADER ").astring(name).sp().searchText(s)
		},
		text: !isASCII(s),
	})
}

// Since matches messages whose internal date is that day or later.
func (q Query) Since(day time.Time) Query { return q.dayKey("SINCE", day) }

// Before matches messages whose internal date is before that day.
func (q Query) Before(day time.Time) Query { return q.dayKey("BEFORE", day) }

// On matches messages whose internal date is that day.
func (q Query) On(day time.Time) Query { return q.dayKey("ON", day) }

// SentSince matches messages whose Date field is that day or later.
func (q Query) SentSince(day time.Time) Query { return q.dayKey("SENTSINCE", day) }

// SentBefore matches messages whose Date field is before that day.
func (q Query) SentBefore(day time.Time) Query { return q.dayKey("SENTBEFORE", day) }

// Larger matches messages with more bytes than that.
func (q Query) Larger(octets int64) Query { return q.numberKey("LARGER", octets) }

// Smaller matches messages with fewer bytes than that.
func (q Query) Smaller(octets int64) Query { return q.numberKey("SMALLER", octets) }

// In matches only the given messages; an empty set matches none. A set of UIDs that is too long for one command is searched
// in several, unless it is inside Or, Not or Fuzzy or the options request Save or a partial result.
func (q Query) In(set NumSet) Query {
	if set != nil && emptySet(set) {
		return q.word("NOT ALL")
	}
	_, byNumber := set.(SeqSet)
	uids, _ := set.(UIDSet)
	return q.with(searchKey{
		byNumber: byNumber,
		uids:     uids,
		encode: func(e *encoder) {
			if _, ok := set.(UIDSet); ok {
				e.raw("UID ")
			}
			e.set(set)
		},
	})
}

// Within is the former name of In.
//
// Deprecated: use Query.In. WITHIN is an extension (RFC 5032) whose keys are Younger and Older.
func (q Query) Within(set NumSet) Query { return q.In(set) }

// ModSeq matches messages changed at or after the mod-sequence (RFC 7162; capability CONDSTORE).
func (q Query) ModSeq(n uint64) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		e.need("CONDSTORE").raw("MODSEQ ").number(n)
	}})
}

// Younger matches messages whose internal date is at most that long ago (RFC 5032; capability WITHIN).
func (q Query) Younger(d time.Duration) Query { return q.within("YOUNGER", d) }

// Older matches messages whose internal date is at least that long ago (RFC 5032; capability WITHIN).
func (q Query) Older(d time.Duration) Query { return q.within("OLDER", d) }

func (q Query) within(word string, d time.Duration) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		if d < time.Second {
			e.fail(argError("%s: less than a second", word))
			return
		}
		e.need("WITHIN").raw(word).sp().number(uint64(d / time.Second))
	}})
}

// Fuzzy matches like a, but the server may also find similar messages (RFC 6203; capability SEARCH=FUZZY).
func (q Query) Fuzzy(a Query) Query {
	return q.with(a.wrap(func(e *encoder) { e.need("SEARCH=FUZZY").raw("FUZZY ") }))
}

// Or matches messages that a or b matches.
func (q Query) Or(a, b Query) Query {
	k := a.wrap(func(e *encoder) { e.raw("OR ") })
	other := b.wrap(func(e *encoder) { e.sp() })
	first := k.encode
	k.encode = func(e *encoder) { first(e); other.encode(e) }
	k.text = k.text || other.text
	k.byNumber = k.byNumber || other.byNumber
	k.once = k.once || other.once
	return q.with(k)
}

// Not matches messages that a does not match.
func (q Query) Not(a Query) Query {
	return q.with(a.wrap(func(e *encoder) { e.raw("NOT ") }))
}

// wrap turns a query into one key, preceded by what before writes.
func (q Query) wrap(before func(*encoder)) searchKey {
	return searchKey{
		encode: func(e *encoder) {
			before(e)
			if len(q.keys) == 1 {
				q.encode(e)
				return
			}
			e.raw("(")
			q.encode(e)
			e.raw(")")
		},
		text:     q.hasText(),
		byNumber: q.hasNumbers(),
		once:     q.sentOnce(),
	}
}

// Raw adds keys that have no method, such as those of a vendor; the arguments are as for Do.
func (q Query) Raw(args ...any) Query {
	text := slices.ContainsFunc(args, func(a any) bool { s, ok := a.(string); return ok && !isASCII(s) })
	return q.with(searchKey{
		text:     text,
		byNumber: true, // it may have sequence numbers
		once:     slices.ContainsFunc(args, readsOnce),
		encode: func(e *encoder) {
			for i, a := range args {
				if i > 0 {
					e.sp()
				}
				e.arg(a)
			}
		},
	})
}

func (q Query) encode(e *encoder) {
	if len(q.keys) == 0 {
		e.raw("ALL")
		return
	}
	for i, k := range q.keys {
		if i > 0 {
			e.sp()
		}
		k.encode(e)
	}
}

func (q Query) hasText() bool {
	return slices.ContainsFunc(q.keys, func(k searchKey) bool { return k.text })
}

// sentOnce reports whether the query can be sent only once, because it has a literal that is read from a reader.
func (q Query) sentOnce() bool {
	return slices.ContainsFunc(q.keys, func(k searchKey) bool { return k.once })
}

// readsOnce reports whether an argument of Raw is, or contains, a literal that can be read only once.
func readsOnce(arg any) bool {
	switch arg := arg.(type) {
	case Literal:
		return arg.readOnce()
	case []any:
		return slices.ContainsFunc(arg, readsOnce)
	}
	return false
}

func (q Query) hasNumbers() bool {
	return slices.ContainsFunc(q.keys, func(k searchKey) bool { return k.byNumber })
}

// encodeIn writes a query with its character set, if it needs one.
func (q Query) encodeIn(e *encoder, cs *charset) {
	if q.hasText() && !e.utf8 {
		if cs == nil {
			cs = &utf8Charset
		}
		e.raw("CHARSET ").astring(cs.name).sp()
		e.charset = cs.encode
	}
	q.encode(e)
}

// charset is a character set in which a server accepts search text.
type charset struct {
	name   string
	encode func(string) (string, error)
}

var utf8Charset = charset{"UTF-8", func(s string) (string, error) { return s, nil }}

// offeredCharset returns the first character set in a BADCHARSET code that the library supports and that is more than ASCII.
func offeredCharset(args string) *charset {
	p := parserFor([]byte(args))
	if p.enter() != nil {
		return nil
	}
	for p.peek() != ')' {
		name, err := p.astring()
		if err != nil {
			return nil
		}
		if enc, err := ianaindex.MIME.Encoding(name); err == nil && enc != nil && !isPlain(name) {
			return &charset{name, func(s string) (string, error) { return enc.NewEncoder().String(s) }}
		}
		p.skipSpaces()
	}
	return nil
}

// isPlain reports whether a character set is the one tried first, UTF-8, or one without characters beyond ASCII.
func isPlain(name string) bool {
	return strings.EqualFold(name, "UTF-8") || strings.EqualFold(name, "US-ASCII") || strings.EqualFold(name, "ASCII")
}

// withCharset runs a search, and once more in another character set if the server requests one.
func (q Query) withCharset(run func(*charset) error) error {
	err := run(nil)
	if CodeOf(err) != CodeBadCharset || q.sentOnce() {
		return err
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if cs := offeredCharset(e.Args); cs != nil {
			return run(cs)
		}
	}
	return err
}

// Unanswered matches messages without \Answered.
func (q Query) Unanswered() Query { return q.word("UNANSWERED") }

// Unflagged matches messages without \Flagged.
func (q Query) Unflagged() Query { return q.word("UNFLAGGED") }

// Undeleted matches messages without \Deleted.
func (q Query) Undeleted() Query { return q.word("UNDELETED") }

// Undraft matches messages without \Draft.
func (q Query) Undraft() Query { return q.word("UNDRAFT") }

// Unkeyword matches messages without the flag f, a keyword or one of the system flags.
func (q Query) Unkeyword(f Flag) Query {
	switch sys, _ := systemFlag([]byte(f)); sys {
	case "", FlagAny:
	case FlagRecent:
		return q.recent("OLD")
	default:
		return q.word("UN" + strings.ToUpper(string(sys[1:])))
	}
	return q.with(searchKey{encode: func(e *encoder) { e.raw("UNKEYWORD ").oneFlag(f) }})
}

// SentOn matches messages whose Date field is that day.
func (q Query) SentOn(day time.Time) Query { return q.dayKey("SENTON", day) }

// UID matches only the messages with the given UIDs. It is equivalent to In.
func (q Query) UID(set UIDSet) Query { return q.In(set) }

// SavedSince matches messages that were added to the mailbox that day or later (RFC 8514; capability SAVEDATE). In a mailbox
// that does not record this date it is the same as Since.
func (q Query) SavedSince(day time.Time) Query { return q.savedKey("SAVEDSINCE", day) }

// SavedBefore matches messages that were added to the mailbox before that day (RFC 8514; capability SAVEDATE). In a mailbox
// that does not record this date it is the same as Before.
func (q Query) SavedBefore(day time.Time) Query { return q.savedKey("SAVEDBEFORE", day) }

// SavedOn matches messages that were added to the mailbox that day (RFC 8514; capability SAVEDATE). In a mailbox that does
// not record this date it is the same as On.
func (q Query) SavedOn(day time.Time) Query { return q.savedKey("SAVEDON", day) }

// SaveDateSupported matches all messages if the mailbox records when they were added to it, else none (RFC 8514; capability
// SAVEDATE).
func (q Query) SaveDateSupported() Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("SAVEDATE").raw("SAVEDATESUPPORTED") }})
}

func (q Query) savedKey(word string, day time.Time) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("SAVEDATE").raw(word).sp().day(day) }})
}

// filterName writes the name of a filter.
func (e *encoder) filterName(name string) *encoder {
	if strings.IndexByte(name, '/') >= 0 {
		e.fail(argError("a slash in the name of a filter"))
	}
	return e.atom("the name of a filter", name)
}

// Filter matches the messages that a filter stored on the server matches (RFC 5466; capability FILTERS). If there is no
// filter with that name, the error has CodeUndefinedFilter.
func (q Query) Filter(name string) Query {
	return q.with(searchKey{encode: func(e *encoder) { e.need("FILTERS").raw("FILTER ").filterName(name) }})
}

// Filter is a search that the server stores under a name (RFC 5466).
type Filter struct {
	Name        string
	Shared      bool   // available to all users
	Criteria    string // in wire syntax, text in UTF-8
	Description string
}

const filterEntries = "/filters/values"

// path returns the metadata entry of a filter.
func (f *Filter) path(kind string) string {
	scope := "/private"
	if f.Shared {
		scope = "/shared"
	}
	return scope + kind + f.Name
}

// Filters returns the stored filters of this user, and then those for all users, each sorted by name (RFC 5466 section 3.1;
// capabilities FILTERS and METADATA or METADATA-SERVER; logged in).
func (c *Client) Filters(ctx context.Context) ([]Filter, error) {
	if err := c.needAll(ctx, "GETMETADATA", "FILTERS"); err != nil {
		return nil, err
	}
	values, err := c.GetMetadataWith(ctx, "", &MetadataOptions{Depth: DepthInfinity}, "/private/filters", "/shared/filters")
	if err != nil {
		return nil, err
	}
	var list []Filter
	for _, f := range []Filter{{}, {Shared: true}} {
		for _, entry := range slices.Sorted(maps.Keys(values.Entries)) {
			name, ok := cutPrefixFold(entry, f.path(filterEntries+"/"))
			value := values.Entries[entry]
			if ok && value != nil {
				g := f
				g.Name, g.Criteria = name, string(value)
				g.Description = string(values.Entries[g.path("/filters/descriptions/")])
				list = append(list, g)
			}
		}
	}
	return list, nil
}

// SetFilter stores a query under a name, for this user or, with Filter.Shared, for all users (RFC 5466 section 3.1;
// capabilities FILTERS and METADATA or METADATA-SERVER; logged in). The query replaces Filter.Criteria. RemoveFilter removes
// the filter.
func (c *Client) SetFilter(ctx context.Context, f Filter, q Query) error {
	if err := c.needAll(ctx, "SETMETADATA", "FILTERS"); err != nil {
		return err
	}
	e := c.e.looseEncoder()
	e.utf8 = true // METADATA allows any bytes
	e.filterName(f.Name)
	e.buf = nil
	q.encode(&e)
	if len(e.cuts) > 0 {
		e.fail(argError("text that needs a literal, which a filter cannot hold"))
	}
	if e.err != nil {
		return unsent("SETMETADATA", e.err)
	}
	entries := map[string][]byte{f.path(filterEntries + "/"): e.buf}
	if f.Description != "" {
		entries[f.path("/filters/descriptions/")] = []byte(f.Description)
	}
	return c.SetMetadata(ctx, "", entries)
}

// RemoveFilter removes a filter and its description.
func (c *Client) RemoveFilter(ctx context.Context, name string, shared bool) error {
	if err := c.needAll(ctx, "SETMETADATA", "FILTERS"); err != nil {
		return err
	}
	f := Filter{Name: name, Shared: shared}
	return c.SetMetadata(ctx, "", map[string][]byte{f.path(filterEntries + "/"): nil, f.path("/filters/descriptions/"): nil})
}

// needAll fails if the server lacks one of the capabilities.
func (c *Client) needAll(ctx context.Context, command string, names ...string) error {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !caps.offers(name) {
			return unsent(command, &CapabilityError{Name: name})
		}
	}
	return nil
}
