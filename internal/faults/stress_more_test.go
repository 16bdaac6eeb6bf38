package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/go-imaplib/imap"
)

// noMore keeps the error of a call.
func noMore[T any](_ T, err error) error { return refusable(err) }

// stressRest are the calls of the extensions that few servers have.
var stressRest = []func(ctx context.Context, w *stresser, c *imap.Client) error{
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.CreateMailbox(ctx, fmt.Sprint("ids-", w.id, "-", rand.IntN(1e9)), nil))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		if !c.Enabled("QRESYNC") {
			return nil
		}
		return noMore(c.FetchChanges(ctx, imap.UIDRange(1, 10), 1, imap.FetchFlags))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Flagged(), nil))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		for _, err := range c.SearchUpdates(ctx, imap.Where().Flagged(), nil) {
			return refusable(err)
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		for _, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "SIZE"}}, imap.Where().Flagged(), nil) {
			return refusable(err)
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.Languages(ctx)) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.SetLanguage(ctx, "en")) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.Comparator(ctx)) },
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.JMAPAccess(ctx)) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		url := &imap.URL{User: "user", Host: "localhost", Mailbox: "INBOX", UID: 1, Access: "anonymous"}
		return noMore(c.AuthorizeURLs(ctx, "INTERNAL", url))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.FetchURLs(ctx, imap.URLRequest{URL: "/INBOX/;UID=1"}))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.ResetURLKeys(ctx, "INBOX"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.RemoteList(ctx, "", "*"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.RemoteLsub(ctx, "", "*"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1)))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.Conversions(ctx, "*", "*"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.Filters(ctx)) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.SetFilter(ctx, imap.Filter{Name: fmt.Sprint("f", w.id)}, imap.Where().Seen()))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.RemoveFilter(ctx, fmt.Sprint("f", w.id), false))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.GetSpecialUse(ctx, "INBOX"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.SetSpecialUse(ctx, "fixed-3", imap.AttrArchive))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.GetSieveScript(ctx, "INBOX"))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return refusable(c.SetSieveScript(ctx, "INBOX", ""))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(imap.Collect(c.FetchText(ctx, imap.UIDs(1), nil)))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error { return noMore(c.ApplePush(ctx, nil)) },
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(imap.Collect(c.Previews(ctx, imap.UIDs(1))))
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		for _, err := range c.Batches(ctx, imap.UIDRange(1, 10), 3) {
			if err != nil {
				return refusable(err)
			}
		}
		return nil
	},
	func(ctx context.Context, w *stresser, c *imap.Client) error {
		return noMore(c.UIDBatches(ctx, 5, 0, 0))
	},
}
