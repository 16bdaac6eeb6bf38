package imaplib_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var cpythonLogin = map[string]cpythonTest{
	"login": {simple, "C: $ LOGIN user \"pass\"\nS: $ OK [CAPABILITY IMAP4rev1] LOGIN completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Login(ctx, "user", "pass"))
		assert.Equal(t, imap.Authenticated, c.State())
		var state *imap.StateError
		assert.ErrorAs(t, c.Login(ctx, "user", "pass"), &state, "twice")
	}},
	"login_quoted": {simple, "C: $ LOGIN \"us*r\" \"p%ss\"\nS: $ OK [CAPABILITY IMAP4rev1] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Login(ctx, "us*r", "p%ss"))
	}},
	// Strings are never taken for quoted already: a quote is a quote.
	"login_quoted2": {simple, "C: $ LOGIN \"\\\"us r\\\"\" \"\\\"p ss\\\"\"\nS: $ OK [CAPABILITY IMAP4rev1] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Login(ctx, `"us r"`, `"p ss"`))
	}},
	"invalid_login": {simple, "C: $ LOGIN user \"wrong\"\nS: $ NO [LOGIN] failed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		err := c.Login(ctx, "user", "wrong")
		assert.EqualError(t, err, "imap: LOGIN: NO [LOGIN] failed")
		assert.Equal(t, imap.NotAuthenticated, c.State())
	}},
	"login_capabilities": {simple, `
		C: $ LOGIN user "pass"
		S: * CAPABILITY IMAP4rev1 ENABLE X-NEW
		S: $ OK done
		C: $ ENABLE X-NEW
		S: * ENABLED X-NEW
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Login(ctx, "user", "pass"))
		on, err := c.Enable(ctx, "X-NEW")
		assert.NoError(t, err)
		assert.Equal(t, []string{"X-NEW"}, on)
	}},
	"login_requery_capabilities": {simpleWith("ID"), `
		C: $ LOGIN user "pass"
		S: $ OK done
		C: $ CAPABILITY
		S: * CAPABILITY IMAP4rev1 QUOTA
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Login(ctx, "user", "pass"))
		assert.True(t, c.Caps().Has("QUOTA"))
		assert.False(t, c.Caps().Has("ID"))
	}},
	"authenticate_capabilities": {simpleWith("AUTH=PLAIN"), `
		C: $ AUTHENTICATE PLAIN
		S: +
		C: AHUAcA==
		S: $ OK [CAPABILITY IMAP4rev1 X-NEW] done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.LoginPlain(ctx, "u", "p"))
		assert.True(t, c.Caps().Has("X-NEW"))
	}},
	"bad_auth_name": {simpleWith("AUTH=METHOD"), "C: $ AUTHENTICATE METHOD\nS: $ NO unrecognized authentication type METHOD", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.ErrorContains(t, c.Authenticate(ctx, oneAnswer("x")), "unrecognized authentication type METHOD")
	}},
	"invalid_authentication": {simpleWith("AUTH=METHOD"), `
		C: $ AUTHENTICATE METHOD
		S: +
		C: ZmFrZQ==
		S: $ NO [AUTHENTICATIONFAILED] invalid
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		err := c.Authenticate(ctx, oneAnswer("fake"))
		assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
		assert.ErrorContains(t, err, "invalid")
	}},
	"valid_authentication": {simpleWith("AUTH=METHOD"), `
		C: $ AUTHENTICATE METHOD
		S: +
		C: ZmFrZQ==
		S: $ OK [CAPABILITY IMAP4rev1] FAKEAUTH successful
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Authenticate(ctx, oneAnswer("fake")))
		assert.Equal(t, imap.Authenticated, c.State())
	}},
	"aborted_authentication": {simpleWith("AUTH=METHOD"), `
		C: $ AUTHENTICATE METHOD
		S: +
		C: *
		S: $ NO [AUTHENTICATIONFAILED] aborted
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.ErrorContains(t, c.Authenticate(ctx, giveUp{}), "aborted")
	}},
	"login_cram_md5": {simpleWith("AUTH=CRAM-MD5"), `
		C: $ AUTHENTICATE CRAM-MD5
		S: + PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
		C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
		S: $ OK [CAPABILITY IMAP4rev1] CRAM-MD5 successful
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.LoginCRAMMD5(ctx, "tim", "tanstaaftanstaaf"))
	}},
	"login_plain_ascii": {simpleWith("AUTH=PLAIN"), "C: $ AUTHENTICATE PLAIN\nS: +\nC: AHByZW0AcGFzcw==\nS: $ OK [CAPABILITY IMAP4rev1] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.LoginPlain(ctx, "prem", "pass"))
	}},
	"login_plain_utf8": {simpleWith("AUTH=PLAIN"), "C: $ AUTHENTICATE PLAIN\nS: +\nC: AHDDvG0AcMOkc3M=\nS: $ OK [CAPABILITY IMAP4rev1] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.LoginPlain(ctx, "püm", "päss"))
	}},
	"login_plain_bytes": {simpleWith("AUTH=PLAIN"), "C: $ AUTHENTICATE PLAIN\nS: +\nC: APwA5A==\nS: $ OK [CAPABILITY IMAP4rev1] done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.LoginPlain(ctx, "\xfc", "\xe4"))
	}},
	"login_plain_nul": {simpleWith("AUTH=PLAIN"), testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.ErrorContains(t, c.LoginPlain(ctx, "a\x00b", "pass"), "NUL")
		assert.ErrorContains(t, c.LoginPlain(ctx, "user", "a\x00b"), "NUL")
		testkit.RequireNothingSent(t, c)
	}},
	"enable_raises_error_if_not_AUTH": {simpleWith("ENABLE UTF8=ACCEPT"), testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Enable(ctx, "UTF8=ACCEPT")
		var state *imap.StateError
		require.ErrorAs(t, err, &state)
		assert.Equal(t, &imap.StateError{Command: "ENABLE", State: imap.NotAuthenticated}, state)
		assert.False(t, c.Enabled("UTF8=ACCEPT"))
		testkit.RequireNothingSent(t, c)
	}},
	"enable_raises_error_if_no_capability":      {preAuth, testkit.OnlyNoop, testNoEnable},
	"enable_UTF8_raises_error_if_not_supported": {preAuth, testkit.OnlyNoop, testNoEnable},
	"enable": {testkit.LoggedIn, `
		C: $ ENABLE CONDSTORE X-GOOD-IDEA
		S: * ENABLED X-GOOD-IDEA
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		on, err := c.Enable(ctx, "CONDSTORE", "X-GOOD-IDEA")
		assert.NoError(t, err)
		assert.Equal(t, []string{"X-GOOD-IDEA"}, on)
	}},
	"proxyauth": {testkit.LoggedIn, "C: $ PROXYAUTH \"us er\"\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.ProxyAuth(ctx, "us er"))
	}},
}

func TestCPythonLogin(t *testing.T) { runCPython(t, cpythonLogin) }

// preAuth is a client that is logged in on a server that offers only the base protocol.
func preAuth(t *testing.T, script string) *imap.Client {
	t.Helper()
	return testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", script)
}

func testNoEnable(ctx context.Context, t *testing.T, c *imap.Client) {
	_, err := c.Enable(ctx, "UTF8=ACCEPT")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "ENABLE")
	testkit.RequireNothingSent(t, c)
}

// oneAnswer is a mechanism that answers one challenge.
type oneAnswer string

func (m oneAnswer) Start() (string, []byte, error)        { return "METHOD", nil, nil }
func (m oneAnswer) Next(challenge []byte) ([]byte, error) { return []byte(m), nil }

// giveUp is a mechanism that cancels.
type giveUp struct{}

func (giveUp) Start() (string, []byte, error) { return "METHOD", nil, nil }
func (giveUp) Next([]byte) ([]byte, error)    { return nil, errors.New("aborted by the mechanism") }
