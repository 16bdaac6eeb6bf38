package imap

import (
	"context"
	"errors"

	"github.com/go-imaplib/imap/internal/wire"
)

// makeWay waits for the commands before cmd: for all of them, or, in a pipeline, for those that cmd must not overlap
// (RFC 9051 section 5.5).
func (c *Client) makeWay(ctx context.Context, cmd *command) error {
	err := c.waitBehind(ctx, cmd)
	if c.e.conn.IsClosed() {
		if bye := c.e.takeBye(); bye != nil {
			return bye
		}
	}
	return err
}

func (c *Client) waitBehind(ctx context.Context, cmd *command) error {
	all := c.call == nil || cmd.exclusive
	for {
		before, err := c.blocking(cmd, all)
		if err != nil || before == nil {
			return err
		}
		if err := c.e.flush(ctx); err != nil {
			return err
		}
		if before.asks {
			if err := c.e.endAsking(ctx, before); err != nil {
				return err
			}
			continue
		}
		full := func(cmd *command) bool { return cmd.done || cmd.memory.queue > c.e.conn.Limits.MaxBuffered }
		if err := c.e.await(ctx, before, full); err != nil {
			return err
		}
		if !before.finished(c.e) {
			return ErrBusy
		}
	}
}

// stream is a FetchStream while its loop runs.
type stream struct {
	call *pipelineCall
	op   streamer
}

// streamer is the command of a FetchStream, which decides about the literals of the rows that are read in its loop.
type streamer interface {
	borrow(r *response) // makes the parser of a row take memory from the command
	literal(r *response, head []byte, size int64) wire.LiteralUse
}

// errBehindStream reports that a FetchStream loop in another call of the same pipeline is running. The caller can wait
// for its end, without holding the send token, which a command in the loop body needs to fail with ErrBusy. Any other
// loop may be that of the caller, which would wait for itself.
var errBehindStream = errors.New("behind a FetchStream")

// awaitStream waits for the end of the loop, which holds the read token while it runs.
func (e *engine) awaitStream(ctx context.Context) error {
	if err := e.conn.LockRead(ctx, nil); err != nil {
		return err
	}
	e.unlockRead()
	return nil
}

// blocking returns the first command in flight for which cmd must wait.
func (c *Client) blocking(cmd *command, all bool) (*command, error) {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if s := c.e.streaming; s != nil {
		if c.call.sameRun(s.call) {
			return nil, errBehindStream
		}
		return nil, ErrBusy
	}
	if len(c.e.inflight) == 0 {
		return nil, nil
	}
	if all {
		return c.e.inflight[0], nil
	}
	if c.e.barriers > 0 || cmd.byNumber || cmd.rows != "" || cmd.divided {
		if before := c.e.overlapping(cmd); before != nil {
			return before, nil
		}
	}
	if c.e.isFull() {
		return c.e.inflight[0], nil
	}
	if cmd.follows {
		return c.e.loopInFlight(), nil
	}
	return nil, nil
}

// overlapping returns the first command in flight that must not overlap cmd in a pipeline. The caller must hold engine.mu.
func (e *engine) overlapping(cmd *command) *command {
	for _, before := range e.inflight {
		if before.exclusive || before.abandoned || cmd.mixesWith(before) || cmd.byNumber && !before.noExpunge || cmd.rows != "" && cmd.rows == before.rows {
			return before
		}
	}
	return nil
}
