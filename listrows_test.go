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
			assert.Equal(t, name(i), l.find(name(i)).Raw)
		}
	}
}

func (l *mailboxRows) addText(t *testing.T, text string) {
	entry := l.next()
	assert.Equal(t, ListEntry{}, *entry)
	require.NoError(t, l.read(responseOf([]byte(text)), entry))
	l.add(entry)
}

// TestMailboxRowsHoldNoOther: what a caller appends to the attributes of one mailbox does not show in the next.
func TestMailboxRowsHoldNoOther(t *testing.T) {
	l := newMailboxRows()
	l.addText(t, `(\Marked) "/" a`)
	l.addText(t, `(\Sent) "/" b`)
	all := l.entries()
	all[0].subscribe()
	assert.Equal(t, []MailboxAttr{AttrSent}, all[1].Attrs)
}

// TestTextSlab: strings are what was put in, before and after a block is full, and those that are too large for one.
func TestTextSlab(t *testing.T) {
	var kept []string
	s := textSlab{limit: 256}
	for i := range 300 {
		kept = append(kept, s.text([]byte(strings.Repeat("x", i%40)+fmt.Sprint(i))))
	}
	for i, text := range kept {
		assert.Equal(t, strings.Repeat("x", i%40)+fmt.Sprint(i), text)
	}
}
