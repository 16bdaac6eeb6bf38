package imap

import (
	"context"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStateAfterInterruptedWrite: a write is interrupted, and a call that waits behind it learns of it before the call that
// wrote. For both the connection has ended.
func TestStateAfterInterruptedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
		let := make(chan struct{})
		c, err := NewClient(t.Context(), blockingWrites{near, let}, nil)
		require.NoError(t, err)
		go func() {
			let <- struct{}{}
			far.Write([]byte("* 3 EXISTS\r\nA1 OK [READ-WRITE] in\r\n"))
		}()
		_, err = c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		written := make(chan error)
		go func() { written <- c.Noop(ctx) }()
		synctest.Wait()
		behind := make(chan error)
		go func() { behind <- c.Noop(t.Context()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-behind, ErrClosed)
		state, mailbox := c.State(), c.Mailbox()
		close(let)
		require.ErrorIs(t, <-written, context.Canceled)
		require.Equal(t, LoggedOut, state)
		require.Nil(t, mailbox)
	})
}

// TestCloseBeforeFlush: a goroutine that waits for the token to flush a pipeline is woken by the end of the connection,
// though another goroutine holds the token.
func TestCloseBeforeFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		c.e.send <- struct{}{}
		done := make(chan error, 1)
		go func() { done <- c.e.flushPending(context.Background()) }()
		synctest.Wait()
		require.Empty(t, done)
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-done, ErrClosed)
	})
}

// blockingWrites is a connection whose writes block until they are released.
type blockingWrites struct {
	net.Conn
	let chan struct{}
}

func (c blockingWrites) Write(b []byte) (int, error) {
	<-c.let
	return len(b), nil
}

// writesOf counts the writes of a connection while f runs.
func writesOf(conn *cannedConn, f func()) int {
	count := func() int {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return conn.writes
	}
	from := count()
	f()
	return count() - from
}

// TestPipelinedCommandsAreSentTogether: commands that are made while others are written are sent in one write.
func TestPipelinedCommandsAreSentTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn := cannedClient(t)
		conn.settle = true
		writes := writesOf(conn, func() {
			p := c.Pipeline()
			for range 100 {
				p.Go(func(c *Client) error { return c.Noop(context.Background()) })
			}
			require.NoError(t, p.Wait())
		})
		assert.Less(t, writes, 10)
	})
}

// TestPipelinedCommandIsSentWithoutWait: a command is sent without a call of Wait or of anything else.
func TestPipelinedCommandIsSentWithoutWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		start := time.Now()
		done := make(chan error)
		p := c.Pipeline()
		p.Go(func(c *Client) error {
			for range 3 {
				if err := c.Noop(context.Background()); err != nil {
					return err
				}
			}
			close(done)
			return nil
		})
		<-done
		assert.Equal(t, 3*pipelineDelay, time.Since(start))
		require.NoError(t, p.Wait())
	})
}

// TestCommandsAfterAPipelineDoNotWait: a command outside of a pipeline flushes what the pipeline has collected.
func TestCommandsAfterAPipelineDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn := cannedClient(t)
		start := time.Now()
		p := c.Pipeline()
		for range 3 {
			p.Go(func(c *Client) error { return c.Noop(context.Background()) })
		}
		assert.Equal(t, 2, writesOf(conn, func() { require.NoError(t, c.Noop(context.Background())) }))
		require.NoError(t, p.Wait())
		assert.Zero(t, time.Since(start))
	})
}

// TestPipelineMakesRoomForQueuedCommands: commands that are not answered are looked at once for as many new ones, not for each.
func TestPipelineMakesRoomForQueuedCommands(t *testing.T) {
	c, _ := cannedClient(t)
	p := c.Pipeline()
	p.queued = make([]queuedCommand, 0, maxPipelined)
	for range cap(p.queued) {
		p.queued = append(p.queued, queuedCommand{cmd: new(command)})
	}
	p.endAnswered()
	require.Len(t, p.queued, maxPipelined)
	assert.GreaterOrEqual(t, cap(p.queued), 2*maxPipelined)
}

// TestPipelineKeepsFewQueuedCommands: a pipeline does not keep all its commands until Wait.
func TestPipelineKeepsFewQueuedCommands(t *testing.T) {
	c, _ := cannedClient(t)
	p := c.Pipeline()
	for range 20 * maxWindow {
		p.Noop(context.Background())
	}
	assert.LessOrEqual(t, len(p.queued), 2*maxWindow)
	require.NoError(t, p.Wait())
}

