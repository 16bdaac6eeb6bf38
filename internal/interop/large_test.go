package interop_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// endless makes lines of text that depend on a seed.
type endless struct {
	rng  *rand.PCG
	buf  [lineOfText + 2 + 16]byte
	line []byte
}

const lineOfText = 76

func newEndless(seed uint64) *endless { return &endless{rng: rand.NewPCG(seed, 1)} }

func (r *endless) Read(p []byte) (int, error) {
	if len(r.line) == 0 {
		r.line = r.buf[:0]
		var raw [8]byte
		for len(r.line) < lineOfText {
			v := r.rng.Uint64()
			for i := range raw {
				raw[i] = byte(v >> (8 * i))
			}
			r.line = hex.AppendEncode(r.line, raw[:])
		}
		r.line = append(r.line[:lineOfText], '\r', '\n')
	}
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

const largeHeader = "From: ann@example.org\r\nSubject: large\r\n\r\n"

// large is a message of at least that many bytes, which end with a line, and its sum.
func large(size int64, seed uint64) (message imap.Literal, sum hash.Hash) {
	lines := (size + lineOfText + 1) / (lineOfText + 2)
	size = int64(len(largeHeader)) + lines*(lineOfText+2)
	body := func() io.Reader {
		return io.LimitReader(io.MultiReader(bytes.NewReader([]byte(largeHeader)), newEndless(seed)), size)
	}
	sum = sha256.New()
	if _, err := io.Copy(sum, body()); err != nil {
		panic(err) // nothing that can fail is read or written
	}
	return imap.Literal{R: body(), Size: size}, sum
}

// TestLargeMessages appends and fetches a message of 1 MiB on every server over every transport.
func TestLargeMessages(t *testing.T) {
	const size = 1 << 20
	for _, name := range targetNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := getTarget(t, name)
			for i, transport := range transports {
				if !target.has(transport) {
					continue
				}
				t.Run(transport, func(t *testing.T) {
					e := newEnv(t, target, transport)
					message, sum := large(size, uint64(i))
					_, err := e.client().Append(e.ctx(), "INBOX", message, nil)
					require.NoError(e, err)
					uids := e.selectBox("INBOX")
					require.Len(e, uids, 1)
					got := sha256.Sum256(e.fetchOne(uids[0], imap.Section{}).Section(imap.Section{}))
					require.Equal(e, sum.Sum(nil), got[:])
					part := imap.Section{Offset: size / 2, Count: size / 4}
					require.Len(e, e.fetchOne(uids[0], part).Section(part), size/4)
				})
			}
		})
	}
}

// TestHugeBodyInLittleMemory streams a body of 100 MiB over each transport. All that is allocated meanwhile, garbage
// included, stays below 4 MiB.
func TestHugeBodyInLittleMemory(t *testing.T) {
	const size, most = 100 << 20, 4 << 20
	target := getTarget(t, "dovecot")
	first := newEnv(t, target, plain)
	message, sum := large(size, 7)
	before := allocated()
	_, err := first.client().Append(first.ctx(), "INBOX", message, nil)
	require.NoError(t, err)
	require.Less(t, allocated()-before, uint64(most), "APPEND")
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			e := first.with(t)
			e.transport = transport
			c := e.login()
			_, err := c.Examine(e.ctx(), "INBOX", nil)
			require.NoError(t, err)
			got := sha256.New()
			before := allocated()
			for m, err := range c.FetchStream(e.ctx(), imap.Seqs(1), imap.Section{}) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					n, err := io.Copy(got, b)
					require.NoError(t, err)
					require.Equal(t, message.Size, n)
				}
			}
			used := allocated() - before
			require.Equal(t, sum.Sum(nil), got.Sum(nil))
			require.Less(t, used, uint64(most))
			t.Logf("100 MiB read, %d KiB allocated", used>>10)
		})
	}
}

// allocated is how much has been allocated since the program began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
