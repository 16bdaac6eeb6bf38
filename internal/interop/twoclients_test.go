package interop_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// withTwo runs a test for each server with a user whose mailbox two connections have open: e.client and e.second.
func withTwo(t *testing.T, test func(e *env)) {
	for _, name := range append(faultServers(), imaptestName) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newEnv(t, getTarget(t, name), plain))
		})
	}
}

// expungeAs removes messages over a connection that has the mailbox selected.
func (e *env) expungeAs(c *imap.Client, uids []imap.UID) {
	e.Helper()
	_, err := c.Store(e.ctx(), imap.UIDs(uids...), imap.AddFlags(imap.FlagDeleted), &imap.StoreOptions{Silent: true})
	require.NoError(e, err)
	_, err = c.UIDExpunge(e.ctx(), imap.UIDs(uids...))
	require.NoError(e, err)
}

// TestExpungeDuringFetch removes every second message while another connection fetches all. No message has the body of
// another, and all that were not removed are yielded.
func TestExpungeDuringFetch(t *testing.T) {
	withTwo(t, func(e *env) {
		const n = 60
		box := e.box()
		for i := range n {
			e.add(box, note(fmt.Sprintf("message %d", i))+strings.Repeat("0123456789abcdef\r\n", 500))
		}
		uids := e.selectBox(box)
		require.Len(e, uids, n)
		other := e.second()
		_, err := other.Select(e.ctx(), box, nil)
		require.NoError(e, err)
		var odd []imap.UID
		for i := 1; i < n; i += 2 {
			odd = append(odd, uids[i])
		}
		seen, refused := e.fetchWhile(uids, func() { e.expungeAs(other, odd) })
		for i := 0; i < n; i += 2 {
			if !refused {
				require.True(e, seen[uids[i]], "message %d was not removed and did not come", i)
			}
		}
		require.Eventually(e, func() bool {
			require.NoError(e, e.client().Noop(e.ctx()))
			return e.client().Mailbox().Exists == n/2
		}, time.Minute, 50*time.Millisecond)
		require.Len(e, e.uids(), n/2)
	})
}

// fetchWhile fetches all messages and calls f when the first has arrived. A server may refuse those that were removed.
func (e *env) fetchWhile(uids []imap.UID, f func()) (seen map[imap.UID]bool, refused bool) {
	e.Helper()
	seen = map[imap.UID]bool{}
	for m, err := range e.client().Fetch(e.ctx(), imap.SeqRange(1, 0), imap.FetchEnvelope, imap.Section{}) {
		if _, no := errors.AsType[*imap.Error](err); no {
			return seen, true
		}
		require.NoError(e, err)
		if len(seen) == 0 {
			f()
		}
		seen[m.UID] = true
		require.Equal(e, uids[m.SeqNum-1], m.UID, "numbers do not change during a FETCH")
		body := m.Section(imap.Section{})
		if body == nil || e.target.name == "courier" && bytes.Contains(body, []byte("\r\nSubject: message unavailable\r\n")) {
			continue // it is gone
		}
		require.Contains(e, string(body), "\r\nSubject: "+m.Envelope.Subject+"\r\n")
		require.Contains(e, string(body), fmt.Sprintf("The body of message %d.", m.SeqNum-1))
	}
	return seen, false
}

// TestFlagsOfTheOther changes flags over one connection and receives them on the other.
func TestFlagsOfTheOther(t *testing.T) {
	withTwo(t, func(e *env) {
		box, uids := e.open(note("one"), note("two"))
		other := e.second()
		_, err := other.Select(e.ctx(), box, nil)
		require.NoError(e, err)
		_, err = other.Store(e.ctx(), imap.UIDs(uids[1]), imap.AddFlags(imap.FlagFlagged, "$Other"), nil)
		require.NoError(e, err)
		e.client().Events()
		require.Eventually(e, func() bool {
			require.NoError(e, e.client().Noop(e.ctx()))
			for _, ev := range e.client().Events() {
				if f, ok := ev.(*imap.FetchEvent); ok && f.Message.SeqNum == 2 {
					require.Subset(e, f.Message.Flags, []imap.Flag{imap.FlagFlagged, "$Other"})
					return true
				}
			}
			return false
		}, time.Minute, 50*time.Millisecond)
		require.Subset(e, e.fetchOne(uids[1], imap.FetchFlags).Flags, []imap.Flag{imap.FlagFlagged, "$Other"})
	})
}

