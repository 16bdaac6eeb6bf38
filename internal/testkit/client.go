package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// EventsOf takes n events from an iterator and leaves the loop.
func EventsOf(seq func(func(imap.Event, error) bool), n int) (any, error) {
	var events []imap.Event
	for ev, err := range seq {
		if err != nil {
			return events, err
		}
		if events = append(events, ev); len(events) == n {
			break
		}
	}
	return events, nil
}

// Context returns a context that ends long after any test should have ended.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var ErrGone = errors.New("the caller went away")

// OneEvent returns one event from Idle.
func OneEvent(ctx context.Context, c *imap.Client, opts *imap.IdleOptions) (imap.Event, error) {
	for ev, err := range c.Idle(ctx, opts) {
		return ev, err
	}
	return nil, nil
}

func Ptr[T any](v T) *T { return &v }

// Filled returns a client of the in-memory server with a mailbox of n messages selected.
func Filled(t *testing.T, n int) (*imap.Client, *imaptest.Mailbox) {
	t.Helper()
	srv := imaptest.New(t, &imaptest.Options{PreAuth: "user", GreetingCaps: true})
	box := srv.User("user").Mailbox("INBOX")
	for i := range n {
		box.Append(fmt.Appendf(nil, "Subject: message %d\r\nFrom: a@example.org\r\n\r\nbody %d\r\n", i+1, i+1), nil, time.Now())
	}
	srv.User("user").Mailbox("other")
	c, err := imap.NewClient(t.Context(), srv.Dial(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	return c, box
}

// Expect returns err, or an error if the condition does not hold.
func Expect(err error, ok bool, format string, args ...any) error {
	if err == nil && !ok {
		err = fmt.Errorf("not the answer: "+format, args...)
	}
	return err
}

func StreamTwo(ctx context.Context, c *imap.Client) error {
	n := 0
	for m, err := range c.FetchStream(ctx, imap.UIDRange(1, 2), imap.Section{}) {
		if err != nil {
			return err
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return err
			}
			text, err := io.ReadAll(b)
			if n++; err != nil || !strings.Contains(string(text), fmt.Sprintf("body %d\r\n", m.UID)) {
				return fmt.Errorf("body of %d: %q %v", m.UID, text, err)
			}
		}
	}
	return Expect(nil, n == 2, "%d bodies", n)
}

func Drain[T any](seq func(func(T, error) bool)) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// EventKinds returns the types of the events of a client, and removes the events.
func EventKinds(c *imap.Client) []string {
	var names []string
	for _, ev := range c.Events() {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", ev), "*imap."))
	}
	return names
}

func ErrOf[T any](_ T, err error) error { return err }

// SparseUIDs returns a set that needs more than one command.
func SparseUIDs() imap.UIDSet {
	var uids []imap.UID
	for uid := imap.UID(1000001); len(uids) < 2500; uid += 2 {
		uids = append(uids, uid)
	}
	return imap.UIDs(uids...)
}

// ThreadText formats threads in wire syntax, with 0 for a missing parent.
func ThreadText[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString("(")
		for ; ; n = n.Children[0] {
			fmt.Fprint(&b, n.Num)
			if len(n.Children) != 1 {
				break
			}
			b.WriteString(" ")
		}
		if len(n.Children) > 1 {
			b.WriteString(" " + ThreadText(n.Children))
		}
		b.WriteString(")")
	}
	return b.String()
}

// NamesOf returns the names of mailboxes.
func NamesOf(entries []imap.ListEntry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// Message returns a message to append.
func Message(s string) imap.AppendMessage { return imap.AppendMessage{Message: imap.LiteralString(s)} }

// SortBy returns sort keys.
func SortBy(names ...string) (keys []imap.SortKey) {
	for _, n := range names {
		keys = append(keys, imap.SortKey{Name: n})
	}
	return keys
}

// UIDsOf returns the UIDs of messages.
func UIDsOf(list []*imap.Message) []imap.UID {
	var uids []imap.UID
	for _, m := range list {
		uids = append(uids, m.UID)
	}
	return uids
}
