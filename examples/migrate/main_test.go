package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/imaptest"
	script "github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	require.Equal(t, "Archive to Archive: 0 messages, 0 copied\nINBOX to INBOX: 7 messages, 7 copied\n", exampletest.Output(t, run))
}

// side is an account to migrate from or to.
type side struct {
	*testing.T
	addr, user, password, prefix, delimiter string
}

func (s side) login() *imap.Client {
	s.Helper()
	c, err := imap.DialInsecure(s.Context(), s.addr, nil)
	require.NoError(s, err)
	require.NoError(s, c.Login(s.Context(), s.user, s.password))
	return c
}

// contents returns flags, date and text of each message in a mailbox, in order.
func (s side) contents(mailbox string) (list []string) {
	s.Helper()
	c := s.login()
	defer c.Close()
	_, err := c.Examine(s.Context(), mailbox, nil)
	require.NoError(s, err)
	for m, err := range c.Fetch(s.Context(), imap.UIDRange(1, 0), imap.FetchFlags, imap.FetchInternalDate, imap.Section{}) {
		require.NoError(s, err)
		flags := slices.DeleteFunc(m.Flags, func(f imap.Flag) bool { return f == imap.FlagRecent })
		slices.Sort(flags)
		list = append(list, fmt.Sprint(flags, m.InternalDate.UTC(), string(m.Section(imap.Section{}))))
	}
	return list
}

func (s side) fill(mailbox string, create bool, texts ...string) {
	s.Helper()
	c := s.login()
	defer c.Close()
	if create {
		require.NoError(s, c.Create(s.Context(), mailbox, nil))
	}
	flags := [][]imap.Flag{nil, {imap.FlagSeen}, {imap.FlagFlagged, imap.FlagAnswered, "$Work"}, {imap.FlagDraft, "Custom"}}
	for i, text := range texts {
		opts := &imap.AppendOptions{Flags: flags[i%len(flags)], InternalDate: time.Date(2020, 1, i%28+1, 3, 4, 5, 0, time.UTC)}
		_, err := c.Append(s.Context(), mailbox, imap.LiteralString(text), opts)
		require.NoError(s, err)
	}
}

// args are the flags of the program.
func args(t *testing.T, from, to side, more ...string) []string {
	t.Setenv("IMAP_PASSWORD", from.password)
	t.Setenv("IMAP_TO_PASSWORD", to.password)
	return append([]string{"-addr", from.addr, "-insecure", "-user", from.user, "-to-addr", to.addr, "-to-insecure", "-to-user", to.user}, more...)
}

func migrate(t *testing.T, from, to side, more ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args(t, from, to, more...), &out))
	return out.String()
}

func text(id, subject string) string {
	if id != "" {
		id = "Message-ID: <" + id + ">\r\n"
	}
	return id + "From: a@example.org\r\nSubject: " + subject + "\r\n\r\nBody of " + subject + "\r\n"
}

// testMigrate migrates, migrates again after messages were added, and finally finds nothing to do.
func testMigrate(t *testing.T, from, to side) {
	box := from.prefix + "Größe" + from.delimiter + "2026"
	boxThere := to.prefix + "Größe" + to.delimiter + "2026"
	inbox := []string{text("1@x", "one"), text("", "no ID"), text("2@x", "two"), text("2@x", "two"), text("", "no ID"), text("3@x", "three")}
	from.fill("INBOX", false, inbox...)
	from.fill(box, true, text("1@x", "one"), text("", "large")+strings.Repeat("A line of a large message.\r\n", 5000))
	to.fill("INBOX", false, text("there@x", "there before"), text("3@x", "three"))

	dry := migrate(t, from, to, "-dry-run")
	require.Contains(t, dry, "INBOX to INBOX: 6 messages, 5 to copy\n")
	require.Contains(t, dry, box+" to "+boxThere+": 2 messages, 2 to copy\n")
	require.Len(t, to.contents("INBOX"), 2)

	done := migrate(t, from, to)
	require.Equal(t, strings.ReplaceAll(dry, "to copy", "copied"), done)
	require.Equal(t, from.contents(box), to.contents(boxThere))
	require.ElementsMatch(t, from.contents("INBOX")[:5], to.contents("INBOX")[2:])

	from.fill("INBOX", false, text("4@x", "four"))
	require.Equal(t, "INBOX to INBOX: 7 messages, 1 copied\n", migrate(t, from, to, "INBOX"))
	require.NotContains(t, strings.ReplaceAll(migrate(t, from, to), " 0 copied", ""), "copied")
	require.Len(t, to.contents("INBOX"), 8)
}

