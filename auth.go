package imap

import (
	"bytes"
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
// anything is sent, if the password would be sent in the clear or the server announces LOGINDISABLED.
// AuthenticatePassword is preferable: it does not send the password if the server supports that.
func (c *Client) Login(ctx context.Context, user, password string) error {
	const name = "LOGIN"
	if err := c.readyToAuth(ctx, name, true); err != nil {
		return err
	}
	if c.Caps().Has("LOGINDISABLED") {
		return unsent(name, ErrInsecure)
	}
	cmd := c.authCommand(name)
	c.e.keepSecret(cmd, password, escapeQuoted(password))
	cmd.encode = func(e *encoder) { e.sp().astring(user).sp().secret(password) }
	if err := c.run(ctx, cmd); err != nil {
		return err
	}
	return c.afterLogin(ctx)
}

// readyToAuth ensures that the capabilities are known, and fails if a secret may not be sent.
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
	if closed := c.e.closedError(); closed != nil {
		return closed
	}
	return err
}

// secure reports whether passwords may be sent: the connection is safe from eavesdroppers, or the caller allows it anyway.
func (c *Client) secure() bool {
	if c.e.opts.AllowInsecureAuth || c.e.conn.TLSConn() != nil {
		return true
	}
	switch raw := c.e.conn.Stream().(type) {
	case *wire.Child:
		return true
	case net.Conn:
		// With the caller's Dialer the address may be that of a local proxy, whatever the server.
		return isLocal(raw.RemoteAddr()) && (c.e.opts.Dialer == nil || isLoopbackName(c.e.host))
	}
	return false
}

