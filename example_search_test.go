package imap_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// The newest messages of a large result.
func ExampleSearchOptions() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for range 1000 {
		srv.Deliver("INBOX", imaptest.Message{Subject: "News"})
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
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	found, err := c.Search(ctx, imap.Where().Unseen(), &imap.SearchOptions{Last: 50})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.UIDs, "of", found.Count)
	// Output: 951:1000 of 1000
}

// Sort and Thread on a server that has neither.
func ExampleOptions_localSort() {
	srv := imaptest.NewServer(nil, &imaptest.Options{Profile: imaptest.Gmail})
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{Subject: "Zebra", Header: map[string]string{"Message-ID": "<1@example.org>"}})
	srv.Deliver("INBOX", imaptest.Message{Subject: "Apples", Header: map[string]string{"Message-ID": "<2@example.org>"}})
	srv.Deliver("INBOX", imaptest.Message{Subject: "Re: Zebra", Header: map[string]string{"Message-ID": "<3@example.org>", "In-Reply-To": "<1@example.org>"}})

	ctx := context.Background()
	c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig(), LocalSort: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Examine(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	sorted, err := c.Sort(ctx, []imap.SortKey{{Name: "SUBJECT"}}, imap.Where())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sorted)
	threads, err := c.Thread(ctx, "REFERENCES", imap.Where())
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range threads {
		fmt.Println(t.Num, "has", len(t.Children), "answers")
	}
	// Output:
	// [2 1 3]
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

func ExampleSet_Minus() {
	onServer, here := imap.UIDRange(1, 10), imap.UIDs(1, 2, 3, 7, 12)
	fmt.Println("to fetch:", onServer.Minus(here))
	fmt.Println("to delete:", here.Minus(onServer))
	fmt.Println("in both:", here.Intersect(onServer))
	fmt.Println("in one of them:", here.Union(onServer))
	fmt.Println("the newest three:", onServer.Last(3))
	// Output:
	// to fetch: 4:6,8:10
	// to delete: 12
	// in both: 1:3,7
	// in one of them: 1:10,12
	// the newest three: 8:10
}

// Work on very many messages, in parts whose progress can be shown.
func ExampleClient_Batches() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	srv.Create("Archive", `\Archive`)
	for range 2500 {
		srv.Deliver("INBOX", imaptest.Message{Subject: "News"})
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
	for b, err := range c.Batches(ctx, imap.UIDRange(1, 0), 1000) {
		if err != nil {
			log.Fatal(err)
		}
		if _, err := c.Move(ctx, b.UIDs, "Archive"); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d of %d moved\n", b.Done+b.UIDs.Len(), b.Total)
	}
	// Output:
	// 1000 of 2500 moved
	// 2000 of 2500 moved
	// 2500 of 2500 moved
}
