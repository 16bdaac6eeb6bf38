package imap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oddRows generates answers to a FETCH. Many rows are plain; each of the others has one deviation.
type oddRows struct{ rng *rand.Rand }

func (mk *oddRows) one(of ...string) string { return of[mk.rng.IntN(len(of))] }

func (mk *oddRows) nstring() string {
	return mk.one("NIL", "NIL", `""`, `"a"`, `"Terry Gray"`, `"=?utf-8?q?=C3=BC?="`, `"Grüße"`, "\"\xfc\"", `"a \"b\" \\"`, `"a"b"`,
		"{3}\r\na)b", "nil", "atom", `"(x)"`)
}

func (mk *oddRows) addresses() string {
	if mk.rng.IntN(2) == 0 {
		return mk.one("NIL", "NIL", "NIL", "()", "nil")
	}
	var b strings.Builder
	for range 1 + mk.rng.IntN(3)*mk.rng.IntN(3) {
		switch mk.rng.IntN(12) {
		case 0:
			b.WriteString(`(NIL NIL "group" NIL)(NIL NIL "x" "y")(NIL NIL NIL NIL)`)
		case 1:
			b.WriteString("(" + mk.nstring() + " " + mk.nstring() + " " + mk.nstring() + " " + mk.nstring() + ")")
		case 2:
			b.WriteString(`("<a@b>" NIL "<c" "d>")`)
		default:
			b.WriteString("(" + mk.nstring() + ` NIL "box" "example.org")`)
		}
	}
	return "(" + b.String() + ")"
}

func (mk *oddRows) envelope() string {
	fields := []string{mk.one(`"Wed, 17 Jul 1996 02:23:25 -0700"`, `"nonsense"`, "NIL"), mk.nstring()}
	for range mk.rng.IntN(40)/39 + 6 - mk.rng.IntN(40)/39 {
		fields = append(fields, mk.addresses())
	}
	fields = append(fields, mk.nstring(), `"<1@x>"`)
	if mk.rng.IntN(40) == 0 {
		fields = append(fields, mk.nstring())
	}
	return "ENVELOPE (" + strings.Join(fields, " ") + ")"
}

// structure generates a BODYSTRUCTURE. A field in forty violates the grammar.
func (mk *oddRows) structure(depth int) string {
	if mk.rng.IntN(3) > 0 && depth < 9 {
		var b strings.Builder
		for range 1 + mk.rng.IntN(3) {
			b.WriteString(mk.structure(depth+1) + mk.often("", " "))
		}
		fields := []string{mk.often(mk.one(`"mixed"`, `"Alternative"`), "NIL", "mixed"), mk.params(), mk.disposition(), mk.language(), mk.nils()}
		return "(" + b.String() + mk.often(" ", "") + mk.fields(fields, 1) + ")"
	}
	kind := mk.often(mk.one(`"text" "plain"`, `"TEXT" "PLAIN"`, `"text" "html"`, `"Text" "HTML"`, `"application" "pdf"`, `"image" "png"`),
		`"message" "rfc822"`, `"multipart" "mixed"`, `"" ""`, `"text" NIL`, "NIL NIL", `"text"`, `text plain`, `"t xt" "plain"`, "\"t\xe9xt\" \"x\"",
		`"`+strings.Repeat("a", 70)+`" "x"`)
	fields := []string{kind, mk.params(), mk.often(mk.one("NIL", "NIL", `"<1@x>"`), "nil", "{1}\r\nx"), mk.often("NIL", `"text"`, `""`, `"a\"b"`),
		mk.often(mk.one(`"7bit"`, `"BASE64"`, `"quoted-printable"`), `" 7bit"`, "NIL", "8bit", `"7bit`+"\r\n"+`x"`),
		mk.often(fmt.Sprint(mk.rng.IntN(2000)), "NIL", "-1", "9.37e+06", "12345678901", `"7"`)}
	if strings.HasPrefix(strings.ToLower(kind), `"text"`) != (mk.rng.IntN(30) == 0) {
		fields = append(fields, mk.often("42", "NIL", "x"))
	}
	fields = append(fields, mk.often("NIL", `"md5"`, "(x)"), mk.disposition(), mk.language(), mk.nils())
	return "(" + mk.fields(fields, len(fields)-4) + ")"
}

// often returns the usual text, or seldom one of the others.
func (mk *oddRows) often(usual string, other ...string) string {
	if mk.rng.IntN(40) > 0 {
		return usual
	}
	return mk.one(other...)
}

// fields joins the fields of a part, of which those behind the first least may be missing.
func (mk *oddRows) fields(fields []string, least int) string {
	if mk.rng.IntN(4) == 0 {
		fields = fields[:least+mk.rng.IntN(len(fields)-least+1)]
	}
	return strings.Join(fields, mk.often(" ", "  ", "")) + mk.often("", " ", ` NIL`, ` ("more" 1)`)
}

func (mk *oddRows) nils() string { return mk.often("NIL", `"there"`, `("x")`, "nil") }

