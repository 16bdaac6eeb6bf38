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

// Mechanism is the client side of an exchange: imap.Mechanism.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// Finisher is a mechanism that checks the server after a success. Finish is called once after the tagged OK, with the data
// that came with it or nil; an error means that the server may be an impostor.
type Finisher interface {
	Finish(data []byte) error
}

// ChannelBinder is a mechanism that can bind the exchange to the TLS connection. BindChannel is called before Start:
// plusOffered reports whether the server offers PlusName; state is nil without TLS.
type ChannelBinder interface {
	PlusName() string
	BindChannel(plusOffered bool, state *tls.ConnectionState)
}

// HostBinder is a mechanism that sends the host name of the server. BindHost is called before Start.
type HostBinder interface {
	BindHost(host string)
}

// Rebinder is a mechanism with several variants. Rebind is called with the response code of a refusal, "" if it has none. It
// returns true to request another exchange, from Start on and without BindChannel and BindHost, because the cause may be the
// kind of binding or the character set, rather than the password.
type Rebinder interface {
	Rebind(code string) bool
}

// FailureExplainer is a mechanism for which servers give the reason for a refusal in a challenge. Failure is called after
// the tagged NO and returns that reason or nil; its text never contains a secret.
type FailureExplainer interface {
	Failure() error
}

// SecretHolder is a mechanism that returns its password or token, so that it can be masked if the server repeats it.
type SecretHolder interface {
	Secret() string
}

// maxChallenge is the length in bytes of the longest challenge that is accepted. Real ones have a few hundred.
const maxChallenge = 8192

// maxServerWords bounds the bytes of a server's explanation in an error.
const maxServerWords = 200

// hidden is a password or a token. It is a function because printing by reflection reveals the text of an unexported field
// of any string type, whatever its methods, but not the result of a function.
type hidden func() string

func hide(s string) hidden { return func() string { return s } }

// mechanismName is embedded in every mechanism. It provides common methods, above all a printed form without secrets.
type mechanismName string

// String returns the name with a note that the rest is not shown.
func (n mechanismName) String() string { return string(n) + " [redacted]" }

// Format prints String whatever the verb and the flags are.
func (n mechanismName) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// LogValue returns String for log/slog.
func (n mechanismName) LogValue() slog.Value { return slog.StringValue(n.String()) }

// errorf returns an error that names the mechanism. The arguments must not contain a secret.
func (n mechanismName) errorf(format string, args ...any) error {
	return fmt.Errorf("imap: "+string(n)+": "+format, args...)
}

func (n mechanismName) unexpected() error { return n.errorf("unexpected challenge from the server") }

// withoutNUL fails if an argument contains a NUL, which no mechanism can send.
func (n mechanismName) withoutNUL(arguments ...string) error {
	for _, argument := range arguments {
		if strings.Contains(argument, "\x00") {
			return n.errorf("NUL in an argument")
		}
	}
	return nil
}

// allowed fails for hash functions that panic with GODEBUG=fips140=only.
func (n mechanismName) allowed(newHash func() hash.Hash) error {
	if fips140.Enforced() && newHash().Size() < sha256.Size {
		return n.errorf("the hash function is not allowed in FIPS 140-only mode: %w", errors.ErrUnsupported)
	}
	return nil
}

// exchangeState is the progress of an exchange.
type exchangeState int

const (
	notStarted exchangeState = iota // before Start, or failed
	opened                          // the client has sent something, but not its proof
	proved                          // the client has sent its proof
	verified                        // the server has sent its proof too
)

// mutualSASL is embedded in mechanisms by which both sides prove that they know the password.
type mutualSASL struct {
	mechanismName
	state exchangeState
}

func (m *mutualSASL) hasVerified() bool { return m.state == verified }

// HasVerified reports whether m is a mechanism of this package that has verified the server.
func HasVerified(m Mechanism) bool {
	v, ok := m.(interface{ hasVerified() bool })
	return ok && v.hasVerified()
}

// prover is the part of such a mechanism that is specific to it.
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

// end handles the data that came with the server's OK, or nil.
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

// singleSASL is embedded in mechanisms with a single message: no challenge is expected.
type singleSASL struct{ mechanismName }

// Next fails.
func (m singleSASL) Next([]byte) ([]byte, error) { return nil, m.unexpected() }

// quoteWords returns a server's text in a printable form of bounded length.
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

// escapeSASLName returns a name as a saslname of RFC 5801: "=" and "," are escaped.
func escapeSASLName(s string) string {
	return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s)
}
