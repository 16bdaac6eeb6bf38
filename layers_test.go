package imap_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layers are the files of this package from the lowest layer to the highest. A file names what stands in its own layer or
// below. The packages under internal that do not import this one are the layer below all of these: the compiler sees to
// that.
var layers = [...]struct{ name, files string }{
	{"values", "caps errors flag literal set url"},
	{"the language: parsers and the encoder", "bodystructure encoder items message parser response section slab"},
	{"the engine", "code_data command dispatch engine event imap mailbox_state numbering pipeline reader send session"},
	{"commands", `acl annotate append auth batch conn content convert fetch fetch_rows fetch_stream fetch_text filter gmail
		i18n idle list list_plan list_rows livesearch local_sort mailbox metadata notify objectid partial query quota raw
		sasl search select sort store sync urlauth util`},
	{"programs", "pool transient watch"},
}

// tables are the files that name what is above them and are named below: the table of the extensions, by which an item, a
// code or a response of an extension reaches the parsers.
var tables = map[string]bool{"registry.go": true, "doc.go": true}

// TestLayers: no file refers to what is declared in a layer above its own.
func TestLayers(t *testing.T) {
	layerOf := make(map[string]int)
	for i, l := range layers {
		for _, name := range strings.Fields(l.files) {
			layerOf[name+".go"] = i
		}
	}
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if _, known := layerOf[name]; !known && !tables[name] {
			t.Errorf("%s is in no layer", name)
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", exportData(t))}
	pkg, err := config.Check("github.com/go-imaplib/imap", fset, files, info)
	require.NoError(t, err)
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() {
			continue
		}
		from, to := fset.Position(id.Pos()), fset.Position(obj.Pos())
		if tables[from.Filename] || tables[to.Filename] {
			continue
		}
		assert.LessOrEqual(t, layerOf[to.Filename], layerOf[from.Filename], "%s: %s is declared above, in %s", from, id.Name, to.Filename)
	}
}

// exportData finds what the compiler wrote of the packages that this one imports.
func exportData(t *testing.T) importer.Lookup {
	t.Helper()
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-f", "{{.ImportPath}}={{.Export}}", ".").Output()
	require.NoError(t, err)
	files := make(map[string]string)
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}
