package imap_test

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

const transcriptDir = "testdata/transcripts"

// transcripts is what a client does in each script below transcriptDir, by path.
var transcripts = map[string]func(t *testing.T, c *imap.Client){}

// transcript says what a client does while the server plays a script: with
//
//	var _ = transcript("store/move.txt", func(t *testing.T, c *imap.Client) { … })
//
// beside the other tests of the concept, TestTranscripts runs it. The script makes sure that the client sends just what it
// says; calls checks what becomes of the answers.
func transcript(path string, calls func(t *testing.T, c *imap.Client)) struct{} {
	if transcripts[path] != nil {
		panic("two clients for the transcript " + path)
	}
	transcripts[path] = calls
	return struct{}{}
}

// TestTranscripts runs each script of testdata/transcripts, at once and octet by octet.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(transcriptDir), "*", "*.txt"))
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, file := range files {
		path := filepath.ToSlash(file)[len(transcriptDir)+1:]
		seen[path] = true
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		calls := transcripts[path]
		if calls == nil {
			t.Errorf("no client for the transcript %s", path)
			continue
		}
		for _, split := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/%d", path, split), func(t *testing.T) {
				calls(t, followSplit(t, &imap.Options{AllowInsecureAuth: true}, string(text), split))
			})
		}
	}
	for path := range transcripts {
		if !seen[path] {
			t.Errorf("the transcript %s does not exist", path)
		}
	}
}

// followText returns a client of a server that plays a script. The test fails when the client sends anything else than
// the script says, or less.
func followText(t *testing.T, script string) *imap.Client {
	t.Helper()
	return followWith(t, nil, script)
}

// followWith is followText for a client with options.
func followWith(t *testing.T, opts *imap.Options, script string) *imap.Client {
	t.Helper()
	return followSplit(t, opts, script, 0)
}

// followSplit is followWith with reads of so many octets, 0 for any.
func followSplit(t *testing.T, opts *imap.Options, script string, split int) *imap.Client {
	t.Helper()
	near, far := imaptest.Pipe()
	if split > 0 {
		near.SplitReads(split)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		imaptest.Script(t, &switchingConn{Conn: far}, script)
	}()
	t.Cleanup(func() {
		near.Close()
		far.Close()
		<-done
	})
	c, err := imap.NewClient(testContext(t), near, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// offering returns a client of a server that has just these capabilities, is logged in and plays the script.
func offering(t *testing.T, caps, script string) *imap.Client {
	t.Helper()
	return followText(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hello\n"+script)
}

// onlyNoop is the script of a test in which nothing may be sent: the next that comes is a NOOP.
const onlyNoop = "C: $ NOOP\nS: $ OK done\n"

// requireNothingSent ends a test with onlyNoop.
func requireNothingSent(t *testing.T, c *imap.Client) {
	t.Helper()
	require.NoError(t, c.Noop(testContext(t)))
}

// switchingConn is the server's end of a script: behind an OK that says so, it is compressed.
type switchingConn struct {
	net.Conn
	in  io.Reader
	out *flate.Writer
}

func (c *switchingConn) Read(b []byte) (int, error) {
	if c.in != nil {
		return c.in.Read(b)
	}
	return c.Conn.Read(b)
}

func (c *switchingConn) Write(b []byte) (int, error) {
	if c.out != nil {
		n, err := c.out.Write(b)
		if err != nil {
			return n, err
		}
		return n, c.out.Flush()
	}
	n, err := c.Conn.Write(b)
	if err == nil && bytes.Contains(b, []byte(" OK DEFLATE active\r\n")) {
		c.in = flate.NewReader(c.Conn)
		c.out, err = flate.NewWriter(c.Conn, flate.DefaultCompression)
	}
	return n, err
}

// testContext ends long after any test should have.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// tcpPair returns the two ends of a connection over loopback.
func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// loginAs connects to a real server and logs in.
func loginAs(t *testing.T, s *realserver.Server, user, password string) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(testContext(t), s.Addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testContext(t), user, password))
	return c
}
