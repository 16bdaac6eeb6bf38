package imap_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// textOf is the text of a message, with its media type in front.
// Servers differ in whether an
// empty line before a boundary belongs to the part.
func textOf(m *imap.MessageText) string { return m.MediaType + ": " + strings.TrimSpace(m.Text) }

// TestFetchText reads the text of messages of many kinds on every server.
func TestFetchText(t *testing.T) {
	messages := []struct{ name, message, want, html string }{
		{"plain", "Subject: a\r\n" + plainPart + "\r\n", "text/plain: plain", ""},
		{"both forms", mimeMulti("alternative", "", plainPart, htmlPart), "text/plain: plain", "text/html: <p>html"},
		{"HTML", htmlPart, "text/html: <p>html", "text/html: <p>html"},
		{"latin1", mimePart("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable", "caf=E9 =\nol=e9\n"), "text/plain: café olé", ""},
		{"base64", mimePart("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "Y2Fmw6kK\n"), "text/plain: café", ""},
		{"parts", mimeMulti("mixed", "", plainPart, pdfPart, footerPart), "text/plain: plain\nfooter", ""},
		{"a file alone", pdfPart, ": ", ""},
		{"forwarded", mimeMulti("mixed", "", plainPart, mailPart), "text/plain: plain", ""},
		{"empty", "Subject: nothing\r\nContent-Type: text/plain\r\n\r\n", "text/plain: ", ""},
	}
	everywhere(t, func(t *testing.T, c *imap.Client) {
		var all []string
		for _, m := range messages {
			all = append(all, "From: a@example.org\r\nMIME-Version: 1.0\r\n"+m.message)
		}
		deliver(t, c, all...)
		got, err := imap.Collect(c.FetchText(testkit.Context(t), imap.SeqRange(1, 0), &imap.TextOptions{Items: []imap.FetchItem{imap.FetchEnvelope}}))
		require.NoError(t, err)
		require.Len(t, got, len(messages))
		for i, m := range got {
			assert.Equal(t, messages[i].want, textOf(m), messages[i].name)
			assert.EqualValues(t, i+1, m.Message.UID)
			assert.Equal(t, "a", m.Message.Envelope.From[0].Mailbox)
			assert.False(t, m.Truncated)
		}
		for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 20), &imap.TextOptions{HTML: true}) {
			require.NoError(t, err)
			if want := messages[m.Message.UID-1].html; want != "" {
				assert.Equal(t, want, textOf(m))
			}
			_, err := c.Store(testkit.Context(t), imap.UIDs(m.Message.UID), imap.AddFlags(imap.FlagFlagged), nil)
			require.NoError(t, err, "a command inside the loop")
		}
		forwarded, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(8), &imap.TextOptions{Forwarded: true}))
		require.NoError(t, err)
		require.Len(t, forwarded, 1)
		assert.Equal(t, "text/plain: plain\ninner", textOf(forwarded[0]))
		unseen, err := c.Search(testkit.Context(t), imap.Where().Seen(), nil)
		require.NoError(t, err)
		assert.Empty(t, unseen.UIDs, "nothing is marked as seen")
	})
}

// TestFetchTextNothing has no messages to fetch.
func TestFetchTextNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, c *imap.Client) {
		open(t, c, "INBOX")
		for _, set := range []imap.NumSet{imap.UIDs(), imap.UIDs(7), imap.UIDRange(1, 0), imap.SeqRange(1, 0), imap.Seqs(3), imap.UIDRange(5, 5000)} {
			got, err := imap.Collect(c.FetchText(testkit.Context(t), set, nil))
			require.NoError(t, err, "%v", set)
			assert.Empty(t, got, "%v", set)
		}
	})
}

