package imap_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// What to do about an error: log in with another password, or try again later.
func ExampleIsTransient() {
	for _, err := range []error{
		&imap.Error{Command: "LOGIN", Status: "NO", Text: "Login failed."},
		&imap.Error{Command: "LOGIN", Status: "NO", Code: imap.CodeUnavailable, Text: "Temporary authentication failure."},
		&imap.Error{Status: "BYE", Text: "Server shutting down."},
		&imap.CapabilityError{Name: "MOVE"},
		imap.ErrClosed,
	} {
		fmt.Println(imap.IsTransient(err), err)
	}
	// Output:
	// false imap: LOGIN: NO Login failed.
	// true imap: LOGIN: NO [UNAVAILABLE] Temporary authentication failure.
	// true imap: BYE Server shutting down.
	// false imap: the server does not offer MOVE
	// true imap: connection closed
}

func ExampleWaitBackoff() {
	throttled := &imap.Error{Command: "FETCH", Status: "NO", Text: "Request is throttled. Suggested Backoff Time: 5 milliseconds"}
	start := time.Now()
	err := imap.WaitBackoff(context.Background(), throttled, time.Minute)
	fmt.Println(err, time.Since(start) >= 5*time.Millisecond)
	// Output: <nil> true
}

// Some servers want to know the client: 163.com and 126.com refuse SELECT otherwise.
func ExampleOptions_id() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.163.com
	defer srv.Close()

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{
		TLSConfig: srv.TLSConfig(),
		ID:        map[string]string{"name": "Post", "version": "1.0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	commands := srv.Commands()
	fmt.Println(commands[len(commands)-1])
	// Output: ID ("name" "Post" "version" "1.0")
}

// A new token for each connection. In a program the source is that of golang.org/x/oauth2, as in examples/gmail.
func ExampleClient_AuthenticateToken() {
	srv := imaptest.NewServer(nil, &imaptest.Options{Profile: imaptest.Gmail, Users: map[string]string{"ada@gmail.com": "token-1"}})
	defer srv.Close()

	tokens := []string{"token-0", "token-1"} // the first has expired
	source := func(context.Context) (string, error) {
		if len(tokens) == 0 {
			return "", errors.New("the refresh token was revoked")
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token, nil
	}
	ctx := context.Background()
	for range 3 {
		c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
		if err != nil {
			log.Fatal(err)
		}
		err = c.AuthenticateToken(ctx, "ada@gmail.com", source)
		var refused *imap.OAuthError
		switch {
		case errors.As(err, &refused):
			fmt.Println("refused:", refused.Status)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(c.State())
		}
		c.Logout(ctx)
	}
	// Output:
	// refused: 400
	// authenticated
	// imap: AUTHENTICATE: the refresh token was revoked
}

// A message with the line ends of Unix, as a program makes it.
func ExampleLiteralText() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	message := []byte("From: ada@example.org\nSubject: note\n\nBuy milk.")
	if _, err := c.Append(ctx, "INBOX", imap.LiteralText(message), nil); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", srv.Messages("INBOX")[0].Raw)
	// Output: "From: ada@example.org\r\nSubject: note\r\n\r\nBuy milk.\r\n"
}

// Copy a message to a server that keeps other flags.
func ExampleMailbox_Storable() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	mailbox, err := c.Select(ctx, "INBOX", nil)
	if err != nil {
		log.Fatal(err)
	}
	flags := []imap.Flag{imap.FlagRecent, imap.FlagSeen, "$Work"} // of the message on the other server
	fmt.Println(mailbox.Storable(flags))

	mailbox.PermanentFlags = []imap.Flag{imap.FlagSeen, imap.FlagAnswered} // a server without keywords
	fmt.Println(mailbox.Storable(flags))
	// Output:
	// [\Seen $Work]
	// [\Seen]
}

// Whether the connection is gone, without a command.
func ExampleClient_Err() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Err())
	srv.DropConnections()
	fmt.Println(errors.Is(c.Noop(ctx), imap.ErrClosed), errors.Is(c.Err(), imap.ErrClosed))
	// Output:
	// <nil>
	// true true
}

// Why the server ended the connection, in its own words.
func ExampleClient_Bye() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	srv.Inject(imaptest.Fault{Command: "NOOP", Reply: "BYE [UNAVAILABLE] Back in ten minutes"})

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Bye() == nil)
	c.Noop(ctx)
	fmt.Println(c.Bye().Text)
	// Output:
	// true
	// Back in ten minutes
}

// What a server says while a command runs.
func ExampleInfoEvent() {
	srv := imaptest.NewServer(nil, nil)
	defer srv.Close()
	srv.Script(`
		S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready
		C: $ IDLE
		S: + idling
		S: * OK Still here
	`)

	ctx := context.Background()
	conn, err := srv.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	c, err := imap.NewClient(ctx, conn, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for event, err := range c.Idle(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if info, ok := event.(*imap.InfoEvent); ok {
			fmt.Println("the server says:", info.Text)
			break
		}
	}
	// Output: the server says: Still here
}
