// Mirror synchronizes a folder with a mailbox: a file for each message, and index.json with the flags and the state for
// Client.Sync, so that only changes are fetched, also after a restart.
//
//	go run ./examples/mirror
//	IMAP_PASSWORD=... go run ./examples/mirror -addr mail.example.org -user ada -dir mail -follow
//
// With -follow it continues until an interrupt, waits in IDLE, and reconnects when the connection is lost. It works on
// servers with QRESYNC, with CONDSTORE, and with neither. Without -addr it mirrors a sample mailbox on an in-memory server
// into a temporary folder.
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
	flags := flag.NewFlagSet("mirror", flag.ExitOnError)
	acc := account.Flags(flags)
	dir := flags.String("dir", "", "`folder` of the mirror; none: a temporary one")
	follow := flags.Bool("follow", false, "go on until an interrupt")
	poll := flags.Duration("poll", time.Minute, "on a server without IDLE ask this often")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if *dir == "" {
		temporary, err := os.MkdirTemp("", "mirror")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		*dir = temporary
	}
	m, err := openMirror(*dir, acc.Mailbox)
	if err != nil {
		return err
	}
	m.log = func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	m.connect = func(ctx context.Context) (*imap.Client, func(), error) { return acc.Open(ctx) }
	m.poll = *poll
	if *follow {
		return m.follow(ctx)
	}
	return m.once(ctx)
}
