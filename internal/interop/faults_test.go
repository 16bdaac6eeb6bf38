package interop_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faultServers are the real servers of the fault tests.
func faultServers() []string { return []string{"dovecot", "cyrus", "courier"} }

// dialThrough connects through a proxy and logs in.
func (e *env) dialThrough(p *proxy, tls bool) (*imap.Client, error) {
	opts := &imap.Options{TLSConfig: e.target.clientTLS(), Timeout: 30 * time.Second}
	dial := imap.DialInsecure
	if tls {
		dial = imap.DialTLS
	}
	c, err := dial(e.ctx(), p.addr, opts)
	if err != nil {
		return nil, err
	}
	if err := c.Login(e.ctx(), e.user, e.password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// TestPieces has a conversation through a proxy that delays and splits the data of both sides.
func TestPieces(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := getTarget(t, name)
			for _, f := range []fault{{chunk: 1}, {chunk: 2}, {chunk: 7}, {chunk: 500, delay: time.Millisecond}, {chunk: 4000, delay: 3 * time.Millisecond}} {
				for _, tls := range []bool{false, true} {
					to := target.addr
					if tls {
						to = target.tlsAddr
					}
					t.Run(fmt.Sprintf("%d bytes after %v, TLS %v", f.chunk, f.delay, tls), func(t *testing.T) {
						e := newEnv(t, target, plain)
						c, err := e.dialThrough(newProxy(t, to, f), tls)
						require.NoError(t, err)
						defer c.Close()
						e.shared.main = c
						e.converse()
					})
				}
			}
		})
	}
}

// converse appends, reads, searches, changes and waits.
func (e *env) converse() {
	box, uids := e.open(note("one"), mixed, note("three"))
	c := e.client()
	got := e.fetch(imap.UIDs(uids...), imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure, imap.Section{})
	require.Len(e, got, 3)
	require.Equal(e, mixed, string(got[1].Section(imap.Section{})))
	require.Equal(e, "Grüße aus Köln", got[1].Envelope.Subject)
	require.Equal(e, uids[1:2], e.search(imap.Where().Subject("grüße")))
	_, err := c.Store(e.ctx(), imap.UIDs(uids[0]), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(e, err)
	res, err := c.Expunge(e.ctx())
	require.NoError(e, err)
	require.Len(e, res.SeqNums, 1)
	c.Events()
	e.addFromOther(box, note("four"))
	for _, err := range c.Idle(e.ctx(), &imap.IdleOptions{For: time.Minute}) {
		require.NoError(e, err)
		break
	}
	require.Len(e, e.uids(), 3)
}

// acknowledged is what a server has confirmed.
type acknowledged struct {
	sums    map[[32]byte]bool // of the messages appended
	flagged bool              // the first message has \Flagged
	calls   int
}

// workUntilCut does work that can be cut at any byte, and records what was acknowledged. The error is nil if nothing was
// cut.
func (e *env) workUntilCut(p *proxy, box string, round int) (ack acknowledged, err error) {
	ack.sums = map[[32]byte]bool{}
	c, err := e.dialThrough(p, false)
	if err != nil {
		return ack, err
	}
	defer c.Close()
	step := func(f func() error) {
		if err == nil {
			if err = f(); err == nil {
				ack.calls++
			}
		}
	}
	add := func(text string) func() error {
		return func() error {
			_, err := c.Append(e.ctx(), box, imap.LiteralString(text), nil)
			if err == nil {
				ack.sums[sha256.Sum256([]byte(text))] = true
			}
			return err
		}
	}
	step(add(note(fmt.Sprintf("first %d", round))))
	step(func() error { _, err := c.Select(e.ctx(), box, nil); return err })
	step(func() error {
		_, err := imap.Collect(c.Fetch(e.ctx(), imap.SeqRange(1, 0), imap.FetchFlags, imap.FetchEnvelope, imap.Section{}))
		return err
	})
	step(func() error {
		_, err := c.Store(e.ctx(), imap.Seqs(1), imap.AddFlags(imap.FlagFlagged), nil)
		ack.flagged = err == nil
		return err
	})
	step(add(note(fmt.Sprintf("second %d", round))))
	step(func() error { return c.Logout(e.ctx()) })
	return ack, err
}

// TestCuts ends connections after any number of bytes, in either direction, with and without a reset. The current call
// reports the lost connection, and what was acknowledged before is stored.
func TestCuts(t *testing.T) {
	const rounds = 24
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, getTarget(t, name), plain)
			box := e.box()
			e.add(box, mixed)
			whole := newProxy(t, e.target.addr, fault{})
			ack, err := e.workUntilCut(whole, box, 0)
			require.NoError(t, err)
			require.Equal(t, 6, ack.calls)
			want := maps.Clone(ack.sums)
			down, up := whole.down.Load(), whole.up.Load()
			lost, calls := 0, ack.calls
			for i := range int64(rounds) {
				f := fault{reset: i%2 == 0}
				if i%3 == 0 {
					f.cutUp = 1 + up*i/rounds
				} else {
					f.cutDown = 1 + down*i/rounds
				}
				ack, err := e.workUntilCut(newProxy(t, e.target.addr, f), box, int(i)+1)
				if err != nil {
					refused, _ := errors.AsType[*net.OpError](err)
					if refused == nil || refused.Op != "dial" { // the reset can come before the connection
						require.ErrorIs(t, err, imap.ErrClosed, "%+v", f)
					}
					lost++
				}
				calls += ack.calls
				maps.Copy(want, ack.sums)
				if ack.flagged {
					require.Contains(t, e.firstFlags(box), imap.FlagFlagged)
				}
			}
			require.Greater(t, lost, rounds/2)
			e.requireMessages(box, want)
			t.Logf("%d connections cut, %d calls acknowledged, %d messages verified", lost, calls, len(want))
		})
	}
}

