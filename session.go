package imap

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/go-imaplib/imap/internal/wire"
)

// ---- what went wrong in connecting

// ServiceError reports that the server on the dialed port speaks a protocol other than the expected one, and how to fix
// that.
type ServiceError struct {
	Service string // "SMTP", "POP3", "HTTP", "SSH"; "IMAP" without TLS where TLS was expected, "TLS" where it was not
	Err     error  // the data received, nil for a server that waits for a TLS handshake
}

// Error names the protocol, the fix, and the data received.
func (e *ServiceError) Error() string {
	s := "imap: the server speaks " + e.Service
	switch e.Service {
	case "IMAP":
		s += " without TLS on this port: use DialStartTLS, or the port for TLS (993)"
	case "TLS":
		s += " on this port: use DialTLS, or the port without TLS (143)"
	default:
		s += " on this port: IMAP has 993 (DialTLS) and 143 (DialStartTLS)"
	}
	if e.Err != nil {
		s += ": " + trimPrefix(e.Err.Error())
	}
	return s
}

// Unwrap returns Err.
func (e *ServiceError) Unwrap() error { return e.Err }

// services are the first bytes of other protocols.
var services = []struct{ prefix, name string }{
	{"* ", "IMAP"}, {"220", "SMTP"}, {"554", "SMTP"}, {"421", "SMTP"}, {"+OK", "POP3"}, {"-ERR", "POP3"}, {"HTTP/", "HTTP"}, {"<", "HTTP"}, {"SSH-", "SSH"},
}

// Err returns why the connection ended, as far as that is known without a command: nil while it is open, ErrClosed after
// Close and Logout, the server's BYE, or an error with its cause for which errors.Is(err, ErrClosed) holds. Nothing is read
// between calls, so a connection that the server has closed meanwhile counts as open until a command such as Noop fails.
func (c *Client) Err() error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if !c.e.conn.IsClosed() {
		return nil
	}
	switch lost := c.e.lost.(type) {
	case nil:
	case *Error:
		return lost
	default:
		if lost != ErrClosed {
			return failed("connection", lost)
		}
	}
	return ErrClosed
}

// Bye returns the BYE, with its text, by which the server ended the connection or answered Logout, or nil if it sent none.
func (c *Client) Bye() *Error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.e.lastBye == nil {
		return nil
	}
	bye := *c.e.lastBye
	return &bye
}

// otherService returns err as a ServiceError if the first bytes of a server belong to a known protocol other than want.
func otherService(head string, want string, err error) error {
	for _, s := range services {
		if strings.HasPrefix(head, s.prefix) && s.name != want {
			return &ServiceError{s.name, err}
		}
	}
	return err
}

// The last text of a server is returned to some caller: a BYE ends the commands in flight with its text, and other text that
// the server sent after its last answer is part of the error that ends the connection.

// hangUp ends the connection for a reason that no call has returned yet. The commands in flight end with it; if their
// callers have returned, the next call returns it. The caller must hold engine.mu.
func (e *engine) hangUp(err error) {
	e.unreported = err
	e.failLocked(err)
}

// clearUnreported records that a call returns the reason for the end of the connection.
func (e *engine) clearUnreported() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unreported = nil
}

// setUnreported undoes clearUnreported if the caller returned before it got a BYE. The caller must hold engine.mu.
func (e *engine) setUnreported(err error) {
	if bye, ok := err.(*Error); ok && bye.Status == "BYE" {
		unnamed := *bye
		unnamed.Command = ""
		e.unreported = &unnamed
	}
}

// takeBye returns the BYE that ended the connection, or nil if it ended for another reason. The caller must return it.
func (e *engine) takeBye() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if bye, ok := e.lost.(*Error); ok {
		e.unreported = nil
		unnamed := *bye
		unnamed.Command = ""
		return &unnamed
	}
	return nil
}

