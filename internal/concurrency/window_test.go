package concurrency_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// windows plays a server that answers all that has come once nothing more comes, and returns how many commands that was
// each time. It takes some time to answer. The answer of the command of that number is BAD.
func windows(t *testing.T, caps string, opts *imap.Options, slow time.Duration, commands, bad int) (sizes []int) {
	synctest.Test(t, func(t *testing.T) {
		near, far := imaptest.Pipe()
		defer far.Close()
		served := make(chan struct{})
		go func() {
			defer close(served)
			far.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1" + caps + "] hi\r\n"))
			buf, text, done := make([]byte, 64<<10), "", 0
			for done < commands {
				far.SetReadDeadline(time.Now().Add(slow))
				n, err := far.Read(buf)
				if text += string(buf[:n]); err == nil {
					continue
				}
				assert.True(t, strings.HasSuffix(text, "\r\n"), "a command was cut")
				lines := strings.Split(strings.TrimSpace(text), "\r\n")
				text, sizes = "", append(sizes, len(lines))
				for _, line := range lines {
					tag, _, _ := strings.Cut(line, " ")
					word := " OK done\r\n"
					if done++; done == bad {
						word = " BAD what\r\n"
					}
					far.Write([]byte(tag + word))
				}
			}
		}()
		c, err := imap.NewClient(t.Context(), near, opts)
		require.NoError(t, err)
		defer c.Close()
		p := c.Pipeline()
		for range commands {
			p.Go(func(c *imap.Client) error { return c.Create(t.Context(), "a", nil) })
		}
		err = p.Wait()
		assert.Equal(t, bad > 0, err != nil, "%v", err)
		<-served
	})
	return sizes
}

// TestPipelineWindow: how many commands are under way grows where the server is known to take them, and only there.
func TestPipelineWindow(t *testing.T) {
	const rtt = 100 * time.Millisecond
	most := func(sizes []int) (n int) {
		t.Log(sizes)
		for _, size := range sizes {
			n = max(n, size)
		}
		return n
	}
	t.Run("ENABLE", func(t *testing.T) {
		sizes := windows(t, " ENABLE", nil, rtt, 3000, 0)
		assert.LessOrEqual(t, sizes[0], 40, "the first of them are few")
		assert.Greater(t, most(sizes), 500)
		assert.LessOrEqual(t, most(sizes), 1000)
		assert.Less(t, len(sizes), 10, "round trips")
	})
	t.Run("no ENABLE", func(t *testing.T) {
		assert.Less(t, most(windows(t, " UIDPLUS IDLE", nil, rtt, 400, 0)), 50, "quirk 235")
	})
	t.Run("slow", func(t *testing.T) {
		assert.Less(t, most(windows(t, " ENABLE", nil, time.Second, 400, 0)), 50)
	})
	t.Run("BAD", func(t *testing.T) {
		sizes := windows(t, " ENABLE", nil, rtt, 2000, 300)
		assert.Greater(t, most(sizes[:4]), 100)
		assert.Less(t, most(sizes[4:]), 50)
	})
	t.Run("option", func(t *testing.T) {
		sizes := windows(t, " ENABLE", &imap.Options{MaxPipelined: 7}, rtt, 100, 0)
		assert.LessOrEqual(t, most(sizes), 7)
		sizes = windows(t, "", &imap.Options{MaxPipelined: 300}, rtt, 900, 0)
		assert.Greater(t, most(sizes), 250)
		assert.LessOrEqual(t, most(sizes), 300)
	})
}
