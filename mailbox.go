package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/ascii"
)

// SelectOptions say how to open a mailbox. nil and the zero value open it for reading and writing.
type SelectOptions struct {
	ReadOnly  bool     // EXAMINE: nothing is changed, not even \Recent and \Seen
	CondStore bool     // ask for mod-sequences (capability CONDSTORE, RFC 7162)
	QResync   *QResync // ask what changed since (capability QRESYNC, RFC 7162); it is enabled if it was not; a server that does not enable it is a CapabilityError
	ObjectID  bool     // ask for Mailbox.MailboxID and Mailbox.AccountID (capability OBJECTID+)
	Annotate  bool     // ask for changed annotations of messages (capability ANNOTATE-EXPERIMENT-1, RFC 5257 section 4.1)
}

// Select opens a mailbox (RFC 9051 section 6.3.2; logged in). Another that was open is closed without expunging, also
// when Select fails with NO. The result is the caller's; Client.Mailbox returns the live state. A mailbox that the
// server opens for reading only has ReadOnly set and is no error. Where QResync brings more changes than
// Options.MaxBuffered, the result comes without them and with a LimitError; the mailbox is selected all the same.
func (c *Client) Select(ctx context.Context, mailbox string, opts *SelectOptions) (*Mailbox, error) {
	mb, _, err := c.selectMailbox(ctx, mailbox, opts)
	return mb, err
}

