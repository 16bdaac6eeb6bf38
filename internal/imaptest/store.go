package imaptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is an account with its mailboxes.
type User struct {
	srv        *Server
	name       string
	boxes      map[string]*Mailbox // by UTF-8 name
	subscribed map[string]bool
	quota      map[string]uint64 // resource -> limit
	metadata   map[string]string
	watchers   map[*session]struct{} // with NOTIFY
}

// Mailbox is a mailbox of a User.
type Mailbox struct {
	user        *User
	name        string
	id          string
	uidValidity uint32
	uidNext     uint32
	msgs        []*message // by ascending UID
	modSeq      uint64
	gone        []expungedMessage
	octets      uint64 // sum of the sizes of msgs
	urlKey      int    // of URLAUTH
	keywords    []string
	specialUse  string
	readOnly    bool
	noSelect    bool // the name exists only as a parent
	sessions    map[*session]struct{}
	acl         map[string]string
	metadata    map[string]string
}

// message is one message. Only flags, modSeq, recent, annotations and labels change.
type message struct {
	uid     uint32
	raw     []byte
	flags   []string
	date    time.Time
	saved   time.Time
	modSeq  uint64
	created uint64 // modSeq of the arrival
	recent  bool   // not yet reported to any session
	gone    bool
	id      string
	root    *part

	annotations map[string]string // by entry, a space and attribute
	labels      []string          // of Gmail
}

// expungedMessage remembers an expunged message for QRESYNC.
type expungedMessage struct {
	uid    uint32
	modSeq uint64
}

// MessageInfo is a copy of the data of a message.
type MessageInfo struct {
	UID    uint32
	Flags  []string
	Raw    []byte
	Date   time.Time
	ModSeq uint64
}

// User returns the account of that name, which is created if necessary.
// A user who is not in Options.Users has mailboxes but cannot log in.
func (s *Server) User(name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.userLocked(name)
}

func (s *Server) userLocked(name string) *User {
	u := s.users[name]
	if u == nil {
		u = &User{
			srv:        s,
			name:       name,
			boxes:      map[string]*Mailbox{},
			subscribed: map[string]bool{},
			quota:      map[string]uint64{"STORAGE": 1 << 20},
			metadata:   map[string]string{},
			watchers:   map[*session]struct{}{},
		}
		s.users[name] = u
		u.create("INBOX")
	}
	return u
}

// nextID returns a new identifier. The caller must hold srv.mu.
func (s *Server) nextID() uint32 {
	s.counter++
	return s.counter
}

// Mailbox returns the mailbox of that UTF-8 name, whose levels are separated
// by "/"; it is created if necessary.
func (u *User) Mailbox(name string) *Mailbox {
	u.srv.mu.Lock()
	defer u.srv.mu.Unlock()
	if m := u.find(name); m != nil {
		m.noSelect = false
		return m
	}
	return u.create(canonical(name))
}

// canonical spells INBOX in upper case, also as the head of a longer name.
func canonical(name string) string {
	if len(name) >= 5 && strings.EqualFold(name[:5], "INBOX") && (len(name) == 5 || name[5] == '/') {
		return "INBOX" + name[5:]
	}
	return name
}

func (u *User) find(name string) *Mailbox { return u.boxes[canonical(name)] }

// create creates a mailbox. The caller must hold srv.mu, and the name must be
// canonical and not in use.
func (u *User) create(name string) *Mailbox {
	u.createParents(name)
	n := u.srv.nextID()
	m := &Mailbox{
		user:        u,
		name:        name,
		id:          fmt.Sprintf("F%d", n),
		uidValidity: n,
		uidNext:     1,
		modSeq:      1,
		sessions:    map[*session]struct{}{},
		acl:         map[string]string{u.name: allRights},
		metadata:    map[string]string{},
	}
	u.boxes[name] = m
	return m
}

// createParents makes the missing levels above name, as RFC 3501 section
// 6.3.3 recommends.
func (u *User) createParents(name string) {
	if i := strings.LastIndexByte(name, '/'); i > 0 && u.boxes[name[:i]] == nil {
		u.create(name[:i])
	}
}

// SetSpecialUse gives a mailbox, which is created if necessary, a special-use
// attribute such as \Sent; "" removes it.
func (u *User) SetSpecialUse(name, attr string) {
	m := u.Mailbox(name)
	u.srv.mu.Lock()
	defer u.srv.mu.Unlock()
	m.specialUse = attr
}

func (m *Mailbox) lock() func() {
	m.user.srv.mu.Lock()
	return m.user.srv.mu.Unlock
}

// Append stores a message and returns its UID. A zero date means now.
func (m *Mailbox) Append(raw []byte, flags []string, date time.Time) uint32 {
	defer m.lock()()
	return m.add(slices.Clone(raw), flags, date).uid
}

// Expunge removes messages; UIDs that do not exist are ignored.
func (m *Mailbox) Expunge(uids ...uint32) {
	defer m.lock()()
	named := make(map[uint32]bool, len(uids))
	for _, uid := range uids {
		named[uid] = true
	}
	m.remove(func(msg *message) bool { return named[msg.uid] })
}

// SetFlags replaces the flags of a message, if it exists.
func (m *Mailbox) SetFlags(uid uint32, flags ...string) {
	defer m.lock()()
	if msg := m.byUID(uid); msg != nil {
		m.setFlags(msg, flags)
	}
}

