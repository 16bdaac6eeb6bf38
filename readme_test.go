package imap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// TestQuickStart runs the quick start of README.md by the test that follows it there.
func TestQuickStart(t *testing.T) {
	blocks := strings.Split(testkit.ReadFile(t, "README.md"), "```go\n")
	require.GreaterOrEqual(t, len(blocks), 3)
	program, _, _ := strings.Cut(blocks[1], "```\n")
	test, _, _ := strings.Cut(blocks[2], "```\n")
	require.LessOrEqual(t, strings.Count(program, "\n"), 20, "a quick start is short")
	require.LessOrEqual(t, strings.Count(test, "\n"), 25, "and so is its test")

	dir := t.TempDir()
	files := map[string]string{
		"subjects.go": "package subjects\n\nimport (\n\t\"context\"\n\n\t\"github.com/go-imaplib/imap\"\n)\n\n" + program,
		"subjects_test.go": "package subjects\n\nimport (\n\t\"errors\"\n\t\"slices\"\n\t\"testing\"\n\n\t\"github.com/go-imaplib/imap\"\n" +
			"\t\"github.com/go-imaplib/imap/imaptest\"\n)\n\n" + test,
	}
	args := []string{"test"}
	for name, code := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600))
		args = append(args, filepath.Join(dir, name))
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestExamplesAreListed looks for each program below examples in README.md and in examples/README.md.
func TestExamplesAreListed(t *testing.T) {
	programs, err := filepath.Glob("examples/*/main.go")
	require.NoError(t, err)
	require.Greater(t, len(programs), 10)
	all, err := os.ReadFile("README.md")
	require.NoError(t, err)
	table, err := os.ReadFile("examples/README.md")
	require.NoError(t, err)
	for _, p := range programs {
		name := filepath.Base(filepath.Dir(p))
		require.Contains(t, string(all), "](examples/"+name+")")
		require.Contains(t, string(table), "| ["+name+"]("+name+")")
	}
}

// TestGoVersion: the pages name the Go release that go.mod does, and that go run needs a clone.
func TestGoVersion(t *testing.T) {
	_, rest, found := strings.Cut(testkit.ReadFile(t, "go.mod"), "\ngo ")
	require.True(t, found)
	version := strings.Join(strings.Split(strings.Fields(rest)[0], ".")[:2], ".")
	for _, page := range []string{"README.md", "examples/README.md"} {
		text := testkit.ReadFile(t, page)
		require.Contains(t, text, "Go "+version+" or newer", page)
		require.Contains(t, text, "`go run` needs a clone of the repository", page)
	}
}
