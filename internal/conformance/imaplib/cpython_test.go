package imaplib_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of CPython's imaplib, under the names that they have there, adapted to this library.
// testdata/imaplib/cpython.txt lists the names; it gives the reason for each without a counterpart.

// cpythonTest is one of them. The script is what the server plays after the greeting.
type cpythonTest struct {
	dial   func(*testing.T, string) *imap.Client
	script string
	call   func(context.Context, *testing.T, *imap.Client)
}

// simple is a client of the server "simple" of that suite: not logged in, with only the base protocol.
func simple(t *testing.T, script string) *imap.Client {
	t.Helper()
	return testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1] IMAP4rev1", script)
}

// simpleWith is simple with more capabilities.
func simpleWith(caps string) func(*testing.T, string) *imap.Client {
	return func(t *testing.T, script string) *imap.Client {
		t.Helper()
		return testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 "+caps+"] IMAP4rev1", script)
	}
}

// utf8Enabled is a client that has enabled UTF8=ACCEPT.
func utf8Enabled(t *testing.T, script string) *imap.Client {
	t.Helper()
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE UTF8=ACCEPT] hi", `
		C: $ ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: $ OK done
	`+script)
	_, err := c.Enable(t.Context(), "UTF8=ACCEPT")
	require.NoError(t, err)
	require.True(t, c.Enabled("UTF8=ACCEPT"))
	return c
}

func runCPython(t *testing.T, tests map[string]cpythonTest) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.call(t.Context(), t, test.dial(t, test.script))
		})
	}
}

// TestCPythonNames compares the list of names with the tests.
func TestCPythonNames(t *testing.T) {
	list, err := os.ReadFile("testdata/imaplib/cpython.txt")
	require.NoError(t, err)
	there := map[string]bool{}
	for _, tests := range []map[string]cpythonTest{cpythonConnecting, cpythonLogin, cpythonMailboxes, cpythonMessages, cpythonOthers} {
		for name := range tests {
			name, _, _ = strings.Cut(name, ",") // what stands behind a comma is a case of ours
			there[name] = true
		}
	}
	for name := range cpythonAlone {
		there[name] = true
	}
	rows := 0
	for line := range strings.Lines(string(list)) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" {
			continue
		}
		rows++
		if reason == "" {
			assert.True(t, there[name], "%s has no test", name)
		}
		delete(there, name)
	}
	assert.Empty(t, there, "tests that are not in the list")
	t.Logf("%d rows of CPython's suite", rows)
}

// ---- connecting

// cpythonAlone are tests that need no connected client.
var cpythonAlone = map[string]func(*testing.T){
	"Internaldate2tuple":                      TestSameInstant,
	"Internaldate2tuple_issue10941":           TestParseInternalDate,
	"Time2Internaldate":                       TestFormatInternalDate,
	"Time2Internaldate_datetime_timetuple":    TestFormatInternalDate,
	"that_Time2Internaldate_returns_a_result": func(t *testing.T) { assert.NotEmpty(t, imap.FormatInternalDate(time.Now())) },
	"mailbox":                              TestMailboxNames,
	"imap4_host_default_value":             testDefaultHost,
	"EOF_without_complete_welcome_message": func(t *testing.T) { testGreeting(t, "S+: * OK\nCLOSE", "") },
	"issue5949":                            func(t *testing.T) { testGreeting(t, "S+: * OK\nCLOSE", "") },
	"invalid_greeting":                     func(t *testing.T) { testGreeting(t, "S: +OK POP3 server ready", "") },
	"invalid_greeting_untagged":            func(t *testing.T) { testGreeting(t, "S: * BYE Server unavailable", "Server unavailable") },
	"invalid_greeting_bare_continuation":   func(t *testing.T) { testGreeting(t, "S: +", "") },
	"linetoolong":                          testLineTooLong,
	"truncated_large_literal":              testTruncatedLargeLiteral,
	"imaplib_timeout_test":                 testTimeoutOption,
	"imaplib_timeout_functionality_test":   testTimeoutOfGreeting,
	"ssl_raises":                           testWrongHost,
	"ssl_verified":                         testRightHost,
	"connect":                              testDialAndClose,
	"idle_iter":                            TestCPythonIdleIter,
	"idle_burst":                           TestCPythonIdleBurst,
	"idle_delayed_packet":                  TestCPythonIdleDelayedPacket,
}

func TestCPythonAlone(t *testing.T) {
	for name, test := range cpythonAlone {
		t.Run(name, test)
	}
}

func testDefaultHost(t *testing.T) {
	var asked []string
	_, err := imap.DialInsecure(t.Context(), "", &imap.Options{Dialer: refusing(&asked)})
	require.ErrorIs(t, err, errRefused)
	_, err = imap.DialTLS(t.Context(), "", &imap.Options{Dialer: refusing(&asked)})
	require.ErrorIs(t, err, errRefused)
	assert.Equal(t, []string{"localhost:143", "localhost:993"}, asked)
}

func testGreeting(t *testing.T, script, text string) {
	_, err := imap.NewClient(t.Context(), imaptest.DialScript(t, script), nil)
	require.Error(t, err)
	assert.Contains(t, err.Error(), text)
}

func testLineTooLong(t *testing.T) {
	conn := imaptest.DialScript(t, "S: * OK a greeting that is longer")
	_, err := imap.NewClient(t.Context(), conn, &imap.Options{MaxLine: 10})
	var limit *imap.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, &imap.LimitError{Name: "MaxLine", Limit: 10}, limit)
}

// testTruncatedLargeLiteral: a greeting has no literals, so the announcement is text; in a response it exceeds a limit or
// the connection ends, and the announced size is not allocated.
func testTruncatedLargeLiteral(t *testing.T) {
	for _, size := range []string{"32768", "1048576", "67108864", "4294967296", "9223372036854775807", "9223372036854775808"} {
		c := testkit.LoggedIn(t, "C: $ LIST \"\" *\nS: * LIST () \"/\" {"+size+"}\nS+: short\nCLOSE")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.List(t.Context(), "", "*", nil)
		runtime.ReadMemStats(&after)
		require.Error(t, err, size)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), size)
		assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
	}
}

func testTimeoutOption(t *testing.T) {
	for _, timeout := range []time.Duration{0, -1, time.Minute} {
		c, err := imap.NewClient(t.Context(), imaptest.DialScript(t, "S: * OK hi"), &imap.Options{Timeout: timeout})
		require.NoError(t, err)
		c.Close()
	}
}

func testTimeoutOfGreeting(t *testing.T) {
	client, server := imaptest.Pipe()
	defer server.Close()
	_, err := imap.NewClient(t.Context(), client, &imap.Options{Timeout: time.Millisecond})
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func testWrongHost(t *testing.T) {
	srv := imaptest.New(t, nil)
	addr, err := srv.ListenTLS()
	require.NoError(t, err)
	conf := srv.ClientTLS()
	conf.ServerName = "mail.example.org"
	_, err = imap.DialTLS(t.Context(), addr, &imap.Options{TLSConfig: conf})
	assert.ErrorContains(t, err, "certificate")
	_, err = imap.DialTLS(t.Context(), addr, nil)
	assert.ErrorContains(t, err, "certificate", "an unknown authority")
}

func testRightHost(t *testing.T) {
	srv := imaptest.New(t, nil)
	addr, err := srv.ListenTLS()
	require.NoError(t, err)
	c, err := imap.DialTLS(t.Context(), addr, &imap.Options{TLSConfig: srv.ClientTLS()})
	require.NoError(t, err)
	state, ok := c.TLSState()
	assert.True(t, ok && len(state.VerifiedChains) > 0)
	assert.NoError(t, c.Logout(t.Context()))
}

func testDialAndClose(t *testing.T) {
	c := simple(t, "STALL")
	assert.NoError(t, c.Close())
	assert.NoError(t, c.Close(), "again")
}

var cpythonConnecting = map[string]cpythonTest{
	// Lines that end in LF alone are accepted, without losing a byte.
	"line_termination": {dialUnannounced, `
		C: $ CAPABILITY
		S+: * CAPABILITY IMAP4rev1 ID\n
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		caps, err := c.Capability(ctx)
		require.NoError(t, err)
		assert.True(t, caps.Has("ID"))
	}},
	"simple_with_statement": {simple, "C: $ LOGOUT\nS: * BYE\nS: $ OK bye", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Logout(ctx))
	}},
	"with_statement": {simple, `
		C: $ LOGIN user "pass"
		S: $ OK [CAPABILITY IMAP4rev1] done
		C: $ LOGOUT
		S: * BYE
		S: $ OK bye
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		defer func() { assert.NoError(t, c.Logout(ctx)) }()
		assert.NoError(t, c.Login(ctx, "user", "pass"))
	}},
	"with_statement_logout": {simple, "C: $ LOGOUT\nS: * BYE\nS: $ OK bye", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Logout(ctx))
		assert.NoError(t, c.Close(), "after it")
	}},
	"logout": {simple, "C: $ LOGOUT\nS: * BYE IMAP4ref1 Server logging out\nS: $ OK bye", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Logout(ctx))
		assert.Equal(t, imap.LoggedOut, c.State())
	}},
	"greeting_capabilities": {simpleWith("XYZZY"), "", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.True(t, c.Caps().Has("xyzzy"), "and nothing was sent")
	}},
	"capability": {simple, `
		C: $ CAPABILITY
		S: * CAPABILITY IMAP4rev1 X-ONE
		S: $ OK CAPABILITY completed
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		caps, err := c.Capability(ctx)
		assert.NoError(t, err)
		assert.True(t, caps.Has("X-ONE") && c.Caps().Has("X-ONE"))
	}},
	"noop": {testkit.Selected, "C: $ NOOP\nS: * 4 EXISTS\nS: $ OK NOOP completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Noop(ctx))
		assert.EqualValues(t, 4, c.Mailbox().Exists)
		said, ok := c.LastData("EXISTS")
		assert.True(t, ok)
		assert.Equal(t, "4", said)
	}},
	"recent": {testkit.Selected, "C: $ NOOP\nS: * 5 RECENT\nS: $ OK NOOP completed", func(ctx context.Context, t *testing.T, c *imap.Client) {
		n, err := c.Recent(ctx)
		assert.NoError(t, err)
		assert.EqualValues(t, 5, n)
	}},
	"response": {testkit.Selected, "C: $ NOOP\nS: * OK [UIDNEXT 44] ok\nS: $ OK done", func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		said, ok := c.LastData("uidnext")
		assert.True(t, ok)
		assert.Equal(t, "44", said)
		_, ok = c.LastData("X-NEVER")
		assert.False(t, ok)
	}},
	"id": {simpleWith("ID"), `
		C: $ ID ("name" "imaplib" "os" "none")
		S: * ID ("name" "Cyrus" "version" "3")
		S: $ OK done
		C: $ ID NIL
		S: * ID NIL
		S: $ OK done
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		id, err := c.ID(ctx, map[string]string{"name": "imaplib", "os": "none"})
		assert.NoError(t, err)
		assert.Equal(t, map[string]string{"name": "Cyrus", "version": "3"}, id)
		id, err = c.ID(ctx, nil)
		assert.NoError(t, err)
		assert.Empty(t, id)
	}},
}

// dialUnannounced is a client whose server has not sent its capabilities.
func dialUnannounced(t *testing.T, script string) *imap.Client {
	t.Helper()
	return testkit.DialScript(t, "* OK IMAP4rev1", script)
}

func TestCPythonConnecting(t *testing.T) { runCPython(t, cpythonConnecting) }

var errRefused = errors.New("refused by the test")

// refusing is a dialer that records the addresses.
func refusing(asked *[]string) imap.ContextDialer { return refusingDialer{asked} }

type refusingDialer struct{ asked *[]string }

func (d refusingDialer) DialContext(_ context.Context, _, addr string) (net.Conn, error) {
	*d.asked = append(*d.asked, addr)
	return nil, errRefused
}
