package state_test

import (
	"context"
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

// TestCapabilitiesWithoutIMAP4: a list of capabilities without IMAP4 does not replace the previous one.
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

// TestFlagsOneByOne: an invalid keyword affects only itself.
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

// TestUnsolicitedBeforeClosed: data before CLOSED is about the old mailbox, and keeps its order.
func TestUnsolicitedBeforeClosed(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps+" CONDSTORE", nil, func(h *testkit.Peer) {
		tag := h.Line("SELECT b")
		h.Send(`* 6 EXISTS
* 4 RECENT
* OK [HIGHESTMODSEQ 99] old
* OK [UIDNEXT 77] old
* OK [READ-ONLY] old
* FLAGS (\Old)
* OK [ALERT] between
* 2 EXPUNGE
* OK [XCODE] between too
* 1 FETCH (FLAGS (\Seen))
* OK [CLOSED] old
* OK [ALERT] behind
* 3 EXISTS
* OK [UIDVALIDITY 5] new
%s OK [READ-WRITE] x`, tag)
		tag = h.Line("SELECT c")
		h.Send("* 9 EXISTS\r\n* 8 EXPUNGE\r\n* OK [ALERT] new\r\n* 7 EXPUNGE\r\n* 2 RECENT\r\n%s OK x", tag)
	})
	mb, err := c.Select(t.Context(), "b", nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.Mailbox{Name: "b", Exists: 3, UIDValidity: 5}, mb)
	events := c.Events()
	require.Len(t, events, 8)
	assert.IsType(t, &imap.FetchEvent{}, events[6])
	assert.Equal(t, []imap.Event{
		&imap.ExistsEvent{Count: 6},
		&imap.RecentEvent{Count: 4},
		&imap.FlagsEvent{Flags: []imap.Flag{`\Old`}},
		&imap.AlertEvent{Text: "between"},
		&imap.ExpungeEvent{SeqNum: 2},
		&imap.CodeEvent{Code: "XCODE", Text: "between too"},
		events[6],
		&imap.AlertEvent{Text: "behind"},
	}, events)
	mb, err = c.Select(t.Context(), "c", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 9, mb.Exists, "without CLOSED it is about the new one")
	assert.EqualValues(t, 2, mb.Recent)
	assert.Equal(t, []imap.Event{&imap.ExpungeEvent{SeqNum: 8}, &imap.AlertEvent{Text: "new"}, &imap.ExpungeEvent{SeqNum: 7}}, c.Events())
}

