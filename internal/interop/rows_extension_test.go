//lint:file-ignore SA1019 every method of the client is run, the deprecated ones too

package interop_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/require"
)

// friend is the user that rights are granted to.
func (e *env) friend() string {
	if e.target.real == nil {
		return "bob"
	}
	user, _ := e.target.real.User(1)
	return user
}

// rightsOf returns the rights of a user in an access control list.
func (e *env) rightsOf(box, user string) string {
	e.Helper()
	entries, err := e.client().GetACL(e.ctx(), box)
	require.NoError(e, err)
	for _, entry := range entries {
		if entry.Identifier == user || entry.Identifier == "user="+user {
			return entry.Rights
		}
	}
	return ""
}

// withACL is the row of a method that needs ACL; call runs before anything is checked.
func withACL(method string, call func(e *env, box string) error, check func(e *env, box string)) row {
	return row{method: method, run: func(e *env) cell {
		box := e.box()
		if !e.offers("ACL") {
			return e.unsupported(func() error { return call(e, box) })
		}
		require.NoError(e, call(e, box))
		check(e, box)
		return works
	}}
}

// order is a small mailbox whose subjects are not sorted; byTitle is the order of their subjects.
func order() (messages []string, byTitle []int) {
	return []string{note("banana"), note("Re: apple"), note("cherry"), note("apple")}, []int{1, 3, 0, 2}
}

// inOrder compares the result of a sort whose first two are equal, so that their numbers decide.
func inOrder[N imap.UID | imap.SeqNum](e *env, want, got []N) cell {
	e.Helper()
	if len(got) > 2 && got[0] == want[1] && got[1] == want[0] {
		require.Equal(e, want[2:], got[2:])
		return works.except("alike-not-by-number")
	}
	require.Equal(e, want, got)
	return works
}

func pick[N any](list []N, at []int) []N {
	var picked []N
	for _, i := range at {
		picked = append(picked, list[i])
	}
	return picked
}

var bySubject = []imap.SortKey{{Name: "SUBJECT"}}

var extensionRows = slices.Concat(sortRows, aclRows, quotaRows, metadataRows, legacyRows, appendRows)

var sortRows = []row{
	{method: "Sort", run: func(e *env) cell {
		messages, byTitle := order()
		_, uids := e.open(messages...)
		if !e.offers("SORT") {
			return e.unsupported(func() error { _, err := e.client().Sort(e.ctx(), bySubject, imap.Where()); return err })
		}
		got, err := e.client().Sort(e.ctx(), bySubject, imap.Where())
		require.NoError(e, err)
		result := inOrder(e, pick(uids, byTitle), got)
		got, err = e.client().Sort(e.ctx(), []imap.SortKey{{Name: "SUBJECT", Reverse: true}}, imap.Where().Subject("an"))
		require.NoError(e, err)
		require.Equal(e, uids[:1], got)
		none, err := e.client().Sort(e.ctx(), bySubject, imap.Where().Deleted())
		require.NoError(e, err)
		require.Empty(e, none)
		return result
	}},
	{method: "SortSeq", run: func(e *env) cell {
		messages, _ := order()
		e.open(messages...)
		if !e.offers("SORT") {
			return e.unsupported(func() error { _, err := e.client().SortSeq(e.ctx(), bySubject, imap.Where()); return err })
		}
		got, err := e.client().SortSeq(e.ctx(), bySubject, imap.Where())
		require.NoError(e, err)
		return inOrder(e, []imap.SeqNum{2, 4, 1, 3}, got)
	}},
	{method: "SortExtended", run: func(e *env) cell {
		messages, _ := order()
		_, uids := e.open(messages...)
		return sortExtended(e, e.client().SortExtended, uids)
	}},
	{method: "SortSeqExtended", run: func(e *env) cell {
		messages, _ := order()
		e.open(messages...)
		return sortExtended(e, e.client().SortSeqExtended, []imap.SeqNum{1, 2, 3, 4})
	}},
	threadRow("ORDEREDSUBJECT"),
	threadRow("REFERENCES"),
	threadRow("REFS"),
	{method: "ThreadSeq", run: func(e *env) cell {
		messages, _ := order()
		e.open(messages...)
		thread := func() ([]*imap.ThreadNode[imap.SeqNum], error) {
			return e.client().ThreadSeq(e.ctx(), "ORDEREDSUBJECT", imap.Where())
		}
		if !e.offers("THREAD=ORDEREDSUBJECT") {
			return e.unsupported(func() error { _, err := thread(); return err })
		}
		roots, err := thread()
		require.NoError(e, err)
		require.Len(e, roots, 3)
		require.ElementsMatch(e, []imap.SeqNum{1, 2, 3, 4}, members(roots))
		return works
	}},
}

