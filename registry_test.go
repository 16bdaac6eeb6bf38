package imap

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is a line of the table in docs/extensions.md.
type row struct{ name, rfc, gives, transcripts, live, left string }

// text is the row as the table should have it.
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

// TestRegistryDocumented compares registry.go with the table in docs/extensions.md and with the transcripts.
func TestRegistryDocumented(t *testing.T) {
	rows := documented(t)
	used := make(map[string]bool)
	usable := 0
	for _, l := range registry {
		if l.exports != "" {
			usable++
		}
		got, ok := rows[l.name]
		if !ok {
			got = row{name: l.name}
		}
		want := row{got.name, l.rfc, l.exports, l.transcripts, got.live, l.leftOut}
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
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(usable, " capabilities are supported"), fmt.Sprint("and for ", len(registry)-usable, " names that need nothing")} {
		assert.True(t, strings.Contains(string(readme), text), "README.md has to say: %s", text)
	}
	require.NoError(t, filepath.WalkDir("testdata/transcripts", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name := filepath.ToSlash(path)[len("testdata/transcripts/"):]
			assert.True(t, used[name], "the transcript %s is in no line of registry.go", name)
		}
		return err
	}))
}

// registered are the capabilities of the IANA registry (IMAP Capabilities), and others those in use that are not in it.
const registered = "ACL ANNOTATE-EXPERIMENT-1 APPENDLIMIT AUTH= BINARY CATENATE CHILDREN COMPRESS=DEFLATE CONDSTORE " +
	"CONTEXT=SEARCH CONTEXT=SORT CONVERT CREATE-SPECIAL-USE ENABLE ESEARCH ESORT FILTERS I18NLEVEL=1 I18NLEVEL=2 " +
	"ID IDLE IMAP4REV1 IMAP4REV2 IMAPSIEVE= INPROGRESS JMAPACCESS LANGUAGE LIST-EXTENDED LIST-METADATA " +
	"LIST-MYRIGHTS LIST-STATUS LITERAL+ LITERAL- LOGIN-REFERRALS LOGINDISABLED MAILBOX-REFERRALS MESSAGELIMIT " +
	"METADATA METADATA-SERVER MOVE MULTIAPPEND MULTISEARCH NAMESPACE NOTIFY OBJECTID PARTIAL PREVIEW QRESYNC " +
	"QUOTA QUOTA=RES- QUOTASET REPLACE RIGHTS= SASL-IR SAVEDATE SAVELIMIT SEARCH=FUZZY SEARCHRES SORT " +
	"SORT=DISPLAY SPECIAL-USE STARTTLS STATUS=SIZE THREAD= UIDBATCHES UIDONLY UIDPLUS UNAUTHENTICATE UNSELECT " +
	"URL-PARTIAL URLAUTH URLAUTH=BINARY UTF8=ACCEPT UTF8=ALL UTF8=APPEND UTF8=ONLY UTF8=USER WITHIN"

const others = "X-GM-EXT-1 XLIST THREAD=REFS PREVIEW=FUZZY SNIPPET=FUZZY OBJECTID+ SORT=MODSEQ SORT=UID XAPPLEPUSHSERVICE ACL2=UNION " +
	"XMOVE X-UNAUTHENTICATE XYMHIGHESTMODSEQ ANNOTATEMORE IMAP4 LISTEXT LIST-SUBSCRIBED SCAN NO_ATOMIC_RENAME DIGEST=SHA1 " +
	"CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE XYZZY X-MSG-EXT XAPPLELITERAL XUM1"

// TestRegistered: each capability that is registered or in use has its line, which names its exports or the reason why it has
// none.
func TestRegistered(t *testing.T) {
	lines := map[string]line{}
	for _, l := range registry {
		lines[l.name] = l
	}
	names := strings.Fields(registered)
	assert.Len(t, names, 78)
	for _, name := range append(names, strings.Fields(others)...) {
		l, ok := lines[name]
		assert.True(t, ok, "no line for %s", name)
		assert.True(t, (l.exports == "") == (l.leftOut != ""), "%s: either it gives something, or there is a reason", name)
		assert.True(t, l.exports == "" || l.transcripts != "", "%s has no transcript", name)
	}
}

// TestRegistryNames: the exported names in the lines exist.
func TestRegistryNames(t *testing.T) {
	names := exported(t)
	for _, l := range registry {
		for _, name := range words(l.exports) {
			assert.Contains(t, names, name, l.name)
		}
	}
}

// exported returns the exported names of the package, fields and methods with their type.
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

