package imaptest_test

import (
	"context"
	"fmt"
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
