package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/require"
)

// The fault matrix: every dialogue is repeated with the server's bytes delivered one by one, split at every position, cut
// at every position, and delayed at every position until the caller gave up. Over a connection in memory that is done for
// every byte. Over TCP and TLS, see faultnet_test.go.

// TestFaultByteByByte: the results do not depend on the pieces in which bytes arrive.
func TestFaultByteByByte(t *testing.T) {
	eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
		p := newTape(steps)
		p.each = 1
		got, err := playOn(t, p, x, t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// TestFaultSplit: nor on where they are split.
func TestFaultSplit(t *testing.T) {
	eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
		for at := 1; at < len(said(steps)); at++ {
			p := newTape(steps)
			p.stops = map[int]bool{at: true}
			got, err := playOn(t, p, x, t.Context())
			require.NoError(t, err, "split at %d", at)
			require.Equal(t, want, got, "split at %d", at)
		}
	})
}

// TestFaultCut: wherever the connection ends, the call fails and reports that the connection is closed.
func TestFaultCut(t *testing.T) {
	eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
		for at := range said(steps) {
			p := newTape(steps)
			p.cut = at
			_, err := playOn(t, p, x, t.Context())
			requireCut(t, x, len(said(steps)), at, err)
		}
	})
}

// requireCut checks the error of a call whose dialogue ended after at of all bytes.
func requireCut(t *testing.T, x dialogue, all, at int, err error) {
	t.Helper()
	if err == nil && (x.closes || x.raw && at >= all-flushMark) {
		return
	}
	require.ErrorIs(t, err, imap.ErrClosed, "%s cut at %d of %d", x.name, at, all)
	_, server := errors.AsType[*imap.Error](err)
	require.False(t, server, "%v", err)
}

// flushMark is how many bytes a compressor writes after the last one of the text.
const flushMark = 5

// TestFaultStall: wherever the server stops sending, the end of ctx ends the call with its cause, and the next call gets
// its own answer.
func TestFaultStall(t *testing.T) {
	eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
		if x.raw {
			return // TestCompressCancel
		}
		for at := range said(steps) {
			p := newTape(steps)
			p.stall = at
			ctx, cancel := context.WithCancelCause(t.Context())
			p.stalled = func() { cancel(testkit.ErrGone) }
			c, err := imap.NewClient(ctx, p, faultOptions)
			if err == nil {
				_, err = x.run(ctx, c)
			}
			cancel(nil)
			if !forgiven(x, steps, at) {
				require.ErrorIs(t, err, testkit.ErrGone, "stalled at %d", at)
			}
			p.resume()
			if c != nil {
				requireUsable(t, x, c)
				c.Close()
			}
		}
	})
}

// TestLateAnswer: the rest of the answer to a call that was given up, which another goroutine reads, does not change the
// values that the call returned. The race detector notices what the values do not show.
func TestLateAnswer(t *testing.T) {
	eachDialogue(t, func(t *testing.T, x dialogue, steps []step, want any) {
		if x.raw {
			return
		}
		text := said(steps)
		greeting := bytes.IndexByte(text, '\n') + 1
		for at := greeting; at < len(text); at++ {
			if text[at-1] == '\n' {
				answerLate(t, x, steps, at)
			}
		}
	})
}

func answerLate(t *testing.T, x dialogue, steps []step, at int) {
	p := newTape(steps)
	p.stall = at
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := imap.NewClient(ctx, p, faultOptions)
	require.NoError(t, err)
	defer c.Close()
	var other sync.WaitGroup
	p.stalled = func() {
		cancel()
		other.Go(func() {
			time.Sleep(2 * time.Millisecond) // the call has returned, though nothing here has waited for that
			p.resume()
			_ = c.Noop(t.Context())
		})
	}
	got, _ := x.run(ctx, c)
	returned := shown(t, got)
	other.Wait()
	require.Equal(t, returned, shown(t, got), "stalled at %d", at)
}

// shown returns all of a result.
func shown(t *testing.T, result any) string {
	b, err := json.Marshal(result)
	require.NoError(t, err)
	return string(b)
}

// forgiven reports whether only the final part of the dialogue is missing, which the call does not need.
func forgiven(x dialogue, steps []step, at int) bool {
	return x.final != "" && at >= len(said(steps[:len(steps)-1]))
}

// requireUsable checks that the client works, or reports that it is closed if a command of the dialogue was cut.
func requireUsable(t *testing.T, x dialogue, c *imap.Client) {
	t.Helper()
	for i := range 3 {
		ask := fmt.Sprint("q", i)
		resp, err := c.Do(t.Context(), "XCHECK", imap.Atom(ask))
		if (x.cuts || x.closes) && errors.Is(err, imap.ErrClosed) {
			return
		}
		require.NoError(t, err)
		last := resp.Untagged[len(resp.Untagged)-1]
		require.Equal(t, imap.Untagged{Name: "XCHECK", Rest: []byte(ask)}, last)
		require.Equal(t, "checked", resp.Text)
	}
}

// playOn runs a dialogue on a connection and closes it.
func playOn(t *testing.T, p *tape, x dialogue, ctx context.Context) (any, error) {
	t.Helper()
	c, err := imap.NewClient(ctx, p, faultOptions)
	if err != nil {
		return nil, err
	}
	result, err := x.run(ctx, c)
	require.NoError(t, p.failure())
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Noop(ctx), imap.ErrClosed)
	return result, err
}

// eachDialogue runs f for every dialogue and then looks for leaked goroutines.
func eachDialogue(t *testing.T, f func(t *testing.T, x dialogue, steps []step, want any)) {
	for _, x := range dialogues {
		t.Run(x.name, func(t *testing.T) {
			steps, want := record(t, x)
			testkit.LeftBehind(t, func() { f(t, x, steps, want) })
		})
	}
}
