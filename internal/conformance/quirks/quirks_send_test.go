package quirks_test

import (
	"bufio"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfCommands(t *testing.T) { runQuirks(t, sendQuirks) }

// idleQuirk is a quirk in the answer to IDLE. The script is what follows the IDLE.
func idleQuirk(row int, server, script string, check func(*testing.T, []imap.Event, error)) quirk {
	return quirk{row: row, server: server, script: "C: $ IDLE\n" + script, check: func(t *testing.T, c *imap.Client) {
		var events []imap.Event
		var last error
		for ev, err := range c.Idle(testkit.Context(t), nil) {
			if last = err; err != nil {
				break
			}
			if events = append(events, ev); len(events) == 2 {
				break
			}
		}
		check(t, events, last)
	}}
}

// sendQuirks are about what is sent because of a server.
var sendQuirks = []quirk{
	{row: 233, server: "hMailServer, exmail.qq.com", script: testkit.Answering("UID FETCH 3:5,7,9:* (UID)"), check: func(t *testing.T, c *imap.Client) {
		set, err := imap.ParseUIDSet("*:9,7,5:3,4")
		require.NoError(t, err)
		_, err = imap.Collect(c.Fetch(testkit.Context(t), set))
		require.NoError(t, err)
	}},
	{row: 234, server: "Yahoo, UW, Courier, Dovecot", check: func(t *testing.T, _ *imap.Client) {
		lines := sentLines(t, func(c *imap.Client) {
			var uids imap.UIDSet
			for n := imap.UID(1000000); n < 1004000; n += 2 {
				uids = append(uids, imap.UIDs(n)...)
			}
			_, err := c.Store(testkit.Context(t), uids, imap.AddFlags(imap.FlagSeen), nil)
			require.NoError(t, err)
		})
		assert.Greater(t, len(lines), 1)
		for _, line := range lines {
			assert.LessOrEqual(t, len(line), 8000)
		}
	}},
	{row: 235, server: "Outlook.com", check: func(t *testing.T, _ *imap.Client) { assert.Less(t, mostInFlight(t, 200), int64(50)) }},
	{row: 236, server: "Dovecot", script: "C: $ NOOP\nS: $ OK\nC: $ IDLE\nS: + idling\nS: * 6 EXISTS\nC: DONE\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { return c.Noop(testkit.Context(t)) })
		p.Go(func(c *imap.Client) error {
			for range c.Idle(testkit.Context(t), nil) {
				break
			}
			return nil
		})
		require.NoError(t, p.Wait()) // the script fails where IDLE comes before the answer to NOOP
	}},
	idleQuirk(237, "any", "S: * FLAGS (\\Seen)\nS: * 6 EXISTS\nS: + idling\nC: DONE\nS: $ OK done\n", func(t *testing.T, events []imap.Event, err error) {
		require.NoError(t, err)
		assert.Equal(t, []imap.Event{&imap.FlagsEvent{Flags: []imap.Flag{imap.FlagSeen}}, &imap.ExistsEvent{Count: 6}}, events)
	}),
	idleQuirk(238, "mail.ru, broken proxies", "S: $ BAD no IDLE\n", func(t *testing.T, events []imap.Event, err error) { assert.Equal(t, "BAD", serverError(t, err).Status) }),
	idleQuirk(238, "mail.ru, broken proxies", "S: $ NO no IDLE\n", func(t *testing.T, events []imap.Event, err error) { assert.Equal(t, "NO", serverError(t, err).Status) }),
	idleQuirk(238, "mail.ru, broken proxies", "S: $ OK done\n", func(t *testing.T, events []imap.Event, err error) {
		require.Error(t, err)
		assert.False(t, errors.Is(err, imap.ErrClosed))
	}),
	{row: 238, server: "mail.ru, broken proxies", caps: "IMAP4rev1", script: testkit.Answering("NOOP", "* 6 EXISTS"), check: func(t *testing.T, c *imap.Client) {
		for ev, err := range c.Idle(testkit.Context(t), nil) {
			require.NoError(t, err)
			assert.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
			break
		}
	}},
	{row: 239, server: "Dovecot, O365", check: func(t *testing.T, _ *imap.Client) { synctest.Test(t, idleForHours) }},
	{row: 240, server: "iCloud", from: asLoggedIn, caps: "IMAP4rev1 CONDSTORE QRESYNC ENABLE ANNOTATE-EXPERIMENT-1", script: testkit.Answering("SELECT a") + testkit.Answering("EXAMINE a"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Select(testkit.Context(t), "a", nil)
		require.NoError(t, err)
		_, err = c.Examine(testkit.Context(t), "a", nil)
		require.NoError(t, err)
	}},
	{row: 241, server: "Zimbra", from: asLoggedIn, script: testkit.Answering("ENABLE QRESYNC", "* ENABLED QRESYNC") + testkit.Answering("SELECT a (QRESYNC (7 9 1:5))"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Select(testkit.Context(t), "a", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 9, KnownUIDs: imap.UIDRange(1, 5)}})
		require.NoError(t, err, "no sequence-match data are sent")
	}},
	{row: 242, server: "IONOS", caps: "IMAP4rev1", script: testkit.Answering("UID SEARCH ALL", "* SEARCH 3 4"), check: func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		_, err := c.FetchOne(ctx, 1, imap.FetchModSeq)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		_, err = c.Status(ctx, "a", imap.StatusSize)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		_, err = imap.Collect(c.Fetch(ctx, imap.UIDs(1), imap.FetchChangedSince(3)))
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		res, err := c.Search(ctx, imap.Where(), &imap.SearchOptions{Count: true})
		require.NoError(t, err)
		assert.EqualValues(t, 2, res.Count)
	}},
	{row: 243, server: "Gmail", script: testkit.Answering("CREATE a/b") + testkit.Answering("UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)") +
		testkit.Answering("UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)") + testkit.Answering("UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Create(testkit.Context(t), "a/b", nil))
		for _, macro := range []imap.FetchAttr{"FULL", "fast", "ALL"} {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDs(1), macro))
			require.NoError(t, err)
		}
	}},
	{row: 244, server: "Exchange 2013", check: func(t *testing.T, _ *imap.Client) {
		c := without(t, []string{"MOVE"}, "IMAP4rev1 IMAP4rev2 MOVE UIDPLUS", testkit.Answering("SELECT a")+testkit.Answering("UID COPY 5 b", "* OK [COPYUID 9 5 1] c")+
			testkit.Answering(`UID STORE 5 +FLAGS.SILENT (\Deleted)`)+testkit.Answering("UID EXPUNGE 5", "* 1 EXPUNGE"))
		_, err := c.Select(testkit.Context(t), "a", nil)
		require.NoError(t, err)
		res, err := c.Move(testkit.Context(t), imap.UIDs(5), "b")
		require.NoError(t, err)
		assert.Equal(t, imap.UIDs(1), res.Dest)
	}},
	{row: 245, server: "Cyrus", ends: true, script: "C: $ DELETE INBOX\nS: * BYE selected mailbox was deleted\nCLOSE", check: func(t *testing.T, c *imap.Client) {
		assert.Equal(t, "selected mailbox was deleted", serverError(t, c.Delete(testkit.Context(t), "INBOX")).Text)
	}, except: "DELETE is sent as it is: closing a mailbox that the caller has open is not asked for, and would stand also where DELETE fails; Delete's comment says to Unselect first"},
	{row: 245, server: "Cyrus", script: "C: $ UID STORE 1 FLAGS ()\nS: $ BAD Missing flags\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Store(testkit.Context(t), imap.UIDs(1), imap.SetFlags(), nil)
		assert.Equal(t, "BAD", serverError(t, err).Status)
	}, except: "the grammar has FLAGS () and other servers want it; the refusal reaches the caller, and SetFlags's comment says so"},
	{row: 246, server: "any", caps: "IMAP4rev1", script: testkit.Answering("NOOP"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Move(testkit.Context(t), imap.UIDs(5), "b")
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.NoError(t, c.Noop(testkit.Context(t)), "nothing was sent before")
	}},
	{row: 247, server: "?", script: testkit.Answering(`UID STORE 1 +FLAGS (\Seen)`) + testkit.Answering(`UID STORE 1 +FLAGS (\Seen)`, `* 1 FETCH (FLAGS (\Seen))`), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Store(testkit.Context(t), imap.UIDs(1), imap.AddFlags(imap.FlagSeen), nil)
		require.NoError(t, err)
		_, err = c.Store(testkit.Context(t), imap.UIDs(1), imap.AddFlags(imap.FlagSeen), nil)
		require.NoError(t, err)
	}},
	{row: 248, server: "UW", script: testkit.Answering(`UID STORE 1 +FLAGS.SILENT (\Seen)`, `* 1 FETCH (FLAGS (\Seen) UID 1)`) +
		testkit.Answering("UID FETCH 1 (UID BODY[])", "* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[] {2}\r\nhi)"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Store(testkit.Context(t), imap.UIDs(1), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{Silent: true})
		require.NoError(t, err)
		m, err := c.FetchOne(testkit.Context(t), 1, imap.Section{MarkSeen: true})
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
		assert.Equal(t, "hi", string(m.Section(body)))
	}},
	{row: 249, server: "?", script: "C: $ APPEND INBOX \"02-Jan-1901 03:04:05 +0000\" {1+}\nC: x\nS: $ OK done\n" + testkit.Answering("NOOP", "* 6 EXISTS"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString("x"), &imap.AppendOptions{InternalDate: time.Date(1901, 1, 2, 3, 4, 5, 0, time.UTC)})
		require.NoError(t, err)
		exists(5)(t, c)
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(6)(t, c)
	}},
	{row: 256, server: "Outlook.com", caps: "IMAP4rev1", script: "C: $ UID SEARCH CHARSET UTF-8 SUBJECT {6}\nS: * SEARCH 1 2 3\nS: $ OK done\n", check: func(t *testing.T, c *imap.Client) {
		res, err := c.Search(testkit.Context(t), imap.Where().Subject("电子"), nil)
		var broken *imap.ProtocolError
		require.ErrorAs(t, err, &broken, "these are the messages of another search")
		require.Nil(t, res)
	}},
	{row: 256, server: "Outlook.com", caps: "IMAP4rev1", script: "C: $ APPEND Sent {4}\nS: $ OK done\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Append(testkit.Context(t), "Sent", imap.LiteralString("text"), nil)
		require.Error(t, err, "the message is not there")
	}},
	{row: 256, server: "Outlook.com", from: asConnected, caps: "IMAP4rev1", script: "C: $ LOGIN {1}\nS: $ OK done\n", check: func(t *testing.T, c *imap.Client) {
		require.Error(t, c.Login(testkit.Context(t), "ü"[1:], "p"))
		require.Equal(t, imap.NotAuthenticated, c.State())
	}},
	failing(250, "GroupWise", "NO APPEND The 1500 MB storage limit has been exceeded.", imap.Error{Status: "NO", Text: "APPEND The 1500 MB storage limit has been exceeded."}),
	{row: 251, server: "?", script: testkit.Answering("UID FETCH 1:* (UID)"), check: func(t *testing.T, c *imap.Client) {
		_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(1, 0)))
		require.NoError(t, err, "the items are those that were asked for, and UID")
	}},
}

