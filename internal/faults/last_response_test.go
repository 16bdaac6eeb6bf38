package faults_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lastOf returns the *Error in what a call returned.
func lastOf(t *testing.T, err error) *imap.Error {
	t.Helper()
	var said *imap.Error
	require.ErrorAs(t, err, &said)
	return said
}

// TestByeAfterAbandoned: a BYE that is read while no caller waits for an answer is the error of the next call, once.
func TestByeAfterAbandoned(t *testing.T) {
	for name, test := range map[string]struct {
		line   string
		answer string
		leave  func(t *testing.T, c *imap.Client)
	}{
		"IDLE left by break": {"IDLE", "+ idling\r\n* 6 EXISTS", func(t *testing.T, c *imap.Client) {
			for _, err := range c.Idle(t.Context(), nil) {
				require.NoError(t, err)
				break
			}
		}},
		"Fetch left by break": {"FETCH 1:2 (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\r\n", func(t *testing.T, c *imap.Client) {
			for _, err := range c.Fetch(t.Context(), imap.SeqRange(1, 2), imap.FetchFlags) {
				require.NoError(t, err)
				break
			}
		}},
		"call of the loop body": {"FETCH 1:2 (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\r\n", func(t *testing.T, c *imap.Client) {
			for _, err := range c.Fetch(t.Context(), imap.SeqRange(1, 2), imap.FetchFlags) {
				require.NoError(t, err)
				assert.Equal(t, "gone for good", lastOf(t, c.Noop(t.Context())).Text)
				break
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, testkit.WireCaps+" IDLE", nil, func(h *testkit.Peer) {
				h.Line(test.line)
				h.Send("%s", test.answer)
				h.Send("* BYE [UNAVAILABLE] gone for good")
				h.Conn.Close()
			})
			test.leave(t, c)
			if name != "call of the loop body" {
				bye := lastOf(t, c.Noop(t.Context()))
				assert.Equal(t, "gone for good", bye.Text)
				assert.Equal(t, imap.CodeUnavailable, bye.Code)
			}
			err := c.Noop(t.Context())
			assert.ErrorIs(t, err, imap.ErrClosed)
			assert.NotContains(t, err.Error(), "gone")
		})
	}
}

// TestByeAfterIdleFor: the same if the time of an Idle was over before.
func TestByeAfterIdleFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan struct{})
		c := testkit.DialPeerOffering(t, testkit.WireCaps+" IDLE", nil, func(h *testkit.Peer) {
			h.Line("IDLE")
			h.Send("+ idling")
			<-left
			h.Send("* BYE [UNAVAILABLE] gone for good")
			h.Conn.Close()
		})
		for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
			t.Errorf("%v, %v", ev, err)
		}
		close(left)
		assert.Equal(t, "gone for good", lastOf(t, c.Noop(t.Context())).Text)
	})
}

// TestByeAfterCancelled: the same if the ctx of the only call has ended.
func TestByeAfterCancelled(t *testing.T) {
	arrived, held := make(chan struct{}), make(chan struct{})
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		h.Line("NOOP")
		close(arrived)
		<-held
		h.Send("* BYE shutting down")
		h.Conn.Close()
	})
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Noop(ctx) })
	close(held)
	assert.Equal(t, "shutting down", lastOf(t, c.Noop(t.Context())).Text)
	assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
}

// TestLastResponseInError: what the server sent instead of an answer is in the error.
func TestLastResponseInError(t *testing.T) {
	for said, want := range map[string]string{
		"* BAD Command line too long\r\n":         "BAD Command line too long",
		"* NO [OVERQUOTA] Disk full\r\n":          "NO [OVERQUOTA] Disk full",
		"* BYE going down in the middle of a wor": "BYE going down in the middle of a wor",
		"* NO cut":                "NO cut",
		"Server Unavailable 15\r": "",
		"Server Unavailable\r\n":  "BYE Server Unavailable",
		"* OK fine\r\n":           "",
		"* 3 FETCH (FLAGS (":      "",
	} {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			h.Line("NOOP")
			h.Put("%s", said)
			h.Out.Flush()
			h.Conn.Close()
		})
		err := c.Noop(t.Context())
		require.ErrorIs(t, err, imap.ErrClosed)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "FETCH")
	}
	t.Run("silence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				h.Line("NOOP")
				h.Send("* BAD what is this")
				h.Line("")
			})
			err := c.Noop(t.Context())
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.ErrorIs(t, err, imap.ErrClosed)
			assert.ErrorContains(t, err, "BAD what is this")
		})
	})
	t.Run("answered since", func(t *testing.T) {
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			h.Send("* NO old news\r\nstray\r\n%s OK done", tag)
			h.Line("NOOP")
			h.Conn.Close()
		})
		require.NoError(t, c.Noop(t.Context()))
		err := c.Noop(t.Context())
		assert.NotContains(t, err.Error(), "old news")
		assert.NotContains(t, err.Error(), "stray")
	})
}

