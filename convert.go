package imap

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// Conversion is a conversion that the server supports (RFC 5259 section 5.2): media types such as "image/gif", and the
// parameters for it.
type Conversion struct {
	From, To string
	Params   []string
}

// Conversions returns the conversions that the server supports (CONVERSIONS, RFC 5259 section 5.1; capability CONVERT;
// logged in). A type may be "*" or "text/*".
func (c *Client) Conversions(ctx context.Context, from, to string) ([]Conversion, error) {
	cmd := &command{name: "CONVERSIONS", states: inAuth, rows: "CONVERSION"}
	cmd.encode = func(e *encoder) { e.need("CONVERT").sp().str(from).sp().str(to) }
	got, err := gather(ctx, c, cmd, func() *conversions { return &conversions{} })
	if err != nil {
		return nil, err
	}
	return got.list, nil
}

// conversions collects CONVERSION responses.
type conversions struct{ list []Conversion }

func (cs *conversions) take(r *response) (claim, error) {
	if r.name != "CONVERSION" {
		return notMine, nil
	}
	var conv Conversion
	var err error
	if conv.From, err = r.astring(); err != nil {
		return mine, err
	}
	r.skipSpaces()
	if conv.To, err = r.astring(); err != nil {
		return mine, err
	}
	if !r.atEnd() {
		if err := r.stringsInto(&conv.Params); err != nil {
			return mine, err
		}
	}
	if len(cs.list) >= maxListed {
		return mine, r.errorf("too many conversions")
	}
	cs.list = append(cs.list, conv)
	return mine, nil
}

// ConvertTo is the target of a conversion.
type ConvertTo struct {
	Type   string            // such as "text/plain"; "" leaves the choice to the server
	Params map[string]string // "charset", "pix-x", "unknown-character-replacement", … (RFC 5259 section 12)
}

// ConvertItem is an item of Convert, made by one of the Convert functions.
type ConvertItem struct {
	name          string
	part          []int
	specifier     string // HEADER or MIME, of BODY
	offset, count int64
}

// ConvertData requests a converted part, or without numbers the whole message.
func ConvertData(part ...int) ConvertItem {
	return ConvertItem{name: "BINARY", part: slices.Clone(part)}
}

// ConvertRange is like ConvertData, but requests only count bytes from offset on.
func ConvertRange(offset, count int64, part ...int) ConvertItem {
	return ConvertItem{name: "BINARY", part: slices.Clone(part), offset: offset, count: count}
}

// ConvertSize requests the size of a converted part.
func ConvertSize(part ...int) ConvertItem {
	return ConvertItem{name: "BINARY.SIZE", part: slices.Clone(part)}
}

// ConvertStructure requests the structure of a converted part.
func ConvertStructure(part ...int) ConvertItem {
	return ConvertItem{name: "BODYPARTSTRUCTURE", part: slices.Clone(part)}
}

// ConvertTypes requests the types to which a part can be converted.
func ConvertTypes(part ...int) ConvertItem {
	return ConvertItem{name: "AVAILABLECONVERSIONS", part: slices.Clone(part)}
}

// ConvertHeader requests the header of the message, or of an embedded message, with its encoded words converted to the
// character set of the parameter "charset".
func ConvertHeader(part ...int) ConvertItem {
	return ConvertItem{name: "BODY", part: slices.Clone(part), specifier: "HEADER"}
}

// ConvertMIME is like ConvertHeader, for the MIME header of a part.
func ConvertMIME(part ...int) ConvertItem {
	return ConvertItem{name: "BODY", part: slices.Clone(part), specifier: "MIME"}
}

// Converted is the result of Convert for one message. SeqNum is 0 if UIDONLY is enabled; UID is 0 if the set was one of
// sequence numbers and the server did not send it.
type Converted struct {
	SeqNum SeqNum
	UID    UID
	Parts  []ConvertedPart
}

// ConvertedPart is one item of the answer.
type ConvertedPart struct {
	Section   Section // its Part, and HEADER or MIME as its Specifier; Binary for all others
	Data      []byte  // of ConvertData, ConvertRange, ConvertHeader and ConvertMIME
	Size      uint64  // of ConvertSize
	Structure *BodyStructure
	Types     []string      // of ConvertTypes
	Err       *ConvertError // why the conversion failed
}

