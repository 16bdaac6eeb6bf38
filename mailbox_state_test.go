package imap_test

import (
	"bufio"
	"compress/flate"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefusedNumbersThatMoved: whether messages that are named by number are there is a question about the numbers that were
// sent, not about those of the call. A NO about messages that are there is an error.
func TestRefusedNumbersThatMoved(t *testing.T) {
	set := imap.SeqRange(4, 5)
	for name, test := range map[string]struct {
		command string
		call    func(c *imap.Client) error
	}{
		"Fetch": {"FETCH 2:3 (UID)", func(c *imap.Client) error {
			_, err := imap.Collect(c.Fetch(testkit.Context(t), set))
			return err
		}},
		"FetchStream": {"FETCH 2:3 (UID)", func(c *imap.Client) error {
			return testkit.Drain(c.FetchStream(testkit.Context(t), set))
		}},
		"Store": {`STORE 2:3 +FLAGS (\Seen)`, func(c *imap.Client) error {
			_, err := c.Store(testkit.Context(t), set, imap.AddFlags(imap.FlagSeen), nil)
			return err
		}},
		"Copy": {"COPY 2:3 x", func(c *imap.Client) error {
			_, err := c.Copy(testkit.Context(t), set, "x")
			return err
		}},
		"Move": {"MOVE 2:3 x", func(c *imap.Client) error {
			_, err := c.Move(testkit.Context(t), set, "x")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, arrived, goOn := unfinished(t, "NOOP", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n$ OK done", func(h *testkit.Peer) {
				h.Send("%s NO not now", h.Line(test.command))
			})
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Noop(ctx) })
			goOn()
			assert.ErrorContains(t, test.call(c), "not now")
		})
	}
}

// TestStarBehindVanished: "*" is the message that was the last, also where others have vanished.
func TestStarBehindVanished(t *testing.T) {
	script := `
		C: $ UID FETCH 60:* (UID FLAGS)
		S: * VANISHED 10:11
		S: * 5 EXISTS
		S: * 3 FETCH (UID 50 FLAGS ())
		S: $ OK done
	`
	bothWays(t, script, imap.UIDRange(60, 0), []imap.FetchItem{imap.FetchFlags}, func(t *testing.T, got []fetchedRow, c *imap.Client) {
		require.Len(t, got, 1)
		assert.EqualValues(t, 50, got[0].uid)
	})
}

// TestStatusBesideNotify: what NOTIFY tells of a mailbox is not taken for the answer to a STATUS of it that asked for more.
func TestStatusBesideNotify(t *testing.T) {
	const both = `
		C: $ NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
		S: $ OK done
		C: $ STATUS Work (MESSAGES UNSEEN)
	`
	rules := []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}
	for name, script := range map[string]string{
		"before": `
			S: * STATUS Work (MESSAGES 7 UIDNEXT 20)
			S: * STATUS Work (MESSAGES 8 UNSEEN 2)
			S: $ OK done`,
		"behind": `
			S: * STATUS Work (MESSAGES 8 UNSEEN 2)
			S: * STATUS Work (MESSAGES 9 UIDNEXT 20)
			S: $ OK done`,
		"alone": `
			S: * STATUS Work (MESSAGES 8)
			S: $ OK done`,
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "NOTIFY", both+script)
			require.NoError(t, c.Notify(testkit.Context(t), rules, nil))
			st, err := c.Status(testkit.Context(t), "Work", imap.StatusMessages, imap.StatusUnseen)
			require.NoError(t, err)
			want := &imap.Status{Mailbox: "Work", Messages: testkit.Ptr(uint32(8)), Unseen: testkit.Ptr(uint32(2))}
			if name == "alone" {
				want.Unseen = nil
			}
			assert.Equal(t, want, st)
			assert.Len(t, c.Events(), 1)
		})
	}
}

// inflating makes a peer go on with DEFLATE.
func inflating(h *testkit.Peer) {
	h.In = bufio.NewReader(flate.NewReader(h.In))
	h.Out = bufio.NewWriter(deflatingPeer{h})
}

