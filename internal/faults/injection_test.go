package faults_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// evils are arguments that would be another command, a literal, or the end of a string, if they were sent unchanged.
var evils = []string{"a\r\nZ9 EVIL", "a\nZ9 EVIL\n", "a\rZ9 EVIL", "\r\n", "a\x00b", `a" EVIL "b`, `a\`, `\" EVIL`, "a {8}\r\nZ9 EVIL", "{8+}\r\nZ9 EVIL",
	"a {3}", "{3+}", "~{3}", "a) EVIL (b", "a)", "(a", "*", "%", "", " ", "NIL", "ü\r\nZ9 EVIL", "\xff\r\nZ9 EVIL", "a&-\r\nZ9 EVIL", strings.Repeat("x", 2000) + "\r\nZ9 EVIL"}

// evilCalls use a string wherever a method takes one.
var evilCalls = []func(ctx context.Context, c *imap.Client, s string) error{
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.Enable(ctx, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.ID(ctx, map[string]string{s: s})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error { return c.Create(ctx, s, nil) },
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.Create(ctx, imap.RawMailbox(s), nil)
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.Create(ctx, "a", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttr(s)}})
	},
	func(ctx context.Context, c *imap.Client, s string) error { return c.Delete(ctx, s) },
	func(ctx context.Context, c *imap.Client, s string) error { return c.Rename(ctx, s, s) },
	func(ctx context.Context, c *imap.Client, s string) error { return c.Subscribe(ctx, s) },
	func(ctx context.Context, c *imap.Client, s string) error { return c.Unsubscribe(ctx, s) },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.List(ctx, s, s, nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.Lsub(ctx, s, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Status(ctx, s, imap.StatusItem("MESSAGES"))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Status(ctx, "a", imap.StatusItem(s))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Append(ctx, s, imap.LiteralString(s), &imap.AppendOptions{Flags: []imap.Flag{"x"}})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Append(ctx, "a", imap.LiteralString("x"), &imap.AppendOptions{Flags: []imap.Flag{imap.Flag(s)}})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error { return c.ProxyAuth(ctx, s) },
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetACL(ctx, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, s, s, "l") },
	func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, "a", "b", s) },
	func(ctx context.Context, c *imap.Client, s string) error { return c.DeleteACL(ctx, s, s) },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, _, err := c.ListRights(ctx, s, s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.MyRights(ctx, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.GetQuota(ctx, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetQuotaRoot(ctx, s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, s, map[string]uint64{"STORAGE": 1})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, "a", map[string]uint64{s: 1})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetMetadata(ctx, s, "/shared/"+s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetMetadata(ctx, s, map[string][]byte{"/shared/" + s: []byte(s), "/shared/x": []byte(s)})
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetAnnotation(ctx, s, s, s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetAnnotation(ctx, s, s, map[string]string{s: s})
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Partial(ctx, 1, s, 0, 1)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.FetchOne(ctx, 1, imap.FetchAttr(s))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.FetchOne(ctx, 1, imap.Section{Specifier: s})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.FetchOne(ctx, 1, imap.Section{Specifier: "HEADER", Fields: []string{s}})
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.Flag(s)), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Copy(ctx, imap.UIDs(1), s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Move(ctx, imap.UIDs(1), s)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Search(ctx, imap.Where().Subject(s).Header("X-A", s), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Search(ctx, imap.Where().Header(s, "x"), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Search(ctx, imap.Where().Keyword(imap.Flag(s)), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Search(ctx, imap.Where().Raw(s, imap.Atom("X"), []any{s}), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Sort(ctx, []imap.SortKey{{Name: s}}, imap.Where().Body(s))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Thread(ctx, s, imap.Where().Text(s))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error { _, err := c.Do(ctx, s); return err },
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Do(ctx, "XCMD", s, []any{s, nil}, []byte(s), imap.Flag("x"))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Replace(ctx, 1, s, imap.LiteralString(s), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyScope(s)}}, nil)
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyMailboxes, Mailboxes: []string{s}, Events: []imap.NotifyEvent{imap.NotifyEvent(s)}}}, nil)
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew}, Fetch: []imap.FetchItem{imap.FetchAttr(s)}}}, nil)
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Catenate(ctx, s, []imap.CatenatePart{imap.CatenateURL(s), imap.CatenateText(imap.LiteralString(s))}, nil)
		return err
	},
}

// evilAtoms are the calls that send text of the caller unchanged.
var evilAtoms = []func(ctx context.Context, c *imap.Client, s string) error{
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Search(ctx, imap.Where().Raw(imap.Atom(s)), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Do(ctx, "XCMD", imap.Atom(s))
		return err
	},
}

// TestNothingIsInjected: whatever the argument, only the command of the method is sent, according to the grammar, or
// nothing; and the error does not repeat the argument. An Atom is the caller's responsibility, except for line breaks.
func TestNothingIsInjected(t *testing.T) {
	for _, caps := range []string{faultCaps, strings.ReplaceAll(faultCaps, "LITERAL+", ""), faultCaps + " UTF8=ACCEPT"} {
		e := echo(t, caps, true)
		for i, call := range evilCalls {
			tryEvils(t, e, i, call)
		}
		e.free = true
		for i, call := range evilAtoms {
			tryEvils(t, e, i, call)
		}
		require.NoError(t, e.c.Noop(t.Context()))
		require.NoError(t, e.verdict())
		for _, evil := range evils {
			checkLogin(t, caps, evil, evil)
		}
	}
}

// evilTime is how long a call may take: a server that expects a literal waits for it.
const evilTime = 10 * time.Second

func tryEvils(t *testing.T, e *echoed, i int, call func(ctx context.Context, c *imap.Client, s string) error) {
	for _, evil := range evils {
		ctx, cancel := context.WithTimeout(t.Context(), evilTime)
		err := call(ctx, e.c, evil)
		cancel()
		require.NotErrorIs(t, err, context.DeadlineExceeded, "call %d with %q", i, evil)
		if err != nil && len(evil) > 5 {
			require.NotContains(t, err.Error(), evil, "call %d", i)
		}
		if errors.Is(err, imap.ErrClosed) {
			t.Fatalf("call %d with %q: %v", i, evil, e.verdict())
		}
		if sent := e.takeAll(); imap.SafeToRetry(err) {
			require.Empty(t, sent, "call %d with %q", i, evil)
		}
	}
}

// namedMechanism is a mechanism that has only a name.
type namedMechanism string

func (m namedMechanism) Start() (string, []byte, error) { return string(m), nil, nil }
func (m namedMechanism) Next([]byte) ([]byte, error)    { return nil, nil }

// TestMechanismNames: a name that is not an atom is not sent, even if a server offers it.
func TestMechanismNames(t *testing.T) {
	for _, name := range []string{"A{3}", "{3+}", `A"B`, `A\B`, "A(B", "A*", "A%", "Ü"} {
		e := echo(t, "IMAP4rev1 AUTH="+name+" AUTH="+strings.ToUpper(name), false)
		ctx, cancel := context.WithTimeout(t.Context(), evilTime)
		err := e.c.Authenticate(ctx, namedMechanism(name))
		cancel()
		require.ErrorContains(t, err, "not an atom", name)
		require.True(t, imap.SafeToRetry(err), name)
		require.NoError(t, e.c.Noop(t.Context()))
		require.NoError(t, e.verdict())
		require.Len(t, e.takeAll(), 1, name)
	}
}