// TestNoGreeting: the text of another protocol is in the error.
func TestNoGreeting(t *testing.T) {
	for greeting, want := range map[string]string{
		"421 Server is busy\r\n":                                     "421 Server is busy",
		"220 mx.example.org ESMTP\r\n":                               "220 mx.example.org ESMTP",
		"+OK POP3 ready\r\n":                                         "+OK POP3 ready",
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n":    "HTTP/1.1 400 Bad Request",
		"SSH-2.0-OpenSSH_9.2\r\n":                                    "SSH-2.0-OpenSSH_9.2",
		"* 12 messages\r\n":                                          "* 12 messages",
		"A1 OK hello\r\n":                                            "A1 OK hello",
		"421 Too many connec":                                        "421 Too many connec",
		"\x15\x03\x01\x00\x02\x02\n":                                 "......",
		"554 " + strings.Repeat("x", 100000) + "\r\n":                "554 xxxx",
		"* BYE Too many connections from your address, go away\r\n":  "go away",
		"* NO [UNAVAILABLE] please come back tomorrow, it is full\n": "come back tomorrow",
	} {
		near, far := imaptest.Pipe()
		go func() {
			_, _ = far.Write([]byte(greeting))
			far.Close()
		}()
		_, err := imap.NewClient(t.Context(), near, nil)
		require.Error(t, err)
		assert.ErrorContains(t, err, want)
		assert.Less(t, len(err.Error()), 1000)
	}
}

// TestLogoutReset: after BYE it does not matter how the connection ends.
func TestLogoutReset(t *testing.T) {
	for _, said := range []string{"* BYE see you\r\n", "* BYE see you\r\n* OK but\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		near := &expectingConn{Conn: conn, last: said, read: make(chan struct{})}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
			_, _ = c.Read(make([]byte, 4)) // the rest stays: Close resets
			fmt.Fprint(c, said)
			c.(*net.TCPConn).SetLinger(0)
			<-near.read // a reset would throw away what was not read
			c.Close()
		}()
		c, err := imap.NewClient(t.Context(), near, nil)
		require.NoError(t, err)
		require.NoError(t, c.Logout(t.Context()))
	}
}

// expectingConn closes read once the last of what it expects was read.
type expectingConn struct {
	net.Conn
	last string
	got  []byte
	read chan struct{}
}

func (c *expectingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.got = append(c.got, b[:n]...)
	if n > 0 && bytes.HasSuffix(c.got, []byte(c.last)) {
		close(c.read)
	}
	return n, err
}

// TestCodeOfOK: a code that no result contains is an event, and an answer of Response.
func TestCodeOfOK(t *testing.T) {
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("RENAME a b")
		h.Send("* OK [XHOLD 7] slow today\r\n%s OK [HASCHILDREN] renamed, but", tag)
		tag = h.Line("NOOP")
		h.Send("%s OK [MESSAGELIMIT 3 7] partly", tag)
		tag = h.Line("XWHAT")
		h.Send("%s OK [XCODE] done", tag)
		tag = h.Line("NOOP")
		h.Send("* OK Still here\r\n%s OK done", tag)
	})
	require.NoError(t, c.Rename(t.Context(), "a", "b"))
	require.NoError(t, c.Noop(t.Context()))
	assert.Equal(t, []imap.Event{
		&imap.CodeEvent{Code: "XHOLD", Args: "7", Text: "slow today"},
		&imap.CodeEvent{Command: "RENAME", Code: imap.CodeHasChildren, Text: "renamed, but"},
		&imap.CodeEvent{Command: "NOOP", Code: imap.CodeMessageLimit, Args: "3 7", Text: "partly"},
	}, c.Events())
	args, ok := c.LastData("MESSAGELIMIT")
	assert.True(t, ok)
	assert.Equal(t, "3 7", args)
	resp, err := c.Do(t.Context(), "XWHAT")
	require.NoError(t, err)
	assert.Equal(t, imap.Code("XCODE"), resp.Code)
	require.NoError(t, c.Noop(t.Context()))
	assert.Equal(t, []imap.Event{&imap.InfoEvent{Text: "Still here"}}, c.Events())
}

