package imap

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/go-imaplib/imap/internal/ascii"
)

// AppendOptions describes a new message beyond its data.
type AppendOptions struct {
	Flags        []Flag
	InternalDate time.Time // zero: the server's clock

	// Parts are the pieces from which the server assembles the message (RFC 4469; capability CATENATE). The Literal of the
	// call must be the zero value then.
	Parts []CatenatePart

	// Binary sends the message as a literal8, which may hold NUL (RFC 3516; capability BINARY). A server that cannot
	// store it answers NO with the code UNKNOWN-CTE.
	Binary bool

	// Annotations are set on the new message (RFC 5257 section 4.7; capability ANNOTATE-EXPERIMENT-1).
	Annotations []Annotation

	// UTF8 marks the message as one with UTF-8 in its header, as in RFC 6855 section 4 (capability UTF8=ACCEPT, which
	// must be enabled; Append then sets it automatically). RFC 9755 removed this form; for a server that does not know
	// it the message is sent again as an ordinary one, if it can be sent twice.
	UTF8 bool
}

// AppendResult holds the UID of an added message. An APPENDUID that cannot be parsed, or whose number of UIDs differs from
// the number of messages, is reported by a CodeEvent instead.
type AppendResult struct {
	UIDValidity uint32 // 0 without UIDPLUS
	UID         UID
}

// Append adds a message to a mailbox (APPEND, RFC 9051 section 6.3.12; logged in). msg is an RFC 5322 message with CRLF
// line endings; it is sent unchanged. If the server refuses the message before its data, none of the data is sent and the
// connection remains usable. If the mailbox does not exist, the error has CodeTryCreate.
//
// If the message is larger than the capability APPENDLIMIT allows, the error is ErrTooBig, and nothing is sent.
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

// AppendMessage is a message for MultiAppend.
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
// If the server limits the number of messages per command (SAVELIMIT, MESSAGELIMIT, RFC 9738), several commands are sent.
// If one of them fails, the results of those before it are returned with the error.
func (c *Client) MultiAppend(ctx context.Context, mailbox string, msgs []AppendMessage) ([]AppendResult, error) {
	return c.appendParts(ctx, mailbox, msgs, c.Caps().saveLimit())
}

// appendParts adds messages, at most most per command; 0 means no limit.
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
	list, readOnce, err := c.appendMarked(ctx, len(msgs), func() *command {
		cmd := &command{name: "APPEND", states: inAuth, traits: traits{partial: len(msgs) == 1}} // a single message cannot be added in part
		for i := range msgs {
			c.keepURLs(cmd, msgs[i].Options)
		}
		cmd.encode = func(e *encoder) {
			if len(msgs) > 1 {
				e.need("MULTIAPPEND")
			}
			e.sp().mailbox(mailbox)
			for i := range msgs {
				msgs[i].encode(e)
			}
		}
		return cmd
	})
	if limit, ok := limitOf(err); ok && limit.most > 0 && int(limit.most) < len(msgs) && !readOnce {
		return c.appendParts(ctx, mailbox, msgs, limit.most)
	}
	return list, err
}

// appendMarked runs a command that adds n messages, in the form for UTF-8 if UTF8=ACCEPT is enabled; if the server refuses that form,
// which the caller did not request, without it. readOnce reports that a reader was read that cannot be read again.
func (c *Client) appendMarked(ctx context.Context, n int, fresh func() *command) (list []AppendResult, readOnce bool, err error) {
	for _, mark := range []bool{true, false} {
		cmd, marked := fresh(), false
		encode := cmd.encode
		cmd.encode = func(e *encoder) {
			e.utf8Append = e.utf8Append && mark
			marked = e.utf8Append
			encode(e)
		}
		list, err = c.appendWith(ctx, cmd, n)
		readOnce = cmd.readOnce
		// Courier answers NO to syntax that it does not know.
		if refusal, ok := err.(*Error); !ok || !marked || readOnce || refusal.Status != "BAD" && !(refusal.Status == "NO" && refusal.Code == "") {
			break
		}
	}
	return list, readOnce, err
}

