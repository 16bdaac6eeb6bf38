package imaptest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/imaptest"
)

func ExampleServer_Inject() {
	srv := imaptest.NewServer(nil, &imaptest.Options{Profile: imaptest.Gmail})
	defer srv.Close()
	srv.Inject(imaptest.Fault{Command: "SEARCH", Reply: "BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds"})

	opts := &imap.Options{TLSConfig: srv.TLSConfig(), Dialer: srv} // whatever address the program dials
	_, err := unseen(context.Background(), "imap.gmail.com", opts)
	fmt.Println(err)
	// Output: imap: UID SEARCH: BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds
}

func ExampleServer_Commands() {
	var t testing.TB // of the test
	srv := imaptest.NewServer(t, nil)
	defer srv.Close()
	opts := &imap.Options{TLSConfig: srv.TLSConfig()}
	unseen(context.Background(), srv.TLSAddr(), opts)
	for _, command := range srv.Commands()[2:] { // behind CAPABILITY and AUTHENTICATE
		fmt.Println(command)
	}
	// Output:
	// EXAMINE INBOX
	// UID SEARCH RETURN (ALL) UNSEEN
	// LOGOUT
}
