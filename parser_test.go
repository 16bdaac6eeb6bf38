package imap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/measure"
	"github.com/go-imaplib/imap/internal/mimetext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// renderer writes values as a server may: each string quoted or as a literal, names and NIL in any case, items in any
// order. Without a random source it writes the plainest form.
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
		// Sections keep their order, because they are a list.
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

// maker makes random values, many of them difficult.
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

// move puts a part that is the body of a message below it: the 1 follows the path of the message.
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

// sameDates makes two messages comparable: a date is equal in any location.
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

// oneLine is text with each run of spaces and line ends as one space: the tests of text cover how these are returned.
func oneLine(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }

// FuzzRoundTrip: a random message, written in one of the legal ways, reads as the same message.
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

// parsersOf are the parsers by name, with texts that grow with n. Each text provokes a loop in a loop: long lists, long
// names, brackets that are not closed, and repeated searches.
var parsersOf = map[string]struct {
	text  []func(n int) string
	parse func(text string)
}{
	"status line": {repeating(
		"* OK ", "text ", "", "* OK [", "[", "", "* OK [X ", `"]`, "] x", "A1 ", "x", " OK", "* NO [X ", `"\"`, `"] y`, "* OK [", "A", "] x",
	), func(text string) { loadLine(text) }},
	"code": {repeating(
		"* OK [PERMANENTFLAGS (", `a \* `, ")] x", "* OK [BADCHARSET (", `"a" `, ")] x", "* OK [CAPABILITY", " X", "] x", "* OK [COPYUID 1 1", ",3,1", " 1] x",
		"* OK [MODIFIED 1", ",3", "] x", "* OK [X-A (", "(", "] x",
	), func(text string) {
		r := loadLine(text)
		(&engine{table: extensions, session: session{mailbox: &Mailbox{}}}).code(&r.status)
		parseCaps(r.status.args, extensions.implied)
		_, _ = ParseUIDSet(strings.TrimSpace(r.status.args))
		ParseFlags(r.status.args)
	}},
	"envelope": {repeating(
		`(NIL NIL (`, `("a" NIL "b" "c")`, `) NIL NIL NIL NIL NIL NIL NIL)`, `(NIL "`, `=?utf-8?q?=C3=BC?= `, `" NIL NIL NIL NIL NIL NIL NIL NIL)`,
		`(NIL NIL (`, `(NIL NIL "g" NIL)`, `) NIL NIL NIL NIL NIL NIL NIL)`, `(NIL "`, `\"`, ``, `(NIL NIL `, `(`, ``, `(NIL NIL NIL NIL NIL NIL NIL NIL "`, `<a@b> `, `" NIL)`,
		`("`, `Mon, 1 `, `" NIL NIL NIL NIL NIL NIL NIL NIL NIL)`,
	), func(text string) { _, _ = parserFor([]byte(text)).envelope() }},
	"body structure": {repeating(
		"(", `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)`, ` "MIXED")`, `("TEXT" "PLAIN" (`, `"a" "b" `, `) NIL NIL "7BIT" 1 1)`, "", "(", "",
		`("TEXT" "PLAIN" ("NAME" "`, `=?utf-8?q?a?= `, `") NIL NIL "7BIT" 1 1)`, `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL `, `("en" "de" `, `)`,
		`("APPLICATION" "X" NIL NIL NIL "7BIT" 1 NIL ("ATTACHMENT" (`, `"filename*1*" "x" `, `)))`,
	), func(text string) {
		if bs, err := parserFor([]byte(text)).bodyStructure(); err == nil && bs != nil {
			for b := range bs.All() {
				b.Filename()
			}
		}
	}},
	"set": {append(repeating("1", ",3", "", "1", ":4,2", "", "1", ",1", "", "1:*", ",*:4", "", "1", "0", ""), descending), func(text string) {
		if set, err := ParseUIDSet(text); err == nil {
			_ = set.String()
		}
	}},
	"ESEARCH": {repeating(
		`(TAG "a") UID ALL 1`, ",3", "", `(TAG "a") UID`, " COUNT 2", "", `(TAG "a") UID X `, "(", "", `(TAG "a") UID ALL 1`, ",3,2", "", `(TAG "a") UID PARTIAL (1:2 5`, ",7", ")",
		`(TAG "a") UID`, " ADDTO (0 3:4)", "", `(TAG "a") UID RELEVANCY (1`, " 2", ")",
	), func(text string) {
		s := &search{cmd: &command{commandState: commandState{tag: "a"}}, name: "UID SEARCH", o: SearchOptions{All: true}}
		_, _ = s.takeExtended(responseOf([]byte(text)))
		s.result()
	}},
	"SEARCH": {append(repeating("", " 1 3", "", "", " 3 2 1", ""), func(n int) string { return strings.ReplaceAll(descending(n), ",", " ") }), func(text string) {
		s := &search{cmd: &command{commandState: commandState{tag: "a"}}, name: "UID SEARCH", o: SearchOptions{All: true}}
		_ = s.takeNumbers(responseOf([]byte(text)))
		s.result()
	}},
	"LIST": {repeating(
		`(`, `\X `, `) "/" a`, `() "/" "`, `&AOk-`, `"`, `() "/" "`, `\"`, `"`, `() "/" `, `a/`, ``, `() "/" "`, `&`, `"`, `() "/" x ("CHILDINFO" (`, `"A" `, `))`, `() "/" x (`, `"A" (b) `, `)`, `(`, `(`, ``,
	), func(text string) { _, _ = responseOf([]byte(text)).listEntry() }},
	"THREAD": {append(repeating("", "(1)", "", "(1", " 2", ")", "", "(1 ", "", "(1 ", "(2)", ")", "", "((", "", "", "()", ""), func(n int) string {
		return "(1 " + strings.Repeat("(2)(3 ", n) + strings.Repeat(")", n) + ")"
	}), func(text string) {
		_ = (&threading[UID]{maxLine: 1 << 24}).takeThreads(responseOf([]byte(text)))
	}},
	"NAMESPACE": {repeating(
		`(`, `("a" "/")`, `) NIL NIL`, `(("a" "/"`, ` "X" ("b")`, `)) NIL NIL`, `(("`, `&AOk-`, `" "/")) NIL NIL`, `NIL NIL `, `(`, ``, `(("a" "/" "X" (`, `"b" `, `))) NIL NIL`,
	), func(text string) { _, _ = responseOf([]byte(text)).namespaces() }},
	"QUOTA": {repeating(
		`a (`, `X 1 2 `, `)`, `"`, `\"`, `" (STORAGE 1 2)`, `a (`, `X 1 2  `, ``, `a `, `(`, ``,
	), func(text string) { _ = (&quotas{}).takeQuota(responseOf([]byte(text))) }},
	"QUOTA of many": {append(repeating(`a`, ` "b"`, ``), func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d (X%d 1 2)", i, i)
		}
		return b.String()
	}), func(text string) { _ = (&quotas{}).takeRoots(responseOf([]byte(text))) }},
	"METADATA": {append(repeating(
		`(`, `/a "b" `, `)`, `(/a "`, `\"`, `")`, ``, `/a `, ``, `(`, `(`, ``,
	), func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "/a%d NIL ", i)
		}
		return "(" + b.String() + ")"
	}), func(text string) { _ = (&metadata{limit: 1 << 24}).takeEntries(responseOf([]byte(text))) }},
	"annotations": {repeating("(", `/a (value.priv "x") `, ")", "(/a (", `value.priv "x" `, "))", "(", "/a (", ""), func(text string) {
		_ = parseAnnotations(parserFor([]byte(text)), &Message{})
	}},
	"internal date": {repeating("17-Jul-1996", " ", "02:44:25 -0700", "17-Jul-1996 02:44:25 ", "(", "", "1", "7", "", "", "Mon, ", "", "17-Jul-1996 02:44:25 +0000", " (x)", ""), func(text string) {
		_, _ = ParseInternalDate(text)
		mimetext.ParseDate(text)
	}},
	"modified UTF-7": {repeating("", "&AOk-", "", "&", "AOkA", "-", "", "&-", "", "", "&", "", "", "é", "", "", "aé&", "", "&", "2D3eAA", "-"), func(text string) {
		_, _ = DecodeMailboxName(text)
		EncodeMailboxName(text)
	}},
	"encoded words": {repeating(
		"", "=?utf-8?q?=C3=BC?= ", "", "", "=?utf-8?b?4?= ", "", "", "=?utf-8?q?a", "", "", "=?", "", "", "=?x?y?z?= ", "", "=?utf-8?q?", "=C3", "?=", "=?gb2312?B?", "xOO6", "?=", "", "\xfc ", "", "=?", "?", "=",
		"=?utf-8?b?", "4oKs", "?=", "", "=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= ", "",
	), func(text string) { DecodeText(text) }},
	"names of RFC 2231": {append(repeating("", "%C3%BC", "", "utf-8'en'", "%", "", "", "'", "", "=?utf-8?q?", "=C3", "?="), numbered), func(text string) {
		names := []Param{{"filename*", text}, {"filename*0*", text}, {"filename*1", text}, {"name", text}}
		(&BodyStructure{DispositionParams: names}).Filename()
	}},
	"pieces of RFC 2231": {[]func(n int) string{numbered, func(n int) string { return strings.Repeat("filename*0*\n", n) }}, func(text string) {
		var params []Param
		for name := range strings.Lines(text) {
			params = append(params, Param{strings.TrimSpace(name), "x%41"})
		}
		(&BodyStructure{DispositionParams: params}).Filename()
	}},
}

