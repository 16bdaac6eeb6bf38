package imap

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/mimetext"
)

// plainStructure is the parser for a complete BODYSTRUCTURE in the form of the grammar, without embedded messages, whose
// strings are all quoted, without escapes, or NIL. Like plainRow it is kept on the stack.
type plainStructure struct {
	text    []byte // text of the row
	i       int    // current position
	names   *interner
	slabs   *slabs
	decoder *mimetext.Decoder
	path    [plainNesting]int
	last    string // the value of the last parameter, which the next one often repeats
	escapes bool   // the text has a backslash
	unusual bool   // the structure is not simple
}

// plainNesting is the depth of the deepest part that is simple.
const plainNesting = 6

// structure parses a BODYSTRUCTURE.
func (p *plainRow) structure(start int) bool {
	if p.names == nil || len(p.text)-start > wholeString || p.hasParts {
		return false
	}
	before := p.slabs.markParts()
	s := plainStructure{text: p.text, i: start, names: p.names, slabs: p.slabs, decoder: p.decoder}
	s.escapes = bytes.IndexByte(p.text[start:], '\\') >= 0
	root := s.part(0)
	if s.unusual || !endsPlainly(p.text, s.i) {
		p.slabs.undoParts(before)
		return false
	}
	p.parts, p.hasParts = before, true
	p.row.m.BodyStructure = root
	p.row.got |= itemStructure
	p.pos = s.i
	return true
}

// at reports whether c is next.
func (s *plainStructure) at(c byte) bool { return s.i < len(s.text) && s.text[s.i] == c }

// skip skips c, which must be next.
func (s *plainStructure) skip(c byte) {
	if !s.at(c) {
		s.unusual = true
		return
	}
	s.i++
}

// more reports whether another field of a list follows, and skips the blank before it.
func (s *plainStructure) more() bool {
	if s.unusual || !s.at(' ') {
		return false
	}
	s.i++
	return true
}

// part parses a part with all its descendants. depth is the length of its path, except for the root.
func (s *plainStructure) part(depth int) *BodyStructure {
	node := s.slabs.nodes.one()
	node.decoder = s.decoder
	s.skip('(')
	if s.at('(') {
		s.multipart(node, depth)
	} else {
		if depth == 0 {
			s.path[0], depth = 1, 1
		}
		s.single(node)
	}
	if s.skip(')'); depth > 0 && !s.unusual {
		node.Part = s.slabs.paths.take(depth)
		copy(node.Part, s.path[:])
	}
	return node
}

// multipart parses the parts of a multipart and the fields after them.
func (s *plainStructure) multipart(node *BodyStructure, depth int) {
	if depth == plainNesting {
		s.unusual = true
		return
	}
	var few [8]*BodyStructure
	parts := few[:0]
	for s.at('(') && !s.unusual {
		s.path[depth] = len(parts) + 1
		parts = append(parts, s.part(depth+1))
	}
	if s.skip(' '); s.unusual {
		return
	}
	node.Children = s.slabs.children.take(len(parts))
	copy(node.Children, parts)
	node.Type, node.Subtype = "multipart", s.name()
	if s.more() {
		node.Params = s.params()
		s.extension(node)
	}
}

// single parses a part that is neither a multipart nor a message.
func (s *plainStructure) single(node *BodyStructure) {
	if head := s.names.knownPart(s.text[s.i:]); head != nil {
		s.i += len(head.text)
		node.Type, node.Subtype, node.Encoding = "text", head.subtype, head.encoding
		if len(head.params) > 0 {
			node.Params = s.slabs.params.take(len(head.params))
			copy(node.Params, head.params)
		}
	} else {
		s.head(node)
	}
	if node.Size = s.number(); node.Type == "text" {
		s.skip(' ')
		node.Lines = s.number()
	}
	if !s.more() {
		return
	}
	const none = "NIL NIL NIL NIL"
	if rest := s.text[s.i:]; len(rest) > len(none) && string(rest[:len(none)]) == none && rest[len(none)] == ')' {
		s.i += len(none)
		return
	}
	node.MD5 = s.nstring()
	s.extension(node)
}

// head parses the fields of a part up to its size.
func (s *plainStructure) head(node *BodyStructure) {
	start := s.i
	node.Type = s.name()
	s.skip(' ')
	node.Subtype = s.name()
	s.skip(' ')
	node.Params = s.params()
	s.skip(' ')
	node.ID = s.nstring()
	s.skip(' ')
	node.Description = s.nstring()
	s.skip(' ')
	node.Encoding = s.name()
	s.skip(' ')
	switch {
	case s.unusual:
	case node.Type == "text":
		if node.ID == "" && node.Description == "" {
			s.names.learnPart(s.text[start:s.i], node)
		}
	case node.Type == "multipart" || node.Type == "message":
		s.unusual = true
	}
}

// extension parses disposition, language and location.
func (s *plainStructure) extension(node *BodyStructure) {
	if !s.more() {
		return
	}
	if !s.isNil() {
		s.skip('(')
		node.Disposition = s.name()
		s.skip(' ')
		node.DispositionParams = s.params()
		s.skip(')')
	}
	if s.more() {
		node.Language = s.languages()
	}
	if s.more() {
		node.Location = s.nstring()
	}
}

