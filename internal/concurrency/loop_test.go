package concurrency_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// anyCommand are calls of every kind, each with a check of its answer. They may run in any loop, repeatedly, with messages
// 1 to 5 and others in the mailbox.
var anyCommand = map[string]func(ctx context.Context, c *imap.Client) error{
	"CAPABILITY": func(ctx context.Context, c *imap.Client) error { _, err := c.Capability(ctx); return err },
	"NOOP":       func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
	"CHECK":      func(ctx context.Context, c *imap.Client) error { return c.Check(ctx) },
	"ID":         func(ctx context.Context, c *imap.Client) error { _, err := c.ID(ctx, nil); return err },
	"NAMESPACE":  func(ctx context.Context, c *imap.Client) error { _, err := c.Namespace(ctx); return err },
	"LIST": func(ctx context.Context, c *imap.Client) error {
		got, err := c.List(ctx, "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		return testkit.Expect(err, len(got) >= 2 && got[0].Status != nil, "%v", got)
	},
	"LSUB": func(ctx context.Context, c *imap.Client) error { _, err := c.Lsub(ctx, "", "*"); return err },
	"STATUS": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Status(ctx, "other")
		return testkit.Expect(err, got != nil && got.Mailbox == "other" && got.Messages != nil, "%v", got)
	},
	"CREATE and DELETE": func(ctx context.Context, c *imap.Client) error {
		return errors.Join(c.Create(ctx, "new", nil), c.Rename(ctx, "new", "newer"), c.Delete(ctx, "newer"))
	},
	"SUBSCRIBE": func(ctx context.Context, c *imap.Client) error {
		return errors.Join(c.Subscribe(ctx, "other"), c.Unsubscribe(ctx, "other"))
	},
	"APPEND": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Append(ctx, "other", imap.LiteralString("Subject: x\r\n\r\n"+strings.Repeat("y", 100<<10)), nil)
		return testkit.Expect(err, got != nil && got.UID > 0, "%v", got)
	},
	"STORE": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Store(ctx, imap.UIDs(2), imap.AddFlags(imap.FlagSeen), nil)
		return testkit.Expect(err, len(got.Messages) == 1 && got.Messages[0].UID == 2, "%v", got)
	},
	"STORE by number": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Store(ctx, imap.Seqs(3), imap.SetFlags(imap.FlagFlagged), &imap.StoreOptions{Silent: true})
		return err
	},
	"COPY": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Copy(ctx, imap.UIDs(3, 4), "other")
		return testkit.Expect(err, got.Source.Len() == 2, "%v", got)
	},
	"EXPUNGE": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Expunge(ctx)
		return testkit.Expect(err, len(got.SeqNums) == 0, "%v", got)
	},
	"SEARCH": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Search(ctx, imap.Where().In(imap.UIDRange(1, 3)), nil)
		return testkit.Expect(err, got != nil && got.UIDs.String() == "1:3", "%v", got)
	},
	"SEARCH by number": func(ctx context.Context, c *imap.Client) error {
		got, err := c.SearchSeq(ctx, imap.Where().Subject("message 4"), nil)
		return testkit.Expect(err, got != nil && got.Seqs.Contains(4), "%v", got)
	},
	"FETCH": func(ctx context.Context, c *imap.Client) error {
		got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(2, 4), imap.FetchEnvelope, imap.Section{}))
		return testkit.Expect(err, len(got) == 3 && got[0].UID == 2 && got[0].Envelope.Subject == "message 2", "%v", got)
	},
	"FETCH by number, left": func(ctx context.Context, c *imap.Client) error {
		for m, err := range c.Fetch(ctx, imap.SeqRange(1, 5), imap.FetchFlags) {
			return testkit.Expect(err, m != nil && m.SeqNum == 1, "%v", m)
		}
		return errors.New("no message")
	},
	"FETCH of bodies as streams": func(ctx context.Context, c *imap.Client) error { return testkit.StreamTwo(ctx, c) },
	"IDLE": func(ctx context.Context, c *imap.Client) error {
		for _, err := range c.Idle(ctx, &imap.IdleOptions{For: time.Millisecond}) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"a pipeline": func(ctx context.Context, c *imap.Client) error {
		p := c.Pipeline()
		for range 3 {
			p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
			p.Go(func(c *imap.Client) error { _, err := c.FetchOne(ctx, 1, imap.FetchFlags); return err })
		}
		return p.Wait()
	},
	"Do": func(ctx context.Context, c *imap.Client) error {
		got, err := c.Do(ctx, "UID FETCH", imap.UIDs(1), imap.Atom("FLAGS"))
		return testkit.Expect(err, got != nil && len(got.Untagged) >= 1, "%v", got)
	},
	"what the server refuses": func(ctx context.Context, c *imap.Client) error {
		return testkit.Expect(nil, imap.CodeOf(c.Delete(ctx, "not there")) == imap.CodeNonExistent, "no error")
	},
	"what is not sent": func(ctx context.Context, c *imap.Client) error {
		return testkit.Expect(nil, c.Create(ctx, "a\x00b", nil) != nil, "no error")
	},
	"a call cancelled before": func(ctx context.Context, c *imap.Client) error {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		return testkit.Expect(nil, errors.Is(c.Noop(gone), context.Canceled), "no error")
	},
	"SELECT": func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "INBOX", nil); return err },
}

