package imap

import (
	"go/ast"
	"go/doc"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is a line of the table in docs/extensions.md.
type row struct{ name, rfc, gives, transcripts, live, left string }

// text is the row as it has to stand in the table.
func (r row) text() string {
	return "| " + strings.Join([]string{"`" + r.name + "`", r.rfc, code(r.gives), code(r.transcripts), r.live, r.left}, " | ") + " |"
}

// words splits a list that may be empty.
func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}

// code puts each word of a list into backquotes.
func code(list string) string {
	if list == "" {
		return ""
	}
	return "`" + strings.Join(strings.Split(list, ", "), "`, `") + "`"
}

// documented reads the table, by capability in upper case.
func documented(t *testing.T) map[string]row {
	text, err := os.ReadFile(filepath.Join("docs", "extensions.md"))
	require.NoError(t, err)
	rows := make(map[string]row)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "| "), " |"), " | ")
		if !strings.HasPrefix(line, "| `") || !assert.Len(t, cells, 6, line) {
			continue
		}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "`", "")
		}
		name := strings.ToUpper(cells[0])
		assert.NotContains(t, rows, name, "two rows")
		rows[name] = row{cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]}
	}
	return rows
}

// TestRegistryDocumented compares registry.go with the table that users see and with the transcripts.
func TestRegistryDocumented(t *testing.T) {
	rows := documented(t)
	used := make(map[string]bool)
	for _, l := range registry {
		got, ok := rows[l.name]
		if !ok {
			got = row{name: l.name}
		}
		want := row{got.name, l.rfc, l.gives, l.transcripts, got.live, l.leftOut}
		assert.Equal(t, want.text(), got.text(), "docs/extensions.md")
		delete(rows, l.name)
		assert.False(t, l.transcripts == "" && l.leftOut == "", "%s has no transcript", l.name)
		for _, path := range words(l.transcripts) {
			used[path] = true
			_, err := os.Stat(filepath.Join("testdata", "transcripts", filepath.FromSlash(path)))
			assert.NoError(t, err, l.name)
		}
	}
	assert.Empty(t, rows, "rows of docs/extensions.md without a line in registry.go")
	require.NoError(t, filepath.WalkDir("testdata/transcripts", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name := filepath.ToSlash(path)[len("testdata/transcripts/"):]
			assert.True(t, used[name], "the transcript %s is in no line of registry.go", name)
		}
		return err
	}))
}

// TestRegistryNames: what the lines say that they give is there.
func TestRegistryNames(t *testing.T) {
	names := exported(t)
	for _, l := range registry {
		for _, name := range words(l.gives) {
			assert.Contains(t, names, name, l.name)
		}
	}
}

// exported returns the exported names of the package, with those of fields and methods behind their type.
func exported(t *testing.T) []string {
	fset := token.NewFileSet()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(fset, path, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fset, files, "github.com/go-imaplib/imap")
	require.NoError(t, err)
	var names []string
	values := func(list []*doc.Value) {
		for _, v := range list {
			names = append(names, v.Names...)
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	funcs := func(list []*doc.Func, receiver string) {
		for _, f := range list {
			names = append(names, receiver+f.Name)
		}
	}
	funcs(pkg.Funcs, "")
	for _, typ := range pkg.Types {
		names = append(names, typ.Name)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs, "")
		funcs(typ.Methods, typ.Name+".")
		names = append(names, fields(typ)...)
	}
	return names
}

func fields(typ *doc.Type) (names []string) {
	spec, ok := typ.Decl.Specs[0].(*ast.TypeSpec)
	if !ok {
		return nil
	}
	if s, ok := spec.Type.(*ast.StructType); ok {
		for _, f := range s.Fields.List {
			for _, name := range f.Names {
				names = append(names, typ.Name+"."+name.Name)
			}
		}
	}
	return names
}

// TestRegistryLines: no line takes what is another's, and items that name no bit have one of their own.
func TestRegistryLines(t *testing.T) {
	owner := make(map[string]string)
	claim := func(l line, what string) {
		if other, taken := owner[what]; taken {
			t.Errorf("%s is in the lines of %s and %s", what, other, l.name)
		}
		owner[what] = l.name
	}
	for _, l := range registry {
		claim(l, "the name "+l.name)
		assert.Equal(t, strings.ToUpper(l.name), l.name)
		for name, entry := range l.untagged {
			claim(l, "untagged "+name)
			assert.NotNil(t, entry.handle, name)
		}
		for name, entry := range l.fetch {
			claim(l, "item "+name)
			assert.NotNil(t, entry.parse, name)
			assert.Equal(t, strings.ToUpper(name), name)
		}
		for name, entry := range l.status {
			claim(l, "status "+string(name))
			assert.NotNil(t, entry.parse, name)
		}
		for name, entry := range l.codes {
			claim(l, "code "+name)
			assert.True(t, entry.mailbox != nil || entry.tell != nil, name)
			assert.True(t, entry.mailbox != nil || !entry.live, name)
		}
	}
	bits := make(map[itemMask]string)
	for name, entry := range extensions.fetch.all {
		if bits[entry.bit] != "" && entry.bit != itemStructure {
			t.Errorf("%s and %s share a bit", name, bits[entry.bit])
		}
		bits[entry.bit] = name
		assert.NotZero(t, entry.bit, name)
	}
}

// TestImpliedCapabilities: what is included is offered, and is not among the names.
func TestImpliedCapabilities(t *testing.T) {
	caps := parseCaps("IMAP4rev2 APPENDLIMIT=100 QRESYNC QUOTA=RES-STORAGE X-APPENDLIMIT", extensions.implied)
	for _, name := range []string{"MOVE", "UIDPLUS", "APPENDLIMIT", "CONDSTORE", "QUOTA=RES-", "LITERAL-"} {
		assert.True(t, caps.offers(name), name)
		assert.False(t, caps.Has(name), name)
	}
	for _, name := range []string{"LITERAL+", "COMPRESS=DEFLATE", "QUOTA=RES-MESSAGE", "X-GM-EXT-1"} {
		assert.False(t, caps.offers(name), name)
	}
	assert.Equal(t, 5, len(slices.Collect(caps.All())))
	assert.False(t, parseCaps("IMAP4rev1", extensions.implied).offers("MOVE"))
}

// TestExtras keeps the values of extensions in their order.
func TestExtras(t *testing.T) {
	var none *extra
	x := none.put("a").put(1).join((*extra)(nil).put("b")).join(nil)
	assert.Equal(t, []string{"a", "b"}, slices.Collect(extras[string](x)))
	assert.Equal(t, []int{1}, slices.Collect(extras[int](x)))
	assert.Empty(t, slices.Collect(extras[bool](x)))
	for range extras[string](x) {
		break
	}
}
