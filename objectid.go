package imap

import (
	"context"
	"strings"
)

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
