package wire

import (
	"io"
	"os"
	"sync"
	"time"
)

// pump implements read deadlines for a stream that has none, or on which none must be set, such as an inflater, which never
// recovers from an error. A Read of an empty pump starts one Read of the stream in a goroutine, which ends with data, an
// error or the end of the connection; if the deadline passes, the next Read waits for it. No goroutine runs between commands
// unless a Read was left to the next one.
type pump struct {
	io.Writer
	src  io.Reader
	done <-chan struct{} // the connection was closed

	// Guarded by the read token.
	have    []byte // read but not delivered
	err     error
	buf     []byte
	pending bool
	result  chan pumped

	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{} // closed when the deadline changes
}

type pumped struct {
	n   int
	err error
}

func newPump(s io.ReadWriter, done <-chan struct{}) *pump {
	return &pump{Writer: s, src: s, done: done, result: make(chan pumped, 1), changed: make(chan struct{})}
}

// SetReadDeadline sets the deadline of the current Read and of later ones.
func (p *pump) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

// Read returns available data, or os.ErrDeadlineExceeded.
func (p *pump) Read(b []byte) (int, error) {
	for len(p.have) == 0 && p.err == nil {
		if err := p.wait(); err != nil {
			return 0, err
		}
	}
	if len(p.have) == 0 {
		return 0, p.err
	}
	n := copy(b, p.have)
	p.have = p.have[n:]
	return n, nil
}

func (p *pump) start() {
	if p.pending {
		return
	}
	if p.buf == nil {
		p.buf = make([]byte, bufferSize/4)
	}
	p.pending = true
	result := p.result
	go func() {
		for range maxEmptyReads {
			if n, err := p.src.Read(p.buf); n > 0 || err != nil {
				result <- pumped{n, err}
				return
			}
		}
		result <- pumped{0, io.ErrNoProgress}
	}()
}

// wait waits for the result of the stream's Read, the deadline, or the end of the connection.
func (p *pump) wait() error {
	p.mu.Lock()
	deadline, changed := p.deadline, p.changed
	p.mu.Unlock()
	var expired <-chan time.Time
	if !deadline.IsZero() {
		left := time.Until(deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		t := time.NewTimer(left)
		defer t.Stop()
		expired = t.C
	}
	p.start()
	select {
	case r := <-p.result:
		p.pending = false
		p.have, p.err = p.buf[:r.n], r.err
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	case <-changed:
		return nil
	case <-p.done:
		return ErrClosed
	}
}