// TestCommandsInFetchLoop runs each command in a loop over more messages than are read at once.
func TestCommandsInFetchLoop(t *testing.T) {
	const messages = 200
	for name, call := range anyCommand {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c, _ := testkit.Filled(t, messages)
			n := 0
			for m, err := range c.Fetch(ctx, imap.UIDRange(1, messages), imap.FetchEnvelope, imap.FetchFlags) {
				require.NoError(t, err)
				n++
				require.EqualValues(t, n, m.UID)
				require.Equal(t, fmt.Sprintf("message %d", n), m.Envelope.Subject)
				if n%40 == 1 {
					require.NoError(t, call(ctx, c))
				}
			}
			assert.Equal(t, messages, n)
			require.NoError(t, c.Noop(ctx))
		})
	}
}

// TestCommandsInIdleLoop runs each command for an event: IDLE is ended, and resumed for the next event.
func TestCommandsInIdleLoop(t *testing.T) {
	for name, call := range anyCommand {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c, box := testkit.Filled(t, 5)
			box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
			rounds := 0
			for ev, err := range c.Idle(ctx, nil) {
				require.NoError(t, err)
				if _, isNew := ev.(*imap.ExistsEvent); !isNew {
					continue
				}
				require.NoError(t, call(ctx, c))
				if rounds++; rounds == 3 {
					break
				}
				box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
				if name == "SELECT" {
					box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
				}
			}
			assert.Equal(t, 3, rounds)
			require.NoError(t, c.Noop(ctx))
		})
	}
}

// TestNestedFetch runs loops in loops, three deep, over one connection.
func TestNestedFetch(t *testing.T) {
	ctx := testkit.Context(t)
	c, _ := testkit.Filled(t, 150)
	var outer, middle, inner int
	for m, err := range c.Fetch(ctx, imap.SeqRange(1, 150), imap.FetchFlags) {
		require.NoError(t, err)
		outer++
		if outer%70 != 1 {
			continue
		}
		for n, err := range c.Fetch(ctx, imap.UIDRange(1, 100), imap.FetchSize) {
			require.NoError(t, err)
			middle++
			if middle%70 != 1 {
				continue
			}
			for _, err := range c.Fetch(ctx, imap.UIDs(m.UID, n.UID, 77), imap.FetchEnvelope) {
				require.NoError(t, err)
				inner++
			}
		}
	}
	assert.Equal(t, 150, outer)
	assert.Equal(t, 3*100, middle)
	assert.GreaterOrEqual(t, inner, 2*5)
}

// ways to leave the body of a loop, and what a caller notices.
var waysOut = map[string]func(loop func(leave func() bool)){
	"break": func(loop func(func() bool)) { loop(func() bool { return true }) },
	"panic": func(loop func(func() bool)) {
		defer func() { recover() }()
		loop(func() bool { panic("out of the loop") })
	},
	"Goexit": func(loop func(func() bool)) {
		var done sync.WaitGroup
		done.Go(func() { loop(func() bool { runtime.Goexit(); return true }) })
		done.Wait()
	},
}

