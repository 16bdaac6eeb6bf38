package realserver

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Required reports whether tests must fail, rather than be skipped, if a server
// is missing: the environment has IMAP_REQUIRE_SERVERS=1.
func Required() bool { return os.Getenv("IMAP_REQUIRE_SERVERS") == "1" }

// TB is the part of [testing.TB] that [Get] uses.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A sharedServer is started at most once.
type sharedServer struct {
	once   sync.Once
	server *Server
	err    error
	mu     sync.Mutex // held while the server is restarted
}

var (
	sharedMu sync.Mutex
	shared   = map[string]*sharedServer{}
)

// Get returns the server with that name, which all tests of the binary share. It
// starts the server at the first call, or if a test has killed it. The test is
// skipped if the server is not installed, unless it is required, and if the
// machine refuses the rights that it needs. It fails if the server does not
// start. TestMain must call [StopAll].
func Get(tb TB, name string) *Server {
	tb.Helper()
	sharedMu.Lock()
	sh := shared[name]
	if sh == nil {
		sh = &sharedServer{}
		shared[name] = sh
	}
	sharedMu.Unlock()
	sh.once.Do(func() { sh.server, sh.err = Start(name) })
	absent := errors.Is(sh.err, ErrNotInstalled) && (!Required() || name == "mox")
	switch {
	case sh.err == nil:
	case absent || errors.Is(sh.err, ErrNotPermitted):
		tb.Skipf("no real server to test against: %v", sh.err)
		return nil
	default:
		tb.Fatalf("cannot start a real server: %v", sh.err)
		return nil
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !sh.server.Running() {
		if err := sh.server.Restart(); err != nil {
			tb.Fatalf("cannot start %s again: %v", name, err)
		}
	}
	return sh.server
}

// Main runs the tests of a package and stops the servers that they started. It is called by TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if err := StopAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// StopAll stops the servers that [Get] started. A later Get starts a new one.
func StopAll() error {
	sharedMu.Lock()
	defer sharedMu.Unlock()
	var errs []error
	for name, sh := range shared {
		// This waits for a Get in progress.
		sh.once.Do(func() { sh.err = errStopped })
		if sh.server != nil {
			errs = append(errs, sh.server.Stop())
		}
		delete(shared, name)
	}
	return errors.Join(errs...)
}
