package imap

import "slices"

// The data of SEARCH, SORT and THREAD names no command, and may be several responses. Those that arrive before the end of the
// oldest such command are its own, except if there is just one for each command in flight: some servers send the data of all
// before they end the first. Such a response is provisional data of the later command, until a further response or the end of a
// command decides. That does not depend on callers that give up meanwhile: their commands take part until the server ends them.

// mixesWith reports whether cmd and an earlier command must not overlap in a pipeline, because the data of one could be taken for that
// of the other although they are of different kinds: sequence numbers and UIDs, or data that names its command and data that does not.
func (cmd *command) mixesWith(before *command) bool {
	return cmd.divided && cmd.once == before.once && (cmd.noExpunge != before.noExpunge || cmd.tagged != before.tagged)
}

// mayHoldOthers reports whether a command that is given up may receive data of an older one.
func (e *engine) mayHoldOthers(cmd *command) bool {
	if !cmd.divided {
		return false
	}
	i := slices.IndexFunc(e.inflight, func(c *command) bool { return c.once == cmd.once })
	return i >= 0 && e.inflight[i] != cmd || e.undecided != nil && e.undecided.once == cmd.once
}

// arrivedFor records that cmd has received a response named by once. elder is the command in flight that has received one before, or
// -1: then the response is provisional.
func (e *engine) arrivedFor(cmd *command, elder int) {
	cmd.arrived = true
	if elder >= 0 && cmd.divided {
		cmd.provisional, e.inflight[elder].contested = true, true
	}
}

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
	for _, c := range e.inflight[i:] {
		if !c.provisional || c.once != cmd.once {
			continue
		}
		if !cmd.status.ok() && !partial { // it has no data: the next command is the oldest now
			c.provisional, c.contested = false, cmd.contested
			return false
		}
		later = true
	}
	if later && partial { // the numbers of a part are needed now
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
// later commands does, because one of them has received more, or is refused; else each keeps its own, because the first of them has
// ended well.
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

// endUndecided ends a command with the connection before it was known which data belongs to it.
func (e *engine) endUndecided() {
	if cmd := e.undecided; cmd != nil {
		if e.undecided = nil; !cmd.abandoned {
			e.end(cmd, e.lost)
		}
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
