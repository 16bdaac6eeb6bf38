package state_test

import (
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inflating switches a peer to DEFLATE.
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

// TestCompressGivenUp: the connection is compressed after the OK to a COMPRESS that was given up, and not after a NO.
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

// TestNotifyGivenUp: NOTIFY is on once the server has confirmed it, whichever goroutine reads that: data of other mailboxes
// becomes events.
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

// TestStartTLSGivenUp: after a STARTTLS that was given up TLS may have begun: nothing is sent unencrypted any more.
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

// panickingMechanism panics in Next, or with a success in Finish, before it has checked the server.
type panickingMechanism struct{ late bool }

func (panickingMechanism) Start() (string, []byte, error) { return "X-TEST", nil, nil }
func (m panickingMechanism) Next([]byte) ([]byte, error) {
	if m.late {
		return nil, nil
	}
	panic("in Next")
}
func (panickingMechanism) Finish([]byte) error { panic("in Finish") }

// TestMechanismPanics: a login whose mechanism panicked is given up, at a server that has proved nothing.
func TestMechanismPanics(t *testing.T) {
	for _, late := range []bool{false, true} {
		c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 AUTH=X-TEST", func(h *testkit.Peer) {
			tag := h.Line("AUTHENTICATE X-TEST")
			h.Send("+ ")
			h.In.ReadString('\n')
			h.Send("%s OK welcome", tag)
			h.Drain()
		})
		require.Panics(t, func() { c.Authenticate(t.Context(), panickingMechanism{late}) })
		require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
		require.Equal(t, imap.LoggedOut, c.State())
	}
}

// TestProxyAuthGivenUp: no command runs as the user of a PROXYAUTH that was given up, which its caller takes for a failure.
func TestProxyAuthGivenUp(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"ProxyAuth": func(ctx context.Context, c *imap.Client) error { return c.ProxyAuth(ctx, "bob") },
		"Do":        func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "PROXYAUTH", "bob"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			c, arrived, goOn := unfinished(t, "PROXYAUTH bob", "$ OK you are bob", nil)
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return call(ctx, c) })
			goOn()
			_, err := c.Expunge(testkit.Context(t))
			require.ErrorContains(t, err, "changed the user")
			assert.Equal(t, imap.LoggedOut, c.State())
		})
	}
	c, arrived, goOn := unfinished(t, "PROXYAUTH bob", "$ NO you are not allowed", nil)
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.ProxyAuth(ctx, "bob") })
	goOn()
	require.NoError(t, c.Noop(testkit.Context(t)))
}

// unfinished returns a client with INBOX open, for a call that is given up before its answer. The server receives the
// command and answers it when the returned function is called, then continues with play.
func unfinished(t *testing.T, command, answer string, play func(h *testkit.Peer)) (c *imap.Client, arrived chan struct{}, goOn func()) {
	t.Helper()
	arrived, held := make(chan struct{}), make(chan struct{})
	c = testkit.DialPeerOffering(t, testkit.WireCaps+" UNSELECT NOTIFY ENABLE CONDSTORE QRESYNC UNAUTHENTICATE UIDPLUS MOVE MULTISEARCH", nil, func(h *testkit.Peer) {
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

// needsMailbox are calls that act on the selected mailbox.
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
	"SearchMailboxes": func(ctx context.Context, c *imap.Client) error {
		_, err := c.SearchMailboxes(ctx, nil, imap.Where(), nil)
		return err
	},
	"SearchMailboxes with a scope": func(ctx context.Context, c *imap.Client) error {
		_, err := c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifySelected}}, imap.Where(), nil)
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

// TestSelectGivenUp: after a SELECT that was given up no mailbox counts as selected: no command runs in the new one, and
// nothing reports that the old one is still open.
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

// TestChangeGivenUp: the state after a command that was given up is that of its answer, once it has been read, and unknown
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

// TestEnableGivenUp: an extension is enabled once the server has confirmed it, whichever goroutine reads that.
func TestEnableGivenUp(t *testing.T) {
	c, arrived, goOn := unfinished(t, "ENABLE QRESYNC", "* ENABLED QRESYNC\r\n$ OK done", nil)
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { _, err := c.Enable(ctx, "QRESYNC"); return err })
	assert.False(t, c.Enabled("QRESYNC"))
	goOn()
	require.NoError(t, c.Noop(t.Context()))
	assert.True(t, c.Enabled("QRESYNC"))
}

// TestLoginGivenUp: the authentication state and the capabilities are unknown until the answer to LOGIN has been read.
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

