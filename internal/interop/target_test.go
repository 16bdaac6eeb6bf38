package interop_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// The transports.
const (
	plain    = "plain"
	startTLS = "STARTTLS"
	implicit = "TLS"
	stream   = "stream"
)

var transports = []string{plain, startTLS, implicit, stream}

// imaptestName is the name of the in-memory server among the targets.
const imaptestName = "imaptest"

// targetNames are the columns of the matrix.
func targetNames() []string { return append(realserver.Names(), imaptestName) }

// target is a server under test.
type target struct {
	name, version string
	prefix        string // of the mailboxes that may be created
	delimiter     string
	addr, tlsAddr string
	clientTLS     func() *tls.Config
	newUser       func() (user, password string, err error)
	streamCommand func(user string) *exec.Cmd // returns nil where none exists
	real          *realserver.Server          // nil for imaptest
	preauth       *imaptest.Server            // imaptest: what the child process is connected to
}

// getTarget returns the server called name, or skips the test if it is not installed and not required.
func getTarget(t *testing.T, name string) *target {
	t.Helper()
	if name == imaptestName {
		return memoryTarget(t)
	}
	return targetOf(realserver.Get(t, name))
}

func targetOf(s *realserver.Server) *target {
	return &target{
		name: s.Name, version: s.Version, prefix: s.Prefix, delimiter: s.Delimiter, addr: s.Addr, tlsAddr: s.TLSAddr,
		clientTLS: s.ClientTLS, newUser: s.NewUser, streamCommand: s.StreamCommand, real: s,
	}
}

// memoryTarget starts an in-memory server. A child process connects its streams to a second one, whose connections are
// logged in from the start.
func memoryTarget(t *testing.T) *target {
	t.Helper()
	users := map[string]string{}
	for i := range 100 {
		users[fmt.Sprintf("user%d", i)] = "secret"
	}
	srv := imaptest.New(t, &imaptest.Options{Users: users})
	pre := imaptest.New(t, &imaptest.Options{PreAuth: "user"})
	addr, err := srv.Listen()
	require.NoError(t, err)
	tlsAddr, err := srv.ListenTLS()
	require.NoError(t, err)
	preAddr, err := pre.Listen()
	require.NoError(t, err)
	var taken atomic.Int32
	return &target{
		name: imaptestName, version: "of this repository", delimiter: "/", addr: addr, tlsAddr: tlsAddr, clientTLS: srv.ClientTLS,
		newUser: func() (string, string, error) {
			return fmt.Sprintf("user%d", taken.Add(1)-1), "secret", nil
		},
		streamCommand: func(string) *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), bridgeVar+"="+preAddr)
			return cmd
		},
		preauth: pre,
	}
}

// env is one user of one server, reached over one transport.
type env struct {
	*testing.T
	target         *target
	transport      string
	user, password string
	shared         *session
}

// session holds what the rows of one column share.
type session struct {
	mu    sync.Mutex
	main  *imap.Client
	other *imap.Client
	trace *lastLines   // of main
	sent  atomic.Int64 // bytes that all connections of the column have sent
	boxes atomic.Int32

	readBuffer int // of the kernel, for each connection; 0 leaves it to grow
}

// newEnv makes a user with only the server's usual mailboxes.
func newEnv(t *testing.T, target *target, transport string) *env {
	t.Helper()
	user, password, err := target.newUser()
	require.NoError(t, err)
	if transport == stream && target.preauth != nil {
		user, password = "user", "password"
	}
	e := &env{T: t, target: target, transport: transport, user: user, password: password, shared: &session{}}
	t.Cleanup(e.close)
	return e
}

// has reports whether the server has the transport.
func (tg *target) has(transport string) bool {
	return transport != stream || tg.streamCommand("x") != nil
}

func (e *env) close() {
	for _, c := range []*imap.Client{e.shared.main, e.shared.other} {
		if c != nil {
			logout(c)
		}
	}
}

// showLog shows the server's log, if the test failed.
func (e *env) showLog() {
	if e.Failed() && e.target.real != nil {
		e.Log(e.target.real.Log())
	}
}

func logout(c *imap.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c.Logout(ctx)
}

// with is e for a subtest.
func (e *env) with(t *testing.T) *env {
	sub := *e
	sub.T = t
	return &sub
}

// ctx ends long after any call should have.
func (e *env) ctx() context.Context {
	ctx, cancel := context.WithTimeout(e.Context(), 2*time.Minute)
	e.Cleanup(cancel)
	return ctx
}

// countingDialer counts what its connections send.
type countingDialer struct{ *session }

