package imaptest

import (
	"slices"
	"time"

	server "github.com/go-imaplib/imap/internal/imaptest"
)

// Account is a user with mailboxes, on which a test acts as another client would: sessions that have the mailbox selected
// are told. Mailboxes are named as clients name them, in UTF-8; one that does not exist is made.
type Account struct {
	s    *Server
	name string
	user *server.User
}

// mailbox returns a mailbox by the name that clients know.
func (a *Account) mailbox(name string) *server.Mailbox {
	return a.user.Mailbox(a.s.srv.StoreName(name))
}

// Create makes a mailbox, if it is not there, and gives it a special use such as `\Sent`, if use is not empty.
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

// Messages returns what is in a mailbox, by ascending UID: UID, Raw, Flags and Received of each message. It is nil for a
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

// ResetUIDs gives all messages of a mailbox new UIDs and the mailbox another UIDVALIDITY, as a server does that was
// restored from a copy. Connections that have it selected are closed.
func (a *Account) ResetUIDs(mailbox string) { a.mailbox(mailbox).Renumber() }

// SetPassword changes the password, which is also the OAuth token, of the user: the one before is refused from now on, as
// one that was changed or a token that has expired.
func (a *Account) SetPassword(password string) { a.s.srv.SetPassword(a.name, password) }
