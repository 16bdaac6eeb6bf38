package quirks_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfFetch(t *testing.T) { runQuirks(t, fetchQuirks) }

// fetching is a quirk in the answer to a FETCH of the flags of messages 1 to 3.
func fetching(row int, server string, odd bool, check func(*testing.T, []*imap.Message, *imap.Client), lines ...string) quirk {
	return quirk{row: row, server: server, odd: odd, script: testkit.Answering("UID FETCH 1:3 (UID FLAGS)", lines...), check: func(t *testing.T, c *imap.Client) {
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(1, 3), imap.FetchFlags))
		require.NoError(t, err)
		check(t, got, c)
	}}
}

// uidsAre checks which messages were yielded, and that there are no events.
func uidsAre(want ...imap.UID) func(*testing.T, []*imap.Message, *imap.Client) {
	return func(t *testing.T, got []*imap.Message, c *imap.Client) {
		var uids []imap.UID
		for _, m := range got {
			uids = append(uids, m.UID)
		}
		assert.Equal(t, want, uids)
		for _, ev := range c.Events() {
			_, isFetch := ev.(*imap.FetchEvent)
			assert.False(t, isFetch, "%v", ev)
		}
	}
}

// sectionIs checks one section.
func sectionIs(s imap.Section, want string) func(*testing.T, *imap.Message, error) {
	return whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, want, string(m.Section(s)))
	})
}

// fields is a section of several header fields.
func fields(names ...string) imap.Section { return imap.Section{Specifier: "HEADER", Fields: names} }

