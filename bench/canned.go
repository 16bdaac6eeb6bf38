package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// expected is what a client has to deliver of one answer.
type expected struct {
	Items int   // responses
	Bytes int64 // bytes of the untagged responses
	Sum   int64 // of the values in them, for clients that parse them; what is in it, as each generator documents
}

// A generator writes the untagged responses of one answer with n items. It writes the same for the same n.
type generator func(w *bufio.Writer, n int) (items int, sum int64)

// expect runs a generator for its sums alone.
func expect(g generator, n int) expected {
	var count counter
	w := bufio.NewWriterSize(&count, 64<<10)
	items, sum := g(w, n)
	w.Flush()
	return expected{items, int64(count), sum}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// firstUID is added to a sequence number to make the UID.
const firstUID = 100_000

func source() *rand.Rand { return rand.New(rand.NewPCG(9, 51)) }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

var flagLists = []string{`\Seen`, `\Seen`, `\Seen`, `\Seen \Answered`, ``, `\Flagged \Seen`, `\Seen $Forwarded`, `\Seen NonJunk`}

func countFlags(list string) int64 { return int64(len(strings.Fields(list))) }

// flagRows: the sum is that of UIDs and 7 for each flag.
func flagRows(w *bufio.Writer, n int) (int, int64) {
	r, sum := source(), int64(0)
	for i := 1; i <= n; i++ {
		flags := pick(r, flagLists)
		fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (%s))\r\n", i, firstUID+i, flags)
		sum += int64(firstUID+i) + 7*countFlags(flags)
	}
	return n, sum
}

type person struct{ name, mailbox, host string }

var people = []person{
	{"Terry Gray", "gray", "cac.washington.edu"}, {"", "imap", "cac.washington.edu"}, {"", "minutes", "CNRI.Reston.VA.US"},
	{"John Klensin", "klensin", "mit.edu"}, {"Ada Lovelace", "ada", "example.org"}, {"Grace M. Hopper", "grace.hopper", "navy.example.com"},
	{"Build Robot", "noreply+build", "ci.example.net"}, {"Customer Service", "service", "shop.example.com"},
}

// subjects are on the wire and decoded.
var subjects = [][2]string{
	{"IMAP4rev2 WG mtg summary and minutes", ""}, {"Re: [project] Review requested on change 4711", ""},
	{"Your invoice for October", ""}, {"Fwd: Fwd: photos of the summer", ""}, {"Lunch?", ""}, {"[CI] build 20419 of main passed", ""},
	{"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_M=C3=BCnchen?=", "Grüße aus München"}, {"Weekly report, week 46: nothing new in the west", ""},
	{`He said \"no\"`, `He said "no"`}, {"Order #2026-118 has been shipped", ""},
}

func addressList(r *rand.Rand, count int) (string, int64) {
	var b strings.Builder
	sum := int64(0)
	b.WriteByte('(')
	for range count {
		p := pick(r, people)
		fmt.Fprintf(&b, "(%s NIL %q %q)", nstring(p.name), p.mailbox, p.host)
		sum += int64(len(p.name) + len(p.mailbox) + len(p.host))
	}
	return b.String() + ")", sum
}

func nstring(s string) string {
	if s == "" {
		return "NIL"
	}
	return `"` + s + `"`
}

