package imap

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/go-imaplib/imap/internal/sasl"
	"github.com/go-imaplib/imap/internal/wire"
)

// Login logs in with a password (LOGIN, RFC 9051 section 6.2.3; not authenticated). It fails with ErrInsecure, before
// anything is sent, where the password would leave in the clear or the server announces LOGINDISABLED.
// AuthenticatePassword is the better choice: it does not send the password where the server can do without.
func (c *Client) Login(ctx context.Context, user, password string) error {
	const name = "LOGIN"
	if err := c.readyToAuth(ctx, name, true); err != nil {
		return err
	}
	if c.Caps().Has("LOGINDISABLED") {
		return unsent(name, ErrInsecure)
	}
	cmd := c.authCommand(name)
	c.keepSecret(cmd, password, escapeQuoted(password))
	cmd.encode = func(e *encoder) { e.sp().astring(user).sp().secret(password) }
	if err := c.run(ctx, cmd); err != nil {
		return err
	}
	return c.afterLogin(ctx)
}

// readyToAuth sees that the capabilities are known and that a secret may leave.
func (c *Client) readyToAuth(ctx context.Context, name string, secret bool) error {
	if s := c.State(); s != NotAuthenticated {
		if s == LoggedOut {
			return unsent(name, c.closedOr(ErrClosed))
		}
		return &StateError{Command: name, State: s}
	}
	if _, err := c.knownCaps(ctx); err != nil {
		return err
	}
	if secret && !c.secure() {
		return unsent(name, ErrInsecure)
	}
	return nil
}

func (c *Client) closedOr(err error) error {
	if closed := c.closedError(); closed != nil {
		return closed
	}
	return err
}

// secure reports whether the connection is safe from eavesdroppers, or the caller allows passwords on it anyway.
func (c *Client) secure() bool {
	if c.opts.AllowInsecureAuth || c.conn.TLSConn() != nil {
		return true
	}
	switch raw := c.conn.Stream().(type) {
	case *wire.Child:
		return true
	case net.Conn:
		// Behind a Dialer of the caller's the address may be that of a proxy on this machine, and the server anywhere.
		return isLocal(raw.RemoteAddr()) && (c.opts.Dialer == nil || isLoopbackName(c.host))
	}
	return false
}

