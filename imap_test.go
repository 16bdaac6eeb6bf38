package imap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommandsOnTheWire compares, for each command, the exact bytes sent, and the result of a recorded answer.
func TestCommandsOnTheWire(t *testing.T) {
	type dial func(*testing.T, string) *imap.Client
	for _, test := range []struct {
		name   string
		dial   dial
		script string
		call   func(context.Context, *testing.T, *imap.Client) error
	}{
		{"CAPABILITY", testkit.LoggedIn, `
			C: $ CAPABILITY
			S: * CAPABILITY IMAP4rev1 XYZZY
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			caps, err := c.Capability(ctx)
			assert.True(t, caps.Has("xyzzy"))
			assert.False(t, caps.Has("IDLE"))
			return err
		}},
		{"NOOP", testkit.Selected, `
			C: $ NOOP
			S: * 6 EXISTS
			S: * 2 EXPUNGE
			S: * 1 FETCH (FLAGS (\Seen))
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			err := c.Noop(ctx)
			assert.EqualValues(t, 5, c.Mailbox().Exists)
			events := c.Events()
			require.Len(t, events, 3)
			assert.Equal(t, &imap.ExistsEvent{Count: 6}, events[0])
			assert.Equal(t, &imap.ExpungeEvent{SeqNum: 2}, events[1])
			assert.Equal(t, []imap.Flag{imap.FlagSeen}, events[2].(*imap.FetchEvent).Message.Flags)
			return err
		}},
		{"LOGOUT", testkit.LoggedIn, `
			C: $ LOGOUT
			S: * BYE see you
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			err := c.Logout(ctx)
			assert.Equal(t, imap.LoggedOut, c.State())
			assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
			return err
		}},
		{"ENABLE", testkit.LoggedIn, `
			C: $ ENABLE CONDSTORE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			on, err := c.Enable(ctx, "CONDSTORE", "QRESYNC")
			assert.Equal(t, []string{"QRESYNC"}, on)
			assert.True(t, c.Enabled("qresync"))
			assert.False(t, c.Enabled("CONDSTORE"))
			return err
		}},
		{"ID", testkit.LoggedIn, `
			C: $ ID ("name" "x \"y\"" "version" {4+}
			C: a
			C: b)
			S: * ID ("name" "Cyrus" "support-url" NIL)
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			id, err := c.ID(ctx, map[string]string{"version": "a\r\nb", "name": `x "y"`})
			assert.Equal(t, map[string]string{"name": "Cyrus", "support-url": ""}, id)
			return err
		}},
		{"ID nil", testkit.LoggedIn, `
			C: $ ID NIL
			S: * ID NIL
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			id, err := c.ID(ctx, nil)
			assert.Empty(t, id)
			return err
		}},
		{"NAMESPACE", testkit.LoggedIn, `
			C: $ NAMESPACE
			S: * NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" "/")) NIL
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			ns, err := c.Namespace(ctx)
			assert.Equal(t, &imap.Namespaces{
				Personal: []imap.NamespaceEntry{{Prefix: "", Delimiter: "/"}, {Prefix: "#mh/", Delimiter: "/"}},
				Other:    []imap.NamespaceEntry{{Prefix: "~", Delimiter: "/"}},
			}, ns)
			return err
		}},
		{"SELECT", testkit.LoggedIn, `
			C: $ SELECT "Entw&APw-rfe 1"
			S: * 172 EXISTS
			S: * 1 RECENT
			S: * OK [UNSEEN 12] Message 12 is first unseen
			S: * OK [UIDVALIDITY 3857529045] UIDs valid
			S: * OK [UIDNEXT 4392] Predicted next UID
			S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
			S: * OK [PERMANENTFLAGS (\Deleted \Seen \*)] Limited
			S: * OK [HIGHESTMODSEQ 715194045007] Highest
			S: * OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok
			S: $ OK [READ-WRITE] SELECT completed
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			mb, err := c.Select(ctx, "Entwürfe 1", nil)
			want := &imap.Mailbox{
				Name: "Entwürfe 1", Exists: 172, Recent: 1, Unseen: 12, UIDValidity: 3857529045, UIDNext: 4392,
				HighestModSeq:  715194045007,
				Flags:          []imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft},
				PermanentFlags: []imap.Flag{imap.FlagDeleted, imap.FlagSeen, imap.FlagAny},
				MailboxID:      "F2212ea87-6097-4256-9d51-71338625",
			}
			assert.Equal(t, want, mb)
			assert.Equal(t, want, c.Mailbox())
			assert.Equal(t, imap.Selected, c.State())
			assert.Empty(t, c.Events())
			return err
		}},
		{"EXAMINE", testkit.LoggedIn, `
			C: $ EXAMINE INBOX
			S: * 1 EXISTS
			S: $ OK [READ-ONLY] EXAMINE completed
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			mb, err := c.Examine(ctx, "inbox", nil)
			assert.True(t, mb.ReadOnly)
			assert.Equal(t, "INBOX", mb.Name)
			_, storeErr := c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagSeen), nil)
			assert.ErrorIs(t, storeErr, imap.ErrReadOnly)
			assert.True(t, imap.SafeToRetry(storeErr))
			return err
		}},
		{"SELECT QRESYNC", testkit.LoggedIn, `
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK
			C: $ SELECT INBOX (QRESYNC (67890007 20050715194045000 41:211,214:541))
			S: * 100 EXISTS
			S: * OK [UIDVALIDITY 67890007] UIDVALIDITY
			S: * OK [HIGHESTMODSEQ 20010715194045319] Highest
			S: * VANISHED (EARLIER) 41,43:116
			S: * 49 FETCH (UID 117 FLAGS (\Seen \Answered) MODSEQ (20010715194045319))
			S: $ OK [READ-WRITE] mailbox selected
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			known, _ := imap.ParseUIDSet("41:211,214:541")
			mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 67890007, ModSeq: 20050715194045000, KnownUIDs: known}})
			require.NoError(t, err)
			assert.Equal(t, "41,43:116", mb.Vanished.String())
			require.Len(t, mb.Changed, 1)
			assert.EqualValues(t, 117, mb.Changed[0].UID)
			assert.Equal(t, uint64(20010715194045319), mb.Changed[0].ModSeq)
			return err
		}},
		{"CLOSE", testkit.Selected, `
			C: $ CLOSE
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			err := c.CloseMailbox(ctx)
			assert.Equal(t, imap.Authenticated, c.State())
			assert.Nil(t, c.Mailbox())
			return err
		}},
		{"UNSELECT", testkit.Selected, `
			C: $ UNSELECT
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Unselect(ctx) }},
		{"CHECK", testkit.Selected, `
			C: $ CHECK
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Check(ctx) }},
		{"CREATE", testkit.LoggedIn, `
			C: $ CREATE "a b/&U,BTFw-"
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Create(ctx, "a b/台北", nil) }},
		{"CREATE USE", testkit.LoggedIn, `
			C: $ CREATE MySent (USE (\Sent))
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			return c.Create(ctx, "MySent", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{`\Sent`}})
		}},
		{"DELETE", testkit.LoggedIn, `
			C: $ DELETE "a\"b\\c"
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Delete(ctx, `a"b\c`) }},
		{"RENAME", testkit.LoggedIn, `
			C: $ RENAME "NIL" b
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Rename(ctx, "NIL", "b") }},
		{"SUBSCRIBE", testkit.LoggedIn, `
			C: $ SUBSCRIBE a&-b
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error { return c.Subscribe(ctx, "a&b") }},
		{"UNSUBSCRIBE", testkit.LoggedIn, `
			C: $ UNSUBSCRIBE "A & B"
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			return c.Unsubscribe(ctx, imap.RawMailbox("A & B"))
		}},
		{"LIST", testkit.LoggedIn, `
			C: $ LIST "" *
			S: * LIST (\HasNoChildren \sent) "/" "Gesendet &- mehr"
			S: * LIST (\Noselect) NIL {3}
			S: a b
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			got, err := c.List(ctx, "", "*", nil)
			assert.Equal(t, []imap.ListEntry{
				{Name: "Gesendet & mehr", Raw: "Gesendet &- mehr", Delimiter: "/", Attrs: []imap.MailboxAttr{`\HasNoChildren`, `\Sent`}},
				{Name: "a b", Raw: "a b", Attrs: []imap.MailboxAttr{`\Noselect`}},
			}, got)
			return err
		}},
		{"LIST extended", testkit.LoggedIn, `
			C: $ LIST (SUBSCRIBED) "" % RETURN (CHILDREN SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UNSEEN))
			S: * LIST (\Subscribed) "." INBOX
			S: * STATUS INBOX (MESSAGES 17 UNSEEN 16)
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			got, err := c.List(ctx, "", "%", &imap.ListOptions{Subscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}})
			require.Len(t, got, 1)
			assert.Equal(t, &imap.Status{Mailbox: "INBOX", Messages: testkit.Ptr(uint32(17)), Unseen: testkit.Ptr(uint32(16))}, got[0].Status)
			return err
		}},
		{"LSUB", testkit.LoggedIn, `
			C: $ LSUB "" *
			S: * LSUB () "." #news.comp.mail.mime
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			got, err := c.Lsub(ctx, "", "*")
			require.Len(t, got, 1)
			assert.Equal(t, "#news.comp.mail.mime", got[0].Name)
			return err
		}},
		{"STATUS", testkit.LoggedIn, `
			C: $ STATUS blurdybloop (UIDNEXT MESSAGES SIZE HIGHESTMODSEQ)
			S: * STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 SIZE 5000000000 HIGHESTMODSEQ 7011231777)
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			st, err := c.Status(ctx, "blurdybloop", imap.StatusUIDNext, imap.StatusMessages, imap.StatusSize, imap.StatusHighestModSeq)
			assert.Equal(t, &imap.Status{Mailbox: "blurdybloop", Messages: testkit.Ptr(uint32(231)), UIDNext: testkit.Ptr(uint32(44292)),
				Size: testkit.Ptr(uint64(5000000000)), HighestModSeq: testkit.Ptr(uint64(7011231777))}, st)
			return err
		}},
		{"APPEND", testkit.LoggedIn, `
			C: $ APPEND saved (\Seen $Work) "07-Feb-1994 21:52:25 -0800" {5+}
			C: hello
			S: $ OK [APPENDUID 38505 3955] APPEND completed
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			date := time.Date(1994, 2, 7, 21, 52, 25, 0, time.FixedZone("", -8*3600))
			res, err := c.Append(ctx, "saved", imap.LiteralString("hello"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "$Work"}, InternalDate: date})
			assert.Equal(t, &imap.AppendResult{UIDValidity: 38505, UID: 3955}, res)
			return err
		}},
		{"FETCH", testkit.Selected, `
			C: $ FETCH 2:4 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM)] BODY[1.2.MIME]<10.20>)
			S: * 2 FETCH (UID 4294967295 FLAGS (\Deleted $x) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 5000000000 BODY[HEADER.FIELDS (DATE FROM)] {4}
			S+: a\r\nb BODY[1.2.MIME]<10> NIL)\r\n
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			header := imap.Section{Specifier: "HEADER", Fields: []string{"DATE", "FROM"}}
			part := imap.Section{Part: []int{1, 2}, Specifier: "MIME", Offset: 10, Count: 20, MarkSeen: true}
			got, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(2, 4), imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, header, part))
			require.NoError(t, err)
			require.Len(t, got, 1)
			m := got[0]
			assert.EqualValues(t, 2, m.SeqNum)
			assert.Equal(t, imap.UID(4294967295), m.UID)
			assert.Equal(t, []imap.Flag{imap.FlagDeleted, "$x"}, m.Flags)
			assert.Equal(t, int64(5000000000), m.Size)
			assert.True(t, m.InternalDate.Equal(time.Date(1996, 7, 17, 9, 44, 25, 0, time.UTC)))
			assert.Equal(t, "a\r\nb", string(m.Section(header)))
			assert.Nil(t, m.Section(part))
			return err
		}},
		{"UID FETCH CHANGEDSINCE", testkit.Selected, `
			C: $ UID FETCH 300:* (UID FLAGS) (CHANGEDSINCE 12345)
			S: * 1 FETCH (UID 300 MODSEQ (12346) FLAGS ())
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(300, 0), imap.FetchFlags, imap.FetchChangedSince(12345)))
			require.Len(t, got, 1)
			assert.EqualValues(t, 12346, got[0].ModSeq)
			return err
		}},
		{"SEARCH", testkit.Selected, `
			C: $ UID SEARCH UNSEEN FROM "Smith" SINCE 1-Feb-1994 OR (SEEN DELETED) NOT LARGER 10 UID 1:5,9 HEADER X-A "" KEYWORD $x
			S: * SEARCH 2 84 882
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			day := time.Date(1994, 2, 1, 23, 0, 0, 0, time.UTC)
			q := imap.Where().Unseen().From("Smith").Since(day).Or(imap.Where().Seen().Deleted(), imap.Where().Not(imap.Where().Larger(10)))
			set, _ := imap.ParseUIDSet("1:5,9")
			res, err := c.Search(ctx, q.In(set).Header("X-A", "").Keyword("$x"), nil)
			assert.Equal(t, &imap.SearchResult{UIDs: imap.UIDs(2, 84, 882), Min: 2, Max: 882, Count: 3}, res)
			return err
		}},
		{"SEARCH in UTF-8", testkit.Selected, `
			C: $ UID SEARCH CHARSET UTF-8 SUBJECT {6+}
			C: Grüß
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.Search(ctx, imap.Where().Subject("Grüß"), nil)
			assert.Equal(t, &imap.SearchResult{UIDs: imap.UIDSet{}}, res)
			return err
		}},
		{"SEARCH by number", testkit.Selected, `
			C: $ SEARCH ALL
			S: * SEARCH 1 2 3
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.SearchSeq(ctx, imap.Where(), nil)
			assert.Equal(t, imap.SeqRange(1, 3), res.Seqs)
			return err
		}},
		{"STORE", testkit.Selected, `
			C: $ UID STORE 5:6 (UNCHANGEDSINCE 7) +FLAGS.SILENT (\Seen $a)
			S: * 1 FETCH (UID 5 MODSEQ (8))
			S: $ OK [MODIFIED 6] done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.Store(ctx, imap.UIDRange(5, 6), imap.AddFlags(imap.FlagSeen, "$a"), &imap.StoreOptions{Silent: true, UnchangedSince: 7})
			assert.Equal(t, imap.UIDs(6), res.ModifiedUID)
			require.Len(t, res.Messages, 1)
			assert.EqualValues(t, 8, res.Messages[0].ModSeq)
			return err
		}},
		{"COPY", testkit.Selected, `
			C: $ UID COPY 1:2 meeting
			S: $ OK [COPYUID 38505 304,319:320 3956:3958] Done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.Copy(ctx, imap.UIDs(1, 2), "meeting")
			assert.EqualValues(t, 38505, res.UIDValidity)
			assert.Equal(t, "304,319:320", res.Source.String())
			assert.Equal(t, "3956:3958", res.Dest.String())
			return err
		}},
		{"MOVE", testkit.Selected, `
			C: $ MOVE 1 foo
			S: * OK [COPYUID 432432 42 1202]
			S: * 1 EXPUNGE
			S: $ OK Done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.Move(ctx, imap.Seqs(1), "foo")
			assert.Equal(t, imap.UIDs(42), res.Source)
			assert.Equal(t, imap.UIDs(1202), res.Dest)
			assert.EqualValues(t, 4, c.Mailbox().Exists)
			return err
		}},
		{"EXPUNGE", testkit.Selected, `
			C: $ EXPUNGE
			S: * 3 EXPUNGE
			S: * 3 EXPUNGE
			S: * 5 EXPUNGE
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.Expunge(ctx)
			assert.Equal(t, []imap.SeqNum{3, 3, 5}, res.SeqNums)
			assert.EqualValues(t, 2, c.Mailbox().Exists)
			assert.Empty(t, c.Events())
			return err
		}},
		{"UID EXPUNGE", testkit.Selected, `
			C: $ UID EXPUNGE 3000:3002
			S: * VANISHED 3000:3001
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			res, err := c.UIDExpunge(ctx, imap.UIDRange(3000, 3002))
			assert.Equal(t, imap.UIDRange(3000, 3001), res.UIDs)
			return err
		}},
		{"Do", testkit.Selected, `
			C: $ UID XCMD a\Seen "x y" (1 NIL "NIL") 4:5 {2+}
			C: hi
			S: * 3 XDATA foo {3}
			S+: bar baz\r\n
			S: $ OK [XCODE a b] fine
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			resp, err := c.Do(ctx, "uid xcmd", imap.Atom(`a\Seen`), "x y", []any{1, nil, "NIL"}, imap.UIDRange(4, 5), []byte("hi"))
			assert.Equal(t, &imap.Response{Code: "XCODE", CodeArgs: "a b", Text: "fine",
				Untagged: []imap.Untagged{{Name: "XDATA", Num: 3, Rest: []byte("foo {3}\r\nbar baz")}}}, resp)
			return err
		}},
		{"UNAUTHENTICATE", testkit.Selected, `
			C: $ UNAUTHENTICATE
			S: $ OK done
		`, func(ctx context.Context, t *testing.T, c *imap.Client) error {
			err := c.Unauthenticate(ctx)
			assert.Equal(t, imap.NotAuthenticated, c.State())
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.dial(t, test.script)
			require.NoError(t, test.call(t.Context(), t, c))
		})
	}
}

func TestLogin(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1] hi", `
		C: $ LOGIN user "pass \"word"
		S: * CAPABILITY IMAP4rev1 IDLE
		S: $ OK welcome
	`)
	require.NoError(t, c.Login(t.Context(), "user", `pass "word`))
	assert.Equal(t, imap.Authenticated, c.State())
	assert.True(t, c.Caps().Has("IDLE"))
	assert.Equal(t, "hi", c.Greeting())
}

