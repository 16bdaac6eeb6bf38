package imap

import (
	"bytes"
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// needMetadata fails unless the server supports metadata of the mailbox, or of the server for "".
func (e *encoder) needMetadata(mailbox string) {
	if mailbox == "" {
		e.need("METADATA", "METADATA-SERVER")
		return
	}
	e.need("METADATA")
}

// entryName writes the name of an entry (RFC 5464 section 3.2).
func (e *encoder) entryName(name string) *encoder {
	bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '*' || r == '%' })
	if bad || !strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//") {
		e.fail(argError("not the name of an entry"))
		return e
	}
	return e.astring(name)
}

// entryNames writes a list of names.
func (e *encoder) entryNames(names []string) *encoder {
	for i, name := range names {
		e.raw([]string{"(", " "}[min(i, 1)]).entryName(name)
	}
	return e.raw(")")
}

// metadataValue writes NIL, a string, or a literal8 for a value with NUL. The literal8 is always synchronizing: Courier
// takes the bytes after "~{3+}" for a command, and other servers may do so too.
func (e *encoder) metadataValue(value []byte) *encoder {
	switch {
	case value == nil:
		return e.raw("NIL")
	case bytes.IndexByte(value, 0) >= 0:
		e.raw("~{").number(uint64(len(value))).raw("}\r\n")
		e.cuts = append(e.cuts, cut{len(e.buf), LiteralBytes(value), true})
		return e
	}
	return e.str(string(value))
}

// The registered entries of GetMetadata and SetMetadata.
const (
	EntrySharedComment  = "/shared/comment"          // of a mailbox or the server
	EntryPrivateComment = "/private/comment"         // of a mailbox
	EntryAdmin          = "/shared/admin"            // of the server: a URL for contacting its administrator
	EntrySpecialUse     = "/private/specialuse"      // of a mailbox (RFC 6154 section 4): see SetSpecialUse
	EntrySieveScript    = "/shared/imapsieve/script" // of a mailbox or the server (RFC 6785): see SetSieveScript
	EntryMediaServers   = "/shared/mediaServers"     // of the server (RFC 5616)
)

