package imap_test

import (
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fewer is a MOVE by COPY of UIDs 10 and 20 that copies only 10, according to the code.
func fewer(copyUID string) string {
	return `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID ` + copyUID + `] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 20
			S: * SEARCH 20
			S: $ OK done
	`
}

// TestMoveDeletesWhatWasCopied: without MOVE, exactly the copied messages are deleted, however the set is written and
// whatever the server reports, and the error names the messages that were copied and not deleted.
func TestMoveDeletesWhatWasCopied(t *testing.T) {
	const (
		found = `
			S: * SEARCH 10 20 30
			S: $ OK done
			C: $ UID COPY 10,20,30 b
			S: * 4 EXISTS
		`
		remove = `
			C: $ UID STORE 10,20,30 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10,20,30
			S: * 1 EXPUNGE
			S: * 1 EXPUNGE
			S: * 1 EXPUNGE
			S: $ OK done
		`
	)
	for name, test := range map[string]struct {
		next   string // UIDNEXT
		set    imap.NumSet
		script string
		copied string // of a MoveError
		left   string
		fails  bool
	}{
		"a range that can grow": {"50", imap.UIDRange(1, 1000), "C: $ UID SEARCH UID 1:1000" + found + "S: $ OK [COPYUID 9 10,20,30 1:3] done" + remove, "", "", false},
		"the same, no COPYUID":  {"50", imap.UIDRange(1, 1000), "C: $ UID SEARCH UID 1:1000" + found + "S: $ OK done" + remove, "", "", false},
		"an open range":         {"50", imap.UIDRange(5, 0), "C: $ UID SEARCH UID 5:*" + found + "S: $ OK done" + remove, "", "", false},
		"what was saved":        {"50", imap.SavedResult, "C: $ UID SEARCH $" + found + "S: $ OK done" + remove, "", "", false},
		"numbers": {"50", imap.SeqRange(1, 3), `
			C: $ FETCH 1:3 (UID)
			S: * 1 FETCH (UID 10)
			S: * 2 FETCH (UID 20)
			S: * 3 FETCH (UID 30)
			S: $ OK done
			C: $ UID COPY 10,20,30 b
			S: $ OK done
		` + remove, "", "", false},
		"fewer copied, the others gone": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10 1] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 20
			S: * SEARCH
			S: $ OK done
		`, "", "", false},
		"fewer copied, the others there": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10 1] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 20
			S: * SEARCH 20
			S: $ OK done
		`, "", "20", true},
		"sets that do not fit": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10 1:2] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 20
			S: * SEARCH 20
			S: $ OK done
		`, "", "20", true},
		"fewer destinations than sources": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10,20 1] done
		`, "", "", true},
		"NO with fewer destinations": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: * OK [COPYUID 9 10,20 1] copied
			S: $ NO no
		`, "", "", true},
		"others than were asked for": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 30,40 1:2] done
			C: $ UID SEARCH UID 10,20
			S: * SEARCH 10 20
			S: $ OK done
		`, "", "10,20", true},
		"nothing is known": {"", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK done
		`, "", "", true},
		"fewer copied, to unknown UIDs": {"50", imap.UIDs(10, 20), fewer("9 10 x"), "", "20", true},
		"fewer copied, to an open set":  {"50", imap.UIDs(10, 20), fewer("9 10 5:*"), "", "20", true},
		"fewer copied, to nothing":      {"50", imap.UIDs(10, 20), fewer("9 10"), "", "20", true},
		"nothing copied, the others there": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9  ] done
			C: $ UID SEARCH UID 10,20
			S: * SEARCH 10 20
			S: $ OK done
		`, "", "10,20", true},
		"nothing copied, the others gone": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9  ] done
			C: $ UID SEARCH UID 10,20
			S: * SEARCH
			S: $ OK done
		`, "", "", false},
		"a code that cannot be parsed": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 1O 1] done
		`, "", "", true},
		"a code without arguments": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: * OK [COPYUID] x
			S: $ OK done
		`, "", "", true},
		"a part": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [MESSAGELIMIT 1 20] a part
			C: $ UID STORE 20 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 20
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID COPY 10 b
			S: $ OK done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: * 1 EXPUNGE
			S: $ OK done
		`, "", "", false},
		"STORE is refused": {"50", imap.UIDs(10), `
			C: $ UID COPY 10 b
			S: $ OK [COPYUID 9 10 1] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ NO [NOPERM] no
		`, "10", "", true},
		"EXPUNGE is refused": {"50", imap.UIDs(10), `
			C: $ UID COPY 10 b
			S: $ OK [COPYUID 9 10 1] done
			C: $ UID STORE 10 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10
			S: $ NO [NOPERM] no
		`, "10", "", true},
		"EXPUNGE has no effect": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10,20 1:2] done
			C: $ UID STORE 10,20 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10,20
			S: * 1 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 10,20
			S: * SEARCH 20
			S: $ OK done
		`, "20", "", true},
		"EXPUNGE of others": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10,20 1:2] done
			C: $ UID STORE 10,20 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10,20
			S: * VANISHED 10,30
			S: $ OK done
			C: $ UID SEARCH UID 10,20
			S: * SEARCH 20
			S: $ OK done
		`, "20", "", true},
		"EXPUNGE reports nothing": {"50", imap.UIDs(10, 20), `
			C: $ UID COPY 10,20 b
			S: $ OK [COPYUID 9 10,20 1:2] done
			C: $ UID STORE 10,20 +FLAGS.SILENT (\Deleted)
			S: $ OK done
			C: $ UID EXPUNGE 10,20
			S: $ OK done
		`, "", "", false},
		"NO with a COPYUID": {"50", imap.UIDs(10), `
			C: $ UID COPY 10 b
			S: * OK [COPYUID 9 10 1] copied
			S: $ NO [MESSAGELIMIT 1 10] too many
		`, "10", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			next := ""
			if test.next != "" {
				next = "S: * OK [UIDNEXT " + test.next + "] ok\n"
			}
			c := testkit.Offering(t, "UIDPLUS SEARCHRES", "C: $ SELECT INBOX\nS: * 3 EXISTS\n"+next+"S: $ OK done\n"+test.script+"\n"+testkit.OnlyNoop)
			testkit.Open(t, c, "INBOX")
			_, err := c.Move(testkit.Context(t), test.set, "b")
			if !test.fails {
				require.NoError(t, err)
			} else {
				e, ok := errors.AsType[*imap.MoveError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, test.copied, e.Copied.String())
				assert.Equal(t, test.left, e.Left.String())
				assert.False(t, imap.SafeToRetry(err))
				assert.NotEmpty(t, e.Error())
			}
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestMoveFallback: nothing is deleted before the copies are acknowledged, and only what was named.
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

// TestMoveWithoutDeleted: in a mailbox that does not store \Deleted, an OK without EXPUNGE does not prove that a message is gone.
func TestMoveWithoutDeleted(t *testing.T) {
	for _, removed := range []string{"", "S: * 9 EXPUNGE\nS: * 8 EXPUNGE\n"} { // those of others
		c := testkit.Offering(t, "UIDPLUS", `
			C: $ SELECT a
			S: * 9 EXISTS
			S: * OK [PERMANENTFLAGS (\Seen)] x
			S: $ OK
			C: $ UID COPY 5:6 b
			S: $ OK [COPYUID 9 5:6 1:2] done
			C: $ UID STORE 5:6 +FLAGS.SILENT (\Deleted)
			S: $ OK
			C: $ UID EXPUNGE 5:6
			`+removed+`S: $ OK
			C: $ UID SEARCH UID 5:6
			S: * SEARCH 5 6
			S: $ OK
		`)
		testkit.Open(t, c, "a")
		_, err := c.Move(t.Context(), imap.UIDs(5, 6), "b")
		var moved *imap.MoveError
		require.ErrorAs(t, err, &moved)
		assert.Equal(t, imap.UIDRange(5, 6), moved.Copied)
	}
}

// TestCopyUIDTwice: a COPYUID that comes untagged and again in the tagged response counts once, however its sets are written.
func TestCopyUIDTwice(t *testing.T) {
	for _, again := range []string{"9 1,2 7,8", "9 1:2 7:8", "9 1:2 7,8"} {
		c := testkit.Offering(t, "MOVE", `
			C: $ SELECT INBOX
			S: * 2 EXISTS
			S: $ OK done
			C: $ UID MOVE 1:2 b
			S: * OK [COPYUID 9 1,2 7,8] moved
			S: $ OK [COPYUID `+again+`] done
		`)
		testkit.Open(t, c, "INBOX")
		res, err := c.Move(testkit.Context(t), imap.UIDRange(1, 2), "b")
		require.NoError(t, err)
		assert.EqualValues(t, 2, res.Source.Len(), again)
		assert.EqualValues(t, 2, res.Dest.Len(), again)
	}
}
