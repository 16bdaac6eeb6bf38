package imap

import (
	"bytes"
	"slices"
	"strings"
)

// statusNumbers are the items whose values are plain numbers.
var statusNumbers = []StatusItem{StatusMessages, StatusRecent, StatusUIDNext, StatusUIDValidity, StatusUnseen, StatusDeleted, StatusSize, StatusHighestModSeq}

// Mailbox is the state of the selected mailbox.
type Mailbox struct {
	Name           string // as requested; with IMAP4rev2 the server's name, if it differs
	ReadOnly       bool   // as granted, not as requested
	Exists         uint32
	Recent         uint32
	Unseen         SeqNum // first unseen message, 0 if not sent
	UIDValidity    uint32 // 0 if not sent: UIDs must not be stored then
	UIDNext        UID
	HighestModSeq  uint64 // 0 if the mailbox has no mod-sequences (RFC 7162)
	Flags          []Flag
	PermanentFlags []Flag     // nil if not sent: all of Flags can be stored permanently then
	MailboxID      string     // RFC 8474
	Vanished       UIDSet     // QRESYNC: removed since the given mod-sequence
	Changed        []*Message // QRESYNC: changed since

	extra *extra
}

// clone returns a copy that shares no mutable data.
func (m *Mailbox) clone() *Mailbox {
	if m == nil {
		return nil
	}
	c := *m
	c.Flags = slices.Clone(m.Flags)
	c.PermanentFlags = slices.Clone(m.PermanentFlags)
	return &c
}

// apply updates the mailbox with an untagged response, and returns the event for it. ok is false if the response is about
// something else.
func (m *Mailbox) apply(r *response) (ev Event, ok bool, err error) {
	if err := r.checkNumber(); err != nil {
		return nil, true, err
	}
	switch r.name {
	case "EXISTS":
		if r.num < m.Exists {
			r.tolerate("EXISTS below what it was") // Notes, InterChange
		}
		m.Exists = r.num
		return &ExistsEvent{r.num}, true, nil
	case "RECENT":
		m.Recent = r.num
		return &RecentEvent{r.num}, true, nil
	case "EXPUNGE":
		m.shrink(1)
		return &ExpungeEvent{SeqNum(r.num)}, true, nil
	case "FLAGS":
		flags, err := r.flagList()
		if err != nil && flags == nil {
			return nil, true, err
		}
		m.Flags = flags
		return &FlagsEvent{slices.Clone(flags)}, true, nil
	case "VANISHED":
		uids, earlier, err := r.vanished()
		if err != nil {
			return nil, true, err
		}
		if !earlier {
			m.shrink(uids.Len())
		}
		return &VanishedEvent{uids}, true, nil
	}
	return nil, false, nil
}

// checkNumber fails for a response about the mailbox with a missing or invalid number.
func (r *response) checkNumber() error {
	switch r.name {
	case "EXISTS", "RECENT":
		if r.hasNum {
			return nil
		}
	case "EXPUNGE":
		if r.num > 0 {
			return nil
		}
	default:
		if !r.hasNum {
			return nil
		}
	}
	return r.errorf("missing, zero or unexpected number")
}

func (m *Mailbox) shrink(n uint64) {
	m.Exists -= uint32(min(n, uint64(m.Exists)))
}

// applyCode updates a mailbox that is being selected with a response code. It returns false if the code is about something
// else.
func (e *engine) applyCode(m *Mailbox, s *status) bool {
	entry := e.table.codes[string(s.code)]
	if entry.mailbox != nil {
		entry.mailbox(m, s.args)
	}
	return entry.mailbox != nil
}

// The codes that describe a mailbox.

func uidValidityCode(m *Mailbox, args string)   { m.UIDValidity = uint32(codeNumber(args, 32)) }
func uidNextCode(m *Mailbox, args string)       { m.UIDNext = UID(codeNumber(args, 32)) }
func unseenCode(m *Mailbox, args string)        { m.Unseen = SeqNum(codeNumber(args, 32)) }
func highestModSeqCode(m *Mailbox, args string) { m.HighestModSeq = codeNumber(args, 64) }
func noModSeqCode(m *Mailbox, _ string)         { m.HighestModSeq = 0 }
func mailboxIDCode(m *Mailbox, args string)     { m.MailboxID = strings.Trim(args, "() ") }
func readOnlyCode(m *Mailbox, _ string)         { m.ReadOnly = true }
func readWriteCode(m *Mailbox, _ string)        { m.ReadOnly = false }