// sortExtended requests the ends of a sorted list and its length.
func sortExtended[N imap.UID | imap.SeqNum](e *env, call func(context.Context, []imap.SortKey, imap.Query, *imap.SearchOptions) (*imap.SortResult[N], error), nums []N) cell {
	opts := &imap.SearchOptions{Min: true, Max: true, Count: true}
	q := imap.Where().Not(imap.Where().Subject("Re:")) // none are alike
	if !e.offers("SORT") {
		return e.unsupported(func() error { _, err := call(e.ctx(), bySubject, q, opts); return err })
	}
	res, err := call(e.ctx(), bySubject, q, opts)
	require.NoError(e, err)
	require.EqualValues(e, 3, res.Count)
	if res.Min == nums[0] {
		require.Equal(e, nums[3], res.Max)
		return works.except("esort-ends-by-number")
	}
	require.Equal(e, nums[3], res.Min)
	require.Equal(e, nums[2], res.Max)
	if e.offers("ESORT") {
		return works
	}
	return fallback
}

// members returns the numbers in trees.
func members[N imap.UID | imap.SeqNum](nodes []*imap.ThreadNode[N]) []N {
	var all []N
	for _, n := range nodes {
		if n.Num != 0 {
			all = append(all, n.Num)
		}
		all = append(all, members(n.Children)...)
	}
	return all
}

func threadRow(algorithm string) row {
	return row{method: "Thread", what: algorithm, run: func(e *env) cell {
		messages, _ := order()
		answer := strings.Replace(note("Re: banana"), "Message-ID:", "References: <banana@example.org>\r\nMessage-ID:", 1)
		_, uids := e.open(append(messages, answer)...)
		thread := func() ([]*imap.ThreadNode[imap.UID], error) {
			return e.client().Thread(e.ctx(), algorithm, imap.Where())
		}
		if !e.offers("THREAD=" + algorithm) {
			return e.unsupported(func() error { _, err := thread(); return err })
		}
		roots, err := thread()
		require.NoError(e, err)
		require.ElementsMatch(e, uids, members(roots))
		for _, root := range roots {
			switch root.Num {
			case uids[0]:
				require.Equal(e, []imap.UID{uids[4]}, members(root.Children))
				return works
			case uids[4]:
				require.Equal(e, []imap.UID{uids[0]}, members(root.Children))
				return works.except("alike-not-by-number")
			}
		}
		require.Fail(e, "the first message is no root")
		return works
	}}
}

