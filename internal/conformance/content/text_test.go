package content_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	plainPart  = mimePart("Content-Type: text/plain", "plain")
	htmlPart   = mimePart("Content-Type: text/html", "<p>html")
	footerPart = mimePart("Content-Type: text/plain", "footer")
	pdfPart    = mimePart("Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64", "aGVsbG8=")
	imagePart  = mimePart("Content-Type: image/png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64", "aGVsbG8=")
	notesPart  = mimePart("Content-Type: text/plain; name=notes.txt", "notes")
	patchPart  = mimePart("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.patch", "patch")
	mailPart   = mimePart("Content-Type: message/rfc822", "Subject: inner\nContent-Type: text/plain\n\ninner\n")
)

// TestDecodedSize compares the size with that of the decoded data.
func TestDecodedSize(t *testing.T) {
	for n := range 400 {
		data := bytes.Repeat([]byte{'x'}, n)
		lines := base64.StdEncoding.EncodeToString(data)
		var b strings.Builder
		for len(lines) > 76 {
			b.WriteString(lines[:76] + "\r\n")
			lines = lines[76:]
		}
		for _, end := range []string{"", "\r\n"} {
			part := &imap.BodyStructure{Encoding: "base64", Size: int64(b.Len() + len(lines) + len(end))}
			got, _ := part.DecodedSize()
			if n == 0 && end != "" {
				continue // an empty line
			}
			assert.GreaterOrEqual(t, got, int64(n), n)
			assert.LessOrEqual(t, got, int64(n)+2, n)
		}
	}
	for _, tt := range []struct {
		encoding string
		want     int64
		exact    bool
	}{{"7bit", 99, true}, {"8BIT", 99, true}, {"", 99, true}, {"quoted-printable", 99, false}, {"x-other", 99, false}} {
		got, exact := (&imap.BodyStructure{Encoding: tt.encoding, Size: 99}).DecodedSize()
		assert.Equal(t, tt.want, got, tt.encoding)
		assert.Equal(t, tt.exact, exact, tt.encoding)
	}
}

// TestDecode decodes parts in memory.
func TestDecode(t *testing.T) {
	for _, tt := range []struct{ encoding, charset, in, want string }{
		{"quoted-printable", "iso-8859-1", "caf=E9", "café"},
		{"quoted-printable", "utf-8", "caf=C3=A9", "café"},
		{"quoted-printable", "utf-8", "caf=E9", "café"},
		{"quoted-printable", "", "caf=C3=A9 caf=E9", "café café"},
		{"8bit", "us-ascii", "caf\xc3\xa9", "café"},
		{"8bit", "x-what", "caf\xc3\xa9", "café"},
		{"8bit", "unknown-8bit", "caf\xc3\xa9", "café"},
		{"8bit", "ANSI_X3.4-1968", "caf\xc3\xa9", "café"},
		{"8bit", "'us-ascii';", "caf\xc3\xa9", "café"},
		{"8bit", "utf-8;", "caf\xe9", "café"},
		{"8bit", "x-utf-8", "caf\xe9", "café"},
		{"7bit", "iso-2022-jp", "\x1b$B$3$s\x1b(B", "こん"},
		{"base64", "gb2312", "xOO6ww==", "你好"},
		{"base64", "utf-16le", "YQDpAA==", "aé"},
		{"base64", "", "", ""},
		{"x-uuencode", "iso-8859-1", "begin 644 a.txt\r\n$8V%FZ0``\r\n`\r\nend\r\n", "café"},
	} {
		part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: tt.encoding, Params: []imap.Param{{Name: "charset", Value: tt.charset}}}
		got, err := io.ReadAll(part.DecodeText(strings.NewReader(tt.in)))
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(got), "%s %s", tt.encoding, tt.charset)
	}
	part := &imap.BodyStructure{Encoding: "base64"}
	got, err := io.ReadAll(part.Decode(strings.NewReader("aGVsb")))
	assert.Equal(t, "hel", string(got))
	damage, ok := errors.AsType[*imap.DecodeError](err)
	require.True(t, ok, "%v", err)
	assert.EqualValues(t, 5, damage.Offset)
	assert.Equal(t, "imap: base64: damaged at byte 5: the last group has a single character", err.Error())
	var out bytes.Buffer
	n, err := part.Decode(strings.NewReader("aGVsb")).(io.WriterTo).WriteTo(&out)
	assert.EqualValues(t, 3, n)
	require.ErrorAs(t, err, &damage)
}

