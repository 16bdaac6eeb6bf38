package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// result is what one run of one client on one workload did and cost.
type result struct {
	Items  int   // responses delivered, -1 where the client does not tell
	Bytes  int64 // bytes delivered, of clients that hand out text
	Sum    int64 // of the values, of clients that parse
	CPU    time.Duration
	Sys    time.Duration // of CPU
	Wall   time.Duration
	Allocs int64         // -1 where not known
	Alloc  int64         // bytes allocated, -1 where not known
	Peak   int64         // bytes by which the process grew at most
	Server time.Duration // CPU time of a real server, with that of login and SELECT
}

// meter measures this process from start to stop.
type meter struct {
	user, sys time.Duration
	wall      time.Time
	mem       runtime.MemStats
	rss       int64
}

func startMeter() *meter {
	m := new(meter)
	debug.FreeOSMemory()
	resetPeak()
	m.rss = processMemory("VmRSS:")
	runtime.ReadMemStats(&m.mem)
	m.user, m.sys = cpuTime()
	m.wall = time.Now()
	return m
}

func (m *meter) stop(r *result) {
	r.Wall = time.Since(m.wall)
	user, sys := cpuTime()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	r.Sys = sys - m.sys
	r.CPU = user - m.user + r.Sys
	r.Allocs = int64(mem.Mallocs - m.mem.Mallocs)
	r.Alloc = int64(mem.TotalAlloc - m.mem.TotalAlloc)
	r.Peak = max(processMemory("VmHWM:")-m.rss, 0)
}

// cpuTime is the time that all threads of this process have used.
func cpuTime() (user, sys time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}

// resetPeak makes the kernel reset VmHWM (Linux 4.0 and later; elsewhere the peak is that since the start).
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// processMemory reads one line of /proc/self/status in bytes, 0 if it has none.
func processMemory(name string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, ok := bytes.Cut(status, []byte(name))
	if !ok {
		return 0
	}
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10
}