// ConvertError reports why a part was not converted (RFC 5259 section 9).
type ConvertError struct {
	Text   string
	Reason string // TEMPFAIL, BADPARAMETERS, MISSINGPARAMETERS
	Args   string // the text after the reason, as sent by the server
}

// Error returns the server's reason and text.
func (e *ConvertError) Error() string { return "imap: CONVERT: " + e.Reason + " " + e.Text }

// Convert makes the server convert parts of messages and returns the results (CONVERT or UID CONVERT, RFC 5259; capability
// CONVERT; selected). A part that cannot be converted has a ConvertError; the results are also returned with an error from
// the server, for example if all conversions failed. If there are more messages than the server converts at once
// (MAXCONVERTMESSAGES), several commands are sent. With an empty set, or no items, nothing is sent.
func (c *Client) Convert(ctx context.Context, set NumSet, to ConvertTo, items ...ConvertItem) ([]Converted, error) {
	if err := validSet(set); err != nil {
		return nil, unsent("CONVERT", err)
	}
	if emptySet(set) || len(items) == 0 {
		return nil, nil
	}
	var all []Converted
	err := c.eachPart(ctx, "CONVERT", set, func(c *Client, t target) (progress, error) {
		got, p, err := c.convertPart(ctx, t, to, items)
		all = append(all, got...)
		return p, err
	})
	return all, err
}

