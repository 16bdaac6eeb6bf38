package faults_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Failures that users of other clients reported, each with a test.

// TestKnownUndrainedFetchBlocksNoop: rows that are not consumed block the next command, or Close.
func TestKnownUndrainedFetchBlocksNoop(t *testing.T) {
	c, _ := testkit.Filled(t, 1000)
	ctx := testkit.Context(t)
	for range c.Fetch(ctx, imap.UIDRange(1, 1000), imap.FetchEnvelope, imap.Section{}) {
		require.NoError(t, c.Noop(ctx))
		break
	}
	require.NoError(t, c.Noop(ctx))
	for range c.Fetch(ctx, imap.UIDRange(1, 1000), imap.FetchEnvelope) {
		require.NoError(t, c.Close())
	}
	assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
}

// TestKnownUndrainedListBlocksNoop: the same for names. List has read all of them when it returns.
func TestKnownUndrainedListBlocksNoop(t *testing.T) {
	var script strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&script, "* LIST (\\HasNoChildren) \"/\" \"folder %d\"\r\n* STATUS \"folder %d\" (MESSAGES %d)\r\n", i, i, i)
	}
	c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
		tag := h.Line(`LIST "" * RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES))`)
		h.Put("%s", script.String())
		h.Send("%s OK done", tag)
		h.OK()
	})
	ctx := testkit.Context(t)
	got, err := c.List(ctx, "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
	require.NoError(t, err)
	require.Len(t, got, 20_000)
	assert.Equal(t, "folder 19999", got[19_999].Name)
	assert.EqualValues(t, 19_999, *got[19_999].Status.Messages)
	require.NoError(t, c.Noop(ctx))
}

// TestKnownListOfManyIsQuadratic: the time for the names and numbers of many mailboxes must grow linearly.
func TestKnownListOfManyIsQuadratic(t *testing.T) {
	requireLinear(t, 500, func(n int) time.Duration {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "* LIST () \"/\" \"a folder with a long name %d\"\r\n* STATUS \"a folder with a long name %d\" (MESSAGES 1)\r\n", i, i)
		}
		c, _ := flooded(t, nil, saying(text.String()))
		began := time.Now()
		_, err := c.List(t.Context(), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		require.NoError(t, err)
		return time.Since(began)
	})
}

// TestKnownDeadlineOfWholeLiteral: a deadline that is set once covers a whole literal, and interrupts large ones. (See also
// TestBodyThatTrickles.)
func TestKnownDeadlineOfWholeLiteral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialPeer(t, &imap.Options{Timeout: 10 * time.Second}, func(h *testkit.Peer) {
			tag := h.Line("")
			h.Put("* 1 FETCH (UID 1 BODY[] {300000}\r\n")
			for range 30 {
				h.Put("%s", strings.Repeat("x", 10_000))
				h.Out.Flush()
				time.Sleep(9 * time.Second)
			}
			h.Send(")\r\n%s OK", tag)
		})
		m, err := c.FetchOne(t.Context(), 1, imap.Section{})
		require.NoError(t, err)
		assert.Len(t, m.Sections[0].Bytes, 300_000)
	})
}

// TestKnownSilentGreeting: a missing greeting is waited for forever.
func TestKnownSilentGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		defer far.Close()
		began := time.Now()
		_, err := imap.NewClient(t.Context(), near, nil)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, 2*time.Minute, time.Since(began))
		near, far = imaptest.Pipe()
		defer far.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = imap.NewClient(ctx, near, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = near.Read(make([]byte, 1))
		assert.Error(t, err, "the connection is closed")
	})
}

// TestKnownSilentStartTLS: a missing answer to STARTTLS, or to the handshake, is waited for forever.
func TestKnownSilentStartTLS(t *testing.T) {
	for _, answer := range []string{"", "$ OK begin\n"} {
		synctest.Test(t, func(t *testing.T) {
			script := "C: $ STARTTLS\n"
			if answer != "" {
				script += "S: " + answer
			}
			c := testkit.DialScript(t, "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi", script+"STALL\n")
			began := time.Now()
			err := c.StartTLS(t.Context(), &tls.Config{ServerName: "imap.example.org"})
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.LessOrEqual(t, time.Since(began), 6*time.Second)
			assert.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
		})
	}
}

