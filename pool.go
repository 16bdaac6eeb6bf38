package imap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrPoolClosed is returned by Pool.Get and Pool.Do after the pool is closed. errors.Is(err, ErrClosed) does not hold.
var ErrPoolClosed = errors.New("imap: the pool is closed")

// Pool is a pool of connections to one account, for programs that do several things at a time: web handlers, workers,
// migrations. It reuses connections that were put back, with the requested mailbox selected, and prefers one that has it
// selected already. Only Dial must be set. All methods are safe for concurrent use; after the first call the fields must not
// be changed and the Pool must not be copied.
//
// A Pool has no goroutine, except while it dials.
type Pool struct {
	// Dial returns a new connection that is logged in. Its ctx has the values of the ctx of a Get, but is not canceled
	// with it: a connection for a Get that gave up is used by another one. The ctx ends when the pool is closed, and
	// after two minutes.
	Dial func(context.Context) (*Client, error)

	Max         int           // maximum number of connections; 0: 4 (services allow about 10 per account)
	IdleTimeout time.Duration // time after which an unused connection is closed; 0: 5 minutes, negative: never
	CheckAfter  time.Duration // time after which an unused connection is checked with NOOP before use; 0: 15 seconds, negative: always
	ReadOnly    bool          // open mailboxes with EXAMINE

	mu        sync.Mutex
	closed    bool
	ctx       context.Context // canceled when the pool is closed; created at the first dial
	end       context.CancelFunc
	idle      []*pooled           // in the order of their last use
	inUse     map[*Client]*pooled // by the Client that Get returned
	dialing   int
	waiting   []*poolWaiter // in the order of the calls
	dials     int           // number of dials started
	limit     int           // connections that the server allows, if known to be less than Max; 0: not known
	measured  bool          // limit is exact: it was found by a dial with no other in progress
	raiseAt   time.Time     // when one connection more than limit may be tried
	notBefore time.Time     // earliest time for a new connection, as requested by the server
	retry     *time.Timer   // fires at raiseAt or notBefore
	refused   int           // number of refused dials
	refusals  int           // consecutive refusals; those of simultaneous dials count once
	expiry    *time.Timer   // closes idle connections
}

const (
	poolMax         = 4
	poolIdleTimeout = 5 * time.Minute
	poolCheckAfter  = 15 * time.Second
	// poolCheckTime bounds the NOOP that checks a connection.
	poolCheckTime = 10 * time.Second
	// poolRelax is the time after a refusal until one more connection is tried.
	poolRelax = time.Minute
	// poolBackoff is the first pause after a server refused the only connection, doubled up to poolRelax.
	poolBackoff = time.Second
)

// pooled is a connection in a pool.
type pooled struct {
	c          *Client
	used       time.Time // when it was put back
	name       string    // the mailbox that the pool selected, as requested; "" for none
	opened     Mailbox   // its state at that time
	users      int       // how often the user had changed when it was dialed
	answersDue bool      // the answers to some commands are still outstanding
	asked      time.Time // when the first check was sent that has no answer yet, or zero
}

// poolWaiter is a Get that waits for a connection.
type poolWaiter struct {
	ctx  context.Context
	got  chan struct{} // closed after conn or err is set
	conn *pooled
	err  error
}

// PoolStats holds statistics of a Pool.
type PoolStats struct {
	Open    int // connections, except those that are being dialed
	InUse   int // connections in use
	Waiting int // calls of Get that wait for a connection
}

// Stats returns the current statistics.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{len(p.idle) + len(p.inUse), len(p.inUse), len(p.waiting)}
}

// Get returns a connection with the mailbox selected; for "" any mailbox or none may be selected. It waits while Max
// connections are in use, and while the server allows no more. The caller must call Put for the connection, whatever its
// state, and not use it afterwards.
//
// The error is that of Dial, of SELECT, or the cause of ctx. A pooled connection that was lost is replaced. If the mailbox
// was selected already, the next command reports what changed meanwhile.
func (p *Pool) Get(ctx context.Context, mailbox string) (*Client, error) {
	for {
		conn, fresh, err := p.acquire(ctx, mailbox)
		if err != nil {
			return nil, err
		}
		err = p.prepare(ctx, conn, mailbox)
		if err == nil {
			return conn.c, nil
		}
		if e, ok := errors.AsType[*Error](err); ok && e.isDisconnected() {
			conn.c.Close() // it will be refused again on this connection
		}
		lost := conn.c.State() == LoggedOut || errors.Is(err, ErrClosed)
		p.Put(conn.c)
		if !lost || fresh || ctx.Err() != nil {
			return nil, err
		}
	}
}

