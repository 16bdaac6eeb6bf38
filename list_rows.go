package imap

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// mailboxRows collects the mailboxes of a LIST, in a form with little memory and few pointers, indexed by the name that the
// server sent. The zero value parses single rows.
type mailboxRows struct {
	chunks [][]listRow // all full but the last, so that no row is moved
	n      int
	single int // no two of the first rows are for the same mailbox, and all of these are in index
	seed   maphash.Seed
	index  []uint32      // a hash table of places from 1, 0 for a free slot
	heads  []listHead    // for plain rows
	shared []*rowData    // the data of rows other than their names
	recent []uint32      // places in shared that the next rows may share
	names  []string      // decoded names that differ from the sent ones
	entry  ListEntry     // the entry that is being parsed
	attrs  []MailboxAttr // room for those of entry
	texts  textSlab      // the sent names
	raw    textPlace     // sent name of entry
}

// listRow is a mailbox, with its other data, which many mailboxes share. It has no pointers, so that the garbage
// collector does not scan the rows.
type listRow struct {
	raw  textPlace
	like uint32 // place in shared
	name uint32 // place in names from 1; 0 if the decoded name is the sent one
}

// rowData is the data of rows other than their names. It is not changed, unless it is that of a single row.
type rowData struct {
	ListEntry
	own bool // of one row: that of a mailbox with several
}

const (
	// firstListChunk is the length of the first chunk, a power of 2. Each of the next is twice as long, up to listChunk.
	firstListChunk = 1 << firstListBits
	firstListBits  = 4
	listChunk      = 1 << listChunkBits
	listChunkBits  = 10
	// minListIndex is the size of the first hash table, a power of 2.
	minListIndex = 32
	// recentRows is how many of the last different rows are searched for equal data.
	recentRows = 8
	// maxAttrs bounds the attributes of a mailbox, which are searched one after the other; further ones are ignored.
	maxAttrs = 256
	// usualAttrs is how many attributes listCost includes.
	usualAttrs = 8
)

func newMailboxRows() *mailboxRows {
	return &mailboxRows{seed: maphash.MakeSeed(), texts: textSlab{limit: 2 << 10}}
}

// next returns the zero entry for parsing the next row; add stores it.
func (l *mailboxRows) next() *ListEntry {
	l.entry = ListEntry{}
	return &l.entry
}

// listPlace returns the place of row n.
func listPlace(n int) (chunk, i int) {
	const shorter = listChunkBits - firstListBits // how many chunks are shorter than listChunk
	n += firstListChunk
	if n < listChunk {
		chunk = bits.Len(uint(n / firstListChunk))
		return chunk - 1, n - firstListChunk<<(chunk-1)
	}
	return shorter - 1 + n>>listChunkBits, n & (listChunk - 1)
}

func (l *mailboxRows) at(n int) *listRow {
	chunk, i := listPlace(n)
	return &l.chunks[chunk][i]
}

// append appends a row.
func (l *mailboxRows) append(row listRow) *listRow {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == cap(l.chunks[last]) {
		last++
		l.chunks = append(l.chunks, make([]listRow, 0, firstListChunk<<min(last, listChunkBits-firstListBits)))
	}
	c := append(l.chunks[last], row)
	l.chunks[last] = c
	l.n++
	return &c[len(c)-1]
}

// add stores a row.
func (l *mailboxRows) add(entry *ListEntry) *listRow {
	row := l.append(listRow{raw: l.raw, like: l.share(entry)})
	l.setName(row, entry.Name, entry.Raw)
	return row
}

// setName stores the decoded name of a row.
func (l *mailboxRows) setName(row *listRow, name, raw string) {
	if name != raw {
		l.names = append(l.names, name)
		row.name = uint32(len(l.names))
	}
}

// merge merges the data of rows for the same mailbox into the first of them. It is called when all of them have come, so that
// the table has its final size at once.
func (l *mailboxRows) merge() {
	if l.single == l.n {
		return
	}
	l.growIndex()
	for i := l.single; i < l.n; i++ {
		row := l.at(i)
		slot, found := l.slot(l.texts.at(row.raw))
		switch {
		case found != nil:
			l.join(found, &l.shared[row.like].ListEntry)
			continue
		case i > l.single:
			*l.at(l.single) = *row
		}
		l.single++
		*slot = uint32(l.single)
	}
	l.truncate(l.single)
}

