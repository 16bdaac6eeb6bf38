package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCodeOfNoCommand: a code that belongs into a result, and comes when no command has one, is no event.
func TestCodeOfNoCommand(t *testing.T) {
	c := testkit.Offering(t, "", "C: $ NOOP\nS: * OK [COPYUID 1 2 3] copied\nS: * OK [APPENDUID 1 2] added\nS: $ OK done\n")
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Empty(t, c.Events())
}
