package imap

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless repeats a response for as long as it is asked for, and gives a command up when that has begun.
type endless struct {
	*cannedConn
	response []byte
	left     int64 // bytes that are still to come
	begun    context.CancelFunc
	peak     uint64
	reads    int
}

func (e *endless) Read(b []byte) (int, error) {
	e.mu.Lock()
	busy := e.left > 0 && len(e.queue) > 0 && string(e.queue[0]) == "endless"
	e.mu.Unlock()
	if !busy {
		return e.cannedConn.Read(b)
	}
	if e.begun != nil {
		e.begun()
	}
	if e.reads++; e.reads%200 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapAlloc)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n := copy(b, e.response)
	e.response = append(e.response[n:], e.response[:n]...)
	if e.left -= int64(n); e.left <= 0 {
		e.queue = e.queue[1:]
	}
	return n, nil
}

// TestAbandonedAnswerIsNotKept: P21. The answer to a command that was given up is read within a fixed memory, be it of one
// response or of many.
func TestAbandonedAnswerIsNotKept(t *testing.T) {
	const size, most = 32 << 20, 16 << 20
	long := strings.Repeat("x", 20000)
	for name, test := range map[string]struct {
		command, response string
		call              func(ctx context.Context, c *Client) error
	}{
		"GETACL": {"GETACL", "* ACL Box u" + long + " lr\r\n", func(ctx context.Context, c *Client) error { _, err := c.GetACL(ctx, "Box"); return err }},
		"LIST":   {"LIST", "* LIST () \"/\" " + long[:500] + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.List(ctx, "", "*", nil); return err }},
		"SEARCH": {"UID SEARCH", "* SEARCH" + strings.Repeat(" 1 3 5 7 9", 2000) + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, Where(), nil); return err }},
		"Do":     {"XDO", "* XDATA " + long + "\r\n", func(ctx context.Context, c *Client) error { _, err := c.Do(ctx, "XDO"); return err }},
		"FETCH": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			_, err := Collect(c.Fetch(ctx, UIDs(7, 8), Section{}))
			return err
		}},
		"FETCH, left": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			for range c.Fetch(context.Background(), UIDs(7, 8), Section{}) {
				break
			}
			return context.Canceled
		}},
		"FetchStream, left": {"UID FETCH", fmt.Sprintf("* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			for range c.FetchStream(context.Background(), UIDs(7, 8), Section{}) {
				break
			}
			return context.Canceled
		}},
		"METADATA": {"GETMETADATA", fmt.Sprintf("* METADATA Box (/shared/comment {%d}\r\n%s)\r\n", len(long), long), func(ctx context.Context, c *Client) error {
			_, err := c.GetMetadata(ctx, "Box", "/shared/comment")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &endless{cannedConn: newCannedConn()}
			c, err := NewClient(context.Background(), conn, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Select(context.Background(), "INBOX", nil)
			require.NoError(t, err)
			c.caps, c.capsKnown = parseCaps("IMAP4rev1 ACL METADATA", extensions.implied), true
			ctx, cancel := context.WithCancel(context.Background())
			conn.response, conn.left, conn.begun = []byte(test.response), size/int64(len(test.response))*int64(len(test.response)), cancel
			conn.answer(test.command, "endless")
			require.ErrorIs(t, test.call(ctx, c), context.Canceled)
			require.NoError(t, c.Noop(context.Background()))
			require.Zero(t, max(conn.left, 0))
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			grown := int64(conn.peak) - int64(m.HeapAlloc)
			t.Logf("%d KiB more than afterwards, at most", grown>>10)
			assert.Positive(t, conn.peak)
			assert.Less(t, grown, int64(most))
		})
	}
}