// sentLines returns the commands that a call sends after SELECT; all are answered OK.
func sentLines(t *testing.T, call func(*imap.Client)) []string {
	t.Helper()
	near, far := imaptest.Pipe()
	defer near.Close()
	var lines []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		far.Write([]byte("* PREAUTH [CAPABILITY " + testkit.WireCaps + "] hi\r\n"))
		for r := bufio.NewReader(far); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			lines = append(lines, line)
			tag, _, _ := strings.Cut(line, " ")
			far.Write([]byte(tag + " OK done\r\n"))
		}
	}()
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	_, err = c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	call(c)
	c.Close()
	<-done
	return lines[1:]
}

// mostInFlight sends commands through a pipeline to a server that answers as late as possible, and returns the most that
// were unanswered.
func mostInFlight(t *testing.T, commands int) int64 {
	t.Helper()
	near, far := imaptest.Pipe()
	defer near.Close()
	var waiting, most atomic.Int64
	tags := make(chan string, commands)
	go func() {
		defer close(tags)
		far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
		for lines := bufio.NewScanner(far); lines.Scan(); {
			most.Store(max(most.Load(), waiting.Add(1)))
			tag, _, _ := strings.Cut(lines.Text(), " ")
			tags <- tag
		}
	}()
	go func() {
		for tag := range tags {
			time.Sleep(100 * time.Microsecond)
			waiting.Add(-1)
			far.Write([]byte(tag + " OK done\r\n"))
		}
	}()
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	defer c.Close()
	p := c.Pipeline()
	for range commands {
		p.Go(func(c *imap.Client) error {
			_, err := c.Status(testkit.Context(t), "a", imap.StatusMessages)
			return err
		})
	}
	require.NoError(t, p.Wait())
	return most.Load()
}

// idleForHours: keep-alive messages are not events, and IDLE is ended before servers time out.
func idleForHours(t *testing.T) {
	near, far := imaptest.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n"))
		var entered time.Time
		tag := ""
		for lines := bufio.NewScanner(far); lines.Scan(); {
			if lines.Text() == "DONE" {
				assert.Less(t, time.Since(entered), 29*time.Minute)
				far.Write([]byte(tag + " OK done\r\n"))
				continue
			}
			tag, _, _ = strings.Cut(lines.Text(), " ")
			entered = time.Now()
			far.Write([]byte("+ idling\r\n* OK Still here\r\n"))
		}
	}()
	c, err := imap.NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	defer c.Close()
	began := time.Now()
	for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: 3 * time.Hour}) {
		require.NoError(t, err)
		assert.Equal(t, &imap.InfoEvent{Text: "Still here"}, ev)
	}
	assert.GreaterOrEqual(t, time.Since(began), 3*time.Hour)
	c.Close()
	synctest.Wait()
}
