package imap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/mail"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

// The text of messages, whatever their encoding and structure.
func ExampleClient_FetchText() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{Raw: []byte("Subject: Menu\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"Cr=E8me br=FBl=E9e\r\n")})

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
	opts := &imap.TextOptions{Items: []imap.FetchItem{imap.FetchEnvelope}}
	for t, err := range c.FetchText(ctx, imap.SeqRange(1, 0), opts) {
		if t == nil {
			log.Fatal(err)
		}
		fmt.Printf("%s (%s): %s", t.Message.Envelope.Subject, t.MediaType, t.Text)
	}
	// Output: Menu (text/plain): Crème brûlée
}

func ExampleClient_Previews() {
	srv := imaptest.NewServer(nil, &imaptest.Options{Without: []string{"PREVIEW"}}) // as most servers are
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{Subject: "Lunch", Text: "On Friday\nat noon?\n> quoted\n"})

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
	for m, err := range c.Previews(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope) {
		if m == nil {
			log.Fatal(err)
		}
		fmt.Println(m.Envelope.Subject, "-", m.Preview)
	}
	// Output: Lunch - On Friday at noon?
}

// A message with two forms of its text, an image in one of them, and a file.
func ExampleBodyStructure_Attachments() {
	b := &imap.BodyStructure{Type: "multipart", Subtype: "mixed", Children: []*imap.BodyStructure{
		{Part: []int{1}, Type: "multipart", Subtype: "alternative", Children: []*imap.BodyStructure{
			{Part: []int{1, 1}, Type: "text", Subtype: "plain"},
			{Part: []int{1, 2}, Type: "multipart", Subtype: "related", Children: []*imap.BodyStructure{
				{Part: []int{1, 2, 1}, Type: "text", Subtype: "html"},
				{Part: []int{1, 2, 2}, Type: "image", Subtype: "png", ID: "<logo>"},
			}},
		}},
		{Part: []int{2}, Type: "application", Subtype: "pdf", Encoding: "base64", Size: 78_000, Disposition: "attachment",
			DispositionParams: []imap.Param{{Name: "filename", Value: "=?utf-8?q?B=C3=BCcher=2Epdf?="}}},
	}}
	for _, p := range b.TextParts() {
		fmt.Println("text", p.Part, p.MediaType())
	}
	for _, p := range b.HTMLParts() {
		fmt.Println("HTML", p.Part, p.MediaType())
	}
	for _, p := range b.Inline() {
		fmt.Println("inline", p.Part, "cid:"+p.ContentID())
	}
	for _, p := range b.Attachments() {
		size, _ := p.DecodedSize()
		fmt.Println("file", p.Part, p.Filename(), size)
	}
	// Output:
	// text [1 1] text/plain
	// HTML [1 2 1] text/html
	// inline [1 2 2] cid:logo
	// file [2] Bücher.pdf 57000
}

// An attachment of any size goes to a file in constant memory.
func ExampleBody_Decoded() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	file := imaptest.Attachment{Name: "hello.txt", Type: "text/plain", Data: []byte("hello world\n")}
	uid := srv.Deliver("INBOX", imaptest.Message{Subject: "The file", Attachments: []imaptest.Attachment{file}})

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
	m, err := c.FetchOne(ctx, imap.UID(uid), imap.FetchBodyStructure)
	if err != nil {
		log.Fatal(err)
	}
	for _, part := range m.BodyStructure.Attachments() {
		fmt.Println(part.SafeFilename())
		for m, err := range c.FetchStream(ctx, imap.UIDs(m.UID), part.Section()) {
			if err != nil {
				log.Fatal(err)
			}
			for body, err := range m.Bodies() {
				if err != nil {
					log.Fatal(err)
				}
				if _, err := io.Copy(os.Stdout, body.Decoded(part)); err != nil { // a file, most often
					log.Fatal(err)
				}
			}
		}
	}
	// Output:
	// hello.txt
	// hello world
}

func ExampleBodyStructure_SafeFilename() {
	parts := []*imap.BodyStructure{
		{Type: "application", Subtype: "pdf", DispositionParams: []imap.Param{{Name: "filename", Value: "../report.pdf"}}},
		{Type: "application", Subtype: "pdf", DispositionParams: []imap.Param{{Name: "filename", Value: "=?utf-8?Q?report.pdf?="}}},
		{Type: "image", Subtype: "png"},
	}
	taken := map[string]bool{} // or os.OpenFile with os.O_EXCL
	for _, part := range parts {
		name := part.SafeFilename()
		dot := strings.LastIndexByte(name, '.')
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = part.SafeFilename()
			name = fmt.Sprintf("%s (%d)%s", name[:dot], n, name[dot:])
		}
		taken[strings.ToLower(name)] = true
		fmt.Println(name)
	}
	// Output:
	// report.pdf
	// report (2).pdf
	// attachment.png
}

func ExampleBodyStructure_DecodeText() {
	part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: "quoted-printable",
		Params: []imap.Param{{Name: "charset", Value: "iso-8859-1"}}}
	text, err := io.ReadAll(part.DecodeText(strings.NewReader("Gr=FC=DFe")))
	fmt.Println(string(text), err)
	// Output: Grüße <nil>
}