// TestAlertAfterAbandoned: an alert in the answer to a command whose caller has returned is an event.
func TestAlertAfterAbandoned(t *testing.T) {
	for _, answer := range []string{"OK [ALERT] your disk is full", "NO [ALERT] your disk is full"} {
		arrived, held := make(chan struct{}), make(chan struct{})
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("NOOP")
			close(arrived)
			<-held
			h.Send("%s %s", tag, answer)
			tag = h.Line("NOOP")
			h.Send("%s OK done", tag)
		})
		testkit.LeaveUnanswered(t, arrived, c.Noop)
		close(held)
		require.NoError(t, c.Noop(t.Context()))
		assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: "your disk is full"}}, c.Events(), answer)
	}
}

// TestAlertAfterAbandonedDo: so it is after a raw command, whose result would have contained it.
func TestAlertAfterAbandonedDo(t *testing.T) {
	for _, word := range []string{"OK", "NO"} {
		arrived, held := make(chan struct{}), make(chan struct{})
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("XLONG")
			close(arrived)
			<-held
			h.Send("%s %s [ALERT] your disk is full", tag, word)
			h.Drain()
		})
		testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return testkit.ErrOf(c.Do(ctx, "XLONG")) })
		close(held)
		require.NoError(t, c.Noop(t.Context()))
		assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: "your disk is full"}}, c.Events(), word)
	}
}

// TestByeToMarkedAppend: a BYE is no refusal of the form for UTF-8, after which the message would be sent in another form.
func TestByeToMarkedAppend(t *testing.T) {
	c := testkit.DialPeerOffering(t, "IMAP4rev1 UTF8=ACCEPT ENABLE LITERAL+", nil, func(h *testkit.Peer) {
		tag := h.Line("ENABLE UTF8=ACCEPT")
		h.Send("* ENABLED UTF8=ACCEPT\r\n%s OK done", tag)
		h.Line("APPEND INBOX UTF8 (~{8+}")
		h.Send("* BYE shutting down")
	})
	_, err := c.Enable(t.Context(), "UTF8=ACCEPT")
	require.NoError(t, err)
	_, err = c.Append(t.Context(), "INBOX", imap.LiteralString("a: b\r\n\r\n"), nil)
	assert.ErrorContains(t, err, "shutting down")
}

// TestOverflowKeepsAlerts: alerts for the user are kept when the event queue overflows.
func TestOverflowKeepsAlerts(t *testing.T) {
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		h.Send("* OK [ALERT] first")
		for i := range 20000 {
			h.Put("* %d EXISTS\r\n", i)
		}
		h.Send("* OK [ALERT] last\r\n%s OK done", tag)
	})
	require.NoError(t, c.Noop(t.Context()))
	var alerts []string
	lost := 0
	for _, ev := range c.Events() {
		switch ev := ev.(type) {
		case *imap.AlertEvent:
			alerts = append(alerts, ev.Text)
		case *imap.DroppedEvent:
			lost++
		}
	}
	assert.Equal(t, []string{"first", "last"}, alerts)
	assert.Equal(t, 1, lost)
}

// TestSecretAfterLogin: a password that the server echoes later is masked like one that it echoes at once; equal text in
// data is kept.
func TestSecretAfterLogin(t *testing.T) {
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 AUTH=PLAIN SASL-IR", func(h *testkit.Peer) {
		tag := h.Line("AUTHENTICATE PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00ada\x00pa55word")))
		h.Send("%s OK [CAPABILITY IMAP4rev1 UIDPLUS] hello", tag)
		tag = h.Line("NOOP")
		h.Send("* OK [ALERT] your pa55word is weak\r\n* XDATA pa55word\r\n%s NO [XBAD pa55word] pa55word again", tag)
	})
	require.NoError(t, c.LoginPlain(t.Context(), "ada", "pa55word"))
	err := c.Noop(t.Context())
	require.Error(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", err, lastOf(t, err)), "pa55word")
	for _, ev := range c.Events() {
		assert.NotContains(t, fmt.Sprintf("%+v", ev), "pa55word")
		if unknown, ok := ev.(*imap.UnknownEvent); ok {
			assert.NotContains(t, string(unknown.Raw), "pa55word")
		}
	}
}