// envelopeRows: the sum is that of UIDs, flags times 7, sizes, both dates (seconds modulo 1000), and the lengths of the
// decoded subject, of all parts of all addresses, and of the message id without its brackets.
func envelopeRows(w *bufio.Writer, n int) (int, int64) {
	r, sum := source(), int64(0)
	day := time.Date(2024, 7, 17, 2, 44, 25, 0, time.FixedZone("", -7*3600))
	for i := 1; i <= n; i++ {
		flags, size, subject := pick(r, flagLists), 1000+r.IntN(200_000), pick(r, subjects)
		date := day.Add(time.Duration(i) * 7 * time.Minute)
		from, a := addressList(r, 1)
		to, b := addressList(r, 1+r.IntN(3))
		cc, c := "NIL", int64(0)
		if r.IntN(3) == 0 {
			cc, c = addressList(r, 1+r.IntN(2))
		}
		id := fmt.Sprintf("B27397-%07d-%08x@cac.washington.edu", i, r.Uint32())
		reply := "NIL"
		if r.IntN(2) == 0 {
			reply = fmt.Sprintf("\"<%08x.%d@example.org>\"", r.Uint32(), i)
		}
		fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (%s) INTERNALDATE \"%s\" RFC822.SIZE %d ENVELOPE (\"%s\" \"%s\" %s %s %s %s %s NIL %s \"<%s>\"))\r\n",
			i, firstUID+i, flags, date.Format("_2-Jan-2006 15:04:05 -0700"), size,
			date.Add(-time.Minute).Format("Mon, 2 Jan 2006 15:04:05 -0700"), subject[0], from, from, from, to, cc, reply, id)
		sum += int64(firstUID+i) + 7*countFlags(flags) + int64(size) + date.Unix()%1000 + (date.Unix()-60)%1000
		sum += int64(len(decoded(subject))) + 3*a + b + c + int64(len(id))
	}
	return n, sum
}

func decoded(s [2]string) string {
	if s[1] != "" {
		return s[1]
	}
	return s[0]
}

// structureRows: the sum is that of UIDs, 1 for each node, the sizes of the leaves, and 3 for each parameter of a leaf's
// media type.
func structureRows(w *bufio.Writer, n int) (int, int64) {
	r, sum := source(), int64(0)
	for i := 1; i <= n; i++ {
		var s string
		var v int64
		switch r.IntN(4) {
		case 0:
			s, v = textPart(r, "plain")
		case 1:
			s, v = alternative(r, i)
		default:
			s, v = mixed(r, i)
		}
		fmt.Fprintf(w, "* %d FETCH (UID %d BODYSTRUCTURE %s)\r\n", i, firstUID+i, s)
		sum += int64(firstUID+i) + v
	}
	return n, sum
}

func textPart(r *rand.Rand, subtype string) (string, int64) {
	size := 100 + r.IntN(50_000)
	return fmt.Sprintf(`("text" "%s" ("charset" "utf-8" "format" "flowed") NIL NIL "quoted-printable" %d %d NIL NIL NIL NIL)`,
		subtype, size, size/40), int64(1 + size + 6)
}

func alternative(r *rand.Rand, i int) (string, int64) {
	a, v := textPart(r, "plain")
	b, u := textPart(r, "html")
	return fmt.Sprintf(`(%s%s "alternative" ("boundary" "----=_Part_%d_alt") NIL NIL NIL)`, a, b, i), 1 + v + u
}

func mixed(r *rand.Rand, i int) (string, int64) {
	body, sum := alternative(r, i)
	files := ""
	for j := range 1 + r.IntN(3) {
		size := 10_000 + r.IntN(1_000_000)
		files += fmt.Sprintf(`("application" "pdf" ("name" "report-%d-%d.pdf") "<part%d@example.org>" NIL "base64" %d NIL ("attachment" ("filename" "report-%d-%d.pdf" "size" "%d")) NIL NIL)`,
			i, j, j, size, i, j, size*3/4)
		sum += int64(1 + size + 3)
	}
	return fmt.Sprintf(`(%s%s "mixed" ("boundary" "----=_Part_%d_mix") NIL ("en") NIL)`, body, files, i), sum + 1
}

// pattern is what bodies are made of; the byte at position i of a body is pattern[i%len(pattern)].
var pattern = func() []byte {
	b := make([]byte, 64<<10)
	r := source()
	for i := range b {
		b[i] = byte('!' + r.IntN(90))
		if i%78 == 76 {
			b[i] = '\r'
		} else if i%78 == 77 {
			b[i] = '\n'
		}
	}
	return b
}()

