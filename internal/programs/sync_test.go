package programs_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var heldBefore = imap.SyncState{UIDValidity: 7, HighestModSeq: 40, UIDs: imap.UIDs(1, 2, 3, 5, 9)}

// TestSync: the commands sent to each kind of server, and the results of the answers.
func TestSync(t *testing.T) {
	for name, test := range map[string]struct {
		caps, script string
		state        imap.SyncState
		fresh, gone  string
		changed      []imap.UID
		reset        bool
		uids         string
		modSeq       uint64
	}{
		"QRESYNC": {caps: "ENABLE CONDSTORE QRESYNC", state: heldBefore, script: `
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
			C: $ SELECT INBOX (QRESYNC (7 40 1:3,5,9))
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * VANISHED (EARLIER) 2,4,6:8
			S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: * 5 FETCH (UID 12 FLAGS () MODSEQ (60))
			S: $ OK done
		`, fresh: "12", gone: "2", changed: []imap.UID{3}, uids: "1,3,5,9,12", modSeq: 60},
		"QRESYNC, a message twice": {caps: "ENABLE CONDSTORE QRESYNC", state: heldBefore, script: `
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
			C: $ SELECT INBOX (QRESYNC (7 40 1:3,5,9))
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (51))
			S: * 3 FETCH (UID 3 FLAGS () MODSEQ (60))
			S: $ OK done
		`, changed: []imap.UID{1, 3}, uids: "1:3,5,9", modSeq: 60},
		"CONDSTORE, a message in two parts and one twice": {caps: "CONDSTORE", state: heldBefore, script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3 5 9
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
			S: * 2 FETCH (UID 2)
			S: * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: * 2 FETCH (FLAGS (\Seen) MODSEQ (51))
			S: * 3 FETCH (UID 3 FLAGS () MODSEQ (60))
			S: $ OK done
		`, changed: []imap.UID{3, 2}, uids: "1:3,5,9", modSeq: 60},
		"QRESYNC that does not fit": {caps: "ENABLE CONDSTORE QRESYNC", state: heldBefore, script: `
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
			C: $ SELECT INBOX (QRESYNC (7 40 1:3,5,9))
			S: * 4 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 3 5 9
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
			S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: $ OK done
		`, gone: "2", changed: []imap.UID{3}, uids: "1,3,5,9", modSeq: 60},
		"ENABLE refused": {caps: "ENABLE CONDSTORE QRESYNC", state: heldBefore, script: `
			C: $ ENABLE QRESYNC
			S: $ BAD not now
			C: $ SELECT INBOX (CONDSTORE)
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 40] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2 3 5 9
			S: $ OK done
		`, uids: "1:3,5,9", modSeq: 40},
		"CONDSTORE": {caps: "CONDSTORE", state: heldBefore, script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 5 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 3 5 9 12
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
			S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (50))
			S: * 5 FETCH (UID 12 FLAGS () MODSEQ (60))
			S: $ OK done
		`, fresh: "12", gone: "2", changed: []imap.UID{3}, uids: "1,3,5,9,12", modSeq: 60},
		"CONDSTORE, nothing changed": {caps: "CONDSTORE", state: heldBefore, script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 4 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 40] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 3 5 9
			S: $ OK done
		`, gone: "2", uids: "1,3,5,9", modSeq: 40},
		"mod-sequences that began anew": {caps: "CONDSTORE", state: heldBefore, script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 1 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 3] ok
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 9 FLAGS (\Seen))
			S: $ OK done
		`, gone: "1:3,5", changed: []imap.UID{9}, uids: "9", modSeq: 3},
		"neither": {caps: "", state: heldBefore, script: `
			C: $ SELECT INBOX
			S: * 3 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: $ OK done
			C: $ UID FETCH 1:* (UID FLAGS)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: * 2 FETCH (UID 9 FLAGS (\Seen))
			S: * 3 FETCH (UID 10 FLAGS ())
			S: $ OK done
		`, fresh: "10", gone: "2:3,5", changed: []imap.UID{1, 9}, uids: "1,9:10"},
		"empty now": {caps: "", state: heldBefore, script: `
			C: $ SELECT INBOX
			S: * 0 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: $ OK done
		`, gone: "1:3,5,9"},
		"first time": {caps: "ENABLE CONDSTORE QRESYNC", script: `
			C: $ SELECT INBOX (CONDSTORE)
			S: * 3 EXISTS
			S: * OK [UIDVALIDITY 7] ok
			S: * OK [HIGHESTMODSEQ 60] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 4 5 8
			S: $ OK done
		`, fresh: "4:5,8", uids: "4:5,8", modSeq: 60},
		"UIDVALIDITY changed": {caps: "ENABLE CONDSTORE QRESYNC", state: heldBefore, script: `
			C: $ ENABLE QRESYNC
			S: * ENABLED QRESYNC
			S: $ OK done
			C: $ SELECT INBOX (QRESYNC (7 40 1:3,5,9))
			S: * 2 EXISTS
			S: * OK [UIDVALIDITY 8] ok
			S: * OK [HIGHESTMODSEQ 9] ok
			S: $ OK done
			C: $ UID SEARCH ALL
			S: * SEARCH 1 2
			S: $ OK done
		`, reset: true, fresh: "1:2", uids: "1:2", modSeq: 9},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, test.caps, test.script)
			res, err := c.Sync(testkit.Context(t), "INBOX", test.state, nil)
			require.NoError(t, err)
			assert.Equal(t, test.reset, res.Reset)
			assert.Equal(t, test.fresh, res.New.String())
			assert.Equal(t, test.gone, res.Vanished.String())
			var changed []imap.UID
			for _, m := range res.Changed {
				changed = append(changed, m.UID)
			}
			assert.Equal(t, test.changed, changed)
			want := imap.SyncState{UIDValidity: res.Mailbox.UIDValidity, HighestModSeq: test.modSeq}
			if test.uids != "" {
				want.UIDs, err = imap.ParseUIDSet(test.uids)
				require.NoError(t, err)
			}
			assert.Equal(t, want, res.State)
		})
	}
}

