package imap_test

import (
	"bytes"
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

// TestAppendNotSent has the arguments that are refused before anything is sent.
func TestAppendNotSent(t *testing.T) {
	c := testkit.Offering(t, "IMAP4rev2 LITERAL+ REPLACE CATENATE MULTIAPPEND UTF8=ACCEPT", "C: $ SELECT INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	message := imap.LiteralString("x")
	binary := &imap.AppendOptions{Binary: true}
	for name, err := range map[string]error{
		"BINARY":      testkit.ErrOf(c.Append(ctx, "a", message, binary)),
		"UTF8":        testkit.ErrOf(c.Append(ctx, "a", message, &imap.AppendOptions{UTF8: true})),
		"both":        testkit.ErrOf(c.Append(ctx, "a", message, &imap.AppendOptions{Parts: []imap.CatenatePart{imap.CatenateURL("/a/;UID=1")}})),
		"no parts":    testkit.ErrOf(c.Append(ctx, "a", imap.Literal{}, &imap.AppendOptions{Parts: []imap.CatenatePart{}})),
		"UID 0":       testkit.ErrOf(c.Replace(ctx, 0, "a", message, nil)),
		"number 0":    testkit.ErrOf(c.ReplaceSeq(ctx, 0, "a", message, nil)),
		"size":        testkit.ErrOf(c.Append(ctx, "a", imap.Literal{R: strings.NewReader(""), Size: -1}, nil)),
		"part size":   testkit.ErrOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(imap.Literal{Size: 5})}, nil)),
		"CRLF in URL": testkit.ErrOf(c.MultiAppend(ctx, "a\r\nb", []imap.AppendMessage{{Message: message, Options: &imap.AppendOptions{Flags: []imap.Flag{"a\r\n"}}}})),
		"NUL in URL":  testkit.ErrOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL("/a\x00")}, nil)),
		"section":     testkit.ErrOf(c.FetchOne(ctx, 1, imap.FetchBinarySize(0))),
	} {
		require.Error(t, err, name)
		assert.True(t, imap.SafeToRetry(err), name)
	}
	testkit.RequireNothingSent(t, c)
	for _, s := range []imap.Section{{Specifier: "X"}, {Part: []int{0}}} {
		_, err := imap.MessageURL("a", 1, 1, s)
		assert.Error(t, err)
	}
}

func TestAppendUnsupported(t *testing.T) {
	c := testkit.Offering(t, "", "C: $ SELECT INBOX\nS: $ OK done\n"+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	message := imap.LiteralString("x")
	for name, err := range map[string]error{
		"MULTIAPPEND": testkit.ErrOf(c.MultiAppend(ctx, "a", []imap.AppendMessage{testkit.Message("a"), testkit.Message("b")})),
		"CATENATE":    testkit.ErrOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL("/a/;UID=1")}, nil)),
		"REPLACE":     testkit.ErrOf(c.Replace(ctx, 1, "a", message, nil)),
		"BINARY":      testkit.ErrOf(c.FetchOne(ctx, 1, imap.FetchBinarySize(1))),
		"UTF8=ACCEPT": testkit.ErrOf(c.Append(ctx, "a", message, &imap.AppendOptions{UTF8: true})),
		"APPENDLIMIT": func() error { _, _, err := c.AppendLimit(ctx, "a"); return err }(),
	} {
		require.ErrorIs(t, err, errors.ErrUnsupported, name)
		missing, ok := errors.AsType[*imap.CapabilityError](err)
		require.True(t, ok)
		assert.Equal(t, name, missing.Name)
	}
	testkit.RequireNothingSent(t, c)
}

// TestAppendStreams sends the parts of each command from readers, piece by piece.
func TestAppendStreams(t *testing.T) {
	const size = 300_000
	data := bytes.Repeat([]byte("0123456789abcd\r\n"), size/16)
	body := strings.ReplaceAll(strings.TrimSuffix(string(data), "\r\n"), "\r\n", "\nC: ")
	c := testkit.Offering(t, "LITERAL+ MULTIAPPEND CATENATE", "C: $ APPEND a {300000+}\nC: "+body+"\nC:  {300000+}\nC: "+body+"\nC: \nS: $ OK done\n"+
		"C: $ APPEND a CATENATE (TEXT {300000+}\nC: "+body+"\nC: )\nS: $ OK done\n")
	ctx := testkit.Context(t)
	literal := func() imap.Literal { return imap.Literal{R: bytes.NewReader(data), Size: size} }
	_, err := c.MultiAppend(ctx, "a", []imap.AppendMessage{{Message: literal()}, {Message: literal()}})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(literal())}, nil)
	require.NoError(t, err)
}

