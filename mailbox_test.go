package imap_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
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

func TestListNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "IDLE", testkit.OnlyNoop), testkit.Context(t)
	for needs, opts := range map[string]*imap.ListOptions{
		"LIST-EXTENDED": {Remote: true}, "LIST-MYRIGHTS": {ReturnMyRights: true}, "LIST-METADATA": {ReturnMetadata: []string{"/shared/comment"}},
		"STATUS=SIZE": {ReturnStatus: []imap.StatusItem{imap.StatusSize}},
	} {
		_, err := c.List(ctx, "", "*", opts)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok, "%s: %v", needs, err)
		assert.Equal(t, needs, missing.Name)
		assert.True(t, imap.SafeToRetry(err))
	}
	testkit.RequireNothingSent(t, c)

	c = testkit.Offering(t, "LIST-EXTENDED METADATA", testkit.OnlyNoop)
	for _, opts := range []*imap.ListOptions{
		{RecursiveMatch: true}, {ReturnMetadata: []string{"/shared/\r\nA2 LOGOUT"}}, {ReturnStatus: []imap.StatusItem{"X\r\n"}}, {Patterns: []string{"a\x00"}},
	} {
		_, err := c.List(ctx, "", "*", opts)
		assert.True(t, imap.SafeToRetry(err), "%+v: %v", opts, err)
	}
	testkit.RequireNothingSent(t, c)
}

