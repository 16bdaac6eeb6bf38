package imap_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traceLog keeps the records of a Debug log: what the client said it tolerated, and the whole text.
type traceLog struct {
	mu        sync.Mutex
	tolerated []string
	text      bytes.Buffer
}

func (l *traceLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *traceLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *traceLog) WithGroup(string) slog.Handler            { return l }

func (l *traceLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "tolerated" {
			l.tolerated = append(l.tolerated, a.Value.String())
		}
		l.text.WriteString(r.Message + " " + a.Value.String() + "\n")
		return true
	})
	return nil
}

// take returns what was tolerated since the last call.
func (l *traceLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.tolerated
	l.tolerated = nil
	return got
}

// TestNothingIsRepairedInSilence: what breaks the grammar and is taken all the same is in the log, and what does not
// break it is not.
func TestNothingIsRepairedInSilence(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{`* 1 FETCH (UID 7 FLAGS (\Seen) ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))`, ""},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL NIL NIL NIL))`, ""},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE (("A" "B" NIL NIL NIL "7BIT" 5)("A" "B" NIL NIL NIL "7BIT" 5) "MIXED"))`, ""},
		{`* STATUS "a  b" (MESSAGES 1)`, ""},
		{`* 1 FETCH (UID 7 FLAGS (\Seen )) `, "space inside parentheses; space at the end of the line"},
		{`*  1 FETCH (UID 7  FLAGS ())`, "more than one space"},
		{`* 1 FETCH (UID 7 FLAGS ("a"))`, "flag as a string"},
		{`* 1 FETCH (UID 7 MODSEQ (-1))`, "mod-sequence that is none"},
		{`* 1 FETCH (UID 7 INTERNALDATE "1-Jan-2020 00:00:00 +0000")`, "odd form of a date"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("MIXED"))`, "multipart without parts"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("a" "b"c" NIL NIL NIL "7BIT" -1))`, "quote inside a quoted string; size that is no number"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL ((NIL NIL "<a" "b>"))))`, "angle brackets around an address; envelope or address that ends early"},
		{`* 0 FETCH (FLAGS ())`, "data of a message that cannot be"},
		{`* LIST (HasNoChildren) "/" a b`, "attribute without a backslash; mailbox name without quotes"},
		{`* OK [UIDNEXT 5]`, "status without text"},
		{`* OK [UIDNEXT x] x`, "code whose number is none"},
		{`* [UIDNEXT 5] x`, "code without OK before it"},
		{`+ idling`, "continuation that nobody asked for"},
		{`Server Unavailable. 15`, "stray line"},
	} {
		log := &traceLog{}
		conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ SELECT a\nS: $ OK done\n"+
			"C: $ NOOP\nS: "+test.line+"\nS: $ OK done\n")
		c, err := imap.NewClient(t.Context(), conn, &imap.Options{Logger: slog.New(log)})
		require.NoError(t, err)
		_, err = c.Select(t.Context(), "a", nil)
		require.NoError(t, err)
		require.Empty(t, log.take())
		require.NoError(t, c.Noop(t.Context()))
		assert.Equal(t, test.want, strings.Join(log.take(), "; "), "%s", test.line)
	}
}

// TestCorpusNotRepairedInSilence: each case of the corpus whose octets break the grammar is in the log, and the examples
// of the RFCs are not, save those that need a word.
func TestCorpusNotRepairedInSilence(t *testing.T) {
	noted := map[string]string{
		"imap-codec/tests/trace.rs#51":  "delimiter behind a mailbox name",    // #news. as a root: legal, and the name is changed
		"imap-codec/tests/trace.rs#120": "continuation that nobody asked for", // an answer to nothing, here
	}
	seen := 0
	for _, c := range loadCorpus(t) {
		example := strings.HasPrefix(c.key, "imap-codec/tests/trace.rs")
		if !c.Expect.Quirk && !example {
			continue
		}
		seen++
		x := corpusTalk(t, 0, corpusCaps, c.Wire)
		x.log.take()
		x.c.Noop(x.ctx)
		var notes []string
		for _, note := range x.log.take() {
			if !example || !strings.HasPrefix(note, "unsolicited response") && !strings.HasPrefix(note, "tagged response") {
				notes = append(notes, note)
			}
		}
		if example {
			assert.Equal(t, noted[c.key], strings.Join(notes, "; "), "%s: %q", c.key, c.Wire)
		} else if corpusLost[c.key] == "" {
			assert.NotEmpty(t, notes, "%s: %q", c.key, c.Wire)
		}
	}
	assert.Greater(t, seen, 150)
}
