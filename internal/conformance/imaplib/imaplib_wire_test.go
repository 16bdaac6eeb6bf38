package imaplib_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// astringCases are strings and how they are sent as an astring. Strings are never taken for quoted already.
var astringCases = map[string]string{
	"INBOX": `INBOX`, "New folder": `"New folder"`, `a"b`: `"a\"b"`, `a\b`: `"a\\b"`, "": `""`, "*": `"*"`, "a%b": `"a%b"`,
	`"New folder"`: `"\"New folder\""`, `"a\b"`: `"\"a\\b\""`, `"a" SELECT evil "`: `"\"a\" SELECT evil \""`, `"`: `"\""`,
	"(a)": `"(a)"`, "a{1}": `"a{1}"`, "}": "}", "[Gmail]/All": "[Gmail]/All", "a]b": "a]b", "a&b": "a&b", "#news": "#news",
	"a=b": "a=b", ";x": ";x", "'": "'", "a\tb": "\"a\tb\"", "a\x01b": "\"a\x01b\"", "a\x7fb": "\"a\x7fb\"",
	"NIL": `"NIL"`, "nil": `"nil"`, "NILs": "NILs",
	"ü": "{2+}\nC: ü", "a\r\nX DELETE y": "{13+}\nC: a\nC: X DELETE y", "{5}": `"{5}"`,
}

// patternCases are patterns of LIST. Wildcards work in quotes too.
var patternCases = map[string]string{
	"*": "*", "%": "%", "a b/*": `"a b/*"`, "": `""`, `a"*`: `"a\"*"`, "Entwürfe/%": `"Entw&APw-rfe/%"`, "(": `"("`, "NIL": `"NIL"`,
}

var wireRows = map[string]func(*testing.T){
	"tags of a connection are unlike each other": func(t *testing.T) {
		seen := map[string]bool{}
		c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
			for tag := h.Line(""); tag != ""; tag = h.Line("") {
				assert.False(t, seen[tag], tag)
				assert.Regexp(t, `^[A-Z][0-9]+$`, tag)
				seen[tag] = true
				h.Send("%s OK", tag)
			}
		})
		for range 300 {
			require.NoError(t, c.Noop(testkit.Context(t)))
		}
		c.Close()
	},
	"a line beyond the limit ends the connection": func(t *testing.T) {
		conn := imaptest.DialScript(t, "S: * OK hi\nC: $ NOOP\nS: * OK "+strings.Repeat("x", 200)+"\nSTALL")
		c, err := imap.NewClient(t.Context(), conn, &imap.Options{MaxLine: 100})
		require.NoError(t, err)
		defer c.Close()
		requireLimit(t, c.Noop(testkit.Context(t)), "MaxLine", 100)
		assert.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	},
	"a literal beyond the limit ends the connection before it is read": func(t *testing.T) {
		conn := imaptest.DialScript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ LIST \"\" *\nS: * LIST () \"/\" {101}\nSTALL")
		c, err := imap.NewClient(t.Context(), conn, &imap.Options{MaxLiteral: 100})
		require.NoError(t, err)
		defer c.Close()
		_, err = c.List(testkit.Context(t), "", "*", nil)
		requireLimit(t, err, "MaxLiteral", 100)
		assert.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	},
	"limits hold for a stream too": func(t *testing.T) {
		near, far := twoStreams()
		go io.WriteString(far, "* PREAUTH hi "+strings.Repeat("x", 200)+"\r\n")
		_, err := imap.NewClient(testkit.Context(t), near, &imap.Options{MaxLine: 100})
		requireLimit(t, err, "MaxLine", 100)
	},
	"the end of the connection in mid-line": on(testkit.LoggedIn, "C: $ NOOP\nS+: * 3 EXI\nCLOSE", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.ErrorIs(t, c.Noop(ctx), io.ErrUnexpectedEOF)
		assert.Empty(t, c.Events())
	}),
	"a string becomes atom, quoted string or literal by its value": func(t *testing.T) {
		for s, wire := range astringCases {
			c := testkit.LoggedIn(t, "C: $ X "+wire+"\nS: $ OK")
			_, err := c.Do(testkit.Context(t), "X", s)
			assert.NoError(t, err, "%q", s)
		}
	},
	"a pattern keeps its wildcards": func(t *testing.T) {
		for s, wire := range patternCases {
			c := testkit.LoggedIn(t, "C: $ LIST \"\" "+wire+"\nS: * LIST () \"/\" a\nS: $ OK")
			_, err := c.List(testkit.Context(t), "", s, nil)
			assert.NoError(t, err, "%q", s)
		}
	},
	"a password is quoted always, or a literal": func(t *testing.T) {
		for password, wire := range map[string]string{
			"pass": `"pass"`, `"pass"`: `"\"pass\""`, `p"\`: `"p\"\\"`, "": `""`, "NIL": `"NIL"`, "pä ss": "{6}\nS: + go\nC: pä ss",
			"a\nb": "{3}\nS: + go\nC+: a\\nb\\r\\n",
		} {
			c := simple(t, "C: $ LOGIN u "+wire+"\nS: $ OK [CAPABILITY IMAP4rev1] in")
			assert.NoError(t, c.Login(testkit.Context(t), "u", password), "%q", password)
		}
	},
	"lists are put in parentheses": on(testkit.Selected, `
		C: $ STATUS a (MESSAGES UNSEEN)
		S: * STATUS a (MESSAGES 1 UNSEEN 0)
		S: $ OK
		C: $ STORE 1 +FLAGS (\Seen [test] a]b)
		S: $ OK
		C: $ FETCH 1 (UID FLAGS)
		S: $ OK
		C: $ FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Status(ctx, "a", imap.StatusMessages, imap.StatusUnseen)
		require.NoError(t, err)
		_, err = c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagSeen, "[test]", "a]b"), nil)
		require.NoError(t, err)
		_, err = imap.Collect(c.Fetch(ctx, imap.Seqs(1), imap.FetchFlags))
		require.NoError(t, err)
		_, err = imap.Collect(c.Fetch(ctx, imap.Seqs(1), imap.FetchAttr("FAST")))
		require.NoError(t, err, "a macro stands alone in the grammar: beside UID its items are sent")
	}),
	"an argument that is nil is NIL, and none is left out": on(testkit.LoggedIn, "C: $ X NIL a\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Do(ctx, "X", nil, "a")
		assert.NoError(t, err)
	}),
	"no octet of an argument ends its line": on(simple, testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		for _, name := range []string{"a\r\nb", "a\rb", "a\nb", "a\x00b"} {
			_, err := c.Do(ctx, "X", imap.Atom(name))
			assert.True(t, imap.SafeToRetry(err), "%q: %v", name, err)
		}
		_, err := c.Do(ctx, "X", "a\x00b")
		assert.True(t, imap.SafeToRetry(err), "%v", err)
		testkit.RequireNothingSent(t, c)
	}),
}

