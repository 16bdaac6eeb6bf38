// Code waits for a message with a verification code and prints the code.
//
//	go run ./examples/code
//	IMAP_PASSWORD=... go run ./examples/code -addr mail.example.org -user ada -from example.cn -state code.json
//
// It survives lost connections and, with -state, restarts: it continues with the messages that arrived meanwhile. Without
// -addr it waits on a sample mailbox on an in-memory server, into which it puts a message itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/jsonfile"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("code", flag.ExitOnError)
	acc := account.Flags(flags)
	from := flags.String("from", "", "only of senders whose address ends so")
	pattern := flags.String("code", `\b[0-9]{4,8}\b`, "regular expression of a code in a subject")
	file := flags.String("state", "", "`file` that remembers which messages were looked at; none: those from now on")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	code, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	var state imap.SyncState
	if err := jsonfile.Load(*file, &state); err != nil {
		return err
	}
	isSample := acc.Sample() // before it is started
	done, err := acc.Start()
	if err != nil {
		return err
	}
	defer done()
	opts := &imap.WatchOptions{ReadOnly: true, SkipExisting: true, OnError: func(err error, wait time.Duration) {
		fmt.Fprintf(os.Stderr, "%v; again in %v\n", err, wait.Round(time.Millisecond))
	}}
	for ch, err := range imap.Watch(ctx, acc.Dial, acc.Mailbox, state, opts) {
		if ch == nil {
			return err
		}
		if ch.Kind == imap.ChangeBegin && isSample {
			list := sample.Messages()
			ch.Client.Append(ctx, acc.Mailbox, imap.LiteralBytes(list[len(list)-1].Raw), nil)
		}
		found := ""
		if ch.Kind == imap.ChangeNew && ch.Message.Envelope != nil && sentBy(ch.Message.Envelope, *from) {
			found = code.FindString(ch.Message.Envelope.Subject)
		}
		if found != "" {
			fmt.Fprintln(out, found)
		}
		// A run that is interrupted before this line gets the message again.
		if err := jsonfile.Save(*file, ch.State); err != nil || found != "" {
			return err
		}
	}
	return nil
}

func sentBy(e *imap.Envelope, suffix string) bool {
	return suffix == "" || len(e.From) > 0 && strings.HasSuffix(e.From[0].Addr(), suffix)
}
