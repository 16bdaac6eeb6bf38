package imaplib_test

import (
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestImaplibNames compares docs/imaplib.md with the names of imaplib in testdata, and its links with the exported names.
func TestImaplibNames(t *testing.T) {
	doc := testkit.ReadFile(t, "docs/imaplib.md")
	rows := map[string]bool{}
	for line := range strings.Lines(doc) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") || len(cells) < 2 {
			continue
		}
		for _, name := range regexp.MustCompile(`\(.*?\)`).Split(strings.Trim(cells[0], "| `"), -1) {
			for _, name := range strings.Split(name, ",") {
				rows[strings.TrimSpace(name)] = true
			}
		}
	}
	for name := range strings.Lines(testkit.ReadFile(t, "testdata/imaplib/names.txt")) {
		assert.True(t, rows[strings.TrimSpace(name)], "%s has no row", strings.TrimSpace(name))
	}
	there := map[string]bool{}
	for _, name := range exportedNames(t) {
		there[name] = true
	}
	links := regexp.MustCompile(`\[([^\]]+)\]\([^)#]*#([^)]+)\)`).FindAllStringSubmatch(doc, -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		assert.Equal(t, link[1], link[2])
		assert.True(t, there[link[1]], "%s is not exported", link[1])
	}
}

// exportedNames lists the exported names: F, T, T.Method.
func exportedNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, f := range testkit.Sources(t, 0) {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					names = append(names, testkit.Receiver(d)+"."+d.Name.Name)
				} else {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					names = append(names, specNames(s)...)
				}
			}
		}
	}
	return names
}

func specNames(s ast.Spec) []string {
	switch s := s.(type) {
	case *ast.TypeSpec:
		return []string{s.Name.Name}
	case *ast.ValueSpec:
		var names []string
		for _, n := range s.Names {
			names = append(names, n.Name)
		}
		return names
	}
	return nil
}

// TestImaplibPrograms compiles the programs of docs/imaplib.md.
func TestImaplibPrograms(t *testing.T) {
	code := `package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-imaplib/imap"
)

func main() {}
`
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(testkit.ReadFile(t, "docs/imaplib.md"), -1)
	require.Len(t, blocks, 5)
	for _, b := range blocks {
		code += "\n" + b[1]
	}
	vetProgram(t, code)
}

// vetProgram compiles a program that uses the package.
func vetProgram(t *testing.T, code string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
	out, err := exec.Command("go", "vet", file).CombinedOutput()
	require.NoError(t, err, string(out))
}