// TestDecodeUndeclared decodes texts whose character set has to be found in their bytes, wherever they are split.
func TestDecodeUndeclared(t *testing.T) {
	const meta = "<html><head><META http-equiv=\"Content-Type\" content=\"text/html; charset=GB2312\"></head>"
	for _, tt := range []struct{ why, subtype, charset, in, want string }{
		{"ISO-2022-JP without a declaration, by Outlook", "plain", "", "a \x1b$B%F%9%H\x1b(B b\r\n\x1b$B%F\x1b(B", "a テスト b\r\nテ"},
		{"ISO-2022-JP as ASCII", "html", "us-ascii", "\x1b$B%F%9%H\x1b(B", "テスト"},
		{"ISO-2022-JP in UTF-8", "plain", "utf-8", "naïve \x1b(Jgrüße \x1b$B%F%9%H\x1b(B\r\nnächste", "naïve grüße テスト\r\nnächste"},
		{"other escapes", "plain", "", "\x1b[31mü\x1b", "\x1b[31mü\x1b"},
		{"a meta element", "html", "", meta + "\xc4\xe3\xba\xc3", meta + "你好"},
		{"the short form", "html", "", "<meta charset='koi8-r'>\xd4\xc5", "<meta charset='koi8-r'>те"},
		{"a meta element beside us-ascii", "html", "us-ascii", meta + "\xc4\xe3\xba\xc3", meta + "你好"},
		{"a meta element beside another", "html", "utf-8", meta + "ü", meta + "ü"},
		{"in plain text", "plain", "", meta + "ü", meta + "ü"},
		{"UTF-8 in a page that was made for another one", "html", "", "<meta charset=iso-8859-1>grüße", "<meta charset=iso-8859-1>grüße"},
		{"UTF-16, which it cannot be", "html", "", "<meta charset=utf-16>ü", "<meta charset=utf-16>ü"},
		{"an unknown one", "html", "", "<meta charset=x-what><meta name=a>ü", "<meta charset=x-what><meta name=a>ü"},
		{"too late", "html", "", strings.Repeat(" ", 1024) + meta + "ü", strings.Repeat(" ", 1024) + meta + "ü"},
		{"nothing", "html", "", "", ""},
	} {
		part := &imap.BodyStructure{Type: "text", Subtype: tt.subtype, Encoding: "8bit", Params: []imap.Param{{Name: "charset", Value: tt.charset}}}
		for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
			got, err := io.ReadAll(part.DecodeText(r))
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(got), tt.why)
		}
		part.Encoding = "base64"
		_, err := io.ReadAll(part.DecodeText(strings.NewReader("aGVsb")))
		require.Error(t, err, "damage is reported")

		c, _ := testkit.InMemory(t)
		charset := ""
		if tt.charset != "" {
			charset = "; charset=" + tt.charset
		}
		testkit.Deliver(t, c, "Content-Type: text/"+tt.subtype+charset+"\r\n\r\n"+tt.in)
		for m, err := range c.FetchText(testkit.Context(t), imap.SeqRange(1, 0), nil) {
			require.NoError(t, err)
			assert.Equal(t, strings.ReplaceAll(tt.want, "\r\n", "\n"), m.Text, tt.why)
		}
	}
}

