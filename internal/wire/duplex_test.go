package wire

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// blockingWrites is a connection whose writes wait until they are released; nothing is ever read from it.
type blockingWrites struct {
	net.Conn
	let chan struct{}
}

func (c blockingWrites) Write(b []byte) (int, error) {
	<-c.let
	return len(b), nil
}

// TestReadDuringWriteBeginsLate: the timer of one write fires, and by the time its reader starts the next write is in
// progress. The reader has to release the token when that write ends, or a call that cannot release it would wait for the
// answer.
func TestReadDuringWriteBeginsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(blockingWrites{near, make(chan struct{})}, testConfig)
		defer c.close()
		let := c.raw.(blockingWrites).let
		done := make(chan error)
		go func() { done <- c.Write(context.Background(), []byte("x")) }()
		synctest.Wait()
		go c.readInBackground() // what the timer of the write before it has begun
		synctest.Wait()
		let <- struct{}{} // before the timer of this write fires
		require.NoError(t, <-done)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, c.LockRead(ctx, nil), "the token is still held")
		c.UnlockRead()
	})
}

// TestLateCutSparesTheNextWrite: a ctx ends in the last moment of a write. When its grace period is over, the next write is
// in progress, and must not be affected.
func TestLateCutSparesTheNextWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(blockingWrites{near, make(chan struct{})}, testConfig)
		defer c.close()
		let := c.raw.(blockingWrites).let
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Write(ctx, []byte("x")) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		let <- struct{}{}
		require.NoError(t, <-done)
		go func() { done <- c.Write(context.Background(), []byte("y")) }()
		time.Sleep(10 * cutGrace)
		let <- struct{}{}
		require.NoError(t, <-done)
	})
}

// exchange writes a command and reads the answer of the other end, which arrives after a time.
func exchange(t *testing.T, c *Conn, far net.Conn, let chan struct{}, after time.Duration) {
	t.Helper()
	done := make(chan error)
	go func() { done <- c.Write(context.Background(), []byte("x")) }()
	let <- struct{}{}
	require.NoError(t, <-done)
	go func() {
		time.Sleep(after)
		far.Write([]byte("* 1 EXISTS\r\n"))
	}()
	_, err := c.ReadFrame(time.Time{}, false, nil)
	require.NoError(t, err)
}

// TestLaterWriteIsChecked: commands follow each other, so that the timer of one write is still set when the next begins.
// That one blocks and is joined by a reader within twice the time, although the timer was not set for it.
func TestLaterWriteIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(blockingWrites{near, make(chan struct{})}, testConfig)
		defer c.close()
		let := c.raw.(blockingWrites).let
		for range 3 {
			exchange(t, c, far, let, time.Millisecond)
		}
		done := make(chan error)
		go func() { done <- c.Write(context.Background(), []byte("x")) }()
		time.Sleep(2 * WriteBlocked)
		synctest.Wait()
		require.False(t, c.TryLockRead(), "nothing reads beside the write")
		go far.Write([]byte("* 2 EXISTS\r\n"))
		synctest.Wait()
		let <- struct{}{}
		require.NoError(t, <-done)
		require.NoError(t, c.LockRead(t.Context(), nil))
		text, err := c.ReadFrame(time.Time{}, false, nil)
		require.NoError(t, err)
		require.Equal(t, "* 2 EXISTS", string(text))
		c.UnlockRead()
	})
}

// TestTimerOfSlowCommands: if commands do not follow each other, no timer keeps running after a write.
func TestTimerOfSlowCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(blockingWrites{near, make(chan struct{})}, testConfig)
		defer c.close()
		let := c.raw.(blockingWrites).let
		for _, after := range []time.Duration{time.Millisecond, time.Millisecond, time.Second, time.Second} {
			exchange(t, c, far, let, after)
		}
		done := make(chan error)
		go func() { done <- c.Write(context.Background(), []byte("x")) }()
		let <- struct{}{}
		require.NoError(t, <-done)
		require.False(t, c.checking)
	})
}
