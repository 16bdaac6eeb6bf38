package imap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
)

// pattern writes a mailbox name with wildcards. An empty pattern is sent quoted.
func (e *encoder) pattern(s string) *encoder {
	if s == "*" || s == "%" {
		return e.raw(s)
	}
	return e.anyMailbox(s)
}

// ListOptions restricts a List and requests more data. If the server cannot do it in one command, several are sent, as long
// as the result is the same; RecursiveMatch and Remote need LIST-EXTENDED (RFC 5258).
type ListOptions struct {
	Subscribed     bool     // only subscribed ones (LIST-EXTENDED, else LSUB, which lists their parents too)
	SpecialUse     bool     // only those with a special use (SPECIAL-USE, else XLIST)
	Remote         bool     // also those of other servers
	RecursiveMatch bool     // with Subscribed or SpecialUse: also the parents of matching mailboxes, see ListEntry.ChildInfo
	Patterns       []string // more patterns (LIST-EXTENDED, else one LIST each)

	ReturnSubscribed bool         // set AttrSubscribed (LIST-EXTENDED, else LSUB)
	ReturnStatus     []StatusItem // numbers of each mailbox (LIST-STATUS, else one STATUS each)
	ReturnMyRights   bool         // the user's rights on each (LIST-MYRIGHTS, RFC 8440, else one MYRIGHTS each)
	ReturnMetadata   []string     // entries of each (LIST-METADATA, RFC 9590, else one GETMETADATA each)
}

// ListEntry is one mailbox.
type ListEntry struct {
	Name      string // decoded; as sent if it is not valid modified UTF-7
	Raw       string // exactly as sent
	Delimiter string // "" for NIL: no levels
	Attrs     []MailboxAttr
	Status    *Status           // with ReturnStatus; nil for a mailbox that cannot be selected
	MyRights  string            // with ReturnMyRights
	Metadata  map[string][]byte // with ReturnMetadata; nil values as in GetMetadata
	ChildInfo []string          // with RecursiveMatch: the criteria ("SUBSCRIBED") that match mailboxes below it
	OldName   string            // the former name of the mailbox, if the server sent it (RFC 5465, RFC 9051)
}

// Has reports whether the mailbox has the attribute, ignoring case.
func (e *ListEntry) Has(attr MailboxAttr) bool {
	return slices.ContainsFunc(e.Attrs, func(a MailboxAttr) bool { return strings.EqualFold(string(a), string(attr)) })
}

// MailboxAttr is an attribute of a mailbox: a property or a special use (RFC 9051 section 7.3.1, RFC 6154).
type MailboxAttr string

// Common mailbox attributes. The library returns them in this spelling.
const (
	AttrNoSelect      MailboxAttr = `\Noselect`
	AttrNonExistent   MailboxAttr = `\NonExistent`
	AttrNoInferiors   MailboxAttr = `\Noinferiors`
	AttrHasChildren   MailboxAttr = `\HasChildren`
	AttrHasNoChildren MailboxAttr = `\HasNoChildren`
	AttrMarked        MailboxAttr = `\Marked`
	AttrUnmarked      MailboxAttr = `\Unmarked`
	AttrSubscribed    MailboxAttr = `\Subscribed`
	AttrRemote        MailboxAttr = `\Remote`
	AttrAll           MailboxAttr = `\All`
	AttrArchive       MailboxAttr = `\Archive`
	AttrDrafts        MailboxAttr = `\Drafts`
	AttrFlagged       MailboxAttr = `\Flagged`
	AttrJunk          MailboxAttr = `\Junk`
	AttrSent          MailboxAttr = `\Sent`
	AttrTrash         MailboxAttr = `\Trash`
	AttrImportant     MailboxAttr = `\Important` // RFC 8457
	AttrNoAccess      MailboxAttr = `\NoAccess`  // the user lost the right to see the mailbox (RFC 5465)
	AttrMemos         MailboxAttr = `\Memos`     // RFC 9979
	AttrScheduled     MailboxAttr = `\Scheduled` // RFC 9979
	AttrSnoozed       MailboxAttr = `\Snoozed`   // RFC 9979
)

