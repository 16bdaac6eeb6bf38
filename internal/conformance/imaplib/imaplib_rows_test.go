package imaplib_test

import (
	"bufio"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The behaviour of imaplib, row by row: attributes, errors, states, the wire, responses, TLS, IDLE.
// testdata/imaplib/rows.txt is the list; a row is a case of one of these tables, or names its tests.

var imaplibRows = []map[string]func(*testing.T){sessionRows, wireRows, literalRows, responseRows, greetingRows, tlsRows, loginRows, idleRows}

func TestImaplibRows(t *testing.T) {
	for _, rows := range imaplibRows {
		for name, row := range rows {
			t.Run(name, row)
		}
	}
}

// on is a row that is a script.
func on(dial func(*testing.T, string) *imap.Client, script string, call func(context.Context, *testing.T, *imap.Client)) func(*testing.T) {
	return func(t *testing.T) { call(testkit.Context(t), t, dial(t, script)) }
}

// TestImaplibRowList compares the list with the existing tests.
func TestImaplibRowList(t *testing.T) {
	cases := map[string]bool{}
	for _, rows := range imaplibRows {
		for name := range rows {
			assert.False(t, cases[name], "%s twice", name)
			cases[name] = true
		}
	}
	there := testNames(t)
	sections := map[string]int{}
	for line := range strings.Lines(testkit.ReadFile(t, "testdata/imaplib/rows.txt")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		section, row, _ := strings.Cut(line, " ")
		sections[section]++
		row, tests, named := strings.Cut(row, " = ")
		if !named {
			assert.True(t, cases[row], "%s has no case", row)
			delete(cases, row)
			continue
		}
		for _, name := range strings.Split(tests, ", ") {
			assert.True(t, there[name], "%s: there is no %s", row, name)
		}
	}
	assert.Empty(t, cases, "cases that are not in the list")
	t.Log(sections)
}

var isTest = regexp.MustCompile(`^(Test|Fuzz)[A-Z]`)

// testNames are the tests of the package and of the directories below, and the cases named after CPython's.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "internal/*/*_test.go", "internal/*/*/*_test.go", "examples/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && isTest.MatchString(fn.Name.Name) {
					names[fn.Name.Name] = true
				}
			}
		}
	}
	for _, tests := range []map[string]cpythonTest{cpythonConnecting, cpythonLogin, cpythonMailboxes, cpythonMessages, cpythonOthers} {
		for name := range tests {
			names["cpython "+name] = true
		}
	}
	for name := range cpythonAlone {
		names["cpython "+name] = true
	}
	for _, rows := range imaplibRows {
		for name := range rows {
			names["TestImaplibRows/"+strings.ReplaceAll(name, " ", "_")] = true
		}
	}
	return names
}

// TestImaplibWeaknesses checks that every test named in the table of known weaknesses in docs/imaplib.md exists, and that
// every row without a test gives a reason.
func TestImaplibWeaknesses(t *testing.T) {
	_, text, found := strings.Cut(testkit.ReadFile(t, "docs/imaplib.md"), "\n## Known weaknesses\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	there, rows := testNames(t), 0
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) < 2 || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| Issue") {
			continue
		}
		rows++
		require.Len(t, cells, 4, line)
		tests := regexp.MustCompile("`((?:Test|Fuzz|cpython )[^`]*)`").FindAllStringSubmatch(cells[3], -1)
		for _, test := range tests {
			assert.True(t, there[test[1]], "%s: there is no %s", cells[0], test[1])
		}
		if len(tests) == 0 {
			assert.Greater(t, len(strings.Fields(cells[3])), 4, "%s: no test and no reason", cells[0])
		}
	}
	assert.Equal(t, 30, rows)
}

// ---- states

