package imap_test

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// leftBehind runs f and fails if a goroutine of the package that began in f is still there some time after.
func leftBehind(t *testing.T, f func()) {
	t.Helper()
	before := ownGoroutines()
	f()
	var left string
	for range 500 {
		if left = moreThan(before); left == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("left behind:\n%s", left)
}

// ownGoroutines returns the stacks of the goroutines that run code of the package, by their number.
func ownGoroutines() map[string]string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	own := make(map[string]string)
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		if strings.Contains(stack, "go-imaplib/imap.") {
			own[id] = stack
		}
	}
	return own
}

func moreThan(before map[string]string) string {
	var left []string
	for id, stack := range ownGoroutines() {
		if _, known := before[id]; !known && !strings.Contains(stack, "imap_test.leftBehind") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// TestFaultsKeepNoMemory: what was cut, cancelled or closed leaves nothing behind: neither in the pools nor in timers.
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
	// Some thousand connections were lost. One buffer kept of each would be 32 KiB times that.
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
