package imap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// TestIdleRefresh: IDLE is ended and started again before a server logs the client out, and no event is lost.
func TestIdleRefresh(t *testing.T) {
	for refresh, want := range map[time.Duration]time.Duration{0: 28 * time.Minute, 5 * time.Minute: 5 * time.Minute} {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			for i := range 4 {
				tag := h.Idle()
				began := time.Now()
				h.Done(tag)
				took := time.Since(began)
				assert.LessOrEqual(h.T, took, want)
				assert.Greater(h.T, took, want-2*time.Minute)
				h.Send("* %d EXISTS", 10+i)
			}
			h.Done(h.Idle())
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			n := uint32(10)
			for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{Refresh: refresh}) {
				require.NoError(t, err)
				require.Equal(t, &imap.ExistsEvent{Count: n}, ev)
				if n++; n == 14 {
					break
				}
			}
			require.NoError(t, c.Noop(t.Context()))
		})
	}
}

// TestIdleDeadPeer: a server that does not answer DONE is given up after Timeout.
func TestIdleDeadPeer(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		h.Idle()
		h.In.ReadString('\n')
	}, func(t *testing.T, c *imap.Client) {
		began := time.Now()
		_, err := testkit.OneEvent(t.Context(), c, nil)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, err, imap.ErrClosed)
		assert.LessOrEqual(t, time.Since(began), 31*time.Minute)
		assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	})
}

// TestIdleDenied: a refusal by the server is the error, with the server's text, and the client stays usable.
func TestIdleDenied(t *testing.T) {
	for _, answer := range []string{"NO [UNAVAILABLE] not now", "BAD Unknown command", "OK Idle completed"} {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			h.Send("* 7 EXISTS\r\n%s %s", h.Line("IDLE"), answer)
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			var last error
			var events []imap.Event
			for ev, err := range c.Idle(t.Context(), nil) {
				if last = err; err == nil {
					events = append(events, ev)
				}
			}
			require.Error(t, last)
			assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 7}}, events)
			e, refused := errors.AsType[*imap.Error](last)
			assert.Equal(t, answer[:2] != "OK", refused)
			if refused {
				assert.True(t, strings.HasPrefix(answer, e.Status), "%v", e)
				assert.Equal(t, "IDLE", e.Command)
			}
			require.NoError(t, c.Noop(t.Context()))
		})
	}
}

// TestIdleWithoutContinuation: a server that does not answer IDLE is given up after Timeout.
func TestIdleWithoutContinuation(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		h.Line("IDLE")
		h.Line("")
	}, func(t *testing.T, c *imap.Client) {
		began := time.Now()
		_, err := testkit.OneEvent(t.Context(), c, nil)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, err, imap.ErrClosed)
		assert.Equal(t, 2*time.Minute, time.Since(began))
	})
}

