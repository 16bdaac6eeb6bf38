package imap

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-imaplib/imap/internal/wire"
)

// IdleOptions configures Idle. nil and the zero value have the defaults given here. A negative duration is an error, and
// nothing is sent.
type IdleOptions struct {
	For     time.Duration // total duration, after which Idle ends without an error; 0: until ctx ends or break
	Refresh time.Duration // interval for leaving and re-entering IDLE; 0: 28 minutes
	Poll    time.Duration // interval of NOOP on servers without IDLE; 0: one minute
}

const (
	idleName       = "IDLE"
	defaultRefresh = 28 * time.Minute // servers may log a client out after 30 minutes (RFC 9051 section 6.3.13)
	defaultPoll    = time.Minute
	// idlePause is the pause before re-entering an IDLE that the server ended at once, busyPause the interval at which an
	// Idle that was suspended for another loop checks whether that has ended.
	idlePause = time.Second
	busyPause = 100 * time.Millisecond
	// maxBurst bounds a batch of IdleBursts: a longer one is yielded in pieces.
	maxBurst = maxEvents
)

// Idle returns an iterator that waits for events; it yields those already queued first (IDLE, RFC 9051 section 6.3.13, RFC
// 2177; logged in, most useful with a mailbox selected). Other commands may be issued from the loop body or from other
// goroutines: the client leaves IDLE, runs them, and resumes IDLE. IDLE is renewed before servers log the client out, so a
// dead peer is detected then at the latest. Without the capability the server is polled with NOOP. When ctx ends, its cause
// is yielded last; break ends the iteration without an error. The client remains usable in all cases.
func (c *Client) Idle(ctx context.Context, opts *IdleOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		c.newWait(opts).run(ctx, yield)
	}
}

// run yields events until the loop ends.
func (w *wait) run(ctx context.Context, yield func(Event, error) bool) {
	defer w.leave()
	for {
		events, more, err := w.next(ctx)
		w.undelivered = err
		if !w.yieldEach(events, yield) {
			return
		}
		w.undelivered = nil
		if err != nil {
			yield(nil, err)
			return
		}
		if !more {
			return
		}
	}
}

// yieldEach yields events. Those that were not yet yielded are in the queue while the loop body runs, so that calls in it find
// them there: Events returns them first, and Unauthenticate drops them.
func (w *wait) yieldEach(events []Event, yield func(Event, error) bool) bool {
	if len(events) > 1 {
		w.c.e.returnEvents(events[1:], w.epoch, nil)
	}
	for i, ev := range events {
		if i > 0 {
			if ev = w.c.e.takeEvent(w.epoch); ev == nil {
				break
			}
		}
		if !yield(ev, nil) {
			return false
		}
	}
	return true
}

