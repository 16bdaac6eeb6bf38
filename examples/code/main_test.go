package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	require.Equal(t, "483920\n", exampletest.Output(t, run))
}

// TestStopped delivers codes while the program does not run.
func TestStopped(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "password")
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{From: "bank@example.org", Subject: "Your old code 1111"})
	args := []string{"-addr", srv.Addr(), "-insecure", "-user", "user", "-from", "@example.org", "-state", filepath.Join(t.TempDir(), "state")}
	wait := func() string { return exampletest.Output(t, run, args...) }
	srv.Inject(imaptest.Fault{Command: "AUTHENTICATE", Skip: 1, Reply: "NO [UNAVAILABLE] Later"})
	done := make(chan string, 1)
	go func() { done <- wait() }()
	for !slices.Contains(srv.Commands(), "IDLE") {
		select {
		case got := <-done:
			t.Fatalf("it ended with %q", got)
		case <-time.After(time.Millisecond):
		}
	}
	srv.Deliver("INBOX", imaptest.Message{From: "other@example.com", Subject: "Your code 2222"})
	srv.Deliver("INBOX", imaptest.Message{From: "bank@example.org", Subject: "Your code 3333"})
	require.Equal(t, "3333\n", <-done)
	srv.Deliver("INBOX", imaptest.Message{From: "bank@example.org", Subject: "Your code 4444"})
	srv.Deliver("INBOX", imaptest.Message{From: "bank@example.org", Subject: "Your code 5555"})
	require.Equal(t, "4444\n", wait())
	require.Equal(t, "5555\n", wait())
}

// TestDovecot is TestStopped on a real server.
func TestDovecot(t *testing.T) {
	u := exampletest.NewUser(t, "dovecot")
	deliver := func(code string) {
		_, err := u.Append(t.Context(), "INBOX", imap.LiteralString("From: bank@example.org\r\nSubject: Your code "+code+"\r\n\r\n"), nil)
		require.NoError(t, err)
	}
	state := filepath.Join(t.TempDir(), "state")
	args := append(u.Args, "-state", state)
	wait := func() string { return exampletest.Output(t, run, args...) }
	deliver("1111")
	done := make(chan string, 1)
	go func() { done <- wait() }()
	for {
		if _, err := os.Stat(state); err == nil {
			break // it has looked at what there is
		}
		select {
		case got := <-done:
			t.Fatalf("it ended with %q", got)
		case <-time.After(time.Millisecond):
		}
	}
	deliver("2222")
	require.Equal(t, "2222\n", <-done)
	deliver("3333")
	deliver("4444")
	require.Equal(t, "3333\n", wait())
	require.Equal(t, "4444\n", wait())
}
