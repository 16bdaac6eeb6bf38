package imap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mixedRows are rows with everything that comes out of slabs, in many sizes, and some that cannot be read to their end.
func mixedRows(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]string, n)
	for i := range rows {
		flags := strings.TrimSpace(strings.Repeat(`\Seen $Junk `, r.IntN(4)))
		to := strings.Repeat(`("A" NIL "a" "b")`, 1+r.IntN(r.IntN(90)+1))
		parts := strings.Repeat(cannedPart, 1+r.IntN(6))
		switch r.IntN(10) {
		case 0:
			to += `("broken" ("A"))`
		case 1:
			parts += `("text" "plain" ("charset" ("broken")) NIL`
		case 2:
			flags += ` "broken`
		case 3:
			parts += `("message" "rfc822" NIL NIL NIL "7bit" 1 ("Wed, 17 Jul 1996 02:23:25 -0700" "inner" ((NIL NIL "x" "y")) NIL NIL NIL NIL NIL NIL NIL) ` + cannedPart + ` 4)`
		case 4:
			to, parts = "", cannedPart[1:len(cannedPart)-1]
		}
		if to != "" {
			to = "(" + to + ")"
		} else {
			to = "NIL"
		}
		rows[i] = fmt.Sprintf(`* %d FETCH (UID %d FLAGS (%s) ENVELOPE (NIL "s%d" %s NIL NIL %s NIL NIL NIL "<%d>") BODYSTRUCTURE (%s "mixed" ("boundary" "b%d")))`,
			i+1, 1000+i, flags, i, to, to, i, parts, i)
	}
	return rows
}

// parseAlone reads a row by itself, without slabs.
func parseAlone(c *Client, row string) (*Message, error) {
	r := new(response)
	r.max, r.table = defaultDepth, extensions
	r.load([]byte(row), nil)
	return r.parseMessage()
}

func TestMessagesFromSlabsAreWholeAndApart(t *testing.T) {
	c, conn := cannedClient(t)
	rows := mixedRows(500)
	conn.answer("UID FETCH", strings.Join(rows, "\r\n")+"\r\n")
	var got []*Message
	for m, err := range c.Fetch(context.Background(), UIDRange(1, 0), FetchFlags, FetchEnvelope, FetchBodyStructure) {
		require.NotNil(t, m, err)
		got = append(got, m)
		// What the caller does with one message is nothing to the others.
		m.Flags = append(m.Flags, "mine")
		if m.Envelope != nil {
			m.Envelope.To = append(m.Envelope.To, Address{Name: "mine"})
		}
	}
	require.Len(t, got, len(rows))
	for i, m := range got {
		want, _ := parseAlone(c, rows[i])
		want.Flags = append(want.Flags, "mine")
		if want.Envelope != nil {
			want.Envelope.To = append(want.Envelope.To, Address{Name: "mine"})
		}
		require.Equal(t, want, m, rows[i])
	}
}

func TestStreamedMessagesAreWhole(t *testing.T) {
	c, conn := cannedClient(t)
	rows := mixedRows(500)
	conn.answer("UID FETCH", strings.Join(rows, "\r\n")+"\r\n")
	i := 0
	for m, err := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchFlags, FetchEnvelope, FetchBodyStructure) {
		require.NotNil(t, m, err)
		want, _ := parseAlone(c, rows[i])
		require.Equal(t, want, &m.Message, rows[i])
		i++
	}
	assert.Len(t, rows, i)
}

// TestNewsInAStreamIsOwned: a row that answers nothing becomes an event, which is kept while the stream goes on.
func TestNewsInAStreamIsOwned(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 1001 FLAGS (\\Seen a))\r\n* 7 FETCH (FLAGS (x y z))\r\n* 2 FETCH (UID 1002 FLAGS (\\Flagged b c d))\r\n")
	for _, err := range c.FetchStream(context.Background(), UIDRange(1, 0), FetchFlags) {
		require.NoError(t, err)
	}
	events := c.Events()
	require.NotEmpty(t, events)
	assert.Equal(t, &FetchEvent{&Message{SeqNum: 7, Flags: []Flag{"x", "y", "z"}}}, events[len(events)-1])
}

// TestSlabBlocks: blocks start as small as what is asked for and stay within the limit.
func TestSlabBlocks(t *testing.T) {
	s := slab[int]{limit: 8}
	for i, want := range []int{1, 2, 2, 4, 4, 4, 4, 8, 8} {
		s.one()
		assert.Equal(t, want, s.size, i)
	}
	assert.Len(t, s.take(100), 100)
	assert.LessOrEqual(t, cap(s.free), 8)
	zero := slab[int]{}
	assert.Len(t, zero.take(3), 3)
	assert.Nil(t, zero.tail())
}

// TestSlabRewind: what was handed out before a rewind comes again, and is zero.
func TestSlabRewind(t *testing.T) {
	s := slab[int]{limit: 8, again: true}
	for range 5 {
		a := s.take(3)
		assert.Equal(t, []int{0, 0, 0}, a)
		a[0], a[2] = 1, 2
		b := append(s.tail(), 7, 8, 9, 10, 11, 12)
		assert.Len(t, s.keep(b), 6)
		s.drop(append(s.tail(), 5))
		s.rewind()
	}
	assert.LessOrEqual(t, len(s.block), 16)
}

// TestLookup: every name is found, in any case, and nothing else.
func TestLookup(t *testing.T) {
	for name := range knownNames.all {
		for _, form := range []string{name, strings.ToLower(name), name[:1] + strings.ToLower(name[1:])} {
			n, ok := knownNames.find([]byte(form))
			assert.True(t, ok, form)
			assert.Equal(t, name, n.name)
		}
		_, ok := knownNames.find([]byte(name + "X"))
		assert.False(t, ok)
	}
	_, ok := knownNames.find(nil)
	assert.False(t, ok)
}

// TestHotNamesHaveTheirOwnPlaces: the names of every day are found without hashing.
func TestHotNamesHaveTheirOwnPlaces(t *testing.T) {
	for _, name := range []string{"FETCH", "SEARCH", "ESEARCH", "LIST", "STATUS", "EXISTS", "EXPUNGE", "FLAGS", "OK", "VANISHED"} {
		assert.Equal(t, name, knownNames.slots[slotOf(name)].name)
	}
	for name := range extensions.fetch.all {
		assert.Equal(t, name, extensions.fetch.slots[slotOf(name)].name)
	}
}

func TestInternerIsBounded(t *testing.T) {
	var names interner
	for i := range 10_000 {
		name := fmt.Sprint("keyword", i)
		assert.Equal(t, name, names.intern([]byte(name)))
	}
	assert.Len(t, names.m, internLimit)
	long := strings.Repeat("x", internLength+1)
	assert.Equal(t, long, names.intern([]byte(long)))
	assert.Equal(t, "", names.intern(nil))
}
