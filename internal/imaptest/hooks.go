package imaptest

import (
	"errors"
	"strings"
	"time"
)

// Hooks let the owner of a Server see and disturb what it says. They are called from the goroutines of the connections.
type Hooks struct {
	// Said is given what was read from the client (a line, or a literal) and what was written to it.
	Said func(conn int, client bool, text []byte)

	// Command is given each command without its tag, with its literals.
	Command func(conn int, raw []byte)

	// Fault is asked before each command, by its name without UID, and with "CONNECT" before the greeting; nil is none.
	Fault func(conn int, command string) *Fault
}

// Fault is what goes wrong with a command. With none of Reply, Drop and Stall it is only late.
type Fault struct {
	Reply string        // "NO text", "BAD text" or "BYE text" in place of what the command does
	Delay time.Duration // before anything is done
	After int64         // of Drop and Stall: so many bytes that the server says from then on still arrive
	Drop  bool          // the connection ends behind them
	Stall bool          // nothing arrives behind them, and the connection stays
}

// connectCommand is the name under which Fault is asked for the greeting.
const connectCommand = "CONNECT"

var errDropped = errors.New("imaptest: dropped by a fault")

// disturb asks for a fault of a command and does what it says. It reports whether that was the answer.
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

// sleep waits, but not beyond the end of the server.
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

// pass returns how much of b may be written, and whether the connection ends behind it.
func (s *session) pass(b []byte) (part []byte, drop bool) {
	if !s.limited {
		return b, false
	}
	n := min(int64(len(b)), s.limit)
	s.limit -= n
	return b[:n], s.limit == 0 && !s.stall
}

// heard and tell give the owner what was sent.
func (s *session) heard(text []byte) {
	if f := s.srv.opts.Hooks.Said; f != nil && len(text) > 0 {
		f(s.id, true, text)
	}
}

func (s *session) tell(text []byte) {
	if f := s.srv.opts.Hooks.Said; f != nil && len(text) > 0 {
		f(s.id, false, text)
	}
}
