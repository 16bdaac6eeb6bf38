package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-imaplib/imap/internal/realserver"
)

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	code := m.Run()
	if err := realserver.StopAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// smokeSizes are small, and reach across buffers and pages where that matters.
var smokeSizes = map[string]int{"stream": 200 << 10, "append": 200 << 10, "bodies": 20, "search": 5000, "sparse": 5000, "esearch": 5000}

func smokeSize(w *workload) int { return cmp.Or(smokeSizes[w.name], 250) }

// TestWorkloads runs this library on every workload, in this process.
func TestWorkloads(t *testing.T) {
	for _, w := range workloads {
		n := smokeSize(w)
		l, err := listen(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go newCannedServer(w, n).serve(l)
		for _, name := range []string{"imap", "stream", "raw", "scan"} {
			t.Run(w.name+"/"+name, func(t *testing.T) {
				c := clients[name]()
				if err := c.open(anybody(l.Addr().String())); err != nil {
					t.Fatal(err)
				}
				defer c.close()
				r, err := c.run(w.name, n)
				if errors.Is(err, errNotMeasured) && (name == "stream" || name == "scan") {
					return
				}
				if err == nil {
					err = w.expected(n).check(&r)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestProcesses runs every client in a process of its own, as the table does: measure fails when one delivers other than
// it should.
func TestProcesses(t *testing.T) {
	t.Setenv("GORACE", "exitcode=0") // the races of the peers are not ours to report
	names := present(clientNames)
	for _, name := range []string{"envelope", "bodies", "append"} {
		w, err := findWorkload(name)
		if err != nil {
			t.Fatal(err)
		}
		row, err := measure(w, smokeSize(w), names, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"imap", "v2", "v1", "raw"} {
			if r := row.results[name]; r == nil || r.CPU <= 0 {
				t.Errorf("%s, %s: %+v", w.name, name, r)
			}
		}
	}
}

// TestSumsAreChecked: a run that delivered something else is no measurement.
func TestSumsAreChecked(t *testing.T) {
	want := expect(flagRows, 10)
	for _, r := range []result{
		{Items: 9, Sum: want.Sum}, {Items: 10, Sum: want.Sum + 1}, {Items: 10, Bytes: want.Bytes - 1}, {Items: -1, Bytes: 1},
	} {
		if want.check(&r) == nil {
			t.Errorf("%+v passes for %+v", r, want)
		}
	}
	if err := want.check(&result{Items: 10, Sum: want.Sum}); err != nil {
		t.Error(err)
	}
}

// TestSameSet: the three forms of a search result have the same numbers.
func TestSameSet(t *testing.T) {
	if a, b := expect(searchNumbers, 3000), expect(searchRanges, 3000); a.Sum != b.Sum {
		t.Errorf("SEARCH %d, ESEARCH %d", a.Sum, b.Sum)
	}
}

func TestTable(t *testing.T) {
	w, err := findWorkload("flags")
	if err != nil {
		t.Fatal(err)
	}
	r := row{w, 100, map[string]*result{
		"imap": {CPU: 10, Allocs: 300}, "v2": {CPU: 100, Allocs: 1000}, "v1": {CPU: 200}, "imaplib": {CPU: 1, Allocs: -1}, "raw": {CPU: 2},
	}}
	var out strings.Builder
	printCPU(&out, []row{r}, clientNames)
	printMemory(&out, []row{r}, clientNames)
	printVerdicts(&out, []row{r})
	for _, want := range []string{"(10.00)", "go-imap v2", "| met |", "missed by 50 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
	if slices.Contains(w.peers(), "imaplib") {
		t.Error("imaplib does not parse flags")
	}
}
