package imaplib_test

import (
	"context"
	"fmt"
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

// rows are three FETCH responses, as STORE answers.
const rows = `
	S: * 1 FETCH (UID 11 FLAGS (\Deleted))
	S: * 2 FETCH (UID 12 FLAGS (\Deleted \Seen))
	S: * 3 FETCH (UID 13 FLAGS (\Deleted))
	S: $ OK done
`

var cpythonMessages = map[string]cpythonTest{
	// The bytes of a message are not changed; line endings are the caller's responsibility.
	"append_translate_line_endings": {preAuth, `
		C: $ APPEND "New folder" (\Seen) {4}
		S: + go on
		C+: a\nb\n\r\n
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Append(ctx, "New folder", imap.LiteralString("a\nb\n"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
		assert.NoError(t, err)
	}},
	"enable_UTF8_True_append": {utf8Enabled, `
		C: $ APPEND INBOX UTF8 (~{26}
		S: + go on
		C+: Subject: ü\r\n\r\nsome text
		C+: \r
		C+: \n)\r\n
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Append(ctx, "INBOX", imap.LiteralString("Subject: ü\r\n\r\nsome text\r\n"), nil)
		assert.NoError(t, err)
	}},
	// A server of RFC 9755 does not know the item: it receives the message like any other.
	"enable_UTF8_True_append, RFC 9755": {utf8Enabled, `
		C: $ APPEND INBOX UTF8 (~{13}
		S: $ BAD unknown
		C: $ APPEND INBOX {13}
		S: + go on
		C: Subject: hi
		C:
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		message, err := imap.LiteralFrom(strings.NewReader("Subject: hi\r\n"))
		require.NoError(t, err)
		_, err = c.Append(ctx, "INBOX", message, nil)
		assert.NoError(t, err)
	}},
	"expunge": {testkit.Selected, `
		C: $ EXPUNGE
		S: * 3 EXPUNGE
		S: * 3 EXPUNGE
		S: * 5 EXPUNGE
		S: * 8 EXPUNGE
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Expunge(ctx)
		require.NoError(t, err)
		assert.Equal(t, []imap.SeqNum{3, 3, 5, 8}, res.SeqNums)
	}},
	"uid_expunge": {testkit.Selected, `
		C: $ UID EXPUNGE 3:8
		S: * 3 EXPUNGE
		S: * 3 EXPUNGE
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.UIDExpunge(ctx, imap.UIDRange(3, 8))
		require.NoError(t, err)
		assert.Equal(t, []imap.SeqNum{3, 3}, res.SeqNums)
	}},
	"copy": {testkit.Selected, "C: $ COPY 2:5 \"New folder\"\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		set := append(imap.Seqs(2), imap.SeqRange(3, 5)...)
		_, err := c.Copy(ctx, set, "New folder")
		assert.NoError(t, err)
	}},
	"uid_copy": {testkit.Selected, "C: $ UID COPY 2:4 Archive\nS: $ OK [COPYUID 7 2:4 11:13] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Copy(ctx, imap.UIDRange(2, 4), "Archive")
		require.NoError(t, err)
		assert.Equal(t, &imap.CopyResult{UIDValidity: 7, Source: imap.UIDRange(2, 4), Dest: imap.UIDRange(11, 13)}, res)
	}},
	"move": {testkit.Selected, "C: $ MOVE 2:4 \"New folder\"\nS: * 2 EXPUNGE\nS: * 2 EXPUNGE\nS: * 2 EXPUNGE\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Move(ctx, imap.SeqRange(2, 4), "New folder")
		assert.NoError(t, err)
		assert.EqualValues(t, 2, c.Mailbox().Exists)
	}},
	"uid_move": {testkit.Selected, "C: $ UID MOVE 2:4 Archive\nS: * OK [COPYUID 7 2:4 11:13] moved\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Move(ctx, imap.UIDRange(2, 4), "Archive")
		require.NoError(t, err)
		assert.Equal(t, imap.UIDRange(11, 13), res.Dest)
	}},
	"store": {testkit.Selected, "C: $ STORE 1:3 +FLAGS (\\Deleted)\n" + rows, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Store(ctx, imap.SeqRange(1, 3), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(t, err)
		require.Len(t, res.Messages, 3)
		assert.Equal(t, []imap.Flag{imap.FlagDeleted, imap.FlagSeen}, res.Messages[1].Flags)
	}},
	"uid_store": {testkit.Selected, "C: $ UID STORE 11:13 FLAGS (\\Deleted $Work)\n" + rows, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Store(ctx, imap.UIDRange(11, 13), imap.SetFlags(imap.FlagDeleted, "$Work"), nil)
		require.NoError(t, err)
		require.Len(t, res.Messages, 3)
		assert.EqualValues(t, 13, res.Messages[2].UID)
	}},
	"fetch": {testkit.Selected, `
		C: $ FETCH 1,3:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject From)])
		S: * 1 FETCH (UID 11 FLAGS () BODY[HEADER.FIELDS (SUBJECT FROM)] {2}
		S:
		S: )
		S: * 3 FETCH (UID 13 FLAGS (\Seen) BODY[HEADER.FIELDS ("Subject" "From")] "")
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		section := imap.Section{Specifier: "HEADER", Fields: []string{"Subject", "From"}}
		set := append(imap.Seqs(1), imap.SeqRange(3, 0)...)
		list, err := imap.Collect(c.Fetch(ctx, set, imap.FetchFlags, section))
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.Equal(t, "\r\n", string(list[0].Section(section)))
		assert.Empty(t, list[1].Section(section))
	}},
	"uid_fetch": {testkit.Selected, `
		C: $ UID FETCH 11 (UID FLAGS)
		S: * 1 FETCH (UID 11 FLAGS (\Seen))
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		m, err := c.FetchOne(ctx, 11, imap.FetchFlags)
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	}},
	"partial": {testkit.Selected, `
		C: $ PARTIAL 1 RFC822.TEXT 0 10
		S: * 1 FETCH (RFC822.TEXT "0123456789")
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		text, err := c.Partial(ctx, 1, "RFC822.TEXT", 0, 10)
		require.NoError(t, err)
		assert.Equal(t, "0123456789", string(text))
	}},
	"extra_blank_line_after_literal": {testkit.Selected, `
		C: $ FETCH 1 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 11 BODY[] {5}
		S+: hello
		S:
		S: )
		S: $ OK done
	` + testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		list, err := imap.Collect(c.Fetch(ctx, imap.Seqs(1), imap.Section{}))
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, "hello", string(list[0].Section(imap.Section{})))
		testkit.RequireNothingSent(t, c)
	}},
	"bracket_flags": {testkit.LoggedIn, `
		C: $ SELECT INBOX
		S: * FLAGS (\Seen [test])
		S: * OK [PERMANENTFLAGS (\Seen [test] \*)] ok
		S: $ OK done
		C: $ STORE 1 +FLAGS ([test])
		S: * 1 FETCH (UID 1 FLAGS ([test] a]b))
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "INBOX", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen, "[test]", imap.FlagAny}, mb.PermanentFlags)
		res, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags("[test]"), nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{"[test]", "a]b"}, res.Messages[0].Flags)
	}},
	"search": {testkit.Selected, `
		C: $ SEARCH CHARSET UTF-8 TEXT {7+}
		C: caf` + "é" + `??
		S: * SEARCH 1 2 4
		S: $ OK done
		C: $ SEARCH FROM "a \"b\"" UNSEEN
		S: * SEARCH
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.SearchSeq(ctx, imap.Where().Text("café??"), nil)
		require.NoError(t, err)
		assert.Equal(t, "1:2,4", res.Seqs.String())
		res, err = c.SearchSeq(ctx, imap.Where().From(`a "b"`).Unseen(), nil)
		require.NoError(t, err)
		assert.Zero(t, res.Seqs.Len())
	}},
	// A server that names another character set receives the text in that.
	"encode_criteria": {testkit.Selected, `
		C: $ UID SEARCH CHARSET UTF-8 SUBJECT {12+}
		C: ` + "Привет" + `
		S: $ NO [BADCHARSET (US-ASCII KOI8-U)] sorry
		C: $ UID SEARCH CHARSET KOI8-U SUBJECT {6+}
		C+: \xf0\xd2\xc9\xd7\xc5\xd4\r\n
		S: * SEARCH 7
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Search(ctx, imap.Where().Subject("Привет"), nil)
		require.NoError(t, err)
		assert.Equal(t, imap.UIDs(7), res.UIDs)
	}},
	"uid_search": {testkit.Selected, "C: $ UID SEARCH KEYWORD $Work\nS: * SEARCH 9 7\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Search(ctx, imap.Where().Keyword("$Work"), nil)
		require.NoError(t, err)
		assert.Equal(t, imap.UIDs(7, 9), res.UIDs)
	}},
	// Under UTF8=ACCEPT the text is sent unchanged, without a character set.
	"search_disallows_charset_in_utf8_mode": {utf8Enabled, `
		C: $ SELECT INBOX
		S: $ OK done
		C: $ UID SEARCH SUBJECT "` + "café" + `"
		S: * SEARCH
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Select(ctx, "INBOX", nil)
		require.NoError(t, err)
		_, err = c.Search(ctx, imap.Where().Subject("café"), nil)
		assert.NoError(t, err)
	}},
	"sort": {withCaps("SORT"), "C: $ SORT (REVERSE DATE SUBJECT) UTF-8 ALL\nS: * SORT 5 3 4\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		nums, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE", Reverse: true}, {Name: "SUBJECT"}}, imap.Where())
		require.NoError(t, err)
		assert.Equal(t, []imap.SeqNum{5, 3, 4}, nums)
	}},
	"uid_sort": {withCaps("SORT"), "C: $ UID SORT (ARRIVAL) UTF-8 UNSEEN\nS: * SORT 15 13\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		uids, err := c.Sort(ctx, []imap.SortKey{{Name: "ARRIVAL"}}, imap.Where().Unseen())
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{15, 13}, uids)
	}},
	"thread": {withCaps("THREAD=REFERENCES"), "C: $ THREAD REFERENCES UTF-8 ALL\nS: * THREAD (2)(3 6 (4 23)(44 7 96))\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		threads, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where())
		require.NoError(t, err)
		require.Len(t, threads, 2)
		assert.EqualValues(t, 2, threads[0].Num)
		six := threads[1].Children[0]
		assert.EqualValues(t, 6, six.Num)
		require.Len(t, six.Children, 2)
		assert.EqualValues(t, 96, six.Children[1].Children[0].Children[0].Num)
	}},
	"uid_thread": {withCaps("THREAD=ORDEREDSUBJECT"), "C: $ UID THREAD ORDEREDSUBJECT UTF-8 SEEN\nS: * THREAD (1 2)\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		threads, err := c.Thread(ctx, "ORDEREDSUBJECT", imap.Where().Seen())
		require.NoError(t, err)
		require.Len(t, threads, 1)
		assert.EqualValues(t, 2, threads[0].Children[0].Num)
	}},
}

