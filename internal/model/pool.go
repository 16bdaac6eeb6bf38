package model

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/go-imaplib/imap"
)

// poolOps are the steps of a plan for Pool: one for each connection, whose server has its faults. Messages is the number of
// calls of each goroutine. Since goroutines run at once, two runs of a plan may differ.
var poolOps = []string{"pool"}

// GeneratePool returns a plan for Pool for a seed.
func GeneratePool(seed uint64) Plan {
	r := &rng{seed}
	p := Plan{Seed: r.next() >> 32, Messages: 1 + r.n(8), Caps: []string{"IMAP4rev1"}}
	for _, name := range []string{"IDLE", "CONDSTORE", "QRESYNC", "ENABLE", "UNSELECT", "UNAUTHENTICATE", "NOTIFY", "LITERAL+"} {
		if !r.one(3) {
			p.Caps = append(p.Caps, name)
		}
	}
	faults := Fault(r.next()) & (News | Expunges | Refuse | Bye | Delay | Pieces | Order | Codes)
	for range 1 + r.n(12) {
		p.Steps = append(p.Steps, Step{Op: "pool", Seed: r.next() >> 32, Faults: faults & Fault(r.next())})
	}
	return p
}

// A poolRun is a program whose goroutines share a pool.
type poolRun struct {
	*journal
	plan Plan
	pool *imap.Pool
	most int // connections that the server allows

	mu    sync.Mutex
	steps []Step // to come
	conns []*poolConn
	sent  []sent // by the UID that a command names, less firstSent
	uses  int
}

// A use is one call of the function that is given to Do, or the time between Get and Put.
type use struct {
	n       int
	mailbox string // that is meant now
	acted   bool   // a call went well
	ends    bool   // the connection must not be used again
}

// A sent is a command that names its use by a UID that does not exist.
type sent struct {
	by      *use
	mailbox string
}

const firstSent = 100_000

var errOfUse = errors.New("an error of the function")

func runPool(p Plan) *journal {
	r := &rng{p.Seed}
	x := &poolRun{journal: &journal{}, plan: p, steps: p.Steps, most: 1 + r.n(5)}
	x.pool = &imap.Pool{Dial: x.dial, Max: 1 + r.n(3), ReadOnly: r.one(3)}
	if r.one(3) {
		x.pool.CheckAfter = -1
	}
	watchdog := time.AfterFunc(24*time.Hour, func() {
		x.fail("hang", "a call of Pool does not end")
		x.pool.Close()
		for _, c := range x.conns {
			c.Close()
		}
	})
	var wg sync.WaitGroup
	for i := range 1 + r.n(5) {
		r := &rng{p.Seed<<8 + uint64(i)}
		wg.Go(func() {
			for range p.Messages {
				x.call(r)
			}
		})
	}
	wg.Wait()
	watchdog.Stop()
	synctest.Wait()
	if stats := x.pool.Stats(); stats.InUse != 0 || stats.Waiting != 0 {
		x.fail("pool", "no call is in progress, and Stats returns %+v", stats)
	}
	x.pool.Close()
	time.Sleep(time.Hour) // for what is being dialed
	if n := x.open(); n > 0 {
		x.fail("pool", "%d connections are open after Close", n)
	}
	if err := x.pool.Do(context.Background(), "INBOX", func(*imap.Client) error { return nil }); !errors.Is(err, imap.ErrPoolClosed) {
		x.fail("pool", "Do after Close returns %v", err)
	}
	x.checkCommands()
	return x.journal
}

// ---- calls

