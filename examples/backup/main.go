// Backup copies all mailboxes of an account into a folder, as Maildir or mbox, and each time it runs again only what is new.
//
//	go run ./examples/backup
//	IMAP_PASSWORD=... go run ./examples/backup -addr mail.example.org -user ada -dir mail
//
// What was copied is never removed: not when a message is gone on the server, nor when the mailbox is made anew there
// (another UIDVALIDITY), for which a second copy begins. A run that breaks off is gone on with by the next. Each message
// is read back from the disk and compared; with -check all of them are, also those of earlier runs. A JSON file beside each
// copy holds the flags, the dates and the checksums. Mailboxes are named behind the flags; none: all of the user's own.
//
// Without -addr it copies a sample mailbox on a server in memory, into a temporary folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

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
	for _, name := range names {
		res, err := b.mailbox(ctx, c, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(out, "%s: %d messages, %d new, %d gone on the server, %d compared\n", name, res.held, res.fresh, res.gone, res.compared)
	}
	return nil
}
