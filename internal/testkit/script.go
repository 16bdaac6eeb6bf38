package testkit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// FollowText returns a client of a server that plays a script. The test fails if the client sends anything other than the
// script expects, or less.
func FollowText(t *testing.T, script string) *imap.Client {
	t.Helper()
	return FollowWith(t, nil, script)
}

// FollowWith is FollowText for a client with options.
func FollowWith(t *testing.T, opts *imap.Options, script string) *imap.Client {
	t.Helper()
	return FollowSplit(t, opts, script, 0)
}

// FollowSplit is FollowWith with reads of split bytes, 0 for any number.
func FollowSplit(t *testing.T, opts *imap.Options, script string, split int) *imap.Client {
	t.Helper()
	near, far := imaptest.Pipe()
	if split > 0 {
		near.SplitReads(split)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		imaptest.Script(t, &SwitchingConn{Conn: far}, script)
	}()
	t.Cleanup(func() {
		near.Close()
		far.Close()
		<-done
	})
	c, err := imap.NewClient(Context(t), near, opts)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// Offering returns a client of a server that offers exactly these capabilities, is logged in and plays the script.
func Offering(t *testing.T, caps, script string) *imap.Client {
	t.Helper()
	return FollowText(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hello\n"+script)
}

// OnlyNoop is the script of a test in which nothing may be sent: the next command is a NOOP.
const OnlyNoop = "C: $ NOOP\nS: $ OK done\n"

// RequireNothingSent ends a test with OnlyNoop.
func RequireNothingSent(t *testing.T, c *imap.Client) {
	t.Helper()
	require.NoError(t, c.Noop(Context(t)))
}

// WireCaps are the capabilities in the greeting of wire tests, so that no command has to request them.
const WireCaps = "IMAP4rev1 LITERAL+ SASL-IR ENABLE ID IDLE NAMESPACE UIDPLUS MOVE UNSELECT SPECIAL-USE CREATE-SPECIAL-USE " +
	"LIST-EXTENDED LIST-STATUS STATUS=SIZE SEARCHRES CONDSTORE QRESYNC UNAUTHENTICATE AUTH=PLAIN"

// DialScript returns a client whose server plays the script after a greeting.
func DialScript(t *testing.T, greeting, script string) *imap.Client {
	t.Helper()
	conn := imaptest.DialScript(t, "S: "+greeting+"\n"+script)
	c, err := imap.NewClient(t.Context(), conn, &imap.Options{AllowInsecureAuth: true, Timeout: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// LoggedIn returns a client that is logged in.
func LoggedIn(t *testing.T, script string) *imap.Client {
	t.Helper()
	return DialScript(t, "* PREAUTH [CAPABILITY "+WireCaps+"] ready", script)
}

// Selected returns a client that has a mailbox of five messages open.
func Selected(t *testing.T, script string) *imap.Client {
	t.Helper()
	c := LoggedIn(t, `
		C: $ SELECT INBOX
		S: * 5 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: $ OK [READ-WRITE] selected
	`+script)
	_, err := c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	return c
}

// RawLine returns the line of a script that sends text unchanged, followed by CRLF. Every byte that an editor could change
// is written as an escape.
func RawLine(text string) string { return "S+: " + escapeOctets(text) + `\r\n` + "\n" }

func escapeOctets(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Answering returns a script in which a command is answered with these responses and OK.
func Answering(command string, responses ...string) string {
	script := "C: $ " + command + "\n"
	for _, r := range responses {
		script += RawLine(r)
	}
	return script + "S: $ OK done\n"
}

// OfferingSelected is Offering with INBOX open.
func OfferingSelected(t *testing.T, caps, script string) *imap.Client {
	t.Helper()
	c := Offering(t, caps, "C: $ SELECT INBOX\nS: * 5 EXISTS\nS: $ OK [READ-WRITE] selected\n"+script)
	_, err := c.Select(Context(t), "INBOX", nil)
	require.NoError(t, err)
	return c
}
