package imaptest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// unseen is a program to be tested.
func unseen(ctx context.Context, addr string, opts *imap.Options) (int, error) {
	c, err := imap.DialTLS(ctx, addr, opts)
	if err != nil {
		return 0, err
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		return 0, err
	}
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		return 0, err
	}
	found, err := c.Search(ctx, imap.Where().Unseen(), nil)
	if err != nil {
		return 0, err
	}
	return int(found.UIDs.Len()), nil
}

func ExampleNewServer() {
	srv := imaptest.NewServer(nil, nil) // in a test: imaptest.NewServer(t, nil), which needs no Close
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{From: "ada@example.org", Subject: "Lunch?", Text: "On Friday."})
	srv.Deliver("INBOX", imaptest.Message{Subject: "Old news", Flags: []string{`\Seen`}})

	opts := &imap.Options{TLSConfig: srv.TLSConfig()}
	fmt.Println(unseen(context.Background(), srv.TLSAddr(), opts))
	// Output: 1 <nil>
}

func ExampleServer_Inject() {
	srv := imaptest.NewServer(nil, &imaptest.Options{Profile: imaptest.Gmail})
	defer srv.Close()
	srv.Inject(imaptest.Fault{Command: "SEARCH", Reply: "BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds"})

	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv} // whatever address the program dials
	_, err := unseen(context.Background(), "imap.gmail.com", opts)
	fmt.Println(err)
	// Output: imap: UID SEARCH: BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds
}

func ExampleServer_Commands() {
	var t testing.TB // of the test
	srv := imaptest.NewServer(t, nil)
	defer srv.Close()
	opts := &imap.Options{TLSConfig: srv.TLSConfig()}
	unseen(context.Background(), srv.TLSAddr(), opts)
	for _, command := range srv.Commands()[2:] { // behind CAPABILITY and AUTHENTICATE
		fmt.Println(command)
	}
	// Output:
	// EXAMINE INBOX
	// UID SEARCH RETURN (ALL) UNSEEN
	// LOGOUT
}

// A conversation with a server that does what no server should: a client has to end, and say why.
func ExampleServer_Script() {
	srv := imaptest.NewServer(nil, nil)
	defer srv.Close()
	srv.Script(`
		S: * OK [CAPABILITY IMAP4rev1] ready
		C: $ LOGIN user "password"
		S: $ OK [CAPABILITY IMAP4rev1] done
		C: $ EXAMINE INBOX
		S: * 3 EXI
		CLOSE
	`)

	c, err := imap.DialInsecure(context.Background(), srv.Addr(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.Login(context.Background(), "user", "password"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Examine(context.Background(), "INBOX", nil)
	fmt.Println(errors.Is(err, imap.ErrClosed))
	// Output: true
}

// The mailbox of a test comes from files.
func ExampleFiles() {
	dir, err := os.MkdirTemp("", "") // in a test: a folder below testdata
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "lunch.eml"), []byte("Subject: Lunch?\n\nOn Friday.\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	srv := imaptest.NewServer(nil, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{
		"INBOX": imaptest.Files(nil, filepath.Join(dir, "*.eml")),
	}})
	defer srv.Close()
	fmt.Println(unseen(context.Background(), srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()}))
	// Output: 1 <nil>
}
