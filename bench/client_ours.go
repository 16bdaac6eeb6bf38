package main

import (
	"context"
	"io"
	"strings"

	"github.com/go-imaplib/imap"
)

// ourClient is this library. With streaming it takes FetchStream where it can.
type ourClient struct {
	c         *imap.Client
	streaming bool
	calls     bool // pipelines are of functions
	window    int  // Options.MaxPipelined
	deflate   bool // COMPRESS
}

var allUIDs = imap.UIDRange(1, 0)

func (o *ourClient) open(to account) error {
	ctx := context.Background()
	c, err := imap.DialInsecure(ctx, to.addr, &imap.Options{MaxPipelined: o.window})
	if err != nil {
		return err
	}
	o.c = c
	if err := c.Login(ctx, to.user, to.password); err != nil {
		return err
	}
	if o.deflate {
		if err := c.Compress(ctx); err != nil {
			return err
		}
	}
	_, err = c.Select(ctx, "INBOX", nil)
	return err
}

func (o *ourClient) close() { o.c.Close() }

func (o *ourClient) run(workload string, n int) (result, error) {
	switch workload {
	case "flags":
		return o.fetch(flagsSum, imap.FetchFlags)
	case "envelope":
		return o.fetch(envelopeSum, imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, imap.FetchEnvelope)
	case "structure":
		return o.fetch(structureSum, imap.FetchBodyStructure)
	case "sync":
		return o.fetch(syncSum, imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure)
	case "bodies":
		return o.bodies()
	case "stream":
		return o.stream()
	}
	if o.streaming || o.deflate || (o.calls || o.window > 0) && workload != "pipeline" && workload != "enabled" && workload != "statuses" {
		return result{}, errNotMeasured
	}
	switch workload {
	case "search", "sparse", "esearch":
		return o.search()
	case "list":
		return o.list()
	case "noop":
		return o.noop(n)
	case "pipeline", "enabled":
		return o.pipeline(n)
	case "append":
		return o.append(n)
	case "status":
		return o.status(n)
	case "statuses":
		return o.statuses(n)
	case "liststatus":
		return o.listStatus()
	}
	return result{}, errNotMeasured
}

func (o *ourClient) fetch(sum func(*imap.Message) int64, items ...imap.FetchItem) (r result, err error) {
	ctx := context.Background()
	if o.streaming {
		for m, err := range o.c.FetchStream(ctx, allUIDs, items...) {
			if err != nil {
				return r, err
			}
			r.Items++
			r.Sum += sum(&m.Message)
		}
		return r, nil
	}
	for m, err := range o.c.Fetch(ctx, allUIDs, items...) {
		if err != nil {
			return r, err
		}
		r.Items++
		r.Sum += sum(m)
	}
	return r, nil
}

func flagsSum(m *imap.Message) int64 { return int64(m.UID) + 7*int64(len(m.Flags)) }

func envelopeSum(m *imap.Message) int64 {
	return flagsSum(m) + m.Size + m.InternalDate.Unix()%1000 + headerSum(m.Envelope)
}

func headerSum(env *imap.Envelope) int64 {
	sum := env.Date.Unix()%1000 + int64(len(env.Subject)+len(strings.Trim(env.MessageID, "<>")))
	for _, list := range [...][]imap.Address{env.From, env.Sender, env.ReplyTo, env.To, env.CC, env.BCC} {
		for i := range list {
			sum += int64(len(list[i].Name) + len(list[i].Mailbox) + len(list[i].Host))
		}
	}
	return sum
}

func structureSum(m *imap.Message) int64 { return int64(m.UID) + partsSum(m) }

func syncSum(m *imap.Message) int64 { return flagsSum(m) + headerSum(m.Envelope) + partsSum(m) }

func partsSum(m *imap.Message) (sum int64) {
	for part := range m.BodyStructure.All() {
		sum++
		if part.Type != "multipart" {
			sum += part.Size + 3*int64(len(part.Params))
		}
	}
	return sum
}

func (o *ourClient) bodies() (r result, err error) {
	if o.streaming {
		return result{}, errNotMeasured
	}
	for m, err := range o.c.Fetch(context.Background(), allUIDs, imap.Section{}) {
		if err != nil {
			return r, err
		}
		body := m.Sections[0].Bytes
		r.Items++
		r.Sum += int64(m.UID) + int64(len(body)) + int64(body[len(body)-1])
	}
	return r, nil
}

