package imap

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// Compress compresses what is sent and received from here on, with DEFLATE (RFC 4978; capability COMPRESS=DEFLATE; logged
// in). It cannot be taken off again, and a second Compress is refused. A server that knows of compression below says NO
// with the code COMPRESSIONACTIVE.
//
// Passwords are never compressed, because the login comes before. What is compressed and then encrypted can still be
// guessed at by its length, by who sees the lengths and has a say in the content: leave it off where that matters. A
// compressed connection holds about 60 KiB at rest, because the server may refer back to what it sent. What a server
// inflates is bounded by the limits of Options like what comes plain.
func (c *Client) Compress(ctx context.Context) error {
	cmd := &command{name: "COMPRESS", states: inAuth, exclusive: true}
	cmd.encode = func(e *encoder) {
		if c.conn.compressed() {
			e.fail(errCompressed)
		}
		e.need("COMPRESS=DEFLATE").raw(" DEFLATE")
	}
	// The server compresses behind its OK, whether or not the caller still waits: so whoever reads the OK switches.
	cmd.finish = func(s *status) {
		if s.ok() {
			c.conn.compress()
		}
	}
	return c.run(ctx, cmd)
}

var errCompressed = errors.New("the connection is compressed already")

// compressed reports whether Compress has taken effect.
func (c *conn) compressed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.stream.(*pump)
	if ok {
		_, ok = p.src.(*deflated)
	}
	return ok
}

// compress puts DEFLATE on the connection. The caller holds the read token, and nothing is being sent. The octets in the
// buffer came behind the OK: they are compressed. The inflater would remember a deadline that passes for ever, so the
// stream below keeps none; the pump has them.
func (c *conn) compress() {
	behind := bytes.Clone(c.buf[c.r:c.w])
	c.w = c.r
	c.mu.Lock()
	below, deadline := c.stream, c.deadline
	c.mu.Unlock()
	c.setStream(newDeflated(behind, below))
	deadline.SetReadDeadline(time.Time{})
}

// deflated is a stream with DEFLATE on both ways.
type deflated struct {
	io.Reader
	below io.Writer
}

// inflateBuffer is how much of the compressed stream is read at once.
const inflateBuffer = 4 << 10

func newDeflated(behind []byte, below io.ReadWriter) *deflated {
	src := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(behind), below), inflateBuffer)
	return &deflated{Reader: flate.NewReader(src), below: below}
}

// Write sends b so that the other side can read all of it now. Each call starts without a history, so that a connection
// at rest holds no compressor: commands are short, and of a long literal each piece has its own.
func (d *deflated) Write(b []byte) (int, error) {
	z := deflaters.Get().(*deflater)
	defer z.release()
	z.out.Reset(d.below)
	z.Reset(&z.out)
	if _, err := z.Writer.Write(b); err != nil {
		return 0, err
	}
	if err := z.Flush(); err != nil {
		return 0, err
	}
	if err := z.out.Flush(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// deflater is a compressor with the buffer behind it, lent for one write.
type deflater struct {
	*flate.Writer
	out bufio.Writer
}

var deflaters = sync.Pool{New: func() any {
	z := &deflater{out: *bufio.NewWriterSize(io.Discard, bufferSize/2)}
	z.Writer, _ = flate.NewWriter(&z.out, flate.BestSpeed) // it fails for a level that does not exist
	return z
}}

// release gives the compressor back without what it wrote to.
func (z *deflater) release() {
	z.out.Reset(io.Discard)
	deflaters.Put(z)
}
