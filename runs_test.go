package imap

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shortLines is a client that takes no line of more than some KiB.
func shortLines(t *testing.T) (*Client, *cannedConn) {
	c, conn := cannedClient(t)
	c.conn.Limits.MaxLine = 40 << 10
	return c, conn
}

// TestLongSearchResults: results are read on beyond MaxLine, in whatever pieces they come.
func TestLongSearchResults(t *testing.T) {
	const n = 30_000
	ranges := strings.TrimSuffix(strings.TrimPrefix(searchRanges(n, 3), "* ESEARCH UID ALL "), "\r\n")
	plain := strings.TrimSuffix(searchNumbers(n, 3), "\r\n")
	for name, answer := range map[string]string{
		"numbers":          plain,
		"modseq":           plain + " (MODSEQ 77)",
		"two lines":        plain + "\r\n" + searchNumbers(10, 1)[:len(searchNumbers(10, 1))-2],
		"extended":         "* ESEARCH UID ALL " + ranges,
		"items around":     fmt.Sprintf("* ESEARCH (TAG \"A2\") UID COUNT %d ALL %s MODSEQ 77", n, ranges),
		"lower case, tabs": strings.ReplaceAll(strings.Replace(plain, "SEARCH", "search", 1), " 1003", "\t1003"),
	} {
		for _, piece := range []int{0, 1, 1000, 16 << 10} {
			t.Run(fmt.Sprint(name, " by ", piece), func(t *testing.T) {
				c, conn := shortLines(t)
				conn.answer("UID SEARCH", answer+"\r\n")
				conn.piece = piece
				for range 2 { // the client is well afterwards
					answer := strings.ReplaceAll(answer, "A2", fmt.Sprint("A", c.tags+1))
					conn.answer("UID SEARCH", answer+"\r\n")
					res, err := c.Search(context.Background(), Where(), nil)
					require.NoError(t, err)
					assert.EqualValues(t, n, res.Count)
					assert.EqualValues(t, n, res.UIDs.Len())
					assert.EqualValues(t, 1000, res.Min)
					assert.Equal(t, strings.Contains(answer, "MODSEQ"), res.ModSeq == 77)
					assert.True(t, res.UIDs.isNormal())
				}
			})
		}
	}
}

// TestLongSearchBySequenceNumber has its result in Seqs.
func TestLongSearchBySequenceNumber(t *testing.T) {
	c, conn := shortLines(t)
	conn.answer("SEARCH", searchNumbers(30_000, 5))
	res, err := c.SearchSeq(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 30_000, res.Seqs.Len())
	assert.Nil(t, res.UIDs)
}

// TestLongSearchResultsThatAreNone: what is no number costs the search, and what nobody asked for the connection once it
// is too long.
func TestLongSearchResultsThatAreNone(t *testing.T) {
	for _, answer := range []string{
		strings.Replace(searchNumbers(5000, 1), " 1200", " x", 1), strings.Replace(searchNumbers(5000, 1), " 5000", " 5000x", 1),
		searchNumbers(5000, 1)[:8+5*4000] + " 99999999999\r\n", strings.Replace(searchRanges(9000, 3), ",1400:", ",x:", 1),
	} {
		c, conn := shortLines(t)
		conn.answer("UID SEARCH", answer)
		_, err := c.Search(context.Background(), Where(), nil)
		var bad *ProtocolError
		require.ErrorAs(t, err, &bad, answer[:60])
		require.NoError(t, c.Noop(context.Background()))
	}
	c, conn := shortLines(t)
	conn.answer("NOOP", searchNumbers(30_000, 1))
	var limit *LimitError
	require.ErrorAs(t, c.Noop(context.Background()), &limit)
	assert.Equal(t, "MaxLine", limit.Name)
}

// TestLongSearchOfAnother: the ESEARCH of another tag is not taken.
func TestLongSearchOfAnother(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID SEARCH", strings.Replace(searchRanges(30_000, 1), "ESEARCH", `ESEARCH (TAG "other")`, 1)+"* SEARCH 7\r\n")
	res, err := c.Search(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, UIDs(7), res.UIDs)
}

func TestRunsAreBounded(t *testing.T) {
	s := runs{n: maxRuns - runsBlock, last: make([]Range[UID], runsBlock)}
	s.add(5)
	assert.True(t, s.over)
	assert.Error(t, s.err())
	assert.Len(t, s.last, runsBlock)
}

func TestRunsKeepBlocksInOrder(t *testing.T) {
	var s runs
	for i := range UID(3*runsBlock + 5) {
		s.add(2*i + 1)
	}
	s.add(2) // out of order
	set := s.set()
	assert.Len(t, set, 3*runsBlock+4)
	assert.Equal(t, Range[UID]{1, 3}, set[0])
	assert.True(t, set.isNormal())
}
