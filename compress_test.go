package imap_test

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

var _ = transcript("compress/deflate.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Compress(ctx))
	err := c.Compress(ctx)
	require.ErrorContains(t, err, "compressed already")
	require.True(t, imap.SafeToRetry(err))
	require.NoError(t, c.Noop(ctx))
	require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 3}}, c.Events())
	require.NoError(t, c.Logout(ctx))
})

var _ = transcript("compress/refused.txt", func(t *testing.T, c *imap.Client) {
	ctx := testkit.Context(t)
	require.Equal(t, imap.Code("COMPRESSIONACTIVE"), imap.CodeOf(c.Compress(ctx)))
	require.NoError(t, c.Noop(ctx))
})

func TestCompressUnsupported(t *testing.T) {
	c := testkit.Offering(t, "", testkit.OnlyNoop)
	require.ErrorIs(t, c.Compress(testkit.Context(t)), errors.ErrUnsupported)
	testkit.RequireNothingSent(t, c)
}

func TestCompressBeforeLogin(t *testing.T) {
	c := testkit.FollowText(t, "S: * OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\n"+testkit.OnlyNoop)
	var state *imap.StateError
	require.ErrorAs(t, c.Compress(testkit.Context(t)), &state)
	testkit.RequireNothingSent(t, c)
}

// TestCompressUnauthenticate: a password must not come to be compressed.
func TestCompressUnauthenticate(t *testing.T) {
	c := testkit.Offering(t, "COMPRESS=DEFLATE UNAUTHENTICATE", "C: $ COMPRESS DEFLATE\nS: $ OK DEFLATE active\n"+testkit.OnlyNoop)
	require.NoError(t, c.Compress(testkit.Context(t)))
	require.ErrorContains(t, c.Unauthenticate(testkit.Context(t)), "compressed already")
	testkit.RequireNothingSent(t, c)
}

// deflating is a server that answers COMPRESS in the same segment as its first compressed octets, then sends what the test
// gives it, as it is.
type deflating struct {
	net.Conn
	in  io.Reader // inflated
	out *flate.Writer
	buf bytes.Buffer
}

// deflate flushes text through the compressor and returns the octets for the wire.
func (d *deflating) deflate(t *testing.T, text string) []byte {
	d.buf.Reset()
	_, err := io.WriteString(d.out, text)
	require.NoError(t, err)
	require.NoError(t, d.out.Flush())
	return bytes.Clone(d.buf.Bytes())
}

// expect reads one line from the client.
func (d *deflating) expect(t *testing.T, line string) {
	got := make([]byte, len(line)+2)
	d.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, err := io.ReadFull(d.in, got)
	require.NoError(t, err)
	require.Equal(t, line+"\r\n", string(got))
}

// startDeflating returns a client and a server that are compressed. behind comes in one segment with the OK.
func startDeflating(t *testing.T, behind string, opts *imap.Options) (*imap.Client, *deflating) {
	t.Helper()
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	go io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE IDLE] hello\r\n")
	c, err := imap.NewClient(ctx, near, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	d := &deflating{Conn: far}
	d.out, err = flate.NewWriter(&d.buf, flate.BestCompression)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- c.Compress(ctx) }()
	line := make([]byte, len("A1 COMPRESS DEFLATE\r\n"))
	_, err = io.ReadFull(far, line)
	require.NoError(t, err)
	answer := []byte("A1 OK active\r\n")
	if behind != "" {
		answer = append(answer, d.deflate(t, behind)...)
	}
	far.Write(answer)
	require.NoError(t, <-done)
	d.in = flate.NewReader(far)
	return c, d
}

func TestCompressDataBehindOK(t *testing.T) {
	c, d := startDeflating(t, "* 5 EXISTS\r\n", nil)
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write(d.deflate(t, "A2 OK done\r\n"))
	}()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 5}}, c.Events())
}