func TestLoginAsksForCapabilities(t *testing.T) {
	c := testkit.DialScript(t, "* OK hi", `
		C: $ CAPABILITY
		S: * CAPABILITY IMAP4rev1
		S: $ OK
		C: $ LOGIN u "p"
		S: $ OK [CAPABILITY IMAP4rev1 XA] in
	`)
	require.NoError(t, c.Login(t.Context(), "u", "p"))
	assert.True(t, c.Caps().Has("XA"))
}

func TestLoginRefused(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1] hi", `
		C: $ LOGIN user "secret99"
		S: $ NO [AUTHENTICATIONFAILED] secret99 is wrong
	`)
	err := c.Login(t.Context(), "user", "secret99")
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
	assert.NotContains(t, err.Error(), "secret99")
	assert.False(t, imap.SafeToRetry(err))
	assert.Equal(t, imap.NotAuthenticated, c.State())
}

func TestLoginDisabled(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi", "")
	err := c.Login(t.Context(), "u", "p")
	assert.ErrorIs(t, err, imap.ErrInsecure)
	assert.True(t, imap.SafeToRetry(err))
}

func TestPasswordsAreNotSentInTheClear(t *testing.T) {
	conn := imaptest.DialScript(t, "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n")
	c, err := imap.NewClient(t.Context(), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	assert.ErrorIs(t, c.Login(t.Context(), "u", "p"), imap.ErrInsecure)
	assert.ErrorIs(t, c.LoginPlain(t.Context(), "u", "p"), imap.ErrInsecure)
	assert.ErrorIs(t, c.AuthenticatePassword(t.Context(), "u", "p"), imap.ErrInsecure)
}

// TestRefusalIsFinal: a refusal that does not concern the mechanism, or will pass, leads to no other attempt.
func TestRefusalIsFinal(t *testing.T) {
	for _, refusal := range []string{"NO wrong password", "NO [UNAVAILABLE] mechanism not supported now", "NO [AUTHENTICATIONFAILED] unsupported"} {
		c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5 AUTH=PLAIN] hi", `
			C: $ AUTHENTICATE CRAM-MD5
			S: $ `+refusal+`
			C: $ NOOP
			S: $ OK
		`)
		_, ok := errors.AsType[*imap.Error](c.AuthenticatePassword(t.Context(), "u", "p"))
		assert.True(t, ok)
		require.NoError(t, c.Noop(t.Context()))
	}
}

// TestRefusalWithoutOtherWay: the error is the server's if a password must not be sent in the clear.
func TestRefusalWithoutOtherWay(t *testing.T) {
	conn := imaptest.DialScript(t, `
		S: * OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5 AUTH=PLAIN] hi
		C: $ AUTHENTICATE CRAM-MD5
		S: $ BAD unknown mechanism
	`)
	c, err := imap.NewClient(t.Context(), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	refusal, ok := errors.AsType[*imap.Error](c.AuthenticatePassword(t.Context(), "u", "p"))
	require.True(t, ok)
	assert.Equal(t, "BAD", refusal.Status)
}

func TestAuthenticatePlain(t *testing.T) {
	for name, script := range map[string]string{
		"SASL-IR": `
			C: $ AUTHENTICATE PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm
			S: $ OK [CAPABILITY IMAP4rev1] in`,
		"continuation": `
			C: $ AUTHENTICATE PLAIN
			S: +
			C: AHRpbQB0YW5zdGFhZnRhbnN0YWFm
			S: $ OK [CAPABILITY IMAP4rev1] in`,
	} {
		t.Run(name, func(t *testing.T) {
			caps := "IMAP4rev1 AUTH=PLAIN"
			if name == "SASL-IR" {
				caps += " SASL-IR"
			}
			c := testkit.DialScript(t, "* OK [CAPABILITY "+caps+"] hi", script)
			require.NoError(t, c.LoginPlain(t.Context(), "tim", "tanstaaftanstaaf"))
			assert.Equal(t, imap.Authenticated, c.State())
		})
	}
}

func TestMechanismCancels(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 AUTH=X-TEST] hi", `
		C: $ AUTHENTICATE X-TEST
		S: + Zm9v
		C: *
		S: $ BAD cancelled
		C: $ NOOP
		S: $ OK
	`)
	err := c.Authenticate(t.Context(), testkit.Stubborn{})
	assert.ErrorIs(t, err, testkit.ErrStubborn)
	require.NoError(t, c.Noop(t.Context()))
}

func TestMissingCapability(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ NOOP
		S: $ OK
	`)
	ctx := t.Context()
	_, err := c.Select(ctx, "a", nil)
	require.NoError(t, err)
	for name, call := range map[string]func() error{
		"ENABLE":    func() error { _, err := c.Enable(ctx, "X"); return err },
		"ID":        func() error { _, err := c.ID(ctx, nil); return err },
		"NAMESPACE": func() error { _, err := c.Namespace(ctx); return err },
		"UIDPLUS":   func() error { _, err := c.UIDExpunge(ctx, imap.UIDs(1)); return err },
		"MOVE":      func() error { _, err := c.Move(ctx, imap.UIDs(1), "b"); return err },
		"CONDSTORE": func() error {
			_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags("x"), &imap.StoreOptions{UnchangedSince: 1})
			return err
		},
		"BINARY": func() error { _, err := c.FetchOne(ctx, 1, imap.Section{Binary: true}); return err },
		"SEARCHRES": func() error {
			_, err := c.Search(ctx, imap.Where(), &imap.SearchOptions{Save: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			require.ErrorIs(t, err, errors.ErrUnsupported)
			missing, ok := errors.AsType[*imap.CapabilityError](err)
			require.True(t, ok)
			assert.Equal(t, name, missing.Name)
			assert.True(t, imap.SafeToRetry(err))
		})
	}
	require.NoError(t, c.Noop(ctx))
}

