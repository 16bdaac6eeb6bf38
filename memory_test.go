package imap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless repeats a response for as long as it is asked for, and gives a command up when that has begun.
type endless struct {
	*cannedConn
	response []byte
	left     int64 // bytes that are still to come
	begun    context.CancelFunc
	peak     uint64
	reads    int
}

func (e *endless) Read(b []byte) (int, error) {
	e.mu.Lock()
	busy := e.left > 0 && len(e.queue) > 0 && string(e.queue[0]) == "endless"
	e.mu.Unlock()
	if !busy {
		return e.cannedConn.Read(b)
	}
	if e.begun != nil {
		e.begun()
	}
	if e.reads++; e.reads%200 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapAlloc)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n := copy(b, e.response)
	e.response = append(e.response[n:], e.response[:n]...)
	if e.left -= int64(n); e.left <= 0 {
		e.queue = e.queue[1:]
	}
	return n, nil
}

// TestAbandonedAnswerIsNotKept: P21. The answer to a command that was given up is read within a fixed memory, be it of one
// response or of many.
func TestAbandonedAnswerIsNotKept(t *testing.T) {
	const size, most = 32 << 20, 16 << 20
	long := strings.Repeat("x", 20000)
	for name, test := range map[string]struct {
		command, response string
		call              func(ctx context.Context, c *Client) error
	}{
		"GETACL": {"GETACL", "* ACL Box u" + long + " lr\r\n", func(ctx context.Context, c *Client) error { _, err := c.GetACL(ctx, "Box"); return err }},
		"LIST":   {"LIST", "* LIST () \"/\" " + long[:500] + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.List(ctx, "", "*", nil); return err }},
		"SEARCH": {"UID SEARCH", "* SEARCH" + strings.Repeat(" 1 3 5 7 9", 2000) + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, Where(), nil); return err }},
		"Do":     {"XDO", "* XDATA " + long + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Do(ctx, "XDO"); return err }},
		"FETCH": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			_, err := Collect(c.Fetch(ctx, UIDs(7, 8), Section{}))
			return err
		}},
		"FETCH, left": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			for range c.Fetch(context.Background(), UIDs(7, 8), Section{}) {
				break
			}
			return context.Canceled
		}},
		"FetchStream, left": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			for range c.FetchStream(context.Background(), UIDs(7, 8), Section{}) {
				break
			}
			return context.Canceled
		}},
		"METADATA": {"GETMETADATA", fmt.Sprintf("* METADATA Box (/shared/comment {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			_, err := c.GetMetadata(ctx, "Box", "/shared/comment")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &endless{cannedConn: newCannedConn()}
			c, err := NewClient(context.Background(), conn, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Select(context.Background(), "INBOX", nil)
			require.NoError(t, err)
			c.caps, c.capsKnown = parseCaps("IMAP4rev1 ACL METADATA", extensions.implied), true
			ctx, cancel := context.WithCancel(context.Background())
			conn.response, conn.left, conn.begun = []byte(test.response), size/int64(len(test.response))*int64(len(test.response)), cancel
			conn.answer(test.command, "endless")
			require.ErrorIs(t, test.call(ctx, c), context.Canceled)
			require.NoError(t, c.Noop(context.Background()))
			require.Zero(t, max(conn.left, 0))
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			grown := int64(conn.peak) - int64(m.HeapAlloc)
			t.Logf("%d KiB more than afterwards, at most", grown>>10)
			assert.Positive(t, conn.peak)
			assert.Less(t, grown, int64(most))
		})
	}
}

// TestReaderKeepsNothing: when no caller reads, nothing of the last response is kept, nor what only a reader needs.
func TestReaderKeepsNothing(t *testing.T) {
	for name, call := range map[string]func(c *Client){
		"a command": func(c *Client) { require.NoError(t, c.Noop(context.Background())) },
		"a loop":    func(c *Client) { fetchAll(t, c, 10, FetchFlags, FetchEnvelope) },
		"a loop that is left": func(c *Client) {
			for range c.Fetch(context.Background(), UIDRange(1, 0), FetchEnvelope) {
				break
			}
		},
		"a stream that is left": func(c *Client) {
			for m := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchEnvelope, Section{}) {
				for range m.Bodies() {
					break
				}
				break
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, conn := cannedClient(t)
			conn.answer("UID FETCH", envelopeRows(10, 2))
			c.names.intern([]byte("$Keyword"))
			call(c)
			require.NoError(t, c.conn.LockRead(t.Context(), nil))
			assert.Equal(t, response{table: c.table}, c.resp)
			assert.Nil(t, c.names.recent)
			c.conn.UnlockRead()
		})
	}
}

