package imaptest_test

import (
	"context"
	"fmt"

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
