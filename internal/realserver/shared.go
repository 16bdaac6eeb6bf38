package realserver

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Required reports whether the tests have to fail, rather than skip, when a
// server is missing: the environment has IMAP_REQUIRE_SERVERS=1.
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
	mu     sync.Mutex // held while the server is brought back
}

var (
	sharedMu sync.Mutex
	shared   = map[string]*sharedServer{}
)

// Get returns the server called name, one for all tests of the binary, and
// starts it when it is first asked for or when a test left it killed. The test
// is skipped when the server is not installed, unless it is required, and when
// the machine refuses the rights it needs, for which nothing can be installed.
// It fails when the server does not start. TestMain has to call [StopAll].
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

// StopAll stops the servers that [Get] started. A later Get starts anew.
func StopAll() error {
	sharedMu.Lock()
	defer sharedMu.Unlock()
	var errs []error
	for name, sh := range shared {
		// A Get that is under way is waited for.
		sh.once.Do(func() { sh.err = errStopped })
		if sh.server != nil {
			errs = append(errs, sh.server.Stop())
		}
		delete(shared, name)
	}
	return errors.Join(errs...)
}