// firstFlags returns the flags of the first message and takes \Flagged away again.
func (e *env) firstFlags(box string) []imap.Flag {
	e.Helper()
	uids := e.selectBox(box)
	flags := e.fetchOne(uids[0], imap.FetchFlags).Flags
	_, err := e.client().Store(e.ctx(), imap.UIDs(uids[0]), imap.RemoveFlags(imap.FlagFlagged), nil)
	require.NoError(e, err)
	return flags
}

// requireMessages looks whether all of these messages are in a mailbox, and that none there is a part of one.
func (e *env) requireMessages(box string, want map[[32]byte]bool) {
	e.Helper()
	e.selectBox(box)
	have := map[[32]byte]bool{}
	for _, m := range e.fetch(imap.SeqRange(1, 0), imap.FetchSize, imap.Section{}) {
		body := m.Section(imap.Section{})
		require.EqualValues(e, m.Size, len(body))
		require.Regexp(e, `(?s)\r\n(The body of [^\r\n]*\.|--=_b--|[0-9a-f]{76}|[0-9a-z ]+)\r\n$`, string(body[max(0, len(body)-100):]), "a part of a message")
		have[sha256.Sum256(body)] = true
	}
	for sum := range want {
		require.True(e, have[sum], "a message that was acknowledged is not there")
	}
}

