package imap_test

import (
	"bytes"
	"context"
	"io"
	"iter"
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

// threeParts is the answer to a FETCH of two sections of two messages, with attributes before, between and behind.
var threeParts = `
	C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])
	S: * 1 FETCH (UID 7 BODY[HEADER] {6000}
	S+: ` + filler6000 + `
	S:  RFC822.SIZE 6010 BODY[TEXT] {10}
	S+: 0123456789
	S:  FLAGS (\Seen))
	S: * 2 FETCH (FLAGS () BODY[HEADER] "short" UID 8 BODY[TEXT] NIL RFC822.SIZE 5)
	S: $ OK done
	C: $ NOOP
	S: $ OK done
`

var filler6000 = strings.Repeat("0123456789", 600)

// TestStreamAttributes: what was asked for is set when a message is yielded, be it before a body, between two or behind them.
func TestStreamAttributes(t *testing.T) {
	c := testkit.Selected(t, threeParts)
	ctx := testkit.Context(t)
	var got []string
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
		require.NoError(t, err)
		if m.SeqNum == 1 {
			assert.EqualValues(t, 7, m.UID)
			assert.EqualValues(t, 6010, m.Size)
		}
		assert.NotNil(t, m.Flags)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := io.ReadAll(b)
			require.NoError(t, err)
			assert.EqualValues(t, b.Size, len(text))
			n, err := b.Read(make([]byte, 1))
			assert.Zero(t, n)
			assert.Equal(t, io.EOF, err)
			got = append(got, b.Section.Specifier+" "+string(text[:min(len(text), 10)]))
		}
		assert.NotZero(t, m.Size)
		assert.NotNil(t, m.Flags)
		assert.NotZero(t, m.UID)
		assert.Empty(t, m.Sections)
	}
	assert.Equal(t, []string{"HEADER 0123456789", "TEXT 0123456789", "HEADER short", "TEXT "}, got)
	require.NoError(t, c.Noop(ctx))
}

// TestStreamReadInPart leaves bodies at every place: what is not read is dropped, and nothing of it shows elsewhere.
func TestStreamReadInPart(t *testing.T) {
	for _, octets := range []int{0, 1, 5, 10, 4096, 5999, 6000, 7000} {
		for bodies := range 3 {
			c := testkit.Selected(t, threeParts)
			ctx := testkit.Context(t)
			messages := 0
			for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
				require.NoError(t, err)
				messages++
				n := 0
				for b, err := range m.Bodies() {
					if n++; n > bodies {
						break
					}
					require.NoError(t, err)
					got := make([]byte, octets)
					k, _ := io.ReadFull(b, got)
					assert.Equal(t, min(int(b.Size), octets), k)
					if m.UID == 7 {
						assert.Equal(t, filler6000[:k], string(got[:k]))
					}
				}
			}
			assert.Equal(t, 2, messages)
			require.NoError(t, c.Noop(ctx))
		}
	}
}

// TestStreamTooLate: a body or message that is used too late says so, and reads nothing that is not its own.
func TestStreamTooLate(t *testing.T) {
	c := testkit.Selected(t, threeParts)
	ctx := testkit.Context(t)
	var old []*imap.Body
	var message *imap.MessageStream
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
		require.NoError(t, err)
		requireGone(t, old)
		message = m
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			requireGone(t, old)
			_, err = b.Read(make([]byte, 2))
			if err != nil {
				require.Equal(t, io.EOF, err)
			}
			old = append(old, b)
		}
		requireGone(t, old)
	}
	assert.Len(t, old, 4)
	requireGone(t, old)
	_, err := imap.Collect(message.Bodies())
	require.Error(t, err, "a message of a loop that has ended")
	require.NoError(t, c.Noop(ctx))
}

