package imap

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
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
		c := newConn(blockingWrites{near, make(chan struct{})}, nil, testLimits)
		defer c.close()
		let := c.raw.(blockingWrites).let
		done := make(chan error)
		go func() { done <- c.write(context.Background(), []byte("x")) }()
		synctest.Wait()
		go c.readBeside() // what the timer of the write before it has begun
		synctest.Wait()
		let <- struct{}{} // before the timer of this write fires
		require.NoError(t, <-done)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, c.lockRead(ctx, nil), "the token is still held")
		c.unlockRead()
	})
}

// TestLateCutSparesTheNextWrite: a ctx ends in the last moment of a write. When its time of grace is over another write is
// under way, which is none of its business.
func TestLateCutSparesTheNextWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := newConn(blockingWrites{near, make(chan struct{})}, nil, testLimits)
		defer c.close()
		let := c.raw.(blockingWrites).let
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.write(ctx, []byte("x")) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		let <- struct{}{}
		require.NoError(t, <-done)
		go func() { done <- c.write(context.Background(), []byte("y")) }()
		time.Sleep(10 * cutGrace)
		let <- struct{}{}
		require.NoError(t, <-done)
	})
}

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

// TestInterruptInHandshake: the end of a ctx of before comes late, in the middle of the handshake, and does not end it.
func TestInterruptInHandshake(t *testing.T) {
	s := imaptest.Start(nil)
	defer s.Close()
	config, err := s.ServerTLS()
	require.NoError(t, err)
	near, far := imaptest.Pipe()
	defer far.Close()
	c := newConn(near, nil, testLimits)
	defer c.close()
	shaken := make(chan error, 1)
	go func() { shaken <- c.startTLS(t.Context(), s.ClientTLS()) }()
	hello := bufio.NewReader(far)
	_, err = hello.Peek(1)
	require.NoError(t, err)
	c.interrupt()
	server := tls.Server(readFirst{far, hello}, config)
	require.NoError(t, server.Handshake())
	require.NoError(t, <-shaken)
}

// readFirst is a connection of which some octets were read into a buffer.
type readFirst struct {
	net.Conn
	r *bufio.Reader
}

func (c readFirst) Read(b []byte) (int, error) { return c.r.Read(b) }

// TestInterruptBeforeTimeout: where ctx and Timeout end at the same moment it is ctx that ends the call, which leaves the
// connection.
func TestInterruptBeforeTimeout(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := newConn(near, nil, testLimits)
	defer c.close()
	c.heard = time.Now().Add(-time.Hour)
	c.interrupt()
	require.Equal(t, errInterrupted, c.expired(time.Time{}))
	require.ErrorIs(t, c.expired(time.Time{}), os.ErrDeadlineExceeded)
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

// stuckReads is a stream whose reads nothing ends before they are let go.
type stuckReads struct {
	io.Writer
	let chan struct{}
}

func (s stuckReads) Read([]byte) (int, error) {
	<-s.let
	return 0, io.EOF
}

// TestCloseBehindPump: who waits for a stream without deadlines is woken by the end of the connection, though the Read of
// the stream does not end with it.
func TestCloseBehindPump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, closed, done := stuckReads{let: make(chan struct{})}, make(chan struct{}), make(chan error, 1)
		p := newPump(s, closed)
		go func() {
			_, err := p.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		require.Empty(t, done)
		close(closed)
		require.ErrorIs(t, <-done, errClosed)
		close(s.let)
	})
}
