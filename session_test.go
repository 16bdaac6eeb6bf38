package imap_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCapabilitiesWithoutIMAP4: what is no list of capabilities replaces none.
func TestCapabilitiesWithoutIMAP4(t *testing.T) {
	for _, bad := range []string{"* CAPABILITY", "* CAPABILITY XNEW", "* OK [CAPABILITY] x", "* OK [CAPABILITY XNEW] x", "* CAPABILITY (IMAP4rev1 XNEW)", "* CAPABILITY NIL"} {
		c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 XOLD", func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			h.Send("%s\r\n%s OK done", bad, tag)
			tag = h.Line("CAPABILITY")
			h.Send("* CAPABILITY imap4REV1 XNEW\r\n%s OK done", tag)
		})
		require.NoError(t, c.Noop(t.Context()))
		assert.True(t, c.Caps().Has("XOLD"), bad)
		assert.True(t, c.Caps().Has("IMAP4rev1"), bad)
		assert.False(t, c.Caps().Has("XNEW"), bad)
		caps, err := c.Capability(t.Context())
		require.NoError(t, err)
		assert.True(t, caps.Has("XNEW"))
		assert.False(t, caps.Has("XOLD"))
	}
}

// TestFlagsOneByOne: a keyword that cannot be one costs itself alone.
func TestFlagsOneByOne(t *testing.T) {
	for _, bad := range []string{`$a{b`, `"unended`, `(x y)`, `a"b`, "\x01", `{`, "a\x7fb"} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("SELECT b")
			h.Send(`* FLAGS (\Seen %s \Deleted $ok)`, bad)
			h.Send("* 1 EXISTS")
			h.Send(`* OK [PERMANENTFLAGS (\Seen %s \*)] x`, bad)
			h.Send("%s OK [READ-WRITE] x", tag)
		})
		mb, err := c.Select(t.Context(), "b", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagDeleted, "$ok"}, mb.Flags, bad)
		assert.Equal(t, []imap.Flag{imap.FlagSeen, imap.FlagAny}, mb.PermanentFlags, bad)
	}
}

// TestNewsBeforeClosed: what comes before CLOSED is about the old mailbox, in the order in which it came.
func TestNewsBeforeClosed(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps+" CONDSTORE", nil, func(h *testkit.Peer) {
		tag := h.Line("SELECT b")
		h.Send(`* 6 EXISTS
* 4 RECENT
* OK [HIGHESTMODSEQ 99] old
* OK [UIDNEXT 77] old
* OK [READ-ONLY] old
* FLAGS (\Old)
* 2 EXPUNGE
* 1 FETCH (FLAGS (\Seen))
* OK [CLOSED] old
* 3 EXISTS
* OK [UIDVALIDITY 5] new
%s OK [READ-WRITE] x`, tag)
		tag = h.Line("SELECT c")
		h.Send("* 9 EXISTS\r\n* 8 EXPUNGE\r\n* 2 RECENT\r\n%s OK x", tag)
	})
	mb, err := c.Select(t.Context(), "b", nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.Mailbox{Name: "b", Exists: 3, UIDValidity: 5}, mb)
	events := c.Events()
	require.Len(t, events, 5)
	assert.Equal(t, &imap.ExistsEvent{Count: 6}, events[0])
	assert.Equal(t, &imap.RecentEvent{Count: 4}, events[1])
	assert.Equal(t, &imap.FlagsEvent{Flags: []imap.Flag{`\Old`}}, events[2])
	assert.Equal(t, &imap.ExpungeEvent{SeqNum: 2}, events[3])
	assert.IsType(t, &imap.FetchEvent{}, events[4])
	mb, err = c.Select(t.Context(), "c", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 9, mb.Exists, "without CLOSED it is about the new one")
	assert.EqualValues(t, 2, mb.Recent)
	assert.Equal(t, []imap.Event{&imap.ExpungeEvent{SeqNum: 8}}, c.Events())
}

