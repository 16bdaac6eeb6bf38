package imap

import (
	"bytes"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-imaplib/imap/internal/ascii"
	"github.com/go-imaplib/imap/internal/mimetext"
)

// BodyStructure is a node of the tree of a message's parts (RFC 9051 section 7.5.2, BODYSTRUCTURE). Part is its path,
// ready for Section.Part: paths count from 1, the body of a message that is not a multipart is [1], and a multipart that
// is the message itself has none. The body of an embedded message that is a multipart has the path of that message.
// Fields that the server omits are zero.
type BodyStructure struct {
	Part              []int
	Type, Subtype     string // lower case
	Params            []Param
	ID, Description   string // as received; DecodeText decodes a description
	Encoding          string // lower case
	Size              int64  // bytes as encoded
	Lines             int64
	Envelope          *Envelope        // message/rfc822, message/global
	Children          []*BodyStructure // parts of a multipart, the body of a message
	MD5               string
	Disposition       string // lower case
	DispositionParams []Param
	Language          []string
	Location          string

	decoder *mimetext.Decoder // nil: the zero one
}

// Param is a parameter; Name is lower case, Value the bytes that came.
type Param struct{ Name, Value string }

// All returns an iterator over the nodes, depth first, beginning with b.
func (b *BodyStructure) All() iter.Seq[*BodyStructure] {
	return func(yield func(*BodyStructure) bool) { b.walk(yield) }
}

func (b *BodyStructure) walk(yield func(*BodyStructure) bool) bool {
	if b == nil {
		return true
	}
	if !yield(b) {
		return false
	}
	for _, child := range b.Children {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}

// Param returns the decoded value of a parameter of the media type (RFC 2231, RFC 2047), or "" if none exists. The case of
// name is ignored. The value is valid UTF-8 without line breaks; Params has the original bytes.
func (b *BodyStructure) Param(name string) string { return b.decodeParam(b.Params, name) }

// DispositionParam is like Param, for the parameters of the disposition.
func (b *BodyStructure) DispositionParam(name string) string {
	return b.decodeParam(b.DispositionParams, name)
}

// Filename returns the file name of the part, decoded as by Param: that of its disposition, or else the name of its
// media type, or "" if none exists; programs that exchange the two parameters are understood. It is never a path: of
// names like ../a, /tmp/a and C:\a only the text after the last separator is returned, and "." and ".." are not names.
// DispositionParam and Param return the full text. The name is still chosen by the sender: it may begin with a dot, denote a
// device of Windows, or have any length. Use SafeFilename to name a file.
func (b *BodyStructure) Filename() string {
	for _, names := range [...][2]string{{"filename", "name"}, {"name", "filename"}} {
		if s := mimetext.BaseName(b.DispositionParam(names[0])); s != "" {
			return s
		}
		if s := mimetext.BaseName(b.Param(names[1])); s != "" {
			return s
		}
	}
	return ""
}

// SafeFilename returns a name under which the part can be saved on any system: Filename, or "attachment" if there is
// none, without separators, control and formatting characters and those that Windows does not allow (<>:"|?*), without
// a dot or blank at either end, not the name of a device (CON, NUL, COM1, …), of at most 200 bytes, and with an
// extension for the media type if it has none. Two parts of a message may have the same name: the caller must not
// overwrite one with the other.
func (b *BodyStructure) SafeFilename() string {
	return mimetext.SafeName(b.Filename(), b.Type, b.Subtype)
}

func (b *BodyStructure) decodeParam(params []Param, name string) string {
	return b.textDecoder().Param(paramsOf(params), name)
}

func (b *BodyStructure) textDecoder() mimetext.Decoder {
	if b.decoder == nil {
		return mimetext.Decoder{}
	}
	return *b.decoder
}

// paramsOf yields names and values.
func paramsOf(params []Param) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range params {
			if !yield(p.Name, p.Value) {
				return
			}
		}
	}
}

// structureBuilder collects the nodes of a tree, with their places, in slices that are reused, so that a tree takes
// only a few allocations of exact size.
type structureBuilder struct {
	p      *parser
	nodes  []BodyStructure // the tail of a slab, as is params
	links  []structureLink
	params []Param
	path   []int
}

// structureLink is the place of a node in the tree, and its slices as indexes.
type structureLink struct {
	parent, next, first, last int // 0: none; the root is never a child
	children                  int
	number                    int // in the path, 0 for a node with the path of its parent
	params, disposition       [2]int
}

// maxParts bounds the nodes of one tree: two bytes of a response make one, of some hundred bytes.
const maxParts = 20_000

var structureBuilders = sync.Pool{New: func() any { return new(structureBuilder) }}