// TestUIDValidityChanges deletes and creates a mailbox that another connection has open. Whatever the server reports to
// that connection, it never gets a message for another, and after selecting the mailbox again its UIDs are new.
func TestUIDValidityChanges(t *testing.T) {
	withTwo(t, func(e *env) {
		box, uids := e.open(note("old"))
		before := e.client().Mailbox().UIDValidity
		other := e.second()
		time.Sleep(1100 * time.Millisecond) // some make a UIDVALIDITY of the second
		require.NoError(e, other.Delete(e.ctx(), box))
		require.NoError(e, other.Create(e.ctx(), box, nil))
		_, err := other.Append(e.ctx(), box, imap.LiteralString(note("new")), nil)
		require.NoError(e, err)
		m, err := e.client().FetchOne(e.ctx(), uids[0], imap.FetchEnvelope)
		switch {
		case err != nil:
			var refusal *imap.Error
			if !errors.As(err, &refusal) {
				require.ErrorIs(e, err, imap.ErrClosed)
			}
		case m != nil && m.Envelope.Subject != "old":
			e.deviates("message-unavailable")
			require.Equal(e, "message unavailable", m.Envelope.Subject)
		}
		mb, err := e.client().Select(e.ctx(), box, nil)
		require.NoError(e, err)
		require.NotEqual(e, before, mb.UIDValidity)
		require.EqualValues(e, 1, mb.Exists)
		require.Equal(e, "new", e.fetchOne(e.uids()[0], imap.FetchEnvelope).Envelope.Subject)
	})
}

// limited returns a user with a small quota, if the server has quotas that can be set.
func limited(t *testing.T, name string) (e *env, octets int) {
	e = newEnv(t, getTarget(t, name), plain)
	switch name {
	case "dovecot":
		user, password, limit, err := e.target.real.QuotaUser()
		require.NoError(t, err)
		e.user, e.password, octets = user, password, int(limit)
		e.target.prefix = fmt.Sprintf("q%d-", time.Now().UnixNano()) // the user is one for all
	case "cyrus":
		octets = 64 << 10
		e.client() // the first login makes the mailboxes
		admin, password := e.target.real.MasterUser()
		c := e.dial()
		require.NoError(t, c.Login(e.ctx(), admin, password))
		_, err := c.SetQuota(e.ctx(), "user/"+e.user, map[string]uint64{"STORAGE": uint64(octets >> 10)})
		require.NoError(t, err)
	case imaptestName:
		octets = 64 << 10
		_, err := e.client().SetQuota(e.ctx(), e.quotaRoot().Root, map[string]uint64{"STORAGE": uint64(octets >> 10)})
		require.NoError(t, err)
	}
	return e, octets
}

// remove removes a mailbox, which may be selected, with what is in it.
func (e *env) remove(box string) {
	e.Helper()
	if c := e.client(); c.State() == imap.Selected {
		require.NoError(e, c.Unselect(e.ctx()))
	}
	require.NoError(e, e.client().Delete(e.ctx(), box))
}