// refusingServer answers every command but the SELECT of a mailbox named open with BAD.
func refusingServer(t *testing.T, greeting string) *imap.Client {
	t.Helper()
	near, far := imaptest.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		far.Write([]byte("* " + greeting + " [CAPABILITY IMAP4rev1 ENABLE ID IDLE NAMESPACE UIDPLUS MOVE UNSELECT ACL QUOTA QUOTASET METADATA " +
			"SORT THREAD=REFERENCES STARTTLS AUTH=PLAIN] hi\r\n"))
		for in := bufio.NewScanner(far); in.Scan(); {
			tag, command, _ := strings.Cut(in.Text(), " ")
			if command == "SELECT open" {
				far.Write([]byte("* 5 EXISTS\r\n" + tag + " OK\r\n"))
				continue
			}
			far.Write([]byte(tag + " BAD not this one\r\n"))
		}
	}()
	t.Cleanup(func() { near.Close(); far.Close(); <-done })
	c, err := imap.NewClient(t.Context(), near, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// legalStates are the commands of imaplib's table by the states in which they are sent. ENABLE is sent in the selected
// state too: servers differ, and theirs is the last word.
var legalStates = map[string]map[string]func(context.Context, *imap.Client) error{
	"NAS": {
		"CAPABILITY": func(ctx context.Context, c *imap.Client) error { _, err := c.Capability(ctx); return err },
		"NOOP":       func(ctx context.Context, c *imap.Client) error { return c.Noop(ctx) },
		"LOGOUT":     func(ctx context.Context, c *imap.Client) error { return c.Logout(ctx) },
		"ID":         func(ctx context.Context, c *imap.Client) error { _, err := c.ID(ctx, nil); return err },
	},
	"N": {
		"LOGIN":        func(ctx context.Context, c *imap.Client) error { return c.Login(ctx, "u", "p") },
		"AUTHENTICATE": func(ctx context.Context, c *imap.Client) error { return c.LoginPlain(ctx, "u", "p") },
		"STARTTLS":     func(ctx context.Context, c *imap.Client) error { return c.StartTLS(ctx, nil) },
	},
	"AS": {
		"ENABLE":    func(ctx context.Context, c *imap.Client) error { _, err := c.Enable(ctx, "X"); return err },
		"PROXYAUTH": func(ctx context.Context, c *imap.Client) error { return c.ProxyAuth(ctx, "u") },
		"APPEND": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Append(ctx, "a", imap.LiteralString("m"), nil)
			return err
		},
		"CREATE":      func(ctx context.Context, c *imap.Client) error { return c.Create(ctx, "a", nil) },
		"DELETE":      func(ctx context.Context, c *imap.Client) error { return c.Delete(ctx, "a") },
		"RENAME":      func(ctx context.Context, c *imap.Client) error { return c.Rename(ctx, "a", "b") },
		"SUBSCRIBE":   func(ctx context.Context, c *imap.Client) error { return c.Subscribe(ctx, "a") },
		"UNSUBSCRIBE": func(ctx context.Context, c *imap.Client) error { return c.Unsubscribe(ctx, "a") },
		"SELECT":      func(ctx context.Context, c *imap.Client) error { _, err := c.Select(ctx, "a", nil); return err },
		"EXAMINE":     func(ctx context.Context, c *imap.Client) error { _, err := c.Examine(ctx, "a", nil); return err },
		"LIST":        func(ctx context.Context, c *imap.Client) error { _, err := c.List(ctx, "", "*", nil); return err },
		"LSUB":        func(ctx context.Context, c *imap.Client) error { _, err := c.Lsub(ctx, "", "*"); return err },
		"STATUS": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Status(ctx, "a", imap.StatusMessages)
			return err
		},
		"NAMESPACE":    func(ctx context.Context, c *imap.Client) error { _, err := c.Namespace(ctx); return err },
		"IDLE":         func(ctx context.Context, c *imap.Client) error { _, err := imap.Collect(c.Idle(ctx, nil)); return err },
		"GETACL":       func(ctx context.Context, c *imap.Client) error { _, err := c.GetACL(ctx, "a"); return err },
		"SETACL":       func(ctx context.Context, c *imap.Client) error { return c.SetACL(ctx, "a", "b", "lrs") },
		"DELETEACL":    func(ctx context.Context, c *imap.Client) error { return c.DeleteACL(ctx, "a", "b") },
		"MYRIGHTS":     func(ctx context.Context, c *imap.Client) error { _, err := c.MyRights(ctx, "a"); return err },
		"GETQUOTA":     func(ctx context.Context, c *imap.Client) error { _, err := c.GetQuota(ctx, ""); return err },
		"GETQUOTAROOT": func(ctx context.Context, c *imap.Client) error { _, err := c.GetQuotaRoot(ctx, "a"); return err },
		"SETQUOTA": func(ctx context.Context, c *imap.Client) error {
			_, err := c.SetQuota(ctx, "", map[string]uint64{"STORAGE": 1})
			return err
		},
		"GETANNOTATION": func(ctx context.Context, c *imap.Client) error {
			_, err := c.GetAnnotation(ctx, "a", "/comment", "value")
			return err
		},
		"SETANNOTATION": func(ctx context.Context, c *imap.Client) error {
			return c.SetAnnotation(ctx, "a", "/comment", map[string]string{"value": "x"})
		},
	},
	"S": {
		"CHECK":    func(ctx context.Context, c *imap.Client) error { return c.Check(ctx) },
		"CLOSE":    func(ctx context.Context, c *imap.Client) error { return c.CloseMailbox(ctx) },
		"UNSELECT": func(ctx context.Context, c *imap.Client) error { return c.Unselect(ctx) },
		"EXPUNGE":  func(ctx context.Context, c *imap.Client) error { _, err := c.Expunge(ctx); return err },
		"UID EXPUNGE": func(ctx context.Context, c *imap.Client) error {
			_, err := c.UIDExpunge(ctx, imap.UIDs(1))
			return err
		},
		"COPY": func(ctx context.Context, c *imap.Client) error { _, err := c.Copy(ctx, imap.Seqs(1), "a"); return err },
		"MOVE": func(ctx context.Context, c *imap.Client) error { _, err := c.Move(ctx, imap.Seqs(1), "a"); return err },
		"STORE": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags("x"), nil)
			return err
		},
		"FETCH": func(ctx context.Context, c *imap.Client) error {
			_, err := imap.Collect(c.Fetch(ctx, imap.Seqs(1)))
			return err
		},
		"UID FETCH": func(ctx context.Context, c *imap.Client) error { _, err := c.FetchOne(ctx, 1); return err },
		"PARTIAL": func(ctx context.Context, c *imap.Client) error {
			_, err := c.Partial(ctx, 1, "RFC822.TEXT", 1, 10)
			return err
		},
		"SEARCH": func(ctx context.Context, c *imap.Client) error {
			_, err := c.SearchSeq(ctx, imap.Where(), nil)
			return err
		},
		"SORT": func(ctx context.Context, c *imap.Client) error {
			_, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
			return err
		},
		"THREAD": func(ctx context.Context, c *imap.Client) error {
			_, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where())
			return err
		},
	},
}

