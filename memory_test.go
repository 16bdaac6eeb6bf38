package imap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless repeats a response as long as it is read, and cancels a command when the response has begun.
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

// TestAbandonedAnswerIsNotKept: the answer to a command that was given up is read within a fixed amount of memory, whether
// it is one response or many (P21).
func TestAbandonedAnswerIsNotKept(t *testing.T) {
	const size, most = 32 << 20, 16 << 20
	long := strings.Repeat("x", 20000)
	for name, test := range map[string]struct {
		command, response string
		call              func(ctx context.Context, c *Client) error
	}{
		"GETACL":  {"GETACL", "* ACL Box u" + long + " lr\r\n", func(ctx context.Context, c *Client) error { _, err := c.GetACL(ctx, "Box"); return err }},
		"LIST":    {"LIST", "* LIST () \"/\" " + long[:500] + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.List(ctx, "", "*", nil); return err }},
		"SEARCH":  {"UID SEARCH", "* SEARCH" + strings.Repeat(" 1 3 5 7 9", 2000) + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, Where(), nil); return err }},
		"EXPUNGE": {"EXPUNGE", "* VANISHED " + strings.Repeat("1,3,5,7,9,", 2000) + "11\r\n", func(ctx context.Context, c *Client) error { _, err := c.Expunge(ctx); return err }},
		"Do":      {"XDO", "* XDATA " + long + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Do(ctx, "XDO"); return err }},
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
			c.e.caps, c.e.capsKnown = parseCaps("IMAP4rev1 ACL METADATA", extensions.implied), true
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

// TestPlainListIsBounded: the rows of a LIST that are read in one pass count for MaxBuffered.
func TestPlainListIsBounded(t *testing.T) {
	conn := newCannedConn()
	c, err := NewClient(context.Background(), conn, &Options{MaxBuffered: 100 << 10})
	require.NoError(t, err)
	defer c.Close()
	conn.answer("LIST", strings.Repeat("* LIST (\\HasNoChildren) \"/\" \"a\"\r\n", 2000))
	_, err = c.List(context.Background(), "", "*", nil)
	limit, ok := errors.AsType[*LimitError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "MaxBuffered", limit.Name)
}

// TestReaderKeepsNothing: while no caller reads, nothing of the last response is kept, nor what only a reader needs.
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
			c.e.names.intern([]byte("$Keyword"))
			call(c)
			require.NoError(t, c.e.conn.LockRead(t.Context(), nil))
			assert.Equal(t, response{table: c.e.table}, c.e.resp)
			assert.Nil(t, c.e.names.recent)
			c.e.conn.UnlockRead()
		})
	}
}

// Lists are limited beyond what servers send: one element more is an error.
func TestListLimits(t *testing.T) {
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
		require.ErrorContains(t, parse(maxListed+1), "too many", name)
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

// METADATA without values is an event, not an answer.
func TestUnsolicitedMetadataIsNoAnswer(t *testing.T) {
	m := &metadata{limit: 1 << 20}
	for text, want := range map[string]claim{"a /shared/x /shared/y": notMine, `a (/shared/x "v")`: mine} {
		r := responseOf([]byte(text))
		r.name = "METADATA"
		got, err := m.take(r)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

// mixedRows are rows with everything that is allocated from slabs, in many sizes, and some that cannot be parsed
// completely.
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

// parseAlone parses a row by itself, without slabs.
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
		// A change of one message by the caller does not affect the others.
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

// TestEventsInAStreamAreOwned: a row that answers no command becomes an event, which is kept while the stream continues.
func TestEventsInAStreamAreOwned(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 1001 FLAGS (\\Seen a))\r\n* 7 FETCH (FLAGS (x y z))\r\n* 2 FETCH (UID 1002 FLAGS (\\Flagged b c d))\r\n")
	for _, err := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchFlags) {
		require.NoError(t, err)
	}
	events := c.Events()
	require.NotEmpty(t, events)
	assert.Equal(t, &FetchEvent{&Message{SeqNum: 7, Flags: []Flag{"x", "y", "z"}}}, events[len(events)-1])
}

// TestSlabBlocks: blocks start as small as the request and stay within the limit.
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

// TestBlocksAreSmall: a message that is kept alone keeps only a few KiB of others.
func TestBlocksAreSmall(t *testing.T) {
	total := 0
	s := reflect.ValueOf(*newSlabs(false))
	for i := range s.NumField() {
		f := s.Field(i)
		if f.Kind() != reflect.Struct {
			continue
		}
		size := 1
		if block := f.FieldByName("free"); block.IsValid() {
			size = int(block.Type().Elem().Size())
		}
		n := int(f.FieldByName("limit").Int()) * size
		assert.LessOrEqual(t, n, 8<<10, s.Type().Field(i).Name)
		total += n
	}
	assert.LessOrEqual(t, total, 32<<10)
}

// TestSlabRewind: memory that was handed out before a rewind is handed out again, zeroed.
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

// TestFrequentNamesAreNotHashed: frequent names are found without hashing.
func TestFrequentNamesAreNotHashed(t *testing.T) {
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

// TestPoolCloseWhileRefused: a dial that the server refuses after Close starts no timer, which would retain the pool.
func TestPoolCloseWhileRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pool{Dial: func(ctx context.Context) (*Client, error) {
			<-ctx.Done()
			return nil, &Error{Status: "NO", Code: "LIMIT"}
		}}
		errs := make(chan error)
		go func() {
			_, err := p.Get(t.Context(), "")
			errs <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-errs, ErrPoolClosed)
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, timer := range []*time.Timer{p.expiry, p.retry} {
			require.False(t, timer != nil && timer.Stop(), "a timer goes on")
		}
	})
}