// fetchQuirks are about FETCH responses and their items.
var fetchQuirks = []quirk{
	ofMessage(157, "QQ", true, "", whole(func(t *testing.T, m *imap.Message) { assert.EqualValues(t, 1, m.UID) })),
	onNoop(158, "QIP", true, "* 5 FETCH ()", func(t *testing.T, c *imap.Client) {
		assert.Equal(t, []imap.Event{&imap.FetchEvent{Message: &imap.Message{SeqNum: 5}}}, c.Events())
	}),
	fetching(159, "Courier", true, uidsAre(2), `* 0 FETCH (UID 1 FLAGS (\Seen))`, `* 2 FETCH (UID 2 FLAGS ())`),
	onNoop(159, "Courier", true, `* 0 FETCH (FLAGS (\Seen))`, func(t *testing.T, c *imap.Client) { assert.Empty(t, c.Events()) }),
	fetching(160, "Zoho", false, uidsAre(2), `* -5 FETCH (UID 1 FLAGS (\Seen))`, `* 2 FETCH (UID 2 FLAGS ())`),
	ofMessage(161, "Zoho, Gmail", true, "MODSEQ (-1) RFC822.SIZE 7", whole(func(t *testing.T, m *imap.Message) {
		assert.Zero(t, m.ModSeq)
		assert.EqualValues(t, 7, m.Size)
	})),
	ofMessage(161, "?", true, "MODSEQ (99999999999999999999) RFC822.SIZE 7", whole(func(t *testing.T, m *imap.Message) { assert.Zero(t, m.ModSeq) })),
	ofMessage(161, "Zoho, Gmail", true, "MODSEQ (0) RFC822.SIZE 7", whole(func(t *testing.T, m *imap.Message) { assert.Zero(t, m.ModSeq) })),
	{row: 162, server: "Zimbra < 5.08", odd: true, script: testkit.Answering("UID FETCH 123 (UID)", "* 1 FETCH (UID 123MODSEQ (5))"), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 123)
		require.NoError(t, err)
		require.NotNil(t, m)
		assert.EqualValues(t, 5, m.ModSeq)
	}},
	ofMessage(163, "Domino", true, `(ENVELOPE (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)) BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 3 1)`, whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, "s", m.Envelope.Subject)
		assert.EqualValues(t, 3, m.BodyStructure.Size)
	})),
	{row: 164, server: "Exchange, Domino", script: testkit.Answering("UID FETCH 9 (UID FLAGS BODY.PEEK[])", "* 1 FETCH (BODY[] {5}\r\nhello FLAGS (\\Seen) UID 9)"), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 9, imap.FetchFlags, body)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(m.Section(body)))
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	}},
	{row: 165, server: "Xeams", odd: true, script: testkit.Answering("UID FETCH 9 (UID FLAGS BODY.PEEK[])", "* 1 FETCH (UID 9 BODY[] {5}\r\nhello)", ` FLAGS (\Seen) RFC822.SIZE 5`), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 9, imap.FetchFlags, body)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(m.Section(body)))
		assert.Empty(t, m.Flags)
		assert.Zero(t, m.Size)
	}},
	{row: 166, server: "iCloud", script: testkit.Answering("UID FETCH 9 (UID BODY.PEEK[] BODY[])", "* 1 FETCH (UID 9 BODY[] {5}\r\nhello BODY[] {5}\r\nhello)"), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 9, body, imap.Section{MarkSeen: true})
		require.NoError(t, err)
		assert.Equal(t, "hello", string(m.Section(body)))
	}},
	ofMessage(167, "?", false, "BODY[HEADER] {6}\r\nA: b\r\n", sectionIs(imap.Section{Specifier: "HEADER"}, "A: b\r\n")),
	ofMessage(167, "?", false, "RFC822.HEADER {6}\r\nA: b\r\n", sectionIs(imap.Section{Specifier: "HEADER"}, "A: b\r\n")),
	ofMessage(167, "?", true, "RFC822[] {5}\r\nhello", bodyIs("hello")),
	ofMessage(167, "?", false, "RFC822 {5}\r\nhello", bodyIs("hello")),
	ofMessage(168, "several", false, "BODY[HEADER.FIELDS (\"TO\" \"FROM\")] {7}\r\nTo: b\r\n", sectionIs(fields("From", "To"), "To: b\r\n")),
	ofMessage(168, "several", false, "body[header.fields (to from)] {7}\r\nTo: b\r\n", sectionIs(fields("From", "To"), "To: b\r\n")),
	ofMessage(169, "?", true, "BODY[2]<0.65536> {2}\r\nhi", sectionIs(imap.Section{Part: []int{2}}, "hi")),
	ofMessage(169, "?", true, "BODY[2]<10.20> {2}\r\nhi", sectionIs(imap.Section{Part: []int{2}, Offset: 10, Count: 20}, "hi")),
	ofMessage(170, "Yandex", true, "BODY[2.MIME] {6}\r\nA: b\r\n BODY[2]", whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, "A: b\r\n", string(m.Section(imap.Section{Part: []int{2}, Specifier: "MIME"})))
		require.Len(t, m.Sections, 2)
		assert.Nil(t, m.Sections[1].Bytes)
	})),
	ofMessage(170, "Yandex", true, "BODY[2] BODY[3] {2}\r\nhi", whole(func(t *testing.T, m *imap.Message) {
		assert.Nil(t, m.Section(imap.Section{Part: []int{2}}))
		assert.Equal(t, "hi", string(m.Section(imap.Section{Part: []int{3}})))
	})),
	{row: 171, server: "Yandex", script: testkit.Answering("UID FETCH 1:2 (UID FLAGS BODYSTRUCTURE)", `* 1 FETCH (UID 1 FLAGS (\Seen) BODYSTRUCTURE ("text" "plain" ("char`,
		`* 2 FETCH (UID 2 FLAGS () BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 3 1))`), check: func(t *testing.T, c *imap.Client) {
		var uids []imap.UID
		for m, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 2), imap.FetchFlags, imap.FetchBodyStructure) {
			require.NotNil(t, m, "%v", err)
			if uids = append(uids, m.UID); m.UID == 2 {
				require.NoError(t, err)
				continue
			}
			var broken *imap.ProtocolError
			require.ErrorAs(t, err, &broken)
			assert.Positive(t, broken.Offset)
			assert.NotContains(t, broken.Excerpt, "char", "the excerpt is redacted")
			assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
		}
		assert.ElementsMatch(t, []imap.UID{1, 2}, uids)
	}},
	ofMessage(172, "AOL, James, Stalwart, Dovecot", false, `XAOL.SPAM.REASON (a (b "c)") {1}`+"\r\n))"+` X-B b[c] SAVEDATE "01-Feb-2024 10:11:12 +0000" RFC822.SIZE 7`, whole(func(t *testing.T, m *imap.Message) {
		assert.EqualValues(t, 7, m.Size)
		assert.True(t, m.SaveDate.Equal(time.Date(2024, 2, 1, 10, 11, 12, 0, time.UTC)))
	})),
	{row: 173, server: "Gmail", script: testkit.Answering("UID FETCH 2 (UID RFC822.SIZE)", `* 1 FETCH (FLAGS (\Seen))`, "* 2 FETCH (UID 2 RFC822.SIZE 7)"), check: func(t *testing.T, c *imap.Client) {
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDs(2), imap.FetchSize))
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, []imap.Event{&imap.FetchEvent{Message: &imap.Message{SeqNum: 1, Flags: []imap.Flag{imap.FlagSeen}}}}, c.Events())
	}},
	{row: 174, server: "Exchange, GoDaddy", script: testkit.Answering("NOOP", `* 99 FETCH (FLAGS ())`, "* 98 EXPUNGE"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		assert.Equal(t, []imap.Event{&imap.FetchEvent{Message: &imap.Message{SeqNum: 99, Flags: []imap.Flag{}}}, &imap.ExpungeEvent{SeqNum: 98}}, c.Events())
		exists(4)(t, c)
	}},
	notReturned(175, "Exchange"),
	notReturned(176, "Courier"),
	ofMessage(177, "Exchange", false, "RFC822.SIZE 3 BODY[] {5}\r\nhello", bodyIs("hello")),
	{row: 177, server: "Exchange", script: testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1]<0.4>)", "* 1 FETCH (UID 1 BODY[1]<0> {4}\r\nhell)") +
		testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1]<4.4>)", "* 1 FETCH (UID 1 BODY[1]<4> {1}\r\no)") +
		testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1]<5.4>)", `* 1 FETCH (UID 1 BODY[1]<5> "")`), check: func(t *testing.T, c *imap.Client) {
		var all []byte
		for {
			chunk := imap.Section{Part: []int{1}, Offset: int64(len(all)), Count: 4}
			m, err := c.FetchOne(testkit.Context(t), 1, chunk)
			require.NoError(t, err)
			got := m.Section(chunk)
			if all = append(all, got...); len(got) == 0 {
				break
			}
		}
		assert.Equal(t, "hello", string(all))
	}},
	{row: 178, server: "Cyrus", caps: "IMAP4rev1 BINARY", script: testkit.Answering("UID FETCH 1 (UID BINARY.PEEK[1])", "* 1 FETCH (UID 1)") + testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1])", "* 1 FETCH (UID 1 BODY[1] {4}\r\naGk=)"),
		check: func(t *testing.T, c *imap.Client) {
			binary := imap.Section{Part: []int{1}, Binary: true}
			m, err := c.FetchOne(testkit.Context(t), 1, binary)
			require.NoError(t, err)
			require.NotNil(t, m)
			assert.Nil(t, m.Section(binary))
			m, err = c.FetchOne(testkit.Context(t), 1, imap.Section{Part: []int{1}})
			require.NoError(t, err)
			assert.Equal(t, "aGk=", string(m.Sections[0].Bytes))
		}, except: "decoding a part that the server cannot decode needs its encoding and is the caller's: a section that did not come is nil, told apart from an empty one, and BODY of the part works"},
	{row: 179, server: "iCloud", caps: "IMAP4rev1 BINARY", script: testkit.Answering("UID FETCH 1 (UID BINARY.PEEK[1] BODYSTRUCTURE)", "* 1 FETCH (UID 1 BINARY[1] ~{2}\r\n\x00i BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"base64\" 4))"),
		check: func(t *testing.T, c *imap.Client) {
			binary := imap.Section{Part: []int{1}, Binary: true}
			m, err := c.FetchOne(testkit.Context(t), 1, binary, imap.FetchBodyStructure)
			require.NoError(t, err)
			assert.Equal(t, "\x00i", string(m.Section(binary)), "the size comes with the data: BINARY.SIZE is never asked for")
		}},
	{row: 180, server: "Gmail", script: testkit.Answering("UID FETCH 1 (UID BODYSTRUCTURE)", "* 1 FETCH (UID 1 BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 2 1))") + testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1])", "* 1 FETCH (UID 1 BODY[1] {2}\r\nhi)"),
		check: func(t *testing.T, c *imap.Client) {
			m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchBodyStructure)
			require.NoError(t, err)
			part := imap.Section{Part: m.BodyStructure.Part}
			m, err = c.FetchOne(testkit.Context(t), 1, part)
			require.NoError(t, err)
			assert.Equal(t, "hi", string(m.Section(part)))
		}},
	{row: 181, server: "Gmail", odd: true, caps: "IMAP4rev1 X-GM-EXT-1", script: testkit.Answering("UID FETCH 1 (UID X-GM-LABELS)", `* 1 FETCH (X-GM-LABELS ("\\Starred" NIL +IMNews "Entw&APw-rfe") UID 1)`), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchGmailLabels)
		require.NoError(t, err)
		require.NotNil(t, m.Gmail)
		assert.Equal(t, []string{`\Starred`, "+IMNews", "Entwürfe"}, m.Gmail.Labels)
	}},
	ofMessage(182, "?", false, "BODY[1] {1}\r\na BODY[1] {1}\r\nb", sectionIs(imap.Section{Part: []int{1}}, "b")),
}

