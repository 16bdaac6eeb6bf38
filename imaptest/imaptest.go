// Package imaptest is an IMAP server in memory, for tests of programs that read mail: what net/http/httptest is to HTTP.
//
//	srv := imaptest.NewServer(t, nil) // user "user" with the password "password"
//	srv.Deliver("INBOX", imaptest.Message{From: "ada@example.org", Subject: "Lunch?", Text: "On Friday."})
//
// A program under test reaches the server in whichever way it takes its connections: by an address ([Server.Addr],
// [Server.TLSAddr]), by a connection in memory ([Server.Dial]), or by a dialer that it is given ([Server.DialContext]).
// Connections in memory wait on channels only, so that they work in a bubble of testing/synctest.
//
// The test is another client of the same account: it delivers messages, changes flags and expunges ([Account]), and looks
// at what the program left ([Account.Messages]), said ([Server.Commands]) and was told ([Server.Transcript]). It makes
// things go wrong by [Server.Inject], [Server.DropConnections], [Server.Stop] and [Server.Restart]. What no server would
// do is played from a script ([Server.Script]).
//
// The server is a test double. It keeps to the RFCs closely enough that a client cannot tell, and shares no code with
// any client; but it stores nothing on disk and is made for neither load nor the open network.
package imaptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	server "github.com/go-imaplib/imap/internal/imaptest"
)

// Options configure a Server. nil and the zero value are one user, "user" with the password "password", whose INBOX is
// empty, on a server that offers what is in wide use. Caps has it offer more, such as CATENATE, NOTIFY or X-GM-EXT-1.
type Options struct {
	// Users are names with their passwords, which are also their OAuth tokens. The methods of the Server that are about
	// mailboxes are about those of the first in alphabetical order; Server.User has the others.
	Users map[string]string

	// Mailboxes of that user, with their messages.
	Mailboxes map[string][]Message

	// Profile makes the server offer and answer what a known one does.
	Profile Profile

	// Caps are the capabilities to offer, in place of all or of the profile's. A name that the server does not know is
	// announced all the same. Without are capabilities not to offer.
	Caps, Without []string

	// RequireTLS refuses to log in on connections without TLS.
	RequireTLS bool

	// MaxConnections refuses more connections at a time than this, as the profile does it. 0 is no bound.
	MaxConnections int
}

// Server is an IMAP server in memory. All methods are safe for concurrent use. The Account is that of the first user.
type Server struct {
	*Account

	tb   testing.TB
	opts Options
	look look
	srv  *server.Server
	rec  recorder
	wg   sync.WaitGroup

	mu        sync.Mutex
	listeners map[bool]*listener // by whether they speak TLS
	conns     map[*conn]struct{}
	faults    []*injected
	scripts   []string
	down      bool
	closed    bool
}

// NewServer starts a server, which ends with the test. A test that fails logs the end of the transcript. tb may be nil in
// a program that is no test; then the caller must call Close, and a misuse panics.
func NewServer(tb testing.TB, opts *Options) *Server {
	if opts == nil {
		opts = &Options{}
	}
	s := &Server{tb: tb, opts: *opts, look: looks[opts.Profile], listeners: map[bool]*listener{}, conns: map[*conn]struct{}{}}
	if _, known := looks[opts.Profile]; !known {
		s.failf("imaptest: no profile %q", opts.Profile)
	}
	if s.opts.Users == nil {
		s.opts.Users = map[string]string{"user": "password"}
	}
	s.srv = server.Start(s.serverOptions())
	s.Account = s.User(slices.Min(slices.Collect(maps.Keys(s.opts.Users))))
	for user := range s.opts.Users {
		s.look.furnish(s.User(user))
	}
	for _, name := range slices.Sorted(maps.Keys(s.opts.Mailboxes)) {
		s.Create(name, "")
		for _, m := range s.opts.Mailboxes[name] {
			s.Deliver(name, m)
		}
	}
	if tb != nil {
		tb.Helper()
		tb.Cleanup(func() {
			s.Close()
			if tb.Failed() {
				tb.Logf("imaptest: the end of what was said:\n%s", s.rec.tail())
			}
		})
	}
	return s
}