// TestDecodeTextKeepsErrors: an error that the reader returns only once is returned, wherever it is.
func TestDecodeTextKeepsErrors(t *testing.T) {
	for _, subtype := range []string{"plain", "html"} {
		for _, size := range []int{0, 10, 1023, 1024, 1025, 9000} {
			broken := errors.New("broken")
			r := &breaksOnce{text: strings.NewReader(strings.Repeat("x", size)), err: broken}
			part := &imap.BodyStructure{Type: "text", Subtype: subtype, Encoding: "8bit"}
			got, err := io.ReadAll(part.DecodeText(r))
			assert.ErrorIs(t, err, broken, "%s of %d bytes", subtype, size)
			assert.Len(t, got, size)
		}
	}
}

// breaksOnce returns an error after its text, and then io.EOF.
type breaksOnce struct {
	text io.Reader
	err  error
}

func (b *breaksOnce) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if err != nil {
		err, b.err = b.err, io.EOF
	}
	return n, err
}

// TestDecodedBody decodes a part while it streams, where the server decodes it and where it does not.
func TestDecodedBody(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		want := strings.Repeat("0123456789abcdef\n", 20_000)
		lines := base64.StdEncoding.EncodeToString([]byte(want))
		var b strings.Builder
		for len(lines) > 76 {
			b.WriteString(lines[:76] + "\r\n")
			lines = lines[76:]
		}
		b.WriteString(lines)
		file := "Content-Type: application/x-log\r\nContent-Disposition: attachment; filename=\"=?utf-8?q?b=C3=BCcher?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b.String()
		structure := structureOf(t, c, "Subject: a file\r\nMIME-Version: 1.0\r\n"+mimeMulti("mixed", "", plainPart, file))
		part := structure.Attachments()[0]
		assert.Equal(t, "bücher", part.Filename())
		sections := []imap.Section{part.Section()}
		if c.Caps().Has("BINARY") {
			s := part.Section()
			s.Binary = true
			sections = append(sections, s)
		}
		for _, s := range sections {
			var out bytes.Buffer
			for m, err := range c.FetchStream(testkit.Context(t), imap.SeqRange(0, 0), s) {
				require.NoError(t, err)
				for body, err := range m.Bodies() {
					require.NoError(t, err)
					_, err = io.Copy(&out, body.Decoded(part))
					require.NoError(t, err)
				}
			}
			assert.True(t, want == out.String(), "binary: %v", s.Binary)
		}
	})
}

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
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		var all []string
		for _, m := range messages {
			all = append(all, "From: a@example.org\r\nMIME-Version: 1.0\r\n"+m.message)
		}
		testkit.Deliver(t, c, all...)
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
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		testkit.Open(t, c, "INBOX")
		for _, set := range []imap.NumSet{imap.UIDs(), imap.UIDs(7), imap.UIDRange(1, 0), imap.SeqRange(1, 0), imap.Seqs(3), imap.UIDRange(5, 5000)} {
			got, err := imap.Collect(c.FetchText(testkit.Context(t), set, nil))
			require.NoError(t, err, "%v", set)
			assert.Empty(t, got, "%v", set)
		}
	})
}

