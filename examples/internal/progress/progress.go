// Package progress shows the progress of a program in one line of a terminal.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Bar is a line that is rewritten.
type Bar struct {
	w    io.Writer // nil: nothing is shown
	name string
	last string
}

// New returns a bar on standard error, which shows nothing if that is not a terminal.
func New(name string) *Bar {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &Bar{}
	}
	return &Bar{w: os.Stderr, name: name}
}

// Set shows how many of all are done.
func (b *Bar) Set(done, total uint64) {
	const width = 40
	full := width
	if total > 0 {
		full = int(width * min(done, total) / total)
	}
	line := fmt.Sprintf("\r%s [%s%s] %d/%d", b.name, strings.Repeat("=", full), strings.Repeat(" ", width-full), done, total)
	if b.w != nil && line != b.last {
		fmt.Fprint(b.w, line)
		b.last = line
	}
}

// Clear removes the line.
func (b *Bar) Clear() {
	if b.last != "" {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", len(b.last)))
		b.last = ""
	}
}
