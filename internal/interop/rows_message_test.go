package interop_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetch returns items of the messages.
func (e *env) fetch(set imap.NumSet, items ...imap.FetchItem) []*imap.Message {
	e.Helper()
	got, err := imap.Collect(e.client().Fetch(e.ctx(), set, items...))
	require.NoError(e, err)
	return got
}

// fetchOne returns items of one message.
func (e *env) fetchOne(uid imap.UID, items ...imap.FetchItem) *imap.Message {
	e.Helper()
	m, err := e.client().FetchOne(e.ctx(), uid, items...)
	require.NoError(e, err)
	require.NotNil(e, m)
	return m
}

// newYear is an internal date in a zone that is not the server's.
var newYear = time.Date(2001, 1, 1, 0, 30, 15, 0, time.FixedZone("", 5*3600+1800))

// fetchAttr is the row of a message attribute that needs a capability.
func fetchAttr(attr imap.FetchAttr, needs string, check func(*env, *imap.Message) cell) row {
	return row{method: "Fetch", what: string(attr), run: func(e *env) cell {
		_, uids := e.open(note("one"))
		if !e.offers(needs) {
			return e.unsupported(func() error {
				_, err := imap.Collect(e.client().Fetch(e.ctx(), imap.UIDs(uids...), attr))
				return err
			})
		}
		return check(e, e.fetchOne(uids[0], attr))
	}}
}

