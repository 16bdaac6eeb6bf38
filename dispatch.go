package imap

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-imaplib/imap/internal/mimetext"
	"github.com/go-imaplib/imap/internal/wire"
)

// keep counts the bytes that a command keeps of its answer. Results queued for a loop are counted in the queue; everything
// else is in memory until the command ends, so if it exceeds the limit, the connection is closed.
func (e *engine) keep(cmd *command, text []byte, lits []wire.LiteralData) {
	if cmd.batch || cmd.abandoned {
		return
	}
	cmd.memory.answer += int64(len(text) + cmd.weight)
	for _, l := range lits {
		cmd.memory.answer += int64(len(l.Data))
	}
	if limit := e.conn.Limits.MaxBuffered; cmd.memory.answer > limit {
		e.hangUp(&wire.LostError{Cause: &LimitError{"MaxBuffered", limit}})
	}
}

// handle routes a response to the command that requested it.
func (e *engine) handle(text []byte) {
	r := &e.resp
	if r.early {
		r.loadRest(text, e.conn.TakeLiterals())
	} else {
		e.prepare(r)
		r.load(text, e.conn.TakeLiterals())
	}
	if e.conn.Tracing() {
		e.traceResponse(r)
		r.okText()
		r.lexical(e.isUTF8())
	}
	e.mu.Lock()
	r.utf8 = e.utf8
	e.dispatch(r)
	notes := e.notes
	e.notes = nil
	e.mu.Unlock()
	if e.conn.IsClosed() {
		e.conn.AwaitShut()
	}
	for _, n := range notes {
		e.conn.Trace(context.Background(), "tolerated", n)
	}
	e.logTolerated()
}

// prepare resets the response of the reader for the next one.
func (e *engine) prepare(r *response) {
	if r.names == nil { // otherwise avoid the write, and its write barrier
		r.names, r.decoder, r.max = &e.names, e.decoder, e.conn.Limits.MaxDepth
	}
	if r.slabs != nil {
		r.slabs = nil
	}
	e.collectTolerated(r)
}

// dispatch routes a response to the command that requested it.
func (e *engine) dispatch(r *response) {
	switch r.kind {
	case kindUntagged:
		e.untagged(r)
	case kindStatus:
		e.untaggedStatus(r)
	case kindTagged:
		e.tagged(r)
	case kindContinuation:
		e.continuation(r)
	case kindGarbage:
		e.garbage(r)
	}
}

// untagged routes data to the oldest command that claims it, or else to the selected mailbox and the events.
func (e *engine) untagged(r *response) {
	switch e.offer(r) {
	case mine:
		return
	case shared:
		if entry := e.table.untagged[r.name]; entry.live {
			r.rewind()
			entry.handle(e, r)
		}
		return
	}
	if e.unclaimed && aboutMailbox(r.name) {
		e.note("news of a mailbox that no call has opened", nil)
		return
	}
	e.remember(r)
	entry, known := e.table.untagged[r.name]
	if !known {
		e.note("unsolicited response of an unknown name", nil)
		e.events.add(e.unknown(r))
		return
	}
	event, err := entry.handle(e, r)
	if err != nil {
		e.note("unsolicited response not understood", err)
		e.events.add(e.unknown(r))
		return
	}
	if event != nil {
		e.events.add(event)
	}
}

// plainAnswer is an answer that takes rows without a response being made of them: see plain.go.
type plainAnswer interface {
	takePlain(num SeqNum, text []byte, pos int, names *interner, decoder *mimetext.Decoder) bool
}

// plainLines is an answer that takes other lines in the same way.
type plainLines interface {
	takePlainLine(text []byte, utf8 bool) bool
}

// plainTaker is the command to which plain rows are offered, with its answer in these forms; nil where it has another.
type plainTaker struct {
	cmd   *command
	rows  plainAnswer
	lines plainLines
}

