package imap_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/imaptest"
	"github.com/go-imaplib/imap/internal/realserver"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// place is a server for a test of an extension, with a user of its own whose mailboxes are empty.
type place struct {
	name   string
	user   string
	prefix string // of the names of new mailboxes
	again  func(t *testing.T) *imap.Client
}

// live is what extensions do on the servers that offer them, by capability.
var lives = map[string]func(t *testing.T, c *imap.Client, at place){}

// live reports what to do with the extensions of a list on each server that offers them: TestExtensionsLive does it, on the
// in-memory server and on real ones. The client is logged in; at.again makes another of the same user.
func live(names string, run func(t *testing.T, c *imap.Client, at place)) struct{} {
	for name := range strings.SplitSeq(names, ", ") {
		if lives[name] != nil {
			panic("two live tests of " + name)
		}
		lives[name] = run
	}
	return struct{}{}
}

// liveOn reads from docs/extensions.md which real servers are said to have each capability.
func liveOn(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/extensions.md")
	require.NoError(t, err)
	rows := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) >= 5 {
			rows[strings.ToUpper(strings.Trim(cells[0], "| `"))] = cells[4]
		}
	}
	return rows
}

// TestExtensionsLive uses every extension on every server at hand that offers it.
func TestExtensionsLive(t *testing.T) {
	documented := liveOn(t)
	for name := range lives {
		assert.Contains(t, documented, name, "a live test of what docs/extensions.md does not have")
	}
	t.Run("imaptest", func(t *testing.T) {
		c, _ := inMemory(t)
		for name := range documented {
			if run := lives[name]; run != nil && c.Caps().Offers(name) {
				t.Run(name, func(t *testing.T) {
					c, at := inMemory(t)
					run(t, c, at)
				})
			}
		}
	})
	for _, server := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			extensionsOn(t, realserver.Get(t, server), documented)
		})
	}
}

// extensionsOn runs the tests of what a real server offers, and compares that with the documentation.
func extensionsOn(t *testing.T, s *realserver.Server, documented map[string]string) {
	c, _ := onServer(t, s)
	caps, err := c.Capability(testkit.Context(t))
	require.NoError(t, err)
	for name, servers := range documented {
		offered := caps.Offers(name)
		if offered != strings.Contains(servers, s.Name) {
			t.Errorf("docs/extensions.md: %s on %s: offered is %v", name, s.Name, offered)
		}
		if !offered {
			continue
		}
		run := lives[name]
		if !assert.NotNil(t, run, "no live test of %s", name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // much of it is waiting for the server
			c, at := onServer(t, s)
			run(t, c, at)
		})
	}
}

// inMemory returns a client of an in-memory server of its own.
func inMemory(t *testing.T) (*imap.Client, place) {
	t.Helper()
	server := imaptest.New(t, &imaptest.Options{PreAuth: "user", GreetingCaps: true, More: imaptest.MoreCaps})
	again := func(t *testing.T) *imap.Client {
		c, err := imap.NewClient(testkit.Context(t), server.Dial(), nil)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	return again(t), place{"imaptest", "user", "", again}
}

// onServer returns a client of a real server, logged in as a user of its own.
func onServer(t *testing.T, s *realserver.Server) (*imap.Client, place) {
	t.Helper()
	user, password, err := s.NewUser()
	require.NoError(t, err)
	again := func(t *testing.T) *imap.Client { return loginAs(t, s, user, password) }
	return again(t), place{s.Name, user, s.Prefix, again}
}

// deliver stores messages in INBOX and opens it.
func deliver(t *testing.T, c *imap.Client, messages ...string) {
	t.Helper()
	for _, text := range messages {
		_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString(text), nil)
		require.NoError(t, err)
	}
	open(t, c, "INBOX")
}

const small = "From: a@example.org\r\nSubject: small\r\n\r\nhello\r\n"

var _ = live("IMAP4REV1", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	_, err := c.Store(ctx, imap.Seqs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	gone, err := c.Expunge(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{1}, gone.SeqNums)
	got := fetch(t, c, 1, 0, imap.Section{})
	require.Len(t, got, 1)
	assert.Equal(t, small, string(got[0].Section(imap.Section{})))
	require.NoError(t, c.Logout(ctx))
})