// appendWith runs a command that adds n messages.
func (c *Client) appendWith(ctx context.Context, cmd *command, n int) ([]AppendResult, error) {
	list := make([]AppendResult, n)
	var odd *status // the last code that does not fit the messages
	take := func(s *status) {
		if odd = nil; !appended(list, s) {
			kept := *s
			odd = &kept
		}
	}
	cmd.answer = codeAnswer{name: CodeAppendUID, take: take}
	if err := c.run(ctx, cmd); err != nil {
		return nil, err
	}
	if s := &cmd.status; s.code == CodeAppendUID {
		take(s)
		if _, err := readCode(s.code, s.args, true); err != nil {
			odd = nil // a tagged one that cannot be read is an event already
		}
	}
	if odd != nil {
		c.e.addEvents(&CodeEvent{cmd.name, odd.code, odd.shown, odd.text})
	}
	return list, nil
}

// appended parses an APPENDUID code, which has one UID per message, in the order of the messages. It reports whether
// the code fits them.
func appended(list []AppendResult, s *status) bool {
	validity, uids := appendUID(s.args)
	if uids.Len() != uint64(len(list)) {
		return false
	}
	i := 0
	for uid := range uids.All() {
		list[i] = AppendResult{validity, uid}
		i++
	}
	return true
}

// encode writes the message with its flags, date and annotations.
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
			e.fail(argError("both a message and Parts"))
			return
		}
		o.encodeParts(e)
		return
	}
	e.limit(m.Message.Size).sp()
	o.UTF8 = o.UTF8 || e.utf8Append && !o.Binary
	o.encodeData(e, m.Message)
}

// encodeData writes the bytes of a message, in the form that the options select.
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

// AppendLimit returns the largest size in bytes of a message that Append can add to the mailbox. It comes from the
// capability, for all mailboxes, or else from STATUS (RFC 7889; capability APPENDLIMIT; logged in). ok is false if no limit
// is known.
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

// appendLimit returns the limit for all mailboxes, if the server announces one.
func (c Caps) appendLimit() (octets uint64, ok bool) {
	value, ok := c.value("APPENDLIMIT=")
	if !ok {
		return 0, false
	}
	octets, err := strconv.ParseUint(value, 10, 64)
	return octets, err == nil
}

// isExchanged reports whether a server exchanged UID and UIDVALIDITY in its result (DavMail). This can be seen only for the
// selected mailbox, whose UIDVALIDITY is known.
func (c *Client) isExchanged(mailbox string, res *AppendResult) bool {
	m, ok := c.e.boxState()
	return ok && m.uidValidity == uint32(res.UID) && m.uidValidity != res.UIDValidity && m.name == displayName(mailbox)
}

// CatenatePart is one piece of a message that the server assembles: text from the client, or the data that a URL names.
type CatenatePart struct {
	text  Literal
	url   string
	isURL bool
}

// CatenateText returns a piece with text from the client. Its line endings must be CRLF, as in the rest of the message.
func CatenateText(text Literal) CatenatePart { return CatenatePart{text: text} }

// CatenateURL returns a piece that the server copies unchanged from the message or section with that URL. MessageURL makes
// such URLs. An authorized URL (URLAUTH) is a secret: neither errors nor the log show it.
func CatenateURL(url string) CatenatePart { return CatenatePart{url: url, isURL: true} }

// Catenate adds a message that the server assembles from pieces, most often of messages that it already holds (APPEND, RFC
// 4469; capability CATENATE; logged in). If a URL names nothing, the error has the code BADURL. It is equivalent to Append
// with AppendOptions.Parts.
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

// keepURLs makes the authorized URLs among the pieces of a message secrets of its command.
func (c *Client) keepURLs(cmd *command, o *AppendOptions) {
	if o == nil {
		return
	}
	for _, part := range o.Parts {
		if part.isURL && isAuthorized(part.url) {
			cmd.exclusive = true // as for every command with secrets
			c.e.keepSecret(cmd, part.url, escapeQuoted(part.url))
		}
	}
}

// isAuthorized reports whether a URL may have the token of URLAUTH, which suffices to read the message.
func isAuthorized(url string) bool { return strings.Contains(strings.ToUpper(url), ";URLAUTH=") }

// encodeParts writes CATENATE with the pieces.
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
			e.raw("URL ")
			if isAuthorized(part.url) {
				e.secret(part.url)
			} else {
				e.str(part.url)
			}
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

// MessageURL returns the URL of a message on this server, or of a section of it, for CatenateURL (RFC 5092). A UIDVALIDITY
// that is not 0 ensures that the UID still means the same message.
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

