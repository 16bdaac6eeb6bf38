package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"log"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-imaplib/imap"
)

//go:embed page.html
var source string

var pageTemplate = template.Must(template.New("page").Parse(source))

// pageSize is how many messages a page shows.
const pageSize = 50

// inbox is a handler that shows a mailbox.
type inbox struct {
	pool    *imap.Pool
	mailbox string
}

// page is the data of the template.
type page struct {
	Mailbox string
	Rows    []row
	First   bool     // it is the newest one
	Older   imap.UID // the next page is before this message; 0 for no next page
}

type row struct {
	UID                          imap.UID
	Unread                       bool
	From, Subject, Date, Preview string
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	before, err := strconv.ParseUint(r.FormValue("before"), 10, 32)
	if err != nil {
		before = 0
	}
	p, err := in.read(r.Context(), imap.UID(before))
	if errors.Is(err, imap.ErrClosed) { // reading changes nothing: it can be done again, whatever was sent
		p, err = in.read(r.Context(), imap.UID(before))
	}
	var html bytes.Buffer
	if err == nil {
		err = pageTemplate.Execute(&html, p)
	}
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		w.Write(html.Bytes())
	case imap.IsTransient(err):
		log.Print(err)
		http.Error(w, "The mail server cannot be reached. Try again in a moment.", http.StatusServiceUnavailable)
	default:
		log.Print(err)
		http.Error(w, "The mailbox cannot be read.", http.StatusBadGateway)
	}
}

// read reads the newest messages, or those before a UID.
func (in *inbox) read(ctx context.Context, before imap.UID) (*page, error) {
	var p *page
	err := in.pool.Do(ctx, in.mailbox, func(c *imap.Client) error {
		p = &page{Mailbox: in.mailbox, First: before <= 1} // Do may call this twice
		query := imap.Where()
		if !p.First {
			query = query.UID(imap.UIDRange(1, before-1))
		}
		found, err := c.Search(ctx, query, &imap.SearchOptions{Last: pageSize})
		if err != nil {
			return err
		}
		for m, err := range c.Previews(ctx, found.UIDs, imap.FetchEnvelope, imap.FetchFlags, imap.FetchInternalDate) {
			if m == nil {
				return err
			}
			p.Rows = append(p.Rows, rowOf(m)) // an error together with a message is about its text
		}
		slices.SortFunc(p.Rows, func(a, b row) int { return cmp.Compare(b.UID, a.UID) })
		if int(found.Count) > pageSize {
			p.Older = found.UIDs[0].Start
		}
		return nil
	})
	return p, err
}

func rowOf(m *imap.Message) row {
	r := row{UID: m.UID, Unread: !slices.Contains(m.Flags, imap.FlagSeen), Preview: m.Preview}
	date := m.InternalDate
	if e := m.Envelope; e != nil {
		r.Subject = e.Subject
		if len(e.From) > 0 {
			r.From = cmp.Or(e.From[0].Name, e.From[0].Addr())
		}
		if !e.Date.IsZero() {
			date = e.Date
		}
	}
	r.Date = date.Format(time.DateOnly + " 15:04")
	return r
}
