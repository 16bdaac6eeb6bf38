package imap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bothWays runs a test with Fetch and with FetchStream; it passes the messages and errors that they yield.
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

// TestRowsOfDeliveredMessages: a further response about a message that was yielded is an event, as is data that was not
// requested.
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

// TestRowsThatCannotBeRead: the error of a requested row is yielded with its message, and the other messages follow (P8).
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
		"an item without a value":      {`* 2 FETCH (UID 20 X-NEW FLAGS (\Seen) RFC822.SIZE 5)`, 20},
		"a value of two":               {`* 2 FETCH (UID 20 X-NEW [a b] FLAGS (\Seen) RFC822.SIZE 5)`, 20},
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

// TestCommasInRows: commas between items hide none of them.
func TestCommasInRows(t *testing.T) {
	script := `
		C: $ UID FETCH 10 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (UID 10, FLAGS (a), RFC822.SIZE 1)
		S: $ OK done
	`
	bothWays(t, script, imap.UIDs(10), []imap.FetchItem{imap.FetchFlags, imap.FetchSize}, func(t *testing.T, got []fetchedRow, _ *imap.Client) {
		require.Len(t, got, 1)
		assert.NoError(t, got[0].err)
		assert.Equal(t, 1, got[0].flags)
	})
}

// TestHeldBodyTooLong: a body that precedes the UID and exceeds the limit is yielded with an error, and can be read; the
// next message follows.
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

// TestUnreadRowsInParts: a message with an unreadable value is yielded once, even if it arrives in several rows, and before
// the messages that follow it.
func TestUnreadRowsInParts(t *testing.T) {
	for name, test := range map[string]struct {
		rows   string
		uid    imap.UID
		bodies []string
	}{
		"the rest behind it": {`
			S: * 2 FETCH (UID 20 FLAGS (a"b)
			S: * 2 FETCH (UID 20 BODY[] "two")`, 20, []string{"two"}},
		"the rest as a literal": {`
			S: * 2 FETCH (UID 20 FLAGS (a"b)
			S: * 2 FETCH (UID 20 BODY[] {3}
			S: two)`, 20, []string{"two"}},
		"the rest behind news": {`
			S: * 2 FETCH (UID 20 FLAGS (a"b)
			S: * 5 FETCH (FLAGS (\Seen))
			S: * 2 FETCH (UID 20 BODY[] "two")`, 20, []string{"two"}},
		"the rest brings the UID": {`
			S: * 2 FETCH (FLAGS (a"b BODY[] "two")
			S: * 2 FETCH (UID 20 BODY[] "two")`, 20, []string{"two"}},
		"it cannot be read in the second": {`
			S: * 2 FETCH (UID 20 BODY[] "two")
			S: * 2 FETCH (UID 20 FLAGS (a"b)`, 20, []string{"two"}},
		"news behind a UID that is not sure": {`
			S: * 2 FETCH (BODY[] "two" FLAGS (a"b UID 20)
			S: * 2 FETCH (UID 20 FLAGS (\Seen))`, 20, []string{"two"}},
		"the rest behind others": {`
			S: * 2 FETCH (UID 20 FLAGS (a"b)
			S: * 3 FETCH (UID 30 FLAGS ())
			S: * 2 FETCH (UID 20 BODY[] "two")`, 20, nil},
		"no rest": {`
			S: * 2 FETCH (UID 20 FLAGS (a"b)`, 20, nil},
	} {
		script := `
			C: $ UID FETCH 10,20,30 (UID FLAGS BODY.PEEK[])
			S: * 1 FETCH (UID 10 FLAGS () BODY[] {3}
			S: one)` + test.rows + `
			S: * 3 FETCH (UID 30 FLAGS () BODY[] {5}
			S: three)
			S: $ OK done
		`
		items := []imap.FetchItem{imap.FetchFlags, imap.Section{}}
		t.Run(name, func(t *testing.T) {
			bothWays(t, script, imap.UIDs(10, 20, 30), items, func(t *testing.T, got []fetchedRow, c *imap.Client) {
				require.Len(t, got, 3, "%v", got)
				assert.EqualValues(t, 10, got[0].uid)
				assert.NoError(t, got[0].err)
				assert.Equal(t, test.uid, got[1].uid)
				assert.Error(t, got[1].err)
				assert.Equal(t, test.bodies, got[1].bodies)
				assert.EqualValues(t, 30, got[2].uid)
				assert.NoError(t, got[2].err)
				assert.Equal(t, []string{"three"}, got[2].bodies)
			})
		})
	}
}

