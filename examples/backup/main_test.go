package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/examples/internal/jsonfile"
	"github.com/go-imaplib/imap/imaptest"
	script "github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	want := "Archive: 0 messages, 0 new, 0 gone on the server, 0 compared\nINBOX: 7 messages, 7 new, 0 gone on the server, 7 compared\n"
	require.Equal(t, want, exampletest.Output(t, run))
	require.Equal(t, want, exampletest.Output(t, run, "-format", "mbox"))
	require.Error(t, run(t.Context(), []string{"-format", "tar"}, new(bytes.Buffer)))
}

// copies reads the folder of a backup: the messages of a mailbox, by UID.
func copies(t *testing.T, dir, mailbox, format string) (messages map[imap.UID]string, ix *index) {
	t.Helper()
	ix = &index{}
	path := filepath.Join(dir, fileName(mailbox))
	require.NoError(t, jsonfile.Load(path+".json", ix))
	messages = map[imap.UID]string{}
	path = fmt.Sprintf("%s.%d", path, ix.State.UIDValidity)
	if format == "mbox" {
		list := parseMbox(t, path+".mbox")
		require.Len(t, list, len(ix.Messages))
		var uids []imap.UID
		for uid := range ix.Messages {
			uids = append(uids, uid)
		}
		slices.SortFunc(uids, func(a, b imap.UID) int { return int(ix.Messages[a].Offset - ix.Messages[b].Offset) })
		for i, uid := range uids {
			messages[uid] = list[i]
		}
		return messages, ix
	}
	files, err := os.ReadDir(filepath.Join(path, "cur"))
	require.NoError(t, err)
	require.Len(t, files, len(ix.Messages))
	for uid, s := range ix.Messages {
		b, err := os.ReadFile(filepath.Join(path, "cur", mailFile(uid, s.Flags)))
		require.NoError(t, err)
		messages[uid] = string(b)
	}
	return messages, ix
}

// parseMbox reads an mbox as mail programs do, with CRLF in place of LF.
func parseMbox(t *testing.T, name string) (list []string) {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	quoted := regexp.MustCompile(`^>+From `)
	var message strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	started, blank := false, false
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "From ") && (!started || blank) {
			if started {
				list = append(list, strings.TrimSuffix(message.String(), "\r\n"))
			}
			message.Reset()
			started = true
			continue
		}
		blank = line == ""
		if quoted.MatchString(line) {
			line = line[1:]
		}
		message.WriteString(line + "\r\n")
	}
	if started {
		list = append(list, strings.TrimSuffix(message.String(), "\r\n"))
	}
	return list
}

// tester is what the test changes between the runs.
type tester struct {
	*testing.T
	c      *imap.Client
	prefix string
	args   []string
}

