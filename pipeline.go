package imap

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Pipeline sends commands without waiting for the answers of earlier ones.
type Pipeline struct {
	c  *Client
	wg sync.WaitGroup

	unopened atomic.Bool // a SELECT of it was not sent, so that the calls behind it do not know what mailbox is open

	mu      sync.Mutex
	errs    []error
	last    <-chan struct{} // sent of the last call for which Go did not wait
	running int             // calls that have not ended
	idle    []chan<- *call  // goroutines of calls that have ended, while others run
}

// call is one call of Go.
type call struct {
	f     func(*Client) error
	view  Client
	order pipelineCall
}

// pipelineCall is the part of a view on a client that belongs to one call of Go.
type pipelineCall struct {
	of     *Pipeline
	once   sync.Once
	place  sync.WaitGroup  // done when its first command is queued
	sent   chan struct{}   // closed then, where Go does not wait for it
	before <-chan struct{} // sent of the call whose first command comes before ours, nil where that is known
	parent *pipelineCall   // of a pipeline in a pipeline
}

// sameRun reports whether two calls belong to different calls of Go of one pipeline, themselves or by the pipelines around
// them: then neither can run in a loop of the other.
func (l *pipelineCall) sameRun(other *pipelineCall) bool {
	for ; l != nil; l = l.parent {
		for o := other; o != nil; o = o.parent {
			if l.of == o.of {
				return l != o
			}
		}
	}
	return false
}

// selectNotSent notes that a SELECT of the call was not sent.
func (l *pipelineCall) selectNotSent() {
	for ; l != nil; l = l.parent {
		l.of.unopened.Store(true)
	}
}

// selectSent notes that a SELECT of the call was sent.
func (l *pipelineCall) selectSent() {
	for ; l != nil; l = l.parent {
		l.of.unopened.Store(false)
	}
}

// lacksMailbox reports whether a SELECT before the call, in its pipeline or one around that, was not sent.
func (l *pipelineCall) lacksMailbox() bool {
	for ; l != nil; l = l.parent {
		if l.of.unopened.Load() {
			return true
		}
	}
	return false
}

// waitTurn waits until the first command of the call before has its place in the order, also of the call around this one.
func (l *pipelineCall) waitTurn(ctx context.Context, done <-chan struct{}) error {
	for ; l != nil; l = l.parent {
		if l.before == nil {
			continue
		}
		select {
		case <-l.before:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done:
			return ErrClosed
		}
	}
	return nil
}

// lock waits for the turn of the call, then for the send token.
func (c *Client) lock(ctx context.Context) error {
	if err := c.call.waitTurn(ctx, c.conn.Done()); err != nil {
		return err
	}
	return c.engine.lock(ctx)
}

// commandQueued reports that the first command of the call, and so of the call around it, has its place in the order.
func (l *pipelineCall) commandQueued() {
	for ; l != nil; l = l.parent {
		l.enqueued()
	}
}

func (l *pipelineCall) enqueued() {
	l.once.Do(func() {
		l.place.Done()
		if l.sent != nil {
			close(l.sent)
		}
	})
}

// callEnded releases the slot of a call that has ended, with or without a command, so that its successor is queued after its
// predecessors.
func (l *pipelineCall) callEnded() {
	if l.before != nil {
		<-l.before
	}
	l.enqueued()
}

// Pipeline returns a pipeline on the connection. p.Go returns when its first command is queued, so the order on the
// wire is the order of the calls. Commands that must not overlap wait for each other: those that change the state of
// the connection (LOGIN, SELECT, STARTTLS, IDLE, …) wait for all before them and hold all behind them, and a command
// with message sequence numbers waits for one that may expunge (RFC 9051 section 5.5). The number of commands under way
// is bounded (Options.MaxPipelined), and so are their bytes. Where a Select or Examine fails before it was sent, the calls behind it in the pipeline that
// need a mailbox fail too, until Wait or another Select: they were meant for the mailbox that was not opened.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{c: c} }

// Go runs f with a view on the client. It returns when the first command of f is queued, or when f has returned; while a
// FetchStream is under way, whose loop body may be what calls Go, it returns at once, and the order is the same. Results
// go where f puts them; they are there when Wait has returned. f may use every method; a loop inside f reads like any
// other.
func (p *Pipeline) Go(f func(c *Client) error) {
	one := &call{f: f, order: pipelineCall{of: p, parent: p.c.call}}
	one.view = Client{engine: p.c.engine, call: &one.order}
	one.order.place.Add(1)
	waits := p.order(&one.order)
	if worker := p.begin(); worker != nil {
		worker <- one
	} else {
		go p.work(one)
	}
	if waits {
		one.order.place.Wait()
	}
}

// order puts a call behind those that Go did not wait for, and reports whether Go waits for this one.
func (p *Pipeline) order(l *pipelineCall) (waits bool) {
	e := p.c.engine
	e.mu.Lock()
	waits = e.streaming == nil
	e.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.before = p.last
	if !waits {
		l.sent = make(chan struct{})
		p.last = l.sent
	}
	return waits
}

// begin counts a call and finds a goroutine for it, nil where none is idle.
func (p *Pipeline) begin() chan<- *call {
	p.wg.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running++
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	worker := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return worker
}

// work runs calls, as long as others run beside them: no goroutine is left behind by calls that have ended.
func (p *Pipeline) work(one *call) {
	growStack(0)
	next := make(chan *call, 1)
	for one != nil {
		p.run(one)
		if !p.rest(next) {
			return
		}
		one = <-next
	}
}

// run runs a call to its end, be that a return or runtime.Goexit.
func (p *Pipeline) run(one *call) {
	defer p.wg.Done()
	defer p.ended()
	defer one.order.callEnded()
	if err := one.f(&one.view); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errs = append(p.errs, err)
	}
}

// ended counts a call that has ended. The last one lets all goroutines go.
func (p *Pipeline) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running--; p.running > 0 {
		return
	}
	for _, worker := range p.idle {
		close(worker)
	}
	p.idle = nil
}

// rest offers a goroutine for the next call. It reports whether there is anything to wait for.
func (p *Pipeline) rest(next chan<- *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == 0 || len(p.idle) >= maxPipelined {
		return false
	}
	p.idle = append(p.idle, next)
	return true
}

// growStack makes the stack of a new goroutine as large as a command needs it, while there is nothing on it to be moved.
//
//go:noinline
func growStack(i int) byte {
	var room [5 << 10]byte
	return room[i]
}

// Wait waits for all calls and returns their errors joined. It is not for use inside Go: a call would wait for itself.
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
	p.errs, p.last = nil, nil
	p.unopened.Store(false)
	return err
}
