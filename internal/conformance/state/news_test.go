package state_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newsOf returns the events as text.
func newsOf(c *imap.Client) (news []string) {
	for _, ev := range c.Events() {
		news = append(news, newsText(ev))
	}
	return news
}

func newsText(ev imap.Event) string {
	switch ev := ev.(type) {
	case *imap.FetchEvent:
		return fmt.Sprint(ev.Message.SeqNum, ev.Message.UID, ev.Message.Flags)
	case *imap.ExpungeEvent:
		return fmt.Sprint("gone ", ev.SeqNum)
	case *imap.VanishedEvent:
		return fmt.Sprint("gone ", ev.UIDs)
	case *imap.ExistsEvent:
		return fmt.Sprint("exists ", ev.Count)
	case *imap.AlertEvent:
		return "alert " + ev.Text
	}
	return fmt.Sprintf("%T", ev)
}

// TestExpungeWithoutNumber: an EXPUNGE without a number, or with number 0, renumbers no row.
func TestExpungeWithoutNumber(t *testing.T) {
	for _, bad := range []string{"* 0 EXPUNGE", "* EXPUNGE"} {
		c := testkit.Selected(t, `
		C: $ UID FETCH 10:20 (UID FLAGS RFC822.SIZE)
		S: * 3 FETCH (UID 12 FLAGS ())
		S: `+bad+`
		S: * 3 FETCH (RFC822.SIZE 5)
		S: $ OK done
		`)
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchFlags, imap.FetchSize))
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.EqualValues(t, 3, got[0].SeqNum)
		assert.EqualValues(t, 5, got[0].Size)
	}
}

