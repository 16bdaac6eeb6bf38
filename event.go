package imap

// Event is what a server says unasked: new mail, changes by others, alerts. Events come from Idle and Events.
type Event interface {
	size() int // the memory that it holds, about, in bytes
}

// eventSize is the memory of an event without its texts, about.
const eventSize = 64

type (
	// ExistsEvent reports how many messages the mailbox holds now.
	ExistsEvent struct{ Count uint32 }
	// RecentEvent reports how many messages have \Recent set.
	RecentEvent struct{ Count uint32 }
	// ExpungeEvent reports that a message is gone; those behind it have moved up by one.
	ExpungeEvent struct{ SeqNum SeqNum }
	// VanishedEvent reports which UIDs are gone, on servers where QRESYNC is enabled (RFC 7162).
	VanishedEvent struct{ UIDs UIDSet }
	// FetchEvent holds what changed of a message, most often its flags. UID is 0 where the server did not say it.
	FetchEvent struct{ Message *Message }
	// FlagsEvent reports which flags the mailbox knows now.
	FlagsEvent struct{ Flags []Flag }
	// StatusEvent holds numbers of another mailbox (NOTIFY, RFC 5465).
	StatusEvent struct{ Status *Status }
	// AlertEvent is text that the server wants a person to see.
	AlertEvent struct{ Text string }
	// CodeEvent is a response code of an OK for which the method that got it has no result, and which the library does not
	// act on: MESSAGELIMIT (RFC 9738), EXPUNGEISSUED or HASCHILDREN (RFC 5530), a code of the server's own, or an
	// APPENDUID or COPYUID that cannot be read. Command is the command in upper case, "" for an untagged OK. Do has the code
	// of its OK in the result and makes no event.
	CodeEvent struct {
		Command string
		Code    Code
		Args    string // what stood behind the code in its brackets
		Text    string
	}
	// InfoEvent is text of an untagged OK without a code, which is for information only: "Still here" of Dovecot in IDLE,
	// or how far a long search has come (RFC 9051 section 7.1.1).
	InfoEvent struct{ Text string }
	// UnknownEvent is a response that was not asked for and not understood, as it came.
	UnknownEvent struct{ Raw []byte }
	// DroppedEvent reports that events were dropped because they were not taken: look at the mailbox again.
	DroppedEvent struct{}
)

// LostEvent is the name that DroppedEvent had first.
//
// Deprecated: use DroppedEvent.
type LostEvent = DroppedEvent

func (*ExistsEvent) size() int      { return eventSize }
func (*RecentEvent) size() int      { return eventSize }
func (*ExpungeEvent) size() int     { return eventSize }
func (ev *VanishedEvent) size() int { return eventSize + 8*len(ev.UIDs) }
func (ev *FetchEvent) size() int    { return eventSize + ev.Message.slots() + ev.Message.texts() }
func (ev *StatusEvent) size() int {
	return eventSize + ev.Status.size()
}
func (ev *AlertEvent) size() int   { return eventSize + len(ev.Text) }
func (ev *CodeEvent) size() int    { return eventSize + len(ev.Code) + len(ev.Args) + len(ev.Text) }
func (ev *InfoEvent) size() int    { return eventSize + len(ev.Text) }
func (ev *UnknownEvent) size() int { return eventSize + len(ev.Raw) }
func (*DroppedEvent) size() int    { return eventSize }

// ReferralEvent reports that a server did what was asked and would rather have it asked of another: a login that succeeded,
// with the code REFERRAL (RFC 2221 section 3).
type ReferralEvent struct {
	ReferralData
	Text string
}

func (ev *ReferralEvent) size() int {
	n := eventSize + len(ev.Text)
	for _, s := range ev.Raw {
		n += 2*(sliceCost+len(s)) + eventSize // as it came, and as a URL
	}
	return n
}

// referralCode is the table entry of REFERRAL. A refusal has it in its error.
func referralCode(_ *engine, s *status) Event {
	data, err := readCode(s.code, s.args, false)
	if !s.ok() || err != nil {
		return nil
	}
	return &ReferralEvent{data.(ReferralData), s.text}
}

func (ev *FlagsEvent) size() int {
	n := eventSize
	for _, f := range ev.Flags {
		n += sliceCost + len(f)
	}
	return n
}

// persistent is an event that can outlive an overflow of the queue.
type persistent interface{ persists() bool }

func (*AlertEvent) persists() bool { return true }