func double(t *testing.T, opts *imaptest.Options) (side, *imaptest.Server) {
	srv := imaptest.NewServer(t, opts)
	s := side{t, srv.Addr(), "user", "password", "", "/"}
	if opts != nil && opts.Profile == imaptest.Courier {
		s.prefix, s.delimiter = "INBOX.", "."
	}
	return s, srv
}

func TestServers(t *testing.T) {
	for _, names := range [][2]string{{"dovecot", "dovecot"}, {"courier", "cyrus"}, {"cyrus", "courier"}, {"double", "dovecot"}} {
		t.Run(strings.Join(names[:], " to "), func(t *testing.T) {
			var sides []side
			for _, name := range names {
				if name == "double" {
					s, _ := double(t, nil)
					sides = append(sides, s)
					continue
				}
				s := realserver.Get(t, name)
				user, password, err := s.NewUser()
				require.NoError(t, err)
				sides = append(sides, side{t, s.Addr, user, password, s.Prefix, s.Delimiter})
			}
			testMigrate(t, sides[0], sides[1])
		})
	}
	for _, profile := range []imaptest.Profile{"", imaptest.Courier, imaptest.ExchangeOnline} {
		t.Run("doubles "+string(profile), func(t *testing.T) {
			from, _ := double(t, &imaptest.Options{Profile: profile})
			to, _ := double(t, nil)
			testMigrate(t, from, to)
		})
	}
}

// TestSpecialUse has other names for the same mailboxes, and a name that the other server would read as two levels.
func TestSpecialUse(t *testing.T) {
	from, srv := double(t, nil)
	srv.Create("Gesendet", `\Sent`)
	srv.Create("v1.2/x", "")
	srv.Deliver("Gesendet", imaptest.Message{Subject: "sent"})
	to, other := double(t, &imaptest.Options{Profile: imaptest.Courier})
	other.Create("INBOX.Sent", "")
	out := migrate(t, from, to)
	require.Contains(t, out, "Gesendet to INBOX.Sent: 1 messages, 1 copied\n")
	require.Contains(t, out, "v1.2/x to INBOX.v1_2.x: 0 messages, 0 copied\n")
	require.Contains(t, other.Mailboxes(), "INBOX.v1_2.x")
	require.NotContains(t, other.Mailboxes(), "INBOX.Gesendet")
}

// TestBrokenOff cuts connections on both sides, in the middle of messages: nothing is lost, and nothing is duplicated.
func TestBrokenOff(t *testing.T) {
	from, source := double(t, nil)
	to, target := double(t, nil)
	var texts []string
	for i := range 60 {
		texts = append(texts, text(fmt.Sprint(i, "@x"), fmt.Sprint("number ", i)))
	}
	from.fill("INBOX", false, texts...)
	for i := range 20 {
		srv, fault := source, imaptest.Fault{Command: "FETCH", Skip: 1, After: int64(2000 + 100*i), Drop: true}
		if i%2 == 1 {
			srv, fault = target, imaptest.Fault{Command: "APPEND", Skip: 1 + i%3, After: int64(i), Drop: true}
		}
		remove := srv.Inject(fault)
		_ = run(t.Context(), args(t, from, to, "-tries", "1"), new(bytes.Buffer))
		remove()
	}
	source.Inject(imaptest.Fault{Command: "FETCH", Drop: true})
	require.Contains(t, migrate(t, from, to), "INBOX to INBOX: 60 messages", "it connects again")
	require.Equal(t, from.contents("INBOX"), to.contents("INBOX"))
}

// TestLeftOut: a message that its server does not send is reported, and copied by the next run.
func TestLeftOut(t *testing.T) {
	from, source := double(t, nil)
	to, _ := double(t, nil)
	from.fill("INBOX", false, text("1@x", "one"))
	source.Inject(imaptest.Fault{Command: "FETCH", Skip: 1, Reply: "OK done"})
	var out bytes.Buffer
	require.EqualError(t, run(t.Context(), args(t, from, to), &out), "1 messages were not copied")
	require.Contains(t, out.String(), "message 1 did not come\n")
	require.Empty(t, to.contents("INBOX"))
	require.NoError(t, run(t.Context(), args(t, from, to), &out))
	require.Len(t, to.contents("INBOX"), 1)
}

// TestRefused continues with the next message.
func TestRefused(t *testing.T) {
	from, _ := double(t, nil)
	to, target := double(t, nil)
	from.fill("INBOX", false, text("1@x", "one"), text("2@x", "two"), text("3@x", "three"))
	target.Inject(imaptest.Fault{Command: "APPEND", Skip: 1, Reply: "NO Bare newlines"})
	var out bytes.Buffer
	require.EqualError(t, run(t.Context(), args(t, from, to), &out), "1 messages were not copied")
	require.Contains(t, out.String(), "message 2 is refused: imap: APPEND: NO Bare newlines\n")
	require.Len(t, to.contents("INBOX"), 2)

	target.Inject(imaptest.Fault{Command: "APPEND", Reply: "NO [OVERQUOTA] Full"})
	require.ErrorContains(t, run(t.Context(), args(t, from, to), &out), "Full")
}