// knownAttrs maps attributes to their usual spelling, and names of XLIST to attributes.
var knownAttrs = func() lookup[MailboxAttr] {
	m := map[string]MailboxAttr{`\SPAM`: AttrJunk, `\STARRED`: AttrFlagged, `\ALLMAIL`: AttrAll, `\INBOX`: attrInbox}
	for _, a := range []MailboxAttr{AttrNoSelect, AttrNonExistent, AttrNoInferiors, AttrHasChildren, AttrHasNoChildren, AttrMarked,
		AttrUnmarked, AttrSubscribed, AttrRemote, AttrAll, AttrArchive, AttrDrafts, AttrFlagged, AttrJunk, AttrSent, AttrTrash, AttrImportant,
		AttrNoAccess, AttrMemos, AttrScheduled, AttrSnoozed} {
		m[strings.ToUpper(string(a))], m[string(a)] = a, a
	}
	return makeLookup(m)
}()

// attrInbox marks the INBOX in XLIST responses, whatever its name.
const attrInbox MailboxAttr = `\Inbox`

// specialUses are the attributes for special uses.
var specialUses = []MailboxAttr{AttrAll, AttrArchive, AttrDrafts, AttrFlagged, AttrJunk, AttrSent, AttrTrash, AttrImportant,
	AttrMemos, AttrScheduled, AttrSnoozed}

// List lists mailboxes: reference "" with pattern "*" lists all, "%" matches one level (LIST, RFC 9051 section 6.3.9; logged
// in). A mailbox that the server lists twice is in the result once.
func (c *Client) List(ctx context.Context, reference, pattern string, opts *ListOptions) ([]ListEntry, error) {
	o := ListOptions{}
	if opts != nil {
		o = *opts
	}
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkList(caps, o); err != nil {
		return nil, unsent("LIST", err)
	}
	l := &list{name: "LIST", reference: reference}
	l.choose(caps, o)
	all := append([]string{pattern}, o.Patterns...)
	if err := l.runAny(ctx, c, patternsOf(caps, l.name, all), o); err != nil {
		return nil, err
	}
	if o.SpecialUse {
		l.entries = slices.DeleteFunc(l.entries, func(e ListEntry) bool { return !slices.ContainsFunc(specialUses, e.Has) && e.ChildInfo == nil })
	}
	if o.Subscribed && l.name != "LSUB" && !slices.Contains(l.selection, "SUBSCRIBED") {
		if err := c.markSubscribed(ctx, l, all); err != nil {
			return nil, err
		}
		l.entries = slices.DeleteFunc(l.entries, func(e ListEntry) bool { return !e.Has(AttrSubscribed) })
		l.subscribed = true
	}
	return l.entries, c.completeList(ctx, l, all, o)
}

// Lsub lists subscribed mailboxes in the old way (LSUB, RFC 3501 section 6.3.9; logged in). A parent that is not itself
// subscribed has \Noselect. If IMAP4rev2 is enabled, Lsub is List with ListOptions.Subscribed.
//
// Deprecated: use List with ListOptions.Subscribed; IMAP4rev2 has no LSUB.
func (c *Client) Lsub(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	if c.Enabled("IMAP4rev2") {
		return c.List(ctx, reference, pattern, &ListOptions{Subscribed: true})
	}
	l := &list{name: "LSUB", reference: reference, patterns: []string{pattern}}
	err := l.run(ctx, c)
	return l.entries, err
}

// list is a LIST, LSUB or XLIST in progress, and its answer.
type list struct {
	noData
	c          *Client
	cmd        *command
	name       string
	selection  []string     // LIST-EXTENDED: selection options
	extended   bool         // LIST-EXTENDED: return options are sent
	special    bool         // with RETURN SPECIAL-USE
	subscribed bool         // with RETURN SUBSCRIBED
	status     []StatusItem // LIST-STATUS
	rights     bool         // LIST-MYRIGHTS
	metadata   []string     // LIST-METADATA
	reference  string
	patterns   []string
	rows       *mailboxRows            // nil: rows are not kept
	entries    []ListEntry             // made from rows when the commands have ended
	details    map[string]*listDetails // by name
}

