package mimetext

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// textCase is what a field holds, what a mail program shows, and why.
type textCase struct{ in, want, why string }

func checkTexts(t *testing.T, d Decoder, cases []textCase) {
	t.Helper()
	for _, c := range cases {
		got := d.Text(c.in)
		assert.Equal(t, c.want, got, "%s: %q", c.why, c.in)
		assertLine(t, got, c.in)
	}
}

// assertLine checks what the package guarantees of every text.
func assertLine(t *testing.T, text, in string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text), "%q: %q", in, text)
	for _, r := range text {
		if unicode.IsControl(r) && cleanRune(r, true) != r || r == '\u2028' || r == '\u2029' {
			t.Errorf("%q: %q holds %U", in, text, r)
		}
	}
}

var wordCases = []textCase{
	{"", "", "nothing"},
	{"plain", "plain", "no word"},
	{"=?utf-8?q?=C3=BCber?=", "über", "a word alone"},
	{"Bericht =?utf-8?q?=C3=BCber?= alles", "Bericht über alles", "blanks between words and text stay"},
	{"=?utf-8?q?=C3=BCber?= =?utf-8?q?_alles?=", "über alles", "blanks between words go"},
	{"=?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n\t=?utf-8?q?c?=", "abc", "folding between words goes"},
	{"=?utf-8?q?=C3=BC?= ", "ü ", "blanks behind the last word stay"},
	{"=?iso-8859-1?q?=FCber?= =?utf-8?b?w7xiZXI=?=", "überüber", "blanks between words of two character sets go"},
	{"=?UTF-8?Q?a?==?UTF-8?Q?b?=", "ab", "no blank between words"},
	{"x=?UTF-8?Q?=C3=A4?=y", "xäy", "glued to text"},
	{"(=?ISO-8859-1?Q?a?=)", "(a)", "RFC 2047 section 8"},
	{"(=?ISO-8859-1?Q?a?= b)", "(a b)", "RFC 2047 section 8"},
	{"(=?ISO-8859-1?Q?a_b?=)", "(a b)", "RFC 2047 section 8"},
	{"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)", "RFC 2047 section 8"},
	{"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore", "RFC 2231 section 5"},
	{"=?utf-8*de-AT?b?w7w=?=", "ü", "a language"},
	{"=?UTF-8?b?w7w=?= =?utf8?B?w7w=?= =?utf_8?B?w7w=?=", "üüü", "one character set under three names"},
	{"=?\"utf-8\"?Q?=C3=BC?= =?'utf-8'?Q?=C3=BC?= =? utf-8 ?Q?=C3=BC?=", "üüü", "quotes and blanks around the name"},
	{"=?charset=utf-8?Q?=C3=BC?= =?Charset=\"utf-8\"?Q?=C3=BC?=", "üü", "the parameter whole for the name"},
	{"=?charset?=utf-8?Q?=C3=BC?=", "=?charset?=utf-8?Q?=C3=BC?=", "an equals sign elsewhere"},
	{"=??Q?=C3=BC?=", "ü", "no name"},
	{"=?utf-8?Q??=", "", "no text"},
	{"a =?utf-8?Q??= b", "a  b", "no text between text"},
	{"=?utf-8?B??= =?utf-8?Q?x?=", "x", "no text before a word"},
	{"=?utf-8?base-64?w7w=?= =?utf-8?quoted_printable?=C3=BC?= =?utf-8?QuotedPrintable?=C3=BC?=", "üüü", "names of transfer encodings that do not exist"},
	{"=?utf-8?base64?w7w=?= =?utf-8?BASE64?w7w=?= =?utf-8?quoted-printable?=C3=BC?= =?utf-8?QP?=C3=BC?=", "üüüü", "names of transfer encodings in full"},
	{"=?utf-8?B?=C3=BCber.pdf?=", "über.pdf", "Q that says it is B: a dot"},
	{"=?utf-8?B?=C3=BCber?=", "über", "Q that says it is B: an equals sign that pads nothing"},
	{"=?utf-8?Q ?=C3=BC?=", "ü", "a blank behind the encoding"},
	{"=?utf-8?X?abc?= x", "=?utf-8?X?abc?= x", "an encoding that is not known"},
	{"=?x-klingon?Q?abc?=  =?x-klingon?Q?d=FF?= x", "=?x-klingon?Q?abc?=  =?x-klingon?Q?d=FF?= x", "a character set that is not known"},
	{"=?utf-8?Q?a?= =?x-klingon?Q?b?= =?utf-8?Q?c?=", "a =?x-klingon?Q?b?= c", "between words that are known"},
	{"a =?x?= b =? c ?= d =?", "a =?x?= b =? c ?= d =?", "no words"},
	{"=?=?=?=?=", "=?=?=?=?=", "no words"},
	{"=?utf-8?Q?=?=", "=", "an equals sign alone"},
	{"=?utf-8?Q?==?=", "==", "two"},
	{"=?utf-8?Q?a=3?=", "a=3", "an escape that is cut"},
	{"=?utf-8?Q?a=zz=c3=bc?=", "a=zzü", "no escape, then one in lower case"},
	{"=?utf-8?Q?hello world  x?=", "hello world  x", "blanks that are not encoded"},
	{"=?utf-8?Q?really? yes??=", "really? yes?", "question marks that are not encoded"},
	{"=?utf-8?Q?What?=20is=20?=", "What? is ", "a question mark before an escape"},
	{"=?utf-8?Q?a?=20 b", "a20 b", "the end of a word before digits"},
	{"=?utf-8?Q?a?=3D?=", "a?=", "a question mark and an equals sign"},
	{"=?utf-8?Q?a=\r\n b?=", "ab", "a soft line break"},
	{"=?utf-8?Q?a\r\n b?=", "a b", "folded within a word"},
	{"=?utf-8?B?w7xi\r\n ZXI=?=", "über", "folded within a word"},
	{"=?UTF-8?Q?\"quoted\" <a@b>?=", "\"quoted\" <a@b>", "specials that are not encoded"},
	{"\"=?utf-8?Q?=C3=BC?=\"", "\"ü\"", "in quotes that a server left"},
	{"=?utf-8?Q?=C3=BC", "ü", "cut before its end"},
	{"=?utf-8?B?w7xiZXI", "über", "cut before its end"},
	{"=?utf-8?B?w7xiZXI=?", "über", "cut in its end"},
	{"x =?utf-8?Q?for the syntax", "x =?utf-8?Q?for the syntax", "text that begins like a word"},
	{"=?utf-8?Q?a =?utf-8?Q?b?=", "ab", "no end before the next"},
	{"=?utf-8?Q?=ef=bb=bfa?=", "a", "a byte order mark"},
	{"=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=", "=?utf-8?Q?a?=", "decoded once"},
}