type deflatingPeer struct{ h *testkit.Peer }

func (d deflatingPeer) Write(b []byte) (int, error) {
	z, _ := flate.NewWriter(d.h.Conn, flate.BestSpeed)
	n, err := z.Write(b)
	if err == nil {
		err = z.Flush()
	}
	return n, err
}

// TestCompressGivenUp: the connection is compressed behind the OK of a COMPRESS whose caller has gone, and not behind a NO.
func TestCompressGivenUp(t *testing.T) {
	for _, answer := range []string{"OK", "NO"} {
		t.Run(answer, func(t *testing.T) {
			arrived, held := make(chan struct{}), make(chan struct{})
			c := testkit.DialPeerOffering(t, testkit.WireCaps+" COMPRESS=DEFLATE", nil, func(h *testkit.Peer) {
				tag := h.Line("COMPRESS DEFLATE")
				close(arrived)
				<-held
				h.Send("%s %s done", tag, answer)
				if answer == "OK" {
					inflating(h)
				}
				for range 2 {
					tag := h.Line("NOOP")
					h.Send("* OK [ALERT] heard\r\n%s OK done", tag)
				}
				h.Drain()
			})
			testkit.LeaveUnanswered(t, arrived, c.Compress)
			close(held)
			for range 2 {
				require.NoError(t, c.Noop(testkit.Context(t)))
				assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: "heard"}}, c.Events())
			}
			if answer == "OK" {
				assert.ErrorContains(t, c.Compress(testkit.Context(t)), "compressed already")
			}
			assert.NotNil(t, c.Mailbox())
		})
	}
}

// TestNotifyGivenUp: NOTIFY is on when the server sent so, the goroutine that reads it: what it tells of other mailboxes is news.
func TestNotifyGivenUp(t *testing.T) {
	for answer, news := range map[string]int{"OK": 1, "NO": 0} {
		t.Run(answer, func(t *testing.T) {
			c, arrived, goOn := unfinished(t, "NOTIFY SET (PERSONAL (MessageNew MessageExpunge))", "$ "+answer+" done", func(h *testkit.Peer) {
				tag := h.Line("STATUS Work (MESSAGES)")
				if news > 0 {
					h.Send("* STATUS Other (MESSAGES 3)")
				}
				h.Send("* STATUS Work (MESSAGES 8)\r\n%s OK done", tag)
			})
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error {
				return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}, nil)
			})
			goOn()
			st, err := c.Status(testkit.Context(t), "Work", imap.StatusMessages)
			require.NoError(t, err)
			assert.Equal(t, &imap.Status{Mailbox: "Work", Messages: testkit.Ptr(uint32(8))}, st)
			assert.Len(t, c.Events(), news)
		})
	}
}

// TestStartTLSGivenUp: behind a STARTTLS whose caller has gone, TLS may have begun: nothing is sent in the clear any more.
func TestStartTLSGivenUp(t *testing.T) {
	arrived, closed := make(chan struct{}), make(chan string, 1)
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 STARTTLS", func(h *testkit.Peer) {
		tag := h.Line("STARTTLS")
		close(arrived)
		line, _ := h.In.ReadString('\n')
		closed <- line
		h.Send("%s OK begin", tag)
	})
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.StartTLS(ctx, nil) })
	assert.Equal(t, imap.LoggedOut, c.State())
	assert.ErrorIs(t, c.Login(testkit.Context(t), "ada", "secret"), imap.ErrClosed)
	select {
	case line := <-closed:
		assert.Empty(t, line)
	case <-time.After(time.Minute):
		t.Error("the connection stays open")
	}
}

