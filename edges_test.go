package imap_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noops pipelines so many NOOPs and returns the error of each.
func noops(t *testing.T, c *imap.Client, n int) []error {
	t.Helper()
	p := c.Pipeline()
	errs := make([]error, n)
	for i := range errs {
		p.Go(func(c *imap.Client) error { errs[i] = c.Noop(testkit.Context(t)); return nil })
	}
	require.NoError(t, p.Wait())
	return errs
}

// TestOthersAreCutToo: when the connection is lost all calls of a pipeline are told so, and not only the one that reads.
func TestOthersAreCutToo(t *testing.T) {
	c := testkit.LoggedIn(t, strings.Repeat("C: $ NOOP\n", 5)+"S: * 3 EXISTS\nCLOSE\n")
	for _, err := range noops(t, c, 5) {
		require.ErrorIs(t, err, imap.ErrClosed)
		require.False(t, imap.SafeToRetry(err))
	}
}

// lastRead is a connection whose end comes together with its last octets, as io.Reader allows.
type lastRead struct {
	net.Conn
	text  string
	reads int // behind the end
}

func (c *lastRead) Read(b []byte) (int, error) {
	if c.text == "" {
		c.reads++
		return 0, io.EOF
	}
	n := copy(b, c.text)
	if c.text = c.text[n:]; c.text == "" {
		return n, io.EOF
	}
	return n, nil
}

// TestOctetsBesideError: what came with the end counts, and nothing is read behind it.
func TestOctetsBesideError(t *testing.T) {
	near, far := imaptest.Pipe()
	defer far.Close()
	conn := &lastRead{Conn: near, text: "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 3 EXISTS\r\nA1 OK done\r\nA2 OK done\r\n"}
	c, err := imap.NewClient(testkit.Context(t), conn, nil)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.NoError(t, c.Noop(testkit.Context(t)))
	require.ErrorIs(t, c.Noop(testkit.Context(t)), imap.ErrClosed)
	assert.Zero(t, conn.reads)
}

// TestLiteralsTogether: MaxLiteral bounds all literals of a response.
func TestLiteralsTogether(t *testing.T) {
	c := testkit.DialPeer(t, &imap.Options{MaxLiteral: 8192}, func(h *testkit.Peer) {
		h.Line("")
		body := strings.Repeat("x", 5000)
		h.Send("* 1 FETCH (UID 1 BODY[1] {5000}\r\n%s BODY[2] {5000}\r\n%s)", body, body)
		h.In.ReadString('\n')
	})
	_, err := c.FetchOne(testkit.Context(t), 1, imap.Section{Part: []int{1}}, imap.Section{Part: []int{2}})
	limit, ok := errors.AsType[*imap.LimitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "MaxLiteral", limit.Name)
}

// TestReaderIsLetGo: nothing of a call stays behind that sent a message from a reader, nor of one that was refused.
func TestReaderIsLetGo(t *testing.T) {
	testkit.LeftBehind(t, func() {
		c := testkit.Offering(t, "", "C: $ APPEND a {5}\nS: + go\nC: hello\nS: $ OK done\nC: $ APPEND a {5}\nS: $ NO no\n")
		for i := range 2 {
			r := io.LimitReader(strings.NewReader("hello"), 100)
			_, err := c.Append(testkit.Context(t), "a", imap.Literal{R: r, Size: 5}, nil)
			require.Equal(t, i == 1, err != nil, "%v", err)
		}
		c.Close()
	})
}

// TestUntaggedOldestFirst: of two commands that ask for the same, the first answer is that of the older one.
func TestUntaggedOldestFirst(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID SEARCH SEEN
		C: $ UID SEARCH DRAFT
		S: * SEARCH 1
		S: $2 OK
		S: * SEARCH 2
		S: $3 OK
	`)
	ctx := testkit.Context(t)
	var seen, draft *imap.SearchResult
	p := c.Pipeline()
	p.Go(func(c *imap.Client) (err error) { seen, err = c.Search(ctx, imap.Where().Seen(), nil); return err })
	p.Go(func(c *imap.Client) (err error) { draft, err = c.Search(ctx, imap.Where().Draft(), nil); return err })
	require.NoError(t, p.Wait())
	assert.Equal(t, imap.UIDs(1), seen.UIDs)
	assert.Equal(t, imap.UIDs(2), draft.UIDs)
}

// TestFetchIncomplete: a message of which the server leaves something out comes as it is.
func TestFetchIncomplete(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID FETCH 7:8 (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (UID 7 FLAGS (\Seen))
		S: * 2 FETCH (UID 8 RFC822.SIZE 5)
		S: $ OK
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.UIDRange(7, 8), imap.FetchFlags, imap.FetchSize))
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, got[0].Flags)
	assert.EqualValues(t, 5, got[1].Size)
}

// TestTooDeep: MaxDepth bounds nesting, at the cost of the value alone.
func TestTooDeep(t *testing.T) {
	deep := func(n int) string {
		return strings.Repeat("(", n) + `"a" "b" NIL NIL NIL "7bit" 1` + strings.Repeat(` "mixed")`, n)
	}
	c := testkit.Selected(t, "\nC: $ UID FETCH 1:2 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 1 BODYSTRUCTURE "+deep(20)+
		")\nS: * 2 FETCH (UID 2 BODYSTRUCTURE "+deep(200)+")\nS: $ OK\n"+testkit.OnlyNoop)
	rows := map[imap.UID]error{}
	for m, err := range c.Fetch(context.Background(), imap.UIDRange(1, 2), imap.FetchBodyStructure) {
		require.NotNil(t, m, "%v", err)
		rows[m.UID] = err
	}
	require.NoError(t, rows[1])
	require.Error(t, rows[2])
	testkit.RequireNothingSent(t, c)
}

// TestByeIsToldToAll: the server's last words reach all calls that wait.
func TestByeIsToldToAll(t *testing.T) {
	c := testkit.LoggedIn(t, strings.Repeat("C: $ NOOP\n", 5)+"S: * BYE [UNAVAILABLE] for maintenance\nCLOSE\n")
	for _, err := range noops(t, c, 5) {
		require.Equal(t, imap.Code("UNAVAILABLE"), imap.CodeOf(err), "%v", err)
	}
}