func requireLimit(t *testing.T, err error, name string, limit int64) {
	t.Helper()
	over, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.LimitError{Name: name, Limit: limit}, over)
}

// stream is one end of a connection that has no deadlines and no address.
type stream struct {
	io.Reader
	io.WriteCloser
}

func twoStreams() (near, far stream) {
	fromNear, toFar := io.Pipe()
	fromFar, toNear := io.Pipe()
	return stream{fromFar, toFar}, stream{fromNear, toNear}
}

var literalRows = map[string]func(*testing.T){
	"what comes before the continuation is delivered": on(core, `
		C: $ APPEND INBOX {10}
		S: * 6 EXISTS
		S: * OK [ALERT] nearly full
		S: + go
		C: 0123456789
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Append(ctx, "INBOX", imap.LiteralString("0123456789"), nil)
		require.NoError(t, err)
		assert.Equal(t, []imap.Event{&imap.ExistsEvent{Count: 6}, &imap.AlertEvent{Text: "nearly full"}}, c.Events())
	}),
	"NO and BAD in the place of the continuation spare the body": on(core, `
		C: $ APPEND a {10}
		S: $ NO [TRYCREATE] nope
		C: $ APPEND a {10}
		S: $ BAD nope
		C: $ NOOP
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Append(ctx, "a", imap.LiteralString("0123456789"), nil)
		assert.Equal(t, imap.CodeTryCreate, imap.CodeOf(err))
		_, err = c.Append(ctx, "a", imap.LiteralString("0123456789"), nil)
		assert.ErrorContains(t, err, "BAD nope")
		assert.NoError(t, c.Noop(ctx))
	}),
	"any line with a plus sign is the go-ahead": func(t *testing.T) {
		for _, goAhead := range []string{"+", "+ ", "+ go on", "+go on", "+ {3}"} {
			c := core(t, "C: $ APPEND a {2}\nS+: "+goAhead+"\\r\\n\nC: hi\nS: $ OK")
			_, err := c.Append(testkit.Context(t), "a", imap.LiteralString("hi"), nil)
			assert.NoError(t, err, goAhead)
		}
	},
	"LITERAL+ waits for nothing, LITERAL- up to 4096 octets": func(t *testing.T) {
		long := strings.Repeat("x", 4097)
		for caps, wire := range map[string]string{
			"LITERAL+": "C: $ APPEND a {4097+}\nC: " + long,
			"LITERAL-": "C: $ APPEND a {4097}\nS: + go\nC: " + long,
			"ID":       "C: $ APPEND a {4097}\nS: + go\nC: " + long,
		} {
			c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hi", wire+"\nS: $ OK")
			_, err := c.Append(testkit.Context(t), "a", imap.LiteralString(long), nil)
			assert.NoError(t, err, caps)
		}
		c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL-] hi", "C: $ APPEND a {4096+}\nC: "+long[1:]+"\nS: $ OK")
		_, err := c.Append(testkit.Context(t), "a", imap.LiteralString(long[1:]), nil)
		assert.NoError(t, err)
	},
	"an empty literal goes out and comes in": on(core, `
		C: $ APPEND a {0}
		S: + go
		C:
		S: $ OK
		C: $ LIST "" *
		S: * LIST () "/" {0}
		S:
		S: * LIST () "/" {3}
		S: a b
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		_, err := c.Append(ctx, "a", imap.LiteralBytes(nil), nil)
		require.NoError(t, err)
		got, err := c.List(ctx, "", "*", nil)
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, []string{"", "a b"}, []string{got[0].Name, got[1].Name})
	}),
	"several literals of one response": on(testkit.Selected, `
		C: $ FETCH 1 (UID BODY.PEEK[1] BODY.PEEK[2])
		S: * 1 FETCH (UID 7 BODY[1] {3}
		S+: a\r\n BODY[2] {0}\r\n)\r\n
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		one, two := imap.Section{Part: []int{1}}, imap.Section{Part: []int{2}}
		got, err := imap.Collect(c.Fetch(ctx, imap.Seqs(1), one, two))
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, "a\r\n", string(got[0].Section(one)))
		assert.Empty(t, got[0].Section(two))
	}),
	"literal8 and a literal with a plus sign are literals": func(t *testing.T) {
		for _, head := range []string{"{3}", "~{3}", "{3+}", "~{3+}"} {
			c := testkit.LoggedIn(t, "C: $ LIST \"\" *\nS: * LIST () \"/\" "+head+"\nS: a b\nS: $ OK")
			got, err := c.List(testkit.Context(t), "", "*", nil)
			require.NoError(t, err, head)
			require.Len(t, got, 1, head)
			assert.Equal(t, "a b", got[0].Name)
		}
	},
	"free text that ends like a literal is text": on(testkit.LoggedIn, `
		C: $ NOOP
		S: * OK see {3}
		S: * OK [ALERT] look {1000}
		S: $ OK done {3}
		C: $ NOOP
		S: $ NO {99}
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		require.NoError(t, c.Noop(ctx))
		assert.Equal(t, []imap.Event{&imap.InfoEvent{Text: "see {3}"}, &imap.AlertEvent{Text: "look {1000}"}}, c.Events())
		assert.ErrorContains(t, c.Noop(ctx), "NO {99}")
	}),
	"the end of the connection in mid-literal": on(testkit.LoggedIn, "C: $ LIST \"\" *\nS: * LIST () \"/\" {10}\nS+: abc\nCLOSE", func(ctx context.Context, t *testing.T, c *imap.Client) {
		got, err := c.List(ctx, "", "*", nil)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.ErrorIs(t, err, imap.ErrClosed)
		assert.Empty(t, got, "half a name is none")
	}),
	"blank lines between responses and behind literals": on(testkit.LoggedIn, `
		C: $ LIST "" *
		S:
		S: * LIST () "/" {3}
		S: a b
		S:
		S:
		S: * LIST () "/" c
		S:
		S: $ OK
		C: $ NOOP
		S: $ OK
	`, func(ctx context.Context, t *testing.T, c *imap.Client) {
		got, err := c.List(ctx, "", "*", nil)
		require.NoError(t, err)
		assert.Len(t, got, 2)
		assert.NoError(t, c.Noop(ctx))
	}),
	"a plus sign that nobody waits for": on(testkit.LoggedIn, "C: $ NOOP\nS: + ready\nS: +\nS: $ OK\nC: $ NOOP\nS: $ OK", func(ctx context.Context, t *testing.T, c *imap.Client) {
		assert.NoError(t, c.Noop(ctx))
		assert.NoError(t, c.Noop(ctx))
	}),
}

// core is a client that is logged in on a server without extensions.
func core(t *testing.T, script string) *imap.Client {
	t.Helper()
	return testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", script)
}

// idleRows are what idle_test.go does not cover.
var idleRows = map[string]func(*testing.T){
	"any continuation begins IDLE": func(t *testing.T) {
		for _, goAhead := range []string{"+", "+ ", "+ idling, with some text"} {
			testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("IDLE")
				h.Send("%s\r\n* 6 EXISTS", goAhead)
				h.Done(tag)
				h.OK()
			}, func(t *testing.T, c *imap.Client) {
				ev, err := testkit.OneEvent(t.Context(), c, nil)
				require.NoError(t, err, goAhead)
				assert.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
				require.NoError(t, c.Noop(t.Context()))
			})
		}
	},
	"a second continuation is no event": func(t *testing.T) {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			tag := h.Idle()
			h.Send("+ still idling\r\n* 6 EXISTS")
			h.Done(tag)
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			ev, err := testkit.OneEvent(t.Context(), c, nil)
			require.NoError(t, err)
			assert.Equal(t, &imap.ExistsEvent{Count: 6}, ev)
			require.NoError(t, c.Noop(t.Context()))
		})
	},
	"BAD as the answer to DONE": func(t *testing.T) {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			tag := h.Idle()
			line, _ := h.In.ReadString('\n')
			assert.Equal(h.T, "DONE\r\n", line)
			h.Send("%s BAD what?", tag)
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			for _, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
				assert.ErrorContains(t, err, "BAD what?")
			}
			require.NoError(t, c.Noop(t.Context()))
		})
	},
	"a literal that comes slowly is whole": func(t *testing.T) {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			tag := h.Idle()
			h.Send("* 2 FETCH (BODY[] {6}\r\nab")
			time.Sleep(20 * time.Second)
			h.Send("cd)\r\n* 9 EXISTS")
			h.Done(tag)
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			var got []string
			for ev, err := range c.Idle(t.Context(), &imap.IdleOptions{For: time.Minute}) {
				require.NoError(t, err)
				got = append(got, eventName(ev))
			}
			assert.Equal(t, []string{"FETCH 6", "9 EXISTS"}, got)
			require.NoError(t, c.Noop(t.Context()))
		})
	},
	"a burst that has begun is waited for over a stream too": func(t *testing.T) {
		near, far := twoStreams()
		h := &testkit.Peer{T: t, In: bufio.NewReader(far), Out: bufio.NewWriter(far)}
		go func() {
			h.Send("* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi")
			tag := h.Line("IDLE")
			h.Send("+ idling\r\n* 6 EXISTS\r\n* 7 EXISTS")
			h.In.ReadString('\n')
			h.Send("%s OK", tag)
			h.OK()
		}()
		c, err := imap.NewClient(testkit.Context(t), near, nil)
		require.NoError(t, err)
		defer c.Close()
		began, n := time.Now(), 0
		for batch, err := range c.IdleBursts(testkit.Context(t), 20*time.Millisecond, &imap.IdleOptions{For: 200 * time.Millisecond}) {
			require.NoError(t, err)
			n += len(batch)
		}
		assert.Equal(t, 2, n)
		assert.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
		assert.NoError(t, c.Noop(testkit.Context(t)))
	},
	"a time that is over yields what is there": func(t *testing.T) {
		testkit.IdlePeer(t, nil, func(h *testkit.Peer) {
			tag := h.Line("IDLE")
			h.Send("* 6 EXISTS\r\n+ idling")
			h.Done(tag)
			h.OK()
		}, func(t *testing.T, c *imap.Client) {
			events, err := imap.Collect(c.Idle(t.Context(), &imap.IdleOptions{For: time.Nanosecond}))
			require.NoError(t, err)
			assert.LessOrEqual(t, len(events), 1)
			require.NoError(t, c.Noop(t.Context()))
			assert.EqualValues(t, 6, c.Mailbox().Exists, fmt.Sprint(events))
			assert.Len(t, append(events, c.Events()...), 1, "nothing is lost")
		})
	},
	"IDLE without a mailbox open": on(testkit.LoggedIn, "C: $ IDLE\nS: + idling\nS: * STATUS a (MESSAGES 3)\nC: DONE\nS: $ OK\n"+testkit.OnlyNoop, func(ctx context.Context, t *testing.T, c *imap.Client) {
		ev, err := testkit.OneEvent(ctx, c, nil)
		require.NoError(t, err)
		assert.IsType(t, &imap.StatusEvent{}, ev)
		testkit.RequireNothingSent(t, c)
	}),
}