// withLastStatus adds to the error that ends the connection the text that the server sent after its last answer. A line
// outside the grammar counts as the reason if the server closes the connection after it. The caller must hold
// engine.mu.
func (e *engine) withLastStatus(err error) error {
	lost, ok := err.(*wire.LostError)
	if !ok || e.lastStatus == nil {
		return err
	}
	if _, limit := errors.AsType[*LimitError](err); limit {
		return err
	}
	if _, silent := errors.AsType[wire.TimeoutError](err); !silent && e.lastStatus.Status == "BYE" {
		return e.lastStatus
	}
	return &wire.LostError{Cause: &lastStatusError{lost.Cause, e.lastStatus}}
}

// lastStatusError is the end of a connection with the text that the server sent before it.
type lastStatusError struct {
	cause  error
	status *Error
}

func (e *lastStatusError) Error() string {
	return e.cause.Error() + "; the last status of the server: " + trimPrefix(e.status.Error())
}
func (e *lastStatusError) Unwrap() []error { return []error{e.cause, e.status} }

// recordCutLine stores a BYE, NO or BAD in the middle of which the connection ended. The caller must hold engine.mu and the
// read token.
func (e *engine) recordCutLine() {
	line := e.conn.CutLine()
	rest, untagged := bytes.CutPrefix(line, []byte("* "))
	word, text, _ := strings.Cut(string(rest), " ")
	switch word = strings.ToUpper(word); {
	case !untagged:
	case word == "BYE", word == "NO", word == "BAD":
		e.lastStatus = &Error{Status: word, Text: e.masked(text)}
	}
}

// noGreeting returns the error for a server that speaks another protocol, or refuses in an unusual form. No secret was sent
// yet, so its text is not masked. A server that is busy may say so with the code of SMTP (SmarterMail): that is a refusal,
// whichever protocol it would have spoken.
func noGreeting(line []byte) error {
	if bytes.HasPrefix(line, []byte("421 ")) {
		return &Error{Status: "BYE", Text: printable(line)}
	}
	return otherService(string(line), "IMAP", &ProtocolError{Excerpt: printable(line), Reason: "no IMAP greeting"})
}

// maxPrintable bounds the bytes of a line that is not IMAP in an error.
const maxPrintable = 200

// printable returns a line in a printable form of bounded length.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, string(line[:min(len(line), maxPrintable)]))
}

// ---- secrets that a server repeats

// keepSecret masks secrets in the texts of the server until the command is answered, even if its caller has returned by
// then.
func (e *engine) keepSecret(cmd *command, secrets ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= shortSecret && !slices.Contains(cmd.secrets, s) {
			cmd.secrets = append(cmd.secrets, s)
		}
	}
}

// shortSecret is the length of the shortest secret that is masked: a shorter one would mask parts of ordinary words.
const shortSecret = 3

// maxSecrets bounds the secrets of logins that are remembered.
const maxSecrets = 16

// rememberSecrets keeps the secrets of a login with those of earlier ones: a refused password may be that of another user.
func (e *engine) rememberSecrets(secrets []string) {
	all := append(slices.Clone(secrets), e.secrets...)
	e.secrets = longestFirst(all[:min(len(all), maxSecrets)])
}

// longestFirst sorts secrets so that none is masked only in part.
func longestFirst(secrets []string) []string {
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(secrets)
}

// mask hides secrets in the text of a status, and in the arguments of its code in errors.
func (e *engine) mask(s *status) {
	if s.text != "" || s.args != "" {
		s.text, s.shown = e.masked(s.text), e.masked(s.args)
	}
}

// masked returns s without the secrets of logins in progress and of earlier ones. The caller must hold engine.mu.
func (e *engine) masked(s string) string {
	if e.barriers > 0 { // commands with secrets are barriers
		for _, cmd := range e.inflight {
			s = redact(s, cmd.secrets)
		}
	}
	return redact(s, e.secrets)
}

func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		if len(s) >= len(secret) {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	return s
}