// TestStreamKeptTooLong: what a loop body kept of a message is of no use for the next, or when the loop was left: copies of a
// body, of a message, and an iteration over bodies that was not finished.
func TestStreamKeptTooLong(t *testing.T) {
	for _, way := range []string{"goes on", "left"} {
		t.Run(way, func(t *testing.T) {
			c := testkit.Selected(t, threeParts)
			ctx := testkit.Context(t)
			var body imap.Body
			var message imap.MessageStream
			var pointer *imap.Body
			var next func() (*imap.Body, error, bool)
			gone := func(t *testing.T) {
				t.Helper()
				requireGone(t, []*imap.Body{pointer, &body, {}})
				_, err := imap.Collect(message.Bodies())
				require.Error(t, err)
				_, err, ok := next()
				require.True(t, ok)
				require.Error(t, err)
			}
			for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize, imap.Section{Specifier: "HEADER"}, imap.Section{Specifier: "TEXT"}) {
				require.NoError(t, err)
				if m.UID != 7 {
					gone(t)
					bodies, err := imap.Collect(m.Bodies())
					require.NoError(t, err)
					require.Len(t, bodies, 2)
					continue
				}
				message = *m
				var stop func()
				next, stop = iter.Pull2(m.Bodies())
				defer stop()
				pointer, err, _ = next()
				require.NoError(t, err)
				body = *pointer
				n, err := body.Read(make([]byte, 10))
				require.Zero(t, n)
				require.Error(t, err, "a copy")
				n, err = pointer.Read(make([]byte, 10))
				require.Equal(t, 10, n)
				require.NoError(t, err)
				if way == "left" {
					break
				}
			}
			if way == "left" {
				gone(t)
			}
			require.NoError(t, c.Noop(ctx))
			_, err := imap.Collect(new(imap.MessageStream).Bodies())
			require.Error(t, err)
		})
	}
}

// TestCutBodyIsNotWhole: a body of which the rest did not come is an error, however it is read.
func TestCutBodyIsNotWhole(t *testing.T) {
	ways := map[string]func(b *imap.Body) error{
		"Read":       func(b *imap.Body) error { _, err := io.ReadAll(struct{ io.Reader }{b}); return err },
		"WriteTo":    func(b *imap.Body) error { _, err := b.WriteTo(io.Discard); return err },
		"not at all": func(b *imap.Body) error { return nil },
	}
	for name, read := range ways {
		for _, sent := range []int{0, 1, 5999} {
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				h.Line("UID FETCH 7 (UID BODY.PEEK[])")
				h.Put("* 1 FETCH (UID 7 BODY[] {6000}\r\n%s", filler6000[:sent])
				h.Out.Flush()
				h.Conn.Close()
			})
			var errs []error
			for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(7), imap.Section{}) {
				if err != nil {
					errs = append(errs, err)
					continue
				}
				for b, err := range m.Bodies() {
					if err == nil {
						err = read(b)
						assert.Equal(t, name == "not at all", err == nil, name)
					}
					if err != nil {
						errs = append(errs, err)
					}
				}
			}
			require.NotEmpty(t, errs, "%s of %d octets", name, sent)
			for _, err := range errs {
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
				assert.ErrorIs(t, err, imap.ErrClosed)
			}
		}
	}
	for _, sent := range []int{0, 1, 5999} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Line("UID FETCH 7 (UID BODY.PEEK[])")
			h.Put("* 1 FETCH (UID 7 BODY[] {6000}\r\n%s", filler6000[:sent])
			h.Out.Flush()
			h.Conn.Close()
		})
		got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDs(7), imap.Section{}))
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Empty(t, got)
	}
}

// requireGone fails unless the bodies refuse to be read.
func requireGone(t *testing.T, bodies []*imap.Body) {
	t.Helper()
	for _, b := range bodies {
		n, err := b.Read(make([]byte, 10))
		require.Zero(t, n)
		require.Error(t, err)
		require.NotEqual(t, io.EOF, err)
		_, err = b.WriteTo(io.Discard)
		require.Error(t, err)
	}
}

// TestStreamIsBusy: other calls fail before anything is sent while the loop runs, and not behind it.
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

// TestStreamWriteTo hands a body of several buffers to io.Copy, from any split of the bytes.
func TestStreamWriteTo(t *testing.T) {
	body := bytes.Repeat([]byte("all that is in the body\r\n"), 8000)
	for _, split := range []int{0, 1, 7, 4096} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("UID FETCH 9 (UID BODY.PEEK[])")
			h.Send("* 1 FETCH (BODY[] {%d}\r\n%s UID 9)\r\n%s OK done", len(body), body, tag)
		})
		if split > 0 {
			c.NetConn().(interface{ SplitReads(int) }).SplitReads(split)
		}
		var got bytes.Buffer
		for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(9), imap.Section{}) {
			require.NoError(t, err)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				_, err := io.Copy(&got, b)
				require.NoError(t, err)
			}
			assert.EqualValues(t, 9, m.UID)
		}
		assert.True(t, bytes.Equal(body, got.Bytes()))
	}
}

