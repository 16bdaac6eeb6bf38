package quirks_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfStatus(t *testing.T) { runQuirks(t, statusQuirks) }

// failing is a quirk in the NO or BAD that ends a command.
func failing(row int, server, status string, want imap.Error) quirk {
	return quirk{row: row, server: server, script: "C: $ X\nS: $ " + status + "\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Do(testkit.Context(t), "X")
		want.Command = "X"
		assert.Equal(t, &want, serverError(t, err))
	}}
}

// ending is a quirk in the OK that ends a command.
func ending(row int, server string, odd bool, status string, want imap.Response) quirk {
	return quirk{row: row, server: server, odd: odd, script: "C: $ X\nS: $ " + status + "\n", check: func(t *testing.T, c *imap.Client) {
		resp, err := c.Do(testkit.Context(t), "X")
		require.NoError(t, err)
		assert.Equal(t, &want, resp)
	}}
}

// copying is a quirk in the answer to a copy.
func copying(row int, server string, odd bool, untagged, tagged string, want imap.CopyResult) quirk {
	script := "C: $ UID COPY 1:2 a\n"
	if untagged != "" {
		script += testkit.RawLine(untagged)
	}
	return quirk{row: row, server: server, odd: odd, script: script + "S: $ " + tagged + "\n", check: func(t *testing.T, c *imap.Client) {
		res, err := c.Copy(testkit.Context(t), imap.UIDs(1, 2), "a")
		require.NoError(t, err)
		assert.Equal(t, want.UIDValidity, res.UIDValidity)
		assert.Equal(t, want.Source.String(), res.Source.String())
		assert.Equal(t, want.Dest.String(), res.Dest.String())
	}}
}

// appending is a quirk in the answer to an append.
func appending(row int, server, mailbox, tagged string, want imap.AppendResult) quirk {
	return quirk{row: row, server: server, script: "C: $ APPEND " + mailbox + " {1+}\nC: x\nS: $ " + tagged + "\n", check: func(t *testing.T, c *imap.Client) {
		res, err := c.Append(testkit.Context(t), mailbox, imap.LiteralString("x"), nil)
		require.NoError(t, err)
		assert.Equal(t, &want, res)
	}}
}

// selecting is a quirk in the answer to SELECT.
func selecting(row int, server string, odd bool, check func(*testing.T, *imap.Mailbox), lines ...string) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, script: testkit.Answering("SELECT a", lines...), check: func(t *testing.T, c *imap.Client) {
		mb, err := c.Select(testkit.Context(t), "a", nil)
		require.NoError(t, err)
		check(t, mb)
	}}
}

