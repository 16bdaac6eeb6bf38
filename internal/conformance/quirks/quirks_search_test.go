package quirks_test

import (
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuirksOfSearches(t *testing.T) { runQuirks(t, searchQuirks) }

// searching is a quirk in the answer to UID SEARCH, without ESEARCH.
func searching(row int, server string, odd bool, want imap.SearchResult, lines ...string) quirk {
	return quirk{row: row, server: server, odd: odd, script: testkit.Answering("UID SEARCH ALL", lines...), check: func(t *testing.T, c *imap.Client) {
		res, err := c.Search(testkit.Context(t), imap.Where(), nil)
		require.NoError(t, err)
		assert.Equal(t, &want, res)
	}}
}

// found is the result of a search that found these.
func found(uids ...imap.UID) imap.SearchResult {
	set := imap.UIDs(uids...)
	if set == nil {
		return imap.SearchResult{UIDs: imap.UIDSet{}}
	}
	return imap.SearchResult{UIDs: set, Min: uint32(uids[0]), Max: uint32(uids[len(uids)-1]), Count: uint32(len(uids))}
}

// withModSeq is the result with a mod-sequence.
func withModSeq(res imap.SearchResult, n uint64) imap.SearchResult {
	res.ModSeq = n
	return res
}

// extended is a quirk in the answer to a search with RETURN; the tag of the command is $.
func extended(row int, server string, odd bool, o *imap.SearchOptions, options, line string, want imap.SearchResult, more string) quirk {
	return quirk{row: row, server: server, odd: odd, caps: "IMAP4rev1 ESEARCH", script: "C: $ UID SEARCH RETURN (" + options + ") ALL\nS: " + line + "\nS: $ OK\n" + more,
		check: func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where(), o)
			require.NoError(t, err)
			assert.Equal(t, &want, res)
		}}
}

// refusedReturn is a search whose RETURN is refused.
func refusedReturn(o *imap.SearchOptions, options string, q imap.Query, keys string) quirk {
	return quirk{row: 261, server: "mailo.com", caps: "IMAP4rev1 ESEARCH", script: "C: $ UID SEARCH RETURN (" + options + ") " + keys + "\nS: $ BAD syntax error\n" +
		testkit.Answering("UID SEARCH "+keys, "* SEARCH 4 5 7"), check: func(t *testing.T, c *imap.Client) {
		res, err := c.Search(testkit.Context(t), q, o)
		require.NoError(t, err)
		want := found(4, 5, 7)
		if o != nil {
			want.UIDs = nil
		}
		assert.Equal(t, &want, res)
	}}
}

