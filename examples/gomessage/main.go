// Gomessage parses whole messages with github.com/emersion/go-message: imap.Section{} fetches what a MIME library reads. A
// program that needs only the text or the attachments does not need this: Client.FetchText and BodyStructure.Attachments fetch
// less. Without arguments it reads a sample mailbox from an in-memory server.
//
//	cd examples/gomessage && go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	addr, stop, err := sample.Serve()
	if err != nil {
		return err
	}
	defer stop()
	c, err := imap.DialInsecure(ctx, addr, nil)
	if err != nil {
		return err
	}
	defer c.Logout(ctx)
	if err := c.Login(ctx, sample.User, sample.Password); err != nil {
		return err
	}
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		return err
	}
	// The bodies stay on the connection, so the size of a message does not matter.
	for m, err := range c.FetchStream(ctx, imap.SeqRange(1, 0), imap.Section{}) {
		if err != nil {
			return err
		}
		for body, err := range m.Bodies() {
			if err != nil {
				return err
			}
			if err := printParts(out, m.UID, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// printParts prints the parts of a message.
func printParts(out io.Writer, uid imap.UID, r io.Reader) error {
	mr, err := mail.CreateReader(r)
	if err != nil && !message.IsUnknownCharset(err) {
		return err
	}
	subject, err := mr.Header.Subject()
	if err != nil {
		subject = mr.Header.Get("Subject")
	}
	fmt.Fprintf(out, "%d: %s\n", uid, subject)
	for {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !message.IsUnknownCharset(err) {
			return err
		}
		n, err := io.Copy(io.Discard, p.Body)
		if err != nil {
			return err
		}
		switch h := p.Header.(type) {
		case *mail.InlineHeader:
			mediaType, _, _ := h.ContentType()
			fmt.Fprintf(out, "\t%s, %d bytes\n", mediaType, n)
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			fmt.Fprintf(out, "\tfile %q, %d bytes\n", name, n)
		}
	}
}