func TestSearchCharset(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID SEARCH CHARSET UTF-8 TEXT {2+}
		C: ü
		S: $ NO [BADCHARSET (US-ASCII ISO-8859-1)] no
		C: $ UID SEARCH CHARSET ISO-8859-1 TEXT {1+}
		C+: \xfc\r\n
		S: * SEARCH 4
		S: $ OK
	`)
	res, err := c.Search(t.Context(), imap.Where().Text("ü"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(4), res.UIDs)
}

func TestExtendedSearch(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ UID SEARCH RETURN (MIN MAX COUNT) SEEN
		S: * ESEARCH (TAG "$") UID MIN 7 MAX 3800 COUNT 15
		S: $ OK
		C: $ UID SEARCH RETURN (ALL) ALL
		S: * ESEARCH (TAG "$") UID ALL 10:15,21
		S: $ OK
		C: $ UID SEARCH RETURN (ALL) ALL
		S: * ESEARCH (TAG "$") UID COUNT 2
		S: $ OK
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2
		S: $ OK
	`)
	ctx := t.Context()
	_, err := c.Select(ctx, "a", nil)
	require.NoError(t, err)
	res, err := c.Search(ctx, imap.Where().Seen(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, &imap.SearchResult{Min: 7, Max: 3800, Count: 15}, res)
	res, err = c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, "10:15,21", res.UIDs.String())
	res, err = c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1, 2), res.UIDs)
}

