package state_test

import (
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSearchUpdatesDropped: the search is repeated after events were dropped, because they may include changes of the
// result.
func TestSearchUpdatesDropped(t *testing.T) {
	conn := imaptest.DialScript(t, `S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH IDLE] hi
C: $ SELECT INBOX
S: * 3 EXISTS
S: $ OK [READ-WRITE] done
C: A2 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A2") UID ALL 1:2
S: A2 OK done
C: $ IDLE
S: + idling
S: * 4 EXISTS
C: DONE
S: $ OK done
C: $ NOOP
S: * ESEARCH (TAG "A2") UID ADDTO (0 3)
S: * ESEARCH (TAG "A2") UID REMOVEFROM (0 2)
`+strings.Repeat("S: * 4 FETCH (FLAGS ())\n", 5000)+`S: $ OK done
C: $ CANCELUPDATE "A2"
S: $ OK done
C: A6 UID SEARCH RETURN (ALL UPDATE) ALL
S: * ESEARCH (TAG "A6") UID ALL 1,3
S: A6 OK done
C: $ IDLE
S: + idling
S: * ESEARCH (TAG "A6") UID ADDTO (0 9)
C: DONE
S: $ OK done
C: $ CANCELUPDATE "A6"
S: $ OK done
`)
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	var steps []*imap.SearchUpdate
	dropped := false
	for up, err := range c.SearchUpdates(ctx, imap.Where(), nil) {
		require.NoError(t, err)
		switch ev := up.Event.(type) {
		case nil:
			steps = append(steps, up)
		case *imap.ExistsEvent:
			if ev.Count == 4 {
				require.NoError(t, c.Noop(ctx))
			}
		case *imap.DroppedEvent:
			dropped = true
		}
		if len(steps) == 3 {
			break
		}
	}
	assert.True(t, dropped)
	assert.Equal(t, []*imap.SearchUpdate{
		{UIDs: []imap.UID{1, 2}, Added: []imap.UID{1, 2}},
		{UIDs: []imap.UID{1, 3}, Added: []imap.UID{3}, Removed: []imap.UID{2}},
		{UIDs: []imap.UID{1, 3, 9}, Added: []imap.UID{9}},
	}, steps)
}