func TestEncodedWords(t *testing.T) {
	checkTexts(t, Decoder{}, wordCases)
}

var base64Cases = []textCase{
	{"=?utf-8?b?4?= =?utf-8?b?oKw=?=", "₰", "after one digit"},
	{"=?utf-8?b?4o?= =?utf-8?b?Ks?=", "€", "after two"},
	{"=?utf-8?b?4oK?= =?utf-8?b?s?=", "€", "after three"},
	{"=?utf-8?b?4oKs?= =?utf-8?b?4oKs?=", "€€", "after four"},
	{"=?utf-8?b?4o==?= =?utf-8?b?Ks?=", "€", "cut and padded"},
	{"=?utf-8?b?4oK=?= =?utf-8?b?s4oKs?=", "€€", "cut and padded"},
	{"=?utf-8?b?w7w?= =?utf-8?b?w7w?=", "üü", "padding is missing"},
	{"=?utf-8?b?w7w=?= =?utf-8?b?w7w=?=", "üü", "padding where it belongs"},
	{"=?utf-8?b?w7w=w7w=?=", "üü", "padding in the midst"},
	{"=?utf-8?b?YQ==Yg==Yw==?=", "abc", "padding in the midst"},
	{"=?utf-8?b?YWJj====?=", "abc", "more padding than there is room for"},
	{"=?utf-8?b?w7?= =?utf-8?b?w?=", "ü", "inside the character"},
	{"=?utf-8?b?w7w?= x", "ü x", "padding is missing at the end"},
	{"=?utf-8?b?w7xiZ?=", "üb", "one digit too many"},
	{"=?utf-8?b?w7 xi*ZXI=?=", "über", "what is no base64 is left out"},
	{"=?utf-8?b?8J-YgA==?=", "😀", "the alphabet of URLs"},
	{"=?gb2312?b?1tC?= =?gb2312?b?5+g==?=", "中国", "two bytes of a character in two words"},
	{"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü", "a character cut between words"},
	{"=?utf-8?Q?=C3=?= =?utf-8?Q?BC?=", "ü", "an escape cut behind its sign"},
	{"=?utf-8?Q?=C3=B?= =?utf-8?Q?C=C3=?= =?utf-8?Q?BC?=", "üü", "escapes cut in two places"},
	{"=?utf-8?B?w7?= =?utf-8?Q?=BC?=", "ü", "a character cut between words of two encodings"},
	{"=?UTF-8?B?0JTQvtCz0L7QstC+0YAg0L3QsCDQv9C+0YHRgtCw0L?=  =?UTF-8?B?LQutGDINC+0LHQvtGA0YPQtNC+0LLQsNC90LjRjy?=  =?UTF-8?B?DQuCDQv9GA0LjQu9C+0LbQtdC90LjQtSDQvdC+0LzQtdGAINGB0LXQvNGMLnBkZg==?=",
		"Договор на поставку оборудования и приложение номер семь.pdf", "three words"},
}

