package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
)

// mirror is a folder that follows a mailbox. The messages of a UIDVALIDITY have a folder of their own, so that an old
// message is never taken for a new one with its UID. index.json is written last: interrupted work is repeated. Only files that
// the mirror made are ever removed.
type mirror struct {
	dir, mailbox string
	index        index
	connect      func(context.Context) (c *imap.Client, done func(), err error)
	poll         time.Duration
	log          func(format string, args ...any)
	syncs        int  // that were carried through
	unfinished   bool // files may be there that the index does not know
}

// index is the content of index.json.
type index struct {
	Mailbox string
	State   imap.SyncState
	Flags   map[imap.UID][]imap.Flag // of each message that is held
}

func openMirror(dir, mailbox string) (*mirror, error) {
	m := &mirror{dir: dir, mailbox: mailbox, log: func(string, ...any) {}, unfinished: true}
	m.index = index{Mailbox: mailbox, Flags: map[imap.UID][]imap.Flag{}}
	b, err := os.ReadFile(m.indexFile())
	if errors.Is(err, fs.ErrNotExist) {
		return m, m.begin()
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &m.index); err != nil {
		return nil, fmt.Errorf("%s: %w", m.indexFile(), err)
	}
	if m.index.Mailbox != mailbox { // its UIDs mean other messages there
		return nil, fmt.Errorf("%s is the mirror of the mailbox %q", dir, m.index.Mailbox)
	}
	return m, nil
}

// begin makes the folder a mirror. A folder with other files may be one that the user named by mistake.
func (m *mirror) begin() error {
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".part") {
			return fmt.Errorf("%s is not empty, and no mirror", m.dir)
		}
	}
	return m.writeIndex()
}

func (m *mirror) indexFile() string { return filepath.Join(m.dir, "index.json") }

func (m *mirror) folder(uidValidity uint32) string {
	return filepath.Join(m.dir, fmt.Sprint(uidValidity))
}

func messageFile(folder string, uid imap.UID) string {
	return filepath.Join(folder, fmt.Sprintf("%d.eml", uid))
}

// once updates the folder.
func (m *mirror) once(ctx context.Context) error {
	c, done, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	return m.sync(ctx, c)
}

// follow keeps the folder up to date until ctx ends.
func (m *mirror) follow(ctx context.Context) error {
	const shortest, longest = 100 * time.Millisecond, time.Minute
	pause := shortest
	for {
		before := m.syncs
		err := m.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		m.log("connection lost: %v", err)
		if pause *= 2; m.syncs > before {
			pause = shortest
		}
		select {
		case <-time.After(min(pause, longest)):
		case <-ctx.Done():
			return nil
		}
	}
}

// session follows on one connection, until it is lost.
func (m *mirror) session(ctx context.Context) error {
	c, done, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	for {
		if err := m.sync(ctx, c); err != nil {
			return err
		}
		if err := m.wait(ctx, c); err != nil {
			return err
		}
	}
}

// wait waits for a change of the mailbox.
func (m *mirror) wait(ctx context.Context, c *imap.Client) error {
	for _, err := range c.IdleBursts(ctx, 50*time.Millisecond, &imap.IdleOptions{Poll: m.poll}) {
		return err
	}
	return ctx.Err()
}

// sync updates the folder on a connection. The state is stored at the end: changes of an interrupted run are reported
// again.
func (m *mirror) sync(ctx context.Context, c *imap.Client) error {
	res, err := c.Sync(ctx, m.mailbox, m.index.State, &imap.SyncOptions{ReadOnly: true})
	if unread, ok := errors.AsType[*imap.UnreadError](err); ok {
		m.log("%v", unread) // of these messages the earlier flags are kept
	} else if err != nil {
		return err
	}
	strays := m.unfinished || res.Reset
	if strays { // what an interrupted run downloaded is not in the state, and may have been removed since
		maps.DeleteFunc(m.index.Flags, func(uid imap.UID, _ []imap.Flag) bool {
			return res.Reset || !m.index.State.UIDs.Contains(uid)
		})
	}
	folder := m.folder(res.State.UIDValidity)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	m.unfinished = true
	if err := m.download(ctx, c, folder, res.New); err != nil {
		return err
	}
	for uid := range res.Vanished.All() {
		delete(m.index.Flags, uid)
		if err := os.Remove(messageFile(folder, uid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, msg := range res.Changed {
		m.index.Flags[msg.UID] = msg.Flags
	}
	m.index.State = res.State
	if err := m.writeIndex(); err != nil {
		return err
	}
	if strays {
		if err := m.sweep(folder); err != nil {
			return err
		}
	}
	m.unfinished = false
	m.syncs++
	m.log("%s: %d messages, %d new, %d gone, %d looked at again", res.Mailbox.Name, len(m.index.Flags), res.New.Len(), res.Vanished.Len(), len(res.Changed))
	return nil
}

// download fetches messages into their files. What the server leaves out, or sends with a value that cannot be parsed, is not
// in the index, and new again for the next run.
func (m *mirror) download(ctx context.Context, c *imap.Client, folder string, uids imap.UIDSet) error {
	for msg, err := range c.FetchStream(ctx, uids, imap.FetchFlags, imap.Section{}) {
		if msg == nil {
			return err
		}
		if err != nil {
			m.log("message %d: %v", msg.UID, err)
			continue
		}
		for body, err := range msg.Bodies() {
			if err != nil {
				m.log("message %d: %v", msg.UID, err)
				break // if the connection is lost, the loop ends with an error too
			}
			err := replace(messageFile(folder, msg.UID), func(f *os.File) error {
				_, err := body.WriteTo(f)
				return err
			})
			if err != nil {
				return err
			}
			m.index.Flags[msg.UID] = slices.Clone(msg.Flags)
		}
	}
	return nil
}

// own matches the names of what a mirror makes.
var own = regexp.MustCompile(`^([0-9]+|[0-9]+\.eml|\.part[0-9]+)$`)

// sweep removes what is not in the index: messages that were removed after they were downloaded, and folders of another
// UIDVALIDITY.
func (m *mirror) sweep(folder string) error {
	known := map[string]bool{folder: true, m.indexFile(): true}
	for uid := range m.index.Flags {
		known[messageFile(folder, uid)] = true
	}
	for _, dir := range []string{m.dir, folder} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if name := filepath.Join(dir, e.Name()); !known[name] && own.MatchString(e.Name()) {
				if err := os.RemoveAll(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeIndex writes the index. It contains only downloaded messages: one that was removed meanwhile is not.
func (m *mirror) writeIndex() error {
	m.index.State.UIDs = imap.UIDs(slices.Collect(maps.Keys(m.index.Flags))...)
	b, err := json.MarshalIndent(m.index, "", "\t")
	if err != nil {
		return err
	}
	return replace(m.indexFile(), func(f *os.File) error {
		_, err := f.Write(b)
		return err
	})
}

// replace writes a temporary file and renames it when it is complete.
func replace(name string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".part*")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