// TestStreamUnsolicited mixes news into the answer: none of it takes a body from its message, or loses one.
func TestStreamUnsolicited(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID BODY.PEEK[])
		S: * 2 FETCH (FLAGS (\Seen))
		S: * 1 FETCH (UID 7 BODY[] {4}
		S: text)
		S: * 1 FETCH (UID 7 FLAGS (\Deleted))
		S: * 5 EXPUNGE
		S: * 3 FETCH (UID 30 BODY[] {5}
		S: other)
		S: * 1 FETCH (FLAGS ())
		S: * 4 EXISTS
		S: * 2 FETCH (UID 8 BODY[] {5}
		S: text2)
		S: * 2 FETCH (UID 8 FLAGS ())
		S: $ OK done
		C: $ NOOP
		S: $ OK done
	`)
	ctx := testkit.Context(t)
	got := map[imap.UID]string{}
	for m, err := range c.FetchStream(ctx, imap.UIDRange(7, 8), imap.Section{}) {
		require.NoError(t, err)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			text, err := io.ReadAll(b)
			require.NoError(t, err)
			got[m.UID] += string(text)
		}
	}
	assert.Equal(t, map[imap.UID]string{7: "text", 8: "text2"}, got)
	require.NoError(t, c.Noop(ctx))
	var news []string
	for _, ev := range c.Events() {
		switch ev := ev.(type) {
		case *imap.FetchEvent:
			text := ""
			for _, s := range ev.Message.Sections {
				text = string(s.Bytes)
			}
			news = append(news, text)
		case *imap.ExpungeEvent:
			news = append(news, "expunge")
		case *imap.ExistsEvent:
			news = append(news, "exists")
		}
	}
	assert.Equal(t, []string{"", "", "expunge", "other", "", "exists", ""}, news)
}

// TestUnreadBodyIsNoAnswer: what is not read of a body is not looked at, even if it looks like the answer to a command.
func TestUnreadBodyIsNoAnswer(t *testing.T) {
	for _, way := range []string{"left", "passed over"} {
		t.Run(way, func(t *testing.T) {
			const body = "xx\r\nA3 NO a fake\r\n* 99 EXISTS\r\n"
			filler := strings.Repeat("0123456789", 1000)
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("UID FETCH 1 (UID BODY.PEEK[])")
				h.Send("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s%s)\r\n%s OK done", len(body)+len(filler), body, filler, tag)
				h.OK()
			})
			for m, err := range c.FetchStream(testkit.Context(t), imap.UIDs(1), imap.Section{}) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					b.Read(make([]byte, 2))
					if way == "left" {
						break
					}
				}
				if way == "left" {
					break
				}
			}
			require.NoError(t, c.Noop(testkit.Context(t)))
			assert.EqualValues(t, 5, c.Mailbox().Exists)
		})
	}
}

// cancellingConn cancels a context while the first write after it was set is under way.
type cancellingConn struct {
	net.Conn
	cancel context.CancelFunc
}

func (c *cancellingConn) Write(b []byte) (int, error) {
	if c.cancel != nil {
		c.cancel()
		time.Sleep(2 * time.Millisecond)
		c.cancel = nil
	}
	return c.Conn.Write(b)
}

// TestCancelWhileWriting cancels while a command is just leaving: the connection stays.
func TestCancelWhileWriting(t *testing.T) {
	near, far := testkit.TCPPair(t)
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
		io.ReadFull(far, make([]byte, len("A1 NOOP\r\nA2 NOOP\r\n")))
	}()
	ctx := testkit.Context(t)
	conn := &cancellingConn{Conn: near}
	c, err := imap.NewClient(ctx, conn, nil)
	require.NoError(t, err)
	defer c.Close()
	short, cancel := context.WithCancel(ctx)
	conn.cancel = cancel
	require.ErrorIs(t, c.Noop(short), context.Canceled)
	go io.WriteString(far, "A1 OK done\r\nA2 OK done\r\n")
	require.NoError(t, c.Noop(ctx))
}

// TestSlowUpload sends a message to a server that reads it slowly and says nothing for longer than the timeout.
func TestSlowUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 << 20
		near, far := imaptest.Pipe()
		defer far.Close()
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n")
			buf := make([]byte, 256<<10)
			for left := size; left > 0; {
				n, err := far.Read(buf)
				if err != nil {
					return
				}
				left -= n
				time.Sleep(20 * time.Millisecond)
			}
			io.WriteString(far, "A1 OK done\r\n")
		}()
		c, err := imap.NewClient(testkit.Context(t), near, &imap.Options{Timeout: 500 * time.Millisecond})
		require.NoError(t, err)
		defer c.Close()
		msg := imap.Literal{R: bytes.NewReader(make([]byte, size)), Size: size}
		began := time.Now()
		_, err = c.Append(testkit.Context(t), "INBOX", msg, nil)
		require.NoError(t, err)
		require.Greater(t, time.Since(began), time.Second)
	})
}