// selectMailbox is Select, and tells what else the answer said.
func (c *Client) selectMailbox(ctx context.Context, mailbox string, opts *SelectOptions) (*Mailbox, *selecting, error) {
	if opts == nil {
		opts = &SelectOptions{}
	}
	if opts.QResync != nil {
		if err := c.enableQResync(ctx); err != nil {
			c.call.selectNotSent()
			return nil, nil, err
		}
	}
	cmd := &command{name: "SELECT", states: inAuth}
	if opts.ReadOnly {
		cmd.name = "EXAMINE"
	}
	name := cmd.name
	cmd.encode = func(e *encoder) {
		e.sp().mailbox(mailbox)
		opts.encode(e)
	}
	sel := &selecting{
		Mailbox:   Mailbox{Name: c.displayName(mailbox)},
		readOnly:  opts.ReadOnly,
		condStore: opts.CondStore || opts.QResync != nil,
		resync:    opts.QResync != nil,
	}
	c.selection(cmd, sel)
	mb := &sel.Mailbox
	if err := c.run(ctx, cmd); err != nil {
		if cmd.tag == "" {
			c.call.selectNotSent()
		}
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.kept > c.conn.Limits.MaxBuffered {
		mb.Vanished, mb.Changed = nil, nil
		return mb.clone(), sel, failed(name, &LimitError{"MaxBuffered", c.conn.Limits.MaxBuffered})
	}
	if limit, partial := cmd.status.limit(); partial && opts.QResync != nil {
		return mb.clone(), sel, &PartialError{Command: name, Limit: limit.most, UID: limit.uid}
	}
	return mb.clone(), sel, nil
}

// enableQResync switches QRESYNC on where it is not. A server that does not say that it is on does not have it: to use it
// all the same would be an error (RFC 7162 section 3.2.5).
func (c *Client) enableQResync(ctx context.Context) error {
	if c.Enabled("QRESYNC") {
		return nil
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return err
	}
	if !caps.offers("QRESYNC") {
		return unsent("SELECT", &CapabilityError{Name: "QRESYNC"})
	}
	if _, err := c.Enable(ctx, "QRESYNC"); err != nil {
		return err
	}
	if !c.Enabled("QRESYNC") {
		return unsent("SELECT", errQResyncOff)
	}
	return nil
}

// errQResyncOff reports that the server did not do what ENABLE asked for.
var errQResyncOff = fmt.Errorf("ENABLE had no effect: %w", &CapabilityError{Name: "QRESYNC"})

// Examine opens a mailbox for reading only (RFC 9051 section 6.3.3; logged in). It is Select with ReadOnly.
func (c *Client) Examine(ctx context.Context, mailbox string, opts *SelectOptions) (*Mailbox, error) {
	o := SelectOptions{}
	if opts != nil {
		o = *opts
	}
	o.ReadOnly = true
	return c.Select(ctx, mailbox, &o)
}

// encode writes the parameters of SELECT.
func (o *SelectOptions) encode(e *encoder) {
	var params []func()
	add := func(on bool, capability, param string) {
		if on {
			params = append(params, func() { e.need(capability).raw(param) })
		}
	}
	if o.QResync != nil {
		params = append(params, func() { o.QResync.encode(e) })
	}
	add(o.CondStore && o.QResync == nil, "CONDSTORE", "CONDSTORE")
	add(o.Annotate, "ANNOTATE-EXPERIMENT-1", "ANNOTATE")
	add(o.ObjectID, "OBJECTID+", "OBJECTID")
	for i, param := range params {
		e.raw([]string{" (", " "}[min(i, 1)])
		param()
	}
	if len(params) > 0 {
		e.raw(")")
	}
}

// displayName is displayName of a name as it is on the wire now.
func (e *engine) displayName(mailbox string) string {
	if wire, ok := rawMailbox(mailbox); ok && e.isUTF8() {
		return (&parser{utf8: true}).decodeName(wire)
	}
	return displayName(mailbox)
}

// decodeName decodes a mailbox name from the wire: modified UTF-7, or UTF-8 where that is on.
func (p *parser) decodeName(wire string) string {
	if p.utf8 && !ascii.EqualFold(wire, "INBOX") {
		return wire
	}
	return decodeName(wire)
}

// displayName is the name of a mailbox as results have it.
func displayName(mailbox string) string {
	if wire, ok := rawMailbox(mailbox); ok {
		mailbox = decodeName(wire)
	}
	if strings.EqualFold(mailbox, "INBOX") {
		return "INBOX"
	}
	return mailbox
}

// decodeName decodes a mailbox name from the wire. What is no valid modified UTF-7 stays as it is; servers that send
// UTF-8 unasked are taken at their word.
func decodeName(wire string) string {
	if ascii.EqualFold(wire, "INBOX") {
		return "INBOX"
	}
	name, err := DecodeMailboxName(wire)
	if err != nil {
		return wire
	}
	return name
}

// CloseMailbox closes the selected mailbox and removes all messages marked \Deleted in it, without telling which
// (CLOSE, RFC 9051 section 6.4.1; selected). Unselect closes without removing. A server that removed only a part of them
// and reports it (MESSAGELIMIT, RFC 9738) has closed the mailbox all the same: that is a PartialError.
func (c *Client) CloseMailbox(ctx context.Context) error {
	cmd := &command{name: closeName, states: inSelected}
	c.deselection(cmd)
	return c.run(ctx, cmd)
}

// Unselect closes the selected mailbox and removes nothing (UNSELECT, RFC 3691; selected). Without the capability a
// mailbox that does not exist is opened with EXAMINE, which has the same effect.
func (c *Client) Unselect(ctx context.Context) error {
	cmd := &command{name: "UNSELECT", states: inSelected}
	cmd.encode = func(e *encoder) { e.need("UNSELECT") }
	c.deselection(cmd)
	err := c.run(ctx, cmd)
	if _, missing := errors.AsType[*CapabilityError](err); !missing {
		return err
	}
	examine := &command{name: "EXAMINE", states: inSelected}
	examine.encode = func(e *encoder) { e.sp().mailbox(noSuchMailbox) }
	c.selection(examine, &selecting{Mailbox: Mailbox{Name: noSuchMailbox}, readOnly: true})
	switch refusal := c.run(ctx, examine); {
	case isRefusal(refusal):
		return nil
	case refusal != nil:
		return refusal
	}
	return err // there is a mailbox of that name; it is open for reading now
}

// noSuchMailbox is a name that no mailbox has.
const noSuchMailbox = "no-such-mailbox-3b7c1e90"

// isRefusal reports whether err is the server's NO.
func isRefusal(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Status == "NO"
}

// Check asks for a checkpoint of the selected mailbox (CHECK, RFC 3501 section 6.4.1; selected). Where IMAP4rev2 is on,
// which has no CHECK, it sends NOOP, which does what is left of it.
//
// Deprecated: use Noop; IMAP4rev2 has no CHECK.
func (c *Client) Check(ctx context.Context) error {
	name := "CHECK"
	if c.Enabled("IMAP4rev2") {
		name = "NOOP"
	}
	return c.run(ctx, &command{name: name, states: inSelected})
}

// CreateOptions say more of a new mailbox.
type CreateOptions struct {
	SpecialUse []MailboxAttr // what it is for (capability CREATE-SPECIAL-USE, RFC 6154)
}

// Create makes a mailbox (RFC 9051 section 6.3.4; logged in). One that exists is an error, mostly with
// CodeAlreadyExists.
func (c *Client) Create(ctx context.Context, mailbox string, opts *CreateOptions) error {
	return c.run(ctx, createCommand(mailbox, opts))
}

func createCommand(mailbox string, opts *CreateOptions) *command {
	cmd := &command{name: "CREATE", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.sp().mailbox(mailbox)
		if opts == nil || len(opts.SpecialUse) == 0 {
			return
		}
		e.need("CREATE-SPECIAL-USE").raw(" (USE (")
		for i, a := range opts.SpecialUse {
			if i > 0 {
				e.sp()
			}
			e.oneFlag(Flag(a))
		}
		e.raw("))")
	}
	return cmd
}

// Delete removes a mailbox with all its messages (RFC 9051 section 6.3.5; logged in). Unselect it first where it is
// selected: Cyrus ends the connection of those who have it open.
func (c *Client) Delete(ctx context.Context, mailbox string) error {
	return c.mailboxCommand(ctx, "DELETE", mailbox)
}

// Rename gives a mailbox another name; those below it follow (RFC 9051 section 6.3.6; logged in). Renaming INBOX moves
// its messages to a new mailbox.
func (c *Client) Rename(ctx context.Context, from, to string) error {
	return c.mailboxCommand(ctx, "RENAME", from, to)
}

// Subscribe adds a mailbox to the list of subscribed ones (RFC 9051 section 6.3.7; logged in).
func (c *Client) Subscribe(ctx context.Context, mailbox string) error {
	return c.mailboxCommand(ctx, "SUBSCRIBE", mailbox)
}

// Unsubscribe takes a mailbox off the list of subscribed ones (RFC 9051 section 6.3.8; logged in).
func (c *Client) Unsubscribe(ctx context.Context, mailbox string) error {
	return c.mailboxCommand(ctx, "UNSUBSCRIBE", mailbox)
}

// mailboxCommand runs a command whose arguments are mailbox names.
func (c *Client) mailboxCommand(ctx context.Context, name string, mailboxes ...string) error {
	cmd := &command{name: name, states: inAuth}
	cmd.encode = func(e *encoder) {
		for _, m := range mailboxes {
			e.sp().mailbox(m)
		}
	}
	return c.run(ctx, cmd)
}

// Recent returns how many messages of the selected mailbox have \Recent set; it asks with NOOP where the server has not
// sent it: imaplib's recent(). (selected)
//
// Deprecated: use Search with Unseen, or Sync; IMAP4rev2 has no \Recent, and servers answer 0.
func (c *Client) Recent(ctx context.Context) (uint32, error) {
	err := c.run(ctx, &command{name: "NOOP", states: inSelected})
	if bad, ok := errors.AsType[*StateError](err); ok {
		bad.Command = "RECENT"
	}
	if err != nil {
		return 0, err
	}
	if m := c.Mailbox(); m != nil {
		return m.Recent, nil
	}
	return 0, nil
}

// Status asks for numbers of a mailbox without opening it (RFC 9051 section 6.3.11; logged in). Without items it asks
// for messages, next UID, UID validity and unseen ones. It is not meant for the selected mailbox.
func (c *Client) Status(ctx context.Context, mailbox string, items ...StatusItem) (*Status, error) {
	if len(items) == 0 {
		items = []StatusItem{StatusMessages, StatusUIDNext, StatusUIDValidity, StatusUnseen}
	}
	want := c.displayName(mailbox)
	cmd := &command{name: "STATUS", states: inAuth}
	a := &statusAnswer{c: c, cmd: cmd, items: items}
	cmd.answer = a
	cmd.encode = func(e *encoder) {
		e.sp().mailbox(mailbox).sp()
		encodeStatusItems(e, items)
	}
	cmd.mailbox = want
	if err := c.run(ctx, cmd); err != nil {
		return nil, err
	}
	switch {
	case a.st != nil:
		return a.st, nil
	case a.spare != nil:
		return a.spare, nil
	}
	return &Status{Mailbox: want}, nil
}

// statusAnswer is what a STATUS response says of the mailbox of a command.
type statusAnswer struct {
	noData
	c     *Client
	cmd   *command
	items []StatusItem
	st    *Status
	spare *Status // which is news by NOTIFY, or an answer that leaves something out
}

func (a *statusAnswer) data(r *response) claim {
	if r.name != "STATUS" {
		return notMine
	}
	got, err := r.statusData()
	want := a.cmd.mailbox
	if err != nil || a.st != nil && got.Mailbox != want {
		return notMine
	}
	if got.Mailbox != want && (a.c.notified || a.c.othersWant(a.cmd, got.Mailbox)) || a.another(got) {
		return notMine
	}
	if a.c.notified && a.lacks(got) {
		if a.spare == nil || len(got.numbers()) >= len(a.spare.numbers()) {
			a.spare = got
		}
		return notMine
	}
	a.st = got
	return mine
}

// end hands on what came where this command is refused: it was sent for another one, of the same mailbox.
func (a *statusAnswer) end() {
	if a.st == nil || a.cmd.status.ok() {
		return
	}
	for _, cmd := range a.c.inflight {
		if other, ok := cmd.answer.(*statusAnswer); ok && other.st == nil && cmd.mailbox == a.cmd.mailbox && other.asked(a.st) {
			other.st = a.st
			return
		}
	}
}

// dropped takes one STATUS of the mailbox as before.
func (a *statusAnswer) dropped() answer {
	return &statusAnswer{c: a.c, cmd: a.cmd, items: a.items, st: a.st}
}

// another reports whether another STATUS of the same mailbox under way has a better claim: it still waits, and this one
// has its data or did not ask for these items.
func (a *statusAnswer) another(got *Status) bool {
	return slices.ContainsFunc(a.c.inflight, func(cmd *command) bool {
		other, ok := cmd.answer.(*statusAnswer)
		return ok && other != a && other.st == nil && cmd.mailbox == a.cmd.mailbox &&
			(a.st != nil || !a.asked(got) && other.asked(got))
	})
}

// asked reports whether the command asked for all that came.
func (a *statusAnswer) asked(got *Status) bool {
	return !slices.ContainsFunc(got.numbers(), func(item StatusItem) bool { return !slices.Contains(a.items, item) })
}

// lacks reports whether a number that the command asked for did not come.
func (a *statusAnswer) lacks(got *Status) bool {
	came := got.numbers()
	return slices.ContainsFunc(a.items, func(item StatusItem) bool {
		return slices.Contains(statusNumbers, item) && !slices.Contains(came, item)
	})
}

// othersWant reports whether another STATUS under way asks for that very mailbox. Servers may answer with another name
// than was asked for, so a name that was not asked for belongs to the oldest STATUS.
func (c *Client) othersWant(cmd *command, mailbox string) bool {
	for _, other := range c.inflight {
		if other != cmd && other.name == cmd.name && other.mailbox == mailbox {
			return true
		}
	}
	return false
}

func encodeStatusItems(e *encoder, items []StatusItem) {
	e.raw("(")
	for i, item := range items {
		if i > 0 {
			e.sp()
		}
		e.need(e.table.status[item].needs...)
		if item == StatusRecent {
			e.needRev1()
		}
		e.atom("a STATUS item", string(item))
	}
	e.raw(")")
}

// statusData reads a STATUS response. A name that is not quoted may hold spaces (Strato): it ends before the last
// parenthesis.
func (r *response) statusData() (*Status, error) {
	name, err := r.mailboxName()
	if err != nil {
		return nil, err
	}
	r.skipSpaces()
	if r.peek() != '(' {
		i := lastList(r.text) - 1
		if i < r.pos || r.text[i] != ' ' {
			return nil, r.errorf("expected (")
		}
		r.tolerate("mailbox name without quotes")
		name = r.decodeName(string(r.text[r.rest:i]))
		r.pos = i + 1
	}
	st := &Status{Mailbox: name}
	if err := r.enter(); err != nil {
		return nil, err
	}
	for r.skipSpaces(); r.peek() != ')'; r.skipSpaces() {
		if err := r.statusItem(st); err != nil {
			return nil, err
		}
	}
	return st, r.leave()
}

// lastList finds the opening parenthesis of the list with which a text ends, -1 if it ends with none.
func lastList(b []byte) int {
	depth := 0
	for i := len(b) - 1; i >= 0; i-- {
		switch b[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth <= 0 {
				return i
			}
		}
	}
	return -1
}

// statusItem reads one item and its value. A value that is no number of the right size is left out.
func (r *response) statusItem(st *Status) error {
	item := StatusItem(upperName(r.word(), r.names))
	if item == "" {
		return r.errorf("expected a STATUS item")
	}
	r.skipSpaces()
	if entry, ok := r.table.status[item]; ok {
		return entry.parse(&r.parser, st)
	}
	return r.skipValue()
}

// statusNumber is the table entry of an item that is a number.
func statusNumber(field func(*Status) **uint64) statusEntry {
	return statusEntry{parse: func(p *parser, st *Status) error {
		n, ok, err := p.anyNumber()
		if ok {
			*field(st) = &n
		}
		return err
	}}
}

// statusNumber32 is the table entry of an item that is a number of 32 bits.
func statusNumber32(field func(*Status) **uint32) statusEntry {
	return statusEntry{parse: func(p *parser, st *Status) error {
		n, ok, err := p.anyNumber()
		if n32 := uint32(n); ok && n < 1<<32 {
			*field(st) = &n32
		}
		return err
	}}
}

// anyNumber reads a number; ok is false for any other value.
func (p *parser) anyNumber() (n uint64, ok bool, err error) {
	at := p.pos
	if err := p.skipValue(); err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseUint(string(p.text[at:p.pos]), 10, 64)
	if err != nil {
		p.tolerate("STATUS value that is no number")
	}
	return n, err == nil, nil
}

func parseMailboxID(p *parser, st *Status) (err error) {
	st.MailboxID, err = p.objectID()
	return err
}

// statusEvent is the table entry of STATUS.
func statusEvent(e *engine, r *response) (Event, error) {
	st, err := r.statusData()
	if err != nil {
		return nil, err
	}
	return &StatusEvent{st}, nil
}

// mailboxName reads a mailbox name and decodes it.
func (p *parser) mailboxName() (string, error) {
	wire, err := p.astring()
	if err != nil {
		return "", err
	}
	return p.decodeName(wire), nil
}

// NamespaceEntry is the start of the names of one part of the mailboxes, and what parts its levels.
type NamespaceEntry struct {
	Prefix, Delimiter string

	Translation string // Prefix in the language that SetLanguage chose (RFC 5255 section 3.4); "" if not sent
}

// Namespaces are the parts in which a server orders mailboxes: the user's own, those of other users, and shared ones.
type Namespaces struct{ Personal, Other, Shared []NamespaceEntry }

// Namespace asks for the namespaces (RFC 9051 section 6.3.10, RFC 2342; capability NAMESPACE; logged in).
func (c *Client) Namespace(ctx context.Context) (*Namespaces, error) {
	cmd := &command{name: "NAMESPACE", states: inAuth, once: "NAMESPACE"}
	cmd.encode = func(e *encoder) { e.need("NAMESPACE") }
	a, err := gather(ctx, c, cmd, func() *namespaceAnswer { return &namespaceAnswer{ns: &Namespaces{}} })
	if err != nil {
		return nil, err
	}
	return a.ns, a.bad
}

// namespaceAnswer is what a NAMESPACE response says.
type namespaceAnswer struct {
	ns  *Namespaces
	bad error
}

func (a *namespaceAnswer) take(r *response) (claim, error) {
	if r.name != "NAMESPACE" {
		return notMine, nil
	}
	a.ns, a.bad = r.namespaces()
	return mine, nil
}

func (p *parser) namespaces() (*Namespaces, error) {
	ns := &Namespaces{}
	for _, list := range []*[]NamespaceEntry{&ns.Personal, &ns.Other, &ns.Shared} {
		if p.atEnd() {
			break
		}
		if p.isNil() {
			continue
		}
		if err := p.namespaceList(list); err != nil {
			return nil, err
		}
	}
	return ns, nil
}

func (p *parser) namespaceList(list *[]NamespaceEntry) error {
	if err := p.enter(); err != nil {
		return err
	}
	for p.skipSpaces(); p.peek() == '('; p.skipSpaces() {
		entry, err := p.namespace()
		if err != nil {
			return err
		}
		*list = append(*list, entry)
	}
	return p.leave()
}

// namespace reads one entry; what follows the delimiter are extensions.
func (p *parser) namespace() (NamespaceEntry, error) {
	var n NamespaceEntry
	if err := p.enter(); err != nil {
		return n, err
	}
	prefix, err := p.astring()
	if err != nil {
		return n, err
	}
	n.Prefix = p.decodePrefix(prefix)
	p.skipSpaces()
	if p.peek() != ')' {
		var ok bool
		if n.Delimiter, ok, err = p.nstring(); err != nil {
			return n, err
		}
		if ok && n.Delimiter == "" && n.Prefix != "" {
			// Courier: it ends the prefix.
			p.tolerate("namespace with an empty delimiter")
			_, size := utf8.DecodeLastRuneInString(n.Prefix)
			n.Delimiter = n.Prefix[len(n.Prefix)-size:]
		}
	}
	for p.skipSpaces(); p.peek() != ')'; p.skipSpaces() {
		if err := p.namespaceExtension(&n); err != nil {
			return n, err
		}
	}
	return n, p.leave()
}

// namespaceExtension reads a name and a list of values, or what else a server sends there.
func (p *parser) namespaceExtension(n *NamespaceEntry) error {
	at := p.pos
	if c := p.peek(); c == '(' {
		return p.skipValue()
	}
	name, err := p.astring()
	if err != nil {
		return err
	}
	if p.skipSpaces(); !ascii.EqualFold(name, "TRANSLATION") || p.peek() != '(' {
		p.reset(at)
		return p.skipValue()
	}
	if err := p.enter(); err != nil {
		return err
	}
	for ; p.peek() != ')'; p.skipSpaces() {
		text, err := p.astring()
		if err != nil {
			return err
		}
		n.Translation = p.decodePrefix(text)
	}
	return p.leave()
}

// decodePrefix decodes a name that may be only the start of one.
func (p *parser) decodePrefix(wire string) string {
	if p.utf8 {
		return wire
	}
	if name, err := DecodeMailboxName(wire); err == nil {
		return name
	}
	return wire
}

// CreateResult is what a server says of a mailbox that it made.
type CreateResult struct {
	MailboxID string // OBJECTID (RFC 8474); "" if not sent
	AccountID string // OBJECTID+; "" if not sent
}

// CreateMailbox is Create with what the server says of the new mailbox: its identifier, where it has the capability
// OBJECTID or OBJECTID+ (RFC 8474 section 4.1).
func (c *Client) CreateMailbox(ctx context.Context, mailbox string, opts *CreateOptions) (*CreateResult, error) {
	cmd := createCommand(mailbox, opts)
	if err := c.run(ctx, cmd); err != nil {
		return nil, err
	}
	data, _ := readCode(cmd.status.code, cmd.status.args, false)
	id, _ := data.(ObjectIDData)
	return &CreateResult{id.MailboxID, id.AccountID}, nil
}

// EmailID matches the message with that identifier (RFC 8474 section 5.4; capability OBJECTID or OBJECTID+).
func (q Query) EmailID(id string) Query { return q.objectID("EMAILID ", id) }

// ThreadID matches the messages of a thread (RFC 8474 section 5.4; capability OBJECTID or OBJECTID+).
func (q Query) ThreadID(id string) Query { return q.objectID("THREADID ", id) }

func (q Query) objectID(word, id string) Query {
	return q.with(searchKey{encode: func(e *encoder) {
		if !isObjectID(id) {
			e.fail(argError("not an object identifier"))
		}
		e.need("OBJECTID", "OBJECTID+").raw(word + id)
	}})
}

// isObjectID reports whether s has the form of an identifier: 1 to 255 letters, digits, "_" and "-" (RFC 8474 section 7).
func isObjectID(s string) bool {
	if len(s) == 0 || len(s) > 255 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	})
}