// IdleBursts is like Idle, but yields batches: an event and all that follow it less than interval apart. A batch is never
// empty; one that grows too long is yielded in pieces.
func (c *Client) IdleBursts(ctx context.Context, interval time.Duration, opts *IdleOptions) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		w := c.newWait(opts)
		defer w.leave()
		for {
			batch, more, err := w.next(ctx)
			for len(batch) > 0 && len(batch) < maxBurst && more && err == nil {
				var next []Event
				w.until = w.now().Add(interval)
				next, more, err = w.next(ctx)
				w.until = time.Time{}
				if len(next) == 0 {
					break
				}
				batch = append(batch, next...)
			}
			w.undelivered = err
			if len(batch) > 0 && !yield(batch, nil) {
				return
			}
			w.undelivered = nil
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// wait is an Idle in progress. Its IDLE command stays in progress between calls of next, while the loop body runs.
type wait struct {
	c     *Client
	o     IdleOptions
	end   time.Time // when For is over, zero for never
	until time.Time // when next returns without events
	cmd   *command  // the IDLE in progress, or nil
	since time.Time // when it was entered, or the last NOOP was sent
	after time.Time // earliest time to enter it again
	begun bool      // an IDLE was entered at least once
	epoch int       // the epoch of the events that were taken

	noIdle      bool  // poll, whatever the capabilities
	bad         bool  // a duration is negative
	undelivered error // not yet yielded to the loop body

	// check, if not nil, is called before each wait; its error ends the Idle.
	check func() error
}

func (c *Client) newWait(opts *IdleOptions) *wait {
	w := &wait{c: c}
	if opts != nil {
		w.o = *opts
	}
	w.bad = min(w.o.For, w.o.Refresh, w.o.Poll) < 0
	w.o.Refresh = orDefault(w.o.Refresh, defaultRefresh)
	w.o.Poll = orDefault(w.o.Poll, defaultPoll)
	if w.o.For > 0 {
		w.end = w.now().Add(w.o.For)
	}
	return w
}

func (w *wait) now() time.Time { return time.Now() }

// next waits for events. more is false when For is over, even if events keep arriving. If until is set, next may return
// without events.
func (w *wait) next(ctx context.Context) (events []Event, more bool, err error) {
	if w.bad {
		return nil, false, unsent(idleName, argError("a negative duration in IdleOptions"))
	}
	for {
		if ctx.Err() != nil {
			return nil, false, failed(idleName, context.Cause(ctx))
		}
		if err := w.checked(); err != nil {
			return nil, false, err
		}
		now := w.now()
		over := !w.end.IsZero() && !now.Before(w.end)
		if events := w.take(); len(events) > 0 || over {
			return events, !over, nil
		}
		if !w.until.IsZero() && !now.Before(w.until) {
			return nil, true, nil
		}
		if err := w.step(ctx); err != nil && !errors.Is(err, errIdleOver) {
			// Events that arrived before the error are not lost.
			return w.take(), false, err
		}
	}
}

// take returns the queued events, and records their epoch.
func (w *wait) take() []Event {
	events, epoch := w.c.e.takeEvents()
	w.epoch = epoch
	return events
}

// step waits in IDLE, or without the capability for the next NOOP, until something happens.
func (w *wait) step(ctx context.Context) error {
	if w.cmd == nil {
		if err := w.begin(ctx); err != nil || w.cmd == nil {
			return err
		}
		if err := w.checked(); err != nil { // it has waited for other commands
			return err
		}
	}
	return w.watch(ctx)
}

func (w *wait) checked() error {
	if w.check == nil {
		return nil
	}
	return w.check()
}

// begin enters IDLE, or waits for a time at which that is possible, until w.end at most. Without the capability it polls.
func (w *wait) begin(ctx context.Context) error {
	if !w.end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, w.end, errIdleOver)
		defer cancel()
	}
	caps, err := w.c.knownCaps(ctx)
	if err != nil {
		return err
	}
	if w.noIdle || !caps.offers(idleName) {
		return w.poll(ctx)
	}
	if w.now().Before(w.after) {
		return w.sleep(ctx, w.after)
	}
	err = w.enter(ctx)
	if errors.Is(err, errBehindStream) {
		if err := w.c.e.awaitStream(ctx); err != nil {
			return unsent(idleName, err)
		}
		return nil
	}
	if w.begun && errors.Is(err, ErrBusy) {
		return w.sleep(ctx, w.now().Add(busyPause)) // another loop has displaced this one and is still running
	}
	return err
}

// poll waits until the next NOOP is due and sends it.
func (w *wait) poll(ctx context.Context) error {
	if next := w.since.Add(w.o.Poll); !w.since.IsZero() && w.earliest(next).After(w.now()) {
		return w.sleep(ctx, next)
	}
	first := w.since.IsZero()
	w.since = w.now()
	err := w.c.run(ctx, &command{name: "NOOP", states: inAny, traits: traits{waits: true}})
	if !first && errors.Is(err, ErrBusy) {
		return nil // another loop is still running
	}
	return err
}

