package imap

import (
	"context"
	"strings"
)

// CreateResult is the server's data about a new mailbox.
type CreateResult struct {
	MailboxID string // OBJECTID (RFC 8474); "" if not sent
	AccountID string // OBJECTID+; "" if not sent
}

// CreateMailbox is like Create, but also returns the identifier of the new mailbox, if the server has the capability
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

// EmailID matches the message with the given identifier (RFC 8474 section 5.4; capability OBJECTID or OBJECTID+).
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

// accountID is the identifier of the account that a mailbox belongs to.
type accountID string

// AccountID returns the identifier of the account that the mailbox belongs to, or "" if the server did not send it
// (OBJECTID+).
func (m *Mailbox) AccountID() string {
	for id := range extras[accountID](m.extra) {
		return string(id)
	}
	return ""
}

// parseObjectIDs parses the OBJECTID of a message.
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

// parseStatusObjectIDs parses the OBJECTID of a mailbox.
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
