// Watch waits in IDLE and prints what happens in a mailbox; of each new message it prints the sender and the subject.
//
//	go run ./examples/watch
//	IMAP_PASSWORD=... go run ./examples/watch -addr mail.example.org -user ada
//
// It ends after -for, or on an interrupt. Without -addr it watches a sample mailbox on an in-memory server, into which a
// second connection puts a message.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("watch", flag.ExitOnError)
	acc := account.Flags(flags)
	wait := flags.Duration("for", 0, "end after this long; 0: never, of the sample mailbox after the first new message")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	onlyOne := acc.Sample() && *wait == 0
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	mailbox, err := c.Examine(ctx, acc.Mailbox, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d messages, waiting\n", mailbox.Name, mailbox.Exists)
	if onlyOne {
		go deliver(ctx, acc)
	}
	next := mailbox.UIDNext
	for event, err := range c.Idle(ctx, &imap.IdleOptions{For: *wait}) {
		if errors.Is(err, context.Canceled) {
			return nil // interrupted
		}
		if err != nil {
			return err
		}
		if _, ok := event.(*imap.ExistsEvent); !ok {
			fmt.Fprintln(out, describe(event))
			continue
		}
		// A command in the loop ends IDLE, runs, and IDLE resumes.
		if next, err = printNew(ctx, c, out, next); err != nil {
			return err
		}
		if onlyOne {
			return nil
		}
	}
	return nil
}

// printNew prints the messages from UID next on, and returns the next UID.
func printNew(ctx context.Context, c *imap.Client, out io.Writer, next imap.UID) (imap.UID, error) {
	for m, err := range c.Fetch(ctx, imap.UIDRange(next, 0), imap.FetchEnvelope) {
		if m == nil {
			return next, err
		}
		if m.UID < next || m.Envelope == nil {
			continue // n:* names the last message even if that is before n
		}
		next = m.UID + 1
		from := ""
		if len(m.Envelope.From) > 0 {
			from = m.Envelope.From[0].Addr()
		}
		fmt.Fprintf(out, "new message %d from %s: %s\n", m.UID, from, m.Envelope.Subject)
	}
	return next, nil
}

func describe(event imap.Event) string {
	switch e := event.(type) {
	case *imap.ExpungeEvent:
		return fmt.Sprintf("message number %d is gone", e.SeqNum)
	case *imap.VanishedEvent:
		return fmt.Sprintf("messages %s are gone", e.UIDs)
	case *imap.FetchEvent:
		return fmt.Sprintf("message number %d has the flags %v", e.Message.SeqNum, e.Message.Flags)
	case *imap.AlertEvent:
		return "the server says: " + e.Text
	}
	return fmt.Sprintf("%T", event)
}

// deliver puts a message into the sample mailbox a moment later, on a second connection.
func deliver(ctx context.Context, acc *account.Account) {
	time.Sleep(100 * time.Millisecond)
	c, err := acc.Dial(ctx)
	if err != nil {
		return
	}
	defer c.Logout(ctx)
	list := sample.Messages()
	c.Append(ctx, acc.Mailbox, imap.LiteralBytes(list[len(list)-1].Raw), nil)
}
