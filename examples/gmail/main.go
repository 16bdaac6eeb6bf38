// Gmail logs in with OAuth 2.0, as Gmail and Outlook require, and prints the newest subjects. The first time the user grants
// access in a browser; after that the token is stored in a file, and replaced when it has expired.
//
//	cd examples/gmail && go run .
//	cd examples/gmail && go run . -user ada@gmail.com -client-id ... -client-secret ...
//
// The client's identity comes from https://console.cloud.google.com (an OAuth client of the type "Desktop app"), or, with
// -provider microsoft, from https://entra.microsoft.com (an app registration with the redirect http://127.0.0.1). Without
// -user it logs in to an in-memory server.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/endpoints"

	"github.com/go-imaplib/imap"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// service is the address of a mail service and of the provider of its tokens.
type service struct {
	addr     string
	endpoint oauth2.Endpoint
	scopes   []string
}

var services = map[string]service{
	"google":    {"imap.gmail.com", endpoints.Google, []string{"https://mail.google.com/"}},
	"microsoft": {"outlook.office365.com", endpoints.AzureAD("common"), []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"}},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("gmail", flag.ExitOnError)
	user := flags.String("user", "", "address of the account; none: one on a server in memory")
	name := flags.String("provider", "google", "google or microsoft")
	id := flags.String("client-id", "", "identity of this program")
	secret := flags.String("client-secret", "", "its secret")
	file := flags.String("token", "gmail-token.json", "`file` that keeps the token")
	flags.Parse(args)
	if *user == "" {
		return runSample(ctx, out)
	}
	service, ok := services[*name]
	if !ok {
		return fmt.Errorf("the provider is google or microsoft, not %q", *name)
	}
	config := &oauth2.Config{ClientID: *id, ClientSecret: *secret, Endpoint: service.endpoint, Scopes: service.scopes}
	source, err := openSource(ctx, config, *file)
	if errors.Is(err, errNoToken) {
		source.token, err = authorize(ctx, config, func(url string) { fmt.Fprintf(out, "Open this in a browser:\n%s\n", url) })
	}
	if err != nil {
		return err
	}
	a := &account{addr: service.addr, user: *user, source: source}
	return a.newest(ctx, out)
}

// account is an account with token login.
type account struct {
	addr, user string
	opts       *imap.Options
	source     tokenSource
}

// tokenSource returns a valid token. It is an oauth2.TokenSource that can be informed of a token that the server refused.
type tokenSource interface {
	oauth2.TokenSource
	Expire()
}

// dial connects and logs in: imap.Watch and imap.Pool call it, so that each connection has a fresh token.
func (a *account) dial(ctx context.Context) (*imap.Client, error) {
	c, err := a.login(ctx)
	if _, refused := errors.AsType[*imap.OAuthError](err); refused { // before its time: it was revoked, or the clock is wrong
		a.source.Expire()
		c, err = a.login(ctx)
	}
	return c, err
}

func (a *account) login(ctx context.Context) (*imap.Client, error) {
	c, err := imap.DialTLS(ctx, a.addr, a.opts)
	if err != nil {
		return nil, err
	}
	err = c.AuthenticateToken(ctx, a.user, func(context.Context) (string, error) {
		t, err := a.source.Token()
		if err != nil {
			return "", err
		}
		return t.AccessToken, nil
	})
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// newest prints the newest messages.
func (a *account) newest(ctx context.Context, out io.Writer) error {
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Logout(ctx)
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		return err
	}
	found, err := c.Search(ctx, imap.Where(), &imap.SearchOptions{Last: 10})
	if err != nil {
		return err
	}
	messages, err := imap.Collect(c.Fetch(ctx, found.UIDs, imap.FetchEnvelope))
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(messages) {
		if m.Envelope == nil {
			continue // the server left it out
		}
		from := ""
		if len(m.Envelope.From) > 0 {
			from = cmp.Or(m.Envelope.From[0].Name, m.Envelope.From[0].Addr())
		}
		fmt.Fprintf(out, "%s: %s\n", from, m.Envelope.Subject)
	}
	return nil
}