var aclRows = []row{
	withACL("MyRights", func(e *env, box string) error { _, err := e.client().MyRights(e.ctx(), box); return err },
		func(e *env, box string) {
			rights, err := e.client().MyRights(e.ctx(), box)
			require.NoError(e, err)
			for _, right := range "lrswia" {
				require.Contains(e, rights, string(right))
			}
		}),
	withACL("GetACL", func(e *env, box string) error { _, err := e.client().GetACL(e.ctx(), box); return err },
		func(e *env, box string) {
			entries, err := e.client().GetACL(e.ctx(), box)
			require.NoError(e, err)
			require.NotEmpty(e, entries)
		}),
	withACL("SetACL", func(e *env, box string) error { return e.client().SetACL(e.ctx(), box, e.friend(), "lr") },
		func(e *env, box string) {
			require.Equal(e, "lr", e.rightsOf(box, e.friend()))
			require.NoError(e, e.client().SetACL(e.ctx(), box, e.friend(), "+s"))
			require.Equal(e, "lrs", e.rightsOf(box, e.friend()))
			require.NoError(e, e.client().SetACL(e.ctx(), box, e.friend(), "-r"))
			require.Equal(e, "ls", e.rightsOf(box, e.friend()))
		}),
	withACL("DeleteACL", func(e *env, box string) error {
		if e.offers("ACL") {
			require.NoError(e, e.client().SetACL(e.ctx(), box, e.friend(), "lr"))
		}
		return e.client().DeleteACL(e.ctx(), box, e.friend())
	}, func(e *env, box string) { require.Empty(e, e.rightsOf(box, e.friend())) }),
	withACL("ListRights", func(e *env, box string) error {
		_, _, err := e.client().ListRights(e.ctx(), box, e.friend())
		return err
	}, func(e *env, box string) {
		required, optional, err := e.client().ListRights(e.ctx(), box, e.friend())
		require.NoError(e, err)
		require.Contains(e, required+strings.Join(optional, ""), "r")
	}),
}

var quotaRows = []row{
	{method: "GetQuotaRoot", run: func(e *env) cell {
		if !e.offers("QUOTA") {
			return e.unsupported(func() error { _, err := e.client().GetQuotaRoot(e.ctx(), "INBOX"); return err })
		}
		require.NotZero(e, e.quota().Limit)
		return works
	}},
	{method: "GetQuota", run: func(e *env) cell {
		if !e.offers("QUOTA") {
			return e.unsupported(func() error { _, err := e.client().GetQuota(e.ctx(), ""); return err })
		}
		before := e.quota()
		e.add("INBOX", note("counted")+strings.Repeat("0123456789abcdef\r\n", 1000))
		after := e.quota()
		require.Equal(e, before.Limit, after.Limit)
		require.Greater(e, after.Usage, before.Usage)
		root, err := e.client().GetQuota(e.ctx(), e.quotaRoot().Root)
		if _, refused := errors.AsType[*imap.Error](err); refused {
			return refuses.except("getquota-is-for-administrators")
		}
		require.NoError(e, err)
		storage, ok := root.Resource("STORAGE")
		require.True(e, ok)
		require.Equal(e, after, storage)
		return works
	}},
	{method: "SetQuota", run: setQuotaRow},
}

// quotaRoot returns the root of INBOX that limits something.
func (e *env) quotaRoot() imap.Quota {
	e.Helper()
	roots, err := e.client().GetQuotaRoot(e.ctx(), "INBOX")
	require.NoError(e, err)
	i := slices.IndexFunc(roots, func(q imap.Quota) bool { return len(q.Resources) > 0 })
	require.GreaterOrEqual(e, i, 0, "%v", roots)
	return roots[i]
}

func (e *env) quota() imap.QuotaResource {
	e.Helper()
	root := e.quotaRoot()
	storage, ok := root.Resource("STORAGE")
	require.True(e, ok)
	return storage
}

