package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flood is a server behind a connection that generates what it sends while it is read, so that nothing of it is in memory.
// It answers each command with the bytes that fill returns, until that returns no more, and then with OK.
type flood struct {
	net.Conn // nil: what else a net.Conn has is not called
	fill     func(b []byte, sent int64) int
	now      []byte // to be sent first
	tags     []string
	sent     int64
	commands chan string
	peak     atomic.Uint64
	reads    int
	every    int  // how many reads there are to a look at the memory
	ended    bool // the line is at its end
	closed   chan struct{}
}

func (f *flood) Read(b []byte) (int, error) {
	b = b[:min(len(b), 64<<10)]
	f.measure()
	for len(f.now) == 0 {
		if len(f.tags) == 0 {
			select {
			case tag := <-f.commands:
				f.tags, f.sent = []string{tag}, 0
			case <-f.closed:
				return 0, net.ErrClosed
			case <-time.After(10 * time.Second):
				return 0, errors.New("no command came")
			}
		}
		if n := f.fill(b, f.sent); n > 0 {
			f.sent += int64(n)
			return n, nil
		}
		if !f.ended {
			f.now, f.ended = []byte("\r\n"), true // and what that makes of it is looked at before the answer comes
			continue
		}
		f.look()
		f.now, f.tags, f.ended = []byte(f.tags[0]+" OK done\r\n"), nil, false
	}
	n := copy(b, f.now)
	f.now = f.now[n:]
	return n, nil
}

func (f *flood) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		tag, _, _ := strings.Cut(line, " ")
		f.commands <- tag
	}
	return len(b), nil
}

func (f *flood) Close() error {
	close(f.closed)
	return nil
}

func (f *flood) SetReadDeadline(time.Time) error  { return nil }
func (f *flood) SetWriteDeadline(time.Time) error { return nil }
func (f *flood) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// measure samples how much memory is live.
func (f *flood) measure() {
	if f.reads++; f.reads%f.every == 1 {
		f.look()
	}
}

func (f *flood) look() {
	if f.every < never {
		f.peak.Store(max(f.peak.Load(), alive()))
	}
}

// never is for a flood that is not measured.
const never = 1 << 30

func alive() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// flooded returns a client of a flood with the mailbox open.
func flooded(t *testing.T, opts *imap.Options, fill func(b []byte, sent int64) int) (*imap.Client, *flood) {
	t.Helper()
	f := &flood{commands: make(chan string, 100), closed: make(chan struct{}), every: never}
	f.now = []byte("* PREAUTH [CAPABILITY " + faultCaps + "] ready\r\n")
	f.fill = func(b []byte, sent int64) int { return 0 }
	c, err := imap.NewClient(t.Context(), f, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	f.fill = fill
	return c, f
}

// forever sends a beginning and then repeats the same, up to a number of bytes.
func forever(start, again string, octets int64) func([]byte, int64) int {
	return func(b []byte, sent int64) int {
		b = b[:min(int64(len(b)), max(octets-sent, 0))]
		if sent < int64(len(start)) {
			return copy(b, start[sent:])
		}
		at := int((sent - int64(len(start))) % int64(len(again)))
		n := copy(b, again[at:])
		for n < len(b) {
			n += copy(b[n:], again)
		}
		return n
	}
}

// within runs a call and fails if live memory grew by more than the limit meanwhile.
func within(t *testing.T, f *flood, limit uint64, every int, call func()) uint64 {
	t.Helper()
	before := alive()
	f.peak.Store(before)
	f.every, f.reads = every, 0
	call()
	peak := max(f.peak.Load(), before) - before
	t.Logf("%.1f MiB at most", float64(peak)/(1<<20))
	assert.Less(t, peak, limit)
	return peak
}

// calls of the kinds that keep what arrives: nothing, numbers, rows one by one, all rows, names, everything.
var keepers = map[string]func(context.Context, *imap.Client) error{
	"NOOP": func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
	"SEARCH": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where(), nil)
		return err
	},
	"FETCH": func(ctx context.Context, c *imap.Client) error {
		return testkit.Drain(c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags, imap.FetchEnvelope, imap.Section{}))
	},
	"FETCH suspended": func(ctx context.Context, c *imap.Client) error {
		for _, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags) {
			if err != nil {
				return err
			}
			if err := c.Noop(ctx); err != nil {
				return err
			}
		}
		return nil
	},
	"STORE": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Store(ctx, imap.UIDs(1, 2, 3), imap.AddFlags("x"), nil)
		return err
	},
	"LIST": func(ctx context.Context, c *imap.Client) error {
		_, err := c.List(ctx, "", "*", nil)
		return err
	},
	"EXPUNGE": func(ctx context.Context, c *imap.Client) error { _, err := c.Expunge(ctx); return err },
	"SELECT": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
		return err
	},
	"Do": func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "X"); return err },
}