func (a *tester) add(mailbox, text string, flags ...imap.Flag) {
	a.Helper()
	opts := &imap.AppendOptions{Flags: flags, InternalDate: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	_, err := a.c.Append(a.Context(), mailbox, imap.LiteralString(text), opts)
	require.NoError(a, err)
}

// compare compares a backup with the server.
func (a *tester) compare(dir, mailbox, format string, gone int) {
	a.Helper()
	messages, ix := copies(a.T, dir, mailbox, format)
	_, err := a.c.Select(a.Context(), mailbox, nil)
	require.NoError(a, err)
	n := 0
	for m, err := range a.c.Fetch(a.Context(), imap.UIDRange(1, 0), imap.FetchFlags, imap.FetchInternalDate, imap.Section{}) {
		require.NoError(a, err)
		n++
		require.Equal(a, string(m.Section(imap.Section{})), messages[m.UID])
		require.ElementsMatch(a, stored(m.Flags), ix.Messages[m.UID].Flags)
		require.True(a, m.InternalDate.Equal(ix.Messages[m.UID].Date))
	}
	require.Len(a, messages, n+gone)
	require.EqualValues(a, n, ix.State.UIDs.Len())
}

const (
	plain = "Subject: one\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom the last line\r\n"
	long  = "Subject: long\r\n\r\n"
)

// testBackup backs up an account, changes it, and backs it up again.
func (a *tester) testBackup(format string) {
	dir := filepath.Join(a.TempDir(), "backup")
	box := a.prefix + "Größe"
	backup := func(more ...string) string {
		a.Helper()
		return exampletest.Output(a.T, run, slices.Concat(a.args, []string{"-dir", dir, "-format", format}, more)...)
	}
	line := func(mailbox string, numbers ...any) string {
		return mailbox + fmt.Sprintf(": %d messages, %d new, %d gone on the server, %d compared\n", numbers...)
	}
	require.NoError(a, a.c.Create(a.Context(), box, nil))
	a.add("INBOX", plain, imap.FlagSeen, "$Work")
	a.add("INBOX", long+strings.Repeat("From x", 2000)+"\r\nend\r\n")
	for i := range 220 {
		a.add(box, fmt.Sprintf("Subject: number %d\r\n\r\nFrom %d\r\n", i, i))
	}
	first := backup()
	require.Contains(a, first, line("INBOX", 2, 2, 0, 2))
	require.Contains(a, first, line(box, 220, 220, 0, 220))
	a.compare(dir, "INBOX", format, 0)
	a.compare(dir, box, format, 0)
	require.Contains(a, backup(), line(box, 220, 0, 0, 0))

	_, err := a.c.Select(a.Context(), box, nil)
	require.NoError(a, err)
	_, err = a.c.Store(a.Context(), imap.SeqRange(1, 3), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(a, err)
	_, err = a.c.Expunge(a.Context())
	require.NoError(a, err)
	_, err = a.c.Store(a.Context(), imap.SeqRange(5, 6), imap.AddFlags(imap.FlagFlagged, imap.FlagAnswered), nil)
	require.NoError(a, err)
	a.add(box, "Subject: new\r\n\r\nnew\r\n", imap.FlagDraft)
	require.Contains(a, backup("INBOX", box), line(box, 218, 1, 3, 1))
	a.compare(dir, box, format, 3)
	require.Equal(a, line(box, 218, 0, 3, 221), backup("-check", box), "what is gone is kept")
	require.Error(a, run(a.Context(), slices.Concat(a.args, []string{"-dir", dir, "-format", map[string]string{"mbox": "maildir", "maildir": "mbox"}[format]}), new(bytes.Buffer)))

	// Damage shows.
	var file string
	require.NoError(a, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Size() > 5000 && !strings.HasSuffix(path, ".json") && regexp.MustCompile(`INBOX\.[0-9]`).MatchString(path) {
			file = path
		}
		return err
	}))
	b, err := os.ReadFile(file)
	require.NoError(a, err)
	b[len(b)-100] ^= 1
	require.NoError(a, os.WriteFile(file, b, 0o600))
	require.ErrorContains(a, run(a.Context(), slices.Concat(a.args, []string{"-dir", dir, "-format", format, "-check", "INBOX"}), new(bytes.Buffer)), "damaged")
}

// double is an account on the in-memory server.
func double(t *testing.T, opts *imaptest.Options) (*tester, *imaptest.Server) {
	t.Setenv("IMAP_PASSWORD", "password")
	srv := imaptest.NewServer(t, opts)
	return &tester{t, exampletest.Login(t, srv.Addr(), "user", "password"), "", []string{"-addr", srv.Addr(), "-insecure", "-user", "user"}}, srv
}

func TestFormats(t *testing.T) {
	for format := range formats {
		for _, profile := range []imaptest.Profile{"", imaptest.ExchangeOnline} {
			t.Run(format+" "+string(profile), func(t *testing.T) {
				a, _ := double(t, &imaptest.Options{Profile: profile})
				a.testBackup(format)
			})
		}
		for _, name := range []string{"dovecot", "cyrus", "courier"} {
			t.Run(format+" "+name, func(t *testing.T) {
				u := exampletest.NewUser(t, name)
				a := &tester{t, u.Client, u.Server.Prefix, u.Args}
				a.testBackup(format)
			})
		}
	}
}

