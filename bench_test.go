package imap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/measure"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cannedConn is a connection whose other end answers each command at once: with the same untagged responses for every
// command of the name that they belong to, and with OK. It costs only the copies.
type cannedConn struct {
	mu     sync.Mutex
	wake   sync.Cond
	name   string // of the command that is answered with data
	data   []byte
	reply  func(line string) string // makes the data for each command, if set
	queue  [][]byte                 // not read yet
	tagged []byte                   // the bytes of the tagged responses in queue
	line   []byte                   // of a command that came in part
	upload []byte                   // the tag of a command whose literal is under way
	past   bool                     // a deadline has passed
	writes int
	settle bool // each Write takes until all other goroutines wait, in a synctest bubble
	piece  int  // longest Read, 0 for any
	closed bool
}

func newCannedConn() *cannedConn {
	c := &cannedConn{queue: [][]byte{[]byte("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ ESEARCH UIDPLUS] ready\r\n")}}
	c.wake.L = &c.mu
	return c
}

// cannedClient is a client with a mailbox selected.
func cannedClient(tb testing.TB) (*Client, *cannedConn) {
	conn := newCannedConn()
	c, err := NewClient(context.Background(), conn, &Options{MaxDepth: 2000})
	require.NoError(tb, err)
	tb.Cleanup(func() { c.Close() })
	_, err = c.Select(context.Background(), "INBOX", nil)
	require.NoError(tb, err)
	return c, conn
}

// answer makes data the answer to commands of that name.
func (c *cannedConn) answer(name, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name, c.data = name, []byte(data)
}

func (c *cannedConn) Write(b []byte) (int, error) {
	if c.settle {
		time.Sleep(time.Nanosecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	if len(c.queue) == 0 {
		c.tagged = c.tagged[:0]
	}
	for rest := b; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		c.line = append(c.line, rest[:i+1]...)
		if i < 0 {
			return len(b), nil // the rest comes, or it is a piece of a literal
		}
		rest = rest[i+1:]
		c.command(c.line)
		c.line = c.line[:0]
	}
	c.wake.Broadcast()
	return len(b), nil
}

// command queues the answer to one line. A line that is no command is a piece of a literal, and the end of one.
func (c *cannedConn) command(line []byte) {
	tag, rest, _ := bytes.Cut(line, space)
	if len(c.upload) > 0 {
		tag, c.upload = c.upload, c.upload[:0]
	}
	if len(tag) == 0 || tag[0] != 'A' {
		return
	}
	if bytes.HasPrefix(rest, []byte(c.name)) && c.name != "" {
		c.queue = append(c.queue, c.data)
	}
	if c.reply != nil {
		if data := c.reply(string(rest)); data != "" {
			c.queue = append(c.queue, []byte(data))
		}
	}
	if bytes.HasSuffix(line, []byte("+}\r\n")) {
		c.upload = append(c.upload, tag...)
		return // the answer comes behind the literal, which is one line
	}
	from := len(c.tagged)
	c.tagged = append(append(c.tagged, tag...), " OK done\r\n"...)
	c.queue = append(c.queue, c.tagged[from:])
}

func (c *cannedConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 {
		switch {
		case c.closed:
			return 0, io.EOF
		case c.past:
			return 0, os.ErrDeadlineExceeded
		}
		c.wake.Wait()
	}
	if c.piece > 0 {
		b = b[:min(len(b), c.piece)]
	}
	n := copy(b, c.queue[0])
	if c.queue[0] = c.queue[0][n:]; len(c.queue[0]) == 0 {
		c.queue = append(c.queue[:0], c.queue[1:]...)
	}
	return n, nil
}

// SetReadDeadline knows deadlines that have passed; others are too far away to matter.
func (c *cannedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = !t.IsZero() && !t.After(time.Now())
	c.wake.Broadcast()
	return nil
}

func (c *cannedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake.Broadcast()
	return nil
}

// ---- answers

func flagRows(n int) string {
	var b strings.Builder
	lists := []string{`\Seen`, `\Seen \Answered`, ``, `\Seen $Forwarded`}
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS (%s))\r\n", i, 1000+i, lists[i%len(lists)])
	}
	return b.String()
}

// envelopeRows have so many recipients each.
func envelopeRows(n, recipients int) string {
	var b strings.Builder
	const from = `(("Terry Gray" NIL "gray" "cac.washington.edu"))`
	to := "(" + strings.Repeat(`(NIL NIL "imap" "cac.washington.edu")`, recipients) + ")"
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE %d "+
			"ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700\" \"IMAP4rev2 WG mtg summary and minutes %d\" %s %s %s %s NIL NIL NIL "+
			"\"<B27397-%d@cac.washington.edu>\"))\r\n", i, 1000+i, 4000+i, i, from, from, from, to, i)
	}
	return b.String()
}

const cannedPart = `("text" "plain" ("charset" "utf-8" "format" "flowed") NIL NIL "quoted-printable" 1315 42 NIL NIL NIL NIL)`

