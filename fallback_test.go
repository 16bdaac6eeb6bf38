package imap_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMoveFallback: nothing is deleted before the copies are acknowledged, and nothing but what was named.
func TestMoveFallback(t *testing.T) {
	const greeting = "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hi"
	const open = `
		C: $ SELECT a
		S: $ OK
	`
	t.Run("success", func(t *testing.T) {
		c := testkit.DialScript(t, greeting, open+`
			C: $ UID COPY 5:6 b
			S: $ OK [COPYUID 9 5:6 1:2] done
			C: $ UID STORE 5:6 +FLAGS.SILENT (\Deleted)
			S: $ OK
			C: $ UID EXPUNGE 5:6
			S: * 1 EXPUNGE
			S: * 1 EXPUNGE
			S: $ OK
		`)
		_, err := c.Select(t.Context(), "a", nil)
		require.NoError(t, err)
		res, err := c.Move(t.Context(), imap.UIDs(5, 6), "b")
		require.NoError(t, err)
		assert.Equal(t, imap.UIDs(1, 2), res.Dest)
	})
	t.Run("copy refused", func(t *testing.T) {
		c := testkit.DialScript(t, greeting, open+`
			C: $ UID COPY 5 b
			S: $ NO [TRYCREATE] no
			C: $ NOOP
			S: $ OK
		`)
		_, err := c.Select(t.Context(), "a", nil)
		require.NoError(t, err)
		res, err := c.Move(t.Context(), imap.UIDs(5), "b")
		assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
		assert.NotNil(t, res)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestUnselectFallback: without UNSELECT a mailbox that does not exist is examined.
func TestUnselectFallback(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ EXAMINE no-such-mailbox-3b7c1e90
		S: $ NO no such mailbox
	`)
	_, err := c.Select(t.Context(), "a", nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(t.Context()))
	assert.Equal(t, imap.Authenticated, c.State())
}
