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

// AppendResult reports where the message went.
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
	list, err := c.append(ctx, mailbox, []AppendMessage{{msg, opts}})
	if err != nil {
		return nil, err
	}
	if c.isExchanged(mailbox, &list[0]) {
		return &AppendResult{}, nil
	}
	return &list[0], nil
}

// AppendMessage is one of the messages of MultiAppend.
type AppendMessage struct {
	Message Literal
	Options *AppendOptions // nil: no flags, the server's clock
}

// NewMessage is the former name of AppendMessage.
//
// Deprecated: use AppendMessage.
type NewMessage = AppendMessage

// MultiAppend adds several messages to a mailbox, all or none of them (APPEND, RFC 3502; capability MULTIAPPEND; logged
// in). The results are in the order of the messages. Without messages nothing is sent.
//
// A server that adds only so many messages by one command (SAVELIMIT, MESSAGELIMIT, RFC 9738) gets them in several: then
// what was added before one of them failed is in the results beside the error.
func (c *Client) MultiAppend(ctx context.Context, mailbox string, msgs []AppendMessage) ([]AppendResult, error) {
	return c.appendParts(ctx, mailbox, msgs, c.Caps().saveLimit())
}

// appendParts adds messages, at most so many by one command if that is not 0.
func (c *Client) appendParts(ctx context.Context, mailbox string, msgs []AppendMessage, most uint32) ([]AppendResult, error) {
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

func (c *Client) append(ctx context.Context, mailbox string, msgs []AppendMessage) ([]AppendResult, error) {
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
func (m *AppendMessage) encode(e *encoder) {
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

// encodeData writes the bytes of a message, in the form that the options want.
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

// ---- APPENDLIMIT

// AppendLimit returns the most bytes of a message that Append can add to the mailbox: by the capability for all
// mailboxes, else by STATUS (RFC 7889; capability APPENDLIMIT; logged in). ok is false where no limit is known.
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

// isExchanged reports whether a server says the UID where the UIDVALIDITY belongs (DavMail), of the mailbox that is
// selected and whose UIDVALIDITY is known.
func (c *Client) isExchanged(mailbox string, res *AppendResult) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mailbox
	return m != nil && m.UIDValidity == uint32(res.UID) && m.UIDValidity != res.UIDValidity && m.Name == displayName(mailbox)
}

// CatenatePart is one piece of a message that the server puts together: text of our own, or what a URL names.
type CatenatePart struct {
	text  Literal
	url   string
	isURL bool
}

// CatenateText is bytes of our own. Like all of the message it has CRLF line ends.
func CatenateText(text Literal) CatenatePart { return CatenatePart{text: text} }

// CatenateURL is the message or section that a URL names, copied by the server byte for byte. MessageURL makes them.
func CatenateURL(url string) CatenatePart { return CatenatePart{url: url, isURL: true} }

// Catenate adds a message that the server puts together from pieces, most often of messages that it holds already
// (APPEND, RFC 4469; capability CATENATE; logged in). A URL that names nothing is an error with the code BADURL. It is
// Append with AppendOptions.Parts.
func (c *Client) Catenate(ctx context.Context, mailbox string, parts []CatenatePart, opts *AppendOptions) (*AppendResult, error) {
	o := AppendOptions{}
	if opts != nil {
		o = *opts
	}
	o.Parts = parts
	if len(parts) == 0 {
		return nil, unsent("APPEND", argError("no part of a message"))
	}
	return c.Append(ctx, mailbox, Literal{}, &o)
}

// encodeParts writes CATENATE with its pieces.
func (o *AppendOptions) encodeParts(e *encoder) {
	e.need("CATENATE").raw(" CATENATE (")
	if len(o.Parts) == 0 {
		e.fail(argError("no part of a message"))
	}
	size := int64(0)
	for i, part := range o.Parts {
		if i > 0 {
			e.sp()
		}
		switch {
		case part.isURL:
			e.raw("URL ").str(part.url)
		case o.UTF8:
			o.encodeData(e, part.text)
		default:
			e.raw("TEXT ")
			o.encodeData(e, part.text)
		}
		size += max(part.text.Size, 0)
	}
	e.limit(size).raw(")")
}

// MessageURL is the URL of a message on this server, or of a section of it, as CatenateURL takes it (RFC 5092). A
// UIDVALIDITY that is not 0 makes sure that the UID means the same message still.
func MessageURL(mailbox string, uidValidity uint32, uid UID, section Section) (string, error) {
	if err := section.check(); err != nil {
		return "", unsent("MessageURL", err)
	}
	var name encoder
	section.encodeName(&name)
	if name.err != nil {
		return "", unsent("MessageURL", name.err)
	}
	u := URL{Mailbox: displayName(mailbox), UIDValidity: uidValidity, UID: uid, Section: string(name.buf)}
	if section.Offset > 0 || section.Count > 0 {
		u.Partial = &URLPartial{uint64(section.Offset), uint64(section.Count)}
	}
	return u.String(), nil
}

// Replace puts a message in the place of another: msg is added to the mailbox, and the message with that UID is removed
// from the selected one, both or neither (UID REPLACE, RFC 8508; capability REPLACE; selected for writing). Options are
// those of Append. Most often mailbox is the selected one and the message a draft.
func (c *Client) Replace(ctx context.Context, uid UID, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	return c.replace(ctx, &command{name: "UID REPLACE"}, uint64(uid), mailbox, msg, opts)
}

// ReplaceSeq is Replace for a message by its sequence number (REPLACE, RFC 8508; capability REPLACE; selected for
// writing).
func (c *Client) ReplaceSeq(ctx context.Context, num SeqNum, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	return c.replace(ctx, &command{name: "REPLACE", byNumber: true, numbers: true}, uint64(num), mailbox, msg, opts)
}

func (c *Client) replace(ctx context.Context, cmd *command, num uint64, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	cmd.states, cmd.writes = inSelected, true
	cmd.encode = func(e *encoder) {
		if num == 0 {
			e.fail(argError("the number 0"))
		}
		e.need("REPLACE").sp()
		if cmd.byNumber {
			e.set(Seqs(SeqNum(num)))
		} else {
			e.number(num)
		}
		e.sp().mailbox(mailbox)
		m := AppendMessage{msg, opts}
		m.encode(e)
	}
	list, err := c.appendWith(ctx, cmd, 1)
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// limit fails for a message that is larger than the server takes.
func (e *encoder) limit(octets int64) *encoder {
	if n, ok := e.caps.appendLimit(); ok && octets > 0 && uint64(octets) > n {
		e.fail(ErrTooBig)
	}
	return e
}
