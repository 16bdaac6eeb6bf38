package imap

import (
	"strconv"
)

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