func (mk *oddRows) language() string {
	return mk.often(mk.one("NIL", "NIL", `("en")`, `("en" "de")`), `"en"`, "()", "(NIL)", `("en" ("x"))`, `("`+strings.Repeat("x", 30)+`")`)
}

func (mk *oddRows) params() string {
	if mk.rng.IntN(4) == 0 {
		return mk.often("NIL", "()", "nil", `"x"`)
	}
	return "(" + mk.often(mk.one(`"charset" "utf-8"`, `"CHARSET" "us-ascii" "format" "flowed"`, `"name" "a.pdf" "size" "7"`, `"boundary" "=_b"`),
		`"a"`, `"a" NIL`, `"a" ("b")`, `" a" "b"`, `"a" "b\"c"`, `"a" {1}`+"\r\nb", `"a" b`, `"a" ""`, `"" "b"`, `"a" "b`+"\r\n"+`c"`,
		`"a" "b"c"`) + ")"
}

func (mk *oddRows) disposition() string {
	if mk.rng.IntN(2) == 0 {
		return mk.often("NIL", `"inline"`, `"text"`, "()")
	}
	return mk.often(`("attachment" `+mk.params()+")", `("inline")`, "(NIL NIL)", `("inline" NIL NIL)`, `(inline NIL)`)
}

func (mk *oddRows) item() string {
	switch mk.rng.IntN(13) {
	case 12:
		return mk.often("BODYSTRUCTURE", "BODY", "bodystructure") + " " + mk.often(mk.structure(0), "NIL", "()")
	case 0, 1, 2:
		return "FLAGS " + mk.one("()", `(\Seen)`, `(\Seen)`, `(\Seen \Answered)`, `(\Seen \Seen)`, `(\Recent)`, `(\seen $Junk)`, `(NIL)`,
			`(a NIL)`, `(a "b")`, "NIL", `\Seen`, "(gr\xfcn)", `(a (b) c)`,
			`(`+strings.Repeat("x", 63)+`)`, `(`+strings.Repeat("x", 64)+`)`, `(~a)`, `(a{3})`, `(\*)`)
	case 3, 4:
		return "RFC822.SIZE " + mk.one("0", "7", "999999999", "1000000000", "9223372036854775808", "NIL", "x", "007", "-1")
	case 5, 6:
		return "INTERNALDATE " + mk.one(`"17-Jul-1996 02:44:25 -0700"`, `" 7-Jul-1996 02:44:25 +0000"`, `"17-Jul-1996 02:44:25 +2360"`,
			`"31-Feb-1996 02:44:25 +0000"`, `"17-Jul-1996 02:44:25 +9959"`, "NIL",
			`"7-Jul-1996 02:44:25"`, `"17-jul-1996 23:59:60 -0001"`)
	case 7, 8, 9:
		return mk.envelope()
	case 10:
		return mk.one("MODSEQ (5)", "MODSEQ (123456789012345678)", "MODSEQ (1234567890123456789)", "MODSEQ (0)", "MODSEQ (5 6)", "MODSEQ (x)", "MODSEQ 5", "X-NEW (a b)", "X-GM-MSGID 1278455344230334865", `BODY[] "text"`,
			"BODY[] {3}\r\nabc", "BODY[] {140000}\r\n"+strings.Repeat("x", 140000), "EMAILID (M1)")
	}
	return mk.uid(1 + mk.rng.IntN(6))
}

func (mk *oddRows) uid(likely int) string {
	n := fmt.Sprint(likely)
	return "UID " + mk.one(n, n, n, n, n, n, n, n, n, n, "9", "0", "4294967295", "4294967296", "x", "1x", "01")
}

func (mk *oddRows) row(n int) string {
	if mk.rng.IntN(8) == 0 {
		items := strings.TrimPrefix(plainMade(mk.rng.Uint64N(20)), "* 7 FETCH (")
		return fmt.Sprintf("* %d FETCH (%s UID %d)\r\n", n, strings.TrimSuffix(items, ")"), n)
	}
	var items []string
	if mk.rng.IntN(8) > 0 {
		items = append(items, mk.uid(n))
	}
	for range mk.rng.IntN(5) {
		items = append(items, mk.item())
	}
	mk.rng.Shuffle(len(items), reflect.Swapper(items))
	between := mk.one(" ", " ", " ", " ", " ", " ", " ", " ", "  ", "\t")
	end, name := ")", "FETCH"
	if mk.rng.IntN(4) == 0 {
		end = mk.one(") ", "", "))", " )", ") {3}\r\nabc", ") {140000}\r\n"+strings.Repeat("y", 140000))
	}
	if mk.rng.IntN(5) == 0 {
		name = mk.one("Fetch", "UIDFETCH")
	}
	return fmt.Sprintf("* %d %s (%s%s\r\n", n, name, strings.Join(items, between), end)
}

