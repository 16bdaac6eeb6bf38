// Command mutate breaks the library on purpose and checks whether the tests notice.
//
//	go run ./internal/mutate [-run regexp] [-p n] [-v]
//
// The files in testdata/mutations list the mutations: see parse. They are built as an overlay, without changing the source,
// and every test of a mutation must fail with it. If a test passes, it does not prove what it is meant to prove, and the exit
// status is 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// testTimeout is how long a test may take before it counts as failed, since many mutations make a test hang.
const testTimeout = time.Minute

func main() {
	pattern := flag.String("run", "", "only mutations whose list, title, file or tests match the regular expression")
	parallel := flag.Int("p", 1, "how many at once")
	verbose := flag.Bool("v", false, "print what the failing tests wrote")
	flag.Parse()
	survived, err := run(*pattern, *parallel, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if survived > 0 {
		os.Exit(1)
	}
}

// run applies the mutations that match and returns how many were not noticed.
func run(pattern string, parallel int, verbose bool) (survived int, err error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return 0, err
	}
	all, err := readAll(filepath.Join("testdata", "mutations"))
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(m mutation) bool { return !match.MatchString(m.String()) })
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	packages, err := testPackages(".")
	if err != nil {
		return 0, err
	}
	w := &worker{dir: dir, verbose: verbose, alone: make(map[int]bool), packages: packages}
	if err := w.buildAll(all); err != nil {
		return 0, err
	}
	if err := w.unbroken(all, parallel); err != nil {
		return 0, err
	}
	each(parallel, all, func(m mutation) {
		w.try(m)
	})
	fmt.Printf("%d mutations, %d survived\n", len(all), w.survived)
	return w.survived, w.failed
}

// each runs f for the elements of a list, parallel of them at a time.
func each[T any](parallel int, list []T, f func(T)) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, max(parallel, 1))
	for _, v := range list {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			f(v)
		})
	}
	wg.Wait()
}

// worker builds and runs the tests of the module in the current directory.
type worker struct {
	dir      string
	verbose  bool
	alone    map[int]bool      // mutations that need a build of their own
	packages map[string]string // by test

	mu       sync.Mutex
	survived int
	failed   error
}

// buildAll builds the tests with all mutations that can be selected at run time.
func (w *worker) buildAll(all []mutation) error {
	files := make(map[string][]mutation)
	for _, m := range all {
		files[m.file] = append(files[m.file], m)
	}
	replaced := make(map[string]string)
	var tests []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		broken, rest, err := breakable(string(source), files[file])
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		replaced[file] = broken
		replaced[path.Join(path.Dir(file), "mutant.go")] = packageClause(broken) + chooser
		for _, m := range files[file] {
			tests = append(tests, m.tests...)
		}
		for _, m := range rest {
			w.alone[m.number] = true
		}
	}
	return w.build("all", replaced, tests)
}

// packageClause returns the package clause of a source.
func packageClause(source string) string {
	return regexp.MustCompile(`(?m)^package \w+\n`).FindString(source)
}

// build builds the packages of the tests with the text of some files replaced.
func (w *worker) build(name string, replaced map[string]string, tests []string) error {
	paths := make(map[string]string)
	for file, text := range replaced {
		overlaid := filepath.Join(w.dir, name+"."+strings.ReplaceAll(file, "/", "."))
		if err := os.WriteFile(overlaid, []byte(text), 0o600); err != nil {
			return err
		}
		paths[file] = overlaid
	}
	overlay, err := json.Marshal(map[string]any{"Replace": paths})
	if err != nil {
		return err
	}
	list := filepath.Join(w.dir, name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return err
	}
	for _, pkg := range w.packagesOf(tests) {
		cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-gcflags=-dwarf=false", "-overlay", list, "-o", w.binary(name, pkg), "./"+pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("does not build: %w\n%s", err, out)
		}
	}
	return nil
}

// packagesOf returns the directories of the tests, each once.
func (w *worker) packagesOf(tests []string) []string {
	var dirs []string
	for _, test := range tests {
		dirs = append(dirs, w.packageOf(test))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (w *worker) packageOf(test string) string {
	_, test = environment(test)
	name, _, _ := strings.Cut(test, "/")
	return w.packages[name]
}

func (w *worker) binary(name, pkg string) string {
	return filepath.Join(w.dir, name+"."+strings.ReplaceAll(pkg, "/", ".")+".test")
}

// unbroken checks that the tests pass without a mutation.
func (w *worker) unbroken(all []mutation, parallel int) error {
	var tests []string
	for _, m := range all {
		tests = append(tests, m.tests...)
	}
	slices.Sort(tests)
	var bad error
	each(parallel, slices.Compact(tests), func(test string) {
		if out, passed := w.passes("all", 0, test); !passed {
			w.mu.Lock()
			defer w.mu.Unlock()
			bad = errors.Join(bad, fmt.Errorf("%s fails without a mutation:\n%s", test, out))
		}
	})
	return bad
}

// try applies one mutation and prints whether its tests notice.
func (w *worker) try(m mutation) {
	name := "all"
	if w.alone[m.number] {
		name = fmt.Sprint("alone", m.number)
		if err := w.buildOne(name, m); err != nil {
			w.report(m, nil, err)
			return
		}
		for _, pkg := range w.packagesOf(m.tests) {
			defer os.Remove(w.binary(name, pkg))
		}
	}
	var alive []string
	for _, test := range m.tests {
		out, passed := w.passes(name, m.number, test)
		if passed {
			alive = append(alive, test)
		} else if w.verbose {
			fmt.Printf("%s\n", out)
		}
	}
	w.report(m, alive, nil)
}

// buildOne builds the tests with a mutation outside of functions.
func (w *worker) buildOne(name string, m mutation) error {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return err
	}
	broken, err := m.apply(string(source))
	if err != nil {
		return err
	}
	return w.build(name, map[string]string{m.file: broken}, m.tests)
}

func (w *worker) report(m mutation, alive []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		w.failed = errors.Join(w.failed, fmt.Errorf("%s: %w", m, err))
	case len(alive) > 0:
		w.survived++
		fmt.Printf("SURVIVED %s\n         not noticed by %s\n", m, strings.Join(alive, ", "))
	default:
		fmt.Printf("noticed  %s\n", m)
	}
}

// passes runs one test.
func (w *worker) passes(name string, number int, test string) (output string, passed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout+10*time.Second)
	defer cancel()
	pkg := w.packageOf(test)
	variables, test := environment(test)
	cmd := exec.CommandContext(ctx, w.binary(name, pkg), "-test.run", exactly(test), "-test.timeout", testTimeout.String())
	cmd.Dir = pkg
	cmd.Env = append(append(os.Environ(), variables...), fmt.Sprint(variable, "=", number))
	out, err := cmd.CombinedOutput()
	return firstLines(string(out), 40), err == nil && !strings.Contains(string(out), "no tests to run")
}

// exactly returns a pattern that matches one test, which may be a subtest.
func exactly(test string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(strings.ReplaceAll(p, " ", "_")) + "$"
	}
	return strings.Join(parts, "/")
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}
