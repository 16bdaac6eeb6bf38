//lint:file-ignore SA1019 every method of the client is run, the deprecated ones too

package interop_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unicodeName has letters of several scripts, an ampersand and a letter beyond the basic plane.
const unicodeName = "Entwürfe & 日本 \U0001f4e8"

// listed reports whether a mailbox is among entries.
func listed(entries []imap.ListEntry, name string) bool {
	return slices.ContainsFunc(entries, func(l imap.ListEntry) bool { return l.Name == name })
}

// list returns all mailboxes.
func (e *env) list() []imap.ListEntry {
	e.Helper()
	all, err := e.client().List(e.ctx(), "", "*", nil)
	require.NoError(e, err)
	return all
}

var mailboxRows = []row{
	{method: "Select", run: func(e *env) cell {
		box, _ := e.open(note("one"), note("two"))
		mb, err := e.client().Select(e.ctx(), box, nil)
		require.NoError(e, err)
		assert.Equal(e, box, mb.Name)
		assert.EqualValues(e, 2, mb.Exists)
		assert.False(e, mb.ReadOnly)
		assert.NotZero(e, mb.UIDValidity)
		assert.Contains(e, mb.Flags, imap.FlagSeen)
		assert.Contains(e, mb.PermanentFlags, imap.FlagDeleted)
		_, err = e.client().Select(e.ctx(), e.name(), nil)
		var refusal *imap.Error
		require.ErrorAs(e, err, &refusal)
		assert.Equal(e, imap.Authenticated, e.client().State())
		if mb.UIDNext == 0 {
			return works.except("select-without-uidnext")
		}
		return works
	}},
	{method: "Select", what: "CondStore", run: func(e *env) cell {
		box := e.box()
		e.add(box, note("one"))
		opts := &imap.SelectOptions{CondStore: true}
		if !e.offers("CONDSTORE", "QRESYNC") {
			return e.unsupported(func() error { _, err := e.client().Select(e.ctx(), box, opts); return err })
		}
		mb, err := e.client().Select(e.ctx(), box, opts)
		require.NoError(e, err)
		require.NotZero(e, mb.HighestModSeq)
		return works
	}},
	{method: "Select", what: "QResync", run: resyncRow},
	{method: "Examine", run: func(e *env) cell {
		box, uids := e.open(note("one"))
		mb, err := e.client().Examine(e.ctx(), box, nil)
		require.NoError(e, err)
		require.True(e, mb.ReadOnly)
		_, err = e.client().Store(e.ctx(), imap.UIDs(uids...), imap.AddFlags(imap.FlagSeen), nil)
		require.ErrorIs(e, err, imap.ErrReadOnly)
		return works
	}},
	{method: "Mailbox", run: func(e *env) cell {
		box, _ := e.open(note("one"))
		e.add(box, note("two"))
		require.NoError(e, e.client().Noop(e.ctx()))
		mb := e.client().Mailbox()
		require.NotNil(e, mb)
		require.Equal(e, box, mb.Name)
		require.EqualValues(e, 2, mb.Exists)
		require.NoError(e, e.client().CloseMailbox(e.ctx()))
		require.Nil(e, e.client().Mailbox())
		return works
	}},
	{method: "CloseMailbox", run: func(e *env) cell {
		box, uids := e.open(note("one"), note("two"))
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		require.NoError(e, e.client().CloseMailbox(e.ctx()))
		require.Equal(e, imap.Authenticated, e.client().State())
		require.Equal(e, uids[1:], e.selectBox(box))
		return works
	}},
	{method: "Unselect", run: func(e *env) cell {
		box, uids := e.open(note("one"))
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids...), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		require.NoError(e, e.client().Unselect(e.ctx()))
		require.Equal(e, imap.Authenticated, e.client().State())
		require.Equal(e, uids, e.selectBox(box), "nothing was removed")
		if e.offers("UNSELECT") {
			return works
		}
		return fallback
	}},
	{method: "Check", run: func(e *env) cell {
		e.open()
		require.NoError(e, e.client().Check(e.ctx()))
		return works
	}},
	{method: "Recent", run: func(e *env) cell {
		e.open(note("one"))
		n, err := e.client().Recent(e.ctx())
		require.NoError(e, err)
		require.LessOrEqual(e, n, uint32(1))
		return works
	}},
	{method: "Create", run: func(e *env) cell {
		name := e.name()
		require.NoError(e, e.client().Create(e.ctx(), name, nil))
		require.True(e, listed(e.list(), name))
		var refusal *imap.Error
		err := e.client().Create(e.ctx(), name, nil)
		require.ErrorAs(e, err, &refusal)
		if imap.CodeOf(err) != imap.CodeAlreadyExists {
			return works.except("create-without-code")
		}
		return works
	}},
	{method: "Create", what: "a name that is not ASCII", run: func(e *env) cell {
		name, result := e.name()+" "+unicodeName, works
		err := e.client().Create(e.ctx(), name, nil)
		if _, refused := errors.AsType[*imap.Error](err); refused {
			result = works.except("names-in-the-basic-plane")
			name = e.name() + " " + strings.TrimRight(unicodeName, "\U0001f4e8")
			err = e.client().Create(e.ctx(), name, nil)
		}
		require.NoError(e, err)
		require.True(e, listed(e.list(), name))
		e.add(name, note("one"))
		require.Len(e, e.selectBox(name), 1)
		require.Equal(e, name, e.client().Mailbox().Name)
		st, err := e.client().Status(e.ctx(), name, imap.StatusMessages)
		require.NoError(e, err)
		require.Equal(e, name, st.Mailbox)
		return result
	}},
	{method: "Create", what: "SpecialUse", run: func(e *env) cell {
		name := e.name()
		opts := &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrArchive}}
		create := func() error { return e.client().Create(e.ctx(), name, opts) }
		if !e.offers("CREATE-SPECIAL-USE") {
			return e.unsupported(create)
		}
		if err := create(); err != nil { // there is an archive already, and no second is allowed
			require.NotEmpty(e, imap.CodeOf(err))
			return works.except("one-special-use-each")
		}
		entries, err := e.client().List(e.ctx(), "", name, &imap.ListOptions{SpecialUse: true})
		require.NoError(e, err)
		require.Len(e, entries, 1)
		require.True(e, entries[0].Has(imap.AttrArchive))
		return works
	}},
	{method: "Delete", run: func(e *env) cell {
		box := e.box()
		e.add(box, note("one"))
		require.NoError(e, e.client().Delete(e.ctx(), box))
		require.False(e, listed(e.list(), box))
		var refusal *imap.Error
		require.ErrorAs(e, e.client().Delete(e.ctx(), e.name()), &refusal)
		return works
	}},
	{method: "Rename", run: func(e *env) cell {
		from, to := e.box(), e.name()
		e.add(from, note("one"))
		require.NoError(e, e.client().Rename(e.ctx(), from, to))
		all := e.list()
		require.False(e, listed(all, from))
		require.True(e, listed(all, to))
		require.Len(e, e.selectBox(to), 1)
		return works
	}},
	{method: "Subscribe", run: func(e *env) cell {
		box := e.box()
		require.NoError(e, e.client().Subscribe(e.ctx(), box))
		subscribed, err := e.client().Lsub(e.ctx(), "", "*")
		require.NoError(e, err)
		require.True(e, listed(subscribed, box))
		return works
	}},
	{method: "Unsubscribe", run: func(e *env) cell {
		box := e.box()
		require.NoError(e, e.client().Subscribe(e.ctx(), box))
		require.NoError(e, e.client().Unsubscribe(e.ctx(), box))
		subscribed, err := e.client().Lsub(e.ctx(), "", "*")
		require.NoError(e, err)
		require.False(e, listed(subscribed, box))
		return works
	}},
	{method: "List", run: func(e *env) cell {
		box := e.box()
		all := e.list()
		require.True(e, listed(all, "INBOX"))
		i := slices.IndexFunc(all, func(l imap.ListEntry) bool { return l.Name == box })
		require.GreaterOrEqual(e, i, 0)
		require.Equal(e, e.target.delimiter, all[i].Delimiter)
		one, err := e.client().List(e.ctx(), "", box, nil)
		require.NoError(e, err)
		require.Len(e, one, 1)
		none, err := e.client().List(e.ctx(), "", e.name(), nil)
		require.NoError(e, err)
		require.Empty(e, none)
		return works
	}},
	{method: "List", what: "Subscribed", run: func(e *env) cell {
		box, other := e.box(), e.box()
		require.NoError(e, e.client().Subscribe(e.ctx(), box))
		subscribed, err := e.client().List(e.ctx(), "", "*", &imap.ListOptions{Subscribed: true})
		require.NoError(e, err)
		require.True(e, listed(subscribed, box))
		require.False(e, listed(subscribed, other))
		if e.offers("LIST-EXTENDED") {
			return works
		}
		return fallback
	}},
	{method: "List", what: "SpecialUse", run: func(e *env) cell {
		entries, err := e.client().List(e.ctx(), "", "*", &imap.ListOptions{SpecialUse: true})
		require.NoError(e, err)
		for _, entry := range entries {
			require.NotEqual(e, "INBOX", entry.Name)
		}
		if e.offers("SPECIAL-USE") {
			return works
		}
		require.Empty(e, entries)
		return fallback
	}},
	{method: "List", what: "ReturnStatus", run: func(e *env) cell {
		box := e.box()
		e.add(box, note("one"))
		entries, err := e.client().List(e.ctx(), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		require.NoError(e, err)
		for _, entry := range entries {
			if entry.Name == box {
				require.NotNil(e, entry.Status)
				require.EqualValues(e, 1, *entry.Status.Messages)
			}
		}
		require.True(e, listed(entries, box))
		if e.offers("LIST-STATUS") {
			return works
		}
		return fallback
	}},
	{method: "Lsub", run: func(e *env) cell {
		box, other := e.box(), e.box()
		require.NoError(e, e.client().Subscribe(e.ctx(), box))
		subscribed, err := e.client().Lsub(e.ctx(), "", "*")
		require.NoError(e, err)
		require.True(e, listed(subscribed, box))
		require.False(e, listed(subscribed, other))
		return works
	}},
	{method: "SpecialUse", run: func(e *env) cell {
		sent := e.target.prefix + "Sent"
		switch {
		case listed(e.list(), sent):
		case e.offers("CREATE-SPECIAL-USE"):
			use := &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrSent}}
			require.NoError(e, e.client().Create(e.ctx(), sent, use))
		default: // the name is what is left where nothing is marked
			require.NoError(e, e.client().Create(e.ctx(), sent, nil))
		}
		uses, err := e.client().SpecialUse(e.ctx())
		require.NoError(e, err)
		require.Equal(e, sent, uses[imap.AttrSent])
		if e.offers("SPECIAL-USE") {
			return works
		}
		return fallback
	}},
	{method: "Status", run: func(e *env) cell {
		box := e.box()
		e.add(box, note("one"))
		st, err := e.client().Status(e.ctx(), box, imap.StatusMessages, imap.StatusRecent, imap.StatusUIDNext,
			imap.StatusUIDValidity, imap.StatusUnseen)
		require.NoError(e, err)
		require.Equal(e, box, st.Mailbox)
		require.EqualValues(e, 1, *st.Messages)
		require.EqualValues(e, 1, *st.Unseen)
		require.NotNil(e, st.UIDNext)
		require.NotNil(e, st.UIDValidity)
		_, err = e.client().Status(e.ctx(), e.name())
		var refusal *imap.Error
		require.ErrorAs(e, err, &refusal)
		return works
	}},
	statusRow(imap.StatusSize, []string{"STATUS=SIZE", "IMAP4REV2"}, func(e *env, st *imap.Status) {
		require.EqualValues(e, len(note("one")), *st.Size)
	}),
	statusRow(imap.StatusDeleted, []string{"IMAP4REV2", "QUOTA=RES-MESSAGE"}, func(e *env, st *imap.Status) {
		require.Zero(e, *st.Deleted)
	}),
	statusRow(imap.StatusHighestModSeq, []string{"CONDSTORE", "QRESYNC"}, func(e *env, st *imap.Status) {
		require.NotZero(e, *st.HighestModSeq)
	}),
	statusRow(imap.StatusMailboxID, []string{"OBJECTID"}, func(e *env, st *imap.Status) {
		require.NotEmpty(e, st.MailboxID)
	}),
	{method: "Namespace", run: func(e *env) cell {
		if !e.offers("NAMESPACE", "IMAP4REV2") {
			return e.unsupported(func() error { _, err := e.client().Namespace(e.ctx()); return err })
		}
		ns, err := e.client().Namespace(e.ctx())
		require.NoError(e, err)
		require.NotEmpty(e, ns.Personal)
		require.Equal(e, e.target.prefix, ns.Personal[0].Prefix)
		require.Equal(e, e.target.delimiter, ns.Personal[0].Delimiter)
		return works
	}},
}