// languages parses a list of languages.
func (s *plainStructure) languages() []string {
	if s.isNil() {
		return nil
	}
	s.skip('(')
	var few [4]string
	list := append(few[:0], s.word())
	for s.more() {
		list = append(list, s.word())
	}
	if s.skip(')'); s.unusual {
		return nil
	}
	out := s.slabs.languages.take(len(list))
	copy(out, list)
	return out
}

// word parses a frequent string that is not changed.
func (s *plainStructure) word() string {
	raw := s.quoted()
	if len(raw) > internLength/4 {
		return s.slabs.texts.add(raw)
	}
	return s.names.intern(raw)
}

// params parses a list of parameters.
func (s *plainStructure) params() []Param {
	if s.isNil() {
		return nil
	}
	s.skip('(')
	if s.unusual {
		return nil
	}
	slab := &s.slabs.params
	list := slab.tail()
	for {
		name := s.name()
		s.skip(' ')
		value := s.quoted()
		if s.unusual {
			slab.drop(list)
			return nil
		}
		if s.last != string(value) {
			s.last = s.slabs.texts.add(value)
		}
		list = append(list, Param{name, s.last})
		if !s.more() {
			break
		}
	}
	s.skip(')')
	return slab.keep(list)
}

// isNil skips NIL, and reports whether it was there.
func (s *plainStructure) isNil() bool {
	if rest := s.text[s.i:]; len(rest) < 4 || rest[0] != 'N' || string(rest[:3]) != "NIL" || rest[3] != ' ' && rest[3] != ')' {
		return false
	}
	s.i += 3
	return true
}

// number parses a number.
func (s *plainStructure) number() int64 {
	n, end := plainNumber(s.text, s.i)
	if end == s.i || !endsPlainly(s.text, end) {
		s.unusual = true
	}
	s.i = end
	return int64(n)
}

// nstring parses a quoted string or NIL.
func (s *plainStructure) nstring() string {
	if s.unusual || s.isNil() {
		return ""
	}
	return s.slabs.texts.add(s.quoted())
}

// quoted parses a quoted string.
func (s *plainStructure) quoted() []byte {
	if s.unusual || !s.at('"') {
		s.unusual = true
		return nil
	}
	rest := s.text[s.i+1:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 || !endsPlainly(rest, n+1) || s.escapes && bytes.IndexByte(rest[:n], '\\') >= 0 {
		s.unusual = true
		return nil
	}
	s.i += n + 2
	return rest[:n]
}

// name parses a frequent quoted string, and returns it in lower case.
func (s *plainStructure) name() string {
	raw := s.quoted()
	if len(raw) == 0 || len(raw) > internLength {
		s.unusual = true
		return ""
	}
	known := s.names.lowerOf(raw)
	if known.text == string(raw) {
		return known.lower
	}
	if !isPrintable(raw) {
		s.unusual = true
		return ""
	}
	*known = lowerForm{string(raw), s.names.intern(bytes.ToLower(raw))}
	return known.lower
}

// isPrintable reports whether a name is not empty and has no blanks, control characters or bytes above 127.
func isPrintable(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(name) > 0
}

// partHead holds the fields of a text part as sent, up to the blank before its size, and what they mean. A mailbox has few
// different ones.
type partHead struct {
	text              string
	subtype, encoding string
	params            []Param
}

const (
	headWays = 4
	headSets = 16
	// maxPartHead is the length of the longest head that is stored.
	maxPartHead = 128
)

// recentHeads are the heads of one set, and which of them is replaced next.
type recentHeads struct {
	heads [headWays]partHead
	next  uint8
}

// headsOf returns the set for a head at the start of a text, or nil if the text is too short for one.
func (t *interner) headsOf(text []byte) *recentHeads {
	const typical = len(`"text" "plain" ("charset" "`)
	if len(text) < typical+8 {
		return nil
	}
	hash := binary.LittleEndian.Uint64(text[8:])*0x9e3779b97f4a7c15 + binary.LittleEndian.Uint64(text[typical:])*0xff51afd7ed558ccd
	return &t.recentTable().heads[hash>>60%headSets]
}

// knownPart returns the head at the start of a text, if it was learned.
func (t *interner) knownPart(text []byte) *partHead {
	set := t.headsOf(text)
	if set == nil {
		return nil
	}
	for i := range set.heads {
		if h := &set.heads[i]; len(h.text) <= len(text) && h.text == string(text[:len(h.text)]) && h.text != "" {
			return h
		}
	}
	return nil
}

// learnPart stores the head of a part, unless parameters make it a rare one.
func (t *interner) learnPart(text []byte, node *BodyStructure) {
	set := t.headsOf(text)
	if set == nil || len(text) > maxPartHead {
		return
	}
	for _, p := range node.Params {
		switch p.Name {
		case "charset", "format", "delsp", "reply-type":
		default:
			return
		}
	}
	params := slices.Clone(node.Params)
	for i := range params {
		params[i].Value = strings.Clone(params[i].Value)
	}
	set.heads[set.next] = partHead{string(text), node.Subtype, node.Encoding, params}
	set.next = (set.next + 1) % headWays
}