// TestAppendRefusedOnTheWay: a server that answers NO while non-synchronizing literals are arriving still reads to the end
// of the command.
func TestAppendRefusedOnTheWay(t *testing.T) {
	near, far := testkit.TCPPair(t)
	ctx := testkit.Context(t)
	const size = 1 << 20
	done := make(chan error, 1)
	go func() {
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] hello\r\n")
		head := make([]byte, len("A1 NOOP\r\nA2 APPEND INBOX {1048576+}\r\n"))
		io.ReadFull(far, head)
		io.WriteString(far, "A2 NO [OVERQUOTA] full\r\nA1 OK done\r\n")
		rest := make([]byte, size+len(" {5+}\r\nhello\r\nA3 NOOP\r\n"))
		_, err := io.ReadFull(far, rest)
		if err == nil && !bytes.HasSuffix(rest, []byte(" {5+}\r\nhello\r\nA3 NOOP\r\n")) {
			err = errors.New("the end of the command did not come")
		}
		io.WriteString(far, "A3 OK done\r\n")
		done <- err
	}()
	c, err := imap.NewClient(ctx, near, nil)
	require.NoError(t, err)
	defer c.Close()
	p := c.Pipeline()
	answered := make(chan struct{})
	p.Go(func(c *imap.Client) error { // reads the NO while the literal is being sent
		defer close(answered)
		return c.Noop(ctx)
	})
	slow := &gatedReader{size, answered}
	p.Go(func(c *imap.Client) error {
		_, err := c.MultiAppend(ctx, "INBOX", []imap.AppendMessage{{Message: imap.Literal{R: slow, Size: size}}, testkit.Message("hello")})
		return err
	})
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(p.Wait()))
	require.NoError(t, c.Noop(ctx))
	require.NoError(t, <-done)
}

// gatedReader returns its second half when the gate is open.
type gatedReader struct {
	left int
	gate chan struct{}
}

func (r *gatedReader) Read(b []byte) (int, error) {
	if r.left <= 1<<19 {
		<-r.gate
	}
	n := min(len(b), r.left)
	r.left -= n
	return n, nil
}

const smuggler = "abc\r\nX9 DELETE Archive\r\n"

// sized returns a literal that announces a size other than that of its reader.
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
				"Append":      testkit.ErrOf(c.Append(ctx, "a", literal(), nil)),
				"Binary":      testkit.ErrOf(c.Append(ctx, "a", literal(), &imap.AppendOptions{Binary: true})),
				"MultiAppend": testkit.ErrOf(c.MultiAppend(ctx, "a", []imap.AppendMessage{testkit.Message("first"), {Message: literal()}})),
				"Catenate":    testkit.ErrOf(c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateText(literal())}, nil)),
				"Replace":     testkit.ErrOf(c.Replace(ctx, 1, "a", literal(), nil)),
				"Do":          testkit.ErrOf(c.Do(ctx, "APPEND", "a", literal())),
				"Raw":         testkit.ErrOf(c.Search(ctx, imap.Where().Raw(imap.Atom("SUBJECT"), literal()), nil)),
			} {
				assert.Error(t, err, "%s: %s, %s", call, name, caps)
				assert.True(t, imap.SafeToRetry(err), "%s: %s, %s", call, name, caps)
			}
			testkit.RequireNothingSent(t, c)
		}
	}
}

// TestLiteralReaders: no more than the announced size is read from a reader. A reader that returns less or fails stores
// nothing and closes the connection, whatever the size and whether or not the literal is synchronizing.
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

// TestLiteralIsReadOnce: a command that is refused after a reader was read is not sent again, because the reader would
// return other bytes.
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
			return testkit.ErrOf(c.MultiAppend(testkit.Context(t), "a", []imap.AppendMessage{{Message: imap.Literal{R: r, Size: 3}}, {Message: imap.Literal{R: r, Size: 3}}}))
		}},
		"APPEND, refused at its end": {"", `
			C: $ APPEND a UTF8 (~{3}
			S: + go
			C: one)
			S: $ NO what is this
		`, func(c *imap.Client) error {
			return testkit.ErrOf(c.Append(testkit.Context(t), "a", reader("one"), nil))
		}},
		"APPEND with LITERAL+": {"LITERAL+", `
			C: $ APPEND a UTF8 (~{3+}
			C: one)
			S: $ BAD what is this
		`, func(c *imap.Client) error {
			return testkit.ErrOf(c.Append(testkit.Context(t), "a", reader("one"), nil))
		}},
		"SEARCH in another character set": {"LITERAL+", `
			C: $ SELECT a
			S: $ OK done
			C: $ UID SEARCH NOT X {3+}
			C: one
			S: $ NO [BADCHARSET (ISO-8859-1)] no
		`, func(c *imap.Client) error {
			_, err := c.Select(testkit.Context(t), "a", nil)
			require.NoError(t, err)
			return testkit.ErrOf(c.Search(testkit.Context(t), imap.Where().Not(imap.Where().Raw(imap.Atom("X"), reader("one"))), nil))
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
	t.Run("Replace", func(t *testing.T) {
		c := testkit.OfferingSelected(t, "ENABLE UTF8=ACCEPT REPLACE LITERAL+", enable+`
			C: $ UID REPLACE 7 a UTF8 (~{3+}
			C: one)
			S: $ BAD what is this
			C: $ UID REPLACE 7 a {3+}
			C: one
			S: $ OK [APPENDUID 1 8] done
			C: $ REPLACE 3 a UTF8 (~{3+}
			C: one)
			S: $ BAD what is this
		`)
		_, err := c.Enable(testkit.Context(t), "UTF8=ACCEPT")
		require.NoError(t, err)
		res, err := c.Replace(testkit.Context(t), 7, "a", imap.LiteralString("one"), nil)
		require.NoError(t, err)
		assert.EqualValues(t, 8, res.UID)
		_, err = c.ReplaceSeq(testkit.Context(t), 3, "a", imap.LiteralString("one"), nil)
		require.Error(t, err, "the number may mean another message by then")
	})
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

func TestLiteralText(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"a":                 "a\r\n",
		"a\n":               "a\r\n",
		"a\r\n":             "a\r\n",
		"a\r":               "a\r\n",
		"a\nb\rc\r\nd":      "a\r\nb\r\nc\r\nd\r\n",
		"\n\r":              "\r\n\r\n",
		"\r\r\n\n":          "\r\n\r\n\r\n",
		"a: b\n\nc\x00\xff": "a: b\r\n\r\nc\x00\xff\r\n",
	} {
		l := imap.LiteralText([]byte(in))
		assert.EqualValues(t, len(want), l.Size, "%q", in)
	}
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralText([]byte("Subject: a\n\nb\nc")), nil)
		require.NoError(t, err)
		testkit.Open(t, c, "INBOX")
		got := testkit.Fetch(t, c, 1, 0, imap.Section{})
		require.Len(t, got, 1)
		assert.Equal(t, "Subject: a\r\n\r\nb\r\nc\r\n", string(got[0].Section(imap.Section{})))
	})
}