// TestPlainSelectEnablesNothing: HIGHESTMODSEQ in the answer to a plain SELECT switches nothing on (RFC 7162 section 3.1).
func TestPlainSelectEnablesNothing(t *testing.T) {
	for how, sel := range map[string]func(c *imap.Client) error{
		"SELECT b": func(c *imap.Client) error { _, err := c.Select(t.Context(), "b", nil); return err },
		"SELECT b (CONDSTORE)": func(c *imap.Client) error {
			_, err := c.Select(t.Context(), "b", &imap.SelectOptions{CondStore: true})
			return err
		},
		"EXAMINE b (CONDSTORE)": func(c *imap.Client) error {
			_, err := c.Do(t.Context(), "EXAMINE", "b", imap.Atom("(CONDSTORE)"))
			return err
		},
	} {
		c := testkit.DialPeerOffering(t, testkit.WireCaps+" CONDSTORE", nil, func(h *testkit.Peer) {
			tag := h.Line(how)
			h.Send("* 1 EXISTS\r\n* OK [HIGHESTMODSEQ 5] x\r\n%s OK x", tag)
		})
		require.NoError(t, sel(c))
		assert.Equal(t, how != "SELECT b", c.Enabled("CONDSTORE"), how)
		assert.EqualValues(t, 5, c.Mailbox().HighestModSeq)
		assert.Equal(t, "b", c.Mailbox().Name)
		assert.Equal(t, strings.HasPrefix(how, "EXAMINE"), c.Mailbox().ReadOnly)
	}
}

// TestDoFollows: Do leaves the state that its command leads to, whatever form its arguments have.
func TestDoFollows(t *testing.T) {
	ctx := t.Context()
	for wire, test := range map[string]struct {
		do   func(c *imap.Client) error
		name string
	}{
		"SELECT Archive":      {func(c *imap.Client) error { _, err := c.Do(ctx, "select", "Archive"); return err }, "Archive"},
		`SELECT "My Mail"`:    {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT", "My Mail"); return err }, "My Mail"},
		`EXAMINE "My  Mail"`:  {func(c *imap.Client) error { _, err := c.Do(ctx, "EXAMINE", imap.Atom(`"My  Mail"`)); return err }, "My  Mail"},
		"SELECT Entw&APw-rfe": {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT", imap.Atom("Entw&APw-rfe")); return err }, "Entwürfe"},
		"SELECT inbox":        {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT", imap.RawMailbox("inbox")); return err }, "INBOX"},
		"SELECT A":            {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT A"); return err }, "A"},
		"CLOSE":               {func(c *imap.Client) error { _, err := c.Do(ctx, "close"); return err }, ""},
		"UNSELECT":            {func(c *imap.Client) error { _, err := c.Do(ctx, "UNSELECT"); return err }, ""},
	} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line(wire)
			h.Send("* 2 EXISTS\r\n%s OK x", tag)
		})
		require.NoError(t, test.do(c), wire)
		if test.name == "" {
			assert.Nil(t, c.Mailbox())
			assert.Equal(t, imap.Authenticated, c.State())
			continue
		}
		assert.Equal(t, test.name, c.Mailbox().Name)
		assert.EqualValues(t, 2, c.Mailbox().Exists)
		assert.Equal(t, strings.HasPrefix(wire, "EXAMINE"), c.Mailbox().ReadOnly)
	}
}

// TestUnknownCapabilities: Select with QResync and Unselect ask what the server can do where it has not sent so.
func TestUnknownCapabilities(t *testing.T) {
	c := testkit.DialPeerGreeting(t, "* PREAUTH hi", func(h *testkit.Peer) {
		tag := h.Line("CAPABILITY")
		h.Send("* CAPABILITY IMAP4rev1 QRESYNC ENABLE UNSELECT\r\n%s OK x", tag)
		tag = h.Line("ENABLE QRESYNC")
		h.Send("* ENABLED QRESYNC\r\n%s OK x", tag)
		tag = h.Line("SELECT b (QRESYNC (7 9))")
		h.Send("* 2 EXISTS\r\n%s OK x", tag)
	})
	_, err := c.Select(t.Context(), "b", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 9}})
	require.NoError(t, err)
	c = testkit.DialPeerGreeting(t, "* PREAUTH hi", func(h *testkit.Peer) {
		tag := h.Line("SELECT b")
		h.Send("* 2 EXISTS\r\n%s OK x", tag)
		tag = h.Line("CAPABILITY")
		h.Send("* CAPABILITY IMAP4rev1 UNSELECT\r\n%s OK x", tag)
		tag = h.Line("UNSELECT")
		h.Send("%s OK x", tag)
	})
	_, err = c.Select(t.Context(), "b", nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(t.Context()))
}

