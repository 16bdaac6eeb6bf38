package imap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQuickStart compiles the quick start of README.md.
func TestQuickStart(t *testing.T) {
	_, code, found := strings.Cut(readFile(t, "README.md"), "```go\n")
	require.True(t, found)
	code, _, found = strings.Cut(code, "```\n")
	require.True(t, found)
	require.LessOrEqual(t, strings.Count(code, "\n"), 20, "a quick start is short")

	program := "package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"github.com/go-imaplib/imap\"\n)\n\n" +
		code + "\nfunc main() { printSubjects(context.Background(), \"\", \"\", \"\") }\n"
	vetProgram(t, program)
}