// truncate drops all rows but the first n.
func (l *mailboxRows) truncate(n int) {
	if n == l.n {
		return
	}
	chunk, i := listPlace(n - 1)
	l.chunks = l.chunks[:chunk+1]
	l.chunks[chunk] = l.chunks[chunk][:i+1]
	l.n = n
}

// join adds the data of a later row for the same mailbox. It copies the old data once, whatever the number of rows.
func (l *mailboxRows) join(row *listRow, more *ListEntry) {
	data := l.shared[row.like]
	for _, a := range more.Attrs {
		if len(data.Attrs) < maxAttrs && !data.Has(a) {
			data = l.ownData(row)
			data.Attrs = append(data.Attrs, a)
		}
	}
	if data.ChildInfo == nil && more.ChildInfo != nil {
		l.ownData(row).ChildInfo = more.ChildInfo
	}
}

// ownData returns the data of a row, which no other row has.
func (l *mailboxRows) ownData(row *listRow) *rowData {
	if data := l.shared[row.like]; data.own {
		return data
	}
	data := &rowData{l.shared[row.like].ListEntry, true}
	data.Attrs = slices.Clone(data.Attrs)
	row.like = uint32(len(l.shared))
	l.shared = append(l.shared, data)
	return data
}

// weight returns the memory of the last row that a command counts for it, beyond the length of the text.
func (l *mailboxRows) weight() int {
	like := l.shared[l.at(l.n-1).like]
	return listCost + sliceCost*max(0, len(like.Attrs)-usualAttrs)
}

// share stores the data of a row other than its names, and returns its place in shared. It reuses the place of a recent
// row with equal data.
func (l *mailboxRows) share(entry *ListEntry) uint32 {
	alone := entry.alone()
	for _, i := range l.recent {
		like := l.shared[i]
		if !alone && like.Delimiter == entry.Delimiter && slices.Equal(like.Attrs, entry.Attrs) && (like.Attrs == nil) == (entry.Attrs == nil) {
			return i
		}
	}
	kept := &rowData{ListEntry: *entry}
	kept.Name, kept.Raw, kept.Attrs = "", "", slices.Clone(entry.Attrs)
	place := uint32(len(l.shared))
	l.shared = append(l.shared, kept)
	if !alone {
		l.recent = append(l.recent[max(0, len(l.recent)-recentRows+1):], place)
	}
	return place
}

// alone reports whether a row has data that it shares with no other.
func (e *ListEntry) alone() bool { return e.ChildInfo != nil || e.OldName != "" }

// slot finds the row of a name, or the free slot for it.
func (l *mailboxRows) slot(raw string) (*uint32, *listRow) {
	for i := l.first(raw); ; i = (i + 1) % len(l.index) {
		slot := &l.index[i]
		if *slot == 0 {
			return slot, nil
		}
		if row := l.at(int(*slot) - 1); l.texts.at(row.raw) == raw {
			return slot, row
		}
	}
}

// first returns the slot where the search for a name begins.
func (l *mailboxRows) first(raw string) int {
	return int(maphash.String(l.seed, raw)) & (len(l.index) - 1)
}

// growIndex makes the table large enough for all rows, and at most three quarters full.
func (l *mailboxRows) growIndex() {
	size := max(minListIndex, len(l.index))
	for 3*size < 4*l.n {
		size *= 2
	}
	if size == len(l.index) {
		return
	}
	l.index = make([]uint32, size)
	for i := range l.single {
		slot, _ := l.slot(l.texts.at(l.at(i).raw))
		*slot = uint32(i + 1)
	}
}

// entries returns all rows in the order of their arrival, or nil if none exist. They share no mutable data.
func (l *mailboxRows) entries() []ListEntry {
	if l.merge(); l.n == 0 {
		return nil
	}
	all := make([]ListEntry, l.n)
	attrs := slab[MailboxAttr]{limit: 64}
	rest := all
	for _, chunk := range l.chunks {
		for i := range chunk {
			l.fill(&rest[i], &chunk[i], &attrs)
		}
		rest = rest[len(chunk):]
	}
	return all
}

