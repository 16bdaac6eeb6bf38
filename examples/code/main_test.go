package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-imaplib/imap/imaptest"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	require.Equal(t, "483920\n", out.String())
}

// TestStopped has codes come while the program does not run.
func TestStopped(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "password")
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{From: "bank@example.org", Subject: "Your old code 1111"})
	args := []string{"-addr", srv.Addr(), "-insecure", "-user", "user", "-from", "@example.org", "-state", filepath.Join(t.TempDir(), "state")}
	wait := func() string {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), args, &out))
		return out.String()
	}
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
