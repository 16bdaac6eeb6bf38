package quirks_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of this file are deviations of the real servers of internal/interop.

// TestNoSuchNumbers: Dovecot refuses sequence numbers that do not exist, and so 1:* in an empty mailbox. That is not an
// error if none of them can exist.
func TestNoSuchNumbers(t *testing.T) {
	const empty = `
		C: $ SELECT Empty
		S: * 0 EXISTS
		S: $ OK [READ-WRITE] selected
	`
	const refuse = "\nS: $ BAD Invalid messageset\n"
	c := testkit.LoggedIn(t, empty+
		"C: $ FETCH 1:* (UID FLAGS)"+refuse+
		"C: $ FETCH 1:* (UID BODY.PEEK[])"+refuse+
		`C: $ STORE 1:* +FLAGS (\Seen)`+refuse+
		"C: $ COPY 1:* Other"+refuse+
		"C: $ MOVE * Other"+refuse+
		"C: $ COPY 1:* Missing\nS: $ NO [TRYCREATE] no such mailbox\n"+
		"C: $ FETCH 1:* (UID)\nS: * 1 EXISTS"+refuse+
		"C: $ FETCH 1:* (UID)"+refuse+
		"C: $ FETCH 2:9 (UID)"+refuse+
		"C: $ FETCH 1:9 (UID)"+refuse)
	ctx := t.Context()
	_, err := c.Select(ctx, "Empty", nil)
	require.NoError(t, err)
	all := imap.SeqRange(1, 0)
	got, err := imap.Collect(c.Fetch(ctx, all, imap.FetchFlags))
	require.NoError(t, err)
	require.Empty(t, got)
	for range c.FetchStream(ctx, all, imap.Section{}) {
		t.Fatal("a message in an empty mailbox")
	}
	_, err = c.Store(ctx, all, imap.AddFlags(imap.FlagSeen), nil)
	require.NoError(t, err)
	_, err = c.Copy(ctx, all, "Other")
	require.NoError(t, err)
	_, err = c.Move(ctx, imap.SeqSet{{}}, "Other")
	require.NoError(t, err)
	_, err = c.Copy(ctx, all, "Missing")
	require.Equal(t, imap.CodeTryCreate, imap.CodeOf(err), "what the server says of something else stays an error")

	_, err = imap.Collect(c.Fetch(ctx, all))
	require.Error(t, err, "the server said that there is one, then refused")
	_, err = imap.Collect(c.Fetch(ctx, all))
	require.Error(t, err, "now it has a message")
	_, err = imap.Collect(c.Fetch(ctx, imap.SeqRange(2, 9)))
	require.NoError(t, err)
	_, err = imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 9)))
	require.Error(t, err, "one of them is there")
}

// TestStoreByNumberReturnsFlags: no server sends a UID with the new flags unless UID STORE was used.
func TestStoreByNumberReturnsFlags(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ STORE 1:2 +FLAGS (\Seen)
		S: * 3 FETCH (FLAGS (\Deleted))
		S: * 1 FETCH (FLAGS (\Seen))
		S: * 2 FETCH (FLAGS (\Seen) UID 12)
		S: $ OK done
	`)
	res, err := c.Store(t.Context(), imap.SeqRange(1, 2), imap.AddFlags(imap.FlagSeen), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 2)
	assert.EqualValues(t, 1, res.Messages[0].SeqNum)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, res.Messages[0].Flags)
	assert.EqualValues(t, 12, res.Messages[1].UID)
	events := c.Events()
	require.Len(t, events, 1, "what somebody else changed")
	assert.EqualValues(t, 3, events[0].(*imap.FetchEvent).Message.SeqNum)
}

// TestResponseRemembersSelect: imaplib's response() returns the data of SELECT.
func TestResponseRemembersSelect(t *testing.T) {
	c := testkit.LoggedIn(t, `
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: * 2 RECENT
		S: * FLAGS (\Seen)
		S: * OK [UIDVALIDITY 7] ok
		S: * OK [PERMANENTFLAGS (\Seen \*)] ok
		S: $ OK [READ-WRITE] selected
	`)
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	for name, want := range map[string]string{"EXISTS": "5", "recent": "2", "FLAGS": `(\Seen)`, "UIDVALIDITY": "7",
		"PERMANENTFLAGS": `(\Seen \*)`, "READ-WRITE": ""} {
		got, ok := c.LastData(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	_, ok := c.LastData("UIDNEXT")
	assert.False(t, ok)
}
