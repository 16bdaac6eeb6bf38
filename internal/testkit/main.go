package testkit

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap/internal/realserver"
)

// Main runs the tests of a package in the root of the module, so that file names are relative to the repository, and stops
// the servers that the tests started. It is called by TestMain.
func Main(m *testing.M) {
	if err := enterRoot(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := logRoot(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
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

// logRoot records the root in the log of the files that the tests opened, by which go test decides whether a cached result
// is valid. A change of directory before m.Run is not in it, so that "testdata" would be looked for in the directory of the
// package, and a change of it would never be noticed.
func logRoot() error {
	name := flag.Lookup("test.testlogfile").Value.String()
	if name == "" {
		return nil // the result is not cached
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no test ran: -list
	}
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	const head = "# test log\n"
	opened, ok := bytes.CutPrefix(text, []byte(head))
	if !ok {
		return fmt.Errorf("testkit: %s does not begin with %q", name, head)
	}
	return os.WriteFile(name, append([]byte(head+"chdir "+root+"\n"), opened...), 0o600)
}