// TestIdleEndedByServer: an IDLE that the server ends by itself is started again, but with a pause.
func TestIdleEndedByServer(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		began := time.Now()
		for range 10 {
			h.Send("%s OK enough", h.Idle())
		}
		assert.GreaterOrEqual(h.T, time.Since(began), 9*time.Second)
		tag := h.Idle()
		time.Sleep(10 * time.Minute)
		h.Send("%s OK enough", tag)
		ended := time.Now()
		tag = h.Idle()
		assert.Less(h.T, time.Since(ended), time.Second)
		h.Send("* 8 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		ev, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 8}, ev)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleRefusedLater: NO at the end of an IDLE that had begun is an error too.
func TestIdleRefusedLater(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		time.Sleep(time.Minute)
		h.Send("%s NO [INUSE] somebody else", tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		_, err := testkit.OneEvent(t.Context(), c, nil)
		assert.Equal(t, imap.Code("INUSE"), imap.CodeOf(err))
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleBYE: the text of a BYE reaches the caller.
func TestIdleBYE(t *testing.T) {
	for _, before := range []bool{true, false} {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			if before {
				h.Line("IDLE")
			} else {
				h.Idle()
				time.Sleep(time.Minute)
			}
			h.Send("* BYE [UNAVAILABLE] going down")
			h.Conn.Close()
		}, func(t *testing.T, c *imap.Client) {
			_, err := testkit.OneEvent(t.Context(), c, nil)
			e, ok := errors.AsType[*imap.Error](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, &imap.Error{Command: "IDLE", Status: "BYE", Code: "UNAVAILABLE", Text: "going down"}, e)
			assert.ErrorIs(t, err, imap.ErrClosed)
			assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
		})
	}
}

// TestIdlePolling: without the capability NOOP is sent, at once and then at the given interval.
func TestIdlePolling(t *testing.T) {
	for poll, want := range map[time.Duration]time.Duration{0: time.Minute, 10 * time.Second: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			near, far := imaptest.Pipe()
			h := &testkit.Peer{T: t, Conn: far}
			go func() {
				var last time.Time
				h.Init()
				h.Send("* PREAUTH [CAPABILITY IMAP4rev1] hi")
				for i := range 4 {
					tag := h.Line("NOOP")
					if i > 0 {
						assert.Equal(h.T, want, time.Since(last))
					}
					last = time.Now()
					if i == 3 {
						h.Send("* 4 EXISTS\r\n* 1 EXPUNGE")
					}
					h.Send("%s OK done", tag)
				}
				h.OK()
			}()
			c, err := imap.NewClient(t.Context(), near, nil)
			require.NoError(t, err)
			defer c.Close()
			began := time.Now()
			var events []imap.Event
			for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{Poll: poll, For: 3*want + want/2}) {
				require.NoError(t, err)
				events = append(events, ev)
			}
			assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 4}, &imap.ExpungeEvent{SeqNum: 1}}, events)
			assert.Equal(t, 3*want+want/2, time.Since(began))
			ctx, cancel := context.WithTimeout(t.Context(), want/2)
			defer cancel()
			_, err = testkit.OneEvent(ctx, c, &imap.IdleOptions{Poll: poll})
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, c.Noop(t.Context()))
		})
	}
}