// bodyStructure parses a BODYSTRUCTURE, or the shorter BODY.
func (p *parser) bodyStructure() (*BodyStructure, error) {
	if p.isNil() {
		return nil, nil
	}
	b := structureBuilders.Get().(*structureBuilder)
	defer b.release()
	pieces := p.pieces()
	b.p, b.nodes, b.params = p, pieces.nodes.tail(), pieces.params.tail()
	if err := b.part(-1); err != nil {
		pieces.nodes.drop(b.nodes)
		pieces.params.drop(b.params)
		return nil, err
	}
	return b.finish(pieces), nil
}

func (b *structureBuilder) release() {
	b.p, b.nodes, b.links, b.params, b.path = nil, nil, b.links[:0], nil, b.path[:0]
	structureBuilders.Put(b)
}

// add adds a node as the last child of its parent.
func (b *structureBuilder) add(parent int) int {
	i := len(b.nodes)
	if i < cap(b.nodes) {
		b.nodes = b.nodes[:i+1] // the room is zero
	} else {
		b.nodes = append(b.nodes, BodyStructure{})
	}
	b.links = append(b.links, structureLink{parent: parent})
	if parent < 0 {
		return i
	}
	up := &b.links[parent]
	if up.children == 0 {
		up.first = i
	} else {
		b.links[up.last].next = i
	}
	up.last = i
	up.children++
	return i
}

// part parses one node with all its descendants.
func (b *structureBuilder) part(parent int) error {
	p := b.p
	if err := p.enter(); err != nil {
		return err
	}
	if len(b.nodes) >= maxParts {
		return p.errorf("too many parts")
	}
	i := b.add(parent)
	if parent >= 0 && b.nodes[parent].Type == "multipart" {
		b.links[i].number = b.links[parent].children
	}
	if p.peek() == ')' {
		p.tolerate("empty body structure")
		return p.leave()
	}
	if p.peek() == '(' {
		return b.multipart(i)
	}
	if err := b.single(i); err != nil {
		return err
	}
	return b.rest()
}

// rest skips extension data and closes the node.
func (b *structureBuilder) rest() error {
	p := b.p
	for p.skipSpaces(); p.peek() != ')'; p.skipSpaces() {
		if err := p.skipValue(); err != nil {
			return err
		}
	}
	return p.leave()
}

// multipart parses parts, the subtype, and the data after it.
func (b *structureBuilder) multipart(i int) error {
	p := b.p
	b.nodes[i].Type = "multipart"
	for p.skipSpaces(); p.peek() == '('; p.skipSpaces() {
		if p.text[p.pos-1] == ' ' {
			p.tolerate("space between parentheses")
		}
		if err := b.part(i); err != nil {
			return err
		}
	}
	if p.peek() == ')' {
		p.tolerate("multipart without a subtype")
	} else {
		subtype, err := p.lowerString()
		if err != nil {
			return err
		}
		b.nodes[i].Subtype = subtype
	}
	return b.multipartExtension(i)
}

// multipartExtension parses the parameters of a multipart and the data after them.
func (b *structureBuilder) multipartExtension(i int) error {
	if b.more() {
		if err := b.paramList(&b.links[i].params); err != nil {
			return err
		}
	}
	if err := b.extension(i); err != nil {
		return err
	}
	return b.rest()
}

// more reports whether the node has further fields.
func (b *structureBuilder) more() bool {
	b.p.skipSpaces()
	return b.p.peek() != ')'
}

// single parses a node that does not start with parts: a part, or a multipart without parts, which servers send in several
// forms.
func (b *structureBuilder) single(i int) error {
	p := b.p
	first, ok, err := p.lowerNString()
	if err != nil {
		return err
	}
	p.skipSpaces()
	c := p.peek()
	switch {
	case !ok && (c == '"' || c == '{'):
		// Dovecot: NIL instead of the parts.
		p.tolerate("multipart without parts")
		b.nodes[i].Type = "multipart"
		if b.nodes[i].Subtype, err = p.lowerString(); err != nil {
			return err
		}
		return b.partlessExtension(i)
	case ok && ascii.Upper(c) == 'N' && b.looksLikePart(2):
		p.tolerate("part without a subtype")
		b.nodes[i].Type, b.nodes[i].Subtype = first, defaultSubtype(first)
		if err := p.skipValue(); err != nil {
			return err
		}
	case ok && (c == ')' || c == '(' || ascii.Upper(c) == 'N') && !b.looksLikePart(1):
		// Gmail, QQ, Yandex: no parts at all.
		p.tolerate("multipart without parts")
		b.nodes[i].Type, b.nodes[i].Subtype = "multipart", first
		return b.partlessExtension(i)
	case ok && (c == '(' || ascii.Upper(c) == 'N'):
		p.tolerate("part without a subtype")
		b.nodes[i].Type, b.nodes[i].Subtype = first, defaultSubtype(first)
	default:
		subtype, sok, err := p.lowerNString()
		if err != nil {
			return err
		}
		b.nodes[i].Type, b.nodes[i].Subtype = first, subtype
		if !ok || !sok {
			p.tolerate("part without a type")
		}
		if !ok && !sok {
			b.nodes[i].Type, b.nodes[i].Subtype = "application", "octet-stream" // Office 365
		}
	}
	return b.basic(i)
}

