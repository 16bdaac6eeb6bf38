// Package programs has what people do with mail, written with several libraries: its test runs them on one server, compares
// what they did, and counts their lines for docs/programs.md.
package programs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/bench/programs/goimap"
	"github.com/go-imaplib/imap/bench/programs/ours"
	"github.com/go-imaplib/imap/imaptest"
)

var update = flag.Bool("update", false, "write the table of docs/programs.md anew")

// job is what a program is to do: a task, with a folder or file, on a server, and on a second one for migrate.
type job struct {
	task, path string
	srv, other *imaptest.Server
}

// library runs a job and passes each line of its result to print, until that returns false.
type library struct {
	name, source string
	run          func(t *testing.T, j job, print func(line string) bool) error
}

func libraries(t *testing.T) []library {
	list := []library{{"imap", "ours/ours.go", runOurs}, {"go-imap v2", "goimap/goimap.go", runGoimap}}
	python := library{"imap_tools", "imap_tools_programs.py", func(t *testing.T, j job, print func(string) bool) error {
		return runCommand(t, j, print, "python3", "imap_tools_programs.py")
	}}
	if exec.Command("python3", "-c", "import imap_tools").Run() == nil {
		list = append(list, python)
	} else {
		t.Log("imap_tools is not installed: its programs are not run")
	}
	modules := os.Getenv("IMAPFLOW") // node_modules with imapflow
	if modules == "" {
		t.Log("IMAPFLOW does not say where imapflow is: its programs are not run")
		return list
	}
	return append(list, library{"imapflow", "imapflow_programs.mjs", func(t *testing.T, j job, print func(string) bool) error {
		dir := t.TempDir()
		source, err := os.ReadFile("imapflow_programs.mjs")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "programs.mjs"), source, 0o600); err != nil {
			return err
		}
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			return err
		}
		return runCommand(t, j, print, "node", filepath.Join(dir, "programs.mjs"))
	}})
}

func text(values ...any) string {
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings and numbers always pass
	}
	return string(b)
}

func runOurs(t *testing.T, j job, print func(string) bool) error {
	ctx := t.Context()
	dial := func(ctx context.Context) (*imap.Client, error) {
		c, err := imap.DialInsecure(ctx, j.srv.Addr(), nil)
		if err != nil {
			return nil, err
		}
		return c, c.Login(ctx, "user", "password")
	}
	switch j.task {
	case "code":
		return ours.Follow(ctx, dial, j.path, func(subject string) bool { return print(text(subject)) })
	case "gmail":
		c, err := imap.DialInsecure(ctx, j.srv.Addr(), nil)
		if err != nil {
			return err
		}
		defer c.Close()
		return ours.Token(ctx, c, "user", func() (string, error) { return "password", nil })
	}
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Select(ctx, "INBOX", nil); err != nil {
		return err
	}
	switch j.task {
	case "texts":
		return ours.Texts(ctx, c, func(subject, s string) { print(text(subject, s)) })
	case "attachments":
		return ours.Attachments(ctx, c, j.path)
	case "inbox":
		rows, err := ours.Newest(ctx, c)
		for _, r := range rows {
			print(text(r.UID, r.From, r.Subject, r.Preview))
		}
		return err
	case "backup":
		return ours.Backup(ctx, c, j.path)
	}
	to, err := imap.DialInsecure(ctx, j.other.Addr(), nil)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := to.Login(ctx, "user", "password"); err != nil {
		return err
	}
	return ours.Copy(ctx, c, to)
}

func dialGoimap(addr string, opts *imapclient.Options) (*imapclient.Client, error) {
	c, err := imapclient.DialInsecure(addr, opts)
	if err != nil {
		return nil, err
	}
	return c, c.Login("user", "password").Wait()
}

