package quirks_test

import (
	"errors"
	"os"
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

func TestQuirksOfLines(t *testing.T) { runQuirks(t, lineQuirks) }

// body is the whole message as a section.
var body = imap.Section{}

func exists(n uint32) func(*testing.T, *imap.Client) {
	return func(t *testing.T, c *imap.Client) { assert.Equal(t, n, c.Mailbox().Exists) }
}

func bodyIs(want string) func(*testing.T, *imap.Message, error) {
	return whole(func(t *testing.T, m *imap.Message) { assert.Equal(t, want, string(m.Section(body))) })
}

// describedAs checks the description of a part, and what follows it.
func describedAs(want string) func(*testing.T, *imap.Message, error) {
	return whole(func(t *testing.T, m *imap.Message) {
		require.NotNil(t, m.BodyStructure)
		assert.Equal(t, want, m.BodyStructure.Description)
		assert.Equal(t, "base64", m.BodyStructure.Encoding)
		assert.EqualValues(t, 17, m.BodyStructure.Size)
	})
}

func statusOf(t *testing.T, c *imap.Client) *imap.Status {
	t.Helper()
	st, err := c.Status(testkit.Context(t), "INBOX", imap.StatusMessages)
	require.NoError(t, err)
	return st
}

// lineQuirks are about lines, blanks, literals and strings.
var lineQuirks = []quirk{
	{row: 1, server: "?", odd: true, script: "C: $ NOOP\nS+: * 6 EXISTS\\n\nS+: * OK a\\rb\\r\\n\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(6)(t, c)
	}},
	{row: 2, server: "Exchange, Outlook.com", odd: true, from: asLoggedIn,
		script: testkit.Answering("STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0) "), check: func(t *testing.T, c *imap.Client) {
			assert.Equal(t, &imap.Status{Mailbox: "INBOX", Messages: testkit.Ptr(uint32(0))}, statusOf(t, c))
		}},
	{row: 3, server: "Exchange", odd: true, script: testkit.Answering("NOOP", "", "* 7 EXISTS", ""), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(7)(t, c)
	}},
	{row: 4, server: "?", odd: true, from: asDialled, script: "S+: \\x00\\x00* OK hi\\r\\n\nC: $ CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS+: \\x00\\x00\\r\\n\nS: $ OK\n",
		check: func(t *testing.T, c *imap.Client) {
			assert.Equal(t, "hi", c.Greeting())
			_, err := c.Capability(testkit.Context(t))
			require.NoError(t, err)
			assert.Empty(t, c.Events(), "a line of NULs alone is no response")
		}},
	{row: 4, server: "?", odd: true, script: testkit.Answering("UID FETCH 1 (UID)", "* 1 FETCH (UID 1 PREVIEW \"a\x00b\")"), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 1)
		require.NoError(t, err)
		assert.Equal(t, "a\x00b", m.Preview)
	}},
	{row: 5, server: "Exchange", ends: true, odd: true, script: "C: $ NOOP\nS: Server Unavailable. 15\nCLOSE", check: func(t *testing.T, c *imap.Client) {
		err := c.Noop(testkit.Context(t))
		assert.Equal(t, "Server Unavailable. 15", serverError(t, err).Text)
		assert.ErrorIs(t, err, imap.ErrClosed)
	}},
	onNoop(6, "DavMail", true, "*  522 EXISTS", exists(522)),
	ofMessage(7, "DavMail", true, "FLAGS (\\Seen)  RFC822.HEADER {6}\r\nA: b\r\n", whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
		assert.Equal(t, "A: b\r\n", string(m.Section(imap.Section{Specifier: "HEADER"})))
	})),
	{row: 8, server: "?", odd: true, script: testkit.Answering("NOOP", "* {25}\r\n0123456789\r\n* 9 EXISTS\r\n)", "* 6 EXISTS"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(6)(t, c)
		events := c.Events()
		require.Len(t, events, 2)
		assert.IsType(t, &imap.UnknownEvent{}, events[0])
	}},
	ofMessage(9, "?", true, "BODY[] {012}\r\nHello World!", bodyIs("Hello World!")),
	ofMessage(10, "none: another negative size", true, "BODY[] {-15}\r\n FLAGS (\\Seen)", whole(func(t *testing.T, m *imap.Message) {
		assert.Empty(t, m.Section(imap.Section{}))
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	})),
	ofMessage(10, "Free.fr", true, "BODY[] {-1}\r\n FLAGS (\\Seen)", whole(func(t *testing.T, m *imap.Message) {
		assert.Empty(t, m.Section(body))
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	})),
	ofMessage(11, "Lotus Domino", true, "BODY[] {12}  \r\nHello World!", bodyIs("Hello World!")),
	ofMessage(11, "Lotus Domino", true, "BODY[] {12}  \nHello World!", bodyIs("Hello World!")),
	ofMessage(12, "?", true, "BODY[] {12+   }   \r\nHello World!", bodyIs("Hello World!")),
	{row: 13, server: "hostile", ends: true, script: testkit.Answering("UID FETCH 1 (UID)", "* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\nx)"),
		check: func(t *testing.T, c *imap.Client) {
			_, err := c.FetchOne(testkit.Context(t), 1)
			var limit *imap.LimitError
			require.ErrorAs(t, err, &limit)
			assert.Equal(t, &imap.LimitError{Name: "MaxLiteral", Limit: 64 << 20}, limit)
			assert.ErrorIs(t, err, imap.ErrClosed)
		}},
	{row: 14, server: "Rambler", ends: true, script: "", check: func(t *testing.T, _ *imap.Client) {
		c := silentAfter(t, "C: $ UID FETCH 5 (UID)\nS+: * 1 FETCH (BODY[] {40}\\r\\naGVsbG8= UID 5)\\r\\n\nS: $ OK completed\nSTALL")
		_, err := c.FetchOne(testkit.Context(t), 5)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorIs(t, err, imap.ErrClosed)
	}},
	ofMessage(15, "?", true, "BODY[] {5}\r\nhello\r\n", bodyIs("hello")),
	ofMessage(15, "?", true, "BODY[] {6}\r\nhello\r\n", bodyIs("hello\r")),
	ofMessage(15, "?", true, "BODY[] {5}\r\nhello\r\n FLAGS (\\Seen)", whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, "hello", string(m.Section(body)))
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	})),
	ofMessage(16, "?", true, "ENVELOPE (NIL \"s\" (({18}\r\nОбсуждение в группе NIL \"user\" \"example.com\")) NIL NIL NIL NIL NIL NIL \"<i@h>\")",
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, []imap.Address{{Name: "Обсуждение в группе", Mailbox: "user", Host: "example.com"}}, m.Envelope.From)
			assert.Equal(t, "<i@h>", m.Envelope.MessageID)
		})),
	ofMessage(17, "?", true, `BODYSTRUCTURE ("TEXT" "HTML"" NIL NIL NIL "base64" 17 2)`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, `html"`, m.BodyStructure.Subtype)
		assert.Equal(t, "base64", m.BodyStructure.Encoding)
		assert.EqualValues(t, 2, m.BodyStructure.Lines)
	})),
	ofMessage(18, "?", true, `BODYSTRUCTURE ("MOUNDARY="_006_x_"" "OCTET-STREAM" NIL NIL NIL "base64" 17)`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, `moundary="_006_x_"`, m.BodyStructure.Type)
		assert.Equal(t, "octet-stream", m.BodyStructure.Subtype)
		assert.EqualValues(t, 17, m.BodyStructure.Size)
	})),
	ofMessage(18, "GreenMail, ?", true, `BODYSTRUCTURE ("application" "pdf" NIL NIL NIL "base64" 17 NIL ("attachment" ("filename" "Say "hi" to all of them.pdf" "size" "17")) NIL NIL) RFC822.SIZE 7`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, `Say "hi" to all of them.pdf`, m.BodyStructure.Filename())
			assert.Equal(t, "17", m.BodyStructure.DispositionParam("size"))
			assert.EqualValues(t, 7, m.Size)
		})),
	ofMessage(18, "BlitzMail", true, `ENVELOPE (NIL "Re: "quoted" text" (("A "B" C" NIL "user" "example.com")) NIL NIL NIL NIL NIL NIL "<i@h>")`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, `Re: "quoted" text`, m.Envelope.Subject)
			assert.Equal(t, []imap.Address{{Name: `A "B" C`, Mailbox: "user", Host: "example.com"}}, m.Envelope.From)
			assert.Equal(t, "<i@h>", m.Envelope.MessageID)
		})),
	ofMessage(18, "none: no blank behind NIL and a number", true, `BODYSTRUCTURE ("text" "plain" NIL NIL "d" 7bit 17 2 "md5" NIL"x")`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, "7bit", m.BodyStructure.Encoding)
		assert.Equal(t, "d", m.BodyStructure.Description)
		assert.Equal(t, "md5", m.BodyStructure.MD5)
	})),
	ofMessage(19, "163 (qiye)", true, `BODYSTRUCTURE ("A" "B" NIL NIL """" "base64" 17)`, describedAs(`""`)),
	ofMessage(20, "QQ", true, `ENVELOPE (NIL "s" (("n" NIL "user" "qq.com\")) NIL NIL (("to" NIL "t" "qq.com\")) NIL NIL NIL "<i@h>")`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, []imap.Address{{Name: "n", Mailbox: "user", Host: `qq.com\`}}, m.Envelope.From)
			assert.Equal(t, []imap.Address{{Name: "to", Mailbox: "t", Host: `qq.com\`}}, m.Envelope.To)
			assert.Equal(t, "<i@h>", m.Envelope.MessageID)
		})),
	ofMessage(264, "David.fx", true, `ENVELOPE ("d" "dir c:\dir\" (("n" NIL "w" "h")) NIL NIL NIL NIL NIL NIL "<i@h>") FLAGS (\Seen) RFC822.SIZE 5`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, `dir c:\dir\`, m.Envelope.Subject)
			assert.Equal(t, []imap.Address{{Name: "n", Mailbox: "w", Host: "h"}}, m.Envelope.From)
			assert.Equal(t, "<i@h>", m.Envelope.MessageID)
			assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
			assert.EqualValues(t, 5, m.Size)
		})),
	ofMessage(264, "David.fx", true, `ENVELOPE ("d" "s\" NIL NIL NIL NIL NIL NIL "<r>\" "<i@h>\") FLAGS (\Seen) INTERNALDATE "01-Apr-2017 15:51:32 +0000"`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, `s\`, m.Envelope.Subject)
			assert.Equal(t, `<r>\`, m.Envelope.InReplyTo)
			assert.Equal(t, `<i@h>\`, m.Envelope.MessageID)
			assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
			assert.Equal(t, 2017, m.InternalDate.Year())
		})),
	ofMessage(264, "David.fx", true, `ENVELOPE ("d" "s\" NIL NIL NIL NIL NIL NIL NIL "<i@h>")`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, `s\`, m.Envelope.Subject)
		assert.Equal(t, "<i@h>", m.Envelope.MessageID)
	})),
	ofMessage(264, "none: what only looks so", false, `ENVELOPE ("d" "say \"x\" ((" NIL NIL NIL NIL NIL NIL "\" \"" "<i@h>") FLAGS (\Seen)`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, `say "x" ((`, m.Envelope.Subject)
		assert.Equal(t, `" "`, m.Envelope.InReplyTo)
		assert.Equal(t, "<i@h>", m.Envelope.MessageID)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	})),
	ofMessage(265, "RFC 5257", true, `FLAGS (\Seen)) RFC822.SIZE 5`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
		assert.EqualValues(t, 5, m.Size)
	})),
	ofMessage(264, "none: what cannot be told", true, `FLAGS (\Seen) ENVELOPE ("d" "s\" (("a" b c)) x y "z"`, func(t *testing.T, m *imap.Message, err error) {
		require.Error(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	}),
	ofMessage(21, "?", true, `BODYSTRUCTURE ("A" "B" NIL NIL "a\b" "base64" 17)`, describedAs(`a\b`)),
	ofMessage(22, "Proton Bridge", true, `ENVELOPE (NIL "déjà vu" (("Clément" NIL "c" "p.me")) NIL NIL NIL NIL NIL NIL NIL)`,
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, "déjà vu", m.Envelope.Subject)
			assert.Equal(t, "Clément", m.Envelope.From[0].Name)
		})),
	ofMessage(23, "Dovecot, Cyrus", false, "BODYSTRUCTURE (\"A\" \"B\" (\"name\" {8}\r\nG\xf6r\xfcnt\xfc1) NIL NIL \"base64\" 17)",
		whole(func(t *testing.T, m *imap.Message) {
			assert.Equal(t, "Görüntü1", m.BodyStructure.Filename())
			assert.EqualValues(t, 17, m.BodyStructure.Size)
		})),
	{row: 24, server: "?", from: asDialled, script: "S: * ok hi\nC: $ CAPABILITY\nS: * capability imap4rev1 idle\nS: $ ok done\n", check: func(t *testing.T, c *imap.Client) {
		caps, err := c.Capability(testkit.Context(t))
		require.NoError(t, err)
		assert.True(t, caps.Has("IMAP4rev1"))
	}},
	{row: 24, server: "?", from: asLoggedIn, script: testkit.Answering(`LIST "" *`, `* List (\noselect) nil a`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{{Name: "a", Raw: "a", Attrs: []imap.MailboxAttr{imap.AttrNoSelect}}}, got)
	}},
	onNoop(25, "?", false, "* NOOP", unknownEvent("* NOOP")),
	onNoop(25, "?", false, "* 99 NOOP", unknownEvent("* 99 NOOP")),
	onNoop(263, "?", false, "* VANISHED 1 2 3", unknownEvent("* VANISHED 1 2 3")),
	onNoop(263, "?", false, "* VANISHED (EARLIER) 1:2,5 9", unknownEvent("* VANISHED (EARLIER) 1:2,5 9")),
	{row: 26, server: "?", odd: true, script: "C: $ NOOP\nS: $  OK done\nC: $ NOOP\nS+: \\x20\nS: $  OK done\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		require.NoError(t, c.Noop(testkit.Context(t)))
	}},
}

