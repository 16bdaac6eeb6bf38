package concurrency_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPipelineOrder: all commands are sent before the first is answered, in the order of the calls; the answers, in another
// order, are assigned to their calls.
func TestPipelineOrder(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 1 (UID FLAGS)
		C: $ STATUS b (MESSAGES)
		C: $ STATUS a (MESSAGES)
		C: $ UID SEARCH SEEN
		C: $ UID FETCH 2 (UID RFC822.SIZE)
		C: $ LIST "" %
		C: $ UID STORE 4 +FLAGS (\Seen)
		S: * STATUS a (MESSAGES 1)
		S: * LIST () "/" c
		S: * 2 FETCH (UID 2 RFC822.SIZE 22)
		S: $4 OK
		S: * 4 FETCH (UID 4 FLAGS (\Seen))
		S: * 1 FETCH (UID 1 FLAGS (\Deleted))
		S: * STATUS b (MESSAGES 2)
		S: * SEARCH 7 9
		S: $8 OK
		S: $7 OK
		S: $5 OK
		S: $6 OK
		S: $3 OK
		S: $2 OK
	`)
	ctx := testkit.Context(t)
	var first, second *imap.Message
	var a, b *imap.Status
	var found *imap.SearchResult
	var entries []imap.ListEntry
	var stored *imap.StoreResult
	p := c.Pipeline()
	p.Go(func(c *imap.Client) (err error) { first, err = c.FetchOne(ctx, 1, imap.FetchFlags); return err })
	p.Go(func(c *imap.Client) (err error) { b, err = c.Status(ctx, "b", imap.StatusMessages); return err })
	p.Go(func(c *imap.Client) (err error) { a, err = c.Status(ctx, "a", imap.StatusMessages); return err })
	p.Go(func(c *imap.Client) (err error) { found, err = c.Search(ctx, imap.Where().Seen(), nil); return err })
	p.Go(func(c *imap.Client) (err error) { second, err = c.FetchOne(ctx, 2, imap.FetchSize); return err })
	p.Go(func(c *imap.Client) (err error) { entries, err = c.List(ctx, "", "%", nil); return err })
	p.Go(func(c *imap.Client) (err error) {
		stored, err = c.Store(ctx, imap.UIDs(4), imap.AddFlags(imap.FlagSeen), nil)
		return err
	})
	require.NoError(t, p.Wait())
	assert.Equal(t, []imap.Flag{imap.FlagDeleted}, first.Flags)
	assert.EqualValues(t, 22, second.Size)
	assert.EqualValues(t, 1, *a.Messages)
	assert.EqualValues(t, 2, *b.Messages)
	assert.Equal(t, imap.UIDs(7, 9), found.UIDs)
	assert.Equal(t, "c", entries[0].Name)
	assert.EqualValues(t, 4, stored.Messages[0].UID)
	assert.Empty(t, c.Events())
}

// pipelined are the commands of the test of barriers. Their answers are just OK.
var pipelined = map[string]func(context.Context, *imap.Client) error{
	"NOOP":      func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
	"CHECK":     func(ctx context.Context, c *imap.Client) error { return c.Check(ctx) },
	"STATUS":    func(ctx context.Context, c *imap.Client) error { _, err := c.Status(ctx, "a"); return err },
	"LIST":      func(ctx context.Context, c *imap.Client) error { _, err := c.List(ctx, "", "*", nil); return err },
	"CREATE":    func(ctx context.Context, c *imap.Client) error { return c.Create(ctx, "a", nil) },
	"EXPUNGE":   func(ctx context.Context, c *imap.Client) error { _, err := c.Expunge(ctx); return err },
	"SELECT":    func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "a", nil); return err },
	"ENABLE":    func(ctx context.Context, c *imap.Client) error { _, err := c.Enable(ctx, "X"); return err },
	"Do":        func(ctx context.Context, c *imap.Client) error { _, err := c.Do(ctx, "X"); return err },
	"FETCH":     func(ctx context.Context, c *imap.Client) error { return testkit.Drain(c.Fetch(ctx, imap.Seqs(1))) },
	"UID FETCH": func(ctx context.Context, c *imap.Client) error { return testkit.Drain(c.Fetch(ctx, imap.UIDs(1))) },
	"SEARCH": func(ctx context.Context, c *imap.Client) error {
		_, err := c.SearchSeq(ctx, imap.Where(), nil)
		return err
	},
	"UID SEARCH": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where(), nil)
		return err
	},
	"UID SEARCH 1": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where().Not(imap.Where().In(imap.Seqs(1))), nil)
		return err
	},
	"UID SEARCH raw 1": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where().Raw(imap.Atom("1:5")), nil)
		return err
	},
	"UID SEARCH or 1": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Search(ctx, imap.Where().Or(imap.Where().Seen(), imap.Where().In(imap.Seqs(1))), nil)
		return err
	},
	"SORT": func(ctx context.Context, c *imap.Client) error {
		_, err := c.SortSeq(ctx, testkit.SizeFirst, imap.Where())
		return err
	},
	"UID SORT": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Sort(ctx, testkit.SizeFirst, imap.Where())
		return err
	},
	"UID SORT 1": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Sort(ctx, testkit.SizeFirst, imap.Where().In(imap.Seqs(1)))
		return err
	},
	"THREAD": func(ctx context.Context, c *imap.Client) error {
		_, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where())
		return err
	},
	"UID THREAD": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Thread(ctx, "REFERENCES", imap.Where())
		return err
	},
	"UID THREAD 1": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Thread(ctx, "REFERENCES", imap.Where().In(imap.Seqs(1)))
		return err
	},
	"STORE": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags("x"), nil)
		return err
	},
	"UID STORE": func(ctx context.Context, c *imap.Client) error {
		_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags("x"), nil)
		return err
	},
	"COPY":     func(ctx context.Context, c *imap.Client) error { _, err := c.Copy(ctx, imap.Seqs(1), "a"); return err },
	"UID COPY": func(ctx context.Context, c *imap.Client) error { _, err := c.Copy(ctx, imap.UIDs(1), "a"); return err },
	"MOVE":     func(ctx context.Context, c *imap.Client) error { _, err := c.Move(ctx, imap.Seqs(1), "a"); return err },
	"UID MOVE": func(ctx context.Context, c *imap.Client) error { _, err := c.Move(ctx, imap.UIDs(1), "a"); return err },
	"IDLE": func(ctx context.Context, c *imap.Client) error {
		_, err := testkit.OneEvent(ctx, c, &imap.IdleOptions{For: time.Minute})
		return err
	},
}

// TestPipelineBarriers: which commands are sent while the one before is in flight, and which wait (RFC 9051 and RFC 3501
// section 5.5). A bar stands where the next command has to wait.
func TestPipelineBarriers(t *testing.T) {
	for _, sequence := range []string{
		"FETCH STORE SEARCH NOOP", "STORE COPY EXPUNGE", // examples of the RFC
		"FETCH NOOP | STORE", "STORE COPY | FETCH", "COPY | COPY", // and what must wait
		"UID SEARCH, UID SEARCH, UID FETCH, UID STORE, UID COPY, UID MOVE",
		"UID SEARCH | UID SEARCH 1", "SEARCH | UID SEARCH 1 | UID SEARCH 1", "UID SEARCH | UID SEARCH raw 1",
		"CHECK | FETCH", "UID FETCH | FETCH", "UID STORE | SEARCH", "UID MOVE | STORE", "MOVE | MOVE", "STATUS | COPY",
		"EXPUNGE | FETCH", "LIST | STORE", "FETCH FETCH FETCH",
		"NOOP STATUS LIST CREATE, UID FETCH, NOOP",
		"FETCH | SELECT | FETCH", "NOOP | SELECT | NOOP", "NOOP | ENABLE | NOOP", "NOOP | Do | NOOP",
		"UID SORT, UID THREAD, UID FETCH", "SORT THREAD FETCH", "UID SORT | FETCH", "UID THREAD | SORT", "EXPUNGE | THREAD",
		"UID FETCH | UID SORT 1", "SORT | UID SORT 1 | UID SORT 1", "UID SORT | UID THREAD 1", "UID FETCH | UID SEARCH or 1",
		"NOOP | IDLE | NOOP", "UID FETCH | IDLE | UID FETCH",
	} {
		t.Run(sequence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				names, bars := parseSequence(sequence)
				c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
					h.Barriers(bars)
					h.OK()
				})
				p := c.Pipeline()
				for _, name := range names {
					p.Go(func(c *imap.Client) error { return pipelined[name](t.Context(), c) })
				}
				require.NoError(t, p.Wait())
			})
		})
	}
}

// parseSequence returns the commands of a sequence and, for each except the first, whether it waits.
func parseSequence(s string) (names []string, bars []bool) {
	for i, part := range strings.Split(s, "|") {
		words := strings.Fields(strings.ReplaceAll(part, ",", " "))
		for j := 0; j < len(words); j++ {
			name := words[j]
			for k := j + 2; k <= len(words); k++ {
				if next := strings.Join(words[j:k], " "); pipelined[next] != nil {
					name = next
				}
			}
			if j += strings.Count(name, " "); len(names) > 0 {
				bars = append(bars, i > 0 && len(words) > 0 && strings.HasPrefix(strings.TrimSpace(part), name) && j < 1+strings.Count(name, " "))
			}
			names = append(names, name)
		}
	}
	return names, bars
}

// TestPipelineBothWrite: neither side stops while the buffers between them are full, in a pipeline of many commands with
// long answers and in an upload during a flood.
func TestPipelineBothWrite(t *testing.T) {
	const commands, rows, message = 300, 50, 3 << 20
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		h.Conn.SetLimit(512)
		for range commands {
			tag := h.Line("")
			for i := range rows {
				h.Put("* %d FETCH (UID %d FLAGS (\\Seen $Important))\r\n", i+1, i+1)
			}
			h.Send("%s OK done", tag)
		}
		tag := h.Line("")
		for left := message + 2; left > 0; left -= 64 << 10 {
			for range 1000 {
				h.Put("* 5 EXISTS\r\n")
			}
			h.Out.Flush()
			io.CopyN(io.Discard, h.In, min(int64(left), 64<<10))
		}
		h.Send("%s OK done", tag)
		h.OK()
	})
	c.NetConn().(*imaptest.PipeConn).SetLimit(2048)
	ctx := testkit.Context(t)
	var total atomic.Int64
	p := c.Pipeline()
	for range commands {
		p.Go(func(c *imap.Client) error {
			got, err := imap.Collect(c.Fetch(ctx, imap.UIDRange(1, rows), imap.FetchFlags, imap.Section{Specifier: "HEADER", Fields: []string{strings.Repeat("X", 300)}}))
			total.Add(int64(len(got)))
			return err
		})
	}
	require.NoError(t, p.Wait())
	assert.EqualValues(t, commands*rows, total.Load())
	_, err := c.Append(ctx, "a", imap.LiteralBytes(make([]byte, message)), nil)
	require.NoError(t, err)
	require.NoError(t, c.Noop(ctx))
}

// TestPipelineBounds: neither the number nor the bytes of unanswered commands grow without limit, with a fixed window and
// with one that grows.
func TestPipelineBounds(t *testing.T) {
	for name, test := range map[string]struct {
		opts         *imap.Options
		octets       int // of each command
		number, size int // the most that are unanswered
	}{
		"number":           {&imap.Options{MaxPipelined: 40}, 10, 50, 32 << 10},
		"octets":           {&imap.Options{MaxPipelined: 40}, 900, 50, 32 << 10},
		"number, a window": {nil, 10, 1000, 66 << 10},
		"octets, a window": {nil, 900, 1000, 66 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				commands := 5 * test.number
				c := testkit.DialPeer(t, test.opts, func(h *testkit.Peer) {
					for done := 0; done < commands; {
						var tags []string
						size := 0
						for {
							h.Conn.SetReadDeadline(time.Now().Add(time.Second))
							if _, err := h.In.Peek(1); err != nil {
								break
							}
							tags = append(tags, h.Line(""))
							size += len(h.Last)
						}
						h.Conn.SetReadDeadline(time.Time{})
						h.In.Reset(h.Conn)
						assert.LessOrEqual(h.T, len(tags), test.number)
						assert.Less(h.T, size, test.size)
						assert.NotEmpty(h.T, tags)
						for _, tag := range tags {
							h.Send("%s OK done", tag)
						}
						done += len(tags)
					}
				})
				p := c.Pipeline()
				for range commands {
					p.Go(func(c *imap.Client) error {
						_, err := c.Status(t.Context(), strings.Repeat("x", test.octets))
						return err
					})
				}
				require.NoError(t, p.Wait())
			})
		})
	}
}

// TestPipelineFailures: a command that fails, on either side, does not affect the others; Wait returns all errors.
func TestPipelineFailures(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ NOOP
		C: $ DELETE a
		C: $ UID FETCH 7 (UID FLAGS)
		C: $ CREATE b
		C: $ NOOP
		S: $2 OK
		S: $3 NO [NONEXISTENT] there is no a
		S: * 1 FETCH (UID 7 FLAGS ())
		S: $4 OK
		S: $5 BAD what
		S: $6 OK
	`)
	ctx := testkit.Context(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	own := errors.New("an error of the function itself")
	var deleted, created, sent error
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	p.Go(func(c *imap.Client) error { deleted = c.Delete(ctx, "a"); return deleted })
	p.Go(func(c *imap.Client) error { sent = c.Create(ctx, "NUL \x00", nil); return sent })
	p.Go(func(c *imap.Client) error { return c.Noop(gone) })
	p.Go(func(c *imap.Client) error { return own })
	p.Go(func(c *imap.Client) error {
		m, err := c.FetchOne(ctx, 7, imap.FetchFlags)
		return testkit.Expect(err, m != nil && m.UID == 7, "%v", m)
	})
	p.Go(func(c *imap.Client) error { created = c.Create(ctx, "b", nil); return created })
	p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	err := p.Wait()
	for _, want := range []error{deleted, created, sent, own, context.Canceled} {
		require.Error(t, want)
		assert.ErrorIs(t, err, want)
	}
	assert.Equal(t, imap.CodeNonExistent, imap.CodeOf(deleted))
	assert.True(t, imap.SafeToRetry(sent))
	assert.NoError(t, p.Wait(), "errors are told once")
}

