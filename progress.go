package imap

// ProgressEvent says how far a command has come that takes its time (RFC 9585; capability INPROGRESS). It is queued while
// the command runs, so that another goroutine sees it by Events; the command itself goes on, and the server's silence
// (Options.Timeout) starts anew.
type ProgressEvent struct {
	Command        string  // the name of the command, "" where the server does not say which
	Progress, Goal *uint64 // in units of the server's own; nil: not said
	Text           string
}

func (ev *ProgressEvent) size() int { return eventSize + len(ev.Command) + len(ev.Text) }

// progressCode is the table entry of INPROGRESS. A raw command that takes all responses does not keep it from the events.
func progressCode(e *engine, s *status) Event {
	ev := &ProgressEvent{Text: s.text}
	p := parserFor([]byte(s.args))
	if p.enter() == nil {
		if tag, ok, err := p.nstring(); err == nil && ok {
			if i := e.find([]byte(tag)); i >= 0 {
				ev.Command = e.inflight[i].name
			}
		}
		ev.Progress, ev.Goal = p.progressNumber(), p.progressNumber()
	}
	e.events.add(ev)
	return nil
}

// progressNumber reads a number, nil for NIL and for what is none.
func (p *parser) progressNumber() *uint64 {
	p.skipSpaces()
	if p.isNil() {
		return nil
	}
	n, err := p.number()
	if err != nil {
		return nil
	}
	return &n
}