// TestSameID: messages with the same Message-ID, such as the versions of a draft, are told apart.
func TestSameID(t *testing.T) {
	from, _ := double(t, nil)
	to, _ := double(t, nil)
	first, second := text("1@x", "draft"), text("1@x", "draft, revised")
	from.fill("INBOX", false, first, second)
	to.fill("INBOX", false, second)
	require.Equal(t, "INBOX to INBOX: 2 messages, 1 copied\n", migrate(t, from, to, "INBOX"))
	there := to.contents("INBOX")
	require.Len(t, there, 2)
	require.Contains(t, there[1], first)
	require.Equal(t, "INBOX to INBOX: 2 messages, 0 copied\n", migrate(t, from, to, "INBOX"))
}

// TestUnreadable: a message whose flags cannot be parsed is reported; the others are copied, each once, also one whose
// envelope cannot be parsed.
func TestUnreadable(t *testing.T) {
	to, target := double(t, nil)
	const selected = "C: $ EXAMINE INBOX\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: $ OK done\n" +
		"C: $ UID FETCH 1:* (UID RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (Message-ID Date From To Subject)])\n" +
		"S: * 1 FETCH (UID 1 RFC822.SIZE 24 ENVELOPE (NIL) BODY[HEADER.FIELDS (Message-ID Date From To Subject)] {21}\n" +
		"S: message-id: <1@x>\nS: \nS: )\n" +
		"S: * 2 FETCH (UID 2 RFC822.SIZE 24 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL \"<2@x>\"))\n" +
		"S: * 3 FETCH (UID 3 RFC822.SIZE 24 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL \"<3@x>\"))\n" +
		"S: $ OK done\n"
	c, err := imap.NewClient(t.Context(), script.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] ready\n"+selected+`
		C: $ UID FETCH 1:3 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS () INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {24}
		S: message-id: <1@x>
		S: 
		S: 1
		S: )
		S: * 2 FETCH (UID 2 FLAGS (\Seen (a)) INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {24}
		S: message-id: <2@x>
		S: 
		S: 2
		S: )
		S: * 3 FETCH (UID 3 FLAGS () INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {24}
		S: message-id: <3@x>
		S: 
		S: 3
		S: )
		S: $ OK done
	`+selected+`
		C: $ UID FETCH 2 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: $ OK done
	`), nil)
	require.NoError(t, err)
	defer c.Close()
	var out bytes.Buffer
	m := &migration{from: c, to: to.login(), out: &out}
	defer m.to.Close()
	require.NoError(t, m.mailbox(t.Context(), "INBOX", "INBOX", true))
	require.Equal(t, 1, m.left)
	require.Contains(t, out.String(), "message 2: imap: UID FETCH: protocol error")
	require.Len(t, target.Messages("INBOX"), 2)
	require.NoError(t, m.mailbox(t.Context(), "INBOX", "INBOX", true))
	require.Len(t, target.Messages("INBOX"), 2)
}

// TestIncomplete: a list that lacks messages is an error, instead of a mailbox with fewer messages.
func TestIncomplete(t *testing.T) {
	from, source := double(t, nil)
	to, _ := double(t, nil)
	from.fill("INBOX", false, text("1@x", "one"))
	source.Inject(imaptest.Fault{Command: "FETCH", Reply: "OK done"})
	require.ErrorContains(t, run(t.Context(), args(t, from, to), new(bytes.Buffer)), "0 of 1 messages")
}

// TestMailboxRefused continues with the next mailbox, and a BAD for a message with the next message.
func TestMailboxRefused(t *testing.T) {
	from, source := double(t, nil)
	to, target := double(t, nil)
	from.fill("INBOX", false, text("1@x", "one"), text("2@x", "two"))
	source.Create("Archive", "")
	source.Inject(imaptest.Fault{Command: "EXAMINE", Reply: "NO [NOPERM] Not yours"})
	target.Inject(imaptest.Fault{Command: "APPEND", Reply: "BAD Invalid message"})
	var out bytes.Buffer
	err := run(t.Context(), args(t, from, to), &out)
	require.ErrorContains(t, err, "Archive: imap: EXAMINE: NO [NOPERM] Not yours")
	require.ErrorContains(t, err, "1 messages were not copied")
	require.Contains(t, out.String(), "message 1 is refused: imap: APPEND: BAD Invalid message\n")
	require.Len(t, to.contents("INBOX"), 1)
}