// TestPipelineCancel: a call that is cancelled while its answer is awaited, or partly read, does not affect the others.
func TestPipelineCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			var tags []string
			for range 6 {
				tags = append(tags, h.Line(""))
			}
			time.Sleep(time.Second)
			h.Put("* 1 FETCH (UID 1 BODY[] {20000}\r\n%s", strings.Repeat("x", 10000))
			h.Out.Flush()
			time.Sleep(time.Minute)
			h.Put("%s)\r\n%s OK done\r\n", strings.Repeat("x", 10000), tags[0])
			for i := 2; i < 7; i++ {
				h.Put("* %d FETCH (UID %d BODY[] {20000}\r\n%s)\r\n%s OK done\r\n", i, i, strings.Repeat(fmt.Sprint(i), 20000), tags[i-1])
				h.Out.Flush()
				time.Sleep(time.Second)
			}
			h.OK()
		})
		p := c.Pipeline()
		for i := 1; i < 7; i++ {
			p.Go(func(c *imap.Client) error {
				ctx := t.Context()
				if i%2 == 1 {
					short, cancel := context.WithTimeout(ctx, 10*time.Second)
					defer cancel()
					ctx = short
				}
				m, err := c.FetchOne(ctx, imap.UID(i), imap.Section{})
				if i%2 == 1 {
					return testkit.Expect(nil, errors.Is(err, context.DeadlineExceeded), "%v", err)
				}
				return testkit.Expect(err, m != nil && string(m.Sections[0].Bytes) == strings.Repeat(fmt.Sprint(i), 20000), "%v", m)
			})
		}
		require.NoError(t, p.Wait())
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestReadDuringWriteInLiteral: the reader of a literal is cancelled while another command is being written; what is read
// during that write belongs to the literal.
func TestReadDuringWriteInLiteral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, upload = 100 << 10, 200 << 10
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Conn.SetLimit(16 << 10)
			fetch := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
			h.Put("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s", size, strings.Repeat("x", size/2))
			h.Out.Flush()
			time.Sleep(time.Minute)
			h.Put("%s)\r\n%s OK done\r\n", strings.Repeat("x", size/2), fetch)
			h.Out.Flush()
			time.Sleep(time.Minute)
			store := h.Line(fmt.Sprintf("APPEND a {%d+}", upload))
			io.CopyN(io.Discard, h.In, upload+2)
			h.Send("%s OK done", store)
			h.OK()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error {
			_, err := c.FetchOne(ctx, 1, imap.Section{})
			return testkit.Expect(nil, errors.Is(err, context.DeadlineExceeded), "%v", err)
		})
		p.Go(func(c *imap.Client) error {
			_, err := c.Append(t.Context(), "a", imap.LiteralBytes(make([]byte, upload)), nil)
			return err
		})
		require.NoError(t, p.Wait())
		require.NoError(t, c.Noop(t.Context()))
		assert.Empty(t, c.Events())
	})
}

