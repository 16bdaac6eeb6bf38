package faults_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlowReaderOfABody: the time between two reads of a body does not count as silence of the server, at the beginning of
// a body, in its middle or at its end (P6).
func TestSlowReaderOfABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 300_000
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 1:2 (UID BODY.PEEK[])")
			for i := range 2 {
				h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n", i+1, i+1, size)
				h.Put("%s", strings.Repeat("x", size))
				h.Send(")")
			}
			h.Send("%s OK done", tag)
		})
		total := 0
		for m, err := range c.FetchStream(t.Context(), imap.UIDRange(1, 2), imap.Section{}) {
			require.NoError(t, err)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				for buf := make([]byte, 10_000); ; {
					time.Sleep(10 * time.Minute)
					n, err := b.Read(buf)
					total += n
					if err == io.EOF {
						break
					}
					require.NoError(t, err)
				}
			}
		}
		assert.Equal(t, 2*size, total)
	})
}
