package imap

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mechanism is a SASL mechanism (RFC 4422) for [Client.Authenticate]: the side of the client, octets in and octets out,
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

// finisher is a mechanism that has the last word on a success. finish is called once after the tagged OK with the data
// that came along with it, nil if none; an error means that the server may not be the one it claims to be.
type finisher interface {
	finish(data []byte) error
}

// channelBinder is a mechanism that can tie the exchange to the TLS connection below it. bindChannel is called before
// Start: plusOffered says whether the server offers plusName, state is nil without TLS.
type channelBinder interface {
	plusName() string
	bindChannel(plusOffered bool, state *tls.ConnectionState)
}

// hostBinder is a mechanism that tells the server which one it means. bindHost is called before Start.
type hostBinder interface {
	bindHost(host string)
}

// rebinder is a mechanism with more than one way to go. rebind is called with the error of an exchange that the server
// refused: true asks for another one, from Start on and without bindChannel and bindHost, because the cause may be the
// kind of binding, or the character set, and not the password.
type rebinder interface {
	rebind(refusal error) bool
}

// failureExplainer is a mechanism whose server says in a challenge why it is about to refuse. failure is called after
// the tagged NO and returns nil if there is nothing to add; the text never holds a secret.
type failureExplainer interface {
	failure() error
}

// maxChallenge is the longest challenge that is looked into, in octets. Real ones have a few hundred.
const maxChallenge = 8192

// maxServerWords is how much of a server's explanation goes into an error, in octets.
const maxServerWords = 200

// hidden is a password or a token. It is a function because printers that look into unexported fields by reflection
// find text in a string type, whatever methods that type has, but nothing in a function.
type hidden func() string

func hide(s string) hidden { return func() string { return s } }

// mechanismName is embedded in every mechanism for what they share, above all a printed form without secrets.
type mechanismName string

// String is the name with a note that the rest is not shown.
func (n mechanismName) String() string { return string(n) + " [redacted]" }

// Format prints String whatever the verb and the flags are.
func (n mechanismName) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// LogValue is String for log/slog.
func (n mechanismName) LogValue() slog.Value { return slog.StringValue(n.String()) }

// errorf makes an error that names the mechanism. The arguments must not hold a secret.
func (n mechanismName) errorf(format string, args ...any) error {
	return fmt.Errorf("imap: "+string(n)+": "+format, args...)
}

func (n mechanismName) unexpected() error { return n.errorf("unexpected challenge from the server") }

// withoutNUL says which of the arguments holds a NUL, if any does. No mechanism can carry one.
func (n mechanismName) withoutNUL(arguments ...string) error {
	for _, argument := range arguments {
		if strings.Contains(argument, "\x00") {
			return n.errorf("NUL in an argument")
		}
	}
	return nil
}

// allowed fails for the hash functions that GODEBUG=fips140=only forbids: using them panics.
func (n mechanismName) allowed(newHash func() hash.Hash) error {
	if fips140.Enforced() && newHash().Size() < sha256.Size {
		return n.errorf("the hash function is not allowed in FIPS 140-only mode: %w", errors.ErrUnsupported)
	}
	return nil
}

// exchangeState is how far an exchange has come.
type exchangeState int

const (
	notStarted exchangeState = iota // before Start, or failed
	opened                          // the client has said something, not yet what it knows
	proved                          // the client's proof is out
	verified                        // the server has proved itself too
)

// mutualSASL is what the mechanisms have in common by which both sides prove that they know the password.
type mutualSASL struct {
	mechanismName
	state exchangeState
}

// prover is the part of such a mechanism that differs.
type prover interface {
	prove(message string) ([]byte, error) // answers the server's first message
	verify(message string) error          // checks the second
}

func (m *mutualSASL) next(challenge []byte, p prover) (response []byte, err error) {
	state := m.state
	m.state = notStarted
	switch {
	case len(challenge) > maxChallenge:
		err = m.errorf("the server's challenge is too long")
	case state == opened:
		if response, err = p.prove(string(challenge)); err == nil {
			m.state = proved
		}
	case state == proved:
		if err = p.verify(string(challenge)); err == nil {
			m.state = verified
		}
	default:
		err = m.unexpected()
	}
	return response, err
}