// Put returns a connection to the pool. If it is closed, or in another state than before (logged out, another user, NOTIFY
// or UIDONLY enabled), it is closed and replaced when needed. Unfinished loops, events other than alerts, and another
// selected mailbox are cleaned up. Put does nothing with a connection that is not in use.
func (p *Pool) Put(c *Client) {
	if c == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	conn := p.inUse[c]
	if conn == nil {
		return
	}
	delete(p.inUse, c)
	conn.used = time.Now()
	if p.closed || !conn.reusable() {
		conn.c.Close()
		p.dialMore()
		return
	}
	p.handOver(conn)
}

// Do calls f with a connection that has the mailbox selected, and puts the connection back. If the connection turns out
// to be lost, or busy, before any byte of a command of f was sent (SafeToRetry), f is called once more, with another
// connection. If f panics, the connection is closed.
func (p *Pool) Do(ctx context.Context, mailbox string, f func(*Client) error) error {
	again, err := p.try(ctx, mailbox, f)
	if again && ctx.Err() == nil {
		_, err = p.try(ctx, mailbox, f)
	}
	return err
}

// try calls f once. again reports whether f may be called again, because nothing was sent.
func (p *Pool) try(ctx context.Context, mailbox string, f func(*Client) error) (again bool, err error) {
	c, err := p.Get(ctx, mailbox)
	if err != nil {
		return false, err
	}
	defer p.Put(c)
	returned := false
	defer func() {
		if !returned {
			c.Close()
		}
	}()
	before, known := c.e.sentSoFar()
	err = f(c)
	returned = true
	if !SafeToRetry(err) || !errors.Is(err, ErrClosed) && !errors.Is(err, ErrBusy) {
		return false, err
	}
	if fresh, answersDue, _ := c.e.isFresh(); fresh && !answersDue {
		return false, err // it is the error of another client, with which f may have done something
	}
	after, knownToo := c.e.sentSoFar()
	c.Close() // otherwise Get would return it again
	return known && knownToo && before == after, err
}

// Close closes the unused connections; Put closes those in use. Waiting and later calls of Get fail with ErrPoolClosed. It
// returns nil.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if p.end != nil {
		p.end()
	}
	for _, conn := range p.idle {
		conn.c.Close()
	}
	p.idle = nil
	for _, w := range p.waiting {
		w.finish(nil, ErrPoolClosed)
	}
	p.waiting = nil
	for _, t := range []*time.Timer{p.expiry, p.retry} {
		if t != nil {
			t.Stop()
		}
	}
	return nil
}

// ---- choosing a connection

// acquire returns a connection and marks it as in use. fresh reports whether it is a new one.
func (p *Pool) acquire(ctx context.Context, mailbox string) (conn *pooled, fresh bool, err error) {
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, false, ErrPoolClosed
	}
	if len(p.waiting) == 0 {
		if conn := p.pick(mailbox); conn != nil {
			p.out(conn)
			p.mu.Unlock()
			return conn, false, nil
		}
	}
	w := &poolWaiter{ctx: ctx, got: make(chan struct{})}
	p.waiting = append(p.waiting, w)
	p.dialMore()
	p.mu.Unlock()
	select {
	case <-w.got:
	case <-ctx.Done():
		p.mu.Lock()
		p.waiting = slices.DeleteFunc(p.waiting, func(o *poolWaiter) bool { return o == w })
		p.mu.Unlock()
		select {
		case <-w.got: // it arrived at the last moment
			if w.conn != nil {
				p.Put(w.conn.c)
			}
		default:
		}
		return nil, false, context.Cause(ctx)
	}
	if w.err != nil {
		return nil, false, w.err
	}
	return w.conn, w.conn.used.IsZero(), nil
}

// pick takes an idle connection: the last used one with the mailbox, else the last used one without a mailbox, else the one
// unused for longest. The caller must hold p.mu.
func (p *Pool) pick(mailbox string) *pooled {
	p.idle = slices.DeleteFunc(p.idle, func(conn *pooled) bool { return conn.c.State() == LoggedOut })
	best, rank := -1, -1
	for i, conn := range p.idle {
		r := 0
		switch {
		case mailbox == "" || conn.name == mailbox:
			r = 2
		case conn.name == "":
			r = 1
		}
		if r > rank || r == rank && r > 0 {
			best, rank = i, r
		}
	}
	if best < 0 {
		return nil
	}
	conn := p.idle[best]
	p.idle = slices.Delete(p.idle, best, best+1)
	return conn
}

// out gives the connection a new Client for the caller of Get, so that a Put of an earlier one has no effect. The caller
// must hold p.mu.
func (p *Pool) out(conn *pooled) {
	conn.c = &Client{e: conn.c.e}
	if p.inUse == nil {
		p.inUse = map[*Client]*pooled{}
	}
	p.inUse[conn.c] = conn
}

