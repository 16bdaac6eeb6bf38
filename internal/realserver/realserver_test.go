package realserver

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

// A client is the least that can hold a conversation: it sends lines and
// collects the answer up to the tagged one.
type client struct {
	t        *testing.T
	conn     net.Conn
	w        io.Writer
	r        *bufio.Reader
	n        int
	greeting string
}

func newClient(t *testing.T, r io.Reader, w io.Writer) *client {
	t.Helper()
	c := &client{t: t, w: w, r: bufio.NewReader(r)}
	c.greeting = c.line()
	return c
}

// dial connects by "plain", "starttls" or "tls".
func dial(t *testing.T, s *Server, how string, certs ...tls.Certificate) *client {
	t.Helper()
	addr, config := s.Addr, s.ClientTLS()
	config.Certificates = certs
	if how == "tls" {
		addr = s.TLSAddr
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if how == "tls" {
		conn = tls.Client(conn, config)
	}
	c := newClient(t, conn, conn)
	c.conn = conn
	if how == "starttls" {
		c.ok("STARTTLS")
		conn := tls.Client(c.conn, config)
		c.conn, c.w, c.r = conn, conn, bufio.NewReader(conn)
	}
	return c
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("after %q: %v", line, err)
	}
	return line
}

// cmd sends a command, answers each continuation request by the next of more,
// and returns all lines and the tagged one.
func (c *client) cmd(command string, more ...string) (all, tagged string) {
	c.t.Helper()
	c.n++
	tag := fmt.Sprintf("t%d ", c.n)
	if _, err := io.WriteString(c.w, tag+command+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	for {
		line := c.line()
		all += line
		switch {
		case strings.HasPrefix(line, tag):
			return all, strings.TrimPrefix(line, tag)
		case strings.HasPrefix(line, "+") && len(more) > 0:
			if _, err := io.WriteString(c.w, more[0]+"\r\n"); err != nil {
				c.t.Fatal(err)
			}
			more = more[1:]
		}
	}
}

func (c *client) ok(command string, more ...string) string {
	c.t.Helper()
	all, tagged := c.cmd(command, more...)
	if !strings.HasPrefix(tagged, "OK") {
		c.t.Fatalf("%.60s: %s", command, all)
	}
	return all
}

func (c *client) login(user, password string) {
	c.t.Helper()
	c.ok("LOGIN " + user + " " + password)
}

func plain(authz, user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(authz + "\x00" + user + "\x00" + password))
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not contain %q", text, p)
		}
	}
}

// eachServer runs f for the servers that are installed.
func eachServer(t *testing.T, f func(t *testing.T, s *Server)) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { f(t, Get(t, name)) })
	}
}

func TestTransports(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		t.Logf("%s %s", s.Name, s.Version)
		for _, how := range []string{"plain", "starttls", "tls"} {
			t.Run(how, func(t *testing.T) {
				c := dial(t, s, how)
				contains(t, c.greeting, "* OK")
				user, password, err := s.NewUser()
				if err != nil {
					t.Fatal(err)
				}
				c.login(user, password)
				t.Log(c.ok("CAPABILITY"))
				contains(t, strings.ToUpper(c.ok(`LIST "" *`)), "INBOX")
				name := s.Prefix + "fresh"
				c.ok("CREATE " + name)
				contains(t, c.ok(`LIST "" `+name), name)
				contains(t, c.ok("APPEND "+name+" {20}", "Subject: hello\r\n\r\nab"), "OK")
				contains(t, c.ok("SELECT "+name), "* 1 EXISTS")
				contains(t, c.ok("LOGOUT"), "* BYE")
			})
		}
	})
}

func TestStream(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		user, _, err := s.NewUser()
		if err != nil {
			t.Fatal(err)
		}
		cmd := s.StreamCommand(user)
		if has := slices.Contains([]string{"dovecot", "courier", "mox"}, s.Name); has != (cmd != nil) {
			t.Fatalf("%s has a stream program: %t, want %t", s.Name, cmd != nil, has)
		}
		if cmd == nil {
			return
		}
		w, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		r, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, r, w)
		contains(t, c.greeting, "* PREAUTH")
		contains(t, c.ok(`LIST "" *`), "INBOX")
		contains(t, c.ok("LOGOUT"), "* BYE")
		w.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestSpecialUser(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		user, password := s.SpecialUser()
		dial(t, s, "tls").ok("AUTHENTICATE PLAIN", plain("", user, password))
		user, password = s.User(0)
		dial(t, s, "tls").ok("AUTHENTICATE PLAIN", plain("", user, password))
		if s.Name != "courier" { // which waits for five seconds
			_, tagged := dial(t, s, "plain").cmd("LOGIN " + user + " wrong")
			contains(t, tagged, "NO")
		}
	})
}

// TestUsersAreNew takes more users than a server makes at a time.
func TestUsersAreNew(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		seen := map[string]bool{}
		var user, password string
		for range 30 {
			var err error
			if user, password, err = s.NewUser(); err != nil {
				t.Fatal(err)
			}
			if seen[user] {
				t.Fatalf("%s comes twice", user)
			}
			seen[user] = true
		}
		dial(t, s, "plain").login(user, password)
	})
}

