package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/examples/internal/jsonfile"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	require.Equal(t, "Grace: Lunch on Friday?\nGrace: Lunch on Friday?\n", exampletest.Output(t, run))
}

func TestProviders(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), []string{"-user", "ada", "-provider", "other"}, new(bytes.Buffer)), "not \"other\"")
	for name, s := range services {
		require.NotEmpty(t, s.endpoint.TokenURL, name)
		require.NotEmpty(t, s.endpoint.AuthURL, name)
	}
}

// double is an account on a server that accepts the token which the provider issued last.
func double(t *testing.T) (*account, *source, *provider, *imaptest.Server) {
	srv := imaptest.NewServer(t, &imaptest.Options{Profile: imaptest.Gmail, Users: map[string]string{"ada": "token-0"}})
	p := newProvider(func(n int) string {
		token := fmt.Sprint("token-", n)
		srv.SetPassword(token)
		return token
	})
	t.Cleanup(p.Close)
	file := filepath.Join(t.TempDir(), "token.json")
	require.NoError(t, jsonfile.Save(file, &oauth2.Token{RefreshToken: "refresh-0"}))
	s, err := openSource(t.Context(), p.config(), file)
	require.NoError(t, err)
	return &account{addr: srv.TLSAddr(), user: "ada", opts: &imap.Options{TLSConfig: srv.TLSConfig()}, source: s}, s, p, srv
}

func (a *account) connect(t *testing.T) {
	t.Helper()
	c, err := a.dial(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Logout(t.Context()))
}

// TestRefresh requests a token if none is valid, and only then, and stores it.
func TestRefresh(t *testing.T) {
	a, s, p, srv := double(t)
	a.connect(t)
	a.connect(t)
	require.Equal(t, 1, p.issued)

	p.expires = 1 // less than the margin of oauth2: it has expired when it comes
	s.Expire()
	a.connect(t)
	a.connect(t)
	require.Equal(t, 3, p.issued)

	p.expires = 3600
	a.connect(t)
	srv.SetPassword("another") // the server refuses what should be valid still
	a.connect(t)
	require.Equal(t, 5, p.issued)

	again, err := openSource(t.Context(), p.config(), s.file)
	require.NoError(t, err)
	require.Equal(t, "refresh-5", again.token.RefreshToken, "the newest")
	a.source = again
	a.connect(t)
	require.Equal(t, 5, p.issued, "a new run of the program takes the token that there is")
}

// TestRevoked returns the message of the provider, or of the server.
func TestRevoked(t *testing.T) {
	a, s, p, srv := double(t)
	p.refresh = ""
	_, err := a.dial(t.Context())
	require.ErrorContains(t, err, "invalid_grant")
	require.False(t, imap.IsTransient(err))

	s.token = &oauth2.Token{AccessToken: "token-0", RefreshToken: "refresh-0"}
	p.refresh = "refresh-0"
	p.issue = func(int) string { return "other-account" }
	srv.SetPassword("another")
	_, err = a.dial(t.Context())
	var refused *imap.OAuthError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
}

// TestNoEnvelope: a message whose envelope the server leaves out is not printed.
func TestNoEnvelope(t *testing.T) {
	a, s, _, srv := double(t)
	token, err := s.Token()
	require.NoError(t, err)
	response := base64.StdEncoding.EncodeToString([]byte("user=ada\x01auth=Bearer " + token.AccessToken + "\x01\x01"))
	srv.Script(strings.ReplaceAll(`
		S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready
		C: $ AUTHENTICATE XOAUTH2 RESPONSE
		S: $ OK [CAPABILITY IMAP4rev1] done
		C: $ EXAMINE INBOX
		S: * 2 EXISTS
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2
		S: $ OK done
		C: $ UID FETCH 1:2 (UID ENVELOPE)
		S: * 1 FETCH (UID 1)
		S: * 2 FETCH (UID 2 ENVELOPE (NIL "two" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: $ OK done
		C: $ LOGOUT
		S: $ OK done
	`, "RESPONSE", response))
	var out bytes.Buffer
	require.NoError(t, a.newest(t.Context(), &out))
	require.Equal(t, ": two\n", out.String())
}

// TestAuthorize plays the user with a browser.
func TestAuthorize(t *testing.T) {
	_, s, p, _ := double(t)
	_, err := openSource(t.Context(), s.config, filepath.Join(t.TempDir(), "missing.json"))
	require.ErrorIs(t, err, errNoToken)
	answer := func(status int, change func(v url.Values)) func(string) {
		return func(ask string) {
			u, err := url.Parse(ask)
			require.NoError(t, err)
			require.Equal(t, "S256", u.Query().Get("code_challenge_method"))
			require.Equal(t, "offline", u.Query().Get("access_type"))
			v := url.Values{"state": {u.Query().Get("state")}, "code": {"code"}}
			change(v)
			res, err := http.Get(u.Query().Get("redirect_uri") + "/?" + v.Encode())
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, status, res.StatusCode)
		}
	}
	token, err := authorize(t.Context(), p.config(), answer(http.StatusOK, func(url.Values) {}))
	require.NoError(t, err)
	require.Equal(t, "refresh-1", token.RefreshToken)

	_, err = authorize(t.Context(), p.config(), answer(http.StatusOK, func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }))
	require.ErrorContains(t, err, "access_denied")

	ctx, cancel := context.WithCancel(t.Context())
	forged := answer(http.StatusBadRequest, func(v url.Values) { v.Set("state", "guessed") })
	_, err = authorize(ctx, p.config(), func(ask string) { forged(ask); cancel() })
	require.ErrorIs(t, err, context.Canceled)
}

// TestDovecot logs in to a real server, whose tokens the provider signs.
func TestDovecot(t *testing.T) {
	s := realserver.Get(t, "dovecot")
	user, _, err := s.NewUser()
	require.NoError(t, err)
	p := newProvider(func(n int) string {
		if n == 1 {
			return s.BadToken(user)
		}
		return s.Token(user)
	})
	defer p.Close()
	a := &account{addr: s.TLSAddr, user: user, opts: &imap.Options{TLSConfig: s.ClientTLS()}}
	a.source = &source{ctx: t.Context(), config: p.config(), token: &oauth2.Token{RefreshToken: "refresh-0"}}
	a.connect(t)
	require.Equal(t, 2, p.issued, "the first is refused")
	var out bytes.Buffer
	require.NoError(t, a.newest(t.Context(), &out))
	require.Empty(t, out.String())
}