// TestPipelineLoops runs loops of all kinds inside Go, with slow bodies, among other commands.
func TestPipelineLoops(t *testing.T) {
	ctx := testkit.Context(t)
	c, box := testkit.Filled(t, 200)
	box.Append([]byte("Subject: new\r\n\r\n"), nil, time.Now())
	p := c.Pipeline()
	var rows [3]int
	for i := range rows {
		p.Go(func(c *imap.Client) error {
			for m, err := range c.Fetch(ctx, imap.UIDRange(1, 200), imap.FetchEnvelope) {
				if err != nil {
					return err
				}
				rows[i]++
				if m.Envelope.Subject != fmt.Sprintf("message %d", rows[i]) {
					return fmt.Errorf("row %d is %q", rows[i], m.Envelope.Subject)
				}
				if rows[i]%50 == 0 {
					time.Sleep(time.Millisecond)
					if err := c.Noop(ctx); err != nil {
						return err
					}
				}
			}
			return nil
		})
		p.Go(func(c *imap.Client) error { return testkit.StreamTwo(ctx, c) })
		p.Go(func(c *imap.Client) error {
			_, err := testkit.OneEvent(ctx, c, &imap.IdleOptions{For: 5 * time.Millisecond})
			return err
		})
		p.Go(func(c *imap.Client) error { return c.Noop(ctx) })
	}
	require.NoError(t, p.Wait())
	assert.Equal(t, [3]int{200, 200, 200}, rows)
}

