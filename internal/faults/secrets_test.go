package faults_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// thePassword has to be escaped in a quoted string.
const thePassword = `tan"staaf\secret99`

// foreignMechanism is a mechanism of another caller.
type foreignMechanism struct{}

func (foreignMechanism) Start() (string, []byte, error) { return "X-TOKEN", nil, nil }
func (foreignMechanism) Next([]byte) ([]byte, error)    { return []byte(thePassword), nil }

// secretCalls are the ways in which a secret is sent.
var secretCalls = map[string]func(ctx context.Context, c *imap.Client) error{
	"LOGIN":    func(ctx context.Context, c *imap.Client) error { return c.Login(ctx, "tim", thePassword) },
	"PLAIN":    func(ctx context.Context, c *imap.Client) error { return c.LoginPlain(ctx, "tim", thePassword) },
	"CRAM-MD5": func(ctx context.Context, c *imap.Client) error { return c.LoginCRAMMD5(ctx, "tim", thePassword) },
	"SASL LOGIN": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.LoginMechanism("tim", thePassword))
	},
	"SCRAM": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.SCRAMSHA256("tim", thePassword))
	},
	"CRAM-SHA256": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.CRAMSHA256("tim", thePassword))
	},
	"DIGEST-MD5": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.DigestMD5("tim", thePassword))
	},
	"XOAUTH2": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.XOAuth2("tim", thePassword))
	},
	"OAUTHBEARER": func(ctx context.Context, c *imap.Client) error {
		return c.Authenticate(ctx, imap.OAuthBearer("tim", thePassword))
	},
	"foreign": func(ctx context.Context, c *imap.Client) error { return c.Authenticate(ctx, foreignMechanism{}) },
}

// echoes are the places in which a server repeats what it received.
var echoes = map[string]string{
	"NO":           "TAG NO wrong: WORDS\r\n",
	"BAD":          "TAG BAD [X-HEARD WORDS] what\r\n",
	"OK":           "TAG OK welcome WORDS\r\n",
	"untagged":     "* NO WORDS\r\n* BAD [ALERT] WORDS\r\n* OK [X-HEARD WORDS] hm\r\nTAG NO no\r\n",
	"BYE":          "* BYE WORDS\r\n",
	"stray":        "what is WORDS\r\nTAG NO no\r\n",
	"stray, gone":  "what is WORDS\r\nCLOSE",
	"continuation": "+ WORDS\r\nTAG NO no\r\n",
	"data":         "* X-HEARD WORDS\r\n* CAPABILITY WORDS\r\nTAG NO no\r\n",
	"another tag":  "X9 NO WORDS\r\nTAG NO no\r\n",
	"no status":    "TAG WORDS\r\n* NO WORDS\r\n* BYE WORDS\r\n",
}

// echoServer repeats what it receives. With late it does so only after the call was given up.
func echoServer(conn net.Conn, form string, late <-chan struct{}) {
	defer conn.Close()
	io.WriteString(conn, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=CRAM-MD5 AUTH=LOGIN AUTH=SCRAM-SHA-256 AUTH=XOAUTH2 "+
		"AUTH=OAUTHBEARER AUTH=X-TOKEN AUTH=CRAM-SHA256 AUTH=DIGEST-MD5] hi\r\n")
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := rest
		name, _, _ := strings.Cut(rest, " ")
		if name == "NOOP" || name == "CAPABILITY" {
			io.WriteString(conn, tag+" OK done\r\n")
			continue
		}
		if name == "AUTHENTICATE" {
			words = exchangeWords(conn, in, rest)
		}
		<-late
		answer, last := strings.CutSuffix(strings.NewReplacer("TAG", tag, "WORDS", words+" "+thePassword).Replace(form), "CLOSE")
		io.WriteString(conn, answer)
		if last {
			return
		}
	}
}

// exchangeWords requests two answers at most and returns all that it received, in both forms.
func exchangeWords(conn io.Writer, in *bufio.Reader, rest string) string {
	heard := strings.Fields(rest)[2:]
	for range 2 - len(heard) {
		io.WriteString(conn, "+ Zm9v\r\n")
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		if heard = append(heard, strings.TrimSpace(line)); heard[len(heard)-1] == "*" {
			break
		}
		if !strings.Contains(rest, "LOGIN") && !strings.Contains(rest, "SCRAM") {
			break
		}
	}
	for _, h := range heard {
		if plain, err := base64.StdEncoding.DecodeString(h); err == nil {
			heard = append(heard, strings.Map(printable, string(plain)))
		}
	}
	return strings.Join(heard, " ")
}

func printable(r rune) rune {
	if r < ' ' {
		return '|'
	}
	return r
}

