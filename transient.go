package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// IsTransient reports whether the same may go well later, on a new connection if need be, without anything having been
// changed: "try again" as opposed to "give up". It is true of a lost connection, of a timeout, of a server that cannot be
// reached, and of one that says that it is busy, down or throttling. It is false of a wrong password (with a code or
// without), a host that does not exist, a certificate that is not accepted, a wrong port, a missing capability, an argument
// that cannot be sent, whatever else the server refuses, and of a ctx that was cancelled.
//
// Whether the command may have been carried out all the same is another question: see SafeToRetry.
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

// isSystemError reports whether the network failed.
func isSystemError(err error) bool {
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// isPermanent reports whether an error is of a kind that time does not heal.
func isPermanent(err error) bool {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, ErrInsecure) || errors.Is(err, ErrReadOnly) {
		return true
	}
	return isA[*tls.CertificateVerificationError](err) || isA[x509.UnknownAuthorityError](err) || isA[x509.HostnameError](err) ||
		isA[x509.CertificateInvalidError](err) || isA[tls.RecordHeaderError](err) || isA[tls.AlertError](err) ||
		isA[*LimitError](err) || isA[*ProtocolError](err) || isA[*StateError](err) || isA[*ArgumentError](err) || isA[*ServiceError](err)
}

// transientCodes are the codes of what passes.
var transientCodes = []Code{CodeUnavailable, CodeInUse, CodeLimit, CodeTempFail, "THROTTLED"}

// transientWords are in the texts of servers that are busy and send no code for it: Gmail, Exchange Online, Yahoo, Dovecot,
// Courier.
var transientWords = []string{
	"too many", "throttl", "rate limit", "temporar", "try again", "try later", "maximum number of connections",
	"unavailable", "overload", "authenticated but not connected",
}

func (e *Error) isTransient() bool {
	if slices.Contains(transientCodes, e.Code) || e.Backoff() > 0 {
		return true
	}
	if e.Code != "" && e.Code != CodeAlert {
		return e.Status == "BYE" && e.Code != CodeAuthenticationFailed && e.Code != CodeAuthorizationFailed
	}
	text := strings.ToLower(e.Text)
	return e.Status == "BYE" || slices.ContainsFunc(transientWords, func(w string) bool { return strings.Contains(text, w) })
}

// WaitBackoff waits as long as the server wants to be left alone according to err (Error.Backoff), but not longer than
// most. It returns nil then, at once where err says nothing of that kind; when ctx ends first it returns its cause.
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
