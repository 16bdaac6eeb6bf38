package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bareServer is a server without extensions that ends the connection with the first command of a call, and reports it.
func bareServer(t *testing.T, state setup, sent func()) *imap.Client {
	near, far := imaptest.Pipe()
	go func() {
		defer far.Close()
		word := "PREAUTH"
		if state == inClear {
			word = "OK"
		}
		fmt.Fprintf(far, "* %s [CAPABILITY IMAP4rev1] hi\r\n", word)
		lines := bufio.NewScanner(far)
		for lines.Scan() {
			tag, rest, _ := strings.Cut(lines.Text(), " ")
			if rest != "SELECT INBOX" {
				sent()
				return
			}
			fmt.Fprintf(far, "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 50] ok\r\n%s OK [READ-WRITE] in\r\n", tag)
		}
	}()
	c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestEveryMethodNamesWhatIsMissing runs all calls of the dialogues on a server without extensions: what is refused before
// anything is sent is errors.ErrUnsupported, and names the missing capability.
func TestEveryMethodNamesWhatIsMissing(t *testing.T) {
	refused := 0
	for _, x := range dialogues {
		t.Run(x.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			defer cancel(nil)
			c := bareServer(t, x.state, func() { cancel(testkit.ErrGone) })
			_, err := x.run(ctx, c)
			c.Close()
			if context.Cause(ctx) == testkit.ErrGone || err == nil {
				return // it does without, or the capability is that of an answer
			}
			missing, ok := errors.AsType[*imap.CapabilityError](err)
			require.True(t, ok, err)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			assert.NotEmpty(t, missing.Name)
			assert.True(t, imap.SafeToRetry(err), err)
			refused++
		})
	}
	assert.Greater(t, refused, 30)
}

// TestFetchChangesNeedsQResync: without QRESYNC, and before it is enabled, nothing is sent.
func TestFetchChangesNeedsQResync(t *testing.T) {
	for caps, off := range map[string]bool{"IDLE": false, "ENABLE CONDSTORE QRESYNC": true} {
		c := testkit.OfferingSelected(t, caps, testkit.OnlyNoop)
		_, err := c.FetchChanges(testkit.Context(t), imap.UIDs(1), 5, imap.FetchFlags)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok, err)
		assert.Equal(t, &imap.CapabilityError{Name: "QRESYNC", Off: off}, missing)
		assert.Equal(t, off, strings.Contains(err.Error(), "QRESYNC has to be enabled first"), err)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		testkit.RequireNothingSent(t, c)
	}
}

// TestUnreadableCodesOfResults: an unreadable code of an OK that should be in a result is reported.
func TestUnreadableCodesOfResults(t *testing.T) {
	t.Run("COPYUID", func(t *testing.T) {
		for _, args := range []string{"", " x 1 2", " 7 1", " 7 1:2 5", " 7 1:* 5:6", " 7 1:2 5:6 8"} {
			c := testkit.OfferingSelected(t, "UIDPLUS MOVE", "C: $ UID COPY 1:2 b\nS: $ OK [COPYUID"+args+"] done\n"+
				"C: $ UID MOVE 1:2 b\nS: * OK [COPYUID"+args+"] moved\nS: * 1 EXPUNGE\nS: * 1 EXPUNGE\nS: $ OK done\n")
			res, err := c.Copy(testkit.Context(t), imap.UIDRange(1, 2), "b")
			require.NoError(t, err)
			bad, ok := errors.AsType[*imap.ProtocolError](res.Err)
			require.True(t, ok, "%s: %v", args, res.Err)
			assert.NotEmpty(t, bad.Error())
			events := c.Events()
			require.Len(t, events, 1)
			_, err = events[0].(*imap.CodeEvent).Data()
			assert.Error(t, err)
			res, err = c.Move(testkit.Context(t), imap.UIDRange(1, 2), "b")
			require.NoError(t, err)
			assert.Error(t, res.Err, args)
		}
		c := testkit.OfferingSelected(t, "UIDPLUS", "C: $ UID COPY 1:2 b\nS: $ OK [COPYUID 7 1:2 5:6] done\n")
		res, err := c.Copy(testkit.Context(t), imap.UIDRange(1, 2), "b")
		require.NoError(t, err)
		assert.NoError(t, res.Err)
		assert.Empty(t, c.Events())
	})
	t.Run("APPENDUID", func(t *testing.T) {
		c := testkit.Offering(t, "UIDPLUS LITERAL+", "C: $ APPEND b {2+}\nC+: hi\\r\\n\nS: $ OK [APPENDUID 7] done\n")
		_, err := c.Append(testkit.Context(t), "b", imap.LiteralString("hi"), nil)
		require.NoError(t, err)
		require.Len(t, c.Events(), 1)
	})
	t.Run("MODIFIED", func(t *testing.T) {
		c := testkit.OfferingSelected(t, "CONDSTORE", "C: $ UID STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)\nS: $ OK [MODIFIED 1:*] done\n"+testkit.OnlyNoop)
		_, err := c.Store(testkit.Context(t), imap.UIDRange(1, 2), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{Silent: true, UnchangedSince: 5})
		_, ok := errors.AsType[*imap.ProtocolError](err)
		require.True(t, ok, err)
		require.NoError(t, c.Noop(testkit.Context(t)))
	})
}
