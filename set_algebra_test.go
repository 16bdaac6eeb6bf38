package imap_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// TestSetAlgebraAtRandom compares with sets of numbers one by one. Ranges are in any order.
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