func TestListInjection(t *testing.T) {
	for _, s := range []string{"x\r\nA2 LOGOUT", `x" y "`, `\`, "x {3}", "(x)", "NIL", "", "a*%"} {
		for _, call := range []func(c *imap.Client) error{
			func(c *imap.Client) error {
				_, err := c.List(testkit.Context(t), s, s, &imap.ListOptions{Patterns: []string{s}})
				return err
			},
			func(c *imap.Client) error { _, err := c.Lsub(testkit.Context(t), s, s); return err },
		} {
			sent := commandsSent(t, "LITERAL+ LIST-EXTENDED", func(c *imap.Client) { assert.NoError(t, call(c)) })
			require.Len(t, sent, 1, "%q", s)
			assert.Regexp(t, `^A[0-9]+ L(IST|SUB) `, sent[0])
		}
	}
}

// TestReturnSubscribedOfSome: the result of LSUB is assigned to its mailboxes, even if others were left out.
func TestReturnSubscribedOfSome(t *testing.T) {
	c := testkit.Offering(t, "SPECIAL-USE", `
		C: $ LIST "" *
		S: * LIST () "/" A
		S: * LIST (\Sent) "/" B
		S: * LIST () "/" C
		S: * LIST (\Trash) "/" D
		S: $ OK
		C: $ LSUB "" *
		S: * LSUB () "/" C
		S: * LSUB () "/" D
		S: $ OK
	`)
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{SpecialUse: true, ReturnSubscribed: true})
	require.NoError(t, err)
	require.Equal(t, []string{"B", "D"}, testkit.NamesOf(got))
	assert.False(t, got[0].Has(imap.AttrSubscribed))
	assert.True(t, got[1].Has(imap.AttrSubscribed))
}

// TestSubscribedSpecialUses: LSUB tells no special use, so the subscribed mailboxes with one are in the answers to two commands.
func TestSubscribedSpecialUses(t *testing.T) {
	const lsub = `
		C: $ LSUB "" *
		S: * LSUB () "/" Sent
		S: * LSUB () "/" Inbox
		S: * LSUB (\Noselect) "/" Trash
		S: $ OK
	`
	rows := func(name string) string {
		return strings.ReplaceAll(`
			S: * NAME (\Sent) "/" Sent
			S: * NAME (\Drafts) "/" Drafts
			S: * NAME (\Trash) "/" Trash
			S: * NAME () "/" INBOX
			S: $ OK
		`, "NAME", name)
	}
	for caps, script := range map[string]string{
		"SPECIAL-USE": `C: $ LIST "" *` + rows("LIST"),
		"XLIST":       `C: $ XLIST "" *` + rows("XLIST"),
		"LIST-EXTENDED SPECIAL-USE": `C: $ LIST (SUBSCRIBED SPECIAL-USE) "" * RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)
			S: $ BAD no
			C: $ LIST "" *` + rows("LIST"),
	} {
		t.Run(caps, func(t *testing.T) {
			c := testkit.Offering(t, caps, script+lsub)
			got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{Subscribed: true, SpecialUse: true, ReturnSubscribed: true})
			require.NoError(t, err)
			require.Equal(t, []string{"Sent"}, testkit.NamesOf(got))
			assert.True(t, got[0].Has(imap.AttrSubscribed))
		})
	}
}

// TestParentIsNotSubscribed: with the wildcard % LSUB also lists the parents of subscribed mailboxes, which are not subscribed.
func TestParentIsNotSubscribed(t *testing.T) {
	c := testkit.Offering(t, "", testkit.Answering(`LSUB "" %`, `* LSUB (\Noselect) "/" foo`, `* LSUB () "/" INBOX`)+
		testkit.Answering(`LSUB "" *`, `* LSUB (\Noselect) "/" gone`))
	for _, test := range []struct {
		pattern string
		want    []bool
	}{{"%", []bool{false, true}}, {"*", []bool{true}}} {
		got, err := c.List(testkit.Context(t), "", test.pattern, &imap.ListOptions{Subscribed: true, ReturnSubscribed: true})
		require.NoError(t, err)
		require.Len(t, got, len(test.want))
		for i, want := range test.want {
			assert.Equal(t, want, got[i].Has(imap.AttrSubscribed), got[i].Name)
		}
	}
}

// TestSubscribedInbox: INBOX is the same mailbox in any case.
func TestSubscribedInbox(t *testing.T) {
	c := testkit.Offering(t, "", testkit.Answering(`LIST "" *`, `* LIST () "/" INBOX`, `* LIST () "/" a/`)+
		testkit.Answering(`LSUB "" *`, `* LSUB () "/" Inbox`, `* LSUB () "/" a`))
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{ReturnSubscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.True(t, got[0].Has(imap.AttrSubscribed))
	assert.True(t, got[1].Has(imap.AttrSubscribed))
}

// TestRegisteredKeywords: each keyword of the IANA registry for IMAP (RFC 3503, 5550, 8457, 9051, 9979) has a constant with
// the registered spelling, as have the five tags of Thunderbird, and each attribute for the use of a mailbox (RFC 6154, 8457,
// 9979).
func TestRegisteredKeywords(t *testing.T) {
	api, err := os.ReadFile("testdata/api.txt")
	require.NoError(t, err)
	for kind, want := range map[string][]string{
		`Flag = "(\$[^"]+)"`: {
			"$Forwarded", "$Important", "$Junk", "$Label1", "$Label2", "$Label3", "$Label4", "$Label5", "$MDNSent", "$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2", "$NotJunk", "$Phishing",
			"$SubmitPending", "$Submitted", "$autosent", "$canunsubscribe", "$followed", "$hasattachment", "$hasmemo",
			"$hasnoattachment", "$imported", "$istrusted", "$maskedemail", "$memo", "$muted", "$new", "$notify", "$unsubscribed",
		},
		"MailboxAttr = `([^`]+)`": {
			`\All`, `\Archive`, `\Drafts`, `\Flagged`, `\HasChildren`, `\HasNoChildren`, `\Important`, `\Junk`, `\Marked`, `\Memos`,
			`\NoAccess`, `\Noinferiors`, `\NonExistent`, `\Noselect`, `\Remote`, `\Scheduled`, `\Sent`, `\Snoozed`, `\Subscribed`,
			`\Trash`, `\Unmarked`,
		},
	} {
		var have []string
		for _, m := range regexp.MustCompile(`(?m)^const \w+ `+kind+`$`).FindAllStringSubmatch(string(api), -1) {
			have = append(have, m[1])
		}
		assert.ElementsMatch(t, want, have)
	}
}

