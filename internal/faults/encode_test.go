package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every string that a caller passes arrives as that string, or nothing of the command is sent. The other end is a parser
// that shares no code with the client.

// echoed is a client whose commands are read by another parser.
type echoed struct {
	c    *imap.Client
	utf8 bool
	free bool // the caller writes lines of his own: what is in them is up to him

	mu   sync.Mutex
	tags int
	got  []imaptest.Command
	done chan error
}

// ways are the encodings of strings: modified UTF-7 or UTF-8, with each kind of literal.
var ways = []string{"IMAP4rev1", "IMAP4rev1 LITERAL-", "IMAP4rev1 LITERAL+", "IMAP4rev1 UTF8=ACCEPT", "IMAP4rev1 LITERAL- UTF8=ACCEPT", "IMAP4rev1 LITERAL+ UTF8=ACCEPT"}

const encodeCaps = " ENABLE ID METADATA ACL QUOTA SORT AUTH=PLAIN SASL-IR ANNOTATE-EXPERIMENT-1 CATENATE X-GM-EXT-1 NOTIFY " +
	"THREAD=REFERENCES LIST-EXTENDED LIST-METADATA LIST-STATUS CREATE-SPECIAL-USE"

// echo connects to a parser. Before a login it is not authenticated.
func echo(tb testing.TB, caps string, preauth bool) *echoed {
	tb.Helper()
	near, far := imaptest.Pipe()
	e := &echoed{utf8: strings.Contains(caps, "UTF8=ACCEPT") && preauth, done: make(chan error, 1)}
	status := "OK"
	if preauth {
		status = "PREAUTH"
	}
	go func() {
		e.done <- imaptest.Echo(far, "* "+status+" [CAPABILITY "+caps+encodeCaps+"] hi", e.utf8, e.handle)
	}()
	tb.Cleanup(func() { near.Close(); far.Close() })
	c, err := imap.NewClient(context.Background(), near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(tb, err)
	e.c = c
	if e.utf8 {
		_, err := c.Enable(context.Background(), "UTF8=ACCEPT")
		require.NoError(tb, err)
	}
	if preauth {
		_, err := c.Select(context.Background(), "INBOX", nil)
		require.NoError(tb, err)
	}
	e.got = nil
	return e
}

// handle takes commands in the order of their tags: an injected command has another tag, or takes that of the next.
func (e *echoed) handle(cmd imaptest.Command) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tags++; cmd.Tag != fmt.Sprint("A", e.tags) {
		return nil, fmt.Errorf("%q in the place of command %d", cmd.Raw, e.tags)
	}
	if cmd.Err != nil && (!e.free || strings.ContainsAny(cmd.Raw, "\r\n\x00")) {
		return nil, fmt.Errorf("%w: %q", cmd.Err, cmd.Raw)
	}
	e.got = append(e.got, cmd)
	switch {
	case cmd.Name == "ENABLE" && cmd.Args[0].Text == "UTF8=ACCEPT":
		return []string{"ENABLED UTF8=ACCEPT"}, nil
	case cmd.Name == "LOGIN":
		return []string{"CAPABILITY IMAP4rev1"}, nil
	}
	return nil, nil
}

// verdict ends the connection and returns what was wrong with the commands.
func (e *echoed) verdict() error {
	e.c.Close()
	return <-e.done
}

// take returns the only command that arrived since the last call, nil if there was none.
func (e *echoed) take(tb testing.TB) *imaptest.Command {
	tb.Helper()
	got := e.takeAll()
	require.LessOrEqual(tb, len(got), 1)
	if len(got) == 0 {
		return nil
	}
	return &got[0]
}

// takeAll returns the commands that arrived since the last call.
func (e *echoed) takeAll() []imaptest.Command {
	e.mu.Lock()
	defer e.mu.Unlock()
	got := e.got
	e.got = nil
	return got
}

// destination is where a string of the caller is sent.
type destination struct {
	name string
	send func(ctx context.Context, c *imap.Client, s string) error
	// arrived finds the string in a command.
	arrived func(e *echoed, args []imaptest.Arg) (string, bool)
}

func argument(i int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(_ *echoed, args []imaptest.Arg) (string, bool) { return args[i].Text, !args[i].IsList }
}

func mailboxAt(i int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(e *echoed, args []imaptest.Arg) (string, bool) { return args[i].Mailbox(e.utf8) }
}

