package interop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// issue makes a certificate, signed by another or, without one, self-signed.
func issue(t *testing.T, by *tls.Certificate, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "interop"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: by == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(tmpl)
	}
	parent, signer := tmpl, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// tlsServer serves imaptest under a TLS configuration: on one port with TLS from the start, on the other behind STARTTLS.
func tlsServer(t *testing.T, config *tls.Config) (implicitAddr, startTLSAddr string) {
	t.Helper()
	srv := imaptest.New(t, nil)
	implicitAddr = testkit.Listen(t, func(conn net.Conn) { srv.Serve(tls.Server(conn, config)) })
	startTLSAddr = testkit.Listen(t, func(conn net.Conn) {
		io.WriteString(conn, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
		tag := make([]byte, 64)
		n, err := conn.Read(tag)
		if err != nil {
			return
		}
		word, _, _ := bytes.Cut(tag[:n], []byte(" "))
		io.WriteString(conn, string(word)+" OK begin\r\n")
		under := tls.Server(conn, config)
		if under.Handshake() == nil {
			srv.Serve(noGreeting(under))
		}
	})
	return implicitAddr, startTLSAddr
}

// noGreeting is a connection that drops the first line that is written to it.
func noGreeting(conn net.Conn) io.ReadWriteCloser { return &headless{Conn: conn} }

type headless struct {
	net.Conn
	begun bool
}

func (c *headless) Write(b []byte) (int, error) {
	if c.begun {
		return c.Conn.Write(b)
	}
	c.begun = true
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	if _, err := c.Conn.Write(rest); err != nil {
		return 0, err
	}
	return len(b), nil
}

// trusting is a client's configuration that trusts ca.
func trusting(ca *tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// TestTLSRefused connects to servers with invalid TLS configurations: the error has the reason.
func TestTLSRefused(t *testing.T) {
	ca := issue(t, nil, nil)
	good := issue(t, ca, nil)
	for name, test := range map[string]struct {
		server, client func(*tls.Config)
		says           string
	}{
		"as it has to be": {nil, nil, ""},
		"wrong name":      {nil, func(c *tls.Config) { c.ServerName = "imap.example.org" }, "not imap.example.org"},
		"expired": {func(c *tls.Config) {
			c.Certificates = []tls.Certificate{*issue(t, ca, func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) })}
		}, nil, "expired"},
		"not yet": {func(c *tls.Config) {
			c.Certificates = []tls.Certificate{*issue(t, ca, func(x *x509.Certificate) { x.NotBefore = time.Now().Add(time.Minute * 30) })}
		}, nil, "not yet valid"},
		"unknown authority":        {nil, func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, "unknown authority"},
		"TLS 1.1 only":             {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, nil, "protocol version"},
		"client certificate asked": {func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, trusting(ca).RootCAs }, nil, "certificate required"},
		"client certificate given": {func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, trusting(ca).RootCAs },
			func(c *tls.Config) { c.Certificates = []tls.Certificate{*issue(t, ca, nil)} }, ""},
		"client certificate of somebody else": {func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, trusting(ca).RootCAs },
			func(c *tls.Config) { c.Certificates = []tls.Certificate{*issue(t, nil, nil)} }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{*good}}
			if test.server != nil {
				test.server(config)
			}
			client := trusting(ca)
			if test.client != nil {
				test.client(client)
			}
			implicitAddr, startTLSAddr := tlsServer(t, config)
			e := &env{T: t}
			c, err := imap.DialTLS(e.ctx(), implicitAddr, &imap.Options{TLSConfig: client})
			checkTLS(e, c, err, test.says)
			c, err = imap.DialStartTLS(e.ctx(), startTLSAddr, &imap.Options{TLSConfig: client})
			checkTLS(e, c, err, test.says)
		})
	}
}

