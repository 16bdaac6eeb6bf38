package query

import (
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// TestFlags compares the command that is sent with the flags.
func TestFlags(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	c, err := imap.DialInsecure(t.Context(), srv.Addr(), nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Login(t.Context(), "user", "password"))
	_, err = c.Examine(t.Context(), "INBOX", nil)
	require.NoError(t, err)

	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	q := Flags(fs)
	require.NoError(t, fs.Parse([]string{"-from", "a", "-to", "b", "-subject", "c", "-text", "d", "-since", "2026-01-31", "-before", "2026-02-28", "-unseen"}))
	_, err = c.Search(t.Context(), *q, nil)
	require.NoError(t, err)
	commands := srv.Commands()
	require.Equal(t, `UID SEARCH RETURN (ALL) FROM "a" TO "b" SUBJECT "c" TEXT "d" SINCE 31-Jan-2026 BEFORE 28-Feb-2026 UNSEEN`, commands[len(commands)-1])
	require.Error(t, fs.Parse([]string{"-since", "yesterday"}))
}