// searchQuirks are about SEARCH, ESEARCH, SORT and THREAD.
var searchQuirks = []quirk{
	searching(144, "Yahoo, exmail.qq.com", true, found(1, 2, 3), "* SEARCH 1 2 3 "),
	searching(144, "Yahoo, exmail.qq.com", true, found(), "* SEARCH "),
	searching(145, "iCloud", false, found()),
	searching(146, "?", false, withModSeq(found(1, 2), 9), "* SEARCH 1 2(modseq 9)"),
	searching(146, "?", false, withModSeq(found(1, 2, 3, 4), 9), "* SEARCH 1 2 (modseq 9) 3 4"),
	extended(147, "Cyrus 2.4.16", false, nil, "ALL", "* SEARCH 1 2", found(1, 2), ""),
	extended(147, "Cyrus 2.4.16", false, &imap.SearchOptions{Min: true, Count: true}, "MIN COUNT", "* SEARCH 4 7", imap.SearchResult{Min: 4, Max: 7, Count: 2}, ""),
	{row: 260, server: "Office 365", caps: "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT ENABLE IMAP4rev2 CHILDREN IDLE NAMESPACE LITERAL+",
		script: testkit.Answering("UID SEARCH UNSEEN", "* SEARCH 4 5") + "C: $ ENABLE IMAP4rev2\nS: * ENABLED IMAP4rev2\nS: $ OK\n" +
			"C: $ UID SEARCH RETURN (ALL) UNSEEN\nS: * ESEARCH (TAG \"$\") UID ALL 4:5\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
			ctx := testkit.Context(t)
			res, err := c.Search(ctx, imap.Where().Unseen(), nil)
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(4, 5), res.UIDs)
			_, err = c.Enable(ctx, "IMAP4rev2")
			require.NoError(t, err)
			res, err = c.Search(ctx, imap.Where().Unseen(), nil)
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(4, 5), res.UIDs)
		}},
	refusedReturn(nil, "ALL", imap.Where(), "ALL"),
	refusedReturn(&imap.SearchOptions{Min: true, Max: true, Count: true}, "MIN MAX COUNT", imap.Where(), "ALL"),
	{row: 261, server: "mailo.com", caps: "IMAP4rev1 ESEARCH", script: "C: $ UID SEARCH RETURN (ALL) 1:3\nS: $ BAD syntax error\n", check: func(t *testing.T, c *imap.Client) {
		_, err := c.Search(testkit.Context(t), imap.Where().In(imap.SeqRange(1, 3)), nil)
		assert.Equal(t, "BAD", serverError(t, err).Status, "the numbers may mean other messages by now")
	}},
	{row: 148, server: "rev2 servers", script: "C: $ UID SEARCH ALL\nS: * ESEARCH (TAG \"$\") UID ALL 1:3\nS: $ OK\n", check: func(t *testing.T, c *imap.Client) {
		res, err := c.Search(testkit.Context(t), imap.Where(), nil)
		require.NoError(t, err)
		assert.Equal(t, imap.UIDRange(1, 3), res.UIDs)
		assert.EqualValues(t, 3, res.Count)
	}},
	extended(149, "iCloud", false, nil, "ALL", `* ESEARCH (TAG "$") UID COUNT 2`, found(4, 5), testkit.Answering("UID SEARCH ALL", "* SEARCH 4 5")),
	extended(149, "iCloud", false, &imap.SearchOptions{Min: true, Count: true}, "MIN COUNT", `* ESEARCH (TAG "$") UID COUNT 2`, imap.SearchResult{Min: 4, Max: 5, Count: 2}, testkit.Answering("UID SEARCH ALL", "* SEARCH 4 5")),
	extended(150, "?", false, nil, "ALL", `* ESEARCH (TAG "$") UID ALL 1:2`, found(1, 2), ""),
	extended(151, "?", true, nil, "ALL", `* ESEARCH (TAG "$") UID (ALL 1:2 COUNT 2)`, found(1, 2), ""),
	extended(151, "?", true, nil, "ALL", `* ESEARCH (TAG "$") UID (ALL 1:2) (COUNT 2)`, found(1, 2), ""),
	searching(152, "?", true, found(1, 2, 7), "* SEARCH 7 0 2 7 1 2"),
	searching(153, "many", false, found(1, 2, 3), "* SEARCH 3 1", "* SEARCH 2"),
	{row: 154, server: "Yahoo", script: testkit.Answering(`UID SEARCH SUBJECT "plain"`, "* SEARCH 1") + "C: $ UID SEARCH CHARSET UTF-8 SUBJECT {2+}\nC: ü\nS: $ BAD CHARSET not understood\n",
		check: func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where().Subject("plain"), nil)
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(1), res.UIDs)
			_, err = c.Search(testkit.Context(t), imap.Where().Subject("ü"), nil)
			assert.Equal(t, "BAD", serverError(t, err).Status)
		}},
	{row: 155, server: "Courier", caps: "IMAP4rev1 SORT", script: "C: $ UID SORT (DATE) UTF-8 SUBJECT \"a\"\nS: $ NO [BADCHARSET] The specified charset is not supported\n" +
		testkit.Answering(`UID SORT (DATE) US-ASCII SUBJECT "a"`, "* SORT 2 1"), check: func(t *testing.T, c *imap.Client) {
		uids, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where().Subject("a"))
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{2, 1}, uids)
	}},
	{row: 155, server: "Courier", caps: "IMAP4rev1 THREAD=REFERENCES", script: "C: $ UID THREAD REFERENCES UTF-8 SUBJECT \"a\"\nS: $ BAD charset\n" +
		testkit.Answering(`UID THREAD REFERENCES US-ASCII SUBJECT "a"`, "* THREAD (1 2)"), check: func(t *testing.T, c *imap.Client) {
		nodes, err := c.Thread(testkit.Context(t), "REFERENCES", imap.Where().Subject("a"))
		require.NoError(t, err)
		require.Len(t, nodes, 1)
		assert.EqualValues(t, 1, nodes[0].Num)
	}},
	{row: 156, server: "?", odd: true, caps: "IMAP4rev1 THREAD=REFERENCES", script: testkit.Answering("UID THREAD REFERENCES UTF-8 ALL", "* THREAD "), check: func(t *testing.T, c *imap.Client) {
		nodes, err := c.Thread(testkit.Context(t), "REFERENCES", imap.Where())
		require.NoError(t, err)
		assert.Empty(t, nodes)
	}},
	{row: 156, server: "?", odd: true, caps: "IMAP4rev1 SORT", script: testkit.Answering("UID SORT (DATE) UTF-8 ALL", "* SORT 1 2 "), check: func(t *testing.T, c *imap.Client) {
		uids, err := c.Sort(testkit.Context(t), []imap.SortKey{{Name: "DATE"}}, imap.Where())
		require.NoError(t, err)
		assert.Equal(t, []imap.UID{1, 2}, uids)
	}},
}
