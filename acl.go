package imap

import (
	"context"
	"strings"
)

// ACLEntry holds the rights of a user or group on a mailbox (RFC 4314). An identifier is a user name or "anyone"; with a
// leading "-" the rights are denied. Each letter of Rights is a right: l lookup, r read, s keep seen, w write flags, i
// insert, p post, k create below, x delete mailbox, t delete messages, e expunge, a administer, n annotate. Servers older
// than RFC 4314, and others for compatibility, use c and d for k, x, t and e together. The capability RIGHTS= lists further
// rights of a server.
type ACLEntry struct{ Identifier, Rights string }

// GetACL returns the access control list of a mailbox (GETACL, RFC 4314 section 3.3; capability ACL; logged in). It requires
// the right to administer the mailbox.
func (c *Client) GetACL(ctx context.Context, mailbox string) ([]ACLEntry, error) {
	a, err := c.gatherACL(ctx, aclCommand("GETACL", mailbox), mailbox, "")
	if err != nil {
		return nil, err
	}
	return a.entries, nil
}

// gatherACL runs a command about the rights on a mailbox. For LISTRIGHTS they are those of an identifier.
func (c *Client) gatherACL(ctx context.Context, cmd *command, mailbox, identifier string) (*aclAnswer, error) {
	cmd.mailbox = aclKey(c.e.displayName(mailbox), identifier)
	return gather(ctx, c, cmd, func() *aclAnswer { return &aclAnswer{c: c, cmd: cmd} })
}

// aclKey identifies what a command or response is about.
func aclKey(mailbox, identifier string) string {
	if identifier == "" {
		return mailbox
	}
	return mailbox + "\x00" + identifier
}

// aclAnswer collects the responses to GETACL, LISTRIGHTS or MYRIGHTS.
type aclAnswer struct {
	c        *Client
	cmd      *command
	entries  []ACLEntry
	required string
	optional []string
	rights   string
}

func (a *aclAnswer) take(r *response) (_ claim, err error) {
	if r.name != a.cmd.once || a.isForAnother(r) {
		return notMine, nil
	}
	switch r.name {
	case "ACL":
		a.entries, err = r.aclEntries(a.entries)
	case "LISTRIGHTS":
		a.required, a.optional, err = r.listRights()
	case "MYRIGHTS":
		_, a.rights, err = r.myRights()
	}
	return mine, err
}

// isForAnother reports whether a response is about what another command in progress asked for: servers may answer commands in
// another order. A name that no command has belongs to the oldest one.
func (a *aclAnswer) isForAnother(r *response) bool {
	about, err := r.mailboxName()
	if r.name == "LISTRIGHTS" && err == nil {
		var identifier string
		r.skipSpaces()
		identifier, err = r.astring()
		about = aclKey(about, identifier)
	}
	r.rewind()
	return err == nil && about != a.cmd.mailbox && a.c.othersWant(a.cmd, about)
}

// SetACL sets the rights of an identifier on a mailbox (SETACL, RFC 4314 section 3.1; capability ACL; logged in). Rights
// with a leading + or - are added or removed, others replace the previous ones; "" removes all.
func (c *Client) SetACL(ctx context.Context, mailbox, identifier, rights string) error {
	return c.run(ctx, aclCommand("SETACL", mailbox, identifier, rights))
}

// DeleteACL removes the entry of an identifier (DELETEACL, RFC 4314 section 3.2; capability ACL; logged in).
func (c *Client) DeleteACL(ctx context.Context, mailbox, identifier string) error {
	return c.run(ctx, aclCommand("DELETEACL", mailbox, identifier))
}

// ListRights returns which rights can be granted to an identifier (LISTRIGHTS, RFC 4314 section 3.4; capability ACL;
// logged in): those that it always has, and optional ones; the letters of one optional string are granted together.
func (c *Client) ListRights(ctx context.Context, mailbox, identifier string) (required string, optional []string, err error) {
	a, err := c.gatherACL(ctx, aclCommand("LISTRIGHTS", mailbox, identifier), mailbox, identifier)
	if err != nil {
		return "", nil, err
	}
	return a.required, a.optional, nil
}

// MyRights returns the rights of the user on a mailbox (MYRIGHTS, RFC 4314 section 3.5; capability ACL; logged in).
func (c *Client) MyRights(ctx context.Context, mailbox string) (string, error) {
	a, err := c.gatherACL(ctx, aclCommand("MYRIGHTS", mailbox), mailbox, "")
	if err != nil {
		return "", err
	}
	return a.rights, nil
}

// aclCommand returns a command with a mailbox name, followed by identifiers and rights.
func aclCommand(name, mailbox string, args ...string) *command {
	return &command{name: name, states: inAuth, once: strings.TrimPrefix(name, "GET"), encode: func(e *encoder) {
		e.need("ACL").sp().mailbox(mailbox)
		for _, a := range args {
			e.sp().astring(a)
		}
	}}
}

// aclEntries parses an ACL response: the mailbox, then pairs.
func (r *response) aclEntries(entries []ACLEntry) ([]ACLEntry, error) {
	if _, err := r.mailboxName(); err != nil {
		return entries, err
	}
	for !r.atEnd() {
		id, err := r.astring()
		if err != nil {
			return entries, err
		}
		if len(entries) >= maxListed {
			return entries, r.errorf("too many entries")
		}
		rights := ""
		if !r.atEnd() {
			if rights, err = r.astring(); err != nil {
				return entries, err
			}
		}
		entries = append(entries, ACLEntry{id, rights})
	}
	return entries, nil
}

// listRights parses a LISTRIGHTS response: the mailbox, the identifier, the required and the optional rights.
func (r *response) listRights() (required string, optional []string, err error) {
	if _, err = r.mailboxName(); err != nil {
		return "", nil, err
	}
	r.skipSpaces()
	if _, err = r.astring(); err != nil || r.atEnd() {
		return "", nil, err
	}
	if required, err = r.astring(); err != nil {
		return "", nil, err
	}
	for !r.atEnd() {
		right, err := r.astring()
		if err != nil {
			return required, optional, err
		}
		if len(optional) >= maxListed {
			return required, optional, r.errorf("too many rights")
		}
		optional = append(optional, right)
	}
	return required, optional, nil
}

// myRights parses a MYRIGHTS response. If nothing follows the name, the user has no rights.
func (r *response) myRights() (mailbox, rights string, err error) {
	if mailbox, err = r.mailboxName(); err != nil || r.atEnd() {
		return mailbox, "", err
	}
	rights, err = r.astring()
	return mailbox, rights, err
}

// Rights is a set of rights on a mailbox, one letter each, as in the results of GetACL, MyRights and ListRights (RFC 4314
// section 2.1).
type Rights string

// Has reports whether r includes all of the given rights.
func (r Rights) Has(rights Rights) bool {
	return !strings.ContainsFunc(string(rights), func(c rune) bool { return !strings.ContainsRune(string(r), c) })
}