// end takes the data that came with the server's OK, nil if none did.
func (m *mutualSASL) end(data []byte, p prover) error {
	if m.state == proved && data != nil {
		_, err := m.next(data, p)
		return err
	}
	if m.state != verified {
		return m.errorf("the server has not proved that it knows the password")
	}
	return nil
}

// singleSASL is what the mechanisms of one message have in common: no challenge is expected.
type singleSASL struct{ mechanismName }

// Next fails.
func (m singleSASL) Next([]byte) ([]byte, error) { return nil, m.unexpected() }

// Plain is the mechanism PLAIN (RFC 4616): user and password in one message, octet for octet as given. identity is the
// user to act as, if that is somebody else ("" if not); servers allow it to administrators.
//
// The password leaves as it is: whoever reads the connection has it. The client therefore refuses PLAIN without TLS
// unless [Options].AllowInsecureAuth is set. A NUL in an argument is an error and nothing is sent.
func Plain(identity, user, password string) Mechanism {
	return &plainSASL{singleSASL{"PLAIN"}, identity, user, hide(password)}
}

type plainSASL struct {
	singleSASL
	identity, user string
	password       hidden
}

func (m *plainSASL) secret() string { return m.password() }

func (m *plainSASL) Start() (string, []byte, error) {
	if err := m.withoutNUL(m.identity, m.user, m.password()); err != nil {
		return "", nil, err
	}
	return "PLAIN", []byte(m.identity + "\x00" + m.user + "\x00" + m.password()), nil
}

// External is the mechanism EXTERNAL (RFC 4422 appendix A): the server knows the user from outside, usually from the
// certificate of the TLS client. identity is the user to act as, "" for the one whom the server finds there.
//
// No secret is sent. A NUL or an octet that is not UTF-8 in identity is an error and nothing is sent.
func External(identity string) Mechanism { return &externalSASL{singleSASL{"EXTERNAL"}, identity} }

type externalSASL struct {
	singleSASL
	identity string
}

func (m *externalSASL) Start() (string, []byte, error) {
	if err := m.withoutNUL(m.identity); err != nil {
		return "", nil, err
	}
	if !utf8.ValidString(m.identity) {
		return "", nil, m.errorf("the identity is not UTF-8")
	}
	return "EXTERNAL", []byte(m.identity), nil
}

// Anonymous is the mechanism ANONYMOUS (RFC 4505): a login as nobody, for servers with public mailboxes. trace is what
// the server may write to its log: a mail address, up to 255 characters of other text without "@", or nothing.
//
// trace is not secret and proves nothing. What RFC 4505 does not allow in it is an error and nothing is sent.
func Anonymous(trace string) Mechanism { return &anonymousSASL{singleSASL{"ANONYMOUS"}, trace} }

type anonymousSASL struct {
	singleSASL
	trace string
}

func (m *anonymousSASL) Start() (string, []byte, error) {
	switch {
	case !utf8.ValidString(m.trace):
		return "", nil, m.errorf("the trace is not UTF-8")
	case strings.ContainsFunc(m.trace, unicode.IsControl):
		return "", nil, m.errorf("control character in the trace")
	case utf8.RuneCountInString(m.trace) > 255:
		return "", nil, m.errorf("the trace is longer than 255 characters")
	}
	return "ANONYMOUS", []byte(m.trace), nil
}

// LoginMechanism is the mechanism LOGIN, which no RFC describes and many servers have: the answer to the first prompt
// is the user, to the second the password, whatever the prompts say or do not say. [Client.Login] is the command LOGIN
// of IMAP and something else.
//
// The password leaves as it is: see [Plain], which is preferable where the server has both. A NUL in an argument is an
// error and nothing is sent.
func LoginMechanism(user, password string) Mechanism {
	return &loginSASL{mechanismName: "LOGIN", user: user, password: hide(password)}
}

type loginSASL struct {
	mechanismName
	user     string
	password hidden
	prompts  int // answered so far
}