// TestSelectGivenUpBeforeAnother: a call that waits behind a SELECT of another caller, which is given up, does not run in
// its mailbox.
func TestSelectGivenUpBeforeAnother(t *testing.T) {
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

// TestUpdatesGivenUpBeforeTheAnswer: a search with UPDATE whose ctx ends before the answer is cancelled at the server
// before the next command, unless another mailbox is opened or the server refused the search.
func TestUpdatesGivenUpBeforeTheAnswer(t *testing.T) {
	const accepted = "S: * ESEARCH (TAG \"A2\") UID ALL 3\nS: A2 OK done\n"
	for name, test := range map[string]struct {
		script string
		call   func(ctx context.Context, c *imap.Client) error
	}{
		"another command": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal of CANCELUPDATE": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ BAD what?\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"a refusal": {"S: A2 NO [NOUPDATE \"A2\"] no\nC: $ NOOP\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) }},
		"another mailbox": {accepted + "C: $ SELECT other\nS: * 0 EXISTS\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "other", nil); return err }},
		"a mailbox that is not asked for": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error {
				if _, err := c.Select(ctx, "no\x00name", nil); !errors.As(err, new(*imap.ArgumentError)) {
					return fmt.Errorf("SELECT ends with %v", err)
				}
				return nil
			}},
		"a pipeline": {accepted + "C: $ CANCELUPDATE \"A2\"\nS: $ OK done\nC: $ NOOP\nC: $ NOOP\nS: $ OK done\nS: A4 OK done\nC: $ NOOP\nS: $ OK done\n",
			func(ctx context.Context, c *imap.Client) error {
				p := c.Pipeline()
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
				return p.Wait()
			}},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			t.Cleanup(func() { far.Close() })
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				imaptest.Script(t, far, "S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH CONTEXT=SEARCH] hi\n"+
					"C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ UID SEARCH RETURN (ALL UPDATE) DELETED\n")
			}()
			c, err := imap.NewClient(testkit.Context(t), near, nil)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			testkit.Open(t, c, "INBOX")
			ctx, cancel := context.WithCancelCause(testkit.Context(t))
			go func() {
				<-asked
				cancel(testkit.ErrGone)
			}()
			for _, err := range c.SearchUpdates(ctx, imap.Where().Deleted(), nil) {
				require.ErrorIs(t, err, testkit.ErrGone)
			}
			played := make(chan struct{})
			go func() {
				defer close(played)
				imaptest.Script(t, far, test.script)
			}()
			require.NoError(t, test.call(testkit.Context(t), c))
			require.NoError(t, c.Noop(testkit.Context(t)))
			<-played
			for _, ev := range c.Events() {
				_, update := ev.(*imap.ContextEvent)
				assert.False(t, update)
			}
		})
	}
}

// TestDoNumbers: the sequence numbers in a SeqSet of Do mean what they meant when the call began, before the answer to an earlier
// command was read. Those of a UID command are UIDs.
func TestDoNumbers(t *testing.T) {
	for want, args := range map[string][]any{
		`STORE 4 +FLAGS (\Deleted)`:     {"STORE", imap.Seqs(5), imap.Atom("+FLAGS"), []any{imap.FlagDeleted}},
		`UID SEARCH OR 1:2 4`:           {"UID SEARCH", imap.Atom("OR"), imap.SeqRange(2, 3), imap.Seqs(5)},
		`SEARCH (4 SEEN)`:               {"SEARCH", []any{imap.Seqs(5), imap.Atom("SEEN")}},
		`UID STORE 5 +FLAGS (\Deleted)`: {"UID STORE", imap.Seqs(5), imap.Atom("+FLAGS"), []any{imap.FlagDeleted}},
	} {
		t.Run(want, func(t *testing.T) {
			arrived, held := make(chan struct{}), make(chan struct{})
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("NOOP")
				close(arrived)
				<-held
				h.Send("* 1 EXPUNGE\r\n%s OK", tag)
				h.Send("%s OK", h.Line(want))
			})
			testkit.LeaveUnanswered(t, arrived, c.Noop)
			close(held)
			_, err := c.Do(testkit.Context(t), args[0].(string), args[1:]...)
			require.NoError(t, err)
		})
	}
}

// TestSavedResultGivenUp: "$" is not used while it is the result of a search that was given up: the caller takes it for that of
// the search before.
func TestSavedResultGivenUp(t *testing.T) {
	save := &imap.SearchOptions{Save: true}
	searches := map[string]func(ctx context.Context, c *imap.Client) error{
		"UID SEARCH RETURN (SAVE) SEEN": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Search(ctx, imap.Where().Seen(), save))
		},
		"SEARCH RETURN (SAVE) SEEN": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.SearchSeq(ctx, imap.Where().Seen(), save))
		},
		"UID SORT RETURN (SAVE) (SIZE) UTF-8 SEEN": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.SortExtended(ctx, testkit.SortBy("SIZE"), imap.Where().Seen(), save))
		},
		"UID SEARCH Return (Min Save) SEEN": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Do(ctx, "UID SEARCH", imap.Atom("Return (Min Save) SEEN")))
		},
		"SEARCH RETURN (SAVE) SAVE": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Do(ctx, "search", imap.Atom("RETURN"), []any{imap.Atom("SAVE")}, imap.Atom("SAVE")))
		},
	}
	for command, search := range searches {
		for answer, fails := range map[string]bool{"OK": true, "NO": false} {
			t.Run(command+answer, func(t *testing.T) {
				arrived, held := make(chan struct{}), make(chan struct{})
				c := testkit.DialPeerOffering(t, testkit.WireCaps+" ESEARCH SORT ESORT", nil, func(h *testkit.Peer) {
					tag := h.Line(command)
					close(arrived)
					<-held
					h.Send("%s %s done", tag, answer)
					if fails {
						tag = h.Line("UID SEARCH RETURN (SAVE) ALL")
						h.Send("%s OK done", tag)
					}
					for _, line := range []string{`UID STORE $ +FLAGS (\Deleted)`, "UID SEARCH RETURN (ALL) $"} {
						tag = h.Line(line)
						h.Send("%s OK done", tag)
					}
				})
				testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return search(ctx, c) })
				close(held)
				ctx := testkit.Context(t)
				use := func() (errs [2]error) {
					_, errs[0] = c.Store(ctx, imap.SavedResult, imap.AddFlags(imap.FlagDeleted), nil)
					_, errs[1] = c.Search(ctx, imap.Where().In(imap.SavedResult), nil)
					return errs
				}
				if fails {
					for _, err := range use() {
						require.ErrorContains(t, err, "given up")
						assert.True(t, imap.SafeToRetry(err))
					}
					_, err := c.Search(ctx, imap.Where(), save)
					require.NoError(t, err)
				}
				assert.Equal(t, [2]error{}, use())
			})
		}
	}
}
