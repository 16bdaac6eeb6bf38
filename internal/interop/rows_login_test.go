//lint:file-ignore SA1019 every method of the client is run, the deprecated ones too

package interop_test

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// loginWith is the row of a way to log in with a password, which is tried with a wrong one too. mechanism is the SASL
// mechanism that has to be offered.
func loginWith(r row, mechanism string, call func(e *env, c *imap.Client, password string) error) row {
	r.run = func(e *env) cell {
		c := e.dial()
		if e.transport == stream {
			return e.refusesState(func() error { return call(e, c, e.password) })
		}
		_, err := c.Capability(e.ctx())
		require.NoError(e, err)
		if mechanism != "" && !c.Caps().Has("AUTH="+mechanism) {
			return e.unsupported(func() error { return call(e, c, e.password) })
		}
		require.NoError(e, call(e, c, e.password))
		require.Equal(e, imap.Authenticated, c.State())
		require.NoError(e, c.Noop(e.ctx()))
		if e.target.name == "courier" && r.method != "Login" {
			return works // it delays the refusal of a wrong password by five seconds
		}
		var refusal *imap.Error
		err = call(e, e.dial(), "not-"+e.password)
		require.ErrorAs(e, err, &refusal)
		require.NotContains(e, err.Error(), e.password)
		return works
	}
	return r
}

// mechanism is loginWith for a mechanism of this library.
func mechanism(function, name string, make func(user, password string) imap.Mechanism) row {
	return loginWith(row{method: function, what: name}, name, func(e *env, c *imap.Client, password string) error {
		return c.Authenticate(e.ctx(), make(e.user, password))
	})
}

// token is the row of a mechanism that takes a bearer token.
func token(name string, make func(user, token string) imap.Mechanism) row {
	return row{method: "Authenticate", what: name, run: func(e *env) cell {
		c := e.dial()
		if e.transport == stream {
			return e.refusesState(func() error { return c.Authenticate(e.ctx(), make(e.user, "t")) })
		}
		_, err := c.Capability(e.ctx())
		require.NoError(e, err)
		if !c.Caps().Has("AUTH=" + name) {
			return e.unsupported(func() error { return c.Authenticate(e.ctx(), make(e.user, "t")) })
		}
		bad := e.target.real.BadToken(e.user)
		err = e.dial().Authenticate(e.ctx(), make(e.user, bad))
		require.Error(e, err)
		require.NotContains(e, err.Error(), bad)
		require.NoError(e, c.Authenticate(e.ctx(), make(e.user, e.target.real.Token(e.user))))
		return works
	}}
}

var loginRows = []row{
	loginWith(row{method: "Login"}, "", func(e *env, c *imap.Client, password string) error {
		return c.Login(e.ctx(), e.user, password)
	}),
	loginWith(row{method: "LoginPlain"}, "PLAIN", func(e *env, c *imap.Client, password string) error {
		return c.LoginPlain(e.ctx(), e.user, password)
	}),
	loginWith(row{method: "LoginCRAMMD5"}, "CRAM-MD5", func(e *env, c *imap.Client, password string) error {
		return c.LoginCRAMMD5(e.ctx(), e.user, password)
	}),
	loginWith(row{method: "AuthenticatePassword"}, "", func(e *env, c *imap.Client, password string) error {
		return c.AuthenticatePassword(e.ctx(), e.user, password)
	}),
	mechanism("Authenticate", "PLAIN", func(user, password string) imap.Mechanism { return imap.Plain("", user, password) }),
	mechanism("Authenticate", "LOGIN", imap.LoginMechanism),
	mechanism("Authenticate", "CRAM-MD5", imap.CRAMMD5),
	mechanism("Authenticate", "SCRAM-SHA-1", imap.SCRAMSHA1),
	mechanism("Authenticate", "SCRAM-SHA-256", imap.SCRAMSHA256),
	token("XOAUTH2", imap.XOAuth2),
	token("OAUTHBEARER", imap.OAuthBearer),
	{method: "AuthenticateToken", run: func(e *env) cell {
		c := e.dial()
		source := func(context.Context) (string, error) { return e.target.real.Token(e.user), nil }
		if e.transport == stream {
			return e.refusesState(func() error { return c.AuthenticateToken(e.ctx(), e.user, source) })
		}
		_, err := c.Capability(e.ctx())
		require.NoError(e, err)
		if !c.Caps().Has("AUTH=OAUTHBEARER") && !c.Caps().Has("AUTH=XOAUTH2") {
			return e.unsupported(func() error {
				return c.AuthenticateToken(e.ctx(), e.user, func(context.Context) (string, error) { return "t", nil })
			})
		}
		require.NoError(e, c.AuthenticateToken(e.ctx(), e.user, source))
		return works
	}},
	{method: "Authenticate", what: "EXTERNAL", run: externalRow},
	{method: "Authenticate", what: "ANONYMOUS", run: anonymousRow},
	{method: "Authenticate", what: "as another user", run: proxyRow},
	{method: "ProxyAuth", run: func(e *env) cell { return e.unknownTo(e.client().ProxyAuth(e.ctx(), "bob")) }},
	{method: "Unauthenticate", run: func(e *env) cell {
		c := e.login()
		e.client()
		if !e.offers("UNAUTHENTICATE") {
			return e.unsupported(func() error { return c.Unauthenticate(e.ctx()) })
		}
		require.NoError(e, c.Unauthenticate(e.ctx()))
		require.Equal(e, imap.NotAuthenticated, c.State())
		require.NoError(e, c.Login(e.ctx(), e.user, e.password))
		return works
	}},
}

