package corpus_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// badItems are items with an unreadable value. Each is skipped as a whole, and the items after it are read.
var badItems = []string{
	`UID 0`,
	`UID 99999999999`,
	`RFC822.SIZE many`,
	`RFC822.SIZE 99999999999999999999`,
	`RFC822.SIZE NIL`,
	`INTERNALDATE "31-Feb-2020 00:00:00 +0000"`,
	`INTERNALDATE (x)`,
	`SAVEDATE "secret"`,
	`FLAGS (\Seen (secret))`,
	`ENVELOPE "secret"`,
	`ENVELOPE 12`,
	`BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET") (1) (2) (3) (4))`,
	`BODYSTRUCTURE ` + strings.Repeat("(", 200) + `"secret"` + strings.Repeat(")", 200),
	`BODY[SECRET] "x"`,
	`BODY[1.2.] ("x")`,
	`BODY[HEADER.FIELDS (a "]" b)] (1 2)`,
	`MODSEQ "secret"`,
	`EMAILID (a b)`,
	`X-GM-MSGID secret`,
	`X-GM-LABELS secret`,
	`PREVIEW (((secret)))`,
	`BINARY[x] NIL`,
}

// TestOneBadValue: an unreadable value affects only itself. The message has everything that can be read, with an error that
// has the position and shows nothing of the content.
func TestOneBadValue(t *testing.T) {
	for _, item := range badItems {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprint(item[:min(len(item), 40)], first), func(t *testing.T) {
				before, behind := "", " "+item
				if first {
					before, behind = item+" ", ""
				}
				row := "* 2 FETCH (" + before + "UID 7 X-GM-THRID 9 BODY[TEXT] {4}\r\na\r\nb BINARY.SIZE[1] 3 EMAILID (M1)" + behind + ")\r\n"
				if strings.HasPrefix(item, "EMAILID") {
					row = strings.Replace(row, "EMAILID (M1)", "X (M1)", 1)
				}
				for split := range 2 {
					checkBadRow(t, split, row, strings.Index(row, item), len(item))
				}
			})
		}
	}
}

func checkBadRow(t *testing.T, split int, row string, at, size int) {
	t.Helper()
	check := func(m *imap.Message, err error) {
		t.Helper()
		require.NotNil(t, m, "%v", err)
		bad, ok := errors.AsType[*imap.ProtocolError](err)
		if !ok {
			_, ok = errors.AsType[*imap.LimitError](err)
			require.True(t, ok && strings.Contains(row, "(((("), "%v", err)
		} else {
			assert.GreaterOrEqual(t, int(bad.Offset), at, "offset")
			assert.LessOrEqual(t, int(bad.Offset), at+size, "offset")
			assert.NotEmpty(t, bad.Reason)
		}
		assert.NotContains(t, err.Error(), "secret")
		assert.EqualValues(t, 2, m.SeqNum)
		assert.EqualValues(t, 7, m.UID)
		assert.EqualValues(t, 9, m.Gmail.ThreadID)
		if strings.Contains(row, "EMAILID (M1)") {
			assert.Equal(t, "M1", m.EmailID)
		}
	}
	x := corpusTalk(t, split, corpusCaps, []byte(row))
	n := 0
	for m, err := range x.c.Fetch(x.ctx, imap.UIDs(7)) {
		check(m, err)
		assert.Equal(t, "a\r\nb", string(m.Section(imap.Section{Specifier: "TEXT"})))
		n++
	}
	require.Equal(t, 1, n)
	x.noop(t)

	x = corpusTalk(t, split, corpusCaps, []byte(row))
	n = 0
	for m, err := range x.c.FetchStream(x.ctx, imap.UIDs(7)) {
		require.NotNil(t, m, "%v", err)
		var text []byte
		for b, behind := range m.Bodies() {
			if b == nil {
				err = behind // what came behind the sections
				break
			}
			require.NoError(t, behind)
			if b.Section.Specifier == "TEXT" {
				var failed error
				text, failed = io.ReadAll(b)
				require.NoError(t, failed)
			}
		}
		assert.Equal(t, "a\r\nb", string(text))
		assert.EqualValues(t, 7, m.UID)
		assert.EqualValues(t, 9, m.Gmail.ThreadID)
		check(&m.Message, err)
		n++
	}
	require.Equal(t, 1, n)
	x.noop(t)
}

