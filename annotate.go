package imap

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// The commands of this file are older than the standards that took their place. They are here because Python's imaplib
// has them, and ask for no capability.

// GetAnnotation is GETANNOTATION of the draft that became METADATA (imaplib's getannotation; logged in). What the server
// says is in Untagged, under ANNOTATION. GetMetadata is what today's servers know.
//
// Deprecated: use GetMetadata, of the standard that came out of it.
func (c *Client) GetAnnotation(ctx context.Context, mailbox, entry, attribute string) (*Response, error) {
	return c.annotation(ctx, "GETANNOTATION", func(e *encoder, str func(string) *encoder) {
		e.sp().anyMailbox(mailbox).sp()
		str(entry).sp()
		str(attribute)
	})
}

// SetAnnotation is SETANNOTATION of the draft that became METADATA (imaplib's setannotation; logged in). Attributes are
// value.priv and value.shared, and "NIL" as a value removes one. SetMetadata is what today's servers know.
//
// Deprecated: use SetMetadata, of the standard that came out of it.
func (c *Client) SetAnnotation(ctx context.Context, mailbox, entry string, attributes map[string]string) error {
	_, err := c.annotation(ctx, "SETANNOTATION", func(e *encoder, str func(string) *encoder) {
		e.sp().anyMailbox(mailbox).sp()
		str(entry).raw(" (")
		for i, name := range slices.Sorted(maps.Keys(attributes)) {
			if i > 0 {
				e.sp()
			}
			str(name).sp().annotationValue(attributes[name])
		}
		e.raw(")")
	})
	return err
}

// annotation runs one of the two. Entries and attributes go as atoms, as imaplib's documentation has them; Cyrus takes
// quoted strings alone, as the draft has them, and says BAD otherwise.
func (c *Client) annotation(ctx context.Context, name string, args func(e *encoder, str func(string) *encoder)) (*Response, error) {
	run := func(str func(*encoder) func(string) *encoder) (*Response, error) {
		cmd := &command{name: name, states: inAuth}
		cmd.encode = func(e *encoder) { args(e, str(e)) }
		return c.doCommand(ctx, cmd)
	}
	resp, err := run(func(e *encoder) func(string) *encoder { return e.astring })
	if bad, ok := errors.AsType[*Error](err); ok && bad.Status == "BAD" && !errors.Is(err, ErrClosed) {
		return run(func(e *encoder) func(string) *encoder { return e.str })
	}
	return resp, err
}

// Partial is PARTIAL of IMAP4 (RFC 1730 section 6.4.6; imaplib's partial; selected): bytes of a part, RFC822.TEXT or
// BODY[1], from start on, of which the first is 1. A Section with an offset in Fetch is what today's servers know. nil
// and no error says that the server sent no data.
//
// Deprecated: use Fetch with a Section that has Offset and Count.
func (c *Client) Partial(ctx context.Context, num SeqNum, part string, start, length int64) ([]byte, error) {
	cmd := &command{name: "PARTIAL", states: inSelected, byNumber: true, numbers: true, noExpunge: true}
	now := num // when it is sent
	cmd.encode = func(e *encoder) {
		now = e.now(Seqs(num))[0].Start
		e.sp().nonEmptySet(Seqs(num)).sp().atom("a part", part).sp().integer(start).sp().integer(length)
	}
	p, err := gather(ctx, c, cmd, func() *partialOf { return &partialOf{num: &now, part: part} })
	if err != nil {
		return nil, err
	}
	return p.data, nil
}

// partialOf is the data of a FETCH response to PARTIAL.
type partialOf struct {
	num  *SeqNum
	part string
	data []byte
}

func (p *partialOf) take(r *response) (claim, error) {
	if r.name != "FETCH" || r.num != uint32(*p.num) {
		return notMine, nil
	}
	got, ok, err := r.partialData(p.part)
	if !ok && err == nil {
		return notMine, nil
	}
	p.data = got
	return mine, err
}

// partialData finds the value of a part in a FETCH response. The name may have the first byte behind it, <0>, as later
// revisions have it.
func (r *response) partialData(part string) (data []byte, ok bool, err error) {
	want := strings.TrimSuffix(strings.ToUpper(part[:len(part)-len(sectionOf(part))]), ".PEEK")
	if err := r.enter(); err != nil {
		return nil, false, err
	}
	for r.skipSpaces(); r.peek() != ')'; r.skipSpaces() {
		name, _, _ := bytes.Cut(r.itemName(), []byte("<"))
		if !ascii.EqualFold(name, want) {
			if err := r.skipItem(); err != nil {
				return nil, false, err
			}
			continue
		}
		if r.peek() == '[' {
			if _, err := r.section(false); err != nil {
				return nil, false, err
			}
		}
		r.skipSpaces()
		data, _, err := r.nbytes()
		return data, true, err
	}
	return nil, false, nil
}

// sectionOf is what stands behind the name of an item in brackets.
func sectionOf(part string) string {
	if i := strings.IndexByte(part, '['); i >= 0 {
		return part[i:]
	}
	return ""
}

// ---- ANNOTATE

// Annotation is what is noted of a message under one entry, "/comment", by attribute: value.priv, value.shared, size.priv,
// size.shared (RFC 5257 section 4). A nil value is NIL: none, and in StoreAnnotations it removes. Values is nil where the
// server sends only that the entry has changed.
type Annotation struct {
	Entry  string
	Values map[string][]byte
}

// texts are the bytes of an annotation.
func (a Annotation) texts() int {
	n := eventSize + len(a.Entry)
	for name, value := range a.Values {
		n += 2*sliceCost + len(name) + len(value)
	}
	return n
}

// FetchAnnotations asks for annotations of messages, by entries and attributes, in which % and * stand for others
// (RFC 5257; capability ANNOTATE-EXPERIMENT-1). Message.Annotations has the answer.
func FetchAnnotations(entries []string, attributes ...string) FetchItem {
	return fetchArg{"ANNOTATION", func(e *encoder) {
		if len(entries) == 0 || len(attributes) == 0 {
			e.fail(argError("no entry or no attribute of an annotation"))
		}
		e.raw("ANNOTATION (").strings(entries).sp().strings(attributes).raw(")")
	}}
}

// Annotations returns what FetchAnnotations asked for.
func (m *Message) Annotations() []Annotation { return slices.Collect(extras[Annotation](m.extra)) }

// StoreAnnotations makes the operation of Store that sets annotations and leaves the others (RFC 5257; capability
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

// Annotation matches messages in one of whose annotations the text is found; % and * stand for other entries (RFC 5257;
// capability ANNOTATE-EXPERIMENT-1). The attribute is value, value.priv or value.shared.
func (q Query) Annotation(entry, attribute, text string) Query {
	return q.with(searchKey{
		encode: func(e *encoder) {
			e.need("ANNOTATE-EXPERIMENT-1").raw("ANNOTATION ").astring(entry).sp().astring(attribute).sp().searchText(text)
		},
		text: !isASCII(text),
	})
}

// parseAnnotations reads (entry (attribute value …) …).
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
			return p.errorf("more annotations than any message has")
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

// Annotations returns what the server sent of annotations when the mailbox was opened; false if it sent nothing.
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
