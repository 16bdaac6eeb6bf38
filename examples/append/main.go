// Append adds messages to a mailbox, from files or from standard input, without holding them in memory.
//
//	IMAP_PASSWORD=... go run ./examples/append -addr mail.example.org -user ada -mailbox Archive message.eml
//
// Messages are sent unchanged and need CRLF line endings, as in RFC 5322. Without -addr one message is added to a sample
// mailbox on an in-memory server.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("append", flag.ExitOnError)
	acc := account.Flags(flags)
	marks := flags.String("flags", "", `flags of the new messages, "\Seen $Work"`)
	flags.Parse(args)
	opts := &imap.AppendOptions{Flags: imap.ParseFlags("(" + *marks + ")")}
	useSample := acc.Sample() && flags.NArg() == 0
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	add := func(name string, r io.Reader) error {
		msg, err := imap.LiteralFrom(r)
		if err != nil {
			return err
		}
		res, err := c.Append(ctx, acc.Mailbox, msg, opts)
		if imap.CodeOf(err) == imap.CodeTryCreate {
			return fmt.Errorf("the mailbox %s does not exist: %w", acc.Mailbox, err)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d octets, UID %d in %s\n", name, msg.Size, res.UID, acc.Mailbox)
		return nil
	}
	if useSample {
		return add("sample", bytes.NewReader(sample.Messages()[1].Raw))
	}
	if flags.NArg() == 0 {
		return addInput(add)
	}
	for _, name := range flags.Args() {
		if err := addFile(name, add); err != nil {
			return err
		}
	}
	return nil
}

func addFile(name string, add func(string, io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return add(name, f)
}

// addInput adds a message from standard input. Its size has to be known first, so it is held in memory.
func addInput(add func(string, io.Reader) error) error {
	var b strings.Builder
	if _, err := io.Copy(&b, os.Stdin); err != nil {
		return err
	}
	return add("standard input", strings.NewReader(b.String()))
}
