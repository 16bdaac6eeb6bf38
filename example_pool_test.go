package imap_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// A pool of two connections for many goroutines. Do calls the function again where the connection turns out to be lost before
// anything was sent.
func ExamplePool_Do() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, mailbox := range []string{"INBOX", "Archive", "Sent"} {
		srv.Deliver(mailbox, imaptest.Message{Subject: "in " + mailbox})
	}
	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv}

	pool := &imap.Pool{Max: 2, Dial: func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialTLS(ctx, "imap.example.org", opts)
		if err != nil {
			return nil, err
		}
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}}
	defer pool.Close()

	ctx := context.Background()
	var wg sync.WaitGroup
	subjects := make([]string, 3)
	for i, mailbox := range []string{"INBOX", "Archive", "Sent"} {
		wg.Go(func() {
			err := pool.Do(ctx, mailbox, func(c *imap.Client) error {
				m, err := c.FetchOne(ctx, 1, imap.FetchEnvelope)
				if err != nil {
					return err
				}
				subjects[i] = m.Envelope.Subject
				return nil
			})
			if err != nil {
				log.Print(err)
			}
		})
	}
	wg.Wait()
	fmt.Println(subjects)
	// Output: [in INBOX in Archive in Sent]
}
