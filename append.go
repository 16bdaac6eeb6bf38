package imap

import (
	"context"
	"strconv"
	"time"
)

// AppendOptions say more of a new message.
type AppendOptions struct {
	Flags        []Flag
	InternalDate time.Time // zero: the server's clock

	// Parts are what the server puts together to the message (RFC 4469; capability CATENATE). The Literal of the call
	// has to be the zero one then.
	Parts []CatenatePart

	// Binary sends the message as a literal8, which may hold NUL (RFC 3516; capability BINARY). A server that cannot
	// store that says NO with the code UNKNOWN-CTE.
	Binary bool

	// Annotations are what is noted of the new message (RFC 5257 section 4.7; capability ANNOTATE-EXPERIMENT-1).
	Annotations []Annotation

	// UTF8 says that the header of the message holds UTF-8, in the way of RFC 6855 section 4 (capability UTF8=ACCEPT,
	// which has to be enabled; then Append does so by itself). RFC 9755 leaves this way out; a server that does not know
	// it gets the message as any other, where the message can be sent again.
	UTF8 bool
}

// AppendResult says where the message went.
type AppendResult struct {
	UIDValidity uint32 // 0 without UIDPLUS
	UID         UID
}

// Append adds a message to a mailbox (APPEND, RFC 9051 section 6.3.12; logged in). msg is an RFC 5322 message with CRLF
// line ends; it is sent as it is. Where the server says before the message that it will not have it, nothing of it is
// sent and the connection goes on. A mailbox that does not exist is an error with CodeTryCreate.
//
// Where the capability APPENDLIMIT says how large a message may be, a larger one is ErrTooBig, and nothing is sent.
func (c *Client) Append(ctx context.Context, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	list, err := c.append(ctx, mailbox, []NewMessage{{msg, opts}})
	if err != nil {
		return nil, err
	}
	if c.isExchanged(mailbox, &list[0]) {
		return &AppendResult{}, nil
	}
	return &list[0], nil
}

// NewMessage is one of the messages of MultiAppend.
type NewMessage struct {
	Message Literal
	Options *AppendOptions // nil: no flags, the server's clock
}

// MultiAppend adds several messages to a mailbox, all or none of them (APPEND, RFC 3502; capability MULTIAPPEND; logged
// in). The results are in the order of the messages. Without messages nothing is sent.
//
// A server that adds only so many messages by one command (SAVELIMIT, MESSAGELIMIT, RFC 9738) gets them in several: then
// what was added before one of them failed is in the results beside the error.
func (c *Client) MultiAppend(ctx context.Context, mailbox string, msgs []NewMessage) ([]AppendResult, error) {
	return c.appendParts(ctx, mailbox, msgs, c.Caps().saveLimit())
}

// appendParts adds messages, at most so many by one command if that is not 0.
func (c *Client) appendParts(ctx context.Context, mailbox string, msgs []NewMessage, most uint32) ([]AppendResult, error) {
	var all []AppendResult
	for len(msgs) > 0 {
		n := len(msgs)
		if most > 0 {
			n = min(n, int(most))
		}
		list, err := c.append(ctx, mailbox, msgs[:n])
		all, msgs = append(all, list...), msgs[n:]
		if err != nil && len(all) > 0 {
			return all, begun("APPEND", err)
		} else if err != nil {
			return all, err
		}
	}
	return all, nil
}

// saveLimit returns how many messages one command may add, 0 for any number.
func (c Caps) saveLimit() uint32 {
	value, ok := c.value("SAVELIMIT=")
	if !ok {
		return c.messageLimit()
	}
	return uint32(codeNumber(value, 32))
}

func (c *Client) append(ctx context.Context, mailbox string, msgs []NewMessage) ([]AppendResult, error) {
	marked := false // as UTF-8, unasked
	cmd := func(mark bool) *command {
		cmd := &command{name: "APPEND", states: inAuth, partial: len(msgs) == 1} // of one message there is no part
		cmd.encode = func(e *encoder) {
			e.utf8Append = e.utf8Append && mark
			marked = e.utf8Append
			if len(msgs) > 1 {
				e.need("MULTIAPPEND")
			}
			e.sp().mailbox(mailbox)
			for i := range msgs {
				msgs[i].encode(e)
			}
		}
		return cmd
	}
	first := cmd(true)
	list, err := c.appendWith(ctx, first, len(msgs))
	// Courier says NO to what it does not know.
	if refusal, ok := err.(*Error); ok && marked && (refusal.Status == "BAD" || refusal.Code == "") && !first.readOnce {
		return c.appendWith(ctx, cmd(false), len(msgs))
	}
	if limit, ok := limitOf(err); ok && limit.most > 0 && int(limit.most) < len(msgs) && !first.readOnce {
		return c.appendParts(ctx, mailbox, msgs, limit.most)
	}
	return list, err
}

