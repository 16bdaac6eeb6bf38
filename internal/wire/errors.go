package wire

import (
	"net"
	"os"
)

// ErrClosed is imap.ErrClosed.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string        { return "imap: connection closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// LostError reports that a connection was lost, with the cause.
type LostError struct{ Cause error }

func (e *LostError) Error() string   { return "connection lost: " + e.Cause.Error() }
func (e *LostError) Unwrap() []error { return []error{ErrClosed, e.Cause} }

// TimeoutError is the cause if the server sent nothing for imap.Options.Timeout while an answer was due.
type TimeoutError struct{}

func (TimeoutError) Error() string        { return "no answer within Options.Timeout" }
func (TimeoutError) Timeout() bool        { return true }
func (TimeoutError) Temporary() bool      { return false }
func (TimeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
