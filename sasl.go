package imap

import (
	"crypto/tls"
	"errors"

	"github.com/go-imaplib/imap/internal/sasl"
)

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