// TestPipelineNested uses a pipeline inside a pipeline, and one pipeline from several goroutines.
func TestPipelineNested(t *testing.T) {
	ctx := testkit.Context(t)
	c, _ := testkit.Filled(t, 20)
	p := c.Pipeline()
	var n atomic.Int32
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			p.Go(func(c *imap.Client) error {
				inner := c.Pipeline()
				for i := range 10 {
					inner.Go(func(c *imap.Client) error {
						m, err := c.FetchOne(ctx, imap.UID(i+1), imap.FetchEnvelope)
						n.Add(1)
						return testkit.Expect(err, m != nil && m.Envelope.Subject == fmt.Sprintf("message %d", i+1), "%v", m)
					})
				}
				return inner.Wait()
			})
		})
	}
	callers.Wait()
	require.NoError(t, p.Wait())
	assert.EqualValues(t, 40, n.Load())
}

// TestPipelineMaxBuffered: a suspended loop in a pipeline does not fill the memory while others wait.
func TestPipelineMaxBuffered(t *testing.T) {
	const size, rows = 10 << 10, 100
	c := testkit.DialPeer(t, &imap.Options{MaxBuffered: 100 << 10}, func(h *testkit.Peer) {
		fetch, noop := h.Line("UID FETCH 1:* (UID BODY.PEEK[])"), h.Line("NOOP")
		for i := range rows {
			h.Put("* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, size, strings.Repeat("x", size))
		}
		h.Send("%s OK done\r\n%s OK done", fetch, noop)
		h.OK()
	})
	ctx := testkit.Context(t)
	p := c.Pipeline()
	n := 0
	goOn := make(chan struct{})
	p.Go(func(c *imap.Client) error {
		for m, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.Section{}) {
			if err != nil {
				return err
			}
			<-goOn
			if n++; int(m.UID) != n {
				return fmt.Errorf("UID %d in row %d", m.UID, n)
			}
		}
		return nil
	})
	var noop error
	var waiting sync.WaitGroup
	waiting.Add(1)
	p.Go(func(c *imap.Client) error { noop = c.Noop(ctx); waiting.Done(); return nil })
	waiting.Wait()
	assert.ErrorIs(t, noop, imap.ErrBusy)
	close(goOn)
	require.NoError(t, p.Wait())
	assert.Equal(t, rows, n)
	require.NoError(t, c.Noop(ctx))
}

