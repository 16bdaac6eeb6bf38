package imaptest

import (
	"slices"
	"time"

	server "github.com/go-imaplib/imap/internal/imaptest"
)

// Account is a user with mailboxes, on which a test acts like another client: sessions that have the mailbox selected are
// notified. Mailbox names are those that clients use, in UTF-8; a mailbox that does not exist is created.
type Account struct {
	s    *Server
	name string
	user *server.User
}

// mailbox returns a mailbox by the name that clients use.
func (a *Account) mailbox(name string) *server.Mailbox {
	return a.user.Mailbox(a.s.srv.StoreName(name))
}

// Create creates a mailbox, unless it exists, and gives it a special use such as `\Sent`, if use is not empty.
func (a *Account) Create(mailbox, use string) {
	a.mailbox(mailbox)
	if use != "" {
		a.user.SetSpecialUse(a.s.srv.StoreName(mailbox), use)
	}
}

// Mailboxes returns the names of all mailboxes, sorted.
func (a *Account) Mailboxes() []string {
	names := a.user.Names()
	for i, name := range names {
		names[i] = a.s.srv.WireName(name)
	}
	slices.Sort(names)
	return names
}

// Deliver adds a message and returns its UID.
func (a *Account) Deliver(mailbox string, m Message) (uid uint32) {
	received := m.Received
	if received.IsZero() {
		received = time.Now()
	}
	return a.mailbox(mailbox).Append(m.bytes(received), m.Flags, received)
}

// SetFlags replaces the flags of a message.
func (a *Account) SetFlags(mailbox string, uid uint32, flags ...string) {
	if !a.has(mailbox, uid) {
		a.s.failf("imaptest: SetFlags: no message %d in %s", uid, mailbox)
		return
	}
	a.mailbox(mailbox).SetFlags(uid, flags...)
}

// Expunge removes messages for good.
func (a *Account) Expunge(mailbox string, uids ...uint32) {
	for _, uid := range uids {
		if !a.has(mailbox, uid) {
			a.s.failf("imaptest: Expunge: no message %d in %s", uid, mailbox)
		}
	}
	a.mailbox(mailbox).Expunge(uids...)
}

func (a *Account) has(mailbox string, uid uint32) bool {
	return slices.ContainsFunc(a.Messages(mailbox), func(m Message) bool { return m.UID == uid })
}

// Messages returns the messages of a mailbox by ascending UID, with UID, Raw, Flags and Received set. It returns nil for a
// mailbox that does not exist.
func (a *Account) Messages(mailbox string) []Message {
	box := a.user.Lookup(a.s.srv.StoreName(mailbox))
	if box == nil {
		return nil
	}
	var list []Message
	for _, m := range box.Messages() {
		list = append(list, Message{UID: m.UID, Raw: m.Raw, Flags: m.Flags, Received: m.Date})
	}
	return list
}

// ResetUIDs gives all messages of a mailbox new UIDs and the mailbox another UIDVALIDITY, like a server that was restored
// from a backup. Connections that have it selected are closed.
func (a *Account) ResetUIDs(mailbox string) { a.mailbox(mailbox).Renumber() }

// SetPassword changes the password of the user, which is also the OAuth token: the previous one is refused from now on, like
// a changed password or an expired token.
func (a *Account) SetPassword(password string) { a.s.srv.SetPassword(a.name, password) }
