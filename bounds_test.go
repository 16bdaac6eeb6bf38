package imap

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unread returns how many bytes of the answers were not read yet.
func (c *cannedConn) unread() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.queue {
		n += len(b)
	}
	return n
}

// TestSuspendedLoopHoldsMaxBuffered: for a suspended loop the client reads no more than MaxBuffered, one batch of rows and what
// fits in its buffer, also after the loop has taken rows from a full queue.
func TestSuspendedLoopHoldsMaxBuffered(t *testing.T) {
	const rows, size, limit = 1000, 10 << 10, 512 << 10
	conn := newCannedConn()
	ctx := context.Background()
	c, err := NewClient(ctx, conn, &Options{MaxBuffered: limit})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	var answer strings.Builder
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i, i, size, strings.Repeat("x", size))
	}
	conn.answer("UID FETCH", answer.String())
	row := answer.Len() / rows
	most, n := 0, 0
	for _, err := range c.Fetch(ctx, UIDRange(1, rows), Section{}) {
		require.NoError(t, err)
		n++
		if err := c.Noop(ctx); err != nil {
			require.ErrorIs(t, err, ErrBusy)
			most = max(most, answer.Len()-conn.unread()-n*row)
		}
	}
	assert.Equal(t, rows, n)
	t.Logf("%d KiB of rows that were not yielded", most>>10)
	assert.Greater(t, most, limit-row)
	assert.Less(t, most, limit+batchSize+128<<10+2*row)
}

// TestPlainRowsBehindNoop: rows are plain also while an earlier command without an answer of its own is open.
func TestPlainRowsBehindNoop(t *testing.T) {
	c, _ := cannedClient(t)
	op := c.newFetch(target{set: UIDRange(1, 0)}, []FetchItem{FetchFlags})
	op.encodeItems(c.e.newEncoder(), []FetchItem{FetchFlags})
	row := []byte(`* 1 FETCH (UID 7 FLAGS (\Seen))` + "\r\n")
	noop, status := &command{name: "NOOP"}, &command{name: "STATUS", answer: &noData{}}
	for _, test := range []struct {
		inflight []*command
		plain    bool
	}{
		{nil, false},
		{[]*command{noop}, false},
		{[]*command{status, op.command}, false}, // the data of another answer comes first
		{[]*command{noop, noop, op.command}, true},
	} {
		c.e.inflight = test.inflight
		taker := c.e.plainTaker()
		assert.Equal(t, test.plain, c.e.offerPlain(&taker, row), "%d commands", len(test.inflight))
	}
	c.e.inflight = nil
	require.Len(t, op.ready, 1)
	assert.EqualValues(t, 7, op.ready[0].m.UID)
}

// TestSmallSearchResultHoldsNoMore: a result that is kept, as that of Sync in a state, is not larger than its ranges.
func TestSmallSearchResultHoldsNoMore(t *testing.T) {
	c, conn := cannedClient(t)
	for _, data := range []string{"* ESEARCH UID ALL 7,9:11\r\n", "* SEARCH 7 9 10 11\r\n"} {
		conn.answer("UID SEARCH", data)
		found, err := c.Search(context.Background(), Where(), nil)
		require.NoError(t, err)
		require.Equal(t, "7,9:11", found.UIDs.String())
		assert.LessOrEqual(t, cap(found.UIDs), 4)
	}
}
