package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// variable is the environment variable with the number of the active mutation.
const variable = "IMAP_MUTANT"

// chooser is the text, after a package clause, of a file that is added to each package with mutations.
const chooser = `
import (
	"os"
	"strconv"
)

// mutant is the number of the active mutation.
var mutant = func() int { n, _ := strconv.Atoi(os.Getenv("` + variable + `")); return n }()
`

// edit replaces a piece of a source.
type edit struct {
	from, to int
	text     string
}

func applyEdits(source string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		source = source[:e.from] + e.text + source[e.to:]
	}
	return source
}

// breakable adds mutations to a file so that each can be selected when the program starts, and one build is enough for all of
// them. For each mutation a mutated copy of its function is added, which the function calls first if the mutation is active.
// The mutations outside of functions are returned: they need a build of their own.
func breakable(source string, list []mutation) (broken string, rest []mutation, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return "", nil, err
	}
	var edits []edit
	var copies strings.Builder
	named := make(map[*ast.FuncDecl]bool)
	for _, m := range list {
		if _, err := m.apply(source); err != nil {
			return "", nil, err
		}
		at := strings.Index(source, m.old)
		f := enclosing(file, at, at+len(m.old))
		if f == nil {
			rest = append(rest, m)
			continue
		}
		if !named[f] {
			named[f] = true
			edits = append(edits, nameParameters(f)...)
		}
		begin := offset(f.Body.Lbrace) + 1
		edits = append(edits, edit{begin, begin, fmt.Sprintf("\n\tif mutant == %d {\n\t\t%s\n\t}\n", m.number, call(f, m.number))})
		copies.WriteString("\n" + copyOf(source, f, m, at) + "\n")
	}
	return applyEdits(source, edits) + copies.String(), rest, nil
}

func offset(p token.Pos) int { return int(p) - 1 }

func suffix(number int) string { return fmt.Sprint("Mutant", number) }

// enclosing returns the function whose body contains a piece of the source.
func enclosing(file *ast.File, from, to int) *ast.FuncDecl {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && offset(f.Body.Lbrace) < from && to <= offset(f.Body.Rbrace) {
			return f
		}
	}
	return nil
}

// copyOf returns the text of a mutated function with a new name.
func copyOf(source string, f *ast.FuncDecl, m mutation, at int) string {
	start, end := offset(f.Pos()), offset(f.End())
	edits := append(nameParameters(f), edit{offset(f.Name.End()), offset(f.Name.End()), suffix(m.number)}, edit{at, at + len(m.old), m.new})
	for i := range edits {
		edits[i].from -= start
		edits[i].to -= start
	}
	return applyEdits(source[start:end], edits)
}

// fields returns the receiver and the parameters of a function.
func fields(f *ast.FuncDecl) []*ast.Field {
	var list []*ast.Field
	if f.Recv != nil {
		list = append(list, f.Recv.List...)
	}
	return append(list, f.Type.Params.List...)
}

// nameParameters gives names to a receiver and to parameters that have none, so that they can be passed on.
func nameParameters(f *ast.FuncDecl) []edit {
	var edits []edit
	for i, field := range fields(f) {
		if len(field.Names) == 0 {
			at := offset(field.Type.Pos())
			edits = append(edits, edit{at, at, fmt.Sprint("param", i, " ")})
		}
		for j, name := range field.Names {
			if name.Name == "_" {
				edits = append(edits, edit{offset(name.Pos()), offset(name.End()), fmt.Sprint("param", i, "x", j)})
			}
		}
	}
	return edits
}

// typeArguments returns the type parameters of a function as arguments, because not all can be inferred.
func typeArguments(f *ast.FuncDecl) string {
	if f.Type.TypeParams == nil {
		return ""
	}
	var names []string
	for _, field := range f.Type.TypeParams.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// call returns the statement that calls the copy of a function.
func call(f *ast.FuncDecl, number int) string {
	var args []string
	for i, field := range fields(f) {
		if len(field.Names) == 0 {
			args = append(args, fmt.Sprint("param", i))
		}
		for j, name := range field.Names {
			arg := name.Name
			if arg == "_" {
				arg = fmt.Sprint("param", i, "x", j)
			}
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	name := f.Name.Name + suffix(number) + typeArguments(f)
	if f.Recv != nil {
		name, args = args[0]+"."+name, args[1:]
	}
	text := name + "(" + strings.Join(args, ", ") + ")"
	if f.Type.Results == nil {
		return text + "\n\t\treturn"
	}
	return "return " + text
}
