package imap

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestStateOfCutWrite: a write is cut, and who waits behind it learns of it before the one who wrote. To him too the
// connection is at its end.
func TestStateOfCutWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
		let := make(chan struct{})
		c, err := NewClient(t.Context(), blockingWrites{near, let}, nil)
		require.NoError(t, err)
		go func() {
			let <- struct{}{}
			far.Write([]byte("* 3 EXISTS\r\nA1 OK [READ-WRITE] in\r\n"))
		}()
		_, err = c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		written := make(chan error)
		go func() { written <- c.Noop(ctx) }()
		synctest.Wait()
		behind := make(chan error)
		go func() { behind <- c.Noop(t.Context()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-behind, ErrClosed)
		state, mailbox := c.State(), c.Mailbox()
		close(let)
		require.ErrorIs(t, <-written, context.Canceled)
		require.Equal(t, LoggedOut, state)
		require.Nil(t, mailbox)
	})
}

// TestCloseBeforeFlush: who waits for the token to send what a pipeline collected is woken by the end of the connection,
// whoever holds the token.
func TestCloseBeforeFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		c.send <- struct{}{}
		done := make(chan error, 1)
		go func() { done <- c.flushPending(context.Background()) }()
		synctest.Wait()
		require.Empty(t, done)
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-done, ErrClosed)
	})
}

// blockingWrites is a connection whose writes wait to be let go.
type blockingWrites struct {
	net.Conn
	let chan struct{}
}

func (c blockingWrites) Write(b []byte) (int, error) {
	<-c.let
	return len(b), nil
}
