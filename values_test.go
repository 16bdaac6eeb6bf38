package imap_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-imaplib/imap"
	"github.com/go-imaplib/imap/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSetArithmetic compares the operations on sets with those on lists of numbers.
func TestSetArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a, b := randomUIDs(r), randomUIDs(r)
		res := fmt.Sprintf("a %v b %v", a, b)
		for uid := imap.UID(1); uid < 25; uid++ {
			inA, inB := slices.Contains(a, uid), slices.Contains(b, uid)
			left, right := imap.UIDs(a...), imap.UIDs(b...)
			minus, both, any := left.Minus(right), left.Intersect(right), left.Union(right)
			assert.Equal(t, inA && !inB, minus.Contains(uid), res)
			assert.Equal(t, inA && inB, both.Contains(uid), res)
			assert.Equal(t, inA || inB, any.Contains(uid), res)
		}
	}
	last := imap.UID(1<<32 - 1)
	open, end := imap.UIDRange(5, last), imap.UIDRange(last-1, last)
	minus, both := open.Minus(end), open.Intersect(end)
	assert.Equal(t, imap.UIDRange(5, last-2), minus)
	assert.Equal(t, imap.UIDRange(last-1, last), both)
}

func randomUIDs(r *rand.Rand) []imap.UID {
	var list []imap.UID
	for range r.IntN(12) {
		list = append(list, imap.UID(1+r.IntN(24)))
	}
	return list
}

func uidSet(t *testing.T, s string) imap.UIDSet {
	t.Helper()
	if s == "" {
		return nil
	}
	set, err := imap.ParseUIDSet(s)
	require.NoError(t, err)
	return set
}

