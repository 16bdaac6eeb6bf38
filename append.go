package imap

import (
	"context"
	"time"
)

// AppendOptions say more of a new message.
type AppendOptions struct {
	Flags        []Flag
	InternalDate time.Time // zero: the server's clock
}

// AppendResult says where the message went.
type AppendResult struct {
	UIDValidity uint32 // 0 without UIDPLUS
	UID         UID
}

// Append adds a message to a mailbox (APPEND, RFC 9051 section 6.3.12; logged in). msg is an RFC 5322 message with CRLF
// line ends; it is sent as it is. Where the server says before the message that it will not have it, nothing of it is
// sent and the connection goes on. A mailbox that does not exist is an error with CodeTryCreate.
func (c *Client) Append(ctx context.Context, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	cmd := &command{name: "APPEND", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.sp().mailbox(mailbox)
		opts.encode(e)
		e.sp().literal(msg, false)
	}
	res := &AppendResult{}
	cmd.take = func(r *response, keep bool) claim { return res.take(r) }
	if err := c.run(ctx, cmd); err != nil {
		return nil, err
	}
	res.appended(&cmd.status)
	return res, nil
}

// take claims an APPENDUID that comes before the end of the command.
func (res *AppendResult) take(r *response) claim {
	if r.kind != kindStatus || r.status.code != "APPENDUID" {
		return notMine
	}
	res.appended(&r.status)
	return mine
}

// appended reads an APPENDUID code.
func (res *AppendResult) appended(s *status) {
	if s.code != "APPENDUID" {
		return
	}
	if validity, uids := appendUID(s.args); len(uids) > 0 {
		res.UIDValidity, res.UID = validity, uids[0].Start
	}
}

// encode writes the flags and the date.
func (o *AppendOptions) encode(e *encoder) {
	if o == nil {
		return
	}
	if len(o.Flags) > 0 {
		e.sp().flags(o.Flags)
	}
	if !o.InternalDate.IsZero() {
		e.sp()
		e.buf = appendInternalDate(e.buf, o.InternalDate)
	}
}
