package quirks_test

import (
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfEnvelopes(t *testing.T) { runQuirks(t, envelopeQuirks) }

// enveloped is a quirk in an envelope.
func enveloped(row int, server string, odd bool, envelope string, want imap.Envelope) quirk {
	return ofMessage(row, server, odd, "ENVELOPE "+envelope+" RFC822.SIZE 7", whole(func(t *testing.T, m *imap.Message) {
		assert.Equal(t, want, decodedOf(m.Envelope))
		assert.EqualValues(t, 7, m.Size, "what follows")
	}))
}

// decodedOf is an envelope without the undecoded texts.
func decodedOf(env *imap.Envelope) imap.Envelope {
	return imap.Envelope{Date: env.Date, Subject: env.Subject, From: env.From, Sender: env.Sender, ReplyTo: env.ReplyTo, To: env.To, CC: env.CC, BCC: env.BCC,
		InReplyTo: env.InReplyTo, MessageID: env.MessageID}
}

// from is an envelope with these addresses as From only, written as a list.
func from(row int, server string, odd bool, list string, want ...imap.Address) quirk {
	return enveloped(row, server, odd, `(NIL "s" `+list+` NIL NIL NIL NIL NIL NIL "<i@h>")`, imap.Envelope{Subject: "s", From: want, MessageID: "<i@h>"})
}

// addressed checks the result of Addr for the first address.
func addressed(row int, server string, odd bool, address, raw, addr string, host string) quirk {
	return ofMessage(row, server, odd, `ENVELOPE (NIL "s" (`+address+`) NIL NIL NIL NIL NIL NIL NIL)`, whole(func(t *testing.T, m *imap.Message) {
		require.Len(t, m.Envelope.From, 1)
		assert.Equal(t, raw, m.Envelope.From[0].Mailbox)
		assert.Equal(t, host, m.Envelope.From[0].Host)
		assert.Equal(t, addr, m.Envelope.From[0].Addr())
	}))
}

var (
	alice = imap.Address{Name: "n", Mailbox: "m", Host: "h"}
	bob   = imap.Address{Name: "o", Mailbox: "p", Host: "q"}
)

// envelopeQuirks are about envelopes and their addresses.
var envelopeQuirks = []quirk{
	from(20, "David.fx", true, `(("Anna Kathrin L \" NIL "mandant" "example.de")("B" NIL "b" "h"))`,
		imap.Address{Name: `Anna Kathrin L \`, Mailbox: "mandant", Host: "example.de"}, imap.Address{Name: "B", Mailbox: "b", Host: "h"}),
	from(20, "David.fx", true, `((NIL NIL "DOM\" "h"))`, imap.Address{Mailbox: `DOM\`, Host: "h"}),
	from(20, "any", true, `(("a \"b\" c" NIL))`, imap.Address{Name: `a "b" c`}),
	from(183, "Outlook.com", true, `(("n" NIL "m" "h") ("o" NIL "p" "q"))`, alice, bob),
	from(184, "Yahoo", true, `()`),
	from(185, "Yahoo", true, `(("undisclosed-recipients" NIL "\"undisclosed-recipients\"" NIL ))`,
		imap.Address{Name: "undisclosed-recipients", Mailbox: `"undisclosed-recipients"`}),
	from(186, "SmarterMail", true, `(NIL ("n" NIL "m" "h"))`, alice),
	enveloped(187, "?", true, `(NIL "s" (("n" NIL "m" "h")) NIL NIL NIL NIL NIL "<r@h>")`, imap.Envelope{Subject: "s", From: []imap.Address{alice}, InReplyTo: "<r@h>"}),
	enveloped(187, "?", true, `(NIL "s" (("n" NIL "m" "h")) NIL NIL NIL NIL NIL)`, imap.Envelope{Subject: "s", From: []imap.Address{alice}}),
	enveloped(188, "QQ", true, `("Wed, 5 Feb 2020 03:04:05 +0000" "s" (("n" NIL "m" "h")) "x" "y" "<i@h>")`,
		imap.Envelope{Date: time.Date(2020, 2, 5, 3, 4, 5, 0, time.UTC), Subject: "s", From: []imap.Address{alice}}),
	from(189, "Gmail", true, `(("<s@d.com>" NIL "=?UTF-8?Q?Name?=" NIL))`, imap.Address{Name: "Name", Mailbox: "s", Host: "d.com"}),
	from(190, "Gmail", true, `((NIL NIL "<a=b.com" "b.com>"))`, imap.Address{Mailbox: "a=b.com", Host: "b.com"}),
	addressed(191, "Dovecot <= 2.3.4.1, UW, Exchange", false, `(NIL NIL "m" "MISSING_DOMAIN")`, "m", "m", "MISSING_DOMAIN"),
	addressed(191, "Dovecot <= 2.3.4.1, UW, Exchange", false, `(NIL NIL "MISSING_MAILBOX" "h")`, "MISSING_MAILBOX", "h", "h"),
	addressed(191, "Dovecot <= 2.3.4.1, UW, Exchange", false, `(NIL NIL "m" ".MISSING-HOST-NAME.")`, "m", "m", ".MISSING-HOST-NAME."),
	from(192, "Exchange", false, `(("Microsoft Exchange Server" NIL NIL ".MISSING-HOST-NAME.") ("n" NIL "m" "h"))`,
		imap.Address{Name: "Microsoft Exchange Server", Host: ".MISSING-HOST-NAME."}, alice),
	addressed(193, "?", false, `(NIL NIL "Mail Delivery System" "")`, "Mail Delivery System", "Mail Delivery System", ""),
	addressed(193, "?", false, `(NIL NIL "" "localhost")`, "", "localhost", "localhost"),
	from(194, "Dovecot", false, `((NIL NIL "boys" NIL)("n" NIL "m" "h")(NIL NIL NIL NIL))`, imap.Address{Mailbox: "boys"}, alice, imap.Address{}),
	from(194, "Dovecot", true, `(("n" NIL "m" "h")(NIL NIL NIL NIL))`, alice),
	from(195, "Outlook", false, `(("info@" NIL "some-url.com info" "some-url.com"))`, imap.Address{Name: "info@", Mailbox: "some-url.com info", Host: "some-url.com"}),
	enveloped(196, "iCloud", true, `(NIL "s" (("n" NIL "m" "h")) NIL NIL NIL NIL NIL NIL "<a"b@h>")`, imap.Envelope{Subject: "s", From: []imap.Address{alice}, MessageID: `<a"b@h>`}),
	headerDated(`Sat, 8 May 2010 16.03.09 +0200`, "<not an id", time.Date(2010, 5, 8, 14, 3, 9, 0, time.UTC)),
	headerDated(`Mon, 24 May 20 21 09:47 +0000`, "a b c", time.Time{}),
	headerDated(``, "", time.Time{}),
	enveloped(198, "Exchange 2007", false, `(NIL "s" NIL (("n" NIL "m" "h")) NIL NIL NIL NIL NIL NIL)`, imap.Envelope{Subject: "s", Sender: []imap.Address{alice}}),
	{row: 198, server: "Exchange 2007", script: testkit.Answering("UID FETCH 1 (UID ENVELOPE)", `* 1 FETCH (UID 1 ENVELOPE (NIL "s" NIL (("n" NIL "m" "h")) NIL NIL NIL NIL NIL NIL))`), check: func(t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchEnvelope)
		require.NoError(t, err)
		assert.Nil(t, m.Envelope.From)
		assert.Equal(t, []imap.Address{alice}, m.Envelope.Sender)
	}, except: "Envelope is what the server said: From and Reply-To that did not come stay empty beside Sender, and whom to answer is the caller's choice"},
}

// headerDated is row 197: an invalid date is the zero time, its text is kept, and identifiers are unchanged.
func headerDated(date, id string, want time.Time) quirk {
	return ofMessage(197, "any", false, `ENVELOPE ("`+date+`" "s" NIL NIL NIL NIL NIL NIL NIL "`+id+`")`, whole(func(t *testing.T, m *imap.Message) {
		assert.True(t, want.Equal(m.Envelope.Date), "%v", m.Envelope.Date)
		assert.Equal(t, date, m.Envelope.DateText)
		assert.Equal(t, date, m.Envelope.Raw().Date)
		assert.Equal(t, id, m.Envelope.MessageID)
	}))
}
