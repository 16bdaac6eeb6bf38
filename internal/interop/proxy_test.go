package interop_test

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fault is what a proxy does to the connections through it.
type fault struct {
	chunk   int                 // bytes are passed on in pieces of that many; 0: as they come
	delay   time.Duration       // before each piece
	cutDown int64               // the connection ends after that many bytes from the server; 0: never
	cutUp   int64               // and after that many from the client
	reset   bool                // it ends by a reset
	rewrite func([]byte) []byte // of what the server sends
}

// proxy passes connections over loopback on to a server.
type proxy struct {
	addr string
	fault
	target   string
	listener net.Listener
	down, up atomic.Int64 // bytes passed on

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

// newProxy starts a proxy, which ends with the test.
func newProxy(t *testing.T, target string, f fault) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{addr: l.Addr().String(), fault: f, target: target, listener: l}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// cutAll ends all connections, and returns how many had not ended before. They come in pairs, the client's first.
func (p *proxy) cutAll() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for i, c := range p.conns {
		if c.Close() == nil && i%2 == 0 {
			n++
		}
	}
	p.conns = p.conns[:0]
	return n
}

// cutOne ends a random connection, and returns 1 if there was one.
func (p *proxy) cutOne() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.conns) > 0 {
		i := rand.IntN(len(p.conns)/2) * 2
		err := p.conns[i].Close()
		p.conns = slices.Delete(p.conns, i, i+2)
		if err == nil {
			return 1
		}
	}
	return 0
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		end := sync.OnceFunc(func() { p.end(client, server) })
		p.wg.Go(func() { p.pass(client, server, &p.down, p.cutDown, p.rewrite, end) })
		p.wg.Go(func() { p.pass(server, client, &p.up, p.cutUp, nil, end) })
	}
}

// end closes both sides of a connection; the client receives a reset if the fault requires it.
func (p *proxy) end(client, server net.Conn) {
	if p.reset {
		client.(*net.TCPConn).SetLinger(0)
	}
	client.Close()
	server.Close()
}

// pass copies bytes until the end or a cut.
func (p *proxy) pass(to io.Writer, from io.Reader, count *atomic.Int64, cut int64, rewrite func([]byte) []byte, end func()) {
	defer end()
	buf := make([]byte, 32<<10)
	var passed int64
	for {
		n, err := from.Read(buf)
		piece := buf[:n]
		if rewrite != nil {
			piece = rewrite(piece)
		}
		last := cut > 0 && passed+int64(len(piece)) >= cut
		if last {
			piece = piece[:cut-passed]
		}
		passed += int64(len(piece))
		count.Add(int64(len(piece)))
		if p.send(to, piece) != nil || last || err != nil {
			return
		}
	}
}

// send writes in pieces.
func (p *proxy) send(to io.Writer, b []byte) error {
	for len(b) > 0 {
		n := len(b)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		if p.delay > 0 {
			time.Sleep(p.delay)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
