package imap_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ntlmLike is a mechanism as NTLM is one: two messages of the client, the second bound to the connection, and nothing that
// proves the server before its OK.
type ntlmLike struct {
	ch       imap.Channel
	bound    bool
	binding  []byte
	finished bool
	refuse   error // what Finish says
}

func (m *ntlmLike) Bind(ch imap.Channel) { m.ch, m.bound = ch, true }

func (m *ntlmLike) Start() (string, []byte, error) {
	if !m.bound {
		return "", nil, errors.New("Start before Bind")
	}
	return "NTLM", []byte("NEGOTIATE"), nil
}

func (m *ntlmLike) Next(challenge []byte) ([]byte, error) {
	binding, err := m.ch.Binding("tls-server-end-point")
	if err != nil && m.ch.TLS != nil {
		return nil, err
	}
	m.binding = binding
	return fmt.Appendf(nil, "AUTHENTICATE %s %x", challenge, binding), nil
}

func (m *ntlmLike) Finish([]byte) error { m.finished = true; return m.refuse }

var (
	_ imap.BoundMechanism = (*ntlmLike)(nil)
	_ imap.FinalMechanism = (*ntlmLike)(nil)
)

// serveNTLM plays the server of ntlmLike on a connection and returns the answer that it received.
func serveNTLM(conn net.Conn) string {
	fmt.Fprintf(conn, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=NTLM] hi\r\n")
	lines := bufio.NewScanner(conn)
	lines.Scan()
	tag, _, _ := strings.Cut(lines.Text(), " ")
	fmt.Fprintf(conn, "+ %s\r\n", base64.StdEncoding.EncodeToString([]byte("nonce")))
	lines.Scan()
	answer, _ := base64.StdEncoding.DecodeString(lines.Text())
	fmt.Fprintf(conn, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
	return string(answer)
}

// TestMechanismIsBound: a mechanism of the caller's gets the host and the channel binding of the connection, and has the last
// word.
func TestMechanismIsBound(t *testing.T) {
	srv := imaptest.New(t, nil) // for its certificate
	addr, err := srv.ListenTLS()
	require.NoError(t, err)
	probe, err := tls.Dial("tcp", addr, srv.ClientTLS())
	require.NoError(t, err)
	certificate := probe.ConnectionState().PeerCertificates[0]
	probe.Close()
	sum := sha256.Sum256(certificate.Raw)

	t.Run("TLS", func(t *testing.T) {
		m := &ntlmLike{}
		c, err := imap.DialTLS(testkit.Context(t), addr, &imap.Options{TLSConfig: srv.ClientTLS()})
		require.NoError(t, err)
		defer c.Close()
		// The server has no NTLM: what it is bound to is known all the same.
		require.ErrorIs(t, c.Authenticate(testkit.Context(t), m), errors.ErrUnsupported)
		got, err := m.ch.Binding("tls-server-end-point")
		require.NoError(t, err)
		assert.Equal(t, sum[:], got)
		exported, err := m.ch.Binding("tls-exporter")
		require.NoError(t, err)
		assert.Len(t, exported, 32)
		_, err = m.ch.Binding("tls-unique")
		require.ErrorIs(t, err, errors.ErrUnsupported, "TLS 1.3 has none")
		assert.NotEmpty(t, m.ch.Host)
		assert.True(t, m.ch.Caps.Has("IDLE"))
	})
	for name, refuse := range map[string]error{"in the clear": nil, "the last word": errLastWord} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			answer := make(chan string, 1)
			go func() { answer <- serveNTLM(far) }()
			c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{AllowInsecureAuth: true})
			require.NoError(t, err)
			defer c.Close()
			m := &ntlmLike{refuse: refuse}
			err = c.Authenticate(testkit.Context(t), m)
			assert.Equal(t, "AUTHENTICATE nonce ", <-answer)
			assert.True(t, m.finished)
			assert.Nil(t, m.ch.TLS)
			_, missing := m.ch.Binding("tls-exporter")
			require.ErrorIs(t, missing, errors.ErrUnsupported)
			if refuse == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errLastWord)
			require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
		})
	}
}

var errLastWord = errors.New("not the server that was meant")

// TestFinishOnlyBehindOK: a mechanism of the caller's is asked for its last word behind the OK and not when the exchange is
// given up, when it has not seen yet what it judges. What was given up is not trusted.
func TestFinishOnlyBehindOK(t *testing.T) {
	near, far := imaptest.Pipe()
	defer far.Close()
	ctx, cancel := context.WithCancel(testkit.Context(t))
	gone := make(chan struct{})
	go func() {
		fmt.Fprintf(far, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=NTLM] hi\r\n")
		lines := bufio.NewScanner(far)
		lines.Scan()
		tag, _, _ := strings.Cut(lines.Text(), " ")
		fmt.Fprintf(far, "+ bm9uY2U=\r\n")
		lines.Scan()
		cancel()
		<-gone
		fmt.Fprintf(far, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
	}()
	c, err := imap.NewClient(ctx, near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	defer c.Close()
	m := &ntlmLike{}
	require.ErrorIs(t, c.Authenticate(ctx, m), context.Canceled)
	assert.False(t, m.finished)
	close(gone)
	require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	require.False(t, m.finished)
}