// statusQuirks are about status lines and their codes.
var statusQuirks = []quirk{
	selecting(65, "Gmail, mail.ru", true, func(t *testing.T, mb *imap.Mailbox) {
		assert.EqualValues(t, 9195383, mb.HighestModSeq)
		assert.EqualValues(t, 1427955509, mb.UIDValidity)
	}, "* OK [HIGHESTMODSEQ 9195383]", "* OK [UIDVALIDITY 1427955509]"),
	onNoop(66, "?", true, "* OK", func(t *testing.T, c *imap.Client) { assert.Empty(t, c.Events()) }),
	copying(67, "home.pl", true, "* [COPYUID 123456 1 2]", "OK done", imap.CopyResult{UIDValidity: 123456, Source: imap.UIDs(1), Dest: imap.UIDs(2)}),
	copying(68, "Exchange 2013", true, "[COPYUID 55 31 6]", "OK done", imap.CopyResult{UIDValidity: 55, Source: imap.UIDs(31), Dest: imap.UIDs(6)}),
	copying(69, "Outlook.com", false, "", "OK [COPYUID 4154  ] done", imap.CopyResult{UIDValidity: 4154}),
	copying(70, "?", false, "", "OK [COPYUID] done", imap.CopyResult{}),
	ending(70, "?", false, "OK [COPYUID 1 1:10 101:110 junk] done", imap.Response{Code: "COPYUID", CodeArgs: "1 1:10 101:110 junk", Text: "done"}),
	ending(70, "?", false, "OK [CLOSED junk] done", imap.Response{Code: "CLOSED", CodeArgs: "junk", Text: "done"}),
	appending(71, "SmarterMail", "a", "OK [APPENDUID 0 12] done", imap.AppendResult{UID: 12}),
	copying(71, "SmarterMail", false, "", "OK [COPYUID 0 1:2 8:9] done", imap.CopyResult{Source: imap.UIDs(1, 2), Dest: imap.UIDs(8, 9)}),
	appending(72, "DavMail (to 2023)", "INBOX", "OK [APPENDUID 7064 7] done", imap.AppendResult{}),
	appending(72, "DavMail (to 2023)", "INBOX", "OK [APPENDUID 7 7064] done", imap.AppendResult{UIDValidity: 7, UID: 7064}),
	copying(73, "many", false, "* OK [COPYUID 9 1:2 5:6] copied", "OK done", imap.CopyResult{UIDValidity: 9, Source: imap.UIDs(1, 2), Dest: imap.UIDs(5, 6)}),
	copying(73, "many", false, "", "OK [COPYUID 9 1:2 5:6] done", imap.CopyResult{UIDValidity: 9, Source: imap.UIDs(1, 2), Dest: imap.UIDs(5, 6)}),
	copying(74, "Gmail", false, "", "OK [COPYUID 9 7,3,5 20,10:11] done", imap.CopyResult{UIDValidity: 9,
		Source: imap.UIDSet{{Start: 7, Stop: 7}, {Start: 3, Stop: 3}, {Start: 5, Stop: 5}}, Dest: imap.UIDSet{{Start: 20, Stop: 20}, {Start: 10, Stop: 11}}}),
	copying(75, "?", false, "", "OK [COPYUID 9 1:3 5:6] done", imap.CopyResult{UIDValidity: 9}),
	appending(70, "?", "a", "OK [APPENDUID 9 5 6] done", imap.AppendResult{}),
	appending(262, "Yandex", "a", "OK [APPENDUID 1493194087 none] done", imap.AppendResult{}),
	appending(76, "many", "a", "OK done", imap.AppendResult{}),
	selecting(77, "?", false, func(t *testing.T, mb *imap.Mailbox) {
		assert.Equal(t, []imap.Flag{"a", "[css3-page]", imap.FlagAny}, mb.PermanentFlags)
	}, `* OK [PERMANENTFLAGS (a [css3-page] \*)] Limited`),
	ending(77, "?", false, "OK [XCODE a[b] text", imap.Response{Code: "XCODE", CodeArgs: "a[b", Text: "text"}),
	ending(78, "Gmail", false, "OK [READ-WRITE] [Gmail]/Sent Mail selected. (Success)", imap.Response{Code: "READ-WRITE", Text: "[Gmail]/Sent Mail selected. (Success)"}),
	ending(79, "any", false, "OK see {123}", imap.Response{Text: "see {123}"}),
	failing(79, "any", "NO see {123}", imap.Error{Status: "NO", Text: "see {123}"}),
	onNoop(79, "any", false, "* NO see {123}", unknownEvent("* NO see {123}")),
	{row: 80, server: "?", script: "C: $ NOOP\nS: * BAD [ALERT] x\nS: $ NO [ALERT] x\n", check: func(t *testing.T, c *imap.Client) {
		assert.Equal(t, &imap.Error{Command: "NOOP", Status: "NO", Code: "ALERT", Text: "x"}, serverError(t, c.Noop(testkit.Context(t))))
		assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: "x"}, &imap.AlertEvent{Text: "x"}}, c.Events())
	}},
	{row: 81, server: "Dovecot", script: "C: $ UID FETCH 1:3 (UID FLAGS)\n" + testkit.RawLine(`* 1 FETCH (UID 1 FLAGS (\Seen))`) + "S: $ NO Some of the requested messages no longer exist.\n", check: func(t *testing.T, c *imap.Client) {
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(1, 3), imap.FetchFlags))
		require.Len(t, got, 1)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, got[0].Flags)
		assert.Contains(t, serverError(t, err).Text, "no longer exist")
	}},
	{row: 82, server: "Office 365", script: "C: $ X\nS: $ BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Do(testkit.Context(t), "X")
		assert.Equal(t, 92415*time.Millisecond, serverError(t, err).Backoff())
	}},
	failing(83, "Gmail", "NO [WEBALERT https://accounts.google.com/signin/continue?x] Web login required.",
		imap.Error{Status: "NO", Code: "WEBALERT", Args: "https://accounts.google.com/signin/continue?x", Text: "Web login required."}),
	selecting(84, "hMailServer, home.pl", false, func(t *testing.T, mb *imap.Mailbox) { assert.Zero(t, mb.UIDNext) }, "* OK [UIDNEXT 0] next"),
	selecting(85, "mail.xwtec.cn", false, func(t *testing.T, mb *imap.Mailbox) { assert.Zero(t, mb.UIDValidity) }, "* OK [UIDVALIDITY 0] valid"),
	selecting(86, "?", false, func(t *testing.T, mb *imap.Mailbox) { assert.Zero(t, mb.Unseen) }, "* OK [UNSEEN 0] none"),
	{row: 87, server: "?", from: asLoggedIn, script: testkit.Answering("SELECT a", "* OK [UIDVALIDITY 4294967297000] valid"), check: func(t *testing.T, c *imap.Client) {
		mb, err := c.Select(testkit.Context(t), "a", nil)
		require.NoError(t, err)
		assert.Zero(t, mb.UIDValidity, "never cut to 32 bits")
	}, except: "Mailbox.UIDValidity has the 32 bits of the grammar: a larger one is not known (0, so that no UID is kept), never cut to another"},
	ending(88, "old", false, `OK [NEWNAME "a" "b"] renamed`, imap.Response{Code: "NEWNAME", CodeArgs: `"a" "b"`, Text: "renamed"}),
	{row: 89, server: "any", odd: true, script: "C: $ NOOP\nS: Z9 OK not yours\nS: * 6 EXISTS\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(6)(t, c)
	}},
	{row: 90, server: "hostile", check: func(t *testing.T, _ *imap.Client) { answerBeforeCommand(t) }},
}

