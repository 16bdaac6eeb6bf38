package mimetext

import (
	"strings"
	"testing"
	"time"
)

// repeated are pieces of long texts. Each provokes a loop in a loop.
var repeated = []string{"=?", "=?utf-8?q?", "=?utf-8?q?a", "=?utf-8?b?4?= ", "=?utf-8?q?=C3=?= ", "?=", "=?utf-8?q?a?=AA", "?=AA", "=", "=C3", "\xfc ", "\xc3", "\r\n", "\r\n ", "=?x?y?z?= ",
	"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= ", "=?gb2312?B?1tC?= ", "=?utf-8?b?=", "=?utf-8?q?a =?", "'", "%", "%C3", "(", ")", ",", "1 ", "Feb ", "=?utf-7?q?+", "\x1b", "=?utf-8?b?w7w=w7w=?=",
	"?utf-8", "/", ". ", "=?utf-8?q?a?= =?big5?q?b?= "}

// decodeAll passes a text to every function.
func decodeAll(s string) {
	Decoder{}.Text(s)
	Decoder{}.Text("=?utf-8?q?" + s)
	Decoder{}.Text("=?utf-8?b?" + s + "?=")
	Decoder{}.Param(pairs("name*", s, "name", s), "name")
	Decoder{}.Param(pairs("name*0*", "utf-8''"+s, "name*1", s, "name*2*", s), "name")
	ParseDate(s)
	SafeName(s, s, s)
}

// TestLinear compares the time for a text with that for 32 times as much: quadratic time would be 1,024 times as long. The
// shortest of several measurements counts, because the machine may be busy.
func TestLinear(t *testing.T) {
	const short, long = 1 << 10, 1 << 15
	least := func(s string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			decodeAll(s)
			best = min(best, time.Since(start))
		}
		return best
	}
	for _, piece := range repeated {
		a, b := least(strings.Repeat(piece, short/len(piece))), least(strings.Repeat(piece, long/len(piece)))
		for range 5 {
			if b < 192*max(a, 50*time.Microsecond) {
				break
			}
			a, b = least(strings.Repeat(piece, short/len(piece))), least(strings.Repeat(piece, long/len(piece)))
		}
		if b >= 192*max(a, 50*time.Microsecond) {
			t.Errorf("%q: %v, and %v for 32 times as much", piece, a, b)
		}
	}
}
