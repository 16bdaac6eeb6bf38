package main

import (
	"fmt"
	"time"
)

// workload is one row of the table.
type workload struct {
	name     string
	title    string
	n        int // items at scale 1
	per      int // items for which allocations are reported: n where 0
	generate generator
	caps     string // beyond IMAP4rev1
	huge     bool   // the server does not keep the answer in memory
	target   target
}

// target is what a workload should cost. CPU time is relative to other clients of the same run, since machines differ; 0
// means no target.
type target struct {
	toPeer  float64 // of the CPU time of the best peer of the same run
	toRaw   float64 // of the CPU time of raw
	allocs  float64 // an item, 0 for none
	peak    int64   // bytes, 0 for none
	perItem time.Duration
}

func ratio(ours, peer float64) target { return target{toPeer: ours / peer} }

func (t target) withAllocs(n float64) target { t.allocs = n; return t }

var workloads = []*workload{
	{name: "flags", title: "FETCH (UID FLAGS)", n: 100_000, generate: flagRows, target: ratio(30, 254).withAllocs(2)},
	{name: "envelope", title: "FETCH (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", n: 20_000, generate: envelopeRows, target: ratio(100, 493).withAllocs(10)},
	{name: "structure", title: "FETCH (UID BODYSTRUCTURE)", n: 10_000, generate: structureRows, target: ratio(42, 162).withAllocs(13)},
	{name: "stream", title: "one body of 256 MiB, streamed", n: 256 << 20, per: 1, generate: bigBody, huge: true, target: target{toRaw: 1.2, peak: 1 << 20}},
	{name: "bodies", title: "bodies of 20 KiB, as bytes", n: 5_000, generate: smallBodies, target: ratio(90, 145).withAllocs(3)},
	{name: "search", title: "SEARCH, numbers in runs of ten", n: 1_000_000, per: 1, generate: searchNumbers, target: ratio(85, 182)},
	{name: "sparse", title: "SEARCH, numbers that never touch", n: 1_000_000, per: 1, generate: sparseNumbers, target: ratio(85, 182)},
	{name: "esearch", title: "ESEARCH, numbers in ranges of ten", n: 1_000_000, per: 1, generate: searchRanges, caps: " ESEARCH", target: ratio(10, 43)},
	{name: "list", title: "LIST", n: 20_000, generate: listRows, target: ratio(10, 48)},
	{name: "noop", title: "NOOP, one after the other", n: 20_000, generate: nothing, target: target{toRaw: 1.15}},
	{name: "pipeline", title: "NOOP, pipelined by 100", n: 20_000, generate: nothing, target: target{toPeer: 1.0 / 6, perItem: time.Microsecond}},
	{name: "enabled", title: "NOOP, pipelined by 100, to a server with ENABLE", n: 20_000, generate: nothing, caps: " ENABLE", target: target{toPeer: 1.0 / 6, perItem: time.Microsecond}},
	{name: "append", title: "APPEND of 64 MiB from a reader", n: 64 << 20, per: 1, generate: nothing, target: target{toRaw: 1.2, peak: 1 << 20}},
}

func findWorkload(name string) (*workload, error) {
	for _, w := range workloads {
		if w.name == name {
			return w, nil
		}
	}
	return nil, fmt.Errorf("no workload %q", name)
}

// items returns for how many items allocations are reported.
func (w *workload) items(n int) int {
	if w.per > 0 {
		return w.per
	}
	return n
}

// expected is what a client has to deliver of n items.
func (w *workload) expected(n int) expected {
	switch w.name {
	case "noop", "pipeline", "enabled":
		return expected{Items: n, Sum: int64(n)}
	case "append":
		return expected{Items: 1, Sum: int64(n)}
	}
	return expect(w.generate, n)
}

// check compares what a client delivered. Clients that parse are held to the sum, the others to the bytes.
func (e expected) check(r *result) error {
	switch {
	case r.Items >= 0 && r.Items != e.Items:
		return fmt.Errorf("delivered %d items instead of %d", r.Items, e.Items)
	case r.Bytes > 0 && r.Bytes != e.Bytes:
		return fmt.Errorf("delivered %d octets instead of %d", r.Bytes, e.Bytes)
	case r.Bytes == 0 && r.Sum != e.Sum:
		return fmt.Errorf("delivered values of the sum %d instead of %d", r.Sum, e.Sum)
	}
	return nil
}

// pipelined is how many commands a pipeline holds.
const pipelined = 100

// account is where and as which user a client logs in.
type account struct{ addr, user, password string }

// anybody is an account of a canned server, which takes all.
func anybody(addr string) account { return account{addr, "user", "password"} }

// A client is one way to do the workloads. open connects, logs in and selects, which is not measured; run does one
// workload of n items and reports what was delivered.
type client interface {
	open(to account) error
	run(workload string, n int) (result, error)
	close()
}

// clients are the ways that run in a process of this program; imaplib has a program of its own.
var clients = map[string]func() client{
	"imap":    func() client { return new(ourClient) },
	"stream":  func() client { return &ourClient{streaming: true} },
	"go":      func() client { return &ourClient{calls: true} },
	"wide":    func() client { return &ourClient{window: 1000} },
	"deflate": func() client { return &ourClient{deflate: true} },
	"v2":      func() client { return new(v2Client) },
	"v1":      func() client { return new(v1Client) },
	"raw":     func() client { return new(rawClient) },
	"scan":    func() client { return &rawClient{scan: true} },
}

// clientNames are all of them in the order of the table.
var clientNames = []string{"imap", "stream", "go", "wide", "v2", "v1", "imaplib", "raw", "scan"}

// errNotMeasured means that a client has no way to do a workload.
var errNotMeasured = fmt.Errorf("not measured")
