package imap_test

import (
	"context"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
)

// TestPipelineSelectNotSent: calls of a pipeline behind a SELECT that never left do not run in the mailbox that is open,
// which they were not meant for (P16).
func TestPipelineSelectNotSent(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, open := range map[string]func(c *imap.Client) error{
		"ctx": func(c *imap.Client) error { _, err := c.Select(gone, "b", nil); return err },
		"name": func(c *imap.Client) error {
			_, err := c.Examine(t.Context(), "a\x00", nil)
			return err
		},
		"QRESYNC": func(c *imap.Client) error {
			_, err := c.Select(t.Context(), "b", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}})
			return err
		},
		"Do": func(c *imap.Client) error { _, err := c.Do(gone, "SELECT", "b"); return err },
		"a pipeline in the pipeline": func(c *imap.Client) error {
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error { _, err := c.Select(gone, "b", nil); return err })
			p.Wait()
			return assert.AnError
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Context(t)
			enable := ""
			if name == "QRESYNC" {
				enable = "C: $ ENABLE QRESYNC\nS: $ NO not now\n"
			}
			c := testkit.Selected(t, enable+`
				C: $ NOOP
				S: $ OK done
				C: $ SELECT c
				S: * 1 EXISTS
				S: $ OK [READ-WRITE] in
				C: $ UID STORE 1 +FLAGS (\Seen)
				S: $ OK done
				C: $ UID STORE 2 +FLAGS (\Seen)
				S: $ OK done
			`)
			store := func(c *imap.Client, uid imap.UID) error {
				_, err := c.Store(ctx, imap.UIDs(uid), imap.AddFlags(imap.FlagSeen), nil)
				return err
			}
			p := c.Pipeline()
			errs := make([]error, 6)
			p.Go(func(c *imap.Client) error { errs[0] = open(c); return nil })
			p.Go(func(c *imap.Client) error { errs[1] = store(c, 7); return nil })
			p.Go(func(c *imap.Client) error { _, errs[2] = c.Do(ctx, "UID EXPUNGE", imap.UIDs(7)); return nil })
			p.Go(func(c *imap.Client) error { errs[3] = c.Noop(ctx); return nil })
			p.Go(func(c *imap.Client) error { _, errs[4] = c.Select(ctx, "c", nil); return nil })
			p.Go(func(c *imap.Client) error { errs[5] = store(c, 1); return nil })
			assert.NoError(t, p.Wait())
			for i, err := range errs {
				if i < 3 {
					assert.Error(t, err, "%d", i)
				} else {
					assert.NoError(t, err, "%d", i)
				}
			}
			assert.True(t, imap.SafeToRetry(errs[1]))
			assert.ErrorContains(t, errs[2], "the SELECT before it in the pipeline was not sent")
			assert.NoError(t, store(c, 2))
		})
	}
}
