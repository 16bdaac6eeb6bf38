package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-imaplib/imap"
)

// controlConn is a connection over which the server is told what to do.
type controlConn struct{ net.Conn }

func newControl(addr string) (c controlConn, err error) {
	if c.Conn, err = net.Dial("tcp", addr); err != nil {
		return c, err
	}
	_, err = converse(c.Conn, make([]byte, 256), "", "* OK")
	return c, err
}

func (c controlConn) do(command string) (string, error) {
	return converse(c.Conn, make([]byte, 256), "C "+command+"\r\n", "C OK")
}

// awaitIdling waits until the server reports n connections in IDLE.
func (c controlConn) awaitIdling(n int) error {
	want, said := fmt.Sprintf("* %d IDLING\r\n", n), ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if said, err = c.do("XIDLING"); err != nil {
			return err
		}
		if strings.HasPrefix(said, want) {
			return nil
		}
	}
	return fmt.Errorf("of %d connections the server says %q", n, said)
}

// ---- a mailbox that is mirrored

// mirrorRole mirrors a mailbox twice, the second time after few changes, and prints what that took.
func mirrorRole(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	control, err := newControl(args[1])
	if err != nil {
		return err
	}
	m := &mirror{addr: args[1], flags: make([]byte, boxUID(n+movedMessages)+1)}
	out := mirrored{N: n}
	if out.First, err = m.run(fmt.Sprintf("mirror-%d", n)); err != nil {
		return err
	}
	if want := (counted{n, 0, 0}); m.counted != want {
		return fmt.Errorf("the first run came to %+v instead of %+v", m.counted, want)
	}
	if _, err := control.do("XSHUFFLE"); err != nil {
		return err
	}
	if out.Second, err = m.run(fmt.Sprintf("mirror-again-%d", n)); err != nil {
		return err
	}
	if want := (counted{movedMessages, movedMessages, changedMessages}); m.counted != want {
		return fmt.Errorf("the second run came to %+v instead of %+v", m.counted, want)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

type counted struct{ fresh, gone, changed int }

// mirror is a program that keeps the flags of a mailbox: a byte for each UID.
type mirror struct {
	addr  string
	state imap.SyncState
	flags []byte
	counted
}

// run brings the mirror up to date over a connection of its own.
func (m *mirror) run(name string) (r mirrorRun, err error) {
	ctx := context.Background()
	before := look()
	c, err := imap.DialInsecure(ctx, m.addr, nil)
	if err != nil {
		return r, err
	}
	if err := c.Login(ctx, "user", "password"); err != nil {
		return r, err
	}
	stop, err := startProfile(name)
	if err != nil {
		return r, err
	}
	meter := startMeter()
	err = m.sync(ctx, c)
	meter.stop(&r.result)
	stop()
	if err != nil {
		return r, err
	}
	c.Close()
	r.Held = look().less(before).Heap
	return r, heapProfile(name)
}

func (m *mirror) sync(ctx context.Context, c *imap.Client) error {
	res, err := c.Sync(ctx, "INBOX", m.state, nil)
	if err != nil {
		return err
	}
	m.counted = counted{gone: int(res.Vanished.Len()), changed: len(res.Changed)}
	for uid := range res.Vanished.All() {
		m.flags[uid] = 0
	}
	for _, msg := range res.Changed {
		m.flags[msg.UID] = byte(len(msg.Flags)) + 1
	}
	for msg, err := range c.Fetch(ctx, res.New, imap.FetchFlags) {
		if err != nil {
			return err
		}
		if len(msg.Flags) != int(countFlags(flagsOf(messageOf(int(msg.UID))))) {
			return fmt.Errorf("flags %v of %d", msg.Flags, msg.UID)
		}
		m.flags[msg.UID] = byte(len(msg.Flags)) + 1
		m.fresh++
	}
	m.state = res.State
	return nil
}

// ---- connections that are watched

// watchRole opens connections, has all wait for events, and measures what they hold and what events cost.
func watchRole(args []string) error {
	kind, addr := args[0], args[2]
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if os.Getenv(profileVariable) != "" {
		runtime.MemProfileRate = 1
	}
	control, err := newControl(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g := &watchers{n: n, addr: addr, control: control, got: make(chan error, n), dialing: make(chan struct{}, 64)}
	w := watched{Kind: kind, N: n}
	before := look()
	for range n {
		go g.loops(kind)(ctx)
	}
	if err := g.settled(); err != nil {
		return err
	}
	w.Idle = look().less(before)
	if err := heapProfile(kind + "-waiting"); err != nil {
		return err
	}
	runtime.MemProfileRate = 0 // it would be most of the CPU profile
	stop, err := startProfile(kind + "-events")
	if err != nil {
		return err
	}
	if w.Arrival, err = g.event("XARRIVE"); err != nil {
		return err
	}
	if w.Flags, err = g.event("XFLAGS"); err != nil {
		return err
	}
	stop()
	w.Later = look().less(before)
	return json.NewEncoder(os.Stdout).Encode(w)
}

// watchers are all connections of the process.
type watchers struct {
	n       int
	addr    string
	control controlConn
	got     chan error    // nil for each event
	dialing chan struct{} // so many connect at a time
	failed  sync.Once
}

func (g *watchers) loops(kind string) func(context.Context) {
	if kind == "idle" {
		return g.idle
	}
	return g.watch
}

func (g *watchers) fail(err error) { g.failed.Do(func() { g.got <- err }) }

func (g *watchers) dial(ctx context.Context) (*imap.Client, error) {
	g.dialing <- struct{}{}
	defer func() { <-g.dialing }()
	c, err := imap.DialInsecure(ctx, g.addr, nil)
	if err != nil {
		return nil, err
	}
	return c, c.Login(ctx, "user", "password")
}

// idle opens the mailbox and ranges over Idle.
func (g *watchers) idle(ctx context.Context) {
	c, err := g.dial(ctx)
	if err == nil {
		_, err = c.Select(ctx, "INBOX", nil)
	}
	if err != nil {
		g.fail(err)
		return
	}
	for ev, err := range c.Idle(ctx, nil) {
		if err != nil {
			g.fail(err)
			return
		}
		switch ev.(type) {
		case *imap.ExistsEvent, *imap.FetchEvent:
			g.got <- nil
		}
	}
}

// watch ranges over Watch, which fetches new messages.
func (g *watchers) watch(ctx context.Context) {
	opts := &imap.WatchOptions{SkipExisting: true, OnError: func(err error, _ time.Duration) { g.fail(err) }}
	for ch, err := range imap.Watch(ctx, g.dial, "INBOX", imap.SyncState{}, opts) {
		if err != nil {
			g.fail(err)
			return
		}
		switch ch.Kind {
		case imap.ChangeNew, imap.ChangeFlags:
			g.got <- nil
		}
	}
}

// settled waits until all wait for events.
func (g *watchers) settled() error {
	err := g.control.awaitIdling(g.n)
	select {
	case early := <-g.got:
		return errors.Join(early, err)
	default:
		return err
	}
}

// eventRounds is how often an event is sent to all.
const eventRounds = 5

// event has the server tell all of something, several times, and returns the CPU time of this process for each event of each
// connection, from the command to the server until all wait again.
func (g *watchers) event(command string) (time.Duration, error) {
	user, sys := cpuTime()
	for range eventRounds {
		if _, err := g.control.do(command); err != nil {
			return 0, err
		}
		late := time.After(patience)
		for heard := range g.n {
			select {
			case err := <-g.got:
				if err != nil {
					return 0, err
				}
			case <-late:
				return 0, fmt.Errorf("%s: %d of %d connections have heard of it", command, heard, g.n)
			}
		}
		if err := g.settled(); err != nil {
			return 0, err
		}
	}
	u, s := cpuTime()
	return (u - user + s - sys) / time.Duration(eventRounds*g.n), nil
}
