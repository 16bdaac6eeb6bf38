package quirks_test

import (
	"strconv"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openedSplit is FollowSplit for a client that has a mailbox open.
func openedSplit(t *testing.T, split int, script string) *imap.Client {
	t.Helper()
	c := testkit.FollowSplit(t, nil, "S: * PREAUTH [CAPABILITY IMAP4rev1] hello\nC: $ SELECT INBOX\nS: * 3 EXISTS\nS: $ OK done\n"+script, split)
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	return c
}

// TestLineBreaksInQuotedStrings: GreenMail and others return header fields without unfolding them. The message, its items
// after the line break, and the following messages are kept, wherever the data is split.
func TestLineBreaksInQuotedStrings(t *testing.T) {
	const sound = `ENVELOPE (NIL "sound" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7`
	for _, c := range []struct{ why, row, subject string }{
		{"folded", "ENVELOPE (NIL \"one\r\n two\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"folded with a tab", "ENVELOPE (NIL \"one\r\n\ttwo\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"folded twice", "ENVELOPE (NIL \"one\r\n two\r\n three\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two three"},
		{"LF alone", "ENVELOPE (NIL \"one\n two\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"not folded", "ENVELOPE (NIL \"one\r\ntwo\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"a blank line", "ENVELOPE (NIL \"one\r\n\r\ntwo\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"a parenthesis before the break", "ENVELOPE (NIL \"one (1)\r\n two (2)\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one (1) two (2)"},
		{"escapes around it", "ENVELOPE (NIL \"a \\\"b\\\"\r\n \\\\ c\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", `a "b" \ c`},
		{"an asterisk behind it", "ENVELOPE (NIL \"one\r\n*two\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one *two"},
		{"what looks like a tag", "ENVELOPE (NIL \"one\r\nA4 is it\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", ""},
		{"encoded words", "ENVELOPE (NIL \"=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=BC?=\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "ü"},
		{"in a name too", "ENVELOPE (NIL \"one\r\n two\" ((\"a\r\n b\" NIL \"c\" \"d\")) NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
		{"a literal behind it", "ENVELOPE (NIL \"one\r\n two\" NIL NIL NIL NIL NIL NIL {3}\r\na\r\n NIL) RFC822.SIZE 7", "one two"},
		{"a literal before it", "ENVELOPE ({3}\r\na\r\n \"one\r\n two\" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 7", "one two"},
	} {
		for _, split := range []int{0, 1, 2, 5, 64} {
			t.Run(c.why+"/"+strconv.Itoa(split), func(t *testing.T) {
				client := openedSplit(t, split, testkit.Answering("UID FETCH 11:13 (UID ENVELOPE RFC822.SIZE)",
					"* 1 FETCH (UID 11 "+sound+")", "* 2 FETCH (UID 12 "+c.row+")", "* 3 FETCH (UID 13 "+sound+")")+"C: $ NOOP\nS: $ OK done\n")
				subjects := map[imap.UID]string{}
				for m, err := range client.Fetch(testkit.Context(t), imap.UIDRange(11, 13), imap.FetchEnvelope, imap.FetchSize) {
					require.NotNil(t, m, "%v", err)
					if c.subject != "" || m.UID != 12 {
						require.NoError(t, err)
						assert.EqualValues(t, 7, m.Size)
						subjects[m.UID] = m.Envelope.Subject
					}
				}
				assert.Equal(t, "sound", subjects[11])
				assert.Equal(t, "sound", subjects[13])
				assert.Equal(t, c.subject, subjects[12])
				require.NoError(t, client.Noop(testkit.Context(t)))
			})
		}
	}
}

// TestQuoteWithoutEnd: a quoted string without an end affects only its own message, and no later response.
func TestQuoteWithoutEnd(t *testing.T) {
	for _, split := range []int{0, 1, 7} {
		client := openedSplit(t, split, testkit.Answering("UID FETCH 11:12 (UID ENVELOPE)",
			`* 1 FETCH (UID 11 ENVELOPE (NIL "without end NIL NIL NIL NIL NIL NIL NIL NIL))`, "* 2 FETCH (UID 12 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))",
			`* 1 FETCH (UID 11 ENVELOPE (NIL "without end NIL NIL NIL NIL NIL NIL NIL NIL))`))
		seen := 0
		for m, err := range client.Fetch(testkit.Context(t), imap.UIDRange(11, 12), imap.FetchEnvelope) {
			require.NotNil(t, m, "%v", err)
			if m.UID == 12 {
				require.NoError(t, err)
				seen++
			}
		}
		assert.Equal(t, 1, seen)
	}
}

// TestLineBreakInMediaType: what follows the line break is not part of the name.
func TestLineBreakInMediaType(t *testing.T) {
	client := openedSplit(t, 0, testkit.Answering("UID FETCH 11 (UID BODYSTRUCTURE)",
		"* 1 FETCH (UID 11 BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7bit\" 119 8)(\"APPLICATION\" \"PDF\r\n    NAME=\"report.PDF\"\" NIL NIL NIL \"base64\" 257328 NIL "+
			"(\"attachment\" (\"filename\" \"a long\r\n report.pdf\")) NIL) \"mixed\" NIL NIL NIL))"))
	m, err := client.FetchOne(testkit.Context(t), 11, imap.FetchBodyStructure)
	require.NoError(t, err)
	require.Len(t, m.BodyStructure.Children, 2)
	part := m.BodyStructure.Children[1]
	assert.Equal(t, "application/pdf", part.Type+"/"+part.Subtype)
	assert.Equal(t, "a long report.pdf", part.Filename())
	assert.EqualValues(t, 257328, part.Size)
}