func TestCompressByteByByte(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	body := strings.Repeat("line of a body\r\n", 40)
	go func() {
		d.expect(t, "A2 NOOP")
		for _, b := range d.deflate(t, "* NO "+strings.ReplaceAll(body, "\r\n", " ")+"\r\n* 7 EXISTS\r\nA2 OK done\r\n") {
			d.Write([]byte{b})
			time.Sleep(100 * time.Microsecond)
		}
	}()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.Len(t, c.Events(), 2)
}

// TestCompressCancel cuts calls while the answer to them lies in every possible two pieces, and between.
func TestCompressCancel(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	ctx := testkit.Context(t)
	for cut := 0; ; cut++ {
		// The cancelled call gets the first piece, the call after it the rest.
		first := make(chan struct{})
		wire := d.deflate(t, "* 7 EXISTS\r\n"+tag(2+2*cut)+" OK done\r\n")
		if cut > len(wire) {
			break
		}
		short, cancel := context.WithCancel(ctx)
		go func() {
			d.expect(t, tag(2+2*cut)+" NOOP")
			d.Write(wire[:cut])
			close(first)
			time.Sleep(5 * time.Millisecond) // a call that is cancelled while it still writes closes the connection
			cancel()
			time.Sleep(time.Millisecond)
			d.Write(wire[cut:])
			d.expect(t, tag(3+2*cut)+" NOOP")
			d.Write(d.deflate(t, tag(3+2*cut)+" OK done\r\n"))
		}()
		if err := c.Noop(short); cut < len(wire) {
			require.ErrorIs(t, err, context.Canceled)
		}
		<-first
		require.NoError(t, c.Noop(ctx))
		require.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 7}}, c.Events())
	}
}

func tag(n int) string { return fmt.Sprintf("A%d", n) }

// TestCompressCancelled cancels COMPRESS itself: the next call finds the connection compressed.
func TestCompressCancelled(t *testing.T) {
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	go io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n")
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Compress(short), context.DeadlineExceeded)
	d := &deflating{Conn: far, in: far}
	d.out, err = flate.NewWriter(&d.buf, flate.BestSpeed)
	require.NoError(t, err)
	go func() {
		d.expect(t, "A1 COMPRESS DEFLATE")
		io.WriteString(far, "A1 OK active\r\n")
		d.in = flate.NewReader(far)
		d.expect(t, "A2 NOOP")
		far.Write(d.deflate(t, "A2 OK done\r\n"))
	}()
	require.NoError(t, c.Noop(ctx))
	require.ErrorContains(t, c.Compress(ctx), "compressed already")
}

func TestCompressIdle(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	ctx := testkit.Context(t)
	go func() {
		d.expect(t, "A2 IDLE")
		d.Write(d.deflate(t, "+ idling\r\n"))
		d.Write(d.deflate(t, "* 8 EXISTS\r\n"))
		d.expect(t, "DONE")
		d.Write(d.deflate(t, "A2 OK done\r\n"))
		d.expect(t, "A3 NOOP")
		d.Write(d.deflate(t, "A3 OK done\r\n"))
		d.expect(t, "A4 IDLE")
		d.Write(d.deflate(t, "+ idling\r\n* 9 EXISTS\r\n"))
		d.expect(t, "DONE")
		d.Write(d.deflate(t, "A4 OK done\r\n"))
		d.expect(t, "A5 NOOP")
		d.Write(d.deflate(t, "A5 OK done\r\n"))
	}()
	var counts []uint32
	for ev, err := range c.Idle(ctx, nil) {
		require.NoError(t, err)
		counts = append(counts, ev.(*imap.ExistsEvent).Count)
		if len(counts) == 2 {
			break
		}
		require.NoError(t, c.Noop(ctx))
	}
	require.Equal(t, []uint32{8, 9}, counts)
	require.NoError(t, c.Noop(ctx))
}