// repeating makes texts of triples: the beginning, what is repeated, the end.
func repeating(triples ...string) (texts []func(n int) string) {
	for triple := range slices.Chunk(triples, 3) {
		texts = append(texts, func(n int) string { return triple[0] + strings.Repeat(triple[1], n) + triple[2] })
	}
	return texts
}

// descending is a set in which each number is lower than all before.
func descending(n int) string {
	var b strings.Builder
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, "%d,", 2*i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// numbered are the names of pieces in the wrong order.
func numbered(n int) string {
	var b strings.Builder
	for i := n - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "filename*%d*\n", i)
	}
	return b.String()
}

func loadLine(text string) *response {
	r := &response{}
	r.max = defaultDepth
	r.load([]byte(text), nil)
	return r
}

// TestParsersAreLinear compares sizes of one and of thirty-two: quadratic time would be 1,024 times as long. The processor
// time of the fastest run counts, and a busy machine gets more rounds.
func TestParsersAreLinear(t *testing.T) {
	for name, p := range parsersOf {
		t.Run(name, func(t *testing.T) {
			for _, text := range p.text {
				measure.RequireGrowth(t, text(2)[:min(len(text(2)), 40)], func(n int) func() {
					s := text(n)
					return func() { p.parse(s) }
				})
			}
		})
	}
}

