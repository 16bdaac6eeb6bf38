package imap

import (
	"bytes"
	"errors"
	"strings"
	"unicode"

	"github.com/go-imaplib/imap/internal/wire"
)

// ---- what went wrong in connecting

// ServiceError reports that another protocol than was expected is spoken on the port that was dialled, and what to do about it.
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

// Err returns why the connection is gone, as far as that is known without asking: nil while it is open, ErrClosed behind
// Close and Logout, the server's BYE, or an error for which errors.Is(err, ErrClosed) holds with its cause. Between two calls
// nothing is read, so that a connection that the other side has dropped in the meantime is open until a command tells: Noop.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.conn.IsClosed() {
		return nil
	}
	switch lost := c.lost.(type) {
	case nil:
	case *Error:
		return lost
	default:
		if lost != ErrClosed {
			return failed("connection", lost)
		}
	}
	return ErrClosed
}

// Bye returns the BYE by which the server ended the connection, or answered Logout, with its words; nil if it sent none.
func (c *Client) Bye() *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastBye == nil {
		return nil
	}
	bye := *c.lastBye
	return &bye
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

// The last words of a server reach a caller: BYE ends the commands in flight with its text, and what else it sent since it
// last answered a command stands in the error with which the connection ends.

// hangUp ends the connection for a reason that no caller has found. The commands in flight end with it; where their callers
// are gone, or come to it late, the next call is told. It needs engine.mu.
func (e *engine) hangUp(err error) {
	e.toTell = err
	e.failLocked(err)
}

// told notes that a caller is told why the connection ended.
func (e *engine) told() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.toTell = nil
}

// untold takes back told where the caller went away before it got a BYE. It needs engine.mu.
func (e *engine) untold(err error) {
	if bye, ok := err.(*Error); ok && bye.Status == "BYE" {
		unnamed := *bye
		unnamed.Command = ""
		e.toTell = &unnamed
	}
}

// saidBye returns the BYE that ended the connection, nil if another reason did. The caller passes it on.
func (e *engine) saidBye() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if bye, ok := e.lost.(*Error); ok {
		e.toTell = nil
		unnamed := *bye
		unnamed.Command = ""
		return &unnamed
	}
	return nil
}

// withWords adds to the error with which the connection ends what the server sent since it last answered a command. A line
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

// lastWordsError is the end of a connection with what the server sent before.
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

// noGreeting is the error of a server that speaks another protocol, or refuses in another way. No secret was sent yet, so that
// its words are shown as they are.
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
	if s.text != "" || s.args != "" {
		s.text, s.shown = e.masked(s.text), e.masked(s.args)
	}
}

// masked returns s without the secrets of the logins under way and of the last one. It needs engine.mu.
func (e *engine) masked(s string) string {
	if e.barriers > 0 { // as those are that have secrets
		for _, cmd := range e.inflight {
			s = redact(s, cmd.secrets)
		}
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

// effect is what a command changes of the session when the server accepts it. Until it is answered that is unknown:
// another command waits for the answer, and what can be asked without a command is only what holds in either case.
type effect uint8

const (
	onUser    effect = 1 << iota // the user that is logged in, and with it everything else
	onMailbox                    // which mailbox is selected
	onCaps                       // what the server offers
)

// unsettled returns what the unanswered commands change. It needs engine.mu.
func (e *engine) unsettled() (all effect) {
	for _, cmd := range e.inflight {
		all |= cmd.changes
	}
	return all
}

// State returns the state of the protocol. While a command that changes it is unanswered, be it one that was given up,
// State returns the lower of the two: NotAuthenticated during LOGIN and UNAUTHENTICATE, Authenticated during SELECT.
// A mailbox that a SELECT has opened after its caller gave up does not count as selected: commands that need one fail
// with a StateError until Select is called again.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn.IsClosed() {
		return LoggedOut
	}
	switch un := c.unsettled(); {
	case un&onUser != 0:
		return NotAuthenticated
	case un&onMailbox != 0:
		return min(c.state, Authenticated)
	}
	return c.state
}

// Caps returns the capabilities as known now, without asking. They are empty until the server sent them, and while a
// command that changes them (LOGIN, AUTHENTICATE, STARTTLS, UNAUTHENTICATE) is unanswered.
func (c *Client) Caps() Caps {
	caps, _ := c.lastCaps()
	return caps
}

// lastCaps returns the capabilities and reports whether the server sent them and they still hold.
func (e *engine) lastCaps() (caps Caps, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unsettled()&onCaps != 0 {
		return Caps{}, false
	}
	return e.caps, e.capsKnown
}

// Mailbox returns a copy of the selected mailbox as it is known now, kept up to date by what the server sends; nil if no
// mailbox is selected, or while a command that opens or closes one is unanswered, be it one that was given up.
func (c *Client) Mailbox() *Mailbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn.IsClosed() || c.unsettled()&onMailbox != 0 {
		return nil
	}
	return c.mailbox.clone()
}

// open makes m the selected mailbox, nil for none. It needs engine.mu.
func (e *engine) open(m *Mailbox) {
	e.mailbox, e.adrift = m, false
	e.state = Authenticated
	if m != nil {
		e.state = Selected
	}
}

// drift notes that the server has opened a mailbox for a call that is gone. No command was meant for it, so it counts as
// none: only another SELECT or a CLOSE by the server's means ends that. It needs engine.mu.
func (e *engine) drift() {
	e.open(nil)
	e.adrift = true
}

// aboutMailbox reports whether a response is about the selected mailbox.
func aboutMailbox(name string) bool {
	switch name {
	case "EXISTS", "RECENT", "EXPUNGE", "VANISHED", "FLAGS", "FETCH", "UIDFETCH":
		return true
	}
	return false
}
