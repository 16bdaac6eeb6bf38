package imap_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/api.txt anew")

// TestAPI compares the exported names with testdata/api.txt, so that a change of them shows in review.
func TestAPI(t *testing.T) {
	const golden = "testdata/api.txt"
	got := exported(t)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644))
	}
	want := strings.Split(strings.TrimSpace(testkit.ReadFile(t, golden)), "\n")
	for _, line := range want {
		assert.True(t, slices.Contains(got, line), "gone: %s", line)
	}
	for _, line := range got {
		assert.True(t, slices.Contains(want, line), "new: %s", line)
	}
	if t.Failed() {
		t.Log("where that is meant: go test -run TestAPI -update .")
	}
}

// TestDocumented sees that every exported name has a comment that starts with it.
func TestDocumented(t *testing.T) {
	for _, f := range testkit.Sources(t, parser.ParseComments) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || fn.Recv != nil && !ast.IsExported(testkit.Receiver(fn)) {
				continue
			}
			require.True(t, strings.HasPrefix(fn.Doc.Text(), fn.Name.Name+" ") || strings.HasPrefix(fn.Doc.Text(), fn.Name.Name+","),
				"%s: the comment has to start with the name", fn.Name.Name)
		}
	}
}

// exported lists the exported declarations, one a line, sorted.
func exported(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, f := range testkit.Sources(t, 0) {
		ast.FileExports(f)
		for _, d := range f.Decls {
			lines = append(lines, declarations(t, d)...)
		}
	}
	slices.Sort(lines)
	return lines
}

func declarations(t *testing.T, d ast.Decl) []string {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && !ast.IsExported(testkit.Receiver(d)) {
			return nil
		}
		d.Body = nil
		return []string{oneLine(t, d)}
	case *ast.GenDecl:
		var lines []string
		for _, s := range d.Specs {
			if _, isImport := s.(*ast.ImportSpec); !isImport {
				lines = append(lines, d.Tok.String()+" "+oneLine(t, s))
			}
		}
		return lines
	}
	return nil
}

func oneLine(t *testing.T, node any) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, printer.Fprint(&b, token.NewFileSet(), node))
	return strings.Join(strings.Fields(b.String()), " ")
}