func unknownEvent(raw string) func(*testing.T, *imap.Client) {
	return func(t *testing.T, c *imap.Client) {
		assert.Equal(t, []imap.Event{&imap.UnknownEvent{Raw: []byte(raw)}}, c.Events())
	}
}

// silentAfter returns a client with a mailbox open and a short timeout.
func silentAfter(t *testing.T, script string) *imap.Client {
	t.Helper()
	conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY "+testkit.WireCaps+"] ready\nC: $ SELECT INBOX\nS: $ OK [READ-WRITE] selected\n"+script)
	c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{Timeout: 100 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	return c
}

// TestShortBodyStreamed is row 15 for FetchStream, in all pieces: a body that is longer than its literal by its line end.
func TestShortBodyStreamed(t *testing.T) {
	const row = "* 1 FETCH (UID 1 BODY[] {5000}\r\n"
	for _, behind := range []string{"\r\n)", "\n)", "\r\n FLAGS (\\Seen))"} {
		for split := 1; split <= 40; split += 3 {
			conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY "+testkit.WireCaps+"] ready\nC: $ SELECT INBOX\nS: $ OK [READ-WRITE] selected\n"+
				testkit.Answering("UID FETCH 1 (UID BODY.PEEK[])", row+strings.Repeat("x", 5000)+behind))
			conn.SplitReads(split)
			c, err := imap.NewClient(testkit.Context(t), conn, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Select(testkit.Context(t), "INBOX", nil)
			require.NoError(t, err)
			n := 0
			for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(1), body) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					assert.EqualValues(t, 5000, b.Size)
				}
				n++
			}
			assert.Equal(t, 1, n)
		}
	}
}