// TestPipelineWithCallsThatWaitForEachOther: calls that wait for something other than the connection do not block it.
func TestPipelineWithCallsThatWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		turn := make(chan struct{})
		p := c.Pipeline()
		p.Go(func(c *Client) error {
			err := c.Noop(context.Background())
			<-turn
			return err
		})
		p.Go(func(c *Client) error {
			defer close(turn)
			return c.Noop(context.Background())
		})
		require.NoError(t, p.Wait())
	})
}

// TestSecondCancelUpdate: a search that is left while CANCELUPDATE for another one cannot be sent is cancelled later,
// together with that.
func TestSecondCancelUpdate(t *testing.T) {
	near, far := imaptest.Pipe()
	t.Cleanup(func() { far.Close() })
	go imaptest.Script(t, far, `
		S: * PREAUTH [CAPABILITY IMAP4rev1] hi
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: $ OK done
		C: $ CANCELUPDATE "one" "two"
		S: $ OK done
		C: $ NOOP
		S: $ OK done
	`)
	c, err := NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	c.e.mu.Lock()
	c.e.cancelLater("one", func(tags ...string) *command {
		c.e.mu.Lock()
		defer c.e.mu.Unlock()
		if ctx.Err() == nil {
			c.e.cancelLater("two", cancelUpdate)
		}
		cancel()
		return cancelUpdate(tags...)
	})
	c.e.mu.Unlock()
	require.ErrorIs(t, c.Noop(ctx), context.Canceled)
	require.NoError(t, c.Noop(t.Context()))
}

// A random answer to FETCH: items in any order, in one response or in several, sections in every form and of many sizes,
// with unsolicited data between the rows. Fetch and FetchStream have to return exactly that.

var fetchSeeds = flag.Int("fetchseeds", 200, "how many answers to FETCH are made at random")

// fetchAnswer is an answer to a FETCH and the result that it stands for.
type fetchAnswer struct {
	rng   *rand.Rand
	attrs []FetchAttr
	wants []Section
	set   UIDSet
	wire  strings.Builder
	log   []string // the wire, long bodies left out
	want  []string // the messages, in the order in which they are complete
	news  []string // events
	exist uint32
	seqs  map[UID]SeqNum
	order []UID
	flags map[UID]string
	sizes map[UID]int64
	texts map[UID][]string // sections, in the order of the wire
	came  map[UID]map[string]bool
}

// madeRow is a response that was not written yet.
type madeRow struct {
	uid   UID
	items []string
	texts []string
}

var fetchSections = []Section{
	{}, {Specifier: "HEADER"}, {Specifier: "TEXT"}, {Part: []int{1}}, {Part: []int{2, 1}}, {Part: []int{3}, Binary: true},
	{Specifier: "TEXT", Offset: 5, Count: 100000},
}

func newFetchAnswer(seed uint64) *fetchAnswer {
	a := &fetchAnswer{rng: rand.New(rand.NewPCG(seed, 14)), seqs: make(map[UID]SeqNum), flags: make(map[UID]string), sizes: make(map[UID]int64), texts: make(map[UID][]string), came: make(map[UID]map[string]bool)}
	for _, attr := range []FetchAttr{FetchFlags, FetchSize} {
		if a.rng.IntN(3) > 0 {
			a.attrs = append(a.attrs, attr)
		}
	}
	for _, s := range fetchSections {
		if a.rng.IntN(4) == 0 {
			a.wants = append(a.wants, s)
		}
	}
	if len(a.attrs)+len(a.wants) == 0 {
		a.wants = fetchSections[:1]
	}
	var rows []madeRow
	for i := range 1 + a.rng.IntN(6) {
		uid := UID(10 + 10*i + a.rng.IntN(9))
		a.set.add(uid)
		a.order = append(a.order, uid)
		a.seqs[uid] = SeqNum(5 + i)
		rows = append(rows, a.message(uid)...)
	}
	a.exist = 20
	a.write(rows)
	return a
}