func (mk *oddRows) answer() string {
	var b strings.Builder
	for i := range 1 + mk.rng.IntN(30) {
		switch mk.rng.IntN(12) {
		case 0:
			b.WriteString(mk.one("* 3 EXPUNGE\r\n", "* 9 EXISTS\r\n", "* VANISHED 2\r\n",
				"* VANISHED (EARLIER) 3\r\n", "* OK [UIDNEXT 9] next\r\n", "* SEARCH 1\r\n",
				"* OK still here\r\n", "\r\n"))
		case 1, 2:
			b.WriteString(mk.row(1 + mk.rng.IntN(7)))
		default:
			b.WriteString(mk.row(1 + i%6))
		}
	}
	return b.String()
}

// whole generates a row with all items that are parsed in one pass. A few rows have a deviation.
func (mk *oddRows) whole(n int) string {
	return fmt.Sprintf("* %d FETCH (UID %d FLAGS %s RFC822.SIZE %d INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" MODSEQ (%d) %s BODYSTRUCTURE %s)\r\n",
		n, n, mk.often(mk.one("()", `(\Seen)`, `(\Seen $Junk)`), "NIL", "(NIL)"), mk.rng.IntN(2000), 1+mk.rng.IntN(9),
		mk.often(usualEnvelope, mk.envelope()), mk.often(mk.one(usualPart, "("+usualPart+usualPart+` "mixed")`), mk.structure(0)))
}

const (
	usualEnvelope = `ENVELOPE (NIL "s" ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL "<1@x>")`
	usualPart     = `("text" "plain" ("charset" "x") NIL NIL "7bit" 1 1 NIL ("inline" ("a" "b")) NIL NIL)`
)

// wholeAnswer generates an answer whose rows are nearly all whole, so that they are taken from the buffer without a response.
func (mk *oddRows) wholeAnswer() string {
	var b strings.Builder
	for i := range 1 + mk.rng.IntN(30) {
		b.WriteString(mk.often("", "* 9 EXISTS\r\n", "* OK still here\r\n", mk.row(i+1)) + mk.whole(i+1))
	}
	return b.String()
}

// outcome is the result of a FETCH as the caller sees it.
type outcome struct {
	messages []*Message
	errs     []string
	events   []Event
	box      *Mailbox
	next     string
}

// fetchingClient returns a client of a server that sends the answer to a FETCH in pieces of a given size, or at once.
func fetchingClient(t *testing.T, answer string, o Options, piece int, set NumSet) *Client {
	conn := newCannedConn()
	conn.queue[0] = []byte("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ ESEARCH UIDPLUS CONDSTORE OBJECTID] ready\r\n")
	c, err := NewClient(context.Background(), conn, &o)
	require.NoError(t, err)
	conn.answer("SELECT", "* 8 EXISTS\r\n")
	_, err = c.Select(context.Background(), "INBOX", nil)
	require.NoError(t, err)
	conn.piece = piece
	name := "FETCH"
	if isUID(set) {
		name = "UID FETCH"
	}
	conn.answer(name, answer)
	return c
}

// fetchOutcome fetches with Fetch.
func fetchOutcome(t *testing.T, answer string, o Options, piece int, set NumSet, items []FetchItem) outcome {
	c := fetchingClient(t, answer, o, piece, set)
	defer c.Close()
	var out outcome
	for m, err := range c.Fetch(context.Background(), set, items...) {
		out.messages = append(out.messages, m)
		out.errs = append(out.errs, fmt.Sprint(err))
	}
	out.events, out.box = c.Events(), c.Mailbox()
	out.next, _ = c.LastData("UIDNEXT")
	return out
}

// streamOutcome is like fetchOutcome, with FetchStream.
func streamOutcome(t *testing.T, answer string, o Options, piece int, set NumSet, items []FetchItem) (out []string) {
	c := fetchingClient(t, answer, o, piece, set)
	defer c.Close()
	for m, err := range c.FetchStream(context.Background(), set, items...) {
		if m == nil {
			out = append(out, fmt.Sprint(err))
			continue
		}
		j, _ := json.Marshal(m.Message)
		out = append(out, fmt.Sprint(string(j), err))
		for b, err := range m.Bodies() {
			out = append(out, fmt.Sprint(b == nil, err))
		}
		j, _ = json.Marshal(m.Message)
		out = append(out, fmt.Sprint(string(j), err))
	}
	for _, ev := range c.Events() {
		j, _ := json.Marshal(ev)
		out = append(out, fmt.Sprintf("%T %s", ev, j))
	}
	return out
}

