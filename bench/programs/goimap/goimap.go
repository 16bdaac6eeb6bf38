// Package goimap has what people do with mail, written with github.com/emersion/go-imap/v2 and go-message, to do the same as
// package ours. Lines are counted from one "task:" to the next; what several tasks need is counted for each.
package goimap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-sasl"
)

// task: texts, inbox

// textPart finds the text of a message: plain text, and HTML where there is nothing else.
func textPart(b imap.BodyStructure) (path []int, found *imap.BodyStructureSinglePart) {
	b.Walk(func(p []int, part imap.BodyStructure) bool {
		single, ok := part.(*imap.BodyStructureSinglePart)
		if !ok {
			return true
		}
		d := single.Disposition()
		isText := strings.EqualFold(single.Type, "text") && (d == nil || !strings.EqualFold(d.Value, "attachment"))
		plain := strings.EqualFold(single.Subtype, "plain")
		if isText && (found == nil || plain && !strings.EqualFold(found.Subtype, "plain")) {
			path, found = slices.Clone(p), single
		}
		return false
	})
	return path, found
}

// fetchText returns the start of the text of a message, in UTF-8.
func fetchText(c *imapclient.Client, m *imapclient.FetchMessageBuffer, most int64) (string, error) {
	path, part := textPart(m.BodyStructure)
	if part == nil {
		return "", nil
	}
	section := &imap.FetchItemBodySection{Part: path, Peek: true, Partial: &imap.SectionPartial{Size: most}}
	got, err := c.Fetch(imap.UIDSetNum(m.UID), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil || len(got) == 0 {
		return "", err
	}
	r, err := decoded(part, bytes.NewReader(got[0].FindBodySection(section)))
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	if err != nil && len(b) == 0 { // it was cut
		return "", err
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(b), "\r\n", "\n"), ""), nil
}

// task: texts, inbox, attachments

// decoded undoes the transfer encoding and the character set of a part.
func decoded(part *imap.BodyStructureSinglePart, r io.Reader) (io.Reader, error) {
	var h message.Header
	h.SetContentType(part.MediaType(), part.Params)
	h.Set("Content-Transfer-Encoding", part.Encoding)
	e, err := message.New(h, r)
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return nil, err
	}
	return e.Body, nil
}

// task: texts

// Texts calls f with the subject and the text of each message, in UTF-8.
func Texts(c *imapclient.Client, f func(subject, text string)) error {
	var all imap.SeqSet
	all.AddRange(1, 0)
	structure := &imap.FetchItemBodyStructure{Extended: true}
	messages, err := c.Fetch(all, &imap.FetchOptions{UID: true, Envelope: true, BodyStructure: structure}).Collect()
	if err != nil {
		return err
	}
	for _, m := range messages {
		text, err := fetchText(c, m, 256<<10)
		if err != nil {
			return err
		}
		f(m.Envelope.Subject, text)
	}
	return nil
}

// task: attachments

// Attachments saves the attachments of all messages, in constant memory, under safe names that are not taken.
func Attachments(c *imapclient.Client, dir string) error {
	var all imap.SeqSet
	all.AddRange(1, 0)
	structure := &imap.FetchItemBodyStructure{Extended: true}
	messages, err := c.Fetch(all, &imap.FetchOptions{UID: true, BodyStructure: structure}).Collect()
	if err != nil {
		return err
	}
	for _, m := range messages {
		m.BodyStructure.Walk(func(path []int, part imap.BodyStructure) bool {
			single, ok := part.(*imap.BodyStructureSinglePart)
			if !ok {
				return true
			}
			if d := single.Disposition(); d != nil && strings.EqualFold(d.Value, "attachment") && err == nil {
				err = save(c, m.UID, path, single, dir)
			}
			return false
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func save(c *imapclient.Client, uid imap.UID, path []int, part *imap.BodyStructureSinglePart, dir string) error {
	f, err := create(dir, safeName(part))
	if err != nil {
		return err
	}
	defer f.Close()
	section := &imap.FetchItemBodySection{Part: path, Peek: true}
	cmd := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	defer cmd.Close()
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		for item := msg.Next(); item != nil; item = msg.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			r, err := decoded(part, body.Literal)
			if err != nil {
				return err
			}
			if _, err := io.Copy(f, r); err != nil {
				return err
			}
		}
	}
	if err := cmd.Close(); err != nil {
		return err
	}
	return f.Close()
}

// safeName leaves of a name what can be that of a file.
func safeName(part *imap.BodyStructureSinglePart) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, part.Filename())
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if name = strings.Trim(name, ". "); name == "" {
		name = "attachment"
	}
	return name
}

