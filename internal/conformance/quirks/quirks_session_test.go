package quirks_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfSessions(t *testing.T) { runQuirks(t, sessionQuirks) }

// refused is a quirk of a greeting that ends the connection.
func refused(row int, server, greeting string, check func(*testing.T, error)) quirk {
	return quirk{row: row, server: server, check: func(t *testing.T, _ *imap.Client) {
		conn := imaptest.DialScript(t, testkit.RawLine(greeting)+"CLOSE")
		_, err := imap.NewClient(testkit.Context(t), conn, nil)
		require.Error(t, err)
		check(t, err)
	}}
}

// capabilities is a quirk in an untagged CAPABILITY: what is known after it, and what is not.
func capabilities(row int, server string, odd bool, line string, has, hasNot string) quirk {
	return quirk{row: row, server: server, odd: odd, from: asDialled, script: "S: * OK ready\n" + testkit.Answering("CAPABILITY", line),
		check: func(t *testing.T, c *imap.Client) {
			caps, err := c.Capability(testkit.Context(t))
			require.NoError(t, err)
			for _, name := range strings.Fields(has) {
				assert.True(t, caps.Has(name), name)
			}
			for _, name := range strings.Fields(hasNot) {
				assert.False(t, caps.Has(name), name)
			}
			for name := range caps.All() {
				assert.NotEqual(t, "*", name)
			}
		}}
}

// identity is a quirk in an untagged ID.
func identity(row int, server string, odd bool, line string, want map[string]string) quirk {
	return quirk{row: row, server: server, odd: odd, from: asLoggedIn, script: testkit.Answering("ID NIL", line), check: func(t *testing.T, c *imap.Client) {
		id, err := c.ID(testkit.Context(t), nil)
		require.NoError(t, err)
		assert.Equal(t, want, id)
	}}
}

