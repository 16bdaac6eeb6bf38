package wire

import (
	"bufio"
	"crypto/tls"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// TestInterruptInHandshake: the end of an earlier ctx is handled late, in the middle of the handshake, and does not
// interrupt it.
func TestInterruptInHandshake(t *testing.T) {
	s := imaptest.Start(nil)
	defer s.Close()
	config, err := s.ServerTLS()
	require.NoError(t, err)
	near, far := imaptest.Pipe()
	defer far.Close()
	c := New(near, testConfig)
	defer c.close()
	shaken := make(chan error, 1)
	go func() { shaken <- c.StartTLS(t.Context(), s.ClientTLS()) }()
	hello := bufio.NewReader(far)
	_, err = hello.Peek(1)
	require.NoError(t, err)
	c.Interrupt()
	server := tls.Server(readFirst{far, hello}, config)
	require.NoError(t, server.Handshake())
	require.NoError(t, <-shaken)
}

// readFirst is a connection of which some bytes have been read into a buffer.
type readFirst struct {
	net.Conn
	r *bufio.Reader
}

func (c readFirst) Read(b []byte) (int, error) { return c.r.Read(b) }

// TestInterruptBeforeTimeout: if ctx and Timeout end at the same moment, the call ends with ctx, and the connection stays
// open.
func TestInterruptBeforeTimeout(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := New(near, testConfig)
	defer c.close()
	c.heard = time.Now().Add(-time.Hour)
	c.Interrupt()
	require.Equal(t, ErrInterrupted, c.expired(time.Time{}))
	require.ErrorIs(t, c.expired(time.Time{}), os.ErrDeadlineExceeded)
}

// TestLookBeforeTimeout: bytes that arrived while nothing was read are found, however long the Reads before have waited.
func TestLookBeforeTimeout(t *testing.T) {
	near, far := imaptest.Pipe()
	defer far.Close()
	c := New(near, testConfig)
	defer c.close()
	c.silent = time.Hour
	_, err := far.Write([]byte("* 1 EXISTS\r\n"))
	require.NoError(t, err)
	text, err := c.ReadFrame(time.Time{}, false, nil)
	require.NoError(t, err)
	require.Equal(t, "* 1 EXISTS", string(text))
}
