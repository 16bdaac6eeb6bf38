package faults_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os/exec"
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

// requireClosing closes the client while call is blocked: both return, and the call reports that the client is closed. The
// time limit is generous; what matters is that no caller waits for the server.
func requireClosing(t *testing.T, c *imap.Client, blocked func(), call func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	blocked()
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	for _, ch := range []chan error{closed, done} {
		select {
		case err := <-ch:
			if ch == done {
				require.ErrorIs(t, err, imap.ErrClosed)
				require.ErrorIs(t, err, net.ErrClosed)
			} else {
				require.NoError(t, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("blocked")
		}
	}
	require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	require.NoError(t, c.Close())
	require.Equal(t, imap.LoggedOut, c.State())
	require.Nil(t, c.Mailbox())
}

// TestCloseSilent: the server is silent, in the middle of an answer.
func TestCloseSilent(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		requireClosing(t, c, func() { s.waitHeld(t) }, func() error { return fetchBody(testkit.Context(t), c, 100) })
	})
}

// TestCloseIdle: a call is in IDLE.
func TestCloseIdle(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		requireClosing(t, c, func() { time.Sleep(5 * time.Millisecond) }, func() error {
			_, err := testkit.EventsOf(c.Idle(testkit.Context(t), nil), 1)
			return err
		})
	})
}

// TestCloseUpload: the server does not read.
func TestCloseUpload(t *testing.T) {
	message := noise(16 << 20)
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		requireClosing(t, c, func() { s.waitHeld(t) }, func() error {
			_, err := c.Append(testkit.Context(t), "deaf", imap.LiteralBytes(message), nil)
			return err
		})
	})
}

// TestCloseFlood: the server never stops sending, in lines, in one line, or in one literal.
func TestCloseFlood(t *testing.T) {
	for name, flood := range map[string][2]string{
		"lines":   {"", "* 3 EXISTS\r\n"},
		"line":    {"* SEARCH", " 17"},
		"literal": {"* 1 FETCH (UID 1 BODY[] {9223372036854775000}\r\n", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := testkit.TCPPair(t)
			c, err := imap.NewClient(testkit.Context(t), floodingConn(near, far, flood), &imap.Options{MaxLine: 1 << 30, MaxLiteral: 1 << 62})
			require.NoError(t, err)
			_, err = c.Select(testkit.Context(t), "INBOX", nil)
			require.NoError(t, err)
			requireClosing(t, c, func() { time.Sleep(20 * time.Millisecond) }, func() error {
				_, err := bodiesOf(c.FetchStream(testkit.Context(t), imap.UIDs(1), imap.Section{}), 1<<62)
				return err
			})
		})
	}
}

func floodingConn(near, far net.Conn, flood [2]string) net.Conn {
	go func() {
		defer far.Close()
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\nA1 OK in\r\n"+flood[0])
		piece := bytes.Repeat([]byte(flood[1]), 1000)
		for {
			if _, err := far.Write(piece); err != nil {
				return
			}
		}
	}()
	go io.Copy(io.Discard, far)
	return near
}

// TestCloseInHandshake: the server accepts STARTTLS and then sends nothing.
func TestCloseInHandshake(t *testing.T) {
	near, far := testkit.TCPPair(t)
	go io.WriteString(far, "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK begin\r\n")
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	requireClosing(t, c, func() { time.Sleep(10 * time.Millisecond) }, func() error { return c.StartTLS(testkit.Context(t), nil) })
}

// TestDialSilent: a server does not accept a connection, or sends no handshake or greeting: ctx ends the dial.
func TestDialSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	addr := l.Addr().String()
	for name, dial := range map[string]func(ctx context.Context) (*imap.Client, error){
		"DialTLS":      func(ctx context.Context) (*imap.Client, error) { return imap.DialTLS(ctx, addr, nil) },
		"DialStartTLS": func(ctx context.Context) (*imap.Client, error) { return imap.DialStartTLS(ctx, addr, nil) },
		"DialInsecure": func(ctx context.Context) (*imap.Client, error) { return imap.DialInsecure(ctx, addr, nil) },
		"DialStream": func(ctx context.Context) (*imap.Client, error) {
			return imap.DialStream(ctx, exec.Command("sleep", "60"), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.LeftBehind(t, func() {
				ctx, cancel := context.WithCancelCause(testkit.Context(t))
				time.AfterFunc(10*time.Millisecond, func() { cancel(testkit.ErrGone) })
				_, err := dial(ctx)
				if name == "DialStream" && errors.Is(err, exec.ErrNotFound) {
					return
				}
				require.ErrorIs(t, err, testkit.ErrGone)
				require.True(t, imap.SafeToRetry(err))
			})
		})
	}
}

