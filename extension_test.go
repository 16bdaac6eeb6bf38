package imap_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// follow returns a client of a server that follows a transcript: "C: " is what the client has to send, octet for octet,
// "S: " what the server sends, "= DEFLATE" and "= CLOSE" change the connection, "#" starts a comment. The test fails when the
// client sends anything else, or less.
func follow(t *testing.T, path string) *imap.Client {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "transcripts", filepath.FromSlash(path)))
	require.NoError(t, err)
	return followText(t, string(text))
}

func followText(t *testing.T, transcript string) *imap.Client {
	t.Helper()
	steps, err := parseTranscript(transcript)
	require.NoError(t, err)
	near, far := tcpPair(t)
	result := make(chan error, 1)
	go func() {
		defer far.Close()
		result <- serveTranscript(far, steps)
	}()
	c, err := imap.NewClient(testContext(t), near, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
	return c
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

// transcriptStep is a run of lines of one kind: 'C', 'S' or '='.
type transcriptStep struct {
	kind byte
	text string
}

func parseTranscript(text string) ([]transcriptStep, error) {
	var steps []transcriptStep
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		prefix, rest, ok := strings.Cut(line, " ")
		if !ok || len(strings.TrimSuffix(prefix, ":")) != 1 {
			return nil, fmt.Errorf("not a line of a transcript: %q", line)
		}
		kind := prefix[0]
		if kind != '=' {
			rest += "\r\n"
		}
		if n := len(steps); n > 0 && kind != '=' && steps[n-1].kind == kind {
			steps[n-1].text += rest
			continue
		}
		steps = append(steps, transcriptStep{kind, rest})
	}
	return steps, nil
}

// transcriptServer is the server's end of a connection, compressed or not.
type transcriptServer struct {
	r *bufio.Reader
	w interface {
		io.Writer
		Flush() error
	}
}

func serveTranscript(conn net.Conn, steps []transcriptStep) error {
	s := &transcriptServer{bufio.NewReader(conn), bufio.NewWriter(conn)}
	for i, step := range steps {
		if err := s.step(conn, step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if rest, _ := io.ReadAll(s.r); len(rest) > 0 {
		return fmt.Errorf("the client sent more: %q", rest)
	}
	return nil
}

func (s *transcriptServer) step(conn net.Conn, step transcriptStep) error {
	switch step.kind {
	case 'S':
		if _, err := io.WriteString(s.w, step.text); err != nil {
			return err
		}
		return s.w.Flush()
	case 'C':
		got := make([]byte, len(step.text))
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := io.ReadFull(s.r, got)
		if err != nil || !bytes.Equal(got, []byte(step.text)) {
			return fmt.Errorf("want %q, got %q (%v)", step.text, got[:n], err)
		}
		return nil
	}
	switch step.text {
	case "DEFLATE":
		w, err := flate.NewWriter(conn, flate.DefaultCompression)
		s.r, s.w = bufio.NewReader(flate.NewReader(s.r)), w
		return err
	case "CLOSE":
		return conn.Close()
	}
	return errors.New("unknown step")
}

// login connects to a real server as a user of its own.
func login(t *testing.T, s *realserver.Server) *imap.Client {
	t.Helper()
	user, password, err := s.NewUser()
	require.NoError(t, err)
	return loginAs(t, s, user, password)
}

func loginAs(t *testing.T, s *realserver.Server, user, password string) *imap.Client {
	t.Helper()
	c, err := imap.DialInsecure(testContext(t), s.Addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(testContext(t), user, password))
	return c
}