func structureRows(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "* %d FETCH (UID %d BODYSTRUCTURE ((%s%s \"alternative\" (\"boundary\" \"b%d\") NIL NIL NIL)"+
			"(\"application\" \"pdf\" (\"name\" \"report.pdf\") \"<part%d@example.org>\" NIL \"base64\" 4554 NIL "+
			"(\"attachment\" (\"filename\" \"report.pdf\")) NIL NIL) \"mixed\" (\"boundary\" \"c%d\") NIL NIL NIL))\r\n",
			i, 1000+i, cannedPart, cannedPart, i, i, i)
	}
	return b.String()
}

// nestedStructure is one multipart in the other.
func nestedStructure(depth int) string {
	return "* 1 FETCH (UID 1001 BODYSTRUCTURE " + strings.Repeat("(", depth) + cannedPart +
		strings.Repeat(` "mixed" ("boundary" "b") NIL NIL NIL)`, depth) + ")\r\n"
}

func bodyRows(n, size int) string {
	body := strings.Repeat("x", size)
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i, 1000+i, size, body)
	}
	return b.String()
}

// searchNumbers are so many numbers, of which run touch and the next does not.
func searchNumbers(n, run int) string {
	var b strings.Builder
	b.WriteString("* SEARCH")
	for i := range n {
		fmt.Fprintf(&b, " %d", 1000+i+i/run)
	}
	return b.String() + "\r\n"
}

// searchRanges are the same numbers as ranges.
func searchRanges(n, run int) string {
	var b strings.Builder
	for i := 0; i < n; i += run {
		fmt.Fprintf(&b, ",%d:%d", 1000+i+i/run, 1000+i+i/run+run-1)
	}
	return "* ESEARCH UID ALL " + b.String()[1:] + "\r\n"
}

func listRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "* LIST (\\HasNoChildren) \"/\" \"Projects/Customer %d\"\r\n", i)
	}
	return b.String()
}

// ---- calls

func fetchAll(tb testing.TB, c *Client, n int, items ...FetchItem) {
	rows := 0
	for m, err := range c.Fetch(context.Background(), UIDRange(1, 0), items...) {
		if err != nil || m.UID == 0 {
			tb.Fatal(m, err)
		}
		rows++
	}
	if rows != n {
		tb.Fatalf("%d rows instead of %d", rows, n)
	}
}

func fetchStreamAll(tb testing.TB, c *Client, n int, items ...FetchItem) {
	rows := 0
	for m, err := range c.FetchStream(context.Background(), UIDRange(1, 0), items...) {
		if err != nil || m.UID == 0 {
			tb.Fatal(m, err)
		}
		rows++
	}
	if rows != n {
		tb.Fatalf("%d rows instead of %d", rows, n)
	}
}

func searchAll(tb testing.TB, c *Client, n int) {
	res, err := c.Search(context.Background(), Where(), nil)
	if err != nil || res.UIDs.Len() != uint64(n) {
		tb.Fatal(res, err)
	}
}

// benchmarkAnswer measures a call whose answer is data.
func benchmarkAnswer(b *testing.B, name, data string, call func(c *Client)) {
	c, conn := cannedClient(b)
	conn.answer(name, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	start := measure.CPU()
	for b.Loop() {
		call(c)
	}
	b.ReportMetric(float64(measure.CPU()-start)/float64(b.N), "cpu-ns/op")
}

func BenchmarkFetchFlags(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", flagRows(1000), func(c *Client) { fetchAll(b, c, 1000, FetchFlags) })
}

func BenchmarkFetchEnvelope(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", envelopeRows(1000, 2), func(c *Client) {
		fetchAll(b, c, 1000, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
	})
}

func BenchmarkFetchBodyStructure(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", structureRows(1000), func(c *Client) { fetchAll(b, c, 1000, FetchBodyStructure) })
}

func BenchmarkFetchBody(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", bodyRows(100, 20<<10), func(c *Client) { fetchAll(b, c, 100, Section{}) })
}

func BenchmarkFetchStreamFlags(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", flagRows(1000), func(c *Client) { fetchStreamAll(b, c, 1000, FetchFlags) })
}

