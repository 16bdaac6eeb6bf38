package account

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-imaplib/imap/imaptest"
)

// TestSecondAccount has flags with a prefix and a password of its own.
func TestSecondAccount(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Users: map[string]string{"ada": "one", "grace": "two"}})
	t.Setenv("IMAP_PASSWORD", "one")
	t.Setenv("IMAP_TO_PASSWORD", "two")
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	from, to := Login(fs, ""), Login(fs, "to-")
	require.NoError(t, fs.Parse([]string{"-addr", srv.Addr(), "-insecure", "-user", "ada", "-to-addr", srv.Addr(), "-to-insecure", "-to-user", "grace"}))
	for _, acc := range []*Account{from, to} {
		c, done, err := acc.Open(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.Noop(t.Context()))
		done()
	}

	fs = flag.NewFlagSet("test", flag.ContinueOnError)
	to = Login(fs, "to-")
	require.NoError(t, fs.Parse([]string{"-to-addr", "localhost:1"}))
	_, err := to.Start()
	require.EqualError(t, err, "-to-addr needs -to-user")
}

// TestMailboxes lists the mailboxes that can be opened, with and without NAMESPACE.
func TestMailboxes(t *testing.T) {
	for _, without := range [][]string{nil, {"NAMESPACE"}} {
		srv := imaptest.NewServer(t, &imaptest.Options{Without: without})
		srv.Create("Work/2026", "")
		srv.Create("Archive", "")
		t.Setenv("IMAP_PASSWORD", "password")
		fs := flag.NewFlagSet("test", flag.ContinueOnError)
		acc := Login(fs, "")
		require.NoError(t, fs.Parse([]string{"-addr", srv.Addr(), "-insecure", "-user", "user"}))
		c, done, err := acc.Open(t.Context())
		require.NoError(t, err)
		defer done()
		list, err := Mailboxes(t.Context(), c)
		require.NoError(t, err)
		var names []string
		for _, e := range list {
			names = append(names, e.Name)
		}
		require.Equal(t, []string{"Archive", "INBOX", "Work", "Work/2026"}, names)
	}
}
