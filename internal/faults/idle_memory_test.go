package faults_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	restingClients = 1000
	// restingMemory is the most that an idle client may hold beyond its connection.
	restingMemory = 6 << 10
)

// restingServer serves clients on loopback in one goroutine: it reads each command only when asked to, so that its own
// memory does not count.
type restingServer struct {
	l     net.Listener
	conns []net.Conn
}

func newRestingServer(t *testing.T) *restingServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &restingServer{l: l}
	t.Cleanup(func() {
		l.Close()
		for _, c := range s.conns {
			c.Close()
		}
	})
	return s
}

// dial returns a connection and keeps its other end.
func (s *restingServer) dial(t *testing.T) net.Conn {
	near, err := net.Dial("tcp", s.l.Addr().String())
	require.NoError(t, err)
	far, err := s.l.Accept()
	require.NoError(t, err)
	s.conns = append(s.conns, far)
	return near
}

// answer reads a command from connection i and sends text and its tagged OK.
func (s *restingServer) answer(i int, text string) {
	line := make([]byte, 0, 64)
	for b := make([]byte, 1); len(line) == 0 || line[len(line)-1] != '\n'; line = append(line, b[0]) {
		if _, err := s.conns[i].Read(b); err != nil {
			return
		}
	}
	tag, _, _ := strings.Cut(string(line), " ")
	io.WriteString(s.conns[i], strings.ReplaceAll(text, "$", tag))
}

// footprint is what the process holds, or what a client holds of it.
type footprint struct {
	heap, stack int // bytes
	goroutines  float64
}

// per returns what each of n clients holds of a footprint that was before without them.
func (f footprint) per(n int, before footprint) footprint {
	return footprint{(f.heap - before.heap) / n, (f.stack - before.stack) / n, (f.goroutines - before.goroutines) / float64(n)}
}

// usage is the memory of the process.
func usage() (heap, goroutines int) {
	f := measure()
	return f.heap + f.stack, int(f.goroutines)
}

func measure() footprint {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{int(m.HeapAlloc), int(m.StackInuse), float64(runtime.NumGoroutine())}
}

// restingLimit is a limit for what a client holds. The race detector needs memory of its own.
func restingLimit(bytes int) int {
	if testkit.Race {
		return 2 * bytes
	}
	return bytes
}

// rest makes clients that have worked for a while, and measures what each holds when it is idle. On a busy machine some
// come to rest late: it measures again until they hold less than most, for half a minute at most.
func rest(t *testing.T, most footprint, work func(i int, c *imap.Client, s *restingServer)) {
	s := newRestingServer(t)
	bare := make([]net.Conn, restingClients)
	for i := range bare {
		bare[i] = s.dial(t)
	}
	before := measure()
	clients := make([]*imap.Client, restingClients)
	for i, conn := range bare {
		io.WriteString(s.conns[i], "* PREAUTH [CAPABILITY IMAP4rev1 IDLE LITERAL+] hi\r\n")
		c, err := imap.NewClient(testkit.Context(t), conn, nil)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		clients[i] = c
		s.work(i, c, work)
	}
	var each footprint
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		each = measure().per(restingClients, before)
		if each.heap < most.heap && each.stack < most.stack && each.goroutines <= most.goroutines || time.Since(begin) > 30*time.Second {
			break
		}
	}
	runtime.KeepAlive(clients)
	t.Logf("each: %d bytes of heap, %d of stack, %.2f goroutines", each.heap, each.stack, each.goroutines)
	assert.LessOrEqual(t, each.goroutines, most.goroutines)
	assert.Less(t, each.heap, most.heap)
	assert.Less(t, each.stack, most.stack)
}

func (s *restingServer) work(i int, c *imap.Client, work func(int, *imap.Client, *restingServer)) {
	work(i, c, s)
}

