package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/realserver"
)

// realClients are measured against a real server: a client that cannot do a workload is left out of its row.
var realClients = []string{"imap", "stream", "deflate", "v2", "imaplib", "scan"}

// dovecotMain measures and prints the tables of a real server.
func dovecotMain(args []string) error {
	flags := flag.NewFlagSet("dovecot", flag.ExitOnError)
	run := flags.String("run", "", "only the workloads whose name matches `regexp`")
	only := flags.String("clients", strings.Join(realClients, ","), "the clients to measure")
	rounds := flags.Int("rounds", 5, "how often each is measured; the median counts")
	var size mailSize
	flags.IntVar(&size.messages, "messages", 20_000, "how many messages INBOX holds")
	flags.IntVar(&size.mailboxes, "mailboxes", 1_000, "how many mailboxes STATUS is asked of")
	flags.DurationVar(&size.latency, "latency", 20*time.Millisecond, "what is added to a round trip where the row says so")
	flags.Parse(args)
	match, err := regexp.Compile(*run)
	if err != nil {
		return err
	}
	server, err := realserver.Start("dovecot")
	if err != nil {
		return err
	}
	defer server.Stop()
	describeMachine(os.Stdout)
	fmt.Printf("Dovecot %s\n", server.Version)
	names := present(strings.Split(*only, ","))
	rows, err := measureReal(server, size, match, names, *rounds)
	if err != nil {
		return err
	}
	printReal(os.Stdout, rows, names)
	return nil
}

// mailSize is how much there is on the real server.
type mailSize struct {
	messages, mailboxes int
	latency             time.Duration
}

// realWorkload is one row: n is for run and for the title, want for the check.
type realWorkload struct {
	name, title string
	n           int
	far         bool // with latency
	cold        bool // the server has no caches and parses the messages
	want        expected
}

// realWorkloads are those of a mailbox whose messages come to the given sums. "noop" with n = 0 is what logging in and
// SELECT cost the server.
func realWorkloads(size mailSize, sync, bodies expected) []realWorkload {
	status := expected{Items: size.mailboxes}
	for i := range size.mailboxes {
		status.Sum += int64(boxMessages(i) + boxMessages(i) + 1) // MESSAGES and UIDNEXT
	}
	far := fmt.Sprintf(", %v added", size.latency)
	return []realWorkload{
		{name: "noop", title: "log in and SELECT, nothing else"},
		{name: "sync", title: "FETCH (UID FLAGS ENVELOPE BODYSTRUCTURE)", n: size.messages, want: sync},
		{name: "coldsync", title: "the same, the server's caches empty", n: size.messages, cold: true, want: sync},
		{name: "bodies", title: "FETCH (UID BODY.PEEK[]) as bytes", n: size.messages, want: bodies},
		{name: "status", title: "STATUS, one after the other" + far, n: size.mailboxes, far: true, want: status},
		{name: "statuses", title: "STATUS, pipelined" + far, n: size.mailboxes, far: true, want: status},
		{name: "liststatus", title: "LIST with RETURN (STATUS)" + far, n: size.mailboxes, far: true, want: status},
	}
}

// realRow is one workload measured.
type realRow struct {
	realWorkload
	results map[string]*result
}

// measureReal fills a mailbox and runs each client on it, once in each round.
func measureReal(server *realserver.Server, size mailSize, match *regexp.Regexp, names []string, rounds int) ([]realRow, error) {
	user, password, err := server.NewUser()
	if err != nil {
		return nil, err
	}
	near := account{server.Addr, user, password}
	sync, bodies, err := fill(near, size)
	if err != nil {
		return nil, fmt.Errorf("fill the mailbox: %w", err)
	}
	// Two passes make the server's caches warm; the second counts the bytes of the answer, which only the server knows.
	for range 2 {
		r, err := runClient("sync", size.messages, "scan", near)
		if err != nil {
			return nil, err
		}
		sync.Bytes = r.Bytes
	}
	if _, err := runClient("bodies", size.messages, "scan", near); err != nil {
		return nil, err
	}
	proxy, err := farAway(server.Addr, size.latency)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	var rows []realRow
	for _, w := range realWorkloads(size, sync, bodies) {
		if !match.MatchString(w.name) {
			continue
		}
		to := near
		if w.far {
			to.addr = proxy.Addr().String()
		}
		row, err := w.measure(server, to, names, rounds)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%s done\n", w.name)
		rows = append(rows, row)
	}
	return rows, nil
}

func (w realWorkload) measure(server *realserver.Server, to account, names []string, rounds int) (realRow, error) {
	all := make(map[string][]*result)
	for range rounds {
		for _, name := range names {
			r, err := w.once(server, to, name)
			if err != nil {
				return realRow{}, fmt.Errorf("%s with %s: %w", w.name, name, err)
			}
			if r != nil {
				all[name] = append(all[name], r)
			}
		}
	}
	row := realRow{w, make(map[string]*result)}
	for name, list := range all {
		row.results[name] = median(list)
	}
	return row, nil
}