// call makes a call of the pool.
func (x *poolRun) call(r *rng) {
	limit := time.Hour
	if r.one(3) {
		limit = time.Duration(r.n(20)) * time.Second // often the moment at which a connection is put back
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if r.one(3) {
		time.Sleep(time.Duration(r.n(400)) * time.Second)
	}
	defer func() {
		if e := recover(); e != nil && e != errOfUse {
			panic(e)
		}
	}()
	mailbox := pick(r, append([]string{""}, names...))
	if r.one(6) {
		x.getAndPut(ctx, r, mailbox)
		return
	}
	var last *use
	var got error
	runs := 0
	err := x.pool.Do(ctx, mailbox, func(c *imap.Client) (err error) {
		switch runs++; {
		case runs > 2:
			x.fail("pool", "Do calls its function for the third time")
		case runs == 2 && last.acted:
			x.fail("pool", "Do calls its function again, which had done something")
		case runs == 2 && !imap.SafeToRetry(got):
			x.fail("pool", "Do calls its function again after %v", got)
		case runs == 2 && x.reached(last):
			x.fail("pool", "Do calls its function again, and a command of the first call reached the server")
		}
		last = x.begin(c, mailbox)
		defer func() { got = err }()
		return x.act(ctx, r, c, last)
	})
	if runs > 0 && err != got && !imap.SafeToRetry(got) {
		x.fail("pool", "Do returns %v, and its function %v", err, got)
	}
	if err == nil && (runs == 0 || got != nil) {
		x.fail("pool", "Do returns no error, and its function %v", got)
	}
}

func (x *poolRun) getAndPut(ctx context.Context, r *rng, mailbox string) {
	c, err := x.pool.Get(ctx, mailbox)
	if err != nil {
		return
	}
	u := x.begin(c, mailbox)
	defer func() {
		if recover() != nil {
			u.ends = false // unlike Do, Put does not know
		}
		x.pool.Put(c)
		if r.one(2) {
			x.pool.Put(c)
		}
	}()
	x.act(ctx, r, c, u)
}

// begin begins a use, and checks that the connection is as new.
func (x *poolRun) begin(c *imap.Client, mailbox string) *use {
	x.mu.Lock()
	x.uses++
	u := &use{n: x.uses, mailbox: mailbox}
	x.mu.Unlock()
	x.log("== use %d of %q", u.n, mailbox)
	mb := c.Mailbox()
	switch {
	case c.State() == imap.LoggedOut:
		return u
	case mailbox != "" && (mb == nil || mb.Name != mailbox):
		x.fail("pool", "use %d is for %s, and has another mailbox", u.n, mailbox)
	case mailbox != "" && mb.ReadOnly != x.pool.ReadOnly:
		x.fail("pool", "use %d has %s with ReadOnly %v", u.n, mailbox, mb.ReadOnly)
	}
	for _, ev := range c.Events() {
		switch ev.(type) {
		case *imap.AlertEvent, *imap.CodeEvent, *imap.InfoEvent:
		default:
			x.fail("pool", "use %d begins with an event of before: %T", u.n, ev)
		}
	}
	return u
}

// act is the function that is given to Do.
func (x *poolRun) act(ctx context.Context, r *rng, c *imap.Client, u *use) error {
	var err error
	note := func(e error) {
		u.acted = u.acted || e == nil
		if err == nil {
			err = e
		}
	}
	limit := time.Hour
	if r.one(3) {
		limit = time.Duration(r.n(15_000)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for range r.n(4) {
		switch r.n(12) {
		case 0, 1, 2, 3:
			if u.mailbox == "" {
				continue
			}
			note(x.fetch(ctx, c, u))
		case 4, 5:
			note(x.selectBox(ctx, c, u, pick(r, names), r.one(2)))
		case 6:
			note(c.Noop(ctx))
			if slices.Contains(x.plan.Caps, "ENABLE") && r.one(2) {
				_, e := c.Enable(ctx, "QRESYNC")
				note(e)
			}
		case 7:
			for range c.Fetch(ctx, imap.UIDRange(1, 0), imap.FetchFlags) {
				break
			}
		case 8:
			time.Sleep(time.Duration(r.n(30)) * time.Second)
		case 9:
			x.leave(ctx, r, c, u)
		case 10:
			if x.pool.Max > 1 {
				inner, cancel := context.WithTimeout(ctx, time.Minute)
				x.pool.Do(inner, pick(r, names), func(c *imap.Client) error { return c.Noop(inner) })
				cancel()
			}
		case 11:
			return errOfUse
		}
	}
	if r.one(2) {
		return err
	}
	return nil
}

func (x *poolRun) selectBox(ctx context.Context, c *imap.Client, u *use, name string, readOnly bool) error {
	_, err := c.Select(ctx, name, &imap.SelectOptions{ReadOnly: readOnly})
	if u.mailbox = ""; err == nil {
		u.mailbox = name
	}
	return err
}

// fetch sends a command that names the use.
func (x *poolRun) fetch(ctx context.Context, c *imap.Client, u *use) error {
	x.mu.Lock()
	x.sent = append(x.sent, sent{u, u.mailbox})
	uid := imap.UID(firstSent + len(x.sent) - 1)
	x.mu.Unlock()
	_, err := imap.Collect(c.Fetch(ctx, imap.UIDs(uid), imap.FetchFlags))
	return err
}

// leave leaves a connection in a state that others must not get.
func (x *poolRun) leave(ctx context.Context, r *rng, c *imap.Client, u *use) {
	switch r.n(5) {
	case 0:
		u.mailbox = ""
		if c.Unauthenticate(ctx) == nil {
			u.ends = true
			if r.one(2) && c.Login(ctx, user, password) == nil {
				x.selectBox(ctx, c, u, "INBOX", false)
				x.fetch(ctx, c, u)
			}
		}
	case 1:
		u.ends = c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}}}, nil) == nil
	case 2:
		u.ends = true
		c.Logout(ctx)
	case 3:
		u.ends = true
		c.Close()
	case 4:
		u.ends = true
		x.log("-- use %d panics", u.n)
		panic(errOfUse)
	}
}

