package interop_test

import (
	"errors"
	"iter"
	"slices"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// moreRows are the methods of extensions that few servers have.
var moreRows = slices.Concat(rareMailboxRows, rareMessageRows, liveSearchRows, urlRows, languageRows, filterRows, entryRows)

// imapSieve is the prefix of a capability that ends with a URL.
const imapSieve = "IMAPSIEVE="

// rare is the row of a method that needs all of the capabilities, on a connection of its own, with a selected mailbox that
// holds mixed. try makes only the call.
func rare(method string, needs []string, try func(e *env, c *imap.Client) error, check func(e *env, c *imap.Client) cell) row {
	return row{method: method, run: func(e *env) cell {
		box, _ := e.open(mixed)
		for _, name := range needs {
			if _, sieve := e.client().Caps().SieveURL(); !e.offers(name) && !(sieve && name == imapSieve) {
				return e.unsupported(func() error { return try(e, e.client()) })
			}
		}
		c := e.login()
		_, err := c.Select(e.ctx(), box, nil)
		require.NoError(e, err)
		return check(e, c)
	}}
}

// lastError runs a loop to its end.
func lastError[V any](loop iter.Seq2[V, error]) (last error) {
	for _, err := range loop {
		last = err
	}
	return last
}

var rareMailboxRows = []row{
	{method: "CreateMailbox", run: func(e *env) cell {
		name := e.name()
		made, err := e.client().CreateMailbox(e.ctx(), name, nil)
		require.NoError(e, err)
		require.True(e, listed(e.list(), name))
		require.Equal(e, e.offers("OBJECTID", "OBJECTID+"), made.MailboxID != "")
		return works
	}},
	rare("RemoteList", []string{"MAILBOX-REFERRALS"}, func(e *env, c *imap.Client) error {
		_, err := c.RemoteList(e.ctx(), "", "*")
		return err
	}, func(e *env, c *imap.Client) cell {
		list, err := c.RemoteList(e.ctx(), "", "*")
		require.NoError(e, err)
		require.True(e, listed(list, c.Mailbox().Name))
		return works
	}),
	rare("RemoteLsub", []string{"MAILBOX-REFERRALS"}, func(e *env, c *imap.Client) error {
		_, err := c.RemoteLsub(e.ctx(), "", "*")
		return err
	}, func(e *env, c *imap.Client) cell {
		require.NoError(e, c.Subscribe(e.ctx(), c.Mailbox().Name))
		list, err := c.RemoteLsub(e.ctx(), "", "*")
		require.NoError(e, err)
		require.True(e, listed(list, c.Mailbox().Name))
		return works
	}),
	rare("JMAPAccess", []string{"JMAPACCESS"}, func(e *env, c *imap.Client) error {
		_, err := c.JMAPAccess(e.ctx())
		return err
	}, func(e *env, c *imap.Client) cell {
		url, err := c.JMAPAccess(e.ctx())
		require.NoError(e, err)
		require.NotEmpty(e, url)
		return works
	}),
	rare("ApplePush", []string{"XAPPLEPUSHSERVICE"}, func(e *env, c *imap.Client) error {
		_, err := c.ApplePush(e.ctx(), nil)
		return err
	}, func(e *env, c *imap.Client) cell {
		got, err := c.ApplePush(e.ctx(), &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
		require.NoError(e, err)
		require.NotEmpty(e, got["aps-topic"])
		return works
	}),
}

var rareMessageRows = []row{
	{method: "FetchChanges", run: fetchChangesRow},
	{method: "Batches", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"), note("three"), note("four"), note("five"))
		var done []uint64
		for b, err := range e.client().Batches(e.ctx(), imap.UIDRange(1, 0), 2) {
			require.NoError(e, err)
			require.EqualValues(e, 5, b.Total)
			require.True(e, b.UIDs.Contains(uids[4-b.Done]))
			done = append(done, b.Done)
		}
		require.Equal(e, []uint64{0, 2, 4}, done)
		if e.offers("UIDBATCHES") {
			return works
		}
		return fallback
	}},
	rare("UIDBatches", []string{"UIDBATCHES"}, func(e *env, c *imap.Client) error {
		_, err := c.UIDBatches(e.ctx(), 1000, 0, 0)
		return err
	}, func(e *env, c *imap.Client) cell {
		got, err := c.UIDBatches(e.ctx(), 1000, 0, 0)
		require.NoError(e, err)
		require.Len(e, got, 1)
		require.True(e, got[0].Contains(1))
		return works
	}),
	rare("Conversions", []string{"CONVERT"}, func(e *env, c *imap.Client) error {
		_, err := c.Conversions(e.ctx(), "*", "*")
		return err
	}, func(e *env, c *imap.Client) cell {
		got, err := c.Conversions(e.ctx(), "text/html", "*")
		require.NoError(e, err)
		require.NotEmpty(e, got)
		return works
	}),
	rare("Convert", []string{"CONVERT"}, func(e *env, c *imap.Client) error {
		_, err := c.Convert(e.ctx(), imap.Seqs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
		return err
	}, func(e *env, c *imap.Client) cell {
		_, err := c.Append(e.ctx(), c.Mailbox().Name, imap.LiteralString("Content-Type: text/html\r\n\r\n<p>h&amp;i</p>\r\n"), nil)
		require.NoError(e, err)
		require.NoError(e, c.Noop(e.ctx()))
		got, err := c.Convert(e.ctx(), imap.Seqs(2), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
		require.NoError(e, err)
		require.Len(e, got, 1)
		require.Contains(e, string(got[0].Parts[0].Data), "h&i")
		return works
	}),
}

// fetchChangesRow fetches what another connection has changed.
func fetchChangesRow(e *env) cell {
	box, uids := e.open(note("one"), note("two"), note("three"))
	c := e.login()
	if !e.offers("QRESYNC") {
		sent := e.shared.sent.Load()
		_, err := c.FetchChanges(e.ctx(), imap.UIDs(uids...), 1)
		require.True(e, imap.SafeToRetry(err), err)
		require.Equal(e, sent, e.shared.sent.Load(), "octets were sent")
		return missing
	}
	_, err := c.Enable(e.ctx(), "QRESYNC")
	require.NoError(e, err)
	before, err := c.Select(e.ctx(), box, nil)
	require.NoError(e, err)
	since := before.HighestModSeq
	_, err = e.client().Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(e, err)
	_, err = e.client().Expunge(e.ctx())
	require.NoError(e, err)
	_, err = e.client().Store(e.ctx(), imap.UIDs(uids[2]), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(e, err)
	require.NoError(e, c.Noop(e.ctx()))
	got, err := c.FetchChanges(e.ctx(), imap.UIDs(uids...), since, imap.FetchFlags)
	require.NoError(e, err)
	require.Len(e, got.Messages, 1)
	require.Equal(e, uids[2], got.Messages[0].UID)
	require.Contains(e, got.Messages[0].Flags, imap.FlagFlagged)
	require.Equal(e, imap.UIDs(uids[0]), got.Vanished)
	return works
}

var liveSearchRows = []row{
	rare("SearchMailboxes", []string{"MULTISEARCH"}, func(e *env, c *imap.Client) error {
		_, err := c.SearchMailboxes(e.ctx(), nil, imap.Where(), nil)
		return err
	}, func(e *env, c *imap.Client) cell {
		other := e.box()
		e.add(other, note("one"))
		e.add(other, note("two"))
		scopes := []imap.MailboxScope{{Scope: imap.NotifyMailboxes, Mailboxes: []string{c.Mailbox().Name, other}}}
		got, err := c.SearchMailboxes(e.ctx(), scopes, imap.Where().Unseen(), nil)
		require.NoError(e, err)
		found := map[string]uint32{}
		for _, res := range got {
			found[res.Mailbox] = res.Count
			require.NotZero(e, res.UIDValidity)
		}
		require.Equal(e, map[string]uint32{c.Mailbox().Name: 1, other: 2}, found)
		return works
	}),
	rare("SearchUpdates", []string{"CONTEXT=SEARCH"}, func(e *env, c *imap.Client) error {
		return lastError(c.SearchUpdates(e.ctx(), imap.Where(), nil))
	}, func(e *env, c *imap.Client) cell {
		return updated(e, c, c.SearchUpdates(e.ctx(), imap.Where().Unseen(), nil))
	}),
	rare("SortUpdates", []string{"CONTEXT=SORT"}, func(e *env, c *imap.Client) error {
		return lastError(c.SortUpdates(e.ctx(), bySubject, imap.Where(), nil))
	}, func(e *env, c *imap.Client) cell {
		return updated(e, c, c.SortUpdates(e.ctx(), bySubject, imap.Where().Unseen(), nil))
	}),
}

// updated follows the result of a search of the selected mailbox, to which another connection adds a message.
func updated(e *env, c *imap.Client, loop iter.Seq2[*imap.SearchUpdate, error]) cell {
	e.Helper()
	n, box := 0, c.Mailbox().Name
	for up, err := range loop {
		require.NoError(e, err)
		if up.Event != nil {
			continue
		}
		if n++; n == 1 {
			require.Len(e, up.UIDs, 1)
			_, err := e.second().Append(e.ctx(), box, imap.LiteralString(note("two")), nil)
			require.NoError(e, err)
			continue
		}
		require.Len(e, up.Added, 1)
		require.Len(e, up.UIDs, 2)
		break
	}
	require.Equal(e, 2, n)
	require.NoError(e, c.Noop(e.ctx()))
	return works
}

// authorize makes a URL of the first part of the message in the selected mailbox.
func (e *env) authorize(c *imap.Client) ([]*imap.URL, error) {
	mb := c.Mailbox()
	u := &imap.URL{User: "x", Host: "localhost", Mailbox: "INBOX", UID: 1, Section: "1", Access: "anonymous"}
	if mb != nil {
		u.User, u.Mailbox, u.UIDValidity = e.user, mb.Name, mb.UIDValidity
	}
	return c.AuthorizeURLs(e.ctx(), "INTERNAL", u)
}

// withURL is the row of a method that needs an authorized URL.
func withURL(method string, try func(e *env, c *imap.Client) error, check func(e *env, c *imap.Client, url string) cell) row {
	return rare(method, []string{"URLAUTH"}, try, func(e *env, c *imap.Client) cell {
		made, err := e.authorize(c)
		require.NoError(e, err)
		require.Len(e, made, 1)
		require.NotEmpty(e, made[0].Token)
		return check(e, c, made[0].String())
	})
}

// fetchURL closes the mailbox and returns the data of a URL.
func (e *env) fetchURL(c *imap.Client, url string) imap.URLContent {
	e.Helper()
	require.NoError(e, c.Unselect(e.ctx()))
	got, err := c.FetchURLs(e.ctx(), imap.URLRequest{URL: url})
	require.NoError(e, err)
	require.Len(e, got, 1)
	return got[0]
}

var urlRows = []row{
	withURL("AuthorizeURLs", func(e *env, c *imap.Client) error { _, err := e.authorize(c); return err },
		func(e *env, c *imap.Client, url string) cell { return works }),
	withURL("FetchURLs", func(e *env, c *imap.Client) error {
		_, err := c.FetchURLs(e.ctx(), imap.URLRequest{URL: "imap://x@localhost/INBOX/;UID=1"})
		return err
	}, func(e *env, c *imap.Client, url string) cell {
		box := c.Mailbox().Name
		got := e.fetchURL(c, url)
		require.True(e, got.Found)
		require.Equal(e, "Sch=C3=B6ne Gr=C3=BC=C3=9Fe", string(got.Data))
		_, err := c.Select(e.ctx(), box, nil)
		require.NoError(e, err)
		if _, err = c.FetchURLs(e.ctx(), imap.URLRequest{URL: url}); err != nil {
			require.Equal(e, imap.LoggedOut, c.State())
			return works.except("urlfetch-ends-where-selected")
		}
		return works
	}),
	withURL("ResetURLKeys", func(e *env, c *imap.Client) error { return c.ResetURLKeys(e.ctx(), "") },
		func(e *env, c *imap.Client, url string) cell {
			require.NoError(e, c.ResetURLKeys(e.ctx(), c.Mailbox().Name))
			require.False(e, e.fetchURL(c, url).Found)
			return works
		}),
}

var languageRows = []row{
	rare("Languages", []string{"LANGUAGE"}, func(e *env, c *imap.Client) error { _, err := c.Languages(e.ctx()); return err },
		func(e *env, c *imap.Client) cell {
			list, err := c.Languages(e.ctx())
			require.NoError(e, err)
			require.NotEmpty(e, list)
			return works
		}),
	rare("SetLanguage", []string{"LANGUAGE"}, func(e *env, c *imap.Client) error {
		_, err := c.SetLanguage(e.ctx(), "default")
		return err
	}, func(e *env, c *imap.Client) cell {
		list, err := c.Languages(e.ctx())
		require.NoError(e, err)
		tag, err := c.SetLanguage(e.ctx(), list[0])
		require.NoError(e, err)
		require.Equal(e, list[0], tag)
		return works
	}),
	rare("Comparator", []string{"I18NLEVEL=2"}, func(e *env, c *imap.Client) error { _, err := c.Comparator(e.ctx()); return err },
		func(e *env, c *imap.Client) cell {
			got, err := c.Comparator(e.ctx())
			require.NoError(e, err)
			require.NotEmpty(e, got.Active)
			return works
		}),
}

var filterCaps = []string{"FILTERS", "METADATA"}

// setFilter stores a filter that matches the message of rare.
func (e *env) setFilter(c *imap.Client) error {
	return c.SetFilter(e.ctx(), imap.Filter{Name: "unread", Description: "not read"}, imap.Where().Unseen())
}

var filterRows = []row{
	rare("SetFilter", filterCaps, (*env).setFilter, func(e *env, c *imap.Client) cell {
		require.NoError(e, e.setFilter(c))
		res, err := c.Search(e.ctx(), imap.Where().Filter("unread"), nil)
		require.NoError(e, err)
		require.EqualValues(e, 1, res.Count)
		return works
	}),
	rare("Filters", filterCaps, func(e *env, c *imap.Client) error { _, err := c.Filters(e.ctx()); return err },
		func(e *env, c *imap.Client) cell {
			require.NoError(e, e.setFilter(c))
			list, err := c.Filters(e.ctx())
			require.NoError(e, err)
			require.Contains(e, list, imap.Filter{Name: "unread", Criteria: "UNSEEN", Description: "not read"})
			return works
		}),
	rare("RemoveFilter", filterCaps, func(e *env, c *imap.Client) error { return c.RemoveFilter(e.ctx(), "unread", false) },
		func(e *env, c *imap.Client) cell {
			require.NoError(e, e.setFilter(c))
			require.NoError(e, c.RemoveFilter(e.ctx(), "unread", false))
			list, err := c.Filters(e.ctx())
			require.NoError(e, err)
			require.Empty(e, list)
			return works
		}),
}

var specialUseCaps = []string{"SPECIAL-USE", "METADATA"}

// setSpecialUse marks the selected mailbox as important.
func (e *env) setSpecialUse(c *imap.Client) error {
	box := "INBOX"
	if mb := c.Mailbox(); mb != nil {
		box = mb.Name
	}
	return c.SetSpecialUse(e.ctx(), box, imap.AttrImportant)
}

var entryRows = []row{
	rare("SetSpecialUse", specialUseCaps, (*env).setSpecialUse, func(e *env, c *imap.Client) cell {
		err := e.setSpecialUse(c)
		if _, refused := errors.AsType[*imap.Error](err); refused {
			return refuses.except("special-use-is-configured")
		}
		require.NoError(e, err)
		all, err := c.List(e.ctx(), "", "*", &imap.ListOptions{SpecialUse: true})
		require.NoError(e, err)
		require.NoError(e, c.SetSpecialUse(e.ctx(), c.Mailbox().Name))
		i := slices.IndexFunc(all, func(l imap.ListEntry) bool { return l.Name == c.Mailbox().Name })
		if i < 0 {
			return works.except("special-use-not-listed")
		}
		require.True(e, all[i].Has(imap.AttrImportant))
		return works
	}),
	rare("GetSpecialUse", specialUseCaps, func(e *env, c *imap.Client) error { _, err := c.GetSpecialUse(e.ctx(), "INBOX"); return err },
		func(e *env, c *imap.Client) cell {
			uses, err := c.GetSpecialUse(e.ctx(), c.Mailbox().Name)
			require.NoError(e, err)
			require.Empty(e, uses)
			if e.setSpecialUse(c) != nil {
				return works
			}
			uses, err = c.GetSpecialUse(e.ctx(), c.Mailbox().Name)
			require.NoError(e, err)
			require.Equal(e, []imap.MailboxAttr{imap.AttrImportant}, uses)
			require.NoError(e, c.SetSpecialUse(e.ctx(), c.Mailbox().Name))
			return works
		}),
	rare("SetSieveScript", []string{imapSieve}, func(e *env, c *imap.Client) error {
		return c.SetSieveScript(e.ctx(), "INBOX", "s")
	}, scripted),
	rare("GetSieveScript", []string{imapSieve}, func(e *env, c *imap.Client) error {
		_, err := c.GetSieveScript(e.ctx(), "INBOX")
		return err
	}, scripted),
}

// scripted sets a script for the selected mailbox and removes it.
func scripted(e *env, c *imap.Client) cell {
	for _, script := range []string{"s", ""} {
		require.NoError(e, c.SetSieveScript(e.ctx(), c.Mailbox().Name, script))
		name, err := c.GetSieveScript(e.ctx(), c.Mailbox().Name)
		require.NoError(e, err)
		require.Equal(e, script, name)
	}
	return works
}
