package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guidePackages are the packages that a guide's programs may use, by name.
// Which imap is meant differs between the two sides.
var guidePackages = map[string]string{
	"bytes": "bytes", "context": "context", "io": "io", "slices": "slices", "time": "time",
	"imapclient": "github.com/emersion/go-imap/v2/imapclient", "client": "github.com/emersion/go-imap/client",
}

// TestGuides compiles the programs of the migration guides: each comes twice,
// first for the other library, then for this one.
func TestGuides(t *testing.T) {
	for guide, theirs := range map[string]string{
		"from-go-imap-v1.md": "github.com/emersion/go-imap",
		"from-go-imap-v2.md": "github.com/emersion/go-imap/v2",
	} {
		t.Run(guide, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "docs", guide))
			if err != nil {
				t.Fatal(err)
			}
			blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1)
			if len(blocks) < 10 || len(blocks)%2 != 0 {
				t.Fatalf("%d programs: each should come twice", len(blocks))
			}
			for side, path := range []string{theirs, "github.com/go-imaplib/imap"} {
				dir := t.TempDir()
				args := []string{"vet"}
				for i := side; i < len(blocks); i += 2 {
					file := filepath.Join(dir, fmt.Sprintf("program%d.go", i))
					if err := os.WriteFile(file, guideFile(blocks[i][1], path), 0o600); err != nil {
						t.Fatal(err)
					}
					args = append(args, file)
				}
				if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", path, err, out)
				}
			}
		})
	}
}

// guideFile is a program as a file, with the imports that it needs.
func guideFile(program []byte, imapPath string) []byte {
	var used []string
	for _, m := range regexp.MustCompile(`\b([a-z]+[a-z0-9]*)\.[A-Z]`).FindAllSubmatch(program, -1) {
		path := guidePackages[string(m[1])]
		if string(m[1]) == "imap" {
			path = imapPath
		}
		if path != "" && !slices.Contains(used, path) {
			used = append(used, path)
		}
	}
	file := []byte("package programs\n")
	for _, path := range used {
		file = fmt.Appendf(file, "import %q\n", path)
	}
	return append(file, program...)
}

// TestGuideNames looks for the names of the other library that the first column of a guide gives.
func TestGuideNames(t *testing.T) {
	for guide, packages := range map[string][]string{
		"from-go-imap-v1.md": {"github.com/emersion/go-imap/client", "github.com/emersion/go-imap"},
		"from-go-imap-v2.md": {"github.com/emersion/go-imap/v2/imapclient", "github.com/emersion/go-imap/v2"},
	} {
		var manual strings.Builder
		for _, p := range packages {
			out, err := exec.Command("go", "doc", "-all", p).Output()
			if err != nil {
				t.Fatal(err)
			}
			manual.Write(out)
		}
		text, err := os.ReadFile(filepath.Join("..", "docs", guide))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|")
			if !strings.HasPrefix(line, "| ") || len(cells) < 4 {
				continue
			}
			for _, m := range regexp.MustCompile("`(?:Client|client|imapclient|imap)\\.([A-Z]\\w+)[^`…]*`").FindAllStringSubmatch(cells[1], -1) {
				n++
				if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(manual.String()) {
					t.Errorf("%s: there is no %s", guide, m[1])
				}
			}
		}
		if n < 15 {
			t.Errorf("%s: %d names", guide, n)
		}
	}
}