// handOver passes a connection to the first waiting Get, or else adds it to the idle ones. The caller must hold p.mu.
func (p *Pool) handOver(conn *pooled) {
	for len(p.waiting) > 0 {
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		if w.ctx.Err() != nil {
			w.finish(nil, context.Cause(w.ctx))
			continue
		}
		p.out(conn)
		w.finish(conn, nil)
		return
	}
	conn.used = time.Now()
	p.idle = append(p.idle, conn)
	p.expireLater()
}

func (w *poolWaiter) finish(conn *pooled, err error) {
	w.conn, w.err = conn, err
	close(w.got)
}

// expireLater sets the timer for the idle connection that is unused for longest. The caller must hold p.mu.
func (p *Pool) expireLater() {
	timeout := orDefault(p.IdleTimeout, poolIdleTimeout)
	if timeout < 0 || len(p.idle) == 0 {
		return
	}
	oldest := slices.MinFunc(p.idle, func(a, b *pooled) int { return a.used.Compare(b.used) })
	wait := max(time.Until(oldest.used.Add(timeout)), 0)
	if p.expiry == nil {
		p.expiry = time.AfterFunc(wait, p.expire)
		return
	}
	p.expiry.Reset(wait)
}

// expire closes the connections that are unused for IdleTimeout.
func (p *Pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := time.Now().Add(-orDefault(p.IdleTimeout, poolIdleTimeout))
	p.idle = slices.DeleteFunc(p.idle, func(conn *pooled) bool {
		old := !conn.used.After(limit)
		if old {
			conn.c.Close()
		}
		return old
	})
	p.expireLater()
}

// ---- dialing

// dialMore starts dials for waiting calls, as far as the bounds allow. The caller must hold p.mu.
func (p *Pool) dialMore() {
	if p.closed || len(p.waiting) == 0 {
		return
	}
	if time.Until(p.notBefore) > 0 {
		p.retryLater()
		return
	}
	for p.dialing < len(p.waiting) && p.open() < p.most() {
		if p.ctx == nil {
			p.ctx, p.end = context.WithCancel(context.Background())
		}
		p.dialing++
		p.dials++
		go p.dialOne(p.waiting[p.dialing-1].ctx, poolDial{n: p.dials, alone: p.dialing == 1, refused: p.refused})
	}
}

// poolDial is the state of a pool when a dial began.
type poolDial struct {
	n       int  // number of this dial, from Pool.dials
	alone   bool // no other dial was in progress
	refused int  // Pool.refused at that time
}

// open returns the number of connections, including those that are being dialed. The caller must hold p.mu.
func (p *Pool) open() int { return p.dialing + len(p.inUse) + len(p.idle) }

// most returns how many connections are allowed now.
func (p *Pool) most() int {
	most := orDefault(max(p.Max, 0), poolMax)
	if p.limit > 0 {
		most = min(most, p.limit)
	}
	return most
}

// dialOne makes a connection for the Get that is first in the queue when the dial ends.
func (p *Pool) dialOne(ctx context.Context, d poolDial) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialTimeout)
	stop := context.AfterFunc(p.ctx, cancel)
	c, err := (*Client)(nil), errDialEnded
	defer func() {
		stop()
		cancel()
		p.dialed(c, err, d)
	}()
	c, err = p.Dial(ctx)
}

// errDialEnded reports that Dial ended its goroutine, as FailNow of a test does.
var errDialEnded = errors.New("imap: Pool.Dial ended its goroutine (runtime.Goexit)")