// TestAtRest: an idle client holds no goroutine and less than 8 KiB, even after work that needed much.
func TestAtRest(t *testing.T) {
	ctx := testkit.Context(t)
	rest(t, footprint{restingLimit(restingMemory), 2 << 10, 0}, func(i int, c *imap.Client, s *restingServer) {
		answering := func(text string, call func() error) {
			var done sync.WaitGroup
			done.Go(func() { s.answer(i, text) })
			require.NoError(t, call())
			done.Wait()
		}
		answering("* 5 EXISTS\r\n* FLAGS (\\Seen \\Deleted $a)\r\n* OK [UIDVALIDITY 7] ok\r\n$ OK [READ-WRITE] done\r\n", func() error {
			_, err := c.Select(ctx, "INBOX", nil)
			return err
		})
		if i%10 == 0 { // what takes long is enough for some
			row := `* 1 FETCH (UID 1 ENVELOPE (NIL "x" NIL NIL NIL (` + strings.Repeat(`("n" NIL "m" "h")`, 500) + `)))` + "\r\n"
			answering(strings.Repeat(row, 20)+"* 2 FETCH (UID 2 BODY[] {40000}\r\n"+strings.Repeat("x", 40000)+")\r\n$ OK\r\n", func() error {
				return testkit.Drain(c.Fetch(ctx, imap.UIDRange(1, 2), imap.FetchEnvelope, imap.Section{}))
			})
			answering("* XYZZY "+strings.Repeat("long line ", 20_000)+"\r\n$ OK\r\n", func() error { return c.Noop(ctx) })
			c.Events()
		}
		answering("* SEARCH 1 2 3\r\n$ OK\r\n", func() error { _, err := c.Search(ctx, imap.Where(), nil); return err })
	})
}

// TestAtRestInIdle: in IDLE the goroutine is the caller's, and the buffer is a small one.
func TestAtRestInIdle(t *testing.T) {
	ctx := testkit.Context(t)
	const stack = 8<<10 + 512 // that of the caller; it is 4 KiB, or 8 where it has grown and was not shrunk
	rest(t, footprint{restingLimit(restingMemory), stack, 1}, func(i int, c *imap.Client, s *restingServer) {
		go func() {
			for range c.Idle(ctx, nil) {
			}
		}()
		line, err := bufio.NewReaderSize(s.conns[i], 16).ReadString('\n')
		assert.NoError(t, err)
		assert.True(t, strings.HasSuffix(line, " IDLE\r\n"), line)
		io.WriteString(s.conns[i], "+ idling\r\n")
	})
}

// lineCounter counts the lines of a server that contain a word.
type lineCounter struct {
	slog.Handler
	word  string
	count atomic.Int64
}

func (l *lineCounter) Enabled(context.Context, slog.Level) bool { return true }

func (l *lineCounter) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if strings.Contains(a.Value.String(), l.word) {
			l.count.Add(1)
		}
		return true
	})
	return nil
}

// TestLongLineInIdle: a line that does not fit into the small buffer of IDLE and is not an event leaves no large buffer
// behind.
func TestLongLineInIdle(t *testing.T) {
	const clients = 20
	ctx, s, lines := testkit.Context(t), newRestingServer(t), &lineCounter{word: "X-LONG"}
	before, _ := usage()
	for i := range clients {
		conn := s.dial(t)
		io.WriteString(s.conns[i], "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n")
		c, err := imap.NewClient(ctx, conn, &imap.Options{Logger: slog.New(lines)})
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		go func() {
			for range c.Idle(ctx, nil) {
			}
		}()
		_, err = bufio.NewReaderSize(s.conns[i], 16).ReadString('\n')
		require.NoError(t, err)
		io.WriteString(s.conns[i], "+ idling\r\n* CAPABILITY IMAP4rev1 IDLE X-LONG "+strings.Repeat("X-SERVER ", 20)+"X-END\r\n")
		require.Eventually(t, func() bool { return lines.count.Load() == int64(i)+1 }, 20*time.Second, time.Millisecond)
		usage() // no client takes over the large buffer of another
	}
	var each atomic.Int64
	assert.Eventually(t, func() bool {
		after, _ := usage()
		each.Store(int64(after-before) / clients)
		return each.Load() < 24<<10
	}, 20*time.Second, 20*time.Millisecond)
	t.Logf("%d bytes each", each.Load())
}

