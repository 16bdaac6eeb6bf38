package imap_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIsTransient tells "try again" from "give up".
func TestIsTransient(t *testing.T) {
	no := func(command string, code imap.Code, text string) error {
		return &imap.Error{Command: command, Status: "NO", Code: code, Text: text}
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{no("LOGIN", "", "Login failed."), false},
		{no("LOGIN", "", "[LOGIN-FAILED] Bad password"), false},
		{no("AUTHENTICATE", imap.CodeAuthenticationFailed, "Authentication failed."), false},
		{no("LOGIN", imap.CodeExpired, "password too old, temporary"), false},
		{no("LOGIN", imap.CodeUnavailable, "Temporary authentication failure."), true},
		{no("LOGIN", imap.CodeLimit, "LOGIN Rate limit hit."), true},
		{no("LOGIN", imap.CodeInUse, "busy"), true},
		{no("LOGIN", imap.CodeAlert, "Too many simultaneous connections. (Failure)"), true},
		{no("LOGIN", "", "Maximum number of connections from user+IP exceeded"), true},
		{no("FETCH", "", "Request is throttled. Suggested Backoff Time: 92415 milliseconds"), true},
		{no("SELECT", imap.CodeNonExistent, "no such mailbox"), false},
		{no("APPEND", imap.CodeOverQuota, "full"), false},
		{&imap.Error{Command: "SELECT", Status: "BAD", Text: "User is authenticated but not connected."}, true},
		{&imap.Error{Command: "FETCH", Status: "BAD", Text: "syntax"}, false},
		{&imap.Error{Status: "BYE", Text: "Server shutting down."}, true},
		{&imap.Error{Status: "BYE", Code: imap.CodeUnavailable, Text: "down"}, true},
		{&imap.Error{Status: "BYE", Code: imap.CodeAuthenticationFailed, Text: "who?"}, false},
		{imap.ErrClosed, true},
		{fmt.Errorf("x: %w", imap.ErrBusy), true},
		{imap.ErrReadOnly, false},
		{imap.ErrInsecure, false},
		{imap.ErrNoMessage, false},
		{&imap.CapabilityError{Name: "MOVE"}, false},
		{&imap.StateError{Command: "FETCH"}, false},
		{&imap.LimitError{Name: "MaxLine"}, false},
		{&imap.ProtocolError{}, false},
		{&imap.ServiceError{Service: "SMTP"}, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, true},
		{os.ErrDeadlineExceeded, true},
		{io.ErrUnexpectedEOF, true},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port"}}, false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, false},
		{tls.RecordHeaderError{Msg: "x"}, false},
		{errors.New("something else"), false},
	} {
		assert.Equal(t, tt.want, imap.IsTransient(tt.err), "%v", tt.err)
		if tt.err != nil {
			assert.Equal(t, tt.want, imap.IsTransient(fmt.Errorf("wrapped: %w", tt.err)), "%v", tt.err)
		}
	}
}

// TestIsTransientLive tells a refused login from a line that is lost, on every server.
func TestIsTransientLive(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Err())
		require.NoError(t, c.NetConn().Close())
		err := c.Noop(testkit.Context(t))
		require.Error(t, err)
		assert.True(t, imap.IsTransient(err), "%v", err)
		require.ErrorIs(t, c.Err(), imap.ErrClosed)
		assert.True(t, imap.IsTransient(c.Err()))
	})
}

func TestWaitBackoff(t *testing.T) {
	throttled := &imap.Error{Status: "NO", Text: "Request is throttled. Suggested Backoff Time: 5000 milliseconds"}
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			err  error
			most time.Duration
			want time.Duration
		}{
			{throttled, time.Minute, 5 * time.Second},
			{throttled, time.Second, time.Second},
			{throttled, 0, 0},
			{&imap.Error{Status: "NO", Text: "no"}, time.Minute, 0},
			{imap.ErrClosed, time.Minute, 0},
			{nil, time.Minute, 0},
		} {
			start := time.Now()
			require.NoError(t, imap.WaitBackoff(t.Context(), tt.err, tt.most))
			assert.Equal(t, tt.want, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, imap.WaitBackoff(ctx, throttled, time.Minute), context.DeadlineExceeded)
		require.ErrorIs(t, imap.WaitBackoff(ctx, nil, time.Minute), context.DeadlineExceeded)
	})
}