// TestPlainAlike compares parsing in one pass with the full parsers, which are used if a log is written: the results of a
// FETCH are equal for all rows, in any order, with any limit of nesting, however the bytes arrive.
func TestPlainAlike(t *testing.T) {
	for seed := range uint64(500) {
		mk := &oddRows{rand.New(rand.NewPCG(seed, 9))}
		answer := mk.answer()
		if seed%2 == 1 {
			answer = mk.wholeAnswer()
		}
		sets := []NumSet{UIDs(1, 2, 3, 4, 5, 6), UIDRange(4, 0), SeqRange(1, 6), SeqRange(2, 0), UIDRange(1, 4294967295)}
		wants := [][]FetchItem{nil, {FetchFlags}, {FetchEnvelope}, {FetchFlags, FetchSize}, {FetchFlags, FetchModSeq},
			{FetchBodyStructure}, {FetchFlags, FetchBodyStructure, FetchEnvelope}, {FetchInternalDate, FetchFlags, FetchEnvelope, FetchSize}, {FetchFlags, FetchChangedSince(3)}}
		set, items := sets[mk.rng.IntN(len(sets))], wants[mk.rng.IntN(len(wants))]
		o := Options{MaxDepth: []int{0, 0, 0, 1, 2, 3, 4, 5}[mk.rng.IntN(8)]}
		logged := o
		logged.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
		want := fetchOutcome(t, answer, logged, 0, set, items)
		for _, piece := range []int{0, 700} {
			got := fetchOutcome(t, answer, o, piece, set, items)
			require.Equal(t, want, got, "seed %d, %v %v %+v:\n%.5000q", seed, set, items, o, answer)
			streamed := streamOutcome(t, answer, logged, piece, set, items)
			require.Equal(t, streamed, streamOutcome(t, answer, o, piece, set, items), "seed %d", seed)
			alone(t, got.messages, want.messages, seed)
		}
	}
}

// alone modifies each message in turn, and requires that the others do not change.
func alone(t *testing.T, got, want []*Message, seed uint64) {
	for i, m := range got {
		if m == nil {
			continue
		}
		require.Equal(t, want[i], m, "seed %d: message %d changed with another", seed, i)
		for j := range m.Flags {
			m.Flags[j] = "changed"
		}
		_ = append(m.Flags, "more")
		for part := range m.BodyStructure.All() {
			for _, list := range [][]Param{part.Params, part.DispositionParams} {
				_ = append(list, Param{Name: "more"})
				for j := range list {
					list[j].Name = "changed"
				}
			}
			_, _, _ = append(part.Part, 9), append(part.Language, "more"), append(part.Children, nil)
			for j := range part.Language {
				part.Language[j] = "changed"
			}
			for j := range part.Part {
				part.Part[j] = 99
			}
		}
		if e := m.Envelope; e != nil {
			for _, list := range [][]Address{e.From, e.Sender, e.ReplyTo, e.To, e.CC, e.BCC} {
				_ = append(list, Address{Name: "more"})
				for j := range slices.Clone(list) {
					list[j].Name = "changed"
				}
			}
		}
	}
}

// TestPlainStructures compares both ways of parsing a BODYSTRUCTURE. Most are parsed in one pass, so that the comparison is
// not one of the same parser.
func TestPlainStructures(t *testing.T) {
	const n = 4000
	simple, names, slabs := 0, new(interner), newSlabs(false)
	for seed := range uint64(n) {
		mk := &oddRows{rand.New(rand.NewPCG(seed, 4))}
		text := []byte("* 1 FETCH (BODYSTRUCTURE " + mk.structure(0) + ")")
		want := readRow(text, new(interner), new([]string))
		require.True(t, sameRow(readRow(text, names, nil), want), "seed %d: %q", seed, text)
		p := plainRow{text: text, pos: len("* 1 FETCH ("), names: names, slabs: slabs}
		p.row.m = &Message{SeqNum: 1}
		if p.items() {
			simple++
			require.True(t, sameRow(&p.row, want), "seed %d: %q:\n got %+v %+v\nwant %+v %+v", seed, text, p.row, p.row.m.BodyStructure, want, want.m.BodyStructure)
		}
	}
	t.Logf("%d of %d are simple", simple, n)
	require.Greater(t, simple, n/8)
}

