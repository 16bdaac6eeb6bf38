package imap

import (
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// binarySize is the value of a BINARY.SIZE item.
type binarySize struct {
	part []int
	size int64
}

// BinarySize returns the size in bytes requested by FetchBinarySize, and whether the server sent it.
func (m *Message) BinarySize(part ...int) (int64, bool) {
	for v := range extras[binarySize](m.extra) {
		if slices.Equal(v.part, part) {
			return v.size, true
		}
	}
	return 0, false
}

// binarySizes returns how many sizes of parts the message has.
func (m *Message) binarySizes() int {
	n := 0
	for range extras[binarySize](m.extra) {
		n++
	}
	return n
}

// parseBinarySize parses [part] and the number.
func parseBinarySize(p *parser, m *Message) error {
	if p.peek() != '[' {
		return p.errorf("expected a section")
	}
	s, err := p.section(true)
	if err != nil {
		return err
	}
	p.skipSpaces()
	n, err := p.number()
	if err != nil {
		return err
	}
	if n > 1<<63-1 {
		return p.errorf("size above 2^63-1")
	}
	m.extra = m.extra.put(binarySize{s.Part, int64(n)})
	return nil
}

// previewPending is the value NIL of PREVIEW.
type previewPending struct{}

// PreviewPending reports whether the server has no preview of the message yet. FetchPreview makes it compute one. The
// preview of a message is empty if none can be made.
func (m *Message) PreviewPending() bool {
	for range extras[previewPending](m.extra) {
		return true
	}
	return false
}

// parsePreview parses a text, or (FUZZY text), the form of a draft.
func parsePreview(p *parser, m *Message) (err error) {
	if p.isNil() {
		m.extra = m.extra.put(previewPending{})
		return nil
	}
	if p.peek() != '(' {
		m.Preview, _, err = p.nstring()
		return err
	}
	p.tolerate("list for a string")
	if err := p.enter(); err != nil {
		return err
	}
	for ; p.peek() != ')'; p.skipSpaces() {
		if m.Preview, _, err = p.nstring(); err != nil {
			return err
		}
	}
	return p.leave()
}

// Section is a part of a message (RFC 9051 section 6.4.5.1). The zero Section is the whole message. Fetching a Section sets
// \Seen only if MarkSeen is true.
type Section struct {
	Part      []int    // body part path, nil for the message itself
	Specifier string   // "", "HEADER", "TEXT", "MIME"
	Fields    []string // with HEADER: only these fields
	NotFields []string // with HEADER: all but these
	Offset    int64    // of the first byte
	Count     int64    // 0: to the end
	MarkSeen  bool
	Binary    bool // content-transfer-encoding decoded by the server (capability BINARY, RFC 3516)
}

func (Section) fetchItem() {}

// encode writes the section as an item of FETCH.
func (s Section) encode(e *encoder) {
	if err := s.check(); err != nil {
		e.fail(err)
		return
	}
	switch {
	case s.Binary:
		e.need("BINARY").raw("BINARY")
	default:
		e.raw("BODY")
	}
	if !s.MarkSeen {
		e.raw(".PEEK")
	}
	e.raw("[")
	s.encodeName(e)
	e.raw("]")
	if s.Offset > 0 || s.Count > 0 {
		count := s.Count
		if count == 0 {
			count = restOfSection
		}
		e.raw("<").number(uint64(s.Offset)).raw(".").number(uint64(count)).raw(">")
	}
}

// restOfSection is the count that stands for all that is left: the largest that IMAP4rev1 has.
const restOfSection = 1<<32 - 1

func (s Section) encodeName(e *encoder) {
	for i, n := range s.Part {
		if i > 0 {
			e.raw(".")
		}
		e.number(uint64(n))
	}
	if s.Specifier == "" {
		return
	}
	if len(s.Part) > 0 {
		e.raw(".")
	}
	e.raw(strings.ToUpper(s.Specifier))
	fields := s.Fields
	switch {
	case len(s.Fields) > 0:
		e.raw(".FIELDS (")
	case len(s.NotFields) > 0:
		fields = s.NotFields
		e.raw(".FIELDS.NOT (")
	default:
		return
	}
	for i, f := range fields {
		if i > 0 {
			e.sp()
		}
		e.astring(f)
	}
	e.raw(")")
}

// check fails for an invalid section.
func (s Section) check() error {
	switch strings.ToUpper(s.Specifier) {
	case "", "HEADER", "TEXT":
	case "MIME":
		if len(s.Part) == 0 {
			return argError("Section: MIME needs a Part")
		}
	default:
		return argError("Section: Specifier is not HEADER, TEXT or MIME")
	}
	if (len(s.Fields) > 0 || len(s.NotFields) > 0) && !strings.EqualFold(s.Specifier, "HEADER") {
		return argError("Section: Fields without HEADER")
	}
	if len(s.Fields) > 0 && len(s.NotFields) > 0 {
		return argError("Section: both Fields and NotFields")
	}
	if s.Binary && s.Specifier != "" {
		return argError("Section: Binary with a Specifier")
	}
	if s.Offset < 0 || s.Count < 0 {
		return argError("Section: a negative Offset or Count")
	}
	if slices.ContainsFunc(s.Part, func(n int) bool { return n < 1 }) {
		return argError("Section: part numbers count from 1")
	}
	if slices.ContainsFunc(s.Fields, badFieldName) || slices.ContainsFunc(s.NotFields, badFieldName) {
		return argError("Section: not the name of a header field")
	}
	return nil
}

// badFieldName reports whether s is not a valid name of a header field (RFC 5322 section 2.2).
func badFieldName(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

// matches reports whether the section of a response is the requested one. Servers may echo it with another case, order or
// quoting, and omit the count.
func (s Section) matches(asked Section) bool {
	return s.Offset == asked.Offset && slices.Equal(s.Part, asked.Part) && s.Binary == asked.Binary &&
		strings.EqualFold(s.Specifier, asked.Specifier) && sameFields(s.Fields, asked.Fields) && sameFields(s.NotFields, asked.NotFields)
}

func sameFields(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if !slices.ContainsFunc(b, func(g string) bool { return strings.EqualFold(f, g) }) {
			return false
		}
	}
	return true
}

// Section returns the bytes of a fetched section, at most s.Count unless that is 0, or nil if the server did not send them.
// If it sent several that begin at s.Offset, the longest counts, and the last of equally long ones. The bytes of Section{}
// are a whole message, which mail.ReadMessage of net/mail or a MIME library can parse: see the example and
// examples/gomessage. To get only text or attachments, FetchText and BodyStructure.Attachments fetch less.
func (m *Message) Section(s Section) []byte {
	var b []byte // BODY[] and BODY[]<0> of a message that was fetched whole and in part look the same
	for i := range m.Sections {
		if sent := &m.Sections[i]; sent.Section.matches(s) && (b == nil || len(sent.Bytes) >= len(b)) {
			b = sent.Bytes
		}
	}
	if s.Count > 0 && int64(len(b)) > s.Count {
		b = b[:s.Count:s.Count] // Twisted and hMailServer send everything from the origin on
	}
	return b
}

// ---- reading

// section parses a section in brackets and the origin after it.
func (p *parser) section(binary bool) (Section, error) {
	s := Section{Binary: binary}
	p.pos++ // [
	for ascii.IsDigit(p.peek()) {
		n, err := p.number32()
		if err != nil {
			return s, err
		}
		if len(s.Part) > p.max {
			return s, &LimitError{"MaxDepth", int64(p.max)}
		}
		s.Part = append(s.Part, int(n))
		if !p.accept('.') {
			break
		}
	}
	if err := p.sectionSpecifier(&s); err != nil {
		return s, err
	}
	p.skipSpaces()
	if !p.accept(']') {
		return s, p.errorf("expected ]")
	}
	return s, p.origin(&s)
}

// origin parses <n> after a section. Some servers echo the count as well.
func (p *parser) origin(s *Section) error {
	if !p.accept('<') {
		return nil
	}
	n, err := p.number()
	if err != nil || n > 1<<62 {
		return p.errorf("expected an origin")
	}
	s.Offset = int64(n)
	if p.accept('.') {
		p.tolerate("count behind an origin")
		if _, err := p.number(); err != nil {
			return err
		}
	}
	if !p.accept('>') {
		return p.errorf("expected >")
	}
	return nil
}

// sectionSpecifier parses HEADER, TEXT, MIME and the list of fields.
func (p *parser) sectionSpecifier(s *Section) error {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != ']' && p.text[p.pos] != ' ' {
		p.pos++
	}
	word := p.text[start:p.pos]
	switch {
	case len(word) == 0:
		return nil
	case ascii.EqualFold(word, "HEADER"):
		s.Specifier = "HEADER"
	case ascii.EqualFold(word, "TEXT"):
		s.Specifier = "TEXT"
	case ascii.EqualFold(word, "MIME"):
		s.Specifier = "MIME"
	case ascii.EqualFold(word, "HEADER.FIELDS"):
		s.Specifier = "HEADER"
		return p.fieldNames(&s.Fields)
	case ascii.EqualFold(word, "HEADER.FIELDS.NOT"):
		s.Specifier = "HEADER"
		return p.fieldNames(&s.NotFields)
	default:
		p.pos = start
		return p.errorf("expected a section")
	}
	return nil
}

func (p *parser) fieldNames(list *[]string) error {
	p.skipSpaces()
	if err := p.enter(); err != nil {
		return err
	}
	for p.peek() != ')' {
		name, err := p.astring()
		if err != nil {
			return err
		}
		*list = append(*list, name)
		p.skipSpaces()
	}
	return p.leave()
}