func (l *list) run(ctx context.Context, c *Client) error {
	l.c = c
	l.cmd = &command{name: l.name, states: inAuth, rows: l.name, weight: listCost, traits: traits{lines: true}, encode: l.encode, answer: l}
	// The details are also the answers to STATUS, MYRIGHTS and GETMETADATA, for any mailbox.
	l.cmd.exclusive = len(l.status) > 0 || l.rights || len(l.metadata) > 0
	if l.rows == nil {
		l.rows = newMailboxRows()
	}
	if err := c.run(ctx, l.cmd); err != nil {
		return err
	}
	l.entries = l.rows.entries()
	if len(l.details) == 0 {
		return nil
	}
	for i := range l.entries {
		if d := l.details[l.entries[i].Name]; d != nil {
			e := &l.entries[i]
			e.Status, e.MyRights, e.Metadata = d.status, d.rights, d.metadata.Entries
		}
	}
	return nil
}

// dropped returns an answer that claims the same responses, but keeps nothing.
func (l *list) dropped() answer {
	return &list{c: l.c, name: l.name, selection: l.selection, status: l.status, rights: l.rights, metadata: l.metadata}
}

// data claims the rows. XLIST may be answered with LIST.
func (l *list) data(r *response) claim {
	if r.name == l.name || r.name == answeredAs[l.name] || r.name == "LSUB" && slices.Contains(l.selection, "SUBSCRIBED") {
		return l.takeRow(r)
	}
	return l.takeDetails(r)
}

// answeredAs maps commands to an alternative name of their responses.
var answeredAs = map[string]string{"XLIST": "LIST", "RLIST": "LIST", "RLSUB": "LSUB"}

// takeRow claims a row that can be parsed. It is an event too if NOTIFY may have caused it, which is not certain.
func (l *list) takeRow(r *response) claim {
	if l.rows == nil {
		entry, err := r.listEntry()
		if err != nil {
			return notMine
		}
		l.report(&entry)
		return mine
	}
	entry := l.rows.next()
	if err := l.rows.read(r, entry); err != nil {
		return notMine
	}
	l.trimName(r, entry)
	row := l.rows.add(entry)
	l.cmd.weight = l.rows.weight()
	if !l.report(entry) {
		l.rows.learnHead(r.text, row)
	}
	return mine
}

// report makes an event of a row that looks like those that NOTIFY sends for mailboxes that were renamed or removed (RFC 5465
// section 5.4), and reports whether it did.
func (l *list) report(entry *ListEntry) bool {
	if !l.c.e.hasNotify() || entry.OldName == "" && !slices.Contains(entry.Attrs, AttrNonExistent) {
		return false
	}
	ev := &ListEvent{*entry}
	ev.Entry.Attrs = slices.Clone(entry.Attrs)
	l.c.e.queueEvent(ev)
	return true
}

// trimName removes a delimiter that a server puts before a name, unless the caller requested names that begin with it.
func (l *list) trimName(r *response, entry *ListEntry) {
	d := entry.Delimiter
	asked := func(pattern string) bool { return strings.HasPrefix(l.reference+pattern, d) }
	if d == "" || len(entry.Name) <= len(d) || !strings.HasPrefix(entry.Name, d) || slices.ContainsFunc(l.patterns, asked) {
		return
	}
	r.tolerate("delimiter before a mailbox name")
	entry.Name = entry.Name[len(d):]
}

// listEvent is the table entry of LIST.
func listEvent(e *engine, r *response) (Event, error) {
	entry, err := r.listEntry()
	if err != nil {
		return nil, err
	}
	return &ListEvent{entry}, nil
}

// ListEvent reports that a mailbox was created, renamed or changed (NOTIFY, RFC 5465).
type ListEvent struct{ Entry ListEntry }

