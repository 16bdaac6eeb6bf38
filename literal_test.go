package imap_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const smuggler = "abc\r\nX9 DELETE Archive\r\n"

// sized is a literal that announces another size than its reader has.
func sized(l imap.Literal, size int64) imap.Literal {
	l.Size = size
	return l
}

// TestLiteralOfAnotherSize: a size that is known to be wrong is an error before anything is sent, in every command that
// takes a literal.
func TestLiteralOfAnotherSize(t *testing.T) {
	literals := map[string]func() imap.Literal{
		"string, too long":     func() imap.Literal { return sized(imap.LiteralString(smuggler), 3) },
		"string, too short":    func() imap.Literal { return sized(imap.LiteralString("abc"), 16) },
		"string, nothing":      func() imap.Literal { return sized(imap.LiteralString("abc"), 0) },
		"bytes, large":         func() imap.Literal { return sized(imap.LiteralBytes(make([]byte, 1<<20)), 1<<19) },
		"no reader":            func() imap.Literal { return imap.Literal{Size: 1} },
		"string, a size of -1": func() imap.Literal { return sized(imap.LiteralString("abc"), -1) },
	}
	ctx := testkit.Context(t)
	for name, literal := range literals {
		for _, caps := range []string{"", "LITERAL+", "LITERAL-"} {
			c := testkit.OfferingSelected(t, caps+" CATENATE REPLACE MULTIAPPEND BINARY", testkit.OnlyNoop)
			for call, err := range map[string]error{
				"Append":      errOf(c.Append(ctx, "a", literal(), nil)),
				"Binary":      errOf(c.Append(ctx, "a", literal(), &imap.AppendOptions{Binary: true})),
				"MultiAppend": errOf(c.MultiAppend(ctx, "a", []imap.AppendMessage{text("first"), {Message: literal()}})),
				"Catenate":    errOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(literal())}, nil)),
				"Replace":     errOf(c.Replace(ctx, 1, "a", literal(), nil)),
				"Do":          errOf(c.Do(ctx, "APPEND", "a", literal())),
				"Raw":         errOf(c.Search(ctx, imap.Where().Raw(imap.Atom("SUBJECT"), literal()), nil)),
			} {
				assert.Error(t, err, "%s: %s, %s", call, name, caps)
				assert.True(t, imap.SafeToRetry(err), "%s: %s, %s", call, name, caps)
			}
			testkit.RequireNothingSent(t, c)
		}
	}
}

