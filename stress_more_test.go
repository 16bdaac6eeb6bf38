package imap_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/go-imaplib/imap"
)

// stressRest are the calls of the extensions that few servers have.
var stressRest = []func(ctx context.Context, w *stresser, c *imap.Client) error{
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		_, err := c.CreateMailbox(ctx, fmt.Sprint("ids-", w.id, "-", rand.IntN(1e9)), nil)
		return refusable(err)
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		if !c.Enabled("QRESYNC") {
			return nil
		}
		_, err := c.FetchChanges(ctx, imap.UIDRange(1, 10), 1, imap.FetchFlags)
		return refusable(err)
	},
}
