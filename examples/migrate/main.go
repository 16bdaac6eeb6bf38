// Migrate copies the mailboxes of one account into another, on the same server or a different one: messages byte for byte,
// with their flags and internal dates.
//
//	go run ./examples/migrate
//	IMAP_PASSWORD=... IMAP_TO_PASSWORD=... go run ./examples/migrate -addr old.example.org -user ada -to-addr new.example.org -to-user ada
//
// Messages that the other account has already are not copied again, so an interrupted run can be repeated, and a last run can
// copy what arrived meanwhile. After a lost connection it retries automatically. With -dry-run it only prints what it would
// do. Mailboxes are named after the flags; without names all of the user's own are migrated. Nothing is ever removed on
// either side.
//
// Without -addr a sample mailbox is copied, from and to an in-memory server.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("migrate", flag.ExitOnError)
	from, to := account.Login(flags, ""), account.Login(flags, "to-")
	dry := flags.Bool("dry-run", false, "only print what would be done")
	tries := flags.Int("tries", 5, "give up after this many lost connections")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	for _, acc := range []*account.Account{from, to} {
		done, err := acc.Start()
		if err != nil {
			return err
		}
		defer done()
	}
	m := &migration{dry: *dry, out: out}
	for try := 1; ; try++ {
		err := attempt(ctx, m, from, to, flags.Args())
		if err == nil || try >= *tries || !imap.IsTransient(err) {
			return err
		}
		fmt.Fprintln(os.Stderr, err)
		pause := time.Duration(try-1) * 10 * time.Second
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := imap.WaitBackoff(ctx, err, time.Hour); err != nil { // if the server requests a delay
			return err
		}
	}
}

// attempt migrates until done or until a connection is lost.
func attempt(ctx context.Context, m *migration, from, to *account.Account, names []string) (err error) {
	if m.from, err = from.Dial(ctx); err != nil {
		return err
	}
	defer m.from.Logout(ctx)
	if m.to, err = to.Dial(ctx); err != nil {
		return err
	}
	defer m.to.Logout(ctx)
	return m.all(ctx, names)
}