// TestKnownIdleTakesContinuationOfLiteral: the + for a literal is taken by an IDLE, or the other way round.
func TestKnownIdleTakesContinuationOfLiteral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi", `
			C: $ IDLE
			S: + idling
			C: DONE
			S: $ OK
			C: $ APPEND a {5}
			S: * 3 EXISTS
			S: + go ahead
			C: hello
			S: $ OK
			C: $ IDLE
			S: + idling
			S: * 4 EXISTS
			C: DONE
			S: $ OK
			C: $ APPEND a {5}
			S: + go ahead
			C: again
			S: $ OK
		`)
		_, err := testkit.OneEvent(t.Context(), c, &imap.IdleOptions{For: time.Second})
		require.NoError(t, err)
		_, err = c.Append(t.Context(), "a", imap.LiteralString("hello"), nil)
		require.NoError(t, err)
		n := 0
		for _, err := range c.Idle(t.Context(), nil) {
			require.NoError(t, err)
			if n++; n == 2 {
				break
			}
		}
		_, err = c.Append(t.Context(), "a", imap.LiteralString("again"), nil)
		require.NoError(t, err)
	})
}

// TestKnownModifiedDropped: the messages that a conditional STORE did not change are not reported, with OK or with NO.
func TestKnownModifiedDropped(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ UID STORE 5:7 (UNCHANGEDSINCE 9) +FLAGS (x)
		S: * 1 FETCH (UID 5 MODSEQ (12) FLAGS (x))
		S: $ OK [MODIFIED 6:7] Conditional STORE failed
		C: $ STORE 1:3 (UNCHANGEDSINCE 9) +FLAGS (x)
		S: * 1 FETCH (UID 5 MODSEQ (13) FLAGS (x))
		S: $ NO [MODIFIED 2,3] expunged meanwhile
	`)
	ctx := testkit.Context(t)
	res, err := c.Store(ctx, imap.UIDRange(5, 7), imap.AddFlags("x"), &imap.StoreOptions{UnchangedSince: 9})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(6, 7), res.ModifiedUID)
	require.Len(t, res.Messages, 1)
	res, err = c.Store(ctx, imap.SeqRange(1, 3), imap.AddFlags("x"), &imap.StoreOptions{UnchangedSince: 9})
	assert.Equal(t, imap.Code("MODIFIED"), imap.CodeOf(err))
	assert.True(t, res.ModifiedSeq.Contains(2) && res.ModifiedSeq.Contains(3) && res.ModifiedSeq.Len() == 2)
	require.Len(t, res.Messages, 1)
}

// TestKnownMoveDeletesWithoutCopy: a MOVE by COPY, STORE and EXPUNGE deletes messages that were not copied, or that others
// marked.
func TestKnownMoveDeletesWithoutCopy(t *testing.T) {
	const greeting = "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hi"
	for name, script := range map[string]string{
		"COPY refused": `
			C: $ UID COPY 5 b
			S: $ NO [OVERQUOTA] full`,
		"COPY bad": `
			C: $ UID COPY 5 b
			S: $ BAD what`,
		"STORE refused": `
			C: $ UID COPY 5 b
			S: $ OK [COPYUID 1 5 9] done
			C: $ UID STORE 5 +FLAGS.SILENT (\Deleted)
			S: $ NO not yours`,
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialScript(t, greeting, "C: $ SELECT a\nS: $ OK\n"+script+"\n"+testkit.OnlyNoop)
			ctx := testkit.Context(t)
			_, err := c.Select(ctx, "a", nil)
			require.NoError(t, err)
			res, err := c.Move(ctx, imap.UIDs(5), "b")
			require.Error(t, err)
			require.NotNil(t, res)
			assert.Equal(t, name == "STORE refused", len(res.Dest) == 1)
			testkit.RequireNothingSent(t, c)
		})
	}
	t.Run("without UIDPLUS", func(t *testing.T) {
		c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1] hi", "C: $ SELECT a\nS: $ OK\n"+testkit.OnlyNoop)
		ctx := testkit.Context(t)
		_, err := c.Select(ctx, "a", nil)
		require.NoError(t, err)
		_, err = c.Move(ctx, imap.UIDs(5), "b")
		require.ErrorIs(t, err, errors.ErrUnsupported)
		testkit.RequireNothingSent(t, c)
	})
}