func create(dir, name string) (*os.File, error) {
	ext := filepath.Ext(name)
	for n, try := 2, name; ; n++ {
		f, err := os.OpenFile(filepath.Join(dir, try), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		try = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// task: inbox

// Row is a line of a list of messages.
type Row struct {
	UID                    uint32
	From, Subject, Preview string
	Date                   time.Time
}

// Newest returns the newest 50 messages, the newest first, without fetching more of them than is shown.
func Newest(c *imapclient.Client) (rows []Row, err error) {
	found, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
	if err != nil {
		return nil, err
	}
	uids := found.AllUIDs()
	if len(uids) == 0 {
		return nil, nil
	}
	slices.Sort(uids)
	uids = uids[max(0, len(uids)-50):]
	structure := &imap.FetchItemBodyStructure{Extended: true}
	messages, err := c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, Envelope: true, BodyStructure: structure}).Collect()
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		text, err := fetchText(c, m, 1000)
		if err != nil {
			return nil, err
		}
		from := ""
		if len(m.Envelope.From) > 0 {
			from = cmp.Or(m.Envelope.From[0].Name, m.Envelope.From[0].Addr())
		}
		preview := []rune(strings.Join(strings.Fields(text), " "))
		rows = append(rows, Row{uint32(m.UID), from, m.Envelope.Subject, string(preview[:min(len(preview), 256)]), m.Envelope.Date})
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(b.UID, a.UID) })
	return rows, nil
}

// task: code, backup

// state is what is remembered of a mailbox.
type state struct {
	UIDValidity uint32
	UIDs        []imap.UID
}

func load(file string, value any) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, value)
}

func store(file string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// task: code

// errEnough ends Follow.
var errEnough = errors.New("enough")

// Follow calls f with the subject of each new message, once, over lost connections and restarts, until f returns false.
// dial logs in.
func Follow(dial func(*imapclient.Options) (*imapclient.Client, error), file string, f func(subject string) bool) error {
	wait := 200 * time.Millisecond
	for {
		start := time.Now()
		err := session(dial, file, f)
		var refused *imap.Error
		switch {
		case errors.Is(err, errEnough):
			return nil
		case errors.As(err, &refused) && refused.Code == imap.ResponseCodeAuthenticationFailed:
			return err
		case time.Since(start) > 30*time.Second:
			wait = 200 * time.Millisecond
		}
		time.Sleep(wait)
		wait = min(2*wait, 2*time.Minute)
	}
}

func session(dial func(*imapclient.Options) (*imapclient.Client, error), file string, f func(subject string) bool) error {
	news := make(chan struct{}, 1)
	c, err := dial(&imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(*imapclient.UnilateralDataMailbox) {
			select {
			case news <- struct{}{}:
			default:
			}
		},
	}})
	if err != nil {
		return err
	}
	defer c.Close()
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		return err
	}
	for {
		if err := deliver(c, box.UIDValidity, file, f); err != nil {
			return err
		}
		idle, err := c.Idle()
		if err != nil {
			return err
		}
		select {
		case <-news:
		case <-c.Closed():
		case <-time.After(5 * time.Minute): // or a dead connection is not noticed
		}
		if err := idle.Close(); err != nil {
			return err
		}
		if err := idle.Wait(); err != nil {
			return err
		}
	}
}

// deliver fetches what came since the state, and stores it.
func deliver(c *imapclient.Client, uidValidity uint32, file string, f func(subject string) bool) error {
	var old state
	if err := load(file, &old); err != nil {
		return err
	}
	first := old.UIDValidity == 0
	if old.UIDValidity != uidValidity {
		old = state{UIDValidity: uidValidity}
	}
	last := imap.UID(0)
	if len(old.UIDs) > 0 {
		last = old.UIDs[0]
	}
	var after imap.UIDSet
	after.AddRange(last+1, 0)
	messages, err := c.Fetch(after, &imap.FetchOptions{UID: true, Envelope: true}).Collect()
	if err != nil {
		return err
	}
	slices.SortFunc(messages, func(a, b *imapclient.FetchMessageBuffer) int { return cmp.Compare(a.UID, b.UID) })
	for _, m := range messages {
		if m.UID <= last { // n:* names the last message even if that is before n
			continue
		}
		more := first || f(m.Envelope.Subject)
		if err := store(file, state{uidValidity, []imap.UID{m.UID}}); err != nil {
			return err
		}
		if !more {
			return errEnough
		}
	}
	if first && len(messages) == 0 {
		return store(file, old)
	}
	return nil
}

