// Fetchall prints all messages of a mailbox, one line each, and a summary.
//
//	go run ./examples/fetchall
//	IMAP_PASSWORD=... go run ./examples/fetchall -addr mail.example.org -user ada
//
// Without -addr it reads a sample mailbox on an in-memory server.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fetchall", flag.ExitOnError)
	acc := account.Flags(flags)
	flags.Parse(args)
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	mailbox, err := c.Examine(ctx, acc.Mailbox, nil)
	if err != nil {
		return err
	}
	var total summary
	all := imap.SeqRange(1, 0)
	for m, err := range c.Fetch(ctx, all, imap.FetchFlags, imap.FetchSize, imap.FetchEnvelope, imap.FetchInternalDate, imap.FetchBodyStructure) {
		if m == nil {
			return err
		}
		if err != nil {
			fmt.Fprintf(out, "%6d  %v\n", m.UID, err) // this message alone
		}
		printMessage(out, m)
		total.add(m)
	}
	fmt.Fprintf(out, "%s: %d messages, %d unseen, %d attachments, %s\n", mailbox.Name, total.messages, total.unseen, total.attachments, size(total.octets))
	return nil
}

type summary struct {
	messages, unseen, attachments int
	octets                        int64
}

func (s *summary) add(m *imap.Message) {
	s.messages++
	s.octets += m.Size
	s.attachments += len(attachments(m))
	if !seen(m) {
		s.unseen++
	}
}

func printMessage(out io.Writer, m *imap.Message) {
	mark := "*"
	if seen(m) {
		mark = " "
	}
	date, from, subject := "", "", ""
	if e := m.Envelope; e != nil {
		date, subject = sent(m).Format("2006-01-02 15:04"), e.Subject
		if len(e.From) > 0 {
			from = cmp.Or(e.From[0].Name, e.From[0].Addr())
		}
	}
	line := fmt.Sprintf("%6d %s %s  %s %8s  %s", m.UID, mark, date, pad(from, 22), size(m.Size), subject)
	if names := attachments(m); len(names) > 0 {
		line += "  [" + strings.Join(names, ", ") + "]"
	}
	fmt.Fprintln(out, line)
}

// sent is when the message was sent or, without a date, when the server received it.
func sent(m *imap.Message) time.Time {
	if m.Envelope.Date.IsZero() {
		return m.InternalDate
	}
	return m.Envelope.Date
}

func seen(m *imap.Message) bool {
	return slices.Contains(m.Flags, imap.FlagSeen)
}

// attachments returns the names of the parts that are files.
func attachments(m *imap.Message) []string {
	var names []string
	if m.BodyStructure == nil {
		return nil
	}
	for part := range m.BodyStructure.All() {
		if part.Disposition == "attachment" {
			names = append(names, cmp.Or(part.Filename(), part.Type+"/"+part.Subtype))
		}
	}
	return names
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func size(octets int64) string {
	switch {
	case octets < 1000:
		return fmt.Sprintf("%d B", octets)
	case octets < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(octets)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(octets)/1000_000)
}
