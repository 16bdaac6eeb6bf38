package interop_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/interop.md")

const matrixFile = "../../docs/interop.md"

// A cell is the result of a method on a server over a transport.
type cell struct {
	word      string
	deviation string // its name in the table of deviations, or empty
}

// The words of the matrix.
var (
	works    = cell{word: "ok"}          // it does what its documentation promises; the result was checked
	fallback = cell{word: "fallback"}    // without the capability, by the means that the documentation names
	missing  = cell{word: "not offered"} // errors.ErrUnsupported, and nothing was sent
	loggedIn = cell{word: "logged in"}   // the connection is logged in from the start: a StateError, and nothing was sent
	unknown  = cell{word: "unknown"}     // the server does not know the command, for which there is no capability
	refuses  = cell{word: "refused"}     // the server offers it and does not do it: see the deviation
	apart    = cell{word: "–"}           // belongs to another transport
)

// except is a result that deviates as listed under name in the table of deviations.
func (c cell) except(name string) cell {
	c.deviation = name
	return c
}

// A row is a method, or a function, in the matrix. run checks that it does what its documentation promises on the server of e.
type row struct {
	method string // the exported name
	what   string // which use of it, where there are several
	run    func(e *env) cell
}

func (r row) name() string {
	if r.what == "" {
		return r.method
	}
	return r.method + ", " + r.what
}

func allRows() []row {
	return slices.Concat(connectionRows, loginRows, mailboxRows, messageRows, searchRows, extensionRows, moreRows)
}

// unsupported checks that a call fails with errors.ErrUnsupported before anything is sent.
func (e *env) unsupported(call func() error) cell {
	e.Helper()
	before := e.shared.sent.Load()
	err := call()
	require.ErrorIs(e, err, errors.ErrUnsupported)
	require.Equal(e, before, e.shared.sent.Load(), "bytes were sent")
	require.True(e, imap.SafeToRetry(err))
	return missing
}

// refusesState checks that a call fails with a StateError before anything is sent.
func (e *env) refusesState(call func() error) cell {
	e.Helper()
	before := e.shared.sent.Load()
	var state *imap.StateError
	require.ErrorAs(e, call(), &state)
	require.Equal(e, before, e.shared.sent.Load(), "bytes were sent")
	return loggedIn
}

// unknownTo checks that the server refused a command that it does not know.
func (e *env) unknownTo(err error) cell {
	e.Helper()
	var refusal *imap.Error
	require.ErrorAs(e, err, &refusal)
	return unknown
}

// matrix holds the cells of the servers that ran.
type matrix struct {
	mu       sync.Mutex
	cells    map[string]map[string]cell // by row and column
	versions map[string]string
	has      map[string][]string // transports
}

func column(server, transport string) string { return server + " " + transport }

func (m *matrix) set(r row, server, transport string, c cell) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cells[r.name()] == nil {
		m.cells[r.name()] = map[string]cell{}
	}
	m.cells[r.name()][column(server, transport)] = c
}

// TestMatrix runs every method on every server over every transport, and compares what came out with docs/interop.md.
func TestMatrix(t *testing.T) {
	m := &matrix{cells: map[string]map[string]cell{}, versions: map[string]string{}, has: map[string][]string{}}
	t.Run("on", func(t *testing.T) {
		for _, name := range targetNames() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				m.server(t, name)
			})
		}
	})
	if t.Failed() {
		return
	}
	if *update {
		require.NoError(t, os.WriteFile(matrixFile, []byte(m.document()), 0o644))
		return
	}
	m.compare(t)
}

func (m *matrix) server(t *testing.T, name string) {
	target := getTarget(t, name)
	var has []string
	for _, transport := range transports {
		if target.has(transport) {
			has = append(has, transport)
		}
	}
	m.mu.Lock()
	m.versions[name], m.has[name] = target.version, has
	m.mu.Unlock()
	for _, transport := range has {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			m.column(newEnv(t, target, transport))
		})
	}
}

func (m *matrix) column(e *env) {
	defer e.showLog()
	for _, r := range allRows() {
		e.Run(r.name(), func(t *testing.T) {
			e := e.with(t)
			t.Cleanup(func() { e.showTrace(e.shared.trace) })
			c := r.run(e)
			if c.deviation != "" {
				e.deviates(c.deviation)
			}
			m.set(r, e.target.name, e.transport, c)
		})
	}
}

// TestEveryMethodIsARow fails when the client has a method, or the contract a way to connect, that the matrix lacks.
func TestEveryMethodIsARow(t *testing.T) {
	have := map[string]bool{"Response": true} // the former name of LastData
	for _, r := range allRows() {
		have[r.method] = true
	}
	client := reflect.TypeFor[*imap.Client]()
	for m := range client.Methods() {
		assert.True(t, have[m.Name], "the matrix has no row for %s", m.Name)
	}
	for _, name := range []string{"DialTLS", "DialStartTLS", "DialInsecure", "DialStream", "NewClient"} {
		assert.True(t, have[name], "the matrix has no row for %s", name)
	}
	names := map[string]bool{}
	for _, r := range allRows() {
		assert.False(t, names[r.name()], "two rows are called %s", r.name())
		names[r.name()] = true
	}
}

