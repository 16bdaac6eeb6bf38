package memory

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-imaplib/imap"
)

func playAppend(p *player) error {
	for _, size := range []int{10, 5000} {
		if _, err := p.c.Append(p.ctx, "INBOX", imap.LiteralString(strings.Repeat("x", size)), nil); err != nil {
			return err
		}
	}
	return nil
}

// playNotify receives events for new mail in another mailbox, for new mailboxes and for metadata, and none after NONE.
func playNotify(p *player) error {
	err := p.c.Notify(p.ctx, []imap.NotifyRule{
		{Scope: imap.NotifySelected, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge}, Fetch: []imap.FetchItem{imap.FetchSize}},
		{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyMessageNew, imap.NotifyMessageExpunge, imap.NotifyFlagChange,
			imap.NotifyMailboxName, imap.NotifySubscriptionChange, imap.NotifyMailboxMetadataChange}},
	}, &imap.NotifyOptions{Status: true})
	if err != nil {
		return err
	}
	p.open()
	p.c.Events()
	sent := p.srv.User("user").Mailbox("Sent")
	sent.SetFlags(sent.Append([]byte(mail), nil, p.box.Messages()[0].Date), `\Seen`)
	p.box.Append([]byte(mail), nil, p.box.Messages()[0].Date)
	if err := p.c.Create(p.ctx, "New", nil); err != nil {
		return err
	}
	if err := p.c.Subscribe(p.ctx, "New"); err != nil {
		return err
	}
	if err := p.c.SetMetadata(p.ctx, "New", map[string][]byte{"/private/comment": []byte("x")}); err != nil {
		return err
	}
	kinds := map[string]bool{}
	for _, ev := range p.c.Events() {
		kinds[reflect.TypeOf(ev).Elem().Name()] = true
		if st, ok := ev.(*imap.StatusEvent); ok && (st.Status.Mailbox != "Sent" || *st.Status.Messages != 1 || *st.Status.Unseen != 0) {
			return fmt.Errorf("the status is %+v", st.Status)
		}
	}
	for _, want := range []string{"StatusEvent", "ListEvent", "MetadataEvent", "FetchEvent", "ExistsEvent"} {
		if !kinds[want] {
			return fmt.Errorf("no %s in %v", want, kinds)
		}
	}
	if err := p.c.Notify(p.ctx, []imap.NotifyRule{{Scope: imap.NotifyInboxes, Events: []imap.NotifyEvent{"X-None"}}}, nil); imap.CodeOf(err) != imap.CodeBadEvent {
		return fmt.Errorf("an unknown event: %w", err)
	}
	if err := p.c.Notify(p.ctx, nil, nil); err != nil {
		return err
	}
	sent.Append([]byte(mail), nil, p.box.Messages()[0].Date)
	err = p.c.Noop(p.ctx)
	return expect(err, len(p.c.Events()) == 0, "nothing more is told")
}

// playCatenate composes a message of text and of a part of another.
func playCatenate(p *player, offset, count int64) error {
	p.open()
	url, err := imap.MessageURL("INBOX", p.c.Mailbox().UIDValidity, 1, imap.Section{Part: []int{1}, Offset: offset, Count: count})
	if err != nil {
		return err
	}
	res, err := p.c.Catenate(p.ctx, "Sent", []imap.CatenatePart{imap.CatenateText(imap.LiteralString("Subject: y\r\n\r\n")), imap.CatenateURL(url)}, nil)
	if err != nil {
		return err
	}
	body := mail[strings.Index(mail, "\r\n\r\n")+4:]
	if count > 0 {
		body = body[offset : offset+count]
	}
	list := p.srv.User("user").Mailbox("Sent").Messages()
	if len(list) != 1 || string(list[0].Raw) != "Subject: y\r\n\r\n"+body || res.UID != 1 {
		return fmt.Errorf("the messages are %v", list)
	}
	_, err = p.c.Catenate(p.ctx, "Sent", []imap.CatenatePart{imap.CatenateURL("/INBOX/;UID=99")}, nil)
	bad, ok := imap.CodeDataOf[imap.URLData](err)
	return expect(nil, ok && bad.URL == "/INBOX/;UID=99", "BADURL")
}