func inList(i, j int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(_ *echoed, args []imaptest.Arg) (string, bool) {
		if !args[i].IsList || len(args[i].List) != j+1 {
			return "", false
		}
		return args[i].List[j].Text, true
	}
}

func last(_ *echoed, args []imaptest.Arg) (string, bool) {
	a := args[len(args)-1]
	if a.IsList && len(a.List) == 1 {
		a = a.List[0] // UTF8 (message)
	}
	return a.Text, true
}

// destinations are those of a client that is logged in.
var destinations = []destination{
	{"mailbox", func(ctx context.Context, c *imap.Client, s string) error { return c.Create(ctx, s, nil) }, mailboxAt(0)},
	{"second mailbox", func(ctx context.Context, c *imap.Client, s string) error { return c.Rename(ctx, "a", s) }, mailboxAt(1)},
	{"mailbox of COPY", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Copy(ctx, imap.Seqs(1), s)
		return err
	}, mailboxAt(1)},
	{"raw mailbox", func(ctx context.Context, c *imap.Client, s string) error { return c.Delete(ctx, imap.RawMailbox(s)) }, argument(0)},
	{"pattern", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Lsub(ctx, "", s)
		return err
	}, mailboxAt(1)},
	{"search text", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SearchSeq(ctx, imap.Where().Subject(s), nil)
		return err
	}, last},
	{"header text", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SearchSeq(ctx, imap.Where().Header("X-A", s), nil)
		return err
	}, last},
	{"header name", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SearchSeq(ctx, imap.Where().Header(s, "x"), nil)
		return err
	}, argument(1)},
	{"flag", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.Flag(s)), nil)
		return err
	}, inList(2, 0)},
	{"keyword", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SearchSeq(ctx, imap.Where().Keyword(imap.Flag("$"+s)), nil)
		return err
	}, func(_ *echoed, args []imaptest.Arg) (string, bool) {
		return strings.CutPrefix(args[len(args)-1].Text, "$")
	}},
	{"ID value", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.ID(ctx, map[string]string{"k": s})
		return err
	}, inList(0, 1)},
	{"metadata", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetMetadata(ctx, "a", map[string][]byte{"/private/x": []byte(s)})
	}, inList(1, 1)},
	{"metadata entry", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetMetadata(ctx, "a", "/"+s)
		return err
	}, func(_ *echoed, args []imaptest.Arg) (string, bool) { return strings.CutPrefix(args[1].Text, "/") }},
	{"identifier", func(ctx context.Context, c *imap.Client, s string) error { return c.DeleteACL(ctx, "a", s) }, argument(1)},
	{"quota root", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetQuota(ctx, s)
		return err
	}, argument(0)},
	{"raw argument", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Do(ctx, "X", s, "end")
		return err
	}, argument(0)},
	{"message", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Append(ctx, "a", imap.LiteralString(s), nil)
		return err
	}, last},
}

// checkPlace sends a string to a destination and compares what arrives, if it was not refused.
func checkPlace(tb testing.TB, e *echoed, p destination, s string) (sent bool) {
	tb.Helper()
	err := p.send(context.Background(), e.c, s)
	cmd := e.take(tb)
	if cmd == nil {
		// It was refused before anything was sent, or a literal of it was never requested.
		if err == nil {
			tb.Fatalf("%s: %q was not sent, and no error", p.name, s)
		}
		if !imap.SafeToRetry(err) {
			tb.Fatalf("%s: %q: %v (%v)", p.name, s, err, e.verdict())
		}
		if len(s) > 4 && strings.Contains(err.Error(), s) && !errors.Is(err, errors.ErrUnsupported) { // which names a capability
			tb.Fatalf("%s: the error holds the argument: %v", p.name, err)
		}
		return false
	}
	if err != nil {
		tb.Fatalf("%s: %q: sent, and %v (%v)", p.name, s, err, e.verdict())
	}
	got, ok := p.arrived(e, cmd.Args)
	if want := expected(p, s); !ok || got != want {
		tb.Fatalf("%s: %q arrived as %q in %+v", p.name, s, got, cmd)
	}
	return true
}

// expected is the string on the other side: INBOX has one spelling, and so have protocol keywords.
func expected(p destination, s string) string {
	if protocolWords[p.name] {
		return strings.ToUpper(s)
	}
	if strings.Contains(p.name, "mailbox") && p.name != "raw mailbox" || p.name == "pattern" {
		if strings.EqualFold(s, "INBOX") {
			return "INBOX"
		}
	}
	return s
}

