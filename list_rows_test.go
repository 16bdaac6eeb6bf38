package imap

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMailboxRows: rows stay in their order and are found by the name as sent, however many there are; one that comes
// again adds its attributes.
func TestMailboxRows(t *testing.T) {
	for _, n := range []int{0, 1, firstListChunk - 1, firstListChunk, firstListChunk + 1, 24, 25, 3*firstListChunk + 1, 5000} {
		l := newMailboxRows()
		name := func(i int) string { return fmt.Sprintf("a/%d", i) }
		for i := range n {
			l.addText(t, `(\Marked) "/" "`+name(i)+`"`)
		}
		for i := 0; i < n; i += 3 {
			l.addText(t, `(\marked \Sent) "/" `+name(i))
		}
		all := l.entries()
		require.Len(t, all, n)
		assert.Nil(t, l.find("b"))
		for i := range all {
			want := []MailboxAttr{AttrMarked}
			if i%3 == 0 {
				want = append(want, AttrSent)
			}
			assert.Equal(t, ListEntry{Name: name(i), Raw: name(i), Delimiter: "/", Attrs: want}, all[i])
			assert.Equal(t, want, l.find(name(i)).Attrs)
		}
	}
}

func (l *mailboxRows) addText(t *testing.T, text string) {
	entry := l.next()
	assert.Equal(t, ListEntry{}, *entry)
	require.NoError(t, l.read(responseOf([]byte(text)), entry))
	l.add(entry)
}

// TestMailboxRowsHoldNoOther: what a caller changes or appends in the attributes of one mailbox does not show in another,
// also where a server says the same of both.
func TestMailboxRowsHoldNoOther(t *testing.T) {
	l := newMailboxRows()
	for _, name := range []string{"a", "b", "c"} {
		l.addText(t, `(\Marked) "/" `+name)
	}
	all := l.entries()
	all[0].subscribe()
	all[1].Attrs[0] = AttrSent
	assert.Equal(t, []MailboxAttr{AttrMarked, AttrSubscribed}, all[0].Attrs)
	assert.Equal(t, []MailboxAttr{AttrMarked}, all[2].Attrs)
	assert.Equal(t, []MailboxAttr{AttrMarked}, l.entries()[1].Attrs)
}

// TestMailboxRowsKeepWhatDiffers: rows that are alike are kept together, and none gets what was sent of another; a mailbox
// that comes again changes itself alone.
func TestMailboxRowsKeepWhatDiffers(t *testing.T) {
	rows := []string{
		`(\Marked) "/" a`, `(\Marked) "." b`, `(\Marked) NIL c`, `(\Sent) "/" d`, `(\Marked \Sent) "/" e`, `(\Sent \Marked) "/" f`,
		`() "/" g`, `"/" h`, `(\Marked) "/" "Entw&APw-rfe"`,
		`(\Marked) "/" j ("CHILDINFO" ("SUBSCRIBED"))`, `(\Marked) "/" k ("OLDNAME" ("i"))`, `(\Marked) "/" l`, `(\One) "/" m`, `(\Two) "/" n`,
	}
	l := newMailboxRows()
	var want []ListEntry
	for range 2 { // what has gone out of memory is kept anew
		for _, text := range rows {
			l.addText(t, text)
		}
	}
	l.addText(t, `(\Drafts) "/" l`)
	for _, text := range rows {
		entry, err := responseOf([]byte(text)).listEntry()
		require.NoError(t, err)
		want = append(want, entry)
	}
	want[11].Attrs = []MailboxAttr{AttrMarked, AttrDrafts}
	assert.Equal(t, want, l.entries())
	assert.Equal(t, "Entwürfe", want[8].Name)
	assert.Equal(t, []string{"SUBSCRIBED"}, want[9].ChildInfo)
	assert.Equal(t, "i", want[10].OldName)
}

// TestTextSlab: strings are what was put in, before and after a block is full, and those that are too large for one.
func TestTextSlab(t *testing.T) {
	text := func(i int) string { return strings.Repeat("x", i%40+i%7*100) + fmt.Sprint(i) }
	var places []textPlace
	s := textSlab{limit: 256}
	for i := range 300 {
		places = append(places, s.add([]byte(text(i))))
	}
	for i, place := range places {
		assert.Equal(t, text(i), s.at(place))
	}
}

// shortLines is a client that takes no line of more than some KiB.
func shortLines(t *testing.T) (*Client, *cannedConn) {
	c, conn := cannedClient(t)
	c.conn.Limits.MaxLine = 40 << 10
	return c, conn
}