var messageRows = []row{
	{method: "Append", run: func(e *env) cell {
		box := e.box()
		res, err := e.client().Append(e.ctx(), box, imap.LiteralString(mixed),
			&imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, imap.FlagFlagged}, InternalDate: newYear})
		require.NoError(e, err)
		uids := e.selectBox(box)
		require.Len(e, uids, 1)
		if e.offers("UIDPLUS", "IMAP4REV2") {
			require.Equal(e, uids[0], res.UID)
			require.Equal(e, e.client().Mailbox().UIDValidity, res.UIDValidity)
		}
		m := e.fetchOne(uids[0], imap.FetchFlags, imap.FetchInternalDate, imap.Section{})
		require.Equal(e, mixed, string(m.Section(imap.Section{})))
		require.Subset(e, m.Flags, []imap.Flag{imap.FlagSeen, imap.FlagFlagged})
		require.True(e, newYear.Equal(m.InternalDate), m.InternalDate)
		_, err = e.client().Append(e.ctx(), e.name(), imap.LiteralString(mixed), nil)
		require.Equal(e, imap.CodeTryCreate, imap.CodeOf(err), err)
		return works
	}},
	{method: "Fetch", run: func(e *env) cell {
		_, uids := e.open(note("one"), mixed)
		got := e.fetch(imap.SeqRange(1, 0), imap.FetchFlags, imap.FetchSize, imap.FetchInternalDate, imap.FetchEnvelope,
			imap.FetchBodyStructure)
		require.Len(e, got, 2)
		m := got[1]
		assert.Equal(e, uids[1], m.UID)
		assert.EqualValues(e, 2, m.SeqNum)
		assert.EqualValues(e, len(mixed), m.Size)
		assert.WithinDuration(e, time.Now(), m.InternalDate, time.Hour)
		assert.Equal(e, "Grüße aus Köln", m.Envelope.Subject)
		assert.Equal(e, []imap.Address{{Name: "Jörg Müller", Mailbox: "joerg", Host: "example.org"}}, m.Envelope.From)
		assert.Equal(e, []imap.Address{{Name: "Carol, C.", Mailbox: "carol", Host: "example.com"}}, m.Envelope.CC)
		assert.Equal(e, "<mixed@example.org>", m.Envelope.MessageID)
		assert.True(e, m.Envelope.Date.Equal(time.Date(1994, 2, 8, 9, 0, 0, 0, time.UTC)))
		require.Len(e, m.BodyStructure.Children, 2)
		assert.Equal(e, "multipart/mixed", m.BodyStructure.Type+"/"+m.BodyStructure.Subtype)
		file := m.BodyStructure.Children[1]
		assert.Equal(e, []int{2}, file.Part)
		assert.Equal(e, "attachment", file.Disposition)
		assert.Equal(e, "übersicht.bin", file.Filename())
		return works
	}},
	{method: "Fetch", what: "sections", run: func(e *env) cell {
		_, uids := e.open(mixed)
		header, body, _ := strings.Cut(mixed, "\r\n\r\n")
		sections := map[string]imap.Section{
			mixed:                         {},
			header + "\r\n\r\n":           {Specifier: "HEADER"},
			body:                          {Specifier: "TEXT"},
			"Sch=C3=B6ne Gr=C3=BC=C3=9Fe": {Part: []int{1}},
			mixed[10:30]:                  {Offset: 10, Count: 20},
			mixed[50:]:                    {Offset: 50},
			"AAECAwQFBgcICQ==":            {Part: []int{2}},
			"To: bob@example.net\r\n\r\n": {Specifier: "HEADER", Fields: []string{"To"}},
			"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n": {Part: []int{1}, Specifier: "MIME"},
		}
		var items []imap.FetchItem
		for _, s := range sections {
			items = append(items, s)
		}
		m := e.fetchOne(uids[0], items...)
		for want, s := range sections {
			assert.Equal(e, want, string(m.Section(s)), "%+v", s)
		}
		require.NotContains(e, e.fetchOne(uids[0], imap.FetchFlags).Flags, imap.FlagSeen)
		e.fetchOne(uids[0], imap.Section{Specifier: "TEXT", MarkSeen: true})
		require.Contains(e, e.fetchOne(uids[0], imap.FetchFlags).Flags, imap.FlagSeen)
		return works
	}},
	{method: "Fetch", what: "Binary", run: func(e *env) cell {
		_, uids := e.open(mixed)
		s := imap.Section{Part: []int{2}, Binary: true}
		if !e.offers("BINARY", "IMAP4REV2") {
			return e.unsupported(func() error { _, err := e.client().FetchOne(e.ctx(), uids[0], s); return err })
		}
		require.Equal(e, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, e.fetchOne(uids[0], s).Section(s))
		return works
	}},
	{method: "Fetch", what: "commands in the loop", run: func(e *env) cell {
		_, uids := e.open(note("one"), mixed, note("three"))
		n := 0
		for m, err := range e.client().Fetch(e.ctx(), imap.UIDs(uids...), imap.Section{}) {
			require.NoError(e, err)
			_, err = e.client().Store(e.ctx(), imap.UIDs(m.UID), imap.AddFlags(imap.FlagAnswered), nil)
			require.NoError(e, err)
			n++
		}
		require.Equal(e, 3, n)
		for _, m := range e.fetch(imap.UIDs(uids...), imap.FetchFlags) {
			require.Contains(e, m.Flags, imap.FlagAnswered)
		}
		return works
	}},
	{method: "Fetch", what: "ChangedSince", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"))
		if !e.offers("CONDSTORE", "QRESYNC") {
			return e.unsupported(func() error {
				_, err := imap.Collect(e.client().Fetch(e.ctx(), imap.UIDs(uids...), imap.FetchChangedSince(1)))
				return err
			})
		}
		since := e.fetchOne(uids[1], imap.FetchModSeq).ModSeq
		since = max(since, e.fetchOne(uids[0], imap.FetchModSeq).ModSeq)
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagFlagged), nil)
		require.NoError(e, err)
		got := e.fetch(imap.UIDs(uids...), imap.FetchFlags, imap.FetchChangedSince(since))
		require.Len(e, got, 1)
		require.Equal(e, uids[0], got[0].UID)
		require.Greater(e, got[0].ModSeq, since)
		return works
	}},
	fetchAttr(imap.FetchModSeq, "CONDSTORE", func(e *env, m *imap.Message) cell {
		require.NotZero(e, m.ModSeq)
		return works
	}),
	fetchAttr(imap.FetchPreview, "PREVIEW", func(e *env, m *imap.Message) cell {
		if m.Preview == "" {
			return works.except("preview-empty")
		}
		require.Contains(e, m.Preview, "The body of one")
		return works
	}),
	fetchAttr(imap.FetchEmailID, "OBJECTID", func(e *env, m *imap.Message) cell {
		require.NotEmpty(e, m.EmailID)
		return works
	}),
	fetchAttr(imap.FetchThreadID, "OBJECTID", func(e *env, m *imap.Message) cell {
		if m.ThreadID == "" {
			return works.except("no-thread-id")
		}
		return works
	}),
	fetchAttr(imap.FetchSaveDate, "SAVEDATE", func(e *env, m *imap.Message) cell {
		require.WithinDuration(e, time.Now(), m.SaveDate, time.Hour)
		return works
	}),
	{method: "FetchOne", run: func(e *env) cell {
		_, uids := e.open(note("one"))
		require.Equal(e, "one", e.fetchOne(uids[0], imap.FetchEnvelope).Envelope.Subject)
		m, err := e.client().FetchOne(e.ctx(), uids[0]+1000, imap.FetchFlags)
		require.ErrorIs(e, err, imap.ErrNoMessage)
		require.Nil(e, m)
		return works
	}},
	{method: "FetchText", run: func(e *env) cell {
		_, uids := e.open(note("one"), mixed)
		got, err := imap.Collect(e.client().FetchText(e.ctx(), imap.UIDs(uids...), nil))
		require.NoError(e, err)
		require.Len(e, got, 2)
		for _, text := range got {
			require.Equal(e, "text/plain", text.MediaType)
			require.NotEmpty(e, text.Text)
		}
		return works
	}},
	{method: "Previews", run: func(e *env) cell {
		_, uids := e.open(note("one"), mixed)
		got, err := imap.Collect(e.client().Previews(e.ctx(), imap.UIDs(uids...)))
		require.NoError(e, err)
		require.Len(e, got, 2)
		for _, m := range got {
			require.NotEmpty(e, m.Preview)
		}
		return works
	}},
	{method: "FetchStream", run: func(e *env) cell {
		_, uids := e.open(note("one"), mixed)
		var got []string
		for m, err := range e.client().FetchStream(e.ctx(), imap.UIDs(uids...), imap.FetchFlags, imap.Section{}) {
			require.NoError(e, err)
			require.ErrorIs(e, e.client().Noop(e.ctx()), imap.ErrBusy)
			for b, err := range m.Bodies() {
				require.NoError(e, err)
				text, err := io.ReadAll(b)
				require.NoError(e, err)
				require.EqualValues(e, len(text), b.Size)
				got = append(got, string(text))
			}
		}
		require.Equal(e, []string{note("one"), mixed}, got)
		for _, err := range e.client().FetchStream(e.ctx(), imap.UIDs(uids...), imap.Section{}) {
			require.NoError(e, err) // and the bodies are not read
			break
		}
		require.NoError(e, e.client().Noop(e.ctx()))
		return works
	}},
	{method: "Store", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"))
		c, both := e.client(), imap.UIDs(uids...)
		res, err := c.Store(e.ctx(), both, imap.AddFlags(imap.FlagSeen, "keyword"), nil)
		require.NoError(e, err)
		require.Len(e, res.Messages, 2)
		require.Subset(e, res.Messages[0].Flags, []imap.Flag{imap.FlagSeen, "keyword"})
		res, err = c.Store(e.ctx(), imap.Seqs(1), imap.RemoveFlags(imap.FlagSeen), nil)
		require.NoError(e, err)
		require.Len(e, res.Messages, 1)
		require.NotContains(e, res.Messages[0].Flags, imap.FlagSeen)
		_, err = c.Store(e.ctx(), both, imap.SetFlags(imap.FlagDraft), &imap.StoreOptions{Silent: true})
		require.NoError(e, err)
		for _, m := range e.fetch(both, imap.FetchFlags) {
			m.Flags = slices.DeleteFunc(m.Flags, func(f imap.Flag) bool { return f == imap.FlagRecent })
			require.Equal(e, []imap.Flag{imap.FlagDraft}, m.Flags)
		}
		return works
	}},
	{method: "Store", what: "UnchangedSince", run: unchangedRow},
	{method: "Copy", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"), note("three"))
		to := e.box()
		res, err := e.client().Copy(e.ctx(), imap.UIDs(uids[0], uids[2]), to)
		require.NoError(e, err)
		require.Len(e, e.uids(), 3)
		e.copied(res, imap.UIDs(uids[0], uids[2]), to, "one", "three")
		_, err = e.client().Copy(e.ctx(), imap.SeqRange(1, 0), e.name())
		require.Equal(e, imap.CodeTryCreate, imap.CodeOf(err), err)
		return works
	}},
	{method: "Move", run: func(e *env) cell {
		from, uids := e.open(note("one"), note("two"), note("three"))
		to := e.box()
		// Messages that others have marked are kept.
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[1]), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		set := imap.UIDs(uids[0], uids[2])
		move := func() (*imap.CopyResult, error) { return e.client().Move(e.ctx(), set, to) }
		if !e.offers("MOVE", "IMAP4REV2", "UIDPLUS") {
			return e.unsupported(func() error { _, err := move(); return err })
		}
		res, err := move()
		require.NoError(e, err)
		require.Equal(e, uids[1:2], e.uids())
		e.copied(res, set, to, "one", "three")
		require.Equal(e, uids[1:2], e.selectBox(from))
		if e.offers("MOVE", "IMAP4REV2") {
			return works
		}
		return fallback
	}},
	{method: "Expunge", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"), note("three"), note("four"))
		_, err := e.client().Store(e.ctx(), imap.Seqs(1, 3), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		res, err := e.client().Expunge(e.ctx())
		require.NoError(e, err)
		require.Len(e, res.SeqNums, 2)
		require.Equal(e, []imap.UID{uids[1], uids[3]}, e.uids())
		require.EqualValues(e, 2, e.client().Mailbox().Exists)
		return works
	}},
	{method: "Expunge", what: "UIDs with QRESYNC", run: func(e *env) cell {
		box, uids := e.open(note("one"), note("two"))
		if !e.offers("QRESYNC") {
			return missing
		}
		c := e.login()
		_, err := c.Enable(e.ctx(), "QRESYNC")
		require.NoError(e, err)
		_, err = c.Select(e.ctx(), box, nil)
		require.NoError(e, err)
		_, err = c.Store(e.ctx(), imap.UIDs(uids...), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		res, err := c.Expunge(e.ctx())
		require.NoError(e, err)
		require.Equal(e, imap.UIDRange(uids[0], uids[1]).String(), res.UIDs.String())
		return works
	}},
	{method: "UIDExpunge", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"), note("three"))
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[:2]...), imap.AddFlags(imap.FlagDeleted), nil)
		require.NoError(e, err)
		expunge := func() (*imap.ExpungeResult, error) { return e.client().UIDExpunge(e.ctx(), imap.UIDs(uids[1:]...)) }
		if !e.offers("UIDPLUS", "IMAP4REV2") {
			return e.unsupported(func() error { _, err := expunge(); return err })
		}
		res, err := expunge()
		require.NoError(e, err)
		require.Equal(e, []imap.SeqNum{2}, res.SeqNums)
		require.Equal(e, []imap.UID{uids[0], uids[2]}, e.uids())
		return works
	}},
}