// strings that are each difficult somewhere.
var awkwardStrings = []string{"", "a", "NIL", "nil", "INBOX", "inbox", `"`, `\`, `a"b\c`, " ", "a b", "(", ")", "a)b", "a(b", "a*b", "a%b", "a{b", `"a"`, `\\`, `a\"`, `\"b`, "{3}", "{3+}", "x {3}", "~{3}", "*", "%", "]", "[", "a]b",
	"\r\n", "a\r\nA1 LOGOUT", "\n", "\r", "\x00", "a\x00b", "é", "日本語", "😀", "\xff", "a\xffb", "&", "&-", "a&b", "&AOk-", "\x7f", "\t", "\x01", "=?utf-8?q?x?=",
	strings.Repeat("x", 1001), strings.Repeat("é", 600), strings.Repeat("x", 5000), strings.Repeat("x\r\n", 2000), "$", "\\Seen", "\\*", "#news", "+", "-", "1", "1:*", "\u00a0", "a\u2028b", "DATE", "REFERENCES"}

func TestStringsArrive(t *testing.T) {
	for _, caps := range ways {
		t.Run(caps, func(t *testing.T) {
			e := echo(t, caps, true)
			for _, p := range destinations {
				arrived := 0
				for _, s := range awkwardStrings {
					if checkPlace(t, e, p, s) {
						arrived++
					}
				}
				assert.Positive(t, arrived, "%s: everything is refused", p.name)
			}
			for _, s := range awkwardStrings {
				checkLogin(t, caps, s, "p"+s)
			}
		})
	}
}

// checkLogin logs in with a name and a password.
func checkLogin(tb testing.TB, caps, user, password string) {
	tb.Helper()
	e := echo(tb, caps, false)
	defer e.c.Close()
	err := e.c.Login(context.Background(), user, password)
	cmd := e.take(tb)
	if cmd == nil {
		if err == nil || !imap.SafeToRetry(err) {
			tb.Fatalf("%q, %q: nothing was sent: %v (%v)", user, password, err, e.verdict())
		}
		return
	}
	if len(cmd.Args) != 2 || cmd.Args[0].Text != user || cmd.Args[1].Text != password {
		tb.Fatalf("%q, %q arrived as %+v", user, password, cmd)
	}
}

// TestRandomStringsArrive concatenates difficult strings.
func TestRandomStringsArrive(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(20261125), 0))
	for _, caps := range ways {
		e := echo(t, caps, true)
		for range 200 {
			var b strings.Builder
			for range 1 + rng.IntN(4) {
				b.WriteString(awkwardStrings[rng.IntN(len(awkwardStrings))])
			}
			checkPlace(t, e, destinations[rng.IntN(len(destinations))], b.String())
		}
	}
}

func FuzzStringsArrive(f *testing.F) {
	for i, s := range awkwardStrings {
		f.Add(i, i, s)
	}
	f.Fuzz(func(t *testing.T, way, at int, s string) {
		if len(s) > 16<<10 || strings.ContainsRune(s, utf8.RuneError) && utf8.ValidString(s) {
			return // the other parser refuses U+FFFD in names
		}
		e := echo(t, ways[uint(way)%uint(len(ways))], true)
		defer e.c.Close()
		checkPlace(t, e, destinations[uint(at)%uint(len(destinations))], s)
	})
}

// TestMailboxNamesAreRefusedOrKept: only the empty string, invalid UTF-8 and strings with NUL are refused as names.
func TestMailboxNamesAreRefusedOrKept(t *testing.T) {
	e := echo(t, "IMAP4rev1 LITERAL+", true)
	for _, s := range awkwardStrings {
		err := e.c.Create(context.Background(), s, nil)
		e.take(t)
		assert.Equal(t, s == "" || !utf8.ValidString(s) || strings.ContainsRune(s, 0), err != nil, fmt.Sprintf("%q: %v", s, err))
	}
}