// fill makes the zero e the entry for a row.
func (l *mailboxRows) fill(e *ListEntry, row *listRow, attrs *slab[MailboxAttr]) {
	raw := l.texts.at(row.raw)
	if e.Raw, e.Name = raw, raw; row.name != 0 {
		e.Name = l.names[row.name-1]
	}
	like := l.shared[row.like]
	if e.Delimiter = like.Delimiter; like.alone() {
		e.ChildInfo, e.OldName = like.ChildInfo, like.OldName
	}
	if same := like.Attrs; same != nil {
		own := attrs.take(len(same))
		copy(own, same)
		e.Attrs = own
	}
}

// ---- parsing

// listEntry parses a LIST, LSUB or XLIST response.
func (r *response) listEntry() (ListEntry, error) {
	var entry ListEntry
	err := new(mailboxRows).read(r, &entry)
	return entry, err
}

// read parses a response into entry, which must be zero. After an error entry may have some of the data.
func (l *mailboxRows) read(r *response, entry *ListEntry) (err error) {
	r.skipSpaces()
	if r.peek() != '(' {
		r.tolerate("mailbox without attributes")
	} else if entry.Attrs, err = l.readAttrs(r); err != nil {
		return err
	}
	r.skipSpaces()
	if r.isLoneBackslash() {
		r.plainBackslash = true
		defer func() { r.plainBackslash = false }()
	}
	b, _, _, err := r.raw()
	if err != nil {
		return err
	}
	entry.Delimiter = string(b) // "" for NIL; a string of one byte is not allocated
	r.skipSpaces()
	if entry.Raw, err = l.readName(r); err != nil {
		return err
	}
	entry.Name = r.decodeName(entry.Raw)
	if d := entry.Delimiter; d != "" && entry.Name != d && strings.HasSuffix(entry.Name, d) && strings.HasSuffix(entry.Raw, d) {
		r.tolerate("delimiter behind a mailbox name")
		entry.Name = strings.TrimSuffix(entry.Name, d) // UW and Exchange list parents with a trailing delimiter
	}
	if slices.Contains(entry.Attrs, attrInbox) {
		entry.Name = "INBOX"
	}
	if r.skipSpaces(); r.peek() == '(' {
		r.listExtended(entry)
	}
	return nil
}

// readName parses the name. Without quotes it extends to the end of the line, or to extended data, since some servers do not
// quote blanks, tabs and parentheses (Office 365).
func (l *mailboxRows) readName(r *response) (string, error) {
	if c := r.peek(); c == '"' || c == '{' || c == '~' {
		start := r.pos
		if c == '"' {
			b, err := r.quotedName()
			return l.nameText(b), err
		}
		b, _, kind, err := r.raw()
		if kind == kindNil {
			b = r.text[start:r.pos] // NIL is an ordinary name
		}
		return l.nameText(b), err
	}
	rest := bytes.TrimRight(r.text[r.pos:r.extendedAt()], " ")
	if bytes.ContainsAny(rest, " \t()") {
		r.tolerate("mailbox name without quotes")
	}
	if len(rest) == 0 {
		return "", r.errorf("expected a mailbox name")
	}
	r.pos += len(rest)
	return l.nameText(rest), nil
}

// extendedAt returns the position of the extended data behind a name without quotes, or the length of the text if it has none.
// Text in parentheses may be a part of the name. So is "()", unless the name before it is a valid one.
func (r *response) extendedAt() int {
	text := bytes.TrimRight(r.text, " \t")
	if len(text) == 0 || text[len(text)-1] != ')' {
		return len(r.text)
	}
	if head, ok := bytes.CutSuffix(text, []byte(" ()")); ok && len(head) > r.pos && !bytes.ContainsAny(head[r.pos:], " \t()") {
		return len(head) + 1
	}
	if at := r.listAtEnd(r.pos, (*parser).skipListExtended); at >= 0 {
		return at
	}
	return len(r.text)
}