// Data reads what stands behind the code, as Error.Data does.
func (e *CodeEvent) Data() (CodeData, error) {
	return readCode(e.Code, e.Args, isUIDCommand(e.Command))
}

// codeOfResult are the codes of an OK that a result holds, where they can be read.
var codeOfResult = map[Code]bool{CodeAppendUID: true, CodeCopyUID: true, CodeModified: true, CodeMetadata: true}

// okCode does what the code of an OK says, and returns the event for it. It needs engine.mu.
func (e *engine) okCode(command string, s *status) Event {
	if _, known := e.table.codes[string(s.code)]; known || s.code == "" || !s.ok() {
		return e.code(s)
	}
	if codeOfResult[s.code] {
		if _, err := readCode(s.code, s.args, isUIDCommand(command)); err == nil {
			return e.code(s)
		}
	}
	return &CodeEvent{command, s.code, s.shown, s.text}
}

// eventQueue holds events until they are taken. It is bounded: when it is full, all but those that must not be lost make
// room.
type eventQueue struct {
	list  []Event
	cost  int
	epoch int          // how often they were forgotten
	room  func() int64 // what the results that wait leave of the memory, nil for any
}

const (
	maxEvents = 4096
	// maxEventCost bounds the memory of all of them. It shrinks to minEventCost where results that wait for a loop fill what
	// Options.MaxBuffered allows for both.
	maxEventCost = 8 << 20
	minEventCost = maxEventCost / 4
)

// bound is how much memory the events may take now.
func (q *eventQueue) bound() int {
	if q.room == nil {
		return maxEventCost
	}
	return int(min(max(q.room(), minEventCost), maxEventCost))
}

// yield makes room for results that wait.
func (q *eventQueue) yield() {
	if q.cost > q.bound() {
		q.overflow()
	}
}

func (q *eventQueue) add(ev Event) {
	if ev == nil {
		return
	}
	cost := ev.size()
	bound := q.bound()
	if len(q.list) >= maxEvents || q.cost+cost > bound {
		q.overflow()
	}
	if q.cost+cost > bound {
		return
	}
	q.list = append(q.list, ev)
	q.cost += cost
}

// overflow drops what is in the queue. A DroppedEvent stands for it; what the server wants a person to see, and that it tells
// no more, stays.
func (q *eventQueue) overflow() {
	list := []Event{&DroppedEvent{}}
	most := q.bound() / 4
	q.cost = 0
	for _, ev := range q.list {
		p, ok := ev.(persistent)
		if cost := ev.size(); ok && p.persists() && len(list) < maxEvents/4 && q.cost+cost <= most {
			list = append(list, ev)
			q.cost += cost
		}
	}
	q.list = list
}

// forget drops all events, also those that an Idle has taken and not yet yielded.
func (q *eventQueue) forget() {
	q.take()
	q.epoch++
}

// take returns all events and empties the queue.
func (q *eventQueue) take() []Event {
	list := q.list
	q.list, q.cost = nil, 0
	return list
}

// ProgressEvent reports how far a command has come that takes its time (RFC 9585; capability INPROGRESS). It is queued while
// the command runs, so that another goroutine sees it by Events; the command itself goes on, and the server's silence
// (Options.Timeout) starts anew.
type ProgressEvent struct {
	Command        string  // the name of the command, "" where the server does not name it
	Progress, Goal *uint64 // in units of the server's own; nil: not sent
	Text           string
}

func (ev *ProgressEvent) size() int { return eventSize + len(ev.Command) + len(ev.Text) }

// progressCode is the table entry of INPROGRESS. A raw command that takes all responses does not keep it from the events.
func progressCode(e *engine, s *status) Event {
	ev := &ProgressEvent{Text: s.text}
	d, _ := parserFor([]byte(s.args)).progress() // what cannot be read is not told
	if i := e.find([]byte(d.Tag)); d.Tag != "" && i >= 0 {
		ev.Command = e.inflight[i].name
	}
	ev.Progress, ev.Goal = d.Progress, d.Goal
	e.events.add(ev)
	return nil
}

// fetchEvent is the table entry of FETCH: news of a message that no command asked for.
func fetchEvent(e *engine, r *response) (Event, error) {
	row := r.parseRow()
	if row.m == nil {
		return nil, nil
	}
	if row.err != nil {
		return nil, row.err
	}
	return &FetchEvent{row.m}, nil
}

// NotifyEvent is something that NOTIFY tells (RFC 5465 section 5).
type NotifyEvent string