func (c *Client) convertPart(ctx context.Context, t target, to ConvertTo, items []ConvertItem) ([]Converted, progress, error) {
	uid := isUID(t.set)
	cmd := &command{name: "CONVERT", states: inSelected, traits: traits{byNumber: !uid, noExpunge: !uid, partial: true}}
	if uid {
		cmd.name = "UID CONVERT"
	}
	cmd.encode = func(e *encoder) {
		t.write(e.need("CONVERT").sp())
		e.sp()
		to.encode(e)
		e.sp()
		encodeConvertItems(e, items)
	}
	rows := &convertedRows{cmd: cmd}
	cmd.answer = rows
	var p progress
	err := c.run(ctx, cmd)
	if _, refused := err.(*Error); err != nil && !refused {
		return nil, p, err
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	p.ended(&cmd.status, err)
	for i := range rows.list {
		p.note(rows.list[i].UID)
	}
	if most, ok := CodeDataOf[NumberData](err); ok && CodeOf(err) == CodeMaxConvertMessages && len(rows.list) == 0 {
		p.partial, p.limit.most = true, uint32(min(most, math.MaxUint32))
	}
	if err == nil && rows.bad != nil {
		err, p.partial = failed(cmd.name, rows.bad), false
	}
	return rows.list, p, err
}

func (to *ConvertTo) encode(e *encoder) {
	e.raw("(")
	if to.Type == "" {
		e.raw("NIL")
	} else {
		e.quotedName(to.Type)
	}
	for i, name := range slices.Sorted(maps.Keys(to.Params)) {
		e.raw([]string{" (", " "}[min(i, 1)]).str(name).sp().str(to.Params[name])
	}
	if len(to.Params) > 0 {
		e.raw(")")
	}
	e.raw(")")
}

func encodeConvertItems(e *encoder, items []ConvertItem) {
	if len(items) == 1 {
		items[0].encode(e)
		return
	}
	for i := range items {
		e.raw([]string{"(", " "}[min(i, 1)])
		items[i].encode(e)
	}
	e.raw(")")
}

func (it *ConvertItem) encode(e *encoder) {
	s := Section{Part: it.part, Specifier: it.specifier}
	if it.name == "" {
		e.fail(argError("an empty ConvertItem"))
		return
	}
	if err := s.check(); err != nil {
		e.fail(err)
		return
	}
	e.raw(it.name + "[")
	s.encodeName(e)
	e.raw("]")
	switch {
	case it.offset < 0 || it.count < 0 || it.offset > 0 && it.count == 0:
		e.fail(argError("ConvertRange: a negative offset, or no count"))
	case it.count > 0:
		e.raw("<").number(uint64(it.offset)).raw(".").number(uint64(it.count)).raw(">")
	}
}

// convertedRows is the answer to CONVERT.
type convertedRows struct {
	noData
	cmd  *command
	list []Converted
	bad  error
}

func (a *convertedRows) data(r *response) claim {
	if r.name != "CONVERTED" {
		return notMine
	}
	row, tag, err := r.converted()
	if tag != "" && !strings.EqualFold(tag, a.cmd.tag) { // the examples of the RFC have tags in another case
		return notMine
	}
	if err != nil && a.bad == nil {
		a.bad = err
	}
	a.list = append(a.list, row)
	a.cmd.weight = rawCost
	for i := range row.Parts {
		a.cmd.weight += partCost + row.Parts[i].Structure.slots() + sliceCost*len(row.Parts[i].Types)
	}
	return mine
}

func (a *convertedRows) dropped() answer { return droppedConverted{cmd: a.cmd} }

// droppedConverted claims the rows of a CONVERT that was abandoned.
type droppedConverted struct {
	noData
	cmd *command
}

func (a droppedConverted) data(r *response) claim {
	if r.name != "CONVERTED" {
		return notMine
	}
	if tag, _, err := r.esearchHead(); err != nil || tag != "" && !strings.EqualFold(tag, a.cmd.tag) {
		return notMine
	}
	return mine
}

func (a droppedConverted) dropped() answer { return a }

// converted parses a CONVERTED response.
func (r *response) converted() (row Converted, tag string, err error) {
	row.SeqNum = SeqNum(r.num)
	if tag, _, err = r.esearchHead(); err != nil {
		return row, tag, err
	}
	r.skipSpaces()
	if err := r.enter(); err != nil {
		return row, tag, err
	}
	for ; r.peek() != ')'; r.skipSpaces() {
		if err := r.convertedItem(&row); err != nil {
			return row, tag, err
		}
	}
	return row, tag, r.leave()
}

// convertedItem parses one item with its value.
func (r *response) convertedItem(row *Converted) error {
	name := strings.ToUpper(string(r.itemName()))
	if name == "" {
		return r.errorf("expected an item of CONVERTED")
	}
	part := ConvertedPart{}
	if r.peek() == '[' {
		s, err := r.section(name != "BODY")
		if err != nil {
			return err
		}
		part.Section = s
	}
	if r.skipSpaces(); name == "UID" {
		uid, err := r.number32()
		row.UID = UID(uid)
		return err
	}
	if len(row.Parts) >= maxListed {
		return r.errorf("too many parts")
	}
	known, err := r.convertedValue(name, &part)
	if err == nil && known {
		row.Parts = append(row.Parts, part)
	}
	return err
}

func (r *response) convertedValue(name string, part *ConvertedPart) (known bool, err error) {
	if part.Err, err = r.convertError(); err != nil || part.Err != nil {
		return true, err
	}
	switch name {
	case "BINARY", "BODY":
		part.Data, _, err = r.nbytes()
	case "BINARY.SIZE":
		part.Size, err = r.number()
	case "BODYPARTSTRUCTURE":
		part.Structure, err = r.bodyStructure()
	case "AVAILABLECONVERSIONS":
		if err = r.enter(); err == nil {
			if err = r.stringsInto(&part.Types); err == nil {
				err = r.leave()
			}
		}
	default:
		return false, r.skipValue()
	}
	return true, err
}

// convertError parses (ERROR text reason …). It returns nil for anything else.
func (r *response) convertError() (*ConvertError, error) {
	at := r.pos
	if !r.accept('(') || !ascii.EqualFold(r.word(), "ERROR") {
		r.reset(at)
		return nil, nil
	}
	r.skipSpaces()
	text, _, err := r.nstring()
	if err != nil {
		return nil, err
	}
	r.skipSpaces()
	e := &ConvertError{Text: text, Reason: strings.ToUpper(string(r.word()))}
	r.skipSpaces()
	start := r.pos
	for ; r.pos < len(r.text) && r.peek() != ')'; r.skipSpaces() {
		if err := r.skipValue(); err != nil {
			return nil, err
		}
	}
	e.Args = strings.TrimSpace(string(r.text[start:r.pos]))
	if !r.accept(')') {
		return nil, r.errorf("expected )")
	}
	return e, nil
}