// TestBrokenOff cuts the connection repeatedly, in the middle of messages; each run continues where the one before stopped.
func TestBrokenOff(t *testing.T) {
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			a, srv := double(t, nil)
			dir := t.TempDir()
			args := append(a.args, "-dir", dir, "-format", format)
			for i := range 500 {
				srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint(i), Text: strings.Repeat("text ", 10)})
			}
			for i := range 12 {
				remove := srv.Inject(imaptest.Fault{Command: "FETCH", After: 5000 * int64(i%4), Drop: true})
				require.ErrorIs(t, run(t.Context(), args, new(bytes.Buffer)), imap.ErrClosed)
				remove()
				srv.SetFlags("INBOX", uint32(i+1), `\Flagged`)
			}
			_, ix := copies(t, dir, "INBOX", format)
			require.Greater(t, len(ix.Messages), 100, "each run goes on where the one before was")
			want := fmt.Sprintf("INBOX: 500 messages, %d new, 0 gone on the server, 500 compared\n", 500-len(ix.Messages))
			require.Contains(t, exampletest.Output(t, run, append(args, "-check")...), want)
			a.compare(dir, "INBOX", format, 0)
		})
	}
}

// TestReset deletes and creates the mailbox on the server: the earlier copy is kept.
func TestReset(t *testing.T) {
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			a, srv := double(t, nil)
			dir := t.TempDir()
			args := append(a.args, "-dir", dir, "-format", format)
			srv.Deliver("INBOX", imaptest.Message{Subject: "one"})
			exampletest.Output(t, run, args...)
			before, err := filepath.Glob(filepath.Join(dir, "INBOX.[0-9]*"))
			require.NoError(t, err)
			srv.ResetUIDs("INBOX")
			a.c = exampletest.Login(t, srv.Addr(), "user", "password")
			srv.Deliver("INBOX", imaptest.Message{Subject: "two"})
			require.Contains(t, exampletest.Output(t, run, args...), "INBOX: 2 messages, 2 new, 0 gone on the server, 2 compared\n")
			a.compare(dir, "INBOX", format, 0)
			after, err := filepath.Glob(filepath.Join(dir, "INBOX.[0-9]*"))
			require.NoError(t, err)
			require.Len(t, after, 2)
			require.Subset(t, after, before)
		})
	}
}

// TestRenamedBack renames a mailbox away, creates another of its name, and renames the first one back: its first copy is
// continued, with the messages that are gone on the server.
func TestRenamedBack(t *testing.T) {
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			a, _ := double(t, nil)
			dir := t.TempDir()
			args := append(a.args, "-dir", dir, "-format", format, "Box")
			require.NoError(t, a.c.Create(t.Context(), "Box", nil))
			a.add("Box", "Subject: one\r\n\r\none\r\n")
			a.add("Box", "Subject: two\r\n\r\ntwo\r\n")
			exampletest.Output(t, run, args...)
			require.NoError(t, a.c.Rename(t.Context(), "Box", "Away"))
			require.NoError(t, a.c.Create(t.Context(), "Box", nil))
			a.add("Box", "Subject: other\r\n\r\nother\r\n")
			require.Contains(t, exampletest.Output(t, run, args...), "Box: 1 messages, 1 new, 0 gone on the server, 1 compared\n")
			require.NoError(t, a.c.Delete(t.Context(), "Box"))
			require.NoError(t, a.c.Rename(t.Context(), "Away", "Box"))
			_, err := a.c.Select(t.Context(), "Box", nil)
			require.NoError(t, err)
			_, err = a.c.Store(t.Context(), imap.SeqRange(1, 1), imap.AddFlags(imap.FlagDeleted), nil)
			require.NoError(t, err)
			_, err = a.c.Expunge(t.Context())
			require.NoError(t, err)
			a.add("Box", "Subject: three\r\n\r\nthree\r\n")
			exampletest.Output(t, run, args...)
			require.Contains(t, exampletest.Output(t, run, args...), "Box: 2 messages, 0 new, 1 gone on the server, 0 compared\n")
			a.compare(dir, "Box", format, 1)
		})
	}
}

// TestLostIndex: without its index a copy is not taken for the remains of an interrupted run, which are removed.
func TestLostIndex(t *testing.T) {
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			a, _ := double(t, nil)
			dir := t.TempDir()
			args := append(a.args, "-dir", dir, "-format", format)
			a.add("INBOX", plain)
			exampletest.Output(t, run, args...)
			require.NoError(t, os.Rename(filepath.Join(dir, "INBOX.json"), filepath.Join(dir, "away")))
			require.ErrorContains(t, run(t.Context(), args, new(bytes.Buffer)), "index")
			require.NoError(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "INBOX.json")))
			require.Contains(t, exampletest.Output(t, run, append(args, "-check")...), "INBOX: 1 messages, 0 new, 0 gone on the server, 1 compared\n")
		})
	}
}

