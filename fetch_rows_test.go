package imap_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bothWays runs a test with Fetch and with FetchStream, both shown as the messages and errors that are yielded.
func bothWays(t *testing.T, script string, set imap.NumSet, items []imap.FetchItem, check func(t *testing.T, got []fetchedRow, c *imap.Client)) {
	t.Helper()
	t.Run("Fetch", func(t *testing.T) {
		c := testkit.Selected(t, script)
		var got []fetchedRow
		for m, err := range c.Fetch(testkit.Context(t), set, items...) {
			row := fetchedRow{err: err}
			if m != nil {
				row.seq, row.uid, row.size, row.flags = m.SeqNum, m.UID, m.Size, len(m.Flags)
				for _, s := range m.Sections {
					row.bodies = append(row.bodies, string(s.Bytes))
				}
			}
			got = append(got, row)
		}
		check(t, got, c)
	})
	t.Run("FetchStream", func(t *testing.T) {
		c := testkit.Selected(t, script)
		var got []fetchedRow
		for m, err := range c.FetchStream(testkit.Context(t), set, items...) {
			row := fetchedRow{err: err}
			if m != nil {
				row.seq, row.uid, row.size, row.flags = m.SeqNum, m.UID, m.Size, len(m.Flags)
				for b, err := range m.Bodies() {
					if err != nil {
						row.err = err
						break
					}
					text, err := io.ReadAll(b)
					require.NoError(t, err)
					row.bodies = append(row.bodies, string(text))
				}
			}
			got = append(got, row)
		}
		check(t, got, c)
	})
}

type fetchedRow struct {
	seq    imap.SeqNum
	uid    imap.UID
	size   int64
	flags  int
	bodies []string
	err    error
}

func dialWith(t *testing.T, opts *imap.Options, script string) *imap.Client {
	t.Helper()
	c, err := imap.NewClient(t.Context(), imaptest.DialScript(t, script), opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestRowsOfDeliveredMessages: what comes once more for a message that was yielded is news, as is what was not asked for.
func TestRowsOfDeliveredMessages(t *testing.T) {
	script := `
		C: $ UID FETCH 1:2 (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS ())
		S: * 1 FETCH (UID 1 FLAGS (\Seen))
		S: * 1 FETCH (FLAGS (\Seen \Draft))
		S: * 3 FETCH (FLAGS (\Seen))
		S: * 2 FETCH (UID 2 FLAGS ())
		S: * 2 FETCH (FLAGS () UID 2)
		S: $ OK done
		C: $ NOOP
		S: $ OK done
	`
	bothWays(t, script, imap.UIDRange(1, 2), []imap.FetchItem{imap.FetchFlags}, func(t *testing.T, got []fetchedRow, c *imap.Client) {
		require.Len(t, got, 2)
		assert.EqualValues(t, 1, got[0].uid)
		assert.Zero(t, got[0].flags)
		assert.EqualValues(t, 2, got[1].uid)
		var news int
		for _, ev := range c.Events() {
			assert.IsType(t, &imap.FetchEvent{}, ev)
			news++
		}
		assert.Equal(t, 4, news)
		require.NoError(t, c.Noop(testkit.Context(t)))
	})
}

// TestRowsThatCannotBeRead: the error of a row that was asked for is told with its message, and the others come (P8).
func TestRowsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		row string
		uid imap.UID
	}{
		"behind the UID":               {`* 2 FETCH (UID 20 FLAGS (a"b \Seen)`, 20},
		"before the UID":               {`* 2 FETCH (FLAGS (a"b \Seen UID 20)`, 20},
		"before the UID, stepped over": {`* 2 FETCH (RFC822.SIZE x UID 20 FLAGS ())`, 20},
		"before others and the UID":    {`* 2 FETCH (FLAGS (a"b \Seen UID 20 RFC822.SIZE 5)`, 0},
		"in the UID":                   {`* 2 FETCH (UID x FLAGS ())`, 0},
		"before any item":              {`* 2 FETCH UID 20 FLAGS ()`, 0},
		"a UID of another":             {`* 2 FETCH (FLAGS (a"b \Seen UID 30)`, 0},
	} {
		script := `
			C: $ UID FETCH 10,20,30 (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 10 FLAGS () RFC822.SIZE 1)
			S: ` + test.row + `
			S: * 3 FETCH (RFC822.SIZE 3 FLAGS () UID 30)
			S: $ OK done
		`
		t.Run(name, func(t *testing.T) {
			bothWays(t, script, imap.UIDs(10, 20, 30), []imap.FetchItem{imap.FetchFlags, imap.FetchSize}, func(t *testing.T, got []fetchedRow, c *imap.Client) {
				require.Len(t, got, 3)
				assert.EqualValues(t, 10, got[0].uid)
				assert.NoError(t, got[0].err)
				assert.EqualValues(t, 2, got[1].seq)
				if test.uid != 0 || name != "a UID of another" {
					assert.Equal(t, test.uid, got[1].uid)
				}
				assert.Error(t, got[1].err)
				assert.EqualValues(t, 30, got[2].uid)
				assert.NoError(t, got[2].err)
				assert.Empty(t, c.Events())
			})
		})
	}
}

// TestHeldBodyTooLong: a body that comes before the UID and is longer than may be held is yielded with an error, and can be
// read; the next message comes.
func TestHeldBodyTooLong(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	c := dialWith(t, &imap.Options{MaxLiteral: 9000, Timeout: 5 * time.Second}, `
		S: * PREAUTH [CAPABILITY IMAP4rev1] ready
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: $ OK [READ-WRITE] selected
		C: $ UID FETCH 7:8 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (BODY[] {10000}
		S+: `+long+`
		S:  FLAGS (\Seen) UID 7)
		S: * 2 FETCH (UID 8 FLAGS () BODY[] {10000}
		S+: `+long+`
		S: )
		S: $ OK done
	`)
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	n := 0
	for m, err := range c.FetchStream(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchFlags, imap.Section{}) {
		require.NotNil(t, m)
		if n++; n == 1 {
			_, ok := errors.AsType[*imap.LimitError](err)
			require.True(t, ok, "%v", err)
			assert.Zero(t, m.UID)
		} else {
			require.NoError(t, err)
			assert.EqualValues(t, 8, m.UID)
		}
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := io.ReadAll(b)
			require.NoError(t, err)
			assert.Equal(t, long, string(text))
		}
		assert.EqualValues(t, 6+n, m.UID)
		assert.NotNil(t, m.Flags)
	}
	assert.Equal(t, 2, n)
}
