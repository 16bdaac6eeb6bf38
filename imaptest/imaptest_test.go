package imaptest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/stretchr/testify/require"
)

// dial connects in memory and logs in.
func dial(t testing.TB, srv *imaptest.Server) *imap.Client {
	t.Helper()
	c, err := connect(t, srv)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func connect(t testing.TB, srv *imaptest.Server) (*imap.Client, error) {
	conn, err := srv.Dial(t.Context())
	if err != nil {
		return nil, err
	}
	c, err := imap.NewClient(t.Context(), conn, nil)
	if err != nil {
		return nil, err
	}
	if err := c.Login(t.Context(), "user", "password"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func TestMessages(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.eml"), []byte("Subject: from a file\n\nhello\n"), 0o600))
	srv := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{
		"INBOX": imaptest.Files(t, filepath.Join(dir, "*.eml")),
		"Größe": {{Raw: []byte("Subject: raw\r\n\r\nx\r\n"), Flags: []string{`\Seen`}}},
	}})
	c := dial(t, srv)
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	m, err := c.FetchOne(t.Context(), 1, imap.Section{})
	require.NoError(t, err)
	require.Equal(t, "Subject: from a file\r\n\r\nhello\r\n", string(m.Section(imap.Section{})))
	require.Equal(t, []string{"Größe", "INBOX"}, srv.Mailboxes())
	got := srv.Messages("Größe")
	require.Len(t, got, 1)
	require.Equal(t, []string{`\Seen`}, got[0].Flags)
	require.Nil(t, srv.Messages("missing"))
	require.NotContains(t, srv.Mailboxes(), "missing", "looking makes no mailbox")
}

// TestBuilder reads what the builder made with the standard library.
func TestBuilder(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{
		From: "Grüße <a@example.org>", To: "b@example.org, C <c@example.org>", Subject: "Käse\r\nBcc: evil@example.org",
		Header: map[string]string{"Message-ID": "<1@example.org>\r\nX-Evil: yes"},
		Date:   time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
		Text:   "first\n--part\nlast é", HTML: "<b>é</b>",
		Attachments: []imaptest.Attachment{{Name: "ä b.txt", Type: "text/x-y", Data: bytes.Repeat([]byte("data"), 100)}},
	})
	raw := srv.Messages("INBOX")[0].Raw
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Empty(t, m.Header.Get("Bcc"))
	require.Empty(t, m.Header.Get("X-Evil"))
	from, err := m.Header.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, "Grüße", from[0].Name)
	require.Equal(t, "Tue, 03 Feb 2026 04:05:06 +0000", m.Header.Get("Date"))
	typ, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/mixed", typ)
	r := multipart.NewReader(m.Body, params["boundary"])
	alt, err := r.NextPart()
	require.NoError(t, err)
	typ, params, err = mime.ParseMediaType(alt.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", typ)
	inner := multipart.NewReader(alt, params["boundary"])
	p, err := inner.NextPart()
	require.NoError(t, err)
	b, err := io.ReadAll(p)
	require.NoError(t, err)
	require.Equal(t, "first\r\n--part\r\nlast é\r\n", string(b))
	att, err := r.NextPart()
	require.NoError(t, err)
	require.Equal(t, "ä b.txt", att.FileName())
	_, err = r.NextPart()
	require.ErrorIs(t, err, io.EOF)
}

func TestOtherClient(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	uid := srv.Deliver("INBOX", imaptest.Message{Subject: "one"})
	c := dial(t, srv)
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	srv.SetFlags("INBOX", uid, `\Flagged`)
	srv.Deliver("INBOX", imaptest.Message{Subject: "two"})
	srv.Expunge("INBOX", uid)
	require.NoError(t, c.Noop(t.Context()))
	var kinds []string
	for _, e := range c.Events() {
		kinds = append(kinds, fmt.Sprintf("%T", e))
	}
	require.Contains(t, kinds, "*imap.ExistsEvent")
	require.Contains(t, kinds, "*imap.ExpungeEvent")
	before := c.Mailbox().UIDValidity
	srv.ResetUIDs("INBOX")
	require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	c = dial(t, srv)
	mb, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	require.NotEqual(t, before, mb.UIDValidity)
	require.EqualValues(t, 2, mb.UIDNext)
}