// ownServer starts a server that a test may kill.
func ownServer(t *testing.T, name string) *realserver.Server {
	t.Helper()
	realserver.Get(t, name) // skips where it is not installed
	s, err := realserver.Start(name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

// TestKilled kills servers in the middle of FETCH, APPEND and IDLE, starts them again and connects again.
func TestKilled(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t, name)
			e := newEnv(t, targetOf(s), plain)
			e.shared.readBuffer = 64 << 10 // or the kernel holds the whole body before the server dies
			box := e.box()
			want := map[[32]byte]bool{}
			for i := range 10 {
				text := note(fmt.Sprintf("before %d", i))
				e.add(box, text)
				want[sha256.Sum256([]byte(text))] = true
			}
			message, sum := large(8<<20, 3)
			_, err := e.client().Append(e.ctx(), box, message, nil)
			require.NoError(t, err)
			want[[32]byte(sum.Sum(nil))] = true
			for what, fail := range map[string]func(*env, string, func()) error{
				"FETCH": (*env).killedInFetch, "APPEND": (*env).killedInAppend, "IDLE": (*env).killedInIdle,
			} {
				t.Run(what, func(t *testing.T) {
					e := e.with(t)
					e.selectBox(box)
					err := fail(e, box, func() { require.NoError(t, s.Kill()) })
					require.ErrorIs(t, err, imap.ErrClosed)
					require.Equal(t, imap.LoggedOut, e.client0().State())
					require.ErrorIs(t, e.client0().Noop(e.ctx()), imap.ErrClosed)
					_, err = e.connect()
					require.Error(t, err, "nobody listens")
					require.True(t, imap.SafeToRetry(err))
					require.NoError(t, s.Restart())
					e.requireMessages(box, want)
				})
			}
		})
	}
}

// client0 is the shared connection as it is, lost or not.
func (e *env) client0() *imap.Client { return e.shared.main }

// killedInFetch reads a part of a large body before the server dies.
func (e *env) killedInFetch(_ string, kill func()) error {
	for m, err := range e.client().FetchStream(e.ctx(), imap.SeqRange(11, 11), imap.Section{}) {
		if err != nil {
			return err
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, b, 64<<10); err != nil {
				return err
			}
			kill()
			if _, err := io.Copy(io.Discard, b); err != nil {
				return err
			}
		}
	}
	return errors.New("the whole body came")
}

// killingReader kills the server when half of a message is sent.
type killingReader struct {
	io.Reader
	left int
	kill func()
}

func (r *killingReader) Read(p []byte) (int, error) {
	if r.left -= len(p); r.left < 0 && r.kill != nil {
		r.kill()
		r.kill = nil
	}
	return r.Reader.Read(p)
}

func (e *env) killedInAppend(box string, kill func()) error {
	message, _ := large(8<<20, 4)
	message.R = &killingReader{message.R, 4 << 20, kill}
	_, err := e.client().Append(e.ctx(), box, message, nil)
	return err
}

func (e *env) killedInIdle(_ string, kill func()) error {
	stop := e.soon(kill)
	defer stop()
	for _, err := range e.client().Idle(e.ctx(), &imap.IdleOptions{For: time.Minute}) {
		if err != nil {
			return err
		}
	}
	return errors.New("IDLE ended without an error")
}

// TestWrongPassword logs in with wrong passwords a hundred times, and then with the right one.
func TestWrongPassword(t *testing.T) {
	for _, name := range faultServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, getTarget(t, name), plain)
			atOnce := 10
			if name == "courier" { // which lets each wait for five seconds
				atOnce = 50
			}
			var wg sync.WaitGroup
			places := make(chan struct{}, atOnce)
			for i := range 100 {
				places <- struct{}{}
				wg.Go(func() {
					defer func() { <-places }()
					assert.NoError(t, e.wrongPassword(i))
				})
			}
			wg.Wait()
			require.NoError(t, e.client().Noop(e.ctx()))
		})
	}
}

// wrongPassword expects to be refused.
func (e *env) wrongPassword(i int) error {
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	secret := fmt.Sprintf("wrong-secret-%d", i)
	login := c.Login
	if i%2 == 1 {
		login = c.AuthenticatePassword
	}
	err = login(e.ctx(), e.user, secret)
	_, refused := errors.AsType[*imap.Error](err)
	switch {
	case !refused:
		return fmt.Errorf("a wrong password: %w", err)
	case strings.Contains(err.Error(), secret):
		return errors.New("the error holds the password")
	case c.State() != imap.NotAuthenticated:
		return fmt.Errorf("the state is %v", c.State())
	}
	return nil
}
