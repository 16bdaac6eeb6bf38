package interop_test

import (
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// passwordMechanisms log in with a user and a password. Those with PLUS are used by their plain names, if the server offers
// them.
var passwordMechanisms = map[string]func(user, password string) imap.Mechanism{
	"PLAIN":              func(user, password string) imap.Mechanism { return imap.Plain("", user, password) },
	"LOGIN":              imap.LoginMechanism,
	"CRAM-MD5":           imap.CRAMMD5,
	"CRAM-SHA1":          imap.CRAMSHA1,
	"CRAM-SHA256":        imap.CRAMSHA256,
	"DIGEST-MD5":         imap.DigestMD5,
	"SCRAM-SHA-1":        imap.SCRAMSHA1,
	"SCRAM-SHA-256":      imap.SCRAMSHA256,
	"SCRAM-SHA-512":      imap.SCRAMSHA512,
	"SCRAM-SHA-1-PLUS":   imap.SCRAMSHA1,
	"SCRAM-SHA-256-PLUS": imap.SCRAMSHA256,
	"SCRAM-SHA-512-PLUS": imap.SCRAMSHA512,
}

// otherMechanisms log in without a password.
var otherMechanisms = map[string]func(t *testing.T, s *realserver.Server, dial saslDialer){
	"XOAUTH2":     func(t *testing.T, s *realserver.Server, dial saslDialer) { testToken(t, s, dial, imap.XOAuth2) },
	"OAUTHBEARER": func(t *testing.T, s *realserver.Server, dial saslDialer) { testToken(t, s, dial, imap.OAuthBearer) },
	"EXTERNAL":    testExternal,
	"ANONYMOUS":   testAnonymous,
}

// notTried are the mechanisms without a test, with the reason. The servers have them, or plugins for them, but do not offer
// them in these configurations.
var notTried = map[string]string{
	"GSSAPI":     "needs a Kerberos realm, and a mechanism of the caller's",
	"GSS-SPNEGO": "needs a Kerberos realm or a Windows domain, and a mechanism of the caller's",
	"NTLM":       "needs a Windows domain; it rests on DES and MD4 and no RFC describes it, so that it is none of ours",
	"OTP":        "needs lists of passwords for one use each, and a mechanism of the caller's",
	"SRP":        "needs verifiers in the place of passwords, and a mechanism of the caller's",
}

// untried returns the mechanisms that are neither tried nor in the table of exceptions.
func untried(mechanisms []string) (names []string) {
	for _, name := range mechanisms {
		_, password := passwordMechanisms[name]
		_, other := otherMechanisms[name]
		if _, exempt := notTried[name]; !password && !other && !exempt {
			names = append(names, name)
		}
	}
	return names
}

// A mechanism that is new to the tests must be noticed.
func TestSASLTables(t *testing.T) {
	assert.Equal(t, []string{"SCRAM-SHA-384", "APOP"}, untried([]string{"PLAIN", "SCRAM-SHA-384", "GSSAPI", "EXTERNAL", "APOP"}))
	for name := range notTried {
		assert.NotContains(t, passwordMechanisms, name)
		assert.NotContains(t, otherMechanisms, name)
	}
}

// saslKinds are the kinds of connection. PLUS binds under TLS 1.2, because Cyrus cannot bind under TLS 1.3.
var saslKinds = []string{"plain", "STARTTLS", "TLS 1.2", "TLS", "certificate"}

// triedOn reports on which kind of connection an offered mechanism is tried, so that each is tried with TLS and, if the
// server offers it there, without.
func triedOn(kind, mechanism string) bool {
	switch {
	case mechanism == "EXTERNAL":
		return true
	case strings.HasSuffix(mechanism, "-PLUS"):
		return kind == "TLS 1.2"
	}
	return kind == "plain" || kind == "TLS"
}

// TestSASL logs in with every mechanism that a server offers with right credentials, among them a password with a quote, a
// backslash, a space and an umlaut, and is refused with wrong ones.
func TestSASL(t *testing.T) {
	for _, name := range realserver.Names() {
		t.Run(name, func(t *testing.T) {
			s := realserver.Get(t, name)
			var all []string
			for _, kind := range saslKinds {
				dial := dialerFor(s, kind)
				offered := dial.offered(t)
				assert.Empty(t, untried(offered), "offered by %s (%s), not tried, and without a reason", name, kind)
				all = append(all, offered...)
				t.Run(kind, func(t *testing.T) { testOffered(t, s, dial, offered) })
			}
			assert.Subset(t, all, s.Mechanisms, "configured and not offered")
		})
	}
}

func testOffered(t *testing.T, s *realserver.Server, dial saslDialer, offered []string) {
	for _, mechanism := range offered {
		if !triedOn(dial.kind, mechanism) {
			continue
		}
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel() // servers answer a wrong password late
			dial := dial // each has its own last connection
			if with, ok := passwordMechanisms[mechanism]; ok {
				testPassword(t, s, dial, mechanism, with)
			} else if test, ok := otherMechanisms[mechanism]; ok {
				test(t, s, dial)
			}
		})
	}
	if !triedOn(dial.kind, "the command LOGIN") {
		return
	}
	t.Run("Login", func(t *testing.T) {
		t.Parallel()
		dial := dial
		user, password := s.SpecialUser()
		assert.NoError(t, dial.dial(t).Login(t.Context(), user, password))
		assert.NoError(t, dial.dial(t).AuthenticatePassword(t.Context(), user, password))
		allRefused(t, dial, func(c *imap.Client) error { return c.Login(t.Context(), user, password+"x") },
			func(c *imap.Client) error { return c.AuthenticatePassword(t.Context(), user, password+"x") })
	})
}

