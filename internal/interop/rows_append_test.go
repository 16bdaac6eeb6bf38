package interop_test

import (
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// appendRows are the extensions of APPEND, Sync and Notify.
var appendRows = []row{
	{method: "MultiAppend", run: func(e *env) cell {
		box := e.box()
		add := func() ([]imap.AppendResult, error) {
			return e.client().MultiAppend(e.ctx(), box, []imap.AppendMessage{
				{Message: imap.LiteralString(note("one"))},
				{Message: imap.LiteralString(mixed), Options: &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, InternalDate: newYear}},
			})
		}
		if !e.offers("MULTIAPPEND") {
			return e.unsupported(func() error { _, err := add(); return err })
		}
		res, err := add()
		require.NoError(e, err)
		require.Len(e, res, 2)
		uids := e.selectBox(box)
		require.Equal(e, []imap.UID{res[0].UID, res[1].UID}, uids)
		m := e.fetchOne(uids[1], imap.FetchFlags, imap.FetchInternalDate, imap.Section{})
		require.Equal(e, mixed, string(m.Section(imap.Section{})))
		require.Contains(e, m.Flags, imap.FlagSeen)
		require.True(e, newYear.Equal(m.InternalDate))
		return works
	}},
	{method: "AppendLimit", run: func(e *env) cell {
		limit := func() (uint64, bool, error) { return e.client().AppendLimit(e.ctx(), "INBOX") }
		for name := range e.client().Caps().All() {
			if !strings.HasPrefix(name, "APPENDLIMIT") {
				continue
			}
			octets, ok, err := limit()
			require.NoError(e, err)
			require.Equal(e, ok, octets > 0)
			return works
		}
		return e.unsupported(func() error { _, _, err := limit(); return err })
	}},
	{method: "Catenate", run: func(e *env) cell {
		box, uids := e.open(mixed)
		url, err := imap.MessageURL(box, e.client().Mailbox().UIDValidity, uids[0], imap.Section{Specifier: "HEADER"})
		require.NoError(e, err)
		parts := []imap.CatenatePart{imap.CatenateURL(url), imap.CatenateText(imap.LiteralString("another body\r\n"))}
		if !e.offers("CATENATE") {
			return e.unsupported(func() error { _, err := e.client().Catenate(e.ctx(), box, parts, nil); return err })
		}
		_, err = e.client().Catenate(e.ctx(), box, parts, nil)
		require.NoError(e, err)
		header, _, _ := strings.Cut(mixed, "\r\n\r\n")
		uids = e.uids()
		require.Len(e, uids, 2)
		require.Equal(e, header+"\r\n\r\nanother body\r\n", string(e.fetchOne(uids[1], imap.Section{}).Section(imap.Section{})))
		return works
	}},
	{method: "Replace", run: func(e *env) cell {
		box, uids := e.open(note("draft"), note("other"))
		replace := func() error {
			_, err := e.client().Replace(e.ctx(), uids[0], box, imap.LiteralString(note("final")), nil)
			return err
		}
		if !e.offers("REPLACE") {
			return e.unsupported(replace)
		}
		require.NoError(e, replace())
		return e.replaced(box, uids[1])
	}},
	{method: "ReplaceSeq", run: func(e *env) cell {
		box, uids := e.open(note("draft"), note("other"))
		replace := func() error {
			_, err := e.client().ReplaceSeq(e.ctx(), 1, box, imap.LiteralString(note("final")), nil)
			return err
		}
		if !e.offers("REPLACE") {
			return e.unsupported(replace)
		}
		require.NoError(e, replace())
		return e.replaced(box, uids[1])
	}},
	{method: "Sync", run: syncRow},
	{method: "Notify", run: notifyRow},
}

// replaced checks a mailbox after a replacement: the other message is left and the new one is stored.
func (e *env) replaced(box string, other imap.UID) cell {
	e.Helper()
	uids := e.selectBox(box)
	require.Len(e, uids, 2)
	require.Equal(e, other, uids[0])
	require.Equal(e, "final", e.fetchOne(uids[1], imap.FetchEnvelope).Envelope.Subject)
	return works
}

// syncRow returns twice to a mailbox that another connection has changed meanwhile.
func syncRow(e *env) cell {
	box, uids := e.open(note("one"), note("two"), note("three"))
	main, c := e.client(), e.login()
	first, err := c.Sync(e.ctx(), box, imap.SyncState{}, nil)
	require.NoError(e, err)
	require.Equal(e, imap.UIDs(uids...).String(), first.New.String())
	require.NoError(e, c.Unselect(e.ctx()))
	_, err = main.Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(e, err)
	_, err = main.Expunge(e.ctx())
	require.NoError(e, err)
	_, err = main.Store(e.ctx(), imap.UIDs(uids[2]), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(e, err)
	e.add(box, note("four"))
	res, err := c.Sync(e.ctx(), box, first.State, nil)
	require.NoError(e, err)
	require.False(e, res.Reset)
	require.Equal(e, imap.UIDs(uids[0]), res.Vanished)
	require.EqualValues(e, 1, res.New.Len())
	flagged := false
	for _, m := range res.Changed {
		if m.UID == uids[2] {
			require.Contains(e, m.Flags, imap.FlagFlagged)
			flagged = true
		}
	}
	require.True(e, flagged)
	if e.offers("CONDSTORE", "QRESYNC") {
		return works
	}
	return fallback
}

// notifyRow receives an event for a message in a mailbox that is not selected.
func notifyRow(e *env) cell {
	box, c := e.box(), e.login()
	rules := []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}
	e.client()
	if !e.offers("NOTIFY") {
		return e.unsupported(func() error { return c.Notify(e.ctx(), rules, nil) })
	}
	require.NoError(e, c.Notify(e.ctx(), rules, nil))
	stop := e.soon(func() { e.addFromOther(box, note("one")) })
	defer stop()
	for ev, err := range c.Idle(e.ctx(), &imap.IdleOptions{For: time.Minute}) {
		require.NoError(e, err)
		if st, ok := ev.(*imap.StatusEvent); ok && st.Status.Mailbox == box {
			require.EqualValues(e, 1, *st.Status.Messages)
			require.NoError(e, c.Notify(e.ctx(), nil, nil))
			return works
		}
	}
	require.Fail(e, "nothing was told")
	return works
}