// TestPipelineWaitsForGivenUp: after a call that was given up nothing is sent until its answer has arrived.
func TestPipelineWaitsForGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			h.Conn.SetReadDeadline(time.Now().Add(time.Minute))
			_, err := h.In.Peek(1)
			assert.Error(h.T, err, "nothing may come")
			h.Conn.SetReadDeadline(time.Time{})
			h.In.Reset(h.Conn)
			h.Send("%s OK done", tag)
			h.OK()
		})
		p := c.Pipeline()
		p.Go(func(c *imap.Client) error {
			short, cancel := context.WithTimeoutCause(t.Context(), time.Second, testkit.ErrGone)
			defer cancel()
			assert.ErrorIs(t, c.Noop(short), testkit.ErrGone)
			return nil
		})
		time.Sleep(2 * time.Second)
		p.Go(func(c *imap.Client) error { return c.Check(t.Context()) })
		require.NoError(t, p.Wait())
	})
}

// TestReadDuringWriteIsBounded: if a server sends and does not read, an upload reads no more than MaxBuffered.
func TestReadDuringWriteIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 32 << 20
		near, far := imaptest.Pipe()
		defer far.Close()
		near.SetLimit(64 << 10)
		far.SetLimit(64 << 10)
		taken := 0
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n")
			for line := []byte(strings.Repeat("* 5 EXISTS\r\n", 1000)); taken < most; {
				n, err := far.Write(line)
				taken += n
				if err != nil {
					return
				}
			}
		}()
		c, err := imap.NewClient(t.Context(), near, &imap.Options{MaxBuffered: 1 << 20})
		require.NoError(t, err)
		_, err = c.Append(t.Context(), "a", imap.Literal{R: testkit.EndlessReader{}, Size: 1 << 30}, nil)
		require.ErrorIs(t, err, imap.ErrClosed)
		synctest.Wait()
		assert.Less(t, taken, 4<<20)
	})
}