// message makes the rows of a message.
func (a *fetchAnswer) message(uid UID) []madeRow {
	a.sizes[uid] = int64(a.rng.IntN(1 << 20))
	a.flags[uid] = []string{"", `\Seen`, `\Seen $Junk`}[a.rng.IntN(3)]
	type item struct{ text, section string }
	items := []item{{text: fmt.Sprintf("UID %d", uid)}}
	for _, attr := range a.attrs {
		switch attr {
		case FetchFlags:
			items = append(items, item{text: "FLAGS (" + a.flags[uid] + ")"})
		case FetchSize:
			items = append(items, item{text: fmt.Sprintf("RFC822.SIZE %d", a.sizes[uid])})
		}
	}
	for _, s := range a.wants {
		value, text := a.value(s)
		items = append(items, item{sectionName(s) + " " + value, shown(sectionName(s), text)})
	}
	a.rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	parts := 1
	if a.rng.IntN(3) == 0 {
		parts = 1 + a.rng.IntN(min(3, len(items)))
	}
	repeat := parts > 1 && a.rng.IntN(2) == 0 // the UID is in all of the responses
	rows := make([]madeRow, parts)
	for i, it := range items {
		row := &rows[i*parts/len(items)]
		row.items = append(row.items, it.text)
		if it.section != "" {
			row.texts = append(row.texts, it.section)
		}
	}
	for i := range rows {
		rows[i].uid = uid
		text := fmt.Sprintf("UID %d", uid)
		if repeat && !slices.Contains(rows[i].items, text) {
			rows[i].items = slices.Insert(rows[i].items, a.rng.IntN(len(rows[i].items)+1), text)
		}
	}
	return rows
}

// sectionName is the name of a section as the server writes it.
func sectionName(s Section) string {
	origin := ""
	if s.Offset > 0 {
		origin = fmt.Sprintf("<%d>", s.Offset)
	}
	s.Offset, s.Count = 0, 0
	e := &encoder{caps: parseCaps("IMAP4rev1 BINARY", extensions.implied), capsKnown: true, table: extensions}
	s.encode(e)
	return strings.Replace(string(e.buf), ".PEEK", "", 1) + origin
}

// bodyBytes are the bytes of bodies: those that have a meaning elsewhere.
const bodyBytes = "abc )(\"\\{}0123456789 UID 7 BODY[] * 5 FETCH\r\n"

// value makes the value of a section in any form.
func (a *fetchAnswer) value(s Section) (sent, text string) {
	size := []int{0, 0, 1, 4, 100, wire.InlineLiteral - 1, wire.InlineLiteral, wire.InlineLiteral + 1, 9000, 70000}[a.rng.IntN(10)]
	b := make([]byte, size)
	for i := range b {
		b[i] = bodyBytes[a.rng.IntN(len(bodyBytes))]
	}
	text = string(b)
	mark := ""
	if s.Binary && a.rng.IntN(2) == 0 {
		mark = "~"
	}
	switch a.rng.IntN(8) {
	case 0:
		return "NIL", ""
	case 1:
		if size <= 100 {
			text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
			return `"` + quotedEscapes.Replace(text) + `"`, text
		}
	}
	return fmt.Sprintf("%s{%d}\r\n%s", mark, len(text), text), text
}

// write writes the rows, those of different messages interleaved, with unsolicited data between them.
func (a *fetchAnswer) write(rows []madeRow) {
	for len(rows) > 0 {
		i := 0
		if a.rng.IntN(3) == 0 {
			i = a.rng.IntN(len(rows))
		}
		// FetchStream yields a message twice if its sections come in several responses with another message between them.
		if j := slices.IndexFunc(rows, func(r madeRow) bool { return len(a.wants) > 1 && len(a.came[r.uid]) > 0 }); j >= 0 {
			i = j
		}
		for j := range i { // the rows of one message keep their order
			if rows[j].uid == rows[i].uid {
				i = j
				break
			}
		}
		a.row(rows[i])
		rows = slices.Delete(rows, i, i+1)
		for a.rng.IntN(3) == 0 {
			a.tell()
		}
	}
}

func (a *fetchAnswer) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	a.wire.WriteString(text)
	a.log = append(a.log, text[:min(len(text), 200)])
}

