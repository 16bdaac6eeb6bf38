package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crossSearches are the searches of testdata/crosscheck.py, by the text that it gives them.
func crossSearches() map[string]imap.Query {
	w := imap.Where
	day := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	return map[string]imap.Query{
		"ALL": w(), "SEEN": w().Seen(), "NOT FLAGGED": w().Not(w().Flagged()), "KEYWORD $Label": w().Keyword("$Label"),
		`SUBJECT "generated 1"`: w().Subject("generated 1"), `FROM "example.org"`: w().From("example.org"), `TO "list"`: w().To("list"),
		"LARGER 4000": w().Larger(4000), "SMALLER 600": w().Smaller(600),
		"SINCE 1-Jan-2010": w().Since(day(2010)), "BEFORE 1-Jan-2005": w().Before(day(2005)),
		`BODY "number 77 "`: w().Body("number 77 "), `TEXT "generated 25"`: w().Text("generated 25"),
		`HEADER "X-Group" "3"`:   w().Header("X-Group", "3"),
		"OR FLAGGED SMALLER 500": w().Or(w().Flagged(), w().Smaller(500)),
		"100:200 UNSEEN":         w().In(imap.SeqRange(100, 200)).Unseen(),
	}
}

var crossSorts = map[string][]imap.SortKey{
	"(ARRIVAL)": {{Name: "ARRIVAL"}}, "(REVERSE SIZE)": {{Name: "SIZE", Reverse: true}}, "(SUBJECT)": {{Name: "SUBJECT"}}, "(DATE)": {{Name: "DATE"}},
}

// crossView is what one server holds, as this client reads it.
type crossView struct {
	messages []crossFacts
	found    map[string][]int // searches and sorts, by sequence number
}

// crossDiffs counts differences: the numbers of the messages by what differs.
type crossDiffs map[string][]int

// TestCrossCheck stores the same 500 messages on each server. The results of the client are compared between the servers,
// and on each server with those of Python's imaplib and email for the same bytes.
func TestCrossCheck(t *testing.T) {
	var mu sync.Mutex
	views, seen := map[string]*crossView{}, map[string]crossDiffs{}
	messages := crossMailbox(t)
	t.Run("on", func(t *testing.T) {
		for _, name := range append(faultServers(), imaptestName) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, getTarget(t, name), plain)
				box := e.crossStore(messages)
				view := e.crossLook(box)
				python := e.crossPython(box, view)
				mu.Lock()
				defer mu.Unlock()
				views[name] = view
				seen["python on "+name] = python
			})
		}
	})
	if t.Failed() || views["dovecot"] == nil {
		return
	}
	for name, view := range views {
		if name != "dovecot" {
			seen["dovecot and "+name] = view.diff(views["dovecot"])
		}
	}
	explained(t, seen)
}

// crossStore stores the messages. One that a server refuses is replaced by a note.
func (e *env) crossStore(messages []crossMessage) (box string) {
	e.Helper()
	box = e.box()
	for i, m := range messages {
		opts := &imap.AppendOptions{Flags: m.flags, InternalDate: m.date}
		_, err := e.client().Append(e.ctx(), box, imap.LiteralString(m.text), opts)
		if err != nil {
			_, err = e.client().Append(e.ctx(), box, imap.LiteralString(note(fmt.Sprintf("refused %d", i))), opts)
		}
		require.NoError(e, err)
	}
	return box
}

// crossLook fetches everything.
func (e *env) crossLook(box string) *crossView {
	e.Helper()
	st, err := e.client().Status(e.ctx(), box, imap.StatusMessages, imap.StatusUnseen, imap.StatusUIDNext)
	require.NoError(e, err)
	require.EqualValues(e, crossMessages, *st.Messages)
	uids := e.selectBox(box)
	require.Len(e, uids, crossMessages)
	view := &crossView{messages: e.crossRead(), found: map[string][]int{}}
	number := map[imap.UID]int{}
	for i, uid := range uids {
		number[uid] = i + 1
	}
	keep := func(name string, uids []imap.UID) {
		for _, uid := range uids {
			view.found[name] = append(view.found[name], number[uid])
		}
	}
	for name, q := range crossSearches() {
		keep(name, e.search(q))
	}
	require.Len(e, view.found["100:200 UNSEEN"], len(slices.DeleteFunc(slices.Clone(view.messages[99:200]), func(f crossFacts) bool {
		return strings.Contains(f["flags"], `\Seen`)
	})))
	if e.offers("SORT") {
		for name, keys := range crossSorts {
			sorted, err := e.client().Sort(e.ctx(), keys, imap.Where())
			require.NoError(e, err)
			require.Len(e, sorted, crossMessages)
			keep(name, sorted)
		}
	}
	return view
}

