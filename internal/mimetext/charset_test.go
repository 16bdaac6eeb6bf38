package mimetext

import (
	"strings"
	"testing"
	"testing/iotest"

	"io"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/transform"
)

// wildNames are names of character sets in real mail, by what their bytes mean.
var wildNames = []struct{ names, bytes, text string }{
	{"utf-8 UTF-8 utf8 UTF8 Utf-8 utf_8 x-utf8 x-utf-8 'utf-8' \"utf-8\" utf-8; unicode-1-1-utf-8 cp65001 65001 utf8mb4 UTF-8*en csUTF8 utf-8, charset=utf-8 Charset=\"UTF-8\"", "\xc3\xbc", "ü"},
	{"us-ascii ASCII ANSI_X3.4-1968 iso646-us us ansi_x3.110-1983 unknown-8bit x-unknown unknown default x-user-defined", "a", "a"},
	{"iso-8859-1 ISO_8859-1 ISO8859-1 iso8859_1 8859-1 8859_1 iso-8859-1:1987 latin1 latin-1 L1 ISO-8859-1; x-iso-8859-1 iso88591 cp819 csISOLatin1 ibm819 ISO-IR-100 windows-1252 " +
		"cp1252 cp-1252 WIN-1252 windows1252 win1252 x-cp1252 ms-ansi ansi x-ansi Windows_1252 mswin1252 ansi-1252 iso_8859-1-1987", "\xfc", "ü"},
	{"iso-8859-2 latin2 iso8859-2 8859_2 csisolatin2 iso88592 windows-28592 ISO_8859-2:1987", "\xb1", "ą"},
	{"iso-8859-15 latin-9 latin9 iso8859-15 ISO_8859-15 iso885915 8859-15 cp923 latin-0 csISOLatin9", "\xa4", "€"},
	{"iso-8859-5 cyrillic iso8859-5 ISO_8859-5:1988", "\xb0", "А"},
	{"iso-8859-7 greek ELOT_928 iso8859_7", "\xe1", "α"},
	{"iso-8859-8 iso-8859-8-i ISO-8859-8-E logical visual hebrew windows-1255 iso8859-8", "\xe0", "א"},
	{"iso-8859-9 latin5 windows-1254 cp1254 iso8859-9", "\xfe", "ş"},
	{"iso-8859-11 tis-620 windows-874 cp874 TIS620 x-thai", "\xa1", "ก"},
	{"windows-1250 cp1250 win-1250 x-cp1250 cswindows1250", "\xb9", "ą"},
	{"windows-1251 cp1251 CP-1251 win1251 windows1251 x-cp-1251 ansi-1251 Windows-1251; microsoft-cp1251", "\xcf", "П"},
	{"windows-1256 cp1256", "\xc7", "ا"},
	{"windows-1257 cp1257", "\xe0", "ą"},
	{"windows-1258 cp1258", "\xd0", "Đ"},
	{"koi8-r KOI8R koi8_r koi8 koi x-koi8-r cskoi8r cp20866 koi8-u KOI8U koi8-ru", "\xf0", "П"},
	{"cp437 ibm437 437 dos-437 cp850 ibm850 x-cp850 ibm-00850 cp852 ibm852 cp858 cp860 cp863 cp865", "\x81", "ü"},
	{"cp866 ibm866 866 dos-866 csibm866", "\x8f", "П"},
	{"macintosh mac x-mac-roman x-macintosh macroman MacRoman", "\x9f", "ü"},
	{"x-mac-cyrillic x-mac-ukrainian mac-cyrillic", "\x8f", "П"},
	{"gb2312 GB_2312-80 gbk GBK x-gbk cp936 ms936 936 gb18030 GB-18030 EUC-CN x-euc-cn chinese csgb2312 x-cp936 windows-936 cn-gb iso-ir-58", "\xd6\xd0", "中"},
	{"hz-gb-2312 HZ hz", "~{VP~}", "中"},
	{"big5 big-5 BIG5 cn-big5 x-x-big5 big5-hkscs cp950 ms950 x-windows-950 csbig5 big5-eten", "\xa4\xa4", "中"},
	{"euc-kr EUCKR euc_kr ks_c_5601-1987 ks_c_5601 KSC5601 ksc_5601 KSC_5601-1987 cp949 ms949 windows-949 korean x-windows-949 uhc cseuckr ks_c_5601-1989", "\xb0\xa1", "가"},
	{"euc-jp EUCJP x-euc-jp ujis eucjp-ms euc_jp x-euc", "\xc6\xfc", "日"},
	{"johab JOHAB x-johab cp1361 ms1361 windows-1361 1361 KS_C_5601-johab", "\x88\x61", "가"},
	{"euc-jis-2004 EUC_JIS_2004 euc-jisx0213 eucjisx0213 eucjp-2004 jisx0213", "\xae\xa1", "俱"},
	{"shift_jis-2004 Shift_JIS-2004 shift_jisx0213 shiftjis2004 sjis-2004 sjisx0213", "\x87\x9f\x5c", "俱\\"},
	{"iso-2022-jp-3 iso-2022-jp-2004 ISO2022JP3 iso2022_jp_2004", "\x1b$(Q\x24\x77\x1b(B", "か\u309a"},
	{"shift_jis shift-jis ShiftJIS sjis x-sjis SJIS ms_kanji windows-31j cp932 ms932 x-ms-cp932 csWindows31J cp943 Shift_JIS; shiftjis", "\x93\xfa", "日"},
	{"iso-2022-jp ISO2022JP csISO2022JP iso-2022-jp-ms cp50220 cp50221 jis iso-2022-jp-1 iso-2022-jp-2 iso_2022_jp", "\x1b$BF|\x1b(B", "日"},
	{"utf-7 UTF7 unicode-1-1-utf-7 x-unicode-2-0-utf-7 csUnicode11UTF7 cp65000", "+ZeU-", "日"},
	{"utf-16 utf-16be UTF16BE ucs-2 iso-10646-ucs-2 utf_16", "\x65\xe5", "日"},
	{"utf-16le UTF16LE unicode cp1200", "\xe5\x65", "日"},
	{"utf-32 utf-32be ucs-4", "\x00\x00\x65\xe5", "日"},
}

