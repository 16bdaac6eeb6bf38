package imap

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// checkList refuses what the server can do neither in one command nor in several, before anything is sent.
func (c *Client) checkList(caps Caps, o ListOptions) error {
	e := c.looseEncoder()
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

// choose takes the best form of the command that the server has.
func (l *list) choose(caps Caps, o ListOptions) {
	extended := caps.offers("LIST-EXTENDED")
	l.special = caps.offers("SPECIAL-USE")
	switch {
	case o.Subscribed && extended:
		l.selection = append(l.selection, "SUBSCRIBED")
	case o.Subscribed:
		l.name = "LSUB"
	}
	switch {
	case l.name == "LSUB" || !o.SpecialUse:
	case extended && l.special:
		l.selection = append(l.selection, "SPECIAL-USE")
	case !o.Subscribed && !l.special && caps.Has("XLIST"):
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

// patternsOf reports which patterns go into one command. IMAP4rev2 has LIST-EXTENDED, but one pattern only.
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

// encodeReturn writes the return options. With them some servers leave out what is not asked for (Dovecot 2.4).
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

// runAny runs the commands, and where the server does not keep what it promises, others in their place.
func (l *list) runAny(ctx context.Context, c *Client, commands [][]string, o ListOptions) error {
	err := l.runEach(ctx, c, commands)
	all := slices.Concat(commands...)
	switch {
	case l.isMisled(err, all) && !o.RecursiveMatch && !o.Remote:
		*l = list{name: "LIST", reference: l.reference}
		if o.Subscribed {
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

// isMisled reports whether a server refused the extended form that it offers (Proton), or found no INBOX with RETURN,
// which every account has (Strato).
func (l *list) isMisled(err error, patterns []string) bool {
	if !l.extended {
		return false
	}
	if err == nil {
		return len(l.selection) == 0 && len(l.entries) == 0 && l.reference == "" && len(patterns) == 1 && strings.EqualFold(patterns[0], "INBOX")
	}
	e, ok := err.(*Error)
	return ok && e.Status == "BAD"
}

// findDelimiter makes the answer to LIST "" "" of a server that has none, from the mailboxes that there are.
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

// listDetails is what comes for a mailbox in responses of its own.
type listDetails struct {
	status   *Status
	rights   string
	metadata metadata
}

// takeDetails claims what was asked for with the rows. It may come before them, or behind all.
func (l *list) takeDetails(r *response) claim {
	switch {
	case r.name == "STATUS" && len(l.status) > 0:
		st, err := r.statusData()
		if err != nil {
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
			l.c.note("METADATA not understood", err)
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
		d = &listDetails{metadata: metadata{asked: l.metadata, limit: l.c.conn.Limits.MaxLiteral}}
		l.details[name] = d
	}
	set(d)
}

// completeList asks for each mailbox what the server did not say with the rows.
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

// completeEntry asks about one mailbox. What the server refuses to say is not there.
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

// isFatal reports whether an error is more than a refusal.
func isFatal(err error) bool {
	_, refused := errors.AsType[*Error](err)
	return err != nil && (!refused || errors.Is(err, ErrClosed))
}

// markSubscribed sets AttrSubscribed where LSUB says so. A row of LSUB with \Noselect is a parent only.
func (c *Client) markSubscribed(ctx context.Context, l *list, patterns []string) error {
	if l.name == "LSUB" {
		for i := range l.entries {
			l.entries[i].subscribe()
		}
		return nil
	}
	for _, pattern := range patterns {
		subscribed := list{name: "LSUB", reference: l.reference, patterns: []string{pattern}}
		if err := subscribed.run(ctx, c); err != nil {
			return err
		}
		for i := range l.entries {
			if s := subscribed.rows.find(l.entries[i].Raw); s != nil && !s.Has(AttrNoSelect) {
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

// listExtended reads the extended data behind a name: CHILDINFO and OLDNAME. Other data, and what is malformed, is left
// out.
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

// childInfo reads a list of selection options.
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
			return r.errorf("more options than there are")
		}
		entry.ChildInfo = append(entry.ChildInfo, strings.ToUpper(option))
		r.skipSpaces()
	}
	return r.leave()
}

// maxChildInfo bounds the options of a mailbox.
const maxChildInfo = 16

// oldName reads a name in parentheses.
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
