package imaplib_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sessionRows are attributes, errors, outcomes and states: what imaplib keeps in an instance.
var sessionRows = map[string]func(*testing.T){
	"a server of IMAP4rev2 alone is taken": on(greets("* OK [CAPABILITY IMAP4rev2 AUTH=PLAIN] hi"), "C: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Noop(ctx))
		assert.True(t, c.Caps().Has("IMAP4rev2"))
	}),
	"capabilities are found in any case": on(greets("* OK [capability imap4rev1 idle Auth=plain] hi"), "", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.True(t, c.Caps().Has("IDLE") && c.Caps().Has("idle") && c.Caps().Has("AUTH=PLAIN"))
	}),
	"CAPABILITY that comes unasked counts at once": on(testkit.LoggedIn, "C: $ NOOP\nS: * CAPABILITY IMAP4rev1 X-NEW\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		assert.True(t, c.Caps().Has("X-NEW"))
		assert.False(t, c.Caps().Has("IDLE"), "the newest list is the whole list")
	}),
	"the connection is at hand": on(testkit.LoggedIn, "", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.IsType(t, &imaptest.PipeConn{}, c.NetConn())
		_, hasTLS := c.TLSState()
		assert.False(t, hasTLS)
	}),
	"read-only is what was granted to SELECT": on(testkit.LoggedIn, "C: $ SELECT a\nS: * 1 EXISTS\nS: $ OK [READ-ONLY] look only\n"+testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "a", nil)
		require.NoError(t, err)
		assert.True(t, mb.ReadOnly && c.Mailbox().ReadOnly)
		for _, write := range []func() error{
			func() error { _, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags("x"), nil); return err },
			func() error { _, err := c.Expunge(ctx); return err },
			func() error { _, err := c.Move(ctx, imap.Seqs(1), "b"); return err },
		} {
			err := write()
			assert.ErrorIs(t, err, imap.ErrReadOnly)
			assert.True(t, imap.SafeToRetry(err))
			assert.NotErrorIs(t, err, imap.ErrClosed)
		}
		testkit.RequireNothingSent(t, c)
	}),
	"READ-WRITE and no code are for writing": on(testkit.LoggedIn, "C: $ SELECT a\nS: $ OK [READ-WRITE] ok\nC: $ SELECT b\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, name := range []string{"a", "b"} {
			mb, err := c.Select(ctx, name, nil)
			require.NoError(t, err)
			assert.False(t, mb.ReadOnly)
		}
	}),
	// A server makes a mailbox read-only in between: the command continues, the mailbox reports it, and only commands that
	// write fail, until the server makes it writable again.
	"READ-ONLY in mid-connection": on(testkit.Selected, `
		C: $ NOOP
		S: * OK [READ-ONLY] no more writing
		S: $ OK
		C: $ FETCH 1 (UID)
		S: * 1 FETCH (UID 9)
		S: $ OK
		C: $ NOOP
		S: * OK [READ-WRITE] again
		S: $ OK
		C: $ EXPUNGE
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		assert.True(t, c.Mailbox().ReadOnly)
		_, err := c.Expunge(ctx)
		assert.ErrorIs(t, err, imap.ErrReadOnly)
		got, err := imap.Collect(c.Fetch(ctx, imap.Seqs(1)))
		assert.NoError(t, err)
		assert.Len(t, got, 1)
		require.NoError(t, c.Noop(ctx))
		assert.False(t, c.Mailbox().ReadOnly)
		_, err = c.Expunge(ctx)
		assert.NoError(t, err)
	}),

	// ---- outcomes
	"NO with data is an error, and its data leaks into nothing": on(testkit.LoggedIn, `
		C: $ LIST "" *
		S: * LIST () "/" a
		S: $ NO [UNAVAILABLE] some are missing
		C: $ LIST "" *
		S: * LIST () "/" b
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.List(ctx, "", "*", nil)
		refusal, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, &imap.Error{Command: "LIST", Status: "NO", Code: "UNAVAILABLE", Text: "some are missing"}, refusal)
		got, err := c.List(ctx, "", "*", nil)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, "b", got[0].Name)
	}),
	"NO to FETCH comes behind the messages that it brought": on(testkit.Selected, `
		C: $ UID FETCH 1:2 (UID)
		S: * 1 FETCH (UID 1)
		S: $ NO the other is gone
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(1, 2)))
		assert.ErrorContains(t, err, "NO the other is gone")
		assert.Len(t, got, 1)
	}),
	"BAD is an error and costs nothing else": on(testkit.LoggedIn, "C: $ XYZ\nS: $ BAD what?\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Do(ctx, "XYZ")
		assert.EqualError(t, err, "imap: XYZ: BAD what?")
		assert.NotErrorIs(t, err, imap.ErrClosed)
		assert.NoError(t, c.Noop(ctx))
	}),
	"another word as the tagged status is no success": on(testkit.LoggedIn, "C: $ NOOP\nS: $ FOO bar\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, unknown := errors.AsType[*imap.ProtocolError](c.Noop(ctx))
		assert.True(t, unknown)
		assert.NoError(t, c.Noop(ctx))
	}),
	"BYE in mid-command wins over a tagged OK": on(testkit.LoggedIn, "C: $ NOOP\nS+: * BYE [UNAVAILABLE] going down\\r\\nA1 OK done\\r\\n", func(ctx context.Context, t *testing.T, c *imap.Client) {
		err := c.Noop(ctx)
		bye, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, &imap.Error{Command: "NOOP", Status: "BYE", Code: "UNAVAILABLE", Text: "going down"}, bye)
		assert.Equal(t, imap.LoggedOut, c.State())
		assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
	}),
	"the end of the connection is told with its cause": on(testkit.LoggedIn, "C: $ NOOP\nS: * 1 EXISTS\nCLOSE", func(ctx context.Context, t *testing.T, c *imap.Client) {
		err := c.Noop(ctx)
		assert.ErrorIs(t, err, imap.ErrClosed)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, imap.LoggedOut, c.State())
		assert.NoError(t, c.Close())
	}),
	"a timeout in mid-response": on(shortTimeout, "C: $ NOOP\nS+: * OK [UIDNE\nSTALL", func(ctx context.Context, t *testing.T, c *imap.Client) {
		err := c.Noop(ctx)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorIs(t, err, imap.ErrClosed)
		assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
	}),
	"a timeout in mid-literal": on(shortTimeout, "C: $ LIST \"\" *\nS: * LIST () \"/\" {10}\nS+: abc\nSTALL", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.List(ctx, "", "*", nil)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorIs(t, err, imap.ErrClosed)
	}),
	"the late answer to a call that was given up is absorbed": func(t *testing.T) {
		given := make(chan struct{})
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			h.Put("* 6 EX")
			h.Out.Flush()
			<-given
			h.Send("ISTS\r\n%s OK late", tag)
			h.Send("* 7 EXISTS\r\n%s OK mine", h.Line("NOOP"))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, c.Noop(ctx), context.DeadlineExceeded)
		close(given)
		assert.NoError(t, c.Noop(testkit.Context(t)))
		assert.EqualValues(t, 7, c.Mailbox().Exists)
	},

	// ---- transitions
	"a greeting of OK or PREAUTH": func(t *testing.T) {
		assert.Equal(t, imap.NotAuthenticated, testkit.DialScript(t, "* OK hi", "").State())
		assert.Equal(t, imap.Authenticated, testkit.DialScript(t, "* PREAUTH hi", "").State())
	},
	"SELECT refused with NO or BAD has closed the mailbox before": func(t *testing.T) {
		for _, answer := range []string{"NO no such mailbox", "BAD no such mailbox"} {
			c := testkit.Selected(t, "C: $ SELECT b\nS: $ "+answer+"\n"+testkit.OnlyNoop)
			_, err := c.Select(testkit.Context(t), "b", nil)
			require.Error(t, err)
			assert.Equal(t, imap.Authenticated, c.State(), answer)
			assert.Nil(t, c.Mailbox())
			testkit.RequireNothingSent(t, c)
		}
	},
	"SELECT refused before one was open": on(testkit.LoggedIn, "C: $ SELECT b\nS: $ NO no", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Select(ctx, "b", nil)
		require.Error(t, err)
		assert.Equal(t, imap.Authenticated, c.State())
	}),
	"CLOSE and UNSELECT that are refused leave the mailbox open": on(testkit.Selected, "C: $ CLOSE\nS: $ NO no\nC: $ UNSELECT\nS: $ BAD no\nC: $ UNSELECT\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.Error(t, c.CloseMailbox(ctx))
		require.Error(t, c.Unselect(ctx))
		assert.Equal(t, imap.Selected, c.State())
		require.NoError(t, c.Unselect(ctx))
		assert.Equal(t, imap.Authenticated, c.State())
	}),
	"LOGOUT ends in its state whatever the server says": func(t *testing.T) {
		for _, answer := range []string{"S: * BYE bye\nS: $ OK", "S: $ OK", "S: $ NO no", "S: $ BAD no", "S: * BYE bye\nCLOSE", "CLOSE"} {
			c := testkit.LoggedIn(t, "C: $ LOGOUT\n"+answer)
			c.Logout(testkit.Context(t))
			assert.Equal(t, imap.LoggedOut, c.State(), answer)
			assert.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed, answer)
		}
	},
	"LOGOUT on a dead link": on(testkit.LoggedIn, "CLOSE", func(ctx context.Context, t *testing.T, c *imap.Client) {
		c.Noop(ctx)
		assert.ErrorIs(t, c.Logout(ctx), imap.ErrClosed)
		assert.NoError(t, c.Close())
	}),
	"a mailbox that is open by the time of IDLE stays open": on(testkit.Selected, "C: $ IDLE\nS: + idling\nS: * 6 EXISTS\nC: DONE\nS: $ OK\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := testkit.OneEvent(ctx, c, nil)
		require.NoError(t, err)
		assert.Equal(t, imap.Selected, c.State())
		require.NoError(t, c.Noop(ctx))
		assert.Equal(t, imap.Selected, c.State())
	}),
}

// greets is a client of a server with this greeting.
func greets(greeting string) func(*testing.T, string) *imap.Client {
	return func(t *testing.T, script string) *imap.Client {
		t.Helper()
		return testkit.DialScript(t, greeting, script)
	}
}

// shortTimeout is a client that is logged in, with a short timeout.
func shortTimeout(t *testing.T, script string) *imap.Client {
	t.Helper()
	conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\n"+script)
	c, err := imap.NewClient(t.Context(), conn, &imap.Options{Timeout: 30 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}
