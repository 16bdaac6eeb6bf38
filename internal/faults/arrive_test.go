package faults_test

import (
	"context"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
)

func init() { destinations = append(destinations, destinationsOfExtensions...) }

// placeAt follows a path into the lists of a command: positions, with -1 for the fields of a section.
func placeAt(path ...int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(_ *echoed, args []imaptest.Arg) (string, bool) {
		a, ok := argAt(args, path)
		return a.Text, ok && !a.IsList
	}
}

func mailboxPlace(path ...int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(e *echoed, args []imaptest.Arg) (string, bool) {
		a, ok := argAt(args, path)
		if !ok || a.IsList {
			return "", false
		}
		return a.Mailbox(e.utf8)
	}
}

func argAt(args []imaptest.Arg, path []int) (a imaptest.Arg, ok bool) {
	for _, i := range path {
		if i < 0 {
			args = a.Fields
			continue
		}
		if i >= len(args) {
			return a, false
		}
		a = args[i]
		args = a.List
	}
	return a, true
}

// fromEnd counts the arguments from the last one, which is 1, because a CHARSET may precede them.
func fromEnd(n int) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(e *echoed, args []imaptest.Arg) (string, bool) { return placeAt(len(args)-n)(e, args) }
}

// afterSlash is what follows the first byte, which the test put there.
func afterSlash(find func(*echoed, []imaptest.Arg) (string, bool)) func(*echoed, []imaptest.Arg) (string, bool) {
	return func(e *echoed, args []imaptest.Arg) (string, bool) {
		s, ok := find(e, args)
		if !ok {
			return s, false
		}
		return strings.CutPrefix(s, "/")
	}
}

// sendingFetch sends FETCH with an item.
func sendingFetch(item func(s string) imap.FetchItem) func(ctx context.Context, c *imap.Client, s string) error {
	return func(ctx context.Context, c *imap.Client, s string) error {
		for _, err := range c.Fetch(ctx, imap.Seqs(1), item(s)) {
			return err
		}
		return nil
	}
}

// sendingSearch sends SEARCH with a key.
func sendingSearch(key func(s string) imap.Query) func(ctx context.Context, c *imap.Client, s string) error {
	return func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SearchSeq(ctx, key(s), nil)
		return err
	}
}

// sendingStore sends STORE with an operation.
func sendingStore(op func(s string) imap.StoreOp) func(ctx context.Context, c *imap.Client, s string) error {
	return func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Store(ctx, imap.Seqs(1), op(s), nil)
		return err
	}
}

func note(entry, attribute, value string) imap.StoreOp {
	return imap.StoreAnnotations(imap.Annotation{Entry: entry, Values: map[string][]byte{attribute: []byte(value)}})
}

// sendingList sends LIST with options.
func sendingList(opts func(s string) *imap.ListOptions) func(ctx context.Context, c *imap.Client, s string) error {
	return func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.List(ctx, "", "p", opts(s))
		return err
	}
}

// protocolWords are the destinations of protocol keywords, which are sent in upper case.
var protocolWords = map[string]bool{"name of an item": true, "sort key": true, "algorithm": true}

