package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scaleMain measures what large mailboxes and many connections cost, at several sizes each, and prints the tables.
func scaleMain(args []string) error {
	flags := flag.NewFlagSet("scale", flag.ExitOnError)
	messages := flags.String("messages", "10000,100000,1000000", "sizes of the mailbox that is mirrored")
	connections := flags.String("connections", "1000,3000,10000", "how many connections are watched")
	rounds := flags.Int("rounds", 3, "how often each is measured; the median counts")
	flags.Parse(args)
	describeMachine(os.Stdout)
	boxes, err := sizes(*messages, 2*(changedMessages+movedMessages))
	if err != nil {
		return err
	}
	mirrored, err := measureMirrors(boxes, *rounds)
	if err != nil {
		return err
	}
	printMirrors(os.Stdout, mirrored)
	crowds, err := sizes(*connections, 1)
	if err != nil {
		return err
	}
	watched, err := measureWatches(crowds, *rounds)
	if err != nil {
		return err
	}
	printWatches(os.Stdout, watched)
	return nil
}

// sizes parses numbers in ascending order, none of them below least.
func sizes(list string, least int) (all []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if all[0] < least || !slices.IsSorted(all) {
		return nil, fmt.Errorf("%q are not ascending sizes from %d on", list, least)
	}
	return all, nil
}

// inChild runs a role in a process of its own and decodes what it prints.
func inChild(to any, role ...any) error {
	cmd, err := child(role...)
	if err != nil {
		return err
	}
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%v: %w", role, err)
	}
	return json.Unmarshal(out, to)
}

// middleOf is the median of a measure.
func middleOf[R any, T cmp.Ordered](list []R, of func(R) T) T {
	values := make([]T, len(list))
	for i, r := range list {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ---- a mailbox that is mirrored

// mirrorRun is one run of Sync, with the FETCH of the flags of new messages.
type mirrorRun struct {
	result
	Held int64 // bytes on the heap when all is done: the state, for the program keeps the flags elsewhere
}

// mirrored are the first run from nothing, and a second one after few changes.
type mirrored struct {
	N             int
	First, Second mirrorRun
}

func measureMirrors(sizes []int, rounds int) (all []mirrored, err error) {
	for _, n := range sizes {
		var list []mirrored
		for range rounds {
			server, err := startServer("box", n)
			if err != nil {
				return nil, err
			}
			var m mirrored
			err = inChild(&m, "mirror", n, server.addr)
			server.stop()
			if err != nil {
				return nil, err
			}
			list = append(list, m)
		}
		middle := func(of func(mirrored) mirrorRun) mirrorRun {
			runs := make([]*result, len(list))
			for i, m := range list {
				r := of(m).result
				runs[i] = &r
			}
			return mirrorRun{*median(runs), middleOf(list, func(m mirrored) int64 { return of(m).Held })}
		}
		all = append(all, mirrored{n, middle(func(m mirrored) mirrorRun { return m.First }), middle(func(m mirrored) mirrorRun { return m.Second })})
		fmt.Fprintf(os.Stderr, "%d messages done\n", n)
	}
	return all, nil
}

func printMirrors(w io.Writer, all []mirrored) {
	fmt.Fprint(w, "\nA mailbox mirrored by Sync and FETCH FLAGS, for each of its messages\n\n"+
		"| messages | run | CPU in ns | bytes allocated | bytes held | growth of the process in MiB | CPU in ms, all |\n|---:|---|---:|---:|---:|---:|---:|\n")
	line := func(n int, name string, r mirrorRun) {
		fmt.Fprintf(w, "| %d | %s | %s | %s | %.2f | %.1f | %.1f |\n", n, name, short(each(int64(r.CPU), n)), short(each(r.Alloc, n)), each(r.Held, n), mib(r.Peak), ms(r.CPU))
	}
	for _, m := range all {
		line(m.N, "first", m.First)
		line(m.N, "second", m.Second)
	}
	if len(all) < 2 {
		return
	}
	small, large := all[len(all)-2], all[len(all)-1]
	fmt.Fprintf(w, "\n%d messages for %d, as a multiple of each: first run %.2f, second %.2f\n", large.N, small.N,
		growth(small.First.CPU, small.N, large.First.CPU, large.N), growth(small.Second.CPU, small.N, large.Second.CPU, large.N))
}

// growth is what a unit costs in the larger size as a multiple of what it costs in the smaller: 1 for a cost in proportion.
func growth(small time.Duration, n int, large time.Duration, m int) float64 {
	if small == 0 {
		return 0
	}
	return float64(large) / float64(small) * float64(n) / float64(m)
}

// ---- connections that are watched

// watched is a process with many connections that wait for events.
type watched struct {
	Kind           string // of the loop: idle or watch
	N              int
	Idle, Later    held          // waiting, before the events and after them
	Arrival, Flags time.Duration // CPU of one event: a message more, or new flags
}

var watchKinds = []string{"idle", "watch"}

var watchTitles = map[string]string{"idle": "Idle", "watch": "Watch"}

func measureWatches(sizes []int, rounds int) (all []watched, err error) {
	if err := enoughFiles(sizes[len(sizes)-1]); err != nil {
		return nil, err
	}
	for _, kind := range watchKinds {
		for _, n := range sizes {
			var list []watched
			for range rounds {
				server, err := startServer("box", watchedMessages)
				if err != nil {
					return nil, err
				}
				var one watched
				err = inChild(&one, "watch", kind, n, server.addr)
				server.stop()
				if err != nil {
					return nil, err
				}
				list = append(list, one)
			}
			all = append(all, medianWatch(list))
			fmt.Fprintf(os.Stderr, "%d connections in %s done\n", n, watchTitles[kind])
		}
	}
	return all, nil
}

// medianWatch takes the median of each measure by itself.
func medianWatch(list []watched) watched {
	of := func(value func(watched) int64) int64 { return middleOf(list, value) }
	holding := func(at func(watched) held) held {
		return held{
			Heap:       of(func(w watched) int64 { return at(w).Heap }),
			Stacks:     of(func(w watched) int64 { return at(w).Stacks }),
			Goroutines: of(func(w watched) int64 { return at(w).Goroutines }),
			RSS:        of(func(w watched) int64 { return at(w).RSS }),
		}
	}
	return watched{
		Kind: list[0].Kind, N: list[0].N,
		Idle:    holding(func(w watched) held { return w.Idle }),
		Later:   holding(func(w watched) held { return w.Later }),
		Arrival: time.Duration(of(func(w watched) int64 { return int64(w.Arrival) })),
		Flags:   time.Duration(of(func(w watched) int64 { return int64(w.Flags) })),
	}
}

func printWatches(w io.Writer, all []watched) {
	fmt.Fprint(w, "\nConnections watched, for each: KiB while it waits, before the events and after them, and CPU in µs of an event\n\n"+
		"| connections | loop | heap | stacks | goroutines | heap, later | stacks, later | a message more | new flags |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|\n")
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	for _, x := range all {
		fmt.Fprintf(w, "| %d | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f |\n", x.N, watchTitles[x.Kind], kib(x.Idle.Heap, x.N), kib(x.Idle.Stacks, x.N),
			each(x.Idle.Goroutines, x.N), kib(x.Later.Heap, x.N), kib(x.Later.Stacks, x.N), us(x.Arrival), us(x.Flags))
	}
}