// playURL authorizes a URL and fetches what it names.
func playURL(p *player, r imap.URLRequest) error {
	made, err := p.c.AuthorizeURLs(p.ctx, "INTERNAL", &imap.URL{User: "user", Host: "localhost", Mailbox: "INBOX", UID: 1, Section: "1", Access: "anonymous"})
	if err != nil {
		return err
	}
	r.URL = made[0].String()
	got, err := p.c.FetchURLs(p.ctx, r)
	want := "=46riday"
	if r.Binary {
		want = "Friday"
	}
	return expect(err, len(got) == 1 && got[0].Found && strings.Contains(string(got[0].Data), want), "the part")
}

func playMetadata(p *player, mailbox string) error {
	if err := p.c.SetMetadata(p.ctx, mailbox, map[string][]byte{"/private/comment": []byte("x")}); err != nil {
		return err
	}
	got, err := p.c.GetMetadata(p.ctx, mailbox, "/private/comment")
	return expect(err, string(got["/private/comment"]) == "x", "the value")
}

// playAnnotate stores annotations, fetches them, and searches and sorts by them.
func playAnnotate(p *player) error {
	if _, err := p.c.Select(p.ctx, "INBOX", &imap.SelectOptions{Annotate: true}); err != nil {
		return err
	}
	if a, ok := p.c.Mailbox().Annotations(); !ok || a.MaxSize < 1024 {
		return fmt.Errorf("annotations of the mailbox: %+v", a)
	}
	note := func(text string) imap.Annotation {
		return imap.Annotation{Entry: "/comment", Values: map[string][]byte{"value.priv": []byte(text)}}
	}
	for uid, text := range map[imap.UID]string{1: "b", 2: "c"} {
		if _, err := p.c.Store(p.ctx, imap.UIDs(uid), imap.StoreAnnotations(note(text)), nil); err != nil {
			return err
		}
	}
	res, err := p.c.Append(p.ctx, "INBOX", imap.LiteralString(mail), &imap.AppendOptions{Annotations: []imap.Annotation{note("a")}})
	if err != nil {
		return err
	}
	m, err := p.c.FetchOne(p.ctx, res.UID, imap.FetchAnnotations([]string{"/*"}, "value", "size"))
	if err != nil {
		return err
	}
	got := m.Annotations()
	if len(got) != 1 || string(got[0].Values["value.priv"]) != "a" || string(got[0].Values["size.priv"]) != "1" || got[0].Values["value.shared"] != nil {
		return fmt.Errorf("annotations: %v", got)
	}
	found, err := p.c.Search(p.ctx, imap.Where().Annotation("*", "value.priv", "c"), nil)
	if err != nil || found.UIDs.String() != "2" {
		return fmt.Errorf("search: %+v, %w", found, err)
	}
	order, err := p.c.Sort(p.ctx, []imap.SortKey{{Name: "ANNOTATION", Entry: "/comment", Attribute: "value.priv", Reverse: true}}, imap.Where())
	if err != nil || fmt.Sprint(order) != "[2 1 4 3]" {
		return fmt.Errorf("sort: %v, %w", order, err)
	}
	_, err = p.c.Store(p.ctx, imap.UIDs(1), imap.StoreAnnotations(note(strings.Repeat("x", 30000))), nil)
	why, ok := imap.CodeDataOf[imap.AnnotateData](err)
	return expect(nil, ok && why.Reason == "TOOBIG", "TOOBIG")
}

func playPreview(p *player, item imap.FetchItem) error {
	p.box.Append([]byte("Subject: x\r\n\r\nOn Friday, at noon.\r\n"), nil, p.box.Messages()[0].Date)
	p.open()
	m, err := p.c.FetchOne(p.ctx, 4, item)
	return expect(err, m != nil && strings.HasPrefix(m.Preview, "On Friday"), "text")
}

func playSpecialUse(p *player) error {
	uses, err := p.c.SpecialUse(p.ctx)
	return expect(err, uses[imap.AttrSent] == "Sent", "the mailbox of sent mail")
}

func playSort(p *player, keys ...imap.SortKey) error {
	p.open()
	got, err := p.c.Sort(p.ctx, keys, imap.Where())
	return expect(err, fmt.Sprint(got) == "[3 2 1]", "the order")
}

func playThread(p *player, algorithm string) error {
	p.open()
	threads, err := p.c.Thread(p.ctx, algorithm, imap.Where())
	return expect(err, len(threads) > 0 && threads[0].Num == 1, "a thread")
}