// TestLiteralString: the size of a literal is in bytes.
func TestLiteralString(t *testing.T) {
	c := testkit.Offering(t, "LITERAL+", "C: $ APPEND a {10+}\nC: \u00e9\u20ac \U0001f600\nS: $ OK done\n")
	_, err := c.Append(testkit.Context(t), "a", imap.LiteralString("\u00e9\u20ac \U0001f600"), nil)
	require.NoError(t, err)
}

// TestUnusualAppendUID: a code that does not match the messages, or cannot be read, is reported once and is not a result.
func TestUnusualAppendUID(t *testing.T) {
	c := testkit.Offering(t, "UIDPLUS MULTIAPPEND LITERAL+ REPLACE", `
		C: $ SELECT INBOX
		S: * 2 EXISTS
		S: $ OK [READ-WRITE] done
		C: $ APPEND INBOX {1+}
		C: a {1+}
		C: b
		S: $ OK [APPENDUID 7 5:6,9] three
		C: $ APPEND INBOX {1+}
		C: a {1+}
		C: b
		S: $ OK [APPENDUID 7 9,6] in this order
		C: $ APPEND INBOX {1+}
		C: a {1+}
		C: b
		S: $ OK [APPENDUID 7 x] unread
		C: $ UID REPLACE 4 INBOX {1+}
		C: a
		S: * OK [APPENDUID 7] unread, untagged
		S: $ OK done
	`)
	ctx := testkit.Context(t)
	testkit.Open(t, c, "INBOX")
	two := []imap.AppendMessage{{Message: imap.LiteralString("a")}, {Message: imap.LiteralString("b")}}
	for _, want := range [][]imap.AppendResult{{{}, {}}, {{UIDValidity: 7, UID: 9}, {UIDValidity: 7, UID: 6}}, {{}, {}}} {
		got, err := c.MultiAppend(ctx, "INBOX", two)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	res, err := c.Replace(ctx, 4, "INBOX", imap.LiteralString("a"), nil)
	require.NoError(t, err)
	assert.Equal(t, &imap.AppendResult{}, res)
	assert.Equal(t, []imap.Event{
		&imap.CodeEvent{Command: "APPEND", Code: imap.CodeAppendUID, Args: "7 5:6,9", Text: "three"},
		&imap.CodeEvent{Command: "APPEND", Code: imap.CodeAppendUID, Args: "7 x", Text: "unread"},
		&imap.CodeEvent{Command: "UID REPLACE", Code: imap.CodeAppendUID, Args: "7", Text: "unread, untagged"},
	}, c.Events())
}

// TestSecondPartIsNotSent: a call whose first command succeeded is not safe to retry, although its second was not sent.
func TestSecondPartIsNotSent(t *testing.T) {
	c := testkit.Offering(t, "IMAP4rev1 MULTIAPPEND SAVELIMIT=1 UIDPLUS", `
		C: $ APPEND a {3}
		S: + go on
		C: one
		S: $ OK [APPENDUID 7 5] done
	`)
	bad := &imap.AppendOptions{Flags: []imap.Flag{"no flag"}}
	list, err := c.MultiAppend(testkit.Context(t), "a", []imap.AppendMessage{{Message: imap.LiteralString("one")}, {Message: imap.LiteralString("two"), Options: bad}})
	require.Error(t, err)
	require.False(t, imap.SafeToRetry(err))
	require.Equal(t, []imap.AppendResult{{UIDValidity: 7, UID: 5}}, list)
}
