package imap_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/mail"
	"os"
	"strings"

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

// A whole message as net/mail reads it: what Section{} brings is all that it needs.
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