// TestRecentIsTheServers: no command sets \Recent.
func TestRecentIsTheServers(t *testing.T) {
	c := testkit.DialPeerOffering(t, "IMAP4rev1 LITERAL+", nil, func(h *testkit.Peer) {
		tag := h.Line(`UID STORE 1 FLAGS (\Seen)`)
		h.Send("%s OK x", tag)
		tag = h.Line(`APPEND b (\Seen) {1+}`)
		h.Line("")
		h.Send("%s OK x", tag)
		tag = h.Line(`APPEND b {1+}`)
		h.Line("")
		h.Send("%s OK x", tag)
	})
	ctx := t.Context()
	_, err := c.Store(ctx, imap.UIDs(1), imap.SetFlags(imap.FlagSeen, imap.FlagRecent), nil)
	require.NoError(t, err)
	_, err = c.Store(ctx, imap.UIDs(1), imap.AddFlags(`\RECENT`), nil)
	require.NoError(t, err, "nothing is left to be added")
	_, err = c.Append(ctx, "b", imap.LiteralString("x"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagRecent, imap.FlagSeen}})
	require.NoError(t, err)
	_, err = c.Append(ctx, "b", imap.LiteralString("x"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagRecent}})
	require.NoError(t, err)
}

// TestParseFlagsFirstLine: as with imaplib, the list begins in the first line.
func TestParseFlagsFirstLine(t *testing.T) {
	assert.Nil(t, imap.ParseFlags("1 (BODY[] {20}\r\nFLAGS (\\Seen)"))
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, imap.ParseFlags("1 (FLAGS (\\Seen) BODY[] {20}\r\nFLAGS (\\Deleted)"))
	assert.Equal(t, []imap.Flag{imap.FlagSeen, "a"}, imap.ParseFlags("FLAGS (\\Seen\r\na)"))
}

// TestAnswersBeforeTags: two commands alike, whose answers come before both of their tags, get one each.
func TestAnswersBeforeTags(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		lines [2]string
		datas string
		call  func(c *imap.Client, i int) (any, error)
		want  [2]any
	}{
		"STATUS": {[2]string{"STATUS b (MESSAGES)", "STATUS b (UNSEEN)"}, "* STATUS b (MESSAGES 1)\r\n* STATUS b (UNSEEN 2)", callStatus, [2]any{1, 2}},
		"STATUS the other way round": {[2]string{"STATUS b (MESSAGES)", "STATUS b (UNSEEN)"},
			"* STATUS b (UNSEEN 2)\r\n* STATUS b (MESSAGES 1)", callStatus, [2]any{1, 2}},
		"SEARCH": {[2]string{"UID SEARCH SEEN", "UID SEARCH UNSEEN"}, "* SEARCH 1\r\n* SEARCH 2", func(c *imap.Client, i int) (any, error) {
			res, err := c.Search(ctx, []imap.Query{imap.Where().Seen(), imap.Where().Unseen()}[i], nil)
			return res.UIDs.String(), err
		}, [2]any{"1", "2"}},
		"MYRIGHTS": {[2]string{"MYRIGHTS a", "MYRIGHTS b"}, "* MYRIGHTS a lr\r\n* MYRIGHTS b lrs", func(c *imap.Client, i int) (any, error) {
			return c.MyRights(ctx, []string{"a", "b"}[i])
		}, [2]any{"lr", "lrs"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 ACL QUOTA", nil, func(h *testkit.Peer) {
				one, two := h.Line(test.lines[0]), h.Line(test.lines[1])
				h.Send("%s\r\n%s OK x\r\n%s OK x", test.datas, one, two)
			})
			var got [2]any
			p := c.Pipeline()
			for i := range 2 {
				p.Go(func(c *imap.Client) (err error) { got[i], err = test.call(c, i); return err })
			}
			require.NoError(t, p.Wait())
			assert.Equal(t, test.want, got)
		})
	}
	t.Run("LIST waits", func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
			for _, name := range []string{"a", "b"} {
				tag := h.Line(`LIST "" ` + name)
				h.Send("* LIST () NIL %s\r\n%s OK x", name, tag)
			}
		})
		var got [2]string
		p := c.Pipeline()
		for i, name := range []string{"a", "b"} {
			p.Go(func(c *imap.Client) error {
				list, err := c.List(ctx, "", name, nil)
				for _, e := range list {
					got[i] += e.Name
				}
				return err
			})
		}
		require.NoError(t, p.Wait())
		assert.Equal(t, [2]string{"a", "b"}, got)
	})
}

