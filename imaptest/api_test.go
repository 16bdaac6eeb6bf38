package imaptest_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSmall holds the package to what it promises: few names, all with a comment, and nothing of a client.
func TestSmall(t *testing.T) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	count := 0
	note := func(name *ast.Ident, doc *ast.CommentGroup) {
		if name.IsExported() {
			count++
			require.NotEmpty(t, doc.Text(), name.Name)
		}
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			require.True(t, !strings.Contains(path, ".") || path == "github.com/go-imaplib/imap/internal/imaptest", path)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil || exportedReceiver(d) {
					note(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						note(s.Name, d.Doc)
					case *ast.ValueSpec:
						note(s.Names[0], d.Doc)
					}
				}
			}
		}
	}
	require.LessOrEqual(t, count, 40)
	t.Logf("%d exported names", count)
}

// TestExamplesAreWhole: the manual shows with each example all that it uses.
func TestExamplesAreWhole(t *testing.T) {
	names, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	var have []string
	for _, ex := range doc.Examples(files...) {
		require.NotNil(t, ex.Play, "%s uses something that a reader does not see", ex.Name)
		require.NotEmpty(t, ex.Output, ex.Name)
		have = append(have, ex.Name)
	}
	require.Equal(t, []string{"Files", "NewServer", "Server_Commands", "Server_Inject", "Server_Script"}, have)
}

func exportedReceiver(d *ast.FuncDecl) bool {
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	return typ.(*ast.Ident).IsExported()
}
