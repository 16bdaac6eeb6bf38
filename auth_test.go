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

// TestOptionsID sends ID by itself behind each login, and takes a refusal.
func TestOptionsID(t *testing.T) {
	opts := &imap.Options{AllowInsecureAuth: true, ID: map[string]string{"name": "test", "version": "1"}}
	c := testkit.FollowWith(t, opts, `
S: * OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] hello
C: $ LOGIN user "password"
S: $ OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE] done
C: $ ID ("name" "test" "version" "1")
S: * ID ("name" "server")
S: $ OK done
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR UNAUTHENTICATE
S: $ OK done
C: $ AUTHENTICATE PLAIN AHVzZXIAcGFzc3dvcmQ=
S: * CAPABILITY IMAP4rev1 ID UNAUTHENTICATE
S: $ OK done
C: $ ID ("name" "test" "version" "1")
S: $ NO we do not care
C: $ UNAUTHENTICATE
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ LOGIN user "password"
S: $ OK done
C: $ CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $ OK done
C: $ NOOP
S: $ OK done
`)
	opts.ID["name"] = "changed" // it was copied
	ctx := testkit.Context(t)
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.LoginPlain(ctx, "user", "password"))
	require.NoError(t, c.Unauthenticate(ctx))
	require.NoError(t, c.Login(ctx, "user", "password"))
	require.NoError(t, c.Noop(ctx))
}

// TestAuthenticateToken asks for a token at each login and tells why one is refused.
func TestAuthenticateToken(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{AllowInsecureAuth: true}, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] hello
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMQEB
S: + eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==
C+: \r\n
S: $ NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)
C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4tMgEB
S: $ OK [CAPABILITY IMAP4rev1] done
C: $ NOOP
S: $ OK done
`)
	ctx := testkit.Context(t)
	asked := 0
	source := func(context.Context) (string, error) {
		asked++
		return fmt.Sprintf("token-%d", asked), nil
	}
	broken := errors.New("no refresh token")
	err := c.AuthenticateToken(ctx, "ada", func(context.Context) (string, error) { return "", broken })
	require.ErrorIs(t, err, broken)
	assert.True(t, imap.SafeToRetry(err))
	require.Error(t, c.AuthenticateToken(ctx, "ada", nil))
	err = c.AuthenticateToken(ctx, "ada", source)
	why, ok := errors.AsType[*imap.OAuthError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.OAuthError{Mechanism: "XOAUTH2", Status: "401", Schemes: "bearer", Scope: "https://mail.google.com/"}, why)
	assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
	assert.False(t, imap.IsTransient(err))
	require.NoError(t, c.AuthenticateToken(ctx, "ada", source))
	require.NoError(t, c.Noop(ctx))
	assert.Equal(t, 2, asked)

	c = testkit.FollowText(t, `
S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER] hello
`)
	require.ErrorIs(t, c.AuthenticateToken(ctx, "ada", source), imap.ErrInsecure)
	assert.Equal(t, 2, asked, "nothing is asked for what cannot be sent")
}