// TestPlainSelectEnablesNothing: HIGHESTMODSEQ in the answer to a plain SELECT enables nothing (RFC 7162 section 3.1).
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
		"EXAMINE b (condstore)": func(c *imap.Client) error {
			_, err := c.Do(t.Context(), "EXAMINE", imap.Atom("b (condstore)"))
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

// TestDoUpdatesState: Do changes the state as its command does, whatever form its arguments have.
func TestDoUpdatesState(t *testing.T) {
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
		"SELECT Work":         {func(c *imap.Client) error { _, err := c.Do(ctx, "select Work"); return err }, "Work"},
		`SELECT "a \"b\""`:    {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT", imap.Atom(`"a \"b\""`)); return err }, `a "b"`},
		"SELECT b (UNKNOWN)":  {func(c *imap.Client) error { _, err := c.Do(ctx, "SELECT", imap.Atom("b (UNKNOWN)")); return err }, "b"},
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

// TestDoSelectsKnownName: a SELECT whose mailbox would not be known after it is not sent.
func TestDoSelectsKnownName(t *testing.T) {
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) { h.Send("%s OK x", h.Line("NOOP")) })
	_, err := c.Do(t.Context(), "SELECT", imap.Literal{R: strings.NewReader("Archive"), Size: 7})
	var bad *imap.ArgumentError
	require.ErrorAs(t, err, &bad)
	require.NoError(t, c.Noop(t.Context()))
	assert.Equal(t, "INBOX", c.Mailbox().Name)
}

// TestDoKeepsCase: words after the name of a command are arguments, whose case matters, and which are in no error.
func TestDoKeepsCase(t *testing.T) {
	c := testkit.Offering(t, "", `
		C: $ DELETE Work
		S: $ NO [NOPERM] no
		C: $ UID XFETCH 1:2 aB
		S: $ OK done
	`)
	_, err := c.Do(testkit.Context(t), "Delete Work")
	require.EqualError(t, err, "imap: DELETE: NO [NOPERM] no")
	_, err = c.Do(testkit.Context(t), "uid xfetch 1:2 aB")
	require.NoError(t, err)
	_, err = c.Do(testkit.Context(t), "logout now")
	require.ErrorContains(t, err, "method of its own")
}

// TestUnknownCapabilities: Select with QResync and Unselect request the capabilities if the server has not sent them.
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

// TestRecentIsNeverSent: no command sets \Recent.
func TestRecentIsNeverSent(t *testing.T) {
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

// TestRefusedByNumber: NO to a command that changes something is an error, whatever numbers existed.
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

// TestNegativeDurations: negative durations are refused, so that nothing is polled without a pause.
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

// TestNegativeLimits: a negative limit means the default.
func TestNegativeLimits(t *testing.T) {
	near, far := imaptest.Pipe()
	go far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* OK [ALERT] x\r\nA1 OK x\r\n"))
	c, err := imap.NewClient(t.Context(), near, &imap.Options{MaxLine: -1, MaxLiteral: -1, MaxBuffered: -1, MaxDepth: -1, Timeout: -1})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop(t.Context()))
}

// TestStateString: an invalid value has a name too.
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

// plainTimeout is a stream that reports deadlines only through net.Error.
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

// TestCodeOfNoCommand: a code that belongs in a result is not an event if it arrives without a command that has one.
func TestCodeOfNoCommand(t *testing.T) {
	c := testkit.Offering(t, "", "C: $ NOOP\nS: * OK [COPYUID 1 2 3] copied\nS: * OK [APPENDUID 1 2] added\nS: $ OK done\n")
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Empty(t, c.Events())
}

// TestErrAndBye: the end of a connection and the server's text are known without a command.
func TestErrAndBye(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Err())
		assert.Nil(t, c.Bye())
		require.NoError(t, c.Logout(testkit.Context(t)))
		require.ErrorIs(t, c.Err(), imap.ErrClosed)
		if bye := c.Bye(); assert.NotNil(t, bye) {
			assert.Equal(t, "BYE", bye.Status)
			assert.NotEmpty(t, bye.Text)
		}
	})
	c := testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nS: * BYE [UNAVAILABLE] maintenance\nCLOSE\n")
	err := c.Noop(testkit.Context(t))
	require.Error(t, err)
	require.ErrorIs(t, c.Err(), imap.ErrClosed)
	assert.Contains(t, c.Err().Error(), "maintenance")
	assert.Equal(t, imap.CodeUnavailable, c.Bye().Code)
	c = testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nCLOSE\n")
	require.Error(t, c.Noop(testkit.Context(t)))
	require.ErrorIs(t, c.Err(), imap.ErrClosed)
	require.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	assert.Nil(t, c.Bye())
	c = testkit.FollowText(t, "S: * PREAUTH hello\n")
	require.NoError(t, c.Close())
	assert.Equal(t, imap.ErrClosed, c.Err())
}

// TestInfoEvent: informational messages of the server are events.
func TestInfoEvent(t *testing.T) {
	c := testkit.FollowText(t, "S: * PREAUTH hello\nC: $ NOOP\nS: * OK Still here\nS: * OK [X-NEW a code that is not whole\nS: $ OK done\n")
	c.Events()
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Equal(t, []imap.Event{&imap.InfoEvent{Text: "Still here"}}, c.Events())
}

// TestEnableOption: the extensions of Options.Enable are enabled after a login and on a connection that is already logged
// in, and skipped if the server does not offer them.
func TestEnableOption(t *testing.T) {
	c := testkit.FollowWith(t, &imap.Options{Enable: []string{"IMAP4rev2", "UTF8=ACCEPT", "X"}}, `
		S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE IMAP4rev2] hello
		C: $ ENABLE IMAP4rev2
		S: * ENABLED IMAP4rev2
		S: $ OK done
		C: $ SELECT "Entwürfe"
		S: * 0 EXISTS
		S: $ OK done
	`)
	testkit.Open(t, c, "Entwürfe")
	c = testkit.FollowWith(t, &imap.Options{Enable: []string{"IMAP4rev2"}}, `
		S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE] hello
		C: $ NOOP
		S: $ OK done
	`)
	require.NoError(t, c.Noop(testkit.Context(t)))
}