func (ev *ListEvent) size() int {
	entry := &ev.Entry
	n := eventSize + 2*len(entry.Raw) + len(entry.Name) + len(entry.OldName) + len(entry.MyRights) + entry.Status.size()
	for _, a := range entry.Attrs {
		n += sliceCost + len(a)
	}
	for _, s := range entry.ChildInfo {
		n += sliceCost + len(s)
	}
	for name, value := range entry.Metadata {
		n += 2*sliceCost + len(name) + len(value)
	}
	return n
}

// SpecialUse returns the mailboxes for \Sent, \Trash and the other special uses (logged in). Each is found by its attribute
// (RFC 6154, or XLIST), or, if no mailbox has that, by a well-known name of a mailbox without another use, the one nearest to
// the top if there are several. The map has no entry for a use that no mailbox has.
func (c *Client) SpecialUse(ctx context.Context) (map[MailboxAttr]string, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	l := &list{name: "LIST"}
	l.choose(caps, ListOptions{SpecialUse: true})
	selected := len(l.selection) > 0
	if err := l.runAny(ctx, c, [][]string{{"*"}}, ListOptions{SpecialUse: true}); err != nil {
		return nil, err
	}
	uses := make(map[MailboxAttr]string)
	usesByAttr(uses, l.entries)
	if selected && !slices.ContainsFunc(namedUses, func(use MailboxAttr) bool { return uses[use] == "" }) {
		return uses, nil
	}
	if selected || len(uses) == 0 && l.name == "XLIST" { // mailboxes without a use were not listed, or XLIST lists nothing
		if l.entries, err = c.List(ctx, "", "*", nil); err != nil {
			return nil, err
		}
	}
	usesByName(uses, l.entries)
	return uses, nil
}

// usesByAttr adds the mailboxes that have the attribute of a use.
func usesByAttr(uses map[MailboxAttr]string, entries []ListEntry) {
	for _, e := range entries {
		for _, use := range specialUses {
			if _, taken := uses[use]; !taken && e.Has(use) {
				uses[use] = e.Name
			}
		}
	}
}

// usesByName adds the mailboxes with a well-known name for a use that no other mailbox has. Of several it takes the one nearest
// to the top: Clients/Sent is a folder of the user.
func usesByName(uses map[MailboxAttr]string, entries []ListEntry) {
	used := make(map[string]bool)
	for _, name := range uses {
		used[name] = true
	}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b ListEntry) int { return cmp.Compare(a.depth(), b.depth()) })
	for _, e := range entries {
		use, ok := wellKnownName(e)
		if _, taken := uses[use]; ok && !taken && !used[e.Name] && !e.Has(AttrNoSelect) {
			uses[use] = e.Name
		}
	}
}

// depth returns the number of mailboxes above the mailbox.
func (e *ListEntry) depth() int {
	if e.Delimiter == "" {
		return 0
	}
	return strings.Count(e.Name, e.Delimiter)
}

// namedUses are the uses for which there are well-known names.
var namedUses = []MailboxAttr{AttrSent, AttrDrafts, AttrTrash, AttrJunk, AttrArchive}

