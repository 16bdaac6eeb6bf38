package imap

import (
	"context"
	"testing"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// TestOverdueWhileOneIsTold: a search that is left while CANCELUPDATE for another cannot be sent is ended later, with that.
func TestOverdueWhileOneIsTold(t *testing.T) {
	near, far := imaptest.Pipe()
	t.Cleanup(func() { far.Close() })
	go imaptest.Script(t, far, `
		S: * PREAUTH [CAPABILITY IMAP4rev1] hi
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: $ OK done
		C: $ CANCELUPDATE "one" "two"
		S: $ OK done
		C: $ NOOP
		S: $ OK done
	`)
	c, err := NewClient(t.Context(), near, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	c.mu.Lock()
	c.overdue("one", func(tags ...string) *command {
		c.mu.Lock()
		defer c.mu.Unlock()
		if ctx.Err() == nil {
			c.overdue("two", cancelUpdate)
		}
		cancel()
		return cancelUpdate(tags...)
	})
	c.mu.Unlock()
	require.ErrorIs(t, c.Noop(ctx), context.Canceled)
	require.NoError(t, c.Noop(t.Context()))
}