func TestNamesOfCharacterSets(t *testing.T) {
	n := 0
	for _, c := range wildNames {
		for name := range strings.FieldsSeq(c.names) {
			n++
			e := Lookup(name)
			if e == nil {
				t.Errorf("%s is not known", name)
				continue
			}
			got, err := e.NewDecoder().String(c.bytes)
			assert.NoError(t, err, name)
			assert.Equal(t, c.text, got, name)
		}
	}
	assert.Greater(t, n, 100)
	t.Log(n, "names")
}

func TestNamesThatMeanNothing(t *testing.T) {
	for _, name := range []string{"", "  ", "x-", "klingon", "iso-8859-12", "cp9999", "x-cp99999999999", "utf-9", "iso-8859-99", "replacement",
		"ö", strings.Repeat("x", 1000), "=?", "cp", "windows-", "8859-x"} {
		assert.Nil(t, Lookup(name), "%q", name)
	}
}

// A decoder reads its input in whatever pieces it arrives.
func TestDecodersInPieces(t *testing.T) {
	for _, c := range []struct{ charset, in, want string }{
		{"utf-7", "a+AOQ-b +2D3eAA- +ZeU- 1 +- 2 +", "aäb 😀 日 1 + 2 +"},
		{"utf-7", "+2D0-x +3gA-", "\uFFFDx \uFFFD"},
		{"utf-7", "+2D0", "\uFFFD"},
		{"windows-1252", "\x80\x81\x8d\x8f\x90\x9d\xff", "€\u0081\u008d\u008f\u0090\u009dÿ"},
		{"johab", "a\x88\x61\x88\x40\xd9\x31\xe0\x31\x80\xff\xd9\x90\x84\x00\x88", "a가\uFFFD@\u3000伽\uFFFD\uFFFD\uFFFD\uFFFD\x00\uFFFD"},
		{"euc-jis-2004", "a\xa4\xf7\xa4\xa2\x8e\xb1\x8f\xa1\xa1\x8f\xb0\xa1\xa4\x41\x80\x8f\xa1", "aか\u309aあｱ\U00020089丂\uFFFDA\uFFFD\uFFFD"},
		{"shift_jis-2004", "a\x82\xf5\x82\xa0\xb1\xf0\x40\xfc\xf4\x81\x20\xfd\x82", "aか\u309aあｱ\U00020089\U0002A6B2\uFFFD \uFFFD\uFFFD"},
		{"iso-2022-jp-3", "\x1b$(Q\x24\x77\x1b$(P\x21\x21\x22\x21\x1b(Ba\x1b$(P\x21", "か\u309a\U00020089\uFFFDa\uFFFD"},
		{"gb2312", "\x80 \xd6\xd0 \x81\x30\x89\x36", "€ 中 Ý"},
	} {
		for _, size := range []int{1, 1000} {
			var r io.Reader = strings.NewReader(c.in)
			if size == 1 {
				r = iotest.OneByteReader(r)
			}
			got, err := io.ReadAll(transform.NewReader(r, Lookup(c.charset).NewDecoder()))
			assert.NoError(t, err)
			assert.Equal(t, c.want, string(got), "%s %q", c.charset, c.in)
		}
	}
}