var errWrongStep = errors.New("another step than was expected")

// playSearchUpdates follows a result while messages begin to match, cease to match, and are removed.
func playSearchUpdates(p *player) error {
	p.open()
	steps := []func() string{
		func() string { p.box.SetFlags(3, `\Seen`); return "[2]" },
		func() string { p.box.SetFlags(2); return "[2 3]" },
		func() string { p.box.Expunge(3); return "[3]" },
		func() string { return "[]" },
	}
	return playUpdates(p, steps, p.c.SearchUpdates(p.ctx, imap.Where().Seen(), nil))
}

// playSortUpdates follows a sorted result, in which the position of a message matters.
func playSortUpdates(p *player) error {
	p.open()
	steps := []func() string{
		func() string {
			p.box.Append([]byte(mail), nil, p.box.Messages()[0].Date.AddDate(0, 0, 1))
			return "[3 2 1]"
		},
		func() string { p.box.Expunge(2); return "[3 2 4 1]" },
		func() string { return "[3 4 1]" },
	}
	return playUpdates(p, steps, p.c.SortUpdates(p.ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where(), nil))
}

func playUpdates(p *player, steps []func() string, updates func(func(*imap.SearchUpdate, error) bool)) error {
	for up, err := range updates {
		if err != nil {
			return err
		}
		if up.Event != nil {
			continue
		}
		if want := steps[0](); fmt.Sprint(up.UIDs) != want {
			return fmt.Errorf("%w: %v, not %s", errWrongStep, up.UIDs, want)
		}
		if steps = steps[1:]; len(steps) == 0 {
			break
		}
	}
	p.c.Events()
	p.box.SetFlags(1, `\Seen`)
	if err := p.c.Noop(p.ctx); err != nil {
		return err
	}
	for _, ev := range p.c.Events() {
		if _, told := ev.(*imap.ContextEvent); told {
			return errors.New("the search goes on")
		}
	}
	return nil
}

func playObjectIDs(p *player) error {
	made, err := p.c.CreateMailbox(p.ctx, "New", nil)
	if err != nil {
		return err
	}
	st, err := p.c.Status(p.ctx, "New", imap.StatusObjectID)
	if err != nil {
		return err
	}
	if made.AccountID == "" || st.AccountID != made.AccountID {
		return fmt.Errorf("made %+v, status %+v", made, st)
	}
	box, err := p.c.Select(p.ctx, "INBOX", &imap.SelectOptions{ObjectID: true})
	if err != nil {
		return err
	}
	m, err := p.c.FetchOne(p.ctx, 1, imap.FetchObjectID)
	if err != nil {
		return err
	}
	found, err := p.c.Search(p.ctx, imap.Where().EmailID(m.EmailID), nil)
	return expect(err, box.AccountID() == made.AccountID && found.UIDs.String() == "1", "identifiers")
}

func playGmail(p *player) error {
	p.open()
	if _, err := p.c.Store(p.ctx, imap.UIDs(2), imap.AddLabels(`\Important`, "Entwürfe 1"), nil); err != nil {
		return err
	}
	if _, err := p.c.Store(p.ctx, imap.UIDs(2), imap.RemoveLabels(`\Important`), nil); err != nil {
		return err
	}
	m, err := p.c.FetchOne(p.ctx, 2, imap.FetchGmailMsgID, imap.FetchGmailThreadID, imap.FetchGmailLabels)
	if err != nil {
		return err
	}
	if fmt.Sprint(m.Gmail.Labels) != "[Entwürfe 1]" || m.Gmail.MessageID == 0 {
		return fmt.Errorf("Gmail's data: %+v", m.Gmail)
	}
	for want, q := range map[string]imap.Query{
		"2": imap.Where().GmailLabel("Entwürfe 1").GmailMsgID(m.Gmail.MessageID), "1:3": imap.Where().GmailThreadID(m.Gmail.ThreadID),
		"1,3": imap.Where().GmailRaw("is:unread subject:lunch"),
	} {
		found, err := p.c.Search(p.ctx, q, nil)
		if err != nil || found.UIDs.String() != want {
			return fmt.Errorf("%s, not %s: %w", found.UIDs, want, err)
		}
	}
	return nil
}