func TestBase64CutAnywhere(t *testing.T) {
	checkTexts(t, Decoder{}, base64Cases)
}

var utf8Cases = []textCase{
	{"=?utf-8?Q?=D0=9F=D0=BE=D1=80=D0=?=@ Wed", "Пор\uFFFD=@ Wed", "cut in its last character"},
	{"=?utf-8?Q?=D0=9F=D0=BE=D1=80=D0?= x", "Пор\uFFFD x", "cut in its last character"},
	{"=?utf-8?Q?=D0=9F=FF=D0=BE?=", "П\uFFFDо", "one byte that is wrong"},
	{"=?utf-8?Q?caf=E9?=", "café", "no UTF-8 at all"},
	{"=?utf-8?Q?=81=8D=8F=90=9D?=", "\u0081\u008d\u008f\u0090\u009d", "bytes that windows-1252 leaves out"},
	{"=?us-ascii?Q?=C3=BC?= =?us-ascii?Q?caf=E9?=", "ücaf\uFFFD", "more than ASCII, in one run"},
	{"=?us-ascii?Q?caf=E9?=", "café", "more than ASCII"},
	{"=?unknown-8bit?Q?caf=C3=A9?=", "café", "what declares nothing"},
	{"=?iso-8859-1?Q?=80=93=FC?=", "€“ü", "windows-1252 that says it is iso-8859-1"},
	{"=?iso-8859-1?Q?=C3=BC?=", "Ã¼", "what is declared is taken at its word"},
}

func TestDeclaredUTF8(t *testing.T) {
	checkTexts(t, Decoder{}, utf8Cases)
}

