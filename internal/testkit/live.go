package testkit

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// Open selects a mailbox.
func Open(t *testing.T, c *imap.Client, mailbox string) {
	t.Helper()
	_, err := c.Select(Context(t), mailbox, nil)
	require.NoError(t, err)
}

// Fetch collects the result of a FETCH of a range of UIDs.
func Fetch(t *testing.T, c *imap.Client, from, to imap.UID, items ...imap.FetchItem) []*imap.Message {
	t.Helper()
	got, err := imap.Collect(c.Fetch(Context(t), imap.UIDRange(from, to), items...))
	require.NoError(t, err)
	return got
}

// LoginAs connects to a real server and logs in.
func LoginAs(t *testing.T, s *realserver.Server, user, password string) *imap.Client {
	t.Helper()
	c := Connect(t, s.Addr, nil)
	require.NoError(t, c.Login(Context(t), user, password))
	return c
}

// Place is a server for a test of an extension, with a user whose mailboxes are empty.
type Place struct {
	Name   string
	User   string
	Prefix string // prefix of the names of new mailboxes
	Again  func(t *testing.T) *imap.Client
	With   func(t *testing.T, opts *imap.Options) *imap.Client // like Again, with options

	Server   *realserver.Server // nil in memory
	Password string
}

// InMemory returns a client of a new in-memory server.
func InMemory(t *testing.T) (*imap.Client, Place) {
	t.Helper()
	server := imaptest.New(t, &imaptest.Options{PreAuth: "user", GreetingCaps: true, More: imaptest.MoreCaps})
	with := func(t *testing.T, opts *imap.Options) *imap.Client {
		c, err := imap.NewClient(Context(t), server.Dial(), opts)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	again := func(t *testing.T) *imap.Client { return with(t, nil) }
	return again(t), Place{Name: "imaptest", User: "user", Again: again, With: with, Password: "password"}
}

// OnServer returns a client of a real server, logged in as a new user.
func OnServer(t *testing.T, s *realserver.Server) (*imap.Client, Place) {
	t.Helper()
	user, password, err := s.NewUser()
	require.NoError(t, err)
	return PlaceOf(t, s, s.Addr, user, password)
}

// PlaceOf returns a client for a user of a real server, connected to one of its listeners.
func PlaceOf(t *testing.T, s *realserver.Server, addr, user, password string) (*imap.Client, Place) {
	t.Helper()
	with := func(t *testing.T, opts *imap.Options) *imap.Client {
		t.Helper()
		c := Connect(t, addr, opts)
		if addr == s.StrictAddr {
			require.NoError(t, c.StartTLS(Context(t), s.ClientTLS()))
		}
		require.NoError(t, c.Login(Context(t), user, password))
		return c
	}
	again := func(t *testing.T) *imap.Client { return with(t, nil) }
	return again(t), Place{Name: s.Name, User: user, Prefix: s.Prefix, Again: again, With: with, Server: s, Password: password}
}

// Connect connects without TLS, and does not log in.
func Connect(t *testing.T, addr string, opts *imap.Options) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(Context(t), addr, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// Deliver stores messages in INBOX and opens it.
func Deliver(t *testing.T, c *imap.Client, messages ...string) {
	t.Helper()
	for _, text := range messages {
		_, err := c.Append(Context(t), "INBOX", imap.LiteralString(text), nil)
		require.NoError(t, err)
	}
	Open(t, c, "INBOX")
}

// Small is a small message.
const Small = "From: a@example.org\r\nSubject: small\r\n\r\nhello\r\n"

// Everywhere runs a test on the in-memory server and on each real one, whatever extensions they offer.
func Everywhere(t *testing.T, test func(t *testing.T, c *imap.Client)) {
	t.Run("imaptest", func(t *testing.T) {
		c, _ := InMemory(t)
		test(t, c)
	})
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			c, _ := OnServer(t, realserver.Get(t, name))
			_, err := c.Capability(Context(t))
			require.NoError(t, err)
			test(t, c)
		})
	}
}
