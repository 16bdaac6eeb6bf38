package imap

import (
	"context"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainSeeds are rows that are plain, and rows that are so but for one thing.
var plainSeeds = []string{
	`* 1 FETCH (UID 7 FLAGS (\Seen))`,
	`* 12 FETCH (FLAGS () UID 4294967295)`,
	`* 999999999 FETCH (UID 999999999 RFC822.SIZE 0 FLAGS (\seen $Forwarded NonJunk \*))`,
	`* 0 FETCH (UID 1)`, `* 01 FETCH (UID 01)`, `* 1 FETCH (UID 0)`, `* 1 FETCH ()`, `* 1 FETCH (UID 1`, `* 1 FETCH (UID 1))`,
	`* 1 FETCH (UID 1 )`, `* 1 FETCH ( UID 1)`, `* 1 FETCH (UID  1)`, `* 1 FETCH (UID 1) `, `* 1 FETCH (uid 1)`, `* 1 FETCH (UID 1x)`,
	`* 1 FETCH (UID 1 FLAGS (NIL))`, `* 1 FETCH (UID 1 FLAGS (nil \Seen))`, `* 1 FETCH (UID 1 FLAGS (a "b" c))`, `* 1 FETCH (UID 1 FLAGS NIL)`,
	`* 1 FETCH (UID 1 FLAGS (\Seen ))`, `* 1 FETCH (UID 1 FLAGS ( \Seen))`, `* 1 FETCH (UID 1 FLAGS (a  b))`, `* 1 FETCH (UID 1 FLAGS (a(b)c))`,
	`* 1 FETCH (FLAGS (a) FLAGS (b) UID 3 UID 4)`, `* 1 FETCH (UID 3 (FLAGS (a)) UID 4)`, `* 1 FETCH (FLAGS (x{1}y) UID 3)`,
	`* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700" UID 3)`, `* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700"UID 3)`,
	`* 1 FETCH (INTERNALDATE " 7-Jul-1996 02:44:25 +0000")`, `* 1 FETCH (INTERNALDATE NIL UID 3)`, `* 1 FETCH (RFC822.SIZE 12345678901 UID 3)`,
	`* 1 FETCH (UID 3 RFC822.SIZE 12 RFC822.SIZE x FLAGS (y))`, `* 1 FETCH (UID 3 X-GM-MSGID 1278455344230334865 FLAGS (\Seen))`,
	`* 1 FETCH (FLAGS (\Flagged \Answered \Draft \Deleted \Recent very-long-keyword-that-is-not-remembered-because-of-its-length) UID 5)`,
	plainEnvelopeSeed,
	strings.Replace(plainEnvelopeSeed, `NIL "gray"`, `"<route>" "gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"gray"`, `"<gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `"edu>"`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `NIL`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"`, `""`, 1),
	strings.Replace(plainEnvelopeSeed, `"cac.washington.edu"))`, `"cac.washington.edu") ("x" NIL "y" "z"))`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"Te\"rry \\ Gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"Te"rry" Gray"`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `{5}`+"\r\n"+`Terry`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `=?utf-8?q?=C3=BC?=`, 1),
	strings.Replace(plainEnvelopeSeed, `"Terry Gray"`, `"=?utf-8?q?=C3=BC?="`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `"Grüße"`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `nil`, 1),
	strings.Replace(plainEnvelopeSeed, `"minutes"`, `"back\"`, 1),
	strings.Replace(plainEnvelopeSeed, ` NIL NIL NIL `, ` () NIL NIL `, 1),
	strings.Replace(plainEnvelopeSeed, ` NIL NIL NIL `, ` NIL NIL`, 1),
	strings.Replace(plainEnvelopeSeed, `>")`, `>" "more")`, 1),
}

const plainEnvelopeSeed = `* 1 FETCH (UID 3 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" "minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) ` +
	`NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL "<1@x>" "<2@y>") RFC822.SIZE 44)`

// FuzzPlainRows: a row that is read in one pass is what the readers of the whole grammar make of it.
func FuzzPlainRows(f *testing.F) {
	for _, row := range plainSeeds {
		f.Add([]byte(row))
	}
	for i := range uint64(50) {
		f.Add([]byte(plainMade(i)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		want := readRow(text, new(interner), new([]string))
		names := new(interner)
		for range 2 { // lists of flags are known the second time
			if got := readRow(text, names, nil); !sameRow(got, want) {
				t.Fatalf("%q:\n got %+v %+v\nwant %+v %+v", text, got, got.m, want, want.m)
			}
		}
		n, pos := plainHead(text)
		if n == 0 {
			return
		}
		p := plainRow{text: text, pos: pos, names: names, slabs: newSlabs(false)}
		p.row.m = &Message{SeqNum: SeqNum(n)}
		if p.items() && !sameRow(&p.row, want) {
			t.Fatalf("%q:\n got %+v %+v\nwant %+v %+v", text, p.row, p.row.m, want, want.m)
		}
	})
}

// plainMade is a row written in one of the legal ways.
func plainMade(seed uint64) string {
	mk, rd := &maker{rand.New(rand.NewPCG(seed, 1))}, &renderer{rand.New(rand.NewPCG(seed, 2))}
	return "* 7 FETCH (" + rd.row(mk.message()) + ")"
}

// readRow reads a row, with deviations in the second way alone.
func readRow(text []byte, names *interner, deviations *[]string) *fetched {
	r := &response{}
	r.max, r.table, r.names, r.deviations = defaultDepth, extensions, names, deviations
	r.load(text, nil)
	if !r.isRow() {
		return nil
	}
	return r.parseRow()
}

// sameRow reports whether two rows are the same, but for the wording of their errors.
func sameRow(a, b *fetched) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.got == b.got && a.bad == b.bad && (a.err == nil) == (b.err == nil) && reflect.DeepEqual(a.m, b.m)
}

// TestPlainNews: a row between others of the answer that is about a message which was not asked for is news.
func TestPlainNews(t *testing.T) {
	c, conn := cannedClient(t)
	conn.answer("UID FETCH", "* 1 FETCH (UID 5 FLAGS ())\r\n* 2 FETCH (UID 9 FLAGS (news))\r\n* 3 FETCH (UID 6 FLAGS ())\r\n"+
		"* 1 FETCH (UID 5 FLAGS (again))\r\n* 4 FETCH (UID 7 FLAGS ())\r\n")
	var got []UID
	for m, err := range c.Fetch(context.Background(), UIDs(5, 6, 7), FetchFlags) {
		require.NoError(t, err)
		got = append(got, m.UID)
	}
	assert.Equal(t, []UID{5, 6, 7}, got)
	assert.Equal(t, []Event{&FetchEvent{&Message{SeqNum: 2, UID: 9, Flags: []Flag{"news"}}},
		&FetchEvent{&Message{SeqNum: 1, UID: 5, Flags: []Flag{"again"}}}}, c.Events())
}
