package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/jsonfile"
	"github.com/go-imaplib/imap/examples/internal/progress"
)

// backup is a folder with copies of mailboxes.
type backup struct {
	dir, format string
	checkAll    bool
}

// store holds the messages of one mailbox and one UIDVALIDITY.
type store interface {
	// add writes a message to the disk and records its place in s.
	add(uid imap.UID, s *saved, message io.Reader) error
	// mark stores the flags of a message, if the format has room for them.
	mark(uid imap.UID, s *saved) error
	// read returns what add wrote.
	read(uid imap.UID, s *saved) (io.ReadCloser, error)
	io.Closer
}

var formats = map[string]func(path string, ix *index) (store, error){"maildir": openMaildir, "mbox": openMbox}

// index is the content of a file next to the store. It is written after the messages: interrupted work is repeated.
type index struct {
	Mailbox, Format string
	State           imap.SyncState // of the messages that are copied and still on the server
	Messages        map[imap.UID]*saved
}

// saved is a message that was copied.
type saved struct {
	Flags  []imap.Flag
	Date   time.Time // when the server got it
	Offset int64     // in an mbox
	Size   int64     // on the disk
	SHA256 string    // of these bytes
}

// result counts the work done.
type result struct{ held, fresh, gone, compared uint64 }

// batch is how many messages are copied before the index is written.
const batch = 200

// mailbox updates the copy of a mailbox.
func (b *backup) mailbox(ctx context.Context, c *imap.Client, name string) (*result, error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(b.dir, fileName(name))
	ix, err := b.load(path+".json", name)
	if err != nil {
		return nil, err
	}
	changes, err := look(ctx, c, ix)
	if err != nil {
		return nil, err
	}
	validity := changes.State.UIDValidity
	if changes.Reset {
		// The earlier copy is kept with its index, and continued if its UIDVALIDITY comes back: a mailbox may be renamed.
		kept := func(v uint32) string { return fmt.Sprintf("%s%%validity%d.json", path, v) } // no mailbox has such a file name
		if err := jsonfile.Save(kept(ix.State.UIDValidity), ix); err != nil {
			return nil, err
		}
		if validity == 0 { // the server has none: nothing can be continued
			ix.State, ix.Messages = imap.SyncState{}, map[imap.UID]*saved{}
		} else if ix, err = b.load(kept(validity), name); err != nil {
			return nil, err
		} else if changes, err = look(ctx, c, ix); err != nil {
			return nil, err
		} else if changes.State.UIDValidity != validity {
			return nil, errors.New("the mailbox was replaced meanwhile")
		}
	}
	folder := fmt.Sprintf("%s.%d", path, validity)
	if ix.State.UIDValidity == 0 && validity != 0 {
		for _, file := range []string{folder, folder + ".mbox"} {
			if _, err := os.Lstat(file); err == nil { // without its index all of it would be the remains of an interrupted run
				return nil, fmt.Errorf("%s is there, but not its index", file)
			}
		}
		ix.State.UIDValidity = validity
		if err := jsonfile.Save(path+".json", ix); err != nil {
			return nil, err
		}
	}
	st, err := formats[b.format](folder, ix)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	for _, m := range changes.Changed {
		ix.Messages[m.UID].Flags = stored(m.Flags)
		if err := st.mark(m.UID, ix.Messages[m.UID]); err != nil {
			return nil, err
		}
	}
	held := ix.State.UIDs.Minus(changes.Vanished)
	ix.State = changes.State
	ix.State.UIDs = held
	before := ix.uids()
	if err := b.copy(ctx, c, st, ix, changes.New, func() error { return jsonfile.Save(path+".json", ix) }); err != nil {
		return nil, err
	}
	compare := ix.uids().Minus(before)
	res := &result{held: ix.State.UIDs.Len(), fresh: compare.Len(), gone: ix.uids().Len() - ix.State.UIDs.Len()}
	if b.checkAll {
		compare = ix.uids()
	}
	res.compared = compare.Len()
	return res, check(st, ix, compare)
}

