package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSearchSeqInParts checks that the numbers of the last part of a search are in the result too.
func TestSearchSeqInParts(t *testing.T) {
	c := testkit.Selected(t, `
C: $ SEARCH ALL
S: * SEARCH 2 3 4
S: $ OK [MESSAGELIMIT 3 4] not all
C: $ SEARCH UID 1:3
S: * SEARCH 1
S: $ OK done
`)
	res, err := c.SearchSeq(testkit.Context(t), imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, "1:4", res.Seqs.String())
	assert.EqualValues(t, 4, res.Count)
	assert.EqualValues(t, 1, res.Min)
	assert.EqualValues(t, 4, res.Max)
}
