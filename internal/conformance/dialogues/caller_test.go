package dialogues

import (
	"context"
	"strings"

	"github.com/go-imaplib/imap"
)

// caller makes the calls of a dialogue, with the typed method of each command. The commands differ from those of the RFC,
// but the answers are read by the code that reads them in programs.
type caller struct {
	ctx context.Context
	c   *imap.Client
}

// inMailbox are the commands that need a mailbox.
var inMailbox = map[string]bool{"FETCH": true, "STORE": true, "SEARCH": true, "SORT": true, "THREAD": true, "COPY": true, "MOVE": true, "EXPUNGE": true,
	"CLOSE": true, "UNSELECT": true, "CHECK": true, "CONVERT": true, "REPLACE": true, "CANCELUPDATE": true}

// prepare selects a mailbox if a command needs one.
func (p *caller) prepare(s *step) error {
	if s.verb == "LOGIN" && p.c.State() != imap.NotAuthenticated {
		return nil
	}
	if inMailbox[s.verb] && p.c.State() != imap.Selected {
		_, err := p.c.Select(p.ctx, "INBOX", nil)
		return err
	}
	return nil
}

// words are the arguments, without quotation marks.
func (s *step) words() []string {
	var list []string
	for _, w := range strings.Fields(s.args) {
		list = append(list, strings.Trim(w, `"`))
	}
	return append(list, "x", "x", "x")
}

func (p *caller) call(s *step) error {
	for _, f := range []func(*step) (bool, error){p.session, p.mailboxes, p.messages, p.extensions} {
		if done, err := f(s); done {
			return err
		}
	}
	_, err := p.c.Do(p.ctx, s.verb)
	return err
}

func (p *caller) session(s *step) (bool, error) {
	c, ctx, err := p.c, p.ctx, error(nil)
	switch s.verb {
	case "NOOP":
		err = c.Noop(ctx)
	case "CAPABILITY":
		_, err = c.Capability(ctx)
	case "LOGIN":
		if c.State() != imap.NotAuthenticated {
			return true, nil
		}
		err = c.Login(ctx, "user", "password")
	case "LOGOUT":
		err = c.Logout(ctx)
	case "ENABLE":
		_, err = c.Enable(ctx, strings.Fields(s.args)...)
	case "ID":
		_, err = c.ID(ctx, nil)
	case "LANGUAGE":
		if s.args == "" {
			_, err = c.Languages(ctx)
		} else {
			_, err = c.SetLanguage(ctx, "xx")
		}
	case "COMPARATOR":
		_, err = c.Comparator(ctx)
	default:
		return false, nil
	}
	return true, err
}

func (p *caller) mailboxes(s *step) (bool, error) {
	c, ctx, err, w := p.c, p.ctx, error(nil), s.words()
	switch s.verb {
	case "SELECT":
		_, err = c.Select(ctx, w[0], nil)
	case "EXAMINE":
		_, err = c.Examine(ctx, w[0], nil)
	case "CREATE":
		_, err = c.CreateMailbox(ctx, w[0], nil)
	case "DELETE":
		err = c.Delete(ctx, w[0])
	case "RENAME":
		err = c.Rename(ctx, w[0], w[1])
	case "SUBSCRIBE":
		err = c.Subscribe(ctx, w[0])
	case "UNSUBSCRIBE":
		err = c.Unsubscribe(ctx, w[0])
	case "LIST":
		rights := strings.Contains(strings.Join(s.said, " "), "MYRIGHTS")
		_, err = c.List(ctx, "", "*", &imap.ListOptions{ReturnMyRights: rights})
	case "LSUB":
		_, err = c.Lsub(ctx, "", "*")
	case "RLIST":
		_, err = c.RemoteList(ctx, "", "*")
	case "RLSUB":
		_, err = c.RemoteLsub(ctx, "", "*")
	case "NAMESPACE":
		_, err = c.Namespace(ctx)
	case "STATUS":
		_, err = c.Status(ctx, w[0], imap.StatusMessages, imap.StatusUIDNext)
	case "CLOSE":
		err = c.CloseMailbox(ctx)
	case "UNSELECT":
		err = c.Unselect(ctx)
	case "APPEND":
		_, err = c.Append(ctx, w[0], imap.LiteralString("Subject: x\r\n\r\ny\r\n"), nil)
	default:
		return false, nil
	}
	return true, err
}

