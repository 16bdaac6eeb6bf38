package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-imaplib/imap/internal/wire"
)

// DialTLS connects with implicit TLS. The default port is 993, the default host localhost. Certificates are verified, with
// Options.TLSConfig if it is set. ctx bounds connecting and reading the greeting, not the life of the Client.
func DialTLS(ctx context.Context, addr string, opts *Options) (*Client, error) {
	addr, host := splitAddr(addr, "993")
	o := copyOptions(opts)
	nc, err := o.dial(ctx, addr)
	if err != nil {
		return nil, unsent(connecting, err)
	}
	t := tls.Client(nc, tlsConfig(o.TLSConfig, host))
	if err := wire.Handshake(ctx, t, o.limits().Timeout); err != nil {
		nc.Close()
		return nil, unsent(connecting, explainTLS(err))
	}
	return newClient(ctx, t, o, host)
}

// DialStartTLS connects in the clear and upgrades to TLS before anything else (RFC 9051 section 6.2.1). The default port is
// 143. It fails on PREAUTH, if STARTTLS is not offered (errors.ErrUnsupported), and on any byte received in the clear after
// the OK.
func DialStartTLS(ctx context.Context, addr string, opts *Options) (*Client, error) {
	c, err := DialInsecure(ctx, addr, opts)
	if err != nil {
		return nil, err
	}
	if err := c.StartTLS(ctx, nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// DialInsecure connects without TLS. The default port is 143. Calls that would send a password on such a connection fail,
// except to loopback addresses or with Options.AllowInsecureAuth.
func DialInsecure(ctx context.Context, addr string, opts *Options) (*Client, error) {
	addr, host := splitAddr(addr, "143")
	o := copyOptions(opts)
	nc, err := o.dial(ctx, addr)
	if err != nil {
		return nil, unsent(connecting, err)
	}
	return newPlainClient(ctx, nc, o, addr, host)
}

// DialStream starts cmd (argv, no shell) and speaks IMAP over its standard input and output. cmd must not have been
// started; its Stdin and Stdout must be nil. Close ends the process.
func DialStream(ctx context.Context, cmd *exec.Cmd, opts *Options) (*Client, error) {
	child, err := wire.StartChild(cmd)
	if err != nil {
		return nil, unsent(connecting, err)
	}
	return newClient(ctx, child, copyOptions(opts), "")
}

// NewClient returns a Client on an open connection, after reading the greeting. Deadlines are used if conn supports them. A
// stream that is neither a net.Conn with a loopback address nor a *tls.Conn is treated as insecure. After an error conn is
// closed.
func NewClient(ctx context.Context, conn io.ReadWriteCloser, opts *Options) (*Client, error) {
	host := ""
	if nc, ok := conn.(net.Conn); ok && nc.RemoteAddr() != nil {
		host, _, _ = net.SplitHostPort(nc.RemoteAddr().String())
	}
	o := copyOptions(opts)
	o.Dialer = nil // the connection was not opened by it
	return newClient(ctx, conn, o, host)
}

// connecting stands for the command in the errors of the dialers.
const connecting = "connecting"

func copyOptions(opts *Options) Options {
	if opts == nil {
		return Options{}
	}
	o := *opts
	o.DisabledCaps, o.Without = slices.Concat(opts.DisabledCaps, opts.Without), nil
	o.Enable = slices.Clone(opts.Enable)
	o.ID = maps.Clone(opts.ID)
	return o
}

// dial connects. If ctx has ended, dial adds its cause to the error, which a dialer may omit.
func (o *Options) dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer ContextDialer = new(net.Dialer)
	if o.Dialer != nil {
		dialer = o.Dialer
	}
	nc, err := dialer.DialContext(ctx, "tcp", addr)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = errors.Join(err, cause)
	}
	return nc, err
}

// splitAddr fills in the host and port that addr omits.
func splitAddr(addr, port string) (full, host string) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		host, p = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"), port
	}
	if p == "" {
		p = port
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, p), host
}

// tlsConfig returns a copy of config with the server's name.
func tlsConfig(config *tls.Config, host string) *tls.Config {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	return config
}

// newClient is the constructor of Client. It passes the table of extensions down to the engine.
func newClient(ctx context.Context, raw io.ReadWriteCloser, o Options, host string) (*Client, error) {
	e, err := newEngine(raw, o, extensions, host)
	if err != nil {
		_ = raw.Close()
		return nil, unsent(connecting, err)
	}
	c := &Client{e: e}
	if err := c.e.greet(ctx); err != nil {
		c.Close()
		return nil, unsent(connecting, explainGreeting(err))
	}
	if err := c.enableAtPreauth(ctx); err != nil {
		c.Close()
		return nil, unsent(connecting, err)
	}
	return c, nil
}