// TestPlainTakesNothing: a row that turns out not to be plain leaves no data in slab blocks, where other messages would keep
// it alive.
func TestPlainTakesNothing(t *testing.T) {
	c, _ := cannedClient(t)
	const plain = `UID 7 FLAGS (\Seen) ENVELOPE (NIL "s" ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL)`
	const structured = plain + ` BODYSTRUCTURE (("text" "plain" ("charset" "x") NIL NIL "7bit" 1 1)` +
		`("image" "png" ("name" "x") NIL NIL "base64" 7 NIL ("inline" ("a" "b")) ("en") NIL) "mixed" ("boundary" "x"))`
	for _, row := range []string{
		structured + ` MODSEQ 5)`, structured + ` BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 1 1))`,
		strings.Replace(structured, `"x"))`, `"x") 7)`, 1) + ")",
		plain + ` MODSEQ 5)`, plain + ` X (y))`, plain + ` FLAGS NIL)`, strings.Replace(plain, `"s"`, "{1}\r\ns", 1) + ")",
		strings.Replace(plain, `"b"`, "NIL", 1) + ")", strings.Replace(plain, "UID 7", "UID 9", 1) + ")",
	} {
		op := c.newFetch(target{set: UIDs(6, 7)}, nil)
		op.set, op.asked = op.target.set, itemFlags|itemEnvelope
		read := func(uid UID, items string) bool {
			text := []byte(fmt.Sprintf("* %d FETCH (%s", uid, items))
			n, pos := plainHead(text)
			return op.takePlain(SeqNum(n), text, pos, new(interner), nil)
		}
		for range 4 { // blocks have grown
			require.True(t, read(6, strings.Replace(structured, "UID 7", "UID 6", 1)+")"))
			op.delivered = delivered{}
		}
		sizes := func() []int {
			s := op.slabs
			return []int{len(s.envelopes.free), len(s.flags.free), len(s.addresses.free), len(s.nodes.free), len(s.params.free),
				len(s.children.free), len(s.languages.free)}
		}
		before := sizes()
		require.False(t, read(7, row), row)
		require.Equal(t, before, sizes(), row)
		require.True(t, read(7, plain+")"), row)
		require.Equal(t, &Message{SeqNum: 7, UID: 7, Flags: []Flag{FlagSeen}, Envelope: &Envelope{Subject: "s",
			From: []Address{{Mailbox: "a", Host: "b"}}}}, op.ready[len(op.ready)-1].m)

		r := &response{}
		r.max, r.table, r.names, r.slabs = defaultDepth, extensions, new(interner), op.slabs
		before = sizes()
		r.load([]byte("* 7 FETCH ("+row), nil)
		row := r.parseRow()
		require.Equal(t, before[0]-1, sizes()[0], "an ENVELOPE takes the place of one: %s", row.m.Envelope.Subject)
	}
}

// TestLargeRowsAreReleased: a large row is not kept because others came with it, whichever parser reads it.
func TestLargeRowsAreReleased(t *testing.T) {
	const rows, flags = 60, 30_000
	long := strings.Repeat("x", 480_000)
	large := "FLAGS (a" + strings.Repeat(" a", flags-1) + ")"
	for name, test := range map[string]struct {
		item FetchItem
		row  string
	}{
		"plain":           {FetchFlags, large},
		"not plain":       {FetchFlags, large + " X-NEW (a)"},
		"one flag":        {FetchEnvelope, "FLAGS (" + long + ") ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
		"a subject":       {FetchEnvelope, `ENVELOPE (NIL "` + long + `" NIL NIL NIL NIL NIL NIL NIL NIL)`},
		"after others":    {FetchEnvelope, `ENVELOPE (NIL "` + long + `" NIL NIL NIL NIL NIL NIL NIL NIL)`},
		"a long literal":  {FetchEnvelope, fmt.Sprintf("ENVELOPE (NIL {%d}\r\n%s NIL NIL NIL NIL NIL NIL NIL NIL)", len(long), long)},
		"many recipients": {FetchEnvelope, "ENVELOPE (NIL NIL NIL NIL NIL (" + strings.Repeat(`(NIL NIL "a" "b")`, flags) + ") NIL NIL NIL NIL)"},
		"a description":   {FetchBodyStructure, `BODYSTRUCTURE ("text" "plain" NIL NIL "` + long + `" "7bit" 1 1)`},
		"with a section":  {Section{}, `BODY[] "" ENVELOPE (NIL "` + long + `" NIL NIL NIL NIL NIL NIL NIL NIL)`},
	} {
		t.Run(name, func(t *testing.T) {
			c, conn := cannedClient(t)
			var answer strings.Builder
			for i := range rows {
				if name == "after others" {
					fmt.Fprintf(&answer, "* %d FETCH (FLAGS (a))\r\n", rows+i) // of no requested message
				}
				fmt.Fprintf(&answer, "* %d FETCH (UID %d %s)\r\n", i+1, i+1, test.row)
			}
			conn.answer("UID FETCH", answer.String())
			live := func() int {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				return int(m.HeapAlloc)
			}
			before, most, n := live(), 0, 0
			for _, err := range c.Fetch(context.Background(), UIDRange(1, rows), test.item) {
				require.NoError(t, err)
				most = max(most, live()-before)
				n++
			}
			require.Equal(t, rows, n)
			t.Logf("%d KiB at most", most>>10)
			require.Less(t, most, 8<<20)
		})
	}
}

// TestNoSlabsAreWritten: rows that are not kept together are parsed without writing to what all clients share, as the race
// detector sees.
func TestNoSlabsAreWritten(t *testing.T) {
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			names := new(interner)
			for seed := range uint64(1000) {
				mk := &oddRows{rand.New(rand.NewPCG(seed, 5))}
				readRow([]byte(strings.TrimSuffix(mk.row(1), "\r\n")), names, nil)
				readRow([]byte("* 1 FETCH (BODYSTRUCTURE "+mk.structure(0)+")"), names, nil)
			}
		})
	}
	clients.Wait()
	require.Equal(t, slabs{}, noSlabs)
}