// TestUnreadable: a message with values that cannot be parsed is copied, and so are the others.
func TestUnreadable(t *testing.T) {
	c, err := imap.NewClient(t.Context(), script.DialScript(t, `
		S: * PREAUTH [CAPABILITY IMAP4rev1] ready
		C: $ EXAMINE INBOX
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2 3
		S: $ OK done
		C: $ UID SEARCH UID 1:3
		S: * SEARCH 1 2 3
		S: $ OK done
		C: $ UID FETCH 1:3 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS (\Seen (a)) INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {3}
		S: one)
		S: * 2 FETCH (UID 2 INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {3}
		S: two FLAGS (\Seen (a)))
		S: * 3 FETCH (UID 3 FLAGS (\Seen) INTERNALDATE "02-Jan-2026 03:04:05 +0000" BODY[] {5}
		S: three)
		S: $ OK done
		C: $ EXAMINE INBOX
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 7] ok
		S: $ OK done
		C: $ UID FETCH 1:* (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (\Seen))
		S: * 2 FETCH (UID 2 FLAGS (\Seen (a)))
		S: * 3 FETCH (UID 3 FLAGS ())
		S: $ OK done
		C: $ UID SEARCH ALL
		S: * SEARCH 1 2 3
		S: $ OK done
		C: $ UID FETCH 2 (UID FLAGS)
		S: * 2 FETCH (UID 2 FLAGS (\Seen (a)))
		S: $ OK done
		C: $ UID SEARCH UID 2
		S: * SEARCH 2
		S: $ OK done
	`), nil)
	require.NoError(t, err)
	defer c.Close()
	b := &backup{dir: t.TempDir(), format: "maildir", checkAll: true}
	res, err := b.mailbox(t.Context(), c, "INBOX")
	require.NoError(t, err)
	require.Equal(t, &result{held: 3, fresh: 3, compared: 3}, res)
	res, err = b.mailbox(t.Context(), c, "INBOX")
	require.NoError(t, err)
	require.Equal(t, &result{held: 3, compared: 3}, res)
	messages, ix := copies(t, b.dir, "INBOX", "maildir")
	require.Equal(t, map[imap.UID]string{1: "one", 2: "two", 3: "three"}, messages)
	require.Empty(t, ix.Messages[3].Flags)
}

// TestRefused continues with the next mailbox.
func TestRefused(t *testing.T) {
	a, srv := double(t, nil)
	srv.Create("Box", "")
	srv.Deliver("INBOX", imaptest.Message{Subject: "one"})
	srv.Inject(imaptest.Fault{Command: "EXAMINE", Reply: "NO [NOPERM] Not yours"})
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), append(a.args, "-dir", t.TempDir(), "Box", "INBOX"), &out), "Box: imap: EXAMINE: NO [NOPERM] Not yours")
	require.Contains(t, out.String(), "INBOX: 1 messages, 1 new, 0 gone on the server, 1 compared\n")
}

// TestQuote has lines of all lengths around the size of the buffer.
func TestQuote(t *testing.T) {
	for n := 4080; n < 4110; n++ {
		x := strings.Repeat("x", n)
		for in, want := range map[string]string{
			x + "\r\nFrom \r\n":        x + "\n>From \n",
			x + "\nFrom a":             x + "\n>From a\n",
			x:                          x + "\n",
			x + "From \r\n>>From \r\n": x + "From \n>>>From \n",
			x + "\r" + x + "\r\n\r\n":  x + "\r" + x + "\n\n",
		} {
			var out strings.Builder
			require.NoError(t, quote(&out, strings.NewReader(in)))
			require.Equal(t, want, out.String())
		}
	}
	var out strings.Builder
	require.NoError(t, quote(&out, strings.NewReader("")))
	require.Empty(t, out.String())
}

func TestFileName(t *testing.T) {
	require.Equal(t, "Größe%2F2026", fileName("Größe/2026"))
	require.Equal(t, "..%2F..%2Fetc", fileName("../../etc"))
	require.Equal(t, "a%25b%3A%00", fileName("a%b:\x00"))
}
