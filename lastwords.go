package imap

import (
	"bytes"
	"errors"
	"strings"
	"unicode"

	"github.com/go-imaplib/imap/internal/wire"
)

// The last words of a server reach a caller: BYE ends the commands in flight with its text, and what else it said since it
// last answered a command stands in the error with which the connection ends.

// hangUp ends the connection for a reason that no caller has found. The commands in flight end with it; where their callers
// are gone, or come to it late, the next call is told. It needs engine.mu.
func (e *engine) hangUp(err error) {
	e.ending = err
	e.failLocked(err)
}

// told notes that a caller is told why the connection ended.
func (e *engine) told() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = nil
}

// untold takes back told where the caller went away before it got a BYE. It needs engine.mu.
func (e *engine) untold(err error) {
	if bye, ok := err.(*Error); ok && bye.Status == "BYE" {
		unnamed := *bye
		unnamed.Command = ""
		e.ending = &unnamed
	}
}

// saidBye returns the BYE that ended the connection, nil if another reason did. The caller passes it on.
func (e *engine) saidBye() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if bye, ok := e.lost.(*Error); ok {
		e.ending = nil
		unnamed := *bye
		unnamed.Command = ""
		return &unnamed
	}
	return nil
}

// withWords adds to the error with which the connection ends what the server said since it last answered a command. A line
// outside the grammar is the reason where the server closes behind it. It needs engine.mu.
func (e *engine) withWords(err error) error {
	lost, ok := err.(*wire.LostError)
	if !ok || e.words == nil {
		return err
	}
	if _, limit := errors.AsType[*LimitError](err); limit {
		return err
	}
	if _, silent := errors.AsType[wire.TimeoutError](err); !silent && e.words.Status == "BYE" {
		return e.words
	}
	return &wire.LostError{Cause: &lastWordsError{lost.Cause, e.words}}
}

// lastWordsError is the end of a connection with what the server said before.
type lastWordsError struct {
	cause error
	words *Error
}

func (e *lastWordsError) Error() string {
	return e.cause.Error() + "; the last words of the server: " + trimPrefix(e.words.Error())
}
func (e *lastWordsError) Unwrap() []error { return []error{e.cause, e.words} }

// hearCutLine keeps a BYE, NO or BAD in the middle of which the server closed. It needs engine.mu and the read token.
func (e *engine) hearCutLine() {
	line := e.conn.CutLine()
	rest, untagged := bytes.CutPrefix(line, []byte("* "))
	word, text, _ := strings.Cut(string(rest), " ")
	switch word = strings.ToUpper(word); {
	case !untagged:
	case word == "BYE", word == "NO", word == "BAD":
		e.words = &Error{Status: word, Text: e.masked(text)}
	}
}

// noGreeting is the error of a server that speaks another protocol, or says in another way that it is not there. Nobody has
// said anything yet that had to be kept secret: its words are shown as they are.
func noGreeting(line []byte) error {
	return otherService(string(line), "IMAP", &ProtocolError{Excerpt: printable(line), Reason: "no IMAP greeting"})
}

// maxServerWords is how much of a line that is not IMAP goes into an error, in bytes.
const maxServerWords = 200

// printable makes a line fit for an error, and bounds its length.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, string(line[:min(len(line), maxServerWords)]))
}

// ---- secrets that a server repeats

// mask hides secrets in what is shown of a status: its text, and the arguments of its code in errors.
func (e *engine) mask(s *status) {
	s.text, s.shown = e.masked(s.text), e.masked(s.args)
}

// masked returns s without the secrets of the logins under way and of the last one. It needs engine.mu.
func (e *engine) masked(s string) string {
	for _, cmd := range e.inflight {
		s = redact(s, cmd.secrets)
	}
	return redact(s, e.secrets)
}

func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		if len(s) >= len(secret) {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	return s
}

// unknown is the event for a response that was not understood. It needs engine.mu.
func (e *engine) unknown(r *response) Event {
	raw := r.rawFrom(0)
	if shown := e.masked(string(raw)); shown != string(raw) {
		raw = []byte(shown)
	}
	return &UnknownEvent{Raw: raw}
}
