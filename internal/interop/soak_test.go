package interop_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/stretchr/testify/require"
)

// soakClients is the number of clients, two for each user.
const soakClients = 50

// soakTime is the duration of the soak test: IMAP_SOAK, else a minute if all servers are required, else a moment.
func soakTime(t *testing.T) time.Duration {
	if s := os.Getenv("IMAP_SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		require.NoError(t, err)
		return d
	}
	if realserver.Required() {
		return time.Minute
	}
	return 5 * time.Second
}

// soakCounts are the statistics of the soak test.
type soakCounts struct {
	connections, calls, cancelled, appended, verified atomic.Int64
}

func (n *soakCounts) String() string {
	return fmt.Sprintf("%d connections, %d calls, %d of them cancelled, %d messages appended, %d verified",
		n.connections.Load(), n.calls.Load(), n.cancelled.Load(), n.appended.Load(), n.verified.Load())
}

// TestSoak lets clients do mixed work on Dovecot. Each keeps a record of what its mailbox has to hold, and compares every
// answer with it. Memory and the number of goroutines stay constant.
func TestSoak(t *testing.T) {
	target, duration := getTarget(t, "dovecot"), soakTime(t)
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	counts := &soakCounts{}
	var wg sync.WaitGroup
	errs := make(chan error, soakClients)
	for i, w := range soakWorkers(t, target, counts) {
		wg.Go(func() {
			if err := w.work(ctx); err != nil {
				errs <- fmt.Errorf("client %d: %w", i, err)
				cancel()
			}
		})
	}
	samples := sampleMemory(ctx, t, duration, counts)
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	t.Logf("%v: %v", duration, counts)
	if !t.Failed() {
		requireFlat(t, samples)
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+2 }, 10*time.Second, 50*time.Millisecond)
}

// soakWorkers makes the clients; two neighbours share a user.
func soakWorkers(t *testing.T, target *target, counts *soakCounts) []*soaker {
	var workers []*soaker
	for i := range soakClients / 2 {
		e := newEnv(t, target, plain)
		shared := &soakShared{}
		for j := range 2 {
			workers = append(workers, &soaker{
				env: e, target: target, id: 2*i + j, counts: counts, shared: shared,
				rng: rand.New(rand.NewPCG(uint64(2*i+j), 99)), box: fmt.Sprintf("soak-%d", j), messages: map[soakUID]*soakMessage{},
			})
		}
	}
	return workers
}

// memorySample is the state of the process at a time.
type memorySample struct {
	heap       uint64
	goroutines int
}

// sampleMemory samples the memory until ctx ends.
func sampleMemory(ctx context.Context, t *testing.T, duration time.Duration, counts *soakCounts) []memorySample {
	tick := time.NewTicker(max(duration/60, 100*time.Millisecond))
	defer tick.Stop()
	var samples []memorySample
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		samples = append(samples, memorySample{m.HeapAlloc, runtime.NumGoroutine()})
		if duration > 10*time.Minute {
			t.Logf("heap %d KiB, %d goroutines, %v", m.HeapAlloc>>10, runtime.NumGoroutine(), counts)
		}
	}
}

// requireFlat compares the last third of the samples with the middle one; in the first the mailboxes fill.
func requireFlat(t *testing.T, samples []memorySample) {
	t.Helper()
	third := len(samples) / 3
	if third < 3 {
		return
	}
	median := func(s []memorySample, of func(memorySample) uint64) uint64 {
		values := make([]uint64, len(s))
		for i := range s {
			values[i] = of(s[i])
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	middle, last := samples[third:2*third], samples[2*third:]
	heap := func(s memorySample) uint64 { return s.heap }
	routines := func(s memorySample) uint64 { return uint64(s.goroutines) }
	h1, h2 := median(middle, heap), median(last, heap)
	g1, g2 := median(middle, routines), median(last, routines)
	t.Logf("heap %d KiB, then %d KiB; goroutines %d, then %d", h1>>10, h2>>10, g1, g2)
	require.Less(t, h2, h1+h1/4+4<<20, "the heap grows")
	require.Less(t, g2, g1+soakClients/2, "the goroutines become more")
	require.Less(t, g2, uint64(4*soakClients), "a client at rest holds no goroutine")
}

// soakUID is a message in one of the two mailboxes of a client.
type soakUID struct {
	box string
	uid uint32
}

// soakShared is what the two clients of a user have appended to a mailbox that both use.
type soakShared struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (s *soakShared) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
}

func (s *soakShared) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
}

func (s *soakShared) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.ids))
}