// TestBatchLosesNothing: the response at which a batch ends is handled with the next one.
func TestBatchLosesNothing(t *testing.T) {
	for _, between := range []string{"* OK [ALERT] %d\r\n", "* 1 FETCH (UID 1 FLAGS ())\r\n* OK [ALERT] %d\r\n"} {
		c, conn := cannedClient(t)
		var answer strings.Builder
		answer.WriteString("* 1 FETCH (UID 1 FLAGS ())\r\n")
		for i := range 3 * batchRows {
			fmt.Fprintf(&answer, between, i)
		}
		answer.WriteString("* 2 FETCH (UID 2 FLAGS ())\r\n")
		conn.answer("UID FETCH", answer.String())
		got, err := Collect(c.Fetch(context.Background(), UIDs(1, 2), FetchFlags))
		require.NoError(t, err)
		require.Len(t, got, 2)
		alerts := slices.DeleteFunc(c.Events(), func(ev Event) bool { _, ok := ev.(*AlertEvent); return !ok })
		require.Equal(t, 3*batchRows, len(alerts), between)
	}
}

// oddLists generates answers to LIST. Many rows are plain; each of the others has one deviation.
type oddLists struct{ oddRows }

func (mk *oddLists) row() string {
	attrs := mk.one(`(\HasNoChildren)`, `(\HasNoChildren)`, `(\HasChildren)`, `(\HasNoChildren \Marked)`, "()", `(\marked)`, `(\Marked \Marked)`,
		`(NIL \Sent)`, `(\NonExistent)`, `(\Inbox)`, `("\\Sent")`, `(Marked  \Junk)`, `(\)`, "NIL", "", `("x) NIL y")`, `("x)`, "({1}\r\nx)")
	delimiter := mk.one(`"/"`, `"/"`, `"/"`, `"."`, `"&"`, "NIL", `"\\"`, `""`, `"-"`, "/", "\"\xc3\"", `"//"`)
	name := mk.one("a", "b", "a/b", "/a", "a/", "/", "INBOX", "Inbox", "Entw&APw-rfe", "&APw-", "&", "&-", "A&-B", "&AC8-a", "a b", "a(b", "NIL",
		"ü", "a\tb", `a\"b`, `a\\b`, "a*b", "]", "a]", "", "~a", "a (b)", fmt.Sprint("Customer ", mk.rng.IntN(40)), strings.Repeat("x", 3000))
	if mk.rng.IntN(4) > 0 {
		name = `"` + name + `"`
	} else if mk.rng.IntN(4) == 0 {
		name = fmt.Sprintf("{%d}\r\n%s", len(name), name)
	}
	gap := func() string { return mk.one(" ", " ", " ", " ", " ", " ", " ", " ", " ", "  ", "") }
	head := mk.one("* LIST", "* LIST", "* LIST", "* LIST", "* LIST", "* LIST", "* list", "*  LIST", "* LSUB", "* XLIST")
	end := mk.one("", "", "", "", "", "", " ", ` ("CHILDINFO" ("SUBSCRIBED"))`, ` ("OLDNAME" ("z"))`, ` (`)
	return head + gap() + attrs + gap() + delimiter + gap() + name + end
}

func (mk *oddLists) answer() string {
	var b strings.Builder
	for range 1 + mk.rng.IntN(60) {
		if mk.rng.IntN(12) == 0 {
			b.WriteString(mk.one("* 9 EXISTS\r\n", "* OK still here\r\n", "\r\n", "* STATUS a (MESSAGES 3)\r\n"))
		}
		b.WriteString(mk.row() + "\r\n")
	}
	return b.String()
}

// TestPlainListAlike compares parsing in one pass with the full parser, which is used if a log is written: the results of a
// LIST are equal for all rows, however the bytes arrive.
func TestPlainListAlike(t *testing.T) {
	for seed := range uint64(500) {
		mk := &oddLists{oddRows{rand.New(rand.NewPCG(seed, 11))}}
		answer, pattern := mk.answer(), mk.one("*", "*", "/%")
		list := func(o Options, piece int, utf8 bool) ([]ListEntry, []Event) {
			conn := newCannedConn()
			c, err := NewClient(context.Background(), conn, &o)
			require.NoError(t, err)
			defer c.Close()
			c.e.utf8 = utf8
			conn.piece = piece
			conn.answer("LIST", answer)
			entries, err := c.List(context.Background(), "", pattern, nil)
			require.NoError(t, err)
			return entries, c.Events()
		}
		o := Options{MaxDepth: []int{0, 0, 0, 3}[mk.rng.IntN(4)]}
		logged := o
		logged.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
		utf8 := mk.rng.IntN(3) == 0
		want, wantEvents := list(logged, 0, utf8)
		for _, piece := range []int{0, 700} {
			got, events := list(o, piece, utf8)
			require.Equal(t, want, got, "seed %d:\n%.5000q", seed, answer)
			require.Equal(t, wantEvents, events, "seed %d:\n%.5000q", seed, answer)
		}
	}
}

