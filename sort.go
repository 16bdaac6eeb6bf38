package imap

import (
	"bytes"
	"context"
	"slices"
	"strings"
)

// SortKey is one criterion of SORT (RFC 5256 section 3): ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT or TO; with the
// capability SORT=DISPLAY also DISPLAYFROM and DISPLAYTO, which sort by the name that a mail program shows (RFC 5957);
// with SEARCH=FUZZY also RELEVANCY (RFC 6203); with ANNOTATE-EXPERIMENT-1 also ANNOTATION (RFC 5257 section 4.9); and
// Cyrus' MODSEQ and UID where SORT=MODSEQ and SORT=UID are offered.
type SortKey struct {
	Name    string
	Reverse bool // from the highest to the lowest

	Entry     string // of ANNOTATION: "/altsubject"
	Attribute string // of ANNOTATION: value.priv or value.shared
}

// sortKeys are the criteria with the capability that each needs.
var sortKeys = map[string]string{
	"ARRIVAL": "SORT", "CC": "SORT", "DATE": "SORT", "FROM": "SORT", "SIZE": "SORT", "SUBJECT": "SORT", "TO": "SORT",
	"DISPLAYFROM": "SORT=DISPLAY", "DISPLAYTO": "SORT=DISPLAY",
	"RELEVANCY": "SEARCH=FUZZY", "ANNOTATION": "ANNOTATE-EXPERIMENT-1",
	"MODSEQ": "SORT=MODSEQ", "UID": "SORT=UID",
}

// Sort returns the UIDs of the messages that match, in order (UID SORT, RFC 5256; capability SORT, or Options.LocalSort;
// selected). Messages
// that are alike by the first key are sorted by the second, and so on, at last by their number. Text is matched as in
// Search. A server that looked only at a part of the messages (MESSAGELIMIT) has put these in order alone: they come beside
// a PartialError, or with Options.LocalSort all of them are sorted here.
func (c *Client) Sort(ctx context.Context, keys []SortKey, q Query) ([]UID, error) {
	return sortMessages[UID](ctx, c, "UID SORT", keys, q)
}

// SortSeq returns the sequence numbers of the messages that match, in order (SORT, RFC 5256; capability SORT; selected).
func (c *Client) SortSeq(ctx context.Context, keys []SortKey, q Query) ([]SeqNum, error) {
	return sortMessages[SeqNum](ctx, c, "SORT", keys, q)
}

func sortMessages[N UID | SeqNum](ctx context.Context, c *Client, name string, keys []SortKey, q Query) ([]N, error) {
	if c.sortsHere(ctx, "SORT") {
		return sortHere[N](ctx, c, keys, q)
	}
	s := &sorting[N]{c: c, name: name, keys: keys, q: q}
	err := q.inCharset(func(cs *charset) error { return s.run(ctx, cs) })
	if c.sortsAll(q, err) {
		return sortHere[N](ctx, c, keys, q)
	}
	return s.nums, err
}

// sorting is a SORT under way.
type sorting[N UID | SeqNum] struct {
	c    *Client
	name string
	keys []SortKey
	q    Query
	o    *SearchOptions // of ESORT, nil to do without
	sorted[N]
}

// sorted is what SORT and ESEARCH responses hold.
type sorted[N UID | SeqNum] struct {
	cmd      *command
	extended bool // ESEARCH was asked for
	maxLine  int
	nums     []N
	res      SearchResult // what ESEARCH says beside the numbers
	read     int          // octets of the answer so far
}

func (s *sorting[N]) run(ctx context.Context, cs *charset) error {
	cmd := sortCommand(s.name, s.q)
	cmd.encode = func(e *encoder) {
		e.need("SORT")
		if s.o != nil {
			s.o.encodeReturn(e)
		}
		e.sp().sortKeys(s.keys)
		s.q.encodeAll(e, cs)
	}
	fresh := func() *sorted[N] { return &sorted[N]{cmd: cmd, extended: s.o != nil, maxLine: s.c.conn.Limits.MaxLine} }
	found, err := gather(ctx, s.c, cmd, fresh)
	if found != nil {
		s.sorted = *found
	}
	return err
}

