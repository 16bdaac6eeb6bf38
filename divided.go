package imap

import "slices"

// The data of SEARCH, SORT and THREAD names no command, and may be several responses. Those that arrive before the end of the
// oldest such command are its own, except if there is just one for each command in flight: some servers send the data of all
// before they end the first. Such a response is provisional data of the later command, until a further response or the end of a
// command decides.

// collect moves all provisional data of later commands to command i, because there are more responses than commands.
func (e *engine) collect(i int) {
	cmd := e.inflight[i]
	cmd.ownsAll = e.moveProvisional(cmd, i+1) || cmd.ownsAll
}

// moveProvisional moves the provisional data of the commands from i on to cmd, and reports whether there was any.
func (e *engine) moveProvisional(cmd *command, i int) (moved bool) {
	for _, later := range e.inflight[i:] {
		if !later.provisional || later.once != cmd.once {
			continue
		}
		moved = true
		if from, ok := later.answer.(divided); ok {
			if to, ok := cmd.answer.(divided); ok {
				to.join(later.answer)
				cmd.memory.answer += later.memory.answer
			}
			from.reset()
		}
		later.provisional, later.arrived, later.memory.answer = false, false, 0
	}
	return moved
}

// settle decides which data belongs to a command that has ended as command i. It reports true if that cannot be decided yet:
// then decide concludes the command.
func (e *engine) settle(cmd *command, i int) (later bool) {
	if !cmd.contested {
		return false
	}
	_, partial := cmd.status.limit()
	oneEach := cmd.oneEach && !partial // the numbers of a part are needed now
	for _, c := range e.inflight[i:] {
		if !c.provisional || c.once != cmd.once {
			continue
		}
		if !cmd.status.ok() && !partial { // it has no data: the next command is the oldest now
			c.provisional, c.contested, c.oneEach = false, cmd.contested, cmd.oneEach
			return false
		}
		later = true
		oneEach = oneEach && (c.noExpunge || !cmd.noExpunge) // the caller must get numbers before they change
	}
	if later && !oneEach {
		e.moveProvisional(cmd, i)
		return false
	}
	if later {
		e.decide(false)
		e.undecided = cmd
	}
	return later && !cmd.abandoned
}

// decide concludes a command that has ended before it was known which data belongs to it. With all, the provisional data of the
// later commands does, because one of them has received more, or is refused or was given up; else each keeps its own, because the
// first of them has ended well.
func (e *engine) decide(all bool) {
	cmd := e.undecided
	if cmd == nil {
		return
	}
	e.undecided = nil
	if all {
		e.moveProvisional(cmd, 0)
	}
	for _, later := range e.inflight {
		later.provisional = later.provisional && later.once != cmd.once
	}
	if !cmd.abandoned {
		e.conclude(cmd)
	}
}

// withdraw moves the provisional data of a command to the older one, because the command ends without an answer.
func (e *engine) withdraw(cmd *command) {
	if !cmd.provisional {
		return
	}
	if e.undecided != nil && e.undecided.once == cmd.once {
		e.decide(true)
		return
	}
	if i := slices.IndexFunc(e.inflight, func(c *command) bool { return c.once == cmd.once }); i >= 0 && e.inflight[i] != cmd {
		e.collect(i)
	}
}

// takeBack moves the data of an older command to one that has ended well without any: a server that ends commands in another
// order sends the data of each right before its end.
func (e *engine) takeBack(cmd *command, older []*command) {
	to, ok := cmd.answer.(divided)
	for _, c := range slices.Backward(older) {
		if from, is := c.answer.(divided); ok && is && c.once == cmd.once && c.arrived && !c.ownsAll {
			if to.inherit(from.legacy()) {
				from.reset()
				c.arrived, c.provisional = false, false
				cmd.memory.answer, c.memory.answer = c.memory.answer, 0
			}
			return
		}
	}
}
