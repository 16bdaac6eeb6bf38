//go:build !race

package imap

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The race detector makes sync.Pool drop values at random, so allocations are counted without it.

// allocsOf counts the allocations of a call whose answer is data.
func allocsOf(t *testing.T, name, data string, call func(c *Client)) float64 {
	t.Helper()
	c, conn := cannedClient(t)
	conn.answer(name, data)
	call(c)
	return testing.AllocsPerRun(20, func() { call(c) })
}

// TestAllocations pins what the calls of every day allocate. A number that rises is a regression; one that falls is to be
// lowered here.
func TestAllocations(t *testing.T) {
	const rows = 1000
	for _, test := range []struct {
		what, name, data string
		call             func(c *Client)
		items            float64
		most             float64 // an item
	}{
		{"FETCH FLAGS", "UID FETCH", flagRows(rows), func(c *Client) { fetchAll(t, c, rows, FetchFlags) }, rows, 0.1},
		{"FETCH ENVELOPE", "UID FETCH", envelopeRows(rows, 2), func(c *Client) {
			fetchAll(t, c, rows, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
		}, rows, 0.35},
		{"FETCH BODYSTRUCTURE", "UID FETCH", structureRows(rows), func(c *Client) { fetchAll(t, c, rows, FetchBodyStructure) }, rows, 0.55},
		{"FETCH BODY[]", "UID FETCH", bodyRows(100, 20<<10), func(c *Client) { fetchAll(t, c, 100, Section{}) }, 100, 2.28},
		{"SEARCH", "UID SEARCH", searchNumbers(100_000, 10), func(c *Client) { searchAll(t, c, 100_000) }, 1, 35},
		{"ESEARCH", "UID SEARCH", searchRanges(100_000, 10), func(c *Client) { searchAll(t, c, 100_000) }, 1, 35},
		{"LIST", "LIST", listRows(rows), func(c *Client) {
			_, err := c.List(context.Background(), "", "*", nil)
			require.NoError(t, err)
		}, rows, 0.08},
		{"APPEND of 8 MiB", "", "", func(c *Client) { appendZeros(t, c, 8<<20) }, 1, 30},
		{"NOOP, pipelined", "", "", func(c *Client) { noopsPipelined(t, c, 100) }, 100, 5},
		{"NOOP, queued", "", "", func(c *Client) { noopsQueued(t, c, 100) }, 100, 0.35},
		{"NOOP", "", "", func(c *Client) { require.NoError(t, c.Noop(context.Background())) }, 1, 0},
	} {
		got := allocsOf(t, test.name, test.data, test.call) / test.items
		t.Logf("%s: %.2f", test.what, got)
		assert.LessOrEqual(t, got, test.most, test.what)
	}
}

// TestStreamAllocatesNothingForAMessage: attributes alone cost the same for any number of messages.
func TestStreamAllocatesNothingForAMessage(t *testing.T) {
	of := func(rows int) float64 {
		return allocsOf(t, "UID FETCH", flagRows(rows), func(c *Client) { fetchStreamAll(t, c, rows, FetchFlags) })
	}
	assert.InDelta(t, of(1000), of(3000), 2)
}