func runGoimap(_ *testing.T, j job, print func(string) bool) error {
	switch j.task {
	case "code":
		dial := func(opts *imapclient.Options) (*imapclient.Client, error) { return dialGoimap(j.srv.Addr(), opts) }
		return goimap.Follow(dial, j.path, func(subject string) bool { return print(text(subject)) })
	case "gmail":
		c, err := imapclient.DialInsecure(j.srv.Addr(), nil)
		if err != nil {
			return err
		}
		defer c.Close()
		return goimap.Token(c, "user", func() (string, error) { return "password", nil })
	}
	c, err := dialGoimap(j.srv.Addr(), nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		return err
	}
	switch j.task {
	case "texts":
		return goimap.Texts(c, func(subject, s string) { print(text(subject, s)) })
	case "attachments":
		return goimap.Attachments(c, j.path)
	case "inbox":
		rows, err := goimap.Newest(c)
		for _, r := range rows {
			print(text(r.UID, r.From, r.Subject, r.Preview))
		}
		return err
	case "backup":
		return goimap.Backup(c, j.path)
	}
	to, err := dialGoimap(j.other.Addr(), nil)
	if err != nil {
		return err
	}
	defer to.Close()
	return goimap.Copy(c, to)
}

// runCommand runs a program that prints its results as JSON, a line each.
func runCommand(t *testing.T, j job, print func(string) bool, command string, args ...string) error {
	_, port, err := net.SplitHostPort(j.srv.Addr())
	if err != nil {
		return err
	}
	args = append(args, j.task, port, "password", j.path)
	if j.other != nil {
		_, port, err := net.SplitHostPort(j.other.Addr())
		if err != nil {
			return err
		}
		args = append(args, port)
	}
	cmd := exec.CommandContext(t.Context(), command, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var value any
		if err := json.Unmarshal(lines.Bytes(), &value); err != nil {
			return err
		}
		switch value := value.(type) {
		case bool:
		case string:
			print(text(value))
		case []any:
			print(text(value[:min(len(value), 4)]...)) // without the date
		case map[string]any:
			print(text(value["uid"], value["from"], value["subject"], value["preview"]))
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, stderr.String())
	}
	return nil
}

// lines runs a job to its end.
func (l library) lines(t *testing.T, j job) (list []string) {
	t.Helper()
	if err := l.run(t, j, func(s string) bool { list = append(list, s); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

func equal[E comparable](t *testing.T, got, want []E) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%v\nwant %v", got, want)
	}
}

// files reads a folder.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != "state.json" {
			list = append(list, e.Name()+": "+string(b))
		}
	}
	return list
}

// TestPrograms has each library do each task.
func TestPrograms(t *testing.T) {
	for _, l := range libraries(t) {
		for task, test := range map[string]func(t *testing.T, l library){
			"texts": testTexts, "attachments": testAttachments, "inbox": testInbox, "code": testCode, "backup": testBackup,
			"migrate": testMigrate, "gmail": testGmail,
		} {
			t.Run(task+"/"+l.name, func(t *testing.T) { test(t, l) })
		}
	}
}

func testTexts(t *testing.T, l library) {
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{Subject: "plain", Text: "Hello\nAda\n"})
	srv.Deliver("INBOX", imaptest.Message{Subject: "both", Text: "Grüße\n", HTML: "<p>Grüße</p>", Attachments: []imaptest.Attachment{{Name: "a.txt", Type: "text/plain", Data: []byte("no")}}})
	srv.Deliver("INBOX", imaptest.Message{Raw: []byte("Subject: Latin\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" +
		"Content-Transfer-Encoding: quoted-printable\r\n\r\nCr=E8me\r\n")})
	var got []string
	for _, s := range l.lines(t, job{task: "texts", srv: srv}) {
		got = append(got, strings.ReplaceAll(s, `\n"`, `"`)) // the last line end does not matter
	}
	equal(t, got, []string{text("plain", "Hello\nAda"), text("both", "Grüße"), text("Latin", "Crème")})
}