// TestNumbersMeanWhatTheyMeant: a sequence number in any argument is that of the message which had it when the call was
// made, though others went before the command could be sent.
func TestNumbersMeanWhatTheyMeant(t *testing.T) {
	within := imap.Where().In(imap.SeqRange(4, 5))
	for name, test := range map[string]struct {
		command, answer string
		call            func(ctx context.Context, c *imap.Client) error
	}{
		"ReplaceSeq": {"REPLACE 2 INBOX {5+}", "", func(ctx context.Context, c *imap.Client) error {
			_, err := c.ReplaceSeq(ctx, 4, "INBOX", imap.LiteralBytes([]byte("hello")), nil)
			return err
		}},
		"Search": {"UID SEARCH 2:3", "* SEARCH", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, within, nil)
			return err
		}},
		"Search, not": {"UID SEARCH OR 2:3 NOT 2:3", "* SEARCH", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, imap.Where().Or(within, imap.Where().Not(within)), nil)
			return err
		}},
		"Sort": {"UID SORT (ARRIVAL) UTF-8 2:3", "* SORT", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sort(ctx, []imap.SortKey{{Name: "ARRIVAL"}}, within)
			return err
		}},
		"Thread": {"UID THREAD REFERENCES UTF-8 2:3", "* THREAD", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Thread(ctx, "REFERENCES", within)
			return err
		}},
		"Partial": {"PARTIAL 2 RFC822.TEXT 1 5", `* 2 FETCH (RFC822.TEXT "hello")`, func(ctx context.Context, c *imap.Client) error {
			text, err := c.Partial(ctx, 4, "RFC822.TEXT", 1, 5)
			assert.Equal(t, "hello", string(text))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, held := make(chan struct{}), make(chan struct{})
			c := testkit.DialPeerOffering(t, testkit.WireCaps+" REPLACE LITERAL+ SORT THREAD=REFERENCES", nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				close(arrived)
				<-held
				h.Send("* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n%s OK done", tag)
				tag = h.Line(test.command)
				if name == "ReplaceSeq" {
					h.Line("")
				}
				if test.answer != "" {
					h.Send("%s", test.answer)
				}
				h.Send("%s OK done", tag)
			})
			testkit.LeaveUnanswered(t, arrived, c.Noop)
			close(held)
			require.NoError(t, test.call(testkit.Context(t), c))
		})
	}
	t.Run("none is left", func(t *testing.T) {
		c, arrived, goOn := unfinished(t, "NOOP", "* 4 EXPUNGE\r\n$ OK done", nil)
		testkit.LeaveUnanswered(t, arrived, c.Noop)
		goOn()
		_, err := c.Search(testkit.Context(t), imap.Where().In(imap.Seqs(4)), nil)
		assert.True(t, imap.SafeToRetry(err), "%v", err)
	})
	t.Run("not known", func(t *testing.T) {
		c, arrived, goOn := unfinished(t, "NOOP", "* VANISHED 7\r\n$ OK done", nil)
		testkit.LeaveUnanswered(t, arrived, c.Noop)
		goOn()
		_, err := c.Search(testkit.Context(t), within, nil)
		assert.True(t, imap.SafeToRetry(err), "%v", err)
	})
}

// TestStatusBesideARefusedOne: of two STATUS of one mailbox in a pipeline, of which one is refused, the other has the data.
func TestStatusBesideARefusedOne(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps, nil, func(h *testkit.Peer) {
		first := h.Line("STATUS b (MESSAGES)")
		second := h.Line("STATUS b (MESSAGES)")
		h.Send("* STATUS b (MESSAGES 5)\r\n%s NO not now\r\n%s OK done", first, second)
		h.Drain()
	})
	p := c.Pipeline()
	var got *imap.Status
	var refused, err error
	p.Go(func(c *imap.Client) error {
		_, refused = c.Status(testkit.Context(t), "b", imap.StatusMessages)
		return refused
	})
	p.Go(func(c *imap.Client) error {
		got, err = c.Status(testkit.Context(t), "b", imap.StatusMessages)
		return err
	})
	assert.Error(t, p.Wait())
	assert.ErrorContains(t, refused, "not now")
	require.NoError(t, err)
	assert.Equal(t, &imap.Status{Mailbox: "b", Messages: testkit.Ptr(uint32(5))}, got)
}

