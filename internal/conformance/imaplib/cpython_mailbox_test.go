package imaplib_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// quoted are strings and how they are sent as an astring: by value, never taken for quoted already.
var quoted = map[string]string{
	"INBOX":             "INBOX",
	"New folder":        `"New folder"`,
	`a"b`:               `"a\"b"`,
	`a\b`:               `"a\\b"`,
	"":                  `""`,
	"*":                 `"*"`,
	"a%b":               `"a%b"`,
	`"New folder"`:      `"\"New folder\""`,
	`"a" SELECT evil "`: `"\"a\" SELECT evil \""`,
	`"`:                 `"\""`,
	"(a)":               `"(a)"`,
	"a{1}":              `"a{1}"`,
	"}":                 "}",
	"[Gmail]/All":       "[Gmail]/All",
	"a]b":               "a]b",
	"#news":             "#news",
	"a=b":               "a=b",
	";x":                ";x",
	"'":                 "'",
	"a\tb":              "\"a\tb\"",
	"a\x01b":            "\"a\x01b\"",
	"a\x7fb":            "\"a\x7fb\"",
	"NIL":               `"NIL"`,
	"nil":               `"nil"`,
	"line\r\nbreak":     "{11+}\r\nline\r\nbreak",
	"Entwürfe":          "{9+}\r\nEntwürfe",
}

var cpythonMailboxes = map[string]cpythonTest{
	"astring": {testkit.LoggedIn, askEach("C: $ XTEST %s\nS: $ OK done\n"), func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, s := range slices.Sorted(maps.Keys(quoted)) {
			_, err := c.Do(ctx, "XTEST", s)
			assert.NoError(t, err, s)
		}
		_, err := c.Do(ctx, "XTEST", "NUL\x00")
		assert.Error(t, err)
	}},
	"list_mailbox": {testkit.LoggedIn, `
		C: $ LIST "" *
		S: $ OK done
		C: $ LIST "" "New folder/%"
		S: $ OK done
		C: $ LIST "" "Entw&APw-rfe/%"
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, pattern := range []string{"*", "New folder/%", "Entwürfe/%"} {
			list, err := c.List(ctx, "", pattern, nil)
			assert.NoError(t, err)
			assert.Empty(t, list)
		}
	}},
	"utf8_mailbox_name": {utf8Enabled, "C: $ SELECT \"Entwürfe\"\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Select(ctx, "Entwürfe", nil)
		assert.NoError(t, err)
	}},
	// A name is text. RawMailbox is sent byte for byte.
	"mutf7_mailbox_name": {testkit.LoggedIn, strings.Repeat("C: $ SELECT Entw&APw-rfe\nS: $ OK done\n", 2), func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, name := range []string{"Entwürfe", imap.RawMailbox("Entw&APw-rfe")} {
			mb, err := c.Select(ctx, name, nil)
			require.NoError(t, err)
			assert.Equal(t, "Entwürfe", mb.Name)
		}
	}},
	"control_characters": {testkit.LoggedIn, "C: $ CREATE a&AAEAAgAf-b\nS: $ OK done\nC: $ CREATE a&AA0ACg-b\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Create(ctx, "a\x01\x02\x1fb", nil))
		assert.NoError(t, c.Create(ctx, "a\r\nb", nil))
	}},
	"select": {testkit.LoggedIn, `
		C: $ SELECT INBOX
		S: * 2 EXISTS
		S: $ OK [READ-WRITE] SELECT completed
		C: $ SELECT Archive
		S: * 2 EXISTS
		S: $ OK [READ-WRITE] SELECT completed
		C: $ EXAMINE INBOX
		S: * 2 EXISTS
		S: $ OK [READ-ONLY] EXAMINE completed
		C: $ SELECT "New folder"
		S: * 2 EXISTS
		S: $ OK [READ-WRITE] SELECT completed
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for i, name := range []string{"inbox", "Archive", "INBOX", "New folder"} {
			mb, err := c.Select(ctx, name, &imap.SelectOptions{ReadOnly: i == 2})
			require.NoError(t, err)
			assert.EqualValues(t, 2, mb.Exists)
			assert.Equal(t, i == 2, mb.ReadOnly)
			assert.Equal(t, imap.Selected, c.State())
		}
	}},
	// A mailbox that is opened read-only is not an error here; the next change is, and nothing is sent.
	"readonly_error_reports_mailbox": {testkit.LoggedIn, `
		C: $ SELECT INBOX
		S: * 2 EXISTS
		S: $ OK [READ-ONLY] only to read
	` + testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "INBOX", nil)
		require.NoError(t, err)
		assert.True(t, mb.ReadOnly)
		_, err = c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagSeen), nil)
		assert.ErrorIs(t, err, imap.ErrReadOnly)
		testkit.RequireNothingSent(t, c)
	}},
	"close": {testkit.Selected, "C: $ CLOSE\nS: $ OK CLOSE completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.CloseMailbox(ctx))
		assert.Equal(t, imap.Authenticated, c.State())
	}},
	"unselect": {testkit.Selected, "C: $ UNSELECT\nS: $ OK UNSELECT completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Unselect(ctx))
		assert.Equal(t, imap.Authenticated, c.State())
		assert.Nil(t, c.Mailbox())
	}},
	"check": {testkit.Selected, "C: $ CHECK\nS: $ OK CHECK completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Check(ctx))
	}},
	"create":      {testkit.LoggedIn, "C: $ CREATE \"New folder\"\nS: $ OK done", nameCommand(func(c *imap.Client, ctx context.Context, name string) error { return c.Create(ctx, name, nil) })},
	"delete":      {testkit.LoggedIn, "C: $ DELETE \"New folder\"\nS: $ OK done", nameCommand((*imap.Client).Delete)},
	"subscribe":   {testkit.LoggedIn, "C: $ SUBSCRIBE \"New folder\"\nS: $ OK done", nameCommand((*imap.Client).Subscribe)},
	"unsubscribe": {testkit.LoggedIn, "C: $ UNSUBSCRIBE \"New folder\"\nS: $ OK done", nameCommand((*imap.Client).Unsubscribe)},
	"rename": {testkit.LoggedIn, "C: $ RENAME a \"b c\"\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Rename(ctx, "a", "b c"))
	}},
	"list": {testkit.LoggedIn, `
		C: $ LIST "" *
		S: * LIST (\HasNoChildren) "." INBOX
		S: * LIST (\HasChildren) "." "New folder"
		S: $ OK done
		C: $ LIST "New folder" %
		S: $ OK done
		C: $ LIST ~/Mail/ %
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		list, err := c.List(ctx, "", "*", nil)
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.Equal(t, imap.ListEntry{Name: "INBOX", Raw: "INBOX", Delimiter: ".", Attrs: []imap.MailboxAttr{imap.AttrHasNoChildren}}, list[0])
		assert.Equal(t, "New folder", list[1].Name)
		_, err = c.List(ctx, "New folder", "%", nil)
		assert.NoError(t, err)
		_, err = c.List(ctx, "~/Mail/", "%", nil)
		assert.NoError(t, err)
	}},
	"lsub": {testkit.LoggedIn, `
		C: $ LSUB "" *
		S: * LSUB () "." INBOX
		S: * LSUB () "." Archive
		S: $ OK done
		C: $ LSUB ~/Mail/ %
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		list, err := c.Lsub(ctx, "", "*")
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.Equal(t, "INBOX", list[0].Name)
		assert.Equal(t, "Archive", list[1].Name)
		_, err = c.Lsub(ctx, "~/Mail/", "%")
		assert.NoError(t, err)
	}},
	"literal_terminating_response":           {testkit.LoggedIn, literalNames(""), testLiteralNames},
	"spurious_blank_lines_between_responses": {testkit.LoggedIn, literalNames("S+: \\r\\n\n"), testLiteralNames},
	"status": {testkit.LoggedIn, `
		C: $ STATUS "New folder" (MESSAGES UNSEEN)
		S: * STATUS "New folder" (MESSAGES 2 UNSEEN 1)
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		st, err := c.Status(ctx, "New folder", imap.StatusMessages, imap.StatusUnseen)
		require.NoError(t, err)
		assert.Equal(t, &imap.Status{Mailbox: "New folder", Messages: testkit.Ptr[uint32](2), Unseen: testkit.Ptr[uint32](1)}, st)
	}},
	"namespace": {testkit.LoggedIn, `
		C: $ NAMESPACE
		S: * NAMESPACE (("" "/")) NIL (("Shared/" "/"))
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		ns, err := c.Namespace(ctx)
		require.NoError(t, err)
		assert.Equal(t, []imap.NamespaceEntry{{Prefix: "", Delimiter: "/"}}, ns.Personal)
		assert.Empty(t, ns.Other)
		assert.Equal(t, []imap.NamespaceEntry{{Prefix: "Shared/", Delimiter: "/"}}, ns.Shared)
	}},
}

