package faults_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// FuzzClient lets a server say anything, in any pieces, to any calls, of which any are cancelled anywhere.
//
// server is all that the server sends; it is there before the client asks. Each byte of splits is a piece: its low six
// bits and one are its length, with splitFar times 64; with splitStop the call under way is cancelled in front of the
// next piece. Each byte of calls is one call, see fuzzCall. Whatever comes: no panic, no call that does not end (a bubble
// tells a deadlock, and its clock makes every timeout short), no goroutine left, and memory in proportion to the input.
func FuzzClient(f *testing.F) {
	addSeeds(f)
	watchdog := newWatchdog()
	f.Fuzz(func(t *testing.T, server, splits, calls []byte) {
		if len(server) > 64<<10 || len(calls) > 16 {
			return
		}
		defer watchdog.begin(server, splits, calls)()
		before := allocated()
		synctest.Test(t, func(t *testing.T) { fuzzClient(t, server, splits, calls) })
		if used := allocated() - before; used > 64<<20+uint64(len(server))<<12 {
			t.Fatalf("%d octets allocated for %d octets of the server", used, len(server))
		}
	})
}

const (
	splitFar  = 0x40
	splitStop = 0x80
)

// fuzzClient runs the calls of one input.
func fuzzClient(t *testing.T, server, splits, calls []byte) {
	p := newTape([]step{{said: server}})
	var cancel context.CancelCauseFunc
	plan := newPlan(splits, func() { cancel(testkit.ErrGone) })
	plan.apply(p)
	ctx, stop := context.WithCancelCause(t.Context())
	cancel = stop
	if len(calls) > 0 {
		p.silent = calls[0]&1 != 0
		calls = calls[1:]
	}
	c, err := imap.NewClient(ctx, p, fuzzOptions)
	stop(nil)
	if err != nil {
		requireClosed(t, p)
		return
	}
	for _, call := range calls {
		ctx, stop := context.WithCancelCause(t.Context())
		cancel = stop
		err := fuzzCall(ctx, c, call)
		if context.Cause(ctx) == testkit.ErrGone && err != nil && !errors.Is(err, testkit.ErrGone) && !anotherReason(err) {
			t.Fatalf("a cancelled call says %v", err)
		}
		stop(nil)
	}
	require.NoError(t, c.Close())
	requireClosed(t, p)
	require.ErrorIs(t, c.Noop(t.Context()), imap.ErrClosed)
}

// anotherReason reports whether a call had another reason to fail before it was cancelled.
func anotherReason(err error) bool {
	_, state := errors.AsType[*imap.StateError](err)
	_, server := errors.AsType[*imap.Error](err)
	_, protocol := errors.AsType[*imap.ProtocolError](err)
	return state || server || protocol || imap.SafeToRetry(err) || errors.Is(err, imap.ErrClosed)
}

func requireClosed(t *testing.T, p *tape) {
	p.mu.Lock()
	defer p.mu.Unlock()
	require.True(t, p.closed)
}

var fuzzOptions = &imap.Options{AllowInsecureAuth: true, MaxLine: 64 << 10, MaxLiteral: 64 << 10, MaxBuffered: 64 << 10}

