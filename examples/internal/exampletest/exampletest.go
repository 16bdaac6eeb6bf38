// Package exampletest has what the tests of the examples share.
package exampletest

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// Output runs an example with arguments and returns what it prints.
func Output(t *testing.T, run func(ctx context.Context, args []string, out io.Writer) error, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out))
	return out.String()
}

// Login returns a client that is logged in, for as long as the test runs.
func Login(t *testing.T, addr, user, password string) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(t.Context(), addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(t.Context(), user, password))
	return c
}

// User is a new user of a real server.
type User struct {
	*imap.Client // logged in

	Server         *realserver.Server
	Name, Password string
	Args           []string // with which an example logs in as the user
}

// NewUser makes a user of a real server. The password is in the environment, where the examples look for it.
func NewUser(t *testing.T, server string) *User {
	t.Helper()
	s := realserver.Get(t, server)
	name, password, err := s.NewUser()
	require.NoError(t, err)
	t.Setenv(account.PasswordVariable, password)
	return &User{Login(t, s.Addr, name, password), s, name, password, []string{"-addr", s.Addr, "-insecure", "-user", name}}
}

// Fill stores messages in INBOX, with the dates that the in-memory server gives them.
func (u *User) Fill(t *testing.T, messages []imaptest.Message) {
	t.Helper()
	double := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{"INBOX": messages}})
	for _, m := range double.Messages("INBOX") {
		_, err := u.Append(t.Context(), "INBOX", imap.LiteralBytes(m.Raw), &imap.AppendOptions{InternalDate: m.Received})
		require.NoError(t, err)
	}
}