// TestUnsolicitedBelowTheLimit: unsolicited data of messages that a partial answer left out is not yielded instead of them,
// nor in addition.
func TestUnsolicitedBelowTheLimit(t *testing.T) {
	size := []imap.FetchItem{imap.FetchFlags, imap.FetchSize}
	for name, test := range map[string]struct {
		script string
		items  []imap.FetchItem
	}{
		"less than was asked for": {`
			C: $ UID FETCH 1:9 (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 1 FLAGS (\Seen))
			S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 7)
			S: * 2 FETCH (UID 2 FLAGS () RFC822.SIZE 7)
			S: $ OK [MESSAGELIMIT 2 2] a part
			C: $ UID FETCH 1 (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 7)
			S: $ OK done`, size},
		"all that was asked for": {`
			C: $ UID FETCH 1:9 (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS (\Seen))
			S: * 3 FETCH (UID 3 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS ())
			S: $ OK [MESSAGELIMIT 2 2] a part
			C: $ UID FETCH 1 (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: $ OK done`, size[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, test.script, imap.UIDRange(1, 9), test.items, func(t *testing.T, got []fetchedRow, c *imap.Client) {
				require.Len(t, got, 3, "%v", got)
				for _, row := range got {
					assert.NoError(t, row.err)
					assert.EqualValues(t, 7*(len(test.items)-1), row.size)
				}
				assert.EqualValues(t, 6, got[0].uid+got[1].uid+got[2].uid)
			})
		})
	}
	t.Run("Store", func(t *testing.T) {
		c := testkit.Selected(t, `
			C: $ UID STORE 1:9 +FLAGS (\Seen)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 3 FETCH (UID 3 FLAGS (\Seen))
			S: * 2 FETCH (UID 2 FLAGS (\Seen))
			S: $ OK [MESSAGELIMIT 2 2] a part
			C: $ UID STORE 1 +FLAGS (\Seen)
			S: * 1 FETCH (UID 1 FLAGS (\Seen))
			S: $ OK done
		`)
		res, err := c.Store(testkit.Context(t), imap.UIDRange(1, 9), imap.AddFlags(imap.FlagSeen), nil)
		require.NoError(t, err)
		require.Len(t, res.Messages, 3)
		for _, m := range res.Messages {
			assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
		}
	})
}

// TestStarIsTheLastWhenSent: "*" names the message that was the last one when the command was sent, even if others arrive
// first.
func TestStarIsTheLastWhenSent(t *testing.T) {
	script := `
		C: $ UID FETCH 60:* (UID FLAGS)
		S: * 7 EXISTS
		S: * 1 EXPUNGE
		S: * 6 FETCH (UID 60 FLAGS ())
		S: * 4 FETCH (UID 40 FLAGS ())
		S: * 3 FETCH (UID 30 FLAGS ())
		S: $ OK done
	`
	bothWays(t, script, imap.UIDRange(60, 0), []imap.FetchItem{imap.FetchFlags}, func(t *testing.T, got []fetchedRow, c *imap.Client) {
		require.Len(t, got, 2, "%v", got)
		assert.EqualValues(t, 60, got[0].uid)
		assert.EqualValues(t, 40, got[1].uid)
	})
}

