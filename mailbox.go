package imap

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-imaplib/imap/internal/ascii"
)

// SelectOptions configures Select. nil and the zero value open the mailbox for reading and writing.
type SelectOptions struct {
	ReadOnly  bool     // use EXAMINE: nothing is changed, not even \Recent and \Seen
	CondStore bool     // request mod-sequences (capability CONDSTORE, RFC 7162)
	QResync   *QResync // request changes since an earlier state (capability QRESYNC, RFC 7162); enables QRESYNC, or fails with a CapabilityError
	ObjectID  bool     // request Mailbox.MailboxID and Mailbox.AccountID (capability OBJECTID+)
	Annotate  bool     // request changed annotations of messages (capability ANNOTATE-EXPERIMENT-1, RFC 5257 section 4.1)
}

// Select opens a mailbox (RFC 9051 section 6.3.2; logged in). A mailbox that was open before is closed without expunging,
// even if Select fails with NO. The caller owns the result; Client.Mailbox returns the current state. If the server opens
// the mailbox read-only, ReadOnly is set in the result, without an error. If QResync brings more changes than
// Options.MaxBuffered, the result comes without them and with a LimitError; if a change cannot be parsed, the result has the
// others and comes with a ProtocolError. The mailbox is selected nevertheless, but HighestModSeq must not be stored.
func (c *Client) Select(ctx context.Context, mailbox string, opts *SelectOptions) (*Mailbox, error) {
	mb, _, err := c.selectMailbox(ctx, mailbox, opts)
	return mb, err
}

// selectMailbox implements Select, and also returns further data of the answer.
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
		Mailbox:   Mailbox{Name: c.e.displayName(mailbox)},
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
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if cmd.memory.selection > c.e.conn.Limits.MaxBuffered {
		mb.Vanished, mb.Changed = nil, nil
		return mb.clone(), sel, failed(name, &LimitError{"MaxBuffered", c.e.conn.Limits.MaxBuffered})
	}
	if limit, partial := cmd.status.limit(); partial && opts.QResync != nil {
		return mb.clone(), sel, &PartialError{Command: name, Limit: limit.most, UID: limit.uid}
	}
	if sel.bad != nil && opts.QResync != nil {
		return mb.clone(), sel, failed(name, sel.bad)
	}
	return mb.clone(), sel, nil
}

// enableQResync enables QRESYNC unless it is enabled. It fails if the server does not confirm it: using QRESYNC would then
// be an error (RFC 7162 section 3.2.5).
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

// errQResyncOff reports that ENABLE did not enable QRESYNC.
var errQResyncOff = fmt.Errorf("ENABLE had no effect: %w", &CapabilityError{Name: "QRESYNC"})

// Examine opens a mailbox read-only (RFC 9051 section 6.3.3; logged in). It is equivalent to Select with ReadOnly.
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

// displayName returns the name in results for a mailbox name of the caller, in the current encoding of the wire.
func (e *engine) displayName(mailbox string) string {
	if wire, ok := rawMailbox(mailbox); ok && e.isUTF8() {
		return (&parser{utf8: true}).decodeName(wire)
	}
	return displayName(mailbox)
}

// decodeName decodes a mailbox name from the wire: modified UTF-7, or UTF-8 if that is enabled.
func (p *parser) decodeName(wire string) string {
	if p.utf8 && !ascii.EqualFold(wire, "INBOX") {
		return wire
	}
	return decodeName(wire)
}

// displayName returns the name of a mailbox in the form used in results.
func displayName(mailbox string) string {
	if wire, ok := rawMailbox(mailbox); ok {
		mailbox = decodeName(wire)
	}
	if strings.EqualFold(mailbox, "INBOX") {
		return "INBOX"
	}
	return mailbox
}

// decodeName decodes a mailbox name from the wire. A name that is not valid modified UTF-7 is returned unchanged, since some
// servers send UTF-8 without being asked.
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

// CloseMailbox closes the selected mailbox and removes all messages marked \Deleted in it, without reporting which
// (CLOSE, RFC 9051 section 6.4.1; selected). Unselect closes without removing. If the server reports that it removed only a
// part of them (MESSAGELIMIT, RFC 9738), the error is a PartialError, and the mailbox is closed nevertheless.
func (c *Client) CloseMailbox(ctx context.Context) error {
	cmd := &command{name: closeName, states: inSelected}
	c.deselection(cmd)
	return c.run(ctx, cmd)
}

// Unselect closes the selected mailbox without removing messages (UNSELECT, RFC 3691; selected). Without the capability it
// sends EXAMINE for a mailbox that does not exist, which has the same effect.
func (c *Client) Unselect(ctx context.Context) error {
	c = c.pin()
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
	return err // the mailbox exists after all, and is open read-only now
}

