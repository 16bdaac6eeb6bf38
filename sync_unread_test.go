package imap_test

import (
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const resyncing = `
	C: $ ENABLE QRESYNC
	S: * ENABLED QRESYNC
	S: $ OK done
	C: $ SELECT INBOX (QRESYNC (7 40 1:3,5,9))
	S: * OK [UIDVALIDITY 7] ok
`

const changedByFetch = `
	C: $ UID SEARCH ALL
	S: * SEARCH 1 2 3 5 9
	S: $ OK done
	C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
	S: * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
	S: * 5 FETCH (UID 9 FLAGS () MODSEQ (60))
	S: $ OK done
`

const selectedPlain = `
	C: $ SELECT INBOX
	S: * 5 EXISTS
	S: * OK [UIDVALIDITY 7] ok
	S: $ OK done
`

const selectedSince = `
	C: $ SELECT INBOX (CONDSTORE)
	S: * 5 EXISTS
	S: * OK [UIDVALIDITY 7] ok
	S: * OK [HIGHESTMODSEQ 60] ok
	S: $ OK done
	C: $ UID SEARCH ALL
	S: * SEARCH 1 2 3 5 9
	S: $ OK done
	C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
	S: * 1 FETCH (UID 1 FLAGS () MODSEQ (50))
`

// TestSyncOfPartialAnswers: what was not heard is not known. Nothing that a server leaves out, or that cannot be read, is
// taken for a message that is gone or unchanged; it is asked for again, and at last an error, beside a state that asks for
// it another time.
func TestSyncOfPartialAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		caps, script string
		fresh, gone  string
		changed      []imap.UID
		uids         string
		modSeq       uint64
		unread       string // the UIDs of an UnreadError
		fails        bool
	}{
		"QRESYNC, a row that cannot be read": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * 3 FETCH (FLAGS (a"b \Seen UID 3)
			S: * 5 FETCH (UID 9 FLAGS () MODSEQ (60))
			S: $ OK done
		` + changedByFetch, changed: []imap.UID{3, 9}, uids: "1:3,5,9", modSeq: 60},
		"QRESYNC, a row without flags": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * 3 FETCH (UID 3 MODSEQ (50))
			S: $ OK done
		` + changedByFetch, changed: []imap.UID{3, 9}, uids: "1:3,5,9", modSeq: 60},
		"QRESYNC, a part by its own word": {caps: "ENABLE CONDSTORE QRESYNC MESSAGELIMIT=1", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * 5 FETCH (UID 9 FLAGS () MODSEQ (60))
			S: $ OK [MESSAGELIMIT 1 9] done
		` + changedByFetch, changed: []imap.UID{3, 9}, uids: "1:3,5,9", modSeq: 60},
		"QRESYNC, a VANISHED that cannot be read": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * VANISHED (EARLIER) 2,
			S: * 5 FETCH (UID 12 FLAGS () MODSEQ (60))
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 3 5 9 12
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
			S: * 5 FETCH (UID 12 FLAGS () MODSEQ (60))
			S: $ OK done
		`, fresh: "12", gone: "2", uids: "1,3,5,9,12", modSeq: 60},
		"QRESYNC, VANISHED in parts": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 2 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * VANISHED (EARLIER) 5
			S: * VANISHED (EARLIER) 2:3
			S: $ OK done
		`, gone: "2:3,5", uids: "1,9", modSeq: 60},
		"QRESYNC, no EXISTS": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * OK [HIGHESTMODSEQ 60] ok
			S: $ OK done
		` + changedByFetch, changed: []imap.UID{3, 9}, uids: "1:3,5,9", modSeq: 60},
		"QRESYNC, mod-sequences that began anew": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 20] ok
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS ())
			S: * 3 FETCH (UID 3 FLAGS ())
			S: * 4 FETCH (UID 5 FLAGS ())
			S: * 5 FETCH (UID 9 FLAGS ())
			S: $ OK done
		`, changed: []imap.UID{1, 2, 3, 5, 9}, uids: "1:3,5,9", modSeq: 20},
		"QRESYNC, a change behind the answer": {caps: "ENABLE CONDSTORE QRESYNC", script: resyncing + `
			S: * 5 EXISTS
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: * OK [HIGHESTMODSEQ 70] changed meanwhile
			S: $ OK done
		`, changed: []imap.UID{3}, uids: "1:3,5,9", modSeq: 60},
		"fewer rows than messages": {script: selectedPlain + `
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 4 FETCH (UID 5 FLAGS ())
			S: * 5 FETCH (UID 9 FLAGS ())
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 3 5 9 12
			S: $ OK done
			C: $ UID FETCH 1,3 (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 3 FLAGS (\Seen))
			S: $ OK done
		`, fresh: "12", gone: "2", changed: []imap.UID{5, 9, 1, 3}, uids: "1,3,5,9,12"},
		"a part by its own word": {caps: "MESSAGELIMIT=2", script: selectedPlain + `
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 4 FETCH (UID 5 FLAGS ())
			S: * 5 FETCH (UID 9 FLAGS ())
			S: $ OK [MESSAGELIMIT 2 5] a part
			C: $ UID FETCH 1:4 (UID FLAGS)
			S: * 3 FETCH (UID 3 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS ())
			S: $ OK [MESSAGELIMIT 2 2] a part
			C: $ UID FETCH 1 (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: $ OK done
		`, changed: []imap.UID{5, 9, 3, 2, 1}, uids: "1:3,5,9"},
		"a row that cannot be read, at last": {script: selectedPlain + `
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS (a"b \Seen)
			S: * 3 FETCH (UID 3 FLAGS ())
			S: * 4 FETCH (UID 5 FLAGS ())
			S: * 5 FETCH (UID 9 FLAGS ())
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3 5 9
			S: $ OK done
			C: $ UID FETCH 2 (UID FLAGS)
			S: * 2 FETCH (UID 2 FLAGS (a"b \Seen)
			S: $ OK done
			C: $ UID SEARCH UID 2
			S: * SEARCH 2
			S: $ OK done
		`, changed: []imap.UID{1, 3, 5, 9}, uids: "1:3,5,9", unread: "2"},
		"CONDSTORE, a row that can be read later": {caps: "CONDSTORE", script: selectedSince + `
			S: * 2 FETCH (UID 2 FLAGS (a"b \Seen)
			S: $ OK done
			C: $ UID FETCH 2 (UID FLAGS)
			S: * 2 FETCH (UID 2 FLAGS (\Seen))
			S: $ OK done
		`, changed: []imap.UID{1, 2}, uids: "1:3,5,9", modSeq: 60},
		"CONDSTORE, a row that cannot be read": {caps: "CONDSTORE", script: selectedSince + `
			S: * 2 FETCH (UID 2 FLAGS (a"b \Seen)
			S: $ OK done
			C: $ UID FETCH 2 (UID FLAGS)
			S: $ OK done
			C: $ UID SEARCH UID 2
			S: * SEARCH 2
			S: $ OK done
		`, changed: []imap.UID{1}, uids: "1:3,5,9", modSeq: 40, unread: "2"},
		"CONDSTORE, a row that cannot be read, of a message that goes": {caps: "CONDSTORE", script: selectedSince + `
			S: * 2 FETCH (UID 2 FLAGS (a"b \Seen)
			S: $ OK done
			C: $ UID FETCH 2 (UID FLAGS)
			S: * 2 EXPUNGE
			S: $ OK done
			C: $ UID SEARCH UID 2
			S: * SEARCH
			S: $ OK done
		`, gone: "2", changed: []imap.UID{1}, uids: "1,3,5,9", modSeq: 60},
		"NO with a part of the rows": {caps: "CONDSTORE", script: selectedSince + `
			S: $ NO some failed
		`, fails: true},
		"a search that is short, once": {script: `
			C: $ SELECT INBOX
			S: * 3 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS)
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 9
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 10 11 12
			S: $ OK done
		`, fresh: "10:12", gone: "1:3,5,9", uids: "10:12"},
		"all that is short": {script: selectedPlain + `
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 5 FETCH (UID 9 FLAGS ())
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 9
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 9
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 9
			S: $ OK done
			C: $ UID FETCH 1:* (UID)
			S: * 5 FETCH (UID 9)
			S: $ OK done
		`, fails: true},
		"a row that cannot be read, and one of a message that goes": {script: selectedPlain + `
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 5 FETCH (UID 9 FLAGS ())
			S: * 5 EXPUNGE
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 2 FLAGS ((\Seen)
			S: * 3 FETCH (UID 3 FLAGS ())
			S: * 4 FETCH (UID 5 FLAGS ())
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3 5
			S: $ OK done
			C: $ UID FETCH 2 (UID FLAGS)
			S: * 2 FETCH (UID 2 FLAGS (\Seen))
			S: $ OK done
		`, gone: "9", changed: []imap.UID{1, 3, 5, 2}, uids: "1:3,5"},
		"mail that comes and goes meanwhile": {caps: "CONDSTORE", script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 40] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3 5 9
			S: * 2 EXPUNGE
			S: * 7 EXISTS
			S: $ OK done
		`, uids: "1:3,5,9", modSeq: 40},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, test.caps, test.script+testkit.OnlyNoop)
			res, err := c.Sync(testkit.Context(t), "INBOX", heldBefore, nil)
			defer testkit.RequireNothingSent(t, c)
			if test.fails {
				require.Error(t, err)
				assert.Nil(t, res)
				return
			}
			unread, _ := errors.AsType[*imap.UnreadError](err)
			if test.unread == "" {
				require.NoError(t, err)
			} else {
				require.NotNil(t, unread, "%v", err)
				assert.Equal(t, test.unread, unread.UIDs.String())
				assert.Contains(t, err.Error(), "1 messages")
			}
			assert.Equal(t, test.fresh, res.New.String())
			assert.Equal(t, test.gone, res.Vanished.String())
			var changed []imap.UID
			for _, m := range res.Changed {
				changed = append(changed, m.UID)
			}
			assert.Equal(t, test.changed, changed)
			assert.Equal(t, test.uids, res.State.UIDs.String())
			assert.Equal(t, test.modSeq, res.State.HighestModSeq)
		})
	}
}