// Lists end where no server has so many: one more is an error, as many are not.
func TestListedBounds(t *testing.T) {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, parse := range map[string]func(n int) error{
		"entries of METADATA": func(n int) error {
			return (&metadata{limit: 1 << 30}).takeEntries(responseOf([]byte("(" + numbered(n, `/a%d "x" `) + ")")))
		},
		"rights": func(n int) error {
			_, _, err := responseOf([]byte("a b r" + numbered(n, " %d"))).listRights()
			return err
		},
		"annotations": func(n int) error {
			return parseAnnotations(parserFor([]byte("("+numbered(n, `/a%d (value "x") `)+")")), &Message{})
		},
	} {
		require.NoError(t, parse(maxListed), name)
		require.ErrorContains(t, parse(maxListed+1), "more", name)
	}
}

// An annotation without its parts is refused before anything is sent.
func TestEmptyAnnotations(t *testing.T) {
	fails := func(encode func(*encoder)) error {
		e := &encoder{caps: parseCaps("ANNOTATE-EXPERIMENT-1", extensions.implied), capsKnown: true, table: extensions}
		encode(e)
		return e.err
	}
	for _, item := range []FetchItem{FetchAnnotations(nil, "value"), FetchAnnotations([]string{"/a"})} {
		require.ErrorContains(t, fails(item.(fetchArg).encode), "no entry or no attribute")
	}
	require.NoError(t, fails(FetchAnnotations([]string{"/a"}, "value").(fetchArg).encode))
	a := Annotation{Entry: "/a"}
	require.ErrorContains(t, fails(a.encode), "without a value")
	a.Values = map[string][]byte{"value.priv": nil}
	require.NoError(t, fails(a.encode))
}

// METADATA without values is news, not an answer.
func TestMetadataNewsIsNoAnswer(t *testing.T) {
	m := &metadata{limit: 1 << 20}
	for text, want := range map[string]claim{"a /shared/x /shared/y": notMine, `a (/shared/x "v")`: mine} {
		r := responseOf([]byte(text))
		r.name = "METADATA"
		got, err := m.take(r)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

// mixedRows are rows with everything that comes out of slabs, in many sizes, and some that cannot be read to their end.
func mixedRows(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]string, n)
	for i := range rows {
		flags := strings.TrimSpace(strings.Repeat(`\Seen $Junk `, r.IntN(4)))
		to := strings.Repeat(`("A" NIL "a" "b")`, 1+r.IntN(r.IntN(90)+1))
		parts := strings.Repeat(cannedPart, 1+r.IntN(6))
		switch r.IntN(10) {
		case 0:
			to += `("broken" ("A"))`
		case 1:
			parts += `("text" "plain" ("charset" ("broken")) NIL`
		case 2:
			flags += ` "broken`
		case 3:
			parts += `("message" "rfc822" NIL NIL NIL "7bit" 1 ("Wed, 17 Jul 1996 02:23:25 -0700" "inner" ((NIL NIL "x" "y")) NIL NIL NIL NIL NIL NIL NIL) ` + cannedPart + ` 4)`
		case 4:
			to, parts = "", cannedPart[1:len(cannedPart)-1]
		}
		if to != "" {
			to = "(" + to + ")"
		} else {
			to = "NIL"
		}
		rows[i] = fmt.Sprintf(`* %d FETCH (UID %d FLAGS (%s) ENVELOPE (NIL "s%d" %s NIL NIL %s NIL NIL NIL "<%d>") BODYSTRUCTURE (%s "mixed" ("boundary" "b%d")))`,
			i+1, 1000+i, flags, i, to, to, i, parts, i)
	}
	return rows
}

// parseAlone reads a row by itself, without slabs.
func parseAlone(c *Client, row string) (*Message, error) {
	r := new(response)
	r.max, r.table = defaultDepth, extensions
	r.load([]byte(row), nil)
	return r.parseMessage()
}

