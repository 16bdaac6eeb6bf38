// Package realserver runs real IMAP servers for the tests: Dovecot, Cyrus,
// Courier and mox, as child processes on free loopback ports, with all their
// files in a temporary directory.
//
// [Start] starts a server, and [Get] shares one instance per test binary.
// [StopAll], called from TestMain after the tests, ends exactly the processes
// that were started. If the test binary dies before that, the kernel ends the
// servers too.
package realserver

import (
	"cmp"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// ErrNotInstalled is wrapped by the errors of [Start] if programs of the server
// are missing.
var ErrNotInstalled = errors.New("server is not installed")

// ErrNotPermitted is wrapped by the errors of [Start] if the machine does not
// grant the rights that the server needs.
var ErrNotPermitted = errors.New("server needs rights that are refused")

var errStopped = errors.New("server was stopped")

// Names returns the servers that [Start] knows, those with the most extensions
// first. All but mox are required if [Required] reports true.
func Names() []string { return []string{"dovecot", "cyrus", "courier", "mox"} }

// An account is a user of a server.
type account struct {
	name     string
	password string
	quota    int64  // in bytes; 0: the server's default
	extra    string // fields of Dovecot's list of users
}

// A backend knows how one kind of server is configured and run.
type backend interface {
	// find looks for the programs and returns the version.
	find() (version string, err error)
	// prepare writes the server's files and sets the exported fields.
	prepare(s *Server) error
	// configure writes the files that depend on the ports.
	configure(s *Server, port, tlsPort int) error
	// command returns what to run.
	command(s *Server) launchSpec
	// started is called each time the server has become ready.
	started(s *Server) error
	// newAccounts creates more users; it is called when none is left.
	newAccounts(s *Server) ([]account, error)
	// stream returns the preauthenticated program, or nil if none exists.
	stream(s *Server, user string) *exec.Cmd
}

func newBackend(name string) (backend, error) {
	switch name {
	case "dovecot":
		return &dovecot{}, nil
	case "cyrus":
		return &cyrus{}, nil
	case "courier":
		return &courier{}, nil
	case "mox":
		return &mox{}, nil
	}
	return nil, fmt.Errorf("realserver: unknown server %q", name)
}

// A Server is a running server. Its fields must not be changed.
type Server struct {
	Name    string // as given to Start
	Version string // as reported by the server's programs
	Addr    string // 127.0.0.1:port, in clear, with STARTTLS
	TLSAddr string // 127.0.0.1:port, implicit TLS

	// StrictAddr is a further listener, in clear with STARTTLS, for the same
	// users and mail, with settings that exclude those of Addr: no login
	// before TLS, LITERAL- for LITERAL+ (dovecot), the obsolete commands of
	// ANNOTATEMORE (cyrus). It is "" if the server has none.
	StrictAddr string

	strictPort int

	// Prefix starts the name of every mailbox that a user may create: "" or
	// "INBOX.". Delimiter separates the levels of names.
	Prefix    string
	Delimiter string

	// Mechanisms lists the SASL mechanisms that the server is configured for.
	// Not all are announced on every connection: EXTERNAL requires a client
	// certificate, the PLUS ones require TLS.
	Mechanisms []string

	dir     string
	as      identity
	ca      *authority
	backend backend
	users   []account // the fixed users, see User

	mu      sync.Mutex
	process *process
	stopped bool
	fresh   []account
}

// Start starts the server with that name and waits until it accepts connections.
func Start(name string) (*Server, error) {
	b, err := newBackend(name)
	if err != nil {
		return nil, err
	}
	version, err := b.find()
	if err != nil {
		return nil, fmt.Errorf("realserver: %s: %w", name, err)
	}
	s := &Server{Name: name, Version: version, backend: b, Delimiter: "/"}
	if err := s.start(); err != nil {
		if s.dir != "" {
			os.RemoveAll(s.dir)
		}
		return nil, fmt.Errorf("realserver: %s %s: %w", name, version, err)
	}
	return s, nil
}

func (s *Server) start() (err error) {
	if s.as, err = unprivileged(); err != nil {
		return err
	}
	if s.dir, err = makeDir(); err != nil {
		return err
	}
	if s.ca, err = newAuthority(); err != nil {
		return err
	}
	if err := s.backend.prepare(s); err != nil {
		return err
	}
	// Another process may take a port between the check and the server's
	// bind: other ports are tried then.
	for range 3 {
		if err = s.startOnFreePorts(); err == nil {
			return nil
		}
	}
	return err
}

func (s *Server) startOnFreePorts() error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	s.Addr = fmt.Sprintf("127.0.0.1:%d", ports[0])
	s.TLSAddr = fmt.Sprintf("127.0.0.1:%d", ports[1])
	s.strictPort = ports[2]
	if err := s.backend.configure(s, ports[0], ports[1]); err != nil {
		return err
	}
	if err := s.as.own(s.dir); err != nil {
		return err
	}
	return s.launch()
}

