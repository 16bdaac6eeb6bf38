package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-imaplib/imap"
)

// mbox is one file with all messages, in the form mboxrd: lines end with LF, and each that begins with any number of ">"
// and "From " gets one ">" more. The flags are only in the index.
type mbox struct {
	f   *os.File
	end int64
}

// openMbox truncates the remains of an interrupted run.
func openMbox(path string, ix *index) (store, error) {
	f, err := os.OpenFile(path+".mbox", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &mbox{f: f}
	for _, s := range ix.Messages {
		m.end = max(m.end, s.Offset+s.Size+1)
	}
	if info, err := f.Stat(); err != nil || info.Size() < m.end {
		f.Close()
		return nil, errors.Join(err, errors.New("the mbox is shorter than its index says"))
	}
	if err := f.Truncate(m.end); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

func (m *mbox) add(_ imap.UID, s *saved, message io.Reader) error {
	if _, err := m.f.Seek(m.end, io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriter(m.f)
	n, _ := fmt.Fprintf(w, "From MAILER-DAEMON %s\n", s.Date.UTC().Format(time.ANSIC)) // errors are those of Flush
	sum := newSum(w)
	if err := quote(sum, message); err != nil {
		return err
	}
	w.WriteByte('\n')
	s.Offset, s.Size, s.SHA256 = m.end+int64(n), sum.size, sum.String()
	m.end = s.Offset + s.Size + 1
	return errors.Join(w.Flush(), m.f.Sync())
}

// quote copies lines into an mbox.
func quote(w io.Writer, r io.Reader) error {
	br := bufio.NewReader(r)
	atStart := true
	for {
		line, err := br.ReadSlice('\n') // or a part of a long one
		if err == bufio.ErrBufferFull && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
			br.UnreadByte() // the end of the line may follow
		}
		if atStart && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			io.WriteString(w, ">") // an error is met again by the next Write
		}
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		if ended {
			line = append(bytes.TrimSuffix(text, []byte("\r")), '\n')
		} else if err == io.EOF && (!atStart || len(line) > 0) {
			line = append(bytes.Clone(line), '\n')
		}
		atStart = ended
		if _, err := w.Write(line); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
	}
}

func (m *mbox) mark(imap.UID, *saved) error { return nil }

func (m *mbox) read(_ imap.UID, s *saved) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(m.f, s.Offset, s.Size)), nil
}

func (m *mbox) Close() error { return m.f.Close() }
