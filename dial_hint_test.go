package imap_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveGreeting listens and says something to each connection, then reads until it is closed.
func serveGreeting(t *testing.T, greeting string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, greeting)
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}

// TestWrongPort: the error names the protocol that is there, and what to do.
func TestWrongPort(t *testing.T) {
	ctx := testkit.Context(t)
	for service, greeting := range map[string]string{
		"SMTP": "220 mail.example.org ESMTP\r\n", "POP3": "+OK ready\r\n", "HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH": "SSH-2.0-OpenSSH_9.2\r\n",
	} {
		addr := serveGreeting(t, greeting)
		for name, dial := range map[string]func() (*imap.Client, error){
			"DialTLS":      func() (*imap.Client, error) { return imap.DialTLS(ctx, addr, nil) },
			"DialStartTLS": func() (*imap.Client, error) { return imap.DialStartTLS(ctx, addr, nil) },
			"DialInsecure": func() (*imap.Client, error) { return imap.DialInsecure(ctx, addr, nil) },
		} {
			_, err := dial()
			wrong, ok := errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%s %s: %v", service, name, err)
			assert.Equal(t, service, wrong.Service, name)
			assert.ErrorContains(t, err, "imap: connecting: the server speaks "+service+" on this port: IMAP has 993 (DialTLS) and 143 (DialStartTLS)")
			assert.False(t, imap.IsTransient(err))
			assert.True(t, imap.SafeToRetry(err))
		}
	}
}

// TestTLSMixedUp: TLS where there is none, and none where there is TLS, on the in-memory server and on real ones.
func TestTLSMixedUp(t *testing.T) {
	ctx := testkit.Context(t)
	srv := imaptest.New(t, nil)
	plain, err := srv.Listen()
	require.NoError(t, err)
	secure, err := srv.ListenTLS()
	require.NoError(t, err)
	_, err = imap.DialTLS(ctx, plain, nil)
	require.ErrorContains(t, err, "the server speaks IMAP without TLS on this port: use DialStartTLS, or the port for TLS (993)")
	start := time.Now()
	_, err = imap.DialInsecure(ctx, secure, nil)
	require.ErrorContains(t, err, "the server speaks TLS on this port: use DialTLS")
	_, err = imap.DialStartTLS(ctx, secure, nil)
	require.ErrorContains(t, err, "the server speaks TLS on this port: use DialTLS")
	assert.Less(t, time.Since(start), time.Minute, "not the two minutes of Options.Timeout")
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			_, err := imap.DialTLS(testkit.Context(t), realserver.Get(t, name).Addr, nil)
			wrong, ok := errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "IMAP", wrong.Service)
			_, err = imap.DialInsecure(testkit.Context(t), realserver.Get(t, name).TLSAddr, nil)
			wrong, ok = errors.AsType[*imap.ServiceError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "TLS", wrong.Service)
		})
	}
}

// TestSilentServer: where nothing comes at all, the error says what may be there.
func TestSilentServer(t *testing.T) {
	_, err := imap.DialInsecure(testkit.Context(t), serveGreeting(t, ""), &imap.Options{Timeout: 100 * time.Millisecond})
	require.ErrorContains(t, err, "the server sent no greeting: there may be another protocol on this port, or TLS")
	assert.True(t, imap.IsTransient(err), "it may be slow")
	_, err = imap.DialTLS(testkit.Context(t), serveGreeting(t, ""), &imap.Options{Timeout: 100 * time.Millisecond})
	require.ErrorContains(t, err, "there may be no TLS on this port")
}

// certificate makes a certificate for a name.
func certificate(t *testing.T, name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Unix(0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestCertificateHints: a certificate that is not accepted says what to do.
func TestCertificateHints(t *testing.T) {
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for name, tt := range map[string]struct {
		host  string
		until time.Time
		trust bool
		hint  string
	}{
		"self-signed": {"localhost", later, false, "to accept a certificate of your own set Options.TLSConfig with it in RootCAs"},
		"expired":     {"localhost", before, true, "the server needs a new certificate, or the clock of this machine is wrong"},
		"wrong name":  {"mail.example.org", later, true, "dial the name that the certificate is for, or set Options.TLSConfig with this ServerName"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := certificate(t, tt.host, tt.until)
			l, err := tls.Listen("tcp", "localhost:0", &tls.Config{Certificates: []tls.Certificate{cert}})
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for c, err := l.Accept(); err == nil; c, err = l.Accept() {
					c.(*tls.Conn).Handshake()
					c.Close()
				}
			}()
			config := &tls.Config{}
			if tt.trust {
				config.RootCAs = pool
			}
			_, port, err := net.SplitHostPort(l.Addr().String())
			require.NoError(t, err)
			_, err = imap.DialTLS(testkit.Context(t), net.JoinHostPort("localhost", port), &imap.Options{TLSConfig: config})
			require.ErrorContains(t, err, tt.hint)
			assert.False(t, imap.IsTransient(err), "%v", err)
			var verification *tls.CertificateVerificationError
			require.ErrorAs(t, err, &verification)
		})
	}
}

// TestNextStep: common mistakes, and what the error says to do about them.
func TestNextStep(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		ctx := testkit.Context(t)
		_, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchFlags))
		require.ErrorContains(t, err, "not possible in the authenticated state: select a mailbox first")
		require.ErrorContains(t, c.Login(ctx, "a", "b"), "this connection is logged in already")
		deliver(t, c, small)
		_, err = c.FetchOne(ctx, 4711, imap.FetchFlags)
		require.EqualError(t, err, "imap: UID FETCH: no message with this UID in the selected mailbox")
		_, err = c.Select(ctx, "", nil)
		require.ErrorContains(t, err, "an empty mailbox name")
	})
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name+" before login", func(t *testing.T) {
			s := realserver.Get(t, name)
			user, _, err := s.NewUser()
			require.NoError(t, err)
			c, err := imap.DialInsecure(testkit.Context(t), s.Addr, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Select(testkit.Context(t), "INBOX", nil)
			require.ErrorContains(t, err, "not possible in the not authenticated state: log in first")
			err = c.Login(testkit.Context(t), user, "wrong")
			require.Error(t, err)
			assert.False(t, imap.IsTransient(err), "%v", err)
			assert.True(t, strings.HasPrefix(err.Error(), "imap: LOGIN: NO"), "%v", err)
		})
	}
}
