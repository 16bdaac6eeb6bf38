package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/examples/internal/sample"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

const want = `     1   2026-02-02 09:00  Postmaster                303 B  Welcome
     2 * 2026-02-03 11:24  Jörg Müller              4.6 kB  Protokoll der Sitzung im März  [Protokoll März.pdf]
     3 * 2026-02-04 18:40  山田花子                      386 B  来週のお茶会について
     4 * 2026-02-05 07:15  Ирина Соколова            621 B  Билеты на поезд
     5 * 2026-02-06 21:03  Grace                    1.1 kB  Photos 📷 from the café  [café.png]
     6 * 2026-02-07 12:00  Grace                     698 B  Fwd: Invoice 2026-017  [invoice.eml]
     7 * 2026-02-08 10:10  账户服务                      364 B  您的验证码是 483920
INBOX: 7 messages, 6 unseen, 3 attachments, 8.1 kB
`

func TestSample(t *testing.T) {
	require.Equal(t, want, exampletest.Output(t, run))
}

// TestDovecot prints the same mailbox from a real server, over each way of connecting.
func TestDovecot(t *testing.T) {
	s := realserver.Get(t, "dovecot")
	user, password, err := s.NewUser()
	require.NoError(t, err)
	fill(t, s, user, password)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, s.AuthorityPEM(), 0o600))
	t.Setenv(account.PasswordVariable, password)
	for name, args := range map[string][]string{
		"insecure": {"-insecure", "-addr", s.Addr, "-user", user},
		"starttls": {"-starttls", "-ca", ca, "-addr", s.Addr, "-user", user},
		"tls":      {"-tls", "-ca", ca, "-addr", s.TLSAddr, "-user", user},
		"stream":   {"-stream", shell(s.StreamCommand(user))},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, want, exampletest.Output(t, run, args...)) })
	}
}

func TestWrongUse(t *testing.T) {
	for name, args := range map[string][]string{
		"two ways":       {"-tls", "-insecure", "-addr", "localhost:1", "-user", "u"},
		"no user":        {"-addr", "localhost:1"},
		"no mailbox":     {"-mailbox", "Nowhere"},
		"no server":      {"-insecure", "-addr", "127.0.0.1:1", "-user", "u"},
		"no certificate": {"-ca", "main.go", "-addr", "127.0.0.1:1", "-user", "u"},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, run(t.Context(), args, new(bytes.Buffer))) })
	}
}

// fill puts the sample messages into the mailbox of a real user.
func fill(t *testing.T, s *realserver.Server, user, password string) {
	c, err := imap.DialInsecure(t.Context(), s.Addr, nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Login(t.Context(), user, password))
	for _, m := range sample.Messages() {
		flags := imap.ParseFlags("(" + strings.Join(m.Flags, " ") + ")")
		_, err := c.Append(t.Context(), "INBOX", imap.LiteralBytes(m.Raw), &imap.AppendOptions{Flags: flags, InternalDate: m.Date})
		require.NoError(t, err)
	}
}

// TestMessageWithoutDate: the time at which the server received the message is shown.
func TestMessageWithoutDate(t *testing.T) {
	var out bytes.Buffer
	printMessage(&out, &imap.Message{UID: 7, Envelope: &imap.Envelope{Subject: "undated"}, InternalDate: time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC)})
	require.Contains(t, out.String(), "2026-02-03")
}
