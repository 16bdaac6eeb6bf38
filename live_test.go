package imap_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-imaplib/imap/internal/realserver"
)

// TestMain ends the servers that the live tests started.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := realserver.StopAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