// TestFetchTextLeftOut: a text or structure that the server leaves out is an error with its message, unless that was removed;
// NIL is an empty text.
func TestFetchTextLeftOut(t *testing.T) {
	const structure = ` BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1))`
	structures := "C: $ UID FETCH 1:2 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 1" + structure + "\nS: * 2 FETCH (UID 2" + structure + "\nS: $ OK done\n" +
		"C: $ UID FETCH 1:2 (UID BODY.PEEK[1]<0.262148>)\n"
	const second, asked = "S: * 2 FETCH (UID 2 BODY[1]<0> \"hello\")\nS: $ OK done\n", "C: $ UID SEARCH UID 1\n"
	for name, test := range map[string]struct {
		script  string
		want    []imap.UID
		leftOut bool
	}{
		"no row":                 {structures + second + asked + "S: * SEARCH 1\nS: $ OK done\n", []imap.UID{1, 2}, true},
		"a row without the text": {structures + "S: * 1 FETCH (UID 1)\n" + second + asked + "S: * SEARCH 1\nS: $ OK done\n", []imap.UID{1, 2}, true},
		"news":                   {structures + "S: * 1 FETCH (UID 1 FLAGS ())\n" + second + asked + "S: * SEARCH 1\nS: $ OK done\n", []imap.UID{1, 2}, true},
		"NIL":                    {structures + "S: * 1 FETCH (UID 1 BODY[1]<0> NIL)\n" + second, []imap.UID{1, 2}, false},
		"removed":                {structures + second + asked + "S: * SEARCH\nS: $ OK done\n", []imap.UID{2}, false},
		"a row without the structure": {"C: $ UID FETCH 1:2 (UID BODYSTRUCTURE)\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2" + structure + "\nS: $ OK done\n" +
			"C: $ UID FETCH 2 (UID BODY.PEEK[1]<0.262148>)\n" + second + asked + "S: * SEARCH 1\nS: $ OK done\n", []imap.UID{1, 2}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Selected(t, test.script)
			var got []imap.UID
			for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 2), nil) {
				require.NotNil(t, m, "%v", err)
				got = append(got, m.Message.UID)
				if m.Message.UID == 1 && test.leftOut {
					assert.ErrorContains(t, err, "did not send")
					continue
				}
				assert.NoError(t, err)
			}
			assert.ElementsMatch(t, test.want, got)
		})
	}
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
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		testkit.Deliver(t, c,
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
	c, _ := testkit.InMemory(t)
	messages := make([]string, 250)
	for i := range messages {
		messages[i] = fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", i, i+1)
	}
	testkit.Deliver(t, c, messages...)
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
C: $ UID SEARCH UID 2
S: * SEARCH
S: $ OK done
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

// fetchedWith is what a client with options makes of the data of a message.
func fetchedWith(t *testing.T, opts *imap.Options, data string) *imap.Message {
	t.Helper()
	c := testkit.FollowWith(t, opts, "S: * PREAUTH [CAPABILITY IMAP4rev1] hello\nC: $ SELECT INBOX\nS: * 1 EXISTS\nS: $ OK done\n"+
		testkit.Answering("UID FETCH 1 (UID)", "* 1 FETCH (UID 1 "+data+")"))
	_, err := c.Select(testkit.Context(t), "INBOX", nil)
	require.NoError(t, err)
	m, err := c.FetchOne(testkit.Context(t), 1)
	require.NoError(t, err)
	return m
}

func literalOf(s string) string { return "{" + strconv.Itoa(len(s)) + "}\r\n" + s }

func TestEnvelopeRaw(t *testing.T) {
	env := fetchedWith(t, nil, `ENVELOPE ("Thur, 5 Feb 26 9:00" "=?utf-8?Q?=C3=BC?=" (("=?utf-8?Q?=C3=A4?=" NIL "a" "b")("plain" NIL "c" "d")) NIL ((NIL NIL "e" "f")) `+
		`((NIL NIL "group" NIL)("=?utf-8?Q?=C3=B6?=" NIL "g" "h")(NIL NIL NIL NIL)) NIL NIL NIL "<i@h>")`).Envelope
	assert.Equal(t, "ü", env.Subject)
	assert.Equal(t, []imap.Address{{Name: "ä", Mailbox: "a", Host: "b"}, {Name: "plain", Mailbox: "c", Host: "d"}}, env.From)
	assert.True(t, time.Date(2026, 2, 5, 9, 0, 0, 0, time.UTC).Equal(env.Date), "%v", env.Date)
	assert.Equal(t, "Thur, 5 Feb 26 9:00", env.DateText)
	assert.Equal(t, imap.RawEnvelope{Date: "Thur, 5 Feb 26 9:00", Subject: "=?utf-8?Q?=C3=BC?=", From: []string{"=?utf-8?Q?=C3=A4?=", "plain"}, ReplyTo: []string{""},
		To: []string{"", "=?utf-8?Q?=C3=B6?=", ""}}, env.Raw())

	env = fetchedWith(t, nil, `ENVELOPE ("soon" "plain" (("n" NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL)`).Envelope
	assert.True(t, env.Date.IsZero())
	assert.Equal(t, imap.RawEnvelope{Date: "soon", Subject: "plain", From: []string{"n"}}, env.Raw(), "where nothing was decoded")
	assert.Equal(t, imap.RawEnvelope{Subject: "s"}, (&imap.Envelope{Subject: "s"}).Raw(), "of an envelope that a program made")
}

// The bytes of a guess can be had again: from Raw, from Param.Value and Description, and from the guess.
func TestBytesSurvive(t *testing.T) {
	raw := "\x8f\x88\xcf\xc8\x81\x8d\x90\x9d.xlsx"
	env := fetchedWith(t, nil, `ENVELOPE (NIL `+literalOf(raw)+` ((`+literalOf(raw)+` NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL)`).Envelope
	assert.Equal(t, raw, env.Raw().Subject)
	assert.Equal(t, []string{raw}, env.Raw().From)
	assert.NotContains(t, env.Subject+env.From[0].Name, "\uFFFD")
	b := fetchedWith(t, nil, `BODYSTRUCTURE ("application" "x" ("name" `+literalOf(raw)+`) NIL `+literalOf(raw)+` "base64" 9 NIL ("attachment" ("filename" `+literalOf(raw)+`)))`).BodyStructure
	assert.Equal(t, []imap.Param{{Name: "name", Value: raw}}, b.Params)
	assert.Equal(t, []imap.Param{{Name: "filename", Value: raw}}, b.DispositionParams)
	assert.Equal(t, raw, b.Description)
	for _, text := range []string{b.Filename(), b.Param("name"), b.Param("NAME"), b.DispositionParam("FileName"), imap.DecodeText(b.Description)} {
		assert.Equal(t, "\u008fˆÏÈ\u0081\u008d\u0090\u009d.xlsx", text)
	}
}

func TestFallbackCharset(t *testing.T) {
	const data = "ENVELOPE (NIL \"\xc4\xe3\xba\xc3\" ((\"\xc4\xe3\" NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL NIL) " +
		"BODYSTRUCTURE (\"application\" \"x\" (\"name\" \"\xba\xc3\") NIL NIL \"base64\" 9 NIL (\"attachment\" (\"filename*\" \"''%C4%E3.txt\")))"
	m := fetchedWith(t, &imap.Options{FallbackCharset: "GB2312"}, data)
	assert.Equal(t, "你好", m.Envelope.Subject)
	assert.Equal(t, "你", m.Envelope.From[0].Name)
	assert.Equal(t, "你.txt", m.BodyStructure.Filename())
	assert.Equal(t, "好", m.BodyStructure.Param("name"))
	assert.Equal(t, "Äãº\u00c3", fetchedWith(t, nil, data).Envelope.Subject, "without it")

	for charset, body := range map[string]string{"": "\xc4\xe3", "us-ascii": "\xc4\xe3", "utf-8": "\xc4\xe3", "gbk": "\xc4\xe3", "x-none": "\xc4\xe3", "UTF-8": "你", "big5": "\xa7A"} {
		script := "S: * PREAUTH [CAPABILITY IMAP4rev1] hello\nC: $ SELECT INBOX\nS: * 1 EXISTS\nS: $ OK done\n" +
			testkit.Answering("UID FETCH 1 (UID BODYSTRUCTURE)", `* 1 FETCH (UID 1 BODYSTRUCTURE ("text" "plain" ("charset" "`+charset+`") NIL NIL "8bit" 3 1))`) +
			testkit.Answering("UID FETCH 1 (UID BODY.PEEK[1]<0.262148>)", "* 1 FETCH (UID 1 BODY[1]<0> "+literalOf(body)+")")
		c := testkit.FollowWith(t, &imap.Options{FallbackCharset: "GB2312"}, script)
		_, err := c.Select(testkit.Context(t), "INBOX", nil)
		require.NoError(t, err)
		texts, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDs(1), nil))
		require.NoError(t, err)
		require.Len(t, texts, 1)
		assert.Equal(t, "你", texts[0].Text, charset)
	}

	near, far := imaptest.Pipe()
	defer far.Close()
	_, err := imap.NewClient(testkit.Context(t), near, &imap.Options{FallbackCharset: "secret-8"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "FallbackCharset")
	assert.NotContains(t, err.Error(), "secret")
	assert.True(t, imap.SafeToRetry(err), "nothing was sent")
	_, err = near.Write([]byte("x"))
	assert.Error(t, err, "the connection is closed")
}

