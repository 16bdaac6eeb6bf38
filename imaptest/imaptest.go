// Package imaptest provides an IMAP server in memory for testing programs that read mail, like net/http/httptest for HTTP.
//
//	srv := imaptest.NewServer(t, nil) // user "user" with the password "password"
//	srv.Deliver("INBOX", imaptest.Message{From: "ada@example.org", Subject: "Lunch?", Text: "On Friday."})
//
// A program under test can reach the server by an address ([Server.Addr], [Server.TLSAddr]), by a connection in memory
// ([Server.Dial]), or by a dialer that is passed to it ([Server.DialContext]). Connections in memory wait on channels only,
// so that they work in a bubble of testing/synctest.
//
// The test acts like another client of the same account: it delivers messages, changes flags and expunges ([Account]), and
// examines the resulting mailboxes ([Account.Messages]), the commands ([Server.Commands]) and the conversation
// ([Server.Transcript]). [Server.Inject], [Server.DropConnections], [Server.Stop] and [Server.Restart] cause failures.
// [Server.Script] plays a scripted conversation, for behavior that no server has.
//
// The server is a test double. It follows the RFCs closely enough that a client sees no difference, and shares no code with
// any client; but it stores nothing on disk and is not meant for load or the open network.
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

// Options configures a Server. nil and the zero value mean one user, "user" with the password "password" and an empty INBOX,
// on a server that offers the capabilities in wide use. Caps can add others, such as CATENATE, NOTIFY or X-GM-EXT-1.
type Options struct {
	// Users maps names to passwords, which are also OAuth tokens. The methods of Server that concern mailboxes are for the
	// first user in alphabetical order; Server.User returns the others.
	Users map[string]string

	// Mailboxes are the mailboxes of that user, with their messages.
	Mailboxes map[string][]Message

	// Profile makes the server imitate a known one.
	Profile Profile

	// Caps are the capabilities to offer, instead of the default or the profile's. A name that the server does not know is
	// announced too. Without lists capabilities that are not offered.
	Caps, Without []string

	// RequireTLS makes the server refuse logins on connections without TLS.
	RequireTLS bool

	// MaxConnections is the maximum number of connections; further ones are refused in the way of the profile. 0 means no
	// limit.
	MaxConnections int
}

// Server is an IMAP server in memory. All methods are safe for concurrent use. The embedded Account is that of the first
// user.
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

// NewServer starts a server that is closed when the test ends. If the test fails, the end of the transcript is logged.
// tb may be nil outside of tests; the caller must then call Close, and a misuse panics.
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

// serverOptions returns the options of the underlying server.
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

// offered returns the capabilities before and after login. If caps has neither a mechanism nor STARTTLS, the usual ones are
// added.
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

// Close ends all connections and waits for their goroutines. It is called automatically when the test ends.
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

// DropConnections closes all connections without a BYE, like a network failure. New ones are accepted.
func (s *Server) DropConnections() {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// Stop simulates the end of the server's process: connections are lost, and new ones refused. Mailboxes are kept.
func (s *Server) Stop() {
	s.mu.Lock()
	s.down = true
	s.mu.Unlock()
	s.shut()
}

// Restart stops the server, if it is running, and starts it again at the same addresses.
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

// Connections returns the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// User returns the account with the given name. An account that is not listed in Options.Users cannot log in until
// SetPassword is called.
func (s *Server) User(name string) *Account {
	return &Account{s: s, name: name, user: s.srv.User(name)}
}

// TLSConfig returns a client configuration that trusts the server's certificate for any host. Its RootCAs are the
// certificate pool.
func (s *Server) TLSConfig() *tls.Config { return s.srv.ClientTLS() }

// ---- connections

// listener is a listener at an address that it keeps over restarts.
type listener struct {
	net.Listener // nil while the server is stopped
	addr         string
}

// Addr returns the address of a listener on 127.0.0.1 without TLS, which offers STARTTLS if the capabilities include it. The
// first call starts the listener.
func (s *Server) Addr() string { return s.address(false) }

// TLSAddr returns the address of a listener on 127.0.0.1 with TLS from the first byte. The first call starts the listener.
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

// listen starts a listener. The caller must hold s.mu.
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

// DialContext is like Dial, for programs that take a dialer: it connects to this server whatever the address, with TLS from
// the first byte for port 993, and without TLS for all others.
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
	end           *conn // the server's end
	local, remote net.Addr
}

// Close closes the connection. It is no longer counted, even if the server notices the end later.
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

// Fault is a failure of a command: the answer is replaced (Reply), delayed (Delay), or cut off (Drop, Stall). If it is cut
// off, the command is executed nevertheless.
type Fault struct {
	// Command is the command that fails, such as "FETCH", with or without UID; "" matches any. "CONNECT" is the greeting of
	// a connection.
	Command string

	Skip  int // number of matching commands before the first failure
	Times int // number of failures; 0: one, -1: no limit

	// Reply is the answer instead of executing the command: "NO [OVERQUOTA] Full", "BAD What?" or
	// "BYE [UNAVAILABLE] Going down", which ends the connection.
	Reply string

	Delay time.Duration // delay of the answer

	After int64 // number of bytes from the server that still arrive before Drop or Stall
	Drop  bool  // close the connection
	Stall bool  // deliver nothing more, and leave the connection open
}

// injected is a fault with its remaining count.
type injected struct {
	Fault
	skip, left int
}

// Inject makes the next commands that match a fault fail. If several faults match, the first one injected is used. remove
// removes the fault, if it is still active.
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

// fault returns the fault for a command, or nil.
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

// tooMany returns the fault for a connection beyond the limit. The caller must hold s.mu.
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