// TestIdlePollingAndStream: while another goroutine reads a stream no NOOP can be sent; Idle continues afterwards.
func TestIdlePollingAndStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", `
			C: $ SELECT INBOX
			S: $ OK
			C: $ NOOP
			S: $ OK
			C: $ UID FETCH 1 (UID BODY.PEEK[])
			S: * 1 FETCH (UID 1 BODY[] {4}
			S: text)
			S: $ OK
			C: $ NOOP
			S: * 9 EXISTS
			S: $ OK
		`)
		_, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		go func() {
			time.Sleep(30 * time.Second)
			for range c.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
				time.Sleep(5 * time.Minute)
			}
		}()
		ev, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 9}, ev)
	})
}

// TestIdleFor: Idle ends without an error after the given time, with and without events.
func TestIdleFor(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		for i := range 8 {
			time.Sleep(90 * time.Second)
			h.Send("* %d EXISTS", i+6)
		}
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		began, n := time.Now(), 0
		for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: 10 * time.Minute}) {
			require.NoError(t, err)
			n++
		}
		assert.Equal(t, 10*time.Minute, time.Since(began))
		assert.Equal(t, 6, n)
		time.Sleep(3 * time.Minute)
		require.NoError(t, c.Noop(t.Context()))
		assert.Len(t, c.Events(), 2)
	})
}

// TestIdleForWithoutContinuation: Idle also ends after the given time if the server has not answered IDLE by then. The next
// command waits for that answer, and ends the IDLE.
func TestIdleForWithoutContinuation(t *testing.T) {
	for name, answer := range map[string]string{"+": "+ idling", "NO": "$ NO not now"} {
		t.Run(name, func(t *testing.T) {
			testkit.IdlePeer(t, &imap.Options{Timeout: time.Hour}, func(h *testkit.Peer) {
				tag := h.Line("IDLE")
				time.Sleep(5 * time.Minute)
				h.Send("* 6 EXISTS\r\n%s", strings.Replace(answer, "$", tag, 1))
				if name == "+" {
					h.Done(tag)
				}
				h.OK()
			}, func(t *testing.T, c *imap.Client) {
				began := time.Now()
				for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
					t.Errorf("%v, %v", ev, err)
				}
				assert.Equal(t, time.Minute, time.Since(began))
				require.NoError(t, c.Noop(t.Context()))
				assert.Len(t, c.Events(), 1)
			})
		})
	}
}

// TestIdleForBehindCommand: nor does Idle wait longer for the answer to another command, or to its NOOP. The next command does.
func TestIdleForBehindCommand(t *testing.T) {
	for command, caps := range map[string]string{"CHECK": "IMAP4rev1 IDLE", "NOOP": "IMAP4rev1"} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testkit.DialPeerOffering(t, caps, &imap.Options{Timeout: time.Hour}, func(h *testkit.Peer) {
					tag := h.Line(command)
					time.Sleep(5 * time.Minute)
					h.Send("* 6 EXISTS\r\n%s OK [X-NEWS] done", tag)
					h.OK()
				})
				if command == "CHECK" {
					go c.Check(t.Context())
					synctest.Wait()
				}
				began := time.Now()
				for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
					t.Errorf("%v, %v", ev, err)
				}
				assert.Equal(t, time.Minute, time.Since(began))
				require.NoError(t, c.Noop(t.Context()))
				assert.Len(t, c.Events(), 2)
			})
		})
	}
}

// TestIdleForAndCommands: commands of the loop body that cause an event each do not delay the end. Events that have arrived
// are yielded before it.
func TestIdleForAndCommands(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		h.Send("* 6 EXISTS")
		h.Done(tag)
		for range 20 {
			h.Send("* 7 EXISTS\r\n%s OK done", h.Line("NOOP"))
		}
	}, func(t *testing.T, c *imap.Client) {
		n := 0
		for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
			require.NoError(t, err)
			time.Sleep(4 * time.Second)
			n++
			require.LessOrEqual(t, n, 16)
			require.NoError(t, c.Noop(t.Context()))
		}
		assert.Equal(t, 16, n)
	})
}

// TestIdleBursts: a batch is an event and those that follow it closely.
func TestIdleBursts(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		for _, gap := range []time.Duration{time.Minute, 0, 100 * time.Millisecond, 100 * time.Millisecond, time.Hour, time.Second, time.Hour} {
			if gap == time.Hour {
				h.Done(tag)
				tag = h.Idle()
				gap = 10 * time.Minute
			}
			time.Sleep(gap)
			h.Send("* 9 EXISTS")
		}
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		var sizes []int
		for batch, err := range c.IdleBursts(t.Context(), 200*time.Millisecond, nil) {
			require.NoError(t, err)
			if sizes = append(sizes, len(batch)); len(sizes) == 4 {
				break
			}
		}
		assert.Equal(t, []int{4, 1, 1, 1}, sizes)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleBurstsFor: events collected when the time is over are yielded first.
func TestIdleBurstsFor(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		time.Sleep(50 * time.Second)
		h.Send("* 9 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		n := 0
		for batch, err := range c.IdleBursts(t.Context(), time.Hour, &imap.IdleOptions{For: time.Minute}) {
			require.NoError(t, err)
			n += len(batch)
		}
		assert.Equal(t, 1, n)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleBurstsEndless: a burst that does not end is yielded in pieces.
func TestIdleBurstsEndless(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		for range 100 {
			for range 1000 {
				h.Put("* 9 EXISTS\r\n")
			}
			h.Out.Flush()
			time.Sleep(100 * time.Millisecond)
		}
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		total := 0
		for batch, err := range c.IdleBursts(t.Context(), time.Second, nil) {
			require.NoError(t, err)
			assert.LessOrEqual(t, len(batch), 10_000)
			if total += len(batch); total >= 50_000 {
				break
			}
		}
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleEvents: events arrive complete and in order wherever the server sends them: before the continuation, with
// literals, after DONE, and before IDLE. A keep-alive message is an InfoEvent.
func TestIdleEvents(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		h.Send("* 6 EXISTS\r\n%s OK done", h.Line("NOOP"))
		tag := h.Line("IDLE")
		h.Send("* FLAGS (\\Seen)\r\n* 7 EXISTS\r\n+ idling")
		time.Sleep(time.Minute)
		h.Send("* OK Still here")
		time.Sleep(time.Minute)
		h.Send("* 2 FETCH (FLAGS () BODY[] {14}\r\n+ x\r\n* BYE y\r\n)\r\n* LIST () \"/\" {3}\r\na b")
		time.Sleep(time.Minute)
		h.Send("* STATUS other (MESSAGES 3)\r\n* OK [ALERT] look here")
		line, _ := h.In.ReadString('\n')
		assert.Equal(h.T, "DONE\r\n", line)
		h.Send("* 1 EXPUNGE\r\n%s OK done\r\n* 8 EXISTS", tag)
		h.Done(h.Idle())
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(t.Context()))
		var got []string
		for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{Refresh: 10 * time.Minute}) {
			require.NoError(t, err)
			if f, ok := ev.(*imap.FetchEvent); ok {
				assert.Equal(t, "+ x\r\n* BYE y\r\n", string(f.Message.Sections[0].Bytes))
			}
			got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", ev), "*imap."))
			if len(got) == 10 {
				break
			}
		}
		assert.Equal(t, []string{"ExistsEvent", "FlagsEvent", "ExistsEvent", "InfoEvent", "FetchEvent", "ListEvent", "StatusEvent",
			"AlertEvent", "ExpungeEvent", "ExistsEvent"}, got)
		require.NoError(t, c.Noop(t.Context()))
		assert.EqualValues(t, 8, c.Mailbox().Exists)
	})
}

// TestIdleGivenUpAndLiteral: the continuation of an IDLE that was given up before it arrived is not taken for that of the
// next literal.
func TestIdleGivenUpAndLiteral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeerOffering(t, "IMAP4rev1 IDLE", nil, func(h *testkit.Peer) {
			tag := h.Line("IDLE")
			h.Silent(time.Minute)
			h.Send("+ idling")
			h.Done(tag)
			tag = h.Line("APPEND a {5}")
			h.Silent(time.Minute)
			h.Send("+ go ahead")
			line, _ := h.In.ReadString('\n')
			assert.Equal(h.T, "hello\r\n", line)
			h.Send("%s OK", tag)
		})
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
		defer cancel()
		_, err := testkit.OneEvent(short, c, nil)
		require.ErrorIs(t, err, testkit.ErrGone)
		_, err = c.Append(t.Context(), "a", imap.LiteralString("hello"), nil)
		require.NoError(t, err)
	})
}

// TestIdleContextEndsBeforeContinuation: IDLE is ended cleanly even if its ctx ended before it began; DONE follows the
// continuation.
func TestIdleContextEndsBeforeContinuation(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("IDLE")
		h.Silent(time.Minute)
		h.Send("+ idling")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		cause := errors.New("no more")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		began := time.Now()
		_, err := testkit.OneEvent(ctx, c, nil)
		require.ErrorIs(t, err, cause)
		assert.Equal(t, 10*time.Second, time.Since(began))
		require.NoError(t, c.Noop(t.Context()))
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleContextEnds: the cause comes last, after all events, and the next command leaves IDLE.
func TestIdleContextEnds(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		time.Sleep(5 * time.Second)
		h.Send("* 6 EXISTS\r\n* 7 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		cause := errors.New("no more")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		n := 0
		var last error
		for ev, err := range c.Idle(ctx, nil) {
			if last = err; err == nil {
				assert.NotNil(t, ev)
				n++
			}
		}
		assert.ErrorIs(t, last, cause)
		assert.Equal(t, 2, n)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleBreak: break causes no error, events that were not yielded are kept, and the next command ends IDLE.
func TestIdleBreak(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		h.Send("* 6 EXISTS\r\n* 7 EXISTS\r\n* 1 EXPUNGE")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		ev, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 7}, &imap.ExpungeEvent{SeqNum: 1}}, c.Events())
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleAndOthers: commands of other goroutines run at once, IDLE resumes after each, and no event is lost.
func TestIdleAndOthers(t *testing.T) {
	const rounds = 50
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		for i := 0; ; {
			tag := h.Line("")
			switch {
			case tag == "":
				return
			case tag == "DONE":
				t.Error("DONE without IDLE")
				return
			}
			if h.Last == "IDLE" {
				h.Send("+ idling\r\n* %d EXISTS", i+6)
				i++
				h.Done(tag)
				continue
			}
			time.Sleep(time.Second)
			h.Send("%s OK done", tag)
		}
	}, func(t *testing.T, c *imap.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for i := range 5 {
			others.Go(func() {
				for range rounds / 5 {
					time.Sleep(time.Duration(i+1) * time.Minute)
					began := time.Now()
					assert.NoError(t, c.Noop(t.Context()))
					assert.Less(t, time.Since(began), 10*time.Second)
				}
			})
		}
		go func() { others.Wait(); cancel() }()
		n := uint32(6)
		for ev, err := range c.Idle(ctx, nil) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				break
			}
			require.Equal(t, &imap.ExistsEvent{Count: n}, ev)
			n++
		}
		assert.Greater(t, n, uint32(6+rounds/2))
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleAndStream: a FetchStream of another goroutine ends IDLE, and IDLE resumes when its loop has ended.
func TestIdleAndStream(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		h.Done(h.Idle())
		h.Send("* 1 FETCH (UID 1 BODY[] {4}\r\ntext)\r\n%s OK done", h.Line("UID FETCH 1 (UID BODY.PEEK[])"))
		tag := h.Idle()
		h.Send("* 9 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		var stream sync.WaitGroup
		stream.Go(func() {
			time.Sleep(time.Minute)
			for m, err := range c.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
				require.NoError(t, err)
				time.Sleep(5 * time.Minute)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					assert.EqualValues(t, 4, b.Size)
				}
			}
		})
		ev, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 9}, ev)
		stream.Wait()
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleTwice: two simultaneous loops share one IDLE and do not interrupt each other.
func TestIdleTwice(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		began := time.Now()
		tag := h.Idle()
		for i := range 10 {
			time.Sleep(time.Minute)
			h.Send("* %d EXISTS", i+6)
			h.Silent(time.Second)
		}
		h.Done(tag)
		assert.GreaterOrEqual(h.T, time.Since(began), 15*time.Minute)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		var loops sync.WaitGroup
		var mu sync.Mutex
		n := 0
		for range 2 {
			loops.Go(func() {
				for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: 15 * time.Minute}) {
					assert.NoError(t, err)
					mu.Lock()
					n++
					mu.Unlock()
				}
			})
		}
		loops.Wait()
		assert.Equal(t, 10, n)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleState: IDLE before login sends nothing.
func TestIdleState(t *testing.T) {
	c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 IDLE] hi", testkit.OnlyNoop)
	_, err := testkit.OneEvent(testkit.Context(t), c, nil)
	_, ok := errors.AsType[*imap.StateError](err)
	assert.True(t, ok, "%v", err)
	testkit.RequireNothingSent(t, c)
}

// TestIdleLeftByCallThatGaveUp: a call ends IDLE and is cancelled before the server has answered DONE. The next call, here
// another IDLE, waits for that answer; DONE is not sent again, and nothing is sent before the answer.
func TestIdleLeftByCallThatGaveUp(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		h.Send("* 6 EXISTS")
		line, _ := h.In.ReadString('\n')
		assert.Equal(h.T, "DONE\r\n", line)
		h.Silent(time.Minute)
		h.Send("%s OK done", tag)
		tag = h.Idle()
		h.Send("* 7 EXISTS")
		h.Done(tag)
		h.OK()
	}, func(t *testing.T, c *imap.Client) {
		_, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
		defer cancel()
		require.ErrorIs(t, c.Noop(short), testkit.ErrGone)
		ev, err := testkit.OneEvent(t.Context(), c, nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.ExistsEvent{Count: 7}, ev)
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestIdleBreakKeepsTheOrder: events that were not yielded precede those that a command of the loop body caused.
func TestIdleBreakKeepsTheOrder(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		tag := h.Idle()
		h.Send("* 6 EXISTS\r\n* 7 EXISTS")
		h.Done(tag)
		h.Send("* 8 EXISTS\r\n%s OK done", h.Line("NOOP"))
	}, func(t *testing.T, c *imap.Client) {
		for _, err := range c.Idle(t.Context(), nil) {
			require.NoError(t, err)
			require.NoError(t, c.Noop(t.Context()))
			break
		}
		assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 7}, &imap.ExistsEvent{Count: 8}}, c.Events())
	})
}

// TestIdleDeadPeerAndCommand: a dead server is noticed within Timeout when a command is to be sent, not only when IDLE is
// renewed.
func TestIdleDeadPeerAndCommand(t *testing.T) {
	testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
		h.Idle()
		h.In.ReadString('\n')
	}, func(t *testing.T, c *imap.Client) {
		idle := make(chan error, 1)
		go func() { _, err := testkit.OneEvent(t.Context(), c, nil); idle <- err }()
		time.Sleep(time.Minute)
		began := time.Now()
		require.ErrorIs(t, c.Noop(t.Context()), os.ErrDeadlineExceeded)
		assert.Equal(t, 2*time.Minute, time.Since(began))
		assert.ErrorIs(t, <-idle, imap.ErrClosed)
	})
}
