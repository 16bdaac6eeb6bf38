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

// TestStreamSameSections: two items for the same octets, in two responses, are two bodies, as Fetch has two sections.
func TestStreamSameSections(t *testing.T) {
	for name, rows := range map[string]string{
		"RFC822 first": "S: * 1 FETCH (UID 1 RFC822 {1}\nS: x FLAGS (a))\nS: * 1 FETCH (UID 1 BODY[] {1}\nS: x)\n",
		"BODY[] first": "S: * 1 FETCH (UID 1 BODY[] {1}\nS: x FLAGS (a))\nS: * 1 FETCH (UID 1 RFC822 {1}\nS: x)\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := "C: $ UID FETCH 1 (UID RFC822 BODY.PEEK[] FLAGS)\n" + rows + "S: $ OK done\n"
			items := []imap.FetchItem{imap.FetchAttr("RFC822"), imap.Section{}, imap.FetchFlags}
			m, err := testkit.OfferingSelected(t, "", text).FetchOne(t.Context(), 1, items...)
			require.NoError(t, err)
			require.Len(t, m.Sections, 2)
			n := 0
			for m, err := range testkit.OfferingSelected(t, "", text).FetchStream(t.Context(), imap.UIDs(1), items...) {
				require.NoError(t, err)
				for b, err := range m.Bodies() {
					require.NoError(t, err)
					data, err := io.ReadAll(b)
					require.NoError(t, err)
					require.Equal(t, "x", string(data))
					n++
				}
			}
			require.Equal(t, 2, n)
		})
	}
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

// TestSecondBinarySizes: a second size is not lost, however many messages its response comes after, and whether it has the UID
// or not.
func TestSecondBinarySizes(t *testing.T) {
	rows := func(format string, n, part int) (text string) {
		for i := 1; i <= n; i++ {
			text += fmt.Sprintf("S: * %[1]d FETCH ("+format+"BINARY.SIZE[%[2]d] 7)\n", i, part)
		}
		return text
	}
	const uid = "UID %[1]d "
	for name, test := range map[string]struct {
		n    int
		rows string
	}{
		"few":             {5, rows(uid, 5, 1) + rows(uid, 5, 2)},
		"more than wait":  {20, rows(uid, 20, 1) + rows(uid, 20, 2)},
		"very many":       {200, rows(uid, 200, 1) + rows(uid, 200, 2)},
		"three":           {20, rows(uid, 20, 1) + rows(uid, 20, 2) + rows(uid, 20, 3)},
		"without a UID":   {5, rows(uid, 5, 1) + rows("", 5, 2)},
		"and without one": {20, rows(uid, 20, 1) + rows("", 20, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			last := 2
			if name == "three" {
				last = 3
			}
			var items []imap.FetchItem
			command := "C: $ UID FETCH 1:* (UID"
			for part := 1; part <= last; part++ {
				items = append(items, imap.FetchBinarySize(part))
				command += fmt.Sprintf(" BINARY.SIZE[%d]", part)
			}
			c := testkit.OfferingSelected(t, "BINARY", command+")\n"+test.rows+"S: $ OK done\n")
			sizes, yielded := map[imap.UID]int{}, 0
			for m, err := range c.Fetch(t.Context(), imap.UIDRange(1, 0), items...) {
				require.NoError(t, err)
				yielded++
				for part := 1; part <= last; part++ {
					if _, ok := m.BinarySize(part); ok {
						sizes[m.UID]++
					}
				}
			}
			for i := 1; i <= test.n; i++ {
				require.Equal(t, last, sizes[imap.UID(i)], "message %d", i)
			}
			if name == "few" {
				require.Equal(t, test.n, yielded, "the second sizes were waited for")
			}
		})
	}
}

// TestStreamBinarySizes: a message is yielded with all sizes of its parts, wherever its body is. A body that need not wait for
// them may be too long to be held.
func TestStreamBinarySizes(t *testing.T) {
	for name, rows := range map[string]string{
		"before": "* 1 FETCH (UID 1 BINARY.SIZE[1] 5 BINARY.SIZE[2] 6 BODY[] {12}\r\nabcdefghijkl)",
		"around": "* 1 FETCH (UID 1 BINARY.SIZE[1] 5 BODY[] {1}\r\na BINARY.SIZE[2] 6)",
		"apart":  "* 1 FETCH (UID 1 BINARY.SIZE[1] 5)\r\n* 1 FETCH (UID 1 BINARY.SIZE[2] 6 BODY[] {12}\r\nabcdefghijkl)",
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.DialPeerOffering(t, "IMAP4rev1 BINARY", &imap.Options{MaxLiteral: 10}, func(h *testkit.Peer) {
				h.Send("* 1 EXISTS\r\n%s OK done", h.Line("SELECT a"))
				h.Send("%s\r\n%s OK done", rows, h.Line("UID FETCH 1 (UID BINARY.SIZE[1] BINARY.SIZE[2] BODY.PEEK[])"))
			})
			require.NoError(t, testkit.ErrOf(c.Select(t.Context(), "a", nil)))
			bodies := 0
			for m, err := range c.FetchStream(t.Context(), imap.UIDs(1), imap.FetchBinarySize(1), imap.FetchBinarySize(2), imap.Section{}) {
				require.NoError(t, err)
				_, one := m.BinarySize(1)
				_, two := m.BinarySize(2)
				require.True(t, one && two)
				for _, err := range m.Bodies() {
					require.NoError(t, err)
					bodies++
				}
			}
			require.Equal(t, 1, bodies)
		})
	}
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