func TestTransports(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{RequireTLS: true})
	opts := &imap.Options{TLSConfig: srv.TLSConfig()}
	viaDialer := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv}
	for name, open := range map[string]func() (*imap.Client, error){
		"TLS":         func() (*imap.Client, error) { return imap.DialTLS(t.Context(), srv.TLSAddr(), opts) },
		"STARTTLS":    func() (*imap.Client, error) { return imap.DialStartTLS(t.Context(), srv.Addr(), opts) },
		"dialer":      func() (*imap.Client, error) { return imap.DialTLS(t.Context(), "imap.example.org", viaDialer) },
		"dialer, 143": func() (*imap.Client, error) { return imap.DialStartTLS(t.Context(), "imap.example.org", viaDialer) },
	} {
		c, err := open()
		require.NoError(t, err, name)
		require.NoError(t, c.AuthenticatePassword(t.Context(), "user", "password"), name)
		require.NoError(t, c.Close())
	}
	c, err := imap.DialInsecure(t.Context(), srv.Addr(), nil)
	require.NoError(t, err)
	require.ErrorIs(t, c.Login(t.Context(), "user", "password"), imap.ErrInsecure)
	c.Close()
}

func TestProfiles(t *testing.T) {
	for _, p := range []imaptest.Profile{imaptest.Gmail, imaptest.ExchangeOnline, imaptest.Dovecot, imaptest.Courier, imaptest.Yahoo, imaptest.ICloud} {
		t.Run(string(p), func(t *testing.T) {
			srv := imaptest.NewServer(t, &imaptest.Options{Profile: p, MaxConnections: 1})
			c := dial(t, srv)
			_, err := connect(t, srv)
			require.Error(t, err, "too many")
			srv.Deliver("INBOX", imaptest.Message{Subject: "x"})
			mb, err := c.Select(t.Context(), "inbox", nil)
			require.NoError(t, err)
			require.EqualValues(t, 1, mb.Exists)
			caps, err := c.Capability(t.Context())
			require.NoError(t, err)
			for name, have := range map[string]string{
				"IDLE": "Gmail Exchange Online Dovecot Courier iCloud", "MOVE": "Gmail Exchange Online Dovecot Yahoo", "ENABLE": "Gmail Dovecot Courier iCloud",
				"ESEARCH": "Gmail Dovecot iCloud", "QRESYNC": "Dovecot iCloud", "CONDSTORE": "Gmail Dovecot iCloud", "SPECIAL-USE": "Gmail Dovecot",
				"UIDPLUS":    "Gmail Exchange Online Dovecot Courier Yahoo iCloud",
				"X-GM-EXT-1": "Gmail", "XLIST": "Gmail", "LITERAL-": "Gmail", "CATENATE": "Dovecot iCloud", "CONTEXT=SEARCH": "Dovecot iCloud", "NOTIFY": "Dovecot",
			} {
				require.Equal(t, strings.Contains(have, string(p)), caps.Has(name), name)
			}
			if p == imaptest.Gmail {
				_, err := c.Store(t.Context(), imap.UIDs(1), imap.AddLabels("Trip"), nil)
				require.NoError(t, err)
				m, err := c.FetchOne(t.Context(), 1, imap.FetchGmailLabels)
				require.NoError(t, err)
				require.Equal(t, []string{"Trip"}, m.Gmail.Labels)
			}
			found, err := c.Search(t.Context(), imap.Where().Subject("nothing like this"), nil)
			require.NoError(t, err)
			require.Empty(t, found.UIDs)
			_, err = c.Search(t.Context(), imap.Where().Subject("x"), nil)
			require.NoError(t, err)
			boxes, err := c.List(t.Context(), "", "*", nil)
			require.NoError(t, err)
			require.Len(t, boxes, len(srv.Mailboxes()))
			for _, b := range boxes {
				if b.Name == "[Gmail]" {
					continue
				}
				_, err := c.Status(t.Context(), b.Name, imap.StatusMessages, imap.StatusUIDNext)
				require.NoError(t, err, b.Name)
			}
			err = c.Login(t.Context(), "user", "password")
			require.Error(t, err)
		})
	}
}

func TestCourierNames(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Profile: imaptest.Courier})
	c := dial(t, srv)
	require.Error(t, c.Create(t.Context(), "Archive", nil))
	require.NoError(t, c.Create(t.Context(), "INBOX.Archive.2026", nil))
	require.Contains(t, srv.Mailboxes(), "INBOX.Archive.2026")
	srv.Deliver("INBOX.Archive.2026", imaptest.Message{Subject: "x"})
	st, err := c.Status(t.Context(), "INBOX.Archive.2026", imap.StatusMessages)
	require.NoError(t, err)
	require.EqualValues(t, 1, *st.Messages)
}

