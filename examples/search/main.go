// Search prints the messages of a mailbox that match, newest first.
//
//	go run ./examples/search -text Protokoll
//	IMAP_PASSWORD=... go run ./examples/search -addr mail.example.org -user ada -from billing -since 2026-01-01
//
// Conditions are combined with AND; text is matched case-insensitively, in any language. Without conditions all messages
// match. Without -addr it searches a sample mailbox on an in-memory server.
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
	"github.com/go-imaplib/imap/examples/internal/query"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("search", flag.ExitOnError)
	acc := account.Flags(flags)
	conditions := query.Flags(flags)
	most := flags.Int("most", 20, "print at most this many messages")
	flags.Parse(args)
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := c.Examine(ctx, acc.Mailbox, nil); err != nil {
		return err
	}
	found, err := c.Search(ctx, *conditions, &imap.SearchOptions{Last: *most}) // Count is of all that match
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d messages match\n", found.Count)
	messages, err := imap.Collect(c.Fetch(ctx, found.UIDs, imap.FetchEnvelope, imap.FetchInternalDate))
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
