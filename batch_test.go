package imap_test

import (
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("fetch/messagelimit.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	assert.Equal(t, []imap.UID{25, 24, 20, 11, 10}, uidsIn(fetch(t, c, 1, 0, imap.FetchFlags)))
})

var _ = transcript("append/savelimit.txt", func(t *testing.T, c *imap.Client) {
	res, err := c.MultiAppend(testkit.Context(t), "INBOX", []imap.NewMessage{text("one"), text("two"), text("three")})
	require.NoError(t, err)
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 7, UID: 1}, {UIDValidity: 7, UID: 2}, {UIDValidity: 7, UID: 3}}, res)
	res, err = c.MultiAppend(testkit.Context(t), "INBOX", []imap.NewMessage{text("one"), text("two")})
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
	assert.Equal(t, []imap.AppendResult{{UIDValidity: 7, UID: 4}}, res)
})

var _ = transcript("search/uidbatches.txt", func(t *testing.T, c *imap.Client) {
	open(t, c, "INBOX")
	ctx := testkit.Context(t)
	list, err := c.UIDBatches(ctx, 10, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, []imap.UIDSet{imap.UIDRange(38, 50), imap.UIDRange(28, 37), imap.UIDRange(18, 27), imap.UIDRange(4, 13), imap.UIDRange(1, 3)}, list)
	list, err = c.UIDBatches(ctx, 10, 2, 3)
	require.NoError(t, err)
	assert.Len(t, list, 2)
	_, err = c.UIDBatches(ctx, 1, 0, 0)
	assert.Equal(t, imap.CodeTooFew, imap.CodeOf(err))
	list, err = c.UIDBatches(ctx, 10, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, list)
	for _, wrong := range [][3]int{{0, 0, 0}, {10, 0, 1}, {10, 2, 1}, {-1, 1, 2}} {
		_, err = c.UIDBatches(ctx, wrong[0], wrong[1], wrong[2])
		assert.True(t, imap.SafeToRetry(err), "%v", wrong)
	}
})

// TestBatches: each message is in exactly one batch, whichever way the set is named and the server is asked.
func TestBatches(t *testing.T) {
	for _, without := range [][]string{nil, {"UIDBATCHES"}, {"UIDBATCHES", "ESEARCH"}} {
		for _, least := range []int{0, 100} {
			srv := imaptest.New(t, &imaptest.Options{NoCaps: without, PreAuth: "user", LeastBatch: least, MessageLimit: 7})
			box := srv.User("user").Mailbox("INBOX")
			for range 50 {
				box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
			}
			for uid := uint32(3); uid < 50; uid += 5 {
				box.Expunge(uid)
			}
			c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
			require.NoError(t, err)
			open(t, c, "INBOX")
			for _, set := range []imap.NumSet{imap.UIDRange(1, 0), imap.SeqRange(1, 0), imap.SeqRange(1, 40), imap.UIDRange(1, 99)} {
				seen, batches := map[imap.UID]bool{}, 0
				for b, err := range c.Batches(testkit.Context(t), set, 9) {
					require.NoError(t, err)
					assert.EqualValues(t, len(seen), b.Done)
					assert.EqualValues(t, 40, b.Total)
					list, err := imap.Collect(c.Fetch(testkit.Context(t), b.UIDs))
					require.NoError(t, err)
					assert.LessOrEqual(t, len(list), 9)
					for _, m := range list {
						assert.False(t, seen[m.UID])
						seen[m.UID] = true
					}
					batches++
				}
				assert.Len(t, seen, 40, "%v", set)
				assert.Equal(t, 5, batches)
			}
			c.Close()
		}
	}
}

func TestStorable(t *testing.T) {
	all := []imap.Flag{imap.FlagSeen, imap.FlagRecent, imap.FlagDraft, "$Work", `\Own`}
	for name, test := range map[string]struct{ permanent, want []imap.Flag }{
		"not said":    {nil, []imap.Flag{imap.FlagSeen, imap.FlagDraft, "$Work", `\Own`}},
		"none":        {[]imap.Flag{}, nil},
		"some":        {[]imap.Flag{`\SEEN`, "$work"}, []imap.Flag{imap.FlagSeen, "$Work"}},
		"any keyword": {[]imap.Flag{imap.FlagSeen, `\*`}, []imap.Flag{imap.FlagSeen, "$Work"}},
	} {
		assert.Equal(t, test.want, (&imap.Mailbox{PermanentFlags: test.permanent}).Storable(all), name)
	}
}

// TestUIDOnlyRefusesNumbers: where messages have no numbers, nothing that names them by number is sent.
func TestUIDOnlyRefusesNumbers(t *testing.T) {
	c := testkit.Offering(t, "ENABLE UIDONLY MOVE SORT THREAD=REFS REPLACE", `
		C: $ ENABLE UIDONLY
		S: * ENABLED UIDONLY
		S: $ OK done
		C: $ SELECT INBOX
		S: * 3 EXISTS
		S: $ OK done
	`+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UIDONLY")
	require.NoError(t, err)
	open(t, c, "INBOX")
	seqs := imap.SeqRange(1, 3)
	for name, err := range map[string]error{
		"Fetch":      errOf(imap.Collect(c.Fetch(ctx, seqs))),
		"Store":      errOf(c.Store(ctx, seqs, imap.AddFlags(imap.FlagSeen), nil)),
		"Copy":       errOf(c.Copy(ctx, seqs, "b")),
		"Move":       errOf(c.Move(ctx, seqs, "b")),
		"SearchSeq":  errOf(c.SearchSeq(ctx, imap.Where(), nil)),
		"Search":     errOf(c.Search(ctx, imap.Where().Not(imap.Where().Within(seqs)), nil)),
		"SortSeq":    errOf(c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())),
		"ReplaceSeq": errOf(c.ReplaceSeq(ctx, 1, "b", imap.LiteralString("x"), nil)),
	} {
		assert.ErrorIs(t, err, imap.ErrUIDOnly, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
}