// TestFetchMerged: data of one message that comes in several responses is one message.
func TestFetchMerged(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:9 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: * 2 FETCH (UID 8 RFC822.SIZE 88)
		S: * 1 FETCH (UID 7 RFC822.SIZE 77)
		S: * 2 FETCH (BODY[TEXT] "eight" BODY[HEADER] "8")
		S: * 3 FETCH (UID 9 RFC822.SIZE 99 BODY[HEADER] "9" FLAGS () BODY[TEXT] "nine")
		S: * 1 FETCH (UID 7 BODY[HEADER] {1}
		S: 7 BODY[TEXT] "seven")
		S: * 2 FETCH (UID 8 FLAGS (\Draft))
		S: $ OK done
	`)
	header, text := imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 9), imap.FetchFlags, imap.FetchSize, header, text))
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, m := range got {
		assert.EqualValues(t, 11*m.UID, m.Size)
		assert.Equal(t, fmt.Sprint(m.UID), string(m.Section(header)))
		assert.Equal(t, map[imap.UID]string{7: "seven", 8: "eight", 9: "nine"}[m.UID], string(m.Section(text)))
		assert.NotNil(t, m.Flags)
	}
	assert.Empty(t, c.Events())
}

// TestFetchUnsolicited: news of messages under way are news, wherever they stand, and the answer is whole.
func TestFetchUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID ENVELOPE)
		S: * 1 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 FLAGS (\Deleted))
		S: * 1 FETCH (UID 7 ENVELOPE (NIL "seven" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 2 FETCH (UID 8 FLAGS () MODSEQ (5))
		S: * 5 FETCH (UID 20 ENVELOPE (NIL "twenty" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 9 EXISTS
		S: * 2 FETCH (UID 8 ENVELOPE (NIL "eight" NIL NIL NIL NIL NIL NIL NIL NIL))
		S: * 2 FETCH (UID 8 FLAGS (\Draft))
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchEnvelope))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "seven", got[0].Envelope.Subject)
	assert.Equal(t, "eight", got[1].Envelope.Subject)
	assert.Equal(t, []string{"FetchEvent", "FetchEvent", "FetchEvent", "FetchEvent", "ExistsEvent", "FetchEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 9, c.Mailbox().Exists)
}

// TestFetchUnsolicitedFlags: flags that change while they are fetched, said with or without the UID, do not make two
// messages of one or lose one.
func TestFetchUnsolicitedFlags(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 FLAGS (\Seen \Deleted) RFC822.SIZE 70)
		S: * 4 FETCH (FLAGS (\Answered))
		S: * 2 FETCH (UID 8 RFC822.SIZE 80 FLAGS ())
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagDeleted}, got[0].Flags)
	assert.EqualValues(t, 80, got[1].Size)
	assert.Empty(t, got[1].Flags)
	assert.Equal(t, []string{"FetchEvent"}, testkit.EventKinds(c), "message 4")
}

// TestFetchOpenRange: of n:* a message before n is the answer only when it is the last one.
func TestFetchOpenRange(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 300:* (UID FLAGS)
		S: * 2 FETCH (UID 20 FLAGS (\Seen))
		S: * 5 FETCH (UID 50 FLAGS ())
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(300, 0), imap.FetchFlags))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, 50, got[0].UID)
	assert.Equal(t, []string{"FetchEvent"}, testkit.EventKinds(c))
}

// TestExpungeDuringFetch: while messages are fetched by UID others may go; what comes in pieces is still put together.
func TestExpungeDuringFetch(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:9 (UID FLAGS RFC822.SIZE)
		S: * 3 FETCH (UID 7 FLAGS (\Seen))
		S: * 4 FETCH (UID 8 RFC822.SIZE 80)
		S: * 1 EXPUNGE
		S: * 2 FETCH (RFC822.SIZE 70)
		S: * 1 EXPUNGE
		S: * 2 FETCH (UID 8 FLAGS ())
		S: * 3 FETCH (UID 9 FLAGS (\Draft) RFC822.SIZE 90)
		S: $ OK done
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 9), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, m := range got {
		assert.EqualValues(t, 10*m.UID, m.Size)
	}
	assert.EqualValues(t, 3, c.Mailbox().Exists)
	assert.Equal(t, []string{"ExpungeEvent", "ExpungeEvent"}, testkit.EventKinds(c))
}

// TestStoreUnsolicited: a STORE takes the flags of its own messages; a change of others is news.
func TestStoreUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID STORE 7 +FLAGS (\Seen)
		S: * 2 FETCH (UID 8 FLAGS (\Deleted))
		S: * 3 FETCH (FLAGS (\Draft))
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: $ OK done
	`)
	res, err := c.Store(testkit.Context(t), imap.UIDs(7), imap.AddFlags(imap.FlagSeen), nil)
	require.NoError(t, err)
	require.Len(t, res.Messages, 1)
	assert.EqualValues(t, 7, res.Messages[0].UID)
	assert.Len(t, testkit.EventKinds(c), 2)
}

