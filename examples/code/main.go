// Code waits for a message with a verification code and prints the code.
//
//	go run ./examples/code
//	IMAP_PASSWORD=... go run ./examples/code -addr mail.example.org -user ada -from example.cn -state code.json
//
// It survives lost connections and, with -state, being stopped: it goes on with the messages that came meanwhile. Without
// -addr it waits on a sample mailbox on a server in memory, into which a second connection puts a message.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
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
	state, err := load(*file)
	if err != nil {
		return err
	}
	isSample := acc.Sample() // before it is opened
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	dial := func(ctx context.Context) (*imap.Client, error) {
		c, _, err := acc.Second(ctx)
		return c, err
	}
	opts := &imap.WatchOptions{ReadOnly: true, SkipExisting: true, OnError: func(err error, wait time.Duration) {
		fmt.Fprintf(os.Stderr, "%v; again in %v\n", err, wait.Round(time.Millisecond))
	}}
	for ch, err := range imap.Watch(ctx, dial, acc.Mailbox, state, opts) {
		if ch == nil {
			return err
		}
		if err := save(*file, ch.State); err != nil {
			return err
		}
		if ch.Kind == imap.ChangeBegin && isSample {
			list := sample.Messages()
			c.Append(ctx, acc.Mailbox, imap.LiteralBytes(list[len(list)-1].Raw), nil)
		}
		if ch.Kind != imap.ChangeNew || ch.Message.Envelope == nil || !sentBy(ch.Message.Envelope, *from) {
			continue
		}
		if found := code.FindString(ch.Message.Envelope.Subject); found != "" {
			fmt.Fprintln(out, found)
			return nil
		}
	}
	return nil
}

func sentBy(e *imap.Envelope, suffix string) bool {
	return suffix == "" || len(e.From) > 0 && strings.HasSuffix(e.From[0].Addr(), suffix)
}

// load reads the state, which is the zero one where there is no file yet.
func load(file string) (state imap.SyncState, err error) {
	if file == "" {
		return state, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal(b, &state)
}

// save replaces the state at once, so that what breaks off leaves the one before.
func save(file string, state imap.SyncState) error {
	if file == "" {
		return nil
	}
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