// copied checks a mailbox to which messages were copied, by their subjects, and the result of the copy.
func (e *env) copied(res *imap.CopyResult, source imap.UIDSet, to string, subjects ...string) {
	e.Helper()
	uids := e.selectBox(to)
	require.Len(e, uids, len(subjects))
	for i, uid := range uids {
		require.Equal(e, subjects[i], e.fetchOne(uid, imap.FetchEnvelope).Envelope.Subject)
	}
	if !e.offers("UIDPLUS", "IMAP4REV2") {
		require.Empty(e, res.Source)
		return
	}
	require.Equal(e, e.client().Mailbox().UIDValidity, res.UIDValidity)
	require.Equal(e, source.String(), res.Source.String())
	require.Equal(e, imap.UIDs(uids...).String(), res.Dest.String())
}

// unchangedRow changes flags unless another caller did, which is the case.
func unchangedRow(e *env) cell {
	_, uids := e.open(note("one"), note("two"))
	c, both := e.client(), imap.UIDs(uids...)
	opts := &imap.StoreOptions{UnchangedSince: 1}
	if !e.offers("CONDSTORE", "QRESYNC") {
		return e.unsupported(func() error { _, err := c.Store(e.ctx(), both, imap.AddFlags(imap.FlagSeen), opts); return err })
	}
	for _, m := range e.fetch(both, imap.FetchModSeq) {
		opts.UnchangedSince = max(opts.UnchangedSince, m.ModSeq)
	}
	_, err := c.Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(e, err)
	res, err := c.Store(e.ctx(), both, imap.AddFlags(imap.FlagSeen), opts)
	if _, refused := errors.AsType[*imap.Error](err); !refused { // NO [MODIFIED] and OK [MODIFIED] are both allowed
		require.NoError(e, err)
	}
	require.Equal(e, imap.UIDs(uids[0]), res.ModifiedUID)
	require.NotContains(e, e.fetchOne(uids[0], imap.FetchFlags).Flags, imap.FlagSeen)
	require.Contains(e, e.fetchOne(uids[1], imap.FetchFlags).Flags, imap.FlagSeen)
	return works
}