// bigBody is one body of n bytes: the sum is its length.
func bigBody(w *bufio.Writer, n int) (int, int64) {
	fmt.Fprintf(w, "* 1 FETCH (UID %d BODY[] {%d}\r\n", firstUID+1, n)
	for left := n; left > 0; {
		m, _ := w.Write(pattern[:min(left, len(pattern))])
		left -= m
	}
	io.WriteString(w, ")\r\n")
	return 1, int64(n)
}

// bodySize is the size of each of smallBodies.
const bodySize = 20 << 10

// smallBodies: the sum is that of UIDs, lengths and last bytes.
func smallBodies(w *bufio.Writer, n int) (int, int64) {
	sum := int64(0)
	for i := 1; i <= n; i++ {
		from := i % 4096
		body := pattern[from : from+bodySize]
		fmt.Fprintf(w, "* %d FETCH (UID %d BODY[] {%d}\r\n", i, firstUID+i, bodySize)
		w.Write(body)
		io.WriteString(w, ")\r\n")
		sum += int64(firstUID+i) + bodySize + int64(body[bodySize-1])
	}
	return n, sum
}

// runs makes ranges that hold n numbers, ten each on average.
func runs(n int, yield func(start, stop int)) {
	r, next := source(), 1
	for n > 0 {
		next += 1 + r.IntN(9)
		length := min(1+r.IntN(19), n)
		yield(next, next+length-1)
		next += length
		n -= length
	}
}

// searchNumbers: the sum is that of the numbers.
func searchNumbers(w *bufio.Writer, n int) (int, int64) {
	sum := int64(0)
	io.WriteString(w, "* SEARCH")
	runs(n, func(start, stop int) {
		for i := start; i <= stop; i++ {
			fmt.Fprintf(w, " %d", i)
			sum += int64(i)
		}
	})
	io.WriteString(w, "\r\n")
	return 1, sum
}

// sparseNumbers are numbers that never touch: the sum is theirs.
func sparseNumbers(w *bufio.Writer, n int) (int, int64) {
	r, next, sum := source(), 1, int64(0)
	io.WriteString(w, "* SEARCH")
	for range n {
		next += 2 + r.IntN(3)
		fmt.Fprintf(w, " %d", next)
		sum += int64(next)
	}
	io.WriteString(w, "\r\n")
	return 1, sum
}

// tagMark stands for the tag of the command, which the server puts in.
const tagMark = "@TAG@"

// searchRanges is the same set as searchNumbers.
func searchRanges(w *bufio.Writer, n int) (int, int64) {
	sum := int64(0)
	io.WriteString(w, `* ESEARCH (TAG "`+tagMark+`") UID ALL`)
	sep := byte(' ')
	runs(n, func(start, stop int) {
		w.WriteByte(sep)
		sep = ','
		fmt.Fprintf(w, "%d", start)
		if stop > start {
			fmt.Fprintf(w, ":%d", stop)
		}
		sum += int64(start+stop) * int64(stop-start+1) / 2
	})
	io.WriteString(w, "\r\n")
	return 1, sum
}

// listRows: the sum is that of the lengths of the decoded names, and 5 for each attribute.
func listRows(w *bufio.Writer, n int) (int, int64) {
	r, sum := source(), int64(0)
	for i := range n {
		attrs, name, plain := pick(r, []string{`\HasNoChildren`, `\HasNoChildren`, `\HasChildren`, `\HasNoChildren \Marked`}), "", ""
		switch r.IntN(10) {
		case 0:
			name, plain = fmt.Sprintf("Archive/Entw&APw-rfe/%d", i), fmt.Sprintf("Archive/Entwürfe/%d", i)
		case 1, 2:
			name = fmt.Sprintf("lists/golang-nuts/%d", i)
		default:
			name = fmt.Sprintf("Projects 20%02d/Customer %d", i%27, i)
		}
		if plain == "" {
			plain = name
		}
		fmt.Fprintf(w, "* LIST (%s) \"/\" \"%s\"\r\n", attrs, name)
		sum += int64(len(plain)) + 5*countFlags(attrs)
	}
	return n, sum
}

// nothing is the answer to NOOP and APPEND.
func nothing(*bufio.Writer, int) (int, int64) { return 0, 0 }
