package mimetext

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

var paramCases = []struct {
	why, want string
	params    []string
}{
	{"none", "", nil},
	{"another", "", []string{"filenames", "x", "file", "y"}},
	{"plain", "report.pdf", []string{"filename", "report.pdf"}},
	{"the name in capitals", "report.pdf", []string{"FileName", "report.pdf"}},
	{"the first of two", "a", []string{"filename", "", "filename", "a", "filename", "b"}},
	{"encoded words", "über.pdf", []string{"filename", "=?utf-8?Q?=C3=BCber.pdf?="}},
	{"encoded words in two", "über alles.pdf", []string{"filename", "=?utf-8?Q?=C3=BCber?= =?utf-8?Q?_alles.pdf?="}},
	{"bytes that declare nothing", "über.pdf", []string{"filename", "\xfcber.pdf"}},
	{"folded", "second quarter report.xlsx", []string{"filename", "second quarter\r\n report.xlsx"}},
	{"a percent sign", "100%.pdf", []string{"filename", "100%.pdf"}},
	{"escapes of URLs are text", "a%20b.pdf", []string{"filename", "a%20b.pdf"}},
	{"apostrophes", "it's a '100%' x", []string{"filename", "it's a '100%' x"}},

	{"RFC 2231", "€ x.pdf", []string{"filename*", "utf-8''%e2%82%ac%20x.pdf"}},
	{"quotes around all of an extended value", "über.pdf", []string{"filename*", `"utf-8''%C3%BCber.pdf"`}},
	{"a language", "über.pdf", []string{"filename*", "ISO-8859-1'de-AT'%FCber.pdf"}},
	{"beside a plain one", "€.pdf", []string{"filename", "EUR.pdf", "filename*", "utf-8''%e2%82%ac.pdf"}},
	{"empty beside a plain one", "EUR.pdf", []string{"filename*", "", "filename", "EUR.pdf"}},
	{"empty text beside a plain one", "EUR.pdf", []string{"filename*", "utf-8''", "filename", "EUR.pdf"}},
	{"no character set", "€.pdf", []string{"filename*", "''%e2%82%ac.pdf"}},
	{"no character set, no UTF-8", "über.pdf", []string{"filename*", "''%FCber.pdf"}},
	{"no apostrophes", "€ x.pdf", []string{"filename*", "%e2%82%ac%20x.pdf"}},
	{"one apostrophe", "€.pdf", []string{"filename*", "utf-8'%e2%82%ac.pdf"}},
	{"an apostrophe in the text", "it's.pdf", []string{"filename*", "utf-8''it's.pdf"}},
	{"apostrophes that part nothing", "it's John's.pdf", []string{"filename*", "it's John's.pdf"}},
	{"in quotes", "a b.pdf", []string{"filename*", "utf-8''\"a b.pdf\""}},
	{"bytes that are not escaped", "über.pdf", []string{"filename*", "utf-8''über.pdf"}},
	{"encoded words", "über.pdf", []string{"filename*", "=?utf-8?Q?=C3=BCber.pdf?="}},
	{"encoded words behind a character set", "über.pdf", []string{"filename*", "utf-8''=?utf-8?Q?=C3=BCber.pdf?="}},
	{"encoded words, escaped", "über.pdf", []string{"filename*", "utf-8''%3D%3Futf-8%3FQ%3F%3DC3%3DBCber.pdf%3F%3D"}},
	{"encoded words in another character set", "über.pdf", []string{"filename*", "iso-8859-1''%3D%3Futf-8%3FQ%3F%3DC3%3DBCber.pdf%3F%3D"}},
	{"a character set that is not known", "über.pdf", []string{"filename*", "klingon''%C3%BCber.pdf"}},
	{"a character set that is not known, no UTF-8", "über.pdf", []string{"filename*", "klingon''%FCber.pdf"}},
	{"a character set that is not known beside a plain one", "ueber.pdf", []string{"filename*", "klingon''%FCber.pdf", "filename", "ueber.pdf"}},
	{"a character set that is not known, ASCII, beside a plain one", "a b.pdf", []string{"filename*", "klingon''a%20b.pdf", "filename", "x.pdf"}},
	{"us-ascii with more", "über.pdf", []string{"filename*", "us-ascii''%C3%BCber.pdf"}},
	{"UTF-8 that is none", "über.pdf", []string{"filename*", "utf-8''%FCber.pdf"}},
	{"a percent sign alone", "Angebot 100%.pdf", []string{"filename*", "UTF-8''Angebot%20100%.pdf"}},
	{"a percent sign twice", "%个", []string{"filename*", "UTF-8''%%E4%B8%AA"}},
	{"an escape that is cut", "a%2", []string{"filename*", "UTF-8''a%2"}},
	{"line ends", "a b.pdf", []string{"filename*", "UTF-8''a%0D%0Ab.pdf"}},
	{"NUL", "a\uFFFDb.pdf", []string{"filename*", "UTF-8''a%00b.pdf"}},
	{"the extended form under the plain name", "€ x.pdf", []string{"filename", "utf-8''%e2%82%ac%20x.pdf"}},

	{"pieces", "a very long name.pdf", []string{"filename*0", "a very ", "filename*1", "long name.pdf"}},
	{"pieces out of order", "part_zero_one.pdf", []string{"filename*1", "_one.pdf", "filename*0", "part_zero"}},
	{"more than ten", "0123456789AB", []string{"filename*11", "B", "filename*10", "A", "filename*2", "2", "filename*0", "0", "filename*1", "1", "filename*3", "3", "filename*4", "4",
		"filename*5", "5", "filename*6", "6", "filename*7", "7", "filename*8", "8", "filename*9", "9"}},
	{"numbers with zeros", "ab", []string{"filename*00", "a", "filename*01", "b"}},
	{"blanks in the names", "ab", []string{"filename *0", "a", "filename*1 ", "b"}},
	{"starting at one", "ab", []string{"filename*1", "a", "filename*2", "b"}},
	{"starting at one, extended", "€b", []string{"filename*1*", "utf-8''%e2%82%ac", "filename*2*", "b"}},
	{"one missing", "ac", []string{"filename*0", "a", "filename*2", "c"}},
	{"one missing beside a plain one", "abc", []string{"filename*0", "a", "filename*2", "c", "filename", "abc"}},
	{"whole beside a plain one", "ab", []string{"filename", "x", "filename*0", "a", "filename*1", "b"}},
	{"empty beside a plain one", "x", []string{"filename", "x", "filename*0", ""}},
	{"one twice", "ab", []string{"filename*0", "a", "filename*0", "x", "filename*1", "b"}},
	{"one twice, extended and not", "ü", []string{"filename*0", "ue", "filename*0*", "utf-8''%C3%BC"}},
	{"a character cut", "☃.txt", []string{"filename*0*", "UTF-8''%E2%98", "filename*1*", "%83.txt"}},
	{"an escape cut", "☃.txt", []string{"filename*0*", "UTF-8''%E2%9", "filename*1*", "8%83.txt"}},
	{"two characters of ISO-8859-1", "éè.txt", []string{"filename*0*", "ISO-8859-1''%E9", "filename*1*", "%E8.txt"}},
	{"ISO-2022-JP cut", "あいうえおあいうえお.png", []string{"filename*0*", "ISO-2022-JP''%1B%24B%24%22%24%24%24%26%24%28%24*%24%22%24%24%24", "filename*1*", "%26%24%28%24*%1B%28B.png"}},
	{"extended, then plain", "XX J 1 (P 4).pdf.pgp", []string{"filename*0*", "utf-8''XX%20J%201%20(P%204).pdf.pg", "filename*1", "p"}},
	{"a percent sign in a plain piece", "ü100%20", []string{"filename*0*", "utf-8''%C3%BC", "filename*1", "100%20"}},
	{"an escape in a plain piece", "üü.pdf", []string{"filename*0*", "utf-8''%C3%BC", "filename*1", "%C3%BC.pdf"}},
	{"plain, then extended", "aü.pdf", []string{"filename*0", "a", "filename*1*", "%C3%BC.pdf"}},
	{"the character set in the second", "aü.pdf", []string{"filename*0", "a", "filename*1*", "iso-8859-1''%FC.pdf"}},
	{"the character set in each", "äü.pdf", []string{"filename*0*", "utf-8''%C3%A4", "filename*1*", "utf-8''%C3%BC.pdf"}},
	{"not marked as extended", "äü.pdf", []string{"filename*0", "utf-8''%C3%A4", "filename*1", "%C3%BC.pdf"}},
	{"an unknown character set", "äü.pdf", []string{"filename*0*", "klingon''%C3%A4", "filename*1*", "%C3%BC.pdf"}},
	{"an unknown character set, no UTF-8", "äü.pdf", []string{"filename*0*", "klingon''%E4", "filename*1*", "%FC.pdf"}},
	{"an encoded word in the first", "äußerer.pdf", []string{"filename*0", "=?UTF-8?B?w6R1w59lcmVy?=", "filename*1", ".pdf"}},
	{"encoded words cut by the pieces", "отчёт_за_март.pdf", []string{"filename*0", "=?UTF-8?Q?=D0=BE=D1=82=D1=87=D1=91=D1=82=5F=D0=B7=D0=B0",
		"filename*1", "=5F?= =?UTF-8?Q?=D0=BC=D0=B0=D1=80=D1=82.pdf?="}},
	{"base64 cut by the pieces", "отчёт_за.pdf", []string{"filename*0", "=?utf-8?B?0L7RgtGH0ZHRgl/Q?=", "filename*1", " =?utf-8?B?t9CwLnBkZg==?="}},
	{"encoded words and characters cut", "a 😁😁😁😁😁.docx", []string{"filename*0", "=?UTF-8?Q?a_=F0=9F=98=81=F0?= =?UTF-8?Q?=9F=98=8",
		"filename*1", "1=F0=9F=98=81=F0?= =?UTF-8?Q?=9F=98=81", "filename*2", "=F0=9F=98=81.docx?="}},
	{"encoded words in extended pieces", "über.pdf", []string{"filename*0*", "utf-8''=?utf-8?Q?=C3=BC", "filename*1*", "ber.pdf?="}},
	{"no number", "x", []string{"filename*a", "y", "filename*", "x"}},
	{"a number that is too large", "x", []string{"filename*99999999999999999999", "y", "filename", "x"}},
}

func TestParams(t *testing.T) {
	for _, c := range paramCases {
		got := Decoder{}.Param(pairs(c.params...), "filename")
		assert.Equal(t, c.want, got, "%s: %q", c.why, c.params)
		assertLine(t, got, c.why)
	}
}

// The fallback is for parameters too.
func TestParamFallback(t *testing.T) {
	d := Decoder{Lookup("gbk")}
	for _, params := range [][]string{{"name", "\xc4\xe3\xba\xc3.txt"}, {"name*", "''%C4%E3%BA%C3.txt"}, {"name*0", "\xc4\xe3", "name*1", "\xba\xc3.txt"},
		{"name*0*", "klingon''%C4%E3", "name*1*", "%BA%C3.txt"}} {
		assert.Equal(t, "你好.txt", d.Param(pairs(params...), "name"), "%q", params)
	}
}