// sortCommand makes a SORT or THREAD. By number, it names messages in its results: the server may expunge none while it
// runs (RFC 5256 section 3).
func sortCommand(name string, q Query) *command {
	byNumber, numbers := !strings.HasPrefix(name, "UID "), q.hasNumbers()
	return &command{name: name, states: inSelected, once: strings.TrimPrefix(name, "UID "), noExpunge: byNumber, byNumber: byNumber || numbers, numbers: numbers}
}

// sortKeys writes the criteria.
func (e *encoder) sortKeys(keys []SortKey) {
	if len(keys) == 0 {
		e.fail(argError("SORT without a key"))
	}
	e.raw("(")
	for i, k := range keys {
		if i > 0 {
			e.sp()
		}
		name := strings.ToUpper(k.Name)
		needs, ok := sortKeys[name]
		if !ok {
			e.fail(argError("not the name of a sort key"))
			return
		}
		e.need(needs)
		if k.Reverse {
			e.raw("REVERSE ")
		}
		e.raw(name)
		k.encodeAnnotation(e, name == "ANNOTATION")
	}
	e.raw(")")
}

// encodeAnnotation writes what ANNOTATION alone takes.
func (k *SortKey) encodeAnnotation(e *encoder, takes bool) {
	if known := k.Attribute == "value.priv" || k.Attribute == "value.shared"; takes != (k.Entry != "") || takes != known || strings.ContainsAny(k.Entry, "*%") {
		e.fail(argError("SortKey: an Entry and an Attribute belong to ANNOTATION, which sorts by value.priv or value.shared"))
		return
	}
	if takes {
		e.sp().astring(k.Entry).sp().raw(k.Attribute)
	}
}

// encodeAll writes the character set, which SORT and THREAD always name, and the query.
func (q Query) encodeAll(e *encoder, cs *charset) {
	e.sp().astring(cs.name).sp()
	e.charset = cs.encode
	q.encode(e)
}

var asciiCharset = charset{"US-ASCII", utf8Charset.encode}

// inCharset runs a SORT or THREAD in UTF-8, and once more in another character set where the server says that it wants
// one. Courier may refuse UTF-8 also where all is ASCII.
func (q Query) inCharset(run func(*charset) error) error {
	refused := false
	err := q.withCharset(func(cs *charset) error {
		if cs == nil {
			cs = &utf8Charset
		} else {
			refused = true
		}
		return run(cs)
	})
	if refusesCharset(err) && !refused && !q.hasText() && !q.sentOnce() {
		return run(&asciiCharset)
	}
	return err
}

// refusesCharset reports whether a server refused a character set, by its code or in its words alone.
func refusesCharset(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Code == CodeBadCharset || e.Code == "" && strings.Contains(strings.ToLower(e.Text), "charset"))
}

// take claims SORT, and the ESEARCH with our tag.
func (s *sorted[N]) take(r *response) (claim, error) {
	read := s.takeNumbers
	switch {
	case r.name == "ESEARCH" && s.extended:
		tag, _, err := r.esearchHead()
		if err != nil || tag != "" && tag != s.cmd.tag {
			return notMine, nil
		}
		read = s.takeExtended
	case r.name != "SORT":
		return notMine, nil
	}
	if s.read += len(r.text); s.read > s.maxLine {
		return mine, &LimitError{"MaxLine", int64(s.maxLine)}
	}
	return mine, read(r)
}

// takeNumbers reads the numbers of a SORT response, and (MODSEQ n) behind them, of which nobody knows what it is about.
func (s *sorted[N]) takeNumbers(r *response) error {
	s.nums = slices.Grow(s.nums, bytes.Count(r.text[r.pos:], space))
	for !r.atEnd() {
		if r.peek() == '(' {
			if err := r.skipValue(); err != nil {
				return err
			}
			continue
		}
		n, err := r.number32()
		if err != nil {
			return err
		}
		if n > 0 {
			s.nums = append(s.nums, N(n))
		}
	}
	return nil
}
