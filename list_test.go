package imap_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("list/selection.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	got, err := c.List(ctx, "", "%", &imap.ListOptions{Subscribed: true, Remote: true, RecursiveMatch: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.ListEntry{
		{Name: "Bar", Raw: "Bar", Delimiter: "/", Attrs: []imap.MailboxAttr{imap.AttrSubscribed}},
		{Name: "Foo", Raw: "Foo", Delimiter: "/", Attrs: []imap.MailboxAttr{}, ChildInfo: []string{"SUBSCRIBED", "SPECIAL-USE"}},
		{Name: "Entwürfe", Raw: "Entw&APw-rfe", Delimiter: "/", Attrs: []imap.MailboxAttr{imap.AttrSubscribed}, OldName: "Köln"},
		{Name: "Baz", Raw: "Baz", Delimiter: "/", Attrs: []imap.MailboxAttr{}},
	}, got)

	got, err = c.List(ctx, "A/", "inbox", &imap.ListOptions{Patterns: []string{"Drafts", "Sent/%"}, ReturnSubscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.True(t, got[0].Has(imap.AttrSubscribed))

	got, err = c.List(ctx, "", "%", &imap.ListOptions{SpecialUse: true, RecursiveMatch: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"A", "Sent"}, namesOf(got))
})

func namesOf(entries []imap.ListEntry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

var _ = transcript("list/details.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{
		ReturnStatus: []imap.StatusItem{imap.StatusMessages}, ReturnMyRights: true, ReturnMetadata: []string{"/shared/comment", "/private/x"},
	})
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, testkit.Ptr(uint32(3)), got[0].Status.Messages)
	assert.Equal(t, "lrswi", got[0].MyRights)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("hello"), "/private/x": nil}, got[0].Metadata)
	assert.Empty(t, got[1].MyRights)
	assert.Nil(t, got[1].Metadata)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("\x00y")}, got[2].Metadata)
	assert.Equal(t, []imap.Event{&imap.MetadataEvent{Mailbox: "Other", Entries: []string{"/shared/comment"}}}, c.Events())
})

var _ = transcript("list/without.txt", func(t *testing.T, c *imap.Client) {
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{
		Patterns: []string{"A*"}, ReturnSubscribed: true, ReturnMyRights: true, ReturnMetadata: []string{"/shared/comment"},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"INBOX", "A", "A/B"}, namesOf(got))
	assert.True(t, got[0].Has(imap.AttrSubscribed))
	assert.False(t, got[1].Has(imap.AttrSubscribed))
	assert.False(t, got[2].Has(imap.AttrSubscribed))
	assert.Equal(t, "lr", got[0].MyRights)
	assert.Empty(t, got[1].MyRights+got[2].MyRights)
	assert.Equal(t, map[string][]byte{"/shared/comment": []byte("hi")}, got[0].Metadata)
	assert.Equal(t, map[string][]byte{"/shared/comment": nil}, got[2].Metadata)
})

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

func TestListExtendedLive(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		prefix := ""
		if ns, err := c.Namespace(ctx); err == nil && len(ns.Personal) > 0 {
			prefix = ns.Personal[0].Prefix
		}
		a, b := prefix+"Äpfel", prefix+"Birnen"
		require.NoError(t, c.Create(ctx, a, nil))
		require.NoError(t, c.Create(ctx, b, nil))
		require.NoError(t, c.Subscribe(ctx, a))
		_, err := c.Append(ctx, a, imap.LiteralString("Subject: x\r\n\r\nx\r\n"), nil)
		require.NoError(t, err)
		opts := &imap.ListOptions{
			Patterns: []string{prefix + "Birn%"}, ReturnSubscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages}, ReturnMyRights: true,
		}
		if c.Caps().Has("METADATA") {
			opts.ReturnMetadata = []string{"/private/comment"}
			require.NoError(t, c.SetMetadata(ctx, b, map[string][]byte{"/private/comment": []byte("sour")}))
		}
		got, err := c.List(ctx, "", a, opts)
		require.NoError(t, err)
		slices.SortFunc(got, func(x, y imap.ListEntry) int { return -strings.Compare(x.Name, y.Name) })
		require.Equal(t, []string{a, b}, namesOf(got))
		assert.True(t, got[0].Has(imap.AttrSubscribed))
		assert.False(t, got[1].Has(imap.AttrSubscribed))
		assert.EqualValues(t, 1, *got[0].Status.Messages)
		assert.EqualValues(t, 0, *got[1].Status.Messages)
		assert.Contains(t, got[1].MyRights, "r")
		if opts.ReturnMetadata != nil {
			assert.Nil(t, got[0].Metadata["/private/comment"])
			assert.Equal(t, "sour", string(got[1].Metadata["/private/comment"]))
		}
		got, err = c.List(ctx, "", prefix+"*", &imap.ListOptions{Subscribed: true})
		require.NoError(t, err)
		assert.Contains(t, namesOf(got), a)
		assert.NotContains(t, namesOf(got), b)
	})
}

// TestRecursiveMatchLive has a subscribed mailbox below one that is not, and asks for the upper level alone.
func TestRecursiveMatchLive(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx, opts := testkit.Context(t), &imap.ListOptions{Subscribed: true, RecursiveMatch: true}
		if !c.Caps().Has("LIST-EXTENDED") {
			_, err := c.List(ctx, "", "%", opts)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			return
		}
		require.NoError(t, c.Create(ctx, "Upper", nil))
		require.NoError(t, c.Create(ctx, "Upper/Lower", nil))
		require.NoError(t, c.Subscribe(ctx, "Upper/Lower"))
		got, err := c.List(ctx, "", "%", opts)
		require.NoError(t, err)
		i := slices.Index(namesOf(got), "Upper")
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, []string{"SUBSCRIBED"}, got[i].ChildInfo)
		assert.False(t, got[i].Has(imap.AttrSubscribed))
	})
}

// TestReturnSubscribedOfSome: what LSUB says goes to the mailboxes it is about, also where others were left out.
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
	require.Equal(t, []string{"B", "D"}, namesOf(got))
	assert.False(t, got[0].Has(imap.AttrSubscribed))
	assert.True(t, got[1].Has(imap.AttrSubscribed))
}

// TestRegisteredKeywords: each keyword of the IANA registry that IMAP has (RFC 3503, 5550, 8457, 9051, 9979) has a constant that
// spells it as the registry does, and so has each attribute that tells the use of a mailbox (RFC 6154, 8457, 9979).
func TestRegisteredKeywords(t *testing.T) {
	api, err := os.ReadFile("testdata/api.txt")
	require.NoError(t, err)
	for kind, want := range map[string][]string{
		`Flag = "(\$[^"]+)"`: {
			"$Forwarded", "$Important", "$Junk", "$MDNSent", "$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2", "$NotJunk", "$Phishing",
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
