package corpus_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corpusSize is the number of cases in testdata/corpus.
const corpusSize = 893

// corpusCase is a case of testdata/corpus, whose README explains the fields.
type corpusCase struct {
	key    string // folder and name
	Name   string
	Source string
	Wire   []byte `json:"wire_base64"`
	Expect struct {
		Accept     *bool
		Basis      string
		Responses  []wanted
		Fragment   string
		Decoded    string
		Quirk      bool
		Incomplete bool
	}
}

// wanted is the expected value of a response. Fields of several shapes are parsed by their users.
type wanted struct {
	Kind, Tag string
	Code      *wantedCode
	Text      corpusText
	Values    []string
	Flags     []string
	Num       uint32
	Attrs     json.RawMessage
	Delim     string
	Mailbox   corpusText
	Items     json.RawMessage
	Nums      []uint32
	ModSeq    uint64
	UID       json.RawMessage
	Earlier   bool
	UIDs      string
	Threads   []wantedThread
	Personal  []wantedNamespace
	Other     []wantedNamespace
	Shared    []wantedNamespace
	Root      string
	Resources []struct {
		Name         string
		Usage, Limit uint64
	}
	Roots    []string
	Entries  json.RawMessage
	Names    []string
	ID       string
	Required string
	Optional []string
	Rights   string
	Fields   map[string]*string
	Seq      uint32
}

type wantedCode struct {
	Name      string
	Value     json.RawMessage
	Raw       string
	Malformed bool
}

type wantedThread struct {
	Num      uint32
	Children []wantedThread
}

type wantedNamespace struct{ Prefix, Delim string }

