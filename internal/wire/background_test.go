package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// TestLiteralDuringWrite: a literal of which more than trustedSize is in the buffer, because it arrived while a write was
// blocked, ends where it announces.
func TestLiteralDuringWrite(t *testing.T) {
	for _, size := range []int{trustedSize + 9<<10, trustedSize + trustedSize/4, 2 * trustedSize} {
		there := size - 4<<10
		head := "* 1 FETCH (BODY[] {" + strconv.Itoa(size) + "}\r\n"
		want := bytes.Repeat([]byte("x"), size)
		stream := head + string(want) + ")\r\n* 2 EXISTS\r\n"
		config := testConfig
		config.Limits.MaxLiteral = int64(size)
		c := New(readOnly{bytes.NewReader([]byte(stream))}, config)
		for c.buffered() < there {
			require.NoError(t, c.fill(time.Time{}))
		}
		text, err := c.ReadFrame(time.Time{}, false, nil)
		require.NoError(t, err)
		require.Equal(t, head+")", string(text))
		require.Equal(t, want, c.TakeLiterals()[0].Data)
		text, err = c.ReadFrame(time.Time{}, false, nil)
		require.NoError(t, err)
		require.Equal(t, "* 2 EXISTS", string(text))
		c.close()
	}
}

type readOnly struct{ io.Reader }

func (readOnly) Write(b []byte) (int, error) { return len(b), nil }
func (readOnly) Close() error                { return nil }

// noDeadlines is a net.Conn without deadlines, like a channel of golang.org/x/crypto/ssh.
type noDeadlines struct{ net.Conn }

func (noDeadlines) SetReadDeadline(time.Time) error { return errors.New("deadline not supported") }

// TestStartTLSBehindPump: a pending Read on a net.Conn without deadlines gets the first bytes of the handshake, which must
// reach TLS nevertheless.
func TestStartTLSBehindPump(t *testing.T) {
	s := imaptest.Start(nil)
	defer s.Close()
	config, err := s.ServerTLS()
	require.NoError(t, err)
	client := s.ClientTLS()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(noDeadlines{near}, testConfig)
		defer c.close()
		require.Equal(t, ErrInterrupted, c.fill(time.Now().Add(time.Millisecond)))
		require.True(t, c.stream.(*pump).pending)
		go func() { _ = tls.Server(far, config).HandshakeContext(t.Context()) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, c.StartTLS(ctx, client))
	})
}
