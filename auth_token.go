package imap

import (
	"context"
	"errors"

	"github.com/go-imaplib/imap/internal/sasl"
)

// TokenSource returns an OAuth 2.0 access token that is valid now: the cached one, or a new one made with the refresh token.
// With golang.org/x/oauth2 it is
//
//	func(context.Context) (string, error) {
//		t, err := source.Token() // an oauth2.TokenSource
//		if err != nil {
//			return "", err
//		}
//		return t.AccessToken, nil
//	}
type TokenSource func(ctx context.Context) (string, error)

// AuthenticateToken logs in with an OAuth 2.0 access token, for which it asks the source each time, so that a token that has
// expired is not used again on the next connection. It uses OAUTHBEARER where the server offers it, else XOAUTH2 (RFC 7628;
// capability AUTH=OAUTHBEARER or AUTH=XOAUTH2; not authenticated). An error of the source comes back as it is, before
// anything is sent. Where the server gives the reason for refusing a token, errors.As finds an *OAuthError.
func (c *Client) AuthenticateToken(ctx context.Context, user string, source TokenSource) error {
	const name = "AUTHENTICATE"
	if source == nil {
		return unsent(name, argError("nil TokenSource"))
	}
	if err := c.readyToAuth(ctx, name, true); err != nil {
		return err
	}
	token, err := source(ctx)
	if err != nil {
		return unsent(name, err)
	}
	if c.Caps().Has("AUTH=OAUTHBEARER") {
		return c.Authenticate(ctx, OAuthBearer(user, token))
	}
	return c.Authenticate(ctx, XOAuth2(user, token))
}

// OAuthError is why a server refuses a token, in its own words: the JSON object of RFC 7628 section 3.2.2. It comes joined
// with the *Error of the command.
type OAuthError struct {
	Mechanism           string // XOAUTH2 or OAUTHBEARER
	Status              string // "invalid_token", "401", …
	Scope               string // the scopes that a token needs
	Schemes             string // of XOAUTH2: "bearer"
	OpenIDConfiguration string // a URL that says where tokens come from
	Text                string // what came, where it is no such object
}

// Error has the server's words, quoted and of bounded length. They never hold the token.
func (e *OAuthError) Error() string { return (*sasl.OAuthError)(e).Error() }

// tokenRefused makes the reason that a mechanism has from a server an OAuthError where it is about a token.
func tokenRefused(reason error) error {
	if e, ok := errors.AsType[*sasl.OAuthError](reason); ok {
		refused := OAuthError(*e)
		return &refused
	}
	return reason
}