// TestEachUseIsFound: SpecialUse finds each use that is registered by its attribute, in any case.
func TestEachUseIsFound(t *testing.T) {
	uses := []imap.MailboxAttr{imap.AttrAll, imap.AttrArchive, imap.AttrDrafts, imap.AttrFlagged, imap.AttrJunk, imap.AttrSent, imap.AttrTrash,
		imap.AttrImportant, imap.AttrMemos, imap.AttrScheduled, imap.AttrSnoozed}
	script, want := "C: $ LIST (SPECIAL-USE) \"\" * RETURN (CHILDREN SPECIAL-USE)\n", map[imap.MailboxAttr]string{}
	for i, use := range uses {
		want[use] = "box" + strconv.Itoa(i)
		script += "S: * LIST (" + strings.ToUpper(string(use)) + ") \"/\" " + want[use] + "\n"
	}
	c := testkit.Offering(t, "SPECIAL-USE LIST-EXTENDED", script+"S: $ OK done\n")
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// TestUseByNameAtTheTop: of several mailboxes with the name of a use, SpecialUse returns the one nearest to the top, not a
// folder of the user that comes first in the list.
func TestUseByNameAtTheTop(t *testing.T) {
	c := testkit.Offering(t, "", "C: $ LIST \"\" *\n"+
		"S: * LIST () \".\" INBOX\nS: * LIST () \".\" INBOX.Acme.Sent\nS: * LIST () \".\" INBOX.Acme.Trash\nS: * LIST () \".\" INBOX.Sent\n"+
		"S: * LIST () \".\" INBOX.Trash\nS: * LIST () \".\" INBOX.Work.Drafts\nS: $ OK done\n")
	got, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, map[imap.MailboxAttr]string{imap.AttrSent: "INBOX.Sent", imap.AttrTrash: "INBOX.Trash", imap.AttrDrafts: "INBOX.Work.Drafts"}, got)
}

// accessCalls are the commands about access, quota and annotations, each with the capability it needs.
var accessCalls = []struct {
	name, needs string
	call        func(ctx context.Context, c *imap.Client, s string) error
}{
	{"GETACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetACL(ctx, s); return err }},
	{"SETACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, s, s, s) }},
	{"DELETEACL", "ACL", func(ctx context.Context, c *imap.Client, s string) error { return c.DeleteACL(ctx, s, s) }},
	{"LISTRIGHTS", "ACL", func(ctx context.Context, c *imap.Client, s string) error {
		_, _, err := c.ListRights(ctx, s, s)
		return err
	}},
	{"MYRIGHTS", "ACL", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.MyRights(ctx, s); return err }},
	{"GETQUOTA", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetQuota(ctx, s); return err }},
	{"GETQUOTAROOT", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetQuotaRoot(ctx, s)
		return err
	}},
	{"SETQUOTA", "QUOTA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, s, map[string]uint64{"STORAGE": 1})
		return err
	}},
	{"GETMETADATA", "METADATA", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetMetadata(ctx, s, "/shared/comment")
		return err
	}},
	{"SETMETADATA", "METADATA", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetMetadata(ctx, s, map[string][]byte{"/shared/comment": []byte(s)})
	}},
	{"GETANNOTATION", "", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetAnnotation(ctx, s, s, s)
		return err
	}},
	{"SETANNOTATION", "", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetAnnotation(ctx, s, s, map[string]string{s: s})
	}},
}

