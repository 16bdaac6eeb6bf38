package imap

import "slices"

// Event is unsolicited data from the server: new mail, changes by others, alerts. Idle and Events return events.
type Event interface {
	size() int // approximate memory in bytes
}

// eventSize is the approximate memory of an event without its texts, in bytes.
const eventSize = 64

type (
	// ExistsEvent reports the number of messages in the mailbox.
	ExistsEvent struct{ Count uint32 }
	// RecentEvent reports the number of messages with \Recent set.
	RecentEvent struct{ Count uint32 }
	// ExpungeEvent reports that a message was removed; the numbers of the later messages are one less now.
	ExpungeEvent struct{ SeqNum SeqNum }
	// VanishedEvent reports the UIDs of removed messages, if QRESYNC is enabled (RFC 7162).
	VanishedEvent struct{ UIDs UIDSet }
	// FetchEvent holds what changed in a message, most often its flags. UID is 0 if the server did not send it.
	FetchEvent struct{ Message *Message }
	// FlagsEvent reports the flags defined in the mailbox.
	FlagsEvent struct{ Flags []Flag }
	// StatusEvent holds numbers of another mailbox (NOTIFY, RFC 5465).
	StatusEvent struct{ Status *Status }
	// AlertEvent is text that must be shown to the user.
	AlertEvent struct{ Text string }
	// CodeEvent is a response code of an OK that the result of the method cannot hold, and that the library does not handle:
	// MESSAGELIMIT (RFC 9738) of a method that does not continue after it, EXPUNGEISSUED or HASCHILDREN (RFC 5530), a code
	// specific to the server, or an APPENDUID or COPYUID that cannot be parsed. Command is the command in upper case, "" for
	// an untagged OK. Do returns the code of its OK in the result and makes no event.
	CodeEvent struct {
		Command string
		Code    Code
		Args    string // the text after the code, inside the brackets
		Text    string
	}
	// InfoEvent is the text of an untagged OK without a code, which is informational: "Still here" from Dovecot during IDLE,
	// or the progress of a long search (RFC 9051 section 7.1.1).
	InfoEvent struct{ Text string }
	// UnknownEvent is an unsolicited response that the library does not understand, as received.
	UnknownEvent struct{ Raw []byte }
	// DroppedEvent reports that events were dropped because the queue was full: examine the mailbox again.
	DroppedEvent struct{}
)

// LostEvent is the former name of DroppedEvent.
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

// ReferralEvent reports that a login succeeded, but that the server asks the client to use another server: the code REFERRAL
// (RFC 2221 section 3).
type ReferralEvent struct {
	ReferralData
	Text string
}

func (ev *ReferralEvent) size() int {
	n := eventSize + len(ev.Text)
	for _, s := range ev.Raw {
		n += 2*(sliceCost+len(s)) + eventSize // as received, and as a URL
	}
	return n
}

// referralCode is the table entry of REFERRAL. After a refusal the code is in the error.
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

// persistent is implemented by events that may be kept when the queue overflows.
type persistent interface{ persists() bool }

func (*AlertEvent) persists() bool { return true }

// Data parses the text after the code, as Error.Data does.
func (e *CodeEvent) Data() (CodeData, error) {
	return readCode(e.Code, e.Args, isUIDCommand(e.Command))
}

// codeOfResult are the codes of an OK that are part of a result, if they can be parsed.
var codeOfResult = map[Code]bool{CodeAppendUID: true, CodeCopyUID: true, CodeModified: true, CodeMetadata: true}

// okCode handles the code of an OK, and returns the event for it. The caller must hold engine.mu.
func (e *engine) okCode(command string, s *status) Event {
	if s.code == "" {
		return nil
	}
	if _, known := e.table.codes[string(s.code)]; known || !s.ok() {
		return e.code(s)
	}
	if codeOfResult[s.code] {
		if _, err := readCode(s.code, s.args, isUIDCommand(command)); err == nil {
			return e.code(s)
		}
	}
	return &CodeEvent{command, s.code, s.shown, s.text}
}

// eventQueue holds events until they are taken. It is bounded: when it is full, all events are dropped except those that
// must not be lost.
type eventQueue struct {
	list  []Event
	cost  int
	gone  int          // events that are not in list any more: the place of list[i] is gone+i
	epoch int          // number of calls of forget
	taken int          // number of times that events were taken
	fresh int          // place of the first event after the selected mailbox was opened
	room  func() int64 // memory that queued results leave for events; nil: unlimited
}

const (
	maxEvents = 4096
	// maxEventCost bounds the memory of all events. The bound shrinks to minEventCost if results queued for a loop use up
	// Options.MaxBuffered, which covers both.
	maxEventCost = 8 << 20
	minEventCost = maxEventCost / 4
)

// bound returns how much memory the events may use now.
func (q *eventQueue) bound() int {
	if q.room == nil {
		return maxEventCost
	}
	return int(min(max(q.room(), minEventCost), maxEventCost))
}

// yield drops events if they exceed the bound, to make room for queued results.
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

// overflow empties the queue and adds a DroppedEvent. It keeps persistent events: alerts, and those that report that the
// server stops sending events of a kind.
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
	q.gone += len(q.list) - len(list)
	q.list = list
}

// heldEvent is an event that is not queued yet, with the place that it would have got.
type heldEvent struct {
	Event
	place int
}

// heldEvents are bounded like the events of a queue.
type heldEvents struct {
	list []heldEvent
	cost int
}