func TestCPythonMessages(t *testing.T) { runCPython(t, cpythonMessages) }

// withCaps is a client with a mailbox open on a server that offers only these extensions.
func withCaps(caps string) func(*testing.T, string) *imap.Client {
	return func(t *testing.T, script string) *imap.Client {
		t.Helper()
		c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hi", "C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK done\n"+script)
		_, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		return c
	}
}

// cpythonOthers are access, quota, annotations, raw commands and IDLE.
var cpythonOthers = map[string]cpythonTest{
	"getacl": {withCaps("ACL"), "C: $ GETACL \"New folder\"\nS: * ACL \"New folder\" Fred rwipslxetad Chris lrswi\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		list, err := c.GetACL(ctx, "New folder")
		require.NoError(t, err)
		assert.Equal(t, []imap.ACLEntry{{Identifier: "Fred", Rights: "rwipslxetad"}, {Identifier: "Chris", Rights: "lrswi"}}, list)
	}},
	"setacl": {withCaps("ACL"), "C: $ SETACL INBOX \"John Doe\" lrs\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.SetACL(ctx, "INBOX", "John Doe", "lrs"))
	}},
	"deleteacl": {withCaps("ACL"), "C: $ DELETEACL INBOX \"John Doe\"\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.DeleteACL(ctx, "INBOX", "John Doe"))
	}},
	"myrights": {withCaps("ACL"), "C: $ MYRIGHTS INBOX\nS: * MYRIGHTS INBOX rwiptsldaex\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		rights, err := c.MyRights(ctx, "INBOX")
		assert.NoError(t, err)
		assert.Equal(t, "rwiptsldaex", rights)
	}},
	"getquota": {withCaps("QUOTA"), "C: $ GETQUOTA \"\"\nS: * QUOTA \"\" (STORAGE 10 512)\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		q, err := c.GetQuota(ctx, "")
		require.NoError(t, err)
		assert.Equal(t, &imap.Quota{Resources: []imap.QuotaResource{{Name: "STORAGE", Usage: 10, Limit: 512}}}, q)
	}},
	"getquotaroot": {withCaps("QUOTA"), "C: $ GETQUOTAROOT INBOX\nS: * QUOTAROOT INBOX \"\"\nS: * QUOTA \"\" (STORAGE 10 512)\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		list, err := c.GetQuotaRoot(ctx, "INBOX")
		require.NoError(t, err)
		assert.Equal(t, []imap.Quota{{Resources: []imap.QuotaResource{{Name: "STORAGE", Usage: 10, Limit: 512}}}}, list)
	}},
	"setquota": {withCaps("QUOTA QUOTASET"), "C: $ SETQUOTA \"\" (STORAGE 512)\nS: * QUOTA \"\" (STORAGE 10 512)\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		q, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 512})
		require.NoError(t, err)
		assert.EqualValues(t, 512, q.Resources[0].Limit)
	}},
	"getannotation": {testkit.LoggedIn, "C: $ GETANNOTATION \"New folder\" /comment value.shared\nS: * ANNOTATION \"New folder\" \"/comment\" (\"value.shared\" \"hi\")\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.GetAnnotation(ctx, "New folder", "/comment", "value.shared")
		require.NoError(t, err)
		require.Len(t, res.Untagged, 1)
		assert.Equal(t, "ANNOTATION", res.Untagged[0].Name)
		assert.Equal(t, `"New folder" "/comment" ("value.shared" "hi")`, string(res.Untagged[0].Rest))
	}},
	"setannotation": {testkit.LoggedIn, "C: $ SETANNOTATION INBOX /comment (value.shared \"hi\")\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.SetAnnotation(ctx, "INBOX", "/comment", map[string]string{"value.shared": "hi"}))
	}},
	"xatom": {testkit.LoggedIn, "C: $ MYCOMMAND arg1 \"arg 2\"\nS: * MYCOMMAND data\nS: $ OK MYCOMMAND completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Do(ctx, "mycommand", "arg1", "arg 2")
		require.NoError(t, err)
		assert.Equal(t, "MYCOMMAND completed", res.Text)
		assert.Equal(t, []imap.Untagged{{Name: "MYCOMMAND", Rest: []byte("data")}}, res.Untagged)
	}},
	// No method has a UID form that does not exist; as a raw command the server refuses it.
	"uid_unknown_command_reports_command": {testkit.Selected, "C: $ UID XYZZY 1\nS: $ BAD unknown", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Do(ctx, "UID XYZZY", 1)
		assert.EqualError(t, err, "imap: UID XYZZY: BAD unknown")
	}},
	// Arguments of several kinds, as imaplib's params= takes them.
	"substitute": {testkit.Selected, `
		C: $ UID FETCH 1:3,7 (FLAGS BODY.PEEK[HEADER])
		S: $ OK done
		C: $ XTEST NIL 5 "a b" ("c d" (1 NIL)) \Seen "01-Feb-2026 00:00:00 +0000" {3+}
		C: x
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Do(ctx, "UID FETCH", imap.UIDs(1, 2, 3, 7), imap.Atom("(FLAGS BODY.PEEK[HEADER])"))
		assert.NoError(t, err)
		_, err = c.Do(ctx, "XTEST", nil, 5, "a b", []any{"c d", []any{1, nil}}, imap.FlagSeen, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), []byte("x\r\n"))
		assert.NoError(t, err)
	}},
	"substitute_errors": {testkit.Selected, testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, bad := range []any{true, 1.5, -1, imap.Atom("a\r\nb"), imap.Atom("x {3}"), imap.Flag("a b"), imap.UIDSet{}, "\x00", struct{}{}} {
			_, err := c.Do(ctx, "XTEST", bad)
			assert.Error(t, err, "%#v", bad)
			assert.True(t, imap.SafeToRetry(err), "%#v", bad)
		}
		testkit.RequireNothingSent(t, c)
	}},
	"sequence_set": {testkit.Selected, `
		C: $ FETCH 5 (UID)
		S: $ OK done
		C: $ FETCH 1,3:5,8:* (UID)
		S: $ OK done
		C: $ FETCH 1:3 (UID)
		S: $ OK done
		C: $ FETCH 1,3,5,7,9 (UID)
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		three := append(append(imap.Seqs(1), imap.SeqRange(3, 5)...), imap.SeqRange(8, 0)...)
		for _, set := range []imap.SeqSet{imap.Seqs(5), three, imap.SeqRange(3, 1), imap.Seqs(9, 7, 5, 3, 1)} {
			_, err := imap.Collect(c.Fetch(ctx, set))
			assert.NoError(t, err)
		}
	}},
	"set_quote": {testkit.Selected, "C: $ STORE 1 FLAGS ()\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Store(ctx, imap.Seqs(1), imap.SetFlags(), nil)
		assert.NoError(t, err)
	}},
	"idle_denied": {testkit.Selected, "C: $ IDLE\nS: $ NO idle denied\n" + testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := imap.Collect(c.Idle(ctx, nil))
		assert.ErrorContains(t, err, "idle denied")
		testkit.RequireNothingSent(t, c)
	}},
	// If the server lacks the capability IDLE, NOOP is sent instead.
	"idle_capability": {withCaps(""), "C: $ NOOP\nS: * 6 EXISTS\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		for ev, err := range c.Idle(ctx, nil) {
			require.NoError(t, err)
			assert.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
			break
		}
	}},
}