// sessionQuirks are about the greeting, CAPABILITY, STARTTLS, ENABLE and ID.
var sessionQuirks = []quirk{
	refused(27, "IceWarp", " NO LOGOUT Intrusion prevention active for [1.2.3.4]", func(t *testing.T, err error) {
		assert.Contains(t, serverError(t, err).Text, "Intrusion prevention active for [1.2.3.4]")
	}),
	refused(258, "SmarterMail", "421 Server is busy, try again later.", func(t *testing.T, err error) {
		assert.Equal(t, &imap.Error{Status: "BYE", Text: "421 Server is busy, try again later."}, serverError(t, err))
		assert.True(t, imap.IsTransient(err))
	}),
	refused(28, "?", "* INVALID", func(t *testing.T, err error) {
		var broken *imap.ProtocolError
		assert.ErrorAs(t, err, &broken)
	}),
	refused(29, "many", "* BYE Too many connections", func(t *testing.T, err error) {
		assert.Equal(t, &imap.Error{Status: "BYE", Text: "Too many connections"}, serverError(t, err))
	}),
	refused(29, "many", "* BYE [ALERT] Too many connections", func(t *testing.T, err error) {
		assert.Equal(t, &imap.Error{Status: "BYE", Code: "ALERT", Text: "Too many connections"}, serverError(t, err))
		assert.ErrorIs(t, err, imap.ErrClosed)
	}),
	{row: 30, server: "hMailServer", from: asDialled, script: "S: * OK IMAPrev1\n" + testkit.Answering("CAPABILITY", "* CAPABILITY IMAP4 IMAP4rev1 CHILDREN") + testkit.Answering(`LOGIN u "p"`, "* CAPABILITY IMAP4rev1"),
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.Login(testkit.Context(t), "u", "p"))
			assert.Equal(t, "IMAPrev1", c.Greeting())
		}},
	{row: 31, server: "many", from: asDialled, ends: true, script: "S: * OK ready\n" + testkit.Answering("CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED"),
		check: func(t *testing.T, c *imap.Client) {
			assert.ErrorIs(t, c.Login(testkit.Context(t), "u", "p"), imap.ErrInsecure)
			assert.True(t, c.Caps().Has("LOGINDISABLED"))
		}},
	capabilities(32, "Netscape 4.03", false, "* CAPABILITY * CAPABILITY IMAP4 IMAP4rev1", "IMAP4 IMAP4rev1", "CAPABILITY"),
	capabilities(33, "iCloud", true, "* CAPABILITY st11p00 1Q49 XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 SASL-IR AUTH=PLAIN ", "IMAP4rev1 AUTH=PLAIN st11p00 1Q49 XAPPLEPUSHSERVICE", "IDLE"),
	capabilities(34, "exmail.qq.com", true, "* CAPABILITY IMAP4rev1 ", "IMAP4rev1", "IDLE"),
	capabilities(35, "SEINE", false, "* CAPABILITY SEINE IMAP server IMAP4rev1 LITERAL+", "IMAP4rev1 LITERAL+ SEINE IMAP server", "IDLE"),
	{row: 36, server: "?", from: asDialled, script: "S: * PREAUTH [CAPABILITY IMAP4rev1 LITERAL +] ready\nC: $ CREATE {3}\nS: + go\nC+: \\xe4\"x\\r\\n\nS: $ OK done\n",
		check: func(t *testing.T, c *imap.Client) {
			assert.False(t, c.Caps().Has("LITERAL+"))
			require.NoError(t, c.Create(testkit.Context(t), imap.RawMailbox("\xe4\"x"), nil))
		}},
	{row: 37, server: "many", from: asConnected, script: testkit.Answering(`LOGIN u "p"`, "* CAPABILITY IMAP4rev1 XNEW"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Login(testkit.Context(t), "u", "p"))
		assert.True(t, c.Caps().Has("XNEW"))
		assert.False(t, c.Caps().Has("LITERAL+"), "what it replaces")
	}},
	{row: 37, server: "many", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN XOLD", script: testkit.Answering("AUTHENTICATE PLAIN AHUAcA==", "* CAPABILITY IMAP4rev1 XNEW"),
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.LoginPlain(testkit.Context(t), "u", "p"))
			assert.True(t, c.Caps().Has("XNEW"))
			assert.False(t, c.Caps().Has("XOLD"))
		}},
	{row: 38, server: "hostile", check: func(t *testing.T, _ *imap.Client) {
		c, err := startTLSBehind(t, "%s OK [CAPABILITY IMAP4rev1 XEVIL] begin\r\n")
		require.NoError(t, err)
		assert.False(t, c.Caps().Has("XEVIL"), "said in the clear")
		assert.False(t, c.Caps().Has("XCLEAR"), "said in the clear")
	}},
	{row: 38, server: "hostile", check: func(t *testing.T, _ *imap.Client) {
		_, err := startTLSBehind(t, "%s OK begin\r\n* CAPABILITY IMAP4rev1 XEVIL\r\n")
		assert.ErrorIs(t, err, imap.ErrClosed)
	}},
	{row: 39, server: "iCloud", from: asLoggedIn, script: testkit.Answering("ENABLE QRESYNC CONDSTORE") + testkit.Answering("ENABLE QRESYNC"), check: func(t *testing.T, c *imap.Client) {
		on, err := c.Enable(testkit.Context(t), "QRESYNC", "CONDSTORE")
		require.NoError(t, err)
		assert.Empty(t, on, "acknowledged, not listed")
		_, err = c.Select(testkit.Context(t), "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: 7, ModSeq: 9}})
		assert.ErrorIs(t, err, errors.ErrUnsupported, "a server that does not take QRESYNC as enabled would have to refuse the SELECT")
		assert.True(t, imap.SafeToRetry(err))
	}},
	{row: 40, server: "?", from: asLoggedIn, script: "C: $ ENABLE CONDSTORE XUNKNOWN\nS: $ BAD unknown capability\n" +
		testkit.Answering("ENABLE CONDSTORE", "* ENABLED CONDSTORE") + "C: $ ENABLE XUNKNOWN\nS: $ BAD unknown capability\n", check: func(t *testing.T, c *imap.Client) {
		on, err := c.Enable(testkit.Context(t), "CONDSTORE", "XUNKNOWN")
		assert.Equal(t, []string{"CONDSTORE"}, on)
		assert.Equal(t, "BAD", serverError(t, err).Status)
		assert.True(t, c.Enabled("CONDSTORE"))
	}},
	{row: 41, server: "163, 126, 188, yeah.net", from: asLoggedIn, script: "C: $ SELECT INBOX\nS: $ NO SELECT Unsafe Login. Please contact kefu@188.com for help\n" +
		testkit.Answering(`ID ("name" "x")`, "* ID NIL") + testkit.Answering("SELECT INBOX", "* 1 EXISTS"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		assert.Contains(t, serverError(t, err).Text, "Unsafe Login")
		_, err = c.ID(testkit.Context(t), map[string]string{"name": "x"})
		require.NoError(t, err)
		_, err = c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
	}, except: "who we are is the caller's to say, and nothing tells it unasked: the server's words reach the caller, and ID works between LOGIN and SELECT"},
	{row: 42, server: "163", from: asLoggedIn, script: testkit.Answering(`ID ("name" "x" "version" "1")`, "* ID NIL"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.ID(testkit.Context(t), map[string]string{"name": "x", "version": "1"})
		require.NoError(t, err)
	}},
	{row: 43, server: "Yahoo", from: asLoggedIn, script: testkit.Answering(`ID ("os" "NIL")`, "* ID NIL"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.ID(testkit.Context(t), map[string]string{"os": "NIL"})
		require.NoError(t, err)
	}},
	{row: 44, server: "GMX, web.de, Exchange", from: asLoggedIn, script: testkit.Answering("ID NIL", "* ID NIL"), check: func(t *testing.T, c *imap.Client) {
		_, err := c.ID(testkit.Context(t), map[string]string{})
		require.NoError(t, err)
	}},
	{row: 45, server: "mail.de", from: asConnected, script: "C: $ ID NIL\nS: $ BAD invalid command\n" + testkit.Answering(`LOGIN u "p"`, "* CAPABILITY IMAP4rev1 ID") + testkit.Answering("ID NIL", "* ID (\"name\" \"x\")"),
		check: func(t *testing.T, c *imap.Client) {
			_, err := c.ID(testkit.Context(t), nil)
			assert.Equal(t, "invalid command", serverError(t, err).Text)
			require.NoError(t, c.Login(testkit.Context(t), "u", "p"))
			id, err := c.ID(testkit.Context(t), nil)
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"name": "x"}, id)
		}},
	identity(46, "Proton", true, `* ID (support-url https://proton.me/mail name ProtonMail vendor "Proton AG")`,
		map[string]string{"support-url": "https://proton.me/mail", "name": "ProtonMail", "vendor": "Proton AG"}),
	identity(47, "Bigfoot", true, `* ID ("name", "Bigfoot", "version", "1")`, map[string]string{"name": "Bigfoot", "version": "1"}),
	{row: 47, server: "Bigfoot", check: func(t *testing.T, _ *imap.Client) {
		conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY "+testkit.WireCaps+"] ready\nC: $ ID NIL\nS: * ID (\"name\", \"Bigfoot\")\nS: * OK ID completed\nSTALL")
		c, err := imap.NewClient(testkit.Context(t), conn, nil)
		require.NoError(t, err)
		defer c.Close()
		ctx, cancel := context.WithTimeout(testkit.Context(t), 20*time.Millisecond)
		defer cancel()
		_, err = c.ID(ctx, nil)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	}},
	identity(48, "?", true, `* ID ("name" "x" )`, map[string]string{"name": "x"}),
	identity(49, "?", true, `* ID ("name")`, map[string]string{"name": ""}),
	{row: 50, server: "Coremail (163)", check: func(t *testing.T, _ *imap.Client) {
		near, far := imaptest.Pipe()
		tags := make(chan string, 3)
		go func() {
			defer far.Close()
			far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"))
			for lines := bufio.NewScanner(far); lines.Scan(); {
				tag, _, _ := strings.Cut(lines.Text(), " ")
				tags <- tag
				far.Write([]byte(tag + " OK done\r\n"))
			}
		}()
		c, err := imap.NewClient(testkit.Context(t), near, nil)
		require.NoError(t, err)
		defer c.Close()
		for range 3 {
			require.NoError(t, c.Noop(testkit.Context(t)))
			assert.Regexp(t, "^[A-Z]", <-tags)
		}
	}},
}

