package faults_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// silentServer returns a client whose server does not answer the first NOOP before play has returned.
func silentServer(t *testing.T, play func(h *testkit.Peer)) *imap.Client {
	return testkit.DialPeer(t, &imap.Options{Timeout: time.Minute}, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		play(h)
		h.Send("%s OK late", tag)
		h.OK()
	})
}

// brief is a call that waits for d at most.
func brief(t *testing.T, c *imap.Client, d time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return c.Noop(ctx)
}

// TestSilenceOfManyCalls: a dead connection is noticed when the calls have waited for Timeout together, although each of them
// has a shorter ctx. Time between the calls does not count.
func TestSilenceOfManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := make(chan struct{})
		c := silentServer(t, func(*testkit.Peer) { <-dead })
		defer close(dead)
		for range 3 {
			require.ErrorIs(t, brief(t, c, 19*time.Second), context.DeadlineExceeded)
			require.NoError(t, c.Err())
			time.Sleep(time.Hour)
		}
		began := time.Now()
		err := brief(t, c, 19*time.Second)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, err, imap.ErrClosed)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
		require.Equal(t, imap.LoggedOut, c.State())
	})
}

// TestSilenceEndsWithBytes: whatever the server sends shows that it is alive.
func TestSilenceEndsWithBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := silentServer(t, func(h *testkit.Peer) {
			for range 20 {
				time.Sleep(50 * time.Second)
				h.Send("* OK still searching")
			}
		})
		for range 49 {
			require.ErrorIs(t, brief(t, c, 20*time.Second), context.DeadlineExceeded)
		}
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestAnswerAfterSilence: an answer that came while no call was reading is found, even if the calls before had waited for
// Timeout together.
func TestAnswerAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := silentServer(t, func(*testkit.Peer) { time.Sleep(time.Hour) })
		require.ErrorIs(t, brief(t, c, 40*time.Second), context.DeadlineExceeded)
		require.ErrorIs(t, brief(t, c, 19999*time.Millisecond), context.DeadlineExceeded)
		time.Sleep(time.Hour)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestSilenceInIdle: the silence of an IDLE is not that of a command that is answered after it.
func TestSilenceInIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, &imap.Options{Timeout: time.Minute}, func(h *testkit.Peer) {
			tag := h.Idle()
			h.Line("") // DONE
			time.Sleep(50 * time.Second)
			h.Send("%s OK done", tag)
			h.OK()
		})
		for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: 20 * time.Minute}) {
			require.NoError(t, err)
		}
		require.ErrorIs(t, brief(t, c, 20*time.Second), context.DeadlineExceeded)
		require.ErrorIs(t, brief(t, c, 20*time.Second), context.DeadlineExceeded)
		require.NoError(t, c.Noop(t.Context()))
	})
}