func (d countingDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if d.readBuffer != 0 {
		if err := conn.(*net.TCPConn).SetReadBuffer(d.readBuffer); err != nil {
			return nil, err
		}
	}
	return &countingConn{conn, &d.sent}, nil
}

type countingConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.sent.Add(int64(len(b)))
	return c.Conn.Write(b)
}

// connect opens a connection over the transport of the column; over a stream it is logged in already.
func (e *env) connect(change ...func(*imap.Options)) (*imap.Client, error) {
	o := &imap.Options{TLSConfig: e.target.clientTLS(), Dialer: countingDialer{e.shared}, Logger: e.logger()}
	for _, f := range change {
		f(o)
	}
	switch e.transport {
	case plain:
		return imap.DialInsecure(e.ctx(), e.target.addr, o)
	case startTLS:
		return imap.DialStartTLS(e.ctx(), e.target.addr, o)
	case implicit:
		return imap.DialTLS(e.ctx(), e.target.tlsAddr, o)
	}
	return imap.DialStream(e.ctx(), e.target.streamCommand(e.user), o)
}

// dial is connect that must succeed; the connection ends with the test.
func (e *env) dial(change ...func(*imap.Options)) *imap.Client {
	e.Helper()
	c, err := e.connect(change...)
	require.NoError(e, err)
	e.Cleanup(func() { c.Close() })
	return c
}

// login returns a new connection that is logged in and ends with the test.
func (e *env) login(change ...func(*imap.Options)) *imap.Client {
	e.Helper()
	c := e.dial(change...)
	if e.transport != stream {
		require.NoError(e, c.Login(e.ctx(), e.user, e.password))
	}
	return c
}

// client returns the connection that the rows of a column share.
func (e *env) client() *imap.Client {
	e.Helper()
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if c := e.shared.main; c == nil || c.State() == imap.LoggedOut {
		e.shared.trace = &lastLines{}
		c, err := e.connect(func(o *imap.Options) { o.Logger = slog.New(e.shared.trace) })
		require.NoError(e, err)
		if e.transport != stream {
			require.NoError(e, c.Login(e.ctx(), e.user, e.password))
		}
		e.shared.main = c
	}
	return e.shared.main
}

// second returns another connection of the same user, over any transport.
func (e *env) second() *imap.Client {
	e.Helper()
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if c := e.shared.other; c != nil && c.State() != imap.LoggedOut {
		return c
	}
	if e.transport == stream && e.target.preauth != nil {
		c, err := imap.NewClient(e.ctx(), e.target.preauth.Dial(), nil)
		require.NoError(e, err)
		e.shared.other = c
		return c
	}
	c, err := imap.DialInsecure(e.ctx(), e.target.addr, nil)
	require.NoError(e, err)
	require.NoError(e, c.Login(e.ctx(), e.user, e.password))
	e.shared.other = c
	return c
}

// offers reports whether the server has announced one of the capabilities to the shared connection.
func (e *env) offers(names ...string) bool {
	caps := e.client().Caps()
	for _, name := range names {
		if caps.Has(name) {
			return true
		}
	}
	return false
}

// name returns an unused name of a mailbox.
func (e *env) name() string {
	return fmt.Sprintf("%sbox%d", e.target.prefix, e.shared.boxes.Add(1))
}

// box makes a mailbox.
func (e *env) box() string {
	e.Helper()
	name := e.name()
	require.NoError(e, e.client().Create(e.ctx(), name, nil))
	return name
}

// open makes a mailbox with these messages and selects it.
func (e *env) open(messages ...string) (name string, uids []imap.UID) {
	e.Helper()
	name = e.box()
	for _, m := range messages {
		e.add(name, m)
	}
	uids = e.selectBox(name)
	require.Len(e, uids, len(messages))
	return name, uids
}

// add appends a message over the shared connection.
func (e *env) add(box, message string) {
	e.Helper()
	_, err := e.client().Append(e.ctx(), box, imap.LiteralString(message), nil)
	require.NoError(e, err)
}

// selectBox selects a mailbox and returns the UIDs of its messages.
func (e *env) selectBox(box string) []imap.UID {
	e.Helper()
	_, err := e.client().Select(e.ctx(), box, nil)
	require.NoError(e, err)
	return e.uids()
}

// uids returns the UIDs of the messages in the selected mailbox.
func (e *env) uids() []imap.UID {
	e.Helper()
	var uids []imap.UID
	for m, err := range e.client().Fetch(e.ctx(), imap.SeqRange(1, 0)) {
		require.NoError(e, err)
		uids = append(uids, m.UID)
	}
	return uids
}
