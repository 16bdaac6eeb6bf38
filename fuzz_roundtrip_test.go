package imap

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// renderer writes values as a server may: each string quoted or as a literal, names and NIL in any case, items in any
// order. Without a source of chance it writes the plainest form.
type renderer struct{ rng *rand.Rand }

func (rd *renderer) chance(n int) bool { return rd.rng != nil && rd.rng.IntN(n) == 0 }

// cased writes a name in any case.
func (rd *renderer) cased(s string) string {
	b := []byte(s)
	for i, c := range b {
		if rd.chance(3) && 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (rd *renderer) null() string { return rd.cased("NIL") }

// str writes a string.
func (rd *renderer) str(s string) string {
	if strings.ContainsAny(s, "\r\n\x00") || rd.chance(4) {
		return fmt.Sprintf("{%d}\r\n%s", len(s), s)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// nstr writes a string that may be missing.
func (rd *renderer) nstr(s string) string {
	if s == "" && !rd.chance(2) {
		return rd.null()
	}
	return rd.str(s)
}

func (rd *renderer) list(parts ...string) string { return "(" + strings.Join(parts, " ") + ")" }

func (rd *renderer) addresses(list []Address) string {
	if len(list) == 0 {
		return rd.null()
	}
	var b strings.Builder
	for _, a := range list {
		host := rd.nstr(a.Host)
		if a.Host == "" {
			host = rd.null() // the mark of a group
		}
		b.WriteString(rd.list(rd.nstr(a.Name), rd.null(), rd.nstr(a.Mailbox), host))
	}
	return "(" + b.String() + ")"
}

func (rd *renderer) envelope(e *Envelope) string {
	date := rd.null()
	if !e.Date.IsZero() && e.Date.Year() >= 1900 && e.Date.Year() < 10000 {
		date = rd.str(e.Date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
	return rd.list(date, rd.nstr(e.Subject), rd.addresses(e.From), rd.addresses(e.Sender), rd.addresses(e.ReplyTo),
		rd.addresses(e.To), rd.addresses(e.CC), rd.addresses(e.BCC), rd.nstr(e.InReplyTo), rd.nstr(e.MessageID))
}

func (rd *renderer) params(list []Param) string {
	if len(list) == 0 {
		return rd.null()
	}
	var parts []string
	for _, p := range list {
		parts = append(parts, rd.str(rd.cased(strings.ToUpper(p.Name))), rd.str(p.Value))
	}
	return rd.list(parts...)
}

func (rd *renderer) structure(b *BodyStructure) string {
	if b.Type == "multipart" {
		var parts string
		for _, c := range b.Children {
			parts += rd.structure(c)
		}
		return "(" + parts + " " + strings.Join(append([]string{rd.str(strings.ToUpper(b.Subtype)), rd.params(b.Params)}, rd.extension(b)...), " ") + ")"
	}
	parts := []string{rd.str(rd.cased(strings.ToUpper(b.Type))), rd.str(rd.cased(strings.ToUpper(b.Subtype))), rd.params(b.Params), rd.nstr(b.ID),
		rd.nstr(b.Description), rd.str(rd.cased(strings.ToUpper(b.Encoding))), strconv.FormatInt(b.Size, 10)}
	if b.Envelope != nil {
		parts = append(parts, rd.envelope(b.Envelope), rd.structure(b.Children[0]))
	}
	if b.Envelope != nil || b.Type == "text" {
		parts = append(parts, strconv.FormatInt(b.Lines, 10))
	}
	parts = append(parts, rd.nstr(b.MD5))
	return rd.list(append(parts, rd.extension(b)...)...)
}

func (rd *renderer) extension(b *BodyStructure) []string {
	disposition := rd.null()
	if b.Disposition != "" {
		disposition = rd.list(rd.str(rd.cased(strings.ToUpper(b.Disposition))), rd.params(b.DispositionParams))
	}
	language := rd.null()
	switch {
	case len(b.Language) == 1 && rd.chance(2):
		language = rd.str(b.Language[0])
	case len(b.Language) > 0:
		var parts []string
		for _, l := range b.Language {
			parts = append(parts, rd.str(l))
		}
		language = rd.list(parts...)
	}
	parts := []string{disposition, language, rd.nstr(b.Location)}
	if rd.chance(4) {
		parts = append(parts, `("ext" (1 NIL) "x")`)
	}
	return parts
}

// row writes the items of a message.
func (rd *renderer) row(m *Message) string {
	var flags []string
	for _, f := range m.Flags {
		if f[0] == '\\' {
			flags = append(flags, `\`+rd.cased(strings.ToUpper(string(f[1:]))))
			continue
		}
		flags = append(flags, string(f))
	}
	date := m.InternalDate.Format("02-Jan-2006 15:04:05 -0700")
	if date[0] == '0' && rd.chance(2) {
		date = " " + date[1:]
	}
	items := []string{
		rd.cased("UID") + fmt.Sprintf(" %d", m.UID), rd.cased("FLAGS") + " " + rd.list(flags...), rd.cased("ENVELOPE") + " " + rd.envelope(m.Envelope),
		rd.cased("INTERNALDATE") + ` "` + date + `"`, rd.cased("RFC822.SIZE") + fmt.Sprintf(" %d", m.Size),
		rd.cased("BODYSTRUCTURE") + " " + rd.structure(m.BodyStructure), rd.cased("MODSEQ") + fmt.Sprintf(" (%d)", m.ModSeq), "X-UNKNOWN (a (b " + rd.str("c)") + "))",
	}
	for _, s := range m.Sections {
		value := rd.null()
		if s.Bytes != nil {
			value = rd.str(string(s.Bytes))
		}
		items = append(items, rd.section(s.Section)+" "+value)
	}
	if rd.rng != nil {
		// Sections keep their order among themselves, for they are a list.
		first := len(items) - len(m.Sections)
		rd.rng.Shuffle(first, func(i, j int) { items[i], items[j] = items[j], items[i] })
		if at := rd.rng.IntN(first + 1); len(m.Sections) > 0 {
			items = append(append(append([]string{}, items[:at]...), items[first:]...), items[at:first]...)
		}
	}
	return strings.Join(items, " ")
}

func (rd *renderer) section(s Section) string {
	var path []string
	for _, n := range s.Part {
		path = append(path, strconv.Itoa(n))
	}
	if s.Specifier != "" {
		name := rd.cased(s.Specifier)
		if len(s.Fields) > 0 {
			var names []string
			for _, f := range s.Fields {
				if rd.chance(2) {
					f = rd.str(f)
				}
				names = append(names, f)
			}
			name += rd.cased(".FIELDS") + " " + rd.list(names...)
		}
		path = append(path, name)
	}
	text := rd.cased("BODY") + "[" + strings.Join(path, ".") + "]"
	if s.Offset > 0 {
		text += fmt.Sprintf("<%d>", s.Offset)
	}
	return text
}

// maker makes values at random, of which many are awkward.
type maker struct{ rng *rand.Rand }

var awkward = []string{`"`, `\`, " ", "(", ")", "{3}", "{3+}", "}", "NIL", "é", "日本", "\r\n", "\n", "[", "]", "%", "*", "a", "b c", "0", "=", "?", "&-", "\\\"", "~{1}", "<", "'", ";", ",", "\t"}

func (mk *maker) text() string {
	var b strings.Builder
	for range mk.rng.IntN(5) {
		b.WriteString(awkward[mk.rng.IntN(len(awkward))])
	}
	if s := b.String(); !strings.Contains(s, "=?") {
		return s
	}
	return "x"
}

func (mk *maker) word() string { return fmt.Sprintf("w%d", mk.rng.IntN(100)) }

func (mk *maker) addresses() []Address {
	var list []Address
	for range mk.rng.IntN(3) {
		a := Address{Name: mk.text(), Mailbox: "m" + mk.text(), Host: "h" + mk.word()}
		if mk.rng.IntN(4) == 0 {
			list = append(list, Address{Mailbox: "group" + mk.text()}, a, Address{})
			continue
		}
		list = append(list, a)
	}
	return list
}

func (mk *maker) date() time.Time {
	zone := (mk.rng.IntN(27*60) - 13*60) * 60
	return time.Unix(mk.rng.Int64N(4e9), 0).In(time.FixedZone("", zone))
}

func (mk *maker) envelope() *Envelope {
	return &Envelope{Date: mk.date(), Subject: mk.text(), From: mk.addresses(), Sender: mk.addresses(), ReplyTo: mk.addresses(),
		To: mk.addresses(), CC: mk.addresses(), BCC: mk.addresses(), InReplyTo: mk.text(), MessageID: mk.text()}
}

func (mk *maker) params() []Param {
	var list []Param
	for range mk.rng.IntN(3) {
		list = append(list, Param{mk.word(), mk.text()})
	}
	return list
}

func (mk *maker) structure(path []int, depth int) *BodyStructure {
	b := &BodyStructure{Part: path, Type: mk.word(), Subtype: mk.word(), Params: mk.params(), Location: mk.text()}
	if mk.rng.IntN(2) == 0 {
		b.Disposition, b.DispositionParams = mk.word(), mk.params()
	}
	for range mk.rng.IntN(3) {
		b.Language = append(b.Language, mk.text())
	}
	kind := mk.rng.IntN(4)
	if kind == 0 && depth > 0 {
		b.Type = "multipart"
		for i := range 1 + mk.rng.IntN(3) {
			b.Children = append(b.Children, mk.structure(append(path[:len(path):len(path)], i+1), depth-1))
		}
		return b
	}
	if len(path) == 0 {
		b.Part = []int{1}
	}
	b.ID, b.Description, b.Encoding, b.MD5, b.Size = mk.text(), mk.text(), mk.word(), mk.text(), mk.rng.Int64N(1e12)
	switch {
	case kind == 1:
		b.Type, b.Lines = "text", mk.rng.Int64N(1e6)
	case kind == 2 && depth > 0:
		b.Type, b.Subtype, b.Lines, b.Envelope = "message", "rfc822", mk.rng.Int64N(1e6), mk.envelope()
		child := mk.structure(b.Part, depth-1)
		if child.Type != "multipart" {
			mk.move(child, len(b.Part))
		}
		b.Children = []*BodyStructure{child}
	}
	return b
}

// move puts a part that is the body of a message below it: the 1 stands behind the path of the message.
func (mk *maker) move(b *BodyStructure, at int) {
	path := append(b.Part[:at:at], 1)
	b.Part = append(path, b.Part[at:]...)
	for _, c := range b.Children {
		mk.move(c, at)
	}
}

func (mk *maker) message() *Message {
	m := &Message{SeqNum: 1, UID: UID(1 + mk.rng.Uint32N(1<<31)), Flags: []Flag{}, Envelope: mk.envelope(), InternalDate: mk.date(),
		Size: mk.rng.Int64N(1e12), BodyStructure: mk.structure(nil, 4), ModSeq: 1 + mk.rng.Uint64N(1<<62)}
	for range mk.rng.IntN(4) {
		m.Flags = append(m.Flags, []Flag{FlagSeen, FlagDeleted, "$work", "a[b", "NonJunk"}[mk.rng.IntN(5)])
	}
	for range mk.rng.IntN(3) {
		s := SectionData{Section: Section{Part: []int{1, 2}[:mk.rng.IntN(3)]}}
		if len(s.Section.Part) == 0 {
			s.Section.Part = nil
		}
		if mk.rng.IntN(2) == 0 {
			s.Section.Specifier, s.Section.Fields = "HEADER", []string{"From", mk.word()}
		}
		s.Section.Offset = int64(mk.rng.IntN(2) * 100)
		if mk.rng.IntN(3) > 0 {
			s.Bytes = append([]byte{}, mk.text()...)
		}
		m.Sections = append(m.Sections, s)
	}
	return m
}

// sameDates makes two messages comparable: a date is what it is in any location.
func sameDates(m *Message) *Message {
	m.InternalDate = m.InternalDate.UTC()
	envelopes := []*Envelope{m.Envelope}
	for b := range m.BodyStructure.All() {
		envelopes = append(envelopes, b.Envelope)
	}
	for _, e := range envelopes {
		if e != nil {
			e.Date = e.Date.UTC()
			e.DateText, e.raw = "", nil // TestEnvelopeRaw
			e.Subject = oneLine(e.Subject)
			for _, list := range e.lists() {
				for i := range list {
					list[i].Name = oneLine(list[i].Name)
				}
			}
		}
	}
	return m
}

var blanks = regexp.MustCompile(`[ \t\r\n]+`)

// oneLine is text with each run of blanks and line ends as one blank: how these are given out is tested with the text.
func oneLine(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }

// FuzzRoundTrip: a message made at random and written in one of the legal ways reads as what it was.
func FuzzRoundTrip(f *testing.F) {
	for i := range uint64(50) {
		f.Add(i, i*7)
	}
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		mk := &maker{rand.New(rand.NewPCG(seed1, 1))}
		rd := &renderer{rand.New(rand.NewPCG(seed2, 2))}
		want := mk.message()
		text := rd.row(want)
		var odd []string
		r := fetchRow(text)
		r.deviations = &odd
		row := r.parseRow()
		if row.err != nil {
			t.Fatalf("%v in %q", row.err, text)
		}
		if got := sameDates(row.m); !reflect.DeepEqual(got, sameDates(want)) {
			t.Fatalf("%q:\n got %s\nwant %s", text, dump(got), dump(want))
		}
		if len(odd) > 0 {
			t.Fatalf("%q: tolerated %q, though all is legal", text, odd)
		}
	})
}

// dump shows a message with what its pointers point to.
func dump(m *Message) string {
	s := fmt.Sprintf("%+v\n%+v\n", *m, *m.Envelope)
	for b := range m.BodyStructure.All() {
		s += fmt.Sprintf("%+v\n", *b)
	}
	return s
}