// takePlain offers plain rows in the buffer, at most limit, to the oldest command in flight that has an answer. It returns how
// many that took, and the first that it did not take, which may be any response, or nil if none was read.
func (e *engine) takePlain(limit int) (n int, text []byte) {
	if e.conn.Tracing() || e.resp.early || e.conn.Limits.MaxDepth < plainDepth {
		return 0, nil
	}
	if text = e.conn.PlainLine(); text == nil {
		return 0, nil // as between the answers of a pipeline
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	taker := e.plainTaker()
	for e.offerPlain(&taker, text) {
		if n++; n == limit || e.conn.IsClosed() {
			return n, nil
		}
		if text = e.conn.PlainLine(); text == nil {
			return n, nil
		}
	}
	return n, text
}

func (e *engine) plainTaker() (t plainTaker) {
	for _, cmd := range e.inflight {
		if cmd.answer == nil {
			continue // it claims nothing, as a NOOP
		}
		t.cmd = cmd
		t.rows, _ = cmd.answer.(plainAnswer)
		t.lines, _ = cmd.answer.(plainLines)
		break
	}
	return t
}

// offerPlain offers a row, which has no effect if it is not entirely plain or not what the command expects next.
func (e *engine) offerPlain(t *plainTaker, text []byte) bool {
	num, pos := plainHead(text)
	switch {
	case num > 0:
		return t.rows != nil && t.rows.takePlain(SeqNum(num), text, pos, &e.names, e.decoder)
	case t.lines != nil && t.lines.takePlainLine(text, e.utf8):
		e.keep(t.cmd, text, nil)
		return true
	}
	return false
}

// offer offers a response to the commands in flight, the oldest first. The end of a response goes to the command that has taken the
// parts before.
func (e *engine) offer(r *response) claim {
	if e.undecided != nil && r.kind == kindUntagged && r.name == e.undecided.once {
		e.decide(true)
	}
	if owner := e.partOwner; owner != nil {
		e.partOwner = nil
		got := owner.answer.data(r)
		e.keep(owner, r.text, r.lits)
		return got
	}
	elder := -1 // the oldest command to which the response is not offered because it has received one
	for i, cmd := range e.inflight {
		if cmd.answer == nil || elder >= 0 && cmd.once == e.inflight[elder].once && !e.awaitsData(i) {
			continue
		}
		if cmd.arrived && !cmd.ownsAll {
			if e.anotherWaits(i) {
				elder = i
				continue
			}
			if cmd.divided && r.kind == kindUntagged && r.name == cmd.once {
				e.collect(i)
			}
		}
		var got claim
		if r.kind == kindStatus {
			got = cmd.answer.condition(r)
		} else {
			got = cmd.answer.data(r)
		}
		if got != notMine {
			if got == mine && r.name == cmd.once && r.kind == kindUntagged {
				e.arrivedFor(cmd, elder)
			}
			e.keep(cmd, r.text, r.lits)
			return got
		}
		r.rewind()
	}
	return notMine
}

// anotherWaits reports whether a later command still waits for a response such as command i has received: servers may send the
// data of two commands before they end the first.
func (e *engine) anotherWaits(i int) bool {
	for later := i + 1; later < len(e.inflight); later++ {
		if e.inflight[later].once == e.inflight[i].once && e.awaitsData(later) {
			return true
		}
	}
	return false
}

// awaitsData reports whether command i was sent and may get the first response named by once.
func (e *engine) awaitsData(i int) bool {
	cmd := e.inflight[i]
	return !cmd.arrived && !cmd.partlySent && i < len(e.inflight)-int(e.held)
}

// untaggedStatus handles untagged OK, NO, BAD and BYE.
func (e *engine) untaggedStatus(r *response) {
	e.mask(&r.status)
	switch r.status.word {
	case "BYE":
		e.goodbye(&r.status)
		return
	case "NO", "BAD":
		e.lastStatus = r.status.failure("")
	}
	got := e.offer(r)
	if got == mine {
		return
	}
	e.remember(r)
	if _, known := e.table.codes[string(r.status.code)]; known {
		if event := e.code(&r.status); event != nil && got == notMine {
			e.events.add(event)
		}
		return
	}
	switch {
	case got != notMine || r.status.word == "PREAUTH":
	case !r.status.ok():
		e.events.add(e.unknown(r))
	case r.status.code != "":
		e.events.add(e.okCode("", &r.status))
	case r.status.text != "" && r.status.text[0] != '[':
		e.events.add(&InfoEvent{r.status.text})
	}
}

// goodbye handles BYE. During LOGOUT it is expected; otherwise it ends all commands, since servers close the connection
// after it and some never send the tagged response (Yandex).
func (e *engine) goodbye(s *status) {
	e.lastBye = s.failure("")
	for _, cmd := range e.inflight {
		if cmd.name == logoutName {
			cmd.bye = true
			return
		}
	}
	e.hangUp(s.failure(""))
}

// errGuessed reports that a server answered a command that was not sent yet.
var errGuessed = errors.New("the server answered a command that was not sent yet")

// guessed ends the connection if command i, which the server answers, was not sent yet: a server that guesses tags can answer
// any command.
func (e *engine) guessed(i int) bool {
	if i < len(e.inflight)-int(e.held) {
		return false
	}
	e.hangUp(&wire.LostError{Cause: errGuessed})
	return true
}

// tagged handles a tagged response, which ends a command.
func (e *engine) tagged(r *response) {
	i := e.find(r.tag)
	if i < 0 {
		e.note("tagged response without a command", nil)
		return
	}
	if e.guessed(i) {
		return
	}
	if cmd := e.inflight[i]; cmd.partlySent && r.status.ok() {
		e.answered(i)
		e.executedWithout(cmd, r)
		return
	}
	if e.inflight[i].keepsText {
		r.okText()
	}
	e.mask(&r.status)
	if ended := e.inflight[i]; !r.status.ok() {
		e.withdraw(ended)
	} else if e.undecided != nil && e.undecided.once == ended.once {
		e.decide(false)
	}
	cmd := e.answered(i)
	cmd.status = r.status
	cmd.absent = cmd.absent && cmd.mayBeAbsent(&r.status) && e.mailbox != nil && beyond(cmd.seqs, e.mailbox.Exists)
	e.lastStatus = nil
	e.setLastData(string(r.status.code), r.status.args)
	if r.status.word == "BYE" && cmd.name == logoutName {
		cmd.status.word = "OK"
	}
	if cmd.pipelined {
		e.widen(cmd, &cmd.status)
	}
	e.passOn(cmd, i)
	if cmd.changes&onMailbox != 0 && cmd.status.ok() {
		e.opener = cmd.call
	}
	undecided := e.settle(cmd, i)
	cmd.ended()
	event := e.okCode(cmd.name, &cmd.status)
	handled := cmd.keepsCode || cmd.partial && cmd.status.code == CodeMessageLimit
	if cmd.abandoned && !cmd.waits {
		_, alert := event.(*AlertEvent) // for the user, whether or not the caller has returned
		handled = !alert
	}
	if event != nil && !handled {
		e.events.add(event)
	}
	if !undecided {
		e.conclude(cmd)
	}
}

// mayBeAbsent reports whether a refusal may only mean that no messages with these numbers exist: BAD, after which
// nothing was executed, and NO for a command that changes nothing.
func (cmd *command) mayBeAbsent(s *status) bool {
	return s.code == "" && (s.word == "BAD" || s.word == "NO" && cmd.name == "FETCH")
}

// ended notifies the answer of a command and the session of the tagged response.
func (cmd *command) ended() {
	if cmd.answer != nil {
		cmd.answer.end()
	}
	if cmd.finish != nil {
		cmd.finish(&cmd.status)
	}
}

// passOn handles the single response of a command that was refused, as command i. If a later command for such a response ends
// well without one, it was that one's: servers may send the data of two commands before they end the first.
func (e *engine) passOn(cmd *command, i int) {
	a, ok := cmd.answer.(heir)
	_, partial := cmd.status.limit()
	switch given := cmd.legacy; {
	case !ok || cmd.once == "":
	case cmd.status.ok():
		if given != nil && !cmd.arrived {
			a.inherit(given)
		} else if !cmd.arrived && cmd.divided {
			e.takeBack(cmd, e.inflight[:i])
		}
	case cmd.arrived && partial: // the NO came with the first part of the command's own data
	case cmd.arrived:
		e.bequeath(cmd, a.legacy())
	case given != nil:
		e.bequeath(cmd, given)
	}
}

// bequeath leaves a response to the first command that waits for such a one.
func (e *engine) bequeath(cmd *command, given answer) {
	for _, later := range e.inflight[:len(e.inflight)-int(e.held)] {
		if later.once == cmd.once && later.mailbox == cmd.mailbox && !later.arrived && !later.abandoned && later.legacy == nil {
			later.legacy = given
			later.memory.answer += cmd.memory.answer
			return
		}
	}
}

// executedWithout ends a command that the server executed without all of its literals: Outlook.com took the header of a literal for
// the text to search for. Its data and its success are not those of the command.
func (e *engine) executedWithout(cmd *command, r *response) {
	e.widen(cmd, &status{word: "BAD"})
	cmd.ended()
	cmd.status = r.status
	e.end(cmd, r.errorf("OK before all of the command was sent"))
}

// answered removes a command from those in flight.
func (e *engine) answered(i int) *command {
	cmd := e.inflight[i]
	if e.undecided != nil && e.undecided.once == cmd.once {
		e.decide(true)
	}
	if i == 0 && len(e.inflight) > 1 { // as nearly always in a pipeline
		e.inflight[0] = nil
		e.inflight = e.inflight[1:]
	} else {
		e.inflight = slices.Delete(e.inflight, i, i+1) // Delete also clears the reference to its result
	}
	e.size -= int32(cmd.size)
	if cmd.bars {
		e.barriers--
	}
	if cmd.secrets != nil && cmd.changes&onUser != 0 {
		e.rememberSecrets(cmd.secrets)
	}
	if len(e.inflight) == 0 && cap(e.inflight) > maxPipelined {
		e.inflight = nil
	}
	return cmd
}

func (e *engine) find(tag []byte) int {
	for i, cmd := range e.inflight {
		if cmd.tag == string(tag) {
			return i
		}
	}
	return -1
}

// continuation handles +. It ignores one for which no command waits (Exchange sends them).
func (e *engine) continuation(r *response) {
	if e.asking == nil {
		e.note("unrequested continuation", nil)
		return
	}
	cmd := e.asking
	e.asking = nil
	cmd.goAhead = true
	cmd.challenge = append([]byte(nil), r.text[r.pos:]...)
	cmd.notify()
}

// garbage handles a line that is neither tagged nor untagged. Most are skipped; Exchange sends "Server Unavailable" in this
// form and then closes the connection. A line with the tag of a command ends it, since nothing more will arrive for it;
// except that Gromox sent its tag before the plus sign that IDLE waits for.
func (e *engine) garbage(r *response) {
	i := e.find(r.tag)
	if r.skipSpaces(); i >= 0 && e.inflight[i] == e.asking && r.accept('+') {
		e.note("tag before a continuation", nil)
		r.skipSpaces()
		e.continuation(r)
		return
	}
	if i >= 0 {
		if e.guessed(i) {
			return
		}
		cmd := e.answered(i)
		e.widen(cmd, &status{word: "BAD"})
		cmd.ended()
		e.end(cmd, r.errorf("expected OK, NO or BAD after the tag"))
		return
	}
	e.note("stray line", nil)
	e.lastStatus = &Error{Status: "BYE", Text: e.masked(string(r.text[:min(len(r.text), maxRemembered)]))}
	e.events.add(e.unknown(r))
}

// remember stores the last data for each name, for LastData.
func (e *engine) remember(r *response) {
	switch rest := r.text[r.rest:]; {
	case r.kind == kindStatus:
		e.setLastData(string(r.status.code), r.status.args)
	case r.name == "FETCH" || len(rest) > maxRemembered:
	case r.hasNum && len(rest) == 0:
		e.setLastData(r.name, strconv.FormatUint(uint64(r.num), 10))
	default:
		e.setLastData(r.name, string(rest))
	}
}

// setLastData stores data for a name.
func (e *engine) setLastData(name, value string) {
	if name == "" || len(value) > maxRemembered {
		return
	}
	i := slices.IndexFunc(e.lastData, func(s namedData) bool { return s.name == name })
	switch {
	case i >= 0:
		e.lastData[i].value = value
	case len(e.lastData) < maxRemembered:
		e.lastData = append(e.lastData, namedData{name, value})
	}
}

// namedData is the last data sent with a name. There are few names, and a list is smaller than a map.
type namedData struct{ name, value string }

// maxRemembered bounds both the number of names stored for LastData and the length of their data.
const maxRemembered = 256

// note stores a tolerated deviation for the log, which is written without holding the mutex.
func (e *engine) note(what string, err error) {
	if !e.conn.Tracing() {
		return
	}
	if err != nil {
		what += ": " + err.Error()
	}
	e.notes = append(e.notes, what)
}

// traceResponse logs a response with its literals as their size.
func (e *engine) traceResponse(r *response) {
	line := withoutLiterals(r.text, r.lits)
	e.mu.Lock()
	if r.kind == kindContinuation && e.isHidden() {
		line = "+ [redacted]"
	} else if r.kind == kindUntagged && r.name == "GENURLAUTH" {
		line = "* GENURLAUTH [redacted]"
	}
	line = e.masked(line)
	e.mu.Unlock()
	e.conn.Trace(context.Background(), "S", line)
}

// withoutLiterals returns the text of a response on one line, with only the headers of its literals.
func withoutLiterals(text []byte, lits []wire.LiteralData) string {
	var b strings.Builder
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			b.Write(text)
			return b.String()
		}
		open := max(bytes.LastIndexByte(text[:i], '{'), 0)
		size, n := wire.LiteralHeader(text[open : i+1])
		b.Write(bytes.TrimRight(text[:i], "\r"))
		text = text[i+1:]
		if n > 0 && len(lits) > 0 && lits[0].Data != nil && int64(len(lits[0].Data)) == size {
			lits = lits[1:] // kept separately
		} else if n > 0 {
			text = text[min(size, int64(len(text))):]
		}
	}
}

// collectTolerated makes the parser collect the deviations that it accepts, if a log is written.
func (e *engine) collectTolerated(r *response) {
	switch tracing := e.conn.Tracing(); {
	case tracing:
		r.deviations = &e.deviations
	case r.deviations != nil:
		r.deviations = nil
	}
}

// logTolerated logs the collected deviations. The caller must hold the read token, but not the mutex.
func (e *engine) logTolerated() {
	for _, what := range e.deviations {
		e.conn.Trace(context.Background(), "tolerated", what)
	}
	e.deviations = e.deviations[:0]
}

// isUTF8 reports whether strings and names may contain UTF-8.
func (e *engine) isUTF8() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.utf8
}