// fuzzCall makes the call with a number: one of the dialogues, or one of the calls without a dialogue.
func fuzzCall(ctx context.Context, c *imap.Client, number byte) error {
	others := []func(context.Context, *imap.Client) error{
		func(ctx context.Context, c *imap.Client) error { return c.StartTLS(ctx, nil) },
		func(ctx context.Context, c *imap.Client) error {
			return c.Authenticate(ctx, imap.SCRAMSHA256("u", "p"))
		},
		func(ctx context.Context, c *imap.Client) error {
			return c.Authenticate(ctx, imap.OAuthBearer("u", "t"))
		},
		func(ctx context.Context, c *imap.Client) error {
			_, err := rowsOf(c.Fetch(ctx, imap.SeqRange(1, 0), imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchInternalDate))
			return err
		},
		func(ctx context.Context, c *imap.Client) error {
			_, err := bodiesOf(c.FetchStream(ctx, imap.SeqRange(1, 0), imap.Section{}, imap.FetchEnvelope), 10)
			return err
		},
		func(ctx context.Context, c *imap.Client) error {
			for _, err := range c.Idle(ctx, &imap.IdleOptions{For: time.Hour}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		func(ctx context.Context, c *imap.Client) error {
			_, err := c.Append(ctx, "a", imap.LiteralString(strings.Repeat("x", 5000)), nil)
			return err
		},
		func(ctx context.Context, c *imap.Client) error { c.Mailbox(); c.Events(); return c.Close() },
	}
	if n := int(number) - len(dialogues); n >= 0 && n < len(others) {
		return others[n](ctx, c)
	}
	_, err := dialogues[int(number)%len(dialogues)].call(ctx, c)
	return err
}

// plan is where reads end and where the current call is cancelled.
type plan struct {
	stops  map[int]bool
	stalls []int
	cancel func()
}

func newPlan(splits []byte, cancel func()) *plan {
	p := &plan{stops: make(map[int]bool), cancel: cancel}
	at := 0
	for _, s := range splits {
		n := int(s&0x3f) + 1
		if s&splitFar != 0 {
			n *= 64
		}
		at += n
		p.stops[at] = true
		if s&splitStop != 0 {
			p.stalls = append(p.stalls, at)
		}
	}
	return p
}

// apply puts the next stall on the tape. After a stall the dialogue continues.
func (l *plan) apply(p *tape) {
	p.stops, p.stall, p.stalled = l.stops, -1, nil
	if len(l.stalls) == 0 {
		return
	}
	p.stall = l.stalls[0]
	l.stalls = l.stalls[1:]
	p.stalled = func() {
		p.mu.Lock()
		told := p.changed
		l.apply(p)
		p.mu.Unlock()
		l.cancel()
		select {
		case <-told: // the reader is to go
		case <-time.After(time.Millisecond):
		}
	}
}

// allocated returns how much memory the process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// watchdog ends the process when an input takes too long, which a bubble does not notice: an endless loop is not a
// deadlock.
type watchdog struct {
	number atomic.Uint64
	input  atomic.Pointer[[3][]byte]
}

func newWatchdog() *watchdog {
	w := &watchdog{}
	go func() {
		for last := uint64(0); ; time.Sleep(20 * time.Second) {
			now := w.number.Load()
			if in := w.input.Load(); in != nil && now == last {
				panic(fmt.Sprintf("an input that does not end: server %q splits %q calls %q", in[0], in[1], in[2]))
			}
			last = now
		}
	}()
	return w
}

func (w *watchdog) begin(server, splits, calls []byte) (end func()) {
	w.number.Add(1)
	w.input.Store(&[3][]byte{server, splits, calls})
	return func() { w.input.Store(nil) }
}

// ---- seeds

// addSeeds adds the recorded dialogues, whole, in pieces and cancelled, and recorded responses of real servers.
func addSeeds(f *testing.F) {
	for i, x := range dialogues {
		server := seedOf(x)
		splits := []byte{splitFar}
		calls := []byte{0, byte(i)}
		if x.state == inMailbox {
			calls = []byte{0, seedSelect, byte(i)}
		}
		f.Add(server, []byte{}, calls)
		f.Add(server, bytes.Repeat([]byte{0}, len(server)), calls)
		f.Add(server, append(splits, splitStop|20, splitStop|20), append(calls, byte(i), seedNoop))
	}
	for n := range 8 {
		f.Add([]byte(seedGreeting+"A1 OK [READ-WRITE] in\r\n+ YQ==\r\n* 1 EXISTS\r\nA2 OK done\r\n"), []byte{splitFar},
			[]byte{1, seedSelect, byte(len(dialogues) + n), seedNoop})
	}
	for _, wire := range seedWires(f) {
		server := seedGreeting + "A1 OK [READ-WRITE] in\r\n" + wire + "A2 OK done\r\n"
		f.Add([]byte(server), []byte{}, []byte{0, seedSelect, seedNoop})
		f.Add([]byte(server), []byte{splitFar, 7, 7, 7, 7}, []byte{0, seedSelect, byte(len(dialogues) + 3)})
		f.Add([]byte(server), []byte{splitFar, splitStop | 50}, []byte{0, seedSelect, byte(len(dialogues) + 4), seedNoop})
	}
}

const seedGreeting = "* PREAUTH [CAPABILITY " + faultCaps + "] hi\r\n"

// seedNoop and seedSelect are numbers of dialogues.
var seedNoop, seedSelect = dialogueNumber("NOOP"), dialogueNumber("SELECT")

func dialogueNumber(name string) byte {
	for i, x := range dialogues {
		if x.name == name {
			return byte(i)
		}
	}
	panic("no dialogue " + name)
}

// seedOf is the server's part of a dialogue, with the tags that the client gives its commands.
func seedOf(x dialogue) []byte {
	var out []byte
	tags := 0
	for line := range strings.Lines(x.fullScript()) {
		line = strings.TrimRight(line, "\n")
		switch tag := fmt.Sprint("A", tags); {
		case strings.HasPrefix(line, "C: $"):
			tags++
		case strings.HasPrefix(line, "S: $"):
			_, rest, _ := strings.Cut(line[3:], " ")
			out = append(out, tag+" "+rest+"\r\n"...)
		case strings.HasPrefix(line, "S: "):
			out = append(out, strings.ReplaceAll(line[3:], `"$"`, `"`+tag+`"`)+"\r\n"...)
		case strings.HasPrefix(line, "S+: "):
			out = append(out, strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(line[4:])...)
		}
	}
	return out
}

// seedWires are responses of servers, from the corpus.
func seedWires(f *testing.F) []string {
	files, err := filepath.Glob(filepath.Join("testdata", "corpus", "*", "*.jsonl"))
	require.NoError(f, err)
	var wires []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		for line := range bytes.Lines(data) {
			var seed struct {
				Wire string `json:"wire_base64"`
			}
			require.NoError(f, json.Unmarshal(line, &seed))
			wire, err := base64.StdEncoding.DecodeString(seed.Wire)
			require.NoError(f, err)
			if len(wire) > 0 && len(wire) < 4<<10 {
				wires = append(wires, strings.ReplaceAll(string(wire), "A00000001 ", "A2 "))
			}
		}
	}
	return wires
}