// TestAccessNotSent has each command where it is not possible, and without its capability: nothing is sent.
func TestAccessNotSent(t *testing.T) {
	for _, test := range accessCalls {
		t.Run(test.name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c := testkit.FollowText(t, "S: * OK [CAPABILITY IMAP4rev1 ACL QUOTA METADATA] hello\n"+testkit.OnlyNoop)
			requireState(t, test.call(ctx, c, "x"), test.name)
			testkit.RequireNothingSent(t, c)
			if test.needs == "" {
				return
			}
			c = testkit.Offering(t, "IDLE", testkit.OnlyNoop)
			missing, ok := errors.AsType[*imap.CapabilityError](test.call(ctx, c, "x"))
			require.True(t, ok)
			assert.Equal(t, test.needs, missing.Name)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestAccessInjection gives each command arguments that would be a second command, or the end of a string.
func TestAccessInjection(t *testing.T) {
	const caps = "LITERAL+ ACL QUOTA METADATA"
	for _, test := range accessCalls {
		t.Run(test.name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c := testkit.Offering(t, caps, testkit.OnlyNoop)
			err := test.call(ctx, c, "a\x00b")
			require.Error(t, err)
			assert.True(t, imap.SafeToRetry(err))
			testkit.RequireNothingSent(t, c)
			for _, s := range []string{"x\r\nA2 LOGOUT", `x" y "`, `\`, "x {3}", "(x)", "NIL"} {
				sent := commandsSent(t, caps, func(c *imap.Client) { assert.NoError(t, test.call(ctx, c, s), "%q", s) })
				require.Len(t, sent, 1, "%q", s)
				assert.Regexp(t, `^A[0-9]+ `+test.name+` `, sent[0], "%q", s)
			}
		})
	}
}

// commandsSent returns the commands that a call sends to a server that answers OK to all, with each literal on its own in
// angle brackets.
func commandsSent(t *testing.T, caps string, call func(*imap.Client)) []string {
	t.Helper()
	near, far := imaptest.Pipe()
	done := make(chan []string)
	go func() {
		var sent []string
		defer func() { done <- sent }()
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hello\r\n")
		for in := bufio.NewReader(far); ; {
			command, err := readCommand(in)
			if err != nil {
				return
			}
			sent = append(sent, command)
			tag, _, _ := strings.Cut(command, " ")
			io.WriteString(far, tag+" OK done\r\n")
		}
	}()
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	call(c)
	c.Close()
	return <-done
}

// readCommand reads a command with its literals.
func readCommand(in *bufio.Reader) (string, error) {
	for command := ""; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		command += strings.TrimSuffix(line, "\r\n")
		header := literalAtEnd.FindStringSubmatch(command)
		if header == nil {
			return command, nil
		}
		size, _ := strconv.Atoi(header[1])
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			return "", err
		}
		command += "<" + string(data) + ">"
	}
}

var literalAtEnd = regexp.MustCompile(`\{([0-9]+)\+\}$`)

func TestACLMalformed(t *testing.T) {
	for _, line := range []string{"* ACL", `* ACL INBOX "x`, "* ACL INBOX (x)"} {
		c, ctx := testkit.Offering(t, "ACL", "C: $ GETACL INBOX\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetACL(ctx, "INBOX")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
	many := "* ACL INBOX" + strings.Repeat(" a b", 1<<16+1)
	c, ctx := testkit.Offering(t, "ACL", "C: $ GETACL INBOX\nS: "+many+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
	_, err := c.GetACL(ctx, "INBOX")
	assert.ErrorContains(t, err, "too many entries")
	testkit.RequireNothingSent(t, c)
}

// TestACLUnsolicited has the data of the commands arrive unsolicited: it is not an error.
func TestACLUnsolicited(t *testing.T) {
	c, ctx := testkit.Offering(t, "ACL", "C: $ NOOP\nS: * ACL INBOX a b\nS: * MYRIGHTS INBOX lr\nS: * QUOTA \"\" (STORAGE 1 2)\nS: $ OK done\n"), testkit.Context(t)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 3)
	assert.Equal(t, &imap.UnknownEvent{Raw: []byte("* ACL INBOX a b")}, events[0])
}

func TestSetQuotaNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "QUOTA QUOTA=RES-STORAGE", testkit.OnlyNoop), testkit.Context(t)
	_, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 1})
	missing, ok := errors.AsType[*imap.CapabilityError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "QUOTASET", missing.Name)
	testkit.RequireNothingSent(t, c)

	for _, limits := range []map[string]uint64{{"STORAGE": math.MaxInt64 + 1}, {"": 1}, {"A B": 1}, {"A\r\nB": 1}, {"A)": 1}} {
		c := testkit.Offering(t, "QUOTA", testkit.OnlyNoop)
		_, err := c.SetQuota(ctx, "", limits)
		assert.True(t, imap.SafeToRetry(err), "%v", limits)
		testkit.RequireNothingSent(t, c)
	}
}

func TestQuotaMalformed(t *testing.T) {
	many := strings.Repeat(" A 1 2", 1001)
	for _, line := range []string{
		`* QUOTA`, `* QUOTA "" x`, `* QUOTA "" (STORAGE 1)`, `* QUOTA "" (STORAGE x 2)`, `* QUOTA "" (STORAGE 1 18446744073709551616)`,
		`* QUOTA "" (STORAGE 1 2`, `* QUOTAROOT`, `* QUOTAROOT INBOX (x)`, `* QUOTA "" (` + many + `)`,
		"* QUOTAROOT INBOX" + strings.Repeat(" x", 500) + strings.Repeat(` "`+strings.Repeat("y", 9)+`"`, 2) + numbered(1000),
	} {
		c, ctx := testkit.Offering(t, "QUOTA", "C: $ GETQUOTAROOT INBOX\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetQuotaRoot(ctx, "INBOX")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%.40s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
}

func TestMetadataNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA", testkit.OnlyNoop), testkit.Context(t)
	for _, name := range []string{
		"", "/", "comment", "shared/comment", "/shared//x", "/shared/x/", "/shared/*", "/shared/%", "/shared/ö", "/shared/\r\nA2 LOGOUT", "/shared/\x00", "/shared/\t",
	} {
		_, err := c.GetMetadata(ctx, "INBOX", "/shared/comment", name)
		assert.True(t, imap.SafeToRetry(err), name)
		err = c.SetMetadata(ctx, "INBOX", map[string][]byte{name: nil})
		assert.True(t, imap.SafeToRetry(err), name)
	}
	_, err := c.GetMetadataWith(ctx, "INBOX", &imap.MetadataOptions{Depth: 2}, "/shared/comment")
	assert.True(t, imap.SafeToRetry(err))

	values, err := c.GetMetadata(ctx, "INBOX")
	require.NoError(t, err)
	assert.Empty(t, values)
	require.NoError(t, c.SetMetadata(ctx, "INBOX", nil))
	testkit.RequireNothingSent(t, c)
}

// TestMetadataServerOnly has a server that has metadata of itself alone.
func TestMetadataServerOnly(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA-SERVER", `
		C: $ GETMETADATA "" /shared/admin
		S: * METADATA "" (/shared/admin "mailto:a@example.org")
		S: $ OK done
	`+testkit.OnlyNoop), testkit.Context(t)
	values, err := c.GetMetadata(ctx, "", "/shared/admin")
	require.NoError(t, err)
	assert.Equal(t, "mailto:a@example.org", string(values["/shared/admin"]))
	_, err = c.GetMetadata(ctx, "INBOX", "/shared/admin")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func TestMetadataMalformed(t *testing.T) {
	for _, line := range []string{
		`* METADATA INBOX (/shared/comment)`, `* METADATA INBOX (/shared/comment "x`, `* METADATA INBOX (/shared/comment "x"`,
		`* METADATA INBOX (/shared/comment (x))`, `* METADATA INBOX (` + numbered(1<<16+1) + `)`,
	} {
		c, ctx := testkit.Offering(t, "METADATA", "C: $ GETMETADATA INBOX /shared/comment\nS: "+line+"\nS: $ OK done\n"+testkit.OnlyNoop), testkit.Context(t)
		_, err := c.GetMetadata(ctx, "INBOX", "/shared/comment")
		_, ok := errors.AsType[*imap.ProtocolError](err)
		assert.True(t, ok, "%.40s: %v", line, err)
		testkit.RequireNothingSent(t, c)
	}
}

// TestMetadataBounded has values that together are more than one literal may hold.
func TestMetadataBounded(t *testing.T) {
	row := `S: * METADATA INBOX (/shared/comment "` + strings.Repeat("x", 600) + "\")\n"
	c := testkit.FollowWith(t, &imap.Options{MaxLiteral: 1000}, "S: * PREAUTH [CAPABILITY IMAP4rev1 METADATA] hello\n"+
		"C: $ GETMETADATA INBOX /shared/comment\n"+row+row+"S: $ OK done\n"+testkit.OnlyNoop)
	_, err := c.GetMetadata(testkit.Context(t), "INBOX", "/shared/comment")
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.LimitError{Name: "MaxLiteral", Limit: 1000}, limit)
	testkit.RequireNothingSent(t, c)
}

// TestMetadataEvents has changes come unasked, in the form of RFC 5464 and with values.
func TestMetadataEvents(t *testing.T) {
	c, ctx := testkit.Offering(t, "METADATA", `
		C: $ NOOP
		S: * METADATA "" /shared/comment
		S: * METADATA Entw&APw-rfe (/shared/comment "x" /private/y NIL)
		S: * METADATA INBOX
		S: * METADATA INBOX (/shared/comment
		S: * METADATA INBOX`+numbered(1001)+`
		S: $ OK done
	`), testkit.Context(t)
	require.NoError(t, c.Noop(ctx))
	events := c.Events()
	require.Len(t, events, 5)
	assert.Equal(t, []imap.Event{
		&imap.MetadataEvent{Entries: []string{"/shared/comment"}},
		&imap.MetadataEvent{Mailbox: "Entwürfe", Entries: []string{"/shared/comment", "/private/y"}},
		&imap.MetadataEvent{Mailbox: "INBOX"},
		&imap.UnknownEvent{Raw: []byte("* METADATA INBOX (/shared/comment")},
	}, events[:4])
	assert.IsType(t, &imap.UnknownEvent{}, events[4])
}

// numbered returns n different atoms, each behind a blank.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " /x%d", i)
	}
	return b.String()
}

func TestPartialNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "IDLE", testkit.OnlyNoop), testkit.Context(t)
	_, err := c.Partial(ctx, 1, "RFC822", 0, 1)
	requireState(t, err, "PARTIAL")
	testkit.RequireNothingSent(t, c)

	c = testkit.OfferingSelected(t, "IDLE", testkit.OnlyNoop)
	for _, part := range []string{"", "RFC822 TEXT", "RFC822\r\nA2 LOGOUT", "\x00", `"x"`} {
		_, err := c.Partial(ctx, 1, part, 0, 1)
		assert.True(t, imap.SafeToRetry(err), "%q", part)
	}
	_, err = c.Partial(ctx, 1, "RFC822", -1, 1)
	assert.True(t, imap.SafeToRetry(err))
	_, err = c.Partial(ctx, 1, "RFC822", 1, -1)
	assert.True(t, imap.SafeToRetry(err))
	testkit.RequireNothingSent(t, c)
}

