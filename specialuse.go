package imap

import (
	"context"
	"slices"
	"strings"
)

// SpecialUse finds the mailboxes for \Sent, \Trash, …, each use for itself: by attribute (RFC 6154, or XLIST), and where
// no mailbox has that, by a well-known name of a mailbox that has no other use (logged in). A use that no mailbox has is
// not in the map.
func (c *Client) SpecialUse(ctx context.Context) (map[MailboxAttr]string, error) {
	caps, err := c.knownCaps(ctx)
	if err != nil {
		return nil, err
	}
	l := &list{name: "LIST"}
	l.choose(caps, ListOptions{SpecialUse: true})
	selected := len(l.selection) > 0
	if err := l.runAny(ctx, c, [][]string{{"*"}}, ListOptions{SpecialUse: true}); err != nil {
		return nil, err
	}
	uses := make(map[MailboxAttr]string)
	usesByAttr(uses, l.entries)
	if selected && !slices.ContainsFunc(namedUses, func(use MailboxAttr) bool { return uses[use] == "" }) {
		return uses, nil
	}
	if selected || len(uses) == 0 { // what has no use was not listed, or the server lists something else than it should
		if l.entries, err = c.List(ctx, "", "*", nil); err != nil {
			return nil, err
		}
	}
	usesByName(uses, l.entries)
	return uses, nil
}

// usesByAttr enters the mailboxes that have the attribute of a use.
func usesByAttr(uses map[MailboxAttr]string, entries []ListEntry) {
	for _, e := range entries {
		for _, use := range specialUses {
			if _, taken := uses[use]; !taken && e.Has(use) {
				uses[use] = e.Name
			}
		}
	}
}

// usesByName enters the mailboxes whose name tells what they are for, where no other has that use.
func usesByName(uses map[MailboxAttr]string, entries []ListEntry) {
	used := make(map[string]bool)
	for _, name := range uses {
		used[name] = true
	}
	for _, e := range entries {
		use, ok := wellKnownName(e)
		if _, taken := uses[use]; ok && !taken && !used[e.Name] && !e.Has(AttrNoSelect) {
			uses[use] = e.Name
		}
	}
}

// namedUses are the uses that a name can tell.
var namedUses = []MailboxAttr{AttrSent, AttrDrafts, AttrTrash, AttrJunk, AttrArchive}

// wellKnownNames are names that mail programs give.
var wellKnownNames = map[string]MailboxAttr{
	"sent": AttrSent, "sent items": AttrSent, "sent messages": AttrSent, "sent mail": AttrSent, "sent-mail": AttrSent,
	"gesendet": AttrSent, "gesendete elemente": AttrSent, "gesendete objekte": AttrSent, "envoyés": AttrSent,
	"éléments envoyés": AttrSent, "messages envoyés": AttrSent, "enviados": AttrSent, "elementos enviados": AttrSent,
	"posta inviata": AttrSent, "inviata": AttrSent, "verzonden": AttrSent, "отправленные": AttrSent, "已发送": AttrSent,
	"drafts": AttrDrafts, "draft": AttrDrafts, "entwürfe": AttrDrafts, "brouillons": AttrDrafts, "borradores": AttrDrafts,
	"bozze": AttrDrafts, "concepten": AttrDrafts, "черновики": AttrDrafts, "草稿箱": AttrDrafts, "rascunhos": AttrDrafts,
	"trash": AttrTrash, "deleted items": AttrTrash, "deleted messages": AttrTrash, "deleted": AttrTrash, "bin": AttrTrash,
	"papierkorb": AttrTrash, "gelöschte elemente": AttrTrash, "gelöscht": AttrTrash, "corbeille": AttrTrash,
	"éléments supprimés": AttrTrash, "papelera": AttrTrash, "cestino": AttrTrash, "prullenbak": AttrTrash,
	"удаленные": AttrTrash, "корзина": AttrTrash, "已删除": AttrTrash, "lixeira": AttrTrash,
	"junk": AttrJunk, "spam": AttrJunk, "junk e-mail": AttrJunk, "junk email": AttrJunk, "bulk mail": AttrJunk,
	"spamverdacht": AttrJunk, "courrier indésirable": AttrJunk, "correo no deseado": AttrJunk, "спам": AttrJunk,
	"垃圾邮件": AttrJunk, "posta indesiderata": AttrJunk, "ongewenste e-mail": AttrJunk,
	"archive": AttrArchive, "archives": AttrArchive, "archiv": AttrArchive, "archivo": AttrArchive, "archivio": AttrArchive,
}

// wellKnownName says what a mailbox is for by the last part of its name.
func wellKnownName(e ListEntry) (MailboxAttr, bool) {
	name := e.Name
	if e.Delimiter != "" {
		name = name[strings.LastIndex(name, e.Delimiter)+1:]
	}
	use, ok := wellKnownNames[strings.ToLower(strings.TrimSpace(name))]
	return use, ok
}