// TestSyncLongState: known messages are named in short form if their list would be too long for a line.
func TestSyncLongState(t *testing.T) {
	state := imap.SyncState{UIDValidity: 7, HighestModSeq: 40}
	for uid := imap.UID(1); uid < 9000; uid += 2 {
		state.UIDs = append(state.UIDs, imap.Range[imap.UID]{Start: uid, Stop: uid})
	}
	c := testkit.Offering(t, "ENABLE CONDSTORE QRESYNC", `
		C: $ ENABLE QRESYNC
		S: * ENABLED QRESYNC
		S: $ OK done
		C: $ SELECT INBOX (QRESYNC (7 40 1:8999))
		S: * 4499 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: * OK [HIGHESTMODSEQ 60] ok
		S: * VANISHED (EARLIER) 2:4
		S: $ OK done
	`)
	res, err := c.Sync(testkit.Context(t), "INBOX", state, nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(3), res.Vanished)
}

// TestSelectBounded: a server that reports more changes than MaxBuffered allows uses no more memory than that, and Sync
// finds the changes in another way.
func TestSelectBounded(t *testing.T) {
	rows := strings.Repeat("S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (50))\n", 100)
	script := `
		C: $ ENABLE QRESYNC
		S: * ENABLED QRESYNC
		S: $ OK done
		C: $ SELECT INBOX (QRESYNC (7 40 1))
		S: * 1 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: * OK [HIGHESTMODSEQ 60] ok
	` + rows + "S: $ OK done\n"
	dial := func(script string) *imap.Client {
		conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC] hi\n"+script)
		c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{MaxBuffered: 8 << 10})
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := dial(script + testkit.OnlyNoop)
	mb, err := c.Select(testkit.Context(t), "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 40, KnownUIDs: imap.UIDs(1)}})
	var limit *imap.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "MaxBuffered", limit.Name)
	assert.Empty(t, mb.Changed)
	assert.Equal(t, imap.Selected, c.State())
	testkit.RequireNothingSent(t, c)

	c = dial(script + `
		C: $ UID SEARCH ALL
		S: * SEARCH 1
		S: $ OK done
		C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)
		S: * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (50))
		S: $ OK done
	`)
	res, err := c.Sync(testkit.Context(t), "INBOX", imap.SyncState{UIDValidity: 7, HighestModSeq: 40, UIDs: imap.UIDs(1)}, nil)
	require.NoError(t, err)
	assert.Len(t, res.Changed, 1)
}

