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

// ErrPoolClosed is what Pool.Get and Pool.Do return once the pool is closed. errors.Is(err, ErrClosed) does not hold.
var ErrPoolClosed = errors.New("imap: the pool is closed")

// Pool keeps connections of one account, for programs that do several things at a time: web handlers, workers,
// migrations. A connection that was put back is given out again, with the mailbox selected that is asked for, if possible
// one that has it selected already. Only Dial has to be set. All methods are safe for concurrent use; the fields must not
// be changed, nor the Pool copied, once one was called.
//
// A Pool holds no goroutine, except while it dials.
type Pool struct {
	// Dial returns a new connection that is logged in. It gets the values of the ctx of a Get, but not its end: what was
	// dialled for one that gave up is used by another. Close of the pool, and two minutes, end its ctx.
	Dial func(context.Context) (*Client, error)

	Max         int           // the most connections at a time: 0 is 4 (services allow an account about 10)
	IdleTimeout time.Duration // a connection that was not used for so long is closed: 0 is 5 minutes, negative never
	CheckAfter  time.Duration // a connection that was not used for so long is asked by a NOOP whether it lives: 0 is 15 seconds, negative always
	ReadOnly    bool          // mailboxes are opened by EXAMINE

	mu        sync.Mutex
	closed    bool
	life      context.Context // to the end of the pool; made with the first dial
	end       context.CancelFunc
	idle      []*pooled           // the one used last is last
	inUse     map[*Client]*pooled // by what Get returned
	dialing   int
	waiting   []*poolWaiter // in their order
	dials     int           // that were begun
	limit     int           // what the server allows, where that showed to be less than Max; 0: not known
	measured  bool          // limit is what a dial met that had no other beside it, so that it is exact
	raiseAt   time.Time     // one connection more than limit is tried then
	notBefore time.Time     // the server wants no connection before
	retry     *time.Timer   // for raiseAt and notBefore
	refused   int           // dials
	refusals  int           // in a row, those that were under way together counted once
	expiry    *time.Timer   // closes idle connections
}

const (
	poolMax         = 4
	poolIdleTimeout = 5 * time.Minute
	poolCheckAfter  = 15 * time.Second
	// poolCheckTime bounds the NOOP that looks whether a connection lives.
	poolCheckTime = 10 * time.Second
	// poolRelax is how soon after a refusal one connection more is tried.
	poolRelax = time.Minute
	// poolBackoff is the first pause after a server refused the only connection, doubled up to poolRelax.
	poolBackoff = time.Second
)

// pooled is a connection of a pool.
type pooled struct {
	c       *Client
	used    time.Time // put back then
	name    string    // of the mailbox that the pool has opened, as it was asked for; "" for none
	opened  Mailbox   // what it was then
	unheard bool      // there are commands on it whose answers were given up
	asked   time.Time // whether it lives, first of the times since it last answered; zero for none
}

// poolWaiter is a Get that waits for a connection.
type poolWaiter struct {
	ctx  context.Context
	got  chan struct{} // closed when conn or err is set
	conn *pooled
	err  error
}

// PoolStats are the numbers of a Pool.
type PoolStats struct {
	Open    int // connections, those that are being dialled not counted
	InUse   int // of them
	Waiting int // calls of Get that wait for a connection
}

// Stats returns the numbers of now.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{len(p.idle) + len(p.inUse), len(p.inUse), len(p.waiting)}
}

// Get returns a connection with the mailbox selected, or with any or none for "". It waits while Max are in use, and while
// the server allows no more. The caller must Put it back, whatever became of it, and not use it after that.
//
// The error is that of Dial, of SELECT, or the cause of ctx. A connection that was in the pool and is lost is replaced. Of
// a mailbox that was selected already, what changed meanwhile is told by the next command.
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
		lost := conn.c.State() == LoggedOut || errors.Is(err, ErrClosed)
		p.Put(conn.c)
		if !lost || fresh || ctx.Err() != nil {
			return nil, err
		}
	}
}

// Put gives a connection back. One that is closed, or not as it was given out (logged out, NOTIFY or UIDONLY enabled), is
// closed and replaced by and by. What is left on it is dealt with: a loop that was left, events, another mailbox. Put of
// what is not out, or is put back already, does nothing.
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
	p.give(conn)
}

// Do calls f with a connection that has the mailbox selected, and puts it back. Where that turns out to be lost, or busy,
// before a byte of a command of f left (SafeToRetry), f is called once more, with another connection. A panic of f closes
// the connection.
func (p *Pool) Do(ctx context.Context, mailbox string, f func(*Client) error) error {
	again, err := p.try(ctx, mailbox, f)
	if again && ctx.Err() == nil {
		_, err = p.try(ctx, mailbox, f)
	}
	return err
}

// try calls f once. again reports that nothing of it was sent.
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
	before, known := c.sentSoFar()
	err = f(c)
	returned = true
	if !SafeToRetry(err) || !errors.Is(err, ErrClosed) && !errors.Is(err, ErrBusy) {
		return false, err
	}
	after, knownToo := c.sentSoFar()
	c.Close() // or Get would give it out again
	return known && knownToo && before == after, err
}

// sentSoFar counts the commands; ok is false while one is being sent.
func (c *Client) sentSoFar() (n uint64, ok bool) {
	select {
	case c.send <- struct{}{}:
		n = c.tags
		<-c.send
		return n, true
	default:
		return 0, false
	}
}

// Close closes the connections that are not in use; those that are, are closed by Put. Calls of Get that wait, and later
// ones, fail with ErrPoolClosed. It returns nil.
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

