package imap_test

import (
	"fmt"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTextOfMessagesInParts: a message is one text, with all that was asked for, where the server says the flags of all messages
// before it says what they consist of.
func TestTextOfMessagesInParts(t *testing.T) {
	const most = 20
	flags, rest, texts := "", "", ""
	for i := 1; i <= most; i++ {
		flags += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i, i)
		rest += fmt.Sprintf("S: * %d FETCH (UID %d BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1))\n", i, i)
		texts += fmt.Sprintf("S: * %d FETCH (UID %d BODY[1]<0> \"hello\")\n", i, i)
	}
	c := testkit.Offering(t, "", fmt.Sprintf("C: $ SELECT INBOX\nS: * %d EXISTS\nS: $ OK done\n", most)+
		"C: $ UID FETCH 1:20 (UID BODYSTRUCTURE FLAGS)\n"+flags+rest+"S: $ OK done\n"+
		"C: $ UID FETCH 1:20 (UID BODY.PEEK[1]<0.262148>)\n"+texts+"S: $ OK done\n")
	open(t, c, "INBOX")
	got, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDRange(1, most), &imap.TextOptions{Items: []imap.FetchItem{imap.FetchFlags}}))
	require.NoError(t, err)
	require.Len(t, got, most)
	for _, text := range got {
		assert.Equal(t, "hello", text.Text)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, text.Message.Flags)
	}
}