func TestLiteralText(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"a":                 "a\r\n",
		"a\n":               "a\r\n",
		"a\r\n":             "a\r\n",
		"a\r":               "a\r\n",
		"a\nb\rc\r\nd":      "a\r\nb\r\nc\r\nd\r\n",
		"\n\r":              "\r\n\r\n",
		"\r\r\n\n":          "\r\n\r\n\r\n",
		"a: b\n\nc\x00\xff": "a: b\r\n\r\nc\x00\xff\r\n",
	} {
		l := imap.LiteralText([]byte(in))
		assert.EqualValues(t, len(want), l.Size, "%q", in)
	}
	everywhere(t, func(t *testing.T, c *imap.Client) {
		_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralText([]byte("Subject: a\n\nb\nc")), nil)
		require.NoError(t, err)
		open(t, c, "INBOX")
		got := fetch(t, c, 1, 0, imap.Section{})
		require.Len(t, got, 1)
		assert.Equal(t, "Subject: a\r\n\r\nb\r\nc\r\n", string(got[0].Section(imap.Section{})))
	})
}

// TestOptionsID sends ID by itself behind each login, and takes a refusal.
func TestOptionsID(t *testing.T) {
	opts := &imap.Options{AllowInsecureAuth: true, ID: map[string]string{"name": "test", "version": "1"}}
	c := testkit.FollowWith(t, opts, `
S: * OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] hello
C: $ LOGIN user "password"
S: $ OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] done
C: $ ID ("name" "test" "version" "1")
S: * ID ("name" "server")
S: $ OK done
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE
S: $ OK done
C: $ AUTHENTICATE PLAIN AHVzZXIAcGFzc3dvcmQ=
S: * CAPABILITY IMAP4rev1 ID UNAUTHENTICATE
S: $ OK done
C: $ ID ("name" "test" "version" "1")
S: $ NO we do not care
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ LOGIN user "password"
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ NOOP
S: $ OK done
`)
	opts.ID["name"] = "changed" // it was copied
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.LoginPlain(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Noop(ctx))
}

// TestAuthenticateToken asks for a token at each login and tells why one is refused.
func TestAuthenticateToken(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{AllowInsecureAuth: true}, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] hello
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMQEB
S: + eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==
C+: \r\n
S: $ NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMgEB
S: $ OK [CAPABILITY IMAP4rev1] done
C: $ NOOP
S: $ OK done
`)
	ctx := testkit.Context(t)
	asked := 0
	source := func(context.Context) (string, error) {
		asked++
		return fmt.Sprintf("token-%d", asked), nil
	}
	broken := errors.New("no refresh token")
	err := c.AuthenticateToken(ctx, "ada", func(context.Context) (string, error) { return "", broken })
	require.ErrorIs(t, err, broken)
	assert.True(t, imap.SafeToRetry(err))
	require.Error(t, c.AuthenticateToken(ctx, "ada", nil))
	err = c.AuthenticateToken(ctx, "ada", source)
	why, ok := errors.AsType[*imap.OAuthError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.OAuthError{Mechanism: "XOAUTH2", Status: "401", Schemes: "bearer", Scope: "https://mail.google.com/"}, why)
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
	assert.False(t, imap.IsTransient(err))
	require.NoError(t, c.AuthenticateToken(ctx, "ada", source))
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, 2, asked)

	c = testkit.FollowText(t, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER] hello
`)
	require.ErrorIs(t, c.AuthenticateToken(ctx, "ada", source), imap.ErrInsecure)
	assert.Equal(t, 2, asked, "nothing is asked for what cannot be sent")
}

// TestFetchOneMissing: no message is an error, so that the obvious program does not use nil.
func TestFetchOneMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		deliver(t, c, small)
		m, err := c.FetchOne(testkit.Context(t), 999, imap.FetchFlags)
		require.ErrorIs(t, err, imap.ErrNoMessage)
		assert.Nil(t, m)
		m, err = c.FetchOne(testkit.Context(t), 1, imap.FetchFlags)
		require.NoError(t, err)
		assert.EqualValues(t, 1, m.UID)
	})
}

// TestErrAndBye: the end of a connection is known without a command, with the server's words.
func TestErrAndBye(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Err())
		assert.Nil(t, c.Bye())
		require.NoError(t, c.Logout(testkit.Context(t)))
		require.ErrorIs(t, c.Err(), imap.ErrClosed)
		if bye := c.Bye(); assert.NotNil(t, bye) {
			assert.Equal(t, "BYE", bye.Status)
			assert.NotEmpty(t, bye.Text)
		}
	})
	c := testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nS: * BYE [UNAVAILABLE] maintenance\nCLOSE\n")
	err := c.Noop(testkit.Context(t))
	require.Error(t, err)
	require.ErrorIs(t, c.Err(), imap.ErrClosed)
	assert.Contains(t, c.Err().Error(), "maintenance")
	assert.Equal(t, imap.CodeUnavailable, c.Bye().Code)
	c = testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nCLOSE\n")
	require.Error(t, c.Noop(testkit.Context(t)))
	require.ErrorIs(t, c.Err(), imap.ErrClosed)
	require.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	assert.Nil(t, c.Bye())
	c = testkit.FollowText(t, "S: * PREAUTH hello\n")
	require.NoError(t, c.Close())
	assert.Equal(t, imap.ErrClosed, c.Err())
}

