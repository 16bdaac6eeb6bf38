package testkit

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// LeftBehind runs f and fails if a goroutine of the package that began in f still exists some time later.
func LeftBehind(t *testing.T, f func()) {
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

// ownGoroutines returns the stacks of the goroutines that run code of the client, by their number.
func ownGoroutines() map[string]string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	own := make(map[string]string)
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		if strings.Contains(stack, "go-imaplib/imap.") || strings.Contains(stack, "go-imaplib/imap/internal/wire.") {
			own[id] = stack
		}
	}
	return own
}

func moreThan(before map[string]string) string {
	var left []string
	for id, stack := range ownGoroutines() {
		if _, known := before[id]; !known && !strings.Contains(stack, "testkit.LeftBehind") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
