// Search prints the messages of a mailbox that match, newest first.
//
//	go run ./examples/search -text Protokoll
//	IMAP_PASSWORD=... go run ./examples/search -addr mail.example.org -user ada -from billing -since 2026-01-01
//
// Conditions are joined by AND; text is found without regard to case, in any language. Without conditions all messages
// match. Without -addr it searches a sample mailbox on a server in memory.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("search", flag.ExitOnError)
	acc := account.Flags(flags)
	query := queryFlags(flags)
	most := flags.Int("most", 20, "print at most so many messages")
	flags.Parse(args)
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := c.Examine(ctx, acc.Mailbox, nil); err != nil {
		return err
	}
	found, err := c.Search(ctx, *query, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d messages match\n", found.UIDs.Len())
	newest := newestOf(found.UIDs, *most)
	messages, err := imap.Collect(c.Fetch(ctx, newest, imap.FetchEnvelope, imap.FetchInternalDate))
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(messages) {
		printMessage(out, m)
	}
	return nil
}

func printMessage(out io.Writer, m *imap.Message) {
	e := m.Envelope
	if e == nil {
		return
	}
	date := e.Date
	if date.IsZero() { // the message does not say: the server knows when it came
		date = m.InternalDate
	}
	fmt.Fprintf(out, "%6d  %s  %s\n", m.UID, date.Format(time.DateOnly), e.Subject)
}

// queryFlags defines a flag for each condition. The query grows while they are parsed.
func queryFlags(flags *flag.FlagSet) *imap.Query {
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

// newestOf returns the highest most UIDs of a set.
func newestOf(uids imap.UIDSet, most int) imap.UIDSet {
	var all []imap.UID
	for uid := range uids.All() {
		all = append(all, uid)
	}
	return imap.UIDs(all[max(0, len(all)-most):]...)
}
