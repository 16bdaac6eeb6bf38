package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
)

// A Finding is a broken promise.
type Finding struct {
	Kind       string // kind of promise, see Kinds
	Text       string
	Transcript []string
}

// Kinds are the kinds of promises.
var Kinds = []string{
	"append",   // APPEND stores the message of the caller
	"changed",  // only messages in the set of the call are flagged or copied
	"events",   // events are returned once, in the order of the server
	"hang",     // every call ends
	"lost",     // only messages in the set of the call are removed, and only after they were copied
	"mailbox",  // a command runs in the mailbox for which its call was made
	"order",    // the commands of a pipeline are in the order of its calls
	"mixed up", // a loop yields only messages in the set of the call
	"panic",
	"pool",     // a connection is as new for each user of a pool, and no function is called again that did something
	"qresync",  // only enabled extensions are used
	"recent",   // \Recent is never sent
	"result",   // results are exactly what was sent
	"secret",   // no error and no event contains a password
	"smuggled", // only commands of the call are sent
	"state",    // the reported state is what was sent
	"sync",     // a stored state, updated to the end, equals the mailbox
	"trust",    // a login succeeds only if the server has proved its identity
	"watch",    // the changes that Watch yields lead to the mailbox, and each state belongs to those before it
	"words",    // the last text of the server is returned by some call
}

func (f *Finding) String() string { return f.Kind + ": " + f.Text }

// Run runs a plan and returns the first broken promise, or nil. It creates a synctest bubble.
func Run(t *testing.T, p Plan) (found *Finding) {
	synctest.Test(t, func(*testing.T) {
		if len(p.Steps) > 0 && slices.Contains(watchOps, p.Steps[0].Op) {
			found = runWatch(p).finding()
			return
		}
		if len(p.Steps) > 0 && slices.Contains(poolOps, p.Steps[0].Op) {
			found = runPool(p).finding()
			return
		}
		x := newRun(p)
		defer func() {
			if e := recover(); e != nil {
				x.srv.fail("panic", "%v", e)
			}
			x.link.Close()
			if x.client != nil {
				x.client.Close()
			}
			found = x.srv.finding()
		}()
		watchdog := time.AfterFunc(24*time.Hour, func() {
			x.srv.fail("hang", "%s does not end", x.srv.call)
			x.link.Close()
		})
		defer watchdog.Stop()
		x.run(p)
	})
	return found
}

// finding returns the finding with the transcript, or nil.
func (j *journal) finding() *Finding {
	if j.found != nil {
		j.found.Transcript = j.transcript
	}
	return j.found
}

// A run is a plan in progress: the caller's side.
type run struct {
	plan       Plan
	srv        *server
	link       *link
	client     *imap.Client
	step       *stepState
	low        int64 // position up to which the client had read when a call last ended without an open answer
	heard      strings.Builder
	events     []string
	lost       bool // there were more than the client keeps
	dead       bool
	ctx        context.Context
	stop       context.CancelFunc
	unsure     bool // a command that opens a mailbox was given up
	concurrent bool // the client may read in a goroutine of its own
	behind     bool // an answer may not have been read to its end

	box  string              // that the plan prefers, "" for none
	held map[string]*replica // what a program that syncs stores, by mailbox
}

func newRun(p Plan) *run {
	srv := newServer(p, newStore(&rng{p.Seed}, p.Messages))
	x := &run{plan: p, srv: srv, link: newLink(srv), held: make(map[string]*replica)}
	srv.link = x.link
	for _, c := range p.Caps {
		if name, ok := strings.CutPrefix(c, prefer); ok {
			x.box = name
		}
	}
	return x
}

// run makes the calls of a plan until one finds something.
func (x *run) run(p Plan) {
	if len(p.Steps) == 0 || !x.connect(p.Steps[0]) {
		return
	}
	for _, step := range p.Steps {
		x.begin(step)
		operations[step.Op].run(x, x.step.args())
		x.end()
		if x.srv.found != nil {
			return
		}
		if x.dead {
			break
		}
	}
	if !x.dead {
		x.settle()
	}
	x.checkLastText()
}