func (m *loginSASL) secret() string { return m.password() }

func (m *loginSASL) Start() (string, []byte, error) {
	m.prompts = 0
	if err := m.withoutNUL(m.user, m.password()); err != nil {
		return "", nil, err
	}
	return "LOGIN", nil, nil
}

func (m *loginSASL) Next([]byte) ([]byte, error) {
	m.prompts++
	switch m.prompts {
	case 1:
		return []byte(m.user), nil
	case 2:
		return []byte(m.password()), nil
	}
	return nil, m.unexpected()
}

// CRAMMD5 is the mechanism CRAM-MD5 (RFC 2195): the password keys a hash of what the server asks and does not leave.
//
// It is legacy: who reads the connection can try passwords against the answer at great speed, and the server proves
// nothing about itself. [SCRAMSHA256] is preferable where the server has it. A NUL in an argument is an error and nothing
// is sent. In Go's FIPS 140-only mode the error of MD5 is one for which errors.Is(err, errors.ErrUnsupported) holds.
func CRAMMD5(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-MD5", newHash: md5.New, user: user, password: hide(password)}
}

// CRAMSHA1 is the mechanism CRAM-SHA1 of Courier: [CRAMMD5] with another hash function and nothing else that is better.
// It is legacy too.
func CRAMSHA1(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-SHA1", newHash: sha1.New, user: user, password: hide(password)}
}

// CRAMSHA256 is the mechanism CRAM-SHA256 of Courier: [CRAMMD5] with a hash function that is not broken, and still
// nothing that proves the server or slows down who tries passwords. It is legacy too. In Go's FIPS 140-only mode the
// password needs 14 octets.
func CRAMSHA256(user, password string) Mechanism {
	return &cram{mechanismName: "CRAM-SHA256", newHash: sha256.New, user: user, password: hide(password)}
}

type cram struct {
	mechanismName
	newHash  func() hash.Hash
	user     string
	password hidden
	answered bool
}

// minFIPSKey is the shortest key of an HMAC in FIPS 140-only mode, in octets: a shorter one panics.
const minFIPSKey = 14

func (m *cram) secret() string { return m.password() }

func (m *cram) Start() (string, []byte, error) {
	m.answered = false
	if err := m.allowed(m.newHash); err != nil {
		return "", nil, err
	}
	if fips140.Enforced() && len(m.password()) < minFIPSKey {
		return "", nil, m.errorf("the password is too short for FIPS 140-only mode: %w", errors.ErrUnsupported)
	}
	if err := m.withoutNUL(m.user, m.password()); err != nil {
		return "", nil, err
	}
	return string(m.mechanismName), nil, nil
}

func (m *cram) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, m.unexpected()
	}
	m.answered = true
	if len(challenge) == 0 {
		return nil, m.errorf("empty challenge from the server")
	}
	mac := hmac.New(m.newHash, []byte(m.password()))
	mac.Write(challenge)
	return []byte(m.user + " " + hex.EncodeToString(mac.Sum(nil))), nil
}

// XOAuth2 is the mechanism XOAUTH2 of Google, Microsoft and others: user and an OAuth 2.0 access token. [OAuthBearer]
// is the standard that came of it.
//
// The token leaves as it is and is good for whoever reads it until it expires: the client refuses XOAUTH2 without TLS
// unless [Options].AllowInsecureAuth is set. Getting and refreshing tokens is the caller's business. If the server says
// why it refuses a token, its status, scope and schemes are part of the error. A control character in an argument, or a
// token that is empty or not printable ASCII without spaces, is an error and nothing is sent.
func XOAuth2(user, token string) Mechanism {
	return &oauthSASL{mechanismName: "XOAUTH2", user: user, header: "user=" + user, token: hide(token)}
}