// secretForms must not appear anywhere.
func secretForms() []string {
	forms := []string{thePassword, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(thePassword), "staaf", "secret99"}
	for _, answer := range []string{"\x00tim\x00" + thePassword, thePassword, "user=tim\x01auth=Bearer " + thePassword + "\x01\x01",
		"n,a=tim,\x01auth=Bearer " + thePassword + "\x01\x01"} {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(answer)))
	}
	return append(forms, fmt.Sprintf("%q", thePassword), fmt.Sprintf("%x", thePassword))
}

// printed is everything that a program may print of an error.
func printed(err error) string {
	var b strings.Builder
	for _, format := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
		fmt.Fprintf(&b, format+"\n", err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&b, format+"\n", e)
		}
		if e, ok := errors.AsType[*imap.Error](err); ok {
			fmt.Fprintf(&b, format+"\n", *e)
		}
		if e, ok := errors.AsType[*imap.ProtocolError](err); ok {
			fmt.Fprintf(&b, format+"\n", *e)
		}
	}
	return b.String()
}

func requireNoSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, form := range secretForms() {
		require.NotContains(t, text, form, what)
	}
}

// TestNoSecretIsShown: whatever a server repeats, and when: no error and no log line contains the secret.
func TestNoSecretIsShown(t *testing.T) {
	for name, call := range secretCalls {
		for where, form := range echoes {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", where, " ", late), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tellNoSecret(t, call, form, late) })
				})
			}
		}
	}
}

func tellNoSecret(t *testing.T, call func(context.Context, *imap.Client) error, form string, late bool) {
	near, far := imaptest.Pipe()
	release := make(chan struct{})
	go echoServer(far, form, release)
	var log bytes.Buffer
	options := &imap.Options{AllowInsecureAuth: true, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	c, err := imap.NewClient(t.Context(), near, options)
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	if late {
		time.AfterFunc(time.Second, func() { cancel(testkit.ErrGone); time.Sleep(time.Second); close(release) })
	} else {
		close(release)
	}
	err = call(ctx, c)
	if late && !strings.Contains(form, "OK welcome") {
		require.Error(t, err)
	}
	requireNoSecret(t, "error", printed(err))
	later := c.Noop(t.Context())
	requireNoSecret(t, "later error", printed(later))
	for _, format := range []string{"%v", "%+v", "%#v"} {
		requireNoSecret(t, "client", fmt.Sprintf(format, c))
	}
	c.Close()
	cancel(nil)
	requireNoSecret(t, "log", log.String())
	require.Contains(t, log.String(), "[redacted]")
}

// TestMechanismsPrintNoSecret: a mechanism itself can be printed too.
func TestMechanismsPrintNoSecret(t *testing.T) {
	for _, m := range []imap.Mechanism{imap.Plain("", "tim", thePassword), imap.LoginMechanism("tim", thePassword), imap.CRAMMD5("tim", thePassword),
		imap.SCRAMSHA1("tim", thePassword), imap.SCRAMSHA256("tim", thePassword), imap.SCRAMSHA512("tim", thePassword), imap.DigestMD5("tim", thePassword),
		imap.CRAMSHA1("tim", thePassword), imap.CRAMSHA256("tim", thePassword), imap.XOAuth2("tim", thePassword), imap.OAuthBearer("tim", thePassword)} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			requireNoSecret(t, "mechanism", fmt.Sprintf(format, m))
		}
	}
}

// TestAuthorizedURLsAreSecret: whoever has an authorized URL can read the message, so neither log nor error shows it.
func TestAuthorizedURLsAreSecret(t *testing.T) {
	const token = "91354a473744909de610943775f92038"
	const url = "imap://ada@h/a/;uid=1;urlauth=anonymous:internal:" + token
	var log bytes.Buffer
	opts := &imap.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	c := testkit.DialPeerOffering(t, "IMAP4rev1 URLAUTH URLAUTH=BINARY CATENATE", opts, func(h *testkit.Peer) {
		tag := h.Line("")
		h.Send("* GENURLAUTH %q\r\n%s OK done", url, tag)
		for range 2 {
			tag = h.Line("")
			h.Send("* URLFETCH %q \"text\"\r\n%s NO not %s", url, tag, url)
		}
		tag = h.Line(`APPEND a CATENATE (URL "` + url + `")`)
		h.Send("%s NO [BADURL %q] not %s", tag, url, url)
	})
	made, err := c.AuthorizeURLs(t.Context(), "INTERNAL", &imap.URL{User: "ada", Host: "h", Mailbox: "a", UID: 1, Access: "anonymous"})
	require.NoError(t, err)
	require.Equal(t, token, made[0].Token)
	for _, request := range []imap.URLRequest{{URL: url}, {URL: url, Body: true}} {
		_, err = c.FetchURLs(t.Context(), request)
		require.ErrorContains(t, err, "not [redacted]")
	}
	_, err = c.Catenate(t.Context(), "a", []imap.CatenatePart{imap.CatenateURL(url)}, nil)
	require.ErrorContains(t, err, "not [redacted]")
	require.NotContains(t, err.Error(), token)
	require.NotContains(t, log.String(), token)
}