// isLoopbackName reports whether a host is this machine by its name (RFC 6761 section 6.3) or its address.
func isLoopbackName(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isLocal reports whether an address is on this machine.
func isLocal(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// keepSecret masks secrets in what the server says until the command is answered, also when its caller has gone away by
// then.
func (e *engine) keepSecret(cmd *command, secrets ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= shortSecret && !slices.Contains(cmd.secrets, s) {
			cmd.secrets = append(cmd.secrets, s)
		}
	}
}

// shortSecret is the shortest secret that is masked in texts: a shorter one would mask words of the language.
const shortSecret = 3

// keepAnswer masks what a mechanism answered, in both forms, and what is secret in it.
func (e *engine) keepAnswer(cmd *command, m Mechanism, answer []byte) {
	e.keepSecret(cmd, base64.StdEncoding.EncodeToString(answer), string(answer))
	if h, ok := m.(sasl.SecretHolder); ok {
		e.keepSecret(cmd, h.Secret())
	}
}

// authCommand is a command that logs in. What the server can do may be different afterwards: unless it says so itself,
// it is asked again.
func (c *Client) authCommand(name string) *command {
	cmd := &command{name: name, states: inNotAuth, exclusive: true, changes: onUser | onCaps}
	caps := &capsAnswer{}
	cmd.answer = caps
	cmd.finish = func(s *status) {
		if !s.ok() {
			return
		}
		if cmd.exchange && cmd.abandoned && (!cmd.proved || cmd.endSent) {
			c.hangUp(&wire.LostError{Cause: errUnproved})
			return
		}
		c.state = Authenticated
		if !caps.came {
			c.caps, c.capsKnown = Caps{}, false
		}
	}
	return cmd
}

// capsAnswer notes whether the capabilities came with the answer of a command.
type capsAnswer struct {
	noData
	came bool
}

func (a *capsAnswer) data(r *response) claim {
	if r.name != "CAPABILITY" {
		return notMine
	}
	a.came = true
	return shared
}

// dropped is the same: it is for the session, not for the caller.
func (a *capsAnswer) dropped() answer { return a }

// errUnproved is the end of a login that was given up: nothing has shown that the server is the one that it claims to be.
var errUnproved = errors.New("the server accepted a login that was given up before the server had proved itself")

// leaveExchange abandons a login in the middle. If the server accepts it all the same, that counts where the mechanism has
// nothing more to check. It reports false for one that was answered at the last moment.
func (c *Client) leaveExchange(cmd *command, m Mechanism, mechanism string, local error) bool {
	proved := sasl.IsOneSided(mechanism)
	if _, ok := m.(FinalMechanism); ok {
		proved = sasl.HasVerified(m) // Finish is for after the OK
	}
	c.mu.Lock()
	cmd.proved = proved && local == nil
	c.mu.Unlock()
	return c.abandon(cmd)
}

// afterLogin asks for the capabilities where the server did not send them, and sends Options.ID and Options.Enable. The login stands whatever
// comes of it.
func (c *Client) afterLogin(ctx context.Context) error {
	caps, err := c.knownCaps(ctx)
	if err == nil && c.opts.ID != nil && caps.Has("ID") {
		_, err = c.ID(ctx, c.opts.ID)
	}
	if err == nil {
		err = c.enableWanted(ctx)
	}
	_, refused := errors.AsType[*Error](err)
	if (refused || ctx.Err() != nil) && !errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// LoginPlain logs in with the SASL mechanism PLAIN (RFC 4616; capability AUTH=PLAIN; not authenticated).
func (c *Client) LoginPlain(ctx context.Context, user, password string) error {
	return c.Authenticate(ctx, Plain("", user, password))
}

// LoginCRAMMD5 logs in with the SASL mechanism CRAM-MD5 (RFC 2195; capability AUTH=CRAM-MD5; not authenticated):
// imaplib's login_cram_md5. MD5 is weak; AuthenticatePassword takes a better mechanism where there is one.
//
// Deprecated: use AuthenticatePassword, which takes the strongest mechanism that there is.
func (c *Client) LoginCRAMMD5(ctx context.Context, user, password string) error {
	return c.Authenticate(ctx, CRAMMD5(user, password))
}

// AuthenticatePassword logs in with the strongest mechanism that the server offers and that is safe on this connection:
// SCRAM, CRAM (both the longer hash first), PLAIN, the LOGIN mechanism, DIGEST-MD5 where nothing else keeps the password,
// and the LOGIN command last. (not authenticated)
func (c *Client) AuthenticatePassword(ctx context.Context, user, password string) error {
	if err := c.readyToAuth(ctx, "AUTHENTICATE", false); err != nil {
		return err
	}
	caps, secure := c.Caps(), c.secure()
	offered := func(name string) bool { return caps.Has("AUTH="+name) && (secure || !sasl.SendsPassword(name)) }
	_, hasTLS := c.TLSState()
	mechanism, m := sasl.Strongest(offered, hasTLS, user, password)
	if mechanism == "PLAIN" && strings.ContainsAny(user, `\/`) && secure && !caps.Has("LOGINDISABLED") {
		m = nil // Exchange does not know DOMAIN\user in PLAIN; what PLAIN sends, LOGIN sends too
	}
	if m != nil {
		return c.Authenticate(ctx, m)
	}
	return c.Login(ctx, user, password)
}

// Authenticate logs in with a SASL mechanism (AUTHENTICATE, RFC 9051 section 6.2.2; capability AUTH= with its name; not
// authenticated). One that sends a password or a token in the clear fails with ErrInsecure where Login would. An error
// of the mechanism cancels the exchange and comes back, joined with the server's.
func (c *Client) Authenticate(ctx context.Context, m Mechanism) error {
	const name = "AUTHENTICATE"
	if m == nil {
		return unsent(name, argError("nil Mechanism"))
	}
	if err := c.readyToAuth(ctx, name, false); err != nil {
		return err
	}
	c.bind(m)
	var first error
	for {
		err := c.exchange(ctx, m)
		if err == nil {
			return c.afterLogin(ctx)
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, errMechanismGone) {
			return first
		}
		var refusal *Error
		again, ok := m.(sasl.Rebinder)
		if !ok || !errors.As(err, &refusal) || c.State() != NotAuthenticated || !again.Rebind(string(refusal.Code)) {
			return err
		}
	}
}

// bind tells a mechanism about the connection below it.
func (c *Client) bind(m Mechanism) {
	state, hasTLS := c.TLSState()
	if b, ok := m.(sasl.ChannelBinder); ok {
		if !hasTLS {
			b.BindChannel(c.Caps().Has("AUTH="+b.PlusName()), nil)
		} else {
			b.BindChannel(c.Caps().Has("AUTH="+b.PlusName()), &state)
		}
	}
	host := cmp.Or(state.ServerName, c.host, "localhost")
	if b, ok := m.(sasl.HostBinder); ok {
		b.BindHost(host)
	}
	if b, ok := m.(BoundMechanism); ok {
		ch := Channel{Host: host, Caps: c.Caps()}
		if hasTLS {
			ch.TLS = &state
		}
		b.Bind(ch)
	}
}

// errMechanismGone reports that a mechanism is not offered.
var errMechanismGone = errors.New("the mechanism is not offered")

// exchange runs a mechanism once.
func (c *Client) exchange(ctx context.Context, m Mechanism) error {
	const name = "AUTHENTICATE"
	mechanism, initial, err := m.Start()
	if err != nil {
		return unsent(name, err)
	}
	mechanism = strings.ToUpper(mechanism)
	caps := c.Caps()
	if !caps.Has("AUTH=" + mechanism) {
		return unsent(name, errors.Join(&CapabilityError{Name: "AUTH=" + mechanism}, errMechanismGone))
	}
	if sasl.SendsPassword(mechanism) && !c.secure() {
		return unsent(name, ErrInsecure)
	}
	cmd := c.authCommand(name)
	cmd.asks, cmd.terminator, cmd.exchange = true, "*", true
	c.keepAnswer(cmd, m, initial)
	withInitial := initial != nil && caps.offers("SASL-IR")
	cmd.encode = func(e *encoder) {
		e.sp().atom("the name of the mechanism", mechanism)
		if withInitial {
			e.sp().hidden(encodeSASL(initial))
		}
	}
	if err := c.start(ctx, cmd); err != nil {
		return err
	}
	defer c.unlock()
	if withInitial {
		initial = nil
	}
	return c.converse(ctx, cmd, m, mechanism, initial)
}

// encodeSASL is base64, with "=" for empty initial data (RFC 4959).
func encodeSASL(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// answerPrefix is what a mechanism wants in the clear before its answers: GroupWise repeats the name of its own.
var answerPrefix = map[string]string{"XGWTRUSTEDAPP": "XGWTRUSTEDAPP "}

// converse answers the challenges of a server until it says how the exchange ended.
func (c *Client) converse(ctx context.Context, cmd *command, m Mechanism, mechanism string, initial []byte) error {
	var local error
	for {
		if err := c.awaitGoAhead(ctx, cmd); err != nil && c.leaveExchange(cmd, m, mechanism, local) {
			return failed(cmd.name, err)
		}
		if cmd.finished(c.engine) {
			return c.concluded(cmd, m, local)
		}
		line := "*"
		if local == nil {
			var answer []byte
			if answer, local = nextResponse(cmd.challenge, m, &initial); local == nil {
				line = answerPrefix[strings.ToUpper(mechanism)] + base64.StdEncoding.EncodeToString(answer)
				c.keepAnswer(cmd, m, answer)
			}
		}
		c.ask(cmd)
		if err := c.sendLine(ctx, line); err != nil {
			return failed(cmd.name, err)
		}
	}
}

// nextResponse answers one challenge. The first, empty one asks for the initial data where SASL-IR is not offered.
func nextResponse(challenge []byte, m Mechanism, initial *[]byte) ([]byte, error) {
	decoded, err := decodeChallenge(challenge)
	if err != nil {
		return nil, err
	}
	if first := *initial; first != nil {
		*initial = nil
		return first, nil
	}
	return m.Next(decoded)
}

func decodeChallenge(b []byte) ([]byte, error) {
	text := strings.TrimSpace(string(b))
	if text == "=" {
		return nil, nil // an empty one, as servers made with go-imap v2 write it
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		decoded, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, errors.New("the server's challenge is not base64")
	}
	return decoded, nil
}

// concluded judges the end of an exchange: the server's word, and the mechanism's where it has one.
func (c *Client) concluded(cmd *command, m Mechanism, local error) error {
	err := c.result(cmd)
	if err == nil && local == nil {
		if f, ok := m.(FinalMechanism); ok {
			local = f.Finish(nil)
		}
	}
	if err == nil && local != nil {
		// We are logged in, but not with whom we thought, or against the will of the mechanism.
		c.fail(ErrClosed)
		return failed(cmd.name, local)
	}
	if local != nil {
		return failed(cmd.name, errors.Join(local, err))
	}
	if x, ok := m.(sasl.FailureExplainer); ok && err != nil {
		if reason := tokenRefused(x.Failure()); reason != nil {
			return failed(cmd.name, errors.Join(err, reason))
		}
	}
	return err
}

// ProxyAuth makes an administrator act as another user (PROXYAUTH, a command of Netscape's and Sun's servers; logged in):
// imaplib's proxyauth. It is obsolete; SASL mechanisms have an authorization identity for it.
//
// Deprecated: use Authenticate with Plain and an identity, which servers of today have.
func (c *Client) ProxyAuth(ctx context.Context, user string) error {
	cmd := &command{name: "PROXYAUTH", states: inAuth, exclusive: true}
	cmd.encode = func(e *encoder) { e.sp().astring(user) }
	c.proxied(cmd)
	return c.run(ctx, cmd)
}

// proxied makes cmd one behind which another user is logged in: what was told of the one before is not the new one's.
func (c *Client) proxied(cmd *command) {
	cmd.finish = func(s *status) {
		if s.ok() {
			c.lastData = nil
			c.events.forget()
		}
	}
}

// TokenSource returns an OAuth 2.0 access token that is valid now: the cached one, or a new one made with the refresh token.
// With golang.org/x/oauth2 it is
//
//	func(context.Context) (string, error) {
//		t, err := source.Token() // an oauth2.TokenSource
//		if err != nil {
//			return "", err
//		}
//		return t.AccessToken, nil
//	}
type TokenSource func(ctx context.Context) (string, error)

// AuthenticateToken logs in with an OAuth 2.0 access token, for which it asks the source each time, so that a token that has
// expired is not used again on the next connection. It uses OAUTHBEARER where the server offers it, else XOAUTH2 (RFC 7628;
// capability AUTH=OAUTHBEARER or AUTH=XOAUTH2; not authenticated). An error of the source comes back as it is, before
// anything is sent. Where the server gives the reason for refusing a token, errors.As finds an *OAuthError.
func (c *Client) AuthenticateToken(ctx context.Context, user string, source TokenSource) error {
	const name = "AUTHENTICATE"
	if source == nil {
		return unsent(name, argError("nil TokenSource"))
	}
	if err := c.readyToAuth(ctx, name, true); err != nil {
		return err
	}
	token, err := source(ctx)
	if err != nil {
		return unsent(name, err)
	}
	if c.Caps().Has("AUTH=OAUTHBEARER") {
		return c.Authenticate(ctx, OAuthBearer(user, token))
	}
	return c.Authenticate(ctx, XOAuth2(user, token))
}

// OAuthError is why a server refuses a token, in its own words: the JSON object of RFC 7628 section 3.2.2. It comes joined
// with the *Error of the command.
type OAuthError struct {
	Mechanism           string // XOAUTH2 or OAUTHBEARER
	Status              string // "invalid_token", "401", …
	Scope               string // the scopes that a token needs
	Schemes             string // of XOAUTH2: "bearer"
	OpenIDConfiguration string // a URL of the service that issues tokens
	Text                string // what came, where it is no such object
}

// Error has the server's words, quoted and of bounded length. They never hold the token.
func (e *OAuthError) Error() string { return (*sasl.OAuthError)(e).Error() }

// tokenRefused makes the reason that a mechanism has from a server an OAuthError where it is about a token.
func tokenRefused(reason error) error {
	if e, ok := errors.AsType[*sasl.OAuthError](reason); ok {
		refused := OAuthError(*e)
		return &refused
	}
	return reason
}

// Mechanism is a SASL mechanism (RFC 4422) for [Client.Authenticate]: the side of the client, bytes in and bytes out,
// base64 being the library's business. It is the method set of the usual Go SASL packages, so that theirs fit.
//
// Start begins an exchange and returns the name of the mechanism as it is sent, and its initial response: nil if the
// server speaks first, an empty slice that is not nil if the response is there and empty. It forgets whatever an earlier
// exchange left behind, so that a Mechanism can be used again, though never by two exchanges at the same time. An error
// of Start ends the exchange before anything is sent.
//
// Next answers a challenge of the server, which it must not keep. A nil answer is an empty one. An error of Next cancels
// the exchange with "*" and reaches the caller. Next is not called before Start, and not for the empty challenge with
// which a server asks for an initial response that was not sent along with the command.
//
// The mechanisms of this package take an unexpected challenge for an error, and show neither password nor token to any
// verb of package fmt, to log/slog or to encoding/json.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// BoundMechanism is a [Mechanism] that has to know something of the connection below it: GSSAPI the name of the host, for
// which it gets a ticket, GS2-KRB5-PLUS and NTLM the channel binding, by which no one between two TLS
// connections can pass the exchange on. Bind is called before Start. The program in examples/kerberos is one.
type BoundMechanism interface {
	Mechanism
	Bind(ch Channel)
}

// FinalMechanism is a [Mechanism] that has the last word on a success. Finish is called once after the server's OK: an
// error means that the server may not be the one that it claims to be, as where it answers OK before it has proved itself.
// Then the connection is closed, and [Client.Authenticate] returns the error. data is nil: IMAP has no place for more.
type FinalMechanism interface {
	Mechanism
	Finish(data []byte) error
}

// Channel is the connection below an exchange.
type Channel struct {
	Host string               // the name that TLS verified, else the one that was dialled
	Caps Caps                 // what the server offers: "AUTH=GS2-KRB5-PLUS"
	TLS  *tls.ConnectionState // nil without TLS
}

// Binding returns the channel binding of a kind: "tls-exporter" (RFC 9266), "tls-server-end-point" or "tls-unique" (RFC
// 5929), without the prefix that RFC 5056 puts before it. Where the connection has none of that kind, as without TLS or
// where TLS 1.3 has no tls-unique, errors.Is(err, errors.ErrUnsupported) holds.
func (ch Channel) Binding(kind string) ([]byte, error) {
	if ch.TLS != nil {
		if data := sasl.Binding(ch.TLS, kind); data != nil {
			return data, nil
		}
	}
	return nil, errors.Join(argError("imap: the connection has no channel binding %s", kind), errors.ErrUnsupported)
}

// Plain is the mechanism PLAIN (RFC 4616): user and password in one message, byte for byte as given. identity is the
// user to act as, if that is another caller ("" if not); servers allow it to administrators.
//
// The password leaves as it is: the goroutine that reads the connection has it. The client therefore refuses PLAIN without TLS
// unless [Options].AllowInsecureAuth is set. A NUL in an argument is an error and nothing is sent.
func Plain(identity, user, password string) Mechanism { return sasl.Plain(identity, user, password) }

// External is the mechanism EXTERNAL (RFC 4422 appendix A): the server knows the user from outside, usually from the
// certificate of the TLS client. identity is the user to act as, "" for the one whom the server finds there.
//
// No secret is sent. A NUL or an byte that is not UTF-8 in identity is an error and nothing is sent.
func External(identity string) Mechanism { return sasl.External(identity) }

// Anonymous is the mechanism ANONYMOUS (RFC 4505): a login as nobody, for servers with public mailboxes. trace is what
// the server may write to its log: a mail address, up to 255 characters of other text without "@", or nothing.
//
// trace is not secret and proves nothing. What RFC 4505 does not allow in it is an error and nothing is sent.
func Anonymous(trace string) Mechanism { return sasl.Anonymous(trace) }

// LoginMechanism is the mechanism LOGIN, which no RFC describes and many servers have: the answer to the first prompt
// is the user, to the second the password, whatever the prompts say or do not say. [Client.Login] is the command LOGIN
// of IMAP and something else.
//
// The password leaves as it is: see [Plain], which is preferable where the server has both. A NUL in an argument is an
// error and nothing is sent.
func LoginMechanism(user, password string) Mechanism { return sasl.LoginMechanism(user, password) }

// CRAMMD5 is the mechanism CRAM-MD5 (RFC 2195): the password keys a hash of what the server asks and does not leave.
//
// It is legacy: an eavesdropper can try passwords against the answer at great speed, and the server proves
// nothing about itself. [SCRAMSHA256] is preferable where the server has it. A NUL in an argument is an error and nothing
// is sent. In Go's FIPS 140-only mode the error of MD5 is one for which errors.Is(err, errors.ErrUnsupported) holds.
func CRAMMD5(user, password string) Mechanism { return sasl.CRAMMD5(user, password) }

// CRAMSHA1 is the mechanism CRAM-SHA1 of Courier: [CRAMMD5] with another hash function and nothing else that is better.
// It is legacy too.
func CRAMSHA1(user, password string) Mechanism { return sasl.CRAMSHA1(user, password) }

// CRAMSHA256 is the mechanism CRAM-SHA256 of Courier: [CRAMMD5] with a hash function that is not broken, and still
// nothing that proves the server or slows down the trying of passwords. It is legacy too. In Go's FIPS 140-only mode the
// password needs 14 bytes.
func CRAMSHA256(user, password string) Mechanism { return sasl.CRAMSHA256(user, password) }

// XOAuth2 is the mechanism XOAUTH2 of Google, Microsoft and others: user and an OAuth 2.0 access token. [OAuthBearer]
// is the standard that came of it.
//
// The token leaves as it is and is good for the goroutine that reads it until it expires: the client refuses XOAUTH2 without TLS
// unless [Options].AllowInsecureAuth is set. Getting and refreshing tokens is the caller's business. If the server says
// why it refuses a token, its status, scope and schemes are part of the error. A control character in an argument, or a
// token that is empty or not printable ASCII without spaces, is an error and nothing is sent.
func XOAuth2(user, token string) Mechanism { return sasl.XOAuth2(user, token) }

// OAuthBearer is the mechanism OAUTHBEARER (RFC 7628): user and an OAuth 2.0 bearer token (RFC 6750). user may be "" if
// the token says whose it is. The host and port that RFC 7628 lets a client add are not sent.
//
// What [XOAuth2] says of security, errors and arguments holds here too.
func OAuthBearer(user, token string) Mechanism { return sasl.OAuthBearer(user, token) }

// SCRAMSHA512 is the mechanism SCRAM-SHA-512: [SCRAMSHA256] with a longer hash function. No RFC describes it
// yet; servers agree on RFC 5802 with the name and the function replaced.
func SCRAMSHA512(user, password string) Mechanism { return sasl.SCRAMSHA512(user, password) }

// SCRAMSHA256 is the mechanism SCRAM-SHA-256 (RFC 5802, RFC 7677): client and server prove to each other that they know
// the password, and it does not leave. Where the server offers SCRAM-SHA-256-PLUS on a TLS connection that is used, so
// that no one between two TLS connections can pass the exchange on: bound by tls-exporter (RFC 9266) under
// TLS 1.3, else by tls-server-end-point or tls-unique (RFC 5929). A server that does not take these kinds of binding, or
// refuses a bound exchange without a reason, gets one that is not bound.
//
// A login succeeds only if the server has proved itself. Counts of less than 4,096 iterations are refused, because a
// hostile server could guess the password cheaply, and counts of more than 1,000,000, because they take too long.
//
// User and password are prepared with SASLprep (RFC 4013), so that one text typed on different keyboards is one password.
// ASCII goes through untouched. Text that SASLprep does not allow is used as it is, because servers do so too, with two
// exceptions that are errors and send nothing: control characters, and a user that is empty or not UTF-8.
func SCRAMSHA256(user, password string) Mechanism { return sasl.SCRAMSHA256(user, password) }

// SCRAMSHA1 is the mechanism SCRAM-SHA-1 (RFC 5802): [SCRAMSHA256] with an older hash function that is
// still good for this use. In Go's FIPS 140-only mode its error is one for which errors.Is(err, errors.ErrUnsupported)
// holds.
func SCRAMSHA1(user, password string) Mechanism { return sasl.SCRAMSHA1(user, password) }

// DigestMD5 is the mechanism DIGEST-MD5 (RFC 2831): client and server prove to each other that they know the password, and
// it does not leave. A login succeeds only if the server has proved itself.
//
// It is legacy, retired by RFC 6331: an eavesdropper can try passwords against the answer at great speed.
// [SCRAMSHA256] does the same better, and [Plain] under TLS is as safe as TLS. Authentication is all that is done
// (qop=auth), never the integrity or confidentiality layer. A server that demands one is an error.
//
// Of several realms it takes the one that follows the last "@" in user, else the first; user itself is sent as given. The
// name of the server in the answer is the one that TLS verified, else the one that was dialled. RFC 2831 knows no
// SASLprep, but it hashes text that fits as ISO 8859-1. Dovecot does not: where that makes a difference and the server
// refuses, the exchange is repeated with UTF-8.
//
// A user that is not UTF-8 or holds a control character, and a NUL in the password, are errors and nothing is sent. In Go's
// FIPS 140-only mode the error of MD5 is one for which errors.Is(err, errors.ErrUnsupported) holds.
func DigestMD5(user, password string) Mechanism { return sasl.DigestMD5(user, password) }