// noSuchMailbox is a name that no mailbox should have.
const noSuchMailbox = "no-such-mailbox-3b7c1e90"

// isRefusal reports whether err is the server's NO.
func isRefusal(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Status == "NO"
}

// Check requests a checkpoint of the selected mailbox (CHECK, RFC 3501 section 6.4.1; selected). If IMAP4rev2 is enabled,
// which has no CHECK, it sends NOOP instead.
//
// Deprecated: use Noop; IMAP4rev2 has no CHECK.
func (c *Client) Check(ctx context.Context) error {
	name := "CHECK"
	if c.Enabled("IMAP4rev2") {
		name = "NOOP"
	}
	return c.run(ctx, &command{name: name, states: inSelected})
}

// CreateOptions describes a new mailbox.
type CreateOptions struct {
	SpecialUse []MailboxAttr // what it is for (capability CREATE-SPECIAL-USE, RFC 6154)
}

// Create creates a mailbox (RFC 9051 section 6.3.4; logged in). If the mailbox already exists, the error usually has
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

// Delete removes a mailbox with all its messages (RFC 9051 section 6.3.5; logged in). A selected mailbox should be closed
// first: Cyrus ends the connections that have the mailbox open.
func (c *Client) Delete(ctx context.Context, mailbox string) error {
	return c.mailboxCommand(ctx, "DELETE", mailbox)
}

// Rename renames a mailbox and the mailboxes below it (RFC 9051 section 6.3.6; logged in). Renaming INBOX moves its messages
// to a new mailbox.
func (c *Client) Rename(ctx context.Context, from, to string) error {
	return c.mailboxCommand(ctx, "RENAME", from, to)
}

// Subscribe adds a mailbox to the subscribed mailboxes (RFC 9051 section 6.3.7; logged in).
func (c *Client) Subscribe(ctx context.Context, mailbox string) error {
	return c.mailboxCommand(ctx, "SUBSCRIBE", mailbox)
}

// Unsubscribe removes a mailbox from the subscribed mailboxes (RFC 9051 section 6.3.8; logged in).
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

// Recent returns the number of messages with \Recent in the selected mailbox; if the server has not sent it, it sends NOOP
// first (selected). It is imaplib's recent().
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

// Status returns numbers of a mailbox without opening it (RFC 9051 section 6.3.11; logged in). Without items it requests
// StatusMessages, StatusUIDNext, StatusUIDValidity and StatusUnseen. It should not be used for the selected mailbox.
func (c *Client) Status(ctx context.Context, mailbox string, items ...StatusItem) (*Status, error) {
	a := c.newStatus(mailbox, items)
	return a.result(c.run(ctx, a.cmd))
}

// Status queues a STATUS, as Go does with Client.Status. An error is also among those of Wait.
func (p *Pipeline) Status(ctx context.Context, mailbox string, items ...StatusItem) *Pending[*Status] {
	r := &Pending[*Status]{}
	a := p.view.newStatus(mailbox, items)
	end := func(err error) error {
		st, err := a.result(err)
		r.end(st, err)
		return err
	}
	if !p.queue(ctx, a.cmd, end) {
		p.Go(func(c *Client) error { return end(c.run(ctx, a.cmd)) })
	}
	return r
}

func (c *Client) newStatus(mailbox string, items []StatusItem) *statusAnswer {
	if len(items) == 0 {
		items = []StatusItem{StatusMessages, StatusUIDNext, StatusUIDValidity, StatusUnseen}
	}
	cmd := &command{name: "STATUS", states: inAuth}
	a := &statusAnswer{c: c, cmd: cmd, items: items}
	cmd.answer = a
	cmd.encode = func(e *encoder) {
		e.sp().mailbox(mailbox).sp()
		encodeStatusItems(e, items)
	}
	cmd.mailbox = c.e.displayName(mailbox)
	return a
}

// result is what the command gives that ended with err.
func (a *statusAnswer) result(err error) (*Status, error) {
	switch {
	case err != nil:
		return nil, err
	case a.st != nil:
		return a.st, nil
	case a.spare != nil:
		return a.spare, nil
	case a.bad != nil:
		return nil, failed(a.cmd.name, a.bad) // the numbers were sent, and are not known
	}
	return &Status{Mailbox: a.cmd.mailbox}, nil
}

// statusAnswer is the answer to STATUS.
type statusAnswer struct {
	noData
	c     *Client
	cmd   *command
	items []StatusItem
	st    *Status
	bad   error   // of the first response that cannot be parsed
	spare *Status // a response that may be unsolicited (NOTIFY), or an incomplete answer
}

