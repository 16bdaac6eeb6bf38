package imap

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// task is a row of the table in the package comment: what to do, the name that does it, and the name of the example.
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

// TestTasks has each name in the table of the package comment exported, each example there, with its output and whole, and
// README.md say the same. Where the table changed: go test -run TestTasks -update .
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

// TestDeprecated: what is deprecated says what to use, and that exists.
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
