package memory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everything is what the server of TestEveryMethodInBothRevisions offers by option, in addition to its defaults.
var everything = []string{
	"IMAP4REV2", "MULTISEARCH", "LANGUAGE", "I18NLEVEL=2", "JMAPACCESS", "URLAUTH", "URLAUTH=BINARY", "MAILBOX-REFERRALS", "CONVERT", "FILTERS",
	"METADATA-SERVER", "IMAPSIEVE=sieve://localhost", "XAPPLEPUSHSERVICE", "CONTEXT=SEARCH", "CONTEXT=SORT", "CATENATE", "URL-PARTIAL", "REPLACE",
	"ANNOTATE-EXPERIMENT-1", "ANNOTATEMORE", "NOTIFY", "XLIST", "OBJECTID+", "X-GM-EXT-1", "THREAD=REFS",
}

// method is a call with its result in both revisions, or the error if IMAP4rev2 does not have its command.
type method struct {
	name  string
	call  func(p *player) (any, error)
	login bool // the connection is not logged in
	gone  bool // in IMAP4rev2: errors.ErrUnsupported
}

func none(err error) (any, error) { return nil, err }

func loop[T any](seq func(func(T, error) bool)) (any, error) {
	n := 0
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var arrival = []imap.SortKey{{Name: "ARRIVAL"}}

// methods are all methods of Client that talk to the server, on a mailbox of three messages.
var methods = []method{
	{name: "Noop", call: func(p *player) (any, error) { return none(p.c.Noop(p.ctx)) }},
	{name: "Check", call: func(p *player) (any, error) { return none(p.c.Check(p.ctx)) }},
	{name: "Capability", call: func(p *player) (any, error) { caps, err := p.c.Capability(p.ctx); return caps.Has("IDLE"), err }},
	{name: "ID", call: func(p *player) (any, error) { return p.c.ID(p.ctx, map[string]string{"name": "x"}) }},
	{name: "Login", login: true, call: func(p *player) (any, error) { return none(p.c.Login(p.ctx, "user", "password")) }},
	{name: "LoginPlain", login: true, call: func(p *player) (any, error) { return none(p.c.LoginPlain(p.ctx, "user", "password")) }},
	{name: "Authenticate", login: true, call: func(p *player) (any, error) {
		return none(p.c.Authenticate(p.ctx, imap.Plain("", "user", "password")))
	}},
	{name: "AuthenticatePassword", login: true, call: func(p *player) (any, error) {
		return none(p.c.AuthenticatePassword(p.ctx, "user", "password"))
	}},
	{name: "LoginCRAMMD5", login: true, call: func(p *player) (any, error) {
		return none(p.c.LoginCRAMMD5(p.ctx, "user", "password"))
	}},
	{name: "ProxyAuth", call: func(p *player) (any, error) {
		if err := p.c.Unselect(p.ctx); err != nil {
			return nil, err
		}
		if err := p.c.ProxyAuth(p.ctx, "bob"); err != nil {
			return nil, err
		}
		box, err := p.c.Select(p.ctx, "INBOX", nil)
		return box.Exists, err
	}},
	{name: "AuthenticateToken", login: true, call: func(p *player) (any, error) {
		return none(p.c.AuthenticateToken(p.ctx, "user", func(context.Context) (string, error) { return "password", nil }))
	}},
	{name: "StartTLS", login: true, call: func(p *player) (any, error) { return none(p.c.StartTLS(p.ctx, p.tlsConfig())) }},
	{name: "Enable", call: func(p *player) (any, error) {
		if err := p.c.Unselect(p.ctx); err != nil {
			return nil, err
		}
		return p.c.Enable(p.ctx, "CONDSTORE")
	}},
	{name: "Compress", call: func(p *player) (any, error) { return none(p.c.Compress(p.ctx)) }},
	{name: "Unauthenticate", call: func(p *player) (any, error) { return p.c.State(), p.c.Unauthenticate(p.ctx) }},
	{name: "Logout", call: func(p *player) (any, error) { return none(p.c.Logout(p.ctx)) }},
	{name: "Idle", call: func(p *player) (any, error) { return loop(p.c.Idle(p.ctx, &imap.IdleOptions{For: time.Millisecond})) }},
	{name: "IdleBursts", call: func(p *player) (any, error) {
		return loop(p.c.IdleBursts(p.ctx, time.Millisecond, &imap.IdleOptions{For: time.Millisecond}))
	}},
	{name: "Do", call: func(p *player) (any, error) {
		res, err := p.c.Do(p.ctx, "STATUS", "Sent", []any{imap.Atom("MESSAGES")})
		return len(res.Untagged), err
	}},

	{name: "Select", call: func(p *player) (any, error) {
		box, err := p.c.Select(p.ctx, "INBOX", nil)
		return []any{box.Name, box.Exists, box.UIDNext, box.ReadOnly, box.PermanentFlags}, err
	}},
	{name: "Examine", call: func(p *player) (any, error) {
		box, err := p.c.Examine(p.ctx, "INBOX", nil)
		return []any{box.Name, box.Exists, box.ReadOnly}, err
	}},
	{name: "CloseMailbox", call: func(p *player) (any, error) { return none(p.c.CloseMailbox(p.ctx)) }},
	{name: "Unselect", call: func(p *player) (any, error) { return none(p.c.Unselect(p.ctx)) }},
	{name: "Create", call: func(p *player) (any, error) { return none(p.c.Create(p.ctx, "Entwürfe & mehr", nil)) }},
	{name: "CreateMailbox", call: func(p *player) (any, error) {
		res, err := p.c.CreateMailbox(p.ctx, "Entwürfe", nil)
		return res.MailboxID != "", err
	}},
	{name: "Delete", call: func(p *player) (any, error) { return none(p.c.Delete(p.ctx, "Archive/2020")) }},
	{name: "Rename", call: func(p *player) (any, error) { return none(p.c.Rename(p.ctx, "Sent", "Ausgang ü")) }},
	{name: "Subscribe", call: func(p *player) (any, error) { return none(p.c.Subscribe(p.ctx, "Sent")) }},
	{name: "Unsubscribe", call: func(p *player) (any, error) { return none(p.c.Unsubscribe(p.ctx, "Sent")) }},
	{name: "List", call: func(p *player) (any, error) {
		if err := p.c.Create(p.ctx, "Entwürfe", nil); err != nil {
			return nil, err
		}
		list, err := p.c.List(p.ctx, "", "*", &imap.ListOptions{Patterns: []string{"Se%"}, ReturnStatus: []imap.StatusItem{imap.StatusMessages}, ReturnSubscribed: true})
		var names []string
		for _, e := range list {
			names = append(names, fmt.Sprint(e.Name, " ", *e.Status.Messages))
		}
		return names, err
	}},
	{name: "Lsub", call: func(p *player) (any, error) {
		if err := p.c.Subscribe(p.ctx, "Sent"); err != nil {
			return nil, err
		}
		list, err := p.c.Lsub(p.ctx, "", "*")
		return []any{len(list), list[0].Name}, err
	}},
	{name: "Status", call: func(p *player) (any, error) {
		st, err := p.c.Status(p.ctx, "INBOX", imap.StatusMessages, imap.StatusUIDNext, imap.StatusUnseen, imap.StatusDeleted, imap.StatusSize)
		return []any{*st.Messages, *st.UIDNext, *st.Unseen, *st.Deleted, *st.Size}, err
	}},
	{name: "Status of RECENT", gone: true, call: func(p *player) (any, error) {
		st, err := p.c.Status(p.ctx, "Sent", imap.StatusRecent)
		if err != nil {
			return nil, err
		}
		return *st.Recent, nil
	}},
	{name: "Namespace", call: func(p *player) (any, error) { return p.c.Namespace(p.ctx) }},
	{name: "SpecialUse", call: func(p *player) (any, error) { return p.c.SpecialUse(p.ctx) }},
	{name: "SetSpecialUse", call: func(p *player) (any, error) { return none(p.c.SetSpecialUse(p.ctx, "Sent", imap.AttrSent)) }},
	{name: "GetSpecialUse", call: func(p *player) (any, error) { return p.c.GetSpecialUse(p.ctx, "Sent") }},
	{name: "RemoteList", call: func(p *player) (any, error) { list, err := p.c.RemoteList(p.ctx, "", "*"); return len(list), err }},
	{name: "RemoteLsub", call: func(p *player) (any, error) { list, err := p.c.RemoteLsub(p.ctx, "", "*"); return len(list), err }},

	{name: "Append", call: func(p *player) (any, error) {
		res, err := p.c.Append(p.ctx, "INBOX", imap.LiteralString("Subject: ü\r\n\r\nx"), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
		return res.UID, err
	}},
	{name: "MultiAppend", call: func(p *player) (any, error) {
		res, err := p.c.MultiAppend(p.ctx, "Sent", []imap.AppendMessage{{Message: imap.LiteralString(mail)}, {Message: imap.LiteralString(mail)}})
		return res[1].UID, err
	}},
	{name: "AppendLimit", call: func(p *player) (any, error) { _, ok, err := p.c.AppendLimit(p.ctx, "INBOX"); return ok, err }},
	{name: "Catenate", call: func(p *player) (any, error) {
		res, err := p.c.Catenate(p.ctx, "Sent", []imap.CatenatePart{imap.CatenateText(imap.LiteralString("x: y\r\n\r\n")), imap.CatenateURL("/INBOX/;UID=1")}, nil)
		return res.UID, err
	}},
	{name: "Replace", call: func(p *player) (any, error) {
		res, err := p.c.Replace(p.ctx, 2, "INBOX", imap.LiteralString(mail), nil)
		return res.UID, err
	}},
	{name: "ReplaceSeq", call: func(p *player) (any, error) {
		res, err := p.c.ReplaceSeq(p.ctx, 2, "INBOX", imap.LiteralString(mail), nil)
		if err != nil {
			return nil, err
		}
		return res.UID, nil
	}},

	{name: "Fetch", call: func(p *player) (any, error) {
		rows := []string{}
		for m, err := range p.c.Fetch(p.ctx, all, imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchSize, imap.FetchInternalDate, imap.Section{}) {
			if err != nil {
				return rows, err
			}
			rows = append(rows, fmt.Sprint(m.UID, m.SeqNum, m.Size, m.Envelope.Subject, m.BodyStructure.Subtype, m.InternalDate.UTC(), len(m.Sections[0].Bytes)))
		}
		return rows, nil
	}},
	{name: "FetchOne", call: func(p *player) (any, error) {
		m, err := p.c.FetchOne(p.ctx, 2, imap.FetchFlags)
		return m.UID, err
	}},
	{name: "FetchStream", call: func(p *player) (any, error) { return loop(p.c.FetchStream(p.ctx, all, imap.Section{})) }},
	{name: "FetchText", call: func(p *player) (any, error) { return loop(p.c.FetchText(p.ctx, all, nil)) }},
	{name: "Previews", call: func(p *player) (any, error) { return loop(p.c.Previews(p.ctx, all)) }},
	{name: "FetchChanges", call: func(p *player) (any, error) {
		if err := p.c.Unselect(p.ctx); err != nil {
			return nil, err
		}
		if _, err := p.c.Enable(p.ctx, "QRESYNC"); err != nil {
			return nil, err
		}
		p.open()
		p.box.Expunge(2)
		res, err := p.c.FetchChanges(p.ctx, all, 2, imap.FetchFlags)
		return []any{len(res.Messages), res.Vanished}, err
	}},
	{name: "Partial", call: func(p *player) (any, error) {
		_, err := p.c.Partial(p.ctx, 1, "RFC822", 1, 5)
		return imap.SafeToRetry(err), nil // the server has no PARTIAL
	}},
	{name: "Convert", call: func(p *player) (any, error) {
		return p.c.Convert(p.ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
	}},
	{name: "Conversions", call: func(p *player) (any, error) { return p.c.Conversions(p.ctx, "text/html", "*") }},
	{name: "Store", call: func(p *player) (any, error) {
		res, err := p.c.Store(p.ctx, all, imap.AddFlags(imap.FlagFlagged), nil)
		return len(res.Messages), err
	}},
	{name: "Copy", call: func(p *player) (any, error) { res, err := p.c.Copy(p.ctx, all, "Sent"); return res.Dest, err }},
	{name: "Move", call: func(p *player) (any, error) {
		res, err := p.c.Move(p.ctx, imap.SeqRange(1, 2), "Sent")
		return res.Dest, err
	}},
	{name: "Expunge", call: func(p *player) (any, error) {
		if _, err := p.c.Store(p.ctx, imap.UIDs(1, 3), imap.AddFlags(imap.FlagDeleted), nil); err != nil {
			return nil, err
		}
		res, err := p.c.Expunge(p.ctx)
		return res.SeqNums, err
	}},
	{name: "UIDExpunge", call: func(p *player) (any, error) {
		if _, err := p.c.Store(p.ctx, imap.UIDs(1, 3), imap.AddFlags(imap.FlagDeleted), nil); err != nil {
			return nil, err
		}
		res, err := p.c.UIDExpunge(p.ctx, imap.UIDs(3))
		return res.SeqNums, err
	}},

	{name: "Search", call: func(p *player) (any, error) {
		return p.c.Search(p.ctx, imap.Where().Subject("lunch").Not(imap.Where().Text("ü")), nil)
	}},
	{name: "Search, ends", call: func(p *player) (any, error) {
		res, err := p.c.Search(p.ctx, imap.Where().Unseen(), &imap.SearchOptions{Min: true, Max: true, Count: true, All: true})
		return []any{res.Min, res.Max, res.Count}, err
	}},
	{name: "Search of what is recent", gone: true, call: func(p *player) (any, error) {
		res, err := p.c.Search(p.ctx, imap.Where().Keyword(imap.FlagRecent), nil)
		if err != nil {
			return nil, err
		}
		return res.Count, nil
	}},
	{name: "SearchSeq", call: func(p *player) (any, error) { return p.c.SearchSeq(p.ctx, imap.Where().Seen(), nil) }},
	{name: "SearchMailboxes", call: func(p *player) (any, error) {
		res, err := p.c.SearchMailboxes(p.ctx, []imap.MailboxScope{{Scope: imap.NotifyInboxes}}, imap.Where().Subject("ü"), nil)
		return len(res), err
	}},
	{name: "SearchUpdates", call: func(p *player) (any, error) { return none(first(p.c.SearchUpdates(p.ctx, imap.Where(), nil))) }},
	{name: "SortUpdates", call: func(p *player) (any, error) { return none(first(p.c.SortUpdates(p.ctx, arrival, imap.Where(), nil))) }},
	{name: "Sort", call: func(p *player) (any, error) {
		return p.c.Sort(p.ctx, arrival, imap.Where().Not(imap.Where().Subject("ü")))
	}},
	{name: "SortSeq", call: func(p *player) (any, error) { return p.c.SortSeq(p.ctx, arrival, imap.Where()) }},
	{name: "SortExtended", call: func(p *player) (any, error) {
		return p.c.SortExtended(p.ctx, arrival, imap.Where(), &imap.SearchOptions{Min: true})
	}},
	{name: "SortSeqExtended", call: func(p *player) (any, error) {
		return p.c.SortSeqExtended(p.ctx, arrival, imap.Where(), &imap.SearchOptions{Max: true})
	}},
	{name: "Thread", call: func(p *player) (any, error) {
		list, err := p.c.Thread(p.ctx, "REFS", imap.Where())
		return len(list), err
	}},
	{name: "ThreadSeq", call: func(p *player) (any, error) {
		list, err := p.c.ThreadSeq(p.ctx, "ORDEREDSUBJECT", imap.Where())
		return len(list), err
	}},
	{name: "UIDBatches", call: func(p *player) (any, error) { return p.c.UIDBatches(p.ctx, 2, 0, 0) }},
	{name: "Batches", call: func(p *player) (any, error) { return loop(p.c.Batches(p.ctx, all, 2)) }},
	{name: "Sync", call: func(p *player) (any, error) {
		res, err := p.c.Sync(p.ctx, "INBOX", imap.SyncState{}, nil)
		return res.State.UIDs, err
	}},
	{name: "Recent", call: func(p *player) (any, error) { _, err := p.c.Recent(p.ctx); return nil, err }},

	{name: "GetACL", call: func(p *player) (any, error) { return p.c.GetACL(p.ctx, "INBOX") }},
	{name: "SetACL", call: func(p *player) (any, error) { return none(p.c.SetACL(p.ctx, "INBOX", "bob", "lr")) }},
	{name: "DeleteACL", call: func(p *player) (any, error) { return none(p.c.DeleteACL(p.ctx, "INBOX", "bob")) }},
	{name: "ListRights", call: func(p *player) (any, error) { _, list, err := p.c.ListRights(p.ctx, "INBOX", "bob"); return list, err }},
	{name: "MyRights", call: func(p *player) (any, error) { return p.c.MyRights(p.ctx, "INBOX") }},
	{name: "GetQuota", call: func(p *player) (any, error) { return p.c.GetQuota(p.ctx, "") }},
	{name: "GetQuotaRoot", call: func(p *player) (any, error) { return p.c.GetQuotaRoot(p.ctx, "INBOX") }},
	{name: "SetQuota", call: func(p *player) (any, error) { return p.c.SetQuota(p.ctx, "", map[string]uint64{"MESSAGE": 9}) }},
	{name: "GetMetadata", call: func(p *player) (any, error) { return p.c.GetMetadata(p.ctx, "INBOX", "/private/comment") }},
	{name: "GetMetadataWith", call: func(p *player) (any, error) {
		return p.c.GetMetadataWith(p.ctx, "", &imap.MetadataOptions{Depth: 1}, "/private/comment")
	}},
	{name: "SetMetadata", call: func(p *player) (any, error) {
		return none(p.c.SetMetadata(p.ctx, "Sent", map[string][]byte{"/private/comment": []byte("ü")}))
	}},
	{name: "GetAnnotation", call: func(p *player) (any, error) {
		_, err := p.c.GetAnnotation(p.ctx, "INBOX", "/comment", "value.priv")
		return nil, err
	}},
	{name: "SetAnnotation", call: func(p *player) (any, error) {
		return none(p.c.SetAnnotation(p.ctx, "INBOX", "/comment", map[string]string{"value.priv": "x"}))
	}},
	{name: "GetSieveScript", call: func(p *player) (any, error) { return p.c.GetSieveScript(p.ctx, "INBOX") }},
	{name: "SetSieveScript", call: func(p *player) (any, error) { return none(p.c.SetSieveScript(p.ctx, "INBOX", "x")) }},
	{name: "Filters", call: func(p *player) (any, error) { return p.c.Filters(p.ctx) }},
	{name: "SetFilter", call: func(p *player) (any, error) {
		return none(p.c.SetFilter(p.ctx, imap.Filter{Name: "f"}, imap.Where().Seen()))
	}},
	{name: "RemoveFilter", call: func(p *player) (any, error) { return none(p.c.RemoveFilter(p.ctx, "f", false)) }},
	{name: "Notify", call: func(p *player) (any, error) {
		return none(p.c.Notify(p.ctx, []imap.NotifyRule{{Scope: imap.NotifyMailboxes, Mailboxes: []string{"Entwürfe"}, Events: []imap.NotifyEvent{imap.NotifyMailboxName}}}, nil))
	}},
	{name: "Languages", call: func(p *player) (any, error) { return p.c.Languages(p.ctx) }},
	{name: "SetLanguage", call: func(p *player) (any, error) { return p.c.SetLanguage(p.ctx, "de") }},
	{name: "Comparator", call: func(p *player) (any, error) { return p.c.Comparator(p.ctx) }},
	{name: "JMAPAccess", call: func(p *player) (any, error) { return p.c.JMAPAccess(p.ctx) }},
	{name: "ApplePush", call: func(p *player) (any, error) {
		return p.c.ApplePush(p.ctx, &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
	}},
	{name: "AuthorizeURLs", call: func(p *player) (any, error) {
		list, err := p.c.AuthorizeURLs(p.ctx, "INTERNAL", &imap.URL{User: "user", Host: "localhost", Mailbox: "INBOX", UID: 1, Access: "anonymous"})
		return len(list), err
	}},
	{name: "FetchURLs", call: func(p *player) (any, error) {
		return p.c.FetchURLs(p.ctx, imap.URLRequest{URL: "imap://x/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:00"})
	}},
	{name: "ResetURLKeys", call: func(p *player) (any, error) { return none(p.c.ResetURLKeys(p.ctx, "INBOX")) }},
}

// run calls a method with an extension that changes the protocol, "" for none.
func (m *method) run(t *testing.T, enable string) (any, *player, error) {
	opts := imaptest.Options{More: everything, GreetingCaps: true, OAuth: true, CRAMMD5: true, Admins: []string{"user"},
		Users: map[string]string{"user": "password", "bob": "secret"}}
	if !m.login {
		opts.PreAuth = "user"
	}
	srv := imaptest.New(t, &opts)
	p := &player{t: t, ctx: testkit.Context(t), srv: srv, box: srv.User("user").Mailbox("INBOX")}
	for i := range 3 {
		p.box.Append([]byte(mail), []string{`\Seen`}[:i%2], time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	srv.User("user").Mailbox("Archive/2020")
	srv.User("user").SetSpecialUse("Sent", `\Sent`)
	copts := &imap.Options{AllowInsecureAuth: true}
	if enable != "" {
		copts.Enable = []string{enable}
	}
	p.dial(copts)
	if !m.login {
		p.open()
	}
	got, err := m.call(p)
	if m.login && err == nil && m.name != "StartTLS" {
		assert.Equal(t, enable != "", enable != "" && p.c.Enabled(enable))
	}
	return got, p, err
}

// TestEveryMethodInBothRevisions calls each method on the in-memory server in IMAP4rev1 and in IMAP4rev2: the results are
// equal, no response is unknown, and what IMAP4rev2 does not have is refused before it is sent.
func TestEveryMethodInBothRevisions(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			want, p, err := m.run(t, "")
			require.NoError(t, err)
			requireUnderstood(t, p)
			got, p, err := m.run(t, "IMAP4rev2")
			if m.gone {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				require.True(t, imap.SafeToRetry(err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, got)
			requireUnderstood(t, p)
			for _, ev := range p.c.Events() {
				if flags, ok := ev.(*imap.FetchEvent); ok && flags.Message != nil {
					assert.NotContains(t, flags.Message.Flags, imap.FlagRecent)
				}
			}
		})
	}
}

// byNumber are the methods that name messages by number, at least in these calls, or return only numbers.
var byNumber = map[string]bool{"Move": true, "Partial": true, "ReplaceSeq": true, "SearchSeq": true, "SortSeq": true, "SortSeqExtended": true, "ThreadSeq": true}

// TestEveryMethodUnderUIDOnly calls each method on the in-memory server after ENABLE UIDONLY: calls by number are refused
// before they are sent, and the others return the same as without, except for the numbers.
func TestEveryMethodUnderUIDOnly(t *testing.T) {
	numbers := map[string]bool{"Fetch": true, "Expunge": true, "UIDExpunge": true} // in their results
	for _, m := range methods {
		if m.login {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			want, _, err := m.run(t, "")
			require.NoError(t, err)
			got, p, err := m.run(t, "UIDONLY")
			require.True(t, p.c.State() == imap.LoggedOut || p.c.State() == imap.NotAuthenticated || p.c.Enabled("UIDONLY"))
			requireUnderstood(t, p)
			if m.name == "Partial" {
				assert.Equal(t, true, got, "refused before it is sent")
				return
			}
			if byNumber[m.name] {
				require.ErrorIs(t, err, imap.ErrUIDOnly)
				assert.True(t, imap.SafeToRetry(err))
				return
			}
			require.NoError(t, err)
			if !numbers[m.name] {
				assert.Equal(t, want, got)
			}
		})
	}
}

func requireUnderstood(t *testing.T, p *player) {
	for _, ev := range p.c.Events() {
		if odd, ok := ev.(*imap.UnknownEvent); ok {
			t.Errorf("not understood: %+v", odd)
		}
	}
}

// TestEveryMethodHasARow: a new method that sends something needs a row.
func TestEveryMethodHasARow(t *testing.T) {
	have := map[string]bool{}
	for _, m := range methods {
		name, _, _ := strings.Cut(m.name, " ")
		have[strings.TrimSuffix(name, ",")] = true
	}
	ctx := reflect.TypeFor[context.Context]()
	for m := range reflect.TypeFor[*imap.Client]().Methods() {
		if m.Type.NumIn() < 2 || m.Type.In(1) != ctx {
			continue // sends nothing
		}
		assert.True(t, have[m.Name], "no row for %s", m.Name)
	}
}
