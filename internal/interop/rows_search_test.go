package interop_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// searchCorpus are the messages that are searched.
func searchCorpus() []string {
	return []string{note("apple"), note("banana"), mixed, note("cherry"), note("big") + strings.Repeat("0123456789abcdef\r\n", 300)}
}

// search returns the UIDs of what is found.
func (e *env) search(q imap.Query) []imap.UID {
	e.Helper()
	res, err := e.client().Search(e.ctx(), q, nil)
	require.NoError(e, err)
	var uids []imap.UID
	for uid := range res.UIDs.All() {
		uids = append(uids, uid)
	}
	return uids
}

var searchRows = []row{
	{method: "Search", run: func(e *env) cell {
		_, uids := e.open(searchCorpus()...)
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[1]), imap.AddFlags(imap.FlagFlagged, "kw"), nil)
		require.NoError(e, err)
		w := imap.Where
		for i, test := range []struct {
			query imap.Query
			want  []int
		}{
			{w(), []int{0, 1, 2, 3, 4}},
			{w().Flagged(), []int{1}},
			{w().Keyword("kw"), []int{1}},
			{w().Not(w().Flagged()), []int{0, 2, 3, 4}},
			{w().Seen(), nil},
			{w().Unseen().Not(w().Answered()).Not(w().Deleted()).Not(w().Draft()), []int{0, 1, 2, 3, 4}},
			{w().Subject("BANANA"), []int{1}},
			{w().From("joerg"), []int{2}},
			{w().To("bob"), []int{0, 1, 2, 3, 4}},
			{w().CC("carol"), []int{2}},
			{w().BCC("nobody"), nil},
			{w().Body("body of cherry"), []int{3}},
			{w().Text("cherry"), []int{3}},
			{w().Header("Message-ID", "apple@"), []int{0}},
			{w().Header("Cc", ""), []int{2}},
			{w().Larger(5000), []int{4}},
			{w().Smaller(250), []int{0, 1, 3}},
			{w().Since(time.Now().AddDate(0, 0, 2)), nil},
			{w().Before(time.Now().AddDate(0, 0, 2)), []int{0, 1, 2, 3, 4}},
			{w().Or(w().Subject("apple"), w().Subject("cherry").Unseen()), []int{0, 3}},
			{w().In(imap.UIDs(uids[0], uids[4])).Not(w().Flagged()), []int{0, 4}},
			{w().In(imap.Seqs(2, 3)), []int{1, 2}},
			{w().Raw(imap.Atom("SUBJECT"), "big"), []int{4}},
		} {
			var want []imap.UID
			for _, n := range test.want {
				want = append(want, uids[n])
			}
			assert.Equal(e, want, e.search(test.query), "query %d", i)
		}
		return works
	}},
	{method: "Search", what: "days of the Date field", run: func(e *env) cell {
		// Four are of the evening of the 7th, eight hours behind UTC, and one is of the 8th.
		_, uids := e.open(searchCorpus()...)
		day := time.Date(1994, 2, 8, 0, 0, 0, 0, time.UTC)
		since, before := e.search(imap.Where().SentSince(day)), e.search(imap.Where().SentBefore(day))
		if len(since) == len(uids) {
			require.Empty(e, before)
			return works.except("sent-days-in-utc")
		}
		require.Equal(e, []imap.UID{uids[2]}, since)
		require.Equal(e, []imap.UID{uids[0], uids[1], uids[3], uids[4]}, before)
		return works
	}},
	{method: "Search", what: "text that is not ASCII", run: func(e *env) cell {
		longer := strings.Replace(mixed, "=9Fe\r\n", "=9Fe\r\n\r\n", 1)
		_, uids := e.open(append(searchCorpus(), longer)...)
		both := []imap.UID{uids[2], uids[5]}
		require.Equal(e, both, e.search(imap.Where().Subject("grüße")))
		require.Equal(e, both, e.search(imap.Where().From("jörg müller")))
		require.Empty(e, e.search(imap.Where().Text("日本")))
		found := e.search(imap.Where().Body("Schöne Grüße"))
		if len(found) == 1 {
			require.Equal(e, both[1:], found)
			return works.except("search-misses-last-line")
		}
		require.Equal(e, both, found)
		return works
	}},
	{method: "Search", what: "Min, Max, Count", run: func(e *env) cell {
		_, uids := e.open(searchCorpus()...)
		res, err := e.client().Search(e.ctx(), imap.Where().Smaller(250), &imap.SearchOptions{Min: true, Max: true, Count: true})
		require.NoError(e, err)
		require.EqualValues(e, uids[0], res.Min)
		require.EqualValues(e, uids[3], res.Max)
		require.EqualValues(e, 3, res.Count)
		require.Empty(e, res.UIDs)
		if e.offers("ESEARCH", "IMAP4REV2") {
			return works
		}
		return fallback
	}},
	{method: "Search", what: "Save", run: func(e *env) cell {
		_, uids := e.open(searchCorpus()...)
		save := func() error {
			_, err := e.client().Search(e.ctx(), imap.Where().Smaller(250), &imap.SearchOptions{Save: true})
			return err
		}
		if !e.offers("SEARCHRES", "IMAP4REV2") {
			return e.unsupported(save)
		}
		require.NoError(e, save())
		got := e.fetch(imap.SavedResult, imap.FetchEnvelope)
		require.Len(e, got, 3)
		require.Equal(e, uids[3], got[2].UID)
		require.Equal(e, []imap.UID{uids[1]}, e.search(imap.Where().In(imap.SavedResult).Subject("banana")))
		return works
	}},
	{method: "Search", what: "ModSeq", run: func(e *env) cell {
		_, uids := e.open(note("one"), note("two"))
		if !e.offers("CONDSTORE", "QRESYNC") {
			return e.unsupported(func() error { _, err := e.client().Search(e.ctx(), imap.Where().ModSeq(1), nil); return err })
		}
		_, err := e.client().Store(e.ctx(), imap.UIDs(uids[1]), imap.AddFlags(imap.FlagFlagged), nil)
		require.NoError(e, err)
		modSeq := e.fetchOne(uids[1], imap.FetchModSeq).ModSeq
		res, err := e.client().Search(e.ctx(), imap.Where().ModSeq(modSeq), nil)
		require.NoError(e, err)
		require.Equal(e, imap.UIDs(uids[1]), res.UIDs)
		require.Equal(e, modSeq, res.ModSeq)
		return works
	}},
	{method: "Search", what: "Younger and Older", run: func(e *env) cell {
		_, uids := e.open(note("one"))
		if !e.offers("WITHIN") {
			return e.unsupported(func() error {
				_, err := e.client().Search(e.ctx(), imap.Where().Younger(time.Hour), nil)
				return err
			})
		}
		require.Equal(e, uids, e.search(imap.Where().Younger(time.Hour)))
		require.Empty(e, e.search(imap.Where().Older(time.Hour)))
		return works
	}},
	{method: "SearchSeq", run: func(e *env) cell {
		e.open(searchCorpus()...)
		res, err := e.client().SearchSeq(e.ctx(), imap.Where().Smaller(250), nil)
		require.NoError(e, err)
		require.Equal(e, "1:2,4", res.Seqs.String())
		require.EqualValues(e, 3, res.Count)
		return works
	}},
	{method: "Events", run: func(e *env) cell {
		box, _ := e.open(note("one"))
		e.client().Events()
		e.addFromOther(box, note("two"))
		require.Eventually(e, func() bool {
			require.NoError(e, e.client().Noop(e.ctx()))
			for _, ev := range e.client().Events() {
				if exists, ok := ev.(*imap.ExistsEvent); ok && exists.Count == 2 {
					return true
				}
			}
			return false
		}, time.Minute, 20*time.Millisecond)
		return works
	}},
	{method: "Idle", run: func(e *env) cell {
		box, _ := e.open(note("one"))
		e.client().Events()
		stop := e.soon(func() { e.addFromOther(box, note("two")) })
		defer stop()
		var again sync.Once
		last := uint32(0)
		for ev, err := range e.client().Idle(e.ctx(), &imap.IdleOptions{For: time.Minute, Poll: 100 * time.Millisecond}) {
			require.NoError(e, err)
			exists, ok := ev.(*imap.ExistsEvent)
			if !ok || exists.Count < 2 {
				continue
			}
			// A command in the loop leaves IDLE, which is then resumed.
			again.Do(func() { e.addFromOther(box, note("three")) })
			require.GreaterOrEqual(e, len(e.uids()), int(exists.Count))
			if last = exists.Count; last == 3 {
				break
			}
		}
		require.EqualValues(e, 3, last)
		require.NoError(e, e.client().Noop(e.ctx()))
		return e.offersIdle()
	}},
	{method: "IdleBursts", run: func(e *env) cell {
		box, _ := e.open(note("one"))
		e.client().Events()
		stop := e.soon(func() { e.addFromOther(box, note("two")) })
		defer stop()
		for batch, err := range e.client().IdleBursts(e.ctx(), 50*time.Millisecond, &imap.IdleOptions{For: time.Minute, Poll: 100 * time.Millisecond}) {
			require.NoError(e, err)
			require.NotEmpty(e, batch)
			break
		}
		require.NoError(e, e.client().Noop(e.ctx()))
		require.EqualValues(e, 2, e.client().Mailbox().Exists)
		return e.offersIdle()
	}},
	{method: "Pipeline", run: func(e *env) cell {
		_, uids := e.open(searchCorpus()...)
		p := e.client().Pipeline()
		var got [5]string
		for i, uid := range uids {
			p.Go(func(c *imap.Client) error {
				m, err := c.FetchOne(e.ctx(), uid, imap.FetchEnvelope)
				if err == nil {
					got[i] = m.Envelope.Subject
				}
				return err
			})
		}
		var none error
		p.Go(func(c *imap.Client) error { _, none = c.Status(e.ctx(), e.name()); return nil })
		p.Go(func(c *imap.Client) error { return c.Noop(e.ctx()) })
		require.NoError(e, p.Wait())
		require.Equal(e, [5]string{"apple", "banana", "Grüße aus Köln", "cherry", "big"}, got)
		var refusal *imap.Error
		require.ErrorAs(e, none, &refusal)
		return works
	}},
}

func (e *env) offersIdle() cell {
	if e.offers("IDLE") {
		return works
	}
	return fallback
}

// addFromOther appends a message over another connection.
func (e *env) addFromOther(box, message string) {
	_, err := e.second().Append(e.ctx(), box, imap.LiteralString(message), nil)
	assert.NoError(e, err)
}

// soon runs f in a goroutine of its own after a short delay; stop waits for its end.
func (e *env) soon(f func()) (stop func()) {
	ctx, cancel := context.WithCancel(e.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-time.After(100 * time.Millisecond):
			f()
		case <-ctx.Done():
		}
	}()
	return func() { cancel(); <-done }
}