func (b *structureBuilder) partlessExtension(i int) error {
	if b.more() {
		if err := b.paramList(&b.links[i].params); err != nil {
			return err
		}
	}
	return b.extension(i)
}

func defaultSubtype(mediaType string) string {
	if mediaType == "text" {
		return "plain"
	}
	return "octet-stream"
}

// looksLikePart reports whether id, description, encoding and a size follow after the given number of values: after the
// parameters, or after NIL for the subtype and the parameters.
func (b *structureBuilder) looksLikePart(values int) bool {
	p := b.p
	start, depth := p.pos, p.depth
	defer func() {
		p.depth = depth
		p.reset(start)
	}()
	for range values {
		if p.skipSpaces(); p.skipValue() != nil {
			return false
		}
	}
	for range 3 {
		if p.skipSpaces(); p.peek() == '(' || p.peek() == ')' || p.skipString() != nil {
			return false
		}
	}
	p.skipSpaces()
	return ascii.IsDigit(p.peek())
}

// basic parses the fields of a part after its type.
func (b *structureBuilder) basic(i int) error {
	p, node := b.p, &b.nodes[i]
	if b.more() {
		if err := b.paramList(&b.links[i].params); err != nil {
			return err
		}
	}
	for _, field := range []*string{&node.ID, &node.Description} {
		if err := b.text(field); err != nil {
			return err
		}
	}
	if b.more() {
		c := p.peek()
		encoding, ok, err := p.lowerNString()
		if err != nil {
			return err
		}
		node.Encoding = strings.TrimSpace(encoding) // Office 365
		switch {
		case !ok:
			p.tolerate("NIL for an encoding") // maddy
		case c != '"' && c != '{':
			p.tolerate("atom for a string") // Exchange 2010
		case node.Encoding != encoding:
			p.tolerate("space around an encoding")
		}
	} else {
		p.tolerate("part that ends early")
	}
	if b.more() {
		n, err := p.octets()
		if err != nil {
			return err
		}
		node.Size = n
	}
	if err := b.byType(i); err != nil {
		return err
	}
	if err := b.text(&b.nodes[i].MD5); err != nil {
		return err
	}
	return b.extension(i)
}

// byType parses the additional fields of embedded messages and text. Other parts may have a number there too (lavabit,
// Gmail).
func (b *structureBuilder) byType(i int) error {
	p := b.p
	switch more := b.more(); {
	case !more:
		if b.nodes[i].Type == "text" {
			p.tolerate("text without a number of lines")
		}
		return nil
	case p.peek() == '(' && b.nodes[i].Type == "multipart":
		p.tolerate("multipart in the form of a part") // GMX repeats the parameters
		if err := p.skipValue(); err != nil {
			return err
		}
	case p.peek() == '(' && b.nodes[i].Type == "message":
		if err := b.embedded(i); err != nil {
			return err
		}
	case b.nodes[i].Type == "message" && (b.nodes[i].Subtype == "rfc822" || b.nodes[i].Subtype == "global"):
		p.tolerate("message without an envelope") // Gmail
	}
	if !b.more() || !ascii.IsDigit(p.peek()) && p.peek() != '-' {
		if b.nodes[i].Type == "text" {
			p.tolerate("text without a number of lines")
		}
		return nil
	}
	n, err := p.octets()
	if t := b.nodes[i].Type; t == "text" || t == "message" {
		b.nodes[i].Lines = n
	} else {
		p.tolerate("number of lines of a part that has none")
	}
	return err
}

// embedded parses the envelope and the body of an embedded message.
func (b *structureBuilder) embedded(i int) error {
	p := b.p
	env, err := p.envelope()
	if err != nil {
		return err
	}
	b.nodes[i].Envelope = env
	if p.skipSpaces(); p.peek() != '(' {
		p.tolerate("message without a body")
		return nil
	}
	if p.pos+1 < len(p.text) && p.text[p.pos+1] == ')' {
		p.tolerate("message without a body")
		p.pos += 2 // Domino
		return nil
	}
	child := len(b.nodes)
	if err := b.part(i); err != nil {
		return err
	}
	if b.nodes[child].Type != "multipart" {
		b.links[child].number = 1
	}
	return nil
}

