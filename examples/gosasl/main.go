// Gosasl logs in with mechanisms of github.com/emersion/go-sasl: they implement imap.Mechanism, so that they can be
// used unchanged. Without arguments it logs in to an in-memory server.
//
//	cd examples/gosasl && go run .
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/emersion/go-sasl"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/sample"
)

// The compiler checks here that go-sasl's clients are mechanisms.
var _ imap.Mechanism = sasl.Client(nil)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	addr, stop, err := sample.Serve()
	if err != nil {
		return err
	}
	defer stop()
	for _, mechanism := range []sasl.Client{
		sasl.NewPlainClient("", sample.User, sample.Password),
		sasl.NewLoginClient(sample.User, sample.Password),
	} {
		if err := login(ctx, out, addr, mechanism); err != nil {
			return err
		}
	}
	return nil
}

func login(ctx context.Context, out io.Writer, addr string, mechanism imap.Mechanism) error {
	c, err := imap.DialInsecure(ctx, addr, nil)
	if err != nil {
		return err
	}
	defer c.Logout(ctx)
	if err := c.Authenticate(ctx, mechanism); err != nil {
		return err
	}
	fmt.Fprintf(out, "%T: %s\n", mechanism, c.State())
	return nil
}
