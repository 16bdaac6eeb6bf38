package imaplib_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// responseRows are lines of a server and their results.
var responseRows = map[string]func(*testing.T){
	"a code is kept with its data, untagged and tagged": on(testkit.Selected, `
		C: $ NOOP
		S: * OK [UIDNEXT 44] soon
		S: * OK [X-EMPTY] nothing
		S: $ OK [X-TAGGED a (b c)] done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		for code, data := range map[string]string{"UIDNEXT": "44", "X-EMPTY": "", "X-TAGGED": "a (b c)"} {
			said, ok := c.Response(code)
			assert.True(t, ok, code)
			assert.Equal(t, data, said, code)
		}
		assert.EqualValues(t, 44, c.Mailbox().UIDNext)
	}),
	"a code ends at its own bracket": on(testkit.Selected, `
		C: $ NOOP
		S: * OK [UIDNEXT 5] text [x] y
		S: $ NO [TRYCREATE] text [x] y
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		refusal, ok := errors.AsType[*imap.Error](c.Noop(ctx))
		require.True(t, ok)
		assert.Equal(t, &imap.Error{Command: "NOOP", Status: "NO", Code: imap.CodeTryCreate, Text: "text [x] y"}, refusal)
		assert.EqualValues(t, 5, c.Mailbox().UIDNext)
	}),
	"flags in a code may hold brackets": on(testkit.LoggedIn, `
		C: $ SELECT a
		S: * OK [PERMANENTFLAGS (\Seen [t] a]b \*)] ok
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "a", nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.Flag{imap.FlagSeen, "[t]", "a]b", imap.FlagAny}, mb.PermanentFlags)
	}),
	"a code of unusual letters": func(t *testing.T) {
		for line, code := range map[string]string{"[x-lower] a": "X-LOWER", "[X_Y 1] a": "X_Y", "[404 x] a": "404"} {
			c := testkit.LoggedIn(t, "C: $ NOOP\nS: $ NO "+line)
			err := c.Noop(testkit.Context(t))
			assert.Equal(t, imap.Code(code), imap.CodeOf(err), line)
		}
		for _, line := range []string{"[UNCLOSED a", "[", "[]", "[ x] y"} {
			c := testkit.LoggedIn(t, "C: $ NOOP\nS: $ NO "+line+"\nC: $ NOOP\nS: $ OK")
			assert.ErrorContains(t, c.Noop(testkit.Context(t)), "NO", line)
			assert.NoError(t, c.Noop(testkit.Context(t)), line)
		}
	},
	"a number before the name": on(testkit.Selected, "C: $ NOOP\nS: * 3 EXISTS\nS: * 1 FETCH (FLAGS (\\Seen))\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		events := c.Events()
		require.Len(t, events, 2)
		assert.Equal(t, &imap.ExistsEvent{Count: 3}, events[0])
		assert.EqualValues(t, 1, events[1].(*imap.FetchEvent).Message.SeqNum)
	}),
	"a name is a whole word": on(testkit.LoggedIn, "C: $ X\nS: * X_Y z\nS: * LIST2 x\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Do(ctx, "X")
		require.NoError(t, err)
		assert.Equal(t, []imap.Untagged{{Name: "X_Y", Rest: []byte("z")}, {Name: "LIST2", Rest: []byte("x")}}, res.Untagged)
	}),
	"names and words of status in any case": on(func(t *testing.T, script string) *imap.Client {
		return testkit.DialScript(t, "* preauth [capability imap4rev1 idle] hi", script)
	}, `
		C: $ SELECT a
		S: * 3 exists
		S: * Flags (\seen)
		S: * ok [uidvalidity 7] x
		S: $ ok [read-only] done
		C: $ FETCH 1 (UID FLAGS)
		S: * 1 fetch (uid 9 flags (\SEEN))
		S: $ Ok done
		C: $ LIST "" *
		S: * list (\noselect) nil a
		S: $ no [tryCreate] not done
		C: $ NOOP
		S: * bye going
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "a", nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.Mailbox{Name: "a", Exists: 3, UIDValidity: 7, ReadOnly: true, Flags: []imap.Flag{imap.FlagSeen}}, mb)
		got, err := imap.Collect(c.Fetch(ctx, imap.Seqs(1), imap.FetchFlags))
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.EqualValues(t, 9, got[0].UID)
		_, err = c.List(ctx, "", "*", nil)
		assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
		assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
	}),
	"junk costs itself alone": func(t *testing.T) {
		for _, junk := range []string{"*  3 EXISTS", "*OK x", "* 1", "*", "* ", "junk", "+junk", "{3}", ")", "* 99999999999 EXISTS", "* -1 EXISTS", "\x00"} {
			c := testkit.Selected(t, "C: $ NOOP\nS: "+junk+"\nS: * 4 EXISTS\nS: $ OK\nC: $ NOOP\nS: $ OK")
			require.NoError(t, c.Noop(testkit.Context(t)), junk)
			assert.EqualValues(t, 4, c.Mailbox().Exists, junk)
			require.NoError(t, c.Noop(testkit.Context(t)), junk)
		}
	},
	"two spaces are as good as one": on(testkit.Selected, "C: $ NOOP\nS: *  3 EXISTS\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		assert.EqualValues(t, 3, c.Mailbox().Exists)
	}),
	"a tagged status without text": on(testkit.LoggedIn, "C: $ NOOP\nS: $ OK\nC: $ NOOP\nS: $ NO\nC: $ NOOP\nS+: A3 BAD\\r\\n", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Noop(ctx))
		assert.EqualError(t, c.Noop(ctx), "imap: NOOP: NO")
		assert.EqualError(t, c.Noop(ctx), "imap: NOOP: BAD")
	}),
	"a tag that is not ours ends nothing": on(testkit.LoggedIn, "C: $ NOOP\nS: A99 OK not yours\nS: XYZ1 NO neither\nS: $ OK\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Noop(ctx))
		assert.NoError(t, c.Noop(ctx))
	}),
	"CAPABILITY without data, NO and BAD": on(greets("* OK hi"), `
		C: $ CAPABILITY
		S: $ OK
		C: $ CAPABILITY
		S: $ NO no
		C: $ CAPABILITY
		S: $ BAD bad
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		caps, err := c.Capability(ctx)
		assert.NoError(t, err)
		assert.False(t, caps.Has("IMAP4rev1"))
		for _, status := range []string{"NO no", "BAD bad"} {
			_, err = c.Capability(ctx)
			assert.ErrorContains(t, err, status)
		}
	}),
	"several SEARCH lines are one result": on(testkit.Selected, `
		C: $ SEARCH ALL
		S: * SEARCH 1 2
		S: * SEARCH
		S: * SEARCH 3 5
		S: $ OK
		C: $ SEARCH ALL
		S: * SEARCH
		S: $ OK
		C: $ SEARCH ALL
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, want := range []string{"1:3,5", "", ""} {
			res, err := c.SearchSeq(ctx, imap.Where(), nil)
			require.NoError(t, err)
			assert.Equal(t, want, res.Seqs.String())
		}
	}),
	"ESEARCH as the answer to a plain SEARCH": on(testkit.Selected, "C: $ UID SEARCH ALL\nS: * ESEARCH (TAG \"$\") UID ALL 4:5,9\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		res, err := c.Search(ctx, imap.Where(), nil)
		require.NoError(t, err)
		assert.Equal(t, "4:5,9", res.UIDs.String())
	}),
	"the last EXISTS counts": on(testkit.LoggedIn, "C: $ SELECT a\nS: * 2 EXISTS\nS: * 4 EXISTS\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		mb, err := c.Select(ctx, "a", nil)
		require.NoError(t, err)
		assert.EqualValues(t, 4, mb.Exists)
	}),
	"nothing of a mailbox is left when another is opened": on(testkit.Selected, `
		C: $ NOOP
		S: * OK [UIDNEXT 44] x
		S: * 9 EXISTS
		S: $ OK
		C: $ SELECT b
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		mb, err := c.Select(ctx, "b", nil)
		require.NoError(t, err)
		assert.Equal(t, &imap.Mailbox{Name: "b"}, mb)
	}),
}

// greetingRows are invalid greetings, and the errors for them.
var greetingRows = map[string]func(*testing.T){
	"a service that is not IMAP is named by what it said": func(t *testing.T) {
		for _, greeting := range []string{"220 smtp.example.org ESMTP", "+OK POP3", "+", "SSH-2.0-OpenSSH_9.9", "HTTP/1.1 400 Bad Request"} {
			_, err := imap.NewClient(testkit.Context(t), imaptest.DialScript(t, "S: "+greeting+"\nSTALL"), nil)
			require.ErrorContains(t, err, "no IMAP greeting", greeting)
			_, ok := errors.AsType[*imap.ProtocolError](err)
			assert.True(t, ok, greeting)
			assert.True(t, imap.SafeToRetry(err))
		}
	},
	"BYE as the greeting": func(t *testing.T) {
		_, err := imap.NewClient(testkit.Context(t), imaptest.DialScript(t, "S: * BYE no"), nil)
		assert.EqualError(t, err, "imap: BYE no")
	},
	"a greeting without text": func(t *testing.T) {
		c, err := imap.NewClient(testkit.Context(t), imaptest.DialScript(t, "S: * OK"), nil)
		require.NoError(t, err)
		defer c.Close()
		assert.Empty(t, c.Greeting())
	},
}

// ---- STARTTLS

// clearServer is a server without TLS, and its client. play plays what follows the greeting.
func clearServer(t *testing.T, greeting string, play func(conn net.Conn, in *bufio.Reader)) (*imap.Client, error) {
	t.Helper()
	near, far := imaptest.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.WriteString(far, greeting+"\r\n")
		play(far, bufio.NewReader(far))
	}()
	t.Cleanup(func() { near.Close(); far.Close(); <-done })
	client, _ := testkit.TLSConfigs()
	return imap.DialStartTLS(testkit.Context(t), "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: near}, TLSConfig: client})
}

const offersTLS = "* OK [CAPABILITY IMAP4rev1 STARTTLS X-CLEAR] hi"

// underTLS sends behind in answer to STARTTLS, and inside TLS answers each command with OK.
func underTLS(behind string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, in *bufio.Reader) {
		in.ReadString('\n')
		io.WriteString(conn, behind)
		_, server := testkit.TLSConfigs()
		inside := tls.Server(conn, server)
		in = bufio.NewReader(inside)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			answer := line[:2] + " OK done\r\n"
			if line[3:] == "CAPABILITY\r\n" {
				answer = "* CAPABILITY IMAP4rev1 X-INSIDE\r\n" + answer
			}
			io.WriteString(inside, answer)
		}
	}
}

var tlsRows = map[string]func(*testing.T){
	"all that was said in the clear is forgotten": func(t *testing.T) {
		c, err := clearServer(t, "* OK [CAPABILITY IMAP4rev1 STARTTLS X-CLEAR] hi", underTLS(
			"* OK [ALERT] trust me\r\n* OK [X-SAID by nobody] x\r\n* CAPABILITY IMAP4rev1 X-EVIL\r\nA1 OK [CAPABILITY IMAP4rev1 X-WORSE] go\r\n"))
		require.NoError(t, err)
		defer c.Close()
		for _, name := range []string{"X-CLEAR", "X-EVIL", "X-WORSE", "STARTTLS"} {
			assert.False(t, c.Caps().Has(name), name)
		}
		assert.Empty(t, c.Events())
		_, said := c.LastData("X-SAID")
		assert.False(t, said)
		assert.Equal(t, imap.NotAuthenticated, c.State())
		caps, err := c.Capability(testkit.Context(t))
		require.NoError(t, err)
		assert.True(t, caps.Has("X-INSIDE"))
		_, hasTLS := c.TLSState()
		assert.True(t, hasTLS)
	},
	"octets in the clear behind the answer end the connection": func(t *testing.T) {
		for _, behind := range []string{"* CAPABILITY IMAP4rev1 X-EVIL\r\n", "* PREAUTH hi\r\n", "x", "\r\n"} {
			c, err := clearServer(t, offersTLS, underTLS("A1 OK go\r\n"+behind))
			require.ErrorContains(t, err, "in the clear", "%q", behind)
			assert.ErrorIs(t, err, imap.ErrClosed)
			assert.Nil(t, c)
		}
	},
	"STARTTLS that is not offered is not sent": func(t *testing.T) {
		_, err := clearServer(t, "* OK [CAPABILITY IMAP4rev1] hi", func(conn net.Conn, in *bufio.Reader) {
			line, _ := in.ReadString('\n')
			assert.Empty(t, line)
		})
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	},
	"capabilities are asked for before STARTTLS": func(t *testing.T) {
		_, err := clearServer(t, "* OK hi", func(conn net.Conn, in *bufio.Reader) {
			line, _ := in.ReadString('\n')
			assert.Equal(t, "A1 CAPABILITY\r\n", line)
			io.WriteString(conn, "* CAPABILITY IMAP4rev1\r\nA1 OK\r\n")
		})
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	},
	"PREAUTH leaves no room for STARTTLS": func(t *testing.T) {
		_, err := clearServer(t, "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi", func(conn net.Conn, in *bufio.Reader) {
			line, _ := in.ReadString('\n')
			assert.Empty(t, line)
		})
		state, ok := errors.AsType[*imap.StateError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, &imap.StateError{Command: "STARTTLS", State: imap.Authenticated}, state)
	},
	"STARTTLS refused": on(greets(offersTLS), "C: $ STARTTLS\nS: $ NO not today\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.EqualError(t, c.StartTLS(ctx, nil), "imap: STARTTLS: NO not today")
		assert.NoError(t, c.Noop(ctx))
		assert.True(t, c.Caps().Has("X-CLEAR"))
	}),
	"STARTTLS twice": func(t *testing.T) {
		c, err := clearServer(t, offersTLS, underTLS("A1 OK go\r\n"))
		require.NoError(t, err)
		defer c.Close()
		err = c.StartTLS(testkit.Context(t), nil)
		assert.ErrorContains(t, err, "already uses TLS")
		assert.True(t, imap.SafeToRetry(err))
		assert.NoError(t, c.Noop(testkit.Context(t)))
	},
	"certificates are verified by default": func(t *testing.T) {
		_, server := testkit.TLSConfigs()
		for name, dial := range map[string]func(net.Conn) error{
			"STARTTLS": func(conn net.Conn) error {
				go func() {
					io.WriteString(conn, offersTLS+"\r\nA1 OK go\r\n")
					in := bufio.NewReader(conn)
					in.ReadString('\n')
					tls.Server(readFrom{conn, in}, server).Handshake()
				}()
				return nil
			},
			"TLS": func(conn net.Conn) error { go tls.Server(conn, server).Handshake(); return nil },
		} {
			near, far := imaptest.Pipe()
			require.NoError(t, dial(far))
			var err error
			if name == "TLS" {
				_, err = imap.DialTLS(testkit.Context(t), "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: near}})
			} else {
				_, err = imap.DialStartTLS(testkit.Context(t), "mail.example.com", &imap.Options{Dialer: testkit.OneConn{Conn: near}})
			}
			_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
			assert.True(t, unverified, "%s: %v", name, err)
			far.Close()
		}
	},
}

// readFrom is a connection of which a part has been read already.
type readFrom struct {
	net.Conn
	in io.Reader
}

func (c readFrom) Read(b []byte) (int, error) { return c.in.Read(b) }

// ---- SASL and UTF-8

// scribe is a mechanism that records the challenges and returns the given answers.
type scribe struct {
	got     *[]string
	answers []string
	initial []byte
}

func (m *scribe) Start() (string, []byte, error) { return "x-test", m.initial, nil }
func (m *scribe) Next(challenge []byte) ([]byte, error) {
	*m.got = append(*m.got, string(challenge))
	answer := m.answers[0]
	m.answers = m.answers[1:]
	return []byte(answer), nil
}

const sixty = "123456789012345678901234567890123456789012345678901234567890"

var loginRows = map[string]func(*testing.T){
	"challenges and answers of SASL": on(simpleWith("AUTH=X-TEST"), `
		C: $ AUTHENTICATE X-TEST
		S: +
		C: YQ==
		S: + Y2hhbGxlbmdl
		C:
		S: + AAEC
		C: MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw
		S: $ OK [CAPABILITY IMAP4rev1] in
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		var got []string
		require.NoError(t, c.Authenticate(ctx, &scribe{got: &got, answers: []string{"a", "", sixty}}))
		assert.Equal(t, []string{"", "challenge", "\x00\x01\x02"}, got)
	}),
	"an initial response waits where SASL-IR is missing": on(simpleWith("AUTH=X-TEST"), `
		C: $ AUTHENTICATE X-TEST
		S: +
		C: aGk=
		S: $ OK [CAPABILITY IMAP4rev1] in
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Authenticate(ctx, &scribe{initial: []byte("hi")}))
	}),
	"an empty initial response is a sign": on(simpleWith("AUTH=X-TEST SASL-IR"), "C: $ AUTHENTICATE X-TEST =\nS: $ OK [CAPABILITY IMAP4rev1] in", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Authenticate(ctx, &scribe{initial: []byte{}}))
	}),
	"a challenge that is not base64 cancels the exchange": on(simpleWith("AUTH=X-TEST"), `
		C: $ AUTHENTICATE X-TEST
		S: + ???
		C: *
		S: $ BAD cancelled
		C: $ NOOP
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		var got []string
		assert.Error(t, c.Authenticate(ctx, &scribe{got: &got, answers: []string{"a"}}))
		assert.Empty(t, got, "the mechanism never sees it")
		assert.NoError(t, c.Noop(ctx))
	}),
	"a mechanism that is not offered is not tried": on(simple, testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.ErrorIs(t, c.Authenticate(ctx, &scribe{}), errors.ErrUnsupported)
		assert.ErrorIs(t, c.LoginPlain(ctx, "u", "p"), errors.ErrUnsupported)
		testkit.RequireNothingSent(t, c)
	}),
	"UTF8=ACCEPT is on when the server says so": on(testkit.LoggedIn, "C: $ ENABLE UTF8=ACCEPT\nS: $ OK\nC: $ SELECT Entw&APw-rfe\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Enable(ctx, "UTF8=ACCEPT")
		require.NoError(t, err)
		assert.False(t, c.Enabled("UTF8=ACCEPT"))
		_, err = c.Select(ctx, "Entwürfe", nil)
		assert.NoError(t, err)
	}),
	"an enabling is forgotten with the login": on(testkit.LoggedIn, `
		C: $ ENABLE CONDSTORE
		S: * ENABLED CONDSTORE
		S: $ OK
		C: $ UNAUTHENTICATE
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Enable(ctx, "CONDSTORE")
		require.NoError(t, err)
		require.True(t, c.Enabled("CONDSTORE"))
		require.NoError(t, c.Unauthenticate(ctx))
		assert.False(t, c.Enabled("CONDSTORE"))
	}),
}
