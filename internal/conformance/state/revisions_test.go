package state_test

import (
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rev2Client returns a client, with IMAP4rev2 enabled after the login if rev2 is set.
func rev2Client(t *testing.T, rev2 bool) *imap.Client {
	srv := imaptest.New(t, &imaptest.Options{More: []string{"IMAP4REV2"}})
	opts := &imap.Options{AllowInsecureAuth: true}
	if rev2 {
		opts.Enable = []string{"IMAP4rev2", "X-NOT-OFFERED"}
	}
	c, err := imap.NewClient(testkit.Context(t), srv.Dial(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testkit.Context(t), "user", "password"))
	return c
}

// TestBothRevisions: the methods of the base protocol return the same in IMAP4rev1 and in IMAP4rev2.
func TestBothRevisions(t *testing.T) {
	for _, rev2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "rev1", true: "rev2"}[rev2], func(t *testing.T) {
			c, ctx := rev2Client(t, rev2), testkit.Context(t)
			assert.Equal(t, rev2, c.Enabled("IMAP4rev2"))
			const box = "Entwürfe & mehr"
			require.NoError(t, c.Create(ctx, box, nil))
			require.NoError(t, c.Subscribe(ctx, box))
			list, err := c.List(ctx, "", "E%", &imap.ListOptions{Subscribed: true, ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, box, list[0].Name)
			for range 3 {
				_, err := c.Append(ctx, box, imap.LiteralString("Subject: Gr\r\n\r\nhello\r\n"), &imap.AppendOptions{InternalDate: time.Unix(1e9, 0)})
				require.NoError(t, err)
			}
			mb, err := c.Select(ctx, box, nil)
			require.NoError(t, err)
			assert.Equal(t, box, mb.Name)
			assert.EqualValues(t, 3, mb.Exists)
			res, err := c.Search(ctx, imap.Where().Subject("gr").Not(imap.Where().Subject("ü")), nil)
			require.NoError(t, err)
			assert.Equal(t, "1:3", res.UIDs.String())
			seqs, err := c.SearchSeq(ctx, imap.Where().Seen(), nil)
			require.NoError(t, err)
			assert.Empty(t, seqs.Seqs)
			stored, err := c.Store(ctx, imap.UIDs(2), imap.AddFlags(imap.FlagDeleted), nil)
			require.NoError(t, err)
			assert.Len(t, stored.Messages, 1)
			got, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope, imap.FetchBodyStructure, imap.Section{}))
			require.NoError(t, err)
			assert.Len(t, got, 3)
			copied, err := c.Copy(ctx, imap.UIDs(1), "INBOX")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(1), copied.Source)
			gone, err := c.UIDExpunge(ctx, imap.UIDs(2))
			require.NoError(t, err)
			assert.Equal(t, []imap.SeqNum{2}, gone.SeqNums)
			_, err = c.Move(ctx, imap.UIDs(3), "INBOX")
			require.NoError(t, err)
			st, err := c.Status(ctx, "INBOX", imap.StatusMessages, imap.StatusSize, imap.StatusDeleted)
			require.NoError(t, err)
			assert.EqualValues(t, 2, *st.Messages)
			ns, err := c.Namespace(ctx)
			require.NoError(t, err)
			assert.Len(t, ns.Personal, 1)
			for range c.Idle(ctx, &imap.IdleOptions{For: time.Millisecond}) {
			}
			require.NoError(t, c.Unselect(ctx))
			require.NoError(t, c.Rename(ctx, box, "Ablage/ü"))
			require.NoError(t, c.Delete(ctx, "Ablage/ü"))
			assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(c.Delete(ctx, "Ablage/ü")))
			assert.Empty(t, unknownEvents(c))
		})
	}
}

// unknownEvents returns the events that the client did not understand.
func unknownEvents(c *imap.Client) (list []imap.Event) {
	for _, ev := range c.Events() {
		if _, ok := ev.(*imap.UnknownEvent); ok {
			list = append(list, ev)
		}
	}
	return list
}