// connect makes the client. The plan decides by its first step whether the server knows it already.
func (x *run) connect(first Step) bool {
	x.step = newStep(Step{Seed: first.Seed, Faults: first.Faults})
	x.srv.step = newStep(Step{})
	x.srv.call = &call{op: "connect"}
	r := &rng{first.Seed + 1}
	caps := " [CAPABILITY " + strings.Join(x.srv.caps, " ") + "]"
	if r.one(4) || x.srv.has(silent) {
		caps = "" // the client has to ask
	}
	switch {
	case first.Op == "scram", first.Op == "login", first.Op == "starttls":
		x.srv.put("* OK%s hello", caps)
	case x.step.chance(Bye, 8):
		text := "greeting-bye"
		line := pick(r, []string{"* BYE ", "421 Server is busy ", "* NO "})
		x.srv.put("%s%s", line, text)
		x.srv.ended = true
		_, err := imap.NewClient(context.Background(), x.link, nil)
		if err == nil || !strings.Contains(err.Error(), text) {
			x.srv.fail("words", "the greeting %q is told as %v", line+text, err)
		}
		return false
	default:
		x.srv.put("* PREAUTH%s hello", caps)
		x.srv.loggedIn = true
	}
	c, err := imap.NewClient(context.Background(), x.link, &imap.Options{Timeout: time.Minute})
	if err != nil {
		x.srv.fail("result", "the greeting is refused: %v", err)
		return false
	}
	x.client = c
	return true
}

// rest waits until no goroutine of the client is reading, so that the state of the server can be examined.
func (x *run) rest() {
	if x.concurrent {
		synctest.Wait()
	}
}

// begin prepares a step: the beliefs of the caller at this moment, and where its ctx ends.
func (x *run) begin(step Step) {
	x.concurrent = x.concurrent || step.Op == "compress" || step.Op == "starttls"
	x.rest()
	x.step = newStep(step)
	s := x.srv
	s.step = x.step
	s.notices = newNotices()
	s.call = &call{op: step.Op, at: time.Now(), copied: make(map[*message]bool), first: len(s.records), views: x.viewsNow()}
	if op := operations[step.Op]; op != nil {
		s.call.names = op.sends
	}
	if mb := x.client.Mailbox(); mb != nil {
		s.call.believed = mb.Name
	}
	s.call.blind = s.call.believed == ""
	s.log("== %s (%s) in %q", step.Op, step.Faults, s.call.believed)
	x.ctx, x.stop = context.WithCancel(context.Background())
	cut := x.step.chance(Cancel, 2)
	x.link.serial = !x.concurrent
	in, out := int64(-1), int64(-1)
	if cut {
		r := x.step.of(Cancel)
		if r.one(2) {
			in = int64(r.n(1 + r.n(400)))
		} else {
			out = int64(r.n(1 + r.n(60)))
		}
	}
	x.link.pieces = nil
	if x.step.chance(Pieces, 1) {
		x.link.pieces = x.step.of(Pieces)
	}
	x.link.cut(x.stop, in, out)
}

// tell changes the current call, which the server may be using in a goroutine of the client.
func (x *run) tell(change func(*call)) {
	x.link.mu.Lock()
	defer x.link.mu.Unlock()
	change(x.srv.call)
}

// viewsNow returns the meanings that sequence numbers may have for the caller.
func (x *run) viewsNow() []viewAt {
	s := x.srv
	first := 0
	for i, v := range s.views {
		if v.at <= x.low {
			first = i
		}
	}
	s.views = s.views[min(first, len(s.views)):]
	var list []viewAt
	for i, v := range s.views {
		if i == 0 || v.at <= x.link.in {
			list = append(list, v)
		}
	}
	return list
}

