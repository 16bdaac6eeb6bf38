package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/go-imaplib/imap"
)

// maildir has a file for each message, byte for byte as on the server, with the flags in its name.
type maildir struct {
	path  string
	names map[imap.UID]string // of the files
}

// openMaildir creates the folders and removes the remains of an interrupted run.
func openMaildir(path string, ix *index) (store, error) {
	d := &maildir{path, map[imap.UID]string{}}
	if err := os.RemoveAll(filepath.Join(path, "tmp")); err != nil {
		return nil, err
	}
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(filepath.Join(path, "cur"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), ".")
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			continue // not ours
		}
		uid := imap.UID(n)
		if ix.Messages[uid] != nil {
			d.names[uid] = e.Name()
		} else if err := os.Remove(filepath.Join(path, "cur", e.Name())); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *maildir) add(uid imap.UID, s *saved, message io.Reader) error {
	f, err := os.Create(filepath.Join(d.path, "tmp", fmt.Sprint(uid)))
	if err != nil {
		return err
	}
	sum := newSum(f)
	_, err = io.Copy(sum, message)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	s.Size, s.SHA256 = sum.size, sum.String()
	if err := os.Chtimes(f.Name(), s.Date, s.Date); err != nil {
		return err
	}
	d.names[uid] = mailFile(uid, s.Flags)
	return os.Rename(f.Name(), d.file(uid))
}

func (d *maildir) mark(uid imap.UID, s *saved) error {
	from := d.file(uid)
	d.names[uid] = mailFile(uid, s.Flags)
	return os.Rename(from, d.file(uid))
}

func (d *maildir) read(uid imap.UID, _ *saved) (io.ReadCloser, error) { return os.Open(d.file(uid)) }

func (d *maildir) Close() error { return nil }

func (d *maildir) file(uid imap.UID) string { return filepath.Join(d.path, "cur", d.names[uid]) }

// mailFile is the name of the file of a message. Keywords have no letter: they are only in the index.
func mailFile(uid imap.UID, flags []imap.Flag) string {
	letters := ""
	for _, l := range []struct {
		letter string
		flag   imap.Flag
	}{{"D", imap.FlagDraft}, {"F", imap.FlagFlagged}, {"P", imap.FlagForwarded}, {"R", imap.FlagAnswered}, {"S", imap.FlagSeen}, {"T", imap.FlagDeleted}} {
		if slices.Contains(flags, l.flag) {
			letters += l.letter
		}
	}
	colon := ":"
	if runtime.GOOS == "windows" { // where names have no colon
		colon = ";"
	}
	return fmt.Sprintf("%d.imap%s2,%s", uid, colon, letters)
}
