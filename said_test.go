package imap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestResponseWhenFull: the names that Response knows are bounded, and what is said under one of them stays the last.
func TestResponseWhenFull(t *testing.T) {
	var script strings.Builder
	script.WriteString("C: $ NOOP\nS: * FLAGS (\\Seen)\n")
	for i := range 300 {
		fmt.Fprintf(&script, "S: * X-NAME%d value %d\n", i, i)
	}
	script.WriteString("S: * FLAGS (\\Seen \\Flagged)\nS: $ OK done\n")
	c := testkit.Selected(t, script.String())
	require.NoError(t, c.Noop(t.Context()))
	for name, want := range map[string]string{"flags": `(\Seen \Flagged)`, "X-NAME7": "value 7"} {
		said, ok := c.Response(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, said, name)
	}
	_, ok := c.Response("X-NAME299")
	assert.False(t, ok)
}