// wellKnownNames are the names that mail programs give to mailboxes.
var wellKnownNames = map[string]MailboxAttr{
	"sent": AttrSent, "sent items": AttrSent, "sent messages": AttrSent, "sent mail": AttrSent, "sent-mail": AttrSent,
	"gesendet": AttrSent, "gesendete elemente": AttrSent, "gesendete objekte": AttrSent, "envoyés": AttrSent,
	"éléments envoyés": AttrSent, "messages envoyés": AttrSent, "enviados": AttrSent, "elementos enviados": AttrSent,
	"posta inviata": AttrSent, "inviata": AttrSent, "verzonden": AttrSent, "отправленные": AttrSent, "已发送": AttrSent,
	"verzonden items": AttrSent, "itens enviados": AttrSent, "skickat": AttrSent, "wysłane": AttrSent, "elementy wysłane": AttrSent, "送信済み": AttrSent,
	"送信済みアイテム": AttrSent, "寄件備份": AttrSent, "보낸편지함": AttrSent,
	"drafts": AttrDrafts, "draft": AttrDrafts, "entwürfe": AttrDrafts, "brouillons": AttrDrafts, "borradores": AttrDrafts,
	"bozze": AttrDrafts, "concepten": AttrDrafts, "черновики": AttrDrafts, "草稿箱": AttrDrafts, "rascunhos": AttrDrafts,
	"utkast": AttrDrafts, "szkice": AttrDrafts, "下書き": AttrDrafts, "草稿": AttrDrafts,
	"trash": AttrTrash, "deleted items": AttrTrash, "deleted messages": AttrTrash, "deleted": AttrTrash, "bin": AttrTrash,
	"papierkorb": AttrTrash, "gelöschte elemente": AttrTrash, "gelöscht": AttrTrash, "corbeille": AttrTrash,
	"éléments supprimés": AttrTrash, "papelera": AttrTrash, "cestino": AttrTrash, "prullenbak": AttrTrash,
	"удаленные": AttrTrash, "корзина": AttrTrash, "已删除": AttrTrash, "lixeira": AttrTrash,
	"verwijderde items": AttrTrash, "kosz": AttrTrash, "elementy usunięte": AttrTrash, "papperskorgen": AttrTrash, "ゴミ箱": AttrTrash, "垃圾桶": AttrTrash,
	"junk": AttrJunk, "spam": AttrJunk, "junk e-mail": AttrJunk, "junk email": AttrJunk, "bulk mail": AttrJunk,
	"spamverdacht": AttrJunk, "courrier indésirable": AttrJunk, "correo no deseado": AttrJunk, "спам": AttrJunk,
	"垃圾邮件": AttrJunk, "posta indesiderata": AttrJunk, "ongewenste e-mail": AttrJunk,
	"archive": AttrArchive, "archives": AttrArchive, "archiv": AttrArchive, "archivo": AttrArchive, "archivio": AttrArchive,
}

// wellKnownName returns the use of a mailbox according to the last part of its name.
func wellKnownName(e ListEntry) (MailboxAttr, bool) {
	name := e.Name
	if e.Delimiter != "" {
		name = name[strings.LastIndex(name, e.Delimiter)+1:]
	}
	use, ok := wellKnownNames[strings.ToLower(strings.TrimSpace(name))]
	return use, ok
}

// checkList fails, before anything is sent, for options that the server supports neither in one command nor in several.
func (c *Client) checkList(caps Caps, o ListOptions) error {
	e := c.e.looseEncoder()
	if o.Remote || o.RecursiveMatch {
		e.need("LIST-EXTENDED")
	}
	if o.RecursiveMatch && !o.Subscribed && !o.SpecialUse {
		e.fail(argError("RecursiveMatch without Subscribed or SpecialUse"))
	}
	if len(o.ReturnStatus) > 0 {
		encodeStatusItems(&e, o.ReturnStatus)
	}
	if o.ReturnMyRights {
		e.need("LIST-MYRIGHTS", "ACL")
	}
	if len(o.ReturnMetadata) > 0 {
		e.need("LIST-METADATA", "METADATA").entryNames(o.ReturnMetadata)
	}
	return e.err
}