func (a *statusAnswer) data(r *response) claim {
	if r.name != "STATUS" {
		return notMine
	}
	got, err := r.statusData()
	want := a.cmd.mailbox
	if err != nil {
		a.bad = cmp.Or(a.bad, err)
	}
	if err != nil || a.st != nil && got.Mailbox != want {
		return notMine
	}
	if got.Mailbox != want && (a.c.e.hasNotify() || a.c.othersWant(a.cmd, got.Mailbox)) || a.another(got) {
		return notMine
	}
	if a.c.e.hasNotify() && got.lacks(a.items) {
		if a.spare == nil || len(got.numbers()) >= len(a.spare.numbers()) {
			a.spare = got
		}
		return notMine
	}
	a.st = got
	return mine
}

// end handles a response that came although the command is refused: it belongs to another command for the same mailbox.
func (a *statusAnswer) end() {
	if a.st == nil || a.cmd.status.ok() {
		return
	}
	a.c.e.anyInFlight(func(cmd *command) bool {
		other, ok := cmd.answer.(*statusAnswer)
		if ok = ok && other.st == nil && cmd.mailbox == a.cmd.mailbox && other.asked(a.st); ok {
			other.st = a.st
		}
		return ok
	})
}

// dropped returns an answer that still claims one STATUS response of the mailbox.
func (a *statusAnswer) dropped() answer {
	return &statusAnswer{c: a.c, cmd: a.cmd, items: a.items, st: a.st}
}

// another reports whether another STATUS in progress for the same mailbox has a better claim: it still waits, and this one
// has its data or did not request these items.
func (a *statusAnswer) another(got *Status) bool {
	return a.c.e.anyInFlight(func(cmd *command) bool {
		other, ok := cmd.answer.(*statusAnswer)
		return ok && other != a && other.st == nil && cmd.mailbox == a.cmd.mailbox &&
			(a.st != nil || !a.asked(got) && other.asked(got))
	})
}

// asked reports whether the command requested all items of got.
func (a *statusAnswer) asked(got *Status) bool {
	return !slices.ContainsFunc(got.numbers(), func(item StatusItem) bool { return !slices.Contains(a.items, item) })
}

// lacks reports whether st lacks a number among the items. Then it is not the answer to a command that requested them.
func (st *Status) lacks(items []StatusItem) bool {
	came := st.numbers()
	return slices.ContainsFunc(items, func(item StatusItem) bool {
		return slices.Contains(statusNumbers, item) && !slices.Contains(came, item)
	})
}