// testPassword also checks that the last exchange used the intended mechanism, and not a weaker form of it.
func testPassword(t *testing.T, s *realserver.Server, dial saslDialer, mechanism string, with func(user, password string) imap.Mechanism) {
	user, password := s.User(0)
	special, its := s.SpecialUser()
	for _, credentials := range [][2]string{{user, password}, {special, its}} {
		c := dial.dial(t)
		requireIn(t, c, with(credentials[0], credentials[1]))
		exchanges := strings.Split(dial.log.String(), "AUTHENTICATE ")
		assert.Equal(t, mechanism, strings.Fields(exchanges[len(exchanges)-1])[0])
	}
	allRefused(t, dial, func(c *imap.Client) error { return c.Authenticate(t.Context(), with(user, password+"x")) },
		func(c *imap.Client) error { return c.Authenticate(t.Context(), with(special, its+"x")) },
		func(c *imap.Client) error { return c.Authenticate(t.Context(), with("nobody-"+user, password)) })
}

func testToken(t *testing.T, s *realserver.Server, dial saslDialer, with func(user, token string) imap.Mechanism) {
	user, _ := s.User(0)
	requireIn(t, dial.dial(t), with(user, s.Token(user)))
	refused(t, dial.dial(t).Authenticate(t.Context(), with(user, s.BadToken(user))))
}

// Dovecot offers EXTERNAL on every connection and accepts it with a certificate.
func testExternal(t *testing.T, s *realserver.Server, dial saslDialer) {
	user, _ := s.User(0)
	other, _ := s.User(1)
	if dial.kind == "certificate" {
		requireIn(t, dial.dial(t), imap.External(user))
		requireIn(t, dial.dial(t), imap.External(""))
	} else {
		refused(t, dial.dial(t).Authenticate(t.Context(), imap.External(user)))
	}
	refused(t, dial.dial(t).Authenticate(t.Context(), imap.External(other)))
}

func testAnonymous(t *testing.T, _ *realserver.Server, dial saslDialer) {
	c := dial.dial(t)
	require.NoError(t, c.Authenticate(t.Context(), imap.Anonymous("trace")))
	assert.Equal(t, imap.Authenticated, c.State()) // the next command ends Cyrus 3.6.1 by an assertion of its own
}

// saslDialer makes connections of a kind.
type saslDialer struct {
	kind   string
	server *realserver.Server
	log    *lastLines // of the last connection
}

func dialerFor(s *realserver.Server, kind string) saslDialer {
	return saslDialer{kind: kind, server: s}
}

// offered returns the mechanisms that the server offers on a connection of the kind.
func (d *saslDialer) offered(t *testing.T) (names []string) {
	for name := range d.dial(t).Caps().All() {
		if mechanism, ok := strings.CutPrefix(name, "AUTH="); ok {
			names = append(names, mechanism)
		}
	}
	return names
}

func (d *saslDialer) dial(t *testing.T) *imap.Client {
	t.Helper()
	d.log = &lastLines{}
	conf := d.server.ClientTLS()
	opts := &imap.Options{TLSConfig: conf, Logger: slog.New(d.log)}
	with, addr := imap.DialTLS, d.server.TLSAddr
	switch d.kind {
	case "plain":
		with, addr = imap.DialInsecure, d.server.Addr
	case "STARTTLS":
		with, addr = imap.DialStartTLS, d.server.Addr
	case "TLS 1.2":
		conf.MaxVersion = tls.VersionTLS12
	case "certificate":
		user, _ := d.server.User(0)
		certificate, err := d.server.ClientCertificate(user)
		require.NoError(t, err)
		conf.Certificates = []tls.Certificate{certificate}
	}
	c, err := with(t.Context(), addr, opts)
	require.NoError(t, err, d.server.Log())
	t.Cleanup(func() { c.Close() })
	_, err = c.Capability(t.Context())
	require.NoError(t, err)
	return c
}

// requireIn logs in and uses the connection.
func requireIn(t *testing.T, c *imap.Client, m imap.Mechanism) {
	t.Helper()
	require.NoError(t, c.Authenticate(t.Context(), m))
	assert.Equal(t, imap.Authenticated, c.State())
	assert.NoError(t, c.Noop(t.Context()))
}

// allRefused checks that logins fail, all at the same time: Courier answers each after five seconds.
func allRefused(t *testing.T, dial saslDialer, logins ...func(c *imap.Client) error) {
	t.Helper()
	errs := make(chan error, len(logins))
	for _, login := range logins {
		c := dial.dial(t)
		go func() { errs <- login(c) }()
	}
	for range logins {
		refused(t, <-errs)
	}
}

// refused checks that a login was refused by the server, and leaves the client in its state.
func refused(t *testing.T, err error) {
	t.Helper()
	var e *imap.Error
	require.ErrorAs(t, err, &e)
	assert.Contains(t, []string{"NO", "BAD"}, e.Status)
}