// TestFetchOneInParts: a message is complete even if its second part arrives after unsolicited data of many others.
func TestFetchOneInParts(t *testing.T) {
	news := ""
	for i := range 17 {
		news += fmt.Sprintf("S: * %d FETCH (FLAGS (\\Deleted))\n", 10+i)
	}
	c := testkit.Selected(t, "C: $ NOOP\nS: * 40 EXISTS\nS: $ OK done\nC: $ UID FETCH 7 (UID FLAGS RFC822.SIZE BODY.PEEK[])\n"+
		"S: * 5 FETCH (UID 7 FLAGS (\\Seen) RFC822.SIZE 5)\n"+news+"S: * 5 FETCH (UID 7 BODY[] \"hello\")\nS: $ OK done\n")
	require.NoError(t, c.Noop(testkit.Context(t)))
	m, err := c.FetchOne(testkit.Context(t), 7, imap.FetchFlags, imap.FetchSize, imap.Section{})
	require.NoError(t, err)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	assert.EqualValues(t, 5, m.Size)
	require.Len(t, m.Sections, 1)
	assert.Equal(t, "hello", string(m.Sections[0].Bytes))
}

// TestLastOfUIDOnly: under UIDONLY, data of a message below n of n:* is unsolicited once a message of the set has arrived,
// because then it cannot be the last one.
func TestLastOfUIDOnly(t *testing.T) {
	for name, test := range map[string]struct {
		rows string
		want []imap.UID
	}{
		"some of the set": {"S: * 30 UIDFETCH (FLAGS ())\nS: * 10 UIDFETCH (FLAGS ())\nS: * 40 UIDFETCH (FLAGS ())\n", []imap.UID{30, 40}},
		"the last alone":  {"S: * 10 UIDFETCH (FLAGS ())\n", []imap.UID{10}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "UIDONLY ENABLE", "C: $ ENABLE UIDONLY\nS: * ENABLED UIDONLY\nS: $ OK\nC: $ SELECT INBOX\nS: * 4 EXISTS\nS: $ OK done\n"+
				"C: $ UID FETCH 30:* (UID FLAGS)\n"+test.rows+"S: $ OK done\n")
			_, err := c.Enable(testkit.Context(t), "UIDONLY")
			require.NoError(t, err)
			testkit.Open(t, c, "INBOX")
			all, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(30, 0), imap.FetchFlags))
			require.NoError(t, err)
			var got []imap.UID
			for _, m := range all {
				got = append(got, m.UID)
			}
			assert.Equal(t, test.want, got)
			assert.Len(t, c.Events(), strings.Count(test.rows, "UIDFETCH")-len(got))
		})
	}
}

// TestFetchIncomplete: a message of which the server leaves something out is yielded as it is.
func TestFetchIncomplete(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: * 2 FETCH (UID 8 RFC822.SIZE 5)
		S: $ OK
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, got[0].Flags)
	assert.EqualValues(t, 5, got[1].Size)
}

// TestStarAfterVanished: "*" is the message that was the last one, even if others have vanished.
func TestStarAfterVanished(t *testing.T) {
	script := `
		C: $ UID FETCH 60:* (UID FLAGS)
		S: * VANISHED 10:11
		S: * 5 EXISTS
		S: * 3 FETCH (UID 50 FLAGS ())
		S: $ OK done
	`
	bothWays(t, script, imap.UIDRange(60, 0), []imap.FetchItem{imap.FetchFlags}, func(t *testing.T, got []fetchedRow, c *imap.Client) {
		require.Len(t, got, 1)
		assert.EqualValues(t, 50, got[0].uid)
	})
}

// TestFetchOneMissing: a missing message is an error, so that a program does not use a nil message.
func TestFetchOneMissing(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		testkit.Deliver(t, c, testkit.Small)
		m, err := c.FetchOne(testkit.Context(t), 999, imap.FetchFlags)
		require.ErrorIs(t, err, imap.ErrNoMessage)
		assert.Nil(t, m)
		m, err = c.FetchOne(testkit.Context(t), 1, imap.FetchFlags)
		require.NoError(t, err)
		assert.EqualValues(t, 1, m.UID)
	})
}