func (a *fetchAnswer) row(row madeRow) {
	a.say("* %d FETCH (%s)\r\n", a.seqs[row.uid], strings.Join(row.items, " "))
	if a.came[row.uid] == nil {
		a.came[row.uid] = make(map[string]bool)
	}
	came, all := a.came[row.uid], 1+len(a.attrs)+len(a.wants)
	if len(came) == all { // the UID, once more
		a.news = append(a.news, fmt.Sprint("fetch ", row.uid))
		return
	}
	for _, item := range row.items {
		came[item] = true
	}
	a.texts[row.uid] = append(a.texts[row.uid], row.texts...)
	if len(came) == all {
		a.want = append(a.want, a.dump(row.uid, a.seqs[row.uid], a.flags[row.uid], a.sizes[row.uid], a.texts[row.uid]))
	}
}

// dump shows a message, as far as it was requested.
func (a *fetchAnswer) dump(uid UID, seq SeqNum, flags string, size int64, texts []string) string {
	head := fmt.Sprintf("%d UID %d", seq, uid)
	if slices.Contains(a.attrs, FetchFlags) {
		head += " (" + flags + ")"
	}
	if slices.Contains(a.attrs, FetchSize) {
		head += fmt.Sprint(" ", size)
	}
	return head + "\n" + strings.Join(texts, "\n")
}

// tell writes unsolicited data: about messages that were not requested, about messages that were delivered, about the
// mailbox.
func (a *fetchAnswer) tell() {
	done := len(a.want)
	switch a.rng.IntN(6) {
	case 0:
		a.exist++
		a.say("* %d EXISTS\r\n", a.exist)
		a.news = append(a.news, fmt.Sprint("exists ", a.exist))
	case 1:
		a.say("* 19 FETCH (UID 900 FLAGS (\\Draft) RFC822.SIZE 5 BODY[] {3}\r\nabc)\r\n")
		a.news = append(a.news, "fetch 900")
	case 2:
		a.say("* OK {5} still here {7}\r\n")
		a.news = append(a.news, "*imap.InfoEvent")
	case 3:
		if done > 0 {
			uid := a.delivered(a.rng.IntN(done))
			a.say("* %d FETCH (FLAGS (\\Deleted) UID %d)\r\n", a.seqs[uid], uid)
			a.news = append(a.news, fmt.Sprint("fetch ", uid))
		}
	case 4:
		if done > 0 {
			uid := a.delivered(a.rng.IntN(done))
			a.say("* %d FETCH (UID %d FLAGS () RFC822.SIZE 1 BODY[] {2}\r\nab BODY[HEADER] {0}\r\n)\r\n", a.seqs[uid], uid)
			a.news = append(a.news, fmt.Sprint("fetch ", uid))
		}
	case 5:
		// FetchStream returns the number that a message has when it is yielded, Fetch the number of its last response.
		if a.seqs[a.order[0]] > 1 && (len(a.wants) < 2 || !a.underWay()) {
			a.exist--
			a.say("* 1 EXPUNGE\r\n")
			a.news = append(a.news, "expunge 1")
			for uid := range a.seqs {
				a.seqs[uid]--
			}
		}
	}
}

// underWay reports whether a part of a message has arrived.
func (a *fetchAnswer) underWay() bool {
	for _, came := range a.came {
		if len(came) < 1+len(a.attrs)+len(a.wants) {
			return true
		}
	}
	return false
}

// delivered is the UID of a complete message.
func (a *fetchAnswer) delivered(i int) UID {
	var seq, uid int
	fmt.Sscanf(a.want[i], "%d UID %d", &seq, &uid)
	return UID(uid)
}

// shown is a section as failures show it.
func shown(name, text string) string {
	if len(text) <= 30 {
		return fmt.Sprintf("%s %q", name, text)
	}
	return fmt.Sprintf("%s of %d bytes, CRC %08x", name, len(text), crc32.ChecksumIEEE([]byte(text)))
}

func (a *fetchAnswer) items() (items []FetchItem) {
	for _, attr := range a.attrs {
		items = append(items, attr)
	}
	for _, s := range a.wants {
		items = append(items, s)
	}
	return items
}

func (a *fetchAnswer) fetch(t *testing.T, c *Client) (got []string) {
	for m, err := range c.Fetch(context.Background(), a.set, a.items()...) {
		require.NoError(t, err)
		var texts []string
		for _, s := range m.Sections {
			texts = append(texts, shown(sectionName(s.Section), string(s.Bytes)))
		}
		got = append(got, a.dump(m.UID, m.SeqNum, flagText(m.Flags), m.Size, texts))
	}
	return got
}

