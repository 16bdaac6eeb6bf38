package imap_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ = transcript("notify/notify.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{
		{
			Scope:  imap.NotifySelected,
			Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge},
			Fetch:  []imap.FetchItem{imap.FetchFlags, imap.FetchPreviewLazy(), imap.Section{Specifier: "HEADER", Fields: []string{"From"}}},
		},
		{Scope: imap.NotifySubtree, Mailboxes: []string{"Lists", "Entwürfe"}, Events: []imap.NotifyEvent{imap.NotifyMailboxName}},
		{Scope: imap.NotifyPersonal},
	}, &imap.NotifyOptions{Status: true}))
	events := c.Events()
	require.Len(t, events, 1)
	assert.Equal(t, "Lists", events[0].(*imap.StatusEvent).Status.Mailbox)

	st, err := c.Status(ctx, "misc", imap.StatusMessages)
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "misc", Messages: testkit.Ptr(uint32(7))}, st, "not what was told of Lists")
	assert.Len(t, c.Events(), 1)
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		entry := ev.(*imap.ListEvent).Entry
		assert.Equal(t, "Lists.lemonade", entry.Name)
		assert.True(t, entry.Has(imap.AttrNonExistent))
		break
	}
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, []imap.Event{&imap.NotifyOverflowEvent{Text: "too many events"}}, c.Events())
	require.NoError(t, c.Notify(ctx, nil, nil))
	err = c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyInboxes, Events: []imap.NotifyEvent{"X-None"}}}, nil)
	bad, ok := errors.AsType[*imap.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, imap.Code("BADEVENT"), bad.Code)
	assert.Equal(t, "(MessageNew FlagChange)", bad.Args)
})

// TestNotifyNotSent holds what is refused before anything is sent.
func TestNotifyNotSent(t *testing.T) {
	c, ctx := testkit.Offering(t, "NOTIFY", testkit.OnlyNoop), testkit.Context(t)
	news := []imap.NotifyEvent{imap.NotifyMessageNew}
	for name, rule := range map[string]imap.NotifyRule{
		"scope":        {Scope: "A B"},
		"no scope":     {},
		"event":        {Scope: imap.NotifySelected, Events: []imap.NotifyEvent{"a)\r\nb"}},
		"no mailboxes": {Scope: imap.NotifyMailboxes, Events: news},
		"mailboxes":    {Scope: imap.NotifyPersonal, Mailboxes: []string{"a"}, Events: news},
		"NUL":          {Scope: imap.NotifySubtree, Mailboxes: []string{"a\x00"}, Events: news},
		"fetch":        {Scope: imap.NotifySelected, Events: []imap.NotifyEvent{imap.NotifyFlagChange}, Fetch: []imap.FetchItem{imap.FetchFlags}},
		"attribute":    {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchAttr("a b")}},
		"modifier":     {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchChangedSince(1)}},
		"preview":      {Scope: imap.NotifySelected, Events: news, Fetch: []imap.FetchItem{imap.FetchPreview}},
	} {
		err := c.Notify(ctx, []imap.NotifyRule{rule}, nil)
		require.Error(t, err, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
	c = testkit.Offering(t, "", testkit.OnlyNoop)
	require.ErrorIs(t, c.Notify(ctx, nil, nil), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

var _ = transcript("progress/progress.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	open(t, c, "INBOX")
	res, err := c.Search(ctx, imap.Where().Text("x"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(4), res.UIDs)
	assert.Equal(t, []imap.Event{
		&imap.ProgressEvent{Text: "still here"},
		&imap.ProgressEvent{Progress: testkit.Ptr(uint64(0)), Goal: testkit.Ptr(uint64(1)), Text: "Hang in there"},
		&imap.ProgressEvent{Command: "UID SEARCH", Progress: testkit.Ptr(uint64(454)), Goal: testkit.Ptr(uint64(1000)), Text: "Processed 45% of the mailbox"},
		&imap.ProgressEvent{Progress: testkit.Ptr(uint64(999)), Text: "of something else"},
	}, c.Events())
	resp, err := c.Do(ctx, "XSLOW")
	require.NoError(t, err)
	assert.Len(t, resp.Untagged, 1)
	assert.Equal(t, []imap.Event{&imap.ProgressEvent{Command: "XSLOW", Progress: testkit.Ptr(uint64(1)), Goal: testkit.Ptr(uint64(2)), Text: "half"}}, c.Events())
})

// TestProgressWhileRunning sees how far a command has come before it ends.
func TestProgressWhileRunning(t *testing.T) {
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	seen := make(chan struct{})
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
		io.ReadFull(far, make([]byte, len("A1 NOOP\r\n")))
		io.WriteString(far, "* OK [INPROGRESS (\"A1\" 1 4)] working\r\n")
		<-seen
		io.WriteString(far, "A1 OK done\r\n")
	}()
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	done := make(chan error, 1)
	go func() { done <- c.Noop(ctx) }()
	var events []imap.Event
	for len(events) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
		events = c.Events()
	}
	assert.Equal(t, []imap.Event{&imap.ProgressEvent{Command: "NOOP", Progress: testkit.Ptr(uint64(1)), Goal: testkit.Ptr(uint64(4)), Text: "working"}}, events)
	close(seen)
	require.NoError(t, <-done)
}

var _ = live("NOTIFY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	other := at.again(t)
	require.NoError(t, other.Create(ctx, at.prefix+"other", nil))
	open(t, c, "INBOX")
	messages := []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}
	require.NoError(t, c.Notify(ctx, []imap.NotifyRule{
		{Scope: imap.NotifySelected, Events: messages, Fetch: []imap.FetchItem{imap.FetchSize}},
		{Scope: imap.NotifyPersonal, Events: append(messages, imap.NotifyMailboxName)},
	}, &imap.NotifyOptions{Status: true}))
	var told bool
	for _, ev := range c.Events() {
		if ev, ok := ev.(*imap.StatusEvent); ok && ev.Status.Mailbox == at.prefix+"other" {
			told = true
		}
	}
	assert.True(t, told, "STATUS of the other mailbox")
	go func() {
		other.Append(ctx, "INBOX", imap.LiteralString(small), nil)
		other.Append(ctx, at.prefix+"other", imap.LiteralString(small), nil)
	}()
	var fetched, counted bool
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		switch ev := ev.(type) {
		case *imap.FetchEvent:
			fetched = fetched || ev.Message.Size == int64(len(small)) && ev.Message.UID == 1
		case *imap.StatusEvent:
			counted = counted || ev.Status.Mailbox == at.prefix+"other" && ev.Status.Messages != nil && *ev.Status.Messages == 1
		}
		if fetched && counted {
			break
		}
	}
	require.NoError(t, c.Notify(ctx, nil, nil))
})
