package main

import (
	"strings"
	"testing"
)

// TestConnections holds some connections with each client, in processes of their own: measure fails when one of them
// does not hear of the event.
func TestConnections(t *testing.T) {
	t.Setenv("GORACE", "exitcode=0") // the races of the peers are not ours to report
	for _, c := range []crowding{{"plain TCP", false, 40}, {"TLS", true, 10}} {
		all, err := c.measure(holderNames, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, most := range []int{0, c.n, c.n} {
			if h := all["imap"][i]; h.Goroutines > int64(most) || h.Heap <= 0 {
				t.Errorf("%s, %s: %+v", c.title, moments[i], h)
			}
		}
		if h := all["raw"]; h[1].Goroutines != int64(c.n) {
			t.Errorf("a goroutine in Read for each: %+v", h)
		}
	}
}

func TestTooManyFiles(t *testing.T) {
	if err := enoughFiles(1 << 40); err == nil || !strings.Contains(err.Error(), "ulimit") {
		t.Error(err)
	}
	if _, err := (crowding{"plain TCP", false, 1 << 40}).measure(holderNames, 1); err == nil {
		t.Error("so many connections are taken for possible")
	}
}

func TestRestTables(t *testing.T) {
	ours := holding{{Heap: 4 << 10, RSS: 8 << 10}, {Heap: 5 << 10, Stacks: 4 << 10, Goroutines: 2}, {}}
	all := map[string]holding{"imap": ours, "v2": ours, "raw": {}}
	var out strings.Builder
	for _, c := range []crowding{{"plain TCP", false, 1}, {"TLS", true, 1}} {
		c.print(&out, all, holderNames)
		c.printVerdicts(&out, all)
	}
	for _, want := range []string{
		"| at rest | imap | 4.00 | 0.00 | **4.00** | 0.00 | 8.0 |", "| in IDLE | goroutines | 1 | 2 | missed |",
		"| at rest | KiB, heap and stacks | 6 | 4 | met |", "| in IDLE | KiB beyond a bare tls.Conn, heap and stacks | 8 | 9 | missed |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables have no %q:\n%s", want, &out)
		}
	}
}

// TestMedianHolding: each measure by itself.
func TestMedianHolding(t *testing.T) {
	one := func(heap, stacks int64) holding {
		return holding{{Heap: heap, Stacks: stacks, Goroutines: heap, RSS: stacks}}
	}
	if h := medianHolding([]holding{one(1, 9), one(3, 7), one(2, 8)}); h != one(2, 8) {
		t.Errorf("%+v", h)
	}
}