// TestRegistryLines: no two lines claim the same name, and items without a bit get one of their own.
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
			assert.True(t, entry.mailbox != nil || entry.event != nil, name)
			assert.True(t, entry.mailbox != nil || !entry.always, name)
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

// TestImpliedCapabilities: an included capability is offered, but not listed.
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

// TestExtras: the values of extensions keep their order.
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

// task is a row of the table in the package comment: a task, the name for it, and the name of the example.
type task struct{ what, name, example string }

// tasks reads the table.
func tasks(t *testing.T) (list []task) {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\ttask ")
	require.True(t, found)
	for line := range strings.Lines(table[strings.Index(table, "\n")+1:]) {
		cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1)
		if len(cells) != 3 {
			break
		}
		list = append(list, task{cells[0], cells[1], strings.TrimPrefix(cells[2], "Example")})
	}
	require.Greater(t, len(list), 20)
	return list
}

// readmeRow is the row for README.md, with links to the manual.
func (r task) readmeRow(names []string) string {
	const manual = "https://pkg.go.dev/github.com/go-imaplib/imap#"
	example := strings.ReplaceAll(r.example, "_", ".")
	if i := strings.LastIndexByte(example, '.'); i >= 0 && !slices.Contains(names, example) {
		example = example[:i] + "-" + strings.ToUpper(example[i+1:i+2]) + example[i+2:]
	}
	return fmt.Sprintf("| %s | [`%s`](%s%s) ([example](%sexample-%s)) |\n", r.what, r.name, manual, r.name, manual, example)
}

// TestTasks: each name in the table of the package comment is exported, each example is complete and has its output, and
// README.md has the same table. After a change of the table: go test -run TestTasks -update .
func TestTasks(t *testing.T) {
	names := exported(t)
	examples := map[string]*doc.Example{}
	for _, ex := range doc.Examples(parsed(t, "*_test.go")...) {
		examples[ex.Name] = ex
		assert.NotNil(t, ex.Play, "%s uses something that a reader does not see", ex.Name)
	}
	var rows strings.Builder
	for _, task := range tasks(t) {
		assert.Contains(t, names, task.name)
		ex := examples[task.example]
		if assert.NotNil(t, ex, task.example) {
			assert.NotEmpty(t, ex.Output, task.example)
		}
		rows.WriteString(task.readmeRow(names))
	}
	const head, end = "| Task | Name |\n|---|---|\n", "| test a program without a mail server |"
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(readme), head)
	require.True(t, found)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile("README.md", []byte(before+head+rows.String()+end+after), 0o644))
		return
	}
	require.Equal(t, rows.String(), table)
}

// TestDeprecated: a deprecation names its replacement, which exists.
func TestDeprecated(t *testing.T) {
	names := exported(t)
	n := 0
	for _, f := range parsed(t, "*.go") {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			_, notice, deprecated := strings.Cut(fn.Doc.Text(), "\nDeprecated: ")
			if !deprecated {
				continue
			}
			n++
			use := regexp.MustCompile(`^use (\w+)`).FindStringSubmatch(notice)
			if assert.NotNil(t, use, "%s: %s", fn.Name, notice) {
				assert.True(t, slices.Contains(names, use[1]) || slices.Contains(names, "Client."+use[1]), "%s: there is no %s", fn.Name, use[1])
			}
		}
	}
	require.Greater(t, n, 5)
}

// parsed parses files of the package.
func parsed(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	set := token.NewFileSet()
	for _, name := range names {
		f, err := goparser.ParseFile(set, name, nil, goparser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	return files
}

// TestGuideNames: the names in the tables of the guides exist, as do their methods and fields.
func TestGuideNames(t *testing.T) {
	known := map[string]bool{}
	for _, name := range exported(t) {
		known[name] = true
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	name := regexp.MustCompile(`^[A-Z]\w*(\.[A-Z]\w*)?`)
	for guide, column := range map[string]int{"from-go-imap-v1.md": 2, "from-go-imap-v2.md": 2, "servers.md": 3} {
		text, err := os.ReadFile(filepath.Join("docs", guide))
		require.NoError(t, err)
		n := 0
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|")
			if !strings.HasPrefix(line, "| ") || len(cells) <= column {
				continue
			}
			for _, m := range quoted.FindAllStringSubmatch(cells[column], -1) {
				if got := name.FindString(m[1]); got != "" {
					n++
					assert.True(t, known[got] || known[strings.TrimSuffix(got, "…")], "%s: there is no %s: %s", guide, got, line)
				}
			}
		}
		require.Greater(t, n, 15, guide)
	}
}