// TestPipelineSelectNotSent: calls of a pipeline after a SELECT that was not sent do not run in the mailbox that is open,
// for which they were not meant (P16).
func TestPipelineSelectNotSent(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, open := range map[string]func(c *imap.Client) error{
		"ctx": func(c *imap.Client) error { _, err := c.Select(gone, "b", nil); return err },
		"name": func(c *imap.Client) error {
			_, err := c.Examine(t.Context(), "a\x00", nil)
			return err
		},
		"QRESYNC": func(c *imap.Client) error {
			_, err := c.Select(t.Context(), "b", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 1, ModSeq: 1}})
			return err
		},
		"Do": func(c *imap.Client) error { _, err := c.Do(gone, "SELECT", "b"); return err },
		"a pipeline in the pipeline": func(c *imap.Client) error {
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error { _, err := c.Select(gone, "b", nil); return err })
			p.Wait()
			return assert.AnError
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Context(t)
			enable := ""
			if name == "QRESYNC" {
				enable = "C: $ ENABLE QRESYNC\nS: $ NO not now\n"
			}
			c := testkit.Selected(t, enable+`
				C: $ NOOP
				S: $ OK done
				C: $ SELECT c
				S: * 1 EXISTS
				S: $ OK [READ-WRITE] in
				C: $ UID STORE 1 +FLAGS (\Seen)
				S: $ OK done
				C: $ UID STORE 2 +FLAGS (\Seen)
				S: $ OK done
			`)
			store := func(c *imap.Client, uid imap.UID) error {
				_, err := c.Store(ctx, imap.UIDs(uid), imap.AddFlags(imap.FlagSeen), nil)
				return err
			}
			p := c.Pipeline()
			errs := make([]error, 6)
			p.Go(func(c *imap.Client) error { errs[0] = open(c); return nil })
			p.Go(func(c *imap.Client) error { errs[1] = store(c, 7); return nil })
			p.Go(func(c *imap.Client) error { _, errs[2] = c.Do(ctx, "UID EXPUNGE", imap.UIDs(7)); return nil })
			p.Go(func(c *imap.Client) error { errs[3] = c.Noop(ctx); return nil })
			p.Go(func(c *imap.Client) error { _, errs[4] = c.Select(ctx, "c", nil); return nil })
			p.Go(func(c *imap.Client) error { errs[5] = store(c, 1); return nil })
			assert.NoError(t, p.Wait())
			for i, err := range errs {
				if i < 3 {
					assert.Error(t, err, "%d", i)
				} else {
					assert.NoError(t, err, "%d", i)
				}
			}
			assert.True(t, imap.SafeToRetry(errs[1]))
			assert.ErrorContains(t, errs[2], "the SELECT before it in the pipeline was not sent")
			assert.NoError(t, store(c, 2))
		})
	}
}