// serverOptions are those of the server below.
func (s *Server) serverOptions() *server.Options {
	o := &server.Options{
		Users: s.opts.Users, NoCaps: s.opts.Without, LoginDisabled: s.opts.RequireTLS,
		OAuth: true, GreetingCaps: s.look.greetingCaps, Style: s.look.style,
		Hooks: server.Hooks{Said: s.rec.said, Command: s.rec.command, Fault: s.fault},
	}
	o.Style.Before, o.Style.After = server.Implemented(o.Style.Before), server.Implemented(o.Style.After)
	if s.opts.Profile == "" {
		o.Style.Before, o.Style.After = nil, nil
	}
	if s.opts.Caps != nil {
		o.Style.Before, o.Style.After = offered(s.opts.Caps)
	}
	return o
}

// offered returns the capabilities before and after login of a server with these. Where they name no mechanism and no way
// to TLS, there are the usual ones.
func offered(caps []string) (before, after []string) {
	after, before = []string{"IMAP4rev1"}, []string{"IMAP4rev1"}
	mechanisms := false
	for _, c := range caps {
		upper := strings.ToUpper(c)
		mechanism := strings.HasPrefix(upper, "AUTH=")
		mechanisms = mechanisms || mechanism
		if upper == "IMAP4REV1" {
			continue
		}
		before = append(before, c)
		if !mechanism && upper != "STARTTLS" && upper != "LOGINDISABLED" {
			after = append(after, c)
		}
	}
	if !mechanisms {
		before = append(before, "STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER")
	}
	return before, after
}

// failf reports a misuse.
func (s *Server) failf(format string, args ...any) {
	if s.tb == nil {
		panic(fmt.Sprintf(format, args...))
	}
	s.tb.Helper()
	s.tb.Errorf(format, args...)
}

// Close ends all connections and waits for their goroutines. The end of the test does it too.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.shut()
	s.srv.Close()
	s.wg.Wait()
}

// shut closes the listeners and the connections.
func (s *Server) shut() {
	s.mu.Lock()
	for _, l := range s.listeners {
		if l.Listener != nil {
			l.Close()
			l.Listener = nil
		}
	}
	s.mu.Unlock()
	s.DropConnections()
}

// DropConnections closes all connections without a word, as a network does that goes away. New ones are accepted.
func (s *Server) DropConnections() {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// Stop is the end of the server's process: connections are lost, new ones refused. Mailboxes stay as they are.
func (s *Server) Stop() {
	s.mu.Lock()
	s.down = true
	s.mu.Unlock()
	s.shut()
}

// Restart stops the server, if it runs, and starts it again at the same addresses.
func (s *Server) Restart() {
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.down = false
	for overTLS, l := range s.listeners {
		if err := s.listen(l, overTLS); err != nil {
			s.failf("imaptest: restart: %v", err)
		}
	}
}

// Connections returns how many connections are open.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// User returns the account of a user. One that is not in Options.Users has no password, until SetPassword gives one.
func (s *Server) User(name string) *Account {
	return &Account{s: s, name: name, user: s.srv.User(name)}
}

// TLSConfig returns a client configuration that trusts the server's certificate, whatever host was dialled. Its RootCAs
// are the certificate pool.
func (s *Server) TLSConfig() *tls.Config { return s.srv.ClientTLS() }

// ---- connections

// listener is a listener at an address that stays over restarts.
type listener struct {
	net.Listener // nil while the server is stopped
	addr         string
}

// Addr returns the address of a listener on 127.0.0.1 that speaks no TLS but offers STARTTLS, where the capabilities have
// it. It begins to listen with the first call.
func (s *Server) Addr() string { return s.address(false) }

// TLSAddr returns the address of a listener on 127.0.0.1 that speaks TLS from the first byte. It begins to listen with
// the first call.
func (s *Server) TLSAddr() string { return s.address(true) }

func (s *Server) address(overTLS bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.listeners[overTLS]
	if l == nil {
		l = &listener{addr: "127.0.0.1:0"}
		if err := s.listen(l, overTLS); err != nil {
			s.failf("imaptest: %v", err)
			return ""
		}
		s.listeners[overTLS] = l
	}
	return l.addr
}

// listen needs s.mu.
func (s *Server) listen(l *listener, overTLS bool) error {
	nl, err := net.Listen("tcp", l.addr)
	if err != nil {
		return err
	}
	l.Listener, l.addr = nl, nl.Addr().String()
	if s.closed || s.down {
		nl.Close()
		l.Listener = nil
		return nil
	}
	s.wg.Go(func() {
		for {
			c, err := nl.Accept()
			if err != nil {
				return
			}
			s.serve(c, overTLS)
		}
	})
	return nil
}

// Dial connects in memory, without TLS. The connection's addresses are on the loopback interface, so that clients send
// passwords over it.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	return s.DialContext(ctx, "tcp", "127.0.0.1:143")
}

