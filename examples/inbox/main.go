// Inbox shows a mailbox as a web page: the newest messages with sender, subject, date and the beginning of the text, and
// links to older ones.
//
//	go run ./examples/inbox -listen localhost:8080
//	IMAP_PASSWORD=... go run ./examples/inbox -addr mail.example.org -user ada -listen localhost:8080
//
// All requests share a few connections. There is no login: anyone with access to the address can read the mailbox. Without
// -listen the page is printed once; without -addr it shows a sample mailbox on an in-memory server.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/account"
)

func main() { account.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("inbox", flag.ExitOnError)
	acc := account.Flags(flags)
	listen := flags.String("listen", "", "`address` to serve on; none: print the page")
	flags.Parse(args)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	done, err := acc.Start()
	if err != nil {
		return err
	}
	defer done()
	pool := &imap.Pool{Dial: acc.Dial, ReadOnly: true}
	defer pool.Close()
	handler := &inbox{pool: pool, mailbox: acc.Mailbox}
	if *listen == "" {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		if w.Code != http.StatusOK {
			return fmt.Errorf("%d: %s", w.Code, w.Body)
		}
		_, err := w.Body.WriteTo(out)
		return err
	}
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(out, "http://%s\n", *listen)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}