func TestCaps(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Caps: []string{"MOVE", "X-NEW"}})
	c := dial(t, srv)
	require.True(t, c.Caps().Has("X-NEW"))
	require.True(t, c.Caps().Has("MOVE"))
	require.False(t, c.Caps().Has("IDLE"))
	_, err := c.Do(t.Context(), "NAMESPACE")
	var refused *imap.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "BAD", refused.Status)
	srv = imaptest.NewServer(t, &imaptest.Options{Without: []string{"IDLE"}})
	require.False(t, dial(t, srv).Caps().Has("IDLE"))
	require.True(t, dial(t, srv).Caps().Has("MOVE"))
}

func TestFaults(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	for range 20 {
		srv.Deliver("INBOX", imaptest.Message{Subject: "x", Text: strings.Repeat("long ", 50)})
	}
	c := dial(t, srv)
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)

	srv.Inject(imaptest.Fault{Command: "STORE", Skip: 1, Times: 2, Reply: "NO [OVERQUOTA] Full"})
	for i := range 4 {
		_, err = c.Store(t.Context(), imap.UIDs(1), imap.AddFlags(imap.FlagSeen), nil)
		require.Equal(t, i == 1 || i == 2, imap.CodeOf(err) == imap.CodeOverQuota, "%d %v", i, err)
	}
	remove := srv.Inject(imaptest.Fault{Command: "NOOP", Times: -1, Reply: "BAD What?"})
	require.Error(t, c.Noop(t.Context()))
	require.Error(t, c.Noop(t.Context()))
	remove()
	require.NoError(t, c.Noop(t.Context()))

	srv.Inject(imaptest.Fault{Command: "FETCH", Drop: true, After: 500})
	rows := 0
	for _, err = range c.Fetch(t.Context(), imap.SeqRange(1, 0), imap.FetchEnvelope) {
		if err == nil {
			rows++
		}
	}
	require.ErrorIs(t, err, imap.ErrClosed)
	require.Greater(t, rows, 0)
	require.Less(t, rows, 20)

	c = dial(t, srv)
	srv.Inject(imaptest.Fault{Reply: "BYE [UNAVAILABLE] Going down"})
	err = c.Noop(t.Context())
	require.ErrorIs(t, err, imap.ErrClosed)
	require.EqualValues(t, "UNAVAILABLE", imap.CodeOf(err))

	srv.Inject(imaptest.Fault{Command: "CONNECT", Reply: "BYE Too busy"})
	_, err = connect(t, srv)
	require.ErrorContains(t, err, "Too busy")
	srv.Inject(imaptest.Fault{Command: "CONNECT", Drop: true})
	_, err = connect(t, srv)
	require.Error(t, err)
	srv.Inject(imaptest.Fault{Command: "LOGIN", Reply: "NO [AUTHENTICATIONFAILED] No"})
	_, err = connect(t, srv)
	require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
	_, err = connect(t, srv)
	require.NoError(t, err)
}

// TestDroppedAnswer sees that a command whose answer is cut off was carried out.
func TestDroppedAnswer(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	c := dial(t, srv)
	srv.Inject(imaptest.Fault{Command: "CREATE", Drop: true})
	require.ErrorIs(t, c.Create(t.Context(), "New", nil), imap.ErrClosed)
	require.Contains(t, srv.Mailboxes(), "New")
}

// TestTime runs in a bubble: delays and stalls cost no time, and nothing is left running.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t, nil)
		c := dial(t, srv)
		srv.Inject(imaptest.Fault{Command: "NOOP", Delay: time.Minute})
		begin := time.Now()
		require.NoError(t, c.Noop(t.Context()))
		require.Equal(t, time.Minute, time.Since(begin))
		srv.Inject(imaptest.Fault{Command: "NOOP", Stall: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, c.Noop(ctx), os.ErrDeadlineExceeded, "the client's own timeout")
		require.Equal(t, 3*time.Minute, time.Since(begin))
	})
}

