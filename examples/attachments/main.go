// Attachments saves the attachments of the messages that match into a folder, each of any size in constant memory.
//
//	go run ./examples/attachments
//	IMAP_PASSWORD=... go run ./examples/attachments -addr mail.example.org -user ada -from billing -since 2026-01-01 -dir bills
//
// Other parts are not downloaded. Files get the names that the senders gave, made safe for any system, and none is
// overwritten. A message that cannot be read does not keep the others from being saved. Without -dir the attachments are only listed. Without -addr it reads a sample mailbox on an in-memory server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
	"github.com/go-imaplib/imap/examples/internal/progress"
	"github.com/go-imaplib/imap/examples/internal/query"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("attachments", flag.ExitOnError)
	acc := account.Flags(flags)
	conditions := query.Flags(flags)
	dir := flags.String("dir", "", "`folder` to save in; none: list them")
	flags.Parse(args)
	c, done, err := acc.Open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := c.Examine(ctx, acc.Mailbox, nil); err != nil {
		return err
	}
	found, err := c.Search(ctx, *conditions, nil)
	if err != nil {
		return err
	}
	bar := progress.New("messages")
	defer bar.Clear()
	var failed error
	for batch, err := range c.Batches(ctx, found.UIDs, 100) {
		if err != nil {
			return err
		}
		bar.Set(batch.Done, batch.Total)
		for m, err := range c.Fetch(ctx, batch.UIDs, imap.FetchBodyStructure) {
			if m == nil {
				return err
			}
			if err == nil {
				err = saveAll(ctx, c, out, m, *dir)
			}
			if _, local := errors.AsType[*fs.PathError](err); err != nil && (local || c.State() == imap.LoggedOut || ctx.Err() != nil) {
				return fmt.Errorf("message %d: %w", m.UID, err)
			}
			if err != nil { // it is about this message, which may have been removed meanwhile
				failed = errors.Join(failed, fmt.Errorf("message %d: %w", m.UID, err))
			}
		}
	}
	return failed
}

// saveAll saves or lists the attachments of a message.
func saveAll(ctx context.Context, c *imap.Client, out io.Writer, m *imap.Message, dir string) (err error) {
	for _, part := range m.BodyStructure.Attachments() {
		name := part.SafeFilename()
		size, _ := part.DecodedSize()
		if dir != "" {
			name, size, err = save(ctx, c, m.UID, part, dir)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d: %s (%s, %d bytes)\n", m.UID, name, part.MediaType(), size)
	}
	return nil
}

// save saves an attachment and returns the name of its file and its size.
func save(ctx context.Context, c *imap.Client, uid imap.UID, part *imap.BodyStructure, dir string) (name string, size int64, err error) {
	f, err := create(dir, part.SafeFilename())
	if err != nil {
		return "", 0, err
	}
	size, err = download(ctx, c, uid, part, f)
	if damage, ok := errors.AsType[*imap.DecodeError](err); ok {
		fmt.Fprintf(os.Stderr, "%s: %v\n", f.Name(), damage) // all that can be read is there
		err = nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
	}
	return filepath.Base(f.Name()), size, err
}

func download(ctx context.Context, c *imap.Client, uid imap.UID, part *imap.BodyStructure, w io.Writer) (int64, error) {
	for m, err := range c.FetchStream(ctx, imap.UIDs(uid), part.Section()) {
		if err != nil {
			return 0, err
		}
		for body, err := range m.Bodies() {
			if err != nil {
				return 0, err
			}
			return io.Copy(w, body.Decoded(part))
		}
	}
	return 0, imap.ErrNoMessage // it was removed in the meantime
}

// create creates a file with an unused name.
func create(dir, name string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ext := filepath.Ext(name)
	try := name
	for n := 2; ; n++ {
		f, err := os.OpenFile(filepath.Join(dir, try), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		try = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
}