// TestCompressClose closes while a read waits below the inflater.
func TestCompressClose(t *testing.T) {
	c, _ := startDeflating(t, "", nil)
	done := make(chan error, 1)
	go func() { done <- c.Noop(testkit.Context(t)) }()
	time.Sleep(10 * time.Millisecond)
	start := time.Now()
	c.Close()
	require.ErrorIs(t, <-done, imap.ErrClosed)
	require.Less(t, time.Since(start), time.Second)
}

// TestCompressBomb sends a line that inflates to far more than it is.
func TestCompressBomb(t *testing.T) {
	c, d := startDeflating(t, "", &imap.Options{MaxLine: 1 << 20})
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write(d.deflate(t, "* OK "+strings.Repeat("a", 64<<20)))
	}()
	err := c.Noop(testkit.Context(t))
	var limit *imap.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "MaxLine", limit.Name)
}

func TestCompressCorrupt(t *testing.T) {
	c, d := startDeflating(t, "", nil)
	go func() {
		d.expect(t, "A2 NOOP")
		d.Write([]byte("A2 OK not compressed\r\n"))
	}()
	err := c.Noop(testkit.Context(t))
	require.ErrorIs(t, err, imap.ErrClosed)
	var corrupt flate.CorruptInputError
	require.ErrorAs(t, err, &corrupt)
}

// TestCompressAtRest measures what compression costs while nothing happens.
func TestCompressAtRest(t *testing.T) {
	const n = 20
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // the first moves what sync.Pool holds, the second drops it
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	clients := make([]*imap.Client, n)
	for i := range clients {
		c, d := startDeflating(t, "", nil)
		go func() {
			d.expect(t, "A2 NOOP")
			d.Write(d.deflate(t, "A2 OK done\r\n"))
			d.in, d.out, d.buf = nil, nil, bytes.Buffer{}
		}()
		require.NoError(t, c.Noop(testkit.Context(t)))
		clients[i] = c
	}
	require.Eventually(t, func() bool { return (heap()-before)/n < 80<<10 }, 10*time.Second, 50*time.Millisecond)
	runtime.KeepAlive(clients)
}

var _ = live("COMPRESS=DEFLATE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Compress(ctx))
	body := "Subject: big\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 20000)
	for range 3 {
		_, err := c.Append(ctx, "INBOX", imap.LiteralString(body), nil)
		require.NoError(t, err)
	}
	_, err := c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	for range 50 { // calls cut anywhere
		short, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(4000))*time.Microsecond)
		imap.Collect(c.Fetch(short, imap.SeqRange(1, 0), imap.FetchFlags, imap.Section{}))
		cancel()
	}
	msgs, err := imap.Collect(c.Fetch(ctx, imap.SeqRange(1, 0), imap.Section{}))
	require.NoError(t, err)
	require.Len(t, msgs, 3)
	for _, m := range msgs {
		require.Equal(t, body, string(m.Section(imap.Section{})))
	}
	for _, err := range c.Idle(ctx, &imap.IdleOptions{For: 50 * time.Millisecond}) {
		require.NoError(t, err)
	}
	require.NoError(t, c.Noop(ctx))
	require.NoError(t, c.Logout(ctx))
})

// TestCompressKeepsNoDeadline: the deadline of the answer to COMPRESS is not that of all answers behind it. An inflater that
// saw it pass would be of no use any more.
func TestCompressKeepsNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		d := &deflating{Conn: far}
		go func() {
			io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n")
			io.ReadFull(far, make([]byte, len("A1 COMPRESS DEFLATE\r\n")))
			io.WriteString(far, "A1 OK active\r\n")
			d.in = flate.NewReader(far)
			io.ReadFull(d.in, make([]byte, len("A2 NOOP\r\n")))
			d.out, _ = flate.NewWriter(&d.buf, flate.BestSpeed)
			time.Sleep(time.Minute)
			d.Write(d.deflate(t, "A2 OK done\r\n"))
		}()
		c, err := imap.NewClient(t.Context(), near, nil)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Compress(t.Context()))
		time.Sleep(time.Minute + 30*time.Second) // the answer to COMPRESS was due within two
		require.NoError(t, c.Noop(t.Context()))
	})
}