var _ = live("ENABLE", func(t *testing.T, c *imap.Client, at place) {
	on, err := c.Enable(testkit.Context(t), "X-NOBODY-HAS-THIS")
	require.NoError(t, err)
	assert.Empty(t, on)
	for _, name := range []string{"CONDSTORE", "UTF8=ACCEPT"} {
		if !c.Caps().Has(name) {
			continue
		}
		_, err = c.Enable(testkit.Context(t), name)
		require.NoError(t, err)
		assert.True(t, c.Enabled(name), name)
	}
})

var _ = live("SASL-IR", func(t *testing.T, c *imap.Client, at place) {
	assert.True(t, c.Caps().Offers("SASL-IR"), "the login used it")
	require.NoError(t, c.Noop(testkit.Context(t)))
})

var _ = live("LITERAL+, LITERAL-", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small, small+strings.Repeat("0123456789abcdef\r\n", 1000))
	assert.Len(t, fetch(t, c, 1, 0), 2)
})

var _ = live("ID", func(t *testing.T, c *imap.Client, at place) {
	_, err := c.ID(testkit.Context(t), map[string]string{"name": "test", "version": `1 "a"`})
	require.NoError(t, err)
	_, err = c.ID(testkit.Context(t), nil)
	require.NoError(t, err)
})

var _ = live("IDLE", func(t *testing.T, c *imap.Client, at place) {
	open(t, c, "INBOX")
	other := at.again(t)
	c.Events()
	go func() {
		time.Sleep(50 * time.Millisecond)
		other.Append(testkit.Context(t), "INBOX", imap.LiteralString(small), nil)
	}()
	for ev, err := range c.Idle(testkit.Context(t), nil) {
		require.NoError(t, err)
		if ev, ok := ev.(*imap.ExistsEvent); ok && ev.Count == 1 {
			break
		}
	}
	require.NoError(t, c.Noop(testkit.Context(t)))
})

var _ = live("NAMESPACE", func(t *testing.T, c *imap.Client, at place) {
	ns, err := c.Namespace(testkit.Context(t))
	require.NoError(t, err)
	require.NotEmpty(t, ns.Personal)
	assert.Equal(t, at.prefix, ns.Personal[0].Prefix)
})

var _ = live("UNSELECT", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	_, err := c.Store(testkit.Context(t), imap.Seqs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(testkit.Context(t)))
	open(t, c, "INBOX")
	assert.EqualValues(t, 1, c.Mailbox().Exists)
})

var _ = live("CREATE-SPECIAL-USE", func(t *testing.T, c *imap.Client, at place) {
	require.NoError(t, c.Create(testkit.Context(t), "Wichtig", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.AttrImportant}}))
	uses, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "Wichtig", uses[imap.AttrImportant])
})

var _ = live("STATUS=SIZE", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	st, err := at.again(t).Status(testkit.Context(t), "INBOX", imap.StatusMessages, imap.StatusSize)
	require.NoError(t, err)
	assert.Equal(t, testkit.Ptr(uint64(len(small))), st.Size)
})

var _ = live("CHILDREN", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	delimiter := "/"
	if at.prefix != "" {
		delimiter = "."
	}
	require.NoError(t, c.Create(ctx, at.prefix+"a", nil))
	require.NoError(t, c.Create(ctx, at.prefix+"a"+delimiter+"b", nil))
	got, err := c.List(ctx, "", at.prefix+"a*", nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	for _, e := range got {
		assert.Equal(t, e.Name == at.prefix+"a", e.Has(imap.AttrHasChildren), e.Name)
	}
})

