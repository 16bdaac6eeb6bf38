package imap_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
)

// The text of messages, whatever their encoding and structure: in a program srv.Dial would be DialTLS.
func ExampleClient_FetchText() {
	srv := imaptest.Start(nil)
	defer srv.Close()
	srv.User("user").Mailbox("INBOX").Append([]byte("Subject: Menu\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+
		"Cr=E8me br=FBl=E9e\r\n"), nil, time.Now())

	ctx := context.Background()
	c, err := imap.NewClient(ctx, srv.Dial(), &imap.Options{AllowInsecureAuth: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.Login(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
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
	srv := imaptest.Start(nil)
	defer srv.Close()
	srv.User("user").Mailbox("INBOX").Append([]byte("Subject: The file\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=hello.bin\r\n"+
		"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n"), nil, time.Now())

	ctx := context.Background()
	c, err := imap.NewClient(ctx, srv.Dial(), &imap.Options{AllowInsecureAuth: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Logout(ctx)
	if err := c.Login(ctx, "user", "password"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		log.Fatal(err)
	}
	m, err := c.FetchOne(ctx, 1, imap.FetchBodyStructure)
	if err != nil {
		log.Fatal(err)
	}
	for _, part := range m.BodyStructure.Attachments() {
		fmt.Println(part.Filename())
		for m, err := range c.FetchStream(ctx, imap.UIDs(1), part.Section()) {
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
	// hello.bin
	// hello world
}

func ExampleBodyStructure_DecodeText() {
	part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: "quoted-printable",
		Params: []imap.Param{{Name: "charset", Value: "iso-8859-1"}}}
	text, err := io.ReadAll(part.DecodeText(strings.NewReader("Gr=FC=DFe")))
	fmt.Println(string(text), err)
	// Output: Grüße <nil>
}

func ExampleSet_Minus() {
	onServer, here := imap.UIDRange(1, 10), imap.UIDs(1, 2, 3, 7, 12)
	fmt.Println("to fetch:", onServer.Minus(here))
	fmt.Println("to delete:", here.Minus(onServer))
	fmt.Println("the newest three:", onServer.Last(3))
	// Output:
	// to fetch: 4:6,8:10
	// to delete: 12
	// the newest three: 8:10
}