func callStatus(c *imap.Client, i int) (any, error) {
	st, err := c.Status(context.Background(), "b", []imap.StatusItem{imap.StatusMessages, imap.StatusUnseen}[i])
	if err != nil {
		return nil, err
	}
	if n := []*uint32{st.Messages, st.Unseen}[i]; n != nil {
		return int(*n), nil
	}
	return nil, errors.New("the answer of the other")
}

// TestRefusedByNumber: NO is an error of a command that changes something, whatever numbers were there.
func TestRefusedByNumber(t *testing.T) {
	ctx := t.Context()
	for line, call := range map[string]func(c *imap.Client) error{
		"COPY 9 b": func(c *imap.Client) error { _, err := c.Copy(ctx, imap.Seqs(9), "b"); return err },
		"MOVE 9 b": func(c *imap.Client) error { _, err := c.Move(ctx, imap.Seqs(9), "b"); return err },
		`STORE 9 +FLAGS (\Seen)`: func(c *imap.Client) error {
			_, err := c.Store(ctx, imap.Seqs(9), imap.AddFlags(imap.FlagSeen), nil)
			return err
		},
		"FETCH 9 (UID FLAGS)": func(c *imap.Client) error {
			_, err := imap.Collect(c.Fetch(ctx, imap.Seqs(9), imap.FetchFlags))
			return err
		},
		"absent COPY 9 b":      func(c *imap.Client) error { _, err := c.Copy(ctx, imap.Seqs(9), "b"); return err },
		"absent FETCH 9 (UID)": func(c *imap.Client) error { _, err := imap.Collect(c.Fetch(ctx, imap.Seqs(9))); return err },
	} {
		command, absent := strings.CutPrefix(line, "absent ")
		for _, word := range []string{"NO", "BAD"} {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 MOVE", nil, func(h *testkit.Peer) {
				tag := h.Line(command)
				if !absent {
					h.Send("* 9 EXISTS")
				}
				h.Send("%s %s no", tag, word)
			})
			err := call(c)
			forgiven := absent && (word == "BAD" || strings.HasPrefix(command, "FETCH"))
			assert.Equal(t, forgiven, err == nil, "%s, %s: %v", line, word, err)
		}
	}
}

// TestNegativeDurations: nothing is polled without a pause.
func TestNegativeDurations(t *testing.T) {
	for _, o := range []imap.IdleOptions{{For: -1}, {Refresh: -time.Second}, {Poll: -1, For: time.Hour}} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) { assert.Empty(t, h.Line("")) })
		n := 0
		for _, err := range c.Idle(t.Context(), &o) {
			n++
			require.Error(t, err)
			assert.True(t, imap.SafeToRetry(err))
		}
		for _, err := range c.IdleBursts(t.Context(), 0, &o) {
			n++
			require.Error(t, err)
		}
		assert.Equal(t, 2, n)
		c.Close()
	}
}

// TestNegativeLimits: a limit below 0 is the default.
func TestNegativeLimits(t *testing.T) {
	near, far := imaptest.Pipe()
	go far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* OK [ALERT] x\r\nA1 OK x\r\n"))
	c, err := imap.NewClient(t.Context(), near, &imap.Options{MaxLine: -1, MaxLiteral: -1, MaxBuffered: -1, MaxDepth: -1, Timeout: -1})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop(t.Context()))
}

// TestStateString: a value that is none has a name too.
func TestStateString(t *testing.T) {
	assert.Equal(t, "selected", imap.Selected.String())
	assert.Equal(t, "State(9)", imap.State(9).String())
	assert.Equal(t, "State(-1)", imap.State(-1).String())
	assert.Contains(t, (&imap.StateError{Command: "NOOP", State: 7}).Error(), "State(7)")
}