// text parses a string, if one follows; the node may have ended, or have a list instead.
func (b *structureBuilder) text(field *string) error {
	if !b.more() || b.p.peek() == '(' {
		return nil
	}
	s, _, err := b.p.nstring()
	*field = s
	return err
}

// octets parses a size. Besides the number of the grammar it accepts what servers send: -1 and NIL for an unknown size, and a
// floating-point number such as 9.3736e+06 (mail.ru).
func (p *parser) octets() (int64, error) {
	if n, end := plainNumber(p.text, p.pos); end > p.pos && endsPlainly(p.text, end) {
		p.pos = end
		return int64(n), nil
	}
	word, _, kind, err := p.raw()
	if err != nil {
		return 0, err
	}
	if kind == kindNil {
		p.tolerate("size that is no number")
		return 0, nil
	}
	if n, err := strconv.ParseInt(string(word), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	p.tolerate("size that is no number")
	if f, err := strconv.ParseFloat(string(word), 64); err == nil && f >= 0 && f < math.MaxInt64 {
		return int64(f), nil
	}
	return 0, nil
}

// extension parses disposition, language and location.
func (b *structureBuilder) extension(i int) error {
	if err := b.disposition(i); err != nil {
		return err
	}
	if err := b.language(&b.nodes[i].Language); err != nil {
		return err
	}
	if b.more() && b.p.peek() == '(' {
		b.p.tolerate("list for a string")
		return b.p.skipValue()
	}
	return b.text(&b.nodes[i].Location)
}

// disposition parses ("type" ("name" "value")) and variants of servers.
func (b *structureBuilder) disposition(i int) error {
	p := b.p
	if !b.more() {
		return nil
	}
	if p.peek() != '(' {
		s, ok, err := p.nstring()
		if err != nil || !ok {
			return err
		}
		if b.nodes[i].Type == "multipart" && !strings.EqualFold(s, "inline") && !strings.EqualFold(s, "attachment") {
			p.tolerate("description of a multipart")
			b.nodes[i].Description = s // Exchange
			return nil
		}
		p.tolerate("disposition without parentheses") // Exchange
		b.nodes[i].Disposition = strings.ToLower(s)
		if b.more() && p.peek() == '(' {
			return b.paramList(&b.links[i].disposition)
		}
		return nil
	}
	if err := p.enter(); err != nil {
		return err
	}
	if b.more() {
		kind, ok, err := p.lowerNString()
		if err != nil {
			return err
		}
		if !ok {
			p.tolerate("NIL for a disposition") // Exchange
		}
		b.nodes[i].Disposition = kind
	}
	if !b.more() {
		p.tolerate("disposition without parameters") // Citadel
	} else {
		if err := b.paramList(&b.links[i].disposition); err != nil {
			return err
		}
	}
	return b.rest()
}

// language parses a string or a list of strings.
func (b *structureBuilder) language(list *[]string) error {
	p := b.p
	if !b.more() {
		return nil
	}
	if p.peek() != '(' {
		s, ok, err := p.nstring()
		if ok {
			*list = []string{s}
		}
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	for b.more() {
		if p.peek() == '(' {
			p.tolerate("list for a string")
			if err := p.skipValue(); err != nil {
				return err
			}
			continue
		}
		s, ok, err := p.nstring()
		if err != nil {
			return err
		}
		if !ok {
			p.tolerate("NIL for a language")
			continue
		}
		*list = append(*list, s)
	}
	return p.leave()
}

// paramList parses names and values. A name without a value at the end is dropped.
func (b *structureBuilder) paramList(at *[2]int) error {
	p := b.p
	if p.peek() != '(' {
		_, _, kind, err := p.raw()
		if kind != kindNil {
			p.tolerate("string for a list of parameters")
		}
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	if p.peek() == ')' {
		p.tolerate("empty list of parameters")
	}
	at[0] = len(b.params)
	for b.more() {
		name, err := p.lowerString()
		if err != nil {
			return err
		}
		if !b.more() {
			p.tolerate("parameter without a value")
			break
		}
		value, err := b.paramValue()
		if err != nil {
			return err
		}
		if len(b.params) >= maxListed {
			return p.errorf("too many parameters")
		}
		b.params = append(b.params, Param{strings.TrimSpace(name), value})
	}
	at[1] = len(b.params)
	return p.leave()
}

// paramValue parses the value of a parameter. A value that is not a string is "".
func (b *structureBuilder) paramValue() (string, error) {
	if b.p.peek() == '(' {
		b.p.tolerate("list for a string")
		return "", b.p.skipValue()
	}
	value, ok, err := b.p.nstring()
	if !ok {
		b.p.tolerate("parameter without a value")
	}
	return value, err
}

// lowerString parses a string and returns it in lower case; NIL is "".
func (p *parser) lowerString() (string, error) {
	s, _, err := p.lowerNString()
	return s, err
}

// lowerNString parses a short, frequent string and returns it in lower case.
func (p *parser) lowerNString() (string, bool, error) {
	if s, ok := p.knownLower(); ok {
		return s, true, nil
	}
	raw, at, kind, err := p.raw()
	if err != nil || kind == kindNil {
		return "", false, err
	}
	var buf [internLength]byte
	if len(raw) > len(buf) {
		return strings.ToLower(string(raw)), true, nil
	}
	low := buf[:len(raw)]
	for i, c := range raw {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == '\r' || c == '\n' {
			// The rest of a field that was not unfolded is not a part of the name.
			p.tolerate("line break in a name")
			low = bytes.TrimSpace(low[:i])
			break
		}
		low[i] = c
	}
	s := p.names.intern(low)
	if kind == kindQuoted && at >= 0 && p.names != nil && isPrintable(raw) && !p.plainBackslash {
		*p.names.lowerOf(raw) = lowerForm{string(raw), s}
	}
	return s, true, nil
}

// finish returns the tree: one slice of nodes, one of children, one of parameters, one of paths.
func (b *structureBuilder) finish(pieces *slabs) *BodyStructure {
	nodes := pieces.nodes.keep(b.nodes)
	params := pieces.params.keep(b.params)
	children := pieces.children.take(len(nodes) - 1)[:0]
	paths := pieces.paths.take(b.pathLength())[:0]
	for i := range nodes {
		node, link := &nodes[i], &b.links[i]
		node.decoder = b.p.decoder
		if a, z := link.params[0], link.params[1]; z > a {
			node.Params = params[a:z:z]
		}
		if a, z := link.disposition[0], link.disposition[1]; z > a {
			node.DispositionParams = params[a:z:z]
		}
		if link.children > 0 {
			from := len(children)
			for child, n := link.first, 0; n < link.children; n++ {
				children = append(children, &nodes[child])
				child = b.links[child].next
			}
			node.Children = children[from:len(children):len(children)]
		}
		from := len(paths)
		switch {
		case link.parent < 0:
		case link.parent == i-1: // the path of the first child continues that of its parent
			from -= len(nodes[i-1].Part)
		default:
			paths = append(paths, nodes[link.parent].Part...)
		}
		if link.number > 0 {
			paths = append(paths, link.number)
		}
		if len(paths) > from {
			node.Part = paths[from:len(paths):len(paths)]
		}
	}
	return &nodes[0]
}

// pathLength sets the number of the root, and returns the total length of all paths, counting those that finish shares once.
func (b *structureBuilder) pathLength() int {
	if b.nodes[0].Type != "multipart" {
		b.links[0].number = 1
	}
	total := 0
	b.path = b.path[:0]
	for i := range b.links {
		n := 0
		if up := b.links[i].parent; up >= 0 {
			n = b.path[up]
		}
		if b.links[i].number > 0 {
			n++
		}
		b.path = append(b.path, n)
		if up := b.links[i].parent; up >= 0 && up == i-1 {
			n -= b.path[up]
		}
		total += n
	}
	return total
}

func (b *BodyStructure) slots() int {
	if b == nil {
		return 0
	}
	n := nodeCost + 2*sliceCost*(len(b.Params)+len(b.DispositionParams)) + sliceCost*len(b.Language)
	if b.Envelope != nil {
		n += b.Envelope.slots()
	}
	for _, child := range b.Children {
		n += child.slots()
	}
	return n
}

func (b *BodyStructure) texts() int {
	if b == nil {
		return 0
	}
	n := len(b.Description) + len(b.ID) + len(b.Location) + len(b.Type) + len(b.Subtype) + len(b.Encoding) + len(b.MD5) + len(b.Disposition)
	for _, params := range [][]Param{b.Params, b.DispositionParams} {
		for _, p := range params {
			n += len(p.Name) + len(p.Value)
		}
	}
	for _, s := range b.Language {
		n += len(s)
	}
	if b.Envelope != nil {
		n += b.Envelope.texts()
	}
	for _, child := range b.Children {
		n += child.texts()
	}
	return n
}