// setQuotaRow sets limits as an administrator, if there is one and SETQUOTA is for administrators.
func setQuotaRow(e *env) cell {
	limits := map[string]uint64{"STORAGE": 123456}
	if !e.offers("QUOTA") || e.offers("QUOTA=RES-STORAGE") && !e.offers("QUOTASET") {
		return e.unsupported(func() error { _, err := e.client().SetQuota(e.ctx(), "", limits); return err })
	}
	root := e.quotaRoot().Root
	got, err := e.client().SetQuota(e.ctx(), root, limits)
	refusal, refused := errors.AsType[*imap.Error](err)
	if refused && e.target.name == "cyrus" {
		admin, password := e.target.real.MasterUser()
		c := e.dial()
		require.NoError(e, c.Login(e.ctx(), admin, password))
		got, err = c.SetQuota(e.ctx(), "user/"+e.user, limits)
	} else if refused {
		require.Equal(e, "SETQUOTA", refusal.Command)
		return refuses.except("setquota-is-refused")
	}
	require.NoError(e, err)
	storage, ok := got.Resource("STORAGE")
	if !ok { // not every server returns the new limits
		storage = e.quota()
	}
	require.EqualValues(e, 123456, storage.Limit)
	return works
}

const comment = "/private/comment"

var metadataRows = []row{
	{method: "SetMetadata", run: func(e *env) cell {
		box := e.box()
		entries := map[string][]byte{comment: []byte("two\r\nlines, \"ä\"")}
		set := func() error { return e.client().SetMetadata(e.ctx(), box, entries) }
		if !e.offers("METADATA") {
			return e.unsupported(set)
		}
		require.NoError(e, set())
		got, err := e.client().GetMetadata(e.ctx(), box, comment)
		require.NoError(e, err)
		require.Equal(e, entries, got)
		require.NoError(e, e.client().SetMetadata(e.ctx(), box, map[string][]byte{comment: nil}))
		got, err = e.client().GetMetadata(e.ctx(), box, comment)
		require.NoError(e, err)
		require.Nil(e, got[comment])
		return works
	}},
	{method: "GetMetadata", run: func(e *env) cell {
		box := e.box()
		get := func() (map[string][]byte, error) {
			return e.client().GetMetadata(e.ctx(), box, comment, "/private/none")
		}
		if !e.offers("METADATA") {
			return e.unsupported(func() error { _, err := get(); return err })
		}
		require.NoError(e, e.client().SetMetadata(e.ctx(), box, map[string][]byte{comment: []byte("one")}))
		got, err := get()
		require.NoError(e, err)
		require.Equal(e, "one", string(got[comment]))
		require.Nil(e, got["/private/none"])
		return works
	}},
	{method: "GetMetadataWith", run: func(e *env) cell {
		box := e.box()
		get := func() (*imap.MetadataResult, error) {
			return e.client().GetMetadataWith(e.ctx(), box, &imap.MetadataOptions{MaxSize: 10, Depth: imap.DepthInfinity}, "/private")
		}
		if !e.offers("METADATA") {
			return e.unsupported(func() error { _, err := get(); return err })
		}
		require.NoError(e, e.client().SetMetadata(e.ctx(), box, map[string][]byte{comment: []byte("short")}))
		got, err := get()
		require.NoError(e, err)
		require.Equal(e, "short", string(got.Entries[comment]))
		return works
	}},
}

// legacyRows are commands of imaplib that are older than the standards.
var legacyRows = []row{
	{method: "GetAnnotation", run: func(e *env) cell {
		_, err := e.client().GetAnnotation(e.ctx(), e.box(), "/comment", "value.priv")
		return e.knownOrNot(err)
	}},
	{method: "SetAnnotation", run: func(e *env) cell {
		err := e.client().SetAnnotation(e.ctx(), e.box(), "/comment", map[string]string{"value.priv": "note"})
		return e.knownOrNot(err)
	}},
	{method: "Partial", run: func(e *env) cell {
		e.open(mixed)
		got, err := e.client().Partial(e.ctx(), 1, "RFC822", 1, 10)
		if err == nil {
			require.Equal(e, mixed[:10], string(got))
		}
		return e.knownOrNot(err)
	}},
}

// knownOrNot is the cell of a command for which there is no capability.
func (e *env) knownOrNot(err error) cell {
	e.Helper()
	if err == nil {
		return works
	}
	return e.unknownTo(err)
}
