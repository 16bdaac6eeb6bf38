package testkit

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// EndlessReader is a message that never ends and never blocks.
type EndlessReader struct{}

func (EndlessReader) Read(b []byte) (int, error) { return len(b), nil }

// OneConn is a dialer that returns one connection.
type OneConn struct{ net.Conn }

func (d OneConn) DialContext(context.Context, string, string) (net.Conn, error) { return d.Conn, nil }

// SwitchingConn is the server's end of a script: it is compressed after the OK to COMPRESS.
type SwitchingConn struct {
	net.Conn
	in  io.Reader
	out *flate.Writer
}

func (c *SwitchingConn) Read(b []byte) (int, error) {
	if c.in != nil {
		return c.in.Read(b)
	}
	return c.Conn.Read(b)
}

func (c *SwitchingConn) Write(b []byte) (int, error) {
	if c.out != nil {
		n, err := c.out.Write(b)
		if err != nil {
			return n, err
		}
		return n, c.out.Flush()
	}
	n, err := c.Conn.Write(b)
	if err == nil && bytes.Contains(b, []byte(" OK DEFLATE active\r\n")) {
		c.in = flate.NewReader(c.Conn)
		c.out, err = flate.NewWriter(c.Conn, flate.DefaultCompression)
	}
	return n, err
}

// TCPPair returns the two ends of a connection over loopback.
func TCPPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// TLSConfigs are matching configurations of a client and a server.
var TLSConfigs = sync.OnceValues(func() (client, server *tls.Config) {
	s := imaptest.Start(nil)
	defer s.Close()
	server, err := s.ServerTLS()
	if err != nil {
		panic(err)
	}
	return s.ClientTLS(), server
})

// Listen serves connections on a free port until the test ends.
func Listen(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(time.Minute))
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}