// load reads an index.
func (b *backup) load(file, mailbox string) (*index, error) {
	ix := &index{Mailbox: mailbox, Format: b.format, Messages: map[imap.UID]*saved{}}
	if err := jsonfile.Load(file, ix); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if ix.Mailbox != mailbox || ix.Format != b.format { // names may differ only in case, which some file systems ignore
		return nil, fmt.Errorf("%s is that of %s as %s", file, ix.Mailbox, ix.Format)
	}
	return ix, nil
}

// look opens a mailbox and returns what changed since the index was written.
func look(ctx context.Context, c *imap.Client, ix *index) (*imap.SyncResult, error) {
	changes, err := c.Sync(ctx, ix.Mailbox, ix.State, &imap.SyncOptions{ReadOnly: true})
	if unread, ok := errors.AsType[*imap.UnreadError](err); ok { // the next run asks for them again
		fmt.Fprintf(os.Stderr, "%s: %v\n", ix.Mailbox, unread)
		return changes, nil
	}
	return changes, err
}

// copy copies messages, and calls save now and then and at the end, even after an error.
func (b *backup) copy(ctx context.Context, c *imap.Client, st store, ix *index, uids imap.UIDSet, save func() error) (err error) {
	defer func() { err = errors.Join(err, save()) }()
	bar := progress.New(ix.Mailbox)
	defer bar.Clear()
	for part, err := range c.Batches(ctx, uids, batch) {
		if err != nil {
			return err
		}
		bar.Set(part.Done, part.Total)
		for m, err := range c.FetchStream(ctx, part.UIDs, imap.FetchFlags, imap.FetchInternalDate, imap.Section{}) {
			if m == nil {
				return err
			}
			warn := func(err error) { fmt.Fprintf(os.Stderr, "%s: message %d: %v\n", ix.Mailbox, m.UID, err) }
			if err != nil {
				warn(err) // about a value of this message, whose bytes are copied nevertheless
			}
			if m.UID == 0 {
				continue // it is new again for the next run
			}
			for body, err := range m.Bodies() {
				if err != nil {
					warn(err)
					break // if the connection is lost, the loop ends with an error too
				}
				s := &saved{Flags: stored(m.Flags), Date: m.InternalDate}
				if err := st.add(m.UID, s, body); err != nil {
					return err
				}
				ix.Messages[m.UID] = s
				ix.State.UIDs = ix.State.UIDs.Union(imap.UIDs(m.UID))
			}
		}
		if err := save(); err != nil {
			return err
		}
	}
	return nil
}

// check reads messages back and compares them with their checksums.
func check(st store, ix *index, uids imap.UIDSet) error {
	for uid := range uids.All() {
		s := ix.Messages[uid]
		r, err := st.read(uid, s)
		if err != nil {
			return err
		}
		sum := newSum(io.Discard)
		_, err = io.Copy(sum, r)
		r.Close()
		if err != nil {
			return err
		}
		if sum.size != s.Size || sum.String() != s.SHA256 {
			return fmt.Errorf("the copy of message %d is damaged", uid)
		}
	}
	return nil
}

// uids are the UIDs of all messages that were ever copied.
func (ix *index) uids() (set imap.UIDSet) {
	for uid := range ix.Messages {
		set = append(set, imap.UIDs(uid)...)
	}
	return set.Union(nil)
}

// stored removes the flag that belongs to a session.
func stored(flags []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return f == imap.FlagRecent })
}

// fileName is the name of a mailbox without characters that have a meaning in file systems.
func fileName(mailbox string) string {
	var b strings.Builder
	for _, c := range []byte(mailbox) {
		if c < ' ' || strings.IndexByte(`%/\:*?"<>|`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// sum is a writer that counts bytes and computes their checksum.
type sum struct {
	io.Writer
	size int64
	hash hash.Hash
}

func newSum(w io.Writer) *sum {
	h := sha256.New()
	return &sum{Writer: io.MultiWriter(w, h), hash: h}
}

func (s *sum) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	s.size += int64(n)
	return n, err
}

func (s *sum) String() string { return hex.EncodeToString(s.hash.Sum(nil)) }