// TestBadResponses: an unreadable unsolicited response is an event with its bytes, and has no other effect.
func TestBadResponses(t *testing.T) {
	for _, line := range []string{
		"* EXISTS", "* x EXISTS", "* 99999999999 EXISTS", "* 0 EXPUNGE", "* EXPUNGE", "* 5 FLAGS ()", "* FLAGS (((", "* VANISHED",
		"* VANISHED x", "* VANISHED (EARLIER", "* LIST", "* LIST (", "* LIST () \"/\"", "* STATUS", "* STATUS a", "* STATUS a (MESSAGES",
		"* STATUS a (MESSAGES 1", "* 1 FETCH", "* 1 FETCH x", "* 1 FETCH (UID", "* 1 FETCH (UID x)", "* 1 FETCH (FLAGS (", "* THREAD ((((",
		"* SEARCH x", "* SORT -1", "* ESEARCH (TAG", "* NAMESPACE x", "* QUOTA", "* ACL", "* METADATA", "* ID (", "* \"", "* ", "*", "* (((",
		"* 4294967296 FETCH (UID 1)", "* OK [", "* OK [UIDNEXT", "* OK [PERMANENTFLAGS (", "x", "x y z", "+", "[", "[]", "* []", "* NO", "* BAD [",
	} {
		x := corpusTalk(t, 1, corpusCaps, []byte(line+"\r\n"))
		require.NoError(t, x.c.Noop(x.ctx), "%s", line)
		assert.EqualValues(t, 5, x.c.Mailbox().Exists, "%s", line)
		for _, ev := range x.c.Events() {
			unknown, ok := ev.(*imap.UnknownEvent)
			if assert.True(t, ok, "%s became %#v", line, ev) {
				assert.Equal(t, line, string(unknown.Raw))
			}
		}
		x.noop(t)
	}
}

// TestOffsetAfterBodies: the offset of an error counts the bytes of the bodies before it, whether kept or streamed.
func TestOffsetAfterBodies(t *testing.T) {
	body := strings.Repeat("secret\r\n", 10_000)
	row := fmt.Sprintf("* 2 FETCH (UID 7 BODY[1] {%d}\r\n%s BODY[2] ~{%d}\r\n%s RFC822.SIZE x FLAGS (a))\r\n", len(body), body, len(body), body)
	at := strings.Index(row, "x FLAGS")
	check := func(err error) {
		t.Helper()
		bad, ok := errors.AsType[*imap.ProtocolError](err)
		require.True(t, ok, "%v", err)
		assert.EqualValues(t, at, bad.Offset)
	}
	x := corpusTalk(t, 0, corpusCaps, []byte(row))
	m, err := x.c.FetchOne(x.ctx, 7, imap.FetchFlags)
	check(err)
	assert.Equal(t, []imap.Flag{"a"}, m.Flags)
	assert.Len(t, m.Sections, 2)
	x.noop(t)
}

// TestBadSearch: the readable part of a search result is returned with the error.
func TestBadSearch(t *testing.T) {
	for line, want := range map[string]string{
		"* SEARCH 3 5:x 7\r\n":                             "3,5",
		"* SEARCH 3 99999999999\r\n":                       "3",
		"* SEARCH 3 (MODSEQ x)\r\n":                        "3",
		"* SEARCH 3 5\r\n* SEARCH x\r\n* SEARCH 9\r\n":     "3,5,9",
		"* ESEARCH (TAG \"x\") UID ALL 3,5 COUNT many\r\n": "3,5",
	} {
		for split := range 2 {
			x := corpusTalk(t, split, corpusCaps+" ESEARCH", []byte(line))
			res, err := x.c.Search(x.ctx, imap.Where(), nil)
			bad, ok := errors.AsType[*imap.ProtocolError](err)
			require.True(t, ok, "%q: %v", line, err)
			assert.NotEmpty(t, bad.Reason)
			require.NotNil(t, res, "%q", line)
			assert.Equal(t, want, res.UIDs.String(), "%q", line)
			x.noop(t)
		}
	}
}