// TestStatesOfCommands: a command is sent in its states, and in the others it fails before it is sent.
func TestStatesOfCommands(t *testing.T) {
	states := map[string]func(*testing.T) *imap.Client{
		"N": func(t *testing.T) *imap.Client { return refusingServer(t, "OK") },
		"A": func(t *testing.T) *imap.Client { return refusingServer(t, "PREAUTH") },
		"S": func(t *testing.T) *imap.Client {
			c := refusingServer(t, "PREAUTH")
			_, err := c.Select(t.Context(), "open", nil)
			require.NoError(t, err)
			return c
		},
	}
	for legal, commands := range legalStates {
		for name, call := range commands {
			for state, dial := range states {
				t.Run(name+" in "+state, func(t *testing.T) {
					requireLegal(t, dial(t), name, strings.Contains(legal, state), call)
				})
			}
			t.Run(name+" after LOGOUT", func(t *testing.T) {
				c := states["A"](t)
				require.NoError(t, c.Close())
				assert.ErrorIs(t, call(testkit.Context(t), c), imap.ErrClosed)
			})
		}
	}
}

// requireLegal calls a command that is legal or not. The server refuses all that comes to it.
func requireLegal(t *testing.T, c *imap.Client, name string, legal bool, call func(context.Context, *imap.Client) error) {
	t.Helper()
	before := c.State()
	err := call(testkit.Context(t), c)
	if legal {
		refusal, ok := errors.AsType[*imap.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "BAD", refusal.Status)
		assert.False(t, imap.SafeToRetry(err))
		return
	}
	state, ok := errors.AsType[*imap.StateError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, &imap.StateError{Command: name, State: before}, state)
	assert.True(t, imap.SafeToRetry(err))
}