// unknown returns the event for a response that is not understood. The caller must hold engine.mu.
func (e *engine) unknown(r *response) Event {
	raw := r.rawFrom(0)
	if shown := e.masked(string(raw)); shown != string(raw) {
		raw = []byte(shown)
	}
	return &UnknownEvent{Raw: raw}
}

// effect is what a command changes in the session if the server accepts it. Until it is answered the state is not known:
// other commands wait for the answer, and State, Caps and Mailbox return only what holds in either case.
type effect uint8

const (
	onUser    effect = 1 << iota // the logged-in user, and with it everything else
	onMailbox                    // the selected mailbox
	onCaps                       // the capabilities
)

// unsettled returns the effects of the unanswered commands. The caller must hold engine.mu.
func (e *engine) unsettled() (all effect) {
	for _, cmd := range e.inflight {
		all |= cmd.changes
	}
	return all
}

// State returns the protocol state. While a command that changes it is unanswered, even if its call was canceled, State
// returns the lower of the two states: NotAuthenticated during LOGIN and UNAUTHENTICATE, Authenticated during SELECT. A
// mailbox that was selected after the call of Select was canceled does not count as selected: commands that need a mailbox
// fail with a StateError until Select is called again.
func (c *Client) State() State {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.e.conn.IsClosed() {
		return LoggedOut
	}
	switch un := c.e.unsettled(); {
	case un&onUser != 0:
		return NotAuthenticated
	case un&onMailbox != 0:
		return min(c.e.state, Authenticated)
	}
	return c.e.state
}

// Caps returns the known capabilities without sending a command. They are empty until the server has sent them, and while a
// command that changes them (LOGIN, AUTHENTICATE, STARTTLS, UNAUTHENTICATE) is unanswered.
func (c *Client) Caps() Caps {
	caps, _ := c.e.lastCaps()
	return caps
}

// lastCaps returns the last capabilities, and reports whether the server sent them and they are still valid.
func (e *engine) lastCaps() (caps Caps, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unsettled()&onCaps != 0 {
		return Caps{}, false
	}
	return e.caps, e.capsKnown
}

// Mailbox returns a copy of the current state of the selected mailbox, which is updated with the server's responses. It
// returns nil if no mailbox is selected, or while a command that selects or closes one is unanswered, even if its call was
// canceled.
func (c *Client) Mailbox() *Mailbox {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.e.conn.IsClosed() || c.e.unsettled()&onMailbox != 0 {
		return nil
	}
	return c.e.mailbox.clone()
}

// open makes m the selected mailbox, nil for none. The caller must hold engine.mu.
func (e *engine) open(m *Mailbox) {
	e.mailbox, e.unclaimed, e.left, e.saveLeft = m, false, pinnedMailbox{}, false
	e.opened++
	e.events.fresh = e.events.gone + len(e.events.list)
	e.leaveNumbers()
	e.state = Authenticated
	if m != nil {
		e.state = Selected
	}
}

// leaveMailbox closes the selected mailbox during a SELECT of another one. The caller must hold engine.mu.
func (e *engine) leaveMailbox() {
	m := e.mailbox
	e.open(nil)
	if m != nil {
		e.left = pinned(m)
	}
}

// setEnabled records that an extension is enabled.
func (e *engine) setEnabled(name string) {
	m := maps.Clone(e.enabled)
	if m == nil {
		m = make(map[string]bool)
	}
	m[name] = true
	e.enabled = m
	e.utf8 = e.utf8 || name == "UTF8=ACCEPT" || name == "IMAP4REV2"
	e.caps = e.usable(e.caps)
}

// openUnclaimed records that the server has selected a mailbox for a call that was given up. Since no command is meant for it,
// it counts as none until another SELECT or until the server closes it. The caller must hold engine.mu.
func (e *engine) openUnclaimed() {
	e.open(nil)
	e.unclaimed = true
}

// aboutMailbox reports whether a response is about the selected mailbox.
func aboutMailbox(name string) bool {
	switch name {
	case "EXISTS", "RECENT", "EXPUNGE", "VANISHED", "FLAGS", "FETCH", "UIDFETCH":
		return true
	}
	return false
}