// TestKnownRefusalEndsConnection: NO, BAD and unknown data end the connection.
func TestKnownRefusalEndsConnection(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ APPEND a {3+}
		C: abc
		S: $ NO [OVERQUOTA] full
		C: $ UID SEARCH CHARSET UTF-8 TEXT {2+}
		C: ü
		S: $ NO [BADCHARSET] not here
		C: $ UID FETCH 1 (UID FLAGS)
		S: * XUNKNOWN (a b) {3}
		S+: x\r\n\r\n
		S: * 1 FETCH (UID 1 X-NEW (1 (2 "3")) FLAGS (\Seen) X-OTHER {2}
		S: ab)
		S: * BAD whatever
		S: $ OK
		C: $ UID FETCH 1 (UID RFC822.SIZE)
		S: * 1 FETCH (UID 1 RFC822.SIZE big)
		S: stray line
		S: $ OK
		C: $ DELETE a
		S: $ BAD what
		C: $ NOOP
		S: $ OK
	`)
	ctx := testkit.Context(t)
	_, err := c.Append(ctx, "a", imap.LiteralString("abc"), nil)
	assert.Equal(t, imap.CodeOverQuota, imap.CodeOf(err))
	_, err = c.Search(ctx, imap.Where().Text("ü"), nil)
	assert.Equal(t, imap.Code("BADCHARSET"), imap.CodeOf(err))
	_, err = imap.Collect(c.Fetch(ctx, imap.UIDSet{}))
	require.NoError(t, err, "an empty set")
	m, err := c.FetchOne(ctx, 1, imap.FetchFlags)
	require.NoError(t, err)
	assert.Equal(t, []imap.Flag{imap.FlagSeen}, m.Flags)
	m, err = c.FetchOne(ctx, 1, imap.FetchSize)
	require.Error(t, err)
	assert.EqualValues(t, 1, m.UID)
	require.Error(t, c.Delete(ctx, "a"))
	require.NoError(t, c.Noop(ctx))
}

// TestKnownBodyInWrongPlace: an unsolicited FETCH in between assigns a body to the wrong message.
func TestKnownBodyInWrongPlace(t *testing.T) {
	c := testkit.Selected(t, `
		C: $ FETCH 1:3 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 11 BODY[] {3}
		S: one)
		S: * 3 FETCH (FLAGS (\Seen))
		S: * 3 FETCH (UID 33 FLAGS (\Seen))
		S: * 2 FETCH (UID 22 BODY[] {3}
		S: two)
		S: * 5 FETCH (UID 55 BODY[] {4}
		S: five)
		S: * 3 FETCH (UID 33 BODY[] {5}
		S: three)
		S: $ OK
	`)
	got, err := imap.Collect(c.Fetch(testkit.Context(t), imap.SeqRange(1, 3), imap.Section{}))
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i, want := range []string{"one", "two", "three"} {
		assert.EqualValues(t, 11*(i+1), got[i].UID)
		assert.Equal(t, want, string(got[i].Section(imap.Section{})))
	}
	assert.Len(t, testkit.EventKinds(c), 3)
}

// TestKnownInjection: line breaks in the values of ID, in the names of sections and of quota roots inject commands.
func TestKnownInjection(t *testing.T) {
	c := testkit.DialScript(t, "* PREAUTH [CAPABILITY IMAP4rev1 ID QUOTA LITERAL+] hi", `
		C: $ SELECT a
		S: $ OK
		C: $ ID ("name" {12+}
		C: x
		C: A9 LOGOUT)
		S: $ OK
		C: $ GETQUOTA {12+}
		C: x
		C: A9 LOGOUT
		S: $ NO none
	`+testkit.OnlyNoop)
	ctx := testkit.Context(t)
	const evil = "x\r\nA9 LOGOUT"
	_, err := c.Select(ctx, "a", nil)
	require.NoError(t, err)
	_, err = c.ID(ctx, map[string]string{"name": evil[:11] + "T"})
	require.NoError(t, err)
	_, err = c.GetQuota(ctx, evil)
	require.Error(t, err)
	for _, s := range []imap.Section{
		{Specifier: evil}, {Specifier: "HEADER", Fields: []string{evil}}, {Specifier: "HEADER", NotFields: []string{"a", evil}},
	} {
		_, err := c.FetchOne(ctx, 1, s)
		require.Error(t, err)
		assert.True(t, imap.SafeToRetry(err))
		assert.NotContains(t, err.Error(), "LOGOUT")
	}
	testkit.RequireNothingSent(t, c)
}

// TestKnownLongSearchLine: 1,500 results in one line are cut at some length.
func TestKnownLongSearchLine(t *testing.T) {
	var line strings.Builder
	line.WriteString("* SEARCH")
	for i := range 1500 {
		fmt.Fprintf(&line, " %d", 4_000_000_000+2*uint32(i))
	}
	c := testkit.Selected(t, "\nC: $ UID SEARCH ALL\nS: "+line.String()+"\nS: $ OK\n")
	res, err := c.Search(testkit.Context(t), imap.Where(), nil)
	require.NoError(t, err)
	assert.Len(t, res.UIDs, 1500)
	assert.EqualValues(t, 1500, res.Count)
	assert.EqualValues(t, uint32(4_000_002_998), res.Max)
}

// TestKnownManyRecipients: an ENVELOPE with 2,000 recipients is cut, or takes forever.
func TestKnownManyRecipients(t *testing.T) {
	var to strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&to, `("Recipient number %d" NIL "someone%d" "example.org")`, i, i)
	}
	c := testkit.Selected(t, "\nC: $ UID FETCH 1 (UID ENVELOPE)\nS: * 1 FETCH (UID 1 ENVELOPE (NIL \"s\" NIL NIL NIL ("+to.String()+") NIL NIL NIL \"<id>\"))\nS: $ OK\n")
	m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchEnvelope)
	require.NoError(t, err)
	require.Len(t, m.Envelope.To, 2000)
	assert.Equal(t, "someone1999@example.org", m.Envelope.To[1999].Addr())
	assert.Equal(t, "<id>", m.Envelope.MessageID)
}

// TestKnownPlainExpunge: a fallback sends EXPUNGE or CLOSE, which would remove messages that others marked.
func TestKnownPlainExpunge(t *testing.T) {
	near, far := imaptest.Pipe()
	sent := imaptest.Record(near)
	h := &testkit.Peer{T: t, Conn: far}
	h.Init()
	go func() {
		h.Send("* PREAUTH [CAPABILITY IMAP4rev1] hi")
		h.OK()
	}()
	defer far.Close()
	ctx := testkit.Context(t)
	c, err := imap.NewClient(ctx, sent, nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	c.Move(ctx, imap.UIDs(1), "a")
	c.Move(ctx, imap.Seqs(1), "a")
	c.UIDExpunge(ctx, imap.UIDs(1))
	c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagDeleted), nil)
	c.Append(ctx, "a", imap.LiteralString("x"), nil)
	c.Unselect(ctx)
	c.Logout(ctx)
	assert.NotContains(t, string(sent.Sent()), "EXPUNGE")
	assert.NotContains(t, string(sent.Sent()), "CLOSE")
}

// failingReader fails after some bytes.
type failingReader struct {
	r   io.Reader
	err error
}

func (f failingReader) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

// TestKnownShortUpload: a reader that ends early or fails leaves a message padded, cut or mixed with the next command.
func TestKnownShortUpload(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, reader := range map[string]io.Reader{
		"empty":  strings.NewReader(""),
		"short":  strings.NewReader(strings.Repeat("x", 99_999)),
		"broken": failingReader{strings.NewReader("xxx"), broken},
	} {
		for _, size := range []int64{10, 100_000, 10 << 20} {
			if name == "short" && size < 100_000 {
				continue
			}
			near, far := imaptest.Pipe()
			sent := imaptest.Record(near)
			h := &testkit.Peer{T: t, Conn: far}
			h.Init()
			go func() {
				h.Send("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi")
				io.Copy(io.Discard, h.In)
			}()
			ctx := testkit.Context(t)
			c, err := imap.NewClient(ctx, sent, nil)
			require.NoError(t, err)
			_, err = c.Append(ctx, "a", imap.Literal{R: reader, Size: size}, nil)
			require.Error(t, err)
			if name == "broken" {
				assert.ErrorIs(t, err, broken)
			}
			assert.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
			_, body, _ := strings.Cut(string(sent.Sent()), "\r\n")
			assert.Less(t, int64(len(body)), size, "no whole message may leave")
			assert.Empty(t, strings.Trim(body, "x"), "nothing but the message may leave")
			far.Close()
			if seeker, ok := reader.(io.Seeker); ok {
				seeker.Seek(0, io.SeekStart)
			}
		}
	}
}

// TestKnownOneBadValue: a value that cannot be parsed affects only its own message, in whatever item it is.
func TestKnownOneBadValue(t *testing.T) {
	for _, bad := range []string{
		"RFC822.SIZE x", "RFC822.SIZE 99999999999999999999", "INTERNALDATE \"yesterday\"", "ENVELOPE bad", "ENVELOPE (((", "FLAGS (", "FLAGS )",
		"BODYSTRUCTURE (1 2 3)", "BODYSTRUCTURE " + strings.Repeat("(", 200), "BODY[99999999999] NIL", "UID 0", "", "(", "MODSEQ (x",
	} {
		c := testkit.Selected(t, "\nC: $ UID FETCH 1:3 (UID FLAGS RFC822.SIZE)\nS: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\nS: * 2 FETCH (UID 2 "+bad+
			")\nS: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 3)\nS: $ OK\n"+testkit.OnlyNoop)
		var whole []imap.UID
		for m, err := range c.Fetch(testkit.Context(t), imap.UIDRange(1, 3), imap.FetchFlags, imap.FetchSize) {
			require.NotNil(t, m, "%q: %v", bad, err)
			if err == nil && m.Size > 0 {
				whole = append(whole, m.UID)
			}
		}
		assert.Equal(t, []imap.UID{1, 3}, whole, "%q", bad)
		testkit.RequireNothingSent(t, c)
	}
}