// TestExpungedWithoutNumber: an EXPUNGE with number 0 is not in the result of Expunge.
func TestExpungedWithoutNumber(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ EXPUNGE
		S: * 0 EXPUNGE
		S: * 2 EXPUNGE
		S: $ OK done
		`)
	res, err := c.Expunge(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{2}, res.SeqNums)
}

// TestNewsBeforeBreak: a row without a UID that came before a Fetch was left is an event, as one that comes later.
func TestNewsBeforeBreak(t *testing.T) {
	for _, way := range []string{"Fetch", "FetchStream"} {
		t.Run(way, func(t *testing.T) {
			left := make(chan struct{})
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("SELECT INBOX")
				h.Send("* 9 EXISTS\r\n%s OK x", tag)
				tag = h.Line("UID FETCH 10:20 (UID RFC822.SIZE FLAGS)")
				h.Send("* 3 FETCH (FLAGS (\\Seen))\r\n* 4 FETCH (UID 15 FLAGS () RFC822.SIZE 5)")
				<-left
				h.Send("* 6 FETCH (FLAGS (\\Draft))\r\n%s OK done", tag)
				h.OK()
			})
			_, err := c.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			switch way {
			case "Fetch":
				for _, err := range c.Fetch(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchSize, imap.FetchFlags) {
					require.NoError(t, err)
					break
				}
			default:
				for _, err := range c.FetchStream(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchSize, imap.FetchFlags) {
					require.NoError(t, err)
					break
				}
			}
			close(left)
			require.NoError(t, c.Noop(testkit.Context(t)))
			assert.Equal(t, []string{`3 0 [\Seen]`, `6 0 [\Draft]`}, newsOf(c))
		})
	}
}

// TestAlertOfDoGivenUp: the alert in the answer to a Do that was given up is an event.
func TestAlertOfDoGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan struct{})
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("XYZ")
		cancel()
		<-answer
		h.Send("%s OK [ALERT] quota", tag)
		h.OK()
	})
	_, err := c.Do(ctx, "XYZ")
	require.ErrorIs(t, err, context.Canceled)
	close(answer)
	require.NoError(t, c.Noop(t.Context()))
	assert.Equal(t, []string{"alert quota"}, newsOf(c))
}

// TestExpungeBehindClosed: messages removed while a mailbox is being selected do not count.
func TestExpungeBehindClosed(t *testing.T) {
	for removal, exists := range map[string]uint32{"2 EXPUNGE": 6, "VANISHED 2:4": 4, "VANISHED (EARLIER) 2:4": 7} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("SELECT b")
			h.Send("* OK [CLOSED] x\r\n* 7 EXISTS\r\n* %s\r\n%s OK x", removal, tag)
		})
		mb, err := c.Select(t.Context(), "b", nil)
		require.NoError(t, err)
		assert.Equal(t, exists, mb.Exists, removal)
		assert.Equal(t, exists, c.Mailbox().Exists, removal)
	}
}

// TestNewsAfterBreak: a row with none of the requested items is an event also after the Fetch was left.
func TestNewsAfterBreak(t *testing.T) {
	left := make(chan struct{})
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("SELECT INBOX")
		h.Send("* 9 EXISTS\r\n%s OK x", tag)
		tag = h.Line("UID FETCH 10:20 (UID RFC822.SIZE)")
		h.Send("* 3 FETCH (UID 13 RFC822.SIZE 5)")
		<-left
		h.Send("* 3 FETCH (UID 13 FLAGS (\\Seen))\r\n* 5 FETCH (UID 15 RFC822.SIZE 5)\r\n* 4 FETCH (FLAGS (\\Seen) UID 14)\r\n%s OK done", tag)
		h.OK()
	})
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	for _, err := range c.Fetch(testkit.Context(t), imap.UIDRange(10, 20), imap.FetchSize) {
		require.NoError(t, err)
		break
	}
	close(left)
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Equal(t, []string{`3 13 [\Seen]`, `4 14 [\Seen]`}, newsOf(c))
}

// TestExpungeGivenUp: the removals of an Expunge that was given up are events, since they change the numbers of other messages.
func TestExpungeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan struct{})
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("SELECT a")
		h.Send("* 5 EXISTS\r\n%s OK x", tag)
		tag = h.Line("EXPUNGE")
		cancel()
		<-answer
		h.Send("* 2 EXPUNGE\r\n%s OK done", tag)
		h.OK()
	})
	_, err := c.Select(t.Context(), "a", nil)
	require.NoError(t, err)
	_, err = c.Expunge(ctx)
	require.ErrorIs(t, err, context.Canceled)
	close(answer)
	require.NoError(t, c.Noop(t.Context()))
	assert.EqualValues(t, 4, c.Mailbox().Exists)
	assert.Equal(t, []string{"gone 2"}, newsOf(c))
}

// TestUnauthenticateInIdle: a loop over events that logs the user out does not get the other events of that user.
func TestUnauthenticateInIdle(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps+" UNAUTHENTICATE IDLE", nil, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		h.Send("* OK [ALERT] one\r\n* OK [ALERT] two\r\n%s OK done", tag)
		tag = h.Line("UNAUTHENTICATE")
		h.Send("%s OK done", tag)
		tag = h.Line("CAPABILITY")
		h.Send("* CAPABILITY %s IDLE\r\n%s OK done", testkit.WireCaps, tag)
	})
	require.NoError(t, c.Noop(t.Context()))
	var got []string
	for ev, err := range c.Idle(t.Context(), nil) {
		if err != nil {
			require.ErrorAs(t, err, new(*imap.StateError))
			break
		}
		got = append(got, newsText(ev))
		if len(got) == 1 {
			require.NoError(t, c.Unauthenticate(t.Context()))
		}
	}
	assert.Equal(t, []string{"alert one"}, got)
}

// TestEventsInIdle: Events in the body of an Idle loop returns the events that follow the yielded one, in their order.
func TestEventsInIdle(t *testing.T) {
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		h.Send("* OK [ALERT] one\r\n* OK [ALERT] two\r\n%s OK done", tag)
		tag = h.Line("NOOP")
		h.Send("* OK [ALERT] three\r\n%s OK done", tag)
	})
	require.NoError(t, c.Noop(t.Context()))
	var got []string
	for ev, err := range c.Idle(t.Context(), nil) {
		require.NoError(t, err)
		got = append(got, newsText(ev))
		require.NoError(t, c.Noop(t.Context()))
		got = append(got, newsOf(c)...)
		break
	}
	assert.Equal(t, []string{"alert one", "alert two", "alert three"}, append(got, newsOf(c)...))
}

// TestFlagsAfterBreak: the change of a message that a Fetch has yielded is an event, also after that Fetch was left.
func TestFlagsAfterBreak(t *testing.T) {
	left := make(chan struct{})
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("UID FETCH 1:2 (UID FLAGS)")
		h.Send("* 1 FETCH (UID 1 FLAGS ())")
		<-left
		h.Send("* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n* 2 FETCH (UID 2 FLAGS ())\r\n%s OK done", tag)
		h.OK()
	})
	for m, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 2), imap.FetchFlags) {
		require.NoError(t, err)
		require.EqualValues(t, 1, m.UID)
		break
	}
	close(left)
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.NotEmpty(t, c.Events())
}

// TestMemoryOfDenseAnswers: answers whose few bytes take much memory count with that memory for MaxBuffered.
func TestMemoryOfDenseAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		row  string
		call func(ctx context.Context, c *imap.Client) error
	}{
		"CONVERT": {`* 1 CONVERTED (TAG "TAG") (` + strings.Repeat("BINARY.SIZE[1] 1 ", 900) + "BINARY.SIZE[1] 1)", func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertSize(1)))
		}},
		"CONVERT of structures": {`* 1 CONVERTED (TAG "TAG") (BODYPARTSTRUCTURE[1] (` + strings.Repeat(`("A" "B" NIL NIL NIL "8BIT" 1)`, 400) + ` "MIXED"))`, func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1)))
		}},
		"CONVERT of types": {`* 1 CONVERTED (TAG "TAG") (AVAILABLECONVERSIONS[1] (` + strings.Repeat(`"" `, 3000) + `""))`, func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1)))
		}},
		"UIDBATCHES": {`* UIDBATCHES (TAG "TAG") ` + strings.Repeat("1,3,5,7,", 2000) + "9", func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.UIDBatches(ctx, 100, 0, 0))
		}},
		"MOVE": {"* OK [COPYUID 9 " + strings.Repeat("1,3,5,7,", 1000) + "NUM " + strings.Repeat("1,3,5,7,", 1000) + "NUM] x", func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Move(ctx, imap.UIDs(1), "x"))
		}},
	} {
		near, far := imaptest.Pipe()
		h := &testkit.Peer{T: t, Conn: far}
		h.Init()
		go func() {
			h.Send("* PREAUTH [CAPABILITY IMAP4rev1 CONVERT UIDBATCHES MOVE] ready")
			h.Send("* 5 EXISTS\r\n%s OK [READ-WRITE] selected", h.Line("SELECT INBOX"))
			tag := h.Line("")
			for i := range (1 << 19) / len(test.row) {
				row := strings.ReplaceAll(strings.ReplaceAll(test.row, "TAG \"TAG\"", "TAG \""+tag+"\""), "NUM", strconv.Itoa(1000+i))
				if _, err := far.Write([]byte(row + "\r\n")); err != nil {
					return
				}
			}
			fmt.Fprintf(far, "%s OK done\r\n", tag)
		}()
		ctx := testkit.Context(t)
		c, err := imap.NewClient(ctx, near, &imap.Options{MaxBuffered: 1 << 20})
		require.NoError(t, err)
		require.NoError(t, testkit.ErrOf(c.Select(ctx, "INBOX", nil)))
		err = test.call(ctx, c)
		limit, ok := errors.AsType[*imap.LimitError](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, "MaxBuffered", limit.Name, name)
		c.Close()
		far.Close()
	}
}

// TestManyEnabled: names of ENABLED are kept up to a bound.
func TestManyEnabled(t *testing.T) {
	c := testkit.DialPeerOffering(t, "IMAP4rev1 ENABLE", nil, func(h *testkit.Peer) {
		tag := h.Line("")
		h.Send("* ENABLED CONDSTORE %s\r\n%s OK done", strings.Repeat("X ", 100000), tag)
		h.Drain()
	})
	on, err := c.Enable(testkit.Context(t), "CONDSTORE")
	require.NoError(t, err)
	assert.Equal(t, "CONDSTORE", on[0])
	assert.Less(t, len(on), 100000)
}
