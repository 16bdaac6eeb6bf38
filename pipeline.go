package imap

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pipeline sends commands without waiting for the answers of earlier ones.
type Pipeline struct {
	c  *Client
	wg sync.WaitGroup

	view  Client       // of the commands that are queued without a call
	order pipelineCall // of view

	unopened atomic.Bool // a SELECT in it was not sent, so later calls do not know which mailbox is selected

	finishing chan struct{} // the token of finishQueued

	mu      sync.Mutex
	errs    []error
	queued  []queuedCommand // in their order
	last    <-chan struct{} // the channel sent of the last call for which Go did not wait
	running int             // number of calls that have not ended
	idle    []chan<- *call  // idle goroutines, while other calls run
}

// call is one call of Go.
type call struct {
	f     func(*Client) error
	view  Client
	order pipelineCall
}

// pipelineCall is the part of a client view that belongs to one call of Go.
type pipelineCall struct {
	of     *Pipeline
	once   sync.Once
	place  sync.WaitGroup  // done when its first command is queued
	sent   chan struct{}   // closed at that time, if Go does not wait for it
	before <-chan struct{} // the channel sent of the preceding call, or nil if its first command is queued
	parent *pipelineCall   // for a pipeline inside a call of another pipeline
}

// common returns the two calls of Go in a pipeline to which both calls belong, directly or by enclosing pipelines, or nil.
func (l *pipelineCall) common(other *pipelineCall) (one, two *pipelineCall) {
	for ; l != nil; l = l.parent {
		for o := other; o != nil; o = o.parent {
			if l.of == o.of {
				return l, o
			}
		}
	}
	return nil, nil
}

// sameRun reports whether two calls belong to different calls of Go of the same pipeline: then neither can be inside a loop of
// the other.
func (l *pipelineCall) sameRun(other *pipelineCall) bool {
	one, two := l.common(other)
	return one != two
}

// joins reports whether two calls belong to the same pipeline.
func (l *pipelineCall) joins(other *pipelineCall) bool {
	one, _ := l.common(other)
	return one != nil
}

// selectNotSent records that a SELECT in the call was not sent.
func (l *pipelineCall) selectNotSent() {
	for ; l != nil; l = l.parent {
		l.of.unopened.Store(true)
	}
}

// selectSent records that a SELECT in the call was sent.
func (l *pipelineCall) selectSent() {
	for ; l != nil; l = l.parent {
		l.of.unopened.Store(false)
	}
}

// lacksMailbox reports whether an earlier SELECT, in the pipeline of the call or an enclosing one, was not sent.
func (l *pipelineCall) lacksMailbox() bool {
	for ; l != nil; l = l.parent {
		if l.of.unopened.Load() {
			return true
		}
	}
	return false
}

// isWaiting reports whether a call before this one, in its pipeline or an enclosing one, has not queued its first command yet.
func (l *pipelineCall) isWaiting() bool {
	for ; l != nil; l = l.parent {
		if l.isBehind() {
			return true
		}
	}
	return false
}

// isBehind reports whether the first command of the preceding call is not queued yet.
func (l *pipelineCall) isBehind() bool {
	if l.before == nil {
		return false
	}
	select {
	case <-l.before:
		return false
	default:
		return true
	}
}

// waitTurn waits until the first command of the preceding call is queued, and the same for enclosing calls.
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
	if err := c.call.waitTurn(ctx, c.e.conn.Done()); err != nil {
		return err
	}
	return c.e.lock(ctx)
}

// commandQueued is called when the first command of the call, and thus of the enclosing call, is queued.
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
// the connection (LOGIN, SELECT, STARTTLS, IDLE, …) wait for all earlier commands and hold back all later ones, and a
// command with sequence numbers waits for one that may expunge (RFC 9051 section 5.5). The number of commands in flight
// is bounded (Options.MaxPipelined), and so are their bytes. If a Select or Examine fails before it was sent, later
// calls in the pipeline that need a mailbox fail too, until Wait or another Select, because they were meant for the
// mailbox that was not selected.
//
// A single command whose result is not needed before Wait is cheapest with its method of Pipeline (Noop, Status), which needs
// no goroutine.
func (c *Client) Pipeline() *Pipeline {
	p := &Pipeline{c: c, finishing: make(chan struct{}, 1)}
	p.order = pipelineCall{of: p, parent: c.call}
	p.view = Client{e: c.e, call: &p.order}
	return p
}

// Pending is the result of a command that a method of Pipeline has queued.
type Pending[T any] struct {
	mu    sync.Mutex
	ended bool
	value T
	err   error
}

// Result returns the result after Pipeline.Wait has returned. Before that it returns an error until there is a result.
func (r *Pending[T]) Result() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		return r.value, errPending
	}
	return r.value, r.err
}