// TestLongSearchResults: results are read on beyond MaxLine, in whatever pieces they come.
func TestLongSearchResults(t *testing.T) {
	const n = 30_000
	ranges := strings.TrimSuffix(strings.TrimPrefix(searchRanges(n, 3), "* ESEARCH UID ALL "), "\r\n")
	plain := strings.TrimSuffix(searchNumbers(n, 3), "\r\n")
	for name, answer := range map[string]string{
		"numbers":          plain,
		"modseq":           plain + " (MODSEQ 77)",
		"two lines":        plain + "\r\n" + searchNumbers(10, 1)[:len(searchNumbers(10, 1))-2],
		"extended":         "* ESEARCH UID ALL " + ranges,
		"items around":     fmt.Sprintf("* ESEARCH (TAG \"A2\") UID COUNT %d ALL %s MODSEQ 77", n, ranges),
		"lower case, tabs": strings.ReplaceAll(strings.Replace(plain, "SEARCH", "search", 1), " 1003", "\t1003"),
	} {
		for _, piece := range []int{0, 1, 1000, 16 << 10} {
			t.Run(fmt.Sprint(name, " by ", piece), func(t *testing.T) {
				c, conn := shortLines(t)
				conn.answer("UID SEARCH", answer+"\r\n")
				conn.piece = piece
				for range 2 { // the client is well afterwards
					answer := strings.ReplaceAll(answer, "A2", fmt.Sprint("A", c.tags+1))
					conn.answer("UID SEARCH", answer+"\r\n")
					res, err := c.Search(context.Background(), Where(), nil)
					require.NoError(t, err)
					assert.EqualValues(t, n, res.Count)
					assert.EqualValues(t, n, res.UIDs.Len())
					assert.EqualValues(t, 1000, res.Min)
					assert.Equal(t, strings.Contains(answer, "MODSEQ"), res.ModSeq == 77)
					assert.True(t, res.UIDs.isNormal())
				}
			})
		}
	}
}

// TestLongSearchBySequenceNumber has its result in Seqs.
func TestLongSearchBySequenceNumber(t *testing.T) {
	c, conn := shortLines(t)
	conn.answer("SEARCH", searchNumbers(30_000, 5))
	res, err := c.SearchSeq(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 30_000, res.Seqs.Len())
	assert.Nil(t, res.UIDs)
}

// TestLongSearchResultsThatAreNone: what is no number costs the search, and what nobody asked for the connection once it
// is too long.
func TestLongSearchResultsThatAreNone(t *testing.T) {
	for _, answer := range []string{
		strings.Replace(searchNumbers(5000, 1), " 1200", " x", 1), strings.Replace(searchNumbers(5000, 1), " 5000", " 5000x", 1),
		searchNumbers(5000, 1)[:8+5*4000] + " 99999999999\r\n", strings.Replace(searchRanges(9000, 3), ",1400:", ",x:", 1),
	} {
		c, conn := shortLines(t)
		conn.answer("UID SEARCH", answer)
		_, err := c.Search(context.Background(), Where(), nil)
		var bad *ProtocolError
		require.ErrorAs(t, err, &bad, answer[:60])
		require.NoError(t, c.Noop(context.Background()))
	}
	c, conn := shortLines(t)
	conn.answer("NOOP", searchNumbers(30_000, 1))
	var limit *LimitError
	require.ErrorAs(t, c.Noop(context.Background()), &limit)
	assert.Equal(t, "MaxLine", limit.Name)
}

// TestLongSearchOfAnother: the ESEARCH of another tag is not taken.
func TestLongSearchOfAnother(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID SEARCH", strings.Replace(searchRanges(30_000, 1), "ESEARCH", `ESEARCH (TAG "other")`, 1)+"* SEARCH 7\r\n")
	res, err := c.Search(context.Background(), Where(), nil)
	require.NoError(t, err)
	assert.Equal(t, UIDs(7), res.UIDs)
}

func TestRunsAreBounded(t *testing.T) {
	s := runs{n: maxRuns - runsBlock, last: make([]Range[UID], runsBlock)}
	s.add(5)
	assert.True(t, s.over)
	assert.Error(t, s.err())
	assert.Len(t, s.last, runsBlock)
}

func TestRunsKeepBlocksInOrder(t *testing.T) {
	var s runs
	for i := range UID(3*runsBlock + 5) {
		s.add(2*i + 1)
	}
	s.add(2) // out of order
	set := s.set()
	assert.Len(t, set, 3*runsBlock+4)
	assert.Equal(t, Range[UID]{1, 3}, set[0])
	assert.True(t, set.isNormal())
}
