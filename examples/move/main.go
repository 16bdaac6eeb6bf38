// Move marks matching messages as seen and moves them to another mailbox, which is created if it does not exist.
//
//	go run ./examples/move -from postmaster -to Archive
//	IMAP_PASSWORD=... go run ./examples/move -addr mail.example.org -user ada -from billing -to Bills
//
// On a server without MOVE the messages are copied, marked as deleted and expunged, each step only after the one before
// succeeded; if UIDPLUS is missing too, nothing is moved. Without -addr it works on a sample mailbox in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("move", flag.ExitOnError)
	acc := account.Flags(flags)
	from := flags.String("from", "Postmaster", "move messages with this `text` in the sender")
	to := flags.String("to", "Archive", "move them to this `mailbox`")
	flags.Parse(args)
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	mailbox, err := c.Select(ctx, acc.Mailbox, nil)
	if err != nil {
		return err
	}
	found, err := c.Search(ctx, imap.Where().From(*from), nil)
	if err != nil {
		return err
	}
	if _, err := c.Store(ctx, found.UIDs, imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{Silent: true}); err != nil {
		return err
	}
	moved, err := move(ctx, c, found.UIDs, *to)
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("this server cannot move safely: %w", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d messages moved from %s to %s\n", found.UIDs.Len(), mailbox.Exists, mailbox.Name, *to)
	if moved.UIDValidity != 0 {
		fmt.Fprintf(out, "UIDs %s are %s there\n", moved.Source, moved.Dest)
	}
	return nil
}

// move moves messages, and creates the mailbox if the server reports that it does not exist.
func move(ctx context.Context, c *imap.Client, uids imap.UIDSet, mailbox string) (*imap.CopyResult, error) {
	res, err := c.Move(ctx, uids, mailbox)
	if imap.CodeOf(err) != imap.CodeTryCreate {
		return res, err
	}
	if err := c.Create(ctx, mailbox, nil); err != nil {
		return nil, err
	}
	return c.Move(ctx, uids, mailbox)
}