func loadCorpus(t testing.TB) []*corpusCase {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*/*.jsonl")
	require.NoError(t, err)
	var cases []*corpusCase
	seen := make(map[string]bool)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
			c := new(corpusCase)
			require.NoError(t, d.Decode(c), name)
			c.key = filepath.Base(filepath.Dir(name)) + "/" + c.Name
			require.False(t, seen[c.key], "%s twice", c.key)
			seen[c.key] = true
			cases = append(cases, c)
		}
	}
	return cases
}

// TestCorpus runs every case: the result of a real client is compared, typed, with what the corpus expects, whether the
// bytes arrive at once, one by one, or in pieces; and whatever they are, the next NOOP works.
func TestCorpus(t *testing.T) {
	cases := loadCorpus(t)
	require.Len(t, cases, corpusSize)
	ran, excepted := 0, 0
	for _, c := range cases {
		t.Run(c.key, func(t *testing.T) {
			for _, split := range []int{0, 1, 13} {
				c.run(t, split)
			}
		})
		ran++
		if corpusExceptions[c.key] != "" {
			excepted++
		}
	}
	require.Equal(t, len(corpusExceptions), excepted, "an exception names no case")
	for _, key := range slices.Sorted(maps.Keys(corpusExceptions)) {
		t.Logf("exception: %s: %s", key, corpusExceptions[key])
	}
	t.Logf("%d of %d, with %d exceptions", ran, corpusSize, excepted)
}

func (c *corpusCase) run(t *testing.T, split int) {
	switch {
	case c.Expect.Fragment == "mutf7":
		c.runName(t)
	case c.Expect.Fragment == "message":
		c.runMessage(t, split)
	case c.Expect.Incomplete:
		c.runIncomplete(t, split)
	default:
		c.runWhole(t, split)
		c.runEach(t, split)
	}
}

// runName: modified UTF-7 both ways.
func (c *corpusCase) runName(t *testing.T) {
	name, err := imap.DecodeMailboxName(string(c.Wire))
	require.NoError(t, err)
	assert.Equal(t, c.Expect.Decoded, name)
	assert.Equal(t, string(c.Wire), imap.EncodeMailboxName(name))
}

// runMessage: a whole message as a body, in memory and streamed.
func (c *corpusCase) runMessage(t *testing.T, split int) {
	row := fmt.Appendf(nil, "* 3 FETCH (UID 9 BODY[] {%d}\r\n%s FLAGS (\\Seen))\r\n", len(c.Wire), c.Wire)
	x := corpusTalk(t, split, corpusCaps, row)
	m, err := x.c.FetchOne(x.ctx, 9, imap.Section{}, imap.FetchFlags)
	require.NoError(t, err)
	assert.Equal(t, string(c.Wire), string(m.Section(imap.Section{})))
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	x.noop(t)

	x = corpusTalk(t, split, corpusCaps, row)
	var got bytes.Buffer
	for m, err := range x.c.FetchStream(x.ctx, imap.UIDs(9), imap.Section{}, imap.FetchFlags) {
		require.NoError(t, err)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			_, err = io.Copy(&got, b)
			require.NoError(t, err)
		}
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	}
	assert.Equal(t, string(c.Wire), got.String())
	x.noop(t)
}

// runIncomplete: a reader waits for the rest of a response, and uses it when it arrives.
func (c *corpusCase) runIncomplete(t *testing.T, split int) {
	rest := "\r\n"
	if n := corpusLiteral.FindSubmatch(c.Wire); n != nil {
		size, _ := strconv.Atoi(string(n[1]))
		rest = strings.Repeat("x", size) + ")\r\n"
	} else if bytes.HasSuffix(c.Wire, []byte("\r")) {
		rest = "\n"
	}
	more := make(chan struct{})
	conn := corpusServer(t, split, corpusCaps, func(w io.Writer, tag, _ string) bool {
		w.Write(c.Wire)
		<-more
		io.WriteString(w, rest+tag+" OK done\r\n")
		return true
	})
	x := corpusClient(t, conn)
	done := make(chan error, 1)
	go func() { done <- x.c.Noop(x.ctx) }()
	select {
	case err := <-done:
		t.Errorf("%q ended the call: %v", c.Wire, err)
	case <-time.After(time.Millisecond):
	}
	close(more)
	require.NoError(t, <-done)
	x.noop(t)
}

var corpusLiteral = regexp.MustCompile(`\{([0-9]+)\+?\}\r\n$`)

// ---- conversations

// corpusCaps are the capabilities of the server of a case: everything that a call may need.
const corpusCaps = testkit.WireCaps + " NAMESPACE ID QUOTA QUOTASET ACL METADATA SORT THREAD=REFERENCES BINARY OBJECTID PREVIEW SAVEDATE " +
	"X-GM-EXT-1 APPENDLIMIT PARTIAL SORT=DISPLAY STATUS=SIZE QUOTA=RES-MESSAGE"

// exchange is a client in a conversation with the server of a case.
type exchange struct {
	c    *imap.Client
	log  *traceLog
	ctx  context.Context
	conn *imaptest.PipeConn
}

// corpusTalk returns a client with a selected mailbox whose next command is answered with wire.
func corpusTalk(t *testing.T, split int, caps string, wire []byte) *exchange {
	t.Helper()
	return corpusClient(t, corpusServer(t, split, caps, func(w io.Writer, tag, name string) bool {
		if name == "ENABLE" && !bytes.Contains(bytes.ToUpper(wire), []byte("ENABLED")) {
			return false
		}
		w.Write(answerWith(wire, tag))
		return true
	}))
}

func corpusClient(t *testing.T, conn *imaptest.PipeConn) *exchange {
	t.Helper()
	x := &exchange{log: &traceLog{}, conn: conn, ctx: t.Context()}
	var err error
	x.c, err = imap.NewClient(x.ctx, conn, &imap.Options{Logger: slog.New(x.log), Timeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { x.c.Close() })
	_, err = x.c.Select(x.ctx, "corpus", nil)
	require.NoError(t, err)
	x.c.Events()
	return x
}

// noop: whatever came before, the next command works.
func (x *exchange) noop(t *testing.T) {
	t.Helper()
	require.NoError(t, x.c.Noop(x.ctx))
}

// corpusServer starts the server of a case: it answers OK to everything except the first command after SELECT, which answer
// answers.
func corpusServer(t *testing.T, split int, caps string, answer func(w io.Writer, tag, name string) bool) *imaptest.PipeConn {
	near, far := imaptest.Pipe()
	near.SplitReads(split)
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.WriteString(far, "* PREAUTH [CAPABILITY "+caps+"] hi\r\n")
		commands := bufio.NewReader(far)
		for n, answered := 0, false; ; n++ {
			tag, name, err := readCorpusCommand(commands)
			switch {
			case err != nil:
				return
			case n == 0:
				io.WriteString(far, "* 5 EXISTS\r\n"+tag+" OK [READ-WRITE] done\r\n")
			case !answered && answer(far, tag, name):
				answered = true
			case name == "ENABLE":
				io.WriteString(far, "* ENABLED CONDSTORE QRESYNC\r\n"+tag+" OK done\r\n")
			default:
				io.WriteString(far, tag+" OK done\r\n")
			}
		}
	}()
	t.Cleanup(func() {
		near.Close()
		far.Close()
		<-done
	})
	return near
}

// readCorpusCommand reads a command with its literals.
func readCorpusCommand(r *bufio.Reader) (tag, name string, err error) {
	for line := []byte(nil); ; {
		if line, err = r.ReadBytes('\n'); err != nil {
			return "", "", err
		}
		if fields := strings.Fields(string(line)); tag == "" && len(fields) >= 2 {
			tag, name = fields[0], strings.ToUpper(fields[1])
		}
		n := corpusLiteral.FindSubmatch(line)
		if n == nil {
			return tag, name, nil
		}
		size, _ := strconv.ParseInt(string(n[1]), 10, 64)
		if _, err = io.CopyN(io.Discard, r, size); err != nil {
			return "", "", err
		}
	}
}

var (
	taggedStart = regexp.MustCompile(`(?m)^[^*+\[ \r\n][^ \r\n]* +(?i:OK|NO|BAD)\b`)
	esearchTag  = regexp.MustCompile(`\(TAG "[^"]*"\)`)
)

// answerWith makes wire the answer to the command with this tag: a tagged line gets the tag, and is added if missing.
func answerWith(wire []byte, tag string) []byte {
	wire = esearchTag.ReplaceAll(wire, []byte(`(TAG "`+tag+`")`))
	frames := splitFrames(wire)
	last := frames[len(frames)-1]
	if !taggedStart.Match(last) {
		return append(bytes.Clone(wire), tag+" OK done\r\n"...)
	}
	_, rest, _ := bytes.Cut(last, []byte(" "))
	out := bytes.Clone(wire[:len(wire)-len(last)])
	return append(append(out, tag+" "...), rest...)
}

// splitFrames splits bytes into responses, independently of the library.
func splitFrames(wire []byte) [][]byte {
	var frames [][]byte
	for len(wire) > 0 {
		end := 0
		for end < len(wire) {
			i := bytes.IndexByte(wire[end:], '\n')
			if i < 0 {
				end = len(wire)
				break
			}
			line := wire[end : end+i+1]
			end += i + 1
			n := corpusLiteral.FindSubmatch(line)
			if n == nil {
				break
			}
			size, err := strconv.Atoi(string(n[1]))
			if err != nil {
				break
			}
			end = min(end+size, len(wire))
		}
		frames = append(frames, wire[:end])
		wire = wire[end:]
	}
	return frames
}

// ---- whole answers

// runWhole returns the whole case as the answer to a NOOP and to a raw command. Only bytes that cannot be framed end the
// connection; unsolicited data is an event.
func (c *corpusCase) runWhole(t *testing.T, split int) {
	x := corpusTalk(t, split, corpusCaps, c.Wire)
	err := x.c.Noop(x.ctx)
	if c.lost() {
		require.Error(t, err)
		assert.ErrorIs(t, err, imap.ErrClosed)
		return
	}
	c.checkEnd(t, err)
	if got := describeAll(t, x.c.Events(), x.c.Mailbox(), err); c.dump(split, "noop", got) != got {
		t.Errorf("another result in pieces of %d: %s", split, got)
	}
	x.noop(t)

	x = corpusTalk(t, split, corpusCaps, c.Wire)
	resp, err := x.c.Do(x.ctx, "XCORPUS")
	c.checkEnd(t, err)
	if got := describeAll(t, resp); c.dump(split, "do", got) != got {
		t.Errorf("another raw result in pieces of %d: %s", split, got)
	}
	x.noop(t)
}

// lost reports whether the case ends the connection.
func (c *corpusCase) lost() bool {
	for _, r := range c.Expect.Responses {
		if r.Kind == "BYE" {
			return true
		}
	}
	return corpusLost[c.key] != ""
}

// checkEnd compares the end of a command with the tagged response of the case.
func (c *corpusCase) checkEnd(t *testing.T, err error) {
	t.Helper()
	for _, r := range c.Expect.Responses {
		if r.Tag != "" && (r.Kind == "NO" || r.Kind == "BAD") {
			e, ok := errors.AsType[*imap.Error](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, r.Kind, e.Status)
			return
		}
	}
	require.NoError(t, err)
}

var corpusDumps = make(map[string]string)

// dump keeps the first result of a case for comparison with the others.
func (c *corpusCase) dump(split int, what, got string) string {
	key := c.key + " " + what
	if split == 0 {
		corpusDumps[key] = got
	}
	return corpusDumps[key]
}

func describeAll(t *testing.T, values ...any) string {
	t.Helper()
	var b strings.Builder
	for _, v := range values {
		if err, ok := v.(error); ok {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		}
		if events, ok := v.([]imap.Event); ok {
			for _, e := range events {
				text, err := json.Marshal(e)
				require.NoError(t, err)
				fmt.Fprintf(&b, "%T %s\n", e, text)
			}
			continue
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s\n", text)
	}
	return b.String()
}