func testAttachments(t *testing.T, l library) {
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{Subject: "none", Text: "Hello"})
	srv.Deliver("INBOX", imaptest.Message{Text: "Hello", Attachments: []imaptest.Attachment{
		{Name: "../../evil.pdf", Type: "application/pdf", Data: []byte("one")},
		{Name: "report.pdf", Type: "application/pdf", Data: []byte("two")},
	}})
	srv.Deliver("INBOX", imaptest.Message{Text: "Hello", Attachments: []imaptest.Attachment{{Name: "report.pdf", Type: "application/pdf", Data: []byte("three")}}})
	dir := t.TempDir()
	l.lines(t, job{task: "attachments", srv: srv, path: dir})
	equal(t, files(t, dir), []string{"evil.pdf: one", "report (2).pdf: three", "report.pdf: two"})
}

// TestNames checks what docs/programs.md claims of file names in the form of RFC 2231.
func TestNames(t *testing.T) {
	for _, l := range libraries(t) {
		srv := imaptest.NewServer(t, nil)
		srv.Deliver("INBOX", imaptest.Message{Text: "Hello", Attachments: []imaptest.Attachment{{Name: "Größe.pdf", Type: "application/pdf", Data: []byte("one")}}})
		dir := t.TempDir()
		l.lines(t, job{task: "attachments", srv: srv, path: dir})
		want := []string{"Größe.pdf: one"}
		if l.name == "go-imap v2" {
			want = []string{"attachment: one"}
		}
		equal(t, files(t, dir), want)
	}
}

func testInbox(t *testing.T, l library) {
	srv := imaptest.NewServer(t, &imaptest.Options{Without: []string{"PREVIEW"}})
	var want []string
	for i := range 60 {
		srv.Deliver("INBOX", imaptest.Message{From: "Ada <ada@example.org>", Subject: fmt.Sprint("number ", i+1), Text: fmt.Sprintf("Text\nof %d\n", i+1)})
		want = append(want, text(i+1, "Ada", fmt.Sprint("number ", i+1), fmt.Sprintf("Text of %d", i+1)))
	}
	want = want[10:]
	slices.Reverse(want)
	equal(t, l.lines(t, job{task: "inbox", srv: srv}), want)
}