func (a *fetchAnswer) stream(t *testing.T, c *Client, read func(r io.Reader) (string, error)) (got []string) {
	for m, err := range c.FetchStream(context.Background(), a.set, a.items()...) {
		require.NoError(t, err)
		head := a.dump(m.UID, m.SeqNum, flagText(m.Flags), m.Size, nil)
		var texts []string
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := read(b)
			require.NoError(t, err)
			assert.EqualValues(t, len(text), b.Size)
			texts = append(texts, shown(sectionName(b.Section), text))
		}
		require.Equal(t, head, a.dump(m.UID, m.SeqNum, flagText(m.Flags), m.Size, nil), "all is set before the bodies are read")
		got = append(got, a.dump(m.UID, m.SeqNum, flagText(m.Flags), m.Size, texts))
	}
	return got
}

func flagText(flags []Flag) string {
	var texts []string
	for _, f := range flags {
		texts = append(texts, string(f))
	}
	return strings.Join(texts, " ")
}

func eventTexts(c *Client) (got []string) {
	for _, ev := range c.Events() {
		switch ev := ev.(type) {
		case *ExistsEvent:
			got = append(got, fmt.Sprint("exists ", ev.Count))
		case *ExpungeEvent:
			got = append(got, fmt.Sprint("expunge ", ev.SeqNum))
		case *FetchEvent:
			got = append(got, fmt.Sprint("fetch ", ev.Message.UID))
		default:
			got = append(got, fmt.Sprintf("%T", ev))
		}
	}
	return got
}

func readWhole(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	return string(b), err
}

// readBytes reads in pieces of several bytes.
func readBytes(n int) func(r io.Reader) (string, error) {
	return func(r io.Reader) (string, error) {
		var text strings.Builder
		for b := make([]byte, n); ; {
			n, err := r.Read(b)
			text.Write(b[:n])
			if err == io.EOF {
				return text.String(), nil
			}
			if err != nil {
				return text.String(), err
			}
		}
	}
}

// TestFetchOfAnyAnswer: Fetch and FetchStream return what was sent, in any order of items and in any pieces (P19).
func TestFetchOfAnyAnswer(t *testing.T) {
	for seed := range uint64(*fetchSeeds) {
		ok := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			a := newFetchAnswer(seed)
			c, conn := cannedClient(t)
			c.e.caps = parseCaps("IMAP4rev1 BINARY", extensions.implied)
			for _, piece := range []int{0, []int{1, 2, 3, 7, 100, 5000}[seed%6]} {
				conn.piece = piece
				if piece > 0 && len(a.wire.String()) > 1000*piece {
					continue
				}
				for name, got := range map[string]func() []string{
					"Fetch":                     func() []string { return a.fetch(t, c) },
					"FetchStream":               func() []string { return a.stream(t, c, readWhole) },
					"FetchStream, by few bytes": func() []string { return a.stream(t, c, readBytes(1+int(seed%5000))) },
				} {
					conn.answer("UID FETCH", a.wire.String())
					require.Equal(t, a.want, got(), "%s in pieces of %d", name, piece)
					require.Equal(t, a.news, eventTexts(c), "%s in pieces of %d", name, piece)
				}
			}
		})
		if !ok {
			t.Log(strings.Join(newFetchAnswer(seed).log, ""))
			break
		}
	}
}

// TestReturnedEventsAreFirst: events that were taken, and are returned, precede those that were queued meanwhile.
func TestReturnedEventsAreFirst(t *testing.T) {
	c, _ := cannedClient(t)
	e := c.e
	e.addEvents(&ExistsEvent{6}, &ExistsEvent{7})
	events, epoch := e.takeEvents()
	e.addEvents(&ExistsEvent{8})
	e.returnEvents(events, epoch, nil)
	require.Equal(t, []Event{&ExistsEvent{6}, &ExistsEvent{7}, &ExistsEvent{8}}, c.Events())
}

// TestReturnedEventsOfAFormerUser: events that were taken are not returned to another user.
func TestReturnedEventsOfAFormerUser(t *testing.T) {
	c, _ := cannedClient(t)
	c.e.addEvents(&ExistsEvent{6})
	events, epoch := c.e.takeEvents()
	c.e.events.forget()
	c.e.returnEvents(events, epoch, nil)
	require.Empty(t, c.Events())
}