// ---- the session, for the files of commands

// boxState is what is known of the selected mailbox at one moment.
type boxState struct {
	name        string
	uidValidity uint32
	uidNext     UID
	exists      uint32
	removed     uint64 // messages removed from selected mailboxes since the connection was opened
	opened      uint64 // how often a mailbox was opened or closed
	leaving     bool   // a command that selects or closes a mailbox is unanswered
}

// boxState returns the state of the selected mailbox; selected is false if none exists.
func (e *engine) boxState() (box boxState, selected bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	box.removed, box.opened, box.leaving = e.removed, e.opened, e.unsettled()&onMailbox != 0
	m := e.mailbox
	if m == nil {
		return box, false
	}
	box.name, box.uidValidity, box.uidNext, box.exists = m.Name, m.UIDValidity, m.UIDNext, m.Exists
	return box, true
}

// isFresh reports whether the connection can serve another caller as if it were new: it is open, logged in, and has none of
// the modes that cannot be switched off. answersDue is true while answers are outstanding. users is the number of changes of
// the user.
func (e *engine) isFresh() (fresh, answersDue bool, users int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn.IsClosed() || e.state != Authenticated && e.state != Selected || e.notified || e.enabled["UIDONLY"] {
		return false, false, e.users
	}
	return true, len(e.inflight) > 0 || e.streaming != nil, e.users
}

// The following methods are for answers and the finish of commands: the caller must hold engine.mu.

// currentMailbox returns the selected mailbox, or nil.
func (e *engine) currentMailbox() *Mailbox { return e.mailbox }

// hasMailbox reports whether a mailbox is selected, also if no caller knows of it.
func (e *engine) hasMailbox() bool { return e.mailbox != nil || e.unclaimed }

// isUnclaimed reports whether a mailbox is selected that no caller knows of.
func (e *engine) isUnclaimed() bool { return e.unclaimed }

func (e *engine) isEnabled(name string) bool { return e.enabled[name] }

// setNotify records whether NOTIFY is on, and hasNotify reports it.
func (e *engine) setNotify(on bool) { e.notified = on }
func (e *engine) hasNotify() bool   { return e.notified }

// setNotifyExpunges records whether NOTIFY reports expunged messages of the selected mailbox at once.
func (e *engine) setNotifyExpunges(on bool) { e.expunges = on }

// setNotifySections records whether NOTIFY reports sections of new messages, and notifiesSections reports it.
func (e *engine) setNotifySections(on bool) { e.sections = on }
func (e *engine) notifiesSections() bool    { return e.notified && e.sections }

// anyInFlight reports whether f returns true for one of the commands in flight, the oldest first.
func (e *engine) anyInFlight(f func(*command) bool) bool { return slices.ContainsFunc(e.inflight, f) }

// loggedIn records a login. Unless its answer included the capabilities, they are requested again when they are needed.
func (e *engine) loggedIn(withCaps bool) {
	e.users++
	e.state = Authenticated
	if !withCaps {
		e.caps, e.capsKnown = Caps{}, false
	}
}

// savesResult makes cmd a search whose result becomes "$". If its caller gave it up, it takes "$" for the result of an earlier
// search: so "$" is refused until another search replaces it.
func (e *engine) savesResult(cmd *command) {
	cmd.finish = func(s *status) {
		if s.ok() {
			e.saveLeft = cmd.abandoned
		}
	}
}

// forgetData drops the events and the data for LastData, which belong to the previous user, when another has taken its place.
func (e *engine) forgetData() {
	e.users++
	e.lastData = nil
	e.events.forget()
}

// ---- the selected mailbox

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
	e.caps, e.capsKnown = e.usable(caps), true
}

// usable returns what the connection can use of a list of capabilities.
func (e *engine) usable(caps Caps) Caps {
	caps = caps.without(e.opts.DisabledCaps)
	if e.enabled["IMAP4REV2"] {
		caps = caps.withRev2()
	}
	return caps
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