// hold adds an event to those that may be queued later.
func (q *eventQueue) hold(h *heldEvents, ev Event) {
	if ev == nil {
		return
	}
	place, cost := q.gone+len(q.list), ev.size()
	if len(h.list) >= maxEvents || h.cost+cost > maxEventCost {
		h.list, h.cost = []heldEvent{{&DroppedEvent{}, place}}, eventSize
	}
	if h.cost+cost <= maxEventCost {
		h.list, h.cost = append(h.list, heldEvent{ev, place}), h.cost+cost
	}
}

// insert queues held events at their places among those that were queued meanwhile.
func (q *eventQueue) insert(held []heldEvent) {
	if len(held) == 0 {
		return
	}
	place := q.gone
	later := q.take()
	for len(held) > 0 || len(later) > 0 {
		if len(later) == 0 || len(held) > 0 && held[0].place <= place {
			q.add(held[0].Event)
			held = held[1:]
			continue
		}
		q.add(later[0])
		later = later[1:]
		place++
	}
}

// forget drops all events, also those that were taken and not yet returned.
func (q *eventQueue) forget() {
	q.take()
	q.epoch++
}

// remove drops some of the events.
func (q *eventQueue) remove(drop func(Event) bool) {
	q.list = slices.DeleteFunc(q.list, func(ev Event) bool {
		if !drop(ev) {
			return false
		}
		q.cost -= ev.size()
		q.gone++
		return true
	})
}

// take returns all events and empties the queue.
func (q *eventQueue) take() []Event {
	list := q.list
	q.list, q.cost = nil, 0
	q.gone += len(list)
	if len(list) > 0 {
		q.taken++
	}
	return list
}

// ProgressEvent reports the progress of a long command (RFC 9585; capability INPROGRESS). It is queued while the command
// runs, so that another goroutine can get it from Events; Options.Timeout starts again.
type ProgressEvent struct {
	Command        string  // the name of the command, "" if the server does not send it
	Progress, Goal *uint64 // in units chosen by the server; nil: not sent
	Text           string
}

func (ev *ProgressEvent) size() int { return eventSize + len(ev.Command) + len(ev.Text) }

// progressCode is the table entry of INPROGRESS. It makes an event even during a raw command that takes all responses.
func progressCode(e *engine, s *status) Event {
	ev := &ProgressEvent{Text: s.text}
	d, _ := parserFor([]byte(s.args)).progress() // values that cannot be parsed are left nil
	if i := e.find([]byte(d.Tag)); d.Tag != "" && i >= 0 {
		ev.Command = e.inflight[i].name
	}
	ev.Progress, ev.Goal = d.Progress, d.Goal
	e.events.add(ev)
	return nil
}

// fetchEvent is the table entry of FETCH: a change of a message that no command requested.
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

// NotifyEvent is a kind of event of NOTIFY (RFC 5465 section 5).
type NotifyEvent string

// ---- the queue, for the files of commands

// addEvents queues events. Those that are nil are ignored.
func (e *engine) addEvents(events ...Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range events {
		e.events.add(ev)
	}
}

// holdEvent adds an event to those that may be queued later, and insertEvents queues them in the order of the server. The
// caller must hold engine.mu.
func (e *engine) holdEvent(h *heldEvents, ev Event) { e.events.hold(h, ev) }
func (e *engine) insertEvents(held []heldEvent)     { e.events.insert(held) }

// queueEvent queues an event. The caller must hold engine.mu.
func (e *engine) queueEvent(ev Event) { e.events.add(ev) }

// removeEvents drops queued events.
func (e *engine) removeEvents(drop func(Event) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events.remove(drop)
}

// dropEarlier drops the queued events about a mailbox that arrived before the selected one was opened: what is known of that
// is newer.
func (e *engine) dropEarlier() {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := &e.events
	n := q.fresh - q.gone // so many of them
	q.remove(func(ev Event) bool {
		n--
		return n >= 0 && aboutSelected(ev)
	})
}

// dropFlags drops the queued events about the flags of messages that are going to be fetched: the answer is newer, and must
// not be followed by them.
func (e *engine) dropFlags(uids UIDSet) {
	e.removeEvents(func(ev Event) bool {
		f, ok := ev.(*FetchEvent)
		return ok && f.Message.UID != 0 && uids.Contains(f.Message.UID)
	})
}

// aboutSelected reports whether an event is about the selected mailbox.
func aboutSelected(ev Event) bool {
	switch ev.(type) {
	case *ExistsEvent, *RecentEvent, *FlagsEvent, *ExpungeEvent, *VanishedEvent, *FetchEvent:
		return true
	}
	return false
}

// takeEvents returns the queued events and empties the queue. The epoch is for returnEvents.
func (e *engine) takeEvents() (events []Event, epoch int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events.take(), e.events.epoch
}

// takeEvent returns the first event of the queue, unless events were forgotten after the epoch or the queue is empty.
func (e *engine) takeEvent(epoch int) Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := &e.events
	if len(q.list) == 0 || epoch != q.epoch {
		return nil
	}
	ev := q.list[0]
	q.list[0] = nil
	q.list, q.cost, q.gone = q.list[1:], q.cost-ev.size(), q.gone+1
	q.taken++
	return ev
}

// timesTaken returns how often events were taken from the queue.
func (e *engine) timesTaken() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events.taken
}

// returnEvents puts events that were taken but not yielded back to the front of the queue, and makes err, if it is a BYE
// that was not yielded, the result of the next call. Events of a former user are dropped.
func (e *engine) returnEvents(events []Event, epoch int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setUnreported(err)
	if len(events) == 0 || epoch != e.events.epoch {
		return
	}
	later := e.events.take()
	e.events.gone -= len(events) + len(later)
	for _, ev := range append(events, later...) {
		e.events.add(ev)
	}
}