// checkTLS expects a working connection, or an error with the reason. Under TLS 1.3 a client learns with the first answer
// that its certificate was refused.
func checkTLS(e *env, c *imap.Client, err error, says string) {
	e.Helper()
	if err == nil {
		defer c.Close()
		err = c.Login(e.ctx(), "user", "password")
	}
	if says == "" {
		require.NoError(e, err)
		return
	}
	require.ErrorContains(e, err, says)
	require.NotContains(e, err.Error(), "password")
}

// TestTLSRefusedByRealServers has the wrong name and the wrong authority on the real servers.
func TestTLSRefusedByRealServers(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := getTarget(t, name)
			for _, transport := range []string{implicit, startTLS} {
				e := newEnv(t, target, transport)
				_, err := e.connect(func(o *imap.Options) { o.TLSConfig.ServerName = "imap.example.org" })
				assert.ErrorContains(t, err, "not imap.example.org")
				assert.ErrorContains(t, err, "dial the name that the certificate is for")
				_, isName := errors.AsType[x509.HostnameError](err)
				assert.True(t, isName)
				_, err = e.connect(func(o *imap.Options) { o.TLSConfig.RootCAs = x509.NewCertPool() })
				assert.ErrorContains(t, err, "unknown authority")
				assert.ErrorContains(t, err, "set Options.TLSConfig with it in RootCAs")
				_, err = e.connect(func(o *imap.Options) {
					o.TLSConfig.Time = func() time.Time { return time.Now().AddDate(100, 0, 0) }
				})
				assert.ErrorContains(t, err, "the server needs a new certificate, or the clock of this machine is wrong")
			}
		})
	}
}

// TestStartTLSAttacked lets a proxy between client and server remove STARTTLS from the capabilities, and insert bytes after
// the OK. Neither a password nor anything else is sent unencrypted.
func TestStartTLSAttacked(t *testing.T) {
	strip := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(" STARTTLS"), nil) }
	inject := func(b []byte) []byte {
		if i := bytes.Index(b, []byte(" OK ")); i > 0 && b[0] != '*' {
			b = append(bytes.Clone(b), "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"...)
		}
		return b
	}
	preauth := func(b []byte) []byte { return bytes.Replace(b, []byte("* OK "), []byte("* PREAUTH "), 1) }
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, getTarget(t, name), plain)
			for what, test := range map[string]struct {
				rewrite func([]byte) []byte
				check   func(error)
			}{
				"stripped": {strip, func(err error) {
					require.ErrorIs(e, err, errors.ErrUnsupported)
					require.ErrorContains(e, err, "STARTTLS")
				}},
				"injected": {inject, func(err error) { require.ErrorContains(e, err, "STARTTLS") }},
				"PREAUTH":  {preauth, func(err error) { require.ErrorContains(e, err, "STARTTLS") }},
			} {
				p := newProxy(t, e.target.addr, fault{rewrite: test.rewrite})
				c, err := imap.DialStartTLS(e.ctx(), p.addr, &imap.Options{TLSConfig: e.target.clientTLS()})
				require.Error(e, err, what)
				require.Nil(e, c)
				t.Logf("%s: %v", what, err)
				test.check(err)
			}
		})
	}
}

// TestNoPasswordInTheClear dials a server by an address that does not look local to the client.
func TestNoPasswordInTheClear(t *testing.T) {
	var sent bytes.Buffer
	srv := imaptest.New(t, nil)
	conn := struct {
		io.Reader
		io.Writer
		io.Closer
	}{}
	near := srv.Dial()
	conn.Reader, conn.Writer, conn.Closer = near, io.MultiWriter(&sent, near), near
	e := &env{T: t}
	c, err := imap.NewClient(e.ctx(), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	require.ErrorIs(t, c.Login(e.ctx(), "user", "password"), imap.ErrInsecure)
	require.ErrorIs(t, c.LoginPlain(e.ctx(), "user", "password"), imap.ErrInsecure)
	require.False(t, strings.Contains(sent.String(), "password"))
}
