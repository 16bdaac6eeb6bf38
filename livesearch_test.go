package imap_test

import (
	"context"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUpdatesGivenUpBeforeTheAnswer: a search with UPDATE whose ctx ends before the server answers it is ended at the server
// all the same, before the next command; not where another mailbox is opened, and not where the server refused it.
func TestUpdatesGivenUpBeforeTheAnswer(t *testing.T) {
	const accepted = "S: * ESEARCH (TAG \"A2\") UID ALL 3\nS: A2 OK done\n"
	for name, test := range map[string]struct {
		script string
		call   func(ctx context.Context, c *imap.Client) error
	}{
		"another command": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal of CANCELUPDATE": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ BAD what?\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal": {"S: A2 NO [NOUPDATE \"A2\"] no\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"another mailbox": {accepted + "C: $ SELECT other\nS: * 0 EXISTS\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "other", nil); return err }},
		"a pipeline": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nC: $ NOOP\nS: $ OK done\nS: A4 OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error {
				p := c.Pipeline()
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				return p.Wait()
			}},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			t.Cleanup(func() { far.Close() })
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				imaptest.Script(t, far, "S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH] hi\n"+
					"C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ UID SEARCH RETURN (ALL UPDATE) DELETED\n")
			}()
			c, err := imap.NewClient(testkit.Context(t), near, nil)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			open(t, c, "INBOX")
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			go func() {
				<-asked
				cancel(testkit.ErrGone)
			}()
			for _, err := range c.SearchUpdates(ctx, imap.Where().Deleted(), nil) {
				require.ErrorIs(t, err, testkit.ErrGone)
			}
			played := make(chan struct{})
			go func() {
				defer close(played)
				imaptest.Script(t, far, test.script)
			}()
			require.NoError(t, test.call(testkit.Context(t), c))
			require.NoError(t, c.Noop(testkit.Context(t)))
			<-played
			for _, ev := range c.Events() {
				_, update := ev.(*imap.ContextEvent)
				assert.False(t, update)
			}
		})
	}
}