var _ = live("LIST-EXTENDED", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	require.NoError(t, c.Create(ctx, at.prefix+"Entwürfe", nil))
	require.NoError(t, c.Subscribe(ctx, at.prefix+"Entwürfe"))
	got, err := c.List(ctx, "", at.prefix+"Entw*", &imap.ListOptions{Subscribed: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.True(t, got[0].Has(imap.AttrSubscribed))
})

var _ = live("LIST-STATUS", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	got, err := c.List(testkit.Context(t), "", "*", &imap.ListOptions{ReturnStatus: []imap.StatusItem{imap.StatusMessages}})
	require.NoError(t, err)
	for _, e := range got {
		if e.Name == "INBOX" {
			require.NotNil(t, e.Status)
			assert.Equal(t, testkit.Ptr(uint32(1)), e.Status.Messages)
		}
	}
})

var _ = live("SPECIAL-USE, XLIST", func(t *testing.T, c *imap.Client, at place) {
	uses, err := c.SpecialUse(testkit.Context(t))
	require.NoError(t, err)
	for use, name := range uses {
		assert.NotEmpty(t, name, use)
	}
})

var _ = live("ESEARCH, SEARCHRES, PARTIAL", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small, small)
	res, err := c.Search(ctx, imap.Where().Subject("small"), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []uint32{1, 3, 3}, []uint32{res.Min, res.Max, res.Count})
	if c.Caps().Offers("SEARCHRES") {
		_, err = c.Search(ctx, imap.Where().In(imap.UIDRange(2, 3)), &imap.SearchOptions{Save: true})
		require.NoError(t, err)
		got, err := imap.Collect(c.Fetch(ctx, imap.SavedResult))
		require.NoError(t, err)
		assert.Len(t, got, 2)
	}
	if c.Caps().Offers("PARTIAL") {
		res, err = c.Search(ctx, imap.Where(), &imap.SearchOptions{PartialFrom: -1, PartialTo: -2})
		require.NoError(t, err)
		assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
	}
})

var _ = live("WITHIN", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	res, err := c.Search(testkit.Context(t), imap.Where().Younger(time.Hour), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	res, err = c.Search(testkit.Context(t), imap.Where().Older(time.Hour), nil)
	require.NoError(t, err)
	assert.Empty(t, res.UIDs)
})

var _ = live("SEARCH=FUZZY", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	_, err := c.Search(testkit.Context(t), imap.Where().Fuzzy(imap.Where().Subject("small")), nil)
	require.NoError(t, err)
})

var _ = live("UIDPLUS", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	res, err := c.Append(ctx, "INBOX", imap.LiteralString(small), nil)
	require.NoError(t, err)
	deliver(t, c, small)
	assert.Equal(t, &imap.AppendResult{UIDValidity: c.Mailbox().UIDValidity, UID: 1}, res)
	require.NoError(t, c.Create(ctx, at.prefix+"other", nil))
	copied, err := c.Copy(ctx, imap.UIDs(1, 2), at.prefix+"other")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(1, 2), copied.Source)
	assert.EqualValues(t, 2, copied.Dest.Len())
	_, err = c.Store(ctx, imap.UIDs(1, 2), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	gone, err := c.UIDExpunge(ctx, imap.UIDs(2))
	require.NoError(t, err)
	assert.Equal(t, []imap.SeqNum{2}, gone.SeqNums)
})

var _ = live("MOVE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	require.NoError(t, c.Create(ctx, at.prefix+"other", nil))
	res, err := c.Move(ctx, imap.UIDs(1), at.prefix+"other")
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.Source)
	assert.EqualValues(t, 1, c.Mailbox().Exists)
})

var _ = live("CONDSTORE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	require.NotZero(t, mb.HighestModSeq)
	_, err = c.Store(ctx, imap.UIDs(2), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	got := fetch(t, c, 1, 0, imap.FetchFlags, imap.FetchChangedSince(mb.HighestModSeq))
	require.Len(t, got, 1)
	assert.EqualValues(t, 2, got[0].UID)
	assert.Greater(t, got[0].ModSeq, mb.HighestModSeq)
	res, err := c.Store(ctx, imap.UIDRange(1, 2), imap.AddFlags(imap.FlagSeen), &imap.StoreOptions{UnchangedSince: mb.HighestModSeq})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(2), res.ModifiedUID)
	found, err := c.Search(ctx, imap.Where().ModSeq(got[0].ModSeq), nil)
	require.NoError(t, err)
	assert.Contains(t, found.UIDs.String(), "2")
	st, err := at.again(t).Status(ctx, "INBOX", imap.StatusHighestModSeq)
	require.NoError(t, err)
	require.NotNil(t, st.HighestModSeq)
	assert.GreaterOrEqual(t, *st.HighestModSeq, got[0].ModSeq)
})

