package faults_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// extensionDialogues are the methods of extensions.
var extensionDialogues = []dialogue{
	{name: "GETACL", state: inAccount, script: "C: $ GETACL a\nS: * ACL a \"Jo Do\" lr {3}\nS: b c rws\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.GetACL(ctx, "a") }},
	{name: "SETACL", state: inAccount, script: "C: $ SETACL a b +l\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.SetACL(ctx, "a", "b", "+l") })},
	{name: "DELETEACL", state: inAccount, script: "C: $ DELETEACL a b\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error { return c.DeleteACL(ctx, "a", "b") })},
	{name: "LISTRIGHTS", state: inAccount, script: "C: $ LISTRIGHTS a b\nS: * LISTRIGHTS a b la r sw\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			required, optional, err := c.ListRights(ctx, "a", "b")
			return append(optional, required), err
		}},
	{name: "MYRIGHTS", state: inAccount, script: "C: $ MYRIGHTS a\nS: * MYRIGHTS a lrs\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.MyRights(ctx, "a") }},
	{name: "GETQUOTA", state: inAccount, script: "C: $ GETQUOTA a\nS: * QUOTA a (STORAGE 1 2)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.GetQuota(ctx, "a") }},
	{name: "GETQUOTAROOT", state: inAccount, script: "C: $ GETQUOTAROOT a\nS: * QUOTAROOT a q\nS: * QUOTA q (MESSAGE 1 2)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.GetQuotaRoot(ctx, "a") }},
	{name: "SETQUOTA", state: inAccount, script: "C: $ SETQUOTA a (STORAGE 5)\nS: * QUOTA a (STORAGE 1 5)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SetQuota(ctx, "a", map[string]uint64{"STORAGE": 5})
		}},
	{name: "GETMETADATA", state: inAccount, script: "C: $ GETMETADATA a (/shared/b /shared/c)\nS: * METADATA a (/shared/b {3}\nS: x)y /shared/c NIL)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.GetMetadata(ctx, "a", "/shared/b", "/shared/c")
		}},
	{name: "GETMETADATA with options", state: inAccount, script: "C: $ GETMETADATA (DEPTH 1) \"\" /shared\nS: * METADATA \"\" (/shared/b \"x\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.GetMetadataWith(ctx, "", &imap.MetadataOptions{Depth: 1}, "/shared")
		}},
	{name: "SETMETADATA", state: inAccount, script: "C: $ SETMETADATA a (/shared/b \"x\")\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error {
			return c.SetMetadata(ctx, "a", map[string][]byte{"/shared/b": []byte("x")})
		})},
	{name: "GETANNOTATION", state: inAccount, script: "C: $ GETANNOTATION a /b value.shared\nS: * ANNOTATION a \"/b\" (\"value.shared\" \"hi\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.GetAnnotation(ctx, "a", "/b", "value.shared")
		}},
	{name: "SETANNOTATION", state: inAccount, script: "C: $ SETANNOTATION a /b (c \"x\")\nS: $ OK done\n",
		call: only(func(ctx context.Context, c *imap.Client) error {
			return c.SetAnnotation(ctx, "a", "/b", map[string]string{"c": "x"})
		})},
	{name: "PARTIAL", script: "C: $ PARTIAL 1 RFC822 0 5\nS: * 1 FETCH (RFC822<0> {5}\nS+: abc)))\\r\\n\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) { return c.Partial(ctx, 1, "RFC822", 0, 5) }},
	{name: "SORT", script: "C: $ UID SORT (REVERSE SIZE) UTF-8 ALL\nS: * SORT 5 3 4\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Sort(ctx, testkit.SizeFirst, imap.Where())
		}},
	{name: "SORT by number", script: "C: $ SORT (REVERSE SIZE) UTF-8 ALL\nS: * SORT 5 3 4\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SortSeq(ctx, testkit.SizeFirst, imap.Where())
		}},
	{name: "SORT with a count", script: "C: $ UID SORT RETURN (COUNT) (REVERSE SIZE) UTF-8 ALL\nS: * ESEARCH (TAG \"$\") UID COUNT 3\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SortExtended(ctx, testkit.SizeFirst, imap.Where(), &imap.SearchOptions{Count: true})
		}},
	{name: "SORT by number with a count", script: "C: $ SORT RETURN (COUNT) (REVERSE SIZE) UTF-8 ALL\nS: * ESEARCH (TAG \"$\") COUNT 3\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.SortSeqExtended(ctx, testkit.SizeFirst, imap.Where(), &imap.SearchOptions{Count: true})
		}},
	{name: "THREAD", script: "C: $ UID THREAD REFERENCES UTF-8 ALL\nS: * THREAD (2)(3 6 (4 23)(44 7))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Thread(ctx, "REFERENCES", imap.Where())
		}},
	{name: "THREAD by number", script: "C: $ THREAD REFERENCES UTF-8 ALL\nS: * THREAD ((3)(5))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.ThreadSeq(ctx, "REFERENCES", imap.Where())
		}},
	{name: "MULTIAPPEND", state: inAccount, script: "C: $ APPEND a {2+}\nC: hi (\\Seen) {2+}\nC: ho\nS: $ OK [APPENDUID 3 5:6] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.MultiAppend(ctx, "a", []imap.AppendMessage{{Message: imap.LiteralString("hi")},
				{Message: imap.LiteralString("ho"), Options: &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}}}})
		}},
	{name: "CATENATE", state: inAccount, script: "C: $ APPEND a CATENATE (URL \"/b/;UID=1\" TEXT {2+}\nC: hi)\nS: $ OK [APPENDUID 3 5] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL("/b/;UID=1"), imap.CatenateText(imap.LiteralString("hi"))}, nil)
		}},
	{name: "REPLACE", script: "C: $ UID REPLACE 9 a {2+}\nC: hi\nS: * OK [APPENDUID 3 5] ok\nS: * 4 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Replace(ctx, 9, "a", imap.LiteralString("hi"), nil)
		}},
	{name: "REPLACE by number", script: "C: $ REPLACE 4 a {2+}\nC: hi\nS: * OK [APPENDUID 3 5] ok\nS: * 4 EXPUNGE\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.ReplaceSeq(ctx, 4, "a", imap.LiteralString("hi"), nil)
		}},
	{name: "Sync", state: inAccount, script: "CAPS IMAP4rev1 ENABLE CONDSTORE QRESYNC\nC: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK done\n" +
		"C: $ SELECT a (QRESYNC (7 40 1:3))\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: * OK [HIGHESTMODSEQ 60] ok\n" +
		"S: * VANISHED (EARLIER) 2\nS: * 3 FETCH (UID 12 FLAGS () MODSEQ (60))\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return c.Sync(ctx, "a", imap.SyncState{UIDValidity: 7, HighestModSeq: 40, UIDs: imap.UIDRange(1, 3)}, nil)
		}},
	{name: "NOTIFY", state: inAccount, script: "CAPS IMAP4rev1 NOTIFY\nC: $ NOTIFY NONE\nS: * STATUS a (MESSAGES 3)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			err := c.Notify(ctx, nil, nil)
			return c.Events(), err
		}},
	{name: "FetchText", script: "C: $ UID FETCH 9 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 9 BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1))\nS: $ OK done\n" +
		"C: $ UID FETCH 9 (UID BODY.PEEK[1]<0.262148>)\nS: * 1 FETCH (UID 9 BODY[1]<0> {5}\nS+: hello)\\r\\n\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var texts []string
			for m, err := range c.FetchText(ctx, imap.UIDs(9), nil) {
				if err != nil {
					return texts, err
				}
				texts = append(texts, m.Text)
			}
			return texts, nil
		}},
	{name: "Previews", script: "C: $ UID FETCH 9 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 9 BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1))\nS: $ OK done\n" +
		"C: $ UID FETCH 9 (UID BODY.PEEK[1]<0.8196>)\nS: * 1 FETCH (UID 9 BODY[1]<0> \"hello\")\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			var texts []string
			for m, err := range c.Previews(ctx, imap.UIDs(9)) {
				if err != nil {
					return texts, err
				}
				texts = append(texts, m.Preview)
			}
			return texts, nil
		}},
	{name: "AuthenticateToken", state: inClear, script: "CAPS IMAP4rev1 AUTH=XOAUTH2 SASL-IR\nC: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4BAQ==\n" +
		"S: $ OK [CAPABILITY IMAP4rev1] done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			return nil, c.AuthenticateToken(ctx, "ada", func(context.Context) (string, error) { return "token", nil })
		}},
	{name: "APPENDLIMIT", state: inAccount, script: "C: $ STATUS a (APPENDLIMIT)\nS: * STATUS a (APPENDLIMIT 257890)\nS: $ OK done\n",
		call: func(ctx context.Context, c *imap.Client) (any, error) {
			octets, ok, err := c.AppendLimit(ctx, "a")
			return []any{octets, ok}, err
		}},
}

// withoutDialogue are the methods whose faults have tests of their own, because TLS cannot be recorded.
var withoutDialogue = map[string]string{"StartTLS": "TestCloseInHandshake, TestDialTimeout"}

// TestEveryMethodHasADialogue: a new method needs a dialogue, and so becomes part of the fault matrix and the fuzz target.
func TestEveryMethodHasADialogue(t *testing.T) {
	files, err := filepath.Glob("internal/faults/dialogue*_test.go")
	require.NoError(t, err)
	var text strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		text.Write(b)
	}
	client := reflect.TypeFor[*imap.Client]()
	ctx := reflect.TypeFor[context.Context]()
	for i := range client.NumMethod() {
		m := client.Method(i)
		if m.Type.NumIn() < 2 || m.Type.In(1) != ctx {
			continue // sends nothing
		}
		if _, ok := withoutDialogue[m.Name]; !ok {
			assert.True(t, strings.Contains(text.String(), "c."+m.Name+"(ctx"), "extensionDialogues and rareDialogues have no line for %s", m.Name)
		}
	}
}