// textOf returns how many bytes of text a value holds.
func textOf(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n = textOf(v.Elem())
		}
	case reflect.String:
		n = v.Len()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len()
		}
		for i := range v.Len() {
			n += textOf(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			n += textOf(k) + textOf(v.MapIndex(k))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += textOf(v.Field(i))
		}
	}
	return n
}

// TestEventsCountTheirTexts: the queue of events is limited in bytes, so the size of an event includes all its text.
func TestEventsCountTheirTexts(t *testing.T) {
	const caps = "IMAP4rev1 CONTEXT=SEARCH ESEARCH NOTIFY METADATA OBJECTID OBJECTID+ X-GM-EXT-1 ANNOTATE-EXPERIMENT-1 LOGIN-REFERRALS MAILBOX-REFERRALS QRESYNC CONDSTORE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA INPROGRESS PREVIEW"
	for _, response := range []string{
		`* ESEARCH (TAG "%") ADDTO (0 1)`,
		`* NO [NOUPDATE "%"] text`,
		`* NO [NOUPDATE "a"] %`,
		`* OK [NOTIFICATIONOVERFLOW] %`,
		`* OK [REFERRAL imap://%@host/] text`,
		`* OK [ALERT] %`,
		`* OK [X-% x] text`,
		`* OK [INPROGRESS ("a" 1 2)] %`,
		`* OK %`,
		`* X-THING %`,
		`* FLAGS (% %b)`,
		`* STATUS "%" (MESSAGES 1)`,
		`* STATUS a (MAILBOXID (%))`,
		`* STATUS a (OBJECTID (ACCOUNTID %))`,
		`* STATUS a (OBJECTID (MAILBOXID %))`,
		`* METADATA "%" /shared/a`,
		`* METADATA "a" "/shared/%"`,
		`* LIST (\%) "/" a`,
		`* LIST () "/" "%"`,
		`* LIST () "/" a ("OLDNAME" ("%"))`,
		`* LIST () "/" a ("CHILDINFO" ("%"))`,
		`* 1 FETCH (FLAGS (%))`,
		`* 1 FETCH (EMAILID (%))`,
		`* 1 FETCH (THREADID (%))`,
		`* 1 FETCH (PREVIEW "%")`,
		`* 1 FETCH (X-GM-LABELS ("%"))`,
		`* 1 FETCH (ANNOTATION ("/%" (value.priv "x")))`,
		`* 1 FETCH (ANNOTATION ("/a" (value.priv "%")))`,
		`* 1 FETCH (BODY[] "%")`,
		`* 1 FETCH (BODY[HEADER.FIELDS (%)] "x")`,
		`* 1 FETCH (BODY[HEADER.FIELDS.NOT (%)] "x")`,
		`* 1 FETCH (ENVELOPE ("%" "%" (("%" "%" "%" "%")) NIL NIL NIL NIL NIL "%" "%"))`,
		`* 1 FETCH (BODYSTRUCTURE ("%" "%" ("%" "%") "%" "%" "7BIT" 1 1 "%" ("%" ("%" "%")) ("%") "%"))`,
	} {
		t.Run(response, func(t *testing.T) {
			response := strings.ReplaceAll(response, "%", strings.Repeat("a", 1<<12))
			near, far := imaptest.Pipe()
			t.Cleanup(func() { far.Close() })
			go imaptest.Script(t, far, "S: * PREAUTH [CAPABILITY "+caps+"] hi\nC: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK done\nC: $ NOOP\nS: "+
				strings.ReplaceAll(response, `\`, `\\`)+"\nS: $ OK done\n")
			c, err := NewClient(t.Context(), near, nil)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			_, err = c.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			require.NoError(t, c.Noop(t.Context()))
			events := c.Events()
			require.Len(t, events, 1)
			t.Logf("%T", events[0])
			assert.Greater(t, textOf(reflect.ValueOf(events)), 1<<12-8)
			assert.GreaterOrEqual(t, events[0].size(), textOf(reflect.ValueOf(events)))
		})
	}
}

// TestEndOfUpdatesIsKept: the event for the end of a search's updates is kept when the queue overflows.
func TestEndOfUpdatesIsKept(t *testing.T) {
	q := &eventQueue{}
	end := &ContextEvent{Tag: "A1", Refusal: &Error{Status: "NO", Code: CodeNoUpdate}}
	q.add(end)
	q.add(&ContextEvent{Tag: "A1"})
	q.overflow()
	assert.Equal(t, []Event{&DroppedEvent{}, end}, q.take())
}

// TestHeldEventsAreBounded: events that may be queued later are limited in number and in bytes.
func TestHeldEventsAreBounded(t *testing.T) {
	var q eventQueue
	var many, large heldEvents
	for i := range 3 * maxEvents {
		q.hold(&many, &ExistsEvent{uint32(i)})
	}
	assert.LessOrEqual(t, len(many.list), maxEvents)
	assert.IsType(t, &DroppedEvent{}, many.list[0].Event)
	for range 3 {
		q.hold(&large, &UnknownEvent{make([]byte, maxEventCost/2)})
	}
	assert.LessOrEqual(t, large.cost, maxEventCost)
	assert.IsType(t, &DroppedEvent{}, large.list[0].Event)
}

// TestMailboxRows: rows keep their order, and a row for the same mailbox adds its attributes, however many there are.
func TestMailboxRows(t *testing.T) {
	for _, n := range []int{0, 1, firstListChunk - 1, firstListChunk, firstListChunk + 1, 24, 25, 3*firstListChunk + 1,
		listChunk - firstListChunk, listChunk - firstListChunk + 1, 2*listChunk - firstListChunk, 2*listChunk - firstListChunk + 1, 5000} {
		l := newMailboxRows()
		name := func(i int) string { return fmt.Sprintf("a/%d", i) }
		for i := range n {
			l.addText(t, `(\Marked) "/" "`+name(i)+`"`)
			if i == n/2 {
				l.entries() // of a first command
			}
		}
		for i := 0; i < n; i += 3 {
			l.addText(t, `(\marked \Sent) "/" `+name(i))
		}
		all := l.entries()
		require.Len(t, all, n)
		for i := range all {
			want := []MailboxAttr{AttrMarked}
			if i%3 == 0 {
				want = append(want, AttrSent)
			}
			assert.Equal(t, ListEntry{Name: name(i), Raw: name(i), Delimiter: "/", Attrs: want}, all[i])
		}
	}
}

func (l *mailboxRows) addText(t *testing.T, text string) {
	entry := l.next()
	assert.Equal(t, ListEntry{}, *entry)
	require.NoError(t, l.read(responseOf([]byte(text)), entry))
	l.add(entry)
}

// TestMailboxRowsHoldNoOther: a change of the attributes of one mailbox by the caller does not affect another, even if a
// server sends the same for both.
func TestMailboxRowsHoldNoOther(t *testing.T) {
	l := newMailboxRows()
	for _, name := range []string{"a", "b", "c"} {
		l.addText(t, `(\Marked) "/" `+name)
	}
	all := l.entries()
	all[0].subscribe()
	all[1].Attrs[0] = AttrSent
	assert.Equal(t, []MailboxAttr{AttrMarked, AttrSubscribed}, all[0].Attrs)
	assert.Equal(t, []MailboxAttr{AttrMarked}, all[2].Attrs)
	assert.Equal(t, []MailboxAttr{AttrMarked}, l.entries()[1].Attrs)
}

// TestMailboxRowsKeepWhatDiffers: equal rows share memory, and no row gets the values of another; a second row for a
// mailbox changes only that mailbox.
func TestMailboxRowsKeepWhatDiffers(t *testing.T) {
	rows := []string{
		`(\Marked) "/" a`, `(\Marked) "." b`, `(\Marked) NIL c`, `(\Sent) "/" d`, `(\Marked \Sent) "/" e`, `(\Sent \Marked) "/" f`,
		`() "/" g`, `"/" h`, `(\Marked) "/" "Entw&APw-rfe"`,
		`(\Marked) "/" j ("CHILDINFO" ("SUBSCRIBED"))`, `(\Marked) "/" k ("OLDNAME" ("i"))`, `(\Marked) "/" l`, `(\One) "/" m`, `(\Two) "/" n`,
	}
	l := newMailboxRows()
	var want []ListEntry
	for range 2 { // what has gone out of memory is kept again
		for _, text := range rows {
			l.addText(t, text)
		}
	}
	l.addText(t, `(\Drafts) "/" l`)
	for _, text := range rows {
		entry, err := responseOf([]byte(text)).listEntry()
		require.NoError(t, err)
		want = append(want, entry)
	}
	want[11].Attrs = []MailboxAttr{AttrMarked, AttrDrafts}
	assert.Equal(t, want, l.entries())
	assert.Equal(t, "Entwürfe", want[8].Name)
	assert.Equal(t, []string{"SUBSCRIBED"}, want[9].ChildInfo)
	assert.Equal(t, "i", want[10].OldName)
}

// TestTextSlab: strings have the content that was put in, before and after a block is full, and if they are too large for
// one.
func TestTextSlab(t *testing.T) {
	text := func(i int) string { return strings.Repeat("x", i%40+i%7*100) + fmt.Sprint(i) }
	var places []textPlace
	s := textSlab{limit: 256}
	for i := range 300 {
		places = append(places, s.add([]byte(text(i))))
	}
	for i, place := range places {
		assert.Equal(t, text(i), s.at(place))
	}
}

// shortLines returns a client that accepts lines of a few KiB only.
func shortLines(t *testing.T) (*Client, *cannedConn) {
	c, conn := cannedClient(t)
	c.e.conn.Limits.MaxLine = 40 << 10
	return c, conn
}

// TestLongSearchResults: results longer than MaxLine are read, in whatever pieces they arrive.
func TestLongSearchResults(t *testing.T) {
	const n = 30_000
	ranges := strings.TrimSuffix(strings.TrimPrefix(searchRanges(n, 3), "* ESEARCH UID ALL "), "\r\n")
	plain := strings.TrimSuffix(searchNumbers(n, 3), "\r\n")
	for name, answer := range map[string]string{
		"numbers":          plain,
		"modseq":           plain + " (MODSEQ 77)",
		"two lines":        plain + "\r\n" + searchNumbers(10, 1)[:len(searchNumbers(10, 1))-2],
		"extended":         "* ESEARCH UID ALL " + ranges,
		"items around":     fmt.Sprintf("* ESEARCH (TAG \"A2\") UID COUNT %d ALL %s MODSEQ 77", n, ranges),
		"lower case, tabs": strings.ReplaceAll(strings.Replace(plain, "SEARCH", "search", 1), " 1003", "\t1003"),
	} {
		for _, piece := range []int{0, 1, 1000, 16 << 10} {
			t.Run(fmt.Sprint(name, " by ", piece), func(t *testing.T) {
				c, conn := shortLines(t)
				conn.answer("UID SEARCH", answer+"\r\n")
				conn.piece = piece
				for range 2 { // the client is well afterwards
					answer := strings.ReplaceAll(answer, "A2", fmt.Sprint("A", c.e.tags+1))
					conn.answer("UID SEARCH", answer+"\r\n")
					res, err := c.Search(context.Background(), Where(), nil)
					require.NoError(t, err)
					assert.EqualValues(t, n, res.Count)
					assert.EqualValues(t, n, res.UIDs.Len())
					assert.EqualValues(t, 1000, res.Min)
					assert.Equal(t, strings.Contains(answer, "MODSEQ"), res.ModSeq == 77)
					assert.True(t, res.UIDs.isNormal())
				}
			})
		}
	}
}

// TestLongSearchBySequenceNumber has its result in Seqs.
func TestLongSearchBySequenceNumber(t *testing.T) {
	c, conn := shortLines(t)
	conn.answer("SEARCH", searchNumbers(30_000, 5))
	res, err := c.SearchSeq(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 30_000, res.Seqs.Len())
	assert.Nil(t, res.UIDs)
}

// TestLongSearchResultsThatAreNone: an invalid number fails the search, and an overlong unsolicited result fails the
// connection.
func TestLongSearchResultsThatAreNone(t *testing.T) {
	for _, answer := range []string{
		strings.Replace(searchNumbers(5000, 1), " 1200", " x", 1), strings.Replace(searchNumbers(5000, 1), " 5000", " 5000x", 1),
		searchNumbers(5000, 1)[:8+5*4000] + " 99999999999\r\n", strings.Replace(searchRanges(9000, 3), ",1400:", ",x:", 1),
	} {
		c, conn := shortLines(t)
		conn.answer("UID SEARCH", answer)
		_, err := c.Search(context.Background(), Where(), nil)
		var bad *ProtocolError
		require.ErrorAs(t, err, &bad, answer[:60])
		require.NoError(t, c.Noop(context.Background()))
	}
	c, conn := shortLines(t)
	conn.answer("NOOP", searchNumbers(30_000, 1))
	var limit *LimitError
	require.ErrorAs(t, c.Noop(context.Background()), &limit)
	assert.Equal(t, "MaxLine", limit.Name)
}

// TestLongSearchOfAnother: an ESEARCH with another tag is not the result.
func TestLongSearchOfAnother(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID SEARCH", strings.Replace(searchRanges(30_000, 1), "ESEARCH", `ESEARCH (TAG "other")`, 1)+"* SEARCH 7\r\n")
	res, err := c.Search(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, UIDs(7), res.UIDs)
}

func TestRunsAreBounded(t *testing.T) {
	s := runs{n: maxRuns - runsBlock, last: make([]Range[UID], runsBlock)}
	s.add(5)
	assert.True(t, s.over)
	assert.Error(t, s.err())
	assert.Len(t, s.last, runsBlock)
}

func TestRunsKeepBlocksInOrder(t *testing.T) {
	var s runs
	for i := range UID(3*runsBlock + 5) {
		s.add(2*i + 1)
	}
	s.add(2) // out of order
	set := s.set()
	assert.Len(t, set, 3*runsBlock+4)
	assert.Equal(t, Range[UID]{1, 3}, set[0])
	assert.True(t, set.isNormal())
}

// TestSlabDrop: what was appended and given up leaves nothing in the block, also where it has grown out of it.
func TestSlabDrop(t *testing.T) {
	for _, n := range []int{1, 3, 20} {
		s := slab[int]{limit: 8}
		s.take(5)
		tail := s.tail()
		for range n {
			tail = append(tail, 7)
		}
		s.drop(tail)
		for _, v := range s.tail()[:cap(s.tail())] {
			assert.Zero(t, v, n)
		}
	}
}

// TestShortSetOfLongText: a set takes memory for its ranges, not for the text from which it was parsed.
func TestShortSetOfLongText(t *testing.T) {
	const long = 1 << 20
	uids, err := ParseUIDSet("1" + strings.Repeat(",3,1", long))
	require.NoError(t, err)
	assert.Equal(t, UIDs(1, 3), uids)
	assert.Less(t, cap(uids), 100)
	short := "1" + strings.Repeat(",3", 2*firstRanges)
	set, n, err := parseSetBytes[UID]([]byte(short + " " + strings.Repeat(",", long)))
	require.NoError(t, err)
	assert.Equal(t, len(short), n)
	assert.Less(t, cap(set), 2*len(set))
}

// TestLeadingDigits compares eight bytes at once with one byte after the other.
func TestLeadingDigits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 100_000 {
		b := make([]byte, 8)
		for i, digits := 0, rng.IntN(9); i < len(b); i++ {
			if b[i] = byte(rng.IntN(256)); i < digits {
				b[i] = '0' + byte(rng.IntN(10))
			}
		}
		want, length := decimal(b)
		n, size := leadingDigits(binary.LittleEndian.Uint64(b))
		require.Equal(t, length, size, "%q", b)
		if 0 < size && size < 8 {
			require.Equal(t, want, n, "%q", b)
		}
	}
}

// TestNumbersInAnyOrder: the set of a search is normal whatever numbers it has, also after the largest one.
func TestNumbersInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	for range 20_000 {
		var want UIDSet
		var text []byte
		for range 1 + rng.IntN(80)*rng.IntN(2) + rng.IntN(4) {
			n := uint32(1 + rng.IntN(6))
			if rng.IntN(2) == 0 {
				n = math.MaxUint32 - uint32(rng.IntN(4))
			}
			want = append(want, Range[UID]{UID(n), UID(n)})
			text = fmt.Appendf(text, " %0*d", rng.IntN(2)*rng.IntN(23), n)
		}
		var s runs
		end, zero := s.numbers(text)
		require.False(t, zero)
		require.Equal(t, len(text), end)
		require.Equal(t, want.normalize(), s.set(), "%s", text)
	}
}