// A subject, a name and a file name can be written into a log or a header.
func TestTextHoldsNoLineEnd(t *testing.T) {
	for _, in := range []string{"a\r\nBcc: b", "a\nb", "a\rb", "a\r\n b", "=?utf-8?Q?a=0D=0ABcc:_b?=", "a\x00b", "=?utf-8?B?DQo=?=", "a\u2028b\u0085c"} {
		m := fetchedWith(t, &imap.Options{Logger: slog.New(slog.DiscardHandler)}, "ENVELOPE (NIL "+literalOf(in)+" (("+literalOf(in)+` NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL) `+
			`BODYSTRUCTURE ("application" "x" NIL NIL NIL "base64" 9 NIL ("attachment" ("filename" `+literalOf(in)+`)))`)
		for _, text := range []string{m.Envelope.Subject, m.Envelope.From[0].Name, m.BodyStructure.Filename(), m.BodyStructure.SafeFilename()} {
			assert.False(t, strings.ContainsAny(text, "\r\n\x00\u2028\u0085"), "%q: %q", in, text)
		}
	}
}

func TestFilenameIsNoPath(t *testing.T) {
	for in, want := range map[string][3]string{
		`../../etc/passwd`:       {"passwd", "passwd.pdf", "../../etc/passwd"},
		`C:\Users\me\a.pdf`:      {"a.pdf", "a.pdf", `C:\Users\me\a.pdf`},
		`.profile`:               {".profile", "profile.pdf", ".profile"},
		`..`:                     {"", "attachment.pdf", ".."},
		`=?utf-8?Q?=2E=2E=2Fa?=`: {"a", "a.pdf", "../a"},
		`nul`:                    {"nul", "_nul.pdf", "nul"},
		`nul.txt`:                {"nul.txt", "_nul.txt", "nul.txt"},
	} {
		b := &imap.BodyStructure{Type: "application", Subtype: "pdf", DispositionParams: []imap.Param{{Name: "filename", Value: in}}}
		assert.Equal(t, want, [3]string{b.Filename(), b.SafeFilename(), b.DispositionParam("filename")}, in)
	}
	b := &imap.BodyStructure{Type: "image", Subtype: "png", DispositionParams: []imap.Param{{Name: "filename", Value: "dir/"}}, Params: []imap.Param{{Name: "name", Value: "a/b.png"}}}
	assert.Equal(t, "b.png", b.Filename(), "the name of the media type where the other is none")
	b = &imap.BodyStructure{Type: "image", Subtype: "png", Params: []imap.Param{{Name: "filename", Value: "a.png"}}}
	assert.Equal(t, "a.png", b.Filename(), "the parameter of the disposition in the media type")
	b.DispositionParams = []imap.Param{{Name: "name", Value: "b.png"}}
	assert.Equal(t, "b.png", b.Filename(), "the parameter of the media type in the disposition")
	b.Params = []imap.Param{{Name: "name", Value: "c.png"}}
	assert.Equal(t, "c.png", b.Filename(), "a parameter in its place")
}