func (o *ourClient) stream() (r result, err error) {
	if o.streaming {
		return result{}, errNotMeasured
	}
	for m, err := range o.c.FetchStream(context.Background(), allUIDs, imap.Section{}) {
		if err != nil {
			return r, err
		}
		for b, err := range m.Bodies() {
			if err != nil {
				return r, err
			}
			var sink checkedSink
			if _, err := io.Copy(&sink, b); err != nil {
				return r, err
			}
			if !sink.bad {
				r.Sum += sink.n
			}
		}
		r.Items++
	}
	return r, nil
}

func (o *ourClient) search() (r result, err error) {
	found, err := o.c.Search(context.Background(), imap.Where(), nil)
	if err != nil {
		return r, err
	}
	r.Items = 1
	for _, run := range found.UIDs {
		r.Sum += (int64(run.Start) + int64(run.Stop)) * (int64(run.Stop-run.Start) + 1) / 2
	}
	return r, nil
}

func (o *ourClient) list() (r result, err error) {
	entries, err := o.c.List(context.Background(), "", "*", nil)
	for i := range entries {
		r.Items++
		r.Sum += int64(len(entries[i].Name)) + 5*int64(len(entries[i].Attrs))
	}
	return r, err
}

func (o *ourClient) noop(n int) (r result, err error) {
	for range n {
		if err := o.c.Noop(context.Background()); err != nil {
			return r, err
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

func (o *ourClient) pipeline(n int) (r result, err error) {
	ctx := context.Background()
	noop := func(c *imap.Client) error { return c.Noop(ctx) }
	for done := 0; done < n; done += pipelined {
		p := o.c.Pipeline()
		for range min(pipelined, n-done) {
			if o.calls {
				p.Go(noop)
			} else {
				p.Noop(ctx)
			}
		}
		if err := p.Wait(); err != nil {
			return r, err
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

func (o *ourClient) append(n int) (r result, err error) {
	res, err := o.c.Append(context.Background(), "INBOX", imap.Literal{R: &patternReader{n: int64(n)}, Size: int64(n)}, nil)
	if err != nil {
		return r, err
	}
	return result{Items: 1, Sum: int64(res.UID)}, nil
}

// statusItems are what is asked of a mailbox.
var statusItems = []imap.StatusItem{imap.StatusMessages, imap.StatusUIDNext}

func statusSum(s *imap.Status) int64 { return int64(*s.Messages) + int64(*s.UIDNext) }

func (o *ourClient) status(n int) (r result, err error) {
	for i := range n {
		s, err := o.c.Status(context.Background(), boxName(i), statusItems...)
		if err != nil {
			return r, err
		}
		r.Items++
		r.Sum += statusSum(s)
	}
	return r, nil
}

// statuses puts all commands into one pipeline.
func (o *ourClient) statuses(n int) (r result, err error) {
	if o.calls {
		return o.statusCalls(n)
	}
	all, p := make([]*imap.Pending[*imap.Status], n), o.c.Pipeline()
	for i := range all {
		all[i] = p.Status(context.Background(), boxName(i), statusItems...)
	}
	if err := p.Wait(); err != nil {
		return r, err
	}
	for _, pending := range all {
		s, err := pending.Result()
		if err != nil {
			return r, err
		}
		r.Items++
		r.Sum += statusSum(s)
	}
	return r, nil
}

// statusCalls is statuses by functions.
func (o *ourClient) statusCalls(n int) (r result, err error) {
	all, p := make([]*imap.Status, n), o.c.Pipeline()
	for i := range all {
		p.Go(func(c *imap.Client) (err error) {
			all[i], err = c.Status(context.Background(), boxName(i), statusItems...)
			return err
		})
	}
	if err := p.Wait(); err != nil {
		return r, err
	}
	for _, s := range all {
		r.Items++
		r.Sum += statusSum(s)
	}
	return r, nil
}

func (o *ourClient) listStatus() (r result, err error) {
	entries, err := o.c.List(context.Background(), "", boxPattern, &imap.ListOptions{ReturnStatus: statusItems})
	for i := range entries {
		r.Items++
		r.Sum += statusSum(entries[i].Status)
	}
	return r, err
}