// smallLimits are the defaults divided by 16.
var smallLimits = &imap.Options{MaxLine: 1 << 20, MaxLiteral: 2 << 20, MaxBuffered: 2 << 20}

// TestFloods lets servers send without end to calls of each kind: memory is limited, and the call ends with the answer or
// with an error. The bounded queue of events comes on top of the limits.
func TestFloods(t *testing.T) {
	much := int64(8 << 20)
	if testkit.Race {
		much /= 4
	}
	for name, test := range map[string]struct {
		fill  func([]byte, int64) int
		calls string
	}{
		"a line without end":      {forever("* OK ", "x", 1<<62), "NOOP, FETCH"},
		"a number without end":    {forever("* SEARCH ", "1", 1<<62), "NOOP, SEARCH"},
		"numbers":                 {forever("", "* SEARCH "+strings.Repeat("1 3 ", 1<<17)+"\r\n", much), "NOOP"},
		"flags":                   {forever("", "* 1 FETCH (UID 1 FLAGS ("+strings.Repeat("a ", 60_000)+"))\r\n", much), "NOOP, FETCH, FETCH suspended, STORE, SELECT"},
		"rows":                    {forever("", "* 1 FETCH (UID 1 FLAGS (a b c d e f g h i j k l m n o p))\r\n", much/2), "NOOP, FETCH, FETCH suspended, STORE"},
		"rows with bodies":        {forever("", "* 1 FETCH (UID 1 BODY[] {100000}\r\n"+strings.Repeat("x", 100000)+")\r\n", much), "NOOP, FETCH, FETCH suspended, Do"},
		"addresses":               {forever("", "* 1 FETCH (UID 1 FLAGS () ENVELOPE (NIL NIL ("+strings.Repeat(`(NIL NIL "a" "b")`, 50_000)+")))\r\n", much/2), "NOOP, FETCH suspended"},
		"body parts":              {forever("", "* 1 FETCH (UID 1 FLAGS () BODYSTRUCTURE ("+strings.Repeat(`("a" "b" NIL NIL NIL "c" 1)`, 10_000)+` "mixed"))`+"\r\n", much/2), "NOOP, FETCH suspended"},
		"names":                   {names(much / 2), "NOOP, LIST"},
		"expunged":                {forever("", "* 1 EXPUNGE\r\n", much/2), "NOOP, EXPUNGE, Do"},
		"parentheses":             {forever("* 1 FETCH (BODYSTRUCTURE ", "(", 300_000), "NOOP, FETCH, STORE"},
		"parentheses in a search": {forever("* ESEARCH ", "(", 300_000), "SEARCH"},
		"brackets":                {forever("* OK ", "[", 300_000), "NOOP, SELECT"},
		"quotes":                  {forever("* 1 FETCH (ENVELOPE (", `"a`, 300_000), "NOOP, FETCH"},
		"backslashes":             {forever(`* 1 FETCH (ENVELOPE ("`, "\\", 300_000), "NOOP, FETCH"},
		"what nobody knows":       {forever("", "* XYZZY "+strings.Repeat("z", 500_000)+"\r\n", much), "NOOP, Do"},
		"a million of them":       {forever("", "* 9 EXISTS\r\n* 3 RECENT\r\n", 4<<20), "NOOP, SELECT, FETCH, Do"},
		"lines of nothing":        {forever("", "\r\n", much/2), "NOOP, FETCH"},
		"lines of something":      {forever("", "hello\r\n", much/2), "NOOP, FETCH"},
	} {
		for call := range strings.SplitSeq(test.calls, ", ") {
			t.Run(name+"/"+call, func(t *testing.T) {
				c, f := flooded(t, smallLimits, test.fill)
				within(t, f, 128<<20/16+16<<20, 64, func() {
					err := keepers[call](t.Context(), c)
					t.Log(err)
				})
			})
		}
	}
}

// names sends names of mailboxes, all different.
func names(octets int64) func([]byte, int64) int { return numbered("* LIST () \"/\" %d\r\n", octets) }

// numbered sends lines with rising numbers.
func numbered(format string, octets int64) func([]byte, int64) int {
	n, room := 0, len(format)+2*len("4294967295")
	return func(b []byte, sent int64) int {
		if sent >= octets {
			return 0
		}
		lines := b[:0]
		for len(b)-len(lines) > room {
			n++
			lines = fmt.Appendf(lines, format, n)
		}
		if len(lines) == 0 {
			return copy(b, "\r\n")
		}
		return len(lines)
	}
}

// TestAnnouncedSizes: an announced size alone causes no allocation.
func TestAnnouncedSizes(t *testing.T) {
	for _, size := range []string{"9223372036854775807", "9223372036854775808", "99999999999999999999999999", "4294967296", "68719476736", "67108865", "67108864"} {
		for _, head := range []string{"* 1 FETCH (UID 1 BODY[] ", "* LIST () \"/\" ", "* 1 FETCH (BODY[TEXT] {1}\r\nx FLAGS () ENVELOPE (", "* XYZZY "} {
			for call, keep := range keepers {
				if call == "FETCH suspended" {
					continue
				}
				c, f := flooded(t, nil, forever("", head+"{"+size+"}\r\n", int64(len(head)+len(size)+4)))
				f.fill = func(fill func([]byte, int64) int) func([]byte, int64) int {
					return func(b []byte, sent int64) int {
						if n := min(len(head)+len(size)+4-int(sent), len(b)); n > 0 {
							return fill(b[:n], sent)
						}
						c.Close() // nothing follows
						return 0
					}
				}(f.fill)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := keep(t.Context(), c)
				runtime.ReadMemStats(&after)
				require.Error(t, err, "%s %s", call, size)
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "%s %s", call, size)
			}
		}
	}
}

// TestLimitErrors: each limit is exceeded by one byte, and named in the error.
func TestLimitErrors(t *testing.T) {
	for name, line := range map[string]string{
		"MaxLine":    "* OK " + strings.Repeat("x", 5000),
		"MaxLiteral": "* 1 FETCH (UID 1 BODY[] {8193}\r\n",
	} {
		c := testkit.DialPeer(t, &imap.Options{MaxLine: 4096, MaxLiteral: 8192}, func(h *testkit.Peer) {
			h.Line("")
			h.Send("%s", line)
			h.In.ReadString('\n')
		})
		_, err := c.FetchOne(testkit.Context(t), 1, imap.Section{})
		limit, ok := errors.AsType[*imap.LimitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, name, limit.Name)
		assert.ErrorIs(t, err, imap.ErrClosed)
	}
}

// TestRangesOfEverything: sets of 2^32 numbers stay ranges.
func TestRangesOfEverything(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH UIDPLUS QRESYNC CONDSTORE MOVE] hi", `
		C: $ SELECT INBOX
		S: * 4294967295 EXISTS
		S: $ OK
		C: $ UID SEARCH RETURN (ALL) ALL
		S: * ESEARCH (TAG "$") UID ALL 1:4294967295 COUNT 4294967295
		S: $ OK
		C: $ UID COPY 1:* a
		S: $ OK [COPYUID 1 1:4294967295 1:4294967295] done
		C: $ UID STORE 1:* (UNCHANGEDSINCE 5) +FLAGS (x)
		S: $ OK [MODIFIED 1:4294967295] done
		C: $ UID EXPUNGE 1:*
		S: * VANISHED 1:4294967295
		S: $ OK
	`)
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	all := imap.UIDRange(1, 1<<32-1)
	found, err := c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, all, found.UIDs)
	copied, err := c.Copy(ctx, imap.UIDRange(1, 0), "a")
	require.NoError(t, err)
	assert.Equal(t, all, copied.Dest)
	stored, err := c.Store(ctx, imap.UIDRange(1, 0), imap.AddFlags("x"), &imap.StoreOptions{UnchangedSince: 5})
	require.NoError(t, err)
	assert.Equal(t, all, stored.ModifiedUID)
	gone, err := c.UIDExpunge(ctx, imap.UIDRange(1, 0))
	require.NoError(t, err)
	assert.Equal(t, all, gone.UIDs)
	assert.Zero(t, c.Mailbox().Exists)
}

// TestOneByteASecond: a server that is slow but never silent is not given up, and ctx ends the call at once.
func TestOneByteASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			for _, octet := range []byte("* 7 EXISTS\r\n" + tag + " OK done\r\n") {
				time.Sleep(time.Second)
				h.Put("%c", octet)
				h.Out.Flush()
			}
			h.Line("NOOP")
			for range 1000 {
				time.Sleep(time.Second)
				h.Put("*")
				h.Out.Flush()
			}
		})
		require.NoError(t, c.Noop(t.Context()))
		assert.EqualValues(t, 7, c.Mailbox().Exists)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Second)
		defer cancel()
		began := time.Now()
		assert.ErrorIs(t, c.Noop(ctx), context.DeadlineExceeded)
		assert.Equal(t, 300*time.Second, time.Since(began))
	})
}

// TestTimeIsLinear compares the time for a response with the time for one four times as long.
func TestTimeIsLinear(t *testing.T) {
	for name, text := range map[string]func(n int) string{
		"quotes": func(n int) string { return "* 1 FETCH (UID 1 ENVELOPE (" + strings.Repeat(`"a"b `, n) + ")" },
		"parentheses": func(n int) string {
			return "* 1 FETCH (UID 1 X " + strings.Repeat("(", n) + strings.Repeat(")", n) + ")"
		},
		"flags":       func(n int) string { return "* 1 FETCH (UID 1 FLAGS (" + strings.Repeat("a ", n) + "))" },
		"bad items":   func(n int) string { return "* 1 FETCH (UID 1 " + strings.Repeat("ENVELOPE x ", n) + ")" },
		"bad flags":   func(n int) string { return "* 1 FETCH (UID 1 " + strings.Repeat(`FLAGS ("(" `, n) + ")" },
		"sections":    func(n int) string { return "* 1 FETCH (UID 1 " + strings.Repeat("BODY[1.2] x ", n) + ")" },
		"literals":    func(n int) string { return "* 1 FETCH (UID 1 " + strings.Repeat("BODY[1] {1}\r\nx ", n) + ")" },
		"braces":      func(n int) string { return "* 1 FETCH (UID 1 " + strings.Repeat("{1} ", n) + ")" },
		"numbers":     func(n int) string { return "* SEARCH" + strings.Repeat(" 1 3", n) },
		"code":        func(n int) string { return "* OK [X " + strings.Repeat(`["`, n) + "]" },
		"backslashes": func(n int) string { return `* 1 FETCH (UID 1 ENVELOPE (NIL "` + strings.Repeat(`\a\"`, n) + `"))` },
		"words": func(n int) string {
			return `* 1 FETCH (UID 1 ENVELOPE (NIL "` + strings.Repeat(`=?utf-8?q?a?= `, n) + `"))`
		},
		"open words": func(n int) string {
			return `* 1 FETCH (UID 1 ENVELOPE (NIL "` + strings.Repeat(`=?utf-8?q?a `, n) + `"))`
		},
		"names":    func(n int) string { return `* LIST () "/" ` + strings.Repeat("&AOk-", n) },
		"statuses": func(n int) string { return "* STATUS a (" + strings.Repeat("MESSAGES 1 ", n) + ")" },
		"vanished": func(n int) string { return "* VANISHED 1" + strings.Repeat(",3,1", n) },
	} {
		t.Run(name, func(t *testing.T) {
			requireLinear(t, 500, func(n int) time.Duration {
				c, _ := flooded(t, nil, saying(text(n)+"\r\n"))
				began := time.Now()
				testkit.Drain(c.Fetch(t.Context(), imap.UIDRange(1, 0), imap.FetchEnvelope))
				return time.Since(began)
			})
		})
	}
}

// requireLinear compares the shortest time for n with the shortest for 32 n. Quadratic time would be 1,024 times as long,
// so that 192 leaves room for what the race detector, the collector and caches add to the larger one. After five rounds it
// repeats until they fit, because the machine may be busy.
func requireLinear(t *testing.T, n int, run func(n int) time.Duration) {
	t.Helper()
	small, large := time.Hour, time.Hour
	for i := range 30 {
		small, large = min(small, run(n)), min(large, run(32*n))
		if i >= 4 && large < 192*small+20*time.Millisecond {
			return
		}
	}
	t.Errorf("%v, and %v for 32 times as much", small, large)
}

// saying sends a text.
func saying(text string) func([]byte, int64) int {
	return func(b []byte, sent int64) int { return copy(b, text[min(int(sent), len(text)):]) }
}

// TestMillionMessages: the defaults allow a mailbox of a million messages and a message of 50 MB.
func TestMillionMessages(t *testing.T) {
	const million = 1_000_000
	near, far := testkit.TCPPair(t)
	go func() {
		w := bufio.NewWriterSize(far, 64<<10)
		in := bufio.NewReader(far)
		next := func() string {
			line, _ := in.ReadString('\n')
			tag, _, _ := strings.Cut(line, " ")
			return tag
		}
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
		fmt.Fprintf(w, "* %d EXISTS\r\n%s OK\r\n", million, next())
		w.Flush()
		tag := next()
		w.WriteString("* SEARCH")
		for i := range million {
			fmt.Fprintf(w, " %d", 2*i+1)
		}
		fmt.Fprintf(w, "\r\n%s OK\r\n", tag)
		w.Flush()
		tag = next()
		for i := range million {
			fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (\\Seen $a))\r\n", i+1, 2*i+1)
		}
		fmt.Fprintf(w, "%s OK\r\n", tag)
		w.Flush()
		tag = next()
		const size = 50_000_000
		fmt.Fprintf(w, "* 1 FETCH (UID 1 BODY[] {%d}\r\n", size)
		chunk := make([]byte, 100_000)
		for range size / len(chunk) {
			w.Write(chunk)
		}
		fmt.Fprintf(w, ")\r\n%s OK\r\n", tag)
		w.Flush()
	}()
	ctx := t.Context()
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	found, err := c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, million, found.UIDs.Len())
	n := 0
	for m, err := range c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchFlags) {
		require.NoError(t, err)
		if n++; n%100_000 == 1 {
			require.EqualValues(t, 2*n-1, m.UID)
		}
	}
	assert.Equal(t, million, n)
	m, err := c.FetchOne(ctx, 1, imap.Section{})
	require.NoError(t, err)
	assert.Len(t, m.Sections[0].Bytes, 50_000_000)
}
