package imap

import "slices"

// The data of SEARCH, SORT and THREAD names no command, and may be several responses. Those that arrive before the end of the
// oldest such command are its own, except if there is just one for each command in flight: some servers send the data of all
// before they end the first. Such a response is kept with the later command, in doubt, until what happens next decides.

// collect gives command i, which has received more responses than there are commands, all that later ones hold in doubt.
func (e *engine) collect(i int) {
	cmd := e.inflight[i]
	cmd.takesAll = e.moveDoubtful(cmd, i+1) || cmd.takesAll
}

// moveDoubtful gives cmd what the commands from i on hold in doubt, and reports whether there was any.
func (e *engine) moveDoubtful(cmd *command, i int) (moved bool) {
	for _, later := range e.inflight[i:] {
		if !later.doubtful || later.once != cmd.once {
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
		later.doubtful, later.arrived, later.memory.answer = false, false, 0
	}
	return moved
}

// settle decides whose the data is that a command received, which has ended as command i. If it reports true, that is not
// decided yet: then decide concludes the command.
func (e *engine) settle(cmd *command, i int) (later bool) {
	if !cmd.lent {
		return false
	}
	_, partial := cmd.status.limit()
	doubted := cmd.doubted && !partial // the numbers of a part are needed now
	for _, c := range e.inflight[i:] {
		if !c.doubtful || c.once != cmd.once {
			continue
		}
		if !cmd.status.ok() && !partial { // it has no data: the next command is the oldest now
			c.doubtful, c.lent, c.doubted = false, cmd.lent, cmd.doubted
			return false
		}
		later = true
		doubted = doubted && (c.noExpunge || !cmd.noExpunge) // the caller must get numbers before they change
	}
	if later && !doubted {
		e.moveDoubtful(cmd, i)
		return false
	}
	if later {
		e.decide(false)
		e.undecided = cmd
	}
	return later && !cmd.abandoned
}

// decide ends the doubt about the data of a command that has ended: all of it is that command's, because a later one has data of
// its own, or is refused, or will not tell; or each of the later ones, the first of which has ended well, has its own.
func (e *engine) decide(all bool) {
	cmd := e.undecided
	if cmd == nil {
		return
	}
	e.undecided = nil
	if all {
		e.moveDoubtful(cmd, 0)
	}
	for _, later := range e.inflight {
		later.doubtful = later.doubtful && later.once != cmd.once
	}
	if !cmd.abandoned {
		e.conclude(cmd)
	}
}

// withdraw gives the data that a command holds in doubt to the older one, because the command ends without an answer.
func (e *engine) withdraw(cmd *command) {
	if !cmd.doubtful {
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

// takeBack gives a command that has ended well, but has received nothing, what an older one has received: a server that ends
// commands in another order sends the data of each right before its end.
func (e *engine) takeBack(cmd *command, older []*command) {
	to, ok := cmd.answer.(divided)
	for _, c := range slices.Backward(older) {
		if from, is := c.answer.(divided); ok && is && c.once == cmd.once && c.arrived && !c.takesAll {
			if to.inherit(from.legacy()) {
				from.reset()
				c.arrived, c.doubtful = false, false
				cmd.memory.answer, c.memory.answer = c.memory.answer, 0
			}
			return
		}
	}
}
