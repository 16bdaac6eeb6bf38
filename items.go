package imap

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/datetime"
	"github.com/go-imaplib/imap/internal/mimetext"
	"github.com/go-imaplib/imap/internal/wire"
)

const (
	itemUID itemMask = 1 << iota
	itemFlags
	itemEnvelope
	itemDate
	itemSize
	itemStructure
	itemModSeq
	itemPreview
	itemEmailID
	itemThreadID
	itemSaveDate
	itemSection
	itemFirstFree // from here on for items that no code refers to
)

// isRow reports whether a response has data of a message.
func (r *response) isRow() bool {
	return r.kind == kindUntagged && (r.name == "FETCH" || r.name == "UIDFETCH")
}

// parseMessage parses a row that is used unchanged.
func (r *response) parseMessage() (*Message, error) {
	row := r.parseRow()
	return row.m, row.err
}

// parseRow parses a FETCH response. If a value cannot be parsed, only that value is lost: its error is stored in the row.
func (r *response) parseRow() *fetched {
	rd := &r.row
	if rd.ended {
		return &rd.fetched
	}
	begun := rd.begun
	if begun {
		r.depth = rd.depth
		r.reset(rd.pos)
	} else if !r.beginRow() {
		return &rd.fetched
	}
	r.parseItems(true)
	if !r.rowFits() && r.hasOpenBackslash(0) && (begun || !r.parseRowPlainly()) {
		rd.fail(0, r.errorf("the data of the message does not end with the response"))
	}
	rd.ended = true
	return &rd.fetched
}

// rowFits reports whether the data of the message ended at the end of the response. Servers close too many parentheses.
func (r *response) rowFits() bool {
	if !r.row.ended || r.atEnd() {
		return r.row.ended
	}
	r.tolerate("data behind that of the message")
	return len(bytes.Trim(r.text[r.pos:], " )")) == 0
}

// parseRowPlainly parses a row again in which a backslash may have been taken for an escape, so that a string has swallowed what
// follows it. It reports whether the row is well formed then; if not, the row remains as it was parsed first.
func (r *response) parseRowPlainly() bool {
	first, pos := r.row.fetched, r.pos
	r.row.fetched = fetched{}
	r.rewind()
	r.plainBackslash = true
	ok := r.beginRow()
	if ok {
		r.parseItems(true)
		ok = r.row.err == nil && r.rowFits()
	}
	r.plainBackslash = false
	if !ok {
		r.row.fetched, r.pos = first, pos
		return false
	}
	r.tolerate("backslash that escapes nothing")
	return true
}

// beginRow parses the head of a FETCH response. It reports whether items follow.
func (r *response) beginRow() bool {
	rd := &r.row
	rd.begun, rd.ended = true, true
	if !r.hasNum || r.num == 0 {
		r.tolerate("data of a message that cannot be")
		return false // Courier and Zoho send rows of messages that do not exist
	}
	rd.m = r.pieces().message()
	rd.m.SeqNum = SeqNum(r.num)
	if r.name == "UIDFETCH" {
		rd.m.SeqNum, rd.m.UID, rd.got = 0, UID(r.num), itemUID
	}
	r.skipSpaces()
	if err := r.enter(); err != nil {
		rd.fail(0, err)
		return false
	}
	if r.peek() == ')' {
		r.tolerate("data without items") // QIP
	}
	rd.ended = false
	return true
}

