// Package ours has what people do with mail, written with this library. Lines are counted from one "task:" to the next; what
// several tasks need is counted for each.
package ours

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
)

// task: texts

// Texts calls f with the subject and the text of each message, in UTF-8.
func Texts(ctx context.Context, c *imap.Client, f func(subject, text string)) error {
	opts := &imap.TextOptions{Items: []imap.FetchItem{imap.FetchEnvelope}}
	for t, err := range c.FetchText(ctx, imap.SeqRange(1, 0), opts) {
		if t == nil {
			return err
		}
		f(t.Message.Envelope.Subject, t.Text)
	}
	return nil
}

// task: attachments

// Attachments saves the attachments of all messages, in constant memory, under safe names that are not taken.
func Attachments(ctx context.Context, c *imap.Client, dir string) error {
	for m, err := range c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchBodyStructure) {
		if err != nil {
			return err
		}
		for _, part := range m.BodyStructure.Attachments() {
			if err := save(ctx, c, m.UID, part, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func save(ctx context.Context, c *imap.Client, uid imap.UID, part *imap.BodyStructure, dir string) error {
	f, err := create(dir, part.SafeFilename())
	if err != nil {
		return err
	}
	defer f.Close()
	for m, err := range c.FetchStream(ctx, imap.UIDs(uid), part.Section()) {
		if err != nil {
			return err
		}
		for body, err := range m.Bodies() {
			if err != nil {
				return err
			}
			if _, err := io.Copy(f, body.Decoded(part)); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

func create(dir, name string) (*os.File, error) {
	ext := filepath.Ext(name)
	for n, try := 2, name; ; n++ {
		f, err := os.OpenFile(filepath.Join(dir, try), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		try = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// task: inbox

// Row is a line of a list of messages.
type Row struct {
	UID                    uint32
	From, Subject, Preview string
	Date                   time.Time
}

// Newest returns the newest 50 messages, the newest first, without fetching more of them than is shown.
func Newest(ctx context.Context, c *imap.Client) (rows []Row, err error) {
	found, err := c.Search(ctx, imap.Where(), &imap.SearchOptions{Last: 50})
	if err != nil {
		return nil, err
	}
	for m, err := range c.Previews(ctx, found.UIDs, imap.FetchEnvelope) {
		if m == nil {
			return nil, err
		}
		from := ""
		if len(m.Envelope.From) > 0 {
			from = cmp.Or(m.Envelope.From[0].Name, m.Envelope.From[0].Addr())
		}
		rows = append(rows, Row{uint32(m.UID), from, m.Envelope.Subject, m.Preview, m.Envelope.Date})
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(b.UID, a.UID) })
	return rows, nil
}

// task: code

// Follow calls f with the subject of each new message, once, over lost connections and restarts, until f returns false.
func Follow(ctx context.Context, dial func(context.Context) (*imap.Client, error), file string, f func(subject string) bool) error {
	var state imap.SyncState
	if err := load(file, &state); err != nil {
		return err
	}
	for ch, err := range imap.Watch(ctx, dial, "INBOX", state, &imap.WatchOptions{SkipExisting: true}) {
		if ch == nil {
			return err
		}
		more := true
		if ch.Kind == imap.ChangeNew && ch.Message.Envelope != nil {
			more = f(ch.Message.Envelope.Subject)
		}
		if err := store(file, ch.State); err != nil || !more {
			return err
		}
	}
	return nil
}

// task: code, backup

func load(file string, value any) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, value)
}

func store(file string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// task: backup

// Backup keeps a file for each message of INBOX and downloads only what is new; what is gone is kept.
func Backup(ctx context.Context, c *imap.Client, dir string) error {
	var state imap.SyncState
	if err := load(filepath.Join(dir, "state.json"), &state); err != nil {
		return err
	}
	changes, err := c.Sync(ctx, "INBOX", state, &imap.SyncOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	for m, err := range c.FetchStream(ctx, changes.New, imap.Section{}) {
		if err != nil {
			return err
		}
		for body, err := range m.Bodies() {
			if err != nil {
				return err
			}
			if err := write(filepath.Join(dir, fmt.Sprintf("%d.%d.eml", changes.State.UIDValidity, m.UID)), body); err != nil {
				return err
			}
		}
	}
	return store(filepath.Join(dir, "state.json"), changes.State)
}

func write(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// task: migrate

// Copy copies the messages of INBOX with their flags and dates to the INBOX of another account, without duplicates.
func Copy(ctx context.Context, from, to *imap.Client) error {
	if _, err := from.Examine(ctx, "INBOX", nil); err != nil {
		return err
	}
	target, err := to.Select(ctx, "INBOX", nil)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for m, err := range to.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchEnvelope) {
		if m == nil {
			return err
		}
		there[m.Envelope.MessageID] = true
	}
	var missing imap.UIDSet
	for m, err := range from.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchEnvelope) {
		if m == nil {
			return err
		}
		if !there[m.Envelope.MessageID] {
			missing = append(missing, imap.UIDs(m.UID)...)
		}
	}
	for m, err := range from.FetchStream(ctx, missing, imap.FetchFlags, imap.FetchInternalDate, imap.Section{}) {
		if err != nil {
			return err
		}
		for body, err := range m.Bodies() {
			if err != nil {
				return err
			}
			opts := &imap.AppendOptions{Flags: target.Storable(m.Flags), InternalDate: m.InternalDate}
			if _, err := to.Append(ctx, "INBOX", imap.Literal{R: body, Size: body.Size}, opts); err != nil {
				return err
			}
		}
	}
	return nil
}

// task: gmail

// Token logs in by OAuth 2.0 with a token that is fresh, by the mechanism that the server offers.
func Token(ctx context.Context, c *imap.Client, user string, source func() (string, error)) error {
	return c.AuthenticateToken(ctx, user, func(context.Context) (string, error) { return source() })
}