// dialed takes what Dial returned.
func (p *Pool) dialed(c *Client, err error, d poolDial) {
	if err == nil && c == nil {
		err = &StateError{"Pool.Dial", NotAuthenticated}
	}
	if err == nil && c.State() != Authenticated && c.State() != Selected {
		err = &StateError{"Pool.Dial", c.State()}
		c.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	switch {
	case err == nil && p.closed:
		c.Close()
	case p.closed: // no call waits, and no timer must be started
	case err == nil:
		p.refusals = 0
		conn := &pooled{c: c}
		_, _, conn.users = c.e.isFresh()
		p.handOver(conn)
		if p.limit > 0 && !p.measured && p.dialing == 0 && p.open() >= p.limit {
			p.raiseLimit()
		}
	default:
		p.dialFailed(err, d)
	}
	p.dialMore()
}

// dialFailed handles an error of Dial. If the reason is too many connections, a waiting Get fails only if there is no other
// connection to wait for, and the refusal was not caused by simultaneous dials. The caller must hold p.mu.
func (p *Pool) dialFailed(err error, d poolDial) {
	e, _ := errors.AsType[*Error](err)
	if e != nil && tooMany(e) {
		if p.refused == d.refused {
			p.refusals++
		}
		p.refused++
		pause := min(poolBackoff<<min(max(p.refusals-1, 0), 10), poolRelax)
		p.notBefore = time.Now().Add(max(pause, min(e.Backoff(), maxBackoff)))
		p.retryLater()
		if alone := d.alone && p.dials == d.n; p.open() > 0 || !alone {
			p.bound(e, alone)
			return
		}
	}
	if len(p.waiting) > 0 {
		p.waiting[0].finish(nil, err)
		p.waiting = p.waiting[1:]
	}
}

// bound derives the limit from a refusal. If several dials were in progress, each may have caused the refusal of the others:
// connections are then added one by one, after a short time, until a lone dial is refused. If no connection is left, the
// limit of one already allows that dial. The caller must hold p.mu.
func (p *Pool) bound(e *Error, alone bool) {
	p.limit, p.measured, p.raiseAt = max(p.open(), 1), alone, p.notBefore
	switch {
	case alone:
		p.raiseAt = time.Now().Add(max(poolRelax, min(e.Backoff(), maxBackoff)))
	case p.open() == 0:
		p.raiseAt = p.notBefore.Add(poolRelax)
	}
	p.retryLater()
}

// raiseLimit allows one more connection. The caller must hold p.mu.
func (p *Pool) raiseLimit() {
	if p.limit++; p.limit >= orDefault(max(p.Max, 0), poolMax) {
		p.limit = 0
	}
	p.raiseAt = time.Now().Add(poolRelax)
	p.retryLater()
}

// retryLater sets the timer for the next time at which a dial may become allowed. The caller must hold p.mu.
func (p *Pool) retryLater() {
	next := p.notBefore
	if wait := time.Until(next); p.limit > 0 && (wait <= 0 || p.raiseAt.Before(next)) {
		next = p.raiseAt
	}
	if p.retry == nil {
		p.retry = time.AfterFunc(time.Until(next), p.retryNow)
		return
	}
	p.retry.Reset(time.Until(next))
}

func (p *Pool) retryNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.limit > 0 {
		if time.Until(p.raiseAt) <= 0 {
			p.raiseLimit()
		} else {
			p.retryLater()
		}
	}
	p.dialMore()
}

// tooMany reports whether a server refuses a connection because there are too many, or new ones are made too often.
func tooMany(e *Error) bool {
	if e.Backoff() > 0 || e.Code == "LIMIT" {
		return true
	}
	text := strings.ToLower(e.Text)
	return strings.Contains(text, "too many") || strings.Contains(text, "maximum number of connections") ||
		strings.Contains(text, "simultaneous connections") || strings.Contains(text, "connection limit")
}

// ---- the state of a connection

// prepare ensures that a connection works, and selects the mailbox.
func (p *Pool) prepare(ctx context.Context, conn *pooled, mailbox string) error {
	c := conn.c
	slept := !conn.used.IsZero() && time.Since(conn.used) >= cmp.Or(p.CheckAfter, poolCheckAfter)
	if slept || conn.answersDue {
		if conn.asked.IsZero() {
			conn.asked = time.Now()
		}
		check, cancel := context.WithTimeout(ctx, poolCheckTime)
		err := c.Noop(check)
		cancel()
		if err != nil && (ctx.Err() == nil || time.Since(conn.asked) >= poolCheckTime) {
			c.Close() // also if the ctx of each Get is shorter than that
		}
		if err != nil {
			return err
		}
		if conn.asked = (time.Time{}); !conn.reusable() {
			c.Close() // the answers have changed its state
			return unsent("NOOP", ErrClosed)
		}
	}
	c.e.removeEvents(func(ev Event) bool { // those of the previous user, but the text of an alert must be shown
		_, alert := ev.(*AlertEvent)
		return !alert
	})
	if mailbox == "" || conn.hasOpen(mailbox) {
		return nil
	}
	conn.name = ""
	mb, err := c.Select(ctx, mailbox, &SelectOptions{ReadOnly: p.ReadOnly})
	if err != nil {
		return err
	}
	c.e.dropEarlier() // those of the mailbox that the previous user had, too
	conn.name, conn.opened = mailbox, *mb
	return nil
}

// hasOpen reports whether the mailbox is selected as the pool selected it.
func (conn *pooled) hasOpen(mailbox string) bool {
	if conn.name != mailbox {
		return false
	}
	mb := conn.c.Mailbox()
	return mb != nil && mb.Name == conn.opened.Name && mb.ReadOnly == conn.opened.ReadOnly && mb.UIDValidity == conn.opened.UIDValidity
}

// reusable reports whether the connection may be used again, and records whether answers are outstanding.
func (conn *pooled) reusable() bool {
	fit, answersDue, users := conn.c.e.isFresh()
	if fit = fit && users == conn.users; fit {
		conn.answersDue = answersDue
	}
	return fit
}
