package interop_test

import (
	"crypto/tls"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saslMechanisms are those of ours that each server has to offer under TLS. DIGEST-MD5, SCRAM-SHA-512 and Courier's
// CRAM-SHA1 and CRAM-SHA256 are not ours.
var saslMechanisms = map[string][]string{
	"dovecot": {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "ANONYMOUS"},
	"cyrus": {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
		"EXTERNAL", "ANONYMOUS"},
	"courier": {"PLAIN", "CRAM-MD5"},
	"mox":     {"PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"},
}

// passwordMechanisms log in with a user and a password. Those with PLUS are taken by their plain names, where the server
// offers them.
var passwordMechanisms = map[string]func(user, password string) imap.Mechanism{
	"PLAIN":              func(user, password string) imap.Mechanism { return imap.Plain("", user, password) },
	"LOGIN":              imap.LoginMechanism,
	"CRAM-MD5":           imap.CRAMMD5,
	"SCRAM-SHA-1":        imap.SCRAMSHA1,
	"SCRAM-SHA-256":      imap.SCRAMSHA256,
	"SCRAM-SHA-1-PLUS":   imap.SCRAMSHA1,
	"SCRAM-SHA-256-PLUS": imap.SCRAMSHA256,
}

// TestSASL logs in by every mechanism with right credentials, among them a password with a quote, a backslash, a space and
// an umlaut, and is refused with wrong ones.
func TestSASL(t *testing.T) {
	for _, name := range realserver.Names() {
		t.Run(name, func(t *testing.T) {
			s := realserver.Get(t, name)
			for _, mechanism := range saslMechanisms[name] {
				t.Run(mechanism, func(t *testing.T) {
					t.Parallel() // servers answer a wrong password late
					testMechanism(t, s, mechanism)
				})
			}
			t.Run("AuthenticatePassword", func(t *testing.T) {
				t.Parallel()
				user, password := s.SpecialUser()
				assert.NoError(t, dialForSASL(t, s, "").AuthenticatePassword(t.Context(), user, password))
				refused(t, dialForSASL(t, s, "").AuthenticatePassword(t.Context(), user, password+"x"))
			})
			t.Run("Login", func(t *testing.T) {
				t.Parallel()
				user, password := s.SpecialUser()
				assert.NoError(t, dialForSASL(t, s, "").Login(t.Context(), user, password))
				refused(t, dialForSASL(t, s, "").Login(t.Context(), user, password+"x"))
			})
		})
	}
}

func testMechanism(t *testing.T, s *realserver.Server, mechanism string) {
	user, password := s.User(0)
	ctx := t.Context()
	switch mechanism {
	case "XOAUTH2", "OAUTHBEARER":
		with := imap.OAuthBearer
		if mechanism == "XOAUTH2" {
			with = imap.XOAuth2
		}
		requireIn(t, dialForSASL(t, s, ""), with(user, s.Token(user)))
		refused(t, dialForSASL(t, s, "").Authenticate(ctx, with(user, s.BadToken(user))))
	case "EXTERNAL":
		requireIn(t, dialForSASL(t, s, user), imap.External(user))
		other, _ := s.User(1)
		refused(t, dialForSASL(t, s, user).Authenticate(ctx, imap.External(other)))
	case "ANONYMOUS":
		c := dialForSASL(t, s, "")
		require.NoError(t, c.Authenticate(ctx, imap.Anonymous("trace")))
		assert.Equal(t, imap.Authenticated, c.State()) // the next command ends Cyrus 3.6.1 by an assertion of its own
	default:
		with := passwordMechanisms[mechanism]
		c := dialForSASL(t, s, "")
		require.True(t, c.Caps().Has("AUTH="+mechanism), "not offered")
		requireIn(t, c, with(user, password))
		special, its := s.SpecialUser()
		requireIn(t, dialForSASL(t, s, ""), with(special, its))
		refused(t, dialForSASL(t, s, "").Authenticate(ctx, with(user, password+"x")))
		refused(t, dialForSASL(t, s, "").Authenticate(ctx, with("nobody-"+user, password)))
	}
}

// dialForSASL connects under TLS, with the certificate of a user where one is named.
func dialForSASL(t *testing.T, s *realserver.Server, certificateOf string) *imap.Client {
	t.Helper()
	conf := s.ClientTLS()
	if certificateOf != "" {
		certificate, err := s.ClientCertificate(certificateOf)
		require.NoError(t, err)
		conf.Certificates = []tls.Certificate{certificate}
	}
	c, err := imap.DialTLS(t.Context(), s.TLSAddr, &imap.Options{TLSConfig: conf})
	require.NoError(t, err, s.Log())
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

// refused checks that a login failed by the word of the server, and leaves the client in its state.
func refused(t *testing.T, err error) {
	t.Helper()
	var e *imap.Error
	require.ErrorAs(t, err, &e)
	assert.Contains(t, []string{"NO", "BAD"}, e.Status)
}
