package main

import (
	"io"
	"log"
	"strings"
	"time"

	imap1 "github.com/emersion/go-imap"
	client1 "github.com/emersion/go-imap/client"
)

// v1Client is github.com/emersion/go-imap. It has no ESEARCH and no pipelining, and hands out bodies from memory.
type v1Client struct{ c *client1.Client }

func (v *v1Client) open(to account) error {
	c, err := client1.Dial(to.addr)
	if err != nil {
		return err
	}
	c.ErrorLog = log.New(io.Discard, "", 0) // it tells of its own end
	v.c = c
	if err := c.Login(to.user, to.password); err != nil {
		return err
	}
	_, err = c.Select("INBOX", false)
	return err
}

func (v *v1Client) close() { v.c.Terminate() }

func (v *v1Client) run(workload string, n int) (result, error) {
	switch workload {
	case "flags":
		return v.fetch(v1Flags, imap1.FetchUid, imap1.FetchFlags)
	case "envelope":
		return v.fetch(v1Envelope, imap1.FetchUid, imap1.FetchFlags, imap1.FetchInternalDate, imap1.FetchRFC822Size, imap1.FetchEnvelope)
	case "structure":
		return v.fetch(v1Structure, imap1.FetchUid, imap1.FetchBodyStructure)
	case "stream":
		return v.fetch(v1Stream, imap1.FetchUid, "BODY.PEEK[]")
	case "bodies":
		return v.fetch(v1Body, imap1.FetchUid, "BODY.PEEK[]")
	case "search", "sparse":
		return v.search()
	case "list":
		return v.list()
	case "noop":
		return v.noop(n)
	case "append":
		return v.append(n)
	}
	return result{}, errNotMeasured
}

func (v *v1Client) fetch(sum func(*imap1.Message) int64, items ...imap1.FetchItem) (r result, err error) {
	set := new(imap1.SeqSet)
	set.AddRange(1, 0)
	messages := make(chan *imap1.Message, 64)
	done := make(chan error, 1)
	go func() { done <- v.c.UidFetch(set, items, messages) }()
	for m := range messages {
		r.Items++
		r.Sum += sum(m)
	}
	return r, <-done
}

func v1Flags(m *imap1.Message) int64 { return int64(m.Uid) + 7*int64(len(m.Flags)) }

func v1Envelope(m *imap1.Message) int64 {
	env := m.Envelope
	sum := v1Flags(m) + int64(m.Size) + m.InternalDate.Unix()%1000 + env.Date.Unix()%1000 + int64(len(env.Subject)+len(strings.Trim(env.MessageId, "<>")))
	for _, list := range [...][]*imap1.Address{env.From, env.Sender, env.ReplyTo, env.To, env.Cc, env.Bcc} {
		for _, a := range list {
			sum += int64(len(a.PersonalName) + len(a.MailboxName) + len(a.HostName))
		}
	}
	return sum
}

func v1Structure(m *imap1.Message) int64 {
	sum := int64(m.Uid)
	m.BodyStructure.Walk(func(path []int, part *imap1.BodyStructure) bool {
		sum++
		if part.MIMEType != "multipart" {
			sum += int64(part.Size) + 3*int64(len(part.Params))
		}
		return true
	})
	return sum
}

func v1Stream(m *imap1.Message) int64 {
	for _, literal := range m.Body {
		var sink checkedSink
		if _, err := io.Copy(&sink, literal); err == nil && !sink.bad {
			return sink.n
		}
	}
	return 0
}

func v1Body(m *imap1.Message) int64 {
	for _, literal := range m.Body {
		body := make([]byte, literal.Len())
		if _, err := io.ReadFull(literal, body); err == nil {
			return int64(m.Uid) + int64(len(body)) + int64(body[len(body)-1])
		}
	}
	return 0
}

func (v *v1Client) search() (r result, err error) {
	found, err := v.c.UidSearch(imap1.NewSearchCriteria())
	if err != nil {
		return r, err
	}
	r.Items = 1
	for _, uid := range found {
		r.Sum += int64(uid)
	}
	return r, nil
}

func (v *v1Client) list() (r result, err error) {
	mailboxes := make(chan *imap1.MailboxInfo, 64)
	done := make(chan error, 1)
	go func() { done <- v.c.List("", "*", mailboxes) }()
	for m := range mailboxes {
		r.Items++
		r.Sum += int64(len(m.Name)) + 5*int64(len(m.Attributes))
	}
	return r, <-done
}

func (v *v1Client) noop(n int) (r result, err error) {
	for range n {
		if err := v.c.Noop(); err != nil {
			return r, err
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

// sizedReader is the Literal that go-imap wants.
type sizedReader struct {
	io.Reader
	size int
}

func (s sizedReader) Len() int { return s.size }

func (v *v1Client) append(n int) (r result, err error) {
	err = v.c.Append("INBOX", nil, time.Time{}, sizedReader{&patternReader{n: int64(n)}, n})
	return result{Items: 1, Sum: int64(n)}, err // the server answers NO if the bytes are not the right ones
}
