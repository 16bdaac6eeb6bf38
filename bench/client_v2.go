package main

import (
	"io"
	"strings"

	imap2 "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// v2Client is github.com/emersion/go-imap/v2.
type v2Client struct{ c *imapclient.Client }

func (v *v2Client) open(to account) error {
	c, err := imapclient.DialInsecure(to.addr, nil)
	if err != nil {
		return err
	}
	v.c = c
	if err := c.Login(to.user, to.password).Wait(); err != nil {
		return err
	}
	_, err = c.Select("INBOX", nil).Wait()
	return err
}

func (v *v2Client) close() { v.c.Close() }

func (v *v2Client) run(workload string, n int) (result, error) {
	switch workload {
	case "flags":
		return v.fetch(&imap2.FetchOptions{UID: true, Flags: true})
	case "envelope":
		return v.fetch(&imap2.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true})
	case "structure":
		return v.fetch(&imap2.FetchOptions{UID: true, BodyStructure: &imap2.FetchItemBodyStructure{Extended: true}})
	case "stream":
		return v.fetch(&imap2.FetchOptions{UID: true, BodySection: []*imap2.FetchItemBodySection{{Peek: true}}})
	case "sync":
		return v.fetch(&imap2.FetchOptions{UID: true, Flags: true, Envelope: true, BodyStructure: &imap2.FetchItemBodyStructure{Extended: true}})
	case "bodies":
		return v.bodies()
	case "search", "sparse", "esearch":
		return v.search()
	case "list":
		return v.list()
	case "noop":
		return v.noop(n)
	case "pipeline", "enabled":
		return v.pipeline(n)
	case "append":
		return v.append(n)
	case "status":
		return v.status(n)
	case "statuses":
		return v.statuses(n)
	case "liststatus":
		return v.listStatus()
	}
	return result{}, errNotMeasured
}

// fetch takes the items as they come, which costs less than to collect them.
func (v *v2Client) fetch(opts *imap2.FetchOptions) (r result, err error) {
	cmd := v.c.Fetch(imap2.UIDSet{{Start: 1, Stop: 0}}, opts)
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		r.Items++
		for item := m.Next(); item != nil; item = m.Next() {
			sum, err := v2Sum(item, opts)
			if err != nil {
				return r, err
			}
			r.Sum += sum
		}
	}
	return r, cmd.Close()
}

func v2Sum(item imapclient.FetchItemData, opts *imap2.FetchOptions) (int64, error) {
	switch item := item.(type) {
	case imapclient.FetchItemDataUID:
		if len(opts.BodySection) > 0 {
			return 0, nil
		}
		return int64(item.UID), nil
	case imapclient.FetchItemDataFlags:
		return 7 * int64(len(item.Flags)), nil
	case imapclient.FetchItemDataInternalDate:
		return item.Time.Unix() % 1000, nil
	case imapclient.FetchItemDataRFC822Size:
		return item.Size, nil
	case imapclient.FetchItemDataEnvelope:
		return v2EnvelopeSum(item.Envelope), nil
	case imapclient.FetchItemDataBodyStructure:
		return v2StructureSum(item.BodyStructure), nil
	case imapclient.FetchItemDataBodySection:
		var sink checkedSink
		if _, err := io.Copy(&sink, item.Literal); err != nil || sink.bad {
			return 0, err
		}
		return sink.n, nil
	}
	return 0, nil
}

func v2EnvelopeSum(env *imap2.Envelope) int64 {
	sum := env.Date.Unix()%1000 + int64(len(env.Subject)+len(strings.Trim(env.MessageID, "<>")))
	for _, list := range [...][]imap2.Address{env.From, env.Sender, env.ReplyTo, env.To, env.Cc, env.Bcc} {
		for i := range list {
			sum += int64(len(list[i].Name) + len(list[i].Mailbox) + len(list[i].Host))
		}
	}
	return sum
}

