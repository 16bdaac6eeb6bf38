package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"golang.org/x/oauth2"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// provider is an in-memory server that issues tokens.
type provider struct {
	*httptest.Server
	issue func(n int) (token string) // makes the n-th

	mu      sync.Mutex
	refresh string // the refresh token that is valid now; "" if it was revoked
	issued  int
	expires int // after so many seconds
}

func newProvider(issue func(n int) string) *provider {
	p := &provider{issue: issue, refresh: "refresh-0", expires: 3600}
	p.Server = httptest.NewServer(http.HandlerFunc(p.token))
	return p
}

func (p *provider) config() *oauth2.Config {
	return &oauth2.Config{ClientID: "client", Endpoint: oauth2.Endpoint{AuthURL: p.URL + "/auth", TokenURL: p.URL + "/token"}}
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	refresh := r.FormValue("grant_type") == "refresh_token" && r.FormValue("refresh_token") == p.refresh && p.refresh != ""
	code := r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") == "code" && r.FormValue("code_verifier") != ""
	if !refresh && !code {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	p.issued++
	p.refresh = fmt.Sprint("refresh-", p.issued)
	json.NewEncoder(w).Encode(map[string]any{"access_token": p.issue(p.issued), "token_type": "Bearer", "refresh_token": p.refresh, "expires_in": p.expires})
}

// runSample logs in to an in-memory server, with a token that has expired.
func runSample(ctx context.Context, out io.Writer) error {
	const user = "ada@gmail.com"
	srv := imaptest.NewServer(nil, &imaptest.Options{Profile: imaptest.Gmail, Users: map[string]string{user: "token-0"}})
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{From: "Grace <grace@example.org>", Subject: "Lunch on Friday?"})
	p := newProvider(func(n int) string {
		token := fmt.Sprint("token-", n)
		srv.SetPassword(token) // which is the token too
		return token
	})
	defer p.Close()
	a := &account{addr: srv.TLSAddr(), user: user, opts: &imap.Options{TLSConfig: srv.TLSConfig()}}
	a.source = &source{ctx: ctx, config: p.config(), token: &oauth2.Token{RefreshToken: "refresh-0"}}
	if err := a.newest(ctx, out); err != nil {
		return err
	}
	srv.SetPassword("another") // the server takes the token no longer
	return a.newest(ctx, out)
}