// startTLSBehind starts TLS with a server that answers STARTTLS with answer, in one piece, and then requests capabilities
// under TLS.
func startTLSBehind(t *testing.T, answer string) (*imap.Client, error) {
	t.Helper()
	srv := imaptest.New(t, &imaptest.Options{PreAuth: ""})
	behind := srv.Dial()
	near, far := imaptest.Pipe()
	t.Cleanup(func() { near.Close(); far.Close(); behind.Close() })
	go proxySTARTTLS(far, behind, answer)
	c, err := imap.NewClient(testkit.Context(t), near, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	if err := c.StartTLS(testkit.Context(t), srv.ClientTLS()); err != nil {
		return nil, err
	}
	_, err = c.Capability(testkit.Context(t))
	return c, err
}

// proxySTARTTLS is a proxy between a client and a server that answers for the server before TLS, and passes TLS on.
func proxySTARTTLS(client, server net.Conn, answer string) {
	defer server.Close()
	in, from := bufio.NewReader(client), bufio.NewReader(server)
	client.Write([]byte("* OK [CAPABILITY IMAP4rev1 STARTTLS XCLEAR] hi\r\n"))
	line, err := in.ReadString('\n')
	if err != nil {
		return
	}
	tag, _, _ := strings.Cut(line, " ")
	from.ReadString('\n') // its greeting
	server.Write([]byte(line))
	if _, err := from.ReadString('\n'); err != nil {
		return
	}
	client.Write([]byte(strings.Replace(answer, "%s", tag, 1)))
	go func() {
		in.WriteTo(server)
		server.Close()
	}()
	from.WriteTo(client)
	client.Close()
}

func TestQuirksOfAuthentication(t *testing.T) { runQuirks(t, authQuirks) }

// writes counts the writes on a connection.
type writes struct {
	net.Conn
	lines []string
}

func (w *writes) Write(b []byte) (int, error) {
	w.lines = append(w.lines, string(b))
	return w.Conn.Write(b)
}

// trustedApp is GroupWise's mechanism.
type trustedApp struct{}

func (trustedApp) Start() (string, []byte, error) { return "XGWTRUSTEDAPP", nil, nil }
func (trustedApp) Next([]byte) ([]byte, error)    { return []byte("key"), nil }

func authenticates(t *testing.T, c *imap.Client) {
	require.NoError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass"))
	require.Equal(t, imap.Authenticated, c.State())
}

// authQuirks are about login and the end of a connection.
var authQuirks = []quirk{
	{row: 51, server: "Exchange, AOL, public-inbox", odd: true, from: asConnected, caps: "IMAP4rev1 AUTH=PLAIN LITERAL-",
		script: "C: $ AUTHENTICATE PLAIN\nS+: +\\r\\n\nC: AHUAcA==\nS: $ OK [CAPABILITY IMAP4rev1] in\n", check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.LoginPlain(testkit.Context(t), "u", "p"))
		}},
	{row: 51, server: "Exchange, AOL, public-inbox", odd: true, from: asLoggedIn, caps: "IMAP4rev1", script: "C: $ APPEND a {1}\nS+: +\\r\\n\nC: x\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Append(testkit.Context(t), "a", imap.LiteralString("x"), nil)
		require.NoError(t, err)
	}},
	{row: 253, server: "Gromox", odd: true, script: "C: $ IDLE\nS: $ + idling\nS: * 6 EXISTS\nC: DONE\nS: $ OK done\n", check: func(t *testing.T, c *imap.Client) {
		ev, err := testkit.OneEvent(testkit.Context(t), c, nil)
		require.NoError(t, err)
		require.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
	}},
	{row: 253, server: "Gromox", odd: true, from: asConnected, caps: "IMAP4rev1 AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN\nS: $ +\nC: AHUAcA==\nS: $ OK [CAPABILITY IMAP4rev1] in\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.LoginPlain(testkit.Context(t), "u", "p"))
	}},
	{row: 253, server: "any", script: "C: $ NOOP\nS: $ + what\n", check: func(t *testing.T, c *imap.Client) {
		require.Error(t, c.Noop(testkit.Context(t)))
	}},
	{row: 52, server: "QQ", from: asConnected, caps: "IMAP4rev1 AUTH=LOGIN", script: "C: $ AUTHENTICATE LOGIN\nS: + VXNlciBOYW1lAA==\nC: dQ==\nS: + UGFzc3dvcmQA\nC: cA==\nS: $ OK [CAPABILITY IMAP4rev1] in\n",
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.Authenticate(testkit.Context(t), imap.LoginMechanism("u", "p")))
		}},
	{row: 53, server: "Exchange", odd: true, script: testkit.Answering("NOOP", "+ idling", "+ ", "* 6 EXISTS"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(testkit.Context(t)))
		exists(6)(t, c)
	}},
	oauthFailure("XOAUTH2", imap.XOAuth2("u", "tok"), "dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB", ""),
	oauthFailure("OAUTHBEARER", imap.OAuthBearer("u", "tok"), "bixhPXUsAWF1dGg9QmVhcmVyIHRvawEB", "AQ=="),
	{row: 55, server: "Exchange", from: asConnected, script: testkit.Answering(`LOGIN u "p"`, "* CAPABILITY IMAP4rev1") + "C: $ SELECT INBOX\nS: $ BAD User is authenticated but not connected.\n",
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.Login(testkit.Context(t), "u", "p"))
			_, err := c.Select(testkit.Context(t), "INBOX", nil)
			assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
			assert.Equal(t, "User is authenticated but not connected.", serverError(t, err).Text)
			assert.True(t, imap.IsTransient(err), "the server may be busy")
		}},
	{row: 56, server: "Exchange", from: asConnected, script: testkit.Answering(`LOGIN "DOM\\user" "p"`, "* CAPABILITY IMAP4rev1"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.AuthenticatePassword(testkit.Context(t), `DOM\user`, "p"))
	}},
	{row: 56, server: "Exchange", from: asConnected, script: testkit.Answering(`LOGIN DOM/user "p"`, "* CAPABILITY IMAP4rev1"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.AuthenticatePassword(testkit.Context(t), `DOM/user`, "p"))
	}},
	{row: 57, server: "Office 365", from: asConnected, script: "C: $ AUTHENTICATE PLAIN AHUAcA==\nS: $ OK [Error=\"Microsoft.Exchange.WrongServerException: Cross Server\" Proxy=X] AUTHENTICATE completed.\n" + testkit.Answering("CAPABILITY", "* CAPABILITY IMAP4rev1"),
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.LoginPlain(testkit.Context(t), "u", "p"))
			assert.Equal(t, imap.Authenticated, c.State())
		}},
	{row: 57, server: "Office 365", script: "C: $ X\nS: $ OK [Error=\"A.B: c\" Proxy=X] completed.\n", check: func(t *testing.T, c *imap.Client) {
		resp, err := c.Do(testkit.Context(t), "X")
		require.NoError(t, err)
		assert.Equal(t, &imap.Response{Text: `[Error="A.B: c" Proxy=X] completed.`}, resp)
	}},
	{row: 58, server: "?", from: asConnected, script: testkit.Answering(`LOGIN "a b" "p\"w\\ {3}"`, "* CAPABILITY IMAP4rev1"), check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Login(testkit.Context(t), "a b", `p"w\ {3}`))
	}},
	{row: 59, server: "Sun SIMS 2.0", check: func(t *testing.T, _ *imap.Client) {
		conn := &writes{Conn: imaptest.DialScript(t, "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nC: $ AUTHENTICATE PLAIN\nS: + \nC: AHUAcA==\nS: $ OK [CAPABILITY IMAP4rev1] in\n")}
		c, err := imap.NewClient(testkit.Context(t), conn, &imap.Options{AllowInsecureAuth: true})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.LoginPlain(testkit.Context(t), "u", "p"))
		require.Len(t, conn.lines, 2)
		for _, line := range conn.lines {
			assert.Equal(t, len(line)-2, strings.Index(line, "\r\n"), "one write is one line")
		}
	}},
	{row: 252, server: "David.fx", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=CRAM-MD5", script: "C: $ AUTHENTICATE CRAM-MD5\nS: + PDFAYT4=\nC: dSA2Mjc3Mzk1ZmVjMThkNGVmM2QzMWMzZjllYjE2ZWI1Zg==\n" +
		"S: $ NO AUTHENTICATE command unknown or arguments invalid\nC: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ OK [CAPABILITY IMAP4rev1] in\n", check: authenticates},
	{row: 252, server: "?", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ BAD command unknown\nC: $ LOGIN u \"pass\"\n" +
		"S: $ OK [CAPABILITY IMAP4rev1] in\n", check: authenticates},
	{row: 252, server: "?", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ NO Unsupported authentication mechanism\nC: $ LOGIN u \"pass\"\n" +
		"S: $ NO [AUTHENTICATIONFAILED] wrong password\n", check: func(t *testing.T, c *imap.Client) {
		require.Equal(t, imap.CodeAuthenticationFailed, serverError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass")).Code)
	}},
	{row: 252, server: "any, with a reason", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ NO [AUTHENTICATIONFAILED] wrong password\n",
		check: func(t *testing.T, c *imap.Client) {
			require.Equal(t, imap.CodeAuthenticationFailed, serverError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass")).Code)
		}},
	{row: 252, server: "any, a wrong password", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ NO Login failed\n",
		check: func(t *testing.T, c *imap.Client) {
			require.Equal(t, "AUTHENTICATE", serverError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass")).Command)
		}},
	{row: 252, server: "any, busy", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ NO Too many connections\n",
		check: func(t *testing.T, c *imap.Client) {
			require.Equal(t, "AUTHENTICATE", serverError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass")).Command)
		}},
	{row: 252, server: "any, LOGINDISABLED", from: asConnected, caps: "IMAP4rev1 SASL-IR LOGINDISABLED AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN AHUAcGFzcw==\nS: $ BAD unknown command\n",
		check: func(t *testing.T, c *imap.Client) {
			require.Equal(t, "AUTHENTICATE", serverError(t, c.AuthenticatePassword(testkit.Context(t), "u", "pass")).Command)
		}},
	{row: 60, server: "GroupWise", from: asConnected, caps: "IMAP4rev1 AUTH=XGWTRUSTEDAPP", script: "C: $ AUTHENTICATE XGWTRUSTEDAPP\nS: +\nC: XGWTRUSTEDAPP a2V5\nS: $ OK [CAPABILITY IMAP4rev1] in\n",
		check: func(t *testing.T, c *imap.Client) {
			require.NoError(t, c.Authenticate(testkit.Context(t), trustedApp{}))
		}},
	{row: 61, server: "any", from: asConnected, ends: true, caps: "IMAP4rev1 AUTH=PLAIN", script: "C: $ AUTHENTICATE PLAIN\nS: * BYE too many failures\nCLOSE", check: func(t *testing.T, c *imap.Client) {
		err := c.LoginPlain(testkit.Context(t), "u", "p")
		assert.Equal(t, &imap.Error{Command: "AUTHENTICATE", Status: "BYE", Text: "too many failures"}, serverError(t, err))
		assert.ErrorIs(t, err, imap.ErrClosed)
	}},
	{row: 62, server: "?", ends: true, script: "C: $ LOGOUT\nS: $ BYE logging out\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Logout(testkit.Context(t)))
	}},
	{row: 63, server: "iCloud", ends: true, odd: true, script: "C: $ NOOP\nS: * BYE\nCLOSE", check: func(t *testing.T, c *imap.Client) {
		assert.Equal(t, &imap.Error{Command: "NOOP", Status: "BYE"}, serverError(t, c.Noop(testkit.Context(t))))
	}},
	{row: 64, server: "Yandex", ends: true, script: "C: $ NOOP\nS: * BYE timeout\nS: * BYE timeout\nSTALL", check: func(t *testing.T, c *imap.Client) {
		assert.Equal(t, "timeout", serverError(t, c.Noop(testkit.Context(t))).Text)
		assert.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	}},
	{row: 64, server: "Yandex", ends: true, script: "C: $ LOGOUT\nS: * BYE bye\nS: * BYE bye\nS: $ OK done\n", check: func(t *testing.T, c *imap.Client) {
		require.NoError(t, c.Logout(testkit.Context(t)))
	}},
}

// oauthFailure is row 54 for one mechanism: the server explains, expects an answer to that, and then answers NO.
func oauthFailure(name string, m imap.Mechanism, initial, answer string) quirk {
	script := "C: $ AUTHENTICATE " + name + " " + initial + "\nS: + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\nC+: " + answer + "\\r\\n\nS: $ NO [AUTHENTICATIONFAILED] no\n"
	return quirk{row: 54, server: "many", from: asConnected, caps: "IMAP4rev1 SASL-IR AUTH=" + name, script: script, check: func(t *testing.T, c *imap.Client) {
		err := c.Authenticate(testkit.Context(t), m)
		assert.Equal(t, imap.CodeAuthenticationFailed, imap.CodeOf(err))
		assert.Contains(t, err.Error(), `status "400"`)
		assert.False(t, errors.Is(err, imap.ErrClosed))
	}}
}