var _ = live("QRESYNC", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small, small)
	before, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	require.NoError(t, err)
	require.NoError(t, c.Unselect(ctx))
	other := at.again(t)
	open(t, other, "INBOX")
	_, err = other.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagDeleted), nil)
	require.NoError(t, err)
	_, err = other.Store(ctx, imap.UIDs(3), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	_, err = other.Expunge(ctx)
	require.NoError(t, err)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{QResync: &imap.QResync{UIDValidity: before.UIDValidity, ModSeq: before.HighestModSeq}})
	require.NoError(t, err)
	assert.Contains(t, mb.Vanished.String(), "1")
	require.NotEmpty(t, mb.Changed)
	assert.EqualValues(t, 3, mb.Changed[len(mb.Changed)-1].UID)
})

var _ = live("PREVIEW", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	got := fetch(t, c, 1, 0, imap.FetchPreview)
	require.Len(t, got, 1)
	assert.Contains(t, []string{"hello", ""}, strings.TrimSpace(got[0].Preview)) // Cyrus makes none by itself
})

var _ = live("SAVEDATE", func(t *testing.T, c *imap.Client, at place) {
	_, err := c.Append(testkit.Context(t), "INBOX", imap.LiteralString(small), &imap.AppendOptions{InternalDate: time.Unix(1e9, 0)})
	require.NoError(t, err)
	deliver(t, c)
	got := fetch(t, c, 1, 0, imap.FetchSaveDate)
	require.Len(t, got, 1)
	assert.Greater(t, got[0].SaveDate.Year(), 2001)
})

var _ = live("OBJECTID", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small, small)
	require.NotEmpty(t, c.Mailbox().MailboxID)
	st, err := at.again(t).Status(testkit.Context(t), "INBOX", imap.StatusMailboxID)
	require.NoError(t, err)
	assert.Equal(t, c.Mailbox().MailboxID, st.MailboxID)
	got := fetch(t, c, 1, 0, imap.FetchEmailID, imap.FetchThreadID)
	require.Len(t, got, 2)
	assert.NotEmpty(t, got[0].EmailID)
	assert.NotEmpty(t, got[1].EmailID)
})

// everywhere runs a test on the in-memory server and on each real one, whatever they offer.
func everywhere(t *testing.T, test func(t *testing.T, c *imap.Client)) {
	t.Run("imaptest", func(t *testing.T) {
		c, _ := inMemory(t)
		test(t, c)
	})
	for _, name := range []string{"dovecot", "cyrus", "courier"} {
		t.Run(name, func(t *testing.T) {
			c, _ := onServer(t, realserver.Get(t, name))
			_, err := c.Capability(testkit.Context(t))
			require.NoError(t, err)
			test(t, c)
		})
	}
}

var _ = live("LIST-MYRIGHTS", func(t *testing.T, c *imap.Client, at place) {
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{ReturnMyRights: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Contains(t, got[0].MyRights, "r")
})

var _ = live("LIST-METADATA", func(t *testing.T, c *imap.Client, at place) {
	require.NoError(t, c.SetMetadata(testkit.Context(t), "INBOX", map[string][]byte{"/private/comment": []byte("mine")}))
	got, err := c.List(testkit.Context(t), "", "INBOX", &imap.ListOptions{ReturnMetadata: []string{"/private/comment"}})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "mine", string(got[0].Metadata["/private/comment"]))
})

var _ = live("ESORT, CONTEXT=SORT", func(t *testing.T, c *imap.Client, at place) {
	openConversation(t, c)
	res, err := c.SortExtended(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where(), &imap.SearchOptions{All: true, Count: true})
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{3, 1, 4, 2}, res.Nums)
	assert.EqualValues(t, 4, res.Count)
})