// choose selects the best form of the command that the server supports.
func (l *list) choose(caps Caps, o ListOptions) {
	extended := caps.offers("LIST-EXTENDED")
	l.special = caps.offers("SPECIAL-USE")
	switch {
	case o.Subscribed && extended:
		l.selection = append(l.selection, "SUBSCRIBED")
	case o.Subscribed && !o.SpecialUse: // LSUB tells no special use
		l.name = "LSUB"
	}
	switch {
	case l.name == "LSUB" || !o.SpecialUse:
	case extended && l.special:
		l.selection = append(l.selection, "SPECIAL-USE")
	case len(l.selection) == 0 && !l.special && caps.Has("XLIST"):
		l.name = "XLIST"
	}
	if l.name != "LIST" {
		return
	}
	if o.Remote {
		l.selection = append(l.selection, "REMOTE")
	}
	if o.RecursiveMatch {
		l.selection = append(l.selection, "RECURSIVEMATCH")
	}
	l.subscribed = extended && (o.ReturnSubscribed || o.Subscribed)
	if caps.offers("LIST-STATUS") {
		l.status = o.ReturnStatus
	}
	l.rights = o.ReturnMyRights && caps.offers("LIST-MYRIGHTS")
	if caps.offers("LIST-METADATA") {
		l.metadata = o.ReturnMetadata
	}
	l.extended = len(l.selection) > 0 || l.subscribed || len(l.status) > 0 || l.rights || len(l.metadata) > 0
}

// patternsOf distributes patterns to commands. IMAP4rev2 includes LIST-EXTENDED, but with only one pattern per command.
func patternsOf(caps Caps, name string, all []string) [][]string {
	if name == "LIST" && caps.Has("LIST-EXTENDED") {
		return [][]string{all}
	}
	return slices.Collect(slices.Chunk(all, 1))
}

func (l *list) encode(e *encoder) {
	if len(l.selection) > 0 {
		e.raw(" (" + strings.Join(l.selection, " ") + ")")
	}
	e.sp().anyMailbox(l.reference).sp()
	if len(l.patterns) == 1 {
		e.pattern(l.patterns[0])
	} else {
		for i, p := range l.patterns {
			e.raw([]string{"(", " "}[min(i, 1)]).pattern(p)
		}
		e.raw(")")
	}
	if l.extended {
		l.encodeReturn(e)
	}
}

// encodeReturn writes the return options. With them some servers omit everything that is not requested (Dovecot 2.4).
func (l *list) encodeReturn(e *encoder) {
	e.raw(" RETURN (CHILDREN")
	if l.subscribed {
		e.raw(" SUBSCRIBED")
	}
	if l.special {
		e.raw(" SPECIAL-USE")
	}
	if len(l.status) > 0 {
		e.raw(" STATUS ")
		encodeStatusItems(e, l.status)
	}
	if l.rights {
		e.raw(" MYRIGHTS")
	}
	if len(l.metadata) > 0 {
		e.raw(" METADATA ").entryNames(l.metadata)
	}
	e.raw(")")
}

// runAny runs the commands, and others instead if the server does not support a form that it announces.
func (l *list) runAny(ctx context.Context, c *Client, commands [][]string, o ListOptions) error {
	err := l.runEach(ctx, c, commands)
	all := slices.Concat(commands...)
	switch {
	case l.needsBasicForm(err, all) && !o.RecursiveMatch && !o.Remote:
		*l = list{name: "LIST", reference: l.reference}
		if o.Subscribed && !o.SpecialUse {
			l.name = "LSUB"
		}
		return l.runEach(ctx, c, slices.Collect(slices.Chunk(all, 1)))
	case err == nil && l.name == "LIST" && l.reference == "" && len(l.entries) == 0 && slices.Equal(all, []string{""}):
		return l.findDelimiter(ctx, c)
	}
	return err
}

