package quirks_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// quirk is one deviation of a server with the expected result. testdata/quirks.txt lists all of them.
type quirk struct {
	row    int    // its number in testdata/quirks.txt
	server string // whose it is; "?" where the sources do not say
	odd    bool   // the grammar forbids it: the log at Debug has what was tolerated
	from   start
	caps   string // "": wireCaps
	script string
	ends   bool // the connection does not survive it
	check  func(t *testing.T, c *imap.Client)

	// except is the reason why the client does not return what the list expects, "" where it does. The check then shows what it
	// returns instead.
	except string
}

// start is the state of the client when the script of a quirk begins.
type start int

const (
	asSelected  start = iota // INBOX of five messages
	asLoggedIn               // by PREAUTH
	asConnected              // the greeting has been read
	asDialled                // the greeting is the first line of the script
)

// quirks are the tables of all kinds.
func quirks() []quirk {
	return slices.Concat(lineQuirks, sessionQuirks, authQuirks, statusQuirks, flagQuirks, listQuirks, numberQuirks,
		searchQuirks, fetchQuirks, envelopeQuirks, bodyQuirks, dateQuirks, sendQuirks)
}

// runQuirks runs a table. After every quirk a NOOP shows that the connection is usable, unless it cannot be.
func runQuirks(t *testing.T, table []quirk) {
	t.Helper()
	for _, q := range table {
		t.Run(fmt.Sprintf("%03d %s", q.row, q.server), func(t *testing.T) {
			if q.script == "" {
				q.check(t, nil)
				return
			}
			log := &quirkLog{}
			c := q.open(t, log)
			q.check(t, c)
			if !q.ends {
				require.NoError(t, c.Noop(testkit.Context(t)), "the NOOP behind it")
			}
			if q.odd {
				assert.NotEmpty(t, log.tolerated(), "nothing in the log says what was tolerated")
			}
		})
	}
}

// open connects as far as the quirk needs it.
func (q *quirk) open(t *testing.T, log slog.Handler) *imap.Client {
	t.Helper()
	caps := q.caps
	if caps == "" {
		caps = testkit.WireCaps
	}
	script := q.script
	switch q.from {
	case asSelected:
		script = "S: * PREAUTH [CAPABILITY " + caps + "] ready\nC: $ SELECT INBOX\nS: * 5 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: $ OK [READ-WRITE] selected\n" + script
	case asLoggedIn:
		script = "S: * PREAUTH [CAPABILITY " + caps + "] ready\n" + script
	case asConnected:
		script = "S: * OK [CAPABILITY " + caps + "] ready\n" + script
	}
	if !q.ends {
		script += "\nC: $ NOOP\nS: $ OK alive\n"
	}
	conn := imaptest.DialScript(t, script)
	c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{AllowInsecureAuth: true, Logger: slog.New(log), Timeout: quirkTimeout})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	if q.from == asSelected {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
	}
	return c
}

// quirkTimeout is the silence after which a client gives up. Only the quirks of a silent server wait for it.
const quirkTimeout = 5 * time.Second

// quirkLog keeps what the client logs.
type quirkLog struct {
	mu      sync.Mutex
	records []slog.Record
}

func (*quirkLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *quirkLog) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *quirkLog) WithGroup(string) slog.Handler          { return l }

func (l *quirkLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

// tolerated returns the deviations in the log.
func (l *quirkLog) tolerated() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, r := range l.records {
		if r.Message != "tolerated" {
			continue
		}
		r.Attrs(func(a slog.Attr) bool {
			all = append(all, a.Value.String())
			return true
		})
	}
	return all
}

// ofMessage is a quirk in the data of message 1, whose UID is 1 too.
func ofMessage(row int, server string, odd bool, data string, check func(*testing.T, *imap.Message, error)) quirk {
	return quirk{row: row, server: server, odd: odd, script: testkit.Answering("UID FETCH 1 (UID)", "* 1 FETCH (UID 1 "+data+")"),
		check: func(t *testing.T, c *imap.Client) {
			m, err := c.FetchOne(testkit.Context(t), 1)
			require.NotNil(t, m, "%v", err)
			check(t, m, err)
		}}
}

// whole checks a message without an error.
func whole(check func(*testing.T, *imap.Message)) func(*testing.T, *imap.Message, error) {
	return func(t *testing.T, m *imap.Message, err error) {
		require.NoError(t, err)
		check(t, m)
	}
}

// onNoop is a quirk in a response during a NOOP.
func onNoop(row int, server string, odd bool, response string, check func(*testing.T, *imap.Client)) quirk {
	return quirk{row: row, server: server, odd: odd, script: testkit.Answering("NOOP", response), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		check(t, c)
	}}
}

// serverError returns the server's text in err.
func serverError(t *testing.T, err error) *imap.Error {
	t.Helper()
	var e *imap.Error
	require.ErrorAs(t, err, &e)
	return e
}

// TestQuirksAreComplete compares the tables with the list, in both directions, and counts.
func TestQuirksAreComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/quirks.txt")
	require.NoError(t, err)
	titles := make(map[int]string)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		var n int
		_, err := fmt.Sscan(line, &n)
		require.NoError(t, err, line)
		_, title, ok := strings.Cut(strings.TrimSpace(line), "\t")
		require.True(t, ok && title != "", line)
		require.Empty(t, titles[n], "row %d twice", n)
		titles[n] = title
	}
	tested := make(map[int]bool)
	exceptions := 0
	for _, q := range quirks() {
		require.NotEmpty(t, q.server, "row %d", q.row)
		require.NotNil(t, q.check, "row %d", q.row)
		assert.Contains(t, titles, q.row, "a row that is not in the list")
		tested[q.row] = true
		if q.except != "" {
			exceptions++
			t.Logf("exception: %d (%s) %s: %s", q.row, q.server, titles[q.row], q.except)
		}
	}
	for n := 1; n <= len(titles); n++ {
		assert.Contains(t, titles, n, "the list has a hole")
		assert.True(t, tested[n], "no test of row %d: %s", n, titles[n])
	}
	t.Logf("%d of %d, %d with exceptions", len(tested), len(titles), exceptions)
	assert.Equal(t, len(titles), len(tested))
}