// once runs one client and tells what that cost the server, from connecting to the end of the client's process.
func (w realWorkload) once(server *realserver.Server, to account, name string) (*result, error) {
	if w.cold {
		if err := server.DropCaches(to.user); err != nil {
			return nil, err
		}
	}
	before, err := server.CPUTime()
	if err != nil {
		return nil, err
	}
	r, err := runClient(strings.TrimPrefix(w.name, "cold"), w.n, name, to)
	if r == nil || err != nil {
		return nil, err
	}
	after, err := server.CPUTime()
	if err != nil {
		return nil, err
	}
	r.Server = after - before
	return r, w.want.check(r)
}

// ---- what is on the server

// boxName is the i-th mailbox for STATUS, of which boxMessages tells what it holds.
func boxName(i int) string { return fmt.Sprintf("box%04d", i) }

func boxMessages(i int) int { return i % 4 }

// boxPattern is a pattern for LIST that all of them match.
const boxPattern = "box%"

// fill puts the messages into INBOX and makes the mailboxes. It tells what a client has to find out: of the answer to
// "bodies" also how long it is.
func fill(to account, size mailSize) (sync, bodies expected, err error) {
	o := new(ourClient)
	if err := o.open(to); err != nil {
		return sync, bodies, err
	}
	defer o.close()
	f := filler{c: o.c}
	if err := letters(size.messages, f.add); err != nil {
		return sync, bodies, err
	}
	if err := f.flush(); err != nil {
		return sync, bodies, err
	}
	return f.sync, f.bodies, makeBoxes(o.c, size.mailboxes)
}

// filler appends messages by the hundred.
type filler struct {
	c            *imap.Client
	batch        []imap.AppendMessage
	sync, bodies expected
}

func (f *filler) add(l letter) error {
	f.sync.Items++
	uid := int64(f.sync.Items) // of a new mailbox
	f.sync.Sum += uid + l.sum
	f.bodies.Items++
	f.bodies.Sum += uid + int64(len(l.text)) + int64(l.text[len(l.text)-1])
	f.bodies.Bytes += int64(len(fmt.Sprintf("* %d FETCH (UID %d BODY[] {%d}\r\n)\r\n", uid, uid, len(l.text))) + len(l.text))
	opts := new(imap.AppendOptions)
	for _, name := range strings.Fields(l.flags) {
		opts.Flags = append(opts.Flags, imap.Flag(name))
	}
	f.batch = append(f.batch, imap.AppendMessage{Message: literal(l.text), Options: opts})
	if len(f.batch) < 100 {
		return nil
	}
	return f.flush()
}

func literal(text string) imap.Literal {
	return imap.Literal{R: strings.NewReader(text), Size: int64(len(text))}
}

// flush sends the batch, and sees to it that the UIDs are those which add counted with.
func (f *filler) flush() error {
	if len(f.batch) == 0 {
		return nil
	}
	stored, err := f.c.MultiAppend(context.Background(), "INBOX", f.batch)
	f.batch = f.batch[:0]
	if err != nil {
		return err
	}
	if last := stored[len(stored)-1].UID; int(last) != f.sync.Items {
		return fmt.Errorf("message %d has the UID %d", f.sync.Items, last)
	}
	return nil
}

// makeBoxes makes the mailboxes for STATUS.
func makeBoxes(c *imap.Client, n int) error {
	ctx, p := context.Background(), c.Pipeline()
	for i := range n {
		p.Go(func(c *imap.Client) error {
			if err := c.Create(ctx, boxName(i), nil); err != nil {
				return err
			}
			for range boxMessages(i) {
				if _, err := c.Append(ctx, boxName(i), literal("Subject: in "+boxName(i)+"\r\n\r\n"), nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return p.Wait()
}

// ---- the tables

// printReal prints a table for each of the three measures, with each peer as a multiple of this library.
func printReal(w io.Writer, rows []realRow, names []string) {
	for _, m := range []struct {
		title string
		of    func(*result) time.Duration
		login bool // it tells also of what comes before the command
	}{
		{"Wall time in ms", func(r *result) time.Duration { return r.Wall }, false},
		{"CPU time of the client in ms", cpuOf, false},
		{"CPU time of the server in ms", func(r *result) time.Duration { return r.Server }, true},
	} {
		fmt.Fprintf(w, "\n%s (in parentheses: as a multiple of imap)\n\n| workload |", m.title)
		printHead(w, names)
		for _, row := range rows {
			if row.n == 0 && !m.login {
				continue
			}
			fmt.Fprintf(w, "| %s |", row.label())
			for _, name := range names {
				printTimes(w, row.results[name], row.results["imap"], m.of, name)
			}
			fmt.Fprintln(w)
		}
	}
	printShares(w, rows, names)
}

// printShares prints the CPU time of the client as a part of the server's. The goal of the initial sync is a tenth.
func printShares(w io.Writer, rows []realRow, names []string) {
	fmt.Fprint(w, "\nCPU time of the client for 100 of the server\n\n| workload |")
	printHead(w, names)
	for _, row := range rows {
		if row.n == 0 {
			continue
		}
		fmt.Fprintf(w, "| %s |", row.label())
		for _, name := range names {
			r := row.results[name]
			if r == nil || r.Server == 0 {
				fmt.Fprint(w, " – |")
				continue
			}
			fmt.Fprintf(w, " %.1f |", 100*float64(r.CPU)/float64(r.Server))
		}
		fmt.Fprintln(w)
	}
}

func (row realRow) label() string {
	if row.n == 0 {
		return row.title
	}
	return row.title + " × " + strconv.Itoa(row.n)
}