var _ = live("CONTEXT=SEARCH", func(t *testing.T, c *imap.Client, at place) {
	openConversation(t, c)
	res, err := c.Search(testkit.Context(t), imap.Where(), &imap.SearchOptions{PartialFrom: 2, PartialTo: 3})
	require.NoError(t, err)
	assert.Equal(t, imap.UIDRange(2, 3), res.UIDs)
})

// What to do with the extensions that few servers have, on those that do.

var _ = live("AUTH=", func(t *testing.T, c *imap.Client, at place) { require.NoError(t, at.again(t).Noop(testkit.Context(t))) })

var _ = live("STARTTLS, LOGINDISABLED", func(t *testing.T, c *imap.Client, at place) {
	assert.Error(t, c.StartTLS(testkit.Context(t), nil), "after the login it is too late")
})

var _ = live("I18NLEVEL=1", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, "Subject: =?utf-8?q?GR=C3=9CSSE?=\r\n\r\nx\r\n")
	res, err := c.Search(testkit.Context(t), imap.Where().Subject("grüsse"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
})

var _ = live("LOGIN-REFERRALS", func(t *testing.T, c *imap.Client, at place) {
	assert.Empty(t, c.Events(), "this server has the user itself")
})

var _ = live("MAILBOX-REFERRALS", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	list, err := c.RemoteList(ctx, "", "*")
	require.NoError(t, err)
	assert.NotEmpty(t, list)
	_, err = c.RemoteLsub(ctx, "", "*")
	require.NoError(t, err)
})

var _ = live("URL-PARTIAL", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	url, err := imap.MessageURL("INBOX", c.Mailbox().UIDValidity, 1, imap.Section{Count: 21})
	require.NoError(t, err)
	_, err = c.Catenate(ctx, "INBOX", []imap.CatenatePart{imap.CatenateURL(url), imap.CatenateText(imap.LiteralString("\r\nrest\r\n"))}, nil)
	require.NoError(t, err)
	m, err := c.FetchOne(ctx, 2, imap.Section{})
	require.NoError(t, err)
	assert.Equal(t, "From: a@example.org\r\n\r\nrest\r\n", string(m.Section(imap.Section{})))
})

var _ = live("THREAD=REFS", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, "Message-ID: <1@x>\r\n\r\nx\r\n", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nx\r\n")
	got, err := c.Thread(testkit.Context(t), "REFS", imap.Where())
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Len(t, got[0].Children, 1)
})

var _ = live("SORT=MODSEQ", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	_, err := c.Store(ctx, imap.UIDs(1), imap.AddFlags(imap.FlagFlagged), nil)
	require.NoError(t, err)
	got, err := c.Sort(ctx, []imap.SortKey{{Name: "MODSEQ"}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
})

var _ = live("SORT=UID", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small, small)
	got, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "UID", Reverse: true}}, imap.Where())
	require.NoError(t, err)
	assert.Equal(t, []imap.UID{2, 1}, got)
})

var _ = live("PREVIEW=FUZZY", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	m, err := c.FetchOne(testkit.Context(t), 1, imap.FetchPreviewFuzzy())
	require.NoError(t, err)
	assert.Equal(t, "hello", m.Preview)
})

var _ = live("SNIPPET=FUZZY", func(t *testing.T, c *imap.Client, at place) {
	deliver(t, c, small)
	res, err := c.Do(testkit.Context(t), "UID FETCH", imap.UIDs(1), []any{imap.Atom("SNIPPET"), []any{imap.Atom("FUZZY")}})
	require.NoError(t, err)
	require.Len(t, res.Untagged, 1)
	assert.Contains(t, string(res.Untagged[0].Rest), "hello")
})