func TestSetAlgebra(t *testing.T) {
	for _, tt := range []struct{ a, b, union, intersect, minus string }{
		{"", "", "", "", ""},
		{"1:3", "", "1:3", "", "1:3"},
		{"", "1:3", "1:3", "", ""},
		{"1:3", "2", "1:3", "2", "1,3"},
		{"1:3", "4", "1:4", "", "1:3"},
		{"1:10", "3,5:6,9:20", "1:20", "3,5:6,9:10", "1:2,4,7:8"},
		{"3,5:6,9:20", "1:10", "1:20", "3,5:6,9:10", "11:20"},
		{"5:*", "7", "5:*", "7", "5:6,8:4294967295"},
		{"5:*", "5", "5:*", "5", "6:4294967295"},
		{"5:*", "9:*", "5:*", "9:*", "5:8"},
		{"9:*", "5:*", "5:*", "9:*", ""},
		{"*", "5:*", "5:*", "*", ""},
		{"5:*", "*", "5:*", "*", "5:*"},
		{"*", "*", "*", "*", ""},
		{"1:3,*", "2", "1:3,*", "2", "1,3,*"},
		{"*", "1:9", "1:9,*", "", "*"},
		{"4294967295", "4294967295", "4294967295", "4294967295", ""},
		{"1:4294967295", "2:4294967294", "1:4294967295", "2:4294967294", "1,4294967295"},
	} {
		a, b := uidSet(t, tt.a), uidSet(t, tt.b)
		assert.Equal(t, tt.union, a.Union(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.intersect, a.Intersect(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.minus, a.Minus(b).String(), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.a, a.String(), "it has not changed")
		assert.Equal(t, tt.b, b.String(), "it has not changed")
	}
}

func TestSetFirstLast(t *testing.T) {
	for _, tt := range []struct {
		set         string
		n           int
		first, last string
	}{
		{"", 3, "", ""},
		{"1:3", 0, "", ""},
		{"1:3", -1, "", ""},
		{"1:3", 2, "1:2", "2:3"},
		{"1:3", 9, "1:3", "1:3"},
		{"1:3,7,9:20", 4, "1:3,7", "17:20"},
		{"1:3,7,9:20", 14, "1:3,7,9:18", "3,7,9:20"},
		{"5:*", 3, "5:7", ""},
		{"*", 3, "", ""},
		{"1:2,*", 3, "1:2", ""},
		{"4294967290:*", 9, "4294967290:4294967295", ""},
	} {
		assert.Equal(t, tt.first, uidSet(t, tt.set).First(tt.n).String(), "the first %d of %s", tt.n, tt.set)
		assert.Equal(t, tt.last, uidSet(t, tt.set).Last(tt.n).String(), "the last %d of %s", tt.n, tt.set)
	}
}

// TestSetAlgebraAtRandom compares sets with lists of numbers. Ranges are in any order.
func TestSetAlgebraAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func() (imap.UIDSet, map[imap.UID]bool) {
		var set imap.UIDSet
		has := make(map[imap.UID]bool)
		for range random.IntN(6) {
			start := imap.UID(1 + random.IntN(30))
			r := imap.Range[imap.UID]{Start: start, Stop: start + imap.UID(random.IntN(8))}
			set = append(set, r)
			for n := r.Start; n <= r.Stop; n++ {
				has[n] = true
			}
		}
		return set, has
	}
	for range 3000 {
		a, inA := some()
		b, inB := some()
		before := fmt.Sprint(a, b)
		union, intersect, minus := a.Union(b), a.Intersect(b), a.Minus(b)
		n := random.IntN(12)
		first, last := a.First(n), a.Last(n)
		var lower, all int
		for uid := range inA {
			_ = uid
			all++
		}
		for uid := imap.UID(1); uid < 50; uid++ {
			require.Equal(t, inA[uid] || inB[uid], union.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && inB[uid], intersect.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && !inB[uid], minus.Contains(uid), "%v %v %d", a, b, uid)
			require.Equal(t, inA[uid] && lower < n, first.Contains(uid), "%v %d %d", a, n, uid)
			require.Equal(t, inA[uid] && all-lower <= n, last.Contains(uid), "%v %d %d", a, n, uid)
			if inA[uid] {
				lower++
			}
		}
		require.Equal(t, before, fmt.Sprint(a, b))
	}
}

// TestLongSets splits sets that are too long for a line, and joins the results. Courier accepts lines of 8,000 bytes.
func TestLongSets(t *testing.T) {
	var odd []imap.UID
	for uid := imap.UID(1000001); len(odd) < 2500; uid += 2 {
		odd = append(odd, uid)
	}
	set := imap.UIDs(odd...)
	const pieces = 3 // of at most 875 numbers of 7 digits and a comma
	piece := func(i int) string {
		part := set[i*875 : min((i+1)*875, len(set))]
		return part.String()
	}
	first := func(i int) imap.UID { return odd[i*875] }
	last := func(i int) imap.UID { return odd[min((i+1)*875, len(odd))-1] }
	// play answers each of the commands that name one piece.
	play := func(command func(set string) string, answers func(i int) string, end func(i int) string) string {
		var b strings.Builder
		for i := range pieces {
			fmt.Fprintf(&b, "C: $ %s\n%sS: $ OK %s\n", command(piece(i)), answers(i), end(i))
		}
		return b.String()
	}
	plain := func(int) string { return "done" }
	none := func(int) string { return "" }
	row := func(i int) string { return fmt.Sprintf("S: * %d FETCH (UID %d FLAGS (\\Seen))\n", i+1, first(i)) }
	copied := func(i int) string { return fmt.Sprintf("[COPYUID 7 %d %d] done", last(i), 100+i) }
	search := func(i int) string { return fmt.Sprintf("S: * SEARCH %d %d\n", first(i), last(i)) }

	for name, test := range map[string]struct {
		script string
		call   func(t *testing.T, c *imap.Client)
	}{
		"Fetch": {play(func(s string) string { return "UID FETCH " + s + " (UID FLAGS)" }, row, plain), func(t *testing.T, c *imap.Client) {
			got, err := imap.Collect(c.Fetch(testkit.Context(t), set, imap.FetchFlags))
			require.NoError(t, err)
			require.Len(t, got, pieces)
			assert.Equal(t, first(2), got[2].UID)
		}},
		"FetchStream": {play(func(s string) string { return "UID FETCH " + s + " (UID FLAGS)" }, row, plain), func(t *testing.T, c *imap.Client) {
			n := 0
			for _, err := range c.FetchStream(testkit.Context(t), set, imap.FetchFlags) {
				require.NoError(t, err)
				n++
			}
			assert.Equal(t, pieces, n)
		}},
		"Store": {play(func(s string) string { return "UID STORE " + s + " +FLAGS (\\Seen)" }, row, func(i int) string {
			return fmt.Sprintf("[MODIFIED %d] done", last(i))
		}), func(t *testing.T, c *imap.Client) {
			res, err := c.Store(testkit.Context(t), set, imap.AddFlags(imap.FlagSeen), nil)
			require.NoError(t, err)
			assert.Len(t, res.Messages, pieces)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.ModifiedUID)
		}},
		"Copy": {play(func(s string) string { return "UID COPY " + s + " b" }, none, copied), func(t *testing.T, c *imap.Client) {
			res, err := c.Copy(testkit.Context(t), set, "b")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.Source)
			assert.EqualValues(t, 3, res.Dest.Len())
		}},
		"Move": {play(func(s string) string { return "UID MOVE " + s + " b" }, none, copied), func(t *testing.T, c *imap.Client) {
			res, err := c.Move(testkit.Context(t), set, "b")
			require.NoError(t, err)
			assert.Equal(t, imap.UIDs(last(0), last(1), last(2)), res.Source)
		}},
		"UIDExpunge": {play(func(s string) string { return "UID EXPUNGE " + s }, func(int) string { return "S: * 1 EXPUNGE\n" }, plain), func(t *testing.T, c *imap.Client) {
			res, err := c.UIDExpunge(testkit.Context(t), set)
			require.NoError(t, err)
			assert.Equal(t, []imap.SeqNum{1, 1, 1}, res.SeqNums)
		}},
		"Search": {play(func(s string) string { return "UID SEARCH UNSEEN UID " + s + " FLAGGED" }, search, plain), func(t *testing.T, c *imap.Client) {
			res, err := c.Search(testkit.Context(t), imap.Where().Unseen().In(set).Flagged(), nil)
			require.NoError(t, err)
			want := imap.UIDs(first(0), last(0), first(1), last(1), first(2), last(2))
			assert.Equal(t, &imap.SearchResult{UIDs: want, Min: uint32(first(0)), Max: uint32(last(2)), Count: 6}, res)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Offering(t, "MOVE UIDPLUS", "C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\n"+test.script+testkit.OnlyNoop)
			testkit.Open(t, c, "INBOX")
			test.call(t, c)
			testkit.RequireNothingSent(t, c)
		})
	}
}