// parseItems parses items: to the end of a complete row, or else as far as they are complete. In the latter case the
// text ends with the header of a literal; if that is the value of a section, parseItems returns the section. The
// position is then before the first item that was not parsed.
func (r *response) parseItems(whole bool) (body Section, isBody bool) {
	row := &r.row.fetched
	for reopened := false; ; {
		if whole && r.plainItems(row) {
			if reopened = r.closedEarly(); !reopened {
				return body, false
			}
		}
		r.skipCommas()
		switch r.peek() {
		case ')':
			err := r.leave()
			if err == nil && r.depth == 0 && whole {
				reopened = r.closedEarly()
			}
			if err != nil || r.depth == 0 {
				r.row.ended = true
				return body, false
			}
			continue
		case '(':
			// Domino puts parentheses around single items.
			r.tolerate("parentheses around an item")
			if err := r.enter(); err != nil {
				row.fail(0, err)
				return body, false
			}
			continue
		}
		start, depth := r.pos, r.depth
		name := r.itemName()
		if !startsWithLetter(name) {
			if r.pos = start; reopened && r.atEnd() {
				r.row.ended = true
			} else if whole {
				row.fail(0, r.errorf("expected a FETCH item")) // a flag, for example, behind a value that was taken for an item
			}
			return body, false
		}
		if !whole {
			if s, ok := r.bodyAtEnd(name); ok {
				r.reset(start)
				return s, true
			}
		}
		err := r.parseItem(name, row)
		if err != nil && row.retries < maxRetries {
			err = r.parseItemAgain(name, start, depth, err)
		}
		if err == nil {
			continue
		}
		r.depth = depth
		r.reset(start + len(name))
		skipped := r.skipItem() == nil
		if !skipped && !whole {
			r.depth = depth
			r.reset(start) // the item continues after the text
			return body, false
		}
		row.fail(r.itemBit(name), err)
		if !skipped {
			return body, false
		}
	}
}

// closedEarly reports whether an item follows the parenthesis that should have closed the row, as in an example of RFC 5257 section
// 4.4; the row continues with it.
func (r *response) closedEarly() bool {
	if r.atEnd() {
		return false
	}
	pos := r.pos
	name := r.itemName()
	next := r.peek()
	r.pos = pos
	if _, known := r.table.fetch.find(name); !known && !isRFC822(name) || next != ' ' && next != '[' {
		return false
	}
	r.tolerate("item behind the data of the message")
	r.depth, r.row.ended = 1, false
	return true
}

// plainItems reads the items that follow and are plain. It reports whether they end the row.
func (r *response) plainItems(row *fetched) bool {
	if r.deviations != nil || r.depth != 1 || r.max < plainDepth {
		return false
	}
	p := plainRow{text: r.text, pos: r.pos, names: r.names, slabs: r.pieces(), decoder: r.decoder, row: fetched{m: row.m, got: row.got}}
	ended := p.items()
	r.pos, row.got = p.pos, p.row.got
	if ended {
		r.depth = 0
		r.row.ended = true
	}
	return ended
}

// parseItemAgain parses an item again in which a backslash may have been taken for an escape.
func (r *response) parseItemAgain(name []byte, start, depth int, err error) error {
	row := &r.row.fetched
	row.retries++ // searching for the backslash is expensive too
	if !r.hasOpenBackslash(start) {
		return err
	}
	r.depth = depth
	r.reset(start + len(name))
	return r.parseItemPlainly(name, row)
}

// itemBit returns the bit of an item by its name.
func (r *response) itemBit(name []byte) itemMask {
	entry, _ := r.table.fetch.find(name)
	_, isSection := hasSection(name)
	if _, old := rfc822Sections.find(name); old || isSection {
		return entry.bit | itemSection // BODY may be a structure or a section
	}
	return entry.bit
}

// maxRetries bounds how many items of one row are parsed in two ways.
const maxRetries = 4

// hasOpenBackslash reports whether a string may end with an unescaped backslash, as QQ sends it.
func (p *parser) hasOpenBackslash(from int) bool {
	return bytes.Contains(p.text[from:], []byte(`\" `)) || bytes.Contains(p.text[from:], []byte(`\")`))
}

// parseItemPlainly parses an item with backslashes that escape nothing.
func (r *response) parseItemPlainly(name []byte, row *fetched) error {
	r.plainBackslash = true
	defer func() { r.plainBackslash = false }()
	err := r.parseItem(name, row)
	if err == nil {
		r.tolerate("backslash that escapes nothing")
	}
	return err
}