// FuzzPlainList compares the second of two rows, whose head may be known from the first, parsed in one pass, with the result
// of the full parser.
func FuzzPlainList(f *testing.F) {
	for seed := range uint64(50) {
		mk := &oddLists{oddRows{rand.New(rand.NewPCG(seed, 12))}}
		row := mk.row()
		f.Add([]byte(row), []byte(row), seed%3 == 0)
		f.Add([]byte(row), []byte(mk.row()), seed%3 == 0)
	}
	f.Fuzz(func(t *testing.T, first, second []byte, utf8 bool) {
		if len(first)+len(second) > maxFuzzed {
			return
		}
		rows := newMailboxRows()
		add := func(text []byte, plain bool) *ListEntry {
			n := rows.n
			l := &list{c: &Client{e: new(engine)}, cmd: new(command), name: "LIST", rows: rows, patterns: []string{"*"}}
			r := &response{}
			r.max, r.table, r.names, r.utf8 = defaultDepth, extensions, new(interner), utf8
			r.load(text, nil)
			if plain && !rows.addPlain(text, utf8) || !plain && (r.name != "LIST" || r.kind != kindUntagged || l.takeRow(r) != mine) {
				return nil
			}
			entry := new(ListEntry)
			rows.fill(entry, rows.at(n), new(slab[MailboxAttr]))
			return entry
		}
		add(first, false)
		want := add(second, false)
		if got := add(second, true); got != nil {
			require.Equal(t, want, got)
		}
	})
}

// TestSkipPlainBytes: eight bytes are skipped where none of them means anything in a quoted name, whatever is next to it.
func TestSkipPlainBytes(t *testing.T) {
	for c := range 256 {
		for i := range 8 {
			for _, other := range []byte{' ', '!', '#', '~', 'a', ']', '\'', '%'} {
				b := bytes.Repeat([]byte{other}, 8)
				b[i] = byte(c)
				plain := nameBytes[c]&(oddInName|shiftInName) == 0
				require.Equal(t, plain, len(skipPlainBytes(b)) == 0, "%q", b)
			}
		}
	}
	require.Equal(t, "b&", string(skipPlainBytes([]byte("12345678b&"))))
}

// unread returns how many bytes of the answers were not read yet.
func (c *cannedConn) unread() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.queue {
		n += len(b)
	}
	return n
}

// TestSuspendedLoopHoldsMaxBuffered: for a suspended loop the client reads no more than MaxBuffered, one batch of rows and what
// fits in its buffer, also after the loop has taken rows from a full queue.
func TestSuspendedLoopHoldsMaxBuffered(t *testing.T) {
	const rows, size, limit = 1000, 10 << 10, 512 << 10
	conn := newCannedConn()
	ctx := context.Background()
	c, err := NewClient(ctx, conn, &Options{MaxBuffered: limit})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	var answer strings.Builder
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i, i, size, strings.Repeat("x", size))
	}
	conn.answer("UID FETCH", answer.String())
	row := answer.Len() / rows
	most, n := 0, 0
	for _, err := range c.Fetch(ctx, UIDRange(1, rows), Section{}) {
		require.NoError(t, err)
		n++
		if err := c.Noop(ctx); err != nil {
			require.ErrorIs(t, err, ErrBusy)
			most = max(most, answer.Len()-conn.unread()-n*row)
		}
	}
	assert.Equal(t, rows, n)
	t.Logf("%d KiB of rows that were not yielded", most>>10)
	assert.Greater(t, most, limit-row)
	assert.Less(t, most, limit+batchSize+128<<10+2*row)
}

// TestPlainRowsBehindNoop: rows are plain also while an earlier command without an answer of its own is open.
func TestPlainRowsBehindNoop(t *testing.T) {
	c, _ := cannedClient(t)
	op := c.newFetch(target{set: UIDRange(1, 0)}, []FetchItem{FetchFlags})
	op.encodeItems(c.e.newEncoder(), []FetchItem{FetchFlags})
	row := []byte(`* 1 FETCH (UID 7 FLAGS (\Seen))` + "\r\n")
	noop, status := &command{name: "NOOP"}, &command{name: "STATUS", answer: &noData{}}
	for _, test := range []struct {
		inflight []*command
		plain    bool
	}{
		{nil, false},
		{[]*command{noop}, false},
		{[]*command{status, op.command}, false}, // the data of another answer comes first
		{[]*command{noop, noop, op.command}, true},
	} {
		c.e.inflight = test.inflight
		taker := c.e.plainTaker()
		assert.Equal(t, test.plain, c.e.offerPlain(&taker, row), "%d commands", len(test.inflight))
	}
	c.e.inflight = nil
	require.Len(t, op.ready, 1)
	assert.EqualValues(t, 7, op.ready[0].m.UID)
}