// end checks the state of the client after the step, and collects its events.
func (x *run) end() {
	x.rest()
	x.link.cut(nil, -1, -1)
	cutShort := x.ctx.Err() != nil
	for _, c := range append(x.srv.call.parts, x.srv.call) {
		c.cut = cutShort
	}
	if rec := x.only("SELECT", "EXAMINE"); rec != nil {
		x.unsure = cutShort
		rec.call.unheard = cutShort && x.client.Mailbox() == nil
	}
	if rec := x.only(changers...); rec != nil && x.unread(rec) {
		x.unsettled(rec)
	}
	x.stop()
	x.takeEvents()
	s := x.srv
	if x.client.State() == imap.LoggedOut {
		x.dead = true
		return
	}
	if x.behind = x.behind && !x.answered() || cutShort || s.call.left; s.found != nil || x.behind {
		return
	}
	if len(s.outBuf) == 0 && len(s.pending) == 0 && s.idle == nil && s.auth == nil && !s.ended {
		x.quiet()
	}
}

// changers are commands that change the state.
var changers = []string{"SELECT", "EXAMINE", "CLOSE", "UNSELECT", "LOGIN", "AUTHENTICATE", "UNAUTHENTICATE"}

// unread reports whether the client has not read the end of a command.
func (x *run) unread(rec *record) bool { return !rec.done || x.link.in < rec.doneAt }

// unsettled checks the state reported by the client while a command that changes it is unanswered.
func (x *run) unsettled(rec *record) {
	state, mb := x.client.State(), x.client.Mailbox()
	switch {
	case state == imap.LoggedOut:
	case mb != nil:
		x.srv.fail("state", "Mailbox is %s while %s is unanswered", mb.Name, rec.tag)
	case state == imap.Selected:
		x.srv.fail("state", "the state is %s while %s %s is unanswered", state, rec.tag, rec.name)
	case rec.name != "LOGIN" && rec.name != "AUTHENTICATE" && rec.name != "UNAUTHENTICATE":
	case state != imap.NotAuthenticated:
		x.srv.fail("trust", "the state is %s while %s %s is unanswered", state, rec.tag, rec.name)
	case rec.name != "UNAUTHENTICATE" && x.client.Caps().Has("IMAP4rev1"):
		x.srv.fail("state", "the capabilities before %s count while it is unanswered", rec.name)
	}
}

// answered reports whether an answer was read in the step, and thus everything before it.
func (x *run) answered() bool {
	list := x.srv.records[x.srv.call.first:]
	return len(list) > 0 && list[len(list)-1].done
}

// quiet compares the client with the server when no command is in progress.
func (x *run) quiet() {
	s := x.srv
	x.low = x.link.in
	mb := x.client.Mailbox()
	switch {
	case s.sel == nil && mb != nil:
		s.fail("state", "Mailbox is %s, but none is open", mb.Name)
	case s.sel != nil && mb == nil && x.unsure:
		// It was selected by a call that had been given up.
	case s.sel != nil && mb == nil:
		s.fail("state", "Mailbox is nil, but %s is open", s.sel.box.name)
	case mb == nil:
	case mb.Name != s.sel.box.name:
		s.fail("state", "Mailbox is %q, but %s is open", mb.Name, s.sel.box.name)
	case int(mb.Exists) != len(s.sel.view):
		s.fail("state", "Mailbox has %d messages, and the server said %d", mb.Exists, len(s.sel.view))
	}
	x.checkEvents()
}

func (x *run) takeEvents() {
	for _, ev := range x.client.Events() {
		x.event(ev)
	}
}

// event records an event of the client.
func (x *run) event(ev imap.Event) {
	switch ev := ev.(type) {
	case *imap.AlertEvent:
		x.shown(ev.Text)
		x.heard.WriteString(ev.Text + "\n")
		x.events = append(x.events, ev.Text)
	case *imap.CodeEvent:
		x.shown(ev.Text + ev.Args)
		if strings.HasPrefix(string(ev.Code), ownCode) {
			x.events = append(x.events, string(ev.Code))
		}
	case *imap.InfoEvent:
		x.shown(ev.Text)
	case *imap.ExistsEvent:
		x.events = append(x.events, fmt.Sprintf("exists %d", ev.Count))
	case *imap.ExpungeEvent:
		x.events = append(x.events, fmt.Sprintf("expunge %d", ev.SeqNum))
	case *imap.StatusEvent:
		x.events = append(x.events, statusKey(ev))
	case *imap.ListEvent:
		x.events = append(x.events, "list "+ev.Entry.Name)
	case *imap.FetchEvent:
		x.reported(ev)
	case *imap.MetadataEvent:
		x.events = append(x.events, "metadata "+ev.Mailbox+" "+strings.Join(ev.Entries, " "))
	case *imap.VanishedEvent:
		x.events = append(x.events, fmt.Sprintf("vanished %s", ev.UIDs))
	case *imap.UnknownEvent:
		x.shown(string(ev.Raw))
		x.heard.WriteString(string(ev.Raw) + "\n")
	case *imap.DroppedEvent:
		x.rest()
		if x.lost = true; len(x.srv.expected) < mostEvents {
			x.srv.fail("events", "events are lost after %d", len(x.srv.expected))
		}
	}
}