// ---- the document

// text is what one server's cells of a row look like: one word where all transports agree.
func (m *matrix) text(r row, server string) string {
	row := m.cells[r.name()]
	var order []string
	by := map[string][]string{}
	for _, transport := range m.has[server] {
		c := row[column(server, transport)]
		if c == apart {
			continue
		}
		text := c.word
		if c.deviation != "" {
			text += " [" + c.deviation + "](#" + c.deviation + ")"
		}
		if by[text] == nil {
			order = append(order, text)
		}
		by[text] = append(by[text], transport)
	}
	switch len(order) {
	case 0:
		return apart.word
	case 1:
		return order[0]
	}
	for i, text := range order {
		order[i] = strings.Join(by[text], ", ") + ": " + text
	}
	return strings.Join(order, "; ")
}

func (m *matrix) rowLine(r row) string {
	line := "| " + r.method
	if r.what != "" {
		line += " (" + r.what + ")"
	}
	for _, server := range targetNames() {
		if m.has[server] == nil {
			line += " | not run"
			continue
		}
		line += " | " + m.text(r, server)
	}
	return line + " |\n"
}

func (m *matrix) document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	for _, server := range targetNames() {
		version := "not found where this page was made"
		if v := m.versions[server]; v != "" {
			version = v
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", server, version, strings.Join(m.has[server], ", "))
	}
	b.WriteString(documentWords)
	b.WriteString("\n| | " + strings.Join(targetNames(), " | ") + " |\n|" + strings.Repeat("---|", len(targetNames())+1) + "\n")
	for _, r := range allRows() {
		b.WriteString(m.rowLine(r))
	}
	b.WriteString(documentDeviations)
	for _, name := range deviationNames() {
		d := deviations[name]
		fmt.Fprintf(&b, "\n### %s\n\n%s: %s\n", name, strings.Join(d.servers, ", "), d.text)
	}
	b.WriteString(documentCross)
	for _, d := range crossDifferences {
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", d.between, d.about, d.count, d.why)
	}
	return b.String()
}

const documentCross = `
## The same messages on each server

TestCrossCheck stores 500 messages, 49 of them real, on each server. What List, Status, Fetch, Search and Sort return is
compared between Dovecot and each other server, and on each server with what Python's imaplib and email return for the same
bytes. Searches and sorts agree with Python's without exception. These are the differences, with the number of messages;
message 19 is one that Cyrus refuses to store, because of an invalid header.

| between | what | messages | why |
|---|---|---|---|
`

const documentHead = `# Interoperability

What every method does on real servers. This page is made by

    go test ./internal/interop -run TestMatrix -update

which starts the servers itself; the same test, in every run, fails when a cell has changed. Servers that are not
installed are left out of a run, unless IMAP_REQUIRE_SERVERS=1.

## Servers

| server | version | transports |
|---|---|---|
`

const documentWords = `
The stream is a child process that speaks IMAP over its standard input and output, logged in from the start.

## Methods

ok: it did what its documentation promises, and the result was checked. fallback: the server lacks the capability, and the
documented fallback gave the checked result. not offered: the server lacks the capability; the call failed with
errors.ErrUnsupported and sent nothing. logged in: the connection is logged in from the start; the call failed with a
StateError and sent nothing. unknown: the server refused a command for which there is no capability. refused: the server
offers it and does not do it. –: belongs to another transport. A name leads to the deviation that the test expects.
`

const documentDeviations = `
## Deviations

What these servers do differently from the RFCs, or from one another, and what the client makes of it. Each is expected by
a test under its name, so that a server that changes is noticed.
`

// compare checks that the document agrees with the results of the servers that ran. Versions may differ.
func (m *matrix) compare(t *testing.T) {
	text, err := os.ReadFile(matrixFile)
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	for _, r := range allRows() {
		want := strings.Split(strings.TrimSpace(m.rowLine(r)), " | ")
		i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, want[0]+" | ") })
		if !assert.GreaterOrEqual(t, i, 0, "docs/interop.md lacks %q", want[0]) {
			continue
		}
		got := strings.Split(lines[i], " | ")
		require.Len(t, got, len(want))
		for j, server := range targetNames() {
			if m.has[server] != nil {
				assert.Equal(t, strings.TrimSuffix(want[j+1], " |"), strings.TrimSuffix(got[j+1], " |"),
					"docs/interop.md: %s on %s has changed", r.name(), server)
			}
		}
	}
	for _, name := range deviationNames() {
		assert.Contains(t, string(text), "\n### "+name+"\n", "docs/interop.md lacks a deviation")
	}
}