// ---- TLS and compression

// StartTLS upgrades a connection to TLS (RFC 9051 section 6.2.1; capability STARTTLS; not authenticated). If config is nil,
// Options.TLSConfig is used. Everything that the server sent before is dropped. An error closes the connection, unless
// nothing was sent or the server answered NO.
func (c *Client) StartTLS(ctx context.Context, config *tls.Config) error {
	const name = "STARTTLS"
	if c.e.conn.TLSConn() != nil {
		return unsent(name, errors.New("the connection already uses TLS"))
	}
	if c.State() == NotAuthenticated {
		if _, err := c.knownCaps(ctx); err != nil {
			return err
		}
	}
	if config == nil {
		config = c.e.opts.TLSConfig
	}
	cmd := &command{name: name, states: inNotAuth, traits: traits{exclusive: true, changes: onCaps}, encode: func(e *encoder) { e.need(name) }}
	if err := c.start(ctx, cmd); err != nil {
		return err
	}
	defer c.e.unlock()
	if err := c.e.wait(ctx, cmd); err != nil {
		if _, refused := errors.AsType[*Error](err); !refused {
			c.e.fail(err) // TLS may have begun on the other side
		}
		return err
	}
	if err := c.e.conn.LockRead(ctx, nil); err != nil {
		return failed(name, c.e.fail(err))
	}
	defer c.e.unlockRead()
	if err := c.e.conn.StartTLS(ctx, tlsConfig(config, c.e.host)); err != nil {
		return failed(name, c.e.fail(&wire.LostError{Cause: explainTLS(err)}))
	}
	c.e.forget()
	return nil
}

// Compress starts compressing the connection in both directions, with DEFLATE (RFC 4978; capability COMPRESS=DEFLATE; logged
// in). It lasts as long as the connection; a second Compress fails. A server whose TLS layer compresses answers NO with the
// code COMPRESSIONACTIVE.
//
// Passwords are never compressed, because Compress requires a login. Do not use Compress if an attacker can observe the
// length of the encrypted data and choose part of the content: the attacker may guess the rest. A compressed connection
// needs about 60 KiB while idle, because the server may refer back to what it sent. The limits of Options apply to the
// inflated data.
func (c *Client) Compress(ctx context.Context) error {
	cmd := &command{name: "COMPRESS", states: inAuth, traits: traits{exclusive: true}}
	cmd.encode = func(e *encoder) {
		if c.e.conn.Compressed() {
			e.fail(errCompressed)
		}
		e.need("COMPRESS=DEFLATE").raw(" DEFLATE")
	}
	// The server compresses everything after its OK, whether or not the caller still waits: so the goroutine that reads the
	// OK switches.
	cmd.finish = func(s *status) {
		if s.ok() {
			c.e.conn.Compress()
		}
	}
	return c.run(ctx, cmd)
}

// hintError adds advice to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return trimPrefix(e.err.Error()) + " (" + e.hint + ")" }
func (e *hintError) Unwrap() error { return e.err }

// explainTLS adds advice to an error of a TLS handshake.
func explainTLS(err error) error {
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return otherService(string(plain.RecordHeader[:]), "TLS", err)
	}
	switch {
	case isA[x509.HostnameError](err):
		return &hintError{err, "dial the name that the certificate is for, or set Options.TLSConfig with this ServerName"}
	case isA[x509.UnknownAuthorityError](err):
		return &hintError{err, "to accept a certificate of your own set Options.TLSConfig with it in RootCAs"}
	case isExpired(err):
		return &hintError{err, "the server needs a new certificate, or the clock of this machine is wrong"}
	case errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded):
		return &hintError{err, "there may be no TLS on this port: DialStartTLS is for port 143"}
	}
	return err
}

func isExpired(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// explainGreeting adds advice to the error for a missing greeting.
func explainGreeting(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &hintError{err, "the server sent no greeting: there may be another protocol on this port, or TLS, for which DialTLS is"}
	}
	return err
}

const (
	// greetingPatience is how long newPlainClient waits for a greeting before it tests whether the server expects TLS.
	greetingPatience = time.Second
	// probeTimeout bounds that test.
	probeTimeout = 10 * time.Second
)