// launch runs the configured server and waits until it is ready.
func (s *Server) launch() error {
	p, err := startProcess(s.backend.command(s), s.outFile())
	if err != nil {
		return err
	}
	s.process = p
	err = s.waitReady(p, 30*time.Second)
	if err == nil {
		err = s.backend.started(s)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("%w\n%s", err, s.Log())
	}
	return nil
}

// Stop ends the server and removes its directory. It may be called twice.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	return errors.Join(s.process.shutDown(), os.RemoveAll(s.dir))
}

// Kill ends the server at once, like a crash. Users and mail are kept for
// [Server.Restart].
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped
	}
	return s.process.kill()
}

// Restart ends the server if it is running and starts it again with the same
// ports, users and mail.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped
	}
	if err := s.process.shutDown(); err != nil {
		return err
	}
	return s.launch()
}

// Running reports whether the server's main process is running.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.stopped && s.process.alive()
}

// DropCaches removes what the server remembers of a user's messages, so that it has to parse them again. The user must not be
// logged in. Only dovecot has such caches.
func (s *Server) DropCaches(user string) error {
	if s.Name != "dovecot" {
		return errors.New("realserver: only dovecot has caches that can be dropped")
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "mail", user, "Maildir", "dovecot.index.cache"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("realserver: no cache of %s: %w", user, cmp.Or(err, fs.ErrNotExist))
	}
	return os.Remove(files[0])
}

// CPUTime returns the user and system time that all processes of the server have
// used since it was started, with a resolution of 10 ms per process.
func (s *Server) CPUTime() (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return 0, errStopped
	}
	return s.process.cpuTime()
}

// ClientTLS returns a new configuration that trusts the server's certificate,
// which names localhost, 127.0.0.1 and ::1.
func (s *Server) ClientTLS() *tls.Config {
	return &tls.Config{RootCAs: s.ca.pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// AuthorityPEM is the certificate that signed the server's own, in PEM.
func (s *Server) AuthorityPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.ca.cert.Raw})
}

// ClientCertificate returns a new certificate with which user may log in by the
// mechanism EXTERNAL, if the server supports it.
func (s *Server) ClientCertificate(user string) (tls.Certificate, error) {
	return s.ca.client(user)
}

// User returns the i-th, from 0, of the three users that every server has. They
// are shared by all tests of the binary; number 2 is [Server.SpecialUser].
func (s *Server) User(i int) (user, password string) {
	return s.users[i].name, s.users[i].password
}

// SpecialUser returns a user whose password contains a quote, a backslash, a
// space and letters outside ASCII.
func (s *Server) SpecialUser() (user, password string) { return s.User(2) }

// NewUser returns a user that it has not returned before, with empty mailboxes.
func (s *Server) NewUser() (user, password string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return "", "", errStopped
	}
	if len(s.fresh) == 0 {
		if s.fresh, err = s.backend.newAccounts(s); err != nil {
			return "", "", fmt.Errorf("realserver: %s: new user: %w", s.Name, err)
		}
	}
	a := s.fresh[0]
	s.fresh = s.fresh[1:]
	return a.name, a.password, nil
}

// StreamCommand returns a command that speaks IMAP over its standard input and
// output, logged in as user from the start, or nil when the server has none.
// The caller runs it, once.
func (s *Server) StreamCommand(user string) *exec.Cmd { return s.backend.stream(s, user) }

func (s *Server) outFile() string { return filepath.Join(s.dir, "out") }

// Log returns the end of what the server wrote to its log, for messages about
// failed tests.
func (s *Server) Log() string {
	var text string
	for _, name := range []string{"out", "log"} {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			continue
		}
		text += string(b[max(0, len(b)-4096):])
	}
	return text
}
