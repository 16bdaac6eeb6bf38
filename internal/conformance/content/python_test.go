package content_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// pythonMessage is what Python's email package sees in a message: see testdata/content/messages.py.
type pythonMessage struct {
	Case   string
	Raw    []byte
	Leaves []pythonLeaf
	Body   *struct{ Type, Text string }
}

type pythonLeaf struct {
	Type, Name, SHA256 string
	Size               int
	Text               *string
	Unknown, Multipart bool
	Defects            []string
}

// pythonMessages runs the script on the messages of the corpus and on those that it makes.
func pythonMessages(t *testing.T) []pythonMessage {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil && !realserver.Required() {
		t.Skip("python3 is not installed")
	}
	require.NoError(t, err)
	out, err := exec.Command(python, filepath.Join("testdata", "messages.py"), "500",
		filepath.Join("..", "..", "..", "testdata", "corpus", "mime", "messages.jsonl")).Output()
	require.NoError(t, err)
	var all []pythonMessage
	for lines := bufio.NewReader(bytes.NewReader(out)); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		var m pythonMessage
		require.NoError(t, json.Unmarshal(line, &m))
		all = append(all, m)
	}
}

// TestContentLikePython compares the parts, their names, their bytes and their text with what Python's email package finds.
func TestContentLikePython(t *testing.T) {
	messages := pythonMessages(t)
	for _, server := range []string{"imaptest", "dovecot"} {
		t.Run(server, func(t *testing.T) {
			ctx := t.Context()
			c := connect(t, server)
			for _, m := range messages {
				_, err := c.Append(ctx, "INBOX", imap.LiteralBytes(m.Raw), nil)
				require.NoError(t, err)
			}
			_, err := c.Examine(ctx, "INBOX", nil)
			require.NoError(t, err)
			var structures []*imap.BodyStructure
			for m, err := range c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchBodyStructure) {
				require.NoError(t, err)
				structures = append(structures, m.BodyStructure)
			}
			require.Len(t, structures, len(messages))
			same := 0
			for i, m := range messages {
				got := compareWithPython(t, c, imap.UID(i+1), structures[i], m)
				if len(got) == 0 {
					same++
				}
				if want := pythonDiffers[m.Case].on(server); strings.Join(got, ", ") != want {
					t.Errorf("%s: differs in %q, expected %q", m.Case, strings.Join(got, ", "), want)
				}
			}
			t.Logf("%d of %d messages are the same", same, len(messages))
		})
	}
}