// threeParts is the answer to a FETCH of two sections of two messages, with attributes before, between and after the
// sections.
var threeParts = `
	C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])
	S: * 1 FETCH (UID 7 BODY[HEADER] {6000}
	S+: ` + filler6000 + `
	S:  RFC822.SIZE 6010 BODY[TEXT] {10}
	S+: 0123456789
	S:  FLAGS (\Seen))
	S: * 2 FETCH (FLAGS () BODY[HEADER] "short" UID 8 BODY[TEXT] NIL RFC822.SIZE 5)
	S: $ OK done
	C: $ NOOP
	S: $ OK done
`

var filler6000 = strings.Repeat("0123456789", 600)

// TestStreamAttributes: the requested attributes are set when a message is yielded, whether they come before, between or
// after the bodies.
func TestStreamAttributes(t *testing.T) {
	c := testkit.Selected(t, threeParts)
	ctx := testkit.Context(t)
	var got []string
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
		require.NoError(t, err)
		if m.SeqNum == 1 {
			assert.EqualValues(t, 7, m.UID)
			assert.EqualValues(t, 6010, m.Size)
		}
		assert.NotNil(t, m.Flags)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := io.ReadAll(b)
			require.NoError(t, err)
			assert.EqualValues(t, b.Size, len(text))
			n, err := b.Read(make([]byte, 1))
			assert.Zero(t, n)
			assert.Equal(t, io.EOF, err)
			got = append(got, b.Section.Specifier+" "+string(text[:min(len(text), 10)]))
		}
		assert.NotZero(t, m.Size)
		assert.NotNil(t, m.Flags)
		assert.NotZero(t, m.UID)
		assert.Empty(t, m.Sections)
	}
	assert.Equal(t, []string{"HEADER 0123456789", "TEXT 0123456789", "HEADER short", "TEXT "}, got)
	require.NoError(t, c.Noop(ctx))
}

