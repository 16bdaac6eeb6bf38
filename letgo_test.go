package imap

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReaderKeepsNothing: when nobody reads, nothing of the last response is kept, nor what only a reader needs.
func TestReaderKeepsNothing(t *testing.T) {
	for name, call := range map[string]func(c *Client){
		"a command": func(c *Client) { require.NoError(t, c.Noop(context.Background())) },
		"a loop":    func(c *Client) { fetchAll(t, c, 10, FetchFlags, FetchEnvelope) },
		"a loop that is left": func(c *Client) {
			for range c.Fetch(context.Background(), UIDRange(1, 0), FetchEnvelope) {
				break
			}
		},
		"a stream that is left": func(c *Client) {
			for m := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchEnvelope, Section{}) {
				for range m.Bodies() {
					break
				}
				break
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, conn := cannedClient(t)
			conn.answer("UID FETCH", envelopeRows(10, 2))
			c.names.intern([]byte("$Keyword"))
			call(c)
			require.NoError(t, c.conn.LockRead(t.Context(), nil))
			assert.Equal(t, response{table: c.table}, c.resp)
			assert.Nil(t, c.names.recent)
			c.conn.UnlockRead()
		})
	}
}