// task: backup

// Backup keeps a file for each message of INBOX and downloads only what is new; what is gone is kept.
func Backup(c *imapclient.Client, dir string) error {
	var old state
	if err := load(filepath.Join(dir, "state.json"), &old); err != nil {
		return err
	}
	box, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return err
	}
	if old.UIDValidity != box.UIDValidity {
		old.UIDs = nil
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
	if err != nil {
		return err
	}
	held := map[imap.UID]bool{}
	for _, uid := range old.UIDs {
		held[uid] = true
	}
	var fresh imap.UIDSet
	for _, uid := range found.AllUIDs() {
		if !held[uid] {
			fresh.AddNum(uid)
		}
	}
	if len(fresh) > 0 {
		if err := download(c, fresh, box.UIDValidity, dir); err != nil {
			return err
		}
	}
	return store(filepath.Join(dir, "state.json"), state{box.UIDValidity, found.AllUIDs()})
}

func download(c *imapclient.Client, uids imap.UIDSet, uidValidity uint32, dir string) error {
	section := &imap.FetchItemBodySection{Peek: true}
	cmd := c.Fetch(uids, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	defer cmd.Close()
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		var uid imap.UID // servers send it first, though they need not
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = item.UID
			case imapclient.FetchItemDataBodySection:
				if uid == 0 {
					return errors.New("the UID comes behind the message")
				}
				if err := write(filepath.Join(dir, fmt.Sprintf("%d.%d.eml", uidValidity, uid)), item.Literal); err != nil {
					return err
				}
			}
		}
	}
	return cmd.Close()
}

func write(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// task: migrate

// Copy copies the messages of INBOX with their flags and dates to the INBOX of another account, without duplicates.
func Copy(from, to *imapclient.Client) error {
	if _, err := from.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return err
	}
	target, err := to.Select("INBOX", nil).Wait()
	if err != nil {
		return err
	}
	list, err := messageIDs(to)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, m := range list {
		there[m.Envelope.MessageID] = true
	}
	if list, err = messageIDs(from); err != nil {
		return err
	}
	for _, m := range list {
		if there[m.Envelope.MessageID] {
			continue
		}
		flags := slices.DeleteFunc(m.Flags, func(f imap.Flag) bool { return !storable(target.PermanentFlags, f) })
		if err := copyOne(from, to, m.UID, &imap.AppendOptions{Flags: flags, Time: m.InternalDate}); err != nil {
			return err
		}
	}
	return nil
}

func messageIDs(c *imapclient.Client) ([]*imapclient.FetchMessageBuffer, error) {
	var all imap.UIDSet
	all.AddRange(1, 0)
	return c.Fetch(all, &imap.FetchOptions{UID: true, Envelope: true, Flags: true, InternalDate: true}).Collect()
}

func storable(permanent []imap.Flag, f imap.Flag) bool {
	if strings.EqualFold(string(f), `\Recent`) {
		return false
	}
	isKeyword := !strings.HasPrefix(string(f), `\`)
	return slices.ContainsFunc(permanent, func(p imap.Flag) bool {
		return strings.EqualFold(string(p), string(f)) || isKeyword && p == imap.FlagWildcard
	})
}

// copyOne copies a message without holding it in memory.
func copyOne(from, to *imapclient.Client, uid imap.UID, opts *imap.AppendOptions) error {
	section := &imap.FetchItemBodySection{Peek: true}
	cmd := from.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}})
	defer cmd.Close()
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		for item := msg.Next(); item != nil; item = msg.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			add := to.Append("INBOX", body.Literal.Size(), opts)
			if _, err := io.Copy(add, body.Literal); err != nil {
				return err
			}
			if err := add.Close(); err != nil {
				return err
			}
			if _, err := add.Wait(); err != nil {
				return err
			}
		}
	}
	return cmd.Close()
}

// task: gmail

// Token logs in by OAuth 2.0 with a token that is fresh.
func Token(c *imapclient.Client, user string, source func() (string, error)) error {
	token, err := source()
	if err != nil {
		return err
	}
	if c.Caps().Has(imap.AuthCap("OAUTHBEARER")) {
		return c.Authenticate(sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: user, Token: token}))
	}
	return c.Authenticate(xoauth2{user, token})
}

// xoauth2 is the mechanism of Gmail and Outlook, which go-sasl has no longer.
type xoauth2 struct{ user, token string }

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

func (x xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }
