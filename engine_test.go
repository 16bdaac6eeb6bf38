package imap

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
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
// the goroutine that holds the token.
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

// writesOf counts the writes of a connection while f runs.
func writesOf(conn *cannedConn, f func()) int {
	count := func() int {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return conn.writes
	}
	from := count()
	f()
	return count() - from
}

// TestPipelinedCommandsLeaveTogether: many go in one write. How many depends on whether who waits for an answer comes before
// who has more to say.
func TestPipelinedCommandsLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn := cannedClient(t)
		writes := writesOf(conn, func() {
			p := c.Pipeline()
			for range 100 {
				p.Go(func(c *Client) error { return c.Noop(context.Background()) })
			}
			require.NoError(t, p.Wait())
		})
		assert.Less(t, writes, 25)
	})
}

// TestPipelinedCommandLeavesByItself: nobody has to call Wait, or anything else.
func TestPipelinedCommandLeavesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		start := time.Now()
		done := make(chan error)
		p := c.Pipeline()
		p.Go(func(c *Client) error {
			for range 3 {
				if err := c.Noop(context.Background()); err != nil {
					return err
				}
			}
			close(done)
			return nil
		})
		<-done
		assert.Equal(t, 3*pipelineDelay, time.Since(start))
		require.NoError(t, p.Wait())
	})
}

// TestCommandsBehindAPipelineDoNotWait: what is outside of it takes with it what the pipeline has collected.
func TestCommandsBehindAPipelineDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, conn := cannedClient(t)
		start := time.Now()
		p := c.Pipeline()
		for range 3 {
			p.Go(func(c *Client) error { return c.Noop(context.Background()) })
		}
		assert.Equal(t, 2, writesOf(conn, func() { require.NoError(t, c.Noop(context.Background())) }))
		require.NoError(t, p.Wait())
		assert.Zero(t, time.Since(start))
	})
}

// TestPipelineWithCallsThatWaitForEachOther: calls that wait for other things than the connection do not stop it.
func TestPipelineWithCallsThatWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cannedClient(t)
		turn := make(chan struct{})
		p := c.Pipeline()
		p.Go(func(c *Client) error {
			err := c.Noop(context.Background())
			<-turn
			return err
		})
		p.Go(func(c *Client) error {
			defer close(turn)
			return c.Noop(context.Background())
		})
		require.NoError(t, p.Wait())
	})
}