// sleep waits until the given time, w.end or w.until, whichever is first.
func (w *wait) sleep(ctx context.Context, until time.Time) error {
	t := time.NewTimer(w.earliest(until).Sub(w.now()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-w.c.e.conn.Done():
	}
	return w.c.e.closedError()
}

// earliest returns the earliest of t, w.end and w.until, as far as they are set.
func (w *wait) earliest(t time.Time) time.Time {
	for _, end := range []time.Time{w.end, w.until} {
		if !end.IsZero() && end.Before(t) {
			t = end
		}
	}
	return t
}

// enter sends IDLE and waits for the server's +. If an IDLE is already in progress, of another loop or of one that has
// ended, it uses that.
func (w *wait) enter(ctx context.Context) error {
	c := w.c
	if err := c.lock(ctx); err != nil {
		return unsent(idleName, err)
	}
	defer c.e.unlock()
	if w.join() {
		return nil
	}
	cmd := &command{name: idleName, states: inAuth, traits: traits{exclusive: true, asks: true, ignoresLiterals: true, waits: true}, terminator: "DONE"}
	cmd.encode = func(e *encoder) { e.need(idleName) }
	if err := c.startLocked(ctx, cmd, pinnedMailbox{}); err != nil {
		return err
	}
	if c.call != nil {
		c.call.commandQueued()
	}
	if err := c.e.awaitGoAhead(ctx, cmd); err != nil {
		c.e.abandon(cmd)
		return failed(idleName, err)
	}
	if cmd.finished(c.e) {
		if err := c.e.result(cmd); err != nil {
			return err
		}
		return errIdleDenied
	}
	w.cmd, w.since, w.begun = cmd, w.now(), true
	c.e.idleBegan(w.since)
	return nil
}

// join uses the IDLE in progress, unless a call waits for its end.
func (w *wait) join() bool {
	cmd, since := w.c.e.joinIdle(idleName)
	if cmd == nil {
		return false
	}
	w.cmd, w.since, w.begun = cmd, since, true
	return true
}

var (
	errIdleDenied = errors.New("imap: IDLE: the server ended it before it began")
	errIdleOver   = errors.New("the time of Idle is over")
)

// watch reads until there are events, IDLE has ended, another caller needs the connection, or it is time to return.
func (w *wait) watch(ctx context.Context) error {
	c, cmd := w.c, w.cmd
	until := w.earliest(w.since.Add(w.o.Refresh))
	err := w.lockRead(ctx, until)
	if err == nil {
		err = w.read(ctx, until)
		c.e.unlockRead()
	}
	switch {
	case cmd.finished(c.e):
		w.cmd = nil
		if !w.wasWanted(cmd) {
			w.after = w.since.Add(idlePause)
		}
		return c.e.result(cmd)
	case err != nil && err != wire.ErrInterrupted:
		return failed(idleName, err)
	case w.wasWanted(cmd):
		w.cmd = nil // the caller that needs the connection ends it
	case !w.now().Before(w.since.Add(w.o.Refresh)):
		return w.renew(ctx)
	}
	return nil
}

// lockRead takes the read token. If another loop has it, lockRead waits until the given time at most, and returns
// errInterrupted.
func (w *wait) lockRead(ctx context.Context, until time.Time) error {
	if w.c.e.conn.TryLockRead() {
		return nil
	}
	limit, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	return w.c.e.conn.LockRead(ctx, limit.Done())
}

// wasWanted reports whether another caller needs the connection.
func (w *wait) wasWanted(cmd *command) bool {
	return cmd.mustEnd(w.c.e)
}

// read reads with a small buffer until something happens.
func (w *wait) read(ctx context.Context, until time.Time) error {
	c := w.c
	stop := c.e.conn.Watch(ctx)
	defer stop()
	c.e.conn.Rest()
	defer c.e.conn.Hurry()
	for {
		if c.e.hasNews(w.cmd) {
			return c.e.more(maxEvents/4, func() bool { return w.cmd.finished(c.e) })
		}
		if !w.now().Before(until) {
			return nil
		}
		c.e.dropResponse() // the next one may take long to arrive
		if err := c.e.step(ctx, until); err != nil {
			return err
		}
	}
}

// renew leaves IDLE, so that it will be entered again.
func (w *wait) renew(ctx context.Context) error {
	cmd := w.cmd
	w.cmd = nil
	if err := w.c.lock(ctx); err != nil {
		w.c.e.abandon(cmd)
		return failed(idleName, err)
	}
	defer w.c.e.unlock()
	err := w.c.e.endAsking(ctx, cmd)
	if err != nil {
		w.c.e.abandon(cmd)
		return failed(idleName, err)
	}
	return w.c.e.result(cmd)
}

// leave ends an Idle whose loop has ended. The next command ends the IDLE in progress.
func (w *wait) leave() {
	if w.cmd != nil {
		w.c.e.abandon(w.cmd)
		w.cmd = nil
	}
	w.c.e.returnEvents(nil, w.epoch, w.undelivered)
}