func v2StructureSum(bs imap2.BodyStructure) int64 {
	sum := int64(0)
	bs.Walk(func(path []int, part imap2.BodyStructure) bool {
		sum++
		if leaf, ok := part.(*imap2.BodyStructureSinglePart); ok {
			sum += int64(leaf.Size) + 3*int64(len(leaf.Params))
		}
		return true
	})
	return sum
}

func (v *v2Client) bodies() (r result, err error) {
	section := &imap2.FetchItemBodySection{Peek: true}
	cmd := v.c.Fetch(imap2.UIDSet{{Start: 1, Stop: 0}}, &imap2.FetchOptions{UID: true, BodySection: []*imap2.FetchItemBodySection{section}})
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		buf, err := m.Collect()
		if err != nil {
			return r, err
		}
		body := buf.FindBodySection(section)
		r.Items++
		r.Sum += int64(buf.UID) + int64(len(body)) + int64(body[len(body)-1])
	}
	return r, cmd.Close()
}

func (v *v2Client) search() (r result, err error) {
	var opts *imap2.SearchOptions
	if v.c.Caps().Has(imap2.CapESearch) {
		opts = &imap2.SearchOptions{ReturnAll: true}
	}
	found, err := v.c.UIDSearch(&imap2.SearchCriteria{}, opts).Wait()
	if err != nil {
		return r, err
	}
	r.Items = 1
	for _, run := range found.All.(imap2.UIDSet) {
		r.Sum += (int64(run.Start) + int64(run.Stop)) * (int64(run.Stop-run.Start) + 1) / 2
	}
	return r, nil
}

func (v *v2Client) list() (r result, err error) {
	entries, err := v.c.List("", "*", nil).Collect()
	for _, e := range entries {
		r.Items++
		r.Sum += int64(len(e.Mailbox)) + 5*int64(len(e.Attrs))
	}
	return r, err
}

func (v *v2Client) noop(n int) (r result, err error) {
	for range n {
		if err := v.c.Noop().Wait(); err != nil {
			return r, err
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

func (v *v2Client) pipeline(n int) (r result, err error) {
	var cmds [pipelined]*imapclient.Command
	for done := 0; done < n; done += pipelined {
		batch := cmds[:min(pipelined, n-done)]
		for i := range batch {
			batch[i] = v.c.Noop()
		}
		for _, cmd := range batch {
			if err := cmd.Wait(); err != nil {
				return r, err
			}
		}
	}
	return result{Items: n, Sum: int64(n)}, nil
}

func (v *v2Client) append(n int) (r result, err error) {
	cmd := v.c.Append("INBOX", int64(n), nil)
	if _, err := io.Copy(cmd, &patternReader{n: int64(n)}); err != nil {
		return r, err
	}
	if err := cmd.Close(); err != nil {
		return r, err
	}
	data, err := cmd.Wait()
	if err != nil {
		return r, err
	}
	return result{Items: 1, Sum: int64(data.UID)}, nil
}

var v2StatusItems = &imap2.StatusOptions{NumMessages: true, UIDNext: true}

func v2StatusSum(s *imap2.StatusData) int64 { return int64(*s.NumMessages) + int64(s.UIDNext) }

func (v *v2Client) status(n int) (r result, err error) {
	for i := range n {
		s, err := v.c.Status(boxName(i), v2StatusItems).Wait()
		if err != nil {
			return r, err
		}
		r.Items++
		r.Sum += v2StatusSum(s)
	}
	return r, nil
}

// statuses sends all commands before it waits for the first.
func (v *v2Client) statuses(n int) (r result, err error) {
	all := make([]*imapclient.StatusCommand, n)
	for i := range all {
		all[i] = v.c.Status(boxName(i), v2StatusItems)
	}
	for _, cmd := range all {
		s, err := cmd.Wait()
		if err != nil {
			return r, err
		}
		r.Items++
		r.Sum += v2StatusSum(s)
	}
	return r, nil
}

func (v *v2Client) listStatus() (r result, err error) {
	entries, err := v.c.List("", boxPattern, &imap2.ListOptions{ReturnStatus: v2StatusItems}).Collect()
	for _, e := range entries {
		r.Items++
		r.Sum += v2StatusSum(e.Status)
	}
	return r, err
}