func TestMessagesFromSlabsAreWholeAndApart(t *testing.T) {
	c, conn := cannedClient(t)
	rows := mixedRows(500)
	conn.answer("UID FETCH", strings.Join(rows, "\r\n")+"\r\n")
	var got []*Message
	for m, err := range c.Fetch(context.Background(), UIDRange(1, 0), FetchFlags, FetchEnvelope, FetchBodyStructure) {
		require.NotNil(t, m, err)
		got = append(got, m)
		// What the caller does with one message is nothing to the others.
		m.Flags = append(m.Flags, "mine")
		if m.Envelope != nil {
			m.Envelope.To = append(m.Envelope.To, Address{Name: "mine"})
		}
	}
	require.Len(t, got, len(rows))
	for i, m := range got {
		want, _ := parseAlone(c, rows[i])
		want.Flags = append(want.Flags, "mine")
		if want.Envelope != nil {
			want.Envelope.To = append(want.Envelope.To, Address{Name: "mine"})
		}
		require.Equal(t, want, m, rows[i])
	}
}

func TestStreamedMessagesAreWhole(t *testing.T) {
	c, conn := cannedClient(t)
	rows := mixedRows(500)
	conn.answer("UID FETCH", strings.Join(rows, "\r\n")+"\r\n")
	i := 0
	for m, err := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchFlags, FetchEnvelope, FetchBodyStructure) {
		require.NotNil(t, m, err)
		want, _ := parseAlone(c, rows[i])
		require.Equal(t, want, &m.Message, rows[i])
		i++
	}
	assert.Len(t, rows, i)
}

// TestNewsInAStreamIsOwned: a row that answers nothing becomes an event, which is kept while the stream goes on.
func TestNewsInAStreamIsOwned(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 1001 FLAGS (\\Seen a))\r\n* 7 FETCH (FLAGS (x y z))\r\n* 2 FETCH (UID 1002 FLAGS (\\Flagged b c d))\r\n")
	for _, err := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchFlags) {
		require.NoError(t, err)
	}
	events := c.Events()
	require.NotEmpty(t, events)
	assert.Equal(t, &FetchEvent{&Message{SeqNum: 7, Flags: []Flag{"x", "y", "z"}}}, events[len(events)-1])
}

// TestSlabBlocks: blocks start as small as what is asked for and stay within the limit.
func TestSlabBlocks(t *testing.T) {
	s := slab[int]{limit: 8}
	for i, want := range []int{1, 2, 2, 4, 4, 4, 4, 8, 8} {
		s.one()
		assert.Equal(t, want, s.size, i)
	}
	assert.Len(t, s.take(100), 100)
	assert.LessOrEqual(t, cap(s.free), 8)
	zero := slab[int]{}
	assert.Len(t, zero.take(3), 3)
	assert.Nil(t, zero.tail())
}

// TestSlabRewind: what was handed out before a rewind comes again, and is zero.
func TestSlabRewind(t *testing.T) {
	s := slab[int]{limit: 8, again: true}
	for range 5 {
		a := s.take(3)
		assert.Equal(t, []int{0, 0, 0}, a)
		a[0], a[2] = 1, 2
		b := append(s.tail(), 7, 8, 9, 10, 11, 12)
		assert.Len(t, s.keep(b), 6)
		s.drop(append(s.tail(), 5))
		s.rewind()
	}
	assert.LessOrEqual(t, len(s.block), 16)
}

// TestLookup: every name is found, in any case, and nothing else.
func TestLookup(t *testing.T) {
	for name := range knownNames.all {
		for _, form := range []string{name, strings.ToLower(name), name[:1] + strings.ToLower(name[1:])} {
			n, ok := knownNames.find([]byte(form))
			assert.True(t, ok, form)
			assert.Equal(t, name, n.name)
		}
		_, ok := knownNames.find([]byte(name + "X"))
		assert.False(t, ok)
	}
	_, ok := knownNames.find(nil)
	assert.False(t, ok)
}

// TestHotNamesHaveTheirOwnPlaces: the names of every day are found without hashing.
func TestHotNamesHaveTheirOwnPlaces(t *testing.T) {
	for _, name := range []string{"FETCH", "SEARCH", "ESEARCH", "LIST", "STATUS", "EXISTS", "EXPUNGE", "FLAGS", "OK", "VANISHED"} {
		assert.Equal(t, name, knownNames.slots[slotOf(name)].name)
	}
	for name := range extensions.fetch.all {
		assert.Equal(t, name, extensions.fetch.slots[slotOf(name)].name)
	}
}

func TestInternerIsBounded(t *testing.T) {
	var names interner
	for i := range 10_000 {
		name := fmt.Sprint("keyword", i)
		assert.Equal(t, name, names.intern([]byte(name)))
	}
	assert.Len(t, names.m, internLimit)
	long := strings.Repeat("x", internLength+1)
	assert.Equal(t, long, names.intern([]byte(long)))
	assert.Equal(t, "", names.intern(nil))
}