// secretsLogged returns options with a log.
func secretsLogged(log *bytes.Buffer) *imap.Options {
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	return &imap.Options{AllowInsecureAuth: true, Logger: slog.New(handler)}
}

// meddlingConn calls functions between the system and the client.
type meddlingConn struct {
	net.Conn
	onRead, onWrite func(b []byte)
}

func (c *meddlingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.onRead != nil {
		c.onRead(b[:n])
	}
	return n, err
}

func (c *meddlingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.onWrite != nil {
		c.onWrite(b)
	}
	return n, err
}

// atClose are answers that come when Close is called; without one, it is called when the secret has just been sent.
var atClose = map[string]string{
	"sent":         "",
	"challenge":    "TAG NO WORDS\r\n",
	"BYE":          "* BYE WORDS\r\n",
	"cut":          "* BYE WORDS",
	"NO":           "TAG NO WORDS\r\n",
	"continuation": "+ WORDS\r\n",
}

// TestNoSecretIsShownAtClose: neither what a login has sent when Close is called, nor what the server said of it and was read
// but not yet handled, appears in the log, an error or Bye.
func TestNoSecretIsShownAtClose(t *testing.T) {
	for name, call := range secretCalls {
		for where, form := range atClose {
			t.Run(name+" "+where, func(t *testing.T) {
				near, far := testkit.TCPPair(t)
				release := make(chan struct{})
				close(release)
				go echoServer(far, form, release)
				var log bytes.Buffer
				var c *imap.Client
				conn := &meddlingConn{Conn: near}
				c, err := imap.NewClient(t.Context(), conn, secretsLogged(&log))
				require.NoError(t, err)
				if form == "" {
					conn.onWrite = func(b []byte) {
						if !bytes.Contains(b, []byte("AUTHENTICATE")) {
							c.Close()
						}
					}
				} else {
					conn.onRead = func(b []byte) {
						if where == "challenge" || len(b) > len("+ Zm9v\r\n") {
							c.Close()
						}
					}
				}
				err = call(t.Context(), c)
				require.Error(t, err)
				requireNoSecret(t, "error", printed(err))
				requireNoSecret(t, "Err", printed(c.Err()))
				if bye := c.Bye(); bye != nil {
					requireNoSecret(t, "Bye", printed(bye))
				}
				requireNoSecret(t, "log", log.String())
				require.NotContains(t, log.String(), "Zm9v")
			})
		}
	}
}

// TestDeviceTokenIsSecret: the token of ApplePush is not shown if the server repeats the command.
func TestDeviceTokenIsSecret(t *testing.T) {
	for _, reply := range []string{"%[1]s BAD unknown: %[2]s", "%[1]s unknown: %[2]s", "* BYE %[2]s", "* NO %[2]s\r\n%[1]s NO no"} {
		var log bytes.Buffer
		c := testkit.DialPeerOffering(t, "IMAP4rev1 XAPPLEPUSHSERVICE", secretsLogged(&log), func(h *testkit.Peer) {
			tag := h.Line("")
			h.Send(reply, tag, h.Last)
		})
		_, err := c.ApplePush(t.Context(), &imap.ApplePushOptions{AccountID: "a", DeviceToken: "c0ffee5ecret", Subtopic: "s", Mailboxes: []string{"INBOX"}})
		require.Error(t, err, reply)
		require.NotContains(t, fmt.Sprint(err, c.Events(), log.String()), "c0ffee5ecret", reply)
		c.Close()
	}
}

// givenMechanism is a mechanism of another package, with the responses of PLAIN or OAUTHBEARER.
type givenMechanism struct{ name, answer string }

func (m givenMechanism) Start() (string, []byte, error) { return m.name, []byte(m.answer), nil }
func (m givenMechanism) Next([]byte) ([]byte, error)    { return nil, nil }

// TestPartsOfForeignResponses: the password or token alone, in the words of the server, is not shown either.
func TestPartsOfForeignResponses(t *testing.T) {
	const secret = "sesame-open"
	for _, m := range []givenMechanism{
		{"PLAIN", "\x00joe\x00" + secret}, {"PLAIN", "a\x00joe\x00" + secret},
		{"OAUTHBEARER", "n,a=joe,\x01host=h\x01auth=Bearer " + secret + "\x01\x01"}, {"XOAUTH2", "user=joe\x01auth=Bearer " + secret + "\x01\x01"},
	} {
		c := testkit.DialPeerBeforeLogin(t, "IMAP4rev1 SASL-IR AUTH="+m.name, func(h *testkit.Peer) {
			tag := h.Line("")
			h.Send("* NO joe tried %s\r\n%s NO user joe password %s: wrong", secret, tag, secret)
			h.Drain()
		})
		err := c.Authenticate(t.Context(), m)
		require.ErrorContains(t, err, "user joe password")
		require.NotContains(t, fmt.Sprint(err, c.Events()), secret, m.name)
	}
}