// XMOVE does what MOVE does.
var _ = live("XMOVE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	require.NoError(t, c.Create(ctx, at.prefix+"moved", nil))
	_, err := c.Do(ctx, "UID XMOVE", imap.UIDs(1), at.prefix+"moved")
	require.NoError(t, err)
	st, err := c.Status(ctx, at.prefix+"moved", imap.StatusMessages)
	require.NoError(t, err)
	assert.EqualValues(t, 1, *st.Messages)
})

// ACL2=UNION is offered, and what it says of rights is the server's business.
var _ = live("ACL2=UNION", func(t *testing.T, c *imap.Client, at place) {
	_, err := c.MyRights(testkit.Context(t), "INBOX")
	require.NoError(t, err)
})

var _ = live("MULTISEARCH", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	require.NoError(t, c.Create(ctx, at.prefix+"empty", nil))
	_, err := c.Append(ctx, at.prefix+"empty", imap.LiteralString(small), nil)
	require.NoError(t, err)
	got, err := c.SearchMailboxes(ctx, []imap.MailboxScope{{Scope: imap.NotifyPersonal}}, imap.Where().Subject("small"), nil)
	require.NoError(t, err)
	found := map[string]uint32{}
	for _, res := range got {
		found[res.Mailbox] = res.Count
		assert.NotZero(t, res.UIDValidity)
	}
	assert.Equal(t, map[string]uint32{"INBOX": 2, at.prefix + "empty": 1}, found)
	got, err = c.SearchMailboxes(ctx, nil, imap.Where(), &imap.SearchOptions{Min: true, Max: true, Count: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, imap.SearchResult{Min: 1, Max: 2, Count: 2}, got[0].SearchResult)
})

// TestUpdatesInMemory: the server in memory keeps results current.
func TestUpdatesInMemory(t *testing.T) {
	c, at := inMemory(t)
	require.True(t, c.Caps().Has("CONTEXT=SORT"))
	sortUpdates(t, c, at)
}

// sortUpdates follows a sorted result.
func sortUpdates(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, small)
	other := at.again(t)
	n := 0
	for up, err := range c.SortUpdates(ctx, []imap.SortKey{{Name: "ARRIVAL", Reverse: true}}, imap.Where().Unseen(), nil) {
		require.NoError(t, err)
		if up.Event != nil {
			continue
		}
		switch n++; n {
		case 1:
			assert.Len(t, up.UIDs, 2)
			_, err := other.Append(ctx, "INBOX", imap.LiteralString(small), nil)
			require.NoError(t, err)
		case 2:
			assert.Equal(t, []imap.UID{3}, up.Added)
			assert.Len(t, up.UIDs, 3)
		}
		if n == 2 {
			break
		}
	}
	assert.Equal(t, 2, n)
}

var _ = live("LANGUAGE", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	list, err := c.Languages(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	tag, err := c.SetLanguage(ctx, list[0])
	require.NoError(t, err)
	assert.Equal(t, list[0], tag)
})

var _ = live("I18NLEVEL=2", func(t *testing.T, c *imap.Client, at place) {
	co, err := c.Comparator(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, co.Active)
})

var _ = live("JMAPACCESS", func(t *testing.T, c *imap.Client, at place) {
	url, err := c.JMAPAccess(testkit.Context(t))
	require.NoError(t, err)
	assert.NotEmpty(t, url)
})

// authorize makes a URL that can be fetched.
func authorize(t *testing.T, c *imap.Client, at place, u imap.URL) []*imap.URL {
	t.Helper()
	u.User = at.user
	made, err := c.AuthorizeURLs(testkit.Context(t), "INTERNAL", &u)
	require.NoError(t, err)
	require.Len(t, made, 1)
	return made
}

var _ = live("URLAUTH", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	made := authorize(t, c, at, imap.URL{Host: "localhost", Mailbox: "INBOX", UIDValidity: c.Mailbox().UIDValidity, UID: 1, Section: "TEXT", Access: "authuser"})
	if at.name == "cyrus" {
		return // it closes the connection at a URL of a section that has no number
	}
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "hello\r\n", string(got[0].Data))
	require.NoError(t, c.ResetURLKeys(ctx, "INBOX"))
	got, err = c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String()})
	require.NoError(t, err)
	assert.False(t, got[0].Found)
})

