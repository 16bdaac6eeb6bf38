package imap

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/go-imaplib/imap/internal/ascii"
)

// MailboxScope selects mailboxes for SearchMailboxes: by one of the scopes of NOTIFY except NotifySelectedDelayed, or by
// SearchSubtreeOne.
type MailboxScope struct {
	Scope     NotifyScope
	Mailboxes []string // for NotifySubtree, SearchSubtreeOne and NotifyMailboxes
}

// SearchSubtreeOne is the scope of named mailboxes and those one level below them (RFC 7377 section 2.2).
const SearchSubtreeOne NotifyScope = "SUBTREE-ONE"

// MailboxResult is the result of a search in one mailbox. Its numbers are UIDs.
type MailboxResult struct {
	Mailbox     string
	UIDValidity uint32
	SearchResult
}

// SearchMailboxes searches several mailboxes at once, without selecting them (ESEARCH, RFC 7377; capability MULTISEARCH;
// logged in, or selected to search the selected mailbox). It returns the results by mailbox, in the order in which the
// server sends them; a mailbox without a match is not in the list. Without scopes the selected mailbox is searched. Save is
// an error; Relevancy and a partial result need the same capabilities as in Search; First and Last apply to each mailbox. If
// the server searched only a part of the messages, the error is a PartialError, and the results are returned with it. If the
// result of a mailbox cannot be parsed, those of the others are returned with the error.
func (c *Client) SearchMailboxes(ctx context.Context, scopes []MailboxScope, q Query, opts *SearchOptions) ([]MailboxResult, error) {
	o := SearchOptions{}
	if opts != nil {
		o = *opts
	}
	if err := o.checkSome(); err != nil {
		return nil, unsent("ESEARCH", err)
	}
	some := o.First > 0 || o.Last > 0
	if some || !o.Min && !o.Max && !o.Count && o.PartialFrom == 0 {
		o.All = true
	}
	here := len(scopes) == 0 || slices.ContainsFunc(scopes, func(s MailboxScope) bool { return s.Scope == NotifySelected })
	if here {
		c = c.pin()
	}
	var found []MailboxResult
	err := q.withCharset(func(cs *charset) error {
		cmd := &command{name: "ESEARCH", states: inAuth}
		cmd.inMailbox = here
		cmd.numbers = q.hasNumbers()
		cmd.byNumber = cmd.numbers
		cmd.encode = func(e *encoder) {
			if o.Save {
				e.fail(argError("the result of a search of several mailboxes cannot be saved"))
			}
			e.need("MULTISEARCH")
			o.need(e)
			encodeScopes(e, scopes)
			o.encodeReturn(e)
			e.sp()
			q.encodeIn(e, cs)
		}
		res, err := gather(ctx, c, cmd, func() *mailboxResults {
			return &mailboxResults{cmd: cmd, part: o.PartialFrom != 0, limit: c.e.conn.Limits.MaxLine}
		})
		if res != nil {
			found = res.list
			if res.bad != nil {
				err = failed(cmd.name, res.bad)
			}
		}
		return err
	})
	for i := range found {
		if some {
			found[i].cut(o.First, o.Last)
		}
	}
	return found, err
}

// encodeScopes writes IN (…).
func encodeScopes(e *encoder, scopes []MailboxScope) {
	for i, s := range scopes {
		e.raw([]string{" IN (", " "}[min(i, 1)])
		e.atom("a scope", string(s.Scope))
		named := s.Scope == NotifySubtree || s.Scope == SearchSubtreeOne || s.Scope == NotifyMailboxes
		if named != (len(s.Mailboxes) > 0) || s.Scope == NotifySelectedDelayed {
			e.fail(argError("MailboxScope: Mailboxes are missing or not allowed, or the scope cannot be searched"))
		}
		if named {
			e.sp()
			for i, m := range s.Mailboxes {
				e.raw([]string{"(", " "}[min(i, 1)]).mailbox(m)
			}
			e.raw(")")
		}
	}
	if len(scopes) > 0 {
		e.raw(")")
	}
}

// mailboxResults collects the ESEARCH responses of a command.
type mailboxResults struct {
	cmd   *command
	part  bool // the numbers are those of PARTIAL
	limit int
	size  int
	list  []MailboxResult
	bad   error // of the first mailbox whose result could not be parsed
}

// take claims the ESEARCH responses with the tag of the command. One that cannot be parsed does not affect the others.
func (m *mailboxResults) take(r *response) (claim, error) {
	if r.name != "ESEARCH" {
		return notMine, nil
	}
	var res MailboxResult
	tag, err := r.mailboxCorrelator(&res)
	if tag != "" && tag != m.cmd.tag {
		return notMine, nil
	}
	if m.size += len(r.text); m.size > m.limit {
		return mine, &LimitError{"MaxLine", int64(m.limit)}
	}
	for err == nil && !r.atEnd() {
		err = r.esearchItem(&res.SearchResult, func() (err error) {
			res.UIDs, err = codeSet[UID](&r.parser)
			return err
		})
	}
	if err != nil {
		m.bad = cmp.Or(m.bad, err)
		return mine, nil
	}
	res.fill(m.part)
	m.list = append(m.list, res)
	return mine, nil
}

// fill sets the fields of a result that follow from its numbers, unless these are only a part.
func (res *MailboxResult) fill(part bool) {
	if res.UIDs = res.UIDs.normalize(); len(res.UIDs) == 0 || part {
		return
	}
	if res.Count == 0 {
		res.Count = uint32(res.UIDs.Len())
	}
	if res.Min == 0 {
		res.Min = uint32(res.UIDs[0].Start)
	}
	if res.Max == 0 {
		res.Max = uint32(res.UIDs[len(res.UIDs)-1].Stop)
	}
}

// mailboxCorrelator parses (TAG "x" MAILBOX m UIDVALIDITY n) and UID.
func (r *response) mailboxCorrelator(res *MailboxResult) (tag string, err error) {
	r.skipSpaces()
	if err := r.enter(); err != nil {
		return "", err
	}
	for ; r.peek() != ')'; r.skipSpaces() {
		key := bytes.ToUpper(r.word())
		r.skipSpaces()
		switch string(key) {
		case "TAG":
			tag, err = r.astring()
		case "MAILBOX":
			res.Mailbox, err = r.mailboxName()
		case "UIDVALIDITY":
			err = r.numberInto(&res.UIDValidity)
		case "":
			err = r.errorf("expected the name of a correlator")
		default:
			err = r.skipValue()
		}
		if err != nil {
			return tag, err
		}
	}
	if err := r.leave(); err != nil {
		return tag, err
	}
	r.skipSpaces()
	at := r.pos
	if !ascii.EqualFold(r.word(), "UID") {
		r.pos = at
	}
	return tag, nil
}