// TestDialTimeout: without an end of ctx, Timeout ends a silent handshake or greeting.
func TestDialTimeout(t *testing.T) {
	client, _ := testkit.TLSConfigs()
	for name, test := range map[string]struct {
		said string
		dial func(ctx context.Context, conn net.Conn) (*imap.Client, error)
	}{
		"greeting": {"", func(ctx context.Context, conn net.Conn) (*imap.Client, error) {
			return imap.NewClient(ctx, conn, nil)
		}},
		"half a greeting": {"* OK he", func(ctx context.Context, conn net.Conn) (*imap.Client, error) {
			return imap.NewClient(ctx, conn, nil)
		}},
		"STARTTLS": {"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", func(ctx context.Context, conn net.Conn) (*imap.Client, error) {
			return imap.DialStartTLS(ctx, "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: conn}})
		}},
		"STARTTLS handshake": {"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK begin\r\n", func(ctx context.Context, conn net.Conn) (*imap.Client, error) {
			return imap.DialStartTLS(ctx, "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: conn}})
		}},
		"TLS handshake": {"", func(ctx context.Context, conn net.Conn) (*imap.Client, error) {
			return imap.DialTLS(ctx, "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: conn}, TLSConfig: client})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := imaptest.Pipe()
				defer far.Close()
				io.WriteString(far, test.said)
				_, err := test.dial(t.Context(), near)
				require.True(t, isTimeout(err), "%v", err)
			})
		})
	}
}

// TestCloseChild: a child process that does not exit when its input is closed is killed.
func TestCloseChild(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cmd := childCommand(l.Addr().String(), childVariable+"_STAYS=1")
	cmd.Stderr = &bytes.Buffer{} // has a goroutine of its own in os/exec
	c, err := imap.DialStream(testkit.Context(t), cmd, nil)
	require.NoError(t, err)
	control, err := l.Accept()
	require.NoError(t, err)
	defer control.Close()
	requireClosing(t, c, func() { time.Sleep(5 * time.Millisecond) }, func() error {
		_, err := testkit.EventsOf(c.Idle(testkit.Context(t), nil), 1)
		return err
	})
	require.Eventually(t, func() bool { return ended(control) }, 20*time.Second, time.Millisecond)
}

// ended reports whether the process at the other end of a connection has exited.
func ended(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !isTimeout(err)
}

// stubbornStream is a stream whose Close blocks.
type stubbornStream struct {
	net.Conn
	closing chan struct{}
}

func (s stubbornStream) Close() error {
	<-s.closing
	return s.Conn.Close()
}

// TestCloseStubbornStream: a stream whose Close blocks delays neither Close nor the waiting calls, which read or write.
func TestCloseStubbornStream(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *imap.Client) error{
		"reads": func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
		"writes": func(ctx context.Context, c *imap.Client) error {
			return testkit.ErrOf(c.Append(ctx, "a", imap.LiteralBytes(noise(1<<20)), nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := imaptest.Pipe()
				io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n")
				s := stubbornStream{near, make(chan struct{})}
				c, err := imap.NewClient(t.Context(), s, nil)
				require.NoError(t, err)
				far.SetLimit(1000)
				done := make(chan error, 1)
				go func() { done <- call(t.Context(), c) }()
				time.Sleep(time.Second)
				start := time.Now()
				require.NoError(t, c.Close())
				require.ErrorIs(t, <-done, imap.ErrClosed)
				require.LessOrEqual(t, time.Since(start), time.Second)
				close(s.closing)
			})
		})
	}
}

// TestCloseTLSUnread: TLS cannot send close_notify to a server that no longer reads. Close does not wait for that.
func TestCloseTLSUnread(t *testing.T) {
	client, server := testkit.TLSConfigs()
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		go io.WriteString(tls.Server(far, server), "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
		c, err := imap.NewClient(t.Context(), tls.Client(near, client), nil)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- c.Noop(t.Context()) }()
		synctest.Wait()
		far.SetLimit(1) // full: the NOOP is in it
		start := time.Now()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-done, imap.ErrClosed)
		require.Zero(t, time.Since(start))
	})
}

// slowMechanism waits for its user before it answers.
type slowMechanism struct{ answer chan []byte }

func (slowMechanism) Start() (string, []byte, error)          { return "X-SLOW", nil, nil }
func (m slowMechanism) Next(challenge []byte) ([]byte, error) { return <-m.answer, nil }