// TestBrokenRowAfterLiteral: if the next response follows a literal, it is not taken for the rest of the row.
func TestBrokenRowAfterLiteral(t *testing.T) {
	c := testkit.Selected(t, testkit.Answering("UID FETCH 1:2 (UID BODY.PEEK[])",
		"* 1 FETCH (UID 1 BODY[] {5}\r\nhello", "* 2 FETCH (UID 2 BODY[] {5}\r\nworld)"))
	var bodies []string
	var bad []error
	for m, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 2), body) {
		require.NotNil(t, m)
		bodies = append(bodies, string(m.Section(body)))
		bad = append(bad, err)
	}
	require.Equal(t, []string{"hello", "world"}, bodies)
	var broken *imap.ProtocolError
	assert.True(t, errors.As(bad[0], &broken), "%v", bad[0])
	assert.NoError(t, bad[1])
}

// TestLiteralLikeAHeader: a literal that ends like the header of another literal is not one, whatever follows it.
func TestLiteralLikeAHeader(t *testing.T) {
	for _, name := range []string{"{5}", "a {30}", "~{1+}", strings.Repeat("x", 5000) + "{7}"} {
		c := testkit.LoggedIn(t, testkit.Answering(`LIST "" *`, "* LIST () \"/\" {"+strconv.Itoa(len(name))+"}\r\n"+name, `* LIST () "/" b`)+testkit.Answering("NOOP"))
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named(name, "/"), named("b", "/")}, got)
		require.NoError(t, c.Noop(testkit.Context(t)))
	}
}