// skipListExtended skips extended data, and reports whether it is that: names of items, each with its value. A value without
// parentheses is a number or a set; since text may look like a name and a number, as in "Work (part 2)", the data must also have
// a value in parentheses, or a name in quotes.
func (p *parser) skipListExtended() bool {
	p.accept('(')
	for sure := false; ; {
		p.skipSpaces()
		name, _, kind, err := p.raw()
		if err != nil || len(name) == 0 {
			return false
		}
		sure = sure || kind == kindQuoted
		if p.skipSpaces(); p.peek() == '(' {
			if sure = true; p.skipValue() != nil {
				return false
			}
		} else if value := p.word(); len(value) == 0 || len(bytes.Trim(value, "0123456789:,*$")) > 0 {
			return false
		}
		if p.skipSpaces(); p.accept(')') {
			return sure
		}
	}
}

// nameText stores the name of the entry that is being parsed.
func (l *mailboxRows) nameText(b []byte) string {
	if l.texts.limit == 0 {
		return string(b)
	}
	l.raw = l.texts.add(b)
	return l.texts.at(l.raw)
}

// readAttrs parses the attributes. It drops a bare backslash (home.pl) and duplicates, and adds a missing backslash.
func (l *mailboxRows) readAttrs(r *response) ([]MailboxAttr, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	attrs := l.attrs[:0]
	for r.peek() != ')' {
		b, _, kind, err := r.raw()
		if err != nil {
			return nil, err
		}
		r.skipSpaces()
		if kind == kindNil || len(b) == 0 || string(b) == `\` {
			r.tolerate("attribute that is none")
			continue
		}
		if a := r.attr(b); len(attrs) < maxAttrs && !slices.Contains(attrs, a) {
			attrs = append(attrs, a)
		}
	}
	if slices.Contains(attrs, AttrNonExistent) && !slices.Contains(attrs, AttrNoSelect) {
		attrs = append(attrs, AttrNoSelect)
	}
	if len(attrs) == 0 {
		return []MailboxAttr{}, r.leave()
	}
	l.attrs = attrs
	return attrs, r.leave()
}

func (r *response) attr(b []byte) MailboxAttr {
	if b[0] != '\\' && b[0] != '$' {
		r.tolerate("attribute without a backslash")
		b = append([]byte{'\\'}, b...)
	}
	if a, ok := knownAttrs.find(b); ok {
		return a
	}
	return MailboxAttr(r.names.intern(b))
}

// ---- plain rows

// The rows of a LIST have two parsers, as those of a FETCH do (see plain.go). The one below takes rows whose
// attributes and delimiter were parsed before, with a name that needs no decoding but that of modified UTF-7. Both give the
// same results (FuzzPlainList).

// listHead is the beginning of a row, up to its name, and the data that it stands for.
type listHead struct {
	text string
	like uint32 // place in mailboxRows.shared
}

// plainList is the beginning of a plain row.
const plainList = "* LIST ("

const (
	// maxListHead is the length of the longest head that is stored.
	maxListHead = 128
	// maxListHeads bounds the stored heads: mailboxes differ in few attributes.
	maxListHeads = 16
)

// takePlainLine stores a row if it is plain, and reports whether it did.
func (l *list) takePlainLine(text []byte, utf8 bool) bool {
	if l.rows == nil || l.name != "LIST" || !l.rows.addPlain(text, utf8) {
		return false
	}
	l.cmd.weight = l.rows.weight()
	return true
}

// plainListHead returns the end of the head of a row, where its name begins, and the delimiter, which is 0 for NIL. The end is
// 0 if the row is not plain.
func plainListHead(text []byte) (end int, delimiter byte) {
	const nilAndName, quotedAndName = ` NIL x`, ` "/" x`
	if len(text) < len(plainList) || string(text[:len(plainList)]) != plainList {
		return 0, 0
	}
	i := bytes.IndexByte(text[:min(len(text), maxListHead)], ')') + 1
	if rest := text[i:]; i == 0 || len(rest) < len(quotedAndName) || rest[0] != ' ' {
		return 0, 0
	} else if rest[1] == '"' && plainDelimiter(rest[2]) && rest[3] == '"' && rest[4] == ' ' {
		return i + len(quotedAndName) - 1, rest[2]
	} else if string(rest[:5]) == nilAndName[:5] {
		return i + len(nilAndName) - 1, 0
	}
	return 0, 0
}

func plainDelimiter(c byte) bool { return nameBytes[c]&oddInName == 0 }

// addPlain stores a row if it is plain, and reports whether it did.
func (l *mailboxRows) addPlain(text []byte, utf8 bool) bool {
	start, delimiter := plainListHead(text)
	if start == 0 {
		return false
	}
	head := l.headOf(text[:start])
	if head == nil {
		return false
	}
	name, shifted := plainListName(text[start:], delimiter)
	if len(name) == 0 {
		return false
	}
	row := l.append(listRow{raw: l.texts.add(name), like: head.like})
	if shifted && !utf8 {
		raw := l.texts.at(row.raw)
		l.setName(row, decodeName(raw), raw)
	}
	return true
}

// headOf returns the stored head with that text, or nil.
func (l *mailboxRows) headOf(text []byte) *listHead {
	for i := range l.heads {
		if h := &l.heads[i]; h.text == string(text) {
			return h
		}
	}
	return nil
}

// learnHead stores the head of a row that was just added, for the rows that begin alike. It ignores a row that is not simple.
func (l *mailboxRows) learnHead(text []byte, row *listRow) {
	like := l.shared[row.like]
	if len(l.heads) == maxListHeads || like.alone() || slices.Contains(like.Attrs, attrInbox) {
		return
	}
	end, _ := plainListHead(text)
	if end == 0 {
		return
	}
	attrs, _, _ := bytes.Cut(text[len(plainList):], []byte{')'})
	for _, c := range attrs {
		if !atomChars[c] && c != '\\' && c != ' ' {
			return
		}
	}
	if l.headOf(text[:end]) == nil {
		l.heads = append(l.heads, listHead{string(text[:end]), row.like})
	}
}

// What the bytes of a name are to plainListName.
const (
	oddInName    = 1 << iota // needs the other parser, also if quoted
	oddInAtom                // needs the other parser unless quoted
	shiftInName              // begins a shifted part of modified UTF-7
	oddInAnyName = oddInName | oddInAtom
)

var nameBytes = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		switch {
		case c < ' ' || c >= 0x7f || c == '"' || c == '\\':
			t[i] = oddInName
		case c == '&':
			t[i] = shiftInName
		case !atomChars[c]:
			t[i] = oddInAtom
		}
	}
	return t
}()

// plainListName returns the name at the end of a row, and whether it may have a shifted part. It returns nil if the name is not
// plain, or is one that is given in another form than the one sent.
func plainListName(b []byte, delimiter byte) (name []byte, shifted bool) {
	odd := uint8(oddInAnyName)
	if b[0] == '"' {
		if len(b) < 3 || b[len(b)-1] != '"' {
			return nil, false
		}
		b, odd = b[1:len(b)-1], oddInName
	}
	seen, rest := uint8(0), b
	if odd == oddInName {
		rest = skipPlainBytes(b)
	}
	for _, c := range rest {
		seen |= nameBytes[c]
	}
	if seen&odd != 0 || b[0] == delimiter || b[len(b)-1] == delimiter || len(b) == len("INBOX") && ascii.EqualFold(b, "INBOX") {
		return nil, false
	}
	return b, seen&shiftInName != 0
}

// skipPlainBytes returns the rest of a name from the first eight bytes on that are not all of no meaning in quotes.
func skipPlainBytes(b []byte) []byte {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		quote, backslash, and := x^ones*'"', x^ones*'\\', x^ones*'&'
		// In each byte the upper bit is set if it is less than a blank, is DEL or above, or is one of the three.
		odd := (x-ones*' ')&^x | (x + ones) | x | (quote-ones)&^quote | (backslash-ones)&^backslash | (and-ones)&^and
		if odd&high != 0 {
			break
		}
		b = b[8:]
	}
	return b
}
