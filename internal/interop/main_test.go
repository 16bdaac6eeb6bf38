package interop_test

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/go-imaplib/imap/internal/realserver"
)

// bridgeVar names a variable that makes the test binary a child process which speaks IMAP over its standard streams, by
// carrying them to the address in the variable.
const bridgeVar = "IMAP_INTEROP_BRIDGE"

func TestMain(m *testing.M) {
	if addr := os.Getenv(bridgeVar); addr != "" {
		bridge(addr)
		return
	}
	flag.Parse()
	moreParallel()
	code := m.Run()
	if err := realserver.StopAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// moreParallel lets more tests run at a time than there are processors: most of their time they wait for servers that
// look for news once a second.
func moreParallel() {
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
	}
}

func bridge(addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		io.Copy(conn, os.Stdin)
		conn.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(os.Stdout, conn)
}
