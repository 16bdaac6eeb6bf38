package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/examples/internal/exampletest"
	"github.com/go-imaplib/imap/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { realserver.Main(m) }

func TestSample(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	page := out.String()
	require.Equal(t, 7, strings.Count(page, "<tr id"))
	require.Contains(t, page, `<tr id="3" class="unread"><td>山田花子<td>来週のお茶会について <span class="preview">来週の土曜日にお茶会をします。</span><td>2026-02-04 18:40`)
	require.Less(t, strings.Index(page, "来週"), strings.Index(page, "Protokoll"), "the newest is first")
	require.NotContains(t, page, "older")
	require.Error(t, run(t.Context(), []string{"-mailbox", "missing"}, &out))
	require.Error(t, run(t.Context(), []string{"-listen", "localhost:-1"}, &out))
}

// many are messages of which one would make the page run a script.
func many(n int) []imaptest.Message {
	list := make([]imaptest.Message, n)
	for i := range list {
		list[i] = imaptest.Message{From: "Ada <ada@example.org>", Subject: fmt.Sprint("message ", i+1), Text: fmt.Sprint("Text of ", i+1),
			Date: time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)}
	}
	list[n-1].Subject = "<script>document.title = 'broken'</script>"
	list[n-2].Subject, list[n-2].Flags = "", []string{`\Seen`}
	return list
}

// serve shows INBOX and returns the address of its page.
func serve(t *testing.T, addr, user, password string) string {
	pool := &imap.Pool{ReadOnly: true, Max: 2, Dial: func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialInsecure(ctx, addr, nil)
		if err != nil {
			return nil, err
		}
		if err := c.Login(ctx, user, password); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}}
	t.Cleanup(func() { pool.Close() })
	web := httptest.NewServer(&inbox{pool: pool, mailbox: "INBOX"})
	t.Cleanup(web.Close)
	return web.URL + "/"
}

func get(t *testing.T, url string) (status int, page string) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

var (
	ids   = regexp.MustCompile(`<tr id="(\d+)"`)
	older = regexp.MustCompile(`href="(\?before=\d+)"`)
)

// pages follows the links to older messages and returns the UIDs of each page.
func pages(t *testing.T, url string) (all [][]string) {
	link := ""
	for {
		status, page := get(t, url+link)
		require.Equal(t, http.StatusOK, status, page)
		var uids []string
		for _, m := range ids.FindAllStringSubmatch(page, -1) {
			uids = append(uids, m[1])
		}
		all = append(all, uids)
		next := older.FindStringSubmatch(page)
		if next == nil {
			return all
		}
		link = next[1]
	}
}

func numbers(from, to int) (list []string) {
	for i := from; i >= to; i-- {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

func TestPages(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{"INBOX": many(120)}})
	url := serve(t, srv.Addr(), "user", "password")
	require.Equal(t, [][]string{numbers(120, 71), numbers(70, 21), numbers(20, 1)}, pages(t, url))

	_, page := get(t, url)
	require.NotContains(t, page, "<script>")
	require.Contains(t, page, `<tr id="119"><td>Ada<td>(no subject) <span class="preview">Text of 119</span><td>2026-01-01 01:58`)
	for _, before := range []string{"1", "0", "x", "-5", "99999999999"} {
		_, same := get(t, url+"?before="+before)
		require.Equal(t, page, same, before)
	}
	require.LessOrEqual(t, srv.Connections(), 2)

	srv.Expunge("INBOX", 71)
	all := slices.Concat(pages(t, url)...)
	require.Equal(t, append(numbers(120, 72), numbers(70, 1)...), all)
	srv.Stop()
	status, page := get(t, url)
	require.Equal(t, http.StatusServiceUnavailable, status, page)
	srv.Restart()
	status, _ = get(t, url)
	require.Equal(t, http.StatusOK, status)
	srv.SetPassword("another")
	srv.DropConnections()
	status, page = get(t, url)
	require.Equal(t, http.StatusBadGateway, status, page)
}

func TestEmpty(t *testing.T) {
	srv := imaptest.NewServer(t, nil)
	status, page := get(t, serve(t, srv.Addr(), "user", "password"))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "No messages.")
}

// TestBrowser reads the page with a browser, if one is installed, and with net/http otherwise.
func TestBrowser(t *testing.T) {
	srv := imaptest.NewServer(t, &imaptest.Options{Mailboxes: map[string][]imaptest.Message{"INBOX": many(60)}})
	url := serve(t, srv.Addr(), "user", "password")
	for link, want := range map[string]int{"": 50, "?before=11": 10} {
		_, page := get(t, url+link)
		if dom, ok := browse(t, url+link); ok {
			page = dom
			require.Contains(t, page, "<tbody><tr", "what a browser adds")
		}
		require.Equal(t, want, strings.Count(page, "<tr id"))
		require.Contains(t, page, "<title>INBOX</title>", "no script ran")
	}
}

// browse returns the document as a browser has it after loading the page.
func browse(t *testing.T, url string) (dom string, ok bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--dump-dom", url)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, stderr.String())
		return string(out), true
	}
	t.Log("no browser is installed")
	return "", false
}

func TestDovecot(t *testing.T) {
	u := exampletest.NewUser(t, "dovecot")
	u.Fill(t, many(70))
	url := serve(t, u.Server.Addr, u.Name, u.Password)
	require.Equal(t, [][]string{numbers(70, 21), numbers(20, 1)}, pages(t, url))
	_, page := get(t, url)
	require.Contains(t, page, `message 68 <span class="preview">Text of 68</span><td>2026-01-01 01:07`)
}
