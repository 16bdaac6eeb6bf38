package wire

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"sync"
	"time"
)

// Compressed reports whether Compress has taken effect.
func (c *Conn) Compressed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.stream.(*pump)
	if ok {
		_, ok = p.src.(*deflated)
	}
	return ok
}

// Compress starts DEFLATE on the connection. The caller must hold the read token, and no write may be in progress. Data in
// the buffer followed the OK and is compressed. An inflater never recovers from an error, so deadlines are not set on the
// stream below it, but implemented by a pump above it.
func (c *Conn) Compress() {
	behind := bytes.Clone(c.buf[c.r:c.w])
	c.w = c.r
	c.mu.Lock()
	below, deadline := c.stream, c.deadline
	c.mu.Unlock()
	c.setStream(newDeflated(behind, below))
	deadline.SetReadDeadline(time.Time{})
}

// deflated is a stream with DEFLATE in both directions.
type deflated struct {
	io.Reader
	conn io.Writer
}

// inflateBuffer is the number of bytes of the compressed stream that are read at once.
const inflateBuffer = 4 << 10

func newDeflated(behind []byte, below io.ReadWriter) *deflated {
	src := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(behind), below), inflateBuffer)
	return &deflated{Reader: flate.NewReader(src), conn: below}
}

// Write sends b and flushes, so that the other side can read all of it. Each call starts without history, so that an idle
// connection has no compressor.
func (d *deflated) Write(b []byte) (int, error) {
	z := deflaters.Get().(*deflater)
	defer z.release()
	z.out.Reset(d.conn)
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

// deflater is a compressor with its output buffer. It is taken from a pool for one write.
type deflater struct {
	*flate.Writer
	out bufio.Writer
}

var deflaters = sync.Pool{New: func() any {
	z := &deflater{out: *bufio.NewWriterSize(io.Discard, bufferSize/2)}
	z.Writer, _ = flate.NewWriter(&z.out, flate.BestSpeed) // it fails only for an invalid level
	return z
}}

// release returns the compressor to the pool.
func (z *deflater) release() {
	z.out.Reset(io.Discard)
	deflaters.Put(z)
}
