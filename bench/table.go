package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// tableMain measures and prints the table of ratios.
func tableMain(args []string) error {
	flags := flag.NewFlagSet("table", flag.ExitOnError)
	run := flags.String("run", "", "only the workloads whose name matches `regexp`")
	only := flags.String("clients", strings.Join(clientNames, ","), "the clients to measure")
	rounds := flags.Int("rounds", 5, "how often each is measured; the median counts")
	scale := flags.Float64("scale", 1, "of the number of items")
	flags.Parse(args)
	match, err := regexp.Compile(*run)
	if err != nil {
		return err
	}
	names := present(strings.Split(*only, ","))
	describeMachine(os.Stdout)
	var rows []row
	for _, w := range workloads {
		if !match.MatchString(w.name) {
			continue
		}
		r, err := measure(w, max(int(float64(w.n)**scale), 1), names, *rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s done\n", w.name)
		rows = append(rows, r)
	}
	printCPU(os.Stdout, rows, names)
	printMemory(os.Stdout, rows, names)
	printVerdicts(os.Stdout, rows)
	return nil
}

// present leaves imaplib out if it is not installed.
func present(names []string) []string {
	if havePython() {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "imaplib" })
}

// row is one workload measured: for each client the median of the rounds.
type row struct {
	w       *workload
	n       int
	results map[string]*result
}

// measure runs each client once in each round, so that what else the machine does meets all of them.
func measure(w *workload, n int, names []string, rounds int) (row, error) {
	want := w.expected(n)
	server, err := startServer("serve", w.name, n)
	if err != nil {
		return row{}, err
	}
	defer server.stop()
	all := make(map[string][]*result)
	for range rounds {
		for _, name := range names {
			r, err := runClient(w.name, n, name, anybody(server.addr))
			if err != nil {
				return row{}, err
			}
			if r == nil {
				continue
			}
			if err := want.check(r); err != nil {
				return row{}, fmt.Errorf("%s with %s: %w", w.name, name, err)
			}
			all[name] = append(all[name], r)
		}
	}
	out := row{w, n, make(map[string]*result)}
	for name, list := range all {
		out.results[name] = median(list)
	}
	return out, nil
}

// median takes the median of each measure by itself.
func median(list []*result) *result {
	m := *list[0]
	m.CPU = middle(list, func(r *result) time.Duration { return r.CPU })
	m.Sys = middle(list, func(r *result) time.Duration { return r.Sys })
	m.Wall = middle(list, func(r *result) time.Duration { return r.Wall })
	m.Server = middle(list, func(r *result) time.Duration { return r.Server })
	m.Allocs = middle(list, func(r *result) int64 { return r.Allocs })
	m.Alloc = middle(list, func(r *result) int64 { return r.Alloc })
	m.Peak = middle(list, func(r *result) int64 { return r.Peak })
	return &m
}