// TestSecretsOfLogins: the secrets of a refused login are masked after another one too, also if one of them is a part of another.
func TestSecretsOfLogins(t *testing.T) {
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1", func(h *testkit.Peer) {
		tag := h.Line(`LOGIN ada "pa55word-old"`)
		h.Send("%s NO pa55word-old is wrong", tag)
		tag = h.Line(`LOGIN ada "pa55word"`)
		h.Send("%s OK [CAPABILITY IMAP4rev1] hello", tag)
		tag = h.Line("NOOP")
		h.Send("* OK [ALERT] not pa55word-old\r\n%s NO pa55word-old or pa55word", tag)
	})
	require.Error(t, c.Login(t.Context(), "ada", "pa55word-old"))
	require.NoError(t, c.Login(t.Context(), "ada", "pa55word"))
	require.EqualError(t, c.Noop(t.Context()), "imap: NOOP: NO [redacted] or [redacted]")
	assert.Equal(t, []imap.Event{&imap.AlertEvent{Text: "not [redacted]"}}, c.Events())
}

// TestSecretInData: a password may be part of an answer by chance.
func TestSecretInData(t *testing.T) {
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 UIDPLUS", func(h *testkit.Peer) {
		tag := h.Line(`LOGIN ada "12345"`)
		h.Send("%s OK [CAPABILITY IMAP4rev1 UIDPLUS] hello", tag)
		tag = h.Line("SELECT INBOX")
		h.Send("* 1 EXISTS\r\n* OK [UIDVALIDITY 12345] x\r\n%s OK [READ-WRITE] x", tag)
		tag = h.Line("UID COPY 1 b")
		h.Send("%s OK [COPYUID 12345 1 12345] x", tag)
	})
	require.NoError(t, c.Login(t.Context(), "ada", "12345"))
	mb, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 12345, mb.UIDValidity)
	res, err := c.Copy(t.Context(), imap.UIDs(1), "b")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(12345), res.Dest)
}

// proxy dials a fixed address, whatever is requested.
type proxy string

func (p proxy) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, string(p))
}

// TestLoopbackBehindProxy: a proxy on this machine does not make the server a local one.
func TestLoopbackBehindProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n")
			go func() {
				defer c.Close()
				b := make([]byte, 1000)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					tag, _, _ := strings.Cut(string(b[:n]), " ")
					fmt.Fprintf(c, "%s OK [CAPABILITY IMAP4rev1] done\r\n", tag)
				}
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for host, local := range map[string]bool{
		"mail.example.org": false, "localhost.example.org": false, "128.0.0.1": false, "notlocalhost": false,
		"localhost": true, "LOCALHOST.": true, "imap.localhost": true, "127.0.0.1": true, "127.3.2.1": true, "::1": true,
	} {
		c, err := imap.DialInsecure(t.Context(), net.JoinHostPort(host, port), &imap.Options{Dialer: proxy(l.Addr().String())})
		require.NoError(t, err)
		if err := c.Login(t.Context(), "ada", "secret"); local {
			assert.NoError(t, err, host)
		} else {
			assert.ErrorIs(t, err, imap.ErrInsecure, host)
		}
		c.Close()
	}
	// Without a Dialer the address is that of the host; a connection that the caller opened is judged by its address.
	c, err := imap.DialInsecure(t.Context(), l.Addr().String(), nil)
	require.NoError(t, err)
	assert.NoError(t, c.Login(t.Context(), "ada", "secret"))
	c.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	c, err = imap.NewClient(t.Context(), nc, &imap.Options{Dialer: proxy("")})
	require.NoError(t, err)
	assert.NoError(t, c.Login(t.Context(), "ada", "secret"))
	c.Close()
}

// unnamed is a mechanism of the caller: only it knows whether there is more to check.
type unnamed struct{ imap.Mechanism }

func (m unnamed) Start() (string, []byte, error) {
	_, initial, err := m.Mechanism.Start()
	return "XOWN", initial, err
}