const (
	mostEvents = 4096           // the client keeps at least this many
	mostAlerts = mostEvents / 4 // of which this many survive an overflow
)

// checkEvents checks that events are in the order in which they were sent, and that no alert is lost.
func (x *run) checkEvents() {
	s := x.srv
	alerts := 0
	for _, said := range s.expected {
		if said.must {
			alerts++
		}
	}
	for i := range s.expected {
		s.expected[i].must = s.expected[i].must && !s.expected[i].unheard() && !(x.lost && alerts >= mostAlerts) && (s.expected[i].of == nil || !s.expected[i].of.cut && !x.lost)
	}
	i := 0
	for _, got := range x.events {
		for i < len(s.expected) && (s.expected[i].key != got || s.expected[i].unheard()) {
			if s.expected[i].must {
				s.fail("events", "%q is lost, or comes behind %q", s.expected[i].key, got)
				return
			}
			i++
		}
		if i == len(s.expected) {
			s.fail("events", "%q was not said, or not in this order; events are %q", got, x.events)
			return
		}
		i++
	}
	for _, said := range s.expected[i:] {
		if said.must {
			s.fail("events", "%q is lost", said.key)
			return
		}
	}
	s.expected, x.events, x.lost = nil, nil, false
}

// checkLastText checks that some call returned the last text of the server.
func (x *run) checkLastText() {
	x.rest()
	s := x.srv
	if s.last == "" {
		return
	}
	for range 2 {
		x.note(x.client.Noop(context.Background()))
	}
	x.takeEvents()
	x.rest()
	if x.link.in >= s.lastAt && !strings.Contains(x.heard.String(), s.last) {
		s.fail("words", "%q reached no caller; they heard %q", s.last, x.heard.String())
	}
}

// shown checks text that a program may display or log.
func (x *run) shown(text string) {
	if strings.Contains(text, password) {
		x.srv.fail("secret", "the password is in %q", text)
	}
}

// note records the text of an error.
func (x *run) note(err error) {
	if err != nil {
		x.shown(err.Error())
		x.heard.WriteString(err.Error() + "\n")
		x.srv.log("-> %v", err)
	}
}

// judge checks the error of a call against the status of its only command.
func (x *run) judge(err error, rec *record) {
	x.note(err)
	if rec == nil || !rec.done {
		return
	}
	s := x.srv
	var bad *imap.ProtocolError
	switch {
	case rec.status == "OK" && err != nil && x.ctx.Err() == nil && !errors.As(err, &bad) && !rec.partial && !s.ended:
		s.fail("result", "%s was answered OK and fails: %v", rec.name, err)
	case rec.status == "NO" && err == nil && s.sel != nil && int(s.call.lowest) > len(s.sel.view):
		// There are no such messages, whatever the status.
	case rec.status == "NO" && err == nil:
		s.fail("words", "%s was answered NO (%s) and succeeds", rec.name, rec.text)
	case rec.status == "NO" && x.ctx.Err() == nil && !strings.Contains(err.Error(), rec.text):
		s.fail("words", "%s was answered NO (%s) and says %v", rec.name, rec.text, err)
	}
}

// only returns the last command of the call with one of the names, or nil.
func (x *run) only(list ...string) *record {
	x.rest()
	var found *record
	for _, rec := range x.srv.records[x.srv.call.first:] {
		for _, name := range list {
			if rec.name == name {
				found = rec
			}
		}
	}
	return found
}