var charsetCases = []textCase{
	{"=?gb2312?B?xOO6ww==?=", "你好", "GB 2312"},
	{"=?gb2312?Q?=8F=88?=", decodeWith(gb18030, "\x8f\x88"), "GBK that says it is GB 2312"},
	{"=?gb2312?Q?=95=F2=80?=", decodeWith(gb18030, "\x95\xf2") + "€", "the euro of code page 936"},
	{"=?gbk?Q?=81=30=89=36?=", "Ý", "GB18030 that says it is GBK"},
	{"=?hz-gb-2312?Q?~{VPND~}?=", "中文", "HZ"},
	{"=?big5?B?pKSk5Q==?=", "中文", "Big5"},
	{"=?ks_c_5601-1987?B?x9GxuQ==?=", "한국", "KS C 5601"},
	{"=?ks_c_5601-1987?Q?=81=41?=", "갂", "code page 949 that says it is KS C 5601"},
	{"=?iso-2022-kr?B?GyQpQw5HUTE5Pm4PIGFiYw==?=", "한국어 abc", "ISO-2022-KR"},
	{"=?iso-2022-jp?Q?=E3=83=86?=", "テ", "UTF-8 that says it is ISO-2022-JP"},
	{"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト", "ISO-2022-JP"},
	{"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= =?iso-2022-jp?B?GyRCJUYbKEI=?=", "テストテ", "two words"},
	{"=?iso-2022-jp?B?GyRCJUYlOQ==?= =?iso-2022-jp?B?JUgbKEI=?=", "テスト", "cut without a way back to ASCII"},
	{"=?_iso-2022-jp$ESC?B?GyRCJDMbKEI=?=", "こ", "a name that a mailing list makes"},
	{"=?iso-2022-jp?B?GyhJMTIzGyhC?=", "ｱｲｳ", "half-width letters"},
	{"a =?utf-8?B?w?= b", "a =?utf-8?B?w?= b", "base64 in which nothing can be read stays"},
	{"a =?utf-8?B??= b", "a  b", "and nothing stays nothing"},
	{"=?iso-2022-jp?Q?=B1=B2=B3?=", "ｱｲｳ", "half-width letters in eight bits"},
	{"=?iso-2022-jp?Q?=B1=E6=97=A5=B2=1B$BF|=1B(B=E3=81?=", "ｱ日ｲ日\uFFFD\uFFFD", "UTF-8 of three bytes between letters in eight bits"},
	{"=?iso-2022-jp?B?DjEyMw8gYQ==?=", "ｱｲｳ a", "half-width letters between SO and SI"},
	{"=?iso-2022-jp?B?GyRCLSEbKEI=?=", "①", "a sign of NEC"},
	{"=?iso-2022-jp-2?B?GyRBNXo7eRsoQg==?=", decodeWith(gb18030, "\xb5\xfa\xbb\xf9"), "Chinese in ISO-2022-JP-2"},
	{"=?shift_jis?B?g2WDWINn?=", "テスト", "Shift JIS"},
	{"=?shift_jis?Q?=87=40?=", "①", "code page 932 that says it is Shift JIS"},
	{"=?euc-jp?B?pcalubXI?=", "テス" + decodeWith(Lookup("euc-jp"), "\xb5\xc8"), "EUC-JP"},
	{"=?big5?Q?=C6=E7=C7=F3?=", "ぁА", "kana and Cyrillic of ETEN in Big5"},
	{"=?johab?Q?=D0e=8A=82?= =?cp1361?Q?=E0=31?=", "한국伽", "Johab"},
	{"=?shift_jis-2004?Q?=82=F5=F0@?= =?Shift_JISX0213?Q?=87=9F?=", "か\u309a\U00020089俱", "both planes of JIS X 0213 in Shift_JIS-2004"},
	{"=?euc-jis-2004?Q?=A4=F7=8F=A1=A1?= =?euc-jisx0213?Q?=8F=B0=A1?=", "か\u309a\U00020089丂", "EUC-JIS-2004, with JIS X 0212"},
	{"=?iso-2022-jp-3?Q?=1B$(O$w?= =?iso-2022-jp-3?Q?$\"=1B$(P!!=1B(B?=", "か\u309aあ\U00020089", "ISO-2022-JP-3"},
	{"=?koi8-r?B?8NLJ18XU?=", "Привет", "KOI8-R"},
	{"=?windows-1251?B?z/Do4uXy?= =?cp1251?B?z/Do4uXy?=", "ПриветПривет", "windows-1251"},
	{"=?windows-1255?Q?=F9=EC=E5=ED?=", "שלום", "Hebrew"},
	{"=?tis-620?Q?=A1=D2?=", "กา", "Thai"},
	{"=?utf-7?Q?+AOQ-?= =?unicode-1-1-utf-7?Q?+AOQ-?= =?utf-7?Q?a+-b_+ZeVnLA?=", "ääa+b 日本", "UTF-7"},
	{"=?utf-7?B?K0FPUS0=?=", "ä", "UTF-7 in base64"},
	{"=?utf-16?B?/v8A/A==?=", "ü", "UTF-16 with its mark"},
	{"=?utf-16le?B?/AA=?=", "ü", "UTF-16LE"},
	{"=?cp437?Q?=81?= =?ibm850?Q?=81?=", "üü", "code pages of DOS"},
	{"=?macintosh?Q?=9F?=", "ü", "Mac"},
}

func TestCharacterSets(t *testing.T) {
	checkTexts(t, Decoder{}, charsetCases)
}

var rawCases = []textCase{
	{"\xfcber", "über", "windows-1252"},
	{"Re: \x1b$B%F%9%H\x1b(B test", "Re: テスト test", "ISO-2022-JP that declares nothing"},
	{"\x1b(J\x1b$@%F\x1b(J", "テ", "ISO-2022-JP of 1978"},
	{"=?us-ascii?Q?=1B$B%F=1B(B?=", "テ", "ISO-2022-JP that says it is ASCII"},
	{"\x1b$x \x1b", "\uFFFD$x \uFFFD", "another escape"},
	{"für \x1b(Jgrüße \x1b$B%F%9%H\x1b(B здесь", "für grüße テスト здесь", "ISO-2022-JP in UTF-8"},
	{"\x1b(I1\x1b(J \xb1\xb2", "ｱ ｱｲ", "ISO-2022-JP with half-width letters of eight bits"},
	{"über", "über", "UTF-8"},
	{"\x8f\x88\xcf\xc8\xc9\xfa.xlsx", "\u008fˆÏÈÉú.xlsx", "GBK: a guess that keeps the bytes"},
	{"Привет \xd0", "Привет \uFFFD", "UTF-8 that was cut"},
	{"Привет \xff мир", "Привет ÿ мир", "UTF-8 with a byte of another"},
	{"Grüße, sch\xf6n", "Grüße, schön", "UTF-8 and windows-1252"},
	{"Grüße, Größe \x81\x8d", "Grüße, Größe \u0081\u008d", "UTF-8 and bytes that windows-1252 leaves out"},
	{"Grüße, Größe \xe2\x82", "Grüße, Größe \uFFFD", "UTF-8 that was cut in the third byte"},
	{"\xed\xa0\xbd\xed\xb8\x80 und 😀😀😀 \xed\xa0.", "😀 und 😀😀😀 í\u00a0.", "surrogates as UTF-8, and half of one"},
	{"=?utf-8?Q?=ED=A0=BD=ED=B8=80?=", "😀", "surrogates as UTF-8"},
	{"\xfcber =?utf-8?Q?=C3=BC?= \xfc", "über ü ü", "beside words"},
	{"ü \xfc", "Ã¼ ü", "as much of one as of the other"},
	{"\xc4\xa3\xca\xbd\xb2\xe2\xca\xd4", "Ä£Ê½²âÊÔ", "GBK that looks like UTF-8 at its beginning"},
	{"=?utf-8?Q?\xc3\xbc?=", "ü", "bytes above 127 in a word"},
	{"=?utf-8?Q?\xfc?=", "ü", "bytes above 127 in a word that are no UTF-8"},
}

