package extensions_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func useUTF8(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	_, err := c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	require.True(t, c.Enabled("UTF8=ACCEPT"))
	name := at.Prefix + "Entwürfe & mehr"
	require.NoError(t, c.Create(ctx, name, nil))
	_, err = c.Append(ctx, name, imap.LiteralString(testkit.Small), nil)
	require.NoError(t, err)
	got, err := c.List(ctx, "", at.Prefix+"*", nil)
	require.NoError(t, err)
	names := make([]string, 0, len(got))
	for _, e := range got {
		names = append(names, e.Name)
	}
	assert.Contains(t, names, name)
	st, err := c.Status(ctx, name, imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint32(1)), st.Messages)
	mb, err := c.Select(ctx, name, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, mb.Exists)
	res, err := c.Search(ctx, imap.Where().Subject("smäll"), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
}

func useCompress(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Compress(ctx))
	body := "Subject: big\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 20000)
	for range 3 {
		_, err := c.Append(ctx, "INBOX", imap.LiteralString(body), nil)
		require.NoError(t, err)
	}
	_, err := c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	for range 50 { // calls cut anywhere
		short, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(4000))*time.Microsecond)
		imap.Collect(c.Fetch(short, imap.SeqRange(1, 0), imap.FetchFlags, imap.Section{}))
		cancel()
	}
	msgs, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.Section{}))
	require.NoError(t, err)
	require.Len(t, msgs, 3)
	for _, m := range msgs {
		require.Equal(t, body, string(m.Section(imap.Section{})))
	}
	for _, err := range c.Idle(ctx, &imap.IdleOptions{For: 50 * time.Millisecond}) {
		require.NoError(t, err)
	}
	require.NoError(t, c.Noop(ctx))
	require.NoError(t, c.Logout(ctx))
}

func useNotify(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	other := at.Again(t)
	require.NoError(t, other.Create(ctx, at.Prefix+"other", nil))
	testkit.Open(t, c, "INBOX")
	messages := []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{
		{Scope: imap.NotifySelected, Events: messages, Fetch: []imap.FetchItem{imap.FetchSize}},
		{Scope: imap.NotifyPersonal, Events: append(messages, imap.NotifyMailboxName)},
	}, &imap.NotifyOptions{Status: true}))
	var told bool
	for _, ev := range c.Events() {
		if ev, ok := ev.(*imap.StatusEvent); ok && ev.Status.Mailbox == at.Prefix+"other" {
			told = true
		}
	}
	assert.True(t, told, "STATUS of the other mailbox")
	go func() {
		other.Append(ctx, "INBOX", imap.LiteralString(testkit.Small), nil)
		other.Append(ctx, at.Prefix+"other", imap.LiteralString(testkit.Small), nil)
	}()
	var fetched, counted bool
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		switch ev := ev.(type) {
		case *imap.FetchEvent:
			fetched = fetched || ev.Message.Size == int64(len(testkit.Small)) && ev.Message.UID == 1
		case *imap.StatusEvent:
			counted = counted || ev.Status.Mailbox == at.Prefix+"other" && ev.Status.Messages != nil && *ev.Status.Messages == 1
		}
		if fetched && counted {
			break
		}
	}
	require.NoError(t, c.Notify(ctx, nil, nil))
}

// TestIsTransientLive distinguishes a refused login from a lost connection, on every server.
func TestIsTransientLive(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Err())
		require.NoError(t, c.NetConn().Close())
		err := c.Noop(testkit.Context(t))
		require.Error(t, err)
		assert.True(t, imap.IsTransient(err), "%v", err)
		require.ErrorIs(t, c.Err(), imap.ErrClosed)
		assert.True(t, imap.IsTransient(c.Err()))
	})
}

func useIMAP4rev1(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	testkit.Deliver(t, c, testkit.Small, testkit.Small)
	_, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	gone, err := c.Expunge(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{1}, gone.SeqNums)
	got := testkit.Fetch(t, c, 1, 0, imap.Section{})
	require.Len(t, got, 1)
	assert.Equal(t, testkit.Small, string(got[0].Section(imap.Section{})))
	require.NoError(t, c.Logout(ctx))
}

func useEnable(t *testing.T, c *imap.Client, at testkit.Place) {
	on, err := c.Enable(testkit.Context(t), "X-NOBODY-HAS-THIS")
	require.NoError(t, err)
	assert.Empty(t, on)
	for _, name := range []string{"CONDSTORE", "UTF8=ACCEPT"} {
		if !c.Caps().Has(name) {
			continue
		}
		_, err = c.Enable(testkit.Context(t), name)
		require.NoError(t, err)
		assert.True(t, c.Enabled(name), name)
	}
}

func useLiterals(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Deliver(t, c, testkit.Small, testkit.Small+strings.Repeat("0123456789abcdef\r\n", 1000))
	assert.Len(t, testkit.Fetch(t, c, 1, 0), 2)
}

func useID(t *testing.T, c *imap.Client, at testkit.Place) {
	for _, ours := range []map[string]string{{"name": "test", "version": `1 "a"`}, nil} {
		theirs, err := c.ID(testkit.Context(t), ours)
		require.NoError(t, err)
		assert.NotEmpty(t, theirs["name"], "%v", theirs)
	}
}

func useIdle(t *testing.T, c *imap.Client, at testkit.Place) {
	testkit.Open(t, c, "INBOX")
	other := at.Again(t)
	c.Events()
	go func() {
		time.Sleep(50 * time.Millisecond)
		other.Append(testkit.Context(t), "INBOX", imap.LiteralString(testkit.Small), nil)
	}()
	for ev, err := range c.Idle(testkit.Context(t), nil) {
		require.NoError(t, err)
		if ev, ok := ev.(*imap.ExistsEvent); ok && ev.Count == 1 {
			break
		}
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
}

// Extensions that few servers have.

func useLanguage(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	list, err := c.Languages(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	tag, err := c.SetLanguage(ctx, list[0])
	require.NoError(t, err)
	assert.Equal(t, list[0], tag)
}

func useJMAPAccess(t *testing.T, c *imap.Client, at testkit.Place) {
	url, err := c.JMAPAccess(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, url)
}

func useApplePush(t *testing.T, c *imap.Client, at testkit.Place) {
	got, err := c.ApplePush(testkit.Context(t), &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
	require.NoError(t, err)
	assert.NotEmpty(t, got["aps-topic"])
}

func useUTF8Only(t *testing.T, c *imap.Client, at testkit.Place) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	assert.Equal(t, imap.CodeCannot, imap.CodeOf(err))
	_, err = c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	testkit.Open(t, c, "INBOX")
}
