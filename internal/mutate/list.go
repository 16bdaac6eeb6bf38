package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// mutation replaces a piece of a file.
type mutation struct {
	number   int      // counted from 1 over all lists
	list     string   // the file of the list, without its extension
	title    string   // what the mutation breaks
	file     string   // the file to mutate
	tests    []string // the tests that must fail
	old, new string
}

func (m mutation) String() string {
	return fmt.Sprintf("%s: %s (%s: %s)", m.list, m.title, m.file, strings.Join(m.tests, ", "))
}

// apply applies the mutation to a source, in which the old text must occur once.
func (m mutation) apply(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%s has the text to be replaced %d times, not once", m.file, n)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}

// readAll reads the lists of a directory.
func readAll(dir string) ([]mutation, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []mutation
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list, err := parse(strings.TrimSuffix(filepath.Base(name), ".txt"), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, list...)
	}
	for i := range all {
		all[i].number = i + 1
	}
	return all, nil
}

// parse parses a list. A mutation is a paragraph: its title after "# ", the file to mutate and the tests that must fail, as in
// "conn.go: TestA, TestB/a subtest", the lines to replace after "-", and the new lines after "+". Lines are used unchanged;
// the first and the last may be parts of lines.
//
//	# what no longer holds
//	file.go: TestA, TestB
//	-	return err
//	+	return nil
//
// A test may be preceded by environment variables, as in "NAME=value TestA". A paragraph that begins with "##" is a heading
// and ignored.
func parse(list, text string) ([]mutation, error) {
	var all []mutation
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		paragraph = strings.Trim(paragraph, "\n")
		if paragraph == "" || strings.HasPrefix(paragraph, "##") {
			continue
		}
		m, err := parseOne(paragraph)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, paragraph)
		}
		m.list = list
		all = append(all, m)
	}
	return all, nil
}

func parseOne(paragraph string) (mutation, error) {
	lines := strings.Split(paragraph, "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "# ") {
		return mutation{}, fmt.Errorf("a title, a file and what to replace expected")
	}
	m := mutation{title: strings.TrimPrefix(lines[0], "# ")}
	file, tests, ok := strings.Cut(lines[1], ": ")
	if !ok {
		return m, fmt.Errorf("a file and its tests expected")
	}
	m.file, m.tests = file, strings.Split(tests, ", ")
	var old, replacement []string
	for _, line := range lines[2:] {
		switch text := line[1:]; line[0] {
		case '-':
			old = append(old, text)
		case '+':
			replacement = append(replacement, text)
		default:
			return m, fmt.Errorf("a line is neither old nor new")
		}
	}
	m.old, m.new = strings.Join(old, "\n"), strings.Join(replacement, "\n")
	if m.old == "" || m.old == m.new {
		return m, fmt.Errorf("nothing is replaced")
	}
	return m, nil
}

// testPackages maps the tests of a module to the directories of their packages. If several packages have a test of the same
// name, the package at the root wins.
func testPackages(root string) (map[string]string, error) {
	packages := make(map[string]string)
	for _, pattern := range []string{"internal/*/*/*_test.go", "internal/*/*_test.go", "*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			dir, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return nil, err
			}
			for _, m := range testFunc.FindAllSubmatch(source, -1) {
				packages[string(m[1])] = dir
			}
		}
	}
	return packages, nil
}

// environment separates a test from the variables before it.
func environment(test string) (variables []string, name string) {
	for {
		word, rest, ok := strings.Cut(test, " ")
		if !ok || !assignment.MatchString(word) {
			return variables, test
		}
		variables, test = append(variables, word), rest
	}
}

var assignment = regexp.MustCompile(`^[A-Z_]+=`)

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
