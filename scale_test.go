package imap

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/measure"
	"github.com/stretchr/testify/assert"
)

// scales are the ways in which an answer grows.
var scales = []struct {
	what  string
	size  int // the smallest
	name  string
	data  func(n int) string
	check func(tb testing.TB, c *Client, n int)
}{
	{"messages", 300, "UID FETCH", func(n int) string { return envelopeRows(n, 2) }, func(tb testing.TB, c *Client, n int) {
		fetchAll(tb, c, n, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
	}},
	{"recipients", 100, "UID FETCH", func(n int) string { return envelopeRows(20, n) }, func(tb testing.TB, c *Client, n int) {
		fetchAll(tb, c, 20, FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope)
	}},
	{"nesting", 90, "UID FETCH", nestedStructure, func(tb testing.TB, c *Client, n int) { fetchAll(tb, c, 1, FetchBodyStructure) }},
	{"mailboxes", 300, "LIST", listRows, func(tb testing.TB, c *Client, n int) {
		if list, err := c.List(context.Background(), "", "*", nil); len(list) != n || err != nil {
			tb.Fatal(len(list), err)
		}
	}},
	{"numbers", 10_000, "UID SEARCH", func(n int) string { return searchNumbers(n, 1) }, searchAll},
}

func BenchmarkScale(b *testing.B) {
	for _, s := range scales {
		for _, factor := range []int{1, 10, 100} {
			n := s.size * factor
			b.Run(fmt.Sprintf("%s=%d", s.what, n), func(b *testing.B) {
				benchmarkAnswer(b, s.name, s.data(n), func(c *Client) { s.check(b, c, n) })
			})
		}
	}
}

// leastTime is the processor time of the cheapest of many runs, which is the one that the machine disturbed least.
func leastTime(run func()) time.Duration {
	least := time.Hour
	for range 15 {
		start := measure.CPU()
		run()
		least = min(least, measure.CPU()-start)
	}
	return max(least, time.Microsecond)
}

// allocated counts the octets that a run allocates.
func allocated(run func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 4 {
		run()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / 4
}

// TestCostGrowsLinearly: ten times the size costs ten times as much. A square would be a hundred times; what is fixed
// makes it less than ten. The bounds leave room for a busy machine.
func TestCostGrowsLinearly(t *testing.T) {
	for _, s := range scales {
		t.Run(s.what, func(t *testing.T) {
			var times [2]time.Duration
			var octets [2]float64
			for i, n := range []int{s.size, s.size * 10} {
				c, conn := cannedClient(t)
				conn.answer(s.name, s.data(n))
				run := func() { s.check(t, c, n) }
				run()
				times[i], octets[i] = leastTime(run), allocated(run)
			}
			t.Logf("time %v, %v; octets %.0f, %.0f", times[0], times[1], octets[0], octets[1])
			assert.Less(t, octets[1]/octets[0], 25.0, "octets")
			assert.Less(t, float64(times[1])/float64(times[0]), 35.0, "time")
		})
	}
}
