package imap

import (
	"context"
	"strings"

	"github.com/go-imaplib/imap/internal/ascii"
)

// JMAPAccess returns the URL at which the same mail is had by JMAP, with the same credentials and object identifiers
// (GETJMAPACCESS, RFC 9698; capability JMAPACCESS; logged in).
func (c *Client) JMAPAccess(ctx context.Context) (string, error) {
	cmd := &command{name: "GETJMAPACCESS", states: inAuth, encode: func(e *encoder) { e.need("JMAPACCESS") }}
	url, err := gather(ctx, c, cmd, func() *jmapURL { return new(jmapURL) })
	if err != nil {
		return "", err
	}
	return string(*url), nil
}

// jmapURL is what a JMAPACCESS response holds.
type jmapURL string

func (u *jmapURL) take(r *response) (claim, error) {
	if r.name != "JMAPACCESS" {
		return notMine, nil
	}
	s, err := r.astring()
	*u = jmapURL(s)
	return mine, err
}

// RemoteList is List of mailboxes of which some may be on other servers (RLIST, RFC 2193 section 5.1; capability
// MAILBOX-REFERRALS; logged in). To select one of those is an error with CodeReferral, whose ReferralData says where it
// is. The library follows no referral by itself.
func (c *Client) RemoteList(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLIST", reference, pattern)
}

// RemoteLsub is Lsub of mailboxes of which some may be on other servers (RLSUB, RFC 2193 section 5.2; capability
// MAILBOX-REFERRALS; logged in).
func (c *Client) RemoteLsub(ctx context.Context, reference, pattern string) ([]ListEntry, error) {
	return c.remoteList(ctx, "RLSUB", reference, pattern)
}

func (c *Client) remoteList(ctx context.Context, name, reference, pattern string) ([]ListEntry, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	if !caps.offers("MAILBOX-REFERRALS") {
		return nil, unsent(name, &CapabilityError{Name: "MAILBOX-REFERRALS"})
	}
	l := &list{name: name, reference: reference, patterns: []string{pattern}}
	err = l.run(ctx, c)
	return l.entries, err
}

// ReferralEvent reports that a server did what was asked and would rather have it asked of another: a login that succeeded,
// with the code REFERRAL (RFC 2221 section 3).
type ReferralEvent struct {
	ReferralData
	Text string
}

func (ev *ReferralEvent) size() int {
	n := eventSize + len(ev.Text)
	for _, s := range ev.Raw {
		n += 2*(sliceCost+len(s)) + eventSize // as it came, and as a URL
	}
	return n
}

// referralCode is the table entry of REFERRAL. A refusal has it in its error.
func referralCode(_ *engine, s *status) Event {
	data, err := readCode(s.code, s.args, false)
	if !s.ok() || err != nil {
		return nil
	}
	return &ReferralEvent{data.(ReferralData), s.text}
}

// AuthorizeURLs makes URLs by which others can fetch parts of messages of this user (GENURLAUTH, RFC 4467 section 7;
// capability URLAUTH; logged in). Each URL holds the users that may use it (URL.Access), for how long (URL.Expire), and the user
// and the host; the results have its Mechanism and Token. mechanism is INTERNAL, or one that the server names in a URLMECH
// code. An authorized URL is a secret, with which the message can be read.
func (c *Client) AuthorizeURLs(ctx context.Context, mechanism string, urls ...*URL) ([]*URL, error) {
	if len(urls) == 0 {
		return nil, nil
	}
	cmd := &command{name: "GENURLAUTH", states: inAuth}
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

// authorizedURLs is what GENURLAUTH responses hold.
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
			return mine, r.errorf("more URLs than can be kept")
		}
		a.list = append(a.list, u)
	}
	return mine, nil
}

// ResetURLKeys takes back what AuthorizeURLs allowed: for one mailbox, or with "" for all, and of some mechanisms or of all
// (RESETKEY, RFC 4467 section 7; capability URLAUTH; logged in).
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

// URLRequest reports what to fetch of an authorized URL. Body and Binary exclude each other.
type URLRequest struct {
	URL       string
	Body      bool // the part as it is in the message
	Binary    bool // the part with its content-transfer-encoding decoded
	Structure bool // the structure of the part
}

// URLContent is what FetchURLs found.
type URLContent struct {
	URL       string
	Found     bool // false for a URL that names nothing, or that the user may not use
	Data      []byte
	Structure *BodyStructure // where it was asked for
}

// FetchURLs fetches what authorized URLs name, of other users too (URLFETCH, RFC 4467 section 7, RFC 5524; capability
// URLAUTH, and URLAUTH=BINARY for requests with options; logged in). A request of nothing is one of the data.
// The contents are in the order in which the server sends them.
func (c *Client) FetchURLs(ctx context.Context, requests ...URLRequest) ([]URLContent, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	cmd := &command{name: "URLFETCH", states: inAuth}
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
		e.str(q.URL)
		return
	}
	if q.Body && q.Binary {
		e.fail(argError("both Body and Binary of a URL"))
	}
	e.need("URLAUTH=BINARY").raw("(").str(q.URL)
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

// urlContents is what URLFETCH responses hold.
type urlContents struct{ list []URLContent }

func (u *urlContents) take(r *response) (claim, error) {
	if r.name != "URLFETCH" {
		return notMine, nil
	}
	for !r.atEnd() {
		if len(u.list) >= maxListed {
			return mine, r.errorf("more URLs than can be kept")
		}
		content, err := r.urlContent()
		if err != nil {
			return mine, err
		}
		u.list = append(u.list, content)
	}
	return mine, nil
}

// urlContent reads a URL and its data, or its items in parentheses.
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

// urlItem reads (BODYPARTSTRUCTURE (…)), (BODY data) or (BINARY data); Dovecot has several in one list.
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