func TestRawBytes(t *testing.T) {
	checkTexts(t, Decoder{}, rawCases)
	all := make([]byte, 0, 128)
	for b := 0x80; b < 0x100; b++ {
		all = append(all, byte(b))
	}
	text := []rune(Decoder{}.Text(string(all)))
	assert.Len(t, text, len(all))
	seen := map[rune]bool{}
	for _, r := range text {
		assert.False(t, seen[r] || r == utf8.RuneError, "%U does not tell its byte", r)
		seen[r] = true
	}
}

func TestFallback(t *testing.T) {
	checkTexts(t, Decoder{Lookup("gb2312")}, []textCase{
		{"\xc4\xa3\xca\xbd\xb2\xe2\xca\xd4", "模式测试", "GBK"},
		{"\xc4\xe3 =?utf-8?Q?=C3=BC?= =?us-ascii?Q?=C4=E3?=", "你 ü你", "also in words that declare nothing"},
		{"über", "über", "UTF-8 stays UTF-8"},
		{"=?utf-8?Q?=C4=E3?=", "你", "a word that is no UTF-8 at all"},
	})
	checkTexts(t, Decoder{Lookup("shift_jis")}, []textCase{{"\x83e\x83X\x83g", "テスト", "Shift JIS"}})
	checkTexts(t, Decoder{Lookup("windows-1251")}, []textCase{
		{"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет", "windows-1251"},
		{"Привет, мир\xd0", "Привет, мир\uFFFD", "UTF-8 that was cut"},
	})
}

var lineCases = []textCase{
	{"second quarter\r\n report", "second quarter report", "folded"},
	{"second quarter\r\n\treport", "second quarter report", "folded with a tab"},
	{"second quarter\n report", "second quarter report", "folded with LF alone"},
	{"\r\n =?utf-8?Q?a?=", "a", "folded before the first word"},
	{"\r\n\ta", "a", "folded before the first word"},
	{" a", " a", "a blank before the first word"},
	{"a\r\nb", "a b", "not folded"},
	{"a\rb\nc", "a b c", "CR and LF alone"},
	{"a\r\r\nb", "a b", "CR CR LF"},
	{"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x", "encoded"},
	{"=?utf-8?Q?a=0Ab=0Dc?=", "a b c", "encoded"},
	{"=?utf-16be?B?AGEADQAKAGI=?=", "a b", "in UTF-16"},
	{"a\x00b\x1b[31mc\x7f", "a\uFFFDb\uFFFD[31mc\uFFFD", "controls"},
	{"=?utf-8?Q?a=00b=1B?=", "a\uFFFDb\uFFFD", "encoded controls"},
	{"a\u0085b\u2028c\u2029d", "a b c d", "other ends of lines"},
	{"a\u009bb\u0090c", "a\uFFFDb\uFFFDc", "controls above 127"},
	{"a\tb", "a b", "a tab"},
}

func TestOneLine(t *testing.T) {
	checkTexts(t, Decoder{}, lineCases)
	for _, in := range []string{"a\r\n b", "a\tb", "\xff\x00\u2028"} {
		once := Clean(in)
		assertLine(t, once, in)
		assert.Equal(t, once, Clean(once))
	}
}

func TestIsPlain(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := make([]byte, n)
				for i := range b {
					b[i] = byte(' ' + i)
				}
				b[at] = byte(c)
				if got, want := isPlain(string(b)), c >= ' ' && c < 0x7f; got != want {
					t.Fatalf("%q: %v", b, got)
				}
			}
		}
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { Decoder{}.Text("Re: the minutes of the meeting on Monday") }))
}
