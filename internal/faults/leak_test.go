package faults_test

import (
	"runtime"
	"testing"
	"time"
)

// TestFaultsKeepNoMemory: connections that were cut, cancelled or closed leave nothing behind: neither in the pools nor in
// timers.
func TestFaultsKeepNoMemory(t *testing.T) {
	steps := make(map[string][]step)
	for _, x := range dialogues {
		steps[x.name], _ = record(t, x)
	}
	round := func() {
		for _, x := range dialogues {
			for at := 1; at < len(said(steps[x.name])); at += 7 {
				p := newTape(steps[x.name])
				p.cut = at
				playOn(t, p, x, t.Context())
			}
		}
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // the first moves what sync.Pool holds, the second drops it
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	round()
	before := heap()
	round()
	// Several thousand connections were lost. One retained buffer of each would be 32 KiB times that.
	const bound = 4 << 20
	var grown int64
	for range 50 {
		if grown = heap() - before; grown < bound {
			return
		}
		time.Sleep(20 * time.Millisecond) // timers of the last ones
	}
	t.Errorf("%d octets left", grown)
}
