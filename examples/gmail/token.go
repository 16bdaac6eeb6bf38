package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"golang.org/x/oauth2"

	"github.com/go-imaplib/imap/examples/internal/jsonfile"
)

var errNoToken = errors.New("there is no token yet")

// source is a token that is stored in a file, and replaced when it has expired.
type source struct {
	ctx    context.Context
	config *oauth2.Config
	file   string

	mu    sync.Mutex
	token *oauth2.Token
}

// openSource reads the token. The error is errNoToken if none exists: see authorize.
func openSource(ctx context.Context, config *oauth2.Config, file string) (*source, error) {
	s := &source{ctx: ctx, config: config, file: file}
	if err := jsonfile.Load(file, &s.token); err != nil {
		return nil, err
	}
	if s.token == nil {
		return s, errNoToken
	}
	return s, nil
}

// Token returns the token, or a new one if it has expired. Providers may replace the refresh token too, once it was used:
// the new one must be stored.
func (s *source) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.config.TokenSource(s.ctx, s.token).Token()
	if err != nil {
		return nil, err
	}
	s.token = t
	return t, jsonfile.Save(s.file, t)
}

// Expire makes the next Token request a new one.
func (s *source) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = &oauth2.Token{RefreshToken: s.token.RefreshToken}
}

// authorize asks the user in a browser, which is redirected to an address of this machine (RFC 8252) with a code for the
// first token.
func authorize(ctx context.Context, config *oauth2.Config, open func(url string)) (*oauth2.Token, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	config.RedirectURL = "http://" + l.Addr().String()
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	answers := make(chan *http.Request, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != state {
			http.Error(w, "This is not the answer to our question.", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "You can close this window.")
		select {
		case answers <- r:
		default:
		}
	})}
	go server.Serve(l)
	defer server.Shutdown(ctx)
	open(config.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier)))
	select {
	case r := <-answers:
		if code := r.FormValue("code"); code != "" {
			return config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		}
		return nil, fmt.Errorf("not allowed: %s", r.FormValue("error"))
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
