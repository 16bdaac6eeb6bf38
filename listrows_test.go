package imap

import (
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

// TestMailboxRowsKeepWhatDiffers: rows that are alike are kept together, and none gets what was said of another; a mailbox
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
