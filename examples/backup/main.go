// Backup copies all mailboxes of an account into a folder, as Maildir or mbox; later runs copy only new messages.
//
//	go run ./examples/backup
//	IMAP_PASSWORD=... go run ./examples/backup -addr mail.example.org -user ada -dir mail
//
// Copies are never removed: not when a message is removed on the server, nor when the mailbox is created again there (another
// UIDVALIDITY), which begins a second copy; the first is continued if its UIDVALIDITY comes back. The next run continues an
// interrupted one. Each message is read back from the disk and compared; with -check also those of earlier runs. A JSON file
// next to each copy holds the flags, the dates and the checksums. A mailbox that cannot be read does not keep the others from
// being copied. Mailboxes are named after the flags; without names all of the user's own are copied.
//
// Without -addr it copies a sample mailbox on an in-memory server, into a temporary folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("backup", flag.ExitOnError)
	acc := account.Login(flags, "")
	dir := flags.String("dir", "", "`folder` of the backup; none: a temporary one")
	format := flags.String("format", "maildir", "maildir or mbox, the same each time")
	check := flags.Bool("check", false, "read all that was ever copied and compare it with its checksums")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if *dir == "" {
		temporary, err := os.MkdirTemp("", "backup")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		*dir = temporary
	}
	if formats[*format] == nil {
		return fmt.Errorf("the format is maildir or mbox, not %q", *format)
	}
	b := &backup{dir: *dir, format: *format, checkAll: *check}
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	names := flags.Args()
	if len(names) == 0 {
		list, err := account.Mailboxes(ctx, c)
		if err != nil {
			return err
		}
		for _, e := range list {
			names = append(names, e.Name)
		}
	}
	var failed error
	for _, name := range names {
		res, err := b.mailbox(ctx, c, name)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			if c.State() == imap.LoggedOut || ctx.Err() != nil {
				break
			}
			continue // with the mailboxes that can be read
		}
		fmt.Fprintf(out, "%s: %d messages, %d new, %d gone on the server, %d compared\n", name, res.held, res.fresh, res.gone, res.compared)
	}
	return failed
}
