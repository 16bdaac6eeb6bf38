package imaptest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// client drives a server with raw lines.
type client struct {
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
	n    int
}

func newClient(t *testing.T, conn net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, br: bufio.NewReader(conn)}
	c.line()
	return c
}

// line reads one line without CRLF; literals in it are read too.
func (c *client) line() string {
	c.t.Helper()
	var b strings.Builder
	for {
		part, err := c.br.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read: %v after %q", err, part)
		}
		text, ok := strings.CutSuffix(part, "\r\n")
		if !ok {
			c.t.Fatalf("line without CRLF: %q", part)
		}
		b.WriteString(text)
		size, _, isLit := literalSize([]byte(text))
		if !isLit {
			return b.String()
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(c.br, data); err != nil {
			c.t.Fatal(err)
		}
		b.WriteString("\r\n" + string(data))
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// cmd sends a command and returns everything up to its completion, which
// loses its tag, as lines separated by LF.
func (c *client) cmd(format string, args ...any) string {
	c.t.Helper()
	c.n++
	tag := fmt.Sprintf("T%d", c.n)
	c.send(tag + " " + fmt.Sprintf(format, args...) + "\r\n")
	return c.finish(tag)
}

func (c *client) finish(tag string) string {
	c.t.Helper()
	var lines []string
	for {
		l := c.line()
		rest, done := strings.CutPrefix(l, tag+" ")
		if done {
			return strings.Join(append(lines, rest), "\n")
		}
		lines = append(lines, l)
	}
}

// want runs a command and compares all of its responses.
func (c *client) want(command, want string) {
	c.t.Helper()
	if got := c.cmd("%s", command); got != want {
		c.t.Errorf("%s\n got: %s\nwant: %s", command, got, want)
	}
}

// has runs a command and looks for texts in its responses.
func (c *client) has(command string, want ...string) {
	c.t.Helper()
	got := c.cmd("%s", command)
	for _, w := range want {
		if !strings.Contains(got, w) {
			c.t.Errorf("%s\n got: %s\nwant: %s", command, got, w)
		}
	}
}

// login returns a client in the authenticated state.
func login(t *testing.T, s *Server) *client {
	t.Helper()
	c := newClient(t, s.Dial())
	c.has("LOGIN user password", "OK [CAPABILITY ")
	return c
}

var testDate = time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))

func fill(m *Mailbox, n int) {
	for i := 1; i <= n; i++ {
		m.Append(fmt.Appendf(nil, "Subject: message %d\r\nFrom: a@example.org\r\n\r\nbody %d\r\n", i, i), nil, testDate)
	}
}

func TestLoginAndLogout(t *testing.T) {
	c := newClient(t, New(t, nil).Dial())
	c.has("CAPABILITY", "* CAPABILITY IMAP4rev1 ", "STARTTLS", "AUTH=PLAIN", "OK CAPABILITY completed")
	c.want("LOGIN user wrong", "NO [AUTHENTICATIONFAILED] Invalid credentials")
	c.want("SELECT INBOX", "BAD Command is not valid before login")
	c.has(`LOGIN "user" {8+}`+"\r\npassword", "OK [CAPABILITY IMAP4rev1")
	c.has("LOGIN user password", "BAD ")
	c.want("XYZZY", "BAD Unknown command")
	c.want("LOGOUT", "* BYE imaptest logging out\nOK LOGOUT completed")
	if _, err := c.br.ReadByte(); err != io.EOF {
		t.Errorf("after LOGOUT: %v", err)
	}
}

func TestSynchronizingLiteral(t *testing.T) {
	c := newClient(t, New(t, nil).Dial())
	c.send("a LOGIN {4}\r\n")
	if l := c.line(); !strings.HasPrefix(l, "+ ") {
		t.Fatalf("got %q", l)
	}
	c.send("user {8}\r\n")
	c.line()
	c.send("password\r\n")
	if got := c.finish("a"); !strings.HasPrefix(got, "OK ") {
		t.Error(got)
	}
	c.send("b APPEND INBOX {99999999999}\r\n")
	if got := c.finish("b"); got != "NO [TOOBIG] Literal too large" {
		t.Error(got)
	}
}

func TestAuthenticate(t *testing.T) {
	s := New(t, nil)
	c := newClient(t, s.Dial())
	c.has("AUTHENTICATE PLAIN AHVzZXIAcGFzc3dvcmQ=", "OK [CAPABILITY")

	c = newClient(t, s.Dial())
	c.send("a AUTHENTICATE PLAIN\r\n")
	if l := c.line(); l != "+ " {
		t.Errorf("challenge %q", l)
	}
	c.send("*\r\n")
	if got := c.finish("a"); got != "BAD Authentication cancelled" {
		t.Error(got)
	}
	c.send("b AUTHENTICATE LOGIN\r\n")
	if l := c.line(); l != "+ VXNlcm5hbWU6" {
		t.Errorf("challenge %q", l)
	}
	c.send("dXNlcg==\r\n")
	c.line()
	c.send("cGFzc3dvcmQ=\r\n")
	if got := c.finish("b"); !strings.HasPrefix(got, "OK") {
		t.Error(got)
	}
}

func TestOptions(t *testing.T) {
	c := New(t, &Options{PreAuth: "bob", GreetingCaps: true, Caps: []string{"IMAP4rev1", "X"}}).Dial()
	defer c.Close()
	l, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || l != "* PREAUTH [CAPABILITY IMAP4rev1 X] imaptest ready\r\n" {
		t.Errorf("%q %v", l, err)
	}

	d := login(t, New(t, &Options{NoCaps: []string{"MOVE", "UIDPLUS", "IDLE", "ESEARCH"}}))
	if got := d.cmd("CAPABILITY"); strings.Contains(got, "MOVE") || strings.Contains(got, "IDLE") {
		t.Error(got)
	}
	d.cmd("SELECT INBOX")
	d.want("IDLE", "BAD Unknown command")
	d.want("MOVE 1 x", "BAD Unknown command")
	d.has("UID EXPUNGE 1", "BAD ")
	d.has("SEARCH RETURN (ALL) ALL", "BAD ")
	d.want("APPEND INBOX {1+}\r\nx", "* 1 EXISTS\n* 1 RECENT\nOK APPEND completed")

	e := newClient(t, New(t, &Options{LoginDisabled: true}).Dial())
	e.has("CAPABILITY", "LOGINDISABLED")
	e.want("LOGIN user password", "NO [PRIVACYREQUIRED] Credentials need TLS")
}

func TestTLS(t *testing.T) {
	s := New(t, &Options{LoginDisabled: true})
	addr, err := s.ListenTLS()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", addr, s.ClientTLS())
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, conn)
	c.has("LOGIN user password", "OK ")

	if addr, err = s.Listen(); err != nil {
		t.Fatal(err)
	}
	plain, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c = newClient(t, plain)
	c.has("STARTTLS", "OK ")
	secure := tls.Client(plain, s.ClientTLS())
	c = &client{t: t, conn: secure, br: bufio.NewReader(secure)}
	if got := c.cmd("CAPABILITY"); strings.Contains(got, "STARTTLS") || !strings.Contains(got, "AUTH=PLAIN") {
		t.Error(got)
	}
	c.has("LOGIN user password", "OK ")
}

func TestServe(t *testing.T) {
	s := New(t, nil)
	client, server := Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(struct{ io.ReadWriteCloser }{server})
	}()
	c := newClient(t, client)
	if got := c.cmd("CAPABILITY"); strings.Contains(got, "STARTTLS") {
		t.Error(got)
	}
	c.cmd("LOGOUT")
	<-done
}
