package testkit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var SizeFirst = []imap.SortKey{{Name: "SIZE", Reverse: true}}

// IdlePeer runs testing/synctest around a client whose server is played by the test.
func IdlePeer(t *testing.T, opts *imap.Options, play func(*Peer), test func(*testing.T, *imap.Client)) {
	synctest.Test(t, func(t *testing.T) { test(t, DialPeer(t, opts, play)) })
}

// Idle answers IDLE with the continuation, and returns its tag.
func (h *Peer) Idle() string {
	tag := h.Line("IDLE")
	h.Send("+ idling")
	return tag
}

// Done waits for DONE and ends the IDLE.
func (h *Peer) Done(tag string) {
	line, _ := h.In.ReadString('\n')
	assert.Equal(h.T, "DONE\r\n", line)
	h.Send("%s OK done", tag)
}

// Silent waits, and fails if anything arrives meanwhile.
func (h *Peer) Silent(d time.Duration) {
	h.Conn.SetReadDeadline(time.Now().Add(d))
	_, err := h.In.Peek(1)
	assert.ErrorIs(h.T, err, os.ErrDeadlineExceeded, "nothing may come")
	h.Conn.SetReadDeadline(time.Time{})
	h.In.Reset(h.Conn)
}

// Peer is the server's end of a connection that a test plays by hand, where a script cannot express how much is sent, and
// when.
type Peer struct {
	T    *testing.T
	Conn *imaptest.PipeConn
	In   *bufio.Reader
	Out  *bufio.Writer
	Last string // the command that Line read, without its tag
}

func (h *Peer) Init() {
	h.In, h.Out = bufio.NewReader(h.Conn), bufio.NewWriterSize(h.Conn, 64<<10)
}

// DialPeer returns a client with a mailbox of five messages open. play plays its server in a goroutine of its own.
func DialPeer(t *testing.T, opts *imap.Options, play func(*Peer)) *imap.Client {
	t.Helper()
	return DialPeerOffering(t, WireCaps+" SORT THREAD=REFERENCES", opts, play)
}

// DialPeerOffering is like DialPeer, with a server that has the given capabilities.
func DialPeerOffering(t *testing.T, caps string, opts *imap.Options, play func(*Peer)) *imap.Client {
	t.Helper()
	near, far := imaptest.Pipe()
	h := &Peer{T: t, Conn: far}
	h.Init()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Send("* PREAUTH [CAPABILITY %s] ready", caps)
		tag := h.Line("SELECT INBOX")
		h.Send("* 5 EXISTS\r\n%s OK [READ-WRITE] selected", tag)
		play(h)
	}()
	t.Cleanup(func() { near.Close(); far.Close(); <-done })
	c, err := imap.NewClient(t.Context(), near, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	return c
}

// Line reads a command and returns its tag. The test fails if the command is not the expected one; "" accepts any.
func (h *Peer) Line(want string) (tag string) {
	line, err := h.In.ReadString('\n')
	if err != nil {
		return ""
	}
	tag, h.Last, _ = strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
	if want != "" {
		assert.Equal(h.T, want, h.Last)
	}
	return tag
}

// Send sends a line. The other end may be closed already.
func (h *Peer) Send(format string, args ...any) {
	h.Put(format+"\r\n", args...)
	h.Out.Flush()
}

// Put is like Send, but without the line break, and without flushing.
func (h *Peer) Put(format string, args ...any) { fmt.Fprintf(h.Out, format, args...) }

// OK answers all commands with OK.
func (h *Peer) OK() {
	for tag := h.command(); tag != ""; tag = h.command() {
		h.Send("%s OK done", tag)
	}
}

// Barriers reads a command for each element and one more. Before one that waits, no second command may arrive.
func (h *Peer) Barriers(bars []bool) {
	tags := []string{h.command()}
	for _, waits := range bars {
		h.Conn.SetReadDeadline(time.Now().Add(time.Second))
		_, err := h.In.Peek(1)
		h.Conn.SetReadDeadline(time.Time{})
		assert.Equal(h.T, waits, err != nil, "behind %s", h.Last)
		if waits {
			h.In.Reset(h.Conn)
			for _, tag := range tags {
				h.Send("%s OK done", tag)
			}
			tags = nil
		}
		tags = append(tags, h.command())
	}
	for _, tag := range tags {
		h.Send("%s OK done", tag)
	}
}

// command is like Line, but completes an IDLE.
func (h *Peer) command() string {
	tag := h.Line("")
	if h.Last == "IDLE" {
		h.Send("+ idling")
		if line, _ := h.In.ReadString('\n'); line != "" {
			assert.Equal(h.T, "DONE\r\n", line)
		}
	}
	return tag
}

var ErrGivenUp = errors.New("given up")

// LeaveUnanswered runs a call whose ctx ends once the server has its command.
func LeaveUnanswered(t *testing.T, arrived <-chan struct{}, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(ErrGivenUp)
	}()
	require.ErrorIs(t, call(ctx), ErrGivenUp)
}

// Drain answers all commands with OK.
func (h *Peer) Drain() {
	for {
		tag := h.Line("")
		if tag == "" {
			return
		}
		h.Send("%s OK done", tag)
	}
}

// DialPeerBeforeLogin returns a client that may send passwords, whose server play plays after the greeting.
func DialPeerBeforeLogin(t *testing.T, caps string, play func(*Peer)) *imap.Client {
	t.Helper()
	return DialPeerGreeting(t, "* OK [CAPABILITY "+caps+"] ready", play)
}

// DialPeerGreeting is DialPeerBeforeLogin with another greeting.
func DialPeerGreeting(t *testing.T, greeting string, play func(*Peer)) *imap.Client {
	t.Helper()
	near, far := imaptest.Pipe()
	h := &Peer{T: t, Conn: far}
	h.Init()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Send("%s", greeting)
		play(h)
	}()
	t.Cleanup(func() { near.Close(); far.Close(); <-done })
	c, err := imap.NewClient(t.Context(), near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}
