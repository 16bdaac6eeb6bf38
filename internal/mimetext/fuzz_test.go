package mimetext

import (
	"io"
	"iter"
	"mime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// maxFuzzed limits the input, so that a target runs often.
const maxFuzzed = 8 << 10

// requireLine fails the test if a text breaks a guarantee of the package.
func requireLine(t *testing.T, in, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q became %q, which is no UTF-8", in, out)
	}
	for _, r := range out {
		if cleanRune(r, true) != r && r > 0x7e || r < ' ' || r == 0x7f {
			t.Fatalf("%q became %q, which holds %U", in, out, r)
		}
	}
	if len(out) > 8*len(in)+8 {
		t.Fatalf("%d bytes out of %d", len(out), len(in))
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"=?utf-8?q?=C3=BC?=", "=?iso-8859-1?b?/A==?= x", "=?utf-8?b?4?= =?utf-8?b?oKw=?=", "a =?x?= b", "=?utf-8*de?Q?a_b?=", "=?gb2312?B?xOO6ww==?=", "\xfcber",
		"=?=?=?=?=", "=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "=?utf-7?Q?+AOQ-?=", "=?utf-8?Q?a?=3D?=", "=?utf-8?Q?=C3=?=\r\n =?utf-8?Q?BC?=", "a\r\n b\x00\u0085", "=?utf-8?b?w7w=w7w=?=",
		"=??q?\xe9?=", "=?hz?q?~{VP~}?=", "=?utf-16?b?/v8A/A==?=", "=?utf-8?B?=C3=BCber?=", "=?utf-8?q?cut", "\xc4\xa3\xca\xbd"} {
		f.Add(s, "")
		f.Add(s, "gb18030")
	}
	f.Fuzz(func(t *testing.T, s, fallback string) {
		if len(s) > maxFuzzed {
			return
		}
		d := Decoder{Fallback: Lookup(fallback)}
		out := d.Text(s)
		requireLine(t, s, out)
		requireLine(t, s, d.Raw(s))
		requireLine(t, s, Clean(s))
		if clean := Clean(s); Clean(clean) != clean {
			t.Fatalf("%q: %q, then %q", s, clean, Clean(clean))
		}
		if !utf8.ValidString(s) || Clean(s) != s || strings.Contains(s, "=?") {
			return
		}
		if out != s {
			t.Fatalf("%q became %q", s, out)
		}
		for _, enc := range []mime.WordEncoder{mime.BEncoding, mime.QEncoding} {
			if word := enc.Encode("utf-8", s); d.Text(word) != withoutMarks(s) && word != s {
				t.Fatalf("%q: %q became %q", s, word, d.Text(word))
			}
		}
	})
}

// pairs yields alternating names and values.
func pairs(all ...string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i+1 < len(all); i += 2 {
			if !yield(all[i], all[i+1]) {
				return
			}
		}
	}
}

func FuzzParam(f *testing.F) {
	f.Add("name*", "utf-8''%e2%82%ac%20x", "name", "y", "", "")
	f.Add("name*0*", "utf-8''%e2%82", "name*1*", "%ac", "name*2", "x")
	f.Add("name*0", "a", "name*1", "b", "name", "c")
	f.Add("name", "=?utf-8?q?=C3=BC?=", "name*", "'", "", "")
	f.Add("name", "utf-8''%zz", "name*0*", "''", "", "")
	f.Add("name*0", "=?utf-8?b?w7", "name*1", "xiZXI=?=", "", "")
	f.Add("name*1*", "iso-8859-1'de'%fc", "name*3", "=?x", "name*0", "")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3 string) {
		if len(n1+v1+n2+v2+n3+v3) > maxFuzzed {
			return
		}
		requireLine(t, v1+v2+v3, Decoder{}.Param(pairs(n1, v1, n2, v2, n3, v3), "name"))
	})
}

