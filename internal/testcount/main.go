// Command testcount makes the output of go test -json readable. It reads the
// events from standard input, prints a line for each package as it ends and,
// for those that fail, what the failing tests wrote.
//
// With -sum and the names of files with such events it prints only how many
// tests, including subtests, passed and failed in all of them.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	sum := flag.Bool("sum", false, "print only the sums of the files")
	flag.Parse()
	r := newReport(os.Stdout)
	if *sum {
		r.w = io.Discard
		for _, name := range flag.Args() {
			if err := r.readFile(name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		fmt.Printf("%d tests run, %d skipped\n", r.passed+r.failed, r.skipped)
		fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	} else if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if r.failed > 0 {
		os.Exit(1)
	}
}

// An event is a line of the output of go test -json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // instead of Package while building
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// A report holds the events read so far.
type report struct {
	w                       io.Writer
	passed, failed, skipped int
	packages                map[string]*packageReport
	builds                  map[string][]string // output of the compiler
}

// A packageReport holds the output of the tests that have not passed yet.
type packageReport struct {
	tests                   map[string][]string
	order                   []string // of the tests in tests
	passed, failed, skipped int
	skips                   []string
}

func newReport(w io.Writer) *report {
	return &report{w: w, packages: map[string]*packageReport{}, builds: map[string][]string{}}
}

func (r *report) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return r.read(f)
}

func (r *report) read(in io.Reader) error {
	br := bufio.NewReader(in)
	for {
		line, err := br.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) == nil && e.Action != "":
			r.add(e)
		default:
			// Output of the go command itself is not wrapped.
			fmt.Fprint(r.w, line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
	}
	if e.Package == "" {
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageReport{tests: map[string][]string{}}
		r.packages[e.Package] = p
	}
	if e.Test == "" {
		r.addPackage(p, e)
		return
	}
	switch e.Action {
	case "run":
		p.tests[e.Test] = []string{}
		p.order = append(p.order, e.Test)
	case "output":
		p.tests[e.Test] = append(p.tests[e.Test], e.Output)
	case "pass":
		p.passed++
		delete(p.tests, e.Test)
	case "skip":
		p.skipped++
		p.skips = append(p.skips, reason(e.Test, p.tests[e.Test]))
		delete(p.tests, e.Test)
	case "fail":
		p.failed++
	}
}

// reason is one line about a skipped test.
func reason(test string, output []string) string {
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return test + ": " + line
		}
	}
	return test
}

func (r *report) addPackage(p *packageReport, e event) {
	switch e.Action {
	case "output":
		p.tests[""] = append(p.tests[""], e.Output)
		return
	case "pass", "skip":
		if p.passed+p.skipped > 0 {
			fmt.Fprintf(r.w, "ok    %s  %d tests, %.1fs\n", e.Package, p.passed, e.Elapsed)
		}
		for _, s := range p.skips {
			fmt.Fprintf(r.w, "      skipped %s\n", s)
		}
	case "fail":
		if p.failed == 0 {
			// The package did not build, or failed outside of its tests.
			p.failed = 1
		}
		fmt.Fprintf(r.w, "FAIL  %s  %d passed, %d failed, %.1fs\n", e.Package, p.passed, p.failed, e.Elapsed)
		r.printOutput(r.builds[e.FailedBuild])
		delete(r.builds, e.FailedBuild) // the next package may fail for the same reason
		for _, test := range p.order {
			r.printOutput(p.tests[test])
			delete(p.tests, test) // it may have run several times
		}
		r.printOutput(p.tests[""])
	default:
		return
	}
	r.passed += p.passed
	r.failed += p.failed
	r.skipped += p.skipped
	delete(r.packages, e.Package)
}

// maxLines is how much of the output of one test is printed.
const maxLines = 300

func (r *report) printOutput(lines []string) {
	// Keep the test's own lines only: the others have no more information.
	lines = slices.DeleteFunc(lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || line == "FAIL" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- PASS")
	})
	for i, line := range lines {
		if len(lines) > maxLines && i >= maxLines/2 && i < len(lines)-maxLines/2 {
			if i == maxLines/2 {
				fmt.Fprintf(r.w, "      (%d lines left out)\n", len(lines)-maxLines)
			}
			continue
		}
		fmt.Fprint(r.w, "      ", strings.TrimSuffix(line, "\n"), "\n")
	}
}