// TestLiteralReaders: of a reader that holds more than the size no more is read; one that holds less or fails stores
// nothing and closes the connection, whatever the size and whether the server has to be asked first.
func TestLiteralReaders(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		reader func(size int) io.Reader
		stored bool
	}{
		"longer":         {func(size int) io.Reader { return iotest.OneByteReader(endless{}) }, true},
		"exact":          {func(size int) io.Reader { return iotest.DataErrReader(io.LimitReader(endless{}, int64(size))) }, true},
		"shorter by one": {func(size int) io.Reader { return io.LimitReader(endless{}, int64(size-1)) }, false},
		"nothing":        {func(size int) io.Reader { return io.LimitReader(endless{}, 0) }, false},
		"failing":        {func(size int) io.Reader { return iotest.ErrReader(broken) }, false},
		"failing at last": {func(size int) io.Reader {
			return io.MultiReader(io.LimitReader(endless{}, int64(size-1)), iotest.ErrReader(broken))
		}, false},
		"failing too late": {func(size int) io.Reader {
			return io.MultiReader(io.LimitReader(endless{}, int64(size)), iotest.ErrReader(broken))
		}, true},
	} {
		for _, size := range []int{5, 40_000, 400_000} {
			for _, without := range [][]string{nil, {"LITERAL+"}} {
				srv := imaptest.New(t, &imaptest.Options{NoCaps: without, PreAuth: "user"})
				c, err := imap.NewClient(testkit.Context(t), srv.Dial(), nil)
				require.NoError(t, err)
				_, err = c.Append(testkit.Context(t), "INBOX", imap.Literal{R: test.reader(size), Size: int64(size)}, nil)
				_, after := c.Append(testkit.Context(t), "INBOX", imap.LiteralString("X9 LOGOUT\r\n"), nil)
				c.Close()
				srv.Close()
				list := srv.User("user").Mailbox("INBOX").Messages()
				if !test.stored {
					assert.Error(t, err, "%s, %d", name, size)
					assert.ErrorIs(t, after, imap.ErrClosed, "%s, %d", name, size)
					assert.Empty(t, list, "%s, %d", name, size)
					continue
				}
				require.NoError(t, err, "%s, %d", name, size)
				require.NoError(t, after, "%s, %d", name, size)
				require.Len(t, list, 2, "%s, %d", name, size)
				assert.Equal(t, strings.Repeat("x", size), string(list[0].Raw))
			}
		}
	}
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// TestLiteralIsReadOnce: a command that a server refuses after a reader was read is not sent again, because other bytes
// would go in the place of those.
func TestLiteralIsReadOnce(t *testing.T) {
	enable := `
		C: $ ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: $ OK done
	`
	reader := func(s string) imap.Literal {
		return imap.Literal{R: iotest.OneByteReader(strings.NewReader(s)), Size: 3}
	}
	for name, test := range map[string]struct {
		caps, script string
		call         func(c *imap.Client) error
	}{
		"MULTIAPPEND, the second is refused": {"MULTIAPPEND", `
			C: $ APPEND a UTF8 (~{3}
			S: + go
			C: one) UTF8 (~{3}
			S: $ BAD what is this
		`, func(c *imap.Client) error {
			r := strings.NewReader("onetwothree")
			return errOf(c.MultiAppend(testkit.Context(t), "a", []imap.AppendMessage{{Message: imap.Literal{R: r, Size: 3}}, {Message: imap.Literal{R: r, Size: 3}}}))
		}},
		"APPEND, refused at its end": {"", `
			C: $ APPEND a UTF8 (~{3}
			S: + go
			C: one)
			S: $ NO what is this
		`, func(c *imap.Client) error { return errOf(c.Append(testkit.Context(t), "a", reader("one"), nil)) }},
		"APPEND with LITERAL+": {"LITERAL+", `
			C: $ APPEND a UTF8 (~{3+}
			C: one)
			S: $ BAD what is this
		`, func(c *imap.Client) error { return errOf(c.Append(testkit.Context(t), "a", reader("one"), nil)) }},
		"SEARCH in another character set": {"LITERAL+", `
			C: $ SELECT a
			S: $ OK done
			C: $ UID SEARCH NOT X {3+}
			C: one
			S: $ NO [BADCHARSET (ISO-8859-1)] no
		`, func(c *imap.Client) error {
			_, err := c.Select(testkit.Context(t), "a", nil)
			require.NoError(t, err)
			return errOf(c.Search(testkit.Context(t), imap.Where().Not(imap.Where().Raw(imap.Atom("X"), reader("one"))), nil))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "ENABLE UTF8=ACCEPT "+test.caps, enable+test.script+testkit.OnlyNoop)
			_, err := c.Enable(testkit.Context(t), "UTF8=ACCEPT")
			require.NoError(t, err)
			err = test.call(c)
			refusal, ok := errors.AsType[*imap.Error](err)
			require.True(t, ok, "%v", err)
			assert.Contains(t, []string{"NO", "BAD"}, refusal.Status)
			testkit.RequireNothingSent(t, c)
		})
	}
	t.Run("refused before it was read", func(t *testing.T) {
		c := testkit.Offering(t, "ENABLE UTF8=ACCEPT", enable+`
			C: $ APPEND a UTF8 (~{3}
			S: $ BAD what is this
			C: $ APPEND a {3}
			S: + go
			C: one
			S: $ OK done
		`)
		_, err := c.Enable(testkit.Context(t), "UTF8=ACCEPT")
		require.NoError(t, err)
		_, err = c.Append(testkit.Context(t), "a", reader("one"), nil)
		require.NoError(t, err)
	})
}