func TestCPythonOthers(t *testing.T) { runCPython(t, cpythonOthers) }

// idleServer plays the server of CPython's tests of IDLE, in a synctest bubble.
func idleServer(t *testing.T, call func(context.Context, *testing.T, *imap.Client), steps ...any) {
	synctest.Test(t, func(t *testing.T) {
		client, server := imaptest.Pipe()
		defer server.Close()
		go func() {
			for _, step := range steps {
				switch step := step.(type) {
				case string:
					server.Write([]byte(step))
				case time.Duration:
					time.Sleep(step)
				case byte: // a line of the client
					for b := make([]byte, 1); b[0] != step; {
						if _, err := server.Read(b); err != nil {
							return
						}
					}
				}
			}
		}()
		c, err := imap.NewClient(t.Context(), client, nil)
		require.NoError(t, err)
		defer c.Close()
		call(t.Context(), t, c)
	})
}

const idleGreeting = "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n"

// literalRow is a response with a literal of 41 bytes.
var literalRow = "* 2 FETCH (BODY[HEADER.FIELDS (DATE)] {41}\r\nDate: Fri, 06 Dec 2024 06:00:00 +0000\r\n\r\n)\r\n"

func TestCPythonIdleIter(t *testing.T) {
	idleServer(t, func(ctx context.Context, t *testing.T, c *imap.Client) {
		var got []string
		for ev, err := range c.Idle(ctx, &imap.IdleOptions{For: 500 * time.Millisecond}) {
			require.NoError(t, err)
			got = append(got, eventName(ev))
		}
		assert.Equal(t, []string{"2 EXISTS", "0 RECENT", "1 EXISTS", "FETCH 41", "3 EXISTS"}, got)
		require.NoError(t, c.Noop(ctx))
		got = nil
		for _, ev := range c.Events() {
			got = append(got, eventName(ev))
		}
		assert.Equal(t, []string{"1 RECENT", "9 RECENT"}, got, "what came later")
	}, idleGreeting, byte('\n'), "* 2 EXISTS\r\n* 0 RECENT\r\n+ idling\r\n* 1 EXISTS\r\n"+literalRow+"* 3 EXISTS\r\n",
		byte('\n'), "* 1 RECENT\r\nA1 OK done\r\n* 9 RECENT\r\n", byte('\n'), "A2 OK done\r\n")
}