func TestMasterUser(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		master, password := s.MasterUser()
		if has := slices.Contains([]string{"dovecot", "cyrus"}, s.Name); has != (master != "") {
			t.Fatalf("%s has a master user: %t, want %t", s.Name, master != "", has)
		}
		if master == "" {
			return
		}
		user, _ := s.User(1)
		dial(t, s, "tls").ok("AUTHENTICATE PLAIN", plain(user, master, password))
	})
}

func TestExternal(t *testing.T) {
	for _, name := range []string{"dovecot", "cyrus"} {
		t.Run(name, func(t *testing.T) {
			s := Get(t, name)
			user, _ := s.User(0)
			cert, err := s.ClientCertificate(user)
			if err != nil {
				t.Fatal(err)
			}
			dial(t, s, "tls", cert).ok("AUTHENTICATE EXTERNAL " + base64.StdEncoding.EncodeToString([]byte(user)))
		})
	}
}

func TestDovecotToken(t *testing.T) {
	s := Get(t, "dovecot")
	user, _ := s.User(0)
	answer := func(token string) string {
		return base64.StdEncoding.EncodeToString([]byte("n,a=" + user + ",\x01auth=Bearer " + token + "\x01\x01"))
	}
	dial(t, s, "tls").ok("AUTHENTICATE OAUTHBEARER", answer(s.Token(user)))
	_, tagged := dial(t, s, "tls").cmd("AUTHENTICATE OAUTHBEARER", answer(s.BadToken(user)), "AQ==")
	contains(t, tagged, "NO")
}

func TestDovecotQuota(t *testing.T) {
	s := Get(t, "dovecot")
	user, password, limit, err := s.QuotaUser()
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, "plain")
	c.login(user, password)
	contains(t, c.ok("GETQUOTAROOT INBOX"), "STORAGE", fmt.Sprint(limit/1024))
	_, tagged := c.cmd(fmt.Sprintf("APPEND INBOX {%d}", limit+1), strings.Repeat("x", int(limit)+1))
	contains(t, tagged, "NO [OVERQUOTA]")
}

func TestLargeMessage(t *testing.T) {
	const size = 101 << 20
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			s := Get(t, name)
			user, password, err := s.NewUser()
			if err != nil {
				t.Fatal(err)
			}
			c := dial(t, s, "plain")
			c.login(user, password)
			line := strings.Repeat("0123456789abcdef", 4)[:62] + "\r\n"
			head := "Subject: large\r\n\r\n"
			text := head + strings.Repeat(line, size/len(line))
			c.ok(fmt.Sprintf("APPEND INBOX {%d}", len(text)), text)
			c.ok("SELECT INBOX")
			contains(t, c.ok("FETCH 1 RFC822.SIZE"), fmt.Sprint(len(text)))
		})
	}
}

// TestRestart has a server of its own, which it may kill.
func TestRestart(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			Get(t, name)
			s, err := Start(name)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop()
			user, password, err := s.NewUser()
			if err != nil {
				t.Fatal(err)
			}
			c := dial(t, s, "plain")
			c.login(user, password)
			c.ok("CREATE " + s.Prefix + "kept")
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, c.conn); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Error(err)
			}
			if s.Running() {
				t.Error("it runs after Kill")
			}
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			c = dial(t, s, "tls")
			c.login(user, password)
			contains(t, c.ok(`LIST "" *`), "kept")
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			dial(t, s, "plain").login(user, password)
		})
	}
}

// A recorder stands for a test that is skipped or fails.
type recorder struct{ skipped, failed string }

func (r *recorder) Helper()                           {}
func (r *recorder) Skipf(format string, args ...any)  { r.skipped = fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func TestGetWithoutServer(t *testing.T) {
	const name = "absent"
	defer func() {
		sharedMu.Lock()
		delete(shared, name)
		sharedMu.Unlock()
	}()
	for _, test := range []struct {
		required string
		err      error
		skipped  bool
	}{
		{"", ErrNotInstalled, true},
		{"1", ErrNotInstalled, false},
		{"1", ErrNotPermitted, true},
		{"", io.ErrUnexpectedEOF, false},
	} {
		t.Setenv("IMAP_REQUIRE_SERVERS", test.required)
		sh := &sharedServer{err: fmt.Errorf("start: %w", test.err)}
		sh.once.Do(func() {})
		sharedMu.Lock()
		shared[name] = sh
		sharedMu.Unlock()
		var r recorder
		if Get(&r, name) != nil || (r.skipped != "") != test.skipped || (r.failed == "") != test.skipped {
			t.Errorf("%+v: %+v", test, r)
		}
	}
}

func TestStartUnknown(t *testing.T) {
	if _, err := Start("nonesuch"); err == nil {
		t.Error("no error")
	}
}

// TestDropCaches: what the server remembers of messages goes, and only that.
func TestDropCaches(t *testing.T) {
	s := Get(t, "dovecot")
	user, _, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DropCaches(user); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	dir := filepath.Join(s.dir, "mail", user, "Maildir")
	err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "dovecot.index"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, "dovecot.index.cache"), nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DropCaches(user); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "dovecot.index" {
		t.Error(left, err)
	}
	if err := (&Server{Name: "cyrus"}).DropCaches(user); err == nil {
		t.Error("cyrus has no caches")
	}
}
