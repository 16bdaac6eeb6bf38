package mimetext

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fullWidth are characters of Shift_JIS-2004 that Python maps to narrow forms, because it reads 5C and 7E as a yen sign and
// an overline.
var fullWidth = map[string]string{"\x81\x5f": "＼", "\x81\xb0": "～"}

// TestCharactersOfTables reads every character that Python's codecs have: see testdata/charsets/generate.py.
func TestCharactersOfTables(t *testing.T) {
	for _, c := range []struct {
		name  string
		first int // last byte of the first character of a line
		count int
	}{{"johab", 0x31, 17065}, {"euc-jis-2004", 0xa1, 11233}, {"shift_jis-2004", 0x40, 11233}} {
		t.Run(c.name, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join("testdata", "charsets", c.name+".txt"))
			require.NoError(t, err)
			n := 0
			for line := range strings.Lines(string(file)) {
				lead, cells, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
				b, err := hex.DecodeString(lead)
				require.NoError(t, err)
				for i, want := range cellsOf(cells) {
					if want == " " {
						continue
					}
					n++
					in := string(b) + string([]byte{byte(c.first + i)})
					if text, ok := fullWidth[in]; ok && c.name == "shift_jis-2004" {
						want = text
					}
					if got := decodeWith(Lookup(c.name), in); got != want {
						t.Errorf("%x: %q, want %q", in, got, want)
					}
				}
			}
			assert.Equal(t, c.count, n)
		})
	}
}

// cellsOf splits a line of a table into its characters; a plus precedes one that is two in Unicode.
func cellsOf(line string) []string {
	var cells []string
	for all := []rune(line); len(all) > 0; {
		n := 1
		if all[0] == '+' {
			all, n = all[1:], 2
		}
		cells = append(cells, string(all[:n]))
		all = all[n:]
	}
	return cells
}

// TestSevenBitJIS2004 reads both planes of JIS X 0213 in ISO-2022-JP-3: the same characters as in EUC.
func TestSevenBitJIS2004(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"\x1b$(O\x2f\x7e\x1b(B.", decodeWith(Lookup("euc-jis-2004"), "\xaf\xfe") + "."},
		{"\x1b$(Q\x24\x77\x24\x22\x1b(B", "か\u309aあ"},
		{"\x1b$(P\x21\x21\x1b(B", "\U00020089"},
		{"\x1b$(P\x22\x21", "\uFFFD"},
	} {
		assert.Equal(t, c.want, decodeWith(Lookup("iso-2022-jp-3"), c.in), "%q", c.in)
	}
}