// DialContext is Dial for programs that take a dialer: whatever the address is, the connection is to this server, with
// TLS from the first byte for the port 993, and without for all others.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	remote := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 143}
	_, port, _ := net.SplitHostPort(addr)
	if port == "993" {
		remote.Port = 993
	}
	s.mu.Lock()
	refuses := s.down || s.closed
	s.mu.Unlock()
	if refuses {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	client, end := server.Pipe()
	local := &net.TCPAddr{IP: remote.IP, Port: 50000}
	return &addressed{client, s.serve(end, port == "993"), local, remote}, nil
}

// addressed is a connection in memory with addresses.
type addressed struct {
	net.Conn
	end           *conn // of the server
	local, remote net.Addr
}

// Close ends the connection. It no longer counts, however late the server sees that.
func (c *addressed) Close() error {
	c.end.forget()
	return c.Conn.Close()
}

func (c *addressed) LocalAddr() net.Addr  { return c.local }
func (c *addressed) RemoteAddr() net.Addr { return c.remote }

// conn is the server's end of a connection.
type conn struct {
	net.Conn
	s *Server
}

// Close ends the connection and forgets it.
func (c *conn) Close() error {
	c.forget()
	return c.Conn.Close()
}

func (c *conn) forget() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.conns, c)
}

// serve serves a connection: the next script, or the mailboxes.
func (s *Server) serve(nc net.Conn, overTLS bool) *conn {
	c := &conn{nc, s}
	s.mu.Lock()
	if s.down || s.closed {
		s.mu.Unlock()
		nc.Close()
		return c
	}
	s.conns[c] = struct{}{}
	script, scripted := "", len(s.scripts) > 0
	if scripted {
		script, s.scripts = s.scripts[0], s.scripts[1:]
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if scripted {
		go func() {
			defer s.wg.Done()
			s.play(c, overTLS, script)
		}()
		return c
	}
	if err := s.srv.ServeConn(c, overTLS); err != nil {
		s.failf("imaptest: %v", err)
		c.Close()
	}
	return c
}

// ---- faults

// Fault is something that goes wrong with a command: the answer is another one (Reply), comes late (Delay), or is cut off
// (Drop, Stall). Where it is cut off, the command has been carried out all the same.
type Fault struct {
	// Command is the command that it happens to, such as "FETCH", with or without UID; "" is any. "CONNECT" is the
	// greeting of a connection.
	Command string

	Skip  int // it does not happen to the first ones that match
	Times int // it happens so often: 0 is once, and -1 always

	// Reply is the answer in place of what the command does: "NO [OVERQUOTA] Full", "BAD What?" or
	// "BYE [UNAVAILABLE] Going down", which ends the connection.
	Reply string

	Delay time.Duration // the answer comes so much later

	After int64 // so many bytes of what the server says from then on arrive before Drop and Stall
	Drop  bool  // then the connection is closed
	Stall bool  // then nothing arrives any more, and the connection stays open
}

// injected is a fault with how often it may happen.
type injected struct {
	Fault
	skip, left int
}

// Inject makes a fault happen to the next commands that match it. The first of several that match happens. remove takes
// it back, if it is still there.
func (s *Server) Inject(f Fault) (remove func()) {
	in := &injected{Fault: f, skip: f.Skip, left: f.Times}
	if f.Times == 0 {
		in.left = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, in)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(o *injected) bool { return o == in })
	}
}

// fault is the fault that happens to a command now.
func (s *Server) fault(_ int, command string) *server.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.tooMany(command); f != nil {
		return f
	}
	for i, in := range s.faults {
		if in.Command != command && (in.Command != "" || command == "CONNECT") {
			continue
		}
		if in.skip > 0 {
			in.skip--
			continue
		}
		if in.left--; in.left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &server.Fault{Reply: in.Reply, Delay: in.Delay, After: in.After, Drop: in.Drop, Stall: in.Stall}
	}
	return nil
}

// tooMany is the fault of a connection above the bound. It needs s.mu.
func (s *Server) tooMany(command string) *server.Fault {
	if s.opts.MaxConnections <= 0 || len(s.conns) <= s.opts.MaxConnections {
		return nil
	}
	atLogin := s.look.tooManyAtLogin && (command == "LOGIN" || command == "AUTHENTICATE")
	if !atLogin && (s.look.tooManyAtLogin || command != "CONNECT") {
		return nil
	}
	return &server.Fault{Reply: s.look.tooMany, Drop: s.look.tooMany == ""}
}