// TestStoreRowsAreBounded: no server makes a STORE keep more rows than its messages can have.
func TestStoreRowsAreBounded(t *testing.T) {
	const rows = 200
	c := testkit.Selected(t, `
		C: $ UID STORE 1:2 FLAGS (x)
		`+strings.Repeat(`S: * 1 FETCH (UID 1 FLAGS (x))
		`, rows)+`S: $ OK done
	`)
	res, err := c.Store(testkit.Context(t), imap.UIDRange(1, 2), imap.SetFlags("x"), nil)
	require.NoError(t, err)
	assert.Len(t, res.Messages, 1)
	assert.Empty(t, testkit.EventKinds(c))
}

// TestUntaggedGoesWhereItBelongs: numbers of another mailbox, names, alerts and what nobody knows, in the middle of
// commands that ask for something like it.
func TestUntaggedGoesWhereItBelongs(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ STATUS a (MESSAGES)
		S: * STATUS a (MESSAGES 1)
		S: * STATUS other (MESSAGES 9)
		S: * LIST () "/" a
		S: $ OK
		C: $ NOOP
		S: * STATUS a (MESSAGES 2)
		S: * SEARCH 1 2
		S: * LIST (\NonExistent) "/" gone
		S: * XYZZY {4}
		S: abcd more
		S: * OK [ALERT] look
		S: * NO disk nearly full
		S: $ OK
		C: $ UID SEARCH ALL
		S: * 7 EXISTS
		S: * FLAGS (\Seen $new)
		S: * SEARCH 3
		S: $ OK
		C: $ EXPUNGE
		S: * 1 EXPUNGE
		S: * 3 RECENT
		S: $ OK
	`)
	ctx := testkit.Context(t)
	st, err := c.Status(ctx, "a", imap.StatusMessages)
	require.NoError(t, err)
	assert.EqualValues(t, 1, *st.Messages)
	events := c.Events()
	require.Len(t, events, 2)
	assert.Equal(t, "other", events[0].(*imap.StatusEvent).Status.Mailbox)
	assert.Equal(t, "a", events[1].(*imap.ListEvent).Entry.Name)
	require.NoError(t, c.Noop(ctx))
	events = c.Events()
	require.Len(t, events, 6)
	assert.EqualValues(t, 2, *events[0].(*imap.StatusEvent).Status.Messages)
	assert.Equal(t, "* SEARCH 1 2", string(events[1].(*imap.UnknownEvent).Raw))
	assert.True(t, events[2].(*imap.ListEvent).Entry.Has(imap.AttrNonExistent))
	assert.Equal(t, "* XYZZY {4}\r\nabcd more", string(events[3].(*imap.UnknownEvent).Raw))
	assert.Equal(t, "look", events[4].(*imap.AlertEvent).Text)
	assert.Contains(t, string(events[5].(*imap.UnknownEvent).Raw), "disk nearly full")
	found, err := c.Search(ctx, imap.Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(3), found.UIDs)
	assert.Equal(t, []string{"ExistsEvent", "FlagsEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 7, c.Mailbox().Exists)
	gone, err := c.Expunge(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{1}, gone.SeqNums)
	assert.Equal(t, []string{"RecentEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 6, c.Mailbox().Exists)
}

// TestEventsAreBounded: events that nobody takes do not pile up; DroppedEvent says that some were dropped.
func TestEventsAreBounded(t *testing.T) {
	for name, line := range map[string]string{
		"many":    "* 9 EXISTS",
		"large":   "* XYZZY " + strings.Repeat("x", 100<<10),
		"lists":   `* LIST () "/" ` + strings.Repeat("x", 100<<10),
		"alerts":  "* OK [ALERT] " + strings.Repeat("x", 100<<10),
		"flags":   "* FLAGS (" + strings.Repeat("$abcdefgh ", 10<<10) + ")",
		"status":  "* STATUS " + strings.Repeat("x", 100<<10) + " (MESSAGES 1)",
		"rows":    `* 1 FETCH (ENVELOPE (NIL "` + strings.Repeat("x", 100<<10) + `" NIL NIL NIL NIL NIL NIL NIL NIL))`,
		"literal": "* 1 FETCH (FLAGS (a) PREVIEW {102400}\r\n" + strings.Repeat("x", 100<<10) + ")",
	} {
		t.Run(name, func(t *testing.T) {
			rounds := max(20_000*10/len(line), 100)
			if name == "many" {
				rounds = 20_000
			}
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				for range rounds {
					h.Put("%s\r\n", line)
				}
				h.Send("%s OK done", tag)
				h.OK()
			})
			require.NoError(t, c.Noop(testkit.Context(t)))
			events := c.Events()
			require.NotEmpty(t, events)
			assert.IsType(t, &imap.DroppedEvent{}, events[0])
			assert.LessOrEqual(t, len(events), 4097)
			assert.Less(t, len(events)*len(line), 5<<20)
			assert.NotContains(t, testkit.EventKinds(c), "DroppedEvent")
		})
	}
}

// TestEventsYieldToResults: events and results that wait for a loop have one bound, and it is events that are dropped.
func TestEventsYieldToResults(t *testing.T) {
	news := strings.Repeat("* XYZZY "+strings.Repeat("x", 100<<10)+"\r\n", 60)
	var rows strings.Builder
	for i := range 60 {
		fmt.Fprintf(&rows, "* %d FETCH (UID %d BODY[] {102400}\r\n%s)\r\n", i+2, i+2, strings.Repeat("x", 100<<10))
	}
	for name, text := range map[string]string{"events first": news + rows.String(), "results first": rows.String() + news} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 8 << 20}, func(h *testkit.Peer) {
				fetch := h.Line("UID FETCH 1:100 (UID BODY.PEEK[])")
				h.Send("* 1 FETCH (UID 1 BODY[] {2}\r\nhi)")
				h.Send("%s%s OK done", text, fetch)
				h.OK()
			})
			n := 0
			for _, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 100), imap.Section{}) {
				require.NoError(t, err)
				if n++; n == 1 {
					require.NoError(t, c.Noop(testkit.Context(t)))
				}
			}
			assert.Equal(t, 61, n)
			events := c.Events()
			require.NotEmpty(t, events)
			assert.IsType(t, &imap.DroppedEvent{}, events[0])
			assert.Less(t, len(events), 60)
		})
	}
}

// TestFetchSplitInterleaved: many messages, each in two responses that stand far apart.
func TestFetchSplitInterleaved(t *testing.T) {
	const n = 12
	var script strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&script, "S: * %d FETCH (UID %d FLAGS ())\n", i, 100+i)
	}
	for i := n; i > 0; i-- {
		fmt.Fprintf(&script, "S: * %d FETCH (UID %d INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\n", i, 100+i)
	}
	c := testkit.Selected(t, "\nC: $ UID FETCH 101:112 (UID FLAGS INTERNALDATE)\n"+script.String()+"S: $ OK done\n")
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(101, 100+n), imap.FetchFlags, imap.FetchInternalDate))
	require.NoError(t, err)
	require.Len(t, got, n)
	for _, m := range got {
		assert.True(t, m.InternalDate.Equal(time.Date(1996, 7, 17, 9, 44, 25, 0, time.UTC)))
		assert.NotNil(t, m.Flags)
	}
}

// oddUIDs is a set that needs more than one command.
func oddUIDs() imap.UIDSet {
	var uids []imap.UID
	for uid := imap.UID(1000001); len(uids) < 2500; uid += 2 {
		uids = append(uids, uid)
	}
	return imap.UIDs(uids...)
}

// TestOtherMailboxMeanwhile: a call of several commands does not go on in a mailbox that another caller opens between two of
// them. The same UIDs are other messages there.
func TestOtherMailboxMeanwhile(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Move": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Move(ctx, imap.UIDs(5), "b")
			return err
		},
		"Store": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Store(ctx, oddUIDs(), imap.AddFlags(imap.FlagDeleted), nil)
			return err
		},
		"Copy": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Copy(ctx, oddUIDs(), "b")
			return err
		},
		"UIDExpunge": func(ctx context.Context, c *imap.Client) error {
			_, err := c.UIDExpunge(ctx, oddUIDs())
			return err
		},
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, oddUIDs(), imap.FetchFlags))
		},
		"Search": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Search(ctx, imap.Where().In(oddUIDs()), nil)
			return err
		},
		"Sync": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Sync(ctx, "a", imap.SyncState{UIDValidity: 7, UIDs: imap.UIDRange(1, 3)}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
					tag := h.Line("")
					time.Sleep(time.Minute)
					h.Send("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n%s OK %sdone", tag, map[string]string{"Move": "[COPYUID 1 5 9] "}[name])
					h.Send("* 9 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
					h.Send("%s OK done", h.Line("SELECT other"))
					h.Send("%s OK done", h.Line("NOOP"))
				})
				result := make(chan error, 1)
				go func() { result <- call(t.Context(), c) }()
				synctest.Wait()
				_, err := c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				err = <-result
				require.ErrorContains(t, err, "another mailbox")
				assert.Equal(t, name == "Fetch" || name == "Search" || name == "Sync", imap.SafeToRetry(err), "%v", err)
				require.NoError(t, c.Noop(t.Context()))
				assert.Equal(t, "other", c.Mailbox().Name)
				_, err = c.Select(t.Context(), "other", nil)
				require.NoError(t, err)
				require.NoError(t, c.Noop(t.Context()))
			})
		})
	}
}

// TestSameMailboxMeanwhile: one that is opened again is the same, as long as its UIDs mean the same.
func TestSameMailboxMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 UIDPLUS", nil, func(h *testkit.Peer) {
			copied := h.Line("UID COPY 5 b")
			time.Sleep(time.Minute)
			h.Send("%s OK [COPYUID 1 5 9] done", copied)
			h.Send("* 5 EXISTS\r\n%s OK done", h.Line("SELECT INBOX"))
			h.Send("%s OK done", h.Line(`UID STORE 5 +FLAGS.SILENT (\Deleted)`))
			h.Send("* 1 EXPUNGE\r\n%s OK done", h.Line("UID EXPUNGE 5"))
		})
		result := make(chan error, 1)
		go func() { _, err := c.Move(t.Context(), imap.UIDs(5), "b"); result <- err }()
		synctest.Wait()
		_, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		require.NoError(t, <-result)
	})
}

// TestSelectTakesNoNews: what changes in a mailbox while another is being opened is news, and no answer of the SELECT that
// did not ask for changes.
func TestSelectTakesNoNews(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ SELECT b
		S: * 2 FETCH (FLAGS (\Seen))
		S: * VANISHED 7
		S: * OK [CLOSED] it is
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 8] ok
		S: $ OK [READ-WRITE] done
	`)
	mb, err := c.Select(testkit.Context(t), "b", nil)
	require.NoError(t, err)
	assert.Empty(t, mb.Changed)
	assert.Empty(t, mb.Vanished)
	assert.EqualValues(t, 3, mb.Exists)
	assert.Equal(t, []string{"FetchEvent", "VanishedEvent"}, testkit.EventKinds(c))
	assert.EqualValues(t, 3, c.Mailbox().Exists)
}
