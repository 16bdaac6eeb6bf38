package partial_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withoutSize fetches flags and sizes of the messages 1 to n, and returns how many have no size although there was no error.
func withoutSize(t *testing.T, c *imap.Client, n int) int {
	sizes := map[imap.UID]int64{}
	for m, err := range c.Fetch(t.Context(), imap.UIDRange(1, imap.UID(n)), imap.FetchFlags, imap.FetchSize) {
		require.NoError(t, err)
		sizes[m.UID] += m.Size
	}
	lost := 0
	for i := 1; i <= n; i++ {
		if sizes[imap.UID(i)] != 10 {
			lost++
		}
	}
	return lost
}

// TestManyNewsBeforeAnswers: no item of a message is lost if unsolicited responses about very many messages come before.
func TestManyNewsBeforeAnswers(t *testing.T) {
	const n = 100
	text := fmt.Sprintf("C: $ UID FETCH 1:%d (UID FLAGS RFC822.SIZE)\n", n)
	for i := 1; i <= n; i++ {
		text += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i, i)
	}
	for i := 1; i <= n; i++ {
		text += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen) RFC822.SIZE 10)\n", i, i)
	}
	c := testkit.OfferingSelected(t, "", text+"S: $ OK done\n")
	require.Zero(t, withoutSize(t, c, n))
}

// TestManyInTwoResponses: nor if the first part of very many messages comes before the second of any.
func TestManyInTwoResponses(t *testing.T) {
	const n = 200
	text := fmt.Sprintf("C: $ UID FETCH 1:%d (UID FLAGS RFC822.SIZE)\n", n)
	for i := 1; i <= n; i++ {
		text += fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i, i)
	}
	for i := 1; i <= n; i++ {
		text += fmt.Sprintf("S: * %d FETCH (UID %d RFC822.SIZE 10)\n", i, i)
	}
	c := testkit.OfferingSelected(t, "", text+"S: $ OK done\n")
	require.Zero(t, withoutSize(t, c, n))
}

// TestStreamManyInTwoResponses: the same for the sections of a FetchStream.
func TestStreamManyInTwoResponses(t *testing.T) {
	const n = 100
	text := fmt.Sprintf("C: $ UID FETCH 1:%d (UID BODY.PEEK[1] BODY.PEEK[2])\n", n)
	for part := 1; part <= 2; part++ {
		for i := 1; i <= n; i++ {
			text += fmt.Sprintf("S: * %d FETCH (UID %d BODY[%d] {1}\nS: x)\n", i, i, part)
		}
	}
	c := testkit.OfferingSelected(t, "", text+"S: $ OK done\n")
	bodies := 0
	for m, err := range c.FetchStream(t.Context(), imap.UIDRange(1, n), imap.Section{Part: []int{1}}, imap.Section{Part: []int{2}}) {
		require.NoError(t, err)
		for b, err := range m.Bodies() {
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, b)
			require.NoError(t, err)
			bodies++
		}
	}
	require.Equal(t, 2*n, bodies)
}

// TestRFC822BehindNews: the items of IMAP2 for the text are waited for as sections are.
func TestRFC822BehindNews(t *testing.T) {
	for _, item := range []string{"RFC822", "RFC822.TEXT", "RFC822.HEADER"} {
		text := "C: $ UID FETCH 1 (UID " + item + ")\nS: * 1 FETCH (UID 1 FLAGS (\\Seen))\nS: * 1 FETCH (UID 1 " + item + " {4}\nS: body)\nS: $ OK done\n"
		m, err := testkit.OfferingSelected(t, "", text).FetchOne(t.Context(), 1, imap.FetchAttr(item))
		require.NoError(t, err)
		assert.Len(t, m.Sections, 1, item)
		n := 0
		for m, err := range testkit.OfferingSelected(t, "", text).FetchStream(t.Context(), imap.UIDs(1), imap.FetchAttr(item)) {
			require.NoError(t, err)
			for b, err := range m.Bodies() {
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, b)
				require.NoError(t, err)
				n++
			}
		}
		assert.Equal(t, 1, n, item)
	}
}

func TestRFC822InTwoResponses(t *testing.T) {
	c := testkit.OfferingSelected(t, "", `
		C: $ UID FETCH 1 (UID RFC822.HEADER RFC822.TEXT FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (a))
		S: * 1 FETCH (UID 1 RFC822.HEADER {1}
		S: h)
		S: * 1 FETCH (UID 1 RFC822.TEXT {1}
		S: t)
		S: $ OK done
	`)
	m, err := c.FetchOne(t.Context(), 1, imap.FetchAttr("RFC822.HEADER"), imap.FetchAttr("RFC822.TEXT"), imap.FetchFlags)
	require.NoError(t, err)
	require.Len(t, m.Sections, 2)
}

// TestBinarySizesInTwoResponses: all sizes of parts are waited for.
func TestBinarySizesInTwoResponses(t *testing.T) {
	c := testkit.OfferingSelected(t, "BINARY", `
		C: $ UID FETCH 1 (UID BINARY.SIZE[1] BINARY.SIZE[2])
		S: * 1 FETCH (UID 1 BINARY.SIZE[1] 5)
		S: * 1 FETCH (UID 1 BINARY.SIZE[2] 6)
		S: $ OK done
	`)
	m, err := c.FetchOne(t.Context(), 1, imap.FetchBinarySize(1), imap.FetchBinarySize(2))
	require.NoError(t, err)
	_, ok := m.BinarySize(2)
	require.True(t, ok)
}

// TestStoreModifiedInParts: a NO with MODIFIED does not keep the other parts from being sent.
func TestStoreModifiedInParts(t *testing.T) {
	c := testkit.OfferingSelected(t, "CONDSTORE MESSAGELIMIT=2", `
		C: $ UID SEARCH UID 1:4
		S: * SEARCH 1 2 3 4
		S: $ OK done
		C: $ UID STORE 3:4 (UNCHANGEDSINCE 9) +FLAGS (x)
		S: * 3 FETCH (UID 3 MODSEQ (12) FLAGS (x))
		S: $ NO [MODIFIED 4] expunged meanwhile
		C: $ UID STORE 1:2 (UNCHANGEDSINCE 9) +FLAGS (x)
		S: * 1 FETCH (UID 1 MODSEQ (13) FLAGS (x))
		S: $ OK [MODIFIED 2] done
	`)
	res, err := c.Store(t.Context(), imap.UIDRange(1, 4), imap.AddFlags("x"), &imap.StoreOptions{UnchangedSince: 9})
	require.Equal(t, imap.CodeModified, imap.CodeOf(err))
	require.Equal(t, "4,2", res.ModifiedUID.String())
	require.Len(t, res.Messages, 2)
}
