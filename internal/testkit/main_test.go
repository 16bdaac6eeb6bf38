package testkit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestInRoot: file names in tests are relative to the repository.
func TestInRoot(t *testing.T) {
	_, err := os.ReadFile("testdata/api.txt")
	require.NoError(t, err)
}

// TestLogNamesRoot reads the log of TestInRoot as go test does before it uses a cached result: the opened file is found, so
// that a change of it is noticed.
func TestLogNamesRoot(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	run := func(flags ...string) {
		cmd := exec.Command(os.Args[0], append(flags, "-test.testlogfile="+log)...)
		cmd.Dir = "internal/testkit"
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run("-test.list=.")
	require.NoFileExists(t, log, "no test ran")
	run("-test.run=^TestInRoot$")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	root, err := os.Getwd()
	require.NoError(t, err)
	dir := filepath.Join(root, "internal/testkit")
	var opened []string
	for line := range strings.Lines(string(text)) {
		switch op, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); {
		case op == "chdir":
			dir = name
		case op == "open":
			opened = append(opened, filepath.Join(dir, name))
		}
	}
	require.Contains(t, opened, filepath.Join(root, "testdata/api.txt"))
}
