package imap_test

import (
	"context"
	"encoding/json"
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

// What changed since the state that the last run stored.
func ExampleClient_Sync() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for range 3 {
		srv.Deliver("INBOX", imaptest.Message{Subject: "News"})
	}

	ctx := context.Background()
	var stored []byte // in a file, most often
	run := func() {
		c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
		if err != nil {
			log.Fatal(err)
		}
		defer c.Logout(ctx)
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			log.Fatal(err)
		}
		var state imap.SyncState
		if len(stored) > 0 {
			if err := json.Unmarshal(stored, &state); err != nil {
				log.Fatal(err)
			}
		}
		res, err := c.Sync(ctx, "INBOX", state, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("reset %v, new %v, gone %v, %d with other flags\n", res.Reset, res.New, res.Vanished, len(res.Changed))
		if stored, err = json.Marshal(res.State); err != nil {
			log.Fatal(err)
		}
	}
	run()
	srv.Deliver("INBOX", imaptest.Message{Subject: "More news"})
	srv.SetFlags("INBOX", 1, `\Seen`)
	srv.Expunge("INBOX", 2)
	run()
	// Output:
	// reset false, new 1:3, gone , 0 with other flags
	// reset false, new 4, gone 2, 1 with other flags
}
