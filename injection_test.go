package imap_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/require"
)

// evils are arguments that would be another command, a literal, or the end of a string, if they went out as they are.
var evils = []string{"a\r\nZ9 EVIL", "a\nZ9 EVIL\n", "a\rZ9 EVIL", "\r\n", "a\x00b", `a" EVIL "b`, `a\`, `\" EVIL`, "a {8}\r\nZ9 EVIL", "{8+}\r\nZ9 EVIL",
	"a {3}", "{3+}", "~{3}", "a) EVIL (b", "(a", "*", "%", "", " ", "NIL", "ü\r\nZ9 EVIL", "\xff\r\nZ9 EVIL", "a&-\r\nZ9 EVIL", strings.Repeat("x", 2000) + "\r\nZ9 EVIL"}

// evilCalls put a string wherever a method takes one.
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
		_, err := c.Search(ctx, imap.Where().Raw(imap.Atom(s)), nil)
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
		_, err := c.Do(ctx, "XCMD", imap.Atom(s))
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Replace(ctx, 1, s, imap.LiteralString(s), nil)
		return err
	},
	func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Catenate(ctx, s, []imap.CatenatePart{imap.CatenateURL(s), imap.CatenateText(imap.LiteralString(s))}, nil)
		return err
	},
}

// TestNothingIsSmuggled: whatever the argument, what leaves is the one command of the method, framed as the RFC says, or
// nothing; and the error does not repeat the argument.
func TestNothingIsSmuggled(t *testing.T) {
	for _, caps := range []string{faultCaps, strings.ReplaceAll(faultCaps, "LITERAL+", ""), faultCaps + " UTF8=ACCEPT"} {
		near, far := imaptest.Pipe()
		s := &strictServer{conn: far, in: bufio.NewReader(far), caps: caps}
		done := make(chan struct{})
		go func() { defer close(done); s.run() }()
		c, err := imap.NewClient(t.Context(), near, faultOptions)
		require.NoError(t, err)
		if strings.Contains(caps, "UTF8") {
			_, err := c.Enable(t.Context(), "UTF8=ACCEPT")
			require.NoError(t, err)
		}
		_, err = c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		for i, call := range evilCalls {
			for _, evil := range evils {
				before := s.tags
				err := call(t.Context(), c, evil)
				if err != nil && len(evil) > 5 {
					require.NotContains(t, err.Error(), evil, "call %d", i)
				}
				require.NotErrorIs(t, err, imap.ErrClosed, "call %d with %q: %v", i, evil, s.broken)
				if imap.SafeToRetry(err) {
					require.Equal(t, before, s.tags, "call %d with %q sent something", i, evil)
				}
			}
		}
		require.NoError(t, c.Noop(t.Context()))
		c.Close()
		far.Close()
		<-done
		require.NoError(t, s.broken)
	}
}

// strictServer reads commands as the grammar frames them. Each has to have the next tag of this client: what was smuggled
// in has another, or none.
type strictServer struct {
	conn   net.Conn
	in     *bufio.Reader
	caps   string
	tags   int
	broken error
}

func (s *strictServer) run() {
	defer s.conn.Close()
	io.WriteString(s.conn, "* PREAUTH [CAPABILITY "+s.caps+"] hi\r\n")
	for s.broken == nil {
		command, err := s.read()
		if err != nil {
			return
		}
		s.tags++
		tag := fmt.Sprint("A", s.tags)
		words := strings.Fields(command)
		if len(words) < 2 || words[0] != tag || strings.ContainsAny(command, "\r\n\x00") || words[1] == "EVIL" {
			s.broken = fmt.Errorf("%q in the place of command %s", command, tag)
			return
		}
		answer := "NO I do not"
		if words[1] == "ENABLE" || words[1] == "SELECT" || words[1] == "NOOP" {
			answer = "OK done"
			if words[1] == "ENABLE" {
				io.WriteString(s.conn, "* ENABLED "+strings.Join(words[2:], " ")+"\r\n")
			}
		}
		if _, err := io.WriteString(s.conn, tag+" "+answer+"\r\n"); err != nil {
			return
		}
	}
}

var literalHeader = regexp.MustCompile(`~?\{([0-9]+)(\+?)\}$`)

// read reads a command without the octets of its literals.
func (s *strictServer) read() (string, error) {
	var command string
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		line, whole := strings.CutSuffix(line, "\r\n")
		if !whole {
			return command + line + "\n", nil
		}
		command += line
		m := literalHeader.FindStringSubmatch(line)
		if m == nil {
			return command, nil
		}
		if m[2] == "" {
			if _, err := io.WriteString(s.conn, "+ go\r\n"); err != nil {
				return "", err
			}
		}
		size, _ := strconv.Atoi(m[1])
		if _, err := s.in.Discard(size); err != nil {
			return "", err
		}
	}
}
