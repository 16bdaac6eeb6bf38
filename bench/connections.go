package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// held is what a process holds more than before it had connections.
type held struct {
	Heap       int64 // bytes of values on the heap
	Stacks     int64 // bytes of the stacks of goroutines
	Goroutines int64
	RSS        int64 // bytes of the process, as the kernel sees it
}

// moments are when a process with connections is looked at, in order.
var moments = [...]string{"at rest", "in IDLE", "in IDLE, after an event"}

// holding is what a process held at each of the moments.
type holding [len(moments)]held

// connectionsMain measures what connections hold and prints the tables.
func connectionsMain(args []string) error {
	flags := flag.NewFlagSet("connections", flag.ExitOnError)
	only := flags.String("clients", strings.Join(holderNames, ","), "the clients to measure")
	rounds := flags.Int("rounds", 3, "how often each is measured; the median counts")
	plain := flags.Int("plain", 5_000, "how many connections over plain TCP")
	secure := flags.Int("tls", 1_000, "how many connections over TLS")
	flags.Parse(args)
	describeMachine(os.Stdout)
	names := strings.Split(*only, ",")
	for _, c := range []crowding{{"plain TCP", false, *plain}, {"TLS", true, *secure}} {
		all, err := c.measure(names, *rounds)
		if err != nil {
			return fmt.Errorf("%d connections over %s: %w", c.n, c.title, err)
		}
		c.print(os.Stdout, all, names)
		c.printVerdicts(os.Stdout, all)
	}
	return nil
}

// crowding is how many connections, and of which kind.
type crowding struct {
	title  string
	secure bool
	n      int
}

// measure holds so many connections with each client in turn, in a process of its own, the server in another.
func (c crowding) measure(names []string, rounds int) (map[string]holding, error) {
	if err := enoughFiles(c.n); err != nil {
		return nil, err
	}
	server, err := startServer("crowd")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	all := make(map[string][]holding)
	for range rounds {
		for _, name := range names {
			h, err := c.hold(name, server.addr)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all[name] = append(all[name], h)
		}
	}
	result := make(map[string]holding)
	for name, list := range all {
		result[name] = medianHolding(list)
	}
	return result, nil
}

// spareFiles are what a process opens in addition to the connections.
const spareFiles = 50

// enoughFiles reports an error if the system does not let a process open so many connections. The runtime raises the soft
// limit to the hard one when a process starts.
func enoughFiles(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if uint64(limit.Max) < uint64(n+spareFiles) {
		return fmt.Errorf("a process may open no more than %d files here (ulimit -Hn)", limit.Max)
	}
	return nil
}

func (c crowding) hold(name, server string) (h holding, err error) {
	transport := "plain"
	if c.secure {
		transport = "tls"
	}
	cmd, err := child("hold", name, transport, c.n, server)
	if err != nil {
		return h, err
	}
	out, err := cmd.Output()
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(out, &h)
}

// medianHolding takes the median of each measure by itself.
func medianHolding(list []holding) (h holding) {
	for i := range h {
		of := func(value func(held) int64) int64 {
			values := make([]int64, len(list))
			for j, one := range list {
				values[j] = value(one[i])
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		h[i] = held{
			Heap:       of(func(h held) int64 { return h.Heap }),
			Stacks:     of(func(h held) int64 { return h.Stacks }),
			Goroutines: of(func(h held) int64 { return h.Goroutines }),
			RSS:        of(func(h held) int64 { return h.RSS }),
		}
	}
	return h
}

// ---- the tables

// each tells what of it falls to one of n connections.
func each(of int64, n int) float64 { return float64(of) / float64(n) }

func kib(octets int64, n int) float64 { return each(octets, n) / 1024 }

func (c crowding) print(w io.Writer, all map[string]holding, names []string) {
	fmt.Fprintf(w, "\n%d connections over %s, KiB for each\n\n", c.n, c.title)
	fmt.Fprintln(w, "| | client | heap | stacks | together | goroutines | growth of the process |\n|---|---|---:|---:|---:|---:|---:|")
	for i, moment := range moments {
		for _, name := range names {
			h := all[name][i]
			fmt.Fprintf(w, "| %s | %s | %.2f | %.2f | **%.2f** | %.2f | %.1f |\n", moment, holderTitles[name], kib(h.Heap, c.n), kib(h.Stacks, c.n),
				kib(h.Heap+h.Stacks, c.n), each(h.Goroutines, c.n), kib(h.RSS, c.n))
		}
	}
}

// restTargets are those of a connection over plain TCP, at each of the moments. Over TLS they are for what is beyond the
// tls.Conn, that is beyond raw.
var restTargets = [...]struct{ kib, goroutines float64 }{{6, 0}, {8, 1}, {8, 1}}

// printVerdicts prints for each target whether this library meets it.
func (c crowding) printVerdicts(w io.Writer, all map[string]holding) {
	ours, ok := all["imap"]
	raw, measured := all["raw"]
	if !ok || c.secure && !measured {
		return
	}
	fmt.Fprintf(w, "\nTargets over %s\n\n| | measure | target | measured | |\n|---|---|---:|---:|---|\n", c.title)
	line := func(i int, measure string, target, measured float64) {
		word := "met"
		if measured > target {
			word = "missed"
		}
		fmt.Fprintf(w, "| %s | %s | %.3g | %.3g | %s |\n", moments[i], measure, target, measured, word)
	}
	for i, t := range restTargets {
		h, of := ours[i], "KiB"
		if c.secure {
			h.Heap, h.Stacks, of = h.Heap-raw[i].Heap, h.Stacks-raw[i].Stacks, "KiB beyond a bare tls.Conn"
		}
		line(i, of+", heap and stacks", t.kib, kib(h.Heap+h.Stacks, c.n))
		line(i, "goroutines", t.goroutines, each(h.Goroutines, c.n))
	}
}