// slowCloser is a stream whose Close blocks until it is released.
type slowCloser struct {
	*imaptest.PipeConn
	closing, release chan struct{}
}

func (s slowCloser) Close() error {
	close(s.closing)
	<-s.release
	return s.PipeConn.Close()
}

// TestCloseThatBlocks: while the Close of a stream blocks, no other method does.
func TestCloseThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		s := slowCloser{near, make(chan struct{}), make(chan struct{})}
		go far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
		c, err := imap.NewClient(t.Context(), s, nil)
		require.NoError(t, err)
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { c.Close() })
		<-s.closing
		assert.Equal(t, imap.LoggedOut, c.State())
		assert.Nil(t, c.Mailbox())
		assert.Empty(t, c.Events())
		assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
		assert.Zero(t, time.Since(began), "nothing waits for the stream")
		wg.Wait()
		assert.Less(t, time.Since(began), time.Second)
		close(s.release)
		far.Close()
	})
}

// plainTimeout is a stream whose deadline is told by net.Error alone.
type plainTimeout struct{ *imaptest.PipeConn }

type bareTimeout struct{}

func (bareTimeout) Error() string   { return "i/o timeout" }
func (bareTimeout) Timeout() bool   { return true }
func (bareTimeout) Temporary() bool { return true }

var _ net.Error = bareTimeout{}

func (s plainTimeout) Read(b []byte) (int, error) {
	n, err := s.PipeConn.Read(b)
	if err != nil && err != io.EOF {
		err = bareTimeout{}
	}
	return n, err
}

// TestTimeoutByNetError: a cancellation leaves the client usable on such a stream too.
func TestTimeoutByNetError(t *testing.T) {
	near, far := imaptest.Pipe()
	h := &testkit.Peer{T: t, Conn: far}
	h.Init()
	arrived, held := make(chan struct{}), make(chan struct{})
	go func() {
		h.Send("* PREAUTH [CAPABILITY IMAP4rev1] hi")
		tag := h.Line("NOOP")
		close(arrived)
		<-held
		h.Send("%s OK x", tag)
		h.Drain()
	}()
	c, err := imap.NewClient(t.Context(), plainTimeout{near}, nil)
	require.NoError(t, err)
	defer c.Close()
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Noop(ctx) })
	close(held)
	require.NoError(t, c.Noop(t.Context()))
}

// unfinished returns a client with INBOX open, for a call that is given up before its answer. The server gets the command
// and answers it when the returned function is called, then plays on.
func unfinished(t *testing.T, command, answer string, play func(h *testkit.Peer)) (c *imap.Client, arrived chan struct{}, goOn func()) {
	t.Helper()
	arrived, held := make(chan struct{}), make(chan struct{})
	c = testkit.DialPeerOffering(t, testkit.WireCaps+" UNSELECT NOTIFY ENABLE CONDSTORE QRESYNC UNAUTHENTICATE UIDPLUS MOVE", nil, func(h *testkit.Peer) {
		tag := h.Line(command)
		close(arrived)
		<-held
		h.Send("%s", strings.ReplaceAll(answer, "$", tag))
		if play != nil {
			play(h)
		}
		h.Drain()
	})
	return c, arrived, func() { close(held) }
}

// needsMailbox are calls that act on the mailbox that is open.
var needsMailbox = map[string]func(ctx context.Context, c *imap.Client) error{
	"Store": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Store(ctx, imap.UIDs(1, 2), imap.AddFlags(imap.FlagDeleted), nil)
		return err
	},
	"UIDExpunge": func(ctx context.Context, c *imap.Client) error { _, err := c.UIDExpunge(ctx, imap.UIDs(1)); return err },
	"Expunge":    func(ctx context.Context, c *imap.Client) error { _, err := c.Expunge(ctx); return err },
	"Move":       func(ctx context.Context, c *imap.Client) error { _, err := c.Move(ctx, imap.UIDs(1), "x"); return err },
	"Copy":       func(ctx context.Context, c *imap.Client) error { _, err := c.Copy(ctx, imap.Seqs(1), "x"); return err },
	"Search": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where(), nil)
		return err
	},
	"Close":    func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) },
	"Unselect": func(ctx context.Context, c *imap.Client) error { return c.Unselect(ctx) },
	"Recent":   func(ctx context.Context, c *imap.Client) error { _, err := c.Recent(ctx); return err },
	"Fetch": func(ctx context.Context, c *imap.Client) error {
		for _, err := range c.Fetch(ctx, imap.Seqs(1), imap.FetchFlags) {
			return err
		}
		return nil
	},
	"Do UID": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Do(ctx, "UID EXPUNGE", imap.UIDs(1))
		return err
	},
	"Do CLOSE": func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "CLOSE"); return err },
	"in a pipeline": func(ctx context.Context, c *imap.Client) error {
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error { _, err := c.UIDExpunge(ctx, imap.UIDs(1)); return err })
		return p.Wait()
	},
}