// testCode loses connections and ends the program between messages.
func testCode(t *testing.T, l library) {
	srv := imaptest.NewServer(t, nil)
	srv.Deliver("INBOX", imaptest.Message{Subject: "before"})
	state := filepath.Join(t.TempDir(), "state.json")
	run := func(first func(), then ...func()) (got []string) {
		if first != nil {
			go func() {
				for { // until the program has looked at what there is
					if _, err := os.Stat(state); err == nil {
						break
					}
					time.Sleep(time.Millisecond)
				}
				first()
			}()
		}
		err := l.run(t, job{task: "code", srv: srv, path: state}, func(s string) bool {
			got = append(got, s)
			if len(then) > 0 {
				then[0]()
				then = then[1:]
			}
			return s != text("end")
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	deliver := func(subject string) func() {
		return func() { srv.Deliver("INBOX", imaptest.Message{Subject: subject}) }
	}
	got := run(deliver("one"), deliver("two"), func() { srv.DropConnections(); deliver("three")() }, deliver("end"))
	equal(t, got, []string{text("one"), text("two"), text("three"), text("end")})
	deliver("while it was not running")()
	deliver("end")()
	equal(t, run(nil), []string{text("while it was not running"), text("end")})
}

func testBackup(t *testing.T, l library) {
	srv := imaptest.NewServer(t, nil)
	dir := t.TempDir()
	want := func() (list []string) {
		for _, m := range srv.Messages("INBOX") {
			list = append(list, string(m.Raw))
		}
		return list
	}
	check := func() {
		t.Helper()
		l.lines(t, job{task: "backup", srv: srv, path: dir})
		var got []string
		for _, f := range files(t, dir) {
			_, raw, _ := strings.Cut(f, ": ")
			got = append(got, raw)
		}
		equal(t, got, want())
	}
	for i := range 5 {
		srv.Deliver("INBOX", imaptest.Message{Subject: fmt.Sprint(i), Text: "Hello"})
	}
	check()
	before := len(srv.Commands())
	srv.Deliver("INBOX", imaptest.Message{Subject: "new", Text: "Hello"})
	check()
	for _, c := range srv.Commands()[before:] {
		if strings.Contains(c, "BODY") && !strings.Contains(c, "FETCH 6 ") {
			t.Errorf("what is there already is fetched again: %s", c)
		}
	}
}

func testMigrate(t *testing.T, l library) {
	from, to := imaptest.NewServer(t, nil), imaptest.NewServer(t, nil)
	for i := range 4 {
		m := imaptest.Message{Subject: fmt.Sprint(i), Text: "Hello", Header: map[string]string{"Message-ID": fmt.Sprintf("<%d@example.org>", i)},
			Flags: []string{`\Seen`, "$Work"}, Received: time.Date(2020, 1, 2+i, 3, 4, 5, 0, time.UTC)}
		from.Deliver("INBOX", m)
		if i == 0 {
			to.Deliver("INBOX", m)
		}
	}
	for range 2 {
		l.lines(t, job{task: "migrate", srv: from, other: to})
		equal(t, contents(to), contents(from))
	}
}

func contents(srv *imaptest.Server) (list []string) {
	for _, m := range srv.Messages("INBOX") {
		flags := slices.DeleteFunc(m.Flags, func(f string) bool { return f == `\Recent` })
		slices.Sort(flags)
		list = append(list, fmt.Sprint(flags, m.Received.UTC(), string(m.Raw)))
	}
	return list
}

func testGmail(t *testing.T, l library) {
	srv := imaptest.NewServer(t, &imaptest.Options{Profile: imaptest.Gmail})
	l.lines(t, job{task: "gmail", srv: srv})
	if !slices.ContainsFunc(srv.Commands(), func(c string) bool { return strings.HasPrefix(c, "AUTHENTICATE ") }) {
		t.Fatal("no login by a mechanism")
	}
}

var taskNames = []string{"texts", "attachments", "inbox", "code", "backup", "migrate", "gmail"}

// counted returns how many lines of a source each task takes, without blank lines, comments and imports.
func counted(t *testing.T, source string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var current []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(strings.TrimLeft(line, "/#"), " ")
		if names, ok := strings.CutPrefix(comment, "task: "); ok && isComment {
			current = strings.Split(names, ", ")
			continue
		}
		if line == "" || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "# ") {
			continue
		}
		for _, task := range current {
			count[task]++
		}
	}
	return count
}

// TestTable compares the tables of docs/programs.md with the sources. Where they changed: go test ./programs -run TestTable
// -update.
func TestTable(t *testing.T) {
	table := "| Task | imap | go-imap v2 | imap_tools | imapflow |\n|---|---|---|---|---|\n"
	sources := []string{"ours/ours.go", "goimap/goimap.go", "imap_tools_programs.py", "imapflow_programs.mjs"}
	for _, task := range taskNames {
		table += "| " + task
		for _, s := range sources {
			n := counted(t, s)[task]
			if n == 0 {
				t.Errorf("%s has no %s", s, task)
			}
			table += fmt.Sprint(" | ", n)
		}
		table += " |\n"
	}
	replaceTable(t, "tasks", table)

	table = "| Program | Lines |\n|---|---|\n"
	for _, name := range []string{"attachments", "backup", "code", "gmail", "inbox", "migrate"} {
		files, err := filepath.Glob("../../examples/" + name + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				lines += codeLines(t, f)
			}
		}
		table += fmt.Sprintf("| [%s](../examples/%s) | %d |\n", name, name, lines)
	}
	replaceTable(t, "examples", table)
}

// codeLines counts the lines of a Go file without blank lines, comments, and what stands before the end of its imports.
func codeLines(t *testing.T, name string) (n int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(b), "\n)\n")
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// replaceTable compares the table of that name, or writes it.
func replaceTable(t *testing.T, name, table string) {
	t.Helper()
	const page, end = "../../docs/programs.md", "<!-- end -->"
	start := "<!-- " + name + " -->\n"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), start)
	old, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s is not marked", name)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+start+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s: the table is\n%s\nand should be\n%s", name, old, table)
	}
}