// destinationsOfExtensions are the rest.
var destinationsOfExtensions = []destination{
	{"header field", sendingFetch(func(s string) imap.FetchItem {
		return imap.Section{Specifier: "HEADER", Fields: []string{"A", s, "B"}}
	}), placeAt(1, 1, -1, 1)},
	{"header field left out", sendingFetch(func(s string) imap.FetchItem {
		return imap.Section{Part: []int{1, 2}, Specifier: "HEADER", NotFields: []string{s}, Offset: 1, Count: 2}
	}), placeAt(1, 1, -1, 0)},
	{"name of an item", sendingFetch(func(s string) imap.FetchItem { return imap.FetchAttr(s) }), placeAt(1, 1)},
	{"fetched annotation", sendingFetch(func(s string) imap.FetchItem { return imap.FetchAnnotations([]string{"/a", s}, "value") }), placeAt(1, 2, 0, 1)},
	{"fetched attribute", sendingFetch(func(s string) imap.FetchItem { return imap.FetchAnnotations([]string{"/a"}, "value", s) }), placeAt(1, 2, 1, 1)},
	{"annotation", sendingStore(func(s string) imap.StoreOp { return note(s, "value.priv", "x") }), placeAt(2, 0)},
	{"attribute of an annotation", sendingStore(func(s string) imap.StoreOp { return note("/comment", s, "x") }), placeAt(2, 1, 0)},
	{"value of an annotation", sendingStore(func(s string) imap.StoreOp { return note("/comment", "value.priv", s) }), placeAt(2, 1, 1)},
	{"searched annotation", sendingSearch(func(s string) imap.Query { return imap.Where().Annotation(s, "value", "x") }), placeAt(1)},
	{"searched attribute", sendingSearch(func(s string) imap.Query { return imap.Where().Annotation("/a", s, "x") }), placeAt(2)},
	{"searched annotation text", sendingSearch(func(s string) imap.Query { return imap.Where().Annotation("/a", "value", s) }), last},
	{"raw search argument", sendingSearch(func(s string) imap.Query { return imap.Where().Raw(imap.Atom("X"), s, imap.Atom("Y")) }), fromEnd(2)},
	{"search of Gmail", sendingSearch(func(s string) imap.Query { return imap.Where().GmailRaw(s) }), last},
	{"searched label in a mailbox's form", sendingSearch(func(s string) imap.Query { return imap.Where().GmailLabel(s) }), mailboxPlace(1)},
	{"label in a mailbox's form", sendingStore(func(s string) imap.StoreOp { return imap.AddLabels("x", s) }), mailboxPlace(2, 1)},
	{"text of SORT", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SortSeq(ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where().Subject(s))
		return err
	}, last},
	{"sort key", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SortSeq(ctx, []imap.SortKey{{Name: s}}, imap.Where())
		return err
	}, placeAt(0, 0)},
	{"text of THREAD", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.ThreadSeq(ctx, "REFERENCES", imap.Where().Subject(s))
		return err
	}, last},
	{"algorithm", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.ThreadSeq(ctx, s, imap.Where())
		return err
	}, placeAt(0)},
	{"identifier of SETACL", func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, "a", s, "lr") }, placeAt(1)},
	{"rights", func(ctx context.Context, c *imap.Client, s string) error { return c.SetACL(ctx, "a", "u", s) }, placeAt(2)},
	{"identifier of LISTRIGHTS", func(ctx context.Context, c *imap.Client, s string) error {
		_, _, err := c.ListRights(ctx, "a", s)
		return err
	}, placeAt(1)},
	{"quota root to set", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, s, map[string]uint64{"STORAGE": 1})
		return err
	}, placeAt(0)},
	{"resource", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.SetQuota(ctx, "r", map[string]uint64{s: 1})
		return err
	}, placeAt(1, 0)},
	{"ID key", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.ID(ctx, map[string]string{s: "v"})
		return err
	}, placeAt(0, 0)},
	{"mailbox of NOTIFY", func(ctx context.Context, c *imap.Client, s string) error {
		return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyMailboxes, Mailboxes: []string{"x", s}, Events: []imap.NotifyEvent{imap.NotifyMailboxName}}}, nil)
	}, mailboxPlace(1, 1, 1)},
	{"event of NOTIFY", func(ctx context.Context, c *imap.Client, s string) error {
		return c.Notify(ctx, []imap.NotifyRule{{Scope: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.NotifyEvent(s)}}}, nil)
	}, placeAt(1, 1, 0)},
	{"URL", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Catenate(ctx, "a", []imap.CatenatePart{imap.CatenateURL(s)}, nil)
		return err
	}, placeAt(2, 1)},
	{"item of STATUS", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Status(ctx, "a", imap.StatusItem(s))
		return err
	}, placeAt(1, 0)},
	{"use", func(ctx context.Context, c *imap.Client, s string) error {
		return c.Create(ctx, "a", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttr(s)}})
	}, placeAt(1, 1, 0)},
	{"metadata entry to set", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetMetadata(ctx, "a", map[string][]byte{"/" + s: []byte("x")})
	}, afterSlash(placeAt(1, 0))},
	{"metadata of LIST", sendingList(func(s string) *imap.ListOptions { return &imap.ListOptions{ReturnMetadata: []string{"/" + s}} }),
		afterSlash(func(e *echoed, args []imaptest.Arg) (string, bool) {
			items := args[len(args)-1].List
			return placeAt(len(args)-1, len(items)-1, 0)(e, args)
		})},
	{"status of LIST", sendingList(func(s string) *imap.ListOptions {
		return &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusItem(s)}}
	}), func(e *echoed, args []imaptest.Arg) (string, bool) {
		items := args[len(args)-1].List
		return placeAt(len(args)-1, len(items)-1, 0)(e, args)
	}},
	{"mailbox pattern of several", sendingList(func(s string) *imap.ListOptions { return &imap.ListOptions{Patterns: []string{"q", s}} }), mailboxPlace(1, 2)},
	{"mailbox reference", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Lsub(ctx, s, "p")
		return err
	}, mailboxPlace(0)},
	{"old annotation", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.GetAnnotation(ctx, "a", s, "value")
		return err
	}, placeAt(1)},
	{"old attribute", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetAnnotation(ctx, "a", "/comment", map[string]string{s: "v"})
	}, placeAt(2, 0)},
	{"old value", func(ctx context.Context, c *imap.Client, s string) error {
		return c.SetAnnotation(ctx, "a", "/comment", map[string]string{"value.priv": s})
	}, placeAt(2, 1)},
	{"user of PROXYAUTH", func(ctx context.Context, c *imap.Client, s string) error { return c.ProxyAuth(ctx, s) }, placeAt(0)},
	{"flag of a message", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Append(ctx, "a", imap.LiteralString("x"), &imap.AppendOptions{Flags: []imap.Flag{imap.Flag(s)}})
		return err
	}, placeAt(1, 0)},
	{"part of PARTIAL", func(ctx context.Context, c *imap.Client, s string) error {
		_, err := c.Partial(ctx, 1, s, 1, 2)
		return err
	}, placeAt(1)},
}