// set names all messages, as the command does.
func (s *step) set() imap.NumSet {
	if s.uid {
		return imap.UIDRange(1, 0)
	}
	return imap.SeqRange(1, 100000)
}

func (p *caller) messages(s *step) (bool, error) {
	c, ctx, err, w := p.c, p.ctx, error(nil), s.words()
	switch s.verb {
	case "FETCH":
		_, err = imap.Collect(c.Fetch(ctx, s.set(), imap.FetchFlags))
	case "STORE":
		_, err = c.Store(ctx, s.set(), imap.AddFlags(imap.FlagSeen), nil)
	case "COPY":
		_, err = c.Copy(ctx, s.set(), w[1])
	case "MOVE":
		_, err = c.Move(ctx, s.set(), w[1])
	case "EXPUNGE":
		if s.uid {
			_, err = c.UIDExpunge(ctx, imap.UIDRange(1, 1000))
		} else {
			_, err = c.Expunge(ctx)
		}
	case "SEARCH":
		search := c.SearchSeq
		if s.uid {
			search = c.Search
		}
		_, err = search(ctx, imap.Where().Seen(), nil)
	case "SORT":
		if s.uid {
			_, err = c.SortExtended(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where(), nil)
		} else {
			_, err = c.SortSeqExtended(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where(), nil)
		}
	case "THREAD":
		_, err = c.ThreadSeq(ctx, "REFERENCES", imap.Where())
	case "REPLACE":
		if s.uid {
			_, err = c.Replace(ctx, 1, "INBOX", imap.LiteralString("x"), nil)
		} else {
			_, err = c.ReplaceSeq(ctx, 1, "INBOX", imap.LiteralString("x"), nil)
		}
	default:
		return false, nil
	}
	return true, err
}

func (p *caller) extensions(s *step) (bool, error) {
	c, ctx, err, w := p.c, p.ctx, error(nil), s.words()
	switch s.verb {
	case "GETACL":
		_, err = c.GetACL(ctx, w[0])
	case "SETACL":
		err = c.SetACL(ctx, w[0], w[1], w[2])
	case "DELETEACL":
		err = c.DeleteACL(ctx, w[0], w[1])
	case "LISTRIGHTS":
		_, _, err = c.ListRights(ctx, w[0], w[1])
	case "MYRIGHTS":
		_, err = c.MyRights(ctx, w[0])
	case "GETQUOTA":
		_, err = c.GetQuota(ctx, w[0])
	case "GETQUOTAROOT":
		_, err = c.GetQuotaRoot(ctx, w[0])
	case "SETQUOTA":
		_, err = c.SetQuota(ctx, w[0], map[string]uint64{"STORAGE": 1})
	case "GETMETADATA":
		_, err = c.GetMetadata(ctx, "INBOX", "/shared/comment")
	case "SETMETADATA":
		err = c.SetMetadata(ctx, "INBOX", map[string][]byte{"/shared/comment": []byte("x")})
	case "ESEARCH":
		_, err = c.SearchMailboxes(ctx, nil, imap.Where(), nil)
	case "NOTIFY":
		err = c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal}}, nil)
	case "RESETKEY":
		err = c.ResetURLKeys(ctx, "")
	case "CONVERSIONS":
		_, err = c.Conversions(ctx, "*", "*")
	case "CONVERT":
		_, err = c.Convert(ctx, s.set(), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1))
	default:
		return false, nil
	}
	return true, err
}