// TestBatchEndsBetweenResponses: whatever the limit of a batch, the next one begins with the response behind it, also where
// plain rows and others alternate.
func TestBatchEndsBetweenResponses(t *testing.T) {
	const rows = 12
	for limit := range 10 {
		c, conn := cannedClient(t)
		var answer strings.Builder
		for i := 1; i <= rows; i++ {
			fmt.Fprintf(&answer, "* %d FETCH (UID %d FLAGS ())\r\n* OK [ALERT] %d\r\n", i, i, i)
		}
		conn.answer("UID FETCH", answer.String())
		op := c.newFetch(target{set: UIDRange(1, 0)}, []FetchItem{FetchFlags})
		require.NoError(t, c.start(context.Background(), op.command))
		require.NoError(t, c.e.conn.LockRead(context.Background(), nil))
		require.NoError(t, c.e.step(context.Background(), time.Time{}))
		for !op.command.finished(c.e) {
			require.NoError(t, c.e.more(limit, func() bool { return op.command.finished(c.e) }))
			if !op.command.finished(c.e) {
				require.NoError(t, c.e.step(context.Background(), time.Time{}))
			}
		}
		c.e.unlockRead()
		c.e.unlock()
		require.Len(t, op.ready, rows, "limit %d", limit)
		alerts := 0
		for _, ev := range c.Events() {
			if code, ok := ev.(*AlertEvent); ok {
				alerts++
				require.Equal(t, fmt.Sprint(alerts), code.Text)
			}
		}
		require.Equal(t, rows, alerts, "limit %d", limit)
	}
}

// TestUnreadMessageIsYieldedOnce: a message whose UID cannot be read, while its other items come in another response, is yielded
// with its error. A later row that has the UID is unsolicited.
func TestUnreadMessageIsYieldedOnce(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 4 FETCH (FLAGS ((\\Seen UID 4 MODSEQ (14))\r\n* 4 FETCH (FLAGS ())\r\n* 6 FETCH (UID 6 FLAGS ())\r\n"+
		"* 4 FETCH (UID 4 FLAGS ())\r\n* 7 FETCH (UID 7 FLAGS ())\r\n")
	ctx, set := context.Background(), UIDSet{{4, 4}, {6, 7}}
	var numbers []SeqNum
	for m := range c.Fetch(ctx, set, FetchFlags) {
		numbers = append(numbers, m.SeqNum)
	}
	for m := range c.FetchStream(ctx, set, FetchFlags) {
		numbers = append(numbers, m.SeqNum)
	}
	require.Equal(t, []SeqNum{4, 6, 7, 4, 6, 7}, numbers)
}

// TestUnreadChangeIsUnsolicited: a row that cannot be read, with the UID of a delivered message at its end, is a change of that
// message, also where its number has changed.
func TestUnreadChangeIsUnsolicited(t *testing.T) {
	c, conn := cannedClient(t)
	ctx, set := context.Background(), UIDRange(1, 1000)
	for _, removed := range []string{"* 1 EXPUNGE", "* VANISHED 3"} {
		conn.answer("UID FETCH", "* 2 FETCH (FLAGS () UID 3)\r\n* 3 FETCH (FLAGS () UID 4)\r\n"+removed+"\r\n* 2 FETCH (FLAGS ((\\Seen UID 4)\r\n* 1 EXPUNGE\r\n")
		var uids []UID
		for m, err := range c.Fetch(ctx, set, FetchFlags) {
			require.NoError(t, err, removed)
			uids = append(uids, m.UID)
		}
		for m, err := range c.FetchStream(ctx, set, FetchFlags) {
			require.NoError(t, err, removed)
			uids = append(uids, m.UID)
		}
		require.Equal(t, []UID{3, 4, 3, 4}, uids, removed)
	}
}

// TestPlainRowOfAnOpenMessage: a row that could be taken without more belongs to the message of which a part has arrived.
func TestPlainRowOfAnOpenMessage(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 3)\r\n* 2 FETCH (FLAGS () UID 4)\r\n* 1 FETCH (UID 3 FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS () UID 5)\r\n")
	var uids []UID
	for m, err := range c.Fetch(context.Background(), UIDRange(1, 1000), FetchFlags) {
		require.NoError(t, err)
		uids = append(uids, m.UID)
	}
	require.Equal(t, []UID{4, 3, 5}, uids)
}

// TestSmallSearchResultHoldsNoMore: a result that is kept, as that of Sync in a state, is not larger than its ranges.
func TestSmallSearchResultHoldsNoMore(t *testing.T) {
	c, conn := cannedClient(t)
	for _, data := range []string{"* ESEARCH UID ALL 7,9:11\r\n", "* SEARCH 7 9 10 11\r\n"} {
		conn.answer("UID SEARCH", data)
		found, err := c.Search(context.Background(), Where(), nil)
		require.NoError(t, err)
		require.Equal(t, "7,9:11", found.UIDs.String())
		assert.LessOrEqual(t, cap(found.UIDs), 4)
	}
}
