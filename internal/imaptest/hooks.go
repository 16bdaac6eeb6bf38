package imaptest

import (
	"errors"
	"strings"
	"time"
)

// Hooks let the owner of a Server observe and disturb conversations. They are called from the goroutines of the connections.
type Hooks struct {
	// Said is called with the data read from the client (a line, or a literal) and written to it.
	Said func(conn int, client bool, text []byte)

	// Command is called with each command, without its tag and with its literals.
	Command func(conn int, raw []byte)

	// Fault is called before each command, with its name without UID, and with "CONNECT" before the greeting. It returns
	// nil for no fault.
	Fault func(conn int, command string) *Fault
}

// Fault is a failure of a command. Without Reply, Drop and Stall the command is only delayed.
type Fault struct {
	Reply string        // "NO text", "BAD text" or "BYE text" instead of executing the command
	Delay time.Duration // before anything is done
	After int64         // for Drop and Stall: number of bytes from the server that still arrive
	Drop  bool          // close the connection after them
	Stall bool          // deliver nothing after them, and leave the connection open
}

// connectCommand is the name of the greeting in calls of Fault.
const connectCommand = "CONNECT"

var errDropped = errors.New("imaptest: dropped by a fault")

// disturb gets the fault for a command and applies it. It reports whether that answered the command.
func (s *session) disturb(command, tag string) (answered bool) {
	if s.srv.opts.Hooks.Fault == nil {
		return false
	}
	f := s.srv.opts.Hooks.Fault(s.id, command)
	if f == nil {
		return false
	}
	s.sleep(f.Delay)
	if f.Drop || f.Stall {
		s.limited, s.limit, s.stall = true, f.After, f.Stall
	}
	status, text, _ := strings.Cut(f.Reply, " ")
	switch {
	case f.Reply == "":
		return false
	case status == "BYE":
		s.untagged("%s", f.Reply)
		s.done = true
	case command == connectCommand:
		s.untagged("%s", f.Reply)
	default:
		s.tagged(tag, &reply{status, text})
	}
	return true
}

// sleep waits for d or the end of the server.
func (s *session) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.srv.quit:
	}
}

// pass returns the part of b that may be written, and whether the connection ends after it.
func (s *session) pass(b []byte) (part []byte, drop bool) {
	if !s.limited {
		return b, false
	}
	n := min(int64(len(b)), s.limit)
	s.limit -= n
	return b[:n], s.limit == 0 && !s.stall
}

// observeInput passes received data to Hooks.Said.
func (s *session) observeInput(text []byte) {
	if f := s.srv.opts.Hooks.Said; f != nil && len(text) > 0 {
		f(s.id, true, text)
	}
}

// observeOutput passes sent data to Hooks.Said.
func (s *session) observeOutput(text []byte) {
	if f := s.srv.opts.Hooks.Said; f != nil && len(text) > 0 {
		f(s.id, false, text)
	}
}