// newPlainClient is newClient for a connection without TLS. A server that expects a TLS handshake never sends anything:
// if no greeting arrives, a second connection tests whether the server speaks TLS. Only the handshake is sent on it.
func newPlainClient(ctx context.Context, nc net.Conn, o Options, addr, host string) (*Client, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var probe sync.WaitGroup
	probe.Add(1)
	timer := time.AfterFunc(greetingPatience, func() {
		defer probe.Done()
		if o.speaksTLS(ctx, addr, host) {
			cancel(&ServiceError{Service: "TLS"})
		}
	})
	c, err := newClient(ctx, nc, o, host)
	if timer.Stop() {
		probe.Done()
	}
	cancel(nil)
	probe.Wait()
	return c, err
}

// speaksTLS reports whether a handshake succeeds on a new connection. The certificate is not verified, since the connection
// is closed after the handshake.
func (o *Options) speaksTLS(ctx context.Context, addr, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	nc, err := o.dial(ctx, addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	return tls.Client(nc, &tls.Config{ServerName: host, InsecureSkipVerify: true}).HandshakeContext(ctx) == nil
}

// IsTransient reports whether the same call may succeed later, if necessary on a new connection, without any change: "try
// again" as opposed to "give up". It is true for a lost connection, a timeout, a server that cannot be reached, and one that
// reports that it is busy, down or throttling. It is false for a wrong password (with or without a code), a host that does
// not exist, a certificate that is not accepted, a wrong port, a missing capability, an argument that cannot be sent, any
// other refusal, and a canceled ctx.
//
// It does not report whether the command may have been executed: see SafeToRetry.
func IsTransient(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), isPermanent(err):
		return false
	case errors.Is(err, ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.isTransient()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return !dns.IsNotFound
	}
	return errors.Is(err, ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isSystemError(err)
}

// isSystemError reports whether err is an error of the operating system's network.
func isSystemError(err error) bool {
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// isPermanent reports whether trying again cannot help.
func isPermanent(err error) bool {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, ErrInsecure) || errors.Is(err, ErrReadOnly) {
		return true
	}
	return isA[*tls.CertificateVerificationError](err) || isA[x509.UnknownAuthorityError](err) || isA[x509.HostnameError](err) ||
		isA[x509.CertificateInvalidError](err) || isA[tls.RecordHeaderError](err) || isA[tls.AlertError](err) ||
		isA[*LimitError](err) || isA[*ProtocolError](err) || isA[*StateError](err) || isA[*ArgumentError](err) || isA[*ServiceError](err)
}

// transientCodes are the codes of temporary conditions.
var transientCodes = []Code{CodeUnavailable, CodeTempFail}

// transientWords occur in the texts of busy servers that send no code: Gmail, Exchange Online, Yahoo, Dovecot, Courier.
var transientWords = []string{
	"too many", "throttl", "rate limit", "temporar", "try again", "try later", "maximum number of connections",
	"unavailable", "overload",
}

// readingCommands are those that store nothing. Gmail answers OVERQUOTA to them for a while if the account transferred too
// much or sent too many commands.
var readingCommands = []string{
	"LOGIN", "AUTHENTICATE", "SELECT", "EXAMINE", "STATUS", "LIST", "NOOP", "IDLE", "FETCH", "UID FETCH", "SEARCH", "UID SEARCH",
}

// isThrottling reports whether the server limits what this client or account may do at present.
func (e *Error) isThrottling() bool {
	switch e.Code {
	case CodeLimit, CodeInUse, "THROTTLED":
		return true
	case CodeOverQuota:
		return slices.Contains(readingCommands, e.Command)
	}
	return e.Backoff() > 0
}

func (e *Error) isTransient() bool {
	if slices.Contains(transientCodes, e.Code) || e.isThrottling() || e.isDisconnected() {
		return true
	}
	if e.Code != "" && e.Code != CodeAlert {
		return e.Status == "BYE" && e.Code != CodeAuthenticationFailed && e.Code != CodeAuthorizationFailed
	}
	text := strings.ToLower(e.Text)
	return e.Status == "BYE" || slices.ContainsFunc(transientWords, func(w string) bool { return strings.Contains(text, w) })
}

// WaitBackoff waits for the duration that the server asks for in err (Error.Backoff), but not longer than most, and returns
// nil. It returns nil at once if err contains no such duration. If ctx ends first, it returns the cause of ctx.
func WaitBackoff(ctx context.Context, err error, most time.Duration) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wait := min(e.Backoff(), most)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