// TestArgumentsOfDo: an invalid argument is refused before anything is sent, in a list too.
func TestArgumentsOfDo(t *testing.T) {
	e := echo(t, "IMAP4rev1 LITERAL+", true)
	for _, bad := range []any{
		-1, int32(-1), int64(-1), 1.5, true, struct{}{}, "\x00",
		imap.Flag(""), imap.Flag("a b"), imap.Flag(`\`), imap.Flag("\r\n"), imap.FlagAny,
		imap.Atom("a\rb"), imap.Atom("a\nb"), imap.Atom("a\x00b"), imap.Atom("x {3}"), imap.Atom("x {3+}  "), imap.Atom("~{3}"),
		imap.UIDSet{}, imap.SeqSet(nil), imap.UIDSet{{Start: 3, Stop: 2}}, imap.SeqSet{{Start: 0, Stop: 2}}, imap.SavedResult,
		imap.Literal{Size: 1}, imap.Literal{R: strings.NewReader("x"), Size: -1},
	} {
		for _, arg := range []any{bad, []any{"a", []any{bad}}} {
			_, err := e.c.Do(context.Background(), "X", arg)
			require.Error(t, err, "%#v", bad)
			require.True(t, imap.SafeToRetry(err), "%#v: %v", bad, err)
			require.Nil(t, e.take(t), "%#v", bad)
		}
	}
	require.NoError(t, e.c.Noop(context.Background()))
}

// TestDatesAreSentOrRefused: a date whose year or offset does not have four digits is never sent.
func TestDatesAreSentOrRefused(t *testing.T) {
	e := echo(t, "IMAP4rev1 LITERAL+", true)
	ctx := context.Background()
	at := func(year, month, day, offset int) time.Time {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.FixedZone("", offset))
	}
	const hour = 60 * 60
	for when, ok := range map[time.Time][2]bool{ // as a day, with the time
		at(0, 1, 1, 0):                 {true, true},
		at(9999, 12, 31, 0):            {true, true},
		at(-1, 12, 31, 0):              {false, false},
		at(-1000, 1, 1, 0):             {false, false},
		at(10000, 1, 1, 0):             {false, false},
		at(10000, 1, 1, 29):            {false, true}, // with whole minutes of offset it is the year before
		at(2026, 1, 1, 100*hour-31):    {true, true},
		at(2026, 1, 1, 100*hour-30):    {true, false},
		at(2026, 1, 1, -100*hour):      {true, false},
		at(2026, 1, 1, -(99*hour + 1)): {true, true},
	} {
		for i, call := range []func() error{
			func() error { _, err := e.c.Search(ctx, imap.Query{}.Since(when), nil); return err },
			func() error { _, err := e.c.Do(ctx, "X", when); return err },
			func() error {
				_, err := e.c.Append(ctx, "a", imap.LiteralString("x"), &imap.AppendOptions{InternalDate: when})
				return err
			},
		} {
			err := call()
			if ok[min(i, 1)] {
				require.NoError(t, err, "%v", when)
				require.NotNil(t, e.take(t))
				continue
			}
			require.ErrorContains(t, err, "a date ", "%v", when)
			require.True(t, imap.SafeToRetry(err))
			require.Nil(t, e.take(t))
		}
	}
}

// TestFormsOfStrings: a string is sent as an atom if possible, else quoted, and as a literal if neither can hold it or the
// line would be long.
func TestFormsOfStrings(t *testing.T) {
	const atom, quoted, literal = "atom", "quoted", "literal"
	spaces := strings.Repeat(" ", 1001)
	long := strings.Repeat("x", 1001)
	for _, caps := range ways {
		e := echo(t, caps, true)
		beyond := map[bool]string{true: quoted, false: literal}[e.utf8]
		for s, want := range map[string]string{
			"a": atom, "NILS": atom, "NIL": quoted, "nil": quoted, "": quoted, "a b": quoted, `a"b`: quoted, `a\b`: quoted, "a*": quoted, "a{3}": quoted, "\x7f": quoted,
			long[1:]: atom, long: literal, spaces[1:]: quoted, spaces: literal,
			"a\nb": literal, "a\rb": literal, "é": beyond, "é\r\n": literal, "\xff": literal,
		} {
			_, err := e.c.Do(context.Background(), "X", s)
			require.NoError(t, err)
			arg := e.take(t).Args[0]
			form := literal
			if arg.Atom {
				form = atom
			} else if arg.Quoted {
				form = quoted
			}
			assert.Equal(t, s, arg.Text)
			assert.Equal(t, want, form, "%.20q of %d", s, len(s))
		}
	}
}