func permanentFlagsCode(m *Mailbox, args string) {
	if flags, err := parserFor([]byte(args)).flagList(); err == nil || flags != nil {
		m.PermanentFlags = append([]Flag{}, flags...)
	}
}

// liveData is the table entry of responses that change the selected mailbox.
func liveData(e *engine, r *response) (Event, error) {
	m := e.mailbox
	if m == nil {
		m = new(Mailbox)
	}
	ev, _, err := m.apply(r)
	if err == nil {
		e.renumber(r)
	}
	return ev, err
}

// becameReadOnly returns the event for an unsolicited READ-ONLY, before the code is applied.
func becameReadOnly(e *engine, s *status) Event {
	if e.mailbox == nil || e.mailbox.ReadOnly {
		return nil
	}
	e.mailbox.ReadOnly = true
	return &AlertEvent{"[READ-ONLY] " + s.text}
}

// capabilityData is the table entry of CAPABILITY.
func capabilityData(e *engine, r *response) (Event, error) {
	e.setCaps(string(r.text[r.rest:]))
	return nil, nil
}

// setCaps replaces the capabilities of the server. A list without a version of IMAP4 is invalid, and is used only if no
// capabilities are known yet.
func (e *engine) setCaps(list string) {
	caps := parseCaps(list, e.table.implied)
	if e.capsKnown && !caps.whole() {
		e.note("list of capabilities without IMAP4", nil)
		return
	}
	e.caps, e.capsKnown = caps.without(e.opts.DisabledCaps), true
}

// capabilityCode is the table entry of the code of the same name.
func capabilityCode(e *engine, s *status) Event {
	e.setCaps(s.args)
	return nil
}

// enabledData is the table entry of ENABLED.
func enabledData(e *engine, r *response) (Event, error) {
	for name := range bytes.FieldsSeq(r.text[r.rest:]) {
		if len(e.enabled) >= maxCaps {
			return nil, nil
		}
		if len(name) <= maxCapName {
			e.setEnabled(string(bytes.ToUpper(name)))
		}
	}
	return nil, nil
}

// alertCode is the table entry of ALERT.
func alertCode(e *engine, s *status) Event { return &AlertEvent{s.text} }

// StatusItem is an item of STATUS, most often a number.
type StatusItem string

// The items of STATUS, with the capabilities that they need.
const (
	StatusMessages       StatusItem = "MESSAGES"
	StatusRecent         StatusItem = "RECENT"
	StatusUIDNext        StatusItem = "UIDNEXT"
	StatusUIDValidity    StatusItem = "UIDVALIDITY"
	StatusUnseen         StatusItem = "UNSEEN"
	StatusDeleted        StatusItem = "DELETED"         // IMAP4rev2, QUOTA=RES-MESSAGE
	StatusDeletedStorage StatusItem = "DELETED-STORAGE" // QUOTA=RES-STORAGE (RFC 9208): the storage that EXPUNGE would free
	StatusSize           StatusItem = "SIZE"            // STATUS=SIZE (RFC 8438), in bytes
	StatusHighestModSeq  StatusItem = "HIGHESTMODSEQ"   // CONDSTORE (RFC 7162)
	StatusAppendLimit    StatusItem = "APPENDLIMIT"     // APPENDLIMIT (RFC 7889), in bytes
	StatusMailboxID      StatusItem = "MAILBOXID"       // OBJECTID (RFC 8474)
	StatusObjectID       StatusItem = "OBJECTID"        // OBJECTID+: Status.MailboxID and Status.AccountID
)

// Status is the result of STATUS for a mailbox; a nil field was not sent.
type Status struct {
	Mailbox                                                 string
	Messages, Recent, UIDNext, UIDValidity, Unseen, Deleted *uint32
	Size, HighestModSeq, AppendLimit                        *uint64
	MailboxID                                               string
	DeletedStorage                                          *uint64 // the storage that EXPUNGE would free, in the server's unit
	AccountID                                               string  // OBJECTID+
}

// size returns the approximate memory of st in bytes.
func (st *Status) size() int {
	if st == nil {
		return 0
	}
	return 128 + len(st.Mailbox) + len(st.MailboxID) + len(st.AccountID)
}

// numbers returns those of statusNumbers that were sent.
func (st *Status) numbers() []StatusItem {
	came := []bool{st.Messages != nil, st.Recent != nil, st.UIDNext != nil, st.UIDValidity != nil, st.Unseen != nil, st.Deleted != nil, st.Size != nil, st.HighestModSeq != nil}
	var list []StatusItem
	for i, item := range statusNumbers {
		if came[i] {
			list = append(list, item)
		}
	}
	return list
}