func TestCPythonMailboxes(t *testing.T) { runCPython(t, cpythonMailboxes) }

// askEach makes a script that expects each of the quoted strings in order.
func askEach(format string) string {
	var b strings.Builder
	for _, s := range slices.Sorted(maps.Keys(quoted)) {
		b.WriteString(strings.Replace(format, "%s", strings.ReplaceAll(quoted[s], "\r\n", "\nC: "), 1))
	}
	return b.String()
}

// nameCommand is a test of a command with one mailbox name.
func nameCommand(call func(*imap.Client, context.Context, string) error) func(context.Context, *testing.T, *imap.Client) {
	return func(ctx context.Context, t *testing.T, c *imap.Client) { assert.NoError(t, call(c, ctx, "New folder")) }
}

// literalNames are three LIST responses with literals, with something after each.
func literalNames(behind string) string {
	s := "C: $ LIST \"\" *\n"
	for _, name := range []string{"one", "two", "three"} {
		s += "S: * LIST () \"/\" {" + string(rune('0'+len(name))) + "}\nS: " + name + "\n" + behind
	}
	return s + "S: $ OK done"
}

func testLiteralNames(ctx context.Context, t *testing.T, c *imap.Client) {
	list, err := c.List(ctx, "", "*", nil)
	require.NoError(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	assert.Equal(t, []string{"one", "two", "three"}, names)
}