var _ = live("URLAUTH=BINARY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
	made := authorize(t, c, at, imap.URL{Host: "localhost", Mailbox: "INBOX", UID: 1, Section: "1", Access: "anonymous"})
	got, err := c.FetchURLs(ctx, imap.URLRequest{URL: made[0].String(), Binary: true, Structure: true})
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got[0].Data))
	assert.Equal(t, "text", got[0].Structure.Type)
})

var _ = live("CONVERT", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, "Content-Type: text/html; charset=utf-8\r\n\r\n<p>h&amp;i</p>\r\n")
	convs, err := c.Conversions(ctx, "text/html", "*")
	require.NoError(t, err)
	assert.NotEmpty(t, convs)
	got, err := c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "text/plain"}, imap.ConvertData(1), imap.ConvertSize(1), imap.ConvertTypes(1))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.EqualValues(t, len(got[0].Parts[0].Data), got[0].Parts[1].Size)
	assert.Contains(t, string(got[0].Parts[0].Data), "h&i")
	got, err = c.Convert(ctx, imap.UIDs(1), imap.ConvertTo{Type: "image/png"}, imap.ConvertData(1))
	require.Error(t, err)
	require.Len(t, got, 1)
	assert.NotNil(t, got[0].Parts[0].Err)
})

var _ = live("FILTERS", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small, "Subject: Grüße\r\n\r\nx\r\n")
	require.NoError(t, c.SetFilter(ctx, imap.Filter{Name: "s", Description: "small ones"}, imap.Where().Subject("small")))
	list, err := c.Filters(ctx)
	require.NoError(t, err)
	assert.Equal(t, []imap.Filter{{Name: "s", Criteria: `SUBJECT "small"`, Description: "small ones"}}, list)
	res, err := c.Search(ctx, imap.Where().Filter("s"), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(1), res.UIDs)
	require.NoError(t, c.RemoveFilter(ctx, "s", false))
	_, err = c.Search(ctx, imap.Where().Filter("s"), nil)
	_, ok := imap.CodeDataOf[imap.FilterData](err)
	assert.True(t, ok, err)
})

var _ = live("IMAPSIEVE=", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, ok := c.Caps().SieveURL()
	assert.True(t, ok)
	require.NoError(t, c.SetSieveScript(ctx, "INBOX", "s"))
	name, err := c.GetSieveScript(ctx, "INBOX")
	require.NoError(t, err)
	assert.Equal(t, "s", name)
})

var _ = live("XAPPLEPUSHSERVICE", func(t *testing.T, c *imap.Client, at place) {
	got, err := c.ApplePush(testkit.Context(t), &imap.ApplePushOptions{AccountID: "a", DeviceToken: "b", Subtopic: "c", Mailboxes: []string{"INBOX"}})
	require.NoError(t, err)
	assert.NotEmpty(t, got["aps-topic"])
})

var _ = live("UTF8=ONLY", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	_, err := c.Select(ctx, "INBOX", nil)
	assert.Equal(t, imap.CodeCannot, imap.CodeOf(err))
	_, err = c.Enable(ctx, "UTF8=ACCEPT")
	require.NoError(t, err)
	open(t, c, "INBOX")
})

var _ = live("OBJECTID+", func(t *testing.T, c *imap.Client, at place) {
	ctx := testkit.Context(t)
	deliver(t, c, small)
	mb, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ObjectID: true})
	require.NoError(t, err)
	assert.NotEmpty(t, mb.MailboxID)
	assert.NotEmpty(t, mb.AccountID())
	m, err := c.FetchOne(ctx, 1, imap.FetchObjectID)
	require.NoError(t, err)
	assert.NotEmpty(t, m.EmailID)
	created, err := c.CreateMailbox(ctx, at.prefix+"x", nil)
	require.NoError(t, err)
	assert.NotEmpty(t, created.MailboxID)
	if _, err := c.Status(ctx, "INBOX", imap.StatusObjectID); !errors.Is(err, errors.ErrUnsupported) {
		require.NoError(t, err)
	}
})