// itemName parses the name of an item, up to the bracket of a section.
func (p *parser) itemName() []byte {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != '[' && atomChars[p.text[p.pos]] {
		p.pos++
	}
	return p.text[start:p.pos]
}

func startsWithLetter(name []byte) bool {
	return len(name) > 0 && (name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z')
}

// skipItem skips the section and the value of an item.
func (p *parser) skipItem() error {
	if p.accept('[') {
		if err := p.skipSection(); err != nil {
			return err
		}
	}
	p.skipSpaces()
	if p.peek() == ')' {
		return nil
	}
	return p.skipValue()
}

// skipSection skips the rest of a section, whatever it contains, and the origin after it.
func (p *parser) skipSection() error {
	for !p.accept(']') {
		switch c := p.peek(); {
		case p.pos >= len(p.text):
			return p.errorf("expected ]")
		case c == '"':
			if _, _, err := p.quoted(); err != nil {
				return err
			}
		case c == '{':
			if _, _, err := p.literal(); err != nil {
				return err
			}
		default:
			p.pos++
		}
	}
	if p.peek() == '<' {
		p.word()
	}
	return nil
}

func (r *response) parseItem(name []byte, row *fetched) error {
	if r.peek() == '[' || isRFC822(name) {
		if done, err := r.sectionItem(name, row); done || err != nil {
			return err
		}
	}
	entry, ok := r.table.fetch.find(name)
	if !ok || r.peek() == '[' && !entry.section {
		return r.skipItem()
	}
	r.skipSpaces()
	if err := entry.parse(&r.parser, row.m); err != nil {
		return err
	}
	row.got |= entry.bit
	return nil
}

// rfc822Sections maps the items of IMAP2 to sections.
var rfc822Sections = makeLookup(map[string]Section{
	"RFC822":        {},
	"RFC822.HEADER": {Specifier: "HEADER"},
	"RFC822.TEXT":   {Specifier: "TEXT"},
})

// hasSection reports whether an item with that name has a section in brackets and a body as its value, unlike BINARY.SIZE.
func hasSection(name []byte) (binary, ok bool) {
	switch {
	case ascii.EqualFold(name, "BODY"), ascii.EqualFold(name, "RFC822"), ascii.EqualFold(name, "BODY.PEEK"):
		return false, true
	case ascii.EqualFold(name, "BINARY"), ascii.EqualFold(name, "BINARY.PEEK"):
		return true, true
	}
	return false, false
}

// sectionItem parses BODY[…], BINARY[…] and RFC822 with their values. done is false for other items, such as RFC822.SIZE.
func (r *response) sectionItem(name []byte, row *fetched) (done bool, err error) {
	var s Section
	if r.peek() == '[' {
		var binary, ok bool
		if binary, ok = hasSection(name); !ok {
			return false, nil
		}
		if ascii.EqualFold(name, "RFC822") {
			r.tolerate("brackets behind RFC822")
		}
		if s, err = r.section(binary); err != nil {
			return true, err
		}
		if ascii.EqualFold(name, "RFC822") {
			r.tolerate("section behind RFC822")
		}
	} else {
		var ok bool
		if s, ok = rfc822Sections.find(name); !ok {
			return false, nil
		}
	}
	r.skipSpaces()
	var data []byte
	if r.lacksValue() {
		r.tolerate("section without a value") // Yandex
	} else {
		if data, _, err = r.nbytes(); err != nil {
			return true, err
		}
	}
	if row.m.Sections == nil {
		row.m.Sections = r.pieces().sections()
	}
	row.m.Sections = append(row.m.Sections, SectionData{s, data})
	row.got |= itemSection
	return true, nil
}

// lacksValue reports whether the end of the message or the next item is at the place of a value.
func (r *response) lacksValue() bool {
	switch c := r.peek(); c {
	case '"', '{', '~':
		return false
	case ')':
		return true
	}
	start := r.pos
	name := r.itemName()
	r.pos = start
	_, known := r.table.fetch.find(name)
	_, isSection := hasSection(name)
	return known || isSection || isRFC822(name)
}

// isRFC822 reports whether an item is an IMAP2 item for the text or the size of the message.
func isRFC822(name []byte) bool { return len(name) >= 6 && ascii.EqualFold(name[:6], "RFC822") }

// bodyAtEnd reports whether the text ends with the header of a literal that is the value of the item, and returns its
// section.
func (r *response) bodyAtEnd(name []byte) (Section, bool) {
	start, depth := r.pos, r.depth
	defer func() {
		r.depth = depth
		r.reset(start)
	}()
	s, ok := rfc822Sections.find(name)
	if r.peek() == '[' {
		binary, known := hasSection(name)
		if !known {
			return s, false
		}
		var err error
		s, err = r.section(binary)
		ok = err == nil
	}
	r.skipSpaces()
	if !ok || r.peek() != '{' && r.peek() != '~' {
		return s, false
	}
	_, n := wire.LiteralHeader(r.text[r.pos:])
	return s, n > 0 && r.pos+n == len(r.text)
}

// endsInBody reports whether text that ends with the header of a literal may end with a section and its value. It
// checks only a few bytes, because it is called for each literal.
func endsInBody(head []byte) bool {
	open := bytes.LastIndexByte(head, '{')
	if open < 0 {
		return false
	}
	head = bytes.TrimRight(bytes.TrimRight(head[:open], "~"), " \t")
	if n := len(head); n > 0 && (head[n-1] == ']' || head[n-1] == '>') {
		return true
	}
	head = head[max(0, len(head)-len(" RFC822.HEADER")):]
	_, ok := rfc822Sections.find(head[bytes.LastIndexAny(head, " (")+1:])
	return ok
}

// The values of the items of IMAP4rev1, and of extensions that add only an item.

func parseUID(p *parser, m *Message) error {
	n, err := p.number32()
	if err != nil {
		return err
	}
	if n == 0 {
		return p.errorf("UID 0")
	}
	m.UID = UID(n)
	if isAtomChar(p.peek()) {
		p.tolerate("no space between values") // Zimbra
	}
	return nil
}

func parseFlags(p *parser, m *Message) (err error) {
	if m.Flags, err = p.flagList(); m.Flags == nil && err == nil {
		m.Flags = []Flag{} // from NIL
	}
	return err
}

func parseEnvelope(p *parser, m *Message) (err error) {
	p.quotesOnly = true
	m.Envelope, err = p.envelope()
	p.quotesOnly = false
	return err
}

func parseBodyStructure(p *parser, m *Message) (err error) {
	p.quotesOnly = true
	m.BodyStructure, err = p.bodyStructure()
	p.quotesOnly = false
	return err
}

func parseDate(p *parser, m *Message) (err error) {
	m.InternalDate, err = p.date("INTERNALDATE")
	return err
}

// date parses an internal date; NIL is the zero time.
func (p *parser) date(item string) (time.Time, error) {
	start := p.pos
	b, _, kind, err := p.raw()
	if err != nil || kind == kindNil {
		p.tolerate("NIL for a date")
		return time.Time{}, err
	}
	if t, ok := datetime.ParseExact(b); ok {
		return t, nil
	}
	p.tolerate("unusual form of a date")
	t, ok := datetime.ParseLoose(b)
	if !ok {
		t, ok = mimetext.ParseDate(string(b))
	}
	if !ok {
		p.reset(start)
		return time.Time{}, fmt.Errorf("%s: %w", item, p.errorf("expected a date"))
	}
	return t, nil
}

func parseSize(p *parser, m *Message) error {
	n, err := p.number()
	if err == nil && n > 1<<63-1 {
		return p.errorf("size above 2^63-1")
	}
	m.Size = int64(n)
	return err
}

// itemNumber parses a number that a message need not have. NIL is 0.
func (p *parser) itemNumber() (uint64, error) {
	if p.isNil() {
		p.tolerate("NIL for a number")
		return 0, nil
	}
	return p.number()
}

// parseModSeq parses a mod-sequence in parentheses. Zoho and Gmail send invalid numbers, which are ignored.
func parseModSeq(p *parser, m *Message) (err error) {
	if p.peek() != '(' {
		p.tolerate("mod-sequence without parentheses")
		m.ModSeq, err = p.itemNumber()
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	if m.ModSeq = codeNumber(string(p.word()), 64); m.ModSeq == 0 {
		p.tolerate("mod-sequence that is none")
	}
	return p.leave()
}

func parseEmailID(p *parser, m *Message) (err error) {
	m.EmailID, err = p.objectID()
	return err
}

func parseThreadID(p *parser, m *Message) error {
	if p.isNil() {
		return nil
	}
	var err error
	m.ThreadID, err = p.objectID()
	return err
}

func parseSaveDate(p *parser, m *Message) (err error) {
	m.SaveDate, err = p.date("SAVEDATE")
	return err
}

// mergeMessage adds the items of more that m lacks. have are the items of m.
func mergeMessage(m, more *Message, have itemMask) {
	if m.UID == 0 {
		m.UID = more.UID
	}
	if more.Flags != nil {
		m.Flags = more.Flags
	}
	if m.Envelope == nil {
		m.Envelope = more.Envelope
	}
	if m.InternalDate.IsZero() {
		m.InternalDate = more.InternalDate
	}
	if have&itemSize == 0 {
		m.Size = more.Size
	}
	if m.BodyStructure == nil {
		m.BodyStructure = more.BodyStructure
	}
	m.ModSeq = max(m.ModSeq, more.ModSeq)
	mergeExtras(m, more)
	m.Sections = append(m.Sections, more.Sections...)
}

// add adds the data of a later response to a message that was yielded before.
func (m *Message) add(more *Message) {
	have := itemMask(0)
	if m.Size != 0 {
		have = itemSize
	}
	mergeMessage(m, more, have)
}

func mergeExtras(m, more *Message) {
	if m.EmailID == "" {
		m.EmailID = more.EmailID
	}
	if m.ThreadID == "" {
		m.ThreadID = more.ThreadID
	}
	if m.Preview == "" {
		m.Preview = more.Preview
	}
	if m.SaveDate.IsZero() {
		m.SaveDate = more.SaveDate
	}
	if more.Gmail != nil {
		m.gmail().merge(more.Gmail)
	}
	m.extra = m.extra.join(more.extra)
}

// ---- object identifiers

// objectIDs parses (name identifier …) of OBJECTID+. Unknown names are skipped.
func (p *parser) objectIDs(set func(name, id string)) error {
	if err := p.enter(); err != nil {
		return err
	}
	for p.skipSpaces(); p.peek() != ')'; p.skipSpaces() {
		name := strings.ToUpper(string(p.word()))
		if name == "" {
			return p.errorf("expected the name of an identifier")
		}
		p.skipSpaces()
		if p.peek() == '(' {
			if err := p.skipValue(); err != nil {
				return err
			}
			continue
		}
		id, _, err := p.nstring()
		if err != nil {
			return err
		}
		set(name, id)
	}
	return p.leave()
}

// objectID parses an identifier in parentheses, or without them (RFC 8474).
func (p *parser) objectID() (string, error) {
	if p.peek() != '(' {
		s, _, err := p.nstring()
		return s, err
	}
	if err := p.enter(); err != nil {
		return "", err
	}
	s := ""
	if p.peek() != ')' {
		var err error
		if s, _, err = p.nstring(); err != nil {
			return "", err
		}
	}
	return s, p.leave()
}
