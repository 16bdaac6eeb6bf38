package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

// content reads the files of a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(b)
	}
	return files
}

func TestSample(t *testing.T) {
	require.Equal(t, `2: Protokoll März.pdf (application/pdf, 2826 bytes)
5: café.png (image/png, 72 bytes)
6: invoice.eml (message/rfc822, 255 bytes)
`, exampletest.Output(t, run))

	dir := filepath.Join(t.TempDir(), "new", "folder")
	require.Equal(t, "2: Protokoll März.pdf (application/pdf, 2825 bytes)\n", exampletest.Output(t, run, "-dir", dir, "-subject", "protokoll"))
	require.True(t, strings.HasPrefix(content(t, dir)["Protokoll März.pdf"], "%PDF-"))
	require.Equal(t, "2: Protokoll März (2).pdf (application/pdf, 2825 bytes)\n", exampletest.Output(t, run, "-dir", dir, "-subject", "protokoll"))
	require.Len(t, content(t, dir), 2)
}

// messages have attachments of all kinds: a path as a name, two with one name, no name, and a large one.
func messages() []imaptest.Message {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	return []imaptest.Message{
		{Subject: "nothing", Text: "Hello"},
		{Subject: "files", Text: "Hello", Attachments: []imaptest.Attachment{
			{Name: "../../report.pdf", Type: "application/pdf", Data: []byte("one")},
			{Name: "report.pdf", Type: "application/pdf", Data: []byte("two")},
			{Type: "image/png", Data: []byte("three")},
			{Name: "large", Data: large},
		}},
		{Raw: []byte("Subject: damaged\r\nMIME-Version: 1.0\r\nContent-Type: application/x-a\r\n" +
			"Content-Disposition: attachment; filename=damaged.a\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs=bG8\r\n")},
	}
}

func check(t *testing.T, args ...string) {
	dir := t.TempDir()
	exampletest.Output(t, run, append(args, "-dir", dir)...)
	files := content(t, dir)
	require.Len(t, files, 5)
	require.Equal(t, "one", files["report.pdf"])
	require.Equal(t, "two", files["report (2).pdf"])
	require.Equal(t, "three", files["attachment.png"])
	require.Equal(t, string(messages()[1].Attachments[3].Data), files["large.bin"])
	require.True(t, strings.HasPrefix(files["damaged.a"], "hel"), "what can be read of it: %q", files["damaged.a"])
}

func TestFiles(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "password")
	srv := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{"INBOX": messages()}})
	args := []string{"-addr", srv.Addr(), "-insecure", "-user", "user"}
	check(t, args...)

	// A lost connection leaves no partial file behind.
	dir := t.TempDir()
	srv.Inject(imaptest.Fault{Command: "FETCH", Skip: 4, After: 5000, Drop: true}) // in the middle of the large one
	require.ErrorIs(t, run(t.Context(), append(args, "-dir", dir), new(bytes.Buffer)), imap.ErrClosed)
	require.Equal(t, map[string]string{"report.pdf": "one", "report (2).pdf": "two", "attachment.png": "three"}, content(t, dir))
}

func TestDovecot(t *testing.T) {
	u := exampletest.NewUser(t, "dovecot")
	u.Fill(t, messages())
	check(t, u.Args...)
}

// TestRefused: an attachment that the server does not send does not keep the others from being saved.
func TestRefused(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "password")
	file := func(name string) imaptest.Message {
		return imaptest.Message{Text: "Hello", Attachments: []imaptest.Attachment{{Name: name, Data: []byte(name)}}}
	}
	srv := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{"INBOX": {file("one"), file("two"), file("three")}}})
	srv.Inject(imaptest.Fault{Command: "FETCH", Skip: 1, Reply: "NO [SERVERBUG] Cannot read it"})
	srv.Inject(imaptest.Fault{Command: "FETCH", Skip: 1, Reply: "OK nothing"}) // as if it was removed
	dir := t.TempDir()
	err := run(t.Context(), []string{"-addr", srv.Addr(), "-insecure", "-user", "user", "-dir", dir}, new(bytes.Buffer))
	require.ErrorContains(t, err, "message 1: imap: UID FETCH: NO [SERVERBUG] Cannot read it")
	require.ErrorIs(t, err, imap.ErrNoMessage)
	files := content(t, dir)
	require.Len(t, files, 1)
	for name, text := range files {
		require.Contains(t, name, "three")
		require.Equal(t, "three", text)
	}
}