// Messages returns copies of all messages in ascending order of UID.
func (m *Mailbox) Messages() []MessageInfo {
	defer m.lock()()
	list := make([]MessageInfo, 0, len(m.msgs))
	for _, msg := range m.msgs {
		list = append(list, MessageInfo{
			UID:    msg.uid,
			Flags:  slices.Clone(msg.flags),
			Raw:    slices.Clone(msg.raw),
			Date:   msg.date,
			ModSeq: msg.modSeq,
		})
	}
	return list
}

// SetUIDValidity changes the UIDVALIDITY, like a server that has lost its index.
// Sessions that have the mailbox selected are not notified.
func (m *Mailbox) SetUIDValidity(v uint32) {
	defer m.lock()()
	m.uidValidity = v
}

// Renumber gives all messages new UIDs from 1 on and the mailbox a new
// UIDVALIDITY, and ends the sessions that have it selected, like a server that
// was restored.
func (m *Mailbox) Renumber() {
	defer m.lock()()
	m.uidValidity = m.user.srv.nextID()
	m.uidNext = 1
	m.gone = nil
	for s := range m.sessions {
		_ = s.raw.Close() // the client connects again
	}
	old := m.msgs
	m.msgs = nil
	for _, msg := range old {
		m.modSeq++
		copied := *msg
		copied.uid, copied.modSeq, copied.created = m.uidNext, m.modSeq, m.modSeq
		m.uidNext++
		m.msgs = append(m.msgs, &copied)
	}
}

// Names returns the names of the mailboxes of the user, sorted.
func (u *User) Names() []string {
	u.srv.mu.Lock()
	defer u.srv.mu.Unlock()
	return slices.Sorted(maps.Keys(u.boxes))
}

// Lookup returns a mailbox that exists, else nil.
func (u *User) Lookup(name string) *Mailbox {
	u.srv.mu.Lock()
	defer u.srv.mu.Unlock()
	return u.find(name)
}

// SetReadOnly makes SELECT open the mailbox read-only and APPEND fail.
func (m *Mailbox) SetReadOnly(readOnly bool) {
	defer m.lock()()
	m.readOnly = readOnly
}

// The caller of the methods below must hold srv.mu.

func (m *Mailbox) add(raw []byte, flags []string, date time.Time) *message {
	now := time.Now()
	if date.IsZero() {
		date = now
	}
	m.modSeq++
	msg := &message{
		uid:     m.uidNext,
		raw:     raw,
		flags:   m.cleanFlags(flags),
		date:    date.Truncate(time.Second),
		saved:   now.Truncate(time.Second),
		modSeq:  m.modSeq,
		created: m.modSeq,
		recent:  true,
		id:      fmt.Sprintf("M%d", m.user.srv.nextID()),
	}
	m.uidNext++
	m.msgs = append(m.msgs, msg)
	m.octets += uint64(len(raw))
	m.notify("MESSAGENEW")
	return msg
}

// remove expunges what match selects and returns it.
func (m *Mailbox) remove(match func(*message) bool) []*message {
	var gone []*message
	keep := make([]*message, 0, len(m.msgs))
	for _, msg := range m.msgs {
		if match(msg) {
			gone = append(gone, msg)
		} else {
			keep = append(keep, msg)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	m.msgs = keep
	for _, msg := range gone {
		m.modSeq++
		msg.gone = true
		m.octets -= uint64(len(msg.raw))
		m.gone = append(m.gone, expungedMessage{msg.uid, m.modSeq})
	}
	m.notify("MESSAGEEXPUNGE")
	return gone
}

func (m *Mailbox) byUID(uid uint32) *message {
	i, ok := slices.BinarySearchFunc(m.msgs, uid, func(msg *message, uid uint32) int {
		return int(int64(msg.uid) - int64(uid))
	})
	if !ok {
		return nil
	}
	return m.msgs[i]
}

// setFlags reports whether the flags have changed. A removed message
// keeps its state.
func (m *Mailbox) setFlags(msg *message, flags []string) bool {
	flags = m.cleanFlags(flags)
	if msg.gone || sameFlags(msg.flags, flags) {
		return false
	}
	msg.flags = flags
	m.modSeq++
	msg.modSeq = m.modSeq
	m.notify("FLAGCHANGE")
	return true
}

// cleanFlags removes duplicates and \Recent, gives system flags their usual
// case and keywords the case of their first use in the mailbox.
func (m *Mailbox) cleanFlags(flags []string) []string {
	out := []string{}
	for _, f := range flags {
		f = m.canonicalFlag(f)
		if f != `\Recent` && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

var systemFlags = []string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`}

func (m *Mailbox) canonicalFlag(f string) string {
	for _, known := range systemFlags {
		if strings.EqualFold(f, known) {
			return known
		}
	}
	if strings.EqualFold(f, `\Recent`) {
		return `\Recent`
	}
	for _, known := range m.keywords {
		if strings.EqualFold(f, known) {
			return known
		}
	}
	m.keywords = append(m.keywords, f)
	return f
}

func sameFlags(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if !slices.Contains(b, f) {
			return false
		}
	}
	return true
}

func hasFlag(flags []string, flag string) bool {
	return slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// notify wakes the sessions that have the mailbox selected, and those with NOTIFY for it.
func (m *Mailbox) notify(event string) {
	m.user.happened(m, event, "")
	for s := range m.sessions {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}
