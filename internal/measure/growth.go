// Package measure has measurements for tests and benchmarks: the processor time of the process, and how the cost of a call
// grows with its input.
package measure

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// RequireGrowth requires that the time for 32 n is less than 192 times the time for n: the larger text also pays for memory
// that grows beyond the caches, the more so under the race detector. Times below a tenth of a millisecond count as that,
// because the first access to memory then costs more than parsing.
func RequireGrowth(t *testing.T, what string, prepare func(n int) func()) {
	t.Helper()
	const n = 1500
	runs := []func(){prepare(n), prepare(32 * n)}
	// Garbage collection is not measured: what it costs depends on what other tests have left.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var least [2]float64
	for round := range 40 {
		for i, run := range runs {
			if i == 0 || round > 2 {
				runtime.GC()
			}
			start := CPU()
			run()
			if took := max(1e-4, (CPU() - start).Seconds()); round == 0 || took < least[i] {
				least[i] = took
			}
		}
		if round >= 2 && least[1] < 192*least[0] {
			return
		}
		if round >= 20 && least[1] > 512*least[0] {
			break
		}
	}
	t.Errorf("%q: %.3f and %.3f ms for sizes of 1 and 32", what, least[0]*1e3, least[1]*1e3)
}