// TestSynchronizingLiteral: without LITERAL+ a literal waits for the server, and after a refusal it is not sent.
func TestSynchronizingLiteral(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
		C: $ APPEND a {3}
		S: + go
		C: abc
		S: $ OK
		C: $ APPEND full {3}
		S: $ NO [OVERQUOTA] full
		C: $ NOOP
		S: $ OK
	`)
	ctx := t.Context()
	_, err := c.Append(ctx, "a", imap.LiteralString("abc"), nil)
	require.NoError(t, err)
	_, err = c.Append(ctx, "full", imap.LiteralString("abc"), nil)
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
	require.NoError(t, c.Noop(ctx))
}

// TestShortReader: a reader that ends early closes the connection, so that no truncated message is stored.
func TestShortReader(t *testing.T) {
	c := testkit.LoggedIn(t, "STALL")
	_, err := c.Append(t.Context(), "a", imap.Literal{R: strings.NewReader("short"), Size: 100000}, nil)
	require.Error(t, err)
	assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
}

// TestInjection: no argument can inject a command.
func TestInjection(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ NOOP
		S: $ OK
	`)
	ctx := t.Context()
	for _, evil := range []string{"a\r\nX LOGOUT", "a\nb", "a\x00b", "a b", "a)", "(", "{3}", "", `"`} {
		for name, call := range map[string]func() error{
			"flag":    func() error { _, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.Flag(evil)), nil); return err },
			"enable":  func() error { _, err := c.Enable(ctx, evil); return err },
			"status":  func() error { _, err := c.Status(ctx, "a", imap.StatusItem(evil)); return err },
			"attr":    func() error { _, err := c.FetchOne(ctx, 1, imap.FetchAttr(evil)); return err },
			"spec":    func() error { _, err := c.FetchOne(ctx, 1, imap.Section{Specifier: "X" + evil}); return err },
			"command": func() error { _, err := c.Do(ctx, "X\n"+evil); return err },
			"keyword": func() error { _, err := c.Search(ctx, imap.Where().Keyword(imap.Flag(evil)), nil); return err },
			"use": func() error {
				return c.Create(ctx, "a", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttr(evil)}})
			},
		} {
			err := call()
			require.Error(t, err, "%s %q", name, evil)
			assert.True(t, imap.SafeToRetry(err), "%s %q: %v", name, evil, err)
			if len(evil) > 3 {
				assert.NotContains(t, err.Error(), evil)
			}
		}
	}
	for _, atom := range []imap.Atom{"a\r\nb", "a\x00", "x {3}", "x {3+}", "x ~{3}"} {
		_, err := c.Do(ctx, "X", atom)
		assert.Error(t, err, "%q", atom)
	}
	require.NoError(t, c.Noop(ctx))
}