func TestSyncStateIsStored(t *testing.T) {
	for _, state := range []imap.SyncState{heldBefore, {}} {
		b, err := json.Marshal(state)
		require.NoError(t, err)
		var back imap.SyncState
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, state, back, string(b))
	}
	var set imap.UIDSet
	assert.Error(t, set.UnmarshalText([]byte("1,x")))
	assert.Error(t, set.UnmarshalText([]byte("0")))
}

func TestSyncRefusesOpenSets(t *testing.T) {
	c := testkit.Offering(t, "", testkit.OnlyNoop)
	_, err := c.Sync(testkit.Context(t), "INBOX", imap.SyncState{UIDValidity: 1, UIDs: imap.UIDRange(1, 0)}, nil)
	assert.Error(t, err)
	assert.True(t, imap.SafeToRetry(err))
	testkit.RequireNothingSent(t, c)
}

// TestSyncFollows changes a mailbox at random and follows it with Sync, on servers with QRESYNC, with CONDSTORE and with
// neither.
func TestSyncFollows(t *testing.T) {
	for name, without := range map[string][]string{"QRESYNC": nil, "CONDSTORE": {"QRESYNC"}, "neither": {"CONDSTORE"}} {
		t.Run(name, func(t *testing.T) {
			srv := imaptest.New(t, &imaptest.Options{NoCaps: without, PreAuth: "user"})
			box := srv.User("user").Mailbox("INBOX")
			held := map[imap.UID][]imap.Flag{}
			var state imap.SyncState
			r := rand.New(rand.NewPCG(1, 2))
			for round := range 60 {
				for range r.IntN(8) {
					changeAtRandom(r, box)
				}
				if r.IntN(20) == 0 {
					box.SetUIDValidity(uint32(100 + round))
				}
				c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
				require.NoError(t, err)
				res, err := c.Sync(testkit.Context(t), "INBOX", state, &imap.SyncOptions{ReadOnly: round%2 == 0})
				require.NoError(t, err)
				testkit.ApplySync(t, c, res, held)
				c.Close()
				state = res.State
				assert.Equal(t, testkit.FlagsByUID(box), held, "round %d", round)
				assert.EqualValues(t, len(held), state.UIDs.Len())
			}
		})
	}
}

func changeAtRandom(r *rand.Rand, box *imaptest.Mailbox) {
	list := box.Messages()
	if len(list) == 0 || r.IntN(3) == 0 {
		box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
		return
	}
	uid := list[r.IntN(len(list))].UID
	if r.IntN(2) == 0 {
		box.Expunge(uid)
		return
	}
	box.SetFlags(uid, []string{`\Seen`, `\Flagged`, "$Work"}[:r.IntN(4)]...)
}

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

// TestSyncOfPartialAnswers: a message that a server leaves out, or that cannot be read, is never taken for removed or
// unchanged; it is requested again, and finally an error is returned, with a state that requests it the next time.
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

// TestChangesWhileMessagesVanish: once messages have vanished, a number may be that of another message, so parts of a message
// that came before are not joined by it.
func TestChangesWhileMessagesVanish(t *testing.T) {
	c, err := imap.NewClient(t.Context(), imaptest.DialScript(t, `
		S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC] ready
		C: $ ENABLE QRESYNC
		S: * ENABLED QRESYNC
		S: $ OK done
		C: $ SELECT INBOX
		S: * 9 EXISTS
		S: $ OK done
		C: $ UID FETCH 10:20 (UID FLAGS) (CHANGEDSINCE 5 VANISHED)
		S: * 3 FETCH (FLAGS (\Seen))
		S: * VANISHED 11
		S: * 3 FETCH (UID 14)
		S: * 3 FETCH (UID 14 FLAGS (\Draft) MODSEQ (9))
		S: $ OK done
	`), nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	ctx := testkit.Context(t)
	_, err = c.Enable(ctx, "QRESYNC")
	require.NoError(t, err)
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	got, err := c.FetchChanges(ctx, imap.UIDRange(10, 20), 5, imap.FetchFlags)
	require.NoError(t, err)
	require.Len(t, got.Messages, 1)
	assert.Equal(t, []imap.Flag{imap.FlagDraft}, got.Messages[0].Flags)
	assert.Empty(t, got.Vanished)
}
