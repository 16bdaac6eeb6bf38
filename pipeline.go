package imap

import (
	"context"
	"errors"
	"sync"
)

// Pipeline sends commands without waiting for the answers of earlier ones.
type Pipeline struct {
	c  *Client
	wg sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// lane is the part of a view on a client that belongs to one call of Go.
type lane struct {
	once   sync.Once
	sent   chan struct{}
	parent *lane // of a pipeline in a pipeline
}

// within reports whether a call belongs to the call of outer, or to a pipeline inside that.
func (l *lane) within(outer *lane) bool {
	for ; l != nil; l = l.parent {
		if l == outer {
			return true
		}
	}
	return false
}

// queued says that the first command of the call has its place in the order.
func (l *lane) queued() { l.once.Do(func() { close(l.sent) }) }

// Pipeline returns a pipeline on the connection. p.Go returns when its first command is queued, so the order on the
// wire is the order of the calls. Commands that must not overlap wait for each other: those that change the state of
// the connection (LOGIN, SELECT, STARTTLS, IDLE, …) wait for all before them and hold all behind them, and a command
// with message sequence numbers waits for one that may expunge (RFC 9051 section 5.5). The number of commands and
// octets under way is bounded.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{c: c} }

// Go runs f with a view on the client. It returns when the first command of f is queued, or when f has returned.
// Results go where f puts them; they are there when Wait has returned. f may use every method; a loop inside f reads
// like any other.
func (p *Pipeline) Go(f func(c *Client) error) {
	l := &lane{sent: make(chan struct{}), parent: p.c.lane}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		defer l.queued()
		growStack(0)
		if err := f(&Client{engine: p.c.engine, lane: l}); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.errs = append(p.errs, err)
		}
	}()
	<-l.sent
}

// growStack makes the stack of a new goroutine as large as a command needs it, while there is nothing on it to be moved.
//
//go:noinline
func growStack(i int) byte {
	var room [5 << 10]byte
	return room[i]
}

// Wait waits for all calls and returns their errors joined.
func (p *Pipeline) Wait() error {
	e := p.c.engine
	e.waits.Add(1)
	defer e.waits.Add(-1)
	if e.pending.Load() {
		e.flushPending(context.Background()) // an error is told to the commands
	}
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.Join(p.errs...)
	p.errs = nil
	return err
}