// othersWant reports whether another STATUS in progress is for exactly that mailbox. Servers may answer with a name other
// than the requested one, so a name that no command has belongs to the oldest STATUS.
func (c *Client) othersWant(cmd *command, mailbox string) bool {
	return c.e.anyInFlight(func(other *command) bool {
		return other != cmd && other.name == cmd.name && other.mailbox == mailbox
	})
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

// statusData parses a STATUS response. An unquoted name may contain blanks (Strato) and parentheses (Office 365): it ends before
// the list that ends the response.
func (r *response) statusData() (*Status, error) {
	r.skipSpaces()
	atom := isAtomChar(r.peek())
	name, err := r.statusName()
	if err != nil {
		return nil, err
	}
	r.skipSpaces()
	if before := r.peek() != '('; before || atom && !r.endsName(true) {
		if i := r.listAtEnd(r.pos, (*parser).skipList); i >= 0 {
			r.tolerate("mailbox name without quotes")
			name = r.decodeName(string(r.text[r.rest : i-1]))
			r.pos = i
		} else if before {
			return nil, r.errorf("expected (")
		}
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

func (r *response) statusName() (string, error) {
	if r.peek() != '"' {
		return r.mailboxName()
	}
	name, err := r.quotedName()
	if err != nil {
		return "", err
	}
	return r.decodeName(string(name)), nil
}

// statusItem parses one item and its value. A value that is not a number of the right size is ignored.
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

// statusNumber returns the table entry of an item that is a number.
func statusNumber(field func(*Status) **uint64) statusEntry {
	return statusEntry{parse: func(p *parser, st *Status) error {
		n, ok, err := p.anyNumber()
		if ok {
			*field(st) = &n
		}
		return err
	}}
}

// statusNumber32 returns the table entry of an item that is a number of 32 bits.
func statusNumber32(field func(*Status) **uint32) statusEntry {
	return statusEntry{parse: func(p *parser, st *Status) error {
		n, ok, err := p.anyNumber()
		if n32 := uint32(n); ok && n < 1<<32 {
			*field(st) = &n32
		}
		return err
	}}
}

// anyNumber parses a number; ok is false for any other value.
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

// mailboxName parses a mailbox name and decodes it.
func (p *parser) mailboxName() (string, error) {
	wire, err := p.astring()
	if err != nil {
		return "", err
	}
	return p.decodeName(wire), nil
}

// quotedName parses a quoted mailbox name after which only a list can follow. Some servers escape nothing in it (GreenMail,
// QQ): if the string does not end where the name has to end, the name is all that is between the first quote and the last one
// before the list, as in "a" b" or "a\".
func (p *parser) quotedName() ([]byte, error) {
	start := p.pos
	name, _, err := p.quoted()
	if err == nil && p.endsName(bytes.IndexByte(name, '"') >= 0) {
		return name, nil
	}
	text := p.text
	if i := p.listAtEnd(start, (*parser).skipList); i >= 0 {
		text = text[:i]
	}
	text = bytes.TrimRight(text, " ")
	if last := len(text) - 1; last > start && text[last] == '"' && len(p.lits) == 0 {
		p.tolerate("mailbox name without escapes")
		p.pos = last + 1
		return text[start+1 : last], nil
	}
	return name, err
}

// endsName reports whether a quoted mailbox name can end here: before a list, or at the end. If the name contains a quote,
// that may have been its end, and so the list has to be complete.
func (p *parser) endsName(quote bool) bool {
	end := p.pos
	defer func() { p.reset(end) }()
	if p.atEnd() {
		return true
	}
	return p.peek() == '(' && (!quote || p.skipList() && p.atEnd())
}

// skipList skips a list, and reports whether it is complete.
func (p *parser) skipList() bool { return p.skipValue() == nil }

// listAtEnd returns the position of the list that ends the text, behind a name from a position on that may have parentheses too, or
// -1 if none exists. It is the first opening parenthesis from which skip, which skips a list and reports whether it is
// valid, reaches the end: strings in the list may have any parentheses.
func (p *parser) listAtEnd(from int, skip func(*parser) bool) int {
	defer func(pos int, deviations *[]string) {
		p.reset(pos)
		p.deviations = deviations
	}(p.pos, p.deviations)
	p.deviations = nil // those of failed attempts are none
	for range maxBrackets {
		i := bytes.Index(p.text[from:], []byte(" ("))
		if i < 0 {
			break
		}
		from += i + 1
		if p.reset(from); skip(p) && p.atEnd() {
			return from
		}
	}
	return -1
}

// maxBrackets bounds how many texts in parentheses are tried, each of which may extend to the end of the line.
const maxBrackets = 16

// NamespaceEntry is a namespace: the prefix of its mailbox names, and their hierarchy delimiter.
type NamespaceEntry struct {
	Prefix, Delimiter string

	Translation string // Prefix in the language that SetLanguage chose (RFC 5255 section 3.4); "" if not sent
}

// Namespaces holds the namespaces of a server: for the user's own mailboxes, those of other users, and shared ones.
type Namespaces struct{ Personal, Other, Shared []NamespaceEntry }

// Namespace returns the namespaces (RFC 9051 section 6.3.10, RFC 2342; capability NAMESPACE; logged in).
func (c *Client) Namespace(ctx context.Context) (*Namespaces, error) {
	cmd := &command{name: "NAMESPACE", states: inAuth, once: "NAMESPACE"}
	cmd.encode = func(e *encoder) { e.need("NAMESPACE") }
	a, err := gather(ctx, c, cmd, func() *namespaceAnswer { return &namespaceAnswer{ns: &Namespaces{}} })
	if err != nil {
		return nil, err
	}
	return a.ns, a.bad
}

// namespaceAnswer is the answer to NAMESPACE.
type namespaceAnswer struct {
	ns  *Namespaces
	bad error
}

func (a *namespaceAnswer) take(r *response) (claim, error) {
	if r.name != "NAMESPACE" {
		return notMine, nil
	}
	r.plainBackslash = r.hasLoneBackslash()
	a.ns, a.bad = r.namespaces()
	r.plainBackslash = false
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

// namespace parses one entry; extensions follow the delimiter.
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
			// Courier: the prefix ends with the delimiter.
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

// namespaceExtension parses a name and a list of values, or other data that a server sends there.
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

// decodePrefix decodes a mailbox name, or the beginning of one.
func (p *parser) decodePrefix(wire string) string {
	if p.utf8 {
		return wire
	}
	if name, err := DecodeMailboxName(wire); err == nil {
		return name
	}
	return wire
}