// FuzzHeaderValues reads header values of any kind: nothing panics, and nothing comes out that was not in.
func FuzzHeaderValues(f *testing.F) {
	for _, s := range []string{
		"", "Re: [list] Lunch (fwd)", "[Fwd: [x] y]", `"Lovelace, Ada" <ada@example.org>, b@c (d)`, "Team: a@b, c@d;", "<@a,@b:c@d>", `"\`, "(((", "=?utf-8?q?a?= <a@b>",
		"Re: Re[2]: Fwd : [a] [b]", "İİİ", "re\u0130: x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base := imap.BaseSubject(s)
		if len(base) > len(s) {
			t.Fatalf("%q became %q", s, base)
		}
		if again := imap.BaseSubject(base); len(again) > len(base) {
			t.Fatalf("%q became %q", base, again)
		}
		for _, a := range imap.ParseAddressList(s) {
			if a.Mailbox == "" && a.Host == "" || len(a.Mailbox)+len(a.Host) > len(s) {
				t.Fatalf("%q gave %+v", s, a)
			}
		}
		if l := imap.LiteralText([]byte(s)); l.Size < int64(len(s)) || l.Size > int64(2*len(s)+2) {
			t.Fatalf("%q has %d bytes", s, l.Size)
		}
		m := &imap.Message{UID: 1, Envelope: &imap.Envelope{Subject: s, MessageID: s, InReplyTo: s}}
		if _, err := imap.ThreadMessages[imap.UID]([]*imap.Message{m, m, m}, "REFERENCES"); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecodeText decodes parts of text: what comes out is UTF-8 whatever went in, and long input gives no more than its share.
func FuzzDecodeText(f *testing.F) {
	f.Add("base64", "utf-8", "aGVsbG8=")
	f.Add("quoted-printable", "iso-2022-jp", "=1B$B$3=1B(B")
	f.Add("8bit", "", "caf\xe9")
	f.Add("x-uuencode", "utf-7", "begin 644 a\n#86)C\nend\n")
	f.Fuzz(func(t *testing.T, encoding, charset, in string) {
		part := &imap.BodyStructure{Type: "text", Subtype: "plain", Encoding: encoding, Params: []imap.Param{{Name: "charset", Value: charset}}}
		var out strings.Builder
		buf := make([]byte, 7)
		r := part.DecodeText(strings.NewReader(in))
		for {
			n, err := r.Read(buf)
			out.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if !utf8.ValidString(out.String()) {
			t.Fatalf("%q in %s and %s gave %q", in, encoding, charset, out.String())
		}
		if out.Len() > 8*len(in)+64 {
			t.Fatalf("%d bytes of %d", out.Len(), len(in))
		}
	})
}

// TestTextOfMessagesInParts: FetchText yields each message once and complete, even if the server sends the flags of all
// messages before their structures.
func TestTextOfMessagesInParts(t *testing.T) {
	const most = 20
	flags, rest, texts := "", "", ""
	for i := 1; i <= most; i++ {
		flags += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i, i)
		rest += fmt.Sprintf("S: * %d FETCH (UID %d BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1))\n", i, i)
		texts += fmt.Sprintf("S: * %d FETCH (UID %d BODY[1]<0> \"hello\")\n", i, i)
	}
	c := testkit.Offering(t, "", fmt.Sprintf("C: $ SELECT INBOX\nS: * %d EXISTS\nS: $ OK done\n", most)+
		"C: $ UID FETCH 1:20 (UID BODYSTRUCTURE FLAGS)\n"+flags+rest+"S: $ OK done\n"+
		"C: $ UID FETCH 1:20 (UID BODY.PEEK[1]<0.262148>)\n"+texts+"S: $ OK done\n")
	testkit.Open(t, c, "INBOX")
	got, err := imap.Collect(c.FetchText(testkit.Context(t), imap.UIDRange(1, most), &imap.TextOptions{Items: []imap.FetchItem{imap.FetchFlags}}))
	require.NoError(t, err)
	require.Len(t, got, most)
	for _, text := range got {
		assert.Equal(t, "hello", text.Text)
		assert.Equal(t, []imap.Flag{imap.FlagSeen}, text.Message.Flags)
	}
}

// TestPreviews has a preview of each message, also where the server has none.
func TestPreviews(t *testing.T) {
	testkit.Everywhere(t, func(t *testing.T, c *imap.Client) {
		testkit.Deliver(t, c,
			"Subject: a\r\n\r\nHello,\r\n  world\r\n> quoted\r\nagain\r\n-- \r\nsignature\r\n",
			"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<html><head><title>T</title><STYLE>p{x}</STYLE></head><body><!-- c --><p>Fish &amp; <b>chi</b>ps</p><p>now</body></html>\r\n",
			"Subject: c\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
		got, err := imap.Collect(c.Previews(testkit.Context(t), imap.SeqRange(1, 0), imap.FetchEnvelope))
		require.NoError(t, err)
		require.Len(t, got, 3)
		assert.Contains(t, got[0].Preview, "Hello, world")
		if !c.Caps().Has("PREVIEW") { // else the server made it
			assert.Equal(t, "Hello, world again", got[0].Preview)
			assert.Equal(t, "Fish & chips now", got[1].Preview)
		}
		assert.Empty(t, got[2].Preview)
		assert.Equal(t, "c", got[2].Envelope.Subject)
	})
}

// TestTextOfHiddenUID: a message whose UID cannot be parsed is yielded with the error, and no text of another is fetched for it.
func TestTextOfHiddenUID(t *testing.T) {
	const structure = `BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)`
	c := testkit.Selected(t, testkit.Answering("UID FETCH 1:2 (UID BODYSTRUCTURE)",
		"* 1 FETCH ("+structure+" FOO (( UID 1 X 5)", "* 2 FETCH (UID 2 "+structure+")")+
		testkit.Answering("UID FETCH 2 (UID BODY.PEEK[1]<0.262148>)", "* 2 FETCH (UID 2 BODY[1]<0> two)"))
	var got []string
	for m, err := range c.FetchText(testkit.Context(t), imap.UIDRange(1, 2), nil) {
		require.NotNil(t, m, "%v", err)
		got = append(got, fmt.Sprint(m.Message.SeqNum, m.Text, err != nil))
	}
	assert.Equal(t, []string{"1true", "2twofalse"}, got)
}

// TestTextWithoutLimit: a huge TextOptions.MaxBytes means no limit. No number that a server of IMAP4rev1 refuses, nor a negative
// one, is made of it.
func TestTextWithoutLimit(t *testing.T) {
	for _, most := range []int{math.MaxInt, math.MaxInt - 4, math.MaxInt / 2, math.MaxInt32} {
		for _, enc := range []string{"7BIT", "QUOTED-PRINTABLE", "BASE64"} {
			c := testkit.DialPeer(t, nil, func(h *testkit.Peer) {
				tag := h.Line("")
				h.Send("* 1 FETCH (UID 1 BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"%s\" 4 1))\r\n%s OK done", enc, tag)
				tag = h.Line("")
				origin := ""
				if _, rest, ok := strings.Cut(h.Last, "<0."); ok {
					n, _, _ := strings.Cut(rest, ">")
					_, err := strconv.ParseUint(n, 10, 32)
					assert.NoError(t, err, h.Last)
					origin = "<0>"
				}
				h.Send("* 1 FETCH (UID 1 BODY[1]%s {4}\r\nabcd)\r\n%s OK done", origin, tag)
				h.Drain()
			})
			all, err := imap.Collect(c.FetchText(t.Context(), imap.UIDs(1), &imap.TextOptions{MaxBytes: most}))
			require.NoError(t, err, enc)
			require.Len(t, all, 1)
			assert.NotEmpty(t, all[0].Text, enc)
			assert.False(t, all[0].Truncated, enc)
		}
	}
}
