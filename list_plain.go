package imap

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
)

// The rows of a LIST have two parsers, as those of a FETCH do (see plain.go). The one in this file takes rows whose
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
	return l.rows != nil && l.name == "LIST" && l.rows.addPlain(text, utf8)
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
