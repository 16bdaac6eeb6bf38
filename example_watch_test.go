package imap_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

func ExampleWatch() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{Subject: "Lunch on Friday?"})
	srv.Deliver("INBOX", imaptest.Message{Subject: "Your code is 483920"})
	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv}

	dial := func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialTLS(ctx, "imap.example.org", opts)
		if err != nil {
			return nil, err
		}
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	var state imap.SyncState // as it was stored by the run before
	for ch, err := range imap.Watch(context.Background(), dial, "INBOX", state, nil) {
		if ch == nil {
			log.Fatal(err)
		}
		if ch.Kind == imap.ChangeNew {
			fmt.Println(ch.Message.UID, ch.Message.Envelope.Subject)
		}
		state = ch.State // to be stored, as JSON for example
		if state.UIDs.Len() == 2 {
			break
		}
	}
	// Output:
	// 1 Lunch on Friday?
	// 2 Your code is 483920
}