// diff compares two servers.
func (v *crossView) diff(other *crossView) crossDiffs {
	diffs := crossDiffs{}
	for i, f := range v.messages {
		for name, value := range other.messages[i] {
			if mine, ok := f[name]; ok && mine != value {
				diffs[name] = append(diffs[name], i)
			}
		}
	}
	for name, found := range other.found {
		mine, ok := v.found[name]
		if !ok && crossSorts[name] != nil || slices.Equal(mine, found) {
			continue
		}
		diffs[name] = []int{}
		for n := range crossMessages {
			if slices.Contains(mine, n+1) != slices.Contains(found, n+1) {
				diffs[name] = append(diffs[name], n)
			}
		}
	}
	return diffs
}

// pythonRow is a line of the output of testdata/crosscheck.py.
type pythonRow struct {
	UID          imap.UID
	Size         int64
	Flags        []string
	InternalDate int64
	Whole        string
	Subject      string
	MessageID    string `json:"message-id"`
	From, To     []string
	Leaves       []struct{ Type, Payload string }

	Search, Sort string
	UIDs         []int
}

// crossPython compares the view of a mailbox with Python's.
func (e *env) crossPython(box string, view *crossView) crossDiffs {
	python, err := exec.LookPath("python3")
	if err != nil {
		e.Logf("no Python to compare with: %v", err)
		return nil
	}
	host, port, err := net.SplitHostPort(e.target.addr)
	require.NoError(e, err)
	cmd := exec.CommandContext(e.ctx(), python, "testdata/crosscheck.py", host, port, e.user, box)
	cmd.Env = append(os.Environ(), "CROSSCHECK_PASSWORD="+e.password, "PYTHONDONTWRITEBYTECODE=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(e, err, errs.String())
	diffs, first := crossDiffs{}, imap.UID(0)
	i := 0
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var row pythonRow
		require.NoError(e, d.Decode(&row))
		switch name := row.Search + row.Sort; {
		case name == "":
			if first == 0 {
				first = row.UID
			}
			for _, what := range view.messages[i].differs(&row) {
				diffs[what] = append(diffs[what], i)
			}
			i++
		default: // the UIDs of a new mailbox follow one another
			for j := range row.UIDs {
				row.UIDs[j] -= int(first) - 1
			}
			if row.Search != "" {
				slices.Sort(row.UIDs)
			}
			require.Equal(e, row.UIDs, append([]int{}, view.found[name]...), "python: %s", name)
		}
	}
	require.Equal(e, crossMessages, i)
	return diffs
}

// differs names what Python reads differently in a message.
func (f crossFacts) differs(row *pythonRow) (names []string) {
	slices.Sort(row.Flags)
	for name, value := range map[string]string{
		"size": fmt.Sprint(row.Size), "flags": strings.Join(row.Flags, " "), "whole": row.Whole, "subject": row.Subject, "message-id": row.MessageID,
		"internal date": time.Unix(row.InternalDate, 0).UTC().Format(time.RFC3339),
	} {
		if f[name] != value {
			names = append(names, name)
		}
	}
	for name, list := range map[string][]string{"from": row.From, "to": row.To} {
		for _, address := range list {
			mailbox, host, _ := strings.Cut(address, "@")
			if !strings.Contains(f[name], fmt.Sprintf("%q %q}", mailbox, host)) {
				names = append(names, name)
				break
			}
		}
	}
	for _, leaf := range row.Leaves {
		if !strings.Contains(f["structure"], " "+leaf.Type+";") {
			names = append(names, "structure")
			break
		}
	}
	for _, leaf := range row.Leaves {
		if f["binary"] != "" && leaf.Payload != "" && !strings.Contains(f["binary"], leaf.Payload) {
			names = append(names, "binary")
			break
		}
	}
	slices.Sort(names)
	return names
}

// A crossDifference is a known difference: why something differs, and for how many messages.
type crossDifference struct {
	between string // two servers, or Python and a server
	about   string
	count   int
	why     string
}

// explained compares the differences with the table: each needs a reason, and each reason a difference.
func explained(t *testing.T, seen map[string]crossDiffs) {
	expected := map[string]bool{}
	for _, d := range crossDifferences {
		expected[d.between+" "+d.about] = true
		diffs, ran := seen[d.between]
		if !ran || strings.HasPrefix(d.between, "python") && diffs == nil {
			continue
		}
		got, ok := diffs[d.about]
		assert.True(t, ok, "%s: %s does not differ any more", d.between, d.about)
		assert.Len(t, got, d.count, "%s: %s: %v", d.between, d.about, got)
		assert.NotEmpty(t, d.why)
	}
	for _, between := range slices.Sorted(maps.Keys(seen)) {
		for _, about := range slices.Sorted(maps.Keys(seen[between])) {
			list := seen[between][about]
			assert.True(t, expected[between+" "+about], "%s: %s differs for %d messages: %v", between, about, len(list), list)
		}
	}
}