func TestNUL(t *testing.T) {
	c := testkit.LoggedIn(t, "C: $ NOOP\nS: $ OK\n")
	ctx := t.Context()
	assert.Error(t, c.Create(ctx, "a\x00b", nil))
	_, err := c.ID(ctx, map[string]string{"a": "\x00"})
	assert.Error(t, err)
	assert.Error(t, c.Create(ctx, "a\xffb", nil), "not UTF-8")
	require.NoError(t, c.Noop(ctx), "nothing else was sent")
}

func TestGreetings(t *testing.T) {
	for name, greeting := range map[string]string{
		"BYE":     "* BYE [ALERT] too many connections",
		"no IMAP": "HTTP/1.1 400 Bad Request",
		"invalid": "* INVALID",
		"IceWarp": " NO LOGOUT Intrusion prevention active",
	} {
		t.Run(name, func(t *testing.T) {
			conn := imaptest.DialScript(t, "S: "+greeting+"\n")
			_, err := imap.NewClient(t.Context(), conn, nil)
			require.Error(t, err)
			assert.True(t, imap.SafeToRetry(err))
			if e, ok := errors.AsType[*imap.Error](err); ok {
				assert.Contains(t, e.Text+string(e.Code), map[string]string{"BYE": "too many", "IceWarp": "Intrusion"}[name])
			}
		})
	}
}

