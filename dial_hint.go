package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// ServiceError says that another protocol than was expected is spoken on the port that was dialled, and what to do about it.
type ServiceError struct {
	Service string // "SMTP", "POP3", "HTTP", "SSH"; "IMAP" without TLS where TLS was expected, "TLS" where it was not
	Err     error  // what came, nil for a server that waits for a TLS handshake
}

// Error names the protocol, the next step, and what came.
func (e *ServiceError) Error() string {
	s := "imap: the server speaks " + e.Service
	switch e.Service {
	case "IMAP":
		s += " without TLS on this port: use DialStartTLS, or the port for TLS (993)"
	case "TLS":
		s += " on this port: use DialTLS, or the port without TLS (143)"
	default:
		s += " on this port: IMAP has 993 (DialTLS) and 143 (DialStartTLS)"
	}
	if e.Err != nil {
		s += ": " + trimPrefix(e.Err.Error())
	}
	return s
}

// Unwrap returns what came.
func (e *ServiceError) Unwrap() error { return e.Err }

// services are the first words of protocols.
var services = []struct{ prefix, name string }{
	{"* ", "IMAP"}, {"220", "SMTP"}, {"554", "SMTP"}, {"421", "SMTP"}, {"+OK", "POP3"}, {"-ERR", "POP3"}, {"HTTP/", "HTTP"}, {"<", "HTTP"}, {"SSH-", "SSH"},
}

// otherService adds to err which protocol the first bytes of a server are of, where it is one that is known and not want.
func otherService(head string, want string, err error) error {
	for _, s := range services {
		if strings.HasPrefix(head, s.prefix) && s.name != want {
			return &ServiceError{s.name, err}
		}
	}
	return err
}

// hintError adds to an error what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return trimPrefix(e.err.Error()) + " (" + e.hint + ")" }
func (e *hintError) Unwrap() error { return e.err }

// explainTLS adds to an error of a TLS handshake what to do about it.
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

// explainGreeting adds to the error of a greeting that did not come what to do about it.
func explainGreeting(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &hintError{err, "the server sent no greeting: there may be another protocol on this port, or TLS, for which DialTLS is"}
	}
	return err
}

const (
	// greetingPatience is how long a server may take for its greeting before it is looked at whether it waits for TLS.
	greetingPatience = time.Second
	// probeTimeout bounds that look.
	probeTimeout = 10 * time.Second
)

// newPlainClient is newClient for a connection without TLS. A server that waits for a TLS handshake is silent for ever: where
// no greeting comes, a second connection tries whether TLS is what it wants. Nothing but the handshake is sent on it.
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

// speaksTLS reports whether a handshake succeeds on a new connection. The certificate does not matter: the connection is
// closed behind the handshake.
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