func TestRestart(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	addr := srv.Addr()
	c, err := imap.DialInsecure(t.Context(), addr, nil)
	require.NoError(t, err)
	require.NoError(t, c.Login(t.Context(), "user", "password"))
	srv.Deliver("INBOX", imaptest.Message{Subject: "kept"})
	srv.Stop()
	require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	_, err = srv.Dial(t.Context())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = imap.DialInsecure(t.Context(), addr, nil)
	require.Error(t, err)
	require.Zero(t, srv.Connections())
	srv.Restart()
	require.Equal(t, addr, srv.Addr())
	c, err = imap.DialInsecure(t.Context(), addr, nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Login(t.Context(), "user", "password"))
	require.Len(t, srv.Messages("INBOX"), 1)
	srv.DropConnections()
	require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
}

func TestTokens(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Users: map[string]string{"ada@example.org": "token-1"}})
	login := func(m func(user, token string) imap.Mechanism, token string) error {
		conn, err := srv.Dial(t.Context())
		require.NoError(t, err)
		c, err := imap.NewClient(t.Context(), conn, nil)
		require.NoError(t, err)
		defer c.Close()
		return c.Authenticate(t.Context(), m("ada@example.org", token))
	}
	for _, m := range []func(string, string) imap.Mechanism{imap.XOAuth2, imap.OAuthBearer} {
		srv.SetPassword("token-1")
		require.NoError(t, login(m, "token-1"))
		srv.SetPassword("token-2")
		err := login(m, "token-1")
		require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
		why, ok := errors.AsType[*imap.OAuthError](err)
		require.True(t, ok, "the answer to an expired token says so in JSON: %v", err)
		require.Equal(t, "400", why.Status)
		require.NoError(t, login(m, "token-2"))
	}
}

func TestTranscript(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	c := dial(t, srv)
	require.NoError(t, c.Create(t.Context(), "Ablage & Co", nil))
	require.NoError(t, c.Noop(t.Context()))
	commands := srv.Commands()
	require.Equal(t, "NOOP", commands[len(commands)-1])
	require.True(t, slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(c, "LOGIN ") }))
	text := srv.Transcript()
	require.True(t, strings.HasPrefix(text, "1 S: * OK "), text)
	require.Contains(t, text, "NOOP completed\n")
	require.Contains(t, text, `CREATE "Ablage &- Co"`)
}

func TestScript(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	srv.Script(`
		S: * OK ready
		C: $ CAPABILITY
		S: * CAPABILITY IMAP4rev1
		S: $ OK done
		C: $ LOGIN user "password"
		S: $ NO [UNAVAILABLE] Later
		CLOSE
	`)
	_, err := connect(t, srv)
	require.EqualValues(t, "UNAVAILABLE", imap.CodeOf(err))
	dial(t, srv) // the next one is no script
	require.Contains(t, srv.Transcript(), "1 S: * CAPABILITY IMAP4rev1\n")
}

func TestContext(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err := srv.Dial(ctx)
	require.EqualError(t, err, "enough")
}

func TestUsers(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Users: map[string]string{"zoe": "z", "ada": "a"}})
	srv.Deliver("INBOX", imaptest.Message{Subject: "to ada"})
	srv.User("zoe").Deliver("INBOX", imaptest.Message{Subject: "to zoe"})
	require.Contains(t, string(srv.User("ada").Messages("INBOX")[0].Raw), "to ada")
	require.Contains(t, string(srv.User("zoe").Messages("INBOX")[0].Raw), "to zoe")
}

// fakeTB records failures.
type fakeTB struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (f *fakeTB) Helper() {}
func (f *fakeTB) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}
func (f *fakeTB) Logf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}
func (f *fakeTB) Failed() bool     { return len(f.failures) > 0 }
func (f *fakeTB) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

// TestMisuse: mistakes of a test have helpful errors.
func TestMisuse(t *testing.T) {
	tb := &fakeTB{}
	srv := imaptest.NewServer(tb, nil)
	srv.SetFlags("INBOX", 7, `\Seen`)
	srv.Expunge("INBOX", 8)
	dial(t, srv)
	srv.Script("S: * OK hi\nC: $ NOOP")
	_, err := connect(t, srv)
	require.Error(t, err)
	tb.cleanups[0]()
	require.Len(t, tb.failures, 4, "%q", tb.failures)
	require.Contains(t, tb.failures[2], `client sent`)
	require.Contains(t, tb.failures[3], "* OK imaptest ready")
	require.Panics(t, func() { imaptest.NewServer(nil, nil).Expunge("INBOX", 1) })
}