// TestExchangeGivenUp: a login that was given up counts only if nothing is left to check in the server's messages.
func TestExchangeGivenUp(t *testing.T) {
	scram := func(h *testkit.Peer) {
		f := strings.Fields(h.Last)
		first, _ := base64.StdEncoding.DecodeString(f[2])
		_, nonce, _ := strings.Cut(string(first), "r=")
		h.Send("+ %s", base64.StdEncoding.EncodeToString([]byte("r="+nonce+"XYZ,s=c2FsdDEyMzQ=,i=4096")))
		h.Line("")
	}
	digest := func(h *testkit.Peer) {
		h.Send("+ %s", base64.StdEncoding.EncodeToString([]byte(`nonce="abc",qop="auth",algorithm=md5-sess`)))
		h.Line("")
	}
	for name, test := range map[string]struct {
		m      imap.Mechanism
		play   func(*testkit.Peer)
		answer string
		want   imap.State
	}{
		"SCRAM":           {imap.SCRAMSHA256("ada", "secret"), scram, "OK welcome", imap.LoggedOut},
		"SCRAM refused":   {imap.SCRAMSHA256("ada", "secret"), scram, "NO no", imap.NotAuthenticated},
		"DIGEST-MD5":      {imap.DigestMD5("ada", "secret"), digest, "OK welcome", imap.LoggedOut},
		"its own":         {unnamed{imap.Plain("", "ada", "secret")}, nil, "OK welcome", imap.LoggedOut},
		"its own refused": {unnamed{imap.Plain("", "ada", "secret")}, nil, "NO no", imap.NotAuthenticated},
		"PLAIN":           {imap.Plain("", "ada", "secret"), nil, "OK welcome", imap.Authenticated},
		"PLAIN refused":   {imap.Plain("", "ada", "secret"), nil, "NO no", imap.NotAuthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, held := make(chan struct{}), make(chan struct{})
			c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=DIGEST-MD5 AUTH=PLAIN AUTH=XOWN", func(h *testkit.Peer) {
				tag := h.Line("")
				if test.play != nil {
					test.play(h)
				}
				close(arrived)
				<-held
				h.Send("%s %s", tag, test.answer)
				h.Drain()
			})
			testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.Authenticate(ctx, test.m) })
			assert.Equal(t, imap.NotAuthenticated, c.State())
			close(held)
			err := c.Noop(t.Context())
			assert.Equal(t, test.want, c.State())
			if test.want == imap.LoggedOut {
				require.ErrorIs(t, err, imap.ErrClosed)
				assert.ErrorContains(t, err, "given up")
			} else {
				require.NoError(t, err)
			}
			err = c.Create(t.Context(), "private", nil)
			assert.Equal(t, test.want == imap.Authenticated, err == nil)
		})
	}
}

// TestImpostorGetsNoPassword: a server that cannot prove that it knows the password is not sent the password by another
// mechanism, although it refuses the exchange that the client cancelled.
func TestImpostorGetsNoPassword(t *testing.T) {
	for name, challenges := range map[string]func(nonce string) []string{
		"wrong signature": func(nonce string) []string {
			return []string{"r=" + nonce + "XYZ,s=c2FsdDEyMzQ=,i=4096", "v=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}
		},
		"wrong nonce":    func(string) []string { return []string{"r=other,s=c2FsdDEyMzQ=,i=4096"} },
		"few iterations": func(nonce string) []string { return []string{"r=" + nonce + "XYZ,s=c2FsdDEyMzQ=,i=1"} },
	} {
		t.Run(name, func(t *testing.T) {
			var then string
			done := make(chan struct{})
			c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN", func(h *testkit.Peer) {
				defer close(done)
				tag := h.Line("")
				first, _ := base64.StdEncoding.DecodeString(strings.Fields(h.Last)[2])
				_, nonce, _ := strings.Cut(string(first), "r=")
				for _, challenge := range challenges(nonce) {
					h.Send("+ %s", base64.StdEncoding.EncodeToString([]byte(challenge)))
					h.Line("")
				}
				h.Send("%s BAD AUTHENTICATE cancelled", tag)
				for tag = h.Line(""); tag != ""; tag = h.Line("") {
					then = h.Last
					h.Send("%s NO no", tag)
				}
			})
			err := c.AuthenticatePassword(t.Context(), "ada", "secret")
			c.Close()
			<-done
			require.ErrorContains(t, err, "SCRAM-SHA-256")
			assert.Empty(t, then)
		})
	}
}