// objectIDCode is the table entry of OBJECTID.
func objectIDCode(m *Mailbox, args string) {
	data, _ := readCode(CodeObjectID, args, false)
	d, _ := data.(ObjectIDData)
	if d.MailboxID != "" {
		m.MailboxID = d.MailboxID
	}
	if d.AccountID != "" {
		m.extra = m.extra.put(accountID(d.AccountID))
	}
}

// accountID is the account that a mailbox belongs to.
type accountID string

// AccountID returns the identifier of the account that the mailbox belongs to, "" if the server did not say it
// (OBJECTID+).
func (m *Mailbox) AccountID() string {
	for id := range extras[accountID](m.extra) {
		return string(id)
	}
	return ""
}

// parseObjectIDs reads the OBJECTID of a message.
func parseObjectIDs(p *parser, m *Message) error {
	return p.objectIDs(func(name, id string) {
		switch name {
		case "EMAILID":
			m.EmailID = id
		case "THREADID":
			m.ThreadID = id
		}
	})
}

// parseStatusObjectIDs reads the OBJECTID of a mailbox.
func parseStatusObjectIDs(p *parser, st *Status) error {
	return p.objectIDs(func(name, id string) {
		switch name {
		case "MAILBOXID":
			st.MailboxID = id
		case "ACCOUNTID":
			st.AccountID = id
		}
	})
}