// TestCloseDuringMechanism: a call waits behind a login whose mechanism waits for its user. Close does not wait for the
// user.
func TestCloseDuringMechanism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		io.WriteString(far, "* OK [CAPABILITY IMAP4rev1 AUTH=X-SLOW] hi\r\n")
		c, err := imap.NewClient(t.Context(), near, &imap.Options{AllowInsecureAuth: true})
		require.NoError(t, err)
		m := slowMechanism{make(chan []byte)}
		login, behind := make(chan error, 1), make(chan error, 1)
		go func() { login <- c.Authenticate(t.Context(), m) }()
		synctest.Wait()
		io.WriteString(far, "+ \r\n")
		synctest.Wait()
		go func() { behind <- c.Noop(t.Context()) }()
		synctest.Wait()
		require.Empty(t, behind)
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-behind, imap.ErrClosed)
		m.answer <- nil
		require.ErrorIs(t, <-login, imap.ErrClosed)
	})
}

// TestCloseTogether closes from many goroutines while many calls wait.
func TestCloseTogether(t *testing.T) {
	eachTransport(t, func(t *testing.T, c *imap.Client, s *control) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		var calls, closers sync.WaitGroup
		calls.Go(func() { assert.ErrorIs(t, fetchBody(testkit.Context(t), c, 2000), imap.ErrClosed) })
		s.waitHeld(t)
		for range 10 {
			calls.Go(func() { assert.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed) })
			calls.Go(func() {
				_, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDs(1), imap.FetchFlags))
				assert.ErrorIs(t, err, imap.ErrClosed)
			})
		}
		for range 10 {
			closers.Go(func() { assert.NoError(t, c.Close()) })
		}
		closers.Wait()
		calls.Wait()
	})
}

// TestCloseInsideLoops closes in the body of every kind of loop. The loop ends with an error, or normally if all of its
// answer has arrived.
func TestCloseInsideLoops(t *testing.T) {
	const rows = "* 1 FETCH (UID 9 BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 10 BODY[] {3}\r\n"
	for name, loop := range map[string]func(ctx context.Context, c *imap.Client) error{
		"Fetch": func(ctx context.Context, c *imap.Client) error {
			for _, err := range c.Fetch(ctx, imap.UIDs(9, 10), imap.Section{}) {
				if err != nil {
					return err
				}
				c.Close()
			}
			return nil
		},
		"FetchStream": func(ctx context.Context, c *imap.Client) error {
			for _, err := range c.FetchStream(ctx, imap.UIDs(9, 10), imap.Section{}) {
				if err != nil {
					return err
				}
				c.Close()
			}
			return nil
		},
		"Bodies": func(ctx context.Context, c *imap.Client) error {
			for m, err := range c.FetchStream(ctx, imap.UIDs(9, 10), imap.Section{}) {
				if err != nil {
					return err
				}
				for _, err := range m.Bodies() {
					if err != nil {
						return err
					}
					c.Close()
				}
			}
			return nil
		},
		"Idle": func(ctx context.Context, c *imap.Client) error {
			for _, err := range c.Idle(ctx, nil) {
				if err != nil {
					return err
				}
				c.Close()
			}
			return nil
		},
		"IdleBursts": func(ctx context.Context, c *imap.Client) error {
			for _, err := range c.IdleBursts(ctx, time.Second, nil) {
				if err != nil {
					return err
				}
				c.Close()
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTape([]step{{said: []byte(seedGreeting + "A1 OK in\r\n")}, {sent: []byte("A1 SELECT INBOX\r\n")},
					{sent: []byte("A2 "), said: []byte("+ idling\r\n* 8 EXISTS\r\n" + rows)}})
				p.silent = true
				c, err := imap.NewClient(t.Context(), p, nil)
				require.NoError(t, err)
				_, err = c.Select(t.Context(), "INBOX", nil)
				require.NoError(t, err)
				require.ErrorIs(t, loop(t.Context(), c), imap.ErrClosed)
				require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
			})
		})
	}
}

// TestCloseInPipeline: all calls of a pipeline end.
func TestCloseInPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape([]step{{said: []byte(seedGreeting)}})
		p.silent = true
		c, err := imap.NewClient(t.Context(), p, nil)
		require.NoError(t, err)
		pipeline := c.Pipeline()
		errs := make([]error, 60)
		go func() {
			synctest.Wait()
			c.Close()
		}()
		for i := range errs {
			pipeline.Go(func(c *imap.Client) error { errs[i] = c.Noop(t.Context()); return nil })
		}
		require.NoError(t, pipeline.Wait())
		for _, err := range errs {
			require.ErrorIs(t, err, imap.ErrClosed)
		}
	})
}