// TestExchangeCancelledAndAccepted: a server that accepts an exchange which was cancelled with "*" is not trusted.
func TestExchangeCancelledAndAccepted(t *testing.T) {
	arrived, held := make(chan struct{}), make(chan struct{})
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 AUTH=PLAIN", func(h *testkit.Peer) {
		tag := h.Line("AUTHENTICATE PLAIN")
		close(arrived)
		<-held
		h.Send("+ ")
		h.Line("")
		h.Send("%s OK welcome all the same", tag)
		h.Drain()
	})
	testkit.LeaveUnanswered(t, arrived, func(ctx context.Context) error { return c.LoginPlain(ctx, "ada", "secret") })
	close(held)
	require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	assert.Equal(t, imap.LoggedOut, c.State())
}

// TestEmptyChallenge: "+ =" is an empty challenge.
func TestEmptyChallenge(t *testing.T) {
	c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 AUTH=PLAIN", func(h *testkit.Peer) {
		tag := h.Line("AUTHENTICATE PLAIN")
		h.Send("+ =")
		h.Line("")
		h.Send("%s OK [CAPABILITY IMAP4rev1] done", tag)
	})
	require.NoError(t, c.LoginPlain(t.Context(), "ada", "secret"))
}

// TestUnauthenticateForgets: the next user does not get the data of the previous one.
func TestUnauthenticateForgets(t *testing.T) {
	c := testkit.DialPeerOffering(t, testkit.WireCaps+" UNAUTHENTICATE IDLE", nil, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		h.Send("* OK [ALERT] for ada only\r\n* XSECRET of ada\r\n%s OK done", tag)
		idle := h.Line("IDLE")
		h.Send("+ idling\r\n* 6 EXISTS\r\n* OK [ALERT] for ada again")
		h.Line("")
		h.Send("%s OK done", idle)
		tag = h.Line("UNAUTHENTICATE")
		h.Send("%s OK done", tag)
	})
	require.NoError(t, c.Noop(t.Context()))
	for ev, err := range c.Idle(t.Context(), nil) {
		require.NoError(t, err)
		if _, ok := ev.(*imap.ExistsEvent); !ok {
			continue
		}
		require.NoError(t, c.Unauthenticate(t.Context()))
		break
	}
	assert.Empty(t, c.Events())
	_, ok := c.LastData("XSECRET")
	assert.False(t, ok)
	_, ok = c.LastData("EXISTS")
	assert.False(t, ok)
}

// TestUnauthenticateGivenUp: the data of the previous user goes when the answer is read, whichever call reads it.
func TestUnauthenticateGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan struct{})
	c := testkit.DialPeerOffering(t, testkit.WireCaps+" UNAUTHENTICATE", nil, func(h *testkit.Peer) {
		tag := h.Line("NOOP")
		h.Send("* OK [ALERT] for ada only\r\n* XSECRET of ada\r\n%s OK done", tag)
		tag = h.Line("UNAUTHENTICATE")
		cancel()
		<-answer
		h.Send("%s OK done", tag)
		h.OK()
	})
	require.NoError(t, c.Noop(t.Context()))
	require.ErrorIs(t, c.Unauthenticate(ctx), context.Canceled)
	close(answer)
	require.NoError(t, c.Noop(t.Context()))
	assert.Equal(t, imap.NotAuthenticated, c.State())
	assert.Empty(t, c.Events())
	_, ok := c.LastData("XSECRET")
	assert.False(t, ok)
}

// TestSuccessBeforeTheMessage: an APPEND for which the server reports success while the message is still being sent has failed.
func TestSuccessBeforeTheMessage(t *testing.T) {
	others := make(chan struct{})
	c := testkit.DialPeerOffering(t, "IMAP4rev1", nil, func(h *testkit.Peer) {
		slow := h.Line("NOOP")
		tag := h.Line("")
		h.Send("+ go on")
		h.Send("%s OK APPEND completed", tag)
		h.Send("%s OK done", slow)
		h.Drain()
	})
	p := c.Pipeline()
	p.Go(func(c *imap.Client) error {
		defer close(others) // the answer to the APPEND was read before this one
		return c.Noop(t.Context())
	})
	var err error
	p.Go(func(c *imap.Client) error {
		text := io.MultiReader(readerFunc(func([]byte) (int, error) { <-others; return 0, io.EOF }), strings.NewReader("text"))
		_, err = c.Append(t.Context(), "Sent", imap.Literal{R: text, Size: 4}, nil)
		return nil
	})
	require.NoError(t, p.Wait())
	var broken *imap.ProtocolError
	require.ErrorAs(t, err, &broken)
	assert.False(t, imap.SafeToRetry(err))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