// answerBeforeCommand: a server guesses the tag of a command that waits behind another and has not been sent.
func answerBeforeCommand(t *testing.T) {
	near, far := imaptest.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
		line, _ := bufio.NewReader(far).ReadString('\n')
		tag, _, _ := strings.Cut(line, " ")
		var n int
		fmt.Sscanf(tag, "A%d", &n)
		fmt.Fprintf(far, "A%d OK guessed\r\n* 1 EXISTS\r\n", n+1)
	}()
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	defer c.Close()
	// The literal of the first command is not requested before the guess; the second waits for its turn.
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		_, err := c.Append(testkit.Context(t), "a", imap.LiteralString("x"), nil)
		return err
	})
	p.Go(func(c *imap.Client) error { return c.Noop(testkit.Context(t)) })
	err = p.Wait()
	require.Error(t, err, "nothing that was guessed is taken for an answer")
	assert.True(t, errors.Is(err, imap.ErrClosed), "%v", err)
	synctest.Test(t, answerBeforeFlush)
}

// answerBeforeFlush: the command has its tag, but is still buffered with others when the guess is read.
func answerBeforeFlush(t *testing.T) {
	near, far := imaptest.Pipe()
	defer near.Close()
	far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\nA1 OK guessed\r\n"))
	c, err := imap.NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	p := c.Pipeline()
	var refusal error
	p.Go(func(c *imap.Client) error {
		refusal = c.Noop(t.Context())
		return nil
	})
	synctest.Wait() // the guess is read, and no time has passed
	require.NoError(t, p.Wait())
	assert.ErrorIs(t, refusal, imap.ErrClosed)
	assert.ErrorContains(t, refusal, "was not sent yet")
	heard, _ := io.ReadAll(far)
	assert.Empty(t, heard, "nothing had left")
}