// statusRow is the row of an item of STATUS that needs a capability.
func statusRow(item imap.StatusItem, needs []string, check func(*env, *imap.Status)) row {
	return row{method: "Status", what: string(item), run: func(e *env) cell {
		box := e.box()
		e.add(box, note("one"))
		if !e.offers(needs...) {
			return e.unsupported(func() error { _, err := e.client().Status(e.ctx(), box, item); return err })
		}
		st, err := e.client().Status(e.ctx(), box, item)
		require.NoError(e, err)
		check(e, st)
		return works
	}}
}

// resyncRow returns to a mailbox in which another connection removed one message and flagged another.
func resyncRow(e *env) cell {
	box, uids := e.open(note("one"), note("two"), note("three"))
	c := e.login()
	if !e.offers("QRESYNC") {
		opts := &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}}
		return e.unsupported(func() error { _, err := c.Select(e.ctx(), box, opts); return err })
	}
	before, err := c.Select(e.ctx(), box, &imap.SelectOptions{CondStore: true})
	require.NoError(e, err)
	require.NoError(e, c.Unselect(e.ctx()))
	main := e.client()
	_, err = main.Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(e, err)
	_, err = main.Expunge(e.ctx())
	require.NoError(e, err)
	_, err = main.Store(e.ctx(), imap.UIDs(uids[2]), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(e, err)
	mb, err := c.Select(e.ctx(), box, &imap.SelectOptions{QResync: &imap.QResync{
		UIDValidity: before.UIDValidity, ModSeq: before.HighestModSeq, KnownUIDs: imap.UIDs(uids...)}})
	require.NoError(e, err)
	require.EqualValues(e, 2, mb.Exists)
	require.Equal(e, imap.UIDs(uids[0]), mb.Vanished)
	require.NotEmpty(e, mb.Changed)
	last := mb.Changed[len(mb.Changed)-1]
	require.Equal(e, uids[2], last.UID)
	require.Contains(e, last.Flags, imap.FlagFlagged)
	return works
}