// connect returns a client of a server, logged in.
func connect(t *testing.T, server string) *imap.Client {
	t.Helper()
	user, password := "user", "password"
	var conn net.Conn
	var err error
	if server == "imaptest" {
		conn = imaptest.New(t, nil).Dial()
	} else {
		s := realserver.Get(t, server)
		user, password, err = s.NewUser()
		require.NoError(t, err)
		conn, err = net.Dial("tcp", s.Addr)
		require.NoError(t, err)
	}
	c, err := imap.NewClient(t.Context(), conn, &imap.Options{AllowInsecureAuth: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(t.Context(), user, password))
	return c
}

// compareWithPython returns the differences of a message.
func compareWithPython(t *testing.T, c *imap.Client, uid imap.UID, b *imap.BodyStructure, want pythonMessage) (differs []string) {
	var leaves []*imap.BodyStructure
	var items []imap.FetchItem
	for part := range b.All() {
		if part.Type != "multipart" {
			leaves = append(leaves, part)
			items = append(items, part.Section())
		}
	}
	differ := func(what string) {
		for _, d := range differs {
			if d == what {
				return
			}
		}
		differs = append(differs, what)
	}
	if len(leaves) != len(want.Leaves) {
		return []string{"parts"}
	}
	var m *imap.Message
	if len(items) > 0 {
		var err error
		m, err = c.FetchOne(t.Context(), uid, items...)
		require.NoError(t, err)
	}
	for i, part := range leaves {
		leaf := want.Leaves[i]
		if part.MediaType() != leaf.Type {
			differ("type")
		}
		if part.Filename() != leaf.Name {
			differ("name")
		}
		if leaf.Multipart {
			continue
		}
		data, err := io.ReadAll(part.Decode(bytes.NewReader(m.Section(part.Section()))))
		if _, damaged := errors.AsType[*imap.DecodeError](err); err != nil && !damaged {
			t.Fatal(err)
		}
		if hash := sha256.Sum256(data); hex.EncodeToString(hash[:]) != leaf.SHA256 {
			differ("bytes")
		}
		if leaf.Text != nil {
			text, _ := io.ReadAll(part.DecodeText(bytes.NewReader(m.Section(part.Section()))))
			if plainLines(string(text)) != plainLines(*leaf.Text) {
				differ("text")
			}
		}
	}
	return append(differs, bodyDiffers(t, c, uid, want)...)
}

// bodyDiffers compares the text to be shown.
func bodyDiffers(t *testing.T, c *imap.Client, uid imap.UID, want pythonMessage) []string {
	for text, err := range c.FetchText(t.Context(), imap.UIDs(uid), nil) {
		require.NotNil(t, text, "%v", err)
		switch {
		case want.Body == nil && text.MediaType == "":
		case want.Body == nil:
			return []string{"a body here"}
		case text.MediaType == "":
			return []string{"no body here"}
		case text.MediaType != want.Body.Type:
			return []string{"another body"}
		case plainLines(text.Parts[0].Text) != plainLines(want.Body.Text):
			return []string{"text of the body"}
		}
	}
	return nil
}

// plainLines makes line ends comparable.
func plainLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// pythonDiffers are the messages that Python's email package reads differently, with the reason.
var pythonDiffers = map[string]difference{
	"body.9.txt": {"another body", "", "HTML comes first, and text behind it that is no alternative: Python prefers plain text of any part, " +
		"RFC 8621 section 4.1.4 the order of the parts, of which Text has the first and Parts all"},
	"empty-multipart.txt": {"parts", "", "a multipart without parts: servers make an empty part of it, of some type"},
	"feedback-report.txt": {"parts", "", "blanks in front of the first field: Python takes the message for its own body"},
	"issue358.txt":        {"parts", "", "a field name with a blank: Python takes the rest of the header for the body"},
	"message.14.msg":      {"bytes, text, text of the body", "", "blanks at the end of lines of quoted-printable: Python keeps them, RFC 2045 section 6.7 (3) does not"},
	"message.2.msg":       {"bytes, text, text of the body", "", "blanks at the end of lines of quoted-printable, as in message.14.msg"},
	"message.20.msg":      {"bytes, text", "", "blanks at the end of lines of quoted-printable, as in message.14.msg"},
	"message.18.msg":      {"a body here", "", "the message is another message: Python finds no body, here it is that of the other"},
	"message.29.msg":      {"bytes, text, a body here", "", "as message.14.msg and message.18.msg"},
	"message.21.msg":      {"parts", "", "a semicolon too many in front of the boundary: servers do not see it and take all for text"},
	"message.13.msg":      {"text, text of the body", "", "bytes above 127 in ISO-2022-JP: half-width katakana or UTF-8 here, as some programs send them, U+FFFD in Python"},
	"message.31.msg":      {"text, text of the body", "", "as message.13.msg"},
	"message.6.msg":       {"text, text of the body", "", "as message.13.msg"},
	"message.35.msg":      {"name", "", "a file name with a path: Filename returns what follows the last separator"},
	"message.34.msg":      {"bytes", "", "uuencoded: Python does not decode it, because some characters are no data"},
	"missing-subtype.txt": {"name", "type, name, no body here", "a Content-Type without a subtype: servers drop it or make one up"},
}

// difference describes the difference of a message on the in-memory server, and on Dovecot if that is another one.
type difference struct{ what, dovecot, why string }

func (d difference) on(server string) string {
	if server == "dovecot" && d.dovecot != "" {
		return d.dovecot
	}
	return d.what
}

func TestMain(m *testing.M) { realserver.Main(m) }