// plainSeeds are plain rows, and rows with a single deviation.
var plainSeeds = []string{
	`* 1 FETCH (UID 7 FLAGS (\Seen))`,
	`* 12 FETCH (FLAGS () UID 4294967295)`,
	`* 999999999 FETCH (UID 999999999 RFC822.SIZE 0 FLAGS (\seen $Forwarded NonJunk \*))`,
	`* 0 FETCH (UID 1)`, `* 01 FETCH (UID 01)`, `* 1 FETCH (UID 0)`, `* 1 FETCH ()`, `* 1 FETCH (UID 1`, `* 1 FETCH (UID 1))`,
	`* 1 FETCH (UID 1 )`, `* 1 FETCH ( UID 1)`, `* 1 FETCH (UID  1)`, `* 1 FETCH (UID 1) `, `* 1 FETCH (uid 1)`, `* 1 FETCH (UID 1x)`,
	`* 1 FETCH (UID 1 FLAGS (NIL))`, `* 1 FETCH (UID 1 FLAGS (nil \Seen))`, `* 1 FETCH (UID 1 FLAGS (a "b" c))`, `* 1 FETCH (UID 1 FLAGS NIL)`,
	`* 1 FETCH (UID 1 FLAGS (\Seen ))`, `* 1 FETCH (UID 1 FLAGS ( \Seen))`, `* 1 FETCH (UID 1 FLAGS (a  b))`, `* 1 FETCH (UID 1 FLAGS (a(b)c))`,
	`* 1 FETCH (FLAGS (a) FLAGS (b) UID 3 UID 4)`, `* 1 FETCH (UID 3 (FLAGS (a)) UID 4)`, `* 1 FETCH (FLAGS (x{1}y) UID 3)`,
	`* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700" UID 3)`, `* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700"UID 3)`,
	`* 1 FETCH (INTERNALDATE " 7-Jul-1996 02:44:25 +0000")`, `* 1 FETCH (INTERNALDATE NIL UID 3)`, `* 1 FETCH (RFC822.SIZE 12345678901 UID 3)`,
	`* 1 FETCH (UID 3 RFC822.SIZE 12 RFC822.SIZE x FLAGS (y))`, `* 1 FETCH (UID 3 X-GM-MSGID 1278455344230334865 FLAGS (\Seen))`,
	`* 1 FETCH (FLAGS (\Flagged \Answered \Draft \Deleted \Recent very-long-keyword-that-is-not-remembered-because-of-its-length) UID 5)`,
	plainEnvelopeSeed,
	strings.Replace(plainEnvelopeSeed, `NIL "gray"`, `"<route>" "gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"gray"`, `"<gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `"edu>"`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `NIL`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `""`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"))`, `"cac.washington.edu") ("x" NIL "y" "z"))`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"Te\"rry \\ Gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"Te"rry" Gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `{5}`+"\r\n"+`Terry`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `=?utf-8?q?=C3=BC?=`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"=?utf-8?q?=C3=BC?="`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `"Grüße"`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `nil`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `"back\"`, 1),
	strings.Replace(plainEnvelopeSeed, ` NIL NIL NIL `, ` () NIL NIL `, 1),
	strings.Replace(plainEnvelopeSeed, ` NIL NIL NIL `, ` NIL NIL`, 1),
	strings.Replace(plainEnvelopeSeed, `>")`, `>" "more")`, 1),
}

const plainEnvelopeSeed = `* 1 FETCH (UID 3 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" "minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) ` +
	`NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL "<1@x>" "<2@y>") RFC822.SIZE 44)`

// FuzzPlainRows compares a row parsed in one pass with the result of the full parsers.
func FuzzPlainRows(f *testing.F) {
	for _, row := range plainSeeds {
		f.Add([]byte(row))
	}
	for i := range uint64(50) {
		f.Add([]byte(plainMade(i)))
		mk := &oddRows{rand.New(rand.NewPCG(i, 3))}
		f.Add([]byte("* 1 FETCH (UID 3 BODYSTRUCTURE " + mk.structure(0) + " FLAGS (a))"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		want := readRow(text, new(interner), new([]string))
		names := new(interner)
		for range 2 { // lists of flags are known the second time
			if got := readRow(text, names, nil); !sameRow(got, want) {
				t.Fatalf("%q:\n got %+v %+v\nwant %+v %+v", text, got, got.m, want, want.m)
			}
		}
		n, pos := plainHead(text)
		if n == 0 {
			return
		}
		p := plainRow{text: text, pos: pos, names: names, slabs: newSlabs(false)}
		p.row.m = &Message{SeqNum: SeqNum(n)}
		if p.items() && !sameRow(&p.row, want) {
			t.Fatalf("%q:\n got %+v %+v\nwant %+v %+v", text, p.row, p.row.m, want, want.m)
		}
	})
}

// plainMade is a row written in one of the legal ways.
func plainMade(seed uint64) string {
	mk, rd := &maker{rand.New(rand.NewPCG(seed, 1))}, &renderer{rand.New(rand.NewPCG(seed, 2))}
	return "* 7 FETCH (" + rd.row(mk.message()) + ")"
}

// readRow reads a row, with deviations in the second way alone.
func readRow(text []byte, names *interner, deviations *[]string) *fetched {
	r := &response{}
	r.max, r.table, r.names, r.deviations = defaultDepth, extensions, names, deviations
	r.load(text, nil)
	if !r.isRow() {
		return nil
	}
	return r.parseRow()
}

// sameRow reports whether two rows are the same, but for the wording of their errors.
func sameRow(a, b *fetched) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.got == b.got && a.bad == b.bad && (a.err == nil) == (b.err == nil) && reflect.DeepEqual(a.m, b.m)
}

// TestPlainUnsolicited: a row about a message that was not requested is unsolicited, also between rows of the answer.
func TestPlainUnsolicited(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 5 FLAGS ())\r\n* 2 FETCH (UID 9 FLAGS (news))\r\n* 3 FETCH (UID 6 FLAGS ())\r\n"+
		"* 1 FETCH (UID 5 FLAGS (again))\r\n* 4 FETCH (UID 7 FLAGS ())\r\n")
	var got []UID
	for m, err := range c.Fetch(context.Background(), UIDs(5, 6, 7), FetchFlags) {
		require.NoError(t, err)
		got = append(got, m.UID)
	}
	assert.Equal(t, []UID{5, 6, 7}, got)
	assert.Equal(t, []Event{&FetchEvent{&Message{SeqNum: 2, UID: 9, Flags: []Flag{"news"}}},
		&FetchEvent{&Message{SeqNum: 1, UID: 5, Flags: []Flag{"again"}}}}, c.Events())
}
