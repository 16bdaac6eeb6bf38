package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap/internal/realserver"
)

// Main runs the tests of a package in the root of the module, so that a test names a file as the repository does, and
// ends the servers that the tests started. It is called by TestMain.
func Main(m *testing.M) {
	if err := enterRoot(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := realserver.StopAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// enterRoot changes to the directory of go.mod.
func enterRoot() error {
	for {
		if _, err := os.Stat("go.mod"); err == nil {
			return nil
		}
		dir, err := os.Getwd()
		if err != nil || dir == filepath.Dir(dir) {
			return fmt.Errorf("testkit: no go.mod above %s", dir)
		}
		if err := os.Chdir(".."); err != nil {
			return err
		}
	}
}
