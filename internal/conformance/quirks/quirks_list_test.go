package quirks_test

import (
	"fmt"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfLists(t *testing.T) { runQuirks(t, listQuirks) }

// listing is a quirk in one LIST response.
func listing(row int, server string, odd bool, line string, want ...imap.ListEntry) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, caps: "IMAP4rev1", script: testkit.Answering(`LIST "" *`, line), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}}
}

// named is a listed mailbox with this name.
func named(name, delimiter string, attrs ...imap.MailboxAttr) imap.ListEntry {
	return imap.ListEntry{Name: name, Raw: name, Delimiter: delimiter, Attrs: append([]imap.MailboxAttr{}, attrs...)}
}

// subscribedBelow is a listed mailbox with a subscribed one below it.
func subscribedBelow(name string) imap.ListEntry {
	e := named(name, "/")
	e.ChildInfo = []string{"SUBSCRIBED"}
	return e
}

// rawNamed is a mailbox with another name on the wire.
func rawNamed(name, raw, delimiter string, attrs ...imap.MailboxAttr) imap.ListEntry {
	e := named(name, delimiter, attrs...)
	e.Raw = raw
	return e
}

// listQuirks are about LIST, LSUB, XLIST and NAMESPACE.
var listQuirks = []quirk{
	listing(102, "Office 365", true, "* LIST (\\HasNoChildren) \"/\" INBOX/Da\tOggetto\t", named("INBOX/Da\tOggetto\t", "/", imap.AttrHasNoChildren)),
	listing(103, "?", false, `* LIST (\HasNoChildren) "." INBOX.[Airmail].Snooze`, named("INBOX.[Airmail].Snooze", ".", imap.AttrHasNoChildren)),
	listing(104, "?", false, `* LIST () "/" 123`, named("123", "/")),
	listing(105, "?", false, `* LIST () "/" NIL`, named("NIL", "/")),
	listing(106, "?", true, `* LIST () "/" Root/Sub()`, named("Root/Sub()", "/")),
	{row: 106, server: "Office 365", odd: true, from: asLoggedIn, script: testkit.Answering(`STATUS "Work (old)" (MESSAGES)`, "* STATUS Work (old) (MESSAGES 3)"), check: func(t *testing.T, c *imap.Client) {
		st, err := c.Status(testkit.Context(t), "Work (old)", imap.StatusMessages)
		require.NoError(t, err)
		assert.Equal(t, &imap.Status{Mailbox: "Work (old)", Messages: testkit.Ptr(uint32(3))}, st)
	}},
	// Only extended data that ends the line is not a part of the name.
	listing(106, "Office 365", true, "* LIST () \"/\" Junk\r\n* LIST () \"/\" Junk (old)", named("Junk", "/"), named("Junk (old)", "/")),
	listing(106, "Office 365", true, `* LIST () "/" Work (2019) stuff`, named("Work (2019) stuff", "/")),
	listing(106, "Office 365", true, `* LIST () "/" Work (part 2)`, named("Work (part 2)", "/")),
	listing(106, "Office 365", true, `* LIST () "/" Work (a (b))) (c)`, named("Work (a (b))) (c)", "/")),
	listing(106, "?", true, `* LIST () "/" Work (old) (CHILDINFO ("SUBSCRIBED") "OLDNAME" ("x (y)"))`,
		imap.ListEntry{Name: "Work (old)", Raw: "Work (old)", Delimiter: "/", Attrs: []imap.MailboxAttr{}, ChildInfo: []string{"SUBSCRIBED"}, OldName: "x (y)"}),
	listing(2, "Exchange, Outlook.com", true, `* LIST () "/" foo (CHILDINFO ("SUBSCRIBED")) `, subscribedBelow("foo")),
	listing(2, "Exchange, Outlook.com", true, `* LIST () "/" foo bar (a) (CHILDINFO ("SUBSCRIBED")) `, subscribedBelow("foo bar (a)")),
	listing(2, "Exchange, Outlook.com", true, `* LIST () "/" foo (old) `, named("foo (old)", "/")),
	listing(106, "any", false, `* LIST () "/" foo ()`, named("foo", "/")),
	listing(106, "?", true, `* LIST () "/" foo bar ()`, named("foo bar ()", "/")),
	listing(106, "any", false, `* LIST () "/" foo (X-A 1:3,5 CHILDINFO ("SUBSCRIBED"))`, subscribedBelow("foo")),
	listing(106, "any", false, `* LIST () "/" foo ("X-A" 5)`, named("foo", "/")),
	listing(106, "any", false, fmt.Sprintf("* LIST () \"/\" foo (OLDNAME ({99000}\r\n%099000d))", 7),
		imap.ListEntry{Name: "foo", Raw: "foo", Delimiter: "/", Attrs: []imap.MailboxAttr{}, OldName: fmt.Sprintf("%099000d", 7)}),
	listing(106, "?", true, `* LIST () "/" foo ("X-A")`, named(`foo ("X-A")`, "/")),
	listing(106, "?", true, `* LIST () "/" foo (X-A b CHILDINFO ("SUBSCRIBED"))`, named(`foo (X-A b CHILDINFO ("SUBSCRIBED"))`, "/")),
	{row: 107, server: "?", odd: true, from: asLoggedIn, script: testkit.Answering("STATUS x (MESSAGES)", "* STATUS Segregator/Społe&-ci (MESSAGES 3)"), check: func(t *testing.T, c *imap.Client) {
		st, err := c.Status(testkit.Context(t), "x", imap.StatusMessages)
		require.NoError(t, err)
		assert.Equal(t, &imap.Status{Mailbox: "Segregator/Społe&-ci", Messages: testkit.Ptr(uint32(3))}, st)
	}},
	listing(107, "?", true, `* LIST () "/" "Segregator/Społe&-ci"`, named("Segregator/Społe&-ci", "/")),
	listing(108, "?", false, `* LIST () "/" "A&-B"`, rawNamed("A&B", "A&-B", "/")),
	{row: 108, server: "?", from: asLoggedIn, script: testkit.Answering(`LIST "" *`, `* LIST () "/" "A & B"`) + testkit.Answering(`DELETE "A & B"`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		require.Equal(t, []imap.ListEntry{named("A & B", "/")}, got)
		require.NoError(t, c.Delete(testkit.Context(t), imap.RawMailbox(got[0].Raw)))
	}},
	listing(259, "GreenMail", true, `* LIST () "." "ab"cd"`, named(`ab"cd`, ".")),
	listing(259, "GreenMail", true, `* LIST () "." "ab" cd"`, named(`ab" cd`, ".")),
	listing(259, "GreenMail", true, `* LIST () "." "a "b" c" (OLDNAME ("x"))`, imap.ListEntry{Name: `a "b" c`, Raw: `a "b" c`, Delimiter: ".", Attrs: []imap.MailboxAttr{}, OldName: "x"}),
	listing(259, "?", true, `* LIST () "/" "a\"`, named(`a\`, "/")),
	listing(259, "?", true, `* LIST () "/" "a\" ("CHILDINFO" ("SUBSCRIBED"))`, imap.ListEntry{Name: `a\`, Raw: `a\`, Delimiter: "/", Attrs: []imap.MailboxAttr{}, ChildInfo: []string{"SUBSCRIBED"}}),
	listing(259, "any", false, `* LIST () "/" "a\\" ("OLDNAME" ("x)\"(y"))`, imap.ListEntry{Name: `a\`, Raw: `a\`, Delimiter: "/", Attrs: []imap.MailboxAttr{}, OldName: `x)"(y`}),
	listing(259, "any", false, `* LIST () "/" "a\" (b" ("OLDNAME" ("x(y"))`, imap.ListEntry{Name: `a" (b`, Raw: `a" (b`, Delimiter: "/", Attrs: []imap.MailboxAttr{}, OldName: "x(y"}),
	{row: 109, server: "any", from: asLoggedIn, script: testkit.Answering(`LIST "" *`, `* LIST () NIL INBOX`, `* LIST () "/" a/b`, `* LIST () "" c`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("INBOX", ""), named("a/b", "/"), named("c", "")}, got)
	}},
	listing(110, "?", true, `* LIST () "\" "INBOX\a"`, named(`INBOX\a`, `\`)),
	listing(110, "?", true, `* LIST () "\" "a\b c\"`, imap.ListEntry{Name: `a\b c`, Raw: `a\b c\`, Delimiter: `\`, Attrs: []imap.MailboxAttr{}}),
	{row: 110, server: "?", odd: true, from: asLoggedIn, script: testkit.Answering("NAMESPACE", `* NAMESPACE (("" "\")) (("Other\" "\")) NIL`), check: func(t *testing.T, c *imap.Client) {
		ns, err := c.Namespace(testkit.Context(t))
		require.NoError(t, err)
		assert.Equal(t, &imap.Namespaces{Personal: []imap.NamespaceEntry{{Delimiter: `\`}}, Other: []imap.NamespaceEntry{{Prefix: `Other\`, Delimiter: `\`}}}, ns)
	}},
	listing(110, "Domino", false, `* LIST () "\\" "a\\b"`, named(`a\b`, `\`)),
	listing(111, "UW, Exchange", true, `* LIST (\NoSelect) "/" "Archive/"`, rawNamed("Archive", "Archive/", "/", imap.AttrNoSelect)),
	listing(111, "UW, Exchange", true, `* LIST (\NoSelect) "/" Public Folders/`, rawNamed("Public Folders", "Public Folders/", "/", imap.AttrNoSelect)),
	listing(112, "?", true, `* LIST () "/" "/Archive"`, rawNamed("Archive", "/Archive", "/")),
	{row: 112, server: "?", from: asLoggedIn, script: testkit.Answering(`LIST "" "/tmp/*"`, `* LIST () "/" "/tmp/Archive"`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "/tmp/*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("/tmp/Archive", "/")}, got, "asked for with its delimiter, it keeps it")
	}},
	listing(113, "Yahoo, Domino", false, `* LIST () "/" "Inbox"`, rawNamed("INBOX", "Inbox", "/")),
	xlisting(114, "Gmail", `* XLIST (\HasNoChildren \Inbox) "/" "Posteingang"`, map[imap.MailboxAttr]string{}),
	{row: 114, server: "Gmail", from: asLoggedIn, script: testkit.Answering(`XLIST "" *`, `* XLIST (\HasNoChildren \Inbox) "/" "Posteingang"`), check: func(t *testing.T, c *imap.Client) {
		resp, err := c.Do(testkit.Context(t), "XLIST", "", imap.Atom("*"))
		require.NoError(t, err)
		require.Len(t, resp.Untagged, 1)
	}},
	xlisting(114, "Gmail", `* XLIST (\HasNoChildren \Inbox \AllMail) "/" "Posteingang"`, map[imap.MailboxAttr]string{imap.AttrAll: "INBOX"}),
	xlisting(115, "cyon.ch", `* LIST (\HasNoChildren \Spam) "/" "Junk"`, map[imap.MailboxAttr]string{imap.AttrJunk: "Junk"}),
	listing(116, "home.pl", true, `* LIST (\HasNoChildren \) "/" a`, named("a", "/", imap.AttrHasNoChildren)),
	listing(117, "?", true, `* LIST (HasNoChildren UnMarked) "/" a`, named("a", "/", imap.AttrHasNoChildren, imap.AttrUnmarked)),
	{row: 118, server: "IceWarp", from: asLoggedIn, script: testkit.Answering(`LIST "" Spam`, `* LIST () "/" "~spam"`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "Spam", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("~spam", "/")}, got)
	}},
	{row: 119, server: "Strato", from: asLoggedIn, script: testkit.Answering(`LIST "" INBOX RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES))`) +
		testkit.Answering(`LIST "" INBOX`, `* LIST () "." INBOX`) + testkit.Answering("STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 4)"), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, &imap.Status{Mailbox: "INBOX", Messages: testkit.Ptr(uint32(4))}, got[0].Status)
	}},
	{row: 120, server: "Proton (old Bridge)", from: asLoggedIn, script: "C: $ LIST (SPECIAL-USE) \"\" * RETURN (CHILDREN SPECIAL-USE)\nS: $ BAD no such option\n" +
		testkit.Answering(`LIST "" *`, `* LIST (\Sent) "/" Sent`, `* LIST () "/" a`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{SpecialUse: true})
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("Sent", "/", imap.AttrSent)}, got)
	}},
	{row: 121, server: "Cyrus < 2.5.11, old Dovecot", check: func(t *testing.T, _ *imap.Client) {
		c := without(t, []string{"list-extended", "LIST-STATUS"}, testkit.WireCaps, testkit.Answering(`LSUB "" *`, `* LSUB () "." a`)+testkit.Answering(`STATUS a (MESSAGES)`, `* STATUS a (MESSAGES 1)`))
		got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{Subscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.EqualValues(t, 1, *got[0].Status.Messages)
		assert.False(t, c.Caps().Has("LIST-EXTENDED"))
	}},
	{row: 122, server: "Exchange (rev2)", from: asLoggedIn, caps: "IMAP4rev2", script: testkit.Answering(`LIST (SUBSCRIBED) "" * RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)`, `* LIST (\Subscribed) "/" a`),
		check: func(t *testing.T, c *imap.Client) {
			got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{Subscribed: true})
			require.NoError(t, err)
			assert.Equal(t, []imap.ListEntry{named("a", "/", imap.AttrSubscribed)}, got)
		}},
	{row: 122, server: "Exchange (rev2)", from: asLoggedIn, caps: "IMAP4rev2", script: "C: $ LSUB \"\" *\nS: $ BAD Command Error. 12\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Lsub(testkit.Context(t), "", "*")
		assert.Equal(t, "BAD", serverError(t, err).Status)
	}},
	{row: 123, server: "Dovecot 2.4", from: asLoggedIn, script: testkit.Answering(`LIST "" * RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES))`, `* LIST (\HasNoChildren \Sent) "." Sent`, `* STATUS Sent (MESSAGES 1)`),
		check: func(t *testing.T, c *imap.Client) {
			got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
			require.NoError(t, err)
			require.Len(t, got, 1)
			assert.Equal(t, []imap.MailboxAttr{imap.AttrHasNoChildren, imap.AttrSent}, got[0].Attrs)
		}},
	{row: 124, server: "many", from: asLoggedIn, script: testkit.Answering(`LIST "" *`, `* LIST (\HasChildren) "/" a`, `* LIST () "/" a/b`, `* LIST (\Sent) "/" a`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("a", "/", imap.AttrHasChildren, imap.AttrSent), named("a/b", "/")}, got)
	}},
	listing(125, "many", false, `* LIST (\NonExistent) "/" a`, named("a", "/", imap.AttrNonExistent, imap.AttrNoSelect)),
	namespaces(126, "Courier", true, `* NAMESPACE (("INBOX." "")) NIL (("#shared." ""))`, imap.Namespaces{
		Personal: []imap.NamespaceEntry{{Prefix: "INBOX.", Delimiter: "."}}, Shared: []imap.NamespaceEntry{{Prefix: "#shared.", Delimiter: "."}}}),
	namespaces(127, "?", false, `* NAMESPACE (("" NIL)) NIL NIL`, imap.Namespaces{Personal: []imap.NamespaceEntry{{}}}),
	{row: 128, server: "Exchange 2003", from: asLoggedIn, ends: true, script: "C: $ NAMESPACE\nCLOSE", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Namespace(testkit.Context(t))
		assert.ErrorIs(t, err, imap.ErrClosed)
	}, except: "Namespace is the command and nothing else; the library does not connect again, so there is nothing left to fall back on: ErrClosed, and List works on the next connection"},
	{row: 129, server: "Hermes", from: asLoggedIn, script: "C: $ NAMESPACE\nS: $ BAD unknown\n" + testkit.Answering(`LIST "" *`, `* LIST () "/" a`), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Namespace(testkit.Context(t))
		assert.Equal(t, "BAD", serverError(t, err).Status)
		got, err := c.List(testkit.Context(t), "", "*", nil)
		require.NoError(t, err)
		assert.Len(t, got, 1)
	}},
	{row: 130, server: "?", from: asLoggedIn, script: testkit.Answering(`LIST "" ""`) + testkit.Answering(`LIST "" *`, `* LIST () "/" a`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "", nil)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, imap.ListEntry{Delimiter: "/", Attrs: []imap.MailboxAttr{imap.AttrNoSelect}}, got[0])
	}},
	{row: 131, server: "Courier", from: asLoggedIn, script: testkit.Answering(`LIST "" "INBOX.*"`, `* LIST () "." INBOX.a`) + testkit.Answering(`LIST "" INBOX`, `* LIST () "." INBOX`), check: func(t *testing.T, c *imap.Client) {
		got, err := c.List(testkit.Context(t), "", "INBOX.*", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("INBOX.a", ".")}, got)
		got, err = c.List(testkit.Context(t), "", "inbox", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.ListEntry{named("INBOX", ".")}, got)
	}, except: "what List returns is what the server lists for the pattern; INBOX is asked for by its name"},
}

// TestNamesOfUses: without SPECIAL-USE the uses follow from the names that programs give in many languages.
func TestNamesOfUses(t *testing.T) {
	for name, use := range map[string]imap.MailboxAttr{
		"Deleted": imap.AttrTrash, "Sent Messages": imap.AttrSent, "Verzonden items": imap.AttrSent, "Verwijderde items": imap.AttrTrash, "Itens Enviados": imap.AttrSent,
		"Skickat": imap.AttrSent, "Kosz": imap.AttrTrash, "&Tgtm+DBN-": imap.AttrDrafts, "&MLQw33ux-": imap.AttrTrash, "&XfJT0ZAB-": imap.AttrSent, "Outbox": "",
	} {
		want := map[imap.MailboxAttr]string{}
		decoded, err := imap.DecodeMailboxName(name)
		require.NoError(t, err)
		if use != "" {
			want[use] = decoded
		}
		c := testkit.Offering(t, "", testkit.Answering(`LIST "" *`, `* LIST () "/" INBOX`, `* LIST () "/" "`+name+`"`))
		uses, err := c.SpecialUse(testkit.Context(t))
		require.NoError(t, err)
		assert.Equal(t, want, uses, name)
	}
}

// xlisting is a quirk in the answer to XLIST.
func xlisting(row int, server, line string, want map[imap.MailboxAttr]string) quirk {
	script := testkit.Answering(`XLIST "" *`, line)
	if len(want) == 0 {
		script += testkit.Answering(`LIST "" *`)
	}
	return quirk{row: row, server: server, from: asLoggedIn, caps: "IMAP4rev1 XLIST", script: script, check: func(t *testing.T, c *imap.Client) {
		uses, err := c.SpecialUse(testkit.Context(t))
		require.NoError(t, err)
		assert.Equal(t, want, uses)
	}}
}

func namespaces(row int, server string, odd bool, line string, want imap.Namespaces) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, script: testkit.Answering("NAMESPACE", line), check: func(t *testing.T, c *imap.Client) {
		ns, err := c.Namespace(testkit.Context(t))
		require.NoError(t, err)
		assert.Equal(t, &want, ns)
	}}
}

// without returns a client that is configured not to use capabilities that the server offers.
func without(t *testing.T, names []string, caps, script string) *imap.Client {
	t.Helper()
	conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY "+caps+"] ready\n"+script)
	c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{DisabledCaps: names})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestDisabledCaps: both names of the option count, and the caller's slices are not changed.
func TestDisabledCaps(t *testing.T) {
	room := append(make([]string, 0, 4), "MOVE")
	opts := &imap.Options{DisabledCaps: room, Without: []string{"IDLE"}}
	conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 MOVE IDLE UIDPLUS] ready\n")
	c, err := imap.NewClient(testkit.Context(t), conn, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	caps := c.Caps()
	assert.True(t, caps.Has("UIDPLUS"))
	assert.False(t, caps.Has("MOVE"))
	assert.False(t, caps.Has("IDLE"))
	assert.Empty(t, room[:2][1])
}

func TestQuirksOfNumbers(t *testing.T) { runQuirks(t, numberQuirks) }

// statusing is a quirk in a STATUS response.
func statusing(row int, server string, odd bool, line string, want imap.Status) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, script: testkit.Answering("STATUS x (MESSAGES UIDNEXT)", line), check: func(t *testing.T, c *imap.Client) {
		st, err := c.Status(testkit.Context(t), "x", imap.StatusMessages, imap.StatusUIDNext)
		require.NoError(t, err)
		assert.Equal(t, &want, st)
	}}
}

// quotas is a quirk in an untagged QUOTA.
func quotas(row int, server string, odd bool, line string, want imap.Quota) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, caps: "IMAP4rev1 QUOTA", script: testkit.Answering(`GETQUOTA ""`, line), check: func(t *testing.T, c *imap.Client) {
		q, err := c.GetQuota(testkit.Context(t), "")
		require.NoError(t, err)
		assert.Equal(t, want.Root, q.Root)
		assert.ElementsMatch(t, want.Resources, q.Resources)
	}}
}

// numberQuirks are about STATUS, QUOTA and the counters of a mailbox.
var numberQuirks = []quirk{
	statusing(259, "GreenMail", true, `* STATUS "ab" cd" (MESSAGES 3)`, imap.Status{Mailbox: `ab" cd`, Messages: testkit.Ptr(uint32(3))}),
	statusing(259, "?", true, `* STATUS "a\" (MESSAGES 3)`, imap.Status{Mailbox: `a\`, Messages: testkit.Ptr(uint32(3))}),
	statusing(132, "Strato", true, "* STATUS Sent Items (UIDNEXT 1)", imap.Status{Mailbox: "Sent Items", UIDNext: testkit.Ptr(uint32(1))}),
	statusing(106, "any", false, `* STATUS foo (MESSAGES 1 X-A "a(b")`, imap.Status{Mailbox: "foo", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "any", false, `* STATUS foo (MESSAGES 1 X-A "a)b (c")`, imap.Status{Mailbox: "foo", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "any", false, `* STATUS foo (X-A ("x (y") MESSAGES 1)`, imap.Status{Mailbox: "foo", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "?", true, `* STATUS Sent Items (MESSAGES 1 X-A "a (b")`, imap.Status{Mailbox: "Sent Items", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "?", true, `* STATUS foo (old) (MESSAGES 1 X-A "a (b")`, imap.Status{Mailbox: "foo (old)", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "?", true, `* STATUS foo (part 2) (MESSAGES 1)`, imap.Status{Mailbox: "foo (part 2)", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "?", true, `* STATUS foo (a (MESSAGES 1) `, imap.Status{Mailbox: "foo (a", Messages: testkit.Ptr(uint32(1))}),
	statusing(106, "any", false, "* STATUS foo (X-A {4}\r\na (b MESSAGES 1)", imap.Status{Mailbox: "foo", Messages: testkit.Ptr(uint32(1))}),
	statusing(259, "?", true, `* STATUS "a "b" c" (MESSAGES 1 X-A "a(b")`, imap.Status{Mailbox: `a "b" c`, Messages: testkit.Ptr(uint32(1))}),
	statusing(133, "163", false, `* STATUS "INBOX" ()`, imap.Status{Mailbox: "INBOX"}),
	statusing(134, "?", true, "* STATUS  test  ( MESSAGES  231 )", imap.Status{Mailbox: "test", Messages: testkit.Ptr(uint32(231))}),
	statusing(135, "any", false, "* STATUS x (MESSAGES 1)", imap.Status{Mailbox: "x", Messages: testkit.Ptr(uint32(1))}),
	{row: 136, server: "Gmail", script: testkit.Answering("STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 99)"), check: func(t *testing.T, c *imap.Client) {
		assert.EqualValues(t, 99, *statusOf(t, c).Messages)
		exists(5)(t, c)
	}},
	selecting(137, "Zimbra", false, func(t *testing.T, mb *imap.Mailbox) { assert.EqualValues(t, 1623, mb.Exists) },
		"* 500 EXISTS", "* 1000 EXISTS", "* 1500 EXISTS", "* 1623 EXISTS"),
	selecting(138, "?", false, func(t *testing.T, mb *imap.Mailbox) { assert.Zero(t, mb.Exists) }, "* OK [UIDVALIDITY 1] v"),
	onNoop(139, "Notes 6.0.3, InterChange", true, "* 3 EXISTS", func(t *testing.T, c *imap.Client) {
		exists(3)(t, c)
		assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 3}}, c.Events())
	}),
	onNoop(139, "Notes 6.0.3, InterChange", false, "* 5 EXISTS", exists(5)),
	quotas(140, "Archiveopteryx 3.2.0", true, `* QUOTA "" (STORAGE 0 2147483647 MESSAGE 0  2147483647)`, imap.Quota{
		Resources: []imap.QuotaResource{{Name: "STORAGE", Limit: 2147483647}, {Name: "MESSAGE", Limit: 2147483647}}}),
	quotas(141, "Gmail", false, `* QUOTA "" (STORAGE 7885233150 15728640000)`, imap.Quota{
		Resources: []imap.QuotaResource{{Name: "STORAGE", Usage: 7885233150, Limit: 15728640000}}}),
	quotas(255, "?", true, `* QUOTA "" (STORAGE 10 -1 MESSAGE 5 9)`, imap.Quota{Resources: []imap.QuotaResource{{Name: "MESSAGE", Usage: 5, Limit: 9}}}),
	quotas(255, "?", true, `* QUOTA "" (STORAGE -3 10)`, imap.Quota{Resources: []imap.QuotaResource{{Name: "STORAGE", Limit: 10}}}),
	quotas(142, "?", false, `* QUOTA "" ()`, imap.Quota{}),
	{row: 143, server: "Dovecot", from: asLoggedIn, script: testkit.Answering("SELECT a", "* 1 EXISTS") + testkit.Answering("STATUS a (HIGHESTMODSEQ)", "* STATUS a (HIGHESTMODSEQ 77)") +
		testkit.Answering("SELECT a (CONDSTORE)", "* OK [HIGHESTMODSEQ 77] h"), check: func(t *testing.T, c *imap.Client) {
		mb, err := c.Select(testkit.Context(t), "a", nil)
		require.NoError(t, err)
		assert.Zero(t, mb.HighestModSeq)
		st, err := c.Status(testkit.Context(t), "a", imap.StatusHighestModSeq)
		require.NoError(t, err)
		assert.Equal(t, testkit.Ptr(uint64(77)), st.HighestModSeq)
		mb, err = c.Select(testkit.Context(t), "a", &imap.SelectOptions{CondStore: true})
		require.NoError(t, err)
		assert.EqualValues(t, 77, mb.HighestModSeq)
	}, except: "nothing is asked for that the caller did not ask for: SelectOptions.CondStore, or STATUS, brings the number"},
}
