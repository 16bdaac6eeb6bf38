package imap

import "strconv"

// State is the state of the protocol.
type State int

// The states of RFC 9051 section 3.
const (
	NotAuthenticated State = iota
	Authenticated
	Selected
	LoggedOut
)

var stateNames = [...]string{"not authenticated", "authenticated", "selected", "logged out"}

// String returns the name of the state.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return stateNames[s]
}

// effect is what a command changes of the session when the server accepts it. Until it is answered that is unknown:
// another command waits for the answer, and what can be asked without a command is only what holds in either case.
type effect uint8

const (
	onUser    effect = 1 << iota // who is logged in, and with it everything else
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