// OAuthBearer is the mechanism OAUTHBEARER (RFC 7628): user and an OAuth 2.0 bearer token (RFC 6750). user may be "" if
// the token says whose it is. The host and port that RFC 7628 lets a client add are not sent.
//
// What [XOAuth2] says of security, errors and arguments holds here too.
func OAuthBearer(user, token string) Mechanism {
	header := "n,"
	if user != "" {
		header += "a=" + escapeSASLName(user)
	}
	return &oauthSASL{mechanismName: "OAUTHBEARER", user: user, header: header + ",", token: hide(token), dummy: "\x01"}
}

type oauthSASL struct {
	mechanismName
	user   string
	header string // what stands before the token
	token  hidden
	dummy  string // the answer to the challenge that explains a failure

	answered bool
	reason   error // what that challenge says
}

func (m *oauthSASL) secret() string { return m.token() }

func (m *oauthSASL) Start() (string, []byte, error) {
	m.answered, m.reason = false, nil
	if strings.ContainsFunc(m.user, unicode.IsControl) || !utf8.ValidString(m.user) {
		return "", nil, m.errorf("control character or invalid UTF-8 in the user name")
	}
	token := m.token()
	if token == "" || !isVisibleASCII(token) {
		return "", nil, m.errorf("the token is empty or not printable ASCII")
	}
	return string(m.mechanismName), []byte(m.header + "\x01auth=Bearer " + token + "\x01\x01"), nil
}

func (m *oauthSASL) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, m.unexpected()
	}
	m.answered = true
	if len(challenge) <= maxChallenge {
		m.reason = parseOAuthError(string(m.mechanismName), challenge, m.token())
	}
	return []byte(m.dummy), nil
}

func (m *oauthSASL) failure() error { return m.reason }

// quoteWords makes a server's words printable and bounds their length.
func quoteWords(s string) string {
	if len(s) > maxServerWords {
		s = strings.ToValidUTF8(s[:maxServerWords], "") + "…"
	}
	return strconv.Quote(s)
}

// isVisibleASCII reports whether s is ASCII without spaces and controls.
func isVisibleASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// escapeSASLName writes a name as the saslname of RFC 5801: "=" and "," are escaped.
func escapeSASLName(s string) string {
	return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s)
}

// passwordMechanisms are the mechanisms for a password, the strongest first: those that prove the server too, then those
// that keep the password, then those that send it, which is safe under TLS. DIGEST-MD5 comes behind them although it
// keeps the password: RFC 6331 retired it, and realms and character sets make it fail where the password is right. It is
// for connections on which all that is left would show the password.
var passwordMechanisms = []struct {
	name string
	old  bool // by SHA-1, MD5, or a key that may be short: not in FIPS 140-only mode
	make func(user, password string) Mechanism
}{
	{"SCRAM-SHA-512", false, SCRAMSHA512},
	{"SCRAM-SHA-256", false, SCRAMSHA256},
	{"SCRAM-SHA-1", true, SCRAMSHA1},
	{"CRAM-SHA256", true, CRAMSHA256},
	{"CRAM-SHA1", true, CRAMSHA1},
	{"CRAM-MD5", true, CRAMMD5},
	{"PLAIN", false, func(user, password string) Mechanism { return Plain("", user, password) }},
	{"LOGIN", false, LoginMechanism},
	{"DIGEST-MD5", true, DigestMD5},
}

// strongest returns the strongest mechanism for a password that the server offers, nil if it offers none. offered takes
// the name of a mechanism without "AUTH=".
func strongest(offered func(name string) bool, hasTLS bool, user, password string) Mechanism {
	for _, m := range passwordMechanisms {
		if m.old && fips140.Enforced() {
			continue
		}
		if offered(m.name) || hasTLS && strings.HasPrefix(m.name, "SCRAM-") && offered(m.name+"-PLUS") {
			return m.make(user, password)
		}
	}
	return nil
}

// sendsPassword reports whether a mechanism shows a password or token to whoever reads the connection. A mechanism that
// is not known to be safe is taken to do so.
func sendsPassword(name string) bool {
	name = strings.ToUpper(name)
	switch name {
	case "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256", "DIGEST-MD5", "GSSAPI", "EXTERNAL", "ANONYMOUS":
		return false
	}
	return !strings.HasPrefix(name, "SCRAM-")
}
