package interop_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// lastLines is a log that keeps the last records of a connection, to show where a test failed.
type lastLines struct {
	mu    sync.Mutex
	lines [40]string
	n     int
}

func (l *lastLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lastLines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lastLines) WithGroup(string) slog.Handler            { return l }

func (l *lastLines) Handle(_ context.Context, r slog.Record) error {
	text := r.Time.UTC().Format(time.TimeOnly+".000") + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %.200v", a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[l.n%len(l.lines)] = text
	l.n++
	return nil
}

// String returns the lines, the oldest first.
func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text string
	for i := max(0, l.n-len(l.lines)); i < l.n; i++ {
		text += l.lines[i%len(l.lines)] + "\n"
	}
	return text
}

// logger returns the log of a new connection. It is shown at the end of the test, if that has failed.
func (e *env) logger() *slog.Logger {
	l := &lastLines{}
	e.Cleanup(func() { e.showTrace(l) })
	return slog.New(l)
}

// showTrace shows the conversation of a connection, if the test failed.
func (e *env) showTrace(l *lastLines) {
	if e.Failed() && l != nil {
		e.Logf("at %s the connection had said\n%s", time.Now().UTC().Format(time.TimeOnly+".000"), l)
	}
}