// ---- connections

func (x *poolRun) dial(ctx context.Context) (*imap.Client, error) {
	x.mu.Lock()
	step := Step{}
	if len(x.steps) > 0 {
		step, x.steps = x.steps[0], x.steps[1:]
	}
	x.mu.Unlock()
	r := &rng{step.Seed}
	if r.one(3) {
		time.Sleep(time.Duration(r.n(40)) * time.Second)
	}
	if r.one(8) {
		return nil, pick(r, []error{io.ErrUnexpectedEOF, &imap.Error{Command: "LOGIN", Status: "NO", Code: imap.CodeUnavailable}})
	}
	if n := x.open(); n >= x.most {
		return nil, &imap.Error{Command: "LOGIN", Status: "NO", Code: "LIMIT", Text: "too many connections"}
	}
	srv := newServer(x.plan, newStore(r, r.n(4)))
	srv.journal, srv.step, srv.loggedIn = x.journal, newStep(step), true
	sends := []string{"SELECT", "EXAMINE", "UID FETCH", "NOOP", "ENABLE", "NOTIFY", "UNAUTHENTICATE", "LOGIN"}
	srv.call = &call{op: "pool", names: sends, copied: map[*message]bool{}}
	c := &poolConn{newLink(srv)}
	c.serial, srv.link = false, c.link
	srv.put("* PREAUTH [CAPABILITY %s] hello", strings.Join(x.plan.Caps, " "))
	if srv.step.chance(Pieces, 1) {
		c.pieces = srv.step.of(Pieces)
	}
	if srv.step.also(Bye, 2) { // the server ends it at any time, also while nobody uses it
		time.AfterFunc(time.Duration(r.n(600))*time.Second, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			srv.ended = true
			c.broadcast()
		})
	}
	x.mu.Lock()
	x.conns = append(x.conns, c)
	x.mu.Unlock()
	if n := x.open(); n > x.pool.Max {
		x.fail("pool", "%d connections are open, and Max is %d", n, x.pool.Max)
	}
	if r.one(2) {
		ctx = context.WithoutCancel(ctx) // the end of ctx comes too late
	}
	return imap.NewClient(ctx, c, &imap.Options{Timeout: time.Minute, AllowInsecureAuth: true})
}

// A poolConn is a connection of a pool. Each server has a store of its own.
type poolConn struct{ *link }

// open returns the number of open connections.
func (x *poolRun) open() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, c := range x.conns {
		c.mu.Lock()
		if !c.closed {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// by returns the command that names a use, if rec is one.
func (x *poolRun) by(rec *record) *sent {
	if rec.name != "UID FETCH" || len(rec.args) == 0 {
		return nil
	}
	n, err := strconv.Atoi(rec.args[0].text)
	if err != nil || n < firstSent {
		return nil
	}
	return &x.sent[n-firstSent]
}

// reached reports whether a command of a use reached a server.
func (x *poolRun) reached(u *use) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.conns, func(c *poolConn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return slices.ContainsFunc(c.srv.records, func(rec *record) bool {
			by := x.by(rec)
			return by != nil && by.by == u
		})
	})
}

// checkCommands checks that each command ran in the mailbox for which it was made, and that no connection was used again which
// must not be.
func (x *poolRun) checkCommands() {
	for i, c := range x.conns {
		var last *use
		for _, rec := range c.srv.records {
			by := x.by(rec)
			if by == nil {
				continue
			}
			if got := boxName(rec.box); rec.done && got != by.mailbox {
				x.fail("mailbox", "use %d made %s %s for %s, and it ran in %q", by.by.n, rec.tag, rec.name, by.mailbox, got)
			}
			if last != nil && last != by.by && last.ends {
				x.fail("pool", "connection %d has a command of use %d after use %d, which left it in another state", i+1, by.by.n, last.n)
			}
			last = by.by
		}
	}
}

func boxName(b *box) string {
	if b == nil {
		return ""
	}
	return b.name
}