// end stores the result.
func (r *Pending[T]) end(value T, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.value, r.err = true, value, err
}

var errPending = errors.New("imap: the result of a pipeline before Wait")

// queuedCommand is a command for whose answer Wait waits. end, if not nil, is called with the error of the command and returns
// the error for Wait.
type queuedCommand struct {
	cmd *command
	end func(error) error
}

// queue sends a command without a goroutine. It returns false if the command needs one, because ctx can end before the answer,
// or because calls must run first for which Go did not wait.
func (p *Pipeline) queue(ctx context.Context, cmd *command, end func(error) error) bool {
	if ctx.Done() != nil || p.isBehind() {
		return false
	}
	err := p.view.start(ctx, cmd)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		if p.queued == nil {
			p.queued = make([]queuedCommand, 0, 2*maxPipelined)
		}
		if len(p.queued) == cap(p.queued) {
			p.endAnswered()
		}
		p.queued = append(p.queued, queuedCommand{cmd, end})
		p.view.e.unlock()
		p.order.parent.commandQueued()
		return true
	}
	if end != nil {
		err = end(err)
	}
	p.errs = append(p.errs, err)
	return true
}

// endAnswered removes the queued commands that are answered, so that a long pipeline does not keep all of them until Wait. It
// makes room for as many as remain, so that they are not looked at again for each command. The caller must hold the send token
// and p.mu.
func (p *Pipeline) endAnswered() {
	p.queued = slices.DeleteFunc(p.queued, func(q queuedCommand) bool {
		if !q.cmd.finished(p.c.e) {
			return false
		}
		err := p.c.e.result(q.cmd)
		if q.end != nil {
			err = q.end(err)
		}
		if err != nil {
			p.errs = append(p.errs, err)
		} else if q.end == nil {
			useAgain(q.cmd)
		}
		return true
	})
	p.queued = slices.Grow(p.queued, len(p.queued))
}

// isBehind reports whether Go did not wait for a call, or would not wait for the next.
func (p *Pipeline) isBehind() bool {
	e := p.c.e
	e.mu.Lock()
	streaming := e.streaming != nil
	e.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	return streaming || p.last != nil
}

// finishQueued waits for all queued commands, including those queued meanwhile. Concurrent calls run one after the other.
func (p *Pipeline) finishQueued() {
	p.finishing <- struct{}{}
	defer func() { <-p.finishing }()
	for {
		p.mu.Lock()
		list := p.queued
		p.queued = nil
		p.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for i, q := range list {
			err := p.c.e.wait(context.Background(), q.cmd)
			if err != nil {
				list[i].cmd = nil // it may still be in flight
			}
			if q.end != nil {
				err = q.end(err)
			}
			if err != nil {
				p.mu.Lock()
				p.errs = append(p.errs, err)
				p.mu.Unlock()
			}
		}
		p.useAgain(list)
	}
}

