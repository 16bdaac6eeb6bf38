package imaptest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	server "github.com/go-imaplib/imap/internal/imaptest"
)

// maxTranscript bounds the bytes of the transcript; the oldest part is dropped first.
const maxTranscript = 16 << 20

// recorder records the data sent in both directions.
type recorder struct {
	mu       sync.Mutex
	speeches []speech
	size     int
	commands []string
}

// speech is data that one side of a connection sent without an interruption by the other.
type speech struct {
	conn   int
	client bool
	text   []byte
}

func (r *recorder) said(conn int, client bool, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size += len(text)
	for r.size > maxTranscript && len(r.speeches) > 0 {
		r.size -= len(r.speeches[0].text)
		r.speeches = r.speeches[1:]
	}
	if n := len(r.speeches); n > 0 && r.speeches[n-1].conn == conn && r.speeches[n-1].client == client {
		r.speeches[n-1].text = append(r.speeches[n-1].text, text...)
		return
	}
	r.speeches = append(r.speeches, speech{conn, client, bytes.Clone(text)})
}

func (r *recorder) command(_ int, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, string(raw))
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, sp := range r.speeches {
		side := 'S'
		if sp.client {
			side = 'C'
		}
		for line := range strings.Lines(string(sp.text)) {
			fmt.Fprintf(&b, "%d %c: %s\n", sp.conn, side, strings.TrimRight(line, "\r\n"))
		}
	}
	return b.String()
}

// tail returns the end of the transcript.
func (r *recorder) tail() string {
	const most = 8 << 10
	text := r.text()
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	return "..." + text[strings.IndexByte(text, '\n'):]
}

// Transcript returns everything that was sent, line by line: the number of the connection, C for the client or S for the
// server, and the text.
//
//	1 S: * OK imaptest ready
//	1 C: a1 LOGIN user password
//
// The lines of one connection are in order. Only the last 16 MiB are kept. The transcript contains passwords.
func (s *Server) Transcript() string { return s.rec.text() }

// Commands returns the commands of all clients, in the order in which they arrived, without their tags. They contain
// passwords.
func (s *Server) Commands() []string {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	return slices.Clone(s.rec.commands)
}

// Script makes the server play a script on the next connection, line by line:
//
//	S: text      send text and CR LF
//	C: text      expect exactly this line and CR LF from the client
//	S+: text     send text without CR LF; the escapes of Go strings (\r \n \t \x00 \\) apply
//	C+: text     expect exactly these bytes; escapes apply
//	CLOSE        close the connection and end the script
//	STALL        wait until the client closes the connection
//	# text       comment; blank lines and indentation are ignored too
//
// "$" instead of a tag matches any tag in a C: line, and stands for the tag of the last command in an S: line; $1, $2 and so
// on are the tags of the first, second and following commands. If the client sends anything else, the test fails and the
// connection is closed. After the end of the script the connection remains open and silent.
func (s *Server) Script(script string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, script)
}

// play plays a script on a connection.
func (s *Server) play(c *conn, overTLS bool, script string) {
	var nc net.Conn = c
	if overTLS {
		conf, err := s.srv.ServerTLS()
		if err != nil {
			s.failf("imaptest: %v", err)
			c.Close()
			return
		}
		nc = tls.Server(c, conf)
	}
	server.Script(reporter{s}, &heard{nc, &s.rec, s.srv.NextConn()}, script)
}

// heard is a connection that records the data sent on it.
type heard struct {
	net.Conn
	rec *recorder
	id  int
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.rec.said(h.id, true, p[:n])
	return n, err
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.Conn.Write(p)
	h.rec.said(h.id, false, p[:n])
	return n, err
}

// reporter reports errors of a script.
type reporter struct{ s *Server }

func (r reporter) Helper()                           {}
func (r reporter) Fatalf(format string, args ...any) { r.s.failf(format, args...) }
func (r reporter) Errorf(format string, args ...any) { r.s.failf(format, args...) }
func (r reporter) Logf(string, ...any)               {}
func (r reporter) Cleanup(func())                    {}