func middle[T cmp.Ordered](list []*result, of func(*result) T) T {
	values := make([]T, len(list))
	for i, r := range list {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// titles of the columns.
var titles = map[string]string{"imap": "imap", "stream": "imap FetchStream", "go": "imap, Pipeline.Go", "wide": "imap, MaxPipelined 1000",
	"deflate": "imap, COMPRESS", "v2": "go-imap v2", "v1": "go-imap v1",
	"imaplib": "imaplib", "raw": "raw", "scan": "scan"}

// printCPU prints milliseconds of CPU time, and each peer as a multiple of this library.
func printCPU(w io.Writer, rows []row, names []string) {
	fmt.Fprintf(w, "\nCPU time of the client in ms (in parentheses: as a multiple of imap)\n\n| workload |")
	printHead(w, names)
	for _, row := range rows {
		fmt.Fprintf(w, "| %s × %d |", row.w.title, row.n)
		for _, name := range names {
			printTimes(w, row.results[name], row.results["imap"], cpuOf, name)
		}
		fmt.Fprintln(w)
	}
}

func cpuOf(r *result) time.Duration { return r.CPU }

// printTimes prints one cell: milliseconds, and as a multiple of this library.
func printTimes(w io.Writer, r, ours *result, of func(*result) time.Duration, name string) {
	switch {
	case r == nil:
		fmt.Fprint(w, " – |")
	case name == "imap" || ours == nil || of(ours) == 0:
		fmt.Fprintf(w, " **%.1f** |", ms(of(r)))
	default:
		fmt.Fprintf(w, " %.1f (%.2f) |", ms(of(r)), float64(of(r))/float64(of(ours)))
	}
}

func printHead(w io.Writer, names []string) {
	for _, name := range names {
		fmt.Fprintf(w, " %s |", titles[name])
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---:|", len(names)))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// printMemory prints allocations and bytes an item, and by how much the process grew.
func printMemory(w io.Writer, rows []row, names []string) {
	fmt.Fprintf(w, "\nAllocations an item, octets allocated an item, growth of the process in MiB at its peak\n\n| workload |")
	printHead(w, names)
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |", row.w.title)
		items := float64(row.w.items(row.n))
		for _, name := range names {
			r := row.results[name]
			switch {
			case r == nil:
				fmt.Fprint(w, " – |")
			case r.Allocs < 0:
				fmt.Fprintf(w, " ? ? %.1f |", mib(r.Peak))
			default:
				fmt.Fprintf(w, " %s %s %.1f |", short(float64(r.Allocs)/items), short(float64(r.Alloc)/items), mib(r.Peak))
			}
		}
		fmt.Fprintln(w)
	}
}

func mib(octets int64) float64 { return float64(octets) / (1 << 20) }

func short(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// peers are the clients that a target is measured against. imaplib is one only where the result is bytes or nothing: of
// all else it hands out the text, and parsing it is left to the caller.
func (w *workload) peers() []string {
	switch w.name {
	case "stream", "bodies", "noop", "append":
		return []string{"v2", "v1", "imaplib"}
	}
	return []string{"v2", "v1"}
}

// printVerdicts prints for each target whether it is met.
func printVerdicts(w io.Writer, rows []row) {
	fmt.Fprintf(w, "\nTargets\n\n| workload | measure | target | measured | |\n|---|---|---:|---:|---|\n")
	for _, row := range rows {
		for _, v := range row.verdicts() {
			word := "met"
			if v.measured > v.target {
				word = fmt.Sprintf("missed by %.0f %%", 100*(v.measured/v.target-1))
			}
			fmt.Fprintf(w, "| %s | %s | %.3g | %.3g | %s |\n", row.w.title, v.measure, v.target, v.measured, word)
		}
	}
}

type verdict struct {
	measure          string
	target, measured float64
}

func (row row) verdicts() (list []verdict) {
	ours, t := row.results["imap"], row.w.target
	if ours == nil {
		return nil
	}
	if best := row.bestPeer(); t.toPeer > 0 && best != "" {
		list = append(list, verdict{"CPU / best peer (" + titles[best] + ")", t.toPeer, float64(ours.CPU) / float64(row.results[best].CPU)})
	}
	if raw := row.results["raw"]; t.toRaw > 0 && raw != nil {
		list = append(list, verdict{"CPU / raw", t.toRaw, float64(ours.CPU) / float64(raw.CPU)})
	}
	if t.perItem > 0 {
		list = append(list, verdict{"CPU µs an item", float64(t.perItem) / 1e3, float64(ours.CPU) / 1e3 / float64(row.n)})
	}
	if t.allocs > 0 {
		list = append(list, verdict{"allocations an item", t.allocs, float64(ours.Allocs) / float64(row.w.items(row.n))})
	}
	if t.peak > 0 {
		list = append(list, verdict{"growth in MiB", mib(t.peak), mib(ours.Peak)})
	}
	return list
}

// bestPeer is the fastest of the others.
func (row row) bestPeer() string {
	best := ""
	for _, name := range row.w.peers() {
		if r := row.results[name]; r != nil && (best == "" || r.CPU < row.results[best].CPU) {
			best = name
		}
	}
	return best
}