// externalRow logs in with a client certificate.
func externalRow(e *env) cell {
	if e.transport == stream {
		c := e.dial()
		return e.refusesState(func() error { return c.Authenticate(e.ctx(), imap.External("")) })
	}
	if e.target.real == nil || e.transport == plain {
		c := e.dial()
		_, err := c.Capability(e.ctx())
		require.NoError(e, err)
		if c.Caps().Has("AUTH=EXTERNAL") { // without a certificate it cannot work
			require.Error(e, c.Authenticate(e.ctx(), imap.External("")))
			return refuses.except("external-without-certificate")
		}
		return e.unsupported(func() error { return c.Authenticate(e.ctx(), imap.External("")) })
	}
	user, _ := e.target.real.User(0)
	cert, err := e.target.real.ClientCertificate(user)
	require.NoError(e, err)
	c := e.dial(func(o *imap.Options) { o.TLSConfig.Certificates = []tls.Certificate{cert} })
	_, err = c.Capability(e.ctx())
	require.NoError(e, err)
	if !c.Caps().Has("AUTH=EXTERNAL") {
		return e.unsupported(func() error { return c.Authenticate(e.ctx(), imap.External("")) })
	}
	require.NoError(e, c.Authenticate(e.ctx(), imap.External("")))
	require.NoError(e, c.Noop(e.ctx()))
	return works
}

func anonymousRow(e *env) cell {
	c := e.dial()
	login := func() error { return c.Authenticate(e.ctx(), imap.Anonymous("interop")) }
	if e.transport == stream {
		return e.refusesState(login)
	}
	_, err := c.Capability(e.ctx())
	require.NoError(e, err)
	if !c.Caps().Has("AUTH=ANONYMOUS") {
		return e.unsupported(login)
	}
	require.NoError(e, login())
	err = c.Noop(e.ctx())
	if gone, ok := errors.AsType[*imap.Error](err); ok && gone.Status == "BYE" {
		return works.except("anonymous-ends-at-noop")
	}
	require.NoError(e, err)
	return works
}

// proxyRow logs in with an administrator's password as the user of the column.
func proxyRow(e *env) cell {
	if e.target.real == nil || e.transport == stream {
		return apart
	}
	master, password := e.target.real.MasterUser()
	if master == "" {
		return apart
	}
	c := e.dial()
	require.NoError(e, c.Authenticate(e.ctx(), imap.Plain(e.user, master, password)))
	require.NoError(e, c.Noop(e.ctx())) // what may be seen is for the access control lists to say
	err := e.dial().Authenticate(e.ctx(), imap.Plain(e.user, master, "not-"+password))
	require.Error(e, err)
	require.False(e, errors.Is(err, imap.ErrClosed))
	return works
}