func TestBYE(t *testing.T) {
	c := testkit.LoggedIn(t, `
		C: $ NOOP
		S: * BYE [UNAVAILABLE] going down
	`)
	err := c.Noop(t.Context())
	e, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok)
	assert.Equal(t, &imap.Error{Command: "NOOP", Status: "BYE", Code: "UNAVAILABLE", Text: "going down"}, e)
	assert.ErrorIs(t, err, imap.ErrClosed)
	err = c.Noop(t.Context())
	assert.ErrorIs(t, err, imap.ErrClosed)
	assert.True(t, imap.SafeToRetry(err))
}

func TestStates(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1] hi", "")
	_, err := c.Select(t.Context(), "a", nil)
	e, ok := errors.AsType[*imap.StateError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.NotAuthenticated, e.State)
	c = testkit.LoggedIn(t, "")
	_, err = c.Search(t.Context(), imap.Where(), nil)
	_, ok = errors.AsType[*imap.StateError](err)
	assert.True(t, ok, "%v", err)
	_, ok = errors.AsType[*imap.StateError](c.Login(t.Context(), "a", "b"))
	assert.True(t, ok)
}

// TestEmptySets: a call with an empty set sends nothing.
func TestEmptySets(t *testing.T) {
	c := testkit.Selected(t, "")
	ctx := t.Context()
	_, err := imap.Collect(c.Fetch(ctx, imap.UIDSet{}))
	assert.NoError(t, err)
	_, err = c.Store(ctx, imap.UIDSet{}, imap.AddFlags("x"), nil)
	assert.NoError(t, err)
	res, err := c.Copy(ctx, imap.SeqSet{}, "b")
	assert.NoError(t, err)
	assert.NotNil(t, res)
	_, err = c.Move(ctx, imap.SeqSet(nil), "b")
	assert.NoError(t, err)
	_, err = c.UIDExpunge(ctx, nil)
	assert.NoError(t, err)
	_, err = c.Store(ctx, nil, imap.AddFlags("x"), nil)
	assert.Error(t, err, "a nil NumSet is no set")
}

// TestResponseWhenFull: the number of names that LastData knows is limited, and data under a known name stays the latest.
func TestResponseWhenFull(t *testing.T) {
	var script strings.Builder
	script.WriteString("C: $ NOOP\nS: * FLAGS (\\Seen)\n")
	for i := range 300 {
		fmt.Fprintf(&script, "S: * X-NAME%d value %d\n", i, i)
	}
	script.WriteString("S: * FLAGS (\\Seen \\Flagged)\nS: $ OK done\n")
	c := testkit.Selected(t, script.String())
	require.NoError(t, c.Noop(t.Context()))
	for name, want := range map[string]string{"flags": `(\Seen \Flagged)`, "X-NAME7": "value 7"} {
		said, ok := c.LastData(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, said, name)
	}
	_, ok := c.LastData("X-NAME299")
	assert.False(t, ok)
}

func TestMain(m *testing.M) { testkit.Main(m) }
