package imap_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/api.txt anew")

// TestAPI compares the exported names with testdata/api.txt, so that a change shows up in review.
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

// TestDocumented checks that the doc comment of every exported function begins with its name.
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

// exported lists the exported declarations, one per line, sorted.
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

// layers are the files of this package from the lowest layer to the highest. A file may refer only to declarations of its
// own layer and of those below. The packages under internal that do not import this one form the layer below all of these,
// which the compiler enforces.
var layers = [...]struct{ name, files string }{
	{"values", "caps errors literal set url"},
	{"the language: parsers and the encoder", "bodystructure encoder items message parser plain plain_structure response section slab"},
	{"the engine", "code_data command dispatch divided engine event imap numbering order pipeline reader send session"},
	{"commands", `acl append auth conn content convert fetch fetch_delivered fetch_news fetch_rows fetch_stream gmail idle list list_rows
		local_sort mailbox metadata multisearch notify objectid partial query quota raw search select sort store sync util`},
	{"programs", "pool watch watch_new"},
}

// tables are the files that refer to higher layers and are used by lower ones: the table of the extensions, through which
// the parsers find the items, codes and responses of an extension.
var tables = map[string]bool{"registry.go": true, "doc.go": true}

// engineMembers are the fields and methods of the engine that the files of the layers above it use. The fields are set when
// the client is created, except for mu: a command locks it to read what its answer has collected.
var engineMembers = map[string]string{
	"fields":               "conn host mu opts table",
	"the life of a client": "greet closedError fail hangUp forget",
	"sending and waiting":  "unlock wait await result check abandon leave leaveLoop isUTF8 looseEncoder displayName sentSoFar",
	"continuations":        "awaitGoAhead ask sendLine keepSecret keepAnswer abandonExchange endAsking joinIdle idleBegan",
	"reading":              "step more readFailed dropResponse unlockRead",
	"streams":              "beginStream readStream endStream awaitStream",
	"memory and logging":   "account holds note",
	"events":               "addEvents queueEvent holdEvent insertEvents removeEvents dropEarlier dropFlags takeEvents takeEvent returnEvents forgetSearch hasNews",
	"the session":          "boxState isFresh timesTaken remember applyCode setEnabled isEnabled setNotify hasNotify setNotifySections notifiesSections setNotifyExpunges savesResult loggedIn forgetData",
	"the mailbox":          "open openUnclaimed currentMailbox hasMailbox leaveMailbox isUnclaimed anyInFlight followLocked cancelLater cancelUnanswered",
}

// TestLayers checks that no file refers to a declaration of a layer above its own.
func TestLayers(t *testing.T) {
	fset, pkg, info := checkTypes(t)
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() {
			continue
		}
		from, to := fset.Position(id.Pos()), fset.Position(obj.Pos())
		if tables[from.Filename] || tables[to.Filename] {
			continue
		}
		assert.LessOrEqual(t, layerOf(to.Filename), layerOf(from.Filename), "%s: %s is declared above, in %s", from, id.Name, to.Filename)
	}
}

// TestEngineMembers checks that the files above the engine use only engineMembers of it, and all of them.
func TestEngineMembers(t *testing.T) {
	fset, pkg, info := checkTypes(t)
	unused := make(map[string]bool)
	for _, names := range engineMembers {
		for _, name := range strings.Fields(names) {
			unused[name] = true
		}
	}
	allowed := maps.Clone(unused)
	engine := pkg.Scope().Lookup("engine").Type()
	for selector, s := range info.Selections {
		at := fset.Position(selector.Pos())
		if recv := s.Recv(); recv != engine && !types.Identical(recv, types.NewPointer(engine)) || layerOf(at.Filename) <= layerOf("engine.go") {
			continue
		}
		assert.True(t, allowed[s.Obj().Name()], "%s: %s of the engine is not for this layer: see engineMembers", at, s.Obj().Name())
		delete(unused, s.Obj().Name())
	}
	assert.Empty(t, unused)
}

// layerOf returns the index of a file in layers, or -1.
func layerOf(file string) int {
	for i, l := range layers {
		if slices.Contains(strings.Fields(l.files), strings.TrimSuffix(file, ".go")) {
			return i
		}
	}
	return -1
}

// checkTypes checks the types of this package without its tests.
func checkTypes(t *testing.T) (*token.FileSet, *types.Package, *types.Info) {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if layerOf(name) < 0 && !tables[name] {
			t.Errorf("%s is in no layer", name)
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", exportData(t))}
	pkg, err := config.Check("github.com/go-imaplib/imap", fset, files, info)
	require.NoError(t, err)
	return fset, pkg, info
}

// exportData finds the export data of the packages that this one imports.
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

// TestQuickStart runs the quick start of README.md with the test that follows it there.
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

// TestWalk checks that the functions that CONTRIBUTING.md leads through are in the files that it names.
func TestWalk(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| .* \\| `(\\w+)\\.(\\w+)` \\| `([\\w/]+\\.go)` \\|$").FindAllStringSubmatch(testkit.ReadFile(t, "CONTRIBUTING.md"), -1)
	require.Len(t, rows, 29)
	for _, row := range rows {
		source := testkit.ReadFile(t, row[3])
		assert.Regexp(t, `(?m)^func \(\w+ \*?`+row[1]+`\) `+row[2]+`\(`, source, row[0])
	}
}
