package imap

import "testing"

// An encoded word with nothing behind it was dropped once.
func TestDecodeTextLastWord(t *testing.T) {
	for in, want := range map[string]string{
		"=?utf-8?q?=C3=BCber?=":                         "über",
		"Bericht =?utf-8?q?=C3=BCber?=":                 "Bericht über",
		"=?utf-8?q?=C3?= =?utf-8?q?=BCber?=":            "über",
		"=?utf-8?q?=C3=BCber?= alles":                   "über alles",
		"=?iso-8859-1?q?=FCber?= =?utf-8?b?w7xiZXI=?= ": "überüber ",
	} {
		if got := decodeText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