// Replace replaces a message: it adds msg to the mailbox and removes the message with the given UID from the selected
// mailbox, both or neither (UID REPLACE, RFC 8508; capability REPLACE; selected for writing). The options are those of
// Append. Usually mailbox is the selected one and the message is a draft.
func (c *Client) Replace(ctx context.Context, uid UID, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	list, _, err := c.pin().appendMarked(ctx, 1, func() *command {
		cmd := replaceCommand("UID REPLACE", traits{}, uint64(uid), mailbox, msg, opts)
		c.keepURLs(cmd, opts)
		return cmd
	})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// ReplaceSeq is like Replace, for a message given by its sequence number (REPLACE, RFC 8508; capability REPLACE; selected
// for writing).
func (c *Client) ReplaceSeq(ctx context.Context, num SeqNum, mailbox string, msg Literal, opts *AppendOptions) (*AppendResult, error) {
	cmd := replaceCommand("REPLACE", traits{byNumber: true, numbers: true}, uint64(num), mailbox, msg, opts)
	c.keepURLs(cmd, opts)
	list, err := c.appendWith(ctx, cmd, 1) // once: the number could mean another message then
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func replaceCommand(name string, t traits, num uint64, mailbox string, msg Literal, opts *AppendOptions) *command {
	t.writes = true
	return &command{name: name, states: inSelected, traits: t, encode: func(e *encoder) {
		if num == 0 {
			e.fail(argError("the number 0"))
		}
		e.need("REPLACE").sp()
		if t.byNumber {
			e.set(Seqs(SeqNum(num)))
		} else {
			e.number(num)
		}
		e.sp().mailbox(mailbox)
		m := AppendMessage{msg, opts}
		m.encode(e)
	}}
}

// limit fails for a message that is larger than the server accepts.
func (e *encoder) limit(octets int64) *encoder {
	if n, ok := e.caps.appendLimit(); ok && octets > 0 && uint64(octets) > n {
		e.fail(ErrTooBig)
	}
	return e
}

// AuthorizeURLs returns URLs with which others can fetch parts of this user's messages (GENURLAUTH, RFC 4467 section 7;
// capability URLAUTH; logged in). Each URL given must have User and Host, and Access, which names the users that may use it;
// Expire limits its lifetime. The results have Mechanism and Token set. mechanism is INTERNAL, or one that the server lists
// in a URLMECH code. An authorized URL is a secret: it suffices to read the message.
func (c *Client) AuthorizeURLs(ctx context.Context, mechanism string, urls ...*URL) ([]*URL, error) {
	if len(urls) == 0 {
		return nil, nil
	}
	cmd := &command{name: "GENURLAUTH", states: inAuth, rows: "GENURLAUTH"}
	cmd.encode = func(e *encoder) {
		e.need("URLAUTH")
		for _, u := range urls {
			if u == nil || u.Access == "" || u.Mechanism != "" || u.UID == 0 || u.User == "" || u.Host == "" {
				e.fail(argError("a URL that cannot be authorized: it needs User, Host, Mailbox, UID and Access"))
				return
			}
			e.sp().str(u.String()).sp().atom("a mechanism", mechanism)
		}
	}
	made, err := gather(ctx, c, cmd, func() *authorizedURLs { return &authorizedURLs{} })
	if err != nil {
		return nil, err
	}
	return made.list, nil
}

// authorizedURLs collects the URLs in GENURLAUTH responses.
type authorizedURLs struct{ list []*URL }

func (a *authorizedURLs) take(r *response) (claim, error) {
	if r.name != "GENURLAUTH" {
		return notMine, nil
	}
	for !r.atEnd() {
		s, err := r.astring()
		if err != nil {
			return mine, err
		}
		u, err := ParseURL(s)
		if err != nil {
			return mine, r.errorf("expected an IMAP URL")
		}
		if len(a.list) >= maxListed {
			return mine, r.errorf("too many URLs")
		}
		a.list = append(a.list, u)
	}
	return mine, nil
}

// ResetURLKeys revokes the URLs made by AuthorizeURLs, for one mailbox, or for all if mailbox is "", and for the given
// mechanisms, or for all if none is given (RESETKEY, RFC 4467 section 7; capability URLAUTH; logged in).
func (c *Client) ResetURLKeys(ctx context.Context, mailbox string, mechanisms ...string) error {
	cmd := &command{name: "RESETKEY", states: inAuth}
	cmd.encode = func(e *encoder) {
		e.need("URLAUTH")
		if mailbox == "" {
			if len(mechanisms) > 0 {
				e.fail(argError("mechanisms without a mailbox"))
			}
			return
		}
		e.sp().mailbox(mailbox)
		for _, m := range mechanisms {
			e.sp().atom("a mechanism", m)
		}
	}
	return c.run(ctx, cmd)
}

// A URLRequest selects the data to fetch for an authorized URL. At most one of Body and Binary may be set.
type URLRequest struct {
	URL       string
	Body      bool // the part as it is in the message
	Binary    bool // the part with its content-transfer-encoding decoded
	Structure bool // the structure of the part
}

// URLContent is a result of FetchURLs.
type URLContent struct {
	URL       string
	Found     bool // false for a URL that names nothing, or that the user may not use
	Data      []byte
	Structure *BodyStructure // if requested
}

// FetchURLs fetches the contents of authorized URLs, also those of other users (URLFETCH, RFC 4467 section 7, RFC 5524;
// capability URLAUTH, and URLAUTH=BINARY for requests with options; logged in). A request without options fetches the data.
// The contents are in the order in which the server sends them.
func (c *Client) FetchURLs(ctx context.Context, requests ...URLRequest) ([]URLContent, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	cmd := &command{name: "URLFETCH", states: inAuth, traits: traits{exclusive: true}}
	for _, q := range requests {
		c.e.keepSecret(cmd, q.URL, escapeQuoted(q.URL))
	}
	cmd.encode = func(e *encoder) {
		e.need("URLAUTH")
		for i := range requests {
			requests[i].encode(e.sp())
		}
	}
	got, err := gather(ctx, c, cmd, func() *urlContents { return &urlContents{} })
	if err != nil {
		return nil, err
	}
	return got.list, nil
}

func (q *URLRequest) encode(e *encoder) {
	if q.URL == "" || strings.ContainsAny(q.URL, "\r\n") {
		e.fail(argError("an empty URL, or one with line breaks"))
	}
	if !q.Body && !q.Binary && !q.Structure {
		e.secret(q.URL)
		return
	}
	if q.Body && q.Binary {
		e.fail(argError("both Body and Binary of a URL"))
	}
	e.need("URLAUTH=BINARY").raw("(").secret(q.URL)
	for _, item := range []struct {
		on   bool
		name string
	}{{q.Body, " BODY"}, {q.Binary, " BINARY"}, {q.Structure, " BODYPARTSTRUCTURE"}} {
		if item.on {
			e.raw(item.name)
		}
	}
	e.raw(")")
}

// urlContents collects the contents in URLFETCH responses.
type urlContents struct{ list []URLContent }

func (u *urlContents) take(r *response) (claim, error) {
	if r.name != "URLFETCH" {
		return notMine, nil
	}
	for !r.atEnd() {
		if len(u.list) >= maxListed {
			return mine, r.errorf("too many URLs")
		}
		content, err := r.urlContent()
		if err != nil {
			return mine, err
		}
		u.list = append(u.list, content)
	}
	return mine, nil
}

// urlContent parses a URL and its data, or its items in parentheses.
func (r *response) urlContent() (content URLContent, err error) {
	if content.URL, err = r.astring(); err != nil {
		return content, err
	}
	r.skipSpaces()
	if r.peek() != '(' {
		content.Data, content.Found, err = r.nbytes()
		return content, err
	}
	for ; r.peek() == '('; r.skipSpaces() {
		if err := r.urlItem(&content); err != nil {
			return content, err
		}
	}
	return content, nil
}

// urlItem parses (BODYPARTSTRUCTURE (…)), (BODY data) or (BINARY data); Dovecot sends several in one list.
func (r *response) urlItem(content *URLContent) (err error) {
	if err := r.enter(); err != nil {
		return err
	}
	for ; r.peek() != ')'; r.skipSpaces() {
		name := r.word()
		r.skipSpaces()
		switch {
		case len(name) == 0:
			return r.errorf("expected an item of a URL")
		case ascii.EqualFold(name, "BODYPARTSTRUCTURE") && r.peek() == '(':
			content.Structure, err = r.bodyStructure()
			content.Found = true
		case ascii.EqualFold(name, "BODY"), ascii.EqualFold(name, "BINARY"):
			content.Data, content.Found, err = r.nbytes()
		default:
			err = r.skipValue()
		}
		if err != nil {
			return err
		}
	}
	return r.leave()
}