// TestNotifyNotSent holds what is refused before anything is sent.
func TestNotifyNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "NOTIFY", testkit.OnlyNoop), testkit.Context(t)
	news := []imap.NotifyEvent{imap.NotifyMessageNew}
	for name, rule := range map[string]imap.NotifyRule{
		"scope":        {Scope: "A B"},
		"no scope":     {},
		"event":        {Scope: imap.NotifySelected, Events: []imap.NotifyEvent{"a)\r\nb"}},
		"no mailboxes": {Scope: imap.NotifyMailboxes, Events: news},
		"mailboxes":    {Scope: imap.NotifyPersonal, Mailboxes: []string{"a"}, Events: news},
		"NUL":          {Scope: imap.NotifySubtree, Mailboxes: []string{"a\x00"}, Events: news},
		"fetch":        {Scope: imap.NotifySelected, Events: []imap.NotifyEvent{imap.NotifyFlagChange}, Fetch: []imap.FetchItem{imap.FetchFlags}},
		"attribute":    {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchAttr("a b")}},
		"modifier":     {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchChangedSince(1)}},
		"preview":      {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchPreview}},
	} {
		err := c.Notify(ctx, []imap.NotifyRule{rule}, nil)
		require.Error(t, err, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
	c = testkit.Offering(t, "", testkit.OnlyNoop)
	require.ErrorIs(t, c.Notify(ctx, nil, nil), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

// TestProgressWhileRunning sees how far a command has come before it ends.
func TestProgressWhileRunning(t *testing.T) {
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	seen := make(chan struct{})
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
		io.ReadFull(far, make([]byte, len("A1 NOOP\r\n")))
		io.WriteString(far, "* OK [INPROGRESS (\"A1\" 1 4)] working\r\n")
		<-seen
		io.WriteString(far, "A1 OK done\r\n")
	}()
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	done := make(chan error, 1)
	go func() { done <- c.Noop(ctx) }()
	var events []imap.Event
	for len(events) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
		events = c.Events()
	}
	assert.Equal(t, []imap.Event{&imap.ProgressEvent{Command: "NOOP", Progress: testkit.Ptr(uint64(1)), Goal: testkit.Ptr(uint64(4)), Text: "working"}}, events)
	close(seen)
	require.NoError(t, <-done)
}

// TestEmptyMailboxName: a variable that was not set names no mailbox.
func TestEmptyMailboxName(t *testing.T) {
	c := testkit.Offering(t, "MOVE UIDPLUS ACL QUOTA", "C: $ EXAMINE INBOX\nS: $ OK [READ-WRITE] done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	for name, call := range map[string]func() error{
		"Append":      func() error { return testkit.ErrOf(c.Append(ctx, "", imap.LiteralString("x"), nil)) },
		"Select":      func() error { return testkit.ErrOf(c.Select(ctx, "", nil)) },
		"Create":      func() error { return c.Create(ctx, "", nil) },
		"Delete":      func() error { return c.Delete(ctx, "") },
		"Rename":      func() error { return c.Rename(ctx, "a", "") },
		"Rename from": func() error { return c.Rename(ctx, "", "a") },
		"Subscribe":   func() error { return c.Subscribe(ctx, "") },
		"Status":      func() error { return testkit.ErrOf(c.Status(ctx, "", imap.StatusMessages)) },
		"Copy":        func() error { return testkit.ErrOf(c.Copy(ctx, imap.UIDs(1), "")) },
		"Move":        func() error { return testkit.ErrOf(c.Move(ctx, imap.UIDs(1), "")) },
		"GetACL":      func() error { return testkit.ErrOf(c.GetACL(ctx, "")) },
		"raw":         func() error { return c.Delete(ctx, imap.RawMailbox("")) },
	} {
		err := call()
		require.ErrorContains(t, err, "an empty mailbox name", name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
}