// TestStreamItemsAfterBodies: items that were not requested and come after a body are set when the bodies have ended, also if
// the body was not read.
func TestStreamItemsAfterBodies(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 7 BODY[] {4}
		S+: abcd
		S:  MODSEQ (9) FLAGS (\Seen))
		S: * 2 FETCH (UID 8 BODY[] {4}
		S+: efgh
		S:  MODSEQ (10) FLAGS (\Flagged))
		S: $ OK done
	`)
	var got []string
	for m, err := range c.FetchStream(testkit.Context(t), imap.UIDRange(7, 8), imap.Section{}) {
		require.NoError(t, err)
		assert.Nil(t, m.Flags, "the body is still on the wire")
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			if m.UID == 7 {
				text, err := io.ReadAll(b)
				require.NoError(t, err)
				got = append(got, string(text))
			}
		}
		got = append(got, fmt.Sprint(m.UID, m.ModSeq, m.Flags))
	}
	assert.Equal(t, []string{"abcd", `7 9 [\Seen]`, `8 10 [\Flagged]`}, got)
}

// TestStreamReadInPart stops reading bodies at every position: the rest is discarded, and nothing of it appears elsewhere.
func TestStreamReadInPart(t *testing.T) {
	for _, octets := range []int{0, 1, 5, 10, 4096, 5999, 6000, 7000} {
		for bodies := range 3 {
			c := testkit.Selected(t, threeParts)
			ctx := testkit.Context(t)
			messages := 0
			for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
				require.NoError(t, err)
				messages++
				n := 0
				for b, err := range m.Bodies() {
					if n++; n > bodies {
						break
					}
					require.NoError(t, err)
					got := make([]byte, octets)
					k, _ := io.ReadFull(b, got)
					assert.Equal(t, min(int(b.Size), octets), k)
					if m.UID == 7 {
						assert.Equal(t, filler6000[:k], string(got[:k]))
					}
				}
			}
			assert.Equal(t, 2, messages)
			require.NoError(t, c.Noop(ctx))
		}
	}
}

// TestStreamTooLate: a body or message that is used too late returns an error, and reads nothing of later data.
func TestStreamTooLate(t *testing.T) {
	c := testkit.Selected(t, threeParts)
	ctx := testkit.Context(t)
	var old []*imap.Body
	var message *imap.MessageStream
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
		require.NoError(t, err)
		requireGone(t, old)
		message = m
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			requireGone(t, old)
			_, err = b.Read(make([]byte, 2))
			if err != nil {
				require.Equal(t, io.EOF, err)
			}
			old = append(old, b)
		}
		requireGone(t, old)
	}
	assert.Len(t, old, 4)
	requireGone(t, old)
	_, err := imap.Collect(message.Bodies())
	require.Error(t, err, "a message of a loop that has ended")
	require.NoError(t, c.Noop(ctx))
}

// TestStreamKeptTooLong: what a loop body keeps of a message is invalid for the next message and after the loop: copies of
// a body, of a message, and an unfinished iteration over bodies.
func TestStreamKeptTooLong(t *testing.T) {
	for _, way := range []string{"goes on", "left"} {
		t.Run(way, func(t *testing.T) {
			c := testkit.Selected(t, threeParts)
			ctx := testkit.Context(t)
			var body imap.Body
			var message imap.MessageStream
			var pointer *imap.Body
			var next func() (*imap.Body, error, bool)
			gone := func(t *testing.T) {
				t.Helper()
				requireGone(t, []*imap.Body{pointer, &body, {}})
				_, err := imap.Collect(message.Bodies())
				require.Error(t, err)
				_, err, ok := next()
				require.True(t, ok)
				require.Error(t, err)
			}
			for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
				require.NoError(t, err)
				if m.UID != 7 {
					gone(t)
					bodies, err := imap.Collect(m.Bodies())
					require.NoError(t, err)
					require.Len(t, bodies, 2)
					continue
				}
				message = *m
				var stop func()
				next, stop = iter.Pull2(m.Bodies())
				defer stop()
				pointer, err, _ = next()
				require.NoError(t, err)
				body = *pointer
				n, err := body.Read(make([]byte, 10))
				require.Zero(t, n)
				require.Error(t, err, "a copy")
				n, err = pointer.Read(make([]byte, 10))
				require.Equal(t, 10, n)
				require.NoError(t, err)
				if way == "left" {
					break
				}
			}
			if way == "left" {
				gone(t)
			}
			require.NoError(t, c.Noop(ctx))
			_, err := imap.Collect(new(imap.MessageStream).Bodies())
			require.Error(t, err)
		})
	}
}

// TestTruncatedBodyIsAnError: a body whose rest did not arrive is an error, however it is read.
func TestTruncatedBodyIsAnError(t *testing.T) {
	ways := map[string]func(b *imap.Body) error{
		"Read":       func(b *imap.Body) error { _, err := io.ReadAll(struct{ io.Reader }{b}); return err },
		"WriteTo":    func(b *imap.Body) error { _, err := b.WriteTo(io.Discard); return err },
		"not at all": func(b *imap.Body) error { return nil },
	}
	for name, read := range ways {
		for _, sent := range []int{0, 1, 5999} {
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				h.Line("UID FETCH 7 (UID BODY.PEEK[])")
				h.Put("* 1 FETCH (UID 7 BODY[] {6000}\r\n%s", filler6000[:sent])
				h.Out.Flush()
				h.Conn.Close()
			})
			var errs []error
			for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(7), imap.Section{}) {
				if err != nil {
					errs = append(errs, err)
					continue
				}
				for b, err := range m.Bodies() {
					if err == nil {
						err = read(b)
						assert.Equal(t, name == "not at all", err == nil, name)
					}
					if err != nil {
						errs = append(errs, err)
					}
				}
			}
			require.NotEmpty(t, errs, "%s of %d octets", name, sent)
			for _, err := range errs {
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
				assert.ErrorIs(t, err, imap.ErrClosed)
			}
		}
	}
	for _, sent := range []int{0, 1, 5999} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Line("UID FETCH 7 (UID BODY.PEEK[])")
			h.Put("* 1 FETCH (UID 7 BODY[] {6000}\r\n%s", filler6000[:sent])
			h.Out.Flush()
			h.Conn.Close()
		})
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDs(7), imap.Section{}))
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Empty(t, got)
	}
}

// requireGone fails unless the bodies refuse to be read.
func requireGone(t *testing.T, bodies []*imap.Body) {
	t.Helper()
	for _, b := range bodies {
		n, err := b.Read(make([]byte, 10))
		require.Zero(t, n)
		require.Error(t, err)
		require.NotEqual(t, io.EOF, err)
		_, err = b.WriteTo(io.Discard)
		require.Error(t, err)
	}
}

// TestStreamWriteTo copies a body of several buffers with io.Copy, with any split of the bytes.
func TestStreamWriteTo(t *testing.T) {
	body := bytes.Repeat([]byte("all that is in the body\r\n"), 8000)
	for _, split := range []int{0, 1, 7, 4096} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 9 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (BODY[] {%d}\r\n%s UID 9)\r\n%s OK done", len(body), body, tag)
		})
		if split > 0 {
			c.NetConn().(interface{ SplitReads(int) }).SplitReads(split)
		}
		var got bytes.Buffer
		for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(9), imap.Section{}) {
			require.NoError(t, err)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				_, err := io.Copy(&got, b)
				require.NoError(t, err)
			}
			assert.EqualValues(t, 9, m.UID)
		}
		assert.True(t, bytes.Equal(body, got.Bytes()))
	}
}

// TestStreamUnsolicited mixes unsolicited data into the answer: it neither takes a body from its message nor loses one.
func TestStreamUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID BODY.PEEK[])
		S: * 2 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 BODY[] {4}
		S: text)
		S: * 1 FETCH (UID 7 FLAGS (\Deleted))
		S: * 5 EXPUNGE
		S: * 3 FETCH (UID 30 BODY[] {5}
		S: other)
		S: * 1 FETCH (FLAGS ())
		S: * 4 EXISTS
		S: * 2 FETCH (UID 8 BODY[] {5}
		S: text2)
		S: * 2 FETCH (UID 8 FLAGS ())
		S: $ OK done
		C: $ NOOP
		S: $ OK done
	`)
	ctx := testkit.Context(t)
	got := map[imap.UID]string{}
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.Section{}) {
		require.NoError(t, err)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := io.ReadAll(b)
			require.NoError(t, err)
			got[m.UID] += string(text)
		}
	}
	assert.Equal(t, map[imap.UID]string{7: "text", 8: "text2"}, got)
	require.NoError(t, c.Noop(ctx))
	var news []string
	for _, ev := range c.Events() {
		switch ev := ev.(type) {
		case *imap.FetchEvent:
			text := ""
			for _, s := range ev.Message.Sections {
				text = string(s.Bytes)
			}
			news = append(news, text)
		case *imap.ExpungeEvent:
			news = append(news, "expunge")
		case *imap.ExistsEvent:
			news = append(news, "exists")
		}
	}
	assert.Equal(t, []string{"", "", "expunge", "other", "", "exists", ""}, news)
}

// TestUnreadBodyIsNoAnswer: the unread part of a body is not parsed, even if it looks like the answer to a command.
func TestUnreadBodyIsNoAnswer(t *testing.T) {
	for _, way := range []string{"left", "passed over"} {
		t.Run(way, func(t *testing.T) {
			const body = "xx\r\nA3 NO a fake\r\n* 99 EXISTS\r\n"
			filler := strings.Repeat("0123456789", 1000)
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
				h.Send("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s%s)\r\n%s OK done", len(body)+len(filler), body, filler, tag)
				h.OK()
			})
			for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(1), imap.Section{}) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					b.Read(make([]byte, 2))
					if way == "left" {
						break
					}
				}
				if way == "left" {
					break
				}
			}
			require.NoError(t, c.Noop(testkit.Context(t)))
			assert.EqualValues(t, 5, c.Mailbox().Exists)
		})
	}
}
