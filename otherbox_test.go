package imap_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oddUIDs is a set that needs more than one command.
func oddUIDs() imap.UIDSet {
	var uids []imap.UID
	for uid := imap.UID(1000001); len(uids) < 2500; uid += 2 {
		uids = append(uids, uid)
	}
	return imap.UIDs(uids...)
}

// TestOtherMailboxMeanwhile: a call of several commands does not go on in a mailbox that somebody else opens between two of
// them. The same UIDs are other messages there.
func TestOtherMailboxMeanwhile(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Move": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Move(ctx, imap.UIDs(5), "b")
			return err
		},
		"Store": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Store(ctx, oddUIDs(), imap.AddFlags(imap.FlagDeleted), nil)
			return err
		},
		"Copy": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Copy(ctx, oddUIDs(), "b")
			return err
		},
		"UIDExpunge": func(ctx context.Context, c *imap.Client) error {
			_, err := c.UIDExpunge(ctx, oddUIDs())
			return err
		},
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, oddUIDs(), imap.FetchFlags))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, imap.Where().Within(oddUIDs()), nil)
			return err
		},
		"Sync": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sync(ctx, "a", imap.SyncState{UIDValidity: 7, UIDs: imap.UIDRange(1, 3)}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
					tag := h.Line("")
					time.Sleep(time.Minute)
					h.Send("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n%s OK %sdone", tag, map[string]string{"Move": "[COPYUID 1 5 9] "}[name])
					h.Send("* 9 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
					h.Send("%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
				})
				result := make(chan error, 1)
				go func() { result <- call(t.Context(), c) }()
				synctest.Wait()
				_, err := c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				err = <-result
				require.ErrorContains(t, err, "another mailbox")
				assert.Equal(t, name == "Fetch" || name == "Search" || name == "Sync", imap.SafeToRetry(err), "%v", err)
				require.NoError(t, c.Noop(t.Context()))
				assert.Equal(t, "other", c.Mailbox().Name)
				_, err = c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				require.NoError(t, c.Noop(t.Context()))
			})
		})
	}
}

// TestSameMailboxMeanwhile: one that is opened again is the same, as long as its UIDs mean the same.
func TestSameMailboxMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
			copied := h.Line("UID COPY 5 b")
			time.Sleep(time.Minute)
			h.Send("%s OK [COPYUID 1 5 9] done", copied)
			h.Send("* 5 EXISTS\r\n%s OK done", h.Line("SELECT INBOX"))
			h.Send("%s OK done", h.Line(`UID STORE 5 +FLAGS.SILENT (\Deleted)`))
			h.Send("* 1 EXPUNGE\r\n%s OK done", h.Line("UID EXPUNGE 5"))
		})
		result := make(chan error, 1)
		go func() { _, err := c.Move(t.Context(), imap.UIDs(5), "b"); result <- err }()
		synctest.Wait()
		_, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		require.NoError(t, <-result)
	})
}

// TestSelectTakesNoNews: what changes in a mailbox while another is being opened is news, and no answer of the SELECT that
// did not ask for changes.
func TestSelectTakesNoNews(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ SELECT b
		S: * 2 FETCH (FLAGS (\Seen))
		S: * VANISHED 7
		S: * OK [CLOSED] it is
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 8] ok
		S: $ OK [READ-WRITE] done
	`)
	mb, err := c.Select(testkit.Context(t), "b", nil)
	require.NoError(t, err)
	assert.Empty(t, mb.Changed)
	assert.Empty(t, mb.Vanished)
	assert.EqualValues(t, 3, mb.Exists)
	assert.Equal(t, []string{"FetchEvent", "VanishedEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 3, c.Mailbox().Exists)
}