// acquire returns a connection that is in use from now on. fresh reports that it was not in the pool.
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
		case <-w.got: // it came all the same
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

// pick takes an idle connection: the one used last of those with the mailbox, else the one used last of those with none,
// else the one that was not used for longest. It needs p.mu.
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

// out gives the connection a Client of its own for the goroutine that gets it, so that an old one is not taken for it. It needs p.mu.
func (p *Pool) out(conn *pooled) {
	conn.c = &Client{engine: conn.c.engine}
	if p.inUse == nil {
		p.inUse = map[*Client]*pooled{}
	}
	p.inUse[conn.c] = conn
}

// give gives a connection to the first that waits, else to the idle ones. It needs p.mu.
func (p *Pool) give(conn *pooled) {
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

// expireLater sets the timer of the idle connection that was not used for longest. It needs p.mu.
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

// expire closes the connections that were not used for IdleTimeout.
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

// ---- dialling

// dialMore dials for those that wait, as far as the bounds allow. It needs p.mu.
func (p *Pool) dialMore() {
	if p.closed || len(p.waiting) == 0 {
		return
	}
	if time.Until(p.notBefore) > 0 {
		p.retryLater()
		return
	}
	for p.dialing < len(p.waiting) && p.open() < p.most() {
		if p.life == nil {
			p.life, p.end = context.WithCancel(context.Background())
		}
		p.dialing++
		p.dials++
		go p.dialOne(p.waiting[p.dialing-1].ctx, poolDial{n: p.dials, alone: p.dialing == 1, refused: p.refused})
	}
}

// poolDial is what a pool was when a dial began.
type poolDial struct {
	n       int  // this one, of Pool.dials
	alone   bool // no other was under way
	refused int  // Pool.refused
}

// open is how many connections there are, those that are being dialled included. It needs p.mu.
func (p *Pool) open() int { return p.dialing + len(p.inUse) + len(p.idle) }

// most is how many connections there may be now.
func (p *Pool) most() int {
	most := orDefault(max(p.Max, 0), poolMax)
	if p.limit > 0 {
		most = min(most, p.limit)
	}
	return most
}

// dialOne makes a connection for the first Get that waits by then.
func (p *Pool) dialOne(ctx context.Context, d poolDial) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialTimeout)
	stop := context.AfterFunc(p.life, cancel)
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
	case p.closed: // none waits, and no timer is to run
	case err == nil:
		p.refusals = 0
		p.give(&pooled{c: c})
		if p.limit > 0 && !p.measured && p.dialing == 0 && p.open() >= p.limit {
			p.raise()
		}
	default:
		p.dialFailed(err, d)
	}
	p.dialMore()
}

// dialFailed deals with an error of Dial. That there are too many connections is an error for a waiting Get only where no
// other connection is left to wait for, nor one that was refused because of others that were dialled with it. It needs p.mu.
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

// bound learns the limit from a refusal. Where several dials were under way each may have stood in the way of the others,
// and all may have been refused: then connections are added one by one, soon, until a lone dial is refused. Where none is
// left the limit of one allows that dial already. It needs p.mu.
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

// raise allows one connection more. It needs p.mu.
func (p *Pool) raise() {
	if p.limit++; p.limit >= orDefault(max(p.Max, 0), poolMax) {
		p.limit = 0
	}
	p.raiseAt = time.Now().Add(poolRelax)
	p.retryLater()
}

// retryLater sets the timer for the next time at which a dial may be allowed that is not now. It needs p.mu.
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
			p.raise()
		} else {
			p.retryLater()
		}
	}
	p.dialMore()
}

// tooMany reports whether a server refuses a connection because there are too many, or too often new ones.
func tooMany(e *Error) bool {
	if e.Backoff() > 0 || e.Code == "LIMIT" {
		return true
	}
	text := strings.ToLower(e.Text)
	return strings.Contains(text, "too many") || strings.Contains(text, "maximum number of connections") ||
		strings.Contains(text, "simultaneous connections") || strings.Contains(text, "connection limit")
}

// ---- the state of a connection

// prepare makes sure that a connection lives, and selects the mailbox.
func (p *Pool) prepare(ctx context.Context, conn *pooled, mailbox string) error {
	c := conn.c
	slept := !conn.used.IsZero() && time.Since(conn.used) >= cmp.Or(p.CheckAfter, poolCheckAfter)
	if slept || conn.unheard {
		if conn.asked.IsZero() {
			conn.asked = time.Now()
		}
		check, cancel := context.WithTimeout(ctx, poolCheckTime)
		err := c.Noop(check)
		cancel()
		if err != nil && (ctx.Err() == nil || time.Since(conn.asked) >= poolCheckTime) {
			c.Close() // also where each Get has less time than that
		}
		if err != nil {
			return err
		}
		conn.unheard, conn.asked = false, time.Time{}
	}
	c.Events() // of whoever had it before
	if mailbox == "" || conn.hasOpen(mailbox) {
		return nil
	}
	conn.name = ""
	mb, err := c.Select(ctx, mailbox, &SelectOptions{ReadOnly: p.ReadOnly})
	if err != nil {
		return err
	}
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

// reusable reports whether the connection may be given out again, and notes what is left on it.
func (conn *pooled) reusable() bool {
	c := conn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn.IsClosed() || c.state != Authenticated && c.state != Selected || c.notified || c.enabled["UIDONLY"] {
		return false
	}
	conn.unheard = len(c.inflight) > 0 || c.streaming != nil
	return true
}
