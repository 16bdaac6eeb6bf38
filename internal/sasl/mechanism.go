package sasl

import (
	"crypto/fips140"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// Mechanism is the side of the client in an exchange: imap.Mechanism.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// Finisher is a mechanism that has the last word on a success. Finish is called once after the tagged OK with the data
// that came along with it, nil if none; an error means that the server may not be the one it claims to be.
type Finisher interface {
	Finish(data []byte) error
}

// ChannelBinder is a mechanism that can tie the exchange to the TLS connection below it. BindChannel is called before
// Start: plusOffered reports whether the server offers PlusName, state is nil without TLS.
type ChannelBinder interface {
	PlusName() string
	BindChannel(plusOffered bool, state *tls.ConnectionState)
}

// HostBinder is a mechanism that tells the server which one it means. BindHost is called before Start.
type HostBinder interface {
	BindHost(host string)
}

// Rebinder is a mechanism with more than one way to go. Rebind is called with the response code of a refusal, "" if it
// has none: true asks for another one, from Start on and without BindChannel and BindHost, because the cause may be the
// kind of binding, or the character set, and not the password.
type Rebinder interface {
	Rebind(code string) bool
}

// FailureExplainer is a mechanism whose server gives the reason for a refusal in a challenge. Failure is called after
// the tagged NO and returns nil if there is nothing to add; the text never holds a secret.
type FailureExplainer interface {
	Failure() error
}

// SecretHolder is a mechanism that returns its password or token, so that it can be masked where the server repeats it.
type SecretHolder interface {
	Secret() string
}

// maxChallenge is the longest challenge that is looked into, in bytes. Real ones have a few hundred.
const maxChallenge = 8192

// maxServerWords is how much of a server's explanation goes into an error, in bytes.
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

// withoutNUL reports which of the arguments holds a NUL, if any does. No mechanism can carry one.
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
	opened                          // the client has sent something, but not its proof
	proved                          // the client's proof is out
	verified                        // the server has proved itself too
)

// mutualSASL is what the mechanisms have in common by which both sides prove that they know the password.
type mutualSASL struct {
	mechanismName
	state exchangeState
}

func (m *mutualSASL) hasVerified() bool { return m.state == verified }

// HasVerified reports whether m is a mechanism of this package to which the server has proved itself.
func HasVerified(m Mechanism) bool {
	v, ok := m.(interface{ hasVerified() bool })
	return ok && v.hasVerified()
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