// TestLongSearch: a set that cannot be split without changing the result is sent whole.
func TestLongSearch(t *testing.T) {
	var odd []imap.UID
	for uid := imap.UID(1000001); len(odd) < 2500; uid += 2 {
		odd = append(odd, uid)
	}
	set := imap.UIDs(odd...)
	c := testkit.Offering(t, "", "C: $ SELECT INBOX\nS: * 9 EXISTS\nS: $ OK [READ-WRITE] done\nC: $ UID SEARCH NOT UID "+set.String()+"\nS: * SEARCH 7\nS: $ OK done\n")
	testkit.Open(t, c, "INBOX")
	res, err := c.Search(testkit.Context(t), imap.Where().Not(imap.Where().In(set)), nil)
	require.NoError(t, err)
	assert.Equal(t, imap.UIDs(7), res.UIDs)
}

func TestParseAddressList(t *testing.T) {
	for in, want := range map[string][]imap.Address{
		"":                                  nil,
		" , ; ":                             nil,
		"ada@example.org":                   {{Mailbox: "ada", Host: "example.org"}},
		"Ada Lovelace <ada@example.org>":    {{Name: "Ada Lovelace", Mailbox: "ada", Host: "example.org"}},
		`"Lovelace, Ada" <ada@example.org>`: {{Name: "Lovelace, Ada", Mailbox: "ada", Host: "example.org"}},
		"a@x, B <b@y>,\r\n c@z (Cee (see))": {{Mailbox: "a", Host: "x"}, {Name: "B", Mailbox: "b", Host: "y"}, {Name: "Cee (see)", Mailbox: "c", Host: "z"}},
		"=?utf-8?q?Ad=C3=A1?= <a@x>":        {{Name: "Adá", Mailbox: "a", Host: "x"}},
		"Team: a@x, b@y;, c@z":              {{Mailbox: "a", Host: "x"}, {Mailbox: "b", Host: "y"}, {Mailbox: "c", Host: "z"}},
		"undisclosed-recipients:;":          nil,
		"<@a,@b:c@d>":                       {{Mailbox: "c", Host: "d"}},
		`"a b"@x`:                           {{Mailbox: "a b", Host: "x"}},
		`"say \"hi\"" <a@x>`:                {{Name: `say "hi"`, Mailbox: "a", Host: "x"}},
		"root":                              {{Mailbox: "root"}},
		"ada @ example . org":               {{Mailbox: "ada", Host: "example.org"}},
		"A. B. <a@x>":                       {{Name: "A. B.", Mailbox: "a", Host: "x"}},
		"<>":                                nil,
		`"open <a@x`:                        {{Mailbox: "open <a", Host: "x"}},
		"(open":                             nil,
		"a@x <":                             {{Mailbox: "a", Host: "x"}},
	} {
		assert.Equal(t, want, imap.ParseAddressList(in), "%q", in)
	}
	long := strings.Repeat("a@x,", 50_000)
	assert.Len(t, imap.ParseAddressList(long), 50_000)
	imap.ParseAddressList(strings.Repeat("(", 100_000))
	imap.ParseAddressList(strings.Repeat(`"\`, 100_000))
}

// urls are the URLs of RFC 5092 section 9, RFC 4467, RFC 4469, RFC 2193 and RFC 2221, and others like them.
var urls = []struct {
	text string
	url  imap.URL
	same bool // String writes it so again
}{
	{"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024",
		imap.URL{Host: "minbari.example.org", Mailbox: "gray-council", UIDValidity: 385759045, UID: 20, Partial: &imap.URLPartial{Length: 1024}}, true},
	{"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97",
		imap.URL{Host: "psicorp.example.org", Mailbox: "~peter/日本語/台北"}, true},
	{"imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2",
		imap.URL{Host: "minbari.example.org", Auth: "GSSAPI", Mailbox: "gray-council", UID: 20, Section: "1.2"}, false},
	{"imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows",
		imap.URL{Host: "minbari.example.org", Auth: "*", Mailbox: "gray council", Search: "SUBJECT shadows"}, true},
	{"imap://john;AUTH=*@minbari.example.org/babylon5/personel?charset%20UTF-8%20SUBJECT%20%7B14+%7D%0D%0A%D0%98%D0%B2%D0%B0",
		imap.URL{User: "john", Host: "minbari.example.org", Auth: "*", Mailbox: "babylon5/personel",
			Search: "charset UTF-8 SUBJECT {14+}\r\nИва"}, true},
	{"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038",
		imap.URL{User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: "1.2", Access: "submit+fred", Mechanism: "internal",
			Token: "91354a473744909de610943775f92038"}, false},
	{"imap://joe@example.com/INBOX/;UID=20/;SECTION=1.2;EXPIRE=2006-12-19T16:39:57-08:00;URLAUTH=user+fred",
		imap.URL{User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: "1.2", Access: "user+fred",
			Expire: time.Date(2006, 12, 19, 16, 39, 57, 0, time.FixedZone("", -8*3600))}, true},
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
		imap.URL{Mailbox: "Drafts", UIDValidity: 385759045, UID: 20, Section: "HEADER"}, false},
	{"//foo.example/public/;UID=7", imap.URL{Host: "foo.example", Mailbox: "public", UID: 7}, false},
	{"IMAP://MIKE@SERVER2/", imap.URL{User: "MIKE", Host: "SERVER2"}, false},
	{"imap://SERVER2:1143/", imap.URL{Host: "SERVER2:1143"}, true},
	{"imap://[2001:db8::1]:143/INBOX", imap.URL{Host: "[2001:db8::1]:143", Mailbox: "INBOX"}, true},
	{"imap://user;AUTH=*@SERVER2/REMOTE", imap.URL{User: "user", Auth: "*", Host: "SERVER2", Mailbox: "REMOTE"}, true},
	{"imap://h/a%3Bb%2F%2Fc%3F%25", imap.URL{Host: "h", Mailbox: "a;b//c?%"}, false},
	{"imap://h/%2Fa/%2E%2E/b%2F/;UID=1", imap.URL{Host: "h", Mailbox: "/a/../b/", UID: 1}, true},
	{"imap://a%40b%3Ac@h/x/;UID=4294967295/;PARTIAL=9223372036854775807",
		imap.URL{User: "a@b:c", Host: "h", Mailbox: "x", UID: 4294967295, Partial: &imap.URLPartial{Offset: 9223372036854775807}}, true},
}

func TestURL(t *testing.T) {
	for _, tt := range urls {
		got, err := imap.ParseURL(tt.text)
		require.NoError(t, err, tt.text)
		if !tt.url.Expire.IsZero() {
			assert.True(t, tt.url.Expire.Equal(got.Expire))
			got.Expire = tt.url.Expire
		}
		assert.Equal(t, tt.url, *got, tt.text)
		again := got.String()
		if tt.same {
			assert.Equal(t, tt.text, again)
		}
		back, err := imap.ParseURL(again)
		require.NoError(t, err, again)
		assert.Equal(t, again, back.String())
	}
}

// TestURLRefused: a string that is not an IMAP URL is an error, whose text contains nothing of it.
func TestURLRefused(t *testing.T) {
	for _, s := range []string{"", "/", "imap:", "imap://", "imap:///x", "http://h/x", "INBOX/;UID=1", ";UID=1", "imap://h/;UID=1", "imap://h/a/;UID=0",
		"imap://h/a/;UID=4294967296", "imap://h/a/;UID=", "imap://h/a/;UID=-1", "imap://h/a/;UID=+1", "imap://h/a/;UID=1/;SECTION=", "imap://h/a/;UID=1/;SECTION=1/;PARTIAL=",
		"imap://h/a/;UID=1/;PARTIAL=1.0", "imap://h/a/;UID=1/;PARTIAL=.5", "imap://h/a/;UID=1/;PARTIAL=1.+5", "imap://h/a;UIDVALIDITY=0", "imap://h/a;UIDVALIDITY=x",
		"imap://h/a;TYPE=LIST", "imap://h/a?", "imap://h/a/;UID=1?ALL", "imap://h/a b", "imap://h/a%", "imap://h/a%0", "imap://h/a%0g", "imap://h/a%00", "imap://h/%ff",
		"imap://h/ä", "imap://h/a\r\n", "imap://@h/a", "imap://u;AUTH=@h/a", "imap://u@/a", "imap://h/a/;UID=1;URLAUTH=", "imap://h/a/;UID=1;URLAUTH=user+",
		"imap://h/a/;UID=1;URLAUTH=+x", "imap://h/a/;UID=1;URLAUTH=anonymous:INTERNAL", "imap://h/a/;UID=1;URLAUTH=anonymous:INTERNAL:xyz",
		"imap://h/a/;UID=1;URLAUTH=anonymous::00", "imap://h/a/;UID=1;EXPIRE=2006-12-19T16:39:57Z", "imap://h/a/;UID=1;EXPIRE=x;URLAUTH=anonymous",
		"imap://h/a/;UID=1;URLAUTH=anonymous;EXPIRE=2006-12-19T16:39:57Z", "imap://h/a/;UID=1/;X=1", "imap://h#x/a", "imap://h/a/;PARTIAL=1/;UID=1"} {
		u, err := imap.ParseURL(s)
		assert.EqualError(t, err, "imap: not an IMAP URL", s)
		assert.Nil(t, u, s)
	}
}

// FuzzURL: a URL that is read and written reads the same again.
func FuzzURL(f *testing.F) {
	for _, tt := range urls {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := imap.ParseURL(s)
		if err != nil {
			return
		}
		text := u.String()
		again, err := imap.ParseURL(text)
		require.NoError(t, err, "%q -> %q", s, text)
		assert.True(t, u.Expire.Equal(again.Expire))
		again.Expire = u.Expire
		assert.Equal(t, u, again, "%q -> %q", s, text)
	})
}