// TestLeaveLoops leaves each kind of loop in each way; the client stays usable and confuses no answers.
func TestLeaveLoops(t *testing.T) {
	loops := map[string]func(context.Context, *imap.Client, func() bool){
		"Fetch": func(ctx context.Context, c *imap.Client, leave func() bool) {
			for range c.Fetch(ctx, imap.UIDRange(1, 200), imap.FetchEnvelope, imap.Section{}) {
				if leave() {
					return
				}
			}
		},
		"FetchStream before the body": func(ctx context.Context, c *imap.Client, leave func() bool) {
			for range c.FetchStream(ctx, imap.UIDRange(1, 200), imap.Section{}) {
				if leave() {
					return
				}
			}
		},
		"FetchStream within a body": func(ctx context.Context, c *imap.Client, leave func() bool) {
			for m := range c.FetchStream(ctx, imap.UIDRange(1, 200), imap.Section{}) {
				for b := range m.Bodies() {
					b.Read(make([]byte, 3))
					if leave() {
						return
					}
				}
			}
		},
		"Idle": func(ctx context.Context, c *imap.Client, leave func() bool) {
			for range c.Idle(ctx, nil) {
				if leave() {
					return
				}
			}
		},
		"IdleBursts": func(ctx context.Context, c *imap.Client, leave func() bool) {
			for range c.IdleBursts(ctx, time.Millisecond, nil) {
				if leave() {
					return
				}
			}
		},
	}
	for name, loop := range loops {
		for way, leave := range waysOut {
			t.Run(name+"/"+way, func(t *testing.T) {
				ctx := testkit.Context(t)
				c, box := testkit.Filled(t, 200)
				for range 3 {
					box.SetFlags(1, `\Seen`)
					box.SetFlags(1)
					box.Append([]byte("Subject: x\r\n\r\n"), nil, time.Now())
					leave(func(leave func() bool) { loop(ctx, c, leave) })
					m, err := c.FetchOne(ctx, 5, imap.FetchEnvelope)
					require.NoError(t, err)
					require.Equal(t, "message 5", m.Envelope.Subject)
				}
			})
		}
	}
}

