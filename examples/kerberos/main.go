// Kerberos logs in with the mechanism GSSAPI and a ticket of github.com/jcmturner/gokrb5. It shows how a mechanism that needs
// the name of the host and the channel binding implements imap.BoundMechanism. NTLM and GS2-KRB5-PLUS can be written alike.
//
//	cd examples/kerberos && KRB5_PASSWORD=… go run . -addr imap.example.org -user ada -realm EXAMPLE.ORG
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"

	"github.com/go-imaplib/imap"
)

func main() {
	addr := flag.String("addr", "", "the server, with TLS from the first byte")
	user := flag.String("user", "", "the principal without its realm; the password is in KRB5_PASSWORD")
	realm := flag.String("realm", "", "the realm")
	conf := flag.String("conf", "/etc/krb5.conf", "the configuration of Kerberos")
	bind := flag.Bool("bind", false, "bind the login to the server's certificate")
	flag.Parse()
	if *addr == "" {
		flag.Usage()
		return
	}
	settings, err := config.Load(*conf)
	if err != nil {
		log.Fatal(err)
	}
	kdc := client.NewWithPassword(*user, *realm, os.Getenv("KRB5_PASSWORD"), settings)
	defer kdc.Destroy()
	if err := kdc.Login(); err != nil {
		log.Fatal(err)
	}
	m := &GSSAPI{Tickets: kdc, User: kdc.Credentials.CName(), Realm: kdc.Credentials.Realm(), BindCertificate: *bind}
	c, err := imap.DialTLS(context.Background(), *addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := login(context.Background(), os.Stdout, c, m); err != nil {
		log.Fatal(err)
	}
}

// login logs in and prints the number of messages.
func login(ctx context.Context, out io.Writer, c *imap.Client, m imap.Mechanism) error {
	defer c.Close()
	if err := c.Authenticate(ctx, m); err != nil {
		return err
	}
	box, err := c.Examine(ctx, "INBOX", nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d messages\n", box.Exists)
	return c.Logout(ctx)
}