func FuzzCharset(f *testing.F) {
	for _, c := range wildNames {
		name, _, _ := strings.Cut(c.names, " ")
		f.Add(name, []byte(c.bytes))
	}
	for _, s := range []string{"\x1b$)C\x0e\x21\x21\x0f", "\x1b$B\x21\x1b(B", "\xb1\x1b(I1\n2", "\x1b.A\x1bNa", "\x1b$A\x21\x21", "\x0e1\x0f", "\x1b$)A\x0e!!\x0f"} {
		f.Add("iso-2022-jp", []byte(s))
	}
	for name, s := range map[string]string{"johab": "\x88\x61\x88\x40\xd9\x31\xe0\x31\xd9\x90\x88", "euc-jis-2004": "\xa4\xf7\x8e\xb1\x8f\xa1\xa1\x8f\xb0\xa1\xa4A\x8f",
		"shift_jis-2004": "\x82\xf5\xb1\xf0\x40\xfc\xf4\x81\x20\x82", "iso-2022-jp-3": "\x1b$(Q\x24\x77\x1b$(P\x21\x21\x22"} {
		f.Add(name, []byte(s))
	}
	f.Add("utf-7", []byte("a+AOQ-b +2D3eAA- +- +"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if len(b) > maxFuzzed {
			return
		}
		e := Lookup(name)
		if e != Lookup(" "+strings.ToUpper(name)+" ;") && len(name) < maxName-4 {
			t.Fatalf("%q is not the same in upper case", name)
		}
		if e == nil {
			return
		}
		whole, _, err := transform.Bytes(e.NewDecoder(), b)
		if err != nil || !utf8.Valid(whole) {
			t.Fatalf("%s, %q: %q, %v", name, b, whole, err)
		}
		pieces, err := io.ReadAll(transform.NewReader(iotest.OneByteReader(strings.NewReader(string(b))), e.NewDecoder()))
		if err != nil || string(pieces) != string(whole) {
			t.Fatalf("%s, %q: %q in one piece, %q in many, %v", name, b, whole, pieces, err)
		}
		requireLine(t, string(b), string(Decoder{}.appendDeclared(nil, resolve(name), string(b))))
	})
}

func FuzzDate(f *testing.F) {
	for _, c := range dateCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxFuzzed {
			return
		}
		date, ok := ParseDate(s)
		if !ok {
			if !date.IsZero() {
				t.Fatalf("%q is no date, and is %v", s, date)
			}
			return
		}
		if _, offset := date.Zone(); offset%60 != 0 || date.Year() < 0 || date.Year() > 9999 {
			t.Fatalf("%q: %v", s, date)
		}
		again, ok := ParseDate(date.Format(time.RFC1123Z))
		if _, offset := date.Zone(); offset > -100*3600 && offset < 100*3600 && (!ok || !again.Equal(date)) {
			t.Fatalf("%q: %v, then %v, %v", s, date, again, ok)
		}
	})
}

func FuzzSafeName(f *testing.F) {
	for _, c := range safeNames {
		f.Add(c.in, "application", "pdf")
	}
	f.Fuzz(func(t *testing.T, name, mediaType, subtype string) {
		if len(name) > maxFuzzed {
			return
		}
		name = Clean(name)
		if base := BaseName(name); strings.ContainsAny(base, `/\`) || base == "." || base == ".." || BaseName(base) != base {
			t.Fatalf("%q: %q is a path", name, base)
		}
		safe := SafeName(name, mediaType, subtype)
		requireSafe(t, name, safe)
		if again := SafeName(safe, mediaType, subtype); again != safe {
			t.Fatalf("%q: %q, then %q", name, safe, again)
		}
	})
}

func requireSafe(t *testing.T, name, safe string) {
	t.Helper()
	if safe == "" || len(safe) > maxSafe || strings.ContainsAny(safe, "/\\:<>\"|?*\x00\r\n") || strings.HasPrefix(safe, ".") || strings.HasSuffix(safe, ".") ||
		strings.TrimSpace(safe) != safe || isDevice(safe) || !utf8.ValidString(safe) || !strings.Contains(safe, ".") {
		t.Fatalf("%q: %q is not safe", name, safe)
	}
}