func TestQuirksOfFlags(t *testing.T) { runQuirks(t, flagQuirks) }

// mailboxFlags is a quirk in an untagged FLAGS.
func mailboxFlags(row int, server string, odd bool, line string, want ...imap.Flag) quirk {
	return onNoop(row, server, odd, line, func(t *testing.T, c *imap.Client) {
		assert.Equal(t, want, c.Mailbox().Flags)
		assert.Equal(t, []imap.Event{&imap.FlagsEvent{Flags: want}}, c.Events())
	})
}

// messageFlags is a quirk in the flags of a message.
func messageFlags(row int, server string, odd bool, list string, want ...imap.Flag) quirk {
	return ofMessage(row, server, odd, "FLAGS "+list+" RFC822.SIZE 9", whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, want, m.Flags)
		assert.EqualValues(t, 9, m.Size)
	}))
}

// flagQuirks are about flags.
var flagQuirks = []quirk{
	mailboxFlags(91, "Gmail", false, `* FLAGS (\Answered OIB-Seen-[Google Mail]/Alle Nachrichten)`, imap.FlagAnswered, "OIB-Seen-[Google", "Mail]/Alle", "Nachrichten"),
	mailboxFlags(92, "Zoho, GreenMail", false, `* FLAGS (\Seen \Draft \*)`, imap.FlagSeen, imap.FlagDraft, imap.FlagAny),
	messageFlags(93, "Binc IMAP", false, `(\Seen \*)`, imap.FlagSeen, imap.FlagAny),
	messageFlags(94, "SurgeMail", true, `(\Seen $Forwarded )`, imap.FlagSeen, "$Forwarded"),
	messageFlags(95, "?", true, `( \Seen)`, imap.FlagSeen),
	messageFlags(96, "?", true, `("\\Seen" "Work")`, imap.FlagSeen, "Work"),
	messageFlags(97, "?", true, `(\Seen NIL)`, imap.FlagSeen),
	messageFlags(97, "?", true, `(NIL \Seen)`, imap.FlagSeen),
	messageFlags(98, "?", false, `(\FORWARDED)`, `\FORWARDED`),
	{row: 98, server: "?", script: "C: $ UID STORE 1 +FLAGS (\\FORWARDED)\nS: $ BAD unknown flag\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Store(testkit.Context(t), imap.UIDs(1), imap.AddFlags(`\FORWARDED`), nil)
		assert.Equal(t, "BAD", serverError(t, err).Status)
	}},
	selecting(99, "many", false, func(t *testing.T, mb *imap.Mailbox) {
		assert.Nil(t, mb.PermanentFlags)
		assert.Equal(t, []imap.Flag{imap.FlagSeen, "$x"}, mb.Flags)
	}, `* FLAGS (\Seen $x)`),
	{row: 100, server: "?", from: asLoggedIn, script: testkit.Answering("SELECT a", "* OK [PERMANENTFLAGS ()] none") + testkit.Answering(`UID STORE 1 +FLAGS (\Seen)`, `* 1 FETCH (UID 1 FLAGS (\Seen))`),
		check: func(t *testing.T, c *imap.Client) {
			mb, err := c.Select(testkit.Context(t), "a", nil)
			require.NoError(t, err)
			assert.Equal(t, []imap.Flag{}, mb.PermanentFlags)
			res, err := c.Store(testkit.Context(t), imap.UIDs(1), imap.AddFlags(imap.FlagSeen), nil)
			require.NoError(t, err)
			assert.Len(t, res.Messages, 1)
		}},
	listing(101, "Yandex", false, `* LIST (\HasChildren \Unmarked \Drafts \Drafts) "|" Drafts`,
		imap.ListEntry{Name: "Drafts", Raw: "Drafts", Delimiter: "|", Attrs: []imap.MailboxAttr{imap.AttrHasChildren, imap.AttrUnmarked, imap.AttrDrafts}}),
}