// SetSpecialUse replaces the special uses of a mailbox; without uses it removes them (SETMETADATA of /private/specialuse,
// RFC 6154 section 4; capabilities SPECIAL-USE and METADATA; logged in). If the server does not allow a use, the error has
// CodeUseAttr.
func (c *Client) SetSpecialUse(ctx context.Context, mailbox string, uses ...MailboxAttr) error {
	if err := c.needAll(ctx, "SETMETADATA", "SPECIAL-USE", "METADATA"); err != nil {
		return err
	}
	var words []string
	for _, use := range uses {
		if !strings.HasPrefix(string(use), `\`) || !validFlag(Flag(use)) {
			return unsent("SETMETADATA", argError("not the attribute of a mailbox"))
		}
		words = append(words, string(use))
	}
	value := []byte(strings.Join(words, " "))
	if len(words) == 0 {
		value = nil
	}
	return c.SetMetadata(ctx, mailbox, map[string][]byte{EntrySpecialUse: value})
}

// GetSpecialUse returns the special uses of a mailbox (GETMETADATA of /private/specialuse, RFC 6154 section 4; capabilities
// SPECIAL-USE and METADATA; logged in).
func (c *Client) GetSpecialUse(ctx context.Context, mailbox string) ([]MailboxAttr, error) {
	if err := c.needAll(ctx, "GETMETADATA", "SPECIAL-USE", "METADATA"); err != nil {
		return nil, err
	}
	values, err := c.GetMetadata(ctx, mailbox, EntrySpecialUse)
	if err != nil {
		return nil, err
	}
	var uses []MailboxAttr
	for _, word := range strings.Fields(string(values[EntrySpecialUse])) {
		use := MailboxAttr(word)
		if known, ok := knownAttrs.find([]byte(word)); ok {
			use = known
		}
		uses = append(uses, use)
	}
	return uses, nil
}

// SieveURL returns the URL of the ManageSieve server that stores the scripts for SetSieveScript, from the capability
// IMAPSIEVE (RFC 6785). ok is false if the server does not run scripts.
func (c Caps) SieveURL() (url string, ok bool) { return c.sieve, c.offers("IMAPSIEVE=") }

// SetSieveScript sets the name of the script that the server runs when messages are added to a mailbox or change; "" removes
// it (SETMETADATA of /shared/imapsieve/script, RFC 6785; capability IMAPSIEVE with METADATA; logged in). The script of
// mailbox "" is for mailboxes without a script of their own. Scripts are uploaded with ManageSieve, see Caps.SieveURL.
func (c *Client) SetSieveScript(ctx context.Context, mailbox, script string) error {
	if err := c.needAll(ctx, "SETMETADATA", "IMAPSIEVE="); err != nil {
		return err
	}
	var value []byte
	if script != "" {
		value = []byte(script)
	}
	return c.SetMetadata(ctx, mailbox, map[string][]byte{EntrySieveScript: value})
}

// GetSieveScript returns the name set by SetSieveScript, or "" if none exists (GETMETADATA, RFC 6785; capability IMAPSIEVE
// with METADATA; logged in).
func (c *Client) GetSieveScript(ctx context.Context, mailbox string) (string, error) {
	if err := c.needAll(ctx, "GETMETADATA", "IMAPSIEVE="); err != nil {
		return "", err
	}
	values, err := c.GetMetadata(ctx, mailbox, EntrySieveScript)
	return string(values[EntrySieveScript]), err
}

// MetadataOptions configures GetMetadataWith (RFC 5464 section 4.2).
type MetadataOptions struct {
	// MaxSize excludes values with more bytes than that; 0 excludes none.
	MaxSize uint32
	// Depth includes entries below the named ones: 1 for one level, DepthInfinity for all levels.
	Depth int
}

// DepthInfinity is the Depth that includes all entries below the named ones.
const DepthInfinity = -1

// MetadataResult is the result of GetMetadataWith.
type MetadataResult struct {
	Entries map[string][]byte
	// LongEntries is the size in bytes of the largest value that MaxSize excluded; 0 if none was.
	LongEntries uint32
}

// GetMetadata returns annotations of a mailbox, or of the server for the mailbox "" (GETMETADATA, RFC 5464 section 4.2;
// capability METADATA, or for the server METADATA-SERVER; logged in). An entry is a path such as /shared/comment or
// /private/comment. If the server reports that an entry has no value, it is in the result with nil. Without entries nothing
// is sent.
func (c *Client) GetMetadata(ctx context.Context, mailbox string, entries ...string) (map[string][]byte, error) {
	res, err := c.GetMetadataWith(ctx, mailbox, nil, entries...)
	if err != nil {
		return nil, err
	}
	return res.Entries, nil
}

// GetMetadataWith is like GetMetadata, with options. nil is the same as the zero value.
func (c *Client) GetMetadataWith(ctx context.Context, mailbox string, opts *MetadataOptions, entries ...string) (*MetadataResult, error) {
	if len(entries) == 0 {
		return &MetadataResult{}, nil
	}
	cmd := &command{name: "GETMETADATA", states: inAuth, rows: "METADATA"}
	cmd.encode = func(e *encoder) {
		e.needMetadata(mailbox)
		opts.encode(e)
		e.sp().anyMailbox(mailbox).sp()
		if len(entries) == 1 {
			e.entryName(entries[0])
			return
		}
		e.entryNames(entries)
	}
	fresh := func() *metadata { return &metadata{asked: entries, limit: c.e.conn.Limits.MaxLiteral} }
	m, err := gather(ctx, c, cmd, fresh)
	if err != nil {
		return nil, err
	}
	m.longEntries(&cmd.status)
	return &m.MetadataResult, nil
}

// encode writes the options, which precede the mailbox.
func (o *MetadataOptions) encode(e *encoder) {
	if o == nil || *o == (MetadataOptions{}) {
		return
	}
	depth := strconv.Itoa(o.Depth)
	switch o.Depth {
	case DepthInfinity:
		depth = "infinity"
	case 0, 1:
	default:
		e.fail(argError("a depth that is neither 0, 1 nor infinity"))
	}
	switch {
	case o.MaxSize == 0:
		e.raw(" (DEPTH " + depth + ")")
	case o.Depth == 0:
		e.raw(" (MAXSIZE ").number(uint64(o.MaxSize)).raw(")")
	default:
		e.raw(" (MAXSIZE ").number(uint64(o.MaxSize)).raw(" DEPTH " + depth + ")")
	}
}

// metadata collects METADATA responses.
type metadata struct {
	MetadataResult
	asked []string
	limit int64
	size  int64
}

// take claims METADATA with values. Without values the response is an unsolicited event.
func (m *metadata) take(r *response) (claim, error) {
	if r.name != "METADATA" {
		return notMine, nil
	}
	if _, err := r.mailboxName(); err != nil {
		return notMine, nil
	}
	if r.skipSpaces(); r.peek() != '(' {
		return notMine, nil
	}
	return mine, m.takeEntries(r)
}

// takeEntries parses (entry value …). Names get the case of the request; the values of all responses together are bounded
// by Options.MaxLiteral.
func (m *metadata) takeEntries(r *response) error {
	if err := r.enter(); err != nil {
		return err
	}
	for r.skipSpaces(); r.peek() != ')'; r.skipSpaces() {
		name, value, err := r.metadataEntry()
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(m.asked, func(s string) bool { return strings.EqualFold(s, name) }); i >= 0 {
			name = m.asked[i]
		} else if value == nil {
			continue // Cyrus lists all possible entries
		}
		if m.size += int64(len(name) + len(value)); m.size > m.limit {
			return &LimitError{"MaxLiteral", m.limit}
		}
		if m.Entries == nil {
			m.Entries = make(map[string][]byte)
		}
		if len(m.Entries) >= maxListed {
			return r.errorf("too many entries")
		}
		m.Entries[name] = value
	}
	return r.leave()
}

func (p *parser) metadataEntry() (name string, value []byte, err error) {
	if name, err = p.astring(); err != nil {
		return "", nil, err
	}
	p.skipSpaces()
	value, _, err = p.nbytes()
	return name, value, err
}

// longEntries parses [METADATA LONGENTRIES n].
func (m *metadata) longEntries(s *status) {
	word, number, _ := strings.Cut(s.args, " ")
	if s.code == CodeMetadata && strings.EqualFold(word, "LONGENTRIES") {
		m.LongEntries = uint32(min(codeNumber(number, 64), math.MaxUint32))
	}
}

// SetMetadata changes annotations of a mailbox, or of the server for the mailbox "" (SETMETADATA, RFC 5464 section 4.3;
// capability METADATA, or for the server METADATA-SERVER; logged in). nil removes an entry; values may contain any
// bytes. The error for a refusal has CodeMetadata, with MAXSIZE and the largest size, TOOMANY or NOPRIVATE in
// Error.Args. Without entries nothing is sent.
func (c *Client) SetMetadata(ctx context.Context, mailbox string, entries map[string][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	return c.run(ctx, &command{name: "SETMETADATA", states: inAuth, encode: func(e *encoder) {
		e.needMetadata(mailbox)
		e.sp().anyMailbox(mailbox).raw(" (")
		for i, name := range slices.Sorted(maps.Keys(entries)) {
			if i > 0 {
				e.sp()
			}
			e.entryName(name)
			e.sp().metadataValue(entries[name])
		}
		e.raw(")")
	}})
}

// MetadataEvent reports that annotations of a mailbox changed, or of the server for the mailbox "" (RFC 5464 section
// 4.4.2; after ENABLE METADATA, or NOTIFY). GetMetadata returns the new values.
type MetadataEvent struct {
	Mailbox string
	Entries []string
}

func (ev *MetadataEvent) size() int {
	n := eventSize + len(ev.Mailbox)
	for _, s := range ev.Entries {
		n += sliceCost + len(s)
	}
	return n
}

// metadataEvent is the table entry of METADATA.
func metadataEvent(e *engine, r *response) (Event, error) {
	mailbox, err := r.mailboxName()
	if err != nil {
		return nil, err
	}
	ev := &MetadataEvent{Mailbox: mailbox}
	values := false
	if r.skipSpaces(); r.peek() == '(' {
		values = true
		if err := r.enter(); err != nil {
			return nil, err
		}
	}
	for !r.atEnd() && r.peek() != ')' {
		name, err := r.astring()
		if err != nil {
			return nil, err
		}
		if len(ev.Entries) >= maxEventEntries {
			return nil, r.errorf("too many entries")
		}
		ev.Entries = append(ev.Entries, name)
		if r.skipSpaces(); values {
			if err := r.skipValue(); err != nil {
				return nil, err
			}
			r.skipSpaces()
		}
	}
	return ev, nil
}

// maxEventEntries bounds the entries of one event.
const maxEventEntries = 1000

// ---- ANNOTATE

// Annotation is an annotation of a message: an entry such as "/comment", with values by attribute: value.priv, value.shared,
// size.priv, size.shared (RFC 5257 section 4). A nil value is NIL: the value does not exist, and StoreAnnotations removes it.
// Values is nil if the server sends only that the entry has changed.
type Annotation struct {
	Entry  string
	Values map[string][]byte
}

// texts returns the number of bytes in the strings of an annotation.
func (a Annotation) texts() int {
	n := eventSize + len(a.Entry)
	for name, value := range a.Values {
		n += 2*sliceCost + len(name) + len(value)
	}
	return n
}

// FetchAnnotations requests annotations of messages, by entries and attributes, which may contain the wildcards % and *
// (RFC 5257; capability ANNOTATE-EXPERIMENT-1). Message.Annotations returns them.
func FetchAnnotations(entries []string, attributes ...string) FetchItem {
	return fetchArg{"ANNOTATION", func(e *encoder) {
		if len(entries) == 0 || len(attributes) == 0 {
			e.fail(argError("no entry or no attribute of an annotation"))
		}
		e.raw("ANNOTATION (").strings(entries).sp().strings(attributes).raw(")")
	}}
}

// Annotations returns the annotations requested by FetchAnnotations.
func (m *Message) Annotations() []Annotation { return slices.Collect(extras[Annotation](m.extra)) }

// StoreAnnotations returns an operation for Store that sets annotations and keeps the others (RFC 5257; capability
// ANNOTATE-EXPERIMENT-1).
func StoreAnnotations(annotations ...Annotation) StoreOp {
	return StoreOp{"", "ANNOTATION", len(annotations), func(e *encoder) { e.annotations(annotations) }}
}

func (a *Annotation) encode(e *encoder) {
	if len(a.Values) == 0 {
		e.fail(argError("an annotation without a value"))
	}
	e.astring(a.Entry).raw(" (")
	for i, name := range slices.Sorted(maps.Keys(a.Values)) {
		if i > 0 {
			e.sp()
		}
		e.astring(name).sp()
		if value := a.Values[name]; value == nil {
			e.raw("NIL")
		} else {
			e.str(string(value))
		}
	}
	e.raw(")")
}

// Annotation matches messages with an annotation that contains the text; entry may contain the wildcards % and * (RFC 5257;
// capability ANNOTATE-EXPERIMENT-1). The attribute is value, value.priv or value.shared.
func (q Query) Annotation(entry, attribute, text string) Query {
	return q.with(searchKey{
		encode: func(e *encoder) {
			e.need("ANNOTATE-EXPERIMENT-1").raw("ANNOTATION ").astring(entry).sp().astring(attribute).sp().searchText(text)
		},
		text: !isASCII(text),
	})
}

// parseAnnotations parses (entry (attribute value …) …).
func parseAnnotations(p *parser, m *Message) error {
	if err := p.enter(); err != nil {
		return err
	}
	for n := 0; p.peek() != ')'; n++ {
		entry, err := p.astring()
		if err != nil {
			return err
		}
		if n >= maxListed {
			return p.errorf("too many annotations")
		}
		p.skipSpaces()
		var values map[string][]byte
		if p.peek() == '(' {
			if values, err = p.annotationValues(); err != nil {
				return err
			}
		}
		m.extra = m.extra.put(Annotation{entry, values})
		p.skipSpaces()
	}
	return p.leave()
}

func (p *parser) annotationValues() (map[string][]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	values := make(map[string][]byte)
	for ; p.peek() != ')'; p.skipSpaces() {
		name, err := p.astring()
		if err != nil {
			return nil, err
		}
		p.skipSpaces()
		if values[name], _, err = p.nbytes(); err != nil {
			return nil, err
		}
	}
	return values, p.leave()
}

// Annotations returns the server's support for annotations in the mailbox, and false if the server did not send it.
func (m *Mailbox) Annotations() (MailboxAnnotations, bool) {
	for v := range extras[MailboxAnnotations](m.extra) {
		return v, true
	}
	return MailboxAnnotations{}, false
}

// annotationsCode is the table entry of ANNOTATIONS.
func annotationsCode(m *Mailbox, args string) { m.extra = m.extra.put(parseMailboxAnnotations(args)) }

func (e *encoder) annotationValue(value string) *encoder {
	if value == "NIL" {
		return e.raw(value)
	}
	return e.str(value)
}

func (e *encoder) annotations(list []Annotation) {
	e.raw("(")
	for i, a := range list {
		if i > 0 {
			e.sp()
		}
		a.encode(e)
	}
	e.raw(")")
}
