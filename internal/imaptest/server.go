// Package imaptest is an in-memory IMAP server for tests and examples, with
// the tools to make connections misbehave: a buffered pipe with deadlines
// that can split, stall or cut what it carries, and scripted transcripts.
//
// It imports only the standard library. In particular it shares no code with
// the client it serves, so that a mistake in a codec shows as a disagreement.
//
//	srv := imaptest.New(t, nil)
//	box := srv.User("user").Mailbox("INBOX")
//	box.Append([]byte("Subject: hi\r\n\r\nhello\r\n"), []string{`\Seen`}, time.Now())
//	conn := srv.Dial() // log in as "user" with "password"
package imaptest

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"sync"
)

// TB is the part of testing.TB that this package uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
}

// Options configures a Server. The zero value is usable.
type Options struct {
	// Caps replaces the list of advertised capabilities when it is not nil.
	// It changes what is announced, not what is understood.
	Caps []string

	// More lists capabilities of MoreCaps and AloneCaps that are offered as
	// well.
	More []string

	// NoCaps lists capabilities that are neither advertised nor understood:
	// their commands are answered BAD.
	NoCaps []string

	// Users maps names to passwords. The default is one user, "user", with
	// the password "password".
	Users map[string]string

	// PreAuth is the user that every connection is logged in as.
	PreAuth string

	// GreetingCaps puts the capabilities into the greeting.
	GreetingCaps bool

	// LoginDisabled refuses credentials on connections without TLS.
	LoginDisabled bool

	// OAuth announces the mechanisms of OAuth, whose tokens are the
	// passwords.
	OAuth bool

	// CRAMMD5 announces AUTH=CRAM-MD5 (RFC 2195).
	CRAMMD5 bool

	// Admins are the users who may act as another one, with PROXYAUTH.
	// Without any the command is unknown.
	Admins []string

	// MessageLimit is how many messages one command processes (RFC 9738), and
	// SaveLimit how many one command adds; 0 means no limit.
	MessageLimit, SaveLimit int

	// Referrals maps the names of users to the URLs of their servers: LOGIN-REFERRALS (RFC 2221).
	Referrals map[string]string

	// LeastBatch is the smallest size of a batch of UIDBATCHES.
	LeastBatch int

	// Style sets details of the answers.
	Style Style

	// Hooks observe and disturb conversations.
	Hooks Hooks
}

// Server is an IMAP server with mailboxes in memory.
type Server struct {
	opts     Options
	disabled map[string]bool
	cert     *certificate

	// mu guards everything below, the store included. It is never held
	// during I/O.
	mu        sync.Mutex
	users     map[string]*User
	passwords map[string]string
	closed    bool
	closers   map[io.Closer]struct{}
	counter   uint32        // source of UIDVALIDITY and object ids
	sessions  int           // number of sessions started
	quit      chan struct{} // closed by Close
	wg        sync.WaitGroup
}

// Start returns a running server. A nil opts means the defaults. The caller
// has to Close it.
func Start(opts *Options) *Server {
	if opts == nil {
		opts = &Options{}
	}
	s := &Server{
		opts:      *opts,
		disabled:  map[string]bool{},
		users:     map[string]*User{},
		passwords: map[string]string{"user": "password"},
		closers:   map[io.Closer]struct{}{},
		counter:   1_000_000,
		cert:      &certificate{},
		quit:      make(chan struct{}),
	}
	for _, c := range opts.NoCaps {
		s.disabled[upper(c)] = true
	}
	s.disableMore()
	s.disabled["LITERAL+"] = s.disabled["LITERAL+"] || s.more("LITERAL-") // at most one of the two
	for _, needs := range [][2]string{{"CONDSTORE", "QRESYNC"}, {"ESEARCH", "SEARCHRES"}, {"ESEARCH", "PARTIAL"}, {"ESEARCH", "ESORT"}, {"SORT", "ESORT"}} {
		s.disabled[needs[1]] = s.disabled[needs[1]] || s.disabled[needs[0]]
	}
	s.disableOthers()
	if opts.Users != nil {
		s.passwords = maps.Clone(opts.Users)
	}
	return s
}

// New is Start for tests: the server is closed when the test ends.
func New(tb TB, opts *Options) *Server {
	tb.Helper()
	s := Start(opts)
	tb.Cleanup(s.Close)
	return s
}

// Close ends all listeners and connections and waits until their goroutines
// have returned.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.quit)
	}
	s.mu.Unlock()
	s.Drop()
	s.wg.Wait()
}

// NextConn returns the number of a new connection.
func (s *Server) NextConn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return s.sessions
}

// Drop ends all connections, and all listeners.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.closers {
		// The error of closing a connection under test does not matter.
		_ = c.Close()
	}
}

// SetPassword changes the password of a user, who is created if necessary.
func (s *Server) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user] = password
}

// track registers something that Close must close; it returns false if the
// server is closed already. forget ends the registration.
func (s *Server) track(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closers[c] = struct{}{}
	s.wg.Add(1)
	return true
}

func (s *Server) forget(c io.Closer) {
	s.mu.Lock()
	delete(s.closers, c)
	s.mu.Unlock()
	s.wg.Done()
}

var errServerClosed = errors.New("imaptest: server closed")

// Listen serves plain TCP, with STARTTLS, on a free port of 127.0.0.1.
func (s *Server) Listen() (addr string, err error) { return s.listen(nil) }

// ListenTLS serves TLS on a free port of 127.0.0.1.
func (s *Server) ListenTLS() (addr string, err error) {
	conf, err := s.cert.server()
	if err != nil {
		return "", err
	}
	return s.listen(conf)
}

func (s *Server) listen(conf *tls.Config) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if !s.track(l) {
		_ = l.Close()
		return "", errServerClosed
	}
	go func() {
		defer s.forget(l)
		s.accept(l, conf)
	}()
	return l.Addr().String(), nil
}

// accept serves connections until the listener is closed.
func (s *Server) accept(l net.Listener, conf *tls.Config) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.start(conn, conf)
	}
}

// start serves conn in a goroutine of its own.
func (s *Server) start(conn net.Conn, conf *tls.Config) {
	if !s.track(conn) {
		_ = conn.Close()
		return
	}
	go func() {
		defer s.forget(conn)
		s.serve(conn, conf)
	}()
}

func (s *Server) serve(rwc io.ReadWriteCloser, conf *tls.Config) {
	c := newSession(s, rwc)
	if nc, ok := rwc.(net.Conn); ok && conf != nil {
		c.setTransport(tls.Server(nc, conf))
		c.tls = true
	}
	c.run()
}

// ServeConn serves a connection in a goroutine of its own, over TLS if over
// is true.
func (s *Server) ServeConn(conn net.Conn, over bool) error {
	var conf *tls.Config
	if over {
		var err error
		if conf, err = s.cert.server(); err != nil {
			return err
		}
	}
	s.start(conn, conf)
	return nil
}

// Dial returns the client's end of a new in-memory connection.
func (s *Server) Dial() net.Conn { return s.DialPipe() }

// DialPipe is Dial with the controls of the pipe.
func (s *Server) DialPipe() *PipeConn {
	client, server := Pipe()
	s.start(server, nil)
	return client
}

// Serve serves one connection, for example the standard streams of a child
// process, and returns when it has ended.
func (s *Server) Serve(rwc io.ReadWriteCloser) {
	if !s.track(rwc) {
		_ = rwc.Close()
		return
	}
	defer s.forget(rwc)
	s.serve(rwc, nil)
}