// TestInfoEvent: what a server says for information reaches those who listen.
func TestInfoEvent(t *testing.T) {
	c := testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nS: * OK Still here\nS: * OK [X-NEW a code that is not whole\nS: $ OK done\n")
	c.Events()
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Equal(t, []imap.Event{&imap.InfoEvent{Text: "Still here"}}, c.Events())
}

// TestEmptyMailboxName: a variable that was not set names no mailbox.
func TestEmptyMailboxName(t *testing.T) {
	c := testkit.Offering(t, "MOVE UIDPLUS ACL QUOTA", "C: $ EXAMINE INBOX\nS: $ OK [READ-WRITE] done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Examine(ctx, "INBOX", nil)
	require.NoError(t, err)
	for name, call := range map[string]func() error{
		"Append":      func() error { return errOf(c.Append(ctx, "", imap.LiteralString("x"), nil)) },
		"Select":      func() error { return errOf(c.Select(ctx, "", nil)) },
		"Create":      func() error { return c.Create(ctx, "", nil) },
		"Delete":      func() error { return c.Delete(ctx, "") },
		"Rename":      func() error { return c.Rename(ctx, "a", "") },
		"Rename from": func() error { return c.Rename(ctx, "", "a") },
		"Subscribe":   func() error { return c.Subscribe(ctx, "") },
		"Status":      func() error { return errOf(c.Status(ctx, "", imap.StatusMessages)) },
		"Copy":        func() error { return errOf(c.Copy(ctx, imap.UIDs(1), "")) },
		"Move":        func() error { return errOf(c.Move(ctx, imap.UIDs(1), "")) },
		"GetACL":      func() error { return errOf(c.GetACL(ctx, "")) },
		"raw":         func() error { return c.Delete(ctx, imap.RawMailbox("")) },
	} {
		err := call()
		require.ErrorContains(t, err, "an empty mailbox name", name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
}

func TestQueryOpposites(t *testing.T) {
	day := time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)
	for want, q := range map[string]imap.Query{
		"UNANSWERED":        imap.Where().Unanswered(),
		"UNFLAGGED":         imap.Where().Unflagged(),
		"UNDELETED":         imap.Where().Undeleted(),
		"UNDRAFT":           imap.Where().Undraft(),
		"UNKEYWORD $Junk":   imap.Where().Unkeyword("$Junk"),
		"UNSEEN":            imap.Where().Unkeyword(`\seen`),
		"OLD":               imap.Where().Unkeyword(imap.FlagRecent),
		"SENTON 4-Mar-2026": imap.Where().SentOn(day),
		"UID 1:3,7 UNSEEN":  imap.Where().UID(imap.UIDs(1, 2, 3, 7)).Unseen(),
		"NOT ALL":           imap.Where().UID(nil),
	} {
		c := testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\nC: $ UID SEARCH "+want+"\nS: * SEARCH\nS: $ OK done\n")
		_, err := c.Examine(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		_, err = c.Search(testkit.Context(t), q, nil)
		require.NoError(t, err, want)
	}
	c := testkit.Offering(t, "", "C: $ EXAMINE INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	_, err := c.Examine(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	require.Error(t, errOf(c.Search(testkit.Context(t), imap.Where().Unkeyword(`\*`), nil)))
	require.Error(t, errOf(c.Search(testkit.Context(t), imap.Where().Keyword(`\*`), nil)))
	require.Error(t, errOf(c.Search(testkit.Context(t), imap.Where().Unkeyword("a b"), nil)))
	testkit.RequireNothingSent(t, c)
}

// TestSearchSome has the first and the last hits, with PARTIAL and without.
func TestSearchSome(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		deliver(t, c, small, small, "Subject: other\r\n\r\nx\r\n", small, small)
		q := imap.Where().Subject("small")
		for _, tt := range []struct {
			opts imap.SearchOptions
			want string
		}{
			{imap.SearchOptions{First: 3}, "1:2,4"},
			{imap.SearchOptions{Last: 3}, "2,4:5"},
			{imap.SearchOptions{Last: 1}, "5"},
			{imap.SearchOptions{Last: 99}, "1:2,4:5"},
		} {
			res, err := c.Search(ctx, q, &tt.opts)
			require.NoError(t, err)
			assert.Equal(t, tt.want, res.UIDs.String())
			assert.EqualValues(t, 4, res.Count)
			res, err = c.SearchSeq(ctx, q, &tt.opts)
			require.NoError(t, err)
			assert.Equal(t, tt.want, res.Seqs.String())
		}
		none, err := c.Search(ctx, imap.Where().Subject("nothing"), &imap.SearchOptions{Last: 3})
		require.NoError(t, err)
		assert.Empty(t, none.UIDs)
		for _, bad := range []imap.SearchOptions{{First: 1, Last: 1}, {First: -1}, {Last: 2, PartialFrom: 1, PartialTo: 2}} {
			require.Error(t, errOf(c.Search(ctx, q, &bad)))
		}
	})
}

func TestParseAddressList(t *testing.T) {
	for in, want := range map[string][]imap.Address{
		"":                                  nil,
		" , ; ":                             nil,
		"ada@example.org":                   {{Mailbox: "ada", Host: "example.org"}},
		"Ada Lovelace <ada@example.org>":    {{Name: "Ada Lovelace", Mailbox: "ada", Host: "example.org"}},
		`"Lovelace, Ada" <ada@example.org>`: {{Name: "Lovelace, Ada", Mailbox: "ada", Host: "example.org"}},
		"a@x, B <b@y>,\r\n c@z (Cee (see))": {{Mailbox: "a", Host: "x"}, {Name: "B", Mailbox: "b", Host: "y"}, {Name: "Cee (see)", Mailbox: "c", Host: "z"}},
		"=?utf-8?q?Ad=C3=A1?= <a@x>":        {{Name: "Adá", Mailbox: "a", Host: "x"}},
		"Team: a@x, b@y;, c@z":              {{Mailbox: "a", Host: "x"}, {Mailbox: "b", Host: "y"}, {Mailbox: "c", Host: "z"}},
		"undisclosed-recipients:;":          nil,
		"<@a,@b:c@d>":                       {{Mailbox: "c", Host: "d"}},
		`"a b"@x`:                           {{Mailbox: "a b", Host: "x"}},
		`"say \"hi\"" <a@x>`:                {{Name: `say "hi"`, Mailbox: "a", Host: "x"}},
		"root":                              {{Mailbox: "root"}},
		"ada @ example . org":               {{Mailbox: "ada", Host: "example.org"}},
		"A. B. <a@x>":                       {{Name: "A. B.", Mailbox: "a", Host: "x"}},
		"<>":                                nil,
		`"open <a@x`:                        {{Mailbox: "open <a", Host: "x"}},
		"(open":                             nil,
		"a@x <":                             {{Mailbox: "a", Host: "x"}},
	} {
		assert.Equal(t, want, imap.ParseAddressList(in), "%q", in)
	}
	long := strings.Repeat("a@x,", 50_000)
	assert.Len(t, imap.ParseAddressList(long), 50_000)
	imap.ParseAddressList(strings.Repeat("(", 100_000))
	imap.ParseAddressList(strings.Repeat(`"\`, 100_000))
}

// TestPreviews has a preview of each message, also where the server has none.
func TestPreviews(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		deliver(t, c,
			"Subject: a\r\n\r\nHello,\r\n  world\r\n> quoted\r\nagain\r\n-- \r\nsignature\r\n",
			"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<html><head><title>T</title><STYLE>p{x}</STYLE></head><body><!-- c --><p>Fish &amp; <b>chi</b>ps</p><p>now</body></html>\r\n",
			"Subject: c\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
		got, err := imap.Collect(c.Previews(testkit.Context(t), imap.SeqRange(1, 0), imap.FetchEnvelope))
		require.NoError(t, err)
		require.Len(t, got, 3)
		assert.Contains(t, got[0].Preview, "Hello, world")
		if !c.Caps().Has("PREVIEW") { // else the server made it
			assert.Equal(t, "Hello, world again", got[0].Preview)
			assert.Equal(t, "Fish & chips now", got[1].Preview)
		}
		assert.Empty(t, got[2].Preview)
		assert.Equal(t, "c", got[2].Envelope.Subject)
	})
}

// rev2Client returns a client for which IMAP4rev2 is on after the login, if that is wanted.
func rev2Client(t *testing.T, rev2 bool) *imap.Client {
	srv := imaptest.New(t, &imaptest.Options{More: []string{"IMAP4REV2"}})
	opts := &imap.Options{AllowInsecureAuth: true}
	if rev2 {
		opts.Enable = []string{"IMAP4rev2", "X-NOT-OFFERED"}
	}
	c, err := imap.NewClient(testkit.Context(t), srv.Dial(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testkit.Context(t), "user", "password"))
	return c
}

// TestBothRevisions: the methods of the base protocol give the same in IMAP4rev1 and in IMAP4rev2.
func TestBothRevisions(t *testing.T) {
	for _, rev2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "rev1", true: "rev2"}[rev2], func(t *testing.T) {
			c, ctx := rev2Client(t, rev2), testkit.Context(t)
			assert.Equal(t, rev2, c.Enabled("IMAP4rev2"))
			const box = "Entwürfe & mehr"
			require.NoError(t, c.Create(ctx, box, nil))
			require.NoError(t, c.Subscribe(ctx, box))
			list, err := c.List(ctx, "", "E%", &imap.ListOptions{Subscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, box, list[0].Name)
			for range 3 {
				_, err := c.Append(ctx, box, imap.LiteralString("Subject: Gr\r\n\r\nhello\r\n"), &imap.AppendOptions{InternalDate: time.Unix(1e9, 0)})
				require.NoError(t, err)
			}
			mb, err := c.Select(ctx, box, nil)
			require.NoError(t, err)
			assert.Equal(t, box, mb.Name)
			assert.EqualValues(t, 3, mb.Exists)
			res, err := c.Search(ctx, imap.Where().Subject("gr").Not(imap.Where().Subject("ü")), nil)
			require.NoError(t, err)
			assert.Equal(t, "1:3", res.UIDs.String())
			seqs, err := c.SearchSeq(ctx, imap.Where().Seen(), nil)
			require.NoError(t, err)
			assert.Empty(t, seqs.Seqs)
			stored, err := c.Store(ctx, imap.UIDs(2), imap.AddFlags(imap.FlagDeleted), nil)
			require.NoError(t, err)
			assert.Len(t, stored.Messages, 1)
			got, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope, imap.FetchBodyStructure, imap.Section{}))
			require.NoError(t, err)
			assert.Len(t, got, 3)
			copied, err := c.Copy(ctx, imap.UIDs(1), "INBOX")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(1), copied.Source)
			gone, err := c.UIDExpunge(ctx, imap.UIDs(2))
			require.NoError(t, err)
			assert.Equal(t, []imap.SeqNum{2}, gone.SeqNums)
			_, err = c.Move(ctx, imap.UIDs(3), "INBOX")
			require.NoError(t, err)
			st, err := c.Status(ctx, "INBOX", imap.StatusMessages, imap.StatusSize, imap.StatusDeleted)
			require.NoError(t, err)
			assert.EqualValues(t, 2, *st.Messages)
			ns, err := c.Namespace(ctx)
			require.NoError(t, err)
			assert.Len(t, ns.Personal, 1)
			for range c.Idle(ctx, &imap.IdleOptions{For: time.Millisecond}) {
			}
			require.NoError(t, c.Unselect(ctx))
			require.NoError(t, c.Rename(ctx, box, "Ablage/ü"))
			require.NoError(t, c.Delete(ctx, "Ablage/ü"))
			assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(c.Delete(ctx, "Ablage/ü")))
			assert.Empty(t, unknownEvents(c))
		})
	}
}

// unknownEvents are the events that the client did not understand.
func unknownEvents(c *imap.Client) (list []imap.Event) {
	for _, ev := range c.Events() {
		if _, ok := ev.(*imap.UnknownEvent); ok {
			list = append(list, ev)
		}
	}
	return list
}

// TestEnableOption: what Options.Enable names is switched on at a login and on a connection that is logged in already, and
// left alone where the server does not offer it.
func TestEnableOption(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{Enable: []string{"IMAP4rev2", "UTF8=ACCEPT", "X"}}, `
		S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE IMAP4rev2] hello
		C: $ ENABLE IMAP4rev2
		S: * ENABLED IMAP4rev2
		S: $ OK done
		C: $ SELECT "Entwürfe"
		S: * 0 EXISTS
		S: $ OK done
	`)
	open(t, c, "Entwürfe")
	c = testkit.FollowWith(t, &imap.Options{Enable: []string{"IMAP4rev2"}}, `
		S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE] hello
		C: $ NOOP
		S: $ OK done
	`)
	require.NoError(t, c.Noop(testkit.Context(t)))
}