// A whole message as net/mail reads it: Section{} fetches all that it needs.
func ExampleMessage_Section_netMail() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	uid := srv.Deliver("INBOX", imaptest.Message{Raw: []byte("Subject: Lunch on Friday?\r\n\r\nAt noon\r\n")})

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
	m, err := c.FetchOne(ctx, imap.UID(uid), imap.Section{})
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
	fmt.Printf("%s %q\n", msg.Header.Get("Subject"), body)
	// Output: Lunch on Friday? "At noon\r\n"
}

func ExampleDecodeText() {
	fmt.Println(imap.DecodeText("=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IGF1cyBLw7Zsbg==?="))
	// Output: Grüße aus Köln
}

func ExampleParseAddressList() {
	for _, a := range imap.ParseAddressList(`"Lovelace, Ada" <ada@example.org>, =?utf-8?q?Andr=C3=A9?= <a@example.net>`) {
		fmt.Printf("%s at %s\n", a.Name, a.Addr())
	}
	// Output:
	// Lovelace, Ada at ada@example.org
	// André at a@example.net
}

func ExampleBaseSubject() {
	fmt.Println(imap.BaseSubject("Re: [list] Fwd: Lunch on Friday? (fwd)"))
	// Output: Lunch on Friday?
}

// How to handle an error: log in with another password, or try again later.
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

// Some servers require an identification: 163.com and 126.com refuse SELECT otherwise.
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

// A new token for each connection. A program would use a source of golang.org/x/oauth2, as in examples/gmail.
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

// A message with Unix line endings, as programs make it.
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

// Copy a message to a server that stores other flags.
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

// Check the connection without a command.
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

// What a server reports while a command runs.
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

// A pool of two connections for many goroutines. Do calls the function again if the connection was lost before anything was
// sent.
func ExamplePool_Do() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for _, mailbox := range []string{"INBOX", "Archive", "Sent"} {
		srv.Deliver(mailbox, imaptest.Message{Subject: "in " + mailbox})
	}
	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv}

	pool := &imap.Pool{Max: 2, Dial: func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialTLS(ctx, "imap.example.org", opts)
		if err != nil {
			return nil, err
		}
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}}
	defer pool.Close()

	ctx := context.Background()
	var wg sync.WaitGroup
	subjects := make([]string, 3)
	for i, mailbox := range []string{"INBOX", "Archive", "Sent"} {
		wg.Go(func() {
			err := pool.Do(ctx, mailbox, func(c *imap.Client) error {
				m, err := c.FetchOne(ctx, 1, imap.FetchEnvelope)
				if err != nil {
					return err
				}
				subjects[i] = m.Envelope.Subject
				return nil
			})
			if err != nil {
				log.Print(err)
			}
		})
	}
	wg.Wait()
	fmt.Println(subjects)
	// Output: [in INBOX in Archive in Sent]
}

func ExampleWatch() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	srv.Deliver("INBOX", imaptest.Message{Subject: "Lunch on Friday?"})
	srv.Deliver("INBOX", imaptest.Message{Subject: "Your code is 483920"})
	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv}

	dial := func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialTLS(ctx, "imap.example.org", opts)
		if err != nil {
			return nil, err
		}
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	var state imap.SyncState // as it was stored by the run before
	for ch, err := range imap.Watch(context.Background(), dial, "INBOX", state, nil) {
		if ch == nil {
			log.Fatal(err)
		}
		if ch.Kind == imap.ChangeNew {
			fmt.Println(ch.Message.UID, ch.Message.Envelope.Subject)
		}
		state = ch.State // to be stored, as JSON for example
		if state.UIDs.Len() == 2 {
			break
		}
	}
	// Output:
	// 1 Lunch on Friday?
	// 2 Your code is 483920
}

// What changed since the state that the last run stored.
func ExampleClient_Sync() {
	srv := imaptest.NewServer(nil, nil) // in life a server at imap.example.org
	defer srv.Close()
	for range 3 {
		srv.Deliver("INBOX", imaptest.Message{Subject: "News"})
	}

	ctx := context.Background()
	var stored []byte // in a file, most often
	run := func() {
		c, err := imap.DialTLS(ctx, srv.TLSAddr(), &imap.Options{TLSConfig: srv.TLSConfig()})
		if err != nil {
			log.Fatal(err)
		}
		defer c.Logout(ctx)
		if err := c.AuthenticatePassword(ctx, "user", "password"); err != nil {
			log.Fatal(err)
		}
		var state imap.SyncState
		if len(stored) > 0 {
			if err := json.Unmarshal(stored, &state); err != nil {
				log.Fatal(err)
			}
		}
		res, err := c.Sync(ctx, "INBOX", state, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("reset %v, new %v, gone %v, %d with other flags\n", res.Reset, res.New, res.Vanished, len(res.Changed))
		if stored, err = json.Marshal(res.State); err != nil {
			log.Fatal(err)
		}
	}
	run()
	srv.Deliver("INBOX", imaptest.Message{Subject: "More news"})
	srv.SetFlags("INBOX", 1, `\Seen`)
	srv.Expunge("INBOX", 2)
	run()
	// Output:
	// reset false, new 1:3, gone , 0 with other flags
	// reset false, new 4, gone 2, 1 with other flags
}

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

// Process very many messages in parts, for example to show progress.
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
