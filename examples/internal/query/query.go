// Package query has flags for the conditions of a search.
package query

import (
	"flag"
	"time"

	"github.com/go-imaplib/imap"
)

// Flags defines a flag for each condition. Parsing the flags builds the query.
func Flags(flags *flag.FlagSet) *imap.Query {
	q := imap.Where()
	condition := func(name, usage string, with func(string) (imap.Query, error)) {
		flags.Func(name, usage, func(s string) (err error) {
			q, err = with(s)
			return err
		})
	}
	text := func(name, usage string, with func(string) imap.Query) {
		condition(name, usage, func(s string) (imap.Query, error) { return with(s), nil })
	}
	text("from", "`text` in the sender", func(s string) imap.Query { return q.From(s) })
	text("to", "`text` in the recipients", func(s string) imap.Query { return q.To(s) })
	text("subject", "`text` in the subject", func(s string) imap.Query { return q.Subject(s) })
	text("text", "`text` anywhere", func(s string) imap.Query { return q.Text(s) })
	condition("since", "received on this `day`, 2026-01-31, or later", func(s string) (imap.Query, error) {
		day, err := time.Parse(time.DateOnly, s)
		return q.Since(day), err
	})
	condition("before", "received before this `day`", func(s string) (imap.Query, error) {
		day, err := time.Parse(time.DateOnly, s)
		return q.Before(day), err
	})
	flags.BoolFunc("unseen", "not yet seen", func(string) error {
		q = q.Unseen()
		return nil
	})
	return &q
}