// TestPipelineAnswersByName: rights on different mailboxes are assigned to its calls, although the server answers in another order.
func TestPipelineAnswersByName(t *testing.T) {
	c := testkit.Offering(t, "ACL", `
		C: $ MYRIGHTS a
		C: $ MYRIGHTS b
		C: $ GETACL a
		C: $ GETACL b
		C: $ LISTRIGHTS a fred
		C: $ LISTRIGHTS a jane
		S: * MYRIGHTS b br
		S: * MYRIGHTS a ar
		S: * ACL b ub lr
		S: * ACL a ua lr
		S: * LISTRIGHTS a jane jl
		S: * LISTRIGHTS a fred fl
		S: $2 OK
		S: $1 OK
		S: $4 OK
		S: $3 OK
		S: $6 OK
		S: $5 OK
	`)
	ctx := testkit.Context(t)
	p := c.Pipeline()
	got := map[string]string{}
	var mu sync.Mutex
	add := func(key string, value any) {
		mu.Lock()
		defer mu.Unlock()
		got[key] = fmt.Sprintf("%s", value)
	}
	for _, box := range []string{"a", "b"} {
		p.Go(func(c *imap.Client) error {
			rights, err := c.MyRights(ctx, box)
			add("rights "+box, rights)
			return err
		})
	}
	for _, box := range []string{"a", "b"} {
		p.Go(func(c *imap.Client) error {
			list, err := c.GetACL(ctx, box)
			add("acl "+box, list)
			return err
		})
	}
	for _, user := range []string{"fred", "jane"} {
		p.Go(func(c *imap.Client) error {
			required, _, err := c.ListRights(ctx, "a", user)
			add("rights of "+user, required)
			return err
		})
	}
	require.NoError(t, p.Wait())
	assert.Equal(t, map[string]string{"rights a": "ar", "rights b": "br", "acl a": "[{ua lr}]", "acl b": "[{ub lr}]", "rights of fred": "fl", "rights of jane": "jl"}, got)
}

// TestPipelineCapabilityFirst: a call that has to request the capabilities first keeps its place in the pipeline, so that the next
// call acts on the mailbox that it selects.
func TestPipelineCapabilityFirst(t *testing.T) {
	for name, open := range map[string]func(context.Context, *imap.Client) error{
		"Select": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Select(ctx, "Other", &imap.SelectOptions{CondStore: true}))
		},
		"Sync": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Sync(ctx, "Other", imap.SyncState{}, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.FollowText(t, `
				S: * PREAUTH ready
				C: $ SELECT INBOX
				S: * 5 EXISTS
				S: $ OK
				C: $ CAPABILITY
				S: * CAPABILITY IMAP4rev1 CONDSTORE
				S: $ OK
				C: $ SELECT Other (CONDSTORE)
				S: * 0 EXISTS
				S: $ OK
				C: $ EXPUNGE
				S: $ OK
			`)
			ctx := testkit.Context(t)
			require.NoError(t, testkit.ErrOf(c.Select(ctx, "INBOX", nil)))
			p := c.Pipeline()
			p.Go(func(c *imap.Client) error { return open(ctx, c) })
			p.Go(func(c *imap.Client) error { return testkit.ErrOf(c.Expunge(ctx)) })
			require.NoError(t, p.Wait())
		})
	}
}

// TestPipelineSyncNotSent: what follows a Sync that sends nothing is not for the mailbox that was open before.
func TestPipelineSyncNotSent(t *testing.T) {
	c := testkit.Selected(t, testkit.OnlyNoop)
	ctx := testkit.Context(t)
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		return testkit.ErrOf(c.Sync(ctx, "Other", imap.SyncState{UIDs: imap.UIDRange(1, 0)}, nil))
	})
	var err error
	p.Go(func(c *imap.Client) error {
		err = testkit.ErrOf(c.UIDExpunge(ctx, imap.UIDRange(1, 5)))
		return nil
	})
	require.Error(t, p.Wait())
	require.Error(t, err)
	testkit.RequireNothingSent(t, c)
}