// TestFetchWithoutLoop: an iterator that is not used sends nothing, and each range over it sends the command again.
func TestFetchWithoutLoop(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ NOOP
		S: $ OK
		C: $ UID FETCH 1 (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS ())
		S: $ OK
		C: $ UID FETCH 1 (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (\Seen))
		S: $ OK
	`)
	ctx := testkit.Context(t)
	seq := c.Fetch(ctx, imap.UIDs(1), imap.FetchFlags)
	c.FetchStream(ctx, imap.UIDs(1), imap.Section{})
	c.Idle(ctx, nil)
	require.NoError(t, c.Noop(ctx))
	first, err := imap.Collect(seq)
	require.NoError(t, err)
	second, err := imap.Collect(seq)
	require.NoError(t, err)
	assert.Empty(t, first[0].Flags)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, second[0].Flags)
}

// TestSuspendedFetch suspends a loop for longer than any timeout while others use the client; their calls do not wait for
// it, and the loop continues where it was.
func TestSuspendedFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 1000
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("FETCH 1:1000 (UID FLAGS)")
			for i := range rows {
				h.Put("* %d FETCH (UID %d FLAGS ())\r\n", i+1, i+1)
				if i == 0 {
					h.Out.Flush()
				}
			}
			h.Send("%s OK done", tag)
			for range 20 {
				tag = h.Line("NOOP")
				time.Sleep(90 * time.Second)
				h.Send("%s OK done", tag)
			}
		})
		n := 0
		for m, err := range c.Fetch(t.Context(), imap.SeqRange(1, rows), imap.FetchFlags) {
			require.NoError(t, err)
			n++
			require.EqualValues(t, n, m.SeqNum)
			if n == 1 || n == 500 {
				var others sync.WaitGroup
				for range 10 {
					others.Go(func() { assert.NoError(t, c.Noop(t.Context())) })
				}
				time.Sleep(5 * time.Minute)
				others.Wait()
				time.Sleep(time.Hour)
			}
		}
		assert.Equal(t, rows, n)
	})
}

// TestSlowLoopBody: the time that a loop body takes does not count as silence of the server.
func TestSlowLoopBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 1:3 (UID FLAGS)")
			for i := range 3 {
				h.Send("* %d FETCH (UID %d FLAGS ())", i+1, i+1)
				time.Sleep(119 * time.Second)
			}
			h.Send("%s OK done", tag)
			tag = h.Line("UID FETCH 1:3 (UID BODY.PEEK[])")
			for i := range 3 {
				h.Send("* %d FETCH (UID %d BODY[] {4}\r\nabcd)", i+1, i+1)
				time.Sleep(119 * time.Second)
			}
			h.Send("%s OK done", tag)
		})
		n := 0
		for _, err := range c.Fetch(t.Context(), imap.UIDRange(1, 3), imap.FetchFlags) {
			require.NoError(t, err)
			n++
			time.Sleep(10 * time.Minute)
		}
		for m, err := range c.FetchStream(t.Context(), imap.UIDRange(1, 3), imap.Section{}) {
			require.NoError(t, err)
			time.Sleep(10 * time.Minute)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				time.Sleep(10 * time.Minute)
				text, err := io.ReadAll(b)
				require.NoError(t, err)
				assert.Equal(t, "abcd", string(text))
				n++
			}
		}
		assert.Equal(t, 6, n)
	})
}

// TestSlowLoopBodyAfterCancel: nor does it if the last read was one of a call that was given up.
func TestSlowLoopBodyAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 1:2 (UID FLAGS)")
			h.Send("* 1 FETCH (UID 1 FLAGS ())")
			time.Sleep(5 * time.Minute)
			h.Send("* 2 FETCH (UID 2 FLAGS ())\r\n%s OK done", tag)
		})
		n := 0
		for _, err := range c.Fetch(t.Context(), imap.UIDRange(1, 2), imap.FetchFlags) {
			require.NoError(t, err)
			if n++; n == 1 {
				short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
				require.ErrorIs(t, c.Noop(short), testkit.ErrGone)
				cancel()
				time.Sleep(10 * time.Minute)
			}
		}
		assert.Equal(t, 2, n)
	})
}

// TestBodyThatTrickles: a body that makes progress never times out, however long it takes.
func TestBodyThatTrickles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 500
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			for range 2 {
				tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
				h.Put("* 1 FETCH (UID 1 BODY[] {%d}\r\n", size)
				for range size {
					time.Sleep(100 * time.Second)
					h.Put("x")
					h.Out.Flush()
				}
				h.Send(")\r\n%s OK done", tag)
			}
		})
		m, err := c.FetchOne(t.Context(), 1, imap.Section{})
		require.NoError(t, err)
		assert.Len(t, m.Sections[0].Bytes, size)
		for m, err := range c.FetchStream(t.Context(), imap.UIDs(1), imap.Section{}) {
			require.NoError(t, err)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				n, err := io.Copy(io.Discard, b)
				require.NoError(t, err)
				assert.EqualValues(t, size, n)
			}
		}
	})
}

// slowReader is a slow reader of an upload.
type slowReader struct {
	r     io.Reader
	pause time.Duration
}

func (r slowReader) Read(b []byte) (int, error) {
	time.Sleep(r.pause)
	return r.r.Read(b[:min(len(b), 32<<10)])
}

// TestSlowUploadReader: the time that the reader of a message takes does not count as silence of the server.
func TestSlowUploadReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 200 << 10
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("APPEND INBOX {204800+}")
			n, _ := io.CopyN(io.Discard, h.In, size+2)
			assert.EqualValues(h.T, size+2, n)
			time.Sleep(100 * time.Second)
			h.Send("%s OK done", tag)
		})
		msg := imap.Literal{R: slowReader{strings.NewReader(strings.Repeat("x", size)), 5 * time.Minute}, Size: size}
		_, err := c.Append(t.Context(), "INBOX", msg, nil)
		require.NoError(t, err)
	})
}

// TestMaxBuffered: beyond the limit a command inside the loop fails before anything is sent, and the loop completes.
func TestMaxBuffered(t *testing.T) {
	const rows, size = 300, 10 << 10
	c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 256 << 10}, func(h *testkit.Peer) {
		tag := h.Line("UID FETCH 1:300 (UID BODY.PEEK[])")
		for i := range rows {
			h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, size, strings.Repeat("x", size))
		}
		h.Send("%s OK done", tag)
		h.Send("%s OK done", h.Line("NOOP"))
		h.Send("%s OK done", h.Line("NOOP"))
	})
	ctx := testkit.Context(t)
	n, busy := 0, 0
	for m, err := range c.Fetch(ctx, imap.UIDRange(1, rows), imap.Section{}) {
		require.NoError(t, err)
		n++
		require.EqualValues(t, n, m.UID)
		require.Len(t, m.Sections[0].Bytes, size)
		err := c.Noop(ctx)
		if n < 200 {
			require.ErrorIs(t, err, imap.ErrBusy)
			require.True(t, imap.SafeToRetry(err))
			busy++
			continue
		}
		if err == nil && n < rows {
			break // what is left fits
		}
	}
	assert.GreaterOrEqual(t, n, 200)
	assert.Less(t, n, rows-20, "what the loop took does not count any more")
	assert.Equal(t, 199, busy)
	require.NoError(t, c.Noop(ctx))
}

// TestMaxBufferedIsGivenBack: what a loop consumed, or left, does not count against the limit of the next one.
func TestMaxBufferedIsGivenBack(t *testing.T) {
	const rows, size = 200, 1 << 10
	c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 400 << 10}, func(h *testkit.Peer) {
		for range 10 {
			tag := h.Line("UID FETCH 1:200 (UID BODY.PEEK[])")
			for i := range rows {
				h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, size, strings.Repeat("x", size))
			}
			h.Send("%s OK done", tag)
			h.Send("%s OK done", h.Line("NOOP"))
		}
	})
	ctx := testkit.Context(t)
	for round := range 10 {
		n := 0
		for _, err := range c.Fetch(ctx, imap.UIDRange(1, rows), imap.Section{}) {
			require.NoError(t, err)
			if n++; n == 1 {
				require.NoError(t, c.Noop(ctx))
			}
			if round%2 == 1 && n == 5 {
				break
			}
		}
	}
}

// TestMaxBufferedIsGivenBackEarly: what was queued for a loop does not count for the next one even if the loop was left
// before its command was answered.
func TestMaxBufferedIsGivenBackEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, size = 10, 10 << 10
		c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 250 << 10}, func(h *testkit.Peer) {
			for range 5 {
				tag := h.Line("UID FETCH 1:11 (UID BODY.PEEK[])")
				for i := range rows {
					h.Send("* %d FETCH (UID %d BODY[] {%d}\r\n%s)", i+1, i+1, size, strings.Repeat("x", size))
					time.Sleep(time.Millisecond) // so that the loop gets one at a time
				}
				time.Sleep(time.Minute)
				h.Send("%s OK done", tag)
			}
			h.OK()
		})
		for range 5 {
			for _, err := range c.Fetch(t.Context(), imap.UIDRange(1, rows+1), imap.Section{}) {
				require.NoError(t, err)
				short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
				require.ErrorIs(t, c.Noop(short), testkit.ErrGone) // reads what comes for the loop
				cancel()
				break
			}
		}
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestLeftLoopIsDropped: data for a loop that was left is read and discarded, however much it is.
func TestLeftLoopIsDropped(t *testing.T) {
	const rows, size = 100, 10 << 10
	c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 100 << 10}, func(h *testkit.Peer) {
		tag := h.Line("UID FETCH 1:100 (UID BODY.PEEK[])")
		for i := range rows {
			h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, size, strings.Repeat("x", size))
		}
		h.Send("%s OK done", tag)
		h.OK()
	})
	for _, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, rows), imap.Section{}) {
		require.NoError(t, err)
		break
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
}

// TestMaxBufferedIsForEachLoop: what is queued for the enclosing loop does not count against an inner loop.
func TestMaxBufferedIsForEachLoop(t *testing.T) {
	const rows, size = 8, 10 << 10
	c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 100 << 10}, func(h *testkit.Peer) {
		for range 2 {
			tag := h.Line("UID FETCH 1:8 (UID BODY.PEEK[])")
			for i := range rows {
				h.Send("* %d FETCH (UID %d BODY[] {%d}\r\n%s)", i+1, i+1, size, strings.Repeat("x", size))
				time.Sleep(time.Millisecond) // so that the loop gets one at a time
			}
			h.Send("%s OK done", tag)
		}
		h.OK()
	})
	ctx := testkit.Context(t)
	var outer, inner int
	for _, err := range c.Fetch(ctx, imap.UIDRange(1, rows), imap.Section{}) {
		require.NoError(t, err)
		if outer++; outer > 1 {
			continue
		}
		for _, err := range c.Fetch(ctx, imap.UIDRange(1, rows), imap.Section{}) {
			require.NoError(t, err)
			if inner++; inner == 1 {
				require.NoError(t, c.Noop(ctx))
			}
		}
	}
	assert.Equal(t, [2]int{rows, rows}, [2]int{outer, inner})
}

// TestCtxEndsInLoopBody: the loop ends with the cause before its next row, although more rows have arrived.
func TestCtxEndsInLoopBody(t *testing.T) {
	c, _ := testkit.Filled(t, 200)
	ctx, cancel := context.WithCancelCause(testkit.Context(t))
	defer cancel(nil)
	n := 0
	var last error
	for m, err := range c.Fetch(ctx, imap.UIDRange(1, 200), imap.FetchEnvelope) {
		if last = err; m == nil {
			break
		}
		if n++; n == 3 {
			cancel(testkit.ErrGone)
		}
	}
	require.ErrorIs(t, last, testkit.ErrGone)
	assert.Equal(t, 3, n)
	m, err := c.FetchOne(testkit.Context(t), 9, imap.FetchEnvelope)
	require.NoError(t, err)
	assert.Equal(t, "message 9", m.Envelope.Subject)
}

// TestLeaveLongSet: a loop over a set that needs several commands sends no more of them when it was left.
func TestLeaveLongSet(t *testing.T) {
	var sent []string
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		for tag := h.Line(""); tag != ""; tag = h.Line("") {
			sent = append(sent, strings.Join(strings.Fields(h.Last)[:1], ""))
			h.Send("* 1 FETCH (UID 1000001 FLAGS ())\r\n%s OK done", tag)
		}
	})
	for _, err := range c.Fetch(testkit.Context(t), testkit.SparseUIDs(), imap.FetchFlags) {
		require.NoError(t, err)
		break
	}
	for _, err := range c.FetchStream(testkit.Context(t), testkit.SparseUIDs(), imap.FetchFlags) {
		require.NoError(t, err)
		break
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
	assert.Equal(t, []string{"UID", "UID", "NOOP"}, sent)
}

// sumOfUIDs leaves two loops at once by return, with commands before and after.
func sumOfUIDs(ctx context.Context, c *imap.Client) (sum imap.UID, err error) {
	defer func() { err = errors.Join(err, c.Noop(ctx)) }()
	for m, err := range c.Fetch(ctx, imap.UIDRange(2, 200), imap.FetchFlags) {
		if err != nil {
			return 0, err
		}
		for n, err := range c.Fetch(ctx, imap.UIDRange(40, 200), imap.FetchEnvelope, imap.Section{}) {
			if err != nil {
				return 0, err
			}
			return m.UID + n.UID, nil
		}
	}
	return 0, errors.New("no message")
}

// bodyUntil leaves the loops over messages and bodies at once, by return, in the middle of a body.
func bodyUntil(ctx context.Context, c *imap.Client, octets int) ([]byte, error) {
	for m, err := range c.FetchStream(ctx, imap.UIDRange(2, 200), imap.Section{}) {
		if err != nil {
			return nil, err
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return nil, err
			}
			got := make([]byte, octets)
			n, err := io.ReadFull(b, got)
			return got[:n], err
		}
	}
	return nil, errors.New("no message")
}

// TestReturnFromLoops leaves loops by return, by continue of an outer loop, and by goto.
func TestReturnFromLoops(t *testing.T) {
	ctx := testkit.Context(t)
	c, _ := testkit.Filled(t, 200)
	for range 3 {
		sum, err := sumOfUIDs(ctx, c)
		require.NoError(t, err)
		assert.EqualValues(t, 42, sum)
		text, err := bodyUntil(ctx, c, 9)
		require.NoError(t, err)
		assert.Equal(t, "Subject: ", string(text))
		n := 0
	outer:
		for range c.Fetch(ctx, imap.UIDRange(1, 3), imap.FetchFlags) {
			n++
			for range c.Fetch(ctx, imap.UIDRange(1, 200), imap.FetchEnvelope) {
				continue outer
			}
		}
		assert.Equal(t, 3, n)
		for range c.FetchStream(ctx, imap.UIDRange(1, 200), imap.Section{}) {
			goto left
		}
	left:
		m, err := c.FetchOne(ctx, 5, imap.FetchEnvelope)
		require.NoError(t, err)
		require.Equal(t, "message 5", m.Envelope.Subject)
	}
}

// TestStreamIsBusy: other calls fail before anything is sent while the loop runs, and work after it.
func TestStreamIsBusy(t *testing.T) {
	for name, call := range anyCommand {
		if name == "what is not sent" || name == "a call cancelled before" || name == "what the server refuses" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Context(t)
			c, _ := testkit.Filled(t, 5)
			n := 0
			for m, err := range c.FetchStream(ctx, imap.UIDRange(1, 5), imap.Section{}) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					var other sync.WaitGroup
					other.Go(func() {
						err := call(ctx, c)
						assert.ErrorIs(t, err, imap.ErrBusy)
						assert.True(t, imap.SafeToRetry(err), "%v", err)
					})
					other.Wait()
					text, err := io.ReadAll(b)
					require.NoError(t, err)
					require.Contains(t, string(text), "body ")
					n++
				}
			}
			assert.Equal(t, 5, n)
			require.NoError(t, call(ctx, c))
		})
	}
}