// isLoopbackName reports whether a host name or address denotes the local machine (RFC 6761 section 6.3).
func isLoopbackName(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isLocal reports whether an address belongs to the local machine.
func isLocal(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// keepAnswer masks a mechanism's response, both decoded and in base64, and the secrets in it.
func (e *engine) keepAnswer(cmd *command, m Mechanism, answer []byte) {
	e.keepSecret(cmd, base64.StdEncoding.EncodeToString(answer), string(answer))
	if h, ok := m.(sasl.SecretHolder); ok {
		e.keepSecret(cmd, h.Secret())
		return
	}
	e.keepSecret(cmd, secretsIn(answer)...)
}

// secretsIn returns what a response of PLAIN (RFC 4616) or OAUTHBEARER (RFC 7628) keeps secret: for mechanisms of other packages.
func secretsIn(answer []byte) []string {
	var secrets []string
	if i := bytes.LastIndexByte(answer, 0); i >= 0 {
		secrets = append(secrets, string(answer[i+1:]))
	}
	for pair := range bytes.SplitSeq(answer, []byte{1}) {
		if value, ok := bytes.CutPrefix(pair, []byte("auth=")); ok {
			secrets = append(secrets, string(value[bytes.IndexByte(value, ' ')+1:]))
		}
	}
	return secrets
}

// authCommand returns a command that logs in. The capabilities may differ afterwards: unless the server sends them, they are
// requested again.
func (c *Client) authCommand(name string) *command {
	cmd := &command{name: name, states: inNotAuth, traits: traits{exclusive: true, changes: onUser | onCaps}}
	caps := &capsAnswer{}
	cmd.answer = caps
	cmd.finish = func(s *status) {
		if !s.ok() {
			return
		}
		if cmd.exchange && cmd.abandoned && (!cmd.proved || cmd.endSent) {
			c.e.hangUp(&wire.LostError{Cause: errUnproved})
			return
		}
		c.e.loggedIn(caps.arrived)
	}
	return cmd
}

// capsAnswer records whether the answer to a command included the capabilities.
type capsAnswer struct {
	noData
	arrived bool
}

func (a *capsAnswer) data(r *response) claim {
	if r.name != "CAPABILITY" {
		return notMine
	}
	a.arrived = true
	return shared
}

// dropped returns a, because the data is for the session, not for the caller.
func (a *capsAnswer) dropped() answer { return a }

// errUnproved reports that the server accepted a login that was given up before the server had proved its identity.
var errUnproved = errors.New("the server accepted a login that was given up before the server had proved itself")

// leaveExchange abandons a login in the middle of the exchange. If the server accepts it nevertheless, the login is valid
// only if the mechanism has nothing left to check. leaveExchange returns false if the command was just answered.
func (c *Client) leaveExchange(cmd *command, m Mechanism, mechanism string, local error) bool {
	proved := sasl.IsOneSided(mechanism)
	if _, ok := m.(FinalMechanism); ok {
		proved = sasl.HasVerified(m) // Finish may be called only after the OK
	}
	return c.e.abandonExchange(cmd, proved && local == nil)
}

// afterLogin requests the capabilities if the server did not send them, and sends Options.ID and Options.Enable. The client
// is logged in whatever the result.
func (c *Client) afterLogin(ctx context.Context) error {
	caps, err := c.knownCaps(ctx)
	if err == nil && c.e.opts.ID != nil && caps.Has("ID") {
		_, err = c.ID(ctx, c.e.opts.ID)
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
// imaplib's login_cram_md5. MD5 is weak; AuthenticatePassword uses a better mechanism if the server offers one.
//
// Deprecated: use AuthenticatePassword, which uses the strongest mechanism that the server offers.
func (c *Client) LoginCRAMMD5(ctx context.Context, user, password string) error {
	return c.Authenticate(ctx, CRAMMD5(user, password))
}

// AuthenticatePassword logs in with the strongest mechanism that the server offers and that is safe on this connection
// (not authenticated). It prefers SCRAM, then CRAM, with the longest hash first, then PLAIN, the LOGIN mechanism and the
// LOGIN command. DIGEST-MD5 is used if nothing else avoids sending the password in the clear.
//
// Some servers offer mechanisms that they do not support, or only for some accounts. If the server rejects the mechanism
// itself (BAD, or NO with such a text) and passwords may be sent, AuthenticatePassword makes one more attempt: with PLAIN or
// the LOGIN mechanism if the first one did not send the password, otherwise with the LOGIN command (RFC 9051 section 6.2.3).
// Any other refusal is final, since servers lock accounts after too many attempts.
func (c *Client) AuthenticatePassword(ctx context.Context, user, password string) error {
	if err := c.readyToAuth(ctx, "AUTHENTICATE", false); err != nil {
		return err
	}
	caps, secure := c.Caps(), c.secure()
	offered := func(name string) bool { return caps.Has("AUTH="+name) && (secure || !sasl.SendsPassword(name)) }
	_, hasTLS := c.TLSState()
	mechanism, m := sasl.Strongest(offered, hasTLS, user, password)
	if mechanism == "PLAIN" && strings.ContainsAny(user, `\/`) && secure && !caps.Has("LOGINDISABLED") {
		m = nil // Exchange does not accept DOMAIN\user in PLAIN; LOGIN sends the same secret
	}
	if m == nil {
		return c.Login(ctx, user, password)
	}
	err := c.Authenticate(ctx, m)
	if !secure || !c.refusedMechanism(err) {
		return err
	}
	if !sasl.SendsPassword(mechanism) {
		inClear := func(name string) bool { return offered(name) && sasl.SendsPassword(name) }
		if _, m := sasl.Strongest(inClear, false, user, password); m != nil {
			return c.Authenticate(ctx, m)
		}
	}
	if caps.Has("LOGINDISABLED") {
		return err
	}
	return c.Login(ctx, user, password)
}

// refusedMechanism reports whether a server rejected the mechanism rather than the credentials. It returns false for an error
// of the mechanism itself, which is joined with the server's: a server that failed to authenticate must not get the password.
func (c *Client) refusedMechanism(err error) bool {
	e, ok := err.(*Error)
	if !ok || e.Status == "BYE" || e.Code != "" || e.isTransient() || c.State() != NotAuthenticated {
		return false
	}
	text := strings.ToLower(e.Text)
	return e.Status == "BAD" || slices.ContainsFunc(mechanismWords, func(w string) bool { return strings.Contains(text, w) })
}

// mechanismWords occur in the texts of servers that refuse a mechanism.
var mechanismWords = []string{"mechanism", "unknown command", "command unknown", "unsupported", "not supported", "not implemented", "unrecogni"}

// Authenticate logs in with a SASL mechanism (AUTHENTICATE, RFC 9051 section 6.2.2; capability AUTH= with its name; not
// authenticated). With a mechanism that sends a password or a token in the clear, it fails with ErrInsecure under the same
// conditions as Login. An error of the mechanism cancels the exchange and is returned, joined with the server's error.
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

// bind gives a mechanism the data of the connection that it needs.
func (c *Client) bind(m Mechanism) {
	state, hasTLS := c.TLSState()
	if b, ok := m.(sasl.ChannelBinder); ok {
		if !hasTLS {
			b.BindChannel(c.Caps().Has("AUTH="+b.PlusName()), nil)
		} else {
			b.BindChannel(c.Caps().Has("AUTH="+b.PlusName()), &state)
		}
	}
	host := cmp.Or(state.ServerName, c.e.host, "localhost")
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

// exchange runs the exchange of a mechanism once.
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
	c.e.keepAnswer(cmd, m, initial)
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
	defer c.e.unlock()
	if withInitial {
		initial = nil
	}
	ended := false
	defer func() {
		if !ended && !c.e.abandonExchange(cmd, false) {
			c.e.fail(ErrClosed) // the mechanism panicked before it had checked the server
		}
	}()
	err = c.converse(ctx, cmd, m, mechanism, initial)
	ended = true
	return err
}

// encodeSASL encodes b in base64, or as "=" if it is empty (RFC 4959).
func encodeSASL(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// answerPrefix is the text in the clear that a mechanism needs before its responses: that of GroupWise repeats its name.
var answerPrefix = map[string]string{"XGWTRUSTEDAPP": "XGWTRUSTEDAPP "}

// converse answers the challenges of a server until the server ends the exchange.
func (c *Client) converse(ctx context.Context, cmd *command, m Mechanism, mechanism string, initial []byte) error {
	var local error
	for {
		if err := c.e.awaitGoAhead(ctx, cmd); err != nil && c.leaveExchange(cmd, m, mechanism, local) {
			return failed(cmd.name, err)
		}
		if cmd.finished(c.e) {
			return c.concluded(cmd, m, local)
		}
		line := "*"
		if local == nil {
			var answer []byte
			if answer, local = nextResponse(cmd.challenge, m, &initial); local == nil {
				line = answerPrefix[strings.ToUpper(mechanism)] + base64.StdEncoding.EncodeToString(answer)
				c.e.keepAnswer(cmd, m, answer)
			}
		}
		c.e.ask(cmd)
		if err := c.e.sendLine(ctx, cmd, line); err != nil {
			return failed(cmd.name, err)
		}
	}
}

// nextResponse answers one challenge. A first, empty one requests the initial data if SASL-IR is not offered.
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
		return nil, nil // an empty challenge, in the form that servers made with go-imap v2 send
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

// concluded returns the result of an exchange, from the server's status and the final check of the mechanism.
func (c *Client) concluded(cmd *command, m Mechanism, local error) error {
	err := c.e.result(cmd)
	if err == nil && local == nil {
		if f, ok := m.(FinalMechanism); ok {
			local = f.Finish(nil)
		}
	}
	if err == nil && local != nil {
		// The client is logged in, but possibly to an impostor, or although the mechanism failed.
		c.e.fail(ErrClosed)
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
// Deprecated: use Authenticate with Plain and an identity, which current servers support.
func (c *Client) ProxyAuth(ctx context.Context, user string) error {
	cmd := &command{name: "PROXYAUTH", states: inAuth, traits: traits{exclusive: true}}
	cmd.encode = func(e *encoder) { e.sp().astring(user) }
	c.proxied(cmd)
	return c.run(ctx, cmd)
}

// errProxied reports that the server changed the user for a call that was given up.
var errProxied = errors.New("the server changed the user for a call that was given up")

// proxied makes cmd a command that changes the user: its success drops the state that belongs to the previous user.
func (c *Client) proxied(cmd *command) {
	cmd.finish = func(s *status) {
		switch {
		case !s.ok():
		case cmd.abandoned:
			c.e.hangUp(&wire.LostError{Cause: errProxied}) // nothing shows the next call whose mail it is
		default:
			c.e.forgetData()
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

// AuthenticateToken logs in with an OAuth 2.0 access token, which it gets from the source at each call, so that an expired
// token is not used again on the next connection. It uses OAUTHBEARER if the server offers it, else XOAUTH2 (RFC 7628;
// capability AUTH=OAUTHBEARER or AUTH=XOAUTH2; not authenticated). An error of the source is returned unchanged, before
// anything is sent. If the server gives a reason for refusing a token, errors.As finds an *OAuthError.
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

// OAuthError is the server's reason for refusing a token: the JSON object of RFC 7628 section 3.2.2. It is joined with the
// *Error of the command.
type OAuthError struct {
	Mechanism           string // XOAUTH2 or OAUTHBEARER
	Status              string // "invalid_token", "401", …
	Scope               string // the scopes that a token needs
	Schemes             string // of XOAUTH2: "bearer"
	OpenIDConfiguration string // a URL of the service that issues tokens
	Text                string // the data received, if it is not such an object
}

// Error returns the server's reason, quoted and of bounded length. It never contains the token.
func (e *OAuthError) Error() string { return (*sasl.OAuthError)(e).Error() }

// tokenRefused converts the error of a mechanism to an OAuthError, if it is about a token.
func tokenRefused(reason error) error {
	if e, ok := errors.AsType[*sasl.OAuthError](reason); ok {
		refused := OAuthError(*e)
		return &refused
	}
	return reason
}

// Mechanism is the client side of a SASL mechanism (RFC 4422) for [Client.Authenticate]. Challenges and responses are plain
// bytes; the library handles base64. The method set is that of the common Go SASL packages, so their mechanisms can be used.
//
// Start begins an exchange and returns the name of the mechanism, and its initial response: nil if the server speaks first,
// an empty slice that is not nil if there is an empty initial response. It must reset the state of an earlier exchange, so
// that a Mechanism can be reused, but not by two exchanges at the same time. An error of Start ends the exchange before
// anything is sent.
//
// Next returns the response to a challenge, which it must not retain. A nil response is sent as an empty one. An error of
// Next cancels the exchange with "*" and is returned to the caller. Next is not called before Start, and not for the empty
// challenge by which a server requests an initial response that was not sent with the command.
//
// The mechanisms of this package return an error for an unexpected challenge. They do not reveal passwords and tokens to
// package fmt, log/slog or encoding/json.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// BoundMechanism is a [Mechanism] that needs data of the connection: GSSAPI needs the host name to get a ticket;
// GS2-KRB5-PLUS and NTLM need the channel binding, which keeps a man in the middle with two TLS connections from relaying
// the exchange. Bind is called before Start. The program in examples/kerberos has one.
type BoundMechanism interface {
	Mechanism
	Bind(ch Channel)
}

// FinalMechanism is a [Mechanism] that checks the server after a success. Finish is called once after the server's OK. It
// returns an error if the server may be an impostor, for example because it answered OK before it proved its identity. The
// connection is then closed, and [Client.Authenticate] returns the error. data is nil, because IMAP cannot carry any.
type FinalMechanism interface {
	Mechanism
	Finish(data []byte) error
}

// Channel is the connection below an exchange.
type Channel struct {
	Host string               // the name that TLS verified, or else the dialed host
	Caps Caps                 // the server's capabilities, such as "AUTH=GS2-KRB5-PLUS"
	TLS  *tls.ConnectionState // nil without TLS
}

// Binding returns the channel binding of the given kind: "tls-exporter" (RFC 9266), "tls-server-end-point" or "tls-unique"
// (RFC 5929), without the prefix of RFC 5056. If the connection has none of that kind, as without TLS, or tls-unique with
// TLS 1.3, errors.Is(err, errors.ErrUnsupported) holds.
func (ch Channel) Binding(kind string) ([]byte, error) {
	if ch.TLS != nil {
		if data := sasl.Binding(ch.TLS, kind); data != nil {
			return data, nil
		}
	}
	return nil, errors.Join(argError("imap: the connection has no channel binding %s", kind), errors.ErrUnsupported)
}

// Plain returns the mechanism PLAIN (RFC 4616), which sends user and password in one message, exactly as given. identity is
// the user to act as, if that is another user, or ""; servers allow it to administrators.
//
// PLAIN sends the password in cleartext. The client therefore refuses it without TLS unless [Options].AllowInsecureAuth is
// set. A NUL in an argument is an error, and nothing is sent.
func Plain(identity, user, password string) Mechanism { return sasl.Plain(identity, user, password) }

// External returns the mechanism EXTERNAL (RFC 4422 appendix A): the server identifies the user by other means, usually by
// the certificate of the TLS client. identity is the user to act as, or "" for the identified user.
//
// No secret is sent. If identity contains a NUL or is not valid UTF-8, that is an error, and nothing is sent.
func External(identity string) Mechanism { return sasl.External(identity) }

// Anonymous returns the mechanism ANONYMOUS (RFC 4505), a login without a user, for servers with public mailboxes. trace is
// text for the server's log: a mail address, up to 255 characters of other text without "@", or nothing.
//
// trace is not secret and proves nothing. If RFC 4505 does not allow it, that is an error, and nothing is sent.
func Anonymous(trace string) Mechanism { return sasl.Anonymous(trace) }

// LoginMechanism returns the mechanism LOGIN, which no RFC describes and many servers have: it answers the first prompt with
// the user and the second with the password, whatever the texts of the prompts. It is not the IMAP command LOGIN, which is
// [Client.Login].
//
// The password is sent as it is: see [Plain], which is preferable if the server has both. A NUL in an argument is an error,
// and nothing is sent.
func LoginMechanism(user, password string) Mechanism { return sasl.LoginMechanism(user, password) }

// CRAMMD5 returns the mechanism CRAM-MD5 (RFC 2195): the response is a hash of the challenge, keyed with the password,
// which is not sent.
//
// It is legacy: an eavesdropper can try passwords against the response at great speed, and the server does not prove its
// identity. [SCRAMSHA256] is preferable if the server has it. A NUL in an argument is an error, and nothing is sent. In Go's
// FIPS 140-only mode, which excludes MD5, it fails with an error for which errors.Is(err, errors.ErrUnsupported) holds.
func CRAMMD5(user, password string) Mechanism { return sasl.CRAMMD5(user, password) }

// CRAMSHA1 returns the mechanism CRAM-SHA1 of Courier: [CRAMMD5] with another hash function, and with the same weaknesses.
// It is legacy too.
func CRAMSHA1(user, password string) Mechanism { return sasl.CRAMSHA1(user, password) }

// CRAMSHA256 returns the mechanism CRAM-SHA256 of Courier: [CRAMMD5] with a hash function that is not broken, but still
// without a proof of the server's identity or protection against trying passwords. It is legacy too. In Go's FIPS 140-only
// mode the password must have at least 14 bytes.
func CRAMSHA256(user, password string) Mechanism { return sasl.CRAMSHA256(user, password) }

// XOAuth2 returns the mechanism XOAUTH2 of Google, Microsoft and others, which sends the user and an OAuth 2.0 access token.
// [OAuthBearer] is the standard that grew out of it.
//
// XOAUTH2 sends the token in cleartext, and the token is valid until it expires. The client therefore refuses it without TLS
// unless [Options].AllowInsecureAuth is set. The caller must get and refresh tokens. If the server gives a reason for
// refusing a token, its status, scope and schemes are part of the error. A control character in an argument, or a token
// that is empty or not printable ASCII without spaces, is an error, and nothing is sent.
func XOAuth2(user, token string) Mechanism { return sasl.XOAuth2(user, token) }

// OAuthBearer returns the mechanism OAUTHBEARER (RFC 7628), which sends the user and an OAuth 2.0 bearer token (RFC 6750).
// user may be "" if the token identifies the user. The host and port, which RFC 7628 makes optional, are not sent.
//
// Security, errors and arguments are as described for [XOAuth2].
func OAuthBearer(user, token string) Mechanism { return sasl.OAuthBearer(user, token) }

// SCRAMSHA512 returns the mechanism SCRAM-SHA-512: [SCRAMSHA256] with a longer hash. No RFC describes it yet; servers
// implement RFC 5802 with the name and the hash function replaced.
func SCRAMSHA512(user, password string) Mechanism { return sasl.SCRAMSHA512(user, password) }

// SCRAMSHA256 returns the mechanism SCRAM-SHA-256 (RFC 5802, RFC 7677): client and server prove to each other that they know
// the password, which is not sent. If the server offers SCRAM-SHA-256-PLUS on a TLS connection, that is used, so that a man
// in the middle with two TLS connections cannot relay the exchange: it is bound to the connection by tls-exporter (RFC 9266)
// under TLS 1.3, else by tls-server-end-point or tls-unique (RFC 5929). If the server does not support these kinds of
// binding, or refuses a bound exchange without a reason, the exchange is repeated unbound.
//
// A login succeeds only if the server has proved its identity. An iteration count below 4,096 is refused, because a hostile
// server could then guess the password cheaply, and one above 1,000,000, because it would take too long.
//
// User and password are prepared with SASLprep (RFC 4013), so that the same text typed on different keyboards is the same
// password. ASCII is not changed. Text that SASLprep does not allow is used unchanged, as servers do, with two exceptions
// that are errors, in which case nothing is sent: control characters, and a user that is empty or not UTF-8.
func SCRAMSHA256(user, password string) Mechanism { return sasl.SCRAMSHA256(user, password) }

// SCRAMSHA1 returns the mechanism SCRAM-SHA-1 (RFC 5802): [SCRAMSHA256] with an older hash function that is still adequate
// for this use. In Go's FIPS 140-only mode it fails with an error for which errors.Is(err, errors.ErrUnsupported) holds.
func SCRAMSHA1(user, password string) Mechanism { return sasl.SCRAMSHA1(user, password) }

// DigestMD5 returns the mechanism DIGEST-MD5 (RFC 2831): client and server prove to each other that they know the password,
// which is not sent. A login succeeds only if the server has proved its identity.
//
// It is legacy, retired by RFC 6331: an eavesdropper can try passwords against the response at great speed. [SCRAMSHA256]
// is a better replacement, and [Plain] under TLS is as safe as TLS. Only authentication is supported (qop=auth), not the
// integrity or confidentiality layer. If the server demands one, the exchange fails.
//
// If the server offers several realms, the one that follows the last "@" in user is chosen, else the first; user itself is
// sent as given. The host name in the response is the one that TLS verified, or else the dialed host. RFC 2831 has no
// SASLprep, but hashes text as ISO 8859-1 if possible. Dovecot does not: if that makes a difference and the server refuses,
// the exchange is repeated with UTF-8.
//
// A user that is not UTF-8 or contains a control character, and a NUL in the password, are errors, and nothing is sent. In
// Go's FIPS 140-only mode, which excludes MD5, it fails with an error for which errors.Is(err, errors.ErrUnsupported) holds.
func DigestMD5(user, password string) Mechanism { return sasl.DigestMD5(user, password) }
