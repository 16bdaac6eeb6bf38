package corpus_test

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

// traceLog keeps the records of a Debug log: the deviations that the client tolerated, and the whole text.
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

// take returns the deviations that were tolerated since the last call.
func (l *traceLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.tolerated
	l.tolerated = nil
	return got
}

// TestNothingIsRepairedInSilence: input that violates the grammar and is accepted anyway is in the log, and valid input is
// not.
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
		{`* 1 FETCH (UID 7 INTERNALDATE "1-Jan-2020 00:00:00 +0000")`, "unusual form of a date"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("MIXED"))`, "multipart without parts"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("a" "b"c" NIL NIL NIL "7BIT" -1))`, "quote inside a quoted string; size that is no number"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL ((NIL NIL "<a" "b>"))))`, "angle brackets around an address; envelope or address that ends early"},
		{`* 0 FETCH (FLAGS ())`, "data of a message that cannot be"},
		{`* LIST (HasNoChildren) "/" a b`, "attribute without a backslash; mailbox name without quotes"},
		{`* OK [UIDNEXT 5]`, "status without text"},
		{`* OK [UIDNEXT x] x`, "code whose number is none"},
		{`* [UIDNEXT 5] x`, "code without OK before it"},
		{`+ idling`, "unrequested continuation"},
		{`* 1 FETCH (UID 7 INTERNALDATE NIL)`, "NIL for a date"},
		{`* 1 FETCH (UID 7 FLAGS NIL)`, "NIL for a list of flags"},
		{`* 1 FETCH (UID 7 FLAGS \Seen)`, "flag without parentheses"},
		{`* 1 FETCH (UID 7 X-GM-LABELS (NIL))`, "NIL for a label"},
		{`* 1 FETCH (UID 7 MODSEQ 5)`, "mod-sequence without parentheses"},
		{`* 1 FETCH (UID 7 (FLAGS (a)))`, "parentheses around an item"},
		{`* 1 FETCH ()`, "data without items"},
		{`* 1 FETCH (UID 7 BODY[]<0.5> "x")`, "count behind an origin"},
		{`* 1 FETCH (UID 7 RFC822[] "x")`, "brackets behind RFC822; section behind RFC822"},
		{`* 1 FETCH (UID 7 BODY[])`, "section without a value"},
		{`* 1 FETCH (UID 7,FLAGS (a))`, "no space between values; comma between values"},
		{`* 1 FETCH (UID 7FLAGS (a))`, "no space between values"},
		{`* 1 FETCH (UID 7)FLAGS`, "no space between values; data behind that of the message"},
		{`* 1 FETCH (UID 7) FLAGS (a)`, "item behind the data of the message"},
		{`* 1 FETCH (UID 7) FLAGS (a))`, "item behind the data of the message"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL (NIL NIL) NIL NIL))`, "NIL for a disposition"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL ("inline") NIL NIL))`, "disposition without parameters"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL "inline" NIL NIL))`, "disposition without parentheses"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL NIL (NIL) NIL))`, "NIL for a language"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL NIL 5 1))`, "NIL for an encoding"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL " 7BIT " 5 1))`, "space around an encoding"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ())`, "empty body structure"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" () NIL NIL "7BIT" 5 1))`, "empty list of parameters"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" "x" NIL NIL "7BIT" 5 1))`, "string for a list of parameters"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" ("A") NIL NIL "7BIT" 5 1))`, "parameter without a value"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5))`, "text without a number of lines"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("IMAGE" "PNG" NIL NIL NIL "7BIT" 5 1))`, "number of lines of a part that has none"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("TEXT" NIL NIL NIL NIL "7BIT" 5 1))`, "part without a subtype"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE (NIL NIL NIL NIL NIL "7BIT" 5))`, "part without a type"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("IMAGE" "PNG" NIL NIL))`, "part that ends early"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 5 NIL NIL 1))`, "message without an envelope"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 5 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) NIL 1))`, "message without a body; disposition without parentheses"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE (("A" "B" NIL NIL NIL "7BIT" 5) ("A" "B" NIL NIL NIL "7BIT" 5) "MIXED"))`, "space between parentheses"},
		{`* 1 FETCH (UID 7 BODYSTRUCTURE (("A" "B" NIL NIL NIL "7BIT" 5)))`, "multipart without a subtype"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL subject NIL NIL NIL NIL NIL NIL NIL NIL))`, "atom for a string"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL (a) NIL NIL NIL NIL NIL NIL NIL NIL))`, "list for a string"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))`, "empty list of addresses"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL "x" NIL NIL NIL NIL NIL NIL NIL))`, "string for a list of addresses"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL ("x") NIL NIL NIL NIL NIL NIL NIL))`, "string for an address"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL (("a" NIL "b" "c") ("a" NIL "b" "c")) NIL NIL NIL NIL NIL NIL NIL))`, "space between addresses; space between parentheses"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL (("a" NIL "b" "c" "d")) NIL NIL NIL NIL NIL NIL NIL))`, "too many fields in an address"},
		{`* 1 FETCH (UID 7 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))`, "too many fields in an envelope"},
		{`* STATUS a (MESSAGES x)`, "STATUS value that is no number"},
		{`* LIST (\) "/" a`, "attribute that is none"},
		{`* LIST "/" a`, "mailbox without attributes"},
		{`* LIST (NIL) "/" a`, "attribute that is none"},
		{`* OK [] x`, "brackets without a code"},
		{`* OK [READ-WRITE x] y`, "code with arguments that it does not have"},
		{`+`, "unrequested continuation; continuation without text"},
		{`* 2 EXISTS`, "EXISTS below what it was"},
		{`* 1 FETCH (UID 7 FLAGS (ä))`, "bytes above 127 outside of a literal"},
		{`* 1 FETCH (UID 7 BODY[1] abc)`, "atom for a string"},
		{``, "empty line"},
		{`*`, "unsolicited response of an unknown name; response without a name"},
		{"\x00* 3 RECENT", "NUL before a response; control character"},
		{`Server Unavailable. 15`, "stray line"},
	} {
		log := &traceLog{}
		conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ SELECT a\nS: * 3 EXISTS\nS: $ OK done\n"+
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

// TestCorpusNotRepairedInSilence: each case of the corpus that violates the grammar is in the log, and the examples of the
// RFCs are not, with few exceptions.
func TestCorpusNotRepairedInSilence(t *testing.T) {
	noted := map[string]string{
		"imap-codec/tests/trace.rs#51":  "delimiter behind a mailbox name", // #news. as a root: legal, and the name is changed
		"imap-codec/tests/trace.rs#120": "unrequested continuation",        // an answer to nothing, here
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
