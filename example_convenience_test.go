package imap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/mail"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
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

// A message with the line ends of Unix, as a program makes it.
func ExampleLiteralText() {
	srv := imaptest.Start(nil)
	defer srv.Close()
	ctx := context.Background()
	c, err := imap.NewClient(ctx, srv.Dial(), &imap.Options{AllowInsecureAuth: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.Login(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	message := []byte("From: ada@example.org\nSubject: note\n\nBuy milk.")
	added, err := c.Append(ctx, "INBOX", imap.LiteralText(message), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	m, err := c.FetchOne(ctx, added.UID, imap.Section{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", m.Section(imap.Section{}))
	// Output: "From: ada@example.org\r\nSubject: note\r\n\r\nBuy milk.\r\n"
}

// A new token for each connection. In a program the source is that of golang.org/x/oauth2.
func ExampleClient_AuthenticateToken() {
	srv := imaptest.Start(nil)
	defer srv.Close()
	ctx := context.Background()
	c, err := imap.NewClient(ctx, srv.Dial(), &imap.Options{AllowInsecureAuth: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	err = c.AuthenticateToken(ctx, "user", func(context.Context) (string, error) {
		return "", errors.New("the refresh token was revoked")
	})
	fmt.Println(err)
	// Output: imap: AUTHENTICATE: the refresh token was revoked
}

func ExampleClient_Previews() {
	srv := imaptest.Start(nil)
	defer srv.Close()
	srv.User("user").Mailbox("INBOX").Append([]byte("Subject: Lunch\r\n\r\nOn Friday\r\nat noon?\r\n> quoted\r\n"), nil, time.Now())

	ctx := context.Background()
	c, err := imap.NewClient(ctx, srv.Dial(), &imap.Options{AllowInsecureAuth: true, Without: []string{"PREVIEW"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.Login(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	for m, err := range c.Previews(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Envelope.Subject, "-", m.Preview)
	}
	// Output: Lunch - On Friday at noon?
}

// The newest messages of a large result.
func ExampleSearchOptions() {
	c, stop := connected()
	defer stop()

	found, err := c.Search(context.Background(), imap.Where().Unseen(), &imap.SearchOptions{Last: 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.UIDs, "of", found.Count)
	// Output: 2:3 of 3
}

func ExampleThreadMessages() {
	day := func(n int) time.Time { return time.Date(2026, time.March, n, 9, 0, 0, 0, time.UTC) }
	msgs := []*imap.Message{
		{UID: 1, Envelope: &imap.Envelope{Subject: "Lunch", MessageID: "<1@example.org>", Date: day(1)}},
		{UID: 2, Envelope: &imap.Envelope{Subject: "Invoice", MessageID: "<2@example.org>", Date: day(2)}},
		{UID: 3, Envelope: &imap.Envelope{Subject: "Re: Lunch", MessageID: "<3@example.org>", InReplyTo: "<1@example.org>", Date: day(3)}},
	}
	threads, err := imap.ThreadMessages[imap.UID](msgs, "REFERENCES")
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range threads {
		fmt.Println(t.Num, "has", len(t.Children), "answers")
	}
	// Output:
	// 1 has 1 answers
	// 2 has 0 answers
}

func ExampleSortMessages() {
	msgs := []*imap.Message{
		{UID: 1, Size: 300, Envelope: &imap.Envelope{Subject: "Re: apples"}},
		{UID: 2, Size: 100, Envelope: &imap.Envelope{Subject: "Zebra"}},
		{UID: 3, Size: 200, Envelope: &imap.Envelope{Subject: "[list] Apples"}},
	}
	if err := imap.SortMessages(msgs, []imap.SortKey{{Name: "SUBJECT"}, {Name: "SIZE", Reverse: true}}); err != nil {
		log.Fatal(err)
	}
	for _, m := range msgs {
		fmt.Println(m.UID, m.Envelope.Subject)
	}
	// Output:
	// 1 Re: apples
	// 3 [list] Apples
	// 2 Zebra
}

func ExampleBaseSubject() {
	fmt.Println(imap.BaseSubject("Re: [list] Fwd: Lunch on Friday? (fwd)"))
	// Output: Lunch on Friday?
}

func ExampleParseAddressList() {
	for _, a := range imap.ParseAddressList(`"Lovelace, Ada" <ada@example.org>, =?utf-8?q?Andr=C3=A9?= <a@example.net>`) {
		fmt.Printf("%s at %s\n", a.Name, a.Addr())
	}
	// Output:
	// Lovelace, Ada at ada@example.org
	// André at a@example.net
}

// A whole message as net/mail reads it: what Section{} brings is all that it needs.
func ExampleMessage_Section_netMail() {
	c, stop := connected()
	defer stop()

	m, err := c.FetchOne(context.Background(), 1, imap.Section{})
	if err != nil {
		log.Fatal(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(m.Section(imap.Section{})))
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(msg.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %q\n", msg.Header.Get("Subject"), body)
	// Output: Lunch on Friday?: "Hello 1\r\n"
}