// TestFetchTextBounded cuts long texts between two characters, whatever their encoding.
func TestFetchTextBounded(t *testing.T) {
	text := strings.Repeat("Grüße, 世界. ", 400)
	wrapped := func(s string) string {
		var b strings.Builder
		for len(s) > 76 {
			b.WriteString(s[:76] + "\r\n")
			s = s[76:]
		}
		return b.String() + s + "\r\n"
	}
	var qp strings.Builder
	for i, c := range []byte(text) {
		if fmt.Fprintf(&qp, "=%02X", c); i%20 == 19 {
			qp.WriteString("=\r\n")
		}
	}
	const head = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
	everywhere(t, func(t *testing.T, c *imap.Client) {
		deliver(t, c,
			head+"base64\r\n\r\n"+wrapped(base64.StdEncoding.EncodeToString([]byte(text))),
			head+"quoted-printable\r\n\r\n"+qp.String()+"\r\n",
			head+"8bit\r\n\r\n"+text+"\r\n")
		for max := 1; max < 60; max++ {
			for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 3), &imap.TextOptions{MaxBytes: max}) {
				require.NoError(t, err)
				assert.True(t, m.Truncated)
				assert.LessOrEqual(t, len(m.Text), max)
				assert.Greater(t, len(m.Text), max-4)
				require.True(t, utf8.ValidString(m.Text))
				require.True(t, strings.HasPrefix(text, m.Text), "%d: %q", max, m.Text)
			}
		}
		for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 3), nil) {
			require.NoError(t, err)
			assert.False(t, m.Truncated)
			assert.Equal(t, strings.TrimSpace(text), strings.TrimSpace(m.Text))
		}
	})
}

// TestFetchTextBatches costs as few commands as are needed: for messages of one kind, two for each hundred.
func TestFetchTextBatches(t *testing.T) {
	c, _ := inMemory(t)
	messages := make([]string, 250)
	for i := range messages {
		messages[i] = fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", i, i+1)
	}
	deliver(t, c, messages...)
	seen := 0
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 0), nil) {
		require.NoError(t, err)
		seen++
		require.Equal(t, fmt.Sprintf("%d\n", seen), m.Text)
	}
	require.Equal(t, 250, seen)
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 0), nil) {
		require.NoError(t, err)
		require.NotNil(t, m)
		break
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
}

// TestFetchTextCommands shows what is sent: structures, then the same sections of all messages that have the same.
func TestFetchTextCommands(t *testing.T) {
	const one = `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)`
	c := testkit.Offering(t, "BINARY", `
C: $ EXAMINE INBOX
S: * 4 EXISTS
S: $ OK [READ-ONLY] done
C: $ UID FETCH 1:4 (UID BODYSTRUCTURE)
S: * 1 FETCH (UID 1 BODYSTRUCTURE `+one+`)
S: * 2 FETCH (UID 2 BODYSTRUCTURE (`+one+`("TEXT" "HTML" NIL NIL NIL "7BIT" 5 1) "ALTERNATIVE"))
S: * 3 FETCH (UID 3 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "BASE64" 8 1))
S: * 4 FETCH (UID 4 BODYSTRUCTURE ("APPLICATION" "PDF" NIL NIL NIL "BASE64" 8))
S: $ OK done
C: $ UID FETCH 1:2 (UID BODY.PEEK[1]<0.262148>)
C: $ UID FETCH 3 (UID BINARY.PEEK[1]<0.262148>)
S: * 1 FETCH (UID 1 BODY[1]<0> "hello")
S: * 2 FETCH (UID 2 BODY[1]<0> "world")
S: $3 OK done
S: $4 NO [UNKNOWN-CTE] cannot decode
C: $ UID FETCH 3 (UID BODY.PEEK[1]<0.262152>)
S: * 3 FETCH (UID 3 BODY[1]<0> "Ynl0ZXMhx")
S: $ OK done
C: $ UID FETCH 1 (UID BODYSTRUCTURE)
S: * 1 FETCH (UID 1 BODYSTRUCTURE `+one+`)
S: $ OK done
C: $ UID FETCH 1 (UID BODY.PEEK[1]<0.262148>)
S: $ NO out of order
C: $ UID FETCH 2 (UID BODYSTRUCTURE)
S: * 2 FETCH (UID 2 BODYSTRUCTURE `+one+`)
S: $ OK done
C: $ UID FETCH 2 (UID BODY.PEEK[1]<0.262148>)
S: $ OK it has gone
`)
	_, err := c.Examine(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	var got []string
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 4), nil) {
		require.NotNil(t, m, "%v", err)
		if m.Message.UID == 3 {
			require.ErrorAs(t, err, new(*imap.DecodeError))
		} else {
			require.NoError(t, err)
		}
		got = append(got, textOf(m))
	}
	assert.Equal(t, []string{"text/plain: hello", "text/plain: world", "text/plain: bytes!", ": "}, got)
	_, err = imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(1), nil))
	require.ErrorContains(t, err, "out of order")
	none, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(2), nil))
	require.NoError(t, err)
	assert.Empty(t, none)
}