// notReturned: a requested message is not returned, and the server answers OK.
func notReturned(row int, server string) quirk {
	return quirk{row: row, server: server, script: testkit.Answering("UID FETCH 20004 (UID BODY.PEEK[])") + "C: $ UID FETCH 20004 (UID BODY.PEEK[])\nS: $ NO server error\n", check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 20004, body)
		assert.Nil(t, m)
		assert.ErrorIs(t, err, imap.ErrNoMessage)
		m, err = c.FetchOne(testkit.Context(t), 20004, body)
		assert.Nil(t, m)
		assert.Equal(t, "NO", serverError(t, err).Status)
	}}
}

func TestQuirksOfDates(t *testing.T) { runQuirks(t, dateQuirks) }

// dated is a quirk in an internal date.
func dated(row int, server string, odd bool, date string, want time.Time) quirk {
	return ofMessage(row, server, odd, "INTERNALDATE "+date+" RFC822.SIZE 7", whole(func(t *testing.T, m *imap.Message) {
		assert.True(t, m.InternalDate.Equal(want), "%v", m.InternalDate)
		assert.EqualValues(t, 7, m.Size)
	}))
}

var someDay = time.Date(2020, 2, 5, 3, 4, 5, 0, time.UTC)

// dateQuirks are about internal dates.
var dateQuirks = []quirk{
	dated(230, "Domino", true, `"00-Jan-0000 00:00:00 +0000"`, time.Time{}),
	dated(231, "Bouygues (DOLMEN)", true, `"05-Feb-2020 03:04:05"`, someDay),
	dated(232, "?", true, `NIL`, time.Time{}),
	dated(232, "?", true, `"Wed, 5 Feb 2020 04:04:05 +0100"`, someDay),
	dated(232, "?", true, `"5 Feb 2020 03:04:05 +0000"`, someDay),
	dated(232, "?", true, `"5-Feb-2020 03:04:05 +0000"`, someDay),
	dated(232, "?", true, `"05-Feb-2020 03:04:05 GMT"`, someDay),
	dated(232, "?", true, `"05-Feb-20 03:04:05 +0000"`, someDay),
	dated(232, "?", true, `"2020-02-05T03:04:05Z"`, someDay),
	{row: 257, server: "Twisted, hMailServer", script: testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1]<4.4>)", "* 1 FETCH (UID 1 BODY[1]<4.4> \"456789\")"), check: func(t *testing.T, c *imap.Client) {
		section := imap.Section{Part: []int{1}, Offset: 4, Count: 4}
		m, err := c.FetchOne(testkit.Context(t), 1, section)
		require.NoError(t, err)
		assert.Equal(t, "4567", string(m.Section(section)))
	}},
	ofMessage(254, "?", true, "X-GM-MSGID NIL X-GM-THRID NIL MODSEQ NIL FLAGS NIL UID 1", whole(func(t *testing.T, m *imap.Message) {
		assert.Zero(t, m.ModSeq)
		assert.Equal(t, []imap.Flag{}, m.Flags, "none, as opposed to not known")
	})),
	dated(232, "?", false, `" 5-Feb-2020 03:04:05 +0000"`, someDay),
	dated(232, "?", false, `"05-FEB-2020 03:04:05 +0000"`, someDay),
	ofMessage(232, "?", false, `INTERNALDATE "no date at all" RFC822.SIZE 7`, func(t *testing.T, m *imap.Message, err error) {
		var broken *imap.ProtocolError
		assert.True(t, errors.As(err, &broken), "%v", err)
		assert.Zero(t, m.InternalDate)
		assert.EqualValues(t, 7, m.Size)
	}),
}
