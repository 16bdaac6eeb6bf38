package memory

import (
	"slices"
	"strings"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
)

var all = imap.UIDRange(1, 0)

// plays are all capabilities of docs/extensions.md that the in-memory server offers.
var plays = map[string]play{
	"IMAP4rev1": {without: []string{}, lacks: either, does: func(p *player) error {
		m, err := p.fetch(imap.FetchSize)
		return expect(err, m != nil && m.Size == int64(len(mail)), "size")
	}},
	"IMAP4rev2": {more: []string{"IMAP4REV2"}, lacks: refused, does: func(p *player) error {
		if _, err := p.c.Enable(p.ctx, "IMAP4rev2"); err != nil {
			return err
		}
		if !p.c.Enabled("IMAP4rev2") {
			return &imap.CapabilityError{Name: "IMAP4rev2", Off: true}
		}
		res, err := p.search(imap.Where().Seen(), nil)
		return expect(err, res != nil && res.Count == 1, "one seen")
	}},
	"ENABLE": {does: func(p *player) error {
		on, err := p.c.Enable(p.ctx, "CONDSTORE")
		return expect(err, slices.Contains(on, "CONDSTORE"), "CONDSTORE is on")
	}},
	"UTF8=ONLY": {more: []string{"UTF8=ONLY"}, lacks: either, does: func(p *player) error {
		if _, err := p.c.Select(p.ctx, "INBOX", nil); imap.CodeOf(err) != imap.CodeCannot {
			return expect(err, false, "CANNOT")
		}
		if _, err := p.c.Enable(p.ctx, "UTF8=ACCEPT"); err != nil {
			return err
		}
		_, err := p.c.Select(p.ctx, "INBOX", nil)
		return err
	}},
	"UTF8=ACCEPT": {lacks: otherwise, does: func(p *player) error {
		if p.c.Caps().Has("UTF8=ACCEPT") {
			if _, err := p.c.Enable(p.ctx, "UTF8=ACCEPT"); err != nil {
				return err
			}
		}
		if err := p.c.Create(p.ctx, "Entwürfe", nil); err != nil {
			return err
		}
		list, err := p.c.List(p.ctx, "", "Entw*", nil)
		return expect(err, len(list) == 1 && list[0].Name == "Entwürfe", "the name")
	}},
	"INPROGRESS": {more: []string{"INPROGRESS"}, lacks: either, does: func(p *player) error {
		_, err := p.search(imap.Where(), nil)
		told := slices.ContainsFunc(p.c.Events(), func(ev imap.Event) bool { _, ok := ev.(*imap.ProgressEvent); return ok })
		return expect(err, told, "progress")
	}},
	"NOTIFY": {more: []string{"NOTIFY"}, does: playNotify},
	"STARTTLS": {login: true, does: func(p *player) error {
		p.dial(nil)
		if err := p.c.StartTLS(p.ctx, p.tlsConfig()); err != nil {
			return err
		}
		return p.c.Login(p.ctx, "user", "password")
	}},
	"LOGINDISABLED": {login: true, opts: imaptest.Options{LoginDisabled: true}, without: []string{}, lacks: either, does: func(p *player) error {
		p.dial(&imap.Options{AllowInsecureAuth: true})
		err := p.c.Login(p.ctx, "user", "password")
		if err == nil {
			return expect(nil, false, "refused")
		}
		if err := p.c.StartTLS(p.ctx, p.tlsConfig()); err != nil {
			return err
		}
		return p.c.Login(p.ctx, "user", "password")
	}},
	"AUTH=": {login: true, without: []string{"AUTH=PLAIN"}, does: func(p *player) error {
		p.dial(&imap.Options{AllowInsecureAuth: true})
		return p.c.Authenticate(p.ctx, imap.Plain("", "user", "password"))
	}},
	"LOGIN-REFERRALS": {login: true, more: []string{"LOGIN-REFERRALS"}, lacks: either, opts: imaptest.Options{Referrals: map[string]string{"ada": "imap://ada@example.org/"}},
		does: func(p *player) error {
			p.dial(&imap.Options{AllowInsecureAuth: true})
			err := p.c.Login(p.ctx, "ada", "x")
			to, ok := imap.CodeDataOf[imap.ReferralData](err)
			return expect(nil, ok && to.URLs[0].Host == "example.org", "a referral")
		}},
	"MAILBOX-REFERRALS": {more: []string{"MAILBOX-REFERRALS"}, does: func(p *player) error {
		list, err := p.c.RemoteList(p.ctx, "", "*")
		return expect(err, len(list) > 2, "mailboxes")
	}},
	"LANGUAGE": {more: []string{"LANGUAGE"}, does: func(p *player) error {
		list, err := p.c.Languages(p.ctx)
		return expect(err, slices.Contains(list, "de"), "German")
	}},
	"JMAPACCESS": {more: []string{"JMAPACCESS"}, does: func(p *player) error {
		url, err := p.c.JMAPAccess(p.ctx)
		return expect(err, strings.HasPrefix(url, "https://"), "a URL")
	}},
	"XAPPLEPUSHSERVICE": {more: []string{"XAPPLEPUSHSERVICE"}, does: func(p *player) error {
		pairs, err := p.c.ApplePush(p.ctx, &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
		return expect(err, pairs["aps-topic"] != "", "a topic")
	}},
	"SASL-IR": {login: true, lacks: otherwise, does: func(p *player) error {
		p.dial(&imap.Options{AllowInsecureAuth: true})
		return p.c.Authenticate(p.ctx, imap.Plain("", "user", "password"))
	}},
	"UNAUTHENTICATE": {does: func(p *player) error {
		err := p.c.Unauthenticate(p.ctx)
		return expect(err, p.c.State() == imap.NotAuthenticated, "logged out")
	}},
	"X-UNAUTHENTICATE": {more: []string{"X-UNAUTHENTICATE"}, opts: imaptest.Options{NoCaps: []string{"UNAUTHENTICATE"}}, does: func(p *player) error {
		err := p.c.Unauthenticate(p.ctx)
		return expect(err, p.c.State() == imap.NotAuthenticated, "logged out")
	}},
	"COMPRESS=DEFLATE": {does: func(p *player) error {
		if err := p.c.Compress(p.ctx); err != nil {
			return err
		}
		return p.c.Noop(p.ctx)
	}},
	"LITERAL+": {lacks: otherwise, does: playAppend},
	"LITERAL-": {more: []string{"LITERAL-"}, lacks: otherwise, does: playAppend},
	"ID": {does: func(p *player) error {
		id, err := p.c.ID(p.ctx, nil)
		return expect(err, id["name"] == "imaptest", "the name")
	}},
	"IDLE": {lacks: otherwise, does: func(p *player) error {
		p.open()
		p.box.Append([]byte(mail), nil, time.Time{})
		return first(p.c.Idle(p.ctx, &imap.IdleOptions{Poll: time.Millisecond}))
	}},
	"NAMESPACE": {does: func(p *player) error {
		ns, err := p.c.Namespace(p.ctx)
		return expect(err, ns != nil && len(ns.Personal) == 1, "a namespace")
	}},
	"UNSELECT": {lacks: otherwise, does: func(p *player) error {
		p.open()
		err := p.c.Unselect(p.ctx)
		return expect(err, p.c.State() == imap.Authenticated, "closed")
	}},
	"CREATE-SPECIAL-USE": {does: func(p *player) error {
		if err := p.c.Create(p.ctx, "Bin", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrTrash}}); err != nil {
			return err
		}
		uses, err := p.c.SpecialUse(p.ctx)
		return expect(err, uses[imap.AttrTrash] == "Bin", "the use")
	}},
	"STATUS=SIZE": {does: func(p *player) error {
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusSize)
		return expect(err, st != nil && *st.Size == 3*uint64(len(mail)), "the size")
	}},
	"MULTIAPPEND": {does: func(p *player) error {
		list, err := p.c.MultiAppend(p.ctx, "INBOX", []imap.AppendMessage{{Message: imap.LiteralString(mail)}, {Message: imap.LiteralString(mail)}})
		return expect(err, len(list) == 2 && list[1].UID == 5, "two")
	}},
	"CATENATE":       {more: []string{"CATENATE"}, does: func(p *player) error { return playCatenate(p, 0, 0) }},
	"URL-PARTIAL":    {more: []string{"CATENATE", "URL-PARTIAL"}, lacks: either, does: func(p *player) error { return playCatenate(p, 3, 5) }},
	"URLAUTH":        {more: []string{"URLAUTH"}, does: func(p *player) error { return playURL(p, imap.URLRequest{}) }},
	"URLAUTH=BINARY": {more: []string{"URLAUTH", "URLAUTH=BINARY"}, does: func(p *player) error { return playURL(p, imap.URLRequest{Binary: true}) }},
	"REPLACE": {more: []string{"REPLACE"}, does: func(p *player) error {
		p.open()
		res, err := p.c.Replace(p.ctx, 2, "INBOX", imap.LiteralString("Subject: new\r\n\r\nx"), nil)
		list := p.box.Messages()
		return expect(err, res != nil && res.UID == 4 && len(list) == 3 && list[2].UID == 4 && list[1].UID == 3, "replaced")
	}},
	"APPENDLIMIT": {does: func(p *player) error {
		n, ok, err := p.c.AppendLimit(p.ctx, "INBOX")
		return expect(err, ok && n > 1<<20, "a limit")
	}},
	"QUOTA=RES-": {without: []string{"QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"}, lacks: either, does: func(p *player) error {
		return expect(nil, slices.Contains(p.c.Caps().QuotaResources(), imap.QuotaMessage), "resources")
	}},
	"ACL": {does: func(p *player) error {
		if err := p.c.SetACL(p.ctx, "INBOX", "bob", "lr"); err != nil {
			return err
		}
		list, err := p.c.GetACL(p.ctx, "INBOX")
		return expect(err, len(list) == 2, "two")
	}},
	"RIGHTS=": {without: []string{"RIGHTS=KXTE"}, lacks: otherwise, does: func(p *player) error {
		rights, err := p.c.MyRights(p.ctx, "INBOX")
		return expect(err, strings.Contains(rights, "k"), "k")
	}},
	"QUOTA": {does: func(p *player) error {
		q, err := p.c.GetQuota(p.ctx, "")
		return expect(err, q != nil && len(q.Resources) > 0, "resources")
	}},
	"QUOTASET": {does: func(p *player) error {
		_, err := p.c.SetQuota(p.ctx, "", map[string]uint64{imap.QuotaMessage: 5})
		return err
	}},
	"METADATA": {without: []string{"METADATA", "METADATA-SERVER"}, does: func(p *player) error { return playMetadata(p, "INBOX") }},
	"METADATA-SERVER": {more: []string{"METADATA-SERVER"}, without: []string{"METADATA", "METADATA-SERVER"}, does: func(p *player) error {
		return playMetadata(p, "")
	}},
	"IMAPSIEVE=": {more: []string{"IMAPSIEVE=sieve://localhost"}, without: []string{"IMAPSIEVE=sieve://localhost"}, does: func(p *player) error {
		if err := p.c.SetSieveScript(p.ctx, "INBOX", "filter"); err != nil {
			return err
		}
		name, err := p.c.GetSieveScript(p.ctx, "INBOX")
		return expect(err, name == "filter", "the script")
	}},
	"ANNOTATE-EXPERIMENT-1": {more: []string{"ANNOTATE-EXPERIMENT-1"}, does: playAnnotate},
	"ANNOTATEMORE": {more: []string{"ANNOTATEMORE"}, lacks: either, does: func(p *player) error {
		if err := p.c.SetAnnotation(p.ctx, "INBOX", "/comment", map[string]string{"value.priv": "hi"}); err != nil {
			return err
		}
		res, err := p.c.GetAnnotation(p.ctx, "INBOX", "/comment", "value.priv")
		return expect(err, res != nil && len(res.Untagged) == 1 && strings.Contains(string(res.Untagged[0].Rest), "hi"), "the value")
	}},
	"CHILDREN": {lacks: either, does: func(p *player) error {
		list, err := p.c.List(p.ctx, "", "Archive", nil)
		return expect(err, slices.Contains(list[0].Attrs, imap.AttrHasChildren), "children")
	}},
	"LIST-EXTENDED": {does: func(p *player) error {
		_, err := p.c.List(p.ctx, "", "*", &imap.ListOptions{Subscribed: true, RecursiveMatch: true})
		return err
	}},
	"LIST-STATUS": {lacks: otherwise, does: func(p *player) error {
		list, err := p.c.List(p.ctx, "", "INBOX", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
		return expect(err, len(list) == 1 && *list[0].Status.Messages == 3, "three")
	}},
	"LIST-MYRIGHTS": {lacks: otherwise, does: func(p *player) error {
		list, err := p.c.List(p.ctx, "", "INBOX", &imap.ListOptions{ReturnMyRights: true})
		return expect(err, len(list) == 1 && strings.Contains(list[0].MyRights, "l"), "l")
	}},
	"LIST-METADATA": {lacks: otherwise, does: func(p *player) error {
		if err := p.c.SetMetadata(p.ctx, "INBOX", map[string][]byte{"/private/comment": []byte("x")}); err != nil {
			return err
		}
		list, err := p.c.List(p.ctx, "", "INBOX", &imap.ListOptions{ReturnMetadata: []string{"/private/comment"}})
		return expect(err, len(list) == 1 && string(list[0].Metadata["/private/comment"]) == "x", "x")
	}},
	"SPECIAL-USE": {lacks: otherwise, does: playSpecialUse},
	"XLIST":       {more: []string{"XLIST"}, opts: imaptest.Options{NoCaps: []string{"SPECIAL-USE"}}, lacks: otherwise, does: playSpecialUse},
	"ESEARCH": {lacks: otherwise, does: func(p *player) error {
		res, err := p.search(imap.Where(), &imap.SearchOptions{Min: true, Count: true})
		return expect(err, res != nil && res.Min == 1 && res.Count == 3, "one and three")
	}},
	"SEARCHRES": {does: func(p *player) error {
		if _, err := p.search(imap.Where().Seen(), &imap.SearchOptions{Save: true}); err != nil {
			return err
		}
		list, err := imap.Collect(p.c.Fetch(p.ctx, imap.SavedResult))
		return expect(err, len(list) == 1 && list[0].UID == 2, "the second")
	}},
	"PARTIAL": {does: func(p *player) error {
		res, err := p.search(imap.Where(), &imap.SearchOptions{PartialFrom: -1, PartialTo: -2})
		return expect(err, res != nil && res.UIDs.String() == "2:3", "the last two")
	}},
	"WITHIN": {does: func(p *player) error {
		res, err := p.search(imap.Where().Older(time.Hour), nil)
		return expect(err, res != nil && res.Count == 3, "all")
	}},
	"SEARCH=FUZZY": {does: func(p *player) error {
		res, err := p.search(imap.Where().Fuzzy(imap.Where().Subject("lunch")), &imap.SearchOptions{All: true, Relevancy: true})
		return expect(err, res != nil && len(res.Relevancy) == 3, "scores")
	}},
	"SORT": {does: func(p *player) error { return playSort(p, imap.SortKey{Name: "ARRIVAL", Reverse: true}) }},
	"SORT=DISPLAY": {does: func(p *player) error {
		return playSort(p, imap.SortKey{Name: "DISPLAYFROM"}, imap.SortKey{Name: "ARRIVAL", Reverse: true})
	}},
	"SORT=MODSEQ": {more: []string{"SORT=MODSEQ"}, does: func(p *player) error { return playSort(p, imap.SortKey{Name: "MODSEQ", Reverse: true}) }},
	"SORT=UID":    {more: []string{"SORT=UID"}, does: func(p *player) error { return playSort(p, imap.SortKey{Name: "UID", Reverse: true}) }},
	"ESORT": {lacks: otherwise, does: func(p *player) error {
		p.open()
		res, err := p.c.SortExtended(p.ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where(), &imap.SearchOptions{Min: true, Count: true})
		return expect(err, res != nil && res.Min == 3 && res.Count == 3, "the last first")
	}},
	"CONTEXT=SEARCH": {more: []string{"CONTEXT=SEARCH"}, does: playSearchUpdates},
	"CONTEXT=SORT":   {more: []string{"CONTEXT=SORT"}, does: playSortUpdates},
	"MULTISEARCH": {more: []string{"MULTISEARCH"}, does: func(p *player) error {
		res, err := p.c.SearchMailboxes(p.ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Seen(), nil)
		return expect(err, len(res) == 1 && res[0].Mailbox == "INBOX" && res[0].Count == 1, "one in INBOX")
	}},
	"FILTERS": {more: []string{"FILTERS", "METADATA-SERVER"}, does: func(p *player) error {
		if err := p.c.SetFilter(p.ctx, imap.Filter{Name: "seen"}, imap.Where().Seen()); err != nil {
			return err
		}
		res, err := p.search(imap.Where().Filter("seen"), nil)
		return expect(err, res != nil && res.Count == 1, "one")
	}},
	"I18NLEVEL=1": {more: []string{"I18NLEVEL=1"}, lacks: otherwise, does: func(p *player) error {
		res, err := p.search(imap.Where().Subject("lUNCH"), nil)
		return expect(err, res != nil && res.Count == 3, "case does not matter")
	}},
	"I18NLEVEL=2": {more: []string{"I18NLEVEL=2"}, does: func(p *player) error {
		res, err := p.c.Comparator(p.ctx, "i;unicode-casemap")
		return expect(err, res != nil && res.Active == "i;unicode-casemap", "the comparator")
	}},
	"THREAD=REFS": {more: []string{"THREAD=REFS"}, does: func(p *player) error { return playThread(p, "REFS") }},
	"THREAD=": {without: []string{"THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT"}, does: func(p *player) error {
		return playThread(p, "ORDEREDSUBJECT")
	}},
	"UIDPLUS": {does: func(p *player) error {
		p.open()
		if _, err := p.c.Store(p.ctx, imap.UIDs(1, 2), imap.AddFlags(imap.FlagDeleted), nil); err != nil {
			return err
		}
		_, err := p.c.UIDExpunge(p.ctx, imap.UIDs(1))
		return expect(err, len(p.box.Messages()) == 2, "two left")
	}},
	"MOVE":  {lacks: otherwise, does: playMove},
	"XMOVE": {more: []string{"XMOVE"}, opts: imaptest.Options{NoCaps: []string{"MOVE"}}, lacks: otherwise, does: playMove},
	"XYMHIGHESTMODSEQ": {more: []string{"XYMHIGHESTMODSEQ"}, opts: imaptest.Options{NoCaps: []string{"CONDSTORE"}}, does: func(p *player) error {
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusHighestModSeq)
		return expect(err, st != nil && st.HighestModSeq != nil && *st.HighestModSeq > 0, "a mod-sequence")
	}},
	"CONDSTORE": {does: func(p *player) error {
		m, err := p.fetch(imap.FetchModSeq)
		return expect(err, m != nil && m.ModSeq > 0, "a mod-sequence")
	}},
	"QRESYNC": {does: func(p *player) error {
		if _, err := p.c.Enable(p.ctx, "QRESYNC"); err != nil {
			return err
		}
		p.box.Expunge(2)
		box, err := p.c.Select(p.ctx, "Sent", nil)
		if err != nil {
			return err
		}
		if _, err := p.c.Select(p.ctx, "Sent", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: box.UIDValidity, ModSeq: 1}}); err != nil {
			return err
		}
		p.open()
		changes, err := p.c.FetchChanges(p.ctx, all, 1, imap.FetchFlags)
		return expect(err, changes.Vanished.String() == "2" && len(changes.Messages) == 2, "the second is gone")
	}},
	"MESSAGELIMIT": {opts: imaptest.Options{MessageLimit: 2}, lacks: otherwise, does: func(p *player) error {
		p.open()
		list, err := imap.Collect(p.c.Fetch(p.ctx, all))
		return expect(err, len(list) == 3, "all")
	}},
	"SAVELIMIT": {opts: imaptest.Options{SaveLimit: 2}, lacks: otherwise, does: func(p *player) error {
		var msgs []imap.AppendMessage
		for range 5 {
			msgs = append(msgs, imap.AppendMessage{Message: imap.LiteralString(mail)})
		}
		list, err := p.c.MultiAppend(p.ctx, "INBOX", msgs)
		return expect(err, len(list) == 5 && list[4].UID == 8, "all")
	}},
	"UIDBATCHES": {does: func(p *player) error {
		p.open()
		list, err := p.c.UIDBatches(p.ctx, 2, 0, 0)
		return expect(err, len(list) == 2, "two batches")
	}},
	"UIDONLY": {lacks: either, does: func(p *player) error {
		if _, err := p.c.Enable(p.ctx, "UIDONLY"); err != nil {
			return err
		}
		m, err := p.fetch(imap.FetchFlags)
		return expect(err, p.c.Enabled("UIDONLY") && m.SeqNum == 0 && m.UID == 1, "no number")
	}},
	"BINARY": {does: func(p *player) error {
		m, err := p.fetch(imap.Section{Binary: true, Part: []int{1}})
		return expect(err, m != nil && strings.Contains(string(m.Sections[0].Bytes), "Friday"), "decoded")
	}},
	"PREVIEW":       {does: func(p *player) error { return playPreview(p, imap.FetchPreview) }},
	"PREVIEW=FUZZY": {more: []string{"PREVIEW=FUZZY"}, does: func(p *player) error { return playPreview(p, imap.FetchPreviewFuzzy()) }},
	"SNIPPET=FUZZY": {more: []string{"SNIPPET=FUZZY"}, does: func(p *player) error { return playPreview(p, imap.FetchPreviewFuzzy()) }},
	"CONVERT": {more: []string{"CONVERT"}, does: func(p *player) error {
		p.open()
		list, err := p.c.Convert(p.ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
		return expect(err, len(list) == 1 && strings.HasPrefix(string(list[0].Parts[0].Data), "On Friday"), "plain text")
	}},
	"SAVEDATE": {does: func(p *player) error {
		m, err := p.fetch(imap.FetchSaveDate)
		return expect(err, m != nil && !m.SaveDate.IsZero(), "a date")
	}},
	"OBJECTID": {does: func(p *player) error {
		m, err := p.fetch(imap.FetchEmailID)
		return expect(err, m != nil && m.EmailID != "" && p.c.Mailbox().MailboxID != "", "identifiers")
	}},
	"OBJECTID+":  {more: []string{"OBJECTID+"}, opts: imaptest.Options{NoCaps: []string{"OBJECTID"}}, does: playObjectIDs},
	"X-GM-EXT-1": {more: []string{"X-GM-EXT-1"}, does: playGmail},
}

func playMove(p *player) error {
	p.open()
	res, err := p.c.Move(p.ctx, imap.UIDs(1, 3), "Sent")
	return expect(err, len(p.box.Messages()) == 1 && res.Dest.Len() == 2, "one left")
}
