package imap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

func Example() {
	ctx := context.Background()
	c, err := imap.DialTLS(ctx, "mail.example.org", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "ada", os.Getenv("IMAP_PASSWORD")); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	unread, err := c.Search(ctx, imap.Where().Unseen(), nil)
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range c.Fetch(ctx, unread.UIDs, imap.FetchEnvelope) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.UID, m.Envelope.Subject)
	}
}

func ExampleDialStartTLS() {
	ctx := context.Background()
	c, err := imap.DialStartTLS(ctx, "mail.example.org:143", &imap.Options{
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timeout:   30 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	fmt.Println(c.Greeting())
}

func ExampleDialStream() {
	ctx := context.Background()
	c, err := imap.DialStream(ctx, exec.Command("ssh", "mail.example.org", "/usr/lib/dovecot/imap"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	fmt.Println(c.State()) // authenticated: ssh has seen to that
}

func ExampleClient_Fetch() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	header := imap.Section{Specifier: "HEADER", Fields: []string{"From"}}
	for m, err := range c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope, header) {
		if m == nil {
			log.Fatal(err) // the command failed, or the connection
		}
		if err != nil {
			log.Println(m.UID, err) // a value of this message could not be read
		}
		fmt.Printf("%d %s %q\n", m.UID, m.Envelope.Subject, m.Section(header))
		if m.UID == 2 {
			break // the rest is dropped, and the client continues
		}
	}
	// Output:
	// 1 Lunch on Friday? "From: \"Ada\" <ada@example.org>\r\n\r\n"
	// 2 Café receipt "From: \"Ada\" <ada@example.org>\r\n\r\n"
}

func ExampleClient_Fetch_nested() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	for m, err := range c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchFlags) {
		if err != nil {
			log.Fatal(err)
		}
		// Other commands can be used inside the loop.
		if _, err := c.Store(ctx, imap.UIDs(m.UID), imap.AddFlags(imap.FlagSeen), nil); err != nil {
			log.Fatal(err)
		}
	}
	unseen, err := c.Search(ctx, imap.Where().Unseen(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(unseen.UIDs.Len())
	// Output: 0
}

func ExampleClient_FetchStream() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	// Bodies of any size, in constant memory.
	for m, err := range c.FetchStream(ctx, imap.UIDs(1, 3), imap.Section{Specifier: "TEXT"}) {
		if err != nil {
			log.Fatal(err)
		}
		for body, err := range m.Bodies() {
			if err != nil {
				log.Fatal(err)
			}
			var b bytes.Buffer // a file, most often
			if _, err := io.Copy(&b, body); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%d: %d bytes, %q\n", m.UID, body.Size, b.String())
		}
	}
	// Output:
	// 1: 7 bytes, "Hello\r\n"
	// 3: 7 bytes, "Hello\r\n"
}

func ExampleClient_FetchOne() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	_, err = c.FetchOne(ctx, 99, imap.FetchEnvelope)
	fmt.Println(errors.Is(err, imap.ErrNoMessage))
	// Output: true
}

func ExampleClient_Search() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	recent := imap.Where().Unseen().Since(time.Now().AddDate(0, 0, -7))
	found, err := c.Search(ctx, recent.Or(imap.Where().Subject("café"), imap.Where().Subject("code")), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.UIDs)
	// Output: 2:3
}

func ExampleClient_Append() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	message := "From: ada@example.org\r\nSubject: note to self\r\n\r\nBuy milk.\r\n"
	added, err := c.Append(ctx, "Notes", imap.LiteralString(message), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
	if imap.CodeOf(err) == imap.CodeTryCreate {
		if err = c.Create(ctx, "Notes", nil); err == nil {
			added, err = c.Append(ctx, "Notes", imap.LiteralString(message), nil)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(added.UID)
	// Output: 1
}

func ExampleClient_Move() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	if err := c.Create(ctx, "Archive", nil); err != nil {
		log.Fatal(err)
	}
	moved, err := c.Move(ctx, imap.UIDs(1, 2), "Archive")
	if errors.Is(err, errors.ErrUnsupported) {
		log.Fatal("neither MOVE nor UIDPLUS: nothing was moved")
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(moved.Source, "are now", moved.Dest)
	// Output: 1:2 are now 1:2
}

func ExampleClient_Idle() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	for event, err := range c.Idle(ctx, &imap.IdleOptions{For: 10 * time.Millisecond}) {
		if err != nil {
			log.Fatal(err)
		}
		switch e := event.(type) {
		case *imap.ExistsEvent:
			fmt.Println("messages in the mailbox:", e.Count)
		case *imap.ExpungeEvent:
			fmt.Println("gone:", e.SeqNum)
		}
	}
	fmt.Println("nothing happened")
	// Output: nothing happened
}

func ExampleClient_Pipeline() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	mailboxes := []string{"INBOX", "Drafts", "Sent"}
	for _, name := range mailboxes[1:] {
		if err := c.Create(ctx, name, nil); err != nil {
			log.Fatal(err)
		}
	}
	counts := make([]uint32, len(mailboxes))
	p := c.Pipeline()
	for i, name := range mailboxes {
		p.Go(func(c *imap.Client) error {
			st, err := c.Status(ctx, name, imap.StatusMessages)
			if err == nil && st.Messages != nil {
				counts[i] = *st.Messages
			}
			return err
		})
	}
	if err := p.Wait(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(counts)
	// Output: [3 0 0]
}

func ExampleClient_Do() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	res, err := c.Do(ctx, "STATUS", "INBOX", imap.Atom("(MESSAGES)"))
	if err != nil {
		log.Fatal(err)
	}
	for _, u := range res.Untagged {
		fmt.Printf("%s %s\n", u.Name, u.Rest)
	}
	// Output: STATUS INBOX (MESSAGES 3)
}

func ExampleCodeOf() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, subject := range []string{"Lunch on Friday?", "Café receipt", "Your code is 483920"} {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: subject, Text: "Hello\n"})
	}

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}

	_, err = c.Select(ctx, "Nowhere", nil)
	fmt.Println(imap.CodeOf(err) == imap.CodeNonExistent)
	// Output: true
}

func ExampleUIDSet() {
	set, err := imap.ParseUIDSet("1:3,7")
	if err != nil {
		log.Fatal(err)
	}
	for uid := range set.All() {
		fmt.Print(uid, " ")
	}
	fmt.Println(set.Len(), set.Contains(4), imap.UIDs(9, 8, 7))
	// Output: 1 2 3 7 4 false 7:9
}

func ExampleParseInternalDate() {
	t, err := imap.ParseInternalDate(`17-Jul-1996 02:44:25 -0700`)
	fmt.Println(t.UTC(), err)
	fmt.Println(imap.FormatInternalDate(t))
	// Output:
	// 1996-07-17 09:44:25 +0000 UTC <nil>
	// "17-Jul-1996 02:44:25 -0700"
}

func ExampleEncodeMailboxName() {
	wire := imap.EncodeMailboxName("Entwürfe & Notizen")
	name, err := imap.DecodeMailboxName(wire)
	fmt.Println(wire, name, err)
	// Output: Entw&APw-rfe &- Notizen Entwürfe & Notizen <nil>
}