func BenchmarkFetchStreamBody(b *testing.B) {
	benchmarkAnswer(b, "UID FETCH", bodyRows(1, 8<<20), func(c *Client) {
		for m, err := range c.FetchStream(context.Background(), UIDRange(1, 0), Section{}) {
			if err != nil {
				b.Fatal(err)
			}
			for body, err := range m.Bodies() {
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, body); n != 8<<20 || err != nil {
					b.Fatal(n, err)
				}
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	benchmarkAnswer(b, "UID SEARCH", searchNumbers(100_000, 10), func(c *Client) { searchAll(b, c, 100_000) })
}

func BenchmarkSearchSparse(b *testing.B) {
	benchmarkAnswer(b, "UID SEARCH", searchNumbers(100_000, 1), func(c *Client) { searchAll(b, c, 100_000) })
}

func BenchmarkESearch(b *testing.B) {
	benchmarkAnswer(b, "UID SEARCH", searchRanges(100_000, 10), func(c *Client) { searchAll(b, c, 100_000) })
}

func BenchmarkList(b *testing.B) {
	benchmarkAnswer(b, "LIST", listRows(1000), func(c *Client) {
		if list, err := c.List(context.Background(), "", "*", nil); len(list) != 1000 || err != nil {
			b.Fatal(len(list), err)
		}
	})
}

func BenchmarkNoop(b *testing.B) {
	benchmarkAnswer(b, "", "", func(c *Client) {
		if err := c.Noop(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
}

// appendZeros appends a message of n bytes from a reader that the library does not know.
func appendZeros(tb testing.TB, c *Client, n int64) {
	if _, err := c.Append(context.Background(), "INBOX", Literal{io.LimitReader(zeros{}, n), n}, nil); err != nil {
		tb.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func BenchmarkAppend(b *testing.B) {
	c, _ := cannedClient(b)
	const size = 8 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		appendZeros(b, c, size)
	}
}

func noopsPipelined(tb testing.TB, c *Client, n int) {
	p := c.Pipeline()
	for range n {
		p.Go(func(c *Client) error { return c.Noop(context.Background()) })
	}
	if err := p.Wait(); err != nil {
		tb.Fatal(err)
	}
}

// noopsQueued is noopsPipelined without functions.
func noopsQueued(tb testing.TB, c *Client, n int) {
	p := c.Pipeline()
	for range n {
		p.Noop(context.Background())
	}
	if err := p.Wait(); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkPipelineQueued(b *testing.B) {
	benchmarkAnswer(b, "", "", func(c *Client) { noopsQueued(b, c, 100) })
}

func BenchmarkPipelineNoop(b *testing.B) {
	benchmarkAnswer(b, "", "", func(c *Client) { noopsPipelined(b, c, 100) })
}

// scales are the ways in which an answer grows.
var scales = []struct {
	what  string
	size  int // the smallest
	name  string
	data  func(n int) string
	check func(tb testing.TB, c *Client, n int)
}{
	{"messages", 300, "UID FETCH", func(n int) string { return envelopeRows(n, 2) }, func(tb testing.TB, c *Client, n int) {
		fetchAll(tb, c, n, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
	}},
	{"recipients", 600, "UID FETCH", func(n int) string { return envelopeRows(5, n) }, func(tb testing.TB, c *Client, n int) { // longer than plain rows
		fetchAll(tb, c, 5, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
	}},
	{"nesting", 90, "UID FETCH", nestedStructure, func(tb testing.TB, c *Client, n int) { fetchAll(tb, c, 1, FetchBodyStructure) }},
	{"mailboxes", 300, "LIST", listRows, func(tb testing.TB, c *Client, n int) {
		if list, err := c.List(context.Background(), "", "*", nil); len(list) != n || err != nil {
			tb.Fatal(len(list), err)
		}
	}},
	{"numbers", 10_000, "UID SEARCH", func(n int) string { return searchNumbers(n, 1) }, searchAll},
}

func BenchmarkScale(b *testing.B) {
	for _, s := range scales {
		for _, factor := range []int{1, 10, 100} {
			n := s.size * factor
			b.Run(fmt.Sprintf("%s=%d", s.what, n), func(b *testing.B) {
				benchmarkAnswer(b, s.name, s.data(n), func(c *Client) { s.check(b, c, n) })
			})
		}
	}
}

// leastTime is the processor time of the cheapest of many runs, which is the one that the machine disturbed least.
func leastTime(run func()) time.Duration {
	least := time.Hour
	for range 15 {
		start := measure.CPU()
		run()
		least = min(least, measure.CPU()-start)
	}
	return max(least, time.Microsecond)
}

// allocated counts the bytes that a run allocates.
func allocated(run func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 4 {
		run()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / 4
}

// TestCostGrowsLinearly: ten times the size costs ten times as much. A square would be a hundred times; what is fixed
// makes it less than ten. The bounds leave room for a busy machine, and the times are taken again, and the least of each
// counts, as long as they are too far apart.
func TestCostGrowsLinearly(t *testing.T) {
	for _, s := range scales {
		t.Run(s.what, func(t *testing.T) {
			var runs [2]func()
			var octets [2]float64
			for i, n := range []int{s.size, s.size * 10} {
				c, conn := cannedClient(t)
				conn.answer(s.name, s.data(n))
				runs[i] = func() { s.check(t, c, n) }
				runs[i]()
				octets[i] = allocated(runs[i])
			}
			times := [2]time.Duration{time.Hour, time.Hour}
			for try := 0; try == 0 || try < 8 && float64(times[1])/float64(times[0]) >= 35; try++ {
				for i, run := range runs {
					times[i] = min(times[i], leastTime(run))
				}
			}
			t.Logf("time %v, %v; octets %.0f, %.0f", times[0], times[1], octets[0], octets[1])
			assert.Less(t, octets[1]/octets[0], 25.0, "octets")
			assert.Less(t, float64(times[1])/float64(times[0]), 35.0, "time")
		})
	}
}
