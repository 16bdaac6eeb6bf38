package imap

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGuideNames: the names that the tables of the guides give are there, with those of methods and fields.
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
