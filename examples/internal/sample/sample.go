// Package sample is the default mailbox of the examples: several messages in several languages, with attachments and
// encoded subjects, on an in-memory server.
package sample

import (
	"bytes"
	"embed"
	"io/fs"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
)

//go:embed messages/*.eml
var files embed.FS

// User and Password are the credentials for the server.
const (
	User     = "user"
	Password = "password"
)

// Message is one of the sample messages.
type Message struct {
	Raw   []byte // with CRLF line ends
	Flags []string
	Date  time.Time // its internal date
}

// Messages returns the sample messages, oldest first. The first is marked as seen.
func Messages() []Message {
	names, err := fs.Glob(files, "messages/*.eml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	list := make([]Message, len(names))
	for i, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		list[i] = Message{
			Raw:  bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")),
			Date: time.Date(2026, time.February, 2+i, 12, 0, 0, 0, time.UTC),
		}
	}
	list[0].Flags = []string{`\Seen`}
	return list
}

// Serve starts an in-memory server on a free port of the loopback interface, with the sample messages in INBOX and an empty
// mailbox Archive. stop ends it.
func Serve() (addr string, stop func(), err error) { return serve(Messages()) }

// ServeEmpty is Serve without messages.
func ServeEmpty() (addr string, stop func(), err error) { return serve(nil) }

func serve(messages []Message) (addr string, stop func(), err error) {
	srv := imaptest.Start(nil)
	inbox := srv.User(User).Mailbox("INBOX")
	for _, m := range messages {
		inbox.Append(m.Raw, m.Flags, m.Date)
	}
	srv.User(User).Mailbox("Archive")
	addr, err = srv.Listen()
	if err != nil {
		srv.Close()
		return "", nil, err
	}
	return addr, srv.Close, nil
}