// appendWith runs a command that adds n messages.
func (c *Client) appendWith(ctx context.Context, cmd *command, n int) ([]AppendResult, error) {
	list := make([]AppendResult, n)
	cmd.answer = codeAnswer{name: "APPENDUID", take: func(s *status) { appended(list, s) }}
	if err := c.run(ctx, cmd); err != nil {
		return nil, err
	}
	appended(list, &cmd.status)
	return list, nil
}

// appended reads an APPENDUID code: as many UIDs as there are messages, in their order.
func appended(list []AppendResult, s *status) {
	if s.code != "APPENDUID" {
		return
	}
	validity, uids := appendUID(s.args)
	if uids.Len() != uint64(len(list)) {
		return
	}
	i := 0
	for uid := range uids.All() {
		list[i] = AppendResult{validity, uid}
		i++
	}
}

// encode writes the message with what is said of it.
func (m *NewMessage) encode(e *encoder) {
	o := AppendOptions{}
	if m.Options != nil {
		o = *m.Options
	}
	if flags := settable(o.Flags); len(flags) > 0 {
		e.sp().flags(flags)
	}
	if !o.InternalDate.IsZero() {
		e.sp().internalDate(o.InternalDate)
	}
	if len(o.Annotations) > 0 {
		e.need("ANNOTATE-EXPERIMENT-1").raw(" ANNOTATION ").annotations(o.Annotations)
	}
	if o.Parts != nil {
		if m.Message.R != nil || m.Message.Size != 0 {
			e.fail(argError("both a message and Parts of one"))
			return
		}
		o.encodeParts(e)
		return
	}
	e.limit(m.Message.Size).sp()
	o.UTF8 = o.UTF8 || e.utf8Append && !o.Binary
	o.encodeData(e, m.Message)
}

// encodeData writes the octets of a message, in the form that the options want.
func (o *AppendOptions) encodeData(e *encoder, l Literal) {
	switch {
	case o.UTF8:
		e.needUTF8().raw("UTF8 (").literal(l, true).raw(")")
	case o.Binary:
		e.needBinary().literal(l, true)
	default:
		e.literal(l, false)
	}
}

// needUTF8 fails unless UTF8=ACCEPT is enabled, without which a server has to refuse such a message.
func (e *encoder) needUTF8() *encoder {
	e.need("UTF8=ACCEPT")
	if !e.utf8 {
		e.fail(&CapabilityError{Name: "UTF8=ACCEPT", Off: true})
	}
	return e
}

// needBinary fails without BINARY by its name: IMAP4rev2 includes no more than FETCH of it.
func (e *encoder) needBinary() *encoder {
	if e.need("BINARY"); !e.caps.Has("BINARY") {
		e.fail(&CapabilityError{Name: "BINARY"})
	}
	return e
}

// ---- APPENDLIMIT

// AppendLimit returns how many octets a message may have that Append adds to the mailbox: what the capability says for
// all mailboxes, else what STATUS says (RFC 7889; capability APPENDLIMIT; logged in). ok is false where there is no
// limit.
func (c *Client) AppendLimit(ctx context.Context, mailbox string) (octets uint64, ok bool, err error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return 0, false, err
	}
	if n, ok := caps.appendLimit(); ok {
		return n, true, nil
	}
	st, err := c.Status(ctx, mailbox, StatusAppendLimit)
	if err != nil || st.AppendLimit == nil {
		return 0, false, err
	}
	return *st.AppendLimit, true, nil
}

// appendLimit is the limit for all mailboxes, where there is one.
func (c Caps) appendLimit() (octets uint64, ok bool) {
	value, ok := c.value("APPENDLIMIT=")
	if !ok {
		return 0, false
	}
	octets, err := strconv.ParseUint(value, 10, 64)
	return octets, err == nil
}

// limit fails for a message that is larger than the server takes.
func (e *encoder) limit(octets int64) *encoder {
	if n, ok := e.caps.appendLimit(); ok && octets > 0 && uint64(octets) > n {
		e.fail(ErrTooBig)
	}
	return e
}

// isExchanged reports whether a server says the UID where the UIDVALIDITY belongs (DavMail), of the mailbox that is
// selected and whose UIDVALIDITY is known.
func (c *Client) isExchanged(mailbox string, res *AppendResult) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mailbox
	return m != nil && m.UIDValidity == uint32(res.UID) && m.UIDValidity != res.UIDValidity && m.Name == displayName(mailbox)
}