// TestSelectGivenUp: a mailbox that a SELECT opens after its caller has gone is nobody's. No command runs in it, and
// nothing reports that the one before it were still open.
func TestSelectGivenUp(t *testing.T) {
	selects := map[string]func(ctx context.Context, c *imap.Client) error{
		"Select":  func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "B", nil); return err },
		"Examine": func(ctx context.Context, c *imap.Client) error { _, err := c.Examine(ctx, "B", nil); return err },
		"Do":      func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "SELECT", "B"); return err },
		"Do with the name in the command": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Do(ctx, "SELECT B")
			return err
		},
	}
	for how, sel := range selects {
		for name, call := range needsMailbox {
			t.Run(how+", "+name, func(t *testing.T) {
				command := "SELECT B"
				if how == "Examine" {
					command = "EXAMINE B"
				}
				c, arrived, goOn := unfinished(t, command, "* 9 EXISTS\r\n* OK [UIDVALIDITY 99] x\r\n* 3 FETCH (FLAGS ())\r\n$ OK [READ-WRITE] done\r\n* 4 EXPUNGE",
					func(h *testkit.Peer) {
						tag := h.Line("NOOP")
						h.Send("* 5 EXPUNGE\r\n%s OK done", tag)
						tag = h.Line("SELECT A")
						h.Send("* OK [CLOSED] B\r\n* 3 EXISTS\r\n%s OK [READ-WRITE] done", tag)
					})
				testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return sel(ctx, c) })
				assert.Nil(t, c.Mailbox(), "INBOX is not open any more, or it is: unknown")
				assert.Equal(t, imap.Authenticated, c.State())
				goOn()
				err := call(t.Context(), c)
				var state *imap.StateError
				require.ErrorAs(t, err, &state)
				assert.Equal(t, imap.Authenticated, state.State)
				assert.ErrorContains(t, err, "given up")
				assert.True(t, imap.SafeToRetry(err))
				assert.Nil(t, c.Mailbox())
				require.NoError(t, c.Noop(t.Context()))
				assert.Empty(t, c.Events(), "of a mailbox that nobody opened")
				mb, err := c.Select(t.Context(), "A", nil)
				require.NoError(t, err)
				assert.EqualValues(t, 3, mb.Exists)
				assert.Equal(t, "A", c.Mailbox().Name)
				assert.NoError(t, call(t.Context(), c), "what the caller has seen opened")
			})
		}
	}
}

// TestChangeGivenUp: the state behind a command that was given up is what its answer says, once that was read, and unknown
// before.
func TestChangeGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		command, answer string
		call            func(ctx context.Context, c *imap.Client) error
		before, after   imap.State
		mailbox         string
	}{
		"SELECT refused": {"SELECT B", "$ NO no", func(ctx context.Context, c *imap.Client) error {
			_, err := c.Select(ctx, "B", nil)
			return err
		}, imap.Authenticated, imap.Authenticated, ""},
		"CLOSE": {"CLOSE", "$ OK done", func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) },
			imap.Authenticated, imap.Authenticated, ""},
		"CLOSE refused": {"CLOSE", "$ NO no", func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) },
			imap.Authenticated, imap.Selected, "INBOX"},
		"UNSELECT": {"UNSELECT", "$ OK done", func(ctx context.Context, c *imap.Client) error { return c.Unselect(ctx) },
			imap.Authenticated, imap.Authenticated, ""},
		"UNAUTHENTICATE": {"UNAUTHENTICATE", "$ OK done", func(ctx context.Context, c *imap.Client) error { return c.Unauthenticate(ctx) },
			imap.NotAuthenticated, imap.NotAuthenticated, ""},
		"UNAUTHENTICATE refused": {"UNAUTHENTICATE", "$ NO no", func(ctx context.Context, c *imap.Client) error { return c.Unauthenticate(ctx) },
			imap.NotAuthenticated, imap.Selected, "INBOX"},
	} {
		t.Run(name, func(t *testing.T) {
			c, arrived, goOn := unfinished(t, test.command, test.answer, nil)
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return test.call(ctx, c) })
			assert.Nil(t, c.Mailbox())
			assert.Equal(t, test.before, c.State())
			goOn()
			require.NoError(t, c.Noop(t.Context()))
			assert.Equal(t, test.after, c.State())
			if test.mailbox == "" {
				assert.Nil(t, c.Mailbox())
			} else if assert.NotNil(t, c.Mailbox()) {
				assert.Equal(t, test.mailbox, c.Mailbox().Name)
			}
		})
	}
}