func TestCPythonIdleBurst(t *testing.T) {
	idleServer(t, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for batch, err := range c.IdleBursts(ctx, 100*time.Millisecond, nil) {
			require.NoError(t, err)
			assert.Len(t, batch, 4)
			break
		}
		require.NoError(t, c.Noop(ctx))
		assert.Len(t, c.Events(), 1, "left for later")
	}, idleGreeting, byte('\n'), "* 2 EXISTS\r\n+ idling\r\n* 1 EXISTS\r\n"+literalRow+"* 3 EXISTS\r\n", time.Second, "* 1 RECENT\r\n",
		byte('\n'), "A1 OK done\r\n", byte('\n'), "A2 OK done\r\n")
}

func TestCPythonIdleDelayedPacket(t *testing.T) {
	idleServer(t, func(ctx context.Context, t *testing.T, c *imap.Client) {
		events, err := imap.Collect(c.Idle(ctx, &imap.IdleOptions{For: 500 * time.Millisecond}))
		require.NoError(t, err)
		assert.Empty(t, events)
		require.NoError(t, c.Noop(ctx))
		assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 1}}, c.Events())
	}, idleGreeting, byte('\n'), "+ idling\r\n* 1 EX", 200*time.Millisecond, "IS", time.Second, "TS\r\n", byte('\n'), "A1 OK done\r\n", byte('\n'), "A2 OK done\r\n")
}

func eventName(ev imap.Event) string {
	switch ev := ev.(type) {
	case *imap.ExistsEvent:
		return fmt.Sprint(ev.Count, " EXISTS")
	case *imap.RecentEvent:
		return fmt.Sprint(ev.Count, " RECENT")
	case *imap.FetchEvent:
		return fmt.Sprint("FETCH ", len(ev.Message.Sections[0].Bytes))
	}
	return fmt.Sprintf("%T", ev)
}
