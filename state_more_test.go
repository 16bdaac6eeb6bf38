package imap_test

import (
	"bufio"
	"compress/flate"
	"context"
	"testing"
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

// TestNotifyGivenUp: NOTIFY is on when the server said so, whoever reads it: what it tells of other mailboxes is news.
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
	within := imap.Where().Within(imap.SeqRange(4, 5))
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
		_, err := c.Search(testkit.Context(t), imap.Where().Within(imap.Seqs(4)), nil)
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
