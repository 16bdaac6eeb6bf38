package wire

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// blockingWrites is a connection whose writes wait until they are let go; nothing is ever read from it.
type blockingWrites struct {
	net.Conn
	let chan struct{}
}

func (c blockingWrites) Write(b []byte) (int, error) {
	<-c.let
	return len(b), nil
}

// TestReadBesideBeginsLate: the timer of one write fires, and by the time it reads the next write is under way. It has to
// let go of the token when that one ends, or the answer would be waited for by who cannot give it away.
func TestReadBesideBeginsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(blockingWrites{near, make(chan struct{})}, testConfig)
		defer c.close()
		let := c.raw.(blockingWrites).let
		done := make(chan error)
		go func() { done <- c.Write(context.Background(), []byte("x")) }()
		synctest.Wait()
		go c.readBeside() // what the timer of the write before it has begun
		synctest.Wait()
		let <- struct{}{} // before the timer of this write fires
		require.NoError(t, <-done)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, c.LockRead(ctx, nil), "the token is still held")
		c.UnlockRead()
	})
}

// TestLateCutSparesTheNextWrite: a ctx ends in the last moment of a write. When its time of grace is over another write is
// under way, which is none of its business.
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