func (l *list) runEach(ctx context.Context, c *Client, commands [][]string) error {
	for _, patterns := range commands {
		l.patterns = patterns
		if err := l.run(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// needsBasicForm reports whether a server refused the extended form that it announces (Proton), or found no INBOX with RETURN,
// although every account has one (Strato).
func (l *list) needsBasicForm(err error, patterns []string) bool {
	if !l.extended {
		return false
	}
	if err == nil {
		return len(l.selection) == 0 && len(l.entries) == 0 && l.reference == "" && len(patterns) == 1 && strings.EqualFold(patterns[0], "INBOX")
	}
	e, ok := err.(*Error)
	return ok && e.Status == "BAD"
}

// findDelimiter makes up the missing answer to LIST "" "" from the existing mailboxes.
func (l *list) findDelimiter(ctx context.Context, c *Client) error {
	all := list{name: "LIST", patterns: []string{"*"}}
	if err := all.run(ctx, c); err != nil {
		return err
	}
	for _, e := range all.entries {
		if e.Delimiter != "" {
			l.entries = []ListEntry{{Delimiter: e.Delimiter, Attrs: []MailboxAttr{AttrNoSelect}}}
			break
		}
	}
	return nil
}

// listDetails is the data of a mailbox that comes in separate responses.
type listDetails struct {
	status   *Status
	rights   string
	metadata metadata
}

// takeDetails claims the separate responses that were requested. They may come before the rows, or after all of them.
func (l *list) takeDetails(r *response) claim {
	switch {
	case r.name == "STATUS" && len(l.status) > 0:
		st, err := r.statusData()
		if err != nil || l.c.e.hasNotify() && st.lacks(l.status) {
			return notMine
		}
		l.keep(st.Mailbox, func(d *listDetails) { d.status = st })
	case r.name == "MYRIGHTS" && l.rights:
		name, rights, err := r.myRights()
		if err != nil {
			return notMine
		}
		l.keep(name, func(d *listDetails) { d.rights = rights })
	case r.name == "METADATA" && len(l.metadata) > 0:
		return l.takeMetadata(r)
	default:
		return notMine
	}
	return mine
}

func (l *list) takeMetadata(r *response) claim {
	name, err := r.mailboxName()
	if err != nil {
		return notMine
	}
	if r.skipSpaces(); r.peek() != '(' {
		return notMine
	}
	l.keep(name, func(d *listDetails) {
		if err := d.metadata.takeEntries(r); err != nil {
			l.c.e.note("METADATA not understood", err)
		}
	})
	return mine
}

func (l *list) keep(name string, set func(*listDetails)) {
	if l.rows == nil {
		return
	}
	d := l.details[name]
	if d == nil {
		if l.details == nil {
			l.details = make(map[string]*listDetails)
		}
		d = &listDetails{metadata: metadata{asked: l.metadata, limit: l.c.e.conn.Limits.MaxLiteral}}
		l.details[name] = d
	}
	set(d)
}

// completeList requests, for each mailbox, the data that did not come with the rows.
func (c *Client) completeList(ctx context.Context, l *list, patterns []string, o ListOptions) error {
	if o.ReturnSubscribed && !l.subscribed {
		if err := c.markSubscribed(ctx, l, patterns); err != nil {
			return err
		}
	}
	if len(o.ReturnStatus) == 0 && !o.ReturnMyRights && len(o.ReturnMetadata) == 0 {
		return nil
	}
	for i := range l.entries {
		if err := c.completeEntry(ctx, l, &l.entries[i], o); err != nil {
			return err
		}
	}
	return nil
}

// completeEntry requests missing data of one mailbox. Data that the server refuses, or that cannot be parsed (UnknownEvent), is
// left out.
func (c *Client) completeEntry(ctx context.Context, l *list, e *ListEntry, o ListOptions) (err error) {
	name := RawMailbox(e.Raw)
	if len(o.ReturnStatus) > 0 && len(l.status) == 0 && !e.Has(AttrNoSelect) {
		if e.Status, err = c.Status(ctx, name, o.ReturnStatus...); isFatal(err) {
			return err
		}
	}
	if o.ReturnMyRights && !l.rights && !e.Has(AttrNonExistent) {
		if e.MyRights, err = c.MyRights(ctx, name); isFatal(err) {
			return err
		}
	}
	if len(o.ReturnMetadata) > 0 && len(l.metadata) == 0 && !e.Has(AttrNonExistent) {
		if e.Metadata, err = c.GetMetadata(ctx, name, o.ReturnMetadata...); isFatal(err) {
			return err
		}
	}
	return nil
}

// isFatal reports whether err is an error other than a refusal.
func isFatal(err error) bool {
	_, refused := errors.AsType[*Error](err)
	_, unread := errors.AsType[*ProtocolError](err)
	return err != nil && (!refused && !unread || errors.Is(err, ErrClosed))
}

// markSubscribed sets AttrSubscribed for the mailboxes in the answer to LSUB. A row with \Noselect is only a parent, which LSUB
// with the wildcard % lists (RFC 3501 section 6.3.9).
func (c *Client) markSubscribed(ctx context.Context, l *list, patterns []string) error {
	if l.name == "LSUB" {
		parents := slices.ContainsFunc(patterns, func(p string) bool { return strings.Contains(p, "%") })
		for i := range l.entries {
			if e := &l.entries[i]; !parents || !e.Has(AttrNoSelect) {
				e.subscribe()
			}
		}
		return nil
	}
	for _, pattern := range patterns {
		subscribed := list{name: "LSUB", reference: l.reference, patterns: []string{pattern}}
		if err := subscribed.run(ctx, c); err != nil {
			return err
		}
		names := make(map[string]bool, len(subscribed.entries))
		for _, s := range subscribed.entries {
			if !s.Has(AttrNoSelect) {
				names[s.Name] = true
			}
		}
		for i := range l.entries {
			if names[l.entries[i].Name] {
				l.entries[i].subscribe()
			}
		}
	}
	return nil
}

// subscribe adds AttrSubscribed.
func (e *ListEntry) subscribe() {
	if !e.Has(AttrSubscribed) {
		e.Attrs = append(e.Attrs, AttrSubscribed)
	}
}

// listExtended parses the extended data after a name: CHILDINFO and OLDNAME. Other and malformed data is ignored.
func (r *response) listExtended(entry *ListEntry) {
	if r.enter() != nil {
		return
	}
	for r.skipSpaces(); r.peek() != ')'; r.skipSpaces() {
		tag, err := r.astring()
		if err != nil {
			return
		}
		r.skipSpaces()
		switch strings.ToUpper(tag) {
		case "CHILDINFO":
			err = r.childInfo(entry)
		case "OLDNAME":
			err = r.oldName(entry)
		default:
			err = r.skipValue()
		}
		if err != nil {
			return
		}
	}
}

// childInfo parses a list of selection options.
func (r *response) childInfo(entry *ListEntry) error {
	if err := r.enter(); err != nil {
		return err
	}
	for r.peek() != ')' {
		option, err := r.astring()
		if err != nil {
			return err
		}
		if len(entry.ChildInfo) >= maxChildInfo {
			return r.errorf("too many options")
		}
		entry.ChildInfo = append(entry.ChildInfo, strings.ToUpper(option))
		r.skipSpaces()
	}
	return r.leave()
}

// maxChildInfo bounds the options of a mailbox.
const maxChildInfo = 16

// oldName parses a name in parentheses.
func (r *response) oldName(entry *ListEntry) error {
	if err := r.enter(); err != nil {
		return err
	}
	name, err := r.mailboxName()
	if err != nil {
		return err
	}
	entry.OldName = name
	return r.leave()
}

// RemoteList is like List, but includes mailboxes on other servers (RLIST, RFC 2193 section 5.1; capability
// MAILBOX-REFERRALS; logged in). Selecting one of those fails with CodeReferral, whose ReferralData has its location. The
// library does not follow referrals automatically.
func (c *Client) RemoteList(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLIST", reference, pattern)
}

// RemoteLsub is like Lsub, but includes mailboxes on other servers (RLSUB, RFC 2193 section 5.2; capability
// MAILBOX-REFERRALS; logged in).
func (c *Client) RemoteLsub(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLSUB", reference, pattern)
}

func (c *Client) remoteList(ctx context.Context, name, reference, pattern string) ([]ListEntry, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	if !caps.offers("MAILBOX-REFERRALS") {
		return nil, unsent(name, &CapabilityError{Name: "MAILBOX-REFERRALS"})
	}
	l := &list{name: name, reference: reference, patterns: []string{pattern}}
	err = l.run(ctx, c)
	return l.entries, err
}