// useAgain returns the plain commands of a list to their pool. It does nothing while another command is being sent, because
// that is the only time at which commands refer to earlier ones.
func (p *Pipeline) useAgain(list []queuedCommand) {
	select {
	case p.c.e.send <- struct{}{}:
		defer p.c.e.unlock()
	default:
		return
	}
	for _, q := range list {
		if q.end == nil && q.cmd != nil {
			useAgain(q.cmd)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queued == nil {
		clear(list)
		p.queued = list[:0]
	}
}

// Go calls f with a view of the client in another goroutine. It returns when the first command of f is queued, or when f has
// returned. During a FetchStream, whose loop body may have called Go, it returns at once, with the same order of commands. f
// must store its results itself; they are complete when Wait has returned. f may use every method, and range over iterators.
func (p *Pipeline) Go(f func(c *Client) error) {
	one := &call{f: f, order: pipelineCall{of: p, parent: p.c.call}}
	one.view = Client{e: p.c.e, call: &one.order}
	one.order.place.Add(1)
	waits := p.putInOrder(&one.order)
	if worker := p.begin(); worker != nil {
		worker <- one
	} else {
		go p.work(one)
	}
	if waits {
		one.order.place.Wait()
	}
}

// putInOrder queues a call after those for which Go did not wait, and reports whether Go must wait for this one.
func (p *Pipeline) putInOrder(l *pipelineCall) (waits bool) {
	e := p.c.e
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

// begin counts a call and returns an idle goroutine for it, or nil if none exists.
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

// work runs calls while other calls are running: no goroutine remains after all calls have ended.
func (p *Pipeline) work(one *call) {
	growStack(0)
	next := make(chan *call, 1)
	for one != nil {
		p.run(one)
		if !p.offerWorker(next) {
			return
		}
		one = <-next
	}
}

// run runs a call until it returns or calls runtime.Goexit.
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

// ended counts a call that has ended. The last one releases all goroutines.
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

// rest offers the goroutine for another call. It returns false if no other call is running.
func (p *Pipeline) offerWorker(next chan<- *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == 0 || len(p.idle) >= maxPipelined {
		return false
	}
	p.idle = append(p.idle, next)
	return true
}

// growStack grows the stack of a new goroutine to the size that a command needs, while there is nothing to copy.
//
//go:noinline
func growStack(i int) byte {
	var room [5 << 10]byte
	return room[i]
}

// Wait waits for all calls and returns their joined errors. It must not be called inside Go, where it would wait for itself.
func (p *Pipeline) Wait() error {
	e := p.c.e
	e.waits.Add(1)
	defer e.waits.Add(-1)
	if e.pending.Load() {
		e.flushPending(context.Background()) // an error is returned by the commands
	}
	p.finishQueued()
	p.wg.Wait()
	p.finishQueued() // what calls have queued
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.Join(p.errs...)
	p.errs, p.last = nil, nil
	p.unopened.Store(false)
	return err
}

// ---- loops

// mustFollowLoop reports whether a command with a synchronizing literal has to wait for that of a loop in the same pipeline.
// The rows of the loop may come before the continuation; if the loop does not take them, and they fill the memory, the
// continuation cannot be read, and the rest of a command that was begun cannot be sent.
func (c *Client) mustFollowLoop(cmd *command) bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	cmd.follows = c.e.loopInFlight() != nil
	return cmd.follows
}

// loopInFlight returns the first command in flight whose results are queued for a loop. The caller must hold engine.mu.
func (e *engine) loopInFlight() *command {
	for _, cmd := range e.inflight {
		if cmd.batch && !cmd.abandoned {
			return cmd
		}
	}
	return nil
}

// ---- the window of commands in flight

// isFull reports whether the window of commands in flight is full. The caller must hold engine.mu.
func (e *engine) isFull() bool {
	return e.size > max(maxInFlight, min(e.window*bytesEach, maxInWindow)) || len(e.inflight) >= int(e.window)
}

// setWindow initializes the window from Options.
func (e *engine) setWindow() {
	e.window, e.fixed = maxPipelined, e.opts.MaxPipelined > 0
	if e.fixed {
		e.window = int32(min(e.opts.MaxPipelined, maxWindow))
	}
}

// epoch is the reference of times that are stored as a Duration, which takes a third of the memory of a Time.
var epoch = time.Now()

// probe starts to measure how long the server takes to answer the last command in flight, unless another one is being
// measured. The caller must hold engine.mu.
func (e *engine) probe() {
	if last := len(e.inflight) - 1; last >= 0 && e.inflight[last].pipelined && !e.fixed && e.probed == nil {
		e.probed, e.probedAt = e.inflight[last], time.Since(epoch)
	}
}

// widen grows the window of commands in flight when the server answers the measured command within quickAnswer, by
// windowGrowth for each OK since the last growth. The window does not grow for servers without the capability ENABLE, because
// the server known to lose pipelined commands, Outlook.com, lacks it. After a BAD the window returns to its initial size for
// good. The caller must hold engine.mu.
func (e *engine) widen(cmd *command, s *status) {
	switch {
	case e.fixed:
	case s.word == "BAD":
		e.window, e.growth, e.fixed = maxPipelined, 0, true
	case s.ok():
		e.growth = min(e.growth+windowGrowth, maxWindow)
	}
	if cmd != e.probed {
		return
	}
	if time.Since(epoch)-e.probedAt < quickAnswer && e.capsKnown && e.caps.offers("ENABLE") {
		e.window = min(e.window+e.growth, maxWindow)
	}
	e.probed, e.growth = nil, 0
}

const (
	// maxInFlight bounds the bytes of unanswered commands, so that they fit in the buffers between the client and a server
	// that is itself blocked in a write.
	maxInFlight = 16 << 10
	// maxPipelined bounds the number of unanswered commands until the window grows. The parser of Outlook.com fails at about
	// 50.
	maxPipelined = 40
	// maxWindow is the largest window, and windowGrowth the number of commands by which it grows for an answer.
	maxWindow    = 1000
	windowGrowth = 24
	// quickAnswer is the longest time to an answer for which the window grows.
	quickAnswer = 500 * time.Millisecond
	// A larger window also allows more bytes than maxInFlight: bytesEach for each command, and at most maxInWindow.
	bytesEach   = 64
	maxInWindow = 64 << 10
	// pipelineDelay is how long a pipelined command waits to be sent together with others.
	pipelineDelay = 200 * time.Microsecond
)