// TestQuotaExceeded appends until the server refuses. What was acknowledged is stored, and the connection is usable. Then a
// message is refused that is larger than the whole quota.
func TestQuotaExceeded(t *testing.T) {
	for _, name := range []string{"dovecot", "cyrus", imaptestName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, octets := limited(t, name)
			box := e.box()
			defer e.remove(box) // the next run needs the room
			want := map[[32]byte]bool{}
			var err error
			for i := 0; err == nil && i < 100; i++ {
				text := note(fmt.Sprintf("fill %d", i)) + strings.Repeat(fmt.Sprintf("%08d abcdefgh\r\n", i), 500)
				if _, err = e.client().Append(e.ctx(), box, imap.LiteralString(text), nil); err == nil {
					want[sha256.Sum256([]byte(text))] = true
				}
			}
			var refusal *imap.Error
			require.ErrorAs(t, err, &refusal)
			if refusal.Code == "" {
				e.deviates("over-quota-without-code")
			} else {
				require.Equal(t, imap.CodeOverQuota, refusal.Code)
			}
			require.Regexp(t, "(?i)quota", err.Error(), "the error says what it is about")
			require.False(t, imap.IsTransient(err), "trying again is of no use: something has to be removed first")
			require.NotEmpty(t, want)
			e.requireMessages(box, want)
			require.Len(t, e.uids(), len(want))
			_, err = e.client().Copy(e.ctx(), imap.UIDRange(1, 0), box)
			require.ErrorAs(t, err, &refusal)
			require.Regexp(t, "(?i)quota", err.Error())
			require.False(t, imap.IsTransient(err))
			require.Len(t, e.uids(), len(want), "nothing was copied")
			message, _ := large(int64(8*octets), 5)
			_, err = e.client().Append(e.ctx(), box, message, nil)
			require.ErrorAs(t, err, &refusal)
			require.NoError(t, e.client().Noop(e.ctx()))
			require.Len(t, e.uids(), len(want))
		})
	}
}

// countingReader counts the bytes that are read.
type countingReader struct {
	io.Reader
	n int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += int64(n)
	return n, err
}

// TestMessageTooBig announces a message of 8 GiB. Cyrus announces a limit, so that nothing is sent; the in-memory server
// refuses the message, and the client stops sending.
func TestMessageTooBig(t *testing.T) {
	for _, name := range []string{"cyrus", imaptestName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, getTarget(t, name), plain)
			c := e.login()
			r := &countingReader{Reader: newEndless(8)}
			_, err := c.Append(e.ctx(), "INBOX", imap.Literal{R: r, Size: 8 << 30}, nil)
			if name == "cyrus" {
				require.ErrorIs(t, err, imap.ErrTooBig)
				require.Zero(t, r.n)
			} else {
				var refusal *imap.Error
				require.ErrorAs(t, err, &refusal)
				require.Less(t, r.n, int64(64<<20))
			}
			require.Empty(t, e.selectBox("INBOX"))
		})
	}
}

// TestReadOnlyByACL lets a user see a mailbox of another. It opens read-only, and changes fail: at the client without
// anything being sent, and at the server where the client cannot know.
func TestReadOnlyByACL(t *testing.T) {
	others := map[string]string{"dovecot": "Other/", "cyrus": "Other Users/"}
	for name, prefix := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := getTarget(t, name)
			owner, guest := newEnv(t, target, plain), newEnv(t, target, plain)
			box, _ := owner.open(note("one"))
			guest.client()
			require.NoError(t, owner.client().SetACL(owner.ctx(), box, guest.user, "lr"))
			shared := prefix + owner.user + "/" + box
			c := guest.client()
			mb, err := c.Select(guest.ctx(), shared, nil)
			require.NoError(t, err)
			require.True(t, mb.ReadOnly)
			require.EqualValues(t, 1, mb.Exists)
			uids := guest.uids()
			require.Equal(t, note("one"), string(guest.fetchOne(uids[0], imap.Section{}).Section(imap.Section{})))
			_, err = c.Store(guest.ctx(), imap.UIDs(uids...), imap.AddFlags(imap.FlagSeen), nil)
			require.ErrorIs(t, err, imap.ErrReadOnly)
			_, err = c.Expunge(guest.ctx())
			require.ErrorIs(t, err, imap.ErrReadOnly)
			_, err = c.Move(guest.ctx(), imap.UIDs(uids...), "INBOX")
			require.ErrorIs(t, err, imap.ErrReadOnly)
			_, err = c.Append(guest.ctx(), shared, imap.LiteralString(note("two")), nil)
			var refusal *imap.Error
			require.ErrorAs(t, err, &refusal)
			if refusal.Code == "" {
				guest.deviates("no-permission-without-code")
			} else {
				require.Equal(t, imap.Code("NOPERM"), refusal.Code)
			}
			_, err = c.Copy(guest.ctx(), imap.UIDs(uids...), "INBOX")
			require.NoError(t, err, "reading is allowed")
			require.Len(t, owner.uids(), 1)
		})
	}
}
