package imap_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumented sees that every exported name has a comment that starts with it.
func TestDocumented(t *testing.T) {
	for _, f := range sources(t, parser.ParseComments) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || fn.Recv != nil && !ast.IsExported(receiver(fn)) {
				continue
			}
			require.True(t, strings.HasPrefix(fn.Doc.Text(), fn.Name.Name+" ") || strings.HasPrefix(fn.Doc.Text(), fn.Name.Name+","),
				"%s: the comment has to start with the name", fn.Name.Name)
		}
	}
}

// sources parses the files of the package that are no tests.
func sources(t *testing.T, mode parser.Mode) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
		require.NoError(t, err)
		files = append(files, f)
	}
	return files
}

// receiver is the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	name := ""
	ast.Inspect(fn.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}
