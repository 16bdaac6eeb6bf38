package imap

// Event is what a server says unasked: new mail, changes by others, alerts. Events come from Idle and Events.
type Event interface{ event() }

type (
	// ExistsEvent says how many messages the mailbox holds now.
	ExistsEvent struct{ Count uint32 }
	// RecentEvent says how many messages have \Recent set.
	RecentEvent struct{ Count uint32 }
	// ExpungeEvent says that a message is gone; those behind it have moved up by one.
	ExpungeEvent struct{ SeqNum SeqNum }
	// VanishedEvent says which UIDs are gone, on servers where QRESYNC is enabled (RFC 7162).
	VanishedEvent struct{ UIDs UIDSet }
	// FetchEvent holds what changed of a message, most often its flags. UID is 0 where the server did not say it.
	FetchEvent struct{ Message *Message }
	// FlagsEvent says which flags the mailbox knows now.
	FlagsEvent struct{ Flags []Flag }
	// StatusEvent holds numbers of another mailbox (NOTIFY, RFC 5465).
	StatusEvent struct{ Status *Status }
	// ListEvent says that a mailbox was made, renamed or changed (NOTIFY, RFC 5465).
	ListEvent struct{ Entry ListEntry }
	// AlertEvent is text that the server wants a person to see.
	AlertEvent struct{ Text string }
	// UnknownEvent is a response that was not asked for and not understood, as it came.
	UnknownEvent struct{ Raw []byte }
	// LostEvent says that events were dropped because nobody took them: look at the mailbox again.
	LostEvent struct{}
)

func (*ExistsEvent) event()   {}
func (*RecentEvent) event()   {}
func (*ExpungeEvent) event()  {}
func (*VanishedEvent) event() {}
func (*FetchEvent) event()    {}
func (*FlagsEvent) event()    {}
func (*StatusEvent) event()   {}
func (*ListEvent) event()     {}
func (*AlertEvent) event()    {}
func (*UnknownEvent) event()  {}
func (*LostEvent) event()     {}

// eventQueue holds events until somebody takes them. It is bounded: the oldest make room.
type eventQueue struct {
	list  []Event
	cost  int
	epoch int // how often they were forgotten
}

const (
	maxEvents = 4096
	// maxEventCost bounds the memory of all of them.
	maxEventCost = 8 << 20
)

func (q *eventQueue) add(ev Event) {
	cost := eventCost(ev)
	if len(q.list) >= maxEvents || q.cost+cost > maxEventCost {
		q.list = append(q.list[:0:0], &LostEvent{})
		q.cost = 0
	}
	if cost > maxEventCost {
		return
	}
	q.list = append(q.list, ev)
	q.cost += cost
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