// TestBuffersGivenBack: an IDLE that was busy holds no large buffer once it is quiet again.
func TestBuffersGivenBack(t *testing.T) {
	ctx := testkit.Context(t)
	s := newRestingServer(t)
	conn := s.dial(t)
	io.WriteString(s.conns[0], "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n")
	c, err := imap.NewClient(ctx, conn, nil)
	require.NoError(t, err)
	defer c.Close()
	heap, _ := usage()
	for range 5 {
		var answered sync.WaitGroup // the text of the answer is not in use any more
		answered.Go(func() { s.answer(0, "* XYZZY "+strings.Repeat("x", 8<<20)+"\r\n$ OK\r\n") })
		require.NoError(t, c.Noop(ctx))
		answered.Wait()
		c.Events()
	}
	after, _ := usage()
	assert.Less(t, after-heap, 256<<10)
}

// watchedContext counts the goroutines and functions that wait for its end.
type watchedContext struct {
	context.Context
	live *atomic.Int64
}

// Value hides its parent: the context package would bypass AfterFunc.
func (watchedContext) Value(any) any { return nil }

func (w watchedContext) AfterFunc(f func()) (stop func() bool) {
	w.live.Add(1)
	inner := context.AfterFunc(w.Context, f)
	return func() bool {
		stopped := inner()
		if stopped {
			w.live.Add(-1)
		}
		return stopped
	}
}

// TestNothingWaitsForCtx: a ctx that does not end retains nothing of the calls that were made with it.
func TestNothingWaitsForCtx(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"command": func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Fetch(ctx, imap.UIDRange(1, 5)))
		},
		"FetchStream": testkit.StreamTwo,
		"Idle": func(ctx context.Context, c *imap.Client) error {
			return testkit.Drain(c.Idle(ctx, &imap.IdleOptions{For: time.Millisecond}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := testkit.Filled(t, 5)
			ctx := watchedContext{testkit.Context(t), new(atomic.Int64)}
			for range 3 {
				require.NoError(t, call(ctx, c))
				assert.Zero(t, ctx.live.Load())
			}
		})
	}
}

// TestLongTextIsReleased: an idle client does not retain the last text of the server.
func TestLongTextIsReleased(t *testing.T) {
	s := newRestingServer(t)
	conn := s.dial(t)
	io.WriteString(s.conns[0], "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	heap, _ := usage()
	for _, word := range []string{"OK", "NO"} {
		go s.answer(0, "$ "+word+" "+strings.Repeat("x", 8<<20)+"\r\n")
		require.Equal(t, word == "OK", c.Noop(testkit.Context(t)) == nil)
		require.Eventually(t, func() bool {
			after, _ := usage()
			return after-heap < 256<<10
		}, 10*time.Second, 20*time.Millisecond, word)
	}
	runtime.KeepAlive(c)
}

// TestMessagesAreReleased: an idle client retains no message that it sent, was refused, or gave up sending.
func TestMessagesAreReleased(t *testing.T) {
	for _, name := range []string{"sent", "refused"} {
		t.Run(name, func(t *testing.T) {
			near, far := imaptest.Pipe()
			defer far.Close()
			go func() {
				in := bufio.NewReader(far)
				io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
				in.ReadString('\n')
				if name == "refused" {
					io.WriteString(far, "A1 NO not here\r\n")
					return
				}
				io.WriteString(far, "+ go\r\n")
				io.CopyN(io.Discard, in, 100_002)
				io.WriteString(far, "A1 OK done\r\n")
			}()
			c, err := imap.NewClient(testkit.Context(t), near, nil)
			require.NoError(t, err)
			defer c.Close()
			gone := make(chan struct{})
			appendOne(t, c, gone, name == "refused")
			require.Eventually(t, func() bool {
				runtime.GC()
				select {
				case <-gone:
					return true
				default:
					return false
				}
			}, 20*time.Second, time.Millisecond)
			runtime.KeepAlive(c)
		})
	}
}

// appendOne sends a message and closes gone when nothing refers to it any more.
func appendOne(t *testing.T, c *imap.Client, gone chan struct{}, refused bool) {
	message := new([100_000]byte)
	runtime.AddCleanup(message, func(gone chan struct{}) { close(gone) }, gone)
	_, err := c.Append(testkit.Context(t), "a", imap.LiteralBytes(message[:]), nil)
	if refused {
		require.Error(t, err)
	} else {
		require.NoError(t, err)
	}
}