// TestEnableGivenUp: an extension counts as on when the server sent so, the goroutine that reads it.
func TestEnableGivenUp(t *testing.T) {
	c, arrived, goOn := unfinished(t, "ENABLE QRESYNC", "* ENABLED QRESYNC\r\n$ OK done", nil)
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { _, err := c.Enable(ctx, "QRESYNC"); return err })
	assert.False(t, c.Enabled("QRESYNC"))
	goOn()
	require.NoError(t, c.Noop(t.Context()))
	assert.True(t, c.Enabled("QRESYNC"))
}

// TestLoginGivenUp: who is logged in, and what the server offers, is unknown until the answer to LOGIN was read.
func TestLoginGivenUp(t *testing.T) {
	for answer, state := range map[string]imap.State{
		"$ OK [CAPABILITY IMAP4rev1 XNEW] done": imap.Authenticated,
		"$ NO no":                               imap.NotAuthenticated,
	} {
		arrived, held := make(chan struct{}), make(chan struct{})
		c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 XOLD", func(h *testkit.Peer) {
			tag := h.Line("LOGIN ada \"secret\"")
			close(arrived)
			<-held
			h.Send("%s", strings.ReplaceAll(answer, "$", tag))
			h.Drain()
		})
		testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Login(ctx, "ada", "secret") })
		assert.Equal(t, imap.NotAuthenticated, c.State())
		assert.False(t, c.Caps().Has("XOLD"), "may not hold any more")
		close(held)
		require.NoError(t, c.Noop(t.Context()))
		assert.Equal(t, state, c.State())
		assert.Equal(t, state == imap.Authenticated, c.Caps().Has("XNEW"))
		assert.Equal(t, state != imap.Authenticated, c.Caps().Has("XOLD"))
	}
}

// TestSelectGivenUpBesideAnother: who waits behind a SELECT of another caller that is given up does not run in its mailbox.
func TestSelectGivenUpBesideAnother(t *testing.T) {
	c, arrived, goOn := unfinished(t, "SELECT B", "* 9 EXISTS\r\n$ OK done", nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	selected := make(chan error)
	go func() { _, err := c.Select(ctx, "B", nil); selected <- err }()
	<-arrived
	stored := make(chan error)
	go func() {
		_, err := c.Store(t.Context(), imap.UIDs(1), imap.AddFlags(imap.FlagDeleted), nil)
		stored <- err
	}()
	cancel(testkit.ErrGivenUp)
	require.ErrorIs(t, <-selected, testkit.ErrGivenUp)
	goOn()
	var state *imap.StateError
	require.ErrorAs(t, <-stored, &state)
}

// TestDoKeepsStatusText checks that Do returns untagged OK, NO and BAD with their code and text.
func TestDoKeepsStatusText(t *testing.T) {
	c := testkit.Selected(t, `
C: $ XCHECK
S: * OK [ALERT] the disk is full
S: * NO not now
S: * OK
S: $ OK done
`)
	res, err := c.Do(testkit.Context(t), "XCHECK")
	require.NoError(t, err)
	assert.Equal(t, []imap.Untagged{
		{Name: "OK", Rest: []byte("[ALERT] the disk is full")},
		{Name: "NO", Rest: []byte("not now")},
		{Name: "OK", Rest: []byte("")},
	}, res.Untagged)
}
